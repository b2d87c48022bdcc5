"""ONNX: a model file of the network's structure.

Weights have shapes but no values of their own: each is a ConstantOfShape node, so that a file of a network
with a hundred million parameters is some kilobytes (zeros, and ones where a norm multiplies or divides). The
batch is symbolic, `N`. ONNX's tensors are channels first, so flatten and reshape take elements in that order:
sizes and counts are the same. An avgpool's padding is zeros that count in the mean. Dropout is there, in its
inference form; a droppath, which at inference is nothing, is an Identity.

Operators are those of opset 21, the first whose group norm has a weight for each channel.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import prod
from typing import Any, NamedTuple, Union

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape, ceil_div
from cnncalc.writers.blocks import heading, identifier
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.windows import floored

OPSET, IR = 21, 10

#: The epsilon of the norms, where they are written out.
EPSILON = 1e-5


class Weight(NamedTuple):
    """A tensor of parameters, all of one value."""

    name: str
    dims: tuple[int, ...]
    value: float = 0.0


class Constant(NamedTuple):
    """Numbers that are no parameters: indices, sizes; a single decimal."""

    name: str
    values: tuple[int, ...] | float


class Result(NamedTuple):
    """What the operator of that number gave, of those that a layer comes to."""

    number: int


class Input(NamedTuple):
    """The layer's input of that number."""

    number: int


#: All inputs of the layer, and an operand that is left out.
X, NOTHING = "all inputs", "nothing"

Operand = Union[Weight, Constant, Result, Input, str]


class Op(NamedTuple):
    """One operator: its type, what goes in, its attributes."""

    type: str
    operands: tuple[Operand, ...]
    attributes: dict[str, Any]


def op(type: str, *operands: Operand, **attributes: Any) -> Op:
    return Op(type, operands, attributes)


says: Emitter[list[Op]] = Emitter("ONNX")


def write(graph: Graph) -> bytes:
    """The graph as an ONNX file.

    Raises `SpecError` E320 for what ONNX cannot say, E301 where the `onnx` package is missing.
    """
    said = says.emit_all(graph.nodes)
    try:
        import onnx
    except ImportError:
        message, label = "writing ONNX needs `onnx`", "`onnx` is not installed"
        help = 'install it with `pip install "cnncalc[onnx]"`'
        raise SpecError([Diagnostic("E301", message, None, label, help=help)]) from None
    return bytes(Model(graph, onnx.helper, onnx.TensorProto).model(said).SerializeToString())


# -- what is said ------------------------------------------------------------------------------------


def pads(ends: Iterable[tuple[int, int]]) -> list[int]:
    """Begin of each axis, then end of each."""
    begins, stops = zip(*ends, strict=True)
    return [*begins, *stops]


def bias(filters: int, wanted: bool) -> list[Operand]:
    return [Weight("bias", (filters,))] if wanted else []


def per_channel(name: str, x: Shape, value: float = 0.0) -> Weight:
    """A number for each channel, which stretches over the axes of space."""
    return Weight(name, (x.channels, *(1,) * x.rank), value)


def convolution(x: Shape, layer: Any, filters: int, groups: int, has_bias: bool) -> Op:
    windows = layer.windows(x)
    weight = Weight("weight", (filters, x.channels // groups, *layer.kernel))
    return op(
        "Conv", X, weight, *bias(filters, has_bias),
        kernel_shape=list(layer.kernel), strides=list(layer.stride), dilations=list(layer.dilation), group=groups,
        pads=pads((window.begin, window.end) for window in windows),
    )  # fmt: skip


@says("conv")
def conv(node: Node, layer: Any) -> list[Op]:
    return [convolution(node.input_shapes[0], layer, layer.filters, layer.groups, layer.bias)]


@says("dwconv")
def dwconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    return [convolution(x, layer, node.shape.channels, x.channels, layer.bias)]


@says("sepconv")
def sepconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    depth = x.channels * layer.multiplier
    depthwise = convolution(x, layer, depth, x.channels, False)
    weight = Weight("pointwise", (layer.filters, depth, *(1,) * x.rank))
    return [depthwise, op("Conv", Result(0), weight, *bias(layer.filters, layer.bias), kernel_shape=[1] * x.rank)]


@says("deconv")
def deconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    windows = layer.windows(x)
    # Where `same` would crop less than nothing, it adds.
    more = [extra + max(-w.end, 0) for w, extra in zip(windows, layer.output_padding, strict=True)]
    weight = Weight("weight", (x.channels, layer.filters // layer.groups, *layer.kernel))
    return [
        op(
            "ConvTranspose", X, weight, *bias(layer.filters, layer.bias),
            kernel_shape=list(layer.kernel), strides=list(layer.stride), dilations=list(layer.dilation),
            group=layer.groups, output_padding=more, pads=pads((w.begin, max(w.end, 0)) for w in windows),
        )
    ]  # fmt: skip


@says("pool", "avgpool")
def pool(node: Node, layer: Any) -> list[Op]:
    # Its rounding up leaves no window out; where ours does, the padding at the end says how far they go.
    ceil = layer.rounds_up and not leaves_out(node, layer)
    windows = layer.windows(node.input_shapes[0]) if ceil else floored(node, layer)
    common: dict[str, Any] = {"kernel_shape": list(layer.kernel), "strides": list(layer.stride)}
    common["pads"] = pads((window.begin, window.end) for window in windows)
    if ceil:
        common["ceil_mode"] = 1
    if node.layer.kind == "pool":
        return [op("MaxPool", X, **common, dilations=list(layer.dilation))]
    return [op("AveragePool", X, **common, count_include_pad=1)]


def leaves_out(node: Node, layer: Any) -> bool:
    """Whether rounding up gives a window on some axis that would start in the padding at the end."""
    x = node.input_shapes[0]
    rooms = [(n + w.begin + w.end - w.extent, w.stride) for n, w in zip(x.spatial, layer.windows(x), strict=True)]
    return tuple(ceil_div(room, stride) + 1 for room, stride in rooms) != node.shape.spatial


@says("gap")
def gap(node: Node, layer: Any) -> list[Op]:
    return [op("GlobalAveragePool", X)]


@says("gmp")
def gmp(node: Node, layer: Any) -> list[Op]:
    return [op("GlobalMaxPool", X)]


@says("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(n % size for n, size in zip(x.spatial, layer.size, strict=True)):
        fact = f"its pools have windows of one size, and {x} does not divide into {node.shape}"
        raise Unsupported(fact, "ask for a size that divides the input's")
    kernel = [n // size for n, size in zip(x.spatial, layer.size, strict=True)]
    name = "AveragePool" if node.layer.kind == "adaptiveavgpool" else "MaxPool"
    return [op(name, X, kernel_shape=kernel, strides=kernel)]


@says("fc")
def fc(node: Node, layer: Any) -> list[Op]:
    weight = Weight("weight", (layer.units, node.input_shapes[0].channels))
    return [op("Gemm", X, weight, *bias(layer.units, layer.bias), transB=1)]


@says("bn")
def bn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    size = (x.channels,)
    if layer.affine and layer.scale:
        affine = Weight("scale", size, 1.0), Weight("bias", size)
        return [op("BatchNormalization", X, *affine, Weight("mean", size), Weight("variance", size, 1.0))]
    # Its batch norm has a weight and a bias always: without them, the formula.
    return [
        op("Add", per_channel("variance", x, 1.0), Constant("epsilon", EPSILON)),
        op("Sqrt", Result(0)),
        op("Sub", X, per_channel("mean", x)),
        op("Div", Result(2), Result(1)),
        *shifted(3, x, layer),
    ]


def shifted(number: int, x: Shape, layer: Any) -> list[Op]:
    """What adds the bias of a norm that has no weight to an operator's result."""
    return [op("Add", Result(number), per_channel("bias", x))] if layer.affine else []


@says("instancenorm")
def instancenorm(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        size = (x.channels,)
        return [op("InstanceNormalization", X, Weight("scale", size, 1.0), Weight("bias", size))]
    return [op("MeanVarianceNormalization", X, axes=list(range(2, 2 + x.rank))), *shifted(0, x, layer)]


@says("ln")
def ln(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if not (layer.affine and layer.scale):
        return [op("MeanVarianceNormalization", X, axes=[1]), *shifted(0, x, layer)]
    affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
    if not x.rank:
        return [op("LayerNormalization", X, *affine, axis=-1)]
    places = list(range(2, 2 + x.rank))
    return [
        op("Transpose", X, perm=[0, *places, 1]),
        op("LayerNormalization", Result(0), *affine, axis=-1),
        op("Transpose", Result(1), perm=[0, x.rank + 1, *range(1, x.rank + 1)]),
    ]


@says("gn")
def gn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
        return [op("GroupNormalization", X, *affine, num_groups=layer.groups)]
    grouped = (-1, layer.groups, x.elements // layer.groups)
    return [
        op("Reshape", X, Constant("groups", grouped)),
        op("MeanVarianceNormalization", Result(0), axes=[2]),
        op("Reshape", Result(1), Constant("shape", sizes(x))),
        *shifted(2, x, layer),
    ]


def sizes(shape: Shape) -> tuple[int, ...]:
    """A shape with its batch, as a reshape takes it."""
    return (-1, shape.channels, *shape.spatial)


@says("lrn")
def lrn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if x.rank == 2:
        return [op("LRN", X, size=layer.size)]
    # Its neighbours are channels, so space may lie in any order; runtimes have it for two axes alone.
    return [
        op("Reshape", X, Constant("plane", (-1, x.channels, prod(x.spatial), 1))),
        op("LRN", Result(0), size=layer.size),
        op("Reshape", Result(1), Constant("shape", sizes(x))),
    ]


@says("scale")
def scale(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    more = [op("Add", Result(0), per_channel("bias", x))] if layer.bias else []
    return [op("Mul", X, per_channel("scale", x, 1.0)), *more]


#: Activations without arguments that are one operator.
ACTIVATIONS = {
    "relu": "Relu", "selu": "Selu", "celu": "Celu", "gelu": "Gelu", "mish": "Mish", "sigmoid": "Sigmoid",
    "hardswish": "HardSwish", "tanh": "Tanh", "softplus": "Softplus", "softsign": "Softsign", "identity": "Identity",
    "droppath": "Identity",
}  # fmt: skip


@says(*ACTIVATIONS)
def activation(node: Node, layer: Any) -> list[Op]:
    return [op(ACTIVATIONS[node.layer.kind], X)]


@says("relu6")
def relu6(node: Node, layer: Any) -> list[Op]:
    return [op("Clip", X, Constant("min", 0.0), Constant("max", 6.0))]


@says("hardtanh")
def hardtanh(node: Node, layer: Any) -> list[Op]:
    return [op("Clip", X, Constant("min", -1.0), Constant("max", 1.0))]


@says("silu")
def silu(node: Node, layer: Any) -> list[Op]:
    return [op("Sigmoid", X), op("Mul", X, Result(0))]


@says("hardsigmoid")
def hardsigmoid(node: Node, layer: Any) -> list[Op]:
    return [op("HardSigmoid", X, alpha=1 / 6, beta=0.5)]


@says("softmax", "logsoftmax")
def softmax(node: Node, layer: Any) -> list[Op]:
    return [op("Softmax" if node.layer.kind == "softmax" else "LogSoftmax", X, axis=1)]


@says("leakyrelu")
def leakyrelu(node: Node, layer: Any) -> list[Op]:
    return [op("LeakyRelu", X, alpha=float(layer.slope))]


@says("elu")
def elu(node: Node, layer: Any) -> list[Op]:
    return [op("Elu", X, alpha=float(layer.alpha))]


@says("prelu")
def prelu(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    return [op("PRelu", X, Weight("slope", (1,), 0.25) if layer.shared else per_channel("slope", x, 0.25))]


@says("dropout")
def dropout(node: Node, layer: Any) -> list[Op]:
    return [op("Dropout", X, Constant("ratio", float(layer.rate)))]


@says("upsample")
def upsample(node: Node, layer: Any) -> list[Op]:
    mode = "nearest" if layer.mode == "nearest" else "linear"
    rounding = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"} if mode == "nearest" else {}
    size = Constant("size", node.shape.spatial)
    axes = list(range(2, 2 + node.shape.rank))
    # An empty input stands for the region of interest and for the scales, which are not given.
    return [op("Resize", X, NOTHING, NOTHING, size, mode=mode, axes=axes, **rounding)]


@says("pixelshuffle")
def pixelshuffle(node: Node, layer: Any) -> list[Op]:
    x, factor = node.input_shapes[0], layer.factor
    if x.rank == 2:
        return [op("DepthToSpace", X, blocksize=factor, mode="CRD")]
    apart = (-1, node.shape.channels, *(factor,) * x.rank, *x.spatial)
    # Each axis of space, then the axis of channels that is laid out along it.
    order = [place for axis in range(x.rank) for place in (2 + x.rank + axis, 2 + axis)]
    return [
        op("Reshape", X, Constant("apart", apart)),
        op("Transpose", Result(0), perm=[0, 1, *order]),
        op("Reshape", Result(1), Constant("shape", sizes(node.shape))),
    ]


@says("shuffle")
def shuffle(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    grouped = (-1, layer.groups, x.channels // layer.groups, prod(x.spatial))
    return [
        op("Reshape", X, Constant("groups", grouped)),
        op("Transpose", Result(0), perm=[0, 2, 1, 3]),
        op("Reshape", Result(1), Constant("shape", sizes(x))),
    ]


@says("pad")
def pad(node: Node, layer: Any) -> list[Op]:
    ends = layer.amount.ends
    places = Constant("axes", tuple(range(2, 2 + len(ends))))
    return [op("Pad", X, Constant("pads", tuple(pads(ends))), NOTHING, places)]


@says("crop")
def crop(node: Node, layer: Any) -> list[Op]:
    x, ends = node.input_shapes[0], layer.amount.ends
    starts = tuple(begin for begin, _ in ends)
    stops = tuple(n - end for n, (_, end) in zip(x.spatial, ends, strict=True))
    return [cut(starts, stops, tuple(range(2, 2 + x.rank)))]


@says("slice")
def slice_(node: Node, layer: Any) -> list[Op]:
    start, stop = layer.channels
    return [cut((start,), (stop,), (1,))]


def cut(starts: tuple[int, ...], stops: tuple[int, ...], axes: tuple[int, ...]) -> Op:
    return op("Slice", X, Constant("starts", starts), Constant("ends", stops), Constant("axes", axes))


@says("flatten")
def flatten(node: Node, layer: Any) -> list[Op]:
    return [op("Flatten", X, axis=1)]


@says("reshape")
def reshape(node: Node, layer: Any) -> list[Op]:
    return [op("Reshape", X, Constant("shape", sizes(node.shape)))]


@says("add")
def add(node: Node, layer: Any) -> list[Op]:
    return [op("Add" if len(node.inputs) == 2 else "Sum", X)]


@says("mul")
def mul(node: Node, layer: Any) -> list[Op]:
    # Sum takes any number of inputs, Mul two.
    product = [op("Mul", Input(0), Input(1))] if len(node.inputs) > 1 else [op("Identity", X)]
    return [*product, *(op("Mul", Result(number - 2), Input(number)) for number in range(2, len(node.inputs)))]


@says("concat")
def concat(node: Node, layer: Any) -> list[Op]:
    return [op("Concat", X, axis=1)]


# -- how it is put together --------------------------------------------------------------------------


class Model:
    """Collects the operators and constants of a graph; `helper` and `types` are those of the `onnx` package."""

    def __init__(self, graph: Graph, helper: Any, types: Any) -> None:
        self.graph, self.helper, self.types = graph, helper, types
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self.taken: set[str] = set()
        self.counts: dict[str, int] = {}
        self.tensors = {node.index: self.name(node.name) for node in graph.nodes}

    def name(self, wanted: str) -> str:
        """The name, or another like it where it is taken."""
        name = wanted
        while name in self.taken:
            self.counts[wanted] = number = self.counts.get(wanted, 1) + 1
            name = f"{wanted}_{number}"
        self.taken.add(name)
        return name

    def model(self, said: dict[int, list[Op]]) -> Any:
        nodes = self.graph.nodes
        for node in nodes:
            if node.inputs:
                self.layer(node, said[node.index])
        inputs = [self.value(node.index, self.tensors[node.index]) for node in nodes if not node.inputs]
        outputs = [self.value(index, self.output(index)) for index in self.graph.outputs]
        outside = set(self.graph.outputs)
        # The shapes between are there to be read in a viewer.
        between = [node.index for node in nodes if node.inputs and node.index not in outside]
        shapes = [self.value(index, self.tensors[index]) for index in between]
        name = identifier(self.graph.name or "network")
        graph = self.helper.make_graph(self.nodes, name, inputs, outputs, self.constants, value_info=shapes)
        opset = self.helper.make_opsetid("", OPSET)
        text = heading(self.graph, "ONNX")
        return self.helper.make_model(
            graph, opset_imports=[opset], ir_version=IR, producer_name="cnncalc", doc_string=text
        )

    def value(self, index: int, name: str) -> Any:
        """The description of a tensor that comes in or goes out."""
        shape = self.graph.nodes[index].shape
        return self.helper.make_tensor_value_info(name, self.types.FLOAT, ["N", shape.channels, *shape.spatial])

    def output(self, index: int) -> str:
        """The name of an output; an input that goes straight out is passed through an operator."""
        if self.graph.nodes[index].inputs:
            return self.tensors[index]
        name = self.name(f"{self.tensors[index]}/output")
        self.nodes.append(self.helper.make_node("Identity", [self.tensors[index]], [name], name))
        return name

    def layer(self, node: Node, ops: list[Op]) -> None:
        name = self.tensors[node.index]
        inputs = [self.tensors[index] for index in node.inputs]
        results: list[str] = []
        for number, each in enumerate(ops, 1):
            result = name if number == len(ops) else self.name(f"{name}/{each.type.lower()}")
            operands = [text for operand in each.operands for text in self.operand(operand, name, inputs, results)]
            self.nodes.append(self.helper.make_node(each.type, operands, [result], result, **each.attributes))
            results.append(result)

    def operand(self, operand: Operand, layer: str, inputs: list[str], results: list[str]) -> Iterator[str]:
        if operand == X:
            yield from inputs
        elif isinstance(operand, Input):
            yield inputs[operand.number]
        elif isinstance(operand, Result):
            yield results[operand.number]
        elif operand == NOTHING:
            yield ""
        elif isinstance(operand, Weight):
            yield self.weight(operand, self.name(f"{layer}.{operand.name}"))
        elif isinstance(operand, Constant):
            yield self.constant(self.name(f"{layer}.{operand.name}"), operand.values)

    def weight(self, weight: Weight, name: str) -> str:
        shape = self.constant(self.name(f"{name}.shape"), weight.dims)
        value = self.helper.make_tensor("value", self.types.FLOAT, [1], [weight.value])
        self.nodes.append(self.helper.make_node("ConstantOfShape", [shape], [name], name, value=value))
        return name

    def constant(self, name: str, values: tuple[int, ...] | float) -> str:
        if isinstance(values, tuple):
            tensor = self.helper.make_tensor(name, self.types.INT64, [len(values)], values)
        else:
            tensor = self.helper.make_tensor(name, self.types.FLOAT, [], [values])
        self.constants.append(tensor)
        return name
