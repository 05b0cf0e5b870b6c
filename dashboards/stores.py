"""What dashboards of stores share: their variables, and panels that have a line for each server."""

from __future__ import annotations

from dashboards.model import Panel, Query, Variable, alert_time_series, variable
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from rules.stores import BY

CHOSEN = 'cluster=~"$cluster", service=~"$service", instance=~"$instance"'
SERVER = "{{instance}}"


def variables(up: str) -> tuple[Variable, ...]:
    """Cluster, service and server, where every server has the metric ``up``."""
    return (
        variable("cluster", up, "Cluster"),
        variable("service", f'{up}{{cluster=~"$cluster"}}', "Service"),
        variable("instance", f'{up}{{cluster=~"$cluster", service=~"$service"}}', "Server"),
    )


def of_alert(alert: Alert, title: str, description: str, legend: str = SERVER, chosen: str = CHOSEN) -> Panel:
    """The value of an alert, by server."""
    return alert_time_series(alert, title, description, narrowed(alert.value, chosen), legend)


def lines(
    title: str, description: str, expr: str, legend: str = SERVER, unit: Unit = Unit.NONE, chosen: str = CHOSEN
) -> Panel:
    queries = (Query(expr=narrowed(expr, chosen), legend=legend),)
    return Panel(title=title, description=description, queries=queries, unit=unit)


def rate(metric: str, by: str = BY) -> str:
    """PromQL: events per second of a counter."""
    return f"sum by ({by}) (rate({metric}[5m]))"
