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
    """`imputs` is a misspelt word, not an input of S channels."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E101\]: unknown layer `imputs`"):
        cnncalc.parse("imputs 5x5x3", letters=True)


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


# -- letters for filters -------------------------------------------------------------------------------------


def test_missing_filters() -> None:
    """A stack of windows answers with sizes, formulas and receptive fields: 3, 3 + 2, 5 + 2·2."""
    result = cnncalc.analyze("conv 3x3 | conv 3x3 s2 | conv 3x3")
    assert [str(row.output_shape[-1]) for row in result.rows] == ["C", "K1", "K2", "K3"]
    assert [str(row.params) for row in result.rows[1:]] == ["K1*(9*C + 1)", "K2*(9*K1 + 1)", "K3*(9*K2 + 1)"]
    assert [row.receptive_field.axes[0].size for row in result.rows] == [1, 3, 5, 9]
    assert [row.description for row in result.rows[1:]] == ["conv 3x3 xK1", "conv 3x3 s2 xK2", "conv 3x3 xK3"]
    assert list(result.domains) == ["H", "W", "C", "K1", "K2", "K3"]


@pytest.mark.parametrize(
    ("spec", "sizes"),
    [
        ("conv 3x3 | conv 3x3 g2 | conv 1x1 g3", "HxWx4"), ("sepconv 3x3 m2 | deconv 2 s2 | deconv 2 s2 g2", "HxWx4"),
        ("fc | relu | fc", "N"), ("fc each | conv 3x3 same | bn | prelu | dwconv 3 m2 | pool 2", "HxWx4"),
        ("add(conv 3x3 same ; conv 1x1)", "HxWx4"), ("concat(conv 3x3 same ; conv 1x1) | gap | fc | fc 3", "HxWx4"),
        ("(conv 3x3 same) * 3", "HxWx4"), ("conv1d 3 | lstm | gru bi last", "Lx4"),
        ("convlstm 3x3 | convlstm 3x3 last", "9xHxWx2"),
        ("def unit(s=1) = conv 3x3 s{s} same | bn\nunit() | unit(2)", "HxWx4"),
    ],
)  # fmt: skip
def test_numbers_for_filters(spec: str, sizes: str) -> None:
    """With numbers for its letters, a spec that lacks filters gives what one with these numbers as filters gives."""
    letters = cnncalc.analyze(spec, input=sizes)
    at = {letter: 6 if letter.startswith("K") else 12 for letter in letters.domains}
    numbers = cnncalc.analyze(spec, input=sizes, at=at)
    assert any(letter.startswith("K") for letter in at)
    for row, exact in zip(letters.rows, numbers.rows, strict=True):
        figures = [*row.output_shape, row.params, row.macs, row.buffers]
        found = [each.substitute(at) if hasattr(each, "substitute") else each for each in figures]
        assert found == [*exact.output_shape, exact.params, exact.macs, exact.buffers]


def test_a_repeat_has_one_letter() -> None:
    """A letter stands where the number is missing in the text: copies and calls have the same."""
    result = cnncalc.analyze("def unit() = conv 3x3 same\n(conv 3x3 same) * 2 | unit() | unit() | conv 1x1")
    assert [str(row.output_shape[-1]) for row in result.rows[1:]] == ["K1", "K1", "K2", "K2", "K3"]


def test_names_of_the_spec() -> None:
    """A letter is none of the spec's own names."""
    result = cnncalc.analyze("let K1 = 3, K2 = 5\ninput HxWx3 | conv 3x3 | conv 3x3 x{K1}")
    assert [str(row.output_shape[-1]) for row in result.rows[1:]] == ["K3", "3"]


def test_conditions_on_filters() -> None:
    """The numbers that a letter may be are those for which the layers fit: here the next has two groups."""
    domains = cnncalc.analyze("conv 3x3 | conv 3x3 g2").domains
    assert {name: str(domains[name]) for name in ("K1", "K2")} == {"K1": "2, 4, 6, …", "K2": "2, 4, 6, …"}


@pytest.mark.parametrize(
    ("spec", "more"),
    [("input 8x8x3 | conv 3x3", {}), ("conv 3x3", {"input": "8x8x3"}), ("input 8x8x3 | conv 3x3", {"at": {}})],
)
def test_with_numbers_filters_are_needed(spec: str, more: dict[str, object]) -> None:
    """With numbers in the input, missing filters are the error that they are."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E104\]: `conv` has no filters"):
        cnncalc.analyze(spec, **more)


def test_open_filters_of_a_spec_that_must_be_closed() -> None:
    """Where every number has to be given, a letter for a size can be filled in, and so can one for filters."""
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E104\]: `conv` has no filters"):
        cnncalc.parse("input HxWx3 | conv 3x3", at={"H": 8, "W": 8})
    assert str(cnncalc.parse("input HxWx3 | conv 3x3", at={"H": 8, "W": 8, "K1": 4}).nodes[-1].shape) == "6x6x4"


def test_a_letter_that_is_not_there() -> None:
    """A number for a letter that the spec does not have is an error with those that it has."""
    done = CliRunner().invoke(main, ["conv 3x3", "--at", "K2=4"])
    assert done.output == "error[E110]: the spec has no letter `K2`\n = help: its letters: C, H, K1, W\n"


@pytest.mark.parametrize("text", ["conv 3x3 | conv 3x3 s2 | fc", "conv 3x3 g{2 + 1} bias=false"])
def test_written_without_filters(text: str) -> None:
    """The form of a spec that lacks filters lacks them, too."""
    done = CliRunner().invoke(main, ["format", text])
    assert done.output == text.replace("bias=false", "nobias") + "\n"
