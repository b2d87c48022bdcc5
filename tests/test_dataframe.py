"""Results as data frames of pandas."""

import doctest
import re
from pathlib import Path

import pytest

import cnncalc

pytestmark = pytest.mark.frameworks

SPEC = "input 5x5x3 | conv 3x3 x2 | relu | fc 10"


def test_frame() -> None:
    """There is a row for each layer by its name, a column for each figure, and counts are whole numbers."""
    frame = cnncalc.analyze(SPEC).to_dataframe()
    assert list(frame.index) == ["input1", "conv1", "relu1", "flatten1", "fc1"]
    assert frame.index.name == "name"
    assert frame.loc["conv1", ["output", "params", "macs", "field"]].to_dict() == {
        "output": "3x3x2", "params": 56, "macs": 486, "field": "3",
    }  # fmt: skip
    assert {str(frame[key].dtype) for key in ("params", "macs", "activations", "saved")} == {"int64"}


@pytest.mark.parametrize("network", ["lenet5", "resnet50", "mobilenet_v3_small"])
def test_sums(network: str) -> None:
    """The columns add up to the totals, in blocks too; the activations are those of all but the input."""
    result = cnncalc.analyze(network)
    for depth in (None, 1):
        frame = result.to_dataframe(depth=depth)
        assert (frame["params"].sum(), frame["macs"].sum()) == (result.totals.params, result.totals.macs)
        assert frame["activations"].iloc[1:].sum() == result.totals.activations


def test_manual() -> None:
    """The session of the manual gives what it shows."""
    page = (Path(cnncalc.__file__).parent / "docs" / "library.md").read_text(encoding="utf-8")
    (session,) = re.findall(r"^```pycon\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    result = cnncalc.analyze("input 5x5x3 | conv 3x3 x2 | fc 10")
    runner = doctest.DocTestRunner()
    runner.run(doctest.DocTestParser().get_doctest(session, {"result": result}, "library.md", None, 0))
    assert (runner.summarize(verbose=False).failed, runner.tries) == (0, 3)


def test_columns() -> None:
    """Columns and layout are those of a table."""
    frame = cnncalc.analyze(SPEC).to_dataframe(columns="name,output,params", layout="chw")
    assert list(frame.columns) == ["output", "params"]
    assert frame.loc["conv1", "output"] == "2x3x3"


def test_large_numbers() -> None:
    """No number is rounded: beyond 64 bits it stays an integer of Python."""
    frame = cnncalc.analyze("input 999999999x999999999x999999999 | conv 3x3 same x7 nobias").to_dataframe()
    assert frame.loc["conv1", "macs"] == 999999999**3 * 9 * 7


def test_formulas() -> None:
    """Formulas are objects that can be reckoned with."""
    result = cnncalc.analyze("input HxWx3 | conv 3x3 same x8 | conv 3x3 same x8")
    assert result.to_dataframe()["macs"].sum() == result.totals.macs


def test_unknown(tmp_path: Path) -> None:
    """A count that is not known is missing, and those that are stay whole numbers."""
    path = tmp_path / "net.cfg"
    path.write_text("[net]\nheight=8\nwidth=8\nchannels=3\n\n[hologram]\n", encoding="utf-8")
    frame = cnncalc.analyze(path).to_dataframe()
    assert str(frame["params"].dtype) == "Int64"
    assert frame["params"].isna().to_list() == [False, True]
