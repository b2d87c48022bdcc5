"""A layer of a prototxt, and its arguments: the fields of a message such as `convolution_param`."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnncalc.diagnostics import Span
from cnncalc.frameworks.caffe import CAFFE, PARAMETERS
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.caffe.prototxt import PrototxtMessage, PrototxtScalar
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import make, printable
from cnncalc.readers.text_file import parse_integer

#: Fields of the same meaning in forks, which are read where the first is missing.
OTHER_NAMES = {"dilation": "hole"}


class CaffeArguments(FileArguments):
    """The arguments of a layer: the fields of a message such as `convolution_param`."""

    def __init__(self, message: PrototxtMessage, layer: str, span: Span) -> None:
        self.message, self.layer, self.span = message, layer, span

    def states(self, name: str) -> bool:
        return self.message.scalar(name) is not None

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        scalar = self.message.scalar(name)
        if scalar is not None:
            return whole(scalar, f"`{name}`", low)
        return self._missing(name) if default is None else default

    def integers(self, name: str, rank: int = 0, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return numbers for all axes, or those of `kernel_h` and `kernel_w`, each by default without the other."""
        stem = name.removesuffix("_size")
        if self.message.scalar(f"{stem}_h") or self.message.scalar(f"{stem}_w"):
            # Where only one is given, the other is not the value for both: `pad_h: 1` leaves the width unpadded.
            return tuple(self.integer(f"{stem}_{axis}", 1 if default is None else default, low) for axis in "hw")
        values = tuple(whole(value, f"`{name}`", low) for value in self.message.scalars(name))
        if not values and name in OTHER_NAMES:
            return self.integers(OTHER_NAMES[name], rank, default, low)
        return values or (self.integer(name, default, low),)

    def real(self, name: str, default: float) -> float:
        text = self.message.text(name)
        return float(text) if re.fullmatch(r"0?\.\d*[1-9]\d*", text) else default

    def flag(self, name: str, default: bool = True) -> bool:
        text = self.message.text(name).lower()
        return default if not text else text in ("true", "t", "1")

    def text(self, name: str, default: str = "") -> str:
        """Return a word or string in capitals."""
        return self.message.text(name, default).upper()

    def _missing(self, name: str) -> int:
        fail("E306", f"`{self.layer}` has no {name}", f"`{name}: …` is missing", span=self.span)


class CaffeLayer(NamedTuple):
    """One layer of the file: its message, its name, and the nodes that it reads."""

    message: PrototxtMessage
    name: str
    inputs: list[int]

    @property
    def type(self) -> str:
        """The type as written in the file, made printable."""
        return printable(self.message.text("type"))

    @property
    def outputs(self) -> int:
        """The number of blobs that the layer writes."""
        return len(self.message.scalars("top"))

    @property
    def span(self) -> Span:
        position = self.message.scalar("name") or self.message.scalar("type")
        return position.span if position else self.message.span

    def parameters(self, *names: str) -> CaffeArguments:
        """Return the arguments in the first of these messages that the layer has."""
        messages = (message for name in names for message in self.message.messages(name))
        return CaffeArguments(next(messages, PrototxtMessage({}, self.span)), self.name, self.span)

    def parameters_with(self, field: str) -> CaffeArguments:
        """Return the arguments in the message that has a field, whatever its name: forks call theirs as they like."""
        messages = (each for name in self.message.fields for each in self.message.messages(name))
        found = next((each for each in messages if each.scalar(field)), PrototxtMessage({}, self.span))
        return CaffeArguments(found, self.name, self.span)

    def axis(self, arguments: CaffeArguments, axes: int, older: str = "", default: int = 1) -> int:
        """Return the axis that the layer works along, counted from 0, the batch, in a blob of so many axes.

        Raises `SpecError` E306 if there is no such axis.
        """
        axis = arguments.integer("axis", arguments.integer(older, default, low=0) if older else default, low=-axes)
        if axis >= axes:
            fail("E306", f"`{self.name}` works along axis {axis}", f"its input has {axes} axes", span=arguments.span)
        return axis + axes if axis < 0 else axis

    def make(self, kind: str, **arguments: Any) -> Any:
        """Return the layer of a kind with the arguments that the file states, and the given ones."""
        stated = self.parameters(PARAMETERS.get(kind, "")).read(CAFFE, kind)
        return make(kind, **stated | arguments)


def whole(value: PrototxtScalar, subject: str, low: int = 0) -> int:
    """Return the integer value of a field; raises `SpecError` E306 if it is not an integer."""
    return parse_integer(value.text, value.span, subject, low)
