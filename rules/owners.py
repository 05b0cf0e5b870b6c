"""What the stack file says of every alert: which team owns which of its subjects, and which ones it leaves out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import TypeVar

from model.datasources import PROMETHEUS
from model.grafana_alert import GrafanaAlert
from model.owners import AnyClaim, Claim, Owners, PodClaim, TargetClaim
from model.promql import Labels, without
from model.rules import Alert, BaseAlert
from model.wildcards import expression

SERVICE_LABELS = ("service", "workload", "app")
"""Labels that name a service: of pushed telemetry, of Kubernetes' objects, of logs."""

ANY_SUBJECT = frozenset({"namespace", "pod", *SERVICE_LABELS})
"""Labels by which an alert of unknown labels may find its owner: one that it has not matches nothing."""

_Alert = TypeVar("_Alert", bound=BaseAlert)


def owned(alert: _Alert, owners: Owners, labels: frozenset[str]) -> _Alert:
    """The alert with what teams own of its subjects; ``labels`` are those of its series."""
    if alert.name in owners.alerts:
        return replace(alert, claims=(Claim(owners.alerts[alert.name]),))
    target = (TargetClaim(owners.targets),) if owners.targets and isinstance(alert, Alert) and alert.of_target else ()
    rest = (Claim(owners.systems[alert.system]),) if alert.system in owners.systems else ()
    return replace(alert, claims=(*target, *_by_subject(alert, owners, labels), *rest))


def _by_subject(alert: BaseAlert, owners: Owners, labels: frozenset[str]) -> Iterator[AnyClaim]:
    services = [name for name in SERVICE_LABELS if name in labels]
    within = {name: team for name, team in owners.services.items() if "/" in name}
    anywhere = {name: team for name, team in owners.services.items() if name not in within}
    if "namespace" in labels:
        for name in services:
            yield from _claims(("namespace", name), within)
    for name in services:
        yield from _claims((name,), anywhere)
    pods = next((name for name in ("pod", "workload") if {name, "namespace"} <= labels), None)
    # Grafana's templates can ask nothing of Prometheus.
    if pods and owners.pod_label and not isinstance(alert, GrafanaAlert):
        yield PodClaim(owners.teams, pods)
    if "namespace" in labels:
        yield from _claims(("namespace",), owners.namespaces)


def _claims(labels: tuple[str, ...], things: Mapping[str, str]) -> Iterator[Claim]:
    """Whole names before those with ``*``, and of these the longer first; what is one team's in a row is one claim."""
    whole = sorted((thing for thing in things if "*" not in thing), key=lambda thing: (things[thing], thing))
    patterns = sorted(things.keys() - set(whole), key=lambda thing: (-len(thing), thing))
    for team, names in groupby((*whole, *patterns), key=things.__getitem__):
        yield Claim(team, labels, tuple(names))


def excluded(alert: _Alert, label: str, values: Sequence[str], known: Mapping[str, Labels]) -> _Alert:
    """The alert without the subjects whose ``label`` has one of ``values``; ``known`` has the labels of all series.

    Raises ValueError if none of the series that the alert asks for gives it this label.
    """
    text = expression(values)
    if not isinstance(alert, GrafanaAlert) or alert.datasource == PROMETHEUS:
        return replace(alert, value=without(alert.value, label, text, known))
    if label not in alert.by or "absent_over_time" in alert.value:
        raise ValueError(f"{alert.value}: no lines have the label {label}")
    matcher = f'| {label}!~"{text}"'
    lines = f"{alert.lines} {matcher}" if alert.lines else ""
    # A filter of labels stands at the end of a pipeline, before its range.
    return replace(alert, value=re.sub(r"(?= \[\d+[a-z]+\])", f" {matcher}", alert.value), lines=lines)
