"""The figures of a whole network: sums over its nodes, the memory of its feature maps, and the memory of training."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from cnncalc.figures.cost import Cost
from cnncalc.figures.footprint import Footprint
from cnncalc.figures.memory import live_elements, unshared_lifetimes
from cnncalc.figures.memory_planner import arena
from cnncalc.figures.training import TrainingCosts, training_bytes
from cnncalc.graph import Graph
from cnncalc.shape import Size, formulas_as_text


class ActivationBytes(NamedTuple):
    """Bytes of the feature maps, for the whole batch.

    `sum` is the total of all maps, `peak` the most that is live at once, `peak_no_inplace` the peak if no layer
    overwrites its input, and `arena` the size of one buffer with room for each map while it is live.

    If sizes are letters, a peak is the maximum of formulas, or None if too many may be the largest; the
    arena depends on numbers and is None.
    """

    sum: Size
    peak: Size
    peak_no_inplace: Size
    arena: Size


class Totals(NamedTuple):
    """The figures of the whole network. MACs, activations and their bytes are for the whole batch.

    `peak_layer` is the layer that runs when most bytes of feature maps are live, and `peak_tensors` the bytes of
    each of these, by the layer whose output it is. If sizes are letters, `peak_tensors` is empty, and
    `peak_layer` is None if it depends on numbers.

    `conv_activations` are the output elements of convolutions, deconvolutions and fc, and `backward_macs` the MACs
    of the gradients, by the default convention. `saved_bytes` is what PyTorch's autograd keeps of one sample for the
    backward pass. `training_bytes` are those of the batch with weights, gradients and the optimizer's state, without
    the framework's own needs.
    """

    layers: int
    params: Size
    frozen: Size
    buffers: Size
    macs: Size
    backward_macs: Size
    activations: Size
    conv_activations: Size
    params_bytes: Size
    activation_bytes: ActivationBytes
    peak_layer: str | None
    peak_tensors: dict[str, int]
    saved_bytes: Size
    training_bytes: Size
    #: The parameters of a PyTorch module that its forward pass never reaches: they are in no other figure.
    unused: int = 0
    #: Whether it is as it runs on a device: deployed, or of a file with types of its own.
    on_device: bool = False
    #: The bytes of each node; what few runs ask for is added up when they do.
    footprint: Footprint | None = None

    @property
    def traffic_bytes(self) -> Size:
        """The bytes that the layers at least move, each by itself."""
        if self.footprint is None:
            return 0
        total, _ = _arithmetic(self.footprint.graph)
        return total(self.footprint.traffic_bytes)

    @property
    def flash_bytes(self) -> Size:
        """The bytes of the weights, as a device keeps them."""
        return self.params_bytes

    @property
    def ram_bytes(self) -> Size:
        """The bytes of the buffer for all feature maps: the arena."""
        return self.activation_bytes.arena

    @property
    def intensity(self) -> Any:
        """The FLOPs for each byte that the layers move; None if they move none, or sizes are letters."""
        if not isinstance(self.flops, int) or not isinstance(self.traffic_bytes, int) or not self.traffic_bytes:
            return None
        from fractions import Fraction  # few runs need it

        return Fraction(self.flops, self.traffic_bytes)

    @property
    def flops(self) -> Size:
        """The number of FLOPs: two for each multiply-accumulate."""
        return 2 * self.macs

    @property
    def live_bytes(self) -> Size | None:
        """The most bytes that are live at once."""
        return self.activation_bytes.peak

    @property
    def share(self) -> float | None:
        """Its own MACs in per cent of themselves; None where they are formulas, or there are none."""
        return 100.0 if isinstance(self.macs, int) and self.macs else None

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the totals, with formulas as text."""
        data: dict[str, object] = {
            "layers": self.layers,
            "params": self.params,
            "frozen": self.frozen,
            "buffers": self.buffers,
            "macs": self.macs,
            "flops": self.flops,
            "backward_macs": self.backward_macs,
            "activations": self.activations,
            "conv_activations": self.conv_activations,
            "params_bytes": self.params_bytes,
            "activation_bytes": self.activation_bytes._asdict(),
            "peak_at": {"layer": self.peak_layer, "tensors": self.peak_tensors},
            "traffic_bytes": self.traffic_bytes,
            "saved_bytes": self.saved_bytes,
            "training_bytes": self.training_bytes,
            **({"flash_bytes": self.flash_bytes, "ram_bytes": self.ram_bytes} if self.on_device else {}),
            **({"unused": self.unused} if self.unused else {}),
        }
        return data if isinstance(self.activation_bytes.sum, int) else formulas_as_text(data)


def totals(
    graph: Graph,
    costs: Sequence[Cost],
    training: TrainingCosts,
    footprint: Footprint,
    batch: int,
    bytes_in_training: int,
    optimizer: str,
    on_device: bool = False,
) -> Totals:
    """Return the totals of a graph.

    `costs` has the cost of each node for the whole batch, `training` what training takes of each, for one sample.
    """
    nodes, feature_maps, scale = graph.nodes, footprint.feature_maps, footprint.scale
    total, largest = _arithmetic(graph)
    params, frozen = total(cost.params for cost in costs), total(cost.frozen for cost in costs)
    buffers = total(cost.buffers for cost in costs)
    of_layers = [cost for node, cost in zip(nodes, costs, strict=True) if node.inputs]
    # Elements of one sample become bytes of the whole batch.
    every_map = total(buffer.elements for buffer in feature_maps) * scale
    live = footprint.live
    peak = largest(live)
    unshared = unshared_lifetimes(nodes, graph.outputs, footprint.element_bytes)
    without_in_place = largest(live_elements(unshared, len(nodes)))
    saved_bytes = total(training.saved_bytes)
    step = live.index(peak) if peak in live else None
    return Totals(
        layers=len(of_layers),
        params=params,
        frozen=frozen,
        buffers=buffers,
        macs=total(cost.macs for cost in of_layers),
        backward_macs=total(training.backward_macs) * batch,
        activations=total(cost.activations for cost in of_layers),
        conv_activations=total(cost.conv_activations for cost in of_layers),
        params_bytes=footprint.bytes_of_weights(params + frozen + buffers, total),
        activation_bytes=ActivationBytes(
            sum=every_map,
            peak=None if peak is None else peak * scale,
            peak_no_inplace=None if without_in_place is None else without_in_place * scale,
            arena=None if graph.letters else arena(feature_maps, scale),
        ),
        peak_layer=None if step is None else nodes[step].name,
        peak_tensors={}
        if step is None or graph.letters
        else {
            nodes[buffer.output_at(step)].name: buffer.elements_at(step) * scale
            for buffer in feature_maps
            if buffer.first <= step <= buffer.last
        },
        saved_bytes=saved_bytes,
        unused=graph.unused,
        on_device=on_device,
        footprint=footprint,
        training_bytes=training_bytes(params, frozen + buffers, saved_bytes * batch, bytes_in_training, optimizer),
    )


def _arithmetic(graph: Graph) -> tuple[Callable[[Iterable[Any]], Any], Callable[[Iterable[Any]], Any]]:
    """Return functions for the sum and maximum of sizes: Python's for numbers, those of formulas for letters."""
    if graph.letters:
        from cnncalc.symbols import largest, total  # few runs need them

        return total, largest
    return sum, lambda values: max(values, default=0)
