"""Whole lives of incidents: a service that was well fails for a while, and is well again.

One sample and one evaluation a minute, as objectives are evaluated where they are deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from components.settings.slos import SloSettings
from model.slo import slo_groups
from rules.render import rule_group
from tests.rules.promtool import PLACE, with_everywhere

SLO = SloSettings.model_validate(
    {
        "name": "checkout",
        "objective": 99.9,
        "total": "checkout_requests_total",
        "errors": 'checkout_requests_total{code="500"}',
        "owner": "shop",
    }
).slo

BEFORE = 2 * 60
"""Minutes of health: the fast windows are full, and a slow burn is seen within hours."""
_FIRING = f'ALERTS{{slo="{SLO.name}", alertstate="firing"}}'
_BURNING = f'ALERTS{{slo="{SLO.name}", alertstate="firing", burn!=""}}'
AFTER = 7 * 60
"""Minutes of health: the longest short window, and one more hour."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Events of which some fail for a while, and what tells of it."""

    what: str
    per_minute: int
    minutes: int
    """How long it lasts."""
    failed: int
    """Events, in the first of ``every`` minutes; all others are good."""
    every: int = 1
    fires: Mapping[str, int]
    """By speed of burning, the minute of the incident in which its alert first fires; nothing else ever burns."""

    @property
    def name(self) -> str:
        return f"{self.what}, {self.per_minute} a minute"

    def test(self) -> dict[str, Any]:
        """As promtool tries it: when each burn first fires, and that no alert at all begins to when it is over."""
        bad = [0 if minute % self.every else self.failed for minute in range(self.minutes)]
        before, after = [self.per_minute] * BEFORE, [self.per_minute] * AFTER
        codes = {
            "200": [*before, *(self.per_minute - each for each in bad), *after],
            "500": [*(0 for _ in before), *bad, *(0 for _ in after)],
        }
        life = BEFORE + self.minutes + AFTER
        begins = f"{_FIRING} unless {_FIRING} offset 1m"
        first = [{"labels": f'{{burn="{burn}"}}', "value": (BEFORE + at) * 60} for burn, at in self.fires.items()]
        burning = f"min by (burn) (min_over_time(timestamp({_BURNING})[{life}m:1m]))"
        return {
            "name": self.name,
            "interval": "1m",
            "input_series": [
                {"series": with_everywhere(f'checkout_requests_total{{code="{code}"}}'), "values": _counter(steps)}
                for code, steps in codes.items()
            ],
            "promql_expr_test": [
                {"eval_time": f"{life}m", "expr": burning, "exp_samples": first},
                {"eval_time": f"{life}m", "expr": f"last_over_time(({begins})[{AFTER}m:1m])", "exp_samples": []},
            ],
        }


def _counter(steps: list[int]) -> str:
    """A counter that grows by these, as promtool reads it: equal steps together."""
    parts, value = ["0"], 0
    for step, run in groupby(steps):
        length = len(list(run))
        parts.append(f"{value + step}+{step}x{length - 1}")
        value += step * length
    return " ".join(parts)


def rules() -> list[dict[str, Any]]:
    return [rule_group(group, PLACE) for group in slo_groups((SLO,))]


def _lives(per_minute: int, *, total: int, tenth: Mapping[str, int], slow: Mapping[str, int]) -> tuple[Incident, ...]:
    """Five shapes at one level of traffic, with the minutes of what fires."""
    few, rare = max(10 // per_minute, 1), max(200 // per_minute, 1)
    return (
        Incident(
            what="all fails for five minutes",
            per_minute=per_minute,
            minutes=5,
            failed=per_minute,
            fires={"fast": total},
        ),
        Incident(
            what="all fails for an hour",
            per_minute=per_minute,
            minutes=60,
            failed=per_minute,
            fires={"fast": total},
        ),
        Incident(
            what="a tenth fails for half an hour",
            per_minute=per_minute,
            minutes=30,
            failed=per_minute * few // 10,
            every=few,
            fires=tenth,
        ),
        Incident(
            what="one in 200 fails for seven hours",
            per_minute=per_minute,
            minutes=420,
            failed=per_minute * rare // 200,
            every=rare,
            fires=slow,
        ),
        Incident(what="one event fails", per_minute=per_minute, minutes=1, failed=1, fires={}),
    )


_BEFORE_THE_PAGE = {"creeping": 2, "slow": 4, "steady": 9}
"""Two hours of health are a short past for days' windows: these warn of less than they would later."""

INCIDENTS = (
    *_lives(600, total=1, tenth=_BEFORE_THE_PAGE | {"fast": 10}, slow={"creeping": 31, "slow": 181}),
    *_lives(20, total=1, tenth=_BEFORE_THE_PAGE | {"fast": 10}, slow={"creeping": 31, "slow": 173}),
    # Two failures are needed, and tell that a service is down after two minutes.
    *_lives(1, total=2, tenth={"fast": 13}, slow={"slow": 203}),
)
