"""The API server: its four golden signals, and what stands between it and its clients."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, SLOS
from rules.kubernetes.alerts import control_plane
from rules.kubernetes.recordings import API_LATENCY, API_REQUESTS
from rules.kubernetes.uids import KUBERNETES_API, KUBERNETES_CLUSTER

_ALL = 'cluster=~"$cluster"'
_REQUESTS = f"{API_REQUESTS}{{{_ALL}}}"
_FAILED = f'{API_REQUESTS}{{{_ALL}, code=~"5.."}}'

_SIGNALS = Row(
    "Signals",
    (
        Panel(
            title="Requests",
            description="Requests per second, by verb. A sudden rise is a controller in a loop.",
            queries=(Query(expr=f"sum by (verb) ({_REQUESTS})", legend="{{verb}}"),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=10,
        ),
        Panel(
            title="Failing requests",
            description="The part of requests that the server failed (5xx). Its objective allows one in a thousand.",
            queries=(
                Query(
                    # Without a failure there is no series of one.
                    expr=(
                        f"(sum by (cluster) ({_FAILED}) or 0 * sum by (cluster) ({_REQUESTS}))"
                        f" / sum by (cluster) ({_REQUESTS})"
                    ),
                    legend="{{cluster}}",
                ),
            ),
            unit=Unit.RATIO,
            width=10,
        ),
        alert_stat(
            control_plane.AGGREGATED_API_DOWN,
            "Aggregated APIs down",
            "APIs that something else serves, like metrics for autoscalers, and that do not answer.",
            found(control_plane.AGGREGATED_API_DOWN, _ALL),
        ),
        Panel(
            title="Servers",
            description="API servers that answer Prometheus; fewer than there should be is an outage half way.",
            visualization=Visualization.STAT,
            queries=(Query(expr=f'sum(up{{{_ALL}, job="apiservers"}})'),),
            width=4,
            height=4,
        ),
        Panel(
            title="Latency",
            description="The 99th percentile by verb, watches aside. One object within a second, a list within 30 s.",
            queries=(Query(expr=f"max by (verb) ({API_LATENCY}{{{_ALL}}})", legend="{{verb}}"),),
            unit=Unit.SECONDS,
            width=12,
        ),
        Panel(
            title="Requests in flight",
            description="Requests that are being served, by kind, on all servers: at their limit others have to queue.",
            queries=(
                Query(
                    expr=f"sum by (request_kind) (apiserver_current_inflight_requests{{{_ALL}}})",
                    legend="{{request_kind}}",
                ),
            ),
            width=12,
        ),
    ),
)
_CLIENTS = Row(
    "What clients meet",
    (
        alert_time_series(
            control_plane.REQUESTS_REJECTED,
            "Rejected requests",
            "The part of each priority level's requests that find no room, and are told to come again.",
            narrowed(control_plane.REQUESTS_REJECTED.value, _ALL),
            "{{priority_level}}",
        ),
        alert_time_series(
            control_plane.WEBHOOK_FAILING,
            "Failing admission webhooks",
            "Calls per second that fail. Depending on the webhook, objects are refused or pass unchecked.",
            narrowed(control_plane.WEBHOOK_FAILING.value, _ALL),
            "{{name}}",
        ),
        alert_time_series(
            control_plane.CLIENT_CERTIFICATE_EXPIRES,
            "Time left of clients' certificates",
            "What the most expired hundredth of the clients that come has left; whose it is, its log says.",
            narrowed(control_plane.CLIENT_CERTIFICATE_EXPIRES.value, _ALL),
            "{{cluster}}",
        ),
        Panel(
            title="Requests by code",
            description="Requests per second, by answer. 409 is ordinary, 401 and 403 are rights, 429 is lack of room.",
            queries=(Query(expr=f"sum by (code) ({_REQUESTS})", legend="{{code}}"),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=24,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=KUBERNETES_API,
    title="Kubernetes: API server",
    description="Whether the API server answers, how fast, and whom it turns away.",
    tags=("kubernetes",),
    variables=(variable("cluster", 'up{job="apiservers"}', "Cluster"),),
    related=(KUBERNETES_CLUSTER, SLOS, ALERTS),
    annotations=(alerts_of("kubernetes"),),
    rows=(_SIGNALS, _CLIENTS),
)
"""Only where whoever runs the cluster runs its API server too."""
