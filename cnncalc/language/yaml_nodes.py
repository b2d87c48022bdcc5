"""Converts values of YAML to the nodes that text gives: the grammar of a spec in YAML.

    spec      = {name: TEXT, input: value, let: {NAME: number}, def: {NAME(parameters): sequence}, layers: sequence}
    number    = expression | {value: expression, in: choices}; of `(w, d)` both in brackets
    sequence  = [item, …], or one item in its place
    item      = inline text, a whole sequence allowed | sequence, as a group | {WORD: arguments}
              | {repeat: {times: count, layers: sequence, name: NAME}} | {group: {layers: sequence, name: NAME}}
              | {timewise: sequence}, or as `group`
              | {add: arms} | {add: {arms: arms, ARGUMENT: value, name: NAME}}, and so `concat` and `mul`
    arms      = [sequence, …]; an empty one is the tensor itself
    arguments = {ARGUMENT: value, …, name: NAME} | value, the layer's first argument
    value     = text | [3, 3], read as 3x3 | [[0, 1], [1, 1]], read as 0-1x1-1

After an error in an item the reader continues with the next, as the parser of text does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NoReturn, TypeVar

from cnncalc.diagnostics import AlreadyReported, Problems, Source, Span, SpecError, exceed, fail
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.arguments import UnknownLayerError, split_word
from cnncalc.language.choices import choice, parse_choices, parts_in_brackets
from cnncalc.language.expressions import ExpressionParser
from cnncalc.language.nodes import (
    Choices,
    Chunk,
    DefNode,
    Expression,
    GroupNode,
    InvalidNode,
    ItemNode,
    LayerNode,
    LetNode,
    MergeNode,
    Range,
    Spec,
)
from cnncalc.language.parse import Parser, parse_items
from cnncalc.language.references import layer_node
from cnncalc.language.tokens import CHUNK, END, STRAY
from cnncalc.language.yaml_values import (
    Value,
    YamlList,
    YamlMapping,
    YamlPair,
    YamlScalar,
    as_text,
    is_empty,
    joined_path,
    shortened,
)
from cnncalc.layers import MERGE_WORDS, REGISTRY, SEQUENCE_WORDS
from cnncalc.spelling import nearest

T = TypeVar("T")

#: The words of an item in long form that is a group.
GROUPS = ("repeat", "group", *SEQUENCE_WORDS)


class YamlReader:
    """Reads the values of a file to nodes. An item with an error is reported and becomes an `InvalidNode`."""

    def __init__(self, file: Source, problems: Problems) -> None:
        self.file, self.problems = file, problems
        self.layers = 0
        #: The items of a value by its id: what aliases repeat is read once.
        self.read_before: dict[int, tuple[ItemNode, ...]] = {}
        #: The item of a word and the identity of what stands under it; None for one that could not be read.
        self.entries: dict[tuple[str, int], ItemNode | None] = {}
        #: Whether the last text was cut by a comma inside its brackets, so that the next is the rest of it.
        self.cut = False

    def spec(self, root: Value) -> Spec:
        name = None
        definitions: list[LetNode | DefNode] = []
        inputs: tuple[ItemNode, ...] = ()
        items: tuple[ItemNode, ...] = ()
        for section, (key, value, end) in self.sections(root).items():
            span = self.span(section, key.start, end)
            try:
                match section:
                    case "name":
                        name = self.text(value, section).text.strip()
                    case "input":
                        inputs = (ItemNode(InvalidNode(span), span),)
                        inputs = (self.layer(key, value, section, span),)
                    case "let":
                        definitions += self.lets(value)
                    case "def":
                        definitions += self.defs(value)
                    case "layers":
                        items = self.sequence(value, section)
            except SpecError as error:
                self.problems.catch(error)
        return Spec(name or None, tuple(definitions), inputs + items)

    def sections(self, root: Value) -> dict[str, YamlPair]:
        """Return the pairs of the outermost mapping by key; a spec without layers is reported."""
        try:
            sections = self.pairs(root, "", "the spec", ("name", "input", "let", "def", "layers"))
        except SpecError as error:
            self.problems.catch(error)
            return {}
        layers = sections.get("layers")
        if layers is None and not self.problems:
            help = "write for example `layers: [conv 3x3 x16, pool 2]`"
            span = self.span("", root.start, root.start)
            self.problems.report("E009", "the spec has no `layers`", span, "expected a key `layers`", help)
        elif layers and is_empty(layers.value):
            span = self.span("layers", layers.key.start, layers.key.end)
            self.problems.report(
                "E007", "the spec has no layer", span, "nothing in it", "write for example `- conv 3x3 x16`"
            )
            del sections["layers"]
        return sections

    def lets(self, value: Value) -> Iterator[LetNode]:
        for key, content, _ in self.pairs(value, "let", "`let`").values():
            path = joined_path("let", key)
            try:
                yield from self.let(key, content, path)
            except SpecError as error:
                self.problems.catch(error)

    def let(self, key: YamlScalar, content: Value, path: str) -> list[LetNode]:
        """Return the let of a key, or the lets of `(w, d)`; `{value: …, in: […]}` says which values a sweep tries."""
        choices = None
        if isinstance(content, YamlMapping) and any(pair.key.text.lower() in ("value", "in") for pair in content.pairs):
            pairs = self.pairs(content, path, f"`{shortened(key)}`", ("value", "in"))
            if "value" not in pairs:
                span = self.span(path, content.start, content.end)
                fail("E104", f"`{shortened(key)}` has no value", span, path, "write `value: …` in it")
            choices, content, path = pairs.get("in"), pairs["value"].value, f"{path}.value"
        names = [(key.text, self.whole(key, path))]
        if key.text.startswith("("):
            span = names[0][1]
            names = [(text, Span(span.source, *at)) for text, at in parts_in_brackets(span.source, 0, len(key.text))]
        else:
            name, span = self.read(key, path, lambda parser: parser.name("under `let`"))
            names = [(name, span)]
        tied = tuple([name for name, _ in names]) if key.text.startswith("(") else ()
        parts = self.let_values(content, path, bool(tied))
        if len(parts) != len(names):
            fail("E004", "tied lets have a value each", self.whole(key, path), path, "write `(w, d): {value: [1, 1]}`")
        found = self.choices(choices, path, len(tied)) if choices else None
        return [
            LetNode(name, ExpressionParser(*part).parse(), span, found, tied)
            for (name, span), part in zip(names, parts, strict=True)
        ]

    def let_values(self, content: Value, path: str, tied: bool) -> list[tuple[Source, int, int]]:
        """Return the places of the values of a let: of lets that are tied `(1, 1)`, or a list."""
        if tied and isinstance(content, YamlList):
            sources = [self.source(self.text(part, path), path) for part in content.items]
            return [(source, 0, len(source.text)) for source in sources]
        source = self.source(self.text(content, path), path)
        if not tied:
            return [(source, 0, len(source.text))]
        return [(source, *at) for _, at in parts_in_brackets(source, 0, len(source.text))]

    def choices(self, pair: YamlPair, path: str, tied: int) -> Choices:
        """Return the values that a sweep tries: a text in brackets, or a list of values, ranges or lists of values."""
        path = f"{path.removesuffix('.value')}.in"
        value = pair.value
        if isinstance(value, YamlScalar):
            source = self.source(value, path)
            return parse_choices(source, 0, len(source.text), tied)
        span = self.span(path, value.start, value.end)
        if not isinstance(value, YamlList) or is_empty(value):
            help = "write for example `in: [0.5..2..0.25]`"
            fail("E150", "a let has no values to try", span, path, help)
        items: list[Range | tuple[Expression, ...]] = []
        for number, each in enumerate(value.items):
            inside = f"{path}[{number}]"
            if isinstance(each, YamlList):
                parts = [self.source(self.text(part, inside), inside) for part in each.items]
                if len(parts) != tied:
                    label = f"{len(parts)} values, of {tied or 1}"
                    fail("E150", "a value to try for each let", self.span(inside, each.start, each.end), label)
                items.append(tuple([ExpressionParser(part, 0, len(part.text)).parse() for part in parts]))
            else:
                source = self.source(self.text(each, inside), inside)
                items.append(choice(source, 0, len(source.text), tied))
        return Choices(tuple(items), span)

    def defs(self, value: Value) -> Iterator[DefNode]:
        for key, body, _ in self.pairs(value, "def", "`def`").values():
            path = joined_path("def", key)
            try:
                help = f"write `{shortened(key).partition('(')[0]}(c, s=1):`, its parameters in brackets"
                name, parameters, span = self.read(key, path, Parser.header, help)
                yield DefNode(name, parameters, self.sequence(body, path), span)
            except SpecError as error:
                self.problems.catch(error)

    # -- items ---------------------------------------------------------------------------------------

    def sequence(self, value: Value, path: str) -> tuple[ItemNode, ...]:
        """Return the items of a list, or of a single value in place of a list."""
        if not isinstance(value, YamlList) or is_empty(value):
            return self.items(value, path)
        return tuple([item for i, each in enumerate(value.items) for item in self.items(each, f"{path}[{i}]")])

    def items(self, value: Value, path: str) -> tuple[ItemNode, ...]:
        """Return the items of one value in a list: an inline text may have several."""
        items = self.read_before.get(id(value))
        if items is None:
            try:
                if is_empty(value):
                    span = self.span(path, value.start, value.end)
                    fail("E002", "an empty layer", span, "no layer here", "remove it, or write a layer")
                if isinstance(value, YamlScalar):
                    items = self.inline(value, path)
                elif isinstance(value, YamlList):
                    span = self.span(path, value.start, value.end)
                    items = (ItemNode(GroupNode(self.sequence(value, path), span), span),)
                else:
                    items = (self.entry(value, path),)
            except SpecError as error:
                self.problems.catch(error)
                span = self.span(path, value.start, value.end)
                items = (ItemNode(InvalidNode(span), span),)
            self.read_before[id(value)] = items
        return items

    def inline(self, text: YamlScalar, path: str) -> tuple[ItemNode, ...]:
        span = self.whole(text, path)
        open = text.text.count("(") - text.text.count(")")
        if self.cut and self.file.text[max(text.start - 100, 0) : text.start].rstrip().endswith(","):
            self.cut = open >= 0
            raise AlreadyReported
        self.cut = open > 0 and self.file.text[text.end : text.end + 1] == ","
        if self.cut:
            help = f"quote all of it: `'{shortened(text)}, …)'`"
            fail("E003", "a `(` is never closed", span, "YAML ends the text at the comma", help)
        items = parse_items(span.source, self.problems)
        self.count(len(items) - text.text.count("input"), span)
        return items

    def entry(self, value: YamlMapping, path: str) -> ItemNode:
        """Return an item in long form: a mapping with one key, a layer word, a block of layers or a merge."""
        key, content, end = value.pairs[0]
        span = self.span(path, key.start, end)
        word, inside = key.text.lower(), joined_path(path, key)
        if len(value.pairs) > 1:
            help = f"indent it under `{shortened(key)}:`, or begin an item of its own with `-`"
            second = self.whole(value.pairs[1].key, path)
            fail("E009", "an item has one key", second, f"stands beside `{shortened(key)}`", help)
        near = None if word in REGISTRY or word in GROUPS else nearest(word, GROUPS)
        if near and nearest(word, [*REGISTRY, near]) == near:
            place = self.whole(key, path)
            fail("E101", f"unknown layer `{shortened(key)}`", place, "not a layer word", f"write `{near}`")
        known = word, id(content)
        if known not in self.entries:
            self.entries[known] = None  # in case it cannot be read
            self.entries[known] = self.long_form(key, content, inside, span)
        item = self.entries[known]
        if item is None:
            raise AlreadyReported
        return item if item.span is span else item._replace(atom=item.atom._replace(span=span), span=span)

    def long_form(self, key: YamlScalar, content: Value, path: str, span: Span) -> ItemNode:
        """Return the item of a word and what stands under it, at `path`."""
        word = key.text.lower()
        if word in MERGE_WORDS:
            return self.merge(key, content, path, span)
        if word in GROUPS:
            return self.group(word, content, path, span)
        self.count(word != "input", span)
        return self.layer(key, content, path, span)

    def layer(self, key: YamlScalar, value: Value, path: str, span: Span) -> ItemNode:
        help = "write the layer as text, without the `:`"
        word = self.read(key, path, lambda parser: parser.chunk(parser.expect(CHUNK, "a layer word")), help)
        if not isinstance(value, YamlMapping):
            arguments = () if is_empty(value) else (self.argument(_bare_argument(word), value, path),)
            return ItemNode(LayerNode(word, arguments, span), span)
        pairs = self.pairs(value, path, f"`{shortened(key)}`")
        name = pairs.pop("name", None)
        chunks = tuple([self.named_argument(pair, path) for pair in pairs.values()])
        return ItemNode(layer_node(word, chunks, span), span, None, None, *self.name(name, path))

    def named_argument(self, pair: YamlPair, path: str) -> Chunk:
        """Return the value of a pair as the argument of its key."""
        inside = joined_path(path, pair.key)
        return self.argument(Chunk((pair.key.text,), self.whole(pair.key, inside)), pair.value, inside)

    def argument(self, name: Chunk | None, value: Value, path: str) -> Chunk:
        """Return a value as the argument of that name, or in its short form if there is no name."""
        text = self.text(as_text(value), path)
        if name and not text.text.strip():
            message, help = f"`{name.span.text}` has no value", "write one, or remove it"
            fail("E105", message, name.span, "nothing behind it", help)
        span = self.whole(text, path)
        if len(text.text) > 1 and text.text[0] == text.text[-1] == '"' and text.text.count('"') == 2:
            return Chunk((text.text,), span, name)
        if "->" in text.text and '"' not in text.text:
            # A pattern, which needs no quotes of its own here; those that it is read with stand around it.
            return Chunk((f'"{text.text}"',), span._replace(start=span.start - 1), name)
        help = "one value stands here; to write several, write the layer as text, without the `:`"
        return self.read(text, path, lambda parser: parser.argument(name), help)

    def group(self, word: str, value: Value, path: str, span: Span) -> ItemNode:
        """Return a `group`, a `timewise`, or a `repeat`, which is a group with a count."""
        own = word if word in SEQUENCE_WORDS else ""
        if word != "repeat" and isinstance(value, YamlList):
            return ItemNode(GroupNode(self.sequence(value, path), span, own), span)
        pairs = self.required(value, path, word, ("times", "layers") if word == "repeat" else ("layers",))
        items = self.sequence(pairs["layers"].value, f"{path}.layers")
        count = count_span = None
        if word == "repeat":
            times = f"{path}.times"
            help = "write `times: 3`, or `times: '{n}'`"
            count, count_span = self.read(self.text(pairs["times"].value, times), times, Parser.count, help)
        return ItemNode(GroupNode(items, span, own), span, count, count_span, *self.name(pairs.get("name"), path))

    def merge(self, key: YamlScalar, value: Value, path: str, span: Span) -> ItemNode:
        word, name, arguments = key.text.lower(), None, tuple[Chunk, ...]()
        chunk = Chunk((word,), self.whole(key, path))
        if isinstance(value, YamlMapping):
            taken = tuple(REGISTRY[word].arguments)
            pairs = self.required(value, path, word, ("arms",), taken)
            arguments = tuple([self.named_argument(each, path) for key, each in pairs.items() if key in taken])
            name, value, path = pairs.get("name"), pairs["arms"].value, f"{path}.arms"
        if not isinstance(value, YamlList) or is_empty(value):
            help = f"write `{word}: [[conv 1x1 x64], []]`; an empty arm is the tensor itself"
            fail("E009", f"`{word}` has no list of arms", span, path, help)
        self.count(1, span)
        arms = [() if is_empty(arm) else self.sequence(arm, f"{path}[{i}]") for i, arm in enumerate(value.items)]
        merge = MergeNode(LayerNode(chunk, arguments, span), tuple(arms), span)
        return ItemNode(merge, span, None, None, *self.name(name, path))

    def count(self, layers: int, span: Span) -> None:
        """Count layers and stop early at too many of them; those of repeats are counted by the builder."""
        self.layers += layers
        if self.layers > MAX_LAYERS:
            exceed(f"the spec comes to more than {MAX_LAYERS:,} layers", span, "too many layers")

    # -- parts of values -----------------------------------------------------------------------------

    def pairs(self, value: Value, path: str, what: str, known: tuple[str, ...] = ()) -> dict[str, YamlPair]:
        """Return the pairs of a mapping by key. A key that occurs twice is reported, and one that is not `known`."""
        if is_empty(value):
            return {}
        if not isinstance(value, YamlMapping):
            help = f"write `{path.rpartition('.')[2]}: {{…}}`" if path else "write `layers:` before it"
            self.wrong_kind(value, path, what, "a mapping", help)
        pairs: dict[str, YamlPair] = {}
        for pair in value.pairs:
            text = pair.key.text.lower() if known else pair.key.text
            span = self.whole(pair.key, joined_path(path, pair.key))
            name = f"`{shortened(pair.key)}`"
            if known and text not in known:
                near = nearest(text, known)
                notes = (f"its keys: {', '.join(known)}",)
                message, edit = f"{what} has no key {name}", f"write `{near}`" if near else None
                self.problems.report("E120", message, span, span.source.path, edit, notes=notes)
            elif text in pairs:
                first = self.whole(pairs[text].key, path).in_file()
                notes = (f"first given at {first.line}:{first.column}",)
                message = f"{name} of {what} is given twice"
                self.problems.report("E103", message, span, "given again", "remove one", notes=notes)
            else:
                pairs[text] = pair
        return pairs

    def required(
        self, value: Value, path: str, word: str, names: tuple[str, ...], optional: tuple[str, ...] = ()
    ) -> dict[str, YamlPair]:
        """Return the pairs of a repeat, group or merge; raises `SpecError` E104 if one of `names` is missing."""
        pairs = self.pairs(value, path, f"`{word}`", (*names, *optional, "name"))
        for name in names:
            if name not in pairs:
                if isinstance(value, YamlMapping) and len(value.pairs) > len(pairs):
                    raise AlreadyReported  # the key may be there, misspelt
                span = self.span(path, value.start, value.end)
                fail("E104", f"`{word}` has no {name}", span, path, f"write `{name}: …` in it")
        return pairs

    def text(self, value: Value, path: str) -> YamlScalar:
        """Return a value that must be a scalar; raises `SpecError` E009 for another."""
        if not isinstance(value, YamlScalar):
            written = self.file.text[value.start : value.end]
            # `{c}` without quotes is a mapping to YAML.
            help = f"quote it: `'{written}'`" if isinstance(value, YamlMapping) and written[:1] == "{" else None
            self.wrong_kind(value, path, f"`{path.rpartition('.')[2]}`", "one value", help)
        return value

    def name(self, pair: YamlPair | None, path: str) -> tuple[str | None, Span | None]:
        if pair is None:
            return None, None
        path = f"{path}.name"
        help = "a name is one word of letters, digits and `_`, such as `down`"
        return self.read(self.text(pair.value, path), path, lambda parser: parser.name("after `name:`"), help)

    def read(self, text: YamlScalar, path: str, rule: Callable[[Parser], T], help: str | None = None) -> T:
        """Read a whole text by a rule of the grammar; `help` is the edit to make in YAML if that fails."""
        parser = Parser(self.source(text, path), self.problems)
        if any(token.kind == STRAY for token in parser.tokens):
            raise AlreadyReported
        try:
            result = rule(parser)
            parser.expect(END, "nothing more")
        except SpecError as error:
            error.diagnostics = tuple([each._replace(help=help or each.help) for each in error.diagnostics])
            raise
        return result

    # -- spans and errors ----------------------------------------------------------------------------

    def source(self, text: YamlScalar, path: str) -> Source:
        return Source(self.file.name, text.text, self.file, text.start, text.end, text.exact, path)

    def whole(self, text: YamlScalar, path: str) -> Span:
        return Span(self.source(text, path), 0, len(text.text))

    def span(self, path: str, start: int, end: int) -> Span:
        """Return a span of the file, with the path of its value."""
        return Span(Source(self.file.name, self.file.text, self.file, path=path), start, end)

    def wrong_kind(self, value: Value, path: str, what: str, expected: str, help: str | None) -> NoReturn:
        got = {YamlScalar: "one value", YamlList: "a list", YamlMapping: "a mapping"}[type(value)]
        fail("E009", f"{what} is {got}, not {expected}", self.span(path, value.start, value.end), path, help)


def _bare_argument(word: Chunk) -> Chunk | None:
    """Return the name of the argument that a bare value is for: one that is bare in text too, else a required one.

    Return None for an unknown word, which is reported when the layer is read.
    """
    try:
        _, cls, _ = split_word(word)
    except UnknownLayerError:
        return None
    arguments = sorted(cls.arguments.values(), key=lambda each: ("" not in each.shorts, not each.required))
    return Chunk((arguments[0].name,), word.span) if arguments else None
