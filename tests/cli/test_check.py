"""`cnncalc check`: what is printed in each form, and the exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from command_line import environment, run

BAD = "input 32x32x3 | cnov 3x3\n"
#: Parameters: 3·3·3·16 + 16 and 32; the pool leaves 3 of 30 rows and columns.
NET = "# budget: params < 400, macs < 1M\ninput 32x32x3 | conv 3x3 x16 | bn | pool 3 s4\n"
FINE = "# budget: params < 4M\ninput 32x32x3 | fc 1000\n"

TEXT = """\
error[E101]: unknown layer `cnov`
 --> bad.cnn:1:17
  |
1 | input 32x32x3 | cnov 3x3
  |                 ^^^^ not a layer word
  = help: write `conv`

error[E142]: the budget `params < 400` is exceeded
 --> net.cnn:1:11
  |
1 | # budget: params < 400, macs < 1M
  |           ^^^^^^^^^^^^ 480 is over 400 by 80 (20.0 %)
  = help: most of it: conv1 (448), bn1 (32)

warning[W201]: `pool1` never reaches the last 3 rows (of 30) and the last 3 columns (of 30)
 --> net.cnn:2:37
  |
2 | input 32x32x3 | conv 3x3 x16 | bn | pool 3 s4
  |                                     ^^^^^^^^^
  = help: an input of 27x27 or 31x31 drops nothing; so does `p0-1`, `same` or a kernel of 6x6

3 files: 1 error, 1 warning, 1 budget exceeded
"""

GITHUB = """\
::error file=bad.cnn,line=1,col=17,endColumn=21,title=E101%3A unknown layer `cnov`::\
not a layer word%0Ahelp: write `conv`
::error file=net.cnn,line=1,col=11,endColumn=23,title=E142%3A the budget `params < 400` is exceeded::\
480 is over 400 by 80 (20.0 %25)%0Ahelp: most of it: conv1 (448), bn1 (32)
::warning file=net.cnn,line=2,col=37,endColumn=46,title=W201%3A `pool1` never reaches the last 3 rows (of 30) and the \
last 3 columns (of 30)::help: an input of 27x27 or 31x31 drops nothing; so does `p0-1`, `same` or a kernel of 6x6
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("bad.cnn", BAD), ("net.cnn", NET), ("fine.cnn", FINE)):
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.usefixtures("folder")
def test_text() -> None:
    """Every finding with its place, file by file, and a line that counts them."""
    done = run("check", "bad.cnn", "fine.cnn", "net.cnn")
    assert (done.exit_code, done.stdout, done.stderr) == (1, TEXT, "")
    assert run("check", "-q", "bad.cnn", "fine.cnn", "net.cnn").stdout == TEXT.rsplit("\n", 2)[0]


@pytest.mark.usefixtures("folder")
def test_status() -> None:
    """1 where a file is wrong, 3 where a budget is exceeded alone, 0 where all is fine, warnings or not."""
    assert [run("check", name).exit_code for name in ("bad.cnn", "net.cnn", "fine.cnn")] == [1, 3, 0]
    assert run("check", "fine.cnn").stdout == "1 file: nothing is wrong\n"
    Path("net.cnn").write_text(NET.replace("400", "500"))
    assert [run("check", "net.cnn", *more).exit_code for more in ((), ("--strict",))] == [0, 1]
    assert run("check", "--strict", "net.cnn").stdout.endswith("\n1 file: 1 error\n")


@pytest.mark.usefixtures("folder")
def test_github() -> None:
    """A command for each finding, with the escapes of GitHub's toolkit: of `%`, line ends, `:` and `,`."""
    done = run("check", "-f", "github", "bad.cnn", "fine.cnn", "net.cnn")
    assert (done.exit_code, done.stdout) == (1, GITHUB)
    assert run("check", "-f", "github", "fine.cnn").stdout == ""


def test_names_are_escaped(folder: Path) -> None:
    """No file's name ends its property, or the command."""
    name = "a,b:c%\n::d.cnn"
    (folder / name).write_text(BAD)
    line = run("check", "-f", "github", name).stdout
    assert line.count("\n") == 1
    assert line.startswith("::error file=a%2Cb%3Ac%25%0A%3A%3Ad.cnn,line=1,")


@pytest.mark.usefixtures("folder")
def test_sarif() -> None:
    """A rule for each code with its page, and a result for each finding with its region, counted from 1."""
    done = run("check", "-f", "sarif", "bad.cnn", "fine.cnn", "net.cnn")
    log = json.loads(done.stdout)
    (only,) = log["runs"]
    rules = only["tool"]["driver"]["rules"]
    assert (done.exit_code, log["version"]) == (1, "2.1.0")
    assert [(rule["id"], rule["defaultConfiguration"]["level"]) for rule in rules] == [
        ("E101", "error"),
        ("E142", "error"),
        ("W201", "warning"),
    ]
    assert all(rule["shortDescription"]["text"] and rule["help"]["text"] for rule in rules)
    assert only["results"][1] == {
        "ruleId": "E142",
        "ruleIndex": 1,
        "level": "error",
        "message": {
            "text": "the budget `params < 400` is exceeded\n480 is over 400 by 80 (20.0 %)\n"
            "help: most of it: conv1 (448), bn1 (32)"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": "net.cnn"},
                    "region": {"startLine": 1, "startColumn": 11, "endLine": 1, "endColumn": 23},
                }
            }
        ],
    }
    assert [result["level"] for result in only["results"]] == ["error", "error", "warning"]


def test_file_of_sarif(folder: Path) -> None:
    """The suffix of the file says the form; each suffix that none has is refused."""
    run("check", "fine.cnn", "-o", "log.sarif")
    assert json.loads((folder / "log.sarif").read_text())["runs"][0]["results"] == []
    refused = run("check", "fine.cnn", "-o", "log.json")
    assert (refused.exit_code, refused.stderr.splitlines()[-1]) == (
        2,
        "Error: no format of `check` has the suffix `.json`: add -f, or write to `.sarif` or `.txt`",
    )


def test_configured_files(folder: Path) -> None:
    """Without a file the project's are checked, strictly if it says so, each against its budgets."""
    (folder / "pyproject.toml").write_text(
        '[tool.cnncalc]\nstrict = true\nfiles = ["[fn]*.cnn"]\nbudgets = [{ files = "fine.cnn", hold = "macs < 1K" }]\n'
    )
    done = run("check")
    assert done.exit_code == 1
    assert done.stdout.startswith(
        """\
error[E142]: the budget `macs < 1K` is exceeded
 --> pyproject.toml:4:42
  |
4 | budgets = [{ files = "fine.cnn", hold = "macs < 1K" }]
  |                                          ^^^^^^^^^ 3,072,000 is over 1,000 by 3,071,000 (307,100 %)
  = note: in fine.cnn
  = help: most of it: fc1 (3,072,000)
"""
    )
    assert done.stdout.endswith("\n2 files: 1 error, 2 budgets exceeded\n")
    line = run("check", "-f", "github", "fine.cnn").stdout
    assert line.startswith("::error file=fine.cnn,title=E142%3A the budget `macs < 1K` is exceeded::3,072,000 is over")
    assert "%0Aset in pyproject.toml:4%0A" in line


def test_folder(folder: Path) -> None:
    """A folder stands for the specs in it, at any depth."""
    (folder / "deep").mkdir()
    (folder / "deep" / "one.cnn").write_text(FINE)
    (folder / "deep" / "notes.md").write_text("no spec")
    assert run("check", "deep").stdout == "1 file: nothing is wrong\n"
    assert run("check", ".").stdout.endswith("\n4 files: 1 error, 1 warning, 1 budget exceeded\n")


def test_large_folder(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hidden folders are left out, and a folder of more than there can be specs is refused."""
    (folder / ".git").mkdir()
    (folder / ".git" / "bad.cnn").write_text(BAD)
    monkeypatch.setattr("cnncalc.cli.check.MOST_ENTRIES", 3)
    assert run("check", ".").stdout.endswith("\n3 files: 1 error, 1 warning, 1 budget exceeded\n")
    (folder / "more.txt").write_text("")
    done = run("check", ".")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: the folder `.` has over 3 entries: name a smaller one",
    )


def test_nothing_to_check(folder: Path) -> None:
    (folder / "empty").mkdir()
    none = run("check", "empty")
    assert (none.exit_code, none.stderr.splitlines()[-1]) == (2, "Error: the folder `empty` has no .cnn file")
    none = run("check")
    assert (none.exit_code, none.stderr.splitlines()[-1]) == (
        2,
        "Error: no file to check: give some; `files` of [tool.cnncalc] in pyproject.toml name none",
    )


@pytest.mark.usefixtures("folder")
def test_wrong_configuration() -> None:
    """What is wrong with pyproject.toml is an error like any other, on standard error."""
    Path("pyproject.toml").write_text("[tool.cnncalc]\nfile = 3\n")
    done = run("check", "fine.cnn")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith("error[E021]: `[tool.cnncalc]` has no `file`\n --> pyproject.toml:2:1\n")


@pytest.mark.usefixtures("folder")
def test_missing_file() -> None:
    """A file that is not there is wrong, and keeps no other from being checked."""
    done = run("check", "nothing.cnn", "fine.cnn")
    assert done.exit_code == 1
    assert done.stdout.startswith("error[E010]: cannot read `nothing.cnn`\n = no such file or directory\n")
    assert done.stdout.endswith("\n2 files: 1 error\n")


def test_numbers_for_letters(folder: Path) -> None:
    """`--at` gives numbers for open sizes, which a budget may depend on."""
    (folder / "open.cnn").write_text("# budget: macs < 200\ninput HxWx3 | conv 3x3 x1")
    assert run("check", "open.cnn").exit_code == 1
    # 27 for each of 9 positions, and of 4.
    assert [run("check", "open.cnn", "--at", f"H={size},W={size}").exit_code for size in (5, 4)] == [3, 0]


def test_start(folder: Path) -> None:
    """Neither rich nor numpy is imported for a check without colour."""
    code = "import sys, cnncalc.cli as c\ntry:\n c.main(['check', 'fine.cnn'])\nexcept SystemExit: pass\n"
    code += "print([each for each in ('rich', 'numpy', 'yaml') if each in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout == "1 file: nothing is wrong\n[]\n"
