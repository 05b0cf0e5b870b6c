"""The settings of an agent platform, and its scrape job."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from model.cluster import ClusterSettings
from model.flows import AnyPod
from model.objective import Objective
from model.scrape import ALIVE, OF_POD, KubernetesDiscovery, Relabel, ScrapeJob, copy, keep
from model.service_objectives import ServiceLatency
from model.settings import DnsLabel, Many, Model, Port
from rules.agent_platform.contract import SERVICES
from rules.services.settings import Route

_SERVICE = "__meta_kubernetes_endpointslice_label_kubernetes_io_service_name"
"""The Service's name, by the slice itself: it is known before the Service is."""


class PlatformObjectives(Model):
    """Objectives of each service of the platform over 30 days; `null` turns one off."""

    availability: Objective | None = Objective.parse("99.9")
    """Percentage of requests that must not fail with 5xx."""
    latency: ServiceLatency | None = ServiceLatency.model_validate({"quantile": 95, "atMost": "500ms"})
    """How long requests may take, without those of `executionRoutes`."""
    executions: Objective | None = Objective.parse("95")
    """Percentage of agents' executions that must succeed."""


class AgentPlatformSettings(Model):
    """The `agent_platform` system: an API that runs agents, and its workers."""

    namespaces: Annotated[Many[DnsLabel], Len(1, 10)] = ("agent-platform",)
    """Namespaces of its Services."""
    services: Annotated[dict[DnsLabel, Port], Len(1, 20)] = {"api": 8000}
    """Services of the platform by name, each with the port of its pods that has the metrics. A Deployment should have
    the name of its Service, by which alerts on the same outage find each other."""
    execution_routes: Many[Route] = ()
    """Routes that answer only when an agent has finished. Their duration is no latency of the API."""
    objectives: PlatformObjectives = PlatformObjectives()
    """Service level objectives."""


def job(settings: AgentPlatformSettings, cluster: ClusterSettings) -> ScrapeJob:
    """Scrapes each pod behind the Services, which have one contract and so one job.

    Services are named in the settings, and not found by annotations: a metric such as `http_requests_total` of another
    program in the namespace must not count as the platform's.
    """
    names = ", ".join(sorted(settings.services))
    ports = "|".join(f"{name};{port}" for name, port in sorted(settings.services.items()))
    return ScrapeJob(
        name=SERVICES.job,
        discovery=KubernetesDiscovery("endpointslice", settings.namespaces, f"kubernetes.io/service-name in ({names})"),
        egress=((AnyPod(), tuple(sorted(set(settings.services.values())))),),
        relabel=(
            # Discovery also finds the pods' other container ports.
            Relabel(
                source=(_SERVICE, "__meta_kubernetes_endpointslice_port"),
                regex=ports,
                action="keep",
            ),
            keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family),
            *ALIVE,
            *OF_POD,
            copy(_SERVICE, "service"),
        ),
        of_people=True,  # what its authors count beside the contract is stored as well
    )
