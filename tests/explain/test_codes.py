"""Every code has its page, and every page's example gives its code."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.explain.codes import Page, pages

PACKAGE = Path(cnncalc.__file__).parent

#: Every code that stands in the package's source.
CODES = {
    code for path in PACKAGE.rglob("*.py") for code in re.findall(r'"([EW]\d{3})"', path.read_text(encoding="utf-8"))
}


def test_every_code_has_a_page() -> None:
    """A code that the package gives has an entry in codes.md."""
    assert sorted(CODES - set(pages())) == []


def test_every_page_has_a_code() -> None:
    """An entry in codes.md is about a code that the package gives."""
    assert sorted(set(pages()) - CODES) == []


def test_every_entry_is_read() -> None:
    """No heading of codes.md is passed over, and none stands twice."""
    text = (PACKAGE / "explain" / "codes.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (\w+)", text, re.MULTILINE) == list(pages())


@pytest.mark.parametrize("page", pages().values(), ids=list(pages()))
def test_page_is_whole(page: Page) -> None:
    """A page says what the code means, by example, and what to do."""
    assert page.title
    assert page.meaning[0]
    assert page.example
    assert page.ways_out


@pytest.mark.parametrize("page", [page for page in pages().values() if page.spec], ids=lambda page: page.code)
def test_spec(page: Page, tmp_path: Path) -> None:
    """A page's spec gives its code and no other."""
    assert page.spec is not None
    path = tmp_path / f"net.{page.spec.language}"
    path.write_text(page.spec.text, encoding="utf-8")
    try:
        found = {warning.code for warning in cnncalc.analyze(path).warnings}
    except SpecError as error:
        found = {diagnostic.code for diagnostic in error.diagnostics}
    assert found == {page.code}


def commands() -> Iterator[Any]:
    """Every page whose example is a command; those that need PyTorch are for the frameworks' run."""
    for page in pages().values():
        if page.command:
            torch = any("import nn" in sample.text for sample in page.example)
            yield pytest.param(page, id=page.code, marks=pytest.mark.frameworks if torch else ())


@pytest.mark.skipif(not shutil.which("bash"), reason="the commands are for a POSIX shell")
@pytest.mark.parametrize("page", list(commands()))
def test_command(page: Page, tmp_path: Path) -> None:
    """A page's command gives its code and no other; its files stand where it looks for them.

    Where the code is about a library that is missing, it is made to be.
    """
    for sample in page.example:
        if sample.name:
            (tmp_path / sample.name).write_text(sample.text, encoding="utf-8")
    command = f'cnncalc() {{ "{sys.executable}" -m cnncalc "$@"; }}; {page.command}'
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8", "NO_COLOR": "1"}
    if page.code == "E301":
        (tmp_path / "torch.py").write_text("raise ImportError")
        environment["PYTHONPATH"] = str(tmp_path)
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert set(re.findall(r"^(?:error|warning)\[(\w+)\]", done.stdout + done.stderr, re.MULTILINE)) == {page.code}
