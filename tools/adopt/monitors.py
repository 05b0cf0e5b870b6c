"""ServiceMonitors and PodMonitors as scrape jobs: one for each endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.adopt.equivalents import CHART, JOBS, JOBS_GONE
from tools.adopt.notes import Fields, Notes, filled
from tools.adopt.objects import Given
from tools.adopt.ours import ours
from tools.adopt.scraped import DEFAULTS, REASONS, Job, Jobs, asked, copied, limits, meta
from tools.adopt.selectors import selected

_KINDS = {"ServiceMonitor": ("endpoints", "service"), "PodMonitor": ("podMetricsEndpoints", "pods")}
_CONTAINER = copied("__meta_kubernetes_pod_container_name", "container")


def monitor(given: Given, jobs: Jobs) -> None:
    """Adds the jobs of a monitor."""
    spec = given.spec(jobs.notes)
    endpoints, kind = _KINDS[given.kind]
    label = spec.text("jobLabel")
    labels, narrowed = selected(spec.part("selector"), "service" if kind == "service" else "pod")
    job = labels.get(label, "") or _of_chart(label, labels.get("app", ""))
    if kind == "pods" and not label:
        job = f"{given.namespace}/{given.name}"  # as the operator calls it
    if stands(job, labels, given.where, jobs.notes):
        return
    relabel = [
        _CONTAINER,
        *(copied(f"__meta_kubernetes_service_label_{meta(each)}", meta(each)) for each in spec.many("targetLabels")),
        *(copied(f"__meta_kubernetes_pod_label_{meta(each)}", meta(each)) for each in spec.many("podTargetLabels")),
        *narrowed,
    ]
    where = _namespaces(spec.part("namespaceSelector"), given.namespace)
    bounds = limits(spec)
    parts = spec.parts(endpoints)
    spec.rest(REASONS, DEFAULTS)
    if not labels:
        spec.lost("it selects by no single label = value, which the stack needs: give its targets a label for that")
        return
    if where == [""]:
        spec.lost("namespaceSelector: name the namespaces of its targets: the file does not say where the monitor is")
        return
    for part in parts:
        made = _endpoint(part, given.namespace, {**filled(namespaces=where), "selector": labels}, kind)
        if made is None:
            continue
        made |= filled(relabel=[*relabel, *made.pop("relabel", [])], limits=bounds)
        jobs.add(made, job or given.name, part.where, job or None)


def stands(job: str, labels: Mapping[str, str], where: str, notes: Notes) -> bool:
    """Whether the stack scrapes the targets itself, or has no use for them."""
    for name in (job, *labels.values()):
        if name in JOBS:
            notes.systems |= {ours().jobs[each] for each in JOBS[name]}
            notes.ours(where, f"job {' and '.join(JOBS[name])}; of another server, make a job in prometheus.scrapeJobs")
            return True
        if name in JOBS_GONE:
            notes.lost(where, JOBS_GONE[name])
            return True
    return False


def _of_chart(label: str, app: str) -> str:
    return app.removeprefix(CHART) if label == "jobLabel" and app.startswith(CHART) else ""


def _namespaces(given: Fields, own: str) -> list[str]:
    """Namespaces to search; empty for all."""
    everywhere, names = given.take("any"), given.many("matchNames")
    given.rest()
    return [] if everywhere else names or [own]


def _endpoint(given: Fields, namespace: str, selected: dict[str, Any], kind: str) -> Job | None:
    """The job of one endpoint; None, and a note, if its targets have no port."""
    port, number, target = given.text("port"), given.take("portNumber"), given.take("targetPort")
    if port:
        for name in ("portNumber", "targetPort"):
            if given.given.get(name):
                given.notes.without(given.at(name), "port goes before it")
    made = {
        "labels": {"endpoint": port or str(number or target or "")},
        **asked(given, namespace, path="path", interval="interval"),
    }
    given.rest(REASONS, DEFAULTS)
    if port:
        found = {"portName": port}
    elif isinstance(number or target, int):
        found = {"port": number or target}
    elif target:
        found = {"portName" if kind == "pods" else "containerPortName": str(target)}
    else:
        given.lost("without a port every port was scraped: name one")
        return None
    return {kind: {**selected, **found}, **made}
