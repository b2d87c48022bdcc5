"""PyTorch modules, traced by `torch.export` on fake tensors: nothing is computed, and no weights are needed.

A module comes from `cnncalc.from_torch`, or on the command line from what builds it, `torch:package.module:factory`,
whose code is run. Files of pickled modules are never opened (`readers.refuse_pickle`).
"""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from math import prod
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn, Union

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import Graph, Stored
from cnncalc.layers import REGISTRY
from cnncalc.readers import ReadOptions, missing_library, refuse
from cnncalc.readers.dims import Dims, MisfitError, axes_of, axis_of
from cnncalc.readers.rows import Labels, Rows, Tensor, UnknowableError, shape_of
from cnncalc.shape import Padding

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram

#: A node of the traced graph, `torch.fx.Node`.
FxNode = Any


def read(name: str, options: ReadOptions) -> Graph:
    """The graph of what a factory builds, `package.module:factory`, whose code is run.

    Raises `SpecError` E310 where there is none or it fails, E308 where no input is given, and as `from_module`.
    """
    place, _, factory = name.partition(":")
    if not place or not factory:
        refuse("E310", f"`torch:{name}` names no factory", help="write `torch:package.module:factory`")
    _require_torch()
    if options.dims:
        refuse(
            "E309", "`--dim` does not apply here", "a module has no symbolic dimensions", help="give `--input HxWxC`"
        )
    if options.input is None:
        refuse("E308", f"the input of `{name}` is open", "a module does not say it", help="add `--input 224x224x3`")
    return from_module(_built(place, factory), [options.input])


def _require_torch() -> None:
    try:
        import torch.export  # noqa: F401 - whether it is there
    except ImportError:
        missing_library("torch", "torch", "PyTorch modules")


def _built(place: str, factory: str) -> torch.nn.Module:
    """The module that a factory of the importable module `place` builds; its code is run."""
    import torch

    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        found: Any = import_module(place)
        for part in factory.split("."):
            found = getattr(found, part)
        module = found if isinstance(found, torch.nn.Module) else found()
    except (Exception, SystemExit) as error:
        refuse("E310", f"`torch:{place}:{factory}` cannot be built", _first_line(error))
    if not isinstance(module, torch.nn.Module):
        refuse("E310", f"`torch:{place}:{factory}` builds no module", f"it gives a {type(module).__name__}")
    return module


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__


def from_module(module: torch.nn.Module, inputs: Sequence[Any]) -> Graph:
    """The graph of a module for inputs that are shapes, channels last, or example tensors with their batch of 1.

    Raises `SpecError` E311 where the module cannot be traced.
    """
    _require_torch()
    import torch

    examples = tuple(each if isinstance(each, torch.Tensor) else _example(module, each) for each in inputs)
    training = {part for part in module.modules() if part.training}
    module.eval()
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            program = torch.export.export(module, examples, strict=False)
        program.graph.eliminate_dead_code()
    except Exception as error:
        help = "the forward pass must not depend on the values of its input; another shape, or parts of it, may do"
        refuse("E311", f"`{type(module).__name__}` cannot be traced", _first_line(error), help=help)
    finally:
        for part in training:
            part.training = True
    return Traced(program, module).run()


def _example(module: torch.nn.Module, shape: Sequence[int]) -> torch.Tensor:
    import torch

    *spatial, channels = shape
    like = next(module.parameters(), None)
    dtype, device = (like.dtype, like.device) if like is not None and like.is_floating_point() else (None, None)
    return torch.empty(1, channels, *spatial, dtype=dtype, device=device)


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


class Source(NamedTuple):
    """A parameter or buffer: how many elements it has, and whether training changes it."""

    name: str
    elements: int
    trained: bool


Rule = Callable[["Traced", FxNode, "Bound"], Any]

#: aten's name of an operator, without the `_` of those in place → its rule.
RULES: dict[str, Rule] = {}


def rule(*operators: str) -> Callable[[Rule], Rule]:
    """Let the function be the rule of these operators: from their bound arguments to the value, or values."""

    def keep(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(operators, function))
        return function

    return keep


class Traced(Rows[FxNode]):
    """A traced module on its way to a graph. The shape of every tensor is known from the trace."""

    def __init__(self, program: ExportedProgram, module: torch.nn.Module) -> None:
        super().__init__()
        self.program, self.module = program, module
        self.values: dict[Any, Any] = {}
        self.sources: list[Source] = []
        self.claimed: set[int] = set()
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
        self.sources.append(Source(name, value.numel() if real else 0, trained))
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

    def claim(self, *given: Any) -> Stored:
        """The elements of parameters and buffers that no node before has counted."""
        params = buffers = 0
        for each in given:
            if isinstance(each, Weights):
                for at in sorted(each.sources - self.claimed):
                    self.claimed.add(at)
                    params += self.sources[at].elements if self.sources[at].trained else 0
                    buffers += 0 if self.sources[at].trained else self.sources[at].elements
        return Stored(params, buffers)

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
            try:
                return found(self, node, self._bound(node))
            except (UnknowableError, MisfitError):
                pass
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


def _weights(value: Any) -> Dims:
    if not isinstance(value, (Weights, Tensor)) or value.dims is None:
        raise UnknowableError
    return value.dims


def _per_axis(value: Any, rank: int) -> tuple[int, ...]:
    values = tuple(value) if isinstance(value, (list, tuple)) else (value,)
    return values * rank if len(values) == 1 else values


def _padding(value: Any, rank: int) -> Padding:
    if isinstance(value, str):
        return Padding(value)
    ends = tuple((each, each) for each in _per_axis(value, rank))
    return Padding("explicit", ends) if any(map(any, ends)) else Padding("valid")


# -- windows ---------------------------------------------------------------------------------------------------


@rule("conv1d", "conv2d", "conv3d")
def conv(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x, weight, bias, groups = given.subject, _weights(given["weight"]), given["bias"], given["groups"]
    rank, filters = len(weight) - 2, weight[0]
    channels = weight[1] * groups
    values: dict[str, Any] = {
        "kernel": weight[2:],
        "stride": _per_axis(given["stride"], rank),
        "dilation": _per_axis(given["dilation"], rank),
        "padding": _padding(given["padding"], rank),
        "bias": bias is not None,
    }
    stored = traced.claim(given["weight"], bias)
    if groups == channels > 1 and filters % channels == 0:
        return traced.layer(node, "dwconv", x, stored, multiplier=filters // channels, **values)
    return traced.layer(node, "conv", x, stored, groups=groups, filters=filters, **values)


@rule("conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
def conv_transpose(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    weight, bias = _weights(given["weight"]), given["bias"]
    rank, groups = len(weight) - 2, given["groups"]
    return traced.layer(
        node,
        "deconv",
        given.subject,
        traced.claim(given["weight"], bias),
        kernel=weight[2:],
        stride=_per_axis(given["stride"], rank),
        dilation=_per_axis(given["dilation"], rank),
        padding=_padding(given["padding"], rank),
        output_padding=_per_axis(given["output_padding"], rank),
        groups=groups,
        filters=weight[1] * groups,
        bias=bias is not None,
    )


@rule("max_pool1d", "max_pool2d", "max_pool3d", "avg_pool1d", "avg_pool2d", "avg_pool3d", "max_pool2d_with_indices")
def pool(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    rank = len(x.known) - 2
    kernel = _per_axis(given["kernel_size"], rank)
    values: dict[str, Any] = {
        "kernel": kernel,
        "stride": _per_axis(given["stride"] or kernel, rank),
        "padding": _padding(given["padding"], rank),
        "rounding": "ceil" if given["ceil_mode"] else "floor",
    }
    if name_of(node).startswith("avg"):
        return traced.layer(node, "avgpool", x, **values)
    return traced.layer(node, "pool", x, dilation=_per_axis(given["dilation"], rank), **values)


@rule(*(f"adaptive_{kind}_pool{rank}d" for kind in ("avg", "max") for rank in (1, 2, 3)))
def adaptive_pool(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = traced.turned(node, given.subject, 1)
    kind = name_of(node).removeprefix("adaptive_")[:3]
    size = _per_axis(given["output_size"], len(x.known) - 2)
    if set(size) == {1}:
        return traced.layer(node, {"avg": "gap", "max": "gmp"}[kind], x)
    return traced.layer(node, f"adaptive{kind}pool", x, size=size)


# -- products and norms ----------------------------------------------------------------------------------------


@rule("linear")
def linear(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    """An fc on a vector; a conv 1x1 at every place of a sample."""
    x, weight, bias = given.subject, _weights(given["weight"]), given["bias"]
    dims, stored, rank = dims_of(node), traced.claim(given["weight"], bias), len(x.known) - 2
    if dims is None or len(weight) != 2:
        raise UnknowableError
    if not x.whole or rank > 3:
        return traced.foreign(node, dims, [x], len(dims) - 1, stored, macs=prod(dims) * weight[1])
    x = traced.turned(node, x, len(x.known) - 1)
    if rank == 0:
        layer = traced.same(node, "fc", x, stored, units=weight[0], bias=bias is not None)
    else:
        layer = traced.same(node, "conv", x, stored, kernel=(1,), filters=weight[0], bias=bias is not None)
    return Tensor(layer.node, dims, len(dims) - 1)


@rule("matmul", "mm", "bmm", "addmm", "baddbmm", "dot", "mv")
def product(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    """A product of matrices: as many multiply-adds for each output element as the matrices share."""
    left, right = given.get("mat1", given.get("batch1", given.get("self"))), None
    for name in ("mat2", "batch2", "other", "tensor", "vec"):
        right = given.get(name, right)
    tensors = [each for each in given.values() if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    shared = _weights(left)[-1]
    _weights(right)
    stored = traced.claim(*given.values())
    return traced.foreign(node, dims, tensors, len(dims) - 1, stored, macs=prod(dims) * shared)


@rule("scaled_dot_product_attention")
def attention(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    """Two products: of queries with keys, and of what that weighs with values."""
    query, key, value = (_weights(given[name]) for name in ("query", "key", "value"))
    tensors = [each for each in given.values() if isinstance(each, Tensor)]
    dims = dims_of(node)
    macs = prod(query[:-1]) * key[-2] * (query[-1] + value[-1])
    return traced.foreign(node, dims, tensors, len(query) - 1, traced.claim(*given.values()), macs=macs)


@rule("batch_norm")
def batch_norm(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"], given["running_mean"], given["running_var"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "bn", x, stored, affine=given["weight"] is not None)


@rule("layer_norm")
def layer_norm(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x, stored = given.subject, traced.claim(given["weight"], given["bias"])
    if len(given["normalized_shape"]) != 1:
        return traced.plain(node, [x], x.known, stored)
    x = traced.turned(node, x, len(x.known) - 1)
    return traced.same(node, "ln", x, stored, affine=given["weight"] is not None)


@rule("group_norm")
def group_norm(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "gn", x, stored, groups=given["num_groups"], affine=given["weight"] is not None)


@rule("instance_norm")
def instance_norm(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"], given["bias"], given["running_mean"], given["running_var"])
    x = traced.turned(node, given.subject, 1)
    return traced.same(node, "instancenorm", x, stored, affine=given["weight"] is not None)


# -- element by element ----------------------------------------------------------------------------------------

WORDS = {
    "relu": "relu", "relu6": "relu6", "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "mish": "mish",
    "sigmoid": "sigmoid", "hardsigmoid": "hardsigmoid", "hardswish": "hardswish", "tanh": "tanh",
    "softplus": "softplus", "softsign": "softsign", "softmax": "softmax", "log_softmax": "logsoftmax",
}  # fmt: skip


@rule(*WORDS)
def activation(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, WORDS[name_of(node)], given.subject)


@rule("hardtanh", "clamp", "clip")
def hardtanh(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    bounds = given.get("min_val", given.get("min")), given.get("max_val", given.get("max"))
    words: dict[Any, str] = {(0, 6): "relu6", (-1, 1): "hardtanh", (0, None): "relu"}
    word = words.get(bounds)
    if word is None:
        raise UnknowableError
    return traced.same(node, word, given.subject)


@rule("leaky_relu")
def leaky_relu(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "leakyrelu", given.subject, slope=given["negative_slope"])


@rule("elu")
def elu(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "elu", given.subject, alpha=given["alpha"])


@rule("prelu")
def prelu(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    stored = traced.claim(given["weight"])
    return traced.same(node, "prelu", given.subject, stored, shared=prod(_weights(given["weight"])) == 1)


@rule("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def dropout(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.same(node, "dropout", given.subject, rate=min(given["p"], 0.999))


@rule("alias", "clone", "contiguous", "detach", "to", "_to_copy", "lift_fresh_copy", "type_as", "float", "identity")
def passed_on(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    """The same numbers, in another type or place at most: no row."""
    return given.subject


@rule("add", "mul")
def combined(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    """`add` or `mul` of tensors; with a parameter for each channel a `scale`, with any other a row of its own."""
    both = given["self"], given["other"]
    tensors = [each for each in both if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    if len(tensors) == 2:
        return traced.merged(node, name_of(node), tensors, dims) or traced.plain(node, tensors, dims)
    x, stored = tensors[0], traced.claim(*both)
    wanted = tuple(size if axis == x.channel else 1 for axis, size in enumerate(dims))
    weights = next((each.dims for each in both if isinstance(each, Weights)), None)
    per_channel = weights is not None and (1,) * (len(dims) - len(weights)) + weights == wanted
    if name_of(node) == "mul" and per_channel and dims == x.dims and stored.params:
        return traced.same(node, "scale", x, stored)
    return traced.plain(node, tensors, dims, stored)


# -- moving elements -------------------------------------------------------------------------------------------


@rule("flatten", "reshape", "view", "unsqueeze", "squeeze", "unflatten", "_unsafe_view", "ravel")
def reshape(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    return traced.reshaped(node, given.subject, dims)


@rule("permute", "transpose", "t", "swapaxes", "movedim")
def permute(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    order = list(range(len(x.known)))
    if name_of(node) == "permute":
        order = [axis_of(axis, len(order)) for axis in given["dims"]]
    elif name_of(node) == "movedim":
        raise UnknowableError
    else:
        first, second = given.get("dim0", given.get("axis0", 0)), given.get("dim1", given.get("axis1", 1))
        first, second = axis_of(first, len(order)), axis_of(second, len(order))
        order[first], order[second] = order[second], order[first]
    return traced.transposed(node, x, order)


@rule("cat", "concat", "concatenate")
def cat(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    tensors = [each for each in given["tensors"] if isinstance(each, Tensor)]
    dims = dims_of(node)
    if dims is None:
        raise UnknowableError
    axis = axis_of(given["dim"], len(dims))
    stored = traced.claim(*given["tensors"]) if len(tensors) < len(given["tensors"]) else None
    return traced.joined(node, tensors, dims, axis, stored)


@rule("chunk", "split", "split_with_sizes", "unsafe_chunk", "tensor_split")
def split(traced: Traced, node: FxNode, given: Bound) -> list[Tensor]:
    x = given.subject
    axis = axis_of(given["dim"], len(x.known))
    return traced.split(node, x, axis, [each.shape[axis] for each in node.meta["val"]])


@rule("slice", "narrow")
def take(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    axis = axis_of(given["dim"], len(x.known))
    start = given["start"] or 0
    end = start + given["length"] if name_of(node) == "narrow" else given["end"]
    taken = [range(size) for size in x.known]
    taken[axis] = range(*slice(start, end, given.get("step") or 1).indices(x.known[axis]))
    return traced.taken(node, x, taken)


@rule("mean", "amax", "sum", "amin")
def reduce(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    axes = axes_of(given.get("dim") or None, len(x.known))
    word = {"mean": "gap", "amax": "gmp"}.get(name_of(node))
    return traced.reduced(node, x, axes, bool(given.get("keepdim", False)), word)


@rule("pad", "constant_pad_nd", *(f"{mode}_pad{rank}d" for mode in ("reflection", "replication") for rank in (1, 2, 3)))
def pad(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x = given.subject
    amounts = given["pad"] if "pad" in given else given["padding"]
    last = len(x.known) - 1
    # The last axis comes first, its beginning and its end.
    ends = {last - at: (amounts[2 * at], amounts[2 * at + 1]) for at in range(len(amounts) // 2)}
    return traced.padded(node, x, ends)


@rule(
    *(f"upsample_{mode}" for mode in ("nearest1d", "nearest2d", "nearest3d", "linear1d", "bilinear2d", "trilinear3d"))
)
@rule("_upsample_nearest_exact2d", "upsample_bicubic2d", "_upsample_bilinear2d_aa")
def upsample(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    x, dims = given.subject, dims_of(node)
    if dims is None:
        raise UnknowableError
    name = name_of(node)
    mode = "nearest" if "nearest" in name else None if "bicubic" in name or "_aa" in name else "bilinear"
    return traced.resized(node, x, dims, mode)


@rule("pixel_shuffle")
def pixel_shuffle(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.layer(node, "pixelshuffle", given.subject, factor=given["upscale_factor"])


@rule("channel_shuffle", "native_channel_shuffle")
def channel_shuffle(traced: Traced, node: FxNode, given: Bound) -> Tensor:
    return traced.layer(node, "shuffle", given.subject, groups=given["groups"])


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
