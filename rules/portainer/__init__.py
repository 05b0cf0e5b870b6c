"""Portainer: whether it answers, and whether its stacks, Swarm services and containers run."""

from __future__ import annotations

from rules.headline import Headline
from rules.portainer import alerts
from rules.portainer.scrape import PortainerSettings, exporters, jobs, metrics
from rules.portainer.uids import PORTAINER
from rules.system import Surroundings, System, Watched


def build(settings: PortainerSettings, surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=tuple(jobs(settings, surroundings.cluster.namespaces.stack)),
        groups=(alerts.GROUP,),
        exporters=exporters(settings),
        metrics=tuple(metrics(settings)),
        slos=(alerts.AVAILABILITY,),
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="portainer",
    title="Portainer",
    owner="platform",
    settings=PortainerSettings,
    example=PortainerSettings.model_validate(
        {
            "servers": {
                "main": {
                    "url": "https://portainer.example.com:9443",
                    "tokenSecret": {"name": "portainer-monitor", "key": "token"},
                    "caSecret": {"name": "portainer-monitor", "key": "ca"},
                    "targetPorts": [9090, 8000],
                    "agents": {"docker-1": "docker-1.example.com:9001"},
                }
            },
            "cadvisor": ["docker-1.example.com:8080"],
            "resources": {
                "requests": {"cpu": "20m", "memory": "64Mi"},
                "limits": {"cpu": "200m", "memory": "128Mi"},
            },
        }
    ),
    dashboard=PORTAINER,
    headline=Headline(up="max(portainer_up)"),
    build=build,
)
