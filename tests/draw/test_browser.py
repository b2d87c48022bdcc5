"""Pages and figures as a real browser shows them: text in its place, nothing on the console, no fault that axe finds.

They need Chromium, playwright, and axe-core's script, whose path is in the environment variable AXE_CORE; `.ci/run`
installs all three. Where a browser stands is in CHROMIUM, otherwise it is looked for.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

import cnncalc
from cnncalc.compare.diff import difference
from cnncalc.diagnostics import Source
from cnncalc.draw import draw
from cnncalc.draw.animation import to_svg as motion_svg
from cnncalc.draw.animation import with_values
from cnncalc.draw.difference import draw_difference
from cnncalc.draw.html import to_html
from cnncalc.draw.svg import to_svg
from cnncalc.draw.text import width
from cnncalc.explain.matrix import Matrix, parse_matrix
from cnncalc.explain.motion import animated_layer, motion

pytestmark = pytest.mark.browser

SCHEMES = ("light", "dark")

#: As root there is no sandbox; and a browser that calls nobody starts sooner.
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert path, "no Chromium is installed"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


class Opened:
    """A page in a browser, and what it wrote on the console or asked the network for."""

    def __init__(self, browser: Browser, path: Path, **settings: Any) -> None:
        self.context = browser.new_context(**settings)
        self.page: Page = self.context.new_page()
        self.said: list[str] = []
        self.fetched: list[str] = []
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.said.append(str(error)))
        self.page.on("request", lambda request: self.fetched.append(request.url))
        self.page.goto(path.as_uri())

    def _console(self, message: ConsoleMessage) -> None:
        self.said.append(message.text)

    def violations(self) -> list[tuple[str, str]]:
        """Return the rules of axe that the page breaks, each with the first element that does."""
        self.page.evaluate(Path(os.environ["AXE_CORE"]).read_text(encoding="utf-8"))
        found = self.page.evaluate("() => axe.run()")
        return [(each["id"], each["nodes"][0]["html"][:200]) for each in found["violations"]]


def matrix(text: str) -> Matrix:
    return parse_matrix(Source("image", text))


def drawings() -> dict[str, str]:
    """The SVG of each kind of figure."""
    layer = animated_layer(cnncalc.parse("input 5x5x1 | conv 3x3 p1 x1"), ())
    image = matrix("3 3 2 1 0; 0 0 1 3 1; 3 1 2 2 3; 2 0 0 2 2; 2 0 0 0 1")
    changes = difference(cnncalc.analyze("resnet18"), cnncalc.analyze("resnet34"))
    shown = motion(layer, whole=True)
    return {
        "resnet50": to_svg(draw(cnncalc.parse("resnet50"))),
        "unet": to_svg(draw(cnncalc.parse("unet"))),
        "flow": to_svg(draw(cnncalc.parse("googlenet"), "flow")),
        "changes": to_svg(draw_difference(changes, ("a", "b"))),
        "motion": motion_svg(shown, with_values(shown, image, matrix("0 1 2; 2 2 0; 0 1 2"))),
    }


@pytest.mark.parametrize("scheme", SCHEMES)
def test_page(browser: Browser, scheme: str, tmp_path: Path) -> None:
    """A page of a figure fetches nothing, says nothing on the console, and has no fault in either scheme."""
    path = tmp_path / "net.html"
    path.write_text(to_html(draw(cnncalc.parse("resnet18")._replace(name="resnet18"))), encoding="utf-8")
    opened = Opened(browser, path, color_scheme=scheme, bypass_csp=True)
    assert opened.fetched == [path.as_uri()]
    assert opened.said == []
    assert opened.violations() == []
    ground = opened.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == {"light": "rgb(255, 255, 255)", "dark": "rgb(17, 21, 26)"}[scheme]


@pytest.mark.parametrize("name", drawings())
def test_text_fits(browser: Browser, name: str, tmp_path: Path) -> None:
    """No text is wider than it was measured, so what does not overlap by the measure does not in the browser."""
    path = tmp_path / "net.svg"
    path.write_text(drawings()[name], encoding="utf-8")
    opened = Opened(browser, path)
    texts = opened.page.evaluate(
        "() => [...document.querySelectorAll('text')].map(t => [t.textContent, "
        "parseFloat(getComputedStyle(t).fontSize), t.getComputedTextLength()])"
    )
    assert len(texts) > 20
    assert [(text, length) for text, size, length in texts if length > width(text, size) + 0.5] == []
    assert opened.said == []
    assert opened.fetched == [path.as_uri()]


@pytest.mark.parametrize("scheme", SCHEMES)
def test_colours(browser: Browser, scheme: str, tmp_path: Path) -> None:
    """A figure follows the reader's scheme without anything from outside: ground and text change places."""
    path = tmp_path / "net.svg"
    path.write_text(drawings()["flow"], encoding="utf-8")
    opened = Opened(browser, path, color_scheme=scheme)
    fills = opened.page.evaluate(
        "() => ['.ground', 'g.text'].map(each => getComputedStyle(document.querySelector(each)).fill)"
    )
    assert (
        fills
        == {
            "light": ["rgb(255, 255, 255)", "rgb(26, 26, 26)"],
            "dark": ["rgb(17, 21, 26)", "rgb(236, 236, 236)"],
        }[scheme]
    )


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["resnet18", "unet", "m5"])
def test_report(browser: Browser, name: str, scheme: str, tmp_path: Path) -> None:
    """The report of a network fetches nothing, says nothing on the console, and has no fault in either scheme."""
    path = tmp_path / "net.html"
    cnncalc.analyze(name).save(path)
    opened = Opened(browser, path, color_scheme=scheme)
    assert opened.fetched == [path.as_uri()]
    assert opened.said == []
    assert opened.violations() == []


def test_report_marks_and_draws(browser: Browser, tmp_path: Path) -> None:
    """A row under the mouse marks its box and tensors; a click draws what the output in the middle sees.

    conv1 of ResNet-18 reads the input and makes a tensor, which bn1 and relu1 write over: two bars, one box. It sees 7,
    and the output in the middle of 112, the 56th, begins at 56·2 − 3 = 109 of 224, drawn on 200 from 20 on.
    """
    path = tmp_path / "net.html"
    cnncalc.analyze("resnet18").save(path)
    page = Opened(browser, path).page
    row = page.locator("tr[data-n='1']")
    row.hover()
    assert page.locator(".lives rect.on").count() == 2
    assert page.locator("svg g.on").count() == 1
    row.click()
    assert page.locator(".field figcaption").inner_text() == "conv1: the output in the middle sees 7×7"
    seen = page.locator(".field .seen")
    assert float(seen.get_attribute("x") or 0) == pytest.approx(20 + 200 * 109 / 224)
    assert float(seen.get_attribute("width") or 0) == pytest.approx(200 * 7 / 224)


def test_report_sorts(browser: Browser, tmp_path: Path) -> None:
    """A heading sorts all layers by its column, the largest first, then the smallest, then as they stood."""
    path = tmp_path / "net.html"
    result = cnncalc.analyze("resnet18")
    result.save(path)
    page = Opened(browser, path).page
    button = page.locator("th button").filter(has_text="parameters")
    names = "() => [...document.querySelectorAll('tbody tr[data-n] td:first-child')].map(each => each.textContent)"
    before = page.evaluate(names)
    button.click()
    ranked = sorted(result.rows, key=lambda row: -row.params)
    assert page.evaluate(names) == [row.name for row in ranked]
    assert page.locator("th[aria-sort=descending]").count() == 1
    button.click()
    assert result[page.evaluate(names)[-1]].params == ranked[0].params
    button.click()
    assert page.evaluate(names) == before


#: Where the window is at each position: the browser's own clock is set to the middle of it.
PLACES = """
(count) => {
  const found = [];
  for (let at = 0; at < count; at++) {
    for (const each of document.getAnimations()) { each.pause(); each.currentTime = 1000 * 0.8 * (at + 0.5); }
    const tap = document.querySelector('.window').getBoundingClientRect();
    const made = document.querySelector('.made').getBoundingClientRect();
    found.push([tap.x, tap.y, made.x, made.y].map(Math.round));
  }
  return found;
}
"""


def test_motion(browser: Browser, tmp_path: Path) -> None:
    """The browser moves the window by 30 a column and a row, and the mark on the output with it."""
    path = tmp_path / "conv.svg"
    path.write_text(drawings()["motion"], encoding="utf-8")
    places = Opened(browser, path).page.evaluate(PLACES, 25)
    x, y, left, top = places[0]
    expected = [[x + 30 * (k % 5), y + 30 * (k // 5), left + 30 * (k % 5), top + 30 * (k // 5)] for k in range(25)]
    assert places == expected


def test_reduced_motion(browser: Browser, tmp_path: Path) -> None:
    """Where a reader wants no motion, nothing moves, and no result is covered."""
    path = tmp_path / "conv.svg"
    path.write_text(drawings()["motion"], encoding="utf-8")
    page = Opened(browser, path, reduced_motion="reduce").page
    assert page.evaluate("() => document.getAnimations().length") == 0
    assert page.evaluate("() => getComputedStyle(document.querySelector('.cover')).display") == "none"
