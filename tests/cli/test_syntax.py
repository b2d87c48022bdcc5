"""`cnncalc syntax`: the language on one page, whose examples run."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main
from cnncalc.layers import kinds
from cnncalc.layers.windowed import Windowed
from cnncalc.report.syntax import sections


def run(*arguments: str, charset: str = "utf-8") -> str:
    return CliRunner(charset=charset).invoke(main, ["syntax", *arguments]).stdout


def told(language: str) -> list[str]:
    """The page's examples in a language, as JSON carries them."""
    examples = [example for section in json.loads(run("--format", "json")) for example in section["examples"]]
    return [example["spec"] for example in examples if example["language"] == language]


@pytest.mark.parametrize("spec", told("cnn"))
def test_example(spec: str) -> None:
    """A spec on the page has a result, with a shape for its input where it says none."""
    result = cnncalc.analyze(spec, input=None if "input" in spec else "32x32x3")
    assert result.totals.layers > 0


@pytest.mark.parametrize("spec", told("yaml"))
def test_yaml(spec: str, tmp_path: Path) -> None:
    """The YAML on the page is a network."""
    file = tmp_path / "net.yaml"
    file.write_text(spec, encoding="utf-8")
    # 9·3·16 + 16; 9·16·32 + 32; twice 2·32; 9·32·32 + 32; the 7x7x32 that are left, times 10, + 10.
    assert cnncalc.analyze(file).totals.params == 448 + 4640 + 128 + 9248 + 15_690


def test_glued_and_apart_are_one() -> None:
    """The three ways of writing the same layer that the page shows give the same layer."""
    section = next(each for each in sections() if each.title == "glued and apart")
    graphs = [cnncalc.parse(spec, input="32x32x3") for spec, _ in section.samples]
    apart, glued, long = (str(graph.nodes[1].layer) for graph in graphs)
    assert apart == glued == "conv 3x3 s2 same x16 nobias"
    assert long == apart


def test_examples_are_there() -> None:
    """No section but that of separators, arguments and sizes goes without an example."""
    bare = [each.title for each in sections() if not each.samples and each.code is None]
    assert bare == ["separators", "arguments", "sizes"]


def test_arguments() -> None:
    """The table has every argument of the layers with a window, and says where a default is another."""
    rows = next(each for each in json.loads(run("-f", "json")) if each["title"] == "arguments")["table"]
    declared = {name for cls in kinds().values() if issubclass(cls, Windowed) for name in cls.arguments}
    assert {row["long"] for row in rows} == {f"{name}=" for name in declared}
    assert rows[1] == {
        "short": "s2",
        "long": "stride=",
        "default": "1",
        "meaning": "step of the window (pool, avgpool: the kernel)",
    }


def test_page() -> None:
    """The page has its parts in the order of learning, in 80 columns and fewer than 105 lines."""
    lines = run("--width", "80").splitlines()
    assert [line for line in lines if line and not line.startswith(" ")] == [
        "The language on one page",
        "at a glance",
        "separators",
        "glued and apart",
        "arguments",
        "sizes",
        "branches and names",
        "blocks",
        "letters",
        "YAML",
    ]
    assert max(map(len, lines)) <= 80
    assert len(lines) < 105


def test_brackets_are_no_markup() -> None:
    """Brackets in an example reach a terminal with colour."""
    coloured = CliRunner().invoke(main, ["syntax", "--color", "always"], color=True).stdout
    assert "add: [[conv 3x3 same x32], []]" in coloured


def test_markdown() -> None:
    """Markdown fences the code, and has a heading for every section."""
    text = run("--format", "markdown")
    assert text.count("\n## ") == len(sections())
    assert "```cnn\nlet width = 16, depth = 2\n" in text
    assert "```yaml\ninput: 32x32x3\n" in text


@pytest.mark.parametrize("format", ["table", "json", "markdown"])
def test_ascii(format: str) -> None:
    """Where there is ASCII alone, no sign is lost."""
    text = run("--format", format, charset="ascii")
    assert text.isascii()
    assert "?" not in text
