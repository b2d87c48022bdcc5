"""The writer of specs: what it writes has the same rows in the same order, and so the same figures."""

from pathlib import Path
from typing import Any

import pytest
from reference import MODELS

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.writers import export

FILES = [path for path in sorted(MODELS.glob("*/*")) if path.suffix in (".prototxt", ".cfg", ".json", ".keras")]
FILES = [path for path in FILES if "expected" not in path.name]

#: Model files with operators that the language has no equivalent of, and the first of those.
OPAQUE = {
    "resnet50.cfg": "shortcut1",
    "yolov3-tiny.cfg": "yolo1",
    "yolov3.cfg": "yolo1",
    "yolov4-tiny.cfg": "yolo1",
    "EfficientNetB0.json": "rescaling_1",
}


def figures(graph: cnncalc.Graph) -> dict[str, Any]:
    """Every figure of a graph, layers by their number in place of their name."""
    found = cnncalc.analyze(graph).to_dict()
    numbers = {row["name"]: row["index"] for row in found["layers"]}
    for row in found["layers"]:
        row["inputs"] = [numbers[name] for name in row["inputs"]]
        if "weights_of" in row:
            row["weights_of"] = numbers[row["weights_of"]]
        del row["name"]
    peak = found["totals"]["peak_at"]
    peak["layer"] = numbers[peak["layer"]]
    peak["tensors"] = {numbers[name]: size for name, size in peak["tensors"].items()}
    outputs = [numbers[name] for name in found["outputs"]]
    return {"layers": found["layers"], "outputs": outputs, "totals": found["totals"]}


def test_network(network: Any) -> None:
    """The text has the figures of the graph that it was written from, in every row."""
    if len({node.name for node in network.graph.nodes}) < len(network.graph.nodes):
        pytest.skip("names stand several times: rows cannot be told by them")
    assert figures(cnncalc.parse(export(network.graph, "cnn"))) == figures(network.graph)


def test_again(network: Any) -> None:
    """What was written is written again as it is, but for what is folded further."""
    once = export(network.graph, "cnn")
    again = export(cnncalc.parse(once), "cnn")
    assert figures(cnncalc.parse(again)) == figures(cnncalc.parse(once))
    assert len(again.splitlines()) <= len(once.splitlines())


@pytest.mark.reference
@pytest.mark.parametrize("path", FILES, ids=[path.name for path in FILES])
def test_model_file(path: Path) -> None:
    """A model file as a spec has the same figures, or is refused with the operator that has no word."""
    graph = cnncalc.load(path)
    if path.name in OPAQUE:
        with pytest.raises(SpecError, match=f"the spec language has no equivalent of `{OPAQUE[path.name]}`"):
            export(graph, "cnn")
    else:
        assert figures(cnncalc.parse(export(graph, "cnn"))) == figures(graph)


CASES = [
    pytest.param(
        "input 32x32x3 | conv 3x3 same x8 | relu | conv 3x3 same x8 | relu | pool 2 | fc 10 | fc 10 | fc 10",
        "input 32x32x3\n(conv 3x3 same x8 | relu) * 2\npool 2x2\nfc 10 * 3\n",
        id="a run of copies is one repeat",
    ),
    pytest.param(
        "input 8x8x4 | relu | conv 3x3 same x4 | relu | conv 3x3 same x4 | relu | conv 3x3 same x4 | relu",
        "input 8x8x4 | relu\n(conv 3x3 same x4 | relu) * 3\n",
        id="a repeat begins where a line does",
    ),
    pytest.param(
        "input 8x8x4 | ((conv 1x1 x4 | bn) * 2 | pool 2) * 3",
        "input 8x8x4\n((conv 1x1 x4 | bn) * 2 | pool 2x2) * 3\n",
        id="repeats nest",
    ),
    pytest.param(
        "input 8x8x4 as a | conv 1x1 x4 | add( ; @a) | relu",
        "input 8x8x4\nadd(conv 1x1 x4 ; ) | relu\n",
        id="what goes back to a tensor before it is an arm",
    ),
    pytest.param(
        "input 8x8x4 | conv 1x1 x4 as a | conv 1x1 x5 | @a | conv 1x1 x5 as b | @a | concat(@b ; conv 1x1 x6)",
        "input 8x8x4\nconv 1x1 x4 as a\nconv 1x1 x5\n@a\nconcat(conv 1x1 x5 ; conv 1x1 x6)\n",
        id="arms that start from a tensor further back",
    ),
    pytest.param(
        "input 8x8x4 as a | conv 1x1 x4 | input 8x8x4 as b | conv 1x1 x3 | mul(input 1x1x3 ; )",
        "input 8x8x4\nconv 1x1 x4\ninput 8x8x4 as b\nconv 1x1 x3\nmul(input 1x1x3 ; )\n",
        id="several inputs",
    ),
    pytest.param(
        "input 8x8x4 | conv 1x1 x4 as a | conv 3x3 x4 as b | conv 3x3 x4 | @a",
        "input 8x8x4\nconv 1x1 x4 as a\nconv 3x3 x4 * 2\n@a\n",
        id="an output that is read as well comes last",
    ),
    pytest.param(
        "input 32x32x3\nadd(conv 3x3 same x3 | bn | relu | conv 3x3 same x3 | bn ; ) | relu\n"
        "add(conv 5x5 same x3 | bn | relu | conv 5x5 same x3 | bn ; ) | relu",
        "def block1(k) = add(conv {k}x{k} same x3 | bn | relu | conv {k}x{k} same x3 | bn ; ) | relu\n\n"
        "input 32x32x3\nblock1(3)\nblock1(5)\n",
        id="blocks that differ in a number are one def",
    ),
]


@pytest.mark.parametrize(("spec", "text"), CASES)
def test_text(spec: str, text: str) -> None:
    """The text below the heading, whole."""
    written = export(cnncalc.parse(spec), "cnn")
    assert written.partition("sample.\n\n")[2] == text
