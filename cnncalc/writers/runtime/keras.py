"""Layers that Keras lacks. The writer copies those that a network needs into its output unchanged."""

import keras
from keras import layers, ops


@keras.saving.register_keras_serializable()
class MaxPadding(layers.Layer):
    """Pad each axis with what no maximum picks."""

    def __init__(self, padding, **options):
        super().__init__(**options)
        self.padding = padding

    def call(self, x):
        ends = ((0, 0), *self.padding, (0, 0))
        return ops.pad(x, ends, constant_values=float("-inf"))

    def get_config(self):
        return {**super().get_config(), "padding": self.padding}


@keras.saving.register_keras_serializable()
class PaddedMean(layers.Layer):
    """Pad with zeros in front of an average pool. Only the `counted` part of them counts in the means."""

    def __init__(self, pool_size, strides, padding, counted, **options):
        super().__init__(**options)
        self.pool_size, self.strides, self.padding, self.counted = pool_size, strides, padding, counted

    def call(self, x):
        ones = ops.pad(ops.ones_like(x[:1, ..., :1]), ((0, 0), *self.counted, (0, 0)), constant_values=1.0)
        rest = [(a - c, b - d) for (a, b), (c, d) in zip(self.padding, self.counted, strict=True)]
        sums, shares = (
            ops.average_pool(ops.pad(each, ((0, 0), *ends, (0, 0))), self.pool_size, self.strides)
            for each, ends in ((x, self.padding), (ones, rest))
        )
        return sums / shares

    def get_config(self):
        own = {name: getattr(self, name) for name in ("pool_size", "strides", "padding", "counted")}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable()
class Scale(layers.Layer):
    """Multiply each channel by a weight of its own, and add a bias where there is one."""

    def __init__(self, bias=False, **options):
        super().__init__(**options)
        self.has_bias = bias

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="ones", name="weight")
        if self.has_bias:
            self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x):
        x = x * self.weight
        return x + self.bias if self.has_bias else x

    def get_config(self):
        return {**super().get_config(), "bias": self.has_bias}


@keras.saving.register_keras_serializable()
class LearntTensor(layers.Layer):
    """A learnt tensor, the same for every sample of what comes in."""

    def __init__(self, shape, **options):
        super().__init__(**options)
        self.sizes = tuple(shape)

    def build(self, shape):
        self.weight = self.add_weight(shape=self.sizes, initializer="zeros", name="weight")

    def call(self, x):
        return ops.broadcast_to(self.weight, (ops.shape(x)[0], *self.sizes))

    def get_config(self):
        return {**super().get_config(), "shape": self.sizes}


@keras.saving.register_keras_serializable()
class SelfAttention(layers.Layer):
    """Multi-head self-attention between the places of each block of a map; without a window, of the whole map.

    `key_dim` and `value_dim` are the sizes in each head, `kv_heads` the heads of keys and values. With a `shift` blocks
    begin so much later, and what is cut off at the two ends of an axis is smaller blocks. For the offset
    between two places, a number for each head is learnt: `relative`, or `distance` without its sign; or, with
    `vectors`, a vector for the offset along each axis, which is multiplied with the query.
    """

    def __init__(
        self, num_heads, key_dim, value_dim=None, use_bias=True, kv_heads=None, window=None, shift=None,
        position="none", projection=True, **options,
    ):  # fmt: skip
        super().__init__(**options)
        self.heads, self.kv_heads, self.key_dim = num_heads, kv_heads or num_heads, key_dim
        self.value_dim, self.use_bias = value_dim or key_dim, use_bias
        self.window, self.shift, self.position, self.projection = window, shift, position, projection

    def build(self, shape):
        products = {
            "query": (shape[-1], self.heads * self.key_dim),
            "key": (shape[-1], self.kv_heads * self.key_dim),
            "value": (shape[-1], self.kv_heads * self.value_dim),
        }
        if self.projection:
            products["output"] = self.heads * self.value_dim, shape[-1]
        self.weight, self.bias = {}, {}
        for name, (ins, outs) in products.items():
            self.weight[name] = self.add_weight(shape=(ins, outs), name=name)
            if self.use_bias is True or (self.use_bias and name != "output"):
                self.bias[name] = self.add_weight(shape=(outs,), initializer="zeros", name=f"{name}_bias")
        if self.position == "vectors":
            number = sum(2 * size - 1 for size in self.window)
            self.vectors = self.add_weight(shape=(number, self.key_dim), initializer="zeros", name="vectors")
        elif self.position != "none":
            sizes = [size if self.position == "distance" else 2 * size - 1 for size in self.window]
            self.offsets = self.add_weight(shape=(self.heads, *sizes), initializer="zeros", name="offsets")

    def compute_output_shape(self, shape):
        # Told here, it is not found out by a run on arrays, which takes minutes for a large map.
        return *shape[:-1], shape[-1] if self.projection else self.heads * self.value_dim

    def product(self, name, x):
        x = ops.matmul(x, self.weight[name])
        return ops.add(x, self.bias[name]) if name in self.bias else x

    def call(self, x):
        sizes = x.shape[1:-1]
        window, rank, axes = self.window or sizes, len(sizes), tuple(range(1, len(sizes) + 1))
        blocks = [size // length for size, length in zip(sizes, window, strict=True)]
        x = self.in_blocks(ops.roll(x, [-step for step in self.shift], axes) if self.shift else x)
        _, number, places, _ = x.shape
        query = self.in_heads(self.product("query", x), self.heads)
        key, value = (
            ops.repeat(self.in_heads(self.product(name, x), self.kv_heads), self.heads // self.kv_heads, axis=2)
            for name in ("key", "value")
        )
        scores = ops.matmul(query, ops.swapaxes(key, -1, -2)) * self.key_dim**-0.5
        if self.position != "none":
            scores = ops.add(scores, self.by_offset(query))
        if self.shift:
            scores = ops.where(self.hidden(sizes)[:, None], -float("inf"), scores)
        y = ops.swapaxes(ops.matmul(ops.softmax(scores, axis=-1), value), 2, 3)
        y = ops.reshape(y, (-1, number, places, self.heads * self.value_dim))
        y = self.product("output", y) if self.projection else y
        y = ops.reshape(y, (-1, *blocks, *window, y.shape[-1]))
        y = ops.transpose(y, (0, *(1 + axis + part * rank for axis in range(rank) for part in (0, 1)), 2 * rank + 1))
        y = ops.reshape(y, (-1, *sizes, y.shape[-1]))
        return ops.roll(y, self.shift, axes) if self.shift else y

    def in_blocks(self, x):
        """Return a map as blocks, the places of a block, and channels."""
        sizes, channels = x.shape[1:-1], x.shape[-1]
        window, rank = self.window or sizes, len(sizes)
        pairs = [(size // length, length) for size, length in zip(sizes, window, strict=True)]
        number = places = 1
        for size, length in pairs:
            number, places = number * size, places * length
        x = ops.reshape(x, (-1, *(part for pair in pairs for part in pair), channels))
        x = ops.transpose(x, (0, *range(1, 2 * rank, 2), *range(2, 2 * rank + 1, 2), 2 * rank + 1))
        return ops.reshape(x, (-1, number, places, channels))

    def hidden(self, sizes):
        """Return for each block, and each two of its places, whether a shift brought them from two ends of an axis."""
        ends = [
            ops.cast(ops.arange(size) >= size - step, "int32") * 2**axis
            for axis, (size, step) in enumerate(zip(sizes, self.shift, strict=True))
        ]
        parts = sum(ops.meshgrid(*ends, indexing="ij"))[None, ..., None]
        parts = self.in_blocks(parts)[0, :, :, 0]
        return ops.not_equal(parts[:, :, None], parts[:, None])

    def in_heads(self, x, heads):
        _, blocks, places, channels = x.shape
        return ops.swapaxes(ops.reshape(x, (-1, blocks, places, heads, channels // heads)), 2, 3)

    def by_offset(self, query):
        """Return the number of each head for each two places of a block."""
        axes = ops.meshgrid(*map(ops.arange, self.window), indexing="ij")
        places = ops.stack([ops.reshape(each, (-1,)) for each in axes])
        apart = places[:, :, None] - places[:, None]
        at = ops.abs(apart) if self.position == "distance" else apart + ops.array(self.window)[:, None, None] - 1
        if self.position == "vectors":
            # The vectors of one axis stand behind those of another.
            by_vector = ops.matmul(query, ops.transpose(self.vectors))
            numbers = begin = 0
            for axis, size in enumerate(self.window):
                numbers = numbers + ops.take_along_axis(by_vector, (at[axis] + begin)[None, None, None], axis=-1)
                begin += 2 * size - 1
            return numbers
        sizes = self.offsets.shape[1:]
        flat = 0
        for axis, size in enumerate(sizes):
            flat = flat * size + at[axis]
        return ops.take(ops.reshape(self.offsets, (self.heads, -1)), flat, axis=1)

    def get_config(self):
        own = {"num_heads": self.heads, "key_dim": self.key_dim, "value_dim": self.value_dim, "use_bias": self.use_bias}
        own |= {"kv_heads": self.kv_heads, "window": self.window, "shift": self.shift}
        return {**super().get_config(), **own, "position": self.position, "projection": self.projection}


@keras.saving.register_keras_serializable()
class GlobalResponseNorm(layers.Layer):
    """Scale each channel by its share of the mean length of the channels, and add the input."""

    def build(self, shape):
        self.weight = self.add_weight(shape=(shape[-1],), initializer="zeros", name="weight")
        self.bias = self.add_weight(shape=(shape[-1],), initializer="zeros", name="bias")

    def call(self, x):
        places = tuple(range(1, len(x.shape) - 1))
        lengths = ops.sqrt(ops.sum(ops.square(x), axis=places, keepdims=True))
        shares = lengths / (ops.mean(lengths, axis=-1, keepdims=True) + 1e-6)
        return x + self.weight * (x * shares) + self.bias


@keras.saving.register_keras_serializable()
class LocalResponseNorm(layers.Layer):
    """Divide each element by its neighbours across `size` channels."""

    def __init__(self, size, alpha=1e-4, beta=0.75, k=1.0, **options):
        super().__init__(**options)
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def call(self, x):
        before = self.size // 2
        ends = ((0, 0),) * (len(x.shape) - 1) + ((before, self.size - 1 - before),)
        squares = ops.pad(ops.square(x), ends)
        total = sum(squares[..., start : start + x.shape[-1]] for start in range(self.size))
        return x / (self.k + self.alpha * total / self.size) ** self.beta

    def get_config(self):
        own = {"size": self.size, "alpha": self.alpha, "beta": self.beta, "k": self.k}
        return {**super().get_config(), **own}


@keras.saving.register_keras_serializable()
class ChannelShuffle(layers.Layer):
    """Interleave the channels of the groups."""

    def __init__(self, groups, **options):
        super().__init__(**options)
        self.groups = groups

    def call(self, x):
        *places, channels = x.shape[1:]
        x = ops.reshape(x, (-1, *places, self.groups, channels // self.groups))
        return ops.reshape(ops.swapaxes(x, -1, -2), (-1, *places, channels))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@keras.saving.register_keras_serializable()
class Resize(layers.Layer):
    """Scale to a size on any number of axes: the nearest element, or interpolated between neighbours."""

    def __init__(self, size, interpolation="nearest", **options):
        super().__init__(**options)
        self.size, self.interpolation = size, interpolation

    def call(self, x):
        for axis, (n, out) in enumerate(zip(x.shape[1:-1], self.size, strict=True), 1):
            if self.interpolation == "nearest":
                x = ops.take(x, [place * n // out for place in range(out)], axis=axis)
                continue
            places = [max((place + 0.5) * n / out - 0.5, 0.0) for place in range(out)]
            before = [int(place) for place in places]
            after = [min(place + 1, n - 1) for place in before]
            shares = ops.reshape(
                [a - b for a, b in zip(places, before, strict=True)], (-1, *(1,) * (x.ndim - axis - 1))
            )
            shares = ops.cast(shares, x.dtype)
            x = ops.take(x, before, axis=axis) * (1 - shares) + ops.take(x, after, axis=axis) * shares
        return x

    def get_config(self):
        return {**super().get_config(), "size": self.size, "interpolation": self.interpolation}


@keras.saving.register_keras_serializable()
class PixelShuffle(layers.Layer):
    """Lay groups of channels out as space, on any number of axes."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        *places, channels = x.shape[1:]
        axes = len(places)
        left = channels // self.factor**axes
        x = ops.reshape(x, (-1, *places, left, *(self.factor,) * axes))
        # Each axis of space, then the axis of channels that is laid out along it.
        order = [place for axis in range(axes) for place in (1 + axis, 2 + axes + axis)]
        x = ops.transpose(x, (0, *order, 1 + axes))
        return ops.reshape(x, (-1, *(size * self.factor for size in places), left))

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable()
class PixelUnshuffle(layers.Layer):
    """Lay blocks of positions out as channels, on any number of axes."""

    def __init__(self, factor, **options):
        super().__init__(**options)
        self.factor = factor

    def call(self, x):
        *sizes, channels = x.shape[1:]
        axes, blocks = len(sizes), [size // self.factor for size in sizes]
        x = ops.reshape(x, (-1, *(part for size in blocks for part in (size, self.factor)), channels))
        # The positions within blocks go behind the channel that they are of.
        order = [*range(1, 1 + 2 * axes, 2), 1 + 2 * axes, *range(2, 1 + 2 * axes, 2)]
        x = ops.transpose(x, (0, *order))
        return ops.reshape(x, (-1, *blocks, channels * self.factor**axes))

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


@keras.saving.register_keras_serializable()
class Timewise(layers.Wrapper):
    """Apply a layer to each step: as `TimeDistributed`, for a layer that does not state the shape of its output."""

    def build(self, input_shape):
        self.layer.build((input_shape[0], *input_shape[2:]))

    def compute_output_shape(self, shape):
        step = keras.KerasTensor((shape[0], *shape[2:]))
        return *shape[:2], *self.layer.compute_output_spec(step).shape[1:]

    def call(self, x):
        y = self.layer(ops.reshape(x, (-1, *x.shape[2:])))
        return ops.reshape(y, (-1, x.shape[1], *y.shape[1:]))
