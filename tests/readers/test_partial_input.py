"""An input that is given in part, for code and model files: the file's own shape gives the rest."""

from pathlib import Path

import pytest

import cnncalc

DARKNET = "[net]\nheight=8\nwidth=8\nchannels=3\n[convolutional]\nfilters=4\nsize=3\n"
CAFFE = (
    'input: "data" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
    'layer { name: "c" type: "Convolution" bottom: "data" top: "c" convolution_param { num_output: 4 kernel_size: 3 } }'
)
KERAS = "model = Sequential([Input(shape=(8, 8, 3)), Conv2D(4, 3)])\n"
TORCH = "nn.Sequential(nn.Conv2d(3, 4, 3))\n"
VOLUME = "model = Sequential([Input(shape=(4, 8, 8, 3)), Conv3D(4, 3)])\n"

FILES = {"net.cfg": DARKNET, "net.prototxt": CAFFE, "keras.py": KERAS, "torch.py": TORCH}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(("given", "output"), [("10", (8, 8, 4)), ("10x12", (8, 10, 4)), ("10x12x3", (8, 10, 4))])
def test_partial_input(name: str, given: str, output: tuple[int, ...], tmp_path: Path) -> None:
    """One number is the size of each axis, and as many numbers as there are axes leave the channels as they are."""
    path = tmp_path / name
    path.write_text(FILES[name])
    assert cnncalc.analyze(path, input=given).rows[-1].output_shape == output


def test_a_volume(tmp_path: Path) -> None:
    """Three numbers are the axes of a volume."""
    path = tmp_path / "volume.py"
    path.write_text(VOLUME)
    assert cnncalc.analyze(path, input="6x10x12").rows[-1].output_shape == (4, 8, 10, 4)
