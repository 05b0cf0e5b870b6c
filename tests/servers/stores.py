"""Stores under a stack's own watch: rendered exporters, a Prometheus that scrapes them, an Alertmanager behind it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.system import System
from rules.systems import EXAMPLE
from tests.conftest import NOTHING
from tools.local.account import Account
from tools.local.asked import number, query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_json, http_text
from tools.local.rendered import Manifest, Rendered, changed
from tools.local.server import LocalServer

BACKGROUND = ("SloNoData", "ErrorBudget")
"""Alerts of objectives, whose windows are hours."""
_FIRING = f'ALERTS{{alertstate="firing", alertname!~".*({"|".join(BACKGROUND)}).*"}}'


def stack(
    home: Path, system: System[Any], settings: Mapping[str, Any], lower: Mapping[str, Mapping[str, float]]
) -> Rendered:
    """The stack `dev` with one system alone, whose alerts wait for a second only; some have ``lower`` thresholds."""
    watched = system.build(system.settings.model_validate(settings), EXAMPLE)
    alerts = {alert.name: {"for": "1s", **lower.get(alert.name, {})} for alert in watched.alerts}
    namespaces = {"stack": f"watching-{system.key}", "nodeAgents": f"watching-{system.key}-nodes"}
    changes = {
        "cluster": {"namespaces": namespaces},
        "prometheus": {"scrapeInterval": "3s", "evaluationInterval": "1s"},
        "systems": {**NOTHING, system.key: settings},
        "alerts": alerts,
    }
    return changed(home / "stack", changes=changes)


@dataclass(frozen=True)
class Watching:
    """What watches the stores."""

    prometheus: LocalServer
    alertmanager: LocalServer
    exporters: Mapping[str, LocalServer]

    def value(self, expression: str) -> float | None:
        return number(self.prometheus, expression)

    def firing(self) -> set[tuple[str, str, str]]:
        """Name, severity and subject of each alert that fires: its server, or else its service."""
        found = query(self.prometheus, _FIRING)
        return {_told(each["metric"]) for each in found}

    def notified(self) -> set[tuple[str, str, str]]:
        """Those that no other one mutes."""
        found: list[Manifest] = http_json(f"{self.alertmanager.url}/api/v2/alerts?inhibited=false&active=true")
        return {
            _told(each["labels"]) for each in found if not any(of in each["labels"]["alertname"] for of in BACKGROUND)
        }

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Nothing fires meanwhile, not even for a moment."""
        began = time.time()
        yield
        fired = query(self.prometheus, f"count_over_time({_FIRING}[{math.ceil(time.time() - began)}s])")
        assert [_told(each["metric"]) for each in fired] == []

    def fires(self, *expected: tuple[str, str, str]) -> None:
        """Wait until exactly these fire."""
        self._wait(self.firing, set(expected), "fire")

    def notifies(self, *expected: tuple[str, str, str]) -> None:
        """Wait until people are notified of exactly these."""
        self._wait(self.notified, set(expected), "notify")

    def _wait(self, read: Any, expected: set[tuple[str, str, str]], what: str) -> None:
        def there() -> bool:
            found = read()
            assert found == expected, f"{found}"
            return True

        eventually(there, 45, f"{sorted(expected)} {what}")


def _told(labels: Mapping[str, str]) -> tuple[str, str, str]:
    return labels["alertname"], labels["severity"], labels.get("instance", labels.get("service", ""))


@contextmanager
def watching(
    made: Rendered,
    home: Path,
    cluster: ControlPlane,
    job: str,
    exporters: Mapping[str, LocalServer],
    addresses: Mapping[str, str] | None = None,
    planted: Mapping[str, str] | None = None,
) -> Iterator[Watching]:
    """Prometheus, Alertmanager and the exporters, by instance, running.

    ``addresses`` replace others of Prometheus, and ``planted`` are its secrets. Without exporters, ``job`` is a regular
    expression for jobs of these addresses.
    """
    alertmanager = LocalServer(made, "alertmanager", home / "alertmanager")
    namespace = alertmanager.rendered.namespace
    cluster.namespace(namespace)
    if exporters:
        cluster.apply(*(_slice(exporter, namespace) for exporter in exporters.values()))
    account = Account.granted(cluster, made, "prometheus")
    prometheus = LocalServer(
        made,
        "prometheus",
        home / "prometheus",
        account,
        addresses=addresses,
        planted=planted,
        alertmanagers=[alertmanager.address],
        redirect={job: {name: exporter.address for name, exporter in exporters.items()}},
    )
    with ExitStack() as running:
        for server in (*exporters.values(), alertmanager):
            running.enter_context(server.running())
        process = running.enter_context(prometheus.process())
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        everyone = Watching(prometheus, alertmanager, exporters)
        targets = len(exporters or addresses or ())
        eventually(lambda: everyone.value(f'sum(up{{job=~"{job}"}})') == targets, 60, "all are scraped")
        yield everyone


def _slice(exporter: LocalServer, namespace: str) -> Manifest:
    """What the cluster would list behind the exporter's Service; the address is one of documentation's."""
    (service,) = exporter.rendered.services
    name = service["metadata"]["name"]
    ports = [{"name": port["name"], "port": port["port"], "protocol": "TCP"} for port in service["spec"]["ports"]]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": name, "namespace": namespace, "labels": {"kubernetes.io/service-name": name}},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}}],
        "ports": ports,
    }
