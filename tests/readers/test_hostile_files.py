"""Model files that mean harm by their size are refused; large ones that are sound are read."""

from pathlib import Path

import pytest
from hostile_files import HOSTILE, LARGE

import cnncalc


@pytest.mark.slow
@pytest.mark.parametrize("name", HOSTILE)
def test_refused(name: str, tmp_path: Path) -> None:
    """Each is an error of its code; `tests/benchmarks/hostile.py` measures how soon."""
    file, make, code = HOSTILE[name]
    (tmp_path / file).write_bytes(make())
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(tmp_path / file)
    assert {each.code for each in caught.value.diagnostics} == {code}


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_read(name: str, tmp_path: Path) -> None:
    """A sound file at the limits has a row for each of its layers, the input included; a route has one for all."""
    file, make, most = LARGE[name]
    (tmp_path / file).write_bytes(make(most))
    rows = len(cnncalc.analyze(tmp_path / file).rows)
    assert rows == (3 if "route" in name else most + 1)
