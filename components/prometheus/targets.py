"""The stack file's own scrape jobs, in the same form as the systems'. Pure: settings in, scrape jobs out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from components.identity import credentials
from components.prometheus.client import discovering, login, requests, scraping, tls
from components.settings import discovery as settings_of
from components.settings.prometheus import PrometheusSettings
from components.settings.scrape_jobs import JobLimits, RelabelStep, ScrapeJobSettings
from model.cluster import ClusterSettings, Flavour
from model.flows import AnyPod, Internet, Namespace, Nodes, Peer
from model.quantities import HostPort
from model.scrape import (
    ALIVE,
    BRACKETS,
    HOST,
    OF_POD,
    RUNNING,
    Discovery,
    FileTargets,
    KubernetesDiscovery,
    OtherDiscovery,
    Relabel,
    ScrapeJob,
    StaticTargets,
    copy,
    drop,
    keep,
    label,
)
from model.servers import PROMETHEUS

Egress = tuple[tuple[Peer, tuple[int, ...]], ...]


def extra_jobs(settings: PrometheusSettings, cluster: ClusterSettings) -> tuple[ScrapeJob, ...]:
    return tuple(_job(job, cluster) for job in settings.scrape_jobs)


def _job(job: ScrapeJobSettings, cluster: ClusterSettings) -> ScrapeJob:
    name = scraping(job)
    return ScrapeJob(
        name=job.name,
        discovery=_discovery(job),
        egress=tuple(dict.fromkeys(_egress(job, cluster.flavour))),
        scheme=job.scheme,
        path=job.path,
        params=job.params,
        interval=job.interval,
        timeout=job.timeout,
        login=login(job, name),
        tls=tls(job, name),
        honor_labels=job.honor_labels,
        relabel=(
            *_found(job.discovery, cluster),
            *(label(key, value) for key, value in sorted(job.labels.items())),
            *(_step(step) for step in job.relabel),
            *((label("owner", job.owner),) if job.owner else ()),
        ),
        keeps=job.allow or None,
        metric_relabel=(
            *((drop("__name__", "|".join(job.deny)),) if job.deny else ()),
            *(_step(step) for step in job.metric_relabel),
        ),
        of_people=True,
        limits=_limits(job.limits),
    )


def _discovery(job: ScrapeJobSettings) -> Discovery:
    match job.discovery:
        case settings_of.InCluster() as pods:
            return _pods(pods)
        case settings_of.HttpTargets() as http:
            given = requests(http, discovering(job))
            return OtherDiscovery("http", ({"url": str(http.url), **given, **_polled(http)},))
        case settings_of.DnsTargets() as dns:
            port = {} if dns.type == "SRV" else {"port": dns.port}
            return OtherDiscovery("dns", ({"names": list(dns.names), "type": dns.type, **port, **_polled(dns)},))
        case settings_of.MachineTargets() as machines:
            return _machines(machines)
        case settings_of.FileTargets() as file:
            groups = tuple((tuple(map(str, group.targets)), group.labels) for group in file.groups)
            return FileTargets(f"{job.name}.json", groups)
        case None:
            return StaticTargets(tuple(map(str, job.targets or ())))


def _pods(pods: settings_of.InCluster) -> KubernetesDiscovery:
    labels = pods.selector
    if isinstance(pods, settings_of.ServiceTargets) and pods.name:
        labels = {"kubernetes.io/service-name": pods.name}
    selector = ",".join(f"{name}={value}" for name, value in sorted(labels.items()))
    role: Literal["endpointslice", "pod"] = "endpointslice" if isinstance(pods, settings_of.ServiceTargets) else "pod"
    return KubernetesDiscovery(role, pods.namespaces, selector)


def _machines(machines: settings_of.Machines) -> OtherDiscovery:
    """A cloud's fields that have a value, and the port."""

    def config(**fields: Any) -> dict[str, Any]:
        return {name: value for name, value in fields.items() if value} | {"port": machines.port} | _polled(machines)

    match machines:
        case settings_of.Ec2Targets() as ec2:
            filters = [{"name": name, "values": list(values)} for name, values in sorted(ec2.filters.items())]
            return OtherDiscovery("ec2", (config(region=ec2.region, role_arn=ec2.role_arn, filters=filters),))
        case settings_of.AzureTargets() as azure:
            identity = {"authentication_method": azure.authentication, "client_id": azure.client_id}
            where = {"subscription_id": azure.subscription_id, "resource_group": azure.resource_group}
            return OtherDiscovery("azure", (config(**identity, **where),))
        case settings_of.GceTargets() as gce:
            zones = (config(project=gce.project, zone=zone, filter=gce.filter) for zone in gce.zones)
            return OtherDiscovery("gce", tuple(zones))


def _polled(source: settings_of.Polled) -> dict[str, str]:
    return {"refresh_interval": str(source.refresh)} if source.refresh else {}


def _found(discovery: settings_of.Discovery | None, cluster: ClusterSettings) -> Iterator[Relabel]:
    """Steps from what the Kubernetes API finds to one target for each pod."""
    if not isinstance(discovery, settings_of.InCluster):
        return
    of_service = isinstance(discovery, settings_of.ServiceTargets)
    if of_service:
        yield keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family)
    if isinstance(discovery, settings_of.ServiceTargets) and discovery.container_port_name:
        yield keep("__meta_kubernetes_pod_container_port_name", discovery.container_port_name)
    elif discovery.port_name:
        kind = "endpointslice" if of_service else "pod_container"
        yield keep(f"__meta_kubernetes_{kind}_port_name", discovery.port_name)
    else:
        # Each declared port was a target: they become equal, and Prometheus scrapes equal ones once.
        yield BRACKETS
        yield Relabel(source=("__address__",), regex=HOST, replacement=f"$1:{discovery.port}", target="__address__")
    # A port with this name may be a native sidecar's.
    yield from ALIVE if discovery.port_name and not of_service else RUNNING
    yield from OF_POD
    if of_service:
        yield copy("__meta_kubernetes_service_name", "service")


def _egress(job: ScrapeJobSettings, flavour: Flavour) -> Iterator[tuple[Peer, tuple[int, ...]]]:
    """Whom the job speaks to, and on which ports; a policy has no host names, so an address outside is any."""
    anywhere = Internet(f"targets of {job.name}")
    match job.discovery:
        case settings_of.InCluster() as pods:
            ports = (pods.port,) if pods.port else ()
            yield from ((Namespace(namespace), ports) for namespace in pods.namespaces)
            if not pods.namespaces:
                yield AnyPod(), ports
            if pods.host_network:
                yield Nodes(), ports
        case settings_of.HttpTargets() as http:
            yield Internet(http.url.host), (http.url.port,)
            yield anywhere, http.ports
        case settings_of.DnsTargets() as dns:
            yield from ((Internet(name), (dns.port,)) for name in dns.names)
        case settings_of.FileTargets() as file:
            yield from (_address(target) for group in file.groups for target in group.targets)
        case settings_of.MachineTargets() as machines:
            yield anywhere, (machines.port,)
            yield from ((Internet(host), (443,)) for host in _apis(machines))
            yield from ((flow.target, flow.ports) for flow in credentials(PROMETHEUS, flavour))
        case None:
            yield from map(_address, job.targets or ())


def _address(target: HostPort) -> tuple[Peer, tuple[int, ...]]:
    return Internet(target.host), (target.port,)


def _apis(machines: settings_of.Machines) -> tuple[str, ...]:
    """The cloud's own endpoints: of machines, and of identities."""
    match machines:
        case settings_of.Ec2Targets(region=region):
            return f"ec2.{region}.amazonaws.com", f"sts.{region}.amazonaws.com"
        case settings_of.AzureTargets():
            return "management.azure.com", "login.microsoftonline.com"
        case settings_of.GceTargets():
            return "compute.googleapis.com", "oauth2.googleapis.com"


def _step(step: RelabelStep) -> Relabel:
    return Relabel(
        source=step.source_labels,
        regex=step.regex,
        action=step.action,
        target=step.target_label,
        replacement=step.replacement,
        separator=step.separator,
        modulus=step.modulus,
    )


def _limits(limits: JobLimits) -> dict[str, int | str]:
    given = {
        "body_size_limit": limits.body_size.prometheus if limits.body_size else None,
        "sample_limit": limits.samples,
        "label_limit": limits.labels,
        "label_name_length_limit": limits.label_name_length,
        "label_value_length_limit": limits.label_value_length,
        "target_limit": limits.targets,
    }
    return {name: limit for name, limit in given.items() if limit is not None}
