"""Conversion of Keras's layers to ours: each class by its rule, with models nested in one another."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.frameworks.keras import KERAS
from cnncalc.graph import MAX_LAYERS, UNKNOWN, Graph, StoredWeights
from cnncalc.layers import Layer
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers import ReadOptions
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import Importer, OperatorRules, make, printable, unknown_op
from cnncalc.readers.keras.calls import CallOutput, LayerCall, ordered_calls, tensors_in
from cnncalc.readers.keras.config import LayerConfig, config_of, name_of, stated_name, text_at
from cnncalc.shape import Shape, ShapeError

MODELS = ("Functional", "Model", "Sequential")

#: Models are nested in one another no deeper than this.
MAX_DEPTH = 20


class LayerPart(NamedTuple):
    """A layer of ours, its weights if they do not follow from its own rule, and the suffix of its name."""

    layer: Layer
    stored: StoredWeights | None = None
    suffix: str = ""


#: The classes with a rule that take several tensors; all others take one.
MERGES = frozenset(("Add", "Multiply", "Subtract", "Average", "Maximum", "Minimum", "Concatenate"))

#: The number of spatial axes in the name of a class: `Conv2D`, `Conv2DTranspose`.
RANK = re.compile(r"([123])D(?:Transpose)?")

#: From a layer's configuration and the shapes that go in to our layers, one behind the other: the last one's output
#: is the Keras layer's.
Rule = Callable[[LayerConfig, list[Shape]], Iterator[LayerPart]]

#: The rules by the name of the class.
rules: OperatorRules[Rule] = OperatorRules()


def class_names(kind: str) -> tuple[str, ...]:
    """Return the names of Keras's classes for a kind of layer, of all ranks."""
    names = (name.removeprefix("layers.") for name in KERAS.equivalent(kind).names if name.startswith("layers."))
    return tuple(
        name.format(rank=rank) for name in names for rank in ((1, 2, 3) if "{rank}" in name else (0,))
    )  # fmt: skip


def part(kind: str, suffix: str = "", **arguments: Any) -> LayerPart:
    """Return a layer of a kind."""
    return LayerPart(make(kind, **arguments), suffix=suffix)


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

    def run(self, model: Any) -> Graph:
        config = model.get("config") if isinstance(model, dict) else None
        if not isinstance(model, dict) or model.get("class_name") not in MODELS or not isinstance(config, dict | list):
            fail("E302", f"`{self.path}` is no Keras model", "expected a `class_name` of Functional or Sequential")
        outputs = self._import_model(model, None, "", 0)
        graph = self.builder.build(outputs[-1] if outputs else UNKNOWN, text_at(config, "name") or None)
        return graph._replace(outputs=tuple(sorted({*graph.outputs, *(node for node in outputs if node >= 0)})))

    def _import_model(self, model: Mapping[str, Any], given: list[int] | None, path: str, depth: int) -> list[int]:
        """Add a model's layers, with inputs `given` by an outer model; return the nodes of its outputs."""
        outer = self.frozen
        self.frozen = outer or _is_frozen(model)
        outputs = self._import_layers(model, given, path, depth)
        self.frozen = outer
        return outputs

    def _import_layers(self, model: Mapping[str, Any], given: list[int] | None, path: str, depth: int) -> list[int]:
        if depth > MAX_DEPTH:
            fail("E303", f"`{self.path}` is nested too deeply", f"more than {MAX_DEPTH} models in one another")
        config = model.get("config")
        layers = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
        if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
            fail("E302", f"a model in `{self.path}` has no list of layers")
        if len(layers) > MAX_LAYERS:
            fail("E303", f"`{self.path}` has more than {MAX_LAYERS:,} layers")
        _check_names(layers, functional=model.get("class_name") != "Sequential")
        if not depth:
            self.channels_first = any(config_of(layer).get("data_format") == "channels_first" for layer in layers)
        if model.get("class_name") == "Sequential":
            return self._import_sequence(layers, config, given, path, depth)
        if not isinstance(config, dict):
            fail("E302", f"a model in `{self.path}` lacks its inputs and outputs")
        return self._import_functional(layers, config, given, path, depth)

    def _import_sequence(
        self, layers: list[Any], config: Any, given: list[int] | None, path: str, depth: int
    ) -> list[int]:
        current = list(given or [])
        if not current and layers and layers[0].get("class_name") not in ("InputLayer", *MODELS):
            first = config_of(layers[0])
            build = config.get("build_input_shape") if isinstance(config, dict) else None
            shape = first.get("batch_input_shape") or first.get("batch_shape") or build
            current = [self._add_input(shape, "input", path)]
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                current = current or [self._import_input(layer, path)]
            else:
                current = self._import_layer(layer, current, path, depth)
        return current

    def _import_functional(
        self, layers: list[Any], config: Mapping[str, Any], given: list[int] | None, path: str, depth: int
    ) -> list[int]:
        inner = dict(zip(tensors_in(config.get("input_layers")), given or [], strict=False))
        nodes: dict[CallOutput, int] = {}
        for call in ordered_calls(layers, self.path):
            inputs = [nodes[source] for source in call.inputs]
            nodes[call.output] = self._import_call(call, inputs, inner.get(call.output), path, depth)
        outputs = [nodes[tensor] for tensor in tensors_in(config.get("output_layers")) if tensor in nodes]
        return outputs or list(nodes.values())[-1:]

    def _import_call(self, call: LayerCall, inputs: list[int], given: int | None, path: str, depth: int) -> int:
        if call.layer.get("class_name") == "InputLayer":
            return self._import_input(call.layer, path) if given is None else given
        return self._import_layer(call.layer, inputs, path, depth, call.arguments)[-1]

    # -- layers ------------------------------------------------------------------------------------------

    def _import_input(self, layer: Mapping[str, Any], path: str) -> int:
        config = config_of(layer)
        return self._add_input(config.get("batch_shape") or config.get("batch_input_shape"), name_of(layer), path)

    def _add_input(self, shape: object, name: str, path: str) -> int:
        if self.input is not None:
            dims, self.input = self.input, None
        else:
            sizes = shape[1:] if isinstance(shape, list) else []
            if not sizes or len(sizes) > 4 or not all(type(size) is int and 0 < size < MAX_INTEGER for size in sizes):
                help = "give it with `--input 224x224x3`"
                message = f"the size of the input `{name}` is not known"
                fail("E308", message, f"its shape is {json.dumps(shape)[:60]}", help=help)
            turned = self.channels_first and len(sizes) > 1
            dims = (*sizes[1:], sizes[0]) if turned else tuple(sizes)
        return self.builder.add(make("input", shape=dims), (), name=self.names(path + name))

    def _import_layer(
        self, layer: Mapping[str, Any], inputs: list[int], path: str, depth: int, arguments: tuple[Any, ...] = ()
    ) -> list[int]:
        """Add one call of a layer; return the nodes of its outputs."""
        name, class_name = name_of(layer), str(layer.get("class_name"))
        if class_name in MODELS:
            return self._import_model(layer, inputs, f"{path}{name}.", depth + 1)
        if not inputs:
            fail("E307", f"`{name}` reads nothing", "it is called on no tensor")
        shapes = [self.shape(node) for node in inputs]
        config = LayerConfig(name, printable(class_name[:60]), config_of(layer), self.channels_first, arguments)
        parts = self._parts(config, [shape for shape in shapes if shape is not None], len(inputs))
        full = self.names(path + name)
        counted = id(layer) in self.counted
        self.counted.add(id(layer))
        frozen = self.frozen or _is_frozen(layer)
        for each in parts:
            if frozen:
                each = _frozen(each)
            stored = StoredWeights() if counted else each.stored
            suffix = f".{each.suffix}" if each.suffix else ""
            inputs = [self.add(each.layer, inputs, None, full + suffix, stored)]
        return inputs

    def _parts(self, config: LayerConfig, shapes: list[Shape], inputs: int) -> list[LayerPart]:
        rule = rules.get(config.class_name)
        if rule is None or len(shapes) < inputs:
            return [LayerPart(unknown_op(config.class_name))]
        _check_inputs(config, shapes)
        try:
            return list(rule(config, shapes))
        except ShapeError as fault:
            fail("E306", fault.summary.format(layer=config.name), fault.fact)


def _is_frozen(layer: Mapping[str, Any]) -> bool:
    """Return whether a layer's or model's configuration keeps it from training, whatever its parts state."""
    return config_of(layer).get("trainable") is False


def _frozen(part: LayerPart) -> LayerPart:
    """Return a part with its weights kept from training."""
    layer, stored = part.layer, part.stored
    if "trainable" in layer.arguments:
        layer = layer.replace(trainable=False)
    if stored is not None:
        stored = StoredWeights(0, stored.buffers, stored.params)
    return part._replace(layer=layer, stored=stored)


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


def _check_inputs(config: LayerConfig, shapes: list[Shape]) -> None:
    """Raise `SpecError` E306 if a layer does not take this number of tensors, or none of their rank."""
    if len(shapes) > 1 and config.class_name not in MERGES:
        label = f"a `{config.class_name}` takes one tensor"
        fail("E306", f"`{config.name}` is called on {len(shapes)} tensors", label)
    named = RANK.search(config.class_name)
    # A convolutional LSTM has the axis of the steps besides.
    rank = int(named.group(1)) + config.class_name.startswith("ConvLSTM") if named else 0
    if named and shapes[0].rank != rank:
        axes = "1 spatial axis" if rank == 1 else f"{rank} spatial axes"
        label = f"its input {shapes[0]} has {shapes[0].rank}"
        fail("E306", f"`{config.name}` ({config.class_name}) takes a tensor with {axes}", label)
