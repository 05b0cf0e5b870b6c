"""Loki keeps what it acknowledged, finds it by the labels that it was sent with, and forgets what it should."""

from __future__ import annotations

import json
import subprocess
import threading
import time
import urllib.error
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from components.logs import LABELS
from tests.stack_settings import RECORDED
from tools.local.harness import Process, eventually, free_port, http_json, http_text
from tools.local.logs import SECOND, Loki
from tools.local.pods import Pod
from tools.local.rendered import Rendered, changed
from tools.servers.find import binary


def labels(app: str, level: str = "info") -> dict[str, str]:
    return {"cluster": "dev-1", "namespace": "shop", "app": app, "container": "main", "level": level}


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Rendered:
    """Everything that a stack file can ask of Loki on one replica."""
    changes = {
        "loki": {
            "retention": "7d",
            "streamRetention": [{"selector": '{namespace="agents", level=~"debug|tr[a]ce\\\\d$"}', "period": "1d"}],
            "multiTenant": True,
            "tenants": {"shop": {"lineSize": "1Ki", "retention": "2d"}},
            "ruler": {
                "interval": "10s",
                "rules": [
                    {"record": "app:log_lines:rate1m", "expr": 'sum by (app) (rate({app=~"counted.*"}[1m]))'},
                    {
                        "record": "app:log_errors:count1m",
                        "expr": 'count_over_time({level="error"}[1m])',
                        "labels": {"a": "b"},
                    },
                ],
            },
        },
        "prometheus": {"replicas": 2},
    }
    return changed(tmp_path_factory.mktemp("full"), changes=changes)


@pytest.mark.parametrize("name", [*RECORDED, "full"])
def test_loki_accepts_what_was_rendered(
    name: str, full: Rendered, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    server = Loki(full if name == "full" else rendered(name), tmp_path / "home")

    argv = [str(binary("loki")), *server.args, "-verify-config", "-log.level=info"]  # it says so as information
    done = subprocess.run(argv, env=server.env, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "config is valid" in done.stdout + done.stderr


def test_a_line_is_found_by_its_labels_and_by_its_metadata(loki: Loki) -> None:
    now = time.time_ns()
    loki.push(
        labels("found"), [(now, "first"), (now + 1, "second")], trace_id="4bf92f3577b34da6a3ce929d0e0e4736", pod="p-1"
    )

    found = eventually(lambda: loki.entries('{app="found"} | trace_id="4bf92f3577b34da6a3ce929d0e0e4736"'), 10, "lines")

    assert [entry.line for entry in found] == ["first", "second"]
    assert dict(found[0].labels) == labels("found"), "nothing is guessed: no service_name, no detected_level"
    assert found[0].metadata == {"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "pod": "p-1"}


def test_what_arrives_twice_is_kept_once(loki: Loki) -> None:
    now = time.time_ns()
    for _ in range(3):
        loki.push(labels("twice"), [(now + n, f"line {n}") for n in range(100)], pod="p-1")

    assert len(loki.entries('{app="twice"}')) == 100
    assert loki.count('{app="twice"}') == 100


def test_logs_by_otlp_have_exactly_the_labels(loki: Loki) -> None:
    def attributes(**given: str) -> list[dict[str, Any]]:
        return [{"key": key.replace("__", "."), "value": {"stringValue": value}} for key, value in given.items()]

    record = {
        "timeUnixNano": str(time.time_ns()),
        "severityText": "ERROR",
        "severityNumber": 17,
        "body": {"stringValue": "card declined"},
        "traceId": "5b8efff798038103d269b633813fc60c",
        "spanId": "eee19b7ec3c1b174",
        "attributes": attributes(level="error", order="4711"),
    }
    resource = attributes(
        cluster="dev-1",
        namespace="shop",
        app="otlp",
        container="main",
        service__name="checkout",
        service__instance__id="uid-1",
        k8s__pod__name="checkout-0",
        deployment__environment="dev",
    )
    sent = {"resourceLogs": [{"resource": {"attributes": resource}, "scopeLogs": [{"logRecords": [record]}]}]}
    http_text(f"{loki.url}/otlp/v1/logs", body=json.dumps(sent).encode(), headers={"Content-Type": "application/json"})

    (entry,) = eventually(lambda: loki.entries('{app="otlp"}'), 10, "the record")
    assert dict(entry.labels) == labels("otlp", "error")
    assert set(dict(entry.labels)) == set(LABELS)
    assert entry.line == "card declined"
    assert entry.metadata["trace_id"] == record["traceId"]
    assert entry.metadata["k8s_pod_name"] == "checkout-0", "the rest is kept beside the line"
    assert entry.metadata["severity_text"] == "ERROR"


def test_a_long_line_is_cut_and_a_lagging_node_is_heard(loki: Loki) -> None:
    now = time.time_ns()
    loki.push(labels("late"), [(now, "x" * 300_000)])
    loki.push(labels("late"), [(now - 110 * 60 * SECOND, "nearly two hours behind")])

    with pytest.raises(urllib.error.HTTPError, match="400"):
        loki.push(labels("late"), [(now - 130 * 60 * SECOND, "more than two hours behind")])
    found = loki.entries('{app="late"}', since=3 * 3600)
    assert [len(entry.line) for entry in found] == [len("nearly two hours behind"), 256 * 1024]


def test_lines_can_be_deleted_by_request(loki: Loki) -> None:
    loki.push(labels("deleted"), [(time.time_ns() - SECOND, "my password is hunter2")])
    end = time.time()
    asked = f"{loki.url}/loki/api/v1/delete?query=%7Bapp%3D%22deleted%22%7D&start={int(end) - 600}&end={int(end)}"

    http_text(asked, method="POST")

    (request,) = http_json(f"{loki.url}/loki/api/v1/delete")
    assert request["query"] == '{app="deleted"}'
    assert request["status"] == "received"


def test_retention_and_deletion_are_on(loki: Loki) -> None:
    running = http_text(f"{loki.url}/config")

    assert "retention_enabled: true" in running
    assert "delete_request_store: filesystem" in running


def test_nothing_is_reported_to_grafana_labs(loki: Loki) -> None:
    assert "reporting_enabled: false" in http_text(f"{loki.url}/config")


def test_rules_cannot_be_posted(loki: Loki) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        http_text(f"{loki.url}/loki/api/v1/rules")


def test_its_main_port_is_open_to_pods_and_its_probes_answer(
    rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    server = Loki(rendered("dev"), tmp_path / "home", everywhere=True)

    with server.process() as process:
        process.ready(lambda: http_text(f"{server.url}/loki/api/v1/status/buildinfo"))
        listens = process.listens()
        process.kill()

    ports = {port for address, port in listens if address in {"0.0.0.0", "::"}}  # noqa: S104  what is asked
    assert server.ports[3100] in ports
    assert len(server.ports) == 1, "a single replica has nobody to gossip with"


def test_kill_loses_nothing_that_was_acknowledged_and_doubles_nothing(
    rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    server = Loki(rendered("dev"), tmp_path / "home")
    acknowledged: list[str] = []
    stop = threading.Event()
    killed = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            lines = [(time.time_ns() + n, f"line {number + n}") for n in range(50)]
            while not stop.is_set():
                try:
                    server.push(labels("killed"), lines, pod="p-1")
                except OSError:
                    time.sleep(0.1)  # a sender tries again, with the same batch
                else:
                    break
            else:
                return
            acknowledged.extend(line for _, line in lines)
            number += 50

    writer = threading.Thread(target=write, daemon=True)
    with server.process() as process:
        process.ready(server.is_ready, within=120)
        writer.start()
        eventually(lambda: len(acknowledged) > 5_000, 60, "load")
        process.kill()
        killed.set()
    before = len(acknowledged)
    with server.running():
        eventually(lambda: len(acknowledged) > before + 1_000, 60, "writing goes on")
        stop.set()
        writer.join(60)
        kept = [entry.line for entry in server.entries('{app="killed"}')]

    assert set(kept) >= set(acknowledged), "what was acknowledged is still there"
    assert len(kept) == len(set(kept)), "what was sent again is not there twice"


def test_tenants_are_apart_and_rules_reach_every_prometheus_where_alerts_read_them(
    full: Rendered, tmp_path: Path
) -> None:
    receivers = {f"prometheus-{n}": free_port() for n in range(2)}
    addresses = {
        full.address(f"{replica}.prometheus-headless", 9090): f"127.0.0.1:{port}" for replica, port in receivers.items()
    }
    server = Loki(full, tmp_path / "home", addresses=addresses)
    args = Pod(full, "prometheus").container["args"]
    flags = [flag for flag in args if flag == "--web.enable-remote-write-receiver"]
    alert = {"alert": "LinesWithErrors", "expr": "app:log_errors:count1m > 0"}
    group = {"name": "logs", "interval": "1s", "rules": [alert]}
    (tmp_path / "alerts.json").write_text(json.dumps({"groups": [group]}))
    (tmp_path / "prometheus.yml").write_text(json.dumps({"rule_files": ["alerts.json"]}))

    with ExitStack() as exits:
        for replica, port in receivers.items():
            argv = [
                *(binary("prometheus"), f"--config.file={tmp_path / 'prometheus.yml'}", *flags),
                *(f"--web.listen-address=127.0.0.1:{port}", f"--storage.tsdb.path={tmp_path / replica}"),
            ]
            exits.enter_context(Process(argv, log=tmp_path / f"{replica}.log"))
        exits.enter_context(server.running())
        now = time.time_ns()
        server.push(labels("counted"), [(now, "x" * 2_000)], tenant="shop")
        server.push(labels("counted", "error"), [(now, "for the rules")], tenant="platform")
        with pytest.raises(urllib.error.HTTPError, match="401"):
            server.push(labels("counted"), [(now, "nobody's")])

        assert [len(entry.line) for entry in server.entries('{app="counted"}', tenant="shop")] == [1024]
        assert [entry.line for entry in server.entries('{app="counted"}', tenant="platform")] == ["for the rules"]
        for port in receivers.values():
            asked = f"http://127.0.0.1:{port}/api/v1/query?query=app:log_errors:count1m"
            (series,) = eventually(lambda asked=asked: http_json(asked)["data"]["result"], 60, "the rule's result")  # type: ignore[misc]  # mypy types no lambda with a default
            assert series["metric"]["cluster"] == "dev-1"
            assert series["metric"]["a"] == "b"
            asked = f"http://127.0.0.1:{port}/api/v1/query?query=ALERTS"
            (fired,) = eventually(lambda asked=asked: http_json(asked)["data"]["result"], 30, "an alert over it")  # type: ignore[misc]  # mypy types no lambda with a default
            assert fired["metric"]["alertstate"] == "firing"
            assert (fired["metric"]["app"], fired["metric"]["cluster"]) == ("counted", "dev-1")
