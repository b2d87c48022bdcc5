"""How other tools count MACs: a row for each kind of layer, with the quantity that each convention counts for it.

A decision is `nothing`, or a sum of quantities such as `macs + bias` or `2 n`; `QUANTITIES` defines each for a
layer with an input of shape x and an output of shape y. All are integers for one sample, so rows add up to the
total.

Every kind of layer has a row here, and a kind without one raises `UndecidedKindError`. If a decision depends on
more than the kind, further rows are for a mode (`upsample:bilinear`), for a number of spatial axes (`gap:2d`), or
for both; the row with the longest matching name applies.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.figures.cost import CONVENTION_SYNONYMS, CONVENTIONS, DEFAULT_CONVENTION
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.taps import largest_bin
from cnncalc.layers.timewise import Timewise
from cnncalc.shape import Shape, Size, known_part

#: Stands for the kind of an operator that the language has no word for: only model files have them.
OPERATOR = "operator"

#: The decision to count nothing for a kind of layer.
NOTHING = "nothing"

#: The decision to count a kind by the layers that it is made of (`Layer.decompose`).
PARTS = "parts"

#: Quantity → its definition, and its value for a layer, the shapes of its inputs and that of its output.
QUANTITIES: dict[str, tuple[str, Callable[[Any, Sequence[Shape], Shape], Size]]] = {
    "macs": ("multiply-adds of a convolution or matrix product", lambda layer, x, y: layer.multiply_adds(x[0], y)),
    "n": ("output elements", lambda layer, x, y: y.elements),
    "in": ("input elements", lambda layer, x, y: x[0].elements),
    "bias": ("output elements where there is a bias", lambda layer, x, y: y.elements if layer.bias else 0),
    "affine": ("output elements unless `noaffine`", lambda layer, x, y: y.elements if layer.affine else 0),
    "channels": ("output channels", lambda layer, x, y: y.channels),
    "positions": ("output elements of one channel", lambda layer, x, y: prod(y.spatial)),
    "one": ("one, whatever the size", lambda layer, x, y: 1),
    "(arms−1)·n": ("output elements for each arm but one", lambda layer, x, y: y.elements * (len(x) - 1)),
    "∏F·n": ("window elements of each output", lambda layer, x, y: y.elements * prod(layer.kernel)),
    "F₁·n": ("for each output the window's length on the first axis", lambda layer, x, y: y.elements * layer.kernel[0]),
    "∏B·n": (
        "elements of the largest bin, for each output",
        lambda layer, x, y: y.elements * prod(map(largest_bin, x[0].spatial, y.spatial)),
    ),
    "size·n": ("channels across, for each output", lambda layer, x, y: y.elements * layer.size),
    "size·positions": ("channels across, for each position", lambda layer, x, y: prod(y.spatial) * layer.size),
    "states": (
        "elements of the state at all steps, in each direction and layer",
        lambda layer, x, y: layer.states(x[0]),
    ),
    "forward": (
        "elements of the state at all steps, in each layer's forward direction",
        lambda layer, x, y: layer.states(x[0]) // layer.directions,
    ),
    "biases": ("biases that are added at all steps or positions", lambda layer, x, y: layer.biases_added(x[0])),
    "projections": (
        "multiply-adds of queries, keys, values and the output of attention",
        lambda layer, x, y: layer.projection_macs(x[0]),
    ),
    "scores": ("elements of the softmax of attention", lambda layer, x, y: layer.scores(x[0])),
    "offsets": (
        "of those, where a learnt number for the offset is added",
        lambda layer, x, y: layer.offsets_added(x[0]),
    ),
    "queries": ("elements of the queries of attention", lambda layer, x, y: layer.queries(x[0])),
    "∏F·(C/g)·n": (
        "for each output a window over its group of input channels",
        lambda layer, x, y: prod(layer.kernel) * (x[0].channels // layer.groups) * y.elements,
    ),
    "∏F·(K/g)·n": (
        "for each output a window over its group of output channels",
        lambda layer, x, y: prod(layer.kernel) * (y.channels // layer.groups) * y.elements,
    ),
}

# fmt: off
#: Kinds of layer → what each convention counts for them, in the order of CONVENTIONS; or one decision for all.
DECISIONS: dict[str, str | tuple[str, str, str, str, str]] = {
    #                         torchvision  fvcore        ptflops        thop           onnx-tool
    "conv dwconv fc":        ("macs",     "macs",       "macs + bias", "macs",        "macs + bias"),
    "sepconv":               PARTS,
    # thop takes it for a convolution of the output's size.
    "deconv":                ("macs",     "macs",       "macs + bias", "∏F·(C/g)·n",  "∏F·(K/g)·n + bias"),
    # fvcore does not know them; onnx-tool takes what a step computes beside its products once for both directions.
    "lstm":                  ("macs", NOTHING, "macs + biases + 10 states", "macs + biases + 8 states",
                              "macs + biases + 180 forward"),
    "gru":                   ("macs", NOTHING, "macs + biases + 7 states", "macs + biases + 7 states",
                              "macs + biases + 110 forward"),
    # onnx-tool has no rule for it, and stops.
    "rnn":                   ("macs", NOTHING, "macs + biases + states", "macs + biases + states", NOTHING),
    # What its layer comes to at a step, at all of them.
    "timewise":              PARTS,
    # Written as its two convolutions, and its gates by operators.
    "convlstm":              ("macs", "macs", "macs + biases", "macs", "macs + biases + 256 states"),
    # Written out as two matrix products between fully connected layers; thop and ptflops find these alone.
    "attention":             ("macs", "macs", "projections + biases", "projections",
                              "macs + biases + 36 scores + offsets + queries"),
    OPERATOR:                "macs",

    "bn":                    (NOTHING,    "n + affine",   "n + affine", "2 n + 2 affine", "31 n"),
    "ln":                    (NOTHING,    "4 n + affine", "n",          "2 n + 2 affine", "7 n + 29 positions"),
    "gn":                    (NOTHING,    "4 n + affine", "n + affine", NOTHING,          "9 n"),
    "instancenorm":          (NOTHING,    "4 n + affine", "n + affine", "2 n + 2 affine", "7 n"),
    "lrn":                   (NOTHING,    NOTHING, "4 n + size·positions - positions", NOTHING, "37 n + size·n"),
    "grn":                   (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "29 n + 5 channels + one"),
    "scale":                 (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "n + bias"),

    "relu":                  (NOTHING,    NOTHING,      "2 n",         NOTHING,       "n"),
    "relu6 leakyrelu":       (NOTHING,    NOTHING,      "n",           NOTHING,       "2 n"),
    "prelu":                 (NOTHING,    NOTHING,      "2 n",         "n",           "2 n"),
    "elu":                   (NOTHING,    NOTHING,      "2 n",         NOTHING,       "35 n"),
    "gelu":                  (NOTHING,    NOTHING,      "2 n",         NOTHING,       "7 n"),
    "silu":                  (NOTHING,    NOTHING,      "n",           NOTHING,       "33 n"),
    "mish":                  (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "153 n"),
    "sigmoid":               (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "32 n"),
    "hardsigmoid":           (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "4 n"),
    "hardswish":             (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "5 n"),
    "tanh softplus":         (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "76 n"),
    "hardtanh":              (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "2 n"),
    "softsign":              (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "6 n"),
    "softmax":               (NOTHING,    NOTHING,      "n",           "3 n - positions", "36 n"),
    "logsoftmax":            (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "80 n"),
    # onnx-tool has no weight for these two, and stops.
    "selu celu":             NOTHING,

    "pool":                  (NOTHING,    NOTHING,      "2 in",        NOTHING,       "∏F·n"),
    "avgpool":               (NOTHING,    NOTHING,      "2 in",        "n",           "∏F·n"),
    # Of a window on three axes, onnx-tool multiplies the first alone.
    "pool:3d":               (NOTHING,    NOTHING,      "2 in",        NOTHING,       "F₁·n"),
    "avgpool:3d":            (NOTHING,    NOTHING,      "2 in",        "n",           "F₁·n"),
    # Of pools, upsampling and resizing, fvcore knows those of two axes.
    "gap":                   (NOTHING,    NOTHING,      "2 in",        "in + n",      "in + 4 n"),
    "gap:2d":                (NOTHING,    "in",         "2 in",        "in + n",      "in + 4 n"),
    "gmp":                   (NOTHING,    NOTHING,      "2 in",        NOTHING,       "in"),
    "adaptiveavgpool":       (NOTHING,    NOTHING,      "2 in",        "in + n",      "∏B·n"),
    "adaptiveavgpool:2d":    (NOTHING,    "in",         "2 in",        "in + n",      "∏B·n"),
    "adaptivemaxpool":       (NOTHING,    NOTHING,      "2 in",        NOTHING,       "∏B·n"),

    "upsample:nearest resize:nearest":
                             (NOTHING,    NOTHING,      "2 n",         "n",           NOTHING),
    "upsample:nearest:2d resize:nearest:2d":
                             (NOTHING,    "n",          "2 n",         "n",           NOTHING),
    # thop knows linear interpolation on one axis and on two.
    "upsample:bilinear resize:bilinear":
                             (NOTHING,    NOTHING,      "2 n",         NOTHING,       "4 n"),
    "upsample:bilinear:1d resize:bilinear:1d":
                             (NOTHING,    NOTHING,      "2 n",         "5 n",         "4 n"),
    "upsample:bilinear:2d resize:bilinear:2d":
                             (NOTHING,    "4 n",        "2 n",         "11 n",        "4 n"),

    "add mul":               (NOTHING,    NOTHING,      NOTHING,       NOTHING,       "(arms−1)·n"),

    # What moves or selects elements computes nothing, and dropout does nothing outside training.
    "pixelshuffle pixelunshuffle": NOTHING,
    "embedding parameter": NOTHING,
    "input flatten reshape rearrange slice shuffle concat pad crop dropout droppath identity": NOTHING,
}
# fmt: on


class Convention(NamedTuple):
    """A counting convention: its definition in words, and its decision for each row of `DECISIONS`.

    `checked` names the runs that the decisions reproduce: the tool and its release.
    """

    definition: str
    checked: str
    decisions: Mapping[str, str]

    @property
    def text(self) -> str:
        """The definition, with the runs that it was checked against."""
        return f"{self.definition}. Checked with {self.checked}"


#: Convention → its definition, and the runs that it is checked with.
DEFINITIONS = {
    "torchvision": (
        "multiply-adds of convolutions, deconvolutions and fc; no bias, norm, activation or pool. "
        f"{' and '.join(CONVENTION_SYNONYMS)} are other names for it: what they call MACs is the same",
        "the figures published with torchvision's models, deepspeed 0.19.8 and calflops 0.3.2",
    ),
    "fvcore": (
        "FlopCountAnalysis, whose flops are MACs: no bias; norms count, and on two axes mean pools over the whole "
        "input or to a size, and upsampling",
        "fvcore 0.1.5.post20221221",
    ),
    "ptflops": (
        "its pytorch backend, as it is by default: a module whose function is patched too counts twice, so pools, "
        "upsampling and most activations do; residual additions by an operator count nothing",
        "ptflops 0.7.5",
    ),
    "thop": (
        "no bias; a deconvolution is taken for a convolution of the output's size; norms count, of activations "
        "prelu and softmax, mean pools, and upsampling on one and two axes",
        "thop 0.1.1-2209072238",
    ),
    "onnx-tool": (
        "the operators of an ONNX file, each with a weight (a comparison 1, a division 4, exp 32). Batch norm is "
        "an operator of its own; exporters often fold it into the convolution before it, which then has a bias "
        "and counts n for it instead. Of a pool on three axes it takes the first alone. selu and celu have no weight",
        "onnx-tool 1.0.1",
    ),
}


def _decisions(convention: str) -> dict[str, str]:
    """Return the convention's column of `DECISIONS`, by single row names."""
    column = CONVENTIONS.index(convention)
    return {
        name: row if isinstance(row, str) else row[column] for names, row in DECISIONS.items() for name in names.split()
    }


TABLES = {name: Convention(*DEFINITIONS[name], _decisions(name)) for name in CONVENTIONS}


class UndecidedKindError(LookupError):
    """A kind of layer for which `DECISIONS` has no row."""

    def __init__(self, kind: str) -> None:
        super().__init__(
            f"no convention has a decision for `{kind}`: add a row for it to DECISIONS in "
            f"cnncalc/figures/conventions.py, `{NOTHING}` where nothing is counted"
        )


class ConventionCount(NamedTuple):
    """The MACs of a network by one convention: the total, and by kind of layer, without kinds that count 0.

    `difference` is the total minus that of the default convention; `differences` has the nonzero differences by kind
    of layer.
    """

    name: str
    macs: Size
    by_kind: dict[str, Size]
    difference: Size
    differences: dict[str, Size]


def compare_conventions(nodes: Sequence[Node], batch: int = 1) -> list[ConventionCount]:
    """Return the MACs of a network by every convention, the default first, for the whole batch."""
    counts = []
    default = _macs_by_kind(DEFAULT_CONVENTION, nodes, batch)
    for name in CONVENTIONS:
        by_kind = _macs_by_kind(name, nodes, batch)
        differences = {kind: by_kind.get(kind, 0) - default.get(kind, 0) for kind in {**default, **by_kind}}
        differences = {kind: more for kind, more in differences.items() if more}
        counts.append(ConventionCount(name, sum(by_kind.values()), by_kind, sum(differences.values()), differences))
    return counts


def _macs_by_kind(convention: str, nodes: Sequence[Node], batch: int) -> dict[str, Size]:
    sums: Counter[str] = Counter()
    macs_of = mac_counter(convention)
    for node in nodes:
        sums[node.layer.kind] += known_part(macs_of(node)) * batch
    return {kind: macs for kind, macs in sums.items() if macs}


def mac_counter(convention: str) -> Callable[[Node], Size]:
    """Return a function that counts the MACs of a node by the convention, for one sample.

    Results are cached: repeated layers on repeated shapes have equal counts. The function raises `UndecidedKindError`
    for a kind of layer without a row in `DECISIONS`.
    """
    decisions = {name: _terms(decision) for name, decision in TABLES[convention].decisions.items() if decision != PARTS}
    counted: dict[Any, Size] = {}

    def macs_of(node: Node) -> Size:
        key = (node.layer, node.input_shapes)
        if key not in counted:
            counted[key] = _macs(node, decisions)
        return counted[key]

    return macs_of


#: A decision as a sum: how often each quantity is counted, and what gives its value.
Terms = tuple[tuple[int, Callable[[Any, Sequence[Shape], Shape], Size]], ...]


def _macs(node: Node, decisions: Mapping[str, Terms]) -> Size:
    """Return the MACs of a node; those of a composed layer are the sum over its parts."""
    if not node.inputs:
        return 0
    x = node.input_shapes[0]
    layer, *rest = node.layer.decompose(x)
    if not rest:
        return _macs_of_layer(layer, node.input_shapes, node.shape, decisions)
    macs: Size = 0
    for part in (layer, *rest):
        y = part.output(x)
        macs += _macs_of_layer(part, (x,), y, decisions)
        x = y
    return macs


def _macs_of_layer(layer: Layer, inputs: Sequence[Shape], y: Shape, decisions: Mapping[str, Terms]) -> Size:
    if isinstance(layer, Timewise):
        steps = tuple(map(layer.step, inputs))
        return inputs[0].spatial[0] * _macs_of_layer(layer.layer, steps, layer.step(y), decisions)
    kind = layer.kind if layer.words else OPERATOR
    for name in row_names(kind, getattr(layer, "mode", ""), inputs[0].rank):
        if name in decisions:
            return sum(times * quantity(layer, inputs, y) for times, quantity in decisions[name])
    raise UndecidedKindError(kind)


def row_names(kind: str, mode: str, rank: int) -> tuple[str, str, str, str]:
    """Return the names of the rows that may apply to a layer, in order of precedence."""
    return f"{kind}:{mode}:{rank}d", f"{kind}:{mode}", f"{kind}:{rank}d", kind


def _terms(decision: str) -> Terms:
    """Return a decision as terms: `3 n - positions` as ((3, n), (-1, positions))."""
    if decision == NOTHING:
        return ()
    terms = []
    for term in decision.replace(" - ", " + -").split(" + "):
        times, _, quantity = term.removeprefix("-").rpartition(" ")
        sign = -1 if term.startswith("-") else 1
        terms.append((sign * int(times or 1), QUANTITIES[quantity][1]))
    return tuple(terms)
