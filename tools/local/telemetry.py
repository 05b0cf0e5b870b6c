"""The collector of a rendered stack on this machine, with the stores that it sends to."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from tools import render
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, free_port, http_json, http_text
from tools.local.log_receiver import LogReceiver
from tools.local.logs import Loki, container, moved
from tools.local.pods import Account, Local, Pod
from tools.local.rendered import Manifest, Rendered
from tools.local.traces import Jaeger
from tools.servers.find import binary

NAME = "otel-collector"
Running = dict[str, Process]
"""By pod or server."""


class Collector:
    """A rendered collector below ``home``; the same ``home`` again is the same volume."""

    name, config_file = NAME, "collector.yaml"

    def __init__(
        self,
        objects: list[Manifest],
        home: Path,
        account: Account,
        addresses: Mapping[str, str] | None = None,
        *,
        everywhere: bool = False,
    ) -> None:
        """``addresses`` (host:port to host:port) are where the stores are."""
        self.home = home
        self.container = container(objects, self.name)
        self.ports = {port["containerPort"]: free_port() for port in self.container["ports"]}
        self.entered: Sequence[str] = ()
        """A command that it is run by, such as one that enters a namespace."""
        self._runs = 0
        text = render.config_files(objects)[f"{self.name}/config/{self.config_file}"]
        for address, here in (addresses or {}).items():
            assert address in text, f"{address} is not where it sends to"
            text = text.replace(address, here)
        text = re.sub(r"(0\.0\.0\.0:|port: )(\d+)", lambda m: f"{m[1]}{self.ports[int(m[2])]}", text)
        if not everywhere:
            text = text.replace("0.0.0.0", "127.0.0.1")  # noqa: S104  it is taken away
        # Outside of a pod, it is told where the API server is.
        text = text.replace("auth_type: serviceAccount", "auth_type: kubeConfig")
        home.mkdir(parents=True, exist_ok=True)
        self.config = home / self.config_file
        self.config.write_text(moved(text, f"/var/lib/{self.name}", home / "data"))
        (home / "data").mkdir(exist_ok=True)
        token, self._kubeconfig = home / "token", home / "kubeconfig"
        token.write_text(account.token)
        self._kubeconfig.write_text(account.kubeconfig(account.ca, token))

    @property
    def url(self) -> str:
        """Where it takes OTLP by HTTP."""
        return f"http://127.0.0.1:{self.ports[4318]}"

    @property
    def args(self) -> list[str]:
        path = f"/etc/{self.name}/config/{self.config_file}"
        return [arg.replace(path, str(self.config)) for arg in self.container["args"]]

    @property
    def env(self) -> dict[str, str]:
        given = {variable["name"]: variable["value"] for variable in self.container["env"] if "value" in variable}
        return {**given, "KUBECONFIG": str(self._kubeconfig)}

    def process(self) -> Process:
        self._runs += 1
        argv: list[str | Path] = [*self.entered, binary(NAME), *self.args]
        return Process(argv, log=self.home / f"log-{self._runs}", env=self.env)

    @contextmanager
    def running(self) -> Iterator[Process]:
        """Started and ready, as its probes see it; ended on the way out."""
        with self.process() as process:
            process.ready(self.is_ready, within=60)
            yield process

    def is_ready(self) -> bool:
        probes = [self.container[probe]["httpGet"] for probe in ("livenessProbe", "readinessProbe")]
        ports = {port["name"]: port["containerPort"] for port in self.container["ports"]}
        return all(http_text(f"http://127.0.0.1:{self.ports[ports[probe['port']]]}{probe['path']}") for probe in probes)

    def metric(self, name: str, **labels: str) -> float:
        """Sum over the series of one of its own metrics that have these labels."""
        lines = http_text(f"http://127.0.0.1:{self.ports[8888]}/metrics").splitlines()
        wanted = [f'{label}="{value}"' for label, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if re.match(rf"{re.escape(name)}[ {{]", line) and all(each in line for each in wanted)
        )


class Platform:
    """The collector and every store behind it, none of them started."""

    def __init__(self, stack: Rendered, home: Path, cluster: ControlPlane, loki: Loki | LogReceiver) -> None:
        """``loki`` is what takes the logs."""
        objects, admin = stack.objects, Account.admin(cluster)
        namespace = Pod(stack, NAME).namespace
        self.running: Running = {}
        self.loki = loki
        self.jaeger = Jaeger(home / "jaeger", {**render.config_files(objects), "objects": objects})
        self.prometheus = [
            Local(stack, "prometheus", home / f"prometheus-{ordinal}", admin, pod=f"prometheus-{ordinal}")
            for ordinal in range(Pod(stack, "prometheus").workload["spec"]["replicas"])
        ]
        self._make = partial(
            Collector,
            objects,
            account=account(objects, cluster),
            addresses={
                f"loki.{namespace}.svc:3100": self.loki.url.removeprefix("http://"),
                f"jaeger.{namespace}.svc:4317": f"127.0.0.1:{self.jaeger.ports[4317]}",
                **{
                    f"{server.pod}.prometheus-headless.{namespace}.svc:9090": server.address
                    for server in self.prometheus
                },
            },
        )
        self.collector = self.another(home / "collector")

    def another(self, home: Path) -> Collector:
        """A further collector on a volume of its own, before the same stores."""
        return self._make(home=home)

    @contextmanager
    def started(self) -> Iterator[None]:
        """All of it, ready; ended on the way out."""
        with ExitStack() as exits:
            running = {server.pod: exits.enter_context(server.process()) for server in self.prometheus}
            running["loki"] = exits.enter_context(self.loki.process())
            running["jaeger"] = exits.enter_context(self.jaeger.running())
            running[NAME] = exits.enter_context(self.collector.running())
            self.running = running
            for server in self.prometheus:
                running[server.pod].ready(partial(http_text, f"{server.url}/-/ready"))
            running["loki"].ready(self.loki.is_ready, within=120)
            yield

    def trace(self, trace: bytes) -> dict[str, Any] | None:
        """A trace as Jaeger's API gives it, None when it has no such trace."""
        answer = http_json(self.jaeger.url(16686, f"/api/traces/{trace.hex()}"), timeout=30)
        return dict(answer["data"][0]) if answer["data"] else None

    def spans(self, service: str) -> list[str]:
        """The ids of all spans of a service, each as often as it is stored."""
        return [span for spans in self.jaeger.stored(service).values() for span in spans]


def account(objects: list[Manifest], cluster: ControlPlane, name: str = NAME) -> Account:
    """The service account of a collector, with what the stack grants it and no more."""
    (owner,) = (made for made in objects if (made["kind"], made["metadata"]["name"]) == ("ServiceAccount", name))
    namespace = owner["metadata"]["namespace"]
    cluster.namespace(namespace)
    granted = [
        made
        for made in objects
        if made["kind"] in ("ClusterRole", "ClusterRoleBinding")
        and made["metadata"]["name"] == f"agent-observability-{name}"
    ]
    assert len(granted) == 2, "a role and its binding"
    cluster.apply(owner, *granted)
    return Account.of(cluster, namespace, name)
