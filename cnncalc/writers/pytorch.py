"""PyTorch: a module for each block, and a network that strings them together.

PyTorch's tensors are channels first, so flatten and reshape take elements in that order, where the spec means channels
last: sizes and counts are the same, and so is what can be learnt. An avgpool's padding is zeros that count in the mean.
Padding that is not alike at both ends is a layer of its own in front.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.frameworks.notation import last_axis_first, one_or_each
from cnncalc.frameworks.pytorch import PYTORCH
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape, Window
from cnncalc.writers.blocks import BlockLayout, BlockStep, BlockTemplate, CodeBlock, file_docstring
from cnncalc.writers.code import (
    WIDTH,
    Call,
    Inline,
    LayerCode,
    RawCode,
    call,
    inline_text,
    layer_call,
    nested,
    positional,
    statement,
    with_comment,
)
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.identifiers import Identifiers, camel_case
from cnncalc.writers.runtime import classes, used_classes
from cnncalc.writers.windows import floored


def write(graph: Graph) -> str:
    """Return the graph as a Python file; raises `SpecError` E320 for what PyTorch has no equivalent of."""
    return PyTorchFile(graph, emitter.emit_all(graph.nodes)).text()


# -- layers ------------------------------------------------------------------------------------------


def module(row: Equivalent, node: Node, **values: Any) -> Call:
    """Return the module of a row; a flat vector has the modules of one axis."""
    return layer_call(row, node, max(node.input_shapes[0].rank, 1), **values)


def module_of(kind: str, node: Node, **values: Any) -> Call:
    return module(PYTORCH.equivalent(kind), node, **values)


def sequential(*calls: Call) -> Call:
    return nested("nn.Sequential", *calls)


emitter: Emitter[LayerCode] = Emitter(PYTORCH.title, PYTORCH, module)


def padded(x: Shape, windows: Sequence[Window], fill: str | None = None) -> tuple[list[Call], Any]:
    """Return what pads in front where the ends differ, and the padding that the layer itself does."""
    if all(window.begin == window.end for window in windows):
        return [], one_or_each([window.begin for window in windows])
    ends = positional("padding", last_axis_first([(window.begin, window.end) for window in windows]))
    if fill is None:
        return [call(f"nn.ZeroPad{x.rank}d", ends)], 0
    return [call(f"nn.ConstantPad{x.rank}d", ends, positional("value", RawCode(fill)))], 0


@emitter("conv", "dwconv")
def conv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    pads, padding = padded(x, layer.windows(x))
    return sequential(*pads, module_of(layer.kind, node, padding=padding))


@emitter("sepconv")
def sepconv(node: Node, layer: Any) -> Call:
    x, depth = node.input_shapes[0], node.input_shapes[0].channels * layer.multiplier
    pads, padding = padded(x, layer.windows(x))
    depthwise = module_of("dwconv", node, out_channels=depth, padding=padding, bias=False)
    once = {"kernel_size": 1, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
    return sequential(*pads, depthwise, module_of("conv", node, in_channels=depth, **once))


@emitter("deconv")
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
    values = {"padding": one_or_each(padding), "output_padding": one_or_each(extra)}
    crops = [call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(crop)))] if any(map(any, crop)) else []
    return sequential(module_of("deconv", node, **values), *crops)


@emitter("pool", "avgpool")
def pool(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    # Which windows are left out depends on where the padding begins: behind a layer that pads, there is no rounding up.
    alike = all(window.begin == window.end for window in layer.windows(x))
    windows, ceil = (layer.windows(x), layer.rounds_up) if alike else (floored(node, layer), False)
    pads, padding = padded(x, windows, 'float("-inf")' if layer.kind == "pool" else None)
    return sequential(*pads, module_of(layer.kind, node, padding=padding, ceil_mode=ceil))


@emitter("bn", "gn", "ln")
def norm(node: Node, layer: Any) -> Call:
    """A norm, its weight and bias as the layer has them; PyTorch has both or none."""
    x = node.input_shapes[0]
    result = module_of(layer.kind, node)
    if layer.kind == "ln" and x.rank:
        result = result._replace(function="ChannelNorm")
    if not layer.affine or layer.scale:
        return result
    without = [each._replace(value=False) if "affine" in each.name else each for each in result.arguments]
    channels, axes = positional("channels", x.channels, channels=True), positional("axes", x.rank)
    return sequential(Call(result.function, tuple(without)), call("Shift", channels, axes))


@emitter("instancenorm")
def instancenorm(node: Node, layer: Any) -> LayerCode:
    if prod(node.input_shapes[0].spatial) == 1:
        raise Unsupported("its instance norm needs more than one position", "leave it out: nothing is left of one")
    return norm(node, layer)


@emitter("lrn")
def lrn(node: Node, layer: Any) -> Call:
    if not node.input_shapes[0].rank:
        raise Unsupported("its local response norm needs spatial axes", "put it before the `fc` or `flatten`")
    return module_of("lrn", node)


@emitter("prelu")
def prelu(node: Node, layer: Any) -> Call:
    slopes = positional("num_parameters", node.input_shapes[0].channels, channels=True)
    return Call("nn.PReLU", () if layer.shared else (slopes,))


@emitter("upsample")
def upsample(node: Node, layer: Any) -> Call:
    smooth = {1: "linear", 2: "bilinear", 3: "trilinear"}[node.shape.rank]
    return module_of("upsample", node, mode=smooth if layer.mode == "bilinear" else "nearest")


@emitter("pixelshuffle", "pixelunshuffle")
def pixelshuffle(node: Node, layer: Any) -> Call:
    result = module_of(layer.kind, node)
    # PyTorch's own is for two axes; the class that goes along has its name.
    return result if node.shape.rank == 2 else result._replace(function=result.function.removeprefix("nn."))


@emitter("crop")
def crop(node: Node, layer: Any) -> Inline:
    arguments, slices = [], []
    for axis, (n, (begin, end)) in enumerate(zip(node.input_shapes[0].spatial, layer.amount.ends, strict=True)):
        arguments += [positional(f"start{axis}", begin), positional(f"stop{axis}", n - end)]
        slices.append(f"{{start{axis}}}:{{stop{axis}}}")
    return Inline(f"{{0}}[:, :, {', '.join(slices)}]", tuple(arguments))


@emitter("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[:, {start}:{stop}]", (positional("start", start), positional("stop", stop)))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> Inline:
    sizes = channels_first(node.shape)
    names = [f"size{axis}" for axis in range(len(sizes))]
    pattern = ", ".join(f"{{{name}}}" for name in names)
    return Inline(f"{{0}}.reshape(-1, {pattern})", tuple(map(positional, names, sizes)))


#: What is an expression in `forward` rather than a module.
EXPRESSIONS = {
    "flatten": Inline("torch.flatten({0}, 1)"),
    "add": Inline("{all}", between=" + "),
    "mul": Inline("{all}", between=" * "),
    "concat": Inline("torch.cat([{all}], dim=1)"),
}


@emitter(*EXPRESSIONS)
def expression(node: Node, layer: Any) -> Inline:
    return EXPRESSIONS[layer.kind]


def channels_first(shape: Shape) -> tuple[int, ...]:
    return (shape.channels, *shape.spatial)


# -- the file ----------------------------------------------------------------------------------------

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


class PyTorchFile:
    """The text of the file: imports, modules that PyTorch lacks, a class for each template, and the network."""

    def __init__(self, graph: Graph, code: Mapping[int, LayerCode]) -> None:
        self.graph = graph
        lacking = classes("pytorch")
        self.network = Identifiers(lacking).free(camel_case(graph.name or "network"))
        self.layout = BlockLayout(graph, code, camel_case, (self.network, *lacking), ATTRIBUTES)

    def text(self) -> str:
        modules = [self.module(each.name, each.block, each) for each in self.layout.templates]
        modules.append(self.module(self.network, self.layout.top))
        code = "\n\n".join(modules)
        code = "\n\n".join([*used_classes("pytorch", code), code])
        imports = "import torch\nfrom torch import nn" if "torch." in code else "from torch import nn"
        return f'"""{file_docstring(self.graph, PYTORCH.title)}"""\n\n{imports}\n\n\n{code}'

    def module(self, name: str, block: CodeBlock, template: BlockTemplate | None = None) -> str:
        """Return a class: its modules, then how a tensor goes through them."""
        variables = self.layout.variables(block)
        modules: list[str] = []
        forward: list[ForwardLine] = []
        kept: dict[str, None] = {}
        for step, code in zip(block.steps, self.layout.code(block, template.names if template else ()), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.new_shape(step)
            if isinstance(code, Inline):
                code, parameters_read = of_self(code)
                kept.update(dict.fromkeys(parameters_read))
                line = ForwardLine(results, inline_text(code, inputs), shape)
            else:
                modules += statement(f"self.{step.name} = ", code, indent=" " * 8)
                if forward and forward[-1].takes(step, self.layout):
                    forward[-1] = forward[-1].into(f"self.{step.name}", results)._replace(step=step)
                    continue
                line = ForwardLine(results, f"self.{step.name}({', '.join(inputs)})", shape, step)
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
                f'    """{self.layout.docstring(block, shape_text, template.copies if template else 1)}"""',
                "",
                *(begin if modules or kept else ()),
                f"    def forward({arguments}):",
                *(line.text() for line in forward),
                f"        return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )


class ForwardLine(NamedTuple):
    """A line of `forward`. Norms, activations and their like go round the module before them: `relu(bn(conv(x)))`."""

    results: str
    code: str
    shape: Shape | None
    step: BlockStep | None = None

    def takes(self, step: BlockStep, layout: BlockLayout) -> bool:
        """Whether the module of the next step can go round the code of this line."""
        if self.step is None or step.inputs != self.step.outputs or layout.reader_count(step.inputs[0]) > 1:
            return False
        return not layout.allocates(step) and len(self.text()) + len(step.name) + len("self.()") <= WIDTH

    def into(self, module: str, results: str) -> ForwardLine:
        return self._replace(results=results, code=f"{module}({self.code})")

    def text(self) -> str:
        return with_comment(f"        {self.results} = {self.code}", shape_text(self.shape) if self.shape else "")


def of_self(inline: Inline) -> tuple[Inline, list[str]]:
    """Return the expression with the parameters of its class read from the module, and those parameters."""
    parameters = [each.value.text for each in inline.arguments if isinstance(each.value, RawCode)]
    arguments = [
        each._replace(value=RawCode(f"self.{each.value.text}")) if isinstance(each.value, RawCode) else each
        for each in inline.arguments
    ]
    return inline._replace(arguments=tuple(arguments)), parameters


def shape_text(shape: Shape) -> str:
    return "x".join(map(str, channels_first(shape)))
