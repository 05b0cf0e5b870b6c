"""The alerts, recordings and objectives of Progressive, by example."""

from __future__ import annotations

from collections.abc import Iterator

from model.rules import Alert
from model.slo import Slo
from rules.kubernetes.recordings import DESIRED
from rules.progressive.alerts import (
    AGENT_FAILS,
    AGENT_MEMORY,
    AGENT_SLOW,
    COORDINATION,
    DATABASE,
    DOWN,
    ERRORS,
    EVENT_LOOP,
    LOW_NUTRITION,
    LOW_REQUESTS,
    LOW_WORKOUTS,
    NO_USERS,
    NUTRITION,
    REQUESTS,
    SLOW,
    UNRESPONSIVE,
    USERS,
    WORKOUTS,
    groups,
)
from rules.progressive.objectives import slos
from tests.rules.examples import (
    Example,
    Labels,
    Series,
    counters,
    critical,
    example,
    gauges,
    histogram,
    metric,
    of,
    shares,
    warning,
)
from tests.rules.objectives import SAMPLES, alerts_of, objective

_SLOS = slos("progressive-framework-v5")
OWNER = "devops"
OWNED_BY_OTHERS = {
    alert.name: alert.owner
    for group in groups(of_cluster=True)
    for alert in group.rules
    if isinstance(alert, Alert) and alert.owner != OWNER
} | {alert.name: slo.owner for slo in _SLOS for alert in alerts_of(slo).values()}

_WHERE = {"namespace": "shop"}
_SERVICE = _WHERE | {"service": "core"}
_TYPE = _WHERE | {"service": "npa", "agent_type": "npa"}
_CORE = _SERVICE | {"job": "progressive-framework-v5", "pod": "core-1"}
_AGENT = _TYPE | {"job": "progressive-agents", "pod": "npa-1"}
_UP = gauges({metric("up", _CORE): 1}, SAMPLES)


def _requests(percent: float, a_minute: float = 100, status: str = "503") -> Series:
    failed = a_minute * percent / 100
    return counters(
        {
            metric("progressive_http_requests_total", _CORE, status_code="200", route="/plans"): a_minute - failed,
            metric("progressive_http_requests_total", _CORE, status_code=status, route="/plans"): failed,
        },
        SAMPLES,
    )


def _timed(name: str, labels: Labels, end: str, slow: float, all_: float) -> Series:
    """So many events a minute, of which ``slow`` took longer than a bucket, and less than ten times that."""
    within = histogram(name, labels, {end: all_ - slow, str(float(end) * 10): all_, "+Inf": all_}, SAMPLES)
    return within | counters({metric(f"{name}_count", labels): all_}, SAMPLES)


def _runs(percent: float, a_minute: float = 100, status: str = "timeout") -> Series:
    failed = a_minute * percent / 100
    return counters(
        {
            metric("progressive_agent_requests_total", _AGENT, status="success"): a_minute - failed,
            metric("progressive_agent_requests_total", _AGENT, status=status): failed,
        },
        SAMPLES,
    )


def _connections(open_: int, failed: float, name: str = "postgresql") -> Series:
    pool = metric("progressive_database_connections_active", _CORE, database_type=name, database_name="shop")
    return gauges({pool: open_}) | counters(
        {metric("progressive_http_requests_total", _CORE, status_code="500"): failed}
    )


def _silent() -> Iterator[Example]:
    for alert, target, who, minutes, labels in (
        (DOWN, _CORE, "core", 1, _SERVICE),
        (UNRESPONSIVE, _AGENT, "npa", 2, _TYPE),
    ):
        up, other = metric("up", target), metric("up", target, pod="another")
        fires = [critical(f"No pod of {who} in shop answers.", **labels)]
        yield example("no pod answers", alert, series={up: "0x90", other: "0x90"}, at=f"{minutes}m", fires=fires)
        yield example("none has answered once", alert, series={up: "0x90"}, at=f"{minutes - 1}m")
        yield example("one of two answers", alert, series={up: "0x90", other: "1x90"}, near=False)
        # Prometheus looks back five minutes.
        yield example("all pods are gone", alert, series={up: "1x5 _x90"}, at="30m", fires=fires)
        gone = {up: "1x5 _x200"}
        yield example("they were removed a day ago", alert, series=gone, at="1500m", step="10m", near=False)
        wanted = metric(DESIRED, namespace="shop", workload=f"{who}-deployment", workload_type="Deployment")
        yield example("it is scaled to zero", alert, series={up: "1x5 _x90", wanted: "0x90"}, at="30m", near=False)


def _demand() -> Iterator[Example]:
    """With a sample every five minutes: a week, and two hours of today."""
    week, today = 12 * 24 * 7, 24
    asked = (
        (LOW_NUTRITION, NUTRITION, "nutrition plans", 20, 0.5, _TYPE),
        (LOW_WORKOUTS, WORKOUTS, "workout plans", 20, 0.5, _TYPE),
        (LOW_REQUESTS, REQUESTS, "requests", 3600, 0.5, _SERVICE),
        (NO_USERS, USERS, "active users", 20, 0.2, _SERVICE),
    )
    for alert, recorded, what, least, below, labels in asked:
        service = {name: labels[name] for name in ("namespace", "service")}

        def series(before: float, now: float, recorded: str = recorded.name, service: Labels = service) -> Series:
            return {
                metric(recorded, service): f"{before:g}x{week} {now:g}x{today}",
                metric("up", _CORE): f"1x{week + today}",
            }

        usual = least * 10
        at, early = f"{10085 + alert.for_.seconds / 60:g}m", "10090m"
        for share, fires in ((below * 0.9, True), (below * 1.1, False)):
            percent = f"{share * 100:g}%"
            says = f"{service['service']} in shop has {percent} of the {what} of the same hour a week ago."
            yield example(
                f"there are {percent} of last week's",
                alert,
                series=series(usual, usual * share),
                at=at,
                step="5m",
                fires=[warning(says, percent, **service)] if fires else [],
            )
        says = f"{service['service']} in shop has 0% of the {what} of the same hour a week ago."
        gone = {**series(usual, 0), metric(recorded.name, service): f"{usual:g}x{week} _x{today}"}
        yield example(
            "nothing is counted any more",
            alert,
            series=gone,
            at=at,
            step="5m",
            fires=[warning(says, "0%", **service)],
        )
        yield example("it has just begun", alert, series=series(usual, 0), at=early, step="5m", near=False)
        yield example("last week there was little of it", alert, series=series(least, 0), at=at, step="5m", near=False)
        down = {**series(usual, 0), metric("up", _CORE): f"1x{week} 0x{today}"}
        yield example("the core is down", alert, series=down, at=at, step="5m", near=False)


def _hourly() -> Iterator[Example]:
    plans = {"plan_type": "keto", "success": "true"}
    workouts = {"workout_type": "run", "difficulty": "beginner", "success": "true"}
    agents = {name: _TYPE[name] for name in ("namespace", "service")}
    for recording, name, labels, others, service in (
        (REQUESTS, "progressive_http_requests_total", _CORE, {"status_code": "200"}, _SERVICE),
        (NUTRITION, "progressive_nutrition_plans_generated_total", _AGENT, plans, agents),
        (WORKOUTS, "progressive_workout_plans_generated_total", _AGENT, workouts, agents),
    ):
        yield example(
            "two pods count two a minute each, and one fails",
            recording,
            series=counters(
                {
                    metric(name, labels, others): 2,
                    metric(name, labels, others, pod="another"): 2,
                    metric(name, labels, others | {"success": "false"}): 0 if recording is REQUESTS else 1,
                },
                90,
            ),
            at="80m",
            gives={of(service): 240},
        )
    users = "progressive_active_users_total"
    yield example(
        "two pods have users",
        USERS,
        series=gauges({metric(users, _CORE): 3, metric(users, _CORE, pod="another"): 4}),
        gives={of(_SERVICE): 7},
    )


def _of(slo: Slo) -> Iterator[Example]:
    """Every alert of an objective."""
    agents, latency = "agent" in slo.name, bool(slo.good)
    labels = _AGENT if agents else _CORE
    times = {
        "progressive-core-latency": ("progressive_http_request_duration_seconds", "0.5"),
        "progressive-query-latency": ("progressive_database_query_duration_seconds", "0.1"),
        "progressive-agent-latency": ("progressive_agent_response_time_seconds", "10"),
    }

    def events(number: int, bad: int, where: Labels = labels) -> Series:
        if latency:
            name, end = times[slo.name]
            return counters(
                {
                    metric(f"{name}_bucket", where, le=end): number - bad,
                    metric(f"{name}_count", where): number,
                },
                SAMPLES,
            )
        name, label, good, failed = (
            ("progressive_agent_requests_total", "status", "success", "failed")
            if agents
            else ("progressive_http_requests_total", "status_code", "404", "500")
        )
        return counters(
            {metric(name, where, {label: good}): number - bad, metric(name, where, {label: failed}): bad}, SAMPLES
        )

    value = {name: labels[name] for name in slo.by}
    yield from objective(slo, events, value=value)
    many: Series = {}
    for number in range(51):
        many |= events(10, 0, labels | {slo.by[-1]: f"n-{number:02}"})
    few = {selector: values for selector, values in many.items() if "n-50" not in selector}
    says = (
        f"{slo.name} on c-1 has budgets of their own for 50 of the values of {' and '.join(slo.by)}:"
        " all others share one."
    )
    other = dict.fromkeys(slo.by, "other")
    too_many = alerts_of(slo)["SloTooManyValues"]
    fires = [warning(says, **other, value=", ".join(other.values()))]
    yield example("there are 51 where 50 have budgets of their own", too_many, series=many, at="11m", fires=fires)
    yield example("there are 50", too_many, series=few, at="20m")


EXAMPLES = (
    *_silent(),
    example(
        "no connection has been open for two minutes, and requests fail",
        DATABASE,
        series=_connections(0, 20),
        at="3m",
        fires=[
            critical(
                "core in shop has no connection to postgresql, and its requests fail.",
                **_SERVICE,
                database_type="postgresql",
            )
        ],
    ),
    example("none has been open for a minute", DATABASE, series=_connections(0, 20), at="2m"),
    example("none is open, and nothing fails", DATABASE, series=_connections(0, 0), near=False),
    example("one is open", DATABASE, series=_connections(1, 20), near=False),
    *shares(
        ERRORS,
        "{} fail",
        _requests,
        "core in shop fails {} of its requests.",
        {4.5: None, 5.5: warning, 45: warning, 55: critical},
        at="6m",
        **_SERVICE,
    ),
    example("four minutes have passed", ERRORS, series=_requests(60), at="5m", near=False),
    example("there are few requests", ERRORS, series=_requests(100, 15), near=False),
    example("clients make mistakes", ERRORS, series=_requests(100, status="404"), near=False),
    *(
        example(
            f"a twentieth took longer than {seconds} s",
            SLOW,
            series=_requests(0)
            | histogram(
                "progressive_http_request_duration_seconds", _CORE, {"1": 90, str(seconds): 95, "+Inf": 100}, SAMPLES
            ),
            at="11m",
            fires=fires,
        )
        for seconds, fires in (
            (2.2, [warning("One in twenty requests to core in shop takes longer than 2.2s.", "2.2s", **_SERVICE)]),
            (1.9, []),
        )
    ),
    *(
        example(
            f"its loop is late by {late} s",
            EVENT_LOOP,
            series=gauges({metric("nodejs_eventloop_lag_p99_seconds", _CORE): late}),
            at="5m",
            fires=fires,
        )
        for late, fires in (
            (
                0.55,
                [warning("The event loop of core-1 in shop is late by 550ms.", "550ms", **_SERVICE, pod="core-1")],
            ),
            (0.45, []),
        )
    ),
    *(
        example(
            f"a twentieth took longer than {seconds} s",
            AGENT_SLOW,
            series=_timed("progressive_agent_response_time_seconds", _AGENT, str(seconds), 5, 100),
            at="4m",
            fires=fires,
        )
        for seconds, fires in (
            (11, [warning("One in twenty requests to npa in shop takes longer than 11s.", "11s", **_TYPE)]),
            (9, []),
        )
    ),
    example(
        "hardly anything is asked of them",
        AGENT_SLOW,
        series=_timed("progressive_agent_response_time_seconds", _AGENT, "30", 2, 3),
        near=False,
    ),
    *shares(
        AGENT_FAILS,
        "{} fail",
        _runs,
        "npa in shop fails {} of its requests.",
        {9: None, 11: warning},
        at="6m",
        **_TYPE,
    ),
    example(
        "they answer over HTTP",
        AGENT_FAILS,
        series=_runs(12, status="502"),
        at="6m",
        fires=[warning("npa in shop fails 12% of its requests.", "12%", **_TYPE)],
    ),
    example("one of one failed", AGENT_FAILS, series=_runs(100, 1), near=False),
    *(
        example(
            f"{failures} a minute fail",
            COORDINATION,
            series=counters(
                {metric("progressive_agent_errors_total", _AGENT, error_type="coordination_failure"): failures}
            ),
            at="7m",
            fires=fires,
        )
        for failures, fires in (
            (6.6, [warning("npa in shop has 6.6 coordination failures a minute.", "6.6", **_TYPE)]),
            (5.4, []),
        )
    ),
    *(
        example(
            f"it uses {used} MiB",
            AGENT_MEMORY,
            series=gauges({metric("progressive_agent_memory_usage_bytes", _AGENT, agent_id="npa-1"): used * 2**20}),
            at="5m",
            fires=fires,
        )
        for used, fires in (
            (1152, [warning("npa in npa-1 of shop uses 1.125GiB.", "1.125GiB", **_TYPE, pod="npa-1")]),
            (960, []),
        )
    ),
    *_demand(),
    *_hourly(),
    *(each for slo in _SLOS for each in _of(slo)),
)
