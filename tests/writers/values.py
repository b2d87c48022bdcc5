"""A network's values in PyTorch, Keras and ONNX Runtime: the three exports with the same weights and the same input.

Weights are drawn once for each layer of the graph, in PyTorch's layout, and laid out anew for Keras. What is exported
carries the names of the layers: as paths of modules, as names of Keras's layers, as names of ONNX's tensors. Values
are arrays with channels last, by the name of the layer that gives them.
"""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import prod, sqrt
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch

import cnncalc
from cnncalc.graph import Graph, Node
from cnncalc.writers import export
from cnncalc.writers.order import ALIKE, flattens_by_channel

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
import keras  # once its backend is chosen

Array = Any
#: The weights of a layer by their role.
Weights = dict[str, Array]
#: Values of layers by name.
Values = dict[str, Array]

#: The products of attention by their weights, of which each may have a bias.
PRODUCTS = ("query", "key", "value", "output")

#: What the three call a weight → its role.
ROLES = {
    "kernel": ("weight", "kernel", "depthwise_kernel", "slope", "alpha", "gamma", "scale"),
    "pointwise": ("pointwise", "pointwise_kernel"),
    "bias": ("bias", "beta"),
    "mean": ("mean", "running_mean", "moving_mean"),
    "variance": ("variance", "running_var", "moving_variance"),
    # The products of attention.
    **{name: (name,) for each in PRODUCTS for name in (each, f"{each}_bias")},
    "offsets": ("offsets",),
}
ROLE_OF = {name: role for role, names in ROLES.items() for name in names}


def key(name: str) -> str:
    """The name of a layer as all three write it: a path's dots are underscores in Keras."""
    return re.sub(r"[^0-9A-Za-z]+", "_", name)


# -- what all three are given --------------------------------------------------------------------------------


def draw(graph: Graph) -> dict[str, Weights]:
    """The weights of every layer by its key, of a size that neither blows values up nor lets them vanish."""
    random = np.random.default_rng(7)
    return {key(node.name): weights for node in graph.nodes if node.inputs and (weights := _weights(node, random))}


def _weights(node: Node, random: np.random.Generator) -> Weights:
    x, layer = node.input_shapes[0], node.layer
    kind = layer.kind

    def kernel(*dims: int, fan: int) -> Array:
        return random.normal(0, sqrt(1.5 / fan), dims).astype(np.float32)

    def vector(number: int, center: float = 0.0) -> Array:
        return (center + random.uniform(-0.3, 0.3, number)).astype(np.float32)

    has_bias = getattr(layer, "bias", False)
    bias = {"bias": vector(node.shape.channels)} if has_bias else {}
    if kind == "conv":
        ins = x.channels // layer.groups
        return {"kernel": kernel(layer.filters, ins, *layer.kernel, fan=ins * prod(layer.kernel)), **bias}
    if kind in ("dwconv", "sepconv"):
        depth = x.channels * layer.multiplier
        depthwise = kernel(depth, 1, *layer.kernel, fan=prod(layer.kernel))
        if kind == "dwconv":
            return {"kernel": depthwise, **bias}
        return {"kernel": depthwise, "pointwise": kernel(layer.filters, depth, *[1] * x.rank, fan=depth), **bias}
    if kind == "deconv":
        outs = layer.filters // layer.groups
        fan = max(x.channels // layer.groups * prod(layer.kernel) // prod(layer.stride), 1)
        return {"kernel": kernel(x.channels, outs, *layer.kernel, fan=fan), **bias}
    if kind == "fc":
        return {"kernel": kernel(layer.units, x.channels, fan=x.channels), **bias}
    if kind == "attention":
        query, value, inner = layer.query_size(x), layer.value_size(x), layer.kv / layer.heads
        sizes = {"query": (query, x.channels), "key": (int(query * inner), x.channels)}
        sizes |= {"value": (int(value * inner), x.channels)}
        sizes |= {"output": (x.channels, value)} if layer.projection else {}
        # Queries and keys so large that the softmax is no mean.
        found = {name: 2 * kernel(*dims, fan=dims[1]) for name, dims in sizes.items()}
        if layer.bias:
            found |= {
                f"{name}_bias": vector(dims[0])
                for name, dims in sizes.items()
                if layer.bias is True or name != "output"
            }
        if layer.position != "none":
            numbers = [n if layer.position == "distance" else 2 * n - 1 for n in layer.block(x)]
            found["offsets"] = random.normal(0, 1, (layer.heads, *numbers)).astype(np.float32)
        return found
    if kind in ("bn", "ln", "gn", "instancenorm"):
        found = {"kernel": vector(x.channels, 1.0)} if layer.affine and layer.scale else {}
        found |= {"bias": vector(x.channels)} if layer.affine else {}
        statistics = {"mean": vector(x.channels), "variance": vector(x.channels, 0.8)} if kind == "bn" else {}
        return found | statistics
    if kind == "grn":
        return {"kernel": vector(x.channels), "bias": vector(x.channels)}
    if kind == "scale":
        return {"kernel": vector(x.channels, 1.0), **bias}
    if kind == "prelu":
        return {"kernel": vector(1 if layer.shared else x.channels, 0.3)}
    return {}


def inputs(graph: Graph) -> list[Array]:
    """Two samples for each input, channels last."""
    random = np.random.default_rng(11)
    shapes = [node.shape for node in graph.nodes if not node.inputs]
    return [random.normal(size=(2, *shape.dims)).astype(np.float32) for shape in shapes]


def channels_first(value: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(value, -1, 1))


def channels_last(value: Array) -> Array:
    return np.moveaxis(value, 1, -1)


def laid_out_by_channel(graph: Graph, weights: dict[str, Weights]) -> dict[str, Weights]:
    """The weights for a framework whose tensors are channels first.

    Behind a flatten whose order is that framework's own, the columns of a fully connected layer's kernel go by channel.
    """
    found = dict(weights)
    for node in graph.nodes:
        source = flattened_shape(graph, node)
        if source is not None:
            kernel = found[key(node.name)]["kernel"]
            by_place = kernel.reshape(len(kernel), *source.dims)
            by_channel = np.moveaxis(by_place, -1, 1).reshape(kernel.shape)
            found[key(node.name)] = {**found[key(node.name)], "kernel": np.ascontiguousarray(by_channel)}
    return found


def flattened_shape(graph: Graph, node: Node) -> Any:
    """The shape whose channels come first in a vector that a fully connected layer takes; None where there is none."""
    if node.layer.kind != "fc":
        return None
    by_channel = flattens_by_channel(graph)
    index = node.inputs[0]
    while graph.nodes[index].layer.kind in ALIKE and graph.nodes[index].inputs:
        index = graph.nodes[index].inputs[0]
    return graph.nodes[index].input_shapes[0] if index in by_channel else None


@contextmanager
def computing(graph: Graph) -> Iterator[None]:
    """PyTorch without gradients and, for a small network, with kernels of its own, which are slower.

    Those of oneDNN give other numbers from run to run where one channel is padded far beyond its size: `conv 2x5 s1x2
    same x2` on 3x2x1, with PyTorch 2.13.
    """
    large = cnncalc.analyze(graph).totals.macs > 1_000_000
    with torch.inference_mode(), torch.backends.mkldnn.flags(enabled=large):
        yield


# -- PyTorch ---------------------------------------------------------------------------------------------------


def made(code: str) -> Any:
    """The last class or function of generated code."""
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    return list(found.values())[-1]


def pytorch(graph: Graph, weights: dict[str, Weights]) -> Values:
    """The values of every module's layer in PyTorch, and of the outputs."""
    network = made(str(export(graph, "pytorch")))().eval()
    weights = laid_out_by_channel(graph, weights)
    names = {key(node.name): node.name for node in graph.nodes}
    parts: dict[str, list[tuple[str, Any]]] = {}
    values: Values = {}

    def keep(name: str) -> Callable[..., None]:
        def hook(module: Any, given: Any, result: Any) -> None:
            values[name] = channels_last(result.detach().numpy().copy())

        return hook

    for path, module in network.named_modules():
        # What is several modules is a Sequential of the layer's name, or a module that holds another.
        owner = key(re.sub(rf"(\.\d+|\.pool|\.({'|'.join(PRODUCTS)}))+$", "", path))
        own = [*module.named_parameters(recurse=False), *module.named_buffers(recurse=False)]
        product = path.rpartition(".")[2]
        if product in PRODUCTS:
            own = [(f"{product}_bias" if name == "bias" else product, each) for name, each in own]
        parts.setdefault(owner, []).extend((name, each) for name, each in own if name != "num_batches_tracked")
        if key(path) in names:
            module.register_forward_hook(keep(names[key(path)]))
    for owner, tensors in parts.items():
        seen: set[str] = set()
        for name, tensor in tensors:
            role = ROLE_OF[name]
            role = "pointwise" if role in seen and role == "kernel" else role
            seen.add(role)
            with torch.no_grad():
                tensor.copy_(torch.from_numpy(weights[owner][role]).reshape(tensor.shape))
        assert seen == set(weights.get(owner, ())), f"PyTorch has other weights for {owner}"
    with computing(graph):
        results = network(*[torch.from_numpy(channels_first(each)) for each in inputs(graph)])
    results = results if isinstance(results, tuple) else (results,)
    return values | {
        graph.nodes[index].name: channels_last(each.numpy())
        for index, each in zip(graph.outputs, results, strict=True)
    }  # fmt: skip


# -- Keras -----------------------------------------------------------------------------------------------------


def keras_layout(node: Node, role: str, weight: Array, dims: tuple[int, ...]) -> Array:
    """A weight as Keras has it: kernels with space first, then the channels that come in, then those that go out."""
    kind = node.layer.kind
    if role in PRODUCTS:
        return weight.T
    if role == "pointwise" or (role == "kernel" and kind in ("conv", "fc", "deconv")):
        # PyTorch's and Keras's kernels of a transposed convolution are both the other way round.
        return np.moveaxis(weight, (0, 1), (-1, -2))
    if role == "kernel" and kind in ("dwconv", "sepconv"):
        by_space = np.moveaxis(weight[:, 0], 0, -1)
        # Its own layers have an axis of input channels and one of multipliers, a grouped convolution but one of both.
        return by_space.reshape(dims)
    return weight.reshape(dims)


def keras_values(graph: Graph, weights: dict[str, Weights]) -> Values:
    """The values of every layer in Keras, and of the outputs."""
    with keras.device("cpu"):
        network = made(str(export(graph, "keras")))()
        nodes = {key(node.name): node for node in graph.nodes}
        filled: dict[str, set[str]] = {owner: set() for owner in weights}
        for layer in network.layers:
            # The depthwise part of what Keras has no separable layer for.
            owner = re.sub(r"_+depthwise$", "", layer.name) if layer.name not in nodes else layer.name
            for variable in layer.weights:
                role = ROLE_OF[variable.name]
                if role == "kernel" and owner == layer.name and layer.name + "_depthwise" in layer_names(network):
                    role = "pointwise"
                shape = tuple(variable.shape)
                variable.assign(keras_layout(nodes[key(owner)], role, weights[key(owner)][role], shape))
                filled[key(owner)].add(role)
        assert filled == {owner: set(each) for owner, each in weights.items()}, "Keras has other weights"
        shown = [layer for layer in network.layers if key(layer.name) in nodes and nodes[key(layer.name)].inputs]
        # Layers that are called once: each has one output.
        tensors = [layer.output for layer in shown] + list(network.outputs)
        names = [nodes[key(layer.name)].name for layer in shown] + [graph.nodes[index].name for index in graph.outputs]
        whole = keras.Model(network.inputs, tensors)
        given = [torch.from_numpy(each) for each in inputs(graph)]
        with computing(graph):
            results = whole(given if len(given) > 1 else given[0], training=False)
    results = results if isinstance(results, (list, tuple)) else [results]
    return {name: each.detach().numpy() for name, each in zip(names, results, strict=True)}


def layer_names(network: Any) -> set[str]:
    return {layer.name for layer in network.layers}


# -- ONNX ------------------------------------------------------------------------------------------------------


def onnx_values(graph: Graph, weights: dict[str, Weights]) -> Values:
    """The values of every layer in ONNX Runtime; what stands for weights in the file gives way to them."""
    model = onnx.load_from_string(bytes(export(graph, "onnx")))
    weights = laid_out_by_channel(graph, weights)
    filled: dict[str, set[str]] = {owner: set() for owner in weights}
    sizes = {each.name: onnx.numpy_helper.to_array(each).tolist() for each in model.graph.initializer}
    nodes = list(model.graph.node)
    del model.graph.node[:]
    for node in nodes:
        if node.op_type != "ConstantOfShape":
            model.graph.node.append(node)
            continue
        owner, _, name = node.output[0].rpartition(".")
        role, dims = ROLE_OF[name], sizes[node.input[0]]
        weight = weights[key(owner)][role]
        weight = (np.ascontiguousarray(weight.T) if role in PRODUCTS else weight).reshape(dims)
        filled[key(owner)].add(role)
        model.graph.initializer.append(onnx.numpy_helper.from_array(weight, node.output[0]))
    assert filled == {owner: set(each) for owner, each in weights.items()}, "ONNX has other weights"
    outside = {each.name for each in model.graph.output}
    between = [each for each in model.graph.value_info if each.name not in outside]
    model.graph.output.extend(between)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    given = [channels_first(each) for each in inputs(graph)]
    results = session.run(None, dict(zip(names, given, strict=True)))
    named = [graph.nodes[index].name for index in graph.outputs] + [each.name for each in between]
    return {name: channels_last(each) for name, each in zip(named, results, strict=True)}


# -- compared --------------------------------------------------------------------------------------------------

FRAMEWORKS = {"pytorch": pytorch, "keras": keras_values, "onnx": onnx_values}


def differences(graph: Graph, left: Values, right: Values, tolerance: float = 1e-4) -> Iterator[str]:
    """Where two frameworks give other values, in order: more than `tolerance` of the largest value of the layer."""
    by_channel = vectors_by_channel(graph)
    for node in graph.nodes:
        # A vector in the order of the framework that flattened it is compared behind the layer that weighs it.
        if node.name not in left or node.name not in right or node.index in by_channel:
            continue
        a, b = left[node.name], right[node.name]
        if a.shape != b.shape:
            yield f"{node.name}: {node.layer} gives {a.shape} and {b.shape}"
            continue
        finite = np.isfinite(a)
        if not np.array_equal(finite, np.isfinite(b)) or not np.array_equal(a[~finite], b[~finite]):
            yield f"{node.name}: {node.layer} is not finite in one"
            continue
        scale = max(float(np.abs(a[finite]).max(initial=0.0)), 1e-3)
        apart = float(np.abs(a[finite] - b[finite]).max(initial=0.0)) / scale
        if apart > tolerance:
            yield f"{node.name}: {node.layer} differs by {apart:.1e} of its largest value"


def vectors_by_channel(graph: Graph) -> set[int]:
    """The vectors whose order is the framework's own: those from such a flatten up to a fully connected layer."""
    found = set(flattens_by_channel(graph))
    for node in graph.nodes:
        if node.layer.kind in ALIKE and any(index in found for index in node.inputs):
            found.add(node.index)
    return found
