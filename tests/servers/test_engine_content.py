"""A user's dashboard of schema v2 with the real engine: a second `pulumi up` changes nothing.

The provider is the one that returns its inputs, since builds of the real one without newer APIs do not know the
resource. What Grafana itself makes of such a dashboard is asked in test_content.py.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests import stack_settings
from tests.conftest import NOTHING
from tests.test_content_dashboards import resource, v2
from tools.local.control_plane import ControlPlane
from tools.local.engine import Deployment
from tools.local.grafana import running

pytestmark = pytest.mark.timeout(600)  # against hanging: an engine that waits is ended, and says where it stood

DASHBOARD = "grafana-content-dashboard-mine"


def test_a_second_update_leaves_a_users_dashboard_of_schema_v2_as_it_is(tmp_path: Path) -> None:
    content = tmp_path / "content"
    (content / "dashboards").mkdir(parents=True)
    (content / "dashboards" / "mine.json").write_text(resource(v2("up")))
    config = {**stack_settings.config("dev"), "systems": NOTHING, "content": [str(content)]}
    with ControlPlane(tmp_path / "control-plane") as plane, running(tmp_path / "grafana") as grafana:
        plane.supply_volumes(10)  # one for each claim of the stack, and some to spare
        engine = Deployment(tmp_path / "engine", "dev", plane, replace(grafana, real=False), config=config)
        assert DASHBOARD in engine.up().done["create"]
        again, refreshed = engine.up(), engine.preview(refresh=True)
    assert again.changed == frozenset(), again.said
    assert refreshed.done.keys() <= {"same", "refresh"}, refreshed.said
