"""The configuration of a layer in a Keras file, with checks, since the file is untrusted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, NoReturn

from cnncalc.frameworks.keras import KERAS
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.names import current
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Padding, Shape, Size, UndecidedError


class Operand(NamedTuple):
    """Stands for a tensor among the arguments of a call: its place among the call's inputs."""

    place: int


class LayerConfig(FileArguments):
    """The configuration of a layer: its name, its class, its arguments, and those of the call."""

    def __init__(
        self,
        name: str,
        class_name: str,
        values: Mapping[str, Any],
        channels_first: bool = False,
        arguments: tuple[Any, ...] = (Operand(0),),
        keywords: Mapping[str, Any] = {},
        sources: Sequence[int] = (),
    ) -> None:
        self.name, self.class_name, self.values = name, class_name, values
        self.channels_first = channels_first
        self.arguments_of_call, self.keywords = arguments, keywords
        #: The nodes of the inputs: a tensor that is read twice is one node.
        self.sources = tuple(sources)

    def inner(self, layer: object) -> LayerConfig:
        """Return the configuration of a layer that this one holds; raises `SpecError` E306 if it is none."""
        if not isinstance(layer, dict) or not isinstance(layer.get("class_name"), str):
            self.fail("layer", "it is no layer")
        class_name, values = current(layer["class_name"], config_of(layer))
        return LayerConfig(self.name, class_name, values, self.channels_first)

    def of_call(self, position: int, *names: str, default: Any = None) -> Any:
        """Return an argument of the call by its position or one of its names, or the layer's own of such a name."""
        for name in names:
            if name in self.keywords:
                return self.keywords[name]
        if position < len(self.arguments_of_call):
            return self.arguments_of_call[position]
        return next((self.values[name] for name in names if self.values.get(name) is not None), default)

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value, or the default if it is missing or null."""
        value = self.values.get(key)
        return default if value is None else value

    def states(self, name: str) -> bool:
        return self.values.get(name) is not None

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        value = self.get(name, default)
        if not is_whole(value, low):
            what = "is missing" if value is None else f"is {str(value)[:40]}, not a whole number from {low}"
            self.fail(name, f"it {what}")
        number: int = value
        return number

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return an integer for each axis, or one for all of them; for `rank` 0, one to eight numbers."""
        return self._of_axes(name, rank, self.get(name, default), lambda each: is_whole(each, low))

    def integers_or_none(self, name: str, rank: int) -> tuple[int | None, ...]:
        return self._of_axes(name, rank, self.get(name), lambda each: each is None or is_whole(each, 1))

    def _of_axes(self, name: str, rank: int, value: Any, is_valid: Callable[[Any], bool]) -> tuple[Any, ...]:
        if isinstance(value, int) and not isinstance(value, bool):
            value = [value] * max(rank, 1)
        listed = isinstance(value, list | tuple) and len(value) in ((rank,) if rank else range(1, 9))
        if not listed or not all(map(is_valid, value)):
            self.fail(name, f"it is {str(value)[:40]}, not {rank or 'one to eight'} whole numbers")
        return tuple(value)

    def real(self, name: str, default: float) -> float:
        value = self.get(name, default)
        valid = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < MAX_INTEGER
        return value if valid else default

    def flag(self, name: str, default: bool = True) -> bool:
        return bool(self.get(name, default))

    def rule(self, name: str, causal: bool = False) -> Padding:
        mode = self.get(name, "valid")
        if mode not in ("valid", "same", *(("causal",) if causal else ())):
            self.fail(name, f"it is {str(mode)[:40]}, not `valid` or `same`")
        return Padding(mode)

    def arguments(self, kind: str, x: Shape) -> dict[str, Any]:
        """Return our arguments for a layer of a kind with this input."""
        return self.read(KERAS, kind, x.rank)

    def fail(self, key: str, label: str) -> NoReturn:
        """Raise `SpecError` E306 for an argument."""
        fail("E306", f"`{key}` of `{self.name}` is wrong", label)

    # -- axes ------------------------------------------------------------------------------------------

    def file_order(self, x: Shape) -> tuple[Size, ...]:
        """Return the sizes of a sample in the order of the file."""
        return (x.channels, *x.spatial) if self.channels_first else x.dims

    def shape_of(self, dims: Sequence[Size]) -> Shape:
        """Return the shape of a sample from its sizes in the order of the file."""
        if not dims:
            return Shape((), 1)
        turned = self.channels_first and len(dims) > 1
        return Shape.of((*dims[1:], dims[0]) if turned else dims)

    def axes(self, x: Shape, given: object, default: object = None) -> tuple[int, ...]:
        """Return the places of axes in `file_order`; the file counts them with the batch, or from the end.

        Raises `SpecError` E306 if there is no such axis.
        """
        given = default if given is None else given
        given = given if isinstance(given, list | tuple) else [given]
        if not x.has_rank:
            raise UndecidedError("the number of axes is not known")
        rank = x.rank + 2
        places = []
        for axis in given:
            if not isinstance(axis, int) or isinstance(axis, bool) or not -rank <= axis < rank:
                self.fail("axis", f"there is no axis {str(axis)[:40]} in {x}")
            if axis % rank == 0:
                raise CannotInferError("the axis of the batch")
            places.append(axis % rank - 1)
        return tuple(places)


def is_whole(value: object, low: int) -> bool:
    """Return whether a value is an integer from `low` to below the largest that a layer takes."""
    return isinstance(value, int) and not isinstance(value, bool) and low <= value < MAX_INTEGER


def config_of(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the configuration inside a layer; an empty one if it has none."""
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def name_of(layer: Mapping[str, Any]) -> str:
    """Return a layer's name, or the name of its class."""
    return stated_name(layer) or str(layer.get("class_name", "layer")).lower()[:60]


def stated_name(layer: Mapping[str, Any]) -> str:
    """Return the name that a layer has in the file; an empty text if there is none."""
    return text_at(layer, "name") or text_at(config_of(layer), "name")


def text_at(values: object, key: str) -> str:
    """Return the text of a key; an empty text if there is none."""
    value = values.get(key) if isinstance(values, dict) else None
    return value if isinstance(value, str) else ""
