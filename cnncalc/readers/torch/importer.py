"""Conversion of a trace of ATen's operators to our graph, with the output shapes of the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
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

#: Higher-order operators: a graph within the graph, that is run once on what follows it in the arguments.
WRAPPING = frozenset(("wrap_with_autocast", "wrap_with_set_grad_enabled", "tag_activation_checkpoint", "wrap"))

#: Namespaces of operators whose multiply-adds PyTorch's own counter knows.
COUNTED = frozenset(("aten", "prims", "quantized_decomposed"))

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
        calls = [node for graph in _graphs(program) for node in graph.nodes if node.op == "call_function"]
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
        unused = [each for each in self.weights.uncounted() if each.is_parameter]
        count = sum(each.elements for each in unused)
        return graph._replace(unused=count, warnings=(*graph.warnings, *self._unused(unused, count)))

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

    def _unused(self, rest: Sequence[StoredParameter], count: int) -> Iterable[Diagnostic]:
        """Yield a warning that names the modules whose parameters the forward pass never reaches."""
        if rest:
            modules = self._whole_modules({each.name for each in rest})
            named = ", ".join(f"`{each}`" for each in modules[:5]) + (", …" if len(modules) > 5 else "")
            message = f"{count:,} parameters of {named} are not counted: the forward pass never reaches them"
            yield Diagnostic("W301", message, help="some are for training alone (auxiliary heads)")

    def _whole_modules(self, unused: set[str]) -> list[str]:
        """Return the outermost modules that have unused parameters alone, and the parameters of no such module."""
        used = {name for name, _ in self.module.named_parameters()} - unused
        found: dict[str, None] = {}
        for name in sorted(unused):
            parts = name.split(".")
            outer = (".".join(parts[:end]) for end in range(1, len(parts)))
            whole = (each for each in outer if not any(other.startswith(f"{each}.") for other in used))
            found[next(whole, name)] = None
        return list(found)

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
        name = operator_name(node)
        if name in WRAPPING:
            return self._import_inner_graph(node)
        if name == "getitem":
            value = self.values[node.args[0]]
            at = node.args[1]
            return value[at] if isinstance(value, list) and at < len(value) else value
        read = [value for each in node.all_input_nodes for value in _flat(self.values.get(each))]
        tensors = [value for value in read if isinstance(value, Tensor)]
        if any(each.node == NO_NODE for each in tensors):
            return Tensor(NO_NODE, None)
        if tensors:
            return self._import_operator(node, tensors, read)
        factor = self._constant_factor(node)
        if factor is None:
            sources = frozenset().union(*(each.sources for each in read if isinstance(each, ConstantTensor)))
            return ConstantTensor(output_dims(node), sources=sources)
        constant = self.values[factor]
        scope = f"{module_of(node)}." if module_of(node) else ""
        self.values[factor] = self.constant_row(constant.dims, scope, self.count_weights(constant))
        result = self._import_operator(node, [self.values[factor]], read)
        self.values[factor] = constant
        return result

    def _import_operator(self, node: FxNode, tensors: Sequence[Tensor], read: Sequence[Value]) -> Any:
        rule = rules.get(operator_name(node))
        if rule is not None:
            try:
                with self.weights.restored_on_error():
                    return rule(self, node, self._bind(node))
            except (ValueError, TypeError):  # CannotInferError, and arguments that no layer of ours takes
                pass
        return self._import_opaque(node, tensors, read)

    def _import_inner_graph(self, node: FxNode) -> Any:
        """Import the graph within a node as if it stood in its place, and return the values of its outputs."""
        at = next(at for at, each in enumerate(node.args) if getattr(each, "op", None) == "get_attr")
        inner = getattr(node.graph.owning_module, node.args[at].target).graph
        given = iter(node.args[at + 1 :])
        for each in inner.nodes:
            if each.op == "placeholder":
                self.values[each] = self._value(next(given))
            elif each.op == "call_function":
                self.values[each] = self._import_call(each)
            elif each.op == "output":
                return self._value(each.args[0])
        raise AssertionError("a graph has an output")

    def _constant_factor(self, node: FxNode) -> FxNode | None:
        """Return the first factor of a product of constants, which PyTorch computes at every run; else None."""
        factors = [each for each in node.all_input_nodes if isinstance(self.values.get(each), ConstantTensor)]
        known = factors and self.values[factors[0]].dims
        return factors[0] if known and self._multiply_adds(node) else None

    def _multiply_adds(self, node: FxNode) -> int | None:
        """Return the multiply-adds of a node as PyTorch's own counter has them; None if it cannot tell."""
        if getattr(node.target, "namespace", "") not in COUNTED:
            return None
        from torch.fx import map_arg
        from torch.utils.flop_counter import FlopCounterMode

        mode = next((each.fake_mode for each in _fake_tensors(node)), None)
        if mode is None:
            return 0
        try:
            args, kwargs = (map_arg(each, lambda inner: inner.meta["val"]) for each in (node.args, node.kwargs))
            with mode, FlopCounterMode(display=False) as counter:
                node.target(*args, **kwargs)
        except Exception:
            return None  # what the operator raises on tensors without values is PyTorch's
        return int(counter.get_total_flops()) // 2

    def _import_opaque(self, node: FxNode, tensors: Sequence[Tensor], read: Sequence[Value]) -> Any:
        """Add an operator without a rule, with PyTorch's own count of its multiply-adds."""
        import torch

        value = node.meta.get("val")
        if value is None or isinstance(value, (int, float, bool)):  # an assertion, or a number
            return ConstantTensor(None)
        stored = self.count_weights(*read)
        dims = output_dims(node)
        if torch.Tag.pointwise in getattr(node.target, "tags", ()) and dims is not None:
            return self.elementwise(node, tensors, dims, stored)
        macs = self._multiply_adds(node)
        output = self.opaque(node, dims, tensors, stored=stored, known=macs is not None, macs=macs or 0)
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


def _graphs(program: ExportedProgram) -> list[Any]:
    """Return the graph of a program and those within it."""
    parts = program.graph_module.modules()
    return [part.graph for part in parts if hasattr(part, "graph")]


def _fake_tensors(node: FxNode) -> Iterator[Any]:
    """Yield the tensors without values that a node reads in the trace."""
    for each in node.all_input_nodes:
        values = each.meta.get("val")
        for value in values if isinstance(values, (list, tuple)) else [values]:
            if hasattr(value, "fake_mode"):
                yield value


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
