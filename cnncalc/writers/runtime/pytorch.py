"""Modules that PyTorch lacks. The writer copies those that a network needs into its output unchanged."""

import torch
from torch import nn


class ChannelNorm(nn.LayerNorm):
    """Layer norm over the channels of each place."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class PaddedMean(nn.Module):
    """Pad with zeros in front of an average pool. Only the `counted` part of them counts in the means."""

    def __init__(self, pool, padding, counted):
        super().__init__()
        self.pool, self.padding, self.counted = pool, padding, counted

    def forward(self, x):
        ones = nn.functional.pad(torch.ones_like(x[:1, :1]), self.counted, value=1.0)
        rest = [whole - part for whole, part in zip(self.padding, self.counted, strict=True)]
        shares = self.pool(nn.functional.pad(ones, rest))
        return self.pool(nn.functional.pad(x, self.padding)) / shares


class ChannelLinear(nn.Linear):
    """A linear layer on the channels of each place."""

    def forward(self, x):
        return super().forward(x.movedim(1, -1)).movedim(-1, 1)


class Embedding(nn.Embedding):
    """A row of the table for each index, its elements as channels."""

    def forward(self, x):
        return super().forward(x).movedim(-1, 1)


class GlobalResponseNorm(nn.Module):
    """Scale each channel by its share of the mean length of the channels, and add the input."""

    def __init__(self, channels, axes):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(channels, *(1,) * axes))
        self.bias = nn.Parameter(torch.zeros(channels, *(1,) * axes))

    def forward(self, x):
        lengths = torch.linalg.vector_norm(x, dim=tuple(range(2, x.dim())), keepdim=True)
        shares = lengths / (lengths.mean(1, keepdim=True) + 1e-6)
        return x + self.weight * (x * shares) + self.bias


class Scale(nn.Module):
    """Multiply each channel by a weight of its own, and add a bias where there is one."""

    def __init__(self, channels, axes, bias=False):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels, *(1,) * axes))
        self.bias = nn.Parameter(torch.zeros(channels, *(1,) * axes)) if bias else None

    def forward(self, x):
        x = x * self.weight
        return x if self.bias is None else x + self.bias


class Shift(nn.Module):
    """Add a bias to each channel."""

    def __init__(self, channels, axes):
        super().__init__()
        self.bias = nn.Parameter(torch.zeros(channels, *(1,) * axes))

    def forward(self, x):
        return x + self.bias


class DropPath(nn.Module):
    """In training, drop whole samples of a branch, and scale the others up for it."""

    def __init__(self, rate):
        super().__init__()
        self.rate = rate

    def forward(self, x):
        if not self.training or self.rate == 0:
            return x
        keep = torch.rand(len(x), *(1,) * (x.dim() - 1), device=x.device) >= self.rate
        return x * keep / (1 - self.rate)


class ChannelShuffle(nn.Module):
    """Interleave the channels of the groups."""

    def __init__(self, groups):
        super().__init__()
        self.groups = groups

    def forward(self, x):
        return x.unflatten(1, (self.groups, -1)).transpose(1, 2).flatten(1, 2)


class PixelShuffle(nn.Module):
    """Lay groups of channels out as space, on any number of axes."""

    def __init__(self, upscale_factor):
        super().__init__()
        self.factor = upscale_factor

    def forward(self, x):
        axes = x.dim() - 2
        x = x.unflatten(1, (-1, *(self.factor,) * axes))
        # Each axis of space, then the axis of channels that is laid out along it.
        order = [place for axis in range(axes) for place in (2 + axes + axis, 2 + axis)]
        x = x.permute(0, 1, *order)
        for axis in range(axes):
            x = x.flatten(2 + axis, 3 + axis)
        return x


class PixelUnshuffle(nn.Module):
    """Lay blocks of positions out as channels, on any number of axes."""

    def __init__(self, downscale_factor):
        super().__init__()
        self.factor = downscale_factor

    def forward(self, x):
        axes = x.dim() - 2
        for axis in range(axes):
            x = x.unflatten(2 + 2 * axis, (-1, self.factor))
        # The positions within blocks go to the channels, those of the blocks stay behind them.
        order = [*range(3, 2 + 2 * axes, 2), *range(2, 2 + 2 * axes, 2)]
        return x.permute(0, 1, *order).flatten(1, 1 + axes)


class LearntTensor(nn.Module):
    """A learnt tensor, the same for every sample of what comes in."""

    def __init__(self, shape):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(shape))

    def forward(self, x):
        return self.weight.expand(len(x), *self.weight.shape)


class SelfAttention(nn.Module):
    """Multi-head self-attention between the places of each block of a map; without a window, of the whole map.

    `dim` and `value_dim` are the sizes of queries and values in all heads, `kv_heads` the heads of keys and values.
    With a `shift` blocks begin so much later, and what is cut off at the two ends of an axis is smaller blocks.
    For the offset between two places, a number for each head is learnt: `relative`, or `distance` without its sign;
    or, with `vectors`, a vector for the offset along each axis, which is multiplied with the query.
    """

    def __init__(
        self, embed_dim, num_heads, bias=True, *, dim=None, kv_heads=None, value_dim=None, window=None,
        shift=None, position="none", projection=True,
    ):  # fmt: skip
        super().__init__()
        dim, kv_heads = dim or embed_dim, kv_heads or num_heads
        value_dim = value_dim or dim
        self.heads, self.kv_heads, self.window, self.position = num_heads, kv_heads, window, position
        self.shift = shift
        self.query = nn.Linear(embed_dim, dim, bias=bool(bias))
        self.key = nn.Linear(embed_dim, dim // num_heads * kv_heads, bias=bool(bias))
        self.value = nn.Linear(embed_dim, value_dim // num_heads * kv_heads, bias=bool(bias))
        self.output = nn.Linear(value_dim, embed_dim, bias=bias is True) if projection else nn.Identity()
        if position == "vectors":
            self.vectors = nn.Parameter(torch.zeros(sum(2 * size - 1 for size in window), dim // num_heads))
        elif position != "none":
            self.offsets = nn.Parameter(
                torch.zeros(num_heads, *(size if position == "distance" else 2 * size - 1 for size in window))
            )

    def forward(self, x):
        sizes = x.shape[2:]
        rank, axes = len(sizes), tuple(range(1, x.ndim - 1))
        x = x.movedim(1, -1)
        if self.shift:
            x = x.roll([-step for step in self.shift], axes)
        x = self.in_blocks(x)
        before, after = x.shape[: 1 + rank], x.shape[1 + rank : -1]
        x = x.flatten(0, rank).flatten(1, rank).contiguous()
        query, key, value = (
            each(x).unflatten(-1, (heads, -1)).transpose(1, 2)
            for each, heads in ((self.query, self.heads), (self.key, self.kv_heads), (self.value, self.kv_heads))
        )
        mask = None if self.position == "none" else self.by_offset(query)
        if self.shift:
            hidden = self.hidden(sizes).repeat(before[0], 1, 1)[:, None]
            mask = torch.zeros_like(hidden, dtype=x.dtype) if mask is None else mask
            mask = mask.masked_fill(hidden, -torch.inf)
        y = nn.functional.scaled_dot_product_attention(query, key, value, mask, enable_gqa=self.kv_heads < self.heads)
        y = self.output(y.transpose(1, 2).flatten(2)).unflatten(0, before).unflatten(1 + rank, after)
        y = y.permute(0, *(1 + axis + part * rank for axis in range(rank) for part in (0, 1)), 2 * rank + 1)
        for axis in range(rank):
            y = y.flatten(1 + axis, 2 + axis)
        y = y.roll(self.shift, axes) if self.shift else y
        return y.movedim(-1, 1)

    def in_blocks(self, x):
        """Return a map, channels last, as blocks, the places of a block, and channels."""
        rank = x.ndim - 2
        for axis, size in enumerate(self.window or x.shape[1:-1]):
            x = x.unflatten(1 + 2 * axis, (-1, size))
        return x.permute(0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1)

    def hidden(self, sizes):
        """Return for each block, and each two of its places, whether a shift brought them from two ends of an axis."""
        ends = [
            (torch.arange(size, device=self.query.weight.device) >= size - step) * 2**axis
            for axis, (size, step) in enumerate(zip(sizes, self.shift, strict=True))
        ]
        parts = sum(torch.meshgrid(*ends, indexing="ij"))[None, ..., None]
        parts = self.in_blocks(parts).flatten(0, len(sizes)).flatten(1)
        return parts[:, :, None] != parts[:, None]

    def by_offset(self, query):
        """Return the number of each head for each two places of a block."""
        places = torch.stack(torch.meshgrid(*map(torch.arange, self.window), indexing="ij")).flatten(1)
        apart = places[:, :, None] - places[:, None]
        first = torch.tensor(self.window)[:, None, None] - 1
        at = apart.abs() if self.position == "distance" else apart + first
        if self.position != "vectors":
            return self.offsets[(slice(None), *at)]
        # The vectors of one axis stand behind those of another.
        by_vector, one = query @ self.vectors.T, torch.arange(apart.shape[1])[:, None]
        begins = [sum(2 * size - 1 for size in self.window[:axis]) for axis in range(len(self.window))]
        return sum(by_vector[..., one, at[axis] + begin] for axis, begin in enumerate(begins))


class Recurrent(nn.Module):
    """Run a recurrent layer along the axis of space; give its states at all steps, or the last."""

    def __init__(self, layer, last=False):
        super().__init__()
        self.layer, self.last = layer, last

    def forward(self, x):
        states, final = self.layer(x.transpose(1, 2))
        if not self.last:
            return states.transpose(1, 2)
        # Those of all layers and directions, of which the last layer's come last.
        final = final[0] if isinstance(final, tuple) else final
        return final[-1 - self.layer.bidirectional :].transpose(0, 1).flatten(1)


class SharedWeights(nn.Module):
    """A layer with the weights of the first, from which it differs in what shapes none, such as a stride."""

    def __init__(self, layer, first):
        super().__init__()
        with_weights = [[part for part in each.modules() if part._parameters] for each in (layer, first)]
        for own, other in zip(*with_weights, strict=True):
            for name, parameter in other.named_parameters(recurse=False):
                setattr(own, name, parameter)
        self.layer = layer

    def forward(self, x):
        return self.layer(x)


class Timewise(nn.Module):
    """Apply a layer to each step of the first axis of space: to the layer, the steps are samples."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        y = self.layer(x.transpose(1, 2).flatten(0, 1))
        return y.unflatten(0, (len(x), -1)).transpose(1, 2)


class ConvLSTM(nn.Module):
    """An LSTM whose states are feature maps, along the first axis of space; give all states, or the last."""

    def __init__(self, frames, state, last=False):
        super().__init__()
        self.frames, self.state, self.last = frames, state, last

    def forward(self, x):
        states: list[torch.Tensor] = []
        for frame in x.unbind(2):
            gates = self.frames(frame)
            if not states:
                state = gates.new_zeros(len(x), gates.shape[1] // 4, *gates.shape[2:])
                cell = torch.zeros_like(state)
            enter, keep, new, leave = (gates + self.state(state)).chunk(4, 1)
            cell = keep.sigmoid() * cell + enter.sigmoid() * new.tanh()
            state = leave.sigmoid() * cell.tanh()
            states.append(state)
        return state if self.last else torch.stack(states, 2)
