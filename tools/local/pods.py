"""The pods of a rendered stack."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from tools.local.rendered import Manifest, Rendered

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"


@dataclass(frozen=True)
class Pod:
    """The rendered pods of a server."""

    stack: Rendered
    server: str

    @cached_property
    def workload(self) -> Manifest:
        """Its StatefulSet, Deployment or DaemonSet."""
        return next(made for made in workloads(self.stack) if made["metadata"]["name"] == self.server)

    @property
    def namespace(self) -> str:
        return str(self.workload["metadata"]["namespace"])

    @property
    def spec(self) -> Manifest:
        return dict(self.workload["spec"]["template"]["spec"])

    @property
    def container(self) -> Manifest:
        """The only container of each pod."""
        (container,) = self.spec["containers"]
        return dict(container)

    @property
    def services(self) -> list[Manifest]:
        """Every Service that selects these pods."""
        labels = self.workload["spec"]["template"]["metadata"]["labels"].items()
        return [
            made
            for made in self.stack.of_kind("Service")
            if made["metadata"]["namespace"] == self.namespace and made["spec"]["selector"].items() <= labels
        ]

    @property
    def mounts(self) -> Iterator[Mount]:
        """Mounts of the container."""
        volumes = {volume["name"]: volume for volume in self.spec["volumes"]}
        for claim in self.workload["spec"].get("volumeClaimTemplates", []):
            volumes[claim["metadata"]["name"]] = {"emptyDir": {}}
        for mount in self.container["volumeMounts"]:
            volume = volumes[mount["name"]]
            sources = volume.get("projected", {}).get("sources", [])
            files = {file: content for source in sources for file, content in self._projected(source)}
            host = volume.get("hostPath", {}).get("path")
            yield Mount(mount["mountPath"], host, files, writable="emptyDir" in volume)
        if self.spec["automountServiceAccountToken"]:
            yield Mount(SERVICE_ACCOUNT, None, dict.fromkeys(("token", "ca.crt", "namespace")))

    def _projected(self, source: Manifest) -> Iterator[tuple[str, str | None]]:
        ((kind, named),) = source.items()
        owner = next((made for made in self.stack.objects if _is(made, kind, named["name"], self.namespace)), None)
        data: dict[str, str | None] = {}
        if owner is not None:
            # Secrets of the stack are masked, but their keys are known. The keys of other Secrets are unknown.
            data = owner["data"] if kind == "configMap" else dict.fromkeys(owner["data"])
        items = named.get("items") or [{"key": key, "path": key} for key in data]
        return ((item["path"], data.get(item["key"])) for item in items if owner is None or item["key"] in data)


@dataclass(frozen=True)
class Mount:
    """A folder in a container."""

    path: str
    host: str | None
    """Folder of the node that is mounted."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """File name to text; None for a secret."""
    writable: bool = False


def workloads(stack: Rendered) -> list[Manifest]:
    """All workloads."""
    return stack.of_kind("StatefulSet", "Deployment", "DaemonSet")


def _is(made: Manifest, kind: str, name: str, namespace: str) -> bool:
    about = made["metadata"]
    return (made["kind"].lower(), about["name"], about.get("namespace")) == (kind.lower(), name, namespace)
