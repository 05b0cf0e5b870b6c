"""Whether a pod is ready, asked of the pod itself, and why it is not.

Kubernetes says only that a pod is not ready. The blackbox exporter makes no labels of an answer's fields, so each named
condition is a module of its own, which fails if the answer's body matches.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from model.cluster import ClusterSettings
from model.exporter import Exporter
from model.flows import AnyPod, Server
from model.metrics import Metric, Metrics, Unit
from model.quantities import Duration
from model.rules import Recording
from model.scrape import BRACKETS, HOST, OF_POD, RUNNING, KubernetesDiscovery, Relabel, ScrapeJob, copy, keep
from model.yaml_text import text
from rules.kubernetes.recordings import POD_OWNER
from rules.monitoring.scrape import BLACKBOX_EXPORTER, BLACKBOX_EXPORTER_IMAGE, BLACKBOX_PORT
from rules.services.labels import SERVICE, fixed, renamed
from rules.services.settings import ReadinessSettings

JOB = "pod-probes"
INTERVAL = Duration.parse("30s")
TIMEOUT = Duration.parse("5s")
REASON = "pod:not_ready:info"
"""1 per pod whose probe fails, with ``reason``: a named condition, or REFUSED, TIMED_OUT or STATUS."""
REASONS = "service_reason:pods_not_ready:count"
"""Number of a service's pods whose probe fails, by ``reason``."""
REFUSED, TIMED_OUT, STATUS = "refused", "timeout", "status"
WHY = (
    "{{ range printf `" + REASONS + "{cluster=%q,namespace=%q,service=%q}` $labels.cluster $labels.namespace"
    " $labels.service | query }} {{ .Value }} not ready: {{ .Labels.reason }}"
    f'{{{{ if eq .Labels.reason "{TIMED_OUT}" }}}} (or a network policy blocks the prober){{{{ end }}}}.{{{{ end }}}}'
)
"""The end of an alert's description, as a template: a sentence for each reason."""

_SUCCESS, _STATUS = "pod_probe_success", "pod_probe_http_status_code"
_SECONDS, _MATCHED = "pod_probe_duration_seconds", "pod_probe_failed_due_to_regex"
_INSTANCE = "pods"
_PODS = "cluster, environment, namespace, pod"
_ANNOTATION = "__meta_kubernetes_pod_annotation_observability_probe"
_OF_NOT_READY = [200, 429, 500, 502, 503, 504]
"""Statuses whose body is looked at for conditions: what health endpoints answer."""


OF_KUBELET = Metrics("kubelet-probes").counter("prober_probe_total", "namespace pod container probe_type result")


def job_of(condition: str) -> str:
    return f"{JOB}-{condition}"


def jobs(settings: ReadinessSettings, cluster: ClusterSettings) -> Iterator[ScrapeJob]:
    """One that asks whether a pod is ready, and one for each condition: a job has one module."""
    yield _job(JOB, "ready", cluster)
    yield from (_job(job_of(name), name, cluster) for name in settings.not_ready_when)


def _job(name: str, module: str, cluster: ClusterSettings) -> ScrapeJob:
    prober = Server(f"{BLACKBOX_EXPORTER}-{_INSTANCE}")
    return ScrapeJob(
        name=name,
        discovery=KubernetesDiscovery("pod"),
        egress=((prober, (BLACKBOX_PORT,)),),
        path="/probe",
        params={"module": [module]},
        interval=INTERVAL,
        relabel=(
            keep(_ANNOTATION, "/.*"),
            *RUNNING,
            BRACKETS,
            Relabel(
                source=("__address__", f"{_ANNOTATION}_port"),
                regex=rf"{HOST};(\d+)",
                replacement="$1:$2",
                target="__address__",
            ),
            Relabel(source=(f"{_ANNOTATION}_scheme",), regex="(https?)", target="__scheme__"),
            Relabel(
                source=("__scheme__", "__address__", _ANNOTATION),
                regex="([^;]+);([^;]+);(.+)",
                replacement="$1://$2$3",
                target="__param_target",
            ),
            Relabel(target="__scheme__", replacement="http"),  # of the prober
            copy("__param_target", "instance"),
            *OF_POD,
            Relabel(target="__address__", replacement=prober.address(cluster.namespaces.stack, BLACKBOX_PORT)),
        ),
        metric_relabel=(
            keep("__name__", "|".join(name.removeprefix("pod_") for name in (_SUCCESS, _STATUS, _SECONDS, _MATCHED))),
            # Probes from outside have these names, and alerts of their own.
            Relabel(source=("__name__",), regex="(.+)", replacement="pod_$1", target="__name__"),
        ),
    )


def exporter(settings: ReadinessSettings, cluster: ClusterSettings) -> Exporter:
    """A prober apart from that of the stack's own servers, since it may connect to every pod."""
    workload = f"{BLACKBOX_EXPORTER}-{_INSTANCE}"
    conditions = {name: _module(cluster, regex) for name, regex in settings.not_ready_when.items()}
    return Exporter(
        name=BLACKBOX_EXPORTER,
        instance=_INSTANCE,
        image=BLACKBOX_EXPORTER_IMAGE,
        args=(f"--config.file=/etc/{workload}/config/blackbox.yml", f"--web.listen-address=:{BLACKBOX_PORT}"),
        ports={"metrics": BLACKBOX_PORT},
        resources=settings.resources,
        live=("/-/healthy", "metrics"),
        ready=("/metrics", "metrics"),
        files={"blackbox.yml": text({"modules": {"ready": _module(cluster), **conditions}})},
        egress=((AnyPod(), ()),),
    )


def _module(cluster: ClusterSettings, regex: str = "") -> dict[str, Any]:
    family = {"IPv4": "ip4", "IPv6": "ip6"}[cluster.network.ip_family]
    http: dict[str, Any] = {
        "preferred_ip_protocol": family,
        # As the kubelet, which asks pods by their address and verifies no certificate.
        "tls_config": {"insecure_skip_verify": True},
    }
    if regex:
        http |= {"valid_status_codes": _OF_NOT_READY, "fail_if_body_matches_regexp": [regex]}
    return {"prober": "http", "timeout": str(TIMEOUT), "http": http}


def metrics(settings: ReadinessSettings) -> Iterator[Metric]:
    for name in (JOB, *map(job_of, settings.not_ready_when)):
        its = Metrics(name)
        yield its.gauge(_SUCCESS)
        yield its.gauge(_STATUS)
        yield its.gauge(_SECONDS, unit=Unit.SECONDS)
        yield its.gauge(_MATCHED)


def recordings(settings: ReadinessSettings, *, owners: bool) -> Iterator[Recording]:
    """``owners`` says whether the workloads of pods are known."""
    failing = f'group by ({_PODS}) ({_SUCCESS}{{job="{JOB}"}} == 0)'
    conditions = [
        fixed(f"{failing} and {_of(_MATCHED, job_of(name))} == 1", "reason", name) for name in settings.not_ready_when
    ]
    answered = f"{_of(_STATUS, JOB)} > 0"
    # The exporter gives up a little before its timeout.
    late = f"{_of(_SECONDS, JOB)} > {TIMEOUT.seconds * 0.9:g}"
    otherwise = " or ".join(
        (
            fixed(f"{failing} and {answered}", "reason", STATUS),
            fixed(f"({failing} unless {answered}) and {late}", "reason", TIMED_OUT),
            fixed(f"{failing} unless ({answered} or {late})", "reason", REFUSED),
        )
    )
    known = " or ".join(conditions)
    either = f"{known} or (({otherwise}) unless on ({_PODS}) ({known}))" if known else otherwise
    yield Recording(name=REASON, expr=either)
    if not owners:
        return
    owned = f"{REASON} * on (cluster, namespace, pod) group_left (workload) {POD_OWNER}"
    yield Recording(name=REASONS, expr=f"count by ({SERVICE}, reason) ({renamed(owned, 'service', 'workload')})")


def _of(metric: str, job: str) -> str:
    return f'max by ({_PODS}) ({metric}{{job="{job}"}})'
