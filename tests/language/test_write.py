"""The writer: canonical text that means what was read, and that it leaves alone when it reads it again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

from cnncalc.diagnostics import Problems, Source, Span, SpecError
from cnncalc.graph import Graph
from cnncalc.language.arguments import read_layer
from cnncalc.language.build import build_graph
from cnncalc.language.nodes import DefNode, Hole, LayerNode, LetNode, Spec
from cnncalc.language.parse import parse
from cnncalc.language.write import write
from cnncalc.language.write_yaml import write_yaml
from cnncalc.language.yaml import parse_yaml
from cnncalc.layers import KINDS, REGISTRY, Layer
from cnncalc.layers.arguments import (
    Argument,
    ChannelRange,
    Choice,
    Dims,
    Flag,
    Integer,
    NamedInteger,
    PaddingArgument,
    Pair,
    PerAxis,
    Real,
)
from cnncalc.layers.base import rank_of
from cnncalc.layers.references import Offset
from cnncalc.shape import Shape, ShapeError

CASES = Path(__file__).parent / "write" / "cases.txt"
COMMENT = re.compile(r"#[^\r\n]*")
THOROUGH = examples(20)


def nodes_of(text: str) -> Spec:
    problems = Problems()
    spec = parse(Source("net.cnn", text), problems)
    problems.raise_if_any()
    return spec


def nodes_of_yaml(text: str) -> Spec:
    problems = Problems()
    spec = parse_yaml(Source("net.yaml", text), problems)
    problems.raise_if_any()
    return spec


def written(text: str) -> str:
    return write(nodes_of(text), Problems(), Source("net.cnn", text))


def compact(text: str) -> str:
    return write(nodes_of(text), Problems(), compact=True)


def in_yaml(text: str) -> str:
    return write_yaml(nodes_of(text), Problems())


# -- what a spec means, found without the writer -----------------------------------------------------------


def meaning(spec: Spec) -> object:
    """All that a spec says but where and how: lets, blocks, and the items."""
    lets = [bare(each) for each in spec.definitions if isinstance(each, LetNode)]
    blocks = [bare(each) for each in spec.definitions if isinstance(each, DefNode)]
    return lets, blocks, bare(spec.items)


def bare(node: object) -> object:
    """A node without its spans; a layer stands for what it is on an input of any number of axes."""
    if isinstance(node, LayerNode):
        return layer_meaning(node)
    if isinstance(node, tuple):
        return tuple(type(node).__name__ if isinstance(each, Span) else bare(each) for each in node)
    return node


def layer_meaning(node: LayerNode) -> object:
    holes = [part for chunk in (node.word, *node.arguments) for part in chunk.parts if isinstance(part, Hole)]
    # Some number or other for each expression, always the same.
    values = {hole.span: 1 + crc32(repr(bare(hole.expression)).encode()) % 9999 for hole in holes}
    try:
        layer = read_layer(node, values)
    except SpecError as error:
        return [diagnostic.code for diagnostic in error.diagnostics]
    return [resolved(layer, rank) for rank in range(4)]


def resolved(layer: Layer, rank: int) -> object:
    try:
        return layer.resolve(Shape((64,) * rank, 8))
    except ShapeError as error:
        return error.code


def graph_meaning(graph: Graph) -> object:
    nodes = [(node.name, node.layer, node.inputs, node.shape, node.implicit, node.arms) for node in graph.nodes]
    return nodes, graph.outputs


# -- specs in any form -------------------------------------------------------------------------------------

names = st.sampled_from(["a", "w2", "Width", "as_", "x", "conv"])
digits = st.integers(1, 40).map(str)
spaces = st.sampled_from(["", "", " ", "  "])


@st.composite
def expressions(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 9)) if depth else draw(st.integers(0, 3))
    space = draw(spaces)
    if kind < 2:
        return draw(digits)
    if kind < 4:
        return draw(st.one_of(names, st.sampled_from([".5", "1.25", "007"])))
    inner = draw(expressions(depth - 1))
    if kind == 4:
        return f"({space}{inner})"
    if kind == 5:
        return draw(st.sampled_from("+-")) + space + f"({inner})"
    if kind == 6:
        return f"max({inner}{space},{space}{draw(expressions(depth - 1))})"
    operator = draw(st.sampled_from(["+", "-", "*", "/", "//", "%"]))
    return f"{inner}{space}{operator}{draw(spaces)}{draw(expressions(depth - 1))}"


numbers = st.one_of(digits, digits, expressions().map(lambda text: f"{{{text}}}"))


def values(argument: Argument[Any]) -> st.SearchStrategy[str]:
    """Texts of values of an argument, without the prefix."""
    if isinstance(argument, ChannelRange):
        return st.sampled_from(["0:58", "3:{w}", "{a}:{ a+ 1 }"])
    if isinstance(argument, Real):
        return st.sampled_from(["0.5", "0.010", "0", "0.00001", "0.1234567890123456", "{a/ 10}"])
    if isinstance(argument, PaddingArgument):
        ends = st.one_of(numbers, st.just("0"), st.builds("{}-{}".format, numbers, numbers))
        return st.lists(ends, min_size=1, max_size=3).map("x".join)
    if isinstance(argument, Dims):
        return st.lists(numbers, min_size=1, max_size=4).map("x".join)
    if isinstance(argument, PerAxis):
        few = st.lists(numbers, min_size=1, max_size=3)
        alike = st.builds(lambda number, count: [number] * count, numbers, st.integers(1, 3))
        return st.one_of(few, alike).map("x".join)
    if isinstance(argument, Pair):
        return st.builds("{}x{}".format, numbers, numbers)
    assert isinstance(argument, Integer)
    return numbers


@st.composite
def said(draw: st.DrawFn, argument: Argument[Any], glued: bool) -> str:
    """One argument in one of its forms."""
    if argument.keywords and (isinstance(argument, (Flag, Choice)) or draw(st.booleans())):
        word = draw(st.sampled_from(sorted(argument.keywords)))
        if glued or draw(st.booleans()):
            return word
        truth = {True: "true", False: "NO", "qkv": "qkv"}
        return f"{argument.name}={truth[argument.keywords[word]] if isinstance(argument, Flag) else word}"
    if isinstance(argument, NamedInteger):
        number = draw(st.integers(argument.low, min(argument.high - 1, 9)))
        # Glued, its word alone can stand.
        return f"{argument.name}={number}" if not glued else ""
    value = draw(values(argument))
    if argument.takes_tensor and not glued and draw(st.booleans()):
        return draw(st.sampled_from(["", f"{argument.name}="])) + "@" + draw(names)
    if not argument.shorts and glued:
        return ""
    if not glued and (not argument.shorts or draw(st.integers(0, 3)) == 0):
        return f"{argument.name}={value}"
    return draw(st.sampled_from([short for short in argument.shorts if not (glued and short == "x")])) + value


@st.composite
def layers(draw: st.DrawFn) -> str:
    word = draw(st.sampled_from(sorted(set(REGISTRY) - {"add", "mul", "concat"})))
    arguments = [each for each in REGISTRY[word].arguments.values() if not isinstance(each, Offset)]
    given = [each for each in arguments if each.required or draw(st.booleans())]
    glued = draw(st.integers(0, len(given))) if rank_of(word) is None else 0
    first = "".join(draw(said(argument, True)) for argument in given[:glued])
    rest = draw(st.permutations([draw(said(argument, False)) for argument in given[glued:]]))
    if draw(st.booleans()):
        word = word.upper()
    return "  ".join([word + first, *rest])


comments = st.one_of(
    st.sampled_from(["# a note", "#", "# (x; y) = {z} | # é", "#\tlast, "]),
    st.text("ab;=(){}|#* \t", max_size=8).map(lambda text: f"#{text}"),
)


@st.composite
def breaks(draw: st.DrawFn) -> str:
    """A line's end, perhaps with comments and blank lines."""
    lines = draw(st.lists(st.one_of(st.just(""), comments), max_size=3))
    return f" {draw(st.one_of(st.just(''), comments))}\n" + "".join(f"  {line}\n" for line in lines)


@st.composite
def separators(draw: st.DrawFn, in_def: bool = False) -> str:
    mark = draw(st.sampled_from(["|", ",", "->", " | "]))
    kind = draw(st.integers(0, 5))
    if kind < 3:
        return mark
    if kind == 3 and not in_def:
        return draw(breaks())
    return mark + draw(breaks()) if kind == 4 else draw(breaks()) + mark


gaps = st.one_of(spaces, spaces, breaks())


@st.composite
def sequences(draw: st.DrawFn, depth: int, most: int = 4, in_def: bool = False) -> str:
    text = draw(items(depth))
    for _ in range(draw(st.integers(0, most - 1))):
        text += draw(separators(in_def)) + draw(items(depth))
    return text


@st.composite
def items(draw: st.DrawFn, depth: int = 2) -> str:
    kind = draw(st.integers(0, 9 if depth else 6))
    if kind < 5:
        text = draw(layers())
    elif kind == 5:
        text = f"@{draw(names)}"
    elif kind == 6:
        given = [draw(st.sampled_from(["", f"{draw(names)} = "])) + draw(expressions()) for _ in range(2)]
        text = f"block({','.join(given[: draw(st.integers(0, 2))])})"
    elif kind == 7:
        text = f"({draw(gaps)}{draw(sequences(depth - 1))}{draw(gaps)})"
    else:
        arms = draw(st.lists(st.one_of(st.just(""), sequences(depth - 1, 3)), min_size=1, max_size=3))
        inside = ";".join(f"{draw(gaps)}{arm}{draw(gaps)}" for arm in arms)
        text = f"{draw(st.sampled_from(['add', 'MUL', 'concat']))}{draw(spaces)}({inside})"
    if draw(st.integers(0, 4)) == 0:
        text += draw(gaps) + "*" + draw(spaces) + draw(numbers)
    if draw(st.integers(0, 4)) == 0:
        text += f" as {draw(names)}"
    return text


@st.composite
def specs(draw: st.DrawFn) -> str:
    text = draw(gaps)
    for number in range(draw(st.integers(0, 3))):
        if draw(st.booleans()):
            text += f"let{draw(spaces)} w{number}{draw(spaces)}={draw(spaces)}{draw(expressions())}"
            text += draw(st.one_of(breaks(), st.just(" | ")))
        else:
            parameters = ["c", f"s ={draw(expressions())}"][: draw(st.integers(0, 2))]
            body = draw(sequences(2, in_def=True))
            text += f"def block{number}({' , '.join(parameters)}) ={draw(gaps)}{body}{draw(breaks())}"
    return text + draw(sequences(2)) + draw(gaps)


# -- what holds for each of them ---------------------------------------------------------------------------


@given(specs())
@THOROUGH
def test_means_the_same(text: str) -> None:
    """The canonical text of a spec means what the spec means."""
    assert meaning(nodes_of(written(text))) == meaning(nodes_of(text))


@given(specs())
@THOROUGH
def test_idempotent(text: str) -> None:
    """Canonical text is written as it stands."""
    once = written(text)
    assert written(once) == once


@given(specs())
@THOROUGH
def test_comments_are_kept(text: str) -> None:
    """Every comment is there afterwards, in the same order."""
    before, after = ("".join("".join(COMMENT.findall(each)).split()) for each in (text, written(text)))
    assert after == before


@given(specs())
@THOROUGH
def test_compact_means_the_same(text: str) -> None:
    """The glued form means what the spec means, and is written as it stands."""
    once = compact(text)
    assert meaning(nodes_of(once)) == meaning(nodes_of(text))
    assert compact(once) == once


@given(specs())
@THOROUGH
def test_yaml_means_the_same(text: str) -> None:
    """The YAML of a spec means what the spec means, and is written as it stands."""
    once = in_yaml(text)
    assert meaning(nodes_of_yaml(once)) == meaning(nodes_of(text))
    assert write_yaml(nodes_of_yaml(once), Problems()) == once


@given(specs())
@THOROUGH
def test_from_yaml_and_back(text: str) -> None:
    """Text made from YAML, which has no lines of its own, means the same and is canonical."""
    once = write(nodes_of_yaml(in_yaml(text)), Problems())
    assert meaning(nodes_of(once)) == meaning(nodes_of(text))
    assert written(once) == once


@given(specs())
@THOROUGH
def test_lines(text: str) -> None:
    """No line ends in a space, no two are blank, and the last has an end."""
    once = written(text)
    assert not re.search(r"[ \t]\n|\n\n\n|^\n", once)
    assert once.endswith("\n")
    assert not once.endswith("\n\n")


# -- whole texts -------------------------------------------------------------------------------------------


def cases() -> Iterator[object]:
    for case in CASES.read_text("utf-8").removeprefix("=== ").split("\n=== "):
        title, rest = case.split("\n", 1)
        yield pytest.param(title, rest.partition("~~~\n")[0], id=title)


@pytest.mark.parametrize(("title", "text"), list(cases()))
def test_case(title: str, text: str, goldens: Any) -> None:
    """A text and its canonical form, which is its own."""
    canonical = written(text)
    goldens.case(CASES, title, canonical)
    assert written(canonical) == canonical


@pytest.mark.parametrize("spec", [example.spec for cls in dict.fromkeys(REGISTRY.values()) for example in cls.examples])
def test_examples_of_layers(spec: str) -> None:
    """Every layer's example gives the same graph from its canonical text, its glued text and its YAML."""
    forms = nodes_of(written(spec)), nodes_of(compact(spec)), nodes_of_yaml(in_yaml(spec))
    expected = graph_meaning(build_graph(nodes_of(spec), Problems()))
    assert [graph_meaning(build_graph(nodes, Problems())) for nodes in forms] == [expected] * 3


@pytest.mark.parametrize("word", sorted(set(REGISTRY) - set(KINDS.values())))
def test_first_synonym(word: str) -> None:
    """A layer goes by the first of its words, and by the rank that its word asks for."""
    cls = REGISTRY[word]
    shown = {"": "2", "g": "g2", "s": "s2"}
    needed = [shown.get(each.shorts[0], f"{each.shorts[0]}8") for each in cls.arguments.values() if each.required]
    rank = rank_of(word)
    assert written(" ".join([word, *needed])).split()[0] == KINDS[word] + (f"{rank}d" if rank else "")


def test_compact() -> None:
    """The glued form has one line, words with a rank apart, and filters behind a colon."""
    text = (
        "let w = 4 # width\nconv 3x3 s2 x{2 * w}\nconv2d 3x3 x8 | (relu | pool 2) * 2 as p\nadd(@p ; ; bn noaffine)\n"
    )
    assert compact(text) == "let w=4,conv3x3s2:{2*w},conv2d 3x3:8,(relu,pool2)*2 as p,add(@p;;bnnoaffine)\n"


def test_compact_def() -> None:
    """Nothing but a line's end closes a def, so that it stands in the glued form as well."""
    text = "def f(c, s=1) = conv 3 s{s} x{c} | relu\n\nf(8, s=2) | gap\n"
    assert compact(text) == "def f(c,s=1)=conv3s{s}:{c},relu\nf(8,s=2),gap\n"


def test_from_yaml() -> None:
    """A spec from YAML has an item a line, its name as a comment, and its long lines broken."""
    text = (
        "name: small\ninput: 32x32x3\nlet: {w: 8}\ndef:\n  f(c): [conv 3 x8, relu]\nlayers:\n"
        "  - conv 3x3 x8 | relu\n  - repeat: {times: 2, layers: [f(8), gap], name: it}\n"
        f"  - add: [[{', '.join(['conv 1x1 x8'] * 5)}], [], [{', '.join(['conv 1x1 x9'] * 3)}]]\n"
    )
    assert write(nodes_of_yaml(text), Problems()) == (
        "# small\nlet w = 8\ndef f(c) = conv 3 x8 | relu\n\ninput 32x32x3\nconv 3x3 x8\nrelu\n(f(8) | gap) * 2 as it\n"
        "add(\n    conv 1x1 x8 | conv 1x1 x8 | conv 1x1 x8 | conv 1x1 x8 | conv 1x1 x8\n    ;\n"
        "    ; conv 1x1 x9 | conv 1x1 x9 | conv 1x1 x9\n)\n"
    )


def test_to_yaml() -> None:
    """YAML in block style: a text for each plain item, long forms for repeats, groups and branches."""
    text = (
        "let w = 8\nlet v = -w\ndef f(c, s=1) = conv 3x3 s{s} x{c} | relu\ninput {w}x{w}x3\n"
        "conv 3x3 same x{w} * 2 as c | (relu | bn) * {w} as r | (f(8) | gap) as g | (ln | @c)\n"
        "add(relu ; ) | concat( ; @g) as m | mul(relu ; ) * 2\n"
    )
    assert in_yaml(text) == (
        'input: "{w}x{w}x3"\nlet:\n  w: 8\n  v: "-w"\ndef:\n  f(c, s=1):\n    - conv 3x3 s{s} x{c}\n    - relu\n'
        "layers:\n  - conv 3x3 same x{w} * 2 as c\n"
        '  - repeat:\n      times: "{w}"\n      name: r\n      layers:\n        - relu\n        - bn\n'
        "  - group:\n      name: g\n      layers:\n        - f(8)\n        - gap\n"
        '  - group:\n      - ln\n      - "@c"\n'
        "  - add:\n      - - relu\n      - []\n"
        '  - concat:\n      name: m\n      arms:\n        - []\n        - - "@g"\n'
        "  - mul(relu ; ) * 2\n"
    )


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\ufffd"), max_size=20))
@THOROUGH
def test_any_name(name: str) -> None:
    """A name of any characters comes back from YAML, but for space around it."""
    spec = nodes_of("relu | gap")._replace(name=name.strip() or None)
    assert nodes_of_yaml(write_yaml(spec, Problems())).name == spec.name
    assert meaning(nodes_of(write(spec, Problems()))) == meaning(spec)


@pytest.mark.parametrize("opening", ["(", "add("])
def test_deepest(opening: str) -> None:
    """Brackets as deep as they may be are written in every form."""
    text = opening * 100 + "relu" + ")" * 100
    assert meaning(nodes_of(written(text))) == meaning(nodes_of(text))
    assert meaning(nodes_of_yaml(in_yaml(text))) == meaning(nodes_of(text))


def test_long_expression() -> None:
    """A sum of thousands of terms is written without running out of stack."""
    text = f"let a = {' + '.join(['1'] * 5000)}\nrelu\n"
    assert written(text) == text


def test_line_ends_of_any_kind() -> None:
    """A carriage return ends a line, and a comment, as a new line does."""
    assert written("relu # a\rbn # b\r\ngap") == "relu  # a\nbn  # b\ngap\n"


def test_all_errors() -> None:
    """What is wrong with several layers is reported together, with what the parser found."""
    text = "conv 3 s0 x1 | relu 5 | pool 2 | * 2 | cnov 3"
    problems = Problems()
    spec = parse(Source("net.cnn", text), problems)
    with pytest.raises(SpecError) as caught:
        write(spec, problems, Source("net.cnn", text))
    assert [diagnostic.code for diagnostic in caught.value.diagnostics] == ["E105", "E102", "E004", "E101"]


def test_field_of_holes_is_no_text() -> None:
    """A long form with a hole becomes the short form with that hole."""
    assert written("conv filters={ c } kernel={k}x3 padding={p}-{p}") == "conv {k}x3 p{p} x{c}\n"
