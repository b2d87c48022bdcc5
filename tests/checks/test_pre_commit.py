"""The hooks of `.pre-commit-hooks.yaml`: what each runs, and a run of the real pre-commit."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from command_line import environment, run

ROOT = Path(__file__).parents[2]
HOOKS = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))

CONFIGURATION = """\
repos:
  - repo: {hooks}
    rev: {rev}
    hooks:
      - id: cnncalc-format
      - id: cnncalc-check
        args: [--strict]
"""


@pytest.mark.parametrize("hook", HOOKS, ids=lambda hook: hook["id"])
def test_entry(hook: dict[str, str], tmp_path: Path) -> None:
    """Each entry is a command that takes files: it passes on a fine one, and fails on a wrong one or changes it."""
    program, *arguments = shlex.split(hook["entry"])
    assert (program, hook["language"], hook["files"]) == ("cnncalc", "python", r"\.cnn$")
    fine, wrong = tmp_path / "fine.cnn", tmp_path / "wrong.cnn"
    fine.write_text("input 8x8x3 | conv 3x3 x4\n")
    wrong.write_text("input 8x8x3 | conv 9x9 x4\n")
    assert run(*arguments, str(fine), str(fine)).exit_code == 0
    assert run(*arguments, str(fine), str(wrong)).exit_code == 1


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.mark.slow
def test_pre_commit(tmp_path: Path) -> None:
    """pre-commit installs the hooks and runs them: the first commit is formatted, then refused for its budget."""
    pytest.importorskip("pre_commit")
    hooks, project = tmp_path / "hooks", tmp_path / "project"
    hooks.mkdir()
    project.mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml"):
        shutil.copy(ROOT / name, hooks)
    shutil.copytree(ROOT / "cnncalc", hooks / "cnncalc", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in (hooks, project):
        git(folder, "init", "--quiet")
    git(hooks, "add", "--all")
    git(hooks, "commit", "--quiet", "--message", "hooks")
    rev = git(hooks, "rev-parse", "HEAD")
    (project / ".pre-commit-config.yaml").write_text(CONFIGURATION.format(hooks=hooks.as_uri(), rev=rev))
    net = project / "net.cnn"
    net.write_text("# budget: params < 100\ninput 8x8x3 | CONV 3x3 x4\n")
    git(project, "add", "--all")

    def commit() -> tuple[int, str]:
        command = [sys.executable, "-m", "pre_commit", "run", "--color", "never"]
        env = environment(PRE_COMMIT_HOME=str(tmp_path / "home"))
        done = subprocess.run(command, cwd=project, env=env, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    status, shown = commit()
    assert status == 1
    assert "cnncalc format...........................................................Failed" in shown
    assert "files were modified by this hook" in shown
    assert "error[E142]: the budget `params < 100` is exceeded" in shown
    assert net.read_text() == "# budget: params < 100\ninput 8x8x3 | conv 3x3 x4\n"
    net.write_text(net.read_text().replace("100", "200"))
    git(project, "add", "--all")
    assert commit()[0] == 0
