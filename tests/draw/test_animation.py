"""Windows in motion, frame by frame: what the picture shows at each moment is what the definition says.

A frame is read from the file as a browser would make it: a group that is animated in n steps by a distance stands, in
its k-th step, at k/n of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from xml.etree import ElementTree

import pytest
from command_line import run
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc import SpecError
from cnncalc.draw.animation import CELL, to_svg, with_values
from cnncalc.explain.matrix import number_text
from cnncalc.explain.motion import animated_layer, motion, smallest_alike
from cnncalc.graph import Node
from cnncalc.layers.conv import Deconv

SVG = "{http://www.w3.org/2000/svg}"
Cell = tuple[int, int]

#: The pictures of Dumoulin and Visin, "A guide to convolution arithmetic for deep learning" (arXiv:1603.07285), by the
#: names of their files in the authors' repository, with the sizes that come out.
CONV_ARITHMETIC = {
    "no_padding_no_strides": ("input 4x4x1 | conv 3x3 x1", 2),
    "arbitrary_padding_no_strides": ("input 5x5x1 | conv 4x4 p2 x1", 6),
    "same_padding_no_strides": ("input 5x5x1 | conv 3x3 p1 x1", 5),
    "full_padding_no_strides": ("input 5x5x1 | conv 3x3 full x1", 7),
    "no_padding_no_strides_transposed": ("input 2x2x1 | deconv 3x3 x1", 4),
    "arbitrary_padding_no_strides_transposed": ("input 6x6x1 | deconv 4x4 p2 x1", 5),
    "same_padding_no_strides_transposed": ("input 5x5x1 | deconv 3x3 p1 x1", 5),
    "full_padding_no_strides_transposed": ("input 7x7x1 | deconv 3x3 p2 x1", 5),
    "no_padding_strides": ("input 5x5x1 | conv 3x3 s2 x1", 2),
    "no_padding_strides_transposed": ("input 2x2x1 | deconv 3x3 s2 x1", 5),
    "padding_strides": ("input 5x5x1 | conv 3x3 s2 p1 x1", 3),
    "padding_strides_transposed": ("input 3x3x1 | deconv 3x3 s2 p1 x1", 5),
    "padding_strides_odd": ("input 6x6x1 | conv 3x3 s2 p1 x1", 3),
    "padding_strides_odd_transposed": ("input 3x3x1 | deconv 3x3 s2 p1 op1 x1", 6),
    "dilation": ("input 7x7x1 | conv 3x3 d2 x1", 3),
}

#: What else there is: pools, one axis, sides of different lengths, padding at one end, taps apart, crops.
MORE = (
    "input 4x6x1 | pool 2",
    "input 5x5x1 | pool 2 ceil",
    "input 5x4x1 | avgpool 3x3 s2 p1",
    "input 5x5x1 | avgpool 3x3 s1 p1 countpad",
    "input 6x1 | conv 3 causal d2 x1",
    "input 7x1 | pool 3 s2 p1",
    "input 4x1 | deconv 3 s3 x1",
    "input 5x3x1 | dwconv 3x2 p0-1x1",
    "input 6x5x1 | conv 2x3 s2x1 same x1",
    "input 5x5x1 | conv 2 s2 x1",
    "input 3x2x1 | deconv 2x3 s2x1 d1x2 x1",
    "input 4x4x1 | deconv 2 s1 p1 x1",
    "input 3x3x1 | deconv 2 s3 x1",
)
SPECS = [*(spec for spec, _ in CONV_ARITHMETIC.values()), *MORE]


def only_layer(spec: str) -> Node:
    return animated_layer(cnncalc.parse(spec), ())


class Film:
    """A file as frames: the cells under the window, the output that is marked, and those that are not covered."""

    def __init__(self, text: str) -> None:
        self.root = ElementTree.fromstring(text)
        style = self.root.findtext(f"{SVG}style") or ""
        #: By the name of an animation: its steps, the distance that it covers, and the seconds that it takes.
        self.moves: dict[str, tuple[int, float]] = {}
        self.seconds: dict[str, float] = {}
        rule = (
            r"\{animation:(\w+) ([\d.]+)s steps\((\d+)\) infinite\}"
            r"@keyframes \1\{to\{transform:translate.\((-?[\d.]+)px"
        )
        for name, seconds, steps, distance in re.findall(rule, style):
            self.moves[name] = int(steps), float(distance)
            self.seconds[name] = float(seconds)
        cells = next(each for each in self.root.iter(f"{SVG}g") if each.get("id") == "motion-cells")
        inputs = next((each for each in cells if each.get("class") == "input"), None)
        assert inputs is not None
        self.corners = [(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)", inputs.get("d") or "")]
        self.count = self.moves["across"][0] * self.moves["down"][0]

    def shift(self, name: str, frame: int) -> float:
        """Return how far an animation has moved in a frame, of which the shortest turn has as many as it has steps."""
        steps, distance = self.moves[name]
        tick = self.seconds["across"] / self.moves["across"][0]
        at = int((frame + 0.5) * tick % self.seconds[name] / self.seconds[name] * steps)
        return distance / steps * at

    def covered(self, frame: int) -> set[Cell]:
        """Return the elements of the input under the window's taps, by row and column."""
        x, y = self.shift("across", frame), self.shift("down", frame)
        taps = {
            (float(each.get("x") or 0) + x, float(each.get("y") or 0) + y)
            for each in self.root.iter(f"{SVG}rect")
            if each.get("class") == "window"
        }
        rows = sorted({corner[1] for corner in self.corners})
        columns = sorted({corner[0] for corner in self.corners})
        return {(rows.index(y), columns.index(x)) for x, y in self.corners if (x, y) in taps}

    def made(self, frame: int) -> Cell:
        """Return the output that is marked, by row and column."""
        return round(self.shift("below", frame) / CELL), round(self.shift("right", frame) / CELL)


def read_by_definition(node: Node, sizes: tuple[int, ...]) -> Iterator[set[Cell]]:
    """Yield the elements that each output reads: o·S − P + t·d, transposed all i with o = i·S − P + t·d."""
    layer = node.layer
    axes = []
    for n, out, window in zip(sizes, node.shape.spatial, layer.windows(node.input_shapes[0]), strict=True):
        pairs = product(range(n), range(window.kernel))
        if isinstance(layer, Deconv):
            reads: list[set[int]] = [set() for _ in range(out)]
            for i, t in pairs:
                o = i * window.stride - window.begin + t * window.dilation
                if 0 <= o < out:
                    reads[o].add(i)
        else:
            taps = [t * window.dilation - window.begin for t in range(window.kernel)]
            places = [[o * window.stride + tap for tap in taps] for o in range(out)]
            reads = [{place for place in each if 0 <= place < n} for each in places]
        axes.append(reads)
    rows, columns = axes if len(axes) == 2 else ([{0}], axes[0])
    for row in rows:
        for column in columns:
            yield set(product(row, column))


@pytest.mark.parametrize("spec", SPECS)
def test_every_frame(spec: str) -> None:
    """In each frame the window lies on what the output reads, and the output stands where it is computed."""
    node = only_layer(spec)
    text = to_svg(motion(node))
    film = Film(text)
    columns = film.moves["right"][0]
    expected = list(read_by_definition(node, node.input_shapes[0].spatial))
    assert film.count == len(expected)
    assert [film.covered(frame) for frame in range(film.count)] == expected
    assert [film.made(frame) for frame in range(film.count)] == [divmod(at, columns) for at in range(film.count)]
    # All turns end together.
    assert film.seconds["down"] == pytest.approx(film.seconds["across"] * film.moves["down"][0])
    assert len(text) < 20_000


@pytest.mark.parametrize(("spec", "size"), CONV_ARITHMETIC.values(), ids=CONV_ARITHMETIC)
def test_conv_arithmetic(spec: str, size: int) -> None:
    """Each of the guide's pictures comes out, with its sizes in words."""
    node = only_layer(spec)
    root = ElementTree.fromstring(to_svg(motion(node)))
    words = [each.text or "" for each in root.iter(f"{SVG}text")]
    before = "×".join(map(str, node.input_shapes[0].spatial))
    assert {f"input {before}", f"output {size}×{size}"} <= set(words)
    put_in = "zeros that are put in between" in root.findtext(f"{SVG}desc", "")
    assert put_in == ("deconv" in spec and " s2" in spec)


def computed(node: Node, image: list[list[int]], kernel: list[list[int]]) -> list[Fraction | None]:
    """Return the output by the definition: a transposed convolution adds each element's kernel where it falls."""
    layer = node.layer
    windows = layer.windows(node.input_shapes[0])
    outs = node.shape.spatial
    results: list[Fraction | None] = []
    if isinstance(layer, Deconv):
        canvas = [[Fraction(0)] * outs[1] for _ in range(outs[0])]
        for i, j in product(range(len(image)), range(len(image[0]))):
            for a, b in product(range(windows[0].kernel), range(windows[1].kernel)):
                y = i * windows[0].stride - windows[0].begin + a * windows[0].dilation
                x = j * windows[1].stride - windows[1].begin + b * windows[1].dilation
                if 0 <= y < outs[0] and 0 <= x < outs[1]:
                    canvas[y][x] += image[i][j] * kernel[a][b]
        return [value for row in canvas for value in row]
    for o, p in product(*map(range, outs)):
        found = []
        counted = 0
        for a, b in product(range(windows[0].kernel), range(windows[1].kernel)):
            y = o * windows[0].stride - windows[0].begin + a * windows[0].dilation
            x = p * windows[1].stride - windows[1].begin + b * windows[1].dilation
            inside = 0 <= y < len(image) and 0 <= x < len(image[0])
            counted += inside or bool(getattr(layer, "countpad", False))
            if inside:
                found.append((image[y][x], kernel[a][b]))
        if layer.reduction == "largest":
            results.append(Fraction(max(value for value, _ in found)))
        elif layer.reduction == "mean":
            results.append(Fraction(sum(value for value, _ in found), counted))
        else:
            results.append(Fraction(sum(value * weight for value, weight in found)))
    return results


@pytest.mark.parametrize("spec", [spec for spec in SPECS if only_layer(spec).shape.rank == 2])
def test_values(spec: str) -> None:
    """Each position's sum, and the number in its cell, are those of the definition."""
    node = only_layer(spec)
    rows, columns = node.input_shapes[0].spatial
    image = [[(3 * i + 5 * j) % 7 - 2 for j in range(columns)] for i in range(rows)]
    heights, widths = node.layer.kernel
    kernel = [[(2 * a + b) % 5 - 1 for b in range(widths)] for a in range(heights)]
    weighs = node.layer.reduction not in ("largest", "mean")
    shown = motion(node, whole=True)
    exact = tuple(tuple(map(Fraction, row)) for row in image)
    weights = tuple(tuple(map(Fraction, row)) for row in kernel) if weighs else None
    text = to_svg(shown, with_values(shown, exact, weights))
    root = ElementTree.fromstring(text)
    expected = [number_text(value) for value in computed(node, image, kernel)]
    results = next(each for each in root.iter(f"{SVG}g") if each.get("id") == "motion-results")
    strip = next(each for each in root.iter(f"{SVG}g") if each.get("class") == "strip")
    assert [each.text for each in results] == expected
    assert [(each.text or "").rpartition(" = ")[2] for each in strip] == expected
    assert len(text) < 20_000


@pytest.mark.parametrize("options", [(), ("--static", "5")])
def test_styles_reach_what_is_used(options: tuple[str, ...]) -> None:
    """What a `use` shows has the class of the styles itself: there, the classes around it do not count."""
    done = run("explain", "conv 2 x1", "--image", "3 1 5; 4 1 2", "--kernel", "1 -1; 2 0", "--animate", *options)
    root = ElementTree.fromstring(done.stdout)
    used = {each.get("href", "")[1:] for each in root.iter(f"{SVG}use")}
    assert {each.get("id") for each in root.iter(f"{SVG}g") if each.get("class") == "motion"} == used


def test_sums() -> None:
    """Running sums are written out: 3·1 + 1·(−1) + 4·2 + 1·0 = 10, and so on."""
    done = run("explain", "conv 2 x1", "--image", "3 1 5; 4 1 2", "--kernel", "1 -1; 2 0", "--animate")
    root = ElementTree.fromstring(done.stdout)
    strip = next(each for each in root.iter(f"{SVG}g") if each.get("class") == "strip")
    assert [each.text for each in strip] == ["3·1 + 1·(−1) + 4·2 + 1·0 = 10", "1·1 + 5·(−1) + 1·2 + 2·0 = −2"]


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        # 7 taps over padding of 3 in steps of 2: the windows at both ends, and as many rows left over, on 8 rows.
        ("input 224x224x3 | conv 7x7 s2 p3 x64", 8),
        # Nine windows of 3 that touch nothing, one at each edge.
        ("input 56x56x64 | conv 3x3 p1 x64", 3),
        # An odd size leaves a row over, and so does 3.
        ("input 225x225x8 | pool 2", 7),
        ("input 112x112x64 | pool 3x3 s2 p1", 6),
        ("input 64x64x8 | deconv 2 s2 x4", 2),
    ],
)
def test_smaller_input(spec: str, size: int) -> None:
    """A large layer is shown on the smallest input on which the same is to be seen, and the caption says so."""
    node = only_layer(spec)
    shown = motion(node)
    assert shown.sizes[0] == (size, size)
    own = "×".join(map(str, node.input_shapes[0].spatial))
    described = ElementTree.fromstring(to_svg(shown)).findtext(f"{SVG}desc", "")
    assert f"The layer's own input is {own}" in described


ENDS = st.integers(0, 3)


@given(st.integers(1, 40), st.integers(1, 5), st.integers(1, 3), st.integers(1, 3), ENDS, ENDS)
@examples(60)
def test_smallest_alike(n: int, kernel: int, stride: int, dilation: int, begin: int, end: int) -> None:
    """No axis with fewer elements shows every view that the axis has; the rest at its end is the same."""
    from cnncalc.explain.motion import AxisMotion

    extent = dilation * (kernel - 1) + 1
    room = n + begin + end - extent
    if room < 0:
        return
    axis = AxisMotion(n, room // stride + 1, kernel, stride, dilation, -begin, 1, -begin, n + end)
    smallest = smallest_alike(axis)
    assert smallest.views() == axis.views()
    assert (smallest.n + begin + end - extent) % stride == room % stride
    fewer = [axis.with_elements(each) for each in range(1, smallest.n)]
    assert not any(
        each is not None and each.number >= min(axis.number, 3) and each.views() == axis.views() for each in fewer
    )


def test_stills() -> None:
    """For print, so many positions stand beside each other, from the first to the last, and nothing moves."""
    done = run("explain", "input 5x5x1 | conv 3x3 x1", "--animate", "--static", "4")
    root = ElementTree.fromstring(done.stdout)
    words = [each.text for each in root.iter(f"{SVG}text") if (each.text or "").startswith("position")]
    assert words == ["position 1 of 9", "position 3 of 9", "position 6 of 9", "position 9 of 9"]
    assert "animation" not in done.stdout


def test_still_where_asked() -> None:
    """Where a reader wants no motion there is none, and every result is to be seen."""
    style = ElementTree.fromstring(to_svg(motion(only_layer(SPECS[0])))).findtext(f"{SVG}style", "")
    still = style.partition("@media(prefers-reduced-motion:reduce)")[2]
    assert still.startswith("{.motion g{animation:none!important}.motion .cover{display:none}}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["input 5x5x1 | relu", "--animate"], "no layer has windows that could be shown in motion"),
        (["input 8x8x3 | conv 3x3 x4 | pool 2", "--animate"], "choose one: `--layer conv1`"),
        (["input 8x8x3 | conv 3x3 x4 | relu", "--animate", "--layer", "relu1"], "it is `relu`"),
        (["input 8x8x3 | conv 3x3 x4", "--animate", "--layer", "conv2"], "write `conv1`"),
        (["input 4x4x4x1 | pool 2", "--animate"], "`pool1` has 3 axes, and a picture two"),
        (["input 99x99x1 | conv 50 x1", "--animate"], "too large to be watched"),
        (["conv 2 x1", "--image", "1 2; 3 4", "--animate"], "`conv` needs a kernel on values"),
        (["pool 2", "--image", "1 2; 3 4", "--kernel", "1", "--animate"], "`pool` has no kernel on values"),
        (["conv 2 x2", "--image", "1 2; 3 4", "--kernel", "1 2; 3 4", "--animate"], "write `x1`"),
        (["conv 2 x1", "--image", "1 2; 3 4", "--kernel", "1", "--animate"], "the kernel is 1x1, the layer's is 2x2"),
        (["pool 2", "--animate", "-f", "json"], "`--animate` writes SVG"),
        (["pool 2", "-f", "svg"], "SVG is a figure's format: add --animate"),
        (["pool 2", "--static", "3"], "`--static` has no effect without `--animate`"),
        (["input 4x4x1 | pool 2", "--animate", "--pictures"], "`--pictures` has no effect with `--animate`"),
        (["--animate"], "give a SPEC"),
    ],
)
def test_refusal(arguments: list[str], message: str) -> None:
    """What cannot be shown in motion is an error that says what can."""
    done = run("explain", *arguments)
    assert done.exit_code in (1, 2)
    assert message in done.output


def test_library_error() -> None:
    """The error of a layer without windows names those that have them."""
    with pytest.raises(SpecError, match="what can be shown is `conv`, `dwconv`, `deconv`, `pool` and `avgpool`"):
        motion(cnncalc.parse("input 4x4x1 | relu").nodes[1])
