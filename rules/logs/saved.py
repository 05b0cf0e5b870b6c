"""Saved queries on this stack's labels and metadata. See docs/logql.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from model.logs import EVENTS_APP
from rules.logs import lines


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    """A query, and a log line that it finds."""

    title: str
    """What the query finds, without a full stop."""
    expr: str
    line: str = ""
    """A line that the query finds; empty for PromQL."""
    system: str = "logs"
    """Key of the system whose lines it finds. Its log fields are metadata where the system is on."""
    language: Literal["logql", "promql"] = "logql"
    panel: str = ""
    """``Dashboard / Panel`` that shows the same, so that the dashboard of saved queries leaves it out."""
    searched: str = ""
    """The id that it searches for. On the dashboard it is what stands in the box."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of that line, besides cluster, namespace and app."""


AGENTS = 'namespace="agents"'
_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

SAVED = (
    # --- logs ---
    SavedQuery(
        title="Errors of one app",
        panel="Logs: errors / Errors",
        expr=f'{{{AGENTS}, app="backend", level=~"error|fatal"}}',
        line='{"message": "card declined", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Errors per second, by app",
        panel="Logs: errors / Errors by app",
        expr=f'sum by (app) (rate({{{AGENTS}, level=~"error|fatal"}} [5m]))',
        line='{"message": "card declined again", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Failed runs of agents",
        expr=f"{{{AGENTS}}} |= `execution failed`",
        line='{"message": "execution failed", "agent": "planner", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Failed logins of the last hour, by app",
        panel="Logs: audit and security / Failed logins",
        expr=lines.counted(lines.REFUSED_LOGINS, "1h"),
        line='{"event_type": "AUTH_GATEWAY_VALIDATION", "status": "ERROR_TOKEN_EXPIRED", "user_id": "u-1"}',
    ),
    SavedQuery(
        title="Forbidden tool calls, by tool and user",
        panel="Logs: audit and security / Forbidden tools",
        expr=f"sum by (tool_name, user_id) (count_over_time({lines.EVERYTHING} {lines.FORBIDDEN_TOOL_CALLS} [1h]))",
        line=(
            '{"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "tool_name": "admin.delete_user", "user_id": "u-1",'
            ' "status": "ERROR_FORBIDDEN"}'
        ),
    ),
    SavedQuery(
        title="Tools that found no credentials",
        expr=f"{{{AGENTS}}} |= `MCP_TOOL_INVOKE_ATTEMPT` |~ `(?i)credential`",
        line=(
            '{"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "tool_name": "search", "user_id": "u-2",'
            ' "status": "ERROR_EXECUTION", "detail": "Credentials not found"}'
        ),
    ),
    SavedQuery(
        title="Guardrail violations",
        panel="Logs: audit and security / Guardrail violations",
        expr=f"{lines.EVERYTHING} {lines.GUARDRAIL_VIOLATIONS}",
        line='{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "user_id": "u-1"}',
    ),
    SavedQuery(
        title="Errors of database connections",
        system="progressive",
        panel="Progressive / Database errors",
        expr=f'{{{AGENTS}, level=~"error|fatal"}} |~ `(?i)database` |~ `(?i)connection`',
        line='{"message": "Database connection refused", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Warnings about memory",
        system="progressive",
        panel="Progressive / Memory warnings",
        expr=f'{{{AGENTS}, level="warn"}} |~ `(?i)memory`',
        line='{"message": "memory at 92 %", "level": "warning"}',
        labels={"level": "warn"},
    ),
    SavedQuery(
        title="Requests that Kubernetes forbids",
        expr=f"{lines.EVERYTHING} |~ `is forbidden: User .* cannot `",
        line='pods is forbidden: User "system:serviceaccount:agents:runner" cannot list resource "pods"',
    ),
    SavedQuery(
        title="All lines of one trace, in order",
        expr=f'{{{AGENTS}}} | trace_id="{_TRACE}" | trace_id!=""',
        line='{"message": "called the model"}',
        searched=_TRACE,
    ),
    SavedQuery(
        title="Lines with a trace, one line each",
        expr=f'{{{AGENTS}}} | trace_id!="" | line_format `{{{{.app}}}} {{{{.trace_id}}}} {{{{__line__}}}}`',
        line='{"message": "called a tool"}',
    ),
    SavedQuery(
        title="Apps that write the most bytes",
        panel="Logs: explorer / Bytes per second by namespace",
        expr='topk(10, sum by (namespace, app) (bytes_over_time({namespace=~".+"} [1h])))',
        line="anything at all",
    ),
    SavedQuery(
        title="Kubernetes events of a namespace",
        panel="Kubernetes: namespace / Kubernetes events",
        expr=f'{{{AGENTS}, app="{EVENTS_APP}"}}',
        line="BackOff: Pod planner-1: Back-off restarting failed container main",
        labels={"app": EVENTS_APP, "level": "warn"},
    ),
    SavedQuery(
        title="Most frequent warning events, by reason and object",
        expr=(
            f'topk(10, sum by (reason, object) (count_over_time({{{AGENTS}, app="{EVENTS_APP}", level="warn"}} [1h])))'
        ),
        line="FailedMount: Pod planner-1: no such volume",
        labels={"app": EVENTS_APP, "level": "warn"},
    ),
    # --- agent_hive ---
    SavedQuery(
        title="Failed tasks of the last hour, by type of agent",
        system="agent_hive",
        expr=f'sum by (agent_type) (count_over_time({{{AGENTS}}} | event="task" | status="error" [1h]))',
        line='{"level": "info", "event": "task", "agent_type": "backend", "status": "error"}',
    ),
    # --- progressive ---
    SavedQuery(
        title="Coordination between agents, one line each",
        panel="Progressive / Coordination",
        system="progressive",
        expr=(
            f'{{{AGENTS}}} | coordination_event!=""'
            " | line_format `{{__timestamp__}} {{.agent_type}} -> {{.coordination_event}}`"
        ),
        line='{"timestamp": "2026-01-01T00:00:00Z", "agent_type": "mca", "coordination_event": "handoff to npa"}',
    ),
    SavedQuery(
        title="Steps of agents that took longer than a second",
        panel="Progressive / Slow steps",
        system="progressive",
        expr=f"{{{AGENTS}}} | performance_metric > 1000",
        line='{"agent_type": "npa", "performance_metric": 1840}',
    ),
    SavedQuery(
        title="Failed plans",
        panel="Progressive / Failed plans",
        system="progressive",
        expr=f'{{{AGENTS}}} | event="plan_generation" | status="failed" | agent_type=~"npa|wpa"',
        line='{"agent_type": "npa", "event": "plan_generation", "status": "failed"}',
    ),
    SavedQuery(
        title="Actions of users, one line each",
        panel="Progressive / User actions",
        system="progressive",
        expr=(
            f'{{{AGENTS}}} | user_action!=""'
            " | line_format `{{__timestamp__}} {{.user_id}} {{.user_action}}`"
        ),
        line='{"user_id": "u-1", "user_action": "exported a plan"}',
    ),
    # --- eliza ---
    SavedQuery(
        title="Agents that failed or are unhealthy",
        system="eliza",
        expr=f'{{{AGENTS}}} | event=~"agent_(failed|unhealthy)"',
        line='{"level": "error", "event": "agent_failed", "agent_id": "a-7", "agent_name": "scout"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Lines of one agent",
        system="eliza",
        expr=f'{{{AGENTS}}} | agent_id="a-7" | agent_id!=""',
        line='{"level": "info", "event": "agent_deployed", "agent_id": "a-7", "agent_name": "scout"}',
        searched="a-7",
    ),
    # --- agent_platform ---
    SavedQuery(
        title="Requests that took longer than a second",
        system="agent_platform",
        expr=f"{{{AGENTS}}} | duration_ms > 1000",
        line='{"message": "done", "path": "/ag-ui/events", "duration_ms": 2350}',
    ),
    SavedQuery(
        title="95th percentile of the duration in milliseconds, by path",
        system="agent_platform",
        expr=(
            f"topk(10, quantile_over_time(0.95, {{{AGENTS}}} | duration_ms > 0 | unwrap duration_ms"
            ' | __error__="" [5m]) by (path))'
        ),
        line='{"message": "done", "path": "/ag-ui/events", "duration_ms": 1250}',
    ),
    SavedQuery(
        title="Failed runs of one component",
        system="agent_platform",
        expr=f'{{{AGENTS}, app="backend"}} |= `execution failed` | logger="agent_service"',
        line='{"logger": "agent_service", "message": "execution failed", "agent_id": "7", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Executions of one agent in the last hour, by result",
        system="agent_platform",
        expr=f'sum by (status) (count_over_time({{{AGENTS}}} | event="execution" | agent_id="7" [1h]))',
        line='{"event": "execution", "agent_id": "7", "agent_type": "support", "status": "success"}',
        searched="7",
    ),
    SavedQuery(
        title="Organisations with the most agents",
        system="agent_platform",
        expr='topk(10, max by (organization_id) (active_agents_total{job="agent-platform", namespace="agents"}))',
        language="promql",
    ),
    # --- interaction_backend ---
    SavedQuery(
        title="Lines of one conversation",
        panel="Interaction backend: one conversation / Lines of the conversation",
        system="interaction_backend",
        expr=f'{{{AGENTS}}} | conversation_id="c-81" | conversation_id!=""',
        line='{"message": "answered", "conversation_id": "c-81", "input_tokens": 812, "output_tokens": 96}',
        searched="c-81",
    ),
    SavedQuery(
        title="Users with the most tokens of a day",
        panel="Interaction backend / Users with the most tokens",
        system="interaction_backend",
        expr=(
            f"topk(10, sum by (user_id) (sum_over_time({{{AGENTS}}} | total_tokens > 0 | unwrap total_tokens"
            ' | __error__="" [1d])))'
        ),
        line='{"message": "answered", "user_id": "u-7", "tenant": "acme", "total_tokens": 908}',
    ),
    SavedQuery(
        title="Guardrail violations of the last hour, by guardrail",
        system="interaction_backend",
        expr=(f'sum by (guardrail) (count_over_time({{{AGENTS}}} | event_type="GUARDRAIL_VIOLATION_DETECTED" [1h]))'),
        line='{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "guardrail": "pii"}',
    ),
)


def document() -> str:
    """The text of docs/logql.md."""
    return "\n".join((_INTRODUCTION, *map(_section, SAVED)))


def _section(saved: SavedQuery) -> str:
    needs = "" if saved.system == "logs" else f"Needs the system `{saved.system}`.\n\n"
    found = f"\nIt finds, for example:\n\n    {saved.line}\n" if saved.line else ""
    shown = f"It is the panel *{saved.panel}*.\n\n" if saved.panel else ""
    return f"## {saved.title}\n\n{needs}{shown}```{saved.language}\n{saved.expr}\n```\n{found}"


_INTRODUCTION = """\
# Saved queries

The dashboard *Saved queries* shows the queries of the systems that are on, for the chosen namespace and app; its box
takes an id. Those that another dashboard shows name its panel here. To change a query, open its panel in Grafana's
Explore, or paste it from here. `make schema` generates this page from `rules/logs/saved.py`. The tests run each LogQL
query on a real Loki, where it must find its example.

- Streams have the labels `cluster`, `namespace`, `app`, `container`, `level`. Filter by them first, since everything
  after the braces reads lines. `tier`, `component` and similar are no labels here: use `namespace` and `app`.
- Use `level="error"` instead of `|= "ERROR"`. The log collector sets the label from any spelling of the level.
- `pod`, `node`, `logger`, `trace_id` and `span_id` are structured metadata, and so are the log fields of the systems
  that are on and of `logs.fields` ([logs.md](logs.md#fields-of-json-lines)). Filter by them without a parser:
  `| trace_id="..."`.
- `| json` makes labels of a JSON line's other fields. A line that is not JSON gets the label `__error__`, which fails a
  metric query: filter by text before `| json`, and add `| __error__=""` after it. It gives a field that is metadata the
  name `..._extracted`.
- Regular expressions in backticks need no escapes.
"""
