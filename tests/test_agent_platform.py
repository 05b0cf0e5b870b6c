"""An agent platform: its page's examples keep the contract, and one outage of it notifies its people once."""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from typing import Any

import pytest
from fastapi.testclient import TestClient
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from rules.agent_platform.contract import CONTRACT
from tests.rules.examples import Labels
from tests.test_names import problems as refused
from tests.test_services import mutes
from tools import stack_file
from tools.contract.check import problems
from tools.contract.reading import read as emitted
from tools.local.rendered import loaded
from tools.recorder import ROOT

PAGE = (ROOT / "docs" / "platforms" / "agent_platform.md").read_text(encoding="utf-8")
HERE = {"cluster": "agent-platform-prod", "environment": "prod", "namespace": "agent-platform", "service": "api"}
PAGED, TOLD = ("pagerduty-critical", "slack-warnings"), ("slack-warnings",)
CLUSTER = {"cluster": {"name": "c-1", "environment": "staging", "context": "c-1", "flavour": "kind"}}


@cache
def example() -> Settings:
    return read(stack_file.read(ROOT / "examples" / "agent_platform" / "Pulumi.prod.yaml").config)


def python(number: int) -> dict[str, Any]:
    """What an example on the page defines; it runs as it is written."""
    names: dict[str, Any] = {}
    exec(re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)[number], names)  # noqa: S102  the page is ours
    return names


def firing(alert: str, severity: str = "warning", **labels: str) -> Labels:
    """One that fires for the service of the platform, with the labels that its rule adds."""
    rules = {each.name: each.labels for each in example().watched.alerts}
    return {**HERE, **rules[alert], "alertname": alert, "severity": severity, **labels}


def notified(*alerts: Labels) -> list[str]:
    rules = example().watched.inhibitions
    muted = (
        any(mutes(rule, other, each) for rule in rules for other in alerts if other is not each) for each in alerts
    )
    return [each["alertname"] for each, silent in zip(alerts, muted, strict=True) if not silent]


# --- the page ---


def test_the_example_with_prometheus_client_keeps_the_contract() -> None:
    made = python(0)
    app = made["app"]
    app.get("/agents/{id}")(lambda id: id)  # noqa: A006  as the page calls it
    app.get("/fails")(lambda: 1 / 0)
    with made["execution"]("support"):
        made["TOKENS"].labels("support", "gpt-4o").inc(100)
    with pytest.raises(ZeroDivisionError), made["execution"]("support"):
        raise ZeroDivisionError
    made["DATABASE_MOST"].set(20)
    client = TestClient(app, raise_server_exceptions=False)
    for path in ("/agents/7", "/agents/8", "/fails", "/wp-login.php", "/ready", "/metrics/"):
        client.get(path)

    seen = emitted(client.get("/metrics/").text)

    assert list(problems(CONTRACT, seen)) == []
    assert seen["http_requests_total"].labels["endpoint"] == {"/agents/{id}", "/fails", "none"}
    assert seen["http_requests_total"].labels["status"] == {"200", "404", "500"}
    assert seen["agent_executions_total"].labels["status"] == {"success", "error"}


def test_the_example_with_opentelemetry_keeps_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    made = python(1)
    made["answered"]("GET", "/agents/{id}", 200, 0.1)
    made["executed"]("support", "success", 2.5, "gpt-4o", 100)
    made["database"].set(4)
    made["database_most"].set(20)

    collected = reader.get_metrics_data()
    assert collected
    as_json: Any = import_module("google.protobuf.json_format")

    assert list(problems(CONTRACT, emitted(as_json.MessageToJson(encode_metrics(collected))))) == []


def test_the_part_of_a_stack_file_on_the_page_is_taken() -> None:
    (block,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    given = {key.removeprefix("agent-observability:"): value for key, value in loaded(block).items()}
    assert read({**CLUSTER, **given}).systems.agent_platform.services == {"api": 8000, "worker": 9000}  # type: ignore[attr-defined]  # made of the list of systems


# --- settings ---


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"services": {}}, "services"),
        ({"services": {"API": 8000}}, "API"),
        ({"services": {"api": 0}}, "services.api"),
        ({"namespaces": []}, "namespaces"),
        ({"executionRoutes": ['/a"']}, "a route as the metrics have it"),
        ({"objectives": {"availability": 100}}, "a percentage between 50 and 99.999"),
    ],
)
def test_settings_that_would_watch_nothing_or_something_else_are_refused(wrong: Any, said: str) -> None:
    assert any(said in each for each in refused("systems/agent_platform", wrong))


def test_without_objectives_there_are_none() -> None:
    none = {"objectives": {"availability": None, "latency": None, "executions": None}}
    assert read({**CLUSTER, "systems": {"agent_platform": none}}).watched.slos == ()


# --- who is notified ---


@pytest.mark.parametrize(
    ("alert", "severity", "receivers"),
    [
        ("AgentPlatformSlowAgentExecutions", "warning", TOLD),
        ("AgentPlatformDatabaseConnectionPoolLow", "warning", TOLD),
        ("AgentPlatformHighTokenUsage", "warning", TOLD),
        ("AgentPlatformAvailabilityErrorBudgetBurnFast", "critical", PAGED),
        ("AgentPlatformLatencyErrorBudgetBurnFast", "critical", PAGED),
        ("AgentPlatformExecutionsErrorBudgetBurnOutage", "critical", PAGED),
        ("AgentPlatformExecutionsErrorBudgetSpent", "warning", TOLD),
        ("AgentPlatformExecutionsErrorBudgetSpent", "info", ("default",)),
        ("HighErrorRate", "critical", PAGED),
        ("SlowResponseTime", "warning", TOLD),
        ("ServiceDown", "critical", PAGED),
        ("NodeHighCPUUsage", "warning", TOLD),
        ("NodeHighMemoryUsage", "critical", PAGED),
        ("DiskSpaceRunningLow", "critical", PAGED),
        ("KubernetesContainerRestartLoop", "warning", TOLD),
        ("AuthenticationFailures", "warning", TOLD),
    ],
)
def test_an_alert_of_the_example_reaches_those_who_are_named(
    alert: str, severity: str, receivers: tuple[str, ...]
) -> None:
    settings = example()
    found = [
        receivers_for(tree(settings.notifications), labels)
        for labels in alert_labels(settings.watched, settings.cluster)
        if (labels["alertname"], labels["severity"]) == (alert, severity)
    ]
    assert set(found) == {receivers}


def test_requests_that_fail_and_take_the_rest_with_them_page_once() -> None:
    burns = [
        firing(f"AgentPlatform{of}ErrorBudgetBurnFast", "critical", value="agent-platform, api")
        for of in ("Availability", "Latency", "Executions")
    ]
    errors = firing("HighErrorRate", "critical")
    assert notified(*burns, errors) == ["AgentPlatformAvailabilityErrorBudgetBurnFast"]
    assert notified(*burns[1:]) == ["AgentPlatformLatencyErrorBudgetBurnFast"]
    assert notified(burns[2]) == ["AgentPlatformExecutionsErrorBudgetBurnFast"], "requests succeed"
    elsewhere = burns[2] | {"service": "worker", "value": "agent-platform, worker"}
    assert notified(burns[0], elsewhere) == [burns[0]["alertname"], burns[2]["alertname"]], "another outage"


def test_a_full_pool_is_why_all_is_slow_and_never_hides_a_page() -> None:
    pool = firing("AgentPlatformDatabaseConnectionPoolLow")
    slow = firing("AgentPlatformSlowAgentExecutions", agent_type="support")
    assert notified(pool, slow, firing("SlowResponseTime"), firing("LatencyRising")) == [pool["alertname"]]
    assert notified(pool, firing("SlowestResponses", "critical")) == [pool["alertname"], "SlowestResponses"]


def test_a_service_that_is_down_mutes_the_rest() -> None:
    down = firing("ServiceDown", "critical")
    rest = (
        firing("AgentPlatformDatabaseConnectionPoolLow"),
        firing("AgentPlatformSlowAgentExecutions"),
        firing("AgentPlatformHighTokenUsage"),
        firing("AgentPlatformAvailabilityErrorBudgetBurnFast", "critical"),
        firing("HighErrorRate", "critical"),
    )
    assert notified(down, *rest) == ["ServiceDown"]


def test_a_database_that_is_down_is_the_only_page() -> None:
    down = firing("PostgreSQLDown", "critical", instance="platform", service="platform", system="postgres")
    burn = firing("AgentPlatformAvailabilityErrorBudgetBurnFast", "critical", value="agent-platform, api")
    assert notified(down, burn, firing("HighErrorRate", "critical"), firing("ServiceNotReady")) == ["PostgreSQLDown"]
