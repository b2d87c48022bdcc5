"""What one network has that another has not: by hand, and that the difference leads from one to the other."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import cnncalc
from cnncalc.analysis import Options, analyze_graph
from cnncalc.compare.diff import Difference, TotalChange, difference
from cnncalc.compare.networks import NetworkRow
from cnncalc.diagnostics import Problems
from cnncalc.graph import GraphBuilder, StoredWeights
from cnncalc.layers import REGISTRY
from cnncalc.layers.opaque import OpaqueOp
from cnncalc.report.difference import difference_document
from cnncalc.report.networks import COLUMNS, networks_document
from cnncalc.report.options import RenderOptions
from cnncalc.report.terminal import to_terminal
from cnncalc.shape import Shape

BASE = "input 32x32x3 | conv 3x3 same x8 | relu | pool 2 | fc 10"

#: Edits of BASE, and for each the layers that differ: (status, in A, in B, changes).
EDITS: dict[str, tuple[str, list[tuple[str, str | None, str | None, dict[str, Any]]]]] = {
    "a layer put in": (
        "input 32x32x3 | conv 3x3 same x8 | bn | relu | pool 2 | fc 10",
        [("added", None, "bn1", {})],
    ),
    "a layer taken out": (
        "input 32x32x3 | conv 3x3 same x8 | pool 2 | fc 10",
        [("removed", "relu1", None, {})],
    ),
    "another activation": (
        "input 32x32x3 | conv 3x3 same x8 | gelu | pool 2 | fc 10",
        [("changed", "relu1", "gelu1", {"type": ("relu", "gelu"), "layer": ("relu", "gelu")})],
    ),
    # 27·8 + 8 and 27·16 + 16 parameters, 32·32·27 MACs a filter; fc: 16·16·8·10 and twice as many, and 10 biases.
    "more filters, and what follows": (
        "input 32x32x3 | conv 3x3 same x16 | relu | pool 2 | fc 10",
        [
            (
                "changed",
                "conv1",
                "conv1",
                {
                    "filters": (8, 16),
                    "output_shape": ([32, 32, 8], [32, 32, 16]),
                    "params": (224, 448),
                    "macs": (221_184, 442_368),
                },
            ),
            ("changed", "relu1", "relu1", {"output_shape": ([32, 32, 8], [32, 32, 16])}),
            ("changed", "pool1", "pool1", {"output_shape": ([16, 16, 8], [16, 16, 16])}),
            ("changed", "flatten1", "flatten1", {"output_shape": ([2048], [4096])}),
            ("changed", "fc1", "fc1", {"params": (20_490, 40_970), "macs": (20_480, 40_960)}),
        ],
    ),
    "names alone": ("input 32x32x3 as image | conv 3x3 same x8 as stem | relu | pool 2 | fc 10", []),
    "a further output": (
        "input 32x32x3 | conv 3x3 same x8 | relu as map | pool 2 | fc 10 | @map",
        [("changed", "relu1", "map", {"output": (False, True)})],
    ),
}


def differing(found: Difference) -> list[tuple[str, str | None, str | None, dict[str, Any]]]:
    return [
        (layer.status, layer.a and layer.a.name, layer.b and layer.b.name, dict(layer.changes))
        for layer in found.layers
        if layer.status != "same"
    ]


def of(a: str, b: str) -> Difference:
    return difference(cnncalc.analyze(a), cnncalc.analyze(b))


@pytest.mark.parametrize("edit", EDITS)
def test_edit(edit: str) -> None:
    """An edit is reported as what it is, with all that follows from it and nothing else."""
    spec, expected = EDITS[edit]
    found = of(BASE, spec)
    assert differing(found) == expected
    assert bool(found) is bool(expected)


def test_wires() -> None:
    """An add that reads another layer has changed, though its words and shape have not."""
    before = "input 8x8x4 | relu as a | conv 3x3 same x4 as b | add(conv 1x1 x4 ; @a)"
    found = of(before, before.replace("@a", "@b"))
    assert differing(found) == [("changed", "add1", "add1", {"inputs": (["conv1", "a"], ["conv1", "b"])})]


def test_arms_follow_what_is_put_in_before_them() -> None:
    """A layer put in before a branch is one layer added: what the arms read is the same but for it."""
    branch = "concat(conv 1x1 x4 ; pool 3x3 s1 same, conv 1x1 x4 ; ) | relu"
    assert differing(of(f"input 8x8x4 | {branch}", f"input 8x8x4 | bn | {branch}")) == [("added", None, "bn1", {})]


def test_renumbered() -> None:
    """A layer put in first renumbers all of its kind, and changes none."""
    rest = "conv 3x3 same x4 | conv 5x5 same x4 | conv 3x3 same x4"
    found = of(f"input 8x8x4 | {rest}", f"input 8x8x4 | conv 1x1 x4 | {rest}")
    assert differing(found) == [("added", None, "conv1", {})]


def test_other_number_of_axes() -> None:
    """On other axes a stride of 1 is still one of 1."""
    found = of("input 8x8x4 | conv 3x3 x4", "input 16x4 | conv 3 x4")
    changes = found.layers[1].changes
    assert list(changes) == ["kernel", "output_shape", "params", "macs"]


def model(name: str, shape: Shape | None, *, known: bool, params: int = 0) -> cnncalc.Analysis:
    """A network as a reader makes it: an operator that the language has no word for behind an input."""
    builder = GraphBuilder(Problems())
    image = builder.add(REGISTRY["input"]("input", shape=(8, 8, 3)), ())
    last = builder.add(OpaqueOp(name, shape, known=known), (image,), stored=StoredWeights(params))
    return analyze_graph(builder.build(last), Options())


def test_operators_of_models() -> None:
    """An operator of a model file is compared by its shape and by what the file stores for it."""
    before, after = model("Mul", Shape((8, 8), 3), known=True), model("Mul", None, known=False, params=4)
    assert differing(difference(before, after)) == [
        ("changed", "Mul1", "Mul1", {"output_shape": ([8, 8, 3], None), "params": (0, 4)})
    ]
    assert not difference(before, before)


def test_an_operator_that_is_called_as_a_layer() -> None:
    """An operator is no layer of the language, though it be called as one."""
    found = difference(cnncalc.analyze("input 8x8x3 | relu"), model("relu", Shape((8, 8), 3), known=True))
    assert [step.status for step in found.layers] == ["same", "removed", "added"]


def test_lower_bounds() -> None:
    """Where operators are not counted, both reports say that the totals are lower bounds."""
    known, unknown = model("Mul", Shape((8, 8), 3), known=True), model("Odd", None, known=False)
    networks = NetworkRow("a.onnx", known), NetworkRow("b.onnx", unknown)
    warning = "1 operator is not counted in full: all totals are lower bounds\n"

    comparison = difference_document(difference(known, unknown), networks, "hwc", context=2)
    assert f"   B: {warning}" in to_terminal(comparison, RenderOptions())
    table = networks_document(networks, tuple(COLUMNS.values()), "hwc")
    assert re.search(rf"^b.onnx +{warning}", to_terminal(table, RenderOptions()), re.MULTILINE)
    assert networks[1].to_dict()["unknown"] == ["Odd1"]


@pytest.mark.parametrize(
    ("a", "b", "percent"),
    [(200, 300, 50.0), (300, 200, pytest.approx(-33.33, abs=0.01)), (0, 0, 0.0), (0, 5, None), (7, 7, 0.0)],
)
def test_percent(a: int, b: int, percent: float | None) -> None:
    """Per cent are of A's figure; there are none of nothing."""
    assert TotalChange("params", a, b).percent == percent


def test_large_totals() -> None:
    """Integers beyond any float keep every digit, and have their per cent."""
    total = TotalChange("macs", 10**140 + 1, 3 * 10**140)
    assert (total.change, total.percent) == (2 * 10**140 - 1, 200.0)


def test_totals_are_all_of_them() -> None:
    """Every figure of an analysis's totals is compared."""
    found = of(BASE, BASE)
    totals = cnncalc.analyze(BASE).totals.to_dict()
    memory = totals.pop("activation_bytes")
    del totals["peak_at"]
    assert isinstance(memory, dict)
    expected = totals | {f"activation_bytes.{key}": value for key, value in memory.items()}
    assert {total.key: total.a for total in found.totals} == expected


# -- any two networks ------------------------------------------------------------------------------------------

LAYERS = (
    "conv 3x3 same x4", "conv 3x3 same x8", "conv 1x1 x4 nobias", "bn", "relu", "gelu", "pool 2 same", "dropout 0.5",
    "add(conv 3x3 same x4 | relu ; conv 1x1 x4)", "concat(relu ; bn | conv 1x1 x2 ; )", "upsample 2",
)  # fmt: skip
NETS = st.lists(st.sampled_from(LAYERS), max_size=12).map(lambda layers: " | ".join(["input 8x8x3", *layers]))

#: The figures in a described layer, by the keys that changes have for them.
FIGURES = ("output_shape", "params", "buffers", "macs", "output")

#: A layer as a difference describes it: type, arguments, inputs, shape and figures, and whether it is an output.
Described = tuple[str, dict[str, Any], list[int], list[int], int, int, int, bool]


def described(result: cnncalc.Analysis) -> list[Described]:
    return [
        (
            row.type,
            {
                name: argument.to_json(getattr(row.node.layer, name))
                for name, argument in row.node.layer.arguments.items()
            },
            list(row.node.inputs),
            list(row.output_shape),
            row.params,
            row.buffers,
            row.macs,
            row.name in result.outputs,
        )
        for row in result.rows
    ]


def applied(before: Sequence[Described], found: Difference) -> list[Described]:
    """Return the layers of network B, made from those of A and their changes."""
    a_of, b_of = ({row.name: index for index, row in enumerate(rows)} for rows in (found.a.rows, found.b.rows))
    # The index in B of each of A's layers: of one that is removed, that of the layer which it reads.
    index_in_b: dict[int, int] = {}
    made: list[Described] = []
    new = described(found.b)
    for change in found.layers:
        if change.a is None:
            made.append(new[len(made)])
            continue
        index = a_of[change.a.name]
        type, arguments, inputs, shape, params, buffers, macs, output = before[index]
        if change.b is None:
            index_in_b[index] = index_in_b[inputs[0]] if inputs else -1
            continue
        index_in_b[index] = len(made)
        changes = change.changes
        figures = [
            changes[key][1] if key in changes else was
            for key, was in zip(FIGURES, (shape, params, buffers, macs, output), strict=True)
        ]
        if "type" in changes:
            type, arguments = new[len(made)][:2]
        arguments = {name: changes[name][1] if name in changes else value for name, value in arguments.items()}
        read = [index_in_b[each] for each in inputs]
        if "inputs" in changes:
            read = [b_of[name] for name in changes["inputs"][1]]
        made.append((type, arguments, read, *figures))  # type: ignore[arg-type]
    return made


def through_the_added(layers: Sequence[Described], added: set[int]) -> list[Described]:
    """Return the layers, each reading not an added layer but what that reads, as a difference has it."""

    def source(index: int) -> int:
        while index in added:
            index = layers[index][2][0] if layers[index][2] else -1
        return index

    return [
        layer if index in added else (*layer[:2], [source(at) for at in layer[2]], *layer[3:])
        for index, layer in enumerate(layers)
    ]


@given(NETS, NETS)
def test_applied(a: str, b: str) -> None:
    """The difference applied to A gives B: layers, figures, wires and outputs."""
    found = of(a, b)
    added = {layer.b.node.index for layer in found.layers if layer.a is None and layer.b is not None}
    made = applied(described(found.a), found)
    assert through_the_added(made, added) == through_the_added(described(found.b), added)


@given(NETS, NETS)
def test_sums(a: str, b: str) -> None:
    """The changes of the layers add up to those of the totals."""
    found = of(a, b)
    totals = {total.key: total.change for total in found.totals}
    for key in ("params", "buffers", "macs", "activations"):
        before = sum(getattr(layer.a, key) for layer in found.layers if layer.a and layer.a.inputs)
        after = sum(getattr(layer.b, key) for layer in found.layers if layer.b and layer.b.inputs)
        assert after - before == totals[key]


@given(NETS)
def test_itself(spec: str) -> None:
    """A network does not differ from itself."""
    found = of(spec, spec)
    assert not found
    assert differing(found) == []


@given(NETS, NETS)
def test_no_difference_is_equality(a: str, b: str) -> None:
    """Where nothing differs, the networks are the same but for names."""
    found = of(a, b)
    assert bool(found) is (described(found.a) != described(found.b))


def test_arguments_without_a_value() -> None:
    """A crop has an offset only beside a tensor: what neither layer has at last is no difference, and can be none."""
    a = "input 8x8x1 | crop 1 | conv 1x1 x1"
    b = "input 8x8x1 as x | conv 3x3 x1 as y | @x | crop @y offset=2 | conv 1x1 x1"
    changes = difference(cnncalc.analyze(a), cnncalc.analyze(b)).layers
    amounts = [[1, 1], [1, 1]], [[2, 0], [2, 0]]
    assert [change.changes for change in changes if change.row.type == "crop"] == [{"amount": amounts}]
