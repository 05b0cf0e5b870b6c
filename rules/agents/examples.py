"""What an agent pushes, for the cases: ``billing``, whose agent is the ``planner``, and its model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from model.quantities import Duration
from model.rules import Alert, Severity
from rules.cases import Case, Firing

SETTINGS: Mapping[str, Any] = {
    "namespaces": ["agents", "agents-eu"],
    "budget": {"perDay": 50, "perMonth": 1000},
    "prices": {
        "gpt-4o": {"input": 2.5, "output": 10, "cacheRead": 1.25},
        "embed-small": {"input": 0.02, "output": 0},
    },
    "objectives": {
        "availability": 99,
        "latency": {"objective": 95, "atMost": "60s"},
        "toolSuccess": 95,
        "costPerRun": {"objective": 90, "atMost": 0.5},
    },
}
"""Of the stack on which the cases are tried. Prices and budget are examples, too."""

PROCESS = 'job="billing", instance="i-1", k8s_namespace_name="agents"'
PLANNER = f'{PROCESS}, gen_ai_agent_name="planner"'
ASKS = f'{PLANNER}, gen_ai_operation_name="chat", gen_ai_provider_name="openai", gen_ai_request_model="gpt-4o"'
SEARCHES = f'{PLANNER}, gen_ai_tool_name="search"'

OF_SERVICE = {"namespace": "agents", "service": "billing"}
OF_PLANNER = OF_SERVICE | {"agent": "planner"}
OF_MODEL = {"provider": "openai", "model": "gpt-4o"}
OF_SEARCH = OF_PLANNER | {"tool": "search"}

Series = Mapping[str, str]
LONG = Duration.parse("45m")
"""The window, the longest `for`, and the five minutes in which rates are not whole."""


def growing(per_minute: float, minutes: int = 60) -> str:
    """A counter."""
    return f"0+{per_minute:g}x{minutes}"


def histogram(name: str, labels: str, buckets: Mapping[str, float], minutes: int = 60) -> Series:
    """Its buckets, by their end as a sender spells it, and how many events a minute are in each or one before."""
    return {f'{name}_bucket{{{labels}, le="{end}"}}': growing(count, minutes) for end, count in buckets.items()}


def below(end: float, name: str, labels: str) -> Series:
    """A histogram whose events lie evenly below a bucket's end: the 95th percentile is 95 % of that."""
    return histogram(name, labels, {f"{end:g}": 10, "+Inf": 10})


def outcomes(name: str, labels: str) -> Callable[[float, float], Series]:
    """A counter by ``error_type``, from events and bad ones a minute."""
    return lambda events, bad: {
        f"{name}{{{labels}}}": growing(events - bad),
        f'{name}{{{labels}, error_type="timeout"}}': growing(bad),
    }


def on_ratios(
    alert: Alert, series: Callable[[float, float], Series], labels: Mapping[str, str], says: Callable[[str], str]
) -> tuple[Case, ...]:
    """An alert on a share of events: above and just below each line, and on too few events to say."""

    def case(when: str, percent: int, quiet: tuple[Severity, ...]) -> Case:
        fires = [severity for severity, line in alert.thresholds.items() if percent > line * 100]
        shown = f"{percent}%"
        firing = tuple(Firing(severity=each, labels=labels, description=says(shown), value=shown) for each in fires)
        return Case(alert=alert.name, when=when, series=series(100, percent), at=LONG, firing=firing, quiet=quiet)

    cases = []
    for severity, line in alert.thresholds.items():
        percent = int(line * 100)
        cases.append(case(f"more than {percent} % fails", percent + 1, ()))
        cases.append(case(f"hardly {percent} % fails", percent - 1, (severity,)))
    # 18 in half an hour.
    few = Case(alert=alert.name, when="a few fail, all there are", series=series(0.6, 0.6), at=LONG)
    return (*cases, few)


def on_latencies(
    alert: Alert, series: Callable[[float], Series], labels: Mapping[str, str], says: Callable[[str], str]
) -> tuple[Case, ...]:
    """An alert on a 95th percentile, which is 95 % of the bucket's end that all lie below."""

    def case(end: float, quiet: tuple[Severity, ...]) -> Case:
        shown = _duration(0.95 * end)
        fires = [severity for severity, line in alert.thresholds.items() if 0.95 * end > line]
        firing = tuple(Firing(severity=each, labels=labels, description=says(shown), value=shown) for each in fires)
        when = f"one in twenty takes longer than {shown}"
        return Case(alert=alert.name, when=when, series=series(end), at=LONG, firing=firing, quiet=quiet)

    cases = []
    for severity, line in alert.thresholds.items():
        cases.append(case(float(line) * 1.1, ()))
        cases.append(case(float(line) * 1.05, (severity,)))
    return tuple(cases)


def _duration(seconds: float) -> str:
    """As Prometheus spells it, below an hour."""
    return f"{seconds:.4g}s" if seconds < 60 else f"{seconds // 60:.0f}m {int(seconds % 60)}s"
