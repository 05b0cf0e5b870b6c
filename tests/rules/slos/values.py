"""Objectives by value, by example: each value has budget and alerts of its own.

Of sales there are two tenants at most, and of deliveries one road of one shop.
"""

from __future__ import annotations

from tests.rules.examples import Example, Firing, Series, counters, critical, example, metric, of, warning
from tests.rules.objectives import SAMPLES, SPENT, alerts_of, objective
from tests.rules.slos.settings import DELIVERY, SALES

_ALERTS = alerts_of(SALES)
FAST, SPENT_BUDGET = _ALERTS["ErrorBudgetBurnFast"], _ALERTS["ErrorBudgetSpent"]
_OVERFLOW = alerts_of(DELIVERY)["SloTooManyValues"]
TOO_MANY, NO_DATA = _ALERTS["SloTooManyValues"], _ALERTS["SloNoData"]


def _sold(tenant: str, good: str, bad: str = "0x200") -> Series:
    """Requests of one tenant, as promtool writes counters."""
    return {
        metric("sales_total", tenant=tenant, code="200"): good,
        metric("sales_total", tenant=tenant, code="500"): bad,
    }


def _per_minute(total: int, bad: int) -> Series:
    """Of one tenant, beside a healthy one."""
    return _sold("acme", f"0+{total - bad}x300", f"0+{bad}x300") | _sold("zorn", f"0+{total}x300")


def _burns(tenant: str, ratio: str = "100%", budget: str = SPENT) -> Firing:
    return critical(
        f"{ratio} of the events of sales for {tenant} on c-1 failed within 1h; the objective is 99 % in 7d.{budget}",
        ratio,
        tenant=tenant,
        value=tenant,
    )


BERLIN = {"shop": "berlin", "road": "/a/b"}


def _delivered(total: int, bad: int) -> Series:
    late, in_time = metric("deliveries_total", BERLIN, late="yes"), metric("deliveries_total", BERLIN, late="no")
    return counters({late: bad, in_time: total - bad}, SAMPLES)


def _elsewhere(minutes: int) -> Series:
    """And some on another road, for the last minutes of the first hour."""
    there = metric("deliveries_total", shop="berlin", road="/c", late="no")
    return _delivered(600, 0) | {there: f"_x{60 - minutes} 0+6x{minutes}"}


HEALTHY, FAILING = "0+60x200", "0+60x200"

EXAMPLES: tuple[Example, ...] = (
    *objective(SALES, _per_minute, value={"tenant": "acme"}),
    *objective(DELIVERY, _delivered, value=BERLIN),
    example(
        "there are two roads where one is kept",
        _OVERFLOW,
        series=_elsewhere(11),
        at="60m",
        fires=[
            warning(
                "delivery on c-1 has budgets of their own for 1 of the values of shop and road: all others share one.",
                shop="other",
                road="other",
                value="other, other",
            )
        ],
    ),
    example("a second road is there for nine minutes", _OVERFLOW, series=_elsewhere(9), at="60m"),
    # --- one of two ---
    example(
        "two tenants have each a ratio of their own",
        "slo:sli_error:ratio_rate1h",
        group="slo-sales",
        series=_sold("acme", "0+30x200", "0+30x200") | _sold("zorn", HEALTHY),
        at="20m",
        gives={of(tenant="acme", value="acme"): 0.5, of(tenant="zorn", value="zorn"): 0},
    ),
    example(
        "two tenants have each a budget of their own",
        "slo:error_budget_remaining:ratio",
        group="slo-sales",
        series=_sold("acme", "0+996x200", "0+4x200") | _sold("zorn", HEALTHY),
        at="20m",
        gives={of(tenant="acme", value="acme"): 0.6, of(tenant="zorn", value="zorn"): 1},
    ),
    # 7 d * 0.01 = 6048 s of nothing but failures. 6 in 10 are left: 0.6 * 6048 s / 0.004 = 907,200 s, ten days and a
    # half.
    example(
        "a tenant burns less than its budget, and another nothing",
        "slo:time_to_exhaustion:seconds",
        group="slo-sales",
        series=_sold("acme", "0+996x200", "0+4x200") | _sold("zorn", HEALTHY),
        at="20m",
        gives={of(tenant="acme", value="acme"): 907_200},
    ),
    example(
        "all of both fails",
        FAST,
        series=_sold("acme", "0x200", FAILING) | _sold("zorn", "0x200", FAILING),
        at="20m",
        fires=[_burns("acme"), _burns("zorn")],
        near=False,
    ),
    # --- values that come and go ---
    example(
        "a tenant appears after half an hour and fails from its first request on",
        FAST,
        series=_sold("zorn", HEALTHY) | _sold("acme", "_x30 0x200", "_x30 0+60x200"),
        at="40m",
        fires=[_burns("acme")],
        near=False,
    ),
    example(
        "a tenant that burnt its budget disappeared a quarter of an hour ago",
        FAST,
        series=_sold("zorn", HEALTHY) | _sold("acme", "0x30 stale", "0+60x30 stale"),
        at="45m",
        near=False,
    ),
    example(
        "a tenant that burnt its budget disappeared half an hour ago",
        SPENT_BUDGET,
        series=_sold("zorn", HEALTHY) | _sold("acme", "0+60x30 stale", "0+60x30 stale"),
        at="60m",
        fires=[
            warning(
                "5000% of the error budget of sales for acme on c-1 is spent; the objective is 99 % in 7d.",
                "5000%",
                tenant="acme",
                value="acme",
            )
        ],
        near=False,
    ),
    example(
        "a tenant that burnt its budget disappeared three days and an hour ago",
        SPENT_BUDGET,
        series=_sold("zorn", "0+60x4500") | _sold("acme", "0+60x30 stale", "0+60x30 stale"),
        at="4420m",
        near=False,
    ),
    example(
        "one of two tenants disappeared two hours ago",
        NO_DATA,
        series=_sold("zorn", HEALTHY) | _sold("acme", "0+60x30 stale", "0x30 stale"),
        at="150m",
        near=False,
    ),
    example(
        "a tenant is known, and has had no request for an hour and a half",
        NO_DATA,
        series=_sold("acme", "0x200"),
        at="90m",
        near=False,
    ),
    # --- low traffic ---
    example(
        "four requests of a tenant fail, and it has no others",
        FAST,
        series=_sold("zorn", HEALTHY) | _sold("acme", "0x200", "0x10 1 2 3 4x180"),
        at="16m",
        near=False,
    ),
    example(
        "a single request of a tenant fails",
        FAST,
        series=_sold("zorn", HEALTHY) | _sold("acme", "0+1x200", "0x10 1x180"),
        at="14m",
        near=False,
    ),
    # --- more values than budgets ---
    example(
        "of three tenants those with the most events are kept",
        "slo:events:rate5m",
        group="slo-sales",
        series=_sold("acme", "0+600x200") | _sold("zorn", "0+300x200") | _sold("tiny", "0+60x200"),
        at="30m",
        gives={
            of(tenant="acme", value="acme"): 10,
            of(tenant="zorn", value="zorn"): 5,
            of(tenant="other", value="other"): 1,
        },
    ),
    example(
        "a third comes later and has more events a minute than those before",
        "slo:events:rate5m",
        group="slo-sales",
        series=_sold("acme", "0+60x200") | _sold("zorn", "0+60x200") | _sold("giant", "_x30 0+600x170"),
        at="60m",
        gives={
            of(tenant="acme", value="acme"): 1,
            of(tenant="zorn", value="zorn"): 1,
            of(tenant="other", value="other"): 10,
        },
    ),
    example(
        "two tenants are kept, and then a third comes",
        "slo:values:kept",
        group="slo-sales",
        series=_sold("acme", "0+60x200") | _sold("zorn", "0+60x200") | _sold("giant", "_x30 0+600x170"),
        at="32m",
        # What both have had in the window a minute ago. Of a counter's first minute half is missing.
        gives={of(tenant="acme"): 30.5 * 60, of(tenant="zorn"): 30.5 * 60},
    ),
    example(
        "the third of three fails entirely",
        FAST,
        series=_sold("acme", "0+600x200") | _sold("zorn", "0+300x200") | _sold("tiny", "0x200", FAILING),
        at="20m",
        fires=[_burns("other")],
        near=False,
    ),
    example(
        "a third tenant is there for eleven minutes",
        TOO_MANY,
        series=_sold("acme", "0+60x200") | _sold("zorn", "0+60x200") | _sold("giant", "_x30 0+600x170"),
        at="41m",
        fires=[
            warning(
                "sales on c-1 has budgets of their own for 2 of the values of tenant: all others share one.",
                tenant="other",
                value="other",
            )
        ],
        near=False,
    ),
    example(
        "a third tenant is there for nine minutes",
        TOO_MANY,
        series=_sold("acme", "0+60x200") | _sold("zorn", "0+60x200") | _sold("giant", "_x30 0+600x170"),
        at="40m",
    ),
    example(
        "one of two tenants is called other",
        TOO_MANY,
        series=_sold("acme", "0+60x200") | _sold("other", "0+60x200"),
        at="45m",
        near=False,
    ),
    example(
        "a third tenant has never had a request",
        TOO_MANY,
        series=_sold("acme", "0+60x200") | _sold("zorn", "0+60x200") | _sold("idle", "0x200"),
        at="45m",
        near=False,
    ),
)
