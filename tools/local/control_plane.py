"""A real Kubernetes control plane with simulated nodes: the real code decides on admission and scheduling.

etcd, kube-apiserver, kube-controller-manager and kube-scheduler are the real ones. kwok replaces the kubelets, so pods
become Running and Ready without a container, a network or a probe.
"""

from __future__ import annotations

import json
import secrets
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.servers.find import binary

ADVERTISED = "192.0.2.10"
"""Address of the API server in the endpoints of the service `kubernetes`, where loopback is not allowed. Nothing
listens on it (it is reserved for documentation); tests that use it replace it by 127.0.0.1."""

STORAGE_CLASS = "standard"

NODES: Mapping[str, str] = {"node-a": "192.0.2.21", "node-b": "192.0.2.22", "node-c": "192.0.2.23"}
"""Internal address of each simulated node. The last letter is its zone."""

_ISSUER = "https://kubernetes.default.svc.cluster.local"


class ControlPlane:
    """A cluster of three nodes. It starts in a few seconds, ends with its context, and keeps its files in
    ``directory``.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"https://127.0.0.1:{self.port}"
        self.kubeconfig = directory / "kubeconfig"
        self.token = secrets.token_hex(16)
        """Token of a user in system:masters."""
        self.ca = directory / "certificates" / "apiserver.crt"
        """Self-signed certificate, also valid for kubernetes.default.svc."""
        self._exits = ExitStack()
        self.servers: list[Process] = []

    def __enter__(self) -> Self:
        with self._exits:
            self._start()
            self._exits = self._exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        # All are ended at once: nothing is kept, and an API server that gets a SIGTERM waits for the others.
        for server in self.servers:
            server.kill()
        self._exits.close()

    @property
    def kubectl_folder(self) -> Path:
        """Folder of kubectl, for commands that need it on the PATH."""
        return binary("kubectl").parent

    def kubectl(
        self,
        *args: str,
        input: str | None = None,  # noqa: A002 - as subprocess.run calls it
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as administrator; ``input`` is its standard input.

        Raises AssertionError with kubectl's output when it fails, unless ``check`` is False.
        """
        argv = [
            str(binary("kubectl")),
            f"--kubeconfig={self.kubeconfig}",
            f"--cache-dir={self.directory / 'kubectl'}",
            *args,
        ]
        done = subprocess.run(argv, input=input, capture_output=True, text=True, timeout=120, check=False)
        if check and done.returncode:
            raise AssertionError(f"kubectl {' '.join(args)}: status {done.returncode}\n{done.stderr}{done.stdout}")
        return done

    def apply(self, *manifests: Mapping[str, Any], check: bool = True) -> subprocess.CompletedProcess[str]:
        """Apply objects server-side, with strict field validation; errors as in :meth:`kubectl`."""
        listed = {"apiVersion": "v1", "kind": "List", "items": manifests}
        return self.kubectl(
            "apply", "--server-side", "--validate=strict", "-f", "-", input=json.dumps(listed), check=check
        )

    def get(self, *what: str) -> Any:
        """Decoded objects, for example ``get("pods", "--namespace=monitoring")["items"]``."""
        return json.loads(self.kubectl("get", *what, "--output=json").stdout)

    def namespace(self, name: str, labels: Mapping[str, str] | None = None) -> str:
        """Create a namespace and wait until pods can be created in it; return its name."""
        self.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(labels or {})}})
        eventually(
            lambda: self.get("serviceaccount", "default", f"--namespace={name}"),
            15,
            f"namespace {name} has its service account",
        )
        return name

    def token_for(self, namespace: str, service_account: str) -> str:
        """A token of a service account, as its pods get one."""
        return self.kubectl("create", "token", service_account, f"--namespace={namespace}").stdout.strip()

    def supply_volumes(self, number: int, storage_class: str = STORAGE_CLASS) -> None:
        """Create volumes for any claims of a class, for claims that wait for their pods."""
        volumes = (_free_volume(f"volume-{each}", storage_class) for each in range(number))
        self.apply(_storage_class(storage_class), *volumes)

    def bind_claims(self) -> int:
        """Create a volume for each pending claim, and return the number of pending claims.

        A StatefulSet creates its claims one pod after the other: call it until everything is ready.
        """
        pending = [
            claim for claim in self.get("persistentvolumeclaims", "--all-namespaces")["items"] if _is_pending(claim)
        ]
        if pending:
            self.apply(*(_volume(claim, self.directory) for claim in pending))
        return len(pending)

    def _start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        self._write_kubeconfig()
        key = self.directory / "service-accounts.pem"
        # Not genpkey: the API server reads a public key from a private one only in the older of the two formats.
        openssl = ["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", str(key)]
        subprocess.run(openssl, check=True, capture_output=True)

        etcd_url = self._start_etcd()
        self._start_apiserver(etcd_url, key)
        self._run(
            "kube-controller-manager",
            f"--kubeconfig={self.kubeconfig}",
            "--leader-elect=false",
            # Every controller except those that need a cloud or assign pod networks, which kwok does not have.
            "--controllers=*,-node-ipam-controller,-node-route-controller,-service-lb-controller,-cloud-node-lifecycle-controller",
            "--use-service-account-credentials",
            f"--service-account-private-key-file={key}",
            f"--root-ca-file={self.ca}",
            # Each controller creates an account at its start: 4 s at the default of 20 requests a second.
            "--kube-api-qps=1000",
            "--kube-api-burst=1000",
            "--pvclaimbinder-sync-period=1s",  # otherwise a new volume waits up to 15 s for its claim
            "--secure-port=0",
        )
        self._run("kube-scheduler", f"--kubeconfig={self.kubeconfig}", "--leader-elect=false", "--secure-port=0")
        kwok_home = {"KWOK_WORKDIR": str(self.directory / "kwok")}  # no file of the user's
        self._run(
            "kwok",
            "--manage-all-nodes",
            f"--kubeconfig={self.kubeconfig}",
            # Without leases, the node controller marks the nodes as unreachable after 40 s, and Deployments lose their
            # pods.
            "--node-lease-duration-seconds=40",
            env=kwok_home,
        )

        self.apply(_storage_class(STORAGE_CLASS), *(_node(name, address) for name, address in NODES.items()))
        self._wait("the nodes are ready", self._nodes_are_ready)
        self._wait("pods can be created", lambda: self.get("serviceaccount", "default", "--namespace=default"))

    def _start_etcd(self) -> str:
        client, peer = (f"http://127.0.0.1:{free_port()}" for _ in range(2))
        etcd = self._run(
            "etcd",
            f"--data-dir={self.directory / 'etcd'}",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--unsafe-no-fsync",  # nothing is kept, and on a slow disk elections time out
            "--log-level=warn",
        )
        etcd.ready(lambda: http_json(f"{client}/health")["health"] == "true")
        return client

    def _start_apiserver(self, etcd_url: str, key: Path) -> None:
        tokens = self.directory / "tokens.csv"
        tokens.write_text(f"{self.token},admin,admin,system:masters\n", encoding="utf-8")
        apiserver = self._run(
            "kube-apiserver",
            f"--etcd-servers={etcd_url}",
            "--bind-address=127.0.0.1",
            f"--advertise-address={ADVERTISED}",
            f"--secure-port={self.port}",
            f"--cert-dir={self.ca.parent}",
            f"--token-auth-file={tokens}",
            "--authorization-mode=Node,RBAC",
            "--service-cluster-ip-range=10.96.0.0/16",
            f"--service-account-issuer={_ISSUER}",
            f"--service-account-key-file={key}",
            f"--service-account-signing-key-file={key}",
            "--allow-privileged=true",  # as in every distribution: Pod Security decides, per namespace
        )
        apiserver.ready(lambda: http_text(f"{self.url}/readyz", ca=self.ca, token=self.token) == "ok", within=60)

    def _run(self, name: str, *args: str, env: Mapping[str, str] | None = None) -> Process:
        process = Process([binary(name), *args], log=self.directory / f"{name}.log", env=env, cwd=self.directory)
        self.servers.append(self._exits.enter_context(process))
        return process

    def _wait(self, what: str, probe: Callable[[], object]) -> None:
        def probe_the_living() -> bool:
            for server in self.servers:
                server.check()
            return bool(probe())

        eventually(probe_the_living, 60, what)

    def _nodes_are_ready(self) -> bool:
        nodes = self.get("nodes")["items"]
        return len(nodes) == len(NODES) and all(_is_ready(node) and not node["spec"].get("taints") for node in nodes)

    def _write_kubeconfig(self) -> None:
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": str(self.ca)}}],
            "users": [{"name": "admin", "user": {"token": self.token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "admin"}}],
            "current-context": "test",
        }
        self.kubeconfig.touch(mode=0o600)
        self.kubeconfig.write_text(json.dumps(config), encoding="utf-8")


def _node(name: str, address: str) -> dict[str, Any]:
    room = {"cpu": "64", "memory": "256Gi", "pods": "250", "ephemeral-storage": "1Ti"}
    zone = name[-1]
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "annotations": {"kwok.x-k8s.io/node": "fake"},
            "labels": {
                "kubernetes.io/arch": "amd64",
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/region": "test",
                "topology.kubernetes.io/zone": zone,
            },
        },
        # kwok keeps these values, and adds the conditions of a healthy kubelet.
        "status": {
            "addresses": [{"type": "InternalIP", "address": address}, {"type": "Hostname", "address": name}],
            "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
            "capacity": room,
            "allocatable": room,
        },
    }


def _storage_class(name: str) -> dict[str, Any]:
    default = str(name == STORAGE_CLASS).lower()
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "annotations": {"storageclass.kubernetes.io/is-default-class": default}},
        "provisioner": "kubernetes.io/no-provisioner",
        "allowVolumeExpansion": True,
    }


def _volume(claim: Mapping[str, Any], directory: Path) -> dict[str, Any]:
    """A volume for one claim only. It may be applied again while the claim is pending."""
    metadata, spec = claim["metadata"], claim["spec"]
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{metadata['uid']}"},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": spec.get("volumeMode", "Filesystem"),
            "storageClassName": spec.get("storageClassName", ""),
            "persistentVolumeReclaimPolicy": "Retain",
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": metadata["namespace"],
                "name": metadata["name"],
            },
            "hostPath": {"path": str(directory / "volumes" / metadata["uid"])},  # never mounted: kwok starts nothing
        },
    }


def _free_volume(name: str, storage_class: str) -> dict[str, Any]:
    spec = {
        "capacity": {"storage": "2Ti"},  # more than any server of the stack requests
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": storage_class,
        "persistentVolumeReclaimPolicy": "Retain",
        "hostPath": {"path": f"/var/empty/{name}"},  # never mounted: kwok starts no containers
    }
    return {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}


def _is_pending(claim: Mapping[str, Any]) -> bool:
    return bool(claim["status"].get("phase") == "Pending")


def _is_ready(node: Mapping[str, Any]) -> bool:
    return any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in node["status"].get("conditions", [])
    )
