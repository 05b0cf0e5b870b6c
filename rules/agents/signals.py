"""Decisions of guardrails, and what is left of the rate limits of models.

The conventions define neither; docs/agents.md does, and a stack file maps other names onto these.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.metrics import OF_APPLICATIONS, PUSHED, Metric, Metrics, Unit
from model.quantities import Duration
from model.rules import Alert, Inhibition, Recording, Severity
from rules.agents import mapping
from rules.agents.alerts import PROVIDER_MODEL, RATE_LIMITED, SOON, enough
from rules.agents.mapping import GuardrailSource, OpenWorkSource, RateLimitSource, Signals
from rules.agents.promql import failing, short
from rules.agents.recordings import SERVICE
from rules.agents.uids import AGENTS_LLM, AGENTS_QUALITY
from rules.histograms import with_label
from rules.rates import Scope

_PUSHED, _ANY = Metrics(PUSHED), Metrics(OF_APPLICATIONS)
_PROVIDER, _MODEL = "gen_ai_provider_name", "gen_ai_request_model"
_AGENT, _STATE = "gen_ai_agent_name", "a2a_task_state"
OWN_METRICS = (
    _PUSHED.counter(mapping.EVALUATIONS, "guardrail decision"),
    _PUSHED.gauge(mapping.LEFT, f"{_PROVIDER} {_MODEL} gen_ai_rate_limit_type", Unit.RATIO),
)
DENY, ERROR = "deny", "error"
"""Decisions that rules read, and that other names are mapped to."""

BY_GUARDRAIL = f"{SERVICE}, guardrail"
BY_LIMIT = f"{SERVICE}, provider, model, resource"
EVALUATIONS = "agent_guardrail:evaluations:rate5m"
DENIED = "agent_guardrail:denied:ratio30m"
LEFT = "agent:rate_limit_left:ratio"
UNJUDGED = failing(EVALUATIONS, BY_GUARDRAIL, f'decision="{ERROR}"')


def metrics(signals: Signals) -> Iterator[Metric]:
    yield from OWN_METRICS
    for guardrail in signals.guardrails:
        of_it = guardrail.labels
        yield _ANY.counter(guardrail.evaluations, f"{of_it.guardrail or 'guardrail'} {of_it.decision or 'decision'}")
    for limit in signals.rate_limits:
        for name in filter(None, (limit.remaining, limit.limit)):
            yield _ANY.gauge(name, f"{limit.labels.provider or _PROVIDER} {limit.labels.model or _MODEL}")
    for work in signals.open_work:
        yield _ANY.gauge(work.oldest, f"{work.labels.agent or _AGENT} {work.labels.state or _STATE}", Unit.SECONDS)


def recordings(scope: Scope, signals: Signals) -> tuple[Recording, ...]:
    judged = " or ".join((scope.rate(mapping.EVALUATIONS), *(_judged(scope, each) for each in signals.guardrails)))
    left = " or ".join((_limited(scope.of(mapping.LEFT)), *(_left(scope, each) for each in signals.rate_limits)))
    decided = f"{BY_GUARDRAIL}, decision"
    return (
        Recording(name=EVALUATIONS, expr=f"sum by ({decided}) ({short(f'({judged})', decided)})"),
        Recording(name=DENIED, expr=failing(EVALUATIONS, BY_GUARDRAIL, f'decision="{DENY}"'), unit=Unit.RATIO),
        # A process knows what its last answer said. Of several with one key, the smallest counts.
        Recording(name=LEFT, expr=f"min by ({BY_LIMIT}) ({short(f'({left})', BY_LIMIT)})", unit=Unit.RATIO),
    )


def open_work(scope: Scope, source: OpenWorkSource) -> str:
    """PromQL: the ages of open work, under the labels of docs/agents.md."""
    own = _as(_as(scope.of(source.oldest), _AGENT, source.labels.agent), _STATE, source.labels.state)
    return with_label(own, "gen_ai_open_kind", source.kind)


def _judged(scope: Scope, source: GuardrailSource) -> str:
    own = source.labels.decision or "decision"
    vector = _as(scope.rate(source.evaluations), "guardrail", source.labels.guardrail)
    # Every other decision lets a message pass, under whatever name.
    for decision, values in (("allow", (".*",)), (DENY, source.denied), (ERROR, source.failed)):
        if values:
            vector = f'label_replace({vector}, "judged", "{decision}", "{own}", "{"|".join(values)}")'
    return _as(vector, "decision", "judged")


def _left(scope: Scope, source: RateLimitSource) -> str:
    share = f"{scope.of(source.remaining)} / {scope.of(source.limit) if source.limit else source.maximum}"
    labelled = _as(_as(f"({share})", "provider", source.labels.provider), "model", source.labels.model)
    return with_label(labelled, "resource", source.of)


def _limited(vector: str) -> str:
    return _as(vector, "resource", "gen_ai_rate_limit_type")


def _as(vector: str, label: str, source: str | None) -> str:
    """``vector`` with ``label`` copied from ``source``, if there is one."""
    return f'label_replace({vector}, "{label}", "$1", "{source}", "(.+)")' if source else vector


_OF_GUARDRAIL = "{{ $labels.guardrail }} of {{ $labels.service }}"
BLOCKS_RISING = Alert(
    name="AgentGuardrailBlocksRising",
    # At least 1 % the day before, of which any share would be a multiple of nothing.
    value=f"{DENIED} / clamp_min(avg_over_time({DENIED}[1d] offset 1h), 0.01)",
    above={Severity.WARNING: 3},  # an unusual day doubles it; more is an attack, or a new prompt or model
    and_=f"{DENIED} > 0.05 and {enough(EVALUATIONS, BY_GUARDRAIL)}",  # one message in twenty: users notice
    for_=SOON,
    summary="A guardrail stops many more messages than the day before.",
    description=f"{_OF_GUARDRAIL} stops {{{{ $value | humanize }}}} times as many of the messages as the day before.",
    dashboard=AGENTS_QUALITY,
)
CANNOT_JUDGE = Alert(
    name="AgentGuardrailFailing",
    value=UNJUDGED,
    above={Severity.WARNING: 0.05},  # of the messages: they pass unchecked, or none of them gets an answer
    and_=enough(EVALUATIONS, BY_GUARDRAIL),
    unit=Unit.RATIO,
    for_=SOON,
    summary="A guardrail of an agent cannot judge messages.",
    description=f"{_OF_GUARDRAIL} fails on {{{{ $value | humanizePercentage }}}} of the messages.",
    dashboard=AGENTS_QUALITY,
    runbook=BLOCKS_RISING.name,
)
NEARLY_LIMITED = Alert(
    name="ModelRateLimitNearlyUsed",
    value=LEFT,
    # Limits are per minute and fill up again: below a tenth for minutes, the next burst is refused.
    below={Severity.WARNING: 0.1},
    unit=Unit.RATIO,
    for_=SOON,
    keep_firing_for=Duration.parse("15m"),  # agents that wait for the limit ask again together
    summary="The rate limit of a model is nearly used up.",
    description="{{ $labels.service }} has {{ $value | humanizePercentage }} of its limit of {{ $labels.resource }}"
    " left for {{ $labels.model }} ({{ $labels.provider }}).",
    dashboard=AGENTS_LLM,
    runbook=RATE_LIMITED.name,
)
ALERTS = (BLOCKS_RISING, CANNOT_JUDGE, NEARLY_LIMITED)
INHIBITIONS = (
    # Requests that are refused already say that the limit is used up.
    Inhibition(
        source={"alertname": RATE_LIMITED.name},
        target={"alertname": NEARLY_LIMITED.name},
        equal=tuple(PROVIDER_MODEL.split(", ")),
    ),
    Inhibition(
        source={"alertname": CANNOT_JUDGE.name},
        target={"alertname": BLOCKS_RISING.name},
        equal=tuple(BY_GUARDRAIL.split(", ")),
    ),
)
