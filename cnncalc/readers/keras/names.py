"""Other names for Keras's layers and arguments: those of Keras 1, of QKeras, and of packages that register layers.

https://faroit.com/keras-docs/1.2.2/
https://github.com/google/qkeras
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: Classes under another name → the class of Keras that is the same.
CLASSES = {
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconvolution3D": "Conv3DTranspose",
    "CuDNNLSTM": "LSTM",
    "CuDNNGRU": "GRU",
    "LSTMV2": "LSTM",
    "GRUV2": "GRU",
    "BatchNormalizationV1": "BatchNormalization",
    "BatchNormalizationV2": "BatchNormalization",
    "DenseV2": "Dense",
    "TimeDistributedDense": "Dense",
    "StochasticDepth": "DropPath",
    "FixedDropout": "Dropout",
    "Swish": "swish",
    "HardSwish": "hard_swish",
    "Mish": "mish",
    "GELU": "gelu",
    "Relu6": "relu6",
}

#: Arguments under another name → that of Keras 2 and 3.
ARGUMENTS = {
    "nb_filter": "filters",
    "output_dim": "units",
    "border_mode": "padding",
    "subsample": "strides",
    "subsample_length": "strides",
    "filter_length": "kernel_size",
    "bias": "use_bias",
    "atrous_rate": "dilation_rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "p": "rate",
    "sigma": "stddev",
    "inner_activation": "recurrent_activation",
    "length": "size",
}

#: The sizes of a kernel that Keras 1 gives one by one.
KERNELS = (("nb_row", "nb_col"), ("kernel_dim1", "kernel_dim2", "kernel_dim3"))

#: The orders of axes in Keras 1.
ORDERS = {"th": "channels_first", "tf": "channels_last"}

#: Classes that have an argument of such an old name today, and mean something else by it.
OWN_MEANING = dict.fromkeys(("Embedding", "ReversibleEmbedding"), ("output_dim",))


def current(class_name: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the class and arguments of a layer by the names of Keras 3, where it has the layer."""
    # A registered class has the name of its package in front: `Addons>GroupNormalization`.
    name = class_name.rpartition(">")[2] or class_name
    if name[:1] == "Q" and name[1:2].isupper():
        # QKeras quantizes the layer of the rest of the name.
        name = name[1:]
    own = OWN_MEANING.get(name, ())
    old = [key for key in values if key in ARGUMENTS and key not in own and ARGUMENTS[key] not in values]
    changed = {ARGUMENTS[key]: values[key] for key in old}
    for key in KERNELS:
        if key[0] in values and "kernel_size" not in values:
            changed["kernel_size"] = [values.get(each) for each in key]
    if values.get("dim_ordering") in ORDERS and "data_format" not in values:
        changed["data_format"] = ORDERS[values["dim_ordering"]]
    values = {**values, **changed} if changed else values
    if name.startswith("CuDNN"):
        # Two biases for each gate, and the gates of a GRU behind its product.
        values = {**values, "use_bias": True, "reset_after": True, "two_biases": True}
    return CLASSES.get(name, name), values
