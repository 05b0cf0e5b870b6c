"""The shape of most cases: one subject, at one moment, on the wrong side of the line and on the right one."""

from __future__ import annotations

from collections.abc import Mapping

from model.quantities import Duration
from model.rules import Alert, Severity
from rules.cases import Case, Firing

Series = Mapping[str, str]


def fires(alert: Alert, when: str, series: Series, at: str, labels: Series, description: str, value: str = "") -> Case:
    """A case in which the least urgent severity of an alert fires, and the more urgent are below their line."""
    *worse, severity = alert.severities
    firing = (Firing(severity=severity, labels=labels, description=description, value=value),)
    return Case(alert=alert.name, when=when, series=series, at=Duration.parse(at), firing=firing, quiet=tuple(worse))


def fires_all(
    alert: Alert, when: str, series: Series, at: str, labels: Series, description: str, value: str = ""
) -> Case:
    """A case in which every severity fires."""
    firing = tuple(
        Firing(severity=severity, labels=labels, description=description, value=value) for severity in alert.severities
    )
    return Case(alert=alert.name, when=when, series=series, at=Duration.parse(at), firing=firing)


def quiet(alert: Alert, when: str, series: Series, at: str, *severities: Severity, step: str = "1m") -> Case:
    """A case in which nothing fires, or nothing of these severities."""
    return Case(
        alert=alert.name,
        when=when,
        series=series,
        at=Duration.parse(at),
        step=Duration.parse(step),
        quiet=severities or alert.severities,
    )
