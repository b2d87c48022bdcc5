"""TensorFlow Lite files (`.tflite`), read by the schema in the package `tflite`.

Tensors are channels last, and the file states the shape and the type of each; so the bytes of weights and feature maps
are those of the file's own types.

    https://github.com/tensorflow/tensorflow, tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.tflite import elementwise, movement, products, windows  # noqa: F401 - they register the rules
from cnncalc.readers.tflite.importer import TfliteImporter
from cnncalc.readers.tflite.model import open_model


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of a file's first subgraph; raises `SpecError` if it is none, or contradicts itself."""
    return TfliteImporter(open_model(path), path, options).run()
