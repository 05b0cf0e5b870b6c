"""Decisions of guardrails and rate limits of models, by example: under the stack's names and under others."""

from __future__ import annotations

from rules.agents import progress, signals
from tests.rules.agents.subjects import LONG, MODEL, OF_SERVICE, PROCESS
from tests.rules.examples import Labels, Series, counters, example, gauges, metric, of, warning

JUDGED = "guardrail_evaluations_total"
PII: Labels = {"guardrail": "pii"}
OF_PII = OF_SERVICE | PII
LEFT = "gen_ai_client_rate_limit_left_ratio"
OF_LIMIT = OF_SERVICE | MODEL | {"resource": "requests"}
_ASKED: Labels = {"gen_ai_provider_name": "openai", "gen_ai_request_model": "gpt-4o"}


def _decided(**per_minute: float) -> Series:
    return counters({metric(JUDGED, PROCESS, PII, decision=each): count for each, count in per_minute.items()})


def _day_then(percent: float) -> Series:
    """A hundred messages a minute, of which two are stopped for a day and an hour, and then more."""

    def series(before: float, after: float) -> str:
        return f"0+{before:g}x1500 {1501 * before + after:g}+{after:g}x60"

    return {
        metric(JUDGED, PROCESS, PII, decision="deny"): series(2, percent),
        metric(JUDGED, PROCESS, PII, decision="allow"): series(98, 100 - percent),
    }


def _left(share: float) -> Series:
    return gauges({metric(LEFT, PROCESS, _ASKED, gen_ai_rate_limit_type="requests"): share})


ALERTS = (
    example(
        "a guardrail that stops 2 % stops 6.3 %",
        signals.BLOCKS_RISING,
        series=_day_then(6.3),
        at="1536m",
        fires=[warning("pii of billing stops 3.15 times as many of the messages as the day before.", "3.15", **OF_PII)],
    ),
    example("a guardrail that stops 2 % stops 5.5 %", signals.BLOCKS_RISING, series=_day_then(5.5), at="1545m"),
    example(
        "a new guardrail stops every other message from its first day on",
        signals.BLOCKS_RISING,
        series=_decided(allow=50, deny=50),
        at=LONG,
        near=False,
    ),
    example(
        "a guardrail cannot judge 6 % of the messages",
        signals.CANNOT_JUDGE,
        series=_decided(allow=94, error=6),
        at="6m",
        fires=[warning("pii of billing fails on 6% of the messages.", "6%", **OF_PII)],
    ),
    example(
        "a guardrail cannot judge 4.5 % of the messages",
        signals.CANNOT_JUDGE,
        series=_decided(allow=95.5, error=4.5),
        at=LONG,
    ),
    example(
        "a guardrail has judged ten messages and failed on one",
        signals.CANNOT_JUDGE,
        series=_decided(allow=0.3, error=0.04),
        at=LONG,
        near=False,
    ),
    example(
        "9 % of a limit are left",
        signals.NEARLY_LIMITED,
        series=_left(0.09),
        at="5m",
        fires=[
            warning("billing has 9% of its limit of requests left for gpt-4o (openai).", "9%", **OF_LIMIT),
        ],
    ),
    example("11 % of a limit are left", signals.NEARLY_LIMITED, series=_left(0.11), at=LONG),
    example(
        "each burst uses a limit up, which is full again a minute later",
        signals.NEARLY_LIMITED,
        series={metric(LEFT, PROCESS, _ASKED, gen_ai_rate_limit_type="requests"): "0.05 1 0.05 1 0.05 1 0.05 1 0.05 1"},
        at="9m",
        near=False,
    ),
)

_OWN = counters(
    {
        metric("shop_guard_checks_total", PROCESS, rail="toxicity", outcome=each): count
        for each, count in {"PASSED": 60, "FLAGGED": 6, "BLOCKED": 12, "TIMEOUT": 3}.items()
    }
)
_TOXICITY = OF_SERVICE | {"guardrail": "toxicity"}
_PROXY: Labels = {"job": "litellm", "namespace": "proxies", "api_provider": "openai", "litellm_model_name": "gpt-4o"}

RECORDINGS = (
    example(
        "three guardrails judge messages, one of them under other names, and one with other decisions",
        signals.EVALUATIONS,
        series=_decided(allow=60, deny=6)
        | _OWN
        | counters(
            {
                metric("gateway_guardrail_checks_total", PROCESS, guardrail="topics", decision=each): count
                for each, count in {"pass": 30, "block": 18}.items()
            }
        ),
        at=LONG,
        gives={
            of(OF_PII, decision="allow"): 1,
            of(OF_PII, decision="deny"): 0.1,
            of(_TOXICITY, decision="allow"): 1.1,
            of(_TOXICITY, decision="deny"): 0.2,
            of(_TOXICITY, decision="error"): 0.05,
            of(OF_SERVICE, guardrail="topics", decision="allow"): 0.5,
            of(OF_SERVICE, guardrail="topics", decision="deny"): 0.3,
        },
    ),
    example(
        "one message in ten is stopped, and of another guardrail none",
        signals.DENIED,
        series=_decided(allow=90, deny=10)
        | counters({metric(JUDGED, PROCESS, guardrail="injection", decision="allow"): 60}),
        at=LONG,
        gives={of(OF_PII): 0.1, of(OF_SERVICE, guardrail="injection"): 0},
    ),
    example(
        "two processes have a key, a proxy says what is left, and an agent has gauges of its own",
        signals.LEFT,
        series=_left(0.4)
        | gauges(
            {
                metric(LEFT, PROCESS, _ASKED, instance="i-2", gen_ai_rate_limit_type="requests"): 0.3,
                metric("litellm_remaining_requests_metric", _PROXY): 2500,
                metric("shop_tokens_left", PROCESS, _ASKED): 100,
                metric("shop_tokens_limit", PROCESS, _ASKED): 1000,
            }
        ),
        at=LONG,
        gives={
            of(OF_LIMIT): 0.3,
            of(MODEL, namespace="proxies", service="litellm", resource="requests"): 0.25,
            of(OF_SERVICE, MODEL, resource="tokens"): 0.1,
        },
    ),
    example(
        "a bot has a task under names of its own",
        progress.OPEN,
        series=gauges({metric("shop_task_age_seconds", PROCESS, bot="clerk", task_state="working"): 70}),
        at=LONG,
        gives={of(OF_SERVICE, agent="clerk", kind="a2a_task", state="working"): 70},
    ),
)

EXAMPLES = (*ALERTS, *RECORDINGS)
