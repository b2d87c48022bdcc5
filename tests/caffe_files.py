"""Small nets of Caffe for tests: their inputs, and layers as texts."""

from __future__ import annotations

from pathlib import Path

import cnncalc

#: 8 rows of 10 columns of 4 channels, twice; and two vectors of 4.
INPUTS = """
input: "data" input_shape { dim: 2 dim: 4 dim: 8 dim: 10 }
input: "v" input_shape { dim: 2 dim: 4 }
"""


def layer(kind: str, more: str = "", bottom: str = "data", top: str = "x") -> str:
    """A layer of the newer dialect that reads and writes the blobs of these names, parted by spaces."""
    blobs = [f'bottom: "{each}"' for each in bottom.split()] + [f'top: "{each}"' for each in top.split()]
    return f'layer {{ name: "{top.split()[0] if top else kind}" type: "{kind}" {" ".join(blobs)} {more} }}\n'


def analyzed(tmp_path: Path, text: str, input: str | None = None) -> cnncalc.Analysis:
    path = tmp_path / "net.prototxt"
    path.write_text(text, encoding="utf-8")
    return cnncalc.analyze(path, input=input)
