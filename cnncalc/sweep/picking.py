"""The spec of one variant: the lets of its space with its values, and no others to try."""

from __future__ import annotations

from typing import Any

from cnncalc.diagnostics import Problems, Source, Span
from cnncalc.language.expressions import ExpressionParser
from cnncalc.language.meant import YAML
from cnncalc.language.nodes import Chunk, Expression, ItemNode, LayerNode, LetNode, Spec
from cnncalc.language.write import write
from cnncalc.language.write_yaml import write_yaml
from cnncalc.sweep.library import SweepResult, Variant
from cnncalc.sweep.space import INPUT, OPTIONS, value_text


def picked(result: SweepResult, variant: Variant) -> str:
    """Return the text of a variant's spec, in the form of the one it was made from, comments and all."""
    sweep = result.sweep
    values = {**sweep.fixed.variables, **variant.values}
    spec = _with_values(sweep.spec, values)
    shape = values.get(INPUT, sweep.fixed.input)
    if shape is not None:
        spec = _with_input(spec, shape)
    yaml = sweep.source.name.lower().endswith(YAML)
    text = write_yaml(spec, Problems()) if yaml else write(spec, Problems(), sweep.source)
    others = [f"--{name} {value_text(value)}" for name, value in variant.values.items() if name in OPTIONS[1:]]
    return (f"# {' '.join(others)}\n" if others else "") + text


def _with_values(spec: Spec, values: dict[str, Any]) -> Spec:
    definitions = []
    for each in spec.definitions:
        if isinstance(each, LetNode):
            value = _expression(value_text(values[each.name]), each.value) if each.name in values else each.value
            each = each._replace(value=value, choices=None)
        definitions.append(each)
    return spec._replace(definitions=tuple(definitions))


def _expression(text: str, place: Expression) -> Expression:
    """Return a number as an expression in the place of another."""
    parsed = ExpressionParser(Source("", text), 0, len(text)).parse()
    return parsed._replace(span=place.span)


def _with_input(spec: Spec, shape: tuple[Any, ...]) -> Spec:
    """Return the spec with that shape for its first input, which stands in front where it had none."""
    first = spec.items[0]
    text = value_text(shape)
    layer = first.atom
    span = first.span
    if isinstance(layer, LayerNode) and str(layer.word.parts[0]).lower().startswith("input"):
        word = Chunk(("input",), layer.word.span)
        made = LayerNode(word, (Chunk((text,), layer.span),), layer.span)
        return spec._replace(items=(first._replace(atom=made), *spec.items[1:]))
    start = Span(span.source, span.start, span.start)
    made = LayerNode(Chunk(("input",), start), (Chunk((text,), start),), start)
    return spec._replace(items=(ItemNode(made, start), *spec.items))
