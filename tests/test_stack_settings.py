"""Between them, the recorded stacks turn on every system and set every setting."""

from __future__ import annotations

from typing import Any

import pytest

from rules.system import System
from rules.systems import SYSTEMS
from tests.stack_settings import RECORDED, WHOLE, config, given, possible, settings

UNSET = {
    "grafana.database.sqlite": "dev and prod have it by default; everything has PostgreSQL, otherwise no Grafana",
    "jaeger.storage.memory": "the store of everything is Elasticsearch, that of the others Badger",
    "jaeger.storage.opensearch": "takes what Elasticsearch takes, which everything has",
}
"""Settings that no recorded stack has, each with all that is inside it, and why."""


def excepted(path: str) -> bool:
    return any(f"{path}.".startswith(f"{each}.") for each in UNSET)


def test_every_setting_is_set_in_a_recorded_stack() -> None:
    somewhere = {path for name in RECORDED for path in given(settings(name))}
    assert [path for path in dict.fromkeys(possible()) if path not in somewhere and not excepted(path)] == [], (
        "set them in tests/stacks, or in the example of their system"
    )


def test_what_is_excepted_is_a_setting_that_no_stack_has() -> None:
    assert set(UNSET) <= set(possible())
    assert [path for name in RECORDED for path in given(settings(name)) if excepted(path)] == []


@pytest.mark.parametrize("name", WHOLE)
def test_every_system_is_on(name: str) -> None:
    assert settings(name).systems_on[: len(SYSTEMS)] == tuple(system.key for system in SYSTEMS)


@pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.key)
def test_a_system_that_no_file_names_is_on_from_its_example(system: System[Any]) -> None:
    assert getattr(settings("otherwise").systems, system.key) == system.example


def test_the_two_have_one_collector_of_logs_each() -> None:
    assert {config(name)["logs"]["collector"] for name in WHOLE} == {"promtail", "otel"}
