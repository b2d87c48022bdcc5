"""The zoo against the models as their authors and frameworks publish them, read by their own readers."""

import pytest
from reference import MODELS

import cnncalc

#: A model's file, and the network that it is.
SAME = {
    "darknet/darknet53.cfg": "darknet53",
    "darknet/yolov3-tiny.cfg": "yolov3_tiny",
    "caffe/alexnet.prototxt": "alexnet_2012",
    "caffe/googlenet.prototxt": "googlenet_2014",
    "caffe/squeezenet_v11.prototxt": "squeezenet1_1",
    "keras/MobileNetV2.json": "mobilenet_v2",
    "keras/ResNet50V2.json": "resnet50_v2",
    "keras/VGG16.json": "vgg16",
}


def maps(result: cnncalc.Analysis) -> list[int]:
    """How many elements each convolution and fc gives, the smallest first: branches may stand in another order."""
    return sorted(row.activations for row in result if row.type in ("conv", "dwconv", "fc"))


@pytest.mark.reference
@pytest.mark.parametrize(("file", "name"), SAME.items(), ids=SAME.values())
def test_same(file: str, name: str) -> None:
    """At the model's own input, the network has its parameters, buffers, MACs and sizes of feature maps."""
    model = cnncalc.analyze(MODELS / file)
    ours = cnncalc.analyze(name, input=model.rows[0].output_shape)

    for figure in ("params", "buffers", "macs"):
        assert getattr(ours.totals, figure) == getattr(model.totals, figure)
    assert maps(ours) == maps(model)
