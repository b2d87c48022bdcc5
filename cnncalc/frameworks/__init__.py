"""The framework tables: names of layers, arguments and activations, a table per framework, a row per kind of layer.

Readers, writers, pasted calls and hints use these tables; the layers do not depend on a framework. A new layer takes
one row in each: `pytorch.py`, `keras.py`, `onnx.py`, `caffe.py`, `darknet.py`, `ncnn.py`, `openvino.py`,
`tflite.py`. `table.py` defines the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from cnncalc.frameworks.table import Framework

#: The tables: this package's modules, each with its `Framework` under its own name in capitals.
NAMES = ("pytorch", "keras", "onnx", "caffe", "darknet", "ncnn", "openvino", "tflite")


def framework(name: str) -> Framework:
    """Return the table of a framework by the name of its module: `framework("pytorch")`."""
    table: Framework = getattr(import_module(f"cnncalc.frameworks.{name}"), name.upper())
    return table


def frameworks_with(name: str) -> Iterator[Framework]:
    """Yield the frameworks of code with a layer or function of that name, those with its prefix first.

    `nn.Dropout` is PyTorch's, `layers.Dropout` Keras's; both have a bare `Dropout`.
    """
    tables = [table for table in map(framework, NAMES) if table.prefixes]
    tables.sort(key=lambda table: not table.has_prefix(name))
    return (table for table in tables if table.kinds_of(name))


def kind_of(name: str) -> str | None:
    """Return the kind of layer that a framework's name denotes, ignoring case, underscores and rank.

    `nn.BatchNorm2d`, `batch_normalization` and `BatchNormalization` are all `bn`; None if no framework has the name.
    """
    return next((kind for each in NAMES if (kind := framework(each).kind_like(name))), None)
