"""The prelude: blocks that every spec may call without defining them, written in the language itself.

`prelude.cnn` has only defs, between blank lines. The comment above a def says what the block is; its last line names
the paper. A block of the prelude sees no let of the spec and calls no other block, so that each is parsed by itself
when it is first called.
"""

from __future__ import annotations

import os
from functools import cache
from typing import NamedTuple

from cnncalc.diagnostics import Source
from cnncalc.language.nodes import DefNode
from cnncalc.language.parse import parse_block

FILE = os.path.join(os.path.dirname(__file__), "prelude.cnn")


class PreludeBlock(NamedTuple):
    """A block as the listing shows it: its call with the defaults, what it is, its paper, and its text."""

    name: str
    signature: str
    summary: str
    source: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """Return the block's object in the JSON of the listing."""
        return self._asdict()


@cache
def find(name: str) -> DefNode | None:
    """Return the block of that name, or None if the prelude has none."""
    block = described().get(name)
    return block and parse_block(Source("prelude.cnn", block.text, packaged=True))


def prelude() -> dict[str, DefNode]:
    """Return all blocks by name, in the order of the file."""
    return {name: block for name in described() if (block := find(name)) is not None}


@cache
def described() -> dict[str, PreludeBlock]:
    """Return what the listing shows of each block, by name, in the order of the file."""
    with open(FILE, encoding="utf-8") as stream:
        texts = stream.read().strip().split("\n\n")[1:]
    return {block.name: block for block in map(_described, texts)}


def _described(text: str) -> PreludeBlock:
    lines = text.split("\n")
    *summary, source = [line.removeprefix("# ") for line in lines if line.startswith("#")]
    definition = next(line for line in lines if line.startswith("def "))
    signature = definition.removeprefix("def ").partition(" =")[0]
    return PreludeBlock(signature.partition("(")[0], signature, " ".join(summary), source, text + "\n")
