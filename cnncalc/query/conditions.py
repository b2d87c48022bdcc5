"""Test the conditions that a network must not meet: `params > 5M`, `peak > 256KiB`, `conv3.receptive_field < 32`.

    condition = path operator limit
    operator  = ">" | ">=" | "<" | "<=" | "==" | "!="
    limit     = number [ unit ]
    unit      = "K" | "M" | "G" | "T"                           1000^n; of counts
              | "B" | "KB" | "MB" | "GB" | "TB"                 1000^n bytes
              | "KiB" | "MiB" | "GiB" | "TiB"                   1024^n bytes

    fit       = ( "ram" | "flash" ) "=" number unit { "," … }   what a device has: `--fit ram=256KiB,flash=1MiB`

A limit in bytes always has a unit, and a count never has one of bytes. A figure with a number for each axis meets
a condition where any of them does. All arithmetic is exact.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple, NoReturn

from cnncalc.analysis import Analysis
from cnncalc.diagnostics import Diagnostic, Source, Span, SpecError, try_each
from cnncalc.figures.receptive_field import exact
from cnncalc.notation import thousands
from cnncalc.query.paths import Figure, Figures

OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
}
#: Other spellings of an operator → the one to write.
MISSPELT = {"=>": ">=", "=<": "<=", "=": "==", "<>": "!=", "≥": ">=", "≤": "<=", "≠": "!="}

COUNTS = {"": 1, "K": 1000, "k": 1000, "M": 1000**2, "G": 1000**3, "T": 1000**4}
BYTES = {
    "B": 1, "KB": 1000, "kB": 1000, "MB": 1000**2, "GB": 1000**3, "TB": 1000**4,
    "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3, "TiB": 1024**4,
}  # fmt: skip

SPACE = re.compile(r"\s*")
WORD = re.compile(r"\S+")
#: A path, or a figure's name in several words in front of an operator.
PATH = re.compile(r"(?!\d)[^\s<>=!≥≤≠]+(?:(?: +[A-Za-z]+)+(?= *[<>=!≥≤≠]))?")
OPERATOR = re.compile(r"[<>=!≥≤≠]+")
NUMBER = re.compile(r"(?:\d{1,3}(?:,\d{3})+|\d+(?:_\d+)*)(?:\.\d+)?(?![\d,_.])", re.ASCII)
UNIT = re.compile(r"[A-Za-z]*")
LIMIT_HELP = "write a number, and its unit: `5M`, `256KiB`"
#: What a device has, and how `--fit` is told of it.
DEVICE = ("ram", "flash")
FIT_HELP = "write `ram=256KiB,flash=1MiB`, or one of them"
FIT_ITEMS = re.compile(r",(?!\d)")
#: What stands between commas that are no part of a number.
REQUIREMENTS = re.compile(r"(?:[^,]|(?<=\d),(?=\d))+|(?<=,)(?=,)|^$")
#: More digits than any figure has, and fewer than Python refuses to read.
MOST_DIGITS = 200


class Condition(NamedTuple):
    """A condition: `path`, `number` and `unit` are spans of the text that it was read from."""

    path: Span
    operator: str
    limit: Fraction
    number: Span
    unit: Span
    #: Whether it is a requirement: then the limit is exceeded where it does not hold.
    must_hold: bool = False

    @property
    def span(self) -> Span:
        """The whole of it, where it was written."""
        text = self.path.source.text
        return Span(self.path.source, self.path.start, len(text.rstrip()))

    @property
    def text(self) -> str:
        return " ".join(self.path.source.text.split())


class Outcome(NamedTuple):
    """Whether a network meets a condition, in which case a limit is exceeded.

    `number` is the one of the figure that decides: of several axes, the one furthest from the limit.
    """

    condition: Condition
    figure: Figure
    number: int | Fraction
    exceeded: bool

    @property
    def by(self) -> int | Fraction:
        """The distance of the number from the limit."""
        return abs(self.number - self.condition.limit)

    def __str__(self) -> str:
        """Return the outcome in words: `params > 5M`: 25,557,032 is over 5,000,000 by 20,557,032 (411 %)."""
        return f"`{self.condition.text}`: {self.words}"

    @property
    def words(self) -> str:
        """The outcome in words, without the condition."""
        number, limit = self.number, self.condition.limit
        if not self.by:
            return f"it is {self._text(number)}"
        percent = f" ({_percent(self.by / limit)})" if limit else ""
        side = "over" if number > limit else "under"
        return f"{self._text(number)} is {side} {self._text(limit)} by {self._text(self.by)}{percent}"

    def _text(self, number: int | Fraction) -> str:
        unit = " B" if self.figure.in_bytes else ""
        return (thousands(int(number)) if number.denominator == 1 else str(number)) + unit

    def to_dict(self) -> dict[str, object]:
        """Return the JSON object of the outcome, an item of `budgets`."""
        return {
            "condition": self.condition.text,
            "figure": self.figure.path,
            "value": self.figure.value,
            "operator": self.condition.operator,
            "limit": exact(self.condition.limit),
            "exceeded": self.exceeded,
            "by": exact(self.by) if self.exceeded else None,
        }


def parse_conditions(texts: Sequence[str], option: str = "--fail-if") -> list[Condition]:
    """Read the conditions of an option; raise `SpecError` E020 with an error for each that cannot be read."""
    one_each = f"write one {option} for each condition"
    return try_each(lambda text: _ConditionReader(Source(option, text)).condition(one_each), texts)


def parse_requirements(source: Source) -> list[Condition]:
    """Read what must hold of a network: `params < 5M, peak < 256KiB`.

    Raises `SpecError` E020 with an error for each that cannot be read.
    """

    def requirement(item: re.Match[str]) -> Condition:
        inner = Source(source.name, item.group(), base=source, offset=item.start())
        condition = _ConditionReader(inner).condition("put a comma between two conditions")
        return condition._replace(must_hold=True)

    return try_each(requirement, REQUIREMENTS.finditer(source.text))


def parse_fit(text: str) -> list[Condition]:
    """Read what a device has of `ram` and `flash`, as conditions that a network which needs more of it meets.

    Raises `SpecError` E020 with an error for each that cannot be read.
    """
    conditions = try_each(lambda item: _ConditionReader(Source("--fit", item.strip())).fit(), FIT_ITEMS.split(text))
    twice = next((each for at, each in enumerate(conditions) if each.path.text in _paths(conditions[:at])), None)
    if twice is not None:
        _fail(f"`{twice.path.text}` is given twice", "a second limit", "leave one of them out", twice.path)
    return conditions


def _paths(conditions: Sequence[Condition]) -> list[str]:
    return [each.path.text for each in conditions]


def judge(conditions: Sequence[Condition], analysis: Analysis) -> list[Outcome]:
    """Return the outcome of each condition.

    Raises `SpecError` with all errors: E140 for an unknown figure, E141 for one that cannot be compared with the limit.
    """
    figures = Figures(analysis)
    return try_each(lambda condition: _outcome(condition, figures.find(condition.path)), conditions)


def _outcome(condition: Condition, figure: Figure) -> Outcome:
    path, unit = condition.path.text, condition.unit.text
    if not figure.numbers:
        label = f"it is `{figure.text()}`" if figure.text() else "it is empty"
        help = f"name one of its sizes: `{path}.0`" if isinstance(figure.value, list) and figure.value else None
        raise SpecError([Diagnostic("E141", f"`{path}` is not a number", condition.path, label, help=help)])
    limit = condition.number.to(condition.unit)
    written = condition.number.text
    if figure.in_bytes and unit not in BYTES:
        prefix = unit.upper() or "K"
        bare = f"`{written}B`, " if not unit else ""
        help = f"write {bare}`{written}{prefix}B` (1000^n) or `{written}{prefix}iB` (1024^n)"
        raise SpecError(
            [Diagnostic("E141", f"`{path}` is in bytes", limit, "a limit without a unit of bytes", help=help)]
        )
    if not figure.in_bytes and unit in BYTES:
        help = f"write `{written}{unit[:-1].removesuffix('i')}`"
        if figure.key == "params":
            before = "".join(path.rpartition(".")[:2])
            bytes_of_it = f"{before}params_bytes {condition.operator} {written}{unit}"
            help += f", or `{bytes_of_it}` for the bytes of the weights"
        raise SpecError([Diagnostic("E141", f"`{path}` is not in bytes", limit, "a limit in bytes", help=help)])
    holds = OPERATORS[condition.operator]
    exceeding = [each for each in figure.numbers if holds(each, condition.limit) != condition.must_hold]
    number = max(exceeding or figure.numbers, key=lambda each: abs(each - condition.limit))
    return Outcome(condition, figure, number, bool(exceeding))


def _percent(ratio: Fraction) -> str:
    hundredths = 100 * ratio
    if hundredths < Fraction(1, 10):
        return "under 0.1 %"
    return f"{thousands(round(hundredths))} %" if hundredths >= 100 else f"{float(hundredths):.1f} %"


class _ConditionReader:
    """Reads one condition from left to right; `expect` consumes a token or raises an error."""

    def __init__(self, source: Source) -> None:
        self.source, self.position = source, 0

    def condition(self, one_each: str) -> Condition:
        path = self.expect(PATH, "a figure is missing", "expected its path", "write it first: `params > 5M`")
        return self.limit(path, self.operator(), "a condition ends at its limit", one_each)

    def limit(self, path: Span, sign: str, end: str, one_each: str) -> Condition:
        """Read the limit of a condition, at which its text ends."""
        number = self.number()
        unit = self.expect(UNIT, "", "", "")
        scale = {**COUNTS, **BYTES}.get(unit.text)
        if scale is None:
            lowered = {each.lower(): each for each in (*COUNTS, *BYTES)}
            known = lowered.get(unit.text.lower())
            help = f"write `{number.text}{known}`" if known else "one of K, M, G, T, or of bytes B, KB, MB, KiB, MiB, …"
            self.fail(f"unknown unit `{unit.text}`", "not a unit", help, unit)
        if self.position < len(self.source.text.rstrip()):
            rest = Span(self.source, self.position, len(self.source.text.rstrip()))
            self.fail(end or "a limit ends at its unit", "left over", one_each, rest)
        limit = Fraction(number.text.replace(",", "").replace("_", "")) * scale
        return Condition(path, sign, limit, number, unit)

    def fit(self) -> Condition:
        path = self.expect(PATH, "a memory is missing", "expected `ram` or `flash`", FIT_HELP)
        if path.text not in DEVICE:
            self.fail(f"a device has no `{path.text}`", "neither `ram` nor `flash`", FIT_HELP, path)
        sign = self.expect(OPERATOR, "an `=` is missing", "expected one", FIT_HELP)
        if sign.text != "=":
            self.fail(f"`{sign.text}` is no `=`", "expected what the device has", FIT_HELP, sign)
        return self.limit(path, ">", "", FIT_HELP)

    def operator(self) -> str:
        sign = self.expect(OPERATOR, "an operator is missing", "expected one", f"one of {' '.join(OPERATORS)}")
        if sign.text not in OPERATORS:
            meant = MISSPELT.get(sign.text)
            help = f"write `{meant}`" if meant else f"one of {' '.join(OPERATORS)}"
            self.fail(f"unknown operator `{sign.text}`", "not an operator", help, sign)
        return sign.text

    def number(self) -> Span:
        word = self.expect(WORD, "a limit is missing", "expected a number", LIMIT_HELP)
        match = NUMBER.match(self.source.text, word.start)
        if match is None:
            self.fail(f"`{word.text}` is not a number", "expected a number", LIMIT_HELP, word)
        self.position = match.end()
        number = Span(self.source, match.start(), match.end())
        if len(number.text) > MOST_DIGITS:
            self.fail("a limit is too long", f"{len(number.text)} characters", None, number)
        return number

    def expect(self, pattern: re.Pattern[str], message: str, label: str, help: str) -> Span:
        """Skip spaces and consume a token of that pattern; raise `SpecError` E020 if there is none."""
        space = SPACE.match(self.source.text, self.position)
        self.position = space.end() if space else self.position
        match = pattern.match(self.source.text, self.position)
        if match is None:
            self.fail(message, label, help, Span(self.source, self.position, self.position + 1))
        self.position = match.end()
        return Span(self.source, match.start(), match.end())

    def fail(self, message: str, label: str, help: str | None, span: Span) -> NoReturn:
        _fail(message, label, help, span)


def _fail(message: str, label: str, help: str | None, span: Span) -> NoReturn:
    raise SpecError([Diagnostic("E020", message, span, label, help=help)])
