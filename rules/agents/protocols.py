"""Rules on MCP, from its metrics, and on A2A, which has no metrics, from the metrics of its spans."""

from __future__ import annotations

from model.metrics import Unit
from model.rules import Alert, Recording, Severity
from rules.agents.alerts import SOON, WHILE, enough, enough_seen
from rules.agents.promql import failing, p95, short
from rules.agents.recordings import Read
from rules.agents.uids import AGENTS_A2A, AGENTS_TOOLS
from rules.histograms import with_label
from rules.rates import Scope
from rules.spans import SPAN_CALLS, SPAN_TIMES

MCP_BY = "cluster, environment, namespace, service, side, method, tool"
A2A_BY = "cluster, environment, service, side, method"
"""The task is not a label: every request would make new series."""

MCP = "mcp:operations:rate5m"
MCP_ERRORS = "mcp:operations:error_ratio30m"
MCP_BUCKETS = "mcp:operation_duration_seconds_bucket:rate5m"
MCP_P95 = "mcp:operation_duration_seconds:p95_30m"
A2A_GROUP = "a2a"
A2A = "a2a:requests:rate5m"
A2A_ERRORS = "a2a:requests:error_ratio30m"
A2A_BUCKETS = "a2a:request_duration_milliseconds_bucket:rate5m"
A2A_P95 = "a2a:request_duration_seconds:p95_30m"


def mcp_recordings(scope: Scope) -> tuple[Recording, ...]:
    def both(read: Read, by: str) -> str:
        """Client and server by the label ``side``: both count a call within the platform."""
        sides = (
            with_label(short(read(f"mcp_{side}_operation_duration_seconds"), by), "side", side)
            for side in ("client", "server")
        )
        return f"sum by ({by}) ({' or '.join(sides)})"

    return (
        Recording(name=MCP, expr=both(scope.count, f"{MCP_BY}, error_type")),
        Recording(name=MCP_ERRORS, expr=failing(MCP, MCP_BY), unit=Unit.RATIO),
        Recording(name=MCP_BUCKETS, expr=both(scope.buckets, f"{MCP_BY}, le")),
        Recording(name=MCP_P95, expr=p95(MCP_BUCKETS, MCP_BY), unit=Unit.SECONDS),
    )


def a2a_recordings() -> tuple[Recording, ...]:
    every = Scope()

    def both(read: Read, series: str, by: str) -> str:
        """Client and server, as above. Internal spans would count a request twice."""
        sides = (
            with_label(
                _short(read(series, 'a2a_method_name!=""', f'span_kind="SPAN_KIND_{side.upper()}"')), "side", side
            )
            for side in ("client", "server")
        )
        return f"sum by ({by}) ({' or '.join(sides)})"

    return (
        Recording(name=A2A, expr=both(every.rate, SPAN_CALLS, f"{A2A_BY}, error_type")),
        Recording(name=A2A_ERRORS, expr=failing(A2A, A2A_BY), unit=Unit.RATIO),
        Recording(name=A2A_BUCKETS, expr=both(every.buckets, SPAN_TIMES, f"{A2A_BY}, le")),
        Recording(name=A2A_P95, expr=f"({p95(A2A_BUCKETS, A2A_BY)}) / 1000", unit=Unit.SECONDS),
    )


def _short(vector: str) -> str:
    for label, shown, source, matched in (
        ("service", "$1", "service_name", "(.+)"),
        ("method", "$1", "a2a_method_name", "(.+)"),
        ("error_type", "error", "status_code", "STATUS_CODE_ERROR"),
    ):
        vector = f'label_replace({vector}, "{label}", "{shown}", "{source}", "{matched}")'
    return vector


_MCP_WHERE = "{{ $labels.method }} {{ $labels.tool }} ({{ $labels.side }} {{ $labels.service }})"
_A2A_WHERE = "{{ $labels.method }} ({{ $labels.side }} {{ $labels.service }})"

MCP_FAILING = Alert(
    name="McpOperationsFailing",
    value=MCP_ERRORS,
    # The same as for tools: most MCP operations are tool calls.
    above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.5},
    and_=enough(MCP, MCP_BY),
    unit=Unit.RATIO,
    for_=SOON,
    summary="MCP operations are failing.",
    description=f"{{{{ $value | humanizePercentage }}}} of the MCP operations {_MCP_WHERE} fail.",
    dashboard=AGENTS_TOOLS,
)
SLOW_MCP = Alert(
    name="SlowMcpOperations",
    value=MCP_P95,
    above={Severity.WARNING: 30},  # the same as for tools
    and_=enough_seen(MCP_BUCKETS, MCP_BY),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="MCP operations are slow.",
    description=f"One in twenty MCP operations {_MCP_WHERE} takes longer than {{{{ $value | humanizeDuration }}}}.",
    dashboard=AGENTS_TOOLS,
    runbook="McpOperationsFailing",
)
A2A_FAILING = Alert(
    name="A2aRequestsFailing",
    value=A2A_ERRORS,
    # The same as for runs: each request is a run of another agent.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.2},
    and_=enough(A2A, A2A_BY),
    unit=Unit.RATIO,
    for_=SOON,
    summary="Requests between agents are failing.",
    description=f"{{{{ $value | humanizePercentage }}}} of the A2A requests {_A2A_WHERE} fail.",
    dashboard=AGENTS_A2A,
)
# A stream lasts as long as its task, and a subscription longer. Neither is slow.
_LASTING = f'{A2A_P95}{{method!~"(?i).*(stream|subscribe).*"}}'
SLOW_A2A = Alert(
    name="SlowA2aRequests",
    value=_LASTING,
    above={Severity.WARNING: 60},  # the same as for runs
    and_=enough_seen(A2A_BUCKETS, A2A_BY),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="Requests between agents are slow.",
    description=f"One in twenty A2A requests {_A2A_WHERE} takes longer than {{{{ $value | humanizeDuration }}}}.",
    dashboard=AGENTS_A2A,
    runbook="A2aRequestsFailing",
)
