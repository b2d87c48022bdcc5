"""Every combination of the inputs and values that `compare` is given."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product
from typing import NamedTuple

from cnncalc.cli.specs import SpecOptions


class GridPoint(NamedTuple):
    """One combination: how a spec is read in it, and the texts of the values that differ between combinations."""

    reading: SpecOptions
    variables: dict[str, str]
    #: The shape of its input as written, where that differs.
    input: str = ""

    @property
    def text(self) -> str:
        """What differs in it, in words; empty if nothing does."""
        inputs = [f"input {self.input}"] if self.input else []
        return ", ".join([*(f"{name}={value}" for name, value in self.variables.items()), *inputs])


def variants(reading: SpecOptions) -> list[GridPoint]:
    """Return the combinations of the options' inputs and values, the inputs of a value next to one another.

    The variables of `reading` are by the texts of their values.
    """
    inputs = list(dict.fromkeys((reading.input, *reading.more_inputs)))
    found = []
    for values in product(*(each.items() for each in reading.variables.values())):
        chosen = dict(zip(reading.variables, values, strict=True))
        several = {name: text for name, (text, _) in chosen.items() if len(reading.variables[name]) > 1}
        numbers = {name: value for name, (_, value) in chosen.items()}
        for shape in inputs:
            one = reading._replace(input=shape, more_inputs=(), variables=numbers)
            found.append(GridPoint(one, several, shape if shape and len(inputs) > 1 else ""))
    return found


def of_model_files(variants: Sequence[GridPoint]) -> list[GridPoint]:
    """Return the combinations that differ for a model file, which has no variables."""
    return list({each.reading.input: each._replace(variables={}) for each in variants}.values())
