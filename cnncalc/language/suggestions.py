"""What the author of a spec probably meant: the helps of unknown layers, arguments and blocks.

The readers of text state what is wrong. Here, where a spec is built or written, the edit is added that a user of
a framework, or of another notation, is looking for. Imported only once something is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence

from cnncalc.diagnostics import Diagnostic, Span, SpecError, nearest
from cnncalc.language import familiar
from cnncalc.language.arguments import UnknownArgumentError, UnknownLayerError, keys_of
from cnncalc.language.nodes import CallNode, DefNode, LetNode
from cnncalc.layers.base import REGISTRY

#: A number with commas as in print; any other with commas is sizes.
THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")

#: Arguments that a separator cut off from their layer.
ARGUMENT = re.compile(r"(?:[xspdg]|op|:)\d[\dx-]*|valid|same|full|nobias")


def with_suggestions(
    error: SpecError, blocks: Mapping[str, DefNode] | None = None, tensors: Collection[str] = ()
) -> SpecError:
    """Return an error with the edit to make, where it is understood.

    `blocks` and `tensors` are the names that are known where the error is.
    """
    if isinstance(error, UnknownLayerError):
        return SpecError([_unknown_layer(error, blocks or {}, tensors)])
    if isinstance(error, UnknownArgumentError):
        (diagnostic,) = error.diagnostics
        declared = keys_of(error.cls).prefixes.get(error.name)
        meant = declared.name if declared else familiar.FIELDS.get(error.name)
        if meant in error.cls.arguments:
            return SpecError([diagnostic._replace(help=f"write `{meant}`")])
    return error


def _unknown_layer(error: UnknownLayerError, blocks: Mapping[str, DefNode], tensors: Collection[str]) -> Diagnostic:
    span = error.chunk.span
    name = span.text
    if name in blocks or name in tensors:
        help = f"a name stands behind an `@`: write `@{name}`"
        if name in blocks:
            parameters = ", ".join(parameter for parameter, _ in blocks[name].parameters)
            help = f"a block is called with brackets: write `{name}({parameters})`"
        return Diagnostic("E101", f"unknown layer `{name}`", span, "not a layer word", help=help)
    if error.chunk.name is not None:
        span = error.chunk.name.span.to(span)
        return _without_layer(span, f"write the layer first: `conv {span.text}`")
    text = span.text.lower()
    before = span.source.text[: span.start]
    if text[:1].isdigit():
        return _number_without_layer(span, before)
    if ARGUMENT.fullmatch(text):
        return _without_layer(span, "remove the separator before it: a layer goes on until the next one")
    word = error.word.text.lower()
    near = familiar.word_of(word) or nearest(word, REGISTRY) or nearest(text, REGISTRY)
    (unknown,) = error.diagnostics
    return unknown._replace(help=f"write `{near}`" if near else "`cnncalc layers` lists the layer words")


def _number_without_layer(span: Span, before: str) -> Diagnostic:
    """Return the error of a number where a layer begins; the number may have been cut at a comma."""
    cut = re.search(r"[\d,]*\d,$", before)
    if cut and span.text.isdigit():
        number = cut.group() + span.text
        help = f"write `{number.replace(',', '')}`"
        if not THOUSANDS.fullmatch(number) or before[: cut.start()].rstrip().lower().endswith("input"):
            help = f"sizes take an x: write `{number.replace(',', 'x')}`"
        return Diagnostic("E101", "a comma in a number", span, "a comma separates layers", help=help)
    return _without_layer(span, f"write the layer first: `{'conv' if before.strip() else 'input'} {span.text}`")


def _without_layer(span: Span, help: str) -> Diagnostic:
    return Diagnostic("E101", f"no layer before `{span.text}`", span, "an argument without its layer", help=help)


def unknown_block(
    node: CallNode, blocks: Mapping[str, DefNode], definitions: Sequence[LetNode | DefNode], calls: tuple[Span, ...]
) -> Diagnostic:
    """Return the error E112 of a call that no block answers, with the edit to make where it is understood.

    `blocks` are those that may be called here, `definitions` all of the spec's, `calls` those around this one.
    """
    message, label, help = f"unknown block `{node.name}`", "no def of this name", None
    if any(isinstance(each, DefNode) and each.name == node.name for each in definitions):
        label = "a block calls only those above it"
        help = "use `* count` to repeat" if calls else "move its def up"
    elif (kind := familiar.kind_of(node.name)) is not None:
        values = node.span.text.partition("(")[2].removesuffix(")")
        message, label = f"the layer `{node.name}` takes no brackets", "not a block"
        help = f"write `{familiar.in_our_words(node.name, values) or example(kind)}`"
    elif near := nearest(node.name, [*blocks, *REGISTRY]):
        help = f"write `{near}`"
    return Diagnostic("E112", message, node.name_span, label, help=help, calls=calls)


def example(kind: str) -> str:
    """Return a kind of layer as it is written, from the examples of its class."""
    examples = REGISTRY[kind].examples
    return examples[0].spec.rpartition("|")[2].strip() if examples else kind
