"""Pasted code: what is read, against the same network in our words, and what is refused, with its place and help."""

import json
from pathlib import Path

import pytest

import cnncalc

#: Code, and the same network as a spec; without a size of its own, the code is for 32x32x3.
SAME = {
    "one PyTorch layer": ("nn.Conv2d(3, 16, kernel_size=3, padding=1)", "conv 3x3 p1 x16"),
    "one Keras layer with its activation": ("Conv2D(32, (3, 3), activation='relu')", "conv 3x3 x32 | relu"),
    "layers line by line": ("nn.Conv2d(3, 8, 3)\nnn.ReLU()\nnn.MaxPool2d(2)", "conv 3x3 x8 | relu | pool 2"),
    "layers with commas behind them": ("nn.Conv2d(3, 8, 3),\nnn.ReLU(True),", "conv 3x3 x8 | relu"),
    "a Sequential": (
        "nn.Sequential(nn.Conv2d(3, 8, 3, bias=False), nn.BatchNorm2d(8), nn.Flatten(), nn.Linear(7200, 10))",
        "conv 3x3 x8 nobias | bn | flatten | fc 10",
    ),
    "a Sequential within another": ("nn.Sequential(nn.Sequential(nn.Conv2d(3, 8, 1), nn.GELU()))", "conv 1 x8 | gelu"),
    "an OrderedDict": ("nn.Sequential(OrderedDict([('c', nn.Conv2d(3, 8, 1)), ('r', nn.ReLU())]))", "conv 1 x8 | relu"),
    "a list that is spread out": (
        "layers = [nn.Conv2d(3, 8, 1)]\nlayers.append(nn.ReLU())\nlayers += [nn.Dropout()]\nnn.Sequential(*layers)",
        "conv 1 x8 | relu | dropout 0.5",
    ),
    "add_module": ("net = nn.Sequential()\nnet.add_module('c', nn.Conv2d(3, 8, 1))", "conv 1 x8"),
    "numbers in variables": ("n, k = 8, 3\nnn.Conv2d(3, n * 2, (k, k), padding=k // 2)", "conv 3x3 p1 x16"),
    "a script that trains": (
        "import torch\nnet = nn.Sequential(nn.Conv2d(3, 8, 1))\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "for x, y in loader:\n    loss = criterion(net(x), y)\n    loss.backward()\nprint(net)",
        "conv 1 x8",
    ),
    "lazy layers": (
        "nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(10))",
        "conv 3x3 x8 | flatten | fc 10",
    ),
    "Python's prompt": (
        ">>> m = nn.Conv2d(3, 8, 3, stride=2)\n>>> x = torch.randn(20, 3, 50, 100)\n>>> y = m(x)\n>>> "
        "y.shape\ntorch.Size",
        "input 50x100x3 | conv 3x3 s2 x8",
    ),
    "functions of tensors": (
        "x = torch.randn(1, 3, 32, 32)\nx = nn.Conv2d(3, 8, 3)(x)\nx = F.max_pool2d(F.relu(x), 2)\n"
        "x = x.view(x.size(0), -1)\nx = nn.Linear(1800, 10)(x)",
        "conv 3x3 x8 | relu | pool 2 | flatten | fc 10",
    ),
    "branches": (
        "x = torch.zeros(1, 3, 32, 32)\na = nn.Conv2d(3, 8, 1)(x)\nb = nn.Conv2d(3, 8, 3, padding='same')(x)\n"
        "y = torch.cat([a + b, x], dim=1)",
        "add(conv 1 x8 ; conv 3 same x8) as s | concat(@s ; @x)",
    ),
    "an affine norm of its own": ("nn.BatchNorm2d(3, affine=False, bias=False)", "bn noaffine"),
    "Keras's Sequential": (
        "model = Sequential([\n  Input(shape=(28, 28, 1)),\n  Conv2D(8, 3, padding='same'),\n  Flatten(),\n"
        "  Dense(10, activation='softmax'),\n])",
        "input 28x28x1 | conv 3x3 same x8 | flatten | fc 10 | softmax",
    ),
    "model.add": (
        "model = Sequential()\nmodel.add(Conv2D(8, 3, padding='same', input_shape=(28, 28, 1)))\n"
        "model.add(Activation('relu'))\nmodel.add(GlobalAveragePooling2D())\nmodel.compile(loss='mse')",
        "input 28x28x1 | conv 3x3 same x8 | relu | gap | flatten",
    ),
    "model.add without the line that makes it": ("model.add(Conv2D(8, 3))", "conv 3x3 x8"),
    "Keras's functional style": (
        "inputs = keras.Input((28, 28, 1))\nx = layers.Conv2D(8, 3, padding='same')(inputs)\n"
        "y = layers.add([x, layers.Conv2D(8, 1)(inputs)])\ny = layers.Concatenate()([y, inputs])\n"
        "model = keras.Model(inputs, layers.Dense(5)(layers.Flatten()(y)))",
        "input 28x28x1 as i | add(conv 3 same x8 ; conv 1 x8) as s | concat(@s ; @i) | flatten | fc 5",
    ),
    "names of one's own": ("from keras.layers import Conv2D as C\nC(8, 3)", "conv 3x3 x8"),
    "an activation by its function": ("Conv2D(8, 3, activation=tf.nn.relu)", "conv 3x3 x8 | relu"),
    "values that change no figure": (
        "Conv2D(8, 3, kernel_initializer=he(3), kernel_regularizer=l2(1e-4))",
        "conv 3x3 x8",
    ),
    "Bidirectional": (
        "Input((10, 8))\nBidirectional(LSTM(6, return_sequences=True))",
        "input 10x8 | lstm 6 bi biases=1",
    ),
    "a printed module": (
        "Sequential(\n  (0): Conv2d(3, 6, kernel_size=(5, 5), stride=(1, 1))\n  (1): Sequential(\n    (0): ReLU()\n"
        "    (1): MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)\n  )\n"
        "  (2): Upsample(scale_factor=2.0, mode=nearest)\n)",
        "conv 5x5 x6 | relu | pool 2 | upsample 2",
    ),
    "a printed module that repeats": (
        "Sequential(\n  (0-1): 2 x Conv2d(3, 3, kernel_size=(1, 1), stride=(1, 1))\n)",
        "(conv 1 x3) * 2",
    ),
}


def figures(analysis: cnncalc.Analysis) -> list[object]:
    totals = analysis.totals
    rows = [(row.type, row.output_shape, row.params, row.macs) for row in analysis.rows]
    return [rows, totals.params, totals.buffers, totals.macs, totals.activation_bytes.peak]


@pytest.mark.parametrize(("code", "spec"), SAME.values(), ids=SAME)
def test_code_is_the_network_in_our_words(code: str, spec: str) -> None:
    shape = None if "Input(" in code or "input_shape" in code or "torch." in code.partition("train")[0] else (32, 32, 3)
    shape = (32, 32, 3) if "optim" in code else shape
    spec = spec if spec.startswith("input") else f"input 32x32x3 as x | {spec}"
    assert figures(cnncalc.analyze(code, input=shape)) == figures(cnncalc.analyze(spec))


#: Code that is refused, its error at once: code and place, fact, and help.
REFUSED = {
    "channels that do not fit": (
        "nn.Sequential(nn.Conv2d(16, 8, 3))",
        "E213 1:15 `conv1` (`Conv2d`) expects 16 channels: `in_channels` is 16, and 3 channels come in; "
        "write `in_channels=3`",
    ),
    "features that do not fit": (
        "nn.Sequential(nn.Flatten(), nn.Linear(400, 10))",
        "E213 1:29 `fc1` (`Linear`) expects 400 features: `in_features` is 400, and 3072 features come in; "
        "write `in_features=3072`",
    ),
    "no flatten": (
        "nn.Sequential(nn.Linear(3072, 10))",
        "E213 1:15 `fc1` (`Linear`) works on vectors: its input 32x32x3 has 3 axes; put `nn.Flatten()` in front of it",
    ),
    "a view of another size": (
        "x = torch.zeros(1, 3, 32, 32)\ny = x.view(-1, 400)",
        "E213 2:5 `flatten1` makes a vector of 400: its input has 3072 elements a sample; write 3072 for 400",
    ),
    "a loop": (
        "nn.Sequential(*[nn.ReLU() for _ in range(3)])",
        "E312 1:16 a loop is not run: its value is not in the text; write its layers one by one, or read the module "
        "itself: `cnncalc torch:FILE.py:CLASS`",
    ),
    "a class": (
        "class Net(nn.Module):\n  def forward(self, x):\n    return x",
        "E312 1:1 the class `Net` has a `forward`, which only running it would follow: code is read, never run; save "
        "it as a file and read the module: `cnncalc torch:FILE.py:Net --input 32x32x3`",
    ),
    "an unknown layer": (
        "nn.Sequential(nn.Foo(3))",
        "E312 1:15 `nn.Foo` is not read: not a layer of PyTorch that is known here; write its layers one by one, or "
        "read the module itself: `cnncalc torch:FILE.py:CLASS`",
    ),
    "an unknown argument": (
        "nn.Conv2d(3, 8, 3, wat=3)",
        "E312 1:1 `Conv2d` cannot be read: `Conv2d` has no argument `wat`; None",
    ),
    "a kernel of 0": (
        "nn.Conv2d(3, 8, 0)",
        "E312 1:1 `Conv2d` cannot be read: `kernel` must be at least 1: kernel 0; None",
    ),
    "a number from elsewhere": (
        "nn.Conv2d(3, config.width, 3)",
        "E312 1:14 the value of `config.width` is not in the text: not a number, text or layer here; None",
    ),
    "layers that are not applied": (
        "c = nn.Conv2d(3, 8, 3)\np = nn.MaxPool2d(2)",
        "E312 2:1 these layers are not applied: the order in which they run is not in the text; put them into "
        "`nn.Sequential(…)`",
    ),
    "a bracket that is not closed": (
        "nn.Sequential(nn.Conv2d(3, 8, 3)",
        "E312 1:14 this is no Python: '(' was never closed; None",
    ),
    "a module whose order is not printed": (
        "Net(\n  (conv): Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1))\n)",
        "E312 1:1 `Net` shows its layers, not the order in which its `forward` runs them: not a `Sequential`; read the "
        "module itself: `cnncalc torch:FILE.py:Net --input HxWxC`",
    ),
    "a number that grows without end": (
        "x = 9**9\n" + "x = x * x\n" * 30 + "nn.Conv2d(3, x, 1)",
        "E312 3:5 this number is too large: no layer has one like it; None",
    ),
    "a list that grows without end": (
        "nn.Sequential(*([nn.ReLU()] * 100000))",
        "E312 1:17 this list is too long: over 10,000 items; None",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), REFUSED.values(), ids=REFUSED)
def test_what_is_refused(code: str, expected: str) -> None:
    with pytest.raises(cnncalc.SpecError) as error:
        cnncalc.analyze(code, input=(32, 32, 3))
    (each,) = error.value.diagnostics
    assert each.span is not None
    place = f"{each.span.line}:{each.span.column}"
    assert f"{each.code} {place} {each.message}: {each.label}; {each.help}" == expected


def test_code_without_a_size_is_calculated_in_letters() -> None:
    analysis = cnncalc.analyze("nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2))")
    assert [str(size) for size in analysis.rows[-1].output_shape] == ["floor(H/2) - 1", "floor(W/2) - 1", "8"]


def test_a_layer_applied_twice_has_its_weights_once() -> None:
    code = "c = nn.Conv2d(3, 3, 1)\nx = torch.zeros(1, 3, 8, 8)\ny = c(c(x))"
    rows = cnncalc.analyze(code).rows
    assert [(row.params, row.weights_of) for row in rows] == [(0, None), (12, None), (0, rows[1].name)]


def test_the_cells_of_a_notebook(tmp_path: Path) -> None:
    cells = [
        {"cell_type": "markdown", "source": ["# nn.Conv2d(1, 1, 1)"]},
        {"cell_type": "code", "source": ["%matplotlib inline\n", "import torch\n", "!pip install x"]},
        {"cell_type": "code", "source": "net = nn.Sequential(\n    nn.Conv2d(3, 8, 3),\n)"},
        {"cell_type": "code", "source": ["this is no Python"]},
    ]
    file = tmp_path / "net.ipynb"
    file.write_text(json.dumps({"cells": cells}), encoding="utf-8")
    assert cnncalc.analyze(file, input=(32, 32, 3)).totals.params == 224


def test_a_spec_with_brackets_is_no_code() -> None:
    spec = "def Block(c) = conv 3x3 same x{c} | relu\ninput 8x8x3\nBlock(4)"
    assert cnncalc.analyze(spec).totals.params == 112
