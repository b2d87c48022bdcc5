"""Conversion of the layers of a `.param` file to nodes, in file order; blobs go by their names."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from os import path as paths
from typing import Any, NoReturn

from cnncalc.diagnostics import Origin
from cnncalc.frameworks.ncnn import ACTIVATIONS, CHANNELS_FIRST, PARAMETERS
from cnncalc.graph import Graph, StoredWeights
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import OperatorRules, printable
from cnncalc.readers.ncnn.param import NcnnLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.operator_importer import OperatorImporter
from cnncalc.readers.shape_inference import Dims
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor

#: From a layer and its inputs to the value of its output, or a list with one for each. It raises `ShapeMismatchError`
#: where the file contradicts itself, and `CannotInferError` where the result cannot be inferred.
Rule = Callable[["NcnnImporter", NcnnLayer, Operands], Outputs]

#: The rules by type.
rules: OperatorRules[Rule] = OperatorRules()

#: Types that multiply or hold weights.
COSTLY = ("Conv", "Deconv", "Deform", "InnerProduct", "LSTM", "GRU", "RNN", "Gemm", "MatMul", "Multi", "SDPA", "Einsum")

#: Bounds of a clip that has a word.
CLIPS = {(0.0, 6.0): "relu6", (-1.0, 1.0): "hardtanh"}


class NcnnImporter(OperatorImporter[NcnnLayer, int]):
    """Builds the graph of one file. A stored tensor is its number of elements."""

    def __init__(self, layers: list[NcnnLayer], path: str, options: ReadOptions) -> None:
        super().__init__()
        self.layers, self.path = layers, path
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        #: Whether the shapes that the file states are those of its input.
        self.shapes_hold = options.input is None
        self.blobs: dict[str, Value] = {}
        #: Blob → the type of the first layer that reads it.
        self.readers: dict[str, str] = {}
        for layer in layers:
            for blob in layer.inputs:
                self.readers.setdefault(blob, layer.type)

    def run(self) -> Graph:
        for layer in self.layers:
            if self.attempt(self._import, layer) is None:
                self.blobs.update(dict.fromkeys(layer.outputs, Tensor(-1, None)))
        name = paths.splitext(paths.basename(self.path))[0]
        return self.finish((value for blob, value in self.blobs.items() if blob not in self.readers), name)

    def file_name_of(self, node: NcnnLayer) -> str:
        return node.name

    def operator_of(self, node: NcnnLayer) -> str:
        return node.type

    def origin_of(self, node: NcnnLayer) -> Origin | None:
        return Origin(node.span)

    def count_outputs(self, node: NcnnLayer) -> int:
        return len(node.outputs)

    def weights_behind_unknown(self, node: NcnnLayer, operands: Operands) -> StoredWeights | None:
        """Return the weights that the parameters of a layer state without its input's shape."""
        stated = stated_weights(node)
        return None if stated is None else StoredWeights(stated)

    def _import(self, layer: NcnnLayer) -> bool:
        """Add a layer, and record its blobs."""
        for blob in layer.inputs:
            if blob not in self.blobs:
                label = f"`{printable(blob)}` is not there yet"
                fail("E307", f"`{printable(layer.name)}` reads what no layer before it writes", label, span=layer.span)
        operands = Operands([self.blobs[blob] for blob in layer.inputs])
        if layer.type == "Input":
            outputs: list[Value] = [self._add_input(layer)]
        elif layer.type == "MemoryData":
            dims = self._stated_size(layer)
            outputs = [ConstantTensor(dims, None, self.weights.add(prod(dims)))]
        else:
            if layer.type.startswith("pnnx.") or not layer.inputs:
                _fail_without_input(layer)
            stated = [None if shape is None else (1, *shape) for shape in layer.stated_shapes]
            costly = layer.type.startswith(COSTLY)
            outputs = self.apply(layer, rules.get(layer.type), operands, stated if self.shapes_hold else (), costly)
        self.blobs.update(zip(layer.outputs, outputs, strict=False))
        return True

    def _stated_size(self, layer: NcnnLayer) -> Dims:
        """Return the dimensions that a layer states, with a batch of 1 in front."""
        sizes = [size for size in layer.sizes("size")[::-1] if size not in (0, -233)]
        return (1, *[size if size > 0 else 0 for size in sizes])

    def _add_input(self, layer: NcnnLayer) -> Tensor:
        dims = self._stated_size(layer)
        name = printable(layer.name).replace(".", "_")  # a dot would make it part of a block
        if self.input is not None:
            (*spatial, channels), self.input = self.input, None
            dims = (1, *spatial, channels) if len(spatial) == 1 else (1, channels, *spatial)
            channel = len(dims) - 1 if len(spatial) == 1 else 1
            return self.add_input(dims, channel, name)
        if len(dims) == 1 or 0 in dims:
            message, fact = f"the file leaves the size of `{name}` open", "its parameters have no width"
            fail("E308", message, fact, help="add `--input 224x224x3`", span=layer.span)
        return self.add_input(dims, self._channel(layer, dims), name)

    def _channel(self, layer: NcnnLayer, dims: Dims) -> int:
        """Return the channel axis of an input: the first, but the last of a matrix that is a sequence of vectors."""
        reader = self.readers.get(layer.outputs[0]) if layer.outputs else None
        return 2 if len(dims) == 3 and reader not in CHANNELS_FIRST else 1

    # -- what several rules do ---------------------------------------------------------------------------------

    def count_weights(self, *values: Value | None) -> StoredWeights:
        """Count the elements of these constants that no earlier layer has counted."""
        return StoredWeights(sum(self.weights.count(values)))

    def activation(self, layer: NcnnLayer, x: Value) -> Value:
        """Add the activation that a layer has built in behind its output."""
        number = layer.integer("activation_type", 0, low=0)
        if not number or not isinstance(x, Tensor) or x.node < 0:
            return x
        values = layer.array("activation_params")
        kind = ACTIVATIONS.get(number)
        if kind == "clip":
            return self.clip(layer, x, values[0] if values else 0.0, values[1] if len(values) > 1 else 0.0)
        if kind is None:
            return self.elementwise(layer, [x], x.known_dims)
        arguments: dict[str, Any] = {"slope": values[0] if values else 0.0} if kind == "leakyrelu" else {}
        return self.same_shape(layer, kind, x, **arguments)

    def clip(self, layer: NcnnLayer, x: Tensor, low: float, high: float) -> Tensor:
        """Add a clip: one of our activations if it has its bounds, else an opaque operator."""
        kind = CLIPS.get((low, high)) or ("relu" if low == 0 and high > 1e30 else None)
        return self.same_shape(layer, kind, x) if kind else self.elementwise(layer, [x], x.known_dims)

    def of_rank(self, layer: NcnnLayer, x: Tensor, rank: int) -> Tensor:
        """Return a tensor with so many axes: axes of 1 are taken away from its end, or put there."""
        dims = x.known_dims
        if len(dims) > rank and set(dims[rank:]) <= {1}:
            return self.reshape(layer, x, dims[:rank], min(x.channel, rank - 1))
        if len(dims) < rank:
            return self.reshape(layer, x, (*dims, *[1] * (rank - len(dims))), x.channel)
        if len(dims) > rank:
            raise CannotInferError
        return x


def stated_weights(layer: NcnnLayer) -> int | None:
    """Return the number of weights that a layer's parameters state, or None if its type states none."""
    known = PARAMETERS.get(layer.type, {})
    if "weight_data_size" not in known:
        return None
    weights = layer.integer("weight_data_size", 0, low=0)
    bias = layer.integer("num_output", 0, low=0) if "bias_term" in known and layer.flag("bias_term", False) else 0
    return weights + bias


def _fail_without_input(layer: NcnnLayer) -> NoReturn:
    if layer.type.startswith("pnnx."):
        help = "read the `.ncnn.param` that pnnx writes beside it"
        fail("E302", "the file is pnnx's own, which is not read", "an operator of pnnx", help=help, span=layer.span)
    fail("E307", f"`{printable(layer.name)}` reads nothing", "it has no input", span=layer.span)
