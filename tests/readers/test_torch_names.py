"""Names of modules in Python files, as found in their text: no framework is needed, and nothing is run."""

from pathlib import Path

import pytest

import cnncalc
from cnncalc import SpecError
from cnncalc.readers.python_classes import functions, module_classes, outermost
from cnncalc.sources import find

TEXT = """
import torch
from torch import nn

class Config:
    width = 8

class Block(nn.Module):
    def forward(self, x):
        return x

class Wide(Block):
    pass

class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(Wide(), Wide())

def make(width=8):
    return Net()

def sized(width):
    return Net()
"""


def test_classes() -> None:
    """Modules by their bases, be they of the same file, or by a forward; the network is what no other one holds."""
    assert module_classes(TEXT) == ["Block", "Wide", "Net"]
    assert outermost(TEXT) == ["Net"]
    assert functions(TEXT) == ["make"]


@pytest.mark.parametrize("text", ["class (", "\0", "(" * 1000, ""])
def test_no_python(text: str) -> None:
    assert (module_classes(text), outermost(text), functions(text)) == ([], [], [])


@pytest.mark.parametrize(
    ("spec", "help"),
    [
        ("my_model.py:Net", "write `torch:my_model.py:Net` to run it"),
        ("my_model:Net", "write `torch:my_model:Net` to run it"),
        ("my_model:make", "write `torch:my_model:make` to run it"),
        ("my_model:Nett", "write `torch:my_model:Net` to run it"),
    ],
)
def test_named_without_torch(spec: str, help: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A class of a file leads to the spec that runs it, and all module classes of the file are named."""
    monkeypatch.chdir(tmp_path)
    Path("my_model.py").write_text(TEXT, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        find(spec)
    (found,) = caught.value.diagnostics
    assert (found.code, found.label, found.help) == (
        "E310",
        "the module classes of `my_model.py`: `Block`, `Wide`, `Net`",
        help,
    )


def test_a_file_of_several_classes(tmp_path: Path) -> None:
    """A file of classes is not run: the error names all of them, and the network to run."""
    path = tmp_path / "my_model.py"
    path.write_text(TEXT, encoding="utf-8")
    with pytest.raises(SpecError) as caught:
        cnncalc.load(path, input="32x32x3")
    (found,) = caught.value.diagnostics
    assert found.label == "code is read, never run; the module classes are `Block`, `Wide`, `Net`"
    assert found.help == f"write `cnncalc torch:{path}:Net --input 32x32x3`, which runs it"
