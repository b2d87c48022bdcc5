"""Keras's models: a `.keras` archive, the JSON of `to_json()` (Keras 2 and 3), the config in a `.h5` file.

Only the configuration is read, no weights: what each layer holds follows from it. A layer's activation is a row of
its own behind it, `conv1.relu`. A layer that is called twice holds its weights once. Shapes are channels last; a
model whose layers say `channels_first` is turned.

    https://keras.io/api/layers/
"""

from __future__ import annotations

import heapq
import json
import zipfile
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.diagnostics import Diagnostic, Problems, Source, Span, SpecError
from cnncalc.graph import MAX_LAYERS, UNKNOWN, Graph, GraphBuilder, StoredWeights
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import NO_SHAPE, OpaqueOp
from cnncalc.readers import MAX_TEXT, ReadOptions, UniqueNames, add_layer, missing_library, refuse, text_of
from cnncalc.readers.keras_config import Config
from cnncalc.readers.keras_layers import LAYERS, Made
from cnncalc.shape import Shape, ShapeError

MODELS = ("Functional", "ModelFile", "Sequential")

#: Nested models are no deeper than this.
MAX_DEPTH = 20

#: A layer's output by its name and the number of the call; a model's inputs and outputs go by these.
Tensor = tuple[str, int]


class LayerCall(NamedTuple):
    """One call of a layer: its place in the file, the tensors that go in, and all that it is called with."""

    position: int
    number: int
    config: Mapping[str, Any]
    inputs: tuple[Tensor, ...]
    arguments: tuple[Any, ...] = ()


def read(path: str, options: ReadOptions) -> Graph:
    """The graph of a model; raises `SpecError` with what is wrong in it."""
    model = _json(path)
    problems = Problems()
    reader = KerasImporter(path, problems, options)
    config = model.get("config") if isinstance(model, dict) else None
    if not isinstance(model, dict) or model.get("class_name") not in MODELS or not isinstance(config, dict | list):
        refuse("E302", f"`{path}` is no Keras model", "expected a `class_name` of Functional or Sequential")
    outputs = reader.model(model, None, "", 0)
    last = outputs[-1] if outputs else UNKNOWN
    graph = reader.builder.build(last, _text(config, "name") or None)
    return graph._replace(outputs=tuple(sorted({*graph.outputs, *(node for node in outputs if node >= 0)})))


# -- the file ------------------------------------------------------------------------------------------------


def _json(path: str) -> Any:
    source = _config_text(path)
    try:
        return json.loads(source.text)
    except json.JSONDecodeError as error:
        at = min(error.pos, max(len(source.text) - 1, 0))
        message, label = f"`{path}` is not JSON", error.msg[:1].lower() + error.msg[1:]
        raise SpecError([Diagnostic("E302", message, Span(source, at, at + 1), label)]) from None
    except ValueError as error:  # an integer of thousands of digits
        refuse("E302", f"`{path}` is not JSON that can be read", str(error)[:200])


def _config_text(path: str) -> Source:
    """The text of the configuration, wherever the file keeps it."""
    with open(path, "rb") as file:
        head = file.read(8)
    if head.startswith(b"PK"):
        return Source(f"{path}/config.json", _from_archive(path))
    if head.startswith(b"\x89HDF"):
        return Source(f"{path}/model_config", _from_hdf5(path))
    return text_of(path)


def _from_archive(path: str) -> str:
    try:
        with zipfile.ZipFile(path) as archive, archive.open("config.json") as file:
            # Read up to the limit, whatever the archive says of its size.
            data = file.read(MAX_TEXT + 1)
    except KeyError:
        refuse("E302", f"`{path}` has no config.json in it", "a .keras archive holds one")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError) as error:
        refuse("E302", f"`{path}` is no archive that can be read", str(error)[:200] or "it is damaged")
    except Exception as error:  # zlib and lzma have errors of their own for damaged data
        refuse("E302", f"`{path}` is a damaged archive", str(error)[:200])
    if len(data) > MAX_TEXT:
        refuse("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    return data.decode("utf-8", errors="replace")


def _from_hdf5(path: str) -> str:
    try:
        import h5py
    except ImportError:
        missing_library("h5py", "keras", "HDF5 files")
    try:
        with h5py.File(path, "r") as file:
            found = file.attrs.get("model_config")
    except Exception as error:  # whatever a damaged file makes of the library
        refuse("E302", f"`{path}` is no HDF5 file that can be read", str(error)[:200])
    if found is None:
        refuse("E302", f"`{path}` has weights alone", "it holds no model_config", help="save the whole model")
    text = found.decode("utf-8", errors="replace") if isinstance(found, bytes) else str(found)
    if len(text) > MAX_TEXT:
        refuse("E303", f"the configuration in `{path}` is too large", f"over {MAX_TEXT >> 20} MiB")
    return text


# -- the model -----------------------------------------------------------------------------------------------


class KerasImporter:
    def __init__(self, path: str, problems: Problems, options: ReadOptions) -> None:
        self.path, self.problems = path, problems
        self.builder = GraphBuilder(problems)
        self.names = UniqueNames()
        self.input = options.input
        self.channels_first = False
        #: Layers by their path in the file whose weights were counted.
        self.counted: set[str] = set()

    def model(self, model: Mapping[str, Any], given: list[int] | None, path: str, depth: int) -> list[int]:
        """Add a model's layers, its inputs `given` by an outer one; the nodes of its outputs."""
        if depth > MAX_DEPTH:
            refuse("E303", f"`{self.path}` is nested too deeply", f"more than {MAX_DEPTH} models in one another")
        config = model.get("config")
        layers = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
        if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
            refuse("E302", f"a model in `{self.path}` has no list of layers")
        if len(layers) > MAX_LAYERS:
            refuse("E303", f"`{self.path}` has more than {MAX_LAYERS:,} layers")
        if not depth:
            self.channels_first = any(_config(layer).get("data_format") == "channels_first" for layer in layers)
        if model.get("class_name") == "Sequential":
            return self._sequence(layers, config, given, path, depth)
        if not isinstance(config, dict):
            refuse("E302", f"a model in `{self.path}` does not say its inputs and outputs")
        return self._graph(layers, config, given, path, depth)

    def _sequence(self, layers: list[Any], config: Any, given: list[int] | None, path: str, depth: int) -> list[int]:
        current = list(given or [])
        if not current and layers and layers[0].get("class_name") not in ("InputLayer", *MODELS):
            first = _config(layers[0])
            build = config.get("build_input_shape") if isinstance(config, dict) else None
            current = [self._input(first.get("batch_input_shape") or first.get("batch_shape") or build, "input", path)]
        for layer in layers:
            if layer.get("class_name") == "InputLayer":
                current = current or [self._add_input(layer, path)]
            else:
                current = self._call(layer, current, path, depth)
        return current

    def _graph(
        self, layers: list[Any], config: Mapping[str, Any], given: list[int] | None, path: str, depth: int
    ) -> list[int]:
        """The calls in the order of the file, each once its inputs are there."""
        calls = list(_calls(layers, self.path))
        by_output = {(_name(call.config), call.number): call for call in calls}
        inner = dict(zip(_tensors(config.get("input_layers")), given or [], strict=False))
        readers: dict[Tensor, list[int]] = {}
        waiting: dict[int, int] = {}
        ready: list[int] = []
        for index, call in enumerate(calls):
            sources = {source for source in call.inputs if source in by_output}
            missing = set(call.inputs) - sources
            if missing:
                refuse("E307", f"`{_name(call.config)}` reads `{min(missing)[0]}`", "no layer of this name is called")
            waiting[index] = len(sources)
            for source in sources:
                readers.setdefault(source, []).append(index)
            if not sources:
                heapq.heappush(ready, index)
        nodes: dict[Tensor, int] = {}
        while ready:
            call = calls[index := heapq.heappop(ready)]
            tensor = (_name(call.config), call.number)
            nodes[tensor] = self._run(call, [nodes[source] for source in call.inputs], inner.get(tensor), path, depth)
            del waiting[index]
            for reader in readers.get(tensor, ()):
                waiting[reader] -= 1
                if not waiting[reader]:
                    heapq.heappush(ready, reader)
        if waiting:
            name = _name(calls[min(waiting)].config)
            refuse("E307", f"the layers of `{self.path}` read one another in a circle", f"`{name}` is one of them")
        outputs = [nodes[tensor] for tensor in _tensors(config.get("output_layers")) if tensor in nodes]
        return outputs or list(nodes.values())[-1:]

    def _run(self, call: LayerCall, inputs: list[int], given: int | None, path: str, depth: int) -> int:
        if call.config.get("class_name") == "InputLayer":
            return self._add_input(call.config, path) if given is None else given
        return self._call(call.config, inputs, path, depth, call.arguments)[-1]

    # -- layers ------------------------------------------------------------------------------------------

    def _add_input(self, layer: Mapping[str, Any], path: str) -> int:
        config = _config(layer)
        return self._input(config.get("batch_shape") or config.get("batch_input_shape"), _name(layer), path)

    def _input(self, shape: object, name: str, path: str) -> int:
        if self.input is not None:
            dims, self.input = self.input, None
        else:
            sizes = shape[1:] if isinstance(shape, list) else []
            if not sizes or len(sizes) > 4 or not all(type(size) is int and 0 < size < 10**9 for size in sizes):
                help = "give it with `--input 224x224x3`"
                message = f"the size of the input `{name}` is not known"
                refuse("E308", message, f"its shape is {json.dumps(shape)[:60]}", help=help)
            turned = self.channels_first and len(sizes) > 1
            dims = (*sizes[1:], sizes[0]) if turned else tuple(sizes)
        return self.builder.add(REGISTRY["input"]("input", shape=dims), (), name=self.names(path + name))

    def _call(
        self, layer: Mapping[str, Any], inputs: list[int], path: str, depth: int, arguments: tuple[Any, ...] = ()
    ) -> list[int]:
        """Add one call of a layer; the nodes of its outputs."""
        name, kind = _name(layer), str(layer.get("class_name"))
        if kind in MODELS:
            return self.model(layer, inputs, f"{path}{name}.", depth + 1)
        if not inputs:
            refuse("E307", f"`{name}` reads nothing", "it is called on no tensor")
        shapes = [self._shape(node) for node in inputs]
        config = Config(name, kind[:60], _config(layer), self.channels_first, arguments)
        made = self._made(config, [shape for shape in shapes if shape is not None], len(inputs))
        full = self.names(path + name)
        seen = path + name in self.counted
        self.counted.add(path + name)
        for each in made:
            stored = StoredWeights() if seen else each.stored
            suffix = f".{each.suffix}" if each.suffix else ""
            node = add_layer(self.builder, each.layer, inputs, None, full + suffix, stored)
            inputs = [node]
        return inputs

    def _made(self, config: Config, shapes: list[Shape], inputs: int) -> list[Made]:
        make = LAYERS.get(config.kind)
        if make is None or len(shapes) < inputs:
            return [Made(OpaqueOp(config.kind, None, known=False))]
        try:
            return list(make(config, shapes))
        except ShapeError as fault:
            refuse("E306", fault.summary.format(layer=config.name), fault.fact)

    def _shape(self, node: int) -> Shape | None:
        shape = self.builder.nodes[node].shape if node != UNKNOWN else NO_SHAPE
        return None if shape == NO_SHAPE else shape


# -- the configuration ---------------------------------------------------------------------------------------


def _calls(layers: list[Any], path: str) -> Iterator[LayerCall]:
    """Every call of every layer, with the tensors that it reads."""
    total = 0
    for position, layer in enumerate(layers):
        nodes = layer.get("inbound_nodes")
        if not isinstance(nodes, list):
            nodes = []
        if not nodes:
            yield LayerCall(position, 0, layer, ())
        for number, node in enumerate(nodes):
            total += 1
            if total > MAX_LAYERS:
                refuse("E303", f"`{path}` has more than {MAX_LAYERS:,} layers")
            arguments = node.get("args") if isinstance(node, dict) else None
            arguments = tuple(arguments) if isinstance(arguments, list) else ()
            yield LayerCall(position, number, layer, tuple(_sources(node)), arguments)


def _sources(node: object) -> Iterator[Tensor]:
    """The tensors of a call: `[["conv1", 0, 0, {}]]` in Keras 2, tensors with a `keras_history` in Keras 3."""
    stack = [node]
    while stack:
        each = stack.pop()
        if isinstance(each, dict):
            history = each.get("config", {}).get("keras_history") if isinstance(each.get("config"), dict) else None
            if each.get("class_name") == "__keras_tensor__" and history is not None:
                stack.append(history)
            else:
                stack += [each[key] for key in ("kwargs", "args") if key in each]
                stack += [value for key, value in reversed(each.items()) if key not in ("args", "kwargs", "config")]
        elif isinstance(each, list):
            if len(each) >= 3 and isinstance(each[0], str) and type(each[1]) is int and type(each[2]) is int:
                yield each[0], each[1]
            else:
                stack += reversed(each)


def _tensors(found: object) -> list[Tensor]:
    """A model's inputs or outputs: one `["predictions", 0, 0]`, or a list of such."""
    return list(_sources(found))


def _config(layer: Mapping[str, Any]) -> Mapping[str, Any]:
    config = layer.get("config")
    return config if isinstance(config, dict) else {}


def _name(layer: Mapping[str, Any]) -> str:
    return _text(layer, "name") or _text(_config(layer), "name") or str(layer.get("class_name", "layer")).lower()[:60]


def _text(found: object, key: str) -> str:
    value = found.get(key) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
