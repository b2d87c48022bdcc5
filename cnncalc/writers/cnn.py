"""A graph as a spec: branches as arms, repeated structure folded, blocks that differ in numbers as defs.

The layers have the same order and the same sizes, so every figure is the same. Identifiers are kept only where `@`
reads them; all other layers are renumbered, and blocks of the source are recovered only as far as they
repeat. If several outputs are also read by other layers, each is passed through an `identity`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.graph import Graph, Node, one_step
from cnncalc.language.arguments import read_layer
from cnncalc.language.nodes import LayerNode
from cnncalc.language.parse import parse, parse_items
from cnncalc.language.write import write as canonical
from cnncalc.layers import KINDS, REGISTRY, Layer
from cnncalc.layers.merge import Merge
from cnncalc.layers.timewise import Timewise
from cnncalc.shape import Shape
from cnncalc.writers.blocks import file_docstring
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.identifiers import Identifiers
from cnncalc.writers.repeats import RepeatItem, bracketed, define, fold, lines

#: Arms within arms deeper than this are written with names instead.
MAX_DEPTH = 6

#: The start of a pipeline that begins with an input.
NOWHERE = -1

emitter: Emitter[str] = Emitter("the spec language")


def write(graph: Graph) -> str:
    """Return the graph as a spec in canonical form, with its figures in a comment.

    Raises `SpecError` E320 for a layer that the language lacks.
    """
    head = [f"# {line}".rstrip() for line in file_docstring(graph, emitter.title).splitlines()]
    return write_spec(graph, ["\n".join(head)])


def write_spec(graph: Graph, head: Sequence[str] = ()) -> str:
    """Return the graph as a spec in canonical form, below the blocks of text `head`."""
    texts = emitter.emit_all(graph.nodes)
    definitions, items = define(Pipelines(graph, texts).items())
    blocks = [*definitions, "\n".join(lines(fold(items)))]
    source = Source("<spec>", "\n\n".join([*head, *blocks]))
    problems = Problems()
    return canonical(parse(source, problems), problems, source)


# -- layers ------------------------------------------------------------------------------------------


@emitter(*dict.fromkeys(KINDS.values()))
def layer_text(node: Node, layer: Any) -> str:
    if isinstance(layer, Timewise):
        step = one_step(node)
        return f"timewise({layer_text(step, step.layer)})"
    text = str(layer)
    if isinstance(layer, Merge):
        return text
    if not reads_back(text, layer, node.input_shapes[0].rank):
        raise Unsupported(f"`{text}` does not read back as the same layer")
    return text


@lru_cache(10_000)
def reads_back(text: str, layer: Layer, rank: int) -> bool:
    """Return whether the text is read as this layer: a model file may have numbers that the language does not allow."""
    problems = Problems()
    try:
        items = parse_items(Source("<layer>", text), problems)
        node = items[0].atom
        return (
            isinstance(node, LayerNode)
            and not problems
            and read_layer(node, {}).resolve(Shape((1,) * rank, 1)) == layer
        )
    except (SpecError, ValueError):
        return False


# -- pipelines ---------------------------------------------------------------------------------------


class PipelineEntry(NamedTuple):
    """A layer of a pipeline and the tensor that it makes; of a merge, its arms.

    `first` is the first tensor made in it or its arms, `depth` the nesting depth of its arms.
    """

    tensor: int
    text: str
    head: bool
    arms: tuple[Pipeline, ...] | None = None
    first: int = 0
    depth: int = 0


class Pipeline:
    """A chain of layers that starts from a tensor."""

    def __init__(self, start: int, entries: Iterable[PipelineEntry] = ()) -> None:
        self.start = start
        self.entries: list[PipelineEntry] = []
        self.positions: dict[int, int] = {start: -1}
        for entry in entries:
            self.append(entry)

    @property
    def end(self) -> int:
        return self.entries[-1].tensor if self.entries else self.start

    def append(self, entry: PipelineEntry) -> None:
        self.positions[entry.tensor] = len(self.entries)
        self.entries.append(entry)

    def behind(self, tensor: int) -> list[PipelineEntry]:
        """Return the layers after a tensor of the pipeline."""
        return self.entries[self.positions[tensor] + 1 :]

    def cut(self, tensor: int) -> Pipeline:
        """Remove the layers after a tensor, and return them as a pipeline of their own."""
        arm = Pipeline(tensor, self.behind(tensor))
        for _ in arm.entries:
            del self.positions[self.entries.pop().tensor]
        return arm


class Pipelines:
    """A graph's layers in pipelines: a layer that reads the last output extends that pipeline, any other begins one.

    A merge takes those that end in its inputs as its arms. So all layers keep their order.
    """

    def __init__(self, graph: Graph, texts: Mapping[int, str]) -> None:
        self.graph, self.texts = graph, texts
        self.pipelines: list[Pipeline] = []
        #: An implicit flatten comes with its fc: what reads it reads its input.
        self.alias: dict[int, int] = {}
        for node in graph.nodes:
            self.add(node)
        self.leave()
        self.names = self.named()

    def add(self, node: Node) -> None:
        inputs = tuple([self.alias.get(index, index) for index in node.inputs])
        if node.implicit:
            self.alias[node.index] = inputs[0]
        elif isinstance(node.layer, Merge):
            self.merge(node.index, self.texts[node.index], inputs)
        elif inputs:
            self.go_on_from(inputs[0])
            head = node.layer.memory == "own"
            self.pipelines[-1].append(PipelineEntry(node.index, self.texts[node.index], head, None, node.index))
        else:
            self.pipelines.append(
                Pipeline(NOWHERE, [PipelineEntry(node.index, str(node.layer), True, None, node.index)])
            )

    def go_on_from(self, tensor: int) -> None:
        """Begin a pipeline with the tensor, unless the last one ends in it."""
        if not self.pipelines or self.pipelines[-1].end != tensor:
            self.pipelines.append(Pipeline(tensor))

    def merge(self, tensor: int, text: str, inputs: tuple[int, ...]) -> None:
        arms: list[Pipeline] = []
        for number in range(len(inputs) - 1, -1, -1):
            before = inputs[:number]
            arms.append(self.arm(inputs[number], before, [*before, *(arm.start for arm in arms)]))
        arms.reverse()
        starts = [arm.start for arm in arms if arm.start != NOWHERE]
        if starts and (not self.pipelines or self.pipelines[-1].end not in starts):
            self.go_on_from(starts[0])
        elif not self.pipelines:
            self.pipelines.append(Pipeline(NOWHERE))
        inner = [entry for arm in arms for entry in arm.entries]
        first = min([tensor, *(entry.first for entry in inner)])
        depth = 1 + max([0, *(entry.depth for entry in inner)])
        self.pipelines[-1].append(PipelineEntry(tensor, text, True, tuple(arms), first, depth))

    def arm(self, tensor: int, before: tuple[int, ...], starts: Sequence[int]) -> Pipeline:
        """Return the arm that ends in a tensor: the last pipeline, or its part after the start of other arms.

        `before` are the tensors of the preceding arms. If one is made in this arm, or the last pipeline ends
        elsewhere, the arm is the tensor itself.
        """
        last = self.pipelines[-1] if self.pipelines else Pipeline(NOWHERE)
        if last.end == tensor and last.entries:
            forks = [start for start in starts if start in last.positions and start not in (tensor, NOWHERE)]
            fork = max(forks, key=last.positions.__getitem__, default=None)
            # Where the pipeline before this one has the fork as well, that one may hold the arm in front.
            whole = len(self.pipelines) > 1 and (
                fork is None or (fork == last.start and fork in self.pipelines[-2].positions)
            )
            if whole and fits(last.entries, before):
                return self.pipelines.pop()
            if not whole and fork is not None and fits(last.behind(fork), before):
                return last.cut(fork)
        return Pipeline(tensor)

    def leave(self) -> None:
        """End in the output that other layers read as well; if there are several, pass each through a layer."""
        read = {index for node in self.graph.nodes for index in node.inputs}
        last = self.pipelines[-1].end if self.pipelines else NOWHERE
        more = [index for index in self.graph.outputs if index in read and index != last]
        for index in more[:-1]:
            self.pipelines.append(Pipeline(index, [PipelineEntry(len(self.graph.nodes) + index, "identity", True)]))
        if more:
            self.pipelines.append(Pipeline(more[-1]))

    # -- names -----------------------------------------------------------------------------------------

    def named(self) -> dict[int, str]:
        """Return a name for each tensor that `@` refers to, and for each input that is not the first layer."""
        tensors: dict[int, None] = {}
        for pipeline, current, top in self.walk(self.pipelines, NOWHERE, True):
            if pipeline.start not in (NOWHERE, current):
                tensors[pipeline.start] = None
            elif pipeline.start == NOWHERE and top and current != NOWHERE:
                tensors[pipeline.entries[0].tensor] = None
        names = Identifiers(REGISTRY)
        return {index: names.free(self.graph.nodes[index].name) for index in sorted(tensors)}

    def walk(self, pipelines: Sequence[Pipeline], current: int, top: bool) -> Iterator[tuple[Pipeline, int, bool]]:
        """Yield every pipeline with the tensor before it, in the order of the text; `top` are those in no arm."""
        for pipeline in pipelines:
            yield pipeline, current, top
            here = pipeline.start
            for entry in pipeline.entries:
                for arm in entry.arms or ():
                    yield from self.walk([arm], here, False)
                here = entry.tensor
            current = here

    # -- text ------------------------------------------------------------------------------------------

    def items(self) -> list[RepeatItem]:
        """Return the items of the whole graph, with its arms folded and the outermost sequence not yet folded."""
        items: list[RepeatItem] = []
        current = NOWHERE
        for pipeline in self.pipelines:
            items += self.pipeline(pipeline, current)
            current = pipeline.end
        return items

    def pipeline(self, pipeline: Pipeline, current: int) -> Iterator[RepeatItem]:
        here = pipeline.start
        if here not in (NOWHERE, current):
            yield RepeatItem(f"@{self.names[here]}", plain=False)
        for entry in pipeline.entries:
            text, plain = entry.text, True
            if entry.arms is not None:
                arms = [fold(list(self.pipeline(arm, here))) for arm in entry.arms]
                text = bracketed(text, arms)
                plain = all(item.plain for arm in arms for item in arm)
            name = self.names.get(entry.tensor)
            if name is not None:
                text, plain = f"{text} as {name}", False
            yield RepeatItem(text, entry.head, entry.arms is not None, plain)
            here = entry.tensor


def fits(entries: Sequence[PipelineEntry], before: Sequence[int]) -> bool:
    """Return whether layers may be an arm: they make no tensor of preceding arms, and are not nested too deep."""
    return all(tensor < entries[0].first for tensor in before) and all(entry.depth < MAX_DEPTH for entry in entries)
