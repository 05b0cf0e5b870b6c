"""Fields of JSON lines: both collectors read the same ones, after masking, and only where somebody asked for them."""

from __future__ import annotations

from typing import Any

import pytest

from components.logs import LABELS, METADATA, MOST_FIELDS, metadata
from components.settings.stack import Refused, read
from model.logs import LogField, merged
from rules.systems import SYSTEMS
from tests.catalogue import whole
from tests.conftest import Stacks
from tools.local.rendered import loaded

AUDIT = {"event_type", "status", "tool_name", "user_id"}
PLATFORMS = tuple(system for system in SYSTEMS if system.contract)
# Loki's default for the fields of a line, of which OTLP and Loki itself add some dozen.
LOKIS_LIMIT = 128


def promtail(stack: Stacks, **sections: Any) -> list[dict[str, Any]]:
    """Its stages."""
    made = loaded(stack("dev", logs={"collector": "promtail", **sections.pop("logs", {})}, **sections).files[PROMTAIL])
    (job,) = made["scrape_configs"]
    stages: list[dict[str, Any]] = job["pipeline_stages"]
    return stages


def otel(stack: Stacks, **sections: Any) -> list[str]:
    """Its statements, in the order of the pipeline."""
    made = loaded(stack("dev", logs={"collector": "otel", **sections.pop("logs", {})}, **sections).files[OTEL])
    order = made["service"]["pipelines"]["logs"]["processors"]
    groups = (group for name in order for group in made["processors"][name].get("log_statements", ()))
    return [statement for group in groups for statement in group["statements"]]


PROMTAIL, OTEL = "promtail/config/promtail.yaml", "otel-agent/config/agent.yaml"


def kept(stages: list[dict[str, Any]]) -> set[str]:
    (names,) = (stage["structured_metadata"] for stage in stages if "structured_metadata" in stage)
    return set(names)


@pytest.mark.parametrize("system", PLATFORMS, ids=lambda system: system.key)
def test_both_collectors_keep_the_fields_of_a_platform_that_is_on(system: Any, stack: Stacks) -> None:
    on = {system.key: system.example.model_dump(by_alias=True, exclude_unset=True, mode="json")}
    fields = {each.name for each in system.contract.log_fields}

    assert kept(promtail(stack, systems=on)) == {*METADATA, *AUDIT, *fields}
    (keep,) = (each for each in otel(stack, systems=on) if each.startswith("keep_keys(log.attributes"))
    assert all(f'"{name}"' in keep for name in fields)


def test_a_platform_that_is_off_adds_none(stack: Stacks) -> None:
    assert kept(promtail(stack)) == {*METADATA, *AUDIT}
    assert not [each for each in otel(stack) if "coordination_event" in each]
    assert kept(promtail(stack, systems={"logs": None})) == set(METADATA)


def test_fields_are_metadata_and_never_labels(stack: Stacks) -> None:
    (allowed,) = (stage["labelallow"] for stage in promtail(stack) if "labelallow" in stage)

    assert tuple(allowed) == LABELS


def test_values_are_read_from_the_masked_line(stack: Stacks) -> None:
    stages, statements = promtail(stack), otel(stack)

    masked = max(number for number, stage in enumerate(stages) if "****" in str(stage))
    assert masked < min(number for number, stage in enumerate(stages) if "user_id" in str(stage))
    masked = max(number for number, statement in enumerate(statements) if "****" in statement)
    of_field = [number for number, statement in enumerate(statements) if '"user_id"' in statement]
    assert masked < min(of_field)


def test_a_stack_file_names_fields_of_its_own_and_further_names_of_known_ones(stack: Stacks) -> None:
    fields = {"orderId": "order_id", "order.no": "order_id", "userId": "user_id"}
    stages = promtail(stack, logs={"fields": fields})

    read = str(stages)
    assert """'order_id': 'orderId || "order.no"'""" in read
    assert "'user_id': 'user_id || userId'" in read, "the known name first"
    of_both = otel(stack, logs={"fields": fields})
    assert [each for each in of_both if 'log.cache["json"]["userId"]' in each]


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"a": "level"}, "a name that lines do not have yet"),
        ({"a": "trace_id"}, "a name that lines do not have yet"),
        ({"a": "service_name"}, "a name that lines do not have yet"),
        ({"a": "__error__"}, "letters, digits and underscores"),
        ({"a": "order-id"}, "letters, digits and underscores"),
        ({'a"b': "order_id"}, "a key of JSON"),
        ({f"a{number}": f"a{number}" for number in range(MOST_FIELDS + 1)}, f"at most {MOST_FIELDS} fields"),
    ],
)
def test_a_field_that_cannot_be_is_refused(fields: dict[str, str], reason: str) -> None:
    cluster = {"name": "c-1", "environment": "test", "context": "c-1", "flavour": "kind"}
    with pytest.raises(Refused) as refused:
        read({"cluster": cluster, "logs": {"fields": fields}})

    assert "logs.fields" in str(refused.value)
    assert reason in str(refused.value)


def test_a_line_has_room_for_the_fields_of_every_system() -> None:
    assert len(metadata(whole().log_fields)) + MOST_FIELDS < LOKIS_LIMIT / 2


def test_one_name_is_one_field_with_all_its_keys() -> None:
    given = (LogField(name="a"), LogField(name="b", keys=("x",)), LogField(name="a", keys=("y", "a")))

    assert [(each.name, each.keys) for each in merged(given)] == [("a", ("a", "y")), ("b", ("x",))]
