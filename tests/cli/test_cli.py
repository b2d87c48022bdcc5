"""The command line: what goes in, what comes out on which stream, and the exit status."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import stat
import subprocess
import sys
from pathlib import Path

import pytest

import cnncalc

CARD = "input 5x5x3 | conv 3x3 s1 valid x2"
SMALL = "input 5x5x3 | conv 3x3 s1 valid x2 | bn | fc 10"
WRONG = "input 5x5x3 | conv 3x3 x8 | conv 9x9 x8"

posix = pytest.mark.skipif(os.name != "posix", reason="for POSIX systems")
no_root = pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")


class Done:
    """How a run ended: its status, and what it wrote on each stream."""

    def __init__(self, status: int, output: bytes, errors: bytes) -> None:
        self.status, self.output, self.errors = status, output.decode(), errors.decode()

    @property
    def all(self) -> tuple[int, str, str]:
        return self.status, self.output, self.errors


def environment(**more: str) -> dict[str, str]:
    """The environment without what would change the looks, and with what a test adds."""
    apart = ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "TERM", "PYTHONIOENCODING")
    kept = {name: value for name, value in os.environ.items() if name not in apart}
    # UTF-8 whatever the locale of the machine.
    return {**kept, "PYTHONIOENCODING": "utf-8", "TERM": "xterm", **more}


def cnncalc_run(*arguments: str, stdin: bytes = b"", cwd: Path | None = None, **env: str) -> Done:
    """`python -m cnncalc` with its streams piped."""
    command = [sys.executable, "-m", "cnncalc", *arguments]
    done = subprocess.run(command, input=stdin, cwd=cwd, env=environment(**env), capture_output=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


def cells(line: str) -> list[str]:
    """The cells of a line of the table, bars left out."""
    return re.split(r" {2,}", re.sub(r" [#█▏▎▍▌▋▊▉▁▂▃▄▅▆▇]+(?= |$)", "", line.strip()))


# -- what is calculated ------------------------------------------------------------------------------------


def test_a_spec_with_words_apart() -> None:
    """A spec on the command line gives a table, whose footer sums it up."""
    done = cnncalc_run(CARD)

    heading, _, first, second, *_ = done.output.split("\n")
    assert cells(heading) == ["name", "layer", "output", "parameters", "MACs", "field"]
    assert cells(first) == ["input1", "input 5x5x3", "5x5x3", "1"]
    assert cells(second) == ["conv1", "conv 3x3 x2", "3x3x2", "56", "486", "3"]
    assert re.search(r"^total +56 +486$", done.output, re.MULTILINE)
    assert (done.status, done.errors) == (0, "")


def test_a_spec_of_glued_words() -> None:
    """A glued spec takes its input from the option."""
    done = cnncalc_run("conv3x3s1p0:16,pool2", "--input", "32x32x3", "-f", "csv", "--columns", "name,output,params")

    assert done.all == (0, "name,output,params\ninput1,32x32x3,0\nconv1,30x30x16,448\npool1,15x15x16,0\n", "")


def test_the_command_may_be_named() -> None:
    """`cnncalc calc SPEC` is what `cnncalc SPEC` does."""
    assert cnncalc_run("calc", CARD).all == cnncalc_run(CARD).all


def test_a_file(tmp_path: Path) -> None:
    """A file gives what its text gives."""
    (tmp_path / "net.cnn").write_text("# two layers\ninput 5x5x3\nconv 3x3 s1 valid x2\n")

    assert cnncalc_run("net.cnn", cwd=tmp_path).all == cnncalc_run(CARD).all


def test_a_file_of_windows(tmp_path: Path) -> None:
    """A byte order mark and carriage returns change nothing."""
    (tmp_path / "net.cnn").write_bytes(b"\xef\xbb\xbfinput 5x5x3\r\nconv 3x3 s1 valid x2\r\n")

    assert cnncalc_run("net.cnn", cwd=tmp_path).all == cnncalc_run(CARD).all


def test_standard_input() -> None:
    """`-` reads standard input."""
    assert cnncalc_run("-", stdin=b"input 5x5x3\nconv 3x3 s1 valid x2\n").all == cnncalc_run(CARD).all


def test_input_overrides() -> None:
    """`--input` speaks for the input that the spec has."""
    done = cnncalc_run(CARD, "--input", "9x7x1", "-f", "csv", "--columns", "output")

    assert done.output == "output\n9x7x1\n7x5x2\n"


def test_variables() -> None:
    """`--var` overrides a let, by an expression too."""
    done = cnncalc_run("let w = 2\ninput 5 | fc {w}", "--var", "w=2*8", "-f", "csv", "--columns", "layer")

    assert done.output == "layer\ninput 5\nfc 16\n"


def test_batch() -> None:
    """`--batch` multiplies MACs and activations, not shapes or parameters."""
    done = cnncalc_run(CARD, "--batch", "8", "-f", "csv", "--columns", "output,params,macs,activations")

    assert done.output == "output,params,macs,activations\n5x5x3,0,0,600\n3x3x2,56,3888,144\n"


def test_dtype() -> None:
    """`--dtype` sets the bytes of a number."""
    totals = [json.loads(cnncalc_run(CARD, "-f", "json", "--dtype", dtype).output)["totals"] for dtype in DTYPES]

    assert [total["params_bytes"] for total in totals] == [56 * size for size in DTYPES.values()]


DTYPES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int8": 1}


# -- formats ---------------------------------------------------------------------------------------------------

CSV = """\
name,type,layer,inputs,input,output,params,buffers,macs,flops,activations,field,jump,left,implicit
input1,input,input 5x5x3,,,5x5x3,0,0,0,0,75,1,1,0,false
conv1,conv,conv 3x3 x2,input1,5x5x3,3x3x2,56,0,486,972,18,3,1,0,false
bn1,bn,bn,conv1,3x3x2,3x3x2,4,4,0,0,18,3,1,0,false
flatten1,flatten,flatten,bn1,3x3x2,18,0,0,0,0,18,all,1,0,true
fc1,fc,fc 10,flatten1,18,10,190,0,180,360,10,all,1,0,false
"""

MARKDOWN = """\
| name | layer | output | parameters | MACs | field |
| --- | --- | --- | ---: | ---: | --- |
| input1 | input 5x5x3 | 5x5x3 | 0 | 0 | 1 |
| conv1 | conv 3x3 x2 | 3x3x2 | 56 | 486 | 3 |
| bn1 | bn | 3x3x2 | 4 | 0 | 3 |
| flatten1 | flatten | 18 | 0 | 0 | all |
| fc1 | fc 10 | 10 | 190 | 180 | all |
| **total** |  |  | **250** | **666** |  |
"""

CARD_JSON = {
    "schema": 1,
    "name": None,
    "layout": "channels_last",
    "batch": 1,
    "dtype": "float32",
    "convention": "torchvision",
    "layers": [
        {
            "index": 0,
            "name": "input1",
            "type": "input",
            "inputs": [],
            "input_shapes": [],
            "output_shape": [5, 5, 3],
            "params": 0,
            "buffers": 0,
            "macs": 0,
            "flops": 0,
            "activations": 75,
            "receptive_field": {"size": [1, 1], "jump": [1, 1], "left": [0, 0]},
            "implicit": False,
            "fields": {},
        },
        {
            "index": 1,
            "name": "conv1",
            "type": "conv",
            "inputs": ["input1"],
            "input_shapes": [[5, 5, 3]],
            "output_shape": [3, 3, 2],
            "params": 56,  # 3·3·3·2 weights, 2 biases
            "buffers": 0,
            "macs": 486,  # 3·3 places · 3·3·3 products · 2 filters
            "flops": 972,
            "activations": 18,
            "receptive_field": {"size": [3, 3], "jump": [1, 1], "left": [0, 0]},
            "implicit": False,
            "fields": {
                "kernel": [3, 3],
                "stride": [1, 1],
                "padding": [[0, 0], [0, 0]],
                "padding_mode": "valid",
                "dilation": [1, 1],
                "groups": 1,
                "filters": 2,
                "bias": True,
            },
        },
    ],
    "outputs": ["conv1"],
    "totals": {
        "layers": 1,
        "params": 56,
        "buffers": 0,
        "macs": 486,
        "flops": 972,
        "activations": 18,
        "params_bytes": 224,
        # 75 + 18 elements of 4 bytes; in the arena each tensor begins at a multiple of 16: 304 + 72, to 384.
        "activation_bytes": {"sum": 372, "peak": 372, "peak_no_inplace": 372, "arena": 384},
        "peak_at": {"layer": "conv1", "tensors": {"input1": 300, "conv1": 72}},
        "training_bytes": 820,  # weights 224, gradients 224, feature maps 372
    },
    "warnings": [],
}


def test_csv() -> None:
    """CSV has every column, raw integers and no totals."""
    assert cnncalc_run(SMALL, "-f", "csv").all == (0, CSV, "")


def test_markdown() -> None:
    """Markdown has the table's columns and a row of totals."""
    assert cnncalc_run(SMALL, "-f", "markdown").all == (0, MARKDOWN, "")


def test_json() -> None:
    """JSON is the object of FIGURES, two-space indent, keys in order, a final newline."""
    done = cnncalc_run(CARD, "-f", "json")

    assert (done.status, done.output, done.errors) == (0, json.dumps(CARD_JSON, indent=2) + "\n", "")


def test_formats_agree() -> None:
    """The same figures stand in every format, and the library's are those too."""
    found = json.loads(cnncalc_run(SMALL, "-f", "json").output)
    rows = list(csv.DictReader(io.StringIO(cnncalc_run(SMALL, "-f", "csv").output)))

    assert found == cnncalc.analyze(SMALL).to_dict()
    for key in ("params", "macs"):
        assert [layer[key] for layer in found["layers"]] == [int(row[key]) for row in rows]
        assert sum(int(row[key]) for row in rows) == found["totals"][key]


def test_csv_quotes_what_it_must() -> None:
    """A CSV reader gets back what stood in a cell, commas and all."""
    spec = "input 8x8x4 as x | add(relu ; bn) | concat( ; @x)"
    rows = list(csv.DictReader(io.StringIO(cnncalc_run(spec, "-f", "csv").output)))

    assert [row["inputs"] for row in rows] == ["", "x", "x", "relu1 bn1", "add1 x"]


def test_layout() -> None:
    """`--layout chw` turns the shapes of a table, and JSON stays as it is."""
    done = cnncalc_run(SMALL, "--layout", "chw", "-f", "csv", "--columns", "input,output")

    assert done.output == "input,output\n,3x5x5\n3x5x5,2x3x3\n2x3x3,2x3x3\n2x3x3,18\n18,10\n"
    assert cnncalc_run(CARD, "--layout", "chw", "-f", "json").output == cnncalc_run(CARD, "-f", "json").output


@pytest.mark.parametrize(
    ("columns", "heading"),
    [
        ("name,params", ["name", "parameters"]),
        ("params, NAME", ["parameters", "name"]),
        ("+flops", ["name", "layer", "output", "parameters", "MACs", "field", "FLOPs"]),
        ("+jump,left", ["name", "layer", "output", "parameters", "MACs", "field", "jump", "left"]),
    ],
)
def test_columns(columns: str, heading: list[str]) -> None:
    """`--columns` chooses, in its order; with a plus it adds."""
    assert cells(cnncalc_run(CARD, "--columns", columns).output.split("\n")[0]) == heading


def test_all_columns() -> None:
    """`--columns all` is every column that CSV has."""
    assert len(cells(cnncalc_run(CARD, "--columns", "all").output.split("\n")[0])) == CSV.split("\n")[0].count(",") + 1


def test_depth() -> None:
    """`--depth 1` collapses blocks to a row each; the totals stay."""
    spec = "def b(c) = conv 3x3 same x{c} | relu\ninput 8x8x3 | b(4) * 2 | fc 10"
    rows = list(csv.DictReader(io.StringIO(cnncalc_run(spec, "-f", "csv", "--depth", "1").output)))

    assert [row["name"] for row in rows] == ["input1", "b1", "b2", "flatten1", "fc1"]
    assert sum(int(row["params"]) for row in rows) == cnncalc.analyze(spec).totals.params


# -- files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["table", "json", "csv", "markdown"])
def test_output_to_a_file(tmp_path: Path, form: str) -> None:
    """`-o` writes the file and nothing else, as the pipe would have it."""
    done = cnncalc_run(SMALL, "-f", form, "-o", "out", cwd=tmp_path)

    assert done.all == (0, "", "")
    assert (tmp_path / "out").read_text("utf-8") == cnncalc_run(SMALL, "-f", form).output
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_output_to_a_dash() -> None:
    """`-o -` is standard output."""
    assert cnncalc_run(CARD, "-o", "-").all == cnncalc_run(CARD).all


def test_an_error_leaves_the_old_file(tmp_path: Path) -> None:
    """Where the spec is wrong, the file stays as it was, with nothing beside it."""
    (tmp_path / "out").write_text("old")

    assert cnncalc_run(WRONG, "-o", "out", cwd=tmp_path).status == 1
    assert (tmp_path / "out").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


@posix
def test_a_file_keeps_its_mode(tmp_path: Path) -> None:
    """A file that is written anew keeps its permissions; a new one gets the usual ones."""
    out = tmp_path / "out"
    out.write_text("old")
    out.chmod(0o640)
    cnncalc_run(CARD, "-o", str(out))
    cnncalc_run(CARD, "-o", str(tmp_path / "new"))
    (tmp_path / "plain").write_text("")

    assert stat.S_IMODE(out.stat().st_mode) == 0o640
    assert (tmp_path / "new").stat().st_mode == (tmp_path / "plain").stat().st_mode


@posix
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Written through a link, the file behind it changes."""
    (tmp_path / "target").write_text("old")
    (tmp_path / "link").symlink_to("target")
    cnncalc_run(CARD, "-f", "csv", "-o", "link", cwd=tmp_path)

    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "target").read_text().startswith("name,type")


@pytest.mark.parametrize(
    ("path", "reason"),
    [("nowhere/out", "no such file or directory"), (".", "is a directory")],
    ids=["missing", "folder"],
)
def test_a_file_that_cannot_be_written(tmp_path: Path, path: str, reason: str) -> None:
    """Where the file cannot be written, one line says which and why."""
    done = cnncalc_run(CARD, "-o", path, cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(rf"Error: cannot write `.*{re.escape(path)}`: {reason}\n", done.errors)


@no_root
def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    """A folder without permission gives a clear error."""
    tmp_path.chmod(0o500)
    done = cnncalc_run(CARD, "-o", str(tmp_path / "out"))
    tmp_path.chmod(0o700)

    assert (done.status, done.errors) == (1, f"Error: cannot write `{tmp_path / 'out'}`: permission denied\n")


@posix
def test_a_full_device() -> None:
    """A device is written to, not replaced, and where it is full that is said."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")

    assert cnncalc_run(CARD, "-o", "/dev/full").all == (
        1,
        "",
        "Error: cannot write `/dev/full`: no space left on device\n",
    )
    assert cnncalc_run(CARD, "-o", "/dev/null").all == (0, "", "")


@posix
def test_a_full_disk_behind_standard_output() -> None:
    """Where standard output takes no more, one line says so."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full")
    with open("/dev/full", "wb") as full:
        command = [sys.executable, "-m", "cnncalc", CARD]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=environment(), check=False)

    assert done.returncode == 1
    assert b"Traceback" not in done.stderr
    assert b"no space left on device" in done.stderr.lower()


# -- what cannot be read ------------------------------------------------------------------------------------


def first_lines(done: Done) -> str:
    return "\n".join(done.errors.split("\n")[:2])


def test_a_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named, and the one that was likely meant."""
    (tmp_path / "lenet.cnn").write_text("input 5")
    done = cnncalc_run("lenett.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `lenett.cnn`\n +(= |)there is no such file", first_lines(done))
    assert "help: write `lenet.cnn`" in done.errors


def test_a_missing_file_in_a_folder(tmp_path: Path) -> None:
    """The likely file is named with its folder."""
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "lenet.cnn").write_text("input 5")

    assert f"write `{os.path.join('nets', 'lenet.cnn')}`" in cnncalc_run("nets/lenett.cnn", cwd=tmp_path).errors


def test_a_missing_folder(tmp_path: Path) -> None:
    """A folder that is not there is no crash."""
    done = cnncalc_run("a/b/c.cnn", cwd=tmp_path)

    assert re.fullmatch(r"error\[E010\]: cannot read `a/b/c.cnn`\n +(= |)there is no such file", first_lines(done))


def test_a_folder(tmp_path: Path) -> None:
    """A folder is told apart from a file."""
    done = cnncalc_run(".", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `.`\n +(= |)it is a directory", first_lines(done))
    assert done.errors.count("E010") == 1


@posix
def test_a_pipe_with_a_name(tmp_path: Path) -> None:
    """A pipe that no one writes to is not waited for."""
    os.mkfifo(tmp_path / "pipe")
    done = cnncalc_run("pipe", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert re.fullmatch(r"error\[E010\]: cannot read `pipe`\n +(= |)it is not a regular file", first_lines(done))
    assert done.errors.count("E010") == 1


@no_root
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    """A file without permission is told apart from one that is not there."""
    (tmp_path / "net.cnn").write_text("input 5")
    (tmp_path / "net.cnn").chmod(0)
    done = cnncalc_run("net.cnn", cwd=tmp_path)

    assert re.fullmatch(r"error\[E010\]: cannot read `net.cnn`\n +(= |)permission denied", first_lines(done))


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    """A binary file is refused at its first byte that is no text."""
    (tmp_path / "net.cnn").write_bytes(b"input 5\n\x89PNG\xff\xfe")
    done = cnncalc_run("net.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E006]: the spec has bytes that are not UTF-8 in it\n --> net.cnn:2:1\n")


def test_a_file_that_is_too_large(tmp_path: Path) -> None:
    """A file beyond any spec is not read to its end."""
    (tmp_path / "net.cnn").write_bytes(b"#" * (5 << 20))
    done = cnncalc_run("net.cnn", cwd=tmp_path)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E005]: `net.cnn` is too large\n")


def test_an_error_names_its_file(tmp_path: Path) -> None:
    """A message shows the file, the line and the column."""
    (tmp_path / "net.cnn").write_text("input 5x5x3\ncnov 3x3 x8\n")
    done = cnncalc_run("net.cnn", cwd=tmp_path)

    assert done.all == (
        1,
        "",
        "error[E101]: unknown layer `cnov`\n"
        " --> net.cnn:2:1\n"
        "  |\n"
        "2 | cnov 3x3 x8\n"
        "  | ^^^^ not a layer word\n"
        "  = help: write `conv`\n",
    )


# -- errors and exit statuses ----------------------------------------------------------------------------------


def test_a_table_up_to_the_error() -> None:
    """A shape error comes with the table of the layers before it, the failing one marked, on standard error."""
    done = cnncalc_run(WRONG)
    heading, _, first, second, third, blank, headline, *_ = done.errors.split("\n")

    assert (done.status, done.output, blank) == (1, "", "")
    assert cells(heading) == ["name", "layer", "output", "parameters", "MACs", "field"]
    assert [cells(line)[0] for line in (first, second)] == ["input1", "conv1"]
    assert cells(third) == ["conv2", "conv 9x9 x8", "✗"]
    assert headline == "error[E201]: output of `conv2` would be empty"


def test_errors_in_json() -> None:
    """In JSON mode standard error gets one object, and standard output nothing."""
    done = cnncalc_run(WRONG, "-f", "json")

    assert (done.status, done.output) == (1, "")
    assert json.loads(done.errors) == {
        "errors": [
            {
                "code": "E201",
                "message": "output of `conv2` would be empty: window 9 does not fit in 3",
                "source": "<spec>",
                "line": 1,
                "column": 29,
                "end_column": 40,
                "layer": "conv2",
                "notes": [
                    "height: floor((3 + 0 + 0 - 9) / 1) + 1 = -5",
                    "shapes so far: 5x5x3 -> 3x3x8",
                ],
                "help": "add `same` or `p3`, or remove this layer",
            }
        ]
    }


def test_errors_without_a_place_in_json(tmp_path: Path) -> None:
    """An error of a file has no line, and JSON says so."""
    (found,) = json.loads(cnncalc_run("nothing.cnn", "-f", "json", cwd=tmp_path).errors)["errors"]

    assert (found["code"], found["line"], found["column"], found["layer"]) == ("E010", None, None, None)


@pytest.mark.parametrize("form", ["csv", "markdown"])
def test_errors_in_other_formats(form: str) -> None:
    """Nothing goes to standard output where the spec is wrong."""
    done = cnncalc_run(WRONG, "-f", form)

    assert (done.status, done.output) == (1, "")
    assert done.errors.startswith("error[E201]")


def test_several_errors() -> None:
    """Several errors are shown in the order of the spec, a blank line between them."""
    done = cnncalc_run("input 5x5x3 | cnov 3 | relu7")

    assert re.findall(r"^error\[(\w+)\]", done.errors, re.MULTILINE) == ["E101", "E102"]
    assert done.errors.count("\n\n") == 1


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ((CARD,), 0),
        ((), 0),
        (("--help",), 0),
        (("calc", "--help"), 0),
        (("--version",), 0),
        (("input 5x5x3 | cnov",), 1),
        ((WRONG,), 1),
        (("nothing.cnn",), 1),
        (("",), 1),
        ((CARD, "--input", "5x5x"), 1),
        ((CARD, "--var", "w=3"), 1),
        ((CARD, "more"), 2),
        ((CARD, "--bogus"), 2),
        ((CARD, "-f", "xml"), 2),
        ((CARD, "--batch", "0"), 2),
        ((CARD, "--batch", "x"), 2),
        ((CARD, "--dtype", "float8"), 2),
        ((CARD, "--columns", "nmae"), 2),
        ((CARD, "--columns", ""), 2),
        ((CARD, "--layout", "nhwc"), 2),
        ((CARD, "--width", "5"), 2),
        ((CARD, "--depth", "-1"), 2),
        ((CARD, "--var", "w"), 2),
        ((CARD, "--var", "w=1/0"), 2),
        ((CARD, "--color", "green"), 2),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else str(value),
)
def test_exit_status(arguments: tuple[str, ...], status: int) -> None:
    """0 is fine, 1 a wrong spec or file, 2 a wrong command line; what is wrong stands on standard error alone."""
    done = cnncalc_run(*arguments)

    assert done.status == status
    assert (done.output == "", done.errors == "") == (status != 0, status == 0)
    assert "Traceback" not in done.errors


def test_a_column_that_was_meant() -> None:
    """An unknown column is refused with the nearest one."""
    assert "unknown column 'nmae': did you mean 'name'?" in cnncalc_run(CARD, "--columns", "nmae").errors


def test_version() -> None:
    """`--version` prints the name and the version."""
    assert cnncalc_run("--version").all == (0, f"cnncalc {cnncalc.__version__}\n", "")


@pytest.mark.parametrize("arguments", [(), ("-h",), ("--help",)], ids=["nothing", "-h", "--help"])
def test_help(arguments: tuple[str, ...]) -> None:
    """Help shows how a spec looks, and lists the commands."""
    done = cnncalc_run(*arguments)

    assert done.output.startswith("Usage: cnncalc [OPTIONS] SPEC | COMMAND ...\n")
    assert f'cnncalc "{CARD}"' in done.output
    assert re.search(r"^  calc +Calculate a network", done.output, re.MULTILINE)


def test_every_option_is_explained() -> None:
    """The help of calc names each option with a sentence."""
    text = cnncalc_run("calc", "--help").output
    named = re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.MULTILINE)

    assert {"--input", "--var", "--batch", "--dtype", "--format", "--output", "--columns", "--layout"} <= set(named)
    assert all(len(line) <= 80 for line in text.split("\n"))


# -- looks -----------------------------------------------------------------------------------------------------

ESCAPE = "\x1b["


def test_no_colour_in_a_pipe() -> None:
    """What is piped has no colour, results and errors alike."""
    assert ESCAPE not in cnncalc_run(SMALL).output + cnncalc_run(WRONG).errors


def test_colour_always() -> None:
    """`--color always` colours a pipe, and takes nothing away."""
    plain, coloured = cnncalc_run(SMALL), cnncalc_run(SMALL, "--color", "always", NO_COLOR="1")
    wrong, red = cnncalc_run(WRONG), cnncalc_run(WRONG, "--color", "always")

    assert ESCAPE in coloured.output
    assert ESCAPE in red.errors
    assert [line.rstrip() for line in without_colour(coloured.output).split("\n")] == plain.output.split("\n")
    assert [line.rstrip() for line in without_colour(red.errors).split("\n")] == wrong.errors.split("\n")


def without_colour(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@pytest.mark.parametrize("form", ["json", "csv", "markdown"])
def test_no_colour_for_programs(form: str) -> None:
    """`--color always` leaves the formats for programs alone."""
    assert cnncalc_run(SMALL, "-f", form, "--color", "always").output == cnncalc_run(SMALL, "-f", form).output


def test_ascii() -> None:
    """Where the stream has no more than ASCII, the table and the errors are in ASCII."""
    spec = "input 8x8x4 | add(conv 3x3 same x4 | relu ; ) | fc 10"
    table = cnncalc_run(spec, PYTHONIOENCODING="ascii")
    error = cnncalc_run(WRONG, PYTHONIOENCODING="ascii")

    assert table.output.isascii()
    assert error.errors.isascii()
    assert "?" not in table.output + error.errors
    assert [line.split()[-1] for line in table.output.split("\n")[2:7]] == ["1", "3", "3", "3", "all"]


@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_width(width: int) -> None:
    """`--width` is kept to by a table whose numbers fit."""
    assert all(len(line) <= width for line in cnncalc_run(SMALL, "--width", str(width)).output.split("\n"))


@posix
def test_a_reader_that_leaves(tmp_path: Path) -> None:
    """Whoever reads only the first line causes no complaint."""
    (tmp_path / "net.cnn").write_text("input 5x5x3\n" + "relu\n" * 5000)
    command = [sys.executable, "-m", "cnncalc", "net.cnn"]
    with subprocess.Popen(
        command, cwd=tmp_path, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        assert running.stdout.readline().split()[:2] == [b"name", b"layer"]
        running.stdout.close()
        assert running.stderr.read() == b""


@posix
@pytest.mark.parametrize("stream", ["0<&-", "1>&-", "2>&-"])
def test_a_closed_stream(stream: str) -> None:
    """A stream that is closed is no cause for a traceback."""
    command = f'"{sys.executable}" -m cnncalc {"-" if stream[0] == "0" else f"{CARD!r}"} {stream}'
    done = subprocess.run(["sh", "-c", command], env=environment(), capture_output=True, check=False)

    assert b"Traceback" not in done.stderr
    assert done.returncode in (0, 1)


# -- at a terminal ---------------------------------------------------------------------------------------------


def at_terminal(*arguments: str, columns: int = 80, env: dict[str, str] | None = None) -> tuple[int, str]:
    """The status of a run at a terminal of that many columns, and what the terminal shows."""
    import fcntl
    import pty
    import struct
    import termios

    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    command = [sys.executable, "-m", "cnncalc", *arguments]
    with subprocess.Popen(
        command, env=environment(**env or {}), stdin=follower, stdout=follower, stderr=follower, close_fds=True
    ) as running:
        os.close(follower)
        shown = b""
        while True:
            try:
                part = os.read(leader, 65536)
            except OSError:  # Linux: the other end is closed
                break
            if not part:
                break
            shown += part
        os.close(leader)
    return running.returncode, shown.decode().replace("\r\n", "\n")


@posix
@pytest.mark.parametrize("columns", [60, 80, 120])
def test_a_terminal(columns: int) -> None:
    """At a terminal the table is coloured, and no wider than it."""
    status, shown = at_terminal(SMALL, columns=columns)

    assert status == 0
    assert ESCAPE in shown
    assert max(len(line) for line in without_colour(shown).split("\n")) <= columns


@posix
@pytest.mark.parametrize(
    ("arguments", "env"),
    [((), {"NO_COLOR": "1"}), ((), {"TERM": "dumb"}), (("--color", "never"), {})],
    ids=["NO_COLOR", "dumb", "never"],
)
def test_a_terminal_without_colour(arguments: tuple[str, ...], env: dict[str, str]) -> None:
    """Who wants no colour has none, results and errors alike."""
    assert ESCAPE not in at_terminal(SMALL, *arguments, env=env)[1]
    assert ESCAPE not in at_terminal(WRONG, *arguments, env=env)[1]


@posix
def test_an_empty_no_color() -> None:
    """An empty NO_COLOR asks for nothing (no-color.org)."""
    assert ESCAPE in at_terminal(SMALL, env={"NO_COLOR": ""})[1]


@posix
def test_an_error_at_a_terminal() -> None:
    """An error at a narrow terminal keeps its caret below what it marks, and is not wrapped."""
    spec = "input 5x5x3 | " + "relu | " * 20 + "cnov 3x3 x4 | " + "relu | " * 20 + "bn"
    status, shown = at_terminal(spec, columns=50)
    _, _, _, excerpt, caret, *_ = without_colour(shown).split("\n")

    assert status == 1
    assert len(excerpt) <= 50
    assert excerpt[caret.index("^") : caret.rindex("^") + 1] == "cnov"


@posix
def test_standard_input_at_a_terminal_piped_out() -> None:
    """A long line of a table is not wrapped in a pipe, whatever COLUMNS says."""
    assert cnncalc_run(SMALL, COLUMNS="20").output == cnncalc_run(SMALL).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("fromat", "net.cnn"), "No such command 'fromat': did you mean 'format'?"),
        (("input", "5x5x3"), "No such command 'input': a spec of several words needs quotes."),
    ],
)
def test_a_mistyped_command(arguments: tuple[str, ...], message: str) -> None:
    """A word in a command's place that is none gets the nearest command, or the reason."""
    done = cnncalc_run(*arguments)

    assert (done.status, done.output, done.errors.rstrip()) == (2, "", f"Error: {message}")
