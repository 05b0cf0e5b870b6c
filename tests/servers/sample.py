"""A sample of all telemetry that the catalogue knows: every metric, with series that its rules and dashboards select.

Labels that nothing selects by have one value each, the same in every metric, so that joins find their partners.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from promql_parser import MatchOp

from dashboards.queries import filled
from model.metrics import OF_APPLICATIONS, WITHOUT_JOB, Kind, Metric, known_series
from model.promql import selectors
from rules.catalogue import series_of
from rules.system import Watched

BUCKETS = ("0.005", "0.05", "0.5", "1.0", "2.5", "10.0", "+Inf")
"""Of every histogram, beside those that a rule selects."""
SECONDS_PER_EVENT = 2
"""How slowly counters grow."""
SHARE_OF_FAILURES = 0.0005
"""Failures of a healthy platform, for each event that succeeds: half of what an objective of 99.9 % allows."""
_FAILED = re.compile(r"5(xx|\d\d)|.*(error|ERROR|fail|timeout|reject).*|14")
"""Values of labels of failed events."""
_FAILURES = re.compile(r".*(error|fail|reject|drop|discard|refused|lost|timeout).*")
"""Names of counters of failures."""
_RATIO_OF_FAILURES = re.compile(r"slo:(errors|sli_error):.*")
"""Recordings of failures, where they have a history."""
ONLY_OF_FAILURES = frozenset({"error_type", "grpc_response_status"})
"""Labels that what succeeds does not have: there is a series with each, and one without."""
_MONTH = 30 * 24 * 3600
QUIET, FIRED = 1800, 120
"""Seconds before the end of the history: alerts fire, are quiet from the first on, and fire again since the second. It
is the last quarter of an hour in which annotations look for a start."""
UNLIKE_OTHERS: dict[str, Callable[[float], float]] = {
    "kube_deployment_spec_replicas": lambda _: 1,  # a rollout is no change of size
    "node_boot_time_seconds": lambda age: age // 900 * 900,  # it was started again within half an hour
    "node_filesystem_readonly": lambda _: 0,
    "ALERTS_FOR_STATE": lambda _: time.time() - 3600,  # since when they are pending
    # Changes of the last day.
    "kube_replicaset_created": lambda _: time.time() - 3600,
    "prometheus_config_last_reload_success_timestamp_seconds": lambda _: time.time() - 7200,
    "alertmanager_config_last_reload_success_timestamp_seconds": lambda _: time.time() - 7300,
    "process_start_time_seconds": lambda _: time.time() - 10_800,
    "up": lambda _: 1,
    "probe_success": lambda _: 1,
    "service:requests:mean1h": lambda _: 2,  # up to 1 request/s nothing is compared
    # Less than that is compared with no week before.
    "service:progressive_http_requests:increase1h": lambda _: 7200,
    "service:progressive_nutrition_plans:increase1h": lambda _: 100,
    "service:progressive_workout_plans:increase1h": lambda _: 100,
    "service:progressive_active_users:sum": lambda _: 100,
    "node_filesystem_avail_bytes": lambda age: 1 - age / _MONTH,  # it fills within a month
    # What clusters run out of grows.
    "kubelet_running_pods": lambda age: age / _MONTH,
    "namespace:kube_pod_container_resource_requests:sum": lambda age: age / _MONTH,
    "namespace_persistentvolumeclaim:kubelet_volume_stats_used:ratio": lambda age: age / _MONTH,
}
"""Gauges that rules read only at some value, or while they fall: value by age in seconds."""

VALUES = {
    "le": "+Inf",
    "quantile": "0.99",
    "instance": "10.0.0.1:9090",
    "http_response_status_code": "404",  # a client's error; the series with an error_type are the server's
    "workload_type": "Deployment",
    "grpc_response_status": "14",  # a failure of the server
    "reporter": "destination",
    "response_code": "200",
}
"""Values of labels that rules read, or that have to be of some form."""
SAME_AS = {
    **dict.fromkeys(("deployment", "statefulset", "daemonset", "workload", "service", "service_name"), "pod"),
    "exported_service": "pod",
    "exported_namespace": "namespace",
    **dict.fromkeys(("k8s_deployment_name", "k8s_statefulset_name", "k8s_daemonset_name", "k8s_pod_name"), "pod"),
    "k8s_namespace_name": "namespace",
}
"""Labels with the value of another. A rule that finds pods of nobody makes the sample's pod a workload by its own name,
and a service is named after its workload."""
RESOURCES = {"service": "k8s_deployment_name", "namespace": "k8s_namespace_name"}
"""By label of what is recorded of a service, the label by which it is found."""
RECORDED_AS = {"kind": "gen_ai_open_kind", "outcome": "outcome", "reporter": "reporter"}
"""By label of what is recorded, the label that it comes from: rules select the former by several values."""
OF_SERVICES = tuple(f"http_server_request_duration_seconds{of}" for of in ("_bucket", "_count", "_sum"))
"""What services that rules name push."""
OF_PODS = frozenset({"namespace", "pod", "app", "service"})
"""Labels of targets that are pods."""

Labels = tuple[tuple[str, str], ...]


def sampled(watched: Watched, exprs: Iterable[str], everywhere: Mapping[str, str]) -> dict[str, set[Labels]]:
    """Series by name: for each selector in ``exprs`` one that it finds, and one of every metric."""
    known = known_series(watched.metrics, watched.scrape_jobs)
    found: dict[str, set[Labels]] = {name: set() for name in known}
    recorded = {rule.name for group in watched.groups for rule in group.rules}
    exprs = list(exprs)
    read = [selector for expr in exprs for selector in selectors(filled(expr))]
    # What the server records begins when it starts; whatever is compared with days before, or read in steps that are
    # longer than a test, has a history.
    before = {selector.name for selector in read if selector.name and selector.offset}
    before |= {
        name for expr in exprs for name in re.findall(r"([\w:]+)(?:{[^}]*})?\)*\[\w+:(?:\w+\]|\] offset )", expr)
    }
    compared = before & recorded
    recorded -= compared
    of_rules = series_of(watched)
    known |= {name: of_rules[name] or frozenset() for name in compared}
    # Native histograms cannot be written as text; the classic ones have the same to say.
    natives = {metric.native for metric in watched.metrics}
    jobs = {
        name: {"job": metric.job}
        for metric in watched.metrics
        if metric.job not in WITHOUT_JOB
        for name in metric.series
    }
    # Of these an application has some of the labels; here one has all of them.
    of_applications = {
        name: frozenset(labels) | {"job"}
        for metric in watched.metrics
        if metric.job == OF_APPLICATIONS
        for name, labels in metric.series.items()
    }
    wanted = [_chosen(selector) for selector in read if selector.name in recorded]
    services = [
        {resource: chosen[label] for label, resource in RESOURCES.items() if label in chosen}
        for chosen in wanted
        if "service" in chosen
    ]
    asked = [(selector.name, _chosen(selector)) for selector in read]
    asked += [(name, {}) for name in known]
    for name, chosen in asked:
        if name is None or name in recorded or name in natives | {"ALERTS", "ALERTS_FOR_STATE"}:
            continue
        names = known.get(name) or of_applications.get(name) or frozenset(chosen)
        labels = {label: usual(label) for label in names} | jobs.get(name, {}) | dict(everywhere) | chosen
        for without in ("", *(ONLY_OF_FAILURES & labels.keys() - chosen.keys())):
            one = tuple(sorted((k, v) for k, v in labels.items() if v and k != without))
            found.setdefault(name, set()).add(one)
    for name in OF_SERVICES:
        found[name] |= {tuple(sorted((dict(one) | named).items())) for one in found[name] for named in services}
    for label, source in RECORDED_AS.items():
        values = {chosen[label] for chosen in wanted if label in chosen}
        for name, series in found.items():
            of_source = [dict(one) for one in series if source in dict(one)]
            found[name] = series | {tuple(sorted({**one, source: v}.items())) for one in of_source for v in values}
    # A target that is no pod, as a node is.
    found["up"].add(tuple(each for each in min(found["up"]) if each[0] not in OF_PODS))
    return found


def _chosen(selector: object) -> dict[str, str]:
    """For each label of a selector a value that it accepts."""
    values: dict[str, str] = {}
    for matcher in selector.matchers.matchers:  # type: ignore[attr-defined]  # the parser is a compiled module
        if matcher.value in (".*", ".+"):
            continue  # a dashboard's variable, whether it takes one value or several
        if matcher.op == MatchOp.Equal:
            values[matcher.name] = matcher.value
        elif matcher.op == MatchOp.Re:
            values[matcher.name] = _example(matcher.value)
    return values


def _example(pattern: str) -> str:
    """A text that a simple pattern matches; raises AssertionError when it is not that simple."""
    text = pattern
    while "(" in text:
        text = re.sub(r"\(\??:?([^()|]*)(\|[^()]*)?\)\??", lambda group: group[1], text)
    text = text.partition("|")[0]
    text = re.sub(r"\[(\^?)(.)[^\]]*\][*+?]?", lambda group: "x" if group[1] else group[2], text)
    text = re.sub(r"(?<!\\)\.[*+]", "x", text)
    text = re.sub(r"(?<!\\)\.", "0", text).replace("\\", "")
    assert re.fullmatch(pattern, text), f"{pattern}: no example found, tried {text}"
    return text


def usual(label: str) -> str:
    """The label's value in most series."""
    return VALUES.get(label, f"a-{SAME_AS.get(label, label).replace('_', '-')}")


@dataclass(frozen=True)
class Sample:
    """Series whose values follow the clock, so that history and what is scraped now fit together."""

    watched: Watched
    series: Mapping[str, set[Labels]]
    began: float
    """Seconds since 1970: counters are 0 then."""

    def text(self, moments: list[float], *, timed: bool) -> Iterator[str]:
        """One line per series and moment, in ascending order; ``timed`` for a file, without times for a scrape."""
        kinds = {name: metric for metric in self.watched.metrics for name in metric.series}
        for name in sorted(self.series):
            if ":" in name and not timed:
                continue  # from now on the server records it
            for labels in sorted(_with_buckets(name, self.series[name], kinds.get(name))):
                inside = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
                for moment in moments:
                    if name == "ALERTS" and timed and moments[-1] - QUIET < moment < moments[-1] - FIRED:
                        continue
                    value = _value(name, labels, kinds.get(name), moment - self.began)
                    yield f"{name}{{{inside}}} {value}" + (f" {moment:.3f}\n" if timed else "\n")
        if timed:
            yield "# EOF\n"


def _with_buckets(name: str, series: set[Labels], metric: Metric | None) -> set[Labels]:
    """All buckets of each histogram that has one."""
    if not name.endswith("_bucket") or metric is None:
        return series
    return series | {tuple(sorted(({**dict(labels), "le": end}).items())) for labels in series for end in BUCKETS}


def _value(name: str, labels: Labels, metric: Metric | None, age: float) -> float:
    count = round(age / SECONDS_PER_EVENT)
    share = SHARE_OF_FAILURES if _fails(name, labels) else 1
    if name.endswith("_bucket"):
        return share * count * _within(float(dict(labels)["le"]))
    counts = metric.kind in (Kind.COUNTER, Kind.HISTOGRAM) if metric else name.endswith(("_total", "_count", "_sum"))
    if counts or (metric and metric.kind is Kind.SUMMARY and name != metric.name):
        return share * count
    if name in UNLIKE_OTHERS:
        return UNLIKE_OTHERS[name](age)
    if name.endswith(("_info", "_labels", "_owner", "_up")):
        return 1  # it joins labels, and a product with it keeps its value, or it says that a server answers
    if _RATIO_OF_FAILURES.fullmatch(name):
        return SHARE_OF_FAILURES
    # A gauge that never moves would hide what is made of its change.
    return 1 + count % 2 / 10


def _within(bound: float) -> float:
    """Share of events that take at most so long: most a twentieth of a second, and nearly all a tenth."""
    return 1 if bound >= 1 else 1 - SHARE_OF_FAILURES / 2 if bound >= 0.1 else 0.9 if bound >= 0.05 else 0.1


def _fails(name: str, labels: Labels) -> bool:
    """Whether a counter counts failures. Labels that every series has by its own name are no sign of any."""
    marked = (value for label, value in labels if label not in ("cluster", "environment", "job", "le"))
    failed = any(_FAILED.fullmatch(value) and not value.startswith("a-") for value in marked)
    return failed or bool(_FAILURES.fullmatch(name)) or any(label in ONLY_OF_FAILURES for label, _ in labels)


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
