"""All queries of dashboards and rules, with values for Grafana's variables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from dashboards.model import Annotation, Dashboard, Panel, Query, Visualization
from model.datasources import PROMETHEUS
from model.rules import Alert
from model.runbooks import code_blocks
from rules.system import Watched

RANGES = {"$__rate_interval": "5m", "$__interval": "1m", "$__auto": "1m", "$__range": "6h", "$__range_s": "21600"}
"""Values for Grafana's built-in variables."""


def prometheus_queries(dashboard: Dashboard) -> list[tuple[Panel, Query]]:
    """PromQL of a dashboard with its panels; once for each value of a variable with fixed values that it contains."""
    asked = [(p, query) for p in dashboard.panels for query in p.queries if query.datasource.type == "prometheus"]
    for choice in dashboard.custom_variables:
        chosen, named = f"${{{choice.name}:raw}}", f"${{{choice.name}:text}}"
        asked = [
            (panel, replace(query, expr=query.expr.replace(chosen, value).replace(named, name)))
            for panel, query in asked
            for name, value in (choice.values.items() if chosen in query.expr else list(choice.values.items())[:1])
        ]
    return asked


def loki_queries(dashboard: Dashboard) -> list[tuple[Panel, Query]]:
    return [(p, query) for p in dashboard.panels for query in p.queries if query.datasource.type == "loki"]


def annotation_queries(dashboard: Dashboard) -> list[Annotation]:
    """The annotations that query Prometheus; others were posted."""
    return [annotation for annotation in dashboard.annotations if annotation.expr]


def filled(expr: str, variables: Mapping[str, str] | None = None) -> str:
    """``expr`` with values for its variables. The default value matches everything."""
    for name, value in RANGES.items():
        expr = re.sub(re.escape(name) + r"(?!\w)", value, expr)
    chosen = variables or {}
    # $1 and similar belong to label_replace.
    return re.sub(r"\$\{?([a-zA-Z]\w*)(?::(?:regex|text))?\}?", lambda found: chosen.get(found[1], ".*"), expr)


def expressions(watched: Watched, dashboards: Iterable[Dashboard]) -> Iterator[str]:
    """All PromQL of a stack: rules of Prometheus and Grafana, panels, variables, annotations and runbooks."""
    for rule in (rule for group in watched.groups for rule in group.rules):
        yield from (rule.expr(each) for each in rule.severities) if isinstance(rule, Alert) else (rule.expr,)
    for asked in (rule for group in watched.grafana_groups for rule in group.rules):
        yield from (asked.value,) if asked.datasource == PROMETHEUS else ()
        yield from (asked.only_while,) if asked.only_while else ()
    for dashboard in dashboards:
        yield from (filled(query.expr) for _, query in prometheus_queries(dashboard))
        yield from (filled(variable.of) for variable in dashboard.variables if variable.datasource == PROMETHEUS)
        yield from (filled(annotation.expr) for annotation in annotation_queries(dashboard))
        for panel in dashboard.panels:
            if panel.visualization is Visualization.TEXT:
                yield from written(panel.description)


def written(text: str, language: str = "promql") -> list[str]:
    """Queries in the code blocks of a text such as a runbook."""
    return [block for _, block in code_blocks(text, language)]
