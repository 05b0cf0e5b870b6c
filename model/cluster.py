"""The cluster of a stack, and the settings of all its workloads."""

from __future__ import annotations

from typing import Annotated, Literal

from model.quantities import Cidr
from model.settings import (
    DnsLabel,
    DnsName,
    LabelValue,
    Many,
    Model,
    Port,
    QualifiedName,
    Spelled,
    StorageClass,
)

Flavour = Literal["kind", "minikube", "k3s", "microk8s", "kubeadm", "eks", "gke", "aks"]

API_SERVICE_PORT = 443
"""Port of the Service `kubernetes`, and of API servers that clouds run."""
API_SERVER_PORTS: dict[Flavour, tuple[int, ...]] = {
    "kind": (6443,),
    "minikube": (8443,),
    "k3s": (6443, 6444),  # its supervisor answers on the first, the API server behind it on the second
    "microk8s": (16443,),
    "kubeadm": (6443,),
}
"""Ports of API servers that no cloud runs. A policy sees traffic to the Service only after it was forwarded to them."""

VIRTUAL_NODES: dict[Flavour, tuple[tuple[str, str], ...]] = {
    "eks": (("eks.amazonaws.com/compute-type", "fargate"),),
    "gke": (("type", "virtual-kubelet"),),
    "aks": (("type", "virtual-kubelet"),),
}
"""Labels of virtual nodes, which run no node agents and have no kubelet that answers."""

EVERYWHERE = (Cidr("0.0.0.0/0"), Cidr("::/0"))


class Namespaces(Model):
    """The two namespaces of the stack; both are created by it."""

    stack: DnsLabel = "monitoring"
    """Servers and exporters; enforces the Pod Security Standard *restricted*."""
    node_agents: DnsLabel = "monitoring-node-agents"
    """Node agents, which need host paths or the host network. The only privileged namespace."""


Digest = Annotated[str, Spelled(r"sha256:[0-9a-f]{64}", "a digest: sha256: and 64 hexadecimal digits in lower case")]


class Images(Model):
    """Where images are pulled from."""

    registry: str | None = None
    """A registry mirror, host and optional path, which replaces every image's registry; none by default."""
    pull_secrets: Many[DnsName] = ()
    """Names of existing image pull Secrets, in both namespaces."""
    digests: dict[str, Digest] = {}
    """Digests that pin images beside their tags, by program (`prometheus`; `otel-collector` for both collectors)."""


class Toleration(Model):
    """A toleration, as Kubernetes defines it."""

    key: QualifiedName | None = None
    """Key of the taint. Without one, every key matches (with operator Exists)."""
    operator: Literal["Exists", "Equal"] = "Equal"
    """How key and value are compared."""
    value: LabelValue | None = None
    """Value of the taint. Not allowed with Exists."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Without one, all effects match."""


class Network(Model):
    """Addresses outside the pod network that NetworkPolicies open. Narrow them if you know them."""

    api_server: Many[Cidr] = EVERYWHERE
    """Addresses of the API server's endpoints (`kubectl get endpointslices kubernetes`)."""
    api_server_ports: Many[Port] = ()
    """Ports of the API server's endpoints. The default is the flavour's (kind and kubeadm 6443, minikube 8443, k3s 6443
    and 6444, microk8s 16443). 443, the port of the Service and of clouds, is always open."""
    nodes: Many[Cidr] = EVERYWHERE
    """Addresses of the nodes, for kubelets and exporters on the host network."""
    kubelet_port: Port = 10250
    """Port of the kubelets."""
    dns: Many[Cidr] = EVERYWHERE
    """Addresses of DNS servers outside of pods. Caches on the nodes listen on link-local addresses (169.254.20.10), on
    unique local IPv6 addresses, or on the address of the DNS Service."""
    dns_ports: Many[Port] = ()
    """Ports on which the pods of the cluster's DNS listen, besides 53 (OpenShift 5353, Gardener 8053)."""
    ip_family: Literal["IPv4", "IPv6"] = "IPv4"
    """Address family to scrape of a dual-stack Service, so that no target is scraped twice."""


class ClusterSettings(Model):
    """The cluster, as every component sees it."""

    name: LabelValue
    """Name of the cluster: the `cluster` label of every series, log line and alert."""
    environment: DnsLabel
    """Environment: the `environment` label of every series. `prod` and `production` turn the checks for production on.
    """
    context: str
    """Context of the kubeconfig. Pulumi deploys to this context only."""
    flavour: Flavour
    """Distribution of Kubernetes. It decides which parts of the control plane can be watched, and at which addresses.
    Use `kubeadm` for a cluster of your own that is not listed."""
    namespaces: Namespaces = Namespaces()
    """The two namespaces of the stack."""
    storage_class: StorageClass | None = None
    """StorageClass of all volumes. The default is the cluster's. `""` uses volumes that were created by hand."""
    images: Images = Images()
    """Registry mirror and pull secrets."""
    node_selector: dict[QualifiedName, LabelValue] = {}
    """Labels of the nodes for servers and exporters. Node agents run on every node."""
    tolerations: Many[Toleration] = ()
    """Taints that servers and exporters tolerate. Node agents tolerate all."""
    virtual_nodes: dict[QualifiedName, LabelValue] = {}
    """Labels of virtual nodes, besides the flavour's (EKS Fargate, virtual nodes of AKS and GKE). A node with one of
    them gets no node agents, and its kubelet is not scraped. Alerts leave out pods of daemon sets there, where the
    label has a value."""
    labels: dict[QualifiedName, LabelValue] = {}
    """Labels of every object of the stack."""
    kubelet_certificate: Literal["clusterCa", "unverified"] = "clusterCa"
    """Verification of the kubelet's serving certificate: by the cluster's CA, or none (kind and kubeadm without
    serverTLSBootstrap have self-signed certificates)."""
    network: Network = Network()
    """Addresses outside the pod network."""

    @property
    def is_production(self) -> bool:
        return self.environment in ("prod", "production")

    @property
    def without_agents(self) -> tuple[tuple[str, str], ...]:
        """Labels, each with a value, of nodes on which no agent can run."""
        return tuple(dict.fromkeys((*VIRTUAL_NODES.get(self.flavour, ()), *self.virtual_nodes.items())))

    @property
    def runs_control_plane(self) -> bool:
        """Whether the cluster's operators run its API server. Otherwise a cloud does, and is paged for it."""
        return self.flavour in API_SERVER_PORTS

    @property
    def api_server_ports(self) -> tuple[int, ...]:
        """Every port by which the API server is reached."""
        behind = self.network.api_server_ports or API_SERVER_PORTS.get(self.flavour, ())
        return tuple(dict.fromkeys((API_SERVICE_PORT, *behind)))
