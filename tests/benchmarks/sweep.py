"""How fast a sweep is, as ratios measured in one run: `python tests/benchmarks/sweep.py`.

First 10^9 variants of a space of nine lets, with the front and the best twenty, in a process whose memory is measured.
Then EfficientNet-B0 over width, depth and size, with parameters, MACs and the peak of every variant: as `sweep` counts
them, as arrays with a number for each variant through the same rules, and as one `analyze` after the other. And a small
sweep from start to end. Nothing here passes or fails: a benchmark is read by people.
"""

import statistics
import subprocess
import sys
import time

import cnncalc
from cnncalc.sweep.engine import Engine
from cnncalc.sweep.library import Sweep

#: 300 · 150 · 400 variants: 18 million.
GRID = {"width": "0.5..1.995..0.005", "depth": "0.5..1.99..0.01", "size": "64..463"}
ASKED = {"where": ["params < 5M"], "pareto": "-macs,peak"}

#: So many variants are counted with arrays that have a number for each.
NAIVE = 5000

#: Four stages, each with a width and a depth of its own, and the input's size: 10^9 variants.
NINE = """
let w1 = 1 in [0.5..1.4..0.1], w2 = 1 in [0.5..1.4..0.1], w3 = 1 in [0.5..1.4..0.1], w4 = 1 in [0.5..1.4..0.1]
let d1 = 2 in [1..10], d2 = 2 in [1..10], d3 = 2 in [1..10], d4 = 2 in [1..10], size = 224 in [96..384..32]
def unit(c) = conv 3x3 same x{c} nobias | bn | relu
def stage(c, n) = conv 3x3 s2 p1 x{c} nobias | bn | relu | add(unit(c) | unit(c) ; ) * {n}
input {size}x{size}x3
stage(divisible(32 * w1, 8), d1)
stage(divisible(64 * w2, 8), d2)
stage(divisible(128 * w3, 8), d3)
stage(divisible(256 * w4, 8), d4)
gap | fc 1000
"""

LARGE = """
import resource, sys, time
import cnncalc
start = time.perf_counter()
result = cnncalc.sweep(sys.argv[1], where=["params < 20M"], pareto="-macs,params", sort="-macs", top=20, workers=2)
seconds = time.perf_counter() - start
own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(seconds, result.done, result.kept, len(result.front), len(result.rows), own, children)
"""


def seconds_of(work: object) -> float:
    start = time.perf_counter()
    work()  # type: ignore[operator]
    return time.perf_counter() - start


def silent(*_: object) -> None:
    pass


def efficientnet() -> None:
    asked = Sweep("efficientnet_b0", over=GRID, **ASKED)
    variants = asked.space.variants
    build = seconds_of(lambda: asked.engine)
    look = min(seconds_of(lambda: asked.run()) for _ in range(2))
    two = seconds_of(lambda: asked.run(workers=2))
    print(f"EfficientNet-B0, {variants:,} variants of width × depth × size; params, MACs and peak of each")
    print(f"  structures built           {build:8.2f} s   {len(asked.engine.plans)} of them")
    rate = variants / (build + look)
    print(
        f"  looked at, one process     {look:8.2f} s   {variants / look:14,.0f} variants/s; with the build {rate:,.0f}"
    )
    print(f"  looked at, two processes   {two:8.2f} s   {variants / two:14,.0f} variants/s")
    # A space of one axis: each let has a number for each variant.
    drawn = asked.space.subspace(asked.space.sample(NAIVE, 1))
    naive = NAIVE / seconds_of(lambda: Engine(asked.spec, drawn, asked.fixed, asked.names).search(asked.query, silent))
    print(f"  arrays of all variants     {NAIVE / naive:8.2f} s   {naive:14,.0f} variants/s   1/{rate / naive:,.0f}")
    numbers = asked.space.sample(40, 1)
    cnncalc.analyze("efficientnet_b0")
    taken = [
        seconds_of(lambda n=n: cnncalc.analyze("efficientnet_b0", variables=asked.space.values(n))) for n in numbers
    ]
    each = 1 / statistics.median(taken)
    print(f"  one `analyze` each         {1 / each:8.4f} s   {each:14,.0f} variants/s   1/{rate / each:,.0f}")


def nine_lets() -> None:
    done = subprocess.run([sys.executable, "-c", LARGE, NINE], capture_output=True, text=True, check=True)
    seconds, looked, kept, front, best, own, children = (float(each) for each in done.stdout.split())
    print(
        f"nine lets, {looked:,.0f} variants, {kept:,.0f} within 20 M parameters, "
        f"{front:.0f} of them on the front, and the best {best:.0f}"
    )
    print(f"  two processes              {seconds:8.1f} s   {looked / seconds:14,.0f} variants/s")
    print(f"  memory at most             {own / 1024:8.0f} MiB, and {children / 1024:.0f} MiB in a worker")


def small() -> None:
    def process(*arguments: str) -> float:
        command = [sys.executable, "-m", "cnncalc", *arguments]
        run = lambda: subprocess.run(command, capture_output=True, check=True)  # noqa: E731
        run()
        return statistics.median(seconds_of(run) for _ in range(10))

    grid = ["--over", "width=0.5..0.95..0.05", "--over", "size=160..304..16"]
    swept, single = process("sweep", "mobilenet_v2", *grid, "--sort", "params"), process("mobilenet_v2")
    print("100 variants of MobileNetV2, from start to end of the process")
    print(f"  cnncalc sweep              {swept:8.2f} s   {swept / single:.1f} times `cnncalc mobilenet_v2`")


if __name__ == "__main__":
    nine_lets()
    efficientnet()
    small()
