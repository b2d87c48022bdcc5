"""The catalogue of layers: an overview by family, and a page for each kind, made from the layer classes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from inspect import cleandoc
from typing import Any

from cnncalc.layers import FAMILIES, Example, Layer, kinds
from cnncalc.layers.arguments import Argument
from cnncalc.layers.base import rank_of
from cnncalc.report.arguments import HEADINGS, argument_row
from cnncalc.report.document import Block, DataTable, Document, Heading, Paragraph, text_table

#: The meaning of the signs in formulas; a page explains those that it shows.
SYMBOLS = {
    "N": "input size",
    "O": "output size",
    "C": "input channels",
    "F": "kernel size",
    "F'": "=\N{NO-BREAK SPACE}d(F\N{NO-BREAK SPACE}−\N{NO-BREAK SPACE}1)\N{NO-BREAK SPACE}+\N{NO-BREAK SPACE}1",
    "P": "padding at each end",
    "S": "stride",
    "d": "dilation",
    "g": "groups",
    "m": "multiplier",
    "u": "units",
    "G": "products of a step for each unit (lstm 4, gru 3, rnn 1)",
    "b": "biases",
    "h": "heads",
    "w": "window or, without one, the map",
    "T": "positions",
    "op": "output padding",
    "x": "filters",
    "j": "jump between neighbours' fields",
    "∏": "product over the axes",
}

#: The headings of the overview.
OVERVIEW = ("word (also)", "arguments", "output", "parameters")

MEMORY = {
    "own": "of its own",
    "alias": "its input's, as it stands",
    "in place": "its input's, written over, where nothing else reads that",
}


def catalogue_document() -> Document:
    """Build the overview as a table, a row for each class, grouped by family."""
    rows: list[tuple[str, ...]] = []
    for title, classes in _families():
        rows.append((title,))
        rows.extend(_row(cls) for cls in classes)
    table = text_table(rows, OVERVIEW)
    reading = (
        "Arguments in brackets may be left out; there, N is a whole number. "
        f"Signs in formulas: {legend(' '.join(cell for row in rows for cell in row[2:]))}. "
        "A word in 1d, 2d or 3d asks for so many spatial axes. `cnncalc layers WORD` shows all about one."
    )
    return Document((table, Paragraph(reading)))


def catalogue_data() -> list[dict[str, object]]:
    """Return a list with a JSON object for each kind."""
    return [layer_data(kind) for kind in kinds()]


def overview_document() -> Document:
    """Build the overview as one table without titles, for a page of documentation."""
    return Document((text_table([_row(cls) for _, classes in _families() for cls in classes], OVERVIEW),))


def layer_document(kind: str) -> Document:
    """Build the page of a kind of layer."""
    return Document(tuple(_page(kind)))


def layer_data(kind: str) -> dict[str, object]:
    """Return a kind of layer as a JSON object, with everything that its class declares."""
    cls = kinds()[kind]
    return {
        "kind": kind,
        "words": cls.synonyms(kind),
        "family": _family(cls),
        "description": " ".join(cleandoc(cls.__doc__ or "").split()),
        "arguments": [_argument_object(argument) for argument in cls.arguments.values()],
        "output": cls.size_rule,
        "params": cls.params_rule,
        "buffers": cls.buffers_rule,
        "macs": cls.macs_rule,
        "memory": cls.memory,
        "receptive_field": cls.field_rule,
        "examples": [
            {**example._asdict(), "output": [int(size) for size in example.output.split("x")]}
            for example in examples(kind)
        ],
    }


def examples(kind: str) -> list[Example]:
    """Return the class's examples of the kind; if it has none, another kind's, with the word replaced."""
    cls = kinds()[kind]
    own = [each for each in cls.examples if set(re.findall(r"\w+", each.spec)) & set(cls.synonyms(kind))]
    others = "|".join(sorted(cls.words, key=len, reverse=True))
    return own or [each._replace(spec=re.sub(rf"\b({others})\b", kind, each.spec)) for each in cls.examples]


def _argument_object(argument: Argument[Any]) -> dict[str, object]:
    default = argument.like
    if not argument.required and default is None:
        default = argument.to_json(argument.default)  # type: ignore[assignment]
    return {
        "name": argument.name,
        "short": argument.forms(),
        "long": f"{argument.name}=",
        "default": default,
        "help": argument.help,
        "required": argument.required,
    }


def _families() -> Iterator[tuple[str, list[type[Layer]]]]:
    """Yield the title and classes of each family; a class of several kinds occurs once."""
    classes = dict.fromkeys(kinds().values())
    for title, family in FAMILIES.items():
        yield title, [cls for cls in classes if cls.__module__ == family.__name__]


def _family(cls: type[Layer]) -> str:
    return next(title for title, family in FAMILIES.items() if cls.__module__ == family.__name__)


def _row(cls: type[Layer]) -> tuple[str, ...]:
    return ", ".join(map(_words, cls.words)), _usage(cls), cls.size_rule, cls.params_rule


def _words(kind: str) -> str:
    """Return a kind and its synonyms, as in `conv` (convolution, conv1d/2d/3d)."""
    cls = kinds()[kind]
    words = cls.synonyms(kind)[1:]
    ranked = dict.fromkeys(f"{word[:-2]}1d/2d/3d" for word in words if rank_of(word) is not None)
    also = ", ".join([*(word for word in words if rank_of(word) is None), *ranked])
    return f"`{kind}`" + (f" ({also})" if also else "")


def _usage(cls: type[Layer]) -> str:
    """Return the arguments in short: the required ones, then the optional ones in brackets."""
    required = [_short(argument) for argument in cls.arguments.values() if argument.required]
    optional = [_short(argument) for argument in cls.arguments.values() if not argument.required]
    texts = [*required, *([f"[{' '.join(optional)}]"] if optional else []), *filter(None, [cls.takes])]
    return f"`{' '.join(texts)}`" if texts else "–"


def _short(argument: Argument[Any]) -> str:
    """Return the short form with a number and the keywords that are not the default: `p1/same/full`, `nobias`."""
    keywords = [word for word, value in argument.keywords.items() if value != argument.default]
    number = [form for form in argument.forms()[:1] if form not in argument.keywords]
    return "/".join([*number, *keywords])


def _page(kind: str) -> Iterator[Block]:
    cls = kinds()[kind]
    yield Heading(_words(kind), level=1)
    for paragraph in cleandoc(cls.__doc__ or "").split("\n\n"):
        yield Paragraph(" ".join(paragraph.split()))
    alike = [f"`{other}`" for other in cls.words if other != kind]
    if alike:
        yield Paragraph(f"{', '.join(alike)} {'has' if len(alike) == 1 else 'have'} the same rules.")
    yield Heading("arguments")
    if cls.arguments:
        rows = [argument_row(argument) for argument in cls.arguments.values()]
        yield text_table(rows, HEADINGS, ("code", "code"))
    else:
        yield Paragraph(f"`{kind}{cls.takes}`" if cls.takes else "none")
    yield Heading("rules")
    yield text_table(list(_rules(cls)), roles=("label",))
    formulas = (cls.size_rule, *cls.size_notes, cls.params_rule, cls.buffers_rule, cls.macs_rule, cls.field_rule)
    if signs := legend(" ".join(formulas)):
        yield Paragraph(f"Signs: {signs}.")
    yield Heading("examples")
    yield _examples(examples(kind))


def _examples(examples: list[Example]) -> DataTable:
    figures = {
        "parameters": [each.params for each in examples],
        "buffers": [each.buffers for each in examples],
        "MACs": [each.macs for each in examples],
    }
    if not any(figures["buffers"]):
        del figures["buffers"]
    specs, outputs = [f"`{each.spec}`" for each in examples], [each.output for each in examples]
    rows = zip(specs, outputs, *([f"{n:,}" for n in column] for column in figures.values()), strict=True)
    return text_table(list(rows), ("spec", "output", *figures), ("code", "text", *["number"] * len(figures)))


def _rules(cls: type[Layer]) -> Iterator[tuple[str, ...]]:
    if cls.flat:
        yield "input", "a flat vector; a flatten is put in front of it where it is given anything else"
    elif cls.spatial:
        yield "input", "1, 2 or 3 spatial axes" + (", or as many as the word names" if cls.ranked else "")
    yield "output", cls.size_rule
    for note in cls.size_notes:
        yield "", note
    yield "parameters", cls.params_rule
    yield "buffers", cls.buffers_rule
    yield "MACs", cls.macs_rule
    yield "memory", MEMORY[cls.memory]
    yield "receptive field", cls.field_rule


def legend(formulas: str) -> str:
    """Return the meaning of the signs that occur in the formulas, in one line."""
    # A sign is a word by itself, or follows a factor, `2P`; `7x7` has none. An apostrophe makes it another sign.
    signs = set(re.findall(r"(?<![a-z\d])[a-z]+(?![\w'])|(?<![A-Za-z])[A-Z]'?(?!\w)", formulas))
    seen = signs & set(SYMBOLS)
    if "∏" in formulas:
        seen.add("∏")
    if "F'" in seen:
        seen |= {"F", "d"}
    return ", ".join(f"{sign}\N{NO-BREAK SPACE}{meaning}" for sign, meaning in SYMBOLS.items() if sign in seen)
