"""Requests as ingress controllers count them, apart from the services' own: one that is gone counts no failures."""

from __future__ import annotations

from model.metrics import Unit
from model.rules import Recording
from rules.histograms import with_label
from rules.rates import RANGE
from rules.services.labels import SERVICE, classed, fixed, in_seconds, renamed
from rules.services.recordings import failing

EDGE = "edge:requests:rate5m"
"""Requests per second, by cluster, environment, namespace, service, ``status`` and ``controller``. The service is what
the controller forwards to: a Kubernetes Service, or with Envoy Gateway an HTTPRoute."""
EDGE_ERRORS = "edge:requests:error_ratio5m"
EDGE_P95 = "edge:request_duration_seconds:p95_5m"
_BY = f"{SERVICE}, controller"


def recordings() -> tuple[Recording, ...]:
    requests = " or ".join(
        (
            renamed(_nginx("nginx_ingress_controller_requests"), "code", "status"),
            _traefik("traefik_service_requests_total"),
            # "5", of 5xx.
            fixed(_envoy("envoy_cluster_upstream_rq_xx"), "code", "${1}xx", "envoy_response_code_class", "(.)"),
        )
    )
    buckets = " or ".join(
        (
            _nginx("nginx_ingress_controller_request_duration_seconds_bucket"),
            _traefik("traefik_service_request_duration_seconds_bucket"),
            in_seconds(_envoy("envoy_cluster_upstream_rq_time_bucket")),
        )
    )
    return (
        Recording(name=EDGE, expr=f"sum by ({_BY}, status) ({classed(requests)})", unit=Unit.PER_SECOND),
        Recording(name=EDGE_ERRORS, expr=failing(EDGE, _BY), unit=Unit.RATIO),
        Recording(
            name=EDGE_P95, expr=f"histogram_quantile(0.95, sum by ({_BY}, le) ({buckets})) >= 0", unit=Unit.SECONDS
        ),
    )


def _rate(series: str) -> str:
    return f"rate({series}[{RANGE}])"


# A controller's own namespace and service are labels of the target, so those that it names are exported_.


def _nginx(series: str) -> str:
    named = renamed(renamed(_rate(series), "namespace", "exported_namespace"), "service", "exported_service")
    return with_label(named, "controller", "ingress-nginx")


def _traefik(series: str) -> str:
    # shop-checkout-8080@kubernetes: the end of the namespace is unknown, so it stays in the name.
    named = renamed(_rate(series), "service", "exported_service", matched="(.+?)(?:-[0-9]+)?@.+")
    return with_label(fixed(named, "namespace", ""), "controller", "traefik")


def _envoy(series: str) -> str:
    # httproute/shop/checkout/rule/0; other clusters are Envoy's own.
    inside = r'envoy_cluster_name=~"[a-z]+route/.+"'
    rate = _rate(f"{series}{{{inside}}}")
    named = renamed(rate, "service", "envoy_cluster_name", matched="[a-z]+route/[^/]+/([^/]+)/.+")
    named = renamed(named, "namespace", "envoy_cluster_name", matched="[a-z]+route/([^/]+)/.+")
    return with_label(named, "controller", "envoy-gateway")
