"""cnncalc: what a convolutional network does to its data, before a line of framework code exists.

>>> import cnncalc
>>> result = cnncalc.analyze("input 5x5x3 | conv 3x3 s1 valid x2")
>>> result["conv1"].output_shape
(3, 3, 2)
>>> result.totals.params, result.totals.macs
(56, 486)
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import Any, Union

from cnncalc.analysis import Analysis, Options, Row, analyze_graph
from cnncalc.diagnostics import Diagnostic, SpecError
from cnncalc.figures.totals import Totals
from cnncalc.graph import Graph, Node
from cnncalc.shape import Shape

__version__ = "0.1.0"

#: An input's shape: `"32x32x3"` or `(32, 32, 3)`; `"HxWx3"` leaves sizes open.
InputShape = Union[str, Sequence[Any]]


def parse(
    text: str,
    *,
    input: InputShape | None = None,
    variables: Mapping[str, Any] | None = None,
    letters: bool = False,
    at: Mapping[str, int] | None = None,
) -> Graph:
    """The graph of a spec given as text, or of a network of the zoo given by name, every layer with its shape.

    `input` is the shape of the first input, channels last, for a spec that has none or to override it;
    `variables` override the spec's lets. With `letters`, sizes of the input may be letters, or there may be no
    input at all, and shapes are formulas; `at` has numbers for letters. Raises `SpecError` with every error in
    the text.
    """
    from cnncalc.language.expand import LetterMode
    from cnncalc.sources import load_source, named

    return load_source(named(text), _dims(input), variables, left_open=LetterMode(letters, at or {}))


def load(
    path: str | PathLike[str],
    *,
    input: InputShape | None = None,
    variables: Mapping[str, Any] | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    letters: bool = False,
    at: Mapping[str, int] | None = None,
) -> Graph:
    """The graph of a file: a spec (`.cnn`), YAML (`.yaml`, `.yml`) or a model file, as its suffix or content says.

    `input`, `variables`, `letters` and `at` are those of `parse`.

    For a model file, `dims` gives symbolic dimensions their sizes (`{"height": 224}`), and with `strict` an
    operator that is not known is an error. Raises `SpecError` where the file cannot be read or is wrong.
    """
    from cnncalc.language.expand import LetterMode
    from cnncalc.sources import load_source, read_file

    return load_source(read_file(path), _dims(input), variables, dims, strict, LetterMode(letters, at or {}))


def from_torch(module: Any, input: Any, *, strict: bool = False) -> Graph:
    """The graph of a `torch.nn.Module`, traced without computing anything.

    `input` is the input's shape, channels last (`"224x224x3"`, `(224, 224, 3)`), or an example tensor with a batch
    of 1, or a list of tensors where there are several inputs. With `strict`, an operator that is not known is an
    error. Raises `SpecError` where PyTorch is not installed or the module cannot be traced.
    """
    from cnncalc.readers.errors import fail_if_unknown
    from cnncalc.readers.torch import from_module

    shaped = isinstance(input, str) or (isinstance(input, Sequence) and all(isinstance(each, int) for each in input))
    inputs = [_dims(input)] if shaped else list(input) if isinstance(input, (list, tuple)) else [input]
    graph = from_module(module, inputs)
    if strict:
        fail_if_unknown(graph)
    return graph


def analyze(
    spec: str | PathLike[str] | Graph,
    *,
    input: InputShape | None = None,
    batch: int = 1,
    dtype: str = "float32",
    convention: str = "torchvision",
    optimizer: str = "sgd",
    variables: Mapping[str, Any] | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    at: Mapping[str, int] | None = None,
) -> Analysis:
    """Every figure of a network: a row for each layer, totals and warnings.

    Where sizes of the input are letters, or there is no input, the figures are formulas in letters; `at` has
    numbers for them.

    `spec` is text, a name of the zoo, a path (a `pathlib.Path`) or a graph. Shapes are per sample and channels
    last; MACs, activations and their bytes are for `batch` samples. `dims` and `strict` are for a model file, as
    in `load`. Raises `SpecError` where the spec is wrong, and `ValueError` for an option that is not known.
    """
    options = Options.checked(batch, dtype, convention, optimizer)
    if isinstance(spec, Graph) and (input is not None or variables or dims or at):
        raise ValueError("a graph has its shapes already: give `input`, `variables` and `at` to parse() or load()")
    if isinstance(spec, str) and (dims or strict):
        raise ValueError("`dims` and `strict` are for a model file: give its path as a pathlib.Path")
    with _no_collection():
        if isinstance(spec, str):
            spec = parse(spec, input=input, variables=variables, letters=True, at=at)
        elif not isinstance(spec, Graph):
            spec = load(spec, input=input, variables=variables, dims=dims, strict=strict, letters=True, at=at)
        return analyze_graph(spec, options)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Hold the cycle collector off: it would walk a deep network's values again and again, and they have no cycles."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _dims(input: InputShape | None) -> tuple[int, ...] | None:
    from cnncalc.sources import parse_shape

    if input is None:
        return None
    return parse_shape(input.strip() if isinstance(input, str) else "x".join(map(str, input)))


__all__ = [
    "Analysis", "Diagnostic", "Graph", "Node", "Options", "Row", "Shape", "SpecError", "Totals",
    "analyze", "from_torch", "load", "parse",
]  # fmt: skip
