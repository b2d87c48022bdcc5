"""A text that does not read, read again with its items as people mean them.

Only what does not read by itself is touched: each such item is given to `phrases`, together with those behind it that
a comma cut off (`conv 3x3, 64`), and what that understands takes its place. The new text is a source of its own, whose
spans are shown in the old one. It is imported only for a text with errors.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from cnncalc.diagnostics import Diagnostic, Edit, Problems, Source, Span, SpecError
from cnncalc.graph import Graph
from cnncalc.language.arguments import UnknownLayerError, read_canonical
from cnncalc.language.canonical import AnyHole
from cnncalc.language.lenient import word_of
from cnncalc.language.marks import input_of, marks
from cnncalc.language.missing import COUNTS
from cnncalc.language.nodes import CallNode, InvalidNode, LayerNode, Spec
from cnncalc.language.parse import parse_items
from cnncalc.language.phrases import Phrase, layers_of
from cnncalc.language.placeholders import read_with_placeholders
from cnncalc.language.prelude import described
from cnncalc.language.suggestions import call_of, is_framework_call
from cnncalc.language.tokens import CHUNK, END, NEWLINE, SEP, Token, tokenize
from cnncalc.language.write import write
from cnncalc.layers import MERGE_WORDS, SEQUENCE_WORDS

#: Longer texts are not read again.
MOST_TEXT = 1 << 16

#: A text in which more items do not read is none of layers.
MOST_UNREAD = 200

#: Items that a comma may have cut off from their layer.
MOST_CUT = 5

BLOCK = re.compile(r"(?m)^[ \t]*def\s+([A-Za-z_]\w*)", re.ASCII)
PADDING = re.compile(r"\s*pad(?:ding)?\s*=?\s*\d[\dx-]*\s*")
SUFFIX = re.compile(r"((?:\s*\*\s*(?:\d+|\{[^{}\n]*\}))?(?:\s+as\s+[A-Za-z_]\w*)?)\s*$", re.ASCII)
#: A layer with its name in front: `stem: conv 3x3 x8`.
NAMED = re.compile(r"([A-Za-z_]\w*)\s*[:=]\s+(?=[A-Za-z])", re.ASCII)

#: What stands in front of a layer and is none of its own names: `activation: relu`.
NO_NAMES = ("activation", "layer", "nonlinearity", "type")


def reread(source: Source) -> Source | None:
    """Return the text with what does not read in it as people mean it; None if nothing of it is understood."""
    if len(source.text) > MOST_TEXT or source.packaged:
        return None
    marked = source
    edits = marks(source.text)
    if edits:
        marked = source.rewritten(edits)
    edits = list(_edits(marked))
    return marked.rewritten(edits) if edits else marked if marked is not source else None


def check_stated(graph: Graph) -> Graph:
    """Return the graph; raise `SpecError` E213 where a layer of the text says that other channels come in than do."""
    for node in graph.nodes:
        span = node.origin.span if node.origin else None
        if span is None or not span.source.edits or not node.inputs or node.implicit:
            continue
        stated = _stated_at(span)
        channels = node.input_shapes[0].channels
        if stated is not None and isinstance(channels, int) and stated[1] != channels:
            name, expected = stated
            unit = "features" if "features" in name and not node.input_shapes[0].spatial else "channels"
            message = f"`{node.name}` expects {expected} {unit}"
            label = f"`{name}` is {expected}, and {channels} {unit} come in"
            raise SpecError([Diagnostic("E213", message, span, label, help=f"write {channels} for {expected}")])
    return graph


def _stated_at(span: Span) -> tuple[str, int] | None:
    """Return the channels that the old text says to come into the layer at a place of the new one."""
    moved = 0
    for edit in span.source.edits:
        start = edit.start + moved
        moved += len(edit.text) - (edit.end - edit.start)
        if start <= span.start < start + len(edit.text):
            number = edit.text[: span.start - start].count("|")
            return edit.stated[number] if number < len(edit.stated) else None
    return None


def _edits(source: Source) -> Iterator[Edit]:
    """Yield what takes the place of items that do not read, in order."""
    try:
        tokens = tokenize(source, Problems())
    except SpecError:
        return
    items = list(_items(tokens, source.text, {*BLOCK.findall(source.text), *described()}))
    texts = [source.text[item.start : item.end] for item in items]
    known = {text: _reads(text) for text in dict.fromkeys(texts)}
    read = [known[text] for text in texts]
    if read.count(False) > MOST_UNREAD:
        return
    at = 0
    while at < len(items):
        item = items[at]
        cut = 0
        while cut < MOST_CUT and items[at + cut].comma and at + cut + 1 < len(items):
            # Where commas cut arguments off, `pad 1` is one of them.
            if read[at + cut + 1] and not (cut and PADDING.fullmatch(texts[at + cut + 1])):
                break
            cut += 1
        if read[at] and not cut:
            at += 1
            continue
        for more in range(cut, -1, -1):
            end = items[at + more].end
            text = source.text[item.start : end]
            whole = item._replace(end=end)
            meant = _meant(whole, text) or _in_doubt(whole, text) if more or not read[at] else None
            if meant is not None:
                yield meant
                at += more
                break
        at += 1


def readings(source: Source) -> list[tuple[str, str]]:
    """Return each item of a text that is not in the words of the language, with what it is read as in these."""
    changed = reread(source)
    if changed is not None and changed.base is not None and changed.base.base is not None:
        source = changed.base  # its separators were others
    found = {edit.start: (source.text[edit.start : edit.end], edit.text) for edit in _edits(source)}
    try:
        tokens = tokenize(source, Problems())
    except SpecError:
        return []
    for item in _items(tokens, source.text, {*BLOCK.findall(source.text), *described()}):
        text = source.text[item.start : item.end]
        if item.start not in found and not _is_canonical(text):
            found[item.start] = text, text
    return [
        (text, other) for _, (text, meant) in sorted(found.items()) if (other := _canonical(meant)) not in ("", text)
    ]


def _is_canonical(text: str) -> bool:
    """Return whether each layer of an item is in the words of the language; what is no layer is."""
    try:
        for item in parse_items(Source("<item>", text), Problems()):
            if isinstance(item.atom, LayerNode):
                read_canonical(item.atom, AnyHole(), dict.fromkeys(COUNTS, 1))
    except UnknownLayerError as error:
        return error.chunk.span.start == 0 and text[:1].isdigit()  # a shape that a spec begins with
    except SpecError:
        return False
    return True


def _canonical(text: str) -> str:
    problems = Problems()
    items = parse_items(Source("<item>", text), problems)
    try:
        return " | ".join(write(Spec(None, (), items), problems).split("\n")).strip(" |")
    except SpecError:
        return ""


def _with_sizes(text: str) -> list[Phrase] | None:
    """Return the layers of a text with a comma between sizes, `conv 3,3 x16`, where nothing is missing then."""
    sizes = re.sub(r"(?<=\d),(?=\d)", "x", text)
    layers = layers_of(sizes) if sizes != text else None
    try:
        for each in layers or ():
            for item in parse_items(Source("<item>", str(each)), Problems()):
                if isinstance(item.atom, LayerNode):
                    read_canonical(item.atom, AnyHole(), {})
    except SpecError:
        return None
    return layers


def _in_doubt(item: ItemPlace, text: str) -> Edit | None:
    """Return the text without its commas where it has two readings then, and the error shows both."""
    joined = " ".join(text.split(","))
    try:
        for each in parse_items(Source("<item>", joined), Problems()):
            if isinstance(each.atom, LayerNode):
                read_canonical(each.atom, AnyHole(), {})
    except SpecError as error:
        if joined != text and any(each.code == "E103" and "` or `" in (each.help or "") for each in error.diagnostics):
            return Edit(item.start, item.end, joined)
    return None


class ItemPlace(NamedTuple):
    """The place of an item in a text, and whether a comma follows it on the same line."""

    start: int
    end: int
    comma: bool


def _items(tokens: list[Token], text: str, blocks: Collection[str]) -> Iterator[ItemPlace]:
    """Yield the places of the items that may be layers: not of lets, headers of defs, calls and references."""
    at = 0
    first: int | None = None
    tail = False  # behind a closing bracket: a count or a name
    while at < len(tokens):
        token = tokens[at]
        starts_line = at == 0 or tokens[at - 1].kind == NEWLINE or "\n" in text[tokens[at - 1].end : token.start]
        if first is None and not tail and token.kind == CHUNK and token.text.lower() in ("let", "def") and starts_line:
            at = _behind_head(tokens, at)
            continue
        if token.kind in (SEP, NEWLINE, END, ";", ")"):
            if first is not None:
                yield ItemPlace(tokens[first].start, tokens[at - 1].end, token.text == ",")
            first, tail = None, token.kind == ")"
        elif tail:
            pass
        elif token.kind == "(":
            word = tokens[first].text if first is not None else ""
            if first is None or word.lower() in MERGE_WORDS or word.lower() in SEQUENCE_WORDS:
                first = None
            else:
                at = _closing(tokens, at)
                if word in blocks:
                    first, tail = None, True
        elif first is None:
            first = at
        at += 1


def _behind_head(tokens: list[Token], at: int) -> int:
    """Return the position behind a let, or behind the `=` of a def."""
    if tokens[at].text.lower() == "def":
        while tokens[at].kind not in ("=", NEWLINE, END):
            at = (_closing(tokens, at) if tokens[at].kind == "(" else at) + 1
        return at + 1 if tokens[at].kind == "=" else at
    while tokens[at].kind not in (NEWLINE, END) and tokens[at].text != "|":
        at += 1
    return min(at + 1, len(tokens) - 1) if tokens[at].kind != END else at


def _closing(tokens: list[Token], at: int) -> int:
    """Return the position of the bracket that closes the one at a position, or of the last token before the end."""
    depth = 0
    while tokens[at].kind != END:
        depth += {"(": 1, ")": -1}.get(tokens[at].kind, 0)
        if not depth:
            return at
        at += 1
    return at - 1


def _reads(text: str) -> bool:
    """Return whether a text is items of the language, each of them a layer that reads."""
    problems = Problems()
    try:
        items = parse_items(Source("<item>", text), problems)
        for item in items:
            if isinstance(item.atom, LayerNode):
                read_with_placeholders(item.atom, lambda hole: hole.span.text)
            if isinstance(item.atom, (InvalidNode, CallNode)):
                return False
    except (SpecError, RecursionError):
        return False
    return not problems and bool(items)


def _meant(item: ItemPlace, text: str) -> Edit | None:
    """Return the items that a text means, with the count and the name behind it; None if it is not understood."""
    named = NAMED.match(text)
    if named and word_of(named[1]) is None and " as " not in text:
        rest = text[named.end() :]
        inner = _meant(item, rest)
        meant = inner.text if inner else rest if _reads(rest) else None
        name = "" if named[1].lower() in NO_NAMES else f" as {named[1]}"
        return Edit(item.start, item.end, f"{meant}{name}", inner.stated if inner else ()) if meant else None
    shape = input_of(text)
    if shape is not None and _reads(shape):
        return Edit(item.start, item.end, shape)
    suffix = SUFFIX.search(text)
    for behind in dict.fromkeys((suffix[1] if suffix else "", "")):
        said = text.rstrip()[: len(text.rstrip()) - len(behind)].strip()
        call = call_of(said) if "(" in said else None
        # A framework's call that its table does not read is none of another meaning.
        layers = None if "(" in said and is_framework_call(said) else layers_of(said) or _with_sizes(said)
        if call is None and not layers:
            continue
        whole = call[0] if call is not None else " | ".join(map(str, layers or ()))
        stated = (call[1],) if call else tuple([each.stated[0] if each.stated else None for each in layers or ()])
        whole = f"({whole})" if "*" in behind and "|" in whole else whole
        if _reads(whole + behind):
            return Edit(item.start, item.end, whole + behind, stated)
    return None
