"""The component that deploys an exporter from its data."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pulumi import ComponentResource, Input, Resource, ResourceOptions
from pulumi_kubernetes.apps.v1 import DaemonSet, Deployment
from pulumi_kubernetes.core.v1 import VolumeMountArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from components.kubernetes import Probes, Program, Site, container, metadata, pod, selector
from components.workload import cluster_access, surroundings
from model import exporter as data


@dataclass(frozen=True, kw_only=True)
class ExporterArgs:
    site: Site
    exporter: data.Exporter


class Exporter(ComponentResource):
    """A Deployment, or a pod on every node, that exposes metrics."""

    def __init__(self, name: str, args: ExporterArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Exporter", name, {}, opts)
        child = ResourceOptions(parent=self)
        exporter, site = args.exporter, args.site
        program = _program(exporter)
        after = surroundings(name, program, site, child, isolated=not exporter.per_node)
        after += _access(name, exporter, site, child)
        placed = ResourceOptions.merge(child, ResourceOptions(depends_on=after))
        if exporter.per_node:
            _on_every_node(name, program, site, placed)
        else:
            Deployment(
                f"{name}-pods",
                metadata=metadata(program.name, program.name, site),
                spec={
                    "replicas": 1,
                    "selector": {"match_labels": selector(program.name)},
                    "strategy": {"type": "RollingUpdate", "rolling_update": {"max_surge": 1, "max_unavailable": 0}},
                    "template": pod(program, site, containers=[container(program, site)]),
                },
                opts=placed,
            )
        self.register_outputs({})


def deploy(exporters: tuple[data.Exporter, ...], site: Site, node_agents: Input[str], opts: ResourceOptions) -> None:
    """One component per exporter, node agents in their own namespace."""
    for exporter in exporters:
        place = replace(site, namespace=node_agents) if exporter.per_node else site
        Exporter(exporter.workload, ExporterArgs(site=place, exporter=exporter), opts)


def _program(exporter: data.Exporter) -> Program:
    return Program(
        name=exporter.workload,
        image=exporter.image,
        command=exporter.command,
        args=exporter.args,
        ports=exporter.ports,
        probes=Probes(live=exporter.live, ready=exporter.ready, startup_seconds=exporter.startup_seconds),
        resources=exporter.resources,
        config={"config": exporter.files} if exporter.files else {},
        secrets=exporter.secrets,
        env=[{"name": name, "value": value} for name, value in exporter.env.items()],
        secret_env=exporter.secret_env,
        token=bool(exporter.api),
    )


def _access(name: str, exporter: data.Exporter, site: Site, opts: ResourceOptions) -> list[Resource]:
    """The exporter's permissions in the Kubernetes API; creates no objects if it needs none."""
    if not exporter.api:
        return []
    rules: list[PolicyRuleArgsDict] = [
        {"api_groups": [access.group], "resources": list(access.resources), "verbs": list(access.verbs)}
        for access in exporter.api
    ]
    return cluster_access(name, exporter.workload, rules, site, opts)


def _on_every_node(name: str, program: Program, site: Site, opts: ResourceOptions) -> None:
    root: VolumeMountArgsDict = {
        "name": "root",
        "mount_path": "/host/root",
        "read_only": True,
        "mount_propagation": "HostToContainer",  # shows volumes that are mounted after its start
    }
    template = pod(
        program,
        site,
        containers=[container(program, site, mounts=[root])],
        volumes=[{"name": "root", "host_path": {"path": "/"}}],
        on_every_node=True,
    )
    DaemonSet(
        f"{name}-pods",
        metadata=metadata(program.name, program.name, site),
        spec={
            "selector": {"match_labels": selector(program.name)},
            "update_strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": "10%"}},
            "template": template,
        },
        opts=opts,
    )
