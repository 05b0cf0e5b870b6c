"""The alerts over Portainer, by example."""

from __future__ import annotations

from rules.portainer.alerts import (
    AGENT_DOWN,
    API_DOWN,
    AVAILABILITY,
    ENDPOINT_DOWN,
    REPLICA_MISMATCH,
    RESTARTING,
    STACK_DOWN,
    STALE,
    UNHEALTHY,
)
from tests.rules.examples import Series, critical, example, gauges, metric, warning
from tests.rules.objectives import answering

OWNER = "platform"
_MAIN = {"instance": "main"}
_EDGE = {**_MAIN, "endpoint": "edge"}
_SHOP = {**_EDGE, "stack_name": "shop"}
_WEB = {**_SHOP, "service": "shop_web"}
_TASK = {**_WEB, "container": "shop_web.1", "node": "n-1"}
_STOPPED = critical("shop on edge is stopped, or nothing of it runs.", **_SHOP)


def _up(value: float) -> Series:
    return gauges({metric("portainer_up", _MAIN): value})


def _agent(up: int) -> Series:
    return gauges({metric("portainer_agent_up", _EDGE): up})


def _read(second: int) -> Series:
    """Everything was last read at this second."""
    return gauges({metric("portainer_discovery_last_success_timestamp_seconds", _MAIN): second})


def _stack(status: str, running: str) -> Series:
    return {metric("portainer_stack_status", _SHOP): status, metric("portainer_stack_running", _SHOP): running}


def _tasks(desired: int, running: int) -> Series:
    return gauges(
        {
            metric("portainer_service_replicas_desired", _WEB): desired,
            metric("portainer_service_replicas_running", _WEB): running,
        }
    )


def _health(health: str) -> Series:
    return gauges({metric("portainer_container_health", _TASK, health=health): 1})


def _starts(times: int) -> Series:
    """One start in each of the first minutes."""
    return {metric("portainer_container_started_timestamp_seconds", _TASK): f"0+60x{times} {times * 60}x30"}


EXAMPLES = (
    example(
        "it does not answer for two minutes",
        API_DOWN,
        series=_up(0),
        at="2m",
        fires=[critical("Portainer main does not answer: its stacks are not watched.", **_MAIN)],
    ),
    example(
        "the discovery service does not answer either",
        API_DOWN,
        series=gauges({metric("up", _MAIN, job="portainer-exporter"): 0}),
        fires=[critical("Portainer main does not answer: its stacks are not watched.", **_MAIN)],
    ),
    example("it is upgraded", API_DOWN, series=_up(0), at="1m"),
    example("it answers", API_DOWN, series=_up(1), near=False),
    example(
        "its Docker does not answer for five minutes",
        ENDPOINT_DOWN,
        series=gauges({metric("portainer_endpoint_up", _EDGE): 0}),
        at="5m",
        fires=[warning("Docker of edge does not answer main: it is not watched.", **_EDGE)],
    ),
    example("the host restarts", ENDPOINT_DOWN, series=gauges({metric("portainer_endpoint_up", _EDGE): 0}), at="4m"),
    example("it answers", ENDPOINT_DOWN, series=gauges({metric("portainer_endpoint_up", _EDGE): 1}), near=False),
    example(
        "an agent does not answer for five minutes",
        AGENT_DOWN,
        series=_agent(0),
        at="5m",
        fires=[warning("The agent of edge does not answer: main cannot watch that host.", **_EDGE)],
    ),
    example("the agent restarts", AGENT_DOWN, series=_agent(0), at="4m"),
    example("the agent answers", AGENT_DOWN, series=_agent(1), near=False),
    example(
        "all was read eleven minutes ago",
        STALE,
        series=_read(0),
        at="11m",
        fires=[
            warning("All of main was last read 11m 0s ago: targets stay as they were then.", "11m 0s", **_MAIN),
        ],
    ),
    example("all was read nine minutes ago", STALE, series=_read(60), at="10m"),
    example(
        "it was stopped",
        STACK_DOWN,
        series=_stack("1x5 0x20", "3x5 0x20"),
        at="8m",
        fires=[_STOPPED],
    ),
    example(
        "all its containers ended, and Portainer calls it active",
        STACK_DOWN,
        series=_stack("1x30", "3x5 0x20"),
        at="8m",
        fires=[_STOPPED],
    ),
    example("it is deployed again", STACK_DOWN, series=_stack("1x30", "3x5 0x20"), at="7m"),
    example("it was stopped long ago", STACK_DOWN, series=_stack("0x30", "0x30"), near=False),
    example("it runs", STACK_DOWN, series=_stack("1x30", "3x30"), near=False),
    example(
        "one of three tasks is missing",
        REPLICA_MISMATCH,
        series=_tasks(3, 2),
        at="5m",
        fires=[warning("shop_web on edge lacks 1 of its tasks.", **_WEB)],
    ),
    example("it is updated", REPLICA_MISMATCH, series=_tasks(3, 2), at="4m"),
    example("all run", REPLICA_MISMATCH, series=_tasks(3, 3), near=False),
    example("nobody wants one", REPLICA_MISMATCH, series=_tasks(0, 0), near=False),
    example(
        "its check has failed for five minutes",
        UNHEALTHY,
        series=_health("unhealthy"),
        at="5m",
        fires=[warning("shop_web.1 on edge is unhealthy.", **_TASK)],
    ),
    example("its check fails", UNHEALTHY, series=_health("unhealthy"), at="4m"),
    example("it is still starting", UNHEALTHY, series=_health("starting"), near=False),
    example(
        "it started four times",
        RESTARTING,
        series=_starts(4),
        fires=[warning("shop_web.1 on edge started 4 times in 15 minutes.", "4", **_TASK)],
    ),
    example("it started three times", RESTARTING, series=_starts(3)),
    *answering(AVAILABILITY, "portainer_up", _MAIN),
)
