"""HTML: whole fragments, blocks that fold, and that nothing in a name is markup."""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

import cnncalc
from cnncalc.cli import main
from cnncalc.diagnostics import Diagnostic, Source, Span
from cnncalc.report import folds
from cnncalc.report.columns import count_column, text_column
from cnncalc.report.document import (
    Alert,
    Bar,
    Bullets,
    CodeSample,
    DataTable,
    Document,
    Drawing,
    Fold,
    Heading,
    Mark,
    Notes,
    Paragraph,
    TextRow,
    text_table,
)
from cnncalc.report.html import to_html, to_page

NAME = text_column("name", "name", lambda line: line[0], role="name", folding="name")
WORDS = text_column("words", "words", lambda line: line[1])
COUNT = count_column("count", "count", lambda line: line[2], bar=Bar(natural=4, most=8))

TABLE = DataTable(
    (NAME, WORDS, COUNT),
    [("a.x", "conv", 1_000), ("a.b.y", "relu", 0), ("a.b.z", "relu", 1), ("last", "fc", 500)],
    totals=("total", "", "1,501"),
    marks=(Mark(), Mark("├"), Mark("├│"), Mark(role="implicit", suffixes={"words": " (implicit)"})),
    zeros=False,
    folds=(Fold(0, 3, ("a", "block", 1_001), prefix="a."), Fold(1, 3, ("a.b", "block", 1), Mark("├"), prefix="a.b.")),
    open_levels=1,
)

EVERY_BLOCK = Document(
    (
        Heading("A `page`", level=1),
        Paragraph("Prose of `code`, and a lone ` of it."),
        Notes((("label", "a note"),)),
        Bullets(("one", "`two`")),
        CodeSample("relu | bn\nfc", "cnn"),
        Drawing(((("rule", "· "), ("emphasis", "■")), (("text", "x"),))),
        text_table([("a title",), ("`a`", "1")], ("sign", "n"), ("code", "number")),
        text_table([("b", "2")], summary="1 more"),
        Alert("W201", "a `warning`", "a way out"),
        Alert("", "", "only help"),
    )
)

BLOCKS = """\
<div class="cnncalc tex2jax_ignore mathjax_ignore">
<h2>A <code>page</code></h2>
<p>Prose of <code>code</code>, and a lone ` of it.</p>
<div class="notes">
<div><b>label</b> <span>a note</span></div>
</div>
<ul><li>one</li><li><code>two</code></li></ul>
<pre>relu | bn
fc</pre>
<pre class="drawing"><span class="rule">· </span><span class="emphasis">■</span>
<span class="text">x</span></pre>
<table style="--columns: 4ch 1ch; --bar: 8ch">
<thead><tr><th class="code">sign</th><th class="number">n</th></tr>
</thead>
<tbody>
<tr><th class="title" colspan="2">a title</th></tr>
<tr><td class="code">a</td><td class="number">1</td></tr>
</tbody>
</table>
<details><summary>1 more</summary>
<table style="--columns: 1ch 1ch; --bar: 8ch">
<tbody>
<tr><td class="code">b</td><td>2</td></tr>
</tbody>
</table>
</details>
<p class="alert"><b>warning[W201]</b>: a <code>warning</code><br><b>help</b>: a way out</p>
<p class="alert"><b>help</b>: only help</p>
</div>
"""

VOID = ("br", "meta")


class Reader(HTMLParser):
    """The tags of a page with their attributes, in order, each closed in turn, and the texts between them."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[tuple[str, str | None], ...]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def count(self, tag: str, *attributes: str) -> int:
        """How many tags there are of a name that have these attributes."""
        return sum(found == tag and {*attributes} <= {name for name, _ in values} for found, values in self.tags)


def body(document: Document) -> str:
    """The fragment without its style."""
    return re.sub(r"<style>.*</style>\n", "", to_html(document), flags=re.DOTALL)


def test_every_block() -> None:
    """Every block has its element; backticks are code, and one without another stays."""
    assert body(EVERY_BLOCK) == BLOCKS
    Reader(to_html(EVERY_BLOCK))


def test_folds() -> None:
    """A block is a row that folds, its rows within it; names are those within the block, in full in the title."""
    read = Reader(body(Document((TABLE,))))

    names = [value for tag, values in read.tags for name, value in values if name == "title"]
    assert names == ["a.x", "a.b", "a.b.y", "a.b.z"]
    assert [tag for tag, values in read.tags if ("open", None) in values] == ["details"]
    assert read.count("details") == 2
    seen = (
        "name words count / a block 1,001 / x conv 1,000 / ├─ b block 1 / y relu / │ z relu 1 / last fc (implicit) 500"
    )
    assert " ".join(read.texts).split() == [word for word in f"{seen} / total 1,501".split() if word != "/"]


def test_indent() -> None:
    """Names are indented by 2 columns a level, by 2 where a block has its sign, and by 3 for the rail of a block."""
    text = body(Document((TABLE,)))
    indents = re.findall(
        r'class="name"(?: style="padding-left: (\d+)ch")?[^>]*>(?:<span class="rail">[^<]*</span>)?<span>(\w+)', text
    )
    assert indents == [("", "a"), ("4", "x"), ("2", "b"), ("9", "y"), ("9", "z"), ("2", "last")]


def test_bars() -> None:
    """A bar is the share of the largest figure that is seen when all is folded, rounded up to a whole per cent."""
    # Of 1,001: itself, 1,000, 1, nothing, 1, and 500; none in heading and total.
    assert re.findall(r"width: (\d+)%", body(Document((TABLE,)))) == ["0", "100", "100", "1", "0", "1", "50", "0"]


def test_columns() -> None:
    """The widths are those of the layout, with room for the bars and the deepest indent."""
    # Of the names `total` is the longest, and 9 the deepest indent.
    widths = re.search(r"--columns: (\d+)ch (\d+)ch (\d+)ch", body(Document((TABLE,))))
    assert widths is not None
    assert [int(each) for each in widths.groups()] == [5 + 9, len("fc (implicit)"), len("1,001") + 1 + 8]


def test_text_rows() -> None:
    """A row without data has its role, and no bar."""
    table = TABLE._replace(lines=[TextRow({"name": "…", "words": "3 rows"}, "omitted")], marks=(), folds=(), totals=())
    assert '<tr class="omitted"><td class="name"><span>…</span></td><td>3 rows</td>' in body(Document((table,)))


def test_page() -> None:
    """A page has its title and character set, follows the reader's colours, and is a fragment otherwise."""
    page = to_page(EVERY_BLOCK, "a < b")
    assert page.startswith('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n')
    assert "<title>a &lt; b</title>" in page
    assert "color-scheme: light dark" in page
    assert to_html(EVERY_BLOCK) in page


def test_messages() -> None:
    """A message stands below with its carets in place, each part by its role."""
    source = Source("<spec>", "a <b> | c")
    text = to_html(Document(()), [Diagnostic("E101", "unknown `<b>`", Span(source, 2, 5), "not <known>", help="c")])
    assert Reader(text).text.strip("\n") == (
        "error[E101]: unknown `<b>`\n --> <spec>:1:3\n  |\n1 | a <b> | c\n  |   ^^^ not <known>\n  = help: c"
    )
    assert '<span class="caret">  ^^^ not &lt;known&gt;</span>' in text


# -- nothing is markup ---------------------------------------------------------------------------------------

HOSTILE = (
    "<script>alert(1)</script>",
    "</td></table></details></div><img src=x onerror=alert(1)>",
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    "&lt;b&gt;&amp;",
    "`</code><b>`",
    "--> <!-- ]]>",
    "</style><script>",
    "$\\href{javascript:alert(1)}{x}$",
    "\x1b[31m\u202egpj.exe\u2066",
)


def shown(text: str) -> str:
    """A text as a page may show it: control characters and marks of direction replaced."""
    return "".join(each if each.isprintable() or each in " \n\xa0" else "\N{REPLACEMENT CHARACTER}" for each in text)


def everywhere(text: str) -> Document:
    """A document with a text in every place that a text may come to."""
    line = ("a." + text, text, 1)
    table = TABLE._replace(
        lines=[line, line],
        marks=[Mark(suffixes={"count": text, "words": text})] * 2,
        totals=(text, text, text),
        folds=[Fold(0, 2, line, prefix="a.")],
    )
    return Document(
        (
            Heading(text), Paragraph(text), Bullets((text,)), CodeSample(text, "cnn"), Drawing(((("text", text),),)),
            Notes(((text, text),)), Alert("W201", text, text), table, text_table([(text,), (text, text)], summary=text),
        )
    )  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile(text: str) -> None:
    """A hostile text is text wherever it stands: the tags of a page are those with a harmless text."""
    harmless = "x" if "`" not in text else "`x`"
    read, plain = Reader(to_page(everywhere(text), text)), Reader(to_page(everywhere(harmless), harmless))
    assert [tag for tag, _ in read.tags] == [tag for tag, _ in plain.tags]
    assert [[name for name, _ in values] for _, values in read.tags] == [
        [name for name, _ in values] for _, values in plain.tags
    ]
    assert read.text.count(shown(text).replace("`", "")) + read.text.count(shown(text)) >= 14


@given(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="`"), min_size=1))
def test_gives_back(text: str) -> None:
    """A reader of the page gets every text back, but for what a terminal would not show either."""
    column = text_column("a", "a", lambda line: line)
    page = body(Document((DataTable((column,), [text]), Notes(((text, text),)), CodeSample(text, "cnn"))))
    found = re.search(r"<td>(.*)</td>.*<b>(.*)</b> <span>(.*)</span>.*<pre>(.*)</pre>", page, re.DOTALL)
    assert found is not None
    assert {unescape(each) for each in found.groups()} == {shown(text)}


def test_no_formulas_are_typeset() -> None:
    """MathJax passes over the fragment, in both of its versions."""
    assert 'class="cnncalc tex2jax_ignore mathjax_ignore"' in to_html(Document(()))


def test_hostile_file(tmp_path: Path) -> None:
    """Names of a model file are text in a notebook, too."""
    (tmp_path / "net.prototxt").write_text(
        'name: "<script>x</script>"\n'
        'layer { name: "in" type: "Input" top: "x" input_param { shape: { dim: 1 dim: 3 dim: 8 dim: 8 } } }\n'
        'layer { name: "<img src=x onerror=alert(1)>" type: "Convolution" bottom: "x" top: "c"'
        " convolution_param { num_output: 4 kernel_size: 3 } }\n",
        encoding="utf-8",
    )
    result = cnncalc.analyze(tmp_path / "net.prototxt")
    read = Reader(result.to_html())
    assert read.count("img") == read.count("script") == 0
    assert "<img" in read.text
    result.save(tmp_path / "net.html")
    assert "<title>&lt;script&gt;x&lt;/script&gt;</title>" in (tmp_path / "net.html").read_text(encoding="utf-8")


# -- networks ------------------------------------------------------------------------------------------------

NETWORK = """
def unit(c) = conv 3x3 same x{c} | bn | relu
def stage(c) = add(unit({c}) | unit({c}) ; conv 1x1 x{c})
input 8x8x3
stage(8) as first
stage(16) * 2
gap | fc 10
"""


def details(text: str) -> list[tuple[str, bool]]:
    """The name of each block of a network's table, and whether it is open."""
    pattern = r"<details( open)?><summary><span class=\"name\"[^>]*>(?:<span class=\"rail\">[^<]*</span>)?<span>([^<]*)"
    return [(name, bool(opened)) for opened, name in re.findall(pattern, text)]


def test_network() -> None:
    """Each block of a network folds, with the sums of its layers in its place; a small network is all open."""
    text = cnncalc.analyze(NETWORK).to_html()
    units = [("unit1", True), ("unit2", True)]
    assert details(text) == [("first", True), *units, ("stage1", True), *units, ("stage2", True), *units]
    # By hand: two units, 27·8 + 8 + 16 and 72·8 + 8 + 16, and a conv of 1x1 on 3 channels, 24 + 8.
    (first,) = re.findall(r"<span>first</span></span> .*?>([\d,]+)<i>", text)
    assert first == "872"


@pytest.mark.parametrize(("most", "opened"), [(60, 9), (37, 9), (36, 3), (19, 3), (18, 0), (4, 0)])
def test_open(monkeypatch: pytest.MonkeyPatch, most: int, opened: int) -> None:
    """As many levels are open as the lines allow: 7 when all is folded, 19 with the stages open, 37 with all."""
    monkeypatch.setattr(folds, "MOST_AT_ONCE", most)
    assert sum(each for _, each in details(cnncalc.analyze(NETWORK).to_html())) == opened


def test_sums() -> None:
    """The rows of a page, blocks apart, add up to the totals, and so do the lines seen when all is folded."""
    result = cnncalc.analyze("resnet50")
    text = result.to_html(columns="name,params,macs")
    cells = re.findall(r'<(td|span|th) class="number bars">([\d,]*)<i>', text)
    numbers = [(element, int(number.replace(",", "") or 0)) for element, number in cells]
    leaves = [number for element, number in numbers if element == "td"]
    assert (sum(leaves[::2]), sum(leaves[1::2])) == (result.totals.params, result.totals.macs)
    assert [number for element, number in numbers if element == "th"] == [25_557_032, 4_089_184_256]


def test_depth() -> None:
    """Blocks below the depth are rows, those above fold."""
    text = cnncalc.analyze(NETWORK).to_html(depth=2)
    assert [name for name, _ in details(text)] == ["first", "stage1", "stage2"]
    assert details(cnncalc.analyze(NETWORK).to_html(depth=1)) == []
    assert "<table" not in cnncalc.analyze(NETWORK).to_html(depth=0)


def test_long() -> None:
    """The blocks of a very long network are rows, and where that is not enough the middle is left out."""
    read = Reader(cnncalc.analyze("def two() = relu | relu\ninput 8\n(two() * 2) * 600").to_html())
    assert "blocks are collapsed, 2,401 rows to 1,201: rows has every layer" in read.text
    assert read.count("details") == 1
    read = Reader(cnncalc.analyze("input 8" + " | relu" * 3000).to_html())
    assert "1,001 rows are left out: rows has every layer" in read.text
    assert (read.count("tr"), read.count("details")) == (2_003, 0)


def test_depth_all() -> None:
    """With the depth `all`, every layer has a row."""
    read = Reader(cnncalc.analyze("input 8" + " | relu" * 3000).to_html(depth="all"))
    assert read.count("tr") == 3_003


def test_letters() -> None:
    """Formulas have no bars, and the hint is for Python."""
    text = cnncalc.analyze("input HxWx3 | conv 3x3 x8").to_html()
    assert "<i>" not in text
    assert "for numbers add <code>at={&#x27;H&#x27;: 32, &#x27;W&#x27;: 32}</code>, or give the shape" in text


@pytest.mark.parametrize(
    "arguments",
    [
        ("lenet5",),
        ("lenet5", "--memory", "--train"),
        ("lenet5", "--convention", "all"),
        ("compare", "lenet5", "alexnet"),
        ("diff", "resnet18", "resnet34", "--context", "1"),
        ("explain", "input 5x5x3 | conv 3x3 x2", "--pictures"),
        ("solve", "conv 5x5 s2", "--input", "32x32", "--output-size", "16x16"),
        ("layers",),
        ("layers", "conv"),
        ("syntax",),
        ("zoo", "--family", "nin"),
        ("explain", "E201"),
    ],
)
def test_commands(arguments: tuple[str, ...]) -> None:
    """Every report of a command is a page whose tags close."""
    result = CliRunner().invoke(main, [*arguments, "-f", "html"])
    assert result.exit_code == 0, result.output
    read = Reader(result.stdout)
    assert read.tags[0] == ("html", (("lang", "en"),))
    assert "\N{REPLACEMENT CHARACTER}" not in read.text


def test_command_folds() -> None:
    """The page of a network folds on the command line, too, with the hints of the command line."""
    shown = CliRunner().invoke(main, ["resnet18", "-f", "html"]).stdout
    assert Reader(shown).count("details") > 8
    formulas = CliRunner().invoke(main, ["conv 3x3 x8", "-f", "html"]).stdout
    assert "for numbers add <code>--at H=32,W=32,C=3</code>" in formulas
