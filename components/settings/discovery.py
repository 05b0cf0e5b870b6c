"""How a scrape job finds its targets, as a stack file describes it."""

from __future__ import annotations

from typing import Annotated, Literal

from annotated_types import Len
from pydantic import AfterValidator
from pydantic_core import PydanticCustomError

from components.settings.client import Client
from model.quantities import Duration, HostPort, Url
from model.settings import DnsLabel, LabelName, LabelValue, Many, Model, Port, QualifiedName, Spelled

MOST_TARGETS = 1000
"""Listed in one job: with 253 characters each, its file fits into a ConfigMap."""
OWN_LABELS = {
    "cluster": "the stack sets it",
    "environment": "the stack sets it",
    "instance": "it tells the targets of a job apart",
    "job": "it is the job's name",
    "owner": "the job's owner is a setting of its own",
}
"""Labels of a target that a job cannot set, and why."""


def _free(name: str) -> str:
    if reason := "it is lost after relabelling" if name.startswith("__") else OWN_LABELS.get(name):
        raise PydanticCustomError("label", "{expected}", {"expected": f"another label: {reason}"})
    return name


TargetLabels = dict[
    Annotated[LabelName, AfterValidator(_free)],
    Annotated[str, Spelled(r"[^\n]{1,500}", "a label value of 1 to 500 characters on one line")],
]
PortName = Annotated[str, Spelled(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?", "the name of a port, like metrics")]
RecordName = Annotated[
    str, Spelled(r"(?=.{1,253}$)[a-z0-9_]([-a-z0-9_.]*[a-z0-9_])?\.?", "a DNS name like _http._tcp.example.com")
]
CloudName = Annotated[str, Spelled(r"[A-Za-z0-9][-A-Za-z0-9_.:/]{0,255}", "letters, digits and - _ . : /")]


class InCluster(Model):
    """Pods of the cluster."""

    namespaces: Many[DnsLabel] = ()
    """Namespaces to search, which the network policy opens; empty means all."""
    selector: dict[QualifiedName, LabelValue] = {}
    """Labels that select them."""
    port: Port | None = None
    """Port of the pods, declared or not; this or `portName`."""
    port_name: PortName | None = None
    """Name of the port, of a Service the Service's own. Its number is not known, so the network policy opens every port
    of the namespaces."""
    host_network: bool = False
    """Whether the pods are on the host's network, so that the network policy opens the nodes' addresses."""


class ServiceTargets(InCluster):
    """The pods behind a Service: each replica is a target."""

    name: DnsLabel | None = None
    """Name of the Service; this or `selector`, which are labels of Services."""
    container_port_name: PortName | None = None
    """Name of a container's port, in place of `port` and `portName`: the Service may call it otherwise, or not list
    it."""


class PodTargets(InCluster):
    """Pods by their labels."""

    selector: Annotated[dict[QualifiedName, LabelValue], Len(min_length=1)]
    """Labels of the pods."""


class Polled(Model):
    """A source of targets that is asked again and again."""

    refresh: Duration | None = None
    """Time between two questions for the targets. The default is Prometheus's: 30s for DNS, 1m for HTTP and clouds,
    5m for Azure."""


class HttpTargets(Client, Polled):
    """Targets from an HTTP endpoint, in the format of Prometheus's `http_sd_config`."""

    url: Url
    """URL of the endpoint."""
    ports: Annotated[Many[Port], Len(min_length=1)]
    """Ports of the targets, which the network policy opens."""


class DnsTargets(Polled):
    """Targets from DNS records."""

    names: Annotated[Many[RecordName], Len(min_length=1, max_length=MOST_TARGETS)]
    """Names to resolve."""
    type: Literal["A", "AAAA", "SRV"] = "A"
    """Type of the records."""
    port: Port
    """Port of the targets. SRV records name it themselves; then the network policy opens it."""


class MachineTargets(Polled):
    """Machines of a cloud, by their private addresses. Prometheus logs in with the identity of its service account
    (`prometheus.serviceAccountAnnotations`) or of its node.
    """

    port: Port
    """Port of the targets."""


class Ec2Targets(MachineTargets):
    """Machines of AWS EC2."""

    region: CloudName
    """Region, like eu-central-1."""
    filters: dict[CloudName, Annotated[Many[str], Len(min_length=1)]] = {}
    """Filters of EC2's DescribeInstances, name to values: `{"tag:role": [db]}`."""
    role_arn: CloudName | None = None
    """Role to assume."""


class AzureTargets(MachineTargets):
    """Machines of Azure's public cloud."""

    subscription_id: CloudName
    """Subscription."""
    resource_group: CloudName | None = None
    """Resource group; all by default."""
    authentication: Literal["ManagedIdentity", "WorkloadIdentity"] = "ManagedIdentity"
    """Whose identity is used: the node's, or that of Prometheus's service account."""
    client_id: CloudName | None = None
    """Client id of a user-assigned managed identity."""


class GceTargets(MachineTargets):
    """Machines of Google Compute Engine."""

    project: CloudName
    """Project."""
    zones: Annotated[Many[CloudName], Len(min_length=1)]
    """Zones, like europe-west1-b."""
    filter: str | None = None
    """Filter of the Compute Engine API, like `labels.role = db`."""


Machines = Ec2Targets | AzureTargets | GceTargets


class TargetGroup(Model):
    """Addresses with the same labels."""

    targets: Annotated[Many[HostPort], Len(min_length=1, max_length=MOST_TARGETS)]
    """Addresses, host:port."""
    labels: TargetLabels = {}
    """Labels of their series."""


class FileTargets(Model):
    """Targets in a file of their own, in groups. Prometheus reads it again by itself, and the job goes on meanwhile."""

    groups: Annotated[Many[TargetGroup], Len(min_length=1)]
    """Groups of targets."""


Discovery = ServiceTargets | PodTargets | HttpTargets | DnsTargets | Machines | FileTargets
