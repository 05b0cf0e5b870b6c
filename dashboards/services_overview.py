"""Every service: requests, errors, duration, and what is missing of it."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, variable
from model.metrics import Unit
from model.uids import ALERTS, HOME
from rules.services.availability import MISSING
from rules.services.recordings import CALL_ERRORS, ERRORS, P95, SOURCE, TOTAL
from rules.services.uids import SERVICES

_IN = 'cluster=~"$cluster", namespace=~"$namespace", service=~"$service"'
# More lines are not legible.
_MOST = 10


def _of_services(
    title: str, description: str, recording: str, unit: Unit = Unit.NONE, legend: str = "{{namespace}} {{service}}"
) -> Panel:
    query = Query(expr=f"topk({_MOST}, {recording}{{{_IN}}})", legend=legend)
    return Panel(title=title, description=f"{description} The {_MOST} highest.", queries=(query,), unit=unit, width=12)


DASHBOARD = Dashboard(
    uid=SERVICES,
    title="Services",
    description="Requests, errors and latency of services.",
    tags=("services",),
    variables=(
        variable("cluster", SOURCE, "Cluster"),
        variable("namespace", f'{SOURCE}{{cluster=~"$cluster"}}', "Namespace"),
        variable("service", f'{SOURCE}{{cluster=~"$cluster", namespace=~"$namespace"}}', "Service"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("services"),),
    rows=(
        Row(
            "Requests",
            (
                _of_services("Requests per second", "Requests that a service answers.", TOTAL, Unit.PER_SECOND),
                _of_services("Error ratio", "Ratio of requests that fail with 5xx.", ERRORS, Unit.RATIO),
                _of_services("Latency p95", "95th percentile of durations, without streams.", P95, Unit.SECONDS),
                _of_services("Replicas not ready", "Ratio of the replicas that it should have.", MISSING, Unit.RATIO),
                _of_services(
                    "Failing calls",
                    "Ratio of outgoing calls that fail, by the host that is called.",
                    CALL_ERRORS,
                    Unit.RATIO,
                    "{{service}} to {{dependency}}",
                ),
            ),
        ),
    ),
)
