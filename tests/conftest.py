"""What all tests share: the switch that writes goldens anew, how random examples are drawn, and which files need a
framework to be imported at all."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# No example is timed, since speed is measured in benchmarks. A run draws the same examples every time, so that what
# passed once passes again: ten times as many in the slow run (`--hypothesis-profile=deep`). To look for cases that
# nobody has met yet, `--hypothesis-profile=search` draws as many at random.
untimed = settings(deadline=None, suppress_health_check=list(HealthCheck), max_examples=100)
settings.register_profile("default", untimed, derandomize=True, database=None)
settings.register_profile("deep", untimed, derandomize=True, database=None, max_examples=1000)
settings.register_profile("search", untimed, max_examples=1000, print_blob=True)
settings.load_profile("default")

#: Files that import a framework: they are tests of the marker `frameworks`, and not even read where it is missing.
NEEDS = {
    "torch": (
        "layers/test_tokens.py",
        "writers/test_pytorch.py",
        "writers/test_recurrent.py",
        "writers/test_values.py",
        "readers/test_code_random.py",
        "readers/test_torch.py",
    ),
    "keras": (
        "writers/test_keras.py",
        "writers/test_values.py",
        "readers/test_code_random.py",
        "readers/test_keras_layers.py",
    ),
    "pandas": ("test_dataframe.py",),
    "nbclient": ("test_notebook.py",),
    "onnxruntime": ("writers/test_onnx.py", "writers/test_values.py"),
}
collect_ignore = [file for library, files in NEEDS.items() if find_spec(library) is None for file in files]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-goldens",
        action="store_true",
        help="write every expected text anew: golden files, messages, and what README and docs show",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Update from a single process: several would write the same file at once."""
    if config.option.update_goldens and hasattr(config.option, "numprocesses"):  # of pytest-xdist
        config.option.numprocesses, config.option.dist, config.option.tx = 0, "no", []


class Goldens:
    """Compare texts with the files that hold them; with --update-goldens, write them there first."""

    def __init__(self, update: bool) -> None:
        self.update = update

    def file(self, path: Path, text: str) -> None:
        """Check that the whole file is `text`."""
        if self.update:
            path.write_text(text, encoding="utf-8")
        assert path.read_text(encoding="utf-8") == text

    def case(self, path: Path, title: str, text: str) -> None:
        """Check that `text` is what a file of cases expects below `=== title`, behind the line of tildes."""
        page = path.read_text(encoding="utf-8")
        start = page.index("~~~\n", page.index(f"=== {title}\n")) + 4
        end = page.find("\n=== ", start - 1) + 1 or len(page)
        expected = page[start:end].rstrip("\n")
        if self.update and expected != text.rstrip("\n"):
            changed = text.rstrip("\n") + (page[start + len(expected) : end] if expected else f"\n{page[start:end]}")
            path.write_text(page[:start] + changed + page[end:], encoding="utf-8")
        else:
            assert text.rstrip("\n") == expected

    def part(self, path: Path, name: str, text: str) -> None:
        """Check that `text` stands in the file between `<!-- name: begin -->` and `<!-- name: end -->`."""
        begin, end = f"<!-- {name}: begin -->\n", f"<!-- {name}: end -->"
        between = re.compile(rf"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
        page = path.read_text(encoding="utf-8")
        assert len(between.findall(page)) == 1, f"{path.name} has no single place for {name}"
        if self.update:
            path.write_text(between.sub(lambda _: text, page), encoding="utf-8")
        assert begin + text + end in path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def goldens(request: pytest.FixtureRequest) -> Goldens:
    """The expected texts in files, and whether to write them anew."""
    return Goldens(request.config.option.update_goldens)
