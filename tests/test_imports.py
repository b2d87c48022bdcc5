"""Who may import whom: the architecture, held over the real imports."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from cnncalc import layers

PACKAGE = Path(__file__).parents[1] / "cnncalc"

#: Each part, and the parts that it may import.
BASE = {"diagnostics", "shape", "spelling"}
ALLOWED = {
    "diagnostics": set(),
    "spelling": set(),
    "shape": set(),
    "symbols": {"shape"},
    "layers": {"shape", "symbols"},
    "graph": BASE | {"layers"},
    "figures": BASE | {"layers", "graph", "symbols"},
    "analysis": BASE | {"layers", "graph", "figures", "symbols"},
    "notation": {"shape", "figures"},
    "compare": BASE | {"layers", "graph", "figures", "analysis", "notation"},
    "query": BASE | {"graph", "figures", "analysis", "notation"},
    "language": BASE | {"layers", "graph", "frameworks"},
    "zoo": BASE | {"language", "analysis", "figures"},
    "sources": BASE | {"graph", "language", "layers", "readers", "zoo"},
    "readers": BASE | {"graph", "language", "layers", "frameworks", "symbols"},
    "solve": BASE | {"layers", "graph", "figures", "language", "sources", "symbols"},
    "sweep": BASE | {"layers", "graph", "figures", "analysis", "query", "language", "sources", "dataframes"},
    # The writer of specs is a writer of the language; no other knows it.
    "frameworks": {"shape"},
    "writers": BASE | {"layers", "graph", "figures", "language", "frameworks"},
    "draw": BASE | {"layers", "graph", "notation", "explain", "compare"},
    "checks": BASE | {"layers", "graph", "figures", "analysis", "query", "notation", "compare", "language", "sources"},
    "explain": BASE | {"layers", "graph", "figures", "analysis"},
    "report": BASE
    | {"layers", "graph", "figures", "analysis", "compare", "query", "explain", "language", "solve", "symbols"}
    | {"zoo", "notation", "draw", "sweep", "checks"},
    "cli": BASE
    | {
        "layers",
        "graph",
        "figures",
        "analysis",
        "compare",
        "query",
        "checks",
        "notation",
        "draw",
        "explain",
        "language",
        "solve",
        "sweep",
        "sources",
        "zoo",
        "report",
        "writers",
        "files",
        "interrupts",
        "",
    },
    "dataframes": set(),
    "result": {"analysis", "dataframes", "draw", "files", "report", "writers"},
    "notebook": {"diagnostics", "graph", "analysis", "report"},
    "files": {"interrupts"},
    "interrupts": set(),
    "__main__": {"cli", "interrupts"},
    "": BASE | {"graph", "figures", "analysis", "sources", "language", "readers", "result", "notebook", "sweep"},
}


def files() -> Iterator[tuple[str, Path]]:
    for path in sorted(PACKAGE.rglob("*.py")):
        yield path.relative_to(PACKAGE).with_suffix("").as_posix().replace("/", ".").removesuffix(".__init__"), path


@cache
def imports(path: Path) -> tuple[str, ...]:
    """The modules that a file imports, wherever in it."""
    return tuple(_imports(ast.parse(path.read_text(encoding="utf-8"))))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            known = PACKAGE.parent / node.module.replace(".", "/")
            if known.is_dir():
                for alias in node.names:
                    inner = known / alias.name
                    is_module = inner.is_dir() or inner.with_suffix(".py").exists()
                    yield f"{node.module}.{alias.name}" if is_module else node.module
            else:
                yield node.module


def part(module: str) -> str:
    return module.removeprefix("cnncalc").removeprefix(".").partition(".")[0].removesuffix("__init__")


@pytest.mark.parametrize(("name", "path"), list(files()))
def test_parts(name: str, path: Path) -> None:
    """A file imports only the parts that stand below its own."""
    own = "" if name == "__init__" else part(name)
    found = {part(module) for module in imports(path) if module.split(".")[0] == "cnncalc"}
    assert found - ALLOWED[own] - {own} == set()


def circles() -> list[set[str]]:
    """The files that import one another, directly or by way of others, in functions too."""
    edges = {name: {module.removeprefix("cnncalc.") for module in imports(path)} for name, path in files()}
    reached: dict[str, set[str]] = {}
    for name in edges:
        reached[name], stack = set(), [name]
        while stack:
            new = (edges[stack.pop()] & edges.keys()) - reached[name]
            reached[name] |= new
            stack += new
    groups = [{other for other in reached[name] if name in reached[other]} for name in edges if name in reached[name]]
    return [group for at, group in enumerate(groups) if group not in groups[:at]]


def test_no_circles() -> None:
    """No file imports another that imports it, be it by way of others or in a function."""
    assert circles() == []


@pytest.mark.parametrize("name", ["tokens", "nodes", "parse", "expressions"])
def test_the_parser_knows_no_layer(name: str) -> None:
    """Tokens, nodes and parser import no layer; the parser asks the registry which words take arms or a sequence."""
    found = [module for module in imports(PACKAGE / "language" / f"{name}.py") if "layers" in module]
    assert set(found) == ({"cnncalc.layers"} if name == "parse" else set())


FAMILIES = [family.__name__.rpartition(".")[2] for family in layers.FAMILIES.values()]


@pytest.mark.parametrize("family", FAMILIES)
def test_families(family: str) -> None:
    """A family of layers imports no other."""
    found = {module.rpartition(".")[2] for module in imports(PACKAGE / "layers" / f"{family}.py")}
    assert found & set(FAMILIES) == set()


FORMATS = ("csv", "html", "json", "latex", "markdown", "terminal")


@pytest.mark.parametrize("format", FORMATS)
def test_formats(format: str) -> None:
    """A format imports no other."""
    found = set(imports(PACKAGE / "report" / f"{format}.py"))
    assert found & {f"cnncalc.report.{other}" for other in FORMATS} == set()


WRITERS = ("cnn", "keras", "onnx", "pytorch")


@pytest.mark.parametrize("writer", WRITERS)
def test_writers(writer: str) -> None:
    """A writer imports no other, and the language is known to the writer of specs alone."""
    own = f"cnncalc.writers.{writer}"
    paths = [path for name, path in files() if f"cnncalc.{name}.".startswith(f"{own}.")]
    found = {module for path in paths for module in imports(path)}
    others = tuple(f"cnncalc.writers.{other}" for other in WRITERS if other != writer)
    assert [module for module in found if module.startswith(others)] == []
    assert any(module.startswith("cnncalc.language") for module in found) == (writer == "cnn")


@pytest.mark.parametrize(
    ("library", "places"),
    [
        ("click", ("cli",)),
        ("rich", ("report.terminal", "cli")),
        ("yaml", ("language.yaml",)),
        ("torch", ("readers.torch", "writers.runtime.pytorch")),
        ("keras", ("writers.runtime.keras",)),
        ("h5py", ()),
        ("onnx", ("writers.onnx",)),
        ("tflite", ("readers.tflite",)),
        ("flatbuffers", ()),
        ("numpy", ("sweep",)),
        ("pyarrow", ("sweep.writing",)),
        ("moocore", ("sweep.fronts",)),
        ("dask", ("sweep.cluster",)),
        ("pandas", ("dataframes", "result")),
        ("IPython", ()),
    ],
)
def test_libraries(library: str, places: tuple[str, ...]) -> None:
    """A library is known only where it belongs."""
    users = [name for name, path in files() if any(module.split(".")[0] == library for module in imports(path))]
    assert [name for name in users if not name.startswith(places)] == []


def test_class_names() -> None:
    """A class name has one meaning; the pieces that writers copy into users' code have their layer's name."""
    found: dict[str, set[str]] = {}
    for name, path in files():
        if not name.startswith("writers.runtime"):
            for made in re.findall(r"(?m)^class (\w+)", path.read_text(encoding="utf-8")):
                found.setdefault(made, set()).add(name)
    assert {made: places for made, places in found.items() if len(places) > 1} == {}


def test_letters_start() -> None:
    """A spec of numbers imports neither the symbols nor the solver."""
    code = (
        "import sys\nimport cnncalc\n"
        "cnncalc.analyze('input 5x5x3 | conv 3x3 s2 same x2 | pool 2 ceil').to_dict()\n"
        "late = 'cnncalc.symbols', 'cnncalc.solve', 'cnncalc.figures.domain'\n"
        "print([name for name in sys.modules if name.startswith(late)])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


@pytest.mark.parametrize("format", ["json", "table"])
def test_start(format: str) -> None:
    """Neither JSON nor a table without colour imports rich or yaml."""
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        f"try: main(['input 5x5x3 | conv 3x3 x2', '-f', '{format}'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'rich', 'yaml'} & set(sys.modules)), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


@pytest.mark.parametrize(("spec", "found"), [("input 5x5x3 | conv 3x3 x2", "[]"), ("resnet18", "['cnncalc.zoo']")])
def test_zoo_start(spec: str, found: str) -> None:
    """The zoo is looked into for a lone word alone, and then for that network alone."""
    code = (
        "import sys\nfrom cnncalc.cli import main\n"
        f"try: main([{spec!r}, '-f', 'json'])\n"
        "except SystemExit: pass\n"
        "print([each for each in sys.modules if 'zoo' in each], file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr == f"{found}\n"
