"""What a rule of a Keras class gives: the layers of ours that it is made of, one behind the other."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncalc.frameworks.keras import KERAS
from cnncalc.graph import StoredWeights
from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers.importer import OperatorRules, make
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.shape import Shape


class LayerPart(NamedTuple):
    """A layer of ours, its weights if they do not follow from its own rule, and the suffix of its name.

    A part reads the output of the one before it, the first one all inputs of the Keras layer. One with `of_input`
    reads that input alone, and its output takes the input's place. One with `output` gives that output of a Keras
    layer with several; it reads what the parts without give, and is only there if the file reads it. A function in
    place of the layer makes it of the shape that it reads.
    """

    layer: Layer | Callable[[Shape], Layer]
    stored: StoredWeights | None = None
    suffix: str = ""
    of_input: int | None = None
    output: int | None = None


#: From a layer's configuration and the shapes that go in to our layers: the output of the last is the Keras layer's.
Rule = Callable[[LayerConfig, list[Shape]], Iterator[LayerPart]]

#: The rules of layers by the name of the class, and those of operations (`keras.ops`), some of which have the same.
rules: OperatorRules[Rule] = OperatorRules()
operations: OperatorRules[Rule] = OperatorRules()

#: The classes of layers that take several tensors; all others take one. Operations take as many as they are given.
takes_several: set[str] = set()


def several(*classes: str) -> Callable[[Rule], Rule]:
    """Register a rule of layers that take several tensors."""
    takes_several.update(classes)
    return rules(*classes)


def class_names(kind: str) -> tuple[str, ...]:
    """Return the names of Keras's classes for a kind of layer, of all ranks."""
    names = (name.removeprefix("layers.") for name in KERAS.equivalent(kind).names if name.startswith("layers."))
    return tuple(
        name.format(rank=rank) for name in names for rank in ((1, 2, 3) if "{rank}" in name else (0,))
    )  # fmt: skip


def part(kind: str, suffix: str = "", stored: StoredWeights | None = None, **arguments: Any) -> LayerPart:
    """Return a layer of a kind."""
    return LayerPart(make(kind, **arguments), stored, suffix)


def operator(
    config: LayerConfig, shape: Shape, stored: StoredWeights | None = None, output: int | None = None, **properties: Any
) -> LayerPart:
    """Return an operator that the language has no word for, by the name of its class."""
    return LayerPart(OpaqueOp(config.class_name, shape, **properties), stored, output=output)


def elementwise(config: LayerConfig, shape: Shape, stored: StoredWeights | None = None) -> LayerPart:
    """Return an operator that works element by element, in place."""
    return operator(config, shape, stored, local=True, memory="in place")
