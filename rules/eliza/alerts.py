"""Alerts of Eliza; comments give the reason for each number."""

from __future__ import annotations

from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Recording, Severity
from rules.eliza import contract
from rules.eliza.contract import AGENTS, API
from rules.eliza.settings import ElizaSettings
from rules.kubernetes.alerts.workloads import REPLICAS_MISSING, ROLLOUT_STUCK
from rules.platforms import SAME, SERVICE, up
from rules.services.inhibitions import DOWN as SERVICE_DOWN
from rules.services.inhibitions import NOT_READY
from rules.stores import mutes

UP = "eliza:up:max"
FAILED = "eliza:agent_deployment_failed:max"
"""1 for each agent whose deployment failed, with the labels ``namespace`` and ``workload`` of its pods."""
AGENT = f"{SERVICE}, agent_id, agent_name"
_ID = "cluster, namespace, agent_id"
_AGENT_UP = f'up{{job="{AGENTS.job}"}}'
_NAMED = "{{ $labels.agent_name }}{{ with $labels.agent_id }} ({{ . }}){{ end }}"

DOWN = Alert(
    name="ElizaAPIDown",
    value=UP,
    below={Severity.CRITICAL: 1},
    for_=Duration.parse("2m"),  # a single pod that moves to another node is back by then
    summary="The API of the agents is down.",
    description="No pod of {{ $labels.service }} ({{ $labels.namespace }}) answers.",
)
DEPLOYMENT_FAILED = Alert(
    name="AgentDeploymentFailed",
    value=FAILED,
    # Any failed deployment is somebody's work. It is urgent only if no older pod does the agent's work meanwhile.
    above={Severity.WARNING: 0, Severity.CRITICAL: 0},
    only={Severity.CRITICAL: f"({FAILED} unless on ({_ID}) (max by ({_ID}) ({_AGENT_UP}) == 1))"},
    for_=Duration.parse("1m"),  # the status is final; whoever tries again at once sets another one
    summary="The deployment of an agent has failed.",
    description=f"The deployment of agent {_NAMED} has failed.",
)
UNHEALTHY = Alert(
    name="AgentUnhealthy",
    # An agent that does not answer has no health status, and one without such a metric is healthy if it answers.
    value=f'min by ({AGENT}) ({contract.HEALTH.name}{{job="{AGENTS.job}"}} or {_AGENT_UP})',
    below={Severity.WARNING: 1},
    for_=Duration.parse("5m"),  # longer than a restart, or a short fault of the agent's model or database
    summary="An agent is not healthy.",
    description=f"Agent {_NAMED} does not answer, or its health check fails.",
)


def groups(settings: ElizaSettings, *, of_cluster: bool) -> tuple[Group, ...]:
    """``of_cluster`` says whether the system `kubernetes` is on."""
    expected = ((API.job, settings.namespace, settings.api.service),)
    status = f'{contract.DEPLOYMENT.name}{{job="{API.job}", status="{contract.FAILED}"}}'
    failed = Recording(
        name=FAILED,
        expr=f"label_replace(max by (cluster, environment, agent_id, agent_name) ({status}) == 1,"
        ' "workload", "$1", "agent_name", "(.+)")',
        labels={"namespace": settings.agents.namespace},
    )
    return (
        Group("eliza-up", (*up(UP, expected, of_cluster=of_cluster), DOWN)),
        Group("eliza-agents", (failed, DEPLOYMENT_FAILED, UNHEALTHY)),
    )


INHIBITIONS = (
    mutes(DEPLOYMENT_FAILED, UNHEALTHY, of=_ID),
    Inhibition(
        source={"alertname": DOWN.name},
        target={"alertname": f"TargetDown|{SERVICE_DOWN}|{NOT_READY}"},
        equal=("environment", *SAME.split(", ")),
    ),
    Inhibition(
        source={"alertname": UNHEALTHY.name},
        target={"alertname": f"TargetDown|{SERVICE_DOWN}|{NOT_READY}", "severity": "warning"},
        equal=("environment", *SAME.split(", ")),
    ),
    # What becomes of a Deployment whose pods do not start.
    *(
        Inhibition(
            source={"alertname": DEPLOYMENT_FAILED.name, "severity": severity},
            target={
                "alertname": f"{REPLICAS_MISSING.name}|{ROLLOUT_STUCK.name}|{SERVICE_DOWN}|{NOT_READY}",
                "severity": muted,
            },
            equal=("cluster", "environment", "namespace", "workload"),
        )
        for severity, muted in (("critical", "critical|warning"), ("warning", "warning"))
    ),
)
