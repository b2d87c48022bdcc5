"""Letters for sizes in an input, and `?` for a number: how they are read and written."""

from pathlib import Path

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main


def shape(spec: str) -> str:
    return str(cnncalc.parse(spec, letters=True).nodes[0].shape)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("input HxWx3", "HxWx3"),
        ("input hxwx3", "HxWx3"),
        ("input 32xWx3", "32xWx3"),
        ("input Hx32xC", "Hx32xC"),
        ("input NxNxC", "NxNxC"),
        ("input N", "N"),
        ("input D×H×W×1", "DxHxWx1"),
        ("inputHxWx3", "HxWx3"),
        ("input shape=HxWx3", "HxWx3"),
    ],
)
def test_read(spec: str, expected: str) -> None:
    """A letter stands wherever a number of the shape may, small or capital, glued or apart."""
    assert shape(spec) == expected


@pytest.mark.parametrize(
    "spec", ["input x", "input HxWx", "input HxWxx3", "input hello", "input HxWoox3", "reshape HxWx3"]
)
def test_what_is_no_letter(spec: str) -> None:
    """An `x` alone, a word and a size left out are errors, and so are letters in other layers."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E10[25]\]: "):
        cnncalc.parse(spec, input="4x4x3" if "reshape" in spec else None, letters=True)


def test_a_misspelt_word_is_no_letter() -> None:
    """`inputs` is a misspelt word, not an input of S channels."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E101\]: unknown layer `inputs`"):
        cnncalc.parse("inputs 5x5x3", letters=True)


@pytest.mark.parametrize(
    ("spec", "written", "compact"),
    [
        ("INPUT hxWx3,CONV ?x? s2 x4", "input HxWx3 | conv ?x? s2 x4", "input HxWx3,conv?x?s2:4"),
        ("input n | fc ?", "input N | fc ?", "input N,fc?"),
        ("(relu) * ?", "(relu) * ?", "(relu)*?"),
    ],
)
def test_written(spec: str, written: str, compact: str) -> None:
    """Letters are written as capitals and `?` as it is, and what is written reads back as itself."""
    for text in (spec, written, compact):
        assert CliRunner().invoke(main, ["format", text]).output == written + "\n"
        assert CliRunner().invoke(main, ["format", "--compact", text]).output == compact + "\n"


def test_yaml() -> None:
    """YAML has letters as text has, there and back."""
    done = CliRunner().invoke(main, ["format", "--to", "yaml", "input HxWx3 | conv ?x? x4 | relu"])
    assert done.output == "input: HxWx3\nlayers:\n  - conv ?x? x4\n  - relu\n"


def test_yaml_is_read(tmp_path: Path) -> None:
    """A file of YAML with letters gives formulas."""
    path = tmp_path / "net.yaml"
    path.write_text("input: HxWx3\nlayers: [conv 3x3 x4]\n", encoding="utf-8")
    assert str(cnncalc.load(path, letters=True).nodes[-1].shape) == "(H - 2)x(W - 2)x4"
    assert cnncalc.analyze(path, at={"H": 5, "W": 6})["conv1"].output_shape == (3, 4, 4)


def test_the_library() -> None:
    """`analyze` answers in letters, and a formula takes numbers for them."""
    result = cnncalc.analyze("conv3x3s1p0:16,pool2")
    height, width, channels = result["pool1"].output_shape
    assert (str(height), height.substitute({"H": 32}), width.substitute({"W": 33}), channels) == (
        "floor(H/2) - 1",
        15,
        15,
        16,
    )
    assert {name: str(domain) for name, domain in result.domains.items()} == {
        "H": "4 or more",
        "W": "4 or more",
        "C": "1 or more",
    }
