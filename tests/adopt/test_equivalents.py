"""The table of what the stack has itself names what there is."""

from __future__ import annotations

import pytest

from tests.adopt.shapes import made, result, rule, said
from tests.catalogue import whole
from tools.adopt.equivalents import ALERTS, GONE, JOBS, JOBS_GONE
from tools.adopt.notes import Kind
from tools.adopt.ours import ours


def test_every_alert_on_our_side_is_in_the_catalogue() -> None:
    catalogue = {alert.name for alert in whole().alerts}
    assert {name: [each for each in equal if each not in catalogue] for name, equal in ALERTS.items()} == {
        name: [] for name in ALERTS
    }


def test_every_job_on_our_side_is_a_job_of_a_system() -> None:
    jobs = {job.name for job in whole().scrape_jobs}
    assert {each for names in JOBS.values() for each in names} <= jobs


def test_nothing_is_both_the_stack_s_and_gone() -> None:
    assert not ALERTS.keys() & GONE.keys()
    assert not JOBS.keys() & JOBS_GONE.keys()


def test_the_names_of_every_system_are_known() -> None:
    catalogue = whole()
    assert {job.name for job in catalogue.scrape_jobs} == ours().jobs.keys()
    of_systems = {alert.name for alert in catalogue.alerts if alert.system != "slos"}
    assert ours().alerts.keys() == of_systems


@pytest.mark.parametrize("name", ALERTS)
def test_an_alert_that_the_stack_has_is_named_and_its_system_turned_on(name: str) -> None:
    after = result(rule({"alert": name, "expr": "up == 0"}))
    assert after.content == {}
    (line,) = said(after, Kind.OURS)
    assert all(each in line for each in ALERTS[name])
    on = set(after.sections.get("systems", {})) | {"monitoring"}
    assert {ours().alerts[each] for each in ALERTS[name]} <= on


def test_an_alert_that_is_called_like_one_of_the_stack_is_named_and_to_be_checked() -> None:
    after = result(rule({"alert": "ModelUnavailable", "expr": "up == 0"}))
    assert said(after, Kind.OURS) == ["groups[0].rules[0]: ModelUnavailable: ModelUnavailable of the system agents"]
    assert "if yours means something else, rename it" in said(after, Kind.CHECK)[0]


def test_a_recording_that_the_stack_makes_is_named() -> None:
    name = min(ours().recordings)
    assert said(result(rule({"record": name, "expr": "up"})), Kind.OURS) == [
        f"groups[0].rules[0]: {name}: the stack records it"
    ]


@pytest.mark.parametrize("name", GONE)
def test_an_alert_that_nothing_takes_the_place_of_is_listed_with_the_reason(name: str) -> None:
    assert GONE[name] in said(result(rule({"alert": name, "expr": "up == 0"})), Kind.LOST)[0]


@pytest.mark.parametrize("app", JOBS)
def test_a_monitor_of_what_the_stack_scrapes_is_named(app: str) -> None:
    spec = {"selector": {"matchLabels": {"app": app}}, "endpoints": [{"port": "web"}]}
    after = result(made("ServiceMonitor", spec))
    assert "prometheus" not in after.sections
    assert said(after, Kind.OURS)
