"""Suggestions for unknown layers, arguments and blocks: what the author of a spec probably meant.

The readers of text state the error. When a spec is built or written, this module adds the edit that a user of
a framework, or of another notation, is looking for. It is imported only after an error.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from typing import Any

from cnncalc import frameworks
from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError
from cnncalc.frameworks.table import FrameworkCall
from cnncalc.language.arguments import UnknownArgumentError, UnknownLayerError, keys_of, read_layer
from cnncalc.language.lenient import argument_for, nearest_name, nearest_words, word_for
from cnncalc.language.nodes import CallNode, DefNode, LayerNode, LetNode
from cnncalc.language.parse import parse_items
from cnncalc.language.prelude import prelude
from cnncalc.layers.base import KINDS, REGISTRY
from cnncalc.spelling import nearest

#: A number with commas as in print; any other with commas is sizes.
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")

#: An argument that a separator cut off from its layer.
SHORT_FORM = re.compile(r"(?:[xspdg]|op|:)\d[\dx-]*|valid|same|full|nobias")

#: A call longer than this is not read.
MAX_CALL = 200


def with_suggestions(
    error: SpecError, blocks: Mapping[str, DefNode] | None = None, tensors: Collection[str] = ()
) -> SpecError:
    """Return an error with the edit to make, if one is known.

    `blocks` and `tensors` are the names that are visible at the error.
    """
    if isinstance(error, UnknownLayerError):
        return SpecError([_unknown_layer(error, {**prelude(), **(blocks or {})}, tensors)])
    if isinstance(error, UnknownArgumentError):
        declared = keys_of(error.cls).prefixes.get(error.name)
        meant = declared.name if declared else argument_for(error.name, error.cls)
        if meant is not None:
            return SpecError([each._replace(help=f"write `{meant}`") for each in error.diagnostics])
    return error


def unknown_block(
    node: CallNode, blocks: Mapping[str, DefNode], definitions: Sequence[LetNode | DefNode], calls: tuple[Span, ...]
) -> Diagnostic:
    """Return the error E112 for a call of an unknown block, with the edit to make if one is known.

    `blocks` are those that may be called here, `definitions` all of the spec's, `calls` the enclosing ones.
    """
    message, label, help = f"unknown block `{node.name}`", "no def of this name", None
    if any(isinstance(each, DefNode) and each.name == node.name for each in definitions):
        label = "a block calls only those above it"
        help = "use `* count` to repeat" if calls else "move its def up"
    elif (word := word_for(node.name)) is not None:
        message, label = f"the layer `{node.name}` takes no brackets", "not a block"
        written = translated_call(node.span.text)
        help = f"write `{written}`" if written else f"`cnncalc layers {KINDS[word]}` shows its arguments"
        if written is None and (reason := _refusal(node.span.text)):
            message, label = f"`{node.name}` is not read as it is called here", reason
    elif near := nearest(node.name, [*blocks, *REGISTRY]) or nearest(node.name, prelude()):
        help = f"write `{near}`"
    return Diagnostic("E112", message, node.name_span, label, help=help, calls=calls)


# -- layers ------------------------------------------------------------------------------------------------


def _unknown_layer(error: UnknownLayerError, blocks: Mapping[str, DefNode], tensors: Collection[str]) -> Diagnostic:
    span = error.chunk.span
    name = span.text
    if name in blocks:
        parameters = ", ".join(parameter for parameter, default in blocks[name].parameters if default is None)
        return _unknown(span, f"a block is called with brackets: write `{name}({parameters})`")
    if name in tensors:
        return _unknown(span, f"a name stands behind an `@`: write `@{name}`")
    text = name.lower()
    before = span.source.text[: span.start]
    of_layer = "remove the separator before it: a layer goes on until the next one"
    if error.chunk.name is not None:
        span = error.chunk.name.span.to(span)
        return _without_layer(span, of_layer if "|" in before else f"write the layer first: `conv {span.text}`")
    if "|" in before and any(argument_for(text, REGISTRY[word]) for word in ("conv", "pool", "fc")):
        return _without_layer(span, of_layer)
    if text[:1].isdigit():
        return _number_without_layer(span, before)
    if SHORT_FORM.fullmatch(text):
        return _without_layer(span, of_layer)
    if whole := word_for(text):
        return _unknown(span, f"write `{whole}`")
    word = error.word.text.lower()
    if (several := nearest_words(span.source.text[span.start : span.start + MAX_CALL])) is not None:
        meant, length = several
        return _unknown(span._replace(end=span.start + length), f"write `{meant}`")
    near = word_for(word) or nearest(word, REGISTRY) or nearest(text, REGISTRY) or nearest_name(word)
    return _unknown(error.word, f"write `{near}`" if near else "`cnncalc layers` lists the layer words")


def _unknown(span: Span, help: str) -> Diagnostic:
    return Diagnostic("E101", f"unknown layer `{span.text}`", span, "not a layer word", help=help)


def _without_layer(span: Span, help: str) -> Diagnostic:
    return Diagnostic("E101", f"no layer before `{span.text}`", span, "an argument without its layer", help=help)


def _number_without_layer(span: Span, before: str) -> Diagnostic:
    """Return the error for a number where a layer begins; the number may have been cut at a comma."""
    cut = re.search(r"[\d,]*\d,$", before)
    if cut and span.text.isdigit():
        number = cut.group() + span.text
        help = f"write `{number.replace(',', '')}`"
        if not THOUSANDS.fullmatch(number) or before[: cut.start()].rstrip().lower().endswith("input"):
            help = f"sizes take an x: write `{number.replace(',', 'x')}`"
        return Diagnostic("E101", "a comma in a number", span, "a comma separates layers", help=help)
    return _without_layer(span, f"write the layer first: `{'conv' if before.strip() else 'input'} {span.text}`")


# -- calls -------------------------------------------------------------------------------------------------


def translated_call(text: str) -> str | None:
    """Return a framework's call in the language: `conv 3x3 p1 x16` for `Conv2d(3, 16, 3, padding=1)`.

    Return None if the call cannot be translated.
    """
    return (call_of(text) or (None, None))[0]


def call_of(text: str) -> tuple[str, tuple[str, int] | None] | None:
    """Return a framework's call in the language, and the channels that it says to come in, if it does."""
    try:
        call = ast.parse(text, mode="eval").body if len(text) <= MAX_CALL else None
        if not isinstance(call, ast.Call):
            return None
        name = ast.unparse(call.func)
        positional = [_value(each) for each in call.args]
        named = {each.arg or "": _value(each.value) for each in call.keywords}
    except (SyntaxError, ValueError):
        return None
    # Without its rank, `conv(3, 16, 3)` is most likely on images.
    for full in (name, f"{name}2d"):
        for framework in frameworks.frameworks_with(full):
            with suppress(ValueError):
                read = framework.read_call(full, positional, named)
                return _written(read), read.expects
    own = None if named else _own_call(name.lower(), positional)
    return None if own is None else (own, None)


def is_framework_call(text: str) -> bool:
    """Return whether a text is a call of a framework's layer, as Python has it: `Conv2d(3, 8, k)`."""
    return _refusal(text) is not None


def _refusal(text: str) -> str | None:
    """Return why a framework's call is not read, or an empty text for one that is; None for what is no such call."""
    try:
        call = ast.parse(text, mode="eval").body if len(text) <= MAX_CALL and re.match(r"[\w.]+\(", text) else None
        if not isinstance(call, ast.Call):
            return None
        name = ast.unparse(call.func)
        table = next(frameworks.frameworks_with(name), None)
        if table is None:
            return None
        positional = [_value(each) for each in call.args]
        table.read_call(name, positional, {each.arg or "": _value(each.value) for each in call.keywords})
    except SyntaxError:
        return None
    except ValueError as error:
        return str(error)
    return ""


def _value(node: ast.expr) -> Any:
    """Return a literal, or a bare word as a text: `same` without its quotes."""
    return node.id if isinstance(node, ast.Name) else ast.literal_eval(node)


def _written(call: FrameworkCall) -> str:
    values = dict(call.values)
    if call.rank is not None and "kernel" in values:
        values["kernel"] *= call.rank if len(values["kernel"]) == 1 else 1
    return " | ".join([str(REGISTRY[call.kind](call.kind, **values)), *call.behind])


def _own_call(word: str, values: Sequence[Any]) -> str | None:
    """Return the translation of one of our words with its values in brackets, such as `pool(2)`."""
    if word not in REGISTRY:
        return None
    sizes = list(values)
    if KINDS[word] == "input":
        if len(sizes) == 4 and sizes[0] == 1 and sizes[1] in (1, 3, 4):
            sizes = [*sizes[2:], sizes[1]]  # a batch of one, channels first
        sizes = ["x".join(map(str, sizes))]
    problems = Problems()
    try:
        (item,) = parse_items(Source("<call>", " ".join([word, *map(str, sizes)])), problems)
        return str(read_layer(item.atom, {})) if isinstance(item.atom, LayerNode) and not problems else None
    except (SpecError, ValueError):
        return None
