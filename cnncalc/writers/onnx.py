"""ONNX: a model file of the network's structure.

Weights have shapes but no values of their own: each is a ConstantOfShape node, so that a file of a network with a
hundred million parameters is some kilobytes (zeros, and ones where a norm multiplies or divides). The batch is
symbolic, `N`. ONNX's tensors are channels first, so flatten and reshape take elements in that order: sizes and counts
are the same. An avgpool's padding is zeros that count in the mean. Dropout is there, in its inference form; a droppath,
which at inference is nothing, is an Identity.

Operators are those of opset 21, the first whose group norm has a weight for each channel.
"""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.frameworks.notation import begins_then_ends
from cnncalc.frameworks.onnx import ONNX
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Graph, Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Shape, ceil_div
from cnncalc.writers.emitter import Emitter, Unsupported
from cnncalc.writers.onnx_model import (
    OMITTED,
    Constant,
    LayerInput,
    ModelBuilder,
    Op,
    OperatorInput,
    OperatorResult,
    Weight,
    X,
    op,
)
from cnncalc.writers.windows import floored

#: The epsilon of the norms, where they are written out.
EPSILON = 1e-5


def write(graph: Graph) -> bytes:
    """Return the graph as an ONNX file.

    Raises `SpecError` E320 for what ONNX has no equivalent of, E301 where the `onnx` package is missing.
    """
    operators = emitter.emit_all(graph.nodes)
    try:
        import onnx
    except ImportError:
        message, label = "writing ONNX needs `onnx`", "`onnx` is not installed"
        help = 'install it with `pip install "cnncalc[onnx]"`'
        raise SpecError([Diagnostic("E301", message, None, label, help=help)]) from None
    return bytes(ModelBuilder(graph, onnx.helper, onnx.TensorProto).model(operators).SerializeToString())


# -- operators ---------------------------------------------------------------------------------------


def operator(row: Equivalent, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    """Return the operator of a row on all inputs of a layer and the operands; `values` are attributes that differ."""
    arguments = row.write(node.layer, node.input_shapes[0], node.shape, values)
    attributes = {each.name: value for each, value in arguments if value != each.default}
    return op(row.name(node.shape.rank), X, *operands, **attributes)


def operator_of(kind: str, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    return operator(ONNX.equivalent(kind), node, *operands, **values)


emitter: Emitter[list[Op]] = Emitter(ONNX.title, ONNX, lambda row, node: [operator(row, node)])


def bias(filters: int, wanted: bool) -> list[OperatorInput]:
    return [Weight("bias", (filters,))] if wanted else []


def per_channel(name: str, x: Shape, value: float = 0.0) -> Weight:
    """Return a number for each channel, which stretches over the axes of space."""
    return Weight(name, (x.channels, *(1,) * x.rank), value)


def convolution(node: Node, filters: int, groups: int, has_bias: bool) -> Op:
    x, layer = node.input_shapes[0], node.layer
    assert isinstance(layer, Windowed)
    weight = Weight("weight", (filters, x.channels // groups, *layer.kernel))
    pads = begins_then_ends([(window.begin, window.end) for window in layer.windows(x)])
    return operator_of("conv", node, weight, *bias(filters, has_bias), group=groups, pads=pads)


@emitter("conv")
def conv(node: Node, layer: Any) -> list[Op]:
    return [convolution(node, layer.filters, layer.groups, layer.bias)]


@emitter("dwconv")
def dwconv(node: Node, layer: Any) -> list[Op]:
    return [convolution(node, node.shape.channels, node.input_shapes[0].channels, layer.bias)]


@emitter("sepconv")
def sepconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    depth = x.channels * layer.multiplier
    weight = Weight("pointwise", (layer.filters, depth, *(1,) * x.rank))
    pointwise = op("Conv", OperatorResult(0), weight, *bias(layer.filters, layer.bias), kernel_shape=[1] * x.rank)
    return [convolution(node, depth, x.channels, False), pointwise]


@emitter("deconv")
def deconv(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    windows = layer.windows(x)
    # Where `same` would crop less than nothing, it adds.
    more = [extra + max(-w.end, 0) for w, extra in zip(windows, layer.output_padding, strict=True)]
    pads = begins_then_ends([(w.begin, max(w.end, 0)) for w in windows])
    weight = Weight("weight", (x.channels, layer.filters // layer.groups, *layer.kernel))
    return [operator_of("deconv", node, weight, *bias(layer.filters, layer.bias), output_padding=more, pads=pads)]


@emitter("pool", "avgpool")
def pool(node: Node, layer: Any) -> list[Op]:
    # Its rounding up leaves no window out; where ours does, the padding at the end decides how far they go.
    ceil = layer.rounds_up and not leaves_out(node, layer)
    windows = layer.windows(node.input_shapes[0]) if ceil else floored(node, layer)
    pads = begins_then_ends([(window.begin, window.end) for window in windows])
    return [operator_of(layer.kind, node, pads=pads, ceil_mode=int(ceil))]


def leaves_out(node: Node, layer: Any) -> bool:
    """Whether rounding up gives a window on some axis that would start in the padding at the end."""
    x = node.input_shapes[0]
    rooms = [(n + w.begin + w.end - w.extent, w.stride) for n, w in zip(x.spatial, layer.windows(x), strict=True)]
    return tuple(ceil_div(room, stride) + 1 for room, stride in rooms) != node.shape.spatial


@emitter("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(n % size for n, size in zip(x.spatial, layer.size, strict=True)):
        fact = f"its pools have windows of one size, and {x} does not divide into {node.shape}"
        raise Unsupported(fact, "ask for a size that divides the input's")
    kernel = [n // size for n, size in zip(x.spatial, layer.size, strict=True)]
    name = "AveragePool" if layer.kind == "adaptiveavgpool" else "MaxPool"
    return [op(name, X, kernel_shape=kernel, strides=kernel)]


@emitter("fc")
def fc(node: Node, layer: Any) -> list[Op]:
    weight = Weight("weight", (layer.units, node.input_shapes[0].channels))
    return [operator_of("fc", node, weight, *bias(layer.units, layer.bias))]


@emitter("bn")
def bn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    size = (x.channels,)
    if layer.affine and layer.scale:
        affine = Weight("scale", size, 1.0), Weight("bias", size)
        return [op("BatchNormalization", X, *affine, Weight("mean", size), Weight("variance", size, 1.0))]
    # Its batch norm has a weight and a bias always: without them, the formula.
    return [
        op("Add", per_channel("variance", x, 1.0), Constant("epsilon", EPSILON)),
        op("Sqrt", OperatorResult(0)),
        op("Sub", X, per_channel("mean", x)),
        op("Div", OperatorResult(2), OperatorResult(1)),
        *shifted(3, x, layer),
    ]


def shifted(number: int, x: Shape, layer: Any) -> list[Op]:
    """Return what adds the bias of a norm without a weight to an operator's result."""
    return [op("Add", OperatorResult(number), per_channel("bias", x))] if layer.affine else []


@emitter("instancenorm")
def instancenorm(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        size = (x.channels,)
        return [operator_of("instancenorm", node, Weight("scale", size, 1.0), Weight("bias", size))]
    return [op("MeanVarianceNormalization", X, axes=list(range(2, 2 + x.rank))), *shifted(0, x, layer)]


@emitter("ln")
def ln(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if not (layer.affine and layer.scale):
        return [op("MeanVarianceNormalization", X, axes=[1]), *shifted(0, x, layer)]
    affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
    if not x.rank:
        return [operator_of("ln", node, *affine)]
    space = list(range(2, 2 + x.rank))
    return [
        op("Transpose", X, perm=[0, *space, 1]),
        op("LayerNormalization", OperatorResult(0), *affine, axis=-1),
        op("Transpose", OperatorResult(1), perm=[0, x.rank + 1, *range(1, x.rank + 1)]),
    ]


@emitter("gn")
def gn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
        return [operator_of("gn", node, *affine)]
    grouped = (-1, layer.groups, x.elements // layer.groups)
    return [
        op("Reshape", X, Constant("groups", grouped)),
        op("MeanVarianceNormalization", OperatorResult(0), axes=[2]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(x))),
        *shifted(2, x, layer),
    ]


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a shape with its batch, as a reshape takes it."""
    return (-1, shape.channels, *shape.spatial)


@emitter("lrn")
def lrn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if x.rank == 2:
        return [operator_of("lrn", node)]
    # Its neighbours are channels, so space may lie in any order; runtimes have it for two axes alone.
    return [
        op("Reshape", X, Constant("plane", (-1, x.channels, prod(x.spatial), 1))),
        op("LRN", OperatorResult(0), size=layer.size),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(x))),
    ]


@emitter("scale")
def scale(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    more = [op("Add", OperatorResult(0), per_channel("bias", x))] if layer.bias else []
    return [op("Mul", X, per_channel("scale", x, 1.0)), *more]


#: Activations of several operators or with constants, which no layer changes.
COMPOSED = {
    "relu6": [op("Clip", X, Constant("min", 0.0), Constant("max", 6.0))],
    "hardtanh": [op("Clip", X, Constant("min", -1.0), Constant("max", 1.0))],
    "silu": [op("Sigmoid", X), op("Mul", X, OperatorResult(0))],
}


@emitter(*COMPOSED)
def composed(node: Node, layer: Any) -> list[Op]:
    return COMPOSED[layer.kind]


@emitter("prelu")
def prelu(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    return [op("PRelu", X, Weight("slope", (1,), 0.25) if layer.shared else per_channel("slope", x, 0.25))]


@emitter("dropout")
def dropout(node: Node, layer: Any) -> list[Op]:
    return [op("Dropout", X, Constant("ratio", float(layer.rate)))]


@emitter("upsample")
def upsample(node: Node, layer: Any) -> list[Op]:
    nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    rounding = nearest if layer.mode == "nearest" else {}
    size = Constant("size", node.shape.spatial)
    axes = list(range(2, 2 + node.shape.rank))
    # An empty input stands for the region of interest and for the scales, which are not given.
    resize = operator_of("upsample", node, OMITTED, OMITTED, size)
    return [resize._replace(attributes={**resize.attributes, "axes": axes, **rounding})]


@emitter("pixelunshuffle")
def pixelunshuffle(node: Node, layer: Any) -> list[Op]:
    x, factor = node.input_shapes[0], layer.factor
    blocks = [part for size in node.shape.spatial for part in (size, factor)]
    # The positions within blocks go to the channels, those of the blocks stay behind them.
    order = [*range(3, 2 + 2 * x.rank, 2), *range(2, 2 + 2 * x.rank, 2)]
    return [
        op("Reshape", X, Constant("apart", (-1, x.channels, *blocks))),
        op("Transpose", OperatorResult(0), perm=[0, 1, *order]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(node.shape))),
    ]


@emitter("pixelshuffle")
def pixelshuffle(node: Node, layer: Any) -> list[Op]:
    x, factor = node.input_shapes[0], layer.factor
    if x.rank == 2:
        return [operator_of("pixelshuffle", node)]
    apart = (-1, node.shape.channels, *(factor,) * x.rank, *x.spatial)
    # Each axis of space, then the axis of channels that is laid out along it.
    order = [position for axis in range(x.rank) for position in (2 + x.rank + axis, 2 + axis)]
    return [
        op("Reshape", X, Constant("apart", apart)),
        op("Transpose", OperatorResult(0), perm=[0, 1, *order]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(node.shape))),
    ]


@emitter("shuffle")
def shuffle(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    grouped = (-1, layer.groups, x.channels // layer.groups, prod(x.spatial))
    return [
        op("Reshape", X, Constant("groups", grouped)),
        op("Transpose", OperatorResult(0), perm=[0, 2, 1, 3]),
        op("Reshape", OperatorResult(1), Constant("shape", sizes(x))),
    ]


@emitter("pad")
def pad(node: Node, layer: Any) -> list[Op]:
    ends = layer.amount.ends
    axes = Constant("axes", tuple(range(2, 2 + len(ends))))
    return [op("Pad", X, Constant("pads", tuple(begins_then_ends(ends))), OMITTED, axes)]


@emitter("crop")
def crop(node: Node, layer: Any) -> list[Op]:
    x, ends = node.input_shapes[0], layer.amount.ends
    starts = tuple(begin for begin, _ in ends)
    stops = tuple(n - end for n, (_, end) in zip(x.spatial, ends, strict=True))
    return [cut(starts, stops, tuple(range(2, 2 + x.rank)))]


@emitter("slice")
def slice_(node: Node, layer: Any) -> list[Op]:
    start, stop = layer.channels
    return [cut((start,), (stop,), (1,))]


def cut(starts: tuple[int, ...], stops: tuple[int, ...], axes: tuple[int, ...]) -> Op:
    return op("Slice", X, Constant("starts", starts), Constant("ends", stops), Constant("axes", axes))


@emitter("reshape")
def reshape(node: Node, layer: Any) -> list[Op]:
    return [op("Reshape", X, Constant("shape", sizes(node.shape)))]


@emitter("add")
def add(node: Node, layer: Any) -> list[Op]:
    return [op("Add" if len(node.inputs) == 2 else "Sum", X)]


@emitter("mul")
def mul(node: Node, layer: Any) -> list[Op]:
    # Sum takes any number of inputs, Mul two.
    product = [op("Mul", LayerInput(0), LayerInput(1))] if len(node.inputs) > 1 else [op("Identity", X)]
    return [
        *product,
        *(op("Mul", OperatorResult(number - 2), LayerInput(number)) for number in range(2, len(node.inputs))),
    ]
