"""Quality of agents' work: success, withheld answers, loops, objectives."""

from __future__ import annotations

from dataclasses import replace

from dashboards.agents_panels import MOST, alert_stat, alert_time_series, chosen, stacked, table, variables, where_set
from dashboards.annotations import alerts_of, changes
from dashboards.model import Dashboard, Panel, Query, Row, Scale, stat
from model.datasources import LOKI
from model.grafana_alert import GrafanaAlert
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS, SLOS
from rules.agents import alerts, lines, progress, signals
from rules.agents.cost import COST_PER_RUN
from rules.agents.promql import PLACE, counted, failing, p95
from rules.agents.recordings import CALLS_BUCKETS, CALLS_PER_RUN, REQUESTS, RUN_ERRORS, RUNS
from rules.agents.uids import AGENTS, AGENTS_LLM, AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.uids import LOGS

_PICKED = chosen("cluster", "namespace", "service", "agent")
# For series by service: requests do not always name the agent.
_SERVICES = chosen("cluster", "namespace", "service")
_CLUSTER = chosen("cluster")
_AGENT = ("cluster", "namespace", "service", "agent")
_BY_AGENT = ", ".join(_AGENT)
_NAME = "{{service}}/{{agent}}"
# Error types of providers and guardrails for withheld answers. The conventions define no names.
_WITHHELD = 'error_type=~"(?i).*(moderation|guard.?rail|content.?filter|content.?policy|safety|blocked|refus).*"'
_ALL_RUNS = counted(f"{RUNS}{{{_PICKED}}}", "cluster")
_GOOD_RUNS = counted(f'{RUNS}{{error_type="", {_PICKED}}}', "cluster")

_SIGNALS = Row(
    "Success",
    (
        stat(
            "Success rate of runs",
            "Share of all runs over 30 minutes, in the worst cluster.",
            f"min(({_GOOD_RUNS} or {_ALL_RUNS} * 0) / ({_ALL_RUNS} > 0))",
            Unit.RATIO,
        ),
        alert_stat(
            alerts.RUNS_FAILING,
            "Failing runs",
            "Failing runs of the worst agent over 30 minutes. Their errors are below.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
        ),
        stat(
            "Calls per run",
            "Model calls per finished run of the highest service. Above the line, agents loop.",
            f"max({CALLS_PER_RUN}{{{_SERVICES}}})",
            alert="AgentCallsPerRunHigh",
        ),
        stat(
            "Blocked answers",
            "Requests in 30 minutes that a guardrail or a provider's policy stopped.",
            f"sum({counted(f'{REQUESTS}{{{_WITHHELD}, {_PICKED}}}', 'cluster')}) or vector(0)",
        ),
        stat(
            "Runs",
            "Finished runs in 30 minutes. Below 20, one failure exceeds the alert's threshold.",
            f"sum({_ALL_RUNS})",
        ),
        stat(
            "Cost per run",
            "USD per successful run over an hour, of the most expensive service. Failing runs raise it.",
            f"max({COST_PER_RUN}{{{_SERVICES}}})",
            Unit.CURRENCY,
        ),
    ),
)
_FAILURES = Row(
    "What fails?",
    (
        alert_time_series(
            alerts.RUNS_FAILING,
            "Failing runs by agent",
            "Share of failing runs over 30 minutes; the ten worst agents.",
            f"{RUN_ERRORS}{{{_PICKED}}}",
            _NAME,
        ),
        stacked(
            "Failing runs by type",
            "Failing runs per second by type of error. Start here when an agent fails.",
            f'topk(10, sum by (error_type) ({RUNS}{{error_type!="", {_PICKED}}}))',
            "{{error_type}}",
        ),
        Panel(
            title="Blocked answers by agent",
            description=(
                "Share of model requests that a guardrail or a provider's policy stopped. If it jumps, check for an"
                " attack, a new prompt or a strict rule. Only errors count, not polite refusals."
            ),
            queries=(Query(expr=f"topk(10, {narrowed(failing(REQUESTS, PLACE, _WITHHELD), _PICKED)})", legend=_NAME),),
            unit=Unit.RATIO,
            scale=Scale.SMALL,
        ),
        table(
            "Run errors",
            "Failed runs in 30 minutes by agent and type of error.",
            (*_AGENT, "error_type"),
            {"Runs": counted(f'{RUNS}{{error_type!="", {_PICKED}}}', f"{_BY_AGENT}, error_type")},
            Unit.NONE,
            AGENTS_LLM,
            width=24,
        ),
    ),
)
_LOOPS = Row(
    "Loops",
    (
        where_set(
            "AgentRunsLooping",
            "Looping runs",
            "Finished runs in 30 minutes with more model calls than a run should make. Read one's trace.",
            _PICKED,
            _NAME,
            8,
        ),
        Panel(
            title="Calls per run by service",
            description=("Model calls per finished run; the ten highest. Only this panel shows runs that never end."),
            queries=(
                Query(
                    expr=f"topk(10, {CALLS_PER_RUN}{{{_SERVICES}}})",
                    legend="{{service}}",
                ),
            ),
            alert="AgentCallsPerRunHigh",
        ),
        Panel(
            title="Calls per run, 95th percentile",
            description="Model calls per run by agent; the ten highest.",
            queries=(
                Query(
                    expr=(f"topk(10, {narrowed(p95(CALLS_BUCKETS, 'service, agent'), _PICKED)})"),
                    legend=_NAME,
                ),
            ),
        ),
    ),
)


def _measured(alert: Alert, title: str, description: str, series: str, legend: str) -> Panel:
    """Of a metric that an agent may lack."""
    return replace(alert_time_series(alert, title, description, series, legend), unmeasured="not measured")


def _open(alert: Alert, title: str, description: str) -> Panel:
    return _measured(alert, title, description, narrowed(alert.value, _PICKED), f"{_NAME} {{{{state}}}}")


_PROGRESS = Row(
    "Does work proceed?",
    (
        _open(
            progress.HANGS,
            "Longest run without a step",
            "Time since the last step of the run that waits longest. Above the line, look for the call that hangs.",
        ),
        _open(
            progress.UNAPPROVED,
            "Longest wait for an approval",
            "Age of the oldest question to a person. Above the line, nobody may have seen it.",
        ),
        _open(
            progress.STUCK,
            "Longest A2A task in a state",
            "Age of the oldest state of another agent's task. Above the line, check that agent.",
        ),
        _measured(
            progress.RETRIES,
            "Failing requests per run",
            "Failing requests to models per finished run. Above the line, retries are retried.",
            narrowed(progress.FAILURES_PER_RUN, _SERVICES),
            "{{service}}",
        ),
        _measured(
            progress.NO_ROOM,
            "Requests with a nearly full context",
            "Share of requests that fill nine tenths of the context window. Beyond it they fail: shorten prompts.",
            narrowed(progress.NEARLY_FULL, _PICKED),
            "{{service}}/{{agent}}, {{model}}",
        ),
        _measured(
            progress.COMPACTED_AGAIN,
            "Compactions of the context per run",
            "Per finished run, over 30 minutes. Above the line, prompts are too long.",
            narrowed(progress.PER_RUN, _PICKED),
            _NAME,
        ),
    ),
)
_GUARDRAILS = Row(
    "Guardrails",
    (
        where_set(
            signals.BLOCKS_RISING.name,
            "Stopped messages against the day before",
            "Stopped messages, divided by the day before. Above the line, read some.",
            _SERVICES,
            "{{service}}, {{guardrail}}",
            12,
        ),
        where_set(
            signals.CANNOT_JUDGE.name,
            "Messages that a guardrail cannot judge",
            "Share of the messages over 30 minutes. They pass or stop unseen: check its service.",
            _SERVICES,
            "{{service}}, {{guardrail}}",
            12,
        ),
    ),
)
_STREAMS = '{namespace=~".+", cluster=~"$cluster", namespace=~"$namespace"}'


def _lines(alert: GrafanaAlert, title: str, description: str, expr: str, legend: str) -> Panel:
    return Panel(
        title=title,
        description=description,
        queries=(Query(expr=f"topk({MOST}, {expr})", legend=legend, datasource=LOKI),),
        alert=alert.name,
        unmeasured="not measured",
    )


_LOGGED = Row(
    "What do agents log?",
    (
        _lines(
            lines.LOOP,
            "Calls with the same arguments",
            "Calls of a tool by one run with the same arguments in ten minutes. Above the line, it loops: stop it.",
            lines.repeated(_STREAMS),
            "{{app}}, {{tool}}",
        ),
        _lines(
            lines.TOOLS_CHANGED,
            "Lists of an MCP server's tools",
            "Different lists in six hours. Above 1 it changed: look for a release.",
            lines.lists(_STREAMS),
            "{{app}}, {{server}}",
        ),
        Panel(
            title="Evaluation scores",
            description="Mean of an hour by evaluation and version of the prompt. An alert fires if one falls.",
            queries=(
                Query(
                    expr=f"topk({MOST}, {lines.scores(_STREAMS, '[1h]')})",
                    legend="{{app}}, {{evaluation}} {{prompt_version}}",
                    datasource=LOKI,
                ),
            ),
            unmeasured="not measured",
        ),
    ),
)
_OBJECTIVES = Row(
    "Objectives",
    tuple(
        where_set(
            f"{alert}ErrorBudgetSpent", title, f"{shown} At 1 the objective is missed.", _CLUSTER, "{{cluster}}", 6
        )
        for alert, title, shown in (
            ("AgentRuns", "Budget spent: success", "Used share of the period's allowed failing runs."),
            (
                "AgentLatency",
                "Budget spent: time",
                "Used share of the period's allowed slow runs.",
            ),
            (
                "AgentTools",
                "Budget spent: tools",
                "Used share of the period's allowed failing tool calls.",
            ),
            (
                "AgentCost",
                "Budget spent: cost",
                "Used share of the period's allowed minutes above the cost limit.",
            ),
        )
    ),
)

DASHBOARD = Dashboard(
    uid=AGENTS_QUALITY,
    title="Agents: quality",
    description="Quality of agents' work: success, withheld answers, loops, objectives.",
    tags=("agents",),
    variables=variables(RUNS, "cluster", "namespace", "service", "agent"),
    related=(
        AGENTS,
        AGENTS_LLM,
        AGENTS_TOOLS,
        SLOS,
        LOGS,
        ALERTS,
    ),
    annotations=(alerts_of("agents"), *changes(chosen("cluster", "namespace"))),
    rows=(_SIGNALS, _FAILURES, _LOOPS, _PROGRESS, _GUARDRAILS, _LOGGED, _OBJECTIVES),
)
