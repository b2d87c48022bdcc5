"""The space of a spec: which values a sweep tries, in text and in YAML, and from the command line."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.sweep.library import Sweep
from cnncalc.sweep.space import Axis, Space, command_line, value_text

NET = "\ninput 8x8x3 | conv 3x3 same x{8 * w}"


def rows(text: str, **options: Any) -> list[Any]:
    """The values of the first axis, bare where it has one name."""
    (axis, *_) = Sweep(text, **options).space.axes
    return [row[0] if len(row) == 1 else row for row in axis.rows]


@pytest.mark.parametrize(
    ("choices", "expected"),
    [
        ("1, 2, 4", [1, 2, 4]),
        ("1..4", [1, 2, 3, 4]),
        # Both ends in, as in the shell, if the step leads there.
        ("1..9..4", [1, 5, 9]),
        ("1..8..4", [1, 5]),
        ("4..1", [4, 3, 2, 1]),
        ("10..1..3", [10, 7, 4, 1]),
        ("10..1..-3", [10, 7, 4, 1]),
        ("3..3", [3]),
        ("0.25..1..0.25", [Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1]),
        ("1, 1..3, 2", [1, 2, 3]),
        ("n..2 * n, max(1, 7)", [3, 4, 5, 6, 7]),
        ("1/3, .5", [Fraction(1, 3), Fraction(1, 2)]),
    ],
)
def test_choices(choices: str, expected: list[Any]) -> None:
    """Values and ranges, each value once, computed from lets where these are named."""
    assert rows(f"let n = 3, w = 1 in [{choices}]{NET}") == expected


def test_tied() -> None:
    """Lets that are tied vary together; with a value from outside, the others still do."""
    text = f"let (w, d) = (1, 2) in [(1, 1), (2, 3), (2, 4)]{NET} | relu * {{d}}"
    assert rows(text) == [(1, 1), (2, 3), (2, 4)]
    assert rows(text, variables={"d": 1}) == [1, 2]
    assert rows(text, over={"(w, d)": "(1, 1), (5, 2)"}) == [(1, 1), (5, 2)]
    assert rows(text, over={"(w, d)": [(1, 1.5)]}) == [(1, Fraction(3, 2))]
    # Every other command takes the values before `in`.
    assert cnncalc.analyze(text).totals.params == (27 + 1) * 8
    assert len(cnncalc.analyze(text).rows) == 4


YAML = """
let:
  n: 2
  w: {value: 1, in: [0.5..2..0.5, 3, n * 2]}
  size: {value: 8, in: '[8, 16]'}
  (a, b):
    value: (1, 2)
    in: [[1, 2], [3, 4]]
input: '{size}x{size}x{a}'
layers:
  - conv 3x3 same x{8 * w}
  - repeat: {times: '{b}', layers: [relu]}
"""
TEXT = """
let n = 2, w = 1 in [0.5..2..0.5, 3, n * 2], size = 8 in [8, 16]
let (a, b) = (1, 2) in [(1, 2), (3, 4)]
input {size}x{size}x{a}
conv 3x3 same x{8 * w}
relu * {b}
"""


def test_yaml(tmp_path: Path) -> None:
    """A file of YAML says the same as text, and is written as such."""
    path = tmp_path / "net.yaml"
    path.write_text(YAML, encoding="utf-8")
    assert Sweep(path).space == Sweep(TEXT).space
    assert cnncalc.sweep(path).rows == cnncalc.sweep(TEXT).rows


@pytest.mark.parametrize(
    ("let", "message"),
    [
        ("{value: 1, in: []}", "E150.*no values to try"),
        ("{value: 1, in: {a: 1}}", "E150.*no values to try"),
        ("{value: 1, in: 1..2}", r"E150.*stand in brackets"),
        ("{value: 1, in: [[1, 2]]}", "E150.*a value to try for each let"),
        ("{in: [1, 2]}", "E104.*`w` has no value"),
        ("{value: 1, within: [1]}", "E120.*no key `within`"),
    ],
)
def test_wrong_yaml(let: str, message: str, tmp_path: Path) -> None:
    """What is wrong in YAML is an error where it stands."""
    path = tmp_path / "net.yaml"
    path.write_text(f"let: {{w: {let}}}\ninput: 8x8x3\nlayers: [conv 3x3 x8]\n", encoding="utf-8")
    with pytest.raises(cnncalc.SpecError, match=f"(?s){message}.*net.yaml:1"):
        Sweep(path)


def test_tied_yaml_needs_values(tmp_path: Path) -> None:
    path = tmp_path / "net.yaml"
    path.write_text("let: {'(w, d)': 1}\ninput: 8x8x3\nlayers: [relu]\n", encoding="utf-8")
    with pytest.raises(cnncalc.SpecError, match="tied lets have a value each"):
        Sweep(path)


@pytest.mark.parametrize(
    ("over", "expected"),
    [
        ({"w": "1..3"}, [1, 2, 3]),
        ({"w": "[1, 3]"}, [1, 3]),
        ({"w": [1, 0.5]}, [1, Fraction(1, 2)]),
        ({"input": "8x8x3, 9x9x3"}, [(8, 8, 3), (9, 9, 3)]),
        ({"input": [(8, 8, 3)]}, [(8, 8, 3)]),
        ({"batch": "1, 2..4"}, [1, 2, 3, 4]),
        ({"dtype": "int8, float16"}, ["int8", "float16"]),
    ],
)
def test_over(over: dict[str, Any], expected: list[Any]) -> None:
    """`over` gives values to lets, the input, the batch and the type, as a text or a list."""
    assert rows(f"let w = 1{NET}", over=over) == expected


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "E150.*nothing varies"),
        ({"over": {"width": "1..3"}}, "(?s)E110.*no let `width` to vary.*its lets: w"),
        ({"over": {"iput": "8x8x3"}}, "(?s)E110.*`iput`.*write `input`"),
        ({"over": {"w": ""}}, "E150.*no values to try"),
        ({"over": {"w": []}}, "E150.*no values to try"),
        ({"over": {"w": "1..3..0"}}, "(?s)E150.*a step of 0.*--over"),
        ({"over": {"w": "1..10000000"}}, "E150.*more than 1,000,000 values"),
        ({"over": {"w": "1..x"}}, "(?s)E110.*unknown name `x`.*--over"),
        ({"over": {"w": "1.."}}, "E008"),
        ({"over": {"w": ["big"]}}, "E105.*cannot be 'big'"),
        ({"over": {"input": "HxWx3"}}, "E132.*leaves sizes open"),
        ({"over": {"dtype": "int9"}}, "(?s)E150.*`int9` is no type of a sweep.*write `int8`"),
        ({"over": {"batch": "0..2"}}, "E150.*a batch of 0"),
        ({"over": {"w": "1..3"}, "variables": {"w": 1}}, "E150.*has one value, and others to try"),
        ({"over": {"(w, v)": "(1, 2)"}}, "E110.*`v`"),
        ({"over": {"w": "1"}, "sort": "params,macs"}, "E151.*several figures"),
        ({"over": {"w": "1"}, "pareto": "params,,"}, "E140.*a figure is missing"),
        ({"over": {"w": "1"}, "pareto": "parms"}, "(?s)E140.*unknown figure `parms`.*--pareto"),
        ({"over": {"w": "1"}, "where": ["arena < 1M"]}, "(?s)E151.*not a figure to search by.*--where"),
        ({"over": {"w": "1"}, "where": ["peak_at.layer == 1"]}, "E151"),
        ({"over": {"w": "1"}, "where": ["peak < 1M"]}, "E141.*in bytes"),
        ({"over": {"w": "1"}, "where": ["params"]}, "(?s)E020.*an operator is missing.*--where"),
        ({"over": {"w": "1"}, "where": ["output_shape < 3"]}, "(?s)E151.*several numbers.*output_shape.0"),
        ({"over": {"w": "1"}, "where": ["conv1.inputs < 3"]}, "E151"),
        ({"over": {"w": "1"}, "columns": ["nonsense"]}, "(?s)E140.*--columns"),
        (
            {"over": {"w": "1..100000", "batch": "1..100000", "input": [(n, n, 3) for n in range(8, 208)]}},
            r"(?s)E152.*2,000,000,000,000 variants.*--sample",
        ),
    ],
)
def test_wrong(options: dict[str, Any], message: str) -> None:
    """What is wrong with a space or a question says what to write instead."""
    with pytest.raises(cnncalc.SpecError, match=message):
        cnncalc.sweep(f"let w = 1{NET}", **options)


def test_a_step_of_0_in_a_spec() -> None:
    """A range of the spec is read where it is swept, and is of no matter elsewhere."""
    text = f"let w = 1 in [1..3..0]{NET}"
    assert cnncalc.analyze(text).totals.params > 0
    with pytest.raises(cnncalc.SpecError, match=r"(?s)E150.*a step of 0.*<spec>:1:21"):
        cnncalc.sweep(text)


SPACE = Space((Axis(("a",), ((1,), (2,), (3,))), Axis(("b", "c"), ((4, 5), (6, 7)))))


def test_numbers() -> None:
    """Variants are numbered with the last axis fastest."""
    assert [SPACE.values(number) for number in (0, 1, 5)] == [
        {"a": 1, "b": 4, "c": 5},
        {"a": 1, "b": 6, "c": 7},
        {"a": 3, "b": 6, "c": 7},
    ]


def test_samples() -> None:
    """A sample has different variants, the same ones for one seed; a space past 2^63 can be drawn from."""
    large = Space((Axis(("a",), tuple((each,) for each in range(1000))),) * 30)
    drawn = large.sample(50, seed=1)
    assert len(set(drawn)) == 50
    assert drawn == large.sample(50, seed=1) != large.sample(50, seed=2)
    assert max(drawn) > 2**63
    assert SPACE.sample(100, 0) == list(range(6))
    text = "let a = 1 in [1..1000], b = 1 in [1..1000]\ninput 8x8x3 | conv 1 x{a} | conv 1 x{b} nobias"
    result = cnncalc.sweep(text, sample=30, seed=3, top=30)
    assert (result.count, len(result.rows)) == (30, 30)
    for variant in result:
        a, b = variant.values["a"], variant.values["b"]
        assert variant.figures["totals.params"] == 4 * a + a * b


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3, "3"),
        (Fraction(3, 4), "0.75"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(1, 3), "1/3"),
        (Fraction(3, 2), "1.5"),
        ((96, 96, 3), "96x96x3"),
        ("int8", "int8"),
    ],
)
def test_value_text(value: Any, text: str) -> None:
    assert value_text(value) == text


def test_command_line() -> None:
    """The line that calculates a variant is quoted for a shell."""
    values = {"w": Fraction(1, 2), "input": (8, 8, 3), "batch": 4}
    assert command_line("conv 3x3 x{8 * w}", values) == (
        "cnncalc 'conv 3x3 x{8 * w}' --var w=0.5 --input 8x8x3 --batch 4"
    )
