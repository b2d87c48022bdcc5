"""Model files that mean harm by their size, each made when it is asked for; and large ones that are sound.

What each comes to is a test (`tests/readers/test_hostile_files.py`); how long it takes and how much memory is
measured by `tests/benchmarks/hostile.py`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from io import BytesIO

from onnx_files import field, model, node, tensor

#: The most bytes of a model in text.
MOST = 16 << 20

KERAS = '{"class_name":"Sequential","config":{"layers":['
DATA = 'input:"a" input_dim:1 input_dim:3 input_dim:8 input_dim:8\n'
CAFFE_LAYER = 'layer{name:"a" type:"ReLU" bottom:"a" top:"a"}\n'
NET = "[net]\nheight=8\nwidth=8\nchannels=3\n"


def filled(start: str, part: str, end: str = "") -> Callable[[], bytes]:
    """A text of nearly as many bytes as are read, most of them one part again and again."""
    return lambda: (start + part * ((MOST - len(start + end) - 1) // len(part)) + end).encode()


def repeated(start: str, part: str, times: int, end: str = "") -> Callable[[], bytes]:
    """A text with a part so many times in it."""
    return lambda: (start + part * times + end).encode()


def archive(config: bytes, method: int) -> bytes:
    packed = BytesIO()
    with zipfile.ZipFile(packed, "w", method) as file:
        file.writestr("config.json", config)
    return packed.getvalue()


def relus(count: int) -> bytes:
    """A chain of so many ReLUs in ONNX."""
    return model([node("Relu", (f"t{n}" if n else "x",), f"t{n + 1}") for n in range(count)], [])


def keras_relus(count: int) -> bytes:
    """A chain of so many ReLUs in Keras's JSON."""
    layers = [{"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 3]}}]
    layers += [{"class_name": "ReLU", "config": {"name": f"r{n}"}} for n in range(count)]
    return json.dumps({"class_name": "Sequential", "config": {"layers": layers}}).encode()


PARAM = "7767517\n1 1\nInput a 0 1 a 0=8 1=8 2=3\n"
IR = '<net name="n" version="11"><layers>'
IR_LAYER = (
    '<layer id="{}" name="l" type="{}"><input><port id="0"/></input><output><port id="1">{}</port></output></layer>'
)
IR_DIMS = "<dim>1</dim><dim>3</dim><dim>8</dim><dim>8</dim>"


def ir_relus(count: int) -> bytes:
    """A chain of so many ReLUs in OpenVINO's XML."""
    layers = [IR_LAYER.format(0, "Parameter", IR_DIMS)]
    layers += [IR_LAYER.format(n, "ReLU", IR_DIMS) for n in range(1, count + 1)]
    edges = [f'<edge from-layer="{n}" from-port="1" to-layer="{n + 1}" to-port="0"/>' for n in range(count)]
    return f"{IR}{''.join(layers)}</layers><edges>{''.join(edges)}</edges></net>".encode()


def entities(depth: int) -> bytes:
    """Entities that stand for ten of the one before: written out they would be 10^depth times as long."""
    declared = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, depth))
    return f'<!DOCTYPE net [<!ENTITY e0 "lol">{declared}]><net name="&e{depth - 1};" version="11"/>'.encode()


#: What a file is → its name, what makes it, and the codes of its errors.
HOSTILE: dict[str, tuple[str, Callable[[], bytes], str]] = {
    "nodes of nothing": ("m.onnx", lambda: field(1, 8) + field(7, b"\x0a\x00" * 1_400_000), "E303"),
    "nodes without end": ("m.onnx", lambda: relus(300_000), "E303"),
    "tensors without end": (
        "m.onnx",
        lambda: model([node("Relu", ("x",), "y")], [tensor(f"w{n}", (1,)) for n in range(300_000)]),
        "E303",
    ),
    "axes without end": (
        "m.onnx",
        lambda: model([node("Relu", ("x",), "y")], [b"\x08\x01" * 3_000_000]),
        "E303",
    ),
    "zeros": ("m.onnx", lambda: bytes(64 << 20), "E302"),
    "a name without end": ("m.onnx", lambda: model([node("Relu", ("x",), "y" * MOST)], []), "E303"),
    "fields of a prototxt": ("m.prototxt", filled("", "a:1 "), "E303"),
    "messages of a prototxt": ("m.prototxt", filled("", "a{}"), "E303"),
    "a list of a prototxt": ("m.prototxt", filled("a:[", "1,", "1]"), "E303"),
    "comments of a prototxt": ("m.prototxt", filled("", "#\n"), "E303"),
    "empty strings of a prototxt": ("m.prototxt", filled("a:", '""'), "E303"),
    "an open string of a prototxt": ("m.prototxt", filled('a:"', "\\"), "E303"),
    "half strings of a prototxt": ("m.prototxt", filled("a:", '" '), "E303"),
    "layers of a prototxt": ("m.prototxt", filled(DATA, CAFFE_LAYER), "E303"),
    "spaces in a prototxt": ("m.prototxt", filled("", " "), "E302"),
    "just few enough fields": ("m.prototxt", repeated("", "a:1 ", 149_999), "E302"),
    "just few enough messages": ("m.prototxt", repeated("", "a{}", 74_999), "E302"),
    "just few enough comments": ("m.prototxt", repeated("", "#\n", 149_999), "E302"),
    "just few enough strings": ("m.prototxt", repeated("a:", '""', 74_999), "E302"),
    "just few enough escapes": ("m.prototxt", repeated('a:"', "\\", 149_990), "E302"),
    "sections of a cfg": ("m.cfg", filled("[net]\n", "[a]\n"), "E303"),
    "options of a cfg": ("m.cfg", filled("[net]\n", "a=1\n"), "E303"),
    "junk in a cfg": ("m.cfg", filled("[net]\n", "x\n"), "E303"),
    "lines of a cfg": ("m.cfg", filled("", "\n"), "E303"),
    "brackets in a cfg": ("m.cfg", filled("[net]\n", " ["), "E302"),
    "a route of a cfg": ("m.cfg", filled(f"{NET}[softmax]\n[route]\nlayers=", "-1,", "-1\n"), "E303"),
    "just few enough sections": ("m.cfg", repeated("[net]\n", "[a]\n", 499_990), "E303"),
    "just few enough options": ("m.cfg", repeated("[net]\n", "a=1\n", 249_990), "E306"),
    "arrays of JSON": ("m.json", filled(KERAS, "[],", "[]]}}"), "E303"),
    "objects of JSON": ("m.json", filled(KERAS, '{"a":{}},', "{}]}}"), "E303"),
    "numbers of JSON": ("m.json", filled(KERAS, "1,", "1]}}"), "E303"),
    "a number of JSON": ("m.json", filled(KERAS, "9", "]}}"), "E302"),
    "a string of JSON": ("m.json", filled(KERAS + '"', "\\u00e9", '"]}}'), "E302"),
    "spaces in JSON": ("m.json", filled("", " "), "E302"),
    "just few enough objects": ("m.json", repeated(KERAS, '{"a":{}},', 124_990, "{}]}}"), "E303"),
    "just few enough arrays": ("m.json", repeated(KERAS, "[],", 249_990, "[]]}}"), "E302"),
    "a deflated bomb": ("m.keras", lambda: archive(bytes(256 << 20), zipfile.ZIP_DEFLATED), "E303"),
    "a bzip2 bomb": ("m.keras", lambda: archive(bytes(64 << 20), zipfile.ZIP_BZIP2), "E302"),
    "an LZMA bomb": ("m.keras", lambda: archive(bytes(64 << 20), zipfile.ZIP_LZMA), "E302"),
    "layers of ncnn": ("m.param", filled(PARAM, "ReLU a 1 1 a a\n"), "E303"),
    "blobs of ncnn": ("m.param", filled(f"{PARAM}Concat a 9999 1 ", "a "), "E303"),
    "an array of ncnn": ("m.param", filled(f"{PARAM}Slice a 1 1 a a -23300=9", ",1"), "E303"),
    "a parameter of ncnn": ("m.param", filled(f"{PARAM}ReLU a 1 1 a a 0=", "1"), "E303"),
    "a text of ncnn": ("m.param", filled(f"{PARAM}Reshape a 1 1 a a 6=", '"'), "E303"),
    "just few enough layers of ncnn": ("m.param", repeated(PARAM, "X a 0 0\n", 99_990), "E307"),
    "entities of XML": ("m.xml", lambda: entities(30), "E302"),
    "elements of XML": ("m.xml", filled(IR, "<a/>"), "E303"),
    "nested elements of XML": ("m.xml", filled(IR, "<a>"), "E303"),
    "attributes of XML": ("m.xml", filled(f"{IR}<layer ", 'a="" '), "E303"),
    "text of XML": ("m.xml", filled(IR, "x", "</layers></net>"), "E302"),
    "a name of XML": ("m.xml", filled('<net version="11" name="', "x", '"/>'), "E302"),
    "ports of XML": ("m.xml", filled(f'{IR}<layer id="0" type="X">', "<port/>"), "E303"),
    "dimensions of XML": ("m.xml", repeated(f'{IR}<layer id="0" type="X"><port>', "<dim>1</dim>", 300_000), "E302"),
    "edges of XML": ("m.xml", filled(f"{IR}</layers><edges>", "<edge/>"), "E303"),
    "layers of XML": ("m.xml", repeated(IR, '<layer id="0"/>', 400_000, "</layers></net>"), "E303"),
    "half an HDF5 file": ("m.h5", lambda: b"\x89HDF\r\n\x1a\n" + b"\xff" * MOST, "E302"),
}

#: What a sound file is → its name, what makes it with so many layers, and the most layers that it may have.
LARGE: dict[str, tuple[str, Callable[[int], bytes], int]] = {
    "ReLUs of ONNX": ("m.onnx", relus, 99_000),
    "ReLUs of Keras": ("m.json", keras_relus, 60_000),
    "ReLUs of Caffe": ("m.prototxt", lambda count: (DATA + CAFFE_LAYER * count).encode(), 10_000),
    "pools of Darknet": ("m.cfg", lambda count: (NET + "[avgpool]\n" * count).encode(), 99_000),
    "ReLUs of ncnn": ("m.param", lambda count: (PARAM + "ReLU a 1 1 a a\n" * count).encode(), 99_000),
    "ReLUs of OpenVINO": ("m.xml", ir_relus, 20_000),
    "a route of Darknet": (
        "m.cfg",
        lambda count: f"{NET}[softmax]\n[route]\nlayers={'-1,' * count}-1\n".encode(),
        400_000,
    ),
}
