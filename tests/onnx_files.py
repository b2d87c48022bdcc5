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


def value(name: str, dims: tuple[int, ...]) -> bytes:
    shape = b"".join(field(1, field(1, size)) for size in dims)
    return field(1, name.encode()) + field(2, field(1, field(1, 1) + field(2, shape)))


def node(operator: str, inputs: tuple[str, ...], output: str, more: bytes = b"") -> bytes:
    read = b"".join(field(1, name.encode()) for name in inputs)
    return read + field(2, output.encode()) + field(4, operator.encode()) + more


def model(nodes: list[bytes], weights: list[bytes], dims: tuple[int, ...] = (1, 3, 8, 8)) -> bytes:
    """A model of these nodes and weights, with an input `x` and an output `y`."""
    graph = b"".join(field(1, each) for each in nodes) + b"".join(field(5, each) for each in weights)
    graph += field(11, value("x", dims)) + field(12, field(1, b"y"))
    return field(1, 8) + field(7, graph) + field(8, field(2, 17))
