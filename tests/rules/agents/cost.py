"""What agents spend, by example: the recording rules, and the alerts on prices and budgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from model.rules import Alert
from rules.agents.cost import UNPRICED, budget_alerts
from rules.agents.settings import EXAMPLE
from tests.rules.agents.subjects import (
    ASKS,
    FAILED,
    INPUT,
    LONG,
    OF_MODEL,
    OF_SERVICE,
    OUTPUT,
    PLANNER,
    PROCESS,
    RAN,
    USED_TOKENS,
)
from tests.rules.examples import (
    Example,
    Firing,
    Labels,
    Series,
    counters,
    critical,
    example,
    growing,
    metric,
    of,
    shares,
    steady,
    warning,
)

MILLION = 1_000_000
GPT_9 = {"gen_ai_request_model": "gpt-9"}
"""A model that is in no table."""
LLAMA_9 = PROCESS | {"gen_ai_operation_name": "chat", "gen_ai_system": "ollama", "gen_ai_request_model": "llama-9"}
"""Another, of another provider."""
COST = "gen_ai_usage_cost_USD_sum"
EMITTED = metric(COST, ASKS)


def _sent(per_minute: float, labels: Labels = ASKS, minutes: int = 60) -> Series:
    return {metric(USED_TOKENS, labels, INPUT): growing(per_minute, minutes)}


def _answered(per_minute: float) -> Series:
    return {metric(USED_TOKENS, ASKS, OUTPUT): growing(per_minute)}


def _emitted(per_minute: float, labels: Labels = ASKS, minutes: int = 60) -> Series:
    """In USD."""
    return {metric(COST, labels): growing(per_minute, minutes)}


def _spent(usd: float) -> Series:
    """An amount within a quarter of an hour, in steps that are exact, and nothing before or after."""
    start = 100_000  # so that Prometheus does not take the counter's first sample for its beginning
    return {EMITTED: f"{start}x10 {start}+{usd / 16:g}x16 {start + usd}x40"}


def _budget(
    alert: Alert, part: str, budget: int, percents: Mapping[float, Callable[..., Firing] | None]
) -> Iterator[Example]:
    """On both sides of each threshold of an alert on a budget, in percents of it."""
    says = f"Agents on c-1 spent {{}} of {part}."
    return shares(alert, "{} are spent", lambda percent: _spent(percent * budget / 100), says, percents, at="34m")


_NEAR_ALL = {78: None, 82: warning, 98: warning, 102: critical}
assert EXAMPLE.budget is not None
_BURNS_FAST, _DAY_SPENT, _MONTH_BURNS_FAST, _MONTH_SPENT = budget_alerts(EXAMPLE.budget)


def _a_day(usd: float, today: float) -> Series:
    """Two days of one amount within 24 hours, and then half a day of another, with a sample every five minutes."""
    return {metric("cluster:agent_spend:sum1d"): f"{steady(usd, 575)} {steady(today, 144)}"}


def _at_pace(percent: float) -> Series:
    return _a_day(percent / 100 * 1000 / 30, percent / 100 * 1000 / 30)


ALERTS = (
    *shares(
        _MONTH_BURNS_FAST,
        "three days cost {} of an even pace",
        _at_pace,
        "Agents on c-1 will spend {} of the month's 1000 USD if the next 30 days cost as much as the last three.",
        {145: None, 155: warning, 290: warning, 310: critical},
        at="2905m",
        step="5m",
    ),
    example(
        "it has just begun",
        _MONTH_BURNS_FAST,
        series=_at_pace(160),
        at="5m",
        step="5m",
        fires=[
            warning(
                "Agents on c-1 will spend 160% of the month's 1000 USD if the next 30 days cost as much as the last"
                " three.",
                "160%",
            )
        ],
    ),
    example("a batch is over", _MONTH_BURNS_FAST, series=_a_day(100, 10), at="2935m", step="5m", near=False),
    *_budget(
        _BURNS_FAST, "the day's 50 USD within the last hour", 50, {23: None, 27: warning, 48: warning, 52: critical}
    ),
    *_budget(
        _DAY_SPENT, "the day's 50 USD within the last 24 hours", 50, {78: None, 82: warning, 98: warning, 102: critical}
    ),
    *_budget(
        _MONTH_SPENT,
        "the month's 1000 USD within the last 30 days",
        1000,
        {78: None, 82: warning, 98: warning, 102: critical},
    ),
    example(
        "a model that is in no table uses 12 000 tokens an hour",
        UNPRICED,
        series=_sent(200, LLAMA_9, minutes=120),
        at="62m",
        fires=[
            warning(
                "llama-9 of ollama has no price: 11.88k tokens per hour are missing from costs and budgets.",
                "11.88k",
                provider="ollama",
                model="llama-9",
            )
        ],
    ),
    example("it uses 9600", UNPRICED, series=_sent(160, LLAMA_9, minutes=120), at="100m"),
    example(
        "models are in the table, or their cost is emitted",
        UNPRICED,
        series=_sent(MILLION, minutes=120) | _sent(MILLION, LLAMA_9, minutes=120) | _emitted(1, LLAMA_9, minutes=120),
        at="100m",
    ),
)


def _per_minute(rule: str, when: str, series: Series, gives: dict[str, float]) -> Example:
    """What it gives as it is per minute."""
    return example(when, rule, series=series, at=LONG, gives={labels: usd / 60 for labels, usd in gives.items()})


# A million tokens sent at 2.50 USD, and a tenth of that answered at 10 USD, each minute.
BOTH_WAYS = _sent(MILLION) | _answered(MILLION / 10)
NEWER = counters(
    {
        metric("gen_ai_client_inference_usage_input_tokens_total", ASKS): MILLION,
        metric("gen_ai_client_inference_usage_cache_read_input_tokens_total", ASKS): MILLION * 0.8,
        metric("gen_ai_client_inference_usage_output_tokens_total", ASKS): MILLION / 10,
    }
)
NAMELESS = {name: value for name, value in ASKS.items() if name != "gen_ai_agent_name"}
COSTS, RUNS = "agent:cost:rate5m", f"{RAN}_count"

RECORDINGS = (
    _per_minute("agent:emitted_cost:rate5m", "a cost is emitted", _emitted(3), {of(OF_MODEL): 3}),
    _per_minute("agent:emitted_cost:rate5m", "it is 0, as of a model nobody knows", _emitted(0), {}),
    _per_minute(COSTS, "the table has a price for each direction", BOTH_WAYS, {of(OF_MODEL): 3.5}),
    _per_minute(COSTS, "there is nothing but input", _sent(MILLION), {of(OF_MODEL): 2.5}),
    _per_minute(COSTS, "most of the input was cached, which is cheaper", NEWER, {of(OF_MODEL): 2.5 - 0.8 * 1.25 + 1}),
    _per_minute(
        COSTS,
        "it is emitted, too, and does not name the agent",
        BOTH_WAYS | _emitted(3, NAMELESS),
        {of(OF_MODEL, agent="billing"): 3},
    ),
    _per_minute(COSTS, "0 is emitted, but the table knows better", BOTH_WAYS | _emitted(0), {of(OF_MODEL): 3.5}),
    _per_minute(COSTS, "nobody knows what a model costs", _sent(MILLION, ASKS | GPT_9), {}),
    _per_minute(
        "agent:unpriced_tokens:rate5m",
        "nobody knows what one of two models costs",
        BOTH_WAYS | _sent(600, ASKS | GPT_9),
        {of(OF_SERVICE, provider="openai", model="gpt-9"): 600},
    ),
    _per_minute(
        "cluster:agent_cost:rate5m",
        "two services spend",
        _emitted(3) | _emitted(4, ASKS | {"job": "support"}),
        {of(): 7},
    ),
    example("12 USD were spent", "cluster:agent_spend:sum1d", series=_spent(12), at=LONG, gives={of(): 12}),
    example("12 USD were spent", "cluster:agent_spend:sum30d", series=_spent(12), at=LONG, gives={of(): 12}),
    example(
        "10 runs a minute cost 3 USD, and 4 of them fail",
        "service:cost_per_successful_run:ratio1h",
        series=_emitted(3, minutes=90) | counters({metric(RUNS, PLANNER): 6, metric(RUNS, PLANNER, FAILED): 4}, 90),
        at="80m",
        gives={of(OF_SERVICE): 0.5},
    ),
    example(
        "no run succeeds",
        "service:cost_per_successful_run:ratio1h",
        series=_emitted(3, minutes=90) | counters({metric(RUNS, PLANNER, FAILED): 4}, 90),
        at="80m",
        gives={},
    ),
)

EXAMPLES = (*ALERTS, *RECORDINGS)
