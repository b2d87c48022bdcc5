"""Operators of model files for which the language has no layer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from cnncalc.layers.base import WHOLE, AnyLayer, Layer
from cnncalc.layers.taps import Taps
from cnncalc.shape import UNKNOWN_SHAPE, UNKNOWN_SIZE, Requirement, Shape, Size


class OpaqueOp(Layer):
    """An operator by the name that its model file gives it, with the output shape that the file states.

    The language has no word for it, so no spec can have one. The reader that makes it gives its weights
    (`Node.stored`) and MACs.

    `shape` is None where it is unknown; of a partial one some sizes are. `known` is whether its figures are complete:
    an operator that is not known may hide weights, unless the file states them, and multiply-adds. With `local`, an
    output sees its own position alone, with `window` what these taps read on each axis; otherwise it is taken to see
    the whole input.
    """

    sets_rank = True

    def __init__(
        self,
        operator: str,
        shape: Shape | None,
        *,
        known: bool = True,
        macs: int = 0,
        local: bool = False,
        window: tuple[Taps, ...] | None = None,
        memory: Literal["own", "alias", "in place"] = "own",
    ) -> None:
        self.__dict__.update(known=known, memory=memory)
        self._set(
            operator,
            None,
            {"shape": UNKNOWN_SHAPE if shape is None else shape, "macs": macs, "local": local, "window": window},
        )
        self.__dict__["_key"] = (OpaqueOp, *self._key, known, memory)
        self.__dict__["_hash"] = hash(self._key)

    shape: Shape
    macs: int
    local: bool
    window: tuple[Taps, ...] | None

    @property
    def keeps(self) -> Literal["nothing", "factors"]:  # type: ignore[override]  # no more is known than what it counts
        return "factors" if self.macs or self.local else "nothing"

    def __str__(self) -> str:
        if self.known:
            return self.kind
        return f"{self.kind} (unknown, shape as stated)" if self.shape.is_known else f"{self.kind} (unknown)"

    def resolve(self: AnyLayer, x: Shape) -> AnyLayer:
        return self

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        return iter(())

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        return self.shape

    def weights(self, x: Shape) -> Size:
        return 0 if self.known else UNKNOWN_SIZE

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        return self.macs if self.known or self.macs else UNKNOWN_SIZE

    def taps(self, x: Shape, y: Shape) -> tuple[Taps, ...] | Literal["whole"] | None:
        if x.rank != y.rank:
            return WHOLE
        return None if self.local else self.window or WHOLE
