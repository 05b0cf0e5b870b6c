"""MCP and A2A, by example."""

from __future__ import annotations

from functools import partial

from rules.agents import protocols
from tests.rules.agents.subjects import FAILED, LONG, OF_SERVICE, PROCESS, below, native, outcomes
from tests.rules.agents.thresholds import on_latencies, on_ratios
from tests.rules.examples import Labels, Series, counters, critical, example, histogram, metric, of, warning

CALLS_TOOL = PROCESS | {"mcp_method_name": "tools/call", "gen_ai_tool_name": "search"}
CLIENT, SERVER = "mcp_client_operation_duration_seconds", "mcp_server_operation_duration_seconds"
OF_CALL = OF_SERVICE | {"side": "client", "method": "tools/call", "tool": "search"}
SPANS, TIMES = "traces_span_metrics_calls_total", "traces_span_metrics_duration_milliseconds"
OF_SEND = {"service": "planner", "side": "server", "method": "message/send"}
UNSET, ERROR = {"status_code": "STATUS_CODE_UNSET"}, {"status_code": "STATUS_CODE_ERROR"}
AT_SERVER = {"side": "server"}


def spans(method: str = "message/send", side: str = "SERVER", replica: str = "jaeger-0") -> Labels:
    return {
        "job": "jaeger-span-metrics",
        "instance": replica,
        "service_name": "planner",
        "span_name": method,
        "span_kind": f"SPAN_KIND_{side}",
        "a2a_method_name": method,
    }


def _requests(events: float, bad: float) -> Series:
    return counters({metric(SPANS, spans(), UNSET): events - bad, metric(SPANS, spans(), ERROR): bad})


def _in_milliseconds(end: float) -> Series:
    return below(end * 1000, TIMES, spans() | UNSET)


ALERTS = (
    *on_ratios(
        protocols.MCP_FAILING,
        partial(outcomes, f"{CLIENT}_count", CALLS_TOOL),
        OF_CALL,
        "{} of the MCP operations tools/call search (client billing) fail.",
        {9: None, 11: warning, 49: warning, 51: critical},
    ),
    *on_latencies(
        protocols.SLOW_MCP,
        partial(below, name=CLIENT, labels=CALLS_TOOL),
        OF_CALL,
        "One in twenty MCP operations tools/call search (client billing) takes longer than {}.",
        {28.5: None, 31.35: warning},
    ),
    *on_ratios(
        protocols.A2A_FAILING,
        _requests,
        OF_SEND,
        "{} of the A2A requests message/send (server planner) fail.",
        {4.5: None, 5.5: warning, 19: warning, 21: critical},
    ),
    *on_latencies(
        protocols.SLOW_A2A,
        _in_milliseconds,
        OF_SEND,
        "One in twenty A2A requests message/send (server planner) takes longer than {}.",
        {57: None, 62.7: warning},
    ),
)

_FAILING = outcomes(f"{CLIENT}_count", CALLS_TOOL, 120, 30) | outcomes(f"{SERVER}_count", CALLS_TOOL, 60, 0)

RECORDINGS = (
    example(
        "a client and a server count, each what it sees",
        "mcp:operations:rate5m",
        series=_FAILING,
        at=LONG,
        gives={
            of(OF_CALL): 1.5,
            of(OF_CALL, FAILED): 0.5,
            of(OF_CALL, AT_SERVER): 1,
            of(OF_CALL, AT_SERVER, FAILED): 0,
        },
    ),
    example(
        "a quarter fails on one side, nothing on the other",
        "mcp:operations:error_ratio30m",
        series=_FAILING,
        at=LONG,
        gives={of(OF_CALL): 0.25, of(OF_CALL, AT_SERVER): 0},
    ),
    example(
        "all calls take less than 8 s",
        "mcp:operation_duration_seconds_bucket:rate5m",
        series=histogram(CLIENT, CALLS_TOOL, {"4": 30, "8": 60, "+Inf": 60}),
        at=LONG,
        gives={of(OF_CALL, le="4"): 0.5, of(OF_CALL, le="8"): 1, of(OF_CALL, le="+Inf"): 1},
    ),
    example(
        "all calls take less than 10 s",
        "mcp:operation_duration_seconds:p95_30m",
        series=below(10, CLIENT, CALLS_TOOL),
        at=LONG,
        gives={of(OF_CALL): 9.5},
    ),
    example(
        "two replicas of Jaeger count requests, and spans that are none",
        "a2a:requests:rate5m",
        series=counters(
            {
                metric(SPANS, spans(), UNSET): 60,
                metric(SPANS, spans(replica="jaeger-1"), UNSET): 60,
                metric(SPANS, spans(side="CLIENT"), ERROR): 30,
                metric(SPANS, spans(side="INTERNAL"), UNSET): 600,
                metric(SPANS, spans(method=""), UNSET): 600,
            }
        ),
        at=LONG,
        gives={of(OF_SEND): 2, of(OF_SEND, side="client", error_type="error"): 0.5},
    ),
    example("a tenth fails", "a2a:requests:error_ratio30m", series=_requests(60, 6), at=LONG, gives={of(OF_SEND): 0.1}),
    example(
        "half of the requests take less than a second",
        "a2a:request_duration_milliseconds_bucket:rate5m",
        series=histogram(TIMES, spans(), {"1000.0": 30, "+Inf": 60}),
        at=LONG,
        gives={of(OF_SEND, le="1000.0"): 0.5, of(OF_SEND, le="+Inf"): 1},
    ),
    example(
        "all requests take some 10 s, by a histogram without fixed buckets",
        "a2a:request_duration_seconds:p95_30m",
        series={metric(TIMES, spans()): native(107, 60)},
        at=LONG,
        gives={of(OF_SEND): 10.577785464308239},
    ),
    example(
        "all requests take less than 10 s",
        "a2a:request_duration_seconds:p95_30m",
        series=_in_milliseconds(10),
        at=LONG,
        gives={of(OF_SEND): 9.5},
    ),
)

EXAMPLES = (*ALERTS, *RECORDINGS)
