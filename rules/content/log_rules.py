"""Rule files for Loki as groups that Grafana evaluates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from model.content import ContentLogAlert
from model.datasources import LOKI
from model.grafana_alert import TICK, GrafanaGroup
from model.marked_yaml import Part
from model.quantities import Duration
from model.settings import Problem
from rules.content.logql import problem as wrong_logql
from rules.content.metric_rules import COMPARED, group_name
from rules.content.one_alert import united
from rules.content.rule_files import Around, RuleGroup, alert_fields, groups

DEFAULT_INTERVAL = Duration.parse("1m")  # Loki's own
_NAME = r"[-\w]{1,40}"
"""Its uid in Grafana."""
_BY = re.compile(r"\bby\s*\(([^)]*)\)")
_METRIC = re.compile(
    r"\b(rate|count_over_time|bytes_rate|bytes_over_time|absent_over_time|\w+_over_time|rate_counter)\s*\("
)
_BRACKETED = re.compile(r"\([^()]*\)|\{[^{}]*\}|\[[^][]*\]")
_QUOTED = re.compile(r"\"(?:[^\"\\]|\\.)*\"|`[^`]*`", re.DOTALL)


def log_groups(file: str, text: str, around: Around, found: list[Problem]) -> Iterator[GrafanaGroup]:
    for group in groups(file, text, found):
        alerts = united(alert for rule in group.rules if (alert := _alert(rule, group, file, around)))
        for position, alert in enumerate(alerts):
            if alert.name.lower() in [each.name.lower() for each in alerts[:position]]:
                problem = "a name of its own: Grafana has one rule of a name, with a threshold for each severity"
                found.append(f"{alert.where}: alert: {alert.name}: {problem}")
        if alerts:
            yield GrafanaGroup(group_name(file, group.name), tuple(alerts), _interval(group))


def _interval(group: RuleGroup) -> Duration:
    """Grafana evaluates at multiples of its tick only."""
    given = group.interval or DEFAULT_INTERVAL
    if given >= TICK and given.milliseconds % TICK.milliseconds == 0:
        return given
    group.part.keys()["interval"].wrong(f'interval: "{given}": a multiple of {TICK}, as Grafana evaluates it')
    return DEFAULT_INTERVAL


def _alert(rule: Mapping[str, Part], group: RuleGroup, file: str, around: Around) -> ContentLogAlert | None:
    """None, and a problem, for what Grafana cannot evaluate."""
    if "record" in rule:
        rule["record"].wrong("record: rules that record stand in `loki.ruler.rules` of the stack file")
        return None
    fields = alert_fields(rule, group.labels, file, around)
    if not re.fullmatch(_NAME, fields["name"], re.ASCII):
        rule["alert"].wrong(f'alert: "{fields["name"]}": at most 40 letters, digits, dashes and underscores')
        return None
    expr = rule["expr"].text()
    if problem := wrong_logql(expr) or _no_number(expr):
        rule["expr"].wrong(f"expr: not LogQL: {problem}")
        return None
    compared = COMPARED.fullmatch(expr)
    if compared is None or "#" in _QUOTED.sub("", expr) or not _is_closed(compared["value"]):
        rule["expr"].wrong("expr: a query that ends in one comparison with a number, `>` or `<`: Grafana makes it")
        return None
    value = compared["value"].strip()
    side = "above" if compared["operator"] == ">" else "below"
    threshold = {fields["severity"]: Decimal(compared["number"])}
    return ContentLogAlert(
        **{**fields, "value": value, "severity": None, side: threshold},
        datasource=LOKI,
        by=_labels(value),
        # As in Loki's ruler: what is not there does not fire, and neither does what fails.
        no_data_state="OK",
        exec_err_state="OK",
    )


def _is_closed(value: str) -> bool:
    """Whether a comparison after ``value`` is one of all of it, and the only one."""
    outside, found = _QUOTED.sub('""', value), 1
    while found:  # from the inside out
        outside, found = _BRACKETED.subn("", outside)
    return not re.search(r"[(){}]|\b(and|or|unless)\b|[<>]|[=!]=", outside)


def _no_number(value: str) -> str:
    if _METRIC.search(_QUOTED.sub('""', value)):
        return ""
    return "lines, not a number: count them, for example with count_over_time(... [5m])"


def _labels(value: str) -> tuple[str, ...]:
    """Those of the outermost grouping."""
    first = _BY.search(_QUOTED.sub('""', value))
    return tuple(label.strip() for label in first[1].split(",") if label.strip()) if first else ()
