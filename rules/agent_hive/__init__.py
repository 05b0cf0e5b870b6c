"""Agent Hive: an orchestrator of agents, whose programs emit their own metrics."""

from __future__ import annotations

from rules.agent_hive import alerts
from rules.agent_hive.contract import CONTRACT
from rules.agent_hive.settings import AgentHiveSettings
from rules.agent_hive.uids import AGENT_HIVE
from rules.headline import Headline
from rules.platforms import service_job
from rules.system import Surroundings, System, Watched


def build(settings: AgentHiveSettings, surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=tuple(
            service_job(part, surroundings.cluster, (settings.namespace,), program)
            for part, program in settings.programs
        ),
        groups=alerts.groups(settings, of_cluster="kubernetes" in surroundings.on),
        metrics=tuple(metric for part, _ in settings.programs for metric in part.metrics),
        log_fields=CONTRACT.log_fields,
        spans=CONTRACT.spans,
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="agent_hive",
    title="Agent Hive",
    owner="agents",
    settings=AgentHiveSettings,
    example=AgentHiveSettings.model_validate(
        {
            "namespace": "hive",
            "orchestrator": {"service": "agent-hive", "port": 8081},
            "webhookServer": {"service": "webhook-server", "port": 8081},
            "apiGateway": {"service": "api-gateway", "port": 8082},
            "eventStreaming": {"service": "event-streaming", "port": 8083},
        }
    ),
    dashboard=AGENT_HIVE,
    headline=Headline(up=f"max({alerts.UP})", errors=f"max({alerts.FAILURES})", latency=f"max({alerts.COORDINATION})"),
    build=build,
    contract=CONTRACT,
)
