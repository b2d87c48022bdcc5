"""A spec in YAML: the same graphs as in text, errors at their place in the file, and no harm from any file."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.graph import Graph
from cnncalc.language.build import build_graph
from cnncalc.language.parse import parse
from cnncalc.language.yaml import parse_yaml
from cnncalc.layers import REGISTRY
from cnncalc.layers.arguments import ChannelRange

CASES = Path(__file__).parent / "yaml"
MEBIBYTE = 1 << 20


def graph_of_yaml(text: str) -> Graph:
    problems = Problems()
    return build_graph(parse_yaml(Source("net.yaml", text), problems), problems)


def graph_of_text(text: str) -> Graph:
    problems = Problems()
    return build_graph(parse(Source("net.cnn", text), problems), problems)


def error_of(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        graph_of_yaml(text)
    return str(caught.value)


def meaning(graph: Graph) -> object:
    """All of a graph but where it was written."""
    nodes = [(node.name, node.layer, node.inputs, node.shape, node.implicit, node.arms) for node in graph.nodes]
    return nodes, graph.outputs


def outcome(read: Callable[[str], Graph], text: str) -> object:
    """What comes of a spec: the graph, or else the errors as they are shown, but for where they stand."""
    try:
        return meaning(read(text))
    except SpecError as error:
        return re.findall(r"^error\[E\d{3}\]: .+", str(error), re.MULTILINE)


def read_errors() -> Iterator[object]:
    for case in (CASES / "errors.txt").read_text("utf-8").removeprefix("=== ").split("\n=== "):
        title, rest = case.split("\n", 1)
        yield pytest.param(title, rest.partition("~~~\n")[0], id=title)


# -- the same in YAML and in text ------------------------------------------------------------------------


@pytest.mark.parametrize("path", sorted(CASES.glob("*.yaml")), ids=lambda path: path.stem)
def test_yaml_and_text_say_the_same(path: Path) -> None:
    """A spec in YAML and the same one in text give graphs that differ in nothing."""
    in_yaml = graph_of_yaml(path.read_text("utf-8"))
    in_text = graph_of_text(path.with_suffix(".cnn").read_text("utf-8"))

    assert meaning(in_yaml) == meaning(in_text)


def examples_in_long_form() -> Iterator[object]:
    for cls in dict.fromkeys(REGISTRY.values()):
        for example in cls.examples:
            before, _, last = example.spec.rpartition(" | ")
            if before and "(" not in example.spec:
                yield pytest.param(before, last, id=last)


@pytest.mark.parametrize(("before", "last"), list(examples_in_long_form()))
def test_every_layer_has_a_long_form(before: str, last: str) -> None:
    """A layer written out field by field, with the values that JSON gives, is the layer itself."""
    graph = graph_of_text(f"{before} | {last}")
    layer = graph.nodes[-1].layer
    fields = {}
    for name, argument in layer.arguments.items():
        value = getattr(layer, name)
        if value is None:  # an argument that goes with another form alone
            continue
        fields[name] = argument.write(value) if isinstance(argument, ChannelRange) else argument.to_json(value)
    word = last.split()[0]
    long_form = json.dumps({"layers": [before, {word: fields}]})

    assert meaning(graph_of_yaml(long_form)) == meaning(graph)


def test_the_name_of_the_spec_is_the_graphs() -> None:
    """`name:` names the network; it may be any text."""
    assert graph_of_yaml("name: a small net, no. 1\nlayers: [input 3x3x1]").name == "a small net, no. 1"


@pytest.mark.parametrize(
    ("in_yaml", "in_text"),
    [
        ("slice: 0:58", "slice 0:58"),
        ("dropout: 1e0", "dropout rate=1e0"),
        ("conv: {kernel: 1, filters: 0x10}", "conv kernel=1 filters=0x10"),
        ("fc: 1_0", "fc units=1_0"),
    ],
)
def test_no_value_has_a_type(in_yaml: str, in_text: str) -> None:
    """Each value is the text that stands there: 0:58 is not 58 minutes, nor 0x10 sixteen or 1_0 ten."""
    from_yaml = outcome(graph_of_yaml, f"layers:\n  - input 1x1x64\n  - {in_yaml}\n")

    assert from_yaml == outcome(graph_of_text, f"input 1x1x64 | {in_text}")


@pytest.mark.parametrize("word", ["no", "off", "y", "null", "~", "1.0", "2001-01-01"])
def test_words_of_other_schemas_are_words(word: str) -> None:
    """`no` is not false and `null` is not nothing: as a name of the spec each stays what it is."""
    assert graph_of_yaml(f"name: {word}\nlayers: [input 3x3x1]").name == word


# -- errors ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("title", "text"), list(read_errors()))
def test_errors_point_into_the_file(title: str, text: str, goldens: Any) -> None:
    """An error shows the line of the file, marks the place in it and says what to write."""
    goldens.case(CASES / "errors.txt", title, error_of(text))


def test_two_texts_may_not_give_the_same_name() -> None:
    """A name given in two texts is refused, wherever in its text each stands."""
    assert error_of("input: 8x8x4\nlayers:\n- conv 3x3 same x4 as a\n- conv 3x3 same x4 as a\n") == (
        "error[E111]: two layers are named `a`\n"
        " --> net.yaml:4:23\n"
        "  |\n"
        "4 | - conv 3x3 same x4 as a\n"
        "  |                       ^ named again\n"
        "  = note: at layers[1]\n"
        "  = note: first given at 3:3\n"
        "  = help: choose another name"
    )


def test_a_repeat_may_name_a_group_again() -> None:
    """The copies of a named group are no second giving of its name, as in text."""
    in_yaml = "input: 8x8x4\nlayers: [repeat: {times: 2, layers: [group: {name: a, layers: [relu, bn]}, '@a']}]"
    in_text = "input 8x8x4 | ((relu | bn) as a | @a) * 2"

    assert meaning(graph_of_yaml(in_yaml)) == meaning(graph_of_text(in_text))


def test_a_byte_order_mark_shifts_nothing() -> None:
    """A byte order mark at the beginning of a file is no part of its first line."""
    expected = error_of("layers: [input 3x3x1, cnov 3x3]")

    assert error_of("\ufefflayers: [input 3x3x1, cnov 3x3]") == expected


def test_lines_may_end_as_on_windows() -> None:
    """A file with carriage returns reads as one without."""
    text = (CASES / "def.yaml").read_text("utf-8")

    assert meaning(graph_of_yaml(text.replace("\n", "\r\n"))) == meaning(graph_of_yaml(text))


def test_at_most_twenty_errors_are_shown() -> None:
    """A file with a thousand errors shows the first twenty."""
    text = "input: 3x3x1\nlayers:\n" + "- [[]]\n" * 1000

    assert error_of(text).count("error[E002]: an empty layer") == 20


# -- hostile files ---------------------------------------------------------------------------------------


def bomb(first: str, again: str, levels: int = 60) -> str:
    """Each line of it repeats the one before it several times."""
    lines = [f"- &a0 {first}", *(f"- &a{i} {again.replace('*', f'*a{i - 1}')}" for i in range(1, levels))]
    return "input: 3x3x1\nlayers:\n" + "\n".join(lines)


def aliases(wrong: str, again: str = "*a", times: int = 40_000) -> str:
    """A wrong item, and that item again and again."""
    return f"input: 3x3x3\nlayers:\n- {wrong}\n" + f"- {again}\n" * times


UNKNOWN = ("E101", "unknown layer `cnov`")
HOSTILE = {
    "aliases of an unknown layer": (aliases("&a cnov"), *UNKNOWN),
    "aliases of a list of it": (aliases("&a [cnov]"), *UNKNOWN),
    "aliases of an unknown argument": (
        aliases("&a {conv: {kernl: 3}}"),
        "E120",
        "`conv` has no argument `kernl`",
    ),
    "aliases of arguments": (
        aliases("conv: &a {kernl: 3}", "conv: *a", 20_000),
        "E120",
        "`conv` has no argument `kernl`",
    ),
    "aliases of arms": (aliases("add: &a [[cnov], []]", "add: *a", 20_000), *UNKNOWN),
    "aliases of a repeat": (aliases("repeat: &a {times: 3, layers: cnov}", "repeat: *a", 20_000), *UNKNOWN),
    "aliases of what is no list of arms": (
        aliases("add: &a x", "add: *a", 20_000),
        "E009",
        "`add` has no list of arms",
    ),
    "alias bomb": (bomb("[relu, relu]", "[*, *, *, *, *]"), "E005", "the YAML comes to more than 400,000 values"),
    "alias bomb of nothing": (bomb("[]", "[*, *, *]"), "E005", "the YAML comes to more than 400,000 values"),
    "alias bomb of inputs": (
        bomb("{add: [[input 3], []]}", "{add: [*, *]}", 40),
        "E005",
        "the YAML comes to more than 400,000 values",
    ),
    "alias chain": (bomb("[relu]", "[*]", 200), "E005", "brackets are nested deeper than 100 levels"),
    "long text, often": (
        f"layers: [&a '{'relu ' * 100_000}', {'*a, ' * 10_000}]",
        "E005",
        "the YAML comes to more than 400,000 values",
    ),
    "repeats in repeats": (
        "input: 3x3x1\nlayers: " + "[repeat: {times: 10, layers: " * 20 + "relu" + "}]" * 20,
        "E005",
        "the spec comes to more than 100,000 layers",
    ),
    "lists in lists": ("layers: " + "[" * 900, "E005", "brackets are nested deeper than 100 levels"),
    "a mebibyte of [": ("[" * MEBIBYTE, "E009", "the YAML cannot be read"),
    "a mebibyte of {": ("{" * MEBIBYTE, "E009", "the YAML cannot be read"),
    "a mebibyte of dashes": ("- " * (MEBIBYTE // 2), "E005", "brackets are nested deeper than 100 levels"),
    "a mebibyte of (": ("layers: " + "(" * (MEBIBYTE - 8), "E005", "brackets are nested deeper than 100 levels"),
    "a mebibyte of tabs": ("\t" * MEBIBYTE, "E009", "the YAML cannot be read"),
    "a mebibyte of letters": ("x" * MEBIBYTE, "E009", "the spec is one value, not a mapping"),
    "a mebibyte of spaces": (" " * MEBIBYTE, "E009", "the spec has no `layers`"),
    "a mebibyte of commas": (
        "layers: " + "|" * (MEBIBYTE - 8),
        "E009",
        "the YAML cannot be read",
    ),
    "over a mebibyte": ("#" * (MEBIBYTE + 1), "E005", "the spec is longer than 1,048,576 characters"),
    "NUL": ("layers: [relu\0]", "E006", "the spec has a NUL byte in it"),
    "NUL by escape": (r'layers: [input 3x3x1, "relu\0"]', "E006", "the spec has a NUL byte in it"),
    "control character": ("layers: [relu\x1b]", "E006", "the spec has U+001B in it"),
    "bytes": (random.Random(1).randbytes(MEBIBYTE).decode("latin-1"), "E006", "the spec has a NUL byte in it"),
    "lone surrogate": ("layers: [\ud800]", "E006", "the spec has bytes that are not UTF-8"),
    "Python object": ("!!python/object/apply:os.system [ls]", "E009", "a YAML tag has no meaning here"),
}


@pytest.mark.parametrize(("text", "code", "message"), list(HOSTILE.values()), ids=list(HOSTILE))
def test_hostile_files_are_refused(text: str, code: str, message: str) -> None:
    """No file makes the reader run, fill the memory or recurse: it is refused."""
    with pytest.raises(SpecError) as caught:
        graph_of_yaml(text)

    assert (caught.value.diagnostics[-1].code, caught.value.diagnostics[-1].message) == (code, message)


def test_an_alias_of_arguments_stands_where_it_is_written() -> None:
    """What does not fit is shown at the item whose arguments an alias repeats, not at those that it repeats."""
    text = "input: 5x5x3\nlayers:\n- conv: &a {kernel: 3, filters: 4}\n- conv: *a\n- conv: *a"
    with pytest.raises(SpecError) as caught:
        graph_of_yaml(text)

    (found,) = caught.value.diagnostics
    assert (found.layer, found.to_dict()["line"]) == ("conv3", 5)


def test_brackets_go_as_deep_as_in_text() -> None:
    """A hundred levels are allowed, in YAML's brackets or in a text's, and not one more."""
    allowed = ["[" * 101 + "relu" + "]" * 101, "['" + "(" * 100 + "relu" + ")" * 100 + "']"]
    refused = ["[" * 102 + "relu" + "]" * 102, "['" + "(" * 101 + "relu" + ")" * 101 + "']"]

    assert [len(graph_of_yaml(f"input: 3x3x1\nlayers: {layers}").nodes) for layers in allowed] == [2, 2]
    for layers in refused:
        assert error_of(f"input: 3x3x1\nlayers: {layers}").startswith("error[E005]: brackets are nested deeper")


@pytest.mark.slow
def test_as_many_layers_as_in_text() -> None:
    """A hundred thousand layers are allowed, and not one more."""
    assert len(graph_of_yaml("input: 3\nlayers: [" + "relu, " * 100_000 + "]").nodes) == 100_001
    assert error_of("input: 3\nlayers: [" + "relu, " * 100_001 + "]").startswith(
        "error[E005]: the spec comes to more than 100,000 layers"
    )


PIECES = st.sampled_from(
    [
        *("layers: ", "input: 8x8x3\n", "let: {a: 1}\n", "def:\n", "  b(c, s=1): ", "name: ", "arms: ", "times: "),
        *("conv 3x3 x4", "conv: {kernel: 3, filters: 4}", "relu", "fc: 10", "b(1, s=2)", "{c}", "as a", "@a", " * 2"),
        *("add: ", "add(", ")", "group: ", "repeat: {times: 2, layers: ", " | ", "|\n", ">\n", "# ", "\n", "  ", "- "),
        *("[", "]", "{", "}", ", ", ": ", "? ", "&a ", "*a", "'", '"', "!!str ", "<<", "---\n", "\t", "\\", "%", "é"),
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
def test_whatever_stands_in_a_file_is_read_or_refused(text: str) -> None:
    """Of any file there comes a graph, or an error that can be shown."""
    assert outcome(graph_of_yaml, text)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_whatever_stands_in_the_layers_is_read_or_refused(text: str) -> None:
    """The same for files that begin well."""
    assert outcome(graph_of_yaml, f"input: 8x8x3\nlayers:\n- {text}")
