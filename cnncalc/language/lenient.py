"""Layers as people write them: their names, arguments and values in the words of a framework, of a paper, of prose.

A layer that does not read as the language has it is tried again here: what is understood is the same layer in our
words. `conv 3x3 stride 2`, `MaxPooling2D 2`, `global average pooling`, `conv kernel_size=3 out_channels=64`.
It is imported only for a text that is not canonical.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

from cnncalc import frameworks
from cnncalc.diagnostics import Span
from cnncalc.frameworks.table import Equivalent, bare
from cnncalc.language.nodes import Chunk, Hole, LayerNode
from cnncalc.layers.base import KINDS, REGISTRY, Layer

#: Names of papers, prose and older frameworks, in the form of `plain` → our words.
OTHER_NAMES = {
    "adaptivepool": "adaptiveavgpool", "deconvolution": "deconv", "convt": "deconv", "upconv": "deconv",
    "transposeconv": "deconv", "fractionallystridedconv": "deconv", "drop": "dropout", "fullyconnected": "fc",
    "fullyconnect": "fc", "innerproduct": "fc", "globalpool": "gap", "globalavg": "gap", "globalmax": "gmp",
    "pointwise": "conv kernel=1", "pointwiseconv": "conv kernel=1", "depthwise": "dwconv", "depthwiseconv": "dwconv",
    "separable": "sepconv", "separableconv": "sepconv", "depthwiseseparableconv": "sepconv",
    "spatialdropout": "dropout", "stochasticdepth": "droppath", "zeropad": "pad", "flat": "flatten",
    "pixelunshuffle": "pixelunshuffle", "spacetodepth": "pixelunshuffle", "depthtospace": "pixelshuffle",
    "subpixelconv": "pixelshuffle", "channelshuffle": "shuffle", "skip": "identity", "nearestupsample": "upsample",
}  # fmt: skip

#: Spellings that come to one: longer forms first.
SPELLINGS = (
    ("normalisation", "norm"), ("normalization", "norm"), ("normalize", "norm"), ("convolutional", "conv"),
    ("convolution", "conv"), ("transposed", "transpose"), ("average", "avg"), ("maximum", "max"), ("pooling", "pool"),
    ("upsampling", "upsample"), ("linearlayer", "linear"), ("activation", ""), ("layer", ""),
)  # fmt: skip

#: Short names of arguments that are neither ours nor a framework's.
OTHER_ARGUMENTS = {"k": "kernel", "f": "filters", "c": "filters", "n": "filters", "size": "kernel", "window": "kernel"}

#: A name of several words has at most so many.
MOST_WORDS = 4

NAME = re.compile(r"([A-Za-z_][A-Za-z_]*?(?:[123][dD])?)(?=[^A-Za-z_]|$)(.*)", re.ASCII)
#: An argument's name glued to its value: `stride2`, `pad1`.
GLUED = re.compile(r"([A-Za-z_]{2,})(\d[\w.-]*)", re.ASCII)
#: Filters in front of the window: `64@3x3`.
FILTERS_AT = re.compile(r"(\d+)@(\d+(?:[xX×]\d+)*)(.*)")
VALUE = re.compile(r"[\d{?.]|valid\b|same\b|full\b|causal\b|true\b|false\b", re.IGNORECASE)

#: Words behind an input's shape that is channels first.
CHANNELS_FIRST = ("chw", "cdhw", "cl", "channels_first", "channelsfirst")


def reworded(node: LayerNode) -> LayerNode | None:
    """Return the same layer in our words, or None if nothing in it is another's."""
    named = _named(node)
    if named is None:
        return None
    word, arguments, rest = named
    if KINDS[word] == "input":
        return _channels_last(node)
    return LayerNode(Chunk((word,), node.word.span), (*arguments, *_arguments(rest, REGISTRY[word])), node.span)


def word_for(name: str) -> str | None:
    """Return our word for the name of a layer in a framework, paper or prose: `bn` for `nn.BatchNorm2d`."""
    found = _words().get(plain(name))
    return found and found.partition(" ")[0]


def known_names() -> list[str]:
    """Return all names that are known, each in the form of `plain`."""
    return list(_words())


def plain(name: str) -> str:
    """Return a name in small letters without prefix, rank, spaces and marks, its spelling the commonest."""
    text = re.sub(r"(?<=[a-z])[123]d|[\s_-]", "", bare(name).lower())
    for long, short in SPELLINGS:
        text = text.replace(long, short) or text
    return text


@cache
def _words() -> dict[str, str]:
    """Name in the form of `plain` → our words: the language's own first, then papers' and frameworks'."""
    words: dict[str, str] = {}
    for word, kind in KINDS.items():
        if word[-2:] not in ("1d", "2d", "3d"):
            words.setdefault(plain(word), kind)
    for name, ours in OTHER_NAMES.items():
        words.setdefault(name, ours)
    for table in map(frameworks.framework, frameworks.NAMES):
        for kind, row in table.rows.items():
            for name in (*row.names, *row.functions):
                if name not in table.shared:
                    words.setdefault(plain(name.format(rank=2)), kind)
    return words


# -- the layer's name ------------------------------------------------------------------------------------


def _named(node: LayerNode) -> tuple[str, list[Chunk], list[Chunk]] | None:
    """Return our word for the layer, the arguments that its name implies, and the chunks behind the name."""
    chunks = [node.word, *node.arguments]
    texts: list[str] = []
    for chunk in chunks[:MOST_WORDS]:
        if (
            chunk.name is not None
            or len(chunk.parts) != 1
            or not re.fullmatch(r"[A-Za-z_-]+(?:[123][dD])?", str(chunk.parts[0]))
        ):
            break
        texts.append(str(chunk.parts[0]))
    for length in range(len(texts), 0, -1):
        name = "".join(texts[:length])
        if length > 1 and texts[0].lower() in REGISTRY and plain(name) not in _words():
            continue
        found = _ranked(name)
        if found is not None:
            return *_implied(found, node.word.span), chunks[length:]
    # The name may be glued to its arguments: `upconv2x2s2:8`.
    first = node.word.parts[0]
    match = NAME.match(first) if isinstance(first, str) and node.word.name is None else None
    found = _ranked(match[1]) if match else None
    if match is None or found is None:
        return None
    start = node.word.span.start + match.end(1)
    rest = tuple(part for part in (match[2], *node.word.parts[1:]) if part)
    glued = [Chunk(rest, node.word.span._replace(start=start))] if rest else []
    return *_implied(found, node.word.span), [*glued, *node.arguments]


def _ranked(name: str) -> str | None:
    """Return our words for a name, with its rank where our word has ranks too: `conv2d` for `Conv2D`."""
    found = _words().get(plain(name))
    rank = re.search(r"[123]d$", name.lower())
    if found is None or rank is None:
        return found
    return f"{found}{rank[0]}" if f"{found}{rank[0]}" in REGISTRY else found


def _implied(found: str, span: Span) -> tuple[str, list[Chunk]]:
    """Return the word of a name, and the arguments that stand in the table behind it: `kernel=1` of `pointwise`."""
    word, *arguments = found.split()
    chunks = []
    for each in arguments:
        name, _, value = each.partition("=")
        chunks.append(Chunk((value,), span, Chunk((name,), span)))
    return word, chunks


def _channels_last(node: LayerNode) -> LayerNode | None:
    """Return an input whose shape is written channels first, `input 3x224x224 chw`, as we write it."""
    *shape, last = node.arguments or (node.word,)
    if len(shape) != 1 or len(shape[0].parts) != 1 or str(last.parts[0]).lower() not in CHANNELS_FIRST:
        return None
    channels, *sizes = re.split(r"[xX×]", str(shape[0].parts[0]))
    return LayerNode(node.word, (shape[0]._replace(parts=("x".join([*sizes, channels]),)),), node.span)


# -- its arguments ---------------------------------------------------------------------------------------


def _arguments(chunks: list[Chunk], cls: type[Layer]) -> Iterator[Chunk]:
    """Yield the chunks behind a layer's name with our names of the arguments."""
    waiting = list(reversed(chunks))
    while waiting:
        chunk = waiting.pop()
        text = chunk.parts[0] if len(chunk.parts) == 1 and isinstance(chunk.parts[0], str) else ""
        if chunk.name is not None:
            name = argument_for(str(chunk.name.parts[0]), cls)
            if len(text) > 2 and text[0] == text[-1] == '"':  # a word as Python has it: `padding="same"`
                chunk = chunk._replace(parts=(text[1:-1],))
            yield chunk._replace(name=chunk.name._replace(parts=(name,))) if name else chunk
        elif at := FILTERS_AT.fullmatch(text):
            yield chunk._replace(parts=(at[2] + at[3],))
            yield chunk._replace(parts=(at[1],), name=Chunk(("filters",), chunk.span))
        elif text.isidentifier() and waiting and _is_value(waiting[-1]) and (name := argument_for(text, cls)):
            yield waiting.pop()._replace(name=chunk._replace(parts=(name,)))
        elif (glued := GLUED.fullmatch(text)) and (name := argument_for(glued[1], cls)):
            value = chunk.span._replace(start=chunk.span.start + glued.start(2))
            yield Chunk((glued[2],), value, chunk._replace(parts=(name,)))
        else:
            yield chunk


def _is_value(chunk: Chunk) -> bool:
    first = chunk.parts[0] if chunk.parts else ""
    return chunk.name is None and (isinstance(first, Hole) or bool(VALUE.match(first)))


def argument_for(name: str, cls: type[Layer]) -> str | None:
    """Return the argument of a class by its own name, its short form, or its name in a framework: `kernel_size`."""
    name = name.lower()
    if name in cls.arguments:
        return name
    for argument in cls.arguments.values():
        if name in argument.shorts:
            return argument.name
    if OTHER_ARGUMENTS.get(name) in cls.arguments:
        return OTHER_ARGUMENTS[name]
    tables = [frameworks.framework(each).rows for each in frameworks.NAMES]
    # What the name means of this layer, else of any other.
    kinds = [*cls.words, *(kind for table in tables for kind in table if kind not in cls.words)]
    rows = [table[kind] for kind in kinds for table in tables if kind in table]
    arguments = [argument for row in rows if isinstance(row, Equivalent) for argument in row.arguments]
    return next((str(each.meaning) for each in arguments if each.name == name and each.meaning in cls.arguments), None)
