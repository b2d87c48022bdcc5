"""The layers of networks with tokens, against PyTorch's own modules: weights, shapes and multiply-adds."""

from __future__ import annotations

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

import cnncalc

pytestmark = pytest.mark.frameworks


class GlobalResponseNorm(nn.Module):
    """ConvNeXt V2's, as its authors write it: channels last."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.gamma = nn.Parameter(torch.zeros(1, 1, 1, dim))
        self.beta = nn.Parameter(torch.zeros(1, 1, 1, dim))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        lengths = torch.norm(x, p=2, dim=(1, 2), keepdim=True)
        return self.gamma * (x * (lengths / (lengths.mean(dim=-1, keepdim=True) + 1e-6))) + self.beta + x


@pytest.mark.parametrize(
    ("spec", "module", "x"),
    [
        ("input 20 | embedding 1000x64", nn.Embedding(1000, 64), torch.zeros(1, 20, dtype=torch.long)),
        ("input 7x5x12 | fc 9 each", nn.Linear(12, 9), torch.zeros(1, 7, 5, 12)),
        ("input 7x5x12 | fc 9 each nobias", nn.Linear(12, 9, bias=False), torch.zeros(1, 7, 5, 12)),
        ("input 7x12 | fc 9 each", nn.Linear(12, 9), torch.zeros(1, 7, 12)),
        # The sizes of its weights are those of its input, in whatever order.
        ("input 7x5x12 | ln all", nn.LayerNorm([7, 5, 12]), torch.zeros(1, 7, 5, 12)),
        ("input 3x4 | ln all noaffine", nn.LayerNorm([3, 4], elementwise_affine=False), torch.zeros(1, 3, 4)),
        ("input 7x5x12 | grn", GlobalResponseNorm(12), torch.zeros(1, 7, 5, 12)),
    ],
)  # fmt: skip
def test_layer(spec: str, module: nn.Module, x: torch.Tensor) -> None:
    """As many parameters, the same output shape, and half of the FLOPs that PyTorch counts."""
    result = cnncalc.analyze(spec)
    with FlopCounterMode(display=False) as counter:
        shape = tuple(module(x).shape[1:])
    wanted = sum(each.numel() for each in module.parameters()), shape, counter.get_total_flops()
    assert (result.totals.params, result.rows[-1].output_shape, result.totals.flops) == wanted
