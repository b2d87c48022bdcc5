"""The layers and edges of an `.xml` file, parsed by the standard library's expat as it reads the file.

Document types and entities are refused, so that none can be expanded, and so is what would take too much memory.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple
from xml.parsers import expat

from cnncalc.diagnostics import Source, Span
from cnncalc.frameworks.openvino import TYPES
from cnncalc.graph import MAX_LAYERS
from cnncalc.layers.arguments import MAX_INTEGER
from cnncalc.readers.arguments import FileArguments
from cnncalc.readers.errors import fail
from cnncalc.readers.importer import printable
from cnncalc.readers.text_file import limit_marks, read_text

#: The most elements and attributes of a file, and the most elements around one another.
MAX_MARKS = 1_500_000
MAX_DEPTH = 50

#: The most axes of a tensor.
MAX_RANK = 16

#: The most characters of a place in messages.
MAX_SPAN = 200

#: Stands for a size that is not fixed.
OPEN = -1

#: Sizes of a port; `OPEN` where one is not fixed.
Sizes = tuple[int, ...]


class IrBlob(NamedTuple):
    """Weights in the file beside: their bytes, and the type of an element if the file states it."""

    size: int
    type: str


class IrPort(NamedTuple):
    """An input or output of a layer: its number, its sizes, and its type."""

    id: int
    sizes: Sizes | None
    type: str


class IrLayer(FileArguments):
    """A layer: its attributes, ports and weights. Methods raise `SpecError` E306 for a wrong value."""

    def __init__(self, id: int, name: str, type: str, precision: str, span: Span) -> None:
        self.id, self.name, self.type, self.precision, self.span = id, name, type, precision, span
        self.attributes: dict[str, str] = {}
        self.inputs: list[IrPort] = []
        self.outputs: list[IrPort] = []
        self.blobs: dict[str, IrBlob] = {}
        #: The layers of its body, which runs for each step or under a condition.
        self.body: list[IrLayer] = []

    def _fail(self, name: str, fact: str) -> Any:
        fail("E306", f"`{name}` of `{printable(self.name)}` is wrong", fact, span=self.span)

    def states(self, name: str) -> bool:
        return name in self.attributes

    def integer(self, name: str, default: int | None = None, low: int = 1) -> int:
        text = self.attributes.get(name)
        if text is None:
            return self._fail(name, "it is missing") if default is None else default
        return self._whole(name, text, low)

    def _whole(self, name: str, text: str, low: int) -> int:
        text = text.strip()
        if not re.fullmatch(r"[+-]?\d{1,10}", text) or not low <= int(text) < MAX_INTEGER:
            self._fail(name, f"`{printable(text)}` is no whole number from {low}")
        return int(text)

    def integers(self, name: str, rank: int, default: Any = None, low: int = 1) -> tuple[int, ...]:
        text = self.attributes.get(name, "")
        if not text.strip():
            if default is None:
                self._fail(name, "it is missing")
            return tuple(default) * rank if len(tuple(default)) == 1 else tuple(default)
        values = tuple(self._whole(name, each, low) for each in text.split(",")[: MAX_RANK + 1])
        if len(values) != rank and rank:
            self._fail(name, f"it has {len(values)} numbers for {rank} axes")
        return values

    def real(self, name: str, default: float) -> float:
        text = self.attributes.get(name, "").strip()
        if not re.fullmatch(r"[+-]?(\d{1,40}\.?\d{0,40}|\.\d{1,40})([eE][+-]?\d{1,3})?", text):
            return default
        value = float(f"{float(text):.6g}")
        return int(value) if value.is_integer() and abs(value) < MAX_INTEGER else value

    def flag(self, name: str, default: bool = True) -> bool:
        text = self.attributes.get(name, "").strip().lower()
        return text in ("true", "1") if text else default

    def text(self, name: str, default: str) -> str:
        """Return an attribute in lower case."""
        return self.attributes.get(name, default).strip().lower()

    def elements_of(self, blob: str) -> int:
        """Return the number of elements of weights that the layer holds itself, as in v7; 0 if it has none."""
        held = self.blobs.get(blob)
        return _elements(held.size, held.type or self.precision) if held else 0

    @property
    def constant_bytes(self) -> int:
        """The bytes of a constant: of its data in the file beside."""
        if "size" in self.attributes:
            return self.integer("size", low=0)
        return sum(blob.size for blob in self.blobs.values())


def _elements(size: int, type: str) -> int:
    each = TYPES.get(_plain(type), 4)
    return int(size / each)


def _plain(type: str) -> str:
    """Return a type's name as in v10: `FP16` is `f16`."""
    return type.lower().replace("fp", "f")


class IrEdge(NamedTuple):
    """A connection from a layer's port to another's."""

    source: tuple[int, int]
    target: tuple[int, int]


class IrModel(NamedTuple):
    """A network: its name, version, layers in file order, and edges."""

    name: str
    version: int
    layers: list[IrLayer]
    edges: list[IrEdge]


def parse(path: str) -> IrModel:
    """Return the layers and edges of a file; raises `SpecError` E302 if it is not one, E303 if it is too large."""
    source = read_text(path)
    limit_marks(source, "<=", MAX_MARKS, "elements and attributes")
    parser = expat.ParserCreate()
    # The text is decoded already, whatever encoding it declares.
    text = re.sub(r"^\s*<\?xml[^>]*\?>", lambda declaration: " " * len(declaration[0]), source.text, count=1)
    data = text.encode("utf-8")
    reader = _IrReader(source, data, parser)
    parser.buffer_text = True
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.characters
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        fail("E302", f"`{path}` is no valid XML", expat.ErrorString(error.code), span=reader.span)
    if not reader.is_net:
        fail("E302", f"`{path}` is no network of OpenVINO", "expected an element `net` with `layers` and `edges`")
    if not reader.layers:
        fail("E302", f"`{path}` has no layer")
    return IrModel(reader.name, reader.version, reader.layers, reader.edges)


class _IrReader:
    """Collects layers and edges from the events of the parser."""

    def __init__(self, source: Source, data: bytes, parser: Any) -> None:
        self.source, self.parser, self.path = source, parser, source.name
        self.is_net, self.name, self.version = False, "", 0
        self.layers: list[IrLayer] = []
        self.edges: list[IrEdge] = []
        self._tags: list[str] = []
        #: The layers that are open: a layer's body has layers.
        self._open: list[IrLayer] = []
        self._sizes: list[int] = []
        self._port: tuple[int, str] | None = None
        self._text = ""
        self.data, self._is_ascii = data, source.text.isascii()
        self._byte = self._start = 0

    @property
    def span(self) -> Span:
        """The place that the parser is at: up to the end of the line."""
        byte = max(self.parser.CurrentByteIndex, self._byte)
        # The parser counts bytes, and only ever goes on.
        self._start += (
            byte - self._byte if self._is_ascii else len(self.data[self._byte : byte].decode("utf-8", "ignore"))
        )
        self._byte = byte
        end = self.source.text.find("\n", self._start, self._start + MAX_SPAN)
        return Span(self.source, self._start, min(self._start + MAX_SPAN, len(self.source.text)) if end < 0 else end)

    def refuse(self, *declaration: object) -> None:
        message = f"`{self.path}` declares a document type or entities"
        fail("E302", message, "no network needs any: they are not read", span=self.span)

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self._tags.append(tag)
        if len(self._tags) > MAX_DEPTH:
            fail("E303", f"`{self.path}` is nested too deeply", f"more than {MAX_DEPTH} elements in one another")
        if len(self._tags) == 1:
            self.is_net = tag == "net"
            self.name = attributes.get("name", "")
            self.version = self._number(attributes.get("version", "0"), 0)
        elif not self.is_net:
            return
        elif tag == "layer":
            self._start_layer(attributes)
        elif tag == "port":
            type = attributes.get("precision", "")
            self._port, self._sizes = (self._number(attributes.get("id", "0"), 0), type), []
        elif tag == "dim":
            self._text = ""
        elif tag == "data" and self._open and self._tags[-2] == "layer":
            self._open[-1].attributes.update(attributes)
        elif tag in ("weights", "biases", "custom") and self._open:
            size = self._number(attributes.get("size", "0"), 0, most=10**15)
            self._open[-1].blobs[tag] = IrBlob(size, attributes.get("precision", ""))
        elif tag == "edge" and not self._open:
            names = ("from-layer", "from-port", "to-layer", "to-port")
            numbers = [self._number(attributes.get(name, "0"), 0) for name in names]
            self.edges.append(IrEdge((numbers[0], numbers[1]), (numbers[2], numbers[3])))

    def _start_layer(self, attributes: dict[str, str]) -> None:
        id = self._number(attributes.get("id", "0"), 0)
        layer = IrLayer(
            id, attributes.get("name", ""), attributes.get("type", ""), attributes.get("precision", ""), self.span
        )
        if self._open:
            self._open[-1].body.append(layer)
        else:
            if len(self.layers) >= MAX_LAYERS:
                fail("E303", f"`{self.path}` has more than {MAX_LAYERS:,} layers", span=self.span)
            self.layers.append(layer)
        self._open.append(layer)

    def characters(self, text: str) -> None:
        if self._tags and self._tags[-1] == "dim":
            self._text = (self._text + text)[:40]

    def end(self, tag: str) -> None:
        self._tags.pop()
        if not self.is_net:
            return
        if tag == "dim":
            if len(self._sizes) > MAX_RANK:
                fail("E302", f"a tensor of `{self.path}` has more than {MAX_RANK} axes")
            text = self._text.strip()
            self._sizes.append(OPEN if text == "?" or ".." in text else self._number(text, OPEN))
        elif tag == "port" and self._port is not None and self._open:
            port = IrPort(self._port[0], tuple(self._sizes), self._port[1])
            side = self._tags[-1] if self._tags else ""
            ports = self._open[-1].inputs if side == "input" else self._open[-1].outputs
            ports.append(port)
            self._port = None
        elif tag == "layer" and self._open:
            self._open.pop()

    def _number(self, text: str, low: int, most: int = MAX_INTEGER) -> int:
        text = text.strip()
        if not re.fullmatch(r"-?\d{1,16}", text) or not low <= int(text) < most:
            fact = f"`{printable(text)}` is no whole number from {low}"
            fail("E306", f"a number of `{self.path}` is wrong", fact, span=self.span)
        return int(text)
