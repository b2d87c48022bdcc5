"""Solving on random problems, against every answer tried in turn on the network itself, its warnings included.

In the deep profile there are 300 problems of each sort.
"""

import re
from itertools import product

from hypothesis import assume, given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.diagnostics import Source
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.graph import Graph
from cnncalc.solve import Problem
from cnncalc.solve.solutions import AxisSolution, Solution

#: Inputs are tried up to so large, and unknown numbers.
MOST_INPUT, MOST_NUMBER, MOST_COUNT = 12, 9, 12

Output = tuple[tuple[int, ...], bool]


def problem(spec: str) -> Problem:
    return Problem(Source("<spec>", spec))


def forwards(spec: str, *sizes: int) -> Output | None:
    """The sizes that come out, and whether there is no warning of what is dropped; None where it does not fit."""
    try:
        graph = cnncalc.parse(spec, input=(*sizes, 4))
    except cnncalc.SpecError:
        return None
    return tuple(graph.nodes[-1].shape.spatial), not dropping(graph)


def dropping(graph: Graph) -> bool:
    return any(warning.code == "W201" for warning in graph.warnings)


def pairs(solution: Solution, most: int) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The values for both axes up to the largest that are found, and those of them that drop nothing."""

    def of(each: AxisSolution) -> tuple[list[int], list[int]]:
        assert each.values is not None
        assert each.nothing_dropped is not None
        return [n for n in range(most + 1) if n in each.values], [
            n for n in range(most + 1) if n in each.nothing_dropped
        ]

    first, second = map(of, solution.axes)
    return set(product(first[0], second[0])), set(product(first[1], second[1]))


number, stride = st.integers(1, 5), st.integers(1, 3)


def two(values: st.SearchStrategy[int]) -> st.SearchStrategy[str]:
    """A number for each axis: `3x2`."""
    return st.builds("{}x{}".format, values, values)


paddings = st.one_of(st.sampled_from(["valid", "same", "full"]), two(st.integers(0, 2)).map("p{}".format))
pooled = st.one_of(st.sampled_from(["valid", "same"]), two(st.integers(0, 2)).map("p{}".format))
windows = st.one_of(
    st.builds("conv {} s{} {} x4".format, two(number), two(stride), paddings),
    st.builds("conv {} d{} {} x4".format, two(number), two(stride), paddings),
    st.builds("pool {} s{} {}{}".format, two(number), two(stride), pooled, st.sampled_from(["", " ceil"])),
    st.builds("avgpool {} s{} {}".format, two(number), two(stride), pooled),
    st.builds("deconv {} s{} {} x4".format, two(number), two(stride), st.sampled_from(["valid", "same", "p1"])),
)
others = st.one_of(st.builds("upsample {}".format, two(stride)), st.sampled_from(["pad 0-1x1", "crop 1x0", "relu"]))
layers = st.one_of(windows, windows, others)
chains = st.lists(layers, min_size=1, max_size=3).map(" | ".join)
stretched = st.builds("{}({} ; {})".format, st.sampled_from(["add", "mul"]), chains, st.one_of(st.just(""), chains))


@examples(25, deep=300)
@given(st.lists(st.one_of(layers, stretched), min_size=1, max_size=2).map(" | ".join), st.data())
def test_input_sizes_of_two_axes(spec: str, data: st.DataObject) -> None:
    """The inputs of two unlike axes are those that give the output, and those among them that are not warned of."""
    tried = {size: forwards(spec, *size) for size in product(range(1, MOST_INPUT + 1), repeat=2)}
    known = sorted({output[0] for output in tried.values() if output})
    assume(known)
    wanted = data.draw(st.sampled_from(known))
    right = {size for size, output in tried.items() if output and output[0] == wanted}
    found = pairs(problem(spec).input_sizes(wanted), MOST_INPUT)
    assert found == (right, {size for size in right if (tried[size] or ((), False))[1]})


@examples(25, deep=300)
@given(windows, st.tuples(st.integers(1, 12), st.integers(1, 12)), st.data())
def test_paddings(layer: str, size: tuple[int, int], data: st.DataObject) -> None:
    """The padding is found on each axis by itself, as even as may be, wherever some padding gives the size."""
    bare = re.sub(r" (valid|same|full|p\S+)", "", layer)

    def alone(axis: int, begin: int, end: int) -> int | None:
        # The largest that the other axis may be makes it fit without padding.
        sizes = [60, 60]
        sizes[axis] = size[axis]
        ends = ["0", "0"]
        ends[axis] = f"{begin}-{end}"
        output = forwards(f"{bare} p{'x'.join(ends)}", *sizes)
        return output[0][axis] if output else None

    most = range(MOST_NUMBER + 1)
    tried = [{ends: alone(axis, *ends) for ends in product(most, repeat=2) if sum(ends) in most} for axis in range(2)]
    possible = [sorted({output for output in each.values() if output is not None}) for each in tried]
    assume(all(possible))
    wanted = tuple([data.draw(st.sampled_from(each)) for each in possible])
    solution = problem(bare).padding((*size, 4), wanted)
    for axis, found in enumerate(solution.axes):
        right = {ends for ends, output in tried[axis].items() if output == wanted[axis]}
        assert found.values is not None
        assert [total for total in most if total in found.values] == sorted({sum(ends) for ends in right})
        written = [re.sub(r"[p]| \(same\)", "", text).split("-") for text in found.written]
        ends = [(int(each[0]), int(each[-1])) for each in written]
        assert {each for each in ends if sum(each) in most} <= right


UNKNOWN = [
    "conv ?x? s{} {} x4", "conv ?x3 d{} {} x4", "pool ?x? s{} {}", "avgpool 3x? s{} {} ceil", "deconv ?x? s{} {} x4",
    "conv 3x2 s?x? {1} x4", "pool 3x2 s?x? {1}", "deconv 3x2 s?x? {1} x4", "conv 3x2 d?x? {1} x4",
    "conv 3x3 s{} p?x? x4", "pool 4x5 s{} p?x?", "deconv 4x5 s{} p?x0-1 x4", "conv 2x5 s{} p0-?x?-1 x4",
    "upsample ?x? | pool 3x2 s{}", "conv ?x? s{} {} x4 | pool 2",
]  # fmt: skip


@examples(25, deep=300)
@given(
    st.builds(str.format, st.sampled_from(UNKNOWN), two(stride), st.sampled_from(["valid", "p1", "p2x0", "same"])),
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.data(),
)
def test_numbers_for_two_axes(spec: str, size: tuple[int, int], data: st.DataObject) -> None:
    """The numbers for a `?` on each axis are those which, written in their places, give the output."""
    both = spec.count("?") == 2
    tried = {
        values: forwards(spec.replace("?", str(values[0]), 1).replace("?", str(values[1]), 1), *size)
        for values in product(range(MOST_NUMBER + 1), repeat=2)
    }
    known = sorted({output[0] for output in tried.values() if output})
    assume(known)
    wanted = data.draw(st.sampled_from(known))
    right = {values for values, output in tried.items() if output and output[0] == wanted}
    solution = problem(spec).number((*size, 4), wanted)
    assert solution.limit is not None
    most = range(min(MOST_NUMBER, solution.limit) + 1)
    if both:
        found, clean = pairs(solution, most[-1])
        assert found == {values for values in right if set(values) <= set(most)}
        assert clean == {values for values in found if (tried[values] or ((), False))[1]}
    else:
        (only,) = solution.axes
        assert only.values is not None
        assert [n for n in most if n in only.values] == sorted({n for n, _ in right if n in most})


bodies = st.one_of(
    chains,
    st.builds("{} | {}".format, windows, st.builds("upsample {}".format, two(stride))),
    st.builds("concat({} ; {})".format, layers, layers),
    st.just("pixelshuffle 2"),
    stretched,
)
repeats = st.builds(
    "{}({}) * ?{}".format,
    st.one_of(st.just(""), layers.map("{} | ".format)),
    bodies,
    st.one_of(st.just(""), layers.map(" | {}".format), st.just(" as last | add(relu ; @last)")),
)
in_arms = st.builds("{}(({}) * ? ; {})".format, st.sampled_from(["add", "concat"]), bodies, chains)


@examples(25, deep=300)
@given(st.one_of(repeats, repeats, in_arms), st.tuples(st.integers(1, 40), st.integers(1, 40)), st.data())
def test_counts(spec: str, size: tuple[int, int], data: st.DataObject) -> None:
    """The counts are those which, written in place of the `?`, give the output; so the runs without an end too."""
    tried = {count: forwards(spec.replace("?", str(count)), *size) for count in range(MOST_COUNT + 1)}
    known = sorted({output[0] for output in tried.values() if output})
    assume(known)
    wanted = data.draw(st.sampled_from(known))
    solution = problem(spec).number((*size, 4), wanted)
    right = [count for count, output in tried.items() if output and output[0] == wanted]
    (found,) = solution.axes
    most = range(min(MOST_COUNT, solution.limit or MOST_COUNT) + 1)
    assert found.values is not None
    assert found.nothing_dropped is not None
    assert [count for count in most if count in found.values] == [count for count in right if count in most]
    assert [count for count in most if count in found.nothing_dropped] == [
        count for count in right if count in most and (tried[count] or ((), False))[1]
    ]


unsized = st.one_of(
    st.builds("conv1d {} s{} p1 x4".format, number, stride),
    st.builds("conv1d {} d{} x4".format, number, stride),
    st.builds("deconv {} s{} x4".format, number, stride),
    st.builds("upsample {}".format, stride),
)
seeing = st.lists(unsized, min_size=1, max_size=3).map(" | ".join)


@examples(25, deep=300)
@given(
    st.builds(
        "{}({}) * ?{}".format,
        seeing.map("conv1d 1 x4 | {} | ".format),
        seeing,
        st.one_of(st.just(""), unsized.map(" | {}".format)),
    ),
    st.integers(2, 400),
)
def test_repeats_that_see(spec: str, wanted: int) -> None:
    """The count is the first whose receptive field is wide enough, of all that are tried in turn.

    No count is found from where on the field is known as an upper bound alone.
    """
    most = 12 if "upsample" in spec or "deconv" in spec else 60
    asked = problem(spec)
    found = asked.repeats(wanted)
    for count in range(1, most + 1):
        try:
            graph = asked.graph(unknown=count)
        except cnncalc.SpecError:
            break
        (axis,) = receptive_fields(graph.nodes)[-1].axes
        if axis.at_most:
            assert found.count is None
            return
        if axis.size >= wanted:
            assert (found.count, found.field) == (count, (axis.size,))
            return
    assert found.count is None or found.count > most
