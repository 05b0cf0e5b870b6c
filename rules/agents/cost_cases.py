"""What agents spend, tried: the recording rules, and the alerts on prices and budgets."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Severity
from rules.agents.examples import ASKS, LONG, PLANNER, PROCESS, Series, growing
from rules.cases import Case, Firing, Value

MODEL = 'namespace="agents", service="billing", agent="planner", provider="openai", model="gpt-4o"'
SERVICE = 'namespace="agents", service="billing"'
SENT = f'gen_ai_client_token_usage_sum{{{ASKS}, gen_ai_token_type="input"}}'
ANSWERED = f'gen_ai_client_token_usage_sum{{{ASKS}, gen_ai_token_type="output"}}'
EMITTED = f"gen_ai_usage_cost_USD_sum{{{ASKS}}}"
MILLION = 1_000_000
UNKNOWN = 'gen_ai_operation_name="chat", gen_ai_system="ollama", gen_ai_request_model="llama-9"'


def _spent(usd: float) -> Series:
    """An amount within a quarter of an hour, in steps that are exact, and nothing before or after."""
    start = 100_000  # so that Prometheus does not take the counter's first sample for its beginning
    return {EMITTED: f"{start}x10 {start}+{usd / 16:g}x16 {start + usd}x40"}


def _budget(alert: str, of: str, budget: int, fast: bool = False) -> tuple[Case, ...]:
    """Just above and below each line of an alert on a budget."""
    critical, warning = (50, 25) if fast else (100, 80)

    def case(percent: int, fires: tuple[Severity, ...], quiet: tuple[Severity, ...]) -> Case:
        shown = f"{percent}%"
        description = f"Agents on c-1 spent {shown} of {of}."
        return Case(
            alert=alert,
            when=f"{percent} % are spent",
            series=_spent(percent * budget / 100),
            at=LONG,
            firing=tuple(Firing(severity=each, description=description, value=shown) for each in fires),
            quiet=quiet,
        )

    return (
        case(critical + 2, (Severity.CRITICAL, Severity.WARNING), ()),
        case(critical - 2, (Severity.WARNING,), (Severity.CRITICAL,)),
        case(warning - 2, (), (Severity.WARNING,)),
    )


CASES = (
    *_budget("AgentBudgetBurnsFast", "the day's 50 USD within the last hour", 50, fast=True),
    *_budget("AgentDailyBudgetSpent", "the day's 50 USD within the last 24 hours", 50),
    *_budget("AgentMonthlyBudgetSpent", "the month's 1000 USD within the last 30 days", 1000),
    Case(
        alert="ModelUnpriced",
        when="a model that is in no table uses 12 000 tokens an hour",
        series={f'gen_ai_client_token_usage_sum{{{PROCESS}, {UNKNOWN}, gen_ai_token_type="input"}}': growing(200, 120)},
        at=Duration.parse("100m"),
        firing=(
            Firing(
                severity=Severity.WARNING,
                labels={"provider": "ollama", "model": "llama-9"},
                description="llama-9 of ollama has no price: its 12k tokens an hour are missing in costs and budgets.",
                value="12k",
            ),
        ),
    ),
    Case(
        alert="ModelUnpriced",
        when="it uses 9600",
        series={f'gen_ai_client_token_usage_sum{{{PROCESS}, {UNKNOWN}, gen_ai_token_type="input"}}': growing(160, 120)},
        at=Duration.parse("100m"),
        quiet=(Severity.WARNING,),
    ),
    Case(
        alert="ModelUnpriced",
        when="models are in the table, or their cost is emitted",
        series={
            SENT: growing(MILLION, 120),
            f'gen_ai_client_token_usage_sum{{{PROCESS}, {UNKNOWN}, gen_ai_token_type="input"}}': growing(MILLION, 120),
            f"gen_ai_usage_cost_USD_sum{{{PROCESS}, {UNKNOWN}}}": growing(1, 120),
        },
        at=Duration.parse("100m"),
        quiet=(Severity.WARNING,),
    ),
)


def _per_minute(of: str, when: str, series: Series, results: dict[str, float]) -> Value:
    """Results as they are per minute."""
    return Value(of=of, when=when, series=series, at=LONG, results={key: usd / 60 for key, usd in results.items()})


# A million tokens sent at 2.50 USD, and a tenth of that answered at 10 USD, each minute.
BOTH_WAYS = {SENT: growing(MILLION), ANSWERED: growing(MILLION / 10)}
NEWER = {
    f"gen_ai_client_inference_usage_input_tokens_total{{{ASKS}}}": growing(MILLION),
    f"gen_ai_client_inference_usage_cache_read_input_tokens_total{{{ASKS}}}": growing(MILLION * 0.8),
    f"gen_ai_client_inference_usage_output_tokens_total{{{ASKS}}}": growing(MILLION / 10),
}
COST, UNPRICED = "agent:cost:rate5m", "agent:unpriced_tokens:rate5m"

VALUES = (
    _per_minute("agent:emitted_cost:rate5m", "a cost is emitted", {EMITTED: growing(3)}, {MODEL: 3}),
    _per_minute("agent:emitted_cost:rate5m", "it is 0, as of a model nobody knows", {EMITTED: growing(0)}, {}),
    _per_minute(COST, "the table has a price for each direction", BOTH_WAYS, {MODEL: 3.5}),
    _per_minute(COST, "there is nothing but input", {SENT: growing(MILLION)}, {MODEL: 2.5}),
    _per_minute(COST, "most of the input was cached, which is cheaper", NEWER, {MODEL: 2.5 - 0.8 * 1.25 + 1}),
    _per_minute(
        COST,
        "it is emitted, too, and does not name the agent",
        {**BOTH_WAYS, EMITTED.replace(', gen_ai_agent_name="planner"', ""): growing(3)},
        {MODEL.replace("planner", "billing"): 3},
    ),
    _per_minute(COST, "0 is emitted, but the table knows better", {**BOTH_WAYS, EMITTED: growing(0)}, {MODEL: 3.5}),
    _per_minute(COST, "nobody knows what a model costs", {SENT.replace("gpt-4o", "gpt-9"): growing(MILLION)}, {}),
    _per_minute(
        UNPRICED,
        "nobody knows what one of two models costs",
        {**BOTH_WAYS, SENT.replace("gpt-4o", "gpt-9"): growing(600)},
        {f'{SERVICE}, provider="openai", model="gpt-9"': 600},
    ),
    _per_minute(
        "cluster:agent_cost:rate5m",
        "two services spend",
        {EMITTED: growing(3), EMITTED.replace("billing", "support"): growing(4)},
        {"": 7},
    ),
    Value(of="cluster:agent_spend:sum1d", when="12 USD were spent", series=_spent(12), at=LONG, results={"": 12}),
    Value(of="cluster:agent_spend:sum30d", when="12 USD were spent", series=_spent(12), at=LONG, results={"": 12}),
    Value(
        of="service:cost_per_successful_run:ratio1h",
        when="10 runs a minute cost 3 USD, and 4 of them fail",
        series={
            EMITTED: growing(3, 90),
            f"gen_ai_invoke_agent_duration_seconds_count{{{PLANNER}}}": growing(6, 90),
            f'gen_ai_invoke_agent_duration_seconds_count{{{PLANNER}, error_type="timeout"}}': growing(4, 90),
        },
        at=Duration.parse("80m"),
        results={SERVICE: 0.5},
    ),
    Value(
        of="service:cost_per_successful_run:ratio1h",
        when="no run succeeds",
        series={
            EMITTED: growing(3, 90),
            f'gen_ai_invoke_agent_duration_seconds_count{{{PLANNER}, error_type="timeout"}}': growing(4, 90),
        },
        at=Duration.parse("80m"),
        results={},
    ),
)
