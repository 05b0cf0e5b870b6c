"""Alerts and the objective of Istio; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Recording, Severity
from model.slo import EVERY, Slo, Symptom, events_of_gauge
from rules.istio.recordings import ERRORS, MTLS, P95, REQUESTS, recordings
from rules.istio.scrape import PROXIES, IstioSettings
from rules.kubernetes.scrape import ISTIOD
from rules.services.inhibitions import DOWN as SERVICE_DOWN
from rules.services.inhibitions import FAILING, NOT_READY, SLOW
from rules.services.labels import SERVICE
from rules.stores import mutes

ISTIOD_UP = "istio:istiod:up"
"""Whether any istiod answers; 0 without one."""
GATEWAY_EXPECTED = "istio_gateway:expected:info"
GATEWAY_LIVE = "istio_gateway:pods_live:count"
"""Pods of a gateway or waypoint whose Envoy takes requests."""
_GATEWAY = "cluster, namespace, gateway"
_BUILD = 'istio_build{component="pilot"}'
_NAMED = "{{ $labels.service }} ({{ $labels.namespace }})"


def _more(counter: str, range_: str) -> str:
    """PromQL: series of a counter that have grown. One begins at its first event, from which no increase is seen."""
    return f"(increase({counter}[{range_}]) > 0 or ({counter} unless {counter} offset {range_}) > 0)"


def _minor(vector: str, label: str) -> str:
    return f'label_replace({vector}, "minor", "$1", "{label}", "([0-9]+[.][0-9]+).*")'


ISTIOD_DOWN = Alert(
    name="IstiodDown",
    value=f'absent(up{{job="{ISTIOD}"}} == 1)',
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a single replica that is replaced is back by then
    summary="No istiod answers.",
    description="Proxies keep their configuration, but get no new endpoints or certificates; new pods do not start.",
)
PUSHES_FAIL = Alert(
    name="IstioConfigPushFailing",
    value=" or ".join(
        f"sum by (cluster) ({_more(counter, '5m')})"
        for counter in ('pilot_xds_pushes{type=~".+err"}', "pilot_total_xds_internal_errors")
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # proxies that end during a push fail it as well
    summary="istiod cannot send configuration to proxies.",
    description="For ten minutes, istiod has failed to build or send configuration: some proxies keep the old one.",
)
REJECTED = Alert(
    name="IstioConfigRejected",
    # A proxy rejects once, and keeps the old configuration until the next push.
    value=f"sum by (cluster) ({_more('pilot_total_xds_rejects', '15m')})",
    severity=Severity.WARNING,
    summary="Proxies reject their configuration.",
    description="Proxies rejected configuration in the last 15 minutes, and keep the old one.",
    runbook="IstioConfigPushFailing",
)
STALE = Alert(
    name="IstioProxiesStale",
    value="histogram_quantile(0.99, sum by (cluster, le) (rate(pilot_proxy_convergence_time_bucket[5m])))",
    above={Severity.WARNING: 10},  # a rolling update waits less between pods: requests go to those that are gone
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # longer than the push to all proxies after a start of istiod
    summary="Proxies get their configuration late.",
    description="One in a hundred proxies gets a change after more than {{ $value | humanizeDuration }}.",
)
OUTDATED = Alert(
    name="IstioProxiesOutdated",
    value=f"(sum by (cluster) ({_minor('pilot_xds', 'version')} unless on (cluster, minor) {_minor(_BUILD, 'tag')})"
    " or sum by (cluster) (pilot_xds) * 0) / (sum by (cluster) (pilot_xds) > 0)",
    above={Severity.WARNING: 0},
    unit=Unit.RATIO,
    for_=Duration.parse("1d"),  # an upgrade restarts all workloads within a working day
    summary="Proxies have another version than istiod.",
    description="{{ $value | humanizePercentage }} of the proxies have another minor version than istiod for a day.",
)
_ERRORS_HIGH = Alert(
    name="MeshErrorRateHigh",
    value=ERRORS,
    above={Severity.WARNING: 0.05},  # as of services: users notice, and retries do not hide it
    and_=f"sum by ({SERVICE}) ({REQUESTS}) > 0.2",  # 60 requests in five minutes
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    labels={"symptom": Symptom.ERRORS.value, "general": "true"},
    summary="Requests to a service of the mesh fail.",
    description=f"By the proxies, {_NAMED} fails {{{{ $value | humanizePercentage }}}} of its requests.",
)
_SLOW = Alert(
    name="MeshLatencyHigh",
    value=P95,
    above={Severity.WARNING: 2},  # as of services: beyond that, people think it hangs
    and_=f"sum by ({SERVICE}) ({REQUESTS}) > 0.2",
    # Streams of gRPC last as long every day.
    unless=f"{P95} <= 2 * {P95} offset 1d",
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),
    labels={"symptom": Symptom.LATENCY.value, "general": "true"},
    summary="A service of the mesh answers slowly.",
    description=f"By the proxies, one in twenty requests to {_NAMED} takes longer than"
    " {{ $value | humanizeDuration }}.",
)
PLAINTEXT = Alert(
    name="MeshPlaintextTraffic",
    value=MTLS,
    below={Severity.WARNING: 1},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),
    summary="A service takes traffic without mutual TLS.",
    description=f"{_NAMED} gets {{{{ $value | humanizePercentage }}}} of its requests and connections by mutual TLS.",
)
AVAILABILITY = Slo(
    name="istiod-availability",
    objective=Decimal("0.999"),  # 43 minutes in 30 days: proxies work on without it, new pods do not
    events=events_of_gauge(ISTIOD_UP),
    errors=f"sum by (cluster, environment) (1 - {ISTIOD_UP}) / {EVERY.seconds:.0f}",
    minimum_events=30,
    span=EVERY,
)


def _workload_certificate(settings: IstioSettings) -> Alert:
    return Alert(
        name="IstioWorkloadCertificateExpires",
        value="min by (cluster, namespace) (istio_agent_cert_expiry_seconds)"
        f" / {settings.certificates.workload.seconds:.0f}",
        # It is renewed when half is left. At an eighth, renewal has failed for three eighths of its life.
        below={Severity.WARNING: 0.25, Severity.CRITICAL: 0.125},
        unit=Unit.RATIO,
        for_=Duration.parse("5m"),
        summary="A workload's certificate is not renewed.",
        description="A proxy in {{ $labels.namespace }} has a certificate with {{ $value | humanizePercentage }} of its"
        " life left: without one, no connection with mutual TLS succeeds.",
    )


def _ca_certificate(settings: IstioSettings) -> Alert:
    lives = {"root": settings.certificates.root, "intermediate": settings.certificates.intermediate}
    metrics = {"root": "root_cert", "intermediate": "cert_chain"}
    return Alert(
        name="IstioCACertificateExpires",
        value=" or ".join(
            f"label_replace((min by (cluster) (citadel_server_{metrics[name]}_expiry_timestamp) - time())"
            f' / {life.seconds:.0f}, "certificate", "{name}", "", "")'
            for name, life in lives.items()
            if life
        ),
        # A new root has to reach every proxy before it signs. Half a year of ten years is time for that.
        below={Severity.WARNING: 0.05, Severity.CRITICAL: 0.01},
        unit=Unit.RATIO,
        for_=Duration.parse("15m"),  # it is a matter of days at least
        summary="A certificate of the mesh's CA expires.",
        description="The {{ $labels.certificate }} certificate has {{ $value | humanizePercentage }} of its life left:"
        " after it, no proxy trusts another.",
    )


def _gateway_down(settings: IstioSettings) -> Alert:
    listed = bool(settings.gateways)
    return Alert(
        name="IstioGatewayDown",
        value=GATEWAY_LIVE,
        below={Severity.WARNING: 1, **({Severity.CRITICAL: 1} if listed else {})},
        only={Severity.CRITICAL: f"on ({_GATEWAY}) {GATEWAY_EXPECTED}"} if listed else {},
        for_=Duration.parse("2m"),  # as of istiod
        summary="A gateway is down.",
        description="No pod of {{ $labels.gateway }} ({{ $labels.namespace }}) takes requests.",
    )


def _gateways(settings: IstioSettings) -> Iterator[Recording]:
    for gateway in settings.gateways:
        namespace, _, name = gateway.partition("/")
        yield Recording(name=GATEWAY_EXPECTED, expr="vector(1)", labels={"namespace": namespace, "gateway": name})
    known = f'group by ({_GATEWAY}) (up{{job="{PROXIES}", gateway!=""}})'
    if settings.gateways:
        known += f" or group by ({_GATEWAY}) ({GATEWAY_EXPECTED})"
    live = f'count by ({_GATEWAY}) (envoy_server_live{{gateway!=""}} == 1)'
    yield Recording(name=GATEWAY_LIVE, expr=f"{live} or 0 * ({known})")


def groups(settings: IstioSettings) -> tuple[Group, ...]:
    up = Recording(name=ISTIOD_UP, expr=f'max(up{{job="{ISTIOD}"}}) or vector(0)')
    certificates = (_workload_certificate(settings), _ca_certificate(settings))
    of_mesh = (_ERRORS_HIGH, _SLOW, *((PLAINTEXT,) if settings.strict_mtls else ()))
    return (
        Group("istio", (up, ISTIOD_DOWN, PUSHES_FAIL, REJECTED, STALE, OUTDATED, *certificates)),
        Group("istio-gateways", (*_gateways(settings), _gateway_down(settings))),
        Group("istio-mesh", (*recordings(), *of_mesh), EVERY),
    )


def inhibitions(settings: IstioSettings) -> tuple[Inhibition, ...]:
    mesh = f"{_ERRORS_HIGH.name}|{_SLOW.name}"
    same = tuple(SERVICE.split(", "))
    outage = {"alertname": ISTIOD_DOWN.name}
    return (
        # One outage, one page.
        mutes(ISTIOD_DOWN, PUSHES_FAIL, STALE, _workload_certificate(settings), of="cluster"),
        *(
            Inhibition(source=outage, target=target, equal=("cluster", "environment"))
            for target in ({"slo": AVAILABILITY.name}, {"alertname": "TargetDown", "job": ISTIOD})
        ),
        mutes(_ERRORS_HIGH, _SLOW, of="cluster, namespace, service"),
        # A service's own count says more.
        Inhibition(
            source={"alertname": f"{SERVICE_DOWN}|{NOT_READY}|{FAILING}"}, target={"alertname": mesh}, equal=same
        ),
        Inhibition(source={"alertname": SLOW}, target={"alertname": _SLOW.name}, equal=same),
    )
