"""Keras 3: the layers of `keras.layers`.

Names without `layers.` are layers that Keras lacks: `writers/runtime/keras.py` defines them.

    https://keras.io/api/layers/
"""

from __future__ import annotations

from typing import Any

from cnncalc.frameworks.notation import (
    AXIS_BY_AXIS,
    AXIS_CHANNELS_LAST,
    BIASES,
    BY_RULE,
    FIRST,
    FLAG,
    IF_GIVEN,
    PER_AXIS,
    REAL,
    RULE_OR_CAUSAL,
    SECOND,
    SIZES,
    SOME_AXES,
    TWO_BIASES,
    UNLESS_ZERO,
    WHOLE,
    Notation,
    words,
)
from cnncalc.frameworks.table import (
    Always,
    Composed,
    Equivalent,
    Framework,
    FrameworkArgument,
    Meaning,
    NoEquivalent,
    argument,
    ignored,
)

#: Words for activations, and our kinds; a kind's first word is written. `linear` is no activation.
ACTIVATIONS: dict[str, str | None] = {
    "relu": "relu", "relu6": "relu6", "sigmoid": "sigmoid", "tanh": "tanh", "softmax": "softmax", "elu": "elu",
    "selu": "selu", "celu": "celu", "gelu": "gelu", "silu": "silu", "swish": "silu", "mish": "mish",
    "softplus": "softplus", "softsign": "softsign", "hard_sigmoid": "hardsigmoid", "hard_swish": "hardswish",
    "hard_silu": "hardswish", "leaky_relu": "leakyrelu", "log_softmax": "logsoftmax", "hard_tanh": "hardtanh",
    "linear": None,
}  # fmt: skip


def _activation(word: str, *names: str) -> Equivalent:
    """Return the row of an activation that is a word of `layers.Activation`, or a layer of its own."""
    return Equivalent("layers.Activation", *names, arguments=(argument("activation", Always(word)),), functions=(word,))


#: The epsilon of the norms, which is PyTorch's and ONNX's as well.
EPSILON = 1e-5


def _norm_values(values: dict[str, Any]) -> dict[str, Any]:
    """Return our arguments for `center` and `scale`.

    Without both, the norm has no weights. A norm with a scale but no bias has no equivalent here.
    """
    if not values["affine"]:
        if values["scale"]:
            raise ValueError("a norm with a weight and no bias is no layer here")
        values["scale"] = True
    return values


def _norm(*names: str, before: tuple[FrameworkArgument, ...] = (), momentum: tuple[str, ...] = ()) -> Equivalent:
    affine = argument("center", "affine", FLAG, True), argument("scale", notation=FLAG, default=True)
    # A norm's epsilon changes no size and no count, so any is read.
    epsilon = argument("epsilon", Always(EPSILON, any_is_read=True), default=1e-3)
    arguments = (*before, *ignored("axis", *momentum), epsilon, *affine)
    return Equivalent(*names, arguments=arguments, complete=_norm_values)


KERNEL = argument("kernel_size", "kernel", PER_AXIS)
STRIDES = argument("strides", "stride", PER_AXIS, 1)
PADDING = argument("padding", notation=BY_RULE, default="valid")
CONV_PADDING = argument("padding", notation=RULE_OR_CAUSAL, default="valid")
FORMAT = ignored("data_format")
DILATION = argument("dilation_rate", "dilation", PER_AXIS, 1)
MULTIPLIER = argument("depth_multiplier", "multiplier", WHOLE, 1)
FILTERS = argument("filters", notation=WHOLE)
ACTIVATION = argument("activation", Meaning.ACTIVATION, default=None)
USE_BIAS = argument("use_bias", "bias", FLAG, True)
POOL = (
    argument("pool_size", "kernel", PER_AXIS, 2, positional=True),
    argument("strides", "stride", PER_AXIS, like="pool_size"),
    PADDING,
    *FORMAT,
)
GLOBAL = (*FORMAT, argument("keepdims", Meaning.KEEPS_AXES, default=False))
ADAPTIVE = (argument("output_size", "size", SOME_AXES), *FORMAT)


#: A gate of an LSTM or a SimpleRNN has one bias or none; that of a GRU that resets behind its product has two.
ONE_BIAS = Notation(bool, int)
#: The whole sequence, or the last state.
RETURN_SEQUENCES = argument(
    "return_sequences", "last", Notation(lambda last: not last, lambda sequences: not sequences), False
)
RECURRENT_END = (
    *ignored("dropout", "recurrent_dropout", "seed"), RETURN_SEQUENCES,
    *ignored("return_state", "go_backwards", "stateful", "unroll", "use_cudnn", "zero_output_for_mask"),
)  # fmt: skip


def _recurrent(name: str, biases: Notation, *own: str, gated: bool = True) -> Equivalent:
    arguments = (
        argument("units", notation=WHOLE),
        *ignored("activation", *(("recurrent_activation",) if gated else ())),
        argument("use_bias", "biases", biases, True),
        *RECURRENT_END,
        *ignored(*own),
    )
    return Equivalent(f"layers.{name}", arguments=arguments)


def _of_all_heads(values: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of attention, whose sizes are of one head in Keras."""
    return {name: value * values["heads"] if name in ("dim", "value_dim") else value for name, value in values.items()}


KERAS = Framework(
    "Keras",
    {
        "input": Equivalent(
            "keras.Input", "layers.Input", "layers.InputLayer", arguments=(argument("shape", notation=SIZES),)
        ),
        "conv": Equivalent(
            "layers.Conv{rank}D",
            "layers.Convolution{rank}D",
            arguments=(
                FILTERS, KERNEL, STRIDES, CONV_PADDING, *FORMAT, DILATION,
                argument("groups", notation=WHOLE, default=1),
                ACTIVATION, USE_BIAS,
            ),
        ),
        "dwconv": Equivalent(
            "layers.DepthwiseConv{rank}D",
            arguments=(KERNEL, STRIDES, CONV_PADDING, MULTIPLIER, *FORMAT, DILATION, ACTIVATION, USE_BIAS),
        ),
        "sepconv": Equivalent(
            "layers.SeparableConv{rank}D",
            "layers.SeparableConvolution{rank}D",
            arguments=(FILTERS, KERNEL, STRIDES, CONV_PADDING, *FORMAT, DILATION, MULTIPLIER, ACTIVATION, USE_BIAS),
        ),
        "deconv": Equivalent(
            "layers.Conv{rank}DTranspose",
            "layers.Convolution{rank}DTranspose",
            arguments=(
                FILTERS, KERNEL, STRIDES, PADDING, argument("output_padding", notation=PER_AXIS, default=None),
                *FORMAT, DILATION, ACTIVATION, USE_BIAS,
            ),
        ),
        "pool": Equivalent("layers.MaxPooling{rank}D", "layers.MaxPool{rank}D", arguments=POOL),
        "avgpool": Equivalent("layers.AveragePooling{rank}D", "layers.AvgPool{rank}D", arguments=POOL),
        "gap": Equivalent(
            "layers.GlobalAveragePooling{rank}D", "layers.GlobalAvgPool{rank}D", arguments=GLOBAL
        ),
        "gmp": Equivalent("layers.GlobalMaxPooling{rank}D", "layers.GlobalMaxPool{rank}D", arguments=GLOBAL),
        "adaptiveavgpool": Equivalent("layers.AdaptiveAveragePooling{rank}D", arguments=ADAPTIVE),
        "adaptivemaxpool": Equivalent("layers.AdaptiveMaxPooling{rank}D", arguments=ADAPTIVE),
        "fc": Equivalent("layers.Dense", arguments=(argument("units", notation=WHOLE), ACTIVATION, USE_BIAS)),
        "lstm": _recurrent("LSTM", ONE_BIAS, "unit_forget_bias"),
        "gru": _recurrent("GRU", TWO_BIASES, "reset_after"),
        "rnn": _recurrent("SimpleRNN", ONE_BIAS, gated=False),
        # Its rank is that of the convolution: the steps are one axis more.
        "convlstm": Equivalent(
            "layers.ConvLSTM{rank}D",
            arguments=(
                FILTERS, KERNEL, STRIDES, PADDING, *FORMAT, DILATION, *ignored("activation", "recurrent_activation"),
                USE_BIAS, *ignored("unit_forget_bias"), *RECURRENT_END,
            ),
        ),
        "rearrange": Composed(),
        "timewise": Composed(("layers.TimeDistributed",)),
        "embedding": Equivalent(
            "layers.Embedding",
            arguments=(
                argument("input_dim", "table", FIRST), argument("output_dim", "table", SECOND),
                *ignored("mask_zero", "input_length", "weights", "lora_rank", "lora_alpha"),
            ),
        ),
        "parameter": Equivalent("LearntTensor", arguments=(argument("shape", notation=SIZES),)),
        # `SelfAttention` of `writers/runtime/keras.py` goes along; its arguments begin as those of Keras's own.
        "attention": Equivalent(
            "SelfAttention",
            "layers.MultiHeadAttention",
            arguments=(
                argument("num_heads", "heads", WHOLE), argument("key_dim", "dim", default=None, positional=True),
                argument("value_dim", default=None, like="key_dim"), *ignored("dropout"),
                argument("use_bias", "bias", BIASES, True), argument("output_shape", Always(None), default=None),
                argument("attention_axes", Always(None), default=None), *ignored("flash_attention", "seed"),
                argument("kv_heads", "kv", WHOLE, like="num_heads"),
                argument("window", notation=IF_GIVEN, default=None),
                argument("shift", notation=UNLESS_ZERO, default=None),
                argument("position", default="none"), argument("projection", notation=FLAG, default=True),
            ),
            complete=_of_all_heads,
        ),
        "grn": Equivalent("GlobalResponseNorm"),
        "bn": _norm("layers.BatchNormalization", "layers.SyncBatchNormalization", momentum=("momentum",)),
        "ln": _norm("layers.LayerNormalization"),
        "gn": _norm("layers.GroupNormalization", before=(argument("groups", notation=WHOLE, default=32),)),
        # A group norm with as many groups as channels.
        "instancenorm": _norm("layers.GroupNormalization", before=(argument("groups", Always(-1), default=32),)),
        "lrn": Equivalent("LocalResponseNorm", arguments=(argument("size", notation=WHOLE),)),
        "scale": Equivalent("Scale", arguments=(argument("bias", notation=FLAG, default=False),)),
        "relu": Equivalent(
            "layers.ReLU", arguments=ignored("max_value", "negative_slope", "threshold"), functions=("relu",)
        ),
        "relu6": _activation("relu6"),
        "selu": _activation("selu"),
        "celu": _activation("celu"),
        "gelu": _activation("gelu"),
        "silu": _activation("silu"),
        "mish": _activation("mish"),
        "sigmoid": _activation("sigmoid"),
        "hardsigmoid": _activation("hard_sigmoid"),
        "hardswish": _activation("hard_swish"),
        "tanh": _activation("tanh"),
        "hardtanh": _activation("hard_tanh"),
        "softplus": _activation("softplus"),
        "softsign": _activation("softsign"),
        "softmax": Equivalent(
            "layers.Activation", "layers.Softmax",
            arguments=(argument("activation", Always("softmax"), default=None, positional=True), *ignored("axis")),
            functions=("softmax",),
        ),
        "logsoftmax": _activation("log_softmax"),
        "identity": Equivalent("layers.Identity", "layers.Activation", arguments=(ACTIVATION,)),
        "leakyrelu": Equivalent(
            "layers.LeakyReLU", arguments=(argument("negative_slope", "slope", REAL, 0.3),), functions=("leaky_relu",)
        ),
        "elu": Equivalent(
            "layers.ELU", arguments=(argument("alpha", notation=REAL, default=1),), functions=("elu",)
        ),
        "prelu": Equivalent(
            "layers.PReLU",
            arguments=ignored("alpha_initializer", "alpha_regularizer", "alpha_constraint", "shared_axes"),
        ),
        "dropout": Equivalent(
            "layers.Dropout", "layers.SpatialDropout{rank}D", "layers.AlphaDropout", "layers.GaussianDropout",
            arguments=(argument("rate", notation=REAL), *ignored("noise_shape", "seed")),
        ),
        "droppath": Composed(),
        "upsample": Equivalent(
            "layers.UpSampling{rank}D",
            arguments=(
                argument("size", "factor", PER_AXIS, 2, positional=True), *FORMAT,
                argument("interpolation", "mode", words({"nearest": "nearest", "bilinear": "bilinear"}), "nearest"),
            ),
        ),
        # `layers.Resizing` is for two axes alone, and its nearest element is another one in some backends.
        "resize": Equivalent(
            "Resize",
            arguments=(
                argument("size", notation=SIZES),
                argument("interpolation", "mode", words({"nearest": "nearest", "bilinear": "bilinear"}), "nearest"),
            ),
        ),
        "pixelunshuffle": Equivalent("PixelUnshuffle", arguments=(argument("factor", notation=WHOLE),)),
        "unpool": NoEquivalent("it has no layer that undoes a max pool", "use `upsample`"),
        "pixelshuffle": Equivalent("PixelShuffle", arguments=(argument("factor", notation=WHOLE),)),
        "shuffle": Equivalent("ChannelShuffle", arguments=(argument("groups", notation=WHOLE),)),
        "pad": Equivalent(
            "layers.ZeroPadding{rank}D",
            arguments=(argument("padding", "amount", AXIS_BY_AXIS, 1, positional=True), *FORMAT),
        ),
        "crop": Equivalent(
            "layers.Cropping{rank}D",
            arguments=(argument("cropping", "amount", AXIS_BY_AXIS, 1, positional=True), *FORMAT),
        ),
        "slice": Composed(),
        "flatten": Equivalent("layers.Flatten", arguments=FORMAT),
        "reshape": Equivalent("layers.Reshape", arguments=(argument("target_shape", "shape", SIZES),)),
        "add": Equivalent("layers.Add", functions=("add",)),
        "mul": Equivalent("layers.Multiply", functions=("multiply",)),
        "concat": Equivalent(
            "layers.Concatenate",
            arguments=(argument("axis", notation=AXIS_CHANNELS_LAST, default=-1),),
            functions=("concatenate",),
        ),
    },
    prefixes=("layers", "keras", "tf", "ops", "activations"),
    activations=ACTIVATIONS,
    common=(
        *ignored("name", "dtype", "trainable", "activity_regularizer", "data_format", "batch_size"),
        argument("input_shape", Meaning.INPUT_SHAPE, SIZES, None),
    ),
    shared=("layers.Activation",),
    common_suffixes=("_initializer", "_regularizer", "_constraint"),
)  # fmt: skip
