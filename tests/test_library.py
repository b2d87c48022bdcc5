"""The library's face, as the README and its docstrings promise it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cnncalc
from cnncalc.cli import main

SPEC = "input 5x5x3 | conv 3x3 s1 valid x2"

#: By hand: 3·3·3·2 weights and 2 biases; 3·3 places · 27 products · 2 filters; 75 and 18 elements of 4 bytes.
#: Training: weights and gradients 2 · 224, and both tensors, 372.
OBJECT = {
    "schema": 2, "name": None, "layout": "channels_last", "batch": 1, "dtype": "float32", "convention": "torchvision",
    "layers": [
        {"index": 0, "name": "input1", "type": "input", "inputs": [], "input_shapes": [], "output_shape": [5, 5, 3],
         "params": 0, "frozen": 0, "buffers": 0, "macs": 0, "flops": 0, "backward_macs": 0, "activations": 75,
         "conv_activations": 0, "params_bytes": 0, "live_bytes": 300, "traffic_bytes": 0, "saved_bytes": 0,
         "receptive_field": {"size": [1, 1], "jump": [1, 1], "left": [0, 0]}, "implicit": False, "fields": {}},
        {"index": 1, "name": "conv1", "type": "conv", "inputs": ["input1"], "input_shapes": [[5, 5, 3]],
         "output_shape": [3, 3, 2], "params": 56, "frozen": 0, "buffers": 0, "macs": 486, "flops": 972,
         "backward_macs": 486, "activations": 18, "conv_activations": 18,
         # 300 bytes go in, 72 come out: with the weights' 224 they are moved.
         "params_bytes": 224, "live_bytes": 372, "traffic_bytes": 596, "saved_bytes": 300,
         "receptive_field": {"size": [3, 3], "jump": [1, 1], "left": [0, 0]}, "implicit": False,
         "fields": {"kernel": [3, 3], "stride": [1, 1], "padding": [[0, 0], [0, 0]], "padding_mode": "valid",
                    "dilation": [1, 1], "groups": 1, "filters": 2, "bias": True}},
    ],
    "outputs": ["conv1"],
    "totals": {"layers": 1, "params": 56, "frozen": 0, "buffers": 0, "macs": 486, "flops": 972, "backward_macs": 486,
               "activations": 18, "conv_activations": 18, "params_bytes": 224,
               "activation_bytes": {"sum": 372, "peak": 372, "peak_no_inplace": 372, "arena": 384},
               "peak_at": {"layer": "conv1", "tensors": {"input1": 300, "conv1": 72}},
               "traffic_bytes": 596,
               # Weights 224, gradients 224, and the input that conv1 keeps.
               "saved_bytes": 300, "training_bytes": 748},
    "warnings": [],
}  # fmt: skip


def test_object() -> None:
    """The object of a small network is this, its keys in this order."""
    got = cnncalc.analyze(SPEC).to_dict()
    assert got == OBJECT
    assert [list(got), list(got["layers"][1]), list(got["totals"])] == [
        list(OBJECT),
        list(OBJECT["layers"][1]),  # type: ignore[index]
        list(OBJECT["totals"]),  # type: ignore[call-overload]
    ]


def test_path(tmp_path: Path) -> None:
    """A path is a file."""
    (tmp_path / "net.cnn").write_text(SPEC, encoding="utf-8")
    assert cnncalc.analyze(tmp_path / "net.cnn").to_dict() == OBJECT


def test_graph() -> None:
    """What parse gives can be analyzed."""
    assert cnncalc.analyze(cnncalc.parse(SPEC)).to_dict() == OBJECT


@pytest.mark.parametrize("shape", ["32x32x3", (32, 32, 3), [32, 32, 3]])
def test_input(shape: object) -> None:
    """An input's shape is text or a sequence."""
    assert cnncalc.analyze("conv3x3s1p0:16,pool2", input=shape)["pool1"].output_shape == (15, 15, 16)


def test_batch() -> None:
    """A batch scales MACs, activations and their bytes, and leaves shapes and parameters."""
    one, eight = cnncalc.analyze(SPEC), cnncalc.analyze(SPEC, batch=8)
    assert (eight["conv1"].output_shape, eight.totals.params, eight.totals.params_bytes) == ((3, 3, 2), 56, 224)
    assert (eight.totals.macs, eight["conv1"].activations) == (8 * one.totals.macs, 8 * one["conv1"].activations)
    assert eight.totals.activation_bytes.peak == 8 * one.totals.activation_bytes.peak


def test_error() -> None:
    """What is wrong is a ValueError with its diagnostics; its text is the message."""
    with pytest.raises(ValueError, match=r"^error\[E101\]: unknown layer `cnov`\n") as caught:
        cnncalc.analyze("input 5x5x3 | cnov 3x3")
    assert isinstance(caught.value, cnncalc.SpecError)
    assert [(each.code, each.help) for each in caught.value.diagnostics] == [("E101", "write `conv`")]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"dtype": "float8"},
            "unknown dtype 'float8': one of float32, float16, bfloat16, int8, float64, uint8, int4, int16, int32, "
            "int64",
        ),
        (
            {"convention": "mine"},
            "unknown convention 'mine': one of torchvision, fvcore, ptflops, thop, onnx-tool, deepspeed, calflops",
        ),
        ({"optimizer": "lion"}, "unknown optimizer 'lion': one of sgd, momentum, adam"),
        ({"batch": 0}, "batch must be a whole number from 1 to 10^9 - 1, not 0"),
    ],
)
def test_option(options: dict[str, object], message: str) -> None:
    """An option that is not known is a ValueError that says what is."""
    with pytest.raises(ValueError, match=r"batch|unknown") as caught:
        cnncalc.analyze(SPEC, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message


def error_of(function: Callable[[str], object], text: str) -> cnncalc.SpecError:
    """The error that a function raises for a text."""
    with pytest.raises(cnncalc.SpecError) as caught:
        function(text)
    return caught.value


PUBLIC = [
    "Analysis", "Diagnostic", "Graph", "Node", "Options", "Result", "Row", "Shape", "SpecError", "Totals",
    "analyze", "from_torch", "load", "parse", "sweep",
]  # fmt: skip


def test_public() -> None:
    """What is public is listed, and nothing else."""
    assert [name for name in dir(cnncalc) if name != "__version__"] == PUBLIC == cnncalc.__all__
    assert [name for name in PUBLIC if not hasattr(cnncalc, name)] == []
    with pytest.raises(AttributeError, match="module 'cnncalc' has no attribute 'analyse'"):
        _ = cnncalc.analyse


def test_import_is_late() -> None:
    """The import of the library loads no module of it; a result is made without the report's."""
    code = (
        "import sys, cnncalc\n"
        "print(sorted(name for name in sys.modules if name.startswith('cnncalc')))\n"
        "cnncalc.analyze('input 5x5x3 | conv 3x3 x2')\n"
        "print(sorted(name for name in sys.modules if name.startswith(('cnncalc.report', 'pandas', 'rich'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['cnncalc']\n[]\n"


# -- one line of each ----------------------------------------------------------------------------------------


def test_repr() -> None:
    """The repr of a network, a row, a block, a graph, a node or a place is a line, whatever the network."""
    result = cnncalc.analyze("resnet50")
    node = result.graph.nodes[1]
    assert list(map(repr, (result, result[1], result.graph, node, node.origin.span))) == [  # type: ignore[union-attr]
        "<Result resnet50: 175 layers, params=25,557,032, macs=4,089,184,256, peak=7,225,344 bytes>",
        "<Row conv1: conv 7x7 s2 p3 x64 nobias, 112x112x64, params=9,408, macs=118,013,952>",
        "<Graph resnet50: 176 nodes>",
        "<Node conv1: conv 7x7 s2 p3 x64 nobias, 112x112x64>",
        "<Span resnet50:16:1 'conv 7x7 s2 p3 x64 nobias'>",
    ]
    assert max(len(repr(row)) for row in result) < 120


def test_repr_of_formulas() -> None:
    """Figures of letters are formulas there, and one that is not known is no number."""
    result = cnncalc.analyze("conv 3x3 s2 p1 x16 | pool 2", at={"C": 3})
    assert repr(result[1]) == (
        "<Row conv1: conv 3x3 s2 p1 x16, floor((H + 1)/2)xfloor((W + 1)/2)x16, params=448,"
        " macs=432*floor((H + 1)/2)*floor((W + 1)/2)>"
    )


def test_repr_is_printable() -> None:
    """A name cannot break the line, nor can a long text make it long."""
    graph = cnncalc.parse(SPEC)._replace(name="a\nb\x1b[31m")
    assert repr(graph) == "<Graph a b\N{REPLACEMENT CHARACTER}[31m: 2 nodes>"
    error = error_of(cnncalc.parse, "cnov " * 10_000)
    assert len(repr(error)) < 20_000


def test_indices() -> None:
    """A row is had by its name or its number, rows by a slice."""
    result = cnncalc.analyze(SPEC)
    assert (result[0].name, result[-1].name, result[-1] == result["conv1"]) == ("input1", "conv1", True)
    assert result[:1] == result.rows[:1]
    with pytest.raises(IndexError):
        result[2]


# -- forms of a result ---------------------------------------------------------------------------------------


def shown(*arguments: str) -> str:
    """What the command line shows."""
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    return done.stdout


@pytest.mark.parametrize("spec", [SPEC, "lenet5", "input HxWx3 | conv 5x5 s2 x8 | gap"])
def test_forms(spec: str) -> None:
    """Each form is what the command line writes; only how to give numbers is said in Python's words."""
    result = cnncalc.analyze(spec)
    printed = f"{result}\n".replace("`at={'H': 32, 'W': 32}`", "`--at H=32,W=32`").replace("`input=`", "`--input`")
    assert printed == shown(spec)
    assert result.to_csv() == shown(spec, "-f", "csv")
    assert result.to_markdown() == shown(spec, "-f", "markdown")
    assert result.to_latex() == shown(spec, "-f", "latex")
    assert result._repr_html_() == result.to_html()


def test_options_of_forms() -> None:
    """Columns, layout and depth are the command line's; columns may be a list."""
    result = cnncalc.analyze("resnet18")
    options = ("--columns", "name,output,macs", "--layout", "chw", "--depth", "1")
    for columns in ("name,output,macs", ["name", "output", "macs"]):
        assert result.to_csv(columns=columns, layout="chw", depth=1) == shown("resnet18", "-f", "csv", *options)
    assert "jump" in result.to_markdown(columns="+jump").splitlines()[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"columns": "nmae"}, "unknown column 'nmae': did you mean 'name'?"),
        ({"layout": "nchw"}, "unknown layout 'nchw': one of hwc, chw"),
        ({"depth": "1"}, "depth must be a whole number from 0, or 'all', not '1'"),
    ],
)
def test_option_of_a_form(options: dict[str, str], message: str) -> None:
    """An option that is not known is a ValueError that says what is."""
    with pytest.raises(ValueError, match=r"^unknown|^depth") as caught:
        cnncalc.analyze(SPEC).to_csv(**options)  # type: ignore[arg-type]
    assert str(caught.value) == message


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_print_on_a_terminal(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """On a terminal the table has its width, and the signs that can be written there."""

    class Terminal:
        def __init__(self) -> None:
            self.encoding = encoding

        def isatty(self) -> bool:
            return True

    expected = shown("lenet5", "--width", "70")
    result = cnncalc.analyze("lenet5")
    monkeypatch.setenv("COLUMNS", "70")
    monkeypatch.setattr(sys, "stdout", Terminal())
    text = str(result)
    monkeypatch.undo()
    if encoding == "utf-8":
        assert f"{text}\n" == expected
    else:
        assert text.isascii()
        assert [line.split()[0] for line in text.splitlines() if line[:1].isalpha()] == [
            line.split()[0] for line in expected.splitlines() if line[:1].isalpha()
        ]


@pytest.mark.parametrize("name", ["out.csv", "out.json", "out.md", "out.tex", "out.txt", "OUT.CSV", "out", "out.html"])
def test_save(tmp_path: Path, name: str) -> None:
    """A file has the format of its suffix, as the file of `-o` has."""
    cnncalc.analyze("lenet5").save(tmp_path / name)
    shown("lenet5", "-o", str(tmp_path / f"cli-{name}"))
    saved, expected = ((tmp_path / each).read_text(encoding="utf-8") for each in (name, f"cli-{name}"))
    assert saved == expected.replace("<title>cnncalc</title>", "<title>lenet5</title>")


def test_svg(tmp_path: Path) -> None:
    """A figure is that of the command `draw`, under the network's name or the file's."""
    result = cnncalc.analyze(SPEC)
    result.save(tmp_path / "small.svg", depth=1)
    saved = (tmp_path / "small.svg").read_text(encoding="utf-8")
    assert saved.replace("small", "network") == result.to_svg(depth=1)
    assert result.to_svg(style="flow", captions="all") != result.to_svg(style="flow", captions="none")
    with pytest.raises(ValueError, match="unknown style 'boxes': one of blocks, flow"):
        result.to_svg(style="boxes")


def test_save_the_network(tmp_path: Path) -> None:
    """A suffix of `export` writes the network itself, and `format` says what a suffix does not."""
    result = cnncalc.analyze(SPEC)
    result.save(tmp_path / "net.cnn")
    assert (tmp_path / "net.cnn").read_text(encoding="utf-8").endswith("input 5x5x3\nconv 3x3 x2\n")
    assert cnncalc.analyze(tmp_path / "net.cnn").totals == result.totals
    result.save(tmp_path / "net.py", format="pytorch")
    assert "nn.Conv2d(3, 2, 3)" in (tmp_path / "net.py").read_text(encoding="utf-8")
    result.save(tmp_path / "table.out", format="csv", columns="name,params")
    assert (tmp_path / "table.out").read_text(encoding="utf-8") == "name,params\ninput1,0\nconv1,56\n"


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("net.py", {}, '`.py` is the suffix of pytorch and keras: add format="pytorch" or format="keras"'),
        (
            "net.pdf",
            {},
            "the suffix of `net.pdf` says no format: add `format=`, or write to `.json`, `.csv`, `.md`, `.tex`, "
            "`.txt`, `.html`, `.svg`, `.onnx` or `.cnn`",
        ),
        (
            "net.csv",
            {"format": "excel"},
            "unknown format 'excel': one of json, csv, markdown, latex, table, html, svg, pytorch, keras, onnx, cnn",
        ),
        ("net.json", {"columns": "name"}, "`columns` has no effect in the format json"),
        ("net.json", {"layout": "chw"}, "`layout` has no effect in the format json"),
        ("net.cnn", {"depth": 1}, "`depth` has no effect in the format cnn"),
    ],
)
def test_save_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, options: dict[str, object], message: str
) -> None:
    """What cannot be saved is a ValueError, and no file is written."""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="format") as caught:
        cnncalc.analyze(SPEC).save(name, **options)  # type: ignore[arg-type]
    assert str(caught.value) == message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("find", [cnncalc.analyze, lambda spec: cnncalc.sweep(spec, over={"batch": [1, 2]})])
def test_no_pandas(find: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pandas there is no data frame, and the error says how to get it."""
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError) as caught:
        find(SPEC).to_dataframe()
    message = 'to_dataframe() needs pandas, which is not installed: pip install "cnncalc[pandas]"'
    assert (str(caught.value), caught.value.name) == (message, "pandas")


# -- what is given -------------------------------------------------------------------------------------------

LETS = "let w = 3\ninput 5x5x3 | conv 1x1 x{w}"


@pytest.mark.parametrize("name", ["var", "variables"])
def test_var(tmp_path: Path, name: str) -> None:
    """The lets of a spec may be given, under either name: a filter of 1x1 on 3 channels has 4 numbers."""
    (tmp_path / "net.cnn").write_text(LETS, encoding="utf-8")
    given: dict[str, object] = {name: {"w": 5}}
    assert cnncalc.analyze(LETS, **given).totals.params == 5 * 4  # type: ignore[arg-type]
    assert cnncalc.parse(LETS, **given).nodes[1].shape.channels == 5  # type: ignore[arg-type]
    assert cnncalc.load(tmp_path / "net.cnn", **given).nodes[1].shape.channels == 5  # type: ignore[arg-type]


def test_both_names() -> None:
    """One of two names is enough."""
    with pytest.raises(ValueError, match=r"^`var` and `variables` are the same: give one of them\Z"):
        cnncalc.analyze(LETS, var={"w": 1}, variables={"w": 1})
    with pytest.raises(ValueError, match=r"^`dim` and `dims` are the same: give one of them\Z"):
        cnncalc.load("net.onnx", dim={"N": 1}, dims={"N": 1})


def test_no_mapping() -> None:
    """What is no mapping is a TypeError that shows one."""
    with pytest.raises(
        TypeError, match=r"^`var` is a mapping of names to numbers, as in var=\{'width': 64\}, not 'w=3'$"
    ):
        cnncalc.analyze(LETS, var="w=3")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^a spec is a str, not PosixPath: give a path to load\(\) or analyze\(\)$"):
        cnncalc.parse(Path("net.cnn").absolute())  # type: ignore[arg-type]


FILE = """\
error[E010]: `{0}` is neither a spec nor the name of a network
 --> <spec>:1:1
  |
1 | {0}
  | {1} a str is the text of a spec
  = note: {2}
  = help: for the file, give a path: `pathlib.Path('{3}')`"""


@pytest.mark.parametrize("name", ["net.cnn", "my net.yaml", "net", "folder/net.cnn", "net.onnx"])
def test_name_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """A str that is the name of a file is an error that says to give a path, which then works."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / name).write_text("input: 5x5x3\nlayers: [relu]" if name.endswith(".yaml") else SPEC, encoding="utf-8")
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze(name)
    assert str(caught.value) == FILE.format(name, "^" * len(name), "there is a file of that name", name)
    if not name.endswith(".onnx"):
        assert cnncalc.analyze(Path(name)).totals.layers == 1


def test_name_of_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with the suffix of a file is meant as one, and may be mistyped."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lenet.cnn").write_text(SPEC, encoding="utf-8")
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze("lenett.cnn")
    assert str(caught.value) == FILE.format("lenett.cnn", "^" * 10, "there is no file of that name here", "lenet.cnn")


def test_text_before_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is a spec or a network is read as such, whatever files there are, and its own errors are told."""
    monkeypatch.chdir(tmp_path)
    for name in ("lenet5", "relu"):
        (tmp_path / name).write_text("nothing", encoding="utf-8")
    assert cnncalc.analyze("lenet5").totals.params == 61_706
    assert cnncalc.analyze("relu").totals.layers == 1
    with pytest.raises(cnncalc.SpecError, match=r"^error\[E2"):
        cnncalc.analyze("lenet5", input="2x2x1")


# -- errors in notebooks -------------------------------------------------------------------------------------


def test_rendered_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """In place of a traceback there are the user's own lines, the layers before the error, and the message."""
    monkeypatch.setenv("NO_COLOR", "1")
    error = error_of(cnncalc.analyze, "input 3x3x3 | conv 3x3 x8 | conv 3x3 x8")
    shown = error._render_traceback_()
    at = shown.index("")
    assert shown[at - 1].startswith(f"File {__file__}, line ")
    assert shown[at - 1].endswith(" in error_of: function(text)")
    assert shown[at + 1 : at + 7] == [
        "name    layer        output  parameters               MACs               field",
        "──────────────────────────────────────────────────────────────────────────────",
        "input1  input 3x3x3  3x3x3                                               1",
        "conv1   conv 3x3 x8  1x1x8          224 ████████████   216 ████████████  3",
        "conv2   conv 3x3 x8  ✗",
        "",
    ]
    assert "\n".join(shown[at + 7 :]) == str(error)


def test_rendered_in_colour(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has colour, but no red: notebooks show errors on red."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    error = error_of(cnncalc.parse, "input 3x3x3 | cnov 3x3 x8")
    text = "\n".join(error._render_traceback_())
    assert "\x1b[1m" in text
    assert "31m" not in text


def test_error_as_html() -> None:
    """As a value, an error is HTML with the layers before it."""
    error = error_of(cnncalc.parse, "input 3x3x3 | conv 3x3 x8 | conv 3x3 x8")
    assert error._repr_html_().count("<tr") == 4
    assert '<pre class="diagnostics"><span class="error">error[E201]</span>' in error._repr_html_()


def test_error_of_no_library_function() -> None:
    """An error that comes from elsewhere shows its text."""
    from cnncalc.sources import parse_shape

    error = error_of(parse_shape, "")
    assert error._render_traceback_() == str(error).split("\n")
    assert error._repr_html_() is None


def test_unknown_row() -> None:
    """A row that is not there is a KeyError with the nearest name."""
    with pytest.raises(KeyError, match="did you mean 'conv1'"):
        cnncalc.analyze(SPEC)["conv"]


def test_frozen() -> None:
    """A layer cannot be changed."""
    with pytest.raises(AttributeError, match="frozen"):
        cnncalc.analyze(SPEC)["conv1"].node.layer.kernel = (5, 5)  # type: ignore[attr-defined]
