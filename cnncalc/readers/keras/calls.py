"""The calls of the layers in a functional model: the order in which they run, and the arguments of each."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.graph import MAX_LAYERS
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.config import Operand, name_of

#: In place of a layer's name in a call of Keras 2: the value that follows is no tensor.
CONSTANT = "_CONSTANT_VALUE"

#: Arguments of a call that hold tensors which change neither shapes nor counts.
MASKS = ("mask", "attention_mask", "query_mask", "value_mask", "key_mask", "padding_mask")


class TensorRef(NamedTuple):
    """A tensor by the layer whose output it is, the number of the layer's call, and that of the output."""

    layer: str
    call: int
    output: int


class LayerCall(NamedTuple):
    """One call of a layer: its number, the tensors it reads with the shapes that the file states, and its arguments.

    Among the arguments a tensor is an `Operand`, its place among the inputs.
    """

    layer: Mapping[str, Any]
    number: int
    inputs: tuple[TensorRef, ...]
    stated: tuple[object, ...] = ()
    arguments: tuple[Any, ...] = ()
    keywords: Mapping[str, Any] = {}


def ordered_calls(layers: list[Any], path: str) -> Iterator[LayerCall]:
    """Yield the calls in file order, each after those it reads; raises `SpecError` E307 if that is impossible."""
    calls = list(_calls(layers, path))
    by_name = {(name_of(call.layer), call.number): call for call in calls}
    readers: dict[tuple[str, int], list[int]] = {}
    waiting: dict[int, int] = {}
    ready: list[int] = []
    for index, call in enumerate(calls):
        sources = {(ref.layer, ref.call) for ref in call.inputs}
        missing = sources - by_name.keys()
        if missing:
            fail("E307", f"`{name_of(call.layer)}` reads `{min(missing)[0]}`", "no layer of this name is called")
        waiting[index] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(index)
        if not sources:
            heapq.heappush(ready, index)
    while ready:
        call = calls[index := heapq.heappop(ready)]
        yield call
        del waiting[index]
        for reader in readers.get((name_of(call.layer), call.number), ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if waiting:
        name = name_of(calls[min(waiting)].layer)
        fail("E307", f"the layers of `{path}` read one another in a circle", f"`{name}` is one of them")


def _calls(layers: list[Any], path: str) -> Iterator[LayerCall]:
    """Yield every call of every layer, in the order of the file."""
    total = 0
    for layer in layers:
        nodes = layer.get("inbound_nodes")
        if not isinstance(nodes, list) or not nodes:
            yield LayerCall(layer, 0, ())
            continue
        for number, node in enumerate(nodes):
            total += 1
            if total > MAX_LAYERS:
                fail("E303", f"`{path}` has more than {MAX_LAYERS:,} layers")
            yield _call(layer, number, node)


def _call(layer: Mapping[str, Any], number: int, node: object) -> LayerCall:
    """Return a call as Keras 3 or Keras 2 writes it.

    Keras 3 has an object of `args` and `kwargs`, Keras 2 a list of `["conv1", 0, 0, {keywords}]`, the tensors of the
    first argument; an operation on one tensor has that alone.
    """
    operands = _Operands()
    if isinstance(node, dict):
        given = node.get("args")
        arguments = tuple(map(operands.read, given)) if isinstance(given, list) else ()
        keywords = node.get("kwargs")
    else:
        entries = node if isinstance(node, list) else []
        entries = [entries] if _names_tensor(entries) or entries[:1] == [CONSTANT] else entries
        first = [operands.read(each) for each in entries]
        arguments = (first[0] if len(first) == 1 else first,) if first else ()
        found = [each[3] for each in entries if isinstance(each, list) and len(each) > 3 and isinstance(each[3], dict)]
        keywords = {key: value for each in reversed(found) for key, value in each.items()}
    keywords = keywords if isinstance(keywords, dict) else {}
    read = {key: operands.read(value) for key, value in keywords.items() if key not in MASKS}
    return LayerCall(layer, number, tuple(operands.refs), tuple(operands.stated), arguments, read)


class _Operands:
    """The tensors of a call in the order of its arguments."""

    def __init__(self) -> None:
        self.refs: list[TensorRef] = []
        self.stated: list[object] = []

    def read(self, value: Any) -> Any:
        """Return an argument with an `Operand` in place of each tensor."""
        if isinstance(value, dict):
            config = value.get("config")
            if value.get("class_name") == "__keras_tensor__" and isinstance(config, dict):
                history: Any = config.get("keras_history")
                return self._operand(history, config.get("shape")) if _names_tensor(history) else value
            return {key: self.read(each) for key, each in value.items()}
        if isinstance(value, list):
            if value[:1] == [CONSTANT]:
                return value[2] if len(value) > 2 else None
            return self._operand(value, None) if _names_tensor(value) else [self.read(each) for each in value]
        return value

    def _operand(self, history: list[Any], stated: object) -> Operand:
        self.refs.append(TensorRef(history[0], history[1], history[2]))
        self.stated.append(stated)
        return Operand(len(self.refs) - 1)


def _names_tensor(value: object) -> bool:
    """Return whether a list names a tensor: `["conv1", 0, 0]`, with keywords behind in Keras 2."""
    if not isinstance(value, list) or len(value) < 3 or not isinstance(value[0], str) or value[0] == CONSTANT:
        return False
    return type(value[1]) is int and type(value[2]) is int and (len(value) == 3 or isinstance(value[3], dict))


def tensors_in(value: object) -> list[TensorRef]:
    """Return the tensors of a model's `input_layers` or `output_layers`, in order, however they are nested."""
    operands = _Operands()
    operands.read(value)
    return operands.refs
