"""Shapes, and the arithmetic of windows: (N + 2P − F)/S + 1, once, for any rank.

The rules here use `+ - * //` and the helpers `ceil_div`, `at_least` and `at_most` alone. So they hold for plain
integers, and as well for any value that has those operators (an array of sizes, a formula of letters). Where a
rule has to ask about a size, it asks `statically_known`, which leaves open what is not known yet.

Source of the formulas: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
arXiv:1603.07285, relationships 6 (convolution), 14 (transposed); `same` and its smaller half at the
beginning as in TensorFlow; `ceil` with its clip as in Caffe and PyTorch.
"""

from collections.abc import Iterable
from math import prod
from typing import Any, NamedTuple

#: A size along an axis. Plain integers in a report; the rules take whatever computes like one.
Size = Any


class AxisNames(dict[int, tuple[str, ...]]):
    """Names of the spatial axes by their number. Beyond three, as only model files have them, axes are counted."""

    def __missing__(self, rank: int) -> tuple[str, ...]:
        return tuple(f"axis {number}" for number in range(1, rank + 1))


#: Names of the spatial axes by their number.
AXES = AxisNames({
    0: (),
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
})  # fmt: skip

#: No feature map may have more elements than this: beyond any machine, yet exact and quick to print.
MAX_ELEMENTS = 10**100


class ShapeError(ValueError):
    """The bare fact of why a size rule fails; the graph adds the layer's name and place.

    `summary` is the headline with `{layer}` for the name, `fact` stands at the caret, `notes` carry the
    arithmetic and `help` the edit to make.
    """

    def __init__(
        self, code: str, summary: str, fact: str = "", notes: Iterable[str] = (), help: str | None = None
    ) -> None:
        super().__init__(fact or summary)
        self.code, self.summary, self.fact = code, summary, fact
        self.notes, self.help = tuple(notes), help


class Shape(NamedTuple):
    """The shape of one sample, channels last: `spatial` sizes and `channels`. A flat vector has no spatial axes."""

    spatial: tuple[Size, ...]
    channels: Size

    @property
    def rank(self) -> int:
        """How many spatial axes there are: 0 for a flat vector."""
        return len(self.spatial)

    @property
    def dims(self) -> tuple[Size, ...]:
        return (*self.spatial, self.channels)

    @property
    def elements(self) -> Size:
        return prod(self.spatial) * self.channels

    @classmethod
    def of(cls, dims: Iterable[Size]) -> "Shape":
        *spatial, channels = dims
        return cls(tuple(spatial), channels)

    def __str__(self) -> str:
        return dims_text(self.dims)


def dims_text(dims: Iterable[Size]) -> str:
    """`32x32x3`, or `(H - 2)x(W - 2)x3` with sums in brackets."""
    return "x".join([str(size) if isinstance(size, int) else _factor(str(size)) for size in dims])


def _factor(text: str) -> str:
    """The text of a formula, in brackets where it is a sum: a sign stands outside of all its own."""
    depth = 0
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == " " and not depth:
            return f"({text})"
    return text


class Window(NamedTuple):
    """A window along one axis: `kernel` taps `dilation` apart, moved by `stride` over `begin` + N + `end`."""

    kernel: int
    stride: int = 1
    dilation: int = 1
    begin: Size = 0
    end: Size = 0
    ceil: bool = False

    @property
    def extent(self) -> int:
        """F' = d(F − 1) + 1: the elements from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1

    def size(self, n: Size) -> Size:
        """How many places the window takes along an axis of `n` elements."""
        room = n + self.begin + self.end - self.extent
        if not self.ceil:
            return room // self.stride + 1
        # The clip: no window may start past the last element, in the padding at the end.
        return at_most(ceil_div(room, self.stride) + 1, ceil_div(n + self.begin, self.stride))

    def size_text(self, n: Size) -> str:
        """The rule with its numbers in it, as a note shows it."""
        rounding = "ceil" if self.ceil else "floor"
        return f"{rounding}(({n} + {self.begin} + {self.end} - {self.extent}) / {self.stride}) + 1 = {self.size(n)}"

    def dropped(self, n: Size) -> Size:
        """Input elements at the end of the axis that no window reaches, though its neighbours' like are reached.

        Padding that is left over is no loss. Nor is a tail no longer than the gap that a stride wider than
        the window leaves between any two places: there, skipping is what was asked for.
        """
        if self.ceil:
            return 0
        left_over = (n + self.begin + self.end - self.extent) % self.stride
        lost = left_over - self.end
        return lost if statically_known(lost > max(self.stride - self.extent, 0)) else 0


class Padding(NamedTuple):
    """How the ends of the axes are padded: by a rule (`valid`, `same`, `full`) or by numbers (`explicit`)."""

    mode: str
    ends: tuple[tuple[int, int], ...] = ()

    def window(self, axis: int, n: Size, kernel: int, stride: int, dilation: int, ceil: bool = False) -> Window:
        """The window on an axis of `n` elements, its padding resolved to numbers."""
        bare = Window(kernel, stride, dilation, 0, 0, ceil)
        if self.mode == "explicit":
            begin, end = self.ends[axis]
        elif self.mode == "full":
            begin = end = bare.extent - 1
        elif self.mode == "same":
            total = same_total(n, bare)
            begin, end = total // 2, total - total // 2
        else:
            return bare
        return bare._replace(begin=begin, end=end)

    def transposed_window(self, axis: int, kernel: int, stride: int, dilation: int, output_padding: int) -> Window:
        """The window of a transposed convolution. `same` crops F' − S, so that the output is N·S."""
        bare = Window(kernel, stride, dilation)
        if self.mode == "same":
            total = transposed_same_total(bare, output_padding)
            return bare._replace(begin=at_least(total, 0) // 2, end=total - at_least(total, 0) // 2)
        return self.window(axis, 0, kernel, stride, dilation)


def same_total(n: Size, window: Window) -> Size:
    """What `same` adds to an axis of `n` elements, at both ends together, for ceil(n / S) places."""
    return at_least((ceil_div(n, window.stride) - 1) * window.stride + window.extent - n, 0)


def transposed_same_total(window: Window, output_padding: int) -> Size:
    """What `same` crops from a transposed convolution's output, at both ends together, for N·S elements."""
    return window.extent + output_padding - window.stride


def transposed_size(n: Size, window: Window, output_padding: int) -> Size:
    """(N − 1)·S − Pbegin − Pend + F' + output_padding: the size whose convolution gives back `n`."""
    return (n - 1) * window.stride - window.begin - window.end + window.extent + output_padding


def ceil_div(a: Size, b: int) -> Size:
    """ceil(a / b) with integer operators alone."""
    return (a + b - 1) // b


def ratio(a: Size, b: Size) -> Any:
    """a / b, exact: a fraction where both are integers."""
    if isinstance(a, int) and isinstance(b, int):
        from fractions import Fraction  # few networks have one

        return Fraction(a, b)
    return a / b


def at_least(value: Size, low: Size) -> Size:
    """The larger of the two, whichever of them is a plain number."""
    if not hasattr(value, "clip"):
        if not hasattr(low, "clip"):
            return max(value, low)
        value, low = low, value
    return value.clip(low, None)


def at_most(value: Size, high: Size) -> Size:
    """The smaller of the two, whichever of them is a plain number."""
    if not hasattr(value, "clip"):
        if not hasattr(high, "clip"):
            return min(value, high)
        value, high = high, value
    return value.clip(None, high)


def statically_known(test: Any) -> bool:
    """Whether a comparison of sizes holds for sure. One of arrays or letters is left open: as if it did not.

    One of letters takes note of that, so that what a formula takes for granted can be told.
    """
    if test is True or test is False:
        return bool(test)
    if hasattr(test, "left_open"):
        test.left_open()
    return False


def known_unequal(left: Size, right: Size, unless_one: bool = False) -> Any:
    """Whether two sizes are not the same number, for `statically_known` to decide; `unless_one`, and neither is 1."""
    if hasattr(left, "known_unequal"):
        return left.known_unequal(right, unless_one)
    if hasattr(right, "known_unequal"):
        return right.known_unequal(left, unless_one)
    return left != right and not (unless_one and 1 in (left, right))


def require_size(size: Size, axis: str, rule: str, fact: str, help: str | None = None) -> Size:
    """The size, or `ShapeError` E201 with the rule as its note where it is below 1."""
    if statically_known(size < 1):
        raise ShapeError("E201", "output of `{layer}` would be empty", fact, (f"{axis}: {rule}",), help)
    return size


def divide(total: Size, parts: int, what: str, into: str) -> Size:
    """total / parts where that is whole, or `ShapeError` E202 that names both fields."""
    if statically_known(known_unequal(total % parts, 0)):
        raise ShapeError(
            "E202",
            f"{what} of `{{layer}}` do not divide into {into}",
            f"`{what}` (={total}) must be divisible by `{into}` (={parts})",
            help=f"{total} divides by {_some_divisors(total)}" if isinstance(total, int) else None,
        )
    return total // parts


def _some_divisors(total: int) -> str:
    """The small divisors of a number, as a hint: a search that is bounded whatever the number."""
    divisors = [n for n in range(1, min(total, 1024) + 1) if total % n == 0]
    return ", ".join(map(str, divisors[:12])) + (", …" if len(divisors) > 12 else "")
