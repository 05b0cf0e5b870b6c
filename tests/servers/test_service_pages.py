"""One outage of a service is one page: what Alertmanager, on its rendered configuration, sends of all that fires."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.stack_settings import settings
from tools.local.account import Account
from tools.local.harness import eventually, http_json, http_text
from tools.local.receiving import Endpoints, endpoints
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text

Labels = dict[str, str]
EXISTING = {"name": "alert-receivers", "key": "any"}
STACK = {
    "cluster": {"name": "test-1", "environment": "test", "context": "test", "flavour": "kubeadm"},
    "systems": {"kubernetes": {}, "agents": {}, "services": {"listed": {"planner": {}}}, "istio": {}},
    "notifications": {
        "receivers": [{"name": "pager", "webhook": {"urlSecret": EXISTING}}],
        "routes": [{"receiver": "pager", "severity": ["critical"]}],
        # All that fires at once arrives within it.
        "criticalGroupWait": "2s",
        "groupInterval": "1s",
    },
}
SUBJECT: Labels = {"cluster": "test-1", "environment": "test", "namespace": "agents", "service": "planner"}
LABELS = {alert.name: alert.labels for alert in settings("everything").watched.alerts}


def firing(name: str, system: str, **more: str) -> Labels:
    return {"alertname": name, "system": system, "severity": "critical", **LABELS.get(name, {}), **SUBJECT, **more}


DOWN = firing("ServiceDown", "services")
BURN = firing("PlannerErrorBudgetBurnFast", "slos", burn="fast", slo="planner", symptom="errors")
PLATFORM = firing("AgentRunsFailing", "agents", agent="planner")
EDGE = firing("EdgeErrorsHigh", "services", controller="ingress-nginx")
ERRORS = firing("HighErrorRate", "services")
SLOWEST = firing("SlowestResponses", "services")
MESH = tuple(firing(name, "istio", severity="warning") for name in ("MeshErrorRateHigh", "MeshLatencyHigh"))


@contextmanager
def notified(home: Path, *fire: Labels) -> Iterator[Endpoints]:
    """An Alertmanager that has been sent these alerts, and its receiver."""
    with endpoints() as receivers:
        stack = render_text("test", home, stack_text(STACK))
        nobody = Account("https://127.0.0.1:1", home / "no-ca", "")  # Alertmanager asks no Kubernetes API
        (home / "no-ca").touch()
        local = LocalServer(
            stack, "alertmanager", home / "pod", nobody, planted={"pager-url": f"{receivers.url}/pager"}
        )
        with local.process() as process:
            process.ready(lambda: http_text(f"{local.url}/-/ready"))
            body = json.dumps([{"labels": labels} for labels in fire]).encode()
            http_text(f"{local.url}/api/v2/alerts", body=body, headers={"Content-Type": "application/json"})
            eventually(lambda: receivers.of("pager"), 60, "somebody is notified")
            eventually(lambda: len(http_json(f"{local.url}/api/v2/alerts")) == len(fire), 10, "all have arrived")
            muted = {each["labels"]["alertname"] for each in http_json(f"{local.url}/api/v2/alerts?active=false")}
            sent = {alert["labels"]["alertname"] for post in receivers.of("pager") for alert in post.body["alerts"]}
            assert sent | muted == {labels["alertname"] for labels in fire}, "each alert is sent or muted"
            yield receivers


@pytest.mark.parametrize(
    "fire",
    [
        pytest.param((DOWN, BURN, PLATFORM, EDGE, ERRORS, SLOWEST, *MESH), id="a service that is down"),
        pytest.param((BURN, PLATFORM, EDGE, ERRORS, SLOWEST, *MESH), id="an objective that burns"),
        pytest.param((PLATFORM, EDGE, ERRORS, SLOWEST, *MESH), id="a platform that fails"),
        pytest.param((EDGE, ERRORS, SLOWEST, *MESH), id="an ingress that sees failures"),
    ],
)
def test_one_outage_of_a_service_pages_once_by_its_cause(fire: Sequence[Labels], tmp_path: Path) -> None:
    with notified(tmp_path, *reversed(fire)) as receivers:
        pages = [alert["labels"]["alertname"] for post in receivers.of("pager") for alert in post.body["alerts"]]
    assert pages == [fire[0]["alertname"]]


def test_two_services_that_fail_page_twice(tmp_path: Path) -> None:
    other = {**ERRORS, "service": "writer"}
    with notified(tmp_path, BURN, ERRORS, other) as receivers:
        pages = {alert["labels"]["service"] for post in receivers.of("pager") for alert in post.body["alerts"]}
    assert pages == {"planner", "writer"}
