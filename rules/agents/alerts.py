"""Alerts on agents, their models and their tools; comments give the reason for each number."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Inhibition, Severity
from model.slo import Symptom
from rules.agents.promql import ENOUGH, MODEL, PLACE, WINDOW, counted, events, fraction
from rules.agents.recordings import (
    CALLS_BUCKETS,
    CALLS_PER_RUN,
    REQUEST_BUCKETS,
    REQUEST_ERRORS,
    REQUEST_P95,
    REQUESTS,
    RUN_BUCKETS,
    RUN_ERRORS,
    RUN_P95,
    RUNS,
    SERVICE,
    TOKENS,
    TOOL,
    TOOL_BUCKETS,
    TOOL_CALLS,
    TOOL_ERRORS,
    TOOL_P95,
    TTFT_BUCKETS,
    TTFT_P95,
)
from rules.agents.uids import AGENTS_LLM, AGENTS_TOOLS

SOON = Duration.parse("5m")
"""`for` of alerts on ratios over half an hour. The ratios move slowly; this ignores one bad evaluation after a gap."""
WHILE = Duration.parse("15m")
"""`for` of alerts on latencies. A shorter peak is over before anybody has opened the dashboard."""
PROVIDER_MODEL = "cluster, environment, provider, model"


def enough(rate: str, by: str) -> str:
    """PromQL: at least ENOUGH events within WINDOW, from a recorded rate."""
    return f"{counted(rate, by)} >= {ENOUGH}"


def enough_seen(buckets: str, by: str) -> str:
    """PromQL: at least ENOUGH events within WINDOW, from recorded buckets."""
    return f"{events(buckets, by)} >= {ENOUGH}"


RUNS_FAILING = Alert(
    name="AgentRunsFailing",
    value=RUN_ERRORS,
    # 5 %: users notice one failure in twenty. 20 %: retries no longer hide the failures.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.2},
    and_=enough(RUNS, PLACE),
    unit=Unit.RATIO,
    for_=SOON,
    labels={"symptom": Symptom.ERRORS.value},
    summary="Agent runs are failing.",
    description="{{ $labels.agent }} of {{ $labels.service }} fails {{ $value | humanizePercentage }} of its runs.",
)
REQUESTS_FAILING = Alert(
    name="ModelRequestsFailing",
    value=REQUEST_ERRORS,
    # The same as for runs: the client's own retries are not counted as failures.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.2},
    and_=enough(REQUESTS, MODEL),
    unit=Unit.RATIO,
    for_=SOON,
    summary="Requests to a model are failing.",
    description="{{ $value | humanizePercentage }} of the requests of {{ $labels.agent }} to {{ $labels.model }}"
    " ({{ $labels.provider }}) fail.",
    dashboard=AGENTS_LLM,
)

_LATELY = Duration.parse("10m")
_SUCCEEDED = counted(f'{REQUESTS}{{error_type=""}}', PROVIDER_MODEL, _LATELY)
UNAVAILABLE = Alert(
    name="ModelUnavailable",
    # All errors count: an expired key is as much of an outage as a provider that is down.
    value=counted(f'{REQUESTS}{{error_type!=""}}', PROVIDER_MODEL, _LATELY),
    above={Severity.CRITICAL: 5},  # failures in ten minutes: one agent that retries has five soon
    unless=f"{_SUCCEEDED} > 0",
    for_=Duration.parse("1m"),  # the expression already covers ten minutes
    keep_firing_for=Duration.parse("10m"),  # agents that back off send few requests
    summary="No request to a model succeeds.",
    description="All {{ $value | humanize }} requests to {{ $labels.model }} ({{ $labels.provider }}) failed"
    " in ten minutes.",
    dashboard=AGENTS_LLM,
)

LIMITED = 'error_type=~"(?i).*(429|rate.?limit|too.?many.?requests|throttl|resource.?exhausted|quota).*"'
RATE_LIMITED = Alert(
    name="ModelRateLimited",
    value=f"{counted(f'{REQUESTS}{{{LIMITED}}}', PROVIDER_MODEL)} / {counted(REQUESTS, PROVIDER_MODEL)}",
    # Clients wait and retry, so this is no outage. At one request in twenty users notice the waiting.
    above={Severity.WARNING: 0.05},
    and_=enough(REQUESTS, PROVIDER_MODEL),
    unit=Unit.RATIO,
    for_=SOON,
    keep_firing_for=Duration.parse("15m"),  # limits are per minute, and waiting agents retry together
    summary="A provider rejects requests because of its rate limit.",
    description="{{ $labels.provider }} rate-limits {{ $value | humanizePercentage }} of the requests to"
    " {{ $labels.model }}.",
    dashboard=AGENTS_LLM,
)

SLOW_MODEL = Alert(
    name="SlowModelResponses",
    value=REQUEST_P95,
    # A long answer (2000 tokens at 70 per second) takes half a minute. Clients begin to time out at 60 s. The last
    # bucket ends at 81.92 s, so a quantile cannot be larger than that.
    above={Severity.WARNING: 30, Severity.CRITICAL: 60},
    and_=enough_seen(REQUEST_BUCKETS, MODEL),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="A model answers slowly.",
    description="One in twenty requests of {{ $labels.agent }} to {{ $labels.model }} ({{ $labels.provider }}) takes"
    " longer than {{ $value | humanizeDuration }}.",
    dashboard=AGENTS_LLM,
)
SLOW_FIRST_TOKEN = Alert(
    name="SlowTimeToFirstToken",
    value=TTFT_P95,
    above={Severity.WARNING: 5},  # seconds: users who see nothing for longer begin to send the request again
    and_=enough_seen(TTFT_BUCKETS, MODEL),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="A model is slow to start its answers.",
    description="One in twenty answers of {{ $labels.model }} ({{ $labels.provider }}) to {{ $labels.agent }} begins"
    " after more than {{ $value | humanizeDuration }}.",
    dashboard=AGENTS_LLM,
    runbook="SlowModelResponses",
)
SLOW_RUNS = Alert(
    name="SlowAgentExecutions",
    value=RUN_P95,
    # Most HTTP callers give up within a minute. There is no critical threshold: slow is not down, and the last bucket
    # of the older convention ends at 81.92 s.
    above={Severity.WARNING: 60},
    and_=enough_seen(RUN_BUCKETS, PLACE),
    unit=Unit.SECONDS,
    for_=WHILE,
    labels={"symptom": Symptom.LATENCY.value},
    summary="Agent runs are slow.",
    description="One in twenty runs of {{ $labels.agent }} takes longer than {{ $value | humanizeDuration }}.",
)

TOOLS_FAILING = Alert(
    name="AgentToolsFailing",
    value=TOOL_ERRORS,
    # Agents call tools with wrong arguments and then correct them: one failure in ten is common. When half of the calls
    # fail, the tool is down.
    above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.5},
    and_=enough(TOOL_CALLS, TOOL),
    unit=Unit.RATIO,
    for_=SOON,
    summary="Calls to a tool are failing.",
    description="{{ $value | humanizePercentage }} of the calls to {{ $labels.tool }} by {{ $labels.agent }} fail.",
    dashboard=AGENTS_TOOLS,
)
SLOW_TOOLS = Alert(
    name="SlowAgentTools",
    value=TOOL_P95,
    above={Severity.WARNING: 30},  # half of what a whole run may take
    and_=enough_seen(TOOL_BUCKETS, TOOL),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="A tool is slow.",
    description="One in twenty calls to {{ $labels.tool }} by {{ $labels.agent }} takes longer than"
    " {{ $value | humanizeDuration }}.",
    dashboard=AGENTS_TOOLS,
)

_ASKS = f"{SERVICE}, model"
HOUR = Duration.parse("1h")
_DAY_BEFORE = "[1d:5m] offset 1h"  # one sample of a five-minute rate covers all events until the next sample


def _day_before(rate: str) -> str:
    return f"sum by ({_ASKS}) (sum_over_time({rate}{_DAY_BEFORE}))"


HIGH_TOKEN_USAGE = Alert(
    name="HighTokenUsage",
    # Tokens per request: the time of day, weekends and the number of users do not change it.
    value=f"{counted(TOKENS, _ASKS, HOUR)} / {counted(REQUESTS, _ASKS, HOUR)}"
    f" / ({_day_before(TOKENS)} / {_day_before(REQUESTS)})",
    above={Severity.WARNING: 3},  # a longer conversation doubles it; more is a prompt or history out of control
    and_=(
        f"{counted(REQUESTS, _ASKS, HOUR)} >= {ENOUGH}"
        # The day before needs five times as many requests to show what is usual.
        f" and {_day_before(REQUESTS)} * 300 >= {5 * ENOUGH}"
    ),
    for_=WHILE,
    summary="Requests to a model use many more tokens than before.",
    description="A request of {{ $labels.service }} to {{ $labels.model }} uses {{ $value | humanize }} times the"
    " tokens of the day before.",
    dashboard=AGENTS_LLM,
)


def loop_guards(limit: int) -> tuple[Alert, ...]:
    """Alerts on runs with more than ``limit`` model calls."""
    runs, looping = events(CALLS_BUCKETS, PLACE), fraction(str(limit), "+Inf", CALLS_BUCKETS, PLACE)
    return (
        Alert(
            name="AgentRunsLooping",
            value=f"{runs} * {looping}",
            # One run, and five runs. Rates are estimates, so each threshold is half a run lower.
            above={Severity.WARNING: 0.5, Severity.CRITICAL: 4.5},
            keep_firing_for=Duration.parse("15m"),
            summary="Agent runs are in a loop of model calls.",
            description="{{ $labels.agent }} has finished runs with more than"
            f' {limit} model calls: {{{{ $value | printf "%.0f" }}}} within {WINDOW}.',
        ),
        Alert(
            name="AgentCallsPerRunHigh",
            value=CALLS_PER_RUN,
            above={Severity.WARNING: limit},
            for_=WHILE,  # many runs that started together end within this time
            summary="An agent makes too many model calls per finished run.",
            description="{{ $labels.service }} makes {{ $value | humanize }} model calls per finished run.",
            runbook="AgentRunsLooping",
        ),
    )


ALERTS = (
    RUNS_FAILING,
    REQUESTS_FAILING,
    UNAVAILABLE,
    RATE_LIMITED,
    SLOW_MODEL,
    SLOW_FIRST_TOKEN,
    SLOW_RUNS,
    TOOLS_FAILING,
    SLOW_TOOLS,
    HIGH_TOKEN_USAGE,
)
INHIBITIONS = (
    # While no request to a model succeeds, the requests of every agent fail.
    Inhibition(
        source={"alertname": UNAVAILABLE.name},
        target={"alertname": f"{REQUESTS_FAILING.name}|{RATE_LIMITED.name}"},
        equal=tuple(PROVIDER_MODEL.split(", ")),
    ),
    # Twice the daily budget a day is a fast burn of the month as well.
    Inhibition(
        source={"alertname": "AgentDailyBudgetSpent", "severity": "critical"},
        target={"alertname": "AgentMonthlyBudgetBurnsFast"},
        equal=("cluster", "environment"),
    ),
    # The critical alert on the fast burn already says that most of the budget is spent.
    Inhibition(
        source={"alertname": "AgentBudgetBurnsFast", "severity": "critical"},
        target={"alertname": "AgentDailyBudgetSpent", "severity": "warning"},
        equal=("cluster", "environment"),
    ),
)
