"""CSV, Markdown and LaTeX: whole tables, and that each format gives back what was put in."""

from __future__ import annotations

import csv
import io
import re
from html import unescape

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt  # rich brings it along

from cnncalc.cli import main
from cnncalc.notation import bytes_text, short
from cnncalc.report.csv import to_csv
from cnncalc.report.document import Column, DataTable, Document
from cnncalc.report.latex import to_latex
from cnncalc.report.markdown import code, escaped, to_markdown

#: A block with a hole in its call, and a name with underscores: what each format has to escape.
SPEC = "let w_1 = 8\ndef block_a(c) = conv 3x3 same x{c} | bn\ninput 8x8x3\nblock_a({2 * w_1}) | fc 10 as the_head"

# By hand: 27·16 weights and 16 biases, bn 2·16; 64 places · 27 · 16. fc: 1024·10 weights and 10 biases.
LATEX = r"""% \usepackage{booktabs}
\begin{tabular}{lllrrl}
\toprule
name & layer & output & parameters & MACs & field \\
\midrule
input1 & input 8$\times$8$\times$3 & 8$\times$8$\times$3 & 0 & 0 & 1 \\
block\_a1 & block\_a(\{2 {*} w\_1\}) & 8$\times$8$\times$16 & 480 & 27,648 & 3 \\
flatten1 & flatten & 1024 & 0 & 0 & all \\
the\_head & fc 10 & 10 & 10,250 & 10,240 & all \\
\midrule
total &  &  & 10,730 & 37,888 &  \\
\bottomrule
\end{tabular}
"""

MARKDOWN = r"""| name | layer | output | parameters | MACs | field |
| --- | --- | --- | ---: | ---: | --- |
| input1 | input 8x8x3 | 8x8x3 | 0 | 0 | 1 |
| block_a1 | block_a({2 \* w_1}) | 8x8x16 | 480 | 27,648 | 3 |
| flatten1 | flatten | 1024 | 0 | 0 | all |
| the_head | fc 10 | 10 | 10,250 | 10,240 | all |
| **total** |  |  | **10,730** | **37,888** |  |
"""


def run(*arguments: str) -> str:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_latex() -> None:
    """LaTeX has the table's columns and a row of totals between the rules of booktabs."""
    assert run(SPEC, "-f", "latex", "--depth", "1") == LATEX


def test_markdown() -> None:
    """Markdown has them too, its signs escaped."""
    assert run(SPEC, "-f", "markdown", "--depth", "1") == MARKDOWN


@pytest.mark.parametrize("form", ["csv", "markdown", "latex"])
def test_sums(form: str) -> None:
    """The rows of a table add up to the totals, in every format."""
    separators = {"csv": ",", "markdown": "|", "latex": "&"}
    text = run(SPEC, "-f", form, "--columns", "params,macs,buffers")
    clean = re.sub(r"[*\\]|,(?=\d{3}\b)" if form != "csv" else r"$^", "", text)
    rows = [[int(cell) for cell in row] for line in clean.splitlines() if (row := re.findall(r"\d+", line))]
    if form == "csv":
        rows.append([sum(column) for column in zip(*rows, strict=True)])
    assert [sum(column) for column in zip(*rows[:-1], strict=True)] == rows[-1] == [10_730, 37_888, 32]
    assert separators[form] in text


def test_large_numbers() -> None:
    """No format rounds: an integer of thirty digits keeps them all."""
    spec = "input 999999999x999999999x999999999 | conv 3x3 same x7 nobias"
    macs = 999999999**3 * 9 * 7
    shown = {form: run(spec, "-f", form, "--columns", "macs") for form in ("csv", "markdown", "latex")}
    assert shown["csv"] == f"macs\n0\n{macs}\n"
    assert f"| {macs:,} |\n" in shown["markdown"]
    assert f"{macs:,} \\\\\n" in shown["latex"]


def table(*texts: str, setting: str = "plain") -> Document:
    """A table of one column of texts."""
    column = Column("text", "a_text", lambda line, _: line, lambda line, _: line, setting=setting)  # type: ignore[arg-type]
    return Document((DataTable((column,), texts),))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1+1", "@SUM(A1)", "\t=1", "\r=1", "-1+1", "-2+3+cmd|' /C calc'!A0", "=HYPERLINK(A1)"]
)
def test_csv_runs_nothing(text: str) -> None:
    """What a spreadsheet would run has an apostrophe before it, and is quoted where it must be."""
    assert list(csv.reader(io.StringIO(to_csv(table(text)), newline=""))) == [["text"], ["'" + text.replace("\r", " ")]]


@pytest.mark.parametrize("text", ["-", "-1", "-1x-2", "-1/2", "conv 3x3", "a=b", "1+1", ""])
def test_csv_leaves_the_rest(text: str) -> None:
    """Negative sizes and ordinary words are as they are."""
    assert list(csv.reader(io.StringIO(to_csv(table(text))))) == [["text"], [text]]


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0")))
def test_csv_gives_back(text: str) -> None:
    """A reader gets back what was put in, line feeds, commas, quotes and all."""
    _, row = csv.reader(io.StringIO(to_csv(table("x" + text)), newline=""))
    assert row == ["x" + text.replace("\r", " ")]


@given(st.text(r"ab \`*_<>[]|~&#@1" + "\n"))
def test_markdown_gives_back(text: str) -> None:
    """Without its backslashes a text is what was put in, on one line, and no sign of markup stands without one."""
    shown = escaped(text)
    assert re.sub(r"\\(.)", r"\1", shown) == " ".join(text.split())
    assert not re.search(r"[`*<>\[\]|~&]", re.sub(r"\\.", "", shown))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("my_net", "my_net"),
        ("_net_", r"\_net\_"),
        ("<stdin>", r"\<stdin\>"),
        ("a|b", r"a\|b"),
        ("two\nlines", "two lines"),
        ("`a`", r"\`a\`"),
    ],
)
def test_markdown_escapes(text: str, shown: str) -> None:
    """Nothing in a text is markup; an underscore within a word is none."""
    assert escaped(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("conv 3x3 | @a", r"`conv 3x3 \| @a`"),
        ("a`b", "`` a`b ``"),
        ("```", "```` ``` ````"),
        ("two\nlines", "`two lines`"),
        ("", ""),
    ],
)
def test_markdown_code(text: str, shown: str) -> None:
    """A code span is fenced by more backticks than are in it, and its bars do not end a cell."""
    assert code(text) == shown


def rendered(text: str) -> list[str]:
    """What the cells of a Markdown table show, read by a renderer of Markdown."""
    html = MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(text)
    return [unescape(re.sub(r"</?code>", "", cell)) for cell in re.findall(r"<td[^>]*>(.*?)</td>", html, re.DOTALL)]


@pytest.mark.parametrize("setting", ["plain", "code"])
@given(text=st.text(r"ab \`*_<>[]()|~&#@!1:/;-" + "\n"))
def test_markdown_shows_it(setting: str, text: str) -> None:
    """A renderer shows the cell as the text that it was, whatever signs are in it."""
    assert rendered(to_markdown(table(text, setting=setting))) == [" ".join(text.split())]


def test_markdown_rows() -> None:
    """Whatever a cell holds, a row is a line with as many bars as it has edges."""
    text = to_markdown(table("a|b\nc", "`|`", "\\|"))
    assert [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in text.splitlines()] == [2] * 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a_b", r"a\_b"),
        ("50%", r"50\%"),
        ("a & b", r"a \& b"),
        ("a×b", r"a$\times$b"),
        ("#1 $x {y}", r"\#1 \$x \{y\}"),
        (r"a\b^~", r"a\textbackslash{}b\textasciicircum{}\textasciitilde{}"),
        ("<a|b>", r"\textless{}a\textbar{}b\textgreater{}"),
        ("[1] *", r"{[}1] {*}"),
        ("a--b", "a-{}-b"),
        ("a → b", r"a $\to$ b"),
    ],
)
def test_latex_escapes(text: str, shown: str) -> None:
    """Every sign is set as it is, and none is a command."""
    assert to_latex(table(text)).splitlines()[5] == rf"{shown} \\"


def test_latex_sizes() -> None:
    """Sizes have × between their numbers; in a name, an x is an x."""
    sizes, name = to_latex(table("conv 3x3 x16 p0-1x2-0", setting="sizes")), to_latex(table("net2x2"))
    assert sizes.splitlines()[5] == r"conv 3$\times$3 x16 p0-1$\times$2-0 \\"
    assert name.splitlines()[5] == r"net2x2 \\"


@given(st.text(r"ab\{}$&#%_^~<>|`[*×→-"))
def test_latex_is_balanced(text: str) -> None:
    """Take the escapes away, and no sign is left that LaTeX would read as its own."""
    row = to_latex(table(text)).splitlines()[5].removesuffix(r" \\")
    bare = re.sub(r"\\text\w+\{\}|\\[{}$&#%_]|\$\\(?:times|to)\$|\{[\[*]\}|-\{\}", "", row)
    assert not re.search(r"[\\{}$&#%_^~<>|`\[*×→]", bare)


def test_beyond_the_prefixes() -> None:
    """A number with no prefix left for it is rounded like every other, with no digit that is not its own."""
    total = 9 * (10**9 - 1) ** 4  # 9.00 · 10^36; a prefix P is 10^15, and 2^90 is 2^50 TiB
    assert (short(total), bytes_text(2**90)) == ("9.00e+21 P", "1.13e+15 TiB")
