"""Model files: selection of the reader for a file.

A reader is one module or package here with `read(path, options) -> Graph`. It is imported when a file of its format is
read, and so is the library of its format. A reader converts each operator to a layer, and `GraphBuilder` computes
the shapes; an operator for which the language has no layer becomes an `OpaqueOp`. Files are untrusted: any error in
one raises a `SpecError` with a code E3xx, in bounded time and memory.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import import_module
from os import path as paths
from typing import Any, NamedTuple

from cnncalc.diagnostics import Source
from cnncalc.graph import Graph, with_input_order_warnings
from cnncalc.readers.errors import fail, fail_if_unknown, fail_pickle
from cnncalc.readers.foreign import FOREIGN, fail_foreign
from cnncalc.readers.importer import printable_title

#: Suffix → the module that reads such files.
SUFFIXES = {
    ".onnx": "onnx",
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".json": "keras",
    ".prototxt": "caffe",
    ".cfg": "darknet",
    ".param": "ncnn",
    ".xml": "openvino",
    ".tflite": "tflite",
    ".lite": "tflite",
}

#: Readers whose files may leave sizes open, which are letters then.
WITH_LETTERS = ("onnx",)

#: Suffixes of code, whose text is read.
CODE = (".py", ".ipynb")

#: Suffixes of pickled modules: reading one would run whatever code it holds, so none is ever unpickled.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")

#: How a net of Caffe begins, without spaces.
PROTOTXT = re.compile(r"""(layers?|input_shape|state):?[{<]|input_dim:|force_backward:|(input|name):["']""")

#: The number of bytes at a file's beginning that are read to recognize its format where its name does not tell.
HEAD_BYTES = 4096


class ModelFile(NamedTuple):
    """A model file and the name of its reader; for the reader `torch`, a factory `package.module:factory`."""

    reader: str
    name: str


class PastedCode(NamedTuple):
    """A text that is code of a framework, or a module as it is printed."""

    source: Source

    @property
    def name(self) -> str:
        return self.source.name


class ReadOptions(NamedTuple):
    """Values that a file leaves open: the shape of its first input, channels last, and sizes of symbolic dimensions.

    With `letters`, a size that is still open is a letter, named as in the file.
    """

    input: tuple[Any, ...] | None = None
    #: The shapes of the second and further inputs, for a PyTorch module.
    more_inputs: tuple[tuple[int, ...], ...] = ()
    dims: Mapping[str, int] = {}
    letters: bool = False


def recognize(path: str) -> ModelFile | None:
    """Return the model file if its name or its first bytes identify a format; None for a spec.

    Raises `SpecError` E304 for a pickled module, E302 for a file of another tool, and `OSError` if the file cannot be
    read.
    """
    suffix = paths.splitext(path)[1].lower()
    reader = SUFFIXES.get(suffix)
    if reader is None:
        with open(path, "rb") as file:
            reader = _recognize_content(path, file.read(HEAD_BYTES))
    if reader is None and suffix in FOREIGN:
        fail_foreign(path)
    # A net of Caffe may be called `.pt`, too: it is text, and no pickle begins as one.
    if suffix in PICKLES and reader != "caffe":
        fail_pickle(path)
    return ModelFile(reader, path) if reader else None


def _recognize_content(path: str, head: bytes) -> str | None:
    """Return the reader for a file that begins with these bytes; None if no format matches.

    Raises `SpecError` E304 for a pickle.
    """
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "keras"
    if head.startswith(b"PK\x03\x04"):
        if b"/data.pkl" in head:
            fail_pickle(path)
        return "keras"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        fail_pickle(path)
    # An ONNX file's first field is its version of the format, a small number; next comes a string or the graph.
    if head[:1] == b"\x08" and head[1:2] < b"\x40" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return "onnx"
    if head[4:8] == b"TFL3":
        return "tflite"
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("{") and '"class_name"' in text:
        return "keras"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    first = lines[0].replace(" ", "") if lines else ""
    if text.startswith("<") and re.search(r"<net\b[^>]*\bversion=", text):
        return "openvino"
    if first == "7767517":
        return "ncnn"
    if first in ("[net]", "[network]"):
        return "darknet"
    if PROTOTXT.match(first):
        return "caffe"
    return None


def read(model: ModelFile | PastedCode, options: ReadOptions, strict: bool = False) -> Graph:
    """Return the graph of a model; with `strict`, an unknown operator is an error (E305).

    Raises `SpecError` if the model is invalid or the library that reads it is not installed.
    """
    try:
        if isinstance(model, PastedCode):
            graph: Graph = import_module("cnncalc.readers.code").read_code(model.source, options)
        else:
            graph = import_module(f"cnncalc.readers.{model.reader}").read(model.name, options)
    except RecursionError:
        fail("E303", f"`{model.name}` is nested too deeply")
    except OSError as error:
        reason = error.strerror or str(error)
        fail("E010", f"cannot read `{model.name}`", reason[:1].lower() + reason[1:])
    except MemoryError:
        fail("E303", f"`{model.name}` needs more memory than there is")
    if strict:
        fail_if_unknown(graph)
    if graph.name is not None:
        graph = graph._replace(name=printable_title(graph.name))
    return graph if options.input is None else with_input_order_warnings(graph)
