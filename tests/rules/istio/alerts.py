"""The alerts over Istio, by example."""

from __future__ import annotations

from model.rules import Alert
from rules.istio import SYSTEM
from rules.istio.alerts import AVAILABILITY, ISTIOD_UP, groups
from rules.istio.recordings import (
    MTLS,
    P95,
    REQUESTS,
)
from tests.rules.examples import (
    Series,
    critical,
    day_then,
    example,
    gauges,
    growing,
    metric,
    shares,
    warning,
)
from tests.rules.istio.shapes import FROM, INGRESS, PAYMENTS, SHOP, WAYPOINT, edge, live, up
from tests.rules.objectives import SAMPLES, objective

_ALERTS = {rule.name: rule for group in groups(SYSTEM.example) for rule in group.rules if isinstance(rule, Alert)}
_DAY, _CA = 86_400, {"certificate": "root"}


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
            metric("istio_agent_cert_expiry_seconds", SHOP, pod="p-1", resource_name="default"): left,
            metric("istio_agent_cert_expiry_seconds", SHOP, pod="p-2", resource_name="default"): _DAY,
        }
    )


def _ca(percent: float, name: str = "root_cert", days: int = 3650, minutes: int = 15) -> Series:
    """What is left after so many minutes."""
    ends = percent / 100 * days * _DAY + minutes * 60
    return gauges({metric(f"citadel_server_{name}_expiry_timestamp"): ends})


def _failing(percent: float, requests: float = 1) -> Series:
    failed = requests * percent / 100
    return edge(requests - failed) | edge(failed, status="5xx")


def _slow(seconds: float, before: float = 0.5, requests: float = 1) -> Series:
    return {
        metric(P95, PAYMENTS): day_then(before, seconds),
        metric(REQUESTS, PAYMENTS, FROM, reporter="source", status="2xx"): day_then(requests, requests),
    }


def _answers(events: int, bad: int) -> Series:
    return gauges({metric(ISTIOD_UP, copy=str(n)): 1 - bad / events for n in range(500)}, SAMPLES)


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
    example("it has not answered for two minutes", _DOWN, series=up(0), at="2m", fires=[_NO_ISTIOD]),
    example("there has been none for two minutes", _DOWN, at="2m", fires=[_NO_ISTIOD]),
    example("it has not answered for a minute", _DOWN, series=up(0), at="1m"),
    example("one of two answers", _DOWN, series=up(0) | gauges({metric("up", job="istiod"): 1}), near=False),
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
        **SHOP,
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
            ("one that must run has no pod", {}, INGRESS, critical),
            ("the only pod of one that must run drains", live(INGRESS, 0), INGRESS, critical),
        )
    ),
    example(
        "no pod of a waypoint takes requests for two minutes",
        _GATEWAY_DOWN,
        series=live(INGRESS, 1) | live(WAYPOINT, 0, 0),
        at="2m",
        fires=[warning("No pod of waypoint (shop) takes requests.", "0", **WAYPOINT)],
    ),
    example("it has been so for a minute", _GATEWAY_DOWN, series=live(INGRESS, 1) | live(WAYPOINT, 0), at="1m"),
    example("one of two pods does", _GATEWAY_DOWN, series=live(INGRESS, 1) | live(WAYPOINT, 0, 1)),
    *shares(
        _ERRORS_HIGH,
        "{} of the requests fail",
        _failing,
        "By the proxies, payments (shop) fails {} of its requests.",
        {4.9: None, 5.1: warning},
        at="5m",
        symptom="errors",
        general="true",
        **PAYMENTS,
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
                **PAYMENTS,
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
        lambda percent: gauges({metric(MTLS, PAYMENTS): percent / 100}),
        "payments (shop) gets {} of its requests and connections by mutual TLS.",
        {100: None, 99.9: warning},
        at="5m",
        **PAYMENTS,
    ),
    *objective(AVAILABILITY, _answers),
)
