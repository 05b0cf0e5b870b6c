"""What the rows of a table say and where they lead: words for numbers, columns for links alone, links."""

from __future__ import annotations

from typing import Any

from grafana_foundation_sdk.builders import dashboard as sdk
from grafana_foundation_sdk.models import dashboard as models

from dashboards.colours import COLOURS, GOOD
from dashboards.model import DOWN, UP, URGENCY, Panel
from model.rules import Severity


def finish(made: Any, panel: Panel) -> None:
    """Add these to the builder of a table."""
    for query in panel.queries:
        if query.status:
            cell = models.DynamicConfigValue("custom.cellOptions", {"type": "color-background"})
            made.override_by_name(query.legend, [cell, models.DynamicConfigValue("mappings", [_STATUS])])
    for column in panel.hidden:
        made.override_by_name(column, [models.DynamicConfigValue("custom.hidden", True)])
    if panel.words:
        words = {value: models.ValueMappingResult(text=text) for value, text in panel.words.items()}
        made.override_by_name(panel.columns[0], [models.DynamicConfigValue("mappings", [models.ValueMap(words)])])
    links = dict(panel.row_links)
    if panel.data_link:
        # Without `percentencode`, Grafana does not escape & and + in a value.
        chosen = "&".join(f"var-{column}=${{__data.fields.{column}:percentencode}}" for column in panel.columns)
        links = {"Look closer": f"/d/{panel.data_link}?{chosen}&${{__url_time_range}}"} | links
    if links:
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
