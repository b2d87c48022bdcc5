"""What the MAC and FLOP counters of others print, layer by layer: `python tests/conventions/measure.py`.

It runs the real counters on single layers (the probes) and on whole networks, and writes `golden.json` beside
itself with the versions of all that took part. The networks are those of networks.py. Nothing of cnncalc is
imported, and no weights are loaded.

It needs the packages in REQUIREMENTS and BUILT_AGAINST_TORCH. Where they are not installed for the Python that
runs it, it makes an environment in the temporary directory (once, a few GB), installs them there and goes on
inside it. A run takes some minutes. `--output FILE` writes elsewhere, and `--only NAME ...`
measures a few anew.

In golden.json, for each probe and network:

- `module`: how PyTorch writes it; `input` and `output`: shapes, the batch of 1 included.
- one figure for each tool: what it prints as its total, an integer unless the tool prints a fraction.
  `null`: the tool fails, and `failed` has its words.
- `by`: for each tool the parts of its total by its own categories (operators, module types or ONNX operators),
  those of 0 left out.

The tools, each as its users call it, in evaluation mode:

- `fvcore`: `FlopCountAnalysis(...).total()`, which its authors call flops: one for each multiply-add.
- `ptflops`: `get_model_complexity_info(...)` with the pytorch backend, called MACs. It hooks modules and also
  patches functions; what a module does by a patched function is counted by both.
- `ptflops_modules`: the same with `backend_specific_config={"count_functional": False}`: the hooks alone.
- `thop`: `profile(...)`, called MACs.
- `deepspeed`, `deepspeed_flops`: the flops profiler's MACs and FLOPs. `calflops`, `calflops_flops`: likewise.
- `onnx-tool`: MACs of the model as `torch.onnx.export` writes it with `dynamo=False`, which folds batch norm into
  the convolution in front of it. `onnx-tool_unfolded`: exported so that batch norm stays. `onnx-tool_dynamo`:
  exported by the newer exporter, which is PyTorch's default.
"""

import argparse
import contextlib
import importlib.metadata
import importlib.util
import io
import json
import logging
import os
import platform
import subprocess
import sys
import tempfile
import venv
import warnings
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

REQUIREMENTS = [
    "torch==2.14.1; platform_machine == 'x86_64'",
    "torch==2.9.1; platform_machine == 'aarch64'",
    "torchvision==0.29.1; platform_machine == 'x86_64'",
    "torchvision==0.24.1; platform_machine == 'aarch64'",
    "fvcore==0.1.5.post20221221",
    "ptflops==0.7.5",
    "thop==0.1.1.post2209072238",
    "calflops==0.3.2",
    "transformers==5.24.0",  # calflops imports it and does not ask for it
    "onnx==1.23.2",
    "onnx-tool==1.0.1",
    "onnxscript==0.7.2",
    "timm==1.0.31",
    "setuptools",
    "wheel",
]
BUILT_AGAINST_TORCH = ["deepspeed==0.19.8"]
MODULES = {  # what is imported, and the package that it comes from
    "torch": "torch",
    "torchvision": "torchvision",
    "fvcore": "fvcore",
    "ptflops": "ptflops",
    "thop": "thop",
    "deepspeed": "deepspeed",
    "calflops": "calflops",
    "transformers": "transformers",
    "onnx": "onnx",
    "onnx_tool": "onnx-tool",
    "onnxscript": "onnxscript",
    "timm": "timm",
}
OPSET = 17


def missing() -> list[str]:
    """The modules that this Python cannot import."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def run_in_environment() -> int:
    """Run this script in an environment of its own, made where there is none yet."""
    place = Path(tempfile.gettempdir()) / "cnncalc-conventions"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(place, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet"]
    subprocess.run([*pip, *REQUIREMENTS], check=True)
    subprocess.run([*pip, "--no-build-isolation", *BUILT_AGAINST_TORCH], check=True)
    return subprocess.run([str(python), __file__, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__" and missing():
    if Path(sys.prefix).name == "cnncalc-conventions":
        raise SystemExit(f"not importable here: {', '.join(missing())}")
    raise SystemExit(run_in_environment())

os.environ.setdefault("DS_ACCELERATOR", "cpu")
warnings.simplefilter("ignore")

import torch  # noqa: E402
import torchvision  # noqa: E402
from networks import NETWORKS, Build, Subject  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812

# --- what is measured ---------------------------------------------------------------------------------------------


class Call(nn.Module):
    """A function as a network, with the text that stands for it."""

    def __init__(self, text: str, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.text = text
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def __repr__(self) -> str:
        return self.text


class Scaled(nn.Module):
    """The input times a vector with one element per channel, by the operator or by the function; then a bias."""

    def __init__(self, by_function: bool = False, bias: bool = False) -> None:
        super().__init__()
        self.by_function, self.bias = by_function, bias
        self.register_buffer("s", torch.ones(1, 8, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        s = self.get_buffer("s")
        y = torch.mul(x, s) if self.by_function else x * s
        return y + s if self.bias else y

    def __repr__(self) -> str:
        return ("torch.mul(x, s)" if self.by_function else "x * s") + self.bias * " + s" + ", s: 1x8x1x1"


class ChannelNorm(nn.Module):
    """Layer norm over the channels of each place."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(8)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(x.permute(0, 2, 3, 1))
        return y.permute(0, 3, 1, 2)


class Steps(nn.Module):
    """A recurrent layer on a sequence that is channels first."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.layer(x.transpose(1, 2))[0]
        return y.transpose(1, 2)

    def __repr__(self) -> str:
        return repr(self.layer)


class ConvLSTM(nn.Module):
    """A convolutional LSTM as two convolutions a step, its gates by operators."""

    def __init__(self, stride: int = 1, bias: bool = True) -> None:
        super().__init__()
        self.frames = nn.Conv2d(8, 24, 3, stride, padding=1, bias=bias)
        self.state = nn.Conv2d(6, 24, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        given = [self.frames(frame) for frame in x.unbind(2)]
        h = c = torch.zeros_like(given[0][:, :6])
        outputs = []
        for each in given:
            enter, keep, new, leave = torch.split(each + self.state(h), 6, 1)
            c = keep.sigmoid() * c + enter.sigmoid() * new.tanh()
            h = leave.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs, 2)


class Embedded(nn.Module):
    """An embedding of indices, which the tools hand over as numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(10, 6)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.embedding(x.long())
        return y


class GlobalResponseNorm(nn.Module):
    """ConvNeXtV2's global response norm, as its authors write it, on a map with the channels last."""

    def __init__(self) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, 8))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, 8))

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 2, 3, 1)
        gx = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        nx = gx / (gx.mean(dim=-1, keepdim=True) + 1e-6)
        y: Tensor = self.gamma * (x * nx) + self.beta + x
        return y.permute(0, 3, 1, 2)


class Attended(nn.Module):
    """Self-attention over all positions of a map, by PyTorch's module or written out as timm does."""

    def __init__(self, module: bool) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(8, 2, batch_first=True) if module else None
        if not module:
            self.q, self.k, self.v, self.out = (nn.Linear(8, 8) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        if self.attention is not None:
            y: Tensor = self.attention(tokens, tokens, tokens, need_weights=False)[0]
        else:
            q, k, v = (each(tokens).unflatten(2, (2, 4)).transpose(1, 2) for each in (self.q, self.k, self.v))
            y = (q * 0.5 @ k.transpose(2, 3)).softmax(3) @ v
            y = self.out(y.transpose(1, 2).flatten(2))
        return y.transpose(1, 2).unflatten(2, x.shape[2:])


class AttendedInBlocks(nn.Module):
    """Self-attention within blocks of 3x5, with a number for each head and offset, and keys and values of one head."""

    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(8, size, bias=False) for size in (8, 4, 4, 8))
        self.offsets = nn.Parameter(torch.zeros(2, 15, 15))

    def forward(self, x: Tensor) -> Tensor:
        n, c, h, w = x.shape
        blocks = x.view(n, c, h // 3, 3, w // 5, 5).permute(0, 2, 4, 3, 5, 1).reshape(-1, 15, c)
        q = self.q(blocks).view(-1, 15, 2, 4).transpose(1, 2)
        k, v = (each(blocks).view(-1, 1, 15, 4) for each in (self.k, self.v))
        y = (q * 0.5 @ k.transpose(2, 3) + self.offsets).softmax(3) @ v
        y = self.out(y.transpose(1, 2).reshape(-1, 15, 8))
        return y.view(n, h // 3, w // 5, 3, 5, c).permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


def add_in_place(x: Tensor) -> Tensor:
    """A residual addition as torchvision writes it."""
    y = x.clone()
    y += x
    return y


def shuffled(x: Tensor) -> Tensor:
    """A channel shuffle in 2 groups as torchvision writes it."""
    n, c, h, w = x.shape
    return x.view(n, 2, c // 2, h, w).transpose(1, 2).contiguous().view(n, c, h, w)


PLANE = (1, 8, 13, 11)
SQUARE = (1, 8, 14, 14)
LINE = (1, 8, 13)
VOLUME = (1, 8, 5, 7, 6)
VECTOR = (1, 1144)
CALLS: dict[str, tuple[str, Callable[[Tensor], Tensor]]] = {
    "add": ("x + x", lambda x: x + x),
    "add_in_place": ("y += x", add_in_place),
    "add_function": ("torch.add(x, x)", lambda x: torch.add(x, x)),
    "mul": ("x * x", lambda x: x * x),
    "mul_function": ("torch.mul(x, x)", lambda x: torch.mul(x, x)),
    "concat": ("torch.cat([x, x], 1)", lambda x: torch.cat([x, x], 1)),
    "slice": ("x[:, 2:6]", lambda x: x[:, 2:6]),
    "shuffle": ("channel shuffle, 2 groups", shuffled),
    "mean": ("x.mean((2, 3))", lambda x: x.mean((2, 3))),
    "flatten_function": ("torch.flatten(x, 1)", lambda x: torch.flatten(x, 1)),
    "relu_function": ("F.relu(x)", lambda x: F.relu(x)),
    "relu6_function": ("F.relu6(x)", lambda x: F.relu6(x)),
    "maxpool_function": ("F.max_pool2d(x, 3, stride=2)", lambda x: F.max_pool2d(x, 3, stride=2)),
    "avgpool_function": ("F.avg_pool2d(x, 3, stride=2)", lambda x: F.avg_pool2d(x, 3, stride=2)),
    "adaptiveavgpool_1_function": ("F.adaptive_avg_pool2d(x, 1)", lambda x: F.adaptive_avg_pool2d(x, 1)),
    "upsample_nearest_function": ("F.interpolate(x, scale_factor=2)", lambda x: F.interpolate(x, scale_factor=2)),
    "upsample_size_function": ("F.interpolate(x, size=(26, 22))", lambda x: F.interpolate(x, size=(26, 22))),
    "softmax_function": ("F.softmax(x, 1)", lambda x: F.softmax(x, 1)),
    "dropout_function": ("F.dropout(x, training=False)", lambda x: F.dropout(x, training=False)),
    "pad_function": ("F.pad(x, (1, 2, 3, 4))", lambda x: F.pad(x, (1, 2, 3, 4))),
}


def call(name: str) -> Build:
    """How the probe of a function is built."""
    text, function = CALLS[name]
    return lambda: Call(text, function)


PROBES: dict[str, Subject] = {
    "conv_bias": (lambda: nn.Conv2d(8, 6, 3, padding=1), PLANE),
    "conv_nobias": (lambda: nn.Conv2d(8, 6, 3, padding=1, bias=False), PLANE),
    "conv_1x1": (lambda: nn.Conv2d(8, 6, 1), PLANE),
    "conv_stride": (lambda: nn.Conv2d(8, 6, (3, 2), stride=(2, 3), padding=(1, 0)), PLANE),
    "conv_dilation": (lambda: nn.Conv2d(8, 6, 3, dilation=2), PLANE),
    "conv_same": (lambda: nn.Conv2d(8, 6, 4, padding="same"), PLANE),
    "conv_same_3x3": (lambda: nn.Conv2d(8, 6, 3, padding="same"), PLANE),
    "conv_groups": (lambda: nn.Conv2d(8, 6, 3, padding=1, groups=2), PLANE),
    "conv_depthwise": (lambda: nn.Conv2d(8, 8, 3, padding=1, groups=8), PLANE),
    "conv_depthwise_m2": (lambda: nn.Conv2d(8, 16, 3, padding=1, groups=8, bias=False), PLANE),
    "conv_separable": (
        lambda: nn.Sequential(nn.Conv2d(8, 16, 3, padding=1, groups=8, bias=False), nn.Conv2d(16, 6, 1)),
        PLANE,
    ),
    "conv1d": (lambda: nn.Conv1d(8, 6, 3), LINE),
    "conv3d": (lambda: nn.Conv3d(8, 6, 3), VOLUME),
    "deconv_bias": (lambda: nn.ConvTranspose2d(8, 6, 3, stride=2, padding=1, output_padding=1), PLANE),
    "deconv_nobias": (lambda: nn.ConvTranspose2d(8, 6, 3, stride=2, bias=False), PLANE),
    "deconv_2x2": (lambda: nn.ConvTranspose2d(8, 6, 2, stride=2), PLANE),
    "deconv_stride1": (lambda: nn.ConvTranspose2d(8, 6, 3), PLANE),
    "deconv_groups": (lambda: nn.ConvTranspose2d(8, 6, 3, stride=2, groups=2), PLANE),
    "deconv_groups_nobias": (lambda: nn.ConvTranspose2d(8, 12, 3, stride=2, groups=4, bias=False), PLANE),
    "deconv_depthwise": (lambda: nn.ConvTranspose2d(8, 8, 4, stride=2, padding=1, groups=8), PLANE),
    "deconv1d": (lambda: nn.ConvTranspose1d(8, 6, 3, stride=2), LINE),
    "deconv3d": (lambda: nn.ConvTranspose3d(8, 6, 3, stride=2), VOLUME),
    "linear_bias": (lambda: nn.Linear(1144, 10), VECTOR),
    "linear_nobias": (lambda: nn.Linear(1144, 10, bias=False), VECTOR),
    "linear_last_axis": (lambda: nn.Linear(11, 5), PLANE),
    "bn": (lambda: nn.BatchNorm2d(8), PLANE),
    "bn_noaffine": (lambda: nn.BatchNorm2d(8, affine=False), PLANE),
    "bn1d": (lambda: nn.BatchNorm1d(1144), VECTOR),
    "bn3d": (lambda: nn.BatchNorm3d(8), VOLUME),
    "conv_bn": (lambda: nn.Sequential(nn.Conv2d(8, 6, 3, padding=1, bias=False), nn.BatchNorm2d(6)), PLANE),
    "deconv_bn": (lambda: nn.Sequential(nn.ConvTranspose2d(8, 6, 3, 2, bias=False), nn.BatchNorm2d(6)), PLANE),
    "relu_conv_bn": (lambda: nn.Sequential(nn.ReLU(), nn.Conv2d(8, 6, 3), nn.BatchNorm2d(6)), PLANE),
    "bn_conv": (lambda: nn.Sequential(nn.BatchNorm2d(8), nn.Conv2d(8, 6, 3, padding=1, bias=False)), PLANE),
    "layernorm": (lambda: nn.LayerNorm([8, 13, 11]), PLANE),
    "layernorm_last_axis": (lambda: nn.LayerNorm(11), PLANE),
    "layernorm_vector": (lambda: nn.LayerNorm(1144), VECTOR),
    "layernorm_noaffine": (lambda: nn.LayerNorm([8, 13, 11], elementwise_affine=False), PLANE),
    "layernorm_channels": (ChannelNorm, PLANE),
    "groupnorm": (lambda: nn.GroupNorm(4, 8), PLANE),
    "groupnorm_noaffine": (lambda: nn.GroupNorm(4, 8, affine=False), PLANE),
    "instancenorm": (lambda: nn.InstanceNorm2d(8, affine=True), PLANE),
    "instancenorm_noaffine": (lambda: nn.InstanceNorm2d(8), PLANE),
    "lrn": (lambda: nn.LocalResponseNorm(5), PLANE),
    "grn": (GlobalResponseNorm, PLANE),
    "embedding": (Embedded, (1, 13)),
    "attention": (lambda: Attended(module=False), PLANE),
    "attention_module": (lambda: Attended(module=True), PLANE),
    "attention_blocks": (AttendedInBlocks, (1, 8, 12, 10)),
    "relu": (nn.ReLU, PLANE),
    "relu_in_place": (lambda: nn.ReLU(inplace=True), PLANE),
    "relu6": (nn.ReLU6, PLANE),
    "leakyrelu": (lambda: nn.LeakyReLU(0.1), PLANE),
    "prelu": (lambda: nn.PReLU(8), PLANE),
    "prelu_shared": (nn.PReLU, PLANE),
    "elu": (nn.ELU, PLANE),
    "selu": (nn.SELU, PLANE),
    "celu": (nn.CELU, PLANE),
    "gelu": (nn.GELU, PLANE),
    "gelu_tanh": (lambda: nn.GELU(approximate="tanh"), PLANE),
    "silu": (nn.SiLU, PLANE),
    "mish": (nn.Mish, PLANE),
    "sigmoid": (nn.Sigmoid, PLANE),
    "hardsigmoid": (nn.Hardsigmoid, PLANE),
    "hardswish": (nn.Hardswish, PLANE),
    "tanh": (nn.Tanh, PLANE),
    "hardtanh": (nn.Hardtanh, PLANE),
    "softplus": (nn.Softplus, PLANE),
    "softsign": (nn.Softsign, PLANE),
    "softmax": (lambda: nn.Softmax(dim=1), PLANE),
    "softmax_vector": (lambda: nn.Softmax(dim=1), VECTOR),
    "logsoftmax": (lambda: nn.LogSoftmax(dim=1), PLANE),
    "maxpool": (lambda: nn.MaxPool2d(3, stride=2), PLANE),
    "maxpool_pad": (lambda: nn.MaxPool2d(3, stride=2, padding=1), PLANE),
    "maxpool_ceil": (lambda: nn.MaxPool2d(2, ceil_mode=True), PLANE),
    "maxpool_dilation": (lambda: nn.MaxPool2d(3, stride=2, dilation=2), PLANE),
    "maxpool_3x2": (lambda: nn.MaxPool2d((3, 2), stride=(2, 1)), PLANE),
    "maxpool1d": (lambda: nn.MaxPool1d(3, stride=2), LINE),
    "maxpool3d": (lambda: nn.MaxPool3d(3, stride=2), VOLUME),
    "avgpool": (lambda: nn.AvgPool2d(3, stride=2), PLANE),
    "avgpool_pad": (lambda: nn.AvgPool2d(3, stride=2, padding=1), PLANE),
    "avgpool_ceil": (lambda: nn.AvgPool2d(2, ceil_mode=True), PLANE),
    "avgpool1d": (lambda: nn.AvgPool1d(3, stride=2), LINE),
    "avgpool3d": (lambda: nn.AvgPool3d(3, stride=2), VOLUME),
    "adaptiveavgpool_1": (lambda: nn.AdaptiveAvgPool2d(1), PLANE),
    "adaptiveavgpool_7": (lambda: nn.AdaptiveAvgPool2d(7), PLANE),
    "adaptiveavgpool_7_of_14": (lambda: nn.AdaptiveAvgPool2d(7), SQUARE),
    "adaptiveavgpool_same": (lambda: nn.AdaptiveAvgPool2d((13, 11)), PLANE),
    "adaptiveavgpool_5x1": (lambda: nn.AdaptiveAvgPool2d((5, 1)), PLANE),
    "adaptiveavgpool1d": (lambda: nn.AdaptiveAvgPool1d(1), LINE),
    "adaptiveavgpool3d": (lambda: nn.AdaptiveAvgPool3d(1), VOLUME),
    "adaptivemaxpool_1": (lambda: nn.AdaptiveMaxPool2d(1), PLANE),
    "adaptivemaxpool_7": (lambda: nn.AdaptiveMaxPool2d(7), PLANE),
    "adaptivemaxpool_7_of_14": (lambda: nn.AdaptiveMaxPool2d(7), SQUARE),
    "upsample_nearest": (lambda: nn.Upsample(scale_factor=2, mode="nearest"), PLANE),
    "upsample_nearest_3x2": (lambda: nn.Upsample(scale_factor=(3, 2), mode="nearest"), PLANE),
    "upsample_bilinear": (lambda: nn.Upsample(scale_factor=2, mode="bilinear"), PLANE),
    "upsample_bilinear_3x2": (lambda: nn.Upsample(scale_factor=(3, 2), mode="bilinear"), PLANE),
    "upsample_nearest_size": (lambda: nn.Upsample(size=(26, 22), mode="nearest"), PLANE),
    "resize_nearest": (lambda: nn.Upsample(size=(20, 7), mode="nearest"), PLANE),
    "resize_bilinear": (lambda: nn.Upsample(size=(20, 7), mode="bilinear"), PLANE),
    "resize_nearest1d": (lambda: nn.Upsample(size=20, mode="nearest"), LINE),
    "resize_linear1d": (lambda: nn.Upsample(size=20, mode="linear"), LINE),
    "resize_nearest3d": (lambda: nn.Upsample(size=(5, 7, 20), mode="nearest"), VOLUME),
    "resize_trilinear3d": (lambda: nn.Upsample(size=(5, 7, 20), mode="trilinear"), VOLUME),
    "upsample_nearest1d": (lambda: nn.Upsample(scale_factor=2, mode="nearest"), LINE),
    "upsample_linear1d": (lambda: nn.Upsample(scale_factor=2, mode="linear"), LINE),
    "upsample_nearest3d": (lambda: nn.Upsample(scale_factor=2, mode="nearest"), VOLUME),
    "upsample_trilinear3d": (lambda: nn.Upsample(scale_factor=2, mode="trilinear"), VOLUME),
    "pixelshuffle": (lambda: nn.PixelShuffle(2), PLANE),
    "pad": (lambda: nn.ZeroPad2d((1, 2, 3, 4)), PLANE),
    "crop": (lambda: nn.ZeroPad2d((-1, -2, -3, -1)), PLANE),
    "dropout": (lambda: nn.Dropout(0.5), PLANE),
    "droppath": (lambda: torchvision.ops.StochasticDepth(0.2, "row"), PLANE),
    "identity": (nn.Identity, PLANE),
    "flatten": (nn.Flatten, PLANE),
    "lstm": (lambda: Steps(nn.LSTM(8, 6, batch_first=True)), LINE),
    "lstm_nobias": (lambda: Steps(nn.LSTM(8, 6, bias=False, batch_first=True)), LINE),
    "lstm_bi": (lambda: Steps(nn.LSTM(8, 5, bidirectional=True, batch_first=True)), LINE),
    "lstm_layers": (lambda: Steps(nn.LSTM(8, 6, num_layers=2, batch_first=True)), LINE),
    "lstm_bi_layers": (lambda: Steps(nn.LSTM(8, 6, num_layers=3, bidirectional=True, batch_first=True)), LINE),
    "gru": (lambda: Steps(nn.GRU(8, 6, batch_first=True)), LINE),
    "gru_nobias": (lambda: Steps(nn.GRU(8, 6, bias=False, batch_first=True)), LINE),
    "gru_bi_layers": (lambda: Steps(nn.GRU(8, 5, num_layers=2, bidirectional=True, batch_first=True)), LINE),
    "rnn": (lambda: Steps(nn.RNN(8, 6, batch_first=True)), LINE),
    "rnn_bi_layers": (lambda: Steps(nn.RNN(8, 5, num_layers=2, bidirectional=True, batch_first=True)), LINE),
    "convlstm": (ConvLSTM, VOLUME),
    "convlstm_stride": (lambda: ConvLSTM(2, bias=False), VOLUME),
    "scale": (Scaled, PLANE),
    "scale_bias": (lambda: Scaled(bias=True), PLANE),
    "scale_function": (lambda: Scaled(by_function=True), PLANE),
    **{name: (call(name), PLANE) for name in CALLS},
}


def built(build: Build) -> nn.Module:
    """A network in evaluation mode, with parameters as after training: an exporter drops a bias of zeros."""
    model = build().eval()
    with torch.no_grad():
        for tensor in (*model.parameters(), *model.buffers()):
            if tensor.is_floating_point():
                tensor.add_(0.01 * torch.rand_like(tensor))
    return model


# --- the tools ----------------------------------------------------------------------------------------------------

Number = int | float
Figures = dict[str, tuple[Number, dict[str, Number]]]


def number(value: Any) -> Number:
    """An integer where the tool's figure is whole."""
    return int(value) if int(value) == value else float(value)


def parts(pairs: Iterable[tuple[str, Any]]) -> dict[str, Number]:
    """The sum for each category, those of 0 left out, by name."""
    sums: Counter[str] = Counter()
    for kind, value in pairs:
        sums[kind] += value
    return {kind: number(value) for kind, value in sorted(sums.items()) if value}


def by_fvcore(build: Build, shape: tuple[int, ...]) -> Figures:
    from fvcore.nn import FlopCountAnalysis

    analysis = FlopCountAnalysis(built(build), torch.ones(shape))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False).tracer_warnings("none")
    return {"fvcore": (number(analysis.total()), parts(analysis.by_operator().items()))}


def by_ptflops(build: Build, shape: tuple[int, ...]) -> Figures:
    from ptflops import get_model_complexity_info

    def total(functions: bool, ignored: tuple[type[nn.Module], ...] = ()) -> int:
        macs, _ = get_model_complexity_info(
            built(build),
            shape[1:],
            as_strings=False,
            print_per_layer_stat=False,
            ignore_modules=list(ignored),
            backend="pytorch",
            backend_specific_config={"count_functional": functions},
        )
        if macs is None:
            raise RuntimeError("ptflops gives no figure")
        return int(macs)

    full, modules = total(True), total(False)
    types = {type(module) for module in build().modules()}
    by = parts((kind.__name__, modules - total(False, (kind,))) for kind in types)
    functional = {"functions": full - modules} if full != modules else {}
    return {"ptflops": (full, {**by, **functional}), "ptflops_modules": (modules, by)}


def by_thop(build: Build, shape: tuple[int, ...]) -> Figures:
    from thop import profile

    model = built(build)
    types = {name: type(module).__name__ for name, module in model.named_modules()}
    macs, _, layers = profile(model, inputs=(torch.ones(shape),), verbose=False, ret_layer_info=True)

    def leaves(found: dict[str, Any], prefix: str) -> Iterable[tuple[str, Any]]:
        for name, (value, _, inner) in found.items():
            if inner:
                yield from leaves(inner, f"{prefix}{name}.")
            else:
                yield types[f"{prefix}{name}"], value

    return {"thop": (number(macs), parts(leaves(layers, "") if layers else [(types[""], macs)]))}


def by_deepspeed(build: Build, shape: tuple[int, ...]) -> Figures:
    from deepspeed.profiling.flops_profiler import FlopsProfiler

    model = built(build)
    profiler = FlopsProfiler(model)
    profiler.start_profile()
    try:
        model(torch.ones(shape))
        return counted("deepspeed", model, profiler.get_total_macs(), profiler.get_total_flops())
    finally:
        profiler.end_profile()


def by_calflops(build: Build, shape: tuple[int, ...]) -> Figures:
    # calculate_flops does this and no more, but asks for a parameter's device, which a layer without any has not.
    from calflops.calculate_pipline import CalFlopsPipline

    model = built(build)
    profiler = CalFlopsPipline(model, include_backPropagation=False, compute_bp_factor=2.0)
    profiler.start_flops_calculate()
    try:
        model(torch.ones(shape))
        return counted("calflops", model, profiler.get_total_macs(), profiler.get_total_flops())
    finally:
        profiler.end_flops_calculate()


def counted(tool: str, model: nn.Module, macs: Number, flops: Number) -> Figures:
    """The figures of the two profilers that leave them in attributes of the modules."""
    kinds = [(type(module).__name__, module) for module in model.modules()]
    return {
        tool: (number(macs), parts((kind, module.__macs__) for kind, module in kinds)),
        f"{tool}_flops": (number(flops), parts((kind, module.__flops__) for kind, module in kinds)),
    }


def onnx_figure(name: str, model: Any) -> Figures:
    import onnx_tool

    graph = onnx_tool.Model(model).graph
    graph.graph_reorder_nodes()
    graph.shape_infer()
    graph.profile(exclude_ops=onnx_tool.NoMacsOps)
    nodes = [node for node in graph.nodemap.values() if node.op_type not in onnx_tool.NoMacsOps]
    return {name: (number(graph.macs[0]), parts((node.op_type, node.macs[0]) for node in nodes))}


def exported(build: Build, shape: tuple[int, ...], training: Any) -> Any:
    """The network as the older exporter writes it."""
    import onnx

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        torch.onnx.export(
            built(build), (torch.ones(shape),), file, dynamo=False, opset_version=OPSET, training=training
        )
        return onnx.load_model(str(file))


def by_onnx_tool(build: Build, shape: tuple[int, ...]) -> Figures:
    return onnx_figure("onnx-tool", exported(build, shape, torch.onnx.TrainingMode.EVAL))


def by_onnx_tool_unfolded(build: Build, shape: tuple[int, ...]) -> Figures:
    return onnx_figure("onnx-tool_unfolded", exported(build, shape, torch.onnx.TrainingMode.PRESERVE))


def by_onnx_tool_dynamo(build: Build, shape: tuple[int, ...]) -> Figures:
    program = torch.onnx.export(built(build), (torch.ones(shape),), dynamo=True, verbose=False)
    if program is None:
        raise RuntimeError("the exporter gives no model")
    return onnx_figure("onnx-tool_dynamo", program.model_proto)


TOOLS: dict[Callable[[Build, tuple[int, ...]], Figures], tuple[str, ...]] = {
    by_fvcore: ("fvcore",),
    by_ptflops: ("ptflops", "ptflops_modules"),
    by_thop: ("thop",),
    by_deepspeed: ("deepspeed", "deepspeed_flops"),
    by_calflops: ("calflops", "calflops_flops"),
    by_onnx_tool: ("onnx-tool",),
    by_onnx_tool_unfolded: ("onnx-tool_unfolded",),
    by_onnx_tool_dynamo: ("onnx-tool_dynamo",),
}

# --- the measurement ----------------------------------------------------------------------------------------------


def measured(build: Build, shape: tuple[int, ...]) -> dict[str, Any]:
    """One entry of golden.json."""
    model = built(build)
    with torch.no_grad():
        output = model(torch.ones(shape))
    text = repr(model)
    entry: dict[str, Any] = {
        "module": text if "\n" not in text or isinstance(model, nn.Sequential) else type(model).__name__,
        "input": list(shape),
        "output": list(output.shape),
    }
    entry["module"] = " ".join(entry["module"].split())
    by: dict[str, dict[str, Number]] = {}
    failed: dict[str, str] = {}
    untouched = {name: getattr(F, name) for name in dir(F)}
    for tool, names in TOOLS.items():
        try:
            with torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
                figures = tool(build, shape)
            entry.update((name, figures[name][0]) for name in names)
            by.update((name, figures[name][1]) for name in names if figures[name][1])
        except (Exception, SystemExit) as error:
            entry.update((name, None) for name in names)
            cause = error.__cause__ or error
            failed[names[0]] = f"{type(cause).__name__}: {cause}".splitlines()[0][:200]
        for name, function in untouched.items():  # what a tool that failed has left patched
            setattr(F, name, function)
    entry["by"] = by
    if failed:
        entry["failed"] = failed
    return entry


def layers(build: Build, shape: tuple[int, ...]) -> list[dict[str, Any]]:
    """The modules of a network in the order they run, with their shapes."""
    model = built(build)
    found: list[dict[str, Any]] = []

    def hook(name: str) -> Callable[[nn.Module, tuple[Tensor, ...], Tensor], None]:
        def note(module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor) -> None:
            found.append(
                {"name": name, "module": repr(module), "input": list(inputs[0].shape), "output": list(output.shape)}
            )

        return note

    for name, module in model.named_modules():
        if not list(module.children()):
            module.register_forward_hook(hook(name))
    with torch.no_grad():
        model(torch.ones(shape))
    return found


def written(golden: dict[str, Any]) -> str:
    """JSON with one line for each field of a probe or network."""

    def section(entries: dict[str, Any]) -> str:
        return ",\n".join(
            f"    {json.dumps(name)}: {{\n"
            + ",\n".join(f"      {json.dumps(key)}: {json.dumps(value)}" for key, value in entry.items())
            + "\n    }"
            for name, entry in entries.items()
        )

    head = json.dumps(golden["versions"])
    return (
        f'{{\n  "versions": {head},\n  "opset": {golden["opset"]},\n'
        f'  "probes": {{\n{section(golden["probes"])}\n  }},\n'
        f'  "networks": {{\n{section(golden["networks"])}\n  }}\n}}\n'
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Run the counters of others and write what they print.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("golden.json"))
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="measure these probes and networks alone, and keep the rest as it is"
    )
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    torch.manual_seed(0)
    golden: dict[str, Any] = {
        "versions": {
            "python": platform.python_version(),
            **{name: importlib.metadata.version(name) for name in MODULES.values()},
        },
        "opset": OPSET,
    }
    kept: dict[str, dict[str, Any]] = {"probes": {}, "networks": {}}
    if arguments.only:
        before = json.loads(arguments.output.read_text(encoding="utf-8"))
        changed = {name for name, version in before["versions"].items() if golden["versions"].get(name) != version}
        if changed - {"python"}:
            raise SystemExit(f"measured by other releases: {', '.join(sorted(changed))}; measure all anew")
        kept = {section: before[section] for section in kept}
    for section, subjects in (("probes", PROBES), ("networks", NETWORKS)):
        golden[section] = {}
        for name, (build, shape) in subjects.items():
            if arguments.only and name not in arguments.only:
                if name in kept[section]:
                    golden[section][name] = kept[section][name]
                continue
            sys.stderr.write(f"{section}: {name}\n")
            golden[section][name] = measured(build, shape)
            if name == "mixed":
                golden[section][name]["layers"] = layers(build, shape)
    arguments.output.write_text(written(golden), encoding="utf-8")


if __name__ == "__main__":
    main()
