"""`--get`, `--fail-if` and `--memory` on the command line: what goes to which stream, and the exit status."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cnncalc import sources
from cnncalc.cli import main
from cnncalc.diagnostics import Problems
from cnncalc.graph import GraphBuilder
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import OpaqueOp

CARD = "input 5x5x3 | conv 3x3 s1 valid x2"
FLAT = f"{CARD} | fc 10"
WRONG = "input 5x5x3 | conv 9x9 x8"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def ended(result: Result) -> tuple[int, str, str]:
    return result.exit_code, result.stdout, result.stderr


# -- one figure ------------------------------------------------------------------------------------------------


def test_get() -> None:
    """Raw values, one a line, in the order that they were asked for."""
    paths = ("totals.params", "conv1.output_shape", "flatten1.output_shape", "peak", "conv1.receptive_field")
    arguments = [argument for path in paths for argument in ("--get", path)]
    # 56 + 18·10 + 10; 3·3·2 go into the fc; 75 + 18 elements of 4 bytes.
    assert ended(run(FLAT, *arguments)) == (0, "246\n3x3x2\n18\n372\n3\n", "")


SQUARES = "input 64x60x1 | pool 8 | upsample 8x1 | conv 3x3 same x1"


def test_smallest() -> None:
    """`smallest` is there for any layer, and conditions take it as they take the size."""
    # Across squares of 8, one or two are seen; along the other axis 3 squares of 8 at a jump of 8.
    paths = ("conv1.receptive_field", "conv1.receptive_field.smallest", "pool1.receptive_field.smallest")
    assert run(SQUARES, *[argument for path in paths for argument in ("--get", path)]).stdout == "16x24\n8x24\n8\n"
    assert run(SQUARES, "--fail-if", "conv1.receptive_field.smallest < 9").exit_code == 3
    assert run(SQUARES, "--fail-if", "conv1.receptive_field.smallest < 8").exit_code == 0


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        ("csv", "conv1,16x24,8x24"),
        ("markdown", "| conv1 | 8–16x24 | 8x24 |"),
        ("latex", r"conv1 & 8--16×24 & 8×24 \\".replace("×", r"$\times$")),
    ],
)
def test_field_columns(form: str, expected: str) -> None:
    """For people a field is a range; CSV has its ends as numbers."""
    assert expected in run(SQUARES, "--columns", "name,field,smallest", "-f", form).stdout.splitlines()


def test_marks_of_fields() -> None:
    """The table marks a field that is larger than the input, and one that is an upper bound, without a warning."""
    shown = run("input 4x1 | upsample 5000 | conv 20001 same x1", "--columns", "name,field").stdout
    # Of squares of 5,000, a window of 20,001 touches 5.
    assert "conv1      ≤5*" in shown
    assert shown.splitlines()[-2:] == [
        "*            the receptive field is larger than the input",
        "≤            an upper bound: the outputs see too many different extents to tell them apart",
    ]


def test_get_in_another_layout() -> None:
    """`--layout` turns shapes."""
    assert ended(run(CARD, "--get", "conv1.output_shape", "--layout", "chw")) == (0, "2x3x3\n", "")


def test_get_json() -> None:
    """In JSON each line is a value as the object has it."""
    done = run(CARD, "-f", "json", "--get", "conv1.output_shape", "--get", "name", "--get", "peak", "--get", "dtype")
    assert ended(done) == (0, '[3, 3, 2]\nnull\n372\n"float32"\n', "")


def test_get_of_options() -> None:
    """Batch, type and optimizer count: 8 · 93 elements of 2 bytes live.

    Training has weights, gradients and two copies of 56, and keeps the input of 75 elements for conv1.
    """
    options = "--batch 8 --dtype float16 --optimizer adam"
    done = run(CARD, *options.split(), "--get", "peak", "--get", "training_bytes")
    assert ended(done) == (0, f"{8 * 93 * 2}\n{8 * 75 * 2 + 4 * 56 * 2}\n", "")


def test_get_to_a_file(tmp_path: Path) -> None:
    """`-o` takes the values."""
    assert ended(run(CARD, "--get", "params", "-o", str(tmp_path / "params"))) == (0, "", "")
    assert (tmp_path / "params").read_text() == "56\n"


def test_an_unknown_path() -> None:
    """An unknown path is an error of the command line: nothing goes to standard output, and the status is 2."""
    done = run(CARD, "--get", "params", "--get", "totals.parms")
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr == (
        "error[E140]: unknown figure `totals.parms`\n --> --get:1:1\n  |\n1 | totals.parms\n"
        "  | ^^^^^^^^^^^^ no figure of this path\n"
        "  = note: near it: totals.params, totals.layers, totals.macs\n  = help: write `totals.params`\n"
    )


def test_an_unknown_path_in_json() -> None:
    """In JSON mode the error is an object."""
    done = run(CARD, "--get", "conv1.outpt", "-f", "json")
    assert (done.exit_code, done.stdout) == (2, "")
    assert json.loads(done.stderr)["errors"] == [
        {
            "code": "E140",
            "message": "unknown figure `conv1.outpt`: no figure of this path",
            "source": "--get",
            "line": 1,
            "column": 1,
            "end_column": 12,
            "layer": None,
            "notes": ["near it: conv1.type, conv1.output_shape, conv1.flops"],
            "help": "write `conv1.output` (`output_shape`)",
        }
    ]


def test_a_wrong_spec_comes_first() -> None:
    """Where the spec is wrong there are no figures to look for: status 1."""
    done = run(WRONG, "--get", "parms", "--fail-if", "parms > 5")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "error[E201]" in done.stderr


def test_get_imports_no_rich() -> None:
    """Values for scripts come without the libraries that tables need."""
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        f"try: main(['{CARD}', '--get', 'params', '--fail-if', 'params > 5M'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'yaml', 'csv', 'json'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("56\n", "[]\n")


# -- budgets ---------------------------------------------------------------------------------------------------


def test_budgets_that_are_kept() -> None:
    """Budgets that are kept change nothing."""
    conditions = ("--fail-if", "params > 56", "--fail-if", "peak > 372B")
    assert ended(run(CARD, *conditions)) == ended(run(CARD))


def test_exceeded() -> None:
    """The report stands on standard output, a line for each budget exceeded on standard error: status 3."""
    conditions = ("params > 55", "macs > 1M", "peak > 0.25KiB", "conv1.receptive_field < 32")
    done = run(CARD, *[argument for condition in conditions for argument in ("--fail-if", condition)])
    assert ended(done) == (
        3,
        run(CARD).stdout,
        "exceeded: `params > 55`: 56 is over 55 by 1 (1.8 %)\n"
        "exceeded: `peak > 0.25KiB`: 372 B is over 256 B by 116 B (45.3 %)\n"
        "exceeded: `conv1.receptive_field < 32`: 3 is under 32 by 29 (90.6 %)\n",
    )


def test_exceeded_in_json() -> None:
    """In JSON every budget is under `budgets`, the last key; the lines and the status are the same."""
    done = run(CARD, "-f", "json", "--fail-if", "params > 55", "--fail-if", "macs > 1M")
    assert (done.exit_code, done.stderr) == (3, "exceeded: `params > 55`: 56 is over 55 by 1 (1.8 %)\n")
    found = json.loads(done.stdout)
    assert list(found)[-2:] == ["warnings", "budgets"]
    assert found["budgets"] == [
        {"condition": "params > 55", "figure": "totals.params", "value": 56, "operator": ">", "limit": 55,
         "exceeded": True, "by": 1},
        {"condition": "macs > 1M", "figure": "totals.macs", "value": 486, "operator": ">", "limit": 1_000_000,
         "exceeded": False, "by": None},
    ]  # fmt: skip


def test_get_and_exceeded() -> None:
    """A value that was asked for is given all the same."""
    done = run(CARD, "--get", "params", "--fail-if", "params > 55")
    assert ended(done) == (3, "56\n", "exceeded: `params > 55`: 56 is over 55 by 1 (1.8 %)\n")


def test_memory_and_exceeded() -> None:
    """So is the timeline, in JSON before the budgets."""
    done = run(CARD, "--memory", "--fail-if", "params > 55")
    assert (done.exit_code, done.stdout) == (3, run(CARD, "--memory").stdout)
    done = run(CARD, "--memory", "-f", "json", "--fail-if", "params > 55")
    assert list(json.loads(done.stdout))[-2:] == ["memory", "budgets"]


def test_a_condition_that_cannot_be_read() -> None:
    """A wrong condition is an error of the command line, found before the spec is read."""
    done = run(WRONG, "--fail-if", "peak = 5")
    assert ended(done) == (
        2,
        "",
        "error[E020]: unknown operator `=`\n --> --fail-if:1:6\n  |\n1 | peak = 5\n  |      ^ not an operator\n"
        "  = help: write `==`\n",
    )


def test_a_limit_without_its_unit() -> None:
    """So is a limit in the wrong unit, which shows once the figure is known."""
    done = run(CARD, "--fail-if", "peak > 5M")
    assert ended(done) == (
        2,
        "",
        "error[E141]: `peak` is in bytes\n --> --fail-if:1:8\n  |\n1 | peak > 5M\n"
        "  |        ^^ a limit without a unit of bytes\n  = help: write `5MB` (1000^n) or `5MiB` (1024^n)\n",
    )


def test_colour() -> None:
    """What is exceeded is marked where colour is asked for."""
    assert run(CARD, "--fail-if", "params > 55", "--color", "always").stderr.startswith("\x1b[31m\x1b[1mexceeded")


def test_lower_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an operator of a model file is not counted, a budget is held to a lower bound, and that is said."""
    builder = GraphBuilder(Problems())
    image = builder.add(REGISTRY["input"]("input", shape=(8, 8, 3)), ())
    graph = builder.build(builder.add(OpaqueOp("Roi", None, known=False), (image,)))
    monkeypatch.setattr(sources, "load_source", lambda *_: graph)
    warning = "warning: Roi: not counted in full, so that all totals are lower bounds\n"
    assert ended(run(CARD, "--get", "params")) == (0, "0\n", warning)
    assert run(CARD, "--fail-if", "macs > 1").stderr == warning
    assert run(CARD).stderr == ""


# -- what does not go together ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--get params --memory", "`--memory` has no effect with `--get`, which writes single values"),
        ("--get params -f csv", "`--get` writes values as they are, or as JSON, not as csv"),
        ("--get params --columns name", "`--columns` has no effect with `--get`, which writes single values"),
        ("--memory --columns name", "`--columns` has no effect with `--memory`, which has columns of its own"),
    ],
)
def test_refused(arguments: str, message: str) -> None:
    """Options of which one would be passed over are refused."""
    done = run(CARD, *arguments.split())
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.endswith(f"Error: {message}\n")


def test_memory_of_a_wrong_spec() -> None:
    """Where the spec is wrong, what comes before the error is shown as ever."""
    assert ended(run(WRONG, "--memory")) == ended(run(WRONG))


def test_memory_to_a_file(tmp_path: Path) -> None:
    """`-o` takes the timeline, as a pipe would have it."""
    assert ended(run(CARD, "--memory", "-o", str(tmp_path / "memory"))) == (0, "", "")
    assert (tmp_path / "memory").read_text("utf-8") == run(CARD, "--memory").stdout
