"""The figures that a sweep knows, by the paths of `--get` and `--fail-if`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError
from cnncalc.query.paths import Figures

if TYPE_CHECKING:
    from cnncalc.analysis import Analysis
    from cnncalc.sweep.figures import StructureFigures

#: The totals that are computed for all variants at once.
TOTALS = (
    "params", "frozen", "buffers", "macs", "flops", "backward_macs", "activations", "conv_activations", "params_bytes",
    "saved_bytes", "training_bytes", "traffic_bytes", "layers", "activation_bytes.sum", "activation_bytes.peak",
    "activation_bytes.peak_no_inplace",
)  # fmt: skip
#: The figures of a layer that are.
OF_LAYERS = (
    "params", "frozen", "buffers", "macs", "flops", "backward_macs", "activations", "conv_activations", "saved_bytes",
    "traffic_bytes", "output_shape", "receptive_field",
)  # fmt: skip
#: The total that is worked out for each variant of the answer alone.
ARENA = "totals.activation_bytes.arena"


class FigureName(NamedTuple):
    """A figure: its path and its key; one of a `layer` (empty: the last), of a list of sizes, has a place in it."""

    path: str
    key: str
    layer: str | None
    place: int | None
    in_bytes: bool

    @property
    def of_layer(self) -> bool:
        return self.layer is not None

    def of(self, figures: StructureFigures) -> Any:
        """Return the figure of a structure; None if it has none."""
        if self.layer is None:
            return figures.figure(self.key)
        return figures.of_layer(self.layer or None, self.key, self.place)


def total_name(key: str) -> FigureName:
    """Return the name of a total."""
    return FigureName(f"totals.{key}", key, None, None, key.endswith("_bytes") or key.startswith("activation_bytes"))


def find_names(path: Span, sample: Analysis) -> list[FigureName]:
    """Return the figure of a path, one for each axis if it has a number for each; `sample` is any of the variants.

    Raises `SpecError`: E140 if there is no such figure, E151 if it is not one of all variants.
    """
    figure = Figures(sample).find(path)
    if figure.path == ARENA:
        _not_for_all(path, "the arena is worked out for the variants of the answer alone")
    keys = figure.path.split(".")
    if keys[0] == "totals":
        key = ".".join(keys[1:])
        if key not in TOTALS:
            _not_for_all(path, "this is no number, or not one that is computed for all variants at once")
        return [FigureName(figure.path, key, None, None, figure.in_bytes)]
    last = sample.rows[-1].name
    if figure.path.startswith(f"{last}.") and not path.text.removeprefix("layers.").startswith(last):
        # No layer is named: it is the last of each variant, whatever its name.
        layer, keys = "", figure.path[len(last) + 1 :].split(".")
    else:
        names = sorted({row.name for row in sample.rows}, key=len, reverse=True)
        prefixes = {".".join(name.split(".")[:end]) for name in names for end in range(1, name.count(".") + 2)}
        layer = max((name for name in prefixes if figure.path.startswith(f"{name}.")), key=len, default="")
        if not layer:
            _not_for_all(path, "this is of a repeat, whose number of copies may vary")
        keys = figure.path[len(layer) + 1 :].split(".")
    if keys[0] not in OF_LAYERS or (not figure.numbers and keys[0] != "output_shape"):
        _not_for_all(path, "this is no number, or not one that is computed for all variants at once")
    return list(_of_layer(figure, layer, keys, path))


def _of_layer(figure: Any, layer: str, keys: list[str], path: Span) -> Any:
    shown = f"{layer}." if layer else ""
    if keys[0] not in ("output_shape", "receptive_field"):
        return [FigureName(f"{shown}{keys[0]}", keys[0], layer, None, figure.in_bytes)]
    key = keys[0]
    if key == "receptive_field":
        key = f"receptive_field.{next((each for each in keys[1:] if not each.isdecimal()), 'size')}"
    index = int(keys[-1]) if keys[-1].isdecimal() else None
    if index is None and key == "output_shape" and len(figure.value) > 1:
        _not_for_all(path, "a shape has several numbers", f"name one of its sizes: `{path.text}.0`")
    places = range(len(figure.numbers) or 1) if index is None else [index]
    return [FigureName(f"{shown}{key}.{at}", key, layer, at, figure.in_bytes) for at in places]


def _not_for_all(path: Span, label: str, help: str | None = None) -> NoReturn:
    known = f"{', '.join(TOTALS)}; of a layer {', '.join(OF_LAYERS)}"
    notes = () if help else (f"computed for all variants: {known}",)
    raise SpecError([Diagnostic("E151", f"`{path.text}` is not a figure to search by", path, label, notes, help)])


def find_goals(option: str, text: str, sample: Analysis) -> list[tuple[FigureName, int]]:
    """Return the figures that an option lists, each with 1 or, with a minus in front of it, −1."""
    found = []
    start = 0
    for part in text.split(","):
        bare = part.strip()
        sign = -1 if bare.startswith("-") else 1
        bare = bare.removeprefix("-").strip()
        source = Source(option, text)
        at = start + part.find(bare) if bare else start
        span = Span(source, at, at + max(len(bare), 1))
        if not bare:
            raise SpecError(
                [Diagnostic("E140", "a figure is missing", span, "expected its name", (), "write `params`")]
            )
        found += [(name, sign) for name in find_names(span, sample)]
        start += len(part) + 1
    return found
