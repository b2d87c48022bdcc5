"""Budgets in comments and in pyproject.toml: what they say, whose they are, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import pytest

import cnncalc
from cnncalc.checks.budgets import budgets_of
from cnncalc.checks.configuration import Configuration, configuration_of, find_configuration
from cnncalc.checks.findings import CheckOptions, check_file
from cnncalc.diagnostics import Source, SpecError

NET = "input 8x8x3 | conv 3x3 x4 | bn"


def conditions(text: str) -> list[str]:
    return [condition.text for budget in budgets_of(Source("net.cnn", text)) for condition in budget.conditions]


@pytest.mark.parametrize(
    ("text", "held"),
    [
        ("# budget: params < 5M", ["params < 5M"]),
        (f"{NET}   # budget: params < 5M, peak <= 256KiB", ["params < 5M", "peak <= 256KiB"]),
        ("# budget: params < 5,000,000,peak<1MiB", ["params < 5,000,000", "peak<1MiB"]),
        ("#budget: params == 5\n#   budget : macs > 1", ["params == 5", "macs > 1"]),
        ("# budgets: params < 5M\n# a budget: params < 5M\n# the budget of it all", []),
        ("# budget 2024 was less", []),
    ],
)
def test_comments(text: str, held: list[str]) -> None:
    """A comment is a budget if it begins with the word, and a colon follows."""
    assert conditions(text) == held


def test_options() -> None:
    """In front of the colon stand the options that the figures depend on."""
    (budget,) = budgets_of(Source("net.cnn", "# budget deploy=int8 dtype=maps=int16 in-place=dw batch=2: ram < 1MiB"))
    assert budget.options == cnncalc.Options.checked(2, "maps=int16", "torchvision", "sgd", "int8", "dw")


@pytest.mark.parametrize(
    ("comment", "message"),
    [
        (
            "# budget: params <",
            """\
error[E020]: a limit is missing
 --> net.cnn:1:19
  |
1 | # budget: params <
  |                   ^ expected a number
  = help: write a number, and its unit: `5M`, `256KiB`""",
        ),
        (
            "# budget:",
            """\
error[E020]: a figure is missing
 --> net.cnn:1:10
  |
1 | # budget:
  |          ^ expected its path
  = help: write it first: `params > 5M`""",
        ),
        (
            "# budget: params < 5M peak < 1MiB",
            """\
error[E020]: a condition ends at its limit
 --> net.cnn:1:22
  |
1 | # budget: params < 5M peak < 1MiB
  |                      ^^^^^^^^^^^^ left over
  = help: put a comma between two conditions""",
        ),
        (
            "# budget deplyo=int8: ram < 1MiB",
            """\
error[E020]: a budget has no `deplyo`
 --> net.cnn:1:10
  |
1 | # budget deplyo=int8: ram < 1MiB
  |          ^^^^^^^^^^^ not one of its options
  = help: write `deploy=…`""",
        ),
        (
            "# budget deploy=int7: ram < 1MiB",
            """\
error[E020]: an option of a budget cannot be read
 --> net.cnn:1:9
  |
1 | # budget deploy=int7: ram < 1MiB
  |         ^^^^^^^^^^^^ unknown deploy 'int7': one of float32, float16, bfloat16, int8, uint8, int4, int16""",
        ),
        (
            "# budget params < 5M",
            """\
error[E020]: a budget without its colon
 --> net.cnn:1:9
  |
1 | # budget params < 5M
  |         ^^^^^^^^^^^^ no `:` before what must hold
  = help: write `# budget: params < 5M`""",
        ),
    ],
)
def test_wrong_comments(comment: str, message: str) -> None:
    """What cannot be read is marked in the file."""
    with pytest.raises(SpecError) as caught:
        budgets_of(Source("net.cnn", comment))
    assert str(caught.value) == message


def found(tmp_path: Path, text: str, configuration: Configuration = Configuration(), **options: bool) -> list[str]:  # noqa: B008
    """The code and label of each finding about a file of that text."""
    path = tmp_path / "net.cnn"
    path.write_text(text, encoding="utf-8")
    findings = check_file(str(path), configuration, CheckOptions(**options))  # type: ignore[arg-type]
    return [f"{each.diagnostic.code} {each.diagnostic.label}".strip() for each in findings]


def test_held(tmp_path: Path) -> None:
    """112 parameters of the convolution and 8 of the batch norm; all that is not exceeded is silent."""
    assert found(tmp_path, f"# budget: params == 120, params < 121, conv1.output_shape.0 >= 6\n{NET}") == []
    assert found(tmp_path, f"# budget: params < 120, macs > 1M\n{NET}") == [
        "E142 it is 120",
        "E142 3,888 is under 1,000,000 by 996,112 (99.6 %)",
    ]


def test_each_axis_must_hold(tmp_path: Path) -> None:
    """A figure with a number for each axis keeps to a budget where all of them do."""
    text = "# budget: conv1.receptive_field < 4\ninput 8x8x3 | conv 3x5 x4"
    assert found(tmp_path, text) == ["E142 5 is over 4 by 1 (25.0 %)"]


def test_deployed(tmp_path: Path) -> None:
    """A budget of a device has its figures: 124 bytes of weights; the table's types are in a note."""
    assert found(tmp_path, f"# budget deploy=int8: flash < 100B\n{NET}") == [
        "E142 124 B is over 100 B by 24 B (24.0 %)"
    ]
    assert found(tmp_path, f"# budget: flash_bytes < 100B\n{NET}") == [
        "E140 no figure of a network that is not deployed"
    ]
    # Of any other network the word is that for its weights: 108, 4, and 16 of the batch norm, of four bytes.
    assert found(tmp_path, f"# budget: flash < 100B\n{NET}") == ["E142 512 B is over 100 B by 412 B (412 %)"]


def test_letters(tmp_path: Path) -> None:
    """Sizes may be open where no budget depends on them."""
    assert found(tmp_path, "conv 3x3 x4 | relu") == []
    assert [each[:4] for each in found(tmp_path, "# budget: params < 5M\nconv 3x3 x4 | relu")] == ["E130"]


def test_wrong_spec_and_wrong_budget(tmp_path: Path) -> None:
    """Both are found at once."""
    assert found(tmp_path, "# budget: params\ninput 8x8x3 | cnov") == ["E101 not a layer word", "E020 expected one"]


def test_lower_bounds(tmp_path: Path) -> None:
    """A budget of a file with an operator that is not known is held to what is counted, and says so."""
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nwidth=8\nheight=8\nchannels=3\n\n[convolutional]\nfilters=4\nsize=3\n\n[hologram]\n")
    configuration = configuration_of('[tool.cnncalc]\nbudgets = ["params < 1K"]', "pyproject.toml", str(tmp_path))
    assert configuration is not None
    findings = check_file(str(path), configuration, CheckOptions())
    assert [(each.diagnostic.code, each.fails) for each in findings] == [("W306", False)]
    assert check_file(str(path), configuration, CheckOptions(strict=True))[0].diagnostic.code == "E305"


# -- pyproject.toml ------------------------------------------------------------------------------------------


def test_configuration(tmp_path: Path) -> None:
    """Budgets are those of the files that their patterns name, or of all."""
    text = """\
[tool.cnncalc]
strict = true
files = ["nets/**/*.cnn"]
budgets = [
  "params < 5M",
  { files = "nets/*.cnn", hold = "macs < 1G" },
  { files = ["nets/**/*.cnn", "x.onnx"], deploy = "int8", in-place = ["dw"], batch = 2, hold = "ram < 1MiB" },
]
"""
    configuration = configuration_of(text, "pyproject.toml", str(tmp_path))
    assert configuration is not None
    assert configuration.strict

    def held(name: str) -> list[str]:
        budgets = configuration.budgets_of(str(tmp_path / name))
        return [condition.text for budget in budgets for condition in budget.conditions]

    assert held("nets/a.cnn") == ["params < 5M", "macs < 1G", "ram < 1MiB"]
    assert held("nets/deep/er/a.cnn") == ["params < 5M", "ram < 1MiB"]
    assert held("x.onnx") == ["params < 5M", "ram < 1MiB"]
    assert held("other/x.onnx") == ["params < 5M"]
    assert configuration.budgets[2].budget.options == cnncalc.Options.checked(
        2, None, "torchvision", "sgd", "int8", ("dw",)
    )


def test_nearest_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest file that has the table is the project's; one without it is passed over."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.cnncalc]\nfiles = ["a/b/*.cnn"]\n')
    (inner / "pyproject.toml").write_text('[project]\nname = "other"\n')
    (inner / "net.cnn").write_text(NET)
    (inner / "net.txt").write_text(NET)
    monkeypatch.chdir(inner)
    configuration = find_configuration()
    assert (configuration.folder, configuration.chosen()) == (str(tmp_path), ["net.cnn"])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "[tool.cnncalc]\nbudget = []\n",
            """\
error[E021]: `[tool.cnncalc]` has no `budget`
 --> pyproject.toml:2:1
  |
2 | budget = []
  | ^^^^^^ here
  = help: write `budgets`""",
        ),
        (
            "[tool.cnncalc]\nstrict = 1\n",
            """\
error[E021]: `strict` is neither true nor false
 --> pyproject.toml:2:1
  |
2 | strict = 1
  | ^^^^^^ here
  = help: write `strict = true`""",
        ),
        (
            '[tool.cnncalc]\nbudgets = "params < 5M"\n',
            """\
error[E021]: `budgets` is no list
 --> pyproject.toml:2:1
  |
2 | budgets = "params < 5M"
  | ^^^^^^^ here
  = help: write `budgets = [ … ]`""",
        ),
        (
            "[tool.cnncalc]\nbudgets = [{ files = 'a.cnn' }, 3]\n",
            """\
error[E021]: a budget says nothing that must hold
 --> pyproject.toml:2:1
  |
2 | budgets = [{ files = 'a.cnn' }, 3]
  | ^^^^^^^ here
  = help: write `{ hold = "params < 5M" }`""",
        ),
        (
            '[tool.cnncalc]\nbudgets = [{ deploy = "int9", hold = "params < 5M" }]\n',
            """\
error[E020]: an option of a budget cannot be read
 --> pyproject.toml:2:24
  |
2 | budgets = [{ deploy = "int9", hold = "params < 5M" }]
  |                        ^^^^ unknown deploy 'int9': one of float32, float16, bfloat16, int8, uint8, int4, int16""",
        ),
        (
            '[tool.cnncalc]\nbudgets = ["params =< 5M"]\n',
            """\
error[E020]: unknown operator `=<`
 --> pyproject.toml:2:20
  |
2 | budgets = ["params =< 5M"]
  |                    ^^ not an operator
  = help: write `<=`""",
        ),
        (
            "[tool]\ncnncalc = 3\n",
            """\
error[E021]: `tool.cnncalc` is no table
 --> pyproject.toml:2:1
  |
2 | cnncalc = 3
  | ^^^^^^^ here
  = help: write `[tool.cnncalc]`""",
        ),
        (
            "[tool.cnncalc\n",
            """\
error[E021]: `pyproject.toml` is no TOML
 --> pyproject.toml:1:14
  |
1 | [tool.cnncalc
  |              ^ expected ']' at the end of a table declaration""",
        ),
    ],
)
def test_wrong_configuration(text: str, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        configuration_of(text, "pyproject.toml", "/")
    assert str(caught.value) == message
