"""What PyTorch keeps and computes when it trains torchvision's networks: `python tests/training/measure.py`.

It runs one training step of each network as torchvision builds it, with random weights, and writes `golden.json`
beside itself with the versions of all that took part. Nothing of cnncalc is imported.

It needs the packages in REQUIREMENTS. Where they are not installed for the Python that runs it, it makes an
environment in the temporary directory (once, a few GB), installs them there and goes on inside it. A run takes a
few minutes on two cores, and 2 GiB of memory. `--output FILE` writes elsewhere.

In golden.json, for each network, all in training mode on the CPU, as float32:

- `input`: the shape, with the batch.
- `saved_bytes`: of what `torch.autograd.graph.saved_tensors_hooks` is handed during the forward pass, for the whole
  batch. Each storage counts once and whole, however many tensors are in it. Parameters and buffers do not count.
- `saved`: the same, apart for `maps` (tensors of two axes and more), `indices` (those of them that are integers),
  and `statistics` (tensors of one axis: the mean and deviation of each channel that a batch norm keeps for the batch).
- `forward_flops`, `training_flops`: `FlopCounterMode`'s total of the forward pass, and of forward and backward
  together.
- `conv_activations`: the output elements of all modules that are convolutions or linear, for one sample.
"""

import argparse
import importlib.metadata
import importlib.util
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
from collections import Counter
from pathlib import Path
from typing import Any

REQUIREMENTS = [
    "torch==2.14.1; platform_machine == 'x86_64'",
    "torch==2.9.1; platform_machine == 'aarch64'",
    "torchvision==0.29.1; platform_machine == 'x86_64'",
    "torchvision==0.24.1; platform_machine == 'aarch64'",
]
MODULES = ("torch", "torchvision")


def missing() -> list[str]:
    """The modules that this Python cannot import."""
    return [name for name in MODULES if importlib.util.find_spec(name) is None]


def run_in_environment() -> int:
    """Run this script in an environment of its own, made where there is none yet."""
    place = Path(tempfile.gettempdir()) / "cnncalc-training"
    python = place / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        venv.create(place, with_pip=True)
    subprocess.run([str(python), "-m", "pip", "install", "--quiet", *REQUIREMENTS], check=True)
    return subprocess.run([str(python), __file__, *sys.argv[1:]], check=False).returncode


if __name__ == "__main__" and missing():
    if Path(sys.prefix).name == "cnncalc-training":
        raise SystemExit(f"not importable here: {', '.join(missing())}")
    raise SystemExit(run_in_environment())

import torch  # noqa: E402
import torchvision  # noqa: E402
from torch import Tensor, nn  # noqa: E402
from torch.autograd.graph import saved_tensors_hooks  # noqa: E402
from torch.utils.flop_counter import FlopCounterMode  # noqa: E402

#: Two samples, since a batch norm in training needs more than one value for each channel.
BATCH = 2
#: Network → the arguments that it is built with. Auxiliary heads are for training alone, and are no part of ours.
NETWORKS: dict[str, dict[str, Any]] = {
    "resnet18": {},
    "resnet50": {},
    "vgg16_bn": {},
    "mobilenet_v2": {},
    "densenet121": {},
    "efficientnet_b0": {},
    "convnext_tiny": {},
    "squeezenet1_1": {},
    "shufflenet_v2_x1_0": {},
    "googlenet": {"aux_logits": False, "init_weights": False},
    "inception_v3": {"aux_logits": False, "init_weights": False},
    "regnet_y_400mf": {},
    "mnasnet1_0": {},
    "mobilenet_v3_large": {},
    "resnext50_32x4d": {},
}
SIZES = {"inception_v3": 299}
MULTIPLYING = (nn.modules.conv._ConvNd, nn.Linear)


def saved(model: nn.Module, x: Tensor) -> dict[str, int]:
    """The bytes of all storages that autograd keeps, by what they hold."""
    own = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    # The tensors themselves, so that no storage is freed and its address used again.
    kept: dict[int, Tensor] = {}

    def pack(tensor: Tensor) -> Tensor:
        address = tensor.untyped_storage().data_ptr()
        if address not in own:
            kept.setdefault(address, tensor)
        return tensor

    with saved_tensors_hooks(pack, lambda tensor: tensor):
        output = model(x)
    result: Counter[str] = Counter()
    for tensor in kept.values():
        kind = "indices" if not tensor.is_floating_point() else "maps" if tensor.dim() > 1 else "statistics"
        result[kind] += tensor.untyped_storage().nbytes()
    del output
    return dict(result)


def measured(name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """The entry of golden.json for a network."""
    model = torchvision.models.get_model(name, weights=None, **arguments).train()
    size = SIZES.get(name, 224)
    x = torch.rand(BATCH, 3, size, size)
    kept = saved(model, x)
    with FlopCounterMode(display=False) as forward:
        output = model(x)
    with FlopCounterMode(display=False) as backward:
        output.sum().backward()
    return {
        "input": list(x.shape),
        "saved_bytes": sum(kept.values()),
        "saved": kept,
        "forward_flops": forward.get_total_flops(),
        "training_flops": forward.get_total_flops() + backward.get_total_flops(),
        "conv_activations": conv_activations(model.eval(), x[:1]),
    }


def conv_activations(model: nn.Module, x: Tensor) -> int:
    """The output elements of the modules that are convolutions or linear, each time one runs."""
    elements: list[int] = []
    for module in model.modules():
        if isinstance(module, MULTIPLYING):
            module.register_forward_hook(lambda _module, _inputs, output: elements.append(output.numel()))
    with torch.no_grad():
        model(x)
    return sum(elements)


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure what PyTorch keeps and computes in training.")
    parser.add_argument("--output", type=Path, default=Path(__file__).with_name("golden.json"))
    arguments = parser.parse_args()
    torch.manual_seed(0)
    versions = {"python": platform.python_version(), **{name: importlib.metadata.version(name) for name in MODULES}}
    entries = []
    for name, given in NETWORKS.items():
        sys.stderr.write(f"{name}\n")
        entries.append(f"    {json.dumps(name)}: {json.dumps(measured(name, given))}")
    text = f'{{\n  "versions": {json.dumps(versions)},\n  "networks": {{\n' + ",\n".join(entries) + "\n  }\n}\n"
    arguments.output.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
