"""An interaction backend that is well: in a day, two quiet nights and a busier morning, nothing fires."""

from __future__ import annotations

from itertools import accumulate
from pathlib import Path

from rules.interaction_backend import SYSTEM
from rules.render import rule_group
from tests.rules.examples import Labels, metric
from tests.rules.promtool import PLACE, WATCHED, run, with_everywhere, write

DAY, LAST = 24 * 60, 36 * 60
"""Minutes; the second day ends at noon."""
PROCESS: Labels = {"job": "backend", "service_name": "backend", "k8s_namespace_name": "interaction"}
BUSY, BUSIER = 600, 800
"""Streams a minute on the first day and on the second."""


def streams(minute: int) -> int:
    """From six to midnight; at night somebody sends a message every ten minutes."""
    if minute % DAY < 6 * 60:
        return int(minute % 10 == 0)
    return BUSY if minute < DAY else BUSIER


def counter(share: float) -> str:
    """A counter of what a share of the streams does."""
    return " ".join(f"{value:g}" for value in accumulate(round(streams(minute) * share, 3) for minute in range(LAST)))


def histogram(name: str, labels: Labels, shares: dict[str, float]) -> dict[str, str]:
    buckets = {metric(f"{name}_bucket", PROCESS, labels, le=end): counter(share) for end, share in shares.items()}
    return buckets | {metric(f"{name}_count", PROCESS, labels): counter(max(shares.values()))}


def healthy() -> dict[str, str]:
    """A few failures of each kind."""
    of_tenant = {f"tenant-{number}": counter(100 / (number + 1)) for number in range(40)}
    return {
        **{
            metric(name, PROCESS, labels, {label: value}): counter(share)
            for name, label, labels, shares in (
                (
                    "ag_ui_streams_total",
                    "outcome",
                    {},
                    {"completed": 0.9, "cancelled": 0.09, "error": 0.005, "refused": 0.05},
                ),
                (
                    "guardrail_evaluations_total",
                    "decision",
                    {"guardrail": "pii"},
                    {"allow": 0.96, "deny": 0.03, "error": 0.01},
                ),
                ("authentication_attempts_total", "outcome", {}, {"accepted": 0.95, "refused": 0.05}),
                ("credential_loads_total", "outcome", {"gen_ai_tool_name": "search"}, {"loaded": 1, "missing": 0.0001}),
            )
            for value, share in shares.items()
        },
        **histogram("ag_ui_time_to_first_event_seconds", {}, {"0.5": 0.97, "1": 0.993, "2": 1, "+Inf": 1}),
        **histogram("cache_lookup_duration_seconds", {"cache": "a", "result": "hit"}, {"0.005": 0.6, "+Inf": 0.6}),
        **histogram("cache_lookup_duration_seconds", {"cache": "a", "result": "miss"}, {"0.005": 0.38, "+Inf": 0.4}),
        **histogram("a2a_delegation_duration_seconds", {"target": "b"}, {"30": 0.28, "60": 0.3, "+Inf": 0.3}),
        **histogram("a2a_delegation_duration_seconds", {"target": "b", "error_type": "ERROR_HTTP"}, {"+Inf": 0.01}),
        **{
            metric("interaction_tokens_total", PROCESS, dimension="team", value=name): tokens
            for name, tokens in of_tenant.items()
        },
    }


def test_a_backend_that_is_well_raises_nothing_by_day_or_night(tmp_path: Path) -> None:
    asked = {
        f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{LAST}m]))': list[int](),
        f"count(count_over_time(interaction:streams:rate5m[{LAST}m]))": [4],
    }
    groups = [rule_group(group, PLACE) for group in WATCHED.groups if group.system == SYSTEM.key]
    test = {
        "name": "two days",
        "interval": "1m",
        "input_series": [{"series": with_everywhere(name), "values": values} for name, values in healthy().items()],
        "promql_expr_test": [
            {
                "expr": expr,
                "eval_time": f"{LAST - 1}m",
                "exp_samples": [{"labels": "{}", "value": value} for value in expected],
            }
            for expr, expected in asked.items()
        ],
    }
    write(tmp_path, "two-days", groups, [test])
    assert run(tmp_path) == {"two days": ""}
