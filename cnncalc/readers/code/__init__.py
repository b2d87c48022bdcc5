"""Code as people have it: PyTorch and Keras, a notebook, and what `print(model)` shows. It is parsed and never run.

Read are layers in sequence, `nn.Sequential` and `Sequential` in all their forms, `model.add(…)`, and layers applied to
tensors, with numbers in plain variables. A loop, a function, or a class with a `forward` would have to be run: the
error names it.
"""

from __future__ import annotations

import ast
import re

from cnncalc.diagnostics import Source, Span
from cnncalc.frameworks import framework
from cnncalc.frameworks.table import Framework
from cnncalc.graph import Graph
from cnncalc.readers import ReadOptions
from cnncalc.readers.code.evaluation import Evaluator
from cnncalc.readers.code.network import CodeImporter
from cnncalc.readers.code.printed import is_printed, read_printed
from cnncalc.readers.code.program import Program
from cnncalc.readers.code.python_text import MAX_CODE, notebook_code, parse_python
from cnncalc.readers.code.values import CodeTensor
from cnncalc.readers.errors import fail

#: A name in front of brackets.
CALLED = re.compile(r"(?<![\w.])([A-Za-z_][\w.]*)\s*\(")

#: Signs of Python by themselves: without them, a text that is no Python is a spec with a layer misspelt.
SURE = re.compile(
    r"(?m)^[ \t]*(?:import|from)\s+\w|^[ \t]*class\s+\w+.*:|^>>> |"
    r"\b(?:nn|torch|keras|tf)\.\w+\(|\bSequential\s*\(|\.add\(\s*[A-Z]"
)


#: What separates the layers of a spec and is no Python there.
SEPARATED = re.compile(r" \| |->|=>|→")


def recognize(text: str) -> bool:
    """Return whether a text is code or a printed module; one that is not Python only where nothing else could be."""
    if is_printed(text):
        return True
    names = {name.rpartition(".")[2] for name in CALLED.findall(text)}
    known = any(name[:1].isupper() and _table(each).kinds_of(name) for name in names for each in ("pytorch", "keras"))
    if not (known or SURE.search(text)):
        return False
    try:
        statements = parse_python(Source("<code>", text))
    except SyntaxError:
        return bool(SURE.search(text)) and not SEPARATED.search(text)
    except (RecursionError, ValueError):
        return True
    # Calls with bars between them are a spec, whose layers are calls.
    return not any(isinstance(each, ast.Expr) and _is_joined(each.value) for each in statements)


def _is_joined(value: ast.expr) -> bool:
    return isinstance(value, ast.BinOp) and isinstance(value.op, ast.BitOr)


def code_of(source: Source) -> Source:
    """Return the code in a file: all of it, or of a notebook the code in its cells."""
    return notebook_code(source) if source.name.lower().endswith(".ipynb") else source


def read_code(source: Source, options: ReadOptions) -> Graph:
    """Return the graph of code; raises `SpecError` E312 for what only running it would give."""
    if len(source.text) > MAX_CODE:
        fail("E303", f"`{source.name}` is too large", f"code has at most {MAX_CODE >> 20} MiB")
    if is_printed(source.text):
        importer = CodeImporter(source, _table("pytorch"), options)
        last = importer.run(read_printed(source))
        return importer.builder.build(last)
    try:
        statements = parse_python(source)
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", 1) or 1
        start = sum(len(each) + 1 for each in source.text.split("\n")[: line - 1])
        start = min(start + max((getattr(error, "offset", 1) or 1) - 1, 0), len(source.text))
        message = getattr(error, "msg", None) or str(error)
        fail("E312", "this is no Python", message, span=Span(source, start, start + 1))
    if not statements:
        fail("E312", "there is no code in this text", "empty", span=Span(source, 0, 1))
    table = _framework(source.text)
    importer = CodeImporter(source, table, options)
    network = Program(Evaluator(source, table, importer)).run(statements)
    last = network.node if isinstance(network, CodeTensor) else importer.run(network)
    return importer.builder.build(last)


def title(source: Source) -> str:
    """Return how a text is read, in words."""
    return "what print(model) shows in PyTorch" if is_printed(source.text) else f"{_framework(source.text).title} code"


def _framework(text: str) -> Framework:
    """Return the framework of code: that which has more of the names that are called, and are not the other's."""
    pytorch, keras = _table("pytorch"), _table("keras")
    votes = sum(_vote(name, pytorch, keras) for name in CALLED.findall(text))
    votes += len(re.findall(r"\btorch\b", text)) - len(re.findall(r"\b(?:keras|tensorflow|tf)\b", text))
    return keras if votes < 0 else pytorch


def _vote(name: str, pytorch: Framework, keras: Framework) -> int:
    return (bool(pytorch.kinds_of(name)) - bool(keras.kinds_of(name))) * 2 or (
        pytorch.has_prefix(name) - keras.has_prefix(name)
    )


def _table(name: str) -> Framework:
    return framework(name)
