"""The rules of layer types that forks of Caffe added: sizes, regions of interest, boxes, optical flow.

SSD https://github.com/weiliu89/caffe, branch ssd
SegNet https://github.com/alexgkendall/caffe-segnet
DeepLab and PSPNet https://github.com/hszhao/PSPNet
Fast R-CNN and R-FCN https://github.com/daijifeng001/caffe-rfcn
FlowNet 2 https://github.com/lmb-freiburg/flownet2
YOLO 2 https://github.com/intel/caffe
"""

from __future__ import annotations

from collections.abc import Sequence

from cnncalc.frameworks.caffe import CAFFE
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.taps import WindowTaps
from cnncalc.readers.caffe.arguments import CaffeArguments, CaffeLayer
from cnncalc.readers.caffe.blobs import LearnableBlob, shape_of
from cnncalc.readers.caffe.importer import Blob, CaffeImporter, Rule, rules
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import elementwise_op, make
from cnncalc.shape import ShapeError, ceil_div

# -- to another size -----------------------------------------------------------------------------------------


@rules("interp")
def interpolate(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a resize: shrunk and then zoomed by factors that keep the ends, to a size, or to that of a second input."""
    dims, given = importer.dims(layer.inputs[0]), layer.parameters("interp_param")
    like = importer.dims(layer.inputs[1]) if len(layer.inputs) > 1 else None
    if dims is None or (len(layer.inputs) > 1 and like is None):
        return importer.add_unknown(layer)
    cropped = sum(given.integer(name, 0, low=-1_000_000) for name in ("pad_beg", "pad_end"))
    sizes = [size + cropped for size in dims[1:]]
    if like is not None:
        sizes = like[1:]
    elif given.states("shrink_factor") or given.states("zoom_factor"):
        shrink, zoom = given.integer("shrink_factor", 1), given.integer("zoom_factor", 1)
        sizes = [(size - 1) // shrink * zoom + 1 for size in sizes]
    elif given.states("height") and given.states("width"):
        sizes = [given.integer("height"), given.integer("width")]
    return _resize(importer, layer, sizes)


@rules("resample", "downsample")
def resample(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a resize to a size, or to that of a second input."""
    dims, given = importer.dims(layer.inputs[0]), layer.parameters("resample_param", "downsample_param")
    if dims is None:
        return importer.add_unknown(layer)
    if len(layer.inputs) > 1:
        like = importer.dims(layer.inputs[1])
        return importer.add_unknown(layer) if like is None else _resize(importer, layer, like[1:])
    sizes = [given.integer(f"top_{name}", given.integer(name, 0, low=0)) for name in ("height", "width")]
    return _resize(importer, layer, sizes)


def _resize(importer: CaffeImporter, layer: CaffeLayer, sizes: list[int], mode: str = "bilinear") -> int:
    if len(importer.dims(layer.inputs[0]) or ()) - 1 != len(sizes) or min(sizes, default=0) < 1:
        message = f"`{layer.name}` has no size to resize to"
        fail("E306", message, " x ".join(map(str, sizes)) or "none is stated", span=layer.span)
    return importer.add_layer(layer, make("resize", size=tuple(sizes), mode=mode), layer.inputs[0])


@rules("upsample")
def upsample(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add SegNet's unpooling, to a size or by a factor; the places of the elements are a second input."""
    given, dims = layer.parameters("upsample_param"), importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    if given.states("upsample_h") and given.states("upsample_w"):
        sizes = [given.integer("upsample_h"), given.integer("upsample_w")]
    else:
        # Sizes that pooling halved may be one less than the double.
        factors = [given.integer(f"scale_{axis}", given.integer("scale", 2)) for axis in "hw"]
        less = [given.flag(f"pad_out_{axis}", default=False) for axis in "hw"]
        sizes = [n * factor - cut for n, factor, cut in zip(dims[1:], factors, less, strict=False)]
    factors = [size // n for size, n in zip(sizes, dims[1:], strict=False)]
    if len(layer.inputs) == 1 and len(dims) == 3 and [n * f for n, f in zip(dims[1:], factors, strict=True)] == sizes:
        return importer.add_layer(layer, make("upsample", factor=tuple(factors)), layer.inputs[0])
    return importer.add_of_dims(layer, [dims[0], *sizes])


@rules("reorg")
def reorg(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add blocks of stride x stride positions as channels, or channels as blocks."""
    given, dims = layer.parameters("reorg_param"), importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    channels, *spatial = dims
    stride = given.integer("stride", 2)
    if given.flag("reverse", default=False):
        return importer.add_of_dims(layer, [channels // stride ** len(spatial), *(size * stride for size in spatial)])
    shape = shape_of([channels * stride ** len(spatial), *(size // stride for size in spatial)])
    if not shape.elements:
        fail("E306", f"the output of `{layer.name}` would be empty", str(shape), span=layer.span)
    window = (WindowTaps(stride - 1, stride, 0),) * shape.rank
    return importer.add_layer(layer, OpaqueOp(layer.type, shape, window=window), layer.inputs[0])


# -- regions of interest: a sample is one of them ------------------------------------------------------------


@rules("roipooling", "roialign", "roiwarping", "roimaskpooling", "roipoolingv2", "roialignpooling")
def region(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the pool of a region to a given size."""
    given, dims = layer.parameters_with("pooled_h"), importer.dims(layer.inputs[0])
    if dims is None:
        return importer.add_unknown(layer)
    return importer.add_of_dims(layer, [dims[0], given.integer("pooled_h"), given.integer("pooled_w")])


@rules("psroipooling", "psroialign", "deformablepsroipooling")
def position_sensitive_region(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the pool of a region in which each bin has channels of its own (R-FCN)."""
    given = layer.parameters_with("group_size")
    bins = given.integer("group_size")
    return importer.add_of_dims(layer, [given.integer("output_dim"), bins, bins])


@rules("proposal")
def proposals(importer: CaffeImporter, layer: CaffeLayer) -> list[Blob]:
    """Add the regions that are proposed: of each the number of its image and four coordinates, and its score."""
    nodes: list[Blob] = [importer.add_of_dims(layer, [5])]
    if layer.outputs > 1:
        nodes.append(importer.add_layer(layer, OpaqueOp("Scores", shape_of([1])), *layer.inputs, part="score"))
    return nodes


@rules("boxannotatorohem", "anchortarget")
def labels(importer: CaffeImporter, layer: CaffeLayer) -> Sequence[Blob]:
    """Add nothing: what is chosen to be learned is a label."""
    return [None] * max(layer.outputs, 1)


def proposals_and_labels(importer: CaffeImporter, layer: CaffeLayer) -> list[Blob]:
    return [importer.add_of_dims(layer, [5]), None]


#: Layers of Faster R-CNN that are written in Python, in capitals.
IN_PYTHON: dict[str, Rule] = {
    "PROPOSALLAYER": proposals,
    "PROPOSALTARGETLAYER": proposals_and_labels,
    "ANCHORTARGETLAYER": labels,
}


@rules("python")
def python(importer: CaffeImporter, layer: CaffeLayer) -> int | Sequence[Blob]:
    """Add a layer that is written in Python: one of Faster R-CNN, a loss, else one of unknown figures."""
    name = layer.parameters("python_param").text("layer")
    if name.endswith(("LOSS", "LOSSLAYER")):
        return labels(importer, layer)
    if name.endswith("DROPOUTLAYER"):
        return importer.add_layer(layer, make("dropout"), layer.inputs[0])
    return IN_PYTHON[name](importer, layer) if name in IN_PYTHON else importer.add_unknown(layer)


# -- boxes ---------------------------------------------------------------------------------------------------


@rules("priorbox")
def prior_boxes(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the boxes of SSD for each place: four coordinates, and as many variances."""
    dims, given = importer.dims(layer.inputs[0]), layer.parameters("prior_box_param")
    if dims is None or len(dims) != 3:
        return importer.add_unknown(layer)
    return importer.add_of_dims(layer, [2, dims[1] * dims[2] * _boxes(given) * 4])


def _boxes(given: CaffeArguments) -> int:
    """Return the number of boxes for each place.

    One for each of the smallest sizes and each aspect ratio, the ratio of 1 among them, each of the others turned round
    as well; and one for each of the largest sizes.
    """
    ratios = [1.0]
    for scalar in given.message.scalars("aspect_ratio"):
        try:
            ratio = float(scalar.text)
        except ValueError:
            fail("E306", "an aspect ratio is no number", "not one", span=scalar.span)
        if ratio > 0 and all(abs(ratio - each) >= 1e-6 for each in ratios):
            ratios += [ratio, 1 / ratio] if given.flag("flip") else [ratio]
    smallest, largest = (len(given.message.scalars(name)) for name in ("min_size", "max_size"))
    return len(ratios) * smallest + largest


@rules("detectionoutput", "yolodetectionoutput", "yolov3detectionoutput")
def detections(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the boxes that are kept, whose number depends on the data: one, as Caffe itself takes it."""
    return importer.add_of_dims(layer, [1, 1, 7])


# -- optical flow --------------------------------------------------------------------------------------------


@rules.table({"correlation": 2, "correlation1d": 1})
def correlation(importer: CaffeImporter, layer: CaffeLayer, axes: int) -> int:
    """Add the products of the patches of one input with those of another that lie at most so far away."""
    given, dims = layer.parameters("correlation_param"), importer.dims(layer.inputs[0])
    if dims is None or len(dims) != 3:
        return importer.add_unknown(layer)
    kernel, reach, pad = given.integer("kernel_size"), given.integer("max_displacement"), given.integer("pad", 0, low=0)
    radius = (kernel - 1) // 2
    per_axis = reach // given.integer("stride_2", 1) * 2 + 1
    stride = given.integer("stride_1", 1)
    height = dims[1] + (2 * pad - 2 * (reach + radius) if axes == 2 else -2 * radius)
    width = dims[2] + 2 * pad - 2 * (reach + radius)
    output = [per_axis**axes, ceil_div(height, stride), ceil_div(width, stride)]
    macs = max(output[0] * output[1] * output[2], 0) * kernel * kernel * dims[0]
    return importer.add_of_dims(layer, output, macs=macs)


@rules("flowwarp")
def warp(importer: CaffeImporter, layer: CaffeLayer) -> int:
    dims = importer.dims(layer.inputs[0])
    return importer.add_unknown(layer) if dims is None else importer.add_of_dims(layer, dims)


@rules("channelnorm")
def channel_norm(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add the length of each position's vector of channels."""
    dims = importer.dims(layer.inputs[0])
    return importer.add_unknown(layer) if dims is None else importer.add_of_dims(layer, [1, *dims[1:]])


@rules("mean", "dataaugmentation", "flowaugmentation")
def augmentation(importer: CaffeImporter, layer: CaffeLayer) -> list[int]:
    """Add what is done to images before the network, each of its own size unless they are cropped."""
    given = layer.parameters("augmentation_param")
    crop = [given.integer(f"crop_{name}", 0, low=0) for name in ("height", "width")]
    nodes = []
    for number, source in enumerate(layer.inputs[: max(layer.outputs, 1)]):
        dims = importer.dims(source)
        if dims is None:
            return [importer.add_unknown(layer)]
        kind = OpaqueOp(layer.type, shape_of([dims[0], *crop] if all(crop) else dims))
        nodes.append(importer.add_layer(layer, kind, source, part="" if not number else f"input{number + 1}"))
    return nodes


# -- others --------------------------------------------------------------------------------------------------


@rules("deformableconvolution")
def deformable_convolution(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a convolution whose taps move by the offsets that a second input has."""
    x, given = importer.shape(layer.inputs[0]), layer.parameters_with("num_output")
    conv = make("conv", **given.read(CAFFE, "conv"))
    if x is None:
        return importer.add_unknown(layer)
    try:
        resolved = conv.resolve(x)
        y = resolved.infer((x,))
    except ShapeError:
        return importer.add_layer(layer, conv, layer.inputs[0])  # reports what is wrong
    blobs = [LearnableBlob(resolved.weights(x)), LearnableBlob(resolved.bias_weights(x))]
    return importer.add_of_dims(layer, [y.channels, *y.spatial], macs=resolved.multiply_adds(x, y), blobs=blobs)


@rules(
    "spatialproduct",
    "biaschannel",
    "adaptivebiaschannel",
    "densecrf",
    "domaintransform",
    "negrelu",
    "reverse",
    "maskpooling",
    "assistedexcitation",
)
def like_first(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add an operator without weights whose output is of its first input's shape."""
    shape = importer.shape(layer.inputs[0])
    if shape is None:
        return importer.add_unknown(layer)
    return importer.add_layer(layer, elementwise_op(layer.type, shape), *layer.inputs, blobs=())
