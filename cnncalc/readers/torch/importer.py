"""From a trace of aten's operators to our graph: each by its rule, its output's shape known from the trace."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import Graph, StoredWeights
from cnncalc.layers import REGISTRY
from cnncalc.readers.importer import Importer, Labels, Tensor, UnknowableError, shape_of
from cnncalc.readers.shape_inference import Dims

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

#: A node of the traced graph, `torch.fx.Node`.
FxNode = Any

#: Operators that never have a row.
UNSEEN = frozenset(("getitem", "alias", "clone", "contiguous", "detach", "to", "_to_copy", "_assert_tensor_metadata"))

#: Operators that give the module they stand in its name, where others only prepare for them.
LEADING = frozenset((
    "linear", "batch_norm", "layer_norm", "group_norm", "instance_norm", "prelu",
    *(f"conv{kind}{rank}d" for kind in ("", "_transpose") for rank in (1, 2, 3)),
))  # fmt: skip

#: Operators that only move elements, choose among them or make new ones: they neither learn nor multiply.
MOVING = frozenset((
    "amin", "arange", "argmax", "argmin", "as_strided", "broadcast_to", "copy", "cumsum", "diagonal", "embedding",
    "expand", "expand_as", "flip", "full_like", "gather", "grid_sampler", "im2col", "index", "index_put",
    "index_select", "masked_fill", "max", "min", "movedim", "new_zeros", "norm", "linalg_vector_norm", "ones_like",
    "pad", "pixel_unshuffle", "repeat", "repeat_interleave", "roll", "rot90", "scatter", "select", "slice_scatter",
    "sort", "stack", "std", "take", "tile", "topk", "tril", "triu", "unbind", "unfold", "var", "var_mean",
    "zeros_like", "rms_norm", "local_response_norm", "meshgrid", "squeeze", "lp_pool2d", "fractional_max_pool2d",
))  # fmt: skip


class Weights(NamedTuple):
    """What does not depend on the input: its dimensions, and the parameters and buffers that it is made of."""

    dims: Dims | None
    sources: frozenset[int] = frozenset()


Value = Union[Tensor, Weights]


class Bound(dict[str, Any]):
    """An operator's arguments by name, tensors as values; one that this overload does not have is `UnknowableError`."""

    def __missing__(self, name: str) -> NoReturn:
        raise UnknowableError

    @property
    def subject(self) -> Tensor:
        """The tensor that the operator works on: in aten `input`, or `self` where it is a method too."""
        found = self["input"] if "input" in self else self["self"]
        if not isinstance(found, Tensor):
            raise UnknowableError
        return found


class ParameterSource(NamedTuple):
    """A parameter or buffer: how many elements it has, and whether training changes it."""

    name: str
    elements: int
    trained: bool


Rule = Callable[["TorchImporter", FxNode, "Bound"], Any]

#: aten's name of an operator, without the `_` of those in place → its rule.
RULES: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Let the function be the rule of these operators: from their bound arguments to the value, or values."""

    def keep(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return keep


class TorchImporter(Importer[FxNode]):
    """A traced module on its way to a graph. The shape of every tensor is known from the trace."""

    def __init__(self, program: ExportedProgram, module: torch.nn.Module) -> None:
        super().__init__()
        self.program, self.module = program, module
        self.values: dict[Any, Any] = {}
        self.sources: list[ParameterSource] = []
        #: Those that a node has counted, in order.
        self.claimed: dict[int, None] = {}
        calls = [node for node in program.graph.nodes if node.op == "call_function"]
        self.labels = Labels(
            (module_of(node), name_of(node) in LEADING) for node in calls if name_of(node) not in UNSEEN
        )

    def run(self) -> Graph:
        signature = self.program.graph_signature
        held = {
            **signature.inputs_to_parameters,
            **signature.inputs_to_buffers,
            **signature.inputs_to_lifted_tensor_constants,
        }
        tensors = {**self.program.state_dict, **self.program.constants}
        known: dict[int, Weights] = {}
        for node in self.program.graph.nodes:
            if node.op == "placeholder" and node.name in held:
                tensor = tensors.get(held[node.name])
                # Tied weights are one tensor by several names.
                weights = known.get(id(tensor)) or self._held(node, held[node.name])
                self.values[node] = known[id(tensor)] = weights
            elif node.op == "placeholder":
                self.values[node] = self._input(node)
            elif node.op == "call_function":
                self.values[node] = self._called(node)
        outputs = sorted({each.node for each in self._outputs() if isinstance(each, Tensor) and each.node >= 0})
        graph = self.builder.build(outputs[-1] if outputs else 0, type(self.module).__name__)
        graph = graph._replace(outputs=tuple(outputs)) if outputs else graph
        return graph._replace(warnings=(*graph.warnings, *self._unused()))

    def _outputs(self) -> Iterable[Any]:
        last = next(node for node in self.program.graph.nodes if node.op == "output")
        return [self.values.get(node) for node in last.all_input_nodes]

    def _held(self, node: FxNode, name: str) -> Weights:
        value = node.meta["val"]
        trained = node.name in self.program.graph_signature.inputs_to_parameters
        real = value.is_floating_point() or value.is_complex()
        self.sources.append(ParameterSource(name, value.numel() if real else 0, trained))
        return Weights(tuple(value.shape), frozenset({len(self.sources) - 1}))

    def _input(self, node: FxNode) -> Value:
        dims = dims_of(node)
        if dims is None:
            return Weights(None)
        layer = REGISTRY["input"]("input", shape=shape_of(dims, 1).dims)
        return Tensor(self.builder.add(layer, (), name=self.labels.names(node.name)), dims, 1)

    def _unused(self) -> Iterable[Diagnostic]:
        """A warning where the forward pass leaves parameters out: they are no part of the totals."""
        rest = [each for at, each in enumerate(self.sources) if each.trained and at not in self.claimed]
        if rest:
            count = sum(each.elements for each in rest)
            message = f"{count:,} parameters are not counted: the forward pass does not use `{rest[0].name}`"
            message += f" and {len(rest) - 1} more" if len(rest) > 1 else ""
            help = "some are for training alone (auxiliary heads)"
            yield Diagnostic("W301", message, help=help)

    # -- nodes -------------------------------------------------------------------------------------------

    def label(self, node: FxNode) -> tuple[str | None, str]:
        return self.labels.of(module_of(node), name_of(node) in LEADING)

    def operator(self, node: FxNode) -> str:
        return name_of(node)

    def claim(self, *given: Any) -> StoredWeights:
        """The elements of parameters and buffers that no node before has counted."""
        params = buffers = 0
        for each in given:
            if isinstance(each, Weights):
                for at in sorted(each.sources - self.claimed.keys()):
                    self.claimed[at] = None
                    params += self.sources[at].elements if self.sources[at].trained else 0
                    buffers += 0 if self.sources[at].trained else self.sources[at].elements
        return StoredWeights(params, buffers)

    def _called(self, node: FxNode) -> Any:
        read = [value for each in node.all_input_nodes for value in _flat(self.values.get(each))]
        tensors = [value for value in read if isinstance(value, Tensor)]
        if not tensors:
            sources = frozenset().union(*(each.sources for each in read if isinstance(each, Weights)))
            return Weights(dims_of(node), sources)
        if any(each.node == NO_NODE for each in tensors):
            return Tensor(NO_NODE, None)
        if name_of(node) == "getitem":
            value = self.values[node.args[0]]
            at = node.args[1]
            return value[at] if isinstance(value, list) and at < len(value) else value
        found = RULES.get(name_of(node))
        if found is not None:
            before = len(self.claimed)
            try:
                return found(self, node, self._bound(node))
            except ValueError:  # UnknowableError, and what no layer of ours takes
                while len(self.claimed) > before:
                    self.claimed.popitem()
        return self._unnamed(node, tensors, read)

    def _unnamed(self, node: FxNode, tensors: Sequence[Tensor], read: Sequence[Value]) -> Any:
        """A row by the operator's own name. What works element by element is known, and so is what only moves them."""
        import torch

        stored = self.claim(*read)
        dims = dims_of(node)
        if torch.Tag.pointwise in getattr(node.target, "tags", ()) and dims is not None:
            return self.plain(node, tensors, dims, stored)
        known = name_of(node) in MOVING and not stored.params
        row = self.foreign(node, dims, tensors, stored=stored, known=known)
        value = node.meta.get("val")
        if not isinstance(value, (tuple, list)):
            return row
        return [row._replace(dims=tuple(each.shape)) if hasattr(each, "shape") else row for each in value]

    def _bound(self, node: FxNode) -> Bound:
        """The operator's arguments by name, tensors as values and defaults filled in."""
        declared = node.target._schema.arguments
        given = dict(zip([each.name for each in declared], node.args, strict=False))
        bound = {each.name: each.default_value for each in declared if each.has_default_value()}
        return Bound({name: self._looked_up(value) for name, value in {**bound, **given, **node.kwargs}.items()})

    def _looked_up(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [self._looked_up(each) for each in value]
        return self.values[value] if getattr(value, "op", None) is not None else value


def _flat(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list) else [value]


def name_of(node: FxNode) -> str:
    """aten's name of the operator, that of one in place without its `_`: `relu`."""
    name: str = getattr(node.target, "__name__", str(node.target))
    return name.partition(".")[0].rstrip("_") or name


def module_of(node: FxNode) -> str:
    """The path of the module that calls the operator; empty for the outermost."""
    stack = node.meta.get("nn_module_stack") or {}
    path: str = list(stack.values())[-1][0] if stack else ""
    # A module that is called again is told apart by an @.
    return path.partition("@")[0]


def dims_of(node: FxNode) -> Dims | None:
    """The shape of the node's tensor, or that of the first of several."""
    value = node.meta.get("val")
    if isinstance(value, (tuple, list)):
        value = value[0] if value else None
    shape = getattr(value, "shape", None)
    return tuple(map(int, shape)) if shape is not None else None
