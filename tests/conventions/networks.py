"""The networks that measure.py runs the counters on: torchvision's, timm's, and some that neither of them has.

Each is built without weights, together with the shape of its input, the batch of 1 included.
"""

from collections.abc import Callable
from itertools import pairwise

import timm
import torch
import torchvision
from torch import Tensor, nn

Build = Callable[[], nn.Module]
Subject = tuple[Build, tuple[int, ...]]


class Mixed(nn.Module):
    """What the classifiers of torchvision lack: deconvolutions, upsampling, average pools, the other norms."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 7, stride=2, padding=3)
        self.bn1 = nn.BatchNorm2d(16)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool1 = nn.MaxPool2d(3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(16, 32, 3, stride=2, padding=1, groups=4, bias=False)
        self.bn2 = nn.BatchNorm2d(32)
        self.leakyrelu = nn.LeakyReLU(0.1)
        self.avgpool = nn.AvgPool2d(2)
        self.conv3 = nn.Conv2d(32, 48, 1)
        self.groupnorm = nn.GroupNorm(8, 48)
        self.gelu = nn.GELU()
        self.deconv1 = nn.ConvTranspose2d(48, 32, 2, stride=2, groups=4)
        self.prelu = nn.PReLU(32)
        self.deconv2 = nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1, bias=False)
        self.bn3 = nn.BatchNorm2d(16)
        self.relu6 = nn.ReLU6()
        self.nearest = nn.Upsample(scale_factor=2, mode="nearest")
        self.depthwise = nn.Conv2d(16, 16, 3, padding=1, groups=16)
        self.hardswish = nn.Hardswish()
        self.bilinear = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=False)
        self.conv4 = nn.Conv2d(16, 4, 1)
        self.instancenorm = nn.InstanceNorm2d(4, affine=True)
        self.silu = nn.SiLU()
        self.sigmoid = nn.Sigmoid()
        self.maxpool2 = nn.MaxPool2d(2, ceil_mode=True)
        self.adaptive = nn.AdaptiveAvgPool2d(7)
        self.dropout = nn.Dropout(0.5)
        self.flatten = nn.Flatten()
        self.linear = nn.Linear(343, 20)
        self.layernorm = nn.LayerNorm(20)
        self.softmax = nn.Softmax(dim=1)

    def forward(self, x: Tensor) -> Tensor:
        skip = self.maxpool1(self.relu(self.bn1(self.conv1(x))))
        y = self.avgpool(self.leakyrelu(self.bn2(self.conv2(skip))))
        y = self.gelu(self.groupnorm(self.conv3(y)))
        y = self.prelu(self.deconv1(y))
        y = self.relu6(self.bn3(self.deconv2(y))) + skip
        y = self.hardswish(self.depthwise(self.nearest(y)))
        y = self.sigmoid(self.silu(self.instancenorm(self.conv4(self.bilinear(y)))))
        y = self.maxpool2(torch.cat([y, x], 1))
        y = self.flatten(self.dropout(self.adaptive(y)))
        result: Tensor = self.softmax(self.layernorm(self.linear(y)))
        return result


class UNet(nn.Module):
    """U-Net as in figure 1 of its paper (arXiv:1505.04597): no padding, so the maps of the way down are cropped."""

    def __init__(self) -> None:
        super().__init__()
        widths = (64, 128, 256, 512, 1024)
        self.down = nn.ModuleList(self.double(*pair) for pair in zip((1, *widths[:3]), widths[:4], strict=True))
        self.pool = nn.MaxPool2d(2)
        self.bottom = self.double(512, 1024)
        self.deconvs = nn.ModuleList(nn.ConvTranspose2d(2 * c, c, 2, stride=2) for c in widths[3::-1])
        self.up = nn.ModuleList(self.double(2 * c, c) for c in widths[3::-1])
        self.head = nn.Conv2d(64, 2, 1)

    @staticmethod
    def double(before: int, width: int) -> nn.Sequential:
        return nn.Sequential(nn.Conv2d(before, width, 3), nn.ReLU(), nn.Conv2d(width, width, 3), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        maps: list[Tensor] = []
        for double in self.down:
            maps.append(double(x))
            x = self.pool(maps[-1])
        x = self.bottom(x)
        for deconv, double in zip(self.deconvs, self.up, strict=True):
            x = deconv(x)
            x = double(torch.cat([cropped(maps.pop(), x), x], 1))
        result: Tensor = self.head(x)
        return result


class FCN8s(nn.Module):
    """FCN-8s (arXiv:1411.4038) as its authors published it for Caffe: padded by 100, then cropped."""

    def __init__(self) -> None:
        super().__init__()
        self.stride8 = nn.Sequential(*self.stage(3, 64, 2, padding=100), *self.stage(64, 128, 2), *self.stage(128, 256))
        self.stride16 = self.stage(256, 512)
        self.stride32 = nn.Sequential(
            *self.stage(512, 512),
            *(nn.Conv2d(512, 4096, 7), nn.ReLU(), nn.Dropout2d()),
            *(nn.Conv2d(4096, 4096, 1), nn.ReLU(), nn.Dropout2d()),
            nn.Conv2d(4096, 21, 1),
        )
        self.score16, self.score8 = nn.Conv2d(512, 21, 1), nn.Conv2d(256, 21, 1)
        self.twice, self.again = (nn.ConvTranspose2d(21, 21, 4, stride=2, bias=False) for _ in range(2))
        self.eightfold = nn.ConvTranspose2d(21, 21, 16, stride=8, bias=False)

    @staticmethod
    def stage(before: int, width: int, convolutions: int = 3, padding: int = 1) -> nn.Sequential:
        layers: list[nn.Module] = []
        for index in range(convolutions):
            layers += nn.Conv2d(width if index else before, width, 3, padding=1 if index else padding), nn.ReLU()
        return nn.Sequential(*layers, nn.MaxPool2d(2, ceil_mode=True))

    def forward(self, x: Tensor) -> Tensor:
        stride8 = self.stride8(x)
        stride16 = self.stride16(stride8)
        y = self.twice(self.stride32(stride16))
        y = y + cropped(self.score16(stride16), y, 5)
        y = self.again(y)
        y = y + cropped(self.score8(stride8), y, 9)
        return cropped(self.eightfold(y), x, 31)


def cropped(x: Tensor, like: Tensor, begin: int | None = None) -> Tensor:
    """A map cut to the size of another: from `begin` on, or around its middle."""
    height, width = like.shape[2:]
    at = (x.shape[2] - height) // 2 if begin is None else begin
    return x[:, :, at : at + height, at : at + width]


class GatedLayer(nn.Module):
    """A layer of WaveNet (arXiv:1609.03499): two dilated convolutions, one the other's gate; then residual and skip."""

    def __init__(self, dilation: int, last: bool) -> None:
        super().__init__()
        self.pad = nn.ConstantPad1d((dilation, 0), 0.0)
        self.filter = nn.Conv1d(32, 32, 2, dilation=dilation)
        self.gate = nn.Conv1d(32, 32, 2, dilation=dilation)
        self.tanh, self.sigmoid = nn.Tanh(), nn.Sigmoid()
        self.residual = None if last else nn.Conv1d(32, 32, 1)
        self.skip = nn.Conv1d(32, 128, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        padded = self.pad(x)
        y = self.tanh(self.filter(padded)) * self.sigmoid(self.gate(padded))
        return x if self.residual is None else self.residual(y) + x, self.skip(y)


class WaveNet(nn.Module):
    """A WaveNet of two times six layers, over one-hot samples of 256 levels."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv1d(256, 32, 1)
        self.layers = nn.ModuleList(GatedLayer(2 ** (at % 6), last=at == 11) for at in range(12))
        self.head = nn.Sequential(
            nn.ReLU(), nn.Conv1d(128, 256, 1), nn.ReLU(), nn.Conv1d(256, 256, 1), nn.Softmax(dim=1)
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.first(x)
        skips: list[Tensor] = []
        for layer in self.layers:
            x, skip = layer(x)
            skips.append(skip if not skips else skips[-1] + skip)
        result: Tensor = self.head(skips[-1])
        return result


def dcgan_generator() -> nn.Module:
    """The generator of DCGAN (arXiv:1511.06434, figure 1): from 100 numbers to an image of 64x64."""
    widths = (100, 1024, 512, 256, 128)
    layers: list[nn.Module] = []
    for before, width in pairwise(widths):
        first = before == 100
        layers += [
            nn.ConvTranspose2d(before, width, 4, 1 if first else 2, 0 if first else 1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        ]
    return nn.Sequential(*layers, nn.ConvTranspose2d(128, 3, 4, 2, 1, bias=False), nn.Tanh())


def autoencoder() -> nn.Module:
    """Three convolutions at stride 2, and three deconvolutions back."""
    widths = (3, 32, 64, 128)
    down: list[nn.Module] = []
    up: list[nn.Module] = []
    for before, width in pairwise(widths):
        last = nn.Sigmoid() if before == 3 else nn.ReLU()
        down += [nn.Conv2d(before, width, 3, stride=2, padding=1), nn.ReLU()]
        up = [nn.ConvTranspose2d(width, before, 3, stride=2, padding=1, output_padding=1), last, *up]
    return nn.Sequential(*down, *up)


def m5() -> nn.Module:
    """M5, a network on raw sound (arXiv:1610.00087, table 1), here with 35 classes and an fc at the end."""
    layers: list[nn.Module] = []
    for before, width, kernel, stride in ((1, 128, 80, 4), (128, 128, 3, 1), (128, 256, 3, 1), (256, 512, 3, 1)):
        layers += [nn.Conv1d(before, width, kernel, stride), nn.BatchNorm1d(width), nn.ReLU(), nn.MaxPool1d(4)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool1d(1), nn.Flatten(), nn.Linear(512, 35), nn.LogSoftmax(dim=1))


class LabelMap(nn.Module):
    """A segmentation network of torchvision, of whose outputs by name the map of labels is the output."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.network(x)["out"]
        return result


def from_torchvision(name: str, **settings: object) -> Build:
    return lambda: torchvision.models.get_model(name, weights=None, **settings)


def label_map(name: str) -> Build:
    return lambda: LabelMap(torchvision.models.get_model(name, weights=None, weights_backbone=None))


def from_timm(name: str) -> Build:
    return lambda: timm.create_model(name, pretrained=False)


IMAGE = (1, 3, 224, 224)
CLIP = (1, 3, 8, 56, 56)
LARGE_CLIP = (1, 3, 16, 224, 224)
NETWORKS: dict[str, Subject] = {
    "resnet18": (from_torchvision("resnet18"), IMAGE),
    "resnet50": (from_torchvision("resnet50"), IMAGE),
    "vgg16_bn": (from_torchvision("vgg16_bn", init_weights=False), IMAGE),
    "mobilenet_v2": (from_torchvision("mobilenet_v2"), IMAGE),
    "densenet121": (from_torchvision("densenet121"), IMAGE),
    "googlenet": (
        from_torchvision("googlenet", aux_logits=False, init_weights=False, transform_input=False),
        IMAGE,
    ),
    "squeezenet1_1": (from_torchvision("squeezenet1_1"), IMAGE),
    "mixed": (Mixed, IMAGE),
    "alexnet": (from_torchvision("alexnet"), IMAGE),
    "resnext50_32x4d": (from_torchvision("resnext50_32x4d"), IMAGE),
    "inception_v3": (
        from_torchvision("inception_v3", aux_logits=False, init_weights=False, transform_input=False),
        (1, 3, 299, 299),
    ),
    "shufflenet_v2_x1_0": (from_torchvision("shufflenet_v2_x1_0"), IMAGE),
    "mnasnet1_0": (from_torchvision("mnasnet1_0"), IMAGE),
    "mobilenet_v3_large": (from_torchvision("mobilenet_v3_large"), IMAGE),
    "efficientnet_b0": (from_torchvision("efficientnet_b0"), IMAGE),
    "regnet_y_400mf": (from_torchvision("regnet_y_400mf"), IMAGE),
    "convnext_tiny": (from_torchvision("convnext_tiny"), IMAGE),
    "timm_resnet50": (from_timm("resnet50"), IMAGE),
    "timm_seresnet50": (from_timm("seresnet50"), IMAGE),
    "timm_mobilenetv2_100": (from_timm("mobilenetv2_100"), IMAGE),
    "timm_ghostnet_100": (from_timm("ghostnet_100"), IMAGE),
    "timm_efficientnet_b0": (from_timm("efficientnet_b0"), IMAGE),
    "timm_convnext_tiny": (from_timm("convnext_tiny"), IMAGE),
    "deeplabv3_resnet50": (label_map("deeplabv3_resnet50"), IMAGE),
    "lraspp_mobilenet_v3_large": (label_map("lraspp_mobilenet_v3_large"), IMAGE),
    "fcn8s": (FCN8s, (1, 3, 180, 180)),
    "unet": (UNet, (1, 1, 188, 188)),
    "autoencoder": (autoencoder, (1, 3, 64, 64)),
    "dcgan_generator": (dcgan_generator, (1, 100, 1, 1)),
    "r3d_18": (from_torchvision("r3d_18"), CLIP),
    "s3d": (from_torchvision("s3d"), LARGE_CLIP),
    "m5": (m5, (1, 1, 8000)),
    "wavenet": (WaveNet, (1, 256, 1024)),
}
