"""Receptive fields against published values, and against intervals walked back from one output."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnncalc

# The body of each network as published; size, jump and left per axis at 224 from the table of Araujo, Norris
# and Sim, Computing receptive fields of convolutional neural networks, Distill 2019.
VGG16 = " | ".join(
    f"(conv 3x3 same x{filters}) * {count}" + (" | pool 2" if last else "")
    for filters, count, last in ((64, 2, 1), (128, 2, 1), (256, 3, 1), (512, 3, 1), (512, 3, 1))
)
ALEXNET_V2 = (
    "conv 11x11 s4 x64 | pool 3x3 s2 | conv 5x5 same x192 | pool 3x3 s2 | conv 3x3 same x384 | conv 3x3 same x384"
    " | conv 3x3 same x256 | pool 3x3 s2"
)
RESNET_V1_50 = """
def unit(c, s=1) = add(conv 1x1 x{c} | conv 3x3 s{s} p1 x{c} | conv 1x1 x{4*c} ; conv 1x1 s{s} x{4*c})
conv 7x7 s2 p3 x64 | pool 3x3 s2 p0-1
unit(64) * 2 | unit(64, s=2) | unit(128) * 3 | unit(128, s=2) | unit(256) * 5 | unit(256, s=2) | unit(512) * 3
"""
TORCHVISION_50 = """
def unit(c, s=1) = add(conv 1x1 x{c} | conv 3x3 s{s} p1 x{c} | conv 1x1 x{4*c} ; conv 1x1 s{s} x{4*c})
conv 7x7 s2 p3 x64 | pool 3x3 s2 p1
unit(64) * 3 | unit(128, s=2) | unit(128) * 3 | unit(256, s=2) | unit(256) * 5 | unit(512, s=2) | unit(512) * 2
"""


def field(spec: str, shape: str = "224x224x3") -> tuple[int, int, int]:
    """Size, jump and left of the last layer, along the first axis."""
    axis = cnncalc.analyze(spec, input=shape).rows[-1].receptive_field.axes[0]
    return axis.size, axis.jump, axis.left


def test_vgg16() -> None:
    """VGG-16's body sees 212 elements at a jump of 32, 90 to the left."""
    assert field(VGG16) == (212, 32, 90)


def test_alexnet_v2() -> None:
    """AlexNet v2 sees 195 elements at a jump of 32, 64 to the left."""
    assert field(ALEXNET_V2) == (195, 32, 64)


def test_resnet_v1_50() -> None:
    """ResNet v1 50, whose strides stand in the last unit of a stage, sees 483 at a jump of 32."""
    assert field(RESNET_V1_50)[:2] == (483, 32)


def test_resnet_of_torchvision() -> None:
    """torchvision's ResNet-50 sees 427 at a jump of 32."""
    assert field(TORCHVISION_50)[:2] == (427, 32)


windows = st.tuples(st.integers(1, 5), st.integers(1, 3), st.integers(0, 2), st.integers(0, 2), st.integers(1, 2))


@given(st.lists(windows, min_size=1, max_size=6))
def test_chain(chain: list[tuple[int, int, int, int, int]]) -> None:
    """A chain's field is the interval found by going back from the first output and from its neighbour."""
    spec = " | ".join(f"conv {k} s{s} p{a}-{b} d{d} x1" for k, s, a, b, d in chain)

    def interval(output: int) -> tuple[int, int]:
        first = last = output
        for kernel, stride, begin, _, dilation in reversed(chain):
            first, last = first * stride - begin, last * stride - begin + dilation * (kernel - 1)
        return first, last

    first, last = interval(0)
    assert field(spec, "5000x1") == (last - first + 1, interval(1)[0] - first, -first)


@given(st.integers(1, 30), st.integers(1, 30))
def test_adaptive(n: int, out: int) -> None:
    """An adaptive pool's field is its longest bin, floor(i·N/O) up to ceil((i + 1)·N/O)."""
    longest = max(-(-(i + 1) * n // out) - i * n // out for i in range(out))
    assert field(f"adaptiveavgpool {out}", f"{n}x1")[0] == longest


@given(st.integers(1, 5), st.integers(1, 5), st.integers(1, 4), st.integers(1, 3), st.integers(1, 3))
def test_blocks(before: int, block: int, blocks: int, kernel: int, stride: int) -> None:
    """Attention within blocks: an output reads its own block, found by going through index sets."""
    n = block * blocks
    spec = f"conv {before} x2 | attention h1 window={block} | conv {kernel} s{stride} x1"
    if n < kernel:
        return
    seen = [set(range(at, at + before)) for at in range(n)]
    seen = [set().union(*seen[at // block * block : at // block * block + block]) for at in range(n)]
    seen = [set().union(*seen[at * stride : at * stride + kernel]) for at in range((n - kernel) // stride + 1)]
    told = cnncalc.analyze(spec, input=f"{n + before - 1}x1").rows[-1].receptive_field.axes[0]
    sizes = [max(each) - min(each) + 1 for each in seen]
    assert sizes <= [told.size] * len(sizes)
    if len(sizes) >= block:
        # A whole period of outputs.
        least = told.size if told.smallest is None else told.smallest
        assert (max(sizes), min(sizes), min(seen[0])) == (told.size, least, -told.left)


def test_attention_over_all() -> None:
    """Without a window a position sees the whole input."""
    rows = cnncalc.analyze("input 9x9x4 | conv 3x3 x4 | attention h2").to_dict()["layers"]
    assert rows[-1]["receptive_field"]["size"] == "all"


def test_upsample_and_back() -> None:
    """An upsampling halves the jump exactly, and a stride makes it whole again."""
    rows = cnncalc.analyze("input 8x8x1 | upsample 2 | conv 3x3 x1 | pool 2").to_dict()["layers"]
    assert [row["receptive_field"]["jump"] for row in rows] == [[1, 1], ["1/2", "1/2"], ["1/2", "1/2"], [1, 1]]


@pytest.mark.parametrize(
    ("spec", "size", "smallest"),
    [
        # Both taps lie on neighbours 2o − 1 and 2o, which repeat the inputs o − 1 and o.
        ("input 64x64x1 | upsample 2 | conv 2x2 s2 p1 x1", 2, 2),
        # Each pooled element is a square of 8; at its edge a window of 3 reads two squares.
        ("input 64x64x1 | pool 8 | upsample 8 | conv 3x3 same x1", 16, 8),
        # Down four times by 2 and up again, by the walk of `test_phases`.
        ("unet", 204, 188),
        # Three deconvolutions, with two skips on the way.
        ("fcn8s", 468, 436),
    ],
)
def test_smallest(spec: str, size: int, smallest: int) -> None:
    """Behind upsampling the size is the most that an output sees, and `smallest` the least, where that differs."""
    told = cnncalc.analyze(spec).to_dict()["layers"][-1]["receptive_field"]
    assert (told["size"], told.get("smallest", told["size"])) == ([size] * 2, [smallest] * 2)


@pytest.mark.parametrize("spec", ["input 20x1 | conv 3 x1", "input 20x1 | upsample 2 | conv 3 s2 x1"])
def test_no_smallest(spec: str) -> None:
    """JSON has no `smallest` where all outputs see as much."""
    assert list(cnncalc.analyze(spec).to_dict()["layers"][-1]["receptive_field"]) == ["size", "jump", "left"]


def test_smallest_of_one_axis() -> None:
    """Where one axis has outputs that differ, `smallest` has a number for each."""
    told = cnncalc.analyze("input 9x9x1 | upsample 2x1 | conv 2x2 x1").to_dict()["layers"][-1]["receptive_field"]
    assert (told["size"], told["smallest"]) == ([2, 2], [1, 2])


def test_larger_than_input() -> None:
    """A receptive field larger than the input is no warning."""
    assert cnncalc.analyze("input 8x8x3 | conv 7x7 same x8 | conv 7x7 same x8").warnings == ()


def test_hull() -> None:
    """Arms give their hull: here 5 wide, 2 to the left."""
    assert field("concat(conv 1x1 x1 ; conv 3x3 same x1 ; conv 5x5 same x1)") == (5, 1, 2)


def test_whole() -> None:
    """A gate sees the whole input, and so does what it gates."""
    rows = cnncalc.analyze("input 8x8x4 | mul( ; gap | conv 1x1 x4 | sigmoid)").to_dict()["layers"]
    assert [row["receptive_field"]["size"] for row in rows] == [[1, 1], "all", "all", "all", "all"]
