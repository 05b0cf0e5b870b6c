"""The alerts over Istio, by example."""

from __future__ import annotations

from model.rules import Alert
from rules.istio import SYSTEM
from rules.istio.alerts import AVAILABILITY, GATEWAY_EXPECTED, GATEWAY_LIVE, ISTIOD_UP, groups
from rules.istio.recordings import (
    BUCKETS,
    BYTES,
    BYTES_REPORTED,
    ERRORS,
    MTLS,
    P95,
    REQUESTS,
    REQUESTS_REPORTED,
    STARTED,
)
from tests.rules.examples import (
    Labels,
    Series,
    critical,
    day_then,
    example,
    gauges,
    growing,
    metric,
    of,
    shares,
    warning,
)
from tests.rules.objectives import SAMPLES, objective

OWNER = "platform"
_ALERTS = {rule.name: rule for group in groups(SYSTEM.example) for rule in group.rules if isinstance(rule, Alert)}
_DAY, _CA = 86_400, {"certificate": "root"}
_INGRESS = {"namespace": "istio-ingress", "gateway": "istio-ingressgateway"}
_WAYPOINT = {"namespace": "shop", "gateway": "waypoint"}
_SHOP = {"namespace": "shop"}
_PAYMENTS = {**_SHOP, "service": "payments"}
_FROM = {"source_namespace": "shop", "source": "checkout"}
_CALL = {
    "source_workload": "checkout",
    "source_workload_namespace": "shop",
    "destination_service_name": "payments",
    "destination_service_namespace": "shop",
}
_TARGET = {"namespace": "istio-system", "pod": "p"}
"""Labels of the scraped pod, which are not those of the edge."""


def _up(value: float) -> Series:
    return gauges({metric("up", job="istiod", instance="10.0.0.1:15014"): value})


def _proxies(number: int, version: str, istiod: str = "1.31.2") -> Series:
    return {
        metric("pilot_xds", version=version): f"{number}x400",
        metric("pilot_xds", version="1.31.0"): f"{100 - number}x400",
        metric("istio_build", component="pilot", tag=istiod): "1x400",
    }


def _converged(late: int) -> Series:
    """Pushes a minute, of which so many in a thousand take up to 20 s."""
    ends = {"5": 0, "10": 1000 - late, "20": 1000, "+Inf": 1000}
    return {metric("pilot_proxy_convergence_time_bucket", le=end): growing(number) for end, number in ends.items()}


def _workload(percent: float) -> Series:
    left = percent / 100 * _DAY
    return gauges(
        {
            metric("istio_agent_cert_expiry_seconds", _SHOP, pod="p-1", resource_name="default"): left,
            metric("istio_agent_cert_expiry_seconds", _SHOP, pod="p-2", resource_name="default"): _DAY,
        }
    )


def _ca(percent: float, name: str = "root_cert", days: int = 3650, minutes: int = 15) -> Series:
    """What is left after so many minutes."""
    ends = percent / 100 * days * _DAY + minutes * 60
    return gauges({metric(f"citadel_server_{name}_expiry_timestamp"): ends})


def _live(gateway: Labels, *pods: int) -> Series:
    return gauges(
        {
            metric(name, gateway, job="istio-proxies", pod=f"p-{number}"): value
            for number, live in enumerate(pods)
            for name, value in (("up", 1), ("envoy_server_live", live))
        }
    )


def _edge(requests: float, **labels: str) -> Series:
    return gauges({metric(REQUESTS, _PAYMENTS, _FROM, {"reporter": "source", "status": "2xx"}, labels): requests})


def _failing(percent: float, requests: float = 1) -> Series:
    failed = requests * percent / 100
    return _edge(requests - failed) | _edge(failed, status="5xx")


def _slow(seconds: float, before: float = 0.5, requests: float = 1) -> Series:
    return {
        metric(P95, _PAYMENTS): day_then(before, seconds),
        metric(REQUESTS, _PAYMENTS, _FROM, reporter="source", status="2xx"): day_then(requests, requests),
    }


def _answers(events: int, bad: int) -> Series:
    return gauges({metric(ISTIOD_UP, copy=str(n)): 1 - bad / events for n in range(500)}, SAMPLES)


def _counted(name: str, per_minute: float, *given: Labels, **labels: str) -> Series:
    return {metric(name, _TARGET, _CALL, *given, **labels): growing(per_minute)}


def _requests(per_minute: float, reporter: str, code: str = "200", **labels: str) -> Series:
    return _counted("istio_requests_total", per_minute, {"reporter": reporter, "response_code": code}, **labels)


def _timed(reporter: str, code: str, **ends: float) -> Series:
    found: Series = {}
    for end, count in ends.items():
        le = {"inf": "+Inf"}.get(end, end.removeprefix("le"))
        found |= _counted(
            "istio_request_duration_milliseconds_bucket", count, reporter=reporter, response_code=code, le=le
        )
    return found


def _tcp(reporter: str, sent: float, received: float) -> Series:
    by = {"reporter": reporter, "connection_security_policy": "mutual_tls"}
    return _counted("istio_tcp_sent_bytes_total", sent, by) | _counted("istio_tcp_received_bytes_total", received, by)


def _started(**policies: float) -> Series:
    return gauges({metric(STARTED, _PAYMENTS, connection_security_policy=name): n for name, n in policies.items()})


_PUSHES_FAIL, _REJECTED, _STALE = (
    _ALERTS[f"Istio{name}"] for name in ("ConfigPushFailing", "ConfigRejected", "ProxiesStale")
)
_DOWN, _OUTDATED, _GATEWAY_DOWN = _ALERTS["IstiodDown"], _ALERTS["IstioProxiesOutdated"], _ALERTS["IstioGatewayDown"]
_WORKLOAD_EXPIRES, _CA_EXPIRES = _ALERTS["IstioWorkloadCertificateExpires"], _ALERTS["IstioCACertificateExpires"]
_ERRORS_HIGH, _IS_SLOW, _PLAINTEXT = (
    _ALERTS[f"Mesh{name}"] for name in ("ErrorRateHigh", "LatencyHigh", "PlaintextTraffic")
)
_NO_ISTIOD = critical(
    "Proxies keep their configuration, but get no new endpoints or certificates; new pods do not start."
)
_FAILED_PUSH = warning(
    "For ten minutes, istiod has failed to build or send configuration: some proxies keep the old one."
)
_REFUSED = warning("Proxies rejected configuration in the last 15 minutes, and keep the old one.")
_SPENT = "after it, no proxy trusts another."

EXAMPLES = (
    example("it has not answered for two minutes", _DOWN, series=_up(0), at="2m", fires=[_NO_ISTIOD]),
    example("there has been none for two minutes", _DOWN, at="2m", fires=[_NO_ISTIOD]),
    example("it has not answered for a minute", _DOWN, series=_up(0), at="1m"),
    example("one of two answers", _DOWN, series=_up(0) | gauges({metric("up", job="istiod"): 1}), near=False),
    example(
        "pushes have failed for ten minutes",
        _PUSHES_FAIL,
        series={metric("pilot_xds_pushes", type="cds_senderr"): growing(1)},
        at="11m",
        fires=[_FAILED_PUSH],
    ),
    example(
        "configuration could not be built for ten minutes",
        _PUSHES_FAIL,
        series={metric("pilot_total_xds_internal_errors"): growing(1)},
        at="11m",
        fires=[_FAILED_PUSH],
    ),
    example(
        "they have failed for nine minutes",
        _PUSHES_FAIL,
        series={metric("pilot_xds_pushes", type="cds_senderr"): growing(1)},
        at="10m",
    ),
    example("one failed", _PUSHES_FAIL, series={metric("pilot_xds_pushes", type="eds_senderr"): "0x10 1x50"}, at="21m"),
    example(
        "all are sent", _PUSHES_FAIL, series={metric("pilot_xds_pushes", type="cds"): growing(9)}, at="30m", near=False
    ),
    example(
        "a proxy rejects for the first time",
        _REJECTED,
        series={metric("pilot_total_xds_rejects", type="lds"): "_x19 1x20"},
        at="30m",
        fires=[_REFUSED],
    ),
    example(
        "a proxy rejects again",
        _REJECTED,
        series={metric("pilot_total_xds_rejects", type="lds"): "1x39 2x20"},
        at="45m",
        fires=[_REFUSED],
    ),
    example(
        "one rejected more than 15 minutes ago",
        _REJECTED,
        series={metric("pilot_total_xds_rejects", type="lds"): "_x19 1x40"},
        at="37m",
    ),
    example(
        "1.2 % take up to 20 s",
        _STALE,
        series=_converged(12),
        at="11m",
        fires=[warning("One in a hundred proxies gets a change after more than 11.67s.", "11.67s")],
    ),
    example("0.8 % take up to 20 s", _STALE, series=_converged(8), at="30m"),
    example(
        "1 % has an older minor version for a day",
        _OUTDATED,
        series=_proxies(1, "1.30.4"),
        step="5m",
        at="24h",
        fires=[warning("1% of the proxies have another minor version than istiod for a day.", "1%")],
    ),
    example("it has had it for 23 hours", _OUTDATED, series=_proxies(1, "1.30.4"), step="5m", at="23h"),
    example("it has another patch", _OUTDATED, series=_proxies(1, "1.31.4"), step="5m", at="26h", near=False),
    *shares(
        _WORKLOAD_EXPIRES,
        "{} is left in one pod",
        _workload,
        "A proxy in shop has a certificate with {} of its life left: without one, no connection with mutual TLS"
        " succeeds.",
        {26: None, 24: warning, 13: warning, 12: critical},
        at="5m",
        **_SHOP,
    ),
    *shares(
        _CA_EXPIRES,
        "{} of the root is left",
        _ca,
        f"The root certificate has {{}} of its life left: {_SPENT}",
        {5.1: None, 4.9: warning, 1.1: warning, 0.9: critical},
        at="15m",
        **_CA,
    ),
    example(
        "4 % of the intermediate is left",
        _CA_EXPIRES,
        series=_ca(4, "cert_chain", 365) | _ca(50),
        at="15m",
        fires=[
            warning(f"The intermediate certificate has 4% of its life left: {_SPENT}", "4%", certificate="intermediate")
        ],
    ),
    *(
        example(
            when,
            _GATEWAY_DOWN,
            series=series,
            at="2m",
            fires=[fires(f"No pod of {gateway['gateway']} ({gateway['namespace']}) takes requests.", "0", **gateway)],
        )
        for when, series, gateway, fires in (
            ("one that must run has no pod", {}, _INGRESS, critical),
            ("the only pod of one that must run drains", _live(_INGRESS, 0), _INGRESS, critical),
        )
    ),
    example(
        "no pod of a waypoint takes requests for two minutes",
        _GATEWAY_DOWN,
        series=_live(_INGRESS, 1) | _live(_WAYPOINT, 0, 0),
        at="2m",
        fires=[warning("No pod of waypoint (shop) takes requests.", "0", **_WAYPOINT)],
    ),
    example("it has been so for a minute", _GATEWAY_DOWN, series=_live(_INGRESS, 1) | _live(_WAYPOINT, 0), at="1m"),
    example("one of two pods does", _GATEWAY_DOWN, series=_live(_INGRESS, 1) | _live(_WAYPOINT, 0, 1)),
    *shares(
        _ERRORS_HIGH,
        "{} of the requests fail",
        _failing,
        "By the proxies, payments (shop) fails {} of its requests.",
        {4.9: None, 5.1: warning},
        at="5m",
        symptom="errors",
        general="true",
        **_PAYMENTS,
    ),
    example(
        "half of few fail",
        _ERRORS_HIGH,
        series=_failing(50, requests=0.19),
        near=False,
    ),
    example(
        "one in twenty takes 2.1 s",
        _IS_SLOW,
        series=_slow(2.1),
        step="5m",
        at="1450m",
        fires=[
            warning(
                "By the proxies, one in twenty requests to payments (shop) takes longer than 2.1s.",
                "2.1s",
                symptom="latency",
                general="true",
                **_PAYMENTS,
            )
        ],
    ),
    example("one in twenty takes 1.9 s", _IS_SLOW, series=_slow(1.9), step="5m", at="1500m"),
    example(
        "a stream lasts as long as the day before", _IS_SLOW, series=_slow(60, 50), step="5m", at="25h", near=False
    ),
    example("few are slow", _IS_SLOW, series=_slow(9, requests=0.1), step="5m", at="25h", near=False),
    *shares(
        _PLAINTEXT,
        "{} have mutual TLS",
        lambda percent: gauges({metric(MTLS, _PAYMENTS): percent / 100}),
        "payments (shop) gets {} of its requests and connections by mutual TLS.",
        {100: None, 99.9: warning},
        at="5m",
        **_PAYMENTS,
    ),
    *objective(AVAILABILITY, _answers),
    # --- recordings ---
    example(
        "one of two istiods answers",
        ISTIOD_UP,
        series=_up(0) | gauges({metric("up", job="istiod"): 1}),
        gives={of(): 1},
    ),
    example("there is none", ISTIOD_UP, gives={of(): 0}),
    example("a gateway must run", GATEWAY_EXPECTED, gives={of(): 1}),
    example(
        "one of two pods of each takes requests, and Envoy of one says nothing",
        GATEWAY_LIVE,
        series=_live(_WAYPOINT, 0, 1) | gauges({metric("up", _INGRESS, job="istio-proxies"): 1}),
        gives={of(_WAYPOINT): 1, of(_INGRESS): 0},
    ),
    example(
        "both sides count the same requests, some of which find no pod and some fail by gRPC",
        REQUESTS_REPORTED,
        series=_requests(60, "source")
        | _requests(6, "source", "503", destination_workload="unknown")
        | _requests(12, "source", grpc_response_status="14")
        | _requests(9, "source", "0")
        | _requests(60, "destination"),
        gives={
            of(_PAYMENTS, _FROM, reporter="source", status="2xx"): 1,
            of(_PAYMENTS, _FROM, reporter="source", status="5xx"): 0.3,
            of(_PAYMENTS, _FROM, reporter="destination", status="2xx"): 1,
        },
    ),
    *(
        example(
            f"of {' and '.join(reporters)} the first counts",
            recording,
            series={
                metric(reported, _PAYMENTS, _FROM, {"reporter": each}, status): str(n) + "x60"
                for n, each in enumerate(reporters, start=1)
            },
            gives={of(_PAYMENTS, _FROM, status, reporter=reporters[0]): 1},
        )
        for recording, reported, status in (
            (REQUESTS, REQUESTS_REPORTED, {"status": "2xx"}),
            (BYTES, BYTES_REPORTED, {}),
        )
        for reporters in (("source", "waypoint", "destination"), ("waypoint", "destination"), ("destination",))
    ),
    example(
        "another edge is seen by its server alone",
        REQUESTS,
        series=gauges(
            {
                metric(REQUESTS_REPORTED, _PAYMENTS, _FROM, reporter="source", status="2xx"): 1,
                metric(REQUESTS_REPORTED, _PAYMENTS, _FROM, reporter="destination", status="2xx"): 1,
                metric(REQUESTS_REPORTED, _PAYMENTS, source="unknown", reporter="destination", status="2xx"): 2,
            }
        ),
        gives={
            of(_PAYMENTS, _FROM, reporter="source", status="2xx"): 1,
            of(_PAYMENTS, source="unknown", reporter="destination", status="2xx"): 2,
        },
    ),
    example(
        "one of four fails, on two edges",
        ERRORS,
        series=_edge(2) | _edge(1, source="web") | _edge(1, status="5xx"),
        gives={of(_PAYMENTS): 0.25},
    ),
    example("none fails", ERRORS, series=_edge(2), gives={of(_PAYMENTS): 0}),
    example(
        "half take up to 1 s and half up to 2.5 s, beside the server's count and a WebSocket",
        BUCKETS,
        series=_edge(1)
        | _timed("source", "200", le500=0, le1000=30, le2500=60, inf=60)
        | _timed("destination", "200", le500=60, le1000=60, le2500=60, inf=60)
        | _timed("source", "101", le500=0, le1000=0, le2500=0, inf=60),
        gives={of(_PAYMENTS, le=le): rate for le, rate in (("500", 0), ("1000", 0.5), ("2500", 1), ("+Inf", 1))},
    ),
    example(
        "of them one in twenty takes longer",
        P95,
        series={
            metric(BUCKETS, _PAYMENTS, le=le): day_then(rate, rate)
            for le, rate in (("500", 0), ("1000", 0.5), ("2500", 1), ("+Inf", 1))
        },
        gives={of(_PAYMENTS): 2.35},
    ),
    example(
        "a thousand bytes a second go each way",
        BYTES_REPORTED,
        series=_tcp("source", 60_000, 60_000),
        gives={of(_PAYMENTS, _FROM, reporter="source"): 2000},
    ),
    example(
        "of twenty requests and connections one has none, and the client does not know",
        STARTED,
        series=_requests(60, "destination", connection_security_policy="mutual_tls")
        | _counted(
            "istio_tcp_connections_opened_total", 54, reporter="destination", connection_security_policy="mutual_tls"
        )
        | _counted("istio_tcp_connections_opened_total", 6, reporter="destination", connection_security_policy="none")
        | _requests(60, "source", connection_security_policy="unknown"),
        gives={
            of(_PAYMENTS, connection_security_policy="mutual_tls"): 1.9,
            of(_PAYMENTS, connection_security_policy="none"): 0.1,
        },
    ),
    example("one of twenty has none", MTLS, series=_started(mutual_tls=1.9, none=0.1), gives={of(_PAYMENTS): 0.95}),
    example("none has any", MTLS, series=_started(none=1), gives={of(_PAYMENTS): 0}),
)
