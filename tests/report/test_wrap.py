"""Folding: where a text may be broken, and that nothing of it is lost."""

from __future__ import annotations

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from cnncalc.cli import main
from cnncalc.report.wrap import cut_names, folded_text


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


@pytest.mark.parametrize(
    ("name", "width", "cut"),
    [
        ("stage1.keep2.path1.unit3.conv1", 30, "stage1.keep2.path1.unit3.conv1"),
        ("stage1.keep2.path1.unit3.conv1", 29, "stage1.….path1.unit3.conv1"),
        ("stage1.keep2.path1.unit3.conv1", 20, "stage1.….unit3.conv1"),
        ("stage1.keep2.path1.unit3.conv1", 19, "stage1.….conv1"),
        # No room for the beginning: the end.
        ("stage1.keep2.path1.unit3.conv1", 13, "….unit3.conv1"),
        ("stage1.keep2.path1.unit3.conv1", 7, "….conv1"),
        # Not even for the last word: the name is left for others to fold.
        ("stage1.keep2.path1.unit3.conv1", 6, "stage1.keep2.path1.unit3.conv1"),
        ("a_name_without_a_path", 8, "a_name_without_a_path"),
        ("features/0/conv", 12, "…/0/conv"),
        ("a.b", 2, "a.b"),
        ("", 0, ""),
    ],
)
def test_cut(name: str, width: int, cut: str) -> None:
    """A path is cut between its words, in the middle as long as there is room for its beginning."""
    assert cut_names([name], [width]) == [cut]


def test_cut_names_differ() -> None:
    """Where the end of two names is the same, what tells them apart is kept."""
    names = ["net.left.unit1.conv1", "net.right.unit1.conv1", "net.right.unit1.bn1"]
    assert cut_names(names, [17] * 3) == ["net.left.….conv1", "net.right.….conv1", "net.….unit1.bn1"]
    assert cut_names(names[:1], [17]) == ["net.….unit1.conv1"]


def test_cut_in_ascii() -> None:
    """In ASCII another sign stands where the path is cut: dots would be lost among the path's own."""
    spec = "input 8x8x4 | (((bn as name) as inner) as outermost) as whole | (relu) as a_long_name_with_words"
    shown = CliRunner(charset="ascii").invoke(main, [spec, "--width", "44"]).stdout
    assert "\nwhole.~.inner.name " in shown


@given(st.lists(st.text("ab./_", max_size=30), max_size=6), st.integers(0, 25))
def test_a_cut_is_a_beginning_and_an_end(names: list[str], width: int) -> None:
    """What is cut fits, and is a beginning and an end of the name, each of whole words."""
    for name, cut in zip(names, cut_names(names, [width] * len(names)), strict=True):
        if cut != name:
            head, _, tail = cut.partition("…")
            assert len(cut) <= width
            assert name.startswith(head)
            assert name.endswith(tail)
            assert head[-1:] in ("", ".", "/")
            assert tail[0] in "./"


@pytest.mark.parametrize("options", [(), ("--memory",)], ids=["layers", "memory"])
def test_names_behind_long_rails(options: tuple[str, ...]) -> None:
    """However deep the branches and narrow the table, a name stands whole behind its rail."""
    spec = "input 4x4x2 | " + "add(relu | " * 20 + "relu" + " ; )" * 20
    text = CliRunner().invoke(main, [spec, "--width", "40", *options]).stdout
    assert f"\n{'│  ' * 19}├─ relu20" in text
    assert "\n└─ add20" in text
