"""Random convolutional and recurrent networks, built in PyTorch by hand: parameters, MACs and shapes agree."""

from random import Random
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnncalc

pytestmark = pytest.mark.frameworks

MODULES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class Network(nn.Module):
    """Convolutions over the steps, then recurrent layers, then a linear one on the last state."""

    def __init__(self, convolutions: list[nn.Module], recurrent: list[Any], head: nn.Module) -> None:
        super().__init__()
        self.convolutions, self.recurrent, self.head = nn.Sequential(*convolutions), nn.ModuleList(recurrent), head

    def forward(self, x: torch.Tensor) -> list[torch.Tensor]:
        shapes = [x := self.convolutions(x)]
        x = x.transpose(1, 2)
        for each in self.recurrent:
            x, final = each(x)
            shapes.append(x.transpose(1, 2))
        final = final[0] if isinstance(final, tuple) else final
        last = final[-2:] if each.bidirectional else final[-1:]
        return [*shapes, self.head(last.transpose(0, 1).flatten(1))]


def drawn(seed: int) -> tuple[str, Network, tuple[int, int]]:
    """A network as our spec and as PyTorch's modules, with its channels and steps."""
    choose = Random(seed)
    channels, steps = choose.randint(1, 9), choose.randint(20, 40)
    given, spec = (channels, steps), [f"input {steps}x{channels}"]
    convolutions: list[nn.Module] = []
    for _ in range(choose.randint(1, 3)):
        filters, kernel, stride = choose.randint(1, 9), choose.choice((1, 3, 5)), choose.choice((1, 2))
        spec.append(f"conv {kernel} s{stride} p{kernel // 2} x{filters}")
        convolutions.append(nn.Conv1d(channels, filters, kernel, stride, kernel // 2))
        channels = filters
    recurrent: list[Any] = []
    number = choose.randint(1, 3)
    for index in range(number):
        kind, units, layers = choose.choice(list(MODULES)), choose.randint(1, 9), choose.randint(1, 3)
        both, bias = choose.random() < 0.5, choose.random() < 0.7
        words = [f"{kind} {units} layers={layers}", *["bi"] * both, *["nobias"] * (not bias)]
        spec.append(" ".join([*words, *["last"] * (index == number - 1)]))
        recurrent.append(MODULES[kind](channels, units, layers, bias=bias, bidirectional=both, batch_first=True))
        channels = units * (1 + both)
    spec.append("fc 5")
    return " | ".join(spec), Network(convolutions, recurrent, nn.Linear(channels, 5)), given


@pytest.mark.parametrize("seed", range(10))
def test_random(seed: int) -> None:
    """PyTorch has as many parameters, its counter as many MACs, and the tensors between have our shapes."""
    spec, network, (channels, steps) = drawn(seed)
    result = cnncalc.analyze(spec)
    # On the meta device, where an LSTM is its products: on a processor it is one operator, which counts nothing.
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        shapes = [tuple(each.shape[1:]) for each in network.to("meta").eval()(torch.empty(1, channels, steps))]
    assert result.totals.params == sum(each.numel() for each in network.parameters())
    assert 2 * result.totals.macs == counter.get_total_flops()
    recurrent = [row.output_shape for row in result.rows if row.type in MODULES]
    convolved = [row.output_shape for row in result.rows if row.type == "conv"][-1]
    ours = [convolved, *recurrent[:-1], result.rows[-1].output_shape]
    assert ours == [shape[::-1] for number, shape in enumerate(shapes) if number != len(recurrent)]
