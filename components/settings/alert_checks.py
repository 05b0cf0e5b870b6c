"""Checks of what a stack file says of alerts: each key must have its place in the alert that it names."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from components.settings.alerts import AlertOverride
from components.settings.notifications import NotificationSettings
from components.settings.owners import OwnerSettings
from components.settings.unchanged import Unchanged
from model.grafana_alert import GrafanaAlert
from model.promql import Labels
from model.rules import BaseAlert
from model.settings import Problem, problem, unknown_key
from rules.catalogue import SUBJECT
from rules.owners import excluded

RESERVED = frozenset(("alertname", "severity", "owner", "system", "prometheus_replica", *SUBJECT))
"""Labels of alerts that routes, inhibitions and links read."""


def overrides_fit_their_alerts(
    built_in: Unchanged, unchanged: Unchanged, alerts: Mapping[str, AlertOverride | None], owners: OwnerSettings
) -> Iterator[Problem]:
    known = {alert.name: alert for alert in unchanged.watched.alerts}
    for name, override in alerts.items():
        path = f"alerts.{name}"
        if name not in known:
            yield unknown_key(path, known, what="alert of the systems that are on")
        elif override is not None:
            yield from _misfits(path, known[name], override)
            yield from _without_effect(path, known[name], override, _series(unchanged, built_in))
    for path, name, _ in owners.things("alerts"):
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            near = f", such as {close[0]}" if close else ""
            yield problem(path, name, f"an alert of the systems that are on{near}")


def _series(unchanged: Unchanged, built_in: Unchanged) -> Mapping[str, Labels]:
    try:
        return unchanged.series
    except ValueError:  # said elsewhere
        return built_in.series


def _misfits(path: str, alert: BaseAlert, override: AlertOverride) -> Iterator[Problem]:
    """The keys of ``override`` that the alert does not have."""
    named = ", ".join(alert.thresholds) or "none at all"
    given = {severity: "off" if number is None else number for severity, number in override.thresholds.items()}
    unknown = [
        severity
        for severity, number in given.items()
        if not alert.thresholds or (number == "off" and severity not in alert.thresholds)
    ]
    for severity in unknown:
        yield problem(f"{path}.{severity}", given[severity], f"a severity that the alert has a threshold for: {named}")
    left = [severity for severity in {**alert.thresholds, **given} if given.get(severity) != "off"]
    if override.severity and len(left) > 1:
        reason = f"left out: there is a threshold for each of {', '.join(left)}"
        yield problem(f"{path}.severity", override.severity, reason)
    elif isinstance(alert, GrafanaAlert) and alert.fires_without_value and len(left) > 1:
        yield problem(path, ", ".join(given), f"{named} alone: the alert fires without a value as well")
    elif not unknown:
        try:
            alert.changed(thresholds=override.thresholds, severity=override.severity, for_=override.for_)
        except ValueError:
            order = "smaller" if alert.below else "larger"
            numbers = ", ".join(f"{severity} {number}" for severity, number in given.items())
            yield problem(path, numbers, f"thresholds of which the more urgent is the {order}")


def _without_effect(
    path: str, alert: BaseAlert, override: AlertOverride, known: Mapping[str, Labels]
) -> Iterator[Problem]:
    """Exclusions by what the alert's series do not have."""

    def has(label: str) -> bool:
        try:
            excluded(alert, label, ("any",), known)
        except ValueError:
            return False
        return True

    for label, values in override.excluded.items():
        if not has(label):
            key = "namespaces" if label == "namespace" and override.exclude.namespaces else f"labels.{label}"
            there = ", ".join(filter(has, SUBJECT)) or "it has none"
            yield problem(f"{path}.exclude.{key}", ", ".join(values), f"a label that the alert's series have: {there}")


def labels_are_not_the_alerts_own(
    unchanged: Unchanged, alerts: Mapping[str, AlertOverride | None], notifications: NotificationSettings
) -> Iterator[Problem]:
    own = {label for alert in unchanged.watched.alerts for label in alert.labels}
    given = {"notifications.labels": notifications.labels} | {
        f"alerts.{name}.labels": each.labels for name, each in alerts.items() if each is not None
    }
    for path, labels in given.items():
        for label, value in labels.items():
            if label in RESERVED or label in own or label.startswith("__"):
                yield problem(f"{path}.{label}", value, "a label that neither alerts nor routes have themselves")


CHECKS = (overrides_fit_their_alerts, labels_are_not_the_alerts_own)
"""Checks across sections; each names the sections that it reads."""
