"""What the language means: glued, apart and long forms, separators, repeats, branches, blocks and names."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.layers import REGISTRY
from cnncalc.layers.base import rank_of


def layers(spec: str, **options: object) -> list[str]:
    """The layers of a spec in the language's canonical words, without its input."""
    return [str(node.layer) for node in cnncalc.parse(spec, **options).nodes if node.inputs]  # type: ignore[arg-type]


def names(spec: str) -> list[str]:
    return [node.name for node in cnncalc.parse(spec).nodes]


def only(words: str, shape: str = "32x32x12") -> str:
    """The one layer that the words make."""
    (layer,) = layers(f"input {shape} | {words}")
    return layer


# -- words, glued or apart ----------------------------------------------------------------------------------

FORMS = {
    "conv 3x3 s2 x16": ["conv3x3s2:16", "conv3x3 s2 x16", "conv 3x3s2:16", "conv 3x3 s2 :16", "conv 3 s2 x16"],
    "conv 3x3 same x8 nobias": [
        "conv3x3samenobias:8",
        "conv3x3 samenobias:8",
        "conv 3x3 nobias same x8",
        "conv kernel=3x3 padding=same filters=8 bias=false",
        "conv 3 padding=same filters=8 bias=no",
    ],
    "conv 3x5 s2x1 p1x0-2 d1x2 g4 x16": [
        "conv3x5s2x1p1x0-2d1x2g4:16",
        "conv x16 g4 d1x2 p1x0-2 s2x1 3x5",
        "conv kernel=3x5 stride=2x1 padding=1x0-2 dilation=1x2 groups=4 filters=16",
        "conv 3x5 stride=2x1 p1x0-2 dilation=1x2 g4 :16",
    ],
    "conv 3x3 full x4": ["conv3x3full:4", "conv 3x3 padding=full x4"],
    "conv 3x3 x4": [
        "conv3x3valid:4",
        "conv3x3p0s1d1g1bias:4",
        "conv 3x3 padding=valid stride=1 x4",
        "convolution 3 x4",
    ],
    "pool 2x2": ["pool2", "pool 2", "maxpool2", "maxpool2x2", "maxpool kernel=2", "pool 2 s2", "maxpool2d 2"],
    "pool 3x3 s2 p1 ceil": [
        "pool3s2p1ceil",
        "pool 3 ceil p1 s2",
        "maxpool kernel=3x3 stride=2 padding=1 rounding=ceil",
    ],
    "dwconv 3x3 same m2": ["dwconv3x3samem2", "depthwise 3 m2 same", "dwconv 3x3 padding=same multiplier=2"],
    "sepconv 3x3 m2 x8": ["sepconv3m2:8", "separable 3x3 multiplier=2 filters=8"],
    "deconv 3x3 s2 p1 op1 x5": [
        "deconv3x3s2p1op1:5",
        "tconv 3 s2 p1 op1 x5",
        "convtranspose 3 s2 p1 output_padding=1 :5",
        "conv_transpose 3x3 s2 p1 op1 x5",
        "deconv2d 3x3 op1 p1 s2 x5",
    ],
    "gn g4": ["gng4", "groupnorm g4", "gn groups=4"],
    "leakyrelu 0.1": ["leakyrelu0.1", "leakyrelu slope=0.1"],
    "upsample 2 bilinear": ["upsample2bilinear", "upsample bilinear 2", "upsample factor=2 mode=bilinear"],
    "pad 1": ["pad1", "pad 1x1", "pad 1-1", "pad amount=1"],
    "slice 0:4": ["slice0:4", "slice channels=0:4"],
    "bn noaffine": ["bnnoaffine", "batchnorm affine=false"],
    "bn noscale": ["bnnoscale", "batchnorm scale=false"],
}


@pytest.mark.parametrize(("canonical", "other"), [(key, form) for key, forms in FORMS.items() for form in forms])
def test_forms(canonical: str, other: str) -> None:
    """Glued, apart and in the long form, the same is said."""
    assert only(other) == only(canonical) == canonical


@pytest.mark.parametrize("units", ["fc 10", "fc10", "fc x10", "fc :10", "fc:10", "fc units=10", "dense 10", "linear10"])
def test_units(units: str) -> None:
    """The units of an fc stand bare, behind an x or behind a colon."""
    assert only(units, "84") == "fc 10"


def test_axes() -> None:
    """One number serves every axis, and so do as many as there are."""
    assert only("conv 3 s2 p1 x4", "9x12") == "conv 3 s2 p1 x4"
    assert only("conv 3 s2 p1 x4", "9x9x9x12") == "conv 3x3x3 s2 p1 x4"
    assert only("conv3x3x2:4", "9x9x9x12") == "conv 3x3x2 x4"


@pytest.mark.parametrize("word", sorted(REGISTRY))
def test_every_word_in_any_case(word: str) -> None:
    """A word is known in capitals, and mixed, as its lower case is."""

    def outcome(text: str) -> str:
        try:
            return str(layers(f"input 8x8x8 | {text}"))
        except cnncalc.SpecError as error:
            return error.diagnostics[0].code

    assert outcome(word.upper()) == outcome(word.title()) == outcome(word)


def test_arguments_in_any_case() -> None:
    """Arguments are known in any case, fields and their values too."""
    assert only("CONV 3X3 S2 SAME X8 NOBIAS") == "conv 3x3 s2 same x8 nobias"
    assert only("Conv Kernel=3X3 Padding=SAME FILTERS=8 Bias=False") == "conv 3x3 same x8 nobias"


def test_the_sign_of_times() -> None:
    """The sign × reads as an x, in shapes, in kernels and before filters."""
    assert layers("input 32×32×3 | conv 3×5 ×16 | fc ×10") == ["conv 3x5 x16", "flatten", "fc 10"]


# -- precedence of words ---------------------------------------------------------------------------------------


def test_words_with_a_number_of_axes_serve_whole() -> None:
    """`conv3d` alone is the word for three axes; glued to more, its 3 is the kernel and the d a dilation."""
    assert only("conv3d 2 x1", "4x5x6x1") == "conv 2x2x2 x1"
    assert only("conv3d2 x1") == "conv 3x3 d2 x1"
    assert only("conv2d 3 x1") == "conv 3x3 x1"
    assert only("conv1d 3 x1", "9x4") == "conv 3 x1"


def test_a_word_for_one_axis_beside_its_like() -> None:
    """A `conv1d` does not fit two axes, though a `conv` with its arguments did just before."""
    assert only("conv 3 x2") == "conv 3x3 x2"
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E204\]: "):
        only("conv1d 3 x2")


@pytest.mark.parametrize("word", sorted(word for word in REGISTRY if rank_of(word)))
def test_words_with_a_number_of_axes_check_it(word: str) -> None:
    """A word that ends in 1d, 2d or 3d refuses any other number of axes."""
    shape = "9x9x9x4" if rank_of(word) != 3 else "9x9x4"

    with pytest.raises(cnncalc.SpecError, match=r"^error\[E204\]: .* is for . spatial ax[ei]s"):
        cnncalc.parse(f"input {shape} | {word} 2" + (" x4" if "conv" in word or "transpose" in word else ""))


def test_the_longest_word_wins() -> None:
    """`relu6` is a word of its own, not a relu and a 6; `convtranspose3` is no conv."""
    assert only("relu6") == "relu6"
    assert only("convtranspose3:4") == "deconv 3x3 x4"
    assert only("maxpool2") == "pool 2x2"
    assert only("globalmaxpool") == "gmp"


# -- separators, lines and comments ------------------------------------------------------------------------

PLAIN = ["conv 3x3 x8", "relu", "pool 2x2"]


@pytest.mark.parametrize(
    "spec",
    [
        "input 9x9x3 | conv 3x3 x8 | relu | pool 2",
        "input 9x9x3, conv 3x3 x8, relu, pool 2",
        "input 9x9x3 -> conv 3x3 x8 -> relu -> pool 2",
        "input 9x9x3|conv 3x3 x8,relu->pool 2",
        "input 9x9x3\nconv 3x3 x8\nrelu\npool 2",
        "input 9x9x3\r\nconv 3x3 x8\r\nrelu\r\npool 2\r\n",
        "input 9x9x3\rconv 3x3 x8\rrelu\rpool 2",
        "\n\n  input 9x9x3\n\n\tconv 3x3 x8\n \nrelu\npool 2\n\n",
        "input 9x9x3 |\nconv 3x3 x8 |\n\nrelu |\npool 2",
        "input 9x9x3\n| conv 3x3 x8\n\n| relu\n| pool 2",
        "input 9x9x3\n  -> conv 3x3 x8\n  -> relu\n  -> pool 2",
        "# a net\ninput 9x9x3 # in\nconv 3x3 x8# glued | bn\n# bn\nrelu\npool 2 # out",
        "input 9x9x3 | # goes on\n# and on\nconv 3x3 x8 | relu | pool 2",
        "(input 9x9x3 | (conv 3x3 x8 | relu)) | (pool 2)",
        "(\n  input 9x9x3\n  conv 3x3 x8\n  relu\n)\npool 2",
        "\tinput\t9x9x3\t|\tconv\t3x3\tx8\t|\trelu\t|\tpool\t2",
    ],
)
def test_separators(spec: str) -> None:
    """Bars, commas, arrows and lines separate layers, and comments do not matter."""
    assert layers(spec) == PLAIN


def test_lines_inside_brackets() -> None:
    """Inside brackets a new line separates items, and beside a bracket or a semicolon it adds nothing."""
    spec = "input 9x9x3\nadd(\n  conv 3x3 same x3\n  relu\n  ;\n  bn\n)\npool 3"

    assert layers(spec) == ["conv 3x3 same x3", "relu", "bn", "add", "pool 3x3"]


# -- repeats ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("repeat", ["* 2", "*2", " *2", "* {n}", "* {n * 1}", "*{4 / 2}"])
def test_repeats(repeat: str) -> None:
    """A star repeats a layer or a group, each copy a layer of its own."""
    assert layers(f"let n = 2\ninput 9x9x3 | conv 3x3 x8 {repeat}") == ["conv 3x3 x8"] * 2
    assert layers(f"let n = 2\ninput 9x9x3 | (conv 3x3 x8 | relu) {repeat}") == ["conv 3x3 x8", "relu"] * 2
    assert cnncalc.analyze("input 9x9x8 | conv 3x3 x8 * 2").totals.params == 2 * 584


@pytest.mark.parametrize("repeat", ["* 0", "* {n}", "* {n - n}"])
def test_no_repeats(repeat: str) -> None:
    """A repeat by nought leaves the item out."""
    assert layers(f"let n = 0\ninput 9x9x3 | relu | conv 3x3 x8 {repeat} | bn") == ["relu", "bn"]


def test_repeats_of_repeats() -> None:
    """A group of repeats is repeated as a whole."""
    assert layers("input 9x9x3 | (relu * 2 | bn) * 2") == ["relu", "relu", "bn"] * 2


# -- branches --------------------------------------------------------------------------------------------------


def inputs_of(spec: str) -> dict[str, list[str]]:
    """For each layer what it reads."""
    graph = cnncalc.parse(spec)
    return {node.name: [graph.nodes[index].name for index in node.inputs] for node in graph.nodes}


def test_arms() -> None:
    """Each arm starts from the tensor before the merge; an empty arm is that tensor itself."""
    assert inputs_of("input 8x8x4 | relu | add(bn | tanh ; ; elu)") == {
        "input1": [],
        "relu1": ["input1"],
        "bn1": ["relu1"],
        "tanh1": ["bn1"],
        "elu1": ["relu1"],
        "add1": ["tanh1", "relu1", "elu1"],
    }


def test_merges_in_merges() -> None:
    """An arm may hold merges of its own."""
    read = inputs_of("input 8x8x4 | add(relu | concat(bn ; ) | conv 1 x4 ; )")

    assert (read["concat1"], read["add1"]) == (["bn1", "relu1"], ["conv1", "input1"])


def test_references() -> None:
    """`@NAME` is a tensor by name: where an arm starts, or where the sequence goes on from."""
    read = inputs_of("input 8x8x4 as x | relu as y | bn | add( ; @x ; @y | elu) | @y | tanh")

    assert read == {"x": [], "y": ["x"], "bn1": ["y"], "elu1": ["y"], "add1": ["bn1", "x", "elu1"], "tanh1": ["y"]}


def test_outputs() -> None:
    """What no layer reads is an output, and the last item always is."""
    assert cnncalc.analyze("input 8x8x4 as x | relu as y | bn | @y | tanh").outputs == ("bn1", "tanh1")
    assert cnncalc.analyze("input 8x8x4 | relu as y | bn | @y").outputs == ("y", "bn1")


def test_inputs() -> None:
    """A network may have several inputs, each with a name or at an arm's start."""
    assert inputs_of("input 8x8x4 as a | input 8x8x4 as b | add(@a ; @b)")["add1"] == ["a", "b"]
    assert inputs_of("input 8x8x4 | add( ; input 8x8x4)")["add1"] == ["input1", "input2"]


def test_an_input_from_outside() -> None:
    """The input's shape may come from outside, for a spec that has none and in place of the one it has."""
    assert cnncalc.parse("relu", input="5x6x7").nodes[-1].shape.dims == (5, 6, 7)
    assert cnncalc.parse("relu", input=(5, 6, 7)).nodes[-1].shape.dims == (5, 6, 7)
    assert cnncalc.parse("input 1x2x3 | relu", input="5x6x7").nodes[-1].shape.dims == (5, 6, 7)


# -- lets, defs and holes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("12", 12),
        ("2 + 3 * 4", 14),
        ("(2 + 3) * 4", 20),
        ("20 - 3 - 4", 13),
        ("-3 + 5", 2),
        ("--3", 3),
        ("64 * 0.75", 48),
        ("0.1 * 30", 3),
        ("7 // 2", 3),
        ("9 / 3", 3),
        ("17 % 5", 2),
        ("-7 // 2 + 9", 5),
        ("1 / 3 * 3", 1),
        ("min(5, 3, 4)", 3),
        ("max(5, 3, 4)", 5),
        ("ceil(7 / 2)", 4),
        ("floor(7 / 2)", 3),
        ("round(7 / 2)", 4),
        ("round(5 / 2)", 2),
        ("divisible(33, 8)", 32),
        ("divisible(3, 8)", 8),
        ("divisible(18, 8)", 24),  # 16 would be under 90 % of 18
        ("divisible(w * 0.35, 8)", 24),
        ("w", 64),
        ("w * two", 128),
        (".5 * w", 32),
    ],
)
def test_expressions(expression: str, value: int) -> None:
    """A hole and a let hold an expression, worked out exactly."""
    lets = "let w = 64\nlet two = 2\n"
    assert layers(f"{lets}input 5 | fc {{{expression}}}") == [f"fc {value}"]
    assert layers(f"{lets}let v = {expression}\ninput 5 | fc {{v}}") == [f"fc {value}"]


def test_holes_stand_for_numbers_anywhere() -> None:
    """A hole may stand wherever a number may: glued, in a shape, in a field, in a repeat."""
    spec = "let n = 2\ninput {n*4}x{8}x{n} | conv{n+1}x3s{n}:{n*8} | conv kernel={n} filters={n} | dropout {1/n} * {n}"

    assert layers(spec) == ["conv 3x3 s2 x16", "conv 2x2 x2", "dropout", "dropout"]


def test_lets_from_outside() -> None:
    """A let's value may be set from outside, and the lets below it follow."""
    spec = "let w = 8\nlet v = w * 2\ninput 5 | fc {w} | fc {v}"

    assert layers(spec) == ["fc 8", "fc 16"]
    assert layers(spec, variables={"w": 3}) == ["fc 3", "fc 6"]


def test_a_float_from_outside() -> None:
    """A float stands for the decimal that it is written as: 0.1 of 30 is 3, and whole."""
    assert layers("let part = 1\ninput 5 | fc {30 * part}", variables={"part": 0.1}) == ["fc 3"]


def test_several_lets_behind_one_word() -> None:
    """Behind a comma another `NAME =` is a let as well, on the next line too; what is none begins the layers."""
    for text in ("let a = 2, b = min(a, 3), c=b + 1\n", "let a=2,\n    b = min(a, 3), c = b + 1,\n"):
        assert layers(text + "input 5 | fc {a} | fc {b} | fc {c}") == ["fc 2", "fc 2", "fc 3"]
    assert layers("let a = 2, input 5, fc {a}") == ["fc 2"]


def test_calls() -> None:
    """A block's values go by place or by name, and what is left out has its default."""
    define = "def b(c, s=1, k=c) = conv 3x3 s{s} x{c} | fc {k}\ninput 32x32x3 | "

    assert layers(define + "b(8)") == ["conv 3x3 x8", "flatten", "fc 8"]
    assert layers(define + "b(8, 2)") == ["conv 3x3 s2 x8", "flatten", "fc 8"]
    assert layers(define + "b(8, k=4)") == ["conv 3x3 x8", "flatten", "fc 4"]
    assert layers(define + "b(s = 2, c = 8)") == ["conv 3x3 s2 x8", "flatten", "fc 8"]
    assert layers(define + "b(2 * 4, min(2, 3))") == ["conv 3x3 s2 x8", "flatten", "fc 8"]


def test_blocks_see_lets_and_not_their_callers() -> None:
    """A block sees the lets and its own parameters, and those hide the lets."""
    spec = "let w = 7\ndef a() = fc {w}\ndef b(w) = fc {w} | a()\ninput 3 | b(5)"

    assert layers(spec) == ["fc 5", "fc 7"]


def test_a_definition_over_lines() -> None:
    """A def ends with its line, but goes on inside brackets and beside a separator."""
    spec = "def b(c) = add(conv 1 x{c}\n  bn\n ; ) |\n relu\n\ninput 4x4x8 | b(8)"

    assert layers(spec) == ["conv 1x1 x8", "bn", "add", "relu"]


# -- names -----------------------------------------------------------------------------------------------------


def test_numbers_by_kind() -> None:
    """Layers without a name are numbered by their kind, whichever of its words is used."""
    assert names("input 9x9x3 | maxpool 2 | pool 2 | conv 1 x4 | conv2d 1 x4 | swish | silu") == [
        "input1",
        "pool1",
        "pool2",
        "conv1",
        "conv2",
        "silu1",
        "silu2",
    ]


def test_numbers_across_arms() -> None:
    """Numbers go on in the order of the source: an arm's layers before the next arm's, the merge after them."""
    assert names("input 8x8x4 | add(relu | relu ; relu) | relu") == [
        "input1",
        "relu1",
        "relu2",
        "relu3",
        "add1",
        "relu4",
    ]


def test_names_of_layers() -> None:
    """`as` names a layer; the others are numbered without it, and never by its name."""
    assert names("input 8x8x4 as x | relu as first | relu | relu as relu2 | relu") == [
        "x",
        "first",
        "relu1",
        "relu2",
        "relu3",
    ]


def test_names_of_groups() -> None:
    """In a named group the names are paths, numbered within it; a group without a name adds none."""
    assert names("input 9x9x3 | (conv 1 x4 | relu) as enc | conv 1 x4 | (relu | (relu as r) as in) as dec") == [
        "input1",
        "enc.conv1",
        "enc.relu1",
        "conv1",
        "dec.relu1",
        "dec.in.r",
    ]
    assert names("input 9x9x3 | (relu | bn)") == ["input1", "relu1", "bn1"]


def test_names_of_blocks() -> None:
    """A block's layers have paths with its name and number, or with the name that its call is given."""
    spec = "def b() = relu | bn\ninput 9x9x3 | b() | b() as mid | b() * 2"

    assert names(spec) == [
        "input1",
        *("b1.relu1", "b1.bn1"),
        *("mid.relu1", "mid.bn1"),
        *("b2.relu1", "b2.bn1", "b3.relu1", "b3.bn1"),
    ]


def test_names_of_blocks_in_blocks() -> None:
    """Paths go as deep as calls do."""
    spec = "def a() = relu\ndef b() = a() | a() as last\ninput 9x9x3 | b()"

    assert names(spec) == ["input1", "b1.a1.relu1", "b1.last.relu1"]


def test_names_of_repeats() -> None:
    """The copies of a named item are numbered, and its name alone stands for the last of them."""
    assert names("input 9x9x3 | relu * 2 as r | bn") == ["input1", "r1", "r2", "bn1"]
    assert names("input 9x9x3 | (relu | bn) * 2 as g") == ["input1", "g1.relu1", "g1.bn1", "g2.relu1", "g2.bn1"]
    assert inputs_of("input 9x9x3 | relu * 2 as r | bn | @r | elu")["elu1"] == ["r2"]


def test_the_name_of_a_group_is_its_last_layer() -> None:
    """A group's or a block's name stands for what comes out of it."""
    spec = "def b() = relu | bn\ninput 9x9x3 | (relu | bn) as g | b() as h | add(@g ; @h)"

    assert inputs_of(spec)["add1"] == ["g.bn1", "h.bn1"]


def test_names_are_told_apart_by_case() -> None:
    """Unlike words, names differ by case."""
    assert names("input 9x9x3 | relu as a | relu as A | @a | bn")[1:3] == ["a", "A"]


def test_the_implicit_flatten() -> None:
    """In front of an fc a flatten is added and marked, unless what comes is flat."""
    nodes = cnncalc.parse("input 4x4x3 | fc 10 | fc 5").nodes

    assert [(node.name, node.implicit) for node in nodes] == [
        ("input1", False),
        ("flatten1", True),
        ("fc1", False),
        ("fc2", False),
    ]


@pytest.mark.parametrize(
    ("spec", "codes"),
    [
        ("add(relu, elu)", ["W205"]),
        ("concat()", ["W205"]),
        ("add(relu ; elu)", []),
        ("add(relu ; )", []),
    ],
)
def test_one_arm(spec: str, codes: list[str]) -> None:
    """A merge of one arm is allowed, and warned of: a comma separates layers, not arms."""
    assert [warning.code for warning in cnncalc.analyze(f"input 4x4x3 | {spec}").warnings] == codes
