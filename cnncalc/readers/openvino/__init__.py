"""OpenVINO's intermediate representation (`.xml`), v7 to v11; the weights beside it (`.bin`) are never opened.

Layers have ports, whose sizes the file states; so what a layer's constants would say (the target of a reshape, the axes
of a mean) follows from its sizes.

    https://docs.openvino.ai, OpenVINO IR format
"""

from __future__ import annotations

from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.openvino import elementwise, movement, products, windows  # noqa: F401 - they register the rules
from cnncalc.readers.openvino.importer import OpenvinoImporter
from cnncalc.readers.openvino.ir import parse


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of an `.xml` file; raises `SpecError` if it is none of OpenVINO's, or contradicts itself."""
    return OpenvinoImporter(parse(path), path, options).run()
