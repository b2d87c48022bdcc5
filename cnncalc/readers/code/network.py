"""The graph of pasted code: each layer that is applied becomes the layers of the language that are equivalent to it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, NoReturn

from cnncalc.diagnostics import Diagnostic, Origin, Problems, Source, Span, SpecError, exceed
from cnncalc.frameworks.table import Framework, FrameworkCall, bare
from cnncalc.graph import MAX_LAYERS, UNKNOWN
from cnncalc.language.arguments import read_layer
from cnncalc.language.inputs import completed
from cnncalc.language.nodes import LayerNode
from cnncalc.language.parse import parse_items
from cnncalc.layers import Layer
from cnncalc.readers import ReadOptions
from cnncalc.readers.code.values import Chain, ConstructedLayer, Unread
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, make
from cnncalc.shape import Shape, ShapeError

#: The letters of sizes that code leaves open, by the number of spatial axes.
LETTERS: tuple[tuple[str, ...], ...] = ((), ("L",), ("H", "W"), ("D", "H", "W"))

#: Layers whose size on each axis is stated channels first.
CHANNELS_FIRST = "channels_first"


class CodeImporter(Importer):
    """Builds the graph of one pasted network, whose layers are those of one framework."""

    def __init__(self, source: Source, framework: Framework, options: ReadOptions) -> None:
        super().__init__()
        self.source, self.framework, self.given = source, framework, options.input
        self.letters = options.letters
        self._inputs: dict[ConstructedLayer, int] = {}
        #: The layers that have run: what runs again has its weights already.
        self._applied: dict[ConstructedLayer, int] = {}
        self._readings: dict[ConstructedLayer, FrameworkCall] = {}

    def refuse(self, span: Span, message: str, label: str, help: str | None = None) -> NoReturn:
        """Raise `SpecError` E312 at a part of the code."""
        raise SpecError([Diagnostic("E312", message, span, label, help=help)])

    # -- inputs --------------------------------------------------------------------------------------------------

    def is_input(self, call: ConstructedLayer) -> bool:
        """Return whether a layer is the network's input."""
        return "input" in self.framework.kinds_of(call.name)

    def input_of(self, call: ConstructedLayer) -> int:
        """Return the node of an input's constructor, the same each time."""
        if call not in self._inputs:
            stated = call.positional[0] if call.positional else call.named.get("shape", call.named.get("input_shape"))
            self._inputs[call] = self.add_input(self._shape(stated, call.span), call.span, _name(call))
        return self._inputs[call]

    def add_input(self, shape: tuple[Any, ...], span: Span, name: str | None = None) -> int:
        """Add an input; the first has the shape that the command line gives, if it gives one."""
        if self.given is not None:
            shape, self.given = completed(self.given, shape), None
        return self.add(make("input", shape=shape), (), Origin(span), name and self.names(name))

    def _shape(self, stated: Any, span: Span) -> tuple[int, ...]:
        if isinstance(stated, int):
            stated = (stated,)
        sizes = stated if isinstance(stated, (list, tuple)) else ()
        if sizes and all(type(size) is int and size > 0 for size in sizes):
            return tuple(sizes)
        if self.given is not None:
            return self.given
        shown = "a size is left open" if sizes else "no shape"
        self.refuse(span, "the input's shape is not in the text", shown, "give it: `--input 224x224x3`")

    def run(self, network: ConstructedLayer | Chain) -> int:
        """Add a network from its input on, and return its last node."""
        leaves = list(islice(_leaves(network), MAX_LAYERS + 1))
        if len(leaves) > MAX_LAYERS:
            exceed("this network is too large", label=f"a network has at most {MAX_LAYERS:,} layers")
        first = leaves[0] if leaves else None
        if first is None:
            self.refuse(Span(self.source, 0, 1), "there is no layer in this network", "nothing is added to it")
        if self.is_input(first):
            return self._chain(network, [self.input_of(first)], skipped=first)
        return self._chain(network, [self.add_input(self._first_shape(leaves), first.span)])

    def _first_shape(self, leaves: Sequence[ConstructedLayer]) -> tuple[Any, ...]:
        """Return the shape that the first layer states, or that the command line gives."""
        first = self._read(leaves[0])
        if first.input_shape is not None:
            return first.input_shape
        calls = [*map(self._read, leaves)]
        rank = next((call.rank for call in calls if call.rank is not None), 0)
        channels: str | int = next((call.expects[1] for call in calls if call.expects), "C")
        shape = (*LETTERS[rank], channels)
        if self.letters or self.given is not None:
            return shape
        example = "x".join("3" if size == "C" else "32" if isinstance(size, str) else str(size) for size in shape)
        fail(
            "E308",
            "the size of the network's input is not in the code",
            f"its input is {'x'.join(map(str, shape))}",
            help=f"give it: `--input {example}`",
            span=leaves[0].span,
        )

    # -- layers --------------------------------------------------------------------------------------------------

    def apply(self, network: ConstructedLayer | Chain, inputs: Sequence[int]) -> int:
        """Add a layer or chain after the nodes `inputs`; return its last node."""
        return self._chain(network, inputs)

    def _chain(
        self,
        network: ConstructedLayer | Chain,
        inputs: Sequence[int],
        path: str = "",
        skipped: ConstructedLayer | None = None,
    ) -> int:
        if isinstance(network, ConstructedLayer):
            return inputs[0] if network is skipped else self._layer(network, inputs, path)
        for label, part in network.parts:
            inputs = [self._chain(part, inputs, f"{path}.{label}" if path else label, skipped)]
        return inputs[0]

    def merge(self, kind: str, inputs: Sequence[int], span: Span) -> int:
        """Add a merge of tensors."""
        return self.add(make(kind), inputs, Origin(span))

    def flatten(self, node: int, size: int, span: Span) -> int:
        """Add the flatten that `x.view(-1, size)` is; raises `SpecError` E213 where it has another size."""
        if node == UNKNOWN:
            return UNKNOWN
        elements = self.builder.nodes[node].shape.elements
        if size not in (-1, elements):
            fact = f"its input has {elements} elements a sample"
            fault = ShapeError(
                "E213", f"`{{layer}}` makes a vector of {size}", fact, help=f"write {elements} for {size}"
            )
            return self._refuse(fault, make("flatten"), [node], Origin(span))
        return self.add(make("flatten"), [node], Origin(span))

    def _layer(self, call: ConstructedLayer, inputs: Sequence[int], path: str) -> int:
        if UNKNOWN in inputs:
            return UNKNOWN
        read = self._read(call)
        origin = Origin(call.span)
        name = _name(call) or (path if any(not part.isdigit() for part in path.split(".")) else "")
        x = self.builder.nodes[inputs[0]].shape
        layer = self._made(call, read, x)
        fault = self._mismatch(call, read, x)
        if fault is not None:
            return self._refuse(fault, layer, inputs, origin)
        node = self.add(layer, inputs, origin, self.names(name) if name else None)
        if (first := self._applied.setdefault(call, node)) != node:
            self.share(node, first)
        for kind in read.behind:
            node = self.add(make(kind), [node], origin, self.names(f"{name}.{kind}") if name else None)
        return node

    def _refuse(self, fault: ShapeError, layer: Layer, inputs: Sequence[int], origin: Origin) -> int:
        self.builder.report(fault, self.builder.number(layer.kind), layer, tuple(inputs), origin)
        return UNKNOWN

    def _read(self, call: ConstructedLayer) -> FrameworkCall:
        """Return the meaning of a call; raises `SpecError` E312 if it is no layer of ours, or not known to be."""
        if call not in self._readings:
            self._readings[call] = self._read_anew(call)
        return self._readings[call]

    def _read_anew(self, call: ConstructedLayer) -> FrameworkCall:
        try:
            if bare(call.name) in WRAPPERS:
                return self._wrapped(call)
            for value in (*call.positional, *call.named.values()):
                if isinstance(value, Unread) and not self._changes_nothing(call, value):
                    raise SpecError([value.error])
            named = {key: value for key, value in call.named.items() if not isinstance(value, Unread)}
            if str(named.get("data_format", "")).lower() == CHANNELS_FIRST:
                raise ValueError("`data_format` is channels_first, and the other layers here are channels last")
            return self.framework.read_call(call.name, [*map(_plain, call.positional)], _plain_named(named))
        except ValueError as error:
            if isinstance(error, SpecError):
                raise
            self.refuse(call.span, f"`{call.name}` cannot be read", str(error))

    def _changes_nothing(self, call: ConstructedLayer, value: Unread) -> bool:
        """Return whether an argument of unknown value is one that changes neither sizes nor counts."""
        return all(self.framework.ignores(call.name, key) for key, each in call.named.items() if each is value)

    def _wrapped(self, call: ConstructedLayer) -> FrameworkCall:
        inner = call.positional[0] if call.positional else call.named.get("layer")
        if not isinstance(inner, ConstructedLayer):
            raise ValueError("the layer inside it is not constructed here")
        read = self._read(inner)
        if bare(call.name) == "Bidirectional" and "biases" in read.values:
            return read._replace(values={**read.values, "bidirectional": True})
        raise ValueError(f"`{inner.name}` inside it is not read")

    def _made(self, call: ConstructedLayer, read: FrameworkCall, x: Shape) -> Layer:
        """Return the layer of a call; its arguments are checked as those of a spec are."""
        values = dict(read.values)
        if read.kind == "fc" and self.framework.title == "Keras" and x.spatial:
            values["each"] = True
        if read.kind == "concat":
            self._require_channels(call, x)
        problems = Problems()
        try:
            text = str(make(read.kind, **values))
            (item,) = parse_items(Source("<code>", text), problems)
            problems.raise_if_any()
            if isinstance(item.atom, LayerNode):
                return read_layer(item.atom, {})
            return make(read.kind, **values)
        except SpecError as error:
            first = error.diagnostics[0]
            self.refuse(call.span, f"`{call.name}` cannot be read", f"{first.message}: {first.label}")

    def _require_channels(self, call: ConstructedLayer, x: Shape) -> None:
        """Require that a concatenation is along the channels."""
        first = self.framework.title != "Keras"
        axis = call.named.get("axis", call.named.get("dim", call.positional[0] if call.positional else None))
        if axis is None:
            axis = 0 if first else -1
        if axis not in ((1, -x.rank - 1) if first else (-1, x.rank + 1)):
            self.refuse(call.span, f"a concatenation along axis {axis} is not read", "not that of the channels")

    def _mismatch(self, call: ConstructedLayer, read: FrameworkCall, x: Shape) -> ShapeError | None:
        """Return the error if a layer states other channels than come in."""
        if read.kind == "fc" and x.spatial and self.framework.title != "Keras":
            fact = f"its input {x} has {x.rank + 1} axes"
            flatten = "put `nn.Flatten()` in front of it"
            return ShapeError("E213", f"`{{layer}}` (`{call.name}`) works on vectors", fact, help=flatten)
        if read.expects is None or read.expects[1] == x.channels:
            return None
        argument, expected = read.expects
        unit = "features" if "features" in argument and not x.spatial else "channels"
        fact = f"`{argument}` is {expected}, and {x.channels} {unit} come in"
        help = f"write `{argument}={x.channels}`"
        return ShapeError("E213", f"`{{layer}}` (`{call.name}`) expects {expected} {unit}", fact, help=help)


#: Layers around a layer.
WRAPPERS = ("Bidirectional", "TimeDistributed")


def _leaves(network: Any) -> Iterator[ConstructedLayer]:
    """Yield the layers of a network in order."""
    stack = [network]
    while stack:
        each = stack.pop()
        if isinstance(each, Chain):
            stack += [part for _, part in reversed(each.parts)]
        elif isinstance(each, ConstructedLayer):
            yield each


def _name(call: ConstructedLayer) -> str:
    name = call.named.get("name")
    return name if isinstance(name, str) else ""


def _plain(value: Any) -> Any:
    """Return a value as the tables have it: words in small letters, a layer as an activation by its name."""
    if isinstance(value, str):
        return value.lower()
    if isinstance(value, ConstructedLayer):
        return bare(value.name).lower()
    return value


def _plain_named(named: dict[str, Any]) -> dict[str, Any]:
    return {key: _plain(value) for key, value in named.items()}
