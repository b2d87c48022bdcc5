"""Reads YAML to the nodes that text gives: this module from the text to values, `yaml_nodes` from values to nodes.

The values are composed here and not by `yaml.load`: a scalar keeps its text, nothing recurses, and the size of
expanded aliases is known before any of them is expanded.
"""

from __future__ import annotations

import re
from typing import Any, NoReturn

import yaml

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError, exceed, fail
from cnncalc.graph import MAX_LAYERS
from cnncalc.language.cursor import MAX_DEPTH
from cnncalc.language.nodes import Spec
from cnncalc.language.tokens import check_text
from cnncalc.language.yaml_nodes import YamlReader
from cnncalc.language.yaml_values import Value, YamlList, YamlMapping, YamlPair, YamlScalar, nesting

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

#: The mapping and the list that hold the layers are no brackets of the language.
MAX_LEVELS = MAX_DEPTH + 2
#: Values in all, every alias written out: a layer takes a few.
MAX_VALUES = 4 * MAX_LAYERS


def parse_yaml(source: Source, problems: Problems) -> Spec:
    """Return the nodes of a spec in YAML. Errors are added to `problems`; an `InvalidNode` replaces an unreadable item.

    Raises `SpecError` if nothing can be read: E005 over a limit, E006 not text, E009 not YAML.
    """
    source = source._replace(text=source.text.removeprefix("\ufeff"))
    check_text(source)
    return YamlReader(source, problems).spec(Composer(source).compose())


class OpenCollection:
    """A list or mapping that is not complete: its first event, and the values so far with their ends."""

    def __init__(self, event: Any) -> None:
        self.event = event
        self.values: list[Value] = []
        self.ends: list[int] = []
        self.depth = self.weight = 1


class Composer:
    """Composes the events of a file to one value, in which all aliases of an anchor share its value."""

    def __init__(self, file: Source) -> None:
        self.file = file
        self.event_span: tuple[int, int] = (0, 0)
        self.open: list[OpenCollection] = []
        self.anchors: dict[str, Value | None] = {}
        self.root: Value | None = None

    def compose(self) -> Value:
        """Return the value of the whole file; raises `SpecError` at the first error."""
        event: Any
        try:
            for event in yaml.parse(self.file.text, Loader=LOADER):
                self.event_span = event.start_mark.index, event.end_mark.index
                self.add(event)
        except yaml.reader.ReaderError as error:
            at = max(self.file.text.find(chr(error.character)), 0)
            message = f"the spec has U+{error.character:04X} in it"
            fail("E006", message, Span(self.file, at, at + 1), "not text")
        except yaml.MarkedYAMLError as error:
            raise SpecError([_syntax_error(self.file, error)]) from None
        return self.root or YamlScalar("", 0, 0)

    def add(self, event: Any) -> None:
        if isinstance(event, (yaml.ScalarEvent, yaml.CollectionStartEvent)) and event.tag is not None:
            self.fail("E009", "a YAML tag has no meaning here", "every value is its text", "remove the `!…`")
        if isinstance(event, yaml.ScalarEvent):
            scalar = self.scalar(event)
            self.put(scalar, scalar.end, event.anchor)
        elif isinstance(event, yaml.AliasEvent):
            self.put(self.alias(event.anchor or ""), self.event_span[1])
        elif isinstance(event, yaml.CollectionStartEvent):
            if event.anchor:
                self.anchors[event.anchor] = None
            self.open.append(OpenCollection(event))
            self.refuse_depth(len(self.open))
        elif isinstance(event, yaml.CollectionEndEvent):
            closed = self.open.pop()
            collection = self.collection(closed)
            self.put(collection, collection.end, closed.event.anchor)
        elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
            self.fail("E009", "a file holds one document", "begins another", "put it in a file of its own")

    def put(self, value: Value, end: int, anchor: str | None = None) -> None:
        """Add a complete value to the enclosing list or mapping; `end` is its end there."""
        if anchor:
            self.anchors[anchor] = value
        if not self.open:
            self.root = value
            return
        around = self.open[-1]
        around.values.append(value)
        around.ends.append(end)
        around.weight += value.weight
        if value.depth >= around.depth:
            around.depth = value.depth + 1
            self.refuse_depth(len(self.open) + value.depth)
        if around.weight > MAX_VALUES:
            message = f"the YAML comes to more than {MAX_VALUES:,} values"
            help = "write repeated layers once, with `repeat`"
            exceed(message, Span(self.file, *self.event_span), "aliases count as written out", help)

    def alias(self, name: str) -> Value:
        if name not in self.anchors:
            help = f"for the layer that is named `{name}`, write `'@{name}'`"
            self.fail("E009", f"unknown anchor `{name}`", f"no `&{name}` before it", help)
        value = self.anchors[name]
        if value is None:
            self.fail("E009", f"the alias `*{name}` stands inside what it repeats", "would never end", "remove it")
        return value

    def scalar(self, event: Any) -> YamlScalar:
        text, value, (start, end) = self.file.text, event.value, self.event_span
        while end > start and text[end - 1].isspace():  # a block scalar reaches to the next token
            end -= 1
        last = end - (event.style in ("'", '"'))
        first = last - len(value)
        if event.style == "|" and value.strip():
            # Indentation means nothing to the language, so the lines may be read where they stand.
            first = text.find("\n", start) + 1
            lines, expected = text[first:end].split("\n"), value.rstrip().split("\n")
            if [line.strip() for line in lines] == [line.strip() for line in expected]:
                value = text[first:end]
        exact = first >= start and text[first:last] == value
        if not exact:
            first, last = start, end
        # The weight bounds both the layers that a text may hold and the time that it takes to read.
        weight = 1 + sum(map(value.count, "|,;>\n")) + len(value) // 16
        return YamlScalar(value, first, last, exact, nesting(value), weight)

    def collection(self, closed: OpenCollection) -> YamlList | YamlMapping:
        start, values, ends = closed.event.start_mark.index, closed.values, closed.ends
        end = self.event_span[1] if closed.event.flow_style else ends[-1] if ends else start
        if isinstance(closed.event, yaml.SequenceStartEvent):
            return YamlList(tuple(values), start, end, closed.depth, closed.weight)
        pairs = []
        for key, value, value_end in zip(values[::2], values[1::2], ends[1::2], strict=True):
            self.event_span = key.start, key.end
            if not isinstance(key, YamlScalar):
                self.fail("E009", "a key is a text", "a list or mapping as a key", "write one word before the `:`")
            if key.text == "<<":
                help = "write the arguments out, or define a block under `def`"
                self.fail("E009", "the merge key `<<` has no meaning here", "not an argument", help)
            pairs.append(YamlPair(key, value, value_end))
        return YamlMapping(tuple(pairs), start, end, closed.depth, closed.weight)

    def refuse_depth(self, depth: int) -> None:
        if depth > MAX_LEVELS:
            exceed(f"brackets are nested deeper than {MAX_DEPTH} levels", Span(self.file, *self.event_span), "too deep")

    def fail(self, code: str, message: str, label: str, help: str | None = None) -> NoReturn:
        """Raise `SpecError` with one diagnostic at the current event."""
        fail(code, message, Span(self.file, *self.event_span), label, help)


def _syntax_error(file: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    """Return the error of the YAML parser, with the edit to make for common mistakes."""
    mark, around = error.problem_mark, error.context_mark
    at = min(mark.index, len(file.text)) if mark else 0
    notes = (f"{error.context}, from {around.line + 1}:{around.column + 1}",) if around and around.index < at else ()
    character, help = file.text[at : at + 1], None
    problem = error.problem or "not YAML"
    if character == "\t":
        help = "indent with spaces"
    elif character and character in "@%`":
        word = re.compile(r"[^\s,\]}]+").match(file.text, at)
        help = f"quote it: `'{word.group() if word else character}'`"
    elif character and character in "{[":
        help = f"quote a text that has a `{character}` in it"
    elif problem.startswith("mapping values are not allowed"):
        help = "quote a text that has a `: ` in it; indent the keys of one mapping alike"
    return Diagnostic("E009", "the YAML cannot be read", Span(file, at, at + 1), problem, notes, help)
