"""Saved LogQL queries on this stack's labels. See docs/logql.md."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rules.logs import lines


@dataclass(frozen=True, kw_only=True)
class SavedQuery:
    """A question, and a line that answers it."""

    title: str
    """As a sentence without its full stop."""
    expr: str
    line: str
    """One that it finds."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Of that line, besides its cluster, namespace and app."""


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
        title="The slowest paths: 95 % of their requests are faster than this many milliseconds",
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
        title="Guardrail violations",
        expr=f"{lines.EVERYTHING} {lines.GUARDRAIL_VIOLATIONS}",
        line='{"event_type": "GUARDRAIL_VIOLATION_DETECTED", "status": "BLOCKED", "user_id": "u-1"}',
    ),
    SavedQuery(
        title="How agents coordinate, one line each",
        expr=(
            f'{{{AGENTS}}} |= `coordination_event` | json | __error__=""'
            " | line_format `{{.timestamp}} {{.agent_type}} -> {{.coordination_event}}`"
        ),
        line='{"timestamp": "2026-01-01T00:00:00Z", "agent_type": "mca", "coordination_event": "handoff to npa"}',
    ),
    SavedQuery(
        title="Agents whose step took longer than a second",
        expr=f'{{{AGENTS}}} |= `performance_metric` | json | __error__="" | performance_metric > 1000',
        line='{"agent_type": "npa", "performance_metric": 1840}',
    ),
    SavedQuery(
        title="Plans that could not be made",
        expr=f'{{{AGENTS}}} |= `plan_generation` |= `failed` | json | __error__="" | agent_type=~"npa|wpa"',
        line='{"agent_type": "npa", "event": "plan_generation", "status": "failed"}',
    ),
    SavedQuery(
        title="What a user did, one line each",
        expr=(
            f'{{{AGENTS}}} |= `user_action` | json | __error__="" | line_format `{{{{.user_id}}}} {{{{.user_action}}}}`'
        ),
        line='{"user_id": "u-1", "user_action": "exported a plan"}',
    ),
    SavedQuery(
        title="Trouble with connections to a database",
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
        title="What Kubernetes forbids an app",
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
        title="Who writes most bytes",
        expr='topk(10, sum by (namespace, app) (bytes_over_time({namespace=~".+"} [1h])))',
        line="anything at all",
    ),
)


def document() -> str:
    """docs/logql.md."""
    blocks = "\n".join(
        f"## {saved.title}\n\n```logql\n{saved.expr}\n```\n\nIt finds, for example:\n\n    {saved.line}\n"
        for saved in SAVED
    )
    return f"{_INTRODUCTION}\n{blocks}"


_INTRODUCTION = """\
# Saved LogQL queries

To be pasted into Grafana's Explore. Generated by `make schema` from `rules/logs/saved.py`; the tests ask each of a real
Loki, and it finds its example.

- Streams have the labels `cluster`, `namespace`, `app`, `container`, `level`; choose by them first, since everything
  after the braces reads lines. `tier`, `component` and the like are no labels: that is `namespace` and `app` here.
- `level="error"` instead of `|= "ERROR"`: it was read from the line when that was collected, however it is spelled.
- `pod`, `node`, `logger`, `trace_id` and `span_id` are structured metadata: `| trace_id="..."`, without a parser.
- `| json` makes labels of a JSON line's fields. A line that is none gets `__error__`, which fails a metric query:
  filter by text before, and say `| __error__=""` after.
- Expressions in backticks need no escapes.
"""
