"""What the rows of a table say and where they lead: words for numbers, columns for links alone, links."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dashboards.colours import COLOURS, GOOD
from dashboards.fields import property_of
from dashboards.grafana_sdk import models, sdk
from dashboards.model import DOWN, UP, URGENCY, Panel
from model.rules import Severity


def finish(made: Any, panel: Panel, closer: Mapping[str, str]) -> None:
    """Add these to the builder of a table. ``closer`` are links before the panel's own, title to URL."""
    for query in panel.queries:
        if query.status:
            cell = property_of("custom.cellOptions", {"type": "color-background"})
            made.override_by_name(query.legend, [cell, property_of("mappings", [_STATUS])])
    if panel.words:
        words = {value: models.ValueMappingResult(text=text) for value, text in panel.words.items()}
        made.override_by_name(panel.columns[0], [property_of("mappings", [models.ValueMap(words)])])
    if links := {**closer, **panel.row_links}:
        kind = models.DashboardLinkType.LINK
        made.data_links([sdk.DashboardLink(title).type(kind).url(url) for title, url in links.items()])


_STATUS = models.ValueMap(
    {
        str(value): models.ValueMappingResult(text=text, color=colour)
        for value, text, colour in (
            (UP, "up", GOOD),
            *((urgency, str(severity), COLOURS[severity]) for severity, urgency in URGENCY.items()),
            (DOWN, "down", COLOURS[Severity.CRITICAL]),
        )
    }
)
