"""Conversion of a trace of ATen's operators to our graph, with the output shapes of the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import Graph, StoredWeights
from cnncalc.readers.importer import OperatorRules
from cnncalc.readers.shape_inference import Dims
from cnncalc.readers.tensor_importer import TensorImporter
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

#: A node of the traced graph, `torch.fx.Node`.
FxNode = Any

#: Operators that never have a row.
WITHOUT_ROW = frozenset(
    ("getitem", "alias", "clone", "contiguous", "detach", "to", "_to_copy", "_assert_tensor_metadata")
)

#: Operators that have the name of their module, where others only prepare for them.
LEADING = frozenset((
    "linear", "batch_norm", "layer_norm", "group_norm", "instance_norm", "prelu",
    *(f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)),
))  # fmt: skip

#: Operators that only move elements, choose among them or make new ones: they hold no weights and have no MACs.
MOVING = frozenset((
    "amin", "arange", "argmax", "argmin", "as_strided", "broadcast_to", "copy", "cumsum", "diagonal", "embedding",
    "expand", "expand_as", "flip", "full_like", "gather", "grid_sampler", "im2col", "index", "index_put",
    "index_select", "masked_fill", "max", "min", "movedim", "new_zeros", "norm", "linalg_vector_norm", "ones_like",
    "pad", "pixel_unshuffle", "repeat", "repeat_interleave", "roll", "rot90", "scatter", "select", "slice_scatter",
    "sort", "stack", "std", "take", "tile", "topk", "tril", "triu", "unbind", "unfold", "var", "var_mean",
    "zeros_like", "rms_norm", "local_response_norm", "meshgrid", "squeeze", "lp_pool2d", "fractional_max_pool2d",
))  # fmt: skip


Value = Union[Tensor, ConstantTensor]


class BoundArguments(dict[str, Any]):
    """An operator's arguments by name, tensors as values; an absent one raises `CannotInferError`."""

    def __missing__(self, name: str) -> NoReturn:
        raise CannotInferError

    @property
    def subject(self) -> Tensor:
        """The tensor that the operator works on: in ATen `input`, or `self` if it is also a method."""
        subject = self["input"] if "input" in self else self["self"]
        if not isinstance(subject, Tensor):
            raise CannotInferError
        return subject


class StoredParameter(NamedTuple):
    """A parameter or buffer of the module, and its number of elements that are not integers.

    A frozen parameter takes no gradient.
    """

    name: str
    elements: int
    is_parameter: bool
    is_frozen: bool


#: From a node and its bound arguments to the value of its output, or a list with one for each. It raises
#: `CannotInferError` where the result cannot be inferred.
Rule = Callable[["TorchImporter", FxNode, BoundArguments], Any]

#: The rules by aten's name of the operator, without the `_` of those in place.
rules: OperatorRules[Rule] = OperatorRules()


class TorchImporter(TensorImporter[FxNode, StoredParameter]):
    """Builds the graph of a traced module. The shape of every tensor is known from the trace."""

    def __init__(self, program: ExportedProgram, module: torch.nn.Module) -> None:
        calls = [node for node in program.graph.nodes if node.op == "call_function"]
        super().__init__(module_and_lead(node) for node in calls if operator_name(node) not in WITHOUT_ROW)
        self.program, self.module = program, module
        #: The values by the traced nodes that give them.
        self.values: dict[FxNode, Any] = {}

    def run(self) -> Graph:
        signature = self.program.graph_signature
        names = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        tensors = {**self.program.state_dict, **self.program.constants}
        constants: dict[int, ConstantTensor] = {}
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node.name in names:
                tensor = tensors.get(names[node.name])
                # Tied weights are one tensor by several names.
                constant = constants.get(id(tensor)) or self._stored_tensor(node, names[node.name], tensor)
                self.values[node] = constants[id(tensor)] = constant
            elif node.op == "placeholder":
                self.values[node] = self._import_input(node)
            elif node.op == "call_function":
                self.values[node] = self._import_call(node)
        graph = self.finish(self._outputs(), type(self.module).__name__)
        return graph._replace(warnings=(*graph.warnings, *self._unused()))

    def _outputs(self) -> Iterable[Any]:
        last = next(node for node in self.program.graph.nodes if node.op == "output")
        return [self.values.get(node) for node in last.all_input_nodes]

    def _stored_tensor(self, node: FxNode, name: str, tensor: Any) -> ConstantTensor:
        value = node.meta["val"]
        is_parameter = node.name in self.program.graph_signature.inputs_to_parameters
        real = value.is_floating_point() or value.is_complex()
        stored = StoredParameter(
            name, value.numel() if real else 0, is_parameter, is_parameter and not tensor.requires_grad
        )
        return ConstantTensor(tuple(value.shape), sources=self.weights.add(stored))

    def _import_input(self, node: FxNode) -> Value:
        dims = output_dims(node)
        if dims is None:
            return ConstantTensor(None)
        return self.add_input(dims, 1, node.name)

    def _unused(self) -> Iterable[Diagnostic]:
        """Yield a warning if the forward pass leaves parameters unused, which are not in the totals."""
        rest = [each for each in self.weights.uncounted() if each.is_parameter]
        if rest:
            count = sum(each.elements for each in rest)
            message = f"{count:,} parameters are not counted: the forward pass does not use `{rest[0].name}`"
            message += f" and {len(rest) - 1} more" if len(rest) > 1 else ""
            help = "some are for training alone (auxiliary heads)"
            yield Diagnostic("W301", message, help=help)

    # -- nodes -------------------------------------------------------------------------------------------

    def name_of(self, node: FxNode) -> tuple[str | None, str]:
        return self.module_names.name_of(*module_and_lead(node))

    def operator_of(self, node: FxNode) -> str:
        return operator_name(node)

    def count_weights(self, *values: Any) -> StoredWeights:
        """Count the parameters and buffers of these values that no earlier node has counted."""
        new = self.weights.count(values)
        params = sum(each.elements for each in new if each.is_parameter)
        frozen = sum(each.elements for each in new if each.is_frozen)
        return StoredWeights(params - frozen, sum(each.elements for each in new) - params, frozen)

    def is_frozen(self, node: FxNode) -> bool:
        read = [value for each in node.all_input_nodes for value in _flat(self.values.get(each))]
        sources = (index for value in read if isinstance(value, ConstantTensor) for index in value.sources)
        params = [each for each in map(self.weights.tensors.__getitem__, sources) if each.is_parameter]
        return bool(params) and all(each.is_frozen for each in params)

    def _import_call(self, node: FxNode) -> Any:
        read = [value for each in node.all_input_nodes for value in _flat(self.values.get(each))]
        tensors = [value for value in read if isinstance(value, Tensor)]
        if not tensors:
            sources = frozenset().union(*(each.sources for each in read if isinstance(each, ConstantTensor)))
            return ConstantTensor(output_dims(node), sources=sources)
        if any(each.node == NO_NODE for each in tensors):
            return Tensor(NO_NODE, None)
        if operator_name(node) == "getitem":
            value = self.values[node.args[0]]
            at = node.args[1]
            return value[at] if isinstance(value, list) and at < len(value) else value
        rule = rules.get(operator_name(node))
        if rule is not None:
            try:
                with self.weights.restored_on_error():
                    return rule(self, node, self._bind(node))
            except ValueError:  # CannotInferError, and arguments that no layer of ours takes
                pass
        return self._import_opaque(node, tensors, read)

    def _import_opaque(self, node: FxNode, tensors: Sequence[Tensor], read: Sequence[Value]) -> Any:
        """Add an operator without a rule; it is known if it works element by element, or only moves elements."""
        import torch

        stored = self.count_weights(*read)
        dims = output_dims(node)
        if torch.Tag.pointwise in getattr(node.target, "tags", ()) and dims is not None:
            return self.elementwise(node, tensors, dims, stored)
        known = operator_name(node) in MOVING and not stored.params
        output = self.opaque(node, dims, tensors, stored=stored, known=known)
        value = node.meta.get("val")
        if not isinstance(value, (tuple, list)):
            return output
        return [output._replace(dims=tuple(each.shape)) if hasattr(each, "shape") else output for each in value]

    def _bind(self, node: FxNode) -> BoundArguments:
        """Return the operator's arguments by name, with tensors as values and defaults filled in."""
        declared = node.target._schema.arguments
        given = dict(zip([each.name for each in declared], node.args, strict=False))
        bound = {each.name: each.default_value for each in declared if each.has_default_value()}
        return BoundArguments({name: self._value(value) for name, value in {**bound, **given, **node.kwargs}.items()})

    def _value(self, value: Any) -> Any:
        """Return an argument, with its nodes replaced by their values."""
        if isinstance(value, (list, tuple)):
            return [self._value(each) for each in value]
        return self.values[value] if getattr(value, "op", None) is not None else value


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def operator_name(node: FxNode) -> str:
    """Return ATen's name of the operator; an in-place one without its trailing `_`: `relu`."""
    name: str = getattr(node.target, "__name__", str(node.target))
    return name.partition(".")[0].rstrip("_") or name


def module_and_lead(node: FxNode) -> tuple[str, bool]:
    """Return the module of a node, and whether its operator leads there."""
    return module_of(node), operator_name(node) in LEADING


def module_of(node: FxNode) -> str:
    """Return the path of the module that calls the operator; empty for the outermost."""
    stack = node.meta.get("nn_module_stack") or {}
    path: str = list(stack.values())[-1][0] if stack else ""
    # A module that is called again has an @ and a number behind its path.
    return path.partition("@")[0]


def output_dims(node: FxNode) -> Dims | None:
    """Return the shape of the node's tensor, or that of the first of several."""
    value = node.meta.get("val")
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    shape = getattr(value, "shape", None)
    return tuple(map(int, shape)) if shape is not None else None


def known_output_dims(node: FxNode) -> Dims:
    """Return the shape of the node's tensor; raises `CannotInferError` if it has none."""
    dims = output_dims(node)
    if dims is None:
        raise CannotInferError
    return dims
