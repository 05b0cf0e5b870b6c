"""A valid stack file, its changes, and the words in which a wrong one is refused."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import pytest

from components.settings.stack import Refused, read
from rules.systems import SYSTEMS
from tools.local.rendered import loaded

Wrong = tuple[str, str]
"""A change of the valid file, as YAML, and what is said about it."""

SECRETS = ("slackUrl", "remoteToken")
"""The secrets of the stack."""
VALID = """
cluster: {name: prod-1, environment: prod, context: prod, flavour: eks}
prometheus:
  storage: 100Gi
  externalLabels: {team: platform}
  remoteWrite: [{name: mimir, url: https://mimir.example.com/push, bearerTokenSecret: remoteToken}]
  scrapeJobs: [{name: agents, targets: ["agents.apps.svc:8080"], interval: 10s}]
systems: {kubernetes: {}, nodes: {}}
alerts: {TargetDown: {for: 10m, severity: critical}, PrometheusRulesFailing: off}
notifications:
  receivers: [{name: on-call, webhook: {urlSecret: slackUrl}}, {name: heartbeat, deadMan: {urlSecret: slackUrl}}]
  routes: [{receiver: on-call}]
slos: [{name: checkout, objective: 99.9, total: requests_total, errors: failures_total, owner: shop}]
"""

DURATION = "a duration like 15s, 6h or 7d"
BYTES = "an amount of bytes like 512Mi, 20Gi or 20GiB"
CPU = "an amount of CPU like 250m, 0.5 or 2"
URL = "a URL like https://metrics.example.com/api/v1/write"
ADDRESS = "a host and port like api.agents.svc:8080"
RANGE = "a range of addresses like 10.0.0.0/8"
NAME = "a name of at most 63 lower-case letters, digits and dashes"
DNS_NAME = "a name of at most 253 lower-case letters, digits, dashes and dots, like fast.example.com"
METRIC = (
    "the whole name of a metric or a pattern of it, like node_softnet_.+: at most 200 letters, digits, underscores,"
    " colons and . * + ? | ( ) [ ]"
)
LABEL_NAME = "a label name of letters, digits and underscores"
LABEL_VALUE = "a Kubernetes label value of at most 63 characters"
QUALIFIED = "a Kubernetes name like example.com/team"
REGISTRY = "a host and optional path like mirror.example.com/quay"
REFERENCE = "the name of a top-level secret of this stack, or {name, key} of an existing Kubernetes Secret"
IN_PLAIN = "(hidden): a secret is never given in plain: use"
INSIDE = "(hidden): holds a secret: give that a top-level key of its own, and name the key here"
SET_IN_PLAIN = "is in plain text in the stack file: set it with pulumi config set --secret"
OVER_HTTP = "an https URL: in production no password or token crosses the network in plain"
INTERVAL = "a duration from 1s to 2m: after 5m without sample a series is gone"
LONGER = "a duration longer than 0s"
FREE = "a label that neither the stack nor Kubernetes sets itself"
EXTERNAL = "a label that the stack does not set itself: cluster, environment, prometheus_replica are"
OVERRIDE = "off, or a mapping with critical, warning, info, for, severity, owner, labels or exclude"
KEYS = ", ".join(system.key for system in SYSTEMS)
SECTIONS = (
    "cluster, prometheus, alertmanager, grafana, collector, jaeger, loki, logs, systems, alerts, owners, "
    "notifications, slos, content, accepted"
)
HOOK = "notifications.receivers[0].webhook"
REMOTE = "prometheus.remoteWrite[0]"
JOB = "prometheus.scrapeJobs[0]"
ONE_SOURCE = "exactly one of targets, service, pods, http, dns, ec2, azure, gce, file"


def changed(base: Any, changes: Any) -> Any:
    """``base`` with ``changes`` in it, mappings key by key; a list changes in the positions that it has."""
    if isinstance(base, dict) and isinstance(changes, dict):
        return base | {key: changed(base.get(key), value) for key, value in changes.items()}
    if isinstance(base, list) and isinstance(changes, list) and changes:
        return [changed(*pair) for pair in zip(base, changes, strict=False)] + changes[len(base) :]
    return changes


def stack_file(changes: str = "") -> dict[str, Any]:
    made: dict[str, Any] = changed(loaded(VALID), loaded(changes) or {})
    return made


def problems(config: dict[str, Any], secrets: tuple[str, ...] | None = SECRETS) -> list[str]:
    with pytest.raises(Refused) as refused:
        read(config, secrets)
    return refused.value.problems


def assert_for_people(wrong: Sequence[Wrong]) -> None:
    """Nothing twice, no secret's value, and no words of the library that checks."""
    assert len({change for change, _ in wrong}) == len(wrong)
    for change, said in wrong:
        assert "hunter2" not in said, change
        assert not re.search("Input should|Value error|pydantic|instance of", said), said
