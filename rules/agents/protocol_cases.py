"""MCP and A2A, tried."""

from __future__ import annotations

from collections.abc import Mapping

from rules.agents import protocols
from rules.agents.examples import (
    LONG,
    OF_SERVICE,
    PROCESS,
    Series,
    below,
    growing,
    histogram,
    on_latencies,
    on_ratios,
    outcomes,
)
from rules.cases import Value

CALLS_TOOL = f'{PROCESS}, mcp_method_name="tools/call", gen_ai_tool_name="search"'
OF_CALL = OF_SERVICE | {"side": "client", "method": "tools/call", "tool": "search"}
CLIENT, SERVER = "mcp_client_operation_duration_seconds", "mcp_server_operation_duration_seconds"
SPANS, TIMES = "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds"
OF_SEND = {"service": "planner", "side": "server", "method": "message/send"}


def spans(method: str = "message/send", side: str = "SERVER", replica: str = "jaeger-0") -> str:
    return (
        f'job="jaeger-span-metrics", instance="{replica}", service_name="planner", span_name="{method}",'
        f' span_kind="SPAN_KIND_{side}", a2a_method_name="{method}"'
    )


def _requests(events: float, bad: float) -> Series:
    ends = {"STATUS_CODE_UNSET": events - bad, "STATUS_CODE_ERROR": bad}
    return {f'{SPANS}{{{spans()}, status_code="{end}"}}': growing(count) for end, count in ends.items()}


def _in_milliseconds(end: float, method: str = "message/send") -> Series:
    return below(end * 1000, TIMES, f'{spans(method)}, status_code="STATUS_CODE_UNSET"')


_SLOW_A2A = on_latencies(
    protocols.SLOW_A2A,
    _in_milliseconds,
    OF_SEND,
    lambda time: f"One in twenty A2A requests message/send (server planner) takes longer than {time}.",
)

CASES = (
    *on_ratios(
        protocols.MCP_FAILING,
        outcomes(f"{CLIENT}_count", CALLS_TOOL),
        OF_CALL,
        lambda share: f"{share} of the MCP operations tools/call search (client billing) fail.",
    ),
    *on_latencies(
        protocols.SLOW_MCP,
        lambda end: below(end, CLIENT, CALLS_TOOL),
        OF_CALL,
        lambda time: f"One in twenty MCP operations tools/call search (client billing) takes longer than {time}.",
    ),
    *on_ratios(
        protocols.A2A_FAILING,
        _requests,
        OF_SEND,
        lambda share: f"{share} of the A2A requests message/send (server planner) fail.",
    ),
    *_SLOW_A2A,
)


def _labels(labels: Mapping[str, str]) -> str:
    return ", ".join(f'{name}="{value}"' for name, value in labels.items())


CALL, SEND = _labels(OF_CALL), _labels(OF_SEND)
_FAILING = {**outcomes(f"{CLIENT}_count", CALLS_TOOL)(120, 30), **outcomes(f"{SERVER}_count", CALLS_TOOL)(60, 0)}

VALUES = (
    Value(
        of="mcp:operations:rate5m",
        when="a client and a server count, each what it sees",
        series=_FAILING,
        at=LONG,
        results={
            CALL: 1.5,
            f'{CALL}, error_type="timeout"': 0.5,
            CALL.replace("client", "server"): 1,
            f'{CALL.replace("client", "server")}, error_type="timeout"': 0,
        },
    ),
    Value(
        of="mcp:operations:error_ratio30m",
        when="a quarter fails on one side, nothing on the other",
        series=_FAILING,
        at=LONG,
        results={CALL: 0.25, CALL.replace("client", "server"): 0},
    ),
    Value(
        of="mcp:operation_duration_seconds_bucket:rate5m",
        when="all calls take less than 8 s",
        series=histogram(CLIENT, CALLS_TOOL, {"4": 30, "8": 60, "+Inf": 60}),
        at=LONG,
        results={f'{CALL}, le="4"': 0.5, f'{CALL}, le="8"': 1, f'{CALL}, le="+Inf"': 1},
    ),
    Value(
        of="mcp:operation_duration_seconds:p95_30m",
        when="all calls take less than 10 s",
        series=below(10, CLIENT, CALLS_TOOL),
        at=LONG,
        results={CALL: 9.5},
    ),
    Value(
        of="a2a:requests:rate5m",
        when="two replicas of Jaeger count requests, and spans that are none",
        series={
            f'{SPANS}{{{spans()}, status_code="STATUS_CODE_UNSET"}}': growing(60),
            f'{SPANS}{{{spans(replica="jaeger-1")}, status_code="STATUS_CODE_UNSET"}}': growing(60),
            f'{SPANS}{{{spans(side="CLIENT")}, status_code="STATUS_CODE_ERROR"}}': growing(30),
            f'{SPANS}{{{spans(side="INTERNAL")}, status_code="STATUS_CODE_UNSET"}}': growing(600),
            f'{SPANS}{{{spans(method="")}, status_code="STATUS_CODE_UNSET"}}': growing(600),
        },
        at=LONG,
        results={SEND: 2, f'{SEND.replace("server", "client")}, error_type="error"': 0.5},
    ),
    Value(
        of="a2a:requests:error_ratio30m",
        when="a tenth fails",
        series=_requests(60, 6),
        at=LONG,
        results={SEND: 0.1},
    ),
    Value(
        of="a2a:request_duration_milliseconds_bucket:rate5m",
        when="half of the requests take less than a second",
        series=histogram(TIMES, spans(), {"1000.0": 30, "+Inf": 60}),
        at=LONG,
        results={f'{SEND}, le="1000.0"': 0.5, f'{SEND}, le="+Inf"': 1},
    ),
    Value(
        of="a2a:request_duration_seconds:p95_30m",
        when="all requests take less than 10 s",
        series=_in_milliseconds(10),
        at=LONG,
        results={SEND: 9.5},
    ),
)
