"""Alerts, recordings and inhibitions of Progressive; comments give the reason for each number."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from model.metrics import Unit
from model.quantities import Duration
from model.rules import SELDOM, Alert, Group, Inhibition, Recording, Severity
from model.slo import Symptom
from rules.kubernetes.recordings import DESIRED
from rules.platforms import SERVICE
from rules.progressive.contract import AGENT, CORE
from rules.progressive.selectors import AGENTS, FAILED, agent, core, p95, ratio
from rules.services.inhibitions import DOWN as SERVICE_DOWN
from rules.services.inhibitions import NOT_READY
from rules.stores import mutes

_NAMESPACE = "cluster, environment, namespace"
_ERRORS, _LATENCY = ({"symptom": symptom.value} for symptom in (Symptom.ERRORS, Symptom.LATENCY))
_REQUESTS, _RUNS = core("progressive_http_requests_total"), agent("progressive_agent_requests_total")
_FAILED = core("progressive_http_requests_total", 'status_code=~"5.."')
_COORDINATION = agent("progressive_agent_errors_total", 'error_type="coordination_failure"')
_RUN_TIMES = "progressive_agent_response_time_seconds"
_CORE_UP = f"on ({_NAMESPACE}) {core('up')} == 1"


def _silent(up: str, by: str) -> str:
    """PromQL: no pod answers, or all pods of the last day are gone."""
    return f"max by ({by}) ({up}) == 0 or max by ({by}) (max_over_time({up}[1d])) unless max by ({by}) ({up})"


def _hourly(name: str, counter: str) -> Recording:
    return Recording(
        name=f"service:progressive_{name}:increase1h", expr=f"sum by ({SERVICE}) (increase({counter}[1h]))"
    )


REQUESTS = _hourly("http_requests", _REQUESTS)
NUTRITION = _hourly("nutrition_plans", agent("progressive_nutrition_plans_generated_total", 'success="true"'))
WORKOUTS = _hourly("workout_plans", agent("progressive_workout_plans_generated_total", 'success="true"'))
USERS = Recording(
    name="service:progressive_active_users:sum", expr=f"sum by ({SERVICE}) ({core('progressive_active_users_total')})"
)


def last_week(recording: Recording) -> str:
    """PromQL: the least of the same hour a week ago, and of an hour before: a clock change moves it by one."""
    return f"min_over_time({recording.name}[2h] offset 167h)"


def _low(name: str, of: Recording, what: str, least: float, below: float, owner: str, for_: str) -> Alert:
    """Demand against its own past, since demand is no objective; with less than ``least`` then, it varies by chance."""
    usual = last_week(of)
    return Alert(
        name=name,
        # Without one event the counter may be gone.
        value=f"({of.name} or 0 * {usual}) / ({usual} > {least})",
        below={Severity.WARNING: below},
        unit=Unit.RATIO,
        and_=_CORE_UP,
        for_=Duration.parse(for_),
        owner=owner,
        summary=f"Progressive has far fewer {what} than a week ago.",
        description="{{ $labels.service }} in {{ $labels.namespace }} has {{ $value | humanizePercentage }}"
        f" of the {what} of the same hour a week ago.",
        runbook="ProgressiveLowRequestRate",
    )


DOWN = Alert(
    name="ProgressiveSystemDown",
    value=_silent(core("up"), SERVICE),
    severity=Severity.CRITICAL,
    for_=Duration.parse("1m"),  # the document's: a rolling update always leaves a pod that answers
    owner="devops",
    summary="The core of Progressive is down.",
    description="No pod of {{ $labels.service }} in {{ $labels.namespace }} answers.",
)
DATABASE = Alert(
    name="ProgressiveDatabaseConnectionFailure",
    # Of a pool that is never empty.
    value=f"sum by ({SERVICE}, database_type) ({core('progressive_database_connections_active')}) == 0"
    # Without requests, or if the core does without this database, nobody notices.
    f" and on ({SERVICE}) sum by ({SERVICE}) (rate({_FAILED}[5m])) > 0.05",  # 15 failed requests in five minutes
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # the document's: a failover of the database takes less
    owner="devops",
    summary="The core of Progressive has lost a database.",
    description="{{ $labels.service }} in {{ $labels.namespace }} has no connection to {{ $labels.database_type }},"
    " and its requests fail.",
)
ERRORS = Alert(
    name="ProgressiveHighErrorRate",
    value=ratio(_FAILED, _REQUESTS, SERVICE),
    # 5 % is the document's. If half fails, hardly anybody can work; less than that pages when the budget burns.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.5},
    unit=Unit.RATIO,
    and_=f"sum by ({SERVICE}) (rate({_REQUESTS}[5m])) > 0.33",  # a hundred requests: 5 % are five
    for_=Duration.parse("5m"),
    owner="development",
    labels=_ERRORS,
    summary="Requests to Progressive fail.",
    description="{{ $labels.service }} in {{ $labels.namespace }} fails {{ $value | humanizePercentage }} of its"
    " requests.",
)
CLIENT_ERRORS = ratio(core("progressive_http_requests_total", 'status_code=~"4.."'), _REQUESTS, SERVICE)
"""PromQL, for a panel: clients' mistakes alert nobody."""
SLOW = Alert(
    name="ProgressiveHighResponseTime",
    value=p95(core("progressive_http_request_duration_seconds_bucket"), SERVICE),
    above={Severity.WARNING: 2},  # the document's: beyond that, people think it hangs
    unit=Unit.SECONDS,
    and_=f"sum by ({SERVICE}) (rate({_REQUESTS}[5m])) > 0.33",
    for_=Duration.parse("10m"),  # the document's: longer than a cold cache after a deployment
    owner="development",
    labels=_LATENCY,
    summary="Progressive answers slowly.",
    description="One in twenty requests to {{ $labels.service }} in {{ $labels.namespace }} takes longer than"
    " {{ $value | humanizeDuration }}.",
)
EVENT_LOOP = Alert(
    name="ProgressiveEventLoopLag",
    # Of a single pod: computing in one blocks that one alone.
    value=f"max by ({SERVICE}, pod) ({core('nodejs_eventloop_lag_p99_seconds')})",
    above={Severity.WARNING: 0.5},  # everything in the pod waits for half a second, as long as a request may take
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),  # a large answer or a collection of garbage blocks for a moment
    owner="development",
    summary="Node's event loop is blocked.",
    description="The event loop of {{ $labels.pod }} in {{ $labels.namespace }} is late by"
    " {{ $value | humanizeDuration }}.",
    runbook="ProgressiveHighResponseTime",
)
UNRESPONSIVE = Alert(
    name="ProgressiveAgentUnresponsive",
    value=_silent(agent("up"), AGENTS),
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # the document's: a deployment of a type's one pod takes less
    owner="ai-team",
    summary="All agents of one type are down.",
    description="No pod of {{ $labels.agent_type }} in {{ $labels.namespace }} answers.",
)
AGENT_SLOW = Alert(
    name="ProgressiveAgentHighLatency",
    value=p95(agent(f"{_RUN_TIMES}_bucket"), AGENTS),
    above={Severity.WARNING: 10},  # the document's: beyond that, people give up
    unit=Unit.SECONDS,
    and_=f"sum by ({AGENTS}) (rate({agent(f'{_RUN_TIMES}_count')}[5m])) > 0.066",  # twenty: 5 % are one
    for_=Duration.parse("3m"),
    owner="ai-team",
    labels=_LATENCY,
    summary="Agents of Progressive answer slowly.",
    description="One in twenty requests to {{ $labels.agent_type }} in {{ $labels.namespace }} takes longer than"
    " {{ $value | humanizeDuration }}.",
)
AGENT_FAILS = Alert(
    name="ProgressiveHighAgentFailureRate",
    value=ratio(agent("progressive_agent_requests_total", FAILED), _RUNS, AGENTS, "10m"),
    above={Severity.WARNING: 0.1},  # the document's: one in ten. The budget pages
    unit=Unit.RATIO,
    and_=f"sum by ({AGENTS}) (rate({_RUNS}[10m])) > 0.033",  # twenty requests: 10 % are two
    for_=Duration.parse("5m"),
    owner="ai-team",
    labels=_ERRORS,
    summary="Agents of Progressive fail.",
    description="{{ $labels.agent_type }} in {{ $labels.namespace }} fails {{ $value | humanizePercentage }} of its"
    " requests.",
)
COORDINATION = Alert(
    name="ProgressiveAgentCoordinationFailure",
    value=f"60 * sum by ({AGENTS}) (rate({_COORDINATION}[5m]))",
    above={Severity.WARNING: 6},  # a minute, the document's. Single ones are tried again
    for_=Duration.parse("2m"),
    owner="ai-team",
    summary="Agents of Progressive cannot be coordinated.",
    description="{{ $labels.agent_type }} in {{ $labels.namespace }} has {{ $value | humanize }} coordination failures"
    " a minute.",
)
AGENT_MEMORY = Alert(
    name="ProgressiveAgentMemoryHigh",
    value=f"max by ({AGENTS}, pod) ({agent('progressive_agent_memory_usage_bytes')})",
    above={Severity.WARNING: 2**30},  # the document's. A container's limit is KubernetesContainerHighMemoryUsage's
    unit=Unit.BYTES,
    for_=Duration.parse("5m"),
    owner="ai-team",
    summary="An agent of Progressive uses much memory.",
    description="{{ $labels.agent_type }} in {{ $labels.pod }} of {{ $labels.namespace }} uses"
    " {{ $value | humanize1024 }}B.",
)
# Of fewer than twenty plans an hour, half may be missing by chance. The document's 0.1 a second fits no platform.
LOW_NUTRITION = _low(
    "ProgressiveLowNutritionPlanGeneration", NUTRITION, "nutrition plans", 20, 0.5, "product", for_="15m"
)
LOW_WORKOUTS = _low("ProgressiveLowWorkoutPlanGeneration", WORKOUTS, "workout plans", 20, 0.5, "product", for_="15m")
# 3600 an hour are one a second.
LOW_REQUESTS = _low("ProgressiveLowRequestRate", REQUESTS, "requests", 3600, 0.5, "product", for_="15m")
# The document's is none for half an hour, which is true every night. Of twenty, four are left.
NO_USERS = _low("ProgressiveNoActiveUsers", USERS, "active users", 20, 0.2, "product", for_="30m")

_OF_CORE = (DATABASE, ERRORS, SLOW, EVENT_LOOP)
_OF_AGENTS = (AGENT_SLOW, AGENT_FAILS, COORDINATION, AGENT_MEMORY)
_DEMAND = (LOW_NUTRITION, LOW_WORKOUTS, LOW_REQUESTS, NO_USERS)
# A workload has the name of its Service, or of its type, as `mca-deployment` has.
_NOT_WANTED = f'label_replace({DESIRED} == 0, "service", "$1", "workload", "(.+?)(-deployment)?")'


def groups(*, of_cluster: bool) -> tuple[Group, ...]:
    """The rule groups. If the cluster is watched, what is scaled to zero is not missed."""
    unless = f"on (cluster, namespace, service) {_NOT_WANTED}" if of_cluster else ""
    down, unresponsive = (replace(alert, unless=unless) for alert in (DOWN, UNRESPONSIVE))
    return (
        Group("progressive", (down, *_OF_CORE, unresponsive, *_OF_AGENTS)),
        # Of an hour, and compared with an hour of last week.
        Group("progressive-demand", (REQUESTS, NUTRITION, WORKOUTS, USERS, *_DEMAND), SELDOM),
    )


def inhibitions() -> Iterator[Inhibition]:
    """One outage, one page: causes mute their effects."""
    yield mutes(DOWN, *_OF_CORE, UNRESPONSIVE, *_OF_AGENTS, *_DEMAND, of="cluster, namespace")
    yield mutes(DATABASE, ERRORS, SLOW, *_DEMAND, of="cluster, namespace")
    yield mutes(UNRESPONSIVE, *_OF_AGENTS, of="cluster, namespace, agent_type")
    yield mutes(UNRESPONSIVE, LOW_NUTRITION, LOW_WORKOUTS, of="cluster, namespace")
    yield _burns({"alertname": DOWN.name}, ".+", _NAMESPACE)
    yield _burns({"alertname": DATABASE.name}, "(core|query)-.+", _NAMESPACE)
    yield _burns({"alertname": UNRESPONSIVE.name}, "agent-.+", f"{_NAMESPACE}, service")
    # Of two objectives on the same requests, the stricter one notifies people.
    pages = {"severity": "critical", "burn": ".+"}
    yield _burns({"slo": "progressive-query-latency", **pages}, "core-latency", _NAMESPACE)
    yield _burns({"slo": "progressive-core-errors", **pages}, "core-availability", _NAMESPACE)
    yield _burns({"slo": "progressive-agent-errors", **pages}, "agent-availability", f"{_NAMESPACE}, service")
    # The rules of any service and of any target know the cluster's environment only, which is not compared.
    for alert in (DOWN, UNRESPONSIVE):
        yield _outside(alert, {"alertname": f"{SERVICE_DOWN}|{NOT_READY}"}, "cluster, namespace, service")
    for severity, muted in (("critical", "critical|warning"), ("warning", "warning")):
        yield Inhibition(
            source={"system": "progressive", "symptom": ".+", "severity": severity},
            target={"general": "true", "symptom": ".+", "severity": muted},
            equal=("cluster", "namespace", "service", "symptom"),
        )
    for alert, job in ((DOWN, CORE.job), (UNRESPONSIVE, AGENT.job)):
        yield _outside(alert, {"alertname": "TargetDown", "job": job}, "cluster, namespace")


def _burns(source: dict[str, str], objectives: str, equal: str) -> Inhibition:
    target = {"slo": f"progressive-{objectives}", "burn": ".+"}
    return Inhibition(source=source, target=target, equal=tuple(equal.split(", ")))


def _outside(source: Alert, target: dict[str, str], equal: str) -> Inhibition:
    return Inhibition(source={"alertname": source.name}, target=target, equal=tuple(equal.split(", ")))
