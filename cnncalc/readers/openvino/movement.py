"""OpenVINO's layers that move elements: reshapes, transposes, joins, parts, and changes of the spatial size.

What the constants beside a layer say, its sizes tell: the target of a reshape, the parts of a split.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from math import prod

from cnncalc.frameworks.openvino import STATED
from cnncalc.readers import shape_inference
from cnncalc.readers.openvino.importer import OpenvinoImporter, rules
from cnncalc.readers.openvino.ir import OPEN, IrLayer
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.operator_importer import join
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axis_of, text
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.weights import ConstantTensor


@rules("Reshape", "Flatten", "Squeeze", "Unsqueeze")
def reshape(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    return importer.reshape(layer, x, shape_inference.stated_reshape(x.known_dims, importer.stated(layer.outputs[0])))


@rules("Transpose", "Permute")
def transpose(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    before = x.known_dims
    if layer.states("order"):
        return importer.transpose(layer, x, layer.integers("order", len(before), low=0))
    return importer.transpose(layer, x, _order(before, importer.stated(layer.outputs[0])))


def _order(before: Dims, after: Dims) -> Sequence[int]:
    """Return the order of axes that the sizes before and after it tell; of several, one that moves a single axis."""
    rank = len(before)
    if len(after) != rank or rank > 6:
        raise CannotInferError
    last_second, second_last = (0, rank - 1, *range(1, rank - 1)), (0, *range(2, rank), 1)
    for order in (last_second, second_last, *permutations(range(rank))):
        if all(after[to] in (OPEN, before[source]) for to, source in enumerate(order)) and list(order) != sorted(order):
            return order
    raise ShapeMismatchError(f"{text(before)} has no order of its axes that gives {text(after)}")


@rules("Concat")
def concat(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    return join(importer, layer, operands, layer.integer("axis", 1, low=-16))


@rules("Split", "VariadicSplit")
def split(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add the parts of an axis: the one on which the outputs are smaller than the input."""
    x = operands.tensor(0)
    before = x.known_dims
    parts = [importer.stated(port) for port in layer.outputs]
    stated = layer.integer("axis", -1, low=-16) if layer.states("axis") else None
    axes = range(len(before)) if stated is None else [axis_of(stated, len(before))]
    for axis in axes:
        sizes = [part[axis] for part in parts if len(part) == len(before)]
        if len(sizes) == len(parts) and sum(sizes) == before[axis] and (len(parts) > 1 or len(axes) == 1):
            outputs: list[Value] = list(importer.split(layer, x, axis, sizes))
            return outputs
    raise CannotInferError


@rules("Gather")
def gather(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a table of embeddings, or a part of a tensor."""
    data = operands.value(0)
    after = importer.stated_dims(layer)
    if isinstance(data, ConstantTensor):
        stored = importer.count_weights(data, any_type=True)
        return importer.opaque(layer, after, operands.tensors, len(after) - 1, stored)
    if prod(after) == prod(data.known_dims):
        return importer.reshape(layer, data, after)
    return importer.opaque(layer, after, operands.tensors)


@rules("ShapeOf", "Shape")
def shape(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    return ConstantTensor((len(operands.tensor(0).known_dims),))


@rules(*STATED)
def stated(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    """Add a layer with the shapes that the file states, which is nothing if they are those of its input."""
    x = operands.tensors[0]
    outputs: list[Value] = []
    for number in range(len(layer.outputs)):
        after = importer.stated_dims(layer, number)
        if layer.type in ("StridedSlice", "Slice", "Pad", "Tile", "Broadcast", "Crop") and after == x.dims:
            outputs.append(x)
        else:
            outputs.append(importer.opaque(layer, after, operands.tensors))
    return outputs


# -- space -----------------------------------------------------------------------------------------------------


@rules("Interpolate", "Resample", "Interp")
def resize(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    mode = layer.text("mode", layer.text("type", "linear"))
    known = "nearest" if "nearest" in mode else "bilinear" if "linear" in mode else None
    return importer.resize(layer, x, importer.stated_dims(layer), known)


@rules.table({"DepthToSpace": "pixelshuffle", "SpaceToDepth": "pixelunshuffle"})
def blocks_of_space(importer: OpenvinoImporter, layer: IrLayer, operands: Operands, kind: str) -> Outputs:
    return importer.layer(layer, kind, operands.tensor(0), factor=layer.integer("block_size", 1))


@rules("ShuffleChannels")
def shuffle(importer: OpenvinoImporter, layer: IrLayer, operands: Operands) -> Outputs:
    x: Tensor = operands.tensor(0)
    axis = axis_of(layer.integer("axis", 1, low=-16), len(x.known_dims))
    groups = layer.integer("group", 1)
    if x.known_dims[axis] % groups:
        raise ShapeMismatchError(f"{x.known_dims[axis]} channels do not divide into {groups} groups")
    return importer.same_shape(layer, "shuffle", importer.with_channels(layer, x, axis), groups=groups)
