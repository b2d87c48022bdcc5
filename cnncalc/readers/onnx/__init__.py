"""ONNX files (`.onnx`), of opset 7 and later, read without the `onnx` package.

`wire` decodes the bytes and `model` the messages; `pattern_fusion` recombines operators that exporters decompose,
`constant_folding` computes what does not depend on the input, `importer` walks the graph, and each family of operators
has its rules in a file of its own.
"""

from __future__ import annotations

from cnncalc.diagnostics import SpecError
from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.onnx import (  # noqa: F401 - they register the rules
    attention,
    elementwise,
    movement,
    opaque,
    products,
    recurrent,
    runtime,
    windows,
)
from cnncalc.readers.onnx.importer import OnnxImporter
from cnncalc.readers.onnx.model import open_model
from cnncalc.readers.onnx.pattern_fusion import fuse_patterns


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of an ONNX file; raises `SpecError` if it is not one, or contradicts itself."""
    model = fuse_patterns(open_model(path))
    importer = OnnxImporter(model, path, options)
    try:
        return importer.run()
    except SpecError:
        if importer.shapes.batch == 1:
            raise
        # A first axis that is read as a batch, and that its layers do not take as one, is an axis like the others.
        try:
            return OnnxImporter(model, path, options, batched=False).run()
        except SpecError:
            pass
        raise
