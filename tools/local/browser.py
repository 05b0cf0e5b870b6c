"""Chromium without a window, logged in to a Grafana: what its pages show, measured as they are drawn.

Playwright drives the machine's own Chromium (Debian's ``chromium``). It downloads no browser.
"""

from __future__ import annotations

import os
from base64 import b64decode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

from tools.servers.find import binary

WIDTH = 1280
"""Pixels of a small laptop's screen."""
# Two cores are shared with the servers that the page asks.
_PATIENCE_MS = 60_000
# Panels are drawn when they come into view: with a page this much higher than the dashboard all of them are.
_CONTROLS_PX, _GRID_PX = 400, 38
_DRAWN = """(wanted) => {
    const drawn = [...document.querySelectorAll('section[data-testid^="data-testid Panel header"]')];
    const content = (panel) => panel.querySelector('[data-testid="data-testid panel content"]');
    const refreshes = document.querySelector('[data-testid="data-testid RefreshPicker run button"]');
    return drawn.length >= wanted && drawn.every((panel) => content(panel)?.childElementCount > 0)
        && refreshes && !refreshes.innerText.includes('Cancel');
}"""
_END = """() => 16 + Math.max(200, ...[...document.querySelectorAll('section[data-testid^="data-testid Panel header"]')]
    .map((panel) => panel.getBoundingClientRect().bottom))"""
_SHOWN = """() => {
    const asked = performance.getEntriesByType('resource').filter((each) => each.name.includes('/api/ds/query'));
    const longer = (each) => each.scrollWidth > each.clientWidth;
    const number = /^-?\\d+(\\.\\d+)?\\D{0,12}$/;
    const text = (each) => each?.innerText?.trim() ?? '';
    const cut = (cell) => {
        // What is aligned to the right is cut on the left, which no width tells.
        const range = document.createRange(), place = cell.getBoundingClientRect();
        range.selectNodeContents(cell.querySelector('button') ?? cell);
        const inside = range.getBoundingClientRect();
        const beyond = inside.left < place.left - 0.5 || inside.right > place.right + 0.5;
        return text(cell) !== '' && (longer(cell) || beyond);
    };
    const panels = [...document.querySelectorAll('section[data-testid^="data-testid Panel header"]')].map((panel) => {
        const title = panel.querySelector('h2'), grid = panel.querySelector('[role="grid"]');
        const heads = grid ? [...grid.querySelectorAll('[role="columnheader"]')] : [];
        const numbers = grid ? [...grid.querySelectorAll('[role="gridcell"]')] : [];
        return {
            title: text(title),
            title_cut: title ? cut(title) : false,
            failed: panel.querySelector('[data-testid^="data-testid Panel status"]') !== null,
            text: text(panel.querySelector('[data-testid="data-testid panel content"]')),
            columns: heads.map(text),
            columns_cut: heads.filter(cut).map(text),
            numbers_cut: numbers.filter((each) => number.test(text(each)) && cut(each)).map(text),
            links: [...panel.querySelectorAll('[role="gridcell"] a')].map((each) => each.getAttribute('href')),
            legend: [...panel.querySelectorAll('[data-testid^="data-testid VizLegend series"]')].map(text),
            wider: grid ? Math.max(0, grid.scrollWidth - grid.clientWidth) : 0,
        };
    });
    return {seconds: Math.max(0, ...asked.map((each) => each.responseEnd)) / 1000, panels: panels};
}"""


@dataclass(frozen=True)
class ShownPanel:
    """One panel as it is drawn."""

    title: str
    title_cut: bool
    """Whether the title is longer than its place."""
    failed: bool
    """Whether the panel has the mark of a failed query."""
    text: str
    """Everything that can be read in it below the title."""
    columns: tuple[str, ...]
    """Heads of a table's columns that are in view."""
    columns_cut: tuple[str, ...]
    """Those heads that are longer than their columns."""
    numbers_cut: tuple[str, ...]
    """Cells that begin with a number, and are longer than their columns."""
    links: tuple[str, ...]
    """Where a click on a cell of a table leads."""
    legend: tuple[str, ...]
    wider: int
    """By how many pixels a table is wider than its panel; above 0 it has a scroll bar."""

    @property
    def empty(self) -> bool:
        """Whether it shows Grafana's text for an answer without data."""
        return self.text.endswith("No data")


@dataclass(frozen=True)
class Shown:
    """A dashboard as it is drawn."""

    seconds: float
    """From the request for the page to the last answer of a datasource."""
    panels: tuple[ShownPanel, ...]


class Browser:
    """Pages of one Grafana, :data:`WIDTH` wide. The scripts of Grafana are loaded once."""

    def __init__(self, page: Page, url: str) -> None:
        self._page, self._url = page, url

    def open(self, dashboard: Mapping[str, Any], variables: Mapping[str, str], picture: Path | None = None) -> Shown:
        """A dashboard, given as its JSON, of the last quarter of an hour, with all panels; saved as a ``picture``."""
        places = [each["gridPos"] for each in dashboard["panels"]]
        height = max(place["y"] + place["h"] for place in places) * _GRID_PX + _CONTROLS_PX
        self._page.set_viewport_size({"width": WIDTH, "height": height})
        chosen = "".join(f"&var-{name}={value}" for name, value in variables.items())
        self._page.goto(f"{self._url}/d/{dashboard['uid']}?kiosk&from=now-15m&to=now{chosen}", timeout=_PATIENCE_MS)
        wanted = sum(each["type"] != "row" for each in dashboard["panels"])
        self._page.wait_for_function(_DRAWN, arg=wanted, timeout=_PATIENCE_MS)
        self._page.wait_for_load_state("networkidle", timeout=_PATIENCE_MS)
        if picture:
            end = self._page.evaluate(_END)
            self._page.screenshot(path=picture, clip={"x": 0, "y": 0, "width": WIDTH, "height": end})
        measured = self._page.evaluate(_SHOWN)
        return Shown(measured["seconds"], tuple(map(_panel, measured["panels"])))

    def small_picture(self, path: Path, height: int) -> None:
        """The upper ``height`` pixels of what was opened last, at three fifths of its size, for a page of text."""
        clip = {"x": 0, "y": 0, "width": WIDTH, "height": height, "scale": 0.6}
        session = self._page.context.new_cdp_session(self._page)
        path.write_bytes(b64decode(session.send("Page.captureScreenshot", {"clip": clip})["data"]))


def _panel(measured: Mapping[str, Any]) -> ShownPanel:
    made: dict[str, Any] = {name: tuple(of) if isinstance(of, list) else of for name, of in measured.items()}
    return ShownPanel(**made)


@contextmanager
def logged_in(url: str, user: str, password: str) -> Iterator[Browser]:
    """A browser with the session of ``user`` in the Grafana at ``url``. Raises NotHad without Chromium."""
    # Chromium's sandbox does not start as root, as in most containers.
    arguments = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=binary("chromium"), args=arguments)
        context = chromium.new_context(base_url=url)
        answer = context.request.post("/login", data={"user": user, "password": password})
        assert answer.ok, f"{url}: {answer.status} for the login of {user}"
        yield Browser(context.new_page(), url)
        chromium.close()
