"""The parts of a framework's table: a row for each kind of layer, with names, arguments and their notation.

A row is one of three:

    Equivalent     the framework has that layer: its names, and its arguments in the order of its signature
    Composed       it has no such layer, but several of its layers or an expression are equivalent
    NoEquivalent   it has no equivalent, for the reason given

One `Equivalent` serves both directions: `write` gives a layer's arguments as the framework takes them, `read` converts
the values of a call to our arguments. `{rank}` in a name stands for the number of spatial axes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import Enum
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple, Union

from cnncalc.frameworks.notation import AS_IS, Notation
from cnncalc.shape import Shape

#: The default of an argument that has to be given.
REQUIRED: Any = object()


class Meaning(Enum):
    """The meanings of a framework's argument that is not an argument of our layer."""

    INPUT_CHANNELS = "the channels that come in: our layers take them from their input"
    OUTPUT_CHANNELS = "the channels that go out, of a layer whose channels follow from its input"
    INPUT_RANK = "the number of the input's spatial axes"
    INPUT_SHAPE = "the shape of the network's input, stated at its first layer"
    ACTIVATION = "an activation behind the layer"
    KEEPS_AXES = "whether spatial axes of size 1 stay; else a flatten follows"
    IGNORED = "nothing that a size or count depends on"


class Always(NamedTuple):
    """The meaning of an argument that has one value for this kind of layer.

    A call with another value is not this kind of layer, unless any value is accepted when reading a call, or the
    argument named `unless` is false, which leaves this one without effect.
    """

    value: Any
    any_is_read: bool = False
    unless: str = ""

    def fits(self, value: Any) -> bool:
        """Return whether a call with that value is this kind of layer; equal values for each axis count as one."""
        alike = set(value) == {self.value} if isinstance(value, (tuple, list)) else value == self.value
        return self.any_is_read or value is None or alike


class FrameworkArgument(NamedTuple):
    """One argument of a framework's layer: its name, and the argument of our layer that it corresponds to.

    `default` is in the framework's notation; `like` names the argument whose value it takes by default instead.
    An argument that is `positional` is always written, and without its name.
    """

    name: str
    meaning: str | Meaning | Always
    notation: Notation
    default: Any
    like: str
    positional: bool

    def read(self, value: Any) -> Any:
        """Return our value for the framework's; raises `ValueError` for a value that the notation does not cover."""
        try:
            return self.notation.read(value)
        except (ValueError, TypeError):
            raise ValueError(f"`{self.name}` is {value!r}") from None

    @property
    def is_channels(self) -> bool:
        """Whether the value is a number of channels."""
        return self.meaning in (Meaning.INPUT_CHANNELS, Meaning.OUTPUT_CHANNELS, "filters", "units")


def argument(
    name: str,
    meaning: str | Meaning | Always | None = None,
    notation: Notation = AS_IS,
    default: Any = REQUIRED,
    *,
    like: str = "",
    positional: bool | None = None,
) -> FrameworkArgument:
    """Declare an argument; by default it corresponds to our argument of the same name."""
    if positional is None:
        positional = default is REQUIRED and not like
    return FrameworkArgument(name, name if meaning is None else meaning, notation, default, like, positional)


def ignored(*names: str) -> tuple[FrameworkArgument, ...]:
    """Declare arguments that affect neither sizes nor counts."""
    return tuple([argument(name, Meaning.IGNORED, default=None) for name in names])


class Equivalent:
    """The row of a kind of layer that the framework has.

    The first name is written; all are read. Functions are names of the same operation other than its module
    (`torch.nn.functional`, ATen). `complete` takes the arguments that were read and corrects those that depend on
    several of them; it raises `ValueError` if they do not make a layer of ours.
    """

    def __init__(
        self,
        *names: str,
        arguments: Sequence[FrameworkArgument] = (),
        functions: Sequence[str] = (),
        complete: Callable[[dict[str, Any]], dict[str, Any]] | None = None,
    ) -> None:
        self.names, self.arguments, self.functions = names, tuple(arguments), tuple(functions)
        self.complete = complete

    def name(self, rank: int) -> str:
        """Return the name that is written for an input with `rank` spatial axes."""
        return self.names[0].format(rank=rank)

    def write(
        self, layer: Any, x: Shape, y: Shape, values: Mapping[str, Any] = MappingProxyType({})
    ) -> Iterator[tuple[FrameworkArgument, Any]]:
        """Yield the arguments of a layer with input `x` and output `y`, each with its value as the framework takes it.

        `values` are those of arguments that do not follow from the layer, by the framework's names. Arguments that no
        size depends on are left out.
        """
        assert values.keys() <= {each.name for each in self.arguments}, f"{self.names[0]} takes no {list(values)}"
        derived = {
            Meaning.INPUT_CHANNELS: x.channels,
            Meaning.OUTPUT_CHANNELS: y.channels,
            Meaning.INPUT_RANK: x.rank,
            Meaning.KEEPS_AXES: True,
        }
        for each in self.arguments:
            if each.name in values:
                yield each, values[each.name]
            elif isinstance(each.meaning, str):
                yield each, each.notation.write(getattr(layer, each.meaning))
            elif isinstance(each.meaning, Always):
                yield each, each.meaning.value
            elif each.meaning in derived:
                yield each, derived[each.meaning]

    def read(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Return our arguments for those of a call, by name; arguments not given have the framework's default.

        Raises `ValueError` if an argument is missing, differs from a fixed value of this row, or has an invalid value.
        """
        values: dict[str, Any] = {}
        for each in self.arguments:
            value = given.get(each.name, each.default)
            if isinstance(each.meaning, Always) and not (
                each.meaning.fits(value) or given.get(each.meaning.unless) is False
            ):
                raise ValueError(f"`{each.name}` is {value!r}")
            if isinstance(each.meaning, str):
                if value is REQUIRED and not each.like:
                    raise ValueError(f"`{each.name}` is missing")
                if value is not REQUIRED and value is not None:
                    read = each.read(value)
                    # Several of the framework's arguments may be the parts of one of ours, in order.
                    values[each.meaning] = (*values[each.meaning], *read) if each.meaning in values else read
        return self.complete(values) if self.complete else values


class Composed(NamedTuple):
    """The row of a kind of layer for which the framework has no single layer, but an equivalent of several.

    Names and functions are what may denote it nevertheless, in a file or code that is read.
    """

    names: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


class NoEquivalent(NamedTuple):
    """The row of a kind of layer without an equivalent in the framework: the reason, and an edit that avoids it."""

    reason: str
    help: str | None = None
    names: tuple[str, ...] = ()
    functions: tuple[str, ...] = ()


FrameworkRow = Union[Equivalent, Composed, NoEquivalent]


class FrameworkCall(NamedTuple):
    """A call of a framework's layer, converted to a kind of our layers with its arguments.

    `rank` is the number of spatial axes that the name requires. `behind` are the kinds that follow it: its built-in
    activation, or a flatten. `input_shape` is that of the network's input, if the call states it, and `expects` the
    name and value of its argument for the channels that come in.
    """

    kind: str
    values: dict[str, Any]
    rank: int | None
    behind: tuple[str, ...]
    input_shape: tuple[int, ...] | None
    expects: tuple[str, int] | None = None


class Framework:
    """The table of a framework.

    `title` is its name in messages, `prefixes` are those of its layers' names, `activations` its words for
    activations and our kinds (None: no activation), `common` the arguments that all of its layers accept by name.
    """

    def __init__(
        self,
        title: str,
        rows: Mapping[str, FrameworkRow],
        *,
        prefixes: Sequence[str] = (),
        activations: Mapping[str, str | None] | None = None,
        common: Sequence[FrameworkArgument] = (),
        common_suffixes: Sequence[str] = (),
        shared: Sequence[str] = (),
    ) -> None:
        self.title, self.rows, self.prefixes = title, rows, tuple(prefixes)
        self.activations = dict(activations or {})
        self.common = {each.name: each for each in common}
        #: Endings of names of arguments that are ignored at every layer: `_initializer`.
        self.common_suffixes = tuple(common_suffixes)
        #: Names that several kinds share, and that only the arguments of a call make one of them.
        self.shared = tuple(shared)

    def __getitem__(self, kind: str) -> FrameworkRow:
        return self.rows[kind]

    def equivalent(self, kind: str) -> Equivalent:
        """Return the row of a kind that the framework has a layer for."""
        row = self.rows[kind]
        assert isinstance(row, Equivalent), f"{self.title} has no single layer for {kind}"
        return row

    # -- by the framework's names --------------------------------------------------------------------------

    @cached_property
    def _kinds(self) -> dict[str, tuple[tuple[str, ...], int | None]]:
        """Name without its prefix → the kinds that it may denote, in the table's order, and the rank it requires."""
        kinds: dict[str, tuple[tuple[str, ...], int | None]] = {}
        for kind, row in self.rows.items():
            for name, rank in ranked((*row.names, *row.functions)):
                known, _ = kinds.get(bare(name), ((), None))
                kinds[bare(name)] = known if kind in known else (*known, kind), rank
        return kinds

    @cached_property
    def _loose(self) -> dict[str, str]:
        """Name in lower case without underscores and rank → its first kind."""
        loose: dict[str, str] = {}
        for kind, row in self.rows.items():
            for name in (*row.names, *row.functions):
                if name not in self.shared:
                    loose.setdefault(loosely(name.format(rank=2)), kind)
        return loose

    def has_prefix(self, name: str) -> bool:
        """Return whether a dotted name has a prefix of this framework: `nn.Conv2d`."""
        return bool(set(self.prefixes) & set(name.split(".")[:-1]))

    def kinds_of(self, name: str) -> tuple[str, ...]:
        """Return the kinds of layer that a name may denote, with or without its prefix; the likeliest first."""
        return self._kinds.get(bare(name), ((), None))[0]

    def rank_of(self, name: str) -> int | None:
        """Return the number of spatial axes that a layer of that name requires: 2 for `Conv2d`."""
        return self._kinds.get(bare(name), ((), None))[1]

    def kind_like(self, name: str) -> str | None:
        """Return the kind for a name in any case, with or without underscores and rank."""
        return self._loose.get(loosely(name))

    def function_kinds(self) -> dict[str, str]:
        """Return the kind of every function's name, by rank if it has one: `conv2d` → `conv`."""
        return {name: kind for kind, row in self.rows.items() for name, _ in ranked(row.functions)}

    # -- calls -----------------------------------------------------------------------------------------------

    def read_call(self, name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> FrameworkCall:
        """Return the meaning of a call of a framework's layer; its values are numbers, words and sequences.

        Raises `ValueError` with the reason if there is no such layer of ours: an unknown name, an argument that the
        layer does not take, a value that an argument cannot have.
        """
        reason = f"{self.title} has no layer `{name}` that is known here"
        for kind in self.kinds_of(name):
            row = self.rows[kind]
            if isinstance(row, NoEquivalent):
                reason = row.reason
            elif isinstance(row, Composed):
                return FrameworkCall(kind, {}, self.rank_of(name), (), None)
            else:
                try:
                    given = self._bind(row, name, positional, named)
                    return self._call(kind, row, self.rank_of(name), given)
                except ValueError as error:
                    reason = str(error)
        raise ValueError(reason)

    def ignores(self, name: str, argument: str) -> bool:
        """Return whether an argument of a layer, by both names, affects neither sizes nor counts."""
        rows = [row for kind in self.kinds_of(name) if isinstance(row := self.rows[kind], Equivalent)]
        own = [each for row in rows for each in row.arguments if each.name == argument]
        known = own or [self.common[argument]] if own or argument in self.common else []
        ending = argument.endswith(self.common_suffixes or ("\0",))
        return all(each.meaning is Meaning.IGNORED for each in known) if known else ending

    def _bind(self, row: Equivalent, name: str, positional: Sequence[Any], named: Mapping[str, Any]) -> dict[str, Any]:
        """Return the values of a call by the names of the arguments."""
        by_position = row.arguments
        if bare(name).startswith("Lazy"):  # PyTorch's lazy layers take the channels that come in from their input
            by_position = tuple([each for each in by_position if each.meaning is not Meaning.INPUT_CHANNELS])
        if len(positional) > len(by_position):
            raise ValueError(f"`{name}` takes {len(by_position)} arguments by position at most")
        given = {each.name: value for each, value in zip(by_position, positional, strict=False)}
        names = {each.name for each in row.arguments}
        for key, value in named.items():
            if key in given:
                raise ValueError(f"`{key}` is given twice")
            if key in names or key in self.common:
                given[key] = value
            elif not key.endswith(self.common_suffixes or ("\0",)):
                raise ValueError(f"`{name}` has no argument `{key}`")
        return given

    def _call(self, kind: str, row: Equivalent, rank: int | None, given: dict[str, Any]) -> FrameworkCall:
        values, behind = row.read(given), list[str]()
        input_shape = None
        for each in (*row.arguments, *self.common.values()):
            value = given.get(each.name, each.default)
            if each.meaning is Meaning.ACTIVATION and value is not None:
                behind += self._activation(value)
            elif each.meaning is Meaning.KEEPS_AXES and not value:
                behind.append("flatten")
            elif each.meaning is Meaning.INPUT_SHAPE and value is not None:
                input_shape = each.read(value)
        if kind == "identity" and behind:  # a layer for any activation
            kind, *behind = behind
        incoming = next((each.name for each in row.arguments if each.meaning is Meaning.INPUT_CHANNELS), "")
        number = given.get(incoming)
        if isinstance(number, (tuple, list)) and len(number) == 1:
            number = number[0]
        expects = (incoming, number) if type(number) is int else None
        return FrameworkCall(kind, values, rank, tuple(behind), input_shape, expects)

    def _activation(self, word: Any) -> list[str]:
        if not isinstance(word, str) or word.lower() not in self.activations:
            raise ValueError(f"{self.title} has no activation {word!r} that is known here")
        kind = self.activations[word.lower()]
        return [] if kind is None else [kind]


def ranked(names: Iterable[str]) -> Iterator[tuple[str, int | None]]:
    """Yield the names as they are spelled, each with the rank that it requires: `Conv{rank}d` yields three."""
    for name in names:
        for rank in (1, 2, 3) if "{rank}" in name else (None,):
            yield name.format(rank=rank), rank


def bare(name: str) -> str:
    """Return the last part of a dotted name."""
    return name.rpartition(".")[2]


def loosely(name: str) -> str:
    """Return a name in lower case without prefix, rank, underscores and hyphens."""
    return re.sub(r"[123]d|[_-]", "", bare(name).lower())
