"""Eliza: an API that deploys agents as pods, and these agents."""

from __future__ import annotations

from rules.eliza import alerts
from rules.eliza.contract import API, CONTRACT
from rules.eliza.settings import ElizaSettings, agents_job
from rules.eliza.uids import ELIZA
from rules.headline import Headline
from rules.platforms import service_job
from rules.system import Surroundings, System, Watched


def build(settings: ElizaSettings, surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=(
            service_job(API, surroundings.cluster, (settings.namespace,), settings.api),
            agents_job(settings.agents),
        ),
        groups=alerts.groups(settings, of_cluster="kubernetes" in surroundings.on),
        metrics=CONTRACT.metrics,
        log_fields=CONTRACT.log_fields,
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="eliza",
    title="Eliza",
    owner="agents",
    settings=ElizaSettings,
    example=ElizaSettings.model_validate(
        {
            "namespace": "default",
            "api": {"service": "api-service", "port": 80},
            "agents": {"namespace": "agents", "app": "eliza-agent", "port": 3000},
        }
    ),
    dashboard=ELIZA,
    headline=Headline(up=f"max({alerts.UP})"),
    build=build,
    contract=CONTRACT,
)
