"""The list of systems and the list of dashboards belong together."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import dashboards
from components import images
from dashboards.listed import DASHBOARDS
from rules.system import System
from rules.systems import SYSTEMS, example
from tests.dashboards import STACK

every_system = pytest.mark.parametrize("system", SYSTEMS, ids=lambda system: system.key)


def test_every_system_has_dashboards_and_every_dashboard_a_system() -> None:
    assert {each.system for each in DASHBOARDS} == {system.key for system in SYSTEMS}


@every_system
def test_the_dashboard_where_to_look_first_is_one_of_the_system_s(system: System[Any]) -> None:
    assert system.dashboard in {each.dashboard.uid for each in DASHBOARDS if each.system == system.key}


@every_system
def test_every_file_of_a_system_s_dashboards_is_in_the_list(system: System[Any]) -> None:
    (folder,) = dashboards.__path__
    modules = [import_module(f"dashboards.{path.stem}") for path in Path(folder).glob(f"{system.key}_*.py")]
    written = [module.DASHBOARD for module in modules if hasattr(module, "DASHBOARD")]
    listed = [each.dashboard for each in DASHBOARDS if each.system == system.key]
    assert [dashboard.uid for dashboard in written if dashboard not in listed] == []


def test_a_dashboard_needs_a_group_of_rules_that_some_stack_has() -> None:
    assert {each.needs for each in DASHBOARDS} <= {"", *(group.name for group in STACK.watched.groups)}


def test_no_two_systems_share_a_key_or_a_folder() -> None:
    assert len({system.key for system in SYSTEMS}) == len({system.title for system in SYSTEMS}) == len(SYSTEMS)


def test_every_exporter_runs_an_image_that_can_be_taken_for_the_tests() -> None:
    for exporter in example().exporters:
        assert images.ALL[exporter.name].image == exporter.image.image
        assert exporter.name in exporter.image.binaries, f"{exporter.name}: where its program lies in the image"
