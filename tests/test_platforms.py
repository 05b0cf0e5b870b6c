"""The example stack of each platform: it is taken as it stands, and notifies those whom the platform names."""

from __future__ import annotations

from functools import cache

import pytest

from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from model.scrape import KubernetesDiscovery
from rules.systems import EXAMPLE, SYSTEMS
from tools import stack_file
from tools.demo.stack import changes
from tools.local.platforms import PLATFORMS as APPLICATIONS
from tools.local.stack_text import merged
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


# --- the demo ---


def test_the_demo_shows_every_platform() -> None:
    assert sorted(APPLICATIONS) == sorted(PLATFORMS)
    assert [key for key in PLATFORMS if not (ROOT / "tests" / "platforms" / f"{key}.py").is_file()] == []


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_demo_has_what_each_scrape_job_of_a_platform_discovers_by_default(platform: str) -> None:
    (system,) = (each for each in SYSTEMS if each.key == platform)
    programs = APPLICATIONS[platform].programs
    jobs = {job.name: job for job in system.build(system.settings(), EXAMPLE).scrape_jobs}
    assert {program.job for program in programs if program.job} == jobs.keys()
    for program in programs:
        if program.job:
            discovery = jobs[program.job].discovery
            assert isinstance(discovery, KubernetesDiscovery)
            assert program.namespace in discovery.namespaces
            assert program.port in {port for _, ports in jobs[program.job].egress for port in ports}


@pytest.mark.parametrize("platform", PLATFORMS)
def test_the_demo_watches_a_platform_by_its_default_settings(platform: str) -> None:
    config = stack_file.read(ROOT / "Pulumi.dev.yaml").config
    settings = read(merged(config, changes("http://127.0.0.1:1", (), (platform,))))
    (system,) = (each for each in SYSTEMS if each.key == platform)
    assert dict(settings.systems)[platform] == system.settings()
