"""What a layer is. Adding one is one class in one file of this package.

A class says all that is peculiar to its layer: its words, its arguments, its size rule, parameters, MACs,
its reach for the receptive field, how its output is held in memory, and worked examples. The parser, YAML,
every figure, JSON, the help and the README's table take it from there.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from cnncalc.layers.arguments import Argument, ArgumentError, PaddingArgument, count, declared
from cnncalc.shape import Shape, ShapeError, Size

#: Every word of the language → the class that it names.
REGISTRY: dict[str, type[Layer]] = {}

#: Every word → the kind of layer: the first of its synonyms (`maxpool` → `pool`).
KINDS: dict[str, str] = {}


Its = TypeVar("Its", bound="Layer")


class FieldStep(NamedTuple):
    """What a layer adds to the receptive field along one axis, in steps of its input's jump.

    The field grows by `grow`, begins `left` further out, and the jump is multiplied by `step`.
    """

    grow: Size
    left: Size
    step: Any


#: The reach of a layer each of whose outputs sees its whole input.
WHOLE: Literal["whole"] = "whole"


class Example(NamedTuple):
    """A worked example: a spec, and what its last layer gives."""

    spec: str
    output: str
    params: int = 0
    buffers: int = 0
    macs: int = 0


class Lint(NamedTuple):
    """A warning that a layer has about its own sizes: its code, the fact, and what would make it go away."""

    code: str
    fact: str
    help: str


class Layer:
    """A frozen value: a word and its arguments.

    Two layers are equal where they are of the same kind and have the same arguments. `output`, `weights`
    and the rest ask it about an input shape `x`; they expect a layer that was `resolve`d to it.
    """

    #: Kind → its other words. A class with several kinds is a family that differs in name alone.
    words: ClassVar[dict[str, tuple[str, ...]]] = {}
    arguments: ClassVar[dict[str, Argument[Any]]] = {}
    #: A word ending in 1d, 2d or 3d is made for each kind, and asks for that many spatial axes.
    ranked: ClassVar[bool] = False
    #: Whether it works on spatial axes, and so not on a flat vector.
    spatial: ClassVar[bool] = False
    #: Whether it works on flat vectors alone: a `flatten` is put in front of it where it is not given one.
    flat: ClassVar[bool] = False
    #: Where the output lives: in memory of its own, in its input's as it stands (an alias), or written over
    #: its input where nothing else reads that.
    memory: ClassVar[Literal["own", "alias", "in place"]] = "own"
    #: Whether all its figures are known: not so for an operator of a model file that the program does not know.
    known: ClassVar[bool] = True
    #: Its rules as formulas or in words, for the help and the README; `size_notes` is what else there is to
    #: say about sizes.
    size_rule: ClassVar[str] = "same"
    size_notes: ClassVar[tuple[str, ...]] = ()
    params_rule: ClassVar[str] = "0"
    buffers_rule: ClassVar[str] = "0"
    macs_rule: ClassVar[str] = "0"
    field_rule: ClassVar[str] = "unchanged: an output sees its own place"
    #: What stands behind the word where that is no arguments: a merge's arms.
    takes: ClassVar[str] = ""
    examples: ClassVar[tuple[Example, ...]] = ()

    #: The kind, and the number of spatial axes that the word asks for (None: any).
    kind: str
    axes: int | None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.arguments = dict(declared(cls))
        for kind, synonyms in vars(cls).get("words", {}).items():
            ranked = [f"{word}{n}d" for word in (kind, *synonyms)[:2] for n in (1, 2, 3)] if cls.ranked else []
            for word in (kind, *synonyms, *ranked):
                assert word not in REGISTRY, f"{word} names {REGISTRY[word]} already"
                REGISTRY[word], KINDS[word] = cls, kind

    def __init__(self, word: str, /, **values: Any) -> None:
        """Make a layer of the word's kind.

        Raises `ArgumentError` E104 where a required argument is missing.
        """
        given: dict[str, Any] = {}
        for name, argument in self.arguments.items():
            value = values.pop(name, argument.default)
            if argument.like is not None and value is argument.default:
                value = given[argument.like]
            if argument.required and value is argument.default:
                _missing(word, argument)
            given[name] = value
        assert not values, f"{word} has no {', '.join(values)}"
        self._set(KINDS[word], rank_of(word), given)

    def _set(self, kind: str, axes: int | None, values: dict[str, Any]) -> None:
        self.__dict__.update(values)
        self.__dict__.update(kind=kind, axes=axes, _key=(kind, *values.values()))
        self.__dict__["_hash"] = hash(self._key)

    _key: tuple[Any, ...]
    _hash: int

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"a layer is a frozen value: {name} cannot be set")

    def __eq__(self, other: object) -> bool:
        return self is other or (isinstance(other, Layer) and self._key == other._key)

    def __hash__(self) -> int:
        return self._hash

    def __repr__(self) -> str:
        return f"<{self}>"

    def __str__(self) -> str:
        """The canonical text: the kind, then the arguments that differ from their defaults."""
        return " ".join([self.kind, *self.argument_texts()])

    def argument_texts(self) -> Iterator[str]:
        for name, argument in self.arguments.items():
            value = getattr(self, name)
            if not (value == getattr(self, argument.like) if argument.like else argument.is_default(value)):
                yield argument.write(value)

    def resolve(self, x: Shape) -> Layer:
        """The layer with every per-axis argument spelt out for the axes of `x`.

        Raises `ShapeError` where the layer cannot work on so many axes.
        """
        if self.spatial and not x.spatial:
            raise ShapeError(
                "E203",
                "`{layer}` needs spatial axes",
                f"the input is a flat vector of {x.channels}",
                help="move it before the `fc` or `flatten`",
            )
        if self.axes is not None and self.axes != x.rank:
            raise ShapeError(
                "E204",
                f"`{{layer}}` is for {count(self.axes, 'spatial axis', 'spatial axes')}",
                f"the input {x} has {x.rank}",
                help=f"write `{self.kind}`, which fits any, or give an input with {self.axes}",
            )
        return self.with_values(
            {name: argument.fit(getattr(self, name), x.rank) for name, argument in self.arguments.items()}
        )

    def with_values(self: Its, values: dict[str, Any]) -> Its:
        """The layer with these values of all its arguments."""
        other = object.__new__(type(self))
        other._set(self.kind, self.axes, values)
        return other

    def replace(self, **changed: Any) -> Layer:
        """The layer with some of its arguments changed."""
        return type(self)(self.kind, **{name: vars(self)[name] for name in self.arguments} | changed)

    # -- sizes ---------------------------------------------------------------------------------------

    def output(self, x: Shape) -> Shape:
        """The output shape for an input shape; raises `ShapeError` with the bare fact where there is none."""
        return x

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        """The output shape for all inputs: most layers have one."""
        return self.output(inputs[0])

    def lints(self, x: Shape) -> Iterator[Lint]:
        """What is allowed but worth a warning."""
        return iter(())

    # -- figures: for an input of shape `x` and the output `y` that it gives ------------------------------

    def weights(self, x: Shape) -> Size:
        """Trainable parameters other than biases."""
        return 0

    def biases(self, x: Shape) -> Size:
        """Trainable biases."""
        return 0

    def buffers(self, x: Shape) -> Size:
        """Parameters that training does not change by gradient: running statistics."""
        return 0

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        """Multiply-adds of a convolution or matrix product, per sample, without bias; 0 for all else."""
        return 0

    def decompose(self, x: Shape) -> tuple[Layer, ...]:
        """The simpler layers, one behind the other, that it is the same as; itself where there are none."""
        return (self,)

    def field_step(self, x: Shape, y: Shape) -> tuple[FieldStep, ...] | Literal["whole"] | None:
        """What it adds to the receptive field per axis; None where an output sees its own place alone."""
        return None

    # -- the outside ---------------------------------------------------------------------------------

    def fields(self, x: Shape | None) -> dict[str, object]:
        """The arguments by name as JSON carries them, with padding resolved to numbers."""
        found: dict[str, object] = {}
        for name, argument in self.arguments.items():
            value = getattr(self, name)
            found[name] = argument.to_json(value)
            if isinstance(argument, PaddingArgument) and argument.rules and x is not None:
                found[name] = self.padding_ends(x)
                found[f"{name}_mode"] = value.mode
        return found

    def explain_channels(self, x: Shape, y: Shape) -> str:
        """How the output's channels come of the input's, with the numbers of both, for `cnncalc explain`."""
        return ""

    def padding_ends(self, x: Shape) -> list[list[Size]]:
        """The padding of each axis as [begin, end], for layers that pad by rule."""
        raise NotImplementedError

    @classmethod
    def synonyms(cls, kind: str) -> list[str]:
        """All words for a kind, the kind itself first."""
        return [kind, *(word for word, its in KINDS.items() if its == kind and word != kind)]


def rank_of(word: str) -> int | None:
    """How many spatial axes the word asks for: 2 for `conv2d`, None for `conv`."""
    return int(word[-2]) if word[-2:] in ("1d", "2d", "3d") else None


def _missing(word: str, argument: Argument[Any]) -> NoReturn:
    forms = " or ".join(f"`{form}`" for form in argument.forms())
    raise ArgumentError("E104", f"`{word}` has no {argument.name}", f"{argument.help} missing", None, f"write {forms}")
