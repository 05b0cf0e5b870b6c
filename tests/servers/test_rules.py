"""Every alert, tried by promtool on the cases beside the rules: it fires, says what it should, and stays quiet."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import pytest
import yaml

from model.promql import selectors
from model.rules import Alert, Group, Recording
from rules.cases import Case, Firing, Value
from rules.render import rule_group
from tests.catalogue import SYSTEMS_WITH_CASES, cases, everything, place, whole
from tools.servers.find import binary

WATCHED = whole()
PLACE = place(everything())
EVERYWHERE = {"cluster": PLACE.cluster, "environment": PLACE.environment}

ALERTS = [case for system in SYSTEMS_WITH_CASES for case in cases(system).alerts]
VALUES = [value for system in SYSTEMS_WITH_CASES for value in cases(system).values]


def group_of(name: str, group: str = "") -> Group:
    """Whose rule it is; objectives have rules of the same names."""
    return next(
        each for each in WATCHED.groups if group in ("", each.name) and any(rule.name == name for rule in each.rules)
    )


def groups_for(own: Group, rule: str) -> list[Group]:
    """A rule and all of its system that it reads; an objective reads what its own group records."""
    objective = own.name.startswith("slo-")
    wanted: set[str] = {rule}
    found: list[Group] = []
    for group in reversed(WATCHED.groups):
        if group == own or (not objective and group.system == own.system and not group.name.startswith("slo-")):
            read: list[Alert | Recording] = []
            for each in reversed(group.rules):
                if each.name in wanted:
                    read.insert(0, each)
                    wanted |= _reads(each)
            found.insert(0, replace(group, rules=tuple(read)))
    return [group for group in found if group.rules]


def _reads(rule: Alert | Recording) -> set[str]:
    exprs = [rule.expr] if isinstance(rule, Recording) else [rule.expr(severity) for severity in rule.severities]
    return {selector.name for expr in exprs for selector in selectors(expr) if selector.name}


def plain(group: Group) -> dict[str, Any]:
    return rule_group(group, PLACE)


def with_everywhere(selector: str) -> str:
    """The selector of a series with the labels that all have."""
    name, _, inside = selector.partition("{")
    added = ", ".join(f'{label}="{value}"' for label, value in EVERYWHERE.items() if f"{label}=" not in inside)
    return f"{name.strip()}{{{', '.join(part for part in (inside.strip().removesuffix('}'), added) if part)}}}"


def expected(case: Case, firing: Firing) -> dict[str, Any]:
    """Labels and annotations of an alert, exactly."""
    group = group_of(case.alert)
    alert = next(rule for rule in group.rules if isinstance(rule, Alert) and rule.name == case.alert)
    (made,) = (
        rule
        for rule in plain(group)["rules"]
        if rule.get("alert") == case.alert and rule["labels"]["severity"] == firing.severity
    )
    links = {name: _filled(made["annotations"][name], firing.labels) for name in ("runbook_url", "dashboard_url")}
    measured = {"value": firing.value, "threshold": made["annotations"]["threshold"]} if alert.thresholds else {}
    return {
        "exp_labels": {
            **firing.labels,
            **alert.labels,
            **EVERYWHERE,
            "owner": alert.owner,
            "system": group.system,
            "severity": firing.severity.value,
        },
        "exp_annotations": {
            "summary": alert.summary,
            "description": firing.description,
            **measured,
            **links,
        },
    }


def _filled(template: str, labels: Mapping[str, str]) -> str:
    return re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda found: quote_plus(labels[found[1]]), template)


def promtool(folder: Path, groups: list[Group], test: dict[str, Any]) -> None:
    """Try one test; raises AssertionError with what promtool says."""
    rules, tests = folder / "rules.yml", folder / "test.yml"
    rules.write_text(yaml.safe_dump({"groups": [plain(group) for group in groups]}))
    tests.write_text(
        yaml.safe_dump(
            {
                "rule_files": [rules.name],
                "evaluation_interval": "1m",
                # Otherwise it takes any: a rule that reads another group's would see it now or a minute later.
                "group_eval_order": [group.name for group in groups],
                # Sums of floats: the last of sixteen digits is nobody's business.
                "fuzzy_compare": True,
                "tests": [test],
            }
        )
    )
    done = subprocess.run(
        [binary("promtool"), "test", "rules", tests], check=False, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, f"{done.stdout}{done.stderr}"


def sentence(case: Case) -> str:
    fires = " and ".join(sorted(each.severity for each in case.firing)) or "quiet"
    return f"{case.alert}: {fires} when {case.when}"


@pytest.mark.parametrize("case", ALERTS, ids=sentence)
def test_an_alert_fires_and_stays_quiet_as_its_cases_say(case: Case, tmp_path: Path) -> None:
    promtool(
        tmp_path,
        groups_for(group_of(case.alert), case.alert),
        {
            "name": case.when,
            "interval": str(case.step),
            "input_series": [
                {"series": with_everywhere(series), "values": values} for series, values in case.series.items()
            ],
            "alert_rule_test": [
                {
                    "eval_time": str(case.at),
                    "alertname": case.alert,
                    "exp_alerts": [expected(case, firing) for firing in case.firing],
                }
            ],
        },
    )


def samples(value: Value) -> list[dict[str, Any]]:
    """What a recording rule must give, exactly."""
    (rule,) = (
        rule for rule in group_of(value.of, value.group).rules if rule.name == value.of and isinstance(rule, Recording)
    )
    own = [f'{label}="{text}"' for label, text in rule.labels.items()]
    return [
        {"labels": with_everywhere(f"{value.of}{{{', '.join(filter(None, [labels, *own]))}}}"), "value": number}
        for labels, number in value.results.items()
    ]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: f"{value.of} when {value.when}")
def test_a_recording_rule_gives_the_value_that_its_case_says(value: Value, tmp_path: Path) -> None:
    promtool(
        tmp_path,
        groups_for(group_of(value.of, value.group), value.of),
        {
            "name": value.when,
            "interval": str(value.step),
            "input_series": [
                {"series": with_everywhere(series), "values": values} for series, values in value.series.items()
            ],
            "promql_expr_test": [
                {"expr": value.of, "eval_time": str(value.at), "exp_samples": samples(value)},
            ],
        },
    )
