"""Writers: a graph as code for a framework, as a model file, or as a spec. One file for each format.

Every writer is a module with `write(graph)`, and says each kind of layer in a table of its own
(`saying.Emitter`): what a framework calls a thing is the writer's knowledge, and the layers know no
framework. A kind is in every table, either written or with the reason why it cannot be.
"""

from __future__ import annotations

from importlib import import_module
from typing import NamedTuple, Union

from cnncalc.graph import Graph


class Format(NamedTuple):
    """A format by what it is for people, its file's suffix, and whether it is bytes and no text."""

    title: str
    suffix: str
    binary: bool = False


#: Format → what it is. Its writer is the module of its name.
FORMATS = {
    "pytorch": Format("PyTorch code, a module for each block", ".py"),
    "keras": Format("Keras 3 code, a functional model", ".py"),
    "onnx": Format("an ONNX model without weights' values", ".onnx", binary=True),
    "cnn": Format("a spec in canonical form, repeated structure folded", ".cnn"),
}


def export(graph: Graph, to: str) -> Union[str, bytes]:
    """The graph in a format: text, or bytes for a binary one. Vectors that layers share are each layer's own in it.

    Raises `SpecError` E320 for every layer that the format has no equivalent of, E301 where its library is missing.
    """
    from cnncalc.writers.sharing import with_own_vectors

    graph, _ = with_own_vectors(graph)
    written: Union[str, bytes] = import_module(f"cnncalc.writers.{to}").write(graph)
    return written
