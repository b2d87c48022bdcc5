"""ModelFile files: which reader a file is for, and what all readers share.

A reader is one module of this package with `read(path, options) -> Graph`, imported when a file of its kind is
read, and a library of its format no sooner. Sizes are the program's own: a reader turns each operator into a layer
and lets `GraphBuilder` work out the shapes; an operator without a word of its own becomes a `OpaqueOp` layer. A file
is untrusted: what is wrong with it is a `SpecError` of the codes E3xx, in bounded time and memory.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from os import path as paths
from typing import NamedTuple, NoReturn

from cnncalc.diagnostics import MAX_ERRORS, Diagnostic, Origin, Source, Span, SpecError
from cnncalc.graph import UNKNOWN, Graph, GraphBuilder, StoredWeights
from cnncalc.layers.base import Layer
from cnncalc.layers.opaque import NO_SHAPE, OpaqueOp

#: Suffix → the module that reads such files.
SUFFIXES = {
    ".onnx": "onnx",
    ".keras": "keras",
    ".h5": "keras",
    ".hdf5": "keras",
    ".json": "keras",
    ".prototxt": "caffe",
    ".cfg": "darknet",
}

#: Suffixes of pickled modules: reading one would run whatever code it holds, so none is ever opened.
PICKLES = (".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")

#: So many bytes at a file's beginning tell its kind where its name does not.
SNIFFED = 4096

#: A model in text (prototxt, cfg, JSON) is no longer than this, in bytes.
MAX_TEXT = 16 << 20

#: UniqueNames of layers are cut to so many characters.
MAX_NAME = 100


class ModelFile(NamedTuple):
    """A model file and the reader for it; or for the reader `torch` a factory, `package.module:factory`."""

    reader: str
    name: str


class ReadOptions(NamedTuple):
    """What a file leaves open: the shape of its first input, channels last, and sizes of symbolic dimensions."""

    input: tuple[int, ...] | None = None
    dims: Mapping[str, int] = {}


def model_of(path: str) -> ModelFile | None:
    """The file as a model where its name or its first bytes say that it is one; None for a spec.

    Raises `SpecError` E304 for a pickled module, and `OSError` where the file cannot be read.
    """
    suffix = paths.splitext(path)[1].lower()
    if suffix in PICKLES:
        refuse_pickle(path)
    reader = SUFFIXES.get(suffix)
    if reader is None:
        with open(path, "rb") as file:
            reader = sniffed(path, file.read(SNIFFED))
    return ModelFile(reader, path) if reader else None


def sniffed(path: str, head: bytes) -> str | None:
    """The reader for a file that begins with these bytes; None where they look like none.

    Raises `SpecError` E304 for a pickle.
    """
    if head.startswith(b"\x89HDF\r\n\x1a\n"):
        return "keras"
    if head.startswith(b"PK\x03\x04"):
        if b"/data.pkl" in head:
            refuse_pickle(path)
        return "keras"
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        refuse_pickle(path)
    # An ONNX file's first field is its version of the format, a small number; next comes a string or the graph.
    if head[:1] == b"\x08" and head[1:2] < b"\x40" and head[2:3] in (b"\x12", b"\x1a", b"\x22", b"\x3a", b"\x42"):
        return "onnx"
    text = head.decode("utf-8", errors="replace").lstrip("\ufeff \t\r\n")
    if text.startswith("{") and '"class_name"' in text:
        return "keras"
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    first = lines[0].replace(" ", "") if lines else ""
    if first in ("[net]", "[network]"):
        return "darknet"
    if first.startswith(("layer{", "layers{", "input_dim:", "input_shape{", 'input:"', 'name:"')):
        return "caffe"
    return None


def read(model: ModelFile, options: ReadOptions, strict: bool = False) -> Graph:
    """The graph of a model; with `strict`, an operator that is not known is an error (E305).

    Raises `SpecError` where the model is wrong or what reads it is not installed.
    """
    module = import_module(f"cnncalc.readers.{model.reader}")
    try:
        graph: Graph = module.read(model.name, options)
    except RecursionError:
        refuse("E303", f"`{model.name}` is nested too deeply")
    except MemoryError:
        refuse("E303", f"`{model.name}` needs more memory than there is")
    if strict:
        refuse_unknown(graph)
    return graph


def refuse_unknown(graph: Graph) -> None:
    """Raise `SpecError` E305 for the operators of a graph that are not known."""
    help = "without `--strict` it is a row marked unknown, and totals are lower bounds"
    found = [
        Diagnostic(
            "E305",
            f"unknown operator `{node.layer.kind}`",
            node.origin.span if node.origin else None,
            f"what `{node.name}` stores and computes cannot be told",
            help=help,
            layer=node.name,
        )
        for node in graph.nodes
        if not node.layer.known
    ]
    if found:
        raise SpecError(found[:MAX_ERRORS])


def text_of(path: str) -> Source:
    """A model file that is text; raises `SpecError` E303 for one over the limit, E302 for one that is no text."""
    with open(path, "rb") as file:
        data = file.read(MAX_TEXT + 1)
    if len(data) > MAX_TEXT:
        refuse("E303", f"`{path}` is too large", f"a model in text has at most {MAX_TEXT >> 20} MiB")
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
    for bad, what in (("\0", "a NUL byte"), ("\ufffd", "bytes that are not UTF-8")):
        if bad in text:
            at = text.index(bad)
            span = Span(Source(path, text), at, at + 1)
            raise SpecError([Diagnostic("E302", f"the model has {what} in it", span, "not text")])
    return Source(path, text)


def refuse(code: str, message: str, label: str = "", notes: tuple[str, ...] = (), help: str | None = None) -> NoReturn:
    """Raise `SpecError` with one diagnostic that has no place in a text."""
    raise SpecError([Diagnostic(code, message, None, label, notes, help)])


def refuse_pickle(path: str) -> NoReturn:
    refuse(
        "E304",
        f"`{path}` is a pickle, and pickles are not read",
        "opening one runs whatever code it holds",
        help="export the model to ONNX (`torch.onnx.export`), or name what builds it: `cnncalc torch:module:factory`",
    )


def missing_library(library: str, extra: str, what: str) -> NoReturn:
    """Raise `SpecError` E301 for a library that is not installed, with the extra that installs it."""
    help = f'install it with `pip install "cnncalc[{extra}]"`'
    refuse("E301", f"reading {what} needs `{library}`", f"`{library}` is not installed", help=help)


def add_layer(
    builder: GraphBuilder,
    layer: Layer,
    inputs: Sequence[int],
    origin: Origin | None = None,
    name: str | None = None,
    stored: StoredWeights | None = None,
) -> int:
    """Add a layer; behind an operator whose shape nobody knows it is unknown too, and its row goes on."""
    shapes = [builder.nodes[index].shape for index in inputs if index != UNKNOWN]
    if NO_SHAPE in shapes and not isinstance(layer, OpaqueOp):
        layer = OpaqueOp(layer.kind, None, known=False)
    return builder.add(layer, tuple(inputs), origin, name, stored=stored)


def plain(name: str) -> str:
    """A name as a report can show it: one line of printable characters without spaces, of bounded length."""
    return "".join(c if c.isprintable() and not c.isspace() else "_" for c in name[:MAX_NAME])


class UniqueNames:
    """UniqueNames for nodes as a file gives them: one line, of bounded length, and each once."""

    def __init__(self) -> None:
        self._taken: dict[str, int] = {}

    def __call__(self, name: str) -> str:
        """The name itself, or with a number behind it where it is taken."""
        name = plain(name)
        while name in self._taken:
            self._taken[name] += 1
            name = f"{name}_{self._taken[name]}"
        self._taken[name] = 1
        return name
