"""The queries of dashboards, as a server would get them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

from dashboards.model import Dashboard, Panel, Query

RANGES = {"$__rate_interval": "5m", "$__interval": "1m", "$__auto": "1m", "$__range": "6h", "$__range_s": "21600"}
"""What Grafana puts in place of its own variables."""


def prometheus_queries(dashboard: Dashboard) -> list[tuple[Panel, Query]]:
    """Once with each value of a choice that is written in the dashboard."""
    asked = [(p, query) for p in dashboard.panels for query in p.queries if query.datasource.type == "prometheus"]
    for choice in dashboard.custom_variables:
        chosen = f"${{{choice.name}:raw}}"
        asked = [
            (panel, replace(query, expr=query.expr.replace(chosen, value)))
            for panel, query in asked
            for value in (choice.values.values() if chosen in query.expr else [""])
        ]
    return asked


def loki_queries(dashboard: Dashboard) -> list[tuple[Panel, Query]]:
    return [(p, query) for p in dashboard.panels for query in p.queries if query.datasource.type == "loki"]


def filled(expr: str, variables: Mapping[str, str] | None = None) -> str:
    """A query with values for its variables: everything, unless others are given."""
    for name, value in RANGES.items():
        expr = re.sub(re.escape(name) + r"(?!\w)", value, expr)
    chosen = variables or {}
    # $1 and the like are of label_replace.
    return re.sub(r"\$\{?([a-zA-Z]\w*)(?::regex)?\}?", lambda found: chosen.get(found[1], ".*"), expr)
