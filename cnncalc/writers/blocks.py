"""A graph as blocks of code: the layers of each block, the blocks that are alike, and the numbers in which they differ.

The names of the nodes give the blocks: `bottleneck2.conv1` is a step of `bottleneck2`. Blocks that are equal except
for numbers share a `BlockTemplate`, whose parameters are the numbers that differ. Numbers of channels that are equal
in every copy are one parameter; other numbers are one parameter only if they also have one name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain, groupby, repeat
from typing import Any, NamedTuple, Union

from cnncalc.figures.cost import cost
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape
from cnncalc.writers.code import CodeNumber, LayerCode, RawCode, call, keyword, numbers, structure, with_names
from cnncalc.writers.identifiers import RESERVED, Identifiers, VariablePool, identifier

#: Blocks within blocks deeper than this are written out in the block around them.
MAX_DEPTH = 20


class CodeBlock(NamedTuple):
    """Steps that belong together, with the tensors that they read and return.

    A tensor is the index of the node that makes it.
    """

    family: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[BlockStep, ...]


class BlockStep(NamedTuple):
    """A layer or an inner block, under a name that no other step of its block has."""

    name: str
    code: Union[LayerCode, CodeBlock]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class TemplateParameter(NamedTuple):
    """A number in which the copies of a block differ; `values` are those of the copies, in order."""

    name: str
    values: tuple[Any, ...]
    channels: bool


class BlockTemplate(NamedTuple):
    """The code shared by all blocks that are alike: `block` is the first of them.

    `names` has for each number of the block its parameter, or None if it is the same in all.
    """

    name: str
    block: CodeBlock
    copies: int
    parameters: tuple[TemplateParameter, ...]
    names: tuple[str | None, ...]


class BlockLayout:
    """The graph as a top block, and the templates of the blocks within, inner ones first."""

    def __init__(
        self,
        graph: Graph,
        code: Mapping[int, LayerCode],
        case: Callable[[str], str],
        taken: Iterable[str] = (),
        attributes: Iterable[str] = (),
        again: Callable[[LayerCode, LayerCode, str], LayerCode] = lambda code, first, name: code,
    ) -> None:
        """Lay out a graph; `code` is that of each layer by its node, `case` converts a block's name to its template's.

        `again` returns the code of a layer with the weights of another one from its own code, the other's, and the name
        of the other's step, which is in the same block.
        No template is given a name in `taken`, no step one in `attributes`.
        """
        self._graph, self._code, self._attributes, self._again = graph, code, tuple(attributes), again
        #: The name of each layer's step by its node.
        self._step_names: dict[int, str] = {}
        self._last = graph.nodes[-1].index + 1 if graph.nodes else 0
        self._readers: dict[int, list[int]] = {node.index: [] for node in graph.nodes}
        for node in graph.nodes:
            for index in node.inputs:
                self._readers[index].append(node.index)
        for index in graph.outputs:
            self._readers[index].append(self._last)
        #: The structure of a block → the number of its template; then the copies by that number; and for each block,
        #: by identity, that number and which copy it is.
        self._numbers: dict[Any, int] = {}
        self._copies: list[list[CodeBlock]] = []
        self._positions: dict[int, tuple[int, int]] = {}
        inputs = tuple([node.index for node in graph.nodes if not node.inputs])
        steps = tuple(self._steps([node for node in graph.nodes if node.inputs], 0))
        self.top = CodeBlock("", inputs, graph.outputs, steps)
        names = Identifiers(taken, between="")
        self._names = [names.free(case(copies[0].family or "block")) for copies in self._copies]
        self.templates: list[BlockTemplate] = []
        for name, copies in zip(self._names, self._copies, strict=True):
            self.templates.append(self._template(name, copies))

    def template(self, block: CodeBlock) -> BlockTemplate:
        return self.templates[self._positions[id(block)][0]]

    def values(self, block: CodeBlock) -> Iterator[tuple[TemplateParameter, Any]]:
        """Yield the parameters of a block's template, each with its value in this copy."""
        number, copy = self._positions[id(block)]
        for parameter in self.templates[number].parameters:
            yield parameter, parameter.values[copy]

    # -- which layers belong together ------------------------------------------------------------------

    def _steps(self, nodes: list[Node], depth: int) -> Iterator[BlockStep]:
        names = Identifiers(self._attributes)
        for scope, run in groupby(nodes, lambda node: _scope(node.name, depth)):
            members = list(run)
            if scope is None or len(members) == 1:
                for node in members:
                    name = names.free("_".join(node.name.split(".")[depth:]))
                    self._step_names[node.index] = name
                    yield BlockStep(name, self._code_of(node), node.inputs, (node.index,))
                continue
            block = self._block(scope.rstrip("0123456789"), members, depth + 1)
            self._add_copy(block)
            yield BlockStep(names.free(scope), block, block.inputs, block.outputs)

    def _code_of(self, node: Node) -> LayerCode:
        code, first = self._code[node.index], node.weights_from
        return code if first is None else self._again(code, self._code[first], self._step_names[first])

    def _block(self, family: str, nodes: list[Node], depth: int) -> CodeBlock:
        inside = {node.index for node in nodes}
        inputs = dict.fromkeys(index for node in nodes for index in node.inputs if index not in inside)
        outputs = [node.index for node in nodes if any(reader not in inside for reader in self._readers[node.index])]
        # Nothing reads what a dead branch makes: as a block it gives its last tensor all the same.
        outputs = outputs or [nodes[-1].index]
        return CodeBlock(family, tuple(inputs), tuple(outputs), tuple(self._steps(nodes, depth)))

    # -- which blocks are alike ------------------------------------------------------------------------

    def _add_copy(self, block: CodeBlock) -> None:
        number = self._numbers.setdefault(self._structure(block), len(self._copies))
        if number == len(self._copies):
            self._copies.append([])
        self._positions[id(block)] = number, len(self._copies[number])
        self._copies[number].append(block)

    def _structure(self, block: CodeBlock) -> tuple[Any, ...]:
        """Return everything of a block but its numbers; tensors are numbered by where they come in or are made."""
        made = [index for step in block.steps for index in step.outputs]
        positions = {index: position for position, index in enumerate((*block.inputs, *made))}
        steps = []
        for step in block.steps:
            inner = self._positions[id(step.code)][0] if isinstance(step.code, CodeBlock) else structure(step.code)
            steps.append((step.name, inner, tuple([positions[index] for index in step.inputs])))
        return block.family, len(block.inputs), tuple(steps), tuple([positions[index] for index in block.outputs])

    # -- in what they differ ---------------------------------------------------------------------------

    def _template(self, name: str, copies: list[CodeBlock]) -> BlockTemplate:
        ends = [self._channels(block) for block in copies]
        parameters: dict[Any, TemplateParameter] = {}
        steps = [step.name for step in copies[0].steps]
        names = Identifiers((*RESERVED, *self._names, *self._attributes, *steps))
        by_number: list[str | None] = []
        for column in zip(*[self._block_numbers(block) for block in copies], strict=True):
            values = tuple([number.value for number in column])
            if all(value == values[0] for value in values):
                by_number.append(None)
                continue
            first = column[0]
            # Numbers of channels that go together are one thing; a stride and a kernel are two.
            key = first.channels or first.name, values
            if key not in parameters:
                wanted = _name_of_channels(values, ends) if first.channels else first.name
                parameters[key] = TemplateParameter(names.free(wanted), values, first.channels)
            by_number.append(parameters[key].name)
        return BlockTemplate(name, copies[0], len(copies), tuple(parameters.values()), tuple(by_number))

    def _block_numbers(self, block: CodeBlock) -> Iterator[CodeNumber]:
        for step in block.steps:
            if isinstance(step.code, CodeBlock):
                yield from (CodeNumber(each.name, value, each.channels) for each, value in self.values(step.code))
            else:
                yield from numbers(step.code)

    def _channels(self, block: CodeBlock) -> tuple[int, int]:
        """Return the channels of the first input tensor, and of the last output tensor."""
        nodes = self._graph.nodes
        return nodes[block.inputs[0]].shape.channels, nodes[block.outputs[-1]].shape.channels

    # -- for the writer --------------------------------------------------------------------------------

    def code(self, block: CodeBlock, names: Iterable[str | None] = ()) -> Iterator[LayerCode]:
        """Yield the code of each step of a block, with a template's `names` in place of its numbers.

        For an inner block this is a call of its template.
        """
        names = chain(names, repeat(None))
        for step in block.steps:
            if isinstance(step.code, CodeBlock):
                arguments = [keyword(each.name, _named(value, next(names))) for each, value in self.values(step.code)]
                yield call(self.template(step.code).name, *arguments)
            else:
                yield with_names(step.code, names)

    def shape(self, index: int) -> Shape:
        """Return the shape of a tensor."""
        return self._graph.nodes[index].shape

    def reader_count(self, index: int) -> int:
        """Return the number of layers that read a tensor; being an output of the network counts as well."""
        return len(self._readers[index])

    def allocates(self, step: BlockStep) -> bool:
        """Return whether a step computes a new tensor, rather than an alias or an in-place result."""
        return isinstance(step.code, CodeBlock) or self._graph.nodes[step.outputs[0]].layer.memory == "own"

    def new_shape(self, step: BlockStep) -> Shape | None:
        """Return the output shape of a step; None if it is the same as its input's."""
        shapes = [self.shape(index) for index in step.outputs]
        return shapes[0] if len(shapes) == 1 and shapes[0] != self.shape(step.inputs[0]) else None

    def docstring(self, block: CodeBlock, text: Callable[[Shape], str], copies: int = 1) -> str:
        """Return the input and output shapes, those of the first copy if there are several."""
        ends = [", ".join(text(self.shape(index)) for index in each) for each in (block.inputs, block.outputs)]
        first = f"; the shapes here are those of the first of {copies}" if copies > 1 else ""
        return f"{ends[0]} -> {ends[1]}{first}."

    def variables(self, block: CodeBlock, taken: Iterable[str] = ()) -> dict[int, str]:
        """Return a variable for each tensor of a block; a tensor reuses that of one which is not read any more.

        A tensor that the spec names keeps that name if it is read later on. No variable has a name in `taken`.
        """
        last_read = dict.fromkeys(block.outputs, len(block.steps))
        for position, step in enumerate(block.steps):
            for index in step.inputs:
                last_read[index] = max(last_read.get(index, 0), position)
        pool = VariablePool((*self._names, *taken))
        # The copies of a block are given tensors of any name.
        variables = {index: pool.take(self._given_name(index) if block is self.top else None) for index in block.inputs}
        for position, step in enumerate(block.steps):
            for index in dict.fromkeys(step.inputs):
                if last_read[index] == position:
                    pool.give_back(variables[index])
            for index in step.outputs:
                late = last_read.get(index, position) > position + 1
                variables[index] = pool.take(self._given_name(index) if late else None)
        return variables

    def _given_name(self, index: int) -> str | None:
        """Return the name that the spec gives a tensor, if it is more than its kind with a number."""
        node = self._graph.nodes[index]
        name = node.name.rpartition(".")[2]
        return None if re.fullmatch(rf"{node.layer.kind}\d+", name) else identifier(name)


def _scope(name: str, depth: int) -> str | None:
    """Return the block at that depth that contains a node, by its name; None if there is none."""
    path = name.split(".", depth + 1)
    return path[depth] if depth < MAX_DEPTH and len(path) > depth + 1 else None


def _name_of_channels(values: tuple[Any, ...], ends: list[tuple[int, int]]) -> str:
    """Return the role of channels in every copy of a block: those of its input, of its output, or neither."""
    comes_in = all(value == start for value, (start, _) in zip(values, ends, strict=True))
    goes_out = all(value == stop for value, (_, stop) in zip(values, ends, strict=True))
    if comes_in and goes_out:
        return "channels"
    return "in_channels" if comes_in else "out_channels" if goes_out else "width"


def _named(value: Any, name: str | None) -> Any:
    return value if name is None else RawCode(name)


def file_docstring(graph: Graph, framework: str) -> str:
    """Return the docstring of a file: what it is, and the figures that it should have."""
    name = "".join(c for c in graph.name or "a network" if c.isprintable() and c not in '\\"')[:60]
    costs = [cost(node) for node in graph.nodes]
    params, buffers = sum(each.params for each in costs), sum(each.buffers for each in costs)
    frozen = sum(each.frozen for each in costs)
    kept = f", {frozen:,} frozen weights" if frozen else ""
    statistics = f" and {buffers:,} buffers" if buffers else ""
    macs = sum(each.macs for each in costs)
    figures = f"{params:,} parameters{kept}{statistics}; {macs:,} multiply-accumulates for one sample."
    return f"{name} in {framework}, written by cnncalc.\n\n{figures}\n"
