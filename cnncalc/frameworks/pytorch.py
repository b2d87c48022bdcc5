"""PyTorch: modules of `torch.nn`, and the equivalent functions.

Names without `nn.` are modules that PyTorch lacks: `writers/runtime/pytorch.py` defines them.

    https://docs.pytorch.org/docs/stable/nn.html
"""

from __future__ import annotations

from cnncalc.frameworks.notation import (
    BIASES,
    CHANNELS_FIRST,
    FIRST,
    FLAG,
    IF_GIVEN,
    LAST_AXIS_FIRST,
    PER_AXIS,
    REAL,
    ROUNDS_UP,
    SECOND,
    SOME_AXES,
    SYMMETRIC,
    TWO_BIASES,
    UNLESS_ZERO,
    WHOLE,
    Notation,
    without_idle_countpad,
    words,
)
from cnncalc.frameworks.table import (
    REQUIRED,
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


def _activation(name: str, *functions: str, arguments: tuple[FrameworkArgument, ...] = ()) -> Equivalent:
    return Equivalent(f"nn.{name}", arguments=(*arguments, *ignored("inplace")), functions=functions)


IN_CHANNELS = argument("in_channels", Meaning.INPUT_CHANNELS)
FILTERS = argument("out_channels", "filters", WHOLE)
KERNEL = argument("kernel_size", "kernel", PER_AXIS)
STRIDE = argument("stride", notation=PER_AXIS, default=1)
PADDING = argument("padding", notation=SYMMETRIC, default=0)
DILATION = argument("dilation", notation=PER_AXIS, default=1)
GROUPS = argument("groups", notation=WHOLE, default=1)
BIAS = argument("bias", notation=FLAG, default=True)
CONV_END = ignored("padding_mode", "device", "dtype")
POOL = (KERNEL, argument("stride", notation=PER_AXIS, like="kernel_size"), PADDING)
CEIL_MODE = argument("ceil_mode", "rounding", ROUNDS_UP, False)
OUTPUT_SIZE = argument("output_size", "size", SOME_AXES)
FACTOR = argument("upscale_factor", "factor", WHOLE)
#: Channels come behind the batch; of a vector, the last axis is the same.
CHANNEL_DIM = argument("dim", Always(1, any_is_read=True), default=None)


def _norm(
    *names: str,
    channels: str = "num_features",
    affine: str = "affine",
    default: bool = True,
    before: tuple[FrameworkArgument, ...] = (),
    functions: tuple[str, ...] = (),
) -> Equivalent:
    arguments = (
        *before,
        argument(channels, Meaning.INPUT_CHANNELS),
        *ignored("eps", *(("momentum",) if channels == "num_features" else ())),
        argument(affine, "affine", FLAG, default),
        *ignored("track_running_stats", "device", "dtype"),
        # A norm with a weight alone is no layer of ours.
        argument("bias", Always(True, unless=affine), default=True),
    )
    return Equivalent(*names, arguments=arguments, functions=functions)


def _recurrent(name: str, *functions: str, nonlinearity: tuple[FrameworkArgument, ...] = ()) -> Equivalent:
    # Its module gives a tuple: `Recurrent` of `writers/runtime/pytorch.py` is around it.
    arguments = (
        argument("input_size", Meaning.INPUT_CHANNELS),
        argument("hidden_size", "units", WHOLE),
        argument("num_layers", "layers", WHOLE, 1),
        *nonlinearity,
        argument("bias", "biases", TWO_BIASES, True),
        argument("batch_first", Always(True, any_is_read=True), default=False),
        *ignored("dropout"),
        argument("bidirectional", notation=FLAG, default=False),
        argument("proj_size", Always(0), default=0),
        *ignored("device", "dtype"),
    )
    return Equivalent(f"nn.{name}", arguments=arguments, functions=functions)


PYTORCH = Framework(
    "PyTorch",
    {
        "input": Composed(),
        "conv": Equivalent(
            "nn.Conv{rank}d",
            "nn.LazyConv{rank}d",
            arguments=(
                IN_CHANNELS, FILTERS, KERNEL, STRIDE, PADDING, DILATION, GROUPS, BIAS, *CONV_END,
            ),
            functions=("conv{rank}d",),
        ),
        "dwconv": Equivalent(
            "nn.Conv{rank}d",
            arguments=(
                IN_CHANNELS, argument("out_channels", Meaning.OUTPUT_CHANNELS), KERNEL, STRIDE, PADDING, DILATION,
                argument("groups", Meaning.INPUT_CHANNELS, default=1, positional=False), BIAS, *CONV_END,
            ),
        ),
        "sepconv": Composed(),
        "deconv": Equivalent(
            "nn.ConvTranspose{rank}d",
            arguments=(
                IN_CHANNELS, FILTERS, KERNEL, STRIDE, PADDING,
                argument("output_padding", notation=PER_AXIS, default=0), GROUPS, BIAS, DILATION, *CONV_END,
            ),
            functions=("conv_transpose{rank}d",),
        ),
        "pool": Equivalent(
            "nn.MaxPool{rank}d",
            arguments=(*POOL, DILATION, *ignored("return_indices"), CEIL_MODE),
            functions=("max_pool{rank}d", "max_pool{rank}d_with_indices"),
        ),
        "avgpool": Equivalent(
            "nn.AvgPool{rank}d",
            arguments=(
                *POOL, CEIL_MODE, argument("count_include_pad", "countpad", FLAG, True), *ignored("divisor_override"),
            ),
            complete=without_idle_countpad,
            functions=("avg_pool{rank}d",),
        ),
        # Before the adaptive pools: at output size 1 they are these.
        "gap": Equivalent("nn.AdaptiveAvgPool{rank}d", arguments=(argument("output_size", Always(1)),)),
        "gmp": Equivalent("nn.AdaptiveMaxPool{rank}d", arguments=(argument("output_size", Always(1)),)),
        "adaptiveavgpool": Equivalent(
            "nn.AdaptiveAvgPool{rank}d", arguments=(OUTPUT_SIZE,), functions=("adaptive_avg_pool{rank}d",)
        ),
        "adaptivemaxpool": Equivalent(
            "nn.AdaptiveMaxPool{rank}d",
            arguments=(OUTPUT_SIZE, *ignored("return_indices")),
            functions=("adaptive_max_pool{rank}d",),
        ),
        "fc": Equivalent(
            "nn.Linear",
            "nn.LazyLinear",
            arguments=(
                argument("in_features", Meaning.INPUT_CHANNELS), argument("out_features", "units", WHOLE), BIAS,
                *ignored("device", "dtype"),
            ),
            functions=("linear",),
        ),
        "lstm": _recurrent("LSTM", "lstm"),
        "gru": _recurrent("GRU", "gru"),
        "rnn": _recurrent("RNN", "rnn_tanh", "rnn_relu", nonlinearity=ignored("nonlinearity")),
        # `writers/runtime/pytorch.py` has one, of two convolutions.
        "convlstm": Composed(("ConvLSTM",)),
        # Its output has the channels last: the class that goes along moves them.
        "rearrange": Composed(("Rearrange",), ("rearrange",)),
        "timewise": Composed(),
        "embedding": Equivalent(
            "Embedding",
            "nn.Embedding",
            arguments=(
                argument("num_embeddings", "table", FIRST), argument("embedding_dim", "table", SECOND),
                *ignored(
                    "padding_idx", "max_norm", "norm_type", "scale_grad_by_freq", "sparse", "_weight", "_freeze",
                    "device", "dtype",
                ),
            ),
        ),
        "parameter": Equivalent("LearntTensor", arguments=(argument("shape", notation=CHANNELS_FIRST),)),
        # `SelfAttention` of `writers/runtime/pytorch.py` goes along; its arguments begin as those of PyTorch's own.
        "attention": Equivalent(
            "SelfAttention",
            "nn.MultiheadAttention",
            arguments=(
                argument("embed_dim", Meaning.INPUT_CHANNELS), argument("num_heads", "heads", WHOLE),
                *ignored("dropout"), argument("bias", notation=BIASES, default=True),
                argument("add_bias_kv", Always(False), default=False),
                argument("add_zero_attn", Always(False), default=False),
                argument("kdim", Always(None), default=None), argument("vdim", Always(None), default=None),
                *ignored("batch_first", "device", "dtype"),
                argument("dim", default=None), argument("kv_heads", "kv", WHOLE, like="num_heads"),
                argument("value_dim", default=None, like="dim"), argument("window", notation=IF_GIVEN, default=None),
                argument("shift", notation=UNLESS_ZERO, default=None), argument("position", default="none"),
                argument("projection", notation=FLAG, default=True),
            ),
        ),
        "grn": Equivalent(
            "GlobalResponseNorm",
            arguments=(argument("channels", Meaning.INPUT_CHANNELS), argument("axes", Meaning.INPUT_RANK)),
        ),
        "bn": _norm("nn.BatchNorm{rank}d", "nn.SyncBatchNorm", "nn.LazyBatchNorm{rank}d", functions=("batch_norm",)),
        "ln": _norm(
            "nn.LayerNorm", channels="normalized_shape", affine="elementwise_affine", functions=("layer_norm",)
        ),
        "gn": _norm(
            "nn.GroupNorm",
            channels="num_channels",
            before=(argument("num_groups", "groups", WHOLE),),
            functions=("group_norm",),
        ),
        "instancenorm": _norm("nn.InstanceNorm{rank}d", default=False, functions=("instance_norm",)),
        "lrn": Equivalent(
            "nn.LocalResponseNorm",
            arguments=(argument("size", notation=WHOLE), *ignored("alpha", "beta", "k")),
            functions=("local_response_norm",),
        ),
        "scale": Equivalent(
            "Scale",
            arguments=(
                argument("channels", Meaning.INPUT_CHANNELS), argument("axes", Meaning.INPUT_RANK),
                argument("bias", notation=FLAG, default=False),
            ),
        ),
        "relu": _activation("ReLU", "relu"),
        "relu6": _activation("ReLU6", "relu6"),
        "selu": _activation("SELU", "selu"),
        "celu": _activation("CELU", "celu", arguments=ignored("alpha")),
        "gelu": _activation("GELU", "gelu", arguments=ignored("approximate")),
        "silu": _activation("SiLU", "silu"),
        "mish": _activation("Mish", "mish"),
        "sigmoid": _activation("Sigmoid", "sigmoid"),
        "hardsigmoid": _activation("Hardsigmoid", "hardsigmoid"),
        "hardswish": _activation("Hardswish", "hardswish"),
        "tanh": _activation("Tanh", "tanh"),
        "hardtanh": _activation(
            "Hardtanh",
            "hardtanh",
            arguments=(argument("min_val", Always(-1), default=-1), argument("max_val", Always(1), default=1)),
        ),
        "softplus": _activation("Softplus", "softplus", arguments=ignored("beta", "threshold")),
        "softsign": _activation("Softsign", "softsign"),
        "identity": _activation("Identity", "identity"),
        "softmax": _activation("Softmax", "softmax", arguments=(CHANNEL_DIM,)),
        "logsoftmax": _activation(
            "LogSoftmax", "log_softmax", arguments=(CHANNEL_DIM,)
        ),
        "leakyrelu": _activation(
            "LeakyReLU", "leaky_relu", arguments=(argument("negative_slope", "slope", REAL, 0.01),)
        ),
        "elu": _activation("ELU", "elu", arguments=(argument("alpha", notation=REAL, default=1),)),
        "prelu": _activation(
            "PReLU",
            "prelu",
            arguments=(
                argument("num_parameters", "shared", Notation(lambda shared: 1, lambda number: number == 1), 1),
                *ignored("init", "device", "dtype"),
            ),
        ),
        "dropout": Equivalent(
            "nn.Dropout",
            "nn.Dropout{rank}d",
            "nn.AlphaDropout",
            arguments=(argument("p", "rate", REAL, 0.5, positional=True), *ignored("inplace")),
            functions=("dropout", "feature_dropout", "alpha_dropout", "feature_alpha_dropout"),
        ),
        "droppath": Equivalent(
            "DropPath", "StochasticDepth", arguments=(argument("rate", notation=REAL),), functions=("stochastic_depth",)
        ),
        "upsample": Equivalent(
            "nn.Upsample",
            arguments=(
                *ignored("size"),
                argument("scale_factor", "factor", PER_AXIS, REQUIRED, positional=False),
                argument("mode", notation=words({"nearest": "nearest", "bilinear": "bilinear"}), default="nearest"),
                *ignored("align_corners", "recompute_scale_factor"),
            ),
            functions=("interpolate", "upsample"),
        ),
        # Behind `upsample`: with a factor it is that.
        "resize": Equivalent(
            "nn.Upsample",
            arguments=(
                argument("size", notation=PER_AXIS, positional=False),
                argument("scale_factor", Always(None), default=None),
                argument("mode", notation=words({"nearest": "nearest", "bilinear": "bilinear"}), default="nearest"),
                *ignored("align_corners", "recompute_scale_factor"),
            ),
            functions=("interpolate", "upsample"),
        ),
        "pixelunshuffle": Equivalent(
            "nn.PixelUnshuffle",
            arguments=(argument("downscale_factor", "factor", WHOLE),),
            functions=("pixel_unshuffle",),
        ),
        "unpool": NoEquivalent(
            "its unpooling takes the places that a max pool found, and a spec does not say which pool that is",
            "use `upsample`, or put nn.MaxUnpool into the code",
            ("nn.MaxUnpool{rank}d",),
        ),
        "pixelshuffle": Equivalent("nn.PixelShuffle", arguments=(FACTOR,), functions=("pixel_shuffle",)),
        "shuffle": Equivalent(
            "ChannelShuffle",
            "nn.ChannelShuffle",
            arguments=(argument("groups", notation=WHOLE),),
            functions=("channel_shuffle", "native_channel_shuffle"),
        ),
        "pad": Equivalent(
            "nn.ZeroPad{rank}d", "nn.ReflectionPad{rank}d", "nn.ReplicationPad{rank}d", "nn.ConstantPad{rank}d",
            "nn.CircularPad{rank}d",
            arguments=(argument("padding", "amount", LAST_AXIS_FIRST), *ignored("value")),
        ),
        "crop": Composed(),
        "slice": Composed(),
        "flatten": Equivalent(
            "nn.Flatten",
            arguments=(argument("start_dim", Always(1), default=1), argument("end_dim", Always(-1), default=-1)),
            functions=("flatten",),
        ),
        "reshape": Composed(functions=("reshape", "view")),
        "add": Composed(functions=("add",)),
        "mul": Composed(functions=("mul", "multiply")),
        "concat": Composed(functions=("cat", "concat", "concatenate")),
    },
    shared=("nn.AdaptiveAvgPool{rank}d", "nn.AdaptiveMaxPool{rank}d"),
    prefixes=("nn", "torch", "F", "functional"),
    activations={
        name: name
        for name in ("relu", "relu6", "selu", "celu", "gelu", "silu", "mish", "sigmoid", "tanh", "hardswish", "softmax")
    },
    common=ignored("inplace", "device", "dtype", "name"),
)  # fmt: skip
