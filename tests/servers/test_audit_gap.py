"""An audit log that stops is reported, unless its app is scaled to zero: in a real Grafana."""

from __future__ import annotations

import json
from pathlib import Path

from components.settings.stack import read
from model.datasources import LOKI, PROMETHEUS
from rules.kubernetes.recordings import DESIRED
from tests.catalogue import EVERYTHING
from tests.servers.evaluated import evaluate, fired
from tools.local.grafana import running
from tools.local.harness import Process, eventually, free_port, http_json
from tools.local.logs import Loki
from tools.servers.find import binary

RULE = "AuditLogGap"
REPLICAS = {"busy": 2, "asleep": 0, "served-by": 0}
"""Replicas wanted, by workload. Nobody knows the workload of the app ``unknown``."""
APPS: tuple[dict[str, str], ...] = (
    {"app": "busy"},
    {"app": "asleep"},
    {"app": "served", "workload": "served-by"},
    {"app": "unknown"},
)
AUDIT = [{"namespace": "audited", **app} for app in APPS]
SETTINGS = read(EVERYTHING | {"systems": EVERYTHING["systems"] | {"logs": {"audit": AUDIT}}})


def test_the_audit_log_of_an_app_that_is_scaled_to_zero_is_not_missed(tmp_path: Path, loki: Loki) -> None:
    rules = [
        {"record": DESIRED, "expr": f"vector({number})", "labels": {"namespace": "audited", "workload": workload}}
        for workload, number in REPLICAS.items()
    ]
    group = {"name": "replicas", "interval": "1s", "rules": rules}
    (tmp_path / "rules.json").write_text(json.dumps({"groups": [group]}))
    (tmp_path / "prometheus.yml").write_text(json.dumps({"rule_files": ["rules.json"]}))
    address = f"127.0.0.1:{free_port()}"
    arguments = [
        f"--config.file={tmp_path / 'prometheus.yml'}",
        f"--storage.tsdb.path={tmp_path / 'data'}",
        f"--web.listen-address={address}",
    ]

    def known() -> int:
        return len(http_json(f"http://{address}/api/v1/query?query={DESIRED}")["data"]["result"])

    with (
        Process([binary("prometheus"), *arguments], log=tmp_path / "log"),
        running(tmp_path / "grafana") as grafana,
    ):
        eventually(lambda: known() == len(REPLICAS), 60, "the replicas are known")
        evaluate(grafana, SETTINGS, RULE, {LOKI: loki.url, PROMETHEUS: f"http://{address}"}, str, **{"for": "0s"})
        found = eventually(lambda: fired(grafana, RULE), 90, "the alert fires")

    assert found.keys() == {("audited", "busy"), ("audited", "unknown")}
