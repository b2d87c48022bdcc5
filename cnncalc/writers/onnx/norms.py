"""Norms as operators of ONNX."""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.graph import Node
from cnncalc.shape import Shape
from cnncalc.writers.onnx.model import Constant, Op, OperatorInput, OperatorResult, Weight, X, op
from cnncalc.writers.onnx.operators import channels_last, emitter, operator_of, per_channel, sizes

#: The epsilon of the norms, where they are written out.
EPSILON = 1e-5


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
