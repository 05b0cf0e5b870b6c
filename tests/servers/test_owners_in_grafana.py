"""Whose an alert on logs is when it fires, and what it leaves out: in a real Grafana, with a real Loki."""

from __future__ import annotations

from pathlib import Path

from components.settings.stack import read
from model.datasources import LOKI
from tests.catalogue import EVERYTHING
from tests.rules.examples import logged
from tests.servers.evaluated import evaluate, fired
from tests.servers.test_logql import push
from tools.local.grafana import running
from tools.local.harness import eventually
from tools.local.logs import Loki

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

    with running(tmp_path / "grafana") as grafana:
        evaluate(grafana, SETTINGS, RULE, {LOKI: loki.url})

        def ours() -> dict[tuple[str, str], dict[str, str]]:
            # The Loki of the whole run has lines of other tests.
            return {
                subject: labels for subject, labels in fired(grafana, RULE).items() if subject[0].startswith("owners-")
            }

        found = eventually(ours, 90, "the alert fires")

    assert {labels["tier"] for labels in found.values()} == {"1"}
    found_owners = {subject: labels["owner"] for subject, labels in found.items()}
    assert found_owners == {subject: owner for subject, owner in subjects.items() if owner}
