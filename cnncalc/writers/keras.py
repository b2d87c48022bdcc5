"""Keras 3: a functional model, with a function for each block.

Keras's tensors are channels last, as the spec's are, so every layer takes its elements in the same order.
Its `same` is the language's; all other padding is a layer in front. What a max pool is padded with is what
no maximum picks (zeros, where nothing is negative); an avgpool's padding is zeros that count in the mean, so
its `same` is padding in front as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape, Window
from cnncalc.writers.blocks import (
    BlockLayout,
    BlockStep,
    BlockTemplate,
    CodeBlock,
    Identifiers,
    heading,
    identifier,
    shapes_text,
)
from cnncalc.writers.code import (
    Argument,
    Call,
    Code,
    Inline,
    Said,
    at,
    call,
    channels,
    in_a_row,
    inline_text,
    named,
    one,
    statement,
    with_comment,
)
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.windows import floored

says: Emitter[Said] = Emitter("Keras")


def write(graph: Graph) -> str:
    """The graph as a Python file; raises `SpecError` E320 for what Keras cannot say."""
    said = says.emit_all(graph.nodes)
    for node in graph.nodes:
        if node.layer.kind == "pool" and graph.nodes[node.inputs[0]].layer.kind in NEVER_NEGATIVE:
            said[node.index] = padded_with_zeros(said[node.index], node.input_shapes[0])
    return File(graph, said).text()


# -- what is said ------------------------------------------------------------------------------------

#: The function of a call that stands for several layers, one behind the other.
CHAIN = ""


def chain(*calls: Call) -> Call:
    return in_a_row(CHAIN, *calls)


def per_axis(name: str, x: Shape) -> str:
    """`layers.Conv` on two axes is `layers.Conv2D`."""
    return f"layers.{name}{x.rank}D"


def ends_of(windows: Sequence[Window]) -> list[tuple[int, int]]:
    return [(window.begin, window.end) for window in windows]


def padding_argument(ends: Sequence[tuple[int, int]]) -> Argument:
    """Begin and end of each axis as Keras's padding and cropping take them: one number where all are alike."""
    if all(begin == end for begin, end in ends):
        return at("padding", one([begin for begin, _ in ends]))
    return at("padding", tuple(ends) if len(ends) > 1 else tuple(ends[0]))


def zeros(x: Shape, ends: Sequence[tuple[int, int]]) -> list[Call]:
    """The layer that pads, where there is anything to pad."""
    return [call(per_axis("ZeroPadding", x), padding_argument(ends))] if any(map(any, ends)) else []


def is_same(x: Shape, layer: Any) -> bool:
    """Whether the padding is `same`, or at stride 1 comes to it whatever the size."""
    if layer.padding.mode == "same" or max(layer.stride) > 1:
        return bool(layer.padding.mode == "same")
    extents = [window.extent - 1 for window in layer.windows(x)]
    same = [(extent // 2, extent - extent // 2) for extent in extents]
    return ends_of(layer.windows(x)) == same and any(extents)


def padded(x: Shape, layer: Any) -> tuple[list[Call], str]:
    """What pads in front, and the padding by rule that the layer itself does."""
    if is_same(x, layer):
        return [], "same"
    return zeros(x, ends_of(layer.windows(x))), "valid"


def steps_of(layer: Any) -> tuple[Argument, Argument]:
    """Stride and dilation. Keras has no convolution with both."""
    # Of one tap, the distance to the next means nothing.
    dilation = [d if k > 1 else 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)]
    if max(layer.stride) > 1 and max(dilation) > 1:
        raise Unsupported("its convolutions have a stride or a dilation, not both", "drop one of them")
    return named("strides", one(layer.stride), 1), named("dilation_rate", one(dilation), 1)


@says("conv")
def conv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    return convolution(x, layer, layer.filters, named("groups", layer.groups, 1), layer.bias)


@says("dwconv")
def dwconv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if not has_own_depthwise(x, layer):
        return convolution(x, layer, node.shape.channels, channel_groups(x), layer.bias)
    pads, padding = padded(x, layer)
    strides, dilation = steps_of(layer)
    return chain(
        *pads,
        call(
            per_axis("DepthwiseConv", x),
            at("kernel_size", one(layer.kernel)),
            strides,
            named("padding", padding, "valid"),
            named("depth_multiplier", layer.multiplier, 1),
            dilation,
            named("use_bias", layer.bias, True),
        ),
    )


@says("sepconv")
def sepconv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if not has_own_depthwise(x, layer):
        depthwise = convolution(x, layer, x.channels * layer.multiplier, channel_groups(x), False)
        filters = channels("filters", layer.filters)
        pointwise = call(per_axis("Conv", x), filters, at("kernel_size", 1), named("use_bias", layer.bias, True))
        return chain(*calls_of(depthwise), pointwise)
    pads, padding = padded(x, layer)
    strides, dilation = steps_of(layer)
    return chain(
        *pads,
        call(
            per_axis("SeparableConv", x),
            channels("filters", layer.filters),
            at("kernel_size", one(layer.kernel)),
            strides,
            named("padding", padding, "valid"),
            dilation,
            named("depth_multiplier", layer.multiplier, 1),
            named("use_bias", layer.bias, True),
        ),
    )


def has_own_depthwise(x: Shape, layer: Any) -> bool:
    """Whether Keras has a depthwise layer for it: on one or two axes, and with one stride for both."""
    return x.rank < 3 and len(set(layer.stride)) == 1


def channel_groups(x: Shape) -> Argument:
    return Argument("groups", x.channels, 1, channels=True)


def convolution(x: Shape, layer: Any, filters: int, groups: Argument, bias: bool) -> Call:
    pads, padding = padded(x, layer)
    strides, dilation = steps_of(layer)
    return chain(
        *pads,
        call(
            per_axis("Conv", x),
            channels("filters", filters),
            at("kernel_size", one(layer.kernel)),
            strides,
            named("padding", padding, "valid"),
            dilation,
            groups,
            named("use_bias", bias, True),
        ),
    )


@says("deconv")
def deconv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if layer.groups > 1:
        raise Unsupported("its transposed convolutions have no groups", "use one group")
    strides, dilation = steps_of(layer)
    # A transposed convolution without padding, and what is over cropped behind it: the rule itself. Where the
    # kernel is smaller than its stride, what is to be added is output padding.
    windows = list(zip(layer.windows(x), layer.output_padding, strict=True))
    extra = [more + max(-window.end, 0) for window, more in windows]
    ends = [(window.begin, max(window.end, 0)) for window, _ in windows]
    same = layer.padding.mode == "same" and not any(layer.output_padding)
    if same:
        extra, ends = [0] * x.rank, [(0, 0)] * x.rank
    short = any(window.extent < window.stride for window, _ in windows)
    transposed = call(
        per_axis("Conv", x)[:-2] + f"{x.rank}DTranspose",
        channels("filters", layer.filters),
        at("kernel_size", one(layer.kernel)),
        strides,
        named("padding", "same" if same else "valid", "valid"),
        named("output_padding", one(extra) if any(extra) or (short and not same) else None),
        dilation,
        named("use_bias", layer.bias, True),
    )
    crops = [call(per_axis("Cropping", x), padding_argument(ends))] if any(map(any, ends)) else []
    return chain(transposed, *crops)


@says("pool", "avgpool")
def pool(node: Node, layer: Any) -> Call:
    x, largest = node.input_shapes[0], node.layer.kind == "pool"
    if max(layer.dilation) > 1:
        raise Unsupported("its pools have no dilation", "drop it")
    ends = ends_of(floored(node, layer))
    same = largest and is_same(x, layer) and not layer.rounds_up
    if same or not any(map(any, ends)):
        pads = []
    else:
        pads = [call("MaxPadding", at("padding", tuple(ends)))] if largest else zeros(x, ends)
    return chain(
        *pads,
        call(
            per_axis("MaxPooling" if largest else "AveragePooling", x),
            at("pool_size", one(layer.kernel)),
            named("strides", one(layer.stride), one(layer.kernel)),
            named("padding", "same" if same else "valid", "valid"),
        ),
    )


#: Behind these, no maximum tells zeros from minus infinity, and Keras has a layer for zeros.
NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax")


def padded_with_zeros(said: Said, x: Shape) -> Said:
    """A max pool with the padding in front of it by zeros."""
    calls = calls_of(said) if isinstance(said, Call) else []
    if len(calls) < 2:
        return said
    (padding,) = calls[0].arguments
    return chain(*zeros(x, padding.value), calls[-1])


@says("gap", "gmp")
def whole(node: Node, layer: Any) -> Call:
    name = "GlobalAveragePooling" if node.layer.kind == "gap" else "GlobalMaxPooling"
    return call(per_axis(name, node.input_shapes[0]), named("keepdims", True, False))


@says("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> Call:
    name = "AdaptiveAveragePooling" if node.layer.kind == "adaptiveavgpool" else "AdaptiveMaxPooling"
    return call(per_axis(name, node.input_shapes[0]), at("output_size", one(layer.size)))


@says("fc")
def fc(node: Node, layer: Any) -> Call:
    return call("layers.Dense", channels("units", layer.units), named("use_bias", layer.bias, True))


@says("bn", "ln")
def norm(node: Node, layer: Any) -> Call:
    name = "layers.BatchNormalization" if node.layer.kind == "bn" else "layers.LayerNormalization"
    return call(name, *affine(layer))


@says("gn", "instancenorm")
def group_norm(node: Node, layer: Any) -> Call:
    groups = layer.groups if node.layer.kind == "gn" else -1  # -1: as many as channels
    return call("layers.GroupNormalization", named("groups", groups, 32), *affine(layer))


def affine(layer: Any) -> tuple[Argument, Argument]:
    return named("center", layer.affine, True), named("scale", layer.affine and layer.scale, True)


@says("lrn")
def lrn(node: Node, layer: Any) -> Call:
    return call("LocalResponseNorm", at("size", layer.size))


@says("scale")
def scale(node: Node, layer: Any) -> Call:
    return call("Scale", named("bias", layer.bias, False))


#: Activations without arguments, by the name that Keras has for them.
ACTIVATIONS = {
    "relu6": "relu6", "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "mish": "mish",
    "sigmoid": "sigmoid", "hardsigmoid": "hard_sigmoid", "hardswish": "hard_swish", "tanh": "tanh",
    "hardtanh": "hard_tanh", "softplus": "softplus", "softsign": "softsign", "softmax": "softmax",
    "logsoftmax": "log_softmax",
}  # fmt: skip


@says(*ACTIVATIONS)
def activation(node: Node, layer: Any) -> Call:
    return call("layers.Activation", at("activation", ACTIVATIONS[node.layer.kind]))


@says("relu")
def relu(node: Node, layer: Any) -> Call:
    return call("layers.ReLU")


@says("leakyrelu")
def leakyrelu(node: Node, layer: Any) -> Call:
    return call("layers.LeakyReLU", named("negative_slope", layer.slope, 0.3))


@says("elu")
def elu(node: Node, layer: Any) -> Call:
    return call("layers.ELU", named("alpha", layer.alpha, 1))


@says("prelu")
def prelu(node: Node, layer: Any) -> Call:
    axes = tuple(range(1, node.shape.rank + 1 + layer.shared))
    return call("layers.PReLU", named("shared_axes", Code(f"{list(axes)}") if axes else None))


@says("dropout")
def dropout(node: Node, layer: Any) -> Call:
    return call("layers.Dropout", at("rate", layer.rate))


@says("droppath")
def droppath(node: Node, layer: Any) -> Call:
    # One decision for a whole sample.
    shape = Code(repr((None,) + (1,) * (node.shape.rank + 1)))
    return call("layers.Dropout", at("rate", layer.rate), named("noise_shape", shape))


@says("identity")
def identity(node: Node, layer: Any) -> Call:
    return call("layers.Identity")


@says("upsample")
def upsample(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if layer.mode == "bilinear" and x.rank != 2:
        raise Unsupported("its upsampling interpolates on two axes alone", "use `nearest`")
    size = at("size", one(layer.factor))
    return call(per_axis("UpSampling", x), size, named("interpolation", layer.mode, "nearest"))


@says("pixelshuffle")
def pixelshuffle(node: Node, layer: Any) -> Call:
    return call("PixelShuffle", at("factor", layer.factor))


@says("shuffle")
def shuffle(node: Node, layer: Any) -> Call:
    return call("ChannelShuffle", at("groups", layer.groups))


@says("pad")
def pad(node: Node, layer: Any) -> Call:
    return call(per_axis("ZeroPadding", node.input_shapes[0]), padding_argument(layer.amount.ends))


@says("crop")
def crop(node: Node, layer: Any) -> Call:
    return call(per_axis("Cropping", node.input_shapes[0]), padding_argument(layer.amount.ends))


@says("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[..., {start}:{stop}]", (at("start", start), at("stop", stop)))


@says("flatten")
def flatten(node: Node, layer: Any) -> Call:
    return call("layers.Flatten")


@says("reshape")
def reshape(node: Node, layer: Any) -> Call:
    return call("layers.Reshape", at("target_shape", node.shape.dims))


@says("add", "mul", "concat")
def merge(node: Node, layer: Any) -> Call:
    return call({"add": "layers.Add", "mul": "layers.Multiply", "concat": "layers.Concatenate"}[node.layer.kind])


#: Layers that Keras lacks, written in front where they are used.
OWN_LAYERS = {
    "MaxPadding": '''
class MaxPadding(layers.Layer):
    """Pad each axis with what no maximum picks."""

    def __init__(self, padding, **options):
        super().__init__(**options)
        self.padding = padding

    def call(self, x):
        ends = ((0, 0), *self.padding, (0, 0))
        return ops.pad(x, ends, constant_values=float("-inf"))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}
''',
    "Scale": '''
class Scale(layers.Layer):
    """Multiply each channel by a weight of its own, and add a bias where there is one."""

    def __init__(self, bias=False, **options):
        super().__init__(**options)
        self.has_bias = bias

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="ones", name="weight")
        if self.has_bias:
            self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x):
        x = x * self.weight
        return x + self.bias if self.has_bias else x

    def get_config(self):
        return {**super().get_config(), "bias": self.has_bias}
''',
    "LocalResponseNorm": '''
class LocalResponseNorm(layers.Layer):
    """Divide each element by its neighbours across `size` channels."""

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0, **options):
        super().__init__(**options)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        before = self.size // 2
        ends = ((0, 0),) * (len(x.shape) - 1) + ((before, self.size - 1 - before),)
        squares = ops.pad(ops.square(x), ends)
        total = sum(squares[..., start : start + x.shape[-1]] for start in range(self.size))
        return x / (self.k + self.alpha * total / self.size) ** self.beta

    def get_config(self):
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
        return {**super().get_config(), **own}
''',
    "ChannelShuffle": '''
class ChannelShuffle(layers.Layer):
    """Interleave the channels of the groups."""

    def __init__(self, groups, **options):
        super().__init__(**options)
        self.groups = groups

    def call(self, x):
        *places, channels = x.shape[1:]
        x = ops.reshape(x, (-1, *places, self.groups, channels // self.groups))
        return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *places, channels))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}
''',
    "PixelShuffle": '''
class PixelShuffle(layers.Layer):
    """Lay groups of channels out as space, on any number of axes."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        *places, channels = x.shape[1:]
        axes = len(places)
        left = channels // self.factor**axes
        x = ops.reshape(x, (-1, *places, left, *(self.factor,) * axes))
        # Each axis of space, then the axis of channels that is laid out along it.
        order = [place for axis in range(axes) for place in (1 + axis, 2 + axes + axis)]
        x = ops.transpose(x, (0, *order, 1 + axes))
        return ops.reshape(x, (-1, *(size * self.factor for size in places), left))

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}
''',
}

# -- how it is put together --------------------------------------------------------------------------


def calls_of(said: Call) -> list[Call]:
    """The layers that a call stands for."""
    return [argument.value for argument in said.arguments] if said.function == CHAIN else [said]


class File:
    """The text of the file: imports, own layers, a function for each template, and the model."""

    def __init__(self, graph: Graph, said: Mapping[int, Said]) -> None:
        self.graph = graph
        self.network = Identifiers(RESERVED).free((graph.name or "network").lower())
        self.layout = BlockLayout(graph, said, lambda name: identifier(name.lower()), (self.network, *RESERVED))
        # Every layer of a model has a name of its own: should joining by one underscore make two alike, by two.
        names = list(self.names(self.layout.top, ""))
        self.between = "_" if len(set(names)) == len(names) else "__"

    def names(self, block: CodeBlock, before: str) -> Iterator[str]:
        """The names of a block's layers, joined by one underscore."""
        for step in block.steps:
            if isinstance(step.said, CodeBlock):
                yield from self.names(step.said, f"{before}{step.name}_")
            elif isinstance(step.said, Call):
                yield from (f"{before}{name}" for name, _ in named_calls(step.name, step.said, "_"))

    def text(self) -> str:
        code = "\n\n".join([*(self.block(template) for template in self.layout.templates), self.model()])
        own = [text for name, text in OWN_LAYERS.items() if re.search(rf"\b{name}\(", code)]
        registered = [f"@keras.saving.register_keras_serializable(){text}" for text in own]
        imports = f"import keras\nfrom keras import layers{', ops' if own else ''}"
        return f'"""{heading(self.graph, "Keras")}"""\n\n{imports}\n\n\n' + "\n\n".join([*registered, code])

    def block(self, template: BlockTemplate) -> str:
        block = template.block
        parameters = [parameter.name for parameter in template.parameters]
        variables = self.layout.variables(block, (self.network, *RESERVED, *parameters))
        inputs = [variables[index] for index in block.inputs]
        return "\n".join(
            [
                f"def {template.name}({', '.join([*inputs, *parameters, 'name'])}):",
                f'    """{shapes_text(self.layout, block, str, template.copies)}"""',
                *self.lines(block, variables, template.names, f'f"{{{{name}}}}{self.between}{{}}"'),
                f"    return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )

    def model(self) -> str:
        top = self.layout.top
        variables = self.layout.variables(top, (self.network, *RESERVED))
        names = {index: identifier(self.graph.nodes[index].name) for index in top.inputs}
        alone = "inputs = " if len(names) == 1 else ""
        made = [
            f'    {alone}{variables[i]} = keras.Input({self.graph.nodes[i].shape.dims}, name="{names[i]}")'
            for i in names
        ]
        ends = [variables[index] for index in top.outputs]
        keep = [] if alone else [f"    inputs = {listed([variables[index] for index in top.inputs])}"]
        return "\n".join(
            [
                f"def {self.network}():",
                f'    """{shapes_text(self.layout, top, str)}"""',
                *made,
                *keep,
                *self.lines(top, variables, (), '"{}"'),
                f'    return keras.Model(inputs, {listed(ends)}, name="{self.network}")',
                "",
            ]
        )

    def lines(
        self, block: CodeBlock, variables: Mapping[int, str], names: Sequence[str | None], naming: str
    ) -> list[str]:
        """A line or more for each step; `naming` is how a step's name becomes its layer's."""
        lines: list[str] = []
        for step, said in zip(block.steps, self.layout.said(block, names), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.changes(step)
            comment = str(shape) if shape else ""
            if isinstance(said, Inline):
                lines.append(with_comment(f"    {results} = {inline_text(said, inputs)}", comment))
            elif isinstance(step.said, CodeBlock):
                its_name = named("name", Code(naming.format(step.name)))
                whole = call(said.function, *(at("x", Code(each)) for each in inputs), *said.arguments, its_name)
                lines += statement(f"{results} = ", whole, comment=comment, indent=" " * 4)
            else:
                lines += self.layers(step, said, inputs, results, comment, naming)
        return lines

    def layers(
        self, step: BlockStep, said: Call, inputs: list[str], results: str, comment: str, naming: str
    ) -> list[str]:
        lines: list[str] = []
        calls = named_calls(step.name, said, self.between)
        for place, (name, each) in enumerate(calls, 1):
            its = call(each.function, *each.arguments, named("name", Code(naming.format(name))))
            goes_in = listed(inputs) if each.function in MERGES else ", ".join(inputs)
            about = comment if place == len(calls) else ""
            lines += statement(f"{results} = ", its, f"({goes_in})", about, indent=" " * 4)
            inputs = [results]
        return lines


def named_calls(name: str, said: Call, between: str) -> list[tuple[str, Call]]:
    """The layers that a call stands for, by name: the last with weights has the name, those around it add to it."""
    calls = calls_of(said)
    main = max(range(len(calls)), key=lambda place: (not is_edge(calls[place]), place))
    return [(name if place == main else f"{name}{between}{suffix(each)}", each) for place, each in enumerate(calls)]


#: What no step or function may be called.
RESERVED = ("keras", "layers", "ops", "inputs", *OWN_LAYERS)

MERGES = ("layers.Add", "layers.Multiply", "layers.Concatenate")


def is_edge(said: Call) -> bool:
    """Whether a layer only pads or crops."""
    return "Padding" in said.function or "Cropping" in said.function


def suffix(said: Call) -> str:
    """What a layer that stands in front of another or behind it adds to that one's name."""
    return "depthwise" if not is_edge(said) else "pad" if "Padding" in said.function else "crop"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
