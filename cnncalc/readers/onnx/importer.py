"""From an ONNX graph to ours: each node by its operator's rule, in the file's order.

A tensor is either `ConstantTensor` (known before the network runs) or a `Tensor`, which a node of our graph gives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from math import prod
from os import path as paths
from typing import Union

from cnncalc.diagnostics import Diagnostic
from cnncalc.graph import UNKNOWN as NO_NODE
from cnncalc.graph import Graph, StoredWeights
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import ReadOptions, plain, refuse
from cnncalc.readers.importer import Importer, Labels, Tensor, CannotInferError, shape_of
from cnncalc.readers.onnx import constant_folding
from cnncalc.readers.onnx.constant_folding import ConstantTensor
from cnncalc.readers.onnx.model import REAL_TYPES, WEIGHT_TYPES, Dimension, ModelDef, NodeDef, TensorDef, ValueDef
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, text

#: Over all nodes, so many elements are worked out before values are no longer followed.
MAX_FOLDED = 3_000_000

#: Constants may be made of one another; so many ways from one to another are followed.
MAX_DERIVED = 5_000_000

#: Tensors have at most so many axes.
MAX_RANK = 16


Value = Union[ConstantTensor, Tensor]


class Operands:
    """A node's inputs by their place, as its rule asks for them."""

    def __init__(self, values: Sequence[Value | None]) -> None:
        self.values = values

    def get(self, at: int) -> Value | None:
        return self.values[at] if at < len(self.values) else None

    def value(self, at: int) -> Value:
        found = self.get(at)
        if found is None:
            raise CannotInferError
        return found

    def tensor(self, at: int) -> Tensor:
        """The input that is computed; raises `CannotInferError` where it is constant or left out."""
        found = self.get(at)
        if not isinstance(found, Tensor):
            raise CannotInferError
        return found

    def static(self, at: int) -> ConstantTensor | None:
        """The input that is constant; None where it is left out; raises `CannotInferError` where it is computed."""
        found = self.get(at)
        if isinstance(found, Tensor):
            raise CannotInferError
        return found

    @property
    def statics(self) -> list[ConstantTensor | None]:
        """All inputs, those that are computed as if left out."""
        return [each if isinstance(each, ConstantTensor) else None for each in self.values]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        return tuple(each for each in self.values if isinstance(each, Tensor))


Rule = Callable[["OnnxImporter", NodeDef, Operands], Results]

#: (domain, operator) → its rule; the families of operators fill it.
RULES: dict[tuple[str, str], Rule] = {}

#: Where the operators of ONNX Runtime live.
RUNTIME = "com.microsoft"


def rule(*operators: str, domain: str = "") -> Callable[[Rule], Rule]:
    """Let the function be the rule of these operators: from the operands to the values of the outputs.

    It raises `ShapeMismatchError` where the file contradicts itself, and `CannotInferError` where the result cannot be told.
    """

    def keep(function: Rule) -> Rule:
        RULES.update({(domain, name): function for name in operators})
        return function

    return keep


class OnnxImporter(Importer[NodeDef]):
    """One file on its way to a graph: the values by name, and the builder that takes the layers."""

    def __init__(self, model: ModelDef, path: str, options: ReadOptions) -> None:
        super().__init__()
        self.model, self.path, self.options = model, path, options
        self.opset = model.opset
        self.values: dict[str, Value] = {}
        #: Of each tensor that the file holds: its elements, and whether they are of a weight's type.
        self.sources: list[tuple[int, bool]] = []
        #: Those that a node has counted, in order.
        self.claimed: dict[int, None] = {}
        #: Tensors that Constant nodes make.
        self.literals: set[str] = set()
        self.folded = self.derived = 0
        stated = [size for value in model.inputs for size in value.dims or ()]
        self.symbols = {size for size in stated if isinstance(size, str)}
        #: The batch that the file fixes: reshapes to it mean ours.
        self.batch = 1
        self.labels = Labels((module_of(node), _leads(node)) for node in model.nodes if node.operator not in UNSEEN)
        self.read = {name for node in model.nodes for name in node.inputs} | {each.name for each in model.outputs}
        self.node: NodeDef | None = None

    def run(self) -> Graph:
        self._check_symbols()
        for number, value in enumerate(self.model.inputs):
            self.values[value.name] = self._input(value, first=number == 0)
        for node in self.model.nodes:
            self.node = node
            self._run(node)
        return self._built()

    def _built(self) -> Graph:
        name = paths.splitext(paths.basename(self.path))[0]
        declared = [self.values.get(each.name) for each in self.model.outputs]
        outputs = {each.node for each in declared if isinstance(each, Tensor) and each.node >= 0}
        graph = self.builder.build(max(outputs, default=0), name)
        return graph._replace(outputs=tuple(sorted(outputs))) if outputs else graph

    # -- values ------------------------------------------------------------------------------------------

    def _value(self, name: str) -> Value | None:
        if not name:
            return None
        found = self.values.get(name)
        if found is None:
            tensor = self.model.initializers.get(name)
            if tensor is None:
                node = self.node.name or self.node.operator if self.node else ""
                refuse(
                    "E307",
                    f"`{node[:80]}` reads `{name[:80]}`, which is not there yet",
                    "no input, weight or node before it is of this name",
                    ("nodes stand in the order they run in; a cycle has none",),
                )
            found = self.values[name] = self.held(tensor)
        return found

    def held(self, tensor: TensorDef) -> ConstantTensor:
        """A tensor that the file holds, as a source of weights."""
        if len(tensor.dims) > MAX_RANK:
            refuse("E302", f"the tensor `{tensor.name[:80]}` has no valid shape", f"it has {len(tensor.dims)} axes")
        return ConstantTensor(tensor.dims, tensor.values, self.source(tensor.elements, tensor.type in WEIGHT_TYPES))

    def source(self, elements: int, weights: bool) -> frozenset[int]:
        self.sources.append((elements, weights))
        return frozenset({len(self.sources) - 1})

    def claim(self, *given: Value | None, single: bool = True, any_type: bool = False) -> int:
        """The elements of weights that no node before has counted; without `single`, lone numbers are none."""
        count = 0
        for each in given:
            if not isinstance(each, ConstantTensor):
                continue
            for source in sorted(each.sources - self.claimed.keys()):
                elements, weights = self.sources[source]
                if (weights or any_type) and (single or elements != 1):
                    self.claimed[source] = None
                    count += elements
        return count

    def _input(self, value: ValueDef, first: bool) -> Value:
        if value.dims is None:
            foreign = OpaqueOp("input", None, known=False)
            return Tensor(self.builder.add(foreign, (), name=self._input_name(value)), None)
        dims = list(self._resolved(value.dims, batch=True))
        channel = self._channel(value.name, len(dims))
        if first and self.options.input is not None:
            dims = self._overridden(value.dims, dims, channel, self.options.input)
        unknown = [stated for size, stated in zip(dims, value.dims, strict=True) if size is None]
        if unknown:
            self._refuse_open(value, unknown)
        sizes = tuple(size for size in dims if size is not None)
        if len(sizes) > MAX_RANK or any(size < 1 for size in sizes):
            refuse("E302", f"the input `{value.name[:80]}` has no valid shape", text(sizes))
        layer = make("input", shape=shape_of(sizes, channel).dims)
        return Tensor(self.builder.add(layer, (), name=self._input_name(value)), sizes, channel)

    @staticmethod
    def _overridden(
        stated: Sequence[Dimension], dims: Sequence[int | None], channel: int, given: tuple[int, ...]
    ) -> list[int | None]:
        """The dimensions of the first input with the sizes that `--input` gives, channels last."""
        rank, (*spatial, channels) = len(dims), given
        if len(given) + 1 != rank:
            fact = f"the file's first input has {rank} axes, the batch included"
            refuse("E309", f"`--input {text(given)}` does not fit the model", fact)
        fixed = stated[channel]
        if isinstance(fixed, int) and fixed != channels and rank > 2:
            fact = f"the file fixes {fixed} channels, not {channels}"
            refuse("E309", f"`--input {text(given)}` does not fit the model", fact)
        rest = iter(spatial)
        return [size if axis == 0 else channels if axis == channel else next(rest) for axis, size in enumerate(dims)]

    def _input_name(self, value: ValueDef) -> str:
        # A dot would make it part of a block.
        return self.labels.names(value.name.replace(".", "_") or "input")

    def _refuse_open(self, value: ValueDef, unknown: Sequence[Dimension]) -> None:
        names = [f"--dim {name}=N" for name in dict.fromkeys(unknown) if isinstance(name, str) and name != "?"]
        shown = "x".join("?" if each is None else str(each) for each in value.dims or ())
        whole = len(names) == len(set(unknown))
        help = f"add `--input HxWxC`{', or `' + ' '.join(names) + '`' if names and whole else ''}"
        refuse("E308", f"the file leaves the size of `{value.name[:80]}` open", f"its shape is {shown}", help=help)

    def _resolved(self, dims: Sequence[Dimension], batch: bool) -> list[int | None]:
        """The sizes with symbols put in; a batch (the first of several axes) that is open is 1, as is a fixed one."""
        sizes: list[int | None] = []
        for axis, size in enumerate(dims):
            found = self.options.dims.get(size) if isinstance(size, str) else size
            if batch and axis == 0 and len(dims) > 1:
                if isinstance(size, str) and found not in (None, 1):
                    fact = f"`{size}` is the batch, and shapes here are of one sample"
                    refuse(
                        "E309", f"`--dim {size}={found}` is no size of the model", fact, help=f"use `--batch {found}`"
                    )
                self.batch = found if isinstance(found, int) and found > 1 else self.batch
                found = 1
            sizes.append(found)
        return sizes

    def _check_symbols(self) -> None:
        wrong = [name for name in self.options.dims if name not in self.symbols]
        if wrong:
            there = ", ".join(f"`{name[:80]}`" for name in sorted(self.symbols)) or "none"
            fact = f"symbolic dimensions of its inputs: {there}"
            refuse("E309", f"the model has no dimension `{wrong[0][:80]}`", fact)

    def _channel(self, name: str, rank: int) -> int:
        """The axis of an input's channels: the second, but the last where it is turned before the first layer."""
        for node in self.model.nodes:
            if name in node.inputs:
                if node.operator == "Transpose":
                    order = node.integers("perm")
                    if order is not None and len(order) == rank and order[0] == 0 and 0 <= order[1] < rank:
                        return order[1]
                elif (
                    node.operator in ("Cast", "Identity", "Sub", "Div", "Mul", "Add", "QuantizeLinear") and node.outputs
                ):
                    name = node.outputs[0]
                    continue
                break
        return 1

    # -- nodes -------------------------------------------------------------------------------------------

    def _run(self, node: NodeDef) -> None:
        operands = Operands([self._value(name) for name in node.inputs])
        if not operands.tensors and node.operator not in CONTROL:
            results: Results = self._constant(node, operands)
        elif any(each.node == NO_NODE for each in operands.tensors):
            # Behind an error that is reported already.
            results = [Tensor(NO_NODE, None)] * len(node.outputs)
        else:
            results = self._computed(node, operands)
        for name, value in zip(node.outputs, results, strict=False):
            self.values[name] = value
        for name in node.outputs[len(results) :]:
            if name in self.read:
                self.values[name] = self.opaque(node, self.stated(name), operands.tensors)

    def _constant(self, node: NodeDef, operands: Operands) -> list[ConstantTensor]:
        if node.operator == "Constant" and not node.domain:
            self.literals.update(node.outputs)
            return [self._literal(node)]
        given = operands.constants
        if self.folded > MAX_FOLDED:
            given = [each._replace(values=None) if each else None for each in given]
        results = constant_folding.fold(node, given)
        self.folded += sum(len(each.values or ()) for each in results)
        self.derived += sum(len(each.sources) for each in results)
        if self.derived > MAX_DERIVED:
            refuse("E303", f"`{self.path}` is too large", f"its constants are made of over {MAX_DERIVED:,} others")
        if node.operator == "ConstantOfShape" and results[0].dims is not None:
            tensor = node.tensor("value")
            # Weights left out of a file have a shape that stands in it; what has a computed one is a mask or the like.
            stands = node.inputs[0] in self.model.initializers or node.inputs[0] in self.literals
            weights = stands and (tensor is None or tensor.type in REAL_TYPES)
            results = [results[0]._replace(sources=self.source(prod(results[0].dims), weights))]
        return results

    def _literal(self, node: NodeDef) -> ConstantTensor:
        tensor = node.tensor("value")
        if tensor is not None:
            return self.held(tensor)
        for name, real in (("value_int", False), ("value_float", True)):
            if name in node.attributes:
                value = node.real(name, 0.0) if real else node.integer(name, 0)
                return ConstantTensor((), (value,), self.source(1, real))
        whole, reals = node.integers("value_ints"), node.reals("value_floats")
        if whole is not None:
            return ConstantTensor((len(whole),), whole, self.source(len(whole), False))
        return (
            ConstantTensor((len(reals),), reals, self.source(len(reals), True)) if reals else constant_folding.UNKNOWN
        )

    def _computed(self, node: NodeDef, operands: Operands) -> Results:
        rule = RULES.get((node.domain, node.operator))
        if rule is not None and all(each.dims is not None for each in operands.tensors):
            before = len(self.claimed)
            try:
                return rule(self, node, operands)
            except ShapeMismatchError as misfit:
                return self._contradiction(node, str(misfit))
            except (ValueError, ArithmeticError):  # CannotInferError, and arguments that make no sense
                while len(self.claimed) > before:
                    self.claimed.popitem()
        stated = self.stated(node.outputs[0]) if node.outputs else None
        # Behind a shape that nobody knows, what neither learns nor multiplies is no further loss.
        behind = any(each.dims is None for each in operands.tensors)
        known = rule is not None and node.operator not in COSTLY and (behind or stated is not None)
        stored = StoredWeights(self.claim(*operands.constants, single=False))
        return [self.opaque(node, stated, operands.tensors, known=known, stored=stored)]

    def _contradiction(self, node: NodeDef, fact: str) -> list[Value]:
        """Report a node whose inputs do not fit; what follows it is left out."""
        name = module_of(node) or plain(node.name or node.operator)
        self.problems.add(
            Diagnostic("E306", f"`{name}` ({node.operator}) does not fit its input", None, fact, layer=name)
        )
        if self.builder.failed_at is None:
            self.builder.failed_at = len(self.builder.nodes)
        return [Tensor(NO_NODE, None)] * max(len(node.outputs), 1)

    def stated(self, name: str) -> Dims | None:
        """The shape that the file states for a tensor, where that leaves nothing open."""
        stated = self.model.stated.get(name)
        if stated is None:
            return None
        sizes = self._resolved(stated, batch=False)
        if len(sizes) > 1 and (sizes[0] is None or sizes[0] == self.batch):
            sizes[0] = 1
        found = tuple(size for size in sizes if size is not None)
        return found if len(found) == len(sizes) <= MAX_RANK and all(size > 0 for size in found) else None

    def for_one_sample(self, target: list[int], x: Tensor) -> list[int]:
        """The sizes that the file gives a tensor for its own batch, for one sample."""
        batched = self.batch > 1 and x.is_sample and target[:1] == [self.batch]
        return [1, *target[1:]] if batched else target

    # -- rows --------------------------------------------------------------------------------------------

    def label(self, node: NodeDef) -> tuple[str | None, str]:
        return self.labels.of(module_of(node), _leads(node))

    def operator(self, node: NodeDef) -> str:
        return node.operator


#: Operators with graphs inside: never folded.
CONTROL = ("If", "Loop", "Scan", "SequenceMap")

#: Operators that learn or multiply: without a shape to go by, their cost is not known.
COSTLY = frozenset(
    f"{prefix}{name}"
    for prefix in ("", "QLinear", "Fused")
    for name in (
        *("Conv", "ConvTranspose", "ConvInteger", "DeformConv"),
        *("Gemm", "QGemm", "MatMul", "MatMulInteger", "Einsum"),
    )
)

#: Operators that never have a row.
UNSEEN = frozenset(("Constant", "Identity", "Shape"))

#: Operators that give the module they stand in its name, where others only prepare for them.
MODULES = COSTLY | {"BatchNormalization", "LayerNormalization", "InstanceNormalization", "GroupNormalization", "PRelu"}


def _leads(node: NodeDef) -> bool:
    return node.operator in MODULES


def module_of(node: NodeDef) -> str:
    """The module that a node's name tells, `/layer1/layer1.0/conv1/Conv` as `layer1.0.conv1`; empty where none."""
    if node.module:
        return _dotted(node.module)
    name = node.name.strip("/")
    if "/" not in name:
        # `Conv_12`, `p2o.Conv.0`, `n7`, `node_cat` and their like are the exporter's names, no one else's.
        numbered = rf"(.*\.)?({re.escape(node.operator)}[._]?|[a-z_]{{0,3}})\d*|node_\w*"
        return "" if re.fullmatch(numbered, name, re.IGNORECASE) else _dotted(name)
    head, _, last = name.rpartition("/")
    return _dotted(head if last.startswith(node.operator) else name)


def _dotted(module: str) -> str:
    """The path with dots, a part that repeats the one before it said once: `layer1/layer1.0/conv1`."""
    found: list[str] = []
    for part in module.split("/"):
        if found and part.startswith(f"{found[-1]}."):
            found[-1] = part
        elif part:
            found.append(part)
    return plain(".".join(found))
