"""The calls of the layers in a functional model: the order in which they run, and the tensors that each reads."""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from cnncalc.graph import MAX_LAYERS
from cnncalc.readers.errors import fail
from cnncalc.readers.keras.config import name_of

#: A layer's output by its name and the number of the call; a model's inputs and outputs are such.
CallOutput = tuple[str, int]


class LayerCall(NamedTuple):
    """One call of a layer: its number, the input tensors, and the arguments of the call."""

    layer: Mapping[str, Any]
    number: int
    inputs: tuple[CallOutput, ...]
    arguments: tuple[Any, ...] = ()

    @property
    def output(self) -> CallOutput:
        return name_of(self.layer), self.number


def ordered_calls(layers: list[Any], path: str) -> Iterator[LayerCall]:
    """Yield the calls in file order, each after those it reads; raises `SpecError` E307 if that is impossible."""
    calls = list(_calls(layers, path))
    by_output = {call.output: call for call in calls}
    readers: dict[CallOutput, list[int]] = {}
    waiting: dict[int, int] = {}
    ready: list[int] = []
    for index, call in enumerate(calls):
        sources = {source for source in call.inputs if source in by_output}
        missing = set(call.inputs) - sources
        if missing:
            fail("E307", f"`{call.output[0]}` reads `{min(missing)[0]}`", "no layer of this name is called")
        waiting[index] = len(sources)
        for source in sources:
            readers.setdefault(source, []).append(index)
        if not sources:
            heapq.heappush(ready, index)
    while ready:
        call = calls[index := heapq.heappop(ready)]
        yield call
        del waiting[index]
        for reader in readers.get(call.output, ()):
            waiting[reader] -= 1
            if not waiting[reader]:
                heapq.heappush(ready, reader)
    if waiting:
        name = calls[min(waiting)].output[0]
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
            arguments = node.get("args") if isinstance(node, dict) else None
            arguments = tuple(arguments) if isinstance(arguments, list) else ()
            yield LayerCall(layer, number, tuple(tensors_in(node)), arguments)


def tensors_in(node: object) -> Iterator[CallOutput]:
    """Yield the tensors of a call or a model: `["conv1", 0, 0, {}]` in Keras 2, with a `keras_history` in Keras 3."""
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
