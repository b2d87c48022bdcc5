"""What a scene becomes: SVG that is well-formed and safe, TikZ in plain letters, a page that fetches nothing."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from xml.etree import ElementTree

import pytest

import cnncalc
from cnncalc.draw import draw
from cnncalc.draw.families import FAMILY
from cnncalc.draw.html import to_html
from cnncalc.draw.scene import Scene
from cnncalc.draw.svg import DARK, LIGHT, to_svg
from cnncalc.draw.text import UNPRINTABLE, width
from cnncalc.draw.tikz import to_tikz
from cnncalc.zoo import members

SVG = "{http://www.w3.org/2000/svg}"

#: Names as a file could have them: markup, commands of LaTeX, signs that turn text around, and none that a font has.
HOSTILE = (
    "</title><script>alert(1)</script>",
    r"\input{/etc/passwd} $x_1^2$ #&%~",
    "a\u202eb\x00\x1b[31m",
    "卷积 𝔘 ⊗ é",
    "-" * 400,
)


def hostile() -> Scene:
    graph = cnncalc.parse("input 8x8x3 | conv 3x3 x4 | pool 2 | fc 5 | relu | fc 2")
    nodes = tuple(node._replace(name=HOSTILE[at % 5]) for at, node in enumerate(graph.nodes))
    return draw(graph._replace(nodes=nodes, name=" ".join(HOSTILE)), captions="all")


@pytest.mark.parametrize("style", ["blocks", "flow"])
def test_svg(style: str) -> None:
    """Text stays text; the picture says what it is; nothing is run or fetched; it is ASCII, the same every time."""
    graph = cnncalc.parse("resnet18")._replace(name="resnet18")
    text = to_svg(draw(graph, style))
    root = ElementTree.fromstring(text)
    assert text.isascii()
    assert text == to_svg(draw(cnncalc.parse("resnet18")._replace(name="resnet18"), style))
    assert root.findtext(f"{SVG}title") == "resnet18"
    assert root.findtext(f"{SVG}desc") == "69 layers in 32 boxes, from 224×224×3 to 1000."
    words = {each.text for each in root.iter(f"{SVG}text")}
    assert {"resnet18", "convolution"} <= words
    assert not re.search(r"<script|href|url\(|@import|onload", text)
    ids = re.findall(r' id="([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert "prefers-color-scheme:dark" in text


def test_titles() -> None:
    """Each box says which layers it is, and what comes out of it."""
    root = ElementTree.fromstring(to_svg(draw(cnncalc.parse("input 8x8x3 | conv 3x3 x4 | bn | relu | fc 5"))))
    titles = [each.findtext(f"{SVG}title") for each in root.iter(f"{SVG}g")]
    assert [title for title in titles if title] == [
        "input1: input 8x8x3 → 8×8×3",
        "conv1: conv 3x3 x4, bn, relu → 6×6×4",
        "fc1: fc 5 → 5",
    ]


def test_sizes_of_files() -> None:
    """ResNet-50's drawing is under 50 kB in both styles."""
    for style in ("blocks", "flow"):
        assert len(to_svg(draw(cnncalc.parse("resnet50"), style))) < 50_000


def test_hostile_names() -> None:
    """Whatever a file calls its layers is text: markup is escaped, and what no file may hold is replaced."""
    text = to_svg(hostile())
    root = ElementTree.fromstring(text)
    assert [each.tag for each in root.iter() if each.tag.removeprefix(SVG) in ("script", "a", "image")] == []
    assert UNPRINTABLE.search("".join(root.itertext()).replace("\n", "")) is None
    page = to_html(hostile())
    assert page.isascii()
    assert "<script" not in page
    assert "default-src 'none'" in page
    tikz = to_tikz(hostile())
    assert tikz.isascii()
    body = tikz.partition("\n")[2]
    assert r"\input" not in body
    # Of the name's signs none is left that TeX would obey.
    assert re.findall(r"(?<!\\)[#&~]|(?<!\\)%(?! )", body) == []


def test_coordinates() -> None:
    """Boxes have named coordinates, each name once."""
    tikz = to_tikz(draw(cnncalc.parse("input 8x8x3 | (conv 3x3 x4 | relu) as a | pool 2 | fc 5")))
    names = re.findall(r"\\coordinate \(([^)]*)\)", tikz)
    assert [name for name in names if name.count("-") < 2 and not re.search("-(west|east|north|south)$", name)] == [
        "input1",
        "a-conv1",
        "pool1",
        "fc1",
    ]
    assert len(names) == len(set(names)) == 20


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(scheme: tuple[str, ...]) -> None:
    """Text and notes have 4.5 to 1 on the ground and on frames and cards, lines 3 to 1 (WCAG 2.1, 1.4.3 and 1.4.11)."""
    ground, text, note, line, _, fill = scheme
    assert min(contrast(each, on) for each in (text, note) for on in (ground, fill)) >= 4.5
    assert min(contrast(line, on) for on in (ground, fill)) >= 3
    assert contrast("#1a1a1a", FAMILY["merge"].colour) >= 4.5


def test_measure() -> None:
    """A text is measured at the widest of the fonts: by DejaVu Sans's own table, 64 for a digit and 62 for an `a`."""
    assert width("10a", 100) == 64 + 64 + 62
    assert width("卷", 10) == 14


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("pdflatex"), reason="no LaTeX is installed")
def test_latex(tmp_path: Path) -> None:
    """Both styles compile as they are, with hostile names too, without an overfull box or a missing character."""
    scenes = {"hostile": hostile()}
    for name in ("lenet5", "unet", "googlenet", "yolov3_tiny"):
        scenes[f"{name}-blocks"] = draw(cnncalc.parse(name))
        scenes[f"{name}-flow"] = draw(cnncalc.parse(name), "flow")
    for name, scene in scenes.items():
        (tmp_path / f"{name}.tex").write_text(to_tikz(scene), encoding="ascii")
        done = subprocess.run(
            ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", f"{name}.tex"],
            cwd=tmp_path, capture_output=True, text=True, errors="replace", check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:]
        log = (tmp_path / f"{name}.log").read_text(encoding="utf-8", errors="replace")
        assert "(1 page" in log
        assert not re.search(r"Overfull|Missing character|Undefined", log)


@pytest.mark.slow
def test_every_network_is_well_formed() -> None:
    """The SVG of every network of the zoo parses."""
    for name in members():
        ElementTree.fromstring(to_svg(draw(cnncalc.parse(name))))
