"""The classics: the figure that was published beside ours, and why where they differ."""

from __future__ import annotations

import pytest

import cnncalc
from cnncalc.analysis import Analysis


def of(name: str, **options: object) -> Analysis:
    return cnncalc.analyze(name, **options)  # type: ignore[arg-type]


def sizes(result: Analysis, types: tuple[str, ...] = ("conv", "pool")) -> list[int]:
    """The heights that the layers of these types give, those alike in a row said once."""
    found: list[int] = []
    for row in result:
        if row.type in types and found[-1:] != [row.output_shape[0]]:
            found.append(row.output_shape[0])
    return found


# -- totals that were published to the integer ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "params"),
    [
        # Caffe's reference models, from their sizes: bvlc_alexnet and bvlc_googlenet without its training heads.
        ("alexnet_2012", 60_965_224),
        ("googlenet_2014", 6_998_552),
    ],
)
def test_caffe(name: str, params: int) -> None:
    """Parameters are those of the models that Caffe's zoo published."""
    assert of(name).totals.params == params


@pytest.mark.parametrize(
    ("name", "total", "trainable"),
    [
        ("resnet50_v1", 25_636_712, 25_583_592),
        ("resnet101_v1", 44_707_176, 44_601_832),
        ("resnet152_v1", 60_419_944, 60_268_520),
        ("resnet50_v2", 25_613_800, 25_568_360),
        ("resnet101_v2", 44_675_560, 44_577_896),
        ("resnet152_v2", 60_380_648, 60_236_904),
        ("xception", 22_910_480, 22_855_952),
        ("mobilenet_v1", 4_253_864, 4_231_976),
        ("inception_resnet_v2", 55_873_736, 55_813_192),
    ],
)
def test_keras(name: str, total: int, trainable: int) -> None:
    """Keras's "Total params" are parameters and buffers together, its "Trainable params" the parameters."""
    totals = of(name).totals
    assert (totals.params + totals.buffers, totals.params) == (total, trainable)


@pytest.mark.parametrize(("name", "total"), [("resnet8", 78_666), ("ds_cnn", 24_908), ("mobilenet_tiny", 221_794)])
def test_mlperf_tiny(name: str, total: int) -> None:
    """The "Total params" of MLPerf Tiny's reference models, which are Keras's."""
    totals = of(name).totals
    assert totals.params + totals.buffers == total


@pytest.mark.parametrize(("name", "size"), [("resnet8", 96), ("ds_cnn", 52.5), ("mobilenet_tiny", 325)])
def test_mlperf_tiny_files(name: str, size: float) -> None:
    """The benchmark's paper gives the size of each int8 model's file in KB; the weights are most of it."""
    assert 0.4 < of(name, dtype="int8").totals.params_bytes / (1000 * size) < 1


@pytest.mark.parametrize(("classes", "params"), [(487, 79_991_015), (101, 78_409_573)])
def test_c3d(classes: int, params: int) -> None:
    """Keras's "Total params" of C3D for the kinds of Sports-1M, and torchsummary's for the 101 of UCF-101."""
    assert of("c3d", variables={"classes": classes}).totals.params == params


def test_deepspeech2() -> None:
    """deepspeech.pytorch prints "Number of parameters: 38067968" for two convolutions and five GRUs of 800."""
    assert of("deepspeech2").totals.params == 38_067_968


def test_darknet53_weights() -> None:
    """Darknet's file of the first 74 layers of Darknet-53, without the classifier, is 162,482,580 bytes long.

    A head of 20 bytes, then 4 for each parameter and each running mean and variance.
    """
    totals = of("darknet53").totals
    classifier = 1024 * 1000 + 1000
    assert 20 + 4 * (totals.params + totals.buffers - classifier) == 162_482_580


def test_yolov3_tiny_weights() -> None:
    """Darknet's file yolov3-tiny.weights is 35,434,956 bytes long: a head of 20, and 4 for each number."""
    totals = of("yolov3_tiny").totals
    assert 20 + 4 * (totals.params + totals.buffers) == 35_434_956


# -- memory, each peak by hand ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "dtype", "peak", "no_inplace"),
    [
        # The second convolution reads 224·224·64 and writes as many, 4 bytes each; a relu no more than that.
        ("vgg16", "float32", 4 * 2 * 224 * 224 * 64, 4 * 2 * 224 * 224 * 64),
        # The first shortcut's convolution: the pooled 56·56·64 that it reads, the path's 56·56·256 that waits,
        # and its own. With nothing in place, its batch norm reads and writes 56·56·256 beside those.
        ("resnet50", "float32", 4 * 56 * 56 * (64 + 256 + 256), 4 * 56 * 56 * 3 * 256),
        # The second block's depthwise convolution halves 112·112·96; with nothing in place, the batch norm
        # before it has that twice.
        ("mobilenet_v2", "int8", 112 * 112 * 96 + 56 * 56 * 96, 2 * 112 * 112 * 96),
    ],
)
def test_peak(name: str, dtype: str, peak: int, no_inplace: int) -> None:
    """The most bytes of feature maps live at once, with norms and activations in place and without."""
    memory = of(name, dtype=dtype).totals.activation_bytes
    assert (memory.peak, memory.peak_no_inplace) == (peak, no_inplace)


# -- figures of the papers ------------------------------------------------------------------------------------


def test_lenet() -> None:
    """The paper's LeNet-5 has 60,000 trainable parameters; ours, as it is taught, 61,706.

    Its C3 reads some of S2's maps only (1,516 for our 2,416), its pools have 2 weights for each map (12 and 32),
    and behind F6 nothing is learnt (for our 84·10 + 10).
    """
    result = of("lenet5")
    layers = {row.name: row.params for row in result if row.params}

    assert layers == {"conv1": 156, "conv2": 2416, "conv3": 48_120, "fc1": 10_164, "fc2": 850}
    assert result.totals.params - (2416 - 1516) + 12 + 32 - 850 == 60_000


def test_alexnet() -> None:
    """The paper counts 60 million parameters and 650,000 neurons, for our 61 and 659,272; maps are as wide as its own.

    It has 55·55·96 neurons in the first layer, but writes 253,440 for them in its figure.
    """
    result = of("alexnet_2012")
    neurons = sum(row.activations for row in result if row.type in ("conv", "fc"))

    assert round(result.totals.params / 10**6) == 61
    assert neurons == 55 * 55 * 96 + 186_624 + 64_896 + 64_896 + 43_264 + 4096 + 4096 + 1000 == 659_272
    assert sizes(result) == [55, 27, 13, 6]


def test_crnn() -> None:
    """The paper of CRNN gives 8.3 million parameters, and a sequence of W / 4 steps or one less."""
    result = of("crnn")
    assert round(result.totals.params / 10**6, 1) == 8.3
    assert result.rows[-1].output_shape == (100 // 4 - 1, 37)


@pytest.mark.parametrize(("name", "millions"), [("m5", 0.5), ("m11", 1.8), ("m18", 3.7)])
def test_m5(name: str, millions: float) -> None:
    """The table of the paper gives these millions of parameters; that of M5 it rounds down, from 0.56."""
    params = of(name).totals.params
    assert round(params / 10**6, 1) == millions or (name == "m5" and params // 10**5 == 5)


@pytest.mark.parametrize(
    ("name", "millions"), [("kws_crnn_small", 3.0), ("kws_crnn_medium", 7.6), ("kws_crnn_large", 19.3)]
)
def test_hello_edge(name: str, millions: float) -> None:
    """Hello Edge gives the operations of an inference in millions, a multiply-add being two of them."""
    assert round(2 * of(name).totals.macs / 10**6, 1) == millions


def test_kws_crnn() -> None:
    """The smallest by hand: a convolution of 48 filters, two GRUs of 60, and two layers of 84 and 12."""
    layers = [row.params for row in of("kws_crnn_small") if row.params]
    gru = 3 * 60 * (4 * 48 + 60 + 1), 3 * 60 * (60 + 60 + 1)
    assert layers == [48 * 40 + 48, *gru, 60 * 84 + 84, 84 * 12 + 12]


def test_zfnet() -> None:
    """Maps are as wide as figure 3 of the paper has them."""
    assert sizes(of("zfnet")) == [110, 55, 26, 13, 6]


def test_network_in_network() -> None:
    """The network for CIFAR-10 is known as one of a million parameters: each of its nine convolutions by hand."""
    by_hand = [14_592, 30_880, 15_456, 460_992, 37_056, 37_056, 331_968, 37_056, 1930]
    assert [row.params for row in of("nin") if row.params] == by_hand
    assert sum(by_hand) == 966_986


@pytest.mark.parametrize(("name", "millions"), [("vgg11", 133), ("vgg13", 133), ("vgg16", 138), ("vgg19", 144)])
def test_vgg(name: str, millions: int) -> None:
    """Table 2 of the paper: parameters of the configurations A, B, D and E in millions."""
    assert round(of(name).totals.params / 10**6) == millions


def test_googlenet() -> None:
    """Table 1 of the paper has the weights of each block in K = 1024.

    Its first row says 2.7K: that is a 7x1 and a 1x7, 2·7·3·64, for the 7x7 of 9,408 that the table names. The next
    three rows are ours, cut or rounded. Those behind them do not follow from the widths in the same table: they
    are off by up to 7 %, both ways, while our total is that of the model which Caffe published.
    """
    weights: dict[str, int] = {}
    for row in of("googlenet_2014"):
        block = row.name.partition(".")[0]
        if row.type in ("conv", "fc"):
            bias = row.output_shape[-1]
            weights[block] = weights.get(block, 0) + row.params - bias
    thousands = {name: count / 1024 for name, count in weights.items()}
    unit1, unit2, unit3 = (thousands.pop(f"unit{n}") for n in (1, 2, 3))

    assert (unit1 * 1024, round(2 * 7 * 3 * 64 / 1000, 1)) == (9408, 2.7)
    assert (unit2 + unit3, thousands["a3"], thousands["b3"], thousands["fc1"]) == (112, 159.5, 379, 1000)
    table = {"a4": 364, "b4": 437, "c4": 463, "d4": 580, "e4": 840, "a5": 1072, "b5": 1388}
    assert 0.06 < max(abs(thousands[name] / count - 1) for name, count in table.items()) < 0.075


@pytest.mark.parametrize(
    ("width", "millions", "params"), [(1, 569, 4.2), (0.75, 325, 2.6), (0.5, 149, 1.3), (0.25, 41, 0.5)]
)
def test_mobilenet_widths(width: float, millions: int, params: float) -> None:
    """Table 6 of MobileNet's paper: multiply-adds and parameters in millions by width multiplier."""
    totals = of("mobilenet_v1", variables={"width": width}).totals
    assert (round(totals.macs / 10**6), round(totals.params / 10**6, 1)) == (millions, params)


@pytest.mark.parametrize(("size", "millions"), [(224, 569), (192, 418), (160, 290), (128, 186)])
def test_mobilenet_resolutions(size: int, millions: int) -> None:
    """Table 7 of MobileNet's paper: multiply-adds in millions by resolution, one of them, 290.7, cut."""
    assert abs(of("mobilenet_v1", input=(size, size, 3)).totals.macs / 10**6 - millions) < 0.7


def test_xception() -> None:
    """The paper's table 3 gives 22,855,952 parameters: those that are trained."""
    assert of("xception").totals.params == 22_855_952


def test_unet() -> None:
    """Figure 1 of the paper: 572 comes out as 388, by these sizes, through 23 convolutions."""
    result = of("unet")
    down = [570, 568, 284, 282, 280, 140, 138, 136, 68, 66, 64, 32, 30, 28]
    up = [56, 54, 52, 104, 102, 100, 200, 198, 196, 392, 390, 388]

    assert sizes(result, ("conv", "pool", "deconv")) == down + up
    assert result.rows[-1].output_shape == (388, 388, 2)
    # The paper counts the four 2x2 up-convolutions among its 23.
    assert sum(row.type in ("conv", "deconv") for row in result) == 23


def test_fcn() -> None:
    """The paper gives FCN-VGG16 134 million parameters, and a label map as large as the image."""
    result = of("fcn8s")
    assert int(result.totals.params / 10**6) == 134
    assert result.rows[-1].output_shape == (500, 500, 21)


def test_darknet53() -> None:
    """Darknet itself counts 18.57 billion operations, two for each multiply-add; the paper's table says 18.7.

    The convolutions alone are 52, and the classifier the 53rd.
    """
    result = of("darknet53")
    assert round(result.totals.flops / 10**9, 2) == 18.57
    assert sum(row.type in ("conv", "fc") for row in result) == 53


def test_yolov3_tiny() -> None:
    """Darknet publishes 5.56 billion operations, two for each multiply-add, with heads of 13x13 and 26x26."""
    result = of("yolov3_tiny")
    assert round(result.totals.flops / 10**9, 2) == 5.56
    assert [result[name].output_shape for name in result.outputs] == [(13, 13, 255), (26, 26, 255)]
