"""Every reader and every writer on files that were damaged by chance: a result or a `SpecError`, and nothing else.

Half of the files have bytes changed, half of them parts of their structure. Of those that are read, some are exported
to every format. The seeds are fixed, so that a file that fails is made again. A format joins by a row of `FORMATS`.
"""

from __future__ import annotations

import ast
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import damaged_texts as texts
import pytest
from damage import Maker, any_of
from damaged_models import archive, keras_layer, keras_model, keras_structure, onnx_structure, sequential
from hdf5_files import HDF5
from onnx_files import field, model, node

import cnncalc
from cnncalc.cli import main
from cnncalc.readers import ReadOptions, read, recognize
from cnncalc.writers import FORMATS as TARGETS
from cnncalc.writers import export

pytestmark = pytest.mark.slow

#: The files of a block, which has a seed of its own; each how many have their figures taken and are exported.
FILES, WITH_FIGURES, EXPORTED = 2500, 10, 50


class Format(NamedTuple):
    """A file's name, sound files, what makes one with another structure, and the number of blocks."""

    name: str
    sound: Sequence[bytes]
    structure: Maker
    blocks: int = 8


JSON = json.dumps(keras_model()).encode()
ARCHIVES = [archive(JSON), archive(JSON, 0)]

FORMATS = {
    "onnx": Format("m.onnx", [onnx_structure(random.Random(seed)) for seed in range(20)], onnx_structure, 12),
    "keras-json": Format("m.json", [JSON, sequential()], keras_structure),
    "keras": Format("m.keras", ARCHIVES, lambda choose: archive(keras_structure(choose))),
    "hdf5": Format("m.h5", list(HDF5.values()), any_of([each[:1200] for each in HDF5.values()])),
    "caffe": Format("m.prototxt", [each.encode() for each in texts.NETS], texts.net),
    "darknet": Format("m.cfg", [each.encode() for each in texts.CFGS], texts.cfg),
    "ncnn": Format("m.param", [texts.PARAM.encode()], texts.param),
    "openvino": Format("m.xml", [texts.IR.encode()], texts.ir),
}


def blocks() -> Iterator[Any]:
    for name, each in FORMATS.items():
        for seed in range(each.blocks):
            yield pytest.param(name, seed, id=f"{name}-{seed}")


@pytest.mark.parametrize("format", ["caffe", "darknet", "ncnn", "openvino"])
def test_sound(format: str, tmp_path: Path) -> None:
    """What is damaged is sound before: every layer is known."""
    for number, data in enumerate(FORMATS[format].sound):
        path = tmp_path / f"{number}{FORMATS[format].name}"
        path.write_bytes(data)
        assert not cnncalc.analyze(path).unknown


@pytest.mark.parametrize(("format", "seed"), list(blocks()))
def test_damaged(format: str, seed: int, tmp_path: Path) -> None:
    """A damaged file gives a network, whose figures can be had, or an error; some are exported to every format."""
    choose = random.Random(f"{format}-{seed}")
    each, damaged = FORMATS[format], any_of(FORMATS[format].sound)
    path = tmp_path / each.name
    networks = 0
    for number in range(FILES):
        path.write_bytes((damaged if choose.random() < 0.5 else each.structure)(choose))
        try:
            graph = check(path, number % WITH_FIGURES == 0)
            networks += graph is not None
            if graph is not None and number % EXPORTED == 0:
                for to in TARGETS:
                    check_export(graph, to)
        except BaseException:
            path.rename(path.with_name(f"seed-{seed}-file-{number}{path.suffix}"))  # stays where pytest keeps it
            raise
    assert networks > FILES // 100


def check(path: Path, figures: bool) -> Any:
    """Read a file; return its graph, or None where it is refused in words that can be shown."""
    try:
        file = recognize(str(path))
        assert file is not None
        graph = read(file, ReadOptions())
        if figures:
            json.dumps(cnncalc.analyze(graph).to_dict())
    except cnncalc.SpecError as error:
        if figures:
            text = str(error)
            assert len(text) < 50_000
            assert all(each.isprintable() or each == "\n" for each in text)
        return None
    assert all(each.name.isprintable() and each.layer.kind.isprintable() for each in graph.nodes)
    assert (graph.name or "").isprintable()
    return graph


def check_export(graph: Any, to: str) -> None:
    """Export a graph: code that compiles, or an error in words."""
    try:
        written = export(graph, to)
    except cnncalc.SpecError as refused:
        written = str(refused)
        to = "cnn"  # a text, but no code
    if TARGETS[to].suffix == ".py":
        ast.parse(written)
    if isinstance(written, str):
        assert all(each.isprintable() or each == "\n" for each in written)


def test_faces(tmp_path: Path) -> None:
    """Names with control characters reach no format: of each file that has them, in each format."""
    from click.testing import CliRunner

    wild = "a\x1b[31m\x9b\u202e\x07\\n\x7fb"
    layers = [
        keras_layer("InputLayer", wild, batch_shape=[None, 8, 8, 3]),
        keras_layer(f"Foo{wild}", f"l{wild}"),
    ]
    config = {"class_name": "Sequential", "config": {"name": wild, "layers": layers}}
    (tmp_path / "m.json").write_text(json.dumps(config), encoding="utf-8")
    text = f'name: "{wild}" input: "d" input_dim: 1 input_dim: 3 input_dim: 8 input_dim: 8\n'
    text += f'layer {{ name: "x{wild}" type: "Foo{wild}" bottom: "d" top: "e{wild}" }}'
    (tmp_path / "m.prototxt").write_text(text, encoding="utf-8")
    (tmp_path / "m.cfg").write_text(f"[net]\nheight=8\nwidth=8\nchannels=3\n[foo{wild}]\n", encoding="utf-8")
    (tmp_path / "m.onnx").write_bytes(model([node(f"Foo{wild}", ("x",), "y", field(3, wild.encode()))], []))
    for file in tmp_path.iterdir():
        commands = [["calc", str(file), "-f", form] for form in ("table", "json", "csv", "markdown", "latex")]
        commands += [["calc", str(file), "--strict", "-f", form] for form in ("table", "json")]
        for command in [*commands, *(["export", str(file), "--to", to] for to in ("pytorch", "keras", "cnn"))]:
            done = CliRunner().invoke(main, command)
            shown = "".join(each for each in done.output if not each.isprintable() and each != "\n")
            assert (shown, done.exit_code in (0, 1)) == ("", True), command
