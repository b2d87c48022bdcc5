"""Networks of letters: a number put into their figures gives what the network of numbers gives."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import CONFORMANCE, examples, options

import cnncalc
from cnncalc.figures.domain import guards
from cnncalc.figures.receptive_field import ReceptiveField
from cnncalc.symbols import Formula
from cnncalc.symbols.constraints import IntegerSet, solve_constraints


def at(value: Any, numbers: dict[str, int]) -> Any:
    """The value with numbers in place of letters, wherever in it there are any."""
    if isinstance(value, Formula):
        return value.substitute(numbers)
    if isinstance(value, tuple):
        parts = [at(each, numbers) for each in value]
        return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
    return value


def figures(analysis: cnncalc.Analysis) -> list[Any]:
    """Everything that is calculated, but for what letters cannot tell."""
    rows = [
        (row.name, row.input_shapes, row.output_shape, row.params, row.buffers, row.macs, row.flops, row.activations)
        for row in analysis
    ]
    totals = analysis.totals
    sums = totals.params, totals.buffers, totals.macs, totals.activations, totals.params_bytes, totals.training_bytes
    return [*rows, sums, totals.activation_bytes.sum]


def compare_fields(lettered: ReceptiveField, plain: ReceptiveField) -> None:
    """The field in letters has the same figures, or an upper bound that it marks as one."""
    assert lettered.whole == plain.whole
    for bound, axis in zip(lettered.axes, plain.axes, strict=True):
        assert bound.jump == axis.jump
        if bound.hull is None:
            assert bound._replace(phases=None) == axis._replace(phases=None)
        elif bound.at_most:
            assert bound.size >= axis.size
            assert bound.left >= axis.left
        else:
            assert (bound.size, bound.left) == (axis.size, axis.left)


def compare(spec: str, lettered: str, numbers: dict[str, int], **given: Any) -> None:
    plain = cnncalc.analyze(spec, **given)
    open_ = cnncalc.analyze(lettered, **given)
    assert [at(each, numbers) for each in figures(open_)] == figures(plain)
    for lettered_row, row in zip(open_, plain, strict=True):
        compare_fields(at(lettered_row.receptive_field, numbers), row.receptive_field)
    for kind in ("peak", "peak_no_inplace"):
        told = getattr(open_.totals.activation_bytes, kind)
        if told is not None:
            assert at(told, numbers) == getattr(plain.totals.activation_bytes, kind)
    # A letter that is given a number is that number.
    assert cnncalc.analyze(lettered, **given, at=numbers).to_dict() == plain.to_dict()


@pytest.mark.parametrize("case", CONFORMANCE, ids=[case["id"] for case in CONFORMANCE])
def test_case(case: dict[str, Any]) -> None:
    """A conformance case with letters for all sizes of its input gives its figures."""
    given = options(case)
    shape = case["layers"][0]["output_shape"]
    letters = {1: "N", 2: "LC", 3: "HWC", 4: "DHWC"}[len(shape)]
    numbers = dict(zip(letters, shape, strict=True))
    written, open_ = "x".join(map(str, shape)), "x".join(letters)
    if "input" in given:
        # The option gives the shape: in letters it is no longer written.
        plain = cnncalc.analyze(case["spec"], **given)
        assert cnncalc.analyze(case["spec"], **{**given, "input": open_}, at=numbers).to_dict() == plain.to_dict()
        return
    assert written in case["spec"].replace("X", "x").replace("×", "x")
    text = case["spec"].replace("×", "x")
    compare(text, text.replace(written, open_, 1), numbers, **given)


kernels, strides = st.integers(1, 4), st.integers(1, 3)
modes = st.sampled_from(["valid", "same", "full", "p1", "p0-1"])
pool_modes = st.sampled_from(["valid", "same"])
layers = st.one_of(
    st.builds("conv {} s{} {} x{}".format, kernels, strides, modes, st.integers(1, 5)),
    st.builds("conv {} d{} {} x2".format, kernels, strides, modes),
    st.builds("dwconv {} s{} {} m2".format, kernels, strides, modes),
    st.builds("sepconv {} s{} {} x3".format, kernels, strides, modes),
    st.builds("pool {} s{} {}".format, kernels, strides, pool_modes),
    st.builds("pool {} s{} ceil".format, kernels, strides),
    st.builds("deconv {} s{} x2".format, kernels, strides),
    st.builds("deconv {} s{} same x2".format, kernels, strides),
    st.builds("upsample {}".format, strides),
    st.builds("upsample {} bilinear".format, strides),
    st.sampled_from(
        ["pad 1x0-2", "crop 0-1", "bn", "relu", "mul( ; gap)", "add( ; conv 3 same x1 | bn)", "concat( ; )"]
    ),
    st.builds("concat(conv {} same x2 ; )".format, kernels),
    st.builds("adaptiveavgpool {}".format, strides),
)


@examples(60)
@given(st.lists(layers, min_size=1, max_size=6), st.integers(1, 40), st.integers(1, 40), st.integers(1, 5))
def test_chain(chain: list[str], h: int, w: int, c: int) -> None:
    """A chain of any layers in letters gives the figures of every input that it fits."""
    spec = " | ".join(chain)
    try:
        cnncalc.analyze(spec, input=(h, w, c))
    except cnncalc.SpecError:
        return
    compare(f"input {h}x{w}x{c} | {spec}", f"input HxWxC | {spec}", {"H": h, "W": w, "C": c})


@examples(40)
@given(st.lists(layers, min_size=1, max_size=5), st.integers(1, 30))
def test_domain(chain: list[str], n: int) -> None:
    """The numbers that a letter may be are those for which the network has a result."""
    sizes: IntegerSet | None = IntegerSet(())
    with suppress(cnncalc.SpecError):
        graph = cnncalc.parse(f"input NxNx2 | {' | '.join(chain)}", letters=True)
        sizes = solve_constraints(guards(graph), "N")
    assert sizes is not None
    try:
        cnncalc.analyze(" | ".join(chain), input=(n, n, 2))
    except cnncalc.SpecError:
        assert n not in sizes
    else:
        assert n in sizes
