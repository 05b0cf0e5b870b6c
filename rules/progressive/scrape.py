"""The settings of Progressive, and its scrape jobs."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from annotated_types import Len

from model.cluster import ClusterSettings
from model.flows import AnyPod
from model.scrape import BRACKETS, HOST, OF_POD, RUNNING, KubernetesDiscovery, Relabel, ScrapeJob, copy
from model.settings import DnsLabel, Model, Port
from rules.platforms import Program, renamed, service_job
from rules.progressive.contract import AGENT, CORE


class ProgressiveAgents(Model):
    """The context agents: pods with the label `tier: agents`."""

    port: Port = 8090
    """Port of the pods that answers `/metrics`."""


class ProgressiveSettings(Model):
    """The `progressive` system: an enterprise core in Node, and context agents."""

    environments: Annotated[dict[DnsLabel, DnsLabel], Len(1, 10)] = {
        "progressive-framework-prod": "production",
        "progressive-framework-staging": "staging",
    }
    """Namespaces of the platform, each with its environment: the label `environment` of its series and alerts."""
    core: Program = Program(service="progressive-framework-v5", port=3000)
    """The enterprise core, in each namespace."""
    agents: ProgressiveAgents = ProgressiveAgents()
    """Where the agents are found."""


def jobs(settings: ProgressiveSettings, cluster: ClusterSettings) -> tuple[ScrapeJob, ...]:
    namespaces = tuple(sorted(settings.environments))
    core = service_job(CORE, cluster, namespaces, settings.core)
    agents = ScrapeJob(
        name=AGENT.job,
        discovery=KubernetesDiscovery("pod", namespaces, "tier=agents"),
        egress=((AnyPod(), (settings.agents.port,)),),
        relabel=(
            *RUNNING,
            # Each of a pod's ports is found. With one port they are one target.
            BRACKETS,
            Relabel(
                source=("__address__",), regex=HOST, replacement=f"$1:{settings.agents.port}", target="__address__"
            ),
            *OF_POD,
            # People give alerts labels of their own like `tier`, so that a target's is not called so.
            copy("__meta_kubernetes_pod_label_tier", "agent_tier"),
            # Each type of agents is a service. Its own label, where there is one, stands above the usual one.
            *(
                copy(f"__meta_kubernetes_pod_label_{label}", target)
                for target in ("service", "agent_type")
                for label in ("app", "agent_type")
            ),
        ),
        of_people=True,  # as for the core: what its authors like is stored as well
        metric_relabel=renamed(AGENT),
    )
    return tuple(replace(job, environments=dict(sorted(settings.environments.items()))) for job in (core, agents))
