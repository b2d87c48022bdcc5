"""Keras's layers with arguments drawn at random: their shapes and parameters are Keras's own."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

import cnncalc
from cnncalc.readers.keras.preprocessing import IDENTITIES
from cnncalc.readers.keras.rules import rules

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")

pytestmark = pytest.mark.frameworks

#: Draws for each class, and how many of them Keras must take at least: what it refuses is not compared.
DRAWS, TAKEN = 12, 3

#: What the names of classes begin with that change pictures.
PICTURES = ("Random", "AugMix", "AutoContrast", "Equalization", "RandAugment", "Solarization", "ContrastLimited")

#: Rules for layers that Keras 3 lacks, of Keras 1 and 2, QKeras and other packages: they are tested by hand.
OURS = {
    *("SyncBatchNormalization", "ThresholdedReLU", "LocallyConnected1D", "LocallyConnected2D", "TFOpLambda"),
    *("SlicingOpLambda", "Merge", "Highway", "MaxoutDense", "ParametricSoftplus", "SReLU", "DropPath", "LayerScale"),
    *("CustomScaleLayer", "InstanceNormalization", "GroupedQueryAttention", "PruneLowMagnitude", "WeightNormalization"),
    *("Conv2DBatchnorm", "DepthwiseConv2DBatchnorm", "DenseBatchnorm", "AdaptiveActivation", "Linear", "Quantize"),
    *("QuantizeLayer", "swish", "hard_swish", "mish", "gelu", "relu6", "Resize", "RandomHeight", "RandomWidth"),
    # They go on to three axes by our rule alone.
    *("DepthwiseConv3D", "SeparableConv3D", "SeparableConvolution3D"),
}

Values = dict[str, Any]


class Draw(Random):
    """Random arguments."""

    def per_axis(self, rank: int, values: list[int]) -> int | list[int]:
        """One number for all axes, or one for each."""
        return self.choice(values) if self.random() < 0.5 else [self.choice(values) for _ in range(rank)]

    def ends(self, rank: int) -> Any:
        """Padding or cropping: a number, or a pair for each axis; on one axis there is no pair of pairs."""
        pairs = [(self.randrange(3), self.randrange(3)) for _ in range(rank)]
        return self.randrange(1, 3) if self.random() < 0.4 else pairs[0] if rank == 1 else tuple(pairs)

    def flag(self) -> bool:
        return self.random() < 0.5


def window(draw: Draw, rank: int) -> Values:
    strides, dilation = (draw.per_axis(rank, [1, 2, 3]), 1) if draw.flag() else (1, draw.per_axis(rank, [1, 2]))
    return {
        "kernel_size": draw.per_axis(rank, [1, 2, 3, 4]),
        "strides": strides,
        "dilation_rate": dilation,
        "padding": draw.choice(["valid", "same"]),
        "use_bias": draw.flag(),
        "activation": draw.choice([None, "relu", "hard_sigmoid"]),
    }


def conv(draw: Draw, rank: int) -> Values:
    causal = {"padding": "causal"} if rank == 1 and draw.random() < 0.3 else {}
    return {**window(draw, rank), **causal, "filters": draw.choice([2, 6]), "groups": draw.choice([1, 2])}


def depthwise(draw: Draw, rank: int) -> Values:
    # One stride for all axes: Keras has no other.
    return {**window(draw, rank), "strides": draw.choice([1, 1, 2]), "depth_multiplier": draw.choice([1, 2])}


def separable(draw: Draw, rank: int) -> Values:
    return {**depthwise(draw, rank), "filters": draw.choice([2, 6])}


def transposed(draw: Draw, rank: int) -> Values:
    return {
        **window(draw, rank),
        "filters": 3,
        "output_padding": draw.choice([None, None, 0, 1, [draw.randrange(2) for _ in range(rank)]]),
    }


def pool(draw: Draw, rank: int) -> Values:
    strides = draw.choice([None, draw.per_axis(rank, [1, 2, 3])])
    return {
        "pool_size": draw.per_axis(rank, [1, 2, 3]),
        "strides": strides if rank > 1 or not isinstance(strides, list) else strides[0],
        "padding": draw.choice(["valid", "same"]),
    }


def affine(draw: Draw, rank: int) -> Values:
    return {"center": draw.flag(), "scale": draw.flag()}


def axes(draw: Draw, rank: int) -> int | list[int]:
    """An axis of a sample, the last by -1 now and then, or several."""
    all_of = list(range(1, rank + 2))
    return draw.choice([-1, *all_of, sorted(draw.sample(all_of, draw.randrange(1, rank + 2)))])


def normalized(draw: Draw, rank: int) -> Values:
    return {**affine(draw, rank), "axis": draw.choice([-1, *range(1, rank + 2)])}


def recurrent(draw: Draw, rank: int) -> Values:
    return {"units": 5, "use_bias": draw.flag(), "return_sequences": draw.flag()}


def gru(draw: Draw, rank: int) -> Values:
    return {**recurrent(draw, rank), "reset_after": draw.flag()}


def cells(draw: Draw, rank: int) -> Values:
    import keras

    kinds = [keras.layers.LSTMCell, keras.layers.GRUCell, keras.layers.SimpleRNNCell]
    made = [draw.choice(kinds)(draw.choice([2, 5]), use_bias=draw.flag()) for _ in range(draw.randrange(1, 4))]
    return {"cell": made[0] if len(made) == 1 else made, "return_sequences": draw.flag()}


def both_directions(draw: Draw, rank: int) -> Values:
    import keras

    kind = draw.choice([keras.layers.LSTM, keras.layers.GRU, keras.layers.SimpleRNN])
    return {"layer": kind(**recurrent(draw, rank)), "merge_mode": draw.choice(["concat", "sum", "mul", "ave"])}


def convolutional_recurrent(draw: Draw, rank: int) -> Values:
    return {
        "filters": 3,
        "kernel_size": draw.per_axis(rank, [1, 2, 3]),
        "strides": draw.choice([1, 2]),
        "padding": draw.choice(["valid", "same"]),
        "use_bias": draw.flag(),
        "return_sequences": draw.flag(),
    }


def each_step(draw: Draw, rank: int) -> Values:
    """A layer for each step of 2 axes and channels, or a model of several."""
    import keras

    layers = keras.layers
    return {
        "layer": draw.choice([
            layers.Conv2D(3, draw.per_axis(2, [1, 2, 3]), padding=draw.choice(["same", "valid"]), activation="relu"),
            layers.MaxPooling2D(2),
            layers.Flatten(),
            layers.Dense(3),
            layers.BatchNormalization(),
            layers.GlobalAveragePooling2D(),
            layers.DepthwiseConv2D(2),
            layers.LayerNormalization(axis=draw.choice([-1, [1, 2, 3]])),
            keras.Sequential([layers.Conv2D(3, 2), layers.ReLU(), layers.GlobalMaxPooling2D(), layers.Dense(2)]),
        ])
    }  # fmt: skip


def spectral(draw: Draw, rank: int) -> Values:
    import keras

    layers = keras.layers
    kinds = [layers.Conv2D(3, 2), layers.Dense(4), layers.Conv2DTranspose(3, 2), layers.DepthwiseConv2D(2)]
    return {"layer": draw.choice(kinds[:3] if rank == 2 else kinds[1:2])}


def einsum(draw: Draw, rank: int) -> Values:
    """A product on two axes of the input, in several ways of writing it."""
    return draw.choice([
        {"equation": "abc,cd->abd", "output_shape": (5, 5), "bias_axes": draw.choice([None, "d"])},
        {"equation": "...x,xy->...y", "output_shape": 5, "bias_axes": "y"},
        {"equation": "abc,cde->abde", "output_shape": (5, 2, 3), "bias_axes": draw.choice([None, "de", "e"])},
        {"equation": "abc,bcd->ad", "output_shape": 3},
        {"equation": "abc,bd->adc", "output_shape": (3, 4), "bias_axes": "d"},
        {"equation": "ab...,bc->ac...", "output_shape": 3},
    ])  # fmt: skip


def heads(draw: Draw, rank: int) -> Values:
    return {
        "num_heads": draw.choice([1, 2]),
        "key_dim": 3,
        "value_dim": draw.choice([None, 5]),
        "use_bias": draw.flag(),
        "output_shape": draw.choice([None, None, 6]),
    }


def shared_heads(draw: Draw, rank: int) -> Values:
    return {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": draw.choice([1, 2]), "use_bias": draw.flag()}


def shared_axes(draw: Draw, rank: int) -> Values:
    return {"shared_axes": draw.choice([None, *([axis] for axis in range(1, rank + 2)), list(range(1, rank + 1))])}


def nothing(draw: Draw, rank: int) -> Values:
    return {}


def always(**values: Any) -> Callable[[Draw, int], Values]:
    return lambda draw, rank: values


def sizes(draw: Draw, rank: int) -> Values:
    return {"height": draw.randrange(1, 5), "width": draw.randrange(1, 5)}


#: How the arguments of each class are drawn, by its name without the number of axes.
ARGUMENTS: dict[str, Callable[[Draw, int], Values]] = {
    **dict.fromkeys(("Conv", "Convolution"), conv),
    "DepthwiseConv": depthwise,
    **dict.fromkeys(("SeparableConv", "SeparableConvolution"), separable),
    **dict.fromkeys(("ConvTranspose", "ConvolutionTranspose"), transposed),
    **dict.fromkeys(("MaxPooling", "AveragePooling", "MaxPool", "AvgPool"), pool),
    **dict.fromkeys(
        ("GlobalAveragePooling", "GlobalMaxPooling", "GlobalAvgPool", "GlobalMaxPool"),
        lambda draw, rank: {"keepdims": draw.flag()},
    ),
    **dict.fromkeys(
        ("AdaptiveAveragePooling", "AdaptiveMaxPooling"),
        lambda draw, rank: {"output_size": draw.per_axis(rank, [1, 2, 3])},
    ),
    "Dense": lambda draw, rank: {"units": 5, "use_bias": draw.flag(), "activation": draw.choice([None, "gelu"])},
    "BatchNormalization": normalized,
    "LayerNormalization": lambda draw, rank: {**affine(draw, rank), "axis": axes(draw, rank)},
    "RMSNormalization": lambda draw, rank: {"axis": axes(draw, rank)},
    "Normalization": lambda draw, rank: {"axis": draw.choice([None, axes(draw, rank)])},
    "GroupNormalization": lambda draw, rank: {
        **normalized(draw, rank),
        "groups": draw.choice([-1, 1, 2, 4]),
    },
    "LSTM": recurrent,
    "GRU": gru,
    "SimpleRNN": recurrent,
    "RNN": cells,
    "Bidirectional": both_directions,
    "ConvLSTM": convolutional_recurrent,
    "TimeDistributed": each_step,
    "SpectralNormalization": spectral,
    "EinsumDense": einsum,
    "MultiHeadAttention": heads,
    "GroupQueryAttention": shared_heads,
    "Attention": lambda draw, rank: {"use_scale": draw.flag(), "score_mode": draw.choice(["dot", "concat"])},
    "AdditiveAttention": lambda draw, rank: {"use_scale": draw.flag()},
    "Dot": lambda draw, rank: {"axes": draw.choice([1, 2, -1, (1, 2), (2, 1)])},
    "ReversibleEmbedding": lambda draw, rank: {"input_dim": 7, "output_dim": 3, "tie_weights": draw.flag()},
    "MelSpectrogram": always(num_mel_bins=5, sequence_stride=2, fft_length=8),
    "CategoryEncoding": lambda draw, rank: {
        "num_tokens": 6,
        "output_mode": draw.choice(["multi_hot", "one_hot", "count"]),
    },
    "Discretization": lambda draw, rank: {
        "bin_boundaries": [0.0, 1.0, 2.0],
        "output_mode": draw.choice(["int", "one_hot", "multi_hot"]),
    },
    "Rescaling": always(scale=0.5),
    **dict.fromkeys(("RandomHue", "RandomSaturation", "RandomSharpness"), always(factor=0.2)),
    "RandomColorDegeneration": always(factor=0.2),
    "RandomInvert": always(factor=0.2),
    "RandomPosterization": always(factor=4),
    "RandomShear": always(x_factor=0.1, y_factor=0.1),
    "RandomErasing": always(),
    "Activation": lambda draw, rank: {"activation": draw.choice(["linear", "relu", "softmax", "log_softmax"])},
    "ReLU": lambda draw, rank: {"max_value": draw.choice([None, 6]), "negative_slope": draw.choice([0, 0.2])},
    "PReLU": shared_axes,
    "ZeroPadding": lambda draw, rank: {"padding": draw.ends(rank)},
    "Cropping": lambda draw, rank: {"cropping": draw.ends(rank)},
    "UpSampling": lambda draw, rank: {"size": draw.choice([1, 3]) if rank == 1 else draw.per_axis(rank, [1, 2, 3])},
    "Reshape": lambda draw, rank: {"target_shape": draw.choice([(-1,), (-1, 2), (2, -1, 2), (4, -1)])},
    "Permute": lambda draw, rank: {"dims": draw.sample(range(1, rank + 2), rank + 1)},
    "RepeatVector": always(n=3),
    **dict.fromkeys(("Resizing", "CenterCrop", "RandomCrop"), sizes),
    "GaussianNoise": always(stddev=0.1),
    **dict.fromkeys(("Dropout", "SpatialDropout", "AlphaDropout", "GaussianDropout"), always(rate=0.25)),
    **dict.fromkeys(("RandomRotation", "RandomContrast", "RandomBrightness"), always(factor=0.2)),
    "RandomZoom": always(height_factor=0.2),
    "RandomTranslation": always(height_factor=0.2, width_factor=0.2),
    "Embedding": always(input_dim=7, output_dim=3),
    **dict.fromkeys(("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum"), nothing),
    "Concatenate": lambda draw, rank: {"axis": draw.choice([-1, *range(1, rank + 2)])},
}

MERGES = ("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Concatenate")

#: The ranks of the classes whose names do not say them; all else takes any.
RANKS = {
    "RepeatVector": (0,),
    "Embedding": (0, 1),
    "ReversibleEmbedding": (0, 1),
    "MelSpectrogram": (0,),
    "CategoryEncoding": (0,),
    "TimeDistributed": (3,),
    "SpectralNormalization": (1, 2),
    **dict.fromkeys(("LSTM", "GRU", "SimpleRNN", "RNN", "Bidirectional", "EinsumDense"), (1,)),
    **dict.fromkeys(("MultiHeadAttention",), (1, 2)),
    **dict.fromkeys(("GroupQueryAttention", "Attention", "AdditiveAttention", "Dot"), (1,)),
    **dict.fromkeys(("Resizing", "CenterCrop", *(kind for kind in IDENTITIES if kind.startswith(PICTURES))), (2,)),
    "RandomCrop": (2,),
}

#: The input of the equations that are drawn.
EINSUM = (5, 4)

#: Classes of several inputs, which are called on queries and values by themselves, or on a list of both.
QUERIES = ("MultiHeadAttention", "GroupQueryAttention")
PAIRS = ("Attention", "AdditiveAttention", "Dot")

#: Layers of Keras 3 that are not built here: they need TensorFlow, JAX, Flax or SciPy, have no shapes of their own, or
#: hold code that no file has. Their rules are tested by hand.
NOT_BUILT = {
    *("Hashing", "HashedCrossing", "IntegerLookup", "StringLookup", "TextVectorization", "STFTSpectrogram"),
    *("Input", "InputLayer", "Layer", "Wrapper", "Lambda", "Pipeline"),
    *("TFSMLayer", "JaxLayer", "FlaxLayer", "TorchModuleWrapper", "MaxNumBoundingBoxes"),
    *("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells"),
    # On pictures of 3 colours alone, or several of them.
    *("CutMix", "MixUp", "RandomElasticTransform"),
    # Keras cannot build a model of it.
    "Equalization",
    # An operation, which Keras 2 had as a layer.
    "GetItem",
}


def models(kind: str) -> Iterator[tuple[Values, Any]]:
    """Models of one layer whose arguments Keras takes, on the meta device."""
    import keras

    draw = Draw(kind)
    found = re.search(r"([123])D", kind)
    base, rank = (kind.replace(found[0], ""), int(found[1])) if found else (kind, None)
    for _ in range(DRAWS):
        axes = draw.choice(RANKS.get(kind, (0, 1, 2, 3))) if rank is None else rank
        steps = (3,) if base == "ConvLSTM" else ()
        try:
            with keras.device("meta"):
                values = ARGUMENTS.get(base, nothing)(draw, axes)
                if rank is not None and draw.random() < 0.3 and kind != "SpatialDropout1D" and not steps:
                    values["data_format"] = "channels_first"
                channels = 3 if kind.startswith(PICTURES) else 4
                shape = tuple(draw.randrange(4, 9) for _ in range(axes))
                first = values.get("data_format") == "channels_first"
                shape = (channels, *shape) if first else (*steps, *shape, channels)
                shape = EINSUM if kind == "EinsumDense" else shape
                model = keras.Model(*called(draw, kind, getattr(keras.layers, kind)(**values), shape))
        except (ValueError, TypeError, RuntimeError, IndexError, NotImplementedError):
            continue
        if None not in model.output_shape[1:] and 0 not in model.output_shape[1:]:
            yield {**values, "shape": shape}, model


def called(draw: Draw, kind: str, layer: Any, shape: tuple[int, ...]) -> tuple[list[Any], Any]:
    """The inputs of a model of one layer, and its output."""
    import keras

    if kind in QUERIES:
        other = (*(draw.choice([shape[0], 3]) for _ in shape[:-1]), 5)
        inputs = [keras.Input(shape), keras.Input(draw.choice([shape, other]))]
        return (inputs, layer(*inputs)) if draw.flag() else (inputs[:1], layer(inputs[0], inputs[0]))
    if kind in PAIRS:
        inputs = [keras.Input(shape), keras.Input(shape if draw.flag() else (6, shape[-1]))]
        return inputs, layer(inputs)
    # A merge of another number of axes, now and then: Keras puts axes of 1 in front.
    fewer = kind in MERGES[:-1] and len(shape) > 1 and draw.random() < 0.3
    inputs = [keras.Input(shape), keras.Input(shape[-1:] if fewer else shape)][: 2 if kind in MERGES else 1]
    return inputs, layer(inputs if len(inputs) > 1 else inputs[0])


def layer_names() -> list[str]:
    """The names of Keras's layers that are built here: those of our rules, and the wrapper that is no rule."""
    return sorted({*rules, "TimeDistributed"} - OURS - NOT_BUILT)


def test_every_layer() -> None:
    """Every layer of Keras 3 has a rule, or a reason why it has none."""
    import keras

    found = {name for name in dir(keras.layers) if isinstance(getattr(keras.layers, name), type)}
    layers = {name for name in found if issubclass(getattr(keras.layers, name), keras.layers.Layer)}
    assert layers - set(rules) - NOT_BUILT == {"TimeDistributed"}


@pytest.mark.parametrize("kind", layer_names())
@pytest.mark.filterwarnings("ignore")  # Keras's own
def test_as_keras(kind: str, tmp_path: Path) -> None:
    """The output's shape and the number of weights are those that Keras says."""
    compared = 0
    for values, model in models(kind):
        (tmp_path / "net.json").write_text(model.to_json())
        result = cnncalc.analyze(tmp_path / "net.json")
        _, *shape = model.output_shape
        turned = values.get("data_format") == "channels_first" and len(shape) > 1
        wanted = (*shape[1:], shape[0]) if turned else tuple(shape)
        totals = result.totals
        trained = sum(int(np.prod(each.shape)) for each in model.trainable_weights)
        got = (result.rows[-1].output_shape, totals.params, totals.params + totals.buffers, len(result.unknown))
        assert (values, *got) == (values, wanted, trained, model.count_params(), 0)
        compared += 1
    assert compared >= TAKEN
