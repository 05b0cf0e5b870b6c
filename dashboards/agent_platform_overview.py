"""The agent platform: whether executions succeed and how long they take, tokens, connections and use."""

from __future__ import annotations

from functools import partial

from dashboards.annotations import alerts_of, changes
from dashboards.model import MOST_LINES, Dashboard, Panel, Query, Row, Visualization, variable
from dashboards.stores import lines, of_alert
from model.metrics import Unit
from model.promql import narrowed
from model.slo_alerts import LEFT
from model.uids import ALERTS, HOME, SLO, SLOS
from rules.agent_platform import alerts, contract
from rules.agent_platform.alerts import OF, quantile, rate
from rules.agent_platform.uids import AGENT_PLATFORM
from rules.platforms import SERVICE
from rules.services.uids import ONE_SERVICE

_IN = 'cluster=~"$cluster", namespace=~"$namespace"'
_OBJECTIVES = 'cluster=~"$cluster", slo=~"agent-platform-.+", value=~"$namespace, .+"'
_lines = partial(lines, chosen=_IN)
_of_alert = partial(of_alert, chosen=_IN)
_SUCCEEDED = f'{{{OF}, status="{contract.SUCCESS}"}}'
_TYPE, _SERVICE = "{{agent_type}}", "{{service}}"


def _gauge(metric: str, by: str = SERVICE) -> str:
    """PromQL: the sum over pods."""
    return f"sum by ({by}) ({metric}{{{OF}}})"


def _succeeded(by: str) -> str:
    every = rate(contract.EXECUTIONS.name, by)
    return f"(sum by ({by}) (rate({contract.EXECUTIONS.name}{_SUCCEEDED}[5m])) or 0 * {every}) / ({every} > 0)"


def _of_each(title: str, description: str, queries: tuple[tuple[str, str], ...], unit: Unit = Unit.NONE) -> Panel:
    """A line for each query, over all services."""
    each = tuple(Query(expr=narrowed(expr, _IN), legend=legend) for expr, legend in queries)
    return Panel(title=title, description=description, queries=each, unit=unit)


DASHBOARD = Dashboard(
    uid=AGENT_PLATFORM,
    title="Agent platform",
    description="Whether agents' executions succeed, how long they take, and what they use. Requests have a dashboard"
    " for each service.",
    tags=("agent_platform",),
    variables=(
        variable("cluster", f"{contract.DATABASE.name}{{{OF}}}", "Cluster"),
        variable("namespace", f'{contract.DATABASE.name}{{{OF}, cluster=~"$cluster"}}', "Namespace"),
    ),
    related=(HOME, ALERTS, ONE_SERVICE, SLOS),
    annotations=(alerts_of("agent_platform"), *changes('cluster=~"$cluster", namespace=~"$namespace"')),
    rows=(
        Row(
            "Objectives",
            (
                Panel(
                    title="Reached in 30 days",
                    description="Good events of each objective, and what is left of its error budget.",
                    visualization=Visualization.TABLE,
                    queries=tuple(
                        Query(
                            expr=f"max by (cluster, slo, value) ({series}{{{_OBJECTIVES}}})",
                            legend=column,
                            optional=True,  # all of them may be off
                            below=LEFT if column == "Budget left" else (),
                        )
                        for column, series in (
                            ("Reached", "slo:sli:ratio_window"),
                            ("Objective", "slo:objective:ratio"),
                            ("Budget left", "slo:error_budget_remaining:ratio"),
                        )
                    ),
                    unit=Unit.RATIO,
                    columns=("value", "slo"),
                    ascending=True,
                    data_link=SLO,
                    width=24,
                    height=7,
                ),
            ),
        ),
        Row(
            "Executions",
            (
                Panel(
                    title="Success rate",
                    description="Share of the executions in the last five minutes that succeeded.",
                    visualization=Visualization.STAT,
                    queries=(Query(expr=narrowed(_succeeded(SERVICE), _IN), legend=_SERVICE),),
                    unit=Unit.RATIO,
                ),
                _lines(
                    "Success rate by type",
                    "Share of the executions of each type of agent.",
                    _succeeded(alerts.TYPE),
                    legend=_TYPE,
                    unit=Unit.RATIO,
                ),
                _lines(
                    "Executions per minute",
                    "Ended executions by type and result. At 0 with users, nothing is executed.",
                    f"{rate(contract.EXECUTIONS.name, f'{alerts.TYPE}, status')} * 60",
                    legend=f"{_TYPE}, {{{{status}}}}",
                ),
                _of_each(
                    "Duration",
                    "Percentiles of the time of all executions.",
                    tuple((quantile(share, SERVICE), f"p{share * 100:g}") for share in (0.5, 0.95, 0.99)),
                    unit=Unit.SECONDS,
                ),
                _of_alert(
                    alerts.SLOW_EXECUTIONS,
                    "Duration by type",
                    "One execution in twenty takes longer. If all types are slow, check the model's provider.",
                    legend=_TYPE,
                ),
            ),
        ),
        Row(
            "Tokens",
            (
                _lines(
                    "Tokens per minute",
                    "Tokens by model. A jump without more executions is a loop or a larger prompt.",
                    f"{rate(contract.TOKENS.name, f'{SERVICE}, model')} * 60",
                    legend="{{model}}",
                ),
                _lines(
                    "Tokens of an execution",
                    "Mean by type of agent. If it grows, look for a history that is never cut.",
                    f"{rate(contract.TOKENS.name, alerts.TYPE)} / ({rate(contract.EXECUTIONS.name, alerts.TYPE)} > 0)",
                    legend=_TYPE,
                ),
                _of_alert(
                    alerts.HIGH_TOKENS,
                    "Tokens of an hour",
                    "All models together. Above the line, the month's budget is at risk.",
                    legend=_SERVICE,
                ),
            ),
        ),
        Row(
            "Connections and use",
            (
                _of_alert(
                    alerts.POOL_LOW,
                    "Database pool",
                    "Use of the fullest process's pool. At 1 requests wait: find what holds connections.",
                    legend=_SERVICE,
                ),
                _of_each(
                    "Active connections",
                    "Connections of all pods. At the pool's limit, executions wait.",
                    (
                        (_gauge(contract.DATABASE.name), "database, {{service}}"),
                        (_gauge(contract.REDIS.name), "Redis, {{service}}"),
                    ),
                ),
                _lines(
                    "Active users",
                    "Users of all pods. Far below the usual number, look at logins.",
                    _gauge(contract.USERS.name),
                    legend=_SERVICE,
                ),
                _lines(
                    "Active agents",
                    "Agents by organisation, the largest. A jump is one organisation's load.",
                    # Every pod reads the same number from the database.
                    f"topk({MOST_LINES}, max by ({SERVICE}, organization_id) ({contract.AGENTS.name}{{{OF}}}))",
                    legend="{{organization_id}}",
                ),
                Panel(
                    title="Versions",
                    description="Pods of each version. Two are usual during a rollout only.",
                    visualization=Visualization.TABLE,
                    queries=(
                        Query(
                            expr=narrowed(
                                f"count by ({SERVICE}, version, exported_environment) ({contract.INFO.name}{{{OF}}})",
                                _IN,
                            ),
                            legend="Pods",
                        ),
                    ),
                    columns=("exported_environment", "service", "version"),
                ),
            ),
        ),
    ),
)
