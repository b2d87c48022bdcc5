"""Darknet's cfg files: sections in brackets, each a layer with `name=value` lines.

Sizes are those of Darknet's sources: a convolution's `pad=1` means half of its kernel size; a maxpool's total padding
is its kernel size minus one, the smaller half at the beginning, unless `padding` gives another. A convolution with
`batch_normalize` has no bias of its own: Darknet's biases are then those of the batch norm.

    https://github.com/pjreddie/darknet, https://github.com/AlexeyAB/darknet
    https://github.com/WongKinYiu/ScaledYOLOv4, https://github.com/WongKinYiu/yolor (their further sections)
"""

from __future__ import annotations

from cnncalc.frameworks.darknet import INPUT
from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.darknet import layers, merges, recurrent  # noqa: F401 - they register the rules
from cnncalc.readers.darknet.cfg import parse
from cnncalc.readers.darknet.importer import DarknetImporter
from cnncalc.readers.errors import PassedOver, fail
from cnncalc.readers.text_file import read_text


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of a cfg file; raises `SpecError` with all errors in it."""
    passed_over = PassedOver()
    sections = parse(read_text(path), passed_over)
    if not sections or sections[0].name not in INPUT:
        span = sections[0].span if sections else None
        fail("E302", f"`{path}` does not begin with `[net]`", "the input's size is there", span=span)
    return DarknetImporter(sections, options, passed_over).run()
