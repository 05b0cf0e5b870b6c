"""Every metric that a rule or a panel may ask for is one that the real program exposes: its name, kind and labels."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from components.otel_collector.config import GIVE_UP
from components.otel_collector.parts import LONGEST_PAUSE
from components.prometheus.config import OUT_OF_ORDER_WINDOW
from model.metrics import Metric
from rules.agents.settings import EXAMPLE
from rules.nodes.scrape import NODE_EXPORTER
from tests.catalogue import EVERYTHING, whole
from tests.servers.exposition import EXPOSED_BY, Exposition, difference, exposition, names, scraped, settled
from tests.servers.istio import Istiod
from tests.servers.keeping import ASKED, KEPT, SHARE, asks, record
from tests.servers.kubernetes_metrics import cadvisor, documented
from tests.servers.machine import machine
from tests.servers.reported import CONTAINER, NAMESPACE, STATUSES, made, objects
from tests.servers.traces import AGENT, PLATFORM, REQUEST, SAMPLING, STORAGES, traces
from tests.servers.traces import stack as trace_stack
from tools.kept import exposed
from tools.local import otlp
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text
from tools.local.logs import LogReader, Loki
from tools.local.otlp import Counter, Log, Span
from tools.local.rendered import Rendered, changed
from tools.local.server import LocalServer
from tools.local.telemetry import Collector
from tools.local.traces import Jaeger
from tools.servers.find import binary

METRICS = whole().metrics
SLOWLY = 60.0
"""Seconds within which a program has shown everything that it was provoked to."""


def of(*jobs: str) -> list[Metric]:
    return [metric for metric in METRICS if metric.job in jobs]


@pytest.mark.parametrize(
    "metric",
    [metric for metric in METRICS if metric.job in EXPOSED_BY],
    ids=lambda metric: f"{metric.job}: {metric.name}",
)
def test_a_metric_is_what_its_exporter_exposes(metric: Metric, request: pytest.FixtureRequest) -> None:
    wrong = difference(metric, request.getfixturevalue(EXPOSED_BY[metric.job]))
    assert not wrong, wrong


def test_of_cadvisors_metrics_only_those_are_known_that_the_kubelet_asks_for() -> None:
    assert "container_memory_failcnt" in cadvisor()
    assert "container_hugetlb_failcnt" not in cadvisor(), "another set of cAdvisor's, which the kubelet leaves out"


# --- what is kept of it ---


@pytest.mark.parametrize("job", sorted(SHARE))
def test_a_job_keeps_a_small_part_of_the_series_that_it_is_offered(job: str, request: pytest.FixtureRequest) -> None:
    offered: Exposition = request.getfixturevalue(EXPOSED_BY[job])
    series = {name: count for family in offered.values() for name, count in family.series.items()}
    kept = sum(count for name, count in series.items() if name in KEPT[job])
    print(f"{job}: keeps {kept:,} of {sum(series.values()):,} series")
    assert 0 < kept <= SHARE[job] * sum(series.values())


@pytest.mark.parametrize("job", sorted(KEPT))
def test_nothing_is_asked_that_a_job_exposes_and_drops(job: str, request: pytest.FixtureRequest) -> None:
    """As a metric of many programs, which the catalogue knows of some of them only."""
    dropped = names(request.getfixturevalue(EXPOSED_BY[job])) - KEPT[job]
    assert [expr for expr in ASKED if asks(expr, job, dropped)] == []


@pytest.mark.parametrize("job", sorted(KEPT))
def test_what_a_job_exposes_is_recorded(job: str, request: pytest.FixtureRequest) -> None:
    """For `make render`, which names what is not kept of it."""
    found = names(request.getfixturevalue(EXPOSED_BY[job]))
    if os.environ.get("WRITE"):
        record(job, found)
    new = sorted(found - exposed().get(job, frozenset()))
    # Some depend on the machine, on what has happened and on the version that could be had.
    assert len(new) <= len(found) / 10, f"WRITE=1 records them: {', '.join(new)}"


# --- Kubernetes ---


@pytest.fixture(scope="module")
def api_server(control_plane: ControlPlane) -> Exposition:
    """What it exposes, and by its own list what it has not had reason to: errors, rejections."""
    listed = documented("kube-apiserver")

    def both() -> Exposition:
        text = http_text(f"{control_plane.url}/metrics", ca=control_plane.ca, token=control_plane.token)
        return {**listed, **exposition(text)}

    return settled(both, of("apiservers"), SLOWLY)


@pytest.fixture(scope="module")
def kubelet(api_server: Exposition) -> Exposition:
    """By Kubernetes' list; what every Kubernetes program says of its process, as the API server says it."""
    of_processes = {name: family for name, family in api_server.items() if name.startswith(("process_", "go_"))}
    return {**of_processes, **documented("kubelet")}


@pytest.fixture(scope="module")
def containers() -> Exposition:
    return cadvisor()


@pytest.fixture(scope="module")
def kube_state_metrics_server(dev: Rendered, control_plane: ControlPlane, home: Path) -> Iterator[LocalServer]:
    local = LocalServer(dev, "kube-state-metrics", home / "kube-state-metrics", Account.admin(control_plane))
    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/livez"))
        yield local


@pytest.fixture(scope="module")
def kube_state_metrics(kube_state_metrics_server: LocalServer, control_plane: ControlPlane) -> Exposition:
    """With an object of every kind, since labels are seen on series only."""
    control_plane.namespace(NAMESPACE)
    control_plane.apply(*objects())

    def running() -> bool:
        control_plane.bind_claims()
        pod = control_plane.get("pod", "alone", f"--namespace={NAMESPACE}")
        return bool(pod["status"]["phase"] == "Running")

    eventually(running, SLOWLY, "the pod runs")
    control_plane.kubectl("taint", "node", "node-a", "example.com/kind=one:PreferNoSchedule", "--overwrite")
    control_plane.kubectl("label", "node", "node-a", "example.com/nodeType=machine", "--overwrite")
    control_plane.kubectl("delete", "pod", "going", f"--namespace={NAMESPACE}", "--wait=false")
    for name, status in STATUSES.items():
        patch = ["patch", name, f"--namespace={NAMESPACE}", "--subresource=status", "--type=merge"]
        control_plane.kubectl(*patch, f"--patch={json.dumps({'status': status})}")
    return scraped(f"{kube_state_metrics_server.url}/metrics", wanted=of("kube-state-metrics"))


@pytest.fixture(scope="module")
def kube_state_metrics_itself(kube_state_metrics_server: LocalServer) -> Exposition:
    url = f"http://127.0.0.1:{kube_state_metrics_server.ports[8081]}/metrics"
    return scraped(url, wanted=of("kube-state-metrics-telemetry"))


# --- the mesh ---


@pytest.fixture(scope="module")
def istiod(control_plane: ControlPlane, home: Path) -> Iterator[Exposition]:
    """With a proxy that has refused its configuration, since counters begin at their first event."""
    server = Istiod(control_plane, home / "istiod")
    with server.running(), server.refusing_proxy():
        yield scraped(f"http://{server.address}/metrics", wanted=of("istiod"))


# --- the nodes ---


@pytest.fixture(scope="module")
def node_exporter(dev: Rendered, control_plane: ControlPlane, home: Path) -> Exposition:
    """On a machine with an array of disks, a memory controller, a bond and ZFS, which this one may not have."""
    local = LocalServer(dev, NODE_EXPORTER, home / NODE_EXPORTER, Account.admin(control_plane))
    proc, sys = machine(home / "machine")
    elsewhere = {"--path.procfs": proc, "--path.sysfs": sys}
    args = [arg for arg in local.args if arg.partition("=")[0] not in elsewhere]
    args += [f"{flag}={path}" for flag, path in elsewhere.items()]
    with Process([binary(NODE_EXPORTER), *args], log=home / "node-exporter.log") as process:
        process.ready(lambda: http_text(local.url))
        return scraped(f"{local.url}/metrics", wanted=of(NODE_EXPORTER))


# --- the stack's own servers ---


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exposition")


@pytest.fixture(scope="module")
def dev(home: Path) -> Rendered:
    """The stack `dev`, faster, with two Alertmanagers that tell somebody, and a store and a list of targets elsewhere,
    of which none answers.
    """
    receiver = {"name": "somebody", "webhook": {"urlSecret": {"name": "somebody", "key": "somebody-url"}}}
    changes = {
        "cluster": {"virtualNodes": EVERYTHING["cluster"]["virtualNodes"]},
        "alertmanager": {"replicas": 2},
        "notifications": {"receivers": [receiver], "routes": [{"receiver": "somebody"}]},
        "prometheus": {
            "scrapeInterval": "2s",
            "evaluationInterval": "2s",
            "remoteWrite": [{"name": "elsewhere", "url": "http://127.0.0.1:1/"}],
            "scrapeJobs": [{"name": "listed", "http": {"url": "http://127.0.0.1:1/", "ports": [1]}}],
        },
    }
    return changed(home / "stack", changes=changes)


@pytest.fixture(scope="module")
def alerting(dev: Rendered, control_plane: ControlPlane, home: Path) -> Iterator[tuple[LocalServer, LocalServer]]:
    """A Prometheus, and the Alertmanager that it sends to, whose peer is away."""
    account, gossip = Account.admin(control_plane), free_port()
    peers = {
        dev.address(f"alertmanager-{number}.alertmanager-headless", 9094): f"127.0.0.1:{port}"
        for number, port in enumerate((gossip, free_port()))
    }
    alertmanager = LocalServer(
        dev, "alertmanager", home / "alertmanager", account, ports={9094: gossip}, addresses=peers
    )
    prometheus = LocalServer(dev, "prometheus", home / "prometheus", account, alertmanagers=[alertmanager.address])
    with alertmanager.process(), prometheus.process() as process:
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        yield prometheus, alertmanager
        process.kill()  # it would wait a minute for the store that is away


@pytest.fixture(scope="module")
def prometheus(alerting: tuple[LocalServer, LocalServer]) -> Exposition:
    return scraped(f"{alerting[0].url}/metrics", wanted=of("prometheus"), within=SLOWLY)


@pytest.fixture(scope="module")
def alertmanager(alerting: tuple[LocalServer, LocalServer]) -> Exposition:
    return scraped(f"{alerting[1].url}/metrics", wanted=of("alertmanager"), within=SLOWLY)


@pytest.fixture(scope="module")
def probing(dev: Rendered, control_plane: ControlPlane, home: Path) -> Iterator[LocalServer]:
    """A blackbox exporter that trusts the API server's certificate."""
    local = LocalServer(dev, "blackbox-exporter", home / "blackbox-exporter", Account.admin(control_plane))
    trust = {"SSL_CERT_FILE": str(control_plane.ca)}
    with Process([binary("blackbox-exporter"), *local.args], log=home / "blackbox.log", env=trust) as process:
        process.ready(lambda: http_text(f"{local.url}/-/healthy"))
        yield local


@pytest.fixture(scope="module")
def blackbox_exporter(probing: LocalServer) -> Exposition:
    return scraped(f"{probing.url}/metrics", wanted=of("blackbox-exporter"))


@pytest.fixture(scope="module")
def probes(probing: LocalServer, control_plane: ControlPlane) -> Exposition:
    return scraped(f"{probing.url}/probe?module=http&target={control_plane.url}/livez", wanted=of("probes"))


@pytest.fixture(scope="module")
def logging(control_plane: ControlPlane, home: Path) -> Iterator[tuple[Loki, LogReader]]:
    """A Loki that computes a metric, and a Promtail that reads the log of a pod."""
    rule = {"record": "app:log_lines:rate1m", "expr": 'sum by (app) (rate({app=~".+"}[1m]))'}
    stack = changed(home / "logs", changes={"loki": {"ruler": {"interval": "10s", "rules": [rule]}}})
    loki = Loki(stack, home / "loki")
    account = Account.granted(control_plane, stack, "promtail")
    here = {stack.address("loki", 3100): loki.address}
    agent = LogReader(stack, "promtail", home / "node", account, "node-a", addresses=here)
    control_plane.namespace(NAMESPACE)
    control_plane.apply(made("v1", "Pod", "talking", {"nodeName": "node-a", "containers": [CONTAINER]}))
    agent.file(control_plane.get("pod", "talking", f"--namespace={NAMESPACE}")).write("hello")
    with loki.running() as process, agent.running():
        eventually(lambda: loki.count('{app=~".+"}'), SLOWLY, "a line arrives")
        with pytest.raises(OSError, match="400"):
            loki.push({"app": "late"}, [(1, "older than Loki takes")])
        yield loki, agent
        process.kill()  # it would wait for the Prometheus that is away


@pytest.fixture(scope="module")
def loki_itself(logging: tuple[Loki, LogReader]) -> Exposition:
    return scraped(f"{logging[0].url}/metrics", wanted=of("loki"), within=SLOWLY)


@pytest.fixture(scope="module")
def promtail(logging: tuple[Loki, LogReader]) -> Exposition:
    return scraped(f"{logging[1].url}/metrics", wanted=of("promtail"), within=SLOWLY)


@pytest.fixture(scope="module")
def agent_itself(control_plane: ControlPlane, home: Path) -> Exposition:
    """With a line for a collector that is away, which it gives up soon."""
    stack = changed(home / "agents", changes={"logs": {"collector": "otel"}})
    account = Account.granted(control_plane, stack, "otel-agent")
    away = {stack.address("otel-collector", 4319): "127.0.0.1:1"}
    agent = LogReader(stack, "otel-agent", home / "agents" / "node", account, "node-a", addresses=away)
    soon = f"max_interval: {LONGEST_PAUSE}\n      max_elapsed_time: "
    text = agent.config.read_text()
    agent.config.write_text(text.replace(f"{soon}0s", f"{soon}{LONGEST_PAUSE}"))
    control_plane.namespace(NAMESPACE)
    control_plane.apply(made("v1", "Pod", "talking", {"nodeName": "node-a", "containers": [CONTAINER]}))
    agent.file(control_plane.get("pod", "talking", f"--namespace={NAMESPACE}")).write("hello")
    with agent.running():
        return scraped(agent.url_of(8888, "/metrics"), wanted=of("otel-agent"), within=SLOWLY)


@pytest.fixture(scope="module")
def tracing(home: Path) -> Iterator[Jaeger]:
    """A Jaeger that samples, and has been sent what agents send."""
    counted_by = {name: each.attribute for name, each in EXAMPLE.attribution.items()}
    attribution = {name: {"attribute": attribute} for name, attribute in counted_by.items()}
    agents = {"monitoring": {}, "agents": {"attribution": attribution}}
    stack = trace_stack(home / "traces", agents, storage=STORAGES["badger"], sampling=SAMPLING)
    jaeger = Jaeger(stack, home / "jaeger")
    with jaeger.running():
        many = traces(100, 1, attributes=AGENT | PLATFORM | REQUEST)  # of which it keeps one in ten
        jaeger.send(*many)
        # More values than are counted each on its own.
        for number in range(150):
            values = dict.fromkeys(counted_by.values(), f"v-{number}")
            chat = {"gen_ai.operation.name": "chat", "k8s.namespace.name": "shop", **values}
            jaeger.send(*traces(1, number + 2, attributes=chat))
        jaeger.found(many[0])
        yield jaeger


@pytest.fixture(scope="module")
def jaeger_itself(tracing: Jaeger) -> Exposition:
    return scraped(tracing.url_of(8888, "/metrics"), wanted=of("jaeger"), within=SLOWLY)


@pytest.fixture(scope="module")
def span_metrics(tracing: Jaeger) -> Exposition:
    return scraped(tracing.url_of(8889, "/metrics"), wanted=of("jaeger-span-metrics"), within=SLOWLY)


@pytest.fixture(scope="module")
def collector_itself(dev: Rendered, control_plane: ControlPlane, home: Path) -> Exposition:
    """With something of each signal for stores that are away, which it gives up soon."""
    stores = {"prometheus-0.prometheus-headless": 9090, "loki": 3100, "jaeger": 4317}
    away = dict.fromkeys((dev.address(name, port) for name, port in stores.items()), "127.0.0.1:1")
    soon = dict.fromkeys((GIVE_UP, str(OUT_OF_ORDER_WINDOW)), LONGEST_PAUSE)
    collector = Collector(dev, home / "otel-collector", Account.admin(control_plane), addresses=away | soon)
    sender = {"service.name": "sender"}
    with collector.running():
        otlp.send(collector.url, otlp.traces(sender, Span(bytes([1] * 16), bytes([1] * 8))))
        otlp.send(collector.url, otlp.logs(sender, Log("hello", time.time_ns())))
        otlp.send(collector.url, otlp.metrics(sender, Counter("calls", 1)))
        return scraped(collector.url_of(8888, "/metrics"), wanted=of("otel-collector"), within=SLOWLY)
