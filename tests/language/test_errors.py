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


def edited(found: cnncalc.Diagnostic, spec: str) -> str | None:
    """The spec with the edit made that the help tells, where that is one piece of text in place of the marked one."""
    told = re.fullmatch(r"(?:separate layers: |write the layer first: |)(?:write )?`([^`…]+)`", found.help or "")
    if found.code not in ("E001", "E101", "E102", "E110", "E112", "E120") or not told or found.span is None:
        return None
    start, text = found.span.start, told.group(1)
    if found.message == "a comma in a number":
        start = spec.rindex(" ", 0, start) + 1
    return spec[:start] + text + spec[found.span.end :]


def errors_in(spec: str) -> set[tuple[str, int]]:
    """The headline of each error of a spec, and where it stands."""
    try:
        cnncalc.parse(spec)
    except cnncalc.SpecError as error:
        return {(found.message, found.span.start) for found in error.diagnostics if found.span}
    return set()


@pytest.mark.parametrize("case", ALL, ids=[case.title for case in ALL])
def test_help(case: Case) -> None:
    """Who makes the edit that the help tells is rid of the error."""
    try:
        cnncalc.parse(case.spec)
    except cnncalc.SpecError as error:
        for found in error.diagnostics:
            better = edited(found, case.spec)
            if better is not None and found.span is not None:
                assert (found.message, found.span.start) not in errors_in(better)


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

    assert (
        known - {"E009", "E010", "E020", "E021", "E022", "E117", "E140", "E141", "E142", "E210", "E211", "E213"}
        == shown
    )


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
