"""Rule files for Prometheus as groups of the catalogue."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import promql_parser

from model.content import CONTENT, ContentAlert, ContentRecording
from model.marked_yaml import Part
from model.promql import parsed
from model.rules import Group
from model.settings import Problem
from rules.content.one_alert import united
from rules.content.rule_files import Around, RuleGroup, alert_fields, groups, labels, stem

NUMBER = r"[-+]?(?:[0-9]+[.]?[0-9]*|[.][0-9]+)(?:[eE][-+]?[0-9]+)?"
COMPARED = re.compile(rf"(?P<value>.*[^\s=<>!~])\s*(?P<operator>[<>])\s*(?P<number>{NUMBER})\s*", re.DOTALL)
"""An expression that ends in a comparison with a number."""
MOST_BRACKETS = 500
"""The longest expression of ours has 40."""
_METRIC = r"[a-zA-Z_:][a-zA-Z0-9_:]*"


def metric_groups(file: str, text: str, around: Around, found: list[Problem]) -> Iterator[Group]:
    for group in groups(file, text, found):
        rules = tuple(_rules(group, file, around))
        if rules:
            yield Group(
                group_name(file, group.name),
                rules,
                group.interval,
                limit=group.limit,
                query_offset=group.query_offset,
            )


def group_name(file: str, name: str) -> str:
    """A name that is unique among all files, and that a file can have."""
    parts = dict.fromkeys((CONTENT, stem(file), re.sub(r"[^-.\w]+", "-", name, flags=re.ASCII).strip("-")))
    return "-".join(parts)


def _rules(group: RuleGroup, file: str, around: Around) -> list[ContentAlert | ContentRecording]:
    return _merged(
        [
            _recording(rule, group.labels)
            if "record" in rule
            else _alert(rule["expr"].text(), alert_fields(rule, group.labels, file, around))
            for rule in group.rules
            if parses(rule["expr"], "expr")
        ]
    )


def parses(expr: Part, what: str) -> bool:
    """Whether it is PromQL; a problem about ``what`` if not."""
    # Brackets nested by the thousands end the parser's process, and so this one.
    if expr.text().count("(") > MOST_BRACKETS:
        expr.wrong(f"{what}: at most {MOST_BRACKETS} brackets")
        return False
    try:
        parsed(expr.text())
    except ValueError as wrong:
        expr.wrong(f"{what}: not PromQL: {' '.join(str(wrong).split())}")
        return False
    return True


def _recording(rule: Mapping[str, Part], of_group: Mapping[str, str]) -> ContentRecording:
    name = rule["record"]
    if not re.fullmatch(_METRIC, name.text()):
        name.wrong(f'record: "{name.text()}": a metric name of letters, digits, underscores and colons')
    own = labels(rule["labels"]) if "labels" in rule else {}
    return ContentRecording(
        where=name.place, name=name.text(), expr=rule["expr"].text().strip(), labels={**of_group, **own}
    )


def _alert(expr: str, fields: dict[str, Any]) -> ContentAlert:
    """With a threshold if the expression ends in one, so that the stack file can change it and its value is drawn."""
    compared = COMPARED.fullmatch(expr)
    if compared and _is_whole(expr, compared["value"]):
        side = "above" if compared["operator"] == ">" else "below"
        threshold = {fields["severity"]: Decimal(compared["number"])}
        return ContentAlert(**{**fields, "value": compared["value"].strip(), "severity": None, side: threshold})
    return ContentAlert(**{**fields, "value": expr.strip()})


def _is_whole(expr: str, value: str) -> bool:
    """Whether ``value`` is the whole left side of the comparison, and not a part of it."""
    node = parsed(expr)
    # Written in one line, a comment would hide the comparison behind it.
    if "#" in value or not isinstance(node, promql_parser.BinaryExpr):
        return False
    try:
        return str(node.op) in (">", "<") and str(node.lhs) == str(parsed(value))
    except ValueError:
        return False


def _merged(rules: list[ContentAlert | ContentRecording]) -> list[ContentAlert | ContentRecording]:
    """Rules of one name that are no single alert have no thresholds: a stack file could not say whose it means."""
    merged = united(rules)
    names = Counter(rule.name for rule in merged if isinstance(rule, ContentAlert))
    return [
        part
        for rule in merged
        for part in (_apart(rule) if isinstance(rule, ContentAlert) and names[rule.name] > 1 else (rule,))
    ]


def _apart(alert: ContentAlert) -> Iterator[ContentAlert]:
    for severity in alert.severities:
        yield replace(alert, value=alert.expr(severity), above={}, below={}, severity=severity)
