"""`cnncalc SPEC`: what is calculated, from where, with which options."""

from __future__ import annotations

import json
import re
from pathlib import Path

from command_line import CARD, cells, run_process


def test_a_spec_with_words_apart() -> None:
    """A spec on the command line gives a table, whose footer sums it up."""
    done = run_process(CARD)

    heading, _, first, second, *_ = done.output.split("\n")
    assert cells(heading) == ["name", "layer", "output", "parameters", "MACs", "field"]
    assert cells(first) == ["input1", "input 5x5x3", "5x5x3", "1"]
    assert cells(second) == ["conv1", "conv 3x3 x2", "3x3x2", "56", "486", "3"]
    assert re.search(r"^total +56 +486$", done.output, re.MULTILINE)
    assert (done.status, done.errors) == (0, "")


def test_a_spec_of_glued_words() -> None:
    """A glued spec takes its input from the option."""
    done = run_process("conv3x3s1p0:16,pool2", "--input", "32x32x3", "-f", "csv", "--columns", "name,output,params")

    assert done.all == (0, "name,output,params\ninput1,32x32x3,0\nconv1,30x30x16,448\npool1,15x15x16,0\n", "")


def test_the_command_may_be_named() -> None:
    """`cnncalc calc SPEC` is what `cnncalc SPEC` does."""
    assert run_process("calc", CARD).all == run_process(CARD).all


def test_a_file(tmp_path: Path) -> None:
    """A file gives what its text gives."""
    (tmp_path / "net.cnn").write_text("# two layers\ninput 5x5x3\nconv 3x3 s1 valid x2\n")

    assert run_process("net.cnn", cwd=tmp_path).all == run_process(CARD).all


def test_a_file_of_windows(tmp_path: Path) -> None:
    """A byte order mark and carriage returns change nothing."""
    (tmp_path / "net.cnn").write_bytes(b"\xef\xbb\xbfinput 5x5x3\r\nconv 3x3 s1 valid x2\r\n")

    assert run_process("net.cnn", cwd=tmp_path).all == run_process(CARD).all


def test_standard_input() -> None:
    """`-` reads standard input."""
    assert run_process("-", stdin=b"input 5x5x3\nconv 3x3 s1 valid x2\n").all == run_process(CARD).all


def test_input_overrides() -> None:
    """`--input` speaks for the input that the spec has."""
    done = run_process(CARD, "--input", "9x7x1", "-f", "csv", "--columns", "output")

    assert done.output == "output\n9x7x1\n7x5x2\n"


def test_variables() -> None:
    """`--var` overrides a let, by an expression too."""
    done = run_process("let w = 2\ninput 5 | fc {w}", "--var", "w=2*8", "-f", "csv", "--columns", "layer")

    assert done.output == "layer\ninput 5\nfc 16\n"


def test_batch() -> None:
    """`--batch` multiplies MACs and activations, not shapes or parameters."""
    done = run_process(CARD, "--batch", "8", "-f", "csv", "--columns", "output,params,macs,activations")

    assert done.output == "output,params,macs,activations\n5x5x3,0,0,600\n3x3x2,56,3888,144\n"


def test_dtype() -> None:
    """`--dtype` sets the bytes of a number."""
    totals = [json.loads(run_process(CARD, "-f", "json", "--dtype", dtype).output)["totals"] for dtype in DTYPES]

    assert [total["params_bytes"] for total in totals] == [56 * size for size in DTYPES.values()]


DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}
