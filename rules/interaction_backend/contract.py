"""What a realtime interaction backend pushes, besides what the systems `agents` and `services` read."""

from __future__ import annotations

from model.contract import Contract, Emitted, Label, Part
from model.logs import LogField
from model.metrics import PUSHED, Kind, Unit
from rules.agents.mapping import EVALUATIONS

VALUES = 50
"""Maximum of tenants, of teams, and of user groups. More have no line of their own that anybody reads."""
OTHER = "other"
"""Stands for all values beyond the maximum."""
DIMENSIONS = ("tenant", "team", "user_group")

STREAMS = Emitted(
    name="ag_ui_streams_total",
    kind=Kind.COUNTER,
    meaning="Requests for an event stream, counted at their end.",
    labels=(
        Label(
            name="outcome",
            meaning="`error` is a RUN_ERROR event or a status 5xx; `cancelled` if the client left; `refused` is 4xx",
            values=("completed", "error", "cancelled", "refused"),
        ),
    ),
)
FIRST_EVENT = Emitted(
    name="ag_ui_time_to_first_event_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Time from the request to the first event. A stream lasts as long as its client, so its duration says"
    " nothing.",
    buckets=(0.5, 1, 2, 5),
)
OPEN_STREAMS = Emitted(name="ag_ui_open_streams", kind=Kind.GAUGE, meaning="Open event streams of this process.")
GUARDRAILS = Emitted(
    name=EVALUATIONS,
    kind=Kind.COUNTER,
    meaning="Messages that a guardrail has judged.",
    labels=(
        Label(name="guardrail", meaning="its name"),
        Label(
            name="decision",
            meaning="`error` if it could not judge",
            values=("allow", "warn", "modify", "deny", "error"),
        ),
    ),
)
AUTHENTICATIONS = Emitted(
    name="authentication_attempts_total",
    kind=Kind.COUNTER,
    meaning="Requests whose identity was checked.",
    labels=(
        Label(
            name="outcome",
            meaning="`error` if it could not be checked, as without the provider's keys",
            values=("accepted", "refused", "error"),
        ),
    ),
)
CACHE = Emitted(
    name="cache_lookup_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Lookups in a cache that all replicas share.",
    labels=(
        Label(name="cache", meaning="its name"),
        Label(name="result", meaning="what came of it", values=("hit", "miss", "error")),
    ),
    buckets=(0.005, 0.05, 0.1, 0.5),
    optional=True,
)
CREDENTIALS = Emitted(
    name="credential_loads_total",
    kind=Kind.COUNTER,
    meaning="Credentials that were loaded for a tool.",
    labels=(
        Label(name="gen_ai_tool_name", meaning="the tool"),
        Label(
            name="outcome",
            meaning="`refused` if the tool did not take them",
            values=("loaded", "missing", "refused"),
        ),
    ),
)
DELEGATIONS = Emitted(
    name="a2a_delegation_duration_seconds",
    kind=Kind.HISTOGRAM,
    unit=Unit.SECONDS,
    meaning="Tasks that were sent to another agent, until it had answered.",
    labels=(
        Label(name="target", meaning="name of the other agent"),
        Label(name="error_type", meaning="`error.type`, empty without a failure, like ERROR_NETWORK", most=10),
    ),
    buckets=(1, 10, 30, 60, 120),
    optional=True,
)
TOKENS = Emitted(
    name="interaction_tokens_total",
    kind=Kind.COUNTER,
    meaning="Prompt and completion tokens by whom they were used for. Each request counts once in every dimension.",
    labels=(
        Label(name="dimension", meaning="what `value` names", values=DIMENSIONS),
        # The other value, and three dimensions.
        Label(name="value", meaning=f"{VALUES} of each dimension, then `{OTHER}`", most=3 * VALUES + 1),
    ),
)
BACKEND = Part(
    job=PUSHED,
    what="Each process of the backend, by its own SDK or through a collector.",
    emits=(
        *(STREAMS, FIRST_EVENT, OPEN_STREAMS, GUARDRAILS, AUTHENTICATIONS, CACHE, CREDENTIALS, DELEGATIONS, TOKENS),
    ),
)
LOG_FIELDS = (
    LogField(name="conversation_id", meaning="the conversation"),
    LogField(name="user_id", meaning="the user"),
    LogField(name="tenant", meaning="the tenant"),
    LogField(name="model", meaning="the model that was asked"),
    LogField(name="input_tokens", meaning="tokens of the question"),
    LogField(name="output_tokens", meaning="tokens of the answer"),
    LogField(name="total_tokens", meaning="both"),
    LogField(name="cost_usd", meaning="cost in USD"),
    LogField(name="event_type", meaning="the audit event"),
    LogField(name="status", meaning="its outcome"),
    LogField(name="tool_name", meaning="the tool"),
    LogField(name="guardrail", meaning="the guardrail that stopped a message"),
)
CONTRACT = Contract((BACKEND,), LOG_FIELDS)
