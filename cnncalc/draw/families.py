"""The families of layers in a drawing: what each is called, and its colours on light and on dark ground.

The colours are those of Okabe and Ito (2008), which people of every kind of colour vision tell apart; the words of
the layers stand beside them all the same.
"""

from __future__ import annotations

from typing import NamedTuple

from cnncalc.layers import FAMILIES
from cnncalc.layers.base import Layer
from cnncalc.layers.merge import Merge
from cnncalc.layers.rearrange import Input
from cnncalc.layers.timewise import Timewise


class Family(NamedTuple):
    """A family: its title in the legend, and its colour."""

    title: str
    colour: str


FAMILY = {
    "input": Family("input", "#a6a6a6"),
    "conv": Family("convolution", "#56b4e9"),
    "pool": Family("pooling", "#d55e00"),
    "linear": Family("fully connected", "#cc79a7"),
    "norm": Family("normalization", "#f0e442"),
    "activation": Family("activation", "#e69f00"),
    "recurrent": Family("recurrent", "#7f6fbf"),
    "attention": Family("attention", "#0072b2"),
    "resize": Family("resizing", "#009e73"),
    "merge": Family("merging", "#e8e8e8"),
    "other": Family("other", "#c2b59b"),
    "block": Family("block of layers", "#8fb7c9"),
    # What happened to a layer from one network to another.
    "same": Family("unchanged", "#b9bec5"),
    "changed": Family("changed", "#e69f00"),
    "added": Family("added", "#009e73"),
    "removed": Family("removed", "#d55e00"),
}

_OF_MODULE = {module.__name__: module.__name__.rpartition(".")[2] for module in FAMILIES.values()}


def family_of(layer: Layer) -> str:
    """Return the family of a layer; one at every step of an axis has that of the layer applied there."""
    while isinstance(layer, Timewise):
        layer = layer.layer
    if isinstance(layer, Input):
        return "input"
    if isinstance(layer, Merge):
        return "merge"
    name = _OF_MODULE.get(type(layer).__module__, "other")
    return name if name in FAMILY else "other"
