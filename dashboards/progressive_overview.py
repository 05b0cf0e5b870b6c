"""Progressive: whether the core and the agents answer, how fast, and what people get from them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from dashboards.annotations import alerts_of, changes
from dashboards.model import (
    Dashboard,
    Panel,
    Query,
    Row,
    Scale,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
from dashboards.saved import for_chosen
from model.datasources import LOKI
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert, Recording
from model.uids import ALERTS, HOME
from rules.logs.saved import SAVED
from rules.platforms import SERVICE
from rules.progressive import alerts
from rules.progressive.selectors import agent, core, p95
from rules.progressive.uids import PROGRESSIVE

_CHOSEN = 'cluster=~"$cluster", environment=~"$environment", namespace=~"$namespace"'
_TYPES = f'{_CHOSEN}, agent_type=~"$agent_type"'
_CORE_TIMES, _QUERIES = (core(f"progressive_{of}_duration_seconds_bucket") for of in ("http_request", "database_query"))
_REQUESTS, _RUNS = core("progressive_http_requests_total"), agent("progressive_agent_requests_total")
_CONNECTIONS = core("progressive_database_connections_active")
_AGENT = "{{namespace}} {{agent_type}}"


def _rate(counter: str, by: str) -> str:
    return f"sum by (environment, namespace, {by}) (rate({counter}[5m]))"


def _lines(title: str, description: str, unit: Unit, *queries: tuple[str, str], chosen: str = _CHOSEN) -> Panel:
    """Each of ``queries`` is PromQL and its legend."""
    made = tuple(Query(expr=narrowed(expr, chosen), legend=legend) for expr, legend in queries)
    return Panel(title=title, description=description, queries=made, unit=unit)


def _of(alert: Alert, title: str, description: str, legend: str = _AGENT, chosen: str = _TYPES) -> Panel:
    return alert_time_series(alert, title, description, narrowed(alert.value, chosen), legend)


def _percentiles(buckets: str, by: str, legend: str) -> Iterator[tuple[str, str]]:
    for number, name in (("0.5", "p50"), ("0.95", "p95"), ("0.99", "p99")):
        yield p95(buckets, by, number), f"{legend} {name}"


def _demand(title: str, description: str, recording: Recording, *more: tuple[str, str]) -> Panel:
    """What there is, and the least of the same hour a week ago."""
    usual = (alerts.last_week(recording), "{{namespace}}, a week ago")
    return _lines(title, description, Unit.NONE, (recording.name, "{{namespace}}"), usual, *more)


def _failed_plans(of: str) -> tuple[str, str]:
    counter = agent(f"progressive_{of}_plans_generated_total", 'success="false"')
    return f"sum by (environment, namespace) (increase({counter}[1h]))", "{{namespace}}, failed"


def _answering(job_up: str, by: str, title: str, description: str, width: int = 8) -> Panel:
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.TABLE,
        queries=(Query(expr=narrowed(f"max by ({by}) ({job_up})", _CHOSEN), legend="Up"),),
        columns=tuple(by.split(", ")),
        ascending=True,
        width=width,
    )


_LINES = 'cluster=~"$cluster", namespace=~"$namespace", app=~".+"'


def _logged(title: str, description: str, saved: str) -> Panel:
    """The lines that a saved query finds, in the chosen namespaces."""
    (query,) = (each for each in SAVED if each.title == saved)
    return Panel(
        title=title,
        description=description,
        visualization=Visualization.LOGS,
        queries=(Query(expr=for_chosen(query, _LINES), datasource=LOKI),),
        width=12,
    )


DASHBOARD = Dashboard(
    uid=PROGRESSIVE,
    title="Progressive",
    description="Whether the core and the context agents answer, how fast, and what people get from them.",
    tags=("progressive",),
    variables=(
        variable("cluster", core("up"), "Cluster"),
        variable("environment", narrowed(core("up"), 'cluster=~"$cluster"'), "Environment"),
        variable("namespace", narrowed(core("up"), 'cluster=~"$cluster", environment=~"$environment"'), "Namespace"),
        variable("agent_type", narrowed(agent("up"), _CHOSEN), "Agent type"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("progressive"), *changes('cluster=~"$cluster", namespace=~"$namespace"')),
    rows=(
        Row(
            "What is wrong?",
            tuple(
                alert_stat(alert, title, description, found(alert, chosen))
                for alert, title, description, chosen in (
                    (
                        alerts.DOWN,
                        "Core down",
                        "Namespaces whose core does not answer: read its pods' last lines.",
                        _CHOSEN,
                    ),
                    (
                        alerts.UNRESPONSIVE,
                        "Agents down",
                        "Types of agents that do not answer: read their pods' last lines.",
                        _TYPES,
                    ),
                    (
                        alerts.DATABASE,
                        "Databases lost",
                        "Databases to which no connection is open. Check the database, then its password.",
                        _CHOSEN,
                    ),
                )
            ),
        ),
        Row(
            "Core",
            (
                _answering(
                    core("up"),
                    "namespace, pod",
                    "System health",
                    "1 if the pod answers. Pods that do not are first: read their last log lines.",
                ),
                _lines(
                    "Request rate",
                    "The ten busiest routes. If all fall at once, look at what is in front of the core.",
                    Unit.PER_SECOND,
                    (f"topk(10, {_rate(_REQUESTS, 'method, route')})", "{{namespace}} {{method}} {{route}}"),
                ),
                replace(
                    _lines(
                        "Error rate",
                        "Share of requests with an answer 5xx or 4xx.",
                        Unit.RATIO,
                        (alerts.ERRORS.value, "{{namespace}} 5xx"),
                        (alerts.CLIENT_ERRORS, "{{namespace}} 4xx"),
                    ),
                    scale=Scale.SMALL,
                ),
                _lines(
                    "Response times",
                    "50th, 95th and 99th percentile. If only p99 rises, look for one slow route or query.",
                    Unit.SECONDS,
                    *_percentiles(_CORE_TIMES, SERVICE, "{{namespace}}"),
                ),
                _of(
                    alerts.EVENT_LOOP,
                    "Event loop lag",
                    "p99 of each pod. Above the line, code that blocks delays all requests of the pod.",
                    "{{namespace}} {{pod}}",
                    _CHOSEN,
                ),
                _lines(
                    "Heap",
                    "Heap of Node in each pod. A rise that no garbage collection ends is a leak.",
                    Unit.BYTES,
                    (f"max by ({SERVICE}, pod) ({core('nodejs_heap_size_used_bytes')})", "{{namespace}} {{pod}}"),
                ),
                _lines(
                    "Database connections",
                    "Open connections of the pools. At a pool's limit, requests wait.",
                    Unit.NONE,
                    (
                        f"sum by ({SERVICE}, database_type, database_name) ({_CONNECTIONS})",
                        "{{namespace}} {{database_type}} {{database_name}}",
                    ),
                ),
                _lines(
                    "Query time",
                    "p50, p95 and p99, as the core waits. If they rise, check the database for locks.",
                    Unit.SECONDS,
                    *_percentiles(_QUERIES, f"{SERVICE}, database_type", "{{namespace}} {{database_type}}"),
                ),
                _lines(
                    "Queries per second",
                    "Queries by kind of database. More of them at equal requests: a cache is lost.",
                    Unit.PER_SECOND,
                    (
                        _rate(core("progressive_database_query_duration_seconds_count"), "database_type"),
                        "{{namespace}} {{database_type}}",
                    ),
                ),
            ),
        ),
        Row(
            "Context agents",
            (
                _answering(
                    agent("up"),
                    "namespace, agent_tier, agent_type, pod",
                    "Agent health status",
                    "1 if the pod answers. Pods that do not are first: read their last log lines.",
                    width=16,
                ),
                _of(
                    alerts.AGENT_SLOW,
                    "Agent response times",
                    "95th percentile. If all types are slow, check the model's provider.",
                ),
                _of(
                    alerts.AGENT_FAILS,
                    "Agent failure rate",
                    "Share of requests, in ten minutes. If all types fail, check the model's provider.",
                ),
                _lines(
                    "Agent request volume",
                    "Requests to agents by type and method. At 0 with users, the core reaches no agents.",
                    Unit.PER_SECOND,
                    (_rate(_RUNS, "agent_type, method"), f"{_AGENT} {{{{method}}}}"),
                    chosen=_TYPES,
                ),
                _lines(
                    "Agent errors",
                    "Errors of agents by type. The first type to rise is often the cause.",
                    Unit.PER_SECOND,
                    (
                        _rate(agent("progressive_agent_errors_total"), "agent_type, error_type"),
                        f"{_AGENT} {{{{error_type}}}}",
                    ),
                    chosen=_TYPES,
                ),
                _of(
                    alerts.AGENT_MEMORY,
                    "Agent memory usage",
                    "The largest agent in each pod. Above the line, it is killed next.",
                    "{{pod}}",
                ),
                _lines(
                    "Agent coordination events",
                    "Synchronisations between agents.",
                    Unit.PER_SECOND,
                    (
                        _rate(agent("progressive_agent_sync_events_total"), "event_type, agents_involved"),
                        "{{namespace}} {{event_type}} {{agents_involved}}",
                    ),
                ),
                _lines(
                    "Agent coordination time",
                    "p50, p95 and p99, by who hands over to whom. A slow pair shows the agent that others wait for.",
                    Unit.SECONDS,
                    *_percentiles(
                        agent("progressive_agent_coordination_time_seconds_bucket"),
                        "environment, namespace, source_agent, target_agent",
                        "{{namespace}} {{source_agent}} to {{target_agent}}",
                    ),
                ),
            ),
        ),
        Row(
            "What do people get?",
            (
                _demand(
                    "Active users",
                    "Users with an active session. Far below last week: look at logins and errors.",
                    alerts.USERS,
                ),
                _demand(
                    "Requests per hour",
                    "Requests to the core. Far below last week without errors: requests do not arrive.",
                    alerts.REQUESTS,
                ),
                _demand(
                    "Nutrition plans per hour",
                    "Plans that were made, and attempts that failed.",
                    alerts.NUTRITION,
                    _failed_plans("nutrition"),
                ),
                _demand(
                    "Workout plans per hour",
                    "Plans that were made, and attempts that failed.",
                    alerts.WORKOUTS,
                    _failed_plans("workout"),
                ),
            ),
        ),
        Row(
            "What do the log lines say?",
            (
                _logged("Coordination", "Events of coordination.", "Coordination between agents, one line each"),
                _logged("Slow steps", "Longer than a second.", "Steps of agents that took longer than a second"),
                _logged("Failed plans", "Of npa and wpa.", "Failed plans"),
                _logged("User actions", "One line each.", "Actions of users, one line each"),
                _logged("Database errors", "Errors of connections.", "Errors of database connections"),
                _logged("Memory warnings", "Warnings about memory.", "Warnings about memory"),
            ),
            collapsed=True,
        ),
    ),
)
