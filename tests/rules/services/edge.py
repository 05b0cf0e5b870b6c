"""Requests as ingress controllers see them, by example."""

from __future__ import annotations

from rules.services import alerts
from rules.services.edge import EDGE, EDGE_ERRORS, EDGE_P95
from rules.services.settings import EXAMPLE
from tests.rules.examples import Labels, Series, counters, critical, example, histogram, metric, of, warning
from tests.rules.services.subjects import FOUND, LISTED, NAMED, SHOP

CONTROLLER: Labels = {"job": "annotated-pods", "instance": "10.0.0.9:80", "namespace": "ingress", "pod": "ingress-1"}
NGINX, TRAEFIK, ENVOY = (
    CONTROLLER | {"exported_namespace": "shop", "exported_service": "web", "ingress": "web", "path": "/"},
    CONTROLLER | {"exported_service": "shop-web-8080@kubernetes"},
    CONTROLLER | {"envoy_cluster_name": "httproute/shop/web/rule/0"},
)
OF_NGINX, OF_TRAEFIK, OF_ENVOY = (
    FOUND | {"controller": "ingress-nginx"},
    {"service": "shop-web", "controller": "traefik"},
    FOUND | {"controller": "envoy-gateway"},
)


def _failing(percent: float, service: Labels = FOUND, rate: float = 1) -> Series:
    its = CONTROLLER | {"exported_namespace": service["namespace"], "exported_service": service["service"]}
    name = "nginx_ingress_controller_requests"
    return counters(
        {
            metric(name, its, status="200"): 60 * rate * (1 - percent / 100),
            metric(name, its, status="502"): 0.6 * rate * percent,
        }
    )


def _pages(service: Labels) -> Series:
    return {metric("service:pages:info", service): "1x60"}


ALERT = alerts.edge(EXAMPLE)


def _says(service: Labels, percent: str) -> str:
    return f"ingress-nginx answers {percent} of the requests to {service['service']} (shop) with an error."


EXAMPLES = (
    example(
        "each controller sees requests",
        EDGE,
        series=counters(
            {
                metric("nginx_ingress_controller_requests", NGINX, status="200"): 60,
                metric("nginx_ingress_controller_requests", NGINX, status="502"): 60,
                metric("traefik_service_requests_total", TRAEFIK, code="503"): 60,
                metric("envoy_cluster_upstream_rq_xx", ENVOY, envoy_response_code_class="5"): 60,
                metric(
                    "envoy_cluster_upstream_rq_xx", CONTROLLER, envoy_cluster_name="xds", envoy_response_code_class="2"
                ): 60,
            }
        ),
        gives={
            of(OF_NGINX, status="2xx"): 1,
            of(OF_NGINX, status="5xx"): 1,
            of(OF_TRAEFIK, status="5xx"): 1,
            of(OF_ENVOY, status="5xx"): 1,
        },
    ),
    example("nothing fails at the ingress", EDGE_ERRORS, series=_failing(0), gives={of(OF_NGINX): 0}),
    example("a quarter fails at the ingress", EDGE_ERRORS, series=_failing(25), gives={of(OF_NGINX): 0.25}),
    example(
        "each controller times requests",
        EDGE_P95,
        series={
            **histogram("nginx_ingress_controller_request_duration_seconds", NGINX, {"1": 60, "+Inf": 60}),
            **histogram("traefik_service_request_duration_seconds", TRAEFIK, {"0.1": 60, "+Inf": 60}),
            **histogram("envoy_cluster_upstream_rq_time", ENVOY, {"1000": 60, "+Inf": 60}),
        },
        gives={of(OF_NGINX): 0.95, of(OF_TRAEFIK): 0.095, of(OF_ENVOY): 0.95},
    ),
    example(
        "6 % of a service's requests fail at the ingress",
        ALERT,
        series=_failing(6),
        at="7m",
        fires=[warning(_says(FOUND, "6%"), "6%", **OF_NGINX)],
        near=False,
    ),
    example("4.5 % fail", ALERT, series=_failing(4.5) | _pages(FOUND), at="15m"),
    example("few ask", ALERT, series=_failing(100, rate=0.1), at="15m", near=False),
    example(
        "6 % of a service that pages fail at the ingress",
        ALERT,
        series=_failing(6, NAMED) | _pages(NAMED),
        at="7m",  # the rate of so many takes two minutes
        fires=[critical(_says(NAMED, "6%"), "6%", **NAMED, controller="ingress-nginx")],
    ),
    example(
        "3 % fail of a service that may fail 2 %",
        ALERT,
        series=_failing(3, LISTED) | _pages(LISTED),
        at="15m",
        fires=[critical(_says(LISTED, "3%"), "3%", **LISTED, controller="ingress-nginx")],
        near=False,
    ),
    example(
        "6 % fail of a service that only warns",
        ALERT,
        series=_failing(6, SHOP | {"service": "blog"}),
        at="15m",
        fires=[warning(_says({"service": "blog"}, "6%"), "6%", **SHOP, service="blog", controller="ingress-nginx")],
    ),
)
