"""Receptive fields of the zoo against the published table.

Size, jump and left at an input of 224, from A. Araujo, W. Norris and J. Sim, Computing receptive fields of
convolutional neural networks, Distill 2019, and the table of its library. Those are TF-Slim's models; where the
zoo's network is padded otherwise, `left` differs by what the test tells.
"""

import pytest

import cnncalc
from cnncalc import zoo
from cnncalc.figures.receptive_field import AxisField
from cnncalc.zoo.survey import survey


def field(name: str) -> tuple[int, int, int]:
    """Size, jump and left of the last feature map along the first axis, at an input of 224."""
    result = cnncalc.analyze(name, input="224x224x3")
    last = survey(zoo.members()[name]).last.name
    axis: AxisField = result[last].receptive_field.axes[0]
    return axis.size, axis.jump, axis.left


@pytest.mark.parametrize(
    ("name", "size", "jump", "left"),
    [
        ("vgg16", 212, 32, 90),
        ("mobilenet_v1", 315, 32, 126),
        ("inception_resnet_v2", 3039, 32, 1482),
        ("inception_v3", 1311, 32, 618),
    ],
)
def test_published(name: str, size: int, jump: int, left: int) -> None:
    """The field is the published one, to the left end."""
    assert field(name) == (size, jump, left)


@pytest.mark.parametrize(("name", "size"), [("resnet50_v1", 483), ("resnet101_v1", 1027), ("resnet152_v1", 1507)])
def test_resnet_v1(name: str, size: int) -> None:
    """ResNet v1's fields are as published, a stride in a unit's 1x1 or at the end of the unit before being one.

    It begins 2 further left than the published 239, 511 and 751: the first pool pads 1 at both ends, where
    TF-Slim's `same` pads none at the beginning.
    """
    left = {483: 239, 1027: 511, 1507: 751}[size] + 2
    assert field(name) == (size, 32, left)


def test_alexnet() -> None:
    """AlexNet v2 sees 195 at 32; torchvision's pads its first convolution by 2, and so begins 2 further left."""
    assert field("alexnet") == (195, 32, 64 + 2)


def test_resnet50() -> None:
    """torchvision's ResNet-50, its strides in the 3x3, sees 427.

    Of 483, the 3x3 at the head of three stages see 2·4, 2·8 and 2·16 less.
    """
    assert field("resnet50")[:2] == (427, 32)
    assert 483 - 427 == 2 * 4 + 2 * 8 + 2 * 16


def test_fcn() -> None:
    """The paper of FCN gives its VGG-16 a field of 404 at a stride of 32: that of the convolved fc6."""
    (fc6,) = [row for row in cnncalc.analyze("fcn8s") if row.description.startswith("conv 7x7")]
    assert fc6.receptive_field.axes[0][:2] == (404, 32)


def test_googlenet() -> None:
    """The paper of FCN gives GoogLeNet 907: the last block's 715, and its 7x7 pool's 6 more at a jump of 32."""
    assert field("googlenet_2014")[:2] == (907 - 6 * 32, 32)
