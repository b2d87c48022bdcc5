"""ncnn's layers with a sliding window: convolutions, pools, and reductions of whole axes."""

from __future__ import annotations

from math import prod

from cnncalc.frameworks.ncnn import NCNN
from cnncalc.graph import StoredWeights
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.importer import explicit_padding, make
from cnncalc.readers.ncnn.importer import NcnnImporter, rules
from cnncalc.readers.ncnn.param import OPEN, NcnnLayer
from cnncalc.readers.operands import Operands, Outputs
from cnncalc.readers.shape_inference import Dims, ShapeMismatchError, axes_of, text
from cnncalc.readers.tensor_importer import output_and_macs
from cnncalc.readers.tensors import Tensor, sample_shape
from cnncalc.readers.windows import WindowArguments, cropped_to
from cnncalc.readers.windows import pool as add_pool
from cnncalc.shape import Padding, Window

#: In place of a number of rows: padding by rule, with the larger half at the end or at the beginning.
SAME_UPPER, SAME_LOWER = -233, -234

#: Pools by the number of their type.
POOLS = {0: "pool", 1: "avgpool"}
GLOBAL_POOLS = {0: "gmp", 1: "gap"}
ADAPTIVE_POOLS = {0: "adaptivemaxpool", 1: "adaptiveavgpool"}

#: Reductions that are global pools where they go over all of space, by number.
REDUCTIONS = {3: "gap", 4: "gmp"}


def axes_of_window(layer: NcnnLayer) -> int:
    """Return the number of spatial axes that a layer's type is for: 1 or 3 by its name, else 2."""
    return int(layer.type[-2]) if layer.type.endswith(("1D", "3D")) else 2


def spatial_input(importer: NcnnImporter, layer: NcnnLayer, x: Tensor, rank: int) -> Tensor:
    """Return the input channels first; a vector has one position.

    Raises `ShapeMismatchError` if it has other spatial axes than the layer.
    """
    dims = x.known_dims
    if len(dims) == 2:
        x = importer.of_rank(layer, x, rank + 2)
    elif len(dims) != rank + 2:
        raise ShapeMismatchError(f"it takes {rank} spatial axes, and its input is {text(dims[1:])}")
    return importer.with_channels(layer, x, 1)


def window_of(layer: NcnnLayer, rank: int, spatial: Dims) -> WindowArguments:
    """Return the window of a layer with its padding: in numbers, or by a rule that `pad_begin` names."""
    kernel, stride = layer.integers("kernel", rank), layer.integers("stride", rank, 1)
    dilation = (1,) * rank if layer.type.startswith("Pooling") else layer.integers("dilation", rank, 1)
    given = WindowArguments(kernel, stride, dilation, Padding("valid"))
    begins, ends = _ends(layer, rank)
    if SAME_UPPER in begins:
        return given._replace(padding=Padding("same"))
    if SAME_LOWER in begins:
        return given.same_lower(spatial)
    if min(*begins, *ends) < 0:
        raise ShapeMismatchError(f"its padding is {list(begins)} and {list(ends)}")
    return given._replace(padding=explicit_padding(list(zip(begins, ends, strict=True))))


def _ends(layer: NcnnLayer, rank: int) -> tuple[Dims, Dims]:
    """Return the padding at the beginning and at the end of each axis; an end is like the beginning by default."""
    begins = layer.integers("pad_begin", rank, 0, low=SAME_LOWER)
    stated = layer.integers("pad_end", rank, MAX_INTEGER - 1, low=SAME_LOWER)
    # The end of an axis that states none is that of its own beginning.
    return begins, tuple(b if end == MAX_INTEGER - 1 else end for b, end in zip(begins, stated, strict=True))


def weights_of_convolution(layer: NcnnLayer, channels: int, groups: int, kernel: Dims) -> tuple[int, StoredWeights]:
    """Return the filters and the weights of a convolution; raises `ShapeMismatchError` if their number does not fit."""
    filters, size = layer.integer("num_output"), layer.integer("weight_data_size", 0, low=0)
    if channels % groups or filters % groups:
        raise ShapeMismatchError(f"{channels} channels and {filters} filters do not divide into {groups} groups")
    wanted = filters * (channels // groups) * prod(kernel)
    if size not in (0, wanted):
        window = text((*kernel, channels // groups, filters))
        raise ShapeMismatchError(f"it holds {size:,} weights, and its input takes {window} = {wanted:,}")
    bias = filters if layer.flag("bias_term", default=False) else 0
    return filters, StoredWeights(0 if layer.flag("dynamic_weight", default=False) else wanted + bias)


@rules(*NCNN.equivalent("conv").names, *NCNN.equivalent("dwconv").names)
def conv(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a convolution and its activation; only the depth-wise types have groups."""
    rank = axes_of_window(layer)
    x = spatial_input(importer, layer, operands.tensor(0), rank)
    channels, *spatial = x.known_dims[1:]
    groups = layer.integer("group", 1) if "DepthWise" in layer.type else 1
    given = window_of(layer, rank, tuple(spatial))
    filters, stored = weights_of_convolution(layer, channels, groups, given.kernel)
    bias = layer.flag("bias_term", default=False)
    weight = (filters, channels // groups, *given.kernel)
    y = importer.convolution(layer, x, weight, groups, stored, bias=bias, **given._asdict())
    return importer.activation(layer, y)


@rules(*NCNN.equivalent("deconv").names)
def deconv(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    rank = axes_of_window(layer)
    x = spatial_input(importer, layer, operands.tensor(0), rank)
    channels, *spatial = x.known_dims[1:]
    groups = layer.integer("group", 1) if "DepthWise" in layer.type else 1
    kernel, stride = layer.integers("kernel", rank), layer.integers("stride", rank, 1)
    given = WindowArguments(kernel, stride, layer.integers("dilation", rank, 1), Padding("valid"))
    more: tuple[int, ...] = layer.integers("output_pad", 2 if rank == 2 else rank, 0, low=0)
    begins, ends = _ends(layer, rank)
    wanted = layer.integers("output_size", rank, 0, low=0) if rank < 3 or layer.states("output_size") else (0,) * rank
    if max(*begins, *ends) > 0:
        positive = zip((max(each, 0) for each in begins), (max(each, 0) for each in ends), strict=True)
        given = given._replace(padding=explicit_padding(list(positive)))
    elif min(wanted) > 0 and min(begins) < 0:
        given, more = cropped_to(wanted, tuple(spatial), given, more, larger_first=SAME_LOWER in begins)
    filters, stored = weights_of_convolution(layer, channels, groups, kernel)
    bias = layer.flag("bias_term", default=False)
    arguments = {"groups": groups, "filters": filters, "output_padding": more, "bias": bias, **given._asdict()}
    return importer.activation(layer, importer.layer(layer, "deconv", x, stored, **arguments))


@rules("DeformableConv2D")
def deformable(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an opaque operator with the size and cost of a `conv`, which samples its input at computed offsets."""
    x = spatial_input(importer, layer, operands.tensor(0), 2)
    channels, *spatial = x.known_dims[1:]
    given = window_of(layer, 2, tuple(spatial))
    filters, stored = weights_of_convolution(layer, channels, 1, given.kernel)
    bias = layer.flag("bias_term", default=False)
    shape, macs = output_and_macs(
        make("conv", filters=filters, bias=bias, **given._asdict()), sample_shape(x.known_dims, 1)
    )
    y = importer.opaque(layer, (1, filters, *shape.spatial), operands.tensors, 1, stored, macs=macs)
    return importer.activation(layer, y)


@rules("Unfold")
def unfold(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an operator that lays out every window as a column: a matrix of the window's elements and its positions."""
    x = spatial_input(importer, layer, operands.tensor(0), 2)
    channels, *spatial = x.known_dims[1:]
    given = window_of(layer, 2, tuple(spatial))
    sizes = _sizes(given.windows(tuple(spatial)), tuple(spatial))
    if min(sizes) < 1:
        raise ShapeMismatchError(f"its window does not fit in {text(tuple(spatial))}")
    return importer.opaque(layer, (1, channels * prod(given.kernel), prod(sizes)), [x], 1)


@rules("Pooling", "Pooling1D", "Pooling3D")
def pool(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    rank = axes_of_window(layer)
    x = spatial_input(importer, layer, operands.tensor(0), rank)
    spatial = x.known_dims[2:]
    number = layer.integer("pooling_type", 0, low=0)
    if layer.flag("global_pooling", default=False):
        # Its output is a vector, which stands for itself and for an image of one position: axes of 1 stay.
        return importer.reduce(layer, x, x.spatial_axes, True, GLOBAL_POOLS.get(number))
    if layer.flag("adaptive_pooling", default=False):
        sizes = layer.integers("output_size", rank, 0, low=OPEN)
        wanted = tuple(n if size == OPEN else size for size, n in zip(sizes, spatial, strict=True))
        kind = ADAPTIVE_POOLS.get(number)
        if wanted == spatial:
            return x
        if min(wanted) < 1:
            raise ShapeMismatchError(f"its output would be {text(wanted)}")
        if kind is None:
            return importer.opaque(layer, (*x.known_dims[:2], *wanted), [x], 1)
        if set(wanted) == {1}:
            return importer.reduce(layer, x, x.spatial_axes, True, GLOBAL_POOLS.get(number))
        return importer.layer(layer, kind, x, size=wanted)
    mode = layer.integer("pad_mode", 0, low=0)
    given = window_of(layer, rank, spatial)
    if mode == 2:
        given = given._replace(padding=Padding("same"))
    elif mode == 3:
        given = given.same_lower(spatial)
    countpad = layer.flag("count_pad", default=False)
    given, ceil = _rounded(given, spatial, mode == 0)
    return add_pool(importer, layer, x, POOLS.get(number), given, ceil=ceil, countpad=countpad)


def _rounded(given: WindowArguments, spatial: Dims, up: bool) -> tuple[WindowArguments, bool]:
    """Return a pool's window, and whether its size is rounded up.

    ncnn rounds up by padding the end, and keeps a last window that lies in the padding; where ours leaves that out,
    the padding is written in numbers.
    """
    if not up:
        return given, False
    floor, ceil = given.windows(spatial), given.windows(spatial, ceil=True)
    ends = []
    for window, n in zip(floor, spatial, strict=True):
        rest = (n + window.begin + window.end - window.extent) % window.stride
        ends.append((window.begin, window.end + (window.stride - rest if rest else 0)))
    padded = given._replace(padding=explicit_padding(ends))
    down, clipped, wanted = (_sizes(windows, spatial) for windows in (floor, ceil, padded.windows(spatial)))
    return (given, wanted != down) if clipped == wanted else (padded, False)


def _sizes(windows: list[Window], spatial: Dims) -> list[int]:
    return [window.size(n) for window, n in zip(windows, spatial, strict=True)]


@rules("Reduction")
def reduction(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    x = operands.tensor(0)
    rank = len(x.known_dims) - 1
    axes = layer.whole_array("axes")
    everything = layer.flag("reduce_all", default=True) or not axes
    taken = tuple(axis + 1 for axis in axes_of(None if everything else axes, rank))
    kind = REDUCTIONS.get(layer.integer("operation", 0, low=0))
    y = importer.reduce(layer, x, taken, layer.flag("keepdims", default=False), kind)
    return y if len(y.known_dims) > 1 else y._replace(dims=(1, 1))


@rules("SPP")
def pyramid(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add a spatial pyramid: of each channel 1, 4, 16, … numbers, as one vector."""
    x, height = importer.with_channels(layer, operands.tensor(0), 1), layer.integer("pyramid_height", 1)
    if height > 10:
        raise ShapeMismatchError(f"its pyramid has {height} levels")
    return importer.opaque(layer, (1, x.known_dims[1] * sum(4**level for level in range(height))), [x], 1)


@rules("StatisticsPooling")
def statistics(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add the mean of each channel and, if asked for, its deviation."""
    x = importer.with_channels(layer, operands.tensor(0), 1)
    if not layer.flag("include_stddev", default=False):
        return importer.reduce(layer, x, x.spatial_axes, True, "gap")
    return importer.opaque(layer, (1, 2 * x.known_dims[1], *[1] * len(x.spatial_axes)), [x], 1)


@rules("ROIPooling", "ROIAlign", "PSROIPooling")
def regions(importer: NcnnImporter, layer: NcnnLayer, operands: Operands) -> Outputs:
    """Add an operator that makes a small map of a region of interest."""
    x = importer.with_channels(layer, operands.tensor(0), 1)
    size = layer.integer("pooled_height", 7), layer.integer("pooled_width", 7)
    channels = layer.integer("output_dim") if layer.type == "PSROIPooling" else x.known_dims[1]
    return importer.opaque(layer, (1, channels, *size), operands.tensors, 1)
