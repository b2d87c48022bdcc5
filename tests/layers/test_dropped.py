"""What the warning of dropped rows says would make it go away does so."""

import re

from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc

kernels, strides, pads = st.integers(1, 6), st.integers(1, 6), st.integers(0, 3)
layers = st.one_of(
    st.builds("conv 1 x1 | conv {}x{} s{} p{}-{} x1".format, kernels, kernels, strides, pads, pads),
    st.builds("conv 1 x1 | conv {} s{} d{} x1".format, kernels, strides, st.integers(1, 3)),
    st.builds("conv 1 x1 | pool {} s{}".format, kernels, strides),
    st.builds("conv 1 x1 | avgpool {}x{} s{}".format, kernels, kernels, strides),
)


def helps(spec: str, shape: tuple[int, ...]) -> list[str]:
    return [each.help or "" for each in cnncalc.analyze(spec, input=shape).warnings if each.code == "W201"]


@examples(100)
@given(layers, st.integers(1, 24), st.integers(1, 24))
def test_every_way_out_works(spec: str, h: int, w: int) -> None:
    """Every size, padding and kernel that the help names leaves nothing out, and `same` is always one."""
    try:
        found = helps(spec, (h, w, 1))
    except cnncalc.SpecError:
        return
    for help in found:
        inputs, edits = help.split(" drops nothing; so does ")
        sizes = re.findall(r"(\d+)x(\d+)", inputs)
        assert sizes
        for height, width in sizes:
            assert helps(spec, (int(height), int(width), 1)) == []
        before, layer = spec.split(" | ")
        assert "`same`" in edits
        for padding in re.findall(r"`(.*?)`", edits):
            changed = f"{re.sub(r' p[0-9-]+', '', layer)} {padding}"
            assert helps(f"{before} | {changed}", (h, w, 1)) == []
        for kernel in re.findall(r"a kernel of (\S+)", edits):
            assert helps(f"{before} | {re.sub(r' [0-9x]+', f' {kernel}', layer, count=1)}", (h, w, 1)) == []


def test_the_ways_out() -> None:
    """The help names a smaller and a larger input, the padding, `same` and the kernel."""
    # 16 = 3·5 + 1: one row is left; 3 more zeros, or 2 more than the one, make room for one more window.
    assert helps("conv 3 s3 x1", (16, 16, 1)) == [
        "an input of 15x15 or 18x18 drops nothing; so does `p0-2`, `same` or a kernel of 4x4"
    ]
    # A pool's padding may be half its window at most: one zero at the end would do, two would not.
    assert helps("pool 3", (16, 17, 1)) == [
        "an input of 15x15 or 18x18 drops nothing; so does `same` or a kernel of 4x5"
    ]
