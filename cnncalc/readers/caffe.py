"""Caffe's nets in prototxt: both dialects (`layers { type: CONVOLUTION }`, `layer { type: "Convolution" }`).

Read for testing: layers of the TRAIN phase are left out, a loss is what it computes at inference. A pool's size is
rounded up, and its last window left out where it would start in the padding (`round_mode` says otherwise); blobs
are N, C, H, W there and channels last here.

    https://github.com/BVLC/caffe, src/caffe/proto/caffe.proto and src/caffe/layers
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from math import prod
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Origin, Problems, Span, SpecError
from cnncalc.graph import MAX_LAYERS, UNKNOWN, Graph, GraphBuilder, StoredWeights
from cnncalc.layers import REGISTRY, Layer
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.layers.opaque import NO_SHAPE, OpaqueOp
from cnncalc.readers import ReadOptions, UniqueNames, add_layer, text_of
from cnncalc.readers.prototxt import Message, PrototxtScalar, parse
from cnncalc.shape import Padding, Shape

#: Sources of data: the first top is the network's input, any other is a label.
DATA = ("data", "imagedata", "input", "memorydata", "hdf5data", "dummydata", "windowdata", "annotateddata", "python")

#: What only measures or hides an output: no row.
NO_ROW = ("accuracy", "silence", "hdf5output", "multiboxloss")

#: Element by element and without weights → the word of the language.
WORDS = {
    "sigmoid": "sigmoid", "tanh": "tanh", "relu6": "relu6", "swish": "silu", "mish": "mish",
    "softmax": "softmax", "softmaxwithloss": "softmax", "softmaxloss": "softmax",
    "sigmoidcrossentropyloss": "sigmoid", "flatten": "flatten", "split": "identity",
}  # fmt: skip

#: Element by element and without weights, but without a word.
LOCAL = ("absval", "power", "exp", "log", "bnll", "threshold", "clip", "mvn")

Blob = int | None


class CaffeLayer(NamedTuple):
    """One layer of the file as its method gets it: the message, its name, and the nodes that it reads."""

    message: Message
    type: str
    name: str
    inputs: list[int]

    def parameters(self, *names: str) -> Message:
        """The message of the layer's own parameters: `convolution_param`."""
        return next(
            (found for name in names for found in self.message.messages(f"{name}_param")), Message({}, self.span)
        )

    @property
    def span(self) -> Span:
        place = self.message.scalar("name") or self.message.scalar("type")
        return place.span if place else self.message.span


def read(path: str, options: ReadOptions) -> Graph:
    """The graph of a prototxt; raises `SpecError` with all that is wrong in it."""
    net = parse(text_of(path))
    problems = Problems()
    layers = [*net.messages("layer"), *net.messages("layers")]
    if not layers:
        raise SpecError([Diagnostic("E302", f"`{path}` has no layer", label="a net has messages `layer { … }`")])
    if len(layers) > MAX_LAYERS:
        raise SpecError([Diagnostic("E303", f"`{path}` has more than {MAX_LAYERS:,} layers")])
    return CaffeImporter(net, layers, problems, options).graph()


class CaffeImporter:
    """Turns the layers into nodes in the file's order. A blob's name means what the latest layer wrote to it."""

    def __init__(self, net: Message, layers: list[Message], problems: Problems, options: ReadOptions) -> None:
        self.net, self.layers, self.problems = net, layers, problems
        self.builder = GraphBuilder(problems, {layer.text("name") for layer in layers})
        self.names = UniqueNames()
        self.input = options.input
        #: Blob → the node that holds it, None for a label.
        self.blobs: dict[str, Blob] = {}

    def graph(self) -> Graph:
        last = UNKNOWN
        for name, shape, span in self._net_inputs():
            last = self.blobs[name] = self._input(name, shape, span)
        for message in self.layers:
            if not _in_test(message):
                continue
            try:
                end = self._layer(message)
            except SpecError as error:
                for diagnostic in error.diagnostics:
                    self.problems.add(diagnostic)
                for top in message.scalars("top"):
                    self.blobs[top.text] = UNKNOWN
                end = UNKNOWN
            last = last if end is None else end
        return self.builder.build(last, self.net.text("name") or None)

    # -- inputs ------------------------------------------------------------------------------------------

    def _net_inputs(self) -> Iterator[tuple[str, list[int], Span]]:
        """`input: "data"` with `input_dim` four by four, or an `input_shape` each."""
        dims = self.net.scalars("input_dim")
        for number, name in enumerate(self.net.scalars("input")):
            shapes = self.net.messages("input_shape")
            own = shapes[number].scalars("dim") if number < len(shapes) else dims[4 * number : 4 * number + 4]
            yield name.text, [_whole(dim, "a dimension") for dim in own], name.span

    def _input(self, name: str, dims: list[int], span: Span) -> int:
        """An input of the net: N, C, H, W without its N, channels last."""
        shape = (*dims[2:], dims[1]) if len(dims) > 1 else ()
        if self.input is not None:
            shape, self.input = self.input, None
        if not 1 <= len(shape) <= 4:
            help = "add `--input 224x224x3`, or an `input_param { shape { … } }`"
            message = f"the net does not say the size of its input `{name}`"
            raise SpecError([Diagnostic("E308", message, span, "a batch, channels and sizes are missing", help=help)])
        return self.builder.add(REGISTRY["input"]("input", shape=shape), (), Origin(span), self.names(name))

    def _data(self, call: CaffeLayer) -> int | None:
        """A source of data, whose size its parameters say, or the crop that it makes."""
        if not call.message.scalars("top"):
            return None
        shape = call.parameters("input", "dummy_data").message("shape").scalars("dim")
        dims = [_whole(dim, "a dimension") for dim in shape]
        memory = call.parameters("memory_data")
        if memory.fields:
            dims = [_number(memory, name, 1) for name in ("batch_size", "channels", "height", "width")]
        transform = call.parameters("transform", "data", "image_data")
        if not dims and (crop := _number(transform, "crop_size", 0)):
            dims = [1, 1 if transform.text("force_gray") == "true" else 3, crop, crop]
        return self._input(call.name, dims, call.span)

    # -- layers ------------------------------------------------------------------------------------------

    def _layer(self, message: Message) -> int | None:
        """Add a layer and keep what it writes; the node it ends in, None where it has no row."""
        kind = message.text("type").lower().replace("_", "")
        bottoms, tops = message.scalars("bottom"), [top.text for top in message.scalars("top")]
        inputs = [blob for bottom in bottoms if (blob := self._blob(bottom)) is not None]
        call = CaffeLayer(message, kind, self.names(message.text("name") or kind or "layer"), inputs)
        if kind in NO_ROW:
            return None
        if kind in DATA and not inputs:
            found = self._data(call)
            self.blobs.update(dict.fromkeys(tops[1:]))
            if found is not None:
                self.blobs[tops[0]] = found
            return found
        if not inputs:
            raise SpecError([Diagnostic("E307", f"`{call.name}` reads nothing", call.span, "it has no bottom")])
        made = getattr(self, f"read_{kind}", None)
        if kind == "slice":
            ends = self._slice(call, len(tops))
        elif made is not None:
            ends = [made(call)]
        elif kind in WORDS:
            ends = [self.add(call, REGISTRY[WORDS[kind]](WORDS[kind]), *inputs[:1])]
        elif kind in LOCAL:
            ends = [self.add(call, OpaqueOp(message.text("type"), self.shape(inputs[0]), local=True), *inputs)]
        else:
            ends = [self.add(call, OpaqueOp(message.text("type") or "unnamed", None, known=False), *inputs)]
        for number, top in enumerate(tops):
            self.blobs[top] = ends[min(number, len(ends) - 1)]
        return ends[-1]

    def _blob(self, bottom: PrototxtScalar) -> Blob:
        if bottom.text not in self.blobs:
            message, label = f"no layer before this one writes `{bottom.text}`", "not known"
            raise SpecError([Diagnostic("E307", message, bottom.span, label)])
        return self.blobs[bottom.text]

    def add(self, call: CaffeLayer, layer: Layer, *inputs: int, stored: StoredWeights | None = None) -> int:
        return add_layer(self.builder, layer, inputs, Origin(call.span), call.name, stored)

    def shape(self, node: int) -> Shape | None:
        """The shape of a node, where it is known."""
        shape = self.builder.nodes[node].shape if node != UNKNOWN else NO_SHAPE
        return None if shape == NO_SHAPE else shape

    def read_convolution(self, call: CaffeLayer) -> int:
        given = call.parameters("convolution")
        groups = _number(given, "group", 1, low=1)
        shape = self.shape(call.inputs[0])
        if call.type != "convolution" and shape is not None:
            groups = shape.channels
        window = _window(given, dilated=True)
        filters, bias = _required(given, "num_output", call), _true(given, "bias_term")
        conv = REGISTRY["conv"]("conv", **window, groups=groups, filters=filters, bias=bias)
        return self.add(call, conv, call.inputs[0])

    read_convolutiondepthwise = read_depthwiseconvolution = read_convolution

    def read_deconvolution(self, call: CaffeLayer) -> int:
        given = call.parameters("convolution")
        filters, bias = _required(given, "num_output", call), _true(given, "bias_term")
        groups = _number(given, "group", 1, low=1)
        deconv = REGISTRY["deconv"]("deconv", **_window(given, True), groups=groups, filters=filters, bias=bias)
        return self.add(call, deconv, call.inputs[0])

    def read_pooling(self, call: CaffeLayer) -> int:
        given = call.parameters("pooling")
        largest = given.text("pool", "MAX").upper() in ("MAX", "0")
        if _true(given, "global_pooling", default=False):
            word = "gmp" if largest else "gap"
            return self.add(call, REGISTRY[word](word), call.inputs[0])
        floor = given.text("round_mode", "CEIL").upper() in ("FLOOR", "1") or not _true(given, "ceil_mode")
        word = "pool" if largest else "avgpool"
        pool = REGISTRY[word](word, **_window(given), rounding="floor" if floor else "ceil")
        return self.add(call, pool, call.inputs[0])

    def read_innerproduct(self, call: CaffeLayer) -> int:
        given = call.parameters("inner_product")
        fc = REGISTRY["fc"]("fc", units=_required(given, "num_output", call), bias=_true(given, "bias_term"))
        return self.add(call, fc, call.inputs[0])

    def read_relu(self, call: CaffeLayer) -> int:
        slope = call.parameters("relu").text("negative_slope", "0")
        leaks = re.fullmatch(r"0?\.\d*[1-9]\d*", slope) is not None
        layer = REGISTRY["leakyrelu"]("leakyrelu", slope=float(slope)) if leaks else REGISTRY["relu"]("relu")
        return self.add(call, layer, call.inputs[0])

    def read_elu(self, call: CaffeLayer) -> int:
        return self.add(call, REGISTRY["elu"]("elu"), call.inputs[0])

    def read_prelu(self, call: CaffeLayer) -> int:
        shared = _true(call.parameters("prelu"), "channel_shared", default=False)
        return self.add(call, REGISTRY["prelu"]("prelu", shared=shared), call.inputs[0])

    def read_dropout(self, call: CaffeLayer) -> int:
        return self.add(call, REGISTRY["dropout"]("dropout"), call.inputs[0])

    def read_lrn(self, call: CaffeLayer) -> int:
        size = _number(call.parameters("lrn"), "local_size", 5, low=1)
        return self.add(call, REGISTRY["lrn"]("lrn", size=size), call.inputs[0])

    def read_batchnorm(self, call: CaffeLayer) -> int:
        """The running mean and variance alone: a `Scale` behind it learns. (A scalar that scales both is left out.)"""
        return self.add(call, REGISTRY["bn"]("bn", affine=False), call.inputs[0])

    def read_bn(self, call: CaffeLayer) -> int:
        return self.add(call, REGISTRY["bn"]("bn"), call.inputs[0])

    def read_scale(self, call: CaffeLayer) -> int:
        if len(call.inputs) > 1:
            return self.add(call, REGISTRY["mul"]("mul"), *call.inputs)
        bias = _true(call.parameters("scale"), "bias_term", default=False)
        return self.add(call, REGISTRY["scale"]("scale", bias=bias), call.inputs[0])

    def read_bias(self, call: CaffeLayer) -> int:
        return self._per_channel(call)

    def read_normalize(self, call: CaffeLayer) -> int:
        """SSD's: each place scaled to length 1, then each channel by a weight of its own (or all by one)."""
        return self._per_channel(call, shared=_true(call.parameters("norm"), "channel_shared"))

    def _per_channel(self, call: CaffeLayer, shared: bool = False) -> int:
        shape = self.shape(call.inputs[0])
        stored = StoredWeights((1 if shared else shape.channels) if shape else 0)
        layer = OpaqueOp(call.message.text("type"), shape, known=shape is not None, local=True, memory="in place")
        return self.add(call, layer, *call.inputs, stored=stored)

    def read_eltwise(self, call: CaffeLayer) -> int:
        operation = call.parameters("eltwise").text("operation", "SUM").upper()
        if operation in ("MAX", "2"):
            shape = self.shape(call.inputs[0])
            return self.add(call, OpaqueOp("EltwiseMax", shape, local=True, memory="in place"), *call.inputs)
        word = "mul" if operation in ("PROD", "0") else "add"
        return self.add(call, REGISTRY[word](word), *call.inputs)

    def read_concat(self, call: CaffeLayer) -> int:
        given = call.parameters("concat")
        if _number(given, "axis", _number(given, "concat_dim", 1), low=-4) != 1:
            return self.add(call, OpaqueOp("Concat", None, known=False), *call.inputs)
        return self.add(call, REGISTRY["concat"]("concat"), *call.inputs)

    def _slice(self, call: CaffeLayer, tops: int) -> list[int]:
        given = call.parameters("slice")
        source = call.inputs[0]
        shape = self.shape(source)
        points = [_whole(point, "a slice_point") for point in given.scalars("slice_point")]
        if shape is None or _number(given, "axis", _number(given, "slice_dim", 1), low=-4) != 1:
            return [self.add(call, OpaqueOp("Slice", None, known=False), source)]
        if not points:
            points = [shape.channels * number // tops for number in range(1, tops)]
        ends = [0, *points, shape.channels]
        if sorted(set(ends)) != ends or len(ends) != tops + 1:
            message = f"`{call.name}` cannot cut {shape.channels} channels into {tops}"
            raise SpecError([Diagnostic("E306", message, call.span, f"at {points}")])
        parts = list(pairwise(ends))
        names = [call.name, *(self.names(call.name) for _ in range(tops - 1))]
        return [
            self.add(call._replace(name=name), REGISTRY["slice"]("slice", channels=part), source)
            for name, part in zip(names, parts, strict=True)
        ]

    def read_reshape(self, call: CaffeLayer) -> int:
        """To N, C, H, W: 0 keeps a dimension, -1 is what is left over."""
        shape = self.shape(call.inputs[0])
        dims = [
            _whole(dim, "a dimension", low=-1) for dim in call.parameters("reshape").message("shape").scalars("dim")
        ]
        if shape is None or not 2 <= len(dims) <= 5:
            return self.add(call, OpaqueOp("Reshape", None, known=False), *call.inputs)
        before = [1, shape.channels, *shape.spatial]
        sizes = [before[at] if dim == 0 and at < len(before) else dim for at, dim in enumerate(dims)][1:]
        known = prod(size for size in sizes if size != -1)
        if sizes.count(-1) > 1 or known < 1 or shape.elements % known:
            message = f"`{call.name}` does not lay out the {shape.elements} elements of {shape}"
            raise SpecError([Diagnostic("E306", message, call.span, f"asked for {dims}")])
        sizes = [shape.elements // known if size == -1 else size for size in sizes]
        return self.add(call, REGISTRY["reshape"]("reshape", shape=(*sizes[1:], sizes[0])), call.inputs[0])

    def read_crop(self, call: CaffeLayer) -> int:
        """The first input, cut to the spatial sizes of the second."""
        shapes = [self.shape(node) for node in call.inputs]
        found = None
        if len(shapes) == 2 and shapes[0] is not None and shapes[1] is not None:
            found = Shape(shapes[1].spatial, shapes[0].channels)
        return self.add(call, OpaqueOp("Crop", found, known=found is not None), *call.inputs)

    def read_permute(self, call: CaffeLayer) -> int:
        shape = self.shape(call.inputs[0])
        order = [_whole(axis, "an axis") for axis in call.parameters("permute").scalars("order")]
        if shape is None or sorted(order) != list(range(shape.rank + 2)) or order[0] != 0:
            return self.add(call, OpaqueOp("Permute", None, known=False), *call.inputs)
        dims = [1, shape.channels, *shape.spatial]
        turned = [dims[axis] for axis in order][1:]
        return self.add(call, OpaqueOp("Permute", Shape.of((*turned[1:], turned[0]))), *call.inputs)

    def read_shufflechannel(self, call: CaffeLayer) -> int:
        groups = _number(call.parameters("shuffle_channel"), "group", 1, low=1)
        return self.add(call, REGISTRY["shuffle"]("shuffle", groups=groups), call.inputs[0])

    def read_upsample(self, call: CaffeLayer) -> int:
        scale = _number(call.parameters("upsample"), "scale", 2, low=1)
        return self.add(call, REGISTRY["upsample"]("upsample", factor=(scale,)), call.inputs[0])


def _in_test(message: Message) -> bool:
    """Whether the layer takes part in testing, as its rules about phases say."""
    included = [rule.text("phase").upper() for rule in message.messages("include")]
    excluded = [rule.text("phase").upper() for rule in message.messages("exclude")]
    return (not any(included) or "TEST" in included) and "TEST" not in excluded


def _window(given: Message, dilated: bool = False) -> dict[str, Any]:
    """The window of a convolution or pool: numbers for all axes, or `kernel_h` and `kernel_w`."""
    padding = _per_axis(given, "pad", "pad", 0)
    found: dict[str, Any] = {
        "kernel": _per_axis(given, "kernel", "kernel_size", None),
        "stride": _per_axis(given, "stride", "stride", 1),
        "padding": Padding("explicit", tuple((each, each) for each in padding)) if any(padding) else Padding("valid"),
    }
    if dilated:
        found["dilation"] = _per_axis(given, "dilation", "dilation", 1)
    return found


def _per_axis(given: Message, stem: str, name: str, default: int | None) -> tuple[int, ...]:
    low = 0 if stem == "pad" else 1
    if given.scalar(f"{stem}_h") or given.scalar(f"{stem}_w"):
        return tuple(_number(given, f"{stem}_{axis}", default or 1, low) for axis in "hw")
    values = tuple(_whole(value, f"`{name}`", low) for value in given.scalars(name))
    if not values and default is None:
        message = "a window has no size"
        raise SpecError([Diagnostic("E306", message, given.span, "a field `kernel_size: …` is missing")])
    return values or (default or 0,)


def _required(given: Message, name: str, call: CaffeLayer) -> int:
    if given.scalar(name) is None:
        message = f"`{call.name}` has no {name}"
        raise SpecError([Diagnostic("E306", message, call.span, f"a field `{name}: …` is missing")])
    return _number(given, name, 1, low=1)


def _number(given: Message, name: str, default: int, low: int = 0) -> int:
    value = given.scalar(name)
    return default if value is None else _whole(value, f"`{name}`", low)


def _whole(value: PrototxtScalar, what: str, low: int = 0) -> int:
    """The whole number of a field; raises `SpecError` E306 where it is none."""
    if not re.fullmatch(r"[+-]?\d{1,10}", value.text) or not low <= int(value.text) < MAX_INTEGER:
        raise SpecError([Diagnostic("E306", f"{what} is wrong", value.span, f"not a whole number from {low}")])
    return int(value.text)


def _true(given: Message, name: str, default: bool = True) -> bool:
    text = given.text(name).lower()
    return default if not text else text in ("true", "t", "1")
