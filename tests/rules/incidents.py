"""Whole lives of incidents: a service that was well fails for a while, and is well again.

One sample and one evaluation a minute, as objectives are evaluated where they are deployed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from types import MappingProxyType
from typing import Any

from components.settings.slos import SloSettings
from model.rules import Group
from model.slo_rules import slo_groups
from rules.render import rule_group
from tests.rules.promtool import PLACE, with_everywhere


def _groups(objective: float) -> tuple[Group, ...]:
    file = {
        "name": "checkout",
        "objective": objective,
        "total": "checkout_requests_total",
        "errors": 'checkout_requests_total{code="500"}',
        "owner": "shop",
    }
    return slo_groups((SloSettings.model_validate(file).slo,))


BEFORE = 2 * 60
"""Minutes of health: the fast windows are full, and a slow burn is seen within hours."""
_FIRING = 'ALERTS{slo="checkout", alertstate="firing"}'
_BURNING = 'ALERTS{slo="checkout", alertstate="firing", burn!=""}'
AFTER = 7 * 60
"""Minutes of health: the longest short window, and one more hour."""


@dataclass(frozen=True, kw_only=True)
class Incident:
    """Events of which some fail for a while, and the alerts that notify of it."""

    what: str
    per_minute: int
    minutes: int
    """How long it lasts."""
    failed: int
    """Events, in the first of ``every`` minutes; all others are good. More than there are come on top."""
    every: int = 1
    objective: float = 99.9
    fires: Mapping[str, int]
    """By speed of burning, the minute of the incident in which its alert first fires; nothing else ever burns."""

    @property
    def name(self) -> str:
        return f"{self.what}, {self.per_minute} a minute, of which {self.objective} % must be good"

    def test(self) -> dict[str, Any]:
        """As promtool tries it: when each burn first fires, and that no alert at all begins to when it is over."""
        bad = [0 if minute % self.every else self.failed for minute in range(self.minutes)]
        before, after = [self.per_minute] * BEFORE, [self.per_minute] * AFTER
        codes = {
            "200": [*before, *(max(self.per_minute - each, 0) for each in bad), *after],
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


def rules(objective: float) -> list[dict[str, Any]]:
    return [rule_group(group, PLACE) for group in _groups(objective)]


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


def _outages(
    objective: float,
    per_minute: int,
    *,
    all_: Mapping[str, int],
    two: Mapping[str, int] = MappingProxyType({}),
    third: Mapping[str, int] = MappingProxyType({}),
) -> tuple[Incident, ...]:
    """What is an outage at such an objective, and what is none."""

    def incident(what: str, minutes: int, failed: int, fires: Mapping[str, int]) -> Incident:
        return Incident(
            what=what, per_minute=per_minute, minutes=minutes, failed=failed, objective=objective, fires=fires
        )

    return (
        incident("all fails for six minutes", 6, per_minute, all_),
        incident("all fails for an hour", 60, per_minute, all_),
        incident("two fail, one after the other", 2, 1, two),
        incident("all of one minute fails", 1, per_minute, {}),
        *([incident("three in ten fail for ten minutes", 10, per_minute * 3 // 10, third)] if per_minute > 1 else ()),
    )


_BEFORE_THE_PAGE = {"creeping": 2, "slow": 4, "steady": 9}
"""Two hours of health are a short past for days' windows: these warn of less than they would later."""

INCIDENTS = (
    *_lives(600, total=1, tenth=_BEFORE_THE_PAGE | {"fast": 10}, slow={"creeping": 31, "slow": 181}),
    *_lives(20, total=1, tenth=_BEFORE_THE_PAGE | {"fast": 10}, slow={"creeping": 31, "slow": 171}),
    # Two failures are needed, and tell that a service is down after two minutes.
    *_lives(1, total=2, tenth={"fast": 11}, slow={"slow": 201}),
    # Where the fast burn needs nine minutes of an outage, and 43. Of an event a minute it takes five to know.
    *_outages(99, 600, all_={"outage": 2}, third={"creeping": 5}),
    *_outages(99, 1, all_={"creeping": 2, "slow": 4, "outage": 5}, two={"creeping": 2}),
    *_outages(95, 20, all_={"outage": 2}),
    # With a sample a minute, the ratio of five minutes rises within two by at most half of what fails, and by less for
    # a counter that has just begun: 0.28 and 0.22.
    Incident(
        what="65 in 100 fail for six minutes", per_minute=600, minutes=6, failed=390, objective=95, fires={"outage": 2}
    ),
    Incident(what="45 in 100 fail for six minutes", per_minute=600, minutes=6, failed=270, objective=95, fires={}),
    Incident(
        what="a client asks for nonsense twelve times within a minute",
        per_minute=1,
        minutes=1,
        failed=12,
        objective=95,
        fires={"creeping": 1},
    ),
)
