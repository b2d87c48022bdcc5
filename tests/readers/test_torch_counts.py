"""MACs of PyTorch modules, of any operator: those of PyTorch's own counter, run on the module itself."""

from __future__ import annotations

from math import prod
from typing import Any

import pytest

import cnncalc

pytestmark = [
    pytest.mark.frameworks,
    pytest.mark.filterwarnings("ignore"),  # PyTorch's own, while it is imported and traces
]

#: Modules by an expression of their forward pass; `c` is a convolution of 4 filters of 3x3, `l` a product 4 -> 6,
#: `p` a parameter of 4x6, and `x` a sample of 4 channels and 8x8.
FORWARDS = {
    "einsum": "torch.einsum('bchw,cd->bdhw', self.c(x), self.p)",
    "einsum of an ellipsis": "torch.einsum('...w,wd->...d', x, torch.ones(8, 3))",
    "einsum of three": "torch.einsum('bchw,cd,de->behw', x, self.p, torch.ones(6, 2))",
    "einsum without a sum": "torch.einsum('bchw,c->bchw', x, self.p[:, 0])",
    "tensordot": "torch.tensordot(x, self.p, dims=([1], [0]))",
    "matrix of matrices": "x @ x.transpose(2, 3)",
    "a parameter on the left": "self.p.t() @ x.flatten(2)",
    "addmm": "torch.addmm(self.p[0], x.flatten(2)[0].t(), self.p)",
    "baddbmm": "torch.baddbmm(x[0], x[0], x[0])",
    "bilinear": "F.bilinear(x.flatten(2).transpose(1, 2), x.flatten(2).transpose(1, 2), torch.ones(3, 4, 4))",
    "reshape_as": "self.c(x).flatten(2).reshape_as(x)",
    "view_as": "self.c(x).flatten(2).view_as(x)",
    "fold": "F.fold(F.unfold(self.c(x), 2, stride=2), (8, 8), 2, stride=2)",
    "cdist": "torch.cdist(x.flatten(2), x.flatten(2))",
    "no grad": "self.c(x) + self.no_grad(x)",
    "autocast": "self.autocast(x)",
    "checkpoint": "checkpoint.checkpoint(self.c, x, use_reentrant=False)",
    "attention": "F.scaled_dot_product_attention(*[self.c(x).flatten(2).transpose(1, 2)] * 3)",
    "constants": "self.c(x) + self.c(self.g)",
    "a product of constants": "self.l(x.flatten(2).transpose(1, 2)) * (self.p.t() @ self.p).sum()",
    "a type": "self.c(x.to(torch.float64).to(dtype=torch.float32))",
    "an assertion": "self.checked(x)",
    "scan of sums": "torch.cumsum(self.c(x), 1).sort(dim=1)[0].any(dim=1)",
    "fourier": "torch.fft.rfft2(self.c(x)).abs()",
    "scatter": "self.c(x).scatter_add(1, torch.zeros(1, 4, 8, 8, dtype=torch.int64), x)",
    "weights that are computed": "F.conv2d(x, self.w / self.w.flatten(1).norm(dim=1).view(4, 1, 1, 1))",
    "interpolation": "F.interpolate(self.c(x), scale_factor=1.5, mode='bicubic')",
    "group norm of a view": "F.group_norm(self.c(x).view(1, 4, 64), 2)",
}


def made(forward: str) -> Any:
    import torch
    from torch import nn
    from torch.nn import functional
    from torch.utils import checkpoint

    class Made(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.c, self.l = nn.Conv2d(4, 4, 3, padding=1), nn.Linear(4, 6)
            self.p, self.w = nn.Parameter(torch.ones(4, 6)), nn.Parameter(torch.ones(4, 4, 3, 3))
            self.register_buffer("g", torch.zeros(1, 4, 8, 8))

        def no_grad(self, x: Any) -> Any:
            with torch.no_grad():
                return self.c(x)

        def autocast(self, x: Any) -> Any:
            with torch.autocast("cpu", dtype=torch.bfloat16):
                return self.c(x).flatten(2) @ torch.ones(64, 3)

        def checked(self, x: Any) -> Any:
            torch._check(x.shape[1] == 4)
            assert x.dtype == torch.float32
            return self.c(x)

        def forward(self, x: Any) -> Any:
            names = {"self": self, "x": x, "torch": torch, "F": functional, "checkpoint": checkpoint}
            return eval(forward, names)

    return Made().eval()


def assert_agrees(module: Any, *inputs: Any) -> None:
    """Assert that the MACs are those of PyTorch's counter, the last size that of a run, and that nothing is unknown."""
    import torch
    from torch.utils.flop_counter import FlopCounterMode

    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        output = module(*inputs)
    result = cnncalc.analyze(cnncalc.from_torch(module, list(inputs)))
    assert (result.totals.macs, prod(result.rows[-1].output_shape), [row.description for row in result.unknown]) == (
        counter.get_total_flops() // 2,
        output.numel(),
        [],
    )


@pytest.mark.parametrize("name", list(FORWARDS))
def test_operators(name: str) -> None:
    """An operator has PyTorch's MACs and its size, in whatever way it is traced."""
    import torch

    assert_agrees(made(FORWARDS[name]), torch.zeros(1, 4, 8, 8))


#: Modules of 5 steps of 4 channels, and their MACs by hand: PyTorch's own counter does not see into all of them.
SEQUENCES = {
    "nn.LSTM(4, 6, batch_first=True)": 5 * 4 * 6 * (4 + 6),
    "nn.GRU(4, 6, batch_first=True, bidirectional=True)": 5 * 2 * 3 * 6 * (4 + 6),
    "nn.RNN(4, 6, num_layers=2, batch_first=True)": 5 * (6 * (4 + 6) + 6 * (6 + 6)),
    # Queries, keys, values and the output are 4 products of 4x4 at 5 places; 2 heads have two products of 5x5 on 2.
    "Self(nn.MultiheadAttention(4, 2, batch_first=True))": 5 * 4 * 16 + 2 * 2 * 5 * 5 * 2,
    # The same, and two products 4 -> 8 -> 4 at each place.
    "nn.TransformerEncoderLayer(4, 2, 8, batch_first=True)": 5 * 4 * 16 + 2 * 2 * 5 * 5 * 2 + 5 * 2 * 32,
}


@pytest.mark.parametrize("text", list(SEQUENCES))
def test_sequences(text: str) -> None:
    """Recurrent layers and attention have the MACs of their definitions, and all parameters of the module."""
    import torch
    from torch import nn

    class Self(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            return self.inner(x, x, x, need_weights=False)

    class First(nn.Module):
        def __init__(self, inner: Any) -> None:
            super().__init__()
            self.inner = inner

        def forward(self, x: Any) -> Any:
            output = self.inner(x)
            return output[0] if isinstance(output, tuple) else output

    module = First(eval(text, {"nn": nn, "Self": Self}))
    result = cnncalc.analyze(cnncalc.from_torch(module, torch.zeros(1, 5, 4)))
    assert (result.totals.macs, result.totals.params, result.unknown) == (
        SEQUENCES[text],
        sum(each.numel() for each in module.parameters()),
        (),
    )


def test_cells() -> None:
    """Cells of recurrent layers, called by hand, have PyTorch's count."""
    import torch
    from torch import nn

    class Cells(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.second = nn.LSTMCell(4, 6), nn.GRUCell(6, 3)

        def forward(self, x: Any) -> Any:
            hidden, _ = self.first(x)
            return self.second(hidden)

    assert_agrees(Cells().eval(), torch.zeros(1, 4))
