"""A service with requests and outgoing calls, and an agent that speaks the conventions."""

from __future__ import annotations

from tests.rules.examples import Labels, Series, metric
from tests.rules.healthy.hours import counter, gauge, gauges, histogram, up


def services() -> Series:
    """Those whose objectives the stack file lists."""
    # A target that is no pod.
    return {**_service("cart"), **_service("checkout"), **up({"job": "prometheus", "instance": "prometheus"})}


def _service(name: str) -> Series:
    process = _process(name, "shop")
    ends = {"0.1": 0.9, "0.5": 0.985, "1": 0.99, "+Inf": 0.99}
    asked, called = "http_server_request_duration_seconds", "http_client_request_duration_seconds"
    get = {"http_request_method": "GET", "http_route": f"/{name}"}
    return {
        **histogram(asked, {**process, **get, "http_response_status_code": "200"}, ends),
        **histogram(asked, {**process, **get, "http_response_status_code": "404"}, {"0.1": 0.01, "+Inf": 0.01}),
        **histogram(
            asked,
            {**process, **get, "http_response_status_code": "503", "error_type": "503"},
            {"0.1": 0.0002, "+Inf": 0.0002},
        ),
        **histogram(
            called, {**process, "server_address": "payments.example.com", "http_response_status_code": "200"}, ends
        ),
        **histogram(
            called, {**process, "server_address": "payments.example.com", "error_type": "timeout"}, {"+Inf": 0.005}
        ),
        metric("http_server_active_requests", process): gauge(12, 0),
    }


def agents() -> Series:
    planner = {**_process("planner", "agents"), "gen_ai_agent_name": "planner"}
    model = {"gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4o", "gen_ai_operation_name": "chat"}
    ends = {"0.64": 0.01, "5.12": 0.037, "40.96": 0.04, "+Inf": 0.04}
    tool = {**planner, "gen_ai_tool_name": "search"}
    used = "gen_ai_client_inference_usage_{}_tokens_total"
    return {
        **histogram("gen_ai_client_inference_duration_seconds", {**planner, **model}, ends),
        **histogram(
            "gen_ai_client_inference_duration_seconds", {**planner, **model, "error_type": "429"}, {"+Inf": 0.0004}
        ),
        **histogram(
            "gen_ai_client_inference_time_to_first_chunk_seconds", {**planner, **model}, {"1": 0.04, "+Inf": 0.04}
        ),
        metric(used.format("input"), planner, model): counter(4),
        metric(used.format("output"), planner, model): counter(1),
        **histogram("gen_ai_invoke_agent_duration_seconds", planner, {"10.24": 0.0098, "40.96": 0.00995, "+Inf": 0.01}),
        **histogram("gen_ai_invoke_agent_duration_seconds", {**planner, "error_type": "timeout"}, {"+Inf": 0.00005}),
        **histogram("gen_ai_invoke_agent_inference_calls", planner, {"4": 0.008, "8": 0.01, "+Inf": 0.01}),
        **histogram("gen_ai_execute_tool_duration_seconds", tool, {"1.28": 0.019, "+Inf": 0.02}),
        **histogram("gen_ai_execute_tool_duration_seconds", {**tool, "error_type": "timeout"}, {"+Inf": 0.0004}),
        **histogram(
            "gen_ai_client_context_utilization", {**planner, **model}, {"0.5": 0.03, "0.9": 0.0395, "+Inf": 0.04}
        ),
        metric("gen_ai_agent_context_compactions_total", planner): counter(0.001),
        metric("gen_ai_agent_oldest_open_seconds", planner, gen_ai_open_kind="run"): gauge(60, 0),
        **gauges({metric("gen_ai_client_rate_limit_left_ratio", planner, model): 0.8}),
    }


def _process(name: str, namespace: str) -> Labels:
    """Labels of what a process pushes."""
    return {"job": name, "service_name": name, "k8s_namespace_name": namespace, "instance": f"{name}-1"}
