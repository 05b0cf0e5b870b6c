"""The alerts and objectives of an agent platform, by example."""

from __future__ import annotations

from collections.abc import Iterator

from model.slo import Slo
from rules.agent_platform import SYSTEM, alerts
from rules.agent_platform.objectives import slos
from tests.rules.examples import (
    Example,
    Labels,
    Series,
    counters,
    example,
    gauges,
    histogram,
    metric,
    of,
    shares,
    steady,
    warning,
)
from tests.rules.objectives import SAMPLES, Events, alerts_of, objective

OWNER = "agents"
_API = {"namespace": "agent-platform", "service": "api"}
_POD = {**_API, "job": "agent-platform", "pod": "p"}
_SUPPORT = {"agent_type": "support"}
_ROUTE, _EXECUTION = {"endpoint": "/agents"}, {"endpoint": "/api/v1/agents/{id}/execute"}
_ELSEWHERE = {**_API, "job": "shop"}
_AVAILABILITY, _LATENCY, _EXECUTIONS = slos(SYSTEM.example)


def _executions(late: float, per_minute: float = 40) -> Series:
    """Of which some take between half a minute and a whole one."""
    return histogram(
        "agent_execution_duration_seconds",
        {**_POD, **_SUPPORT},
        {"30.0": per_minute - late, "60.0": per_minute, "+Inf": per_minute},
    ) | counters({metric("agent_execution_duration_seconds_count", _POD, _SUPPORT): per_minute})


def _pools(percent: float, most: float = 20) -> Series:
    """Of two processes, of which one is idle."""
    idle = {**_POD, "pod": "q"}
    return gauges(
        {
            metric("db_connections_active", _POD): most * percent / 100,
            metric("db_connections_max", _POD): most,
            metric("db_connections_active", idle): 1,
            metric("db_connections_max", idle): most,
        }
    )


def _tokens(used: float) -> Series:
    """Of two models, after an hour without any."""
    name = "agent_tokens_used_total"
    return {
        metric(name, _POD, _SUPPORT, model=model): f"{steady(0)} {steady(used * part)}"
        for model, part in (("gpt-4o", 0.75), ("gpt-4o-mini", 0.25))
    }


def _requests(events: int, bad: int, target: Labels = _POD) -> Series:
    name = "http_requests_total"
    return counters(
        {
            metric(name, target, _ROUTE, status="200"): events - bad,
            metric(name, target, _ROUTE, status="503"): bad,
        },
        SAMPLES,
    )


def _answers(events: int, late: int) -> Series:
    """Beside executions, which all take longer."""
    name = "http_request_duration_seconds"
    return counters(
        {
            metric(f"{name}_count", _POD, _ROUTE): events,
            metric(f"{name}_bucket", _POD, _ROUTE, le="0.5"): events - late,
            metric(f"{name}_bucket", _POD, _ROUTE, le="1.0"): events,
            metric(f"{name}_count", _POD, _EXECUTION): events,
            metric(f"{name}_bucket", _POD, _EXECUTION, le="0.5"): 0,
        },
        SAMPLES,
    )


def _ended(events: int, bad: int) -> Series:
    name = "agent_executions_total"
    return counters(
        {
            metric(name, _POD, _SUPPORT, status="success"): events - bad,
            metric(name, _POD, _SUPPORT, status="error"): bad,
        },
        SAMPLES,
    )


def _objective(slo: Slo, series: Events) -> Iterator[Example]:
    """Each alert, and that on more services than budgets."""
    yield from objective(slo, series, value=_API)

    def services(number: int) -> Series:
        """Each with an event a minute."""
        one = series(1, 0)
        return {
            selector.replace('service="api"', f'service="{n}"'): values
            for n in range(number)
            for selector, values in one.items()
        }

    says = (
        f"{slo.name} on c-1 has budgets of their own for {slo.values} of the values of namespace and service:"
        " all others share one."
    )
    other = {"namespace": "other", "service": "other", "value": "other, other"}
    too_many = alerts_of(slo)["SloTooManyValues"]
    yield example(
        "one service has no budget of its own",
        too_many,
        series=services(slo.values + 1),
        at="11m",
        fires=[warning(says, **other)],
    )
    yield example("each service has its own", too_many, series=services(slo.values), at="20m")


_IS_SLOW = "One in twenty executions of support agents by api (agent-platform) takes longer than {}."
_USES = "A process of api (agent-platform) uses {} of its database connections."
_USED = "Agents of api (agent-platform) used {} tokens within an hour."

EXAMPLES = (
    example(
        "more than one in twenty takes longer than half a minute",
        alerts.SLOW_EXECUTIONS,
        series=_executions(2.4),
        at="11m",
        fires=[warning(_IS_SLOW.format("35s"), "35s", **_API, **_SUPPORT)],
    ),
    example("it began a little later", alerts.SLOW_EXECUTIONS, series=_executions(2.4), at="10m"),
    example("fewer than one in twenty does", alerts.SLOW_EXECUTIONS, series=_executions(1.96), at="30m"),
    example("all of a few are slow", alerts.SLOW_EXECUTIONS, series=_executions(1.9, per_minute=1.9), at="30m"),
    *shares(alerts.POOL_LOW, "{} are in use", _pools, _USES, {78: None, 82: warning}, at="5m", **_API),
    example("a burst has filled a pool", alerts.POOL_LOW, series=_pools(100), at="4m"),
    example("it has no pool", alerts.POOL_LOW, series=_pools(0, most=0), near=False),
    example(
        "it is more than a million",
        alerts.HIGH_TOKENS,
        series=_tokens(1_200_000),
        at="66m",
        fires=[warning(_USED.format("1.2M"), "1.2M", **_API)],
    ),
    example("they were used a little later", alerts.HIGH_TOKENS, series=_tokens(1_200_000), at="65m"),
    example("it is less than a million", alerts.HIGH_TOKENS, series=_tokens(900_000), at="70m"),
    example("it was more than an hour ago", alerts.HIGH_TOKENS, series=_tokens(1_200_000), at="121m", near=False),
    *_objective(_AVAILABILITY, _requests),
    *_objective(_LATENCY, _answers),
    *_objective(_EXECUTIONS, _ended),
    *(
        example(when, "slo:sli_error:ratio_rate5m", group=f"slo-{slo.name}", series=series, gives={_value: gives})
        for _value in (of(_API, value="agent-platform, api"),)
        for slo, when, series, gives in (
            (_AVAILABILITY, "a tenth of the requests fails", _requests(100, 10), 0.1),
            (_AVAILABILITY, "another program fails as well", _requests(100, 0) | _requests(100, 90, _ELSEWHERE), 0),
            (_LATENCY, "half take longer than half a second, beside executions", _answers(64, 32), 0.5),
            (_EXECUTIONS, "a twentieth of the executions fails", _ended(100, 5), 0.05),
        )
    ),
)
