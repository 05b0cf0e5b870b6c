"""Fields of JSON lines are metadata that queries filter by without a parser, and hold no secret."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import pytest

from components.logs import LABELS, VALUE_CHARACTERS
from rules.agent_platform import SYSTEM as AGENT_PLATFORM
from tests.planted import PLANTED, SAID, SECRET_PARTS
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json
from tools.local.log_nodes import COLLECTORS, SPACE, Node, named, pod, rendered
from tools.local.logs import Entry, Loki, log_file

CLUSTER = "fields"
SYSTEMS = {AGENT_PLATFORM.key: AGENT_PLATFORM.example.model_dump(by_alias=True, exclude_unset=True, mode="json")}
FIELDS = {"orderId": "order_id", "order.no": "order_id", "apiKey": "key"}
EXECUTION = {"event": "execution", "agent_id": "7", "agent_type": "support", "status": "error", "duration_ms": 1840.5}
LINES: tuple[dict[str, Any], ...] = (
    {**EXECUTION, "level": "error", "message": "failed", "coordination_event": "of a platform that is off"},
    {"orderId": "A-1"},
    {"order.no": "A-2"},
    *({"user_id": f"of {secret} it", "logger": f"of {secret} it", "kind": name} for name, secret in PLANTED.items()),
    {"orderId": "A-3", "apiKey": SAID},
    {"orderId": "A-4", "path": "ä" * 100_000},
    {"orderId": "A-5", "status": 500, "agent_id": None, "agent_type": "", "user_id": True, "path": 0.5},
    {"orderId": "A-6", "status": ["a", 1], "path": {"b": [2]}, "duration_ms": 12e6},
    {"order": "the last"},
)


@pytest.fixture(scope="module")
def both(
    control_plane: ControlPlane, loki: Loki, tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, tuple[Entry, ...]]:
    """What each collector made of LINES."""
    control_plane.namespace(SPACE)
    made = pod(control_plane, "fields-1", labels=named("fields"))
    printed = tmp_path_factory.mktemp("pods")
    log_file(printed, made).write(*(json.dumps(line, ensure_ascii=False) for line in LINES))
    found = {}
    for each in COLLECTORS:
        stack = rendered(tmp_path_factory.mktemp("stack"), each, cluster=CLUSTER, systems=SYSTEMS, fields=FIELDS)
        node = Node(each, stack, tmp_path_factory.mktemp("node"), control_plane, loki.url.removeprefix("http://"))
        shutil.copytree(printed, node.reader.pods, dirs_exist_ok=True)
        query = of(each)
        with node.running():
            eventually(lambda query=query: loki.count(query) >= len(LINES), 30, "all lines arrive")  # type: ignore[misc]  # mypy types no lambda with a default
        found[each] = tuple(loki.entries(query))
    return found


def of(collector: str, rest: str = "") -> str:
    return f'{{cluster="{CLUSTER}-{collector}", app="fields"}} {rest}'


@pytest.fixture(params=COLLECTORS)
def collector(request: pytest.FixtureRequest, both: Mapping[str, tuple[Entry, ...]]) -> str:
    assert both
    return str(request.param)


@pytest.mark.parametrize(
    "filters",
    [
        'event="execution" | agent_id="7"',
        'agent_type="support" | status="error"',
        "duration_ms > 1800 | duration_ms < 2000",
    ],
)
def test_a_line_is_found_by_a_field_without_a_parser(collector: str, filters: str, loki: Loki) -> None:
    (found,) = loki.entries(of(collector, f"| {filters}"))

    assert json.loads(found.line)["message"] == "failed"
    assert found.metadata.items() >= {name: str(value) for name, value in EXECUTION.items()}.items()


def test_a_field_of_a_stack_file_has_several_names_in_json(collector: str, loki: Loki) -> None:
    assert len(loki.entries(of(collector, '| order_id=~"A-[12]"'))) == 2


def test_a_duration_is_added_up_without_a_parser(collector: str, loki: Loki) -> None:
    total = f"sum by (event) (sum_over_time({of(collector, '| event=`execution` | unwrap duration_ms')} [10m]))"

    asked = f"{loki.url}/loki/api/v1/query?{urlencode({'query': total})}"
    (series,) = http_json(asked)["data"]["result"]
    assert (series["metric"], float(series["value"][1])) == ({"event": "execution"}, EXECUTION["duration_ms"])


def test_fields_make_no_streams(collector: str, loki: Loki) -> None:
    assert {label for stream in loki.series(of(collector)) for label in stream} <= set(LABELS)


def test_fields_of_a_platform_that_is_off_are_in_the_line_alone(
    collector: str, both: Mapping[str, tuple[Entry, ...]]
) -> None:
    assert not [entry for entry in both[collector] if "coordination_event" in entry.metadata]


def test_no_field_holds_a_secret(collector: str, both: Mapping[str, tuple[Entry, ...]]) -> None:
    kept = json.dumps([(entry.line, entry.metadata) for entry in both[collector]])

    assert [part for part in (*SECRET_PARTS, SAID) if part in kept] == []
    careless = [entry.metadata for entry in both[collector] if '"kind"' in entry.line]
    assert len(careless) == len(PLANTED)
    assert {metadata["user_id"][:3] + metadata["logger"][-3:] for metadata in careless} == {"of  it"}, "only its part"
    (by_key,) = (entry.metadata for entry in both[collector] if entry.metadata.get("order_id") == "A-3")
    assert by_key["key"] == "****"


def test_a_long_value_is_cut_and_its_line_is_kept(collector: str, both: Mapping[str, tuple[Entry, ...]]) -> None:
    (entry,) = (entry for entry in both[collector] if entry.metadata.get("order_id") == "A-4")

    assert entry.metadata["path"] == "ä" * VALUE_CHARACTERS
    assert len(json.loads(entry.line)["path"]) == 100_000


def test_both_collectors_make_the_same_of_each_line(both: Mapping[str, tuple[Entry, ...]]) -> None:
    promtail, otel = ([(entry.line, entry.metadata) for entry in both[each]] for each in COLLECTORS)

    assert promtail == otel
