"""Subjects and series of a mesh, for the examples of its rules."""

from __future__ import annotations

from rules.istio.recordings import (
    REQUESTS,
)
from tests.rules.examples import (
    Labels,
    Series,
    gauges,
    metric,
)

INGRESS = {"namespace": "istio-ingress", "gateway": "istio-ingressgateway"}
WAYPOINT = {"namespace": "shop", "gateway": "waypoint"}
SHOP = {"namespace": "shop"}
PAYMENTS = {**SHOP, "service": "payments"}
FROM = {"source_namespace": "shop", "source": "checkout"}


def up(value: float) -> Series:
    return gauges({metric("up", job="istiod", instance="10.0.0.1:15014"): value})


def live(gateway: Labels, *pods: int) -> Series:
    return gauges(
        {
            metric(name, gateway, job="istio-proxies", pod=f"p-{number}"): value
            for number, live in enumerate(pods)
            for name, value in (("up", 1), ("envoy_server_live", live))
        }
    )


def edge(requests: float, **labels: str) -> Series:
    return gauges({metric(REQUESTS, PAYMENTS, FROM, {"reporter": "source", "status": "2xx"}, labels): requests})
