"""How values look in every panel: units, thresholds, colours, and what is shown in place of a value."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal

from dashboards.colours import COLOURS, GOOD, NEUTRAL
from dashboards.grafana_sdk import models, sdk
from dashboards.model import Panel, Query, Visualization
from model.metrics import Unit
from model.rules import BaseAlert, Severity

UNITS = {
    Unit.NONE: "short",
    Unit.RATIO: "percentunit",
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    Unit.BYTES_PER_SECOND: "binBps",
    Unit.TIMESTAMP: "dateTimeFromNow",
    Unit.CURRENCY: "currencyUSD",
}
"""Grafana's name of each unit. Of a rate it also says what is counted: :func:`unit_of`."""
GREY = "#8e8e8e"
"""Colour of what has no severity."""
_COUNTED = re.compile(r"\b(?:\w+:(\w+):[a-z_]+\d+[a-z]|(\w+)_total)\b")
"""Names of series that end with what they count: recordings (of what, what is counted, how) and counters."""
_NOUNS = {
    "apiserver_request": "requests",
    "checkpoints_req": "checkpoints",
    "head_samples": "samples",
    "http_status_codes": "requests",
    'measure="tokens"': "tokens",
    "mongodb_ss_opcounters": "operations",
    "pgmajfault": "page faults",
    "pilot_xds_pushes": "pushes",
    "query_duration": "queries",
    "redis_commands": "commands",
    "scrape_samples": "samples",
    "sent_entries": "lines",
    "series_created": "series",
    "stat_statements": "statements",
    "tasks_completed": "tasks",
    "webhook_rejection": "rejections",
    "xact_commit": "transactions",
}
"""What other series count, by a part of their names."""
_SHORT = {"requests": "req", "authentications": "logins", "delegations": "calls"}
"""Words that are short enough for an axis and a table's cell; Grafana writes req/s as well."""


def unit_of(panel: Panel, query: Query) -> str:
    """Grafana's unit of a query's values. A rate says what is counted, such as "requests/s"."""
    unit = panel.unit if query.unit is None else query.unit
    if unit is not Unit.PER_SECOND:
        return UNITS[unit]
    found = _COUNTED.search(query.expr)
    last = (found[1] or found[2]).rpartition("_")[2] if found else ""
    noun = next((noun for part, noun in _NOUNS.items() if part in query.expr), last)
    noun = panel.counted or noun
    return f"count:{_SHORT.get(noun, noun)}/s"


def usual_unit(panel: Panel) -> str:
    """Grafana's unit of a panel's values, except those with a unit of their own."""
    return unit_of(panel, next((query for query in panel.queries if query.unit is None), panel.queries[0]))


def thresholds(panel: Panel, alert: BaseAlert | None) -> sdk.ThresholdsConfig:
    """The alert's thresholds as colours: the panel turns red where the alert becomes critical."""
    lines = list(alert.thresholds.items())[::-1] if alert else []
    if panel.counts or not lines:
        severity = alert.severities[-1] if alert else panel.severity
        lines = [(severity, Decimal(1))] if severity else []
    colours = [GOOD if lines else NEUTRAL, *(COLOURS[severity] for severity, _ in lines)]
    if alert is not None and alert.below and not panel.counts:
        # For `below`, the lowest threshold is the most urgent, and values above the last one are good. A chart draws
        # each threshold in the colour of what begins there, which would be that of the next milder one.
        lines = lines[::-1]
        drawn = panel.visualization is Visualization.TIME_SERIES
        colours = [GOOD, *(COLOURS[severity] for severity, _ in lines)] if drawn else colours[::-1]
    values = [None, *(float(number) for _, number in lines)]
    if panel.unmeasured and panel.visualization is Visualization.STAT and colours[0] == GOOD:
        # What is not known has the first colour. Counts and shares begin at 0.
        values, colours = [None, 0.0, *values[1:]], [NEUTRAL, *colours]
    steps = [models.Threshold(value=value, color=colour) for value, colour in zip(values, colours, strict=True)]
    return sdk.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def of_query(query: Query, panel: Panel, alerts: Mapping[str, BaseAlert]) -> list[models.DynamicConfigValue]:
    """The properties that colour one query's values by other thresholds than the panel's."""
    if query.below:
        colours = [COLOURS[severity] for severity, _ in reversed(query.below)] + [GOOD]
        values = [None, *(float(line) for _, line in reversed(query.below))]
        steps = [models.Threshold(value=value, color=colour) for value, colour in zip(values, colours, strict=True)]
        return [property_of("thresholds", sdk.ThresholdsConfig().steps(steps).build())]
    alert = alerts.get(query.alert)
    return [property_of("thresholds", thresholds(panel, alert).build())] if alert is not None else []


def value_names(panel: Panel) -> dict[str, str]:
    """Grafana's names of the values of instant queries, which have no legend, and ours."""
    return {f"Value #{chr(ord('A') + n)}": query.legend for n, query in enumerate(panel.queries)}


def nothing(panel: Panel) -> str:
    """What a panel shows without data; empty if it is Grafana's own text, "No data": the value is not known.

    Without results of an alert all is well: "none".
    """
    if panel.unmeasured:
        return panel.unmeasured
    found = panel.counts or panel.severity is not None or "severity" in panel.columns
    return "none" if found or panel.visualization is Visualization.STATE_TIMELINE else ""


def severities(values: Mapping[Severity, object]) -> models.ValueMap:
    """A value mapping that shows a severity's name in its colour."""
    return models.ValueMap(
        {
            str(value): models.ValueMappingResult(text=severity, color=COLOURS[severity], index=position)
            for position, (severity, value) in enumerate(values.items())
        }
    )


def property_of(name: str, value: object) -> models.DynamicConfigValue:
    """A property of an override."""
    return models.DynamicConfigValue(name, value)
