"""An ONNX file as plain values: the few fields of its messages that sizes and figures depend on.

The format is read here directly, by the field numbers of onnx.proto (github.com/onnx/onnx, onnx/onnx.proto), without
the `onnx` package, whose import takes longer than the rest of a run. Graphs within nodes (the branches of an `If`) are
read three levels deep.
External data files are never opened, since only the dimensions of a tensor matter.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cached_property
from struct import error as StructError  # noqa: N812 - an exception, by the library's own name
from struct import unpack_from
from typing import Any, NamedTuple

from cnncalc.graph import MAX_LAYERS
from cnncalc.readers.errors import fail
from cnncalc.readers.onnx.wire import (
    Message,
    ReadingLimit,
    Schema,
    TooMuchError,
    WireError,
    WireField,
    floats,
    integers,
    read_file,
)

#: The most fields of a file that are read: those of the largest networks many times over.
MAX_FIELDS = 500_000

#: The most elements that are read of a tensor of whole numbers (shapes, indices), and of any other (bounds, scales).
MAX_INTEGERS, MAX_REALS = 1024, 16

#: The most axes of a tensor.
MAX_RANK = 16

TENSOR: Schema = {
    1: WireField("dims", "int", many=True),
    2: WireField("data_type", "int"),
    4: WireField("float_data", "float", many=True),
    5: WireField("int32_data", "int", many=True),
    7: WireField("int64_data", "int", many=True),
    8: WireField("name", "text"),
    9: WireField("raw_data", "bytes"),
    10: WireField("double_data", "float", many=True),
    11: WireField("uint64_data", "int", many=True),
    14: WireField("data_location", "int"),
}
SPARSE: Schema = {1: WireField("values", TENSOR), 3: WireField("dims", "int", many=True)}
DIMENSION: Schema = {1: WireField("value", "int"), 2: WireField("param", "text")}
SHAPE: Schema = {1: WireField("dim", DIMENSION, many=True)}
TYPE: Schema = {1: WireField("tensor", {1: WireField("elem_type", "int"), 2: WireField("shape", SHAPE)})}
VALUE: Schema = {1: WireField("name", "text"), 2: WireField("type", TYPE)}


def _graph_schema(levels: int) -> Schema:
    """Return the schema of a graph whose nodes have graphs within them so many levels deep."""
    attribute: Schema = {
        1: WireField("name", "text"),
        2: WireField("f", "float"),
        3: WireField("i", "int"),
        4: WireField("s", "bytes"),
        5: WireField("t", TENSOR),
        7: WireField("floats", "float", many=True),
        8: WireField("ints", "int", many=True),
        21: WireField("ref", "text"),
        **({6: WireField("g", _graph_schema(levels - 1))} if levels else {}),
    }
    node: Schema = {
        1: WireField("input", "text", many=True),
        2: WireField("output", "text", many=True),
        3: WireField("name", "text"),
        4: WireField("op_type", "text"),
        5: WireField("attribute", attribute, many=True),
        7: WireField("domain", "text"),
        9: WireField("metadata", {1: WireField("key", "text"), 2: WireField("value", "text")}, many=True),
    }
    return {
        1: WireField("node", node, many=True, most=MAX_LAYERS),
        2: WireField("name", "text"),
        5: WireField("initializer", TENSOR, many=True),
        11: WireField("input", VALUE, many=True),
        12: WireField("output", VALUE, many=True),
        13: WireField("value_info", VALUE, many=True),
        15: WireField("sparse_initializer", SPARSE, many=True),
    }


GRAPH = _graph_schema(3)
OPSET: Schema = {1: WireField("domain", "text"), 2: WireField("version", "int")}
MODEL: Schema = {
    1: WireField("ir_version", "int"),
    7: WireField("graph", GRAPH),
    8: WireField("opset_import", OPSET, many=True),
}

#: The length to which names of nodes and operators are cut; those of tensors are not, since they are references.
MAX_NAME = 400

#: The key under which PyTorch's exporter writes the modules around a node.
SCOPES = "pkg.torch.onnx.name_scopes"

#: The element types that weights have: floats of any width, and the small integers of quantized ones.
REAL_TYPES = frozenset({1, 10, 11, 16, 17, 18, 19, 20, 23})
WEIGHT_TYPES = REAL_TYPES | {2, 3, 4, 5, 21, 22}

#: Element type → how `struct` reads its raw bytes.
CODES = {1: "f", 2: "B", 3: "b", 4: "H", 5: "h", 6: "i", 7: "q", 9: "?", 10: "e", 11: "d", 12: "I", 13: "Q"}

#: Symbols that stand for any number at each place; as names they would all be the same size.
OPEN_SYMBOLS = ("?", "None", "unknown", "-1")

Number = Any


class TensorDef:
    """A tensor that the file holds: its dimensions, its element type, and its values if they are few and present."""

    def __init__(self, message: Message) -> None:
        self._message = message
        self.name: str = message.get("name", "")
        self.type: int = message.get("data_type", 0)
        dims = integers(message.get("dims", []), 64)
        if dims is None or any(size < 0 for size in dims):
            fail("E302", f"the tensor `{self.name[:80]}` has no valid shape", f"its dimensions are {str(dims)[:80]}")
        self.dims: tuple[int, ...] = tuple(dims)

    @cached_property
    def elements(self) -> int:
        count = 1
        for size in self.dims:
            count *= size
        return count

    @cached_property
    def values(self) -> tuple[Number, ...] | None:
        """The elements in order; None if they are many, in another file, or fewer than the shape requires."""
        limit = MAX_REALS if self.type in REAL_TYPES else MAX_INTEGERS
        if self.elements > limit or self._message.get("data_location"):
            return None
        try:
            values = self._read(limit)
        except StructError:
            return None
        return tuple(values) if values is not None and len(values) == self.elements else None

    def _read(self, limit: int) -> Sequence[Number] | None:
        raw, code = self._message.get("raw_data"), CODES.get(self.type)
        if raw is not None:
            return unpack_from(f"<{self.elements}{code}", raw) if code else None
        for field in ("int64_data", "int32_data", "uint64_data"):
            if field in self._message and code and code not in "efd":
                return integers(self._message[field], limit)
        if "float_data" in self._message:
            return floats(self._message["float_data"], limit)
        if "double_data" in self._message:
            return floats(self._message["double_data"], limit, "d")
        return () if self.elements == 0 else None


class NodeDef(NamedTuple):
    """A node: an operator, the names of its input and output tensors, and its attributes."""

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: dict[str, Message]
    domain: str = ""
    #: The module that PyTorch's exporter writes into the metadata, where it does.
    module: str = ""

    @property
    def qualified_operator(self) -> str:
        """The operator's name with its domain: `com.microsoft.FusedConv`; ONNX's own domain is left out."""
        return f"{self.domain}.{self.operator}" if self.domain else self.operator

    def integer(self, name: str, default: int) -> int:
        value: int = self.attributes.get(name, {}).get("i", default)
        return value

    def real(self, name: str, default: float) -> float:
        value: float = self.attributes.get(name, {}).get("f", default)
        return value

    def text(self, name: str, default: str) -> str:
        value = self.attributes.get(name, {}).get("s")
        return default if value is None else str(value[:80], "utf-8", "replace")

    def integers(self, name: str) -> tuple[int, ...] | None:
        """Return a list of integers; None if the node has no such attribute."""
        attribute = self.attributes.get(name)
        if attribute is None or "ints" not in attribute:
            # An empty list leaves no trace in the file but the attribute's name.
            return None if attribute is None else ()
        values = integers(attribute["ints"], MAX_INTEGERS)
        return None if values is None else tuple(values)

    def reals(self, name: str) -> tuple[float, ...] | None:
        values = floats(self.attributes.get(name, {}).get("floats", []), MAX_REALS)
        return tuple(values) if values else None

    def branch(self, name: str) -> BranchDef | None:
        """Return a graph within the node; None if the node has no such attribute."""
        graph = self.attributes.get(name, {}).get("g")
        if graph is None:
            return None
        outputs = tuple(each.get("name", "") for each in graph.get("output", ()))
        initializers = {each.name: each for each in map(TensorDef, graph.get("initializer", ()))}
        return BranchDef(tuple(map(_node, graph.get("node", ()))), outputs, initializers)

    @property
    def inner_inputs(self) -> Iterator[str]:
        """The names that the graphs within the node read, those of tensors within them included."""
        for attribute in self.attributes.values():
            branch = self.branch(attribute.get("name", "")) if "g" in attribute else None
            for each in branch.nodes if branch else ():
                yield from (*each.inputs, *each.inner_inputs)
            yield from branch.outputs if branch else ()

    def tensor(self, name: str) -> TensorDef | None:
        message = self.attributes.get(name, {}).get("t")
        return TensorDef(message) if message is not None else None


#: A dimension: its size, its symbol, or None where the file leaves it open.
Dimension = int | str | None


class ValueDef(NamedTuple):
    """A tensor's name and its stated dimensions; None if it is not a tensor or its rank is open."""

    name: str
    dims: tuple[Dimension, ...] | None


class BranchDef(NamedTuple):
    """A graph within a node, which reads the tensors around it by their names."""

    nodes: tuple[NodeDef, ...]
    outputs: tuple[str, ...]
    initializers: dict[str, TensorDef]


class ModelDef(NamedTuple):
    nodes: tuple[NodeDef, ...]
    inputs: tuple[ValueDef, ...]
    outputs: tuple[ValueDef, ...]
    stated: dict[str, tuple[Dimension, ...]]
    initializers: dict[str, TensorDef]
    opset: int


def open_model(path: str) -> ModelDef:
    """Return the model in a file; raises `SpecError` E302 if it is not one, E303 if it is too large."""
    try:
        with open(path, "rb") as file:
            if not file.read(1):
                fail("E302", f"`{path}` is no ONNX model", "it is empty")
            return _model(read_file(file, MODEL, ReadingLimit(MAX_FIELDS)), path)
    except WireError as error:
        help = "is the file whole? a download that broke off, or a Git LFS pointer in its place, looks like this"
        fail("E302", f"`{path}` is no ONNX model", str(error), help=help)
    except TooMuchError as error:
        fail("E303", f"`{path}` is too large", f"it has {error}")


def _model(message: Message, path: str) -> ModelDef:
    graph = message.get("graph")
    if not graph or not graph.get("node"):
        help = "is the file whole? a Git LFS pointer in its place looks like this"
        fail("E302", f"`{path}` is no ONNX model", "it has no graph with nodes in it", help=help)
    initializers = {each.name: each for each in map(TensorDef, graph.get("initializer", []))}
    for sparse in graph.get("sparse_initializer", []):
        tensor = TensorDef({**sparse.get("values", {}), "dims": sparse.get("dims", []), "data_location": 1})
        initializers[tensor.name] = tensor
    values = {each.name: each for each in map(_value, graph.get("value_info", []))}
    outputs = tuple(map(_value, graph.get("output", [])))
    stated = {each.name: each.dims for each in (*values.values(), *outputs) if each.dims is not None}
    opsets = {each.get("domain", ""): each.get("version", 0) for each in message.get("opset_import", [])}
    return ModelDef(
        tuple(map(_node, graph["node"])),
        tuple(value for value in map(_value, graph.get("input", [])) if value.name not in initializers),
        outputs,
        stated,
        initializers,
        opsets.get("", opsets.get("ai.onnx", 1)),
    )


def _node(message: Message) -> NodeDef:
    domain = message.get("domain", "")
    return NodeDef(
        message.get("op_type", "")[:MAX_NAME],
        message.get("name", "")[:MAX_NAME],
        tuple(message.get("input", ())),
        tuple(message.get("output", ())),
        {each.get("name", ""): each for each in message.get("attribute", ())},
        "" if domain == "ai.onnx" else domain,
        _module_in_metadata(message.get("metadata", ())),
    )


def _module_in_metadata(metadata: Sequence[Message]) -> str:
    """Return the second last of the scopes `['', 'layer1', 'layer1.conv1', 'conv2d']`; the last is the node itself."""
    for entry in metadata:
        if entry.get("key") == SCOPES:
            scopes = re.findall(r"'([^']*)'", entry.get("value", "")[:4000])
            return str(scopes[-2])[:MAX_NAME] if len(scopes) > 1 else ""
    return ""


def _value(message: Message) -> ValueDef:
    shape = message.get("type", {}).get("tensor", {}).get("shape")
    name = message.get("name", "")
    if shape is None:
        return ValueDef(name, None)
    return ValueDef(name, tuple(map(_dimension, shape.get("dim", []))))


def _dimension(message: Message) -> Dimension:
    symbol = str(message.get("param", ""))
    if symbol and symbol not in OPEN_SYMBOLS:
        return symbol
    value: int = message.get("value", -1)
    return value if value >= 0 else None
