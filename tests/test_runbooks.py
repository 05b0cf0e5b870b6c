"""Runbooks: whoever is paged can take their commands as they stand."""

from __future__ import annotations

import re

import pytest

from components.settings.stack import Settings, read
from dashboards.listed import dashboards
from dashboards.model import Visualization
from model.runbooks import RUNBOOKS, runbooks
from model.uids import RUNBOOKS_FOLDER, runbook_title
from tests.catalogue import EVERYTHING
from tests.conftest import Stacks

NAMES = {"stack": "watching", "nodeAgents": "watching-nodes"}
CONTEXT = "admin@the cluster"
OURS = {
    "cluster": {
        "name": "c-1",
        "environment": "test",
        "context": CONTEXT,
        "flavour": "kubeadm",
        "namespaces": NAMES,
    }
}
STACK = read(EVERYTHING | OURS)


def shown(stack: Settings = STACK) -> dict[str, str]:
    """What Grafana shows of that stack's runbooks, by title."""
    made = dashboards(stack.systems_on, stack.watched, stack.cluster)
    panels = (panel for dashboard in made if dashboard.folder == RUNBOOKS_FOLDER for panel in dashboard.panels)
    return {panel.title: panel.description for panel in panels if panel.visualization is Visualization.TEXT}


def written() -> dict[str, str]:
    return {name: (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8") for name in runbooks()}


def test_every_command_goes_to_the_cluster_of_the_stack() -> None:
    for title, text in shown().items():
        for command in re.findall(r"kubectl.{40}", text):
            assert command.startswith(f"kubectl --context '{CONTEXT}' "), title


def test_a_command_about_the_stack_names_its_namespaces() -> None:
    for title, text in shown().items():
        named = set(re.findall(r"--namespace (\S+)", text))
        assert named <= {*NAMES.values(), "<namespace>"}, title
        assert "-namespace>" not in text, title


def test_a_runbook_shows_what_the_stack_file_has_changed() -> None:
    changed = read(EVERYTHING | OURS | {"alerts": {"AgentRunsFailing": {"warning": 0.07}, "SlowMcpOperations": "off"}})
    texts = shown(changed)
    assert "More than 7 % (warning) or 20 % (critical) of an agent's runs" in texts[runbook_title("AgentRunsFailing")]
    assert "longer than its threshold (off)." in texts[runbook_title("McpOperationsFailing")]


def test_no_runbook_is_written_for_one_stack_alone() -> None:
    for name, text in written().items():
        for literal in (r"(?<!systems\.)\bmonitoring\b", "monitoring-node-agents", "--context"):
            assert not re.search(literal, text), name


@pytest.mark.parametrize("collector", ["promtail", "otel"])
def test_a_command_names_what_a_stack_has(stack: Stacks, collector: str) -> None:
    made = stack("prod", logs={"collector": collector})
    there = {f"{kind.lower()}/{name}" for kind, name in made.objects}
    other = {"promtail": "daemonset/otel-agent", "otel": "daemonset/promtail"}[collector]
    for name, text in written().items():
        named = set(re.findall(r"(?<= )(?:service|statefulset|deployment|daemonset)/[a-z][a-z-]*", text))
        assert named <= {*there, other}, name
        for pod in re.findall(r" ([a-z-]+)-0\b", text):
            assert f"statefulset/{pod}" in there, name
        for service, port in re.findall(r"port-forward service/(\S+) (\d+)", text):
            assert int(port) in {each["port"] for each in made.kind("Service")[service]["spec"]["ports"]}, name
