"""`cnncalc review` on real git repositories, its comment on a server that answers as GitHub does, and the action."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml
from command_line import environment, run

from cnncalc.checks.github import MARK, MOST_CHARACTERS, fitting

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "cnncalc" / "action.yml"

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")

OLD = "# budget: params < 300\ninput 32x32x3\nconv 3x3 same x8 | relu\ngap | fc 2\n"
NEW = OLD.replace("x8 | relu", "x16 | relu | pool 2")


class History:
    """A git repository of a test."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *arguments: str) -> str:
        settings = ("user.name=test", "user.email=test@example.org", "commit.gpgsign=false", "core.autocrlf=false")
        command = ["git", *(word for each in settings for word in ("-c", each)), *arguments]
        done = subprocess.run(command, cwd=self.folder, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def commit(self, **files: str | bytes | None) -> str:
        """Write or remove files, by their names with `_` for the dot, and return the commit."""
        for key, content in files.items():
            path = self.folder / key.replace("__", "/").replace("_", ".")
            path.parent.mkdir(parents=True, exist_ok=True)
            if content is None:
                path.unlink()
            elif isinstance(content, bytes):
                path.write_bytes(content)
            else:
                path.write_text(content, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> History:
    for name in ("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"):  # set where the tests run in a hook of git
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return History(folder)


def comment(*arguments: str) -> tuple[int, str]:
    done = run("review", *arguments, "--format", "markdown")
    return done.exit_code, done.stdout


#: Parameters: 27·8 + 8 and 8·2 + 2; then 27·16 + 16 and 16·2 + 2. The peak: 1,024 · (3 + 8) elements of 4 bytes, and in
#: the pool 1,024 · 16 and 256 · 16.
CHANGED = """\
# Networks in this change

1 network differs from A `{base}` to B `{head}`, 1 budget exceeded

## `net.cnn`

1 layer added, 5 changed, 1 alike

| total as float32 | A | B | change | per cent |
| --- | ---: | ---: | ---: | ---: |
| layers | 5 | 6 | +1 | +20.0 % |
| parameters | 242 | 482 | +240 | +99.2 % |
"""


def test_changed(history: History) -> None:
    """The totals, the layers that differ, the budget before and after, and the drawing; the status is 3."""
    base, head = history.commit(net_cnn=OLD), history.commit(net_cnn=NEW)
    status, text = comment(base)
    assert status == 3
    assert text.startswith(CHANGED.format(base=base[:12], head=head[:12]))
    assert "| peak bytes | 45,056 | 81,920 | +36,864 | +81.8 % |" in text
    assert "| added | pool1 | pool 2x2 | 16x16x16 |  |  |" in text
    assert (
        "| budget | before | after | outcome |\n| --- | ---: | ---: | --- |\n"
        "| params < 300 | 242 | 482 | exceeded: 482 is over 300 by 182 (60.7 %) |" in text.replace("\\<", "<")
    )
    drawing = text.split("```mermaid\n")[1].split("\n```")[0].split("\n")
    assert drawing[:8] == [
        "flowchart TD",
        '  l0["input1<br/>input 32x32x3<br/>32x32x3"]:::same',
        '  l1["conv1<br/>conv 3x3 same x8 → conv 3x3 same x16<br/>32x32x8 → 32x32x16"]:::changed',
        "  l0 --> l1",
        '  l2["relu1<br/>relu<br/>32x32x8 → 32x32x16"]:::changed',
        "  l1 --> l2",
        '  l3["pool1<br/>pool 2x2<br/>16x16x16"]:::added',
        "  l2 --> l3",
    ]


def test_against_what_is_in_common(history: History) -> None:
    """What the base has changed since both went apart is no part of the review."""
    history.commit(net_cnn=OLD, other_cnn=OLD)
    history.git("checkout", "--quiet", "-b", "feature")
    history.commit(net_cnn=NEW)
    history.git("checkout", "--quiet", "main")
    history.commit(other_cnn=NEW)
    history.git("checkout", "--quiet", "feature")
    _, text = comment("main")
    assert "`net.cnn`" in text
    assert "other.cnn" not in text


def test_terminal(history: History) -> None:
    """In a terminal there is the same without the drawing."""
    history.commit(net_cnn=OLD)
    history.commit(net_cnn=NEW)
    done = run("review", "HEAD~1")
    assert done.exit_code == 3
    assert "parameters" in done.stdout
    assert "exceeded: 482 is over 300 by 182 (60.7 %)" in " ".join(done.stdout.split())
    assert "flowchart" not in done.stdout


def test_kinds_of_changes(history: History) -> None:
    """New, removed, renamed, wrong and open ones, each in a section; other files are passed over."""
    history.commit(
        gone_cnn="input 8x8x3 | conv 1x1 x3", old_cnn=OLD, bad_cnn=OLD, notes_md="a", ci_yaml="on: push\njobs: {}\n"
    )
    history.commit(
        gone_cnn=None,
        old_cnn=None,
        moved_cnn=OLD.replace("fc 2", "fc 1"),
        bad_cnn="input 8x8x3 | cnov 3x3",
        fresh_yaml="input: 8x8x3\nlayers:\n  - conv 3x3 x4\n",
        open_cnn="conv 3x3 x4 | relu",
        notes_md="b",
        ci_yaml="on: push\njobs: {a: 1}\n",
    )
    status, text = comment("HEAD~1")
    assert status == 1
    sections = {part.split("\n")[0]: part for part in text.split("\n## ")[1:]}
    assert list(sections) == ["`bad.cnn`", "`fresh.yaml`", "`gone.cnn`", "`moved.cnn`", "`open.cnn`"]
    assert "It cannot be calculated:\n\n```text\nerror[E101]: unknown layer `cnov`" in sections["`bad.cnn`"]
    assert "It is new.\n\n| total as float32 |  |" in sections["`fresh.yaml`"]
    assert "| parameters | 112 |" in sections["`fresh.yaml`"]
    assert "It is removed." in sections["`gone.cnn`"]
    assert "It was `old.cnn`." in sections["`moved.cnn`"]
    assert "Its sizes are open" in sections["`open.cnn`"]


def test_configuration_of_the_head(history: History) -> None:
    """Budgets of pyproject.toml are those at the head, whatever lies in the working folder."""
    history.commit(nets__net_cnn=OLD.split("\n", 1)[1])
    history.commit(
        nets__net_cnn=NEW.split("\n", 1)[1],
        pyproject_toml='[tool.cnncalc]\nbudgets = [{ files = "nets/*.cnn", deploy = "int8", hold = "ram < 16KiB" }]\n',
    )
    (history.folder / "pyproject.toml").write_text("[tool.cnncalc]\nwrong = 1\n")
    status, text = comment("HEAD~1")
    # In int8 11,264 bytes before, 20,480 after.
    assert "ram < 16KiB (deploy int8) | 11.0 KiB | 20.0 KiB | exceeded: 20,480 B is over 16,384 B" in text.replace(
        "\\", ""
    )
    assert status == 3


def test_model_files(history: History) -> None:
    """A model file is read as it was and as it is, from wherever it lies; one kept by Git LFS is an error."""
    flatbuffers = pytest.importorskip("flatbuffers")
    assert flatbuffers
    from tflite_files import TfliteOperator, TfliteTensor, held, written

    def model(filters: int) -> bytes:
        tensors = {
            "x": TfliteTensor((1, 8, 8, 3)),
            "w": held(filters, 3, 3, 3),
            "b": held(filters),
            "y": TfliteTensor((1, 8, 8, filters)),
        }
        values = {"StrideW": 1, "StrideH": 1, "DilationWFactor": 1, "DilationHFactor": 1}
        return written(tensors, [TfliteOperator("CONV_2D", "xwb", "y", "Conv2DOptions", values)])

    history.commit(a__net_tflite=model(4))
    history.commit(a__net_tflite=model(8))
    status, text = comment("HEAD~1")
    assert (status, "| parameters | 112 | 224 | +112 | +100.0 % |" in text) == (0, True)
    history.commit(a__net_tflite=b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n")
    status, text = comment("HEAD~1")
    assert (status, "error[E401]: `a/net.tflite` is kept by Git LFS" in text) == (1, True)


def test_names_are_escaped(history: History) -> None:
    """What a file and its layers are called is no markup, neither of the comment nor of the drawing."""
    history.commit(net_cnn='input 8x8x3\nconv 3x3 x4 as a\nrearrange "h w c -> w h c"\n')
    (history.folder / "net.cnn").rename(history.folder / "n`|<b>.cnn")
    history.commit()
    (history.folder / "n`|<b>.cnn").write_text('input 8x8x3\nconv 3x3 x5 as a\nrearrange "h w c -> w h c"\n')
    history.commit()
    _, text = comment("HEAD~1")
    assert "## `` n`\\|<b>.cnn ``" in text
    assert "rearrange #34;h w c -#62; w h c#34;" in text.split("```mermaid")[1]


def test_nothing_differs(history: History) -> None:
    first = history.commit(net_cnn=OLD)
    second = history.commit(notes_md="a")
    assert comment("HEAD~1") == (
        0,
        f"# Networks in this change\n\nNo network differs between `{first[:12]}` and `{second[:12]}`.\n",
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("nothing",), "error[E401]: no commit is named `nothing`"),
        (("HEAD", "--output"), "Error: Option '--output' requires an argument."),
        (("--", "--all"), "error[E401]: no commit is named `--all`"),
        (("main", "orphan"), "have no commit in common"),
    ],
)
def test_wrong_revisions(history: History, arguments: tuple[str, ...], message: str) -> None:
    """A revision that is not there is an error, and none is an option of git."""
    history.commit(net_cnn=OLD)
    history.git("checkout", "--quiet", "--orphan", "orphan")
    history.commit(net_cnn=NEW)
    done = run("review", *arguments)
    assert done.exit_code in (1, 2)
    assert message in done.stderr


def test_no_repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    done = run("review", "main")
    assert (done.exit_code, done.stderr.split("\n")[0]) == (
        1,
        f"error[E401]: `{tmp_path}` is in no git repository",
    )
    monkeypatch.setenv("PATH", "")
    assert run("review", "main").stderr.startswith("error[E401]: git is not installed\n")


# -- the comment ---------------------------------------------------------------------------------------------


class Api:
    """A server that keeps the comments of pull request 7 as GitHub does, on loopback."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.token = "right"
        api = self

        class Handler(BaseHTTPRequestHandler):
            def answer(self) -> None:
                api.asked.append(f"{self.command} {self.path}")
                length = int(self.headers.get("Content-Length") or 0)
                body = json.loads(self.rfile.read(length)) if length else None
                status, result = api.handle(self.command, self.path, self.headers["Authorization"], body)
                data = json.dumps(result).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_GET = do_POST = do_PATCH = answer  # noqa: N815  # the names that http.server calls

            def log_message(self, *_: object) -> None:
                """Write nothing."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self.thread.start()

    def handle(self, method: str, path: str, token: str, body: Any) -> tuple[int, Any]:
        if token != f"Bearer {self.token}":
            return 403, {"message": "Resource not accessible by integration"}
        path, _, query = path.partition("?")
        if path == "/repos/me/nets/issues/7/comments":
            if method == "POST":
                self.comments.append({"id": len(self.comments) + 100, **body})
                return 201, {**self.comments[-1], "html_url": "https://example.org/new"}
            page = int(query.rpartition("page=")[2])
            return 200, self.comments[100 * (page - 1) : 100 * page]
        if method == "PATCH" and path.startswith("/repos/me/nets/issues/comments/"):
            self.comments[int(path.rpartition("/")[2]) - 100].update(body)
            return 200, {"html_url": "https://example.org/same"}
        return 404, {"message": "Not Found"}


@pytest.fixture
def api(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    server = Api()
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"action": "synchronize", "number": 7, "pull_request": {"number": 7}}))
    for name, value in (
        ("GITHUB_API_URL", server.address),
        ("GITHUB_REPOSITORY", "me/nets"),
        ("GITHUB_TOKEN", "right"),
        ("GITHUB_EVENT_PATH", str(event)),
        ("no_proxy", "127.0.0.1"),
    ):
        monkeypatch.setenv(name, value)
    yield server
    server.server.shutdown()
    server.server.server_close()


def test_one_comment(history: History, api: Api) -> None:
    """The first review comments, the next ones update that, wherever it stands among others."""
    api.comments = [{"id": 100 + at, "body": "another"} for at in range(150)]
    history.commit(net_cnn=OLD)
    history.commit(net_cnn=NEW)
    done = run("review", "HEAD~1", "--post")
    assert (done.exit_code, done.stderr) == (3, "note: the comment is https://example.org/new\n")
    assert len(api.comments) == 151
    assert api.comments[150]["body"].startswith(f"{MARK}\n# Networks in this change\n")
    history.commit(net_cnn=OLD)
    done = run("review", "HEAD~2", "--post")
    assert (done.exit_code, done.stderr) == (0, "note: the comment is https://example.org/same\n")
    assert len(api.comments) == 151
    assert "No network differs" in api.comments[150]["body"]
    assert api.asked[-3:] == [
        "GET /repos/me/nets/issues/7/comments?per_page=100&page=1",
        "GET /repos/me/nets/issues/7/comments?per_page=100&page=2",
        "PATCH /repos/me/nets/issues/comments/250",
    ]


def test_no_comment_on_nothing(history: History, api: Api) -> None:
    """Where no network differs, and none did, nobody is told."""
    history.commit(net_cnn=OLD)
    history.commit(notes_md="a")
    done = run("review", "HEAD~1", "--post")
    assert (done.exit_code, done.stderr) == (0, "note: no network differs, and there is no comment yet\n")
    assert api.comments == []


@pytest.mark.parametrize(
    ("variables", "number", "message", "help"),
    [
        ({"GITHUB_TOKEN": "wrong"}, "7", "GitHub refused the comment: 403", "permissions: pull-requests: write"),
        ({}, "8", "GitHub refused the comment: 404", "there is no pull request 8 in me/nets"),
        ({"GITHUB_TOKEN": ""}, "7", "no pull request to comment on", "run it in GitHub Actions, or set the variable"),
        ({"GITHUB_API_URL": "file:///etc"}, "7", "no pull request to comment on", "it is https://api.github.com"),
        (
            {"GITHUB_API_URL": "http://127.0.0.1:9"},
            "7",
            "GitHub cannot be reached",
            "it is asked at http://127.0.0.1:9",
        ),
        ({"GITHUB_EVENT_PATH": ""}, "", "no pull request to comment on", "add `--pull-request N`"),
    ],
)
@pytest.mark.usefixtures("api")
def test_comment_that_fails(
    history: History,
    monkeypatch: pytest.MonkeyPatch,
    variables: dict[str, str],
    number: str,
    message: str,
    help: str,
) -> None:
    """What is missing, or refused, is said with what to do; the token is never shown."""
    history.commit(net_cnn=OLD)
    history.commit(net_cnn=NEW)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    done = run("review", "HEAD~1", "--post", *(["--pull-request", number] if number else []))
    assert done.exit_code == 1
    assert done.stderr.startswith(f"error[E402]: {message}\n")
    assert help in done.stderr
    assert "Bearer" not in done.stderr
    assert "wrong" not in done.stderr


def test_long_comments_are_cut() -> None:
    """A comment has at most as many characters as GitHub takes; a block that is open is closed."""
    text = "# Title\n\n```text\n" + "a line\n" * 20_000
    cut = fitting(text)
    assert len(cut) < 65_536
    assert cut.endswith("a line\n```\n\nThe rest is too long for a comment: `cnncalc review` prints it.")
    assert fitting("x" * MOST_CHARACTERS) == "x" * MOST_CHARACTERS


def test_refused_options(history: History) -> None:
    history.commit(net_cnn=OLD)
    done = run("review", "main", "--pull-request", "7")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        2,
        "Error: `--pull-request` has no effect without `--post`",
    )


# -- the action ----------------------------------------------------------------------------------------------


def test_action(history: History, api: Api, tmp_path: Path) -> None:
    """The action's own script, as GitHub runs it, writes the comment and the job's summary, and fails for a budget."""
    base, head = history.commit(net_cnn=OLD), history.commit(net_cnn=NEW)
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    assert action["runs"]["using"] == "composite"
    step = action["runs"]["steps"][-1]
    # Inputs reach the script by its environment alone, where nothing of them is run.
    assert "${{" not in step["run"]
    assert set(step["env"]) == {"GITHUB_TOKEN", "BASE", "HEAD", "OPTIONS"}
    program = tmp_path / "bin" / "cnncalc"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m cnncalc "$@"\n')
    program.chmod(0o755)
    summary = tmp_path / "summary.md"
    variables = environment(
        PATH=f"{program.parent}:{environment()['PATH']}",
        PYTHONPATH=str(ROOT),
        BASE=base,
        HEAD=head,
        OPTIONS="--deploy int8",
        GITHUB_STEP_SUMMARY=str(summary),
    )
    script = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]
    done = subprocess.run(script, cwd=history.folder, env=variables, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (3, "note: the comment is https://example.org/new\n")
    (only,) = api.comments
    assert only["body"] == f"{MARK}\n{summary.read_text()}"
    assert "total as int8, biases int32" in only["body"]


def test_inputs_of_the_action() -> None:
    """Every input is used, and has what it is when it is left out."""
    action = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
    text = ACTION.read_text(encoding="utf-8")
    assert [name for name in action["inputs"] if f"inputs.{name} " not in text] == []
    assert all("default" in each and each["description"] for each in action["inputs"].values())
