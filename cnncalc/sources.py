"""Where a spec comes from: standard input, a file, or text; and how each becomes a graph."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Mapping
from typing import Any, NoReturn

from cnncalc.diagnostics import Diagnostic, Problems, Source, SpecError, nearest
from cnncalc.graph import Graph
from cnncalc.language.expand import CLOSED, Open, build_graph
from cnncalc.language.nodes import Spec
from cnncalc.language.parse import parse
from cnncalc.language.tokens import MAX_TEXT

SUFFIXES = (".cnn", ".txt", ".yaml", ".yml")
YAML = (".yaml", ".yml")


def find(spec: str) -> Source:
    """The source that the command line's SPEC means: `-` is standard input, else a file, else text itself.

    Raises `SpecError` E010 where it can only have meant a file that is not there or cannot be read.
    """
    if spec == "-":
        return Source("<stdin>", _decode("<stdin>", sys.stdin.buffer.read(4 * MAX_TEXT + 1)))
    try:
        exists = os.path.exists(spec)
    except ValueError:  # a NUL in it: no path, and refused with its place when it is read as text
        exists = False
    if exists:
        return read_file(spec)
    if spec.lower().endswith(SUFFIXES) and " " not in spec and "|" not in spec:
        folder, name = os.path.split(spec)
        near = nearest(name, _files(folder or "."), cutoff=0.75)
        help = f"write `{os.path.join(folder, near)}`" if near else "a spec may also stand on the command line itself"
        _unreadable(spec, "there is no such file", help)
    return Source("<spec>", spec)


def read_file(path: str | os.PathLike[str]) -> Source:
    """The text of a file; raises `SpecError` E010 where it is no readable file of text."""
    name = os.fspath(path)
    try:
        mode = os.stat(name).st_mode
        if stat.S_ISDIR(mode):
            _unreadable(name, "it is a directory", "name a file in it")
        if not stat.S_ISREG(mode):
            _unreadable(name, "it is not a regular file", "use `-` and a pipe: `… | cnncalc -`")
        with open(name, "rb") as file:
            return Source(name, _decode(name, file.read(4 * MAX_TEXT + 1)))
    except SpecError:
        raise
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        _unreadable(name, reason[:1].lower() + reason[1:], None)


def load_source(
    source: Source,
    input: tuple[Any, ...] | None = None,
    variables: Mapping[str, Any] | None = None,
    left_open: Open = CLOSED,
) -> Graph:
    """The graph of a source, read as YAML where its name says so."""
    problems = Problems()
    try:
        return build_graph(read_nodes(source, problems), problems, input, variables, left_open)
    except RecursionError:
        # Each kind of nesting has its limit; all of them at once can still be more than Python's stack.
        raise SpecError([Diagnostic("E005", f"`{source.name}` is nested too deeply")]) from None


def read_nodes(source: Source, problems: Problems) -> Spec:
    """The nodes of a source, read as YAML where its name says so."""
    if source.name.lower().endswith(YAML):
        from cnncalc.language.yaml import parse_yaml

        return parse_yaml(source, problems)
    return parse(source, problems)


def parse_shape(text: str, name: str = "<input>") -> tuple[Any, ...]:
    """A shape such as `32x32x3` or `HxWx3`; raises `SpecError` where it is none."""
    from cnncalc.diagnostics import Span
    from cnncalc.language.arguments import read_layer
    from cnncalc.language.nodes import Chunk, LayerNode

    prefix = "input "
    source = Source(name, text, base=None)
    shown = Source(name, prefix + text, base=source, offset=-len(prefix))
    span = Span(shown, len(prefix), len(shown.text))
    word = Chunk(("input",), Span(shown, 0, len(prefix) - 1))
    if not text.strip() or " " in text.strip():
        help = "write the sizes, then the channels: `32x32x3`"
        raise SpecError(
            [Diagnostic("E105", "an input's shape is missing", Span(source, 0, len(text)), "no shape", help=help)]
        )
    layer = read_layer(LayerNode(word, (Chunk((text,), span),), span), {})
    shape: tuple[Any, ...] = vars(layer)["shape"]
    return shape


def _decode(name: str, data: bytes) -> str:
    if len(data) > 4 * MAX_TEXT:
        raise SpecError(
            [Diagnostic("E005", f"`{name}` is too large", label=f"a spec has at most {MAX_TEXT:,} characters")]
        )
    text = data.decode("utf-8", errors="replace").removeprefix("\ufeff")
    return text.replace("\r\n", "\n")


def _files(folder: str) -> list[str]:
    try:
        return os.listdir(folder)[:10_000]
    except OSError:
        return []


def _unreadable(name: str, reason: str, help: str | None) -> NoReturn:
    raise SpecError([Diagnostic("E010", f"cannot read `{name}`", label=reason, help=help)])
