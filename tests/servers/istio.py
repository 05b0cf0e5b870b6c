"""A real istiod before the suite's API server, and a proxy that is connected to it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from queue import SimpleQueue

import grpc  # type: ignore[import-untyped]  # Pulumi's, without types

from tests.servers.exposition import AS_PROMETHEUS
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, http_text
from tools.servers.find import binary

NAMESPACE = "istio-system"
PROXY_VERSION = "1.30.2"
_DEADLINE = 300
"""Seconds for which a proxy stays connected at most, and waits."""
_STREAM = "/envoy.service.discovery.v3.AggregatedDiscoveryService/StreamAggregatedResources"
_CLUSTERS = "type.googleapis.com/envoy.config.cluster.v3.Cluster"


class Istiod:
    """It reads the cluster's Services, and signs with an intermediate of a private root."""

    def __init__(self, plane: ControlPlane, home: Path) -> None:
        self._plane, self._home = plane, home
        self.address, self.grpc = (f"127.0.0.1:{free_port()}" for _ in range(2))
        """Of its metrics, and of its configuration for proxies."""

    @contextmanager
    def running(self) -> Iterator[None]:
        self._plane.namespace(NAMESPACE)
        certificates = self._home / "cacerts"
        certificates.mkdir(parents=True)
        _authority(certificates)
        arguments: dict[str, object] = {
            "kubeconfig": self._plane.kubeconfig,
            "namespace": NAMESPACE,
            "monitoringAddr": self.address,
            "grpcAddr": self.grpc,
            "httpAddr": f"127.0.0.1:{free_port()}",
            "httpsAddr": "",  # no webhooks
            "secureGRPCAddr": "",
            "ctrlz_port": 0,
        }
        flags = (f"--{name}={value}" for name, value in arguments.items())
        env = {"POD_NAME": "istiod-1", "POD_NAMESPACE": NAMESPACE, "ROOT_CA_DIR": str(certificates)}
        with Process(
            [binary("istiod"), "discovery", *flags], log=self._home / "istiod.log", env=env, cwd=self._home
        ) as process:
            process.ready(self.metrics, within=60)
            yield

    def metrics(self) -> str:
        return http_text(f"http://{self.address}/metrics", headers=AS_PROMETHEUS)

    @contextmanager
    def refusing_proxy(self) -> Iterator[None]:
        """A proxy that refuses its first configuration and takes the next, and one that speaks no protocol."""
        with grpc.insecure_channel(self.grpc) as channel:
            # Without serializers, messages are bytes: Envoy's types are in no package of the project.
            stream = channel.stream_stream(_STREAM)
            asks, other = SimpleQueue[bytes](), SimpleQueue[bytes]()
            asks.put(_field(2, _node()) + _field(4, _CLUSTERS))
            answers = stream(iter(asks.get, None), wait_for_ready=True, timeout=_DEADLINE)
            first = _fields(next(answers))
            refused = _field(2, b"refused")
            asks.put(_field(4, _CLUSTERS) + _field(5, first[5]) + _field(6, refused))
            other.put(b"\xff")
            broken = stream(iter(other.get, None), timeout=_DEADLINE)
            broken.code()
            # A change, which a proxy gets within a second.
            about = {"name": f"web-{self.grpc.rpartition(':')[2]}", "namespace": NAMESPACE}
            spec = {"ports": [{"name": "http", "port": 80}]}
            self._plane.apply({"apiVersion": "v1", "kind": "Service", "metadata": about, "spec": spec})
            second = _fields(next(answers))
            asks.put(_field(4, _CLUSTERS) + _field(1, second[1]) + _field(5, second[5]))
            yield
            answers.cancel()


def _node() -> bytes:
    metadata = _field(1, _field(1, "ISTIO_VERSION") + _field(2, _field(3, PROXY_VERSION)))
    return _field(1, "sidecar~10.0.0.1~web-1.shop~shop.svc.cluster.local") + _field(3, metadata)


def _field(number: int, value: bytes | str) -> bytes:
    """A field of a message of protobuf that has a length."""
    text = value.encode() if isinstance(value, str) else value
    size, length = b"", len(text)
    while length > 127:
        size, length = size + bytes([length % 128 + 128]), length // 128
    return bytes([number * 8 + 2]) + size + bytes([length]) + text


def _fields(message: bytes) -> dict[int, bytes]:
    """The last field of each number, of a message that only has fields with a length."""
    found, at = {}, 0
    while at < len(message):
        number, at = message[at] // 8, at + 1
        length, shift = 0, 0
        while message[at] > 127:
            length, shift, at = length + (message[at] - 128 << shift), shift + 7, at + 1
        length, at = length + (message[at] << shift), at + 1
        found[number], at = message[at : at + length], at + length
    return found


def _authority(folder: Path) -> None:
    """The files of the Secret ``cacerts``."""

    def made(name: str, *more: str) -> Path:
        file, key = folder / f"{name}-cert.pem", folder / f"{name}-key.pem"
        new = ("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}")
        is_ca = ("-addext", "keyUsage=critical,keyCertSign")
        files = ("-out", str(file), "-keyout", str(key))
        subprocess.run((*new, *is_ca, *files, *more), check=True, capture_output=True)
        return file

    root = made("root", "-days", "100")
    by_root = ("-CA", str(root), "-CAkey", str(folder / "root-key.pem"))
    chain = made("ca", "-days", "10", *by_root)
    (folder / "cert-chain.pem").write_bytes(chain.read_bytes())
