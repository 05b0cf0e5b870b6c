"""A server of a rendered stack on this machine.

Its arguments, environment and files are the rendered ones; only paths, addresses and ports are mapped. It runs below a
folder that replaces its container's root. Every volume is laid out there as the kubelet does it, from the rendered
manifests only. So a path without a mount does not exist here either.
"""

from __future__ import annotations

import json
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tools.local.account import Account
from tools.local.harness import Process, free_port, http_text
from tools.local.ipv6 import Place
from tools.local.pods import SERVICE_ACCOUNT, Pod
from tools.local.rendered import Rendered
from tools.servers.find import NotHad, binary, known

TOKEN = secrets.token_hex(16)
"""Part of every planted secret, except certificates, keys and URLs."""
_ON_LOOPBACK: Mapping[str, Sequence[str]] = {
    "grafana": ("cfg:server.http_addr=127.0.0.1",),
    "kube-state-metrics": ("--host=127.0.0.1", "--telemetry-host=127.0.0.1"),
    "loki": ("-server.http-listen-address=127.0.0.1", "-server.grpc-listen-address=127.0.0.1"),
    "promtail": ("-server.http-listen-address=127.0.0.1",),
}
"""Arguments of servers whose rendered configuration has no listening address, since they listen on all."""
IN_THE_IMAGE = "/usr/share/grafana"
"""Folder of Grafana's files in its image."""
_BINARIES = {"otel-agent": "otel-collector"}
"""Binaries with another name than the server."""


class LocalServer:
    """One pod of a server below ``home``. The same ``home`` has the same volumes."""

    def __init__(
        self,
        stack: Rendered,
        server: str,
        home: Path,
        account: Account | None = None,
        *,
        pod: str = "",
        node: str = "",
        host: Path = Path("/"),
        ports: Mapping[int, int] | None = None,
        addresses: Mapping[str, str] | None = None,
        alertmanagers: Sequence[str] = (),
        redirect: Mapping[str, str | Mapping[str, str] | None] | None = None,
        planted: Mapping[str, str] | None = None,
        everywhere: bool = False,
        faster: Sequence[str] = (),
        place: Place | None = None,
    ) -> None:
        """Lay out a pod named ``pod`` on ``node``, with ``ports`` in place of its own if others must know them.

        Nothing runs yet. ``account`` is its account for the Kubernetes API. ``host`` replaces the node's root.
        ``addresses`` (host:port to host:port) replace others in arguments and files, and ``alertmanagers`` replace
        their DNS name. ``redirect`` (job to host:port) is the address at which a job's discovered targets are scraped,
        or several by a label, such as ``service=api``; a value alone is of `instance`; None leaves the job out, for
        which nothing on this machine can answer. ``planted`` are secrets by file
        or variable, ``faster`` are arguments that replace or join others. It listens on loopback, or ``everywhere`` as
        rendered. A ``place`` has its own addresses and DNS: there, ports, listening addresses and names stay as
        rendered.
        """
        self.server, self.home, self.pod, self.node = server, home, pod or f"{server}-0", node
        self.entered: Sequence[str] = place.entered if place else ()
        """Command that runs it, such as one that enters a namespace."""
        self._place, self._host, self._planted = place, host, planted or {}
        self.rendered = Pod(stack, server)
        self._container = self.rendered.container
        self._addresses, self._alertmanagers, self._redirect = addresses or {}, alertmanagers, redirect or {}
        self._everywhere, self._faster = everywhere or place is not None, faster
        own = {port["containerPort"] for port in self._container["ports"]}
        self.ports = {port: port if place else (ports or {}).get(port) or free_port() for port in sorted(own)}
        """Port of the container to the port on this machine."""
        self._unnamed: dict[int, int] = {}
        """The same for ports that its container does not name."""
        self._mounts = list(self.rendered.mounts)
        self.kubeconfig = home / "kubeconfig"
        given = account.files(self.rendered.namespace) if account else {}
        for mount in self._mounts:
            here = self.path(mount.path)
            if mount.host is None or host != Path("/"):
                here.mkdir(parents=True, exist_ok=True)
            if mount.files:
                texts = {
                    file: self._secret(file, given, account) if text is None else self._text(text)
                    for file, text in mount.files.items()
                }
                self.put(mount.path, texts)
        home.mkdir(parents=True, exist_ok=True)
        if account:
            root = self.path(SERVICE_ACCOUNT)
            self.kubeconfig.write_text(account.kubeconfig(root / "ca.crt", root / "token"))

    def path(self, inside: str) -> Path:
        """The path on this machine of a path in the container."""
        for mount in self._mounts:
            if mount.host and Path(inside).is_relative_to(mount.path):
                return self._host / mount.host.lstrip("/") / Path(inside).relative_to(mount.path)
        return self.home / "root" / inside.lstrip("/")

    def put(self, mount: str, files: Mapping[str, str]) -> None:
        """Replace all files of a mount at once, as the kubelet does."""
        project(self.path(mount), files)

    def files(self, mount: str) -> dict[str, str]:
        """The mapped files of a mount."""
        return {path.name: path.read_text() for path in self.path(mount).iterdir() if not path.name.startswith("..")}

    @property
    def config(self) -> Path:
        """The configuration file that its arguments name, the first of several."""
        path, *_ = (
            found[1]
            for found in (re.fullmatch(r"--?config(?:\.file)?=(?:file:)?(.+)", arg) for arg in self.args)
            if found
        )
        return Path(path)

    @property
    def args(self) -> list[str]:
        """The rendered arguments, mapped."""
        args = [self._listening(self._mapped(argument)) for argument in self._container["args"]]
        if self.server == "kube-state-metrics":  # outside a cluster it needs the API server's address
            args += [f"--kubeconfig={self.kubeconfig}"]
        if self.server == "grafana":
            args = [each.replace(IN_THE_IMAGE, str(_grafana_folder())) for each in args]
        args += () if self._everywhere else _ON_LOOPBACK.get(self.server, ())
        replaced = {argument.partition("=")[0] for argument in self._faster}
        return [*(argument for argument in args if argument.partition("=")[0] not in replaced), *self._faster]

    @property
    def env(self) -> dict[str, str]:
        """The rendered variables, mapped, with the values that the kubelet would insert."""
        fields = {"metadata.name": self.pod, "status.podIP": self._ip, "spec.nodeName": self.node}
        made = {"KUBECONFIG": str(self.kubeconfig)}
        for variable in self._container["env"]:
            source = variable.get("valueFrom", {})
            if "fieldRef" in source:
                made[variable["name"]] = fields[source["fieldRef"]["fieldPath"]]
            else:
                value = self._mapped(variable.get("value", ""))
                made[variable["name"]] = value or self._planted.get(variable["name"], TOKEN)
        return made

    def process(self) -> Process:
        """The server, not started. Its log continues that of an earlier run."""
        program = binary(_BINARIES.get(self.server) or _without_instance(self.server))
        script = map(self._mapped, self._container.get("command", [])[1:])
        return Process(
            [*self.entered, program, *script, *self.args], log=self.home / "log", env=self.env, cwd=self.home
        )

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready; ended on exit."""
        with self.process() as process:
            process.ready(self.is_ready, within=120)  # as rendered, Loki waits a quarter of a minute
            yield process

    def is_ready(self) -> bool:
        """Whether all probes of the kubelet succeed; raises the error of a probe that fails."""
        return bool([http_text(url) for url in self.probes])

    @property
    def host(self) -> str:
        """The host in URLs."""
        return f"[{self._ip}]" if self._place else self._ip

    def address_of(self, port: int) -> str:
        """Host and port on this machine for a port of the container."""
        return f"{self.host}:{self.ports[port]}"

    @property
    def address(self) -> str:
        """Host and port for its main port."""
        return self.address_of(self._container["ports"][0]["containerPort"])

    def url_of(self, port: int, path: str = "") -> str:
        """URL by HTTP for a port of the container."""
        return f"http://{self.address_of(port)}{path}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def probes(self) -> set[str]:
        """URLs of all probes."""
        probes = [self._container[f"{kind}Probe"]["httpGet"] for kind in ("startup", "readiness", "liveness")]
        return {self.url_of(self._named[probe["port"]], probe["path"]) for probe in probes}

    def metric(self, name: str, **labels: str) -> float:
        """The sum of the series of one of its own metrics with these labels."""
        own = self.url_of(self._named["metrics"]) if "metrics" in self._named else self.url
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in http_text(f"{own}/metrics").splitlines()
            if line.startswith((f"{name} ", f"{name}{{")) and all(each in line for each in wanted)
        )

    @property
    def _named(self) -> dict[str, int]:
        return {port["name"]: port["containerPort"] for port in self._container["ports"]}

    @property
    def _ip(self) -> str:
        return self._place.address if self._place else "127.0.0.1"

    def _port(self, port: int) -> int:
        return self.ports.get(port) or (port and self._unnamed.setdefault(port, free_port()))

    def _listening(self, argument: str) -> str:
        """The argument with its port replaced, and its host unless it may listen everywhere."""
        flag, _, value = argument.partition("=")
        host, colon, port = value.rpartition(":")
        if self._place or not (flag.endswith(("-address", "port")) and port.isdigit()):
            return argument
        return f"{flag}={host if self._everywhere or not colon else '127.0.0.1'}{colon}{self._port(int(port))}"

    def _mapped(self, text: str) -> str:
        # Kubernetes expands the variables of a container like this.
        text = text.replace("$(POD_IP)", self._ip).replace("$(POD_NAME)", self.pod)
        for address, other in self._addresses.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(address)}(?!\d)", other, text)
        folders = {mount.path for mount in self._mounts}
        # The parent of mounts is a folder as well: /etc/loki/rules has one for each tenant.
        above = {str(each) for folder in folders if folder.startswith("/etc/") for each in Path(folder).parents[:-2]}
        for folder in sorted(folders | above, reverse=True):
            here = self.path(folder)
            # Only whole paths: /prometheus is the data folder, but the end of /etc/prometheus is not.
            text = re.sub(
                rf"(?<![\w./-]){re.escape(folder)}(/[\w./*-]*)?(?![\w.-])",
                lambda found, here=here: str(here / (found[1] or "").lstrip("/")),  # type: ignore[misc]  # mypy types no lambda with a default
                text,
            )
        return text

    def _text(self, text: str) -> str:
        return self._scraping(self._alerting(self._discovering(self._mapped(self._opening(text)))))

    def _opening(self, text: str) -> str:
        """A configuration file with other listening ports and addresses."""
        if self._place:
            return text
        own = "|".join(map(str, self.ports))
        text = re.sub(
            r"\b(endpoint: (?:0\.0\.0\.0|127\.0\.0\.1):|\w*(?:listen|bind)_port: |http_port = )(\d+)\b"
            rf"|\b(port: )({own})\b",
            lambda found: f"{found[1] or found[3]}{self._port(int(found[2] or found[4]))}",
            text,
        )
        return text if self._everywhere else re.sub(r"\b(endpoint|host): 0\.0\.0\.0\b", r"\1: 127.0.0.1", text)

    def _discovering(self, text: str) -> str:
        """Adds the API server's address to discovery, which it needs outside a pod."""
        text = text.replace("auth_type: serviceAccount", "auth_type: kubeConfig")  # of the variable KUBECONFIG
        return re.sub(
            r"(kubernetes_sd_configs:\n( *)- role: \w+\n)", rf"\1\2  kubeconfig_file: {self.kubeconfig}\n", text
        )

    def _alerting(self, text: str) -> str:
        """Replaces the DNS name of all Alertmanagers by their addresses."""
        block = r"- dns_sd_configs:\n( +- names:\n +- \S+\n +type: A+\n +port: \d+\n)+"
        static = f"- static_configs:\n    - targets: {json.dumps(list(self._alertmanagers))}\n"
        return text if self._place else re.sub(block, static, text)

    def _scraping(self, text: str) -> str:
        """Replaces the addresses of discovered targets, since pods of the simulated cluster have no network."""
        for job, address in self._redirect.items():
            if f"- job_name: {job}\n" in text:
                if address is None:
                    return "scrape_configs: []\n"
                each = {".*": address} if isinstance(address, str) else address
                steps = "".join(
                    f"  - source_labels: [{label or 'instance'}]\n    regex: {value}\n    target_label: __address__\n"
                    f"    replacement: {place}\n"
                    for (label, _, value), place in ((key.rpartition("="), place) for key, place in each.items())
                )
                text, count = re.subn(r"  - target_label: cluster\n", rf"{steps}\g<0>", text)
                assert count == 1, f"{job} has one place for a further step"
        return text

    def _secret(self, file: str, given: Mapping[str, str], account: Account | None) -> str:
        if found := self._planted.get(file) or given.get(file):
            return found
        if account and file.endswith(("-ca", "-cert")):
            return account.ca.read_text()
        if account and file.endswith("-key"):
            return account.ca.with_suffix(".key").read_text()
        return "http://127.0.0.1:1/" if file.endswith("-url") else TOKEN


def _grafana_folder() -> Path:
    """The same on this machine: above the binary's folder, or where packages put it."""
    packages = (Path(f"{root}/share/grafana") for root in ("/usr", "/usr/local", "/opt/homebrew"))
    folders = (binary("grafana").resolve().parents[1], *packages)
    found = next((folder for folder in folders if (folder / "conf" / "defaults.ini").is_file()), None)
    if found is None:
        raise NotHad("grafana", f"{binary('grafana')} is there, but not its `conf/defaults.ini`")
    return found


def _without_instance(server: str) -> str:
    """The program of a server, such as ``postgres-exporter`` of ``postgres-exporter-orders``."""
    return max((name for name in known() if f"{server}-".startswith(f"{name}-")), key=len, default=server)


def project(folder: Path, files: Mapping[str, str]) -> None:
    """Lay files out in ``folder`` as a projected volume: behind one symlink, ``..data``, swapped atomically."""
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
