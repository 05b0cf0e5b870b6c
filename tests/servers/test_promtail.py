"""Promtail sends what the pods of its node print, once, with the labels that it is found by."""

from __future__ import annotations

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from components.logs import LABELS
from components.promtail import config
from tests.planted import BY_KEY, KEPT, PLANTED, SAID, SECRET_PARTS
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.logs import LogFile, Loki, Promtail, metric, stack
from tools.servers.build import binary

NODE, OTHER_NODE = "node-a", "node-b"
TRACE, OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", "5cf92f3577b34da6a3ce929d0e0e4737"
DROP = [
    {"namespace": "promtail-ignored"},
    {"namespace": "promtail", "app": "noisy"},
    {"app": "web", "levels": ["debug", "trace"]},
    {"line": "GET /(healthz|ready\\$)( |$)"},
]
JAVA = """\
2026-11-20 12:00:00,000 ERROR [main] com.shop.Order - cannot pay
java.lang.IllegalStateException: card declined
\tat com.shop.Order.pay(Order.java:42)
\tat com.shop.Order.main(Order.java:7)
Caused by: java.net.SocketTimeoutException: Read timed out
\t... 12 more"""
PYTHON = """\
ERROR:shop:cannot pay
Traceback (most recent call last):
  File "/app/shop.py", line 42, in pay
    charge(card)
shop.errors.DeclinedError: card declined"""
GO = """\
panic: card declined

goroutine 1 [running]:
main.pay(0xc000012345)
\t/app/main.go:42 +0x1d
created by main.main in goroutine 1
\t/app/main.go:7 +0x2a"""


@pytest.fixture(scope="module")
def objects(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    return stack(tmp_path_factory.mktemp("stack"), promtail={"drop": DROP})


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    for namespace in ("promtail", "promtail-ignored"):
        control_plane.namespace(namespace)
    return control_plane


def pod(
    cluster: ControlPlane, name: str, *, node: str = NODE, namespace: str = "promtail", **labels: str
) -> dict[str, Any]:
    """A pod on a node of the simulated cluster, as the API knows it."""
    about: dict[str, Any] = {"name": name, "namespace": namespace, "labels": labels}
    ports = [{"name": "http", "containerPort": 8080}, {"name": "metrics", "containerPort": 9090}]
    spec = {"nodeName": node, "containers": [{"name": "main", "image": "registry.example/main:1", "ports": ports}]}
    cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": spec})
    return dict(cluster.get("pod", name, f"--namespace={namespace}"))


def deployed(cluster: ControlPlane, name: str) -> dict[str, Any]:
    """The pod of a Deployment that says nothing of its app."""
    labels = {"team": name}
    spec = {"nodeName": NODE, "containers": [{"name": "main", "image": "registry.example/main:1"}]}
    template = {"metadata": {"labels": labels}, "spec": spec}
    cluster.apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "namespace": "promtail"},
            "spec": {"selector": {"matchLabels": labels}, "template": template},
        }
    )
    return dict(
        eventually(
            lambda: cluster.get("pods", "--namespace=promtail", f"--selector=team={name}")["items"], 20, "its pod"
        )[0]
    )


def web(app: str) -> dict[str, str]:
    return {"app.kubernetes.io/name": app}


@pytest.mark.parametrize("name", ["dev", "prod", "dropping"])
def test_promtail_accepts_what_was_rendered(
    name: str, objects: list[dict[str, Any]], cluster: ControlPlane, tmp_path: Path
) -> None:
    rendered = objects if name == "dropping" else stack(tmp_path, name)
    agent = Promtail(rendered, tmp_path / "home", cluster, NODE, "127.0.0.1:1")

    argv = [str(binary("promtail")), *agent.args, "-check-syntax"]
    done = subprocess.run(argv, env=agent.env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def collected(
    objects: list[dict[str, Any]], cluster: ControlPlane, loki: Loki, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Loki]:
    """Loki, after a Promtail has read what pods of all kinds had printed."""
    agent = Promtail(objects, tmp_path_factory.mktemp("node"), cluster, NODE, loki.url.removeprefix("http://"))
    first = agent.file(pod(cluster, "web-1", **web("web")))
    first.write(
        json.dumps(
            {"level": "ERROR", "msg": "declined", "logger": "shop.pay", "trace_id": TRACE, "spanId": "00f067aa0ba902b7"}
        ),
        json.dumps({"severity": "warning", "msg": "slow"}),
        json.dumps({"level": 30, "msg": "by pino"}),
        json.dumps({"level": "debug", "msg": "dropped by level"}),
        json.dumps({"level": "chatty", "msg": "no such level"}),
    )
    first.write(
        "level=warn logger=shop.db msg=retry trace_id=" + TRACE,
        "[INFO] GET /healthz 200",
        "GET /ready$ 200",
        "GET /readyz 200",
    )
    first.write("plain text", "E1120 12:00:00.000000 1 main.go:7] klog", stream="stdout")
    traces = agent.file(pod(cluster, "traces-1", **web("traces")))
    for trace in (JAVA, PYTHON, GO):
        traces.write(*trace.split("\n"))
    traces.write("after")
    partial = agent.file(pod(cluster, "partial-1", **web("partial")))
    partial.write("x" * 1000, flag="P")
    partial.write("y" * 1000)
    partial.write("next")
    careless = agent.file(pod(cluster, "careless", **web("careless")))
    careless.write(*(f"text {secret} end" for secret in PLANTED.values()))
    careless.write(json.dumps({"level": "warn", "trace_id": OTHER_TRACE, **BY_KEY, **KEPT}))
    agent.file(deployed(cluster, "orders")).write("made by a Deployment")
    agent.file(pod(cluster, "labelled", app="by-label")).write("named by its label")
    agent.file(pod(cluster, "alone")).write("named after its pod")
    agent.file(pod(cluster, "noisy-1", **web("noisy"))).write("dropped by app")
    agent.file(pod(cluster, "ignored", namespace="promtail-ignored", **web("web"))).write("dropped by namespace")
    agent.file(pod(cluster, "elsewhere", node=OTHER_NODE, **web("elsewhere"))).write("another node's")
    with agent.running():
        eventually(lambda: loki.count('{app="alone"}') and loki.count('{app="web"}') >= 8, 30, "lines arrive")
        eventually(lambda: loki.count('{app="careless"}') > len(PLANTED), 30, "lines arrive")
        eventually(lambda: loki.count('{app="partial"}') >= 2 and loki.count('{app="traces"}') >= 4, 30, "lines arrive")
        yield loki


def lines(loki: Loki, app: str, level: str = "") -> list[str]:
    matcher = f', level="{level}"' if level else ""
    return [entry.line for entry in loki.entries(f'{{namespace=~"promtail.*", app="{app}"{matcher}}}')]


def test_labels_are_few(collected: Loki) -> None:
    streams = collected.series('{namespace="promtail"}')

    assert {label for stream in streams for label in stream} == set(LABELS)
    assert {stream["cluster"] for stream in streams} == {"dev-1"}
    assert {stream["container"] for stream in streams} == {"main"}
    assert {stream["app"] for stream in streams} >= {"web", "traces", "orders", "by-label", "alone"}


def test_levels_have_one_spelling_whatever_wrote_them(collected: Loki) -> None:
    found = {stream.get("level", "") for stream in collected.series('{namespace="promtail", app="web"}')}

    assert found == {"error", "warn", "info", ""}, "what is no level is no label"
    assert len(lines(collected, "web", "error")) == 2, "JSON and klog"
    assert len(lines(collected, "web", "warn")) == 2, "JSON and logfmt"
    assert len(lines(collected, "web", "info")) == 1, "pino's number; the health check is dropped"


def test_a_line_is_found_by_the_trace_id_in_its_json(collected: Loki) -> None:
    found = collected.entries(f'{{namespace="promtail"}} | trace_id="{TRACE}"')

    assert [dict(entry.labels)["level"] for entry in found] == ["error", "warn"], "in JSON and in logfmt"
    assert found[0].metadata == {
        "pod": "web-1",
        "node": NODE,
        "stream": "stderr",
        "logger": "shop.pay",
        "trace_id": TRACE,
        "span_id": "00f067aa0ba902b7",
    }
    assert json.loads(found[0].line)["msg"] == "declined", "the line is as it was printed"


def test_what_may_not_be_kept_is_masked_and_the_rest_stays(collected: Loki) -> None:
    found = lines(collected, "careless")
    assert not [part for part in (*SECRET_PARTS, SAID) if part in "".join(found)]
    assert [line[:5] + line[-3:] for line in found[:-1]] == ["text end"] * len(PLANTED)
    (entry,) = collected.entries(f'{{app="careless"}} | trace_id="{OTHER_TRACE}"')
    assert json.loads(entry.line).items() >= KEPT.items(), "a line of JSON is one still"
    assert dict(entry.labels)["level"] == "warn"


def test_a_stack_trace_is_one_entry(collected: Loki) -> None:
    assert lines(collected, "traces") == [JAVA, PYTHON, GO, "after"]


def test_a_line_that_the_runtime_cut_is_whole_again(collected: Loki) -> None:
    assert lines(collected, "partial") == ["x" * 1000 + "y" * 1000, "next"]


def test_what_settings_drop_is_dropped_and_nothing_else(collected: Loki) -> None:
    assert lines(collected, "noisy") == [], "by namespace and app"
    assert collected.entries('{namespace="promtail-ignored"}') == [], "by namespace"
    web_lines = lines(collected, "web")
    assert not [line for line in web_lines if "dropped by level" in line], "by level"
    assert not [line for line in web_lines if "/healthz" in line or "/ready$" in line], "by text"
    assert "GET /readyz 200" in web_lines
    assert "plain text" in web_lines
    assert len(web_lines) == 8, "a container with two ports is read once"


def test_a_node_sends_only_its_own_pods(collected: Loki) -> None:
    assert lines(collected, "elsewhere") == []


@contextmanager
def writing(log: LogFile, rate: int = 200) -> Iterator[list[tuple[float, str]]]:
    """Numbered lines with their times, written to a log until the end of the context."""
    written: list[tuple[float, str]] = []
    stop = threading.Event()

    def write() -> None:
        while not stop.wait(0.05):
            some = [f"line {len(written) + n}" for n in range(rate // 20)]
            log.write(*some)
            written.extend((time.time(), line) for line in some)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    try:
        yield written
    finally:
        stop.set()
        writer.join()


def test_a_killed_promtail_loses_at_most_the_last_seconds_and_doubles_nothing(
    objects: list[dict[str, Any]], cluster: ControlPlane, loki: Loki, tmp_path: Path
) -> None:
    agent = Promtail(objects, tmp_path, cluster, NODE, loki.url.removeprefix("http://"))
    log = agent.file(pod(cluster, "killed-1", **web("killed-agent")))
    query = '{namespace="promtail", app="killed-agent"}'
    kills: list[float] = []
    with writing(log) as written:
        for seconds in (14, 6):  # after a position was saved, and in between
            with agent.running() as process:
                time.sleep(seconds)
                kills.append(time.time())
                process.kill()
        with agent.running():
            time.sleep(3)
    with agent.running():
        last = written[-1][1]
        eventually(lambda: loki.entries(f'{query} |= "{last}"'), 30, "the last line arrives")
        found = [entry.line for entry in loki.entries(query)]
    lost = [(at, line) for at, line in written if line not in set(found)]
    window = (config.ENTRY_WAIT.seconds + config.BATCH_WAIT.seconds) + 1
    assert [line for at, line in lost if not any(kill - window <= at <= kill for kill in kills)] == []
    assert len(found) == len(set(found)), "what is read again has the same time and text, and Loki keeps it once"


def test_loki_away_for_a_minute_costs_nothing(
    cluster: ControlPlane, objects: list[dict[str, Any]], tmp_path: Path
) -> None:
    server = Loki(objects, tmp_path / "loki")
    agent = Promtail(objects, tmp_path / "node", cluster, NODE, server.url.removeprefix("http://"))
    log = agent.file(pod(cluster, "patient-1", **web("patient")))
    query = '{namespace="promtail", app="patient"}'
    with server.process() as first, agent.process() as promtail:
        first.ready(server.is_ready, within=120)
        with writing(log, rate=500) as written:
            eventually(lambda: server.count(query) > 1_000, 30, "lines arrive")
            first.kill()
            away = time.time()
            time.sleep(60)
            promtail.check()
            with server.running():
                assert time.time() - away > 60
                last = written[-1][1]
                eventually(lambda: server.entries(f'{query} |= "{last}"'), 120, "it catches up")
                found = [entry.line for entry in server.entries(query)]
                dropped = metric(agent.url, "promtail_dropped_entries_total")
    sent = {line for _, line in written[: int(last.removeprefix("line ")) + 1]}
    assert sent - set(found) == set(), "nothing is lost"
    assert dropped == 0
    assert len(found) == len(set(found)), "nothing is doubled"


def test_its_probes_answer(objects: list[dict[str, Any]], cluster: ControlPlane, loki: Loki, tmp_path: Path) -> None:
    agent = Promtail(objects, tmp_path, cluster, NODE, loki.url.removeprefix("http://"))
    agent.file(pod(cluster, "probed-1", **web("probed"))).write("a line")

    with agent.running() as process:
        assert f"spec.nodeName={NODE}" in http_text(f"{agent.url}/config"), "the API filters, not each Promtail"
        assert {address for address, _ in process.listens()} == {"127.0.0.1"}
