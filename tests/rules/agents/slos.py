"""The objectives of agents by example, on the recorded series that they read."""

from __future__ import annotations

from functools import partial

from rules.agents.settings import EXAMPLE
from rules.agents.slos import slos
from tests.rules.agents.subjects import FAILED, LONG, OF_PLANNER, OF_SERVICE
from tests.rules.examples import Example, Series, example, gauges, metric, of
from tests.rules.objectives import SAMPLES, objective


def _outcomes(rate: str, events: int, bad: int) -> Series:
    return gauges({metric(rate, OF_PLANNER): events - bad, metric(rate, OF_PLANNER, FAILED): bad}, SAMPLES)


def _times(events: int, bad: int) -> Series:
    """Of two agents, one of each generation, whose buckets end elsewhere; and of one that rests."""
    runs, half = "agent:run_duration_seconds_bucket:rate5m", events // 2
    in_time = half if bad < events else bad  # a rate that falls below 0 is taken from the other's
    other, resting = OF_PLANNER | {"agent": "critic"}, OF_PLANNER | {"agent": "sleeper"}
    return gauges(
        {
            metric(runs, OF_PLANNER, le="40.96"): in_time - bad,
            metric(runs, OF_PLANNER, le="60"): in_time - bad,
            metric(runs, OF_PLANNER, le="81.92"): half,
            metric(runs, OF_PLANNER, le="+Inf"): half,
            metric(runs, other, le="51.2"): half if bad < events else 0,
            metric(runs, other, le="102.4"): half,
            metric(runs, other, le="+Inf"): half,
            metric(runs, resting, le="51.2"): 0,
            metric(runs, resting, le="+Inf"): 0,
        },
        SAMPLES,
    )


def _costs(minutes: int, dear: int) -> Series:
    """A service each, of which some are too dear, and all others just not."""
    cost = "service:cost_per_successful_run:ratio1h"
    usd = {metric(cost, OF_SERVICE, service=str(n)): 0.51 if n < dear else 0.5 for n in range(minutes)}
    return gauges(usd, SAMPLES)


_RUNS, _LATENCY, _TOOLS, _COST = slos(EXAMPLE.objectives)


def _recorded(of_: str, rule: str, when: str, series: Series, result: float) -> Example:
    return example(when, rule, group=f"slo-agent-{of_}", series=series, at=LONG, gives={of(): result})


EXAMPLES = (
    *objective(_RUNS, partial(_outcomes, "agent:runs:rate5m")),
    *objective(_LATENCY, _times),
    *objective(_TOOLS, partial(_outcomes, "agent:tool_calls:rate5m")),
    *objective(_COST, _costs, events=100),
    _recorded("runs", "slo:errors:rate5m", "no run has failed", _outcomes("agent:runs:rate5m", 60, 0), 0),
    _recorded("latency", "slo:events:rate5m", "two agents run, and one rests", _times(64, 8), 64),
    _recorded("latency", "slo:errors:rate5m", "an eighth of the runs ends late", _times(64, 8), 8),
    _recorded("latency", "slo:errors:rate5m", "all runs end in time", _times(64, 0), 0),
)
