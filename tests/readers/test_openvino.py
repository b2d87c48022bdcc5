"""OpenVINO's `.xml` files: small ones with figures by hand, of v10 and later and of v7, and wrong ones."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import cnncalc

Dims = tuple[int, ...]
Row = tuple[str, str, tuple[int, ...], int, int]


def port(id: int, dims: Dims, precision: str = "") -> str:
    type = f' precision="{precision}"' if precision else ""
    return f'<port id="{id}"{type}>{"".join(f"<dim>{size}</dim>" for size in dims)}</port>'


class Ir:
    """A file that is written layer by layer; a layer's inputs are layers, by name, or names and output ports."""

    def __init__(self, version: int = 11) -> None:
        self.version = version
        self.layers: list[str] = []
        self.edges: list[str] = []
        self.known: dict[str, tuple[int, list[tuple[int, Dims]]]] = {}

    def add(
        self,
        name: str,
        kind: str,
        inputs: tuple[str, ...],
        *outputs: Dims,
        blobs: str = "",
        body: str = "",
        **data: Any,
    ) -> Ir:
        id = len(self.layers)
        precision = data.pop("precision", "FP32")
        text = "".join(f' {key.replace("__", "-")}="{value}"' for key, value in data.items())
        ports = []
        for at, source in enumerate(inputs):
            producer, _, number = source.partition(":")
            source_id, produced = self.known[producer]
            source_port, dims = produced[int(number or 0)]
            ports.append(port(at, dims))
            self.edges.append(
                f'<edge from-layer="{source_id}" from-port="{source_port}" to-layer="{id}" to-port="{at}"/>'
            )
        made = [(len(inputs) + number, dims) for number, dims in enumerate(outputs)]
        self.known[name] = id, made
        out = "".join(port(number, dims, precision) for number, dims in made)
        self.layers.append(
            f'<layer id="{id}" name="{name}" type="{kind}" version="opset1"><data{text}/>'
            f"<input>{''.join(ports)}</input><output>{out}</output>{blobs}</layer>\n"
        )
        return self

    def input(self, *dims: int, name: str = "x") -> Ir:
        return self.add(name, "Parameter" if self.version > 7 else "Input", (), dims)

    def const(self, name: str, *dims: int, type: str = "f32") -> Ir:
        return self.add(name, "Const", (), dims, element_type=type, precision=type.upper())

    def text(self) -> str:
        layers, edges = "".join(self.layers), "".join(self.edges)
        return (
            f'<?xml version="1.0"?>\n<net name="n" version="{self.version}">\n'
            f"<layers>{layers}</layers><edges>{edges}</edges></net>"
        )


def written(tmp_path: Path, ir: Ir | str) -> Path:
    path = tmp_path / "net.xml"
    path.write_text(ir if isinstance(ir, str) else ir.text(), encoding="utf-8")
    return path


def rows(tmp_path: Path, ir: Ir, **options: Any) -> list[Row]:
    """Name, text, shape, parameters and MACs of every row but the inputs."""
    analysis = cnncalc.analyze(written(tmp_path, ir), **options)
    return [(row.name, row.description, row.output_shape, row.params, row.macs) for row in analysis.rows if row.inputs]


EXPLICIT = {"strides": "1, 1", "dilations": "1, 1", "pads_begin": "1, 1", "pads_end": "1, 1", "auto_pad": "explicit"}


def test_convolution_with_bias(tmp_path: Path) -> None:
    """A convolution's weights are an input; an addition of one number for each channel is its bias."""
    ir = Ir().input(1, 3, 32, 32).const("w", 16, 3, 3, 3).const("b", 1, 16, 1, 1)
    ir.add("c", "Convolution", ("x", "w"), (1, 16, 32, 32), **EXPLICIT)
    ir.add("c_bias", "Add", ("c", "b"), (1, 16, 32, 32), auto_broadcast="numpy")
    ir.add("r", "ReLU", ("c_bias",), (1, 16, 32, 32)).add("y", "Result", ("r",))
    # 16·27 + 16; 32·32·432.
    assert rows(tmp_path, ir) == [
        ("c", "conv 3x3 p1 x16", (32, 32, 16), 448, 442368), ("r", "relu", (32, 32, 16), 0, 0),
    ]  # fmt: skip


def test_a_bias_that_is_none(tmp_path: Path) -> None:
    """What is added to a convolution that something else reads as well is a row of its own."""
    ir = Ir().input(1, 3, 8, 8).const("w", 4, 3, 1, 1).const("b", 1, 4, 1, 1)
    ir.add("c", "Convolution", ("x", "w"), (1, 4, 8, 8), strides="1,1")
    ir.add("a", "Add", ("c", "b"), (1, 4, 8, 8)).add("m", "Multiply", ("c", "a"), (1, 4, 8, 8))
    assert [row[:4] for row in rows(tmp_path, ir)] == [
        ("c", "conv 1x1 x4 nobias", (8, 8, 4), 12), ("a", "Add", (8, 8, 4), 4), ("m", "mul", (8, 8, 4), 0),
    ]  # fmt: skip


def test_group_convolution(tmp_path: Path) -> None:
    """The groups are the first axis of the weights; as many as channels are a `dwconv`."""
    ir = Ir().input(1, 8, 10, 10).const("d", 8, 2, 1, 3, 3).const("g", 2, 4, 8, 1, 1)
    ir.add("dw", "GroupConvolution", ("x", "d"), (1, 16, 8, 8), strides="1,1", dilations="1,1")
    ir.add("gr", "GroupConvolution", ("dw", "g"), (1, 8, 8, 8), strides="1,1", auto_pad="valid")
    # 16·9 weights at 64 places; 8·8 weights at 64.
    assert rows(tmp_path, ir) == [
        ("dw", "dwconv 3x3 m2 nobias", (8, 8, 16), 144, 9216), ("gr", "conv 1x1 g2 x8 nobias", (8, 8, 8), 64, 4096),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "text"), [("same_upper", "conv 2x2 same x1 nobias"), ("same_lower", "conv 2x2 p1-0 x1 nobias")]
)
def test_padding_by_rule(rule: str, text: str, tmp_path: Path) -> None:
    ir = Ir().input(1, 1, 5, 5).const("w", 1, 1, 2, 2)
    ir.add("c", "Convolution", ("x", "w"), (1, 1, 5, 5), strides="1,1", auto_pad=rule, pads_begin="0,0", pads_end="0,0")
    assert rows(tmp_path, ir) == [("c", text, (5, 5, 1), 4, 100)]


def test_transposed_convolution(tmp_path: Path) -> None:
    """Its weights are channels by filters; an output shape that it reads is the one of its port."""
    ir = Ir().input(1, 4, 5, 5).const("w", 4, 2, 3, 3).const("s", 2, type="i64")
    ir.add("a", "ConvolutionBackpropData", ("x", "w"), (1, 2, 11, 11), strides="2,2", pads_begin="0,0", pads_end="0,0")
    ir.add("b", "ConvolutionBackpropData", ("x", "w", "s"), (1, 2, 10, 10), strides="2,2", auto_pad="same_upper")
    # (5 − 1)·2 + 3 = 11; 25 places of 72 products. The weights are counted once.
    assert rows(tmp_path, ir) == [
        ("a", "deconv 3x3 s2 x2 nobias", (11, 11, 2), 72, 1800),
        ("b", "deconv 3x3 s2 p0-1 x2 nobias", (10, 10, 2), 0, 1800),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("type", "data", "wanted"),
    [
        ("MaxPool", {"kernel": "2,2", "strides": "2,2"}, ("pool 2x2", (4, 4, 4))),
        ("MaxPool", {"kernel": "3,3", "strides": "2,2", "rounding_type": "ceil"}, ("pool 3x3 s2 ceil", (4, 4, 4))),
        (
            "AvgPool", {"kernel": "3,3", "pads_begin": "1,1", "pads_end": "1,1", "exclude-pad": "false"},
            ("avgpool 3x3 s1 p1 countpad", (8, 8, 4)),
        ),
        ("AdaptiveAvgPool", {}, ("adaptiveavgpool 3x3", (3, 3, 4))),
        ("ReduceMean", {"keep_dims": "true"}, ("gap", (1, 1, 4))),
        ("ReduceMax", {"keep_dims": "true"}, ("gmp", (1, 1, 4))),
        ("LRN", {"size": 5}, ("lrn", (8, 8, 4))),
        ("SoftMax", {"axis": 1}, ("softmax", (8, 8, 4))),
        ("Clamp", {"min": "0", "max": "6"}, ("relu6", (8, 8, 4))),
        ("Elu", {"alpha": "1"}, ("elu", (8, 8, 4))),
        ("HSwish", {}, ("hardswish", (8, 8, 4))),
        ("Swish", {}, ("silu", (8, 8, 4))),
        ("MVN", {"eps": "1e-5"}, ("MVN", (8, 8, 4))),
        ("DepthToSpace", {"block_size": 2, "mode": "depth_first"}, ("pixelshuffle 2", (16, 16, 1))),
        ("SpaceToDepth", {"block_size": 2, "mode": "blocks_first"}, ("pixelunshuffle 2", (4, 4, 16))),
        ("ShuffleChannels", {"axis": 1, "group": 2}, ("shuffle g2", (8, 8, 4))),
        ("Interpolate", {"mode": "nearest"}, ("upsample 2", (16, 16, 4))),
        ("StridedSlice", {}, ("StridedSlice", (4, 4, 4))),
    ],
)  # fmt: skip
def test_layer(type: str, data: dict[str, Any], wanted: tuple[str, tuple[int, ...]], tmp_path: Path) -> None:
    """Types on an image of 8x8x4, and the output that they state."""
    *spatial, channels = wanted[1]
    ir = Ir().input(1, 4, 8, 8).const("i", 2, type="i64")
    ir.add("l", type, ("x", "i"), (1, channels, *spatial), **data)
    assert rows(tmp_path, ir) == [("l", *wanted, 0, 0)]


def test_head(tmp_path: Path) -> None:
    """A mean over space, a reshape to a vector, and a matrix product with turned weights: 10·16 and 10 biases."""
    ir = Ir().input(1, 16, 4, 4).const("axes", 2, type="i64").const("shape", 2, type="i64")
    ir.const("w", 10, 16).const("b", 1, 10)
    ir.add("m", "ReduceMean", ("x", "axes"), (1, 16, 1, 1), keep_dims="true")
    ir.add("f", "Reshape", ("m", "shape"), (1, 16), special_zero="true")
    ir.add("p", "MatMul", ("f", "w"), (1, 10), transpose_a="false", transpose_b="true")
    ir.add("o", "Add", ("p", "b"), (1, 10))
    assert rows(tmp_path, ir) == [
        ("m", "gap", (1, 1, 16), 0, 0), ("f", "flatten", (16,), 0, 0), ("p", "fc 10", (10,), 170, 160),
    ]  # fmt: skip


def test_quantized_weights(tmp_path: Path) -> None:
    """Quantizing is no row, and neither scales, zero points nor ranges are weights."""
    ir = Ir().input(1, 3, 8, 8)
    for name in ("low", "high", "out_low", "out_high"):
        ir.const(name, 1, 1, 1, 1)
    ir.add("q", "FakeQuantize", ("x", "low", "high", "out_low", "out_high"), (1, 3, 8, 8), levels=256)
    ir.const("w8", 4, 3, 1, 1, type="i8").const("zero", 4, 1, 1, 1, type="i8").const("scale", 4, 1, 1, 1)
    ir.add("w", "Convert", ("w8",), (4, 3, 1, 1), destination_type="f32")
    ir.add("z", "Convert", ("zero",), (4, 1, 1, 1), destination_type="f32")
    ir.add("s", "Subtract", ("w", "z"), (4, 3, 1, 1)).add("k", "Multiply", ("s", "scale"), (4, 3, 1, 1))
    ir.add("c", "Convolution", ("q", "k"), (1, 4, 8, 8), strides="1,1")
    assert rows(tmp_path, ir) == [("c", "conv 1x1 x4 nobias", (8, 8, 4), 12, 768)]


def test_scale_and_merges(tmp_path: Path) -> None:
    """A factor for each channel is a scale, and a summand behind it its bias; tensors are merged."""
    ir = Ir().input(1, 4, 8, 8).const("f", 1, 4, 1, 1).const("b", 1, 4, 1, 1).const("one", 1)
    ir.add("s", "Multiply", ("x", "f"), (1, 4, 8, 8)).add("t", "Add", ("s", "b"), (1, 4, 8, 8))
    ir.add("half", "Multiply", ("t", "one"), (1, 4, 8, 8)).add("a", "Add", ("half", "x"), (1, 4, 8, 8))
    ir.add("k", "Concat", ("a", "x"), (1, 8, 8, 8), axis=1).const("axis", type="i64")
    ir.add("parts", "Split", ("k", "axis"), (1, 4, 8, 8), (1, 4, 8, 8), num_splits=2)
    ir.add("m", "Multiply", ("parts", "parts:1"), (1, 4, 8, 8))
    assert [row[:4] for row in rows(tmp_path, ir)] == [
        ("s", "scale bias", (8, 8, 4), 8), ("half", "Multiply", (8, 8, 4), 0), ("a", "add", (8, 8, 4), 0),
        ("k", "concat", (8, 8, 8), 0), ("parts", "slice 0:4", (8, 8, 4), 0),
        ("parts.slice1", "slice 4:8", (8, 8, 4), 0), ("m", "mul", (8, 8, 4), 0),
    ]  # fmt: skip


def test_recurrent(tmp_path: Path) -> None:
    """A sequence of 10 steps: 4·6·(8 + 6) weights, 24 biases; its outputs are all states and the last ones."""
    ir = Ir().input(1, 10, 8).const("h", 1, 1, 6).const("c", 1, 1, 6).const("n", 1, type="i64")
    ir.const("w", 1, 24, 8).const("r", 1, 24, 6).const("b", 1, 24)
    outputs = (1, 1, 10, 6), (1, 1, 6), (1, 1, 6)
    ir.add("l", "LSTMSequence", ("x", "h", "c", "n", "w", "r", "b"), *outputs, hidden_size=6, direction="forward")
    found = rows(tmp_path, ir)
    assert found[0] == ("l", "lstm 6 biases=1", (10, 6), 360, 3360)


def test_attention(tmp_path: Path) -> None:
    """Scores and weighted values of 2 heads: 2·5·5·(4 + 4) products; a product of two tensors counts as well."""
    ir = Ir().input(1, 2, 5, 4)
    ir.add("a", "ScaledDotProductAttention", ("x", "x", "x"), (1, 2, 5, 4), causal="false")
    ir.add("p", "MatMul", ("a", "x"), (1, 2, 5, 5), transpose_a="false", transpose_b="true")
    assert [(row[0], row[4]) for row in rows(tmp_path, ir)] == [("a", 400), ("p", 200)]


def test_embedding(tmp_path: Path) -> None:
    """A gather from a constant is a table."""
    ir = Ir().add("x", "Parameter", (), (1, 7), precision="I64").const("t", 100, 16).const("axis", type="i64")
    ir.add("g", "Gather", ("t", "x", "axis"), (1, 7, 16), batch_dims=0)
    assert rows(tmp_path, ir) == [("g", "Gather", (7, 16), 1600, 0)]


def test_channels_last(tmp_path: Path) -> None:
    """An input that is turned at once has its channels last, and the turn is no row."""
    ir = Ir().input(1, 32, 32, 3).const("order", 4, type="i64").const("w", 8, 3, 3, 3)
    ir.add("t", "Transpose", ("x", "order"), (1, 3, 32, 32))
    ir.add("c", "Convolution", ("t", "w"), (1, 8, 30, 30), strides="1,1")
    analysis = cnncalc.analyze(written(tmp_path, ir))
    assert [(row.name, row.output_shape) for row in analysis.rows] == [("x", (32, 32, 3)), ("c", (30, 30, 8))]


def test_version_7(tmp_path: Path) -> None:
    """In v7 a layer holds its weights and states its filters; its merge is an `Eltwise`."""
    blobs = (
        '<blobs><weights offset="0" size="{}" precision="FP16"/><biases offset="9" size="{}" precision="FP16"/></blobs>'
    )
    ir = Ir(7).input(1, 4, 8, 8)
    ir.add("s", "ScaleShift", ("x",), (1, 4, 8, 8), blobs=blobs.format(8, 8))
    ir.add(
        "c", "Convolution", ("s",), (1, 4, 8, 8), blobs=blobs.format(4 * 4 * 9 * 2, 8), kernel="3,3", output=4, group=1,
        strides="1,1", dilations="1,1", pads_begin="1,1", pads_end="1,1",
    )  # fmt: skip
    ir.add("e", "Eltwise", ("c", "s"), (1, 4, 8, 8), operation="sum")
    ir.add("p", "Pooling", ("e",), (1, 4, 4, 4), kernel="2,2", strides="2,2", pool__method="max")
    ir.add("n", "Norm", ("p",), (1, 4, 4, 4), local__size=5).add("t", "Permute", ("n",), (1, 4, 4, 4), order="0,2,3,1")
    ir.add("f", "FullyConnected", ("n",), (1, 10), blobs=blobs.format(64 * 10 * 2, 20), out__size=10)
    ir.add("a", "Activation", ("f",), (1, 10), type="sigmoid")
    assert [row for row in rows(tmp_path, ir) if row[1] != "flatten"] == [
        ("s", "scale bias", (8, 8, 4), 8, 0), ("c", "conv 3x3 p1 x4", (8, 8, 4), 148, 9216),
        ("e", "add", (8, 8, 4), 0, 0), ("p", "pool 2x2", (4, 4, 4), 0, 0), ("n", "lrn", (4, 4, 4), 0, 0),
        ("f", "fc 10", (10,), 650, 640),
        ("a", "sigmoid", (10,), 0, 0),
    ]  # fmt: skip


def test_unknown(tmp_path: Path) -> None:
    """An unknown layer has the shape that the file states and the weights that it reads; the rest goes on from it."""
    ir = Ir().input(1, 3, 8, 8).const("odd", 7, 5).const("w", 4, 6, 1, 1)
    ir.add("u", "Hologram", ("x", "odd"), (1, 6, 4, 4)).add("c", "Convolution", ("u", "w"), (1, 4, 4, 4), strides="1,1")
    analysis = cnncalc.analyze(written(tmp_path, ir))
    assert [(row.name, row.params, row.macs) for row in analysis.rows if row.inputs] == [("u", 35, 0), ("c", 24, 384)]
    assert [row.name for row in analysis.unknown] == ["u"]


def test_open_sizes(tmp_path: Path) -> None:
    """Open sizes need `--input`; the batch does not. Reshapes follow from the size that is given."""
    ir = Ir().input(-1, 3, -1, -1).const("w", 8, 3, 3, 3).const("shape", 3, type="i64")
    ir.add("c", "Convolution", ("x", "w"), (-1, 8, -1, -1), strides="1,1")
    ir.add("r", "Reshape", ("c", "shape"), (-1, 8, -1))
    path = written(tmp_path, ir)
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(path)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message, error.label) == (
        "E308", "the file leaves the size of `x` open", "its shape is ?x3x?x?",
    )  # fmt: skip
    assert rows(tmp_path, ir, input=(12, 10, 3))[-1][2] == (80, 8)


def test_another_input(tmp_path: Path) -> None:
    """With another input than the file states, sizes are worked out anew."""
    ir = Ir().input(1, 3, 8, 8).const("w", 4, 3, 3, 3).const("shape", 2, type="i64")
    ir.add("c", "Convolution", ("x", "w"), (1, 4, 6, 6), strides="1,1").add("r", "Reshape", ("c", "shape"), (1, 144))
    assert [row[2] for row in rows(tmp_path, ir, input=(10, 10, 3))] == [(8, 8, 4), (256,)]


LAYER = '<net name="n" version="11"><layers>{}</layers><edges>{}</edges></net>'
INPUT = '<layer id="0" name="x" type="Parameter"><output><port id="0"><dim>1</dim><dim>8</dim></port></output></layer>'
BOMB = '<!DOCTYPE net [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><net name="&b;" version="11"/>'


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("", "E302", "`{}` is no valid XML"),
        ("<net", "E302", "`{}` is no valid XML"),
        (BOMB, "E302", "`{}` declares a document type or entities"),
        ('<!DOCTYPE net SYSTEM "file:///etc/passwd"><net version="11"/>', "E302", (
            "`{}` declares a document type or entities")),
        ("<html><body/></html>", "E302", "`{}` is no network of OpenVINO"),
        ('<net name="n" version="11"></net>', "E302", "`{}` has no layer"),
        ("<a>" * 60, "E303", "`{}` is nested too deeply"),
        (LAYER.format(INPUT + INPUT, ""), "E302", "two layers of `{}` have one id"),
        (LAYER.format(INPUT, '<edge from-layer="7" from-port="0" to-layer="0" to-port="0"/>'), "E307", (
            "an edge of `{}` joins layers that are not there")),
        (LAYER.format('<layer id="0" name="a" type="ReLU"><input><port id="0"/></input></layer>', (
            '<edge from-layer="0" from-port="1" to-layer="0" to-port="0"/>')), "E307", (
            "layers of `{}` read one another in a circle")),
        (LAYER.format(INPUT.replace("<dim>8", "<dim>eight"), ""), "E306", "a number of `{}` is wrong"),
        (LAYER.format('<layer id="x" name="a" type="ReLU"/>', ""), "E306", "a number of `{}` is wrong"),
    ],
)  # fmt: skip
def test_errors(text: str, code: str, message: str, tmp_path: Path) -> None:
    """What is wrong in a file is an error at its place; no entity is expanded, and no other file is opened."""
    path = written(tmp_path, text)
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(path)
    (error,) = caught.value.diagnostics
    assert (error.code, error.message) == (code, message.format(path))


def test_place_of_an_error(tmp_path: Path) -> None:
    """The place is the layer's line, also behind letters of several bytes."""
    ir = Ir().input(1, 3, 8, 8, name="größe").const("w", 4, 3, 3, 3)
    ir.add("c", "Convolution", ("größe", "w"), (1, 4, 6, 6), strides="1,x")
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(written(tmp_path, ir))
    (error,) = caught.value.diagnostics
    assert (error.message, error.label) == ("`strides` of `c` is wrong", "`x` is no whole number from 1")
    assert error.span is not None
    assert error.span.text.startswith('<layer id="2" name="c" type="Convolution"')
