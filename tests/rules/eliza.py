"""The alerts over Eliza, by example."""

from __future__ import annotations

from rules.eliza.alerts import DEPLOYMENT_FAILED, DOWN, FAILED, UNHEALTHY, UP
from rules.kubernetes.recordings import DESIRED
from tests.rules.examples import Firing, Labels, Series, critical, example, gauges, metric, of, warning

OWNER = "agents"
_API = {"namespace": "default", "service": "api-service"}
_JOB = {"job": "api-servers"}
EXPECTED = "eliza:expected:info"
_ID = {"agent_id": "a-17", "agent_name": "researcher"}
_AGENT = {"namespace": "agents", "service": "researcher", **_ID}
_POD = {**_AGENT, "job": "eliza-agents", "pod": "researcher-5d9c-x"}
_FAILS = {**_ID, "namespace": "agents", "workload": "researcher"}
_RECORDED = of(_ID, workload="researcher")
_SAID = "The deployment of agent researcher (a-17) has failed."
_UNHEALTHY = "Agent researcher (a-17) does not answer, or its health check fails."


def _up(value: float) -> Series:
    return gauges({metric("up", _API, _JOB, pod="p"): value})


def _failed(*pods: float) -> Series:
    """An agent whose deployment failed, and whether each of its pods answers."""
    answers = {metric("up", {**_POD, "pod": f"p-{number}"}): value for number, value in enumerate(pods)}
    return _status(failed=1) | gauges(answers)


def _status(**statuses: float) -> Series:
    name = "agent_deployment_status"
    return gauges({metric(name, _API, _JOB, _ID, pod="p", status=status): value for status, value in statuses.items()})


def _health(up: float, health: float | None = None, pod: Labels = _POD) -> Series:
    reported = {} if health is None else {metric("agent_health_status", pod): health}
    return gauges({metric("up", pod): up, **reported})


def _ill() -> list[Firing]:
    return [warning(_UNHEALTHY, "0", **_AGENT)]


EXAMPLES = (
    example(
        "no pod has answered for two minutes",
        DOWN,
        series=_up(0),
        at="2m",
        fires=[critical("No pod of api-service (default) answers.", "0", **_API, **_JOB)],
    ),
    example("it is restarted", DOWN, series=_up(0), at="1m"),
    example("it answers", DOWN, series=_up(1)),
    example("Eliza is on", EXPECTED, gives={"": 1}),
    example(
        "one of two pods answers",
        UP,
        series=gauges({metric("up", _API, _JOB, pod="p"): 1, metric("up", _API, _JOB, pod="q"): 0}),
        gives={of(_API, _JOB): 1},
    ),
    example("there is no pod", UP, gives={of(_API, _JOB): 0}),
    example(
        "it is scaled to zero",
        UP,
        series=gauges({metric(DESIRED, namespace="default", workload="api-service"): 0}),
        gives={},
    ),
    example("a deployment failed", FAILED, series=_status(failed=1, running=0), gives={_RECORDED: 1}),
    example("it was deployed again", FAILED, series=_status(failed=0, deploying=1), gives={}),
    example(
        "two replicas of the API report it",
        FAILED,
        series=_status(failed=1)
        | gauges({metric("agent_deployment_status", _API, _JOB, _ID, pod="q", status="failed"): 1}),
        gives={_RECORDED: 1},
    ),
    *(
        example(
            f"for a minute, {pods}",
            DEPLOYMENT_FAILED,
            series=_failed(*answers),
            at="1m",
            fires=[severity(_SAID, "1", **_FAILS)],
        )
        for pods, answers, severity in (
            ("an older pod answers", (1,), warning),
            ("of two older pods one answers", (0, 1), warning),
            ("no pod answers", (0,), critical),
            ("there is no pod", (), critical),
        )
    ),
    example("it failed a moment ago", DEPLOYMENT_FAILED, series=_failed(), at="0m"),
    example("it runs", DEPLOYMENT_FAILED, series=_health(1)),
    example("its health check fails", UNHEALTHY, series=_health(1, 0), at="5m", fires=_ill()),
    example("it does not answer", UNHEALTHY, series=_health(0), at="5m", fires=_ill()),
    example(
        "one of two pods fails its check",
        UNHEALTHY,
        series=_health(1, 0) | _health(1, 1, {**_POD, "pod": "researcher-5d9c-y"}),
        fires=_ill(),
    ),
    example("it is restarted", UNHEALTHY, series=_health(0), at="4m"),
    example("its check passes", UNHEALTHY, series=_health(1, 1)),
    example("it answers and has no such metric", UNHEALTHY, series=_health(1)),
)
