"""The Kubernetes objects around a program's pods, and the StatefulSet of a program with a volume."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import replace

from pulumi import Output, Resource, ResourceOptions
from pulumi_kubernetes.apps.v1 import StatefulSet
from pulumi_kubernetes.core.v1 import (
    ConfigMap,
    PersistentVolumeClaimPatch,
    PersistentVolumeClaimSpecArgsDict,
    Secret,
    Service,
    ServiceAccount,
)
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicy
from pulumi_kubernetes.policy.v1 import PodDisruptionBudget
from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding, PolicyRuleArgsDict

from components.kubernetes import PART_OF, Program, Site, container, labels, metadata, pod, selector
from components.network_policy import policy
from model.quantities import Bytes
from model.settings import SCRATCH


def surroundings(
    name: str, program: Program, site: Site, opts: ResourceOptions, *, replicas: int = 1, isolated: bool = True
) -> list[Resource]:
    """Service account, configuration, secrets, Service, NetworkPolicy and disruption budget of a program.

    ``isolated`` is false for pods on the host's network, to which no NetworkPolicy applies.
    """
    made: list[Resource] = [
        ServiceAccount(
            f"{name}-account",
            metadata={
                **metadata(program.name, program.name, site),
                **({"annotations": dict(program.account_annotations)} if program.account_annotations else {}),
            },
            automount_service_account_token=False,
            opts=opts,
        )
    ]
    for directory in sorted(program.config):
        for config_map, texts in program.config_maps(directory).items():
            suffix = config_map.removeprefix(f"{program.name}-")
            made.append(
                ConfigMap(f"{name}-{suffix}", metadata=metadata(config_map, program.name, site), data=texts, opts=opts)
            )
    if program.own_secrets:
        made.append(
            Secret(
                f"{name}-secrets",
                metadata=metadata(f"{program.name}-secrets", program.name, site),
                data={file: _encoded(site.secrets[source.key]) for file, source in program.own_secrets.items()},
                opts=opts,
            )
        )
    made.append(service(f"{name}-service", program.name, program, site, opts))
    if isolated:
        made.append(
            NetworkPolicy(
                f"{name}-policy",
                metadata=metadata(program.name, program.name, site),
                spec=policy(program.name, site.flows, site.cluster),
                opts=opts,
            )
        )
    if replicas > 1:
        made.append(
            PodDisruptionBudget(
                f"{name}-disruption",
                metadata=metadata(program.name, program.name, site),
                spec={"max_unavailable": 1, "selector": {"match_labels": selector(program.name)}},
                opts=opts,
            )
        )
    return made


def cluster_access(
    name: str, program: str, rules: Sequence[PolicyRuleArgsDict], site: Site, opts: ResourceOptions
) -> list[Resource]:
    """Permissions of a program's service account in the whole cluster.

    These objects have no namespace, so their name contains the stack's: other stacks watch the cluster, too.
    """
    about: ObjectMetaArgsDict = {"name": f"{PART_OF}-{program}", "labels": labels(program, site.cluster)}
    role = ClusterRole(f"{name}-role", metadata=about, rules=list(rules), opts=opts)
    binding = ClusterRoleBinding(
        f"{name}-binding",
        metadata=about,
        role_ref={"api_group": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": role.metadata.name},
        subjects=[{"kind": "ServiceAccount", "name": program, "namespace": site.namespace}],
        opts=opts,
    )
    return [role, binding]


def _encoded(secret: Output[str]) -> Output[str]:
    return secret.apply(lambda text: base64.b64encode(text.encode()).decode())


def service(
    resource: str, name: str, program: Program, site: Site, opts: ResourceOptions, *, headless: bool = False
) -> Service:
    """A Service for the program's named ports. If headless, it resolves to every pod, ready or not, so that peers find
    each other.
    """
    return Service(
        resource,
        metadata={
            **metadata(name, program.name, site),
            # Waiting for endpoints here would wait for the pods a second time.
            "annotations": {"pulumi.com/skipAwait": "true"},
        },
        spec={
            "selector": selector(program.name),
            **({"cluster_ip": "None", "publish_not_ready_addresses": True} if headless else {}),
            "ports": [
                {
                    "name": port if protocol == "TCP" else f"{port}-udp",
                    "port": number,
                    "target_port": number,
                    "protocol": protocol,
                }
                for port, number in program.ports.items()
                for protocol in (("TCP", "UDP") if port in program.udp_ports else ("TCP",))
            ],
        },
        opts=opts,
    )


def stateful_set(
    name: str,
    program: Program,
    site: Site,
    opts: ResourceOptions,
    *,
    replicas: int,
    storage: Bytes | None,
    after: Sequence[Resource],
) -> StatefulSet:
    """The pods of a program with a volume each, whose persistent volume claims can grow.

    ``volumeClaimTemplates`` cannot change, so the set keeps its first ones, and the size is applied to each claim. A
    larger ``storage`` expands the claims in place, and changes neither set nor pods. The API refuses a smaller one,
    already in the preview (``docs/decisions/0002``).
    """
    headless = f"{program.name}-headless"
    peers = service(f"{name}-headless", headless, program, site, opts, headless=True)
    claim: PersistentVolumeClaimSpecArgsDict = {
        "access_modes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": str(storage)}},
        **({"storage_class_name": site.cluster.storage_class} if site.cluster.storage_class is not None else {}),
    }
    if storage is None and program.data:
        program = replace(program, scratch={"data": SCRATCH, **program.scratch})
    pods = StatefulSet(
        f"{name}-pods",
        metadata=metadata(program.name, program.name, site),
        spec={
            "replicas": replicas,
            "service_name": headless,
            "selector": {"match_labels": selector(program.name)},
            "pod_management_policy": "Parallel",
            "update_strategy": {"type": "RollingUpdate"},
            "persistent_volume_claim_retention_policy": {"when_deleted": "Retain", "when_scaled": "Retain"},
            "template": pod(program, site, containers=[container(program, site)]),
            "volume_claim_templates": []
            if storage is None
            else [{"metadata": {"name": "data", "labels": selector(program.name)}, "spec": claim}],
        },
        opts=ResourceOptions.merge(
            opts, ResourceOptions(ignore_changes=["spec.volumeClaimTemplates"], depends_on=[peers, *after])
        ),
    )
    for ordinal in range(replicas if storage is not None else 0):
        PersistentVolumeClaimPatch(
            f"{name}-claim-{ordinal}",
            metadata={
                "name": f"data-{program.name}-{ordinal}",
                "namespace": site.namespace,
                "labels": labels(program.name, site.cluster),
                # The set's controller created the claim and owns its size; here the stack takes over this field.
                "annotations": {"pulumi.com/patchForce": "true", "pulumi.com/skipAwait": "true"},
            },
            spec={"resources": {"requests": {"storage": str(storage)}}},
            # With the replica, or the stack, only the patch is deleted: the claim and its data stay.
            opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=[pods], retain_on_delete=True)),
        )
    return pods
