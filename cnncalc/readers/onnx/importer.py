"""Conversion of an ONNX graph to ours: each node by its operator's rule, in file order."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from math import prod
from os import path as paths
from typing import TypeVar

from cnncalc.diagnostics import Diagnostic, Problems
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import Graph, GraphBuilder, StoredWeights
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import OperatorRules, printable, unknown_op
from cnncalc.readers.module_names import ModuleNames
from cnncalc.readers.onnx.constant_folding import fold_node
from cnncalc.readers.onnx.constants import UNKNOWN_CONSTANT
from cnncalc.readers.onnx.model import MAX_RANK, REAL_TYPES, WEIGHT_TYPES, ModelDef, NodeDef, TensorDef, ValueDef
from cnncalc.readers.onnx.modules import COSTLY, WITHOUT_ROW, module_and_lead, module_of
from cnncalc.readers.onnx.stated_shapes import StatedShapes
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError
from cnncalc.readers.tensor_importer import TensorImporter
from cnncalc.readers.tensors import Tensor
from cnncalc.readers.weights import ConstantTensor, StoredElements, count_weights

#: The most elements that are computed over all nodes; beyond it, values of constants are no longer followed.
MAX_FOLDED = 3_000_000

#: The most sources of constants over all nodes, since constants may be made of one another.
MAX_SOURCES = 5_000_000

#: Operators with graphs inside: never folded.
CONTROL = ("If", "Loop", "Scan", "SequenceMap")

TableRow = TypeVar("TableRow")

#: From a node and its inputs to the value of its output, or a list with one for each. It raises `ShapeMismatchError`
#: where the file contradicts itself, and `CannotInferError` where the result cannot be inferred.
Rule = Callable[["OnnxImporter", NodeDef, Operands], Outputs]

#: The rules by the operator's name, behind its domain where that is not ONNX's own.
rules: OperatorRules[Rule] = OperatorRules()


def with_runtime(table: Mapping[str, TableRow]) -> dict[str, TableRow]:
    """Return a table of operators extended by those of ONNX Runtime's domain that have the same names."""
    return {**table, **{f"com.microsoft.{operator}": row for operator, row in table.items()}}


class OnnxImporter(TensorImporter[NodeDef, StoredElements]):
    """Builds the graph of one file."""

    def __init__(self, model: ModelDef, path: str, options: ReadOptions, batched: bool = True) -> None:
        super().__init__(module_and_lead(node) for node in model.nodes if node.operator not in WITHOUT_ROW)
        self.model, self.path = model, path
        self.opset = model.opset
        self.shapes = StatedShapes(model, options, batched)
        #: The values by the names that nodes have for them.
        self.values: dict[str, Value] = {}
        #: The outputs of Constant nodes.
        self.constant_outputs: set[str] = set()
        self.folded = self.sources = 0
        self.read = {name for node in model.nodes for name in (*node.inputs, *node.inner_inputs)}
        self.read |= {each.name for each in model.outputs}

    def run(self) -> Graph:
        for number, value in enumerate(self.model.inputs):
            self.values[value.name] = self._import_input(value, first=number == 0)
        for node in self.model.nodes:
            self._import_node(node)
        name = paths.splitext(paths.basename(self.path))[0]
        return self.finish((self.values.get(each.name) for each in self.model.outputs), name)

    def name_of(self, node: NodeDef) -> tuple[str | None, str]:
        return self.module_names.name_of(*module_and_lead(node))

    def operator_of(self, node: NodeDef) -> str:
        return node.operator

    # -- values ------------------------------------------------------------------------------------------

    def _import_input(self, value: ValueDef, first: bool) -> Tensor:
        name = value.name.replace(".", "_") or "input"  # a dot would make it part of a block
        if value.dims is None:
            return Tensor(self.builder.add(unknown_op("input"), (), name=self.names(name)), None)
        dims, channel = self.shapes.of_input(value, value.dims, first)
        return self.add_input(dims, channel, name)

    def _operand(self, name: str, node: NodeDef) -> Value | None:
        """Return the value that a node reads by this name; raises `SpecError` E307 if it does not exist yet."""
        if not name:
            return None
        value = self.values.get(name)
        if value is None:
            tensor = self.model.initializers.get(name)
            if tensor is None:
                fail(
                    "E307",
                    f"`{(node.name or node.operator)[:80]}` reads `{name[:80]}`, which is not there yet",
                    "no input, weight or node before it has this name",
                    ("nodes stand in the order they run in; a cycle has none",),
                )
            value = self.values[name] = self.stored_tensor(tensor)
        return value

    def stored_tensor(self, tensor: TensorDef) -> ConstantTensor:
        """Return a tensor that the file holds, whose elements may be weights."""
        if len(tensor.dims) > MAX_RANK:
            fail("E302", f"the tensor `{tensor.name[:80]}` has no valid shape", f"it has {len(tensor.dims)} axes")
        stored = StoredElements(tensor.elements, tensor.type in WEIGHT_TYPES)
        return ConstantTensor(tensor.dims, tensor.values, self.weights.add(stored))

    def count_weights(
        self,
        *values: Value | None,
        buffers: Sequence[Value | None] = (),
        scalars: bool = True,
        any_type: bool = False,
    ) -> StoredWeights:
        """Count the weights of these values that no earlier node has counted.

        Without `scalars`, single numbers are not weights; with `any_type`, integers are weights as well.
        """
        return count_weights(self.weights, values, buffers, scalars, any_type)

    def for_one_sample(self, target: list[int], x: Tensor) -> list[int]:
        """Return the sizes that the file gives a tensor for its own batch, converted to a batch of 1."""
        batch = self.shapes.batch
        return [1, *target[1:]] if batch > 1 and x.is_sample and target[:1] == [batch] else target

    # -- nodes -------------------------------------------------------------------------------------------

    def _import_node(self, node: NodeDef) -> None:
        operands = Operands([self._operand(name, node) for name in node.inputs])
        if node.operator == "If" and not node.domain and self._import_branch(node, operands):
            return
        if not operands.tensors and node.operator not in CONTROL:
            results: Sequence[Value] = self._constant(node, operands)
        elif any(each.node == NO_NODE for each in operands.tensors):
            # Behind an error that is reported already.
            results = [Tensor(NO_NODE, None)] * len(node.outputs)
        else:
            results = self._computed(node, operands)
        for name, value in zip(node.outputs, results, strict=False):
            self.values[name] = value
        for name in node.outputs[len(results) :]:
            if name in self.read:
                self.values[name] = self.opaque(node, self.shapes.of_tensor(name), operands.tensors)

    def _import_branch(self, node: NodeDef, operands: Operands) -> bool:
        """Import the branch of an `If` whose condition is known before the network runs; return whether it is."""
        condition = operands.get(0)
        if not isinstance(condition, ConstantTensor) or condition.number() is None:
            return False
        branch = node.branch("then_branch" if condition.number() else "else_branch")
        if branch is None or len(branch.outputs) < len(node.outputs):
            return False
        for name, tensor in branch.initializers.items():
            self.values[name] = self.stored_tensor(tensor)
        for each in branch.nodes:
            self._import_node(each)
        for name, inner in zip(node.outputs, branch.outputs, strict=False):
            value = self._operand(inner, node)
            if value is not None:
                self.values[name] = value
        return True

    def _constant(self, node: NodeDef, operands: Operands) -> Sequence[ConstantTensor]:
        """Return the outputs of a node whose inputs are all constant."""
        if node.operator == "Constant" and not node.domain:
            self.constant_outputs.update(node.outputs)
            return [self._constant_node(node)]
        given = operands.constants
        if self.folded > MAX_FOLDED:
            given = [each._replace(values=None) if each else None for each in given]
        results = self._with_shapes(node, operands, fold_node(node, given))
        self.folded += sum(len(each.values or ()) for each in results)
        self.sources += sum(len(each.sources) for each in results)
        if self.sources > MAX_SOURCES:
            fail("E303", f"`{self.path}` is too large", f"its constants derive from over {MAX_SOURCES:,} others")
        if node.operator == "ConstantOfShape" and results[0].dims is not None:
            tensor = node.tensor("value")
            # Weights left out of a file have a shape that stands in it; what has a computed one is a mask or the like.
            stands = node.inputs[0] in self.model.initializers or node.inputs[0] in self.constant_outputs
            is_weight = stands and (tensor is None or tensor.type in REAL_TYPES)
            stored = StoredElements(prod(results[0].dims), is_weight)
            results = [results[0]._replace(sources=self.weights.add(stored))]
        return results

    def _with_shapes(
        self, node: NodeDef, operands: Operands, results: Sequence[ConstantTensor]
    ) -> list[ConstantTensor]:
        """Return the outputs of a folded node with the shapes that its rule gives where folding has none.

        The rule works on an importer of its own, whose layers are dropped. Its first input stands for a tensor there,
        or each of them where the rule needs that.
        """
        if all(each.dims is not None for each in results):
            return list(results)
        shapes: list[Dims | None] = []
        rule = rules.get(node.qualified_operator)
        for count in (1, len(operands.values)) if rule is not None else ():
            scratch = self._scratch()
            try:
                result = rule(scratch, node, scratch.as_tensors(operands, count))  # type: ignore[misc]
            except (ValueError, ArithmeticError, IndexError, TypeError):
                continue
            if not scratch.problems:
                shapes = [each.dims for each in _listed(result)]
                break
        for at, (name, each) in enumerate(zip(node.outputs, results, strict=False)):
            if each.dims is None:
                dims = shapes[at] if at < len(shapes) else self.shapes.of_constant(name)
                results = [*results[:at], each._replace(dims=dims), *results[at + 1 :]]
        return list(results)

    def _scratch(self) -> OnnxImporter:
        """Return an importer with no layer yet and with the file's opset, whose layers are not those of the network."""
        other = copy(self)
        other.problems = Problems()
        other.builder = GraphBuilder(other.problems, shapes_are_written=False)
        other.module_names = ModuleNames(())
        other.names = other.module_names.names
        return other

    def as_tensors(self, operands: Operands, count: int) -> Operands:
        """Return constant inputs, the first `count` of them as tensors, and none with weights to count."""
        values: list[Value | None] = []
        for at, each in enumerate(operands.constants):
            if each is not None and at < count and each.dims is not None:
                values.append(self.add_input(each.dims, 1, "constant"))
            else:
                values.append(each and each._replace(sources=frozenset()))
        return Operands(values)

    def _constant_node(self, node: NodeDef) -> ConstantTensor:
        tensor = node.tensor("value")
        if tensor is not None:
            return self.stored_tensor(tensor)
        integer, real = node.attributes.get("value_int"), node.attributes.get("value_float")
        if integer is not None or real is not None:
            value = node.integer("value_int", 0) if integer is not None else node.real("value_float", 0.0)
            return ConstantTensor((), (value,), self.weights.add(StoredElements(1, integer is None)))
        integers, reals = node.integers("value_ints"), node.reals("value_floats")
        values = reals if integers is None else integers
        if values is None:
            return UNKNOWN_CONSTANT
        return ConstantTensor((len(values),), values, self.weights.add(StoredElements(len(values), integers is None)))

    def _computed(self, node: NodeDef, operands: Operands) -> Sequence[Value]:
        """Return the outputs of a node that depend on the network's input."""
        rule = rules.get(node.qualified_operator)
        if rule is not None and all(each.dims is not None for each in operands.tensors):
            try:
                with self.weights.restored_on_error():
                    return _listed(rule(self, node, operands))
            except ShapeMismatchError as mismatch:
                return self._contradiction(node, str(mismatch))
            except (ValueError, ArithmeticError, IndexError, TypeError):
                pass  # arguments that make no sense, too few axes, or what formulas leave open
            first = operands.get(0)
            if isinstance(first, ConstantTensor) and first.dims is not None and operands.tensors:
                return self._computed(node, self._with_constant_row(node, operands, first.dims))
        stated = self.shapes.of_tensor(node.outputs[0]) if node.outputs else None
        # Behind a shape that is not known, what neither learns nor multiplies is no further loss.
        behind_unknown = any(each.dims is None for each in operands.tensors)
        known = rule is not None and node.operator not in COSTLY and (behind_unknown or stated is not None)
        stored = self.count_weights(*operands.constants, scalars=False)
        return [self.opaque(node, stated, operands.tensors, known=known, stored=stored)]

    def _with_constant_row(self, node: NodeDef, operands: Operands, dims: Dims) -> Operands:
        """Return the inputs of a node with the first one, a constant that its rule takes as a tensor, as a row."""
        module = module_of(node)
        stored = self.count_weights(operands.get(0), scalars=False)
        return Operands([self.constant_row(dims, f"{module}." if module else "", stored), *operands.values[1:]])

    def _contradiction(self, node: NodeDef, fact: str) -> list[Value]:
        """Report a node whose inputs do not fit; the nodes that read it are skipped."""
        name = module_of(node) or printable(node.name or node.operator)
        self.problems.add(
            Diagnostic("E306", f"`{name}` ({node.operator}) does not fit its input", None, fact, layer=name)
        )
        self.builder.mark_failed()
        return [Tensor(NO_NODE, None)] * max(len(node.outputs), 1)


def _listed(result: Outputs) -> Sequence[Value]:
    """Return the outputs of a rule as a list: a value is a tuple itself."""
    return result if isinstance(result, list) else [result]  # type: ignore[list-item]
