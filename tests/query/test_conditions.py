"""Budgets: what is exceeded and by how much, the units, and each way that a condition can be wrong."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnncalc
from cnncalc.query.conditions import BYTES, COUNTS, OPERATORS, Outcome, judge, parse_conditions

#: conv1: 3·5·3·4 + 4 = 184 parameters, a field of 3x5, 8x7x4 out: 224 elements, beside the input's 189 at the peak:
#: 1,652 bytes. gap1 sees the whole 9x7.
RESULT = cnncalc.analyze("input 9x7x3 | conv 3x5 p0-1x2 x4 | gap")


def outcome(condition: str) -> Outcome:
    return judge(parse_conditions([condition]), RESULT)[0]


def error(condition: str) -> str:
    with pytest.raises(cnncalc.SpecError) as caught:
        outcome(condition)
    return str(caught.value)


EXCEEDED = {
    "params > 183": "`params > 183`: 184 is over 183 by 1 (0.5 %)",
    "params>=184": "`params>=184`: it is 184",
    "totals.params  >  0.1K": "`totals.params > 0.1K`: 184 is over 100 by 84 (84.0 %)",
    "params > 0": "`params > 0`: 184 is over 0 by 184",
    "params < 1M": "`params < 1M`: 184 is under 1,000,000 by 999,816 (100.0 %)",
    "params <= 1,000": "`params <= 1,000`: 184 is under 1,000 by 816 (81.6 %)",
    "params != 1_000": "`params != 1_000`: 184 is under 1,000 by 816 (81.6 %)",
    "params == 184": "`params == 184`: it is 184",
    "params < 184.5": "`params < 184.5`: 184 is under 369/2 by 1/2 (0.3 %)",
    "macs > 10k": "`macs > 10k`: 10,080 is over 10,000 by 80 (0.8 %)",
    "macs < 10.081K": "`macs < 10.081K`: 10,080 is under 10,081 by 1 (under 0.1 %)",
    "peak > 1KiB": "`peak > 1KiB`: 1,652 B is over 1,024 B by 628 B (61.3 %)",
    "peak > 1KB": "`peak > 1KB`: 1,652 B is over 1,000 B by 652 B (65.2 %)",
    "peak > 1 kB": "`peak > 1 kB`: 1,652 B is over 1,000 B by 652 B (65.2 %)",
    "peak >= 1652B": "`peak >= 1652B`: it is 1,652 B",
    "params_bytes > 1B": "`params_bytes > 1B`: 736 B is over 1 B by 735 B (73,500 %)",
    "totals.peak_at.tensors.conv1 > 0.5KiB": (
        "`totals.peak_at.tensors.conv1 > 0.5KiB`: 896 B is over 512 B by 384 B (75.0 %)"
    ),
    # Of two axes the one that is furthest off.
    "conv1.receptive_field < 32": "`conv1.receptive_field < 32`: 3 is under 32 by 29 (90.6 %)",
    "conv1.receptive_field < 4": "`conv1.receptive_field < 4`: 3 is under 4 by 1 (25.0 %)",
    "conv1.receptive_field > 2": "`conv1.receptive_field > 2`: 5 is over 2 by 3 (150 %)",
    "conv1.receptive_field.left > 1": "`conv1.receptive_field.left > 1`: 2 is over 1 by 1 (100 %)",
    # The whole input is 9x7.
    "gap1.receptive_field < 8": "`gap1.receptive_field < 8`: 7 is under 8 by 1 (12.5 %)",
    "conv1.output_shape.2 != 8": "`conv1.output_shape.2 != 8`: 4 is under 8 by 4 (50.0 %)",
    "batch < 2": "`batch < 2`: 1 is under 2 by 1 (50.0 %)",
}


@pytest.mark.parametrize(("condition", "expected"), EXCEEDED.items())
def test_exceeded(condition: str, expected: str) -> None:
    """A line says the figure, the limit in full, and by how much in figures and per cent."""
    found = outcome(condition)
    assert (found.exceeded, str(found)) == (True, expected)


@pytest.mark.parametrize(
    "condition",
    ["params > 184", "params >= 185", "params < 184", "params <= 183.9", "params == 183", "params != 184",
     "peak > 1652B", "peak > 1.652KB", "peak < 1652 B", "macs > 1T", "peak > 1TiB", "conv1.receptive_field > 5",
     "conv1.receptive_field < 3", "conv1.receptive_field == 4", "gap1.receptive_field < 7"],
)  # fmt: skip
def test_kept(condition: str) -> None:
    """A budget that is kept is not exceeded, to the last unit."""
    assert not outcome(condition).exceeded


def test_of_any_axis() -> None:
    """A field of 3x5 is other than 3 on one axis, and is 5 on one."""
    assert outcome("conv1.receptive_field != 3").exceeded
    assert outcome("conv1.receptive_field == 5").exceeded


def test_a_flat_shape() -> None:
    """The shape of a flat vector is its one number: what goes into an fc can be held to it."""
    found = judge(parse_conditions(["flatten1.output_shape != 27"]), cnncalc.analyze("input 3x3x2 | fc 10"))
    assert str(found[0]) == "`flatten1.output_shape != 27`: 18 is under 27 by 9 (33.3 %)"


def test_a_layer_with_the_name_of_a_figure() -> None:
    """A layer's figures are not in bytes, whatever it is called."""
    result = cnncalc.analyze("input 3x3x2 | fc 10 as params_bytes | fc 2 as peak")
    conditions = parse_conditions(
        ["params_bytes.params > 100", "peak.params > 100", "peak > 1KiB", "params_bytes > 1KiB"]
    )
    # 18·10 + 10 and 10·2 + 2 parameters of 4 bytes; at the peak the flattened 18 and the 10.
    assert [(each.number, each.exceeded) for each in judge(conditions, result)] == [
        (190, True),
        (22, False),
        (112, False),
        (848, False),
    ]


def test_a_fraction() -> None:
    """A figure that is a fraction is compared as one: neighbours of a doubled map are half an element apart."""
    conditions = parse_conditions(["upsample1.receptive_field.jump < 0.6", "upsample1.receptive_field.jump < 0.5"])
    found = judge(conditions, cnncalc.analyze("input 4x4x1 | upsample 2"))
    assert [each.exceeded for each in found] == [True, False]
    assert str(found[0]) == "`upsample1.receptive_field.jump < 0.6`: 1/2 is under 3/5 by 1/10 (16.7 %)"


@given(st.integers(0, 10**30), st.sampled_from(sorted(COUNTS)), st.sampled_from(sorted(OPERATORS)), st.booleans())
def test_limits_are_exact(number: int, unit: str, operator: str, apart: bool) -> None:
    """A limit is its number times its unit, however large, with or without a space."""
    (condition,) = parse_conditions([f"params {operator} {number}{' ' * apart}{unit}"])
    assert condition.limit == number * COUNTS[unit]
    assert (condition.path.text, condition.operator) == ("params", operator)


@given(st.decimals(0, 10**6, places=6), st.sampled_from(sorted(BYTES)))
def test_decimals_are_exact(number: object, unit: str) -> None:
    """A decimal limit is the fraction that it says: nothing is rounded."""
    (condition,) = parse_conditions([f"peak > {number:f}{unit}"])
    assert condition.limit == Fraction(str(number)) * BYTES[unit]


def test_units() -> None:
    """K is 1000 and Ki 1024, to the power of its place."""
    assert [COUNTS[unit] for unit in ("", "K", "M", "G", "T")] == [1000**power for power in range(5)]
    assert [BYTES[unit] for unit in ("B", "KB", "MB", "GB", "TB")] == [1000**power for power in range(5)]
    assert [BYTES[unit] for unit in ("B", "KiB", "MiB", "GiB", "TiB")] == [1024**power for power in range(5)]


def test_huge_figures() -> None:
    """A figure of ninety digits is compared to the last."""
    huge = cnncalc.analyze(f"input {'999999999x' * 3}999999999")
    digits = 999_999_999**4 * 4
    found = judge(parse_conditions([f"peak > {digits - 1}B", f"peak > {digits}B"]), huge)
    assert [each.exceeded for each in found] == [True, False]


def test_to_dict() -> None:
    """What JSON carries of a budget: the raw value, the limit as a number, and by how much where it is exceeded."""
    assert outcome("peak > 1KiB").to_dict() == {
        "condition": "peak > 1KiB",
        "figure": "totals.activation_bytes.peak",
        "value": 1652,
        "operator": ">",
        "limit": 1024,
        "exceeded": True,
        "by": 628,
    }
    assert outcome("conv1.receptive_field > 5.5").to_dict() == {
        "condition": "conv1.receptive_field > 5.5",
        "figure": "conv1.receptive_field",
        "value": [3, 5],
        "operator": ">",
        "limit": "11/2",
        "exceeded": False,
        "by": None,
    }


ERRORS = {
    "": """\
error[E020]: a figure is missing
 --> --fail-if:1:1
  |
1 |\x20
  | ^ expected its path
  = help: write it first: `params > 5M`""",
    "5M < params": """\
error[E020]: a figure is missing
 --> --fail-if:1:1
  |
1 | 5M < params
  | ^ expected its path
  = help: write it first: `params > 5M`""",
    "params": """\
error[E020]: an operator is missing
 --> --fail-if:1:7
  |
1 | params
  |       ^ expected one
  = help: one of > >= < <= == !=""",
    "params 5M": """\
error[E020]: an operator is missing
 --> --fail-if:1:8
  |
1 | params 5M
  |        ^ expected one
  = help: one of > >= < <= == !=""",
    "params = 5M": """\
error[E020]: unknown operator `=`
 --> --fail-if:1:8
  |
1 | params = 5M
  |        ^ not an operator
  = help: write `==`""",
    "params => 5M": """\
error[E020]: unknown operator `=>`
 --> --fail-if:1:8
  |
1 | params => 5M
  |        ^^ not an operator
  = help: write `>=`""",
    "params >> 5M": """\
error[E020]: unknown operator `>>`
 --> --fail-if:1:8
  |
1 | params >> 5M
  |        ^^ not an operator
  = help: one of > >= < <= == !=""",
    "params >": """\
error[E020]: a limit is missing
 --> --fail-if:1:9
  |
1 | params >
  |         ^ expected a number
  = help: write a number, and its unit: `5M`, `256KiB`""",
    "params > five": """\
error[E020]: `five` is not a number
 --> --fail-if:1:10
  |
1 | params > five
  |          ^^^^ expected a number
  = help: write a number, and its unit: `5M`, `256KiB`""",
    "params > -5": """\
error[E020]: `-5` is not a number
 --> --fail-if:1:10
  |
1 | params > -5
  |          ^^ expected a number
  = help: write a number, and its unit: `5M`, `256KiB`""",
    "params > 1,00": """\
error[E020]: `1,00` is not a number
 --> --fail-if:1:10
  |
1 | params > 1,00
  |          ^^^^ expected a number
  = help: write a number, and its unit: `5M`, `256KiB`""",
    "params > 5m": """\
error[E020]: unknown unit `m`
 --> --fail-if:1:11
  |
1 | params > 5m
  |           ^ not a unit
  = help: write `5M`""",
    "peak > 5 mib": """\
error[E020]: unknown unit `mib`
 --> --fail-if:1:10
  |
1 | peak > 5 mib
  |          ^^^ not a unit
  = help: write `5MiB`""",
    "peak > 5 pages": """\
error[E020]: unknown unit `pages`
 --> --fail-if:1:10
  |
1 | peak > 5 pages
  |          ^^^^^ not a unit
  = help: one of K, M, G, T, or of bytes B, KB, MB, KiB, MiB, …""",
    "params > 5M and macs > 1G": """\
error[E020]: a condition ends at its limit
 --> --fail-if:1:12
  |
1 | params > 5M and macs > 1G
  |            ^^^^^^^^^^^^^^ left over
  = help: write one --fail-if for each condition""",
    "peak > 5M": """\
error[E141]: `peak` is in bytes
 --> --fail-if:1:8
  |
1 | peak > 5M
  |        ^^ a limit without a unit of bytes
  = help: write `5MB` (1000^n) or `5MiB` (1024^n)""",
    "peak > 256": """\
error[E141]: `peak` is in bytes
 --> --fail-if:1:8
  |
1 | peak > 256
  |        ^^^ a limit without a unit of bytes
  = help: write `256B`, `256KB` (1000^n) or `256KiB` (1024^n)""",
    "params > 5MiB": """\
error[E141]: `params` is not in bytes
 --> --fail-if:1:10
  |
1 | params > 5MiB
  |          ^^^^ a limit in bytes
  = help: write `5M`, or `params_bytes > 5MiB` for the bytes of the weights""",
    "conv1.params > 5B": """\
error[E141]: `conv1.params` is not in bytes
 --> --fail-if:1:16
  |
1 | conv1.params > 5B
  |                ^^ a limit in bytes
  = help: write `5`, or `conv1.params_bytes > 5B` for the bytes of the weights""",
    "conv1.output_shape > 5": """\
error[E141]: `conv1.output_shape` is not a number
 --> --fail-if:1:1
  |
1 | conv1.output_shape > 5
  | ^^^^^^^^^^^^^^^^^^ it is `8x7x4`
  = help: name one of its sizes: `conv1.output_shape.0`""",
    "dtype == 5": """\
error[E141]: `dtype` is not a number
 --> --fail-if:1:1
  |
1 | dtype == 5
  | ^^^^^ it is `float32`""",
    "name == 5": """\
error[E141]: `name` is not a number
 --> --fail-if:1:1
  |
1 | name == 5
  | ^^^^ it is empty""",
    "conv1.parms > 5": """\
error[E140]: unknown figure `conv1.parms`
 --> --fail-if:1:1
  |
1 | conv1.parms > 5
  | ^^^^^^^^^^^ no figure of this path
  = note: near it: conv1.params, conv1.name, conv1.macs
  = help: write `conv1.params`""",
}


@pytest.mark.parametrize(("condition", "expected"), ERRORS.items())
def test_errors(condition: str, expected: str) -> None:
    """A condition that is wrong is shown with its place and the edit to make."""
    assert error(condition) == expected


def test_several_errors() -> None:
    """Every wrong condition is reported, in order; the right ones do not hide them."""
    with pytest.raises(cnncalc.SpecError) as caught:
        judge(parse_conditions(["peak > 5M", "params > 5", "parms > 5"]), RESULT)
    assert [each.code for each in caught.value.diagnostics] == ["E141", "E140"]


@given(st.one_of(st.text(max_size=30), st.text("params peak.><=!0123456789,_KMGTiB ", max_size=30)))
def test_any_text(text: str) -> None:
    """Whatever text is a condition or a clear error."""
    codes = set()
    try:
        outcome(text)
    except cnncalc.SpecError as wrong:
        codes = {each.code for each in wrong.diagnostics}
    assert codes <= {"E020", "E140", "E141"}


@pytest.mark.parametrize("number", ["9" * 201, "9" * 100_000, "0." + "9" * 5_000])
def test_a_long_limit(number: str) -> None:
    """A limit of any length is refused before it is computed with."""
    assert "error[E020]: a limit is too long" in error(f"params > {number}")
