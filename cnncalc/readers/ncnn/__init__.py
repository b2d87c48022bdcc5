"""ncnn's networks in text (`.param`); the weights beside them (`.bin`) are not needed.

A blob has one to four axes and no batch: width; height and width; channels, height and width; channels, depth, height
and width. Sizes are worked out by the rules of ncnn's layers.

    https://github.com/Tencent/ncnn, docs/developer-guide and src/layer
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.ncnn import elementwise, movement, products, windows  # noqa: F401 - they register the rules
from cnncalc.readers.ncnn.importer import NcnnImporter
from cnncalc.readers.ncnn.param import parse
from cnncalc.readers.text_file import read_text


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of a `.param` file; raises `SpecError` with all errors in it."""
    return NcnnImporter(parse(read_text(path)), path, options).run()
