"""Arguments that may be the size of a named tensor: `resize @NAME`, `crop @NAME`.

Only the size is taken: the tensor is no input of the layer, and is not kept for it. The builder of the graph looks the
name up and puts the sizes in; where all of them are numbers, the layer then is one with numbers.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cnncalc.layers.arguments import PaddingArgument, PerAxis, count, fit_axes
from cnncalc.layers.pieces import TENSOR, Pieces
from cnncalc.shape import ShapeError, Size


class TensorSize(NamedTuple):
    """The spatial sizes of the tensor of that name; None until they are looked up."""

    name: str
    sizes: tuple[Size, ...] | None = None

    @property
    def known(self) -> bool:
        """Whether all sizes are numbers."""
        return self.sizes is not None and all(isinstance(size, int) for size in self.sizes)

    def fit(self, rank: int) -> TensorSize:
        """Return the size itself; raises `ShapeError` E106 if the tensor has other than `rank` spatial axes."""
        if self.sizes is not None and len(self.sizes) != rank:
            fact = f"`@{self.name}` has {count(len(self.sizes), 'spatial axis', 'spatial axes')}, the input {rank}"
            help = "name a tensor with as many axes, or write the size in numbers"
            message = "the spatial axes of `{layer}` and of the tensor it names differ"
            raise ShapeError("E106", message, fact, help=help)
        return self

    def __str__(self) -> str:
        return f"@{self.name}"


class SizeArgument(PerAxis):
    """A size for each spatial axis, one for all of them, or `@NAME`."""

    takes_tensor = True

    def __init__(self, **more: Any) -> None:
        super().__init__("", in_full=True, **more)

    def read(self, pieces: Pieces) -> Any:
        return _tensor(pieces) or super().read(pieces)

    def fit(self, value: Any, rank: int) -> Any:
        if isinstance(value, TensorSize):
            return value.fit(rank).sizes if value.known else value.fit(rank)
        return super().fit(value, rank)

    def spell(self, value: Any) -> str:
        return str(value) if isinstance(value, TensorSize) else super().spell(value)

    def write(self, value: Any) -> str:
        return self.spell(value)

    def to_json(self, value: Any) -> object:
        return list(value.sizes or ()) if isinstance(value, TensorSize) else list(value)

    def forms(self) -> list[str]:
        return [*super().forms(), "@NAME"]


class CropArgument(PaddingArgument):
    """Elements at both ends of the axes, or `@NAME`."""

    takes_tensor = True

    def __init__(self, **more: Any) -> None:
        super().__init__("", rules=(), **more)

    def read(self, pieces: Pieces) -> Any:
        return _tensor(pieces) or super().read(pieces)

    def fit(self, value: Any, rank: int) -> Any:
        return value.fit(rank) if isinstance(value, TensorSize) else super().fit(value, rank)

    def spell(self, value: Any) -> str:
        return str(value) if isinstance(value, TensorSize) else super().spell(value)

    def write(self, value: Any) -> str:
        return str(value) if isinstance(value, TensorSize) else super().write(value)

    def to_json(self, value: Any) -> object:
        return str(value) if isinstance(value, TensorSize) else super().to_json(value)

    def forms(self) -> list[str]:
        return [*super().forms(), "@NAME"]


class Offset(PerAxis):
    """A number of elements for each spatial axis that is written with its name, `offset=5`; None: no number."""

    def __init__(self, **more: Any) -> None:
        super().__init__(default=None, low=0, sample="5", **more)

    def fit(self, value: Any, rank: int) -> Any:
        return value and fit_axes(self.name, value, rank)

    def is_default(self, value: Any) -> bool:
        return value is None


def _tensor(pieces: Pieces) -> TensorSize | None:
    """Return the tensor that is named next, or None if there is none."""
    piece = pieces.next
    return TensorSize(pieces.take().value) if piece is not None and piece.kind == TENSOR else None
