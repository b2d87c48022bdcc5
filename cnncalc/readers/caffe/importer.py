"""Conversion of the layers of a prototxt to nodes, in file order; a blob is what the last layer of that top wrote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Union

from cnncalc.diagnostics import Origin, Span
from cnncalc.frameworks.caffe import WITHOUT_OUTPUT
from cnncalc.graph import UNKNOWN, Graph, StoredWeights
from cnncalc.layers import Layer
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.layers.patterns import Rearrangement
from cnncalc.readers import ReadOptions
from cnncalc.readers.caffe.arguments import CaffeArguments, CaffeLayer, whole
from cnncalc.readers.caffe.blobs import BatchAxis, LearnableBlob, SharedBlobs, blobs_of, dims_of, shape_of, specs_of
from cnncalc.readers.caffe.net import NetState
from cnncalc.readers.caffe.prototxt import PrototxtMessage, PrototxtScalar
from cnncalc.readers.caffe.sources import source_dims
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, OperatorRules, make, unknown_op

#: The node that holds a blob; None for a label, which is no part of the network.
Blob = Union[int, None]

#: From a layer to the node of its output, or to one for each.
Rule = Callable[["CaffeImporter", CaffeLayer], Union[int, Sequence[Blob]]]

#: The rules by type, in lower case and without underscores.
rules: OperatorRules[Rule] = OperatorRules()


def plain_type(name: str) -> str:
    """Return a layer's type in a form common to both dialects: `InnerProduct` and `INNER_PRODUCT` are equal."""
    return name.lower().replace("_", "")


IGNORED_TYPES = tuple(map(plain_type, WITHOUT_OUTPUT))

#: Names of a blob's axes, in the file's order.
AXES = "nchwdefgijk"

#: Types with a rule that read nothing, and yet are no source of data.
WITHOUT_BOTTOMS = ("parameter",)


def _only_measures(kind: str) -> bool:
    """Return whether a type only measures or hides an output, whatever fork it is of."""
    return kind in IGNORED_TYPES or (kind.endswith(("loss", "lossohem", "accuracy")) and rules.get(kind) is None)


class CaffeImporter(Importer):
    """Builds the graph of one net."""

    def __init__(self, net: PrototxtMessage, layers: list[PrototxtMessage], options: ReadOptions) -> None:
        super().__init__([layer.text("name") for layer in layers])
        state = NetState.of(net)
        self.net = net
        self.layers = [layer for layer in layers if state.includes(layer)]
        self.left_out = [layer for layer in layers if not state.includes(layer)]
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        #: Blob → the node that holds it, None for a label.
        self.blobs: dict[str, Blob] = {}
        self.learnable = SharedBlobs()
        #: Node → its batch.
        self._batches: dict[int, BatchAxis] = {}

    def run(self) -> Graph:
        last = UNKNOWN
        for name, dims, span in self._net_inputs():
            last = self.blobs[name] = self._add_input(self.names(name), dims, span)
        for message in self.layers:
            tops = [top.text for top in message.scalars("top")]
            written, end = self.attempt(self._import, message) or (dict.fromkeys(tops, UNKNOWN), UNKNOWN)
            self.blobs.update(written)
            last = last if end is None else end
        return self.build(last, self.net.text("name") or None)

    # -- nodes -------------------------------------------------------------------------------------------

    def add_layer(
        self,
        layer: CaffeLayer,
        kind: Layer,
        *inputs: int,
        blobs: Sequence[LearnableBlob] | None = None,
        part: str = "",
    ) -> int:
        """Add a layer of ours for a layer of the file, or for a part of it.

        Its learnable blobs are those of its rule if none are given; what the file states of them (constant, shared)
        holds.
        """
        x = self.shape(inputs[0]) if inputs else None
        stored = None
        if blobs or (blobs is None and x is not None):
            held = list(blobs_of(kind, x)) if blobs is None and x is not None else blobs or ()
            kind, stored = self.learnable.held(specs_of(layer.message), kind, x, held)
        name = self.names(f"{layer.name}.{part}") if part else layer.name
        node = self.add(kind, inputs, Origin(layer.span), name, stored)
        if stored == StoredWeights():
            self.builder.share(node, self.learnable.first(specs_of(layer.message), node))
        elif node != UNKNOWN:
            self.learnable.first(specs_of(layer.message), node)
        if inputs:
            self._batches[node] = self.batch(inputs[0])
        return node

    def add_unknown(self, layer: CaffeLayer, *inputs: int) -> int:
        """Add a layer of unknown figures."""
        return self.add_layer(layer, unknown_op(layer.type or "unnamed"), *(inputs or layer.inputs), blobs=())

    def add_of_dims(
        self, layer: CaffeLayer, dims: Sequence[int], *, macs: int = 0, blobs: Sequence[LearnableBlob] = ()
    ) -> int:
        """Add an operator of the file by its type, whose output has the given sizes of a sample: C, H, W.

        Raises `SpecError` E306 if nothing is left.
        """
        if not all(size > 0 for size in dims):
            message = f"the output of `{layer.name}` would be empty"
            fail("E306", message, " x ".join(map(str, dims)), span=layer.span)
        return self.add_layer(layer, OpaqueOp(layer.type, shape_of(dims), macs=macs), *layer.inputs, blobs=blobs)

    def add_reshaped(self, layer: CaffeLayer, full: Sequence[int]) -> int:
        """Add the elements of the input in another shape, that of the batch included."""
        source = layer.inputs[0]
        batch = self.batch(source).after(self.batch(source).insert(self.dims(source) or ()), full)
        x, shape = self.shape(source), shape_of(batch.remove(full))
        # Elements that go over to the batch, such as one of each box, are samples of their own.
        same = x is not None and x.elements == shape.elements
        kind = make("reshape", shape=shape.dims) if same else OpaqueOp(layer.type, shape, memory="alias")
        node = self.add_layer(layer, kind, source)
        self._batches[node] = batch
        return node

    def add_permuted(self, layer: CaffeLayer, order: Sequence[int]) -> int:
        """Add the axes of the input in another order, that of the batch among them."""
        source = layer.inputs[0]
        batch, dims = self.batch(source), self.dims(source)
        full = batch.insert(dims or ())
        if dims is None or sorted(order) != list(range(len(full))):
            return self.add_unknown(layer)
        moved = batch if batch.axis is None else batch._replace(axis=list(order).index(batch.axis))
        names = [f"{AXES[axis % len(AXES)]}{axis // len(AXES) or ''}" for axis in range(len(full))]
        before, after = ([(names[axis],) for axis in axes if axis != batch.axis] for axes in (range(len(full)), order))
        # The first axis of a sample is that of the channels, which are last here.
        pattern = Rearrangement((*before[1:], before[0]), (*after[1:], after[0]))
        node = self.add_layer(layer, make("rearrange", pattern=pattern), source)
        self._batches[node] = moved
        return node

    def batch(self, node: int) -> BatchAxis:
        """Return a blob's batch: of one sample, and the first axis, where the file does not say otherwise."""
        return self._batches.get(node, BatchAxis())

    def axis(self, layer: CaffeLayer, arguments: CaffeArguments, older: str = "", default: int = 1) -> int:
        """Return the axis that a layer works along: 0 is the batch, 1 the first size of a sample.

        Raises `SpecError` E306 if there is no such axis.
        """
        source = layer.inputs[0]
        batch = self.batch(source)
        axis = layer.axis(arguments, len(batch.insert(self.dims(source) or ())), older, default)
        if axis == batch.axis:
            return 0
        return axis + 1 if batch.axis is None or axis < batch.axis else axis

    def dims(self, node: int) -> list[int] | None:
        """Return the sizes of a sample of a blob in the file's order, C, H, W; None if they are unknown."""
        shape = self.shape(node)
        return None if shape is None else dims_of(shape)

    # -- inputs ------------------------------------------------------------------------------------------

    def _net_inputs(self) -> Iterator[tuple[str, list[int] | None, Span]]:
        """Yield the inputs outside of layers: `input: "data"`, with four `input_dim` or an `input_shape` for each."""
        dims = self.net.scalars("input_dim")
        for number, name in enumerate(self.net.scalars("input")):
            shapes = self.net.messages("input_shape")
            four = dims[4 * number : 4 * number + 4]
            own = shapes[number].scalars("dim") if number < len(shapes) else four if len(four) == 4 else []
            yield name.text, [whole(dim, "a dimension") for dim in own], name.span

    def _add_input(self, name: str, dims: list[int] | None, span: Span) -> int:
        """Add an input of the net, given as N, C, H, W; raises `SpecError` E308 if its size is open."""
        shape, batch = (shape_of(dims[1:]).dims, dims[0]) if dims else ((), 1)
        if self.input is not None:
            shape, batch, self.input = self.input, 1, None
        if not 1 <= len(shape) <= 4 or not all(shape):
            help = "add `--input 224x224x3`, or an `input_param { shape { … } }`"
            message = f"the net leaves the size of its input `{name}` open"
            fail("E308", message, "a batch, channels and sizes are missing", help=help, span=span)
        node = self.builder.add(make("input", shape=shape), (), Origin(span), name)
        self._batches[node] = BatchAxis(max(batch, 1))
        return node

    def _add_source(self, layer: CaffeLayer, kind: str) -> tuple[dict[str, Blob], Blob]:
        """Add the inputs that a source of data gives; return the nodes of its blobs, None for a label, and the last."""
        written: dict[str, Blob] = {}
        last: Blob = None
        for top, dims in zip(layer.message.scalars("top"), source_dims(layer, kind), strict=True):
            if dims is False:
                written[top.text] = None
                continue
            # The row is called as the layer; further ones as their blobs.
            name = layer.name if last is None else self.names(top.text)
            last = written[top.text] = self._add_input(name, dims if isinstance(dims, list) else None, layer.span)
        return written, last

    def _find_blob(self, bottom: PrototxtScalar) -> Blob:
        """Return the node of a blob, None for a label.

        A blob that nothing writes in this phase is that of a source left out, which training alone has; or it is the
        input, where one is given and the file has none. Raises `SpecError` E307 if there is no such blob.
        """
        if bottom.text not in self.blobs:
            for message in self.left_out:
                if not message.scalars("bottom") and bottom.text in [top.text for top in message.scalars("top")]:
                    self.left_out = [each for each in self.left_out if each is not message]
                    written, _ = self._import(message)
                    self.blobs.update({top: node for top, node in written.items() if top not in self.blobs})
                    break
            else:
                if self.input is None or not self._is_never_written(bottom.text):
                    elsewhere = any(top.text == bottom.text for each in self.left_out for top in each.scalars("top"))
                    help = (
                        "its rules leave out a layer that does: of the phase TRAIN, or of a stage"
                        if elsewhere
                        else None
                    )
                    unknown = f"no layer before this one writes `{bottom.text}`"
                    fail("E307", unknown, "not known", help=help, span=bottom.span)
                self.blobs[bottom.text] = self._add_input(self.names(bottom.text), None, bottom.span)
        return self.blobs[bottom.text]

    def _is_never_written(self, blob: str) -> bool:
        return not any(top.text == blob for layer in self.layers for top in layer.scalars("top"))

    # -- layers ------------------------------------------------------------------------------------------

    def _import(self, message: PrototxtMessage) -> tuple[dict[str, Blob], Blob]:
        """Add a layer; return the nodes of the blobs that it writes, and its own node, None if it has none."""
        kind, tops = plain_type(message.text("type")), [top.text for top in message.scalars("top")]
        bottoms = message.scalars("bottom")
        inputs = [node for bottom in bottoms if (node := self._find_blob(bottom)) is not None]
        if _only_measures(kind) or (bottoms and not inputs):
            # What is made of labels alone is one.
            return dict.fromkeys(tops), None
        layer = CaffeLayer(message, self.names(message.text("name") or kind or "layer"), inputs)
        rule = rules.get(kind)
        if not inputs and (rule is None or kind not in WITHOUT_BOTTOMS):
            if not tops:
                fail("E307", f"`{layer.name}` reads nothing", "it has no bottom", span=layer.span)
            return self._add_source(layer, kind)
        output = rule(self, layer) if rule else self.add_unknown(layer)
        ends = [output] if isinstance(output, int) else output
        last = next((end for end in reversed(ends) if end is not None), None)
        return {top: ends[min(number, len(ends) - 1)] for number, top in enumerate(tops)}, last
