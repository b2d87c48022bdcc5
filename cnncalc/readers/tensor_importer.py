"""Conversion of a framework's tensors to layers, shared by the readers of graphs whose tensors have their own layout.

A `Tensor` has its dimensions in the framework's order, batch included. The channel axis is tracked
through transposes and reshapes, so that `NxCxHxW` and `NxHxWxC` both are one sample of `HxWxC`; a transpose that
only converts between the two has no row. The batch is 1.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Generic, TypeVar

from cnncalc.diagnostics import Origin
from cnncalc.graph import MAX_LAYERS, Graph, StoredWeights, weights_of
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.layers import Layer
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.taps import LinearTaps, NearestTaps, WindowTaps
from cnncalc.readers import shape_inference
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, make, printable
from cnncalc.readers.module_names import ModuleNames
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, Taken
from cnncalc.readers.tensors import CannotInferError, Tensor, channel_after, sample_shape
from cnncalc.readers.weights import ConstantTensor, StoredTensor, WeightStore
from cnncalc.shape import Padding, Shape, Size

#: A node of the framework's graph.
FrameworkNode = TypeVar("FrameworkNode")


def _factor(before: Size, after: Size) -> int | None:
    """Return the whole number that `after` is of `before`, or None if there is none for all letters."""
    if isinstance(before, int) and isinstance(after, int):
        return after // before if before and after % before == 0 else None
    try:
        factor = shape_inference.quotient(after, before)
    except TypeError:
        return None
    return factor if isinstance(factor, int) else None


def output_and_macs(layer: Layer, x: Shape) -> tuple[Shape, Any]:
    """Return the output's shape and the multiply-adds of a layer that is not itself part of the graph."""
    resolved = layer.resolve(x)
    shape = resolved.infer((x,))
    return shape, resolved.multiply_adds(x, shape)


class TensorImporter(Importer, Generic[FrameworkNode, StoredTensor]):
    """Builds the graph of a framework's nodes, whose tensors have their own layout.

    The methods that take a `node` add a layer for it and return its output. An operator without a layer of
    the language is an `OpaqueOp` with the output's shape.
    """

    #: Whether the model says which weights are the same; else equal ones may be stored once.
    names_weights = False

    def __init__(self, operators: Iterable[tuple[str, bool]]) -> None:
        """Start an empty graph; `operators` are those that `ModuleNames` takes."""
        super().__init__()
        self.module_names = ModuleNames(operators)
        self.names = self.module_names.names
        self.weights: WeightStore[StoredTensor] = WeightStore()

    def name_of(self, node: FrameworkNode) -> tuple[str | None, str]:
        """Return the node's name, or None if it is to be numbered by kind, and its scope with a trailing dot."""
        raise NotImplementedError

    def count_weights(self, *values: Any) -> StoredWeights:
        """Count the weights of these values that no earlier node has counted."""
        raise NotImplementedError

    def operator_of(self, node: FrameworkNode) -> str:
        """Return the framework's name of the node's operator."""
        raise NotImplementedError

    def is_frozen(self, node: FrameworkNode) -> bool:
        """Return whether the node has parameters, and training changes none of them."""
        return False

    def origin_of(self, node: FrameworkNode) -> Origin | None:
        """Return the place of the node in a file that is text."""
        return None

    def finish(self, outputs: Iterable[Tensor | ConstantTensor | None], name: str) -> Graph:
        """Return the graph with these outputs; raises `SpecError` with all collected errors."""
        nodes = sorted({each.node for each in outputs if isinstance(each, Tensor) and each.node >= 0})
        graph = self.builder.build(nodes[-1] if nodes else 0, name)
        return graph._replace(outputs=tuple(nodes)) if nodes else graph

    # -- layers ------------------------------------------------------------------------------------------

    def add_input(self, dims: Dims, channel: int, name: str) -> Tensor:
        """Add an input of the network and return its tensor."""
        channel = min(channel, max(len(dims) - 1, 0))
        sizes = sample_shape(dims, channel).dims
        # A size that is a formula is a letter here.
        layer = make("input", shape=tuple(size if isinstance(size, int) else str(size) for size in sizes))
        return Tensor(self.builder.add(layer, (), name=self.names(name)), dims, channel)

    def constant_row(self, dims: Dims, scope: str, stored: StoredWeights) -> Tensor:
        """Add a constant as a row of its own, from which an operator goes on as from an input."""
        channel = min(1, max(len(dims) - 1, 0))
        layer = OpaqueOp("Constant", sample_shape(dims, channel))
        return Tensor(self.builder.add(layer, (), scope=scope, stored=stored), dims, channel)

    def add_layer(
        self, node: FrameworkNode, layer: Layer, inputs: Sequence[Tensor], stored: StoredWeights | None = None
    ) -> int:
        """Add a layer and return its index; `stored` is kept only if it differs from the layer's own rule."""
        if len(self.builder.nodes) >= MAX_LAYERS:
            fail("E303", "the model is too large", f"it has over {MAX_LAYERS:,} layers")
        if self.is_frozen(node) and "trainable" in layer.arguments:
            layer = layer.replace(trainable=False)
        name, scope = self.name_of(node)
        nodes = tuple(each.node for each in inputs)
        index = self.builder.add(layer, nodes, self.origin_of(node), name, scope, stored=stored)
        if index != NO_NODE and stored is not None and inputs:
            added = self.builder.nodes[index]
            x = added.input_shapes[0]
            if stored == weights_of(added.layer, x):
                self.builder.nodes[index] = added._replace(stored=None)
            first = self.weights.first_node(index)
            # A file may store once what several layers have alike by chance: vectors of zeros and ones.
            meant = self.names_weights or added.layer.multiply_adds(x, added.shape)
            if stored == StoredWeights() and meant and first != index:
                self.builder.share(index, first)
        return index

    def layer(
        self, node: FrameworkNode, kind: str, x: Tensor, stored: StoredWeights | None = None, **arguments: Any
    ) -> Tensor:
        """Add a layer on the spatial axes of a channels-first tensor, whose output size is by its own rule."""
        x = self.with_channels(node, x, 1)
        dims, layer = x.known_dims, make(kind, **arguments)
        if not x.is_sample and len(dims) > 1:
            return self._batched(node, layer, x, stored)
        index = self.add_layer(node, layer, (x,), stored)
        if index == NO_NODE:
            return Tensor(NO_NODE, None)
        shape = self.builder.nodes[index].shape
        return Tensor(index, (1, shape.channels, *shape.spatial))

    def _batched(self, node: FrameworkNode, layer: Layer, x: Tensor, stored: StoredWeights | None) -> Tensor:
        """Add a layer for parts of a sample that the batch axis counts: it runs once for each part."""
        parts, channels, *spatial = x.known_dims
        part = Shape(tuple(spatial), channels)
        stored = stored or weights_of(layer.resolve(part), part)
        shape, macs = output_and_macs(layer, part)
        return self.opaque(node, (parts, shape.channels, *shape.spatial), [x], 1, macs=parts * macs, stored=stored)

    def same_shape(
        self, node: FrameworkNode, kind: str, x: Tensor, stored: StoredWeights | None = None, **arguments: Any
    ) -> Tensor:
        """Add a layer that keeps the shape, with any channel axis."""
        return Tensor(self.add_layer(node, make(kind, **arguments), (x,), stored), x.dims, x.channel)

    def opaque(
        self,
        node: FrameworkNode,
        dims: Dims | None,
        inputs: Sequence[Tensor],
        channel: int | None = None,
        stored: StoredWeights | None = None,
        **properties: Any,
    ) -> Tensor:
        """Add an operator without a layer of the language; its channels default to those of its first input."""
        if channel is None:
            first = inputs[0] if inputs else Tensor(0, None)
            channel = first.channel if first.dims and dims and len(first.dims) == len(dims) else len(dims or ()) - 1
        shape = sample_shape(dims, channel) if dims is not None else None
        operator = printable(self.operator_of(node)) or "?"
        index = self.add_layer(node, OpaqueOp(operator, shape, **properties), inputs, stored)
        return Tensor(index, dims if shape and shape.elements else None, channel)

    def elementwise(
        self, node: FrameworkNode, inputs: Sequence[Tensor], dims: Dims, stored: StoredWeights | None = None
    ) -> Tensor:
        """Add an element-by-element operator without a layer of the language."""
        first = next((each for each in inputs if each.dims == dims), inputs[0])
        channel = first.channel if len(first.dims or ()) == len(dims) else len(dims) - 1
        stored = None if stored == StoredWeights() else stored
        return self.opaque(node, dims, inputs, channel, stored, local=True, memory="in place")

    def merge(self, node: FrameworkNode, kind: str, tensors: Sequence[Tensor], dims: Dims) -> Tensor | None:
        """Add an `add` or `mul` of tensors with one rank and layout; return None for other tensors."""
        first = tensors[0]
        alike = all(len(each.known_dims) == len(first.known_dims) and each.channel == first.channel for each in tensors)
        if not alike or not all(each.is_sample for each in tensors):
            return None
        index = self.add_layer(node, make(kind), tensors)
        if index != NO_NODE:
            # Formulas of sizes that have to be equal, which is a condition on the letters, are one: the shortest.
            shape = sample_shape(dims, first.channel)
            self.builder.nodes[index] = self.builder.nodes[index]._replace(shape=shape)
        return Tensor(index, dims, first.channel)

    def convolution(
        self,
        node: FrameworkNode,
        x: Tensor,
        weight: Dims,
        groups: int,
        stored: StoredWeights,
        **arguments: Any,
    ) -> Tensor:
        """Add a convolution by the dimensions of its weight: filters, channels per group, window."""
        filters, channels = weight[0], weight[1] * groups
        if groups == channels > 1 and filters % channels == 0:
            return self.layer(node, "dwconv", x, stored, multiplier=filters // channels, **arguments)
        return self.layer(node, "conv", x, stored, groups=groups, filters=filters, **arguments)

    def dense(self, node: FrameworkNode, x: Tensor, dims: Dims, stored: StoredWeights, *, bias: bool) -> Tensor:
        """Add a product with weights on the last axis: an fc on a vector, a 1x1 conv on a sample with positions."""
        last = len(x.known_dims) - 1
        x = self.with_channels(node, x, last)
        if last == 1:
            output = self.same_shape(node, "fc", x, stored, units=dims[-1], bias=bias)
        else:
            output = self.same_shape(node, "conv", x, stored, kernel=(1,), filters=dims[-1], bias=bias)
        return Tensor(output.node, dims, len(dims) - 1)

    def recurrent(
        self,
        node: FrameworkNode,
        kind: str,
        x: Tensor,
        batch: int,
        stored: StoredWeights,
        **arguments: Any,
    ) -> Tensor:
        """A recurrent layer on steps, a batch of one and channels; its output is channels last behind the batch."""
        dims = x.known_dims
        if len(dims) != 3 or dims[batch] != 1:
            raise CannotInferError
        if batch != 0:
            x = self.reshape(node, self.with_channels(node, x, 2), (1, dims[0], dims[2]), 2)
        x = self.with_channels(node, x, 2)
        index = self.add_layer(node, make(kind, **arguments), (x,), stored)
        if index == NO_NODE:
            return Tensor(NO_NODE, None)
        shape = self.builder.nodes[index].shape
        return Tensor(index, (1, *shape.dims), len(shape.dims))

    def last_states(self, node: FrameworkNode, states: Tensor, dims: Dims) -> Tensor:
        """The last state of each layer and direction, where that of all steps is read as well: part of the same."""
        _, scope = self.name_of(node)
        layer = OpaqueOp("LastState", sample_shape(dims, 2))
        return Tensor(self.builder.add(layer, (states.node,), scope=scope, implicit=True), dims, 2)

    # -- the same elements in another shape ----------------------------------------------------------------

    def with_channels(self, node: FrameworkNode, x: Tensor, channel: int) -> Tensor:
        """Return the tensor with another channel axis; add a transpose if that changes the sample's shape."""
        dims = x.known_dims
        if x.channel == channel or sample_shape(dims, channel) == sample_shape(dims, x.channel):
            return x._replace(channel=channel)
        layer = OpaqueOp("Transpose", sample_shape(dims, channel), memory="alias")
        _, scope = self.name_of(node)
        return Tensor(self.builder.add(layer, (x.node,), scope=scope, implicit=True), dims, channel)

    def transpose(self, node: FrameworkNode, x: Tensor, order: Sequence[int]) -> Tensor:
        """Add a transpose; there is no row if only the channels move."""
        before = x.known_dims
        after = shape_inference.transpose(before, order)
        channel = order.index(x.channel) if x.channel in order else len(order) - 1
        space = [axis for axis in order if axis != x.channel and before[axis] != 1]
        if space == sorted(space) and sample_shape(after, channel) == sample_shape(before, x.channel):
            return Tensor(x.node, after, channel)
        return self.opaque(node, after, [x], channel)

    def reshape(self, node: FrameworkNode, x: Tensor, dims: Dims, channel: int | None = None) -> Tensor:
        """Add a reshape in element order; there is no row if the sample's shape is unchanged."""
        channel = channel_after(x.known_dims, dims, x.channel) if channel is None else channel
        before, after = sample_shape(x.known_dims, x.channel), sample_shape(dims, channel)
        if after in (before, self.shape(x.node)):
            return Tensor(x.node, dims, channel)
        if not after.spatial and before.elements == after.channels:
            return Tensor(self.add_layer(node, make("flatten"), (x,)), dims, channel)
        if 0 in after.dims:
            raise CannotInferError
        return Tensor(self.add_layer(node, make("reshape", shape=after.dims), (x,)), dims, channel)

    # -- parts, and together -------------------------------------------------------------------------------

    def slice(self, node: FrameworkNode, x: Tensor, taken: Sequence[Taken]) -> Tensor:
        """Add a part of a tensor: a `slice` of adjacent channels, a `crop` of spatial ends, otherwise opaque."""
        before, after = x.known_dims, tuple(map(shape_inference.taken_size, taken))
        changed = [axis for axis, each in enumerate(taken) if each != shape_inference.all_of(before[axis])]
        if not changed:
            return x
        if 0 in after:
            raise ShapeMismatchError("nothing is left of its input")
        plain = x.is_sample and all(taken[axis].step == 1 for axis in changed)
        if plain and changed == [x.channel] and isinstance(taken[x.channel], range):
            part = taken[x.channel]
            layer = make("slice", channels=(part.start, part.stop))
            return Tensor(self.add_layer(node, layer, (x,)), after, x.channel)
        if plain and set(changed) <= set(x.spatial_axes) and len(x.spatial_axes) <= 3:
            ends = tuple((taken[axis].start, before[axis] - taken[axis].stop) for axis in x.spatial_axes)
            # Of a size in letters it is a crop if the number that goes is the same for all of them.
            if all(isinstance(amount, int) and amount >= 0 for each in ends for amount in each):
                layer = make("crop", amount=Padding("explicit", ends))
                return Tensor(self.add_layer(node, layer, (x,)), after, x.channel)
        reach = (
            tuple(WindowTaps(0, abs(taken[axis].step), -taken[axis].start) for axis in x.spatial_axes)
            if x.is_sample
            else None
        )
        return self.opaque(node, after, [x], x.channel, window=reach)

    def split(self, node: FrameworkNode, x: Tensor, axis: int, parts: Sequence[int]) -> list[Tensor]:
        """Add the parts of an axis, each as a slice, and return them."""
        slices, start = [], 0
        for part in parts:
            taken = [shape_inference.all_of(size) for size in x.known_dims]
            stop = start + part
            whole = isinstance(start, int) and isinstance(stop, int)
            taken[axis] = range(start, stop) if whole else shape_inference.SymbolicRange(start, stop)
            slices.append(self.slice(node, x, taken))
            start += part
        return slices

    def concat(
        self,
        node: FrameworkNode,
        tensors: Sequence[Tensor],
        after: Dims,
        axis: int,
        stored: StoredWeights | None = None,
    ) -> Tensor:
        """Add a concatenation along an axis; with `stored`, constants are among the tensors."""
        channel = tensors[0].channel
        alike = stored is None and len({each.channel for each in tensors}) == 1
        if alike and axis == channel and after[0] == 1 and len(after) > 1:
            return Tensor(self.add_layer(node, make("concat"), tensors), after, channel)
        if alike and axis in tensors[0].spatial_axes and all(each.is_sample for each in tensors):
            layer = make("concat", axis=tensors[0].spatial_axes.index(axis) + 1)
            return Tensor(self.add_layer(node, layer, tensors), after, channel)
        return self.opaque(node, after, tensors, channel, stored)

    # -- space -------------------------------------------------------------------------------------------

    def pad(self, node: FrameworkNode, x: Tensor, ends: dict[int, tuple[int, int]]) -> Tensor:
        """Add padding at both ends of axes."""
        changed = {axis for axis, each in ends.items() if any(each)}
        if not changed:
            return x
        after = tuple(size + sum(ends.get(axis, (0, 0))) for axis, size in enumerate(x.known_dims))
        if any(isinstance(size, int) and size < 1 for size in after):
            raise ShapeMismatchError("nothing is left of its input")
        amounts = tuple(ends.get(axis, (0, 0)) for axis in x.spatial_axes)
        numbers = [amount for each in amounts for amount in each]
        limited = all(isinstance(amount, int) and 0 <= amount < MAX_INTEGER for amount in numbers)
        if changed <= set(x.spatial_axes) and x.is_sample and limited and len(x.spatial_axes) <= 3:
            layer = make("pad", amount=Padding("explicit", amounts))
            return Tensor(self.add_layer(node, layer, (x,)), after, x.channel)
        reach = tuple(WindowTaps(0, 1, begin) for begin, _ in amounts)
        return self.opaque(node, after, [x], x.channel, window=reach)

    def resize(self, node: FrameworkNode, x: Tensor, after: Dims, mode: str | None) -> Tensor:
        """Add a resize of spatial axes; `mode` is one of `upsample`, or None if no mode of it applies."""
        before = x.known_dims
        if after == before:
            return x
        if any(isinstance(size, int) and size < 1 for size in after):
            raise ShapeMismatchError("nothing is left of its input")
        if any(after[axis] != size for axis, size in enumerate(before) if axis not in x.spatial_axes):
            return self.opaque(node, after, [x], x.channel)
        factors = [_factor(before[axis], after[axis]) for axis in x.spatial_axes]
        if mode and None not in factors and x.is_sample and len(x.spatial_axes) <= 3:
            layer = make("upsample", factor=tuple(factors), mode=mode)
            return Tensor(self.add_layer(node, layer, (x,)), after, x.channel)
        if mode and x.is_sample and len(x.spatial_axes) <= 3:
            layer = make("resize", size=tuple(after[axis] for axis in x.spatial_axes), mode=mode)
            return Tensor(self.add_layer(node, layer, (x,)), after, x.channel)
        kind = NearestTaps if mode == "nearest" else LinearTaps
        letters = any(not isinstance(size, int) for size in (*before, *after))
        reach = None if letters else tuple(kind(before[axis], after[axis]) for axis in x.spatial_axes)
        return self.opaque(node, after, [x], x.channel, window=reach)

    def reduce(
        self, node: FrameworkNode, x: Tensor, axes: tuple[int, ...], keep: bool, kind: str | None = None
    ) -> Tensor:
        """Add a reduction of whole axes: a layer of `kind` (gap, gmp) over all spatial axes, otherwise opaque."""
        dims = x.known_dims
        kept = shape_inference.reduce(dims, axes, keep=True)
        # A pool over all of space is a row where space is one place as well.
        if kind and axes and axes == x.spatial_axes and x.is_sample:
            x = Tensor(self.same_shape(node, kind, x).node, kept, x.channel)
        elif kept != dims:
            x = self.opaque(node, kept, [x], x.channel, local=axes == (x.channel,))
        if keep:
            return x
        rest = [axis for axis in range(len(dims)) if axis not in axes]
        channel = rest.index(x.channel) if x.channel in rest else len(rest) - 1
        return self.reshape(node, x, shape_inference.reduce(dims, axes, keep=False), channel)
