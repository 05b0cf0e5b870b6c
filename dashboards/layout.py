"""Where panels lie: lines that are full, and stats so wide that their titles can be read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import takewhile
from math import ceil

from dashboards.grafana_sdk import models
from dashboards.model import COLUMNS, STAT, Panel, Row, Visualization
from model.uids import panel_number

Placed = tuple[int, Panel, models.GridPos]
# Two lines of stats take no more room than a time series.
_LOW = 3
_THIRD, _HALF = COLUMNS // 3, COLUMNS // 2
_USUAL = (_THIRD, 8)


def laid_out(rows: tuple[Row, ...]) -> Iterator[tuple[int, Row, models.GridPos, list[Placed]]]:
    """Rows and panels with ids and positions. Each panel is placed as high as it fits, then as far left."""
    top, number = 0, 0
    for row in rows:
        heading, placed, filled = number + 1, list[Placed](), [top + 1] * COLUMNS
        left = _stats_spread(row.panels)
        while left:
            panel, *left = _lines_filled(left) if len(set(filled)) == 1 else left
            heights = {x: max(filled[x : x + panel.width]) for x in range(COLUMNS - panel.width + 1)}
            x = min(heights, key=heights.__getitem__)
            place = models.GridPos(h=panel.height, w=panel.width, x=x, y=heights[x])
            own = panel_number(panel.title) if panel.linked else heading + 1 + len(placed)
            placed.append((own, panel, place))
            filled[x : x + panel.width] = [heights[x] + panel.height] * panel.width
        yield heading, row, models.GridPos(h=1, w=COLUMNS, x=0, y=top), placed
        top = top + 1 if row.collapsed else max(filled)
        number = heading + len(placed)


def _stats_spread(panels: Sequence[Panel]) -> list[Panel]:
    """Stats at the beginning of a row, as wide as each other's line allows, where they are alone in it."""
    stats = list(takewhile(lambda panel: panel.visualization is Visualization.STAT and panel.width == STAT, panels))
    if len(stats) == 2 and [_size(panel) for panel in panels[2:]] == [_USUAL] * 2:
        # One below the other, beside two time series.
        beside = (replace(panel, width=(COLUMNS - STAT) // 2) for panel in panels[2:])
        return [stats[0], *beside, stats[1]]
    lines = ceil(len(stats) / (COLUMNS // STAT))
    if not stats or (lines == 1 and len(stats) < len(panels)):
        return list(panels)
    longest = ceil(len(stats) / lines)
    widths = [COLUMNS // min(longest, len(stats) - n // longest * longest) for n in range(len(stats))]
    height = _LOW if lines > 1 else stats[0].height
    wide = [replace(panel, width=width, height=height) for panel, width in zip(stats, widths, strict=True)]
    return [*wide, *panels[len(stats) :]]


def _size(panel: Panel) -> tuple[int, int]:
    return panel.width, panel.height


def _lines_filled(panels: list[Panel]) -> list[Panel]:
    """Panels of the usual size, of which the last ones are wider, so that none is alone in its line."""
    if any(_size(panel) != _USUAL for panel in panels):
        return panels
    if len(panels) == 1:
        return [replace(panels[0], width=COLUMNS)]
    halves = {0: 0, 1: 4, 2: 2}[len(panels) % 3]
    thirds = len(panels) - halves
    return [replace(panel, width=_THIRD if n < thirds else _HALF) for n, panel in enumerate(panels)]
