"""Caffe's nets in prototxt, in both dialects (`layers { type: CONVOLUTION }`, `layer { type: "Convolution" }`).

A net is read for testing: layers of the TRAIN phase are left out, and a loss is what it computes at inference. A
pool's size is rounded up and, where it is padded, its last window left out if it would start past the input
(`round_mode` selects other rounding). Blobs are N, C, H, W in the file and channels last here.

    https://github.com/BVLC/caffe, src/caffe/proto/caffe.proto and src/caffe/layers
"""

from __future__ import annotations

from cnncalc.graph import MAX_LAYERS, Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.caffe import axes, forks, layers  # noqa: F401 - they register the rules
from cnncalc.readers.caffe.importer import CaffeImporter
from cnncalc.readers.caffe.prototxt import parse
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import printable
from cnncalc.readers.text_file import read_text


def read(path: str, options: ReadOptions) -> Graph:
    """Return the graph of a prototxt; raises `SpecError` with all errors in it."""
    net = parse(read_text(path))
    messages = [*net.messages("layer"), *net.messages("layers")]
    if not messages:
        nets = [net.text(name) for name in ("net", "train_net", "test_net") if net.text(name)]
        help = f"it is a solver: read its net, `{printable(nets[0])}`" if nets else None
        fail("E302", f"`{path}` has no layer", "a net has messages `layer { … }`", help=help)
    if len(messages) > MAX_LAYERS:
        fail("E303", f"`{path}` has more than {MAX_LAYERS:,} layers")
    return CaffeImporter(net, messages, options).run()
