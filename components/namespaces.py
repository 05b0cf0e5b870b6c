"""The two namespaces: Pod Security level, the policy that denies all other traffic, and resources that components
share.
"""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import Namespace
from pulumi_kubernetes.meta.v1 import ObjectMetaArgsDict
from pulumi_kubernetes.networking.v1 import NetworkPolicy

from components.generated import generated, value
from components.kubernetes import PART_OF
from components.network_policy import DENY_ALL
from model.cluster import ClusterSettings


@dataclass(frozen=True, kw_only=True)
class NamespacesArgs:
    cluster: ClusterSettings


class Namespaces(ComponentResource):
    """The namespaces of the stack."""

    stack: Output[str]
    """Servers and exporters: Pod Security *restricted*."""
    node_agents: Output[str]
    """Node agents, which need the host. The only privileged namespace."""

    checksum_key: Output[str]
    """Key of the checksums of secrets, so that nobody can guess a value from a checksum (``docs/decisions/0011``)."""

    def __init__(self, name: str, args: NamespacesArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Namespaces", name, {}, opts)
        names, labels = args.cluster.namespaces, args.cluster.labels
        common = {**labels, "app.kubernetes.io/part-of": PART_OF, "app.kubernetes.io/managed-by": "pulumi"}
        self.stack = self._namespace(f"{name}-stack", names.stack, "restricted", common)
        self.node_agents = self._namespace(f"{name}-node-agents", names.node_agents, "privileged", common)
        about: ObjectMetaArgsDict = {"name": "secret-checksums", "namespace": self.stack, "labels": common}
        key = generated(f"{name}-checksums", about, "key", ResourceOptions(parent=self))
        self.checksum_key = value(key, "key")
        self.register_outputs({"stack": self.stack, "nodeAgents": self.node_agents})

    def _namespace(self, resource: str, name: str, level: str, common: dict[str, str]) -> Output[str]:
        security = {f"pod-security.kubernetes.io/{mode}": level for mode in ("enforce", "warn", "audit")}
        namespace = Namespace(
            resource,
            metadata={"name": name, "labels": {**common, **security}},
            opts=ResourceOptions(parent=self),
        )
        NetworkPolicy(
            f"{resource}-deny",
            metadata={"name": "deny-all", "namespace": namespace.metadata.name, "labels": common},
            spec=DENY_ALL,
            opts=ResourceOptions(parent=self),
        )
        return namespace.metadata.name.apply(lambda made: made or name)
