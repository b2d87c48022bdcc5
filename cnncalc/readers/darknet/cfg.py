"""The text of a cfg file: its sections, and the numbers in their options."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span
from cnncalc.frameworks.darknet import DARKNET
from cnncalc.graph import MAX_LAYERS
from cnncalc.layers import Layer
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import make, printable
from cnncalc.readers.text_file import limit_marks, parse_integer

#: What ends each line, and what parts an option or a list.
MARKS = "\n=,"

#: The most marks of a text: those of the largest networks many times over.
MAX_MARKS = 500_000

SECTION = re.compile(r"\s*\[([^\[\]]*)\]\s*$")
OPTION = re.compile(r"\s*([^=\s]+)\s*=\s*(.*?)\s*$")


class CfgOption(NamedTuple):
    """The text after an option's `=`, and its position."""

    text: str
    span: Span


class CfgSection(FileArguments):
    """A layer: its name in brackets, and its options."""

    def __init__(self, name: str, span: Span) -> None:
        self.name, self.span = name, span
        self.options: dict[str, CfgOption] = {}

    def states(self, name: str) -> bool:
        return name in self.options

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        option = self.options.get(name)
        if option is not None:
            return parse_integer(option.text, option.span, f"`{name}` of `[{self.name}]`", low)
        if default is None:
            fail("E306", f"`[{self.name}]` has no {name}", f"a line `{name}=…` is missing", span=self.span)
        return default

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return the same number for both axes; of a stride, `stride_y` and `stride_x` if they are given."""
        number = self.integer(name, default[0] if isinstance(default, tuple) else default, low)
        return tuple(self.integer(f"{name}_{axis}", number, low) for axis in "yx")

    def flag(self, name: str, default: bool = True) -> bool:
        return self.integer(name, int(default), low=0) > 0

    def layer_numbers(self, name: str) -> list[tuple[int, Span]]:
        """Return the numbers of a list of layers such as `layers=-1,8`."""
        option = self.options.get(name)
        texts = option.text.split(",") if option else []
        if option is None or not all(re.fullmatch(r"\s*[+-]?\d{1,9}\s*", text) for text in texts):
            span = option.span if option else self.span
            fail("E306", f"`[{self.name}]` needs {name}", f"a line `{name}=-1,8` is missing or no list", span=span)
        return [(int(text), option.span) for text in texts]

    def text(self, name: str, default: str) -> str:
        """Return an option's text in lower case."""
        option = self.options.get(name)
        return option.text.lower() if option else default

    def make(self, kind: str, **arguments: Any) -> Layer:
        """Return the layer of a kind with the arguments that the section states, and the given ones."""
        return make(kind, **self.read(DARKNET, kind, rank=2), **arguments)


def parse(source: Source) -> list[CfgSection]:
    """Return the sections of a file.

    Raises `SpecError` E302 with all lines that are neither a section nor an option, and E303 if there are too many.
    """
    limit_marks(source, MARKS, MAX_MARKS, "lines, options and numbers")
    problems = Problems()
    sections: list[CfgSection] = []
    start = 0
    for line in source.text.split("\n"):
        span = Span(source, start, start + len(line))
        start += len(line) + 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if (heading := SECTION.match(line)) is not None:
            if len(sections) > MAX_LAYERS:
                fail("E303", f"`{source.name}` has more than {MAX_LAYERS:,} sections")
            sections.append(CfgSection(printable(heading.group(1).strip().lower()), _trimmed(span, line)))
        elif (option := OPTION.match(line)) is not None and sections:
            value = Span(source, span.start + option.start(2), span.start + option.end(2))
            sections[-1].options[option.group(1).lower()] = CfgOption(option.group(2), value)
        else:
            message, help = "a line is neither a section nor an option", "write `[convolutional]`, or `filters=64`"
            problems.add(Diagnostic("E302", message, _trimmed(span, line), "not read", help=help))
    problems.raise_if_any()
    return sections


def _trimmed(span: Span, line: str) -> Span:
    return Span(span.source, span.start + len(line) - len(line.lstrip()), span.start + len(line.rstrip()))
