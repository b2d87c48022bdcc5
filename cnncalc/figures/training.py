"""The memory that training a network takes."""

from cnncalc.shape import Size

#: Optimizer → how many values it keeps for each parameter.
OPTIMIZERS = {"sgd": 0, "momentum": 1, "adam": 2}


def training_bytes(params: Size, buffers: Size, feature_map_bytes: Size, bytes_of_element: int, optimizer: str) -> Size:
    """Estimate the bytes of a training step: weights, gradients, the optimizer's state, and all feature maps.

    Parameters have a gradient and the optimizer's state; buffers (running statistics) have neither. The framework's
    own needs and the workspace of its kernels are not included.
    """
    copies = 1 + OPTIMIZERS[optimizer]
    return (params + buffers + copies * params) * bytes_of_element + feature_map_bytes
