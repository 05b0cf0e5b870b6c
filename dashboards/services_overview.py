"""Every service in a row: requests, errors, latency, saturation, objectives and alerts."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of, changes
from dashboards.model import MOST_LINES, Dashboard, Panel, Query, Row, Visualization, variable
from model.metrics import Unit
from model.promql import narrowed
from model.slo_alerts import LEFT
from model.uids import ALERTS, HOME
from rules.histograms import with_label
from rules.kubernetes.alerts.pods import HIGH_CPU, HIGH_MEMORY
from rules.kubernetes.recordings import with_owner
from rules.services.availability import MISSING, SEEN
from rules.services.labels import SAME, renamed
from rules.services.recordings import ERRORS, P50, P95, P99, SOURCE, TOTAL
from rules.services.uids import ONE_SERVICE, SERVICES, SERVICES_CAPACITY, SERVICES_DEPENDENCIES

_WHERE = 'cluster=~"$cluster", namespace=~"$namespace"'
_IN = f'{_WHERE}, service=~"$service"'
# A service that is down has no requests, and one that is new is seen within a quarter of an hour.
_KNOWN = f"({SEEN}{{{_IN}}} or {SOURCE}{{{_IN}}})"


def _of_services(title: str, description: str, recording: str, alert: str, unit: Unit) -> Panel:
    query = Query(expr=f"topk({MOST_LINES}, {recording}{{{_IN}}})", legend="{{namespace}} {{service}}")
    described = f"{description} The {MOST_LINES} highest."
    return Panel(title=title, description=described, queries=(query,), unit=unit, alert=alert, width=6)


def _column(legend: str, recording: str, unit: Unit) -> Query:
    return Query(expr=f"max by ({SAME}) ({recording}{{{_IN}}})", legend=legend, unit=unit)


def _alerts() -> str:
    """PromQL: open alerts by service. A workload's alerts are its service's."""
    firing = f'ALERTS{{alertstate="firing", {_WHERE}'
    named = f'{firing}, service=~"$service", service!=""}}'
    of_workload = renamed(f'{firing}, service="", workload=~"$service", workload!=""}}', "service", "workload")
    # A service without alerts is a row as well.
    return (
        f"count by ({SAME}) (group by ({SAME}, alertname) ({named} or {of_workload})) or group by ({SAME}) {_KNOWN} * 0"
    )


def _saturation() -> str:
    """PromQL: of CPU and memory, the container that is nearest to its limit."""
    either = " or ".join(
        with_label(narrowed(alert.value, _WHERE), "resource", alert.name) for alert in (HIGH_CPU, HIGH_MEMORY)
    )
    owned = renamed(with_owner(f"({either})", "workload"), "service", "workload")
    return f"{owned} and on ({SAME}) {_KNOWN}"


def _budget() -> str:
    """PromQL: what is left of each objective's error budget, with the service that the objective is of."""
    info = 'slo:objective:info{cluster=~"$cluster", service=~"$service"}'
    left = f"slo:error_budget_remaining:ratio * on (cluster, slo, value) group_left (service, namespace) {info}"
    return f"({left}) and on ({SAME}) {_KNOWN}"


DASHBOARD = Dashboard(
    uid=SERVICES,
    title="Services",
    description="Every service in a row: requests, errors, latency, saturation, objectives and alerts.",
    tags=("services",),
    variables=(
        variable("cluster", SOURCE, "Cluster"),
        variable("namespace", f'{SOURCE}{{cluster=~"$cluster"}}', "Namespace"),
        variable("service", f"{SOURCE}{{{_WHERE}}}", "Service"),
    ),
    related=(HOME, ONE_SERVICE, SERVICES_DEPENDENCIES, SERVICES_CAPACITY, ALERTS),
    annotations=(alerts_of("services"), *changes(_WHERE)),
    rows=(
        Row(
            "Services",
            (
                Panel(
                    title="All services",
                    description="Services of the last day, those with open alerts first. Click a row to see why.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(expr=_alerts(), legend="Alerts", unit=Unit.NONE),
                        _column("Requests", TOTAL, Unit.PER_SECOND),
                        replace(_column("Errors", ERRORS, Unit.RATIO), alert="HighErrorRate"),
                        _column("p95", P95, Unit.SECONDS),
                    ),
                    unit=Unit.RATIO,
                    columns=("cluster", "namespace", "service"),
                    data_link=ONE_SERVICE,
                    width=12,
                    height=14,
                ),
                Panel(
                    title="Slowest services",
                    description="Percentiles of durations. Saturation: the container nearest to its limit of CPU or"
                    " memory. SLO left: the least error budget; below 0 the objective is missed.",
                    visualization=Visualization.TABLE,
                    queries=(
                        _column("p99", P99, Unit.SECONDS),
                        _column("p50", P50, Unit.SECONDS),
                        Query(expr=f"max by ({SAME}) ({_saturation()})", legend="Saturation", optional=True),
                        Query(expr=f"min by ({SAME}) ({_budget()})", legend="SLO left", optional=True, below=LEFT),
                    ),
                    unit=Unit.RATIO,
                    columns=("cluster", "namespace", "service"),
                    data_link=ONE_SERVICE,
                    width=12,
                    height=14,
                ),
            ),
        ),
        Row(
            "Over time",
            (
                _of_services("Requests per second", "Requests that it answers.", TOTAL, "", Unit.PER_SECOND),
                _of_services(
                    "Error ratio",
                    "Requests that fail with 5xx. Above the line, open the service.",
                    ERRORS,
                    "HighErrorRate",
                    Unit.RATIO,
                ),
                _of_services(
                    "Latency p95",
                    "95th percentile, without streams. Above the line, open the service.",
                    P95,
                    "SlowResponseTime",
                    Unit.SECONDS,
                ),
                _of_services(
                    "Replicas not ready",
                    "Ratio of those that it should have. At 1 nobody is served: read its pods' last lines.",
                    MISSING,
                    "ServiceDown",
                    Unit.RATIO,
                ),
            ),
        ),
    ),
)
