"""Who is on duty for what: the owners of alerts, and the receivers that the stack's routes lead to."""

from __future__ import annotations

from collections.abc import Iterator

from components.routing import WATCHDOG, receivers_for, tree
from components.settings.notification_checks import alert_labels, possible
from components.settings.notifications import NotificationSettings
from dashboards.home import Duty
from model.cluster import ClusterSettings
from model.rules import Severity
from rules.system import Watched


def duties(watched: Watched, cluster: ClusterSettings, notifications: NotificationSettings) -> Iterator[Duty]:
    """One for each owner of an alert, in order of their names. Nobody receives what a stack without receivers sends.

    The namespace of an alert is unknown before it fires: each receiver that some namespace leads to is one.
    """
    root = tree(notifications)
    found: dict[str, dict[Severity, dict[str, None]]] = {}
    for labels in alert_labels(watched, cluster):
        if labels["alertname"] == WATCHDOG:
            continue
        by_severity = found.setdefault(labels["owner"], {severity: {} for severity in Severity})
        for alert in possible(labels, root):
            by_severity[Severity(labels["severity"])] |= dict.fromkeys(receivers_for(root, alert))
    for owner, receivers in sorted(found.items()):
        yield Duty(owner, {severity: tuple(names) for severity, names in receivers.items()})
