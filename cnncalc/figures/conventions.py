"""How other tools count MACs: for each a table of rules, one for each kind of layer that it counts.

A rule is a sum of quantities, such as `macs + bias` or `2 n`; QUANTITIES says what each is for a layer with an
input of shape x and an output of shape y. A kind without a rule counts 0. Where a rule depends on more than
the kind, its name goes on: `upsample:bilinear` is for a mode, `gap:2d` for two spatial axes; the longest
name that fits decides. A layer made of others (`Layer.parts`) counts what they do; one without a word, which
only model files have, goes by OPERATOR.

All quantities are integers for one sample, so rows add up to the total. The one figure of a tool that can be
a fraction, netscope's for a deconvolution, is rounded down for each layer.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.figures.cost import CONVENTIONS, DEFAULT_CONVENTION
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.pool import largest_bin
from cnncalc.shape import Shape, Size

Rules = Mapping[str, str]

#: In place of a kind: an operator of a model file that the language has no word for.
OPERATOR = "operator"

#: Quantity → what it is, and its value for a layer, its inputs' shapes and its output's.
QUANTITIES: dict[str, tuple[str, Callable[[Any, Sequence[Shape], Shape], Size]]] = {
    "macs": ("multiply-adds of a convolution or matrix product", lambda layer, x, y: layer.multiply_adds(x[0], y)),
    "n": ("output elements", lambda layer, x, y: y.elements),
    "in": ("input elements", lambda layer, x, y: x[0].elements),
    "bias": ("output elements where there is a bias", lambda layer, x, y: y.elements if layer.bias else 0),
    "affine": ("output elements unless `noaffine`", lambda layer, x, y: y.elements if layer.affine else 0),
    "places": ("output elements of one channel", lambda layer, x, y: prod(y.spatial)),
    "(arms−1)·n": ("output elements for each arm but one", lambda layer, x, y: y.elements * (len(x) - 1)),
    "∏F·n": ("window elements of each output", lambda layer, x, y: y.elements * prod(layer.kernel)),
    "∏B·n": (
        "elements of the largest bin, for each output",
        lambda layer, x, y: y.elements * prod(map(largest_bin, x[0].spatial, y.spatial)),
    ),
    "size·n": ("channels across, for each output", lambda layer, x, y: y.elements * layer.size),
    "size·places": ("channels across, for each place", lambda layer, x, y: prod(y.spatial) * layer.size),
    "∏F·(C/g)·n": (
        "for each output a window over its group of input channels",
        lambda layer, x, y: prod(layer.kernel) * (x[0].channels // layer.groups) * y.elements,
    ),
    "∏F·(K/g)·n": (
        "for each output a window over its group of output channels",
        lambda layer, x, y: prod(layer.kernel) * (y.channels // layer.groups) * y.elements,
    ),
    "∏F·C·n": (
        "for each output a window over all input channels, as if there were no groups",
        lambda layer, x, y: prod(layer.kernel) * x[0].channels * y.elements,
    ),
    "∏(F/S)·C·n": (
        "for each output F/S taps on each axis over all input channels, rounded down to a whole number",
        lambda layer, x, y: prod(layer.kernel) * x[0].channels * y.elements // prod(layer.stride),
    ),
}


class Convention(NamedTuple):
    """What a tool counts. `apart` are sums that it prints beside its MACs, by name.

    `checked` is what the rules are checked with: the release whose runs they reproduce; empty where none was run.
    """

    definition: str
    rules: Rules
    apart: Mapping[str, Rules] = {}
    checked: str = ""

    @property
    def text(self) -> str:
        """The definition, with what it is checked against."""
        return f"{self.definition}. {f'Checked with {self.checked}' if self.checked else 'Not checked by a run of it'}"


POOLS = "pool avgpool"
GLOBAL_POOLS = "gap gmp"
ADAPTIVE_POOLS = "adaptiveavgpool adaptivemaxpool"
PRODUCTS = f"conv dwconv deconv fc {OPERATOR}"

TABLES: dict[str, Convention] = {
    "torchvision": Convention(
        "multiply-adds of convolutions, deconvolutions and fc; no bias, norm, activation or pool",
        {PRODUCTS: "macs"},
        checked="the figures published with torchvision's models",
    ),
    "fvcore": Convention(
        "FlopCountAnalysis, whose flops are MACs: no bias; norms count, and on two axes mean pools over the whole "
        "input or to a size, and upsampling",
        {
            PRODUCTS: "macs",
            "bn": "n + affine",
            "ln gn instancenorm": "4 n + affine",
            "gap:2d adaptiveavgpool:2d": "in",
            "upsample:nearest:2d": "n",
            "upsample:bilinear:2d": "4 n",
        },
        checked="fvcore 0.1.5.post20221221",
    ),
    "ptflops": Convention(
        "its pytorch backend, as it is by default: a module whose function is patched too counts twice, so pools, "
        "upsampling and most activations do; residual additions by an operator count nothing",
        {
            "conv dwconv deconv fc": "macs + bias",
            OPERATOR: "macs",
            "bn gn instancenorm": "n + affine",
            "ln": "n",
            "lrn": "4 n + size·places - places",
            "relu prelu elu gelu": "2 n",
            "relu6 leakyrelu silu softmax": "n",
            f"{POOLS} {GLOBAL_POOLS} {ADAPTIVE_POOLS}": "2 in",
            "upsample": "2 n",
        },
        checked="ptflops 0.7.5",
    ),
    "thop": Convention(
        "no bias; a deconvolution is taken for a convolution of the output's size; norms count, of activations "
        "prelu and softmax, mean pools, and upsampling on one and two axes",
        {
            f"conv dwconv fc {OPERATOR}": "macs",
            "deconv": "∏F·(C/g)·n",
            "bn ln instancenorm": "2 n + 2 affine",
            "prelu": "n",
            "softmax": "3 n - places",
            "avgpool": "n",
            "gap adaptiveavgpool": "in + n",
            "upsample:nearest": "n",
            "upsample:bilinear:1d": "5 n",
            "upsample:bilinear:2d": "11 n",
        },
        checked="thop 0.1.1-2209072238",
    ),
    "deepspeed": Convention(
        "the flops profiler's MACs: multiply-adds of convolutions, deconvolutions and fc; what else it counts is in "
        "its FLOPs alone",
        {PRODUCTS: "macs"},
        checked="deepspeed 0.19.8",
    ),
    "onnx-tool": Convention(
        "the operators of an ONNX file, each with a weight (a comparison 1, a division 4, exp 32). Batch norm is "
        "an operator of its own; exporters often fold it into the convolution before it, which then has a bias "
        "and counts n for it instead. selu and celu have no weight",
        {
            "conv dwconv fc": "macs + bias",
            OPERATOR: "macs",
            "deconv": "∏F·(K/g)·n + bias",
            "bn": "31 n",
            "ln": "7 n + 29 places",
            "gn": "9 n",
            "instancenorm": "7 n",
            "lrn": "37 n + size·n",
            "scale": "n + bias",
            "relu": "n",
            "relu6 hardtanh leakyrelu prelu": "2 n",
            "hardsigmoid": "4 n",
            "hardswish": "5 n",
            "softsign": "6 n",
            "gelu": "7 n",
            "sigmoid": "32 n",
            "silu": "33 n",
            "elu": "35 n",
            "softmax": "36 n",
            "tanh softplus": "76 n",
            "logsoftmax": "80 n",
            "mish": "153 n",
            POOLS: "∏F·n",
            "gap": "in + 4 n",
            "gmp": "in",
            ADAPTIVE_POOLS: "∏B·n",
            "upsample:bilinear": "4 n",
            "add mul": "(arms−1)·n",
        },
        checked="onnx-tool 1.0.1",
    ),
    "netscope": Convention(
        "its macc, for Caffe's layers: groups are not divided by, a deconvolution's rounded down where a stride does "
        "not divide its kernel; batch norm's weight and bias are Caffe's scale layer. comp, add, div and exp stand "
        "apart",
        {
            "conv dwconv": "∏F·C·n",
            "deconv": "∏(F/S)·C·n",
            f"fc {OPERATOR}": "macs",
            "bn": "affine",
            "lrn": "size·n",
            "scale mul": "n",
        },
        apart={
            "comp": {"relu dropout": "n", "pool": "∏F·n", "gmp": "in"},
            "add": {"bn lrn softmax add": "n", "avgpool": "∏F·n", "gap": "in"},
            "div": {"bn softmax": "n", "lrn": "2 n"},
            "exp": {"lrn softmax": "n"},
        },
    ),
}

assert tuple(TABLES) == CONVENTIONS


class ConventionCount(NamedTuple):
    """What one convention counts in a network: its MACs, those of each kind of layer, and what stands apart."""

    name: str
    macs: Size
    by_kind: dict[str, Size]
    #: By how much they are more than by the default convention: in all, and by kind of layer where they differ.
    difference: Size
    differences: dict[str, Size]
    apart: dict[str, Size]


def compare(nodes: Sequence[Node], batch: int = 1) -> list[ConventionCount]:
    """The MACs of a network by every convention, for the whole batch."""
    alike = _alike(nodes)
    usual = _sums(TABLES[DEFAULT_CONVENTION].rules, alike, batch)
    found = []
    for name, convention in TABLES.items():
        sums = _sums(convention.rules, alike, batch)
        macs = sum(sums.values())
        differences = {kind: sums.get(kind, 0) - usual.get(kind, 0) for kind in {**usual, **sums}}
        differences = {kind: more for kind, more in differences.items() if more}
        difference = sum(differences.values())
        found.append(ConventionCount(name, macs, sums, difference, differences, _apart(convention, alike, batch)))
    return found


def apart(nodes: Sequence[Node], name: str, batch: int) -> dict[str, Size]:
    """What a convention counts beside MACs, by name, for the whole batch."""
    return _apart(TABLES[name], _alike(nodes), batch)


#: Nodes, each with how many there are that cost the same: repeated layers on repeated shapes.
Alike = Sequence[tuple[Node, int]]


def _alike(nodes: Sequence[Node]) -> Alike:
    counts = Counter((node.layer, node.input_shapes) for node in nodes)
    first = {(node.layer, node.input_shapes): node for node in reversed(nodes)}
    return [(first[key], times) for key, times in counts.items()]


def _sums(rules: Rules, alike: Alike, batch: int) -> dict[str, Size]:
    """What the rules count, by kind of layer; kinds of which they count nothing are left out."""
    sums: Counter[str] = Counter()
    count = counting(rules)
    for node, times in alike:
        sums[node.layer.kind] += count(node) * times * batch
    return {kind: counted for kind, counted in sums.items() if counted}


def _apart(convention: Convention, alike: Alike, batch: int) -> dict[str, Size]:
    return {name: sum(_sums(rules, alike, batch).values()) for name, rules in convention.apart.items()}


def counting(rules: Rules) -> Callable[[Node], Size]:
    """What counts a node by the rules, for one sample."""
    by_name = {name: _terms(rule) for names, rule in rules.items() for name in names.split()}
    kinds = {name.partition(":")[0] for name in by_name}

    def counted(layer: Layer, inputs: Sequence[Shape], y: Shape) -> Size:
        kind = layer.kind if layer.words else OPERATOR
        if kind not in kinds:
            return 0
        rank, mode = inputs[0].rank, getattr(layer, "mode", "")
        for name in (f"{kind}:{mode}:{rank}d", f"{kind}:{mode}", f"{kind}:{rank}d", kind):
            if name in by_name:
                return sum(times * quantity(layer, inputs, y) for times, quantity in by_name[name])
        return 0

    def of_parts(node: Node) -> Size:
        if not node.inputs:
            return 0
        x = node.input_shapes[0]
        parts = node.layer.decompose(x)
        if len(parts) == 1:
            return counted(parts[0], node.input_shapes, node.shape)
        total = 0
        for part in parts:
            y = part.output(x)
            total += counted(part, (x,), y)
            x = y
        return total

    known: dict[Any, Size] = {}

    def count(node: Node) -> Size:
        # Repeated layers on repeated shapes count the same.
        key = (node.layer, node.input_shapes)
        if key not in known:
            known[key] = of_parts(node)
        return known[key]

    return count


Terms = tuple[tuple[int, Callable[[Any, Sequence[Shape], Shape], Size]], ...]


def _terms(rule: str) -> Terms:
    """`3 n - places` as ((3, n), (-1, places))."""
    terms = []
    for term in rule.replace(" - ", " + -").split(" + "):
        times, _, quantity = term.removeprefix("-").rpartition(" ")
        sign = -1 if term.startswith("-") else 1
        terms.append((sign * int(times or 1), QUANTITIES[quantity][1]))
    return tuple(terms)
