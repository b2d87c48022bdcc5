"""One document in every face, and how its tables share a width."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.diagnostics import Diagnostic
from cnncalc.report.columns import count_column, text_column
from cnncalc.report.csv import to_csv
from cnncalc.report.document import (
    Alert,
    Bar,
    Bullets,
    CodeSample,
    DataTable,
    Document,
    Drawing,
    Heading,
    Mark,
    Notes,
    Paragraph,
    TextRow,
    text_table,
)
from cnncalc.report.latex import to_latex
from cnncalc.report.markdown import to_markdown
from cnncalc.report.options import RenderOptions
from cnncalc.report.terminal import STYLES, diagnostics_text, to_terminal

NAME = text_column("name", "name", lambda line: line[0], role="name", folding="name", rank=1)
WORDS = text_column("words", "words", lambda line: line[1])
COUNT = count_column("count", "count", lambda line: line[2], bar=Bar(natural=4, most=8))

TABLE = DataTable(
    (NAME, WORDS, COUNT),
    [("first", "conv 3x3", 1_000), TextRow({"name": "…", "words": "3 rows"}, "omitted"), ("second", "relu", 0)],
    totals=("total", "", "1,000"),
    marks=(Mark(), Mark(), Mark("├", suffixes={"words": " (implicit)"})),
    zeros=False,
)

EVERY_BLOCK = Document(
    (
        Heading("A page", level=1),
        Paragraph("Prose of `code`."),
        Heading("a section"),
        TABLE,
        Notes((("label", "a note"), ("other", "another"))),
        Bullets(("one", "two")),
        CodeSample("relu | bn", "cnn"),
        Drawing(((("rule", "· "), ("emphasis", "■")),)),
        text_table([("a title",), ("`a`", "1")], ("sign", "n"), ("code", "number")),
        Alert("W201", "a warning", "a way out"),
    )
)

TERMINAL = """\
A page
Prose of `code`.

a section
  name       words            count
  ──────────────────────────────────────────
  first      conv 3x3         1,000 ████████
  …          3 rows
  ├─ second  relu (implicit)
  ──────────────────────────────────────────
  total                       1,000

  label  a note
  other  another

  - one
  - two

  relu | bn

  · ■

  sign  n
  ───────
  a title
  a     1

  warning[W201]: a warning
    = help: a way out
"""

MARKDOWN = """\
# A page

Prose of `code`.

## a section

| name | words | count |
| --- | --- | ---: |
| first | conv 3x3 | 1,000 |
| second | relu | 0 |
| **total** |  | **1,000** |

label: a note

other: another

- one
- two

```cnn
relu | bn
```

```text
· ■
```

| sign | n |
| --- | ---: |
| **a title** |  |
| `a` | 1 |

W201: a warning; a way out
"""


def test_terminal() -> None:
    """Every block as text: what stands below a section is indented; totals stand below a rule."""
    assert to_terminal(EVERY_BLOCK, RenderOptions(44)) == TERMINAL


def test_markdown() -> None:
    """Every block as Markdown: marks and rows that are no data are for a terminal alone."""
    assert to_markdown(EVERY_BLOCK) == MARKDOWN


def test_csv_and_latex() -> None:
    """CSV has the raw values of a table by key, LaTeX its texts; notes are comments there."""
    report = Document((TABLE, Notes((("label", "a note"),))))
    assert to_csv(report) == "name,words,count\nfirst,conv 3x3,1000\nsecond,relu,0\n"
    lines = to_latex(report).splitlines()
    assert lines[5:9] == [r"first & conv 3x3 & 1,000 \\", r"second & relu & 0 \\", r"\midrule", r"total &  & 1,000 \\"]
    assert lines[-1] == "% label: a note"


def test_colour() -> None:
    """Colour changes nothing but colour, and every role that a layout gives has its style or is plain."""
    coloured = to_terminal(EVERY_BLOCK, RenderOptions(44, colour=True))
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == TERMINAL
    assert coloured.startswith("\x1b[1mA page\x1b[0m\n")
    assert "\x1b[1;35mwarning[W201]\x1b[0m: a warning" in coloured


def test_ascii() -> None:
    """In ASCII there is no other sign: rails, rules, bars and the signs of formulas have plain forms."""
    table = to_terminal(Document((TABLE, Paragraph("K·∏O − 1 → x²"))), RenderOptions(44, unicode=False))
    assert table.isascii()
    assert table.split("\n")[2:] == [
        "first      conv 3x3         1,000 ########",
        "...        3 rows",
        "|- second  relu (implicit)",
        "-" * 42,
        "total                       1,000",
        "",
        "K*prod(O) - 1 -> x^2",
        "",
    ]


@pytest.mark.parametrize("colour", [False, True])
def test_nothing_that_a_terminal_obeys(colour: bool) -> None:
    """An escape sequence in a text is shown as a text, in a table as in a note."""
    evil = "\x1b[31mred\x07"
    text = to_terminal(Document((text_table([(evil, evil)]), Notes(((evil, evil),)))), RenderOptions(80, colour=colour))
    assert re.sub(r"\x1b\[(36|2|0)m", "", text).count("\ufffd[31mred\ufffd") == 4
    assert "\x1b[31m" not in text
    assert "\x07" not in text


def test_summary() -> None:
    """Markdown folds a long table away behind its summary."""
    text = to_markdown(Document((text_table([("a", "b")], ("x", "y"), summary="1 layer"),)))
    assert text == "<details><summary>1 layer</summary>\n\n| x | y |\n| --- | --- |\n| a | b |\n\n</details>\n"


def lines(table: DataTable, width: int | None) -> list[str]:
    return to_terminal(Document((table,)), RenderOptions(width)).splitlines()


def test_rank() -> None:
    """Of two columns that may be folded, the one of the lower rank is folded first."""
    row = ("a_name_of_some_length", "several words that have to go", 7)
    table = DataTable((NAME, WORDS, COUNT._replace(bar=None)), [row])
    assert lines(table, 48)[2:] == [
        "a_name_of_some_length  several words that      7",
        "                       have to go",
    ]
    assert lines(table, 38)[2:] == [
        "a_name_of_some_    several           7",
        "length             words that",
        "                   have to go",
    ]


def test_dispensable() -> None:
    """Columns are left out, as few as it takes, where the table does not fit otherwise; a line says which."""
    row = ("a_name", "unbreakable_" * 3, 1_000_000)
    words = WORDS._replace(folding="none")
    table = DataTable((NAME, words, COUNT._replace(bar=None)), [row], dispensable=(words.key,))
    assert lines(table, 60)[2:] == ["a_name  unbreakable_unbreakable_unbreakable_  1,000,000"]
    assert lines(table, 40)[2:] == ["a_name  1,000,000", f"no room for: {words.heading}"]
    # What may not be left out stays, over the edge.
    assert lines(table._replace(dispensable=()), 40)[2:] == [lines(table, 60)[2]]


def test_unlimited() -> None:
    """A table is folded to the width of a page where nothing limits it, unless it may be as wide as it likes."""
    table = DataTable((WORDS,), [("", "word " * 39 + "word", 0)])
    assert max(map(len, lines(table, None))) <= 100
    assert max(map(len, lines(table._replace(unlimited=True), None))) == 199


def test_bars_take_what_is_left() -> None:
    """Bars have their natural width, or up to the most that there is room for; a single cell is a shade."""
    table = DataTable((NAME, COUNT), [("a", "", 8), ("b", "", 4)], unlimited=True)
    shown = {width: [line.split()[-1] for line in lines(table, width)[2:]] for width in (None, 40, 16, 13, 12)}
    assert shown == {
        None: ["████", "██"],
        40: ["████████", "████"],
        16: ["████", "██"],
        13: ["█", "▄"],
        12: ["8", "4"],
    }


@given(
    st.lists(
        st.tuples(st.text("ab_. "), st.text("ab x·(", max_size=60), st.integers(0, 10**12)), min_size=1, max_size=5
    ),
    st.integers(20, 120),
)
def test_no_number_is_cut(rows: list[tuple[str, str, int]], width: int) -> None:
    """At any width the numbers stand whole in their order."""
    text = "\n".join(lines(DataTable((NAME, WORDS, COUNT), rows), width))
    assert re.findall(r"\d[\d,]*", text) == [f"{count:,}" for _, _, count in rows]


def roles() -> Iterator[str]:
    """The roles of a coloured message."""
    for line in Diagnostic("E201", "a message", label="a label", help="a way out").lines():
        yield from (role for role, _ in line)


def test_diagnostics() -> None:
    """A message has the same words with colour and without."""
    diagnostics = [Diagnostic("E201", "a message", label="a label", help="a way out"), Diagnostic("W201", "another")]
    plain = diagnostics_text(diagnostics, 80, colour=False)
    assert plain == "error[E201]: a message\n = a label\n = help: a way out\n\nwarning[W201]: another\n"
    assert re.sub(r"\x1b\[[\d;]*m", "", diagnostics_text(diagnostics, 80, colour=True)) == plain
    assert set(roles()) <= set(STYLES)
