"""Saved LogQL queries on this stack's labels. See docs/logql.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.logs import lines


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    """A query, and a log line that it finds."""

    title: str
    """What the query finds, without a full stop."""
    expr: str
    line: str
    """A line that the query finds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Labels of that line, besides cluster, namespace and app."""


AGENTS = 'namespace="agents"'

SAVED = (
    SavedQuery(
        title="Errors of one app",
        expr=f'{{{AGENTS}, app="backend", level=~"error|fatal"}}',
        line='{"message": "card declined", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Errors per second, by app",
        expr=f'sum by (app) (rate({{{AGENTS}, level=~"error|fatal"}} [5m]))',
        line='{"message": "card declined again", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Requests that took longer than a second",
        expr=f'{{{AGENTS}}} |= `duration_ms` | json | __error__="" | duration_ms > 1000',
        line='{"message": "done", "path": "/ag-ui/events", "duration_ms": 2350}',
    ),
    SavedQuery(
        title="95th percentile of the duration in milliseconds, by path",
        expr=(
            f"quantile_over_time(0.95, {{{AGENTS}}} |= `duration_ms` | json"
            ' duration_ms="duration_ms", path="path" | __error__="" | unwrap duration_ms [5m]) by (path)'
        ),
        line='{"message": "done", "path": "/ag-ui/events", "duration_ms": 1250}',
    ),
    SavedQuery(
        title="Failed runs of agents",
        expr=f"{{{AGENTS}}} |= `execution failed`",
        line='{"message": "execution failed", "agent": "planner", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Failed runs of one component",
        expr=f'{{{AGENTS}, app="backend"}} |= `execution failed` | json | __error__="" | logger="agent_service"',
        line='{"logger": "agent_service", "message": "execution failed", "agent_id": "7", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Failed logins of the last hour, by app",
        expr=lines.counted(lines.REFUSED_LOGINS, "1h"),
        line='{"event_type": "AUTH_GATEWAY_VALIDATION", "status": "ERROR_TOKEN_EXPIRED", "user_id": "u-1"}',
    ),
    SavedQuery(
        title="Forbidden tool calls, by tool and user",
        expr=(
            f"sum by (tool_name, user_id) (count_over_time({lines.EVERYTHING} {lines.FORBIDDEN_TOOL_CALLS}"
            ' | json tool_name="tool_name", user_id="user_id" | __error__="" [1h]))'
        ),
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
        title="Lines of one conversation",
        expr=f'{{{AGENTS}}} |= `c-81` | json conversation_id="conversation_id" | __error__="" | conversation_id="c-81"',
        line='{"message": "answered", "conversation_id": "c-81", "input_tokens": 812, "output_tokens": 96}',
    ),
    SavedQuery(
        title="Users with the most tokens of a day",
        expr=(
            f"topk(10, sum by (user_id) (sum_over_time({{{AGENTS}}} |= `total_tokens`"
            ' | json user_id="user_id", total_tokens="total_tokens" | __error__="" | unwrap total_tokens [1d])))'
        ),
        line='{"message": "answered", "user_id": "u-7", "tenant": "acme", "total_tokens": 908}',
    ),
    SavedQuery(
        title="Guardrail violations",
        expr=f"{lines.EVERYTHING} {lines.GUARDRAIL_VIOLATIONS}",
        line='{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "user_id": "u-1"}',
    ),
    SavedQuery(
        title="Coordination between agents, one line each",
        expr=(
            f'{{{AGENTS}}} |= `coordination_event` | json | __error__=""'
            " | line_format `{{.timestamp}} {{.agent_type}} -> {{.coordination_event}}`"
        ),
        line='{"timestamp": "2026-01-01T00:00:00Z", "agent_type": "mca", "coordination_event": "handoff to npa"}',
    ),
    SavedQuery(
        title="Steps of agents that took longer than a second",
        expr=f'{{{AGENTS}}} |= `performance_metric` | json | __error__="" | performance_metric > 1000',
        line='{"agent_type": "npa", "performance_metric": 1840}',
    ),
    SavedQuery(
        title="Failed plans",
        expr=f'{{{AGENTS}}} |= `plan_generation` |= `failed` | json | __error__="" | agent_type=~"npa|wpa"',
        line='{"agent_type": "npa", "event": "plan_generation", "status": "failed"}',
    ),
    SavedQuery(
        title="Actions of users, one line each",
        expr=(
            f'{{{AGENTS}}} |= `user_action` | json | __error__="" | line_format `{{{{.user_id}}}} {{{{.user_action}}}}`'
        ),
        line='{"user_id": "u-1", "user_action": "exported a plan"}',
    ),
    SavedQuery(
        title="Errors of database connections",
        expr=f'{{{AGENTS}, level=~"error|fatal"}} |~ `(?i)database` |~ `(?i)connection`',
        line='{"message": "Database connection refused", "level": "error"}',
        labels={"level": "error"},
    ),
    SavedQuery(
        title="Warnings about memory",
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
        expr=f'{{{AGENTS}}} | trace_id="4bf92f3577b34da6a3ce929d0e0e4736"',
        line='{"message": "called the model"}',
    ),
    SavedQuery(
        title="Lines with a trace, one line each",
        expr=f'{{{AGENTS}}} | trace_id!="" | line_format `{{{{.app}}}} {{{{.trace_id}}}} {{{{__line__}}}}`',
        line='{"message": "called a tool"}',
    ),
    SavedQuery(
        title="Apps that write the most bytes",
        expr='topk(10, sum by (namespace, app) (bytes_over_time({namespace=~".+"} [1h])))',
        line="anything at all",
    ),
)


def document() -> str:
    """The text of docs/logql.md."""
    blocks = "\n".join(
        f"## {saved.title}\n\n```logql\n{saved.expr}\n```\n\nIt finds, for example:\n\n    {saved.line}\n"
        for saved in SAVED
    )
    return f"{_INTRODUCTION}\n{blocks}"


_INTRODUCTION = """\
# Saved LogQL queries

Paste these queries into Grafana's Explore. `make schema` generates this page from `rules/logs/saved.py`. The tests run
each query on a real Loki, where it must find its example.

- Streams have the labels `cluster`, `namespace`, `app`, `container`, `level`. Filter by them first, since everything
  after the braces reads lines. `tier`, `component` and similar are no labels here: use `namespace` and `app`.
- Use `level="error"` instead of `|= "ERROR"`. The log collector sets the label from any spelling of the level.
- `pod`, `node`, `logger`, `trace_id` and `span_id` are structured metadata. Filter by them without a parser:
  `| trace_id="..."`.
- `| json` makes labels of a JSON line's fields. A line that is not JSON gets the label `__error__`, which fails a
  metric query: filter by text before `| json`, and add `| __error__=""` after it.
- Regular expressions in backticks need no escapes.
"""
