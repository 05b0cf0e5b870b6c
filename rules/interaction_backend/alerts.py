"""Alerts on interaction backends; comments give the reason for each number."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Inhibition, Severity
from model.slo import Symptom
from rules.agents.promql import ENOUGH, MODEL, counted
from rules.agents.recordings import REQUEST_P95, REQUESTS
from rules.interaction_backend import recordings as recorded
from rules.interaction_backend.contract import VALUES
from rules.interaction_backend.recordings import BY_CACHE, BY_GUARDRAIL, BY_TARGET, share
from rules.services.labels import SERVICE

_SOON, _WHILE = Duration.parse("5m"), Duration.parse("15m")
_WHO = "{{ $labels.service }}"
_OF_GUARDRAIL, _OF_CACHE = (f"{{{{ $labels.{label} }}}} of {_WHO}" for label in ("guardrail", "cache"))
_FAILS, _IS_SLOW = ({"symptom": symptom.value} for symptom in (Symptom.ERRORS, Symptom.LATENCY))


def _enough(rate: str, by: str, least: float = 0.2) -> str:
    """PromQL: at least so many events per second. The default is 60 in five minutes, of which 5 % are three."""
    return f"sum by ({by}) ({rate}) > {least:g}"


def _day_before(recording: str) -> str:
    """PromQL: the mean of an hour, a day ago."""
    return f"avg_over_time({recording}[1h] offset 1d)"


def _usual(recording: str, compares: str) -> str:
    """PromQL: it is the same each week, like a Monday after a Sunday. In the first week nothing is."""
    return f"{recording} {compares} * avg_over_time({recording}[1h] offset 1w)"


STREAMS_FAILING = Alert(
    name="InteractionStreamsFailing",
    # A refused request is its client's mistake.
    value=share(recorded.STREAMS, SERVICE, 'outcome="error"', 'outcome!="refused"'),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.02, Severity.CRITICAL: 0.05},  # one in twenty: users notice, and retries do not hide it
    and_=_enough(recorded.STREAMS, SERVICE),
    for_=_SOON,
    labels=_FAILS,
    summary="Event streams fail.",
    description=f"{_WHO} fails {{{{ $value | humanizePercentage }}}} of its event streams.",
)
_COMPLETED = counted(f'{recorded.STREAMS}{{outcome="completed"}}', SERVICE, Duration.parse("10m"))
UNAVAILABLE = Alert(
    name="InteractionUnavailable",
    value=counted(f'{recorded.STREAMS}{{outcome="error"}}', SERVICE, Duration.parse("10m")),
    above={Severity.CRITICAL: 5},  # in ten minutes: a backend with few users has no ratio, and is down all the same
    unless=f"{_COMPLETED} > 0",
    for_=Duration.parse("1m"),  # the expression covers ten minutes
    labels=_FAILS,
    summary="No event stream succeeds.",
    description=f"All {{{{ $value | humanize }}}} event streams of {_WHO} failed in ten minutes.",
    runbook="InteractionStreamsFailing",
)
SLOW_FIRST_EVENT = Alert(
    name="InteractionFirstEventSlow",
    value=recorded.FIRST_P99,
    unit=Unit.SECONDS,
    above={Severity.WARNING: 2, Severity.CRITICAL: 5},  # after two, people think that it hangs; after five they leave
    and_=_enough(recorded.STREAMS, SERVICE, 1),  # 300 in five minutes, of which 1 % are three
    for_=_SOON,
    labels=_IS_SLOW,
    summary="The slowest event streams start very late.",
    description=f"One in a hundred streams of {_WHO} has its first event after {{{{ $value | humanizeDuration }}}}.",
    runbook="InteractionLatencyRising",
)
LATENCY_RISING = Alert(
    name="InteractionLatencyRising",
    value=f"{recorded.FIRST_P95} / {_day_before(recorded.FIRST_P95)}",
    above={Severity.WARNING: 2},  # a smaller change may be due to other requests
    # Half a second: below that nobody notices a doubled latency.
    and_=f"{recorded.FIRST_P95} > 0.5 and {_enough(recorded.STREAMS, SERVICE)}",
    unless=_usual(recorded.FIRST_P95, "<= 2"),
    for_=_WHILE,
    labels=_IS_SLOW,
    summary="Event streams start much later than the day before.",
    description=f"The first events of {_WHO} take {{{{ $value | humanize }}}} times as long as the day before.",
)
MODEL_LATENCY_RISING = Alert(
    name="InteractionModelLatencyRising",
    value=f"{REQUEST_P95} / {_day_before(REQUEST_P95)}",
    above={Severity.WARNING: 2},  # as above; longer answers alone seldom double it
    and_=f"{REQUEST_P95} > 5 and {counted(REQUESTS, MODEL)} >= {ENOUGH}",  # seconds: a short answer takes as long
    unless=_usual(REQUEST_P95, "<= 2"),
    for_=_WHILE,
    summary="A model answers much slower than the day before.",
    description="{{ $labels.model }} ({{ $labels.provider }}) takes {{ $value | humanize }} times as long as the day"
    " before to answer {{ $labels.agent }}.",
    runbook="InteractionLatencyRising",
)
GUARDRAIL_FAILING = Alert(
    name="InteractionGuardrailFailing",
    value=share(recorded.GUARDRAILS, BY_GUARDRAIL, 'decision="error"'),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.05},  # of the messages: they pass unchecked, or none of them gets an answer
    and_=_enough(recorded.GUARDRAILS, BY_GUARDRAIL),
    for_=_SOON,
    summary="A guardrail cannot judge messages.",
    description=f"{_OF_GUARDRAIL} fails on {{{{ $value | humanizePercentage }}}} of the messages.",
)
GUARDRAIL_DENIES = Alert(
    name="InteractionGuardrailDenialsRising",
    # At least 1 % the day before, of which any share would be a multiple of nothing.
    value=f"{recorded.DENIED} / clamp_min({_day_before(recorded.DENIED)}, 0.01)",
    above={Severity.WARNING: 3},  # an unusual day doubles it; more is an attack, or a broken prompt was released
    and_=f"{recorded.DENIED} > 0.05 and {_enough(recorded.GUARDRAILS, BY_GUARDRAIL)}",  # one in twenty: users notice
    unless=_usual(recorded.DENIED, "<= 3"),
    for_=_SOON,
    summary="A guardrail denies many more messages than the day before.",
    description=f"{_OF_GUARDRAIL} denies {{{{ $value | humanize }}}} times as many of the messages as the day before.",
    runbook="InteractionGuardrailFailing",
)
AUTHENTICATION_FAILING = Alert(
    name="InteractionAuthenticationFailing",
    value=share(recorded.AUTHENTICATIONS, SERVICE, 'outcome!="accepted"'),
    unit=Unit.RATIO,
    # Clients renew tokens when one is refused, which is one request in some dozens. The attack of one client is counted
    # by AuthenticationFailures.
    above={Severity.WARNING: 0.3},
    and_=_enough(recorded.AUTHENTICATIONS, SERVICE),
    for_=_SOON,
    summary="Many requests fail to authenticate.",
    description=f"{_WHO} does not accept the identity of {{{{ $value | humanizePercentage }}}} of the requests.",
)
CACHE_HITS_FELL = Alert(
    name="InteractionCacheHitsFell",
    value=f"{recorded.HITS} / ({_day_before(recorded.HITS)} > 0.1)",  # a cache that never hit cannot get worse
    unit=Unit.RATIO,
    # What is behind the cache gets the rest. Each cache has its own usual share, so that alone says nothing.
    below={Severity.WARNING: 0.5},
    and_=_enough(recorded.LOOKUPS, BY_CACHE),
    unless=_usual(recorded.HITS, ">= 0.5"),
    for_=_WHILE,  # a cache that was emptied is warm again
    summary="A cache misses far more often than the day before.",
    description=f"{_OF_CACHE} hits {{{{ $value | humanizePercentage }}}} as often as the day before.",
)
CACHE_SLOW = Alert(
    name="InteractionCacheSlow",
    value=f"{recorded.CACHE_P95} / {_day_before(recorded.CACHE_P95)}",
    above={Severity.WARNING: 2},  # as for the first event
    and_=f"{recorded.CACHE_P95} > 0.05 and {_enough(recorded.LOOKUPS, BY_CACHE)}",  # 50 ms: less is lost in the rest
    unless=_usual(recorded.CACHE_P95, "<= 2"),
    for_=_WHILE,
    summary="A cache is much slower than the day before.",
    description=f"Lookups in {_OF_CACHE} take {{{{ $value | humanize }}}} times as long as the day before.",
    runbook="InteractionCacheHitsFell",
)
CREDENTIALS_FAILING = Alert(
    name="InteractionCredentialsFailing",
    value=recorded.NOT_LOADED,
    # Three in a quarter of an hour, which replaces `for`: once may be a pod that starts. The rate is an estimate, which
    # says 2.1 of two, so the threshold is half of one lower.
    above={Severity.WARNING: 2.5},
    summary="A tool's credentials are missing or refused.",
    description=f"{_WHO} got no valid credentials for {{{{ $labels.tool }}}} {{{{ $value | humanize }}}} times in 15"
    " minutes.",
)
DELEGATIONS_FAILING = Alert(
    name="InteractionDelegationsFailing",
    value=recorded.DELEGATION_ERRORS,
    above={Severity.WARNING: 0.1},  # as for a dependency: one in twenty is hidden by retries
    and_=f"{counted(recorded.DELEGATIONS, BY_TARGET)} >= {ENOUGH}",
    unit=Unit.RATIO,
    for_=_SOON,
    summary="Another agent fails the tasks that it gets.",
    description=f"{{{{ $labels.target }}}} fails {{{{ $value | humanizePercentage }}}} of the tasks of {_WHO}.",
)
DELEGATIONS_SLOW = Alert(
    name="InteractionDelegationsSlow",
    value=recorded.DELEGATION_P95,
    above={Severity.WARNING: 60},  # as for a run: most callers give up within a minute
    and_=f"{counted(recorded.DELEGATIONS, BY_TARGET)} >= {ENOUGH}",
    unit=Unit.SECONDS,
    for_=_WHILE,
    summary="Another agent is slow.",
    description=f"One in twenty tasks of {_WHO} takes {{{{ $labels.target }}}} longer than"
    " {{ $value | humanizeDuration }}.",
    runbook="InteractionDelegationsFailing",
)
ATTRIBUTION_OVERFLOWS = Alert(
    name="InteractionAttributionOverflow",
    value=recorded.VALUES_COUNT,
    above={Severity.WARNING: VALUES},
    for_=_WHILE,
    summary="Tokens are attributed to too many values.",
    description=f"{_WHO} counts tokens of {{{{ $value }}}} values of {{{{ $labels.dimension }}}}; all beyond"
    f" {VALUES} are other.",
    runbook="InteractionTokenBudgetSpent",
)
_OF_BUDGET = "the tokens of {{ $labels.dimension }} {{ $labels.value }} for the last {{ $labels.period }}"
NEAR_BUDGET = Alert(
    name="InteractionTokensNearBudget",
    value=recorded.BUDGET_USED,
    above={Severity.WARNING: 0.8},  # there is still time to act
    unit=Unit.RATIO,
    for_=_SOON,
    summary="Most of a token budget is used.",
    description=f"{_WHO} used {{{{ $value | humanizePercentage }}}} of {_OF_BUDGET}.",
    runbook="InteractionTokenBudgetSpent",
)
BUDGET_SPENT = Alert(
    name="InteractionTokenBudgetSpent",
    value=recorded.BUDGET_USED,
    above={Severity.WARNING: 1},  # a ticket: somebody decides by day, and nothing is down
    unit=Unit.RATIO,
    for_=_SOON,
    summary="A token budget is used up.",
    description=f"{_WHO} used {{{{ $value | humanizePercentage }}}} of {_OF_BUDGET}.",
)
OF_STREAMS = (STREAMS_FAILING, UNAVAILABLE, SLOW_FIRST_EVENT, LATENCY_RISING)
OF_PARTS = (
    *(GUARDRAIL_FAILING, GUARDRAIL_DENIES, AUTHENTICATION_FAILING, CACHE_HITS_FELL, CACHE_SLOW, CREDENTIALS_FAILING),
    *(DELEGATIONS_FAILING, DELEGATIONS_SLOW),
)
OF_BUDGETS = (NEAR_BUDGET, BUDGET_SPENT)
_SERVICE, _PLACE = tuple(SERVICE.split(", ")), ("cluster", "environment")


def _mutes(source: str, *targets: str | Alert, of: tuple[str, ...] = _SERVICE, **matchers: str) -> Inhibition:
    names = "|".join(each if isinstance(each, str) else each.name for each in targets)
    return Inhibition(source={"alertname": source, **matchers}, target={"alertname": names}, equal=of)


INHIBITIONS = (
    # One outage, one page: the cause mutes its effects.
    _mutes("ServiceDown", *OF_STREAMS, *OF_PARTS, severity="critical"),
    # The team is the same: it is paged about the model.
    _mutes("ModelUnavailable", *OF_STREAMS, MODEL_LATENCY_RISING, of=_PLACE),
    _mutes("ModelRequestsFailing", *OF_STREAMS, severity="critical"),
    _mutes(UNAVAILABLE.name, STREAMS_FAILING, SLOW_FIRST_EVENT, LATENCY_RISING),
    _mutes(SLOW_FIRST_EVENT.name, LATENCY_RISING),
    _mutes("SlowModelResponses", MODEL_LATENCY_RISING, of=tuple(MODEL.split(", "))),
    _mutes(GUARDRAIL_FAILING.name, GUARDRAIL_DENIES, of=tuple(BY_GUARDRAIL.split(", "))),
    # Which count the same messages.
    _mutes(GUARDRAIL_FAILING.name, "AgentGuardrailFailing", of=tuple(BY_GUARDRAIL.split(", "))),
    _mutes(GUARDRAIL_DENIES.name, "AgentGuardrailBlocksRising", of=tuple(BY_GUARDRAIL.split(", "))),
    _mutes(CREDENTIALS_FAILING.name, "AgentToolsFailing", of=(*_SERVICE, "tool"), severity="warning"),
    _mutes(DELEGATIONS_FAILING.name, DELEGATIONS_SLOW, of=tuple(BY_TARGET.split(", "))),
    # Which count the same requests by their spans, without their target and namespace.
    _mutes(DELEGATIONS_FAILING.name, "A2aRequestsFailing", of=(*_PLACE, "service")),
    _mutes(DELEGATIONS_SLOW.name, "SlowA2aRequests", of=(*_PLACE, "service")),
    _mutes(BUDGET_SPENT.name, NEAR_BUDGET, of=(*_SERVICE, "dimension", "value", "period")),
)
