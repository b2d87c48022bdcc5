"""The size rules against a count of windows by brute force, and on arrays against themselves on integers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.layers import REGISTRY
from cnncalc.shape import (
    Padding,
    Shape,
    ShapeError,
    Window,
    at_least,
    at_most,
    ceil_div,
    require_divisible,
    transposed_size,
)

sizes = st.integers(1, 40)
kernels = st.integers(1, 7)
strides = st.integers(1, 5)
dilations = st.integers(1, 3)
pads = st.integers(0, 6)


def places(n: int, window: Window) -> list[int]:
    """Where a window starts, every one that lies whole in the padded axis; with ceil also the one that hangs over.

    Positions count from the first element of the padding. A window that would start past the last element,
    in the padding at the end, does not count.
    """
    padded = window.begin + n + window.end
    starts = []
    for start in range(0, padded, window.stride):
        whole = start + window.extent <= padded
        hangs_over = window.ceil and start < window.begin + n and (not starts or starts[-1] + window.extent < padded)
        if whole or hangs_over:
            starts.append(start)
    return starts


@given(sizes, kernels, strides, dilations, pads, pads)
def test_size_counts_windows(n: int, kernel: int, stride: int, dilation: int, begin: int, end: int) -> None:
    """The rule gives as many places as there are windows that fit."""
    window = Window(kernel, stride, dilation, begin, end)
    if begin + n + end >= window.extent:
        assert window.size(n) == len(places(n, window))


@given(sizes, kernels, strides, st.data())
def test_ceil_counts_windows(n: int, kernel: int, stride: int, data: st.DataObject) -> None:
    """Rounded up, the window that hangs over the end counts too, unless it starts in the padding."""
    pad = data.draw(st.integers(0, kernel // 2))
    window = Window(kernel, stride, 1, pad, pad, ceil=True)
    if pad + n + pad >= kernel:
        assert window.size(n) == len(places(n, window))


@given(sizes, kernels, strides, dilations)
def test_same(n: int, kernel: int, stride: int, dilation: int) -> None:
    """`same` gives ceil(N/S), with the least padding that does, the smaller half at the beginning."""
    window = Padding("same").window(0, n, kernel, stride, dilation)
    assert window.size(n) == -(-n // stride) == len(places(n, window))
    assert window.end - window.begin in (0, 1)
    if window.end:
        assert window._replace(end=window.end - 1).size(n) < window.size(n)


@given(sizes, kernels, dilations)
def test_full(n: int, kernel: int, dilation: int) -> None:
    """With `full` padding at stride 1 every input element takes part in as many windows as the kernel has taps."""
    window = Padding("full").window(0, n, kernel, 1, dilation)
    seen = [0] * (window.begin + n + window.end)
    for start in places(n, window):
        for tap in range(kernel):
            seen[start + tap * dilation] += 1
    assert seen[window.begin : window.begin + n] == [kernel] * n


@given(sizes, kernels, strides, dilations, st.integers(0, 4))
def test_transposed(n: int, kernel: int, stride: int, dilation: int, output_padding: int) -> None:
    """A transposed convolution reaches as far as its windows write, and its convolution gives back the input's size."""
    window = Window(kernel, stride, dilation)
    written = {start * stride + tap * dilation for start in range(n) for tap in range(kernel)}
    assert transposed_size(n, window, 0) == max(written) + 1
    assert window.size(transposed_size(n, window, min(output_padding, stride - 1))) == n


@given(sizes, kernels, strides, dilations)
def test_transposed_same(n: int, kernel: int, stride: int, dilation: int) -> None:
    """A transposed convolution with `same` gives N·S."""
    window = Padding("same").transposed_window(0, kernel, stride, dilation, 0)
    assert transposed_size(n, window, 0) == n * stride


@given(sizes, kernels, strides, pads, pads)
def test_unreached(n: int, kernel: int, stride: int, begin: int, end: int) -> None:
    """What is reported as unreached are the input's elements past the last window, beyond a stride's own gap."""
    window = Window(kernel, stride, 1, begin, end)
    starts = places(n, window)
    if starts:
        after = begin + n - (starts[-1] + kernel)
        assert window.dropped(n) == (after if after > max(stride - kernel, 0) else 0)


@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("mode", ["valid", "same", "full"])
def test_arrays(mode: str, ceil: bool) -> None:
    """The rule on an array of sizes gives what it gives on each of them."""
    array = np.arange(11, 60)
    swept = Padding(mode).window(0, array, 3, 2, 2, ceil).size(array)
    one_by_one = [Padding(mode).window(0, n, 3, 2, 2, ceil).size(n) for n in range(11, 60)]
    assert swept.tolist() == one_by_one


@given(st.integers(-50, 50), st.integers(1, 9))
def test_ceil_div(a: int, b: int) -> None:
    """ceil_div is the least integer whose multiple reaches."""
    assert ceil_div(a, b) == min(q for q in range(-60, 60) if q * b >= a)


@given(st.integers(-9, 9), st.integers(-9, 9))
def test_clips(value: int, bound: int) -> None:
    """at_least and at_most are max and min, on arrays too."""
    array = np.array([value])
    assert (at_least(value, bound), at_most(value, bound)) == (max(value, bound), min(value, bound))
    assert (at_least(array, bound)[0], at_most(array, bound)[0]) == (max(value, bound), min(value, bound))


def test_require_divisible_names_both() -> None:
    """The error of what does not divide names both arguments and their values."""
    with pytest.raises(ShapeError, match=r"^`channels` \(=6\) must be divisible by `groups` \(=4\)$"):
        require_divisible(6, 4, "channels", "groups")


def test_shape() -> None:
    """A shape is its spatial sizes and its channels."""
    shape = Shape.of((4, 5, 3))
    assert (shape, shape.rank, shape.elements, str(shape)) == (Shape((4, 5), 3), 2, 60, "4x5x3")


def test_requirements_of_arrays() -> None:
    """On an array of sizes a layer's requirements are masks, by code, of the sizes that it fits."""
    sizes = np.arange(1, 9)
    conv = REGISTRY["conv"]("conv", kernel=(3,), stride=(2,), filters=4, groups=2)
    masks = [(each.code, each.condition) for each in conv.requirements(Shape((sizes,), sizes))]
    assert [code for code, _ in masks] == ["E202", "E202", "E201"]
    assert masks[0][1] is True
    assert masks[1][1].tolist() == [n % 2 == 0 for n in range(1, 9)]
    assert masks[2][1].tolist() == [n >= 3 for n in range(1, 9)]
    assert conv.output(Shape((sizes,), 2)).spatial[0].tolist() == [(n - 3) // 2 + 1 for n in range(1, 9)]


def test_requirements_of_merged_arrays() -> None:
    """Arms that are arrays of sizes agree where their sizes are the same, or one of them is stretched."""
    sizes = np.arange(1, 5)
    inputs = (Shape((sizes,), 2), Shape((3,), 2))
    assert [
        each.condition.tolist()
        for each in REGISTRY["concat"]("concat").requirements_of(inputs)
        if each.condition is not True
    ] == [[False, False, True, False]]
    assert [
        each.condition.tolist() for each in REGISTRY["add"]("add").requirements_of(inputs) if each.condition is not True
    ] == [[True, False, True, False]]
    assert REGISTRY["add"]("add").shape_of(inputs).spatial == (3,)
