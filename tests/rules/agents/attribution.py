"""Tokens and costs by team, tenant, feature and prompt version, by example."""

from __future__ import annotations

from rules.agents import attribution
from rules.agents.attribution import BY_EMITTED, BY_MODEL, COUNT, KEPT, PRICES, USE, USE_OF_HOUR
from tests.rules.agents.subjects import ASKS, INPUT, LONG, OUTPUT, USED_TOKENS
from tests.rules.examples import Firing, Labels, Series, counters, example, gauges, info, metric, of, shares, warning

MILLION = 1_000_000
TEAM: Labels = {"dimension": "team"}
PAYMENTS = TEAM | {"value": "payments"}
SUPPORT = TEAM | {"value": "support"}
INPUT_TOKENS = "gen_ai_client_inference_usage_input_tokens_total"
CACHED_TOKENS = "gen_ai_client_inference_usage_cache_read_input_tokens_total"


def _team(name: str) -> Labels:
    return ASKS | {"app_team": name}


def _sent(per_minute: float, **teams: float) -> Series:
    return counters({metric(USED_TOKENS, _team(team), INPUT): per_minute * part for team, part in teams.items()})


# The smallest has a budget of its own, so it is one of the kept.
_MANY = counters(
    {metric(USED_TOKENS, _team(f"t-{number:02}"), INPUT): 60 * (number + 10) for number in range(51)}
    | {metric(USED_TOKENS, _team("payments"), INPUT): 60}
    | {metric(USED_TOKENS, ASKS, INPUT): 6000}
)
_INPUT, _OUTPUT, _CACHED = ({"model": "gpt-4o", "direction": way} for way in ("input", "output", "cached"))
_KEPT = tuple(f"t-{number:02}" for number in range(1, 51))

_BOTH_WAYS = counters(
    {
        metric(INPUT_TOKENS, _team("payments")): MILLION,
        metric(CACHED_TOKENS, _team("payments")): MILLION * 0.8,
        metric("gen_ai_client_inference_usage_output_tokens_total", _team("payments")): MILLION / 10,
    }
)


def _spans(**labels: str) -> str:
    return metric("agent_requests_by_app_team_calls_total", {"job": "jaeger-span-metrics"}, labels)


RECORDINGS = (
    example(
        "two models have prices, one of them for cached tokens too",
        PRICES,
        gives={
            of(model="embed-small", direction="input"): 2e-8,
            of(model="embed-small", direction="output"): 0,
            of(_INPUT): 2.5e-6,
            of(_OUTPUT): 1e-5,
            of(_CACHED): -1.25e-6,
        },
    ),
    example(
        "52 teams use models, and spans name one of them and another",
        COUNT,
        series=_MANY | counters({_spans(app_team=team): 60 for team in ("payments", "support")}),
        at=LONG,
        gives={of(TEAM): 53},
    ),
    example(
        "spans of requests name 51 teams, and Jaeger has counted others together",
        USE,
        series=counters(
            {_spans(service_name="billing", app_team=f"t-{number:02}"): 60 * (number + 10) for number in range(51)}
            | {_spans(service_name="billing", otel_metric_overflow="true"): 120, _spans(service_name="cart"): 60}
        ),
        at=LONG,
        gives={
            **{of(TEAM, value=team, measure="requests"): int(team[2:]) + 10 for team in _KEPT},
            of(TEAM, value="other", measure="requests"): 12,
        },
    ),
    example(
        "52 teams use models, and the one that uses least has a budget",
        KEPT,
        series=_MANY,
        at=LONG,
        gives={of(TEAM, value=team): 1 for team in (*_KEPT, "payments")},
    ),
    example(
        "52 teams use models, and an agent names no team",
        BY_MODEL,
        series=_MANY,
        at=LONG,
        gives={
            **{of(_INPUT, TEAM, value=team): int(team[2:]) + 10 for team in _KEPT},
            of(_INPUT, PAYMENTS): 1,
            of(_INPUT, TEAM, value="other"): 10,
        },
    ),
    example(
        "most of the input was cached",
        BY_MODEL,
        series=_BOTH_WAYS,
        at=LONG,
        gives={
            of(_INPUT, PAYMENTS): MILLION / 60,
            of(_CACHED, PAYMENTS): MILLION * 0.8 / 60,
            of(_OUTPUT, PAYMENTS): MILLION / 600,
        },
    ),
    example(
        "a library counts tokens in two generations",
        BY_MODEL,
        series=_BOTH_WAYS | counters({metric(USED_TOKENS, _team("payments"), OUTPUT): MILLION / 10}),
        at=LONG,
        gives={
            of(_INPUT, PAYMENTS): MILLION / 60,
            of(_CACHED, PAYMENTS): MILLION * 0.8 / 60,
            of(_OUTPUT, PAYMENTS): MILLION / 600,
        },
    ),
    example(
        "a cost is emitted for two teams",
        BY_EMITTED,
        series=_sent(60, payments=1, support=1)
        | counters(
            {metric("gen_ai_usage_cost_USD_sum", _team(team)): usd for team, usd in (("payments", 3), ("support", 6))}
        ),
        at=LONG,
        gives={of(PAYMENTS, model="gpt-4o"): 0.05, of(SUPPORT, model="gpt-4o"): 0.1},
    ),
    example(
        "one team has a price by the table, of the other the cost is emitted",
        USE,
        series=_BOTH_WAYS
        | counters(
            {
                metric(USED_TOKENS, _team("support"), INPUT, instance="i-2"): 60,
                metric("gen_ai_usage_cost_USD_sum", _team("support"), instance="i-2"): 6,
            }
        ),
        at=LONG,
        gives={
            of(PAYMENTS, measure="tokens"): MILLION * 1.1 / 60,
            of(SUPPORT, measure="tokens"): 1,
            of(PAYMENTS, measure="usd"): (2.5 - 0.8 * 1.25 + 1) / 60,
            of(SUPPORT, measure="usd"): 0.1,
        },
    ),
    example(
        "a team has used 1000 tokens per second",
        USE_OF_HOUR,
        series=gauges({metric(USE, PAYMENTS, measure="tokens"): 1000}),
        at="8m",
        gives={of(PAYMENTS, measure="tokens"): 540_000},
    ),
    example(
        "two million tokens are a day's budget, half a million that of every other team, and 20 USD another",
        attribution.BUDGET_USED,
        series=gauges(
            {
                metric(USE, PAYMENTS, measure="tokens"): 1000,
                metric(USE, PAYMENTS, measure="usd"): 0.01,
                metric(USE, SUPPORT, measure="tokens"): 100,
                metric(USE, SUPPORT, measure="usd"): 100,
                metric(USE, TEAM, value="other", measure="tokens"): 100_000,
            }
        ),
        at="8m",
        gives={
            of(PAYMENTS, measure="tokens", period="day"): 0.27,
            of(PAYMENTS, measure="usd", period="day"): 0.27,
            of(SUPPORT, measure="tokens", period="day"): 0.108,
            # By whole hours: what the last one has added is not in it yet.
            of(PAYMENTS, measure="tokens", period="month"): 0.002,
            of(PAYMENTS, measure="usd", period="month"): 0.002,
            of(SUPPORT, measure="tokens", period="month"): 0.0004,
        },
    ),
)


def _used(percent: float) -> Series:
    return gauges({metric(attribution.BUDGET_USED, PAYMENTS, measure="usd", period="day"): percent / 100})


def _overflow(count: int) -> list[Firing]:
    return [
        warning(
            f"Agents on c-1 name {count} values of tenant; all beyond 50 are other.", f"{count}", dimension="tenant"
        )
    ]


ALERTS = (
    *shares(
        attribution.BUDGET_SPENT,
        "{} are used",
        _used,
        "team payments used {} of its usd for the last day.",
        {79: None, 81: info, 99: info, 101: warning},
        at="5m",
        **PAYMENTS,
        measure="usd",
        period="day",
    ),
    *(
        example(
            f"agents name {count} tenants",
            attribution.OVERFLOWS,
            series=gauges({metric(COUNT, dimension="tenant"): count}),
            at="15m",
            fires=_overflow(count) if count > 50 else [],
        )
        for count in (50, 51)
    ),
)

EXAMPLES = (*ALERTS, *RECORDINGS)
