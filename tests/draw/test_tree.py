"""The shape of a network as a tree: sequences, arms, frames and jumps, written as a line of text."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

import cnncalc
from cnncalc import SpecError
from cnncalc.draw.tree import Element, Frame, numbers, tree_of
from cnncalc.draw.units import Unit, units_of


def text(elements: Sequence[Element], units: Sequence[Unit]) -> str:
    """Write a sequence: arms as `(a ; b)`, a frame as `[label: …]`."""

    def one(element: Element) -> str:
        if isinstance(element, int):
            return units[element].name
        if isinstance(element, Frame):
            return f"[{element.label}: {text(element.elements, units)}]"
        return f"({' ; '.join(text(arm.elements, units) for arm in element.arms)})"

    return " ".join(map(one, elements))


def shown(spec: str, depth: int | None = None) -> str:
    units = units_of(cnncalc.parse(spec), depth)
    tree = tree_of(units)
    jumps = "".join(f" {units[a].name}~{units[b].name}" for a, b in tree.jumps)
    assert sorted(set(numbers(tree.elements))) == sorted(numbers(tree.elements))
    return text(tree.elements, units) + jumps


CASES = {
    "what only sets values anew joins the layer before it": (
        "input 8x8x3 | conv 3x3 x4 | bn | relu | pool 2 | fc 5",
        "input1 conv1 pool1 fc1",
    ),
    "an empty arm is the tensor itself": (
        "input 8x8x4 | add(conv 3x3 same x4 | relu ; ) | relu",
        "input1 (conv1 ; ) add1",
    ),
    "arms in arms": (
        "input 8x8x4 | concat(conv 1x1 x2 ; add(conv 1x1 x4 ; ) | conv 1x1 x2 ; pool 3x3 s1 same) | conv 1x1 x3",
        "input1 (conv1 ; (conv2 ; ) add1 conv3 ; pool1) concat1 conv4",
    ),
    "a tensor with a name is an arm like any other": (
        "input 8x8x4 | conv 3x3 same x4 as a | conv 3x3 same x4 | conv 3x3 same x4 | add( ; @a) | conv 1x1 x2",
        "input1 a (conv1 conv2 ; ) add1 conv3",
    ),
    "lines that cross fit into no tree, and the longest jumps": (
        "input 8x8x4 | conv 1x1 x4 as a | conv 1x1 x4 as b | conv 1x1 x4 | add( ; @a) | conv 1x1 x4 | add( ; @b)"
        " | fc 2",
        "input1 a (b conv1 ; ) add1 conv2 add2 fc1 b~add2",
    ),
    "two results": (
        "input 8x8x4 | conv 1x1 x4 as a | fc 2 as out | @a | conv 1x1 x3 | pool 2",
        "input1 a (out ; conv1 pool1)",
    ),
    "two inputs": (
        "input 8x8x4 as a | conv 1x1 x4 as b | input 8x8x4 as c | conv 1x1 x4 | add( ; @b) | fc 2",
        "(a b ; c conv1) add1 fc1",
    ),
    "repeats have a frame, of the copies that begin with the branch": (
        "input 8x8x4 | add(conv 1x1 x4 | conv 3x3 same x4 ; ) * 4 | fc 2",
        "input1 [× 4: (conv1 conv2 ; ) add1] fc1",
    ),
    "repeats in repeats": (
        "input 8x8x4 | ((conv 3x3 same x4) * 6 | conv 1x1 x4) * 3 | fc 2",
        "input1 [× 3: [× 6: conv1] conv7] fc1",
    ),
    "few copies of little are drawn": ("input 8x8x4 | (conv 3x3 same x4) * 3 | fc 2", "input1 conv1 conv2 conv3 fc1"),
    "copies that change the channels say what comes out": (
        "input 8x8x4 | concat( ; conv 1x1 x8 | conv 3x3 same x4) * 3 | fc 2",
        "input1 [× 3 → 8×8×16: (conv1 conv2 ; ) concat1] fc1",
    ),
}


@pytest.mark.parametrize(("spec", "expected"), CASES.values(), ids=CASES)
def test_tree(spec: str, expected: str) -> None:
    """Arms stand in the order of the spec, but for an empty one, which comes last."""
    assert shown(spec) == expected


def test_blocks() -> None:
    """A block of some size has a frame with its name; below the depth it is one box."""
    spec = "def two(c) = conv 3x3 same x{c} | relu | conv 1x1 x{c} | pool 2\ninput 8x8x3 | two(4) | two(8) | fc 2"
    assert shown(spec) == "input1 [two1: two1.conv1 two1.conv2 two1.pool1] [two2: two2.conv1 two2.conv2 two2.pool1] fc1"
    assert shown(spec, 1) == "input1 two1 two2 fc1"


def test_repeats_of_a_file() -> None:
    """Repeats are found by what layers do, so names of a file do not matter: ResNet-152 is as long as ResNet-50."""
    counts = [
        sum(1 for _ in numbers(tree_of(units_of(cnncalc.parse(name), None)).elements))
        for name in ("resnet50", "resnet152")
    ]
    assert counts == [41, 41]


def test_every_unit_once() -> None:
    """In whatever order tensors are read, each unit is drawn once, and each edge is in the tree or a jump."""
    units = units_of(cnncalc.parse("hrnet_w18_small"), None)
    assert sorted(numbers(tree_of(units).elements)) == list(range(len(units)))


def test_nested_too_deep() -> None:
    """What nests deeper than a picture can show is an error with the option that helps."""
    names = " | ".join(f"conv 1x1 x4 as a{n}" for n in range(80))
    spec = f"input 8x8x4 | {names} | " + " | ".join(f"conv 1x1 x4 | add( ; @a{n})" for n in reversed(range(80)))
    with pytest.raises(SpecError, match="branches nest deeper than 60"):
        tree_of(units_of(cnncalc.parse(spec), None))
