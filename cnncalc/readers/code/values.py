"""What the expressions of pasted code stand for: layers, chains of layers, tensors, and plain values.

Plain values are numbers, texts, tuples, lists and dicts as Python has them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from cnncalc.diagnostics import Diagnostic, Span


@dataclass(eq=False)
class ConstructedLayer:
    """A layer as it is constructed: `nn.Conv2d(3, 16, 3)`. It is equal to itself alone: applied twice, it shares."""

    name: str
    positional: list[Any]
    named: dict[str, Any]
    span: Span


@dataclass(eq=False)
class Chain:
    """Layers that run one after the other, each with its label: a `Sequential`."""

    parts: list[tuple[str, Any]] = field(default_factory=list)
    name: str = ""

    def append(self, part: Any) -> None:
        """Add a layer or chain at the end, labelled with its number."""
        self.parts.append((str(len(self.parts)), part))


@dataclass(frozen=True)
class CodeTensor:
    """The output of a node by its index."""

    node: int


@dataclass(frozen=True)
class Unread:
    """A value that only running the code would give, and the error for whoever needs it."""

    error: Diagnostic


def is_network(value: Any) -> bool:
    """Return whether a value is a layer, a chain of layers, or a tensor that layers give."""
    return isinstance(value, (ConstructedLayer, Chain, CodeTensor))
