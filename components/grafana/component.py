"""Grafana on Kubernetes: a Deployment, with its own volume or with an existing PostgreSQL."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, Output, Resource, ResourceOptions
from pulumi_kubernetes.apps.v1 import Deployment, DeploymentSpecArgsDict, DeploymentStrategyArgsDict
from pulumi_kubernetes.core.v1 import (
    ContainerArgsDict,
    PersistentVolumeClaim,
    PersistentVolumeClaimPatch,
    Secret,
    Service,
    VolumeMountArgsDict,
)
from pulumi_kubernetes.networking.v1 import Ingress

from components import images
from components.generated import generated, value
from components.grafana import config
from components.grafana.config import ADMIN_PASSWORD, DATA, NAME
from components.kubernetes import Probes, Program, Site, container, metadata, pod, selector
from components.settings import grafana as settings_of
from components.settings.grafana import GrafanaSettings
from components.workload import service, surroundings
from model import ports
from model.quantities import Bytes
from model.settings import SCRATCH, ConfigSecret

# The first start creates the database, and an upgrade migrates it: minutes on slow disks.
MIGRATION_SECONDS = 600
CLAIM = f"{NAME}-data"
TEMPORARY = Bytes.parse("256Mi")
"""Size of the volume for sockets of datasource plugins, uploads and exports."""


@dataclass(frozen=True, kw_only=True)
class GrafanaArgs:
    site: Site
    settings: GrafanaSettings


class Grafana(ComponentResource):
    """Dashboards, exploration and log alerts. People and Pulumi reach it at :attr:`url`."""

    url: Output[str]
    """URL for people and Pulumi, from outside the cluster."""
    admin_password: Output[str] | None
    """Password of ``admin`` when the database was created; None if Pulumi does not know it."""

    def __init__(self, name: str, args: GrafanaArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Grafana", name, {}, opts)
        child = ResourceOptions(parent=self)
        site, settings = args.site, args.settings
        program = _program(settings, site)
        # They are kept after the stack, as the database is (``docs/decisions/0004``).
        kept = ResourceOptions.merge(child, ResourceOptions(retain_on_delete=True))
        made = {
            file: generated(f"{name}-{file}", metadata(config.generated(file).name, NAME, site), file, kept)
            for file in config.to_generate(settings)
        }
        after = [*surroundings(name, program, site, child, replicas=settings.replicas), *made.values()]
        volume = _data(name, settings, site, child)
        if settings.replicas > 1:
            after.append(service(f"{name}-headless", f"{NAME}-headless", program, site, child, headless=True))
        Deployment(
            f"{name}-pods",
            metadata=metadata(NAME, NAME, site),
            spec=_pods(program, settings, site),
            opts=ResourceOptions.merge(child, ResourceOptions(depends_on=[*after, *volume])),
        )
        if settings.ingress:
            _ingress(f"{name}-ingress", settings.ingress, settings.path, site, child)
        if settings.service:
            _node_port(f"{name}-node-port", settings.service.node_port, site, child)
        self.url = Output.from_input(str(settings.url))
        self.admin_password = _admin_password(settings, site, made.get(ADMIN_PASSWORD))
        self.register_outputs({"url": self.url})


def deploy(settings: GrafanaSettings, site: Site, opts: ResourceOptions) -> Grafana | None:
    """Grafana, unless the stack file names an existing one."""
    return None if settings.external else Grafana(NAME, GrafanaArgs(site=site, settings=settings), opts)


def _program(settings: GrafanaSettings, site: Site) -> Program:
    gossip = {"gossip": ports.GRAFANA_GOSSIP} if settings.replicas > 1 else {}
    return Program(
        name=NAME,
        image=images.GRAFANA,
        args=[
            "server",
            "--homepath=/usr/share/grafana",
            "--config=/etc/grafana/config/grafana.ini",
            "--packaging=docker",
        ],
        ports={"http": ports.GRAFANA, **gossip},
        udp_ports=frozenset({"gossip"}),
        # Liveness does not depend on the database, readiness does: a restart repairs no PostgreSQL. Below a sub-path
        # other paths are redirected to the public address, and a probe counts every redirect as healthy.
        probes=Probes(
            live=(f"{settings.path}/healthz", "http"),
            ready=(f"{settings.path}/api/health", "http"),
            startup_seconds=MIGRATION_SECONDS,
        ),
        resources=settings.resources,
        workload=settings,
        config=config.files(settings, site.cluster),
        secrets=config.secrets(settings),
        # Grafana reads it when it creates the database, and never again.
        live_secrets=frozenset({ADMIN_PASSWORD}),
        env=[
            # Datasource plugins are separate processes, which need a writable home folder.
            {"name": "HOME", "value": "/tmp"},  # noqa: S108  a volume of the pod's own
            {"name": "POD_IP", "value_from": {"field_ref": {"field_path": "status.podIP"}}},
        ],
        data=DATA,
        scratch={"tmp": TEMPORARY, **({} if _storage(settings) else {"data": SCRATCH})},
    )


def _pods(program: Program, settings: GrafanaSettings, site: Site) -> DeploymentSpecArgsDict:
    temporary: VolumeMountArgsDict = {"name": "tmp", "mount_path": "/tmp"}  # noqa: S108  a volume of the pod's own
    main: ContainerArgsDict = {
        **container(program, site, mounts=[temporary]),
        # The image's entry point differs between variants and versions.
        "command": ["/usr/share/grafana/bin/grafana"],
    }
    one_at_a_time: DeploymentStrategyArgsDict = {"type": "Recreate"}
    one_more_first: DeploymentStrategyArgsDict = {
        "type": "RollingUpdate",
        "rolling_update": {"max_surge": 1, "max_unavailable": 0},
    }
    return {
        "replicas": settings.replicas,
        "selector": {"match_labels": selector(NAME)},
        # Two servers on one SQLite file would lose each other's writes.
        "strategy": one_at_a_time if settings.database.sqlite else one_more_first,
        "template": pod(
            program,
            site,
            containers=[main],
            volumes=[{"name": "data", "persistent_volume_claim": {"claim_name": CLAIM}}] if _storage(settings) else [],
        ),
    }


def _storage(settings: GrafanaSettings) -> Bytes | None:
    """Size of the persistent volume claim of the volume ``data``; None if the volume is deleted with the pod."""
    return settings.database.sqlite.storage if settings.database.sqlite else None


def _data(name: str, settings: GrafanaSettings, site: Site, opts: ResourceOptions) -> list[Resource]:
    storage = _storage(settings)
    return [_claim(f"{name}-data", CLAIM, storage, site, opts)] if storage else []


def _claim(resource: str, claim: str, storage: Bytes, site: Site, opts: ResourceOptions) -> PersistentVolumeClaimPatch:
    """A claim that is kept after its pod, and grows like those of the other servers (``docs/decisions/0002``, 0004).

    It keeps its first spec, since another StorageClass would replace it by an empty claim. A patch applies its size, so
    the preview refuses a smaller one.
    """
    # The claim may be bound only once a pod uses it, and the pods are waited for.
    unawaited = {"pulumi.com/skipAwait": "true"}
    made = PersistentVolumeClaim(
        resource,
        metadata={**metadata(claim, NAME, site), "annotations": unawaited},
        spec={
            "access_modes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": str(storage)}},
            **({"storage_class_name": site.cluster.storage_class} if site.cluster.storage_class is not None else {}),
        },
        opts=ResourceOptions.merge(opts, ResourceOptions(ignore_changes=["spec"], retain_on_delete=True)),
    )
    return PersistentVolumeClaimPatch(
        f"{resource}-size",
        metadata={
            "name": claim,
            "namespace": site.namespace,
            "annotations": {"pulumi.com/patchForce": "true", **unawaited},
        },
        spec={"resources": {"requests": {"storage": str(storage)}}},
        # Once the patch has expanded the claim, it alone owns a field that every claim needs.
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[made], retain_on_delete=True)),
    )


def _admin_password(settings: GrafanaSettings, site: Site, made: Secret | None) -> Output[str] | None:
    source = settings.admin_password_secret
    if isinstance(source, ConfigSecret):
        return site.secrets[source.key]
    return value(made, ADMIN_PASSWORD) if made is not None else None


def _ingress(resource: str, ingress: settings_of.Ingress, path: str, site: Site, opts: ResourceOptions) -> None:
    tls = ingress.tls
    Ingress(
        resource,
        metadata={
            **metadata(NAME, NAME, site),
            # A load balancer's address may never appear: not every controller writes one.
            "annotations": {**ingress.annotations, "pulumi.com/skipAwait": "true"},
        },
        spec={
            **({"ingress_class_name": ingress.class_name} if ingress.class_name else {}),
            "rules": [
                {
                    "host": ingress.host,
                    "http": {
                        "paths": [
                            {
                                "path": path or "/",
                                "path_type": "Prefix",
                                "backend": {"service": {"name": NAME, "port": {"number": ports.GRAFANA}}},
                            }
                        ]
                    },
                }
            ],
            **(
                {"tls": [{"hosts": [ingress.host], **({"secret_name": tls.secret_name} if tls.secret_name else {})}]}
                if tls
                else {}
            ),
        },
        opts=opts,
    )


def _node_port(resource: str, node_port: int, site: Site, opts: ResourceOptions) -> None:
    Service(
        resource,
        metadata={**metadata(f"{NAME}-node-port", NAME, site), "annotations": {"pulumi.com/skipAwait": "true"}},
        spec={
            "type": "NodePort",
            "selector": selector(NAME),
            "ports": [
                {
                    "name": "http",
                    "port": ports.GRAFANA,
                    "target_port": ports.GRAFANA,
                    "node_port": node_port,
                    "protocol": "TCP",
                }
            ],
        },
        opts=opts,
    )
