"""PyTorch: a module for each block, and a network that strings them together.

PyTorch's tensors are channels first, so flatten and reshape take elements in that order, where the spec
means channels last: sizes and counts are the same, and so is what can be learnt. An avgpool's padding is
zeros that count in the mean. Padding that is not alike at both ends is a layer of its own in front.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape, Window
from cnncalc.writers.blocks import (
    BlockLayout,
    BlockStep,
    BlockTemplate,
    CodeBlock,
    Identifiers,
    camel,
    heading,
    shapes_text,
)
from cnncalc.writers.code import (
    WIDTH,
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

says: Emitter[Said] = Emitter("PyTorch")


def write(graph: Graph) -> str:
    """The graph as a Python file; raises `SpecError` E320 for what PyTorch cannot say."""
    return File(graph, says.emit_all(graph.nodes)).text()


# -- what is said ------------------------------------------------------------------------------------


def per_axis(name: str, x: Shape) -> str:
    """`nn.Conv` on two axes is `nn.Conv2d`."""
    return f"nn.{name}{max(x.rank, 1)}d"


def flat_ends(ends: Sequence[tuple[int, int]]) -> tuple[int, ...]:
    """Begin and end of each axis as PyTorch's padding takes them: the last axis first."""
    return tuple(number for pair in reversed(ends) for number in pair)


def padded(x: Shape, windows: Sequence[Window], fill: str | None = None) -> tuple[list[Call], Any]:
    """What pads in front where the ends differ, and the padding that the layer itself does."""
    if all(window.begin == window.end for window in windows):
        return [], one([window.begin for window in windows])
    ends = at("padding", flat_ends([(window.begin, window.end) for window in windows]))
    if fill is None:
        return [call(per_axis("ZeroPad", x), ends)], 0
    return [call(per_axis("ConstantPad", x), ends, at("value", Code(fill)))], 0


@says("conv", "dwconv")
def conv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    pads, padding = padded(x, layer.windows(x))
    own = node.layer.kind == "conv"
    groups = named("groups", layer.groups, 1) if own else Argument("groups", x.channels, 1, channels=True)
    return in_a_row("nn.Sequential", *pads, convolution(layer, x, node.shape.channels, padding, groups, layer.bias))


@says("sepconv")
def sepconv(node: Node, layer: Any) -> Call:
    x, depth = node.input_shapes[0], node.input_shapes[0].channels * layer.multiplier
    pads, padding = padded(x, layer.windows(x))
    groups = Argument("groups", x.channels, 1, channels=True)
    pointwise = call(
        per_axis("Conv", x),
        channels("in_channels", depth),
        channels("out_channels", layer.filters),
        at("kernel_size", 1),
        named("bias", layer.bias, True),
    )
    return in_a_row("nn.Sequential", *pads, convolution(layer, x, depth, padding, groups, False), pointwise)


def convolution(layer: Any, x: Shape, filters: int, padding: Any, groups: Argument, bias: bool) -> Call:
    return call(
        per_axis("Conv", x),
        channels("in_channels", x.channels),
        channels("out_channels", filters),
        at("kernel_size", one(layer.kernel)),
        named("stride", one(layer.stride), 1),
        named("padding", padding, 0),
        named("dilation", one(layer.dilation), 1),
        groups,
        named("bias", bias, True),
    )


@says("deconv")
def deconv(node: Node, layer: Any) -> Call:
    # PyTorch crops both ends alike; what is to go beyond that is cropped behind it, what is to stay is
    # output padding.
    x = node.input_shapes[0]
    padding, extra, crop = [], [], []
    for window, more in zip(layer.windows(x), layer.output_padding, strict=True):
        alike = max(min(window.begin, window.end), 0)
        begin, end = window.begin - alike, window.end - alike - more
        padding.append(alike)
        extra.append(max(-end, 0))
        crop.append((-begin, -max(end, 0)))
    transposed = call(
        per_axis("ConvTranspose", x),
        channels("in_channels", x.channels),
        channels("out_channels", layer.filters),
        at("kernel_size", one(layer.kernel)),
        named("stride", one(layer.stride), 1),
        named("padding", one(padding), 0),
        named("output_padding", one(extra), 0),
        named("groups", layer.groups, 1),
        named("bias", layer.bias, True),
        named("dilation", one(layer.dilation), 1),
    )
    if not any(map(any, crop)):
        return transposed
    return in_a_row("nn.Sequential", transposed, call(per_axis("ZeroPad", x), at("padding", flat_ends(crop))))


@says("pool", "avgpool")
def pool(node: Node, layer: Any) -> Call:
    x, largest = node.input_shapes[0], node.layer.kind == "pool"
    # Which windows are left out depends on where the padding begins: behind a layer that pads, there is no rounding up.
    alike = all(window.begin == window.end for window in layer.windows(x))
    windows, ceil = (layer.windows(x), layer.rounds_up) if alike else (floored(node, layer), False)
    pads, padding = padded(x, windows, 'float("-inf")' if largest else None)
    arguments = [
        at("kernel_size", one(layer.kernel)),
        named("stride", one(layer.stride), one(layer.kernel)),
        named("padding", padding, 0),
        named("ceil_mode", ceil, False),
    ]
    if largest:
        arguments.append(named("dilation", one(layer.dilation), 1))
    return in_a_row("nn.Sequential", *pads, call(per_axis("MaxPool" if largest else "AvgPool", x), *arguments))


@says("gap", "gmp", "adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> Call:
    name = "AdaptiveMaxPool" if node.layer.kind in ("gmp", "adaptivemaxpool") else "AdaptiveAvgPool"
    return call(per_axis(name, node.input_shapes[0]), at("output_size", one(node.shape.spatial)))


@says("fc")
def fc(node: Node, layer: Any) -> Call:
    return call(
        "nn.Linear",
        channels("in_features", node.input_shapes[0].channels),
        channels("out_features", layer.units),
        named("bias", layer.bias, True),
    )


@says("bn", "instancenorm")
def norm(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    batch = node.layer.kind == "bn"
    if not batch and prod(x.spatial) == 1:
        raise Unsupported("its instance norm needs more than one place", "leave it out: of one place nothing is left")
    name, affine = ("BatchNorm", True) if batch else ("InstanceNorm", False)
    return affine_norm(per_axis(name, x), x, layer, [channels("num_features", x.channels)], "affine", affine)


@says("ln")
def ln(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    name = "ChannelNorm" if x.rank else "nn.LayerNorm"
    return affine_norm(name, x, layer, [channels("normalized_shape", x.channels)], "elementwise_affine", True)


@says("gn")
def gn(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    arguments = [at("num_groups", layer.groups), channels("num_channels", x.channels)]
    return affine_norm("nn.GroupNorm", x, layer, arguments, "affine", True)


def affine_norm(name: str, x: Shape, layer: Any, arguments: list[Argument], affine: str, default: bool) -> Call:
    """A norm, its weight and bias as the layer has them; PyTorch has both or none."""
    if layer.affine and not layer.scale:
        shift = call("Shift", channels("channels", x.channels), at("axes", x.rank))
        return in_a_row("nn.Sequential", call(name, *arguments, named(affine, False, default)), shift)
    return call(name, *arguments, named(affine, layer.affine, default))


@says("lrn")
def lrn(node: Node, layer: Any) -> Call:
    if not node.input_shapes[0].rank:
        raise Unsupported("its local response norm needs spatial axes", "put it before the `fc` or `flatten`")
    return call("nn.LocalResponseNorm", at("size", layer.size))


@says("scale")
def scale(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    return call("Scale", channels("channels", x.channels), at("axes", x.rank), named("bias", layer.bias, False))


#: Activations without arguments.
ACTIVATIONS = {
    "relu": "ReLU", "relu6": "ReLU6", "selu": "SELU", "celu": "CELU", "gelu": "GELU", "silu": "SiLU", "mish": "Mish",
    "sigmoid": "Sigmoid", "hardsigmoid": "Hardsigmoid", "hardswish": "Hardswish", "tanh": "Tanh",
    "hardtanh": "Hardtanh", "softplus": "Softplus", "softsign": "Softsign", "identity": "Identity",
}  # fmt: skip


@says(*ACTIVATIONS)
def activation(node: Node, layer: Any) -> Call:
    return call(f"nn.{ACTIVATIONS[node.layer.kind]}")


@says("softmax", "logsoftmax")
def softmax(node: Node, layer: Any) -> Call:
    return call("nn.Softmax" if node.layer.kind == "softmax" else "nn.LogSoftmax", Argument("dim", 1))


@says("leakyrelu")
def leakyrelu(node: Node, layer: Any) -> Call:
    return call("nn.LeakyReLU", named("negative_slope", layer.slope, 0.01))


@says("elu")
def elu(node: Node, layer: Any) -> Call:
    return call("nn.ELU", named("alpha", layer.alpha, 1))


@says("prelu")
def prelu(node: Node, layer: Any) -> Call:
    if layer.shared:
        return call("nn.PReLU")
    return call("nn.PReLU", channels("num_parameters", node.input_shapes[0].channels))


@says("dropout")
def dropout(node: Node, layer: Any) -> Call:
    return call("nn.Dropout", at("p", layer.rate))


@says("droppath")
def droppath(node: Node, layer: Any) -> Call:
    return call("DropPath", at("rate", layer.rate))


@says("upsample")
def upsample(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    factor = one(layer.factor)
    smooth = {1: "linear", 2: "bilinear", 3: "trilinear"}[x.rank]
    mode = smooth if layer.mode == "bilinear" else "nearest"
    return call("nn.Upsample", named("scale_factor", factor), named("mode", mode, "nearest"))


@says("pixelshuffle")
def pixelshuffle(node: Node, layer: Any) -> Call:
    name = "nn.PixelShuffle" if node.input_shapes[0].rank == 2 else "PixelShuffle"
    return call(name, at("upscale_factor", layer.factor))


@says("shuffle")
def shuffle(node: Node, layer: Any) -> Call:
    return call("ChannelShuffle", at("groups", layer.groups))


@says("pad")
def pad(node: Node, layer: Any) -> Call:
    return call(per_axis("ZeroPad", node.input_shapes[0]), at("padding", flat_ends(layer.amount.ends)))


@says("crop")
def crop(node: Node, layer: Any) -> Inline:
    x = node.input_shapes[0]
    arguments, slices = [], []
    for axis, (n, (begin, end)) in enumerate(zip(x.spatial, layer.amount.ends, strict=True)):
        arguments += [at(f"start{axis}", begin), at(f"stop{axis}", n - end)]
        slices.append(f"{{start{axis}}}:{{stop{axis}}}")
    return Inline(f"{{0}}[:, :, {', '.join(slices)}]", tuple(arguments))


@says("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[:, {start}:{stop}]", (at("start", start), at("stop", stop)))


@says("flatten")
def flatten(node: Node, layer: Any) -> Inline:
    return Inline("torch.flatten({0}, 1)")


@says("reshape")
def reshape(node: Node, layer: Any) -> Inline:
    sizes = channels_first(node.shape)
    names = [f"size{axis}" for axis in range(len(sizes))]
    pattern = ", ".join(f"{{{name}}}" for name in names)
    return Inline(f"{{0}}.reshape(-1, {pattern})", tuple(map(at, names, sizes)))


@says("add")
def add(node: Node, layer: Any) -> Inline:
    return Inline("{all}", between=" + ")


@says("mul")
def mul(node: Node, layer: Any) -> Inline:
    return Inline("{all}", between=" * ")


@says("concat")
def concat(node: Node, layer: Any) -> Inline:
    return Inline("torch.cat([{all}], dim=1)")


def channels_first(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)


#: Modules that PyTorch lacks, written in front where they are used.
OWN_MODULES = {
    "ChannelNorm": '''
class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)
''',
    "Scale": '''
class Scale(nn.Module):
    """Multiply each channel by a weight of its own, and add a bias where there is one."""

    def __init__(self, channels, axes, bias=False):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, *(1,) * axes))
        self.bias = nn.Parameter(torch.zeros(channels, *(1,) * axes)) if bias else None

    def forward(self, x):
        x = x * self.weight
        return x if self.bias is None else x + self.bias
''',
    "Shift": '''
class Shift(nn.Module):
    """Add a bias to each channel."""

    def __init__(self, channels, axes):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, *(1,) * axes))

    def forward(self, x):
        return x + self.bias
''',
    "DropPath": '''
class DropPath(nn.Module):
    """In training, drop whole samples of a branch, and scale the others up for it."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(len(x), *(1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * keep / (1 - self.rate)
''',
    "ChannelShuffle": '''
class ChannelShuffle(nn.Module):
    """Interleave the channels of the groups."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)
''',
    "PixelShuffle": '''
class PixelShuffle(nn.Module):
    """Lay groups of channels out as space, on any number of axes."""

    def __init__(self, upscale_factor):
        super().__init__()
        self.factor = upscale_factor

    def forward(self, x):
        axes = x.dim() - 2
        x = x.unflatten(1, (-1, *(self.factor,) * axes))
        # Each axis of space, then the axis of channels that is laid out along it.
        order = [place for axis in range(axes) for place in (2 + axes + axis, 2 + axis)]
        x = x.permute(0, 1, *order)
        for axis in range(axes):
            x = x.flatten(2 + axis, 3 + axis)
        return x
''',
}

# -- how it is put together --------------------------------------------------------------------------

#: Attributes of every `nn.Module`, which a layer must not hide.
ATTRIBUTES = (
    "T_destination", "add_module", "apply", "bfloat16", "buffers", "call_super_init", "children", "compile", "cpu",
    "cuda", "double", "dump_patches", "eval", "extra_repr", "float", "forward", "get_buffer", "get_extra_state",
    "get_parameter", "get_submodule", "half", "ipu", "load_state_dict", "modules", "mtia", "named_buffers",
    "named_children", "named_modules", "named_parameters", "parameters", "register_backward_hook", "register_buffer",
    "register_forward_hook", "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook", "register_load_state_dict_pre_hook",
    "register_module", "register_parameter", "register_state_dict_post_hook", "register_state_dict_pre_hook",
    "requires_grad_", "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty", "train",
    "training", "type", "xpu", "zero_grad",
)  # fmt: skip


class File:
    """The text of the file: imports, own modules, a class for each template, and the network."""

    def __init__(self, graph: Graph, said: Mapping[int, Said]) -> None:
        self.graph = graph
        self.network = Identifiers(OWN_MODULES).free(camel(graph.name or "network"))
        self.layout = BlockLayout(graph, said, camel, (self.network, *OWN_MODULES), ATTRIBUTES)

    def text(self) -> str:
        classes = [self.template(template) for template in self.layout.templates]
        classes.append(self.module(self.network, self.layout.top))
        code = "\n\n".join(classes)
        own = "\n\n".join(text.lstrip() for name, text in OWN_MODULES.items() if re.search(rf"\b(?<!\.){name}\(", code))
        code = f"{own}\n\n{code}" if own else code
        imports = "import torch\nfrom torch import nn" if "torch." in code else "from torch import nn"
        return f'"""{heading(self.graph, "PyTorch")}"""\n\n{imports}\n\n\n{code}'

    def template(self, template: BlockTemplate) -> str:
        return self.module(template.name, template.block, template)

    def module(self, name: str, block: CodeBlock, template: BlockTemplate | None = None) -> str:
        """A class: its modules, then how a tensor goes through them."""
        variables = self.layout.variables(block)
        modules: list[str] = []
        forward: list[Line] = []
        kept: dict[str, None] = {}
        for step, said in zip(block.steps, self.layout.said(block, template.names if template else ()), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.changes(step)
            if isinstance(said, Inline):
                said, held = of_self(said)
                kept.update(dict.fromkeys(held))
                line = Line(results, inline_text(said, inputs), shape)
            else:
                modules += statement(f"self.{step.name} = ", said, indent=" " * 8)
                if forward and forward[-1].takes(step, self.layout):
                    forward[-1] = forward[-1].into(f"self.{step.name}", results, step)
                    continue
                line = Line(results, f"self.{step.name}({', '.join(inputs)})", shape, step)
            forward.append(line)
        parameters = [parameter.name for parameter in template.parameters] if template else []
        begin = [
            f"    def __init__({', '.join(('self', *parameters))}):",
            "        super().__init__()",
            *(f"        self.{each} = {each}" for each in kept),
            *modules,
            "",
        ]
        arguments = ", ".join(("self", *(variables[index] for index in block.inputs)))
        return "\n".join(
            [
                f"class {name}(nn.Module):",
                f'    """{shapes_text(self.layout, block, shape_text, template.copies if template else 1)}"""',
                "",
                *(begin if modules or kept else ()),
                f"    def forward({arguments}):",
                *(line.text() for line in forward),
                f"        return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )


class Line(NamedTuple):
    """A line of `forward`. Norms, activations and their like go round the module before them: `relu(bn(conv(x)))`."""

    results: str
    code: str
    shape: Shape | None
    step: BlockStep | None = None

    def takes(self, step: BlockStep, layout: BlockLayout) -> bool:
        """Whether the module of the next step can go round this line's."""
        if self.step is None or step.inputs != self.step.outputs or layout.readers(step.inputs[0]) > 1:
            return False
        return not layout.makes_own(step) and len(self.text()) + len(step.name) + len("self.()") <= WIDTH

    def into(self, module: str, results: str, step: BlockStep) -> Line:
        return Line(results, f"{module}({self.code})", self.shape, step)

    def text(self) -> str:
        return with_comment(f"        {self.results} = {self.code}", shape_text(self.shape) if self.shape else "")


def of_self(inline: Inline) -> tuple[Inline, list[str]]:
    """The expression with the parameters of its class read from the module, and those parameters."""
    held = [argument.value.text for argument in inline.arguments if isinstance(argument.value, Code)]
    arguments = [
        argument._replace(value=Code(f"self.{argument.value.text}")) if isinstance(argument.value, Code) else argument
        for argument in inline.arguments
    ]
    return inline._replace(arguments=tuple(arguments)), held


def shape_text(shape: Shape) -> str:
    return "x".join(map(str, channels_first(shape)))
