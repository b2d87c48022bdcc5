"""The layers, one file per family. Importing the package fills the registry of words."""

from __future__ import annotations

from cnncalc.layers import (
    activation,
    attention,
    conv,
    linear,
    merge,
    norm,
    parameter,
    pool,
    rearrange,
    recurrent,
    resize,
    timewise,
)
from cnncalc.layers.base import KINDS, REGISTRY, Example, Layer

#: The families by title, in the order of the help: a new file of layers is added here.
FAMILIES = {
    "input and order": rearrange,
    "convolution": conv,
    "pooling": pool,
    "fully connected": linear,
    "learnt tensor": parameter,
    "recurrent": recurrent,
    "sequences": timewise,
    "attention": attention,
    "normalization": norm,
    "activation": activation,
    "resizing": resize,
    "merging": merge,
}


#: The words that take arms in brackets: `add( ; )`.
MERGE_WORDS = frozenset(word for word, cls in REGISTRY.items() if issubclass(cls, merge.Merge))

#: The words that take a sequence in brackets: `timewise( … )`.
SEQUENCE_WORDS = frozenset(word for word, cls in REGISTRY.items() if issubclass(cls, timewise.Timewise))


def kinds() -> dict[str, type[Layer]]:
    """Return every kind of layer and its class, family by family."""
    order = {family.__name__: position for position, family in enumerate(FAMILIES.values())}
    names = [kind for word, kind in KINDS.items() if word == kind]
    return {kind: REGISTRY[kind] for kind in sorted(names, key=lambda kind: order[REGISTRY[kind].__module__])}


__all__ = ["FAMILIES", "KINDS", "MERGE_WORDS", "REGISTRY", "SEQUENCE_WORDS", "Example", "Layer", "kinds"]
