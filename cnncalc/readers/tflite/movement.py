"""TensorFlow Lite's operators that move elements: reshapes, transposes, slices, joins, and changes of the size."""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.readers import shape_inference
from cnncalc.readers.operands import Operands, Outputs, Value
from cnncalc.readers.operator_importer import join
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axis_of
from cnncalc.readers.tensors import CannotInferError, Tensor
from cnncalc.readers.tflite.importer import OPEN, TfliteImporter, channels_first, channels_last, rules
from cnncalc.readers.tflite.model import OperatorDef
from cnncalc.readers.weights import ConstantTensor


def _integers(operands: Operands, position: int) -> Sequence[int]:
    """Return the values of a constant input; raises `CannotInferError` if they are not known."""
    constant = operands.constant(position)
    values = constant.integers() if constant is not None else None
    if values is None:
        raise CannotInferError
    return values


# -- the same elements in another shape ------------------------------------------------------------------------


@rules("RESHAPE", "SQUEEZE", "EXPAND_DIMS")
def reshape(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a reshape to the output's shape; the axes that a batch or another input opens take what is left."""
    x = operands.tensor(0)
    after = shape_inference.stated_reshape(x.known_dims, importer.stated(node.outputs[0]))
    return importer.reshape(node, x, after, max(len(after) - 1, 0))


@rules("TRANSPOSE")
def transpose(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return importer.transpose(node, operands.tensor(0), _integers(operands, 1))


# -- together, and parts ---------------------------------------------------------------------------------------


@rules("CONCATENATION")
def concat(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return importer.activation(node, join(importer, node, operands, node.integer("Axis", 0, low=-16)))


@rules("PACK")
def pack(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return importer.opaque(node, importer.stated_dims(node), operands.tensors, stored=importer.count_weights(
        *operands.constants, any_type=False
    ))  # fmt: skip


@rules("SPLIT", "SPLIT_V")
def split(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add the parts of an axis: the axis comes first or last among the inputs."""
    x, at = (operands.tensor(1), 0) if node.name == "SPLIT" else (operands.tensor(0), 2)
    axis = axis_of(_integers(operands, at)[0], len(x.known_dims))
    sizes = [importer.stated(index)[axis] for index in node.outputs]
    if OPEN in sizes or sum(sizes) != x.known_dims[axis]:
        sizes = shape_inference.split(x.known_dims[axis], None, len(node.outputs))
    outputs: list[Value] = list(importer.split(node, x, axis, sizes))
    return outputs


@rules("UNPACK")
def unpack(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add the parts of an axis, each of which has one place on it, without it."""
    x = operands.tensor(0)
    axis = axis_of(node.integer("Axis", 0, low=-16), len(x.known_dims))
    parts = importer.split(node, x, axis, [1] * x.known_dims[axis])
    after = tuple(size for at, size in enumerate(x.known_dims) if at != axis)
    outputs: list[Value] = [importer.reshape(node, part, after, max(len(after) - 1, 0)) for part in parts]
    return outputs


@rules("SLICE")
def take(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    begins, sizes = _integers(operands, 1), _integers(operands, 2)
    if not len(begins) == len(sizes) == len(x.known_dims):
        raise ShapeMismatchError(f"it has {len(begins)} beginnings for {len(x.known_dims)} axes")
    taken = []
    for whole, begin, size in zip(x.known_dims, begins, sizes, strict=True):
        end = whole if size == -1 else begin + size
        if not 0 <= begin <= end <= whole:
            raise ShapeMismatchError(f"it takes {begin} to {end} of {whole}")
        taken.append(range(begin, end))
    return importer.slice(node, x, taken)


@rules("STRIDED_SLICE")
def strided(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add a part of a tensor, with axes that masks take whole, make new or take away."""
    x = operands.tensor(0)
    begins, ends, steps = (_integers(operands, at) for at in (1, 2, 3))
    if node.integer("EllipsisMask") or node.integer("NewAxisMask") or not len(begins) == len(ends) == len(steps):
        raise CannotInferError
    begin_mask, end_mask, gone_mask = (node.integer(name) for name in ("BeginMask", "EndMask", "ShrinkAxisMask"))
    taken = [range(size) for size in x.known_dims]
    gone = []
    for axis, (begin, end, step) in enumerate(zip(begins, ends, steps, strict=True)):
        size = x.known_dims[axis]
        if step == 0:
            raise ShapeMismatchError("a step is 0")
        if gone_mask >> axis & 1:
            at = begin % size if size else 0
            taken[axis] = range(at, at + 1)
            gone.append(axis)
            continue
        start = None if begin_mask >> axis & 1 else begin
        stop = None if end_mask >> axis & 1 else end
        taken[axis] = range(*slice(start, stop, step).indices(size))
    y = importer.slice(node, x, taken)
    if not gone:
        return y
    after = tuple(size for axis, size in enumerate(y.known_dims) if axis not in gone)
    return importer.reshape(node, y, after or (1,), max(len(after) - 1, 0))


# -- space -----------------------------------------------------------------------------------------------------


@rules.table({"RESIZE_BILINEAR": "bilinear", "RESIZE_NEAREST_NEIGHBOR": "nearest"})
def resize(importer: TfliteImporter, node: OperatorDef, operands: Operands, mode: str) -> Outputs:
    x = operands.tensor(0)
    size = _integers(operands, 1)
    if len(x.known_dims) != 4 or len(size) != 2:
        raise ShapeMismatchError(f"it resizes {len(size)} axes of {len(x.known_dims)}")
    return importer.resize(node, x, (x.known_dims[0], *size, x.known_dims[3]), mode)


@rules.table({"DEPTH_TO_SPACE": "pixelshuffle", "SPACE_TO_DEPTH": "pixelunshuffle"})
def blocks_of_space(importer: TfliteImporter, node: OperatorDef, operands: Operands, kind: str) -> Outputs:
    x = channels_first(importer, node, operands.tensor(0))
    return channels_last(importer.layer(node, kind, x, factor=node.integer("BlockSize", 1, low=1)))


# -- stated ----------------------------------------------------------------------------------------------------


@rules("SHAPE")
def shape(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    dims = operands.tensor(0).known_dims
    return ConstantTensor((len(dims),), dims)


@rules("RANK")
def rank(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    return ConstantTensor((), (len(operands.tensor(0).known_dims),))


@rules(
    "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND", "TILE", "GATHER_ND", "BROADCAST_TO", "FILL", "ONE_HOT", "TOPK_V2",
    "WHERE", "RANGE", "UNIQUE", "MATRIX_DIAG", "SPARSE_TO_DENSE", "SEGMENT_SUM", "UNSORTED_SEGMENT_MAX",
    "UNSORTED_SEGMENT_SUM", "UNSORTED_SEGMENT_MIN", "UNSORTED_SEGMENT_PROD", "NON_MAX_SUPPRESSION_V4",
    "NON_MAX_SUPPRESSION_V5", "RFFT2D", "REAL", "IMAG", "COMPLEX_ABS", "RANDOM_UNIFORM", "RANDOM_STANDARD_NORMAL",
    "MULTINOMIAL", "BUCKETIZE", "DENSIFY", "TFLite_Detection_PostProcess", "MaxPoolingWithArgmax2D",
    "MaxUnpooling2D", "ASSIGN_VARIABLE", "READ_VARIABLE",
)  # fmt: skip
def stated(importer: TfliteImporter, node: OperatorDef, operands: Operands) -> Outputs:
    """Add an operator with the shapes that the file states, which is nothing if they are those of its input."""
    x: Tensor = operands.tensors[0]
    outputs: list[Value] = []
    for number in range(len(node.outputs)):
        after: Dims = importer.stated_dims(node, number)
        same = after == x.dims and node.name in ("TILE", "BROADCAST_TO", "SPACE_TO_BATCH_ND", "BATCH_TO_SPACE_ND")
        outputs.append(x if same else importer.opaque(node, after, operands.tensors))
    return outputs or x
