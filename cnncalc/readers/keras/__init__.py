"""Keras models: a `.keras` archive, the JSON of `to_json()` (Keras 2 and 3), the configuration in a `.h5` file.

Only the configuration is read, not the weights, whose shapes follow from it. A layer's activation is a separate row
after it, `conv1.relu`. A layer that is called twice has its weights once. Shapes are channels last; a
model whose layers are `channels_first` is converted.

    https://keras.io/api/layers/
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.keras import (  # noqa: F401 - they register the rules
    activations,
    attention,
    merges,
    movement,
    norms,
    operations,
    preprocessing,
    products,
    recurrent,
    windows,
    wrappers,
)
from cnncalc.readers.keras.config_file import read_config
from cnncalc.readers.keras.importer import KerasImporter


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of a model; raises `SpecError` with all errors in it."""
    return KerasImporter(path, options).run(read_config(path))
