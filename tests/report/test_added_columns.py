"""The columns of figures that a row has of the whole network, and their words."""

import csv
import io

import pytest
from command_line import run

from cnncalc.report.columns import COLUMNS, find_column


def table(spec: str, *arguments: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(run(spec, *arguments, "-f", "csv").output)))


def test_every_figure_can_be_added() -> None:
    """conv 3x3 x8 on 8x8x3 makes 6·6·8 = 288 elements: with its input 288 + 192 are live, 4 bytes each; it has
    3·3·3·8 + 8 = 224 weights and 36·216 = 7,776 MACs, the fc 288·10 = 2,880: 72.97 % and 27.03 %."""
    rows = table("input 8x8x3 | conv 3x3 x8 | fc 10", "--columns", "name,live,bytes,share,saved,flops,inputs")
    assert [list(row.values()) for row in rows[:4]] == [
        ["input1", "768", "0", "0.0", "0", "0", ""],
        ["conv1", "1920", "896", "72.973", "768", "15552", "input1"],
        ["flatten1", "1152", "0", "0.0", "0", "0", "conv1"],
        ["fc1", "1192", "11560", "27.027", "1152", "5760", "flatten1"],
    ]


def test_figures_of_a_block() -> None:
    """A block has the most that is live while one of its layers runs, and the sums of the others."""
    spec = "def unit(c) = conv 3x3 same x{c} | relu\ninput 8x8x3\nunit(8)\nfc 10"
    rows = {row["name"]: row for row in table(spec, "--columns", "name,live,bytes,share", "--depth", "1")}
    assert list(rows["unit1"].values()) == ["unit1", str(4 * 64 * (3 + 8)), "896", "72.973"]


@pytest.mark.parametrize(
    ("word", "key"),
    {
        "parameters": "params", "MACs": "macs", "output_shape": "output", "receptive_field": "field", "rf": "field",
        "saved_bytes": "saved", "backward_macs": "backward", "weight bytes": "bytes", "live bytes": "live",
        "input_shapes": "input", "madds": "macs",
    }.items(),
)  # fmt: skip
def test_words(word: str, key: str) -> None:
    """A column is found by its heading, by the key in JSON, and by what people call the figure."""
    assert find_column(word, COLUMNS).key == key


def test_every_heading_is_a_word() -> None:
    """What a table writes above a column finds it."""
    assert [column.key for column in COLUMNS.values() if find_column(column.heading, COLUMNS).key != column.key] == []


def test_letters() -> None:
    """Formulas have no share; a block has the most: 12·H·W bytes in, and 12·(H − 2)(W − 2) out."""
    rows = table("def b(c) = conv 3x3 x{c} | relu\ninput HxWx3\nb(3)", "--columns", "name,live,share", "--depth", "1")
    assert [list(row.values()) for row in rows] == [["input1", "12*H*W", ""], ["b1", "24*H*W - 24*H - 24*W + 48", ""]]
