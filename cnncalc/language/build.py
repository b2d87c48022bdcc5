"""Nodes to graph: names are looked up, holes filled, blocks called and repeats counted out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, FatalError, Origin, Problems, Span, SpecError, exceed, fail, nearest
from cnncalc.graph import UNKNOWN, Graph, GraphBuilder
from cnncalc.language.arguments import read_layer
from cnncalc.language.blocks import Blocks, Scope, is_input
from cnncalc.language.expressions import evaluate, exact
from cnncalc.language.nodes import UNKNOWN as UNKNOWN_NUMBER
from cnncalc.language.nodes import (
    CallNode,
    DefNode,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    LetNode,
    MergeNode,
    ReferenceNode,
    Spec,
)
from cnncalc.layers.base import REGISTRY, Layer, Lint
from cnncalc.layers.rearrange import Input

#: In place of an index: there is no tensor yet, since no input has come.
NOTHING = -2

#: The letters of an input that no one gave, channels last, for two spatial axes, one and three.
LETTERS = (("H", "W", "C"), ("L", "C"), ("D", "H", "W", "C"))

#: Text, and the values of its holes → the layer that it means, for all specs of the process.
_LAYERS: dict[tuple[Any, ...], Layer] = {}
MOST_LAYERS_KEPT = 20_000

#: A def may call those above it; a chain of calls is no longer than this.
MAX_CALLS = 100


class LetterMode(NamedTuple):
    """What a spec may leave open, and what stands for it.

    With `letters`, sizes of inputs may be letters, and where there is no input at all one of letters is put in
    front; `at` has numbers for some of them. `unknown` is what a `?` stands for, and `assumed` has arguments
    for layers that lack them.
    """

    letters: bool = False
    at: Mapping[str, int] = {}
    unknown: int | None = None
    assumed: Mapping[str, Any] = {}


CLOSED = LetterMode()

#: Formulas take a hundred times as long as numbers: so many layers at most have sizes in letters.
MAX_LETTERED = 10_000


def build_graph(
    spec: Spec,
    problems: Problems,
    input: tuple[Any, ...] | None = None,
    variables: Mapping[str, Any] | None = None,
    left_open: LetterMode = CLOSED,
) -> Graph:
    """The graph of a spec. `input` is the first input's shape, `variables` override its lets.

    Raises `SpecError` with everything that is wrong, that the parser found included.
    """
    if left_open.letters and input is None and not problems and not _has_input(spec):
        return _with_letters(spec, variables or {}, left_open)
    return Expander(spec, problems, input, variables or {}, left_open).graph()


def _with_letters(spec: Spec, variables: Mapping[str, Any], left_open: LetterMode) -> Graph:
    """The graph with an input of letters in front: as many as the windows have axes."""
    errors = []
    for letters in LETTERS:
        try:
            graph = Expander(spec, Problems(), letters, variables, left_open).graph()
        except SpecError as error:
            if any(each.code in ("E106", "E204") for each in error.diagnostics):
                errors.append(error)
                continue
            raise
        if any(node.implicit for node in graph.nodes) and not any(node.layer.spatial for node in graph.nodes):
            return Expander(spec, Problems(), ("N",), variables, left_open).graph()
        return graph
    raise errors[0]


class Expander(Blocks):
    def __init__(
        self,
        spec: Spec,
        problems: Problems,
        input: tuple[Any, ...] | None,
        variables: Mapping[str, Any],
        left_open: LetterMode = CLOSED,
    ) -> None:
        super().__init__(spec.definitions, problems)
        self.spec = spec
        self.variables = {name: exact(name, value) for name, value in variables.items()}
        self.input, self.open = input, left_open
        self.letters: set[str] = set()
        self.layers_in_all = 0
        # What is assumed stands in no text.
        self.layers = {} if left_open.assumed else _LAYERS
        self.builder = GraphBuilder(problems, _names(spec.items))
        self.texts: dict[int, tuple[tuple[str, ...], list[Hole]]] = {}
        #: What was read and where it stands, by the identities of a node and of the numbers that it sees: both
        #: stay alive, and no other calls lead to these numbers.
        self.readings: dict[tuple[int, int], tuple[Layer, Origin]] = {}
        #: Which of a sequence's items are inputs, by its identity.
        self.inputs: dict[int, set[int]] = {}
        self.merges = 0
        self.asked_for_input = False

    def graph(self) -> Graph:
        scope = self.defined()
        first = NOTHING
        try:
            if not self.problems:
                self.layers_in_all = self.size(self.spec.items, scope)
            if self.input is not None and not self._has_own_input(self.spec.items):
                first = self.builder.add(self.fixed(Input("input", shape=self.input), None), ())
            last = self.sequence(self.spec.items, first, scope)
        except FatalError as error:
            # Of a limit; the error of a full report is raised again here.
            self.problems.add(*error.diagnostics)
            last = UNKNOWN
        for letter in self.open.at.keys() - self.letters:
            known = ", ".join(sorted(self.letters))
            help = f"its letters: {known}" if known else "it has no letter: write one in `input HxWx3`"
            self.problems.report("E110", f"no size of the spec's input is `{letter}`", help=help)
        return self.builder.build(last, self.spec.name)

    @staticmethod
    def _has_own_input(items: tuple[ItemNode, ...]) -> bool:
        """Whether the sequence begins with an input of its own, be it inside brackets."""
        while items and isinstance(items[0].atom, GroupNode):
            items = items[0].atom.items
        return bool(items) and is_input(items[0])

    def defined(self) -> Scope:
        """What the spec itself sees: its lets, those that are overridden included, and its blocks."""
        numbers: dict[str, Any] = dict(self.variables)
        if self.open.unknown is not None:
            numbers[UNKNOWN_NUMBER] = self.open.unknown
        blocks: dict[str, DefNode] = {}
        for each in self.definitions:
            if each.name in blocks or (each.name in numbers and each.name not in self.variables):
                self.report(
                    "E111", f"`{each.name}` is defined twice", each.span, "defined again", "choose another name"
                )
            elif isinstance(each, DefNode):
                if each.name.lower() in REGISTRY:
                    help = f"choose another name, such as `{each.name}_block`"
                    self.report("E111", f"`{each.name}` is a layer word", each.span, "not free for a block", help)
                blocks[each.name] = each
            elif each.name not in self.variables:
                try:
                    numbers[each.name] = evaluate(each.value, numbers)
                except SpecError as error:
                    self.problems.catch(error)
                    numbers[each.name] = 1
        lets = [each.name for each in self.definitions if isinstance(each, LetNode)]
        for name in self.variables:
            if name not in lets:
                near = nearest(name, lets)
                help = f"write `{near}`" if near else f"its lets: {', '.join(lets)}" if lets else "it has no let"
                self.problems.report("E110", f"the spec has no let `{name}` to set", help=help)
        return Scope(numbers, blocks, {})

    # -- one method for each node: from the tensor that goes in to the one that comes out ------------------

    def sequence(self, items: tuple[ItemNode, ...], current: int, scope: Scope, arm: bool = False) -> int:
        # The same items come by again and again, and few of them are inputs.
        inputs = self.inputs.get(id(items))
        if inputs is None:
            inputs = self.inputs[id(items)] = {place for place, item in enumerate(items) if is_input(item)}
        for position, item in enumerate(items):
            begins = arm and position == 0
            if position in inputs and item.name is None and current != NOTHING and not begins:
                help = "write `input … as NAME`, and `@NAME` where it is read"
                self.report("E131", "a second input has no name", item.span, "what reads it?", help)
            current = self.item(item, current, scope)
        return current

    def item(self, item: ItemNode, current: int, scope: Scope) -> int:
        if item.count is None and isinstance(item.atom, LayerNode):
            current = self.layer(item.atom, current, scope, item.name)
            if item.name is not None:
                self.remember(item, current, scope)
            return current
        count = self.count(item, scope)
        if count is None:
            return UNKNOWN
        # What comes to nothing is not gone through: its calls and repeats may be without number.
        if (count != 1 or isinstance(item.atom, CallNode)) and not self.size((item,), scope):
            return current
        for number in range(1, count + 1):
            current = self.once(item, current, scope, number if count > 1 else None)
        if item.name is not None and count:
            self.remember(item, current, scope)
        return current

    def once(self, item: ItemNode, current: int, scope: Scope, number: int | None) -> int:
        atom = item.atom
        if isinstance(atom, LayerNode):
            name = item.name and f"{item.name}{number or ''}"
            return self.layer(atom, current, scope, name)
        if isinstance(atom, GroupNode):
            path = f"{scope.path}{item.name}{number or ''}." if item.name else scope.path
            return self.sequence(atom.items, current, scope._replace(path=path))
        if isinstance(atom, MergeNode):
            return self.merge(atom, current, scope, item.name and f"{item.name}{number or ''}")
        if isinstance(atom, CallNode):
            return self.call(atom, current, scope, item.name and f"{item.name}{number or ''}")
        if isinstance(atom, ReferenceNode):
            return self.reference(atom, scope)
        return UNKNOWN

    def layer(self, node: LayerNode, current: int, scope: Scope, name: str | None) -> int:
        place = id(node), id(scope.numbers)
        reading = self.readings.get(place)
        if reading is None:
            try:
                reading = self.readings[place] = self.read(node, scope), Origin(node.span, scope.calls)
            except SpecError as error:
                from cnncalc.language.suggestions import with_suggestions  # only once something is wrong

                diagnostics = with_suggestions(error, scope.blocks, scope.tensors)
                self.problems.add(*[each._replace(calls=scope.calls) for each in diagnostics])
                return UNKNOWN
        layer, origin = reading
        inputs: tuple[int, ...] = (current,)
        if isinstance(layer, Input):
            inputs = ()
            if self.input is not None:
                # The option speaks for the first input of the spec.
                layer, self.input = Input("input", shape=self.input), None
            layer = self.fixed(layer, node.span)
        elif current == NOTHING:
            return self.no_input(node.span)
        return self.builder.add(layer, inputs, origin, name, scope.path, scope.arms)

    def fixed(self, input: Input, span: Span | None) -> Input:
        """The input with the numbers that are given for its letters; what stays open has to be allowed."""
        self.letters.update(input.open)
        input = input.at(self.open.at)
        if input.open and not self.open.letters:
            self.problems.add(leaves_open(input, span))
        if input.open and self.layers_in_all > MAX_LETTERED:
            message = f"the spec comes to more than {MAX_LETTERED:,} layers, too many for sizes in letters"
            help = "give its shape in numbers: `--input 32x32x3`"
            exceed(message, span, "letters" if span else "", help)
        return input

    def read(self, node: LayerNode, scope: Scope) -> Layer:
        """The layer of a node, with the values of its holes.

        Layers that read alike are alike, wherever they stand: most of a deep network is read once.
        """
        known = self.texts.get(id(node))
        if known is None:
            known = self.texts[id(node)] = _text_and_holes(node)
        text, holes = known
        key: tuple[Any, ...] = text
        if holes:
            key = (*text, *[evaluate(hole.expression, scope.numbers) for hole in holes])
        layer = self.layers.get(key)
        if layer is None:
            plain = {hole.span: _plain(value, hole) for hole, value in zip(holes, key[len(text) :], strict=True)}
            layer = read_layer(node, plain, self.open.assumed)
            if len(self.layers) >= MOST_LAYERS_KEPT:
                self.layers.clear()
            self.layers[key] = layer
        return layer

    def merge(self, node: MergeNode, current: int, scope: Scope, name: str | None) -> int:
        self.merges += 1
        merge = self.merges
        ends = []
        for number, arm in enumerate(node.arms):
            arms = (*scope.arms, (merge, number))
            inside = Scope(scope.numbers, scope.blocks, scope.tensors, scope.path, scope.calls, arms)
            end = self.sequence(arm, current, inside, arm=True)
            ends.append(self.no_input(node.span) if end == NOTHING else end)
        layer = REGISTRY[node.word](node.word)
        index = self.builder.add(layer, tuple(ends), Origin(node.span, scope.calls), name, scope.path, scope.arms)
        if len(ends) == 1:
            help = f"a `;` separates arms; an empty one is the tensor before: `{node.word}(… ; )`"
            self.builder.add_lint(index, Lint("W205", "`{layer}` has one arm, and gives that out as it is", help))
        return index

    def call(self, node: CallNode, current: int, scope: Scope, name: str | None) -> int:
        block = self.block(node, scope)
        if block is None:
            return UNKNOWN
        if len(scope.calls) >= MAX_CALLS:
            exceed(f"blocks are called deeper than {MAX_CALLS} levels", node.span, "too deep")
        numbers = self.bind(node, block, scope)
        if numbers is None:
            return UNKNOWN
        path = f"{scope.path}{name}." if name else self.builder.number(scope.path + block.name) + "."
        return self.sequence(block.items, current, self.inside(node, block, numbers, scope, path))

    def reference(self, node: ReferenceNode, scope: Scope) -> int:
        if node.name not in scope.tensors:
            near = nearest(node.name, scope.tensors)
            help = f"write `@{near}`" if near else f"name a layer before it: `… as {node.name}`"
            self.report(
                "E110", f"unknown name `{node.name}`", node.span, "no layer before it has this name", help, scope
            )
            return UNKNOWN
        return scope.tensors[node.name][0]

    # -- names and errors ----------------------------------------------------------------------------

    def remember(self, item: ItemNode, tensor: int, scope: Scope) -> None:
        name = item.name or ""
        known = scope.tensors.get(name)
        # The copies of a repeat name the same item again: the latest is meant.
        if known is not None and known[1] is not item:
            first, span = known[1].span.in_file(), item.name_span or item.span
            note = (f"first given at {first.line}:{first.column}",)
            message, help = f"two layers are named `{name}`", "choose another name"
            self.problems.report("E111", message, span, "named again", help, notes=note)
        scope.tensors[name] = tensor, item

    def no_input(self, span: Span) -> int:
        if not self.asked_for_input:
            self.asked_for_input = True
            help = "begin with `input 32x32x3 | …`, or add `--input 32x32x3`"
            self.report("E130", "the spec has no input", span, "what size goes in here?", help)
        return UNKNOWN


def leaves_open(input: Input, span: Span | None) -> Diagnostic:
    """The error of letters where numbers are needed."""
    letters = " and ".join(f"`{letter}`" for letter in input.open)
    at = ",".join(f"{letter}=32" for letter in input.open)
    help = f"give its shape in numbers: `--input 32x32x3`, or `--at {at}` where it is the spec's"
    return Diagnostic("E132", f"`{input}` leaves sizes open", span, f"{letters} for a number", (), help)


def _has_input(spec: Spec) -> bool:
    """Whether there is an input anywhere in the spec, blocks included."""
    stack = [spec.items, *(each.items for each in spec.definitions if isinstance(each, DefNode))]
    while stack:
        for item in stack.pop():
            if is_input(item):
                return True
            if isinstance(item.atom, GroupNode):
                stack.append(item.atom.items)
            elif isinstance(item.atom, MergeNode):
                stack.extend(item.atom.arms)
    return False


def _text_and_holes(node: LayerNode) -> tuple[tuple[str, ...], list[Hole]]:
    """A node's text in parts, a hole standing as `{}`, and its holes."""
    texts: list[str] = []
    holes: list[Hole] = []
    for chunk in (node.word, *node.arguments):
        if chunk.name is not None:
            texts += [part for part in chunk.name.parts if isinstance(part, str)]
            texts.append("=")
        for part in chunk.parts:
            if isinstance(part, Hole):
                holes.append(part)
                texts.append("{}")
            else:
                texts.append(part)
        texts.append(" ")
    return tuple(texts), holes


def _plain(value: Any, hole: Hole) -> Any:
    """What a hole stands for in a layer's text: a number that is not negative."""
    if value < 0:
        fail("E114", "a number here cannot be negative", hole.span, f"is {value}")
    return value if isinstance(value, int) else float(value)


def _names(items: tuple[ItemNode, ...]) -> set[str]:
    """All names that the spec itself gives, so that no numbered one takes them."""
    found: set[str] = set()
    stack = [items]
    while stack:
        for item in stack.pop():
            if item.name is not None:
                found.add(item.name)
            if isinstance(item.atom, GroupNode):
                stack.append(item.atom.items)
            elif isinstance(item.atom, MergeNode):
                stack.extend(item.atom.arms)
    return found
