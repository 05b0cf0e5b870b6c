"""What Loki makes of the logs that the collector sends it: few labels, and everything else beside the line."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from components.logs import LABELS
from tests.planted import PLANTED
from tests.servers.test_collector import DELIVERED, ELSEWHERE, pod, stack_with
from tools.local import otlp
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually
from tools.local.logs import Loki
from tools.local.otlp import Log
from tools.local.telemetry import Collector

__all__ = ["pod"]  # a fixture

TRACE, SPAN = bytes(range(16)), bytes(range(8))


@pytest.fixture(scope="module")
def collector(loki: Loki, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collector]:
    """One that sends to Loki."""
    home = tmp_path_factory.mktemp("collector-logs")
    stack = stack_with(home)
    account = Account.granted(control_plane, stack, "otel-collector")
    made = Collector(stack, home / "collector", account, addresses={stack.address("loki", 3100): loki.address})
    with made.running():
        yield made


def test_a_line_has_few_labels_and_everything_else_beside_it(
    collector: Collector, loki: Loki, pod: dict[str, Any]
) -> None:
    resource = {
        "service.name": "planner",
        "k8s.pod.uid": pod["metadata"]["uid"],
        "k8s.container.name": "main",
        "process.command": "planner --serve",
    }
    otlp.send(collector.url, otlp.logs(resource, Log("a step", time.time_ns(), trace=TRACE, span=SPAN)))

    (entry,) = eventually(lambda: loki.entries('{cluster="test-1", app="planner"}'), DELIVERED, "the line")

    assert dict(entry.labels) == {
        "cluster": "test-1",
        "namespace": "agents",
        "app": "planner",
        "container": "main",
        "level": "info",
    }
    assert (
        entry.metadata.items()
        >= {
            "pod": "planner-7f",
            "node": "node-a",
            "logger": "agent.planner",
            "trace_id": TRACE.hex(),
            "span_id": SPAN.hex(),
            "service_name": "planner",
            "environment": "test",
            "process_command": "planner --serve",
        }.items()
    )


def test_a_body_of_json_is_found_by_its_fields_without_a_parser(collector: Collector, loki: Loki) -> None:
    event = {"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "tool_name": "search", "user_id": f"of {PLANTED['email']} it"}
    known = {"tool_name": "by its own attribute"}
    records = (Log(json.dumps(event), time.time_ns()), Log(json.dumps(event), time.time_ns(), attributes=known))
    otlp.send(collector.url, otlp.logs(ELSEWHERE | {"service.name": "audited"}, *records))

    query = '{app="audited"} | event_type="MCP_TOOL_INVOKE_ATTEMPT"'
    found = eventually(lambda: len(lines := loki.entries(query)) == 2 and lines, DELIVERED, "both lines")

    assert {entry.metadata["tool_name"] for entry in found} == {"search", "by its own attribute"}
    assert {entry.metadata["user_id"] for entry in found} == {"of **** it"}


def test_no_stream_has_another_label(collector: Collector, loki: Loki, pod: dict[str, Any]) -> None:
    resource = ELSEWHERE | {"service.name": "talkative", "k8s.pod.uid": pod["metadata"]["uid"], "team": "shop"}
    said = {"user": "ada", "outer": {"list": [{"field": 1}]}, "service_name": "another"}
    otlp.send(collector.url, otlp.logs(resource, Log("a line", time.time_ns(), attributes=said)))

    eventually(lambda: loki.entries('{cluster="test-1"} |= "a line"'), DELIVERED, "the line")

    assert {label for series in loki.series('{cluster="test-1"}') for label in series} <= set(LABELS)


def test_a_level_is_one_of_six_whatever_the_sender_calls_it(collector: Collector, loki: Loki) -> None:
    now = time.time_ns()
    named = {"WARNING": "warn", "crit": "fatal", "Information": "info", "verbose": None}
    records = [
        *(Log(f"text {word}", now, severity=0, severity_text=word) for word in named),
        Log("number", now, severity=18, attributes={"level": "made-up"}),
        Log("attribute", now, severity=0, attributes={"level": "debug"}),
    ]
    otlp.send(collector.url, otlp.logs(ELSEWHERE | {"service.name": "levels"}, *records))

    found = eventually(
        lambda: len(entries := loki.entries('{app="levels"}')) == len(records) and entries, DELIVERED, "lines"
    )

    levels = {entry.line: dict(entry.labels).get("level") for entry in found}
    assert levels == {f"text {word}": level for word, level in named.items()} | {
        "number": "error",
        "attribute": "debug",
    }
