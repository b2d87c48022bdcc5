"""The text of a cfg file: its sections, and the numbers in their options.

It is read as Darknet reads it: white space has no meaning, not even within a line; of an option given twice the first
counts; a number ends where its digits end, whatever stands behind it. What Darknet passes over with a message, such as
a line without `=`, is a warning.

    https://github.com/AlexeyAB/darknet, src/option_list.c and read_cfg of src/parser.c
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span
from cnncalc.frameworks.darknet import DARKNET
from cnncalc.graph import MAX_LAYERS
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.errors import PassedOver, fail
from cnncalc.readers.importer import make, printable
from cnncalc.readers.text_file import limit_marks, parse_integer

#: What ends each line, and what parts an option or a list.
MARKS = "\n=,"

#: The most marks of a text: those of the largest networks many times over.
MAX_MARKS = 500_000

#: A heading; what stands behind it has no meaning.
SECTION = re.compile(r"\s*\[([^\[\]]*)\]")

#: The number that a text begins with, as C's `atoi` takes it.
NUMBER = re.compile(r"[+-]?\d+")


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
            return parse_integer(leading(option.text), option.span, f"`{name}` of `[{self.name}]`", low)
        if default is None:
            fail("E306", f"`[{self.name}]` has no {name}", f"a line `{name}=…` is missing", span=self.span)
        return default

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return the same number for both axes; of a stride, `stride_y` and `stride_x` if they are at least `low`."""
        given = [self.integer(f"{name}_{axis}", low - 1, low=-MAX_INTEGER) for axis in "yx"]
        if min(given) >= low:
            return tuple(given)
        number = self.integer(name, default[0] if isinstance(default, tuple) else default, low)
        return tuple(each if each >= low else number for each in given)

    def flag(self, name: str, default: bool = True) -> bool:
        return self.integer(name, int(default), low=0) > 0

    def layer_numbers(self, name: str) -> list[tuple[int, Span]]:
        """Return the numbers of a list of layers such as `layers=-1,8`."""
        option = self.options.get(name)
        # A comment may hold commas.
        texts = list(map(leading, option.text.partition("#")[0].split(","))) if option else []
        if option is None or not all(re.fullmatch(r"[+-]?\d{1,9}", text) for text in texts):
            span = option.span if option else self.span
            fail("E306", f"`[{self.name}]` needs {name}", f"a line `{name}=-1,8` is missing or no list", span=span)
        return [(int(text), option.span) for text in texts]

    def text(self, name: str, default: str) -> str:
        """Return an option's text in lower case, up to a comment."""
        option = self.options.get(name)
        return option.text.partition("#")[0].lower() if option else default

    def make(self, kind: str, **arguments: Any) -> Any:
        """Return the layer of a kind with the arguments that the section states, and the given ones."""
        return make(kind, **self.read(DARKNET, kind, rank=2), **arguments)


def leading(text: str) -> str:
    """Return the number that a text begins with, or the text if it does not begin with one."""
    number = NUMBER.match(text)
    return number.group() if number else text


def parse(source: Source, passed_over: PassedOver) -> list[CfgSection]:
    """Return the sections of a file, and add lines that Darknet passes over to `passed_over`.

    Raises `SpecError` E302 with all headings without an end and all lines before the first section, and E303 if there
    are too many sections.
    """
    limit_marks(source, MARKS, MAX_MARKS, "lines, options and numbers")
    problems = Problems()
    sections: list[CfgSection] = []
    start = 0
    for line in source.text.split("\n"):
        span = _trimmed(Span(source, start, start + len(line)), line)
        start += len(line) + 1
        if not line.strip() or line.lstrip()[0] in "#;":
            continue
        if (heading := SECTION.match(line)) is not None:
            if len(sections) > MAX_LAYERS:
                fail("E303", f"`{source.name}` has more than {MAX_LAYERS:,} sections")
            sections.append(CfgSection(printable(_packed(heading.group(1)).lower()), span))
        elif line.lstrip()[0] == "[":
            problems.add(Diagnostic("E302", "a heading has no end", span, "not read", help="write `[convolutional]`"))
        elif not sections:
            message, help = "a line stands before the first section", "write `[net]` above it"
            problems.add(Diagnostic("E302", message, span, "not read", help=help))
        else:
            name, _, text = line.partition("=")
            value = Span(source, span.start + len(name) + 1 - _indent(line), span.end)
            name, option, section = _packed(name).lower(), CfgOption(_packed(text), _trimmed(value, text)), sections[-1]
            if not option.text:
                reason = f"`{printable(span.text)}` is no `name=value`"
                passed_over.add(span, reason, "write `#` in front of a comment")
            elif name in section.options:
                first = f"{printable(name)}={printable(section.options[name].text)}"
                reason = f"`[{section.name}]` has `{first}` before it"
                passed_over.add(span, reason, "remove one of them")
            else:
                section.options[name] = option
    problems.raise_if_any()
    return sections


def _packed(text: str) -> str:
    return "".join(text.split())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _trimmed(span: Span, line: str) -> Span:
    return Span(span.source, span.start + _indent(line), span.start + len(line.rstrip()))
