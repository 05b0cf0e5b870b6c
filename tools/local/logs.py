"""Loki and Promtail of a rendered stack on this machine, and what the tests of both ask them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tools import render
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, http_json, http_text
from tools.recorder import ROOT
from tools.servers.find import binary

LOKI_PORTS = {"http_listen_port": 3100, "grpc_listen_port": 9095, "bind_port": 7946}
SECOND = 10**9


def stack(folder: Path, name: str = "dev", **changes: Any) -> list[dict[str, Any]]:
    """The manifests of a stack file of the checkout, with some of its top-level keys replaced."""
    content = yaml.safe_load((ROOT / f"Pulumi.{name}.yaml").read_text())
    content["config"] |= {f"agent-observability:{key}": value for key, value in changes.items()}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"Pulumi.{name}.yaml"
    path.write_text(json.dumps(content))
    recorder, _ = render.render(name, path)
    return render.manifests(recorder)


def container(objects: Sequence[Mapping[str, Any]], workload: str) -> dict[str, Any]:
    """The one container of a workload."""
    (found,) = (
        made["spec"]["template"]["spec"]["containers"]
        for made in objects
        if made["metadata"]["name"] == workload and "template" in made.get("spec", {})
    )
    (only,) = found
    return dict(only)


def moved(text: str, folder: str, here: Path) -> str:
    """The text with every path below ``folder`` below ``here`` instead."""
    return re.sub(rf"(?<![\w./:-]){re.escape(folder)}(?=[/\s'\"]|$)", str(here), text)


@dataclass(frozen=True)
class Entry:
    """A line as Loki has it."""

    labels: tuple[tuple[str, str], ...]
    metadata: Mapping[str, str]
    time: int
    line: str


class Loki:
    """A rendered Loki below ``home``; the same ``home`` again is the same volume."""

    def __init__(
        self,
        objects: Sequence[dict[str, Any]],
        home: Path,
        *,
        everywhere: bool = False,
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.ports = {port: free_port() for port in LOKI_PORTS.values()}
        self.url = f"http://127.0.0.1:{self.ports[3100]}"
        rendered = container(objects, "loki")
        literal = {variable["name"]: variable["value"] for variable in rendered["env"] if "value" in variable}
        self._env = {**literal, "POD_IP": "127.0.0.1", **(env or {})}
        self._everywhere = everywhere
        self._args = rendered["args"]
        self._runs = 0
        home.mkdir(parents=True, exist_ok=True)
        for path, text in render.config_files(list(objects)).items():
            if path.startswith("loki/"):
                (home / "etc" / path).parent.mkdir(parents=True, exist_ok=True)
                (home / "etc" / path).write_text(self._here(text))

    def _here(self, text: str) -> str:
        text = moved(moved(text, "/etc/loki", self.home / "etc" / "loki"), "/loki", self.home / "data")
        for key, port in LOKI_PORTS.items():
            address = (
                "" if self._everywhere or key == "bind_port" else f"{key.replace('port', 'address')}: 127.0.0.1\n  "
            )
            text = re.sub(rf"\b{key}: {port}\b", f"{address}{key}: {self.ports[port]}", text)
        return text

    @property
    def args(self) -> list[str]:
        return [argument.replace("=/etc/", f"={self.home / 'etc'}/") for argument in self._args]

    def process(self) -> Process:
        self._runs += 1
        return Process([binary("loki"), *self.args], log=self.home / f"log-{self._runs}", env=self._env, cwd=self.home)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready; ended on the way out."""
        with self.process() as process:
            process.ready(self.is_ready, within=120)
            yield process

    def is_ready(self) -> bool:
        return http_text(f"{self.url}/ready").strip() == "ready"

    def push(
        self, labels: Mapping[str, str], lines: Sequence[tuple[int, str]], tenant: str | None = None, **metadata: str
    ) -> None:
        """Push lines with their times, in nanoseconds; returns when they are acknowledged."""
        values = [[str(at), line, *([metadata] if metadata else [])] for at, line in lines]
        headers = {"X-Scope-OrgID": tenant} if tenant else {}
        body = json.dumps({"streams": [{"stream": dict(labels), "values": values}]}).encode()
        headers["Content-Type"] = "application/json"
        http_text(f"{self.url}/loki/api/v1/push", body=body, headers=headers, timeout=30)

    def entries(self, query: str, *, tenant: str | None = None, since: float = 3600) -> list[Entry]:
        """Every line of a query, oldest first, in pages, as they are stored: twice if stored twice."""
        headers = {"X-Loki-Response-Encoding-Flags": "categorize-labels"}
        headers |= {"X-Scope-OrgID": tenant} if tenant else {}
        found: list[Entry] = []
        start, end = time.time_ns() - int(since * SECOND), time.time_ns() + 60 * SECOND
        while True:
            asked = _url(
                f"{self.url}/loki/api/v1/query_range",
                query=query,
                start=start,
                end=end,
                limit=5000,
                direction="forward",
            )
            streams = http_json(asked, headers=headers, timeout=60)["data"]["result"]
            page = sorted(
                (
                    Entry(tuple(sorted(stream["stream"].items())), _metadata(value), int(value[0]), value[1])
                    for stream in streams
                    for value in stream["values"]
                ),
                key=lambda entry: entry.time,
            )
            if len(page) < 5000:
                return found + page
            last = page[-1].time
            found += [entry for entry in page if entry.time < last]
            start = last

    def count(self, query: str, since: str = "1h", tenant: str | None = None) -> int:
        """How many lines a query has, as Loki counts them."""
        asked = _url(f"{self.url}/loki/api/v1/query", query=f"sum(count_over_time({query} [{since}]))")
        result = http_json(asked, headers={"X-Scope-OrgID": tenant} if tenant else None, timeout=60)["data"]["result"]
        return int(float(result[0]["value"][1])) if result else 0

    def series(self, matcher: str) -> list[dict[str, str]]:
        """The label sets of all streams that match."""
        asked = _url(f"{self.url}/loki/api/v1/series", **{"match[]": matcher})
        return list(http_json(asked)["data"])

    def metric(self, name: str) -> float:
        """Sum of one of its own metrics."""
        return metric(self.url, name)


def metric(url: str, name: str) -> float:
    """Sum over all series of a metric that a server has of itself."""
    return sum(
        float(line.rpartition(" ")[2])
        for line in http_text(f"{url}/metrics").splitlines()
        if re.match(rf"{re.escape(name)}[ {{]", line)
    )


def _metadata(value: Sequence[Any]) -> Mapping[str, str]:
    rest = value[2] if len(value) > 2 else {}
    return dict(rest.get("structuredMetadata", {}))


def _url(base: str, **parameters: object) -> str:
    return f"{base}?{urlencode(parameters)}"


class Promtail:
    """A rendered Promtail of one node below ``home``, its node's logs in ``home/pods``."""

    def __init__(
        self,
        objects: Sequence[dict[str, Any]],
        home: Path,
        cluster: ControlPlane,
        node: str,
        loki: str,
        token: str | None = None,
    ) -> None:
        """``loki`` is where that is, host:port; ``token`` the account to ask the API as, administrator when none."""
        self.home, self.node = home, node
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.pods = home / "pods"
        self._args = container(objects, "promtail")["args"]
        self._runs = 0
        (home / "positions").mkdir(parents=True, exist_ok=True)
        self.pods.mkdir(exist_ok=True)
        kubeconfig = home / "kubeconfig"
        content = json.loads(cluster.kubeconfig.read_text())
        if token:
            content["users"][0]["user"] = {"token": token}
        kubeconfig.write_text(json.dumps(content))
        text = render.config_files(list(objects))["promtail/config/promtail.yaml"]
        text = re.sub(r"\bloki\.[\w-]+\.svc:3100\b", loki, text)
        text = moved(moved(text, "/run/promtail", home / "positions"), "/var/log/pods", self.pods)
        text = text.replace(
            "http_listen_port: 9080", f"http_listen_address: 127.0.0.1\n  http_listen_port: {self.port}"
        )
        text = text.replace("  - role: pod\n", f"  - role: pod\n    kubeconfig_file: {kubeconfig}\n")
        self.config = home / "promtail.yaml"
        self.config.write_text(text)

    @property
    def args(self) -> list[str]:
        return [argument.replace("/etc/promtail/config/promtail.yaml", str(self.config)) for argument in self._args]

    @property
    def env(self) -> dict[str, str]:
        return {"HOSTNAME": self.node}

    def process(self) -> Process:
        self._runs += 1
        return Process(
            [binary("promtail"), *self.args], log=self.home / f"log-{self._runs}", env=self.env, cwd=self.home
        )

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and following a file; ended on the way out."""
        with self.process() as process:
            process.ready(self.is_ready, within=60)
            yield process

    def is_ready(self) -> bool:
        return http_text(f"{self.url}/ready").strip() == "Ready"

    def file(self, pod: Mapping[str, Any], container: str = "main") -> LogFile:
        """The log of a container of a pod, where the kubelet puts it."""
        return log_file(self.pods, pod, container)


@dataclass(frozen=True)
class LogFile:
    """A container's log, as containerd writes it."""

    path: Path

    def write(self, *lines: str, stream: str = "stderr", at: int | None = None, flag: str = "F") -> None:
        """Append lines; each has a time of its own, ``at`` (nanoseconds) or now."""
        now = at or time.time_ns()
        with self.path.open("a", encoding="utf-8") as log:
            log.writelines(f"{stamp(now + number)} {stream} {flag} {line}\n" for number, line in enumerate(lines))


def log_file(pods: Path, pod: Mapping[str, Any], container: str = "main") -> LogFile:
    """The log of a container of a pod below the folder ``pods``, where the kubelet puts it."""
    about = pod["metadata"]
    # A static pod's is named after its manifest.
    uid = about.get("annotations", {}).get("kubernetes.io/config.hash", about["uid"])
    folder = pods / f"{about['namespace']}_{about['name']}_{uid}" / container
    folder.mkdir(parents=True, exist_ok=True)
    return LogFile(folder / "0.log")


def stamp(at: int) -> str:
    """RFC 3339 with nanoseconds."""
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(at // SECOND))}.{at % SECOND:09d}Z"
