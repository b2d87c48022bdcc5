"""Layers as people write them: their names, arguments and values in the words of a framework, of a paper, of prose.

A layer that does not read as the language has it is tried again here: what is understood is the same layer in our
words. `conv 3x3 stride 2`, `MaxPooling2D 2`, `global average pooling`, `conv kernel_size=3 out_channels=64`.
It is imported only for a text that is not canonical.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from cnncalc import frameworks
from cnncalc.diagnostics import Span
from cnncalc.frameworks.table import Always, Equivalent, FrameworkArgument, Meaning, bare
from cnncalc.language.nodes import Chunk, Hole, LayerNode
from cnncalc.layers.arguments import Argument, Flag
from cnncalc.layers.base import KINDS, REGISTRY, Layer
from cnncalc.spelling import nearest

#: Names of papers, prose and older frameworks, in the form of `plain` → our words. An argument without a value has to
#: be given: an upconv enlarges by its stride, which a deconv has not by default.
OTHER_NAMES = {
    "adaptivepool": "adaptiveavgpool", "deconvolution": "deconv", "convt": "deconv", "upconv": "deconv stride=",
    "transposeconv": "deconv", "fractionallystridedconv": "deconv", "drop": "dropout", "fullyconnected": "fc",
    "fullyconnect": "fc", "innerproduct": "fc", "globalpool": "gap", "globalavg": "gap", "globalmax": "gmp",
    "pointwise": "conv kernel=1", "pointwiseconv": "conv kernel=1", "depthwise": "dwconv", "depthwiseconv": "dwconv",
    "separable": "sepconv", "separableconv": "sepconv", "depthwiseseparableconv": "sepconv",
    "spatialdropout": "dropout", "stochasticdepth": "droppath", "zeropad": "pad", "flat": "flatten",
    "pixelunshuffle": "pixelunshuffle", "spacetodepth": "pixelunshuffle", "depthtospace": "pixelshuffle",
    "subpixelconv": "pixelshuffle", "channelshuffle": "shuffle", "skip": "identity", "shortcut": "identity",
    "nearestupsample": "upsample nearest", "bilinearupsample": "upsample bilinear", "up": "upsample",
    "upsamplebilinear": "upsample bilinear", "upsamplenearest": "upsample nearest", "conv2dtranspose": "deconv",
    "maxpooldownsample": "pool", "mp": "pool", "meanpool": "avgpool", "ap": "avgpool", "pw": "conv kernel=1",
    "pwconv": "conv kernel=1", "dw": "dwconv", "convdw": "dwconv", "convpw": "conv kernel=1",
    "convdepthwise": "dwconv", "convpointwise": "conv kernel=1", "globalmean": "gap", "globalmeanpool": "gap",
    "avgpoolglobal": "gap", "maxpoolglobal": "gmp", "lrelu": "leakyrelu", "leaky": "leakyrelu",
    "fullconnection": "fc", "fullyconnection": "fc", "affine": "fc", "hswish": "hardswish", "hsigmoid": "hardsigmoid",
}  # fmt: skip

#: Names of frameworks' tables that say too little of a layer, or something else in prose.
UNCLEAR = ("norm", "permute", "interp", "split", "pooling")

#: Spellings that come to one: longer forms first.
SPELLINGS = (
    ("normalisation", "norm"), ("normalization", "norm"), ("normalize", "norm"), ("convolutional", "conv"),
    ("convolution", "conv"), ("transposed", "transpose"), ("average", "avg"), ("maximum", "max"), ("pooling", "pool"),
    ("upsampling", "upsample"), ("linearlayer", "linear"), ("activation", ""),
)  # fmt: skip

#: Short names of arguments that are neither ours nor a framework's.
OTHER_ARGUMENTS = {
    "k": "kernel", "f": "filters", "c": "filters", "n": "filters", "size": "kernel", "window": "kernel",
    "filter_size": "kernel", "ksize": "kernel", "ks": "kernel", "receptive_field": "kernel", "out": "filters",
    "out_ch": "filters", "out_chans": "filters", "oc": "filters", "channels": "filters", "ch": "filters",
    "features": "filters", "maps": "filters", "feature_maps": "filters", "kernels": "filters", "filter": "filters",
    "num_filters": "filters", "nb_filter": "filters", "depth": "filters", "channels_out": "filters",
    "output_channels": "filters", "step": "stride", "rate": "dilation", "dilated": "dilation", "atrous": "dilation",
    "dil": "dilation", "zero_padding": "padding", "pads": "padding", "nodes": "units", "neurons": "units",
    "outputs": "units", "classes": "units", "num_classes": "units", "hidden": "units", "num_groups": "groups",
    "nf": "filters", "auto_pad": "padding", "requires_grad": "trainable",
    "cardinality": "groups", "scale": "factor", "probability": "rate", "prob": "rate",
}  # fmt: skip

#: ONNX's rules for padding.
AUTO_PAD = {"same_upper": "same", "valid": "valid", "notset": "valid"}

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
    given = [*_arguments(rest, REGISTRY[word])]
    for lacking in [str(each.name.parts[0]) for each in arguments if each.name is not None and each.parts == ("",)]:
        shorts = REGISTRY[word].arguments[lacking].shorts
        if not any(_begins(each, lacking, shorts) for each in given):
            return None
    known = [each for each in arguments if each.parts != ("",)]
    return LayerNode(Chunk((word,), node.word.span), (*known, *given), node.span, node.weights)


def _begins(chunk: Chunk, name: str, shorts: tuple[str, ...]) -> bool:
    """Return whether a chunk has an argument, by its name or a short form."""
    if chunk.name is not None:
        return chunk.name.parts == (name,)
    text = "".join(part if isinstance(part, str) else "0" for part in chunk.parts)
    return any(re.search(rf"(?<![a-z]){short}[\d{{?]", text.lower()) for short in shorts)


def word_for(name: str) -> str | None:
    """Return our word for the name of a layer in a framework, paper or prose: `bn` for `nn.BatchNorm2d`."""
    found = _words().get(plain(name))
    return found and found.partition(" ")[0]


def nearest_name(name: str) -> str | None:
    """Return our word for a misspelt name of a framework: `gap` for `GlobalAvragePooling2D`."""
    found = nearest(plain(name), _words())
    return KINDS[_words()[found].partition(" ")[0]] if found else None


def nearest_words(text: str) -> tuple[str, int] | None:
    """Return our word for a misspelt name of several words that begins a text, and the name's length.

    It is `gap` for `global averge pooling`; None if no name is near.
    """
    words = list(re.finditer(r"[ \t]*[A-Za-z_]+", text[: MOST_WORDS * 20]))
    run = [each for number, each in enumerate(words) if each.start() == (words[number - 1].end() if number else 0)]
    for length in range(min(len(run), MOST_WORDS), 1, -1):
        name = nearest(plain("".join(each.group() for each in run[:length])), _words())
        if name is not None:
            word = _words()[name].partition(" ")[0]
            return KINDS[word], run[length - 1].end()
    return None


def plain(name: str) -> str:
    """Return a name in small letters without prefix, rank, spaces and marks, its spelling the commonest."""
    text = re.sub(r"(?<=[a-z])[123]d|[\s_-]", "", bare(name).lower())
    for long, short in SPELLINGS:
        text = text.replace(long, short) or text
    return text.removesuffix("layer") or text


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
                if name not in table.shared and plain(name) not in UNCLEAR:
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
    rank = re.search(r"[123]d(?=$|transpose$)", name.lower())
    if found is None or rank is None:
        return found
    return f"{found}{rank[0]}" if f"{found}{rank[0]}" in REGISTRY else found


def _implied(found: str, span: Span) -> tuple[str, list[Chunk]]:
    """Return the word of a name, and the arguments that stand in the table behind it: `kernel=1` of `pointwise`."""
    word, *arguments = found.split()
    chunks = []
    for each in arguments:
        name, named, value = each.partition("=")
        chunks.append(Chunk((value,), span, Chunk((name,), span)) if named else Chunk((each,), span))
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
    named = {str(chunk.name.parts[0]).lower(): chunk.parts[0] for chunk in chunks if chunk.name is not None}
    if larger(named.get("k"), named.get("f")):
        # In some notes K is the filters and F the window: see `phrases`.
        yield from chunks
        return
    while waiting:
        chunk = waiting.pop()
        theirs = chunk.name
        text = chunk.parts[0] if len(chunk.parts) == 1 and isinstance(chunk.parts[0], str) else ""
        if theirs is not None:
            if len(text) > 2 and text[0] == text[-1] == '"':  # a word as Python has it: `padding="same"`
                chunk = chunk._replace(parts=(text[1:-1],))
            own = str(theirs.parts[0])
            if text and is_passed_over(own, text.strip('"'), cls):
                continue
            name = argument_for(own, cls)
            found = argument_value(own, str(chunk.parts[0]), cls) if text else None
            if found is not None and found[1] != chunk.parts[0]:
                chunk = chunk._replace(parts=(found[1],))
            yield chunk._replace(name=theirs._replace(parts=(name,))) if name else chunk
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


def larger(window: Any, filters: Any) -> bool:
    """Return whether what K gives is larger than what F gives, so that K may be the filters."""
    numbers = [int(each) for each in (window, filters) if isinstance(each, str) and each.isdigit()]
    return len(numbers) == 2 and numbers[0] > numbers[1]


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
    # What the name means of this layer, else of any other.
    own = [*_framework_arguments(name, cls, own=True), *_framework_arguments(name, cls, own=False)]
    theirs = next((str(each.meaning) for each in own if each.meaning in cls.arguments), None)
    other = OTHER_ARGUMENTS.get(name)
    return theirs or (other if other in cls.arguments else None)


def _framework_arguments(name: str, cls: type[Layer], own: bool) -> list[FrameworkArgument]:
    """Return the arguments of that name in the frameworks' rows of a class, or else in the rows of all others."""
    return _arguments_of_kinds(name, tuple(cls.words), own)


@cache
def _arguments_of_kinds(name: str, kinds: tuple[str, ...], own: bool) -> list[FrameworkArgument]:
    tables = [frameworks.framework(each) for each in frameworks.NAMES]
    rows = [row for table in tables for kind, row in table.rows.items() if (kind in kinds) == own]
    arguments = [argument for row in rows if isinstance(row, Equivalent) for argument in row.arguments]
    common = [argument for table in tables for argument in table.common.values()] if own else []
    return [each for each in (*arguments, *common) if each.name.lower() == name]


def argument_value(name: str, value: str, cls: type[Layer]) -> tuple[str, str] | None:
    """Return our name and value of an argument that a framework may call and write otherwise; None if there is none.

    `ceil_mode=True` is `rounding=ceil`, `bias=0` is `bias=false`.
    """
    ours = argument_for(name, cls)
    if ours is None:
        return None
    argument = cls.arguments[ours]
    value = AUTO_PAD.get(value.lower(), value) if ours == "padding" else value
    if isinstance(argument, Flag):
        value = {"0": "false", "1": "true", "none": "false"}.get(value.lower(), value)
    if name.lower() in cls.arguments or value.lower() in argument.keywords:
        return ours, value
    for each in _framework_arguments(name.lower(), cls, own=True):
        if each.meaning != ours:
            continue
        try:
            return ours, _long_text(argument, each.notation.read(_literal(value)))
        except (ValueError, TypeError, AttributeError, KeyError):
            continue
    return ours, value


def _literal(text: str) -> Any:
    """Return a value as Python has it: a number, sizes, true or false, or a word."""
    if re.fullmatch(r"\d+(x\d+)*", text):
        sizes = [int(size) for size in text.split("x")]
        return sizes[0] if len(sizes) == 1 else tuple(sizes)
    if re.fullmatch(r"\d*\.\d+", text):
        return float(text)
    return {"true": True, "false": False, "none": None}.get(text.lower(), text.lower())


def _long_text(argument: Argument[Any], value: Any) -> str:
    """Return a value as it stands behind `name=`."""
    if isinstance(value, bool):
        return str(value).lower()
    return argument.spell(value).rpartition("=")[2].removeprefix(argument.prefix if "=" not in argument.prefix else "")


def is_passed_over(name: str, value: str, cls: type[Layer]) -> bool:
    """Return whether no figure depends on an argument that a framework has: `eps`, `inplace`, `kernel_initializer`."""
    name = name.lower()
    if argument_for(name, cls) is not None:
        return False
    known = _framework_arguments(name, cls, own=True)
    for each in known:
        if isinstance(each.meaning, Always) and (each.meaning.any_is_read or each.meaning.fits(_literal(value))):
            return True
    if known:
        return all(each.meaning is Meaning.IGNORED for each in known)
    suffixes = [suffix for each in frameworks.NAMES for suffix in frameworks.framework(each).common_suffixes]
    return name in ("name", "trainable_name") or name.endswith(tuple(suffixes))


def states_channels(name: str, cls: type[Layer]) -> bool:
    """Return whether an argument of a framework says how many channels come in: `in_features`."""
    known = _framework_arguments(name.lower(), cls, own=True)
    return bool(known) and all(each.meaning is Meaning.INPUT_CHANNELS for each in known)


def stated_name(cls: type[Layer]) -> str | None:
    """Return the name of the argument by which a framework's layer of a class begins with the channels that come in."""
    tables = [frameworks.framework(each) for each in frameworks.NAMES]
    rows = [row for table in tables for kind, row in table.rows.items() if kind in cls.words]
    first = [row.arguments[0] for row in rows if isinstance(row, Equivalent) and row.arguments]
    return next((each.name for each in first if each.meaning is Meaning.INPUT_CHANNELS), None)


def word_of(name: str, whole: bool = False) -> str | None:
    """Return our words for a name, its rank with it: `conv2d` for `Conv2D`, `conv kernel=1` for `pointwise`.

    A `whole` name is one of several words, of which the first alone is none.
    """
    return _ranked(name)
