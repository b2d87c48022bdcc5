"""Conversion of the layers of a prototxt to nodes, in file order; a blob is what the last layer of that top wrote."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from cnncalc.diagnostics import Origin, Span
from cnncalc.frameworks.caffe import CAFFE, PARAMETERS, SOURCES, WITHOUT_OUTPUT
from cnncalc.graph import UNKNOWN, Graph, StoredWeights
from cnncalc.layers import Layer
from cnncalc.readers import ReadOptions
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.caffe.prototxt import PrototxtMessage, PrototxtScalar
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, OperatorRules, make, printable, unknown_op
from cnncalc.readers.text_file import parse_integer


class CaffeArguments(FileArguments):
    """The arguments of a layer: the fields of a message such as `convolution_param`."""

    def __init__(self, message: PrototxtMessage, layer: str, span: Span) -> None:
        self.message, self.layer, self.span = message, layer, span

    def states(self, name: str) -> bool:
        return self.message.scalar(name) is not None

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        scalar = self.message.scalar(name)
        if scalar is not None:
            return whole(scalar, f"`{name}`", low)
        return self._missing(name) if default is None else default

    def integers(self, name: str, rank: int = 0, default: Any = None, low: int = 1) -> tuple[int, ...]:
        """Return numbers for all axes, or `kernel_h` and `kernel_w`."""
        stem = name.removesuffix("_size")
        if self.message.scalar(f"{stem}_h") or self.message.scalar(f"{stem}_w"):
            return tuple(self.integer(f"{stem}_{axis}", 1 if default is None else default, low) for axis in "hw")
        values = tuple(whole(value, f"`{name}`", low) for value in self.message.scalars(name))
        return values or (self.integer(name, default, low),)

    def real(self, name: str, default: float) -> float:
        text = self.message.text(name)
        return float(text) if re.fullmatch(r"0?\.\d*[1-9]\d*", text) else default

    def flag(self, name: str, default: bool = True) -> bool:
        text = self.message.text(name).lower()
        return default if not text else text in ("true", "t", "1")

    def _missing(self, name: str) -> int:
        fail("E306", f"`{self.layer}` has no {name}", f"`{name}: …` is missing", span=self.span)


class CaffeLayer(NamedTuple):
    """One layer of the file: its message, its name, and the nodes that it reads."""

    message: PrototxtMessage
    name: str
    inputs: list[int]

    @property
    def type(self) -> str:
        """The type as written in the file, made printable."""
        return printable(self.message.text("type"))

    @property
    def outputs(self) -> int:
        """The number of blobs that the layer writes."""
        return len(self.message.scalars("top"))

    @property
    def span(self) -> Span:
        position = self.message.scalar("name") or self.message.scalar("type")
        return position.span if position else self.message.span

    def parameters(self, *names: str) -> CaffeArguments:
        """Return the arguments in the first of these messages that the layer has."""
        messages = (message for name in names for message in self.message.messages(name))
        return CaffeArguments(next(messages, PrototxtMessage({}, self.span)), self.name, self.span)

    @property
    def rates_of_zero(self) -> list[bool]:
        """Whether the learning rate of the weights is 0 in the file, then whether that of the bias is."""
        newer = [message.scalar("lr_mult") for message in self.message.messages("param")]
        stated = newer or self.message.scalars("blobs_lr")
        return [bool(each and ZERO.fullmatch(each.text)) for each in stated]

    def make(self, kind: str, **arguments: Any) -> Layer:
        """Return the layer of a kind with the arguments that the file states, and the given ones."""
        stated = self.parameters(PARAMETERS.get(kind, "")).read(CAFFE, kind)
        return make(kind, **stated, **arguments)


#: A rate of 0 as files write it: `0`, `0.0`, `0e-5`.
ZERO = re.compile(r"-?(0+\.?0*|\.0+)([eE][+-]?\d+)?f?")

#: From a layer to the node of its output, or to one for each.
Rule = Callable[["CaffeImporter", CaffeLayer], "int | list[int]"]

#: The rules by type, in lower case and without underscores.
rules: OperatorRules[Rule] = OperatorRules()

Blob = int | None


def plain_type(name: str) -> str:
    """Return a layer's type in a form common to both dialects: `InnerProduct` and `INNER_PRODUCT` are equal."""
    return name.lower().replace("_", "")


SOURCE_TYPES, IGNORED_TYPES = (tuple(map(plain_type, names)) for names in (SOURCES, WITHOUT_OUTPUT))


class CaffeImporter(Importer):
    """Builds the graph of one net."""

    def __init__(self, net: PrototxtMessage, layers: list[PrototxtMessage], options: ReadOptions) -> None:
        super().__init__([layer.text("name") for layer in layers])
        self.net, self.layers = net, layers
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        #: Blob → the node that holds it, None for a label.
        self.blobs: dict[str, Blob] = {}

    def run(self) -> Graph:
        last = UNKNOWN
        for name, dims, span in self._net_inputs():
            last = self.blobs[name] = self._add_input(name, dims, span)
        for message in filter(_in_test, self.layers):
            tops = [top.text for top in message.scalars("top")]
            written, end = self.attempt(self._import, message) or (dict.fromkeys(tops, UNKNOWN), UNKNOWN)
            self.blobs.update(written)
            last = last if end is None else end
        return self.builder.build(last, self.net.text("name") or None)

    def add_layer(self, layer: CaffeLayer, kind: Layer, *inputs: int, stored: StoredWeights | None = None) -> int:
        """Add a layer of ours for a layer of the file; a rate of 0 keeps its weights, or its bias, from training."""
        constant = layer.rates_of_zero
        x = self.shape(inputs[0]) if any(constant) else None
        if x is not None and "trainable" in kind.arguments and stored is None:
            resolved = kind.resolve(x)
            weights, biases = resolved.weights(x), resolved.bias_weights(x)
            held = [count for count in (weights, biases) if count]
            frozen = [count for count, kept in zip(held, constant, strict=False) if kept]
            if len(frozen) == len(held) > 0:
                kind = kind.replace(trainable=False)
            elif frozen:
                stored = StoredWeights(weights + biases - sum(frozen), resolved.buffers(x), sum(frozen))
        return self.add(kind, inputs, Origin(layer.span), layer.name, stored)

    # -- inputs ------------------------------------------------------------------------------------------

    def _net_inputs(self) -> Iterator[tuple[str, list[int], Span]]:
        """Add the inputs outside of layers: `input: "data"`, with four `input_dim` or an `input_shape` for each."""
        dims = self.net.scalars("input_dim")
        for number, name in enumerate(self.net.scalars("input")):
            shapes = self.net.messages("input_shape")
            own = shapes[number].scalars("dim") if number < len(shapes) else dims[4 * number : 4 * number + 4]
            yield name.text, [whole(dim, "a dimension") for dim in own], name.span

    def _add_input(self, name: str, dims: list[int], span: Span) -> int:
        """Add an input of the net, given as N, C, H, W."""
        shape = (*dims[2:], dims[1]) if len(dims) > 1 else ()
        if self.input is not None:
            shape, self.input = self.input, None
        if not 1 <= len(shape) <= 4:
            help = "add `--input 224x224x3`, or an `input_param { shape { … } }`"
            message = f"the net leaves the size of its input `{name}` open"
            fail("E308", message, "a batch, channels and sizes are missing", help=help, span=span)
        return self.builder.add(make("input", shape=shape), (), Origin(span), self.names(name))

    def _add_source(self, layer: CaffeLayer) -> int:
        """Add a source of data, whose size is given by its parameters or by its crop."""
        shape = layer.parameters("input_param", "dummy_data_param").message.message("shape").scalars("dim")
        dims = [whole(dim, "a dimension") for dim in shape]
        memory = layer.parameters("memory_data_param")
        if memory.message.fields:
            dims = [memory.integer(name, 1, low=0) for name in ("batch_size", "channels", "height", "width")]
        transform = layer.parameters("transform_param", "data_param", "image_data_param")
        if not dims and (crop := transform.integer("crop_size", 0, low=0)):
            dims = [1, 1 if transform.message.text("force_gray") == "true" else 3, crop, crop]
        return self._add_input(layer.name, dims, layer.span)

    # -- layers ------------------------------------------------------------------------------------------

    def _import(self, message: PrototxtMessage) -> tuple[dict[str, Blob], Blob]:
        """Add a layer; return the nodes of the blobs that it writes, and its own node, None if it has none."""
        kind, tops = plain_type(message.text("type")), [top.text for top in message.scalars("top")]
        inputs = [node for bottom in message.scalars("bottom") if (node := self._read_blob(bottom)) is not None]
        layer = CaffeLayer(message, self.names(message.text("name") or kind or "layer"), inputs)
        if kind in IGNORED_TYPES:
            return {}, None
        if kind in SOURCE_TYPES and not inputs:
            if not tops:
                return {}, None
            source = self._add_source(layer)
            return {tops[0]: source, **dict.fromkeys(tops[1:])}, source
        if not inputs:
            fail("E307", f"`{layer.name}` reads nothing", "it has no bottom", span=layer.span)
        rule = rules.get(kind)
        output = rule(self, layer) if rule else self.add_layer(layer, unknown_op(layer.type or "unnamed"), *inputs)
        ends = output if isinstance(output, list) else [output]
        return {top: ends[min(number, len(ends) - 1)] for number, top in enumerate(tops)}, ends[-1]

    def _read_blob(self, bottom: PrototxtScalar) -> Blob:
        if bottom.text not in self.blobs:
            fail("E307", f"no layer before this one writes `{bottom.text}`", "not known", span=bottom.span)
        return self.blobs[bottom.text]


def whole(value: PrototxtScalar, subject: str, low: int = 0) -> int:
    """Return the integer value of a field; raises `SpecError` E306 if it is not an integer."""
    return parse_integer(value.text, value.span, subject, low)


def _in_test(message: PrototxtMessage) -> bool:
    """Return whether the layer is part of the net for testing, by its phase rules."""
    included = [rule.text("phase").upper() for rule in message.messages("include")]
    excluded = [rule.text("phase").upper() for rule in message.messages("exclude")]
    return (not any(included) or "TEST" in included) and "TEST" not in excluded
