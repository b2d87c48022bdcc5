"""Conversion of the layers of an `.xml` file to nodes, each after those it reads; a value goes by layer and port."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from math import prod

from cnncalc.diagnostics import Origin
from cnncalc.frameworks.openvino import PASSED_ON
from cnncalc.graph import Graph, StoredWeights, weights_of
from cnncalc.layers.base import Layer
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import OperatorRules, printable
from cnncalc.readers.openvino.ir import OPEN, IrLayer, IrModel, IrPort, Sizes
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.operator_importer import OperatorImporter
from cnncalc.readers.shape_inference import Dims, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor, StoredElements, count_weights

#: From a layer and its inputs to the value of its output, or a list with one for each. It raises `ShapeMismatchError`
#: where the file contradicts itself, and `CannotInferError` where the result cannot be inferred.
Rule = Callable[["OpenvinoImporter", IrLayer, Operands], Outputs]

#: The rules by type.
rules: OperatorRules[Rule] = OperatorRules()

#: Types that multiply or hold weights, by the beginnings of their names.
COSTLY = (
    "Convolution", "GroupConvolution", "BinaryConvolution", "Deformable", "Deconvolution", "MatMul", "FullyConnected",
    "Gemm", "LSTM", "GRU", "RNN", "AUGRU", "TensorIterator", "Loop", "If", "Einsum", "ScaledDotProduct", "Embedding",
    "PagedAttention",
)  # fmt: skip

#: Types whose input has its channels behind the batch, by the beginnings of their names.
CHANNELS_FIRST = (
    "Convolution",
    "GroupConvolution",
    "MaxPool",
    "AvgPool",
    "Pooling",
    "BatchNorm",
    "PReLU",
    "ScaleShift",
)

#: Types of inputs.
INPUTS = ("Parameter", "Input")

#: Types of constants.
CONSTANTS = ("Const", "Constant")


class OpenvinoImporter(OperatorImporter[IrLayer, StoredElements]):
    """Builds the graph of one file."""

    def __init__(self, model: IrModel, path: str, options: ReadOptions) -> None:
        super().__init__()
        self.model, self.path = model, path
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        #: The batch that the file fixes: shapes for it mean ours of 1.
        self.batch = 1
        #: Whether the shapes that the file states are those of its input.
        self.shapes_hold = True
        self.values: dict[tuple[int, int], Value] = {}
        self.sources: dict[tuple[int, int], tuple[int, int]] = {edge.target: edge.source for edge in model.edges}
        #: The outputs that are read, each as often as there are readers.
        self.read: dict[tuple[int, int], int] = {}
        for edge in model.edges:
            self.read[edge.source] = self.read.get(edge.source, 0) + 1

    def run(self) -> Graph:
        for layer in self._in_order():
            if self.attempt(self._import, layer) is None:
                self.values.update({(layer.id, port.id): Tensor(-1, None) for port in layer.outputs})
        # What a result reads is an output.
        results = {layer.id for layer in self.model.layers if layer.type == "Result"}
        read = {edge.source for edge in self.model.edges if edge.target[0] not in results}
        outputs = (value for place, value in self.values.items() if place not in read)
        return self.finish(outputs, printable(self.model.name) or "network")

    def file_name_of(self, node: IrLayer) -> str:
        return node.name

    def operator_of(self, node: IrLayer) -> str:
        return node.type

    def origin_of(self, node: IrLayer) -> Origin | None:
        return Origin(node.span)

    def count_outputs(self, node: IrLayer) -> int:
        return len(node.outputs)

    def weights_behind_unknown(self, node: IrLayer, operands: Operands) -> StoredWeights | None:
        stored = self.count_weights(*operands.values, scalars=False)
        inside = [layer for layer in node.body if layer.type in CONSTANTS and _is_weight(layer)]
        held = sum(prod(layer.outputs[0].sizes or ()) for layer in inside if layer.outputs)
        return stored._replace(params=stored.params + held + sum(map(node.elements_of, node.blobs)))

    def _in_order(self) -> list[IrLayer]:
        """Return the layers, each behind those it reads; raises `SpecError` E307 if they go in a circle."""
        layers = {layer.id: layer for layer in self.model.layers}
        if len(layers) < len(self.model.layers):
            fail("E302", f"two layers of `{self.path}` have one id")
        readers: dict[int, list[int]] = {id: [] for id in layers}
        missing = dict.fromkeys(layers, 0)
        for source, target in self.model.edges:
            if source[0] not in layers or target[0] not in layers:
                fail("E307", f"an edge of `{self.path}` joins layers that are not there", f"{source[0]} to {target[0]}")
            readers[source[0]].append(target[0])
            missing[target[0]] += 1
        ready = deque(id for id, count in missing.items() if not count)
        order = []
        while ready:
            id = ready.popleft()
            order.append(layers[id])
            for reader in readers[id]:
                missing[reader] -= 1
                if not missing[reader]:
                    ready.append(reader)
        if len(order) < len(layers):
            fail("E307", f"layers of `{self.path}` read one another in a circle", "no order of them runs")
        return order

    # -- values ------------------------------------------------------------------------------------------

    def stated(self, port: IrPort) -> Sizes:
        """Return the sizes of a port for a batch of one; `OPEN` where one is not fixed."""
        sizes = port.sizes or ()
        if len(sizes) > 1 and sizes[0] in (OPEN, self.batch):
            sizes = (1, *sizes[1:])
        return sizes

    def stated_dims(self, layer: IrLayer, output: int = 0) -> Dims:
        """Return the dimensions of an output as the file states them; raises `CannotInferError` if any is open."""
        sizes = self.stated(layer.outputs[output])
        if OPEN in sizes or not self.shapes_hold:
            raise CannotInferError
        return sizes

    def _import(self, layer: IrLayer) -> bool:
        """Add a layer, and record its outputs."""
        ports = sorted({port.id for port in layer.inputs})
        operands = Operands([self._operand(layer, port) for port in ports])
        if layer.type in INPUTS:
            outputs: list[Value] = [self._add_input(layer)]
        elif layer.type in CONSTANTS:
            outputs = [self._constant(layer)]
        elif operands.values and not operands.tensors and layer.type not in INPUTS:
            outputs = self._folded(layer, operands)
        elif not operands.tensors:
            fail("E307", f"`{printable(layer.name)}` reads nothing", "it has no input", span=layer.span)
        else:
            stated = [self._known(self.stated(port)) for port in layer.outputs] if self.shapes_hold else []
            costly = layer.type.startswith(COSTLY)
            outputs = self.apply(layer, rules.get(layer.type), operands, stated, costly)
        for port, value in zip(layer.outputs, outputs, strict=False):
            self.values[layer.id, port.id] = value
        return True

    @staticmethod
    def _known(sizes: Sizes) -> Dims | None:
        return None if OPEN in sizes or 0 in sizes else sizes

    def _operand(self, layer: IrLayer, port: int) -> Value | None:
        source = self.sources.get((layer.id, port))
        if source is None:
            return None
        if source not in self.values:
            fact = f"port {source[1]} of layer {source[0]} is no output"
            fail("E307", f"`{printable(layer.name)}` reads what is not there", fact, span=layer.span)
        return self.values[source]

    def _constant(self, layer: IrLayer) -> ConstantTensor:
        sizes = layer.outputs[0].sizes if layer.outputs else None
        if sizes is None or any(size < 0 for size in sizes):
            fail("E306", f"the constant `{printable(layer.name)}` has no shape", span=layer.span)
        return ConstantTensor(sizes, None, self.weights.add(StoredElements(prod(sizes), _is_weight(layer))))

    def _folded(self, layer: IrLayer, operands: Operands) -> list[Value]:
        """Return the outputs of a layer that reads constants alone: of the shapes that the file states."""
        constants = [each for each in operands.constants if each is not None]
        first = layer.type in PASSED_ON or self._unpacks(constants)
        held = constants[:1] if first else constants
        sources = frozenset().union(*(each.sources for each in held))
        outputs: list[Value] = []
        for port in layer.outputs:
            sizes = port.sizes or ()
            outputs.append(ConstantTensor(None if OPEN in sizes else sizes, None, sources))
        return outputs

    def _unpacks(self, constants: Sequence[ConstantTensor]) -> bool:
        """Return whether numbers of few bits are made real ones: scales and zero points behind them are no weights."""
        tensors = self.weights.tensors
        return len(constants) > 1 and any(not tensors[index].is_weight for index in constants[0].sources)

    def _add_input(self, layer: IrLayer) -> Tensor:
        if not layer.outputs:
            fail("E302", f"the input `{printable(layer.name)}` has no output", span=layer.span)
        sizes = list(layer.outputs[0].sizes or ())
        name = printable(layer.name).replace(".", "_") or "input"  # a dot would make it part of a block
        if len(sizes) > 1:
            self.batch = sizes[0] if sizes[0] > 1 else self.batch
            sizes[0] = 1
        channel = self._channel(layer, sizes)
        if self.input is not None:
            (*spatial, channels), self.input = self.input, None
            if len(spatial) + 2 != len(sizes) or (len(sizes) > 2 and sizes[channel] not in (OPEN, channels)):
                given, shown = text((*spatial, channels)), text(layer.outputs[0].sizes or ()).replace("-1", "?")
                fact = f"its first input is {shown}, the batch included"
                fail("E309", f"`--input {given}` does not fit the model", fact, span=layer.span)
            rest = iter(spatial)
            new = [1, *(channels if axis == channel else next(rest) for axis in range(1, len(sizes)))]
            self.shapes_hold = self.shapes_hold and new == sizes
            sizes = new
        if OPEN in sizes or 0 in sizes:
            shown = text(layer.outputs[0].sizes or ()).replace("-1", "?")
            fact = f"its shape is {shown}"
            message = f"the file leaves the size of `{name}` open"
            fail("E308", message, fact, help="add `--input HxWxC`", span=layer.span)
        return self.add_input(tuple(sizes), channel, name)

    def _channel(self, layer: IrLayer, sizes: list[int]) -> int:
        """Return the channel axis of an input: the second, or the last by its layout or by the layer that reads it."""
        last = len(sizes) - 1
        layout = layer.text("layout", "").strip("[]").replace(",", "")
        if layout.endswith("c") and len(layout) == len(sizes):
            return last
        places = [(layer.id, port.id) for port in layer.outputs]
        readers = [each for each in self.model.layers if self.sources.get((each.id, 0)) in places]
        for reader in readers:
            turned = reader.outputs[0].sizes or () if reader.outputs else ()
            comes_first = len(turned) == len(sizes) > 2 and turned[1] == sizes[last]
            if reader.type in ("Transpose", "Permute") and comes_first:
                return last
        # A sequence of vectors, unless a window goes over it.
        is_sequence = len(sizes) == 3 and not any(reader.type.startswith(CHANNELS_FIRST) for reader in readers)
        return last if is_sequence else 1

    def count_weights(self, *values: Value | None, scalars: bool = True, any_type: bool = False) -> StoredWeights:
        """Count the weights of these values that no earlier layer has counted, as `weights.count_weights` does."""
        return count_weights(self.weights, values, (), scalars, any_type)

    # -- what several rules do ---------------------------------------------------------------------------------

    def absorb_bias(self, layer: IrLayer, x: Tensor, bias: ConstantTensor) -> bool:
        """Give the layer that made a tensor a bias, if it may have one and nothing else reads the tensor.

        IR has biases as additions behind a layer.
        """
        node = self.builder.nodes[x.node]
        ports = (self.sources.get((layer.id, port.id)) for port in layer.inputs)
        alone = all(
            self.read.get(source, 0) == 1 for source in ports if source is not None and self.values[source] == x
        )
        if not alone or "bias" not in node.layer.arguments or getattr(node.layer, "bias", True):
            return False
        before = node.stored or weights_of(node.layer, node.input_shapes[0])
        changed: Layer = node.layer.replace(bias=True)
        added = self.count_weights(bias)
        stored = StoredWeights(before.params + added.params, before.buffers, before.frozen)
        own = stored == weights_of(changed, node.input_shapes[0])
        self.builder.nodes[x.node] = node._replace(layer=changed, stored=None if own else stored)
        return True


def _is_weight(layer: IrLayer) -> bool:
    """Return whether a constant's elements are real numbers."""
    stated = layer.text("element_type", "") or (layer.outputs[0].type if layer.outputs else "") or layer.precision
    return stated.lower().lstrip("b").startswith(("f", "nf"))
