"""Keras's layers that prepare inputs, and those that do nothing at inference."""

from __future__ import annotations

from collections.abc import Iterator

from cnncalc.graph import StoredWeights
from cnncalc.readers.keras.config import LayerConfig
from cnncalc.readers.keras.rules import LayerPart, class_names, elementwise, operator, part, rules, several
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import Shape

#: Classes that change nothing at inference.
IDENTITIES = (
    "RandomFlip", "RandomRotation", "RandomZoom", "RandomTranslation", "RandomContrast", "RandomBrightness",
    "RandomColorDegeneration", "RandomColorJitter", "RandomElasticTransform", "RandomErasing", "RandomGaussianBlur",
    "RandomGrayscale", "RandomHue", "RandomInvert", "RandomPerspective", "RandomPosterization", "RandomSaturation",
    "RandomSharpness", "RandomShear", "AugMix", "CutMix", "MixUp", "RandAugment", "AutoContrast", "Equalization",
    "Solarization", "ContrastLimitedAdaptiveHistogramEqualization", "Identity", "Linear", "ActivityRegularization",
    "Masking", "Quantize", "QuantizeLayer",
)  # fmt: skip


@rules(*IDENTITIES)
def identity(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    yield part("identity")


@rules(*class_names("dropout"))
def dropout(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    rate = config.real("rate", 0.5)
    yield part("dropout", rate=rate if rate < 1 else 0.5)


@rules("DropPath")
def drop_path(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a drop of whole samples; packages call its rate differently."""
    rate = config.real("rate", config.real("drop_path_rate", config.real("survival_probability", 0.5)))
    yield part("droppath", rate=rate if rate < 1 else 0.5)


@rules("CategoryEncoding", "Hashing", "Discretization", "IntegerLookup", "StringLookup")
def encoding(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield numbers in place of each element, or a vector of as many as there are categories."""
    x = shapes[0]
    default = "multi_hot" if config.class_name == "CategoryEncoding" else "int"
    mode = config.get("output_mode", default)
    if mode == "int":
        yield elementwise(config, x)
        return
    dims = list(config.file_order(x))
    if mode == "one_hot":
        dims = dims[:-1] if dims[-1] == 1 else dims
    elif config.class_name == "Discretization":
        dims = dims[1:]
    else:
        dims = dims[:-1]
    yield operator(config, config.shape_of([*dims, _categories(config)]))


def _categories(config: LayerConfig) -> int:
    bounds, words = config.get("bin_boundaries"), config.get("vocabulary")
    if isinstance(bounds, list):
        return len(bounds) + 1
    if isinstance(words, list) and not config.flag("pad_to_max_tokens", default=False):
        # A lookup adds a place for what it does not know, and one for a mask.
        return len(words) + config.integer("num_oov_indices", 1, low=0) + config.states("mask_token")
    for name in ("num_tokens", "num_bins", "max_tokens"):
        if config.states(name):
            return config.integer(name)
    raise CannotInferError


@several("HashedCrossing")
def crossing(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield one number for a pair of numbers, or a vector of as many as there are bins."""
    x = shapes[0]
    if config.get("output_mode", "int") == "int":
        yield operator(config, x)
        return
    dims = list(config.file_order(x))
    yield operator(config, config.shape_of([*(dims[:-1] if dims[-1] == 1 else dims), config.integer("num_bins")]))


@rules("TextVectorization")
def vectorization(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a number for each word, or a vector of as many as there are words."""
    length = config.get("output_sequence_length") if config.get("output_mode", "int") == "int" else _categories(config)
    if not isinstance(length, int):
        raise CannotInferError
    yield operator(config, Shape((), length))


@rules("Embedding")
def embedding(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    table = config.integer("input_dim"), config.integer("output_dim")
    if shapes[0].has_rank and not shapes[0].spatial:
        yield part("embedding", table=table)
        return
    yield _looked_up(config, shapes[0], table, 1)


@rules("ReversibleEmbedding")
def reversible(config: LayerConfig, shapes: list[Shape]) -> Iterator[LayerPart]:
    """Yield a table of rows, or in reverse the product with it; without tied weights that is a table of its own."""
    table = config.integer("input_dim"), config.integer("output_dim")
    tables = 1 if config.flag("tie_weights") else 2
    if config.of_call(1, "reverse", default=False) is True:
        y = Shape(shapes[0].spatial, table[0])
        yield operator(config, y, StoredWeights(tables * table[0] * table[1]), macs=y.elements * table[1])
    else:
        yield _looked_up(config, shapes[0], table, tables)


def _looked_up(config: LayerConfig, x: Shape, table: tuple[int, int], tables: int) -> LayerPart:
    if not x.has_rank:
        raise CannotInferError
    return operator(config, Shape(x.dims, table[1]), StoredWeights(tables * table[0] * table[1]))
