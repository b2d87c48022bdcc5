"""Pattern fusion: operators that exporters decompose become one again (silu, gelu, layer norm, shuffle, bias, …).

A pattern is an operator and the patterns of its inputs, `("Mul", "x", ("Sigmoid", "x"))`. A text stands for any
tensor, and for the same one at every occurrence; a number for a constant of that value. Sums and products match in
either order. Matched nodes are fused if nothing else reads the tensors between them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import sqrt
from typing import Any, NamedTuple, Union

from cnncalc.readers.onnx.model import ModelDef, NodeDef, TensorDef

Pattern = Union[str, float, tuple[Any, ...]]

#: The domain of operators that only pattern fusion makes.
FUSED_DOMAIN = "cnncalc"

COMMUTATIVE = ("Add", "Mul")


class Fusion(NamedTuple):
    """An operator, the names of its inputs in the pattern, and the pattern that it replaces."""

    operator: str
    inputs: tuple[str, ...]
    pattern: tuple[Any, ...]
    domain: str = ""


_CENTRED = ("Sub", "x", ("ReduceMean", "x"))
_NORMED = ("Div", _CENTRED, ("Sqrt", ("Add", ("ReduceMean", ("Pow", _CENTRED, 2)), "epsilon")))
_ERF = ("Add", ("Erf", ("Div", "x", sqrt(2))), 1)
_SHUFFLED = ("Reshape", ("Transpose", ("Reshape", "x", "groups")), "joined")
_GATE = ("Clip", ("Add", "x", 3), 0, 6)

FUSIONS = (
    Fusion("Swish", ("x",), ("Mul", "x", ("Sigmoid", "x"))),
    Fusion("Swish", ("x",), ("Mul", "x", ("Sigmoid", ("Mul", "x", 1)))),
    Fusion("HardSwish", ("x",), ("Mul", "x", ("HardSigmoid", "x"))),
    Fusion("HardSwish", ("x",), ("Div", ("Mul", "x", _GATE), 6)),
    Fusion("HardSwish", ("x",), ("Mul", "x", ("Div", _GATE, 6))),
    Fusion("Gelu", ("x",), ("Mul", ("Mul", "x", _ERF), 0.5)),
    Fusion("Gelu", ("x",), ("Mul", ("Mul", "x", 0.5), _ERF)),
    Fusion("LayerNormalization", ("x", "scale", "bias"), ("Add", ("Mul", _NORMED, "scale"), "bias")),
    Fusion("MatMul", ("x", "weight", "bias"), ("Add", ("MatMul", "x", "weight"), "bias")),
    Fusion("ChannelShuffle", ("x", "groups", "joined"), _SHUFFLED, FUSED_DOMAIN),
)  # fmt: skip


def fuse_patterns(model: ModelDef) -> ModelDef:
    """Return the model with every pattern replaced by its operator."""
    return model._replace(nodes=tuple(PatternMatcher(model).rewritten_nodes()))


class PatternMatcher:
    """Finds patterns in a model, with indices of producers, readers and constants."""

    def __init__(self, model: ModelDef) -> None:
        self.nodes = model.nodes
        self.producer = {name: index for index, node in enumerate(model.nodes) for name in node.outputs}
        self.readers: dict[str, set[int]] = {each.name: {-1} for each in model.outputs}
        for index, node in enumerate(model.nodes):
            for name in (*node.inputs, *node.inner_inputs):
                self.readers.setdefault(name, set()).add(index)
        self.initializers = model.initializers
        self.fusions: dict[str, list[Fusion]] = {}
        for fusion in FUSIONS:
            self.fusions.setdefault(fusion.pattern[0], []).append(fusion)

    def rewritten_nodes(self) -> Iterator[NodeDef]:
        """Yield the nodes in order, with fused ones at the position of their last part."""
        replaced: dict[int, NodeDef] = {}
        removed: set[int] = set()
        # From the end, so that the largest pattern is found before its parts are.
        for index in reversed(range(len(self.nodes))):
            if index not in removed and (fused := self._fused(index, removed)) is not None:
                replaced[index], parts = fused
                removed |= parts
        for index, node in enumerate(self.nodes):
            if index not in removed:
                yield replaced.get(index, node)

    def _fused(self, index: int, removed: set[int]) -> tuple[NodeDef, set[int]] | None:
        """Return the fused node for a pattern that ends in a node, and its other parts; None if no pattern matches."""
        node = self.nodes[index]
        for fusion in self.fusions.get(node.operator, ()):
            for bound, matched in self._matches(fusion.pattern, index, {}, frozenset()):
                parts = set(matched) - {index}
                if (
                    parts & removed
                    or not self._is_closed(parts, set(matched))
                    or not self._holds(fusion, bound, matched)
                ):
                    continue
                inputs = tuple(bound[name] for name in fusion.inputs)
                # The fused node stands for its module: `act/Mul_1` is `act/Gelu`.
                head, slash, last = node.name.rpartition("/")
                name = f"{head}/{fusion.operator}" if slash and last.startswith(node.operator) else node.name
                return node._replace(
                    operator=fusion.operator, name=name, inputs=inputs, attributes={}, domain=fusion.domain
                ), parts
        return None

    def _is_closed(self, parts: set[int], matched: set[int]) -> bool:
        """Return whether nothing outside the match reads a tensor made inside."""
        return all(self.readers.get(name, set()) <= matched for part in parts for name in self.nodes[part].outputs)

    def _matches(
        self, pattern: tuple[Any, ...], index: int, bound: dict[str, str], matched: frozenset[int]
    ) -> Iterator[tuple[dict[str, str], frozenset[int]]]:
        """Yield each way in which a node matches: the tensors by pattern name, and the matched nodes."""
        node = self.nodes[index]
        if node.operator != pattern[0] or node.domain or len(node.outputs) != 1:
            return
        inputs, wanted = node.inputs, pattern[1:]
        if len(inputs) < len(wanted):
            return
        orders = [inputs, inputs[::-1]] if node.operator in COMMUTATIVE and len(inputs) == 2 else [inputs]
        for order in orders:
            yield from self._all(wanted, order, bound, matched | {index})

    def _all(
        self, patterns: Sequence[Pattern], names: Sequence[str], bound: dict[str, str], matched: frozenset[int]
    ) -> Iterator[tuple[dict[str, str], frozenset[int]]]:
        if not patterns:
            yield bound, matched
            return
        pattern, name = patterns[0], names[0]
        if isinstance(pattern, str):
            if bound.get(pattern, name) == name:
                yield from self._all(patterns[1:], names[1:], {**bound, pattern: name}, matched)
        elif isinstance(pattern, tuple):
            if name in self.producer:
                for inner, inside in self._matches(pattern, self.producer[name], bound, matched):
                    yield from self._all(patterns[1:], names[1:], inner, inside)
        elif self._is_number(name, pattern):
            yield from self._all(patterns[1:], names[1:], bound, matched)

    def _constant(self, name: str) -> TensorDef | None:
        tensor = self.initializers.get(name)
        if tensor is None and name in self.producer and self.nodes[self.producer[name]].operator == "Constant":
            return self.nodes[self.producer[name]].tensor("value")
        return tensor

    def _axes(self, node: NodeDef) -> tuple[Any, ...] | None:
        """Return the axes of a reduction: an attribute in old files, an input in new ones."""
        given = self._constant(node.inputs[1]) if len(node.inputs) > 1 else None
        return given.values if given is not None else node.integers("axes")

    def _is_number(self, name: str, number: float) -> bool:
        tensor = self._constant(name)
        values = tensor.values if tensor is not None and tensor.elements == 1 else None
        return values is not None and abs(values[0] - number) < 1e-4

    def _holds(self, fusion: Fusion, bound: dict[str, str], matched: frozenset[int]) -> bool:
        """Return whether the conditions outside the pattern hold: constant inputs, their shapes, attributes."""
        if fusion.operator == "MatMul":
            weight, bias = self._constant(bound["weight"]), self._constant(bound["bias"])
            return weight is not None and bias is not None and len(weight.dims) == 2 and bias.dims == weight.dims[1:]
        if fusion.operator == "LayerNormalization":
            means = [self.nodes[each] for each in matched if self.nodes[each].operator == "ReduceMean"]
            weights = [self._constant(bound[name]) for name in ("scale", "bias")]
            return all(self._axes(each) == (-1,) for each in means) and all(
                each is not None and len(each.dims) == 1 for each in weights
            )
        if fusion.operator == "ChannelShuffle":
            order = next(
                self.nodes[each].integers("perm") for each in matched if self.nodes[each].operator == "Transpose"
            )
            targets = [self._constant(bound[name]) for name in ("groups", "joined")]
            known = [each.values for each in targets if each is not None and each.values is not None]
            # Groups and members of the channels are swapped; the spatial axes may be one or several.
            turned = order is not None and order == (0, 2, 1, *range(3, len(order)))
            return turned and len(known) == 2 and len(known[0]) == len(order or ())
        if fusion.pattern == ("Mul", "x", ("HardSigmoid", "x")):
            part = next(self.nodes[each] for each in matched if self.nodes[each].operator == "HardSigmoid")
            return abs(part.real("alpha", 0.2) - 1 / 6) < 1e-4
        return True
