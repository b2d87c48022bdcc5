"""ONNX files: real ones against what their frameworks counted, small ones against ONNX's own rules."""

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import onnx_files as files
import pytest
from reference import MODELS, read_json

import cnncalc
from cnncalc import SpecError

SHARED = MODELS / "onnx"

needs_onnx = pytest.mark.frameworks


def package_folder(package: str) -> Path | None:
    """The folder of an installed package, which is not imported."""
    found = find_spec(package)
    return Path(found.origin).parent if found and found.origin else None


def save(
    path: Path,
    nodes: Sequence[Any],
    inputs: dict[str, Sequence[Any]],
    weights: dict[str, Any] | None = None,
    outputs: dict[str, Sequence[Any] | None] | None = None,
    opset: int = 17,
    domains: Sequence[str] = (),
) -> Path:
    """A model of these nodes. A weight is an array of values, or a tuple of dimensions whose values are elsewhere."""
    import numpy
    from onnx import TensorProto, helper, numpy_helper

    held = []
    for name, value in (weights or {}).items():
        if isinstance(value, tuple):
            tensor = TensorProto(name=name, dims=value, data_type=TensorProto.FLOAT)
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value="absent.bin")
        else:
            tensor = numpy_helper.from_array(numpy.asarray(value), name)
        held.append(tensor)
    outputs = outputs if outputs is not None else {nodes[-1].output[0]: None}
    graph = helper.make_graph(
        list(nodes),
        "made",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in outputs.items()],
        held,
    )
    imports = [helper.make_opsetid(domain, 1) for domain in domains]
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset), *imports])
    path.write_bytes(model.SerializeToString())
    return path


def node(operator: str, inputs: str, outputs: str = "y", **attributes: Any) -> Any:
    """A node; its inputs and outputs are names with spaces between, `-` for one that is left out."""
    from onnx import helper

    names = ["" if name == "-" else name for name in inputs.split()]
    return helper.make_node(operator, names, outputs.split(), **attributes)


EXPECTED = read_json(SHARED / "expected.json")


@pytest.mark.reference
@pytest.mark.parametrize("name", list(EXPECTED))
def test_timm(name: str) -> None:
    """A network of timm has PyTorch's MACs, its output, and as many weights as the file, whose values are absent."""
    expected = EXPECTED[name]
    result = cnncalc.analyze(SHARED / f"{name}.onnx")
    totals = result.totals
    assert {
        "macs": totals.macs,
        "weights": totals.params + totals.buffers,
        "output": [result[each].output_shape for each in result.outputs],
        "unknown": result.unknown,
    } == {
        "macs": expected["macs"],
        "weights": expected["float_initializer_elements"],
        "output": [tuple(expected["output"][1:])],
        "unknown": (),
    }


LIGHT = package_folder("onnx")
LIGHT = LIGHT / "backend/test/data/light" if LIGHT else None

#: Published parameters and MACs: of torchvision's models of the same layers, and of Caffe's AlexNet, which has groups.
LIGHT_MODELS = {
    "bvlc_alexnet": (60_965_224, None),
    "resnet50": (25_557_032, 4_089_184_256),
    "squeezenet": (1_235_496, 349_151_936),
    "vgg19": (143_667_240, 19_632_062_464),
}


@pytest.mark.frameworks
@pytest.mark.parametrize("name", list(LIGHT_MODELS))
def test_light(name: str) -> None:
    """A model of the onnx package, whose weights are ConstantOfShape nodes, has the published figures."""
    assert LIGHT is not None
    params, macs = LIGHT_MODELS[name]
    totals = cnncalc.analyze(LIGHT / f"light_{name}.onnx").totals
    assert (totals.params, macs and totals.macs) == (params, macs)


@pytest.mark.frameworks
def test_light_unknown() -> None:
    """No operator of the onnx package's models is unknown."""
    assert LIGHT is not None
    files = sorted(LIGHT.glob("light_*.onnx"))
    assert len(files) == 9
    assert [(path.name, row.type) for path in files for row in cnncalc.analyze(path).unknown] == []


RAPID = package_folder("rapidocr_onnxruntime")


@pytest.mark.frameworks
@pytest.mark.parametrize(
    ("name", "input", "output"),
    [
        ("ch_PP-OCRv4_det_infer", "640x640x3", (640, 640, 1)),
        ("ch_PP-OCRv4_rec_infer", "48x320x3", (40, 6625)),
        ("ch_ppocr_mobile_v2.0_cls_infer", "48x192x3", (2,)),
    ],
)
def test_rapidocr(name: str, input: str, output: tuple[int, ...]) -> None:
    """Paddle's exports, with shapes that are computed and open sizes, have no unknown operator."""
    assert RAPID is not None
    result = cnncalc.analyze(RAPID / f"models/{name}.onnx", input=input)
    assert (result.unknown, result[result.outputs[0]].output_shape) == ((), output)


# -- sizes, against ONNX's own inference -----------------------------------------------------------------------

W3 = (8, 4, 3, 3)
SIZES: list[tuple[str, str, tuple[int, ...], dict[str, Any], dict[str, Any]]] = [
    ("Conv", "x w", (1, 4, 11, 9), {"w": W3}, {}),
    ("Conv", "x w", (1, 4, 11, 9), {"w": W3}, {"pads": [0, 1, 2, 1], "strides": [2, 1], "dilations": [2, 2]}),
    ("Conv", "x w", (1, 4, 11, 9), {"w": W3}, {"auto_pad": "SAME_UPPER", "strides": [2, 3]}),
    ("Conv", "x w", (1, 4, 11, 9), {"w": W3}, {"auto_pad": "SAME_LOWER", "strides": [2, 3]}),
    ("Conv", "x w", (1, 4, 11, 9), {"w": W3}, {"auto_pad": "VALID"}),
    ("Conv", "x w b", (1, 4, 20), {"w": (6, 2, 5), "b": (6,)}, {"group": 2}),
    ("Conv", "x w", (1, 4, 5, 6, 7), {"w": (8, 4, 2, 2, 2)}, {}),
    ("ConvTranspose", "x w", (1, 4, 5, 6), {"w": (4, 3, 3, 3)}, {"strides": [2, 2], "pads": [1, 1, 1, 1]}),
    ("ConvTranspose", "x w", (1, 4, 5, 6), {"w": (4, 3, 3, 3)}, {"strides": [2, 2], "output_padding": [1, 1]}),
    ("ConvTranspose", "x w", (1, 4, 5, 6), {"w": (4, 3, 3, 3)}, {"strides": [3, 3], "output_shape": [15, 17]}),
    ("ConvTranspose", "x w", (1, 4, 5, 6), {"w": (4, 3, 3, 3)}, {"strides": [2, 2], "auto_pad": "SAME_UPPER"}),
    ("ConvTranspose", "x w", (1, 4, 5, 6), {"w": (4, 3, 3, 3)}, {"group": 2, "dilations": [2, 1]}),
    ("MaxPool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [3, 2], "strides": [2, 2]}),
    ("MaxPool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [3, 3], "strides": [2, 2], "ceil_mode": 1}),
    ("MaxPool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [2, 2], "pads": [0, 0, 2, 2]}),
    ("AveragePool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], "count_include_pad": 1}),
    ("AveragePool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [3, 3], "auto_pad": "SAME_UPPER", "strides": [2, 2]}),
    ("LpPool", "x", (1, 4, 11, 9), {}, {"kernel_shape": [3, 3]}),
    ("GlobalAveragePool", "x", (1, 4, 11, 9), {}, {}),
    ("ReduceMean", "x", (1, 4, 11, 9), {}, {"axes": [2, 3], "keepdims": 1}),
    ("ReduceMean", "x", (1, 4, 11, 9), {}, {"axes": [2, 3], "keepdims": 0}),
    ("ReduceMax", "x", (1, 4, 11, 9), {}, {"axes": [1], "keepdims": 1}),
    ("Flatten", "x", (1, 4, 11, 9), {}, {}),
    ("Transpose", "x", (1, 4, 11, 9), {}, {"perm": [0, 3, 1, 2]}),
    ("Concat", "x x", (1, 4, 11, 9), {}, {"axis": 1}),
    ("Concat", "x x", (1, 4, 11, 9), {}, {"axis": 2}),
    ("Resize", "x - s", (1, 4, 11, 9), {"s": [1.0, 1.0, 2.0, 2.0]}, {}),
    ("Resize", "x - s", (1, 4, 11, 9), {"s": [1.0, 1.0, 1.5, 0.5]}, {"mode": "linear"}),
    ("Resize", "x - - t", (1, 4, 11, 9), {"t": [1, 4, 22, 27]}, {}),
    ("Resize", "x - - t", (1, 4, 11, 9), {"t": [1, 4, 20, 5]}, {}),
    ("DepthToSpace", "x", (1, 16, 5, 6), {}, {"blocksize": 2}),
    ("SpaceToDepth", "x", (1, 3, 6, 8), {}, {"blocksize": 2}),
    ("Pad", "x p", (1, 4, 11, 9), {"p": [0, 0, 1, 2, 0, 0, 3, 4]}, {}),
    ("Slice", "x s e a", (1, 4, 11, 9), {"s": [1], "e": [3], "a": [1]}, {}),
    ("Slice", "x s e a t", (1, 4, 12, 9), {"s": [0], "e": [2**62], "a": [2], "t": [2]}, {}),
    ("Reshape", "x s", (1, 4, 11, 9), {"s": [0, -1, 9]}, {}),
    ("Squeeze", "x a", (1, 4, 1, 9), {"a": [2]}, {}),
    ("Unsqueeze", "x a", (1, 4, 11), {"a": [3]}, {}),
    ("Gather", "x i", (1, 4, 11, 9), {"i": [0, 2]}, {"axis": 1}),
    ("Expand", "x s", (1, 4, 1, 9), {"s": [1, 4, 5, 9]}, {}),
    ("Tile", "x r", (1, 4, 5, 9), {"r": [1, 1, 2, 1]}, {}),
    ("MatMul", "x w", (1, 7, 16), {"w": (16, 5)}, {}),
    ("MatMul", "x x", (1, 2, 7, 7), {}, {}),
    ("Gemm", "x w b", (1, 16), {"w": (5, 16), "b": (5,)}, {"transB": 1}),
    ("Add", "x b", (1, 4, 11, 9), {"b": (4, 1, 1)}, {}),
    ("Mul", "x b", (1, 4, 11, 9), {"b": (1, 4, 1, 1)}, {}),
    ("TopK", "x k", (1, 4, 11), {"k": [3]}, {}),
    ("LRN", "x", (1, 4, 11, 9), {}, {"size": 5}),
]


def arrays(weights: dict[str, Any]) -> dict[str, Any]:
    """Lists as arrays of 64 bits for whole numbers and 32 for reals; shapes as they are."""
    import numpy

    real = {name for name, value in weights.items() if isinstance(value, list) and isinstance(value[0], float)}
    return {
        name: value if isinstance(value, tuple) else numpy.array(value, numpy.float32 if name in real else numpy.int64)
        for name, value in weights.items()
    }


@needs_onnx
@pytest.mark.parametrize(
    ("operator", "inputs", "shape", "weights", "attributes"),
    SIZES,
    ids=[f"{number}-{operator}" for number, (operator, *_) in enumerate(SIZES)],
)
def test_sizes(
    operator: str,
    inputs: str,
    shape: tuple[int, ...],
    weights: dict[str, Any],
    attributes: dict[str, Any],
    tmp_path: Path,
) -> None:
    """An operator's output is of the size that ONNX's own shape inference gives it."""
    import onnx

    outputs = "y i" if operator == "TopK" else "y"
    path = save(tmp_path / "one.onnx", [node(operator, inputs, outputs, **attributes)], {"x": shape}, arrays(weights))
    inferred = onnx.shape_inference.infer_shapes(onnx.load(path, load_external_data=False), strict_mode=True)
    wanted = [dim.dim_value for dim in inferred.graph.output[0].type.tensor_type.shape.dim]
    result = cnncalc.analyze(path)
    assert (result.rows[-1].output_shape in samples(wanted), result.unknown) == (True, ())


def samples(dims: Sequence[int]) -> list[tuple[int, ...]]:
    """What one sample of these dimensions is, channels last: the file may have them second or last."""
    _, first, *space = dims
    return [(*space, first), (first, *space)]


# -- weights ---------------------------------------------------------------------------------------------------


@needs_onnx
def test_shared(tmp_path: Path) -> None:
    """A weight that two nodes read is counted once, with the first."""
    nodes = [node("Conv", "x w", "a", pads=[1] * 4), node("Conv", "a w", "y", pads=[1] * 4)]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 8, 8)}, {"w": (4, 4, 3, 3)}))
    # 4·4·3·3 weights; at each of 64 places as many products, twice.
    assert ([row.params for row in result.rows], result.totals.macs) == ([0, 144, 0], 2 * 64 * 144)
    assert result.rows[2].weights_of == result.rows[1].name


@needs_onnx
def test_weights_of_no_layer(tmp_path: Path) -> None:
    """A constant for each channel that is multiplied is a scale; any other is counted where it is read."""
    nodes = [node("Mul", "x g", "a"), node("Add", "a p", "b"), node("Div", "b two", "y")]
    weights = {"g": (4, 1, 1), "p": (1, 4, 8, 8), "two": 2.0}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 8, 8)}, weights))
    assert [(row.description, row.params) for row in result.rows[1:]] == [("scale", 4), ("Add", 256), ("Div", 0)]


@needs_onnx
def test_batch_norm(tmp_path: Path) -> None:
    """Running mean and variance are buffers."""
    nodes = [node("BatchNormalization", "x s b m v")]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 8, 8)}, dict.fromkeys("sbmv", (4,))))
    assert (result.totals.params, result.totals.buffers) == (8, 8)


@needs_onnx
def test_derived(tmp_path: Path) -> None:
    """Weights behind Identity, Transpose and DequantizeLinear are those that the file holds."""
    import numpy

    nodes = [
        node("DequantizeLinear", "q scale", "f"),
        node("Transpose", "f", "t", perm=[1, 0]),
        node("Identity", "t", "w"),
        node("MatMul", "x w", "y"),
    ]
    weights = {"q": numpy.zeros((10, 16), numpy.int8), "scale": numpy.float32(0.1)}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 16)}, weights))
    assert [(row.description, row.params, row.macs) for row in result.rows[1:]] == [("fc 10 nobias", 160, 160)]


@needs_onnx
def test_filled(tmp_path: Path) -> None:
    """What ConstantOfShape fills is a weight where its shape stands in the file, and none where that is computed."""
    nodes = [
        node("ConstantOfShape", "s", "w"),
        node("Add", "x w", "a"),
        node("Shape", "a", "t"),
        node("ConstantOfShape", "t", "mask"),
        node("Add", "a mask", "y"),
    ]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6)}, arrays({"s": [4, 1, 1]})))
    assert [(row.type, row.params) for row in result.rows[1:]] == [("Add", 4), ("Add", 0)]


@needs_onnx
def test_quantized(tmp_path: Path) -> None:
    """QLinear operators are the layers they quantize; scales and zero points are no parameters."""
    import numpy

    nodes = [
        node("QuantizeLinear", "x s z", "a"),
        node("QLinearConv", "a s z w s z s z b", "c", pads=[1] * 4),
        node("DequantizeLinear", "c s z", "y"),
    ]
    weights = {
        "s": numpy.float32(0.1),
        "z": numpy.uint8(0),
        "w": numpy.zeros((8, 4, 3, 3), numpy.uint8),
        "b": numpy.zeros(8, numpy.int32),
    }
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6)}, weights))
    rows = [(row.description, row.params, row.macs) for row in result.rows[1:]]
    # 8·4·3·3 weights and 8 biases; 36 places · 288 products.
    assert rows == [("conv 3x3 p1 x8", 296, 36 * 288)]


@needs_onnx
def test_deformable(tmp_path: Path) -> None:
    """A deformable convolution counts what a plain one of its size does."""
    nodes = [node("DeformConv", "x w o b", pads=[1] * 4)]
    weights = {"w": (8, 4, 3, 3), "b": (8,)}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6), "o": (1, 18, 6, 6)}, weights))
    last = result.rows[-1]
    # 8·4·3·3 weights and 8 biases; 36 places · 288 products.
    assert (last.output_shape, last.params, last.macs, result.unknown) == ((6, 6, 8), 296, 36 * 288, ())


@needs_onnx
def test_attention(tmp_path: Path) -> None:
    """The product of two tensors counts as many MACs as a fully connected layer of its size, and no weights."""
    nodes = [node("Transpose", "x", "t", perm=[0, 2, 1]), node("MatMul", "x t", "y")]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 5, 7)}))
    assert (result.rows[-1].output_shape, result.totals.macs, result.totals.params) == ((5, 5), 5 * 5 * 7, 0)


@needs_onnx
def test_many_axes(tmp_path: Path) -> None:
    """Tensors of more than three spatial axes, as attention over windows has them, are merged like any other."""
    nodes = [node("Relu", "x", "a"), node("Add", "a x", "b"), node("Concat", "b x", "y", axis=1)]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 2, 3, 4, 5, 6)}))
    assert [row.output_shape for row in result.rows[1:]] == [(3, 4, 5, 6, 2)] * 2 + [(3, 4, 5, 6, 4)]


# -- shapes ----------------------------------------------------------------------------------------------------


@needs_onnx
def test_computed_shape(tmp_path: Path) -> None:
    """A shape that Shape, Gather, Mul and Concat compute is worked out: here that of a flatten."""
    nodes = [
        node("Shape", "x", "s"),
        node("Gather", "s zero", "n", axis=0),
        node("Gather", "s one", "c", axis=0),
        node("Mul", "c area", "k"),
        node("Unsqueeze", "n axes", "n1"),
        node("Unsqueeze", "k axes", "k1"),
        node("Concat", "n1 k1", "t", axis=0),
        node("Reshape", "x t", "y"),
    ]
    weights = arrays({"axes": [0]}) | {"zero": 0, "one": 1, "area": 99}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": ("N", 4, 11, 9)}, weights))
    assert [(row.description, row.output_shape) for row in result.rows[1:]] == [("flatten", (396,))]


@needs_onnx
def test_channels_last(tmp_path: Path) -> None:
    """A file in NHWC that turns its input first is shown as it is, without a row for the turn."""
    nodes = [node("Transpose", "x", "t", perm=[0, 3, 1, 2]), node("Conv", "t w", "y")]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 9, 8, 3)}, {"w": (4, 3, 3, 3)}))
    assert [(row.type, row.output_shape) for row in result.rows] == [("input", (9, 8, 3)), ("conv", (7, 6, 4))]


@needs_onnx
@pytest.mark.parametrize(
    ("options", "shape"),
    [({"input": "10x12x3"}, (8, 10, 4)), ({"dims": {"h": 10, "w": 12}}, (8, 10, 4)),
     ({"dims": {"N": 1, "h": 10, "w": 12}}, (8, 10, 4))],
)  # fmt: skip
def test_open_sizes(options: dict[str, Any], shape: tuple[int, ...], tmp_path: Path) -> None:
    """Sizes that the file leaves open are given by an input's shape or by name; the batch is 1."""
    path = save(tmp_path / "m.onnx", [node("Conv", "x w")], {"x": ("N", 3, "h", "w")}, {"w": (4, 3, 3, 3)})
    assert cnncalc.analyze(path, **options).rows[-1].output_shape == shape


@needs_onnx
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {},
            "error[E308]: the file leaves the size of `x` open\n = its shape is Nx3xhxw\n"
            " = help: add `--input 224x224x3`, or `--dim h=N --dim w=N`",
        ),
        (
            {"dims": {"width": 5}},
            "error[E309]: the model has no dimension `width`\n = symbolic dimensions of its inputs: `N`, `h`, `w`",
        ),
        (
            {"dims": {"N": 8}},
            "error[E309]: `--dim N=8` is no size of the model\n = `N` is the batch, and shapes here are of one sample\n"
            " = help: use `--batch 8`",
        ),
        (
            {"input": "10x12x1"},
            "error[E309]: `--input 10x12x1` does not fit the model\n = the file fixes 3 channels, not 1",
        ),
        (
            {"input": "10x12x5x3"},
            "error[E309]: `--input 10x12x5x3` does not fit the model\n"
            " = the file's first input has 4 axes, the batch included",
        ),
        (
            {"variables": {"width": 5}, "input": "10x12x3"},
            "error[E309]: `--var` does not apply here\n = a model file has no lets\n"
            " = help: `--dim NAME=N` gives a symbolic dimension its size",
        ),
    ],
)  # fmt: skip
def test_open_sizes_wrong(options: dict[str, Any], message: str, tmp_path: Path) -> None:
    """What is left open, or given where nothing is, is an error that says what there is."""
    path = save(tmp_path / "m.onnx", [node("Conv", "x w")], {"x": ("N", 3, "h", "w")}, {"w": (4, 3, 3, 3)})
    with pytest.raises(SpecError) as caught:
        cnncalc.load(path, **options)
    assert str(caught.value) == message


@needs_onnx
def test_fixed_batch(tmp_path: Path) -> None:
    """A file that fixes a batch of 8, in its reshapes too, is read for one sample."""
    nodes = [node("Reshape", "x t", "f"), node("Gemm", "f w", "y")]
    weights = {**arrays({"t": [8, -1]}), "w": (48, 5)}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (8, 3, 4, 4)}, weights))
    assert (result.rows[-1].output_shape, result.totals.macs) == ((5,), 240)


# -- what exporters write out in parts ---------------------------------------------------------------------------

PARTS = {
    "silu": "Sigmoid x -> s | Mul x s",
    "silu, turned round": "Sigmoid x -> s | Mul s x",
    "hardswish": "Add x three -> a | Clip a zero six -> c | Mul x c -> m | Div m six",
    "gelu": "Div x root -> d | Erf d -> e | Add e one -> a | Mul x a -> m | Mul m half",
    "shuffle g2": "Reshape x groups -> g | Transpose g -> t | Reshape t joined",
    "shuffle g2, space as one": "Reshape x flat -> g | Transpose g -> t | Reshape t joined",
    "ln": "ReduceMean x -> u | Sub x u -> d | Pow d two -> p | ReduceMean p -> v | Add v eps -> w | Sqrt w -> r "
    "| Div d r -> n | Mul n gamma -> o | Add o beta",
    "fc 5": "MatMul f weight -> m | Add m bias",
}


@needs_onnx
@pytest.mark.parametrize("opset", [17, 18])
@pytest.mark.parametrize("whole", list(PARTS))
def test_parts(whole: str, opset: int, tmp_path: Path) -> None:
    """What an exporter writes out in parts is one layer again."""
    import numpy

    nodes = []
    for line in PARTS[whole].split(" | "):
        inputs, _, output = line.partition(" -> ")
        operator, _, names = inputs.partition(" ")
        attributes: dict[str, Any] = {}
        if operator == "Transpose":
            attributes = {"perm": [0, 2, 1, 3] if "one" in whole else [0, 2, 1, 3, 4]}
        # The axes of a mean are an attribute first, and from opset 18 on an input.
        if operator == "ReduceMean" and opset < 18:
            attributes = {"axes": [-1]}
        elif operator == "ReduceMean":
            names += " last"
        nodes.append(node(operator, names, output or "y", **attributes))
    numbers = {"zero": 0, "half": 0.5, "one": 1, "two": 2, "three": 3, "six": 6, "root": 1.4142135, "eps": 1e-5}
    weights = {name: numpy.float32(value) for name, value in numbers.items()}
    weights |= arrays({"groups": [1, 2, 2, 6, 6], "flat": [-1, 2, 2, 36], "joined": [1, 4, 6, 6], "last": [-1]})
    weights |= {"gamma": (6,), "beta": (6,), "weight": (3, 5), "bias": (5,)}  # type: ignore[dict-item]
    path = save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6), "f": (1, 3)}, weights, opset=opset)
    result = cnncalc.analyze(path)
    assert [row.description for row in result.rows if row.inputs and not row.implicit] == [whole.partition(",")[0]]


@needs_onnx
def test_heads(tmp_path: Path) -> None:
    """The heads of an attention are turned like the groups of a shuffle, and are none."""
    nodes = [
        node("MatMul", "x w", "q"),
        node("Reshape", "q s", "a"),
        node("Transpose", "a", "b", perm=[0, 2, 1, 3]),
        node("Reshape", "b t", "y"),
    ]
    weights = {"w": (6, 6), **arrays({"s": [1, 7, 2, 3], "t": [2, 7, 3]})}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 7, 6)}, weights))
    assert [row.type for row in result.rows if not row.implicit] == ["input", "conv", "reshape", "Transpose"]
    assert result.rows[-1].output_shape == (2, 7, 3)


@needs_onnx
def test_parts_that_are_read(tmp_path: Path) -> None:
    """What something else reads of the parts stays as it is."""
    nodes = [node("Sigmoid", "x", "s"), node("Mul", "x s", "m"), node("Add", "m s", "y")]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6)}))
    assert [row.type for row in result.rows] == ["input", "sigmoid", "mul", "add"]


# -- names -----------------------------------------------------------------------------------------------------


@needs_onnx
def test_names(tmp_path: Path) -> None:
    """A node goes by its module's path; what only stands in a module, or has a number alone, is numbered."""
    nodes = [
        node("Conv", "x w", "a", name="/layer1/layer1.0/conv1/Conv", pads=[1] * 4),
        node("Relu", "a", "b", name="/layer1/layer1.0/act/Relu"),
        node("Add", "b x", "c", name="/layer1/layer1.0/Add"),
        node("Relu", "c", "y", name="Relu_17"),
    ]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6)}, {"w": (4, 4, 3, 3)}))
    assert [row.name for row in result.rows] == ["x", "layer1.0.conv1", "layer1.0.act", "layer1.0.add1", "relu1"]


@needs_onnx
def test_noted_names(tmp_path: Path) -> None:
    """Where PyTorch's exporter notes the modules down, nodes go by those."""
    conv = node("Conv", "x w", "a", name="node_Conv_31", pads=[1] * 4)
    conv.metadata_props.add(key="pkg.torch.onnx.name_scopes", value="['', 'stem', 'stem.conv', 'conv2d_3']")
    nodes = [conv, node("Add", "a a", "y", name="node_add_7")]
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 4, 6, 6)}, {"w": (4, 4, 3, 3)}))
    assert [row.name for row in result.rows] == ["x", "stem.conv", "add1"]


# -- what is not known -----------------------------------------------------------------------------------------


def odd(path: Path, stated: Sequence[Any] | None) -> Path:
    """A convolution on each side of an operator that nobody knows, which holds weights."""
    nodes = [
        node("Conv", "x w", "a", pads=[1] * 4),
        node("Odd", "a o", "b", domain="my.ops"),
        node("Conv", "b w2", "y", pads=[1] * 4),
    ]
    weights = {"w": (4, 3, 3, 3), "o": (7, 7), "w2": (2, 4, 3, 3)}
    outputs: dict[str, Any] = {"y": None} if stated is None else {"y": None, "b": stated}
    return save(path, nodes, {"x": (1, 3, 8, 8)}, weights, outputs, domains=["my.ops"])


@needs_onnx
def test_unknown_stated(tmp_path: Path) -> None:
    """An unknown operator has the shape that the file states, its weights are counted, and the table goes on."""
    result = cnncalc.analyze(odd(tmp_path / "m.onnx", ("N", 4, 8, 8)))
    assert [(row.description, row.output_shape, row.params, row.macs) for row in result.rows[1:]] == [
        ("conv 3x3 p1 x4 nobias", (8, 8, 4), 108, 64 * 108),
        ("Odd (unknown, shape as stated)", (8, 8, 4), 49, 0),
        ("conv 3x3 p1 x2 nobias", (8, 8, 2), 72, 64 * 72),
    ]


@needs_onnx
def test_unknown_open(tmp_path: Path) -> None:
    """Behind an operator whose shape nobody states, weights are still counted, and all that is not is listed."""
    result = cnncalc.analyze(odd(tmp_path / "m.onnx", None))
    assert [(row.type, row.output_shape, row.params) for row in result.rows[1:]] == [
        ("conv", (8, 8, 4), 108),
        ("Odd", (), 49),
        ("Conv", (), 72),
    ]
    assert [row.type for row in result.unknown] == ["Odd", "Conv"]


@needs_onnx
def test_strict(tmp_path: Path) -> None:
    """With `strict`, an unknown operator is an error."""
    with pytest.raises(SpecError) as caught:
        cnncalc.analyze(odd(tmp_path / "m.onnx", ("N", 4, 8, 8)), strict=True)
    assert str(caught.value) == (
        "error[E305]: unknown operator `Odd`\n"
        " = the parameters and MACs of `Odd1` are not known\n"
        " = help: without `--strict` it is a row marked unknown, and totals are lower bounds"
    )


@needs_onnx
def test_recurrent(tmp_path: Path) -> None:
    """A recurrent layer is ours, with its weights and MACs, and what follows it reads its directions side by side."""
    nodes = [
        node("Transpose", "x", "q", perm=[2, 0, 1]),
        node("LSTM", "q w r b", "h", hidden_size=5, direction="bidirectional"),
        node("Transpose", "h", "t", perm=[2, 0, 1, 3]),
        node("Reshape", "t s", "f"),
        node("MatMul", "f m", "y"),
    ]
    weights = {"w": (2, 20, 6), "r": (2, 20, 5), "b": (2, 40), "m": (10, 3), **arrays({"s": [1, 7, 10]})}
    result = cnncalc.analyze(save(tmp_path / "m.onnx", nodes, {"x": (1, 6, 7)}, weights))
    # Two directions of four gates: 4·5·(6 + 5) weights and 2·4·5 biases each, and 7 steps of the weights.
    rows = [(str(row.node.layer), row.params, row.macs) for row in result.rows if row.type == "lstm"]
    assert (rows, result.unknown) == ([("lstm 5 bi", 520, 7 * 440)], ())
    assert (result.rows[-1].output_shape, result.rows[-1].macs) == ((7, 3), 7 * 10 * 3)


@needs_onnx
def test_loop(tmp_path: Path) -> None:
    """A Loop is unknown, whatever its body holds; its shape is the stated one."""
    from onnx import TensorProto, helper

    out = [helper.make_tensor_value_info("o", TensorProto.FLOAT, None)]
    body = helper.make_graph([node("Relu", "x", "o")], "body", [], out)
    path = save(
        tmp_path / "m.onnx", [node("Loop", "- c x", "y", body=body)], {"x": (1, 4), "c": ()}, outputs={"y": (1, 4)}
    )
    assert [(row.type, row.output_shape) for row in cnncalc.analyze(path).unknown] == [("Loop", (4,))]


@pytest.mark.parametrize("rule", ["SAME_UPPER", "SAME_LOWER"])
def test_transposed_same(rule: str, tmp_path: Path) -> None:
    """By ONNX's rule a transposed convolution with `SAME` gives N·S: 7·2 = 14, for which (7 − 1)·2 + 5 − 14 = 3 go."""
    weights = files.tensor("w", (1, 1, 5, 5))
    more = files.field(5, files.field(1, b"strides") + files.field(8, 2) * 2)
    more += files.field(5, files.field(1, b"auto_pad") + files.field(4, rule.encode()))
    data = files.model([files.node("ConvTranspose", ("x", "w"), "y", more)], [weights], (1, 1, 7, 7))
    (tmp_path / "m.onnx").write_bytes(data)
    assert cnncalc.analyze(tmp_path / "m.onnx").rows[-1].output_shape == (14, 14, 1)


@pytest.mark.parametrize(
    ("start", "end", "step", "left"), [(-1, -(2**63), -1, 8), (0, 2**63 - 1, 1, 8), (5, -(2**63), -2, 3)]
)
def test_slice_to_the_ends(start: int, end: int, step: int, left: int, tmp_path: Path) -> None:
    """The numbers at the ends of 64 bits stand for the ends of an axis, by the direction of the step."""
    given = {"s": start, "e": end, "a": 2, "t": step}
    ints = [
        files.field(1, 1) + files.field(2, 7) + files.field(8, name.encode()) + files.field(7, value % 2**64)
        for name, value in given.items()
    ]
    data = files.model([files.node("Slice", ("x", *given), "y")], ints)
    (tmp_path / "m.onnx").write_bytes(data)
    assert cnncalc.analyze(tmp_path / "m.onnx").rows[-1].output_shape == (left, 8, 3)


def test_slice_to_before_the_beginning(tmp_path: Path) -> None:
    """Forwards, the smallest number is the beginning: nothing is left."""
    given = {"s": 0, "e": -(2**63), "a": 2, "t": 1}
    ints = [
        files.field(1, 1) + files.field(2, 7) + files.field(8, name.encode()) + files.field(7, value % 2**64)
        for name, value in given.items()
    ]
    (tmp_path / "m.onnx").write_bytes(files.model([files.node("Slice", ("x", *given), "y")], ints))
    with pytest.raises(cnncalc.SpecError, match="nothing is left of its input"):
        cnncalc.analyze(tmp_path / "m.onnx")
