"""Reads rule files as Prometheus and Loki have them: ``groups:``, or Kubernetes objects of the kind PrometheusRule."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.marked_yaml import Part, documents, objects
from model.quantities import Duration
from model.rules import Severity
from model.settings import Problem
from model.uids import DashboardUid

GROUP_KEYS = ("name", "interval", "query_offset", "limit", "labels", "rules")
# Keys for Thanos and Mimir, which take the same files.
_KEYS_OF_OTHERS = (
    "partial_response_strategy",
    "source_tenants",
    "evaluation_delay",
    "align_evaluation_time_on_interval",
)
RULE_KEYS = ("alert", "record", "expr", "for", "keep_firing_for", "labels", "annotations")
OWN_LABELS = ("cluster", "environment", "system")
"""Labels that the stack sets on all that rules make."""
DEFAULT_SEVERITY = Severity.WARNING  # it is seen the same day, and wakes nobody
_LABEL = r"[a-zA-Z_][a-zA-Z0-9_]*"
_OWNER = r"[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?"


@dataclass(frozen=True)
class Around:
    """What alerts of a folder can link to."""

    runbooks: Collection[str] = ()
    """Names of the folder's runbooks."""
    dashboards: Mapping[str, DashboardUid] | None = None
    """Uids of the folder's dashboards, by the names of their files without the suffix."""


@dataclass(frozen=True, kw_only=True)
class RuleGroup:
    """A group of a file."""

    part: Part
    name: str
    interval: Duration | None
    limit: int
    query_offset: Duration
    labels: Mapping[str, str]
    rules: tuple[dict[str, Part], ...]
    """Each is an alert or a recording rule with an expression."""


def groups(file: str, text: str, found: list[Problem]) -> Iterator[RuleGroup]:
    """The groups of a file; problems of the rest are ``found``."""
    for part in objects(documents(file, text, found)):
        keys = part.keys()
        if "kind" in keys and keys["kind"].text() != "PrometheusRule":
            keys["kind"].wrong(f'"{keys["kind"].text()}": PrometheusRule: other objects are not read here')
            continue
        inside = keys["spec"].keys() if "kind" in keys and "spec" in keys else keys
        if "groups" not in inside:
            part.wrong("no groups: a rule file has `groups:`, a PrometheusRule has them below `spec`")
            continue
        yield from (_group(each) for each in inside["groups"].entries() if each.is_mapping or each.keys())


def _group(part: Part) -> RuleGroup:
    keys = part.keys((*GROUP_KEYS, *_KEYS_OF_OTHERS))
    if "name" not in keys:
        part.wrong("a group without a name: give it one")
    rules = keys["rules"].entries() if "rules" in keys else []
    return RuleGroup(
        part=part,
        name=keys["name"].text() if "name" in keys else "",
        interval=keys["interval"].duration() if "interval" in keys else None,
        limit=keys["limit"].whole_number() if "limit" in keys else 0,
        query_offset=keys["query_offset"].duration() if "query_offset" in keys else Duration(0),
        labels=labels(keys["labels"]) if "labels" in keys else {},
        rules=tuple(found for each in rules if (found := _rule(each))),
    )


def _rule(part: Part) -> dict[str, Part]:
    keys = part.keys(RULE_KEYS)
    if ("alert" in keys) == ("record" in keys):
        part.wrong("a rule has either `alert` or `record`")
        return {}
    if "expr" not in keys or not keys["expr"].text().strip():
        part.wrong("a rule without `expr`")
        return {}
    return keys


def labels(part: Part) -> dict[str, str]:
    """The labels that a file sets."""
    for name, value in part.keys().items():
        if not re.fullmatch(_LABEL, name):
            value.wrong(f"labels.{name}: a label name of letters, digits and underscores")
        elif name in OWN_LABELS:
            value.wrong(f"labels.{name}: the stack sets this label itself: rename it, or leave it out")
    return part.texts()


def alert_fields(rule: Mapping[str, Part], of_group: Mapping[str, str], file: str, around: Around) -> dict[str, Any]:
    """The fields of an alert that do not depend on who evaluates it; ``severity`` is always among them."""
    own = labels(rule["labels"]) if "labels" in rule else {}
    given = {**of_group, **own}
    annotations = rule["annotations"].texts() if "annotations" in rule else {}
    name = rule["alert"].text()
    for key, text in annotations.items():
        if text.count("{{") != text.count("}}"):
            rule["annotations"].keys()[key].wrong(f"annotations.{key}: a template that is not closed: {{{{ ... }}}}")
    summary = annotations.get("summary") or _words(name)
    return {
        "where": rule["alert"].place,
        "name": name,
        "severity": _severity(rule, given),
        "for_": rule["for"].duration() if "for" in rule else Duration(0),
        "keep_firing_for": rule["keep_firing_for"].duration() if "keep_firing_for" in rule else Duration(0),
        "owner": _owner(rule, given),
        "labels": {label: value for label, value in given.items() if label not in ("severity", "owner")},
        "summary": summary,
        "description": annotations.get("description") or annotations.get("message") or summary,
        "annotations": {key: text for key, text in annotations.items() if key not in ("summary", "description")},
        "runbook": next((each for each in (annotations.get("runbook", ""), name) if each in around.runbooks), ""),
        "dashboard": _dashboard(annotations, file, around),
    }


def _severity(rule: Mapping[str, Part], given: Mapping[str, str]) -> Severity:
    said = given.get("severity", DEFAULT_SEVERITY)
    if said in list(Severity):
        return Severity(said)
    place = rule["labels"].keys().get("severity", rule["labels"]) if "labels" in rule else rule["alert"]
    place.wrong(f'labels.severity: "{said}": one of {", ".join(Severity)}')
    return DEFAULT_SEVERITY


def _owner(rule: Mapping[str, Part], given: Mapping[str, str]) -> str:
    """Empty for the owner of all content."""
    label = "owner" if "owner" in given else "team"
    owner = given.get(label, "")
    if owner and not re.fullmatch(_OWNER, owner):
        place = rule["labels"].keys().get(label, rule["labels"]) if "labels" in rule else rule["alert"]
        place.wrong(f'labels.{label}: "{owner}": a team of letters, digits, dashes, underscores and dots')
        return ""
    return owner


def _dashboard(annotations: Mapping[str, str], file: str, around: Around) -> DashboardUid:
    """The one that the alert names, or the one of the same file name; empty for the default."""
    there = around.dashboards or {}
    named = DashboardUid(annotations.get("__dashboardUid__", ""))
    return named if named in there.values() else there.get(stem(file), DashboardUid(""))


def stem(file: str) -> str:
    """The name of a file without its folders and suffixes."""
    return file.rpartition("/")[2].partition(".")[0]


def _words(name: str) -> str:
    return f"{' '.join(re.findall('[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])|[^A-Za-z0-9]', name)).capitalize()}."
