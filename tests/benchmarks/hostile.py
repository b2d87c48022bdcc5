"""How long inputs take that mean harm, and how much memory: `python tests/benchmarks/hostile.py [SHOWN]`.

The promise is an answer within a second and 200 MiB. Each input is analysed in a process of its own; its time is
measured against Python's own start-up in the same run, and its memory is the most that the process has held. The
slowest and the largest are shown.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))  # for reference.py

SHOWN = 8

#: Analyses what the text of standard input says: a spec, or the path of a file. Modules are loaded by a small spec.
CHILD = """
import json, resource, sys, time
from pathlib import Path
import cnncalc
what, is_file = json.load(sys.stdin)
def analyse(what):
    try:
        cnncalc.analyze(what)
    except cnncalc.SpecError as error:
        str(error)
analyse("input 5x5x3 | cnov")
started = time.process_time()
analyse(Path(what) if is_file else what)
spent = time.process_time() - started
most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([spent, most / (1 << 20 if sys.platform == "darwin" else 1 << 10)]))
"""


class Taken(NamedTuple):
    """The processor time in seconds and the most memory in MiB that an input takes."""

    seconds: float
    memory: float
    name: str


def measure(name: str, what: str | Path) -> Taken:
    """Analyse a spec or a file in a process of its own."""
    given = json.dumps([str(what), isinstance(what, Path)])
    done = subprocess.run([sys.executable, "-c", CHILD], input=given, capture_output=True, text=True, check=True)
    return Taken(*json.loads(done.stdout), name)


def command_line(name: str, arguments: tuple[str, ...]) -> Taken:
    """Run the command line in a process of its own, its start-up included."""
    command = [sys.executable, "-m", "cnncalc", *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        _, _, used = os.wait4(running.pid, 0)
        running.returncode = 0
    memory = used.ru_maxrss / (1 << 20 if sys.platform == "darwin" else 1 << 10)
    return Taken(used.ru_utime + used.ru_stime, memory, name)


def hostile(file: str) -> dict[str, Any]:
    """The texts of a test file, by what they are."""
    found: dict[str, Any] = runpy.run_path(str(TESTS / file))["HOSTILE"]
    return found


def all_taken(folder: Path) -> list[Taken]:
    """Measure every input."""
    taken = [measure(name, text) for name, text in hostile("language/test_robustness.py").items()]
    for number, (name, (text, *_)) in enumerate(hostile("language/test_yaml.py").items()):
        path = folder / f"{number}.yaml"
        path.write_text(text, encoding="utf-8", errors="surrogatepass")
        taken.append(measure(f"{name} (YAML)", path))
    net, long = "input 5x5x3 | conv 3x3 x2", "y" * 100_000
    lines = (
        *((net, name, long) for name in ("--input", "--at", "--columns", "--get", "--fail-if", "--batch", "-o")),
        *((name, long) for name in ("zoo", "layers", "help", "solve", "explain")),
        ("explain", net, "--image", "1 " * 50_000),
        ("explain", net, "--image", "1;" * 50_000),
        ("resnet50", "--width", "20"),
        ("compare", *["cnov"] * 1000),
    )
    taken += [command_line(f"cnncalc {' '.join(words)[:24]}…", words) for words in lines]
    # Last, since a process begins with the size of the one that starts it.
    path = folder / "net.onnx"
    path.write_bytes(runpy.run_path(str(TESTS / "readers" / "test_onnx_hostile.py"))["MANY_FIELDS"])
    taken.append(measure("many fields (ONNX)", path))
    return taken


def main(shown: int) -> None:
    """Measure and print."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", "pass"], check=True)
    start_up = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as folder:
        taken = all_taken(Path(folder))
    taken.sort(reverse=True)
    largest = sorted(taken, key=lambda each: -each.memory)
    for each in dict.fromkeys([*taken[:shown], *largest[:shown]]):
        ratio = each.seconds / start_up
        print(f"{each.name:46} {1000 * each.seconds:9.2f} ms   ratio {ratio:7.2f}   {each.memory:7.1f} MiB")
    print(f"{len(taken)} inputs, the slowest {taken[0].seconds:.2f} s, the largest {largest[0].memory:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else SHOWN)
