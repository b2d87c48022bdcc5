"""ONNX files by hand: the messages of the wire format, without any library."""


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found, value = found + bytes([value & 0x7F | 0x80]), value >> 7
    return found + bytes([value])


def field(number: int, value: bytes | int) -> bytes:
    """A field of the wire format: a number, or bytes with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def tensor(name: str, dims: tuple[int, ...], more: bytes = b"") -> bytes:
    return b"".join(field(1, size) for size in dims) + field(2, 1) + field(8, name.encode()) + more


def value(name: str, dims: tuple[int | str | None, ...]) -> bytes:
    """A tensor's name and dimensions: a number, a symbol, or None for one that is left open."""
    shape = b"".join(field(1, _dimension(size)) for size in dims)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, shape)))


def _dimension(size: int | str | None) -> bytes:
    if size is None:
        return b""
    return field(1, size) if isinstance(size, int) else field(2, size.encode())


def node(operator: str, inputs: tuple[str, ...], output: str, more: bytes = b"") -> bytes:
    read = b"".join(field(1, name.encode()) for name in inputs)
    return read + field(2, output.encode()) + field(4, operator.encode()) + more


def attribute(name: str, value: int | str | tuple[int, ...]) -> bytes:
    """An attribute of a node: a number, a word, or a list of numbers."""
    if isinstance(value, tuple):
        return field(5, field(1, name.encode()) + b"".join(field(8, each % 2**64) for each in value))
    return field(5, field(1, name.encode()) + (field(3, value) if isinstance(value, int) else field(4, value.encode())))


def integers(name: str, values: tuple[int, ...]) -> bytes:
    """A tensor of whole numbers, with its values."""
    data = b"".join(field(7, each % 2**64) for each in values)
    return field(1, len(values)) + field(2, 7) + field(8, name.encode()) + data


def model(
    nodes: list[bytes],
    weights: list[bytes],
    dims: tuple[int | str | None, ...] = (1, 3, 8, 8),
    more: dict[str, tuple[int | str | None, ...]] | None = None,
) -> bytes:
    """A model of these nodes and weights, with an input `x` and `more` inputs, and an output `y`."""
    graph = b"".join(field(1, each) for each in nodes) + b"".join(field(5, each) for each in weights)
    graph += b"".join(field(11, value(name, each)) for name, each in {"x": dims, **(more or {})}.items())
    graph += field(12, field(1, b"y"))
    return field(1, 8) + field(7, graph) + field(8, field(2, 17))
