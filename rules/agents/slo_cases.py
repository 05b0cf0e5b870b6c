"""The objectives of agents, tried on the recorded series that they read."""

from __future__ import annotations

from collections.abc import Callable

from rules.agents.examples import LONG, SETTINGS, Series
from rules.agents.settings import AgentsSettings
from rules.agents.slos import slos
from rules.cases import Value
from rules.slo_cases import SAMPLES, slo_cases

PLANNER = 'namespace="agents", service="billing", agent="planner"'


def _constant(value: float) -> str:
    return f"{value:g}x{SAMPLES}"


def _outcomes(rate: str) -> Callable[[int, int], Series]:
    return lambda events, bad: {
        f"{rate}{{{PLANNER}}}": _constant(events - bad),
        f'{rate}{{{PLANNER}, error_type="timeout"}}': _constant(bad),
    }


def _times(events: int, bad: int) -> Series:
    """Of two agents, one of each generation, whose buckets end elsewhere; and of one that rests."""
    runs, half = "agent:run_duration_seconds_bucket:rate5m", events // 2
    other, resting = PLANNER.replace("planner", "critic"), PLANNER.replace("planner", "sleeper")
    return {
        f'{runs}{{{PLANNER}, le="40.96"}}': _constant(half - bad),
        f'{runs}{{{PLANNER}, le="60"}}': _constant(half - bad),
        f'{runs}{{{PLANNER}, le="81.92"}}': _constant(half),
        f'{runs}{{{PLANNER}, le="+Inf"}}': _constant(half),
        f'{runs}{{{other}, le="51.2"}}': _constant(half),
        f'{runs}{{{other}, le="102.4"}}': _constant(half),
        f'{runs}{{{other}, le="+Inf"}}': _constant(half),
        f'{runs}{{{resting}, le="51.2"}}': _constant(0),
        f'{runs}{{{resting}, le="+Inf"}}': _constant(0),
    }


def _costs(minutes: int, dear: int) -> Series:
    """A service each, of which some are too dear, and all others just not."""
    cost = "service:cost_per_successful_run:ratio1h"
    return {
        f'{cost}{{namespace="agents", service="{n}"}}': _constant(0.51 if n < dear else 0.5) for n in range(minutes)
    }


_RUNS, _LATENCY, _TOOLS, _COST = slos(AgentsSettings.model_validate(SETTINGS).objectives)

CASES = (
    *slo_cases(_RUNS, _outcomes("agent:runs:rate5m")),
    *slo_cases(_LATENCY, _times),
    *slo_cases(_TOOLS, _outcomes("agent:tool_calls:rate5m")),
    *slo_cases(_COST, _costs, events=100),
)


def _value(group: str, of: str, when: str, series: Series, result: float) -> Value:
    return Value(group=group, of=of, when=when, series=series, at=LONG, results={"": result})


VALUES = (
    _value("slo-agent-runs", "slo:errors:rate5m", "no run has failed", _outcomes("agent:runs:rate5m")(60, 0), 0),
    _value("slo-agent-latency", "slo:events:rate5m", "two agents run, and one rests", _times(64, 8), 64),
    _value("slo-agent-latency", "slo:errors:rate5m", "an eighth of the runs ends late", _times(64, 8), 8),
    _value("slo-agent-latency", "slo:errors:rate5m", "all runs end in time", _times(64, 0), 0),
)
