"""Shapes, and the arithmetic of windows: (N + 2P − F)/S + 1, for any rank.

The rules here use only `+ - * //` and the helpers `ceil_div`, `at_least` and `at_most`. So they hold for integers and
for any value with those operators: a formula, a number that records its formula, an array of sizes. A condition under
which a rule is valid is stated by `require`. Other questions about a size use `statically_known` or `known_unequal`,
which treat an undecided comparison as not known.

Source of the formulas: V. Dumoulin and F. Visin, A guide to convolution arithmetic for deep learning,
arXiv:1603.07285, relationships 6 (convolution) and 14 (transposed); `same`, with the smaller half at the beginning, as
in TensorFlow; `ceil` with its clip as in Caffe and PyTorch.
"""

from collections.abc import Callable, Iterable
from math import prod
from typing import Any, NamedTuple

#: A size along an axis: an integer, or any value that computes like one.
Size = Any

#: The result of a comparison of sizes: a bool, or an undecided one (a `Guard` on symbols, an array of bools).
Condition = Any


class AxisNames(dict[int, tuple[str, ...]]):
    """Names of the spatial axes by number. More than three axes, which occur only in model files, are numbered."""

    def __missing__(self, rank: int) -> tuple[str, ...]:
        return tuple(f"axis {number}" for number in range(1, rank + 1))


#: Names of the spatial axes by their number.
AXES = AxisNames({
    0: (),
    1: ("length",),
    2: ("height", "width"),
    3: ("depth", "height", "width"),
})  # fmt: skip

#: The headline of E201.
EMPTY = "output of `{layer}` would be empty"

#: No feature map may have more elements than this: beyond any machine, yet exact and quick to print.
MAX_ELEMENTS = 10**100


class ShapeError(ValueError):
    """A size rule failed. The graph builder adds the layer's name and place.

    `summary` is the headline with `{layer}` for the name, `fact` the label at the caret, `notes` the arithmetic and
    `help` the edit to make. `part` is a regular expression whose group is what in the layer's text is wrong.
    """

    def __init__(
        self,
        code: str,
        summary: str,
        fact: str = "",
        notes: Iterable[str] = (),
        help: str | None = None,
        part: str | None = None,
    ) -> None:
        super().__init__(fact or summary)
        self.code, self.summary, self.fact = code, summary, fact
        self.notes, self.help, self.part = tuple(notes), help, part


class Detail(NamedTuple):
    """The parts of a `ShapeError` that depend on the sizes, besides its code and summary."""

    fact: str
    notes: tuple[str, ...] = ()
    help: str | None = None
    part: str | None = None


class Requirement(NamedTuple):
    """A condition under which a size rule is valid, and the code of the error if it does not hold.

    `condition` is True for integers, and for other sizes the result of their comparison: a `Guard` to collect, or for
    an array of sizes the mask of those for which it holds.
    """

    condition: Condition
    code: str
    summary: str
    detail: Callable[[], Detail]

    @property
    def error(self) -> ShapeError:
        """The error to raise if the condition does not hold."""
        return ShapeError(self.code, self.summary, *self.detail())


def require(condition: Condition, code: str, summary: str, detail: Callable[[], Detail]) -> Requirement:
    """Require a condition under which a size rule is valid.

    Raises `ShapeError` if the condition is False; `detail` is called only then. Any other condition is returned for
    the caller to collect.
    """
    if condition is False:
        raise ShapeError(code, summary, *detail())
    return Requirement(condition, code, summary, detail)


class Undecided:
    """The result of comparing an unknown size: neither True nor False, so that no code can branch on it."""

    def __bool__(self) -> bool:
        raise UndecidedError("whether it holds depends on a size that is not known")


class UndecidedError(TypeError, ValueError):
    """A rule branches on a size that is not known, or that is a symbol."""


UNDECIDED = Undecided()


class UnknownSize:
    """A size that a model file leaves open, or that nothing in it states.

    Arithmetic with it gives an unknown size, a comparison `UNDECIDED`.

    So the rules of layers serve partial shapes as well: what needs the channels alone is known where they are, and
    a figure that comes out as unknown is counted as 0 by `known_part`, after which sums are lower bounds.
    """

    #: What is asked of a number: it is no fraction.
    denominator = 1

    def __init__(self, text: str, to_json: str | None) -> None:
        #: What JSON has in its place.
        self.text, self.to_json = text, to_json

    def _unknown(self, *others: object) -> "UnknownSize":
        return UNKNOWN_SIZE

    __add__ = __radd__ = __sub__ = __rsub__ = __neg__ = _unknown
    __floordiv__ = __rfloordiv__ = __truediv__ = __rtruediv__ = __mod__ = __rmod__ = __pow__ = clip = _unknown

    def __mul__(self, other: object) -> Size:
        return 0 if isinstance(other, int) and other == 0 else UNKNOWN_SIZE

    __rmul__ = __mul__

    @property
    def numerator(self) -> "UnknownSize":
        return self

    def _undecided(self, *others: object) -> Undecided:
        return UNDECIDED

    __lt__ = __le__ = __gt__ = __ge__ = equals = _undecided

    def __divmod__(self, divisor: object) -> "tuple[UnknownSize, UnknownSize]":
        return UNKNOWN_SIZE, UNKNOWN_SIZE

    def __format__(self, form: str) -> str:
        return self.text

    def __str__(self) -> str:
        return self.text

    __repr__ = __str__


#: An unknown size; and one that stands for any number of spatial axes, whose sizes are unknown as well.
UNKNOWN_SIZE = UnknownSize("?", None)
UNKNOWN_AXES = UnknownSize("...", "...")


def known_part(size: Size) -> Size:
    """Return a size or count, or 0 if it is unknown, so that sums are lower bounds."""
    return 0 if isinstance(size, UnknownSize) else size


class Shape(NamedTuple):
    """The shape of one sample, channels last: `spatial` sizes and `channels`. A flat vector has only channels.

    Of a model file, sizes may be unknown: of an input that it leaves open, and behind an operator that is not known.
    """

    spatial: tuple[Size, ...]
    channels: Size

    @property
    def rank(self) -> int:
        """The number of spatial axes: 0 for a flat vector."""
        return len(self.spatial)

    @property
    def dims(self) -> tuple[Size, ...]:
        """The sizes of all axes, channels last."""
        return (*self.spatial, self.channels)

    @property
    def elements(self) -> Size:
        """The number of elements: the product of all sizes."""
        return prod(self.spatial) * self.channels

    @classmethod
    def of(cls, dims: Iterable[Size]) -> "Shape":
        """Return the shape with these sizes, channels last."""
        *spatial, channels = dims
        return cls(tuple(spatial), channels)

    @classmethod
    def partial(cls, channels: Size = UNKNOWN_SIZE, rank: int | None = None) -> "Shape":
        """Return a shape of which at most the channels and the number of spatial axes are known."""
        return cls((UNKNOWN_AXES,) if rank is None else (UNKNOWN_SIZE,) * rank, channels)

    @property
    def is_known(self) -> bool:
        """Whether all sizes are known, as numbers or formulas."""
        return not any(isinstance(size, UnknownSize) for size in self.dims)

    @property
    def has_rank(self) -> bool:
        """Whether the number of spatial axes is known."""
        return UNKNOWN_AXES not in self.spatial

    def with_rank(self, rank: int) -> "Shape":
        """Return the shape with this number of spatial axes if it was not known, and otherwise unchanged."""
        return self if self.has_rank else Shape.partial(self.channels, rank)

    def __str__(self) -> str:
        return dims_text(self.dims)


#: The shape of which nothing is known.
UNKNOWN_SHAPE = Shape.partial()


def dims_text(dims: Iterable[Size]) -> str:
    """Return the sizes as text: `32x32x3`, or `(H - 2)x(W - 2)x3` with brackets around sums; `?` for None."""
    texts = ["?" if size is None else str(size) if isinstance(size, int) else _factor(str(size)) for size in dims]
    return "x".join(texts)


def formulas_as_text(value: Any) -> Any:
    """Return a value of dicts and lists as JSON has it: a size that is a formula is its text, an unknown one null."""
    if isinstance(value, UnknownSize):
        return value.to_json
    if isinstance(value, dict):
        return {key: formulas_as_text(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [formulas_as_text(each) for each in value]
    return value if value is None or isinstance(value, (str, int, float)) else str(value)


def _factor(text: str) -> str:
    """Return the text of a formula, with brackets if it is a sum: if it has a space outside all brackets."""
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
        """F' = d(F − 1) + 1: the number of elements from the first tap to the last."""
        return self.dilation * (self.kernel - 1) + 1

    def size(self, n: Size) -> Size:
        """Return the number of positions of the window along an axis of `n` elements."""
        room = n + self.begin + self.end - self.extent
        if not self.ceil:
            return room // self.stride + 1
        # The clip: no window may start past the last element, in the padding at the end.
        return at_most(ceil_div(room, self.stride) + 1, ceil_div(n + self.begin, self.stride))

    def size_text(self, n: Size) -> str:
        """Return the rule of `size` with its numbers, for a note."""
        rounding = "ceil" if self.ceil else "floor"
        return f"{rounding}(({n} + {self.begin} + {self.end} - {self.extent}) / {self.stride}) + 1 = {self.size(n)}"

    def dropped(self, n: Size) -> Size:
        """Return how many input elements at the end of the axis no window reaches, as far as statically known.

        Padding that no window reaches is not counted. Nor is a tail no longer than the gap that a stride wider than the
        window leaves between any two positions: such a layer skips elements by design.
        """
        if self.ceil or self.stride == 1:
            return 0
        unreached = self._unreached(n)
        return unreached if statically_known(unreached > self._gap) else 0

    def drops_nothing(self, n: Size) -> Condition:
        """Return whether `dropped` is 0."""
        return self.ceil or self.stride == 1 or self._unreached(n) <= self._gap

    def _unreached(self, n: Size) -> Size:
        return (n + self.begin + self.end - self.extent) % self.stride - self.end

    @property
    def _gap(self) -> int:
        return max(self.stride - self.extent, 0)


class Padding(NamedTuple):
    """The padding at the ends of the axes: a rule (`valid`, `same`, `full`, `causal`) or numbers (`explicit`)."""

    mode: str
    ends: tuple[tuple[int, int], ...] = ()

    def window(self, axis: int, n: Size, kernel: int, stride: int, dilation: int, ceil: bool = False) -> Window:
        """Return the window on an axis of `n` elements, with its padding resolved to numbers."""
        begin: Size = 0
        end: Size = 0
        if self.mode == "explicit":
            begin, end = self.ends[axis]
        elif self.mode == "full":
            begin = end = Window(kernel, stride, dilation).extent - 1
        elif self.mode == "causal":
            begin = Window(kernel, stride, dilation).extent - 1
        elif self.mode == "same":
            total = same_total(n, Window(kernel, stride, dilation))
            begin, end = total // 2, total - total // 2
        return Window(kernel, stride, dilation, begin, end, ceil)

    def transposed_window(self, axis: int, kernel: int, stride: int, dilation: int, output_padding: int) -> Window:
        """Return the window of a transposed convolution. `same` crops F' − S, so that the output is N·S."""
        bare = Window(kernel, stride, dilation)
        if self.mode == "same":
            total = transposed_same_total(bare, output_padding)
            return bare._replace(begin=at_least(total, 0) // 2, end=total - at_least(total, 0) // 2)
        return self.window(axis, 0, kernel, stride, dilation)


def same_total(n: Size, window: Window) -> Size:
    """Return the total padding of `same` on an axis of `n` elements, for ceil(n / S) positions."""
    return at_least((ceil_div(n, window.stride) - 1) * window.stride + window.extent - n, 0)


def transposed_same_total(window: Window, output_padding: int) -> Size:
    """Return the total that `same` crops from the output of a transposed convolution, for N·S elements."""
    return window.extent + output_padding - window.stride


def transposed_size(n: Size, window: Window, output_padding: int) -> Size:
    """Return (N − 1)·S − Pbegin − Pend + F' + output_padding, the output size of a transposed convolution."""
    return (n - 1) * window.stride - window.begin - window.end + window.extent + output_padding


def ceil_div(a: Size, b: int) -> Size:
    """Return ceil(a / b), computed with integer operators alone."""
    return (a + b - 1) // b


def ratio(a: Size, b: Size) -> Any:
    """Return a / b, exact: a fraction if both are integers."""
    if isinstance(a, int) and isinstance(b, int):
        from fractions import Fraction  # few networks have one

        return Fraction(a, b)
    return a / b


def at_least(value: Size, low: Size) -> Size:
    """Return the larger of the two, either of which may be a plain number."""
    if not hasattr(value, "clip"):
        if not hasattr(low, "clip"):
            return max(value, low)
        value, low = low, value
    return value.clip(low, None)


def at_most(value: Size, high: Size) -> Size:
    """Return the smaller of the two, either of which may be a plain number."""
    if not hasattr(value, "clip"):
        if not hasattr(high, "clip"):
            return min(value, high)
        value, high = high, value
    return value.clip(None, high)


def statically_known(condition: Condition) -> bool:
    """Return whether a comparison of sizes is known to hold; an undecided one, of symbols or arrays, is not."""
    return condition is True


def equal(left: Size, right: Size, or_one: bool = False) -> Condition:
    """Return whether two sizes are the same number or, with `or_one`, either of them is 1."""
    if isinstance(left, UnknownSize) or isinstance(right, UnknownSize):
        return UNDECIDED
    if left is right:
        return True
    if hasattr(left, "equals"):
        return left.equals(right, or_one)
    if hasattr(right, "equals"):
        return right.equals(left, or_one)
    return (left == right) | (left == 1) | (right == 1) if or_one else left == right


def known_unequal(left: Size, right: Size) -> bool:
    """Return whether two sizes are known to be different numbers."""
    return equal(left, right) is False


def require_size(size: Size, axis: str, rule: Callable[[], str], fact: str, help: str | None = None) -> Requirement:
    """Require that an output size is at least 1 (E201). The error's note has the rule that gave the size."""
    return require(size >= 1, "E201", EMPTY, lambda: Detail(fact, (f"{axis}: {rule()}",), help))


def require_divisible(total: Size, parts: int, what: str, into: str, argument: str = "") -> Requirement:
    """Require that `parts` divides `total` (E202). The error names both: `channels` into `groups`.

    `argument` is the name of the total where that is another than `what` there is.
    """

    def detail() -> Detail:
        fact = f"`{argument or what}` (={total}) must be divisible by `{into}` (={parts})"
        return Detail(fact, help=f"{total} divides by {some_divisors(total)}" if isinstance(total, int) else None)

    summary = f"{what} of `{{layer}}` do not divide into {into}"
    return require(equal(total % parts, 0), "E202", summary, detail)


def some_divisors(total: int) -> str:
    """Return the divisors of a number among the first 1024 integers, which bounds the search."""
    divisors = [n for n in range(1, min(total, 1024) + 1) if total % n == 0]
    return ", ".join(map(str, divisors[:12])) + (", …" if len(divisors) > 12 else "")
