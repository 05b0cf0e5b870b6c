"""The PromQL that people bring, wherever it stands."""

from __future__ import annotations

from collections.abc import Iterator

from model.content import ContentAlert, ContentRecording
from rules.system import Content


def asked(content: Content) -> Iterator[tuple[str, str]]:
    """Each expression, after the place that it stands in."""
    for rule in (rule for group in content.groups for rule in group.rules):
        if isinstance(rule, ContentRecording):
            yield rule.where, rule.expr
        elif isinstance(rule, ContentAlert):
            # Severities of one alert differ in the threshold only.
            yield rule.where, rule.expr(rule.severities[0])
    yield from ((query.where, query.expr) for dashboard in content.dashboards for query in dashboard.queries)
    yield from ((query.where, query.expr) for runbook in content.runbooks for query in runbook.queries)
    yield from ((query.where, query.expr) for query in content.queries if query.language == "promql")
