"""One figure by its path: `totals.params`, `conv1.output_shape`, `basic2.macs`.

    path   = [ "totals" "." ] key { "." key }          a total; `peak` is short for `activation_bytes.peak`
           | [ "layers" "." ] layer "." key { "." key }
    layer  = the name of a layer, or of a block: its sums, and the shape at its end

Keys are those of the JSON object; a number goes into a list (`conv1.output_shape.0`). A receptive field
without a further key is its size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cnncalc.analysis import Analysis, RowGroup
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, near, nearest, try_each
from cnncalc.figures.receptive_field import AxisField
from cnncalc.notation import per_axis, shape_text

if TYPE_CHECKING:
    from fractions import Fraction

#: Lists of names; what else is a list is a shape or has a number for each axis.
NAMES = ("inputs", "outputs")
#: A block's figures: those of a layer that add up or stand at its ends.
BLOCK_KEYS = ("type", "params", "buffers", "macs", "flops", "activations")


class Figure(NamedTuple):
    """A figure: its whole path, the key in it that says what it is, and its value as JSON carries it."""

    path: str
    key: str
    value: Any
    #: What it can be compared by: a number, or one for each axis. Empty where it is no number.
    numbers: tuple[int | Fraction, ...]
    in_bytes: bool

    def text(self, layout: str = "hwc") -> str:
        """The raw value on one line: shapes as 3x3x2, one number for axes that agree, names with a space between."""
        return _text(self.value, self.key, layout)


class Figures:
    """The figures of an analysis by path."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._totals = analysis.totals.to_dict()
        self._rows = {row.name: row for row in analysis.rows}
        self._deepest = max((name.count(".") for name in self._rows), default=0) + 1

    def find(self, path: Span) -> Figure:
        """The figure of that path; raises `SpecError` E140 with the near ones where there is none."""
        value, trail, keys = self._start(path.text)
        while keys:
            key = ".".join(keys)
            if not (isinstance(value, dict) and key in value):
                key = keys[0]
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key in map(str, range(len(value))):
                value = value[int(key)]
            else:
                self._unknown(path, value, trail)
            # A tensor's key is a layer's name, with what dots that has.
            keys = keys[key.count(".") + 1 :]
            trail = [*trail, key]
        if isinstance(value, dict) and "size" in value:
            value = value["size"]
        elif value == {}:
            raise _error(path, "depends on numbers, and sizes are letters", [], "give numbers for them with `--at`")
        elif isinstance(value, dict):
            help = f"write `{path.text}.{next(iter(value))}`"
            raise _error(path, "has several figures", [f"its keys: {', '.join(value)}"], help)
        key = next(key for key in reversed(trail) if not key.isdecimal())
        in_bytes = trail[0] == "totals" and any(each.endswith("_bytes") or each == "tensors" for each in trail)
        return Figure(".".join(trail), key, value, tuple(self._numbers(value, key)), in_bytes)

    def _start(self, text: str) -> tuple[Any, list[str], list[str]]:
        """What the path goes into, the keys that lead there from the outside, and the keys that are left."""
        keys = text.split(".")
        if keys[0] == "totals":
            return self._totals, ["totals"], keys[1:]
        of_layers = keys[1:] if keys[0] == "layers" else keys
        for end in range(min(len(of_layers) - 1, self._deepest), 0, -1):
            name = ".".join(of_layers[:end])
            if found := self._layer(name):
                return found, [name], of_layers[end:]
        for outer in ("activation_bytes", "totals"):
            inner: Any = self._totals.get(outer, self._totals)
            if keys[0] in inner:
                return inner, ["totals"] if outer == "totals" else ["totals", outer], keys
        return self._general(), [], keys

    def _layer(self, name: str) -> dict[str, Any] | None:
        """The figures of a layer, or of a block as a whole."""
        if name in self._rows:
            return self._rows[name].to_dict()
        inside = tuple(row for row in self._analysis.rows if row.name.startswith(f"{name}."))
        if not inside:
            return None
        block = RowGroup(name, inside)
        return {
            **{key: getattr(block, key) for key in BLOCK_KEYS},
            "inputs": list(block.inputs),
            "output_shape": list(block.output_shape),
            "receptive_field": block.receptive_field.to_dict(),
        }

    def _general(self) -> dict[str, Any]:
        analysis = self._analysis
        return {"name": analysis.graph.name, **analysis.options._asdict(), "outputs": list(analysis.outputs)}

    def _numbers(self, value: Any, key: str) -> Iterator[int | Fraction]:
        if self._analysis.letters:
            # Formulas are compared with nothing.
            return
        of_field = key in ("receptive_field", *AxisField._fields)
        if of_field and value == "all":
            # A field over the whole input is as large as that.
            yield from self._analysis.graph.nodes[0].shape.spatial
        several = isinstance(value, list) and (len(value) == 1 or not key.endswith(("shape", "shapes")))
        for each in value if several else [value]:
            if isinstance(each, int) and not isinstance(each, bool):
                yield each
            elif of_field and isinstance(each, str) and each != "all":
                from fractions import Fraction

                yield Fraction(each)

    def _unknown(self, path: Span, value: Any, trail: Sequence[str]) -> NoReturn:
        """Raise E140 for a path that leads to `value` by `trail` and no further, with what may have been meant."""
        text = path.text
        if self._layer(text):
            label = f"is a {'layer' if text in self._rows else 'block'}, not a figure"
            raise _error(path, label, [], f"write `{text}.output_shape`, `{text}.params` or another of its figures")
        if isinstance(value, list):
            raise _error(path, f"`{'.'.join(trail)}` has {len(value)} values", [], "they are counted from 0")
        found = near(text, self._candidates(text, value, trail), 3)
        notes = [f"near it: {', '.join(found)}"] if len(found) > 1 else []
        help = f"write `{found[0]}`" if found else "the paths are those of `--format json`, with layers by name"
        raise _error(path, "no figure of this path", notes, help)

    def _candidates(self, text: str, value: Any, trail: Sequence[str]) -> Iterator[str]:
        """Paths that may have been meant: of the same layer, of the totals, or of the same figure elsewhere."""
        if trail and isinstance(value, dict):
            yield from _leaves(value, ".".join(trail))
        if not trail or trail[0] == "totals":
            memory: Any = self._totals["activation_bytes"]
            yield from memory
            yield from self._totals
            yield from _leaves(self._totals, "totals")
            yield from self._general()
            _, dot, key = text.rpartition(".")
            if dot and (meant := nearest(key, self._analysis.rows[0].to_dict())):
                yield from (f"{name}.{meant}" for name in self._rows)


def find_all(paths: Sequence[str], analysis: Analysis) -> list[Figure]:
    """The figures of these paths; raises `SpecError` with every one that is unknown."""
    figures = Figures(analysis)
    return try_each(lambda path: figures.find(Span(Source("--get", path), 0, len(path))), map(str.strip, paths))


def _error(path: Span, label: str, notes: Sequence[str], help: str) -> SpecError:
    return SpecError([Diagnostic("E140", f"unknown figure `{path.text}`", path, label, tuple(notes), help)])


def _leaves(value: dict[str, Any], prefix: str) -> Iterator[str]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{prefix}.{key}")
        yield f"{prefix}.{key}"


def _text(value: Any, key: str, layout: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, list):
        # A name may hold a line's end, or what a terminal would obey.
        return "".join(each if each.isprintable() else " " for each in str(value))
    if key in NAMES:
        return " ".join(value)
    if key.endswith("shapes") and value and isinstance(value[0], list):
        return " ".join(shape_text(each, layout) for each in value)
    if key.endswith(("shape", "shapes")):
        return shape_text(value, layout)
    # Padding has a begin and an end on each axis: as the language writes it.
    ends = ["-".join(map(str, dict.fromkeys(each))) if isinstance(each, list) else each for each in value]
    return per_axis(ends) or "-"
