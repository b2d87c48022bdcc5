"""Solving backwards, against all sizes tried one by one."""

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.diagnostics import Source
from cnncalc.layers.windowed import Windowed
from cnncalc.solve import Problem
from cnncalc.solve.solutions import Found

MOST = 300


def problem(spec: str) -> Problem:
    return Problem(Source("<spec>", spec))


@cache
def forwards(spec: str) -> dict[int, tuple[int, bool]]:
    """Input length → the output's length and whether no layer drops anything, for every input that fits."""
    found = {}
    for n in range(1, MOST + 1):
        try:
            graph = cnncalc.parse(spec, input=(n, 1))
        except cnncalc.SpecError:
            continue
        windowed = [node for node in graph.nodes if isinstance(node.layer, Windowed)]
        tidy = not any(size for node in windowed for size in node.layer.dropped(node.input_shapes[0]))  # type: ignore[attr-defined]
        found[n] = graph.nodes[-1].shape.spatial[0], tidy
    return found


def length(spec: str, n: int) -> int | None:
    """The output's length for an input of length `n`, or None where it does not fit."""
    try:
        size: int = cnncalc.parse(spec, input=(n, 1)).nodes[-1].shape.spatial[0]
    except cnncalc.SpecError:
        return None
    return size


def up_to(found: Found) -> tuple[list[int], list[int]]:
    """The sizes up to 300 that were found, and those of them that drop nothing."""
    assert found.values is not None
    assert found.tidy is not None
    return [n for n in range(1, MOST + 1) if n in found.values], [n for n in range(1, MOST + 1) if n in found.tidy]


kernels, strides = st.integers(1, 5), st.integers(1, 4)
modes = st.sampled_from(["valid", "same", "full", "p1", "p2", "p0-1"])
layers = st.one_of(
    st.builds("conv1d {} s{} {} x1".format, kernels, strides, modes),
    st.builds("conv {} d{} {} x1".format, kernels, strides, modes),
    st.builds("pool {} s{} {}".format, kernels, strides, st.sampled_from(["valid", "same", "p1", "ceil", "p1 ceil"])),
    st.builds("deconv {} s{} x1".format, kernels, strides),
    st.builds("upsample {}".format, strides),
    st.sampled_from(["pad 0-1", "crop 1", "relu", "gap", "adaptiveavgpool 3"]),
)
chains = st.lists(layers, min_size=1, max_size=3).map(" | ".join)
merges = st.builds("{}({} ; {})".format, st.sampled_from(["add", "concat"]), chains, st.one_of(st.just(""), chains))


@examples(15)
@given(st.lists(st.one_of(layers, merges), min_size=1, max_size=3).map(" | ".join), st.integers(1, 60))
def test_input_sizes(spec: str, wanted: int) -> None:
    """The input sizes that are found are those that give the output, through branches too."""
    known = forwards(spec)
    try:
        solution = problem(spec).input_sizes((wanted,))
    except cnncalc.SpecError:
        # Arms that always differ by the same number are an error, though one of size 1 would be stretched.
        assert not known or "add(" in spec
        return
    right = [n for n, (size, _) in known.items() if size == wanted]
    assert up_to(solution.found[0]) == (right, [n for n in right if known[n][1]])


UNET = (
    "conv1d 3 same x1 as a | pool 2 | conv 3 same x1 as b | pool 2 | conv 3 same x1 | pool 2 | upsample 2"
    " | conv 3 same x1 | upsample 2 | concat( ; @b) | deconv 2 s2 x1 | concat( ; @a)"
)
UNPADDED = "conv1d 3 x1 | conv 3 x1 as a | pool 2 | conv 3 x1 | deconv 2 s2 x1 | concat( ; @a | crop 2) | conv 3 x1"


@pytest.mark.parametrize("spec", [UNET, UNPADDED], ids=["padded", "unpadded"])
@pytest.mark.parametrize("wanted", [8, 12, 13, 16, 40])
def test_unet(spec: str, wanted: int) -> None:
    """Where the arms of a U-Net have to agree, only sizes that they do are found."""
    known = forwards(spec)
    (found,) = problem(spec).input_sizes((wanted,)).found
    right = [n for n, (size, _) in known.items() if size == wanted]
    assert up_to(found) == (right, [n for n in right if known[n][1]])


@examples(20)
@given(chains, st.integers(1, 40))
def test_the_nearest(spec: str, wanted: int) -> None:
    """Where no input gives an output, the nearest outputs that one gives are told."""
    outputs = sorted({size for size, _ in forwards(spec).values()})
    try:
        (found,) = problem(spec).input_sizes((wanted,)).found
    except cnncalc.SpecError:
        return
    if found.values is not None and not found.some and outputs:
        below, above = [n for n in outputs if n < wanted], [n for n in outputs if n > wanted]
        told = [output for output, _ in found.near]
        assert [n for n in told if n < wanted] == below[-1:]
        assert [n for n in told if n > wanted][:1] in (above[:1], [])


UNKNOWNS = [
    "conv ? s2 p1 x1",
    "conv 3 s? p1 x1",
    "conv 3 s2 p? x1",
    "conv 3 s2 d? p2 x1",
    "pool ? s2 p1",
    "pool ?",
    "deconv ? s2 x1",
    "deconv 3 s? p1 x1",
    "pool ? s2 ceil",
    "conv ? full s3 x1",
    "conv 3 s2 p? x1 | pool 2 | conv 3 x1",
]


@pytest.mark.parametrize("spec", UNKNOWNS)
@pytest.mark.parametrize("n", [9, 14])
def test_number(spec: str, n: int) -> None:
    """The numbers that are found for a `?` are those which, written in its place, give the output."""
    outputs = {value: length(spec.replace("?", str(value)), n) for value in range(60)}
    for wanted in range(1, 12):
        solution = problem(spec).number((n, 1), (wanted,))
        (found,) = solution.found
        assert found.values is not None
        assert solution.limit is not None
        tried = range(min(60, solution.limit + 1))
        assert [value for value in tried if value in found.values] == [
            value for value in tried if outputs.get(value) == wanted
        ]


def test_a_number_for_each_axis() -> None:
    """Two `?` of one argument are two numbers, one for each axis."""
    # floor((32 + 2 − k)/2) + 1 = 16 for k = 3, 4, and = 14 for k = 7, 8.
    solution = problem("conv ?x? s2 p1").number((32, 32, "C"), (16, 14))
    assert [(each.what, str(each.values)) for each in solution.found] == [("height", "3, 4"), ("width", "7, 8")]


def test_one_number_for_both_axes() -> None:
    """One `?` is one number: where the axes ask for different ones, there is none."""
    one = problem("conv 3x3 s2 p?").number((32, 32, "C"), (17, 17))
    assert [(each.what, str(each.values)) for each in one.found] == [("height and width", "2")]
    none = problem("conv 3x3 s2 p?").number((32, 32, "C"), (17, 18))
    assert not none.solved


@pytest.mark.parametrize("layer", ["conv 5 s2 x1", "conv 4 s3 d2 x1", "pool 5 s2", "deconv 5 s2 x1"])
@pytest.mark.parametrize("n", [9, 16])
def test_padding(layer: str, n: int) -> None:
    """The paddings that are found are those which give the output."""
    outputs = {total: length(f"{layer} p{total // 2}-{total - total // 2}", n) for total in range(30)}
    for wanted in range(1, 14):
        (found,) = problem(layer).padding((n, 1), (wanted,)).found
        assert found.values is not None
        assert [each for each in range(30) if each in found.values] == [
            total for total, size in outputs.items() if size == wanted
        ]


@pytest.mark.parametrize(
    ("spec", "wanted", "count"),
    [
        # 1 + 2n elements.
        ("(conv 3x3 same x1 | relu) * ?", 64, 32),
        ("(conv 3x3 same x1 | relu) * ?", 65, 32),
        # 2^(n + 1) − 1 elements.
        ("(conv 3x3 s2 x1) * 3", 64, 6),
        # conv 7 sees 7, pool 2 makes it 8 with a jump of 2, and each conv 3 adds 4.
        ("conv 7 x1 | pool 2 | (conv 3 same x1) * 2", 50, 11),
        ("conv 5 x1", 1, 1),
    ],
)
def test_repeats(spec: str, wanted: int, count: int) -> None:
    """The count is the least whose receptive field is wide enough, derived by hand."""
    assert problem(spec).repeats(wanted).count == count


def test_repeats_that_add_nothing() -> None:
    """A block of 1x1 windows never sees more."""
    found = problem("conv 1x1 x4 | relu").repeats(5)
    assert (found.count, found.reason) == (None, "a repeat adds nothing to the field")
