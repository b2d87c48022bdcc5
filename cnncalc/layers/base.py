"""The base class of layers. A layer is added as one class in one file of this package.

The class has everything that is particular to the layer:

    words                        its kinds, each with its synonyms; the registry fills itself from them
    arguments                    class attributes of the types in `layers.arguments`
    output, requirements         the size rule, and the conditions under which it is valid
    weights, bias_weights, …     its parameters; `buffers` are those that no gradient trains
    multiply_adds                its MACs
    taps                         the elements of its input that an output reads: its receptive field
    memory, is_view              where its output is stored: in inference, and when PyTorch trains it
    keeps, kept_elements, …      what PyTorch's autograd keeps for the backward pass
    conv_activations             the output elements of its convolutions and matrix products
    lints                        its warnings
    explain_channels             a sentence for `cnncalc explain`
    size_rule, …, examples       for the help: its rules in words, and worked examples, which a test runs

Each has a default: the input's shape, no parameters, no MACs. The rules are arithmetic on sizes (`+ - * //`,
`ceil_div`, `at_least`, `at_most`) and never branch on a size's value, so that one rule serves integers, symbols and
arrays. The parser, YAML, every figure, JSON and the help find the class through the registry; a new family is a
module that is added to `FAMILIES` in `layers/__init__`. Outside the class are only the layer's names in each framework,
one row of that framework's table, and its MACs by each counting convention.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal, NamedTuple, NoReturn, TypeVar

from cnncalc.layers.arguments import Argument, Flag, PaddingArgument, count, declared
from cnncalc.layers.pieces import ArgumentError
from cnncalc.layers.taps import AxisTaps
from cnncalc.shape import Requirement, Shape, ShapeError, Size

#: Every word of the language → the class that it names.
REGISTRY: dict[str, type[Layer]] = {}

#: Every word → the kind of layer: the first of its synonyms (`maxpool` → `pool`).
KINDS: dict[str, str] = {}

AnyLayer = TypeVar("AnyLayer", bound="Layer")


#: PyTorch keeps indices as integers of 64 bits.
BYTES_OF_INDEX = 8

#: The taps of a layer each of whose outputs sees its whole input.
WHOLE: Literal["whole"] = "whole"


class Example(NamedTuple):
    """A worked example: a spec, and its output shape and totals."""

    spec: str
    output: str
    params: int = 0
    buffers: int = 0
    macs: int = 0


class Lint(NamedTuple):
    """A warning of a layer about its sizes: a code, the fact with `{layer}` for the name, and a remedy."""

    code: str
    fact: str
    help: str


class Layer:
    """An immutable layer: a kind and its arguments.

    Two layers are equal if they have the same kind and arguments. `output`, `weights` and the
    other rules take the shape `x` of its input; they expect a layer that was `resolve`d for that shape.
    """

    #: Kind → its other words. A class with several kinds is a family that differs in name alone.
    words: ClassVar[dict[str, tuple[str, ...]]] = {}
    arguments: ClassVar[dict[str, Argument[Any]]] = {}
    #: Those whose value may be the size of a named tensor.
    tensor_arguments: ClassVar[tuple[str, ...]] = ()
    #: A word ending in 1d, 2d or 3d is made for each kind, and asks for that many spatial axes.
    ranked: ClassVar[bool] = False
    #: Whether it works on spatial axes, and so not on a flat vector.
    spatial: ClassVar[bool] = False
    #: Whether it takes a map of one axis for a sequence, of steps or tokens.
    takes_sequences: ClassVar[bool] = False
    #: Whether it works on flat vectors alone: a `flatten` is added in front of it where its input is not one.
    flat: ClassVar[bool] = False
    #: Where the output lives: in memory of its own, in its input's as it stands (an alias), or written over
    #: its input where nothing else reads that.
    memory: ClassVar[Literal["own", "alias", "in place"]] = "own"
    #: What PyTorch's autograd keeps for the backward pass where the layer learns, or passes a gradient on: all of its
    #: inputs, its output, or each factor of a product with another factor that learns. Weights are a factor.
    keeps: ClassVar[Literal["nothing", "inputs", "output", "factors"]] = "nothing"
    #: Whether its products read each other's results, as steps that hand on a state do: gradients go from one to the
    #: other then, as its own `backward_multiply_adds` counts them.
    is_chain: ClassVar[bool] = False
    #: Whether all its figures are known: not so for an operator of a model file that the program does not know.
    known: ClassVar[bool] = True
    #: Whether its output has a number of axes of its own, whatever its input's is.
    sets_rank: ClassVar[bool] = False
    #: Its rules as formulas or in words, for the help; `size_notes` has what else there is to know about sizes.
    size_rule: ClassVar[str] = "same"
    size_notes: ClassVar[tuple[str, ...]] = ()
    params_rule: ClassVar[str] = "0"
    buffers_rule: ClassVar[str] = "0"
    macs_rule: ClassVar[str] = "0"
    field_rule: ClassVar[str] = "unchanged: an output sees its own position"
    #: What follows the word where that is not arguments: a merge's arms.
    takes: ClassVar[str] = ""
    examples: ClassVar[tuple[Example, ...]] = ()

    #: Values of required arguments that a text may leave out: `maxpool` alone halves each axis.
    implied: ClassVar[Mapping[str, Any]] = {}

    #: The kind, and the number of spatial axes that the word asks for (None: any).
    kind: str
    axes: int | None

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        # Whether it is trained stands last: the word is no part of the layer's form.
        cls.arguments = dict(sorted(declared(cls), key=lambda pair: pair[0] == "trainable"))
        cls.tensor_arguments = tuple(name for name, each in cls.arguments.items() if each.takes_tensor)
        for kind, synonyms in vars(cls).get("words", {}).items():
            ranked = [f"{word}{n}d" for word in (kind, *synonyms)[:2] for n in (1, 2, 3)] if cls.ranked else []
            for word in (kind, *synonyms, *ranked):
                assert word not in REGISTRY, f"{word} names {REGISTRY[word]} already"
                REGISTRY[word], KINDS[word] = cls, kind

    def __init__(self, word: str, /, **values: Any) -> None:
        """Make a layer of the word's kind.

        Raises `ArgumentError` E104 if a required argument is missing.
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
        """Return the canonical text: the kind, then the arguments that differ from their defaults."""
        return " ".join([self.kind, *self.argument_texts()])

    def argument_texts(self) -> Iterator[str]:
        """Yield the canonical text of every argument that differs from its default."""
        for name, argument in self.arguments.items():
            value = getattr(self, name)
            if not (value == getattr(self, argument.like) if argument.like else argument.is_default(value)):
                yield argument.write(value)

    def resolve(self: AnyLayer, x: Shape) -> AnyLayer:
        """Return the layer with a value for each axis of `x` in every argument that is per axis.

        Raises `ShapeError` if the layer does not support the number of axes.
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

    @property
    def stated_rank(self) -> int | None:
        """The number of spatial axes that its word or arguments state, or None if it fits any number."""
        if self.axes is not None:
            return self.axes
        ranks = [argument.rank_of(vars(self)[name]) for name, argument in self.arguments.items()]
        return next((rank for rank in ranks if rank is not None), None)

    def with_values(self: AnyLayer, values: dict[str, Any]) -> AnyLayer:
        """Return the layer with new values of all its arguments, in the order of declaration."""
        other = object.__new__(type(self))
        other._set(self.kind, self.axes, values)
        return other

    def replace(self: AnyLayer, **changed: Any) -> AnyLayer:
        """Return the layer with some of its arguments changed."""
        return type(self)(self.kind, **{name: vars(self)[name] for name in self.arguments} | changed)

    @property
    def stem(self) -> str:
        """The word that names without one of their own are numbered by."""
        return self.kind

    def at_all_steps(self) -> Layer | None:
        """Return the resolved layer that does with all steps at once what this one does at each; None if there is none.

        The steps are one more axis in front.
        """
        return None

    @property
    def open(self) -> list[str]:
        """The letters that stand for numbers of it, each once."""
        counts = [vars(self).get("filters"), vars(self).get("units")]
        return [str(count) for count in counts if hasattr(count, "symbols")]

    # -- sizes ---------------------------------------------------------------------------------------

    def output(self, x: Shape) -> Shape:
        """Return the output shape for an input shape that meets the requirements."""
        return x

    def requirements(self, x: Shape) -> Iterator[Requirement]:
        """Yield the conditions under which `output` is valid, each made by `require`.

        Raises `ShapeError` at the first that does not hold.
        """
        return iter(())

    def shape_of(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return `output` for the shapes of all inputs; most layers have one."""
        return self.output(inputs[0])

    def requirements_of(self, inputs: tuple[Shape, ...]) -> Iterator[Requirement]:
        """Yield `requirements` for the shapes of all inputs; most layers have one."""
        return self.requirements(inputs[0])

    def infer(self, inputs: tuple[Shape, ...]) -> Shape:
        """Return the output shape; raises `ShapeError` if the layer does not fit its inputs.

        Undecided requirements are assumed to hold: `requirements_of` yields them.
        """
        for _ in self.requirements_of(inputs):
            pass
        return self.shape_of(inputs)

    def lints(self, x: Shape) -> Iterator[Lint]:
        """Yield a warning for each setting that is valid but probably not intended."""
        return iter(())

    # -- figures: for an input of shape `x` and the output `y` that it gives ------------------------------

    def weights(self, x: Shape) -> Size:
        """Return the number of trainable parameters other than biases."""
        return 0

    def bias_weights(self, x: Shape) -> Size:
        """Return the number of trainable biases."""
        return 0

    def buffers(self, x: Shape) -> Size:
        """Return the number of values that are stored but not trained by gradient: running statistics."""
        return 0

    @property
    def frozen(self) -> bool:
        """Whether training leaves its weights as they are."""
        return False

    def multiply_adds(self, x: Shape, y: Shape) -> Size:
        """Return the multiply-adds of a convolution or matrix product, per sample, without bias; otherwise 0."""
        return 0

    def backward_multiply_adds(self, x: Shape, y: Shape, trains: bool, learning: int) -> Size:
        """Return the multiply-adds of its gradients: those of a product again for each of its factors that learns.

        `trains` is whether its weights do, `learning` how many of its inputs.
        """
        return self.multiply_adds(x, y) * (trains + learning)

    def conv_activations(self, x: Shape, y: Shape) -> Size:
        """Return the output elements of its convolutions, deconvolutions and fully connected layers; otherwise 0."""
        return 0

    def is_depthwise(self, x: Shape) -> bool:
        """Return whether each channel of the output is a convolution of the same channel of the input alone."""
        return False

    def decompose(self, x: Shape) -> tuple[Layer, ...]:
        """Return the chain of simpler layers that is equivalent to this one; only itself if there is none."""
        return (self,)

    def taps(self, x: Shape, y: Shape) -> tuple[AxisTaps, ...] | Literal["whole"] | None:
        """Return the elements that an output reads along each axis; None if it reads only its own position."""
        return None

    # -- training: what PyTorch does, by a run of it -------------------------------------------------------

    @property
    def is_view(self) -> bool:
        """Whether the output shares the input's memory without overwriting it: an alias, or a part of it."""
        return self.memory == "alias"

    def kept_elements(self, inputs: tuple[Shape, ...], y: Shape) -> Size:
        """Return the elements kept for the backward pass besides inputs and output: intermediate results."""
        return 0

    def kept_bytes(self, y: Shape) -> Size:
        """Return the bytes kept for the backward pass in a type of their own: indices and masks."""
        return 0

    # -- for reports ---------------------------------------------------------------------------------

    def fields(self, x: Shape | None) -> dict[str, object]:
        """Return the arguments by name for JSON, with padding by a rule resolved to numbers for the input `x`."""
        values: dict[str, object] = {}
        for name, argument in self.arguments.items():
            value = getattr(self, name)
            if name == "trainable" and value:
                continue
            values[name] = argument.to_json(value)
            if isinstance(argument, PaddingArgument) and argument.rules and x is not None:
                values[name] = self.padding_ends(x)
                values[f"{name}_mode"] = value.mode
        return values

    def explain_channels(self, x: Shape, y: Shape) -> str:
        """Return a sentence on how the output's channels are computed from the input's, with both numbers."""
        return ""

    def padding_ends(self, x: Shape) -> list[list[Size]]:
        """Return the padding of each axis as [begin, end], for layers that pad by a rule."""
        raise NotImplementedError

    @classmethod
    def synonyms(cls, kind: str) -> list[str]:
        """Return all words for a kind, the kind itself first."""
        return [kind, *(word for word, named in KINDS.items() if named == kind and word != kind)]


class WeightedLayer(Layer):
    """The base of layers with weights: `frozen` keeps them from training."""

    trainable = Flag(None, "frozen", default=True, help="whether training changes its weights")

    @property
    def frozen(self) -> bool:
        return not self.trainable

    def weights_depend_on(self, x: Shape) -> tuple[Size, ...]:
        """Return the sizes of an input that the shapes of its weights depend on."""
        return (x.channels,)


def rank_of(word: str) -> int | None:
    """Return the number of spatial axes that the word requires: 2 for `conv2d`, None for `conv`."""
    return int(word[-2]) if word[-2:] in ("1d", "2d", "3d") else None


def _missing(word: str, argument: Argument[Any]) -> NoReturn:
    forms = " or ".join(f"`{form}`" for form in argument.examples())
    raise ArgumentError("E104", f"`{word}` has no {argument.name}", f"{argument.help} missing", None, f"write {forms}")
