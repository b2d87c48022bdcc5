"""Find one figure by its path: `totals.params`, `conv1.output_shape`, `basic2.macs`.

    path   = [ "totals" "." ] key { "." key }          a total; `peak` is short for `activation_bytes.peak`
           | last { "." key }                         `output_shape` or `receptive_field`: the last layer's
           | [ "layers" "." ] layer "." key { "." key }
    layer  = the name of a layer, or of a block: the sums of its figures, and the shape at its end

Keys are those of the JSON object; a number is an index into a list (`conv1.output_shape.0`). A receptive field
without a further key stands for its size; it has a `smallest` even where that is the size.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, try_each
from cnncalc.figures.receptive_field import FIELD_FIGURES
from cnncalc.figures.rows import group_named
from cnncalc.notation import per_axis, shape_text
from cnncalc.query.vocabulary import SYNONYMS, WITHIN, spelled
from cnncalc.shape import formulas_as_text
from cnncalc.spelling import near, nearest, similarity

if TYPE_CHECKING:
    from fractions import Fraction

#: Keys whose lists are names; all others are shapes, or have a number for each axis.
NAME_KEYS = ("inputs", "outputs")
#: The figures that are the last layer's where no layer is named.
LAST_KEYS = ("output_shape", "receptive_field")
#: What the words mean of a network on a device.
ON_DEVICE = {"ram": "ram_bytes", "flash": "flash_bytes"}
#: The figures of a layer that a block has as well, under the same keys.
BLOCK_KEYS = (
    "type", "params", "frozen", "buffers", "macs", "flops", "backward_macs", "activations", "conv_activations",
    "params_bytes", "live_bytes", "traffic_bytes", "saved_bytes",
)  # fmt: skip


#: Figures of a row that its JSON object has not: they are other figures' parts of the whole network.
MORE_KEYS = ("live_bytes", "params_bytes", "share")


class Figure(NamedTuple):
    """A figure: its full path, the last key in it that is not an index, and its JSON value.

    `numbers` are those it is compared by: one number, or one for each axis; empty if it is not a number.
    """

    path: str
    key: str
    value: Any
    numbers: tuple[int | Fraction, ...]
    in_bytes: bool

    def text(self, layout: str = "hwc") -> str:
        """Return the raw value on one line: a shape as 3x3x2, one number for axes that agree, names with spaces."""
        return _text(self.value, self.key, layout)


class Figures:
    """Finds the figures of an analysis by their paths."""

    def __init__(self, analysis: Analysis) -> None:
        self._analysis = analysis
        self._totals = analysis.totals.to_dict()
        self._rows = {row.name: row for row in analysis.rows}
        self._deepest = max((name.count(".") for name in self._rows), default=0) + 1

    def find(self, path: Span) -> Figure:
        """Return the figure of a path; raise `SpecError` E140, with similar paths, if there is none."""
        value, taken, keys = self._start(self._in_our_words(path.text))
        while keys:
            key = ".".join(keys)
            if not (isinstance(value, dict) and key in value):
                key = keys[0]
            if isinstance(value, dict) and key in value:
                value = value[key]
            elif isinstance(value, list) and key in map(str, range(len(value))):
                value = value[int(key)]
            else:
                self._unknown(path, value, taken)
            # The key of a tensor is the name of a layer, which may have dots in it.
            keys = keys[key.count(".") + 1 :]
            taken = [*taken, key]
        if isinstance(value, dict) and "size" in value:
            value = value["size"]
        elif value == {}:
            raise _error(path, "depends on numbers, and sizes are letters", [], "give numbers for them with `--at`")
        elif isinstance(value, dict):
            help = f"write `{path.text}.{next(iter(value))}`"
            raise _error(path, "has several figures", [f"its keys: {', '.join(value)}"], help)
        key = next(key for key in reversed(taken) if not key.isdecimal())
        # The first key may be the name of a layer, which may end in anything.
        in_bytes = any(each.endswith("_bytes") for each in taken[1:]) or (taken[0] == "totals" and "tensors" in taken)
        return Figure(".".join(taken), key, value, tuple(self._numbers(value, key)), in_bytes)

    def _in_our_words(self, path: str) -> str:
        """Return a path whose last key is the JSON object's for what people call the figure: `ram`, `conv1.rf`."""
        before, dot, key = path.rpartition(".")
        meant = WITHIN.get(spelled(key)) if self._layer(before) else None
        if before in ("", "totals") and self._analysis.totals.on_device:
            meant = ON_DEVICE.get(spelled(key))
        meant = meant or SYNONYMS.get(spelled(key))
        if meant is None and key[:1].isalpha() and not self._is_key(before, key) and key not in self._general():
            meant = spelled(key)  # the case of a key makes no difference, that of a name does
        if before == "totals" and meant == "peak":
            meant = "activation_bytes.peak"
        return before + dot + meant if meant and not self._layer(path) and not self._is_key(before, key) else path

    def _is_key(self, before: str, key: str) -> bool:
        """Return whether a word is a key of the object that a path begins with: `input` of a network's own names."""
        return key in (self._layer(before) or ())

    def _start(self, text: str) -> tuple[Any, list[str], list[str]]:
        """Return the object that the path starts in, the keys that lead to it, and the keys that remain."""
        keys = text.split(".")
        if keys[0] == "totals":
            return self._totals, ["totals"], keys[1:]
        layer_keys = keys[1:] if keys[0] == "layers" else keys
        for end in range(min(len(layer_keys) - 1, self._deepest), 0, -1):
            name = ".".join(layer_keys[:end])
            if figures := self._layer(name):
                return figures, [name], layer_keys[end:]
        for outer in ("activation_bytes", "totals"):
            inner: Any = self._totals.get(outer, self._totals)
            if keys[0] in inner:
                return inner, ["totals"] if outer == "totals" else ["totals", outer], keys
        if keys[0] in LAST_KEYS:
            last = self._analysis.rows[-1].name
            return self._layer(last), [last], keys
        return self._general(), [], keys

    def _layer(self, name: str) -> dict[str, Any] | None:
        """Return the figures of a layer, or of a block as a whole; None if neither has that name."""
        if name in self._rows:
            row = self._rows[name]
            more = {key: getattr(row, key) for key in MORE_KEYS}
            return {**row.to_dict(), **formulas_as_text(more), "receptive_field": row.receptive_field.figures()}
        block = group_named(self._analysis.rows, name)
        if block is None:
            return None
        return {
            **{key: getattr(block, key) for key in (*BLOCK_KEYS, *MORE_KEYS)},
            "inputs": list(block.inputs),
            "output_shape": formulas_as_text(block.output_shape),
            "receptive_field": block.receptive_field.figures(),
        }

    def _general(self) -> dict[str, Any]:
        """Return the figures of the network that are neither totals nor of layers."""
        analysis = self._analysis
        return {"name": analysis.graph.name, **analysis.options._asdict(), "outputs": list(analysis.outputs)}

    def _numbers(self, value: Any, key: str) -> Iterator[int | Fraction]:
        """Yield the numbers that a value is compared by."""
        if self._analysis.letters:
            # Formulas are not compared.
            return
        of_receptive_field = key in ("receptive_field", *FIELD_FIGURES)
        if of_receptive_field and value == "all":
            # A receptive field that covers the whole input is as large as the input.
            yield from self._analysis.graph.nodes[0].shape.spatial
        several = isinstance(value, list) and (len(value) == 1 or not key.endswith(("shape", "shapes")))
        for each in value if several else [value]:
            if isinstance(each, (int, float)) and not isinstance(each, bool):
                from fractions import Fraction

                yield each if isinstance(each, int) else Fraction(each)
            elif of_receptive_field and isinstance(each, str) and each != "all":
                from fractions import Fraction

                yield Fraction(each)

    def _unknown(self, path: Span, value: Any, taken: Sequence[str]) -> NoReturn:
        """Raise E140 for a path whose keys `taken` lead to `value` and no further, with similar paths."""
        text = path.text
        if self._layer(text):
            label = f"is a {'layer' if text in self._rows else 'block'}, not a figure"
            raise _error(path, label, [], f"write `{text}.output_shape`, `{text}.params` or another of its figures")
        if isinstance(value, list):
            raise _error(path, f"`{'.'.join(taken)}` has {len(value)} values", [], "they are counted from 0")
        if text.removeprefix("totals.") in ON_DEVICE.values():
            help = "add `--deploy int8`, or another type: it is a figure of the network on a device"
            raise _error(path, "no figure of a network that is not deployed", [], help)
        similar = near(text, self._candidates(text, value, taken), 3)
        notes = [f"near it: {', '.join(similar)}"] if len(similar) > 1 else []
        before = ".".join(taken)
        keys = value if isinstance(value, dict) else {}
        known = [word for word, key in SYNONYMS.items() if not before or key in keys]
        others = [f"{before}.{word}" if before else word for word in known]
        both = [*similar, *near(text, others, 3)]
        # As near as the nearest: either may be meant.
        best = max((similarity(text, each) for each in both), default=0)
        meant = [each for each in both if similarity(text, each) == best]
        words = [f"`{each}`{_key_behind(each)}" for each in meant]
        help = f"write {' or '.join(words)}" if words else "the paths are those of `--format json`, with layers by name"
        raise _error(path, "no figure of this path", notes, help)

    def _candidates(self, text: str, value: Any, taken: Sequence[str]) -> Iterator[str]:
        """Yield paths that may have been meant: of the same layer, of the totals, or of the same figure elsewhere."""
        if taken and isinstance(value, dict):
            yield from _paths(value, ".".join(taken))
        if not taken or taken[0] == "totals":
            memory: Any = self._totals["activation_bytes"]
            yield from memory
            yield from self._totals
            yield from _paths(self._totals, "totals")
            yield from self._general()
            _, dot, key = text.rpartition(".")
            if dot and (meant := nearest(key, self._analysis.rows[0].to_dict())):
                yield from (f"{name}.{meant}" for name in self._rows)


def find_all(paths: Sequence[str], analysis: Analysis) -> list[Figure]:
    """Return the figures of these paths; raise `SpecError` with an error for each that is unknown."""
    figures = Figures(analysis)
    return try_each(lambda path: figures.find(Span(Source("--get", path), 0, len(path))), map(str.strip, paths))


def _error(path: Span, label: str, notes: Sequence[str], help: str) -> SpecError:
    return SpecError([Diagnostic("E140", f"unknown figure `{path.text}`", path, label, tuple(notes), help)])


def _key_behind(path: str) -> str:
    """Return the key of a path's last word in brackets, where it is another."""
    key = SYNONYMS.get(path.rpartition(".")[2])
    return f" (`{key}`)" if key else ""


def _paths(value: dict[str, Any], prefix: str) -> Iterator[str]:
    """Yield the path of every key of nested objects, the innermost first."""
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _paths(inner, f"{prefix}.{key}")
        yield f"{prefix}.{key}"


def _text(value: Any, key: str, layout: str) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, list):
        # A name may have a line's end in it, or what a terminal takes for a command.
        return "".join(each if each.isprintable() else " " for each in str(value))
    if key in NAME_KEYS:
        return " ".join(value)
    if key.endswith("shapes") and value and isinstance(value[0], list):
        return " ".join(shape_text(each, layout) for each in value)
    if key.endswith(("shape", "shapes")):
        return shape_text(value, layout)
    # Padding has a begin and an end on each axis: as the language writes it.
    ends = ["-".join(map(str, dict.fromkeys(each))) if isinstance(each, list) else each for each in value]
    return per_axis(ends) or "-"
