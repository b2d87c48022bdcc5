"""Keras 3: a functional model, with a function for each block.

Keras's tensors are channels last, as the spec's are, so the element order is the same in every layer. Its `same` is
the language's; all other padding is a separate layer. A max pool is padded with a value that is never the maximum
(zeros, if nothing is negative); an average pool's padding is left out of the mean unless `countpad`. A norm's epsilon
is 1e-5.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cnncalc.frameworks.keras import EPSILON, KERAS
from cnncalc.frameworks.notation import axis_by_axis, one_or_each
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape
from cnncalc.writers.blocks import BlockLayout, BlockStep, BlockTemplate, CodeBlock, file_docstring
from cnncalc.writers.code import (
    Call,
    CallArgument,
    Inline,
    LayerCode,
    RawCode,
    call,
    inline_text,
    keyword,
    layer_call,
    nested,
    positional,
    statement,
    with_comment,
)
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.identifiers import Identifiers, identifier
from cnncalc.writers.runtime import classes, used_classes
from cnncalc.writers.windows import end_and_output_padding, ends_of, floored, mean_padding


def write(graph: Graph) -> str:
    """Return the graph as a Python file; raises `SpecError` E320 for a layer that Keras has no equivalent of."""
    code = emitter.emit_all(graph.nodes)
    for node in graph.nodes:
        if node.layer.kind == "pool" and graph.nodes[node.inputs[0]].layer.kind in NEVER_NEGATIVE:
            code[node.index] = padded_with_zeros(code[node.index], node.input_shapes[0])
    for node in graph.nodes:
        made = code.get(node.index)
        if node.layer.frozen and isinstance(made, Call):
            code[node.index] = frozen(made)
    return KerasFile(graph, code).text()


# -- layers ------------------------------------------------------------------------------------------

#: The function of a call that stands for several layers, one behind the other.
CHAIN = ""


def chain(*calls: Call) -> Call:
    return nested(CHAIN, *calls)


def frozen(code: Call) -> Call:
    """Return the layer, or each of a chain, with its weights kept from training."""
    if code.function != CHAIN:
        return code._replace(arguments=(*code.arguments, CallArgument("trainable", False, True)))
    return code._replace(arguments=tuple([each._replace(value=frozen(each.value)) for each in code.arguments]))


def layer_of_row(row: Equivalent, node: Node, **values: Any) -> Call:
    return layer_call(row, node, node.input_shapes[0].rank, **values)


def layer_of(kind: str, node: Node, **values: Any) -> Call:
    return layer_of_row(KERAS.equivalent(kind), node, **values)


emitter: Emitter[LayerCode] = Emitter(KERAS.title, KERAS, layer_of_row)


def edges(kind: str, x: Shape, ends: Sequence[tuple[int, int]]) -> list[Call]:
    """Return the layers that pad with zeros (`pad`) or crop (`crop`), if there is anything to pad or crop."""
    name = KERAS.equivalent(kind).name(x.rank)
    return [call(name, positional("padding", axis_by_axis(ends)))] if any(map(any, ends)) else []


def is_same(x: Shape, layer: Any) -> bool:
    """Return whether the padding is `same`, or equal to it for every size at stride 1."""
    if layer.padding.mode == "same" or max(layer.stride) > 1:
        return bool(layer.padding.mode == "same")
    extents = [window.extent - 1 for window in layer.windows(x)]
    same = [(extent // 2, extent - extent // 2) for extent in extents]
    return ends_of(layer.windows(x)) == same and any(extents)


def padded(x: Shape, layer: Any) -> tuple[list[Call], str]:
    """Return the layers that pad before a layer, and the padding rule of the layer itself."""
    if is_same(x, layer):
        return [], "same"
    return edges("pad", x, ends_of(layer.windows(x))), "valid"


def dilation_of(layer: Any) -> int | tuple[int, ...]:
    """Return the dilation; raises `Unsupported` together with a stride, which no layer of Keras supports."""
    # Of one tap, the distance to the next means nothing.
    dilation = [d if k > 1 else 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)]
    if max(layer.stride) > 1 and max(dilation) > 1:
        raise Unsupported("its convolutions have a stride or a dilation, not both", "drop one of them")
    same: int | tuple[int, ...] = one_or_each(dilation)
    return same


@emitter("conv", "dwconv", "sepconv")
def conv(node: Node, layer: Any) -> Call:
    if layer.kind != "conv" and not has_own_depthwise(node.input_shapes[0], layer):
        return grouped(node, layer)
    pads, padding = padded(node.input_shapes[0], layer)
    if layer.kind == "conv" and layer.padding.mode == "causal":
        pads, padding = [], "causal"
    return chain(*pads, layer_of(layer.kind, node, padding=padding, dilation_rate=dilation_of(layer)))


def has_own_depthwise(x: Shape, layer: Any) -> bool:
    """Return whether Keras has this depthwise layer: on one or two axes, with equal strides."""
    return x.rank < 3 and len(set(layer.stride)) == 1


def grouped(node: Node, layer: Any) -> Call:
    """Return a depthwise or separable convolution with a group for each channel."""
    x, pointwise = node.input_shapes[0], []
    bias = {"use_bias": layer.bias}
    if layer.kind == "sepconv":
        once = {"kernel_size": 1, "strides": 1, "padding": "valid", "dilation_rate": 1, "groups": 1}
        pointwise, bias = [layer_of("conv", node, **once)], {"use_bias": False}
    pads, padding = padded(x, layer)
    filters, groups = x.channels * layer.multiplier, x.channels
    values = {"padding": padding, "dilation_rate": dilation_of(layer), "filters": filters, "groups": groups}
    depthwise = layer_of("conv", node, **values, **bias)
    arguments = [each._replace(channels=True) if each.name == "groups" else each for each in depthwise.arguments]
    return chain(*pads, Call(depthwise.function, tuple(arguments)), *pointwise)


@emitter("deconv")
def deconv(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    if layer.groups > 1:
        raise Unsupported("its transposed convolutions have no groups", "use one group")
    # A transposed convolution without padding, and what is over cropped behind it: the rule itself. Where the
    # kernel is smaller than its stride, what is to be added is output padding.
    windows = layer.windows(x)
    cropped, extra = end_and_output_padding(layer, windows)
    ends = [(window.begin, end) for window, end in zip(windows, cropped, strict=True)]
    same = layer.padding.mode == "same" and not any(layer.output_padding)
    if same:
        extra, ends = [0] * x.rank, [(0, 0)] * x.rank
    if any(more >= stride for more, stride in zip(extra, layer.stride, strict=True)):
        raise Unsupported("its output padding is below the stride", "drop it, and add rows with `pad`")
    short = any(window.extent < window.stride for window in windows)
    values = {
        "padding": "same" if same else "valid",
        "output_padding": one_or_each(extra) if any(extra) or (short and not same) else None,
        "dilation_rate": dilation_of(layer),
    }
    return chain(layer_of("deconv", node, **values), *edges("crop", x, ends))


@emitter("pool")
def pool(node: Node, layer: Any) -> Call:
    if any(d > 1 and k > 1 for d, k in zip(layer.dilation, layer.kernel, strict=True)):
        raise Unsupported("its pools have no dilation", "drop it")
    ends = ends_of(floored(node, layer))
    same = is_same(node.input_shapes[0], layer) and not layer.rounds_up
    pads = [] if same or not any(map(any, ends)) else [call("MaxPadding", positional("padding", tuple(ends)))]
    return chain(*pads, layer_of("pool", node, padding="same" if same else "valid"))


@emitter("avgpool")
def avgpool(node: Node, layer: Any) -> Call:
    x = node.input_shapes[0]
    padding, counted = mean = mean_padding(node, layer)
    if mean.all_counts:
        return chain(*edges("pad", x, padding), layer_of("avgpool", node, padding="valid"))
    # Where the ends differ, or a window is wider than its axis, not all of Keras's backends take the mean by that rule.
    alike = all(begin == end for begin, end in padding)
    alike = alike and all(n >= kernel for n, kernel in zip(x.spatial, layer.kernel, strict=True))
    if alike and is_same(x, layer) and not layer.rounds_up and not layer.countpad:
        return layer_of("avgpool", node, padding="same")
    window = [positional("pool_size", tuple(layer.kernel)), positional("strides", tuple(layer.stride))]
    return call("PaddedMean", *window, positional("padding", tuple(padding)), positional("counted", tuple(counted)))


#: Behind these, no maximum tells zeros from minus infinity, and Keras has a layer for zeros.
NEVER_NEGATIVE = ("relu", "relu6", "sigmoid", "hardsigmoid", "softplus", "softmax")


def padded_with_zeros(code: LayerCode, x: Shape) -> LayerCode:
    """Return a max pool with a layer before it that pads with zeros."""
    calls = calls_of(code) if isinstance(code, Call) else []
    if len(calls) < 2:
        return code
    (padding,) = calls[0].arguments
    return chain(*edges("pad", x, padding.value), calls[-1])


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> Call:
    values: dict[str, Any] = {}
    if layer.kind == "gru":
        # Where a gate resets the state before its product, there is one bias for both.
        values["reset_after"] = None if layer.biases != 1 else False
    elif layer.biases == 2:
        name = KERAS.equivalent(layer.kind).name(1).removeprefix("layers.")
        raise Unsupported(f"its {name} has one bias for each gate or none", "write `biases=1` or `nobias`")
    calls = []
    for number in range(1, layer.layers + 1):
        sequences = number < layer.layers or not layer.last
        one = layer_of(layer.kind, node, return_sequences=sequences, **values)
        calls.append(call("layers.Bidirectional", positional("layer", one)) if layer.bidirectional else one)
    return chain(*calls)


@emitter("convlstm")
def convlstm(node: Node, layer: Any) -> Call:
    frame = layer.frame(node.input_shapes[0])
    frames = layer.input_conv().resolve(frame)
    pads, padding = padded(frame, frames)
    if pads:
        ends = [(0, 0), *ends_of(frames.windows(frame))]
        pads = edges("pad", node.input_shapes[0], ends)
    values = {"padding": padding, "dilation_rate": dilation_of(frames)}
    return chain(*pads, layer_call(KERAS.equivalent("convlstm"), node, frame.rank, **values))


@emitter("bn", "ln", "gn", "instancenorm")
def norm(node: Node, layer: Any) -> Call:
    everything = layer.kind == "ln" and layer.all and node.shape.rank
    axes = {"axis": RawCode(f"{list(range(1, node.shape.rank + 2))}")} if everything else {}
    return layer_of(layer.kind, node, scale=layer.affine and layer.scale, epsilon=EPSILON, **axes)


@emitter("prelu")
def prelu(node: Node, layer: Any) -> Call:
    axes = list(range(1, node.shape.rank + 1 + layer.shared))
    return call("layers.PReLU", keyword("shared_axes", RawCode(f"{axes}") if axes else None))


@emitter("droppath")
def droppath(node: Node, layer: Any) -> Call:
    # One decision for a whole sample.
    shape = RawCode(repr((None,) + (1,) * (node.shape.rank + 1)))
    return call("layers.Dropout", positional("rate", layer.rate), keyword("noise_shape", shape))


@emitter("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> Call:
    # It takes numbers alone, so an axis that stays has that of its size.
    return layer_of(layer.kind, node, output_size=one_or_each(node.shape.spatial))


@emitter("upsample")
def upsample(node: Node, layer: Any) -> Call:
    if layer.mode == "bilinear" and node.shape.rank != 2:
        raise Unsupported("its upsampling interpolates on two axes alone", "use `nearest`")
    return layer_of("upsample", node)


@emitter("slice")
def slice_(node: Node, layer: Any) -> Inline:
    start, stop = layer.channels
    return Inline("{0}[..., {start}:{stop}]", (positional("start", start), positional("stop", stop)))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> Call:
    return layer_of("reshape", node, target_shape=node.shape.dims)


# -- the file ----------------------------------------------------------------------------------------


def calls_of(code: Call) -> list[Call]:
    """Return the layers that a call represents."""
    return [argument.value for argument in code.arguments] if code.function == CHAIN else [code]


class KerasFile:
    """The text of the file: imports, layers that Keras lacks, a function for each template, and the model."""

    def __init__(self, graph: Graph, code: Mapping[int, LayerCode]) -> None:
        self.graph = graph
        #: What no step or function may be called.
        self.reserved = ("keras", "layers", "ops", "inputs", *classes("keras"))
        self.network = Identifiers(self.reserved).free((graph.name or "network").lower())
        self.layout = BlockLayout(graph, code, lambda name: identifier(name.lower()), (self.network, *self.reserved))
        # Every layer of a model has a name of its own: should joining by one underscore make two alike, by two.
        names = list(self.names(self.layout.top, ""))
        self.between = "_" if len(set(names)) == len(names) else "__"

    def names(self, block: CodeBlock, before: str) -> Iterator[str]:
        """Yield the names of a block's layers, joined by one underscore."""
        for step in block.steps:
            if isinstance(step.code, CodeBlock):
                yield from self.names(step.code, f"{before}{step.name}_")
            elif isinstance(step.code, Call):
                yield from (f"{before}{name}" for name, _ in named_calls(step.name, step.code, "_"))

    def text(self) -> str:
        code = "\n\n".join([*(self.block(template) for template in self.layout.templates), self.model()])
        lacking = used_classes("keras", code)
        imports = f"import keras\nfrom keras import layers{', ops' if lacking else ''}"
        return f'"""{file_docstring(self.graph, KERAS.title)}"""\n\n{imports}\n\n\n' + "\n\n".join([*lacking, code])

    def block(self, template: BlockTemplate) -> str:
        block = template.block
        parameters = [parameter.name for parameter in template.parameters]
        variables = self.layout.variables(block, (self.network, *self.reserved, *parameters))
        inputs = [variables[index] for index in block.inputs]
        return "\n".join(
            [
                f"def {template.name}({', '.join([*inputs, *parameters, 'name'])}):",
                f'    """{self.layout.docstring(block, str, template.copies)}"""',
                *self.lines(block, variables, template.names, f'f"{{{{name}}}}{self.between}{{}}"'),
                f"    return {', '.join(variables[index] for index in block.outputs)}",
                "",
            ]
        )

    def model(self) -> str:
        top = self.layout.top
        variables = self.layout.variables(top, (self.network, *self.reserved))
        names = {index: identifier(self.graph.nodes[index].name) for index in top.inputs}
        alone = "inputs = " if len(names) == 1 else ""
        inputs = [
            f'    {alone}{variables[i]} = keras.Input({self.graph.nodes[i].shape.dims}, name="{names[i]}")'
            for i in names
        ]
        if not alone:
            inputs.append(f"    inputs = {listed([variables[index] for index in top.inputs])}")
        outputs = listed([variables[index] for index in top.outputs])
        return "\n".join(
            [
                f"def {self.network}():",
                f'    """{self.layout.docstring(top, str)}"""',
                *inputs,
                *self.lines(top, variables, (), '"{}"'),
                f'    return keras.Model(inputs, {outputs}, name="{self.network}")',
                "",
            ]
        )

    def lines(
        self, block: CodeBlock, variables: Mapping[int, str], names: Sequence[str | None], naming: str
    ) -> list[str]:
        """Return the lines of each step; `naming` converts a step's name to its layer's."""
        lines: list[str] = []
        for step, code in zip(block.steps, self.layout.code(block, names), strict=True):
            inputs = [variables[index] for index in step.inputs]
            results = ", ".join(variables[index] for index in step.outputs)
            shape = self.layout.new_shape(step)
            comment = str(shape) if shape else ""
            if isinstance(code, Inline):
                lines.append(with_comment(f"    {results} = {inline_text(code, inputs)}", comment))
            elif isinstance(step.code, CodeBlock):
                tensors = [positional("x", RawCode(each)) for each in inputs]
                whole = call(code.function, *tensors, *code.arguments, named_as(naming, step.name))
                lines += statement(f"{results} = ", whole, comment=comment, indent=" " * 4)
            else:
                lines += self.layers(step, code, inputs, results, comment, naming)
        return lines

    def layers(
        self, step: BlockStep, code: Call, inputs: list[str], results: str, comment: str, naming: str
    ) -> list[str]:
        lines: list[str] = []
        calls = named_calls(step.name, code, self.between)
        for number, (name, each) in enumerate(calls, 1):
            layer = call(each.function, *each.arguments, named_as(naming, name))
            tensors = listed(inputs) if each.function in MERGES else ", ".join(inputs)
            last = comment if number == len(calls) else ""
            lines += statement(f"{results} = ", layer, f"({tensors})", last, indent=" " * 4)
            inputs = [results]
        return lines


def named_as(naming: str, name: str) -> CallArgument:
    return keyword("name", RawCode(naming.format(name)))


#: Layers of which one of ours may be a stack.
RECURRENT = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")


def named_calls(name: str, code: Call, between: str) -> list[tuple[str, Call]]:
    """Return the layers that a call represents, by name: the last with weights has the name itself."""
    calls = calls_of(code)
    main = max(range(len(calls)), key=lambda number: (not is_edge(calls[number]), number))
    suffixes = [suffix(each) for each in calls]
    if main > 0 and calls[0].function.removeprefix("layers.") in RECURRENT:  # a stack of layers alike
        suffixes = [f"layer{number}" for number in range(1, len(calls) + 1)]
    return [
        (name if number == main else f"{name}{between}{suffixes[number]}", each) for number, each in enumerate(calls)
    ]


#: Layers that take their inputs as a list.
MERGES = ("layers.Add", "layers.Multiply", "layers.Concatenate")


def is_edge(code: Call) -> bool:
    """Return whether a layer only pads or crops."""
    return "Padding" in code.function or "Cropping" in code.function


def suffix(code: Call) -> str:
    """Return the suffix for the name of a layer added before or after another."""
    return "depthwise" if not is_edge(code) else "pad" if "Padding" in code.function else "crop"


def listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"[{', '.join(names)}]"
