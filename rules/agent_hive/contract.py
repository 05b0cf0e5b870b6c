"""What the programs of Agent Hive emit."""

from __future__ import annotations

from model.contract import Contract, Emitted, Label, Part, Span
from model.logs import LogField
from model.metrics import Kind, Unit

ACTIVE, IDLE, FAILED = "active", "idle", "failed"
_TYPE = Label(name="agent_type", meaning="kind of agent, such as `backend`")
_API = Label(name="service", meaning="name of the external API", stored="api")
_METHOD = Label(name="method", meaning="HTTP method", values=("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT"))
_COMPONENT = Label(name="component", meaning="part of the program, or `system` for all of it")

COORDINATION = Emitted(
    name="agent_hive_coordination_latency_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time to coordinate the agents of one request. Also of those that fail.",
    buckets=(0.5, 1),
)
AGENTS = Emitted(
    name="agent_hive_active_agents_total",
    kind=Kind.GAUGE,
    meaning="Agents by state. It is a gauge in spite of its name.",
    labels=(
        _TYPE,
        Label(
            name="status",
            meaning="`active` works, `idle` waits for work, `failed` takes none",
            values=(ACTIVE, IDLE, FAILED),
        ),
    ),
)
TASKS = Emitted(
    name="agent_hive_tasks_completed_total",
    kind=Kind.COUNTER,
    meaning="Tasks that ended, well or not.",
    labels=(
        _TYPE,
        Label(name="status", meaning="how it ended", values=("completed", "error")),
        Label(name="priority", meaning="priority of the task", values=("low", "medium", "high")),
    ),
)
QUEUE = Emitted(
    name="agent_hive_task_queue_length",
    kind=Kind.GAUGE,
    meaning="Tasks that wait.",
    optional=True,
)
CONFIDENCE = Emitted(
    name="agent_hive_decision_confidence_score",
    kind=Kind.HISTOGRAM,
    unit=Unit.RATIO,
    meaning="Confidence of each decision, from 0 to 1.",
    buckets=(0.5, 0.7),
)
ACCURACY = Emitted(
    name="agent_hive_learning_accuracy_percent",
    kind=Kind.GAUGE,
    meaning="Accuracy of a model, from 0 to 100.",
    labels=(Label(name="model_type", meaning="kind of model"),),
)
API_REQUESTS = Emitted(
    name="agent_hive_external_api_requests_total",
    kind=Kind.COUNTER,
    meaning="Requests to external APIs.",
    labels=(
        _API,
        _METHOD,
        Label(name="status_code", meaning="status of the answer; `timeout` or `error` if there was none", most=30),
    ),
)
API_DURATION = Emitted(
    name="agent_hive_external_api_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time of a request to an external API.",
    labels=(_API, _METHOD),
    buckets=(5,),
)
UTILISATION = Emitted(
    name="agent_hive_resource_utilization_percent",
    kind=Kind.GAUGE,
    meaning="Use of a resource, from 0 to 100. In a container, psutil measures the node.",
    labels=(Label(name="resource_type", meaning="resource", values=("cpu", "disk", "memory")),),
    optional=True,
)
MEMORY = Emitted(
    name="agent_hive_memory_usage_bytes",
    kind=Kind.GAUGE,
    unit=Unit.BYTES,
    meaning="Memory in use.",
    labels=(_COMPONENT,),
    optional=True,
)
CPU = Emitted(
    name="agent_hive_cpu_usage_percent",
    kind=Kind.GAUGE,
    meaning="Use of the processor, from 0 to 100.",
    labels=(_COMPONENT,),
    optional=True,
)
EVENTS = Emitted(
    name="agent_hive_webhook_events_total",
    kind=Kind.COUNTER,
    meaning="Webhooks that arrived.",
    labels=(Label(name="result", meaning="what became of it", values=("accepted", "bad_signature", "failed")),),
    optional=True,
)

ORCHESTRATOR = Part(
    job="agent-hive-orchestrator",
    what="The orchestrator, which coordinates the agents.",
    emits=(
        COORDINATION,
        AGENTS,
        TASKS,
        QUEUE,
        CONFIDENCE,
        ACCURACY,
        API_REQUESTS,
        API_DURATION,
        UTILISATION,
        MEMORY,
        CPU,
    ),
)
WEBHOOKS = Part(job="agent-hive-webhook-server", what="The server that takes webhooks.", emits=(EVENTS,))
GATEWAY = Part(job="agent-hive-api-gateway", what="The gateway. The system `services` counts its requests.", emits=())
STREAMING = Part(
    job="agent-hive-event-streaming",
    what="The server of event streams. The system `services` counts its requests.",
    emits=(),
)
LOG_FIELDS = (
    LogField(name="event", meaning="what happened, such as `task`"),
    LogField(name="agent_type", meaning="kind of agent"),
    LogField(name="agent_id", meaning="the agent"),
    LogField(name="status", meaning="how it ended"),
)
SPANS = (
    Span(
        name="coordinate_agents",
        shown="coordinate_agents",
        meaning="The coordination of one request, with `task_count` and `coordination_status`.",
    ),
    Span(
        name=r"process_task(?:_(?P<index>\d+))?",
        shown="process_task",
        meaning="One task, with `task_type`, `task_priority` and `task_result`. A number after it is `task.index`.",
    ),
)
CONTRACT = Contract((ORCHESTRATOR, WEBHOOKS, GATEWAY, STREAMING), LOG_FIELDS, SPANS)
