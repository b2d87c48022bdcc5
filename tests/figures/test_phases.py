"""Receptive fields against sets of input elements that are walked back through random networks, output by output.

The walk knows nothing of periods and intervals. From one output of one layer it goes back by the definitions alone: a
window reads o·S − P + t·d, a deconvolution the i that write to o, upsampling floor(o/u) or the two neighbours of
(o + 1/2)/u − 1/2, an adaptive pool floor(o·N/O) up to ceil((o + 1)·N/O).
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache
from math import ceil, floor, prod
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.figures.receptive_field import AxisField
from cnncalc.graph import Node


def read(node: Node, output: int) -> Iterator[int]:
    """The elements of a layer's first input that an output reads, on one axis, as if the axis went on forever."""
    layer: Any = node.layer
    n = node.input_shapes[0].spatial[0]
    match node.layer.kind:
        case "conv" | "pool":
            (begin, _), *_ = layer.padding_ends(node.input_shapes[0])
            for tap in range(layer.kernel[0]):
                yield output * layer.stride[0] - begin + tap * layer.dilation[0]
        case "deconv":
            (begin, _), *_ = layer.padding_ends(node.input_shapes[0])
            for tap in range(layer.kernel[0]):
                i = Fraction(output + begin - tap * layer.dilation[0], layer.stride[0])
                if i.denominator == 1:
                    yield int(i)
        case "upsample" if layer.mode == "bilinear":
            c = (output + Fraction(1, 2)) / layer.factor[0] - Fraction(1, 2)
            yield from {floor(c), floor(c) + 1} if c.denominator > 1 else {int(c)}
        case "upsample":
            yield floor(Fraction(output, layer.factor[0]))
        case "resize" if layer.mode == "bilinear":
            c = (output + Fraction(1, 2)) * n / layer.sizes[0] - Fraction(1, 2)
            yield from {floor(c), floor(c) + 1} if c.denominator > 1 else {int(c)}
        case "resize":
            yield floor(Fraction(output * n, layer.sizes[0]))
        case "pixelshuffle":
            yield floor(Fraction(output, layer.factor))
        case "pixelunshuffle":
            yield from range(output * layer.factor, (output + 1) * layer.factor)
        case "adaptiveavgpool":
            yield from range(
                floor(Fraction(output * n, layer.size[0] or n)), ceil(Fraction((output + 1) * n, layer.size[0] or n))
            )
        case "pad":
            yield output - layer.amount.ends[0][0]
        case "crop":
            yield output + layer.amount.ends[0][0]
        case _:
            yield output


def rate(node: Node) -> Fraction:
    """The input elements of a layer between its neighbouring outputs."""
    layer: Any = node.layer
    match node.layer.kind:
        case "conv" | "pool":
            return Fraction(layer.stride[0])
        case "deconv":
            return Fraction(1, layer.stride[0])
        case "upsample":
            return Fraction(1, layer.factor[0])
        case "resize":
            return Fraction(node.input_shapes[0].spatial[0], layer.sizes[0])
        case "pixelshuffle":
            return Fraction(1, layer.factor)
        case "pixelunshuffle":
            return Fraction(layer.factor)
        case "adaptiveavgpool":
            return Fraction(node.input_shapes[0].spatial[0], layer.size[0] or node.input_shapes[0].spatial[0])
    return Fraction(1)


def joins(node: Node) -> bool:
    """Whether arms stand one behind the other along the axis."""
    return getattr(node.layer, "axis", None) == 1


def joined_at(node: Node, arm: int, output: int) -> list[int]:
    """The place of an arm that is an output of the join; those before the first and behind the last go on."""
    sizes = [shape.spatial[0] for shape in node.input_shapes]
    place, last = output - sum(sizes[:arm]), len(sizes) - 1
    return [place] if (place >= 0 or arm == 0) and (place < sizes[arm] or arm == last) else []


class Walk:
    """The walk back through a network of one axis; `jumps` has the input elements between a layer's outputs."""

    def __init__(self, spec: str) -> None:
        self.nodes = cnncalc.parse(spec).nodes
        self.jumps: list[Fraction] = []
        self.seen = cache(self._seen)
        #: Behind arms whose jumps differ, or of which one is stretched, an axis has an end.
        self.ends: list[bool] = []
        for node in self.nodes:
            if not node.inputs:
                self.jumps.append(Fraction(1))
                self.ends.append(False)
                continue
            own = [0 if self.stretched(node, arm) else self.jumps[i] for arm, i in enumerate(node.inputs)]
            self.jumps.append(max(own) * rate(node))
            self.ends.append(len(set(own)) > 1 or any(self.ends[i] for i in node.inputs))
            if joins(node):
                self.ends[-1] = self.ends[-1] or not self.continued(node)

    def continued(self, node: Node) -> bool:
        """Whether joined arms go on from one another: each output sees what the one before it does, a jump further."""
        jump = self.jumps[node.index]
        first, *others = [self._seen(node.index, output)[0] for output in range(node.shape.spatial[0])]
        return all(
            bool(first and each) and extent(each) == extent(first) and min(each) == min(first) + number * jump
            for number, each in enumerate(others, 1)
        )

    @staticmethod
    def stretched(node: Node, arm: int) -> bool:
        return (
            len(node.inputs) > 1 and not joins(node) and node.input_shapes[arm].spatial[0] == 1 < node.shape.spatial[0]
        )

    def _seen(self, index: int, output: int) -> tuple[frozenset[int], bool]:
        """The input elements that an output of a layer sees, and whether an end of an axis cuts them off."""
        node = self.nodes[index]
        if not node.inputs:
            return frozenset([output]), False
        elements: set[int] = set()
        cut = False
        for arm, i in enumerate(node.inputs):
            for place in joined_at(node, arm, output) if joins(node) else self.places(node, arm, output):
                if self.ends[i] and not 0 <= place < self.nodes[i].shape.spatial[0]:
                    cut = True
                    continue
                more, cut_before = self.seen(i, place)
                elements |= more
                cut |= cut_before
        return frozenset(elements), cut

    def places(self, node: Node, arm: int, output: int) -> Iterator[int]:
        return iter([0]) if self.stretched(node, arm) else read(node, output)

    def figures(self, index: int) -> tuple[int, int, Fraction, int]:
        """Size, smallest, jump and left of a layer."""
        # What repeats does so within the product of all that takes an axis apart.
        apart = prod(rate(node).denominator for node in self.nodes if node.inputs)
        outputs = self.nodes[index].shape.spatial[0] if self.ends[index] else 2 * apart
        each = [self.seen(index, output) for output in range(outputs)]
        seeing = [(elements, cut) for elements, cut in each if elements]
        extents = [extent(elements) for elements, cut in seeing if not cut] or [extent(all_) for all_, _ in seeing]
        left = -min(seeing[0][0]) if seeing else 0
        return max(extents, default=0), min(extents, default=0), self.jumps[index], left


def extent(elements: frozenset[int]) -> int:
    return max(elements) - min(elements) + 1


def figures(axis: AxisField) -> tuple[Any, Any, Any, Any]:
    return axis.size, axis.size if axis.smallest is None else axis.smallest, axis.jump, axis.left


def short(spec: str, outputs: int = 500) -> cnncalc.Analysis | None:
    """The network's analysis; None where it does not fit, or would take the walk too long."""
    try:
        analysis = cnncalc.analyze(spec)
    except cnncalc.SpecError:
        return None
    apart = prod(rate(row.node).denominator for row in analysis.rows if row.node.inputs)
    return analysis if apart <= 72 and max(row.output_shape[0] for row in analysis.rows) <= outputs else None


def check(spec: str) -> None:
    """Every layer's figures are those of the walk."""
    analysis = short(spec)
    if analysis is None:
        return
    walk, rows = Walk(spec), analysis.rows
    for row in rows:
        axis = row.receptive_field.axes[0]
        assert not axis.at_most
        assert (row.name, figures(axis)) == (row.name, walk.figures(row.node.index))


small, factors = st.integers(1, 4), st.integers(1, 3)
layers = st.one_of(
    st.builds("conv {} s{} p{}-{} d{} x4".format, small, factors, st.integers(0, 3), st.integers(0, 3), factors),
    st.builds("conv {} s{} same x4".format, small, factors),
    st.builds("pool {} s{} ceil".format, small, factors),
    st.builds("deconv {} s{} d{} x4".format, small, small, factors),
    st.builds("deconv {} s{} {} x4".format, small, small, st.sampled_from(["same", "p1", "p0-1", "p1-0"])),
    st.builds("upsample {}".format, small),
    st.builds("upsample {} bilinear".format, small),
    st.builds("adaptiveavgpool {}".format, st.integers(0, 12).map(lambda size: size or "_")),
    st.builds("resize {} {}".format, st.integers(1, 12), st.sampled_from(["nearest", "bilinear"])),
    st.sampled_from(
        [
            "conv 1 x8 | pixelshuffle 2",
            "conv 1 x12 | pixelshuffle 3",
            "pixelunshuffle 2 | conv 1 x4",
            "pad 2-1",
            "crop 1",
            "crop 0-1",
            "relu",
        ]
    ),
)
#: Arms of one size: the same jump by other ways, with other periods and other reaches.
equal_arms = st.sampled_from([
    "conv 3 same x4", "conv 3 d2 same x4 | relu", "upsample 2 | pool 2", "upsample 3 | conv 5 s3 p1 x4", "",
    "upsample 2 bilinear | conv 3 s2 same x4", "deconv 3 s2 same x4 | pool 2", "deconv 4 s4 x4 | conv 3 s4 p1 x4",
    "conv 1 x8 | pixelshuffle 2 | conv 3 s2 p1 x4", "upsample 2 | conv 3 same x4 | conv 2 s2 x4",
])  # fmt: skip
#: Arms that are twice, three or four times as large, to be joined behind a layer that is as well.
larger_arms = st.tuples(st.integers(2, 4), st.lists(st.sampled_from(
    ["upsample {u}", "upsample {u} bilinear", "deconv {u} s{u} x4", "deconv 5 s{u} same x4", "deconv 2 s{u} same x4",
     "conv 3 same x4 | upsample {u}", "upsample {u} | conv 3 same x4"]), min_size=2, max_size=3)).map(
    lambda drawn: f"concat({' ; '.join(drawn[1]).format(u=drawn[0])}) | conv 1 x4"
)  # fmt: skip
merges = st.one_of(
    larger_arms,
    st.lists(equal_arms, min_size=2, max_size=3).map(lambda arms: f"add({' ; '.join(arms)})"),
    # Jumps that differ: both give as many outputs, by other steps, or one is stretched over the other's.
    st.tuples(st.lists(layers, min_size=1, max_size=2), st.lists(layers, min_size=1, max_size=2)).map(
        lambda arms: (
            f"concat({' | '.join(arms[0])} | adaptiveavgpool 7 ; {' | '.join(arms[1])} | adaptiveavgpool 7) | conv 1 x4"
        )
    ),
    # One behind the other: an output is that of one arm.
    st.lists(st.one_of(equal_arms, layers), min_size=2, max_size=3).map(
        lambda arms: f"concat axis=1 ({' ; '.join(f'{arm} | conv 1 x4' if arm else arm for arm in arms)})"
    ),
    st.sampled_from(["concat axis=length (crop 0-5 ; crop 5-0)", "concat axis=1 ( ; adaptiveavgpool 1)"]),
    st.sampled_from(["add( ; adaptiveavgpool 1)", "mul(conv 3 same x4 ; adaptiveavgpool 1 | conv 1 x4)"]),
)


@examples(200)
@given(st.lists(st.one_of(layers, layers, merges), min_size=1, max_size=5), st.integers(1, 40))
def test_walk(chain: list[str], n: int) -> None:
    """Size, smallest, jump and left of every layer are what the sets give."""
    check(f"input {n}x4 | {' | '.join(chain)}")


@pytest.mark.parametrize(
    "spec",
    [
        # A deconvolution with gaps: outputs between see nothing; a window over them sees what the others do.
        "deconv 1 s3 x4 | conv 2 x4", "deconv 2 s4 x4 | conv 3 s2 x4 | conv 2 s3 x4", "deconv 3 s2 d2 x4 | conv 2 x4",
        # Nothing but gaps is read at all.
        "deconv 1 s2 x4 | crop 1 | pool 1 s2",
        # Periods of 2 and 3 together: 6.
        "add(upsample 2 | conv 2 s2 p1-0 x4 | upsample 3 | conv 5 s3 p1 x4 ; upsample 3 | pool 3)",
        "concat(upsample 6 | pool 3 ; upsample 4 | pool 2 ; deconv 3 s2 same x4)",
        # Equal sizes of unequal jumps: 9 elements are 4 by a stride of 2, and 4 by bins of 9/4.
        "concat(conv 3 s2 x4 ; adaptiveavgpool 4) | conv 2 s2 x4 | upsample 2",
        "concat(adaptiveavgpool 4 ; adaptiveavgpool 8 | pool 2) | conv 3 p1 x4 | add( ; conv 3 same x4)",
        # Scaled to sizes that are no multiples, and back to the size of another tensor, beside that.
        "resize 7 | conv 3 same x4 | resize 9 bilinear | conv 3 same x4", "resize 12 bilinear | conv 3 s2 same x4",
        "conv 3 same x4 as a | pool 2 | conv 3 same x4 | resize @a | add( ; @a) | conv 3 same x4",
        "conv 3 same x4 as a | conv 3 x4 as b | @a | crop @b | add( ; @b) | upsample 2 | crop @a offset=3 | conv 2 x4",
        # Halves one behind the other, with what was between them; and such as overlap.
        "concat axis=1 (crop 0-4 ; crop 5-0) | conv 3 same x4", "concat axis=1 (crop 0-2 ; crop 2-0) | conv 3 same x4",
        "concat axis=1 (conv 3 s2 x4 ; conv 3 p1 x4) | pool 2 | conv 3 x4 | upsample 2",
        # One element stretched over all.
        "mul(conv 3 same x4 ; conv 9 x4) | conv 3 same x4 | deconv 2 s2 x4",
    ],
)  # fmt: skip
def test_chosen(spec: str) -> None:
    """Networks with what random ones seldom have."""
    check(f"input 9x4 | {spec}")


@examples(60)
@given(st.lists(layers, min_size=1, max_size=4), st.integers(100, 200))
def test_inside(chain: list[str], n: int) -> None:
    """In the network as it is, outputs that see no padding see from smallest to size; of enough, some see either."""
    spec = f"input {n}x4 | {' | '.join(chain)}"
    analysis = short(spec, 1000)
    if analysis is None:
        return
    walk, last = Walk(spec), analysis.rows[-1]

    @cache
    def elements(index: int, output: int) -> frozenset[int] | None:
        """What an output sees; None where any of that is padding."""
        node = walk.nodes[index]
        if not 0 <= output < node.shape.spatial[0]:
            return None
        if not node.inputs:
            return frozenset([output])
        parts = [elements(node.inputs[0], place) for place in read(node, output)]
        return None if None in parts else frozenset().union(*[part for part in parts if part])

    size, smallest, _, _ = figures(last.receptive_field.axes[0])
    outputs = [elements(last.node.index, output) for output in range(last.node.shape.spatial[0])]
    extents = [extent(each) for each in outputs if each]
    assert all(smallest <= each <= size for each in extents)
    run = longest_run([each is not None for each in outputs])
    if run >= prod(rate(node).denominator for node in walk.nodes if node.inputs) and extents:
        assert (min(extents), max(extents)) == (smallest, size)


def longest_run(inside: list[bool]) -> int:
    longest = run = 0
    for each in inside:
        run = run + 1 if each else 0
        longest = max(longest, run)
    return longest


# -- upper bounds ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spec",
    [
        "upsample 5 | conv 3 same x4", "upsample 3 bilinear | conv 2 s2 x4", "deconv 5 s3 same x4 | conv 3 x4 | pool 2",
        "deconv 2 s4 x4 | conv 3 x4", "add(upsample 2 | pool 2 ; conv 3 same x4) | upsample 2 | conv 3 same x4",
        "concat(conv 3 s2 x4 ; adaptiveavgpool 4) | conv 2 x4", "adaptiveavgpool 7 | conv 3 same x4",
        "add(conv 3 same x4 ; adaptiveavgpool 1) | conv 3 same x4",
        "concat axis=1 (conv 3 s2 x4 ; conv 5 p1-0 x4 ; ) | conv 3 x4",
    ],
)  # fmt: skip
def test_bound(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where outputs cannot be told apart, size and left are at least what the walk gives, and the jump is as before."""
    monkeypatch.setattr("cnncalc.figures.phases.MOST_PHASES", 1)
    spec = f"input 9x4 | {spec}"
    walk = Walk(spec)
    rows = cnncalc.analyze(spec).rows
    assert rows[-1].receptive_field.at_most
    for row in rows:
        axis = row.receptive_field.axes[0]
        size, _, jump, left = walk.figures(row.node.index)
        assert (axis.size >= size, axis.left >= left, axis.jump) == (True, True, jump)


def test_long_period() -> None:
    """A period of over 4,096 gives an upper bound, which JSON marks; one of 4,096 is exact."""
    told = cnncalc.analyze("input 20x1 | upsample 4097 | conv 3 x1")
    assert told.to_dict()["layers"][2]["receptive_field"] == {
        "size": [2], "jump": ["1/4097"], "left": [0], "at_most": True
    }  # fmt: skip
    exact = cnncalc.analyze("input 20x1 | upsample 4096 | conv 3 x1").to_dict()["layers"][2]["receptive_field"]
    assert exact == {"size": [2], "smallest": [1], "jump": ["1/4096"], "left": [0]}
