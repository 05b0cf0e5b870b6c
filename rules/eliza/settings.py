"""The settings of Eliza, and the scrape job of its agents."""

from __future__ import annotations

from typing import Annotated

from model.flows import AnyPod
from model.scrape import BRACKETS, HOST, OF_POD, RUNNING, KubernetesDiscovery, Relabel, ScrapeJob, copy
from model.settings import DnsLabel, Model, Port, Spelled
from rules.eliza.contract import AGENTS
from rules.platforms import Program

LabelValue = Annotated[
    str, Spelled(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", "the value of a label, like eliza-agent")
]
_POD = "__meta_kubernetes_pod"


class Agents(Model):
    """Pods of agents."""

    namespace: DnsLabel = "agents"
    """Their namespace."""
    app: LabelValue = "eliza-agent"
    """Value of their label `app`."""
    port: Port = 3000
    """Port that has their metrics."""


class ElizaSettings(Model):
    """The `eliza` system: an API that deploys agents as pods, and these agents."""

    namespace: DnsLabel = "default"
    """Namespace of the API's Service."""
    api: Program = Program(service="api-service", port=80)
    """The API."""
    agents: Agents = Agents()
    """The agents."""


def agents_job(agents: Agents) -> ScrapeJob:
    """Scrapes each pod of an agent.

    ``agent_name`` is the pod's label or else its workload. A pod's own name is another one after each restart, and the
    label ``pod`` has it already.
    """
    return ScrapeJob(
        name=AGENTS.job,
        discovery=KubernetesDiscovery("pod", (agents.namespace,), f"app={agents.app}"),
        egress=((AnyPod(), (agents.port,)),),
        relabel=(
            *RUNNING,
            BRACKETS,
            # A pod is found once for each port that it declares, and then is one target.
            Relabel(source=("__address__",), regex=HOST, replacement=f"$1:{agents.port}", target="__address__"),
            *OF_POD,
            copy(f"{_POD}_name", "service"),
            Relabel(
                source=(f"{_POD}_controller_kind", f"{_POD}_controller_name"),
                regex="ReplicaSet;(.+)-[^-]+|[^;]+;(.+)",  # a ReplicaSet has its Deployment's name and a hash
                replacement="$1$2",
                target="service",
            ),
            copy(f"{_POD}_label_agent_id", "agent_id"),
            copy("service", "agent_name"),
            copy(f"{_POD}_label_agent_name", "agent_name"),
        ),
        of_people=True,
    )
