"""Alerts and objectives of the API server, for clusters whose owners run it themselves."""

from __future__ import annotations

from decimal import Decimal

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Severity
from model.slo import BY, SHORT, Slo, rate
from rules.kubernetes.uids import KUBERNETES_API

_LEVEL = "cluster, priority_level"
_REJECTED = "rate(apiserver_flowcontrol_rejected_requests_total[5m])"

API_SERVER_DOWN = Alert(
    name="KubernetesApiServerDown",
    value='absent(up{job="apiservers"} == 1)',
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # an upgrade restarts a single one, which takes two or three
    summary="No API server answers.",
    description="Nothing can be deployed, scaled or moved; what runs goes on until it fails.",
    dashboard=KUBERNETES_API,
)
REQUESTS_REJECTED = Alert(
    name="KubernetesApiRequestsRejected",
    value=(
        f"sum by ({_LEVEL}) ({_REJECTED}) / sum by ({_LEVEL})"
        f" ({_REJECTED} or rate(apiserver_flowcontrol_dispatched_requests_total[5m]))"
    ),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.05},  # clients wait and ask again; from one in twenty on controllers fall behind
    and_=f"sum by ({_LEVEL}) ({_REJECTED}) > 0.1",  # six a minute
    for_=Duration.parse("10m"),  # controllers that all start at once are through
    summary="The API server turns requests away.",
    description=(
        "{{ $value | humanizePercentage }} of the requests of priority level {{ $labels.priority_level }} are rejected"
        " for lack of room."
    ),
    dashboard=KUBERNETES_API,
)


def _client_certificates(ago: str = "") -> str:
    """Seconds that the hundredth part of all requests has left, or had some time ago."""
    return (
        "histogram_quantile(0.01, sum by (cluster, le)"
        f" (rate(apiserver_client_certificate_expiration_seconds_bucket[5m]{ago})))"
    )


CLIENT_CERTIFICATE_EXPIRES = Alert(
    name="KubernetesClientCertificateExpires",
    value=_client_certificates(),
    unit=Unit.SECONDS,
    # Certificates of control planes last a year; those of 45 days are renewed before four are left.
    below={Severity.WARNING: 4 * 24 * 3600, Severity.CRITICAL: 24 * 3600},
    # What is about to expire had two days more two days ago. Where clients come with new certificates of a few hours
    # each day, it was as little then.
    and_=f"{_client_certificates(' offset 2d')} > 1.5 * 24 * 3600",
    for_=Duration.parse("15m"),  # somebody's short-lived certificate, used once
    summary="A client's certificate is about to expire.",
    description="Clients come with a certificate that expires in {{ $value | humanizeDuration }}.",
    dashboard=KUBERNETES_API,
)
AGGREGATED_API_DOWN = Alert(
    name="KubernetesAggregatedApiDown",
    value="max by (cluster, name) (aggregator_unavailable_apiservice == 1)",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # a rolling update of what serves it
    summary="An aggregated API is unavailable.",
    description="{{ $labels.name }} is unavailable: whoever asks for it, like an autoscaler, gets errors.",
    dashboard=KUBERNETES_API,
)
WEBHOOK_FAILING = Alert(
    name="KubernetesWebhookFailing",
    # The label of the reason keeps the two apart: failed closed, so refused, or failed open, so let through unchecked.
    value=(
        'sum by (cluster, name) (rate(apiserver_admission_webhook_rejection_count{error_type!="no_error"}[5m])'
        " or rate(apiserver_admission_webhook_fail_open_count[5m]))"
    ),
    unit=Unit.PER_SECOND,
    above={Severity.WARNING: 0.05},  # three a minute; a restart of a webhook with one replica loses fewer
    for_=Duration.parse("10m"),  # a rolling update of the webhook
    summary="An admission webhook does not answer.",
    description="Calls of {{ $labels.name }} fail: objects are refused, or let through without its check.",
    dashboard=KUBERNETES_API,
)

GROUPS = (
    Group(
        "kubernetes-api",
        (API_SERVER_DOWN, REQUESTS_REJECTED, CLIENT_CERTIFICATE_EXPIRES, AGGREGATED_API_DOWN, WEBHOOK_FAILING),
    ),
)

# Health checks and the like have no scope. Watches and connections last as long as their client wants.
_ASKED = 'scope!="", verb!~"WATCH|WATCHLIST|CONNECT"'
_BUCKET = "apiserver_request_sli_duration_seconds_bucket"
# Kubernetes' own objective: a second for one object, half a minute for a list. 1 or 1.0: how Prometheus spells a bound.
_IN_TIME = (
    rf'{_BUCKET}{{{_ASKED}, scope="resource", le=~"1(\\.0)?"}}',
    rf'{_BUCKET}{{{_ASKED}, scope!="resource", le=~"30(\\.0)?"}}',
)

AVAILABILITY = Slo(
    name="kubernetes-api-availability",
    objective=Decimal("0.999"),  # clients ask again, so one in a thousand is not felt
    events=rate(f"apiserver_request_total{{{_ASKED}}}"),
    errors=rate(f'apiserver_request_total{{{_ASKED}, code=~"5.."}}'),
)
LATENCY = Slo(
    name="kubernetes-api-latency",
    objective=Decimal("0.99"),  # the 99th percentile is what Kubernetes promises
    events=rate(f"apiserver_request_sli_duration_seconds_count{{{_ASKED}}}"),
    good=f"sum by ({BY}) ({' or '.join(f'rate({bucket}[{SHORT}])' for bucket in _IN_TIME)})",
)
SLOS = (AVAILABILITY, LATENCY)
