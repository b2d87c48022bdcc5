"""Every mistake that a spec can hold, and the whole message that it gets: headline, caret, notes and help.

The cases stand in errors.txt, whose head says how to read it. `pytest --update-goldens` writes the messages there
anew; look at the difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import cnncalc

HERE = Path(__file__).parent
CASES = HERE / "errors.txt"

RULE = "=== "
BETWEEN = "~~~\n"


class Case(NamedTuple):
    """A title, and a spec whose message the file has below it."""

    title: str
    spec: str


def written_out(text: str) -> str:
    """The text with every `<U+00A0>` as the character that it names."""
    return re.sub(r"<U\+([0-9A-F]{4,6})>", lambda found: chr(int(found.group(1), 16)), text)


def read_cases(text: str) -> Iterator[Case]:
    _, *blocks = re.split(rf"^{RULE}", text, flags=re.MULTILINE)
    for block in blocks:
        title, rest = block.split("\n", 1)
        yield Case(title, written_out(rest.partition(BETWEEN)[0].removesuffix("\n")))


def message_of(spec: str) -> str:
    """What the spec gets: the text of its error, or nothing where it has none."""
    try:
        cnncalc.parse(spec)
    except cnncalc.SpecError as error:
        return str(error)
    return ""


TEXT = CASES.read_text("utf-8")
ALL = list(read_cases(TEXT))


@pytest.mark.parametrize("case", ALL, ids=[case.title for case in ALL])
def test_message(case: Case, goldens: Any) -> None:
    """A wrong spec gets its whole message, to the column of each caret."""
    goldens.case(CASES, case.title, message_of(case.spec))


def errors_in(spec: str) -> set[tuple[str, int]]:
    """The headline of each error of a spec, and where it stands."""
    try:
        cnncalc.parse(spec)
    except cnncalc.SpecError as error:
        return {(found.message, found.span.start) for found in error.diagnostics if found.span}
    return set()


#: Help texts that say what to write, with one piece or several.
WRITE = re.compile(r"(?:write|add) (`[^`]+`(?:(?:,| or|, or) `[^`]+`)*)")
#: Pieces that stand for something of the author's, or for a command.
NOT_TEXT = ("…", "NAME", "cnncalc", "--")


def edits(found: cnncalc.Diagnostic) -> list[str]:
    """Return the pieces of text that the help tells to write."""
    told = WRITE.search(found.help or "")
    pieces = re.findall(r"`([^`]+)`", told.group(1)) if told else []
    return [piece for piece in pieces if not any(mark in piece for mark in NOT_TEXT)]


def pasted(found: cnncalc.Diagnostic, spec: str, text: str) -> Iterator[str]:
    """Yield the spec with a text in each place where an author may paste it: for, behind and before what is marked."""
    assert found.span is not None
    start, end = found.span.start, found.span.end
    marked = spec[start:end]
    yield spec[:start] + text + spec[end:]
    yield f"{spec[:end]} {text}{spec[end:]}"
    yield spec[:start] + text + spec[start:]
    yield f"{spec[:start]}{text} {spec[start:]}"
    # In place of the word that the mark is in, and of the argument of its kind.
    yield (
        spec[: spec.rfind(" ", 0, start) + 1]
        + text
        + spec[min(at for at in (spec.find(" ", end), len(spec)) if at >= 0) :]
    )
    if kind := re.match(r"[a-z]+", text):
        yield spec[:start] + re.sub(rf"(?<= ){kind.group()}\d\S*", text, marked, count=1) + spec[end:]
    yield spec[: spec.rfind(" ", 0, start) + 1] + text + spec[end:]
    yield spec.replace(marked, text)


@pytest.mark.parametrize("case", ALL, ids=[case.title for case in ALL])
def test_pasted(case: Case) -> None:
    """Whoever writes what a help says, for, behind or before what is marked, is rid of the error."""
    try:
        cnncalc.parse(case.spec)
    except cnncalc.SpecError as error:
        for found in error.diagnostics:
            for text in edits(found) if found.span else ():
                left = [{message for message, _ in errors_in(spec)} for spec in pasted(found, case.spec, text)]
                assert [text for messages in left if found.message not in messages] != []


#: What is typed wrong behind `input 32x32x3 | `, and what was meant: the help, pasted for what is marked, gives it.
MEANT = {
    "cnov 3x3 x8": "conv 3x3 x8",
    "globl average pooling": "gap",
    "global averge pooling": "gap",
    "global max poling": "gmp",
    "max poool 2": "pool 2",
    "avrage pool 2": "avgpool 2",
    "fuly connected 10": "fc 10",
    "depthwize conv 3x3": "dwconv 3x3",
    "transpozed conv 4x4 s2 x8": "deconv 4x4 s2 x8",
    "bath norm": "bn",
    "leaky rulu 0.2": "leakyrelu 0.2",
    "conv 3x3 smae x8": "conv 3x3 same x8",
    "conv 3x3 padding=smae x8": "conv 3x3 same x8",
    "conv 3x3 x8 nobais": "conv 3x3 x8 nobias",
    "conv 3x3 x8 stried=2": "conv 3x3 x8 s2",
    "dropuot 0.5": "dropout 0.5",
    "flaten": "flatten",
    "GlobalAvragePooling2D": "gap",
    "BatchNrom2d": "bn",
}


@pytest.mark.parametrize(("typed", "meant"), MEANT.items(), ids=MEANT)
def test_what_was_asked_for(typed: str, meant: str) -> None:
    """The help of a misspelt word, pasted, gives the network that was meant, and no other."""
    spec = f"input 32x32x3 | {typed}"
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.parse(spec)
    found = error.value.diagnostics[0]
    (text,) = edits(found)
    assert found.span is not None
    better = spec[: found.span.start] + text + spec[found.span.end :]
    rows = [[row.to_dict() for row in cnncalc.analyze(each).rows] for each in (better, f"input 32x32x3 | {meant}")]
    assert rows[0] == rows[1]


#: Texts with one root cause, and the one message that there is for it.
ONE_CAUSE = {
    "input 8x8x3 | unit(4) | unit(8) | unit(8) * 2": "unknown block `unit`",
    "input 8x8x3 | conv 3x3 x{w} | conv 3x3 x{w} | fc {w * 2}": "unknown name `w`",
    "def unit(c) = cnov 3x3 x{c}\ninput 8x8x3 | unit(4) | unit(8)": "unknown layer `cnov`",
    "def unit(c = conv 3x3 x{c}\ninput 8x8x3 | unit(4) | unit(8)": "a `(` is never closed",
    "let w =\ninput 8x8x3 | conv 3x3 x{w} | fc {w}": "an operator is missing",
    "input 8x8x3 | relu as a | @b | add(@b ; @a)": "unknown name `b`",
}


@pytest.mark.parametrize(("spec", "message"), ONE_CAUSE.items(), ids=ONE_CAUSE)
def test_one_root_cause_is_one_error(spec: str, message: str) -> None:
    """What uses a name that could not be read, or that nothing has, is silent after the first error."""
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.parse(spec)
    assert [each.message for each in error.value.diagnostics] == [message]


def test_titles_differ() -> None:
    """No two cases go by one title."""
    titles = [case.title for case in ALL]

    assert sorted(set(titles)) == sorted(titles)


def test_every_code_has_a_case() -> None:
    """Each code of the language has a case: those of YAML, files, code, the command line, letters and solving stand
    beside their own tests."""
    package = Path(cnncalc.__file__).parent
    known = {code for file in package.rglob("*.py") for code in re.findall(r'"(E[012]\d\d)"', file.read_text("utf-8"))}
    shown = set(re.findall(r"^error\[(E\d{3})\]", TEXT, re.MULTILINE))

    elsewhere = {"E009", "E010", "E020", "E021", "E022", "E117", "E140", "E141", "E142", "E151", "E152"}
    assert known - elsewhere - {"E210", "E211", "E213"} == shown


# -- limits: too long to read in a file of cases -------------------------------------------------------------


def headline(spec: str) -> str:
    return message_of(spec).split("\n", 1)[0]


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("add(", " ; )")], ids=["groups", "merges"])
def test_a_hundred_levels_of_brackets(opening: str, closing: str) -> None:
    """A hundred brackets in one another are fine, one more is an error at the bracket that is too deep."""
    fine = f"input 5x5x3 | {opening * 100}relu{closing * 100}"
    deep = f"input 5x5x3 | {opening * 101}relu{closing * 101}"

    assert message_of(fine) == ""
    with pytest.raises(cnncalc.SpecError, match=r"E005.: brackets are nested deeper than 100 levels") as caught:
        cnncalc.parse(deep)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.span.start, found.span.text) == (14 + 101 * len(opening) - 1, "(")


def test_a_hundred_levels_in_a_hole() -> None:
    """An expression may be a hundred levels deep, and no deeper."""
    assert message_of(f"input 10 | fc {{{'(' * 100}3{')' * 100}}}") == ""
    assert headline(f"input 10 | fc {{{'(' * 101}3{')' * 101}}}") == (
        "error[E008]: an expression is nested deeper than 100 levels"
    )


def test_a_hundred_thousand_layers() -> None:
    """A network may have a hundred thousand layers, and no more."""
    assert message_of("input 5x5x3 | relu * 100000") == ""
    assert headline("input 5x5x3 | relu * 100001") == "error[E005]: the spec comes to more than 100,000 layers"


def test_a_mebibyte_of_text() -> None:
    """A spec may have 2^20 characters, and no more."""
    fine = "input 5x5x3 | relu #".ljust(1 << 20, "#")

    assert message_of(fine) == ""
    assert message_of(fine + "#").startswith("error[E005]: the spec is longer than 1,048,576 characters")


def test_twenty_errors_at_once() -> None:
    """No more than twenty errors are shown, the first ones."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E101\]: unknown layer `cnov`") as caught:
        cnncalc.parse("input 5x5x3" + " | cnov 3x3 x2" * 100)

    places = [found.span.start for found in caught.value.diagnostics if found.span]
    assert places == [14 + 14 * number for number in range(20)]
