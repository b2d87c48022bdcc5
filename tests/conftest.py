"""What all tests share: the switch that writes goldens anew, and random cases that take as long as they need."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

# Speed is measured, not tested: a busy machine fails nothing.
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")


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
