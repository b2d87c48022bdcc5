"""Writes nodes as YAML in block style: long forms for groups, repeats and branches, lines of text for the rest."""

from __future__ import annotations

from collections.abc import Iterable

from cnncalc.diagnostics import Problems
from cnncalc.language.nodes import DefNode, GroupNode, Hole, ItemNode, LayerNode, LetNode, MergeNode, Spec
from cnncalc.language.write import Writer, flat
from cnncalc.language.yaml_values import nesting

#: Brackets deeper than this stay text: a reader counts lists and mappings as levels as well, three for an arm.
MOST_NESTED = 20


def write_yaml(spec: Spec, problems: Problems) -> str:
    """Return the spec in YAML, without the comments of its source.

    Raises `SpecError` with every error in the layers, and those that the parser found.
    """
    blocks = YamlWriter(problems).spec(spec)
    problems.raise_if_any()
    return "\n".join(blocks) + "\n"


class YamlWriter:
    """Makes the lines of YAML for each node, not yet indented."""

    def __init__(self, problems: Problems) -> None:
        self.inline = Writer(problems)

    def spec(self, spec: Spec) -> list[str]:
        lines = [f"name: {scalar(spec.name)}"] if spec.name else []
        items = spec.items
        shape = self.input(items[0]) if len(items) > 1 else None
        if shape:
            lines.append(f"input: {scalar(shape)}")
            items = items[1:]
        lets = [each for each in spec.definitions if isinstance(each, LetNode)]
        defs = [each for each in spec.definitions if isinstance(each, DefNode)]
        if lets:
            lines += [
                "let:",
                *indented(self.let(let, lets) for let in lets if let.name in let.tied[:1] or not let.tied),
            ]
        if defs:
            lines += ["def:", *indented(line for each in defs for line in self.definition(each))]
        return [*lines, "layers:", *indented(self.sequence(items))]

    def let(self, node: LetNode, lets: list[LetNode]) -> str:
        name, value = node.name, self.inline.expression(node.value)
        if node.tied:
            values = [self.inline.expression(each.value) for each in lets if each.tied == node.tied]
            name, value = f"({', '.join(node.tied)})", f"({', '.join(values)})"
        if node.choices is None:
            return f"{scalar(name)}: {scalar(value)}"
        # In brackets of YAML's own, a comma would end a text.
        return f"{scalar(name)}: {{value: {quoted(value)}, in: {quoted(f'[{self.inline.choices(node.choices)}]')}}}"

    def input(self, item: ItemNode) -> str | None:
        """Return the shape of an item that is a plain input, or None."""
        if not isinstance(item.atom, LayerNode) or item.count is not None or item.name is not None:
            return None
        word, _, shape = self.inline.layer(item.atom).partition(" ")
        return shape if word == "input" else None

    def definition(self, node: DefNode) -> list[str]:
        return [f"{scalar(self.inline.head(node))}:", *indented(self.sequence(node.items))]

    def sequence(self, items: tuple[ItemNode, ...], nested: bool = False) -> list[str]:
        return [line for item in items for line in dashed(self.item(item, nested))]

    def item(self, item: ItemNode, nested: bool) -> list[str]:
        """Return the lines of an item; `nested` is True if an enclosing item is known not to be too deep."""
        atom = item.atom
        if not nested and isinstance(atom, (GroupNode, MergeNode)):
            nested = nesting(flat(self.inline.item(item, 0))) <= MOST_NESTED
        name = [f"name: {item.name}"] if item.name is not None else []
        if nested and isinstance(atom, GroupNode) and not (atom.word and item.count is not None):
            layers = self.sequence(atom.items, nested)
            if item.count is None and not name:
                return [f"{atom.word or 'group'}:", *indented(layers)]
            count = self.inline.hole(item.count) if isinstance(item.count, Hole) else item.count
            times = [] if count is None else [f"times: {scalar(str(count))}"]
            word = atom.word or ("group" if count is None else "repeat")
            return [f"{word}:", *indented([*times, *name, "layers:", *indented(layers)])]
        if nested and isinstance(atom, MergeNode) and item.count is None:
            arms = [line for arm in atom.arms for line in dashed(self.sequence(arm, nested) or ["[]"])]
            word, *arguments = self.inline.layer(atom.layer).split()
            pairs = [argument.partition("=") for argument in arguments]
            named = [*name, *(f"{key}: {scalar(value)}" for key, _, value in pairs)]
            return [f"{word}:", *indented([*named, "arms:", *indented(arms)] if named else arms)]
        return [scalar(flat(self.inline.item(item, 0)))]


def scalar(text: str) -> str:
    """Return a text as a YAML scalar: plain if that is safe, else in double quotes."""
    plain = text.isprintable() and (text[:1].isalnum() or text[:1] in ("(", "_"))
    if plain and ": " not in text and " #" not in text and not text.endswith((":", " ")):
        return text
    return f'"{"".join(map(_escaped, text))}"'


def quoted(text: str) -> str:
    """Return a text as a YAML scalar within brackets of YAML: in quotes if a mark of YAML's is in it."""
    return f"'{text}'" if any(mark in text for mark in ",[]{}#&*!|>%@`'\"") else text


def _escaped(character: str) -> str:
    if character in '"\\':
        return f"\\{character}"
    code = ord(character)
    return character if character.isprintable() else f"\\u{code:04X}" if code < 1 << 16 else f"\\U{code:08X}"


def indented(lines: Iterable[str]) -> list[str]:
    """Return the lines indented by one level."""
    return [f"  {line}" for line in lines]


def dashed(lines: list[str]) -> list[str]:
    """Return the lines as one entry of a list."""
    return [f"- {lines[0]}", *indented(lines[1:])]
