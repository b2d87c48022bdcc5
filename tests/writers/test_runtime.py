"""The classes that writers copy into what they write: they are real modules, and each is one that code may need."""

import os
from importlib import import_module

import pytest

from cnncalc import parse
from cnncalc.diagnostics import SpecError
from cnncalc.frameworks import framework
from cnncalc.frameworks.table import Equivalent, Framework, NoEquivalent
from cnncalc.writers.emitter import Emitter
from cnncalc.writers.runtime import classes, used_classes

#: For each framework with such classes, a network that needs them all.
NETWORKS = {
    "pytorch": "input 8x8x4 | avgpool 2 s1 same | ln | bn noscale | scale | shuffle g2 | droppath 0.1 | reshape 256x1"
    " | pixelshuffle 1 | pixelunshuffle 1 | grn | attention h1 | lstm 4 | reshape 16x16x4 | convlstm 3 x2 | fc 4 each"
    " | flatten | embedding 9x3",
    "keras": "input 8x8x4 | pool 3 s1 p1x0 | avgpool 2 s1 same | scale | lrn | shuffle g2 | pixelshuffle 2"
    " | pixelunshuffle 2 | grn | attention h2 | resize 3",
}


@pytest.mark.frameworks
@pytest.mark.parametrize("name", NETWORKS)
def test_importable(name: str) -> None:
    """The classes are those of a module that the framework itself can import."""
    os.environ.setdefault("KERAS_BACKEND", "torch")
    pytest.importorskip("torch", reason="PyTorch is not installed: pip install '.[frameworks]'")
    pytest.importorskip({"pytorch": "torch"}.get(name, name), reason="pip install '.[frameworks]'")
    module = import_module(f"cnncalc.writers.runtime.{name}")
    assert all(isinstance(getattr(module, each), type) for each in classes(name))


@pytest.mark.parametrize("name", NETWORKS)
def test_each_is_used(name: str) -> None:
    """There is code that needs each of the classes, and what is written defines them before they are used."""
    writer = import_module(f"cnncalc.writers.{name}")
    code = writer.write(parse(NETWORKS[name]))
    assert [each for each in classes(name) if f"class {each}(" not in code] == []
    assert used_classes(name, "nothing") == []


@pytest.mark.parametrize("name", NETWORKS)
def test_rows_without_prefix(name: str) -> None:
    """What a row writes without the framework's prefix is one of the classes."""
    rows = framework(name).rows.values()
    names = [row.names[0] for row in rows if isinstance(row, Equivalent) and "." not in row.names[0]]
    assert set(names) <= set(classes(name))


def test_no_equivalent() -> None:
    """A row that is a reason is the error of every layer of that kind."""
    table = Framework("Somewhere", {"relu": NoEquivalent("it has no activations", "use another")})
    graph = parse("input 4x4x2 | relu | relu")
    with pytest.raises(SpecError) as caught:
        Emitter[str](table.title, table).emit_all(graph.nodes)
    assert [(each.code, each.message, each.label, each.help) for each in caught.value.diagnostics] == [
        ("E320", f"Somewhere has no equivalent of `relu{number}`", "it has no activations", "use another")
        for number in (1, 2)
    ]
