"""Conversion of Keras's layers to ours: each class by its rule, with models nested in one another."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from cnncalc.graph import MAX_LAYERS, UNKNOWN, Graph, StoredWeights
from cnncalc.layers import Layer
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.layers.attention import Attention
from cnncalc.layers.base import Lint
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, make, printable
from cnncalc.readers.keras import stated
from cnncalc.readers.keras.calls import LayerCall, TensorRef, ordered_calls, tensors_in
from cnncalc.readers.keras.config import LayerConfig, Operand, config_of, name_of, stated_name, text_at
from cnncalc.readers.keras.names import current
from cnncalc.readers.keras.rules import LayerPart, Rule, operations, rules, takes_several
from cnncalc.readers.keras.structure import channels_are_first, is_model, is_sequence, layers_of, unwrapped
from cnncalc.readers.keras.timewise import on_all_steps
from cnncalc.readers.tensors import CannotInferError
from cnncalc.shape import UNKNOWN_SIZE, Shape, ShapeError, Size, UndecidedError, UnknownSize

#: Models are nested in one another no deeper than this.
MAX_DEPTH = 20

#: The number of spatial axes in the name of a class: `Conv2D`, `Conv2DTranspose`.
RANK = re.compile(r"([123])D(?:Transpose|Batchnorm)?$")

#: A layer whose code the file does not hold in a form that is read, and that has no weights of its own.
LAMBDA = "Lambda"

#: The nodes that hold the outputs of a call or a model, by their number.
Outputs = Mapping[int, int]


class Place(NamedTuple):
    """Where a layer stands: the path of the models around it, their number, and what is known of its model."""

    path: str = ""
    depth: int = 0
    #: The shapes of tensors that the model's other layers state.
    shapes: Mapping[TensorRef, object] = {}
    #: The outputs that something reads.
    read: frozenset[TensorRef] = frozenset()


class KerasImporter(Importer):
    """Builds the graph of one model."""

    def __init__(self, path: str, options: ReadOptions) -> None:
        super().__init__()
        self.path = path
        #: The shape that the first input is given, until it has it.
        self.input = options.input
        self.channels_first = False
        #: The layers whose weights were counted: each is one value of the file, however often it is called.
        self.counted: set[int] = set()
        #: Whether the model that is being read is kept from training, or one that it is part of.
        self.frozen = False
        #: The number of axes in front that are steps: what is read is applied to each step.
        self.step_axes = 0

    def run(self, model: Any) -> Graph:
        """Return the graph of a model; raises `SpecError` E302 if it is none."""
        model = unwrapped(model, self.path)
        if not is_model(model, outermost=True):
            notes = ("a subclassed model has its layers in its code: the file holds them if `get_config` lists them",)
            fail("E302", f"`{self.path}` is no Keras model that lists its layers", stated.described(model), notes)
        self.channels_first = channels_are_first(model)
        outputs = [node for _, node in sorted(self._import_model(model, None, Place()).items())]
        graph = self.build(outputs[-1] if outputs else UNKNOWN, text_at(config_of(model), "name") or None)
        return graph._replace(outputs=tuple(sorted({*graph.outputs, *(node for node in outputs if node >= 0)})))

    # -- models ------------------------------------------------------------------------------------------

    def _import_model(self, model: Mapping[str, Any], given: list[int] | None, place: Place) -> Outputs:
        """Add a model's layers, with inputs `given` by an outer model; return the nodes of its outputs."""
        outer = self.frozen
        self.frozen = outer or _is_frozen(model)
        outputs = self._import_layers(model, given, place)
        self.frozen = outer
        return outputs

    def _import_layers(self, model: Mapping[str, Any], given: list[int] | None, place: Place) -> Outputs:
        if place.depth > MAX_DEPTH:
            fail("E303", f"`{self.path}` is nested too deeply", f"more than {MAX_DEPTH} models in one another")
        layers = layers_of(model)
        if layers is None:
            fail("E302", f"a model in `{self.path}` has no list of layers")
        if len(layers) > MAX_LAYERS:
            fail("E303", f"`{self.path}` has more than {MAX_LAYERS:,} layers")
        sequence = is_sequence(model)
        _check_names(layers, functional=not sequence)
        if sequence:
            return self._import_sequence(layers, model, given, place)
        if not isinstance(model.get("config"), dict):
            fail("E302", f"a model in `{self.path}` lacks its inputs and outputs")
        return self._import_functional(layers, config_of(model), given, place)

    def _import_sequence(
        self, layers: list[Any], model: Mapping[str, Any], given: list[int] | None, place: Place
    ) -> Outputs:
        current_nodes = list(given or [])
        first = layers[0] if layers else {}
        branches = first.get("class_name") == "Merge"
        if not current_nodes and layers and not branches and not (_is_input(first) or is_model(first)):
            current_nodes = [self._add_input(stated.input_shape(model, first), "input", place.path)]
        holds = given is None or self._as_stated(layers[:1], given)
        for at, layer in enumerate(layers):
            if _is_input(layer):
                current_nodes = current_nodes or [self._import_input(layer, place.path)]
                continue
            ref = TensorRef(name_of(layer), 0, 0)
            follows = stated.first_build_shape(layers[at + 1 :]) if holds and at + 1 < len(layers) else None
            inner = place._replace(shapes={ref: follows}, read=frozenset([ref]))
            call = LayerCall(layer, 0, (), arguments=(Operand(0),))
            outputs = self._import_call(call, current_nodes, inner)
            current_nodes = [node for _, node in sorted(outputs.items())]
        return dict(enumerate(current_nodes))

    def _import_functional(
        self, layers: list[Any], config: Mapping[str, Any], given: list[int] | None, place: Place
    ) -> Outputs:
        heads = tensors_in(config.get("input_layers"))
        inner = dict(zip([(ref.layer, ref.call) for ref in heads], given or [], strict=False))
        named = {name_of(layer): layer for layer in layers}
        holds = given is None or self._as_stated([named.get(ref.layer) for ref in heads], given)
        calls = list(ordered_calls(layers, self.path))
        ends = tensors_in(config.get("output_layers"))
        place = place._replace(
            shapes=stated.tensor_shapes(calls) if holds and self.input is None else {},
            read=frozenset([*ends, *(ref for call in calls for ref in call.inputs)]),
        )
        nodes: dict[TensorRef, int] = {}
        last = UNKNOWN
        for call in calls:
            name = name_of(call.layer)
            if _is_input(call.layer):
                ready = inner.get((name, call.number))
                node = self._import_input(call.layer, place.path) if ready is None else ready
                outputs: Outputs = {0: node}
            else:
                outputs = self._import_call(call, [self._output(nodes, ref) for ref in call.inputs], place)
            for number, node in outputs.items():
                nodes[TensorRef(name, call.number, number)] = last = node
        found = [nodes[ref] for ref in ends if ref in nodes]
        return dict(enumerate(found or [last]))

    def _output(self, nodes: Mapping[TensorRef, int], ref: TensorRef) -> int:
        node = nodes.get(ref)
        if node is None:
            count = sum(each[:2] == ref[:2] for each in nodes)
            fail("E307", f"output {ref.output + 1} of `{ref.layer}` is read", f"it has {count or 'none'}")
        return node

    def _as_stated(self, heads: Sequence[Any], given: Sequence[int]) -> bool:
        """Return whether a nested model is called on tensors of the shapes that its own inputs state."""
        for head, node in zip(heads, given, strict=False):
            own = stated.sample(stated.input_shape({}, head)) if isinstance(head, dict) else None
            dims = LayerConfig("", "", {}, self.channels_first).file_order(self.partial_shape(node))
            if own is None or len(own) != len(dims):
                return False
            if any(size is not None and size != other for size, other in zip(own, dims, strict=True)):
                return False
        return True

    # -- inputs ------------------------------------------------------------------------------------------

    def _import_input(self, layer: Mapping[str, Any], path: str) -> int:
        return self._add_input(stated.input_shape({}, layer), name_of(layer), path)

    def _add_input(self, shape: object, name: str, path: str) -> int:
        dims: tuple[Size, ...]
        if self.input is not None:
            dims, self.input = self.input, None
        else:
            sizes = shape[1:] if isinstance(shape, list) else []
            if len(sizes) > 1 and all(size is None for size in sizes):
                sizes = []
            whole = all(size is None or (type(size) is int and 0 < size < MAX_INTEGER) for size in sizes)
            if not sizes or len(sizes) > stated.MAX_AXES or not whole:
                help = "give it with `--input 224x224x3`"
                message = f"the size of the input `{name}` is not known"
                fail("E308", message, f"its shape is {json.dumps(shape)[:60]}", help=help)
            turned = self.channels_first and len(sizes) > 1
            dims = tuple([UNKNOWN_SIZE if size is None else size for size in sizes])
            dims = (*dims[1:], dims[0]) if turned else dims
        node = self.builder.add(make("input", shape=dims), (), name=self.names(_joined(path, name)))
        if node != UNKNOWN and not Shape.of(dims).is_known:
            sizes = ["224" if isinstance(size, UnknownSize) else size for size in dims]
            self.builder.add_lint(node, open_sizes("x".join(map(str, sizes))))
        return node

    # -- layers ------------------------------------------------------------------------------------------

    def _import_call(self, call: LayerCall, inputs: list[int], place: Place) -> Outputs:
        """Add one call of a layer; return the nodes of its outputs."""
        layer, name = call.layer, name_of(call.layer)
        class_name, values = current(str(layer.get("class_name")), config_of(layer))
        if class_name == "TimeDistributed":
            return self._import_steps(call, inputs, place)
        is_operation = text_at(layer, "module").startswith(("keras.src.ops", "keras.ops"))
        rule = (operations if is_operation else rules).get(class_name)
        if rule is None and is_model(layer):
            inner = Place(_joined(place.path, name) + ".", place.depth + 1)
            return self._import_model(layer, inputs, inner)
        if class_name == "Merge" and not inputs:
            inputs = self._import_branches(layer, place)
        if not inputs:
            fail("E307", f"`{name}` reads nothing", "it is called on no tensor")
        shapes = [self.partial_shape(node) for node in inputs]
        config = LayerConfig(
            name, printable(class_name[:60]), values, self.channels_first, call.arguments, call.keywords, inputs
        )
        output = stated.shape(place.shapes.get(TensorRef(name, call.number, 0)), config)
        if rule is not None:
            _check_inputs(config, shapes, is_operation)
            ranked = _rank(config)
            shapes = [shape.with_rank(ranked) if ranked else shape for shape in shapes]
        parts = self._parts(rule, config, shapes, output)
        full = self.names(_joined(place.path, name))
        read = {ref.output for ref in place.read if ref[:2] == (name, call.number)}
        return self._add_parts(parts, layer, inputs, full, read)

    def _import_steps(self, call: LayerCall, inputs: list[int], place: Place) -> Outputs:
        """Add the layer or model that a `TimeDistributed` applies to each step."""
        layer, name = call.layer, name_of(call.layer)
        inner = config_of(layer).get("layer")
        if not isinstance(inner, dict) or not inputs:
            fail("E307", f"`{name}` reads nothing", "it is called on no tensor, or holds no layer")
        frozen = self.frozen
        self.frozen = frozen or _is_frozen(layer)
        self.step_axes += 1
        if is_model(inner) and rules.get(str(inner.get("class_name"))) is None:
            outputs = self._import_model(inner, inputs, Place(_joined(place.path, name) + ".", place.depth + 1))
        else:
            given = place.shapes.get(TensorRef(name, call.number, 0))
            of_step = [*given[:1], *given[2:]] if isinstance(given, list) else None
            within = place._replace(shapes={TensorRef(name, call.number, 0): of_step}, depth=place.depth + 1)
            if within.depth > MAX_DEPTH:
                fail("E303", f"`{self.path}` is nested too deeply", f"more than {MAX_DEPTH} layers in one another")
            outputs = self._import_call(call._replace(layer=_named(inner, name)), inputs, within)
        self.step_axes -= 1
        self.frozen = frozen
        return outputs

    def partial_shape(self, node: int) -> Shape:
        shape = super().partial_shape(node)
        return shape._replace(spatial=shape.spatial[self.step_axes :]) if shape.has_rank else shape

    def _on_steps(
        self, layer: Layer, inputs: Sequence[int], stored: StoredWeights | None
    ) -> tuple[Layer, StoredWeights | None]:
        """Return the layer on all steps, where the one that is read is applied to each of them."""
        whole = [super(KerasImporter, self).partial_shape(node) for node in inputs]
        if not self.step_axes or not all(shape.has_rank for shape in whole):
            return layer, stored
        steps = whole[0].spatial[: self.step_axes]
        return on_all_steps(layer, [self.partial_shape(node) for node in inputs], steps, stored)

    def _add_parts(
        self, parts: Sequence[LayerPart], layer: Mapping[str, Any], inputs: list[int], full: str, read: set[int]
    ) -> Outputs:
        key = id(layer.get("config"))
        counted = key in self.counted
        self.counted.add(key)
        frozen = self.frozen or _is_frozen(layer)
        outputs: dict[int, int] = {}
        inputs = list(inputs)
        for each in parts:
            if each.output is not None and each.output not in read:
                continue
            suffix = f".{each.suffix}" if each.suffix else ""
            reads = inputs if each.of_input is None else [inputs[each.of_input]]
            if isinstance(each.layer, Attention):
                # Queries, keys and values of one tensor.
                reads = reads[:1]
            made = each.layer if isinstance(each.layer, Layer) else each.layer(self.partial_shape(reads[0]))
            own, stored = _frozen(made, each.stored) if frozen else (made, each.stored)
            own, stored = self._on_steps(own, reads, stored)
            name = full + suffix if each.output is None or not outputs else self.names(full + suffix)
            node = self.add(own, reads, None, name, StoredWeights() if counted else stored)
            if own.kind == LAMBDA and own.known and node != UNKNOWN:
                self.builder.add_lint(node, CODE_NOT_READ)
            if each.output is not None:
                outputs[each.output] = node
            elif each.of_input is not None:
                inputs[each.of_input] = node
            else:
                inputs = [node]
        return {0: inputs[-1], **outputs}

    def _parts(
        self, rule: Rule | None, config: LayerConfig, shapes: list[Shape], output: Shape | None
    ) -> list[LayerPart]:
        """Return the parts of a layer; without a rule, or where it needs more than is known, an unknown operator."""
        if rule is not None:
            try:
                return list(rule(config, shapes))
            except ShapeError as fault:
                if all(shape.is_known for shape in shapes):
                    fail("E306", fault.summary.format(layer=config.name), fault.fact)
            except (UndecidedError, CannotInferError):
                pass
        # A Lambda has no weights: what its code does with its input is a matter of its shape alone.
        known = config.class_name == LAMBDA and output is not None and output.is_known
        return [LayerPart(OpaqueOp(config.class_name, output, known=known))]

    def _import_branches(self, layer: Mapping[str, Any], place: Place) -> list[int]:
        """Add the models that a `Merge` of Keras 1 holds and joins; return their outputs."""
        branches = config_of(layer).get("layers")
        if not isinstance(branches, list) or not all(isinstance(each, dict) for each in branches):
            fail("E302", f"the `Merge` in `{self.path}` has no list of layers")
        nodes = []
        for branch in branches:
            inner = Place(_joined(place.path, name_of(branch)) + ".", place.depth + 1)
            nodes += [node for _, node in sorted(self._import_model(branch, None, inner).items())]
        return nodes


#: The warning of a `Lambda` whose shape the file states.
CODE_NOT_READ = Lint(
    "W304",
    "the code of `{layer}` is not read: its shape is as the file states, and no MACs are counted for it",
    "write what it does in layers to have it counted",
)


def open_sizes(example: str) -> Lint:
    """Return the warning of an input whose sizes the file leaves open."""
    fact = "the file leaves sizes of `{layer}` open: what depends on them is not counted"
    return Lint("W305", fact, f"give them, channels last, with `--input {example}`")


def _joined(path: str, name: str) -> str:
    """Return the name of a row: the file's, with the slashes in it as a path."""
    return path + name.replace("/", ".").strip(".") if "/" in name else path + name


def _is_input(layer: Mapping[str, Any]) -> bool:
    return layer.get("class_name") == "InputLayer"


def _is_frozen(layer: Mapping[str, Any]) -> bool:
    """Return whether a layer's or model's configuration keeps it from training, whatever its parts state."""
    return config_of(layer).get("trainable") is False


def _frozen(layer: Layer, stored: StoredWeights | None) -> tuple[Layer, StoredWeights | None]:
    """Return a layer and its stored weights, kept from training."""
    if "trainable" in layer.arguments:
        layer = layer.replace(trainable=False)
    if stored is not None:
        stored = StoredWeights(0, stored.buffers, stored.params + stored.frozen)
    return layer, stored


def _named(layer: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return a layer under another name: that of its wrapper."""
    return {**layer, "name": name}


def _check_names(layers: list[Any], functional: bool) -> None:
    """Raise `SpecError` E302 if two layers of a model have one name, or a layer that others call has none."""
    seen: set[str] = set()
    for number, layer in enumerate(layers, 1):
        name = stated_name(layer)
        if not name and functional:
            fail("E302", f"layer {number} has no name", f"it is of the class `{str(layer.get('class_name'))[:60]}`")
        if name in seen:
            fail("E302", f"two layers have the name `{name[:80]}`", f"layer {number} is the second of them")
        if name:
            seen.add(name)


def _rank(config: LayerConfig) -> int | None:
    """Return the number of spatial axes in the name of a class; None if it has none."""
    named = RANK.search(config.class_name)
    # A convolutional LSTM has the axis of the steps besides.
    return int(named.group(1)) + config.class_name.startswith("ConvLSTM") if named else None


def _check_inputs(config: LayerConfig, shapes: list[Shape], is_operation: bool) -> None:
    """Raise `SpecError` E306 if a layer does not take this number of tensors, or none of their rank."""
    if len(shapes) > 1 and not is_operation and config.class_name not in takes_several:
        label = f"a `{config.class_name}` takes one tensor"
        fail("E306", f"`{config.name}` is called on {len(shapes)} tensors", label)
    rank = None if is_operation else _rank(config)
    if rank is not None and shapes[0].has_rank and shapes[0].rank != rank:
        axes = "1 spatial axis" if rank == 1 else f"{rank} spatial axes"
        label = f"its input {shapes[0]} has {shapes[0].rank}"
        fail("E306", f"`{config.name}` ({config.class_name}) takes a tensor with {axes}", label)
