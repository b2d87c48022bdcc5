"""The expressions of holes, lets and calls, parsed to nodes and evaluated exactly, without Python's eval.

    sum      = product { ("+" | "-") product }
    product  = sign { ("*" | "/" | "//" | "%") sign }
    sign     = [ "-" | "+" ] value
    value    = NUMBER | NAME | FUNCTION "(" sum { "," sum } ")" | "(" sum ")" | "{" sum "}"

Decimals and `/` are exact fractions: 64 * 0.75 is the integer 48.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, NoReturn

from cnncalc.diagnostics import Source, Span, fail
from cnncalc.language.nodes import UNKNOWN_NUMBER, Expression, FunctionNode, NameNode, NumberNode, OperationNode
from cnncalc.spelling import nearest

LEXEME = re.compile(r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|([A-Za-z_]\w*)|(//|[-+*/%(),{}]))", re.ASCII)
SPACE = re.compile(r"\s*")

MAX_DEPTH = 100
#: Values are kept below this, so that no expression grows without bound.
MAX_VALUE = 10**18


def _divisible(value: Any, by: Any) -> Any:
    """Return the nearest multiple of `by`, at least `by`, and at least 90 % of the value (MobileNet's rounding)."""
    multiple = max(by, (value + by / _fraction(2)) // by * by)
    return multiple + by if 10 * multiple < 9 * value else multiple


def _fraction(value: Any) -> Any:
    from fractions import Fraction

    return Fraction(value)


#: Name → (fewest values, most values, what it computes). `round` sends halves to the even neighbour, as
#: Python and NumPy do, since published networks were sized with those.
FUNCTIONS: dict[str, tuple[int, int, Callable[..., Any]]] = {
    "min": (1, 99, lambda *values: min(values)),
    "max": (1, 99, lambda *values: max(values)),
    "ceil": (1, 1, lambda value: -(-value // 1)),
    "floor": (1, 1, lambda value: value // 1),
    "round": (1, 1, round),
    "divisible": (2, 2, _divisible),
}


class ExpressionParser:
    """Parses the characters `start` to `end` of a source as one expression."""

    def __init__(self, source: Source, start: int, end: int) -> None:
        self.source, self.at, self.end, self.depth = source, start, end, 0
        self.start = start

    def parse(self) -> Expression:
        """Return the expression; raises `SpecError` E008 if it cannot be parsed."""
        expression = self._sum()
        if self._peek():
            self._fail("an operator is missing", "expected `+ - * / // %`")
        return expression

    def _sum(self) -> Expression:
        return self._chain("+-", self._product)

    def _product(self) -> Expression:
        return self._chain(("*", "/", "//", "%"), self._sign)

    def _chain(self, operators: Any, operand: Callable[[], Expression]) -> Expression:
        left = operand()
        while self._peek() in operators and self._peek():
            operator = self._take()
            right = operand()
            left = OperationNode(operator, left, right, left.span.to(right.span))
        return left

    def _sign(self) -> Expression:
        if self._peek() in ("-", "+"):
            start = self.at
            operator = self._take()
            self._deeper()
            right = self._sign()
            self.depth -= 1
            return OperationNode(operator, None, right, Span(self.source, start, right.span.end))
        return self._value()

    def _value(self) -> Expression:
        lexeme = self._match()
        start = lexeme.start(lexeme.lastindex or 0) if lexeme else self.at
        word = self._take()
        span = Span(self.source, start, self.at)
        if lexeme is not None and lexeme.group(1):
            return NumberNode(word, span)
        if word in ("(", "{"):
            self._deeper()
            inner = self._sum()
            self._expect(")" if word == "(" else "}")
            self.depth -= 1
            return inner
        if lexeme is not None and lexeme.group(2):
            return self._function(word, span) if self._peek() == "(" else NameNode(word, span)
        self.at = start
        self._fail("a number is missing" if not word else f"`{word}` is not a number", "expected a number or a name")

    def _function(self, name: str, span: Span) -> Expression:
        self._deeper()
        self._expect("(")
        values = [self._sum()]
        while self._peek() == ",":
            self._take()
            values.append(self._sum())
        self._expect(")")
        self.depth -= 1
        return FunctionNode(name, tuple(values), Span(self.source, span.start, self.at))

    def _deeper(self) -> None:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._fail(f"an expression is nested deeper than {MAX_DEPTH} levels", "too deep")

    def _match(self) -> re.Match[str] | None:
        return LEXEME.match(self.source.text, self.at, self.end)

    def _peek(self) -> str:
        lexeme = self._match()
        if lexeme:
            return lexeme.group(lexeme.lastindex or 0)
        space = SPACE.match(self.source.text, self.at, self.end)
        return self.source.text[space.end()] if space and space.end() < self.end else ""

    def _take(self) -> str:
        lexeme = self._match()
        if lexeme is None:
            return ""
        self.at = lexeme.end()
        return lexeme.group(lexeme.lastindex or 0)

    def _expect(self, mark: str) -> None:
        if self._peek() != mark:
            self._fail(f"`{mark}` is missing", f"expected `{mark}`")
        self._take()

    def _fail(self, message: str, label: str) -> NoReturn:
        at = min(self.at, self.end)
        span = Span(self.source, at, min(at + 1, max(self.end, at)))
        fail("E008", message, span, label)


def evaluate(expression: Expression, names: Mapping[str, Any]) -> Any:
    """Return the value of an expression: an int if it is whole, else a Fraction.

    Raises `SpecError`: E110 unknown name, E113 wrong number of values, E115 division by zero.
    """
    if isinstance(expression, NameNode):
        return _number(expression, names)
    value = _evaluate(expression, names)
    _check_size(value, expression)
    return value if isinstance(value, int) or value.denominator != 1 else value.numerator


def check(expression: Expression, names: Collection[str]) -> None:
    """Raise `SpecError` E110 or E113 if an expression is wrong for all values of its names."""
    for node in _walk(expression):
        if isinstance(node, NameNode) and node.name not in names:
            _fail_unknown_name(node, names)
        if isinstance(node, FunctionNode):
            _check_function(node)


def is_constant(expression: Expression) -> bool:
    """Return whether an expression has no name in it."""
    return not names_of(expression)


def names_of(expression: Expression) -> set[str]:
    """Return the names in an expression."""
    return {node.name for node in _walk(expression) if isinstance(node, NameNode)}


def _walk(expression: Expression) -> Iterator[Expression]:
    """Yield an expression and its subexpressions, from left to right."""
    stack: list[Expression] = [expression]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, FunctionNode):
            stack += reversed(node.values)
        elif isinstance(node, OperationNode):
            stack += [node.right] if node.left is None else [node.right, node.left]


def exact(name: str, value: Any) -> Any:
    """Return a number from outside as expressions compute with it: a float is converted as the decimal it prints as.

    Raises `SpecError` E105 if it is not a finite number, or too large.
    """
    from fractions import Fraction

    try:
        known = isinstance(value, int | float | Fraction) and not isinstance(value, bool)
        number = Fraction(str(value)) if known else None
    except ValueError:  # not a number, or infinite
        number = None
    if number is None or abs(number) >= MAX_VALUE or number.denominator >= MAX_VALUE:
        message, label = f"the variable `{name}` cannot be {str(value)[:40]!r}", "not a number below 10^18"
        fail("E105", message, label=label, help="give a whole number or a decimal")
    return number.numerator if number.denominator == 1 else number


def _evaluate(expression: Expression, names: Mapping[str, Any]) -> Any:
    if isinstance(expression, NumberNode):
        text = expression.text
        if len(text) > 30:
            fail("E105", "a number is too long", expression.span, f"{len(text)} digits")
        return int(text) if text.isdigit() else _fraction(text)
    if isinstance(expression, NameNode):
        return _number(expression, names)
    if isinstance(expression, FunctionNode):
        return _call(expression, names)
    # A long sum leans to the left: it is walked down in a loop, not by recursion.
    spine = [expression]
    while isinstance(left := spine[-1].left, OperationNode):
        spine.append(left)
    value = 0 if left is None else evaluate(left, names)
    for operation in reversed(spine):
        value = _operate(operation, value, evaluate(operation.right, names))
        _check_size(value, operation)
    return value


def _number(name: NameNode, names: Mapping[str, Any]) -> Any:
    try:
        return names[name.name]
    except KeyError:
        _fail_unknown_name(name, names)


def _fail_unknown_name(name: NameNode, names: Collection[str]) -> NoReturn:
    if name.name == UNKNOWN_NUMBER:
        find = "write a number here, or let `cnncalc solve` find it"
        fail("E116", "a `?` stands for a number", name.span, "no number here yet", find)
    help = f"write `{near}`" if (near := nearest(name.name, names)) else None
    fail("E110", f"unknown name `{name.name}`", name.span, "no let or parameter of this name", help)


def _operate(operation: OperationNode, left: Any, right: Any) -> Any:
    match operation.operator:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*":
            return left * right
    if right == 0:
        fail("E115", "division by zero", operation.right.span, "is 0")
    match operation.operator:
        case "//":
            return left // right
        case "%":
            return left % right
        case _:
            return _fraction(left) / right


def _check_size(value: Any, expression: Expression) -> None:
    # A fraction's denominator counts too: it would grow without bound all the same.
    if abs(value) >= MAX_VALUE or (not isinstance(value, int) and value.denominator >= MAX_VALUE):
        fail("E105", "a number is too large", expression.span, "10^18 or more")


def _call(function: FunctionNode, names: Mapping[str, Any]) -> Any:
    compute = _check_function(function)
    values = [evaluate(value, names) for value in function.values]
    if function.name == "divisible" and values[1] <= 0:
        fail("E115", "`divisible` needs a divisor above 0", function.values[1].span, f"is {values[1]}")
    return compute(*values)


def _check_function(function: FunctionNode) -> Callable[..., Any]:
    """Return the implementation of a function; raises `SpecError` if it is unknown, or for a wrong number of values."""
    if function.name not in FUNCTIONS:
        known = f"write `{near}`" if (near := nearest(function.name, FUNCTIONS)) else "one of " + ", ".join(FUNCTIONS)
        fail("E110", f"unknown function `{function.name}`", function.span, "not a function", known)
    fewest, most, compute = FUNCTIONS[function.name]
    given = len(function.values)
    if not fewest <= given <= most:
        message = f"`{function.name}` takes {fewest} value{'s' if fewest > 1 else ''}, not {given}"
        fail("E113", message, function.span, f"{given} given")
    return compute
