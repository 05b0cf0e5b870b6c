"""Spans of platforms are counted by agent and operation, under the conventions' names, whatever their programs say."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from model import ports
from rules import agent_hive, agent_platform, progressive
from tests.servers.test_collector import DELIVERED, stack_with
from tools.local import otlp
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json, http_text
from tools.local.log_receiver import LogReceiver
from tools.local.otlp import Span
from tools.local.telemetry import Platform

CHANCE = random.Random(17)  # noqa: S311  not a secret
SYSTEMS = {
    each.SYSTEM.key: each.SYSTEM.example.model_dump(by_alias=True, exclude_unset=True, mode="json")
    for each in (agent_hive, agent_platform, progressive)
}
SERVICE = "platform"
RUN = {"agent.type": "npa", "agent.id": "npa-7", "agent.operation": "generate_plan"}
TASKS = 20
FLUSHED = 60.0
"""Seconds until spans are counted: they are flushed each second, and the machine is slow."""


def span(name: str, **attributes: Any) -> Span:
    named = {key.replace("__", "."): value for key, value in attributes.items()}
    return Span(CHANCE.randbytes(16), CHANCE.randbytes(8), name, named, kind=1)


SENT = {
    "run": span("agent.generate_plan", **{key.replace(".", "__"): value for key, value in RUN.items()}),
    "run of another type": span("agent.cook", agent__type="npa-7f9c", agent__operation="cook"),
    "message": span("agent.communication", communication__source="mca", communication__target="npa"),
    "message to an id": span("agent.communication", communication__source="mca", communication__target="npa-7f9c"),
    "execution": span("agent_execution", agent_id="7", agent_type="support"),
    "execution of no type": span("agent_execution", agent_id="8"),
    "model": span("llm_call", model="gpt-4o", tokens_used=7),
    "tool": span("tool_execution", tool_name="search"),
    "own agent name": span("agent_execution", agent_type="support", gen_ai__agent__name="planner"),
    "another": span("agent.started", started="yes"),
    **{f"task {number}": span(f"process_task_{number}", task_type="backend") for number in range(TASKS)},
}


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """The collector and its stores, with every span sent."""
    home = tmp_path_factory.mktemp("spans")
    stack = stack_with(home, systems=SYSTEMS, prometheus={"replicas": 1, "storage": None})
    made = Platform(stack, home, control_plane, LogReceiver(home / "logs"))
    with made.started():
        otlp.send(made.collector.url, otlp.traces({"service.name": SERVICE}, *SENT.values()))
        yield made


def stored(platform: Platform, which: str) -> tuple[str, dict[str, Any]]:
    """The name and the attributes of a span as Jaeger has it."""
    trace = eventually(partial(platform.trace, SENT[which].trace), DELIVERED, which)
    (found,) = trace["spans"]
    return found["operationName"], {tag["key"]: tag["value"] for tag in found["tags"]}


def counted(platform: Platform, **labels: str) -> dict[str, float]:
    """Number of spans with these labels, by name."""
    text = http_text(platform.jaeger.url_of(ports.JAEGER_SPAN_METRICS, "/metrics"), timeout=30)
    found: dict[str, float] = {}
    for series, value in re.findall(r"^traces_span_metrics_calls_total{(.*)} (\S+)", text, re.MULTILINE):
        of = dict(re.findall(r'(\w+)="([^"]*)"', series))
        if of.items() >= {"service_name": SERVICE, **labels}.items():
            found[of["span_name"]] = found.get(of["span_name"], 0) + float(value)
    return found


@pytest.mark.parametrize(
    ("which", "name", "attributes"),
    [
        ("run", "invoke_agent npa", {"gen_ai.agent.name": "npa", "gen_ai.agent.id": "npa-7", **RUN}),
        ("run of another type", "invoke_agent other", {"gen_ai.agent.name.own": "npa-7f9c"}),
        ("execution", "invoke_agent support", {"gen_ai.agent.name": "support", "gen_ai.agent.id": "7"}),
        ("execution of no type", "invoke_agent", {"gen_ai.agent.id": "8"}),
        ("own agent name", "invoke_agent planner", {"gen_ai.agent.name": "planner"}),
        ("model", "chat gpt-4o", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "gpt-4o"}),
        ("tool", "execute_tool search", {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "search"}),
        ("task 7", "process_task", {"task.index": "7", "task_type": "backend"}),
    ],
)
def test_a_span_has_the_name_of_the_conventions_and_keeps_its_own(
    platform: Platform, which: str, name: str, attributes: dict[str, Any]
) -> None:
    found, tags = stored(platform, which)

    assert found == name
    assert tags.items() >= {**attributes, "span.own_name": SENT[which].name}.items()


def test_a_span_with_a_similar_name_stays_as_it_is(platform: Platform) -> None:
    name, tags = stored(platform, "another")

    assert name == "agent.started", "it has no type of agent"
    assert not {"span.own_name", "gen_ai.operation.name"} & tags.keys()


def test_whom_an_agent_talks_to_is_bounded_and_the_trace_says_who_it_was(platform: Platform) -> None:
    name, tags = stored(platform, "message to an id")

    assert name == "agent.communication"
    assert (tags["communication.target"], tags["communication.target.own"]) == ("other", "npa-7f9c")
    assert "communication.target.own" not in stored(platform, "message")[1]


def test_a_span_is_found_by_the_name_that_its_program_gave_it(platform: Platform) -> None:
    asked = urlencode({"service": SERVICE, "tags": json.dumps({"span.own_name": "agent.generate_plan"})})
    url = platform.jaeger.url_of(ports.JAEGER_QUERY, f"/api/traces?{asked}")

    (found,) = eventually(lambda: http_json(url, timeout=30)["data"], DELIVERED, "the trace is found")
    assert found["traceID"] == SENT["run"].trace.hex()


@pytest.mark.parametrize(
    ("labels", "spans"),
    [
        (
            {"gen_ai_operation_name": "invoke_agent", "gen_ai_agent_name": "npa", "agent_operation": "generate_plan"},
            {"invoke_agent npa": 1},
        ),
        ({"gen_ai_operation_name": "execute_tool", "gen_ai_tool_name": "search"}, {"execute_tool search": 1}),
        ({"communication_source": "mca", "communication_target": "npa"}, {"agent.communication": 1}),
        ({"communication_source": "mca", "communication_target": "other"}, {"agent.communication": 1}),
        ({"task_type": "backend"}, {"process_task": TASKS}),
    ],
)
def test_spans_are_counted_by_agent_and_operation(
    platform: Platform, labels: dict[str, str], spans: dict[str, float]
) -> None:
    eventually(lambda: counted(platform, **labels) == spans, FLUSHED, f"spans with {labels}")


def test_a_number_in_a_name_makes_no_series(platform: Platform) -> None:
    names = eventually(lambda: counted(platform), FLUSHED, "spans are counted")

    assert [name for name in names if re.search(r"\d", name.replace("gpt-4o", ""))] == []
