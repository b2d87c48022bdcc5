"""cnncalc: sizes, parameters, operations and memory of convolutional networks, without a framework.

>>> import cnncalc
>>> result = cnncalc.analyze("input 5x5x3 | conv 3x3 s1 valid x2")
>>> result["conv1"].output_shape
(3, 3, 2)
>>> result.totals.params, result.totals.macs
(56, 486)
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike
    from typing import Any, TypeAlias

    from cnncalc.analysis import Analysis, Options
    from cnncalc.diagnostics import Diagnostic, SpecError
    from cnncalc.figures.rows import Row
    from cnncalc.figures.totals import Totals
    from cnncalc.graph import Graph, Node
    from cnncalc.result import Result
    from cnncalc.shape import Shape
    from cnncalc.sweep.library import sweep

    #: The shape of an input: `"32x32x3"` or `(32, 32, 3)`; letters leave sizes open, as in `"HxWx3"`.
    InputShape: TypeAlias = str | Sequence[Any]

__version__ = "0.1.0"

#: Class → its module. They are imported when they are asked for: the command line, which is below this package, has
#: to be ready for an interrupt before that.
CLASSES = {
    "Analysis": "analysis",
    "Options": "analysis",
    "Row": "figures.rows",
    "Diagnostic": "diagnostics",
    "SpecError": "diagnostics",
    "Result": "result",
    "Totals": "figures.totals",
    "Graph": "graph",
    "Node": "graph",
    "Shape": "shape",
}


def __getattr__(name: str) -> object:
    """Return a class of the library, or its sweep; from then on it is an attribute like any other."""
    if name == "sweep":
        # The package of that name can be called.
        from importlib import import_module

        return import_module("cnncalc.sweep")
    if name not in CLASSES:
        raise AttributeError(f"module 'cnncalc' has no attribute {name!r}")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(f"cnncalc.{CLASSES[name]}"), name)
    return found


def parse(
    text: str,
    *,
    input: InputShape | None = None,
    var: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    letters: bool = False,
    at: Mapping[str, int] | None = None,
) -> Graph:
    """Return the graph of a spec, or of a zoo network by its name, with the shape of every layer.

    `input` is the shape of the first input, channels last: it overrides the spec's, or replaces a missing one.
    `var`, or `variables`, overrides the spec's lets. With `letters`, sizes of the input may be letters, or the input
    may be missing, and shapes are formulas; `at` has the numbers of letters. Raises `SpecError` with every error in
    the text.
    """
    from cnncalc.diagnostics import SpecError
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import file_error, load_source, text_or_network

    if not isinstance(text, str):
        raise TypeError(f"a spec is a str, not {type(text).__name__}: give a path to load() or analyze()")
    lets = _either(var=var, variables=variables)
    with _Errors():
        shape = _dims(input)
        try:
            return load_source(text_or_network(text), shape, lets, left_open=LetterMode(letters, at or {}))
        except SpecError as error:
            raise file_error(text, error) or error from None


def load(
    path: str | PathLike[str],
    *,
    input: InputShape | None = None,
    var: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    dim: Mapping[str, int] | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    letters: bool = False,
    at: Mapping[str, int] | None = None,
) -> Graph:
    """Return the graph of a file: a spec (`.cnn`), YAML (`.yaml`, `.yml`) or a model file, by suffix or content.

    `input`, `var`, `letters` and `at` are those of `parse`. For a model file, `dim`, or `dims`, has the sizes of
    symbolic dimensions (`{"height": 224}`), and with `strict` an unknown operator is an error. Raises `SpecError` if
    the file cannot be read, or with every error in it.
    """
    from cnncalc.language.inputs import LetterMode
    from cnncalc.sources import load_source, read_file

    lets, sizes = _either(var=var, variables=variables), _either(dim=dim, dims=dims)
    with _Errors():
        return load_source(read_file(path), _dims(input), lets, sizes, strict, LetterMode(letters, at or {}))


def from_torch(module: Any, input: Any, *, strict: bool = False) -> Graph:
    """Return the graph of a `torch.nn.Module`, traced without computing anything.

    `input` is the shape of the input, channels last (`"224x224x3"`, `(224, 224, 3)`), or an example tensor with a
    batch of 1, or a list of either for several inputs. With `strict`, an unknown operator is an error. Raises
    `SpecError` if PyTorch is not installed or the module cannot be traced.
    """
    from collections.abc import Sequence

    from cnncalc.graph import BuildError, with_input_order_warnings
    from cnncalc.readers.errors import fail_if_unknown
    from cnncalc.readers.torch import from_module

    def is_shape(each: Any) -> bool:
        sizes = isinstance(each, Sequence) and all(isinstance(size, int) for size in each)
        return isinstance(each, str) or bool(sizes)

    shaped = is_shape(input)
    listed = [input] if shaped or not isinstance(input, (list, tuple)) else list(input)
    with _Errors():
        inputs = [_dims(each) if is_shape(each) else each for each in listed]
        try:
            graph = from_module(module, inputs)
        except BuildError as error:
            from cnncalc.language.repair import with_repairs  # only once something is wrong

            raise with_repairs(error) from None
        if strict:
            fail_if_unknown(graph)
        return with_input_order_warnings(graph) if shaped else graph


def analyze(
    spec: Any,
    *,
    input: Any = None,
    batch: int = 1,
    dtype: str | None = None,
    convention: str = "torchvision",
    optimizer: str = "sgd",
    deploy: str | None = None,
    in_place: str | Sequence[str] = (),
    var: Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    dim: Mapping[str, int] | None = None,
    dims: Mapping[str, int] | None = None,
    strict: bool = False,
    at: Mapping[str, int] | None = None,
) -> Result:
    """Return every figure of a network: a row for each layer, totals and warnings.

    `spec` is text, the name of a zoo network, a path (a `pathlib.Path`), a graph, or a `torch.nn.Module`, for which
    `input` is as in `from_torch`. `var` overrides the spec's lets, as in `parse`. Shapes are per sample and channels
    last; MACs, activations and their bytes are for `batch` samples. Bytes are those of `dtype`, without it of float32
    or of the types that a model file states; parts may have types of their own (`weights=int8,bias=int32,maps=int16`).
    With `deploy` (`int8`), the network is as a device runs it; with `in_place="dw"`, its depthwise layers write over
    their input. If sizes of the input are letters, or the input is missing, figures are formulas; `at` has the numbers
    of letters. `dim` and `strict` are for a model file, as in `load`. Raises `SpecError` with every error in the spec,
    and `ValueError` for an unknown option.
    """
    from cnncalc.analysis import Options, analyze_graph
    from cnncalc.graph import Graph
    from cnncalc.result import Result

    options = Options.checked(batch, dtype, convention, optimizer, deploy, in_place)
    lets, sizes = _either(var=var, variables=variables), _either(dim=dim, dims=dims)
    if isinstance(spec, Graph) and (input is not None or lets or sizes or at):
        raise ValueError("a graph has its shapes already: give `input`, `var` and `at` to parse() or load()")
    if isinstance(spec, str) and (sizes or strict):
        raise ValueError("`dim` and `strict` are for a model file: give its path as a pathlib.Path")
    if _is_torch_module(spec):
        if input is None or lets or sizes or at:
            raise ValueError("for a torch.nn.Module give its `input`, in numbers, and no other size")
        spec = from_torch(spec, input, strict=strict)
    elif isinstance(spec, str):
        spec = parse(spec, input=input, var=lets, letters=True, at=at)
    elif not isinstance(spec, Graph):
        spec = load(spec, input=input, var=lets, dim=sizes, strict=strict, letters=True, at=at)
    with _Errors():
        return Result.of(analyze_graph(spec, options))


def _either(**names: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return the value that is given under one of two names; raise `ValueError` if both are."""
    (name, value), (other, value_of_other) = names.items()
    if value is not None and value_of_other is not None:
        raise ValueError(f"`{name}` and `{other}` are the same: give one of them")
    given = value if value is not None else value_of_other
    if given is not None and not hasattr(given, "items"):
        raise TypeError(f"`{name}` is a mapping of names to numbers, as in {name}={{'width': 64}}, not {given!r}")
    return given


class _Errors:
    """A context whose errors notebooks can show."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        from cnncalc.diagnostics import SpecError

        if isinstance(error, SpecError):
            from cnncalc.notebook import RENDERING  # only once something is wrong

            error.rendering = RENDERING


def _is_torch_module(value: Any) -> bool:
    """Return whether a value is a `torch.nn.Module`, without importing PyTorch."""
    return any(f"{each.__module__}.{each.__name__}" == "torch.nn.modules.module.Module" for each in type(value).__mro__)


def _dims(input: InputShape | None) -> tuple[int, ...] | None:
    """Return the sizes of a shape, channels last."""
    from cnncalc.sources import parse_shape

    if input is None:
        return None
    return parse_shape(input.strip() if isinstance(input, str) else "x".join(map(str, input)))


__all__ = [
    "Analysis", "Diagnostic", "Graph", "Node", "Options", "Result", "Row", "Shape", "SpecError", "Totals",
    "analyze", "from_torch", "load", "parse", "sweep",
]  # fmt: skip


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
