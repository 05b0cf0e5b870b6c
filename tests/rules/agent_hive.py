"""The alerts over Agent Hive, by example."""

from __future__ import annotations

from rules.agent_hive.alerts import (
    ACCURACY,
    API_DURATION,
    API_FAILING,
    API_SLOW,
    CONFIDENCE,
    COORDINATION,
    DOWN,
    FAILING,
    FEW_AGENTS,
    FORGED,
    INACCURATE,
    SLOW,
    STUCK,
    UNSURE,
    UP,
    WORSE,
)
from rules.kubernetes.recordings import DESIRED
from tests.rules.examples import (
    Firing,
    Series,
    counters,
    critical,
    example,
    gauges,
    growing,
    histogram,
    metric,
    of,
    shares,
    steady,
    warning,
)

OWNER = "agents"
OWNED_BY_OTHERS = {FORGED.name: "security"}
_HIVE = {"namespace": "hive", "service": "agent-hive"}
_JOB = {"job": "agent-hive-orchestrator"}
_TARGET = {**_HIVE, **_JOB, "pod": "p"}
EXPECTED = "agent_hive:expected:info"
_OPENAI, _MODEL = {"api": "openai"}, {"model_type": "planner"}
_SENDERS = {"namespace": "hive", "service": "webhook-server"}
_WEBHOOKS = {**_SENDERS, "job": "agent-hive-webhook-server"}
_PROGRAMS = {
    "agent-hive-api-gateway": "api-gateway",
    "agent-hive-event-streaming": "event-streaming",
    "agent-hive-orchestrator": "agent-hive",
    "agent-hive-webhook-server": "webhook-server",
}


def _up(value: float) -> Series:
    """All programs answer, and the orchestrator perhaps."""
    targets = {metric("up", namespace="hive", service=service, job=job): 1 for job, service in _PROGRAMS.items()}
    return gauges({**targets, metric("up", _HIVE, _JOB): value})


def _answering(orchestrator: float | None, others: float = 0) -> dict[str, float]:
    """What is recorded of each program."""
    found = {of(namespace="hive", service=service, job=job): others for job, service in _PROGRAMS.items()}
    ours = of(_HIVE, _JOB)
    return {key: value for key, value in {**found, ours: orchestrator}.items() if value is not None}


def _slow(seconds: float, per_minute: float = 10) -> Series:
    return gauges({metric(COORDINATION, _HIVE): seconds}) | counters(
        {metric("agent_hive_coordination_latency_seconds_count", _TARGET): per_minute}
    )


def _agents(**states: int) -> Series:
    name = "agent_hive_active_agents_total"
    return _up(1) | gauges(
        {metric(name, _TARGET, agent_type="backend", status=state): count for state, count in states.items()}
    )


def _tasks(percent: float, per_minute: float = 10) -> Series:
    name = "agent_hive_tasks_completed_total"
    shared = {metric(name, _TARGET, agent_type="backend", status="completed"): per_minute * (100 - percent) / 100}
    failed = {metric(name, _TARGET, agent_type="backend", status="error"): per_minute * percent / 100}
    return counters(shared | failed)


def _waiting(queue: str, ended: str) -> Series:
    return {
        metric("agent_hive_task_queue_length", _TARGET): queue,
        metric("agent_hive_tasks_completed_total", _TARGET, agent_type="backend", status="completed"): ended,
    }


def _requests(percent: float, code: str = "503", per_minute: float = 10) -> Series:
    name = "agent_hive_external_api_requests_total"
    return counters(
        {
            metric(name, _TARGET, _OPENAI, status_code=status): per_minute * share / 100
            for status, share in (("200", 100 - percent), (code, percent))
        }
    )


def _duration(seconds: float, per_minute: float = 10) -> Series:
    return gauges({metric(API_DURATION, _HIVE, _OPENAI): seconds}) | counters(
        {metric("agent_hive_external_api_duration_seconds_count", _TARGET, _OPENAI): per_minute}
    )


def _confidence(mean: float, per_minute: float = 10) -> Series:
    return gauges({metric(CONFIDENCE, _HIVE): mean}) | counters(
        {metric("agent_hive_decision_confidence_score_count", _TARGET): per_minute}
    )


def _accuracy(before: float, after: float) -> Series:
    """Of a model, with a sample every five minutes: two days of one value, and then hours of another."""
    return {metric(ACCURACY, _HIVE, _MODEL): f"{steady(before, 576)} {steady(after, 24)}"}


def _forged(in_15_minutes: float) -> Series:
    name = "agent_hive_webhook_events_total"
    return {metric(name, _WEBHOOKS, result="bad_signature"): growing(in_15_minutes / 15)}


def _stuck(count: str) -> list[Firing]:
    return [
        critical(f"In agent-hive (hive), {count} tasks or more have waited for ten minutes, and none ended.", **_HIVE)
    ]


_SLOWLY = "One in twenty coordinations by agent-hive (hive) takes longer than {}."
_HAS = "agent-hive (hive) has {} agents that work or wait for work."
_API_IS_SLOW = "One in twenty requests from agent-hive (hive) to openai takes longer than {}."
_FAILS = "{} of the tasks of backend agents fail in agent-hive (hive)."
_API_FAILS = "{} of the requests from agent-hive (hive) to openai fail, time out, or are refused by its rate limit."
_CONFIDENT = "The mean confidence of decisions in agent-hive (hive) is {}."
_RIGHT = "The planner model of agent-hive (hive) is right in {}."
_LOST = "The planner model of agent-hive (hive) is {} less often right than in the mean of a week."
_REFUSED = "webhook-server (hive) refused {} webhooks with a wrong signature in 15 minutes."

EXAMPLES = (
    example(
        "no pod has answered for two minutes",
        DOWN,
        series=_up(0),
        at="2m",
        fires=[critical("No pod of agent-hive (hive) answers.", "0", **_HIVE, **_JOB)],
    ),
    example("it is restarted", DOWN, series=_up(0), at="1m"),
    example("it answers", DOWN, series=_up(1)),
    example(
        "Agent Hive is on",
        EXPECTED,
        gives={of(namespace="hive", service=service, job=job): 1 for job, service in _PROGRAMS.items()},
    ),
    example(
        "one of two pods answers",
        UP,
        series=_up(0) | gauges({metric("up", _TARGET): 1}),
        gives=_answering(1, others=1),
    ),
    example("there is no pod", UP, gives=_answering(0)),
    example(
        "it is scaled to zero",
        UP,
        series=gauges({metric(DESIRED, namespace="hive", workload="agent-hive"): 0}),
        gives=_answering(None),
    ),
    *(
        example(
            f"one in twenty takes {seconds:g} s",
            SLOW,
            series=_slow(seconds),
            at=at,
            fires=[severity(_SLOWLY.format(said), said, **_HIVE)],
        )
        for seconds, at, severity, said in ((0.55, "5m", warning, "550ms"), (1.1, "5m", critical, "1.1s"))
    ),
    example("it takes 0.45 s", SLOW, series=_slow(0.45)),
    example("it takes 0.95 s", SLOW, series=_slow(0.95), fires=[warning(_SLOWLY.format("950ms"), "950ms", **_HIVE)]),
    example("few are slow", SLOW, series=_slow(2, per_minute=3.8)),
    example(
        "all take between half a second and one",
        COORDINATION,
        series=histogram(
            "agent_hive_coordination_latency_seconds", _TARGET, {"0.25": 0, "0.5": 0, "1.0": 60, "+Inf": 60}
        ),
        gives={of(_HIVE): 0.975},
    ),
    *(
        example(
            f"{left} of three are left",
            FEW_AGENTS,
            series=_agents(active=left, failed=3 - left),
            at="2m",
            fires=[severity(_HAS.format(left), str(left), **_HIVE)],
        )
        for left, severity in ((2, warning), (1, warning), (0, critical))
    ),
    example(
        "no agent has registered",
        FEW_AGENTS,
        series=_up(1),
        at="2m",
        fires=[critical(_HAS.format(0), "0", **_HIVE)],
    ),
    example("all three wait for work at night", FEW_AGENTS, series=_agents(idle=3)),
    example("the orchestrator is down", FEW_AGENTS, series=_up(0), near=False),
    *shares(
        FAILING,
        "{} fail",
        _tasks,
        _FAILS,
        {9: None, 11: warning, 49: warning, 51: critical},
        at="6m",
        **_HIVE,
        agent_type="backend",
    ),
    example("all of a few fail", FAILING, series=_tasks(100, per_minute=3.8)),
    example("they have failed for less than that", FAILING, series=_tasks(60), at="5m"),
    example("none fails", FAILING, series=_tasks(0), near=False),
    example("tasks wait, and none ends", STUCK, series=_waiting("4x60", "7x60"), at="5m", fires=_stuck("4")),
    example("it began a little later", STUCK, series=_waiting("4x60", "7x60"), at="4m"),
    example("they wait, and one ends at times", STUCK, series=_waiting("4x60", "0+0.2x60"), at="30m"),
    example("the queue is empty at night", STUCK, series=_waiting("0x60", "7x60"), at="30m"),
    *(
        example(
            f"one in twenty takes {seconds:g} s",
            API_SLOW,
            series=_duration(seconds),
            at="8m",
            fires=[warning(_API_IS_SLOW.format(f"{seconds:g}s"), f"{seconds:g}s", **_HIVE, **_OPENAI)]
            if seconds > 5
            else [],
        )
        for seconds in (4.9, 5.5)
    ),
    example("of a few, one is slow", API_SLOW, series=_duration(20, per_minute=3.8)),
    example(
        "all take between 2.5 s and 5 s",
        API_DURATION,
        series=histogram(
            "agent_hive_external_api_duration_seconds",
            {**_TARGET, **_OPENAI, "method": "POST"},
            {"1.0": 0, "2.5": 0, "5.0": 60, "+Inf": 60},
        ),
        gives={of(_HIVE, _OPENAI): 4.875},
    ),
    *shares(
        API_FAILING,
        "{} are errors of the server",
        _requests,
        _API_FAILS,
        {4.5: None, 5.5: warning, 49: warning, 51: critical},
        at="5m",
        **_HIVE,
        **_OPENAI,
    ),
    *(
        example(
            f"a tenth ends with {code}",
            API_FAILING,
            series=_requests(10, code),
            at="5m",
            fires=[warning(_API_FAILS.format("10%"), "10%", **_HIVE, **_OPENAI)],
        )
        for code in ("429", "timeout", "error")
    ),
    example("what is asked for is not there", API_FAILING, series=_requests(90, "404"), near=False),
    example("all of a few fail", API_FAILING, series=_requests(100, per_minute=3.8)),
    *(
        example(
            f"the mean is {mean:g}",
            UNSURE,
            series=_confidence(mean),
            at="7m",
            fires=[warning(_CONFIDENT.format("68%"), "68%", **_HIVE)] if mean < 0.7 else [],
        )
        for mean in (0.68, 0.72)
    ),
    example("it is low in a few decisions", UNSURE, series=_confidence(0.2, per_minute=1.2), at="30m"),
    example(
        "decisions score 0.6 in the mean",
        CONFIDENCE,
        series=counters(
            {
                metric("agent_hive_decision_confidence_score_sum", _TARGET): 6,
                metric("agent_hive_decision_confidence_score_count", _TARGET): 10,
            }
        ),
        gives={of(_HIVE): 0.6},
    ),
    *shares(
        INACCURATE,
        "it is right in {}",
        lambda percent: gauges({metric(ACCURACY, _HIVE, _MODEL): percent / 100}),
        _RIGHT,
        {81: None, 79: warning},
        at="10m",
        **_HIVE,
        **_MODEL,
    ),
    example(
        "it has been low for nine minutes",
        INACCURATE,
        series=gauges({metric(ACCURACY, _HIVE, _MODEL): 0.7}),
        at="9m",
    ),
    example(
        "two replicas evaluated a model",
        ACCURACY,
        series=gauges(
            {metric("agent_hive_learning_accuracy_percent", {**_TARGET, "pod": pod}, _MODEL): 90 for pod in "pq"}
        ),
        gives={of(_HIVE, _MODEL): 0.9},
    ),
    *(
        example(
            f"an hour ago it fell from 95 % to {after:.0%}",
            WORSE,
            series=_accuracy(0.95, after),
            at="2945m",
            step="5m",
            fires=[warning(_LOST.format(lost), lost, **_HIVE, **_MODEL)] if lost else [],
        )
        for after, lost in ((0.9, ""), (0.89, "5.868%"))
    ),
    example("it fell a little later", WORSE, series=_accuracy(0.95, 0.89), at="2940m", step="5m"),
    example(
        "a new model falls on its first day",
        WORSE,
        series={metric(ACCURACY, _HIVE, _MODEL): f"{steady(0.95, 100)} {steady(0.8, 60)}"},
        at="700m",
        step="5m",
    ),
    *(
        example(
            f"{count} are wrong",
            FORGED,
            series=_forged(count),
            at="19m",
            fires=[warning(_REFUSED.format(count), str(count), **_SENDERS)] if count > 10 else [],
        )
        for count in (9, 11)
    ),
    example("they began a little later", FORGED, series=_forged(30), at="10m"),
)
