"""An agent platform: an API that runs agents which people make, whose services emit their own metrics."""

from __future__ import annotations

from rules.agent_platform import alerts
from rules.agent_platform.contract import CONTRACT
from rules.agent_platform.objectives import slos
from rules.agent_platform.settings import AgentPlatformSettings, job
from rules.agent_platform.uids import AGENT_PLATFORM
from rules.headline import Headline
from rules.system import Surroundings, System, Watched


def build(settings: AgentPlatformSettings, surroundings: Surroundings) -> Watched:
    objectives = tuple(slos(settings))
    return Watched(
        scrape_jobs=(job(settings, surroundings.cluster),),
        groups=(alerts.GROUP,),
        metrics=CONTRACT.metrics,
        log_fields=CONTRACT.log_fields,
        spans=CONTRACT.spans,
        slos=objectives,
        inhibitions=tuple(alerts.inhibitions(objectives)),
    )


SYSTEM = System(
    key="agent_platform",
    title="Agent platform",
    owner="agents",
    settings=AgentPlatformSettings,
    example=AgentPlatformSettings.model_validate(
        {
            "namespaces": ["agent-platform"],
            "services": {"api": 8000, "worker": 9000},
            "executionRoutes": ["/api/v1/agents/{id}/execute"],
            "objectives": {
                "availability": 99.9,
                "latency": {"quantile": 95, "atMost": "500ms"},
                "executions": 95,
            },
        }
    ),
    dashboard=AGENT_PLATFORM,
    headline=Headline(latency=f"max({alerts.SLOW_EXECUTIONS.value})"),
    build=build,
    contract=CONTRACT,
)
