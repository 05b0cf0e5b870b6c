"""What the core and the context agents emit."""

from __future__ import annotations

from model.contract import Contract, Emitted, Label, Part, Span
from model.logs import LogField
from model.metrics import Kind, Unit

AGENTS = ("mca", "npa", "wpa")
"""Types of the context agents: they coordinate, plan nutrition, and plan workouts."""
_SUCCESS = Label(name="success", meaning="Whether there is a plan.", values=("true", "false"))
_METHOD = Label(name="method", meaning="What was asked of the agent, by a fixed name.")
_AGENT_TYPE = Label(
    name="agent_type",
    meaning="The agent's type.",
    values=AGENTS,
    # Every target has the label as well, from its pod. What the agent itself reports stands above it.
    stored="agent_type",
)


def _agent(name: str, meaning: str) -> Label:
    return Label(name=name, meaning=meaning, values=(*AGENTS, "core"))


def _route(*more: Label) -> tuple[Label, ...]:
    return (
        Label(name="method", meaning="The HTTP method.", most=10),
        Label(
            name="route", meaning="The pattern of the route, like `/plans/:id`; `unmatched` if none matches.", most=50
        ),
        *more,
    )


CORE = Part(
    job="progressive-framework-v5",
    what="The enterprise core: each pod behind its Service answers `/metrics`.",
    emits=(
        Emitted(
            name="progressive_http_requests_total",
            kind=Kind.COUNTER,
            meaning="HTTP requests that were answered.",
            labels=_route(Label(name="status_code", meaning="The status of the answer.")),
        ),
        Emitted(
            name="progressive_http_request_duration_seconds",
            kind=Kind.HISTOGRAM,
            unit=Unit.SECONDS,
            meaning="Time to answer an HTTP request.",
            labels=_route(),
            buckets=(0.5, 1, 2.5),
        ),
        Emitted(
            name="progressive_active_users_total",
            kind=Kind.GAUGE,
            meaning="Users with an active session at this pod. Its target has the label `environment`.",
        ),
        Emitted(
            name="progressive_database_connections_active",
            kind=Kind.GAUGE,
            meaning="Connections of a pool that are open, used or idle. A pool keeps at least one.",
            labels=(
                Label(name="database_type", meaning="The kind of database, like `postgresql`.", most=5),
                Label(name="database_name", meaning="The database.", most=10),
            ),
        ),
        Emitted(
            name="progressive_database_query_duration_seconds",
            kind=Kind.HISTOGRAM,
            unit=Unit.SECONDS,
            meaning="Time of a query, as the core waits for it.",
            labels=(Label(name="database_type", meaning="The kind of database, like `postgresql`.", most=5),),
            buckets=(0.1,),
        ),
        Emitted(
            name="nodejs_eventloop_lag_p99_seconds",
            kind=Kind.GAUGE,
            unit=Unit.SECONDS,
            meaning="Delay of Node's event loop, from prom-client's default metrics.",
            optional=True,
        ),
        Emitted(
            name="nodejs_heap_size_used_bytes",
            kind=Kind.GAUGE,
            unit=Unit.BYTES,
            meaning="Heap in use, from prom-client's default metrics.",
            optional=True,
        ),
    ),
)
AGENT = Part(
    job="progressive-agents",
    what="The context agents: each pod with the label `tier: agents` answers `/metrics`."
    " `mca` coordinates, `npa` and `wpa` make plans; each emits what it does.",
    emits=(
        Emitted(
            name="progressive_agent_requests_total",
            kind=Kind.COUNTER,
            meaning="Requests to the agent that have ended.",
            labels=(
                _AGENT_TYPE,
                _METHOD,
                Label(name="status", meaning="How it ended.", values=("success", "error", "failed", "timeout")),
            ),
        ),
        Emitted(
            name="progressive_agent_response_time_seconds",
            kind=Kind.HISTOGRAM,
            unit=Unit.SECONDS,
            meaning="Time to answer a request.",
            labels=(_AGENT_TYPE, _METHOD),
            buckets=(5, 10, 30),
        ),
        Emitted(
            name="progressive_agent_errors_total",
            kind=Kind.COUNTER,
            meaning="Errors inside the agent.",
            labels=(
                _AGENT_TYPE,
                Label(name="error_type", meaning="A fixed name; `coordination_failure` if other agents were not led."),
            ),
        ),
        Emitted(
            name="progressive_agent_memory_usage_bytes",
            kind=Kind.GAUGE,
            unit=Unit.BYTES,
            meaning="Memory of the agent's process (RSS).",
            labels=(_AGENT_TYPE, Label(name="agent_id", meaning="The agent in this pod, like `npa-1`.", most=10)),
        ),
        Emitted(
            name="progressive_agent_coordination_time_seconds",
            kind=Kind.HISTOGRAM,
            unit=Unit.SECONDS,
            meaning="Time that `mca` needs for a hand-over.",
            labels=(_agent("source_agent", "Who hands over."), _agent("target_agent", "Who takes over.")),
            buckets=(1, 5),
            optional=True,
        ),
        Emitted(
            name="progressive_agent_sync_events_total",
            kind=Kind.COUNTER,
            meaning="Synchronisations between agents.",
            labels=(
                Label(name="event_type", meaning="A fixed name, like `state_sync`."),
                Label(name="agents_involved", meaning="Their types, sorted and joined by a comma, like `mca,npa`."),
            ),
            optional=True,
        ),
        Emitted(
            name="progressive_nutrition_plans_generated_total",
            kind=Kind.COUNTER,
            meaning="Nutrition plans that `npa` has tried to make.",
            labels=(Label(name="plan_type", meaning="The kind of plan."), _SUCCESS),
            optional=True,
        ),
        Emitted(
            name="progressive_workout_plans_generated_total",
            kind=Kind.COUNTER,
            meaning="Workout plans that `wpa` has tried to make.",
            labels=(
                Label(name="workout_type", meaning="The kind of workout."),
                Label(name="difficulty", meaning="The level, like `beginner`.", most=5),
                _SUCCESS,
            ),
            optional=True,
        ),
    ),
)
LOG_FIELDS = (
    LogField(name="service", meaning="the program that writes the line"),
    LogField(name="agent_type", meaning="`mca`, `npa` or `wpa`"),
    LogField(name="agent_id", meaning="the agent"),
    LogField(name="event", meaning="what happened, such as `plan_generation`"),
    LogField(name="status", meaning="how it ended, such as `failed`"),
    LogField(name="coordination_event", meaning="a hand-over between agents"),
    LogField(name="performance_metric", meaning="milliseconds that a step took"),
    LogField(name="error_details", meaning="what went wrong"),
    LogField(name="user_id", meaning="the user"),
    LogField(name="user_action", meaning="what the user did"),
)
SPANS = (
    Span(
        name=r"agent\..+",
        has="agent.type",
        shown="agent.OPERATION",
        meaning="One run of an agent, with `agent.type`, `agent.id`, `agent.operation` and `agent.success`.",
        operation="invoke_agent",
        subject="gen_ai.agent.name",
        attributes=(("gen_ai.agent.name", "agent.type"), ("gen_ai.agent.id", "agent.id")),
        bounded=(Label(name="gen_ai.agent.name", meaning="type of the agent", values=AGENTS),),
    ),
    Span(
        name=r"agent\.communication",
        shown="agent.communication",
        meaning="A message from one agent to another, with `communication.type` and `communication.data_size`.",
        bounded=(
            Label(name="communication.source", meaning="type of the agent that sends", values=AGENTS),
            Label(name="communication.target", meaning="type of the agent that receives", values=AGENTS),
        ),
    ),
)
CONTRACT = Contract((CORE, AGENT), LOG_FIELDS, SPANS)
