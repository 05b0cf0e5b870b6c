"""Alerts of a stack in a real Grafana, evaluated every ten seconds."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from components.grafana.rule_groups import rule_groups
from components.settings.stack import Settings
from model.datasources import Datasource
from tools.local.grafana import Grafana
from tools.servers.find import NotHad


def evaluate(
    grafana: Grafana,
    settings: Settings,
    names: str | Sequence[str],
    urls: Mapping[Datasource, str],
    shorter: Callable[[str], str] = str,
    **changes: Any,
) -> None:
    """Let ``grafana`` evaluate alerts by their ``names`` on the datasources at ``urls``.

    ``shorter`` changes the queries, and ``changes`` are to Grafana's rules. Raises NotHad if the real Grafana is not
    there.
    """
    if not grafana.real:
        raise NotHad("grafana", "only the real one evaluates rules")
    for datasource, url in urls.items():
        source = {
            "name": datasource.name,
            "uid": datasource.uid,
            "type": datasource.type,
            "access": "proxy",
            "url": url,
        }
        grafana.post("/api/datasources", source)
    grafana.post("/api/folders", {"uid": "logs", "title": "Logs"})
    wanted = [names] if isinstance(names, str) else names
    rules = {
        rule["name"]: rule
        for group in rule_groups(settings.watched, settings.cluster, settings.grafana.address)
        for rule in group["rules"]
    }
    made = [_made(rules[name], shorter) | changes for name in wanted]
    group = {"title": "tried", "folderUid": "logs", "interval": 10, "rules": made}
    grafana.post("/api/v1/provisioning/folder/logs/rule-groups/tried", group, method="PUT")


def _made(rule: Mapping[str, Any], shorter: Callable[[str], str]) -> dict[str, Any]:
    """A rule as Grafana's API takes it."""
    asked = [
        {
            "refId": data["ref_id"],
            "datasourceUid": data["datasource_uid"],
            "queryType": data.get("query_type", ""),
            "relativeTimeRange": {"from": data["relative_time_range"]["from_"], "to": 0},
            "model": json.loads(shorter(data["model"])),
        }
        for data in rule["datas"]
    ]
    return {
        **{key: rule[key] for key in ("uid", "condition", "labels")},
        "title": rule["name"],
        "folderUID": "logs",
        "ruleGroup": "tried",
        "for": rule["for_"],
        "noDataState": rule["no_data_state"],
        "execErrState": rule["exec_err_state"],
        "data": asked,
    }


def fired(grafana: Grafana, name: str) -> dict[tuple[str, str], dict[str, str]]:
    """The labels of the alert ``name``'s instances that fire, by namespace and app."""
    alerts = grafana.get("/api/prometheus/grafana/api/v1/alerts")["data"]["alerts"]
    return {
        (each["labels"]["namespace"], each["labels"]["app"]): each["labels"]
        for each in alerts
        if each["labels"]["alertname"] == name and each["state"].startswith("Alerting")
    }
