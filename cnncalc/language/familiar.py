"""What people write who know a framework: its words and its calls, and how the language says the same.

Only asked once something is wrong, to say in the help what to write instead.
"""

from __future__ import annotations

import re

from cnncalc.diagnostics import Problems, Source, SpecError
from cnncalc.language.arguments import read_layer
from cnncalc.language.nodes import LayerNode
from cnncalc.language.parse import parse_items
from cnncalc.layers.base import KINDS, REGISTRY

#: Words of frameworks and papers that are no words here, without `1d`, `2d`, `3d` and underscores.
ELSEWHERE = {
    "averagepooling": "avgpool", "maxpooling": "maxpool", "averagepool": "avgpool", "globalaveragepooling": "gap",
    "globalmaxpooling": "gmp", "globalpool": "gap", "globalavgpooling": "gap", "conv2dtranspose": "deconv",
    "convtransposed": "deconv", "deconvolution": "deconv", "transposedconv": "deconv", "depthwiseconv": "dwconv",
    "separableconv": "sepconv", "batchnormalization": "bn", "layernormalization": "ln", "groupnormalization": "gn",
    "instancenorm": "instancenorm", "localresponsenorm": "lrn", "fullyconnected": "fc", "innerproduct": "fc",
    "zeropadding": "pad", "zeropad": "pad", "cropping": "crop", "upsampling": "upsample", "spatialdropout": "dropout",
    "concatenate": "concat", "cat": "concat", "multiply": "mul", "channelshuffle": "shuffle",
    "depthtospace": "pixelshuffle", "adaptivepool": "adaptiveavgpool", "inputlayer": "input", "drop": "dropout",
}  # fmt: skip

#: Kind → what a call's values by their place mean. PyTorch says the input's channels first ("": not said here).
PYTORCH = {
    "conv": ("", "filters", "kernel", "stride", "padding", "dilation", "groups", "bias"),
    "deconv": ("", "filters", "kernel", "stride", "padding", "output_padding", "groups", "bias"),
    "pool": ("kernel", "stride", "padding"),
    "avgpool": ("kernel", "stride", "padding"),
    "fc": ("", "units", "bias"),
    "gn": ("groups", ""),
}
KERAS = {
    "conv": ("filters", "kernel", "stride", "padding"),
    "deconv": ("filters", "kernel", "stride", "padding"),
    "sepconv": ("filters", "kernel", "stride", "padding"),
    "dwconv": ("kernel", "stride", "padding"),
    "pool": ("kernel", "stride", "padding"),
    "avgpool": ("kernel", "stride", "padding"),
    "fc": ("units",),
    "upsample": ("factor",),
    "pad": ("amount",),
}
BOTH = {"dropout": ("rate",), "leakyrelu": ("slope",), "input": ("shape", "shape", "shape", "shape")}

#: A call's names for what has another one here.
FIELDS = {
    "kernel_size": "kernel", "pool_size": "kernel", "strides": "stride", "dilation_rate": "dilation",
    "out_channels": "filters", "out_features": "units", "use_bias": "bias", "scale_factor": "factor",
    "num_groups": "groups", "p": "rate", "negative_slope": "slope", "output_size": "size",
}  # fmt: skip

VALUE = re.compile(r"\s*(?:(\w+)\s*=)?\s*(\([^()]*\)|\[[^\[\]]*\]|[^,()\[\]]*)\s*(?:,|$)", re.ASCII)


def word_of(text: str) -> str | None:
    """The word of the language for a word of a framework: `nn.BatchNorm2d` is `batchnorm`."""
    bare = text.rpartition(".")[2].lower()
    plain = re.sub(r"[123]d|_", "", bare)
    return next((word for word in (bare, plain) if word in REGISTRY), ELSEWHERE.get(plain) or ELSEWHERE.get(bare))


def kind_of(text: str) -> str | None:
    """The kind of layer that a word of a framework means: `nn.BatchNorm2d` is `bn`."""
    word = word_of(text)
    return word and KINDS[word]


def in_our_words(name: str, values: str) -> str | None:
    """A framework's call in the language: `Conv2d(3, 16, 3, padding=1)` is `conv 3x3 p1 x16`.

    None where it is no layer's, or where its values do not make one.
    """
    kind = kind_of(name)
    if kind is None or len(values) > 200:
        return None
    rank = int(found_rank.group(1)) if (found_rank := re.search(r"([123])[dD]", name)) else 1
    keras = re.search(r"[123]D|Dense", name) is not None
    places = BOTH.get(kind) or (KERAS if keras else PYTORCH).get(kind, ())
    found: dict[str, list[str]] = {}
    for number, (field, value) in enumerate(VALUE.findall(values.strip())):
        field = FIELDS.get(field.lower(), field.lower()) if field else ""
        if not field and number < len(places):
            field = places[number]
        if field in REGISTRY[kind].arguments and value:
            numbers = re.findall(r"[\w.]+", value.lower())
            found.setdefault(field, []).extend(numbers * rank if field == "kernel" and len(numbers) == 1 else numbers)
    shape = found.get("shape", [])
    if len(shape) == 4 and shape[0] == "1" and shape[1] in ("1", "3", "4"):
        found["shape"] = [*shape[2:], shape[1]]  # a batch of one, channels first
    return _canonical(" ".join([kind, *(f"{field}={'x'.join(texts)}" for field, texts in found.items())]))


def _canonical(text: str) -> str | None:
    problems = Problems()
    try:
        items = parse_items(Source("<call>", text), problems)
        node = items[0].atom
        return str(read_layer(node, {})) if isinstance(node, LayerNode) and not problems else None
    except SpecError:
        return None
