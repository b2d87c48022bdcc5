"""A layer on values: against numbers by hand, and against sliding windows of padded arrays."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import cnncalc
from cnncalc.diagnostics import Source, Span, SpecError
from cnncalc.explain.matrix import Matrix, parse_matrix
from cnncalc.explain.operation import Operation, Term, check_kernel, operate, shown_layer

IMAGE = "3 0 1; 1 5 7; 2 7 5"
EDGE = "1 0 -1; 1 0 -1; 1 0 -1"
SPAN = Span(Source("<spec>", "conv"), 0, 4)


def matrix(text: str) -> Matrix:
    return parse_matrix(Source("m", text))


def shown(spec: str, image: str, kernel: str | None = None, flip: bool = False) -> Operation:
    """A spec's layer on an image of one channel."""
    values = matrix(image)
    node = shown_layer(cnncalc.parse(spec, input=(len(values), len(values[0]), 1)), SPAN)
    return operate(node, values, matrix(kernel) if kernel else None, flip)


def test_vertical_edge() -> None:
    """The edge filter on one window, by hand: 3 − 1 + 1 − 7 + 2 − 5 = −7."""
    found = shown("conv 3x3 valid x1", IMAGE, EDGE)
    assert found.terms == tuple(Term(*map(Fraction, pair)) for pair in (
        (3, 1), (0, 0), (1, -1), (1, 1), (5, 0), (7, -1), (2, 1), (7, 0), (5, -1),
    ))  # fmt: skip
    assert found.output == ((-7,),)


def test_flipped() -> None:
    """The true convolution turns the kernel by half a turn, which for the edge filter turns the sign."""
    assert shown("conv 3x3 valid x1", IMAGE, EDGE, flip=True).output == ((7,),)


def test_unsymmetric_flip() -> None:
    """Flipped on both axes: the last weight meets the first element."""
    assert shown("conv 2 x1", "1 2; 3 4", "1 10; 100 1000").output == ((4321,),)
    assert shown("conv 2 x1", "1 2; 3 4", "1 10; 100 1000", flip=True).output == ((1234,),)


def test_pools() -> None:
    """The largest and the mean of each 2x2 block, by hand."""
    image = "1 3 2 4; 5 6 1 2; 0 1 9 8; 2 2 7 7"
    assert shown("pool 2", image).output == ((6, 4), (2, 9))
    assert shown("avgpool 2", image).output == ((Fraction(15, 4), Fraction(9, 4)), (Fraction(5, 4), Fraction(31, 4)))


def test_padding_of_pools() -> None:
    """Padding takes no part in a pool: it is not the largest of negative numbers, nor counted in a mean."""
    assert shown("pool 3 s1 p1", "-1 -2; -3 -4").output == ((-1, -1), (-1, -1))
    assert shown("avgpool 3 s2 p1", "2 4; 6 8").output == ((5,),)


def test_largest_of_nothing() -> None:
    """Where all taps of a dilated pool lie in the padding there is no largest element."""
    assert shown("pool 2 s1 p2 d3", "5").output == ((None, None), (None, None))


def test_one_axis() -> None:
    """One spatial axis lies along a row."""
    node = shown_layer(cnncalc.parse("conv1d 3 s2 x1", input=(7, 1)), SPAN)
    assert operate(node, matrix("1 2 3 4 5 6 7"), matrix("1 0 2")).output == ((7, 13, 19),)


def slid(image: Any, kernel: Any, stride: int, ends: tuple[int, int], dilation: int) -> Any:
    """A convolution by windows cut out of a padded array."""
    padded = np.pad(image, (ends, ends))
    extent = dilation * (kernel.shape[0] - 1) + 1
    places = [range(0, size - extent + 1, stride) for size in padded.shape]
    return [
        [int((padded[i : i + extent : dilation, j : j + extent : dilation] * kernel).sum()) for j in places[1]]
        for i in places[0]
    ]


@given(st.data())
def test_against_arrays(data: st.DataObject) -> None:
    """Any stride, padding and dilation gives what windows of a padded array give."""
    height, width, size = (data.draw(st.integers(1, most)) for most in (6, 6, 3))
    stride, begin, end, dilation = (data.draw(st.integers(*range_)) for range_ in ((1, 3), (0, 3), (0, 3), (1, 2)))
    assume(min(height, width) + begin + end >= dilation * (size - 1) + 1)
    numbers = st.integers(-9, 9)
    image = np.array([[data.draw(numbers) for _ in range(width)] for _ in range(height)])
    kernel = np.array([[data.draw(numbers) for _ in range(size)] for _ in range(size)])
    texts = ["; ".join(" ".join(map(str, row)) for row in array) for array in (image, kernel)]
    spec = f"conv {size}x{size} s{stride} p{begin}-{end} d{dilation} x1"
    assert [list(row) for row in shown(spec, *texts).output] == slid(image, kernel, stride, (begin, end), dilation)


@pytest.mark.parametrize(
    ("spec", "shape", "fact"),
    [
        ("conv 3x3 x1 | relu", "3x3x1", "it has 2 layers"),
        ("relu", "3x3x1", "`relu` is not shown on values"),
        ("deconv 3x3 x1", "3x3x1", "`deconv` is not shown on values"),
        ("conv 3x3 x8", "3x3x1", "8 channels would come out"),
        ("conv 3 x1", "3x3x3x1", "it has 3 axes, a matrix two"),
        ("conv 3 p99 x1", "3x3x1", "the feature map would be 199x199x1, of 356,409 products"),
        ("pool 1001 same", "32x32x1", "the feature map would be 1x1x1, of 1,002,001 products"),
        ("pool 2 s1 same", "64x65x1", "the feature map would be 64x65x1, of 16,640 products"),
    ],
)
def test_refused(spec: str, shape: str, fact: str) -> None:
    """What is no single layer with a window of weights or a pool, or is too much, is told so."""
    with pytest.raises(SpecError) as caught:
        shown_layer(cnncalc.parse(spec, input=shape), SPAN)
    assert caught.value.diagnostics[0].label == fact


@pytest.mark.parametrize(("kernel", "fact"), [("1 2", "is 1x2"), ("1 2 3; 4 5 6", "is 2x3")])
def test_kernel_of_another_size(kernel: str, fact: str) -> None:
    """A kernel must be as large as the layer says."""
    node = shown_layer(cnncalc.parse("conv 3x2 x1", input="5x5x1"), SPAN)
    check_kernel(node, matrix("1 2; 3 4; 5 6"), SPAN)
    with pytest.raises(SpecError) as caught:
        check_kernel(node, matrix(kernel), SPAN)
    assert caught.value.diagnostics[0].label == fact
