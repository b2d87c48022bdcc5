"""ONNX files (`.onnx`), of opset 7 and later, read without the `onnx` package.

`wire` knows the encoding and `model` the messages; `patterns` puts together what exporters take apart, `fold` works
out what does not depend on the input, `reading` walks the graph, and each family of operators has its rules in a file
of its own.
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.onnx import elementwise, movement, products, windows  # noqa: F401 - they fill the table of rules
from cnncalc.readers.onnx.importer import OnnxImporter
from cnncalc.readers.onnx.model import open_model
from cnncalc.readers.onnx.pattern_fusion import put_together


def read(path: str, options: ReadOptions) -> Graph:
    """The graph of an ONNX file; raises `SpecError` where it is none, or contradicts itself."""
    return OnnxImporter(put_together(open_model(path)), path, options).run()
