"""Whose an alert on logs is when it fires, and what it leaves out: in a real Grafana, with a real Loki."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from components.grafana.rule_groups import rule_groups
from components.settings.stack import read
from model.datasources import LOKI
from tests.catalogue import EVERYTHING
from tests.rules.examples import logged
from tests.servers.test_logql import push
from tools.local.grafana import Grafana, running
from tools.local.harness import eventually
from tools.local.logs import Loki
from tools.servers.find import NotHad

RULE = "RbacDenials"
FORBIDDEN = '{"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "status": "ERROR_FORBIDDEN"}'
SETTINGS = read(
    EVERYTHING
    | {
        "owners": {
            "teams": {
                "shop": {"namespaces": ["owners-shop"], "services": ["checkout"]},
                "pay": {"services": ["owners-*/pay"]},
            }
        },
        "alerts": {RULE: {"exclude": {"namespaces": ["owners-sandbox-*"]}, "labels": {"tier": "1"}}},
    }
)


def evaluate(grafana: Grafana, loki: Loki) -> None:
    """Let Grafana evaluate the rule every ten seconds."""
    source = {"name": LOKI.name, "uid": LOKI.uid, "type": "loki", "access": "proxy", "url": loki.url}
    grafana.post("/api/datasources", source)
    grafana.post("/api/folders", {"uid": "logs", "title": "Logs"})
    (rule,) = (
        rule
        for group in rule_groups(SETTINGS.watched, SETTINGS.cluster, SETTINGS.grafana.address)
        for rule in group["rules"]
        if rule["name"] == RULE
    )
    asked = [
        {
            "refId": data["ref_id"],
            "datasourceUid": data["datasource_uid"],
            "queryType": data.get("query_type", ""),
            "relativeTimeRange": {"from": data["relative_time_range"]["from_"], "to": 0},
            "model": json.loads(data["model"]),
        }
        for data in rule["datas"]
    ]
    made = {
        **{key: rule[key] for key in ("uid", "condition", "labels")},
        "title": RULE,
        "folderUID": "logs",
        "ruleGroup": "tried",
        "for": rule["for_"],
        "noDataState": rule["no_data_state"],
        "execErrState": rule["exec_err_state"],
        "data": asked,
    }
    group = {"title": "tried", "folderUid": "logs", "interval": 10, "rules": [made]}
    grafana.post("/api/v1/provisioning/folder/logs/rule-groups/tried", group, method="PUT")


def test_an_alert_on_logs_is_of_the_team_of_its_service_or_namespace(tmp_path: Path, loki: Loki) -> None:
    subjects = {
        ("owners-shop", "web"): "shop",
        ("owners-shop", "pay"): "pay",
        ("owners-other", "checkout"): "shop",
        ("owners-other", "web"): "agents",
        ("owners-sandbox-1", "web"): None,
    }
    for namespace, app in subjects:
        push(loki, logged({"app": app}, FORBIDDEN, times=20), namespace, SETTINGS.cluster.name)

    def fired(grafana: Grafana) -> dict[tuple[str, str], Any]:
        alerts = grafana.get("/api/prometheus/grafana/api/v1/alerts")["data"]["alerts"]
        return {
            (each["labels"]["namespace"], each["labels"]["app"]): each["labels"]["owner"]
            for each in alerts
            if each["labels"]["alertname"] == RULE and each["labels"]["tier"] == "1"
        }

    with running(tmp_path / "grafana") as grafana:
        if not grafana.real:
            raise NotHad("grafana", "only the real one evaluates rules")
        evaluate(grafana, loki)
        found = eventually(lambda: fired(grafana), 90, "the alert fires")

    assert found == {subject: owner for subject, owner in subjects.items() if owner}
