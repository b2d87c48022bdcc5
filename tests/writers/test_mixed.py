"""Random networks of convolutions with recurrent layers or attention, built in PyTorch by hand.

Parameters, MACs and the shapes between agree to the integer.
"""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

import cnncalc

pytestmark = pytest.mark.frameworks
torch = pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[frameworks]'")
from torch import nn  # noqa: E402
from torch.nn import functional as F  # noqa: E402, N812
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class States(nn.Module):
    """A recurrent layer on a sequence with channels first: its states, or the last ones."""

    def __init__(self, layer: Any, last: bool) -> None:
        super().__init__()
        self.layer, self.last = layer, last

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, final = self.layer(x.transpose(1, 2))
        if not self.last:
            return torch.transpose(states, 1, 2)
        final = final[0] if isinstance(final, tuple) else final
        return torch.transpose(final[-1 - self.layer.bidirectional :], 0, 1).flatten(1)


class Frames(nn.Module):
    """A convolutional LSTM over the frames of a volume."""

    def __init__(self, channels: int, filters: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.frames = nn.Conv2d(channels, 4 * filters, kernel, stride, kernel // 2)
        self.state = nn.Conv2d(filters, 4 * filters, kernel, padding=kernel // 2, bias=False)
        self.filters = filters

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs: list[torch.Tensor] = []
        h = c = None
        for frame in x.unbind(2):
            given = self.frames(frame)
            h = torch.zeros_like(given[:, : self.filters]) if h is None else h
            c = torch.zeros_like(h) if c is None else c
            enter, keep, new, leave = (given + self.state(h)).chunk(4, 1)
            c = keep.sigmoid() * c + enter.sigmoid() * new.tanh()
            h = leave.sigmoid() * c.tanh()
            outputs.append(h)
        return torch.stack(outputs, 2)


class Attend(nn.Module):
    """Attention over all positions of a map, with heads of its own for keys, and numbers for pairs of positions."""

    def __init__(self, channels: int, heads: int, size: int, kv: int, bias: bool) -> None:
        super().__init__()
        self.heads, self.kv, self.size = heads, kv, size
        self.q = nn.Linear(channels, heads * size, bias=bias)
        self.k, self.v = (nn.Linear(channels, kv * size, bias=bias) for _ in range(2))
        self.out = nn.Linear(heads * size, channels, bias=bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        tokens = x.flatten(2).transpose(1, 2)
        q = self.q(tokens).unflatten(2, (self.heads, self.size)).transpose(1, 2)
        k, v = (
            each(tokens).unflatten(2, (self.kv, self.size)).transpose(1, 2).repeat_interleave(self.heads // self.kv, 1)
            for each in (self.k, self.v)
        )
        y = F.softmax(q @ k.transpose(2, 3) * self.size**-0.5, 3) @ v
        return torch.transpose(self.out(y.transpose(1, 2).flatten(2)), 1, 2).unflatten(2, x.shape[2:])


class Within(nn.Module):
    """PyTorch's own attention within blocks of a map of two axes."""

    def __init__(self, channels: int, heads: int, height: int, width: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(channels, heads, batch_first=True)
        self.height, self.width = height, width

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, c, h, w = x.shape
        rows, columns = h // self.height, w // self.width
        blocks = x.view(n, c, rows, self.height, columns, self.width).permute(0, 2, 4, 3, 5, 1)
        tokens = blocks.reshape(-1, self.height * self.width, c)
        y: torch.Tensor = self.attention(tokens, tokens, tokens)[0]
        y = y.view(n, rows, columns, self.height, self.width, c)
        return y.permute(0, 5, 1, 3, 2, 4).reshape(n, c, h, w)


Drawn = tuple[str, list[nn.Module], tuple[int, ...]]


def convolutions(choose: Random, sizes: list[int], channels: int) -> tuple[list[str], list[nn.Module], list[int], int]:
    """Some convolutions on as many axes as there are sizes: their specs and modules, and what comes out."""
    specs, modules = [], list[nn.Module]()
    kind: Any = (nn.Conv1d, nn.Conv2d, nn.Conv3d)[len(sizes) - 1]
    for _ in range(choose.randint(1, 3)):
        filters, kernel, stride = choose.randint(1, 9), choose.choice((1, 3, 5)), choose.choice((1, 1, 2))
        specs.append(f"conv {kernel} s{stride} p{kernel // 2} x{filters}")
        modules.append(kind(channels, filters, kernel, stride, kernel // 2))
        sizes, channels = [(n - 1) // stride + 1 for n in sizes], filters
    return specs, modules, sizes, channels


def recurrent(choose: Random) -> Drawn:
    """Convolutions over the steps, recurrent layers, and a linear one on the last state."""
    given = choose.randint(1, 9)
    steps = choose.randint(20, 40)
    specs, modules, _, channels = convolutions(choose, [steps], given)
    number = choose.randint(1, 3)
    for index in range(number):
        kind, units, layers = choose.choice(list(MODULES)), choose.randint(1, 9), choose.randint(1, 3)
        both, bias, last = choose.random() < 0.5, choose.random() < 0.7, index == number - 1
        words = [f"{kind} {units} layers={layers}", *["bi"] * both, *["nobias"] * (not bias), *["last"] * last]
        specs.append(" ".join(words))
        layer = MODULES[kind](channels, units, layers, bias=bias, bidirectional=both, batch_first=True)
        modules.append(States(layer, last))
        channels = units * (1 + both)
    return " | ".join([*specs, "fc 5"]), [*modules, nn.Linear(channels, 5)], (given, steps)


def frames(choose: Random) -> Drawn:
    """A convolutional LSTM, then convolutions over the volume of its states."""
    given, sizes = choose.randint(1, 5), [choose.randint(3, 6), choose.randint(8, 14), choose.randint(8, 14)]
    filters, kernel, stride = choose.randint(1, 6), choose.choice((1, 3)), choose.choice((1, 2))
    modules: list[nn.Module] = [Frames(given, filters, kernel, stride)]
    after = [sizes[0], *((n - 1) // stride + 1 for n in sizes[1:])]
    specs, more, *_ = convolutions(choose, after, filters)
    first = f"convlstm {kernel} s{stride} p{kernel // 2} x{filters}"
    return " | ".join([first, *specs]), [*modules, *more], (given, *sizes)


def attending(choose: Random) -> Drawn:
    """Convolutions on one axis or two, and attention between them, over all positions or within blocks."""
    rank = choose.randint(1, 2)
    given, sizes = choose.randint(1, 6), [8 * choose.randint(1, 3) for _ in range(rank)]
    specs, modules, after, channels = convolutions(choose, sizes, given)
    for _ in range(choose.randint(1, 3)):
        heads = choose.choice((1, 2, 4))
        if rank == 2 and channels % heads == 0 and choose.random() < 0.5:
            # A window is any divisor of the sizes.
            window = [choose.choice([d for d in range(1, n + 1) if n % d == 0]) for n in after]
            specs.append(f"attention h{heads} window={window[0]}x{window[1]}")
            modules.append(Within(channels, heads, *window))
        else:
            size, kv = choose.randint(1, 5), choose.choice([d for d in (1, 2, 4) if heads % d == 0])
            bias = choose.random() < 0.5
            specs.append(f"attention h{heads} dim={heads * size} kv={kv}{'' if bias else ' nobias'}")
            modules.append(Attend(channels, heads, size, kv, bias))
        more, built, after, channels = convolutions(choose, after, channels)
        specs += more
        modules += built
    return " | ".join(specs), modules, (given, *sizes)


KINDS = {"recurrent": recurrent, "frames": frames, "attention": attending}
CASES = [
    *[("recurrent", n) for n in range(10)],
    *[("frames", n) for n in range(5)],
    *[("attention", n) for n in range(15)],
]


@pytest.mark.parametrize(("kind", "seed"), CASES)
def test_random(kind: str, seed: int) -> None:
    """PyTorch has as many parameters, its counter as many MACs, and what each module gives has our shape."""
    spec, modules, (channels, *sizes) = KINDS[kind](Random(seed))
    result = cnncalc.analyze(spec, input=(*sizes, channels))
    shapes = []
    # On the meta device, where recurrent layers and attention are their products.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        x = torch.empty(1, channels, *sizes)
        for module in modules:
            x = module.to("meta").eval()(x)
            shapes.append(tuple(x.movedim(1, -1).shape[1:]))
    assert [row.output_shape for row in result.rows[1:]] == shapes
    assert result.totals.params == sum(each.numel() for module in modules for each in module.parameters())
    assert 2 * result.totals.macs == counter.get_total_flops()
