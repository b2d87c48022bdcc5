"""Conversion of the sections of a cfg file to nodes, in order; a layer is referred to by its number."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from cnncalc.diagnostics import Origin, Span
from cnncalc.frameworks.darknet import ACTIVATIONS, LEAKY_SLOPE, ON_IMAGES, OTHER_ACTIVATIONS
from cnncalc.graph import UNKNOWN, Graph, StoredWeights, weights_of
from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import ReadOptions
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.errors import PassedOver, fail
from cnncalc.readers.importer import Importer, OperatorRules, elementwise_op, make, printable, unknown_op
from cnncalc.shape import Shape, ShapeError

#: From a section and the node before it to the node that it ends in.
Rule = Callable[["DarknetImporter", CfgSection, int], int]

#: The rules by the section's name.
rules: OperatorRules[Rule] = OperatorRules()


class ConvolutionWeights(NamedTuple):
    """What a convolution holds, for another that shares it: its number of weights, and whether it is normalized."""

    weights: int
    normalized: bool


class DarknetImporter(Importer):
    """Builds the graph of one cfg file."""

    def __init__(self, sections: list[CfgSection], options: ReadOptions, passed_over: PassedOver) -> None:
        super().__init__()
        self.net, *self.sections = sections
        self.passed_over = passed_over
        self.input = options.input
        #: Darknet's layers by number: the node that each ends in.
        self.ends: list[int] = []
        #: Number of a convolution → what it holds.
        self.convolutions: dict[int, ConvolutionWeights] = {}
        self.convolution_nodes: dict[int, int] = {}
        stopping = [number for number, each in enumerate(self.sections) if each.integer("stopbackward", 0, low=0) == 1]
        #: The layers before this number are not trained.
        self.first_trained = max(stopping, default=0)

    def run(self) -> Graph:
        last = self.builder.add(make("input", shape=self.input or self._net_shape()), ())
        for section in self.sections:
            end = self.attempt(lambda each: self._import(each, last), section)  # noqa: B023 - called at once
            last = UNKNOWN if end is None else end
            self.ends.append(last)
        return self.build(last)

    def _net_shape(self) -> tuple[int, ...]:
        """Return the shape of the input: `height`, `width` and `channels`, or the length `inputs` of a vector."""
        shape = tuple(self.net.integer(name, 0, low=0) for name in ("height", "width", "channels"))
        if 0 in shape:
            inputs = self.net.integer("inputs", 0, low=0)
            if not inputs:
                help = "add `height`, `width` and `channels`, or give `--input 416x416x3`"
                message = "`[net]` leaves the size of its input open"
                fail("E306", message, "a size is missing", help=help, span=self.net.span)
            shape = (inputs,)
        return shape

    def _import(self, section: CfgSection, last: int) -> int:
        """Add a section after the node `last`; return its last node."""
        rule = rules.get(section.name)
        shape = self.shape(last)
        if section.name in ON_IMAGES and shape is not None and not shape.spatial:
            last = self.add_layer(section, make("reshape", shape=(1, 1, shape.channels)), last)
        return rule(self, section, last) if rule else self.add_unknown(section, last)

    # -- nodes -------------------------------------------------------------------------------------------

    def add_layer(self, section: CfgSection, layer: Layer, *inputs: int, stored: StoredWeights | None = None) -> int:
        """Add a layer of ours for a section; its weights are frozen where a later `stopbackward` ends the training."""
        if len(self.ends) < self.first_trained:
            if stored is not None:
                stored = StoredWeights(0, stored.buffers, stored.params + stored.frozen)
            elif "trainable" in layer.arguments:
                layer = layer.replace(trainable=False)
        return self.add(layer, inputs, Origin(section.span), stored=stored)

    def add_unknown(self, section: CfgSection, *inputs: int) -> int:
        """Add a section whose output shape is not known."""
        return self.add_layer(section, unknown_op(section.name or "unnamed"), *inputs)

    def add_composite(
        self, section: CfgSection, shape: Shape, parts: Sequence[tuple[Layer, Shape]], *inputs: int
    ) -> int:
        """Add a section that applies several layers of ours inside, each to an input of the given shape, as one row.

        Raises `SpecError` where one of them does not fit.
        """
        macs, held = 0, [StoredWeights()]
        for layer, x in parts:
            try:
                resolved = layer.resolve(x)
                macs += resolved.multiply_adds(x, resolved.infer((x,)))
            except ShapeError as fault:
                summary = fault.summary.format(layer=section.name)
                fail(fault.code, summary, fault.fact, fault.notes, fault.help, section.span)
            held.append(weights_of(resolved, x))
        stored = StoredWeights(*map(sum, zip(*held, strict=True)))
        return self.add_layer(section, OpaqueOp(section.name, shape, macs=macs), *inputs, stored=stored)

    def output(self, layer: Layer, x: Shape) -> Shape | None:
        """Return the output of a layer on `x`; None if it does not fit."""
        try:
            return layer.resolve(x).infer((x,))
        except ShapeError:
            return None

    def add_ending(
        self, section: CfgSection, node: int, normalized: bool, default: str, shared: int | None = None
    ) -> int:
        """Add the batch norm and activation of a section after its layer; `shared` is the norm whose weights it has."""
        if normalized:
            node = self.add_layer(section, make("bn"), node)
            if shared is not None:
                self.share(node, shared)
        name = printable(section.text("activation", default))
        if name in OTHER_ACTIVATIONS:
            return self.add_layer(section, elementwise_op(name, self.shape(node)), node)
        if name not in ACTIVATIONS:
            span = section.options["activation"].span
            reason = f"`{name}` is no activation, and Darknet takes `relu`"
            self.passed_over.add(span, reason, "write `activation=relu`")
        kind = ACTIVATIONS.get(name, "relu")
        if kind is None:
            return node
        return self.add_layer(section, make(kind, slope=LEAKY_SLOPE) if kind == "leakyrelu" else make(kind), node)

    def earlier(self, number: int, span: Span) -> int:
        """Return the node of an earlier layer; a negative number counts back from this one."""
        return self.ends[self.earlier_number(number, span)]

    def earlier_number(self, number: int, span: Span) -> int:
        """Return the number of an earlier layer counted from 0; a negative one counts back from this layer."""
        index = number if number >= 0 else len(self.ends) + number
        if not 0 <= index < len(self.ends):
            message, label = f"there is no layer {number} before this one", f"{len(self.ends)} come before it"
            fail("E307", message, label, help="count from 0, or back from -1", span=span)
        return index
