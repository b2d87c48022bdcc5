"""What all model files share: which reader a file is for, what is refused, and what is not counted."""

from collections.abc import Callable
from pathlib import Path

import pytest

import cnncalc
import cnncalc.readers
from cnncalc import SpecError
from cnncalc.analysis import Options, analyze_graph
from cnncalc.diagnostics import Problems, Source
from cnncalc.graph import Graph, GraphBuilder, StoredWeights
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.readers import recognize
from cnncalc.readers.importer import OperatorRules, UniqueNames
from cnncalc.report.columns import choose
from cnncalc.report.network import network_document
from cnncalc.report.options import RenderOptions
from cnncalc.report.terminal import to_terminal
from cnncalc.shape import Shape
from cnncalc.sources import read_file


def graph() -> Graph:
    """Two known layers, and between them an operator whose shape nobody states."""
    builder = GraphBuilder(Problems())
    image = builder.add(REGISTRY["input"]("input", shape=(8, 8, 3)), ())
    conv = builder.add(REGISTRY["conv"]("conv", kernel=(3,), filters=4, bias=False), (image,), stored=StoredWeights(0))
    gamma = builder.add(
        OpaqueOp("Mul", Shape((6, 6), 4), local=True, memory="in place"), (conv,), stored=StoredWeights(4)
    )
    odd = builder.add(OpaqueOp("NonMaxSuppression", None, known=False), (gamma,))
    return builder.build(odd)


def test_stored() -> None:
    """What a file stores for a node is counted in place of the layer's rule; MACs stay the rule's."""
    result = analyze_graph(graph(), Options())
    # The conv's weights are another node's: 3·3·3·4 = 108 are not counted twice. 6·6 places · 108 products.
    assert [(row.name, row.params, row.macs) for row in result.rows] == [
        ("input1", 0, 0),
        ("conv1", 0, 3888),
        ("Mul1", 4, 0),
        ("NonMaxSuppression1", 0, 0),
    ]
    assert result.totals.params == 4


TABLE = """\
name                layer                        output  parameters            MACs           field
───────────────────────────────────────────────────────────────────────────────────────────────────
input1              input 8x8x3                  8x8x3                                        1
conv1               conv 3x3 x4 nobias           6x6x4                        3,888 ████████  3
Mul1                Mul                          6x6x4            4 ████████                  3
NonMaxSuppression1  NonMaxSuppression (unknown)  ?                ?               ?           all
───────────────────────────────────────────────────────────────────────────────────────────────────
total, at least                                                   4           3,888

parameters   4
weights      16 B as float32
MACs         3,888
FLOPs        7,776
activations  288
peak memory  1.31 KiB at conv1 (activations only)
unknown      NonMaxSuppression: not counted in full, so that all totals are lower bounds
"""


def test_table() -> None:
    """An unknown operator is a marked row, its shape open, and the totals are lower bounds."""
    # Live at most: 8·8·3 and 6·6·4 elements of 4 bytes, 1,344.
    document = network_document(analyze_graph(graph(), Options()), choose(None))
    assert to_terminal(document, RenderOptions()) == TABLE


def test_json() -> None:
    """JSON lists what is not counted, behind all other keys; without any there is no such key."""
    found = analyze_graph(graph(), Options()).to_dict()
    assert list(found)[-1] == "unknown"
    assert found["unknown"] == [
        {
            "layer": "NonMaxSuppression1",
            "operator": "NonMaxSuppression",
            "output_shape": None,
            "missing": ["params", "macs", "activations"],
            "stands_on": "nothing: the operator is unknown",
        }
    ]
    assert "unknown" not in cnncalc.analyze("input 5x5x3 | conv 3x3 x2").to_dict()


@pytest.mark.parametrize(
    ("name", "content", "reader"),
    [
        ("model.onnx", b"", "onnx"),
        ("model", b"\x08\x08\x12\x07pytorch", "onnx"),
        ("model.keras", b"", "keras"),
        ("model.bin", b"\x89HDF\r\n\x1a\n", "keras"),
        ("model", b'{"class_name": "Functional"}', "keras"),
        ("net.prototxt", b"", "caffe"),
        ("deploy.txt", b'# AlexNet\nname: "AlexNet"\nlayer {', "caffe"),
        ("net.cfg", b"", "darknet"),
        ("yolo.txt", b"# a comment\n\n[net]\nheight=416", "darknet"),
        ("net.param", b"", "ncnn"),
        ("net.txt", b"7767517\n2 2\nInput in 0 1 in", "ncnn"),
        ("net.xml", b"", "openvino"),
        ("net", b'<?xml version="1.0"?>\n<net name="n" version="11">', "openvino"),
        ("page.html", b"<html><body>", None),
        ("net.txt", b"input 5x5x3 | conv 3x3 x2", None),
    ],
)
def test_reader(name: str, content: bytes, reader: str | None, tmp_path: Path) -> None:
    """The suffix says which reader a file is for, and where it does not, the content; a spec is for none."""
    path = tmp_path / name
    path.write_bytes(content)
    found = recognize(str(path))
    assert (found.reader if found else None) == reader


def test_spec(tmp_path: Path) -> None:
    """A file that its suffix makes a spec is one, whatever is in it."""
    path = tmp_path / "net.cnn"
    path.write_text("[net]", encoding="utf-8")
    assert isinstance(read_file(path), Source)


@pytest.mark.parametrize(
    ("name", "content"),
    [("model.pt", b""), ("model.pth", b"x"), ("model", b"PK\x03\x04 archive/data.pkl"), ("model", b"\x80\x04\x95")],
)
def test_pickle(name: str, content: bytes, tmp_path: Path) -> None:
    """A pickle is refused by its suffix or content, unopened, with the reason and the way out."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(SpecError) as caught:
        cnncalc.load(path)
    assert str(caught.value) == (
        f"error[E304]: `{path}` is a pickle, and pickles are not read\n"
        " = opening one runs whatever code it holds\n"
        " = help: export the model to ONNX (`torch.onnx.export`), or name what builds it: "
        "`cnncalc torch:module:factory`"
    )


def test_rules() -> None:
    """An operator has the function registered for it, or that of the table it is in, called with its row."""
    rules: OperatorRules[Callable[..., str]] = OperatorRules()
    rules("Conv", "FusedConv")(lambda node: f"conv of {node}")
    rules.table({"Relu": "relu", "Tanh": "tanh"})(lambda node, kind: f"{kind} of {node}")
    applied = [rule("x") if (rule := rules.get(name)) else None for name in ("FusedConv", "Relu", "Tanh", "Odd")]
    assert applied == ["conv of x", "relu of x", "tanh of x", None]
    assert list(rules) == ["Conv", "FusedConv", "Relu", "Tanh"]


READERS = ("caffe", "darknet", "keras", "ncnn", "onnx", "openvino", "torch")


@pytest.mark.parametrize("reader", READERS)
def test_siblings(reader: str) -> None:
    """A reader imports no other reader."""
    folder = Path(cnncalc.readers.__file__).parent / reader
    text = "\n".join(path.read_text(encoding="utf-8") for path in folder.glob("*.py"))
    assert not [other for other in READERS if other != reader and f"cnncalc.readers.{other}" in text]


def test_a_file_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model file that the system does not let be read is an error like any other."""

    def refuse(path: str, options: object) -> None:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr("cnncalc.readers.onnx.read", refuse)
    path = tmp_path / "m.onnx"
    path.write_bytes(b"")
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(path)
    assert str(caught.value) == f"error[E010]: cannot read `{path}`\n = permission denied"


def test_names() -> None:
    """Names are printable, of bounded length, and each once."""
    names = UniqueNames()
    assert [names(name) for name in ("a", "a", "a b\n", "a_2", "x" * 1000)] == ["a", "a_2", "a_b_", "a_2_2", "x" * 100]
