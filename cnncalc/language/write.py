"""Writes nodes as canonical text, which parses to nodes of the same meaning.

Nothing is expanded: holes, lets, defs and repeats stay as written, and so do line breaks, blank
lines and comments. Within a line there is only one way of writing everything.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.language.layout import COMMENT, WIDTH, Gap, as_written, lay_out, without_blanks
from cnncalc.language.nodes import (
    UNKNOWN_NUMBER,
    CallNode,
    DefNode,
    Expression,
    FunctionNode,
    GroupNode,
    Hole,
    ItemNode,
    LayerNode,
    LetNode,
    MergeNode,
    NameNode,
    NumberNode,
    OperationNode,
    ReferenceNode,
    Spec,
)
from cnncalc.language.placeholders import NOT_GIVEN, read_with_placeholders
from cnncalc.language.references import WEIGHTS, weights_reference
from cnncalc.layers import Layer
from cnncalc.layers.arguments import PerAxis
from cnncalc.shape import ShapeError

#: Operator → how tightly it binds; a sign binds more tightly than all of them.
BINDING = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}
SIGN = 3

#: Up to the `;` that ends an arm, which is not one in a comment.
ARM = re.compile(r"[^;#]*(?:#[^\r\n]*[^;#]*)*")


class Style(NamedTuple):
    """The marks and spaces between the parts of a line."""

    separator: str
    space: str
    equals: str
    times: str
    comma: str
    glued: bool


SPACED = Style(" | ", " ", " = ", " * ", ", ", glued=False)
COMPACT = Style(",", "", "=", "*", ",", glued=True)


def write(spec: Spec, problems: Problems, source: Source | None = None, compact: bool = False) -> str:
    """Return the canonical text of a spec, with the line breaks and comments of its source.

    Without a source (nodes from YAML) each item has a line of its own. `compact` glues the layers, without comments,
    and without line breaks except those that end a def. Raises `SpecError` with every error in the layers, and those
    that the parser found.
    """
    writer = Writer(problems, style=COMPACT) if compact else Writer(problems, source)
    pieces = list(writer.spec(spec))
    problems.raise_if_any()
    return lay_out(pieces, None if compact else WIDTH)


class Writer:
    """Makes the pieces that `lay_out` arranges in lines, with one method for each node."""

    def __init__(self, problems: Problems, source: Source | None = None, style: Style = SPACED) -> None:
        self.problems, self.style = problems, style
        self.text = source.text if source else None

    def spec(self, spec: Spec) -> Iterator[str | Gap]:
        beginning = Gap("", broken=True)
        if self.text is None:
            named = spec.name and not self.style.glued
            yield beginning._replace(above=(f"# {_one_line(spec.name)}",)) if named else beginning
        else:
            # What stands before the first item is no comment behind it.
            first = sorted((*spec.definitions, *spec.items), key=lambda node: node.span.start)
            yield as_written(beginning, "\n" + self.text[: _start(tuple(first), self.text)])
        items = self.before(spec.items, spec.definitions)
        yield from self.sequence(items, top=True)
        left = spec.items[len(items) :]
        if items:
            yield self.item_end(items[-1], (*spec.definitions, *left))
        goes_on = False
        for number, each in enumerate(spec.definitions, 1):
            later = spec.definitions[number:]
            items = self.before(left, later)
            left = left[len(items) :]
            rest = (*items, *later, *left)
            if isinstance(each, LetNode):
                yield f"{'' if goes_on else 'let '}{each.name}{self.style.equals}{self.expression(each.value)}"
            else:
                yield from self.definition(each)
            goes_on = self.goes_on(each, rest)
            yield self.let_gap(each, rest) if goes_on else self.definition_end(each, rest)
            yield from self.sequence(items, top=True)
            if items:
                yield self.item_end(items[-1], (*later, *left))

    def before(self, items: tuple[ItemNode, ...], definitions: tuple[LetNode | DefNode, ...]) -> tuple[ItemNode, ...]:
        """Return the items that stand before the next of the definitions; without a source, none does."""
        if not definitions:
            return items
        if self.text is None:
            return ()
        start = definitions[0].span.start
        return tuple([item for item in items if item.span.start < start])

    def item_end(self, item: ItemNode, rest: tuple[LetNode | DefNode | ItemNode, ...]) -> Gap:
        """Return the gap behind the last item before a let or def, or before the end."""
        if self.text is None:
            return Gap("")
        return self.gap(Gap("", hang=0, broken=True) if rest else Gap(""), *_ends(item), _start(rest, self.text))

    def goes_on(self, node: LetNode | DefNode, rest: tuple[LetNode | DefNode | ItemNode, ...]) -> bool:
        """Return whether the author wrote the next let after this one's comma, without the word `let`."""
        if self.text is None or not isinstance(node, LetNode) or not isinstance(rest[0] if rest else None, LetNode):
            return False
        between = COMMENT.sub("", self.text[_ends(node)[1] : rest[0].span.start])
        return "let" not in between.lower()

    def let_gap(self, node: LetNode | DefNode, rest: tuple[LetNode | DefNode | ItemNode, ...]) -> Gap:
        return self.gap(Gap(", ", end=",", hang=1), *_ends(node), rest[0].span.start)

    def definition_end(self, node: LetNode | DefNode, rest: tuple[LetNode | DefNode | ItemNode, ...]) -> Gap:
        if self.style.glued:
            return Gap(self.style.separator, hang=0, broken=isinstance(node, DefNode))
        gap = Gap("", hang=0, broken=True)
        if self.text is None:
            last = not any(isinstance(each, LetNode | DefNode) for each in rest[:1])
            return gap._replace(above=("",)) if last else gap
        return self.gap(gap, *_ends(node), _start(rest, self.text))

    def definition(self, node: DefNode) -> Iterator[str | Gap]:
        yield f"def {self.head(node)}{self.style.equals.rstrip()}"
        gap = Gap(self.style.space, hang=1)
        if self.text is not None and node.items:
            start = _start(node.items, self.text)
            # A comment can only stand behind the `=`, and have another in it.
            head = self.text[node.span.end : start].partition("#")[0]
            behind = node.span.end + head.rindex("=") + 1
            gap = without_blanks(self.gap(gap, behind, behind, start))
        yield gap
        # Outside brackets a new line would end the def, were there no separator before it.
        yield from self.sequence(node.items, Gap(self.style.separator, end=" |", hang=1))

    def sequence(
        self, items: tuple[ItemNode, ...], between: Gap | None = None, top: bool = False
    ) -> Iterator[str | Gap]:
        """Yield the pieces of the items; the gaps between them are like `between`."""
        if between is None:
            between = Gap(self.style.separator, broken=top and self.text is None and not self.style.glued)
        for number, item in enumerate(items):
            if number:
                yield self.gap(between, *_ends(items[number - 1]), item.span.start)
            yield from self.item(item, between.level)

    def item(self, item: ItemNode, level: int) -> Iterator[str | Gap]:
        atom = item.atom
        if isinstance(atom, LayerNode):
            yield self.layer(atom)
        elif isinstance(atom, GroupNode):
            yield from self.brackets(f"{atom.word}(", (atom.items,), level + 1, atom)
        elif isinstance(atom, MergeNode):
            word = self.layer(atom.layer)
            yield from self.brackets(f"{word} (" if " " in word else f"{word}(", atom.arms, level + 1, atom)
        elif isinstance(atom, CallNode):
            yield self.call(atom)
        elif isinstance(atom, ReferenceNode):
            yield f"@{atom.name}"
        if item.count is not None:
            count = self.hole(item.count) if isinstance(item.count, Hole) else str(item.count)
            yield self.style.times + count
        if item.name is not None:
            yield f" as {item.name}"

    def brackets(
        self, opening: str, arms: tuple[tuple[ItemNode, ...], ...], level: int, atom: GroupNode | MergeNode
    ) -> Iterator[str | Gap]:
        """Yield the arms of a merge in brackets, or the one arm of a group; an empty arm has one gap."""
        yield opening
        # Long lines are broken at the brackets and before each `;` first, and only then within the arms.
        mark = Gap("", level, 2 * level - 1)
        start = 0
        if self.text is not None:
            start = self.text.index("(", atom.layer.span.end if isinstance(atom, MergeNode) else atom.span.start) + 1
        for number, arm in enumerate(arms):
            last = number == len(arms) - 1
            before = mark._replace(flat="" if last else self.style.space, closes=last)
            inside = end = start
            if arm:
                after = mark._replace(flat=self.style.space, rank=None) if number else mark
                yield without_blanks(self.gap(after, start, start, arm[0].span.start))
                yield from self.sequence(arm, Gap(self.style.separator, level, 2 * level))
                inside, end = _ends(arm[-1])
            elif last and number:
                before = before._replace(flat=self.style.space)
            stop = atom.span.end - 1 if last else self.arm_end(end)
            yield without_blanks(self.gap(before, inside, end, stop))
            yield ")" if last else ";"
            start = stop + 1

    def arm_end(self, start: int) -> int:
        """Return the position of the `;` that ends an arm."""
        arm = ARM.match(self.text, start) if self.text is not None else None
        return arm.end() if arm else start

    def gap(self, gap: Gap, inside: int, start: int, end: int) -> Gap:
        """Return the gap with the source's line breaks between two positions.

        From `inside` to `start` the source has the item's count and name: only comments are read there.
        """
        return gap if self.text is None else as_written(gap, self.text[start:end], self.text[inside:start])

    # -- within a line -------------------------------------------------------------------------------

    def layer(self, node: LayerNode) -> str:
        """Return the layer's first word and the arguments that differ from their defaults, in the order declared."""
        try:
            layer = read_with_placeholders(node, self.hole)
        except SpecError as error:
            from cnncalc.language.suggestions import with_suggestions  # only once something is wrong

            self.problems.catch(with_suggestions(error))
            return ""
        word = layer.kind if layer.axes is None else f"{layer.kind}{layer.axes}d"
        texts = list(argument_texts(layer))
        if (named := weights_reference(node)) is not None:
            texts.append(f"{WEIGHTS}=@{named.name}")
        if not self.style.glued:
            return " ".join([word, *texts])
        # Glued, `x` would go on with the numbers before it, and a name with what is behind it. And conv2d is a word
        # only by itself.
        apart_of = [text for text in texts if "=" in text or text[0] == "@"]
        glued = "".join(f":{text[1:]}" if text[0] == "x" else text for text in texts if text not in apart_of)
        behind = "".join(f" {text}" for text in apart_of)
        # Nor is a letter alone, for a size, read where it is glued to its word.
        apart = layer.axes is not None or glued[:1].isupper()
        return (f"{word} {glued}" if apart and glued else word + glued) + behind

    def call(self, node: CallNode) -> str:
        # Values that could not be read are not among those of the node: to write it would lose them.
        self.problems.add(*node.problems)
        values = [f"{name}={self.expression(value)}" if name else self.expression(value) for name, value in node.values]
        return f"{node.name}({self.style.comma.join(values)})"

    def head(self, node: DefNode) -> str:
        """Return a def's name and parameters."""
        names = [name if value is None else f"{name}={self.expression(value)}" for name, value in node.parameters]
        return f"{node.name}({self.style.comma.join(names)})"

    def hole(self, hole: Hole) -> str:
        if isinstance(hole.expression, NameNode) and hole.expression.name == UNKNOWN_NUMBER:
            return UNKNOWN_NUMBER
        return f"{{{self.expression(hole.expression)}}}"

    def expression(self, node: Expression, binding: int = 0) -> str:
        """Return the text, in brackets if its operator has a lower precedence than `binding`."""
        if isinstance(node, NumberNode):
            return node.text
        if isinstance(node, NameNode):
            return node.name
        if isinstance(node, FunctionNode):
            return f"{node.name}({self.style.comma.join(map(self.expression, node.values))})"
        if node.left is None:
            own, text = SIGN, node.operator + self.expression(node.right, SIGN)
        else:
            own, text = BINDING[node.operator], self.chain(node)
        return f"({text})" if own < binding else text

    def chain(self, node: OperationNode) -> str:
        """Return operators of one precedence from left to right, without recursion, since a sum may be long."""
        own, space = BINDING[node.operator], self.style.space
        parts: list[str] = []
        left: Expression = node
        while isinstance(left, OperationNode) and left.left is not None and BINDING[left.operator] == own:
            parts.append(f"{space}{left.operator}{space}{self.expression(left.right, own + 1)}")
            left = left.left
        return self.expression(left, own) + "".join(reversed(parts))


def argument_texts(layer: Layer) -> Iterator[str]:
    """Yield the canonical texts of the arguments of a layer that differ from their defaults.

    One number stands for all axes only if the kernel has the number of axes; otherwise the count of the
    numbers is what a reader checks.
    """
    windows = (name for name, argument in layer.arguments.items() if isinstance(argument, PerAxis) and argument.in_full)
    rank = max((len(getattr(layer, name) or (1,)) for name in windows), default=1)
    for name, argument in layer.arguments.items():
        value = getattr(layer, name)
        if value is NOT_GIVEN:
            continue
        try:
            fitted = argument.fit(value, rank)
        except ShapeError:
            yield argument.spell(value)
            continue
        alike = fitted == getattr(layer, argument.like) if argument.like else argument.is_default(fitted)
        if not alike:
            yield argument.write(fitted)


def flat(pieces: Iterable[str | Gap]) -> str:
    """Return the pieces as one line."""
    return "".join(piece if isinstance(piece, str) else piece.flat for piece in pieces)


def _start(nodes: tuple[LetNode | DefNode | ItemNode, ...], text: str) -> int:
    """Return the position where the first of the nodes begins, or the end of the text."""
    return nodes[0].span.start if nodes else len(text)


def _ends(node: LetNode | DefNode | ItemNode) -> tuple[int, int]:
    """Return the position where a node ends without the count and name of its last item, and with them."""
    if isinstance(node, LetNode):
        return node.value.span.end, node.value.span.end
    last = node.items[-1] if isinstance(node, DefNode) else node
    return last.atom.span.end, last.span.end


def _one_line(name: str | None) -> str:
    return " ".join("".join(c if c.isprintable() and c != "\ufffd" else " " for c in name or "").split())
