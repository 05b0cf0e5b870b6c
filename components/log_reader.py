"""A log reader on every node: runs as root, without capabilities."""

from __future__ import annotations

from pulumi import ResourceOptions
from pulumi_kubernetes.apps.v1 import DaemonSet
from pulumi_kubernetes.core.v1 import VolumeArgsDict, VolumeMountArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from components.kubernetes import Program, Site, container, metadata, pod, selector
from components.logs import DOCKER_LOGS, POD_LOGS
from components.settings.logs import LogSettings
from components.workload import cluster_access, surroundings


def read_logs(name: str, program: Program, site: Site, settings: LogSettings, opts: ResourceOptions) -> DaemonSet:
    """The pods of a program that reads logs, with the objects around them. Its data stays on the node."""
    after = surroundings(name, program, site, opts)
    pods: PolicyRuleArgsDict = {"api_groups": [""], "resources": ["pods"], "verbs": ["list", "watch"]}
    access = cluster_access(name, program.name, [pods], site, opts)
    folders = {"pod-logs": POD_LOGS, **({"docker-logs": DOCKER_LOGS} if settings.runtime == "docker" else {})}
    mounts: list[VolumeMountArgsDict] = [
        {"name": volume, "mount_path": path, "read_only": True} for volume, path in folders.items()
    ]
    read: list[VolumeArgsDict] = [
        {"name": volume, "host_path": {"path": path, "type": "Directory"}} for volume, path in folders.items()
    ]
    volumes: list[VolumeArgsDict] = [
        *read,
        # On the node, so that a new pod continues at the last position.
        {"name": "data", "host_path": {"path": settings.positions_path, "type": "DirectoryOrCreate"}},
    ]
    return DaemonSet(
        f"{name}-pods",
        metadata=metadata(program.name, program.name, site),
        spec={
            "selector": {"match_labels": selector(program.name)},
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
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[*after, *access])),
    )
