"""Capacity: the trend of what is used, when it is full, and what the next month costs."""

from __future__ import annotations

from dataclasses import replace

from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_time_series, stat, variable
from model.metrics import Unit
from model.uids import ALERTS
from rules.agents.cost import SPENT_TODAY
from rules.agents.recordings import TOKENS
from rules.kubernetes.alerts.capacity import VOLUME_FULL
from rules.kubernetes.recordings import CPU_OF_NAMESPACES, MEMORY_OF_NAMESPACES, REQUESTS, VOLUME_USED
from rules.kubernetes.uids import KUBERNETES_CLUSTER, KUBERNETES_NAMESPACE
from rules.nodes.recordings import SPACE_AVAILABLE
from rules.nodes.uids import NODES
from rules.services.past import HOUR
from rules.services.recordings import SOURCE
from rules.services.uids import SERVICES, SERVICES_CAPACITY

_IN = 'cluster=~"$cluster"'
# Days of a week differ. One sample an hour is enough for a line through a week.
_WEEK = "[7d:1h]"
_MONTH = 30
_RUNNING = f"sum by (cluster) (max by (cluster, node) (kubelet_running_pods{{{_IN}}}))"


def _allocatable(resource: str) -> str:
    """PromQL: what the nodes of a cluster have for pods."""
    of_nodes = f'kube_node_status_allocatable{{{_IN}, resource="{resource}"}}'
    return f"sum by (cluster) (max by (cluster, node) ({of_nodes}))"


def _requested(resource: str, by: str = "cluster") -> str:
    return f'sum by ({by}) ({REQUESTS}{{{_IN}, resource="{resource}"}})'


def _full_in(title: str, description: str, left: str, growth: str) -> Panel:
    """A stat: the time until nothing is ``left``, at the ``growth`` per second; the soonest."""
    expr = f"min(clamp_min({left}, 0) / ({growth} > 0))"
    made = stat(title, f"{description} At the last week's trend.", expr, Unit.SECONDS)
    return _optional(replace(made, unmeasured="does not grow"))


def _placed_in(title: str, description: str, resource: str, used: str) -> Panel:
    """A stat: the time until all of a resource that nodes have for pods is ``used``."""
    # Of the sum: the trends of single namespaces and nodes would count those that are new or gone.
    return _full_in(title, description, f"({_allocatable(resource)} - {used})", f"deriv({used}{_WEEK})")


def _optional(panel: Panel) -> Panel:
    """The panel in stacks that have its series."""
    return replace(panel, queries=tuple(replace(query, optional=True) for query in panel.queries))


def _lines(title: str, description: str, unit: Unit, **series: str) -> Panel:
    queries = tuple(Query(expr=expr, legend=f"{legend}, {{{{cluster}}}}") for legend, expr in series.items())
    return _optional(Panel(title=title, description=description, queries=queries, unit=unit))


def _total(recording: str) -> str:
    return f"sum by (cluster) ({recording}{{{_IN}}})"


_FORECAST = Row(
    "Weeks until full",
    (
        *(
            _placed_in(
                f"{title} full in",
                "Until pods request all that nodes have, and new ones stay pending.",
                title.lower(),
                _requested(title.lower()),
            )
            for title in ("CPU", "Memory")
        ),
        _placed_in("Pods full in", "Until nodes run as many pods as they may.", "pods", _RUNNING),
        _full_in(
            "First volume full in",
            "Of all persistent volumes.",
            f"(1 - {VOLUME_USED}{{{_IN}}})",
            f"deriv({VOLUME_USED}{{{_IN}}}{_WEEK})",
        ),
        _full_in(
            "First disk full in",
            "Of the nodes' file systems.",
            f"node_filesystem_avail_bytes{{{_IN}}}",
            f"-deriv(node_filesystem_avail_bytes{{{_IN}}}{_WEEK})",
        ),
        _optional(
            stat(
                "Next month's cost",
                "Of models in 30 days, in USD, at the last week's trend. What machines cost is not measured.",
                # The mean of a line is its middle.
                f"sum(clamp_min(predict_linear({SPENT_TODAY}{{{_IN}}}{_WEEK}, {_MONTH // 2} * 86400), 0)) * {_MONTH}",
                Unit.CURRENCY,
            )
        ),
    ),
)
_CLUSTER = Row(
    "Cluster",
    (
        *(
            _lines(
                title,
                f"{what} used and requested by pods, and what nodes have. Unused requests cost money.",
                unit,
                used=_total(used),
                requested=_requested(title.lower()),
                allocatable=_allocatable(title.lower()),
            )
            for title, what, unit, used in (
                ("CPU", "Cores", Unit.NONE, CPU_OF_NAMESPACES),
                ("Memory", "Bytes", Unit.BYTES, MEMORY_OF_NAMESPACES),
            )
        ),
        _lines(
            "Pods",
            "Running pods, and how many nodes may run.",
            Unit.NONE,
            running=_RUNNING,
            allocatable=_allocatable("pods"),
        ),
        _optional(
            Panel(
                title="Requests and use by namespace",
                description="The twenty namespaces that request most CPU, with what they use of it.",
                visualization=Visualization.TABLE,
                queries=tuple(
                    Query(expr=expr, legend=legend, unit=unit)
                    for legend, expr, unit in (
                        ("CPU requested", f"topk(20, {_requested('cpu', 'cluster, namespace')})", Unit.NONE),
                        ("CPU used", f"sum by (cluster, namespace) ({CPU_OF_NAMESPACES}{{{_IN}}})", Unit.NONE),
                        ("Memory requested", _requested("memory", "cluster, namespace"), Unit.BYTES),
                        ("Memory used", f"sum by (cluster, namespace) ({MEMORY_OF_NAMESPACES}{{{_IN}}})", Unit.BYTES),
                    )
                ),
                columns=("cluster", "namespace"),
                width=24,
                data_link=KUBERNETES_NAMESPACE,
            )
        ),
        _optional(
            alert_time_series(
                VOLUME_FULL,
                "Volumes in use",
                "Of bytes and inodes, the ten fullest volumes. At 1 writes fail: enlarge it.",
                f"topk(10, {VOLUME_USED}{{{_IN}}})",
                "{{namespace}}/{{persistentvolumeclaim}}, {{resource}}",
            )
        ),
        _optional(
            Panel(
                title="Disks in use",
                description="Of bytes, the ten fullest file systems of nodes.",
                queries=(Query(expr=f"topk(10, 1 - {SPACE_AVAILABLE.name}{{{_IN}}})", legend="{{node}}, {{device}}"),),
                unit=Unit.RATIO,
            )
        ),
    ),
)
_DEMAND = Row(
    "Demand",
    (
        _lines(
            "Requests", "Requests per second of all services, the mean of an hour.", Unit.PER_SECOND, all=_total(HOUR)
        ),
        _lines("Tokens", "Tokens per second that models read and write.", Unit.PER_SECOND, all=_total(TOKENS)),
        _lines("Cost of models per day", "USD in the last 24 hours.", Unit.CURRENCY, spent=_total(SPENT_TODAY)),
    ),
)

DASHBOARD = Dashboard(
    uid=SERVICES_CAPACITY,
    title="Services: capacity",
    description="Trend of what is used, when it is full, and what the next month costs.",
    tags=("services",),
    time_from="now-30d",
    variables=(variable("cluster", SOURCE, "Cluster"),),
    related=(SERVICES, KUBERNETES_CLUSTER, NODES, ALERTS),
    rows=(_FORECAST, _CLUSTER, _DEMAND),
)
