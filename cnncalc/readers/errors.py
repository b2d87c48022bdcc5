"""The errors of model files, codes E301 to E311, and the warnings of what is passed over in one."""

from __future__ import annotations

from typing import NoReturn

from cnncalc.diagnostics import MAX_ERRORS, Diagnostic, Span, SpecError
from cnncalc.graph import Graph


def fail(
    code: str,
    message: str,
    label: str = "",
    notes: tuple[str, ...] = (),
    help: str | None = None,
    span: Span | None = None,
) -> NoReturn:
    """Raise `SpecError` with one diagnostic; a file that is not text has no `span`."""
    raise SpecError([Diagnostic(code, message, span, label, notes, help)])


def fail_pickle(path: str) -> NoReturn:
    """Raise `SpecError` E304 for a pickle, with other ways to read the model."""
    fail(
        "E304",
        f"`{path}` is a pickle, and pickles are not read",
        "opening one runs whatever code it holds",
        help="export the model to ONNX (`torch.onnx.export`), or name what builds it: `cnncalc torch:module:factory`",
    )


def fail_missing_library(library: str, extra: str, what: str) -> NoReturn:
    """Raise `SpecError` E301 for a library that is not installed, with the extra that installs it."""
    help = f'install it with `pip install "cnncalc[{extra}]"`'
    fail("E301", f"reading {what} needs `{library}`", f"`{library}` is not installed", help=help)


def fail_if_unknown(graph: Graph) -> None:
    """Raise `SpecError` E305 with each unknown operator of a graph, if there are any."""
    help = "without `--strict` it is a row marked unknown, and totals are lower bounds"
    unknown = [
        Diagnostic(
            "E305",
            f"unknown operator `{node.layer.kind}`",
            node.origin.span if node.origin else None,
            f"the parameters and MACs of `{node.name}` are not known",
            help=help,
            layer=node.name,
        )
        for node in graph.nodes
        if not node.layer.known
    ]
    if unknown:
        raise SpecError(unknown[:MAX_ERRORS])


class PassedOver:
    """Collects warnings W302 of what is passed over in a file: the first of them, and the number of the others."""

    def __init__(self) -> None:
        self._first: list[Diagnostic] = []
        self._more = 0

    def add(self, span: Span, reason: str, help: str) -> None:
        """Add a warning of a line of the file, and the reason."""
        if len(self._first) < MAX_ERRORS:
            self._first.append(Diagnostic("W302", f"line {span.line} is passed over: {reason}", span, help=help))
        else:
            self._more += 1

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """The warnings, in the order of the file."""
        rest = [Diagnostic("W302", f"{self._more:,} more are passed over")] if self._more else []
        return (*self._first, *rest)
