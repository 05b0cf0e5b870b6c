"""Systems that people write in Python, beside the stack file."""

from __future__ import annotations

import json

import jsonschema  # type: ignore[import-untyped]
import pytest

from components.settings.stack import Settings
from tests.content import brought, refused, rules
from tests.stack_settings import config, settings
from tools import schema
from tools.recorder import PROJECT, ROOT

EXAMPLE = (ROOT / "content" / "systems" / "checkout.py").read_text(encoding="utf-8")
RUNBOOK = {"runbooks/CheckoutBacklogGrowing.md": "Add workers."}
FILES = {"systems/checkout.py": EXAMPLE, **RUNBOOK}


def test_a_system_of_content_is_off_unless_the_stack_file_names_it() -> None:
    assert "checkout" not in brought(FILES).systems_on
    assert all(alert.system != "checkout" for alert in brought(FILES).watched.alerts)


def test_its_settings_are_in_its_rules_and_its_runbook_is_shown() -> None:
    stack = brought(FILES, systems={"checkout": {"backlog": 7}})
    (alert,) = (each for each in stack.watched.alerts if each.system == "checkout")
    assert {severity: int(number) for severity, number in alert.thresholds.items()} == {"critical": 70, "warning": 7}
    assert (alert.owner, alert.dashboard) == ("checkout", "checkout")
    assert "queue" in stack.watched.inhibitions[0].equal, "a critical queue mutes no warning about another"


def test_its_settings_are_checked_like_ours() -> None:
    assert refused(FILES, systems={"checkout": {"backlogs": 7}}) == [
        "systems.checkout.backlogs: unknown key: did you mean backlog?"
    ]


def test_a_system_that_no_folder_brings_is_unknown() -> None:
    (problem,) = refused({}, systems={"checkout": {}})
    assert problem.startswith("systems.checkout: unknown key: one of kubernetes, ")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("x = 1 +", "ours/systems/mine.py:1: SyntaxError: invalid syntax"),
        ("x = 1\nimport nothing_of_that_name", "ours/systems/mine.py:2: ModuleNotFoundError: "),
        ("SYSTEM = 1", "ours/systems/mine.py: no SYSTEM: "),
        (EXAMPLE.replace('key="checkout"', 'key="nodes"'), 'ours/systems/mine.py: SYSTEM.key: "nodes": a word'),
        (
            EXAMPLE.replace('name="C', 'name="c'),
            "ours/systems/mine.py:23: ValueError: alert",
        ),
    ],
)
def test_the_report_of_a_wrong_module_names_the_line(text: str, wrong: str) -> None:
    found = refused({"systems/mine.py": text, **RUNBOOK}, systems={"checkout": {}} if "Settings" in text else {})
    assert [each for each in found if each.startswith(wrong)], found


@pytest.mark.parametrize(
    ("change", "wrong"),
    [
        (("(checkout_backlog_orders)", "(checkout_backlogs)"), "checkout_backlogs: no such metric"),
        (("$labels.queue", "$labels.colour"), "its description uses colour"),
    ],
)
def test_its_rules_are_checked_like_ours(change: tuple[str, str], wrong: str) -> None:
    (problem,) = refused({**FILES, "systems/checkout.py": EXAMPLE.replace(*change)}, systems={"checkout": {}})
    assert problem.startswith("ours/systems/checkout.py: alert CheckoutBacklogGrowing: ")
    assert wrong in problem


def test_its_alerts_need_a_runbook_and_names_of_their_own() -> None:
    (problem,) = refused({"systems/checkout.py": EXAMPLE}, systems={"checkout": {}})
    assert "no runbook" in problem
    mine = rules("- {alert: CheckoutBacklogGrowing, expr: up == 0}")
    (problem,) = refused({**FILES, "rules/a.yaml": mine}, systems={"checkout": {}})
    assert problem.startswith("ours/rules/a.yaml:4: alert: CheckoutBacklogGrowing is ")


def test_the_schema_of_a_folder_has_its_systems_and_the_committed_one_has_not() -> None:
    made = schema.with_content("content/")
    whole = {f"{PROJECT}:{key}": value for key, value in config("everything").items()}
    jsonschema.Draft202012Validator(made).validate({"config": whole})
    mine = json.dumps(made)
    assert "Waiting orders of one queue" in mine
    assert "Waiting orders of one queue" not in schema.SCHEMA.read_text(encoding="utf-8")
    assert "checkout" not in Settings.model_json_schema()["$defs"]["Systems"]["properties"]


def test_the_example_is_on_in_the_stack_that_has_everything() -> None:
    assert "checkout" in settings("everything").systems_on
