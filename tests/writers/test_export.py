"""What holds for all writers, with no framework installed: every kind is emitted, and no name does harm."""

import ast
import sys
from importlib import import_module
from math import prod
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from reference import MODELS, read_json

import cnncalc
from cnncalc.cli import main
from cnncalc.diagnostics import SpecError
from cnncalc.graph import StoredWeights
from cnncalc.layers import kinds
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.shape import Shape
from cnncalc.writers import FORMATS, export

CODE = ("pytorch", "keras")
HERE = Path(__file__).parent


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, ["export", *map(str, arguments)])


@pytest.mark.parametrize("to", FORMATS)
def test_every_kind_is_emitted(to: str) -> None:
    """Each kind of layer has a row of the framework's table, or a function of the writer; and no other kind has one."""
    emitter = import_module(f"cnncalc.writers.{to}").emitter
    nothing = [kind for kind in kinds() if kind != "input" and not emitter.knows(kind)]
    assert nothing == [], f"a function for each of these is missing in cnncalc/writers/{to}.py"
    assert set(emitter.functions) <= set(kinds())


@pytest.mark.parametrize("to", CODE)
def test_compiles(network: Any, to: str, exported: Any) -> None:
    """Code for a framework is Python, and no two of its classes or functions have one name."""
    tree = ast.parse(exported(network, to))
    made = [node.name for node in tree.body if isinstance(node, ast.ClassDef | ast.FunctionDef)]
    assert len(made) == len(set(made))


def test_weights_of_onnx(network: Any, exported: Any) -> None:
    """The weights that ONNX's operators are given add up to the parameters and buffers; the library is not needed."""
    onnx, weight_type = import_module("cnncalc.writers.onnx"), import_module("cnncalc.writers.onnx.model").Weight
    graph = network.graph
    try:
        operators = onnx.emitter.emit_all(graph.nodes)
    except SpecError:
        exported(network, "onnx")
        raise
    weights = [
        each for ops in operators.values() for op in ops for each in op.operands if isinstance(each, weight_type)
    ]
    totals = cnncalc.analyze(graph).totals
    assert sum(prod(weight.dims) for weight in weights) * 4 == totals.params_bytes


SPEC = """
def block(c, s=1) = add(conv 3x3 s{s} p1 x{c} nobias | bn | relu | conv 3x3 p1 x{c} nobias | bn
                      ; conv 1x1 s{s} x{c} nobias | bn) | relu
input 32x32x3 | conv 3x3 p1 x16 | relu as stem
block(16) | block(32, s=2)
gap | fc 10
"""


@pytest.mark.parametrize("to", [*CODE, "cnn"])
def test_whole_text(to: str, goldens: Any) -> None:
    """The whole text for a small network, as it was looked over by hand."""
    graph = cnncalc.parse(SPEC)._replace(name="small")
    goldens.file(HERE / "golden" / f"{to}.txt", export(graph, to))


# -- names ---------------------------------------------------------------------------------------------

HOSTILE = [
    '"""); import os; os.abort()',
    "\\",
    "a\nb",
    "{0}{name}",
    "é" * 300,
    "None",
    "1.2.3",
    "",
    ".",
    "..",
    "x" * 500,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("to", CODE)
def test_hostile_names(to: str, name: str) -> None:
    """Names out of a model file end up as identifiers and text alone: all calls are those of the layers."""
    graph = cnncalc.parse("input 8x8x3 | (conv 3x3 x4 | relu | slice 0:2) * 2 | fc 3")
    nodes = tuple([node._replace(name=name) for node in graph.nodes])
    tree = ast.parse(export(graph._replace(nodes=nodes, name=name), to))
    own = {each.name for each in tree.body if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    calls = [ast.unparse(each.func) for each in ast.walk(tree) if isinstance(each, ast.Call)]
    known = ("self.", "super()", "nn.", "torch.", "layers.", "keras.")
    assert [each for each in calls if each not in own | {"super"} and not each.startswith(known)] == []
    assert {type(each) for each in tree.body} <= {ast.Expr, ast.Import, ast.ImportFrom, ast.ClassDef, ast.FunctionDef}


@pytest.mark.parametrize("to", [*CODE, "cnn", pytest.param("onnx", marks=pytest.mark.frameworks)])
def test_deep_names(to: str) -> None:
    """A name with a thousand dots is no thousand blocks within blocks."""
    graph = cnncalc.parse("input 8x8x3 | conv 3x3 x4 | relu")
    nodes = tuple([node._replace(name="a." * 1000 + node.name) for node in graph.nodes])
    assert len(export(graph._replace(nodes=nodes), to)) < 40_000


# -- what has no equivalent ------------------------------------------------------------------------------


def test_error(tmp_path: Path) -> None:
    """All layers without an equivalent are named with their place, and the file stays as it was."""
    target = tmp_path / "net.py"
    target.write_text("mine")
    spec = "input 9x9x4 | conv 3x3 s2 d2 x4 | upsample 2 | pool 2 d2"
    result = run(spec, "--to", "keras", "-o", target)
    assert (result.exit_code, result.stdout, target.read_text()) == (1, "", "mine")
    assert (
        result.stderr
        == """\
error[E320]: Keras has no equivalent of `conv1`
 --> <spec>:1:15
  |
1 | input 9x9x4 | conv 3x3 s2 d2 x4 | upsample 2 | pool 2 d2
  |               ^^^^^^^^^^^^^^^^^ its convolutions have a stride or a dilation, not both
  = help: drop one of them

error[E320]: Keras has no equivalent of `pool1`
 --> <spec>:1:48
  |
1 | input 9x9x4 | conv 3x3 s2 d2 x4 | upsample 2 | pool 2 d2
  |                                                ^^^^^^^^^ its pools have no dilation
  = help: drop it
"""
    )


def changed(**attributes: Any) -> cnncalc.Graph:
    """A small network whose second node has other attributes."""
    graph = cnncalc.parse("input 8x8x3 | conv 3x3 x4 | relu")
    nodes = list(graph.nodes)
    nodes[1] = nodes[1]._replace(origin=None, **attributes)
    return graph._replace(nodes=tuple(nodes))


@pytest.mark.parametrize("to", FORMATS)
def test_opaque(to: str) -> None:
    """An operator of a model file is named, also where it is called like a layer."""
    graph = changed(layer=OpaqueOp("conv", Shape((6, 6), 4)))
    with pytest.raises(SpecError) as caught:
        export(graph, to)
    title = import_module(f"cnncalc.writers.{to}").emitter.title
    assert str(caught.value) == (
        f"error[E320]: {title} has no equivalent of `conv1`\n = an operator of a model file that is not known here\n"
        " = note: `conv1` is `conv`"
    )


def test_stored() -> None:
    """A layer whose file holds other weights than it has by itself, such as shared ones, is refused."""
    with pytest.raises(SpecError, match=r"the file stores 0 numbers for it, and `conv 3x3 x4` has 112"):
        export(changed(stored=StoredWeights()), "pytorch")
    # 27 kernels' worth and no bias: zeros that another layer has as well. What is written has its own.
    assert "self.conv1 = nn.Conv2d(3, 4, 3)" in export(changed(stored=StoredWeights(108)), "pytorch")
    # A file may call a norm's statistics what it likes: what counts is their number.
    assert "self.conv1 = nn.Conv2d(3, 4, 3)" in export(changed(stored=StoredWeights(100, 12)), "pytorch")


def test_number_out_of_the_language() -> None:
    """A slope that no text reads back as is refused, where code has it."""
    graph = cnncalc.parse("input 8x8x3 | leakyrelu 0.2")
    layer = type(graph.nodes[1].layer)("leakyrelu", slope=-0.5)
    odd = graph._replace(nodes=(graph.nodes[0], graph.nodes[1]._replace(layer=layer)))
    with pytest.raises(SpecError, match=r"`leakyrelu -0\.5` does not read back as the same layer"):
        export(odd, "cnn")
    assert "negative_slope=-0.5" in export(odd, "pytorch")


def test_no_onnx(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the `onnx` package, ONNX is an error with the way to install it."""
    monkeypatch.setitem(sys.modules, "onnx", None)
    result = run("input 8x8x3 | relu", "--to", "onnx", "-o", "never.onnx")
    assert (result.exit_code, result.stderr) == (
        1,
        "error[E301]: writing ONNX needs `onnx`\n = `onnx` is not installed\n"
        ' = help: install it with `pip install "cnncalc[onnx]"`\n',
    )


# -- the command -----------------------------------------------------------------------------------------


def test_to_is_needed() -> None:
    """Without a format it is a wrong command line."""
    result = run("input 8x8x3 | relu")
    assert result.exit_code == 2
    assert "Error: missing `--to`: one of pytorch, keras, onnx, cnn" in result.stderr


def test_output_file(tmp_path: Path) -> None:
    """`-o` writes a file, and the network of a file goes by that file's name."""
    (tmp_path / "my-net.cnn").write_text("input 8x8x3 | relu\n")
    result = run(tmp_path / "my-net.cnn", "--to", "pytorch", "-o", tmp_path / "out.py")
    assert (result.exit_code, result.output) == (0, "")
    assert "class MyNet(nn.Module):" in (tmp_path / "out.py").read_text()


def test_options_of_a_spec() -> None:
    """`--input` and `--var` are those of every command on a spec."""
    result = run("let w = 4 | conv 3x3 x{w}", "--input", "8x8x3", "--var", "w=7", "--to", "cnn")
    assert result.stdout.endswith("\n\ninput 8x8x3\nconv 3x3 x7\n")


def test_a_wrong_spec() -> None:
    """A spec that is wrong is told as everywhere."""
    result = run("input 8x8x3 | cnov 3x3 x4", "--to", "keras")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("error[E101]: unknown layer `cnov`\n")


# -- model files -----------------------------------------------------------------------------------------

EXPECTED = read_json(MODELS / "onnx" / "expected.json")

#: A network with operators that have no word: its global response norm.
WITHOUT_WORDS = ("convnextv2_atto",)


@pytest.mark.reference
@pytest.mark.parametrize("name", [name for name in EXPECTED if name not in WITHOUT_WORDS])
def test_model_file(name: str, tmp_path: Path) -> None:
    """A spec of timm's network has PyTorch's parameters and MACs, where the file shares the norms' ones and zeros."""
    target = tmp_path / "net.cnn"
    result = run(MODELS / "onnx" / f"{name}.onnx", "--to", "cnn", "-o", target)
    warning = "warning: norms and biases that the file stores once for several layers are each layer's own: "
    assert (result.exit_code, result.stdout, result.stderr[: len(warning)]) == (0, "", warning)
    expected, got = EXPECTED[name], cnncalc.analyze(target)
    outputs = [got[each].output_shape for each in got.outputs]
    assert (got.totals.params, got.totals.macs, outputs) == (
        expected["params"],
        expected["macs"],
        [tuple(expected["output"][1:])],
    )


@pytest.mark.reference
@pytest.mark.parametrize("to", CODE)
def test_code_of_model_file(to: str, tmp_path: Path) -> None:
    """A model file becomes code, too: what stands in its head are the parameters of timm's network."""
    target = tmp_path / "net.py"
    assert run(MODELS / "onnx" / "resnet26.onnx", "--to", to, "-o", target).exit_code == 0
    assert "\n15,995,176 parameters and 30,848 buffers; " in target.read_text(encoding="utf-8")


# -- what a file may hold --------------------------------------------------------------------------------


def test_operator_without_input() -> None:
    """An `If` or `Loop` on constants takes nothing in: it is refused by name, not written as an input."""
    graph = cnncalc.parse("input 8x8x3 | relu")
    (odd,) = [node._replace(index=2, name="if1", origin=None) for node in graph.nodes[:1]]
    odd = odd._replace(layer=OpaqueOp("If", Shape((8, 8), 3), known=False))
    with pytest.raises(SpecError, match="the spec language has no equivalent of `if1`"):
        export(graph._replace(nodes=(*graph.nodes, odd)), "cnn")


def dead_block() -> cnncalc.Graph:
    """A network with a block whose output nothing reads."""
    graph = cnncalc.parse("input 8x8x3 as x | conv 1x1 x4 | bn | @x | conv 1x1 x4")
    names = {1: "aux.conv", 2: "aux.bn"}
    nodes = tuple([node._replace(name=names.get(node.index, node.name)) for node in graph.nodes])
    return graph._replace(nodes=nodes, outputs=(3,))


@pytest.mark.parametrize("to", CODE)
def test_dead_block(to: str) -> None:
    """A block whose output nothing reads is a block like any other, and its result is left alone."""
    code = str(export(dead_block(), to))
    name, call = {"pytorch": ("class Aux(", "x = self.aux(x_2)"), "keras": ("def aux(", 'x = aux(x_2, name="aux")')}[to]
    assert name in code
    assert call in code
    compile(code, "exported.py", "exec")


def test_sizes_beyond_the_integers_of_onnx() -> None:
    """A size of 2^63 or more is a layer that ONNX cannot say: 999,999,999² · 99 elements in one vector."""
    graph = cnncalc.parse("input 999999999x999999999x99 | relu | flatten")
    with pytest.raises(SpecError) as caught:
        export(graph, "onnx")
    assert [(each.layer, each.label) for each in caught.value.diagnostics] == [
        ("flatten1", "its integers are below 2^63, and 98,999,999,802,000,000,099 is not")
    ]
