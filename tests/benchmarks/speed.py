"""How fast cnncalc is, as ratios measured in one run: `python tests/benchmarks/speed.py`.

Each figure is a median, against something that everyone has: Python's own start-up with the libraries that
any such tool imports, and the same work at another size. Where PyTorch, torchvision and torchinfo are
installed, torchinfo on the meta device is measured beside it. Nothing here passes or fails: a benchmark is
read by people.
"""

import importlib.util
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import cnncalc

SPEC = "input 5x5x3 | conv 3x3 s1 valid x2"

RESNET = """
def bottleneck(c, s) = add(conv 1x1 x{{c}} nobias | bn | relu | conv 3x3 s{{s}} p1 x{{c}} nobias | bn | relu
                           | conv 1x1 x{{4 * c}} nobias | bn ; conv 1x1 s{{s}} x{{4 * c}} nobias | bn) | relu
def residual(c) = add(conv 1x1 x{{c}} nobias | bn | relu | conv 3x3 p1 x{{c}} nobias | bn | relu
                      | conv 1x1 x{{4 * c}} nobias | bn ; ) | relu
input 224x224x3
conv 7x7 s2 p3 x64 nobias | bn | relu | pool 3 s2 p1
bottleneck(64, 1) | residual(64) * 2
bottleneck(128, 2) | residual(128) * {second}
bottleneck(256, 2) | residual(256) * {third}
bottleneck(512, 2) | residual(512) * 2
gap | fc 1000
"""


def median_ms(work: Callable[[], object], times: int) -> float:
    """The median time of the work in milliseconds."""
    work()
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return 1000 * statistics.median(taken)


def process(*arguments: str) -> Callable[[], object]:
    # As an installed package is: with its bytecode on disk, which the first run writes.
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, *arguments]
    return lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)


def analysis(text: str) -> Callable[[], object]:
    return lambda: cnncalc.analyze(text).totals


def cold_ms(text: str, times: int) -> float:
    """The median time of the first analysis of a process in milliseconds, all modules imported before."""
    cnncalc.analyze(text)
    modules = sorted(name for name in sys.modules if name.partition(".")[0] == "cnncalc")
    script = f"import time, {', '.join(modules)}; start = time.perf_counter(); cnncalc.analyze({text!r}).totals; "
    script += "print(time.perf_counter() - start)"
    runs = [subprocess.run([sys.executable, "-c", script], check=True, capture_output=True) for _ in range(times)]
    return 1000 * statistics.median(float(run.stdout) for run in runs)


def line(what: str, ours: float, other: str, theirs: float) -> None:
    print(f"{what:34} {ours:9.2f} ms   {other:42} {theirs:9.2f} ms   ratio {ours / theirs:7.3f}")


def main() -> None:
    """Measure and print."""
    click, rich = "import click", "import click, rich.console, rich.table"
    # Alternating runs share whatever else the machine is doing.
    times: dict[str, list[float]]
    commands = {
        "click": process("-c", click),
        "json": process("-m", "cnncalc", SPEC, "--format", "json"),
        "rich": process("-c", rich),
        "table": process("-m", "cnncalc", SPEC),
    }
    onnx = importlib.util.find_spec("onnx")
    if onnx is not None and onnx.origin is not None:
        model = Path(onnx.origin).parent / "backend/test/data/light/light_resnet50.onnx"
        commands |= {"onnx": process("-c", "import onnx"), "model": process("-m", "cnncalc", str(model))}
    times = {name: [] for name in commands}
    for _ in range(15):
        for name, command in commands.items():
            times[name].append(median_ms(command, 1))
    medians = {name: statistics.median(taken) for name, taken in times.items()}
    line("cnncalc SPEC", medians["table"], f'python -c "{rich}"', medians["rich"])
    line("cnncalc SPEC --format json", medians["json"], f'python -c "{click}"', medians["click"])

    if "model" in medians:
        line("cnncalc light_resnet50.onnx", medians["model"], 'python -c "import onnx"', medians["onnx"])

    networks = {
        "resnet50": RESNET.format(second=3, third=5),
        "resnet152": RESNET.format(second=7, third=35),
    }
    summary = None
    if all(importlib.util.find_spec(name) for name in ("torch", "torchvision", "torchinfo")):
        summary = torchinfo_summary()
    for name, text in networks.items():
        cold, warm = cold_ms(text, 15), median_ms(analysis(text), 30)
        if summary is None:
            print(f"{name + ', first of a process':34} {cold:9.2f} ms   from text to every figure")
            print(f"{name + ', repeated':34} {warm:9.2f} ms   from text to every figure")
        else:
            theirs = median_ms(summary(name), 10)
            line(f"{name}, first of a process", cold, "torchinfo, meta device", theirs)
            line(f"{name}, repeated", warm, "torchinfo, meta device", theirs)

    chain = "input 32x32x8 | (conv 3x3 same x8 | relu) * {}"
    small = median_ms(analysis(chain.format(500)), 10)
    large = median_ms(analysis(chain.format(50_000)), 1)
    line("100,000 layers", large, "1,000 layers", small)


def torchinfo_summary() -> Callable[[str], Callable[[], object]]:
    import torch
    import torchinfo
    import torchvision

    def of(name: str) -> Callable[[], object]:
        def work() -> object:
            with torch.device("meta"):
                model = getattr(torchvision.models, name)(weights=None).eval()
                return torchinfo.summary(model, input_size=(1, 3, 224, 224), device="meta", verbose=0)

        return work

    return of


if __name__ == "__main__":
    main()
