"""Layers of Keras's older versions and of packages, with figures by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Any, NamedTuple

Config = dict[str, Any]


class Kind(NamedTuple):
    """A layer's class, its configuration, the shapes of its inputs, and what Keras makes of it.

    `weights` are the parameters and the buffers.
    """

    class_name: str
    config: Config
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    weights: tuple[int, int] = (0, 0)
    macs: int = 0


IMAGE, STEPS, VECTOR = (8, 9, 6), (7, 6), (6,)
INNER = {"class_name": "Conv2D", "config": {"name": "c", "filters": 4, "kernel_size": [3, 3]}}


def cells(*kinds: tuple[str, int]) -> Config:
    made = [{"class_name": kind, "config": {"name": kind, "units": units}} for kind, units in kinds]
    return {"class_name": "StackedRNNCells", "config": {"cells": made}} if len(made) > 1 else made[0]


KINDS = [
    # Keras 1: 3·2 windows of 6 channels for 5 filters, and biases; 6·8 positions.
    Kind(
        "Convolution2D",
        {"nb_filter": 5, "nb_row": 3, "nb_col": 2, "border_mode": "valid", "subsample": [1, 1], "bias": True},
        (IMAGE,),
        (6, 8, 5),
        (185, 0),
        48 * 180,
    ),
    Kind(
        "AtrousConvolution2D",
        {"nb_filter": 2, "nb_row": 3, "nb_col": 3, "atrous_rate": [2, 2], "bias": False},
        (IMAGE,),
        (4, 5, 2),
        (108, 0),
        20 * 108,
    ),
    Kind("Convolution1D", {"nb_filter": 4, "filter_length": 3, "border_mode": "same"}, (STEPS,), (7, 4), (76, 0), 504),
    Kind("MaxPooling1D", {"pool_length": 2, "stride": 2, "border_mode": "valid"}, (STEPS,), (3, 6)),
    Kind("Dense", {"output_dim": 4, "activation": "relu"}, (VECTOR,), (4,), (28, 0), 24),
    # In each of 3 features 6·4 + 4.
    Kind("MaxoutDense", {"output_dim": 4, "nb_feature": 3}, (VECTOR,), (4,), (84, 0), 72),
    # Two matrices of 6·6 and two biases of 6.
    Kind("Highway", {}, (VECTOR,), (6,), (84, 0), 72),
    Kind("Dropout", {"p": 0.25}, (VECTOR,), (6,)),
    Kind("ZeroPadding2D", {"padding": [1, 2, 0, 3]}, (IMAGE,), (11, 12, 6)),
    # 3 gates of 5 units weigh 6 channels and 5 units, with one bias each.
    Kind(
        "GRU",
        {"output_dim": 5, "inner_activation": "sigmoid", "inner_init": "orthogonal"},
        (STEPS,),
        (5,),
        (180, 0),
        1155,
    ),
    # Four numbers for each of 8·9·6 elements.
    Kind("SReLU", {}, (IMAGE,), IMAGE, (4 * 432, 0)),
    Kind("PReLU", {"shared_axes": [1, 2]}, (IMAGE,), IMAGE, (6, 0)),
    # Keras 2: 3 positions of 3x2 windows of its own each: 3·8·(3·2·6·4), no biases.
    Kind(
        "LocallyConnected2D",
        {"filters": 4, "kernel_size": [3, 2], "strides": [2, 1], "use_bias": False},
        (IMAGE,),
        (3, 8, 4),
        (3456, 0),
        3456,
    ),
    Kind("LocallyConnected1D", {"filters": 4, "kernel_size": [3]}, (STEPS,), (5, 4), (5 * 76, 0), 5 * 72),
    # 4 gates of 5 units: 6 channels, 5 units and two biases.
    Kind("CuDNNLSTM", {"units": 5}, (STEPS,), (5,), (4 * 5 * 13, 0), 7 * 4 * 5 * 11),
    Kind("ThresholdedReLU", {"theta": 1.0}, (IMAGE,), IMAGE),
    Kind("Addons>InstanceNormalization", {"axis": -1}, (IMAGE,), IMAGE, (12, 0)),
    # The axis of a norm: 8 rows, 2·8 numbers and as many measured; 8·9 places.
    Kind("BatchNormalization", {"axis": [1]}, (IMAGE,), IMAGE, (16, 16)),
    Kind("LayerNormalization", {"axis": [1, 2], "center": False}, (IMAGE,), IMAGE, (72, 0)),
    # One mean, one variance and a count, for all of it or for each of 8·9 places.
    Kind("Normalization", {"axis": None}, (IMAGE,), IMAGE, (0, 3)),
    Kind("Normalization", {"axis": [1, 2]}, (IMAGE,), IMAGE, (0, 145)),
    Kind("Normalization", {"axis": -1, "mean": [0.0], "variance": [1.0]}, (IMAGE,), IMAGE),
    Kind("RMSNormalization", {"axis": [-1]}, (STEPS,), STEPS, (6, 0)),
    Kind("LayerScale", {"init_values": 1e-6, "projection_dim": 6}, (IMAGE,), IMAGE, (6, 0)),
    Kind("CustomScaleLayer", {"scale": 0.5}, (IMAGE, IMAGE), IMAGE),
    Kind("StochasticDepth", {"drop_path_rate": 0.1}, (IMAGE,), IMAGE),
    # Wrappers: 3·3·6·4 + 4, and a vector of 4; a mask of 216, a threshold and a counter; 4 lengths and a flag.
    Kind("SpectralNormalization", {"layer": INNER}, (IMAGE,), (6, 7, 4), (220, 4), 42 * 216),
    Kind("PruneLowMagnitude", {"layer": INNER}, (IMAGE,), (6, 7, 4), (220, 218), 42 * 216),
    Kind("Addons>WeightNormalization", {"layer": INNER}, (IMAGE,), (6, 7, 4), (224, 1), 42 * 216),
    Kind("TimeDistributed", {"layer": INNER}, ((3, *IMAGE),), (3, 6, 7, 4), (220, 0), 3 * 42 * 216),
    # Cells: 4·4·(6 + 4 + 1), then 3·3·(4 + 3 + 2).
    Kind(
        "RNN",
        {"cell": cells(("LSTMCell", 4), ("GRUCell", 3)), "return_sequences": True},
        (STEPS,),
        (7, 3),
        (176 + 81, 0),
        7 * (160 + 63),
    ),
    Kind("RNN", {"cell": cells(("SimpleRNNCell", 4))}, (STEPS,), (4,), (44, 0), 7 * 40),
    # Twice 4·5·12 in both directions, summed.
    Kind(
        "Bidirectional",
        {"layer": {"class_name": "LSTM", "config": {"name": "l", "units": 5}}, "merge_mode": "sum"},
        (STEPS,),
        (5,),
        (480, 0),
        2 * 7 * 220,
    ),
    # 4 kernels of 3 filters: 2·2·6 + 2·2·3 weights and a bias; 3 steps of 8·9 positions.
    Kind(
        "ConvLSTM2D",
        {"filters": 3, "kernel_size": [2, 2], "padding": "same"},
        ((3, *IMAGE),),
        (8, 9, 3),
        (12 * 37, 0),
        3 * 72 * 12 * 36,
    ),
    # By an equation: 6·5 weights at 7 places; and 7·6 weights over two axes.
    Kind(
        "EinsumDense",
        {"equation": "abc,cd->abd", "output_shape": [None, 5], "bias_axes": "d"},
        (STEPS,),
        (7, 5),
        (35, 0),
        210,
    ),
    Kind("EinsumDense", {"equation": "abc,bcd->ad", "output_shape": 3}, (STEPS,), (3,), (126, 0), 126),
    # 7·5 products of 6 elements.
    Kind("Dot", {"axes": [2, 2]}, (STEPS, (5, 6)), (7, 5), (0, 0), 210),
    Kind("Attention", {"use_scale": True}, (STEPS, (5, 6)), STEPS, (1, 0), 35 * 12),
    Kind("AdditiveAttention", {}, (STEPS, (5, 6)), STEPS, (6, 0), 35 * 6),
    # Sums of tensors of fewer axes.
    Kind("Add", {}, (IMAGE, VECTOR), IMAGE),
    Kind("Multiply", {}, (IMAGE, (1, 1, 6)), IMAGE),
    Kind("Maximum", {}, (IMAGE, VECTOR), IMAGE),
    # Encodings.
    Kind("CategoryEncoding", {"num_tokens": 5}, ((4,),), (5,)),
    Kind("Discretization", {"bin_boundaries": [0.0, 1.0], "output_mode": "one_hot"}, ((4,),), (4, 3)),
    Kind("IntegerLookup", {"vocabulary": [3, 4], "num_oov_indices": 1, "output_mode": "multi_hot"}, ((4,),), (3,)),
    Kind("HashedCrossing", {"num_bins": 5}, ((1,), (1,)), (1,)),
    Kind("TextVectorization", {"output_sequence_length": 12}, ((1,),), (12,)),
    # 5 waves of 8 samples, real and imaginary, at (20 − 8)/4 + 1 places of 2 channels.
    Kind(
        "STFTSpectrogram",
        {"frame_length": 8, "frame_step": 4, "fft_length": 8, "mode": "magnitude"},
        ((20, 2),),
        (4, 10),
        (80, 0),
        4 * 80 * 2,
    ),
    # QKeras: as what is quantized; with a folded norm 2·4 numbers more, as many measured, and a counter.
    Kind(
        "QConv2D",
        {"filters": 4, "kernel_size": [3, 3], "kernel_quantizer": "quantized_bits(4)"},
        (IMAGE,),
        (6, 7, 4),
        (220, 0),
        42 * 216,
    ),
    Kind("QDense", {"units": 4, "activation": "quantized_relu(4,0)"}, (VECTOR,), (4,), (28, 0), 24),
    Kind("QActivation", {"activation": "quantized_relu(4)"}, (IMAGE,), IMAGE),
    Kind("QBatchNormalization", {}, (IMAGE,), IMAGE, (12, 12)),
    Kind("QConv2DBatchnorm", {"filters": 4, "kernel_size": [3, 3]}, (IMAGE,), (6, 7, 4), (228, 9), 42 * 216),
    # An activation without a word here, and half of the channels that gate the others.
    Kind("Activation", {"activation": "exponential"}, (IMAGE,), IMAGE),
    Kind("Conv2D", {"filters": 4, "kernel_size": [3, 3], "activation": "glu"}, (IMAGE,), (6, 7, 2), (220, 0), 42 * 216),
]


def node_of_keras_2(names: list[str]) -> list[Any]:
    return [[[name, 0, 0, {}] for name in names]]


def model(kind: Kind) -> Config:
    """A functional model of one layer, as Keras 2 writes it."""
    names = [f"in{number}" for number in range(len(kind.inputs))]
    inputs = [
        {
            "class_name": "InputLayer",
            "name": name,
            "config": {"name": name, "batch_input_shape": [None, *shape]},
            "inbound_nodes": [],
        }
        for name, shape in zip(names, kind.inputs, strict=True)
    ]
    layer = {
        "class_name": kind.class_name,
        "name": "layer",
        "config": {"name": "layer", **kind.config},
        "inbound_nodes": node_of_keras_2(names),
    }
    config = {
        "name": "net",
        "layers": [*inputs, layer],
        "input_layers": [[name, 0, 0] for name in names],
        "output_layers": [["layer", 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


#: Values that a damaged file may have anywhere.
STRANGE = [
    None,
    True,
    -1,
    0,
    1,
    2,
    7,
    10**9,
    10**30,
    0.5,
    "",
    "x",
    "same",
    [],
    {},
    [0],
    [1, 2],
    [[1]],
    {"class_name": "x"},
]


def other_values(choose: Random) -> bytes:
    """A model of one layer, some of whose values are others: strange ones, or those of another place."""
    found = json.loads(json.dumps(model(choose.choice(KINDS))))
    for _ in range(choose.randrange(1, 4)):
        places = list(_places(found))
        holder, key = choose.choice(places)
        other, at = choose.choice(places)
        holder[key] = json.loads(json.dumps(choose.choice([*STRANGE, other[at]])))
    return json.dumps(found).encode()


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every place in a tree of values, as what holds it and the key."""
    for key in list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from _places(value[key])
