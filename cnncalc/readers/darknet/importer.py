"""Conversion of the sections of a cfg file to nodes, in order; a layer is referred to by its number."""

from __future__ import annotations

from collections.abc import Callable

from cnncalc.diagnostics import Origin, Span
from cnncalc.frameworks.darknet import ACTIVATIONS, LEAKY_SLOPE
from cnncalc.graph import UNKNOWN, Graph, StoredWeights
from cnncalc.layers import Layer
from cnncalc.readers import ReadOptions
from cnncalc.readers.darknet.cfg import CfgSection
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, OperatorRules, elementwise_op, make, printable, unknown_op

#: From a section and the node before it to the node that it ends in.
Rule = Callable[["DarknetImporter", CfgSection, int], int]

#: The rules by the section's name.
rules: OperatorRules[Rule] = OperatorRules()


class DarknetImporter(Importer):
    """Builds the graph of one cfg file."""

    def __init__(self, sections: list[CfgSection], options: ReadOptions) -> None:
        super().__init__()
        self.net, *self.sections = sections
        self.input = options.input
        #: Darknet's layers by number: the node that each ends in.
        self.ends: list[int] = []

    def run(self) -> Graph:
        shape = self.input
        if shape is None:
            shape = tuple(self.net.integer(name, 0) for name in ("height", "width", "channels"))
            if 0 in shape:
                help = "add `height`, `width` and `channels`, or give `--input 416x416x3`"
                message = "`[net]` leaves the size of its input open"
                fail("E306", message, "a size is missing", help=help, span=self.net.span)
        last = self.builder.add(make("input", shape=shape), ())
        for section in self.sections:
            end = self.attempt(lambda each: self._import(each, last), section)  # noqa: B023 - called at once
            last = UNKNOWN if end is None else end
            self.ends.append(last)
        return self.builder.build(last)

    def _import(self, section: CfgSection, last: int) -> int:
        """Add a section after the node `last`; return its last node."""
        rule = rules.get(section.name)
        return rule(self, section, last) if rule else self.add_unknown(section, last)

    def add_layer(self, section: CfgSection, layer: Layer, *inputs: int, stored: StoredWeights | None = None) -> int:
        """Add a layer of ours for a section."""
        return self.add(layer, inputs, Origin(section.span), stored=stored)

    def add_unknown(self, section: CfgSection, *inputs: int) -> int:
        """Add a section whose output shape is not known."""
        return self.add_layer(section, unknown_op(section.name or "unnamed"), *inputs)

    def add_ending(self, section: CfgSection, node: int, normalized: bool, default: str) -> int:
        """Add the batch norm and activation of a section after its layer."""
        if normalized:
            node = self.add_layer(section, make("bn"), node)
        name = printable(section.text("activation", default))
        if name not in ACTIVATIONS:
            return self.add_layer(section, elementwise_op(name, self.shape(node)), node)
        kind = ACTIVATIONS[name]
        if kind is None:
            return node
        return self.add_layer(section, make(kind, slope=LEAKY_SLOPE) if kind == "leakyrelu" else make(kind), node)

    def earlier(self, number: int, span: Span) -> int:
        """Return the node of an earlier layer; a negative number counts back from this one."""
        index = number if number >= 0 else len(self.ends) + number
        if not 0 <= index < len(self.ends):
            message, label = f"there is no layer {number} before this one", f"{len(self.ends)} come before it"
            fail("E307", message, label, help="count from 0, or back from -1", span=span)
        return self.ends[index]
