"""The networks that every writer is tried on: a test with an argument `network` runs on each.

They are the worked examples of the layers, the specs beside this file, the networks of the zoo, and the
conformance cases.
"""

from collections.abc import Callable, Iterator
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from typing import NamedTuple

import pytest
from reference import CONFORMANCE, options

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.layers import kinds
from cnncalc.writers import export

HERE = Path(__file__).parent
PACKAGE = Path(cnncalc.__file__).parent

#: Shorter inputs of zoo networks whose recurrent layers would take PyTorch minutes.
INPUTS = {"deepspeech2": "61x161x1"}


class Network(NamedTuple):
    """A spec by name; its graph is made when a test asks for it."""

    name: str
    text: str
    input: str | None = None

    @property
    def graph(self) -> cnncalc.Graph:
        return parsed(self.text, self.input)


@cache
def parsed(text: str, input: str | None) -> cnncalc.Graph:
    return cnncalc.parse(text, input=input)


def networks() -> Iterator[Network]:
    for cls in dict.fromkeys(kinds().values()):
        for example in cls.examples:
            yield Network(example.spec, example.spec)
    for kind, cls in kinds().items():
        if len(cls.words) > 1:
            spec = cls.examples[0].spec.replace(next(iter(cls.words)), kind)
            yield Network(f"{kind}: {spec}", spec)
    for path in sorted((HERE / "networks").glob("*.cnn")):
        yield Network(path.stem, path.read_text(encoding="utf-8"))
    if (PACKAGE / "zoo").is_dir():
        for name, member in import_module("cnncalc.zoo").members().items():
            yield Network(name, member.text(), INPUTS.get(name))
    for case in CONFORMANCE:
        yield Network(case["id"], case["spec"], options(case).get("input"))


#: Why a framework has no equivalent of a layer: the beginnings of the facts. No other reason lets a test off.
REASONS = (
    "its convolutions have a stride or a dilation, not both",  # Keras
    "its transposed convolutions have no groups",  # Keras
    "its pools have no dilation",  # Keras
    "its upsampling interpolates on two axes alone",  # Keras
    "its pools have windows of one size",  # ONNX
    "its recurrent layers have two biases or none",  # PyTorch
    "its recurrent operators have two biases or none",  # ONNX
    "its LSTM has one bias for each gate or none",  # Keras
    "its SimpleRNN has one bias for each gate or none",  # Keras
    "it has no convolutional LSTM",  # ONNX
    "its MaxUnpool takes the places that a max pool found",  # ONNX
    "its unpooling takes the places that a max pool found",  # PyTorch
    "it has no layer that undoes a max pool",  # Keras
)


# -- there and back ------------------------------------------------------------------------------------------

#: The kinds that a framework may call by one another's names; with their weights, MACs and bias they are one.
CONVOLUTIONS = dict.fromkeys(("dwconv", "sepconv", "convlstm"), "conv")

#: The kinds whose weights and MACs a reader finds in rows of these kinds alone; all else is one group, `rest`.
COMPARED = ("conv", "deconv", "fc")


def buffers_are_parameters(graph: cnncalc.Graph, to: str) -> bool:
    """The one exception: whether the way there and back may tell statistics from what is learnt no more.

    ONNX's norm has a weight and a bias always: one without is a subtraction and a division by weights there, and that
    these are a batch norm's statistics the file does not show.
    """
    norms = [node.layer for node in graph.nodes if node.layer.kind == "bn"]
    return to == "onnx" and not all(norm.affine and norm.scale for norm in norms)


class Figures(NamedTuple):
    """What is the same of a network and of the network that was read back: each number to the integer."""

    outputs: list[tuple[int, ...]]
    macs: int
    params: int
    frozen: int
    buffers: int
    #: By kind: parameters, frozen weights and buffers together, and MACs.
    kinds: dict[str, tuple[int, int]]
    unknown: list[str]


def figures(graph: cnncalc.Graph, together: bool, trains: bool, apart: tuple[str, ...]) -> Figures:
    """The figures of a network; with `together`, buffers count as parameters, without `trains` frozen weights too.

    All kinds but those `apart` are one group.
    """
    result = cnncalc.analyze(graph)
    kinds: dict[str, tuple[int, int]] = {}
    for row in result.rows:
        # An `fc each` is a convolution of one position, and readers call it that.
        kind = "conv" if row.type == "fc" and row.node.layer.each else CONVOLUTIONS.get(row.type, row.type)
        kind = kind if kind in apart else "rest"
        weights, macs = kinds.get(kind, (0, 0))
        kinds[kind] = (weights + row.params + row.frozen + row.buffers, macs + row.macs)
    totals = result.totals
    buffers = 0 if together else totals.buffers
    frozen = totals.frozen if trains else 0
    return Figures(
        sorted(result[name].output_shape for name in result.outputs),
        totals.macs,
        totals.params + totals.frozen - frozen + totals.buffers - buffers,
        frozen,
        buffers,
        {kind: found for kind, found in kinds.items() if found != (0, 0)},
        [row.type for row in result.unknown],
    )


@pytest.fixture(scope="session")
def same_figures() -> Callable[[cnncalc.Graph, cnncalc.Graph, str], None]:
    """Compare a network with what came back from a framework."""

    def compare(wanted: cnncalc.Graph, got: cnncalc.Graph, to: str) -> None:
        together = buffers_are_parameters(wanted, to)
        # An ONNX file does not show what training leaves as it is.
        trains = to != "onnx"
        # Attention comes back as its products, what is done at each step as one layer for all of them.
        by_parts = any(node.layer.kind in ("attention", "timewise") for node in wanted.nodes)
        apart = ("deconv",) if by_parts else COMPARED
        assert figures(got, together, trains, apart) == figures(wanted, together, trains, apart)

    return compare


@pytest.fixture(scope="session")
def exported() -> Callable[[Network, str], str | bytes]:
    """Export a network, and skip the test where the framework is known not to have words for it."""

    @lru_cache(maxsize=1)
    def written(network: Network, to: str) -> str | bytes:
        try:
            return export(network.graph, to)
        except SpecError as error:
            if not all(each.code == "E320" and each.label.startswith(REASONS) for each in error.diagnostics):
                raise
            pytest.skip(f"{to}: {error.diagnostics[0].label}")

    return written


NETWORKS = {network.name: network for network in networks()}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "network" in metafunc.fixturenames:
        # By module, so that the tests of one network follow one another and may share what they make.
        metafunc.parametrize("network", NETWORKS.values(), ids=NETWORKS, scope="module")
