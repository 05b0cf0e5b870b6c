"""Metrics of requests, as instrumentations, client libraries and ingress controllers expose them.

No exporter of ours makes these. A series has some of the labels of its metric: each library has its own.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.metrics import OF_APPLICATIONS, PUSHED, Metric, Metrics, Unit
from rules.services.settings import SourceSettings
from rules.services.sources import ACTIVE_OF_LIBRARIES, PROMETHEUS

_PUSHED, _ANY = Metrics(PUSHED), Metrics(OF_APPLICATIONS)
_HTTP = "http_request_method http_response_status_code error_type"
_RPC = "rpc_service rpc_method rpc_grpc_status_code rpc_response_status_code error_type"
_LIBRARIES = "method status code status_code path route handler endpoint"
_NGINX = "exported_namespace exported_service ingress host method status path"
_TRAEFIK = "exported_service code method protocol"
_ENVOY = "envoy_cluster_name"

INSTRUMENTED = (
    _PUSHED.histogram("http_server_request_duration_seconds", f"{_HTTP} http_route"),
    _PUSHED.histogram("http_client_request_duration_seconds", f"{_HTTP} server_address"),
    _PUSHED.histogram("rpc_server_call_duration_seconds", _RPC),
    _PUSHED.histogram("rpc_client_call_duration_seconds", f"{_RPC} server_address"),
    _PUSHED.histogram("rpc_server_duration_milliseconds", _RPC, Unit.NONE),
    _PUSHED.histogram("rpc_client_duration_milliseconds", f"{_RPC} server_address", Unit.NONE),
    _PUSHED.gauge("http_server_active_requests", "http_request_method"),
    _PUSHED.gauge("target_info"),
)
OF_LIBRARIES = (*(_ANY.gauge(name) for name in ACTIVE_OF_LIBRARIES), _ANY.gauge("app_info", "version"))
OF_INGRESS = (
    _ANY.counter("nginx_ingress_controller_requests", _NGINX),
    _ANY.histogram("nginx_ingress_controller_request_duration_seconds", _NGINX),
    _ANY.counter("traefik_service_requests_total", _TRAEFIK),
    _ANY.histogram("traefik_service_request_duration_seconds", _TRAEFIK),
    _ANY.counter("envoy_cluster_upstream_rq_xx", f"{_ENVOY} envoy_response_code_class"),
    _ANY.histogram("envoy_cluster_upstream_rq_time", _ENVOY, Unit.NONE),
)


def of_source(source: SourceSettings) -> Iterator[Metric]:
    own = source.labels
    labels = " ".join(filter(None, (own.route, own.method, own.status))) if source != PROMETHEUS else _LIBRARIES
    if source.requests:
        yield _ANY.counter(source.requests, labels)
    if source.duration:
        yield _ANY.histogram(source.duration, labels)
