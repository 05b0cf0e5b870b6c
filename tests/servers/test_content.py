"""People's own content on the real servers: promtool, and an alert from its file to a receiver."""

from __future__ import annotations

import json
import time
from pathlib import Path
from textwrap import dedent

from dashboards.listed import rendered
from model.content import ContentLogAlert
from tests.content import brought
from tests.servers.test_logql import instant
from tests.stack_settings import settings
from tests.test_content_dashboards import all_of, v2
from tests.test_content_tests import assert_a_failure_is_told, assert_they_pass
from tools.local.account import Account
from tools.local.alerting_path import OFTEN, QUICK, alerting_path
from tools.local.control_plane import ControlPlane
from tools.local.grafana import running
from tools.local.harness import eventually
from tools.local.logs import Loki
from tools.servers.find import need

V2 = "dashboard.grafana.app/v2beta1"
ALERT = """
groups:
  - name: volumes
    interval: 1s
    rules:
      - record: shop:free:ratio
        expr: kubelet_volume_stats_available_bytes / kubelet_volume_stats_capacity_bytes
      - alert: ShopVolumeFull
        expr: shop:free:ratio < 0.1
        labels: {severity: critical, team: shop}
        annotations: {summary: The shop is full., description: "{{ $labels.namespace }} has {{ $value }} left."}
"""


def test_the_tests_beside_the_rules_pass() -> None:
    assert_they_pass()


def test_a_failing_test_beside_the_rules_is_reported() -> None:
    assert_a_failure_is_told()


def test_an_alert_from_a_file_reaches_a_receiver(tmp_path: Path, control_plane: ControlPlane) -> None:
    content = tmp_path / "content"
    for file, text in {"rules/shop.yaml": ALERT, "runbooks/ShopVolumeFull.md": "Make room."}.items():
        (content / file).parent.mkdir(parents=True, exist_ok=True)
        (content / file).write_text(dedent(text))
    changes = {**QUICK, "content": [str(content)]}
    account = Account.admin(control_plane)
    with alerting_path("dev", tmp_path / "stack", account, {"prometheus": OFTEN}, changes) as path:
        path.exporter.volume = 0.95
        (message, *_) = eventually(lambda: path.told("hook", "ShopVolumeFull"), within=120, what="nobody is notified")
        for part in ('"owner": "shop"', '"severity": "critical"', "shop has 0.05", "below 0.1", "/d/runbooks-content?"):
            assert part in message, message


LINES = """
groups:
  - name: cards
    interval: 10s
    rules:
      - alert: CardsDeclined
        expr: sum by (namespace, app) (count_over_time({namespace="shop"} |= `card declined` [5m])) > 2
        labels: {severity: critical, team: shop}
        annotations: {summary: Cards are declined., description: "{{ $labels.app }} declined {{ $value }} cards."}
"""


def test_an_alert_on_lines_that_loki_evaluates_reaches_a_receiver(tmp_path: Path, control_plane: ControlPlane) -> None:
    rules = tmp_path / "content" / "loki" / "shop.yaml"
    rules.parent.mkdir(parents=True)
    rules.write_text(LINES)
    changes = {**QUICK, "content": [str(tmp_path / "content")], "loki": {"ruler": {"alerts": True}}}
    account = Account.admin(control_plane)
    with alerting_path("dev", tmp_path / "stack", account, {"prometheus": OFTEN}, changes) as path:
        (alertmanager,), (prometheus,) = path.alertmanagers, path.prometheus
        addresses = {
            path.rendered.address("alertmanager-0.alertmanager-headless", 9093): alertmanager.local.address,
            path.rendered.address("prometheus-0.prometheus-headless", 9090): prometheus.local.address,
        }
        loki = Loki(path.rendered, tmp_path / "loki", addresses=addresses)
        with loki.running():
            loki.push({"namespace": "shop", "app": "till"}, [(time.time_ns() + n, "card declined") for n in range(3)])
            (message, *_) = eventually(
                lambda: path.told("hook", "CardsDeclined"), within=120, what="nobody is notified"
            )
    for part in ('"owner": "shop"', '"severity": "critical"', "till declined 3 cards", "above 2"):
        assert part in message, message


def test_a_dashboard_of_another_grafana_loads_in_the_stack_s(tmp_path: Path) -> None:
    stack = settings("everything")
    made = {each.uid: each for each in rendered(stack.systems_on, stack.watched, stack.cluster)}["checkout"]
    with running(tmp_path / "grafana") as grafana:
        if not grafana.real:
            need("a dashboard in Grafana", "grafana")
        saved = grafana.post("/api/dashboards/db", {"dashboard": json.loads(made.json), "overwrite": True})
        assert saved["status"] == "success"
        loaded = grafana.get("/api/dashboards/uid/checkout")["dashboard"]
    assert [panel["title"] for panel in loaded["panels"]] == ["Orders per second", "Failed orders"]
    assert {panel["datasource"]["uid"] for panel in loaded["panels"]} == {"prometheus"}


def test_a_dashboard_of_schema_v2_is_shown(tmp_path: Path) -> None:
    file = json.dumps({"apiVersion": V2, "metadata": {"name": "mine"}, "spec": v2("up")})
    (made,) = (each for each in all_of(brought({"dashboards/mine.json": file})).values() if each.is_v2)
    with running(tmp_path / "grafana") as grafana:
        if not grafana.real:
            need("a dashboard in Grafana", "grafana")
        at = f"/apis/{V2}/namespaces/default/dashboards"
        grafana.post(at, {"metadata": {"name": made.uid}, "spec": json.loads(made.json)})
        shown = grafana.get(f"{at}/{made.uid}")["spec"]
    assert list(shown["elements"]) == ["p"]
    assert shown["links"][-1]["title"] == "Alerts"


def test_grafana_adds_nothing_to_a_dashboard_of_schema_v2_that_it_has_exported(tmp_path: Path) -> None:
    """Otherwise each refresh would find a difference. Of one that is written by hand, Grafana adds what it lacks."""

    def file(spec: object) -> str:
        return json.dumps({"apiVersion": V2, "metadata": {"name": "mine"}, "spec": spec})

    with running(tmp_path / "grafana") as grafana:
        if not grafana.real:
            need("a dashboard in Grafana", "grafana")
        at = f"/apis/{V2}/namespaces/default/dashboards"
        exported = grafana.post(at, {"metadata": {"name": "theirs"}, "spec": v2("up")})["spec"]
        (made,) = (each for each in all_of(brought({"dashboards/mine.json": file(exported)})).values() if each.is_v2)
        given = json.loads(made.json)
        grafana.post(at, {"metadata": {"name": made.uid}, "spec": given})
        assert grafana.get(f"{at}/{made.uid}")["spec"] == given


def test_loki_reads_what_alerts_over_lines_ask(loki: Loki) -> None:
    asked = [each.value for each in settings("everything").watched.alerts if isinstance(each, ContentLogAlert)]
    assert asked
    for value in asked:
        assert instant(loki, value) == []
