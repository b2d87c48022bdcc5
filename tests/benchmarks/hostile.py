"""How long texts take that mean harm, against Python's own start-up: `python tests/benchmarks/hostile.py`.

The promise is an answer within a second and 200 MiB. The slowest are shown, each with its time, and how many times
that of `python -c pass` it is.
"""

import resource
import runpy
import subprocess
import sys
import time
from pathlib import Path

import cnncalc

SHOWN = 8


def seconds(text: str) -> float:
    """The processor time of one analysis, whatever comes of it."""
    started = time.process_time()
    try:
        cnncalc.analyze(text)
    except cnncalc.SpecError as error:
        str(error)
    return time.process_time() - started


def memory() -> float:
    """The most memory that this process has held, in MiB; Linux counts it in KiB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Measure and print."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    start_up = time.perf_counter() - started
    texts = runpy.run_path(str(Path(__file__).parents[1] / "language" / "test_robustness.py"))["HOSTILE"]
    taken = sorted(((seconds(text), name) for name, text in texts.items()), reverse=True)
    for spent, name in taken[:SHOWN]:
        print(f"{name:34} {1000 * spent:9.2f} ms   ratio {spent / start_up:7.2f}")
    print(f"{len(taken)} texts, the slowest {taken[0][0]:.2f} s; the whole process at most {memory():.0f} MiB")


if __name__ == "__main__":
    main()
