"""Writers: a graph as code for a framework, as a model file, or as a spec. One module or package for each format.

Every writer is a module or package with `write(graph)` and an `emitter`: a layer is emitted by the row of the
framework's table, or by a function of the writer if a row alone is not enough. A kind without an equivalent is an
error E320 with the reason.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Union

from cnncalc.graph import Graph


class Format(NamedTuple):
    """A format: its title, the suffix of its files, and whether they are binary."""

    title: str
    suffix: str
    binary: bool = False


#: The formats by name; each one's writer is the module of that name.
FORMATS = {
    "pytorch": Format("PyTorch code, a module for each block", ".py"),
    "keras": Format("Keras 3 code, a functional model", ".py"),
    "onnx": Format("an ONNX model without weights' values", ".onnx", binary=True),
    "cnn": Format("a spec in canonical form, repeated structure folded", ".cnn"),
}


def export(graph: Graph, to: str) -> Union[str, bytes]:
    """Return the graph in a format: text, or bytes for a binary one. Each layer gets its own copy of shared vectors.

    Raises `SpecError` E320 for every layer that the format has no equivalent of, E301 if its library is missing.
    """
    from cnncalc.writers.sharing import with_own_vectors

    graph, _ = with_own_vectors(graph)
    written: Union[str, bytes] = import_module(f"cnncalc.writers.{to}").write(graph)
    return written
