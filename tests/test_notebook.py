"""A notebook, run by a kernel: results are tables there, and errors keep their carets."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import nbclient
import nbformat
import pytest

import cnncalc

pytestmark = pytest.mark.frameworks

CELLS = {
    "result": "import cnncalc\nresult = cnncalc.analyze('resnet18')\nresult",
    "row": "result[-1]",
    "rows": "result.rows[:2]",
    "print": "print(cnncalc.analyze('input 5x5x3 | conv 3x3 x2'))",
    "frame": "result.to_dataframe(columns='name,params', depth=1)",
    "build error": "def net(n):\n    return cnncalc.analyze(f'input {n}x{n}x3 | conv 3x3 x8 | conv 3x3 x8')\n\nnet(3)",
    "spec error": "cnncalc.parse('input 3x3x3 | cnov 3x3 x8')",
    "caught": "try:\n    net(3)\nexcept cnncalc.SpecError as error:\n    display(error)",
    "value error": "cnncalc.analyze('lenet5', batch=0)",
}


@cache
def outputs() -> dict[str, Any]:
    """Each cell's one output."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in CELLS.values()])
    nbclient.NotebookClient(notebook, kernel_name="python3", allow_errors=True, timeout=60).execute()
    assert [len(cell.outputs) for cell in notebook.cells] == [1] * len(CELLS)
    return {name: cell.outputs[0] for name, cell in zip(CELLS, notebook.cells, strict=True)}


def plain(lines: list[str]) -> str:
    """The text of a traceback without its colours."""
    return re.sub(r"\x1b\[[\d;]*m", "", "\n".join(lines))


def test_result() -> None:
    """A result is its table, and one line where there is no HTML."""
    result = cnncalc.analyze("resnet18")
    assert outputs()["result"].data == {"text/html": result.to_html(), "text/plain": repr(result)}


def test_rows() -> None:
    """A row is a line, and rows are a line each."""
    result = cnncalc.analyze("resnet18")
    assert outputs()["row"].data == {"text/plain": repr(result[-1])}
    assert outputs()["rows"].data == {"text/plain": f"({result[0]!r},\n {result[1]!r})"}


def test_print() -> None:
    """Printed it is the table of a terminal."""
    assert outputs()["print"].text == f"{cnncalc.analyze('input 5x5x3 | conv 3x3 x2')}\n"


def test_frame() -> None:
    """A data frame is pandas's table; the last layer has 512·1000 weights and 1000 biases."""
    assert "<th>fc1</th>\n      <td>513000</td>" in outputs()["frame"].data["text/html"]


def test_build_error() -> None:
    """An error names the user's lines that led to it, shows the layers before, and keeps its carets in place."""
    shown = outputs()["build error"]
    assert (shown.output_type, shown.ename) == ("error", "BuildError")
    lines = plain(shown.traceback).split("\n")
    assert lines[:2] == [
        "Cell In[6], line 4: net(3)",
        "Cell In[6], line 2 in net: return cnncalc.analyze(f'input {n}x{n}x3 | conv 3x3 x8 | conv 3x3 x8')",
    ]
    assert [line.split()[0] for line in lines[3:8]] == ["name", "─" * 78, "input1", "conv1", "conv2"]
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.parse("input 3x3x3 | conv 3x3 x8 | conv 3x3 x8")
    assert "\n".join(lines[9:]) == str(caught.value) == shown.evalue


def test_spec_error() -> None:
    """So it is where there are no layers before it."""
    shown = outputs()["spec error"]
    assert plain(shown.traceback) == f"Cell In[7], line 1: {CELLS['spec error']}\n\n{shown.evalue}"
    assert "1 | input 3x3x3 | cnov 3x3 x8\n  |               ^^^^ not a layer word" in shown.evalue


def test_caught_error() -> None:
    """An error that is displayed as a value is HTML."""
    data = outputs()["caught"].data
    assert '<span class="error">error[E201]</span>' in data["text/html"]
    assert "E201" in data["text/plain"]


def test_other_error() -> None:
    """Any other error has its traceback."""
    shown = outputs()["value error"]
    assert shown.ename == "ValueError"
    assert "Traceback (most recent call last)" in plain(shown.traceback)
