"""Conversion of a subgraph's operators to nodes, in file order; a value goes by the index of its tensor."""

from __future__ import annotations

from collections.abc import Callable
from os import path as paths

from cnncalc.diagnostics import Diagnostic
from cnncalc.frameworks.tflite import ACTIVATIONS
from cnncalc.graph import Graph, Node, StoredTypes, StoredWeights, weights_of
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import OperatorRules, printable
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.operator_importer import OperatorImporter
from cnncalc.readers.shape_inference import Dims, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.tflite.model import OperatorDef, TfliteModel
from cnncalc.readers.weights import ConstantTensor, StoredElements, count_weights

#: From an operator and its inputs to the value of its output, or a list with one for each. It raises
#: `ShapeMismatchError` where the file contradicts itself, and `CannotInferError` where the result cannot be inferred.
Rule = Callable[["TfliteImporter", OperatorDef, Operands], Outputs]

#: The rules by the operator's name.
rules: OperatorRules[Rule] = OperatorRules()

#: Operators that multiply or hold weights, and those that run other subgraphs, by parts of their names.
COSTLY = ("CONV", "FULLY", "MATMUL", "LSTM", "RNN", "SVDF", "WHILE", "IF", "CALL", "STABLEHLO", "EMBEDDING")

#: Stands for a size that is not fixed.
OPEN = -1


class TfliteImporter(OperatorImporter[OperatorDef, StoredElements]):
    """Builds the graph of one file."""

    def __init__(self, model: TfliteModel, path: str, options: ReadOptions) -> None:
        super().__init__()
        self.model, self.path = model, path
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        #: The batch that the file fixes: shapes for it mean ours of 1.
        self.batch = 1
        #: Whether the shapes that the file states are those of its input.
        self.shapes_hold = True
        self.values: dict[int, Value] = {}
        #: The bytes of an element of each node's output.
        self.element_bytes: list[float] = []
        #: The bytes of the weights of each node, and of those that no node has yet.
        self.weight_bytes: list[int] = []
        self.bytes_without_row = 0
        self.read = {index for operator in model.operators for index in operator.inputs}

    def run(self) -> Graph:
        for index in self.model.inputs:
            self.values[index] = self._add_input(index)
            self._note_weights(0)
            self._note_type(index)
        for operator in self.model.operators:
            counted = self.weights.count_counted
            if self.attempt(self._import, operator) is None:
                self.values.update(dict.fromkeys(operator.outputs, Tensor(-1, None)))
            self._note_weights(counted)
            self._note_type(operator.outputs[0] if operator.outputs else -1)
        name = paths.splitext(paths.basename(self.path))[0]
        graph = self.finish((self.values.get(index) for index in self.model.outputs), name)
        if self.weight_bytes:
            self.weight_bytes[-1] += self.bytes_without_row
        types = StoredTypes(tuple(self.element_bytes), tuple(self.weight_bytes))
        return graph._replace(warnings=(*self._others(), *graph.warnings), types=types)

    def _others(self) -> list[Diagnostic]:
        """Return a warning of the subgraphs that are not read."""
        if not self.model.others:
            return []
        count = f"{self.model.others} subgraph{'s' if self.model.others > 1 else ''}"
        help = "the first one is the network; others run inside of its operators, which are rows"
        return [Diagnostic("W302", f"{count} of `{self.path}` besides the first are passed over", help=help)]

    def _note_type(self, index: int) -> None:
        """Record the type of the rows that were added for the operator that writes a tensor."""
        each = self.model.tensors[index].element_bytes if index >= 0 else 4.0
        self.element_bytes += [each] * (len(self.builder.nodes) - len(self.element_bytes))

    def _note_weights(self, counted: int) -> None:
        """Record the bytes of the weights that an operator counted, with the first of its rows that has weights."""
        self.bytes_without_row += sum(each.bytes for each in self.weights.counted_since(counted))
        rows = self.builder.nodes[len(self.element_bytes) :]
        self.weight_bytes += [0] * (len(self.builder.nodes) - len(self.weight_bytes))
        if rows:
            holder = next((each for each in rows if each.inputs and any(own_weights(each))), rows[0])
            self.weight_bytes[holder.index] += self.bytes_without_row
            self.bytes_without_row = 0

    def file_name_of(self, node: OperatorDef) -> str:
        return node.label

    def operator_of(self, node: OperatorDef) -> str:
        return node.name

    def count_outputs(self, node: OperatorDef) -> int:
        return len(node.outputs)

    def weights_behind_unknown(self, node: OperatorDef, operands: Operands) -> StoredWeights | None:
        return self.count_weights(*operands.constants, scalars=False)

    # -- values ------------------------------------------------------------------------------------------

    def stated(self, index: int) -> Dims:
        """Return the sizes of a tensor for a batch of one; `OPEN` where one is not fixed."""
        sizes: Dims = self.model.tensors[index].sizes
        if len(sizes) > 1 and sizes[0] in (OPEN, self.batch):
            sizes = (1, *sizes[1:])
        return sizes

    def stated_dims(self, node: OperatorDef, output: int = 0) -> Dims:
        """Return the dimensions of an output as the file states them; raises `CannotInferError` if any is open."""
        dims = self.stated(node.outputs[output])
        if OPEN in dims or 0 in dims or not self.shapes_hold:
            raise CannotInferError
        return dims

    def _add_input(self, index: int) -> Tensor:
        tensor = self.model.tensors[index]
        sizes = list(tensor.sizes)
        name = printable(tensor.name).replace(".", "_") or "input"  # a dot would make it part of a block
        if len(sizes) > 1:
            self.batch = sizes[0] if sizes[0] > 1 else self.batch
            sizes[0] = 1
        shown = text(tensor.sizes).replace("-1", "?")
        if self.input is not None:
            given, self.input = list(self.input), None
            if len(given) + 1 != len(sizes) or (len(sizes) > 2 and sizes[-1] not in (OPEN, given[-1])):
                fact = f"its first input is {shown}, the batch included"
                fail("E309", f"`--input {text(tuple(given))}` does not fit the model", fact)
            self.shapes_hold = self.shapes_hold and [1, *given] == sizes
            sizes = [1, *given]
        if OPEN in sizes or 0 in sizes:
            message = f"the file leaves the size of `{name}` open"
            fail("E308", message, f"its shape is {shown}", help="add `--input HxWxC`")
        return self.add_input(tuple(sizes), max(len(sizes) - 1, 0), name)

    def _operand(self, index: int, node: OperatorDef) -> Value | None:
        if index < 0:
            return None
        value = self.values.get(index)
        if value is None:
            tensor = self.model.tensors[index]
            if (
                not tensor.stored_bytes
                and not tensor.is_variable
                and tensor.type != "RESOURCE"
                and 0 not in tensor.sizes
            ):
                what = (
                    f"`{printable(node.label or node.name)}` reads `{printable(tensor.name)}`, which is not there yet"
                )
                fail("E307", what, "no input, constant or operator before it has written it")
            value = self.values[index] = self._constant(index)
        return value

    def _constant(self, index: int) -> ConstantTensor:
        tensor = self.model.tensors[index]
        dims = None if OPEN in tensor.sizes else tensor.sizes
        if not tensor.stored_bytes:
            return ConstantTensor(dims)  # a state, which is no weight
        stored = StoredElements(tensor.elements, tensor.is_real, tensor.stored_bytes)
        return ConstantTensor(dims, tensor.values, self.weights.add(stored))

    def count_weights(self, *values: Value | None, scalars: bool = True, any_type: bool = True) -> StoredWeights:
        """Count the weights of these values that no earlier operator has counted, as `weights.count_weights` does."""
        return count_weights(self.weights, values, (), scalars, any_type)

    # -- operators ---------------------------------------------------------------------------------------

    def _import(self, node: OperatorDef) -> bool:
        """Add an operator, and record its outputs."""
        operands = Operands([self._operand(index, node) for index in node.inputs])
        if not operands.tensors:
            outputs: list[Value] = self._folded(node, operands)
        else:
            stated: list[Dims | None] = []
            if self.shapes_hold:
                stated = [None if {OPEN, 0} & {*dims} else dims for dims in map(self.stated, node.outputs)]
            costly = any(part in node.name for part in COSTLY)
            rule = None if node.is_custom and node.name not in CUSTOM else rules.get(node.name)
            outputs = self.apply(node, rule, operands, stated, costly)
        self.values.update(zip(node.outputs, outputs, strict=False))
        return True

    def _folded(self, node: OperatorDef, operands: Operands) -> list[Value]:
        """Return the outputs of an operator that reads constants alone: of the shapes that the file states."""
        sources = frozenset().union(*(each.sources for each in operands.constants if each is not None))
        sizes = [self.model.tensors[index].sizes for index in node.outputs if index >= 0]
        return [ConstantTensor(None if OPEN in each else each, None, sources) for each in sizes]

    def activation(self, node: OperatorDef, x: Tensor) -> Tensor:
        """Add the activation that an operator has built in behind its output."""
        number = node.integer("FusedActivationFunction")
        if not number or x.node < 0 or x.dims is None:
            return x
        kind = ACTIVATIONS.get(number)
        return self.same_shape(node, kind, x) if kind else self.elementwise(node, [x], x.known_dims)


def own_weights(node: Node) -> StoredWeights:
    """Return the weights that are counted with a node."""
    return (
        StoredWeights()
        if node.weights_from is not None
        else node.stored or weights_of(node.layer, node.input_shapes[0])
    )


#: Operators beside the schema that are known by their name.
CUSTOM = ("TFLite_Detection_PostProcess", "Convolution2DTransposeBias", "MaxPoolingWithArgmax2D", "MaxUnpooling2D")


def channels_first(importer: TfliteImporter, node: OperatorDef, x: Tensor) -> Tensor:
    """Return a tensor with its axes in the order of the layers' rules, channels behind the batch; there is no row."""
    last = len(x.known_dims) - 1
    x = importer.with_channels(node, x, last)
    batch, *spatial, channels = x.known_dims
    return Tensor(x.node, (batch, channels, *spatial), 1)


def channels_last(x: Tensor) -> Tensor:
    """Return the output of a layer's rule with the channels last again."""
    if x.dims is None:
        return x
    batch, channels, *spatial = x.dims
    return Tensor(x.node, (batch, *spatial, channels), len(x.dims) - 1)
