"""The shapes that an ONNX file states, with numbers or letters for its symbolic dimensions and a batch of 1."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, NoReturn

from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.onnx.batch import InputAxes, input_axes
from cnncalc.readers.onnx.model import MAX_RANK, Dimension, ModelDef, ValueDef
from cnncalc.readers.shape_inference import Dims, text
from cnncalc.shape import Size

#: The letters of sizes that have no symbol, by the number of spatial axes.
LETTERS = {1: "L", 2: "HW", 3: "DHW"}

#: Formulas take a hundred times as long as numbers: the most nodes of a file with sizes in letters.
MAX_NODES_IN_LETTERS = 10_000

#: The most characters of a letter.
MAX_LETTER = 40


class StatedShapes:
    """The shapes of a model's inputs and of the tensors between its nodes."""

    def __init__(self, model: ModelDef, options: ReadOptions, batched: bool = True) -> None:
        """Take the shapes of a model; without `batched`, a first axis of a fixed size is no batch.

        Raises `SpecError` E309 for a size of a dimension that the model does not have.
        """
        self.model, self.options = model, options
        self.letters = options.letters and len(model.nodes) <= MAX_NODES_IN_LETTERS
        self.axes = input_axes(model)
        if not batched:
            self.axes = {
                value.name: self.axes[value.name]._replace(batch=None)
                if value.dims and isinstance(value.dims[0], int) and value.dims[0] > 1
                else self.axes[value.name]
                for value in model.inputs
                if value.dims is not None
            }
        #: The batch that the file fixes: reshapes to it mean ours of 1.
        self.batch = 1
        self._batch_symbols = {
            value.dims[axes.batch]
            for value in model.inputs
            if value.dims and (axes := self.axes[value.name]).batch is not None
        }
        #: The sizes of symbols: given, or letters.
        self._sizes: dict[str, Size] = dict(self._given())
        self._taken: set[str] = {size for value in model.inputs for size in value.dims or () if isinstance(size, str)}

    def _given(self) -> Iterator[tuple[str, int]]:
        """Yield the symbols whose sizes are given, with those; a single letter is found in either case."""
        symbols = list(dict.fromkeys(s for value in self.model.inputs for s in value.dims or () if isinstance(s, str)))
        plain = {_plain(symbol): symbol for symbol in symbols}
        for name, size in self.options.dims.items():
            symbol = name if name in symbols else plain.get(name, plain.get(name.lower() if len(name) == 1 else name))
            if symbol is None and self._names_open_size(name):
                yield name, size
                continue
            if symbol is None:
                names = ", ".join(f"`{each[:80]}`" for each in sorted(symbols)) or "none"
                fact = f"symbolic dimensions of its inputs: {names}"
                fail("E309", f"the model has no dimension `{name[:80]}`", fact)
            if symbol in self._batch_symbols and size != 1:
                fact = f"`{symbol}` is the batch, and shapes here are of one sample"
                message = f"`--dim {symbol}={size}` is no size of the model"
                fail("E309", message, fact, help=f"use `--batch {size}`")
            yield symbol, size

    def _names_open_size(self, name: str) -> bool:
        """Return whether a name is the letter of a size that has no symbol."""
        return self.letters and any(
            letter == name
            for value in self.model.inputs
            for axis, size in enumerate(value.dims or ())
            if size is None and axis != self.axes[value.name].batch
            for letter in (self._letter_of_axis(value, axis),)
        )

    def of_input(self, value: ValueDef, dims: Sequence[Dimension], first: bool) -> tuple[Dims, int]:
        """Return the dimensions of an input, and its channel axis; `--input` overrides those of the first.

        Raises `SpecError` E308 if a size is open, E309 if an option does not fit, E302 if a size is impossible.
        """
        axes = self.axes[value.name]
        sizes = [self._size(size) for size in dims]
        if axes.batch is not None:
            fixed = sizes[axes.batch]
            self.batch = fixed if isinstance(fixed, int) and fixed > 1 else self.batch
            sizes[axes.batch] = 1
        if first and self.options.input is not None:
            sizes = self._overridden(dims, sizes, axes, self.options.input)
        open_axes = [axis for axis, size in enumerate(sizes) if size is None]
        if open_axes and not self.letters:
            _fail_open(value, dims, axes, [dims[axis] for axis in open_axes])
        for axis in open_axes:
            sizes[axis] = self._letter(value, axis)
        if len(sizes) > MAX_RANK or any(isinstance(size, int) and size < 1 for size in sizes):
            fail("E302", f"the input `{value.name[:80]}` has no valid shape", text(tuple(sizes)))
        return tuple(sizes), axes.channel

    def of_tensor(self, name: str) -> Dims | None:
        """Return the shape that the file states for a tensor, or None if any size is open."""
        stated = self.model.stated.get(name)
        if stated is None:
            return None
        sizes = [self._size(size) for size in stated]
        if len(sizes) > 1 and (sizes[0] is None or sizes[0] == self.batch):
            sizes[0] = 1
        known = tuple(size for size in sizes if size is not None)
        sound = all(not isinstance(size, int) or size > 0 for size in known)
        return known if len(known) == len(sizes) <= MAX_RANK and sound else None

    def of_constant(self, name: str) -> Dims | None:
        """Return the shape that the file states for a tensor that does not depend on the input: it has no batch."""
        stated = self.model.stated.get(name, (None,))
        known = tuple(size for size in stated if isinstance(size, int))
        return known if len(known) == len(stated) <= MAX_RANK else None

    def _size(self, stated: Dimension) -> Size | None:
        """Return the size of a dimension, the batch being 1, or None if it is open."""
        if isinstance(stated, str):
            return 1 if stated in self._batch_symbols else self._sizes.get(stated)
        return stated

    def _letter(self, value: ValueDef, axis: int) -> Size:
        """Return the letter of an open size: that of its symbol, or else of its axis."""
        from cnncalc.symbols import symbol  # few files need it

        stated = (value.dims or ())[axis]
        if isinstance(stated, str):
            if stated not in self._sizes:
                self._sizes[stated] = symbol(_plain(stated))
            return self._sizes[stated]
        name = self._letter_of_axis(value, axis)
        if name not in self._sizes:
            self._sizes[name] = symbol(name)
        return self._sizes[name]

    def _letter_of_axis(self, value: ValueDef, axis: int) -> str:
        """Return the letter of an axis whose size has no symbol; a further input's has its number behind it."""
        axes, dims = self.axes[value.name], value.dims or ()
        spatial = [each for each in range(len(dims)) if each not in axes]
        letters = LETTERS.get(len(spatial), "")
        name = "C" if axis == axes.channel else letters[spatial.index(axis)] if letters else f"S{axis}"
        number = [each.name for each in self.model.inputs].index(value.name) + 1
        name += str(number) if number > 1 else ""
        while name in self.symbols:
            name += "_"
        return name

    @property
    def symbols(self) -> set[str]:
        """The symbols of the inputs, as letters."""
        return {_plain(size) for value in self.model.inputs for size in value.dims or () if isinstance(size, str)}

    def _overridden(
        self, stated: Sequence[Dimension], sizes: list[Any], axes: InputAxes, given: tuple[Any, ...]
    ) -> list[Any]:
        """Return the sizes of the first input given by `--input`, channels last, in the file's order."""
        inner = [axis for axis in range(len(sizes)) if axis not in axes]
        if len(given) != len(sizes) - (axes.batch is not None):
            batch = ", the batch included" if axes.batch is not None else ""
            fact = f"the file's first input has {len(sizes)} axes{batch}"
            fail("E309", f"`--input {text(given)}` does not fit the model", fact)
        to = dict(zip([*inner, axes.channel] if axes.channel != axes.batch else inner, given, strict=True))
        fixed = stated[axes.channel]
        if isinstance(fixed, int) and fixed != to[axes.channel] and len(sizes) > 2:
            fact = f"the file fixes {fixed} channels, not {to[axes.channel]}"
            fail("E309", f"`--input {text(given)}` does not fit the model", fact)
        for axis, size in to.items():
            symbol = stated[axis]
            if isinstance(symbol, str):
                if self._sizes.setdefault(symbol, size) != size and symbol not in self.options.dims:
                    fact = f"`{symbol[:80]}` is both {self._sizes[symbol]} and {size}: it is one size in the file"
                    fail("E309", f"`--input {text(given)}` does not fit the model", fact)
                self._sizes[symbol] = size
        return [to.get(axis, size) for axis, size in enumerate(sizes)]


def _plain(symbol: str) -> str:
    """Return a symbol as a letter of formulas: letters, digits and `_`."""
    name = re.sub(r"\W+", "_", symbol).strip("_")[:MAX_LETTER]
    return name if name[:1].isalpha() else f"size_{name}" if name else "size"


def _fail_open(value: ValueDef, dims: Sequence[Dimension], axes: InputAxes, open_dims: Sequence[Dimension]) -> NoReturn:
    """Raise `SpecError` E308 for an input with open sizes, with the options that give them."""
    inner = [size if isinstance(size, int) else 224 for axis, size in enumerate(dims) if axis not in axes]
    channels = dims[axes.channel]
    example = text((*inner, channels if isinstance(channels, int) else 3))
    names = [f"--dim {name}=N" for name in dict.fromkeys(open_dims) if isinstance(name, str) and name != "?"]
    shown = "x".join("?" if each is None else str(each) for each in dims)
    complete = len(names) == len(set(open_dims))
    help = f"add `--input {example}`{', or `' + ' '.join(names) + '`' if names and complete else ''}"
    fail("E308", f"the file leaves the size of `{value.name[:80]}` open", f"its shape is {shown}", help=help)
