"""How fast cnncalc is, as ratios measured in one run: `python tests/benchmarks/speed.py`.

Each figure is a median, against something that everyone has: Python's own start-up with the libraries that
any such tool imports, and the same work at another size. Where PyTorch and torchinfo are installed, torchinfo on
the meta device is measured beside it, on the same network. Nothing here passes or fails: a benchmark is read by people.
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
from cnncalc.writers import export
from cnncalc.zoo import members

SPEC = "input 5x5x3 | conv 3x3 s1 valid x2"

#: Prints the milliseconds of the first and of the median of later calls of `work`, once imports are done.
TIMED = """
import statistics, time
def timed():
    start = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - start)
print(timed(), statistics.median(timed() for _ in range({times})))
"""

#: From a network's text to every figure; a tiny network comes first, for what is imported late.
OURS = """
import cnncalc
from pathlib import Path
text = {text!r}
cnncalc.analyze("input 8x8x3 | conv 3x3 x4")
work = lambda: cnncalc.analyze(text)
"""

#: The same network as PyTorch code: built on the meta device, where nothing is computed, and
#: summed up by torchinfo; here too a tiny network comes first.
THEIRS = """
import torch, torchinfo
found = {{"__name__": "exported"}}
exec(compile({code!r}, "exported.py", "exec"), found)
def summary(make, size):
    with torch.device("meta"):
        torchinfo.summary(make().eval(), input_size=(1, 3, size, size), device="meta", verbose=0)
summary(lambda: torch.nn.Conv2d(3, 4, 3), 8)
work = lambda: summary(list(found.values())[-1], 224)
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


def as_json(text: str) -> Callable[[], object]:
    return lambda: cnncalc.analyze(text).to_dict()


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
        "resnet50": process("-m", "cnncalc", "resnet50"),
        "resnet152": process("-m", "cnncalc", "resnet152"),
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

    for name in ("resnet50", "resnet152"):
        line(f"cnncalc {name}", medians[name], "cnncalc SPEC", medians["table"])
    if "model" in medians:
        line("cnncalc light_resnet50.onnx", medians["model"], 'python -c "import onnx"', medians["onnx"])

    torchinfo = all(importlib.util.find_spec(name) for name in ("torch", "torchinfo"))
    for name in ("resnet50", "resnet152"):
        graph = cnncalc.parse(name)
        first, later = first_and_later(OURS.format(text=members()[name].text()), 30)
        if torchinfo:
            their_first, their_later = first_and_later(THEIRS.format(code=export(graph, "pytorch")), 10)
            line(f"{name}, first of a process", first, "torchinfo, meta device", their_first)
            line(f"{name}, again", later, "torchinfo, meta device", their_later)
        else:
            print(f"{name:34} {first:9.2f} ms   from text to every figure, first of a process; {later:.2f} ms again")

    chain = "input 32x32x8 | (conv 3x3 same x8 | relu) * {}"
    small = median_ms(analysis(chain.format(500)), 10)
    large = median_ms(analysis(chain.format(50_000)), 1)
    line("100,000 layers", large, "1,000 layers", small)
    few, many = chain.format(500), chain.format(10_000)
    written = [median_ms(as_json(text), 3) for text in (few, many)]
    line("20,000 layers as JSON", written[1], "1,000 layers as JSON", written[0])


def first_and_later(code: str, times: int) -> tuple[float, float]:
    """Medians over ten processes: the milliseconds of the first call, and of later ones."""
    runs = []
    for _ in range(10):
        command = [sys.executable, "-W", "ignore", "-c", code + TIMED.format(times=times)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        runs.append([float(each) for each in done.stdout.split()])
    first, later = zip(*runs, strict=True)
    return statistics.median(first), statistics.median(later)


if __name__ == "__main__":
    main()
