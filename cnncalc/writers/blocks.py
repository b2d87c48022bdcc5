"""A graph as blocks of code: which layers belong together, which blocks are alike, and in what they differ.

The names of the nodes give the blocks: `bottleneck2.conv1` is a step of `bottleneck2`. Blocks that are the
same but for numbers share a `BlockTemplate`, whose parameters are the numbers that differ. Numbers of channels
that are equal in every copy are one parameter; all others are one only where they have one name as well.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, repeat
from keyword import iskeyword
from typing import Any, NamedTuple, Union

from cnncalc.figures.cost import cost
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape
from cnncalc.writers.code import Code, Leaf, Said, call, exchange, leaves, named, skeleton

#: Blocks within blocks deeper than this are written out in the block around them.
MAX_DEPTH = 20

#: Variables for tensors without a name of their own.
VARIABLES = ("x", "y", "z", "u", "v", "w")


class CodeBlock(NamedTuple):
    """Steps that belong together: the tensors that come in and go out, and what is done between.

    A tensor is the index of the node that makes it.
    """

    family: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[BlockStep, ...]


class BlockStep(NamedTuple):
    """A layer or an inner block, under a name that no other step of its block has."""

    name: str
    said: Union[Said, CodeBlock]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Parameter(NamedTuple):
    """A number in which the copies of a block differ; `values` are those of the copies, in order."""

    name: str
    values: tuple[Any, ...]
    channels: bool


class BlockTemplate(NamedTuple):
    """What is written once for all blocks that are alike: `block` is the first of them.

    `names` has for each number of the block the parameter that it is, or None where it is the same in all.
    """

    name: str
    block: CodeBlock
    copies: int
    parameters: tuple[Parameter, ...]
    names: tuple[str | None, ...]


class BlockLayout:
    """The graph as a top block, and the templates of the blocks within, inner ones first."""

    def __init__(
        self,
        graph: Graph,
        said: Mapping[int, Said],
        case: Callable[[str], str],
        taken: Iterable[str] = (),
        attributes: Iterable[str] = (),
    ) -> None:
        """`case` makes a template's name of a block's. No template is called as one of `taken`, no step as one of
        `attributes`.
        """
        self._graph, self._said, self._attributes = graph, said, tuple(attributes)
        self._last = graph.nodes[-1].index + 1 if graph.nodes else 0
        self._readers: dict[int, list[int]] = {node.index: [] for node in graph.nodes}
        for node in graph.nodes:
            for index in node.inputs:
                self._readers[index].append(node.index)
        for index in graph.outputs:
            self._readers[index].append(self._last)
        #: What all copies of a block have in common → its number; then the copies by that number. And for each
        #: block, by identity, its number and which copy it is.
        self._numbers: dict[Any, int] = {}
        self._copies: list[list[CodeBlock]] = []
        self._places: dict[int, tuple[int, int]] = {}
        inputs = tuple([node.index for node in graph.nodes if not node.inputs])
        steps = tuple(self._steps([node for node in graph.nodes if node.inputs], 0))
        self.top = CodeBlock("", inputs, graph.outputs, steps)
        names = Identifiers(taken, between="")
        self._names = [names.free(case(copies[0].family or "block")) for copies in self._copies]
        self.templates: list[BlockTemplate] = []
        for name, copies in zip(self._names, self._copies, strict=True):
            self.templates.append(self._template(name, copies))

    def template(self, block: CodeBlock) -> BlockTemplate:
        return self.templates[self._places[id(block)][0]]

    def values(self, block: CodeBlock) -> Iterator[tuple[Parameter, Any]]:
        """The parameters of a block's template, each with its value in this copy."""
        number, copy = self._places[id(block)]
        for parameter in self.templates[number].parameters:
            yield parameter, parameter.values[copy]

    # -- which layers belong together ------------------------------------------------------------------

    def _block(self, family: str, inputs: tuple[int, ...], nodes: list[Node], depth: int) -> CodeBlock:
        own = {node.index for node in nodes}
        outputs = [node.index for node in nodes if any(reader not in own for reader in self._readers[node.index])]
        return CodeBlock(family, inputs, tuple(outputs), tuple(self._steps(nodes, depth)))

    def _steps(self, nodes: list[Node], depth: int) -> Iterator[BlockStep]:
        names = Identifiers(self._attributes)
        for scope, run in groupby(nodes, lambda node: _scope(node.name, depth)):
            members = list(run)
            if scope is None or len(members) == 1:
                for node in members:
                    name = names.free("_".join(node.name.split(".")[depth:]))
                    yield BlockStep(name, self._said[node.index], node.inputs, (node.index,))
                continue
            own = {node.index for node in members}
            read = dict.fromkeys(index for node in members for index in node.inputs if index not in own)
            block = self._block(scope.rstrip("0123456789"), tuple(read), members, depth + 1)
            self._keep(block)
            yield BlockStep(names.free(scope), block, block.inputs, block.outputs)

    # -- which blocks are alike ------------------------------------------------------------------------

    def _keep(self, block: CodeBlock) -> None:
        number = self._numbers.setdefault(self._skeleton(block), len(self._copies))
        if number == len(self._copies):
            self._copies.append([])
        self._places[id(block)] = number, len(self._copies[number])
        self._copies[number].append(block)

    def _skeleton(self, block: CodeBlock) -> tuple[Any, ...]:
        """All of a block but its numbers; tensors go by the place at which they come in or are made."""
        made = [index for step in block.steps for index in step.outputs]
        places = {index: place for place, index in enumerate((*block.inputs, *made))}
        steps = []
        for step in block.steps:
            inner = self._places[id(step.said)][0] if isinstance(step.said, CodeBlock) else skeleton(step.said)
            steps.append((step.name, inner, tuple([places[index] for index in step.inputs])))
        return block.family, len(block.inputs), tuple(steps), tuple([places[index] for index in block.outputs])

    # -- in what they differ ---------------------------------------------------------------------------

    def _template(self, name: str, copies: list[CodeBlock]) -> BlockTemplate:
        ends = [self._ends(block) for block in copies]
        parameters: dict[Any, Parameter] = {}
        steps = [step.name for step in copies[0].steps]
        names = Identifiers((*RESERVED, *self._names, *self._attributes, *steps))
        found: list[str | None] = []
        for column in zip(*[self._leaves(block) for block in copies], strict=True):
            values = tuple([leaf.value for leaf in column])
            if all(value == values[0] for value in values):
                found.append(None)
                continue
            leaf = column[0]
            # Numbers of channels that go together are one thing; a stride and a kernel are two.
            known = leaf.channels or leaf.name, values
            if known not in parameters:
                own = _name_of_channels(values, ends) if leaf.channels else leaf.name
                parameters[known] = Parameter(names.free(own), values, leaf.channels)
            found.append(parameters[known].name)
        return BlockTemplate(name, copies[0], len(copies), tuple(parameters.values()), tuple(found))

    def _leaves(self, block: CodeBlock) -> Iterator[Leaf]:
        for step in block.steps:
            if isinstance(step.said, CodeBlock):
                yield from (Leaf(each.name, value, each.channels) for each, value in self.values(step.said))
            else:
                yield from leaves(step.said)

    def _ends(self, block: CodeBlock) -> tuple[int, int]:
        """The channels of the first tensor that comes in, and of the last that goes out."""
        nodes = self._graph.nodes
        return nodes[block.inputs[0]].shape.channels, nodes[block.outputs[-1]].shape.channels

    def said(self, block: CodeBlock, names: Iterable[str | None] = ()) -> Iterator[Said]:
        """What is said at each step of a block, with a template's `names` in place of its numbers.

        For an inner block that is a call of its template.
        """
        names = chain(names, repeat(None))
        for step in block.steps:
            if isinstance(step.said, CodeBlock):
                values = [named(each.name, _named(value, next(names))) for each, value in self.values(step.said)]
                yield call(self.template(step.said).name, *values)
            else:
                yield exchange(step.said, names)

    def shape(self, index: int) -> Shape:
        """The shape of a tensor."""
        return self._graph.nodes[index].shape

    def readers(self, index: int) -> int:
        """How many read a tensor; leaving the network counts as well."""
        return len(self._readers[index])

    def makes_own(self, step: BlockStep) -> bool:
        """Whether a step computes a tensor of its own, rather than going over its input's once more."""
        return isinstance(step.said, CodeBlock) or self._graph.nodes[step.outputs[0]].layer.memory == "own"

    def changes(self, step: BlockStep) -> Shape | None:
        """The shape that a step makes of another; None where its output is like its input."""
        shapes = [self.shape(index) for index in step.outputs]
        return shapes[0] if len(shapes) == 1 and shapes[0] != self.shape(step.inputs[0]) else None

    # -- what the tensors are called -------------------------------------------------------------------

    def variables(self, block: CodeBlock, taken: Iterable[str] = ()) -> dict[int, str]:
        """A variable for each tensor of a block; a tensor takes over that of one which nothing reads any more.

        A tensor that the spec names keeps that name where it is read later on. None is called as one of `taken`.
        """
        last_read = dict.fromkeys(block.outputs, len(block.steps))
        for place, step in enumerate(block.steps):
            for index in step.inputs:
                last_read[index] = max(last_read.get(index, 0), place)
        pool = Pool((*self._names, *taken))
        # The copies of a block are given tensors of any name.
        found = {index: pool.take(self._own_name(index) if block is self.top else None) for index in block.inputs}
        for place, step in enumerate(block.steps):
            for index in dict.fromkeys(step.inputs):
                if last_read[index] == place:
                    pool.give_back(found[index])
            for index in step.outputs:
                late = last_read.get(index, place) > place + 1
                found[index] = pool.take(self._own_name(index) if late else None)
        return found

    def _own_name(self, index: int) -> str | None:
        """The name that a tensor was given, which is no number in a row of its kind."""
        node = self._graph.nodes[index]
        name = node.name.rpartition(".")[2]
        return None if re.fullmatch(rf"{node.layer.kind}\d+", name) else identifier(name)


class Pool:
    """Variables that are free. One that was given back is the next to be taken."""

    def __init__(self, taken: Iterable[str]) -> None:
        self._names = Identifiers((*RESERVED, *taken))
        self._free = [self._names.free(name) for name in reversed(VARIABLES)]

    def take(self, name: str | None) -> str:
        if name is not None:
            return self._names.free(name)
        return self._free.pop() if self._free else self._names.free("t1")

    def give_back(self, name: str) -> None:
        # The name of a named tensor is not used for another.
        if name.rstrip("0123456789") in (*VARIABLES, "t"):
            self._free.append(name)


class Identifiers:
    """Identifiers, each given once: a second `conv` is `conv_2`, or `conv2` where nothing is to stand `between`."""

    def __init__(self, taken: Iterable[str] = (), between: str = "_") -> None:
        self._taken, self._between = set(taken), between
        self._counts: dict[str, int] = {}

    def free(self, wanted: str) -> str:
        name = base = identifier(wanted)
        while name in self._taken:
            self._counts[base] = count = self._counts.get(base, 1) + 1
            name = f"{base}{self._between}{count}"
        self._taken.add(name)
        return name


#: What no variable or parameter may hide.
RESERVED = ("self", "name", "torch", "nn", "F", "keras", "layers", "ops", "super", "float", "len")


def identifier(name: str) -> str:
    """The name as a Python identifier in ASCII: what cannot stand in one is an underscore."""
    plain = re.sub(r"[^0-9A-Za-z]+", "_", name).strip("_")[:80] or "layer"
    if plain[0].isdigit():
        plain = f"layer_{plain}"
    return f"{plain}_" if iskeyword(plain) else plain


def camel(name: str) -> str:
    """The name of a class: `inverted_residual` is `InvertedResidual`."""
    return "".join(part[:1].upper() + part[1:] for part in identifier(name).split("_") if part)


def _scope(name: str, depth: int) -> str | None:
    """The block at that depth that a node's name puts it in; None where it stands by itself."""
    path = name.split(".", depth + 1)
    return path[depth] if depth < MAX_DEPTH and len(path) > depth + 1 else None


def _name_of_channels(values: tuple[Any, ...], ends: list[tuple[int, int]]) -> str:
    """What the channels are in every copy of a block: those that come in, go out, or neither."""
    comes_in = all(value == start for value, (start, _) in zip(values, ends, strict=True))
    goes_out = all(value == stop for value, (_, stop) in zip(values, ends, strict=True))
    if comes_in and goes_out:
        return "channels"
    return "in_channels" if comes_in else "out_channels" if goes_out else "width"


def _named(value: Any, name: str | None) -> Any:
    return value if name is None else Code(name)


# -- what is said about them -----------------------------------------------------------------------------


def heading(graph: Graph, framework: str) -> str:
    """The docstring of a file: what it is, and the figures that it should come to."""
    name = "".join(c for c in graph.name or "a network" if c.isprintable() and c not in '\\"')[:60]
    params = buffers = macs = 0
    for node in graph.nodes:
        its = cost(node)
        params, buffers, macs = params + its.params, buffers + its.buffers, macs + its.macs
    running = f" and {buffers:,} buffers" if buffers else ""
    figures = f"{params:,} parameters{running}; {macs:,} multiply-accumulates for one sample."
    return f"{name} in {framework}, written by cnncalc.\n\n{figures}\n"


def shapes_text(layout: BlockLayout, block: CodeBlock, text: Callable[[Shape], str], copies: int = 1) -> str:
    """The docstring of a block: the shapes that come in and go out, those of the first where there are several."""
    ends = [", ".join(text(layout.shape(index)) for index in each) for each in (block.inputs, block.outputs)]
    first = f"; the shapes here are those of the first of {copies}" if copies > 1 else ""
    return f"{ends[0]} -> {ends[1]}{first}."
