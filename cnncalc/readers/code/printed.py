"""What `print(model)` shows of a PyTorch module: nested layers, a line each.

Sequential(
  (0): Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1))
  (1): Sequential(
    (0): ReLU()
  )
)
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NoReturn

from cnncalc.diagnostics import Source, Span
from cnncalc.readers.code.values import Chain, ConstructedLayer
from cnncalc.readers.errors import fail

CHILD = re.compile(r"[ \t]*\((?P<label>[\w-]+)\): (?:(?P<times>\d+) x )?(?P<rest>.*)")
HEAD = re.compile(r"[ \t]*(?P<name>[A-Za-z_]\w*)\([ \t]*")

#: Containers that run their children in order; the others are torchvision's blocks that are such.
IN_ORDER = ("Sequential", "Conv2dNormActivation", "Conv3dNormActivation", "ConvNormActivation", "ConvBNReLU", "MLP")

#: Containers that run nothing by themselves.
LISTS = ("ModuleList", "ModuleDict")

MOST_REPEATS = 10_000


def is_printed(text: str) -> bool:
    """Return whether a text looks like a printed module: a head, then children with their labels."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len(lines) > 2 and bool(HEAD.fullmatch(lines[0])) and bool(CHILD.fullmatch(lines[1]))


def read_printed(source: Source) -> Chain:
    """Return the layers of a printed module; raises `SpecError` E312 if their order is not in the text."""
    lines = list(_lines(source))
    (start, head), *rest = lines
    match = HEAD.fullmatch(head)
    assert match, "the text was recognized by its first line"
    remaining = iter(rest)
    chain = _container(source, match["name"], start, remaining)
    for start, line in remaining:
        _unreadable(source, start, line, "behind the end of the module")
    return chain


def _lines(source: Source) -> Iterator[tuple[int, str]]:
    """Yield each line that is not empty with its offset."""
    start = 0
    for line in source.text.split("\n"):
        if line.strip():
            yield start, line
        start += len(line) + 1


def _container(source: Source, name: str, start: int, lines: Iterator[tuple[int, str]]) -> Chain:
    """Return the children up to the bracket that closes a module."""
    if name not in IN_ORDER:
        text = source.text[start : source.text.find("\n", start)]
        first = start + text.index(name)
        fail(
            "E312",
            f"`{name}` shows its layers, not the order in which its `forward` runs them",
            "not a `Sequential`",
            help=f"read the module itself: `cnncalc torch:FILE.py:{name} --input HxWxC`",
            span=Span(source, first, first + len(name)),
        )
    chain = Chain()
    for start, line in lines:
        if line.strip() == ")":
            return chain
        match = CHILD.fullmatch(line)
        if match is None:
            _unreadable(source, start, line, "neither a child nor the end of one")
        label, times, at = match["label"], int(match["times"] or 1), start + match.start("rest")
        rest = match["rest"].rstrip().removesuffix(",")
        child = HEAD.fullmatch(rest)
        if child:
            part: Chain | ConstructedLayer = _container(source, child["name"], at, lines)
        else:
            part = _leaf(source, at, rest)
        if times > MOST_REPEATS:
            fail("E303", f"`{source.name}` is too large", f"a layer stands {times:,} times")
        copies = [part, *(_copy(part) for _ in range(times - 1))]
        first_label, _, _ = label.partition("-")
        for number, copy in enumerate(copies):
            chain.parts.append((label if times == 1 else str(int(first_label) + number), copy))
    fail("E312", "the printed module does not end", "a bracket is not closed", span=Span(source, start, start + 1))


def _copy(part: Chain | ConstructedLayer) -> Chain | ConstructedLayer:
    """Return the same layers with weights of their own."""
    if isinstance(part, ConstructedLayer):
        return ConstructedLayer(part.name, part.positional, part.named, part.span)
    return Chain([(label, _copy(child)) for label, child in part.parts], part.name)


def _leaf(source: Source, start: int, text: str) -> ConstructedLayer:
    """Return one layer: its arguments are literals, or bare words as older versions print them."""
    span = Span(source, start, start + len(text))
    try:
        call = ast.parse(text, mode="eval").body
        if not isinstance(call, ast.Call):
            raise ValueError(text)
        positional = [_value(each) for each in call.args]
        named = {each.arg or "": _value(each.value) for each in call.keywords}
    except (SyntaxError, ValueError):
        fail("E312", "this line is no printed layer", "not a name with arguments", span=span)
    return ConstructedLayer(ast.unparse(call.func), positional, named, span)


def _value(node: ast.expr) -> object:
    value = node.id if isinstance(node, ast.Name) else ast.literal_eval(node)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unreadable(source: Source, start: int, line: str, why: str) -> NoReturn:
    first = start + len(line) - len(line.lstrip())
    fail("E312", "this line is no printed layer", why, span=Span(source, first, start + len(line.rstrip())))
