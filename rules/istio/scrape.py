"""The settings of Istio, its scrape jobs, and their metrics."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from model.flows import AnyPod, Namespace
from model.metrics import Metric, Metrics, Unit
from model.quantities import Duration, Url
from model.scrape import ALIVE, OF_POD, KubernetesDiscovery, Relabel, ScrapeJob, copy, keep
from model.settings import DnsLabel, Many, Model, PositiveDuration, Spelled
from rules.kubernetes.scrape import ISTIO_AGENT, ISTIOD, ZTUNNEL

PROXIES = "istio-proxies"
_CONTROL_PLANE = 15014
_POD = "__meta_kubernetes_pod"
# Of Envoy's twenty: enough for a percentile at the alert's threshold, and half of the series. Prometheus writes 5.0.
_BUCKETS = r"(?:5|25|100|500|1000|2500|5000|10000)(?:\.0)?|[+]Inf"

Gateway = Annotated[
    str,
    Spelled(
        r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?/[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?",
        "a gateway like istio-ingress/istio-ingressgateway: its namespace, and the label app of its pods, or a Gateway",
    ),
]


class Certificates(Model):
    """How long certificates are valid when they are new: no metric says it."""

    workload: PositiveDuration = Duration.parse("24h")
    """Life of a workload's certificate; Istio's default."""
    intermediate: PositiveDuration | None = None
    """Life of the CA with which istiod signs, if that is not the root."""
    root: PositiveDuration = Duration.parse("3650d")
    """Life of the root certificate; Istio's default."""


class IstioSettings(Model):
    """The `istio` system: istiod, sidecars, gateways, and in ambient mode waypoints and ztunnel."""

    namespace: DnsLabel = "istio-system"
    """Namespace of istiod and ztunnel."""
    gateways: Annotated[Many[Gateway], Len(max_length=50)] = ()
    """Gateways and waypoints that must run, as `namespace/name`. They page; others are found, and only warn."""
    certificates: Certificates = Certificates()
    """Lives of the certificates, for the share that is left."""
    strict_mtls: bool = False
    """Whether all traffic should have mutual TLS, so that plaintext raises an alert."""
    kiali: Url | None = None
    """Address of Kiali for people, which the dashboard links to."""


def jobs(settings: IstioSettings) -> tuple[ScrapeJob, ...]:
    own = Namespace(settings.namespace)
    return (
        ScrapeJob(
            name=ISTIOD,
            # By pods: a revision has a Service of its own, and its tag another one of the same pods.
            discovery=KubernetesDiscovery("pod", (settings.namespace,), f"app={ISTIOD}"),
            egress=((own, (_CONTROL_PLANE,)),),
            relabel=(keep(f"{_POD}_container_port_number", str(_CONTROL_PLANE)), *ALIVE, *OF_POD),
        ),
        ScrapeJob(
            name=PROXIES,
            discovery=KubernetesDiscovery("pod"),
            egress=((AnyPod(), (ISTIO_AGENT,)),),
            path="/stats/prometheus",
            relabel=(
                # A native sidecar is an init container, so init containers are not left out.
                keep(f"{_POD}_container_port_name", "http-envoy-prom"),
                *ALIVE,
                # The agent beside Envoy answers with the metrics of both. Only Envoy's own port is declared.
                Relabel(
                    source=("__address__",), regex=r"(.+):\d+", replacement=f"$1:{ISTIO_AGENT}", target="__address__"
                ),
                *OF_POD,
                # Only pods of gateways have the label istio, from their chart; Istio makes those of the Gateway API.
                Relabel(
                    source=(f"{_POD}_labelpresent_istio", f"{_POD}_label_app"), regex="true;(.+)", target="gateway"
                ),
                copy(f"{_POD}_label_gateway_networking_k8s_io_gateway_name", "gateway"),
            ),
            keeps=_series(OF_PROXIES),
            metric_relabel=(
                Relabel(source=("__name__", "le"), regex=f"[^;]+;(?:{_BUCKETS})?", action="keep"),
                keep("resource_name", "(default)?"),  # the workload's certificate; all repeat the CA's
            ),
        ),
        ScrapeJob(
            name=ZTUNNEL,
            discovery=KubernetesDiscovery("pod", (settings.namespace,), f"app={ZTUNNEL}"),
            egress=((own, (ISTIO_AGENT,)),),
            relabel=(keep(f"{_POD}_container_port_name", "ztunnel-stats"), *ALIVE, *OF_POD),
            keeps=_series(OF_ZTUNNEL),
        ),
    )


def _series(metrics: tuple[Metric, ...]) -> tuple[str, ...]:
    """Their names. Always few: Envoy has hundreds of series for each service."""
    return tuple(sorted(name for metric in metrics for name in metric.series))


_ISTIOD, _PROXY, _ZTUNNEL = Metrics(ISTIOD), Metrics(PROXIES), Metrics(ZTUNNEL)
RAW = "reporter source_workload source_workload_namespace destination_service_name destination_service_namespace"
_TCP = f"{RAW} connection_security_policy"
_HTTP = f"{_TCP} response_code response_flags grpc_response_status"
_CONNECTIONS = {
    "istio_tcp_connections_opened_total": Unit.NONE,
    "istio_tcp_sent_bytes_total": Unit.BYTES,
    "istio_tcp_received_bytes_total": Unit.BYTES,
}
OF_ISTIOD = (
    _ISTIOD.counter("pilot_xds_pushes", "type"),
    _ISTIOD.counter("pilot_total_xds_internal_errors"),
    _ISTIOD.counter("pilot_total_xds_rejects", "type"),
    _ISTIOD.histogram("pilot_proxy_convergence_time"),
    _ISTIOD.gauge("pilot_xds", "version"),
    _ISTIOD.gauge("istio_build", "component tag"),
    _ISTIOD.gauge("citadel_server_root_cert_expiry_timestamp", unit=Unit.TIMESTAMP),
    _ISTIOD.gauge("citadel_server_cert_chain_expiry_timestamp", unit=Unit.TIMESTAMP),
)
OF_PROXIES = (
    _PROXY.counter("istio_requests_total", _HTTP),
    _PROXY.histogram("istio_request_duration_milliseconds", _HTTP, Unit.NONE),
    *(_PROXY.counter(name, _TCP, unit) for name, unit in _CONNECTIONS.items()),
    _PROXY.gauge("istio_agent_cert_expiry_seconds", "resource_name", Unit.SECONDS),
    _PROXY.gauge("envoy_server_live"),
)
OF_ZTUNNEL = tuple(_ZTUNNEL.counter(name, _TCP, unit) for name, unit in _CONNECTIONS.items())
METRICS = (*OF_ISTIOD, *OF_PROXIES, *OF_ZTUNNEL)
