"""What README, docs and the contributors' guide show is what happens: commands, specs, sessions, tables, source.

`pytest --update-goldens tests/docs` writes the outputs of all commands, the tables between markers and the quoted
pieces of source anew; look at the difference.
"""

from __future__ import annotations

import ast
import doctest
import os
import re
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest

import cnncalc
from cnncalc.cli import main
from cnncalc.cli.command import COMMANDS
from cnncalc.report.layers import overview_document
from cnncalc.report.markdown import to_markdown

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = ROOT / "cnncalc" / "docs"
GUIDE = ROOT / ".github" / "CONTRIBUTING.md"
TOPICS = sorted(DOCS.glob("*.md"))
PAGES = [README, *TOPICS]

#: A fenced block: its language, the name of the file that it is (```cnn net.cnn), and its text.
FENCE = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
#: In a console block: a command, and what it shows.
SESSION = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n)*)", re.MULTILINE)
#: Before a block that quotes a file: which file, and the piece of it.
QUOTE = re.compile(r"^(<!-- quoted: (\S+) ([^\n]+) -->\n\n?```\w+\n)(.*?)(?=^```$)", re.MULTILINE | re.DOTALL)


def read(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> Iterator[tuple[str, str | None, str]]:
    """The language, file name and text of each fenced block in one of the languages."""
    for language, name, text in FENCE.findall(read(page)):
        if language in languages:
            yield language, name or None, text


def commands(page: Path) -> list[tuple[str, str]]:
    """Each command of the console blocks, and the output below it."""
    return [found for _, _, text in blocks(page, "console") for found in SESSION.findall(text)]


def write_files(page: Path, folder: Path) -> None:
    """Write the files that a page names where its commands look for them."""
    for _, name, text in blocks(page, "cnn", "yaml", "cfg", "python", "toml", "sh"):
        if name:
            (folder / name).write_text(text, encoding="utf-8")


def run(command: str, folder: Path) -> str:
    """Return what a shell shows for the command: both streams, one after the other, at 100 columns, uncoloured."""
    script = f'cnncalc() {{ "{sys.executable}" -m cnncalc "$@"; }}; {command}'
    environment = {**os.environ, "NO_COLOR": "1", "PYTHONIOENCODING": "utf-8"}
    environment.pop("FORCE_COLOR", None)
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    return (done.stdout + done.stderr).rstrip("\n") + "\n"


def title(value: object) -> str | None:
    """Return the name of a page, for pytest to show."""
    return value.name if isinstance(value, Path) else None


# -- what is run -------------------------------------------------------------------------------------


@pytest.mark.skipif(not shutil.which("bash"), reason="the commands are for a POSIX shell")
@pytest.mark.parametrize(
    ("page", "command", "shown"), [(page, *found) for page in PAGES for found in commands(page)], ids=title
)
def test_command(page: Path, command: str, shown: str, tmp_path: Path, goldens: Any) -> None:
    """A command gives what the page shows."""
    if "jq" in command and not shutil.which("jq"):
        pytest.skip("jq is not installed")
    write_files(page, tmp_path)
    output = run(command, tmp_path)
    if goldens.update:
        page.write_text(updated(read(page), command, output), encoding="utf-8")
    else:
        assert output == shown.rstrip("\n") + "\n"


def updated(text: str, command: str, output: str) -> str:
    """The page with the output of a command in place of what it showed, one empty line before the next command."""

    def console(block: re.Match[str]) -> str:
        shown = [(each, output if each == command else old) for each, old in SESSION.findall(block[3])]
        return "```console\n" + "\n".join(f"$ {each}\n{old.rstrip()}\n" for each, old in shown) + "```"

    return FENCE.sub(lambda block: console(block) if block[1] == "console" else block[0], text)


@pytest.mark.parametrize(
    ("page", "language", "text"),
    [(page, language, text) for page in PAGES for language, _, text in blocks(page, "cnn", "yaml")],
    ids=title,
)
def test_spec(page: Path, language: str, text: str, tmp_path: Path) -> None:
    """A spec that a page shows has a result."""
    path = tmp_path / f"net.{language}"
    path.write_text(text, encoding="utf-8")
    assert cnncalc.analyze(path).totals.layers > 0


@pytest.mark.parametrize("page", [page for page in PAGES if ">>> " in read(page)], ids=title)
def test_python(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python sessions of a page, run one after the other, give what they show."""
    write_files(page, tmp_path)
    monkeypatch.chdir(tmp_path)
    sessions = "\n".join(text for _, _, text in blocks(page, "python") if ">>> " in text)
    runner = doctest.DocTestRunner()
    runner.run(doctest.DocTestParser().get_doctest(sessions, {}, page.name, str(page), 0))
    assert runner.summarize(verbose=False).failed == 0
    assert runner.tries > 0


def test_resnet_of_the_language_page() -> None:
    """The ResNet-50 of the language page is torchvision's: its published parameters and multiply-adds."""
    (text,) = (text for _, name, text in blocks(DOCS / "language.md", "cnn") if name == "resnet50.cnn")
    totals = cnncalc.analyze(text).totals
    assert (totals.params, totals.buffers, totals.macs) == (25_557_032, 53_120, 4_089_184_256)


# -- what is quoted ----------------------------------------------------------------------------------


def test_layers(goldens: Any) -> None:
    """The table of layers is the one that the classes give."""
    goldens.part(DOCS / "layers.md", "layers", to_markdown(overview_document()))


def piece(file: str, name: str) -> str:
    """Return a piece of a file by its name.

    In Python that is a top-level class, function or assignment, or in quotation marks an entry of a dictionary by a
    word of its key. In other files it is the case below `=== name`.
    """
    text = (ROOT / file).read_text(encoding="utf-8")
    if not file.endswith(".py"):
        return text.partition(f"=== {name}\n")[2].partition("\n\n")[0] + "\n"
    spans = [span for key, *span in (entries(text) if name.startswith('"') else definitions(text)) if name in key]
    assert spans, f"{file} has no {name}"
    first, last = spans[0]
    return textwrap.dedent("\n".join(text.splitlines()[first - 1 : last])) + "\n"


def definitions(text: str) -> Iterator[tuple[list[str], int, Any]]:
    """Yield the names of each top-level class, function or assignment, and its first and last line."""
    for node in ast.parse(text).body:
        targets = getattr(node, "targets", [getattr(node, "target", node)])
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        yield [getattr(each, "name", getattr(each, "id", "")) for each in targets], first, node.end_lineno


def entries(text: str) -> Iterator[tuple[list[str], int, Any]]:
    """Yield the words of the key of each entry of a dictionary, in quotation marks, and its first and last line."""
    for node in ast.walk(ast.parse(text)):
        for key, value in zip(node.keys, node.values, strict=True) if isinstance(node, ast.Dict) else ():
            if isinstance(key, ast.Constant):
                yield [f'"{word}"' for word in str(key.value).split()], key.lineno, value.end_lineno


def test_quotes(goldens: Any) -> None:
    """What the contributors' guide quotes is the source as it is."""
    text = read(GUIDE)
    fresh = QUOTE.sub(lambda quote: quote[1] + piece(quote[2], quote[3]), text)
    assert len(QUOTE.findall(text)) == text.count("<!-- quoted: ") > 0
    goldens.file(GUIDE, fresh)


# -- form --------------------------------------------------------------------------------------------


def test_length() -> None:
    """The README is short enough to be read to its end."""
    assert len(read(README).splitlines()) <= 250


@pytest.mark.parametrize("page", [*PAGES, GUIDE], ids=title)
def test_form(page: Path) -> None:
    """A page begins with its title and one sentence that sums it up, and its prose is no wider than 110 columns."""
    heading, empty, first, *_ = read(page).splitlines()
    assert re.fullmatch(r"# \S.*", heading)
    assert empty == ""
    assert re.match(r"\w", first)
    prose = FENCE.sub("", re.sub(r"<!-- (\w+): begin -->.*?<!-- \1: end -->", "", read(page), flags=re.DOTALL))
    assert [line for line in prose.splitlines() if len(line) > 110 and not line.startswith("|")] == []


@pytest.mark.parametrize("page", [*PAGES, GUIDE], ids=title)
def test_links(page: Path) -> None:
    """A relative link leads to a file that is there, and to a heading of it."""
    for target in re.findall(r"\]\(([^)]+)\)", FENCE.sub("", read(page))):
        if not target.startswith("https://"):
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", FENCE.sub("", read(page)), re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_every_topic_is_linked() -> None:
    """The README leads to each page of the docs."""
    linked = re.findall(r"\]\(cnncalc/docs/([\w-]+\.md)", read(README))
    assert sorted(set(linked)) == [page.name for page in TOPICS]


# -- options -----------------------------------------------------------------------------------------


def options(command: str) -> set[str]:
    """Return all names of a command's options, but for --help."""
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return {
        name for each in found.params if isinstance(each, click.Option) for name in (*each.opts, *each.secondary_opts)
    }


def test_every_option() -> None:
    """Each command and each of its options is somewhere in the README or the docs."""
    text = "\n".join(map(read, PAGES))
    assert [command for command in COMMANDS if f"cnncalc {command}" not in text] == []
    known = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", text))
    assert {(command, name) for command in COMMANDS for name in options(command) - known} == set()


def test_table_of_options() -> None:
    """The options that several commands share are those of the commands that the table gives, and of no others."""
    rows = re.findall(r"^\| (`-.*?) +\| .* \| ([a-z, ]+?) *\|$", read(DOCS / "commands.md"), re.MULTILINE)
    listed = {name: set(takers.split(", ")) for names, takers in rows for name in re.findall(r"`(-[-\w]+)", names)}

    assert len(listed) >= 15
    assert listed == {name: {command for command in COMMANDS if name in options(command)} for name in listed}
