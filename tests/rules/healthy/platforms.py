"""The five platforms, by what their contracts say that they emit; a few of all things fail, as they always do."""

from __future__ import annotations

from collections.abc import Iterator

from tests.rules.examples import Labels, Series, metric
from tests.rules.healthy.hours import counter, counters, gauge, gauges, histogram, up

STAGING = {"namespace": "progressive-framework-staging", "environment": "staging"}
PRODUCTION = {"namespace": "progressive-framework-prod", "environment": "production"}
_TYPES = {"mca": 0.05, "npa": 0.03, "wpa": 0.02}


def _target(job: str, namespace: str, service: str, **more: str) -> Labels:
    pod = f"{service}-1"
    return {"job": job, "namespace": namespace, "service": service, "pod": pod, "instance": pod, **more}


def agent_hive() -> Series:
    programs = (
        ("agent-hive-orchestrator", "agent-hive"),
        ("agent-hive-webhook-server", "webhook-server"),
        ("agent-hive-api-gateway", "api-gateway"),
        ("agent-hive-event-streaming", "event-streaming"),
    )
    hive, webhooks, *others = (_target(job, "hive", service) for job, service in programs)
    backend, api = {**hive, "agent_type": "backend"}, {**hive, "api": "openai", "method": "POST"}
    waits = metric("agent_hive_task_queue_length", hive)
    active = "agent_hive_active_agents_total"
    return {
        **up(hive, webhooks, *others),
        **histogram("agent_hive_coordination_latency_seconds", hive, {"0.25": 0.8, "0.5": 0.96, "1": 0.998, "+Inf": 1}),
        metric(active, backend, status="active"): gauge(4, 0),
        metric(active, backend, status="idle"): gauge(0, 4),
        metric(active, backend, status="failed"): gauge(0, 0),
        **counters(
            "agent_hive_tasks_completed_total",
            {**backend, "priority": "medium"},
            {"completed": 0.48, "error": 0.02},
            "status",
        ),
        waits: gauge(5, 0),
        **histogram(
            "agent_hive_decision_confidence_score", hive, {"0.5": 0.02, "0.7": 0.08, "0.9": 0.5, "+Inf": 1}, mean=0.85
        ),
        **gauges({metric("agent_hive_learning_accuracy_percent", hive, model_type="planner"): 93}),
        **counters(
            "agent_hive_external_api_requests_total", api, {"200": 0.97, "429": 0.01, "503": 0.01}, "status_code"
        ),
        **histogram("agent_hive_external_api_duration_seconds", api, {"1": 0.7, "5": 0.98, "+Inf": 0.99}),
        **counters("agent_hive_webhook_events_total", webhooks, {"accepted": 0.1, "bad_signature": 0.00001}, "result"),
    }


def progressive() -> Series:
    return {**_progressive(PRODUCTION, ("core-1", "core-2"), 1), **_progressive(STAGING, ("core-1",), 0.002)}


def _progressive(place: Labels, pods: tuple[str, ...], busy: float) -> Series:
    """``busy`` is the share of the requests that each pod has, of those of a pod in production."""

    def core(pod: str) -> Labels:
        job = "progressive-framework-v5"
        return {**_target(job, place["namespace"], job), **place, "pod": pod, "instance": pod}

    def shares(**parts: float) -> dict[str, float]:
        return {part.replace("inf", "+Inf").strip("_").replace("_", "."): share * busy for part, share in parts.items()}

    found: Series = {}
    for one in map(core, pods):
        route = {**one, "method": "GET", "route": "/plans/:id"}
        found |= {
            **up(one),
            **counters(
                "progressive_http_requests_total", route, shares(_200=0.48, _404=0.01, _503=0.0001), "status_code"
            ),
            **histogram(
                "progressive_http_request_duration_seconds", route, shares(_0_5=0.485, _1=0.488, _2_5=0.49, inf=0.4901)
            ),
            metric("progressive_active_users_total", one): gauge(120 * busy, 0),
            metric("progressive_database_connections_active", one, database_type="postgresql", database_name="p"): (
                gauge(10, 1)
            ),
            **histogram(
                "progressive_database_query_duration_seconds",
                {**one, "database_type": "postgresql"},
                shares(_0_1=1.995, inf=2),
            ),
            metric("nodejs_eventloop_lag_p99_seconds", one): gauge(0.02, 0.01),
        }
    for agent_type, share in _TYPES.items():
        agent = _target("progressive-agents", place["namespace"], agent_type, agent_type=agent_type) | place
        asked = {**agent, "method": "generate"}
        found |= {
            **up(agent),
            **counters(
                "progressive_agent_requests_total",
                asked,
                {"success": share * busy * 0.999, "error": share * busy * 0.001},
                "status",
            ),
            **histogram(
                "progressive_agent_response_time_seconds",
                asked,
                {end: share * busy * part for end, part in {"5": 0.8, "10": 0.97, "30": 1, "+Inf": 1}.items()},
            ),
            metric("progressive_agent_errors_total", agent, error_type="coordination_failure"): counter(0.0005 * busy),
            metric("progressive_agent_memory_usage_bytes", agent, agent_id=f"{agent_type}-1"): gauge(4e8, 3e8),
        }
    plans = {name: {**place, "job": "progressive-agents", "service": name} for name in ("npa", "wpa")}
    found[metric("progressive_nutrition_plans_generated_total", plans["npa"], success="true")] = counter(0.02 * busy)
    found[metric("progressive_workout_plans_generated_total", plans["wpa"], success="true")] = counter(0.01 * busy)
    return found


def eliza() -> Series:
    api = _target("api-servers", "default", "api-service")
    agents = [
        _target("eliza-agents", "agents", name, agent_id=f"a-{number}", agent_name=name, workload=name)
        for number, name in enumerate(("researcher", "writer"))
    ]
    return {
        **up(api, *agents),
        **counters("http_requests_total", {**api, "method": "GET"}, {"200": 0.9, "404": 0.02, "500": 0.0005}, "status"),
        **gauges(
            {
                metric("agent_deployment_status", api, status=status, **_names(agent)): float(status == "running")
                for agent in agents
                for status in ("deploying", "running", "stopped", "failed")
            }
        ),
        **gauges({metric("agent_health_status", agent): 1 for agent in agents}),
    }


def _names(agent: Labels) -> Labels:
    return {name: agent[name] for name in ("agent_id", "agent_name")}


def agent_platform() -> Series:
    api = _target("agent-platform", "agent-platform", "api")
    route = {**api, "method": "GET", "endpoint": "/agents/{id}"}
    support = {**api, "agent_type": "support"}
    return {
        **up(api, _target("agent-platform", "agent-platform", "worker")),
        **counters("http_requests_total", route, {"200": 0.9, "404": 0.02, "500": 0.0002}, "status"),
        **histogram("http_request_duration_seconds", route, {"0.1": 0.8, "0.5": 0.91, "1": 0.9202, "+Inf": 0.9202}),
        **counters("agent_executions_total", support, {"success": 0.0195, "error": 0.0005}, "status"),
        **histogram("agent_execution_duration_seconds", support, {"10": 0.015, "30": 0.0198, "+Inf": 0.02}),
        metric("agent_tokens_used_total", support, model="gpt-4o"): counter(15),
        metric("db_connections_active", api): gauge(8, 1),
        **gauges({metric("db_connections_max", api): 30}),
    }


def interaction_backend() -> Series:
    backend = {"job": "backend", "service_name": "backend", "k8s_namespace_name": "interaction", "instance": "b-1"}
    return dict(_interaction_backend(backend))


def _interaction_backend(backend: Labels) -> Iterator[tuple[str, str]]:
    for name, label, labels, shares in (
        ("ag_ui_streams_total", "outcome", {}, {"completed": 0.9, "cancelled": 0.09, "error": 0.005, "refused": 0.05}),
        (
            "guardrail_evaluations_total",
            "decision",
            {"guardrail": "pii"},
            {"allow": 0.96, "deny": 0.03, "error": 0.01},
        ),
        ("authentication_attempts_total", "outcome", {}, {"accepted": 0.95, "refused": 0.05}),
        ("credential_loads_total", "outcome", {"gen_ai_tool_name": "search"}, {"loaded": 1, "missing": 0.0001}),
    ):
        yield from counters(name, {**backend, **labels}, shares, label).items()
    for name, labels, ends in (
        ("ag_ui_time_to_first_event_seconds", {}, {"0.5": 0.97, "1": 0.993, "2": 1, "+Inf": 1}),
        ("cache_lookup_duration_seconds", {"cache": "a", "result": "hit"}, {"0.005": 0.6, "+Inf": 0.6}),
        ("cache_lookup_duration_seconds", {"cache": "a", "result": "miss"}, {"0.005": 0.38, "+Inf": 0.4}),
        ("a2a_delegation_duration_seconds", {"target": "b"}, {"30": 0.28, "60": 0.3, "+Inf": 0.3}),
        ("a2a_delegation_duration_seconds", {"target": "b", "error_type": "ERROR_HTTP"}, {"+Inf": 0.01}),
    ):
        yield from histogram(name, {**backend, **labels}, ends).items()
    yield metric("interaction_tokens_total", backend, dimension="team", value="support"), counter(0.8)
