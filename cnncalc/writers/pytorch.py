"""PyTorch: a module for each block, and a network that connects them.

PyTorch's tensors are channels first, the spec's are channels last. A flatten before fully connected layers uses
PyTorch's element order, which is the layout of their weights; any other flatten and a reshape use the spec's. Padding
that PyTorch's layer does not support is a separate layer; an average pool's is left out of the mean unless `countpad`.
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
    CallArgument,
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
from cnncalc.writers.order import flattens_by_place, has_order
from cnncalc.writers.runtime import classes, used_classes
from cnncalc.writers.windows import ends_of, floored, mean_padding


def write(graph: Graph) -> str:
    """Return the graph as a Python file; raises `SpecError` E320 for a layer that PyTorch has no equivalent of."""
    code = emitter.emit_all(graph.nodes)
    code.update(dict.fromkeys(flattens_by_place(graph), FLATTEN_BY_PLACE))
    for node in graph.nodes:
        made = code.get(node.index)
        if node.layer.frozen and isinstance(made, Call):
            code[node.index] = made._replace(suffix=".requires_grad_(False)")
    return PyTorchFile(graph, code).text()


# -- layers ------------------------------------------------------------------------------------------


def module(row: Equivalent, node: Node, **values: Any) -> Call:
    """Return the module of a row; a flat vector uses the modules of one axis."""
    return layer_call(row, node, max(node.input_shapes[0].rank, 1), **values)


def module_of(kind: str, node: Node, **values: Any) -> Call:
    return module(PYTORCH.equivalent(kind), node, **values)


def sequential(*calls: Call) -> Call:
    return nested("nn.Sequential", *calls)


emitter: Emitter[LayerCode] = Emitter(PYTORCH.title, PYTORCH, module)


def padded(x: Shape, windows: Sequence[Window]) -> tuple[list[Call], Any]:
    """Return the module that pads with zeros before a layer if the ends differ, and the padding of the layer itself."""
    if all(window.begin == window.end for window in windows):
        return [], one_or_each([window.begin for window in windows])
    return [call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(ends_of(windows))))], 0


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
    own = own_padding(node, layer)
    if own is not None:
        padding, ceil = own
        # Where nothing is padded, what counts is said by no argument.
        counts = {"count_include_pad": layer.countpad or not any(padding)} if layer.kind == "avgpool" else {}
        return module_of(layer.kind, node, padding=one_or_each(padding), ceil_mode=ceil, **counts)
    x = node.input_shapes[0]
    alone: dict[str, Any] = {"padding": 0, "ceil_mode": False}
    if layer.kind == "pool":
        ends = positional("padding", last_axis_first(ends_of(floored(node, layer))))
        pad = call(f"nn.ConstantPad{x.rank}d", ends, positional("value", RawCode('float("-inf")')))
        return sequential(pad, module_of("pool", node, **alone))
    mean = mean_padding(node, layer)
    bare = module_of("avgpool", node, **alone, count_include_pad=True)
    if mean.all_counts:
        return sequential(call(f"nn.ZeroPad{x.rank}d", positional("padding", last_axis_first(mean.padding))), bare)
    return call(
        "PaddedMean",
        positional("pool", bare),
        positional("padding", last_axis_first(mean.padding)),
        positional("counted", last_axis_first(mean.counted)),
    )


def own_padding(node: Node, layer: Any) -> tuple[list[int], bool] | None:
    """Return the padding and the rounding of PyTorch's pool with the same windows; None if there is no such pool.

    Its padding is equal at both ends, and at most half of its taps. Padding at the end does not change a maximum, nor
    a mean that leaves padding out: there, the end may also be the part of the last window past the input.
    """
    x = node.input_shapes[0]
    windows = layer.windows(x)
    if any(2 * window.begin > window.kernel for window in windows):
        return None
    if layer.kind == "avgpool" and x.rank == 3 and any(n < w.kernel for n, w in zip(x.spatial, windows, strict=True)):
        return None
    begins = [window.begin for window in windows]
    if all(window.begin == window.end for window in windows):
        return begins, layer.rounds_up
    if layer.kind == "avgpool" and layer.countpad:
        return None
    for ceil in (False, True):
        alike = [window._replace(end=window.begin, ceil=ceil) for window in windows]
        if tuple([window.size(n) for window, n in zip(alike, x.spatial, strict=True)]) == node.shape.spatial:
            return begins, ceil
    return None


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> Call:
    if layer.biases == 1:
        raise Unsupported("its recurrent layers have two biases or none", "write `biases=2` or `nobias`")
    return call("Recurrent", positional("layer", module_of(layer.kind, node)), CallArgument("last", layer.last, False))


@emitter("convlstm")
def convlstm(node: Node, layer: Any) -> Call:
    frame = layer.frame(node.input_shapes[0])
    frames, state = layer.input_conv(), layer.state_conv()
    pads, padding = padded(frame, frames.windows(frame))
    # Sizes are those of a step: the convolutions have an axis less than the node.
    step = node._replace(input_shapes=(frame,), shape=frames.output(frame))
    hidden = Shape(step.shape.spatial, layer.filters)
    back = node._replace(input_shapes=(hidden,), shape=state.output(hidden))
    return call(
        "ConvLSTM",
        positional("frames", sequential(*pads, module_of("conv", step._replace(layer=frames), padding=padding))),
        positional("state", module_of("conv", back._replace(layer=state))),
        CallArgument("last", layer.last, False),
    )


@emitter("fc")
def fc(node: Node, layer: Any) -> Call:
    result = module_of("fc", node)
    return result._replace(function="ChannelLinear") if node.input_shapes[0].rank else result


@emitter("ln")
def layer_norm(node: Node, layer: Any) -> LayerCode:
    x = node.input_shapes[0]
    if not layer.all or not x.rank:
        return norm(node, layer)
    if layer.affine and not layer.scale:
        raise Unsupported("its layer norm has a weight wherever it has a bias", "drop `noscale`, or write `noaffine`")
    return module_of("ln", node, normalized_shape=channels_first(x))


@emitter("bn", "gn")
def norm(node: Node, layer: Any) -> Call:
    """Return a norm with the layer's weight and bias; PyTorch has both or none."""
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


@emitter("upsample", "resize")
def upsample(node: Node, layer: Any) -> Call:
    smooth = {1: "linear", 2: "bilinear", 3: "trilinear"}[node.shape.rank]
    return module_of(layer.kind, node, mode=smooth if layer.mode == "bilinear" else "nearest")


@emitter("pixelshuffle", "pixelunshuffle")
def pixelshuffle(node: Node, layer: Any) -> Call:
    result = module_of(layer.kind, node)
    # PyTorch's own supports two axes; the copied class has its name.
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
    x, y = node.input_shapes[0], node.shape
    # Elements keep the language's order, channels last, where that is another one than channels first.
    pattern = "{0}.movedim(1, -1)" if has_order(x) else "{0}"
    arguments = []
    if has_order(y):
        pattern += ".reshape(-1, {places}, {channels}).transpose(1, 2)"
        arguments = [positional("places", prod(y.spatial)), positional("channels", y.channels)]
    if not has_order(y) or y.rank > 1:
        names = [f"size{axis}" for axis in range(len(y.dims))]
        pattern += f".reshape(-1, {', '.join(f'{{{name}}}' for name in names)})"
        arguments += map(positional, names, channels_first(y))
    return Inline(pattern, tuple(arguments))


#: What is an expression in `forward` rather than a module.
EXPRESSIONS = {
    "flatten": Inline("torch.flatten({0}, 1)"),
    "add": Inline("{all}", between=" + "),
    "mul": Inline("{all}", between=" * "),
}


#: A flatten whose order is seen by more than fully connected layers: the language's, channels last.
FLATTEN_BY_PLACE = Inline("torch.flatten({0}.movedim(1, -1), 1)")


@emitter(*EXPRESSIONS)
def expression(node: Node, layer: Any) -> Inline:
    return EXPRESSIONS[layer.kind]


@emitter("concat")
def concat(node: Node, layer: Any) -> Inline:
    axis = layer.joined(node.shape.rank)
    return Inline(f"torch.cat([{{all}}], dim={1 if axis == node.shape.rank else axis + 2})")


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
        """Return a class: its modules, and its `forward`."""
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
    """A line of `forward`. Norms, activations and similar layers wrap the module before them: `relu(bn(conv(x)))`."""

    results: str
    code: str
    shape: Shape | None
    step: BlockStep | None = None

    def takes(self, step: BlockStep, layout: BlockLayout) -> bool:
        """Return whether the module of the next step can wrap the code of this line."""
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
