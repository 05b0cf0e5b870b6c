"""ServiceMonitors and PodMonitors as scrape jobs: one for each endpoint."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.adopt import client
from tools.adopt.equivalents import JOBS, JOBS_GONE
from tools.adopt.notes import Fields, Notes, filled
from tools.adopt.objects import Given
from tools.adopt.ours import ours
from tools.adopt.scraped import DEFAULTS, REASONS, Job, Jobs, copied, expressions, limits, meta, steps

_KINDS = {"ServiceMonitor": ("endpoints", "service"), "PodMonitor": ("podMetricsEndpoints", "pods")}
_CONTAINER = copied("__meta_kubernetes_pod_container_name", "container")
_PORTS = "without a port every port was scraped: name one"


def monitor(given: Given, jobs: Jobs) -> None:
    """Adds the jobs of a monitor."""
    spec = given.spec(jobs.notes)
    endpoints, kind = _KINDS[given.kind]
    label = spec.text("jobLabel")
    selector = spec.part("selector")
    labels = selector.texts("matchLabels")
    job = labels.get(label, "")
    if stands(job, labels, given.where, jobs.notes):
        return
    found = "service" if kind == "service" else "pod"
    narrowed = list(expressions(selector, found))
    selector.rest()
    if not labels:
        narrowed, labels = _one_label(narrowed, found)
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
        spec.lost(
            "it selects by no label = value, and the stack needs one: give its targets a label, and select by that"
        )
        return
    for part in parts:
        made = _endpoint(part, given.namespace, {**filled(namespaces=where), "selector": labels}, kind)
        if made is None:
            continue
        made |= filled(relabel=[*relabel, *made.pop("relabel", [])], limits=bounds)
        jobs.add(made, job or given.name, part.where, certain=bool(job))


def stands(job: str, labels: Mapping[str, str], where: str, notes: Notes) -> bool:
    """Whether the stack scrapes the targets itself, or has no use for them."""
    for name in (job, *labels.values()):
        if name in JOBS:
            notes.systems |= {ours().jobs[each] for each in JOBS[name]}
            notes.ours(where, f"job {' and '.join(JOBS[name])}")
            return True
        if name in JOBS_GONE:
            notes.lost(where, JOBS_GONE[name])
            return True
    return False


def _one_label(narrowed: list[dict[str, Any]], found: str) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """The first ``In`` of a single value as a label; the others stay steps."""
    start = f"__meta_kubernetes_{found}_label_"
    for position, step in enumerate(narrowed):
        (label,) = step["sourceLabels"]
        plain = step["action"] == "keep" and label.startswith(start) and "|" not in step["regex"]
        # The label's own name is lost where discovery writes other characters as _.
        if plain and (name := label.removeprefix(start)).isalnum():
            rest = narrowed[:position] + narrowed[position + 1 :]
            return rest, {name: step["regex"].replace("\\.", ".")}
    return narrowed, {}


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
    scheme = given.text("scheme").lower() or "http"
    made: Job = {
        "labels": {"endpoint": port or str(number or target or "")},
        **filled(
            scheme="" if scheme == "http" else scheme,
            path=given.text("path"),
            params=given.take("params"),
            interval=given.text("interval"),
            timeout=given.text("scrapeTimeout"),
            honorLabels=given.take("honorLabels"),
            **client.login(given, namespace),
            tls=client.tls(given.part("tlsConfig"), namespace, secure=scheme == "https"),
            relabel=steps(given, "relabelings"),
            metricRelabel=steps(given, "metricRelabelings"),
        ),
    }
    given.rest(REASONS, DEFAULTS)
    if port:
        found = {"portName": port}
    elif isinstance(number or target, int):
        found = {"port": number or target}
    elif target and kind == "pods":
        found = {"portName": str(target)}
    else:
        named = (
            f"targetPort: {target}: a port of the pods by its name: give its number, or port, the Service's name for it"
        )
        given.lost(named if target else _PORTS)
        return None
    return {kind: {**selected, **found}, **made}
