"""A text as people mean it, where it is not in the words of the language."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from cnncalc.diagnostics import FatalError, Source, SpecError

#: The suffixes of YAML, whose layers are in the words of the language or reworded one by one.
YAML = (".yaml", ".yml")

#: What a longer text is read as is not said.
MOST_SAID = 4000

Result = TypeVar("Result")


def as_meant(source: Source, work: Callable[[Source], Result]) -> Result:
    """Return what `work` makes of a text; where that does not read, of the text as people mean it.

    Raises `SpecError` with the errors of what is not understood either.
    """
    try:
        return work(source)
    except SpecError as error:
        unread = any(each.code[:2] in ("E0", "E1") for each in error.diagnostics)
        if not unread or isinstance(error, FatalError) or source.name.lower().endswith(YAML):
            raise
        from cnncalc.language.reread import reread  # few texts need it

        other = reread(source)
        if other is None:
            raise
        return work(other)


def readings(source: Source) -> list[tuple[str, str]]:
    """Return each part of a text that is not in the words of the language, with what it is read as."""
    from cnncalc.language.canonical import is_canonical

    if source.name.lower().endswith(YAML) or len(source.text) > MOST_SAID or is_canonical(source):
        return []
    from cnncalc.language import reread  # few texts need it

    return reread.readings(source)


def in_our_words(source: Source) -> Source:
    """Return a text as people mean it, in the words of the language where it is in others."""
    from cnncalc.language.canonical import is_canonical

    if source.name.lower().endswith(YAML) or is_canonical(source):
        return source
    from cnncalc.language.reread import reread

    return reread(source) or source
