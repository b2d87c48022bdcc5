"""Builds the graph from nodes: resolves names, fills holes, calls blocks and expands repeats."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from cnncalc.diagnostics import Diagnostic, Enclosing, FatalError, Origin, Problems, Span, SpecError, exceed
from cnncalc.graph import MAX_LAYERS, UNKNOWN, BuildError, Graph, GraphBuilder, WeightOwner
from cnncalc.language.arguments import read_layer
from cnncalc.language.blocks import Blocks, Scope, checked_value, unknown_tensor
from cnncalc.language.channels import CHANNELS
from cnncalc.language.expressions import evaluate, exact
from cnncalc.language.inputs import (
    CLOSED,
    LETTERS,
    LetterMode,
    begins_with_input,
    completed,
    has_input,
    is_input,
    open_sizes_error,
)
from cnncalc.language.missing import ANY_COUNT, MissingCounts
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    CallNode,
    DefNode,
    Expression,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    LetNode,
    MergeNode,
    ReferenceNode,
    Spec,
)
from cnncalc.language.paths import given_names, refuse_long_path
from cnncalc.language.placeholders import text_and_holes
from cnncalc.language.references import references, weights_reference
from cnncalc.layers.base import REGISTRY, Layer, Lint
from cnncalc.layers.rearrange import Input
from cnncalc.layers.references import TensorSize
from cnncalc.layers.timewise import over_steps
from cnncalc.spelling import nearest

#: Stands for the index of a tensor where no input has come yet.
NO_TENSOR = -2

#: Calls may be nested this deep.
MAX_CALLS = 100

#: Copies of items, which may come to no layer each.
MAX_COPIES = 4 * MAX_LAYERS

#: Formulas take a hundred times as long as numbers: the most layers of a network with sizes in letters.
MAX_LAYERS_IN_LETTERS = 10_000


def build_graph(
    spec: Spec,
    problems: Problems,
    input: tuple[Any, ...] | None = None,
    variables: Mapping[str, Any] | None = None,
    left_open: LetterMode = CLOSED,
) -> Graph:
    """Return the graph of a spec. `input` is the shape of its first input, `variables` override its lets.

    Raises `SpecError` with every error, including those that the parser found.
    """
    try:
        if left_open.letters and input is None and not problems and not has_input(spec):
            return _graph_with_letters(spec, variables or {}, left_open)
        return Expander(spec, problems, input, variables or {}, left_open).graph()
    except BuildError as error:
        from cnncalc.language.repair import with_repairs  # only once something is wrong

        raise with_repairs(error) from None


def _graph_with_letters(spec: Spec, variables: Mapping[str, Any], left_open: LetterMode) -> Graph:
    """Return the graph with an input of letters in front, with as many axes as its windows require."""
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


class Expander:
    """Builds the graph of one spec, node by node."""

    #: The value of an expression: for a sweep, one that differs from variant to variant.
    evaluate: Callable[[Expression, Mapping[str, Any]], Any] = staticmethod(evaluate)
    #: The types of a number of channels.
    NUMBERS: tuple[type, ...] = (int,)

    def __init__(
        self,
        spec: Spec,
        problems: Problems,
        input: tuple[Any, ...] | None,
        variables: Mapping[str, Any],
        left_open: LetterMode,
    ) -> None:
        self.spec, self.problems, self.open = spec, problems, left_open
        #: The shape for the first input, until that has come.
        self.input = input
        self.builder = GraphBuilder(problems, given_names(spec.items), stretching=left_open.stretching)
        self.top = self._top_scope({name: exact(name, value) for name, value in variables.items()})
        self.blocks = Blocks(spec.definitions, self.top.numbers, problems)
        #: The letters of the inputs, and those for filters that layers lack.
        self.letters: set[str] = set()
        self.missing = MissingCounts({*self.top.numbers, *self.top.blocks}, left_open.at)
        self.layer_count = 0
        #: Text and the values of its holes → the layer that was read from it.
        self.layers_by_text: dict[tuple[Any, ...], Layer] = {}
        self.texts: dict[int, tuple[tuple[str, ...], list[Hole]]] = {}
        #: Layers and where they stand, by the identities of a node and of the numbers around it: both stay alive,
        #: and no other calls lead to these numbers.
        #: None is for one that cannot be read, which has been reported.
        self.layers_read: dict[tuple[int, int], tuple[Layer, Origin] | None] = {}
        #: Those layers at each step, by their identity and the number of axes of steps.
        self.layers_at_steps: dict[tuple[int, int], tuple[Layer, Layer]] = {}
        #: The positions of the inputs in a sequence, by its identity.
        self.input_positions: dict[int, set[int]] = {}
        self.merges = 0
        self.copies = 0
        #: The blocks whose layers are built, and the identities of the items that come to no layer.
        self.called: set[str] = set()
        self.unused: set[int] = set()
        self.missing_input_reported = False

    def graph(self) -> Graph:
        """Return the graph; raises `SpecError` with every error."""
        items, first = self.spec.items, NO_TENSOR
        try:
            if not self.problems:
                self.layer_count = self.blocks.layer_count(items, self.top)
            if self.input is not None and not begins_with_input(items):
                first = self.builder.add(self.with_numbers(Input("input", shape=self.input), None), ())
                self.input = None
            last = self.sequence(items, first, self.top)
            self.check_uncalled()
        except FatalError as error:
            try:
                # A limit: what else is wrong is reported with it, unless the report is full.
                self.problems.add(*error.diagnostics)
            except FatalError as full:
                raise self.builder.error(full, self.spec.name) from None
            last = UNKNOWN
        self.letters.update(self.missing.letters.values())
        for letter in self.open.at.keys() - self.letters:
            known = ", ".join(sorted(self.letters))
            help = f"its letters: {known}" if known else "write one for a size of its input: `input HxWx3`"
            self.problems.report("E110", f"the spec has no letter `{letter}`", help=help)
        return self.builder.build(last, self.spec.name)

    def _top_scope(self, variables: dict[str, Any]) -> Scope:
        """Return the scope of the spec itself: its lets, some overridden by variables, and its blocks."""
        numbers = dict(variables)
        if self.open.unknown is not None:
            numbers[UNKNOWN_NUMBER] = self.open.unknown
        blocks: dict[str, DefNode] = {}
        for each in self.spec.definitions:
            if each.name in blocks or (each.name in numbers and each.name not in variables):
                message = f"`{each.name}` is defined twice"
                self.problems.report("E111", message, each.span, "defined again", "choose another name")
            elif isinstance(each, DefNode):
                if each.name.lower() in REGISTRY:
                    message, help = (
                        f"`{each.name}` is a layer word",
                        f"choose another name, such as `{each.name}_block`",
                    )
                    self.problems.report("E111", message, each.span, "not free for a block", help)
                blocks[each.name] = each
            elif each.name not in variables:
                try:
                    numbers[each.name] = self.evaluate(each.value, numbers)
                except SpecError as error:
                    self.problems.catch(error)
                    numbers[each.name] = 1
        lets = [each.name for each in self.spec.definitions if isinstance(each, LetNode)]
        for name in variables:
            if name not in lets:
                near = nearest(name, lets)
                help = f"write `{near}`" if near else f"its lets: {', '.join(lets)}" if lets else "it has no let"
                self.problems.report("E110", f"the spec has no let `{name}` to set", help=help)
        return Scope(numbers, blocks, {})

    # -- one method for each node: from the tensor that goes in to the one that comes out ------------------

    def sequence(self, items: tuple[ItemNode, ...], current: int, scope: Scope, arm: bool = False) -> int:
        # The same items are built again and again, and few of them are inputs.
        inputs = self.input_positions.get(id(items))
        if inputs is None:
            inputs = {position for position, item in enumerate(items) if is_input(item)}
            self.input_positions[id(items)] = inputs
        for position, item in enumerate(items):
            begins = arm and position == 0
            if position in inputs and item.name is None and current != NO_TENSOR and not begins:
                help = "write `input … as NAME`, and `@NAME` where it is read"
                self.problems.report("E131", "a second input has no name", item.span, "what reads it?", help)
            current = self.item(item, current, scope)
        return current

    def item(self, item: ItemNode, current: int, scope: Scope) -> int:
        if item.count is None and isinstance(item.atom, LayerNode):
            current = self.layer(item.atom, current, scope, item.name)
            if item.name is not None:
                self.define_tensor(item, current, scope)
            return current
        count = self.blocks.repeat_count(item, scope)
        if count is None:
            return UNKNOWN
        # What comes to no layer is not expanded: its calls and repeats may be without number.
        if (count != 1 or isinstance(item.atom, CallNode)) and not self.blocks.layer_count((item,), scope):
            self.check_unused(item, scope)
            return current
        if count > 1 and item.name is None and not _names_its_copies(item):
            repeat = Enclosing(self.builder.number(f"{scope.path}repeat"), item.atom.span, count)
            scope = scope._replace(within=(*scope.within, repeat))
        for number in range(1, count + 1):
            self.copies += 1
            # A count that depends on channels is known only here.
            if self.copies > MAX_COPIES or len(self.builder.nodes) > MAX_LAYERS + MAX_COPIES:
                message = f"the spec comes to more than {MAX_LAYERS:,} layers"
                exceed(message, item.count_span or item.span, "too many layers", calls=scope.calls)
            current = self.copy(item, current, scope, number if count > 1 else None)
        if item.name is not None and count:
            self.define_tensor(item, current, scope)
        return current

    def copy(self, item: ItemNode, current: int, scope: Scope, number: int | None) -> int:
        """Build one copy of an item and return the index of its output; `number` counts the copies of a repeat."""
        atom = item.atom
        name = item.name and f"{item.name}{number or ''}"
        if isinstance(atom, LayerNode):
            return self.layer(atom, current, scope, name)
        if isinstance(atom, GroupNode):
            if atom.word:
                return self.over_steps(atom, current, scope, name)
            return self.sequence(atom.items, current, self.named_scope(name, item.name_span or item.span, scope))
        if isinstance(atom, MergeNode):
            return self.merge(atom, current, scope, name)
        if isinstance(atom, CallNode):
            return self.call(atom, current, scope, name)
        if isinstance(atom, ReferenceNode):
            return self.reference(atom, scope)
        return UNKNOWN

    def layer(self, node: LayerNode, current: int, scope: Scope, name: str | None) -> int:
        key = id(node), id(scope.numbers)
        if key not in self.layers_read:
            if node.weights is not None and self.letters:
                self.take_letter(node, scope)
            self.layers_read[key] = self.read_or_report(node, scope)
        known = self.layers_read[key]
        if known is None:
            return UNKNOWN
        layer, origin = known
        if scope.within:
            # What was read once stands in several blocks.
            origin = Origin(origin.span, origin.calls, scope.within)
        if layer.tensor_arguments:
            sized = self.with_sizes(layer, node, scope)
            if sized is None:
                return UNKNOWN
            layer = sized
        inputs: tuple[int, ...] = (current,)
        if isinstance(layer, Input):
            inputs = ()
            if self.input is not None:
                layer, self.input = Input("input", shape=completed(self.input, layer.shape)), None
            layer = self.with_numbers(layer, node.span)
        elif current == NO_TENSOR:
            return self.report_missing_input(node.span)
        elif scope.steps:
            layer = self.at_steps(layer, scope.steps)
        shared = None if node.weights is None else self.shared_weights(node, scope)
        return self.builder.add(layer, inputs, origin, name, scope.path, scope.arms, shared=shared)

    def shared_weights(self, node: LayerNode, scope: Scope) -> WeightOwner | None:
        """Return the node that a layer names as that of its weights; None where it is not known."""
        named = weights_reference(node)
        assert named is not None
        owner = self.reference(named, scope)
        return None if owner == UNKNOWN else WeightOwner(owner, named.name)

    def take_letter(self, node: LayerNode, scope: Scope) -> None:
        """Take the letter for missing filters of the layer whose weights a layer has: they have as many filters."""
        named = weights_reference(node)
        known = scope.tensors.get(named.name) if named else None
        if known is not None and (letter := self.missing.letters.get(id(known[1].atom))) is not None:
            self.missing.letters[id(node)] = letter

    def over_steps(self, node: GroupNode, current: int, scope: Scope, name: str | None) -> int:
        """Build a sequence that is applied to each step of the first axis; its layers are numbered as a block's."""
        own = name or self.builder.number(scope.path + node.word).removeprefix(scope.path)
        inside = self.named_scope(own, node.span, scope)
        return self.sequence(node.items, current, inside._replace(steps=scope.steps + 1))

    def named_scope(self, name: str | None, span: Span, scope: Scope) -> Scope:
        """Return the scope of a group's items: under its name if it has one, and else the one around it."""
        path = f"{scope.path}{name}." if name else scope.path
        refuse_long_path(path, span, scope.calls)
        return scope._replace(path=path, within=(*scope.within, Enclosing(path[:-1]))) if name else scope

    def at_steps(self, layer: Layer, steps: int) -> Layer:
        """Return a layer that was read as it is at each step: the same one each time, which is then fitted once."""
        key = id(layer), steps
        if key not in self.layers_at_steps:
            # It is kept with it, so that its identity stays its own.
            self.layers_at_steps[key] = layer, over_steps(layer, steps)
        return self.layers_at_steps[key][1]

    def read_or_report(self, node: LayerNode, scope: Scope) -> tuple[Layer, Origin] | None:
        """Return the layer of a node and where it stands; None where it cannot be read, which is reported."""
        try:
            return self.read(node, scope), Origin(node.span, scope.calls)
        except SpecError as error:
            from cnncalc.language.suggestions import with_suggestions  # only once something is wrong

            self.problems.catch(with_suggestions(error, scope.blocks, scope.tensors), scope.calls)
            return None

    def with_sizes(self, layer: Layer, node: LayerNode, scope: Scope) -> Layer | None:
        """Return the layer with the sizes of the tensors that it names; None where one is not known."""
        for reference in references(node):
            tensor = self.reference(reference, scope)
            if tensor == UNKNOWN:
                return None
            # A layer at each step takes the sizes of a step.
            sizes = self.builder.nodes[tensor].shape.spatial[scope.steps :]
            named = [name for name in layer.tensor_arguments if getattr(layer, name) == TensorSize(reference.name)]
            layer = layer.replace(**dict.fromkeys(named, TensorSize(reference.name, sizes)))
        return layer

    def with_numbers(self, input: Input, span: Span | None) -> Input:
        """Return the input with numbers in place of its letters; reports letters that are not allowed."""
        self.letters.update(input.open)
        input = input.substitute(self.open.at)
        if input.open and not self.open.letters:
            self.problems.add(open_sizes_error(input, span))
        if input.open and self.layer_count > MAX_LAYERS_IN_LETTERS:
            message = f"the spec comes to more than {MAX_LAYERS_IN_LETTERS:,} layers, too many for sizes in letters"
            help = "give its shape in numbers: `--input 32x32x3`"
            exceed(message, span, "letters" if span else "", help)
        return input

    def read(self, node: LayerNode, scope: Scope) -> Layer:
        """Return the layer of a node, with the values of its holes.

        Equal texts with equal values are one layer, regardless of position: most of a deep network is read once.
        """
        known = self.texts.get(id(node))
        if known is None:
            known = self.texts[id(node)] = text_and_holes(node)
        text, holes = known
        values = [self.evaluate(hole.expression, scope.numbers) for hole in holes]
        return self.read_with(node, text, holes, values)

    def read_with(self, node: LayerNode, text: tuple[str, ...], holes: list[Hole], values: Sequence[Any]) -> Layer:
        """Return the layer of a node with these values of its holes."""
        key: tuple[Any, ...] = (*text, *values)
        layer = self.layers_by_text.get(key)
        if layer is None:
            checked = {hole.span: checked_value(value, hole) for hole, value in zip(holes, values, strict=True)}
            layer = read_layer(node, checked, self.open.assumed or self.missing_counts(node))
            if id(node) in self.missing.letters:
                # Its letter is its own, and no other layer of this text has it.
                if layer.open and not self.open.letters:
                    return read_layer(node, checked)
                return layer
            self.layers_by_text[key] = layer
        return layer

    def missing_counts(self, node: LayerNode) -> Mapping[str, Any]:
        """Return letters for the filters that a layer may lack, where those of the input are letters too."""
        return self.missing.of(node) if self.letters else {}

    def merge(self, node: MergeNode, current: int, scope: Scope, name: str | None) -> int:
        self.merges += 1
        merge = self.merges
        ends = []
        for number, arm in enumerate(node.arms):
            arms = (*scope.arms, (merge, number))
            inside = scope._replace(arms=arms)
            end = self.sequence(arm, current, inside, arm=True)
            ends.append(self.report_missing_input(node.span) if end == NO_TENSOR else end)
        key = id(node.layer), id(scope.numbers)
        if key not in self.layers_read:
            self.layers_read[key] = self.read_or_report(node.layer, scope)
        known = self.layers_read[key]
        if known is None:
            return UNKNOWN
        layer = self.at_steps(known[0], scope.steps) if scope.steps else known[0]
        origin = Origin(node.span, scope.calls, scope.within)
        index = self.builder.add(layer, tuple(ends), origin, name, scope.path, scope.arms)
        if len(ends) == 1:
            help = f"a `;` separates arms; an empty one is the tensor before: `{known[0]}(… ; )`"
            self.builder.add_lint(index, Lint("W205", "`{layer}` has one arm, and gives that out as it is", help))
        return index

    def call(self, node: CallNode, current: int, scope: Scope, name: str | None) -> int:
        block = self.blocks.find(node, scope)
        if block is None:
            return UNKNOWN
        if len(scope.calls) >= MAX_CALLS:
            exceed(f"blocks are called deeper than {MAX_CALLS} levels", node.span, "too deep")
        channels = None
        if self.blocks.uses_channels(block):
            if current == NO_TENSOR:
                return self.report_missing_input(node.span)
            if current == UNKNOWN:
                return UNKNOWN
            channels = self.builder.nodes[current].shape.channels
            if not isinstance(channels, self.NUMBERS):
                return self.report_open_channels(node, scope)
        numbers = self.blocks.bind(node, block, scope, channels)
        if numbers is None:
            return UNKNOWN
        if self.top.blocks.get(block.name) is block:
            self.called.add(block.name)
        path = f"{scope.path}{name}." if name else self.builder.number(scope.path + block.name) + "."
        refuse_long_path(path, node.span, scope.calls)
        return self.sequence(block.items, current, self.blocks.body_scope(node, block, numbers, scope, path))

    def reference(self, node: ReferenceNode, scope: Scope) -> int:
        if node.name not in scope.tensors:
            self.problems.add(unknown_tensor(node, scope.tensors, scope.calls))
            return UNKNOWN
        return scope.tensors[node.name][0]

    # -- what is not built ---------------------------------------------------------------------------

    def check_unused(self, item: ItemNode, scope: Scope) -> None:
        """Report the errors of an item that is expanded to no layers, since mistakes in it are errors too."""
        if id(item) not in self.unused:
            self.unused.add(id(item))
            from cnncalc.language.unused import check_items  # few specs have any

            check_items((item,), scope, self.blocks, self.open.assumed or (ANY_COUNT if self.letters else {}))

    def check_uncalled(self) -> None:
        """Report the errors of the blocks that nothing calls."""
        if len(self.called) < len(self.top.blocks):
            from cnncalc.language.unused import check_uncalled

            check_uncalled(self.top, self.called, self.blocks, self.open.assumed or (ANY_COUNT if self.letters else {}))

    # -- names and errors ----------------------------------------------------------------------------

    def define_tensor(self, item: ItemNode, tensor: int, scope: Scope) -> None:
        """Bind the name of an item to its output; reports a name that another item has."""
        name = item.name or ""
        known = scope.tensors.get(name)
        # The copies of a repeat name the same item again: the latest is meant.
        if known is not None and known[1] is not item:
            first, span = known[1].span.in_file(), item.name_span or item.span
            note = f"first given at {first.line}:{first.column}"
            message, help = f"two layers are named `{name}`", "choose another name"
            self.problems.report("E111", message, span, "named again", help, notes=(note,))
        scope.tensors[name] = tensor, item

    def report_open_channels(self, node: CallNode, scope: Scope) -> int:
        """Report that a block computes with the channels that come in, and these are no number; returns `UNKNOWN`."""
        message, label = f"`{node.name}` needs the number of channels that come in", f"`{CHANNELS}` is no number here"
        help = "write the channels of the input as a number: `input HxWx3`"
        self.problems.add(Diagnostic("E132", message, node.span, label, help=help, calls=scope.calls))
        return UNKNOWN

    def report_missing_input(self, span: Span) -> int:
        """Report, once, that the spec has no input; returns `UNKNOWN`."""
        if not self.missing_input_reported:
            self.missing_input_reported = True
            help = "begin with `input 32x32x3 | …`, or add `--input 32x32x3`"
            self.problems.report("E130", "the spec has no input", span, "what size goes in here?", help)
        return UNKNOWN


def _names_its_copies(item: ItemNode) -> bool:
    """Return whether the layers of each copy of an item have a name in front of theirs: a call, or a `timewise`."""
    return isinstance(item.atom, CallNode) or (isinstance(item.atom, GroupNode) and bool(item.atom.word))
