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
"""Of ratios over half an hour, which move slowly: one bad evaluation after a gap is not believed."""
WHILE = Duration.parse("15m")
"""Of latencies: nobody acts on a wave that is over before they have opened the dashboard."""
PROVIDER_MODEL = "cluster, environment, provider, model"


def enough(rate: str, by: str) -> str:
    """PromQL: enough traffic for a ratio."""
    return f"{counted(rate, by)} >= {ENOUGH}"


def enough_seen(buckets: str, by: str) -> str:
    """The same for recorded buckets."""
    return f"{events(buckets, by)} >= {ENOUGH}"


RUNS_FAILING = Alert(
    name="AgentRunsFailing",
    value=RUN_ERRORS,
    # 5 %: one in twenty, which users tell each other about; 20 %: what no retry hides any more.
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
    # As for runs: a client's own retries have already been taken off.
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
    above={Severity.CRITICAL: 5},  # failures in ten minutes: a single agent that tries again has five soon
    unless=f"{_SUCCEEDED} > 0",
    for_=Duration.parse("1m"),  # the ten minutes are the patience
    keep_firing_for=Duration.parse("10m"),  # agents that back off ask rarely
    summary="No request to a model succeeds.",
    description="All {{ $value | humanize }} requests of ten minutes to {{ $labels.model }} ({{ $labels.provider }})"
    " have failed.",
    dashboard=AGENTS_LLM,
)

LIMITED = 'error_type=~"(?i).*(429|rate.?limit|too.?many.?requests|throttl|resource.?exhausted|quota).*"'
RATE_LIMITED = Alert(
    name="ModelRateLimited",
    value=f"{counted(f'{REQUESTS}{{{LIMITED}}}', PROVIDER_MODEL)} / {counted(REQUESTS, PROVIDER_MODEL)}",
    # Clients wait and try again, so this is no outage: at one in twenty waiting is what users notice.
    above={Severity.WARNING: 0.05},
    and_=enough(REQUESTS, PROVIDER_MODEL),
    unit=Unit.RATIO,
    for_=SOON,
    keep_firing_for=Duration.parse("15m"),  # limits are per minute, and agents that wait come back together
    summary="A provider limits the rate of requests.",
    description="{{ $labels.provider }} refuses {{ $value | humanizePercentage }} of the requests to"
    " {{ $labels.model }} for their rate.",
    dashboard=AGENTS_LLM,
)

SLOW_MODEL = Alert(
    name="SlowModelResponses",
    value=REQUEST_P95,
    # A long answer, 2000 tokens at 70 a second, takes half a minute. At 60 s clients' timeouts begin; and past 81.92 s,
    # where the buckets end, a quantile cannot rise.
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
    above={Severity.WARNING: 5},  # seconds before anything is seen: people who wait begin to send it again
    and_=enough_seen(TTFT_BUCKETS, MODEL),
    unit=Unit.SECONDS,
    for_=WHILE,
    summary="A model takes long to begin its answers.",
    description="One in twenty answers of {{ $labels.model }} ({{ $labels.provider }}) to {{ $labels.agent }} begins"
    " after more than {{ $value | humanizeDuration }}.",
    dashboard=AGENTS_LLM,
    runbook="SlowModelResponses",
)
SLOW_RUNS = Alert(
    name="SlowAgentExecutions",
    value=RUN_P95,
    # A minute: longer than a caller over HTTP waits. Not critical, since slow is not down; and past 81.92 s the older
    # convention's histogram says no more.
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
    # Agents call tools with wrong arguments and correct that themselves: one in ten is common. Half is a tool that is
    # down.
    above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.5},
    and_=enough(TOOL_CALLS, TOOL),
    unit=Unit.RATIO,
    for_=SOON,
    summary="Calls of a tool are failing.",
    description="{{ $value | humanizePercentage }} of the calls of {{ $labels.tool }} by {{ $labels.agent }} fail.",
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
    description="One in twenty calls of {{ $labels.tool }} by {{ $labels.agent }} takes longer than"
    " {{ $value | humanizeDuration }}.",
    dashboard=AGENTS_TOOLS,
)

_ASKS = f"{SERVICE}, model"
HOUR = Duration.parse("1h")
_DAY_BEFORE = "[1d:5m] offset 1h"  # a rate over five minutes has said all by the next


def _day_before(rate: str) -> str:
    return f"sum by ({_ASKS}) (sum_over_time({rate}{_DAY_BEFORE}))"


HIGH_TOKEN_USAGE = Alert(
    name="HighTokenUsage",
    # Per request, so that neither the hour of the day nor a weekend nor more users move it.
    value=f"{counted(TOKENS, _ASKS, HOUR)} / {counted(REQUESTS, _ASKS, HOUR)}"
    f" / ({_day_before(TOKENS)} / {_day_before(REQUESTS)})",
    above={Severity.WARNING: 3},  # a longer conversation doubles it; three times is a prompt or a history out of hand
    and_=(
        f"{counted(REQUESTS, _ASKS, HOUR)} >= {ENOUGH}"
        # What "usual" is takes more requests than one judgement: five times as many.
        f" and {_day_before(REQUESTS)} * 300 >= {5 * ENOUGH}"
    ),
    for_=WHILE,
    summary="Requests to a model use many more tokens than before.",
    description="A request of {{ $labels.service }} to {{ $labels.model }} uses {{ $value | humanize }} times the"
    " tokens of the day before.",
    dashboard=AGENTS_LLM,
)


def loop_guards(limit: int) -> tuple[Alert, ...]:
    """Of runs with more than ``limit`` calls of a model."""
    runs, looping = events(CALLS_BUCKETS, PLACE), fraction(str(limit), "+Inf", CALLS_BUCKETS, PLACE)
    return (
        Alert(
            name="AgentRunsLooping",
            value=f"{runs} * {looping}",
            # One run, and five. Rates are estimates: halves keep a whole run on its side.
            above={Severity.WARNING: 0.5, Severity.CRITICAL: 4.5},
            keep_firing_for=Duration.parse("15m"),
            summary="Agent runs call their model again and again.",
            description="{{ $labels.agent }} has finished runs with more than"
            f' {limit} calls of a model: {{{{ $value | printf "%.0f" }}}} within {WINDOW}.',
        ),
        Alert(
            name="AgentCallsPerRunHigh",
            value=CALLS_PER_RUN,
            above={Severity.WARNING: limit},
            for_=WHILE,  # many runs that have begun together end within the quarter of an hour
            summary="An agent calls its model more often than it finishes runs.",
            description="{{ $labels.service }} calls models {{ $value | humanize }} times per run that it finishes.",
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
    # A model that is gone fails each agent's requests.
    Inhibition(
        source={"alertname": UNAVAILABLE.name},
        target={"alertname": f"{REQUESTS_FAILING.name}|{RATE_LIMITED.name}"},
        equal=tuple(PROVIDER_MODEL.split(", ")),
    ),
    # The alert on the fast burn already says that most of the budget is gone.
    Inhibition(
        source={"alertname": "AgentBudgetBurnsFast", "severity": "critical"},
        target={"alertname": "AgentDailyBudgetSpent", "severity": "warning"},
        equal=("cluster", "environment"),
    ),
)
