"""The elements that the windows of a network skip between one another, besides those dropped at an end."""

from __future__ import annotations

from collections.abc import Mapping
from math import gcd
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Window
from cnncalc.solve.solutions import Skip
from cnncalc.symbols import substitute


def skips(graph: Graph, axis: int, numbers: Mapping[str, int]) -> tuple[Skip, ...]:
    """Return the layers that skip elements of an axis which no other layer reads either.

    `numbers` are sizes for the symbols of the axis.
    """
    readers: dict[int, list[Node]] = {}
    for node in graph.nodes:
        for index in node.inputs:
            readers.setdefault(index, []).append(node)
    found: dict[str, Skip] = {}
    for nodes in readers.values():
        each = [_skip(node, axis, numbers) for node in nodes]
        if None not in each:
            found.update((skip.layer, skip) for skip in each if skip is not None)
    return tuple(found.values())


def _skip(node: Node, axis: int, numbers: Mapping[str, int]) -> Skip | None:
    """Return the elements that a layer skips on an axis; None if it reads all up to the end of its last window."""
    layer, x = node.layer, node.input_shapes[0]
    if not isinstance(layer, Windowed) or layer.pads != "adds" or axis >= x.rank:
        return None
    window = layer.windows(x)[axis]
    read = residues(window)
    if read < window.stride:
        return Skip(node.name, read, window.stride)
    n, out = substitute(x.spatial[axis], numbers), substitute(node.shape.spatial[axis], numbers)
    return _between_taps(node.name, window, n, out, substitute(window.begin, numbers))


def residues(window: Window) -> int:
    """Return how many of `stride` consecutive elements windows read, far from the ends: taps t·d, modulo the stride."""
    return min(window.kernel, window.stride // gcd(window.stride, window.dilation))


def _between_taps(name: str, window: Window, n: Any, out: Any, begin: Any) -> Skip | None:
    """Return the elements skipped between taps if there are fewer windows than the taps' distance."""
    apart = window.dilation
    if window.stride > 1 or window.kernel == 1 or not isinstance(out, int) or out >= apart or not isinstance(n, int):
        return None
    missed = n >= apart or any((at + begin) % apart >= out for at in range(n))
    return Skip(name, out, apart) if missed else None
