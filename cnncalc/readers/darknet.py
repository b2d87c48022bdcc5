"""Darknet's cfg files: sections in brackets, each a layer with `name=value` lines.

Sizes as Darknet's sources give them: a convolution's `pad=1` means half of its size; a maxpool's padding is its
size less one in all, the smaller half at the beginning, unless `padding` says otherwise. A convolution with
`batch_normalize` has no bias of its own: Darknet's biases are then the batch norm's.

    https://github.com/pjreddie/darknet, https://github.com/AlexeyAB/darknet (groups of a route, scale_channels, sam)
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from cnncalc.diagnostics import Diagnostic, Origin, Problems, Source, Span, SpecError
from cnncalc.graph import MAX_LAYERS, UNKNOWN, Graph, GraphBuilder, StoredWeights
from cnncalc.layers import REGISTRY, Layer
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.layers.opaque import NO_SHAPE, OpaqueOp
from cnncalc.readers import ReadOptions, add_layer, text_of
from cnncalc.shape import Padding, Shape, ShapeError

SECTION = re.compile(r"\s*\[([^\[\]]*)\]\s*$")
OPTION = re.compile(r"\s*([^=\s]+)\s*=\s*(.*?)\s*$")

#: Darknet's names of activations → words of the language, with their arguments; None where there is nothing to do.
ACTIVATIONS: dict[str, tuple[str, dict[str, float]] | None] = {
    "linear": None,
    "leaky": ("leakyrelu", {"slope": 0.1}),
    "relu": ("relu", {}),
    "relu6": ("relu6", {}),
    "logistic": ("sigmoid", {}),
    "elu": ("elu", {}),
    "selu": ("selu", {}),
    "gelu": ("gelu", {}),
    "tanh": ("tanh", {}),
    "mish": ("mish", {}),
    "swish": ("silu", {}),
    "hardtan": ("hardtanh", {}),
}

#: Sections that only training has: they pass on what they are given.
TRAINING = ("cost", "contrastive", "gaussian_noise")

#: Heads: they read a tensor's channels as boxes, place by place, and hold no weights.
HEADS = ("yolo", "gaussian_yolo", "region", "detection", "iseg")


class CfgOption(NamedTuple):
    text: str
    span: Span


class CfgSection(NamedTuple):
    """A layer: its name in brackets, and what its lines say."""

    name: str
    span: Span
    options: dict[str, CfgOption]

    def number(self, name: str, default: int, low: int = 0) -> int:
        """A whole number; raises `SpecError` E306 where it is none, or below `low`."""
        option = self.options.get(name)
        if option is None:
            return default
        if not re.fullmatch(r"[+-]?\d{1,10}", option.text) or not low <= int(option.text) < MAX_INTEGER:
            label = f"not a whole number from {low}"
            raise SpecError([Diagnostic("E306", f"`{name}` of `[{self.name}]` is wrong", option.span, label)])
        return int(option.text)

    def required(self, name: str) -> int:
        if name not in self.options:
            raise SpecError(
                [Diagnostic("E306", f"`[{self.name}]` has no {name}", self.span, f"a line `{name}=…` is missing")]
            )
        return self.number(name, 1, low=1)

    def numbers(self, name: str) -> list[tuple[int, Span]]:
        """The numbers of a list such as `layers=-1,8`."""
        option = self.options.get(name)
        texts = option.text.split(",") if option else []
        if option is None or not all(re.fullmatch(r"\s*[+-]?\d{1,9}\s*", text) for text in texts):
            span = option.span if option else self.span
            message = f"`[{self.name}]` needs {name}"
            raise SpecError([Diagnostic("E306", message, span, f"a line `{name}=-1,8` is missing or no list")])
        return [(int(text), option.span) for text in texts]

    def text(self, name: str, default: str) -> str:
        option = self.options.get(name)
        return option.text.lower() if option else default


def read(path: str, options: ReadOptions) -> Graph:
    """The graph of a cfg file; raises `SpecError` with all that is wrong in it."""
    source = text_of(path)
    problems = Problems()
    sections = list(_sections(source, problems))
    problems.raise_if_any()
    if len(sections) > MAX_LAYERS:
        raise SpecError([Diagnostic("E303", f"`{path}` has more than {MAX_LAYERS:,} sections")])
    if not sections or sections[0].name not in ("net", "network"):
        span = sections[0].span if sections else None
        message = f"`{path}` does not begin with `[net]`"
        raise SpecError([Diagnostic("E302", message, span, "the input's size is there")])
    return DarknetImporter(sections, problems, options).graph()


def _sections(source: Source, problems: Problems) -> Iterator[CfgSection]:
    current: CfgSection | None = None
    at = 0
    for line in source.text.split("\n"):
        span = Span(source, at, at + len(line))
        at += len(line) + 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if (heading := SECTION.match(line)) is not None:
            if current is not None:
                yield current
            current = CfgSection(heading.group(1).strip().lower(), _trimmed(span, line), {})
        elif (option := OPTION.match(line)) is not None and current is not None:
            value = Span(source, span.start + option.start(2), span.start + option.end(2))
            current.options[option.group(1).lower()] = CfgOption(option.group(2), value)
        else:
            message, help = "a line is neither a section nor an option", "write `[convolutional]`, or `filters=64`"
            problems.add(Diagnostic("E302", message, _trimmed(span, line), "not read", help=help))
    if current is not None:
        yield current


def _trimmed(span: Span, line: str) -> Span:
    return Span(span.source, span.start + len(line) - len(line.lstrip()), span.start + len(line.rstrip()))


class DarknetImporter:
    """Turns the sections into layers, one after the other. A layer is reached by its number, as in Darknet."""

    def __init__(self, sections: list[CfgSection], problems: Problems, options: ReadOptions) -> None:
        self.net, *self.sections = sections
        self.problems = problems
        self.builder = GraphBuilder(problems)
        #: Darknet's layers by number: the node that each ends in.
        self.ends: list[int] = []
        self.input = options.input

    def graph(self) -> Graph:
        shape = self.input
        if shape is None:
            shape = tuple(self.net.number(name, 0, low=1) for name in ("height", "width", "channels"))
            if 0 in shape:
                message = "`[net]` does not say the size of its input"
                help = "add `height`, `width` and `channels`, or give `--input 416x416x3`"
                raise SpecError([Diagnostic("E306", message, self.net.span, "a size is missing", help=help)])
        last = self.builder.add(REGISTRY["input"]("input", shape=shape), ())
        for section in self.sections:
            try:
                last = self.section(section, last)
            except SpecError as error:
                for diagnostic in error.diagnostics:
                    self.problems.add(diagnostic)
                last = UNKNOWN
            self.ends.append(last)
        return self.builder.build(last)

    def section(self, section: CfgSection, last: int) -> int:
        """Add what a section says behind `last`; returns the node that it ends in."""
        if section.name in TRAINING:
            return last
        made = getattr(self, f"read_{section.name}", None)
        if section.name in HEADS:
            return self._head(section, last)
        if made is None:
            return self.add(section, OpaqueOp(section.name or "unnamed", None, known=False), last)
        end: int = made(section, last)
        return end

    def add(self, section: CfgSection, layer: Layer, *inputs: int, stored: StoredWeights | None = None) -> int:
        return add_layer(self.builder, layer, inputs, Origin(section.span), stored=stored)

    def shape(self, node: int) -> Shape | None:
        """The shape of a node, where it is known."""
        shape = self.builder.nodes[node].shape if node != UNKNOWN else NO_SHAPE
        return None if shape == NO_SHAPE else shape

    def foreign(
        self, section: CfgSection, shape: Shape, *inputs: int, stored: StoredWeights | None = None, macs: int = 0
    ) -> int:
        return self.add(section, OpaqueOp(section.name, shape, macs=macs), *inputs, stored=stored)

    # -- one method for each section ---------------------------------------------------------------------

    def read_convolutional(self, section: CfgSection, last: int) -> int:
        kernel = section.number("size", 1, low=1)
        strides = [section.number(f"stride_{axis}", section.number("stride", 1, low=1), low=1) for axis in "yx"]
        dilation = section.number("dilation", 1, low=1)
        normalized = section.number("batch_normalize", 0) > 0
        conv = REGISTRY["conv"](
            "conv",
            kernel=(kernel, kernel),
            stride=tuple(strides),
            padding=_half(section, kernel),
            dilation=(dilation, dilation),
            groups=section.number("groups", 1, low=1),
            filters=section.required("filters"),
            bias=not normalized,
        )
        return self.finished(section, self.add(section, conv, last), normalized, "logistic")

    def read_deconvolutional(self, section: CfgSection, last: int) -> int:
        kernel, stride = section.number("size", 1, low=1), section.number("stride", 1, low=1)
        normalized = section.number("batch_normalize", 0) > 0
        deconv = REGISTRY["deconv"](
            "deconv",
            kernel=(kernel, kernel),
            stride=(stride, stride),
            padding=_half(section, kernel),
            filters=section.required("filters"),
            bias=not normalized,
        )
        return self.finished(section, self.add(section, deconv, last), normalized, "logistic")

    def read_connected(self, section: CfgSection, last: int) -> int:
        normalized = section.number("batch_normalize", 0) > 0
        fc = REGISTRY["fc"]("fc", units=section.required("output"), bias=not normalized)
        return self.finished(section, self.add(section, fc, last), normalized, "logistic")

    def read_local(self, section: CfgSection, last: int) -> int:
        """A convolution whose every place has weights of its own."""
        shape = self.shape(last)
        if shape is None:
            return self.add(section, OpaqueOp(section.name, None, known=False), last)
        kernel, stride = section.number("size", 1, low=1), section.number("stride", 1, low=1)
        filters = section.required("filters")
        conv = REGISTRY["conv"](
            "conv", kernel=(kernel, kernel), stride=(stride, stride), padding=_half(section, kernel), filters=filters
        )
        try:
            fitted = conv.resolve(shape)
            output = fitted.infer((shape,))
        except ShapeError:
            return self.add(section, conv, last)  # reports what is wrong
        macs = fitted.multiply_adds(shape, output)
        stored = StoredWeights(macs + output.elements)
        return self.finished(section, self.foreign(section, output, last, stored=stored, macs=macs), False, "logistic")

    def read_maxpool(self, section: CfgSection, last: int) -> int:
        stride = section.number("stride", 1, low=1)
        kernel = section.number("size", stride, low=1)
        padding = section.number("padding", kernel - 1)
        ends = (padding // 2, padding - padding // 2)
        pool = REGISTRY["pool"](
            "pool", kernel=(kernel, kernel), stride=(stride, stride), padding=Padding("explicit", (ends, ends))
        )
        return self.add(section, pool, last)

    def read_avgpool(self, section: CfgSection, last: int) -> int:
        return self.add(section, REGISTRY["gap"]("gap"), last)

    def read_upsample(self, section: CfgSection, last: int) -> int:
        stride = section.number("stride", 2, low=1)
        return self.add(section, REGISTRY["upsample"]("upsample", factor=(stride, stride)), last)

    def read_batchnorm(self, section: CfgSection, last: int) -> int:
        return self.add(section, REGISTRY["bn"]("bn"), last)

    def read_dropout(self, section: CfgSection, last: int) -> int:
        return self.add(section, REGISTRY["dropout"]("dropout"), last)

    def read_softmax(self, section: CfgSection, last: int) -> int:
        return self.add(section, REGISTRY["softmax"]("softmax"), last)

    def read_activation(self, section: CfgSection, last: int) -> int:
        return self.finished(section, last, False, "linear")

    def read_empty(self, section: CfgSection, last: int) -> int:
        return last

    read_silence = read_empty

    def read_route(self, section: CfgSection, last: int) -> int:
        """The channels of earlier layers, one behind the other; of each only one of `groups`, where there are any."""
        groups, group = section.number("groups", 1, low=1), section.number("group_id", 0)
        parts = []
        for number, span in section.numbers("layers"):
            node = self.earlier(number, span)
            shape = self.shape(node)
            if groups > 1 and shape is not None:
                if shape.channels % groups or group >= groups:
                    message = f"`groups` of `[route]` does not divide the {shape.channels} channels that come in"
                    raise SpecError([Diagnostic("E306", message, section.span, f"group {group} of {groups}")])
                width = shape.channels // groups
                part = REGISTRY["slice"]("slice", channels=(group * width, (group + 1) * width))
                node = self.add(section, part, node)
            parts.append(node)
        return parts[0] if len(parts) == 1 else self.add(section, REGISTRY["concat"]("concat"), *parts)

    def read_shortcut(self, section: CfgSection, last: int) -> int:
        """The sum with earlier layers. Where shapes differ Darknet adds what overlaps, and keeps the first's shape."""
        others = [self.earlier(number, span) for number, span in section.numbers("from")]
        shape = self.shape(last)
        if shape is None or all(self.shape(other) in (shape, None) for other in others):
            end = self.add(section, REGISTRY["add"]("add"), last, *others)
        else:
            end = self.foreign(section, shape, last, *others)
        return self.finished(section, end, False, "linear")

    def read_scale_channels(self, section: CfgSection, last: int) -> int:
        ((number, span), *_) = section.numbers("from")
        end = self.add(section, REGISTRY["mul"]("mul"), self.earlier(number, span), last)
        return self.finished(section, end, False, "linear")

    def read_sam(self, section: CfgSection, last: int) -> int:
        return self.read_scale_channels(section, last)

    def read_reorg(self, section: CfgSection, last: int) -> int:
        """Blocks of stride x stride places laid out as channels."""
        shape, stride = self.shape(last), section.number("stride", 1, low=1)
        if shape is None:
            return self.add(section, OpaqueOp(section.name, None, known=False), last)
        if any(size % stride for size in shape.spatial):
            message = f"`stride` of `[{section.name}]` does not divide the {shape} that comes in"
            raise SpecError([Diagnostic("E306", message, section.span, f"stride {stride}")])
        sizes = tuple(size // stride for size in shape.spatial)
        return self.foreign(section, Shape(sizes, shape.channels * stride**shape.rank), last)

    read_reorg3d = read_reorg

    def read_crop(self, section: CfgSection, last: int) -> int:
        shape = self.shape(last)
        if shape is None:
            return self.add(section, OpaqueOp(section.name, None, known=False), last)
        sizes = (section.required("crop_height"), section.required("crop_width"))
        return self.foreign(section, Shape(sizes, shape.channels), last)

    def _head(self, section: CfgSection, last: int) -> int:
        shape = self.shape(last)
        if shape is None:
            return self.add(section, OpaqueOp(section.name, None, known=False), last)
        return self.add(section, OpaqueOp(section.name, shape, local=True, memory="in place"), last)

    # -- what several sections share ---------------------------------------------------------------------

    def finished(self, section: CfgSection, node: int, normalized: bool, default: str) -> int:
        """What stands behind a layer in the same section: its batch norm and its activation."""
        if normalized:
            node = self.add(section, REGISTRY["bn"]("bn"), node)
        name = section.text("activation", default)
        if name not in ACTIVATIONS:
            return self.add(section, OpaqueOp(name, self.shape(node), local=True, memory="in place"), node)
        found = ACTIVATIONS[name]
        return node if found is None else self.add(section, REGISTRY[found[0]](found[0], **found[1]), node)

    def earlier(self, number: int, span: Span) -> int:
        """The node of an earlier layer: below zero it is counted back from this one."""
        index = number if number >= 0 else len(self.ends) + number
        if not 0 <= index < len(self.ends):
            message, label = f"there is no layer {number} before this one", f"{len(self.ends)} come before it"
            raise SpecError([Diagnostic("E307", message, span, label, help="count from 0, or back from -1")])
        return self.ends[index]


def _half(section: CfgSection, kernel: int) -> Padding:
    """`pad=1` pads half of the window; `padding` says it in numbers."""
    amount = kernel // 2 if section.number("pad", 0) else section.number("padding", 0)
    return Padding("explicit", ((amount, amount),) * 2) if amount else Padding("valid")
