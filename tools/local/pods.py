"""A rendered stack on this machine: its arguments and files, with paths, addresses and ports mapped and nothing else.

A server runs below a folder that stands for its container's root. Every volume is laid out there as the kubelet does
it, from the rendered manifests alone; so a path that no mount has does not exist here either.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port
from tools.local.ipv6 import Place
from tools.local.rendered import Manifest, Rendered, render_stack
from tools.servers.find import binary

SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN = secrets.token_hex(16)
"""What every planted secret holds that is no certificate, key or URL."""


def render_text(stack: str, folder: Path, text: str) -> Rendered:
    """Render the text of a stack file."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Pulumi.{stack}.yaml"
    path.write_text(text)
    return render_stack(stack, folder / "rendered", path)


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
        """Each pod has one."""
        (container,) = self.spec["containers"]
        return dict(container)

    @property
    def services(self) -> list[Manifest]:
        """Every Service that leads to these pods."""
        labels = self.workload["spec"]["template"]["metadata"]["labels"].items()
        return [
            made
            for made in self.stack.of_kind("Service")
            if made["metadata"]["namespace"] == self.namespace and made["spec"]["selector"].items() <= labels
        ]

    @property
    def mounts(self) -> Iterator[Mount]:
        """What the container sees besides its image."""
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
            # What a Secret of the stack holds is masked: its keys are known. Of another's not even those are.
            data = owner["data"] if kind == "configMap" else dict.fromkeys(owner["data"])
        items = named.get("items") or [{"key": key, "path": key} for key in data]
        return ((item["path"], data.get(item["key"])) for item in items if owner is None or item["key"] in data)


@dataclass(frozen=True)
class Mount:
    """A folder in a container."""

    path: str
    host: str | None
    """The folder of the node that it shows."""
    files: Mapping[str, str | None] = field(default_factory=dict)
    """Name to text; None is a secret."""
    writable: bool = False


def workloads(stack: Rendered) -> list[Manifest]:
    """Everything that has pods."""
    return stack.of_kind("StatefulSet", "Deployment", "DaemonSet")


def _is(made: Manifest, kind: str, name: str, namespace: str) -> bool:
    about = made["metadata"]
    return (made["kind"].lower(), about["name"], about.get("namespace")) == (kind.lower(), name, namespace)


@dataclass(frozen=True)
class Account:
    """Who asks the Kubernetes API, and where that is."""

    url: str
    ca: Path
    token: str

    @classmethod
    def admin(cls, cluster: ControlPlane) -> Account:
        return cls(cluster.url, cluster.ca, cluster.token)

    @classmethod
    def of(cls, cluster: ControlPlane, namespace: str, name: str) -> Account:
        """A service account of the applied stack, with no more rights than it was given."""
        return cls(cluster.url, cluster.ca, cluster.token_for(namespace, name))

    def kubeconfig(self, ca: Path, token: Path) -> str:
        return json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "test", "cluster": {"server": self.url, "certificate-authority": str(ca)}}],
                "users": [{"name": "account", "user": {"tokenFile": str(token)}}],
                "contexts": [{"name": "test", "context": {"cluster": "test", "user": "account"}}],
                "current-context": "test",
            }
        )


class Local:
    """One pod of a server: its files below ``home``, its arguments, and the ports that stand for its own."""

    def __init__(
        self,
        stack: Rendered,
        server: str,
        home: Path,
        account: Account,
        *,
        pod: str | None = None,
        ports: Mapping[int, int] | None = None,
        addresses: Mapping[str, str] | None = None,
        alertmanagers: Sequence[str] = (),
        redirect: Mapping[str, str] | None = None,
        planted: Mapping[str, str] | None = None,
        everywhere: bool = False,
        faster: Sequence[str] = (),
        place: Place | None = None,
    ) -> None:
        """Lay out a pod named ``pod``, with ``ports`` in place of its own when others must know them; nothing runs yet.

        ``addresses`` (host:port to host:port) take the place of others in arguments and files, ``alertmanagers`` that
        of their DNS name, ``redirect`` (job to host:port) is where a job's targets are scraped once they are
        discovered, ``planted`` are secrets by file name, ``faster`` are arguments that shorten a wait. It
        listens on loopback, or ``everywhere`` that it was rendered to. A ``place`` has addresses and DNS of its own:
        there, ports, listening addresses and names are as they were rendered.
        """
        self._place = place
        self.server, self.home = server, home
        self.pod = pod or f"{server}-0"
        rendered = Pod(stack, server)
        self._container = rendered.container
        self._addresses, self._alertmanagers, self._redirect = addresses or {}, alertmanagers, redirect or {}
        self._everywhere, self._faster = everywhere, faster
        own = {port["containerPort"] for port in self._container["ports"]}
        self.ports = {port: port if place else (ports or {}).get(port) or free_port() for port in sorted(own)}
        """Port of the container, to the one that takes its place."""
        self._mounts = list(rendered.mounts)
        self.kubeconfig = home / "kubeconfig"
        account_files = {"token": account.token, "ca.crt": account.ca.read_text(), "namespace": rendered.namespace}
        values = {**account_files, **(planted or {})}
        for mount in self._mounts:
            if mount.host is None:
                self.path(mount.path).mkdir(parents=True)
            if mount.files:
                texts = {
                    file: values.get(file, _secret(file, account)) if text is None else self._text(text)
                    for file, text in mount.files.items()
                }
                self.put(mount.path, texts)
        home.mkdir(parents=True, exist_ok=True)
        root = self.path(SERVICE_ACCOUNT)
        self.kubeconfig.write_text(account.kubeconfig(root / "ca.crt", root / "token"))

    def path(self, inside: str) -> Path:
        """Where something in the container lies here."""
        return self.home / "root" / inside.lstrip("/")

    def put(self, mount: str, files: Mapping[str, str]) -> None:
        """Replace the files of a mount, as the kubelet does it: all at once."""
        project(self.path(mount), files)

    def files(self, mount: str) -> dict[str, str]:
        """The files of a mount as they are here, mapped."""
        return {path.name: path.read_text() for path in self.path(mount).iterdir() if not path.name.startswith("..")}

    @property
    def args(self) -> list[str]:
        """The rendered arguments, mapped."""
        args = [self._listening(self._mapped(argument)) for argument in self._container["args"]]
        if self.server == "kube-state-metrics":  # outside of a cluster it is told where that is
            args += [f"--kubeconfig={self.kubeconfig}"]
            args += [] if self._everywhere else ["--host=127.0.0.1", "--telemetry-host=127.0.0.1"]
        replaced = {argument.partition("=")[0] for argument in self._faster}
        return [*(argument for argument in args if argument.partition("=")[0] not in replaced), *self._faster]

    def process(self) -> Process:
        """The server itself, not started."""
        env = {"POD_NAME": self.pod} if any(entry["name"] == "POD_NAME" for entry in self._container["env"]) else {}
        entered = self._place.entered if self._place else ()
        return Process([*entered, binary(self.server), *self.args], log=self.home / "log", env=env, cwd=self.home)

    @property
    def host(self) -> str:
        """As it stands in a URL."""
        return f"[{self._place.address}]" if self._place else "127.0.0.1"

    @property
    def address(self) -> str:
        """Of its main port."""
        return f"{self.host}:{self.ports[self._container['ports'][0]['containerPort']]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def probes(self) -> set[str]:
        """Every URL that the kubelet would ask."""
        ports = {port["name"]: port["containerPort"] for port in self._container["ports"]}
        probes = [self._container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        return {f"http://{self.host}:{self.ports[ports[probe['port']]]}{probe['path']}" for probe in probes}

    def _listening(self, argument: str) -> str:
        """The argument with its port replaced, and its host unless it may listen everywhere."""
        flag, _, value = argument.partition("=")
        host, colon, port = value.rpartition(":")
        if self._place or not (flag.endswith(("-address", "port")) and port.isdigit()):
            return argument
        here = self.ports.get(int(port)) or free_port()  # one that the container does not name is not known to anybody
        return f"{flag}={host if self._everywhere or not colon else '127.0.0.1'}{colon}{here}"

    def _mapped(self, text: str) -> str:
        own = self._place.address if self._place else "127.0.0.1"
        text = text.replace("$(POD_IP)", own)  # as Kubernetes expands the variables of a container
        for address, other in self._addresses.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(address)}(?!\d)", other, text)
        for mount in self._mounts:
            here = self.path(mount.path) if mount.host is None else Path(mount.host)
            # Only whole paths: /prometheus is the data folder, the end of /etc/prometheus is not.
            text = re.sub(
                rf"(?<![\w./-]){re.escape(mount.path)}(/[\w./*-]*)?(?![\w.-])",
                lambda found, here=here: str(here / (found[1] or "").lstrip("/")),  # type: ignore[misc]  # mypy types no lambda with a default
                text,
            )
        return text

    def _text(self, text: str) -> str:
        return self._scraping(self._alerting(self._discovering(self._mapped(text))))

    def _discovering(self, text: str) -> str:
        """Outside of a pod, discovery is told where the API server is."""
        return re.sub(
            r"(kubernetes_sd_configs:\n( *)- role: \w+\n)", rf"\1\2  kubeconfig_file: {self.kubeconfig}\n", text
        )

    def _alerting(self, text: str) -> str:
        """Where no DNS answers, the name of all Alertmanagers is replaced with the addresses given for it."""
        block = r"- dns_sd_configs:\n( +- names:\n +- \S+\n +type: A+\n +port: \d+\n)+"
        static = f"- static_configs:\n    - targets: {json.dumps(list(self._alertmanagers))}\n"
        return text if self._place else re.sub(block, static, text)

    def _scraping(self, text: str) -> str:
        """Pods of the simulated cluster have no network: what a job discovers is scraped where it runs here."""
        for job, address in self._redirect.items():
            if f"- job_name: {job}\n" in text:
                step = f"  - target_label: __address__\n    replacement: {address}\n"
                text, count = re.subn(r"  - target_label: cluster\n", rf"{step}\g<0>", text)
                assert count == 1, f"{job} has one place for a further step"
        return text


def _secret(file: str, account: Account) -> str:
    if file.endswith(("-ca", "-cert")):
        return account.ca.read_text()
    if file.endswith("-key"):
        return account.ca.with_suffix(".key").read_text()
    return "http://127.0.0.1:1/" if file.endswith("-url") else TOKEN


def project(folder: Path, files: Mapping[str, str]) -> None:
    """Lay files out in ``folder`` as a projected volume: behind one symlink, ``..data``, which is swapped at once."""
    folder.mkdir(parents=True, exist_ok=True)
    data = folder / "..data"
    old = data.resolve() if data.is_symlink() else None
    fresh = Path(tempfile.mkdtemp(prefix="..", dir=folder))
    for name, text in files.items():
        (fresh / name).write_text(text)
    swap = folder / "..data_tmp"
    swap.symlink_to(fresh.name)
    swap.replace(data)
    for name in files:
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(Path("..data") / name)
    for link in folder.iterdir():
        if link.is_symlink() and not link.exists():
            link.unlink()
    if old is not None:
        shutil.rmtree(old)
