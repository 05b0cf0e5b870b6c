"""Nodes: CPU, memory, disks, network and clock."""

from __future__ import annotations

from model.settings import Model, Resources, resources
from rules.headline import Headline
from rules.nodes import alerts, recordings
from rules.nodes.metrics import METRICS
from rules.nodes.scrape import node_exporter, scrape_job
from rules.nodes.uids import NODES
from rules.system import Surroundings, System, Watched


class NodesSettings(Model):
    """The `nodes` system."""

    resources: Resources = resources("20m", "32Mi", "128Mi")
    """Requests and limits of node-exporter, per node."""


def build(settings: NodesSettings, surroundings: Surroundings) -> Watched:
    return Watched(
        scrape_jobs=(scrape_job(surroundings.cluster),),
        # The recordings first, because the alerts use them.
        groups=(recordings.GROUP, *alerts.GROUPS),
        exporters=(node_exporter(settings.resources),),
        metrics=METRICS,
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="nodes",
    title="Nodes",
    owner="platform",
    settings=NodesSettings,
    example=NodesSettings(),
    dashboard=NODES,
    headline=Headline(up='max(up{job="node-exporter"})'),
    build=build,
)
