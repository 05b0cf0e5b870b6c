"""An objective through whole incidents, by promtool: it pages in time, and not afterwards."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.rules.incidents import INCIDENTS, Incident, rules
from tests.rules.promtool import run, write


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What promtool says against each incident, by its name."""
    folder = tmp_path_factory.mktemp("incidents")
    for number, incident in enumerate(INCIDENTS):
        write(folder, f"{number}", rules(incident.objective), [incident.test()])
    return run(folder)


@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda incident: incident.name)
def test_an_incident_notifies_in_time_and_nothing_new_fires_when_it_is_over(
    incident: Incident, told: Mapping[str, str]
) -> None:
    assert told[incident.name] == ""
