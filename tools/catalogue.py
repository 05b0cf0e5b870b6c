"""What a stack does, as plain data: alerts and who is notified of them, scrape jobs, settings with their defaults.

``make render`` writes it as ``catalogue.json``, and ``tools.diff`` makes sentences of two of them. It contains names of
secrets, and no secret.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from components import redaction
from components.prometheus.config import scrape_jobs
from components.routing import Node, reached, tree
from components.settings.grafana_alerts import people, way
from components.settings.notification_checks import alert_labels, possible
from components.settings.stack import Settings
from model.content import CONTENT
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.rules import Alert, BaseAlert, Group, Inhibition, Recording, decimal
from model.settings import ConfigSecret, ExistingSecret, Model
from rules.catalogue import alert_labels as surviving_labels
from tools.diff.renders import VERSION

OWN_POLICY = "the external Grafana's own notification policy"
"""Stands for the receivers of Grafana's alerts where the stack leaves that policy alone."""


def _named(name: str, value: Any) -> dict[str, Any]:
    return {**(value if isinstance(value, dict) else {"value": value}), "name": name}


SHORTEST = 32
"""Characters of an encrypted value: a nonce of 12 bytes and a tag of 16 are 38 in base64. What is shorter was not
encrypted, so that its digest could be guessed."""


def catalogue(settings: Settings, encrypted: Mapping[str, str]) -> dict[str, Any]:
    """The whole of it; equal settings, secrets as they are encrypted, and equal code give equal values."""
    return {
        "version": VERSION,
        "production": settings.cluster.is_production,
        "alerts": _alerts(settings),
        "recordings": _recordings(settings),
        "inhibitions": [_muted(each) for each in settings.watched.inhibitions],
        "secrets": {key: _digest(value) for key, value in encrypted.items()},
        "objectives": {
            slo.name: f"{(slo.objective * 100).normalize():f} % over {slo.window}" for slo in settings.watched.slos
        },
        "jobs": _jobs(settings),
        "redaction": {"keys": sorted(redaction.KEYS), "text": sorted(redaction.TEXT)},
        "settings": {name: plain(getattr(settings, name)) for name in Settings.model_fields},
    }


def plain(value: Any) -> Any:
    """A setting as JSON: a model by its keys in the stack file, a secret by its name, a quantity as its text."""
    if isinstance(value, ConfigSecret | ExistingSecret):
        return f"secret {value.key if isinstance(value, ConfigSecret) else f'{value.name}/{value.key}'}"
    if isinstance(value, Model):
        fields = type(value).model_fields
        return {fields[name].alias or name: plain(getattr(value, name)) for name in fields}
    if isinstance(value, Mapping):
        # Entries of which each is a model have names, as those of a list.
        named = any(isinstance(part, Model) for part in value.values())
        parts = {str(key): plain(part) for key, part in value.items()}
        return [_named(key, part) for key, part in parts.items()] if named else parts
    if isinstance(value, tuple):
        return [plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 100 is 100.0 where a default is not written as a float
    return value if value is None or isinstance(value, bool | int | float) else str(value)


def _digest(encrypted: str) -> str:
    """Tells whether a secret was set again: encryption takes a random nonce, so nothing can be learned from it."""
    return hashlib.sha256(encrypted.encode()).hexdigest()[:16] if len(encrypted) >= SHORTEST else "not encrypted"


def _muted(rule: Inhibition) -> str:
    source, target = (", ".join(f"{k}={v}" for k, v in side.items()) for side in (rule.source, rule.target))
    return f"{source} mutes {target} of the same {', '.join(rule.equal)}"


def _alerts(settings: Settings) -> dict[str, Any]:
    watched = settings.watched
    labels = surviving_labels(watched)
    told = _told(settings)
    by_loki = {group.name for group in settings.evaluated_by_loki}
    found: dict[str, Any] = {}
    groups: tuple[Group | GrafanaGroup, ...] = (*watched.groups, *watched.grafana_groups)
    for group in groups:
        for rule in group.rules:
            if not isinstance(rule, BaseAlert):
                continue
            by = "Prometheus" if isinstance(rule, Alert) else "Loki" if group.name in by_loki else "Grafana"
            found[_free(rule.name, found)] = {
                "system": group.system,
                "evaluated by": by,
                "severities": {severity.value: _rule(rule, severity) for severity in rule.severities},
                "for": str(rule.for_),
                "keep firing for": str(rule.keep_firing_for),
                "own thresholds": _own(rule),
                "owners": list(rule.owner_names),
                "labels": sorted(labels.get(rule.name, ())),
                "summary": rule.summary,
                "runbook": rule.runbook_name,
                "receivers": told.get((rule.name, group.system), {}),
            }
    return found


def _rule(rule: BaseAlert, severity: Any) -> dict[str, str]:
    expr = rule.expr(severity) if isinstance(rule, Alert) else _asked(rule)
    if not rule.thresholds:
        return {"expr": expr}
    return {"expr": expr, "threshold": rule.line(severity), "number": decimal(rule.thresholds[severity])}


def _asked(rule: BaseAlert) -> str:
    """What Grafana asks of a datasource, before it compares."""
    condition = rule.only_while if isinstance(rule, GrafanaAlert) else ""
    return f"{rule.value} only while {condition}" if condition else rule.value


def _own(rule: BaseAlert) -> dict[str, str]:
    own = rule.own if isinstance(rule, Alert) else ()
    return {each.matchers: each.line(rule) for each in own}


def _free(name: str, taken: Mapping[str, Any]) -> str:
    """The name of an alert: people's own rules may repeat one."""
    return name if name not in taken else next(f"{name} ({n})" for n in range(2, 1000) if f"{name} ({n})" not in taken)


def _told(settings: Settings) -> dict[tuple[str, str], dict[str, list[str]]]:
    """Receivers by name and system of an alert, then by what decides them: ``critical``, ``warning, owner agents``."""
    root, found = tree(settings.notifications), dict[tuple[str, str], dict[str, list[str]]]()
    rows = alert_labels(settings.watched, settings.cluster)
    several = {
        label: {key for key, count in Counter(_each(rows, label)).items() if count > 1}
        for label in ("owner", "environment")
    }
    senders = _senders(settings)
    for row in rows:
        key = row["alertname"], row["system"]
        plainest: list[str] | None = None
        for labels in possible(row, root):
            receivers = senders(key, [_name(node) for node in reached(root, labels) if node.receiver is not None])
            if plainest == receivers:
                continue  # a namespace that changes nothing
            plainest = receivers if plainest is None else plainest
            words = [row["severity"]]
            words += [f"{label} {row[label]}" for label in several if key in several[label]]
            words += [f"namespace {labels['namespace']}"] if "namespace" in labels else []
            found.setdefault(key, {})[", ".join(words)] = receivers
    return found


def _each(rows: Iterable[Mapping[str, str]], label: str) -> Iterator[tuple[str, str]]:
    """An alert's name and system once for each value of a label that it may have."""
    yield from ((name, system) for name, system, _ in {(r["alertname"], r["system"], r[label]) for r in rows})


def _name(node: Node) -> str:
    """A receiver, with the times that silence its route."""
    muted = f"muted in {', '.join(node.mute_times)}" if node.mute_times else ""
    active = f"only in {', '.join(node.active_times)}" if node.active_times else ""
    times = "; ".join(filter(None, (muted, active)))
    return f"{node.receiver} ({times})" if times else str(node.receiver)


def _senders(settings: Settings) -> Any:
    """A function from an alert and the receivers of its routes to those whom its server notifies."""
    by_grafana = {(rule.name, group.system) for group in settings.watched.grafana_groups for rule in group.rules}
    if settings.evaluated_by_loki:
        by_grafana = {key for key in by_grafana if key[1] != CONTENT}
    sends = way(settings.grafana, settings.notifications)
    known = {receiver.name for receiver in people(settings.notifications)}

    def receivers(key: tuple[str, str], routed: list[str]) -> list[str]:
        distinct = list(dict.fromkeys(routed))
        if key not in by_grafana or sends == "forward":
            return distinct
        if sends is None:
            return [OWN_POLICY]
        return [name for name in distinct if name.partition(" ")[0] in known]

    return receivers


def _recordings(settings: Settings) -> dict[str, str]:
    """Expressions by name and own labels."""
    return {
        f"{rule.name}{{{', '.join(f'{k}={v}' for k, v in sorted(rule.labels.items()))}}}": rule.expr
        for group in settings.watched.groups
        for rule in group.rules
        if isinstance(rule, Recording)
    }


def _jobs(settings: Settings) -> dict[str, Any]:
    """Interval and path of each scrape job. What it stores is in ``metrics.txt``."""
    prometheus = settings.prometheus
    return {
        job.name: {"interval": str(job.interval or prometheus.scrape_interval), "path": job.path, "scheme": job.scheme}
        for job in scrape_jobs(prometheus, settings.cluster, settings.watched, ())
    }
