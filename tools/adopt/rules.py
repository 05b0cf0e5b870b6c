"""PrometheusRules as rule files of a content folder: each rule as it is, if the reader of those folders takes it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from promql_parser import MatchOp

from model.promql import selectors
from model.regex import matches
from model.rules import Severity
from model.yaml_text import text
from rules.content.metric_rules import group_name, metric_groups
from rules.content.rule_files import GROUP_KEYS, OWN_LABELS, RULE_KEYS, Around
from tools.adopt.equivalents import ALERTS, GONE
from tools.adopt.notes import Fields, Notes, filled, slug, unique
from tools.adopt.objects import Given
from tools.adopt.ours import ours

SEVERITIES: Mapping[str, Severity] = {
    "page": Severity.CRITICAL,
    "fatal": Severity.CRITICAL,
    "emergency": Severity.CRITICAL,
    "error": Severity.WARNING,
    "high": Severity.WARNING,
    "major": Severity.WARNING,
    "warn": Severity.WARNING,
    "ticket": Severity.WARNING,
    "medium": Severity.WARNING,
    "minor": Severity.INFO,
    "low": Severity.INFO,
    "notice": Severity.INFO,
    "none": Severity.INFO,
}
"""Severities in others' words. Only the words for what wakes people become critical."""
LONGEST_FILE = LONGEST_NAME = 100
"""Characters of the name of a file and of a group: content makes the name of another file of both."""
_REASONS = {"partial_response_strategy": "it is Thanos's, and this stack's Prometheus evaluates the rules itself"}


Groups = list[dict[str, Any]]
"""As a rule file has them."""


def rule_files(objects: Iterable[Given], notes: Notes) -> dict[str, Groups]:
    """Groups by the path of their file in the content folder."""
    files: dict[str, Groups] = {}
    known, taken = _Known(), set[str]()
    for each in objects:
        spec = each.spec(notes)
        groups = [made for group in spec.parts("groups") if (made := _group(group, known, notes))]
        spec.rest()
        if groups:
            stem = slug(f"{each.namespace}-{each.name}", LONGEST_FILE) or "rules"
            path = unique(f"rules/{stem}", [name.removesuffix(".yaml") for name in files], LONGEST_FILE + 10)
            files[f"{path}.yaml"] = _named_apart(groups, path, taken)
    return files


def _named_apart(groups: Groups, path: str, taken: set[str]) -> Groups:
    """With names that stay different, and short enough, when content makes names of files of them."""
    named = []
    for group in groups:
        name, number = group["name"][:LONGEST_NAME], 1
        while group_name(path, name) in taken:
            number += 1
            name = f"{group['name'][:LONGEST_NAME]}-{number}"
        taken.add(group_name(path, name))
        named.append({**group, "name": name})
    return named


class _Known:
    """Alerts that were read before, in other groups: by name, where."""

    def __init__(self) -> None:
        self.alerts: dict[str, tuple[str, str]] = {}

    def elsewhere(self, name: str, group: str, where: str) -> str:
        """Where another group has an alert of this name; empty if none has."""
        first_group, first = self.alerts.setdefault(name, (group, where))
        return first if first_group != group else ""


def _group(group: Fields, known: _Known, notes: Notes) -> dict[str, Any] | None:
    """The group with the rules that are carried over; None without any."""
    about = {name: value for name in GROUP_KEYS if name != "rules" and (value := group.take(name)) is not None}
    about["name"] = str(about.get("name") or "rules")
    if "labels" in about:
        about["labels"] = _labels(group.part("labels"))
    rules = group.parts("rules")
    group.rest(_REASONS)
    about = filled(**about)
    if wrong := _refused(about, {"record": "any", "expr": "1"}):
        group.lost(f"{wrong}: correct it, and run this again")
        return None
    kept = [made for rule in rules if (made := _rule(rule, group.where, about, known, notes))]
    return {**about, "rules": kept} if kept else None


def _rule(rule: Fields, group: str, about: Mapping[str, Any], known: _Known, notes: Notes) -> dict[str, Any] | None:
    made: dict[str, Any] = {name: value for name in RULE_KEYS if (value := rule.take(name)) is not None}
    rule.rest()
    name = str(made.get("alert") or made.get("record") or "")
    where = f"{rule.where}: {name}"
    if instead := _instead(made, notes, where):
        notes.ours(where, instead)
        return None
    if name in GONE and "alert" in made:
        notes.lost(where, GONE[name])
        return None
    if "labels" in made:
        made["labels"] = _labels(rule.part("labels"))
        if not made["labels"]:
            del made["labels"]
    if wrong := _refused(about, made):
        notes.lost(where, f"{wrong}: correct it, and run this again")
        return None
    if "alert" in made and (before := known.elsewhere(name, group, where)):
        notes.lost(where, f"an alert of this name is in another group ({before}): rename one, and run this again")
        return None
    return made


def _instead(rule: Mapping[str, Any], notes: Notes, where: str) -> str:
    """What the stack has in place of a rule; empty if nothing."""
    if "record" in rule:
        return "the stack records it" if rule["record"] in ours().recordings else ""
    name = str(rule.get("alert") or "")
    equal = ALERTS.get(name) or ((name,) if name in ours().alerts else ())
    if equal and name not in ALERTS:
        notes.check(
            where, f"the stack has an alert {name}: if yours means something else, rename it and run this again"
        )
    systems = ", ".join(dict.fromkeys(ours().alerts[each] for each in equal))
    notes.systems |= {ours().alerts[each] for each in equal}
    return f"{' and '.join(equal)} of the system {systems}" if equal else ""


def _labels(labels: Fields) -> dict[str, str]:
    """The labels that a rule may set, with a severity that the stack knows."""
    kept = {}
    for name in labels.given:
        value = labels.text(name)
        if name in OWN_LABELS:
            labels.notes.without(labels.at(name), "the stack sets this label itself")
        elif name == "severity" and value.lower() != value and value.lower() in list(Severity):
            kept[name] = value.lower()
        elif name == "severity" and value in SEVERITIES:
            kept[name] = SEVERITIES[value].value
            labels.notes.check(labels.at(name), f'"{value}" became {kept[name]}: the stack has {", ".join(Severity)}')
        else:
            kept[name] = value
    return kept


def _refused(about: Mapping[str, Any], rule: Mapping[str, Any]) -> str:
    """Why the reader of content folders refuses the rule; empty if it takes it."""
    found: list[str] = []
    list(metric_groups("file.yaml", text({"groups": [{**about, "rules": [rule]}]}), Around(), found))
    return "; ".join(re.sub(r"^file\.yaml:\d+: ", "", each) for each in found)


def exprs(groups: Groups) -> list[str]:
    return [str(rule["expr"]) for group in groups for rule in group["rules"]]


def check_jobs(asked: Mapping[str, Iterable[str]], jobs: Collection[str], notes: Notes) -> None:
    """Says which files select targets by the name of a job that there is not; ``asked`` is their PromQL by path."""
    for path, queries in asked.items():
        for value in dict.fromkeys(value for expr in queries for value in _unknown_jobs(expr, jobs)):
            notes.check(
                path, f'selects job="{value}", and no job is called so: write the new name, or delete what asks'
            )


def _unknown_jobs(expr: str, jobs: Collection[str]) -> Iterator[str]:
    """Values of ``job`` that an expression selects, and that no job has."""
    for matcher in (each for selector in selectors(expr) for each in selector.matchers.matchers if each.name == "job"):
        # A variable of a dashboard has any value.
        if matcher.op == MatchOp.Equal and matcher.value not in (*jobs, ".*"):
            yield matcher.value
        if matcher.op == MatchOp.Re and not any(matches(matcher.value, job) for job in jobs):
            yield matcher.value
