"""Kubernetes objects that every component uses: names, labels, security contexts, probes, pods."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import cast

from pulumi import Input, Output
from pulumi_kubernetes.core.v1 import (
    AffinityArgsDict,
    ContainerArgsDict,
    EnvVarArgsDict,
    NodeSelectorRequirementArgsDict,
    NodeSelectorTermArgsDict,
    PodSecurityContextArgsDict,
    PodSpecArgsDict,
    PodTemplateSpecArgsDict,
    ProbeArgsDict,
    SecurityContextArgsDict,
    TolerationArgsDict,
    TopologySpreadConstraintArgsDict,
    VolumeArgsDict,
    VolumeMountArgsDict,
    VolumeProjectionArgsDict,
    WeightedPodAffinityTermArgsDict,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict

from model.cluster import ClusterSettings, Toleration
from model.flows import Flow, Server
from model.images import Pinned
from model.quantities import Bytes
from model.settings import ConfigSecret, ExistingSecret, Resources, Secret, Workload

PART_OF = "agent-observability"
NAME_LABEL = "app.kubernetes.io/name"


@dataclass(frozen=True, kw_only=True)
class Site:
    """The cluster and namespace of a component, with the flows and secrets that it uses."""

    cluster: ClusterSettings
    namespace: Input[str]
    flows: tuple[Flow, ...]
    """The whole table of flows. Each component uses its own rows."""
    secrets: Mapping[str, Output[str]]
    """Secrets of the stack by their top-level key."""
    checksum_key: Output[str]
    """Key of the checksums of secrets."""

    def url(self, server: Server, port: int) -> Output[str]:
        """URL of a server of this stack for pods. It waits for the namespace."""
        return Output.from_input(self.namespace).apply(lambda namespace: server.url(namespace, port))


@dataclass(frozen=True)
class Probes:
    """Endpoints of the server: path and named port."""

    live: tuple[str, str]
    ready: tuple[str, str]
    startup_seconds: int
    """Maximum duration of a start, after which the kubelet restarts the container."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """A server or exporter: the content of its pods, for every kind of workload."""

    name: str
    image: Pinned
    args: Sequence[str]
    command: Sequence[str] = ()
    """Command in place of the image's own."""
    ports: Mapping[str, int]
    """Named ports; the first is the main one."""
    probes: Probes
    resources: Resources
    workload: Workload = field(default_factory=Workload)
    config: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """Directory below ``/etc/<program>`` to its files, name to text."""
    watches_config: bool = False
    """Whether it reloads files by itself. Otherwise its pods roll when the files change."""
    secrets: Mapping[str, Secret] = field(default_factory=dict)
    """File name below ``/etc/<program>/secrets`` to source."""
    env: Sequence[EnvVarArgsDict] = ()
    secret_env: Mapping[str, Secret] = field(default_factory=dict)
    """Environment variable to source, for a program that reads a secret from nowhere else."""
    live_secrets: frozenset[str] = frozenset()
    """Names of secrets whose change needs no new pods, since the program reads their files again."""
    account_annotations: Mapping[str, str] = field(default_factory=dict)
    """Annotations of its service account."""
    token: bool = False
    """Whether it uses the Kubernetes API, for which the service account's token is mounted."""
    data: str | None = None
    """Mount path of its volume ``data``."""
    scratch: Mapping[str, Bytes] = field(default_factory=dict)
    """Volumes that are deleted with the pod: name to size limit. Above it the kubelet evicts the pod."""
    grace_seconds: int = 30
    """Seconds to stop before the kubelet kills it."""
    udp_ports: frozenset[str] = frozenset()
    """Ports that are UDP as well as TCP."""

    @property
    def checksum(self) -> str:
        """Checksum of the configuration: an annotation of the pods of a program that cannot reload."""
        return hashlib.sha256(json.dumps(self.config, sort_keys=True).encode()).hexdigest()[:16]

    def config_maps(self, directory: str) -> dict[str, dict[str, str]]:
        """The ConfigMaps of a directory, name to files: one, and more above the API's size limit."""
        return {
            f"{self.name}-{dashed(directory)}{f'-{number}' if number > 1 else ''}": part
            for number, part in enumerate(_parts(self.config[directory]), start=1)
        }

    @property
    def own_secrets(self) -> dict[str, ConfigSecret]:
        """Secrets that come from the stack, for which it creates a Kubernetes Secret."""
        given = {**self.secrets, **self.secret_env}
        return {name: source for name, source in given.items() if isinstance(source, ConfigSecret)}

    @property
    def read_once(self) -> dict[str, ConfigSecret]:
        """Secrets of the stack that the program reads only when it starts."""
        return {name: source for name, source in self.own_secrets.items() if name not in self.live_secrets}


def secrets_checksum(key: str, secrets: Mapping[str, str]) -> str:
    """Checksum of the secrets. Others may read a pod's annotations, so without the key it reveals nothing."""
    return hmac.new(key.encode(), json.dumps(secrets, sort_keys=True).encode(), hashlib.sha256).hexdigest()[:16]


def dashed(directory: str) -> str:
    """A directory as part of an object's name."""
    return directory.replace("/", "-")


def selector(name: str) -> dict[str, str]:
    """Labels in selectors of a program's pods; never with a version, since selectors cannot change."""
    return {NAME_LABEL: name, "app.kubernetes.io/part-of": PART_OF}


def labels(name: str, cluster: ClusterSettings) -> dict[str, str]:
    """Labels of every object of a program."""
    return {**cluster.labels, **selector(name), "app.kubernetes.io/managed-by": "pulumi"}


def metadata(name: str, program: str, site: Site) -> ObjectMetaArgsDict:
    return {"name": name, "namespace": site.namespace, "labels": labels(program, site.cluster)}


CONTAINER_SECURITY: SecurityContextArgsDict = {
    "allow_privilege_escalation": False,
    "read_only_root_filesystem": True,
    "capabilities": {"drop": ["ALL"]},
}


def pod_security(uid: int) -> PodSecurityContextArgsDict:
    return {
        "run_as_non_root": uid != 0,
        "run_as_user": uid,
        "run_as_group": uid,
        "fs_group": uid,
        # A change of the owner of every file of a large volume at each start can take minutes.
        "fs_group_change_policy": "OnRootMismatch",
        "seccomp_profile": {"type": "RuntimeDefault"},
    }


# The kubelet counts a container's logs, its scratch volumes, and its root file system, which is read-only here. It
# keeps five log files, of 10 MiB on most clusters and of 50 MB on AKS, and checks their size every ten seconds only: a
# server that logs errors in a loop writes some tens of megabytes in that time.
LOGS = Bytes.parse("64Mi")
"""Request of every container: its logs on most clusters. Scratch volumes are not included, since they are mostly empty.
"""
MOST_LOGS = Bytes.parse("512Mi")
"""Limit of the logs, above the size at which the kubelet rotates them: no pod is evicted for its logs."""


def _most_on_disk(program: Program) -> Bytes:
    return Bytes(MOST_LOGS.count + sum(size.count for size in program.scratch.values()))


def probe(endpoint: tuple[str, str], period: int, failures: int) -> ProbeArgsDict:
    path, port = endpoint
    return {
        "http_get": {"path": path, "port": port},
        "period_seconds": period,
        "failure_threshold": failures,
        "timeout_seconds": 5,  # under load an answer is slow; the default second would restart the server for that
    }


def container(program: Program, site: Site, mounts: Sequence[VolumeMountArgsDict] = ()) -> ContainerArgsDict:
    directories = [*sorted(program.config), *(["secrets"] if program.secrets else [])]
    files: list[VolumeMountArgsDict] = [
        {"name": dashed(name), "mount_path": f"/etc/{program.name}/{name}", "read_only": True} for name in directories
    ]
    data: list[VolumeMountArgsDict] = [{"name": "data", "mount_path": program.data}] if program.data else []
    return {
        "name": program.name,
        "image": program.image.reference(site.cluster.images),
        "image_pull_policy": "IfNotPresent",
        **_command(program),
        "args": list(program.args),
        "env": [*program.env, *(_secret_env(program, name) for name in program.secret_env)],
        "ports": [
            {"name": name if protocol == "TCP" else f"{name}-udp", "container_port": port, "protocol": protocol}
            for name, port in program.ports.items()
            for protocol in (("TCP", "UDP") if name in program.udp_ports else ("TCP",))
        ],
        "resources": {
            "requests": {**program.resources.requests.plain(), "ephemeral-storage": str(LOGS)},
            "limits": {**program.resources.limits.plain(), "ephemeral-storage": str(_most_on_disk(program))},
        },
        "security_context": CONTAINER_SECURITY,
        "startup_probe": probe(program.probes.ready, period=5, failures=-(-program.probes.startup_seconds // 5)),
        "readiness_probe": probe(program.probes.ready, period=10, failures=3),
        "liveness_probe": probe(program.probes.live, period=10, failures=6),  # a minute: restarting is the last resort
        "volume_mounts": [*files, *data, *mounts],
    }


def _command(program: Program) -> ContainerArgsDict:
    return cast(ContainerArgsDict, {"command": list(program.command)} if program.command else {})


def _secret_env(program: Program, name: str) -> EnvVarArgsDict:
    source = program.secret_env[name]
    if isinstance(source, ConfigSecret):
        source = ExistingSecret(name=f"{program.name}-secrets", key=name)
    return {"name": name, "value_from": {"secret_key_ref": {"name": source.name, "key": source.key}}}


def config_volumes(program: Program) -> list[VolumeArgsDict]:
    """One volume per directory, for any number of ConfigMaps and Secrets."""
    volumes: list[VolumeArgsDict] = []
    for directory in sorted(program.config):
        sources: list[VolumeProjectionArgsDict] = [
            {"config_map": {"name": name}} for name in program.config_maps(directory)
        ]
        volumes.append({"name": dashed(directory), "projected": {"sources": sources}})
    if program.secrets:
        volumes.append({"name": "secrets", "projected": {"sources": _secret_sources(program), "default_mode": 0o440}})
    return volumes


def _scratch_volumes(program: Program) -> list[VolumeArgsDict]:
    return [{"name": name, "empty_dir": {"size_limit": str(size)}} for name, size in program.scratch.items()]


def _secret_sources(program: Program) -> list[VolumeProjectionArgsDict]:
    own: list[VolumeProjectionArgsDict] = (
        [{"secret": {"name": f"{program.name}-secrets"}}] if program.own_secrets else []
    )
    existing: list[VolumeProjectionArgsDict] = [
        {"secret": {"name": source.name, "items": [{"key": source.key, "path": file}]}}
        for file, source in sorted(program.secrets.items())
        if isinstance(source, ExistingSecret)
    ]
    return own + existing


CONFIG_MAP_BYTES = 900_000
"""Maximum size of one ConfigMap's data, names included. The API accepts 1 MiB for the whole object."""


def _parts(files: Mapping[str, str]) -> list[dict[str, str]]:
    parts: list[dict[str, str]] = [{}]
    room = CONFIG_MAP_BYTES
    for name, text in sorted(files.items()):
        size = len(f"{name}{text}".encode())
        if parts[-1] and size > room:
            parts.append({})
            room = CONFIG_MAP_BYTES
        parts[-1][name] = text
        room -= size
    return parts


def pod(
    program: Program,
    site: Site,
    *,
    containers: Sequence[ContainerArgsDict],
    volumes: Sequence[VolumeArgsDict] = (),
    on_every_node: bool = False,
    host_network: bool = True,
) -> PodTemplateSpecArgsDict:
    """The pods of a program: on selected nodes and apart from each other, or on every node and (mostly) its network."""
    cluster, workload = site.cluster, program.workload
    annotations: dict[str, Input[str]] = {**workload.annotations}
    if program.config and not program.watches_config:
        annotations["checksum/config"] = program.checksum
    if program.read_once:
        secrets = Output.all(**{name: site.secrets[source.key] for name, source in program.read_once.items()})
        checksum = Output.all(site.checksum_key, secrets).apply(lambda given: secrets_checksum(*given))
        # As a secret it would make the whole pod a secret, and no preview would show its changes.
        annotations["checksum/secrets"] = Output.unsecret(checksum)
    spec: PodSpecArgsDict = {
        "service_account_name": program.name,
        "automount_service_account_token": program.token,
        "enable_service_links": False,
        "security_context": pod_security(program.image.uid),
        "termination_grace_period_seconds": program.grace_seconds,
        "containers": list(containers),
        "volumes": [*config_volumes(program), *_scratch_volumes(program), *volumes],
    }
    if workload.priority_class:
        spec["priority_class_name"] = workload.priority_class
    if cluster.images.pull_secrets:
        spec["image_pull_secrets"] = [{"name": name} for name in cluster.images.pull_secrets]
    if on_every_node:
        spec["node_selector"] = {"kubernetes.io/os": "linux"}
        spec["tolerations"] = [{"operator": "Exists"}]
        if cluster.without_agents:
            spec["affinity"] = _on_machines(cluster.without_agents)
        if host_network:
            spec["host_network"] = spec["host_pid"] = True  # it watches the node's interfaces and processes
    else:
        spec["node_selector"] = {"kubernetes.io/os": "linux", **cluster.node_selector}
        spec["tolerations"] = [_toleration(toleration) for toleration in cluster.tolerations]
        spec["affinity"], spec["topology_spread_constraints"] = _apart(program.name)
    return {
        "metadata": {
            "labels": {**workload.labels, **labels(program.name, cluster)},
            "annotations": annotations,
        },
        "spec": spec,
    }


def _on_machines(virtual: Sequence[tuple[str, str]]) -> AffinityArgsDict:
    """Node affinity that excludes nodes with one of these labels."""
    unlike: list[NodeSelectorRequirementArgsDict] = [
        {"key": label, "operator": "NotIn", "values": [value]} for label, value in virtual
    ]
    terms: list[NodeSelectorTermArgsDict] = [{"match_expressions": unlike}]
    return {"node_affinity": {"required_during_scheduling_ignored_during_execution": {"node_selector_terms": terms}}}


def _toleration(toleration: Toleration) -> TolerationArgsDict:
    return cast(TolerationArgsDict, toleration.model_dump(exclude_none=True))  # the same names on both sides


def _apart(name: str) -> tuple[AffinityArgsDict, list[TopologySpreadConstraintArgsDict]]:
    """Spreads replicas over nodes and zones if possible; they are scheduled in any case."""
    elsewhere: WeightedPodAffinityTermArgsDict = {
        "weight": 100,
        "pod_affinity_term": {
            "label_selector": {"match_labels": selector(name)},
            "topology_key": "kubernetes.io/hostname",
        },
    }
    zones: TopologySpreadConstraintArgsDict = {
        "max_skew": 1,
        "topology_key": "topology.kubernetes.io/zone",
        "when_unsatisfiable": "ScheduleAnyway",
        "label_selector": {"match_labels": selector(name)},
    }
    return {"pod_anti_affinity": {"preferred_during_scheduling_ignored_during_execution": [elsewhere]}}, [zones]
