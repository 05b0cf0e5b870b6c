"""Objects and a values file in, a content folder and parts of a stack file out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model.yaml_text import text
from tools.adopt import notifications
from tools.adopt.dashboards import dashboard_files
from tools.adopt.monitors import monitor
from tools.adopt.notes import Fields, Notes, filled
from tools.adopt.objects import COMMANDS, KINDS, Given
from tools.adopt.ours import ours
from tools.adopt.probes import probes
from tools.adopt.rules import check_jobs, exprs, rule_files
from tools.adopt.scrape_configs import scrape_config
from tools.adopt.scraped import Jobs
from tools.adopt.values import FromValues


@dataclass(frozen=True)
class Result:
    content: Mapping[str, str]
    """Path in the content folder to text."""
    sections: Mapping[str, Any]
    """Of a stack file."""
    carried: Mapping[str, int]
    """How many of each kind of thing are carried over."""
    notes: Notes


def adopted(given: Sequence[Given], values: FromValues | None, notes: Notes) -> Result:
    """All that is carried over, with ``notes`` on the rest."""
    objects = [*given, *(values.objects if values else ())]
    _foreign(objects, notes)
    sections: dict[str, Any] = dict(values.sections) if values else {}
    by_kind: Callable[[str], list[Given]] = lambda kind: [each for each in objects if each.kind == kind]  # noqa: E731
    rules = rule_files(by_kind("PrometheusRule"), notes)
    jobs = _jobs(objects, values, sections.get("prometheus", {}), notes)
    addresses = probes(by_kind("Probe"), notes)
    dashboards = dashboard_files(by_kind("ConfigMap"), notes)
    notified = _notified(objects, values, notes)
    asked: dict[str, Sequence[str]] = {path: exprs(groups) for path, groups in rules.items()}
    asked |= {path: board.queries for path, board in dashboards.items()}
    check_jobs(asked, {*jobs.names, *ours().jobs}, notes)
    prometheus = {**sections.get("prometheus", {}), **filled(scrapeJobs=jobs.made)}
    systems: dict[str, Any] = {key: {} for key in sorted(notes.systems - {"monitoring", "logs"})}
    monitoring = {"monitoring": {"probes": addresses}} if addresses else {}
    return Result(
        content={
            **{path: text({"groups": groups}) for path, groups in rules.items()},
            **{path: board.text for path, board in dashboards.items()},
        },
        sections=filled(
            **{**sections, "prometheus": prometheus}, systems={**systems, **monitoring}, notifications=notified
        ),
        carried={
            "rules": sum(len(group["rules"]) for groups in rules.values() for group in groups),
            "scrape jobs": len(jobs.made),
            "probed addresses": len(addresses),
            "dashboards": len(dashboards),
            "receivers": len(notified.get("receivers", ())),
            "routes": sum(map(_count, notified.get("routes", ()))),
        },
        notes=notes,
    )


def _foreign(objects: Sequence[Given], notes: Notes) -> None:
    for each in objects:
        if each.kind == "Secret":
            notes.lost(each.where, "secrets are not read: the list below says which to set")
        elif each.kind not in KINDS:
            notes.lost(each.where, f"{each.kind} is not read: {', '.join(KINDS)}, as printed by {COMMANDS[0]}")


def _jobs(objects: Sequence[Given], values: FromValues | None, prometheus: Mapping[str, Any], notes: Notes) -> Jobs:
    jobs = Jobs(prometheus, notes)
    for each in objects:
        if each.kind in ("ServiceMonitor", "PodMonitor"):
            monitor(each, jobs)
        elif each.kind == "ScrapeConfig":
            scrape_config(each.spec(notes), each.namespace, each.name, jobs)
    for part in values.scrape_configs if values else ():
        scrape_config(part, "", "", jobs)
    return jobs


def _notified(objects: Sequence[Given], values: FromValues | None, notes: Notes) -> dict[str, Any]:
    notified = notifications.Notified(notes)
    for each in objects:
        if each.kind == "AlertmanagerConfig":
            notifications.add(each.spec(notes), each.namespace, each.name, notified)
    configuration: Fields | None = values.alertmanager if values else None
    if configuration:
        notifications.add(configuration, "", "", notified)
    return notified.section()


def _count(route: Mapping[str, Any]) -> int:
    return 1 + sum(map(_count, route.get("routes", ())))
