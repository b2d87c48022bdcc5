"""`rearrange`: shapes, views and fields by hand, and shapes and orders of elements against einops itself."""

from __future__ import annotations

from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reference import examples

import cnncalc
from cnncalc.layers.patterns import Rearrangement
from cnncalc.writers.axes import split_and_order


@st.composite
def rearrangements(draw: st.DrawFn) -> tuple[tuple[int, ...], str, dict[str, int]]:
    """An input's sizes, a pattern that fits it, and the sizes of the axes that it splits others into."""
    names = draw(st.lists(st.sampled_from("hwcpqgt"), min_size=1, max_size=6, unique=True))
    sizes = {name: draw(st.integers(1, 4)) for name in names}

    def sides(order: list[str], most: int) -> list[list[str]]:
        """The names in groups, at most so many of them, with an axis of 1 here and there."""
        groups: list[list[str]] = []
        for name in order:
            if groups and (len(groups) == most or draw(st.booleans())):
                groups[-1].append(name)
            else:
                groups.append([name])
        if len(groups) < most and draw(st.booleans()):
            groups.insert(draw(st.integers(0, len(groups))), [])
        return groups

    left, right = sides(names, 4), sides(draw(st.permutations(names)), 4)
    given: dict[str, int] = {}
    for group in left:
        # Of the axes in brackets all but one are given.
        given |= {name: sizes[name] for name in draw(st.permutations(group))[1:]}
    text = " -> ".join(
        " ".join("1" if not group else group[0] if len(group) == 1 else f"({' '.join(group)})" for group in side)
        for side in (left, right)
    )
    return tuple([prod([sizes[name] for name in group]) for group in left]), text, given


def spec(dims: tuple[int, ...], pattern: str, sizes: dict[str, int]) -> str:
    named = "".join(f" {name}={size}" for name, size in sizes.items())
    return f'input {"x".join(map(str, dims))} | rearrange "{pattern}"{named}'


@pytest.mark.frameworks
@examples(300)
@given(rearrangements())
def test_einops(case: tuple[tuple[int, ...], str, dict[str, int]]) -> None:
    """The shape is that of einops; so is the order of the elements, by the reshape and transpose that are exported."""
    einops = pytest.importorskip("einops", reason="einops is not installed: pip install '.[frameworks]'")
    dims, pattern, sizes = case
    node = cnncalc.parse(spec(*case)).nodes[-1]
    numbers = np.arange(prod(dims)).reshape(dims)
    wanted = einops.rearrange(numbers, pattern, **sizes)
    assert node.shape.dims == wanted.shape
    parts, order = split_and_order(node)
    assert np.array_equal(numbers.reshape(parts).transpose(order).reshape(node.shape.dims), wanted)
    # A pattern that keeps the order is a view of the input.
    alias = node.layer.memory == "alias"
    assert not alias or np.array_equal(wanted.ravel(), numbers.ravel())


@examples(200)
@given(rearrangements())
def test_there_and_back(case: tuple[tuple[int, ...], str, dict[str, int]]) -> None:
    """The sides exchanged, the elements are where they were: shapes, and the orders one after the other."""
    dims, pattern, _ = case
    there = cnncalc.parse(spec(*case)).nodes[-1]
    left, right = pattern.split(" -> ")
    layer: Any = there.layer
    every = layer.layout(there.input_shapes[0])[1]
    back = cnncalc.parse(spec(there.shape.dims, f"{right} -> {left}", every)).nodes[-1]
    assert back.shape.dims == dims
    numbers = np.arange(prod(dims)).reshape(dims)
    for node in (there, back):
        parts, order = split_and_order(node)
        numbers = numbers.reshape(parts).transpose(order).reshape(node.shape.dims)
    assert np.array_equal(numbers.ravel(), np.arange(prod(dims)))


@examples(100)
@given(rearrangements())
def test_channels_first(case: tuple[tuple[int, ...], str, dict[str, int]]) -> None:
    """Frameworks with the channels first split and order their own axes, and come to the same elements."""
    node = cnncalc.parse(spec(*case)).nodes[-1]
    dims = node.input_shapes[0].dims
    numbers = np.arange(prod(dims)).reshape(dims)
    parts, order = split_and_order(node)
    wanted = numbers.reshape(parts).transpose(order).reshape(node.shape.dims)
    parts, order = split_and_order(node, channels_first=True)
    shape = (node.shape.channels, *node.shape.spatial)
    got = np.moveaxis(numbers, -1, 0).reshape(parts).transpose(order).reshape(shape)
    assert np.array_equal(np.moveaxis(got, 0, -1), wanted)


@pytest.mark.parametrize(
    ("pattern", "memory"),
    [
        ("h w c -> (h w) c", "alias"), ("h w (g c) -> h w g c", "alias"), ("h w c -> h 1 w c", "alias"),
        ("h w c -> (h w c)", "alias"), ("h w c -> w h c", "own"), ("h w (g c) -> g h w c", "own"),
        ("h w c -> w (h c)", "own"), ("... c -> c ...", "own"), ("... c -> (...) c", "alias"),
    ],
)  # fmt: skip
def test_memory(pattern: str, memory: str) -> None:
    """What keeps the order of the elements is a view, as in PyTorch; what permutes them copies: 8·6·4 elements more."""
    result = cnncalc.analyze(f'input 8x6x4 | rearrange "{pattern}"{" g=2" if "g" in pattern else ""}')
    assert result.graph.nodes[-1].layer.memory == memory
    assert result.totals.activation_bytes.peak == 4 * 8 * 6 * 4 * (2 if memory == "own" else 1)
    assert (result.totals.params, result.totals.macs, result.totals.saved_bytes) == (0, 0, 0)


#: A chain behind `input 24x20x4`, and its field: sizes, jumps and lefts of the axes, or "all".
FIELDS = {
    # An axis that stays keeps its field; one that goes to the channels has none.
    'conv 3x5 x4 | rearrange "h w c -> w (h c)"': ([5], [1], [0]),
    'conv 3x5 x4 | rearrange "h w c -> w h c"': ([5, 3], [1, 1], [0, 0]),
    'conv 3x5 s2 p1 x4 | rearrange "h w (g c) -> g h w c" g=2': ([1, 3, 5], [1, 2, 2], [0, 1, 1]),
    # Two rows and two columns of a block go to the channels, as pixelunshuffle takes them: 3 + 1, 5 + 1.
    'conv 3x5 same x4 | rearrange "(h p) (w q) c -> h w (c p q)" p=2 q=2': ([4, 6], [2, 2], [1, 2]),
    # Rows 12 apart: 12 more than the one row.
    'rearrange "(p h) w c -> h w (p c)" p=2': ([13, 1], [1, 1], [0, 0]),
    # p·h of the rows, h·s of which are taken: 2 apart by s, and 12 by p: 13 and 1 more.
    'rearrange "(p h s) w c -> h w (p s c)" p=2 s=2': ([14, 1], [2, 1], [0, 0]),
    # Channels laid out as space: each sees the position that they are of.
    'conv 3x3 x4 | rearrange "h w (p c) -> (h p) w c" p=2': ([3, 3], ["1/2", 1], [0, 0]),
    # Where several axes become one, or one becomes several, there is no one axis to count along.
    'rearrange "h w c -> (h w) c"': "all",
    'rearrange "(h p) w c -> h p w c" p=2': "all",
    'rearrange "(h p) (w q) c -> (h w) (p q) c" p=2 q=2': "all",
    'rearrange "(h p) w c -> (p h) w c" p=2': "all",
    'rearrange "h w c -> (h w c)"': "all",
    # An axis of 1 is in nobody's way.
    'gap | rearrange "1 1 c -> c"': "all",
    'pool 24x1 | rearrange "h w c -> (h w) c"': ([1], [1], [0]),
}


@pytest.mark.parametrize("chain", FIELDS)
def test_receptive_field(chain: str) -> None:
    """The field along an axis is that of the axis which it comes from."""
    figures = cnncalc.analyze(f"input 24x20x4 | {chain}").rows[-1].receptive_field.figures()
    wanted = FIELDS[chain]
    if wanted == "all":
        assert figures["size"] == "all"
    else:
        assert (figures["size"], figures["jump"], figures["left"]) == wanted


def test_as_pixelshuffle() -> None:
    """What two layers and two patterns say alike has one shape and one field."""
    pairs = [
        ("pixelshuffle 2", 'rearrange "h w (c p q) -> (h p) (w q) c" p=2 q=2'),
        ("pixelunshuffle 2", 'rearrange "(h p) (w q) c -> h w (c p q)" p=2 q=2'),
    ]
    for layer, pattern in pairs:
        rows = [
            cnncalc.analyze(f"input 8x6x8 | conv 3x3 same x8 | {each} | conv 3x3 x4").rows for each in (layer, pattern)
        ]
        assert [row.output_shape for row in rows[0]] == [row.output_shape for row in rows[1]]
        assert [row.receptive_field.figures() for row in rows[0]] == [row.receptive_field.figures() for row in rows[1]]


def test_letters() -> None:
    """Sizes in letters, and those for which the axes split."""
    result = cnncalc.analyze('input HxWxC | rearrange "(h p) (w q) c -> h w (p q c)" p=4 q=2')
    assert [str(size) for size in result.rows[-1].output_shape] == ["floor(H/4)", "floor(W/2)", "8*C"]
    assert {name: str(each) for name, each in result.domains.items()} == {
        "H": "4, 8, 12, …", "W": "2, 4, 6, …", "C": "1 or more"
    }  # fmt: skip


def test_parsed_once() -> None:
    """A pattern is a value: what each axis is made of, before and after; written in one way."""
    layer: Any = cnncalc.parse('input 8x6x4 | rearrange "h (w q)  c->(h q c)   1 w" q=2').nodes[-1].layer
    assert layer.pattern == Rearrangement((("h",), ("w", "q"), ("c",)), (("h", "q", "c"), (), ("w",)))
    assert str(layer) == 'rearrange "h (w q) c -> (h q c) 1 w" q=2'
    fields = cnncalc.analyze('input 8x6x4 | rearrange "h (w q) c -> q h w c" q=2').to_dict()["layers"][-1]["fields"]
    assert fields == {"pattern": "h (w q) c -> q h w c", "sizes": {"q": 2}}


def test_explained() -> None:
    """The sizes of the axes, and what a channel is one of."""
    from cnncalc.explain.layers import explain

    result = cnncalc.analyze('input 8x6x4 | rearrange "h w c -> w (h c)"')
    (told,) = explain(result, ["rearrange1"])
    assert told.channels == "h = 8, w = 6, c = 4; a channel is one of h·c = 32"
    assert [str(size) for size in told.sizes] == ["6", "8·4 = 32"]


def test_hole() -> None:
    """A size may be a hole, and is one number of a block."""
    text = 'def split(n) = rearrange "h w (g c) -> g h w c" g={n}\ninput 8x6x12 | split(3)'
    assert cnncalc.analyze(text).rows[-1].output_shape == (3, 8, 6, 4)
