"""The tensors and operators of a `.tflite` file, taken from its flatbuffer with every count bounded.

The file is mapped into memory, so that only what is read of it is held. Its offsets may lead anywhere: whatever they
lead to, the numbers that are taken are limited, and what cannot be taken is an error.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Sequence
from math import prod
from typing import Any, NamedTuple

from cnncalc.diagnostics import SpecError
from cnncalc.graph import MAX_LAYERS
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.errors import fail, fail_missing_library
from cnncalc.readers.shape_inference import ShapeMismatchError

#: What the schema's code raises where an offset leads out of the file.
BROKEN = (
    ValueError,
    TypeError,
    IndexError,
    AttributeError,
    ArithmeticError,
    struct.error,
    RuntimeError,
    AssertionError,
)

#: What stands behind the first offset of a file.
IDENTIFIER = b"TFL3"

#: The most tensors, and the most numbers and characters that are taken of a file.
MAX_TENSORS = 20_000
MAX_TAKEN = 3_000_000

#: The most axes of a tensor, elements whose values are read, and characters of a name.
MAX_RANK = 16
MAX_VALUES = 64
MAX_NAME = 200

#: The bits of an element by the name of its type; of others the bytes are not known.
BITS = {
    "FLOAT32": 32, "FLOAT16": 16, "BFLOAT16": 16, "INT32": 32, "UINT8": 8, "INT64": 64, "BOOL": 8, "INT16": 16,
    "COMPLEX64": 64, "INT8": 8, "FLOAT64": 64, "COMPLEX128": 128, "UINT64": 64, "UINT32": 32, "UINT16": 16, "INT4": 4,
}  # fmt: skip

#: Formats of `struct` for integers whose values are read.
INTEGERS = {"INT32": "i", "INT64": "q", "INT16": "h", "INT8": "b", "UINT8": "B", "UINT32": "I"}


class TfliteTensor(NamedTuple):
    """A tensor: its sizes, -1 where one is open; the name of its type; the bytes of its data, and its values if few."""

    name: str
    sizes: tuple[int, ...]
    is_open: bool
    type: str
    #: The bytes of its data in the file; 0 if it has none.
    stored_bytes: int
    values: tuple[int, ...] | None
    is_variable: bool

    @property
    def elements(self) -> int:
        return prod(self.sizes)

    @property
    def is_real(self) -> bool:
        """Whether its elements are no integers."""
        return "FLOAT" in self.type

    @property
    def element_bytes(self) -> float:
        """The bytes of an element: a fraction where several share one."""
        return BITS.get(self.type, 32) / 8


class OperatorDef:
    """An operator: its name, the tensors that it reads (-1 for one left out) and writes, and its options."""

    def __init__(
        self, name: str, is_custom: bool, inputs: Sequence[int], outputs: Sequence[int], label: str, options: Any
    ) -> None:
        self.name, self.is_custom, self.label = name, is_custom, label
        self.inputs, self.outputs = tuple(inputs), tuple(outputs)
        self._options = options

    def integer(self, name: str, default: int = 0, low: int = 0) -> int:
        """Return an option by the schema's name; raises `ShapeMismatchError` if it is too small or too large."""
        value = int(self._option(name, default))
        if not low <= value < MAX_INTEGER:
            raise ShapeMismatchError(f"its {name} is {value}")
        return value

    def _option(self, name: str, default: float) -> Any:
        """Return an option, or the default where the operator has none of that name."""
        take = getattr(self._options, name, None)
        try:
            return default if take is None else take()
        except BROKEN:
            raise ShapeMismatchError("its options lead out of the file") from None

    def flag(self, name: str) -> bool:
        return bool(self.integer(name, low=-MAX_INTEGER))

    def real(self, name: str, default: float = 0.0) -> float:
        value = float(self._option(name, default))
        short = float(f"{value:.6g}")
        return int(short) if short.is_integer() and abs(short) < MAX_INTEGER else short


class TfliteModel(NamedTuple):
    """The first subgraph of a file: its tensors, operators, inputs and outputs, and how many others there are."""

    name: str
    tensors: list[TfliteTensor]
    operators: list[OperatorDef]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: int


def open_model(path: str) -> TfliteModel:
    """Return the first subgraph of a file.

    Raises `SpecError` E301 without the package `tflite`, E302 if the file is not one, E303 if it is too large.
    """
    try:
        import tflite
    except ImportError:
        fail_missing_library("tflite", "tflite", "TensorFlow Lite files")
    with open(path, "rb") as file:
        head = file.read(8)
        if head[4:8] != IDENTIFIER:
            fail("E302", f"`{path}` is no TensorFlow Lite file", "its bytes 4 to 8 are not `TFL3`")
        data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            return _FlatbufferReader(tflite, data, path).model()
        except SpecError:
            raise
        except BROKEN:
            fail("E302", f"`{path}` is no valid TensorFlow Lite file", "an offset in it leads nowhere")


class _FlatbufferReader:
    """Takes the parts of a file, and counts what it takes."""

    def __init__(self, tflite: Any, data: mmap.mmap, path: str) -> None:
        self.tflite, self.data, self.path = tflite, data, path
        self.taken = 0
        self.types = {number: name for name, number in vars(tflite.TensorType).items() if isinstance(number, int)}
        self.operators = {
            number: name for name, number in vars(tflite.BuiltinOperator).items() if isinstance(number, int)
        }
        self.options = {number: name for name, number in vars(tflite.BuiltinOptions).items() if isinstance(number, int)}

    def model(self) -> TfliteModel:
        root = self.tflite.Model.GetRootAs(self.data, 0)
        count = self._count(root.SubgraphsLength())
        if not count:
            fail("E302", f"`{self.path}` has no subgraph", "it holds no network")
        graph = root.Subgraphs(0)
        tensors = [
            self._tensor(root, graph.Tensors(at)) for at in range(self._count(graph.TensorsLength(), MAX_TENSORS))
        ]
        codes = [self._code(root.OperatorCodes(at)) for at in range(self._count(root.OperatorCodesLength(), 10_000))]
        count_run = self._count(graph.OperatorsLength(), MAX_LAYERS)
        operators = [self._operator(graph.Operators(at), codes, tensors) for at in range(count_run)]
        if not operators:
            fail("E302", f"`{self.path}` has no operator", "its first subgraph is empty")
        inputs, outputs = self._indices(graph, "Inputs", tensors), self._indices(graph, "Outputs", tensors)
        return TfliteModel(self._text(graph.Name()), tensors, operators, inputs, outputs, count - 1)

    def _count(self, count: int, most: int = MAX_TAKEN) -> int:
        """Return a count if as much may be taken; raises `SpecError` E303 if it is too much."""
        self.taken += count
        # Each of them takes four bytes of the file at least.
        if count > most or self.taken > MAX_TAKEN:
            fail("E303", f"`{self.path}` is too large", f"it has over {min(most, MAX_TAKEN):,} parts of a kind")
        if 4 * count > len(self.data):
            fail("E302", f"`{self.path}` is no valid TensorFlow Lite file", f"it has no room for {count:,} parts")
        return count

    def _text(self, text: bytes | None) -> str:
        data = bytes(text or b"")
        self.taken += len(data) // 16
        return data[:MAX_NAME].decode("utf-8", errors="replace")

    def _code(self, code: Any) -> tuple[str, bool]:
        """Return the name of an operator, and whether it is none of the schema's own."""
        number = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = self.operators.get(number, "")
        if name == "CUSTOM" or not name:
            return self._text(code.CustomCode()) or f"operator {number}", True
        return name, False

    def _operator(self, operator: Any, codes: list[tuple[str, bool]], tensors: list[TfliteTensor]) -> OperatorDef:
        index = operator.OpcodeIndex()
        if index >= len(codes):
            fail("E307", f"an operator of `{self.path}` has no code", f"number {index} of {len(codes)}")
        name, is_custom = codes[index]
        outputs = self._indices(operator, "Outputs", tensors)
        label = tensors[outputs[0]].name.partition(";")[0] if outputs and outputs[0] >= 0 else ""
        table, options = operator.BuiltinOptions(), None
        kind = self.options.get(operator.BuiltinOptionsType(), "NONE")
        if table is not None and kind != "NONE" and hasattr(self.tflite, kind):
            options = getattr(self.tflite, kind)()
            options.Init(table.Bytes, table.Pos)
        return OperatorDef(name, is_custom, self._indices(operator, "Inputs", tensors), outputs, label, options)

    def _numbers(self, owner: Any, name: str) -> tuple[int, ...]:
        """Return the numbers of a list, all at once."""
        if not self._count(getattr(owner, f"{name}Length")()):
            return ()
        return tuple(getattr(owner, f"{name}AsNumpy")().tolist())

    def _indices(self, owner: Any, name: str, tensors: list[TfliteTensor]) -> tuple[int, ...]:
        """Return a list of tensors; -1 is one that is left out."""
        indices = self._numbers(owner, name)
        if any(not -1 <= index < len(tensors) for index in indices):
            wrong = next(index for index in indices if not -1 <= index < len(tensors))
            message = f"`{self.path}` reads or writes a tensor that is not there"
            fail("E307", message, f"number {wrong} of {len(tensors)}")
        return indices

    def _tensor(self, root: Any, tensor: Any) -> TfliteTensor:
        rank = max(tensor.ShapeLength(), tensor.ShapeSignatureLength())
        if rank > MAX_RANK:
            fail("E302", f"a tensor of `{self.path}` has {rank:,} axes", f"{MAX_RANK} at most")
        sizes, signature = self._numbers(tensor, "Shape"), self._numbers(tensor, "ShapeSignature")
        rank = len(sizes)
        is_open = len(signature) == rank and -1 in signature[1:]
        if len(signature) == rank:
            sizes = tuple(-1 if open_size == -1 else size for size, open_size in zip(sizes, signature, strict=True))
        if not all(-1 <= size < MAX_INTEGER for size in sizes):
            fail("E306", f"a tensor of `{self.path}` has a wrong size", "x".join(map(str, sizes)))
        type = self.types.get(tensor.Type(), "")
        size, values = self._data(root, tensor.Buffer(), type, prod(sizes))
        return TfliteTensor(self._text(tensor.Name()), sizes, is_open, type, size, values, bool(tensor.IsVariable()))

    def _data(self, root: Any, index: int, type: str, elements: int) -> tuple[int, tuple[int, ...] | None]:
        """Return the bytes of a tensor's data, and its values if they are a few integers."""
        if not 0 < index < root.BuffersLength():
            return 0, None
        buffer = root.Buffers(index)
        size = buffer.DataLength()
        if not size:
            return (buffer.Size() if hasattr(buffer, "Size") else 0), None
        if size > len(self.data):
            raise ValueError("data beyond the file")
        each = INTEGERS.get(type)
        if each is None or not 0 < elements <= MAX_VALUES or size != elements * struct.calcsize(each):
            return size, None
        self.taken += size
        data = buffer.DataAsNumpy().tobytes()
        return size, struct.unpack(f"<{elements}{each}", data)
