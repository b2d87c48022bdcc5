"""How long texts and model files take that mean harm, against Python's own start-up.

    python tests/benchmarks/hostile.py

The promise is an answer within a second and 200 MiB. The slowest are shown, each with its time, and how many times
that of `python -c pass` it is. Each model file is read by a process of its own, so that its memory is its own, too. Of
large files that are sound, one of a tenth of the layers is read as well: what is linear takes ten times as long.
"""

import resource
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))

from hostile_files import HOSTILE, LARGE  # noqa: E402 - in that folder, as is reference.py

import cnncalc  # noqa: E402

SHOWN = 8

#: What a process of its own does: analyze one file, and print its processor time in seconds and most memory in MiB.
CHILD = """
import pathlib, resource, sys, time
import cnncalc
started = time.process_time()
try:
    cnncalc.analyze(pathlib.Path(sys.argv[1]))
except cnncalc.SpecError as error:
    str(error)
status = pathlib.Path("/proc/self/status")
if status.exists():  # what `getrusage` says there counts the process that started this one
    most = int(status.read_text().partition("VmHWM:")[2].split()[0]) / (1 << 10)
else:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
print(time.process_time() - started, most)
"""


def in_child(folder: str, file: str, data: bytes) -> tuple[float, float]:
    """The processor time of one analysis of a model file, and the most memory of its process in MiB."""
    path = Path(folder) / file
    path.write_bytes(data)
    done = subprocess.run([sys.executable, "-c", CHILD, str(path)], check=True, capture_output=True, text=True)
    spent, most = map(float, done.stdout.split())
    return spent, most


def measure_files(folder: str, start_up: float) -> None:
    """Print the slowest and the largest of the hostile files, and how the sound ones grow."""
    files = {name: in_child(folder, file, make()) for name, (file, make, _) in HOSTILE.items()}
    for name, (spent, most) in sorted(files.items(), key=lambda each: each[1], reverse=True)[:SHOWN]:
        print(f"{name:34} {1000 * spent:9.2f} ms   ratio {spent / start_up:7.2f}   {most:5.0f} MiB")
    slowest, largest = (max(each[which] for each in files.values()) for which in (0, 1))
    print(f"{len(files)} model files, the slowest {slowest:.2f} s, the largest {largest:.0f} MiB")
    for name, (file, make, layers) in LARGE.items():
        (tenth, _), (whole, most) = (in_child(folder, file, make(count)) for count in (layers // 10, layers))
        print(f"{name:34} {whole:9.2f} s    ratio {whole / tenth:7.2f} to a tenth of it   {most:5.0f} MiB")


def seconds(spec: str | Path) -> float:
    """The processor time of one analysis, whatever comes of it."""
    started = time.process_time()
    try:
        cnncalc.analyze(spec)
    except cnncalc.SpecError as error:
        str(error)
    return time.process_time() - started


def hostile(file: str) -> dict[str, Any]:
    """The texts of a test file, by what they are."""
    found: dict[str, Any] = runpy.run_path(str(TESTS / file))["HOSTILE"]
    return found


def memory() -> float:
    """The most memory that this process has held, in MiB; Linux counts it in KiB, macOS in bytes."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def main() -> None:
    """Measure and print."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    start_up = time.perf_counter() - started
    texts = hostile("language/test_robustness.py")
    taken = [(seconds(text), name) for name, text in texts.items()]
    with tempfile.TemporaryDirectory() as folder:
        for name, (text, *_) in hostile("language/test_yaml.py").items():
            path = Path(folder) / "net.yaml"
            path.write_text(text, encoding="utf-8", errors="surrogatepass")
            taken.append((seconds(path), f"{name} (YAML)"))
    taken.sort(reverse=True)
    for spent, name in taken[:SHOWN]:
        print(f"{name:34} {1000 * spent:9.2f} ms   ratio {spent / start_up:7.2f}")
    print(f"{len(taken)} inputs, the slowest {taken[0][0]:.2f} s; the whole process at most {memory():.0f} MiB")
    with tempfile.TemporaryDirectory() as folder:
        measure_files(folder, start_up)


if __name__ == "__main__":
    main()
