"""A platform's sample application under its stack's own watch: real Prometheus and Alertmanager, on rendered files."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from dashboards.queries import filled, prometheus_queries
from tests.conftest import NOTHING
from tests.dashboards import WRITTEN
from tools import stack_file
from tools.local.account import Account
from tools.local.asked import number, query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json, http_text
from tools.local.receiving import Endpoints, endpoints
from tools.local.rendered import Manifest, Rendered, changed, loaded
from tools.local.server import LocalServer
from tools.recorder import ROOT

FASTER = 30
"""How much shorter ranges are: five minutes become ten seconds, in which there are ten scrapes."""
LONGEST, FURTHEST = 120, 10
"""Seconds of the longest range and of the furthest offset, whatever they are in the stack."""
NOT_OF_PLATFORMS = ".*(SloNoData|ErrorBudget.*)|Watchdog"
"""Alerts of objectives, whose windows are hours."""
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Program:
    """A program of the application."""

    service: str
    port: int
    """Of its pods in the cluster."""
    address: str
    """Where it is on this machine."""


@dataclass(frozen=True)
class Proof:
    """What watches the application."""

    prometheus: LocalServer
    alertmanager: LocalServer
    receivers: Endpoints
    system: str

    def value(self, expression: str) -> float | None:
        return number(self.prometheus, expression)

    def fires(self, *expected: tuple[str, str]) -> None:
        """Wait until exactly these alerts of the platform fire, by name and severity, muted ones too."""
        firing = f'ALERTS{{alertstate="firing", system="{self.system}", alertname!~"{NOT_OF_PLATFORMS}"}}'
        self._wait(lambda: {_name(each["metric"]) for each in query(self.prometheus, firing)}, expected, "fire")

    def notifies(self, *expected: tuple[str, str]) -> None:
        """Wait until exactly these alerts of the platform are notified: they fire, and no other one mutes them."""

        def active() -> set[tuple[str, str]]:
            found: list[Manifest] = http_json(f"{self.alertmanager.url}/api/v2/alerts?inhibited=false&active=true")
            labels = (each["labels"] for each in found)
            return {
                _name(each)
                for each in labels
                if each["system"] == self.system and not re.fullmatch(NOT_OF_PLATFORMS, each["alertname"])
            }

        self._wait(active, expected, "are notified")

    def _wait(self, read: Any, expected: tuple[tuple[str, str], ...], what: str) -> None:
        def there() -> bool:
            found = read()
            assert found == set(expected), f"{sorted(found)}"
            return True

        eventually(there, 90, f"{sorted(expected)} {what}")

    def received(self, alert: str, severity: str, status: str = "firing") -> set[str]:
        """The receivers that have had a notification of an alert."""
        return {
            post.path.split("/")[1]
            for post in self.receivers.posted
            for each in post.body["alerts"]
            if each["status"] == status and _name(each["labels"]) == (alert, severity)
        }

    def empty_panels(self) -> list[str]:
        """Panels of the platform's dashboards that have no data now."""
        return [
            f"{dashboard.title} / {panel.title}: {each.expr}"
            for dashboard in WRITTEN
            if self.system in dashboard.tags
            for panel, each in prometheus_queries(dashboard)
            if not query(self.prometheus, _shorter(filled(each.expr)))
        ]


def _name(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels["alertname"], labels["severity"]


def _shorter(text: str) -> str:
    """PromQL with ranges and offsets that are FASTER times shorter."""

    def short(found: re.Match[str]) -> str:
        seconds = sum(float(count) * _UNITS[unit] for count, unit in re.findall(r"(\d+)(ms|[smhdw])", found["length"]))
        step = f":{max(1, round(seconds / FASTER / 10))}s" if found["step"] else ""
        most = LONGEST if found["before"] == "[" else FURTHEST
        return f"{found['before']}{max(2, min(most, round(seconds / FASTER)))}s{step}"

    return re.sub(r"(?P<before>\[|\boffset )(?P<length>(?:\d+(?:ms|[smhdw]))+)(?P<step>:\w*)?", short, text)


def hurry(rendered: Rendered, shorter: Callable[[str], str] = _shorter) -> None:
    """Let rules look back less far, wait for a second, and be evaluated each second."""
    for made in rendered.of_kind("ConfigMap"):
        if made["metadata"]["name"] == "prometheus-rules":
            for path, text in made["data"].items():
                file = loaded(text)
                for group in file["groups"]:
                    group["interval"] = "1s"
                    group["rules"] = [_hurried(rule, shorter) for rule in group["rules"]]
                made["data"][path] = yaml.safe_dump(file)


def _hurried(rule: Manifest, shorter: Callable[[str], str]) -> Manifest:
    waits = {"for": "1s"} if "for" in rule else {}
    kept = {key: value for key, value in rule.items() if key != "keep_firing_for"}
    return {**kept, "expr": shorter(rule["expr"]), **waits}


def _stack(home: Path, system: str, settings: Mapping[str, Any], also: Mapping[str, Any]) -> Rendered:
    """The stack `dev` with the platform and ``also`` others, and receivers and routes of its example as webhooks."""
    given = stack_file.read(ROOT / "examples" / system / "Pulumi.prod.yaml").config["notifications"]
    people = [each["name"] for each in given["receivers"] if "deadMan" not in each]
    hooks = [{"name": name, "webhook": {"urlSecret": {"name": "hooks", "key": name}}} for name in people]
    quick = {"groupWait": "1s", "criticalGroupWait": "1s", "groupInterval": "1s"}
    changes = {
        "cluster": {"namespaces": {"stack": f"proof-{system}".replace("_", "-"), "nodeAgents": "proof-nodes"}},
        "prometheus": {"scrapeInterval": "1s", "evaluationInterval": "1s"},
        "systems": {**NOTHING, **also, system: settings},
        "notifications": {**given, **quick, "receivers": hooks},
    }
    return changed(home / "stack", changes=changes)


@contextmanager
def proof(
    home: Path,
    cluster: ControlPlane,
    system: str,
    settings: Mapping[str, Any],
    namespace: str,
    programs: Mapping[str, Program],
    also: Mapping[str, Any] | None = None,
) -> Iterator[Proof]:
    """Prometheus, Alertmanager and receivers around ``programs``, by job, which run in ``namespace``.

    ``also`` are the settings of other systems that watch them.
    """
    made = _stack(home, system, settings, also or {})
    hurry(made)
    with ExitStack() as running:
        receivers = running.enter_context(endpoints())
        alertmanager = LocalServer(
            made,
            "alertmanager",
            home / "alertmanager",
            planted={f"{name}-url": f"{receivers.url}/{name}" for name in _receivers(made)},
        )
        cluster.namespace(alertmanager.rendered.namespace)
        cluster.namespace(namespace)
        cluster.apply(*(_slice(program, namespace) for program in programs.values()))
        prometheus = LocalServer(
            made,
            "prometheus",
            home / "prometheus",
            Account.granted(cluster, made, "prometheus"),
            alertmanagers=[alertmanager.address],
            redirect={job: program.address for job, program in programs.items()},
        )
        running.enter_context(alertmanager.running())
        process = running.enter_context(prometheus.process())
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        found = Proof(prometheus, alertmanager, receivers, system)
        jobs = "|".join(programs)
        eventually(lambda: found.value(f'sum(up{{job=~"{jobs}"}})') == len(programs), 60, "all are scraped")
        yield found


def _receivers(made: Rendered) -> list[str]:
    (config,) = (
        loaded(each["data"]["alertmanager.yml"])
        for each in made.of_kind("ConfigMap")
        if "alertmanager.yml" in each.get("data", {})
    )
    return [each["name"] for each in config["receivers"]]


def _slice(program: Program, namespace: str) -> Manifest:
    """What the cluster would list behind a program's Service; the address is one of documentation's."""
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": program.service,
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": program.service},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}],
        "ports": [{"name": "metrics", "port": program.port, "protocol": "TCP"}],
    }
