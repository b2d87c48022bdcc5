"""The text of a `.param` file: a magic number, the numbers of layers and blobs, and a line for each layer.

    7767517
    2 2
    Input         data  0 1 data       0=224 1=224 2=3
    Convolution   conv1 1 1 data conv1 0=64 1=7 3=2 4=3 5=1 6=9408

A line has the type, the name, the numbers of inputs and outputs, their blobs, and parameters by number: `1=7`, an array
as `-23303=2,1,0` (its length first) or `3=1,0`, a text as `6="0w,-1"`.
"""

from __future__ import annotations

import re
from typing import Any

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span
from cnncalc.frameworks.ncnn import PARAMETERS
from cnncalc.graph import MAX_LAYERS
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.errors import fail
from cnncalc.readers.text_file import limit_marks

#: The first line of a file.
MAGIC = "7767517"

#: What parts layers, words, parameters and the numbers of arrays, and the most of them.
MARKS = "\n =,"
MAX_MARKS = 1_000_000

#: An array's number is this minus that of the parameter.
ARRAYS = -23300

#: Stands for a number that is left open.
OPEN = -233

#: The most characters of a line.
MAX_LINE = 200_000

#: The most blobs that a layer reads or writes.
MAX_BLOBS = 10_000

PARAMETER = re.compile(r"(-?\d{1,6})=(.*)")
NUMBER = re.compile(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?f?")


class NcnnLayer(FileArguments):
    """One line: the layer's type, name, blobs and parameters. Methods raise `SpecError` E306 for a wrong value."""

    def __init__(
        self, type: str, name: str, inputs: list[str], outputs: list[str], parameters: dict[int, str], span: Span
    ) -> None:
        self.type, self.name, self.inputs, self.outputs = type, name, inputs, outputs
        self.parameters, self.span = parameters, span

    def _ids(self, name: str) -> tuple[int, ...]:
        return PARAMETERS[self.type][name]

    def _integer(self, id: int, name: str, default: int | None, low: int) -> int:
        text = self.parameters.get(id)
        if text is None:
            if default is None:
                fail("E306", f"`{self.name}` has no {name}", f"`{id}=…` is missing", span=self.span)
            return default
        value = float(text.rstrip("f")) if NUMBER.fullmatch(text) else 0.5
        if not value.is_integer() or not low <= value < MAX_INTEGER:
            fact = f"`{id}={text[:40]}` is no whole number from {low}"
            fail("E306", f"{name} of `{self.name}` is wrong", fact, span=self.span)
        return int(value)

    def states(self, name: str) -> bool:
        return self._ids(name)[0] in self.parameters

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        return self._integer(self._ids(name)[0], name, default, low)

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return a number for each axis, the outermost first; one that is not given is that of the axis inside."""
        value = default[-1] if isinstance(default, tuple) else default
        values = []
        for id in self._ids(name)[:rank]:
            value = self._integer(id, name, value, low)
            values.append(value)
        return tuple(reversed(values))

    def sizes(self, name: str) -> list[int]:
        """Return all the numbers of a parameter by axis, the width first; one that is not given is `OPEN`."""
        return [self._integer(id, name, OPEN, -MAX_INTEGER) for id in self._ids(name)]

    def array(self, name: str) -> list[float]:
        """Return the numbers of an array; none if it is not given."""
        return self._array(self._ids(name)[0])

    def _array(self, id: int) -> list[float]:
        text = self.parameters.get(id, "")
        words = text.split(",") if text else []
        if not all(NUMBER.fullmatch(word) for word in words):
            fail("E306", f"an array of `{self.name}` is wrong", f"`{id}={text[:40]}`", span=self.span)
        return [float(word.rstrip("f")) for word in words]

    def whole_array(self, name: str, low: int = -MAX_INTEGER) -> list[int]:
        """Return the whole numbers of an array; none if it is not given."""
        values = self.array(name)
        if not all(value.is_integer() and low <= value < MAX_INTEGER for value in values):
            text = self.parameters[self._ids(name)[0]][:40]
            fail("E306", f"{name} of `{self.name}` is wrong", f"`{text}` are no whole numbers", span=self.span)
        return [int(value) for value in values]

    def real(self, name: str, default: float) -> float:
        id = self._ids(name)[0]
        text = self.parameters.get(id)
        if text is None:
            return default
        if not NUMBER.fullmatch(text):
            fail("E306", f"{name} of `{self.name}` is wrong", f"`{id}={text[:40]}` is no number", span=self.span)
        return _short(float(text.rstrip("f")))

    def flag(self, name: str, default: bool = True) -> bool:
        return self._integer(self._ids(name)[0], name, int(default), -MAX_INTEGER) != 0

    def scales(self) -> tuple[float, float]:
        """Return the factors of the width and the height."""
        texts = [self.parameters.get(id, "1") for id in self._ids("scale")]
        if not all(NUMBER.fullmatch(text) and 0 < float(text.rstrip("f")) < MAX_INTEGER for text in texts):
            fail("E306", f"a factor of `{self.name}` is wrong", ", ".join(texts)[:40], span=self.span)
        width, height = (float(text.rstrip("f")) for text in texts)
        return width, height

    def text(self, name: str) -> str:
        """Return a text without its quotes; empty if it is not given."""
        return self.parameters.get(self._ids(name)[0], "").strip('"')

    @property
    def stated_shapes(self) -> list[tuple[int, ...] | None]:
        """The shapes of the outputs, the outermost axis first, as a hint in the file states them; mostly none."""
        hint = [int(value) for value in self._array(30)]
        shapes: list[tuple[int, ...] | None] = []
        for at in range(0, len(hint) - 3, 4):
            rank, *sizes = hint[at : at + 4]
            sizes = sizes[:rank][::-1]
            shapes.append(tuple(sizes) if 1 <= rank <= 3 and all(0 < size < MAX_INTEGER for size in sizes) else None)
        return shapes


def _short(value: float) -> float:
    """Return the number as it was meant: files have 0.1 as 1.000000e-01."""
    return int(value) if value.is_integer() and abs(value) < MAX_INTEGER else float(f"{value:.6g}")


def parse(source: Source) -> list[NcnnLayer]:
    """Return the layers of a file.

    Raises `SpecError` E302 with all lines that cannot be read, and E303 if there are too many.
    """
    limit_marks(source, MARKS, MAX_MARKS, "lines, words and numbers")
    problems = Problems()
    layers: list[NcnnLayer] = []
    start, header = 0, 0
    for line in source.text.split("\n"):
        span = Span(source, start, start + len(line.rstrip()))
        start += len(line) + 1
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if header < 2:
            header += 1
            _check_header(line, header, span)
            continue
        if len(layers) >= MAX_LAYERS:
            fail("E303", f"`{source.name}` has more than {MAX_LAYERS:,} layers")
        if len(line) > MAX_LINE:
            fail("E303", f"line {span.line} of `{source.name}` is too long", f"it has over {MAX_LINE:,} characters")
        layer = _layer(line, span)
        if isinstance(layer, NcnnLayer):
            layers.append(layer)
        else:
            problems.add(layer)
    problems.raise_if_any()
    if not layers:
        fail("E302", f"`{source.name}` has no layer", "behind the magic number and two counts stands a line for each")
    return layers


def _check_header(line: str, number: int, span: Span) -> None:
    words = line.split()
    if number == 1 and words != [MAGIC]:
        help = f"the first line of a `.param` file is {MAGIC}"
        fail("E302", "the file is not of ncnn", "another first line", help=help, span=span)
    if number == 2 and not (len(words) == 2 and all(re.fullmatch(r"\d{1,9}", word) for word in words)):
        fail("E302", "the second line has no counts", "two numbers, of layers and of blobs", span=span)


def _layer(line: str, span: Span) -> NcnnLayer | Diagnostic:
    """Return the layer of a line, or what is wrong with the line."""
    words = _words(line)
    counts = words[2:4]
    if len(counts) < 2 or not all(re.fullmatch(r"\d{1,5}", count) and int(count) <= MAX_BLOBS for count in counts):
        return _broken(span, "a type, a name and two counts are its beginning")
    inputs, outputs = map(int, counts)
    blobs, parameters = words[4 : 4 + inputs + outputs], words[4 + inputs + outputs :]
    if len(blobs) < inputs + outputs or any(PARAMETER.fullmatch(blob) for blob in blobs):
        return _broken(span, f"{inputs} inputs and {outputs} outputs are announced")
    values: dict[int, str] = {}
    for word in parameters:
        found = PARAMETER.fullmatch(word)
        if found is None:
            return _broken(span, f"`{word[:40]}` is no parameter such as `0=64`")
        id, text = int(found.group(1)), found.group(2)
        if id <= ARRAYS:
            id, (_, _, text) = ARRAYS - id, text.partition(",")
        values[id] = text
    return NcnnLayer(words[0], words[1], blobs[:inputs], blobs[inputs:], values, span)


def _words(line: str) -> list[str]:
    """Return the words of a line; a text in quotes is a part of its word."""
    return re.findall(r'(?:[^\s"]|"[^"]*"?)+', line) if '"' in line else line.split()


def _broken(span: Span, fact: str) -> Diagnostic:
    return Diagnostic("E302", "a line is no layer", span, fact, help="write `ReLU relu1 1 1 conv1 relu1`")
