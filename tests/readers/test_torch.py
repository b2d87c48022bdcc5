"""PyTorch modules: the figures of a trace, against PyTorch's own counts and sizes by hand."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc import SpecError

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # PyTorch's own, while it is imported and traces
]


def module(forward: str, **parts: Any) -> Any:
    """A module of these parts, whose forward pass is the text."""
    from torch import nn

    made = type("Made", (nn.Module,), {"forward": eval(f"lambda self, x: {forward}", vars(__import__("torch")))})()
    for name, part in parts.items():
        setattr(made, name, part)
    return made


def rows(made: Any, input: Any = "8x8x4") -> list[tuple[str, str, tuple[int, ...], int]]:
    result = cnncalc.analyze(cnncalc.from_torch(made, input))
    return [(row.name, row.description, row.output_shape, row.params) for row in result.rows[1:]]


def test_layers() -> None:
    """Layers go by their modules' paths; what the forward pass calls itself is numbered."""
    from torch import nn

    made = module(
        "self.head(flatten(self.pool(self.act(self.body(x)) + x), 1))",
        body=nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4)),
        act=nn.ReLU(inplace=True),
        pool=nn.AdaptiveAvgPool2d(1),
        head=nn.Linear(4, 10),
    )
    assert rows(made) == [
        ("body.0", "conv 3x3 p1 x4 nobias", (8, 8, 4), 144),
        ("body.1", "bn", (8, 8, 4), 8),
        ("act", "relu", (8, 8, 4), 0),
        ("add1", "add", (8, 8, 4), 0),
        ("pool", "gap", (1, 1, 4), 0),
        ("flatten1", "flatten", (4,), 0),
        ("head", "fc 10", (10,), 50),
    ]


@pytest.mark.parametrize(
    ("made", "text", "shape"),
    [
        ("nn.Conv2d(4, 8, 3, stride=2, padding=(1, 0), dilation=2)", "conv 3x3 s2 p1x0 d2 x8", (3, 2, 8)),
        ("nn.Conv2d(4, 8, 5, padding='same')", "conv 5x5 same x8", (8, 8, 8)),
        ("nn.Conv2d(4, 8, 3, groups=4)", "dwconv 3x3 m2", (6, 6, 8)),
        ("nn.Conv2d(4, 8, 3, groups=2, bias=False)", "conv 3x3 g2 x8 nobias", (6, 6, 8)),
        ("nn.ConvTranspose2d(4, 6, 3, stride=2, output_padding=1)", "deconv 3x3 s2 op1 x6", (18, 18, 6)),
        ("nn.MaxPool2d(3, 2, 1, ceil_mode=True)", "pool 3x3 s2 p1 ceil", (5, 5, 4)),
        ("nn.AvgPool2d(2)", "avgpool 2x2", (4, 4, 4)),
        ("nn.AdaptiveAvgPool2d(3)", "adaptiveavgpool 3x3", (3, 3, 4)),
        ("nn.AdaptiveMaxPool2d(1)", "gmp", (1, 1, 4)),
        ("nn.AdaptiveAvgPool2d((5, None))", "adaptiveavgpool 5x_", (5, 8, 4)),
        ("nn.Upsample(scale_factor=2)", "upsample 2", (16, 16, 4)),
        ("nn.Upsample(scale_factor=3, mode='bilinear')", "upsample 3 bilinear", (24, 24, 4)),
        ("nn.Upsample(size=(12, 5))", "resize 12x5", (12, 5, 4)),
        ("nn.Upsample(scale_factor=1.5, mode='bilinear')", "resize 12x12 bilinear", (12, 12, 4)),
        ("nn.PixelUnshuffle(2)", "pixelunshuffle 2", (4, 4, 16)),
        ("nn.PixelShuffle(2)", "pixelshuffle 2", (16, 16, 1)),
        ("nn.ChannelShuffle(2)", "shuffle g2", (8, 8, 4)),
        ("nn.ZeroPad2d((1, 2, 3, 4))", "pad 3-4x1-2", (15, 11, 4)),
        ("nn.GroupNorm(2, 4)", "gn g2", (8, 8, 4)),
        ("nn.InstanceNorm2d(4)", "instancenorm noaffine", (8, 8, 4)),
        ("nn.PReLU(4)", "prelu", (8, 8, 4)),
        ("nn.LeakyReLU(0.1)", "leakyrelu 0.1", (8, 8, 4)),
        ("nn.Hardswish()", "hardswish", (8, 8, 4)),
        ("nn.ReLU6()", "relu6", (8, 8, 4)),
        ("nn.Dropout(0.2)", "dropout 0.2", (8, 8, 4)),
        ("nn.Flatten()", "flatten", (256,)),
    ],
)
def test_words(made: str, text: str, shape: tuple[int, ...]) -> None:
    """A module of PyTorch is the layer of the same meaning, its output of PyTorch's size."""
    import torch

    part = eval(made, {"nn": torch.nn})
    assert list(part(torch.zeros(1, 4, 8, 8)).shape[1:]) == [shape[-1], *shape[:-1]]
    result = cnncalc.analyze(cnncalc.from_torch(torch.nn.Sequential(part), (8, 8, 4)))
    last = result.rows[-1]
    assert (last.description, last.output_shape, last.params) == (
        text,
        shape,
        sum(p.numel() for p in part.parameters()),
    )


@pytest.mark.parametrize("move", ["movedim(x, 1, -1)", "moveaxis(x, 1, 3)", "permute(x, (0, 2, 3, 1))"])
def test_moved_axes(move: str) -> None:
    """Channels moved to the end and back are no rows: a layer norm between them is one row."""
    from torch import nn

    assert rows(module(f"movedim(self.norm({move}), -1, 1)", norm=nn.LayerNorm(4))) == [("norm", "ln", (8, 8, 4), 8)]


def test_several_moved_axes() -> None:
    """Axes 2 and 1 become the last and the second last, and what is left stays in order."""
    moved = rows(module("movedim(x, (2, 1), (-1, -2))"), (5, 6, 7, 4))
    # N, C, D, H, W = 1, 4, 5, 6, 7 → 1, 6, 7, 4, 5: channels are still those of 4.
    assert [row[2] for row in moved] == [(6, 7, 5, 4)]


def test_tied() -> None:
    """A weight that two modules share is counted once."""
    from torch import nn

    made = module("self.b(self.a(x))", a=nn.Conv2d(4, 4, 1, bias=False), b=nn.Conv2d(4, 4, 1, bias=False))
    made.b.weight = made.a.weight
    assert [params for *_, params in rows(made)] == [16, 0]


def test_frozen() -> None:
    """What takes no gradient is frozen, also where another module shares it, and where it is the bias alone.

    4·4 + 4 of the first, none in the second that shares them, 16 of the third, whose bias of 4 is frozen.
    """
    from torch import nn

    made = module("self.c(self.b(self.a(x)))", **{name: nn.Conv2d(4, 4, 1) for name in "abc"})
    made.a.requires_grad_(False)
    made.b.weight, made.b.bias = made.a.weight, made.a.bias
    made.c.bias.requires_grad_(False)
    result = cnncalc.analyze(cnncalc.from_torch(made, "8x8x4"))

    assert [(row.description, row.params, row.frozen, row.backward_macs) for row in result.rows[1:]] == [
        ("conv 1x1 x4 frozen", 0, 20, 0),
        ("conv 1x1 x4 frozen", 0, 0, 0),
        # The gradient of its weights alone: nothing before it learns.
        ("conv 1x1 x4", 16, 4, 1024),
    ]
    assert (result.totals.params, result.totals.frozen, result.totals.params_bytes) == (16, 24, 160)


def test_parameter() -> None:
    """A parameter of no module is counted where it is read."""
    import torch

    made = module("x * self.gamma + self.shift")
    made.gamma = torch.nn.Parameter(torch.ones(4, 1, 1))
    made.shift = torch.nn.Parameter(torch.ones(1, 1, 8, 8))
    assert [(text, params) for _, text, _, params in rows(made)] == [("scale", 4), ("add", 64)]


def test_unused() -> None:
    """Parameters that the forward pass leaves out are no part of the totals, and a warning says so."""
    from torch import nn

    result = cnncalc.analyze(cnncalc.from_torch(module("self.a(x)", a=nn.Conv2d(4, 2, 1), b=nn.Linear(3, 3)), "8x8x4"))
    assert (result.totals.params, result.totals.unused, result.to_dict()["totals"]["unused"]) == (10, 12, 12)
    assert [(each.code, each.message) for each in result.warnings] == [
        ("W301", "12 parameters of `b` are not counted: the forward pass never reaches them")
    ]


def test_attention() -> None:
    """Self-attention: its two projections, and the products of queries with keys and of weights with values."""
    import torch

    attention = torch.nn.MultiheadAttention(6, 2, batch_first=True)
    made = module("self.a(x, x, x, need_weights=False)[0]", a=attention)
    result = cnncalc.analyze(cnncalc.from_torch(made, torch.zeros(1, 10, 6)))
    # 10 places · 6 · 18 and 10 · 6 · 6 for the projections; 2 · 10 · 10 · 6 for the products of all heads.
    assert (result.totals.macs, result.unknown) == (1080 + 360 + 1200, ())
    assert result.totals.params == sum(p.numel() for p in attention.parameters())


@pytest.mark.parametrize(
    ("code", "made", "layers"),
    [
        ("self.a(x)[0]", {"batch_first": True}, ["lstm 5"]),
        ("self.a(x)[1][0][-1]", {"batch_first": True}, ["lstm 5 last"]),
        ("self.a(x)[0]", {"batch_first": True, "bidirectional": True, "bias": False}, ["lstm 5 bi nobias"]),
        ("self.a(x.transpose(0, 1))[0]", {"num_layers": 2}, ["lstm 5 layers=2"]),
    ],
)
def test_recurrent(code: str, made: dict[str, object], layers: list[str]) -> None:
    """A recurrent layer is ours, with the sequence or the last state, steps or the batch first."""
    import torch

    lstm = torch.nn.LSTM(6, 5, **made)
    result = cnncalc.analyze(cnncalc.from_torch(module(code, a=lstm), torch.zeros(1, 10, 6)))
    assert ([str(row.node.layer) for row in result.rows if row.type == "lstm"], result.unknown) == (layers, ())
    weights = sum(p.numel() for name, p in lstm.named_parameters() if "weight" in name)
    assert result.totals.params == sum(p.numel() for p in lstm.parameters())
    assert result.totals.macs == 10 * weights


def test_projected_states() -> None:
    """A projection of the state is no layer here: a row of the same weights, each matrix multiplied at each step."""
    import torch

    made = module("self.a(x)[0]", a=torch.nn.LSTM(6, 5, batch_first=True, proj_size=2))
    result = cnncalc.analyze(cnncalc.from_torch(made, torch.zeros(1, 10, 6)))
    row = result.rows[1]
    # 4 gates of 5 units on 6 channels and 2 of the state, with two biases; 5 units become 2.
    assert (row.type, row.params, row.macs, row.output_shape) == (
        "lstm",
        4 * 5 * (6 + 2 + 2) + 2 * 5,
        10 * (4 * 5 * (6 + 2) + 2 * 5),
        (10, 2),
    )


def test_mode() -> None:
    """The module is traced in evaluation mode and left as it was."""
    import torch

    made = torch.nn.Sequential(torch.nn.BatchNorm2d(4), torch.nn.Dropout()).train()
    made[1].eval()
    cnncalc.from_torch(made, "8x8x4")
    assert [part.training for part in (made, *made)] == [True, True, False]


def test_untraceable() -> None:
    """A forward pass that looks at its input's values cannot be traced: an error with PyTorch's reason."""
    with pytest.raises(SpecError, match=r"^error\[E311\]: `Made` cannot be traced\n = \w+"):
        cnncalc.from_torch(module("x if x.sum() > 0 else -x"), "8x8x4")


FACTORY = """
from torch import nn

def net():
    return nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU())

def broken():
    raise RuntimeError("out of paint")
"""


def run(folder: Path, *arguments: str) -> tuple[int, str, str]:
    (folder / "factory.py").write_text(FACTORY, encoding="utf-8")
    command = [sys.executable, "-m", "cnncalc", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def test_command(tmp_path: Path) -> None:
    """On the command line a factory is named, and what is run is said."""
    status, output, errors = run(
        tmp_path, "torch:factory:net", "--input", "32x32x3", "-f", "csv", "--columns", "layer,output,params,macs"
    )
    assert (status, errors) == (0, "note: running the code of factory:net\n")
    assert (
        output
        == "layer,output,params,macs\ninput 32x32x3,32x32x3,0,0\nconv 3x3 x8,30x30x8,224,194400\nrelu,30x30x8,0,0\n"
    )


def test_command_inputs(tmp_path: Path) -> None:
    """`--input` is repeated for the inputs of a module: both sizes of a difference of two convolutions."""
    (tmp_path / "network.py").write_text(
        "from torch import nn\n\n\nclass Two(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(1, 8, 10)\n\n    def forward(self, a, b):\n        return self.c(a) - self.c(b)\n"
    )
    status, output, _ = run(tmp_path, "torch:network.py:Two", *("--input", "20x20x1") * 2, "--get", "totals.macs")
    # 2 · 11·11 places of 8 · 10·10 products.
    assert (status, output) == (0, "193600\n")


def test_command_channels_first(tmp_path: Path) -> None:
    """An input that the module takes only as channels first is read so, and the warning has the edit."""
    (tmp_path / "network.py").write_text(
        "from torch import nn\n\n\nclass Net(nn.Conv2d):\n    def __init__(self):\n        super().__init__(3, 8, 3)\n"
    )
    status, output, _ = run(tmp_path, "torch:network.py", "--input", "3x32x32")
    assert status == 0
    assert output.endswith(
        "warning[W204]: the module takes no input 3x32x32: it is read as 32x32x3, channels last\n"
        "  = help: write `--input 32x32x3`\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("torch:factory:nett", "--input", "32x32x3"),
            "error[E310]: `factory` has no `nett`\n = it has no module class\n = help: write `torch:factory:net`\n",
        ),
        (
            ("torch:factori:net", "--input", "32x32x3"),
            "error[E310]: `torch:factori:net` cannot be built\n"
            " = ModuleNotFoundError: No module named 'factori'\n = help: write `torch:factory:net`\n",
        ),
        (
            ("torch:factory:broken", "--input", "32x32x3"),
            "error[E310]: `torch:factory:broken` cannot be built\n = RuntimeError: out of paint\n",
        ),
        (
            ("torch:factory:net",),
            "error[E308]: the input of `factory:net` is open\n = a module does not state it\n"
            " = help: add `--input 224x224x3`\n",
        ),
        (
            ("torch:factory", "--input", "32x32x3"),
            "error[E310]: `torch:factory` names no class or function\n = its functions: `net`, `broken`\n"
            " = help: write `torch:factory:net`\n",
        ),
    ],
)
def test_command_wrong(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """What is wrong with a factory is said, without a traceback."""
    status, output, errors = run(tmp_path, *arguments)
    assert (status, output, errors.partition("\n")[2]) == (1, "", message)
