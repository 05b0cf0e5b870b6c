"""Checks of people's own scrape jobs: what Prometheus would refuse, what has no effect, and what alerts need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from components.settings.discovery import MOST_TARGETS, InCluster, ServiceTargets
from components.settings.prometheus import PrometheusSettings
from components.settings.scrape_jobs import RelabelStep, ScrapeJobSettings
from model.cluster import ClusterSettings
from model.quantities import Duration
from model.regex import matches
from model.scrape import Action
from model.settings import Problem, problem

_ALL = frozenset({"sourceLabels", "separator", "regex", "modulus", "targetLabel", "replacement"})
_COMPARED = frozenset({"sourceLabels", "targetLabel"})
_NEEDS: Mapping[Action, frozenset[str]] = {
    "replace": frozenset({"targetLabel"}),
    "keep": frozenset({"sourceLabels"}),
    "drop": frozenset({"sourceLabels"}),
    "keepequal": _COMPARED,
    "dropequal": _COMPARED,
    "hashmod": _COMPARED | {"modulus"},
    "labelmap": frozenset({"regex"}),
    "labeldrop": frozenset({"regex"}),
    "labelkeep": frozenset({"regex"}),
    "lowercase": _COMPARED,
    "uppercase": _COMPARED,
}
"""Fields that an action needs."""
_TAKES: Mapping[Action, frozenset[str]] = {
    **_NEEDS,
    "replace": _ALL - {"modulus"},
    "keep": frozenset({"sourceLabels", "separator", "regex"}),
    "drop": frozenset({"sourceLabels", "separator", "regex"}),
    "hashmod": _COMPARED | {"modulus", "separator"},
    "labelmap": frozenset({"regex", "replacement"}),
    "lowercase": _COMPARED | {"separator"},
    "uppercase": _COMPARED | {"separator"},
}
"""Fields that an action reads. Prometheus ignores others, or refuses its whole configuration."""
_STAYS = ("cluster", "environment", "instance", "job")
"""Labels that no step may take away: alerts and dashboards are read by them."""


SHORTEST_INTERVAL = Duration.parse("1s")


def scrape_jobs_fit_together(prometheus: PrometheusSettings) -> Iterator[Problem]:
    for position, job in enumerate(prometheus.scrape_jobs):
        path = f"prometheus.scrapeJobs[{position}]"
        yield from _targets(path, job)
        yield from _tls(path, job)
        yield from _times(path, job, prometheus)
        for number, pattern in enumerate(job.deny):
            if pattern in job.allow:
                yield problem(f"{path}.deny[{number}]", pattern, "a metric that allow does not name")
        for name, steps in (("relabel", job.relabel), ("metricRelabel", job.metric_relabel)):
            for number, step in enumerate(steps):
                yield from _relabelling(f"{path}.{name}[{number}]", step)


def _targets(path: str, job: ScrapeJobSettings) -> Iterator[Problem]:
    given = [name for name, source in job.sources.items() if source is not None]
    if len(given) != 1:
        yield f"{path}: exactly one of {', '.join(job.sources)}, not {' and '.join(given) or 'none'}"
    for name, source in job.sources.items():
        if isinstance(source, InCluster):
            yield from _port(f"{path}.{name}", source)
        if isinstance(source, ServiceTargets) and (source.name is None) == (not source.selector):
            yield f"{path}.{name}: name or selector: exactly one of them"
    if job.azure and job.azure.client_id and job.azure.authentication == "WorkloadIdentity":
        reason = "none with WorkloadIdentity, which takes it from the service account's annotations"
        yield problem(f"{path}.azure.clientId", job.azure.client_id, reason)
    if job.file and (count := sum(len(group.targets) for group in job.file.groups)) > MOST_TARGETS:
        yield problem(f"{path}.file.groups", count, f"at most {MOST_TARGETS} targets together: make another job")


def _port(path: str, source: InCluster) -> Iterator[Problem]:
    ports: dict[str, object] = {"port": source.port, "portName": source.port_name}
    if isinstance(source, ServiceTargets):
        ports["containerPortName"] = source.container_port_name
    if sum(port is not None for port in ports.values()) != 1:
        *others, last = ports
        yield f"{path}: {', '.join(others)} or {last}: exactly one of them"


def _tls(path: str, job: ScrapeJobSettings) -> Iterator[Problem]:
    if job.tls.model_fields_set and job.scheme == "http":
        yield problem(f"{path}.scheme", job.scheme, "https with tls")
    if job.http and job.http.tls.model_fields_set and job.http.url.scheme == "http":
        yield problem(f"{path}.http.url", str(job.http.url), "an https URL with tls")
    verifying = {"caSecret": job.tls.ca_secret, "serverName": job.tls.server_name}
    useless = [name for name, value in verifying.items() if value is not None]
    if job.tls.insecure_skip_verify and useless:
        reason = f"false with {' and '.join(useless)}, which it makes useless"
        yield problem(f"{path}.tls.insecureSkipVerify", True, reason)


def _times(path: str, job: ScrapeJobSettings, prometheus: PrometheusSettings) -> Iterator[Problem]:
    interval = job.interval or prometheus.scrape_interval
    if job.interval and Duration(0) < job.interval < SHORTEST_INTERVAL:
        yield problem(f"{path}.interval", str(job.interval), f"a duration of at least {SHORTEST_INTERVAL}")
    if job.timeout and job.timeout > interval:
        yield problem(f"{path}.timeout", str(job.timeout), f"a duration of at most the interval, {interval}")


def _relabelling(path: str, step: RelabelStep) -> Iterator[Problem]:
    given = {type(step).model_fields[name].alias or name for name in step.model_fields_set} - {"action"}
    if lacking := sorted(_NEEDS[step.action] - given):
        yield problem(f"{path}.action", step.action, f"with it, {' and '.join(lacking)}")
    if unread := sorted(given - _TAKES[step.action]):
        yield problem(f"{path}.action", step.action, f"without {' and '.join(unread)}, which it does not read")
    if step.target_label in ("cluster", "environment", "job", "owner"):
        yield problem(f"{path}.targetLabel", step.target_label, "another label: alerts and dashboards select by it")
    if step.action in ("labeldrop", "labelkeep") and step.regex:
        lost = [label for label in _STAYS if matches(step.regex, label) is (step.action == "labeldrop")]
        if lost:
            reason = f"what leaves {', '.join(lost)}: alerts and dashboards select by it"
            yield problem(f"{path}.regex", step.regex, reason)


def production_hides_the_logins_of_jobs(cluster: ClusterSettings, prometheus: PrometheusSettings) -> Iterator[Problem]:
    """Inside the cluster a job may log in without TLS: there the network, or a mesh, is the user's own."""
    if not cluster.is_production:
        return
    why = "in production no password or token crosses the network in plain"
    for position, job in enumerate(prometheus.scrape_jobs):
        path = f"prometheus.scrapeJobs[{position}]"
        if job.logs_in and job.scheme == "http" and not (job.service or job.pods):
            yield problem(f"{path}.scheme", job.scheme, f"https with a login, or service or pods: {why}")
        if job.http and job.http.logs_in and job.http.url.scheme == "http":
            yield problem(f"{path}.http.url", str(job.http.url), f"an https URL with a login: {why}")


CHECKS = (scrape_jobs_fit_together, production_hides_the_logins_of_jobs)
