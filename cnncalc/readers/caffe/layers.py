"""The rules of Caffe's layer types, each of which converts a type to our layers.

https://github.com/BVLC/caffe, src/caffe/layers
"""

from __future__ import annotations

from math import prod
from typing import Any

from cnncalc.frameworks.caffe import CAFFE, ELEMENTWISE
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.pool import AvgPool
from cnncalc.readers.caffe.arguments import CaffeArguments, CaffeLayer, whole
from cnncalc.readers.caffe.blobs import LearnableBlob, shape_of
from cnncalc.readers.caffe.importer import Blob, CaffeImporter, plain_type, rules
from cnncalc.readers.importer import elementwise_op, make, symmetric_padding, unknown_op
from cnncalc.readers.pools import pool_of_size
from cnncalc.shape import Window, ceil_div

#: Kinds whose types mean our layer and nothing else, with the arguments of the table.
PLAIN = (
    "lrn", "relu6", "elu", "selu", "prelu", "silu", "mish", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus",
    "identity", "dropout", "shuffle",
)  # fmt: skip


@rules.table({plain_type(name): kind for kind in PLAIN for name in CAFFE.equivalent(kind).names})
def plain(importer: CaffeImporter, layer: CaffeLayer, kind: str) -> int:
    return importer.add_layer(layer, layer.make(kind), layer.inputs[0])


@rules(*map(plain_type, ELEMENTWISE))
def elementwise(importer: CaffeImporter, layer: CaffeLayer) -> int:
    shape = importer.shape(layer.inputs[0])
    if shape is None:
        return importer.add_unknown(layer)
    return importer.add_layer(layer, OpaqueOp(layer.type, shape, local=True), *layer.inputs)


# -- convolutions and pools ----------------------------------------------------------------------------------


@rules.table({plain_type(name): kind for kind in ("conv", "deconv") for name in CAFFE.equivalent(kind).names})
def convolution(importer: CaffeImporter, layer: CaffeLayer, kind: str) -> list[int]:
    """Add a convolution of each input, all with the same weights."""
    return _on_each_input(importer, layer, layer.make(kind))


@rules(*map(plain_type, CAFFE.equivalent("dwconv").names))
def depthwise(importer: CaffeImporter, layer: CaffeLayer) -> list[int]:
    """Add a convolution with as many groups as channels, whatever `group` says."""
    shape = importer.shape(layer.inputs[0])
    conv = layer.make("conv")
    return _on_each_input(importer, layer, conv.replace(groups=shape.channels) if shape else conv)


def _on_each_input(importer: CaffeImporter, layer: CaffeLayer, kind: Any) -> list[int]:
    first, *others = layer.inputs
    nodes = [importer.add_layer(layer, kind, first)]
    return nodes + [importer.add_layer(layer, kind, each, blobs=(LearnableBlob(0),), part="again") for each in others]


@rules("convolution3d", "deconvolution3d")
def convolution_of_volumes(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a convolution as C3D has it: `kernel_size` of the images, `kernel_depth` of the frames, and so on."""
    given = layer.parameters("convolution_param", "convolution3d_param")
    window = _volume_window(given)
    more = {
        "filters": given.integer("num_output"),
        "groups": given.integer("group", 1),
        "bias": given.flag("bias_term"),
    }
    kind = "conv" if plain_type(layer.type) == "convolution3d" else "deconv"
    return importer.add_layer(layer, make(kind, **window, **more), layer.inputs[0])


def _volume_window(given: CaffeArguments) -> dict[str, Any]:
    """Return the window of a layer of C3D, in which the depth comes first."""
    size, stride, pad = given.integer("kernel_size"), given.integer("stride", 1), given.integer("pad", 0, low=0)
    depth, step = given.integer("kernel_depth", 1), given.integer("temporal_stride", 1)
    return {
        "kernel": (depth, size, size),
        "stride": (step, stride, stride),
        "padding": symmetric_padding((given.integer("temporal_pad", 0, low=0), pad, pad)),
    }


def caffe_size(window: Window, n: int) -> int:
    """Return the positions of a pool's window: rounded up and, where there is padding, none that begins past the input.

    Without padding the last window may begin past the input, where the stride is over the window.
    """
    room = n + window.begin + window.end - window.extent
    size: int = ceil_div(room, window.stride) + 1
    padded = window.begin or window.end
    return size - 1 if padded and (size - 1) * window.stride >= n + window.begin else size


@rules("pooling", "pooling3d")
def pool(importer: CaffeImporter, layer: CaffeLayer) -> int | list[int]:
    """Add a pool; its second output, the mask of a max pool, is of the same shape."""
    given = layer.parameters("pooling_param", "pooling3d_param")
    largest = given.text("pool", "MAX") in ("MAX", "0")
    x = importer.shape(layer.inputs[0])
    if given.flag("global_pooling", default=False):
        return importer.add_layer(layer, make("gmp" if largest else "gap"), layer.inputs[0])
    kind = "pool" if largest else "avgpool"
    floor = given.text("round_mode", "CEIL") in ("FLOOR", "1") or not given.flag("ceil_mode")
    rounding = "floor" if floor else "ceil"
    if plain_type(layer.type) == "pooling3d":
        made = make(kind, rounding=rounding, **_volume_window(given))
    else:
        made = layer.make(kind, rounding=rounding)
    # It divides by the window's size, but for what is past the padding.
    if isinstance(made, AvgPool) and made.padding.mode != "valid":
        made = made.replace(countpad=True)
    return importer.add_layer(layer, pool_of_size(made, x, Window.size if floor else caffe_size), layer.inputs[0])


#: More levels than any image has: of the last, every bin is of one pixel.
MAX_LEVELS = 16


@rules("spp")
def pyramid(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a pyramid of pools: on level l into 2^l bins on each axis, padded to a multiple of it, all in one vector."""
    given, x = layer.parameters("spp_param"), importer.shape(layer.inputs[0])
    levels = given.integer("pyramid_height")
    if x is None:
        return importer.add_unknown(layer)
    kind = "pool" if given.text("pool", "MAX") in ("MAX", "0") else "avgpool"
    vectors = []
    for level in range(min(levels, MAX_LEVELS)):
        kernel = tuple([ceil_div(n, 2**level) for n in x.spatial])
        pads = [(size * 2**level - n + 1) // 2 for size, n in zip(kernel, x.spatial, strict=True)]
        bins = make(kind, kernel=kernel, padding=symmetric_padding(pads), rounding="ceil")
        alone = levels == 1
        node = importer.add_layer(
            layer, pool_of_size(bins, x, caffe_size), layer.inputs[0], part="" if alone else f"level{level + 1}"
        )
        if alone:
            return node
        vectors.append(importer.add_layer(layer, make("flatten"), node, part=f"flatten{level + 1}"))
    return importer.add_layer(layer, make("concat"), *vectors)


# -- fully connected layers ----------------------------------------------------------------------------------


@rules(*map(plain_type, CAFFE.equivalent("fc").names))
def inner_product(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a fully connected layer over all axes from `axis` on; on those before it, it works place by place."""
    dims = importer.dims(layer.inputs[0])
    given = layer.parameters("inner_product_param")
    axis = importer.axis(layer, given) if dims else 1
    if dims is None or axis == 1:
        return importer.add_layer(layer, layer.make("fc"), layer.inputs[0])
    if axis == 0:
        return importer.add_unknown(layer)
    units, kept, summed = given.integer("num_output"), dims[: axis - 1], prod(dims[axis - 1 :])
    blobs = [LearnableBlob(summed * units), *([LearnableBlob(units)] if given.flag("bias_term") else [])]
    return importer.add_of_dims(layer, [*kept, units], macs=prod(kept) * summed * units, blobs=blobs)


@rules("margininnerproduct", "largemargininnerproduct")
def margin_inner_product(importer: CaffeImporter, layer: CaffeLayer) -> list[Blob]:
    """Add the classifier of a loss that keeps classes apart (SphereFace): a vector of weights for each, and no bias."""
    units = layer.parameters_with("num_output").integer("num_output")
    return [importer.add_layer(layer, make("fc", units=units, bias=False), layer.inputs[0]), None]


@rules("embed")
def embed(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add an embedding: a row of the table for each index, along a new last axis, and a bias of its own."""
    given, dims = layer.parameters("embed_param"), importer.dims(layer.inputs[0])
    rows, length = given.integer("input_dim"), given.integer("num_output")
    blobs = [LearnableBlob(rows * length), *([LearnableBlob(length)] if given.flag("bias_term") else [])]
    if dims is None:
        return importer.add_layer(layer, unknown_op(layer.type), *layer.inputs, blobs=blobs)
    return importer.add_of_dims(layer, [*dims, length], blobs=blobs)


@rules("lstm", "rnn")
def recurrent(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a recurrent layer. Its steps are the first axis of its input, which is that of the batch if none is known.

    Then a sample is one step, of as many streams as the second axis has; else it has all steps, of its own stream.
    A step weighs its input (all axes from the third on) and the state. A third input, the same at all steps, is weighed
    as well. A plain RNN has an output layer of its own.
    """
    given, dims = layer.parameters("recurrent_param", "lstm_param"), importer.dims(layer.inputs[0])
    units = given.integer("num_output")
    if dims is None:
        return importer.add_unknown(layer)
    outer = dims[: 2 if importer.batch(layer.inputs[0]).axis is None else 1]
    steps, length = prod(outer), prod(dims[len(outer) :])
    gates = 4 if plain_type(layer.type) == "lstm" else 1
    weights = [gates * units * length]
    if len(layer.inputs) > 2 and not given.flag("expose_hidden", default=False):
        constant = importer.shape(layer.inputs[2])
        weights += [gates * units * constant.elements] if constant else []
    weights.append(gates * units * units)
    biases = [gates * units]
    if gates == 1:
        weights.append(units * units)
        biases.append(units)
    # The order of the blobs: the input's weights and biases first.
    blobs = [weights[0], biases[0], *weights[1:], *biases[1:]]
    return importer.add_of_dims(
        layer, [*outer, units], macs=steps * sum(weights), blobs=list(map(LearnableBlob, blobs))
    )


# -- norms and activations -----------------------------------------------------------------------------------


@rules("relu")
def relu(importer: CaffeImporter, layer: CaffeLayer) -> int:
    leaky = layer.parameters("relu_param").read(CAFFE, "leakyrelu")
    return importer.add_layer(layer, make("leakyrelu", **leaky) if leaky["slope"] else make("relu"), layer.inputs[0])


@rules("softmax", "softmaxwithloss", "softmaxloss", "softmaxwithlossohem")
def softmax(importer: CaffeImporter, layer: CaffeLayer) -> int:
    dims = importer.dims(layer.inputs[0])
    if dims is None or importer.axis(layer, layer.parameters("softmax_param")) == 1:
        return importer.add_layer(layer, make("softmax"), layer.inputs[0])
    return importer.add_layer(
        layer, OpaqueOp(layer.type, importer.shape(layer.inputs[0]), memory="in place"), *layer.inputs
    )


@rules("batchnorm")
def batch_norm(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a norm with a running mean and variance only; a `Scale` after it has the trained parameters.

    The scalar by which Caffe scales both is left out. NVIDIA's Caffe may have a weight and a bias in it.
    """
    given, dims = layer.parameters("batch_norm_param"), importer.dims(layer.inputs[0])
    affine = given.flag("scale_bias", default=False) or any(
        given.message.messages(name) for name in ("scale_filler", "bias_filler")
    )
    blobs = None
    if dims is not None:
        statistics = [LearnableBlob(dims[0], is_buffer=True)] * 2 + [LearnableBlob(0)]
        blobs = statistics + [LearnableBlob(dims[0])] * 2 * affine
    return importer.add_layer(layer, make("bn", affine=affine), layer.inputs[0], blobs=blobs)


@rules("bn")
def affine_batch_norm(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a norm with a weight and a bias: PSPNet's, with statistics, or SegNet's, without any."""
    given, dims = layer.parameters("bn_param"), importer.dims(layer.inputs[0])
    blobs = None
    if dims is not None:
        segnet = given.states("bn_mode") or any(
            given.message.messages(name) for name in ("scale_filler", "shift_filler")
        )
        blobs = [LearnableBlob(dims[0])] * 2 + [LearnableBlob(dims[0], is_buffer=True)] * 2 * (not segnet)
    kind = make("bn", trainable=not given.flag("frozen", default=False))
    return importer.add_layer(layer, kind, layer.inputs[0], blobs=blobs)


@rules("normalize")
def normalize(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add SSD's normalization, with a weight for each channel (or one for all).

    Each position is scaled to length 1 and then multiplied by the weight.
    """
    shape = importer.shape(layer.inputs[0])
    if shape is None:
        return importer.add_unknown(layer)
    shared = layer.parameters("norm_param").flag("channel_shared")
    blobs = [LearnableBlob(1 if shared else shape.channels)]
    return importer.add_layer(layer, elementwise_op(layer.type, shape), *layer.inputs, blobs=blobs)


@rules("parameter")
def parameter(importer: CaffeImporter, layer: CaffeLayer) -> int:
    """Add a tensor of weights that depends on no input."""
    stated = layer.parameters("parameter_param").message.message("shape").scalars("dim")
    dims = [whole(dim, "a dimension", low=1) for dim in stated]
    # Of what comes in nothing is read: any tensor serves. The net's inputs come first.
    if not importer.builder.nodes:
        return importer.add_of_dims(layer, dims, blobs=[LearnableBlob(prod(dims))])
    return importer.add_layer(layer, make("parameter", shape=shape_of(dims).dims), 0)
