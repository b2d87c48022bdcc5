"""The report of a network as a page: what it holds, what it allows, and how large it is."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from command_line import run

import cnncalc
from cnncalc.analysis import Analysis, Options, analyze_graph
from cnncalc.figures.memory_planner import plan
from cnncalc.report.columns import choose
from cnncalc.report.network import network_document
from cnncalc.report.page import network_page

SPEC = "input 8x8x3 | conv 3x3 x4 as first | bn | relu | add(conv 3x3 same x4 ; ) | pool 2 | fc 5"


def report(spec: str, title: str = "net") -> str:
    return report_of(analyze_graph(cnncalc.parse(spec, letters=True), Options()), title)


def report_of(analysis: Analysis, title: str = "net") -> str:
    return network_page(analysis, network_document(analysis, choose(None), folding=True), title)


def data(page: str) -> dict[str, Any]:
    """What the script of a page knows."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    known: dict[str, Any] = json.loads(found[1])
    return known


def test_command_and_library(tmp_path: Path) -> None:
    """The command and the library write the same page, under the name of the file where the network has none."""
    assert run(SPEC, "-o", str(tmp_path / "net.html")).exit_code == 0
    by_command = (tmp_path / "net.html").read_text(encoding="utf-8")
    cnncalc.analyze(SPEC).save(tmp_path / "net.html")
    assert by_command == (tmp_path / "net.html").read_text(encoding="utf-8") == report(SPEC)


def test_policy() -> None:
    """The policy fetches nothing and allows one script alone, by the hash of its text."""
    page = report(SPEC)
    (script,) = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    allowed = b64encode(sha256(script.encode()).digest()).decode()
    assert policy[1].split("; ") == [
        "default-src 'none'",
        f"script-src 'sha256-{allowed}'",
        "style-src 'unsafe-inline'",
        "base-uri 'none'",
        "form-action 'none'",
    ]
    assert not re.search(r"\bon\w+=|javascript:|https?://(?!www\.w3\.org)", page)


def test_data() -> None:
    """The script knows each layer's name, the tensors that it touches, and what it sees.

    Of the tensors, in the order of their lives: the input; conv `first`'s, which bn and relu write over; conv2's, which
    the sum writes over; the pool's, of which the flattened one is an alias; and fc's.
    """
    known = data(report(SPEC))
    names: list[str] = []
    for shared, rest in known["names"]:
        names.append((names[-1] if names else "")[:shared] + rest)
    result = cnncalc.analyze(SPEC)
    assert names == [row.name for row in result.rows]
    assert known["tensors"] == [[0], [0, 1], [1], [1], [1, 2], [1, 2], [2, 3], [3], [3, 4]]
    # The outputs in the middle: of 8 the fourth sees itself, of 6 the third begins at 3, of same padding one earlier.
    fields = [known["fields"][at] for at in known["field"]]
    assert fields == [[[1, 4]], [[3, 3]], [[3, 3]], [[3, 3]], [[5, 2]], [[5, 2]], [[6, 1]], None, None]


def test_memory() -> None:
    """There is a bar for each tensor, as many steps long as it lives, as high as it is large; the sum is the arena."""
    analysis = analyze_graph(cnncalc.parse("lenet5"), Options())
    page = report_of(analysis)
    lives = page.partition('class="lives"')[2].partition("</svg>")[0]
    bars = re.findall(r'<rect x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"/>', lives)
    allocations = sorted(plan(analysis.feature_maps, 4), key=lambda each: each.buffer)
    assert len(bars) == len(allocations)
    step, height = 640 / len(analysis.rows), max(each.end for each in allocations)
    for (x, y, wide, tall), each in zip(bars, allocations, strict=True):
        last = min(each.buffer.last, len(analysis.rows) - 1)
        assert float(x) == pytest.approx(each.buffer.first * step, abs=0.06)
        assert float(wide) == pytest.approx((last - each.buffer.first + 1) * step, abs=0.06)
        assert float(tall) == pytest.approx(200 * each.size / height, abs=0.06)
        assert float(y) + float(tall) == pytest.approx(200 - 200 * each.offset / height, abs=0.11)


def test_boxes_stand_for_all_copies() -> None:
    """A box of a repeat has the layers of every copy: each layer of ResNet-152 is found on the picture once."""
    page = report("resnet152")
    numbers = [int(n) for each in re.findall(r'<g data-n="([\d ]+)"', page) for n in each.split()]
    assert sorted(numbers) == list(range(len(cnncalc.parse("resnet152").nodes)))


def test_size() -> None:
    """The page of ResNet-152 is under 300 kB."""
    assert len(report("resnet152").encode()) < 300_000


def test_hostile_names() -> None:
    """Whatever a file calls its layers and network is text, on the page and in the script's data."""
    graph = cnncalc.parse(SPEC)
    nodes = tuple(node._replace(name=f'</script><b onclick="x">{node.index}\x1b') for node in graph.nodes)
    page = report_of(analyze_graph(graph._replace(nodes=nodes), Options()), "</title><script>alert(1)</script>")
    assert page.count("<script") == page.count("</script>") == 2
    assert "<b onclick" not in page
    assert "\x1b" not in page
    assert all(rest.isprintable() for _, rest in data(page)["names"])


@pytest.mark.parametrize("spec", ["input HxWx3 | conv 3x3 x4", "input 8x8x3"])
def test_table_alone(spec: str) -> None:
    """A network of letters, and one without a layer, has the table alone, and no script is allowed."""
    page = report(spec)
    assert "<script" not in page
    assert "script-src" not in page
    assert "<table" in page
