"""Jaeger's metrics of the spans of all services."""

from __future__ import annotations

from model.metrics import PUSHED, Metric, Metrics, Unit
from rules.monitoring.scrape import SPAN_METRICS

SPAN_CALLS = "traces_span_metrics_calls_total"
SPAN_TIMES = "traces_span_metrics_duration_milliseconds"

REQUESTS_BY = "agent_requests_by"
"""Prefix of the metrics of spans of requests to models, of which each attribute of the stack file has one."""
OVERFLOW = "otel_metric_overflow"
"""Label of the series of all values beyond the connector's limit."""

_SPANS = Metrics(SPAN_METRICS)
_OF_SPAN = (
    "service_name span_name span_kind status_code gen_ai_operation_name gen_ai_agent_name a2a_method_name"
    " agent_operation task_type communication_source communication_target http_request_method http_route"
    " http_response_status_code http_status_code server_address rpc_response_status_code rpc_grpc_status_code"
    " k8s_namespace_name k8s_deployment_name k8s_statefulset_name k8s_daemonset_name"
)
OF_SPANS = (
    _SPANS.counter(SPAN_CALLS, _OF_SPAN),
    _SPANS.histogram(SPAN_TIMES, _OF_SPAN, Unit.NONE),
    # Somebody's own collector may push metrics of spans, possibly as native histograms.
    Metrics(PUSHED).histogram(SPAN_TIMES, _OF_SPAN, Unit.NONE),
)


def requests_by(label: str) -> Metric:
    """The counter of spans of requests to models by an attribute, called ``label`` in Prometheus."""
    return _SPANS.counter(f"{REQUESTS_BY}_{label}_calls_total", f"service_name k8s_namespace_name {label} {OVERFLOW}")
