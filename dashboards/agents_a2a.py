"""Requests between agents, measured from their spans."""

from __future__ import annotations

from dashboards.agents_panels import alert_stat, alert_time_series, chosen, outcomes, stacked, table, variables
from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, stat
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS
from rules.agents.protocols import A2A, A2A_BUCKETS, A2A_ERRORS, A2A_FAILING, A2A_P95, SLOW_A2A
from rules.agents.uids import AGENTS, AGENTS_A2A, AGENTS_QUALITY, AGENTS_TOOLS
from rules.rates import RANGE
from rules.spans import SPAN_CALLS

_PICKED = chosen("cluster", "service", "method")
_SLOW = narrowed(SLOW_A2A.value, _PICKED)
_END = ("cluster", "service", "side", "method")
_BY_END = ", ".join(_END)
_WHAT = "{{method}}, {{side}} {{service}}"


def _side(side: str) -> str:
    return f'{A2A}{{side="{side}", {_PICKED}}}'


_SPANS = (
    'traces_span_metrics_duration_milliseconds_bucket{cluster=~"$cluster", service_name=~"$service",'
    ' a2a_method_name=~"$method", a2a_method_name!=""}'
)


def _of_all(number: str) -> Query:
    asked = f"histogram_quantile({number}, sum by (le) (rate({_SPANS}[{RANGE}]))) / 1000"
    return Query(expr=asked, legend=f"p{number[2:]}, all", exemplars=number == "0.50")


def _counted(title: str, description: str, of: str, by: str, legend: str) -> Panel:
    """Spans per second, whether they were sampled or not."""
    counted = f'sum by ({by}) (rate({SPAN_CALLS}{{cluster=~"$cluster", {of}}}[{RANGE}]))'
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=f"topk(10, {counted})", legend=legend),),
        unit=Unit.PER_SECOND,
        unmeasured="not measured",
        width=12,
    )


_OF_SPANS = Row(
    "Spans",
    (
        _counted(
            "Runs by agent and operation",
            "Spans per second of runs of agents, also of platforms with names of their own.",
            'gen_ai_operation_name="invoke_agent"',
            "gen_ai_agent_name, agent_operation",
            "{{gen_ai_agent_name}} {{agent_operation}}",
        ),
        _counted(
            "Messages between agents",
            "Spans `agent.communication` per second, by who sends to whom.",
            'communication_source!=""',
            "communication_source, communication_target",
            "{{communication_source}} to {{communication_target}}",
        ),
    ),
)
_SIGNALS = Row(
    "Signals",
    (
        stat(
            "Requests sent",
            "Requests that agents send to agents.",
            f"sum({_side('client')})",
            Unit.PER_SECOND,
        ),
        stat(
            "Requests received",
            "Requests per second that agents receive. If agents send fewer, callers are external or not instrumented.",
            f"sum({_side('server')})",
            Unit.PER_SECOND,
        ),
        alert_stat(
            A2A_FAILING,
            "Failing requests",
            "Failing requests of the worst agent and method over 30 minutes. Check the agent that is called.",
            f"{A2A_ERRORS}{{{_PICKED}}}",
        ),
        alert_stat(
            SLOW_A2A,
            "Request duration",
            "95th percentile of the slowest agent and method, without streams. Its traces show where time goes.",
            _SLOW,
        ),
        stat(
            "Callers",
            "Agents that sent requests in the last 5 minutes.",
            f"count(sum by (cluster, service) ({_side('client')}) > 0) or vector(0)",
        ),
        stat(
            "Called",
            "Agents that received requests in the last 5 minutes.",
            f"count(sum by (cluster, service) ({_side('server')}) > 0) or vector(0)",
        ),
    ),
)
_REQUESTS = Row(
    "Requests",
    (
        stacked(
            "Requests by method",
            "Requests per second of the ten busiest methods, as receivers count them.",
            f"topk(10, sum by (method) ({_side('server')}))",
            "{{method}}",
        ),
        alert_time_series(
            A2A_FAILING,
            "Failing requests by method",
            "Ten highest error rates over 30 minutes. If only callers see errors, check the network.",
            f"{A2A_ERRORS}{{{_PICKED}}}",
            _WHAT,
        ),
        alert_time_series(
            SLOW_A2A,
            "Request duration by method",
            "p95 of the ten slowest, without streams; p50 and p99 of all. Click a point to open its trace.",
            _SLOW,
            _WHAT,
            *map(_of_all, ("0.50", "0.99")),
        ),
        stacked(
            "Requests by caller",
            "Requests per second of the ten busiest senders.",
            f"topk(10, sum by (service) ({_side('client')}))",
            "{{service}}",
        ),
        stacked(
            "Requests by receiver",
            "Requests per second of the ten busiest receivers.",
            f"topk(10, sum by (service) ({_side('server')}))",
            "{{service}}",
        ),
        Panel(
            title="Duration heatmap",
            description="All requests by duration in ms. A second band is a method that waits for a model.",
            visualization=Visualization.HEATMAP,
            queries=(Query(expr=f"sum by (le) ({A2A_BUCKETS}{{{_PICKED}}})", legend="{{le}}"),),
        ),
        table(
            "Methods by failures",
            "Failing requests and all requests in 30 minutes.",
            _END,
            outcomes(A2A, _PICKED, _BY_END, "Requests"),
            Unit.NONE,
            AGENTS,
        ),
        table(
            "Slowest methods",
            "95th percentile. A stream lasts as long as its task, so it is not slow.",
            _END,
            {"95 %": f"max by ({_BY_END}) ({A2A_P95}{{{_PICKED}}})"},
            Unit.SECONDS,
            AGENTS,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_A2A,
    title="Agents: A2A",
    description="Requests between agents: traffic, errors and latency.",
    tags=("agents",),
    variables=variables(A2A, "cluster", "service", "method"),
    related=(AGENTS, AGENTS_TOOLS, AGENTS_QUALITY, ALERTS),
    annotations=(alerts_of("agents"),),
    rows=(_SIGNALS, _REQUESTS, _OF_SPANS),
)
