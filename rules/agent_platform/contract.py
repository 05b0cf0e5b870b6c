"""What the services of an agent platform emit: requests, executions of agents, tokens, connections."""

from __future__ import annotations

from model.contract import Contract, Emitted, Label, Part, Span
from model.logs import LogField
from model.metrics import Kind, Unit

SUCCESS, ERROR = "success", "error"
_METHOD = Label(
    name="method", meaning="HTTP method", values=("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
)
# As many as the system `services` keeps of a service.
_ENDPOINT = Label(name="endpoint", meaning="route as the code has it, such as `/agents/{id}`, never a path", most=100)
# People make agents, so there may be any number of them: which one it was is in logs and spans.
_TYPE = Label(name="agent_type", meaning="kind of agent, such as `support`; not its id")

REQUESTS = Emitted(
    name="http_requests_total",
    kind=Kind.COUNTER,
    meaning="Requests that were answered. One that raises an exception counts as 500.",
    labels=(_METHOD, _ENDPOINT, Label(name="status", meaning="status code of the answer", most=30)),
)
REQUEST_DURATION = Emitted(
    name="http_request_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time of a request, also of one that fails.",
    labels=(_METHOD, _ENDPOINT),
    buckets=(0.5,),
)
EXECUTIONS = Emitted(
    name="agent_executions_total",
    kind=Kind.COUNTER,
    meaning="Executions of agents that ended.",
    labels=(_TYPE, Label(name="status", meaning="how it ended", values=(SUCCESS, ERROR))),
)
DURATION = Emitted(
    name="agent_execution_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time of an execution, also of one that fails.",
    labels=(_TYPE,),
    buckets=(30,),
)
TOKENS = Emitted(
    name="agent_tokens_used_total",
    kind=Kind.COUNTER,
    meaning="Tokens that executions used, of questions and answers.",
    labels=(_TYPE, Label(name="model", meaning="name of the model")),
)
DATABASE = Emitted(
    name="db_connections_active",
    kind=Kind.GAUGE,
    meaning="Connections of this process's database pool that are in use.",
)
DATABASE_MOST = Emitted(
    name="db_connections_max",
    kind=Kind.GAUGE,
    meaning="Size of that pool, with its overflow.",
)
REDIS = Emitted(
    name="redis_connections_active",
    kind=Kind.GAUGE,
    meaning="Connections of this process to Redis that are in use.",
    optional=True,
)
USERS = Emitted(
    name="active_users",
    kind=Kind.GAUGE,
    meaning="Users that are active. Each process counts its own.",
    optional=True,
)
AGENTS = Emitted(
    name="active_agents_total",
    kind=Kind.GAUGE,
    meaning="Active agents, read from the database. It is a gauge in spite of its name.",
    labels=(Label(name="organization_id", meaning="the organisation; `other` for all but the largest 49", most=50),),
    optional=True,
)
INFO = Emitted(
    name="app_info",
    kind=Kind.GAUGE,
    meaning="Always 1; its labels say which version runs.",
    labels=(
        Label(name="version", meaning="version of the program"),
        # Every target has a label of that name already.
        Label(name="environment", meaning="where it was built to run", stored="exported_environment"),
    ),
    optional=True,
)

SERVICES = Part(
    job="agent-platform",
    what="Each service of the platform, such as its API and its workers. A service without a database or agents lacks"
    " their metrics.",
    emits=(
        REQUESTS,
        REQUEST_DURATION,
        EXECUTIONS,
        DURATION,
        TOKENS,
        DATABASE,
        DATABASE_MOST,
        REDIS,
        USERS,
        AGENTS,
        INFO,
    ),
)
LOG_FIELDS = (
    LogField(name="event", meaning="what happened, such as `execution`"),
    LogField(name="agent_id", meaning="the agent"),
    LogField(name="agent_type", meaning="kind of agent"),
    LogField(name="status", meaning="how it ended, or the status of an answer"),
    LogField(name="path", meaning="route of a request"),
    LogField(name="duration_ms", meaning="milliseconds that it took"),
    LogField(name="user_id", meaning="the user"),
)
SPANS = (
    Span(
        name="agent_execution",
        shown="agent_execution",
        meaning="One execution, with `agent_type`, `agent_id` and `input_length`.",
        operation="invoke_agent",
        subject="gen_ai.agent.name",
        attributes=(("gen_ai.agent.name", "agent_type"), ("gen_ai.agent.id", "agent_id")),
    ),
    Span(
        name="llm_call",
        shown="llm_call",
        meaning="A request to a model, with `model` and `tokens_used`.",
        operation="chat",
        subject="gen_ai.request.model",
        attributes=(("gen_ai.request.model", "model"),),
    ),
    Span(
        name="tool_execution",
        shown="tool_execution",
        meaning="A call of a tool, with `tool_name`.",
        operation="execute_tool",
        subject="gen_ai.tool.name",
        attributes=(("gen_ai.tool.name", "tool_name"),),
    ),
    Span(name="load_agent", shown="load_agent", meaning="Reading an agent from the database."),
)
CONTRACT = Contract((SERVICES,), LOG_FIELDS, SPANS)
