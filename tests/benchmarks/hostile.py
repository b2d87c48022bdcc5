"""How long texts, command lines and model files take that mean harm, against Python's own start-up.

    python tests/benchmarks/hostile.py

The promise is an answer within a second and 200 MiB. The slowest are shown, each with its time, how many times that
of `python -c pass` it is, and the most memory that it held: each is read by a process of its own. Of large files that
are sound, one of a tenth of the layers is read as well: what is linear takes ten times as long.
"""

import json
import os
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

SHOWN = 8

#: What a process of its own does: analyze what standard input says, a spec or the path of a file, and print its
#: processor time in seconds and most memory in MiB.
CHILD = """
import json, pathlib, resource, sys, time
import cnncalc
what, is_file = json.load(sys.stdin)
started = time.process_time()
try:
    cnncalc.analyze(pathlib.Path(what) if is_file else what)
except cnncalc.SpecError as error:
    str(error)
status = pathlib.Path("/proc/self/status")
if status.exists():  # what `getrusage` says there counts the process that started this one
    most = int(status.read_text().partition("VmHWM:")[2].split()[0]) / (1 << 10)
else:
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1 << 20)
print(time.process_time() - started, most)
"""

#: The processor time in seconds, and the most memory in MiB.
Taken = tuple[float, float]


def analysis(what: str | Path) -> Taken:
    """What one analysis of a spec or a file takes."""
    given = json.dumps([str(what), isinstance(what, Path)])
    done = subprocess.run([sys.executable, "-c", CHILD], input=given, check=True, capture_output=True, text=True)
    spent, most = map(float, done.stdout.split())
    return spent, most


def of_file(folder: str, file: str, data: bytes) -> Taken:
    """What one analysis of a file of these bytes takes."""
    path = Path(folder) / file
    path.write_bytes(data)
    return analysis(path)


def run(arguments: tuple[str, ...]) -> Taken:
    """What a run of the command line takes, its start-up included."""
    command = [sys.executable, "-m", "cnncalc", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, _, used = os.wait4(running.pid, 0)
        running.returncode = 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)


def texts(folder: str) -> dict[str, Taken]:
    """What the texts of the tests take, and command lines with values that mean harm."""
    found = {name: analysis(text) for name, text in hostile("language/test_robustness.py").items()}
    for name, (text, *_) in hostile("language/test_yaml.py").items():
        found[f"{name} (YAML)"] = of_file(folder, "net.yaml", text.encode("utf-8", "surrogatepass"))
    net, long = "input 5x5x3 | conv 3x3 x2", "y" * 100_000
    lines = (
        *((net, name, long) for name in ("--input", "--at", "--columns", "--get", "--fail-if", "--batch", "-o")),
        *((name, long) for name in ("zoo", "layers", "help", "solve", "explain")),
        ("explain", net, "--image", "1 " * 50_000),
        ("explain", net, "--kernel", "1;" * 50_000, "--image", "1"),
        ("resnet50", "--width", "20"),
        ("compare", *["cnov"] * 1000),
    )
    return found | {f"cnncalc {' '.join(words)[:34]}…": run(words) for words in lines}


def hostile(file: str) -> dict[str, Any]:
    """The texts of a test file, by what they are."""
    found: dict[str, Any] = runpy.run_path(str(TESTS / file))["HOSTILE"]
    return found


def show(taken: dict[str, Taken], what: str, start_up: float) -> None:
    """Print the slowest, and the most that any of them takes."""
    for name, (spent, most) in sorted(taken.items(), key=lambda each: each[1], reverse=True)[:SHOWN]:
        print(f"{name:42} {1000 * spent:9.2f} ms   ratio {spent / start_up:7.2f}   {most:5.0f} MiB")
    slowest, largest = (max(each[which] for each in taken.values()) for which in (0, 1))
    print(f"{len(taken)} {what}, the slowest {slowest:.2f} s, the largest {largest:.0f} MiB")


def main() -> None:
    """Measure and print."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    start_up = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        show(texts(folder), "texts and command lines", start_up)
        files = {name: of_file(folder, file, make()) for name, (file, make, _) in HOSTILE.items()}
        show(files, "model files", start_up)
        for name, (file, make, layers) in LARGE.items():
            (tenth, _), (whole, most) = (of_file(folder, file, make(count)) for count in (layers // 10, layers))
            print(f"{name:42} {whole:9.2f} s    ratio {whole / tenth:7.2f} to a tenth of it   {most:5.0f} MiB")


if __name__ == "__main__":
    main()
