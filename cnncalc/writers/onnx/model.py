"""An ONNX model built from the operators of its layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple, Union

from cnncalc.graph import Graph, Node
from cnncalc.writers.blocks import file_docstring
from cnncalc.writers.identifiers import identifier

OPSET, IR = 21, 10


class Weight(NamedTuple):
    """A tensor of parameters, all with one value."""

    name: str
    dims: tuple[int, ...]
    value: float = 0.0


class Constant(NamedTuple):
    """Numbers that are not parameters: indices, sizes; a single decimal."""

    name: str
    values: tuple[int, ...] | float


class OperatorResult(NamedTuple):
    """The result of the layer's operator with that index."""

    number: int


class LayerInput(NamedTuple):
    """The layer's input with that index."""

    number: int


#: All inputs of the layer, and an operand that is left out.
X, OMITTED = "all inputs", "omitted"

OperatorInput = Union[Weight, Constant, OperatorResult, LayerInput, str]


class Op(NamedTuple):
    """One operator: its type, its inputs, its attributes, and which of its outputs is the result."""

    type: str
    operands: tuple[OperatorInput, ...]
    attributes: dict[str, Any]
    output: int = 0


def op(type: str, *operands: OperatorInput, **attributes: Any) -> Op:
    return Op(type, operands, attributes)


class ModelBuilder:
    """Collect the operators and constants of a graph; `helper` and `types` are those of the `onnx` package."""

    def __init__(self, graph: Graph, helper: Any, types: Any) -> None:
        self.graph, self.helper, self.types = graph, helper, types
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.taken: set[str] = set()
        self.counts: dict[str, int] = {}
        self.tensors = {node.index: self.name(node.name) for node in graph.nodes}

    def name(self, wanted: str) -> str:
        """Return the name, or one like it if it is taken."""
        name = wanted
        while name in self.taken:
            self.counts[wanted] = number = self.counts.get(wanted, 1) + 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name

    def model(self, operators: dict[int, list[Op]]) -> Any:
        """Return the model; `operators` are those of each layer by its node."""
        nodes = self.graph.nodes
        for node in nodes:
            if node.inputs:
                self.layer(node, operators[node.index])
        inputs = [self.value(node.index, self.tensors[node.index]) for node in nodes if not node.inputs]
        outputs = [self.value(index, self.output(index)) for index in self.graph.outputs]
        outside = set(self.graph.outputs)
        # The shapes between are there to be read in a viewer.
        between = [node.index for node in nodes if node.inputs and node.index not in outside]
        shapes = [self.value(index, self.tensors[index]) for index in between]
        name = identifier(self.graph.name or "network")
        graph = self.helper.make_graph(self.nodes, name, inputs, outputs, self.constants, value_info=shapes)
        opset = self.helper.make_opsetid("", OPSET)
        text = file_docstring(self.graph, "ONNX")
        return self.helper.make_model(
            graph, opset_imports=[opset], ir_version=IR, producer_name="cnncalc", doc_string=text
        )

    def value(self, index: int, name: str) -> Any:
        """Return the description of a tensor: its name, type and shape."""
        shape = self.graph.nodes[index].shape
        return self.helper.make_tensor_value_info(name, self.types.FLOAT, ["N", shape.channels, *shape.spatial])

    def output(self, index: int) -> str:
        """Return the name of an output; an input that is also an output is passed through an operator."""
        if self.graph.nodes[index].inputs:
            return self.tensors[index]
        name = self.name(f"{self.tensors[index]}/output")
        self.nodes.append(self.helper.make_node("Identity", [self.tensors[index]], [name], name))
        return name

    def layer(self, node: Node, ops: list[Op]) -> None:
        """Add the operators of a layer; the last one's result has the layer's name."""
        name = self.tensors[node.index]
        inputs = [self.tensors[index] for index in node.inputs]
        results: list[str] = []
        for number, each in enumerate(ops, 1):
            result = name if number == len(ops) else self.name(f"{name}/{each.type.lower()}")
            operands = [text for operand in each.operands for text in self.operand(operand, name, inputs, results)]
            self.nodes.append(
                self.helper.make_node(each.type, operands, [*[""] * each.output, result], result, **each.attributes)
            )
            results.append(result)

    def operand(self, operand: OperatorInput, layer: str, inputs: list[str], results: list[str]) -> Iterator[str]:
        """Yield the names of the tensors of an operand."""
        if operand == X:
            yield from inputs
        elif isinstance(operand, LayerInput):
            yield inputs[operand.number]
        elif isinstance(operand, OperatorResult):
            yield results[operand.number]
        elif operand == OMITTED:
            yield ""
        elif isinstance(operand, Weight):
            yield self.weight(operand, self.name(f"{layer}.{operand.name}"))
        elif isinstance(operand, Constant):
            yield self.constant(self.name(f"{layer}.{operand.name}"), operand.values)

    def weight(self, weight: Weight, name: str) -> str:
        shape = self.constant(self.name(f"{name}.shape"), weight.dims)
        value = self.helper.make_tensor("value", self.types.FLOAT, [1], [weight.value])
        self.nodes.append(self.helper.make_node("ConstantOfShape", [shape], [name], name, value=value))
        return name

    def constant(self, name: str, values: tuple[int, ...] | float) -> str:
        if isinstance(values, tuple):
            tensor = self.helper.make_tensor(name, self.types.INT64, [len(values)], values)
        else:
            tensor = self.helper.make_tensor(name, self.types.FLOAT, [], [values])
        self.constants.append(tensor)
        return name
