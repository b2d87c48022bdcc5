"""The zoo's table and files: each names its source, is written canonically, and serves as it is copied."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cnncalc
from cnncalc import zoo
from cnncalc.diagnostics import Problems, Source
from cnncalc.language.nodes import LetNode
from cnncalc.language.parse import parse
from cnncalc.language.write import write

FILES = sorted(Path(zoo.FOLDER).glob("*.cnn"))
MEMBERS = list(zoo.members().values())

#: Networks of another number of axes than two, or of one height.
PARTICULAR = {"c3d", "m5", "m11", "m18", "crnn", "deepspeech2"} | {
    f"kws_crnn_{size}" for size in ("small", "medium", "large")
}


def lets(text: str) -> dict[str, str]:
    """The lets of a spec with their values as they stand."""
    spec = parse(Source("<spec>", text), Problems())
    return {each.name: each.value.span.text for each in spec.definitions if isinstance(each, LetNode)}


def test_every_file_has_members() -> None:
    """No file of the zoo goes without a member, and no member without its file."""
    assert {file.name for file in FILES} == {member.file for member in MEMBERS}


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_head(file: Path) -> None:
    """A file's head names its paper, the authors and the year."""
    head = " ".join(re.findall(r"^# (.*)", file.read_text(encoding="utf-8").partition("\n\n")[0], re.MULTILINE))
    assert re.match(r"[^:]+: .+ ([A-Z][a-z]+|et al\.), (NIPS )?(19|20)\d\d", head)
    assert re.search(r"arXiv:\d{4}\.\d{4,5}|NIPS 2012|Proceedings of the IEEE", head)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_canonical(file: Path) -> None:
    """A file is in the form that `cnncalc format` gives, in lines of at most 100 characters."""
    text = file.read_text(encoding="utf-8")
    source = Source(file.name, text)
    problems = Problems()

    assert write(parse(source, problems), problems, source) == text
    assert max(map(len, text.splitlines())) <= 100


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_file_is_a_spec(file: Path) -> None:
    """A family's file is a network as it stands."""
    assert cnncalc.analyze(file).totals.params > 0


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_member(member: zoo.Member, tmp_path: Path) -> None:
    """A member's values are in its spec, which in a file of its own gives the figures that the name gives."""
    text = member.text()
    assert lets(text).items() >= member.lets.items()

    copy = tmp_path / f"{member.name}.cnn"
    copy.write_text(text, encoding="utf-8")
    assert cnncalc.analyze(copy).totals == cnncalc.analyze(member.name).totals


def test_names_are_unique() -> None:
    """No name is that of two networks, and none could be read as a layer or a command."""
    table = (Path(zoo.FOLDER) / "members.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([a-z]\w*)(?=\s|$)(?!\S*\.cnn)", table, re.MULTILINE)

    assert names == list(zoo.members())
    assert not set(names) & {"calc", "format", "layers", "syntax", "zoo"}


@pytest.mark.parametrize("name", [name for name in zoo.members() if name not in PARTICULAR])
def test_another_input(name: str) -> None:
    """A network takes an image of 320x320x3 in place of its own."""
    assert cnncalc.parse(name, input="320x320x3").nodes[0].shape.dims == (320, 320, 3)


@pytest.mark.parametrize("height", range(401, 434, 2))
def test_label_map(height: int) -> None:
    """At any size FCN-8s gives a label for every pixel, and U-Net for those that its unpadded windows leave."""
    width = 501 + 3 * (height - 401)
    assert cnncalc.parse("fcn8s", input=(height, width, 3)).nodes[-1].shape.dims == (height, width, 21)

    # Each of 4 levels up and down takes 4 rows at its scale, twice at the lowest; halving leaves a rest out.
    at = [height, width]
    for _ in range(4):
        at = [(n - 4) // 2 for n in at]
    at = [n - 4 for n in at]
    for _ in range(4):
        at = [2 * n - 4 for n in at]
    assert cnncalc.parse("unet", input=(height, width, 1)).nodes[-1].shape.dims == (*at, 2)


@pytest.mark.parametrize("member", MEMBERS, ids=lambda member: member.name)
def test_classes(member: zoo.Member) -> None:
    """Every network has the number of its classes as a let, which its output follows."""
    before = cnncalc.parse(member.name)
    after = cnncalc.parse(member.name, variables={"classes": 7})
    own = int(lets(member.text())["classes"])
    for one, other in zip(before.outputs, after.outputs, strict=True):
        channels, changed = before.nodes[one].shape.channels, after.nodes[other].shape.channels
        # A detector has three boxes at each place, of 4 corners, an objectness and the classes.
        of = {own: 7, 3 * (5 + own): 3 * (5 + 7)}
        assert changed == of[channels] != channels
    changed = [a.layer for a, b in zip(before.nodes, after.nodes, strict=True) if a.layer != b.layer]
    assert {layer.kind for layer in changed} <= {"conv", "fc", "deconv"}


def test_variable() -> None:
    """A let of the zoo is set from outside as any other."""
    assert cnncalc.analyze("resnet50", variables={"n3": 23}).totals == cnncalc.analyze("resnet101").totals


def test_name_of_the_graph() -> None:
    """The graph has the name of the network, whatever the capitals it was asked for by."""
    assert cnncalc.parse(" ResNet50\n").name == "resnet50"


def test_resnet_fits_a_screen() -> None:
    """ResNet's file, bottlenecks and all, takes no more than 24 lines."""
    assert len((Path(zoo.FOLDER) / "resnet.cnn").read_text(encoding="utf-8").splitlines()) <= 24


def test_no_name() -> None:
    """What is neither a name nor text is told so, with the nearest name."""
    with pytest.raises(cnncalc.SpecError) as caught:
        cnncalc.analyze("resnet5O")
    assert str(caught.value) == (
        "error[E101]: unknown network `resnet5O`\n"
        " --> <spec>:1:1\n"
        "  |\n"
        "1 | resnet5O\n"
        "  | ^^^^^^^^ neither a name of the zoo nor a layer word\n"
        "  = note: tried as a network of the zoo and as a spec\n"
        "  = help: write `resnet50`"
    )
