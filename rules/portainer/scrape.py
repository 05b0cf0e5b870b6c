"""The settings of Portainer, the service that asks its API, the scrape jobs, and their metrics."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from annotated_types import Len
from pydantic import Field

from model.exporter import Exporter, scrape_job
from model.flows import Internet, Server
from model.images import pinned
from model.metrics import Metric, Metrics, Unit
from model.quantities import Duration, HostPort, Url
from model.scrape import OtherDiscovery, Relabel, ScrapeJob, StaticTargets, copy, keep
from model.settings import Many, Model, Port, Resources, Secret, Spelled, resources
from rules.stores import Name

EXPORTER = "portainer-exporter"
CONTAINERS = "portainer-containers"
CADVISOR = "docker-cadvisor"
DOCKER = "docker_"
"""Prefix of cAdvisor's series there: the kubelets' recordings would count them as well."""
IMAGE = pinned(
    "docker.io/library/python:3.13.11-alpine3.22",
    uid=65534,
    binaries={EXPORTER: "/usr/local/bin/python3"},
    tested="3.11.7",
    why="the tests run the script with their own Python, from 3.11 on, and the image of 3.13.11 with its own",
)
PORT = 8080
INTERVAL = Duration.parse("30s")
"""Time between two readings, and between two questions for the targets."""
SCRIPT = Path(__file__).with_name("discovery.py")
OF_CADVISOR = {
    "container_cpu_usage_seconds_total": Unit.SECONDS,
    "container_memory_working_set_bytes": Unit.BYTES,
    "container_network_receive_bytes_total": Unit.BYTES,
    "container_network_transmit_bytes_total": Unit.BYTES,
}
"""Stored as `docker_...`: the kubelets' series have these names, and rules of their own."""


EndpointName = Annotated[
    str,
    Spelled(
        r"[A-Za-z0-9]([-A-Za-z0-9_. ]{0,61}[A-Za-z0-9])?",
        "the name of an endpoint in Portainer: at most 63 letters, digits, spaces, dots, dashes and underscores",
    ),
]


class Portainer(Model):
    """A Portainer with Docker hosts or Swarms."""

    url: Url
    """URL of Portainer, without `/api`. The network policy opens its port."""
    token_secret: Secret
    """Secret with an access token of a Portainer user, sent as `X-API-Key`."""
    ca_secret: Secret | None = None
    """Secret with the certificate authority of the URL, PEM. By default, the system's authorities are used."""
    target_ports: Many[Port] = ()
    """Ports of the containers' own metrics, which the network policy opens. By default, these are not scraped."""
    agents: Annotated[dict[EndpointName, HostPort], Len(0, 50)] = Field(default_factory=dict)
    """Agents by the name of their endpoint in Portainer, usually with port 9001, whose `/ping` is asked. The network
    policy opens their ports."""


class PortainerSettings(Model):
    """The `portainer` system: Docker and Swarm by Portainer's API."""

    servers: Annotated[dict[Name, Portainer], Len(1, 20)]  # each is a pod
    """Portainers by name, the label `instance`."""
    cadvisor: Many[HostPort] = ()
    """Addresses of cAdvisor on the Docker hosts, for CPU, memory and network of containers."""
    resources: Resources = resources("10m", "32Mi", "96Mi")
    """Requests and limits of each Portainer's discovery service."""


def exporters(settings: PortainerSettings) -> tuple[Exporter, ...]:
    return tuple(_exporter(name, server, settings.resources) for name, server in sorted(settings.servers.items()))


def _exporter(name: str, server: Portainer, resources: Resources) -> Exporter:
    folder = f"/etc/{EXPORTER}-{name}"
    return Exporter(
        name=EXPORTER,
        instance=name,
        image=IMAGE,
        command=("python3", f"{folder}/config/{SCRIPT.name}"),
        args=(
            f"--url={server.url}",
            f"--token-file={folder}/secrets/token",
            *((f"--ca-file={folder}/secrets/ca",) if server.ca_secret else ()),
            *(f"--agent={endpoint}={agent}" for endpoint, agent in sorted(server.agents.items())),
            f"--listen-address=:{PORT}",
            f"--interval={INTERVAL.seconds:.0f}",
        ),
        ports={"metrics": PORT},
        resources=resources,
        live=("/live", "metrics"),
        ready=("/ready", "metrics"),  # a first reading, even a failed one, which must be scraped
        startup_seconds=300,  # endpoints that hang take ten seconds each
        files={SCRIPT.name: SCRIPT.read_text(encoding="utf-8")},
        secrets={"token": server.token_secret, **({"ca": server.ca_secret} if server.ca_secret else {})},
        egress=(
            (Internet(server.url.host), (server.url.port,)),
            *((Internet(agent.host), (agent.port,)) for _, agent in sorted(server.agents.items())),
        ),
    )


def jobs(settings: PortainerSettings, namespace: str) -> Iterator[ScrapeJob]:
    made = exporters(settings)
    yield scrape_job(made, namespace, keeps=tuple(sorted(metric.name for metric in OF_SCRIPT)))
    if scraped := {name: server for name, server in sorted(settings.servers.items()) if server.target_ports}:
        services = {name: Server(f"{EXPORTER}-{name}") for name in scraped}
        yield ScrapeJob(
            name=CONTAINERS,
            of_people=True,
            discovery=OtherDiscovery(
                "http",
                tuple(
                    {"url": f"{each.url(namespace, PORT)}/discovery", "refresh_interval": str(INTERVAL)}
                    for each in services.values()
                ),
            ),
            egress=(
                *((each, (PORT,)) for each in services.values()),
                *((Internet(f"containers of {name}"), server.target_ports) for name, server in scraped.items()),
            ),
            relabel=tuple(
                copy(f"__meta_portainer_{label}", label)
                for label in ("endpoint", "stack_name", "service", "container", "node")
            ),
        )
    if settings.cadvisor:
        yield ScrapeJob(
            name=CADVISOR,
            prefix=DOCKER,
            keeps=tuple(f"{DOCKER}{name}" for name in OF_CADVISOR),
            discovery=StaticTargets(tuple(map(str, settings.cadvisor))),
            egress=tuple((Internet(address.host), (address.port,)) for address in settings.cadvisor),
            metric_relabel=(
                keep("name", ".+"),  # without one it is no container
                Relabel(regex="container_label_.+", action="labeldrop"),
            ),
        )


_OF = Metrics(EXPORTER)
_STACK = "endpoint stack_name"
_CONTAINER = f"{_STACK} service container node"
OF_SCRIPT = (
    _OF.gauge("portainer_up"),
    _OF.gauge("portainer_discovery_last_success_timestamp_seconds", unit=Unit.TIMESTAMP),
    _OF.gauge("portainer_agent_up", "endpoint"),
    _OF.gauge("portainer_endpoint_up", "endpoint"),
    _OF.gauge("portainer_stack_status", _STACK),
    _OF.gauge("portainer_stack_running", _STACK),
    _OF.gauge("portainer_stack_updated_timestamp_seconds", _STACK, Unit.TIMESTAMP),
    *(_OF.gauge(f"portainer_service_replicas_{which}", f"{_STACK} service") for which in ("desired", "running")),
    _OF.gauge("portainer_container_state", f"{_CONTAINER} state"),
    _OF.gauge("portainer_container_health", f"{_CONTAINER} health"),
    _OF.gauge("portainer_container_restarts", _CONTAINER),
    _OF.gauge("portainer_container_started_timestamp_seconds", _CONTAINER, Unit.TIMESTAMP),
)


def metrics(settings: PortainerSettings) -> Iterator[Metric]:
    """Metrics that rules and panels use."""
    yield from OF_SCRIPT
    if settings.cadvisor:
        of = Metrics(CADVISOR)
        for name, unit in OF_CADVISOR.items():
            make = of.counter if name.endswith("_total") else of.gauge
            yield make(f"{DOCKER}{name}", "name", unit)
