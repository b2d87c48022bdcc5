"""The Keras writer: its code run in Keras itself, on PyTorch's meta device, where nothing is computed."""

import os
import re
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

import cnncalc
from cnncalc.diagnostics import SpecError
from cnncalc.writers import export
from cnncalc.writers.runtime import classes

os.environ.setdefault("KERAS_BACKEND", "torch")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
keras = pytest.importorskip("keras")  # once its backend is chosen
pytestmark = pytest.mark.frameworks


@lru_cache(maxsize=1)
def model(code: str) -> Any:
    """The model of exported code, its weights on the meta device."""
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    with keras.device("meta"):
        return list(found.values())[-1]()


def numbers(weights: list[Any]) -> int:
    return sum(int(weight.value.numel()) for weight in weights)


def test_network(network: Any, exported: Any) -> None:
    """Keras gives the same output shapes, trainable parameters and others."""
    graph = network.graph
    got = model(exported(network, "keras"))
    totals = cnncalc.analyze(graph)
    outputs = [(None, *graph.nodes[index].shape.dims) for index in graph.outputs]
    others = sum(row.frozen + row.buffers for row in totals.rows)
    assert [tuple(each.shape) for each in got.outputs] == outputs
    assert (numbers(got.trainable_weights), numbers(got.non_trainable_weights)) == (totals.totals.params, others)


def test_there_and_back(network: Any, exported: Any, same_figures: Any, tmp_path: Path) -> None:
    """What Keras itself describes as JSON is read back with the same shapes, parameters, buffers and MACs."""
    code = str(exported(network, "keras"))
    has_own_layers(code)
    (tmp_path / "net.json").write_text(model(code).to_json())
    same_figures(network.graph, cnncalc.load(tmp_path / "net.json"), "keras")


def has_own_layers(code: str) -> None:
    """Skip the test where the code defines layers that Keras lacks: in a model file they are a name alone."""
    own = [name for name in classes("keras") if f"class {name}(" in code]
    if own:
        pytest.skip(f"it has layers of its own, which no reader knows: {', '.join(own)}")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reading its own weights
def test_archive(network: Any, exported: Any, same_figures: Any, tmp_path: Path) -> None:
    """A small model that Keras saves with its weights is read back from the archive with the same figures."""
    graph = network.graph
    if cnncalc.analyze(graph).totals.params > 100_000:
        pytest.skip("too large to be saved in a test; its JSON is compared")
    code = str(exported(network, "keras"))
    has_own_layers(code)
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    list(found.values())[-1]().save(tmp_path / "net.keras")
    same_figures(graph, cnncalc.load(tmp_path / "net.keras"), "keras")


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras reading its own weights
def test_saved(tmp_path: Path) -> None:
    """A model with layers of the file's own is saved, and loaded again with as many parameters."""
    spec = "input 8x8x4 | pool 3 s1 p1x0 | shuffle g2 | lrn | scale bias | pixelshuffle 2 | gap | fc 3"
    code = export(cnncalc.parse(spec), "keras")
    found: dict[str, Any] = {"__name__": "exported"}
    exec(compile(code, "exported.py", "exec"), found)
    made = found["network"]()
    made.save(tmp_path / "net.keras")
    assert keras.models.load_model(tmp_path / "net.keras").count_params() == made.count_params()


REFUSED = [
    ("input 9x9x4 | conv 3x3 s2 d2 x4", "`strides > 1` not supported in conjunction with `dilation_rate > 1`"),
    ("input 9x9x4 | deconv 2x2 s2 g2 x4", "Unrecognized keyword arguments passed to Conv2DTranspose: {'groups': 2}"),
]


@pytest.mark.parametrize(("spec", "message"), REFUSED)
def test_refused(spec: str, message: str) -> None:
    """What the writer refuses, Keras refuses itself."""
    with pytest.raises(SpecError, match="Keras has no equivalent of"):
        export(cnncalc.parse(spec), "keras")
    options = {"strides": 2, "dilation_rate": 2} if " d2" in spec else {"strides": 2, "groups": 2}
    layer = keras.layers.Conv2D if " d2" in spec else keras.layers.Conv2DTranspose
    with pytest.raises(ValueError, match=re.escape(message)):
        layer(4, 3, **options)
