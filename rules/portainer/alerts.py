"""Alerts and the objective of Portainer and what it runs; comments give the reason for each number."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Severity
from rules.portainer.scrape import EXPORTER
from rules.stores import availability, mutes, mutes_outside

BY = "cluster, instance"
OF_ENDPOINT = f"{BY}, endpoint"
OF_STACK = f"{OF_ENDPOINT}, stack_name"
OF_SERVICE = f"{OF_STACK}, service"
OF_CONTAINER = f"{OF_SERVICE}, container, node"
_DESIRED, _RUNNING = (f"max by ({OF_SERVICE}) (portainer_service_replicas_{which})" for which in ("desired", "running"))
MISSING = f"{_DESIRED} - {_RUNNING}"
STARTS = f"max by ({OF_CONTAINER}) (changes(portainer_container_started_timestamp_seconds[15m]))"

API_DOWN = Alert(
    name="PortainerAPIDown",
    value=f'min by ({BY}) (portainer_up) == 0 or max by ({BY}) (up{{job="{EXPORTER}"}}) == 0',
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # an upgrade of Portainer takes less
    summary="The API of a Portainer does not answer.",
    description="Portainer {{ $labels.instance }} does not answer: its stacks are not watched.",
)
ENDPOINT_DOWN = Alert(
    name="PortainerEndpointDown",
    value=f"min by ({OF_ENDPOINT}) (portainer_endpoint_up) == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a host that restarts is back in less
    summary="Portainer does not reach a Docker host.",
    description="Docker of {{ $labels.endpoint }} does not answer {{ $labels.instance }}: it is not watched.",
)
AGENT_DOWN = Alert(
    name="PortainerAgentDown",
    value=f"min by ({OF_ENDPOINT}) (portainer_agent_up) == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # as long as for its endpoint, whose cause it is
    summary="An agent of Portainer does not answer.",
    description="The agent of {{ $labels.endpoint }} does not answer: {{ $labels.instance }} cannot watch that host.",
)
STALE = Alert(
    name="PortainerDiscoveryStale",
    value=f"time() - min by ({BY}) (portainer_discovery_last_success_timestamp_seconds)",
    above={Severity.WARNING: 600},  # twenty readings
    unit=Unit.SECONDS,
    summary="The list of a Portainer's containers is old.",
    description="All of {{ $labels.instance }} was last read {{ $value | humanizeDuration }} ago: targets stay as they"
    " were then.",
)
STACK_DOWN = Alert(
    name="PortainerStackDown",
    # A day later it was stopped on purpose.
    value=f"(min by ({OF_STACK}) (portainer_stack_status) == 0 or min by ({OF_STACK}) (portainer_stack_running) == 0)"
    f" and max by ({OF_STACK}) (max_over_time(portainer_stack_running[1d])) > 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a new deployment may stop everything first
    summary="A stack is stopped, or nothing of it runs.",
    description="{{ $labels.stack_name }} on {{ $labels.endpoint }} is stopped, or nothing of it runs.",
)
REPLICA_MISMATCH = Alert(
    name="PortainerServiceReplicaMismatch",
    value=f"{MISSING} > 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a rolling update with a slow start of one task takes less
    summary="A Swarm service lacks tasks.",
    description="{{ $labels.service }} on {{ $labels.endpoint }} lacks {{ $value }} of its tasks.",
)
UNHEALTHY = Alert(
    name="PortainerContainerUnhealthy",
    value=f'max by ({OF_CONTAINER}) (portainer_container_health{{health="unhealthy"}}) == 1',
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # after the retries of the check itself; Swarm replaces it in less
    summary="A container's health check fails.",
    description="{{ $labels.container }} on {{ $labels.endpoint }} is unhealthy.",
)
RESTARTING = Alert(
    name="PortainerContainerRestarting",
    value=STARTS,
    above={Severity.WARNING: 3},  # deployments and a restart by hand are fewer
    summary="A container starts again and again.",
    description="{{ $labels.container }} on {{ $labels.endpoint }} started {{ $value }} times in 15 minutes.",
)
AVAILABILITY = availability("portainer-availability", "portainer_up")

_OF_STACKS = (REPLICA_MISMATCH, UNHEALTHY, RESTARTING)
_ALERTS = (API_DOWN, AGENT_DOWN, ENDPOINT_DOWN, STALE, STACK_DOWN, *_OF_STACKS)
GROUP = Group("portainer", _ALERTS)
INHIBITIONS = (
    # One outage, one page.
    mutes(API_DOWN, *_ALERTS, of=BY),
    mutes(AGENT_DOWN, ENDPOINT_DOWN, of=OF_ENDPOINT),
    mutes(AGENT_DOWN, STALE, of=BY),
    mutes(ENDPOINT_DOWN, STALE, of=BY),
    mutes(STACK_DOWN, *_OF_STACKS, of=OF_STACK),
    *mutes_outside(API_DOWN, AVAILABILITY, EXPORTER),
)
