"""Whether padding counts in an average pool's mean, as each framework says it or has it by default."""

from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.frameworks import framework


def layers(text: str, input: str = "8x8x4") -> list[str]:
    return [str(node.layer) for node in cnncalc.parse(text, input=input).nodes[1:]]


CALLS = [
    # PyTorch counts padding by default; where there is none, there is nothing to say.
    ("pytorch", "nn.AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1}, True),
    ("pytorch", "nn.AvgPool2d", {"kernel_size": 3, "stride": 2, "padding": 1, "count_include_pad": False}, False),
    ("pytorch", "nn.AvgPool2d", {"kernel_size": 2}, False),
    # ONNX by its attribute.
    ("onnx", "AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}, True),
    ("onnx", "AveragePool", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}, False),
    # Keras never does.
    ("keras", "layers.AveragePooling2D", {"pool_size": 3, "padding": "same"}, False),
]


@pytest.mark.parametrize(("name", "layer", "arguments", "counts"), CALLS)
def test_call(name: str, layer: str, arguments: dict[str, Any], counts: bool) -> None:
    """A call of a framework's layer."""
    found = framework(name).read_call(layer, (), arguments)
    assert (found.kind, found.values.get("countpad", False)) == ("avgpool", counts)


@pytest.mark.parametrize(("pad", "layer"), [(1, "avgpool 3x3 s2 p1 ceil countpad"), (0, "avgpool 3x3 s2 ceil")])
def test_caffe(pad: int, layer: str, tmp_path: Path) -> None:
    """Caffe divides by the size of the window within the padding (pooling_layer.cpp, `pool_size`)."""
    path = tmp_path / "net.prototxt"
    path.write_text(
        'layer { name: "data" type: "Input" top: "data" input_param { shape { dim: 1 dim: 4 dim: 8 dim: 8 } } }\n'
        'layer { name: "pool" type: "Pooling" bottom: "data" top: "pool"\n'
        f"  pooling_param {{ pool: AVE kernel_size: 3 stride: 2 pad: {pad} }} }}\n"
    )
    assert str(cnncalc.load(path).nodes[1].layer) == layer


def test_text() -> None:
    """The flag in text, glued and in its long form."""
    assert layers("avgpool 3 s2 p1 countpad") == layers("avgpool3s2p1 countpad=true") == ["avgpool 3x3 s2 p1 countpad"]
