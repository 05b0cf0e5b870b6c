"""Rule groups in Prometheus' format, and the labels and links of every rule, also of Grafana's."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from model.cluster import ClusterSettings
from model.content import CONTENT
from model.promql import single_quoted
from model.quantities import Duration, Url
from model.rules import Alert, BaseAlert, Group, Recording
from model.uids import runbook_path

LINKED_LABELS = (
    "cluster",
    "namespace",
    "workload",
    "service",
    "app",
    "pod",
    "node",
    "instance",
    "agent",
    "model",
    "slo",
    "value",
)
"""Labels of an alert that are variables of the dashboard it links to."""
RUNBOOK_LABELS = ("cluster", "namespace")
"""Labels of an alert that set variables of its runbook's dashboard."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """The stack that evaluates the rules."""

    cluster: str
    environment: str
    grafana: str
    """Grafana's address for people, without a slash at the end."""
    interval: Duration = Duration.parse("1m")
    """Evaluation interval of groups without one of their own."""


def place_of(cluster: ClusterSettings, grafana: Url, interval: Duration = Place.interval) -> Place:
    """``grafana`` is its URL for people."""
    return Place(
        cluster=cluster.name, environment=cluster.environment, grafana=str(grafana).rstrip("/"), interval=interval
    )


def rule_group(group: Group, place: Place) -> dict[str, Any]:
    """A group as an entry of a rule file's ``groups``. People's recordings keep their labels: joins match by them."""
    own = {"environment"} if group.environments else set[str]()
    of_group = {name: value for name, value in place_labels(place).items() if name not in own}
    labels = {} if group.system == CONTENT else {"labels": of_group}
    return {
        "name": group.name,
        "interval": str(group.interval or place.interval),
        **({"limit": group.limit} if group.limit else {}),
        **({"query_offset": str(group.query_offset)} if group.query_offset.milliseconds else {}),
        **labels,
        "rules": [_finished(plain, rule, group, place) for rule in group.rules for plain in rule.plain()],
    }


def _finished(plain: dict[str, Any], rule: Alert | Recording, group: Group, place: Place) -> dict[str, Any]:
    plain |= {"expr": single_quoted(plain["expr"])}
    if isinstance(rule, Recording):
        return plain
    annotations = {**plain["annotations"], **links(rule, place), **rule.annotations}
    # What is absent has no environment to keep.
    lacks = bool(group.environments) and rule.value.startswith("absent(")
    of_place = place_labels(place) if group.system == CONTENT or lacks else {}
    labels = {**plain["labels"], "system": group.system, **of_place}
    return {**plain, "labels": labels, "annotations": annotations}


def place_labels(place: Place) -> dict[str, str]:
    """Labels of every result. An expression may have dropped them, or never had them."""
    return {"cluster": place.cluster, "environment": place.environment}


def links(alert: BaseAlert, place: Place) -> dict[str, str]:
    """The annotations ``runbook_url`` and ``dashboard_url``; an alert of people's own may have no runbook."""
    runbook = f"{runbook_path(alert.system, alert.runbook_name)}&{_variables(alert, place, RUNBOOK_LABELS)}"
    return {
        **({"runbook_url": place.grafana + runbook} if alert.runbook_name else {}),
        "dashboard_url": f"{place.grafana}/d/{alert.dashboard}?{_variables(alert, place, LINKED_LABELS)}",
    }


def _variables(alert: BaseAlert, place: Place, labels: tuple[str, ...]) -> str:
    """The query string that sets a dashboard's variables to the labels in the alert's description."""
    # Annotations are rendered before a rule's own labels are added, so these are filled in here.
    fixed = {"cluster": place.cluster, **alert.labels}
    named = set(re.findall(r"\$labels\.(\w+)", alert.description))
    values = {label: f"{{{{ $labels.{label} | urlquery }}}}" for label in named}
    values |= {label: quote(value, safe="") for label, value in fixed.items()}
    return "&".join(f"var-{label}={values[label]}" for label in labels if label in values)
