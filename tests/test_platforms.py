"""The example stack of each platform: it is taken as it stands, and notifies those whom the platform names."""

from __future__ import annotations

from functools import cache

import pytest

from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from rules.systems import SYSTEMS
from tools import stack_file
from tools.recorder import ROOT

PLATFORMS = [system.key for system in SYSTEMS if system.contract]
NOTIFIED = {
    ("agent_hive", "AgentHiveDown", "critical"): ("agent-hive-down", "critical-mail", "critical-chat"),
    ("agent_hive", "AgentHiveLowActiveAgents", "critical"): ("critical-mail", "critical-chat"),
    ("agent_hive", "AgentHiveLowActiveAgents", "warning"): ("warning-chat",),
    ("agent_hive", "PostgreSQLDown", "critical"): ("critical-mail", "critical-chat"),
    ("interaction_backend", "InteractionUnavailable", "critical"): ("on-call", "urgent-chat"),
    ("interaction_backend", "InteractionTokenBudgetSpent", "warning"): ("team-chat", "team-mail"),
    ("eliza", "ElizaAPIDown", "critical"): ("critical-mail", "critical-chat", "agents-hook", "agents-chat"),
    ("eliza", "AgentDeploymentFailed", "critical"): ("critical-mail", "critical-chat", "agents-hook", "agents-chat"),
    ("eliza", "AgentDeploymentFailed", "warning"): ("agents-hook", "agents-chat"),
    ("eliza", "AgentUnhealthy", "warning"): ("agents-hook", "agents-chat"),
    ("eliza", "PortainerStackDown", "critical"): (
        "critical-mail",
        "critical-chat",
        "portainer-hook",
        "portainer-chat",
    ),
    ("eliza", "PortainerServiceReplicaMismatch", "warning"): ("portainer-hook", "portainer-chat"),
    ("eliza", "SupabaseHighDBConnections", "critical"): (
        "critical-mail",
        "critical-chat",
        "supabase-rows",
        "supabase-chat",
    ),
    ("eliza", "SupabaseHighDBConnections", "warning"): ("supabase-rows", "supabase-chat"),
    ("eliza", "SupabaseRealtimeConnectionDrop", "warning"): ("supabase-rows", "supabase-chat"),
    ("eliza", "KubernetesContainerHighMemoryUsage", "warning"): ("monitoring-chat",),
}
"""By platform, alert and severity, the receivers."""


@cache
def example(platform: str) -> Settings:
    return read(stack_file.read(ROOT / "examples" / platform / "Pulumi.prod.yaml").config)


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_alert_of_a_platform_notifies_somebody(platform: str) -> None:
    settings = example(platform)
    root = tree(settings.notifications)
    known = alert_labels(settings.watched, settings.cluster)
    assert {labels["system"] for labels in known} >= {platform}
    assert [labels for labels in known if not receivers_for(root, labels)] == []


@pytest.mark.parametrize(("platform", "alert", "severity"), NOTIFIED)
def test_an_alert_of_a_platform_notifies_those_whom_its_operators_named(
    platform: str, alert: str, severity: str
) -> None:
    settings = example(platform)
    found = [
        labels
        for labels in alert_labels(settings.watched, settings.cluster)
        if (labels["alertname"], labels["severity"]) == (alert, severity)
    ]
    expected = NOTIFIED[platform, alert, severity]
    assert {receivers_for(tree(settings.notifications), labels) for labels in found} == {expected}
