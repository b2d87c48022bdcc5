"""From a framework's tensors to rows: what the readers of files with a layout of their own share.

A `Tensor` has its dimensions in the framework's order, batch included. Which of these are the channels is followed
through transposes and reshapes, so that `NxCxHxW` and `NxHxWxC` both are one sample of `HxWxC`; a transpose that
only turns the one into the other has no row. The batch is 1.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from math import prod
from typing import Any, Generic, NamedTuple, TypeVar

from cnncalc.diagnostics import Problems
from cnncalc.graph import MAX_LAYERS, GraphBuilder, StoredWeights
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.layers import REGISTRY, Layer
from cnncalc.layers.base import FieldStep
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import UniqueNames, plain, refuse
from cnncalc.readers import shape_inference as sizes
from cnncalc.readers.shape_inference import Dims, MisfitError
from cnncalc.shape import Padding, Shape

#: A node of the framework's graph.
N = TypeVar("N")

#: One field of a layer is below this.
LIMIT = 10**9


class UnknowableError(ValueError):
    """An operator whose result cannot be told: it becomes a row marked unknown."""


class Tensor(NamedTuple):
    """What a node of our graph gives: its dimensions in the framework's order, and which axis the channels are.

    Without `dims` nobody knows the shape, since an unknown operator came before.
    """

    node: int
    dims: Dims | None
    channel: int = 1

    @property
    def known(self) -> Dims:
        """The dimensions; raises `UnknowableError` where nobody knows them."""
        if self.dims is None:
            raise UnknowableError
        return self.dims

    @property
    def space(self) -> tuple[int, ...]:
        """The axes of space, in order."""
        return tuple(axis for axis in range(1, len(self.known)) if axis != self.channel)

    @property
    def whole(self) -> bool:
        """Whether it is one sample: the batch has its axis, of size 1."""
        return len(self.known) > 1 and self.known[0] == 1


def shape_of(dims: Dims, channel: int) -> Shape:
    """One sample's shape, channels last: the axes in order but the batch (an axis of 1 in front) and the channels."""
    if len(dims) < 2:
        return Shape((), dims[0] if dims else 1)
    axes = range(1 if dims[0] == 1 else 0, len(dims))
    channel = channel if channel in axes else len(dims) - 1
    return Shape(tuple(dims[axis] for axis in axes if axis != channel), dims[channel])


def channel_after(before: Dims, after: Dims, channel: int) -> int:
    """Where the channels are behind a reshape: where as many elements stand before and behind an axis of their size.

    Channels that are split or joined while space behind them stays are the axis in front of it. A vector that becomes
    a feature map has them in front, as the frameworks whose files have no layout do; else they are the last axis.
    """
    if len(before) == 2 and len(after) >= 4:
        return 1
    if channel < len(before):
        outer, inner = prod(before[:channel]), prod(before[channel + 1 :])
        for axis, size in enumerate(after):
            if size == before[channel] and prod(after[:axis]) == outer and prod(after[axis + 1 :]) == inner and axis:
                return axis
    kept = 0
    while kept < min(len(after) - 2, len(before) - channel - 1) and before[-1 - kept] == after[-1 - kept]:
        kept += 1
    return max(len(after) - 1 - kept, 0)


def _around(module: str) -> Iterator[str]:
    """The modules around a module, from the innermost: `layer1.0.conv1` is in `layer1.0` and `layer1`."""
    while module:
        module = module.rpartition(".")[0]
        yield module


class Labels:
    """UniqueNames for our nodes out of a framework's modules, `layer1.0.conv1`.

    An operator goes by its module where it is the only one in it, or the only one that leads (a convolution leads
    over the padding in front of it); all else is numbered in its module, `layer1.0.add1`.
    """

    def __init__(self, operators: Iterable[tuple[str, bool]]) -> None:
        """`operators` are the modules of all operators, and whether each leads."""
        self.names = UniqueNames()
        found = list(operators)
        self._all = Counter(module for module, _ in found)
        self._leading = Counter(module for module, leads in found if leads)
        self._containers = {outer for module in self._all for outer in _around(module) if outer in self._all}

    def of(self, module: str, leads: bool) -> tuple[str | None, str]:
        """The name of an operator in a module, or None where it is numbered, and its scope with a dot behind it."""
        if not module:
            return None, ""
        alone = self._all[module] == 1 or (leads and self._leading[module] == 1)
        if alone and module not in self._containers:
            return self.names(module), ""
        return None, f"{module}."


class Importer(Generic[N]):
    """The builder, and the rows that a framework's nodes become. The subclass says how a node is called."""

    def __init__(self) -> None:
        self.problems = Problems()
        self.builder = GraphBuilder(self.problems)

    def label(self, node: N) -> tuple[str | None, str]:
        """The node's own name, or None for the next number of its kind, and its scope with a dot behind it."""
        raise NotImplementedError

    def operator(self, node: N) -> str:
        """What the framework calls the node's operator."""
        raise NotImplementedError

    # -- rows --------------------------------------------------------------------------------------------

    def add(self, node: N, layer: Layer, inputs: Sequence[Tensor], stored: StoredWeights | None = None) -> int:
        """The index of a new node of our graph; what it stores is kept only where its rule says otherwise."""
        if len(self.builder.nodes) >= MAX_LAYERS:
            refuse("E303", "the model is too large", f"it has over {MAX_LAYERS:,} layers")
        name, scope = self.label(node)
        index = self.builder.add(layer, tuple(each.node for each in inputs), name=name, scope=scope, stored=stored)
        if index != NO_NODE and stored is not None and inputs:
            added = self.builder.nodes[index]
            x = added.input_shapes[0]
            if stored == (added.layer.weights(x) + added.layer.biases(x), added.layer.buffers(x)):
                self.builder.nodes[index] = added._replace(stored=None)
        return index

    def layer(self, node: N, word: str, x: Tensor, stored: StoredWeights | None = None, **values: Any) -> Tensor:
        """A layer on the sample's spatial axes: the size of its output by its own rule."""
        x = self.turned(node, x, 1)
        dims, layer = x.known, REGISTRY[word](word, **values)
        if not x.whole and len(dims) > 1:
            return self._batched(node, layer, x, stored)
        index = self.add(node, layer, (x,), stored)
        if index == NO_NODE:
            return Tensor(NO_NODE, None)
        shape = self.builder.nodes[index].shape
        return Tensor(index, (1, shape.channels, *shape.spatial))

    def _batched(self, node: N, layer: Layer, x: Tensor, stored: StoredWeights | None) -> Tensor:
        """A layer on parts of a sample that stand in the batch's place: as often as there are parts."""
        parts, channels, *spatial = x.known
        inner = Shape(tuple(spatial), channels)
        fitted = layer.resolve(inner)
        shape = fitted.infer((inner,))
        stored = stored or StoredWeights(fitted.weights(inner) + fitted.biases(inner), fitted.buffers(inner))
        macs = parts * fitted.multiply_adds(inner, shape)
        return self.foreign(node, (parts, shape.channels, *shape.spatial), [x], 1, macs=macs, stored=stored)

    def same(self, node: N, word: str, x: Tensor, stored: StoredWeights | None = None, **values: Any) -> Tensor:
        """A layer that keeps the shape, whichever axis its channels are."""
        return Tensor(self.add(node, REGISTRY[word](word, **values), (x,), stored), x.dims, x.channel)

    def foreign(
        self,
        node: N,
        dims: Dims | None,
        inputs: Sequence[Tensor],
        channel: int | None = None,
        stored: StoredWeights | None = None,
        **values: Any,
    ) -> Tensor:
        """A row for an operator without a word. Its channels are those of its first input, unless told."""
        if channel is None:
            first = inputs[0] if inputs else Tensor(0, None)
            channel = first.channel if first.dims and dims and len(first.dims) == len(dims) else len(dims or ()) - 1
        shape = shape_of(dims, channel) if dims is not None else None
        operator = plain(self.operator(node)) or "?"
        index = self.add(node, OpaqueOp(operator, shape, **values), inputs, stored)
        return Tensor(index, dims if shape and shape.elements else None, channel)

    def plain(self, node: N, inputs: Sequence[Tensor], dims: Dims, stored: StoredWeights | None = None) -> Tensor:
        """A row by the operator's name: each output element from the input elements at its place."""
        first = next((each for each in inputs if each.dims == dims), inputs[0])
        channel = first.channel if len(first.dims or ()) == len(dims) else len(dims) - 1
        stored = None if stored == StoredWeights() else stored
        return self.foreign(node, dims, inputs, channel, stored, local=True, memory="in place")

    def merged(self, node: N, word: str, tensors: Sequence[Tensor], dims: Dims) -> Tensor | None:
        """`add` or `mul` of tensors of one rank and layout; None where they are not such."""
        first = tensors[0]
        alike = all(len(each.known) == len(first.known) and each.channel == first.channel for each in tensors)
        if not alike or not all(each.whole for each in tensors):
            return None
        return Tensor(self.add(node, REGISTRY[word](word), tensors), dims, first.channel)

    # -- the same elements in another shape ----------------------------------------------------------------

    def turned(self, node: N, x: Tensor, channel: int) -> Tensor:
        """The tensor with another axis as its channels: what it held as space, or the other way round."""
        dims = x.known
        if x.channel == channel or shape_of(dims, channel) == shape_of(dims, x.channel):
            return x._replace(channel=channel)
        layer = OpaqueOp("Transpose", shape_of(dims, channel), memory="alias")
        _, scope = self.label(node)
        return Tensor(self.builder.add(layer, (x.node,), scope=scope, implicit=True), dims, channel)

    def transposed(self, node: N, x: Tensor, order: Sequence[int]) -> Tensor:
        """The axes in another order: no row where only the channels change their place."""
        before = x.known
        after = sizes.transpose(before, order)
        channel = order.index(x.channel) if x.channel in order else len(order) - 1
        space = [axis for axis in order if axis != x.channel and before[axis] != 1]
        if space == sorted(space) and shape_of(after, channel) == shape_of(before, x.channel):
            return Tensor(x.node, after, channel)
        return self.foreign(node, after, [x], channel)

    def reshaped(self, node: N, x: Tensor, dims: Dims, channel: int | None = None) -> Tensor:
        """The tensor's elements in order as other dimensions: no row where the sample's shape stays."""
        channel = channel_after(x.known, dims, x.channel) if channel is None else channel
        before, after = shape_of(x.known, x.channel), shape_of(dims, channel)
        if before == after:
            return Tensor(x.node, dims, channel)
        if not after.spatial and before.elements == after.channels:
            return Tensor(self.add(node, REGISTRY["flatten"]("flatten"), (x,)), dims, channel)
        if 0 in after.dims:
            raise UnknowableError
        return Tensor(self.add(node, REGISTRY["reshape"]("reshape", shape=after.dims), (x,)), dims, channel)

    # -- parts, and together -------------------------------------------------------------------------------

    def taken(self, node: N, x: Tensor, taken: Sequence[range]) -> Tensor:
        """Part of a tensor: channels in a row are a `slice`, ends of space cut off a `crop`, all else its own row."""
        before, after = x.known, tuple(map(len, taken))
        changed = [axis for axis, each in enumerate(taken) if each != range(before[axis])]
        if not changed:
            return x
        if 0 in after:
            raise MisfitError("nothing is left of its input")
        plain = x.whole and all(taken[axis].step == 1 for axis in changed)
        if plain and changed == [x.channel]:
            part = taken[x.channel]
            layer = REGISTRY["slice"]("slice", channels=(part.start, part.stop))
            return Tensor(self.add(node, layer, (x,)), after, x.channel)
        if plain and set(changed) <= set(x.space) and len(x.space) <= 3:
            ends = tuple((taken[axis].start, before[axis] - taken[axis].stop) for axis in x.space)
            layer = REGISTRY["crop"]("crop", amount=Padding("explicit", ends))
            return Tensor(self.add(node, layer, (x,)), after, x.channel)
        reach = tuple(FieldStep(0, -taken[axis].start, abs(taken[axis].step)) for axis in x.space) if x.whole else None
        return self.foreign(node, after, [x], x.channel, window=reach)

    def split(self, node: N, x: Tensor, axis: int, parts: Sequence[int]) -> list[Tensor]:
        """The parts of an axis, each taken by itself."""
        found, start = [], 0
        for part in parts:
            taken = [range(size) for size in x.known]
            taken[axis] = range(start, start + part)
            found.append(self.taken(node, x, taken))
            start += part
        return found

    def joined(
        self, node: N, tensors: Sequence[Tensor], after: Dims, axis: int, stored: StoredWeights | None = None
    ) -> Tensor:
        """Tensors one behind the other; with `stored`, constants are among them."""
        channel = tensors[0].channel
        alike = stored is None and len({each.channel for each in tensors}) == 1
        if alike and axis == channel and after[0] == 1 and len(after) > 1:
            return Tensor(self.add(node, REGISTRY["concat"]("concat"), tensors), after, channel)
        return self.foreign(node, after, tensors, channel, stored)

    # -- space -------------------------------------------------------------------------------------------

    def padded(self, node: N, x: Tensor, ends: dict[int, tuple[int, int]]) -> Tensor:
        """Elements added at both ends of axes."""
        changed = {axis for axis, each in ends.items() if any(each)}
        if not changed:
            return x
        after = tuple(size + sum(ends.get(axis, (0, 0))) for axis, size in enumerate(x.known))
        if min(after) < 1:
            raise MisfitError("nothing is left of its input")
        amounts = tuple(ends.get(axis, (0, 0)) for axis in x.space)
        limited = all(0 <= amount < LIMIT for each in amounts for amount in each)
        if changed <= set(x.space) and x.whole and limited and len(x.space) <= 3:
            layer = REGISTRY["pad"]("pad", amount=Padding("explicit", amounts))
            return Tensor(self.add(node, layer, (x,)), after, x.channel)
        reach = tuple(FieldStep(0, begin, 1) for begin, _ in amounts)
        return self.foreign(node, after, [x], x.channel, window=reach)

    def resized(self, node: N, x: Tensor, after: Dims, mode: str | None) -> Tensor:
        """Space made larger or smaller; `mode` is a word of `upsample` where it is one."""
        before = x.known
        if after == before:
            return x
        if min(after) < 1:
            raise MisfitError("nothing is left of its input")
        if any(after[axis] != size for axis, size in enumerate(before) if axis not in x.space):
            return self.foreign(node, after, [x], x.channel)
        factors = tuple(after[axis] // before[axis] for axis in x.space)
        whole = all(after[axis] == before[axis] * factor for axis, factor in zip(x.space, factors, strict=True))
        if mode and whole and x.whole and len(x.space) <= 3:
            layer = REGISTRY["upsample"]("upsample", factor=factors, mode=mode)
            return Tensor(self.add(node, layer, (x,)), after, x.channel)
        from fractions import Fraction  # few files need it

        more = 0 if mode == "nearest" else 1
        reach = tuple(FieldStep(more, more, Fraction(before[axis], after[axis])) for axis in x.space)
        return self.foreign(node, after, [x], x.channel, window=reach)

    def reduced(self, node: N, x: Tensor, axes: tuple[int, ...], keep: bool, word: str | None = None) -> Tensor:
        """One number out of whole axes: over all of space by a word (gap, gmp), else a row by the operator's name."""
        dims = x.known
        kept = sizes.reduce(dims, axes, keep=True)
        if kept != dims and word and axes == x.space and x.whole:
            x = Tensor(self.same(node, word, x).node, kept, x.channel)
        elif kept != dims:
            x = self.foreign(node, kept, [x], x.channel, local=axes == (x.channel,))
        if keep:
            return x
        rest = [axis for axis in range(len(dims)) if axis not in axes]
        channel = rest.index(x.channel) if x.channel in rest else len(rest) - 1
        return self.reshaped(node, x, sizes.reduce(dims, axes, keep=False), channel)
