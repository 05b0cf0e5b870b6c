"""Examples as promtool tries them, all of a system in one run."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus
from xml.etree import ElementTree as ET

from model.promql import selectors
from model.rules import Alert, Group, Recording
from rules.render import place_labels, rule_group
from tests.catalogue import everything, place, whole
from tests.rules.examples import Example, Firing, Labels
from tests.rules.near import places
from tools.servers.find import binary

WATCHED = whole()
PLACE = place(everything())
EVERYWHERE = place_labels(PLACE)


@dataclass(frozen=True)
class Verdict:
    """What promtool says of an example."""

    against: str
    """Nothing where all is as it should be."""
    near: frozenset[str]
    """Which of its alert's `places` it is at."""


def verdicts(examples: Iterable[Example], folder: Path) -> dict[str, Verdict]:
    """What promtool says of each example, by its sentence.

    Each rule has a file of its own with no more than what it reads, since every rule is evaluated for every minute of
    every example beside it; and one for each time between samples, which are evaluated as rarely. All files are one
    run.
    """
    of_rules: dict[tuple[str, str, str], list[Example]] = {}
    for each in examples:
        of_rules.setdefault((group_of(each).name, each.rule, str(each.step)), []).append(each)
    for (group, rule, step), tried in of_rules.items():
        groups = [rule_group(each, PLACE) for each in groups_for(group_of(tried[0]), rule)]
        write(folder, f"{group}-{rule}-{step}".replace(":", "-"), groups, [plain_test(each) for each in tried])
    return {name: _verdict(failures) for name, failures in _failures(folder).items()}


def _verdict(failures: list[str]) -> Verdict:
    found = {failure: re.match(r'(?s)\s*expr: "# (.+?)\\n.*\n +got: ', failure) for failure in failures}
    return Verdict(
        against="\n".join(failure for failure, place in found.items() if not place),
        near=frozenset(place[1] for place in found.values() if place),
    )


# --- promtool ---


def write(
    folder: Path, name: str, groups: list[dict[str, Any]], tests: list[dict[str, Any]], *, every: str = ""
) -> None:
    """A file of rule groups and one of tests of them, for `run`; JSON is YAML, and written in no time.

    The rules are evaluated ``every`` so often; by default as often as there are samples, or each minute.
    """
    (folder / f"{name}.rules.yml").write_text(json.dumps({"groups": groups}))
    file = {
        "rule_files": [f"{name}.rules.yml"],
        "evaluation_interval": every or _evaluated({test["interval"] for test in tests}),
        # Otherwise it takes any: a rule that reads another group's would see it now or a minute later.
        "group_eval_order": [group["name"] for group in groups],
        # Sums of floats: the last of sixteen digits is nobody's business.
        "fuzzy_compare": True,
        "tests": tests,
    }
    (folder / f"{name}.test.yml").write_text(json.dumps(file))


def _evaluated(steps: set[str]) -> str:
    """As often as there are samples, where these are rare: each minute of a fortnight takes minutes."""
    return next(iter(steps)) if len(steps) == 1 else "1m"


def run(folder: Path) -> dict[str, str]:
    """Every test in ``folder``, by name, and what promtool says against it; a test without a verdict is missing."""
    return {name: "\n".join(failures) for name, failures in _failures(folder).items()}


def _failures(folder: Path) -> dict[str, list[str]]:
    report = folder / "report.xml"
    files = sorted(path.name for path in folder.glob("*.test.yml"))
    done = subprocess.run(
        [binary("promtool"), "test", "rules", f"--junit={report.name}", *files],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=1200,  # against hanging: all examples of a system take a minute on an idle machine
    )
    assert report.exists(), f"{done.stdout}{done.stderr}"
    cases = ET.parse(report).getroot().iter("testcase")  # noqa: S314  promtool's own report
    return {case.attrib["name"]: [failure.text or "" for failure in case.iter("failure")] for case in cases}


# --- the rules that an example takes ---


def group_of(example: Example) -> Group:
    """Whose rule it is; objectives have rules of the same names."""
    return next(
        group
        for group in WATCHED.groups
        if example.group in ("", _objective(group)) and any(rule.name == example.rule for rule in group.rules)
    )


def alert_of(example: Example) -> Alert:
    return next(rule for rule in group_of(example).rules if isinstance(rule, Alert) and rule.name == example.rule)


def groups_for(own: Group, rule: str) -> list[Group]:
    """A rule and all of its system that it reads; an objective reads what its own groups record."""
    near = [group for group in WATCHED.groups if (_objective(group), group.system) == (_objective(own), own.system)]
    read: set[str] = set()
    wanted = {rule}
    while wanted != read:  # an objective's two groups read each other
        read = wanted
        wanted = read.union(*(_reads(each) for group in near for each in group.rules if each.name in read))
    found = [replace(group, rules=tuple(each for each in group.rules if each.name in read)) for group in near]
    return [group for group in found if group.rules]


def _objective(group: Group) -> str:
    """The name that the groups of one objective share; nothing of others."""
    return group.name.partition(".")[0] if group.name.startswith("slo-") else ""


def _reads(rule: Alert | Recording) -> set[str]:
    if isinstance(rule, Recording):
        exprs, asked = [rule.expr], set[str]()
    else:
        exprs = [rule.expr(severity) for severity in rule.severities]
        asked = set(re.findall(r"\w+:\w+:\w+", rule.description))  # its text may query as well
    return asked | {selector.name for expr in exprs for selector in selectors(expr) if selector.name}


# --- an example as a test ---


def plain_test(example: Example) -> dict[str, Any]:
    asked = {"eval_time": str(example.at)}
    if example.gives is None:
        expected = [_alert(example, firing) for firing in example.firing]
        tried = {
            "alert_rule_test": [{**asked, "alertname": example.rule, "exp_alerts": expected}],
            # That nothing is found is said to be expected: what is found is printed, and read by `_verdict`.
            "promql_expr_test": [
                {**asked, "expr": f"# {place}\ncount({found})", "exp_samples": []}
                for place, found in places(alert_of(example))
            ],
        }
    else:
        tried = {"promql_expr_test": [{**asked, "expr": example.rule, "exp_samples": _samples(example)}]}
    return {
        "name": example.sentence,
        "interval": str(example.step),
        "input_series": [
            {"series": with_everywhere(series), "values": values} for series, values in example.series.items()
        ],
        **tried,
    }


def with_everywhere(selector: str) -> str:
    """The selector of a series with the labels that all have."""
    name, _, inside = selector.partition("{")
    added = ", ".join(f'{label}="{value}"' for label, value in EVERYWHERE.items() if f"{label}=" not in inside)
    return f"{name.strip()}{{{', '.join(part for part in (inside.strip().removesuffix('}'), added) if part)}}}"


def _alert(example: Example, firing: Firing) -> dict[str, Any]:
    """Labels and annotations of an alert, exactly."""
    group, alert = group_of(example), alert_of(example)
    (made,) = (
        rule
        for rule in rule_group(group, PLACE)["rules"]
        if rule.get("alert") == alert.name and rule["labels"]["severity"] == firing.severity
    )
    links = {name: filled(made["annotations"][name], firing.labels) for name in ("runbook_url", "dashboard_url")}
    line = alert.line_of(firing.severity, firing.labels) if alert.thresholds else ""
    measured = {"value": firing.value, "threshold": line} if alert.thresholds else {}
    return {
        "exp_labels": {
            "owner": alert.owner,
            **firing.labels,
            **alert.labels,
            **EVERYWHERE,
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


def filled(link: str, labels: Labels) -> str:
    """A link's template with the labels that it names; a label that the alert does not have is empty."""
    return re.sub(r"{{ \$labels\.(\w+) \| urlquery }}", lambda found: quote_plus(labels.get(found[1], "")), link)


def _samples(example: Example) -> list[dict[str, Any]]:
    """What a recording rule must give, exactly. Of several rules of one name each result names its own labels."""
    rules = [rule for rule in group_of(example).rules if rule.name == example.rule and isinstance(rule, Recording)]
    results: Mapping[str, float] = example.gives or {}
    own = [f'{label}="{text}"' for label, text in rules[0].labels.items()] if len(rules) == 1 else []
    return [
        {"labels": with_everywhere(f"{example.rule}{{{', '.join(filter(None, [labels, *own]))}}}"), "value": number}
        for labels, number in results.items()
    ]
