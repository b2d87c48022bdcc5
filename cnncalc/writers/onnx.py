"""ONNX: a model file of the network's structure.

Weights have shapes but no stored values: each is a ConstantOfShape node, so that a file of a network with a
hundred million parameters is only some kilobytes (zeros, and ones where a norm multiplies or divides). The batch is
symbolic, `N`. ONNX's tensors are channels first, the spec's are channels last. A flatten before fully connected
layers uses ONNX's element order, which is the layout of their weights; any other flatten and a reshape use the
spec's. An average pool's padding is left out of the mean unless `countpad`. Dropout is included, in its inference
form; a droppath, which does nothing at inference, is an Identity.

Operators are those of opset 21, the first whose group norm has a weight for each channel.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from math import prod
from typing import Any

from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.frameworks.notation import begins_then_ends
from cnncalc.frameworks.onnx import ONNX
from cnncalc.frameworks.table import Equivalent
from cnncalc.graph import Graph, Node
from cnncalc.layers.windowed import Windowed
from cnncalc.shape import Shape, Window, ceil_div
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
from cnncalc.writers.order import flattens_by_place, has_order
from cnncalc.writers.windows import end_and_output_padding, ends_of, floored

#: The file's integers, of 64 bits with a sign, are below this.
INTEGER_LIMIT = 2**63

#: The number of ONNX for the type of indices.
INT64 = 7

#: The epsilon of the norms, where they are written out.
EPSILON = 1e-5


def write(graph: Graph) -> bytes:
    """Return the graph as an ONNX file.

    Raises `SpecError` E320 for a layer that ONNX has no equivalent of, E301 if the `onnx` package is missing.
    """
    operators = emitter.emit_all(graph.nodes)
    for index in flattens_by_place(graph):
        operators[index] = [channels_last(graph.nodes[index].input_shapes[0].rank), op("Flatten", OperatorResult(0))]
    try:
        import onnx
    except ImportError:
        message, label = "writing ONNX needs `onnx`", "`onnx` is not installed"
        help = 'install it with `pip install "cnncalc[onnx]"`'
        raise SpecError([Diagnostic("E301", message, None, label, help=help)]) from None
    return bytes(ModelBuilder(graph, onnx.helper, onnx.TensorProto).model(operators).SerializeToString())


# -- operators ---------------------------------------------------------------------------------------


def operator(row: Equivalent, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    """Return the operator of a row with all inputs of a layer and the operands; `values` override attributes."""
    arguments = row.write(node.layer, node.input_shapes[0], node.shape, values)
    attributes = {each.name: value for each, value in arguments if value != each.default}
    return op(row.name(node.shape.rank), X, *operands, **attributes)


def operator_of(kind: str, node: Node, *operands: OperatorInput, **values: Any) -> Op:
    return operator(ONNX.equivalent(kind), node, *operands, **values)


class OnnxEmitter(Emitter[list[Op]]):
    """Operators by kind of layer; a layer with a number too large for the format's integers has no equivalent."""

    def emit(self, node: Node) -> list[Op]:
        operators = super().emit(node)
        dims = [size for shape in (node.shape, *node.input_shapes) for size in shape.dims]
        largest = max([*dims, *chain.from_iterable(map(integers, operators))])
        if largest >= INTEGER_LIMIT:
            raise Unsupported(f"its integers are below 2^63, and {largest:,} is not", "use a smaller input")
        return operators


def integers(operator: Op) -> Iterator[int]:
    """Yield the integers that an operator is written with."""
    for operand in operator.operands:
        if isinstance(operand, Weight):
            yield from operand.dims
        elif isinstance(operand, Constant) and isinstance(operand.values, tuple):
            yield from operand.values
    for value in operator.attributes.values():
        yield from (each for each in (value if isinstance(value, list) else [value]) if isinstance(each, int))


emitter = OnnxEmitter(ONNX.title, ONNX, lambda row, node: [operator(row, node)])


def bias(filters: int, wanted: bool) -> list[OperatorInput]:
    return [Weight("bias", (filters,))] if wanted else []


def per_channel(name: str, x: Shape, value: float = 0.0) -> Weight:
    """Return a number for each channel, which is broadcast over the spatial axes."""
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
    ends, more = end_and_output_padding(layer, windows)
    if any(extra >= stride for extra, stride in zip(more, layer.stride, strict=True)):
        raise Unsupported("its output padding is below the stride", "drop it, and add rows with `pad`")
    pads = begins_then_ends([(window.begin, end) for window, end in zip(windows, ends, strict=True)])
    weight = Weight("weight", (x.channels, layer.filters // layer.groups, *layer.kernel))
    return [operator_of("deconv", node, weight, *bias(layer.filters, layer.bias), output_padding=more, pads=pads)]


@emitter("pool", "avgpool")
def pool(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(max(window.begin, window.end) >= window.kernel for window in layer.windows(x)):
        # Runtimes refuse that, so it is a separate layer; only a dilated pool, which is a max pool, may have it.
        ends = ends_of(floored(node, layer))
        none = begins_then_ends([(0, 0)] * x.rank)
        bare = operator_of("pool", node, pads=none, ceil_mode=0)
        return [padding(ends, float("-inf")), bare._replace(operands=(OperatorResult(0),))]
    # Its rounding up leaves no window out; where ours does, the padding at the end decides how far they go.
    windows = [
        short if leaves_out(n, window) else window
        for n, window, short in zip(x.spatial, layer.windows(x), floored(node, layer), strict=True)
    ]
    ceil = any(window.ceil for window in windows)
    return [operator_of(layer.kind, node, pads=begins_then_ends(ends_of(windows)), ceil_mode=int(ceil))]


def leaves_out(n: int, window: Window) -> bool:
    """Return whether rounding up gives a window that would start in the padding at the end."""
    room = n + window.begin + window.end - window.extent
    return window.ceil and ceil_div(room, window.stride) + 1 != window.size(n)


@emitter("adaptiveavgpool", "adaptivemaxpool")
def adaptive(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if any(n % size for n, size in zip(x.spatial, node.shape.spatial, strict=True)):
        fact = f"its pools have windows of one size, and {x} does not divide into {node.shape}"
        raise Unsupported(fact, "ask for a size that divides the input's")
    kernel = [n // size for n, size in zip(x.spatial, node.shape.spatial, strict=True)]
    name = "AveragePool" if layer.kind == "adaptiveavgpool" else "MaxPool"
    return [op(name, X, kernel_shape=kernel, strides=kernel)]


@emitter("fc")
def fc(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if x.rank:
        # On the channels of each position it is a convolution of one.
        weight = Weight("weight", (layer.units, x.channels, *(1,) * x.rank))
        return [op("Conv", X, weight, *bias(layer.units, layer.bias), kernel_shape=[1] * x.rank)]
    weight = Weight("weight", (layer.units, x.channels))
    return [operator_of("fc", node, weight, *bias(layer.units, layer.bias))]


@emitter("lstm", "gru", "rnn")
def recurrent(node: Node, layer: Any) -> list[Op]:
    if layer.biases == 1:
        raise Unsupported("its recurrent operators have two biases or none", "write `biases=2` or `nobias`")
    directions, rows = layer.directions, layer.gates * layer.units
    reset = {"linear_before_reset": 1} if layer.kind == "gru" else {}
    # Steps come first, then the batch.
    ops = [op("Transpose", X, perm=[2, 0, 1])]
    channels = node.input_shapes[0].channels
    for number in range(1, layer.layers + 1):
        weights = (
            Weight(f"weight{number}", (directions, rows, channels)),
            Weight(f"state{number}", (directions, rows, layer.units)),
            *([Weight(f"bias{number}", (directions, 2 * rows))] if layer.biases else []),
        )
        each = operator_of(layer.kind, node)
        each = each._replace(operands=(OperatorResult(len(ops) - 1), *weights), attributes={**each.attributes, **reset})
        if number == layer.layers and layer.last:
            # The last state: directions x batch x units.
            ops += [
                each._replace(output=1),
                op("Transpose", OperatorResult(len(ops)), perm=[1, 0, 2]),
                op("Reshape", OperatorResult(len(ops) + 1), Constant("shape", sizes(node.shape))),
            ]
            continue
        # Steps x directions x batch x units.
        channels = directions * layer.units
        if number == layer.layers:
            perm, shape = [2, 1, 3, 0], Constant("shape", sizes(node.shape))
        else:
            perm, shape = [0, 2, 1, 3], Constant(f"shape{number}", (0, 0, channels))
        ops += [
            each,
            op("Transpose", OperatorResult(len(ops)), perm=perm),
            op("Reshape", OperatorResult(len(ops) + 1), shape),
        ]
    return ops


@emitter("embedding")
def embedding(node: Node, layer: Any) -> list[Op]:
    return [
        op("Cast", X, to=INT64),
        op("Gather", Weight("table", layer.table), OperatorResult(0)),
        op("Transpose", OperatorResult(1), perm=[0, 2, 1]),
    ]


@emitter("grn")
def grn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    return [
        op("ReduceL2", X, Constant("space", tuple(range(2, 2 + x.rank)))),
        op("ReduceMean", OperatorResult(0), Constant("channels", (1,))),
        op("Add", OperatorResult(1), Constant("epsilon", 1e-6)),
        op("Div", OperatorResult(0), OperatorResult(2)),
        op("Mul", X, OperatorResult(3)),
        op("Mul", OperatorResult(4), per_channel("scale", x)),
        op("Add", OperatorResult(5), per_channel("bias", x)),
        op("Add", OperatorResult(6), X),
    ]


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


#: The last operator of `standardized`, counted from its first.
STANDARDIZED = 6


def standardized(x: OperatorInput, axes: tuple[int, ...], first: int = 0) -> list[Op]:
    """Return the operators that subtract the mean over some axes and divide by the deviation.

    `first` is the number of operators before them. ONNX has an operator for this, but with a fixed epsilon, 1e-9.
    """
    over = Constant("axes", axes)
    return [
        op("ReduceMean", x, over, keepdims=1),
        op("Sub", x, OperatorResult(first)),
        op("Mul", OperatorResult(first + 1), OperatorResult(first + 1)),
        op("ReduceMean", OperatorResult(first + 2), over, keepdims=1),
        op("Add", OperatorResult(first + 3), Constant("epsilon", EPSILON)),
        op("Sqrt", OperatorResult(first + 4)),
        op("Div", OperatorResult(first + 1), OperatorResult(first + 5)),
    ]


def shifted(number: int, x: Shape, layer: Any) -> list[Op]:
    """Return the operators that add the bias of a norm without a weight to an operator's result."""
    return [op("Add", OperatorResult(number), per_channel("bias", x))] if layer.affine else []


@emitter("instancenorm")
def instancenorm(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        size = (x.channels,)
        return [operator_of("instancenorm", node, Weight("scale", size, 1.0), Weight("bias", size))]
    return [*standardized(X, tuple(range(2, 2 + x.rank))), *shifted(STANDARDIZED, x, layer)]


@emitter("ln")
def ln(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.all and x.rank:
        return layer_norm_over_all(x, layer)
    if not (layer.affine and layer.scale):
        return [*standardized(X, (1,)), *shifted(STANDARDIZED, x, layer)]
    affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
    if not x.rank:
        return [operator_of("ln", node, *affine)]
    return [
        channels_last(x.rank),
        op("LayerNormalization", OperatorResult(0), *affine, axis=-1),
        op("Transpose", OperatorResult(1), perm=[0, x.rank + 1, *range(1, x.rank + 1)]),
    ]


def layer_norm_over_all(x: Shape, layer: Any) -> list[Op]:
    size = sizes(x)[1:]
    if layer.affine and layer.scale:
        return [op("LayerNormalization", X, Weight("scale", size, 1.0), Weight("bias", size), axis=1)]
    added = [op("Add", OperatorResult(STANDARDIZED), Weight("bias", size))] if layer.affine else []
    return [*standardized(X, tuple(range(1, 2 + x.rank))), *added]


@emitter("gn")
def gn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.affine and layer.scale:
        affine = Weight("scale", (x.channels,), 1.0), Weight("bias", (x.channels,))
        return [operator_of("gn", node, *affine)]
    grouped = (-1, layer.groups, x.elements // layer.groups)
    return [
        op("Reshape", X, Constant("groups", grouped)),
        *standardized(OperatorResult(0), (2,), 1),
        op("Reshape", OperatorResult(1 + STANDARDIZED), Constant("shape", sizes(x))),
        *shifted(2 + STANDARDIZED, x, layer),
    ]


def sizes(shape: Shape) -> tuple[int, ...]:
    """Return a shape with its batch, as Reshape takes it."""
    return (-1, shape.channels, *shape.spatial)


#: The constants of a local response norm: what the mean of the squares is multiplied by, the exponent, what is added.
ALPHA, BETA, K = 1e-4, 0.75, 1.0


@emitter("lrn")
def lrn(node: Node, layer: Any) -> list[Op]:
    x = node.input_shapes[0]
    if layer.size % 2 == 0:
        # Runtimes have it for odd sizes alone. Of an even number of neighbours one more stands before than behind.
        half = layer.size // 2
        plane = Constant("plane", (-1, 1, x.channels, prod(x.spatial)))
        return [
            op("Mul", X, X),
            op("Reshape", OperatorResult(0), plane),
            op(
                "AveragePool", OperatorResult(1), kernel_shape=[layer.size, 1], pads=[half, 0, half - 1, 0],
                strides=[1, 1], count_include_pad=1,
            ),
            op("Reshape", OperatorResult(2), Constant("shape", sizes(x))),
            op("Mul", OperatorResult(3), Constant("alpha", ALPHA)),
            op("Add", OperatorResult(4), Constant("k", K)),
            op("Pow", OperatorResult(5), Constant("beta", BETA)),
            op("Div", X, OperatorResult(6)),
        ]  # fmt: skip
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


@emitter("upsample", "resize")
def upsample(node: Node, layer: Any) -> list[Op]:
    nearest = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    rounding = nearest if layer.mode == "nearest" else {}
    size = Constant("size", node.shape.spatial)
    axes = list(range(2, 2 + node.shape.rank))
    # An empty input stands for the region of interest and for the scales, which are not given.
    resize = operator_of(layer.kind, node, OMITTED, OMITTED, size)
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
    return [padding(layer.amount.ends)]


def padding(ends: Sequence[tuple[int, int]], value: float = 0.0) -> Op:
    """Return the operator that pads the spatial axes with a value."""
    axes = Constant("axes", tuple(range(2, 2 + len(ends))))
    filling = Constant("value", value) if value else OMITTED
    return op("Pad", X, Constant("pads", tuple(begins_then_ends(ends))), filling, axes)


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
    x, y = node.input_shapes[0], node.shape
    # Elements keep the language's order, channels last, where that is another one than channels first.
    ops = [channels_last(x.rank)] if has_order(x) else []

    def last() -> OperatorInput:
        return OperatorResult(len(ops) - 1) if ops else X

    if has_order(y):
        ops.append(op("Reshape", last(), Constant("places", (-1, prod(y.spatial), y.channels))))
        ops.append(op("Transpose", last(), perm=[0, 2, 1]))
    if not has_order(y) or y.rank > 1:
        ops.append(op("Reshape", last(), Constant("shape", sizes(y))))
    return ops


def channels_last(rank: int) -> Op:
    """Return the operator that moves the channels of the layer's input after its spatial axes."""
    return op("Transpose", X, perm=[0, *range(2, 2 + rank), 1])


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
