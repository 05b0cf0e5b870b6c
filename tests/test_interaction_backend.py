"""The page and the example of interaction backends: what they say is taken, and notifies those whom they name."""

from __future__ import annotations

import re
from importlib import import_module
from typing import Any

import pytest
from opentelemetry import metrics
from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from components.routing import receivers_for, tree
from components.settings.stack import Settings, read
from model.rules import Severity
from rules.interaction_backend import SYSTEM
from rules.interaction_backend.contract import CONTRACT
from tools import stack_file
from tools.contract.check import problems
from tools.contract.reading import read as read_metrics
from tools.local.rendered import loaded
from tools.recorder import ROOT

_JSON: Any = import_module("google.protobuf.json_format")
PAGE = (ROOT / "docs" / "platforms" / "interaction_backend.md").read_text(encoding="utf-8")
EXAMPLE = ROOT / "examples" / "interaction_backend" / "Pulumi.prod.yaml"
PEOPLE = {Severity.CRITICAL: ("on-call", "urgent-chat"), Severity.WARNING: ("team-chat", "team-mail")}


def example() -> Settings:
    return read(stack_file.read(EXAMPLE).config)


def test_the_part_of_a_stack_file_on_the_page_is_taken_as_it_is_written() -> None:
    (block,) = re.findall(r"```yaml\n(.+?)```", PAGE, re.DOTALL)
    given = {key.removeprefix("agent-observability:"): value for key, value in loaded(block).items()}
    cluster = {"name": "c-1", "environment": "staging", "context": "c-1", "flavour": "kind"}
    assert SYSTEM.key in read({"cluster": cluster, **given}).systems_on


def test_the_python_of_the_page_emits_what_the_contract_wants(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader])
    monkeypatch.setattr(metrics, "get_meter", provider.get_meter)
    (code,) = re.findall(r"```python\n(.+?)```", PAGE, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102  the page is the project's own

    assert list(made["stream"](iter(("RUN_STARTED", "RUN_FINISHED")))) == ["RUN_STARTED", "RUN_FINISHED"]
    made["used"](908, "acme", "support", "trial")

    exported = encode_metrics(reader.get_metrics_data())  # type: ignore[arg-type]  # there is data
    assert list(problems(CONTRACT, read_metrics(_JSON.MessageToJson(exported)))) == []


@pytest.mark.parametrize(
    ("alert", "severity"),
    [
        (alert.name, each)
        for alert in example().watched.alerts
        if alert.system == SYSTEM.key
        for each in alert.severities
    ],
)
def test_the_example_notifies_those_whom_the_document_names(alert: str, severity: Severity) -> None:
    labels = {"alertname": alert, "system": SYSTEM.key, "owner": SYSTEM.owner, "severity": severity.value}
    assert receivers_for(tree(example().notifications), labels) == PEOPLE[severity]


@pytest.mark.parametrize(
    ("alert", "severity"),
    [
        ("HighErrorRate", Severity.CRITICAL),
        ("ServiceNotReady", Severity.CRITICAL),
        ("ModelUnavailable", Severity.CRITICAL),
        ("SupabaseDown", Severity.CRITICAL),
        ("KubernetesContainerHighMemoryUsage", Severity.CRITICAL),
        ("KubernetesContainerThrottled", Severity.CRITICAL),
        ("SupabaseDiskSpaceLow", Severity.CRITICAL),
        ("AuthenticationFailures", Severity.CRITICAL),
        ("GuardrailViolations", Severity.CRITICAL),
        ("AdminToolForbidden", Severity.CRITICAL),
        ("ClientErrorsRising", Severity.WARNING),
        ("AgentToolsFailing", Severity.WARNING),
        ("SupabaseHighDBConnections", Severity.WARNING),
        ("KubernetesContainerHighCPUUsage", Severity.WARNING),
    ],
)
def test_the_example_has_the_alerts_of_other_systems_that_the_document_asks_for(alert: str, severity: Severity) -> None:
    (found,) = (each for each in example().watched.alerts if each.name == alert)
    assert severity in found.severities
    labels = {"alertname": alert, "system": found.system, "owner": found.owner, "severity": severity.value}
    assert receivers_for(tree(example().notifications), labels) == PEOPLE[severity]
