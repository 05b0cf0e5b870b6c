"""Agents: what a stack file may say of them, and what that makes of the rules."""

from __future__ import annotations

import re
from typing import Any

import pytest

from components.settings.stack import Refused, Settings, read
from model.rules import Alert, Recording
from rules.agents.cost import priced
from rules.agents.settings import AgentsSettings
from tests.catalogue import EVERYTHING

CLUSTER = {"name": "dev-1", "environment": "dev", "context": "kind-dev", "flavour": "kind"}
PRICES: dict[str, Any] = {"prices": {"gpt-4o": {"input": 2.5, "output": 10}}}
BUDGET: dict[str, Any] = {"budget": {"perDay": 50}}
PER_MILLION = "USD per million tokens, between 0.001 and 10000, or 0 for a model that costs nothing"


def stack(agents: dict[str, Any] | None, **systems: Any) -> Settings:
    return read({"cluster": CLUSTER, "systems": {"agents": agents, **systems}})


def alerts(settings: Settings) -> dict[str, Alert]:
    return {
        alert.name: alert
        for group in settings.watched.groups
        if group.system == "agents"
        for alert in group.rules
        if isinstance(alert, Alert)
    }


def recorded(settings: Settings, name: str) -> str:
    (rule,) = (rule for group in settings.watched.groups for rule in group.rules if rule.name == name)
    assert isinstance(rule, Recording)
    return rule.expr


@pytest.mark.parametrize(
    ("agents", "problem"),
    [
        ({"namespaces": "agents"}, 'namespaces: "agents": a list'),
        (
            {"namespaces": ["Agents"]},
            'namespaces[0]: "Agents": a name of at most 63 lower-case letters, digits and dashes',
        ),
        ({"budget": {}}, "budget.perDay: is required"),
        ({"budget": {"perDay": 0}}, "budget.perDay: 0: more than 0"),
        ({"budget": {"perDay": "50 USD"}}, 'budget.perDay: "50 USD": an amount of USD like 2.5 or 0'),
        ({"budget": {"perDay": True}}, "budget.perDay: true: an amount of USD like 2.5 or 0"),
        ({"budget": {"perDay": -1}}, "budget.perDay: -1: an amount of USD like 2.5 or 0"),
        ({"budget": {"perDay": 50, "perMonth": 49}}, 'budget.perMonth: "49": at least perDay, 50'),
        ({"budget": {"perDay": 50, "currency": "EUR"}}, 'budget.currency: "EUR": one of USD'),
        ({"budget": {"perDay": 50, "perYear": 1}}, "budget.perYear: unknown key: did you mean perDay?"),
        ({"prices": {"gpt-4o": {"input": 2.5}}}, "prices.gpt-4o.output: is required"),
        ({"prices": {"gpt-4o": 2.5}}, "prices.gpt-4o: 2.5: a mapping"),
        (
            {"prices": {"gpt-4o": {"input": 0.0000025, "output": 10}}},
            f"prices.gpt-4o.input: 2.5e-06: {PER_MILLION}",
        ),
        (
            {"prices": {"gpt-4o": {"input": 2.5, "output": 10_001}}},
            f"prices.gpt-4o.output: 10001: {PER_MILLION}",
        ),
        (
            {"prices": {"gpt-4o": {"input": 2.5, "output": 10, "cacheRead": 3}}},
            'prices.gpt-4o.cacheRead: "3": at most input, 2.5',
        ),
        (
            {"prices": {'gpt"} or up{job="': {"input": 2.5, "output": 10}}},
            'prices.gpt"} or up{job=": "gpt\\"} or up{job=\\"": the name of a model',
        ),
        (
            {"signals": {"guardrails": [{"evaluations": "a{b}"}]}},
            'signals.guardrails[0].evaluations: "a{b}": the name of one metric, without labels',
        ),
        (
            {"signals": {"guardrails": [{"evaluations": "checks_total", "denied": ["no"], "failed": ["no"]}]}},
            'signals.guardrails[0].failed: "no": a decision that is not denied as well',
        ),
        (
            {"signals": {"rateLimits": [{"remaining": "left", "limit": "all", "maximum": 5}]}},
            "signals.rateLimits[0]: {...}: limit or maximum, not both",
        ),
        (
            {"signals": {"rateLimits": [{"remaining": "gen_ai_client_rate_limit_left_ratio", "maximum": 1}]}},
            'signals.rateLimits[0].remaining: "gen_ai_client_rate_limit_left_ratio": another name: this one is read',
        ),
        (
            {"signals": {"openWork": [{"oldest": "age", "kind": "run"}, {"oldest": "age", "kind": "approval"}]}},
            'signals.openWork[1].oldest: "age": a metric that no other entry has',
        ),
        (
            {"signals": {"openWork": [{"oldest": "age", "kind": "task"}]}},
            'signals.openWork[0].kind: "task": one of run, approval or a2a_task',
        ),
        ({"maxInferenceCalls": 1}, "maxInferenceCalls: 1: at least 2"),
        ({"maxInferenceCalls": 129}, "maxInferenceCalls: 129: at most 128"),
        ({"objectives": {"availability": 30}}, "objectives.availability: 30: a percentage between 50 and 99.999"),
        ({"objectives": {"latency": {"atMost": "1m"}}}, "objectives.latency.objective: is required"),
        (
            {"objectives": {"latency": {"objective": 95, "atMost": "2m"}}},
            'objectives.latency.atMost: "2m": a duration of at most 1m21s920ms, where the buckets of the conventions',
        ),
        (
            {"objectives": {"latency": {"objective": 95, "atMost": "0s"}}},
            'objectives.latency.atMost: "0s": a duration of at most 1m21s920ms',
        ),
        (
            {"objectives": {"costPerRun": {"objective": 95, "atMost": 0}}},
            "objectives.costPerRun.atMost: 0: more than 0",
        ),
    ],
)
def test_what_is_wrong_with_agents_is_said_where_it_is_wrong(agents: dict[str, Any], problem: str) -> None:
    with pytest.raises(Refused) as refused:
        stack(agents)
    (said,) = refused.value.problems
    assert said.startswith(f"systems.agents.{problem}")


def test_prices_become_exact_numbers_for_each_direction() -> None:
    table = {
        "gpt-4o": {"input": 2.5, "output": 10, "cacheRead": 0.3},
        "anthropic/claude-sonnet-4": {"input": "3", "output": 15},
    }
    assert priced(AgentsSettings.model_validate({"prices": table}).prices) == (
        "sum by (cluster, environment, namespace, service, agent, provider, model) ("
        'agent:tokens:rate5m{model="anthropic/claude-sonnet-4", direction="input"} * 0.000003'
        ' or agent:tokens:rate5m{model="anthropic/claude-sonnet-4", direction="output"} * 0.000015'
        ' or agent:tokens:rate5m{model="gpt-4o", direction="input"} * 0.0000025'
        ' or agent:tokens:rate5m{model="gpt-4o", direction="output"} * 0.00001'
        ' or agent:cached_tokens:rate5m{model="gpt-4o"} * -0.0000022)'
    )


def test_without_prices_costs_are_those_that_are_emitted() -> None:
    assert recorded(stack({}), "agent:cost:rate5m") == "agent:emitted_cost:rate5m"


def test_a_month_is_thirty_days_unless_it_is_given() -> None:
    assert AgentsSettings.model_validate({"budget": {"perDay": 0.1}}).budget.month == 3  # type: ignore[union-attr]  # it is given
    given = AgentsSettings.model_validate({"budget": {"perDay": 50, "perMonth": 1000}}).budget
    assert given is not None
    assert (str(given.day), str(given.month)) == ("50", "1000")


def test_agents_are_counted_wherever_they_run_unless_namespaces_are_named() -> None:
    assert "k8s_namespace_name=" not in recorded(stack({}), "agent:runs:rate5m")
    assert 'k8s_namespace_name=~"agents|agents-eu|"' in recorded(
        stack({"namespaces": ["agents", "agents-eu"]}), "agent:runs:rate5m"
    )


def test_all_that_is_wrong_with_a_mapping_is_said_at_once() -> None:
    guardrail = {"evaluations": "9", "labels": {"rail": "pii"}, "denied": []}
    with pytest.raises(Refused) as refused:
        stack({"signals": {"guardrails": [guardrail], "rateLimits": [{"remaining": "left", "of": "money"}]}})
    said = [each.removeprefix("systems.agents.signals.").partition(":")[0] for each in refused.value.problems]
    assert said == [
        "guardrails[0].evaluations",
        "guardrails[0].labels.rail",
        "guardrails[0].denied",
        "rateLimits[0].of",
    ]


def test_guardrails_and_rate_limits_are_watched_once_they_are_asked_for() -> None:
    signals = {"AgentGuardrailBlocksRising", "AgentGuardrailFailing", "ModelRateLimitNearlyUsed"}
    assert not signals & alerts(stack({})).keys()
    assert signals < alerts(stack({"signals": {}})).keys()


COSTS = {"AgentBudgetBurnsFast", "AgentDailyBudgetSpent", "AgentMonthlyBudgetSpent", "ModelUnpriced"}


@pytest.mark.parametrize(
    ("agents", "there"), [({}, set()), (PRICES, {"ModelUnpriced"}), (BUDGET, COSTS), (PRICES | BUDGET, COSTS)]
)
def test_nobody_hears_of_costs_who_has_not_asked_what_agents_cost(agents: dict[str, Any], there: set[str]) -> None:
    assert COSTS & alerts(stack(agents)).keys() == there


def test_objectives_are_there_when_they_are_set() -> None:
    assert stack({}).watched.slos == (), "one whose events stay away is an alert: on an idle cluster, too"
    named = {slo.name for slo in stack({"objectives": {"availability": 99, "toolSuccess": 95}}).watched.slos}
    assert named == {"agent-runs", "agent-tools"}


def test_requests_between_agents_are_watched_while_the_metrics_of_spans_are_scraped() -> None:
    assert "A2aRequestsFailing" in alerts(stack({}))
    alone = stack({}, monitoring=None)
    assert "AgentRunsFailing" in alerts(alone)
    assert not {group.name for group in alone.watched.groups} & {"a2a"}, "Jaeger is scraped as a part of monitoring"


def test_a_limit_of_calls_is_the_loop_guards_line() -> None:
    found = alerts(stack({"maxInferenceCalls": 10}))
    assert "histogram_fraction(10, +Inf" in found["AgentRunsLooping"].value
    assert set(found["AgentCallsPerRunHigh"].thresholds.values()) == {10}


def test_every_alert_of_agents_has_their_owner() -> None:
    assert {alert.owner for alert in alerts(read(EVERYTHING)).values()} == {"agents"}


COUNT_THEMSELVES = {"ModelUnavailable", "AgentRunsLooping", "AgentCallsPerRunHigh"}
OF_ONE = {"AgentRunHangs", "AgentApprovalWaits", "A2aTaskStuck"}
"""The time of a single run or task."""


def test_alerts_need_traffic_to_judge_by() -> None:
    for alert in alerts(stack({})).values():
        if alert.name not in COUNT_THEMSELVES | OF_ONE:
            assert re.search(r">= [1-9]\d", alert.and_), alert.name
