"""Who calls whom: rate, errors and latency of outgoing calls."""

from __future__ import annotations

from dashboards.annotations import alerts_with
from dashboards.model import MOST_LINES, Dashboard, Panel, Query, Row, Visualization, variable
from model.metrics import Unit
from model.uids import ALERTS
from rules.histograms import of_all
from rules.services.labels import SAME
from rules.services.recordings import CALL_BUCKETS, CALL_ERRORS, CALL_P95, CALLS
from rules.services.uids import ONE_SERVICE, SERVICES, SERVICES_DEPENDENCIES

_IN = 'cluster=~"$cluster", namespace=~"$namespace", service=~"$service"'
_EDGE = f'{_IN}, dependency=~"$dependency"'
_BY = f"{SAME}, dependency"
_ROWS = 100  # more are not read


def calls(chosen: str, legend: str) -> tuple[Panel, ...]:
    """Time series of the outgoing calls that the matchers ``chosen`` select, with a line for each ``legend``."""

    def of(title: str, description: str, series: str, unit: Unit, alert: str = "", *more: Query) -> Panel:
        query = Query(expr=f"topk({MOST_LINES}, {series})", legend=legend)
        described = f"{description} The {MOST_LINES} highest."
        return Panel(title=title, description=described, queries=(query, *more), unit=unit, alert=alert)

    return (
        of("Calls per second", "Outgoing calls.", f"sum by ({_BY}) ({CALLS}{{{chosen}}})", Unit.PER_SECOND),
        of(
            "Failing calls",
            "Ratio of calls that fail, or get no answer. If all callers' fail, open the called one.",
            f"{CALL_ERRORS}{{{chosen}}}",
            Unit.RATIO,
            "DependencyFailing",
        ),
        of(
            "Latency of calls",
            "p50, p95 and p99 of all calls, and p95 by dependency. If one is slow, open it.",
            f"{CALL_P95}{{{chosen}}}",
            Unit.SECONDS,
            "DependencySlow",
            *(
                Query(expr=of_all(number, lambda kind: f"{CALL_BUCKETS}{{{chosen}, {kind}}}"), legend=f"p{number[2:]}")
                for number in ("0.50", "0.95", "0.99")
            ),
        ),
    )


DASHBOARD = Dashboard(
    uid=SERVICES_DEPENDENCIES,
    title="Services: dependencies",
    description="Who calls whom: rate, errors and latency of outgoing calls.",
    tags=("services",),
    variables=(
        variable("cluster", CALLS, "Cluster"),
        variable("namespace", f'{CALLS}{{cluster=~"$cluster"}}', "Namespace"),
        variable("service", f'{CALLS}{{cluster=~"$cluster", namespace=~"$namespace"}}', "Caller"),
        variable("dependency", f"{CALLS}{{{_IN}}}", "Called host"),
    ),
    related=(SERVICES, ONE_SERVICE, ALERTS),
    annotations=(alerts_with(f'{_EDGE}, dependency!=""'),),
    rows=(
        Row(
            "Calls",
            (
                Panel(
                    title="Who calls whom",
                    description=f"The {_ROWS} busiest pairs. Choose a called host to see all who call it."
                    " Click a row for the caller.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=f"topk({_ROWS}, sum by ({_BY}) ({CALLS}{{{_EDGE}}}))",
                            legend="Calls",
                            unit=Unit.PER_SECOND,
                        ),
                        Query(expr=f"max by ({_BY}) ({CALL_ERRORS}{{{_EDGE}}})", legend="Errors", unit=Unit.RATIO),
                        Query(expr=f"max by ({_BY}) ({CALL_P95}{{{_EDGE}}})", legend="p95", unit=Unit.SECONDS),
                    ),
                    columns=("cluster", "namespace", "service", "dependency"),
                    leading=("service", "dependency"),
                    data_link=ONE_SERVICE,
                    width=24,
                    height=10,
                ),
                *calls(_EDGE, "{{service}} to {{dependency}}"),
            ),
        ),
    ),
)
