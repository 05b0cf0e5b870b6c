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
    for_=Duration.parse("5m"),  # an upgrade of a single API server restarts it, which takes two or three
    summary="No API server answers.",
    description="Nothing can be deployed, scaled or rescheduled. Running pods continue until they fail.",
    dashboard=KUBERNETES_API,
)
REQUESTS_REJECTED = Alert(
    name="KubernetesApiRequestsRejected",
    value=(
        f"sum by ({_LEVEL}) ({_REJECTED}) / sum by ({_LEVEL})"
        f" ({_REJECTED} or rate(apiserver_flowcontrol_dispatched_requests_total[5m]))"
    ),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.05},  # clients retry; from one in twenty controllers fall behind
    and_=f"sum by ({_LEVEL}) ({_REJECTED}) > 0.1",  # six per minute
    for_=Duration.parse("10m"),  # longer than the simultaneous start of all controllers
    summary="The API server rejects requests.",
    description=(
        "{{ $value | humanizePercentage }} of the requests of priority level {{ $labels.priority_level }} are rejected"
        " because of overload."
    ),
    dashboard=KUBERNETES_API,
)


def _client_certificates(ago: str = "") -> str:
    """PromQL: seconds until the client's certificate expires, 1st percentile of requests; ``ago`` is an offset."""
    return (
        "histogram_quantile(0.01, sum by (cluster, le)"
        f" (rate(apiserver_client_certificate_expiration_seconds_bucket[5m]{ago})))"
    )


CLIENT_CERTIFICATE_EXPIRES = Alert(
    name="KubernetesClientCertificateExpires",
    value=_client_certificates(),
    unit=Unit.SECONDS,
    # Control plane certificates last a year. Those of 45 days are renewed with more than four days left.
    below={Severity.WARNING: 4 * 24 * 3600, Severity.CRITICAL: 24 * 3600},
    # A certificate that is not renewed had two days more two days ago. Where clients use new certificates of a few
    # hours each day, it had as little then.
    and_=f"{_client_certificates(' offset 2d')} > 1.5 * 24 * 3600",
    for_=Duration.parse("15m"),  # longer than a short-lived certificate that is used once
    summary="A client's certificate is about to expire.",
    description="Clients use a certificate that expires in {{ $value | humanizeDuration }}.",
    dashboard=KUBERNETES_API,
)
AGGREGATED_API_DOWN = Alert(
    name="KubernetesAggregatedApiDown",
    value="max by (cluster, name) (aggregator_unavailable_apiservice == 1)",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # longer than a rolling update of its server
    summary="An aggregated API is unavailable.",
    description="{{ $labels.name }} is unavailable: its clients, such as autoscalers, get errors.",
    dashboard=KUBERNETES_API,
)
WEBHOOK_FAILING = Alert(
    name="KubernetesWebhookFailing",
    # The first metric counts calls that failed closed (rejected), the second those that failed open (admitted
    # unchecked). Only the first has the label error_type, so `or` keeps both.
    value=(
        'sum by (cluster, name) (rate(apiserver_admission_webhook_rejection_count{error_type!="no_error"}[5m])'
        " or rate(apiserver_admission_webhook_fail_open_count[5m]))"
    ),
    unit=Unit.PER_SECOND,
    above={Severity.WARNING: 0.05},  # three per minute; the restart of a webhook with one replica fails fewer
    for_=Duration.parse("10m"),  # longer than a rolling update of the webhook
    summary="An admission webhook does not answer.",
    description="Calls to {{ $labels.name }} fail: objects are rejected, or admitted without its check.",
    dashboard=KUBERNETES_API,
)

GROUPS = (
    Group(
        "kubernetes-api",
        (API_SERVER_DOWN, REQUESTS_REJECTED, CLIENT_CERTIFICATE_EXPIRES, AGGREGATED_API_DOWN, WEBHOOK_FAILING),
    ),
)

# Health checks have no scope. Watches and connections last as long as the client wants.
_ASKED = 'scope!="", verb!~"WATCH|WATCHLIST|CONNECT"'
_BUCKET = "apiserver_request_sli_duration_seconds_bucket"
# Kubernetes' own objective: 1 s for one object, 30 s for a list. Prometheus spells a bound as 1 or as 1.0.
_IN_TIME = (
    rf'{_BUCKET}{{{_ASKED}, scope="resource", le=~"1(\\.0)?"}}',
    rf'{_BUCKET}{{{_ASKED}, scope!="resource", le=~"30(\\.0)?"}}',
)

AVAILABILITY = Slo(
    name="kubernetes-api-availability",
    objective=Decimal("0.999"),  # clients retry, so nobody notices one in a thousand
    events=rate(f"apiserver_request_total{{{_ASKED}}}"),
    errors=rate(f'apiserver_request_total{{{_ASKED}, code=~"5.."}}'),
)
LATENCY = Slo(
    name="kubernetes-api-latency",
    objective=Decimal("0.99"),  # Kubernetes promises the 99th percentile
    events=rate(f"apiserver_request_sli_duration_seconds_count{{{_ASKED}}}"),
    good=f"sum by ({BY}) ({' or '.join(f'rate({bucket}[{SHORT}])' for bucket in _IN_TIME)})",
)
SLOS = (AVAILABILITY, LATENCY)
