"""Work that does not proceed: runs that hang, waiting approvals and tasks, retries, contexts that are full.

The conventions define no metric of open work or of contexts; docs/agents.md does. Spans arrive only when they end, so
they cannot show what is open.
"""

from __future__ import annotations

from model.metrics import PUSHED, Metrics, Unit
from model.quantities import Duration
from model.rules import Alert, Inhibition, Recording, Severity
from rules.agents import mapping
from rules.agents.alerts import SOON, WHILE, enough_seen
from rules.agents.promql import MODEL, PLACE, counted, fraction, short
from rules.agents.recordings import REQUESTS, RUNS, SERVICE
from rules.agents.uids import AGENTS_QUALITY
from rules.rates import Scope

_PUSHED = Metrics(PUSHED)
_AGENT = "gen_ai_agent_name"
OLDEST = _PUSHED.gauge(mapping.OLDEST, f"{_AGENT} gen_ai_open_kind a2a_task_state", Unit.SECONDS)
FILLED = _PUSHED.histogram(
    "gen_ai_client_context_utilization", f"{_AGENT} gen_ai_provider_name gen_ai_request_model", Unit.RATIO
)
COMPACTED = _PUSHED.counter("gen_ai_agent_context_compactions_total", _AGENT)
METRICS = (OLDEST, FILLED, COMPACTED)

RUN, APPROVAL, TASK = "run", "approval", "a2a_task"
"""Values of the attribute ``gen_ai.open.kind``."""
OPEN = "agent:oldest_open_seconds:max"
FILLED_BUCKETS = "agent:context_utilization_bucket:rate5m"
COMPACTIONS = "agent:context_compactions:rate5m"
BY_KIND = f"{PLACE}, kind, state"

FULL = 0.9
"""Share of the context window from which a request has too little room: a tenth is needed for a long answer."""
NEARLY_FULL = fraction(f"{FULL:g}", "+Inf", FILLED_BUCKETS, MODEL)
_COMPACTIONS_COUNTED = counted(COMPACTIONS, PLACE)
PER_RUN = f"{_COMPACTIONS_COUNTED} / clamp_min({counted(RUNS, PLACE)}, 1)"
_FAILED = counted(f'{REQUESTS}{{error_type!=""}}', SERVICE)
FAILURES_PER_RUN = f"{_FAILED} / clamp_min({counted(RUNS, SERVICE)}, 1)"


def recordings(scope: Scope, mapped: tuple[str, ...] = ()) -> tuple[Recording, ...]:
    """``mapped`` is PromQL of ages under other names."""

    def summed(name: str, rate: str, by: str) -> Recording:
        return Recording(name=name, expr=f"sum by ({by}) ({short(rate, by)})")

    oldest = short(f"({' or '.join((scope.of(OLDEST.name), *mapped))})" if mapped else scope.of(OLDEST.name), BY_KIND)
    return (
        Recording(name=OPEN, expr=f"max by ({BY_KIND}) ({oldest})", unit=Unit.SECONDS),
        summed(FILLED_BUCKETS, scope.buckets(FILLED.name), f"{MODEL}, le"),
        summed(COMPACTIONS, scope.rate(COMPACTED.name), PLACE),
    )


def _waits(name: str, kind: str, hours: float, summary: str, description: str, runbook: str = "") -> Alert:
    # No `for`: the value is a time already. It is 0 once nothing is open, which ends the alert.
    return Alert(
        name=name,
        value=f'{OPEN}{{kind="{kind}"}}',
        above={Severity.WARNING: hours * 3600},
        unit=Unit.SECONDS,
        summary=summary,
        description=description,
        dashboard=AGENTS_QUALITY,
        runbook=runbook,
    )


HANGS = _waits(
    "AgentRunHangs",
    RUN,
    # Clients wait for a model for ten minutes at most by default, and for tools less.
    0.25,
    "An agent's run hangs.",
    "{{ $labels.agent }} of {{ $labels.service }} has a run without a step for {{ $value | humanizeDuration }}.",
)
UNAPPROVED = _waits(
    "AgentApprovalWaits",
    APPROVAL,
    4,  # half a working day: whoever is asked has seen the question
    "Nobody gives an approval that an agent waits for.",
    "{{ $labels.agent }} of {{ $labels.service }} has waited for an approval for {{ $value | humanizeDuration }}.",
    HANGS.name,
)
STUCK = _waits(
    "A2aTaskStuck",
    TASK,
    1,  # agents take minutes; a task that needs a person is an approval too
    "A task of another agent is stuck in a state.",
    "{{ $labels.agent }} of {{ $labels.service }} has a task that is {{ $labels.state }} for"
    " {{ $value | humanizeDuration }}.",
    HANGS.name,
)
RETRIES = Alert(
    name="AgentRetryStorm",
    value=FAILURES_PER_RUN,
    # Clients make three requests of one that fails. Twice as many are retries of retries, which keep a provider down.
    above={Severity.WARNING: 6},
    and_=f"{_FAILED} >= 60",  # two a minute: a few users who try again are no storm
    for_=SOON,
    keep_firing_for=Duration.parse("15m"),  # clients that back off come back together
    summary="An agent repeats failing requests to models too often.",
    description="{{ $labels.service }} makes {{ $value | humanize }} failing requests to models per finished run.",
    dashboard=AGENTS_QUALITY,
)
NO_ROOM = Alert(
    name="AgentContextNearlyFull",
    value=NEARLY_FULL,
    above={Severity.WARNING: 0.1},  # a few long conversations are normal; one request in ten is a history without limit
    and_=enough_seen(FILLED_BUCKETS, MODEL),
    unit=Unit.RATIO,
    for_=WHILE,
    summary="Requests fill the context window of a model.",
    description="{{ $value | humanizePercentage }} of the requests of {{ $labels.agent }} to {{ $labels.model }} fill"
    f" more than {FULL:.0%} of the context window.",
    dashboard=AGENTS_QUALITY,
)
COMPACTED_AGAIN = Alert(
    name="AgentContextCompactedRepeatedly",
    value=PER_RUN,
    # Each makes room for nearly a whole window. A run with more reads again what was just dropped.
    above={Severity.WARNING: 3},
    and_=f"{_COMPACTIONS_COUNTED} >= 10",  # one long run alone may have some
    for_=SOON,
    summary="An agent compacts its context over and over.",
    description="{{ $labels.agent }} of {{ $labels.service }} compacts its context {{ $value | humanize }} times per"
    " finished run.",
    dashboard=AGENTS_QUALITY,
    runbook=NO_ROOM.name,
)
ALERTS = (HANGS, UNAPPROVED, STUCK, RETRIES, NO_ROOM, COMPACTED_AGAIN)
INHIBITIONS = (
    # Failing requests are model calls of the run too.
    Inhibition(
        source={"alertname": RETRIES.name},
        target={"alertname": "AgentCallsPerRunHigh"},
        equal=tuple(SERVICE.split(", ")),
    ),
)
