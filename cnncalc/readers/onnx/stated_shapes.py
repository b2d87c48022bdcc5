"""The shapes that an ONNX file states, with numbers for its symbolic dimensions and a batch of 1."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.onnx.model import MAX_RANK, Dimension, ModelDef, ValueDef
from cnncalc.readers.shape_inference import Dims, text

#: Operators that an input may pass on its way to the first layer.
PREPARING = ("Cast", "Identity", "Sub", "Div", "Mul", "Add", "QuantizeLinear")


class StatedShapes:
    """The shapes of a model's inputs and of the tensors between its nodes."""

    def __init__(self, model: ModelDef, options: ReadOptions) -> None:
        """Take the shapes of a model; raises `SpecError` E309 for a size of a dimension that it does not have."""
        self.model, self.options = model, options
        #: The batch that the file fixes: reshapes to it mean ours of 1.
        self.batch = 1
        stated = [size for value in model.inputs for size in value.dims or ()]
        symbols = {size for size in stated if isinstance(size, str)}
        absent = [name for name in options.dims if name not in symbols]
        if absent:
            names = ", ".join(f"`{name[:80]}`" for name in sorted(symbols)) or "none"
            fail(
                "E309", f"the model has no dimension `{absent[0][:80]}`", f"symbolic dimensions of its inputs: {names}"
            )

    def of_input(self, value: ValueDef, dims: Sequence[Dimension], first: bool) -> tuple[Dims, int]:
        """Return the dimensions of an input, and its channel axis; `--input` overrides those of the first.

        Raises `SpecError` E308 if a size is open, E309 if an option does not fit, E302 if a size is impossible.
        """
        sizes = self._resolved(dims, batch=True)
        channel = self._channel(value.name, len(sizes))
        if first and self.options.input is not None:
            sizes = _overridden(dims, sizes, channel, self.options.input)
        open_dims = [stated for size, stated in zip(sizes, dims, strict=True) if size is None]
        if open_dims:
            _fail_open(value, dims, open_dims)
        known = tuple(size for size in sizes if size is not None)
        if len(known) > MAX_RANK or any(size < 1 for size in known):
            fail("E302", f"the input `{value.name[:80]}` has no valid shape", text(known))
        return known, channel

    def of_tensor(self, name: str) -> Dims | None:
        """Return the shape that the file states for a tensor, or None if any size is open."""
        stated = self.model.stated.get(name)
        if stated is None:
            return None
        sizes = self._resolved(stated, batch=False)
        if len(sizes) > 1 and (sizes[0] is None or sizes[0] == self.batch):
            sizes[0] = 1
        known = tuple(size for size in sizes if size is not None)
        return known if len(known) == len(sizes) <= MAX_RANK and all(size > 0 for size in known) else None

    def of_constant(self, name: str) -> Dims | None:
        """Return the shape that the file states for a tensor that does not depend on the input: it has no batch."""
        stated = self.model.stated.get(name, (None,))
        known = tuple(size for size in stated if isinstance(size, int))
        return known if len(known) == len(stated) <= MAX_RANK else None

    def _resolved(self, dims: Sequence[Dimension], batch: bool) -> list[int | None]:
        """Return the sizes, with numbers for symbols; with `batch`, the first of several is the batch and becomes 1."""
        sizes: list[int | None] = []
        for axis, stated in enumerate(dims):
            size = self.options.dims.get(stated) if isinstance(stated, str) else stated
            if batch and axis == 0 and len(dims) > 1:
                if isinstance(stated, str) and size not in (None, 1):
                    fact = f"`{stated}` is the batch, and shapes here are of one sample"
                    message = f"`--dim {stated}={size}` is no size of the model"
                    fail("E309", message, fact, help=f"use `--batch {size}`")
                self.batch = size if isinstance(size, int) and size > 1 else self.batch
                size = 1
            sizes.append(size)
        return sizes

    def _channel(self, name: str, rank: int) -> int:
        """Return the channel axis of an input: the second, or the last if it is transposed before the first layer."""
        for node in self.model.nodes:
            if name in node.inputs:
                if node.operator == "Transpose":
                    order = node.integers("perm")
                    if order is not None and len(order) == rank and order[0] == 0 and 0 <= order[1] < rank:
                        return order[1]
                elif node.operator in PREPARING and node.outputs:
                    name = node.outputs[0]
                    continue
                break
        return 1


def _overridden(
    stated: Sequence[Dimension], sizes: Sequence[int | None], channel: int, given: tuple[int, ...]
) -> list[int | None]:
    """Return the sizes of the first input given by `--input`, channels last, in the file's order."""
    rank, (*spatial, channels) = len(sizes), given
    if len(given) + 1 != rank:
        fact = f"the file's first input has {rank} axes, the batch included"
        fail("E309", f"`--input {text(given)}` does not fit the model", fact)
    fixed = stated[channel]
    if isinstance(fixed, int) and fixed != channels and rank > 2:
        fact = f"the file fixes {fixed} channels, not {channels}"
        fail("E309", f"`--input {text(given)}` does not fit the model", fact)
    rest = iter(spatial)
    return [size if axis == 0 else channels if axis == channel else next(rest) for axis, size in enumerate(sizes)]


def _fail_open(value: ValueDef, dims: Sequence[Dimension], open_dims: Sequence[Dimension]) -> NoReturn:
    """Raise `SpecError` E308 for an input with open sizes, with the options that give them."""
    names = [f"--dim {name}=N" for name in dict.fromkeys(open_dims) if isinstance(name, str) and name != "?"]
    shown = "x".join("?" if each is None else str(each) for each in dims)
    complete = len(names) == len(set(open_dims))
    help = f"add `--input HxWxC`{', or `' + ' '.join(names) + '`' if names and complete else ''}"
    fail("E308", f"the file leaves the size of `{value.name[:80]}` open", f"its shape is {shown}", help=help)
