"""What ``make diff`` says about a change of code that changes alerts, redaction or secrets."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tests import stack_settings
from tests.diff.told import edited, rendered, said
from tools.catalogue import catalogue
from tools.diff import compare
from tools.diff.renders import Render, render_of

Made = dict[str, Any]


@pytest.fixture(scope="module")
def base() -> Render:
    return rendered("dev")


def alarmed(base: Render, name: str, edit: Callable[[Made], Any]) -> list[str]:
    """What is said once the catalogue of alerts, or a part of it, is edited."""
    made = copy.deepcopy(dict(base.catalogue or {}))
    edit(made["alerts"][name] if name else made)
    return said(compare.difference("dev", base, edited(base, catalogue=made)))


def test_an_alert_of_another_name_is_no_new_alert(base: Render) -> None:
    def edit(made: Made) -> None:
        made["alerts"]["TargetGone"] = made["alerts"].pop("TargetDown")

    assert alarmed(base, "", edit) == [
        "! TargetDown is now named TargetGone: silences and routes by the old name no longer match"
    ]


def test_an_expression_names_the_metrics_that_it_reads(base: Render) -> None:
    def edit(made: Made) -> None:
        for rule in made["severities"].values():
            rule["expr"] = "probe_success == 0"

    assert alarmed(base, "TargetDown", edit) == [
        "! TargetDown: its expression changed: reads probe_success; no longer reads up"
    ]


def test_an_alert_that_loses_a_label(base: Render) -> None:
    found = alarmed(base, "TargetDown", lambda made: made["labels"].remove("job"))
    assert found == ["! TargetDown: its expression changed: loses the label job"]


def test_a_runbook_of_another_name(base: Render) -> None:
    found = alarmed(base, "TargetDown", lambda made: made.update(runbook="Elsewhere"))
    assert found == ["TargetDown: runbook TargetDown -> Elsewhere"]


def test_a_pattern_of_redaction_that_goes(base: Render) -> None:
    found = alarmed(base, "", lambda made: made["redaction"]["text"].pop(0))
    assert len(found) == 1
    assert found[0].startswith("!! redaction: 1 pattern in any text removed or changed: ")
    assert found[0].endswith("[redaction-weakened]")


def test_an_inhibition_that_comes(base: Render) -> None:
    rule = "alertname=A mutes alertname=B of the same cluster"
    assert alarmed(base, "", lambda made: made["inhibitions"].append(rule)) == [f"! inhibition new: {rule}"]


def test_a_secret_that_is_set_again(base: Render) -> None:
    """It is said without its value, and without anything from which its value could be guessed."""
    settings = stack_settings.settings("dev")
    was, now = (catalogue(settings, {"slackUrl": f"v1:{word * 8}:{word * 12}"}) for word in ("first", "other"))
    found = compare.difference("dev", edited(base, catalogue=was), edited(base, catalogue=now))
    assert said(found) == ["! secret slackUrl: encrypted again: maybe another value"]
    assert catalogue(settings, {"slackUrl": "hunter2"})["secrets"] == {"slackUrl": "not encrypted"}


def test_an_older_render_is_compared_by_its_objects(base: Render) -> None:
    """It has no catalogue, or one whose fields mean something else."""
    older = {**(base.catalogue or {}), "version": 0}
    read = render_of(older, base.objects.values(), {}, "")
    found = compare.difference("dev", read, base)
    assert found.notes[0] == compare.BY_OBJECT
    assert said(found) == []
