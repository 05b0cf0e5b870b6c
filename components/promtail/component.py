"""Promtail on Kubernetes: on every node, as root with nothing that makes root powerful."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions, log
from pulumi_kubernetes.apps.v1 import DaemonSet
from pulumi_kubernetes.core.v1 import VolumeArgsDict, VolumeMountArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from components import images, ports
from components.kubernetes import Probes, Program, Site, container, metadata, pod, selector
from components.promtail import config
from components.settings.loki import LokiSettings
from components.settings.promtail import PromtailSettings
from components.workload import cluster_access, surroundings

NAME = "promtail"
END_OF_LIFE = (
    "Promtail is end-of-life since 2026-03-02: it gets no more fixes, of security either. "
    "It is the only collector of logs that this stack has today."
)


@dataclass(frozen=True, kw_only=True)
class PromtailArgs:
    site: Site
    """Its namespace is the node agents' one."""
    settings: PromtailSettings
    loki: LokiSettings
    """Where lines go, and for which tenant."""


class Promtail(ComponentResource):
    """Sends what the pods of every node print to Loki."""

    def __init__(self, name: str, args: PromtailArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Promtail", name, {}, opts)
        log.warn(END_OF_LIFE, resource=self)
        child = ResourceOptions(parent=self)
        site, program = args.site, self._program(args)
        after = surroundings(name, program, site, child)
        pods: PolicyRuleArgsDict = {"api_groups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
        access = cluster_access(name, NAME, [pods], site, child)
        mounts: list[VolumeMountArgsDict] = [{"name": "pod-logs", "mount_path": config.POD_LOGS, "read_only": True}]
        volumes: list[VolumeArgsDict] = [
            {"name": "pod-logs", "host_path": {"path": config.POD_LOGS, "type": "Directory"}},
            # On the node, so that a new pod of Promtail goes on where the last one stopped.
            {"name": "data", "host_path": {"path": args.settings.positions_path, "type": "DirectoryOrCreate"}},
        ]
        DaemonSet(
            f"{name}-pods",
            metadata=metadata(NAME, NAME, site),
            spec={
                "selector": {"match_labels": selector(NAME)},
                "update_strategy": {"type": "RollingUpdate", "rolling_update": {"max_unavailable": "10%"}},
                "template": pod(
                    program,
                    site,
                    containers=[container(program, site, mounts=mounts)],
                    volumes=volumes,
                    on_every_node=True,
                    host_network=False,
                ),
            },
            opts=ResourceOptions.merge(child, ResourceOptions(depends_on=[*after, *access])),
        )
        self.register_outputs({})

    @staticmethod
    def _program(args: PromtailArgs) -> Program:
        settings = args.settings
        return Program(
            name=NAME,
            image=images.PROMTAIL,
            args=["-config.file=/etc/promtail/config/promtail.yaml"],
            ports={"http": ports.PROMTAIL},
            # Ready once it follows a file. A node without any, and one that cannot reach the API, is no reason to
            # restart: what answers while it runs at all is its own configuration.
            probes=Probes(live=("/config", "http"), ready=("/ready", "http"), startup_seconds=300),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.site.cluster, args.loki),
            env=[{"name": config.NODE, "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}],
            token=True,
            data=config.DATA,
            grace_seconds=30,
        )
