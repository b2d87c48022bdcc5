"""Folding: where a text may be broken, and that nothing of it is lost."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.cli import main
from cnncalc.report.wrap import folded_text


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("conv 3x3 s2", 20, ["conv 3x3 s2"]),
        ("conv 3x3 s2", 8, ["conv 3x3", "s2"]),
        ("block1.body.conv1", 12, ["block1.body.", "conv1"]),
        ("inception_4a/relu_3x3", 14, ["inception_4a/", "relu_3x3"]),
        ("global_average_pooling2d", 16, ["global_average_", "pooling2d"]),
        ("3.06\N{NO-BREAK SPACE}MiB: pool1", 9, ["3.06 MiB:", "pool1"]),
        ("3.06\N{NO-BREAK SPACE}MiB: pool1", 80, ["3.06 MiB: pool1"]),
        ("abcdefgh", 3, ["abc", "def", "gh"]),
        ("", 5, [""]),
        ("ab", 0, ["a", "b"]),
        ("ab", -9, ["a", "b"]),
    ],
)
def test_lines(text: str, width: int, lines: list[str]) -> None:
    """A text is broken at spaces and where the parts of a name are joined, and else within a part."""
    assert folded_text(text, width) == lines


@given(st.text("ab._/ ", max_size=40), st.integers(1, 20))
def test_nothing_is_lost(text: str, width: int) -> None:
    """All that is not a space comes out again, in lines that are no wider than they may be."""
    lines = folded_text(text, width)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(len(line) <= width for line in lines)


@pytest.mark.parametrize("options", [(), ("--memory",)], ids=["layers", "memory"])
def test_names_behind_long_rails(options: tuple[str, ...]) -> None:
    """However deep the branches and narrow the table, a name stands whole behind its rail."""
    spec = "input 4x4x2 | " + "add(relu | " * 20 + "relu" + " ; )" * 20
    text = CliRunner().invoke(main, [spec, "--width", "40", *options]).stdout
    assert f"\n{'│  ' * 19}├─ relu20" in text
    assert "\n└─ add20" in text
