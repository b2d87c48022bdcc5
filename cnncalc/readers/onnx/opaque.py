"""Operators without a layer of the language that have no multiply-adds of a product: the shapes of their outputs.

A row is a function of the node and its inputs. Where an output's size depends on values that are not known before the
network runs, the row is in `DATA_DEPENDENT`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod

from cnncalc.readers.onnx.importer import OnnxImporter, rules
from cnncalc.readers.onnx.model import NodeDef
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, axis_of, broadcast, unsqueeze
from cnncalc.readers.tensors import CannotInferError
from cnncalc.readers.weights import ConstantTensor


class Inputs:
    """The shapes and constant values of a node's inputs; what is not known raises `CannotInferError`."""

    def __init__(self, node: NodeDef, operands: Operands) -> None:
        self.node, self.operands = node, operands

    def dims(self, position: int) -> Dims:
        """Return the shape of an input."""
        dims = self.operands.value(position).dims
        if dims is None:
            raise CannotInferError
        return dims

    def integers(self, position: int) -> list[int]:
        """Return the values of an input."""
        value = self.operands.get(position)
        integers = value.integers() if isinstance(value, ConstantTensor) else None
        if integers is None:
            raise CannotInferError
        return integers

    def integer(self, position: int, default: int | None = None) -> int:
        """Return the one value of an input, or a default where it is left out."""
        if default is not None and self.operands.get(position) is None:
            return default
        return self.integers(position)[0]


#: From a node and its inputs to the shapes of its outputs.
ShapeRule = Callable[[NodeDef, Inputs], Sequence[Dims]]


def _center_crop_pad(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    before, wanted = x.dims(0), x.integers(1)
    axes = [axis_of(axis, len(before)) for axis in node.integers("axes") or range(len(before))]
    to = dict(zip(axes, wanted, strict=True))
    return [tuple(to.get(axis, size) for axis, size in enumerate(before))]


def _columns_to_image(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    batch, columns, _ = x.dims(0)
    return [(batch, columns // prod(x.integers(2)), *x.integers(1))]


def _max_unpool(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    before = x.dims(0)
    if x.operands.get(2) is not None:
        return [tuple(x.integers(2))]
    rank = len(before) - 2
    kernel, stride = node.integers("kernel_shape") or (), node.integers("strides") or (1,) * rank
    pads = node.integers("pads") or (0,) * (2 * rank)
    ends = zip(before[2:], kernel, stride, pads[:rank], pads[rank:], strict=True)
    return [(*before[:2], *((n - 1) * step - begin - end + window for n, window, step, begin, end in ends))]


def _one_hot(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    before = x.dims(0)
    axis = axis_of(node.integer("axis", -1), len(before) + 1)
    return [(*before[:axis], x.integer(1), *before[axis:])]


def _compress(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    before, condition = x.dims(0), x.operands.get(1)
    if not isinstance(condition, ConstantTensor) or condition.values is None:
        raise CannotInferError
    left = sum(map(bool, condition.values))
    if "axis" not in node.attributes:
        return [(left,)]
    axis = axis_of(node.integer("axis", 0), len(before))
    return [(*before[:axis], left, *before[axis + 1 :])]


def _fourier(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    *dims, _ = x.dims(0)  # the last axis has real and imaginary parts
    # An input since opset 20; before, an attribute.
    axis = node.integer("axis", 1) if "axis" in node.attributes else x.integer(2, -2)
    axis = axis_of(axis, len(dims) + 1)
    length = x.integer(1, 0) or dims[axis]
    if node.integer("onesided", 0):
        if node.integer("inverse", 0):
            dims[axis] = x.integer(1, 0) or 2 * (dims[axis] - 1)
            return [(*dims, 1)]
        dims[axis] = length // 2 + 1
        return [(*dims, 2)]
    dims[axis] = length
    return [(*dims, 2)]


def _short_time_fourier(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    batch, samples, *_ = x.dims(0)
    step = x.integer(1)
    window = x.operands.get(2)
    length = window.dims[0] if window is not None and window.dims else x.integer(3)
    bins = length // 2 + 1 if node.integer("onesided", 1) else length
    return [(batch, (samples - length) // step + 1, bins, 2)]


def _loss(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    scores, labels = x.dims(0), x.dims(1)
    return [labels if node.text("reduction", "mean") == "none" else (), scores]


def _ngrams(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    indices = node.integers("ngram_indexes")
    if not indices:
        raise CannotInferError
    return [(*x.dims(0)[:-1], max(indices) + 1)]


def _max_roi_pool(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    return [(x.dims(1)[0], x.dims(0)[1], *(node.integers("pooled_shape") or ()))]


def _crop_and_resize(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    return [(x.dims(1)[0], x.dims(0)[1], *x.integers(3))]


def _expand_dims(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    return [unsqueeze(x.dims(0), x.integers(1))]


def _scores(node: NodeDef, x: Inputs) -> Sequence[Dims]:
    """Return the shapes of a tree or linear model: a number for each target of each sample."""
    before = x.dims(0)
    targets = node.integer("n_targets", 0) or node.integer("targets", 1)
    return [(*(before[:-1] or (1,)), targets)]


#: Operators that choose among elements, or make new ones.
SHAPES: dict[str, ShapeRule] = {
    "AffineGrid": lambda node, x: [(x.integers(1)[0], *x.integers(1)[2:], len(x.integers(1)) - 2)],
    "CenterCropPad": _center_crop_pad,
    "Col2Im": _columns_to_image,
    "Compress": _compress,
    "DFT": _fourier,
    "com.microsoft.Inverse": lambda node, x: [x.dims(0)],
    "Det": lambda node, x: [x.dims(0)[:-2]],
    "EyeLike": lambda node, x: [x.dims(0)],
    "HammingWindow": lambda node, x: [(x.integer(0),)],
    "HannWindow": lambda node, x: [(x.integer(0),)],
    "BlackmanWindow": lambda node, x: [(x.integer(0),)],
    "MaxRoiPool": _max_roi_pool,
    "MaxUnpool": _max_unpool,
    "MelWeightMatrix": lambda node, x: [(x.integer(1) // 2 + 1, x.integer(0))],
    "Multinomial": lambda node, x: [(x.dims(0)[0], node.integer("sample_size", 1))],
    "NegativeLogLikelihoodLoss": _loss,
    "OneHot": _one_hot,
    "RandomNormal": lambda node, x: [node.integers("shape") or ()],
    "RandomUniform": lambda node, x: [node.integers("shape") or ()],
    "RegexFullMatch": lambda node, x: [x.dims(0)],
    "STFT": _short_time_fourier,
    "SoftmaxCrossEntropyLoss": _loss,
    "StringConcat": lambda node, x: [broadcast(x.dims(0), x.dims(1))],
    "TfIdfVectorizer": _ngrams,
    "ai.onnx.ml.ArrayFeatureExtractor": lambda node, x: [(*(x.dims(0)[:-1] or (1,)), prod(x.dims(1)))],
    "ai.onnx.ml.LinearRegressor": _scores,
    "ai.onnx.ml.TreeEnsembleRegressor": _scores,
    "ai.onnx.ml.SVMRegressor": lambda node, x: [(*(x.dims(0)[:-1] or (1,)), 1)],
    "com.microsoft.CropAndResize": _crop_and_resize,
    "com.microsoft.ExpandDims": _expand_dims,
    "com.microsoft.CDist": lambda node, x: [(x.dims(0)[0], x.dims(1)[0])],
    "com.microsoft.RemovePadding": lambda node, x: [x.dims(0)],
}


@rules.table(SHAPES)
def shaped(importer: OnnxImporter, node: NodeDef, operands: Operands, shapes: ShapeRule) -> Outputs:
    """Add an operator with the shapes of its outputs; the others are part of the first one's row."""
    given = Inputs(node, operands)
    first, *more = shapes(node, given)
    stored = importer.count_weights(*operands.constants, scalars=False)
    output = importer.opaque(node, first, operands.tensors, stored=stored)
    return [output, *(output._replace(dims=dims, channel=max(len(dims) - 1, 0)) for dims in more)]


#: Operators whose outputs are as many as their input's values make them: they learn and multiply nothing.
DATA_DEPENDENT = ("NonMaxSuppression", "NonZero", "Unique", "StringSplit", "StringNormalizer", "ImageDecoder")


@rules(*DATA_DEPENDENT)
def data_dependent(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    stated = [importer.shapes.of_tensor(name) for name in node.outputs]
    return [importer.opaque(node, dims, operands.tensors) for dims in stated]


@rules("TensorScatter")
def scattered(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    """Add an update of some elements: as large as the tensor that is updated, which may be constant."""
    dims = operands.value(0).dims
    stored = importer.count_weights(*operands.constants, scalars=False)
    return importer.opaque(node, dims, operands.tensors, stored=stored)


@rules("SwiGLU")
def gated(importer: OnnxImporter, node: NodeDef, operands: Operands) -> Outputs:
    dims = broadcast(*(each.dims for each in operands.values if each is not None and each.dims is not None))
    return importer.elementwise(node, operands.tensors, dims)
