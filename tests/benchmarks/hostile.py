"""How long texts take that mean harm, against Python's own start-up: `python tests/benchmarks/hostile.py`.

The promise is an answer within a second and 200 MiB. The slowest are shown, each with its time, and how many times
that of `python -c pass` it is.
"""

import resource
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cnncalc

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))  # for reference.py

SHOWN = 8


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
        many = runpy.run_path(str(TESTS / "readers" / "test_onnx_hostile.py"))["MANY_FIELDS"]
        path = Path(folder) / "net.onnx"
        path.write_bytes(many)
        taken.append((seconds(path), "many fields (ONNX)"))
    taken.sort(reverse=True)
    for spent, name in taken[:SHOWN]:
        print(f"{name:34} {1000 * spent:9.2f} ms   ratio {spent / start_up:7.2f}")
    print(f"{len(taken)} inputs, the slowest {taken[0][0]:.2f} s; the whole process at most {memory():.0f} MiB")


if __name__ == "__main__":
    main()
