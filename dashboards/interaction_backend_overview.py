"""Interaction backends: event streams, models, tools, other agents, guardrails, budgets."""

from __future__ import annotations

from dashboards.agents_panels import stacked
from dashboards.annotations import alerts_of, changes
from dashboards.model import MOST_LINES, Dashboard, Panel, Query, Row, Scale, Visualization, alert_time_series, variable
from model.datasources import LOKI
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Severity
from model.uids import ALERTS, HOME
from rules.agents.cost import COST_PER_RUN
from rules.agents.recordings import REQUEST_BUCKETS, TOKENS, TOOL_BUCKETS, TOOL_CALLS, TOOL_ERRORS
from rules.agents.uids import AGENTS_A2A, AGENTS_LLM, AGENTS_TOOLS
from rules.histograms import judged
from rules.interaction_backend import alerts
from rules.interaction_backend import recordings as recorded
from rules.interaction_backend.recordings import BY_CACHE, BY_GUARDRAIL
from rules.interaction_backend.uids import CONVERSATION, INTERACTION
from rules.logs.uids import LOGS_AUDIT
from rules.services.labels import SERVICE
from rules.services.uids import ONE_SERVICE

_CHOSEN = 'cluster=~"$cluster", namespace=~"$namespace", service=~"$service"'
_BACKEND = "{{service}}"
_USED = f"avg_over_time({recorded.TOKENS}{{{_CHOSEN}}}[$__range])"
_USERS = '{cluster=~"$cluster", namespace=~"$namespace"} | total_tokens > 0 | unwrap total_tokens | __error__=``'
# Alerts on what a backend cannot work without, and the name of each.
_NEEDED = {
    "Models": 'alertname=~"Model(Unavailable|RequestsFailing)|SlowModelResponses|InteractionModel.+"',
    "Databases and caches": 'system=~"postgres|redis|mongodb|supabase"',
    "Tools": 'alertname=~"(Slow)?AgentTools.*|(Slow)?McpOperations.*|InteractionCredentials.+"',
    "Other agents": 'alertname=~"InteractionDelegations.+|.*A2aRequests.*"',
}


def _quantiles(buckets: str, by: str, *, optional: bool = False) -> tuple[Query, ...]:
    def judge(number: str) -> str:
        return judged(f"histogram_quantile({number}", lambda kind: f"{buckets}{{{_CHOSEN}, {kind}}}", by)

    numbers = {"p50": "0.5", "p95": "0.95", "p99": "0.99"}
    return tuple(
        Query(expr=f"topk({MOST_LINES}, {judge(number)})", legend=f"{{{{{by}}}}} {name}", optional=optional)
        for name, number in numbers.items()
    )


def _needed(title: str, matchers: str) -> Panel:
    expr = f'count(ALERTS{{alertstate="firing", cluster=~"$cluster", {matchers}}}) or vector(0)'
    return Panel(
        title=title,
        description="Firing alerts. 0 is good; otherwise open the dashboard of what is named.",
        visualization=Visualization.STAT,
        queries=(Query(expr=expr),),
        severity=Severity.WARNING,
        width=6,
        height=4,
    )


def _rates(title: str, description: str, recording: str, by: str) -> Panel:
    labels = by.split(", ")[4:]
    expr = f"topk({MOST_LINES}, sum by ({', '.join(labels)}) ({recording}{{{_CHOSEN}}}))"
    return stacked(title, description, expr, ", ".join(f"{{{{{label}}}}}" for label in labels))


def _table(title: str, description: str, label: str, rate: str, errors: str, buckets: str) -> Panel:
    """Rate, errors and percentiles of half an hour by a label; left out in stacks that do not know them."""

    def quantile(number: str) -> str:
        def within(kind: str) -> str:
            return f"sum_over_time({buckets}{{{_CHOSEN}, {kind}}}[30m])"

        return f"{judged(f'histogram_quantile({number}', within, label)} >= 0"

    columns = (
        ("Rate", f"topk(20, sum by ({label}) ({rate}{{{_CHOSEN}}}))", Unit.PER_SECOND),
        ("Failing", f"max by ({label}) ({errors}{{{_CHOSEN}}})", Unit.RATIO),
        *((f"p{number[2:]}", quantile(number), Unit.SECONDS) for number in ("0.50", "0.95", "0.99")),
    )
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=tuple(Query(expr=expr, legend=name, unit=unit, optional=True) for name, expr, unit in columns),
        columns=(label,),
        width=12,
    )


_TOKENS = f"sum by (direction) ({TOKENS}{{{_CHOSEN}}})"
_STREAMS = Row(
    "Event streams",
    (
        *(_needed(title, matchers) for title, matchers in _NEEDED.items()),
        _rates(
            "Event streams",
            "Event streams by how they end. More errors: look at models and tools below.",
            recorded.STREAMS,
            f"{SERVICE}, outcome",
        ),
        alert_time_series(
            alerts.STREAMS_FAILING,
            "Failing event streams",
            "Share that ends with an error, of those that were not refused. Read the error lines of the backend.",
            narrowed(alerts.STREAMS_FAILING.value, _CHOSEN),
            _BACKEND,
        ),
        Panel(
            title="Time to first event",
            description="How long users see nothing. The dashboard of the service has the durations of requests.",
            queries=_quantiles(recorded.FIRST_BUCKETS, "service"),
            unit=Unit.SECONDS,
            alert=alerts.SLOW_FIRST_EVENT.name,
        ),
    ),
)
_MODELS = Row(
    "Models, tools, other agents",
    (
        Panel(
            title="Prompt and completion tokens",
            description="Tokens that models read and write. A jump without more streams is a loop.",
            queries=(Query(expr=_TOKENS, legend="{{direction}}", optional=True),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=12,
        ),
        Panel(
            title="Time of requests to models",
            description="Percentiles of the backend's requests.",
            queries=_quantiles(REQUEST_BUCKETS, "agent", optional=True),
            unit=Unit.SECONDS,
            width=12,
        ),
        Panel(
            title="Cost per run",
            description="USD per successful run, over an hour.",
            queries=(Query(expr=f"{COST_PER_RUN}{{{_CHOSEN}}}", legend=_BACKEND, optional=True),),
            unit=Unit.CURRENCY,
            width=12,
        ),
        alert_time_series(
            alerts.CREDENTIALS_FAILING,
            "Credentials not loaded",
            "Failed loads in 15 minutes. Check that the secret exists and may be read.",
            f"topk({MOST_LINES}, {recorded.NOT_LOADED}{{{_CHOSEN}}})",
            "{{tool}} of {{service}}",
            width=12,
        ),
        _table("Tools by call", "Calls in 30 minutes.", "tool", TOOL_CALLS, TOOL_ERRORS, TOOL_BUCKETS),
        _table(
            "Delegations by target",
            "Tasks sent to other agents, in 30 minutes.",
            "target",
            recorded.DELEGATIONS,
            recorded.DELEGATION_ERRORS,
            recorded.DELEGATION_BUCKETS,
        ),
    ),
)
_GATES = Row(
    "Guardrails, authentication, cache",
    (
        _rates(
            "Guardrail decisions",
            "Messages by decision. A jump of blocked ones is an attack, or a rule that is too strict.",
            recorded.GUARDRAILS,
            f"{BY_GUARDRAIL}, decision",
        ),
        _rates(
            "Authentications",
            "Logins by outcome. Many failures of one kind: an expired key, or an attack.",
            recorded.AUTHENTICATIONS,
            f"{SERVICE}, outcome",
        ),
        Panel(
            title="Open event streams",
            description="Each needs a file descriptor. They grow without end if closed ones are not noticed.",
            queries=(Query(expr=f"{recorded.OPEN}{{{_CHOSEN}}}", legend=_BACKEND),),
        ),
        _rates(
            "Cache lookups",
            "Lookups by result. Fewer hits make answers slower and more expensive.",
            recorded.LOOKUPS,
            f"{BY_CACHE}, result",
        ),
        Panel(
            title="Cache hits",
            description="Share of the lookups, now and a day before.",
            queries=tuple(
                Query(expr=f"topk({MOST_LINES}, {recorded.HITS}{{{_CHOSEN}}}{offset})", legend=f"{{{{cache}}}}{when}")
                for offset, when in (("", ""), (" offset 1d", " the day before"))
            ),
            unit=Unit.RATIO,
        ),
        Panel(
            title="Time of cache lookups",
            description="95th percentile. If it rises, check the cache's server and network.",
            queries=(Query(expr=f"topk({MOST_LINES}, {recorded.CACHE_P95}{{{_CHOSEN}}})", legend="{{cache}}"),),
            unit=Unit.SECONDS,
        ),
    ),
)
_BUDGETS = Row(
    "Who uses the tokens",
    (
        Panel(
            title="Token budgets",
            description="Used share of each budget, in 24 hours and 30 days. At 1 it is gone: find who uses most.",
            queries=(Query(of_alert=_CHOSEN, legend="{{dimension}} {{value}}, {{period}}"),),
            alert=alerts.NEAR_BUDGET.name,
            scale=Scale.OPEN,
        ),
        Panel(
            title="Tokens by tenant, team, user group",
            description="In the time range. Each token is in every dimension.",
            visualization=Visualization.TABLE,
            queries=(
                Query(
                    expr=f"topk(20, sum by (dimension, value) ({_USED} * $__range_s))",
                    legend="Tokens",
                ),
            ),
            columns=("dimension", "value"),
        ),
        Panel(
            title="Users with the most tokens",
            description="By log lines, in the time range.",
            visualization=Visualization.TABLE,
            queries=(
                Query(
                    expr=f"topk(10, sum by (user_id) (sum_over_time({_USERS} [$__range])))",
                    legend="Tokens",
                    datasource=LOKI,
                ),
            ),
            columns=("user_id",),
        ),
    ),
)
DASHBOARD = Dashboard(
    uid=INTERACTION,
    title="Interaction backend",
    description="Event streams of interaction backends, and what makes them fail, slow or expensive.",
    tags=("interaction_backend",),
    variables=(
        variable("cluster", recorded.STREAMS, "Cluster"),
        variable("namespace", f'{recorded.STREAMS}{{cluster=~"$cluster"}}', "Namespace"),
        variable("service", f'{recorded.STREAMS}{{cluster=~"$cluster", namespace=~"$namespace"}}', "Service"),
    ),
    related=(HOME, CONVERSATION, ONE_SERVICE, AGENTS_LLM, AGENTS_TOOLS, AGENTS_A2A, LOGS_AUDIT, ALERTS),
    annotations=(alerts_of("interaction_backend"), *changes('cluster=~"$cluster", namespace=~"$namespace"')),
    rows=(_STREAMS, _MODELS, _GATES, _BUDGETS),
)
