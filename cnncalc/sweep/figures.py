"""The figures of a structure, each from the functions that compute it for a single network."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from itertools import product
from typing import Any, NamedTuple

from cnncalc.figures.conventions import mac_counter
from cnncalc.figures.cost import DEFAULT_CONVENTION, Cost, node_costs
from cnncalc.figures.footprint import moved
from cnncalc.figures.memory import assign_buffers, buffer_lifetimes, live_elements, map_sizes, unshared_lifetimes
from cnncalc.figures.receptive_field import receptive_fields
from cnncalc.figures.training import training_bytes, training_costs
from cnncalc.graph import Node
from cnncalc.layers.base import Layer
from cnncalc.layers.timewise import Timewise
from cnncalc.sweep.grids import Axes, union
from cnncalc.sweep.networks import Structure
from cnncalc.sweep.runs import MOST_NUMBERS, Run, TooLarge
from cnncalc.sweep.sums import LargestSum, Sum, total
from cnncalc.sweep.values import Varying, from_numbers

#: A step's live elements are added up to one array where that has no more numbers.
MOST_ADDED = 1 << 16

#: Arguments that no receptive field depends on.
OF_CHANNELS = ("filters", "units", "groups", "multiplier", "rate", "trainable")


class Settings(NamedTuple):
    """What figures depend on besides the network; each may vary."""

    batch: Any
    bytes_of_element: Any
    convention: str
    optimizer: str


class StructureFigures:
    """The figures of one structure. Each is computed when it is asked for."""

    def __init__(self, structure: Structure, run: Run, settings: Settings) -> None:
        self.structure, self.run, self.settings = structure, run, settings
        self.nodes, self.counts = structure.nodes, structure.counts

    @cached_property
    def costs(self) -> list[Cost]:
        """The cost of each node, for one sample, its MACs by the convention."""
        if self.settings.convention == DEFAULT_CONVENTION:
            return self._own_costs
        macs_of = mac_counter(self.settings.convention)
        return [cost._replace(macs=macs_of(node)) for node, cost in zip(self.nodes, self._own_costs, strict=True)]

    @cached_property
    def _own_costs(self) -> list[Cost]:
        return node_costs(self.nodes)

    @cached_property
    def _training(self) -> Any:
        return training_costs(self.nodes, self._own_costs, self.settings.bytes_of_element)

    def _sum(self, key: str) -> Sum:
        """Return the sum of a cost over the layers; weights that a file holds may belong to an input, too."""
        everywhere = key in ("params", "frozen", "buffers")
        values = [
            getattr(cost, key) if node.inputs or everywhere else 0
            for node, cost in zip(self.nodes, self.costs, strict=True)
        ]
        return total(values, self.counts)

    # -- totals --------------------------------------------------------------------------------------

    def figure(self, key: str) -> Sum | LargestSum:
        """Return a total by its key."""
        batch, size = self.settings.batch, self.settings.bytes_of_element
        match key:
            case "params" | "frozen" | "buffers":
                return self._sum(key)
            case "macs" | "activations" | "conv_activations":
                return self._sum(key).times(batch)
            case "flops":
                return self._sum("macs").times(2 * batch)
            case "backward_macs":
                return total(self._training.backward_macs, self.counts).times(batch)
            case "saved_bytes":
                return total(self._training.saved_bytes, self.counts)
            case "params_bytes":
                return self._weights.times(size)
            case "training_bytes":
                saved = self.figure("saved_bytes") * batch
                constant = self._sum("frozen") + self._sum("buffers")
                made: Sum = training_bytes(self._sum("params"), constant, saved, size, self.settings.optimizer)
                return made
            case "traffic_bytes":
                return total(self._moved, self.counts).times(size)
            case "layers":
                return total([1 if node.inputs else 0 for node in self.nodes], self.counts)
            case "activation_bytes.sum":
                return self._every_map.times(size * batch)
            case "activation_bytes.peak":
                return self._peak(buffer_lifetimes(self._buffers)).times(size * batch)
            case "activation_bytes.peak_no_inplace":
                lifetimes = unshared_lifetimes(self.nodes, self.structure.outputs)
                return self._peak(lifetimes).times(size * batch)
        raise KeyError(key)

    @property
    def _weights(self) -> Sum:
        return self._sum("params") + self._sum("frozen") + self._sum("buffers")

    @cached_property
    def _moved(self) -> list[Any]:
        """The elements that each node at least moves, for the whole batch."""
        weights = [cost.params + cost.frozen + cost.buffers for cost in self._own_costs]
        return moved(self.nodes, weights, [each * self.settings.batch for each in map_sizes(self.nodes)])

    @cached_property
    def _buffers(self) -> Any:
        return assign_buffers(self.nodes, self.structure.outputs)

    @property
    def _every_map(self) -> Sum:
        # A buffer is there as often as the node that makes it.
        return total(
            [buffer.elements for buffer in self._buffers], [self.counts[buffer.nodes[0]] for buffer in self._buffers]
        )

    def _peak(self, lifetimes: Any) -> LargestSum:
        """Return the most that is live at any step.

        A step of copies that a variant has none of counts as 0: what is live there is then so at no step.
        """
        parts = [(Parts({number: (1, each)}), first, last) for number, (each, first, last) in enumerate(lifetimes)]
        always: dict[Axes, Any] = {}
        sometimes: list[Any] = []
        large: list[Sum] = []
        known: set[Any] = set()
        for node, live in zip(self.nodes, live_elements(parts, len(self.nodes)), strict=True):
            count = self.counts[node.index]
            values = live.values if isinstance(live, Parts) else []
            step = total(values, [1] * len(values))
            there = count if isinstance(count, Varying) else 1
            axes = union(step.axes, there.axes if isinstance(there, Varying) else ())
            if self.run.combinations(axes) > MOST_ADDED:
                if isinstance(there, Varying):
                    step = step * there.clip(0, 1)
                large.append(step)
                continue
            value = step.as_value()
            if isinstance(there, Varying):
                sometimes.append((value, there))
                continue
            content = value.content if isinstance(value, Varying) else value
            if content not in known:
                known.add(content)
                own = value.axes if isinstance(value, Varying) else ()
                always[own] = _larger(always[own], value) if own in always else value
        for value, there in sometimes:
            own = value.axes if isinstance(value, Varying) else ()
            most = always.get(own)
            # Mostly the copies before have as much live.
            if most is not None and (most >= value) is True:
                continue
            masked = value * there.clip(0, 1)
            axes = masked.axes if isinstance(masked, Varying) else ()
            always[axes] = _larger(always[axes], masked) if axes in always else masked
        sums = [total([value], [1]) for value in always.values()]
        return LargestSum([*sums, *large] or [Sum()])

    # -- layers --------------------------------------------------------------------------------------

    def of_layer(self, name: str | None, key: str, index: int | None) -> Any:
        """Return a figure of a layer, or of the last one; None if the structure has no such layer or axis.

        `key` is `output_shape`, a figure of the receptive field such as `size`, or a cost; the first two have an index.
        """
        found = [node for node in self.nodes if name is None or node.name == name]
        node = found[-1] if found else None
        if node is None:
            inside = [each for each in self.nodes if each.name.startswith(f"{name}.")]
            if not inside:
                return None
            if key in ("output_shape", "receptive_field"):
                node = inside[-1]
            else:
                return self._of_nodes(inside, key)
        if key == "output_shape":
            dims = node.shape.dims
            return total([dims[index or 0]], [1]) if (index or 0) < len(dims) else None
        if key.startswith("receptive_field"):
            return self._field(node, key.rpartition(".")[2], index or 0)
        return self._of_nodes([node], key)

    def _of_nodes(self, nodes: Sequence[Node], key: str) -> Sum:
        batch = self.settings.batch
        once = [1] * len(nodes)
        if key in ("backward_macs", "saved_bytes"):
            values = [getattr(self._training, key)[node.index] for node in nodes]
            return total(values, once).times(batch if key == "backward_macs" else 1)
        if key == "traffic_bytes":
            return total([self._moved[node.index] for node in nodes], once).times(self.settings.bytes_of_element)
        scale = batch if key in ("macs", "flops", "activations", "conv_activations") else 1
        values = [getattr(self.costs[node.index], "macs" if key == "flops" else key) for node in nodes]
        return total(values, once).times(scale * (2 if key == "flops" else 1))

    def _field(self, node: Node, key: str, index: int) -> Sum | None:
        """Return a number of the receptive field along an axis, computed for each combination of sizes."""
        axes: Axes = ()
        for each in self.nodes:
            for size in each.shape.dims if each.layer.sets_rank else each.shape.spatial:
                axes = union(axes, _axes_of(size))
            axes = union(axes, _axes_of_layer(each.layer))
        if self.run.combinations(axes) > MOST_NUMBERS:
            raise TooLarge
        shape = tuple(self.run.lengths[axis] for axis in axes)
        numbers: list[Any] = []
        for point in product(*[range(length) for length in shape]):
            at = dict(zip(axes, point, strict=True))
            nodes = Picker(at).nodes(self.nodes)
            field = receptive_fields(nodes)[node.index]
            if index >= len(field.axes):
                return None
            axis = field.axes[index]
            if field.whole and key in ("size", "smallest"):
                # One that covers the whole input is as large as the input.
                numbers.append(nodes[0].shape.spatial[index])
            else:
                numbers.append(axis.size if key == "smallest" and axis.smallest is None else getattr(axis, key))
        return total([from_numbers(self.run, axes, numbers, shape)], [1])


class Parts:
    """Several numbers apart, to be added up later: by number, how often each counts, and the value."""

    def __init__(self, parts: dict[int, tuple[int, Any]]) -> None:
        self.parts = parts

    @property
    def values(self) -> list[Any]:
        """The numbers that are left."""
        return [value for _, value in self.parts.values()]

    def _with(self, other: Any, sign: int) -> Parts:
        parts = dict(self.parts)
        for key, (times, value) in other.parts.items() if isinstance(other, Parts) else ():
            left = parts.get(key, (0, value))[0] + sign * times
            if left:
                parts[key] = left, value
            else:
                del parts[key]
        return Parts(parts)

    def __add__(self, other: Any) -> Parts:
        return self._with(other, 1)

    __radd__ = __add__

    def __sub__(self, other: Any) -> Parts:
        return self._with(other, -1)

    def __rsub__(self, other: Any) -> Parts:
        return Parts({})._with(self, -1)


def _larger(left: Any, right: Any) -> Any:
    if isinstance(left, Varying):
        return left.clip(right, None)
    return right.clip(left, None) if isinstance(right, Varying) else max(left, right)


def _axes_of(value: Any) -> Axes:
    if isinstance(value, Varying):
        return value.axes
    axes: Axes = ()
    if isinstance(value, tuple):
        for each in value:
            axes = union(axes, _axes_of(each))
    return axes


def _axes_of_layer(layer: Layer) -> Axes:
    if isinstance(layer, Timewise):
        return _axes_of_layer(layer.layer)
    axes: Axes = ()
    for name in layer.arguments:
        if name not in OF_CHANNELS:
            axes = union(axes, _axes_of(vars(layer)[name]))
    return axes


class Picker:
    """Takes the numbers of one variant, by the position on some axes; on others the first."""

    def __init__(self, at: dict[int, int]) -> None:
        self.at = at
        self._made: dict[int, tuple[Any, Any]] = {}

    def value(self, value: Any) -> Any:
        """Return a value of that variant: a number, a tuple or a layer."""
        if isinstance(value, Varying):
            number = value.array[tuple(self.at.get(axis, 0) for axis in value.axes)]
            return int(number) if not value.wide else number
        if isinstance(value, tuple):
            parts = [self.value(each) for each in value]
            return type(value)(*parts) if hasattr(value, "_fields") else tuple(parts)
        if isinstance(value, Timewise):
            return Timewise("timewise", self.value(value.layer))
        if isinstance(value, Layer):
            return value.with_values({name: self.value(vars(value)[name]) for name in value.arguments})
        return value

    def once(self, value: Any) -> Any:
        """Return the same object for the same object."""
        if id(value) not in self._made:
            self._made[id(value)] = value, self.value(value)
        return self._made[id(value)][1]

    def nodes(self, nodes: Sequence[Node]) -> list[Node]:
        """Return the nodes of that variant."""
        return [
            node._replace(
                layer=self.once(node.layer), input_shapes=self.once(node.input_shapes), shape=self.once(node.shape)
            )
            for node in nodes
        ]
