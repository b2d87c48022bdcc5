"""What is asked of a space, and what is found there, as values that need no library."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, NamedTuple


class Fixed(NamedTuple):
    """What does not vary: the shape of the first input, the values of lets, and the options of the figures."""

    input: tuple[Any, ...] | None = None
    variables: Mapping[str, Any] = {}
    batch: int = 1
    dtype: str = "float32"
    convention: str = "torchvision"
    optimizer: str = "sgd"


class Limit(NamedTuple):
    """A condition on a figure: its key, an operator, and a number."""

    key: str
    operator: str
    limit: Fraction


class Goal(NamedTuple):
    """A figure to be as small as can be or, with a `sign` of −1, as large."""

    key: str
    sign: int = 1


class Query(NamedTuple):
    """What is looked for among the variants that meet all conditions: the front of some goals, and a ranking.

    The ranking has the best by `sort`, or without it the first variants, up to `most`; a front is kept whole.
    """

    limits: tuple[Limit, ...] = ()
    front: tuple[Goal, ...] = ()
    sort: Goal | None = None
    most: int | None = 20

    @property
    def ranks(self) -> bool:
        """Whether there is a ranking."""
        return self.sort is not None or not self.front

    @property
    def keys(self) -> tuple[str, ...]:
        """The figures that it needs, each once."""
        goals = [*self.front, *([self.sort] if self.sort else [])]
        return tuple(dict.fromkeys([*[each.key for each in self.limits], *[each.key for each in goals]]))


class FailureCause(NamedTuple):
    """Why variants fail: the code and message of the error, and where it is in the spec."""

    code: str
    message: str
    line: int
    column: int


class Found(NamedTuple):
    """What was found: how many variants there are, were looked at, hold, and do not hold; those that fail by problem.

    `front` and `ranking` are numbers of variants, None where they were not asked for. Where it is not `complete`, the
    search was interrupted.
    """

    variants: int
    done: int
    kept: int
    excluded: int
    failed: Counter[FailureCause]
    front: list[int] | None
    ranking: list[int] | None
    complete: bool = True
