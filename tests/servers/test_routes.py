"""Alertmanager's own tool agrees with our walk of the routes, for every alert that a stack can have."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import pytest

from components.alertmanager.config import NOBODY
from components.routing import TEST_PAGE, Node, receivers_for, tree
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from rules.model import Severity
from tests.conftest import stack_text
from tests.servers.local import render_text
from tests.servers.rendered import STACKS, Rendered
from tools import stack_file
from tools.recorder import ROOT
from tools.servers.build import binary

SECRET = {"name": "alert-receivers", "key": "any"}
NESTED = stack_text(
    {
        "cluster": {"name": "nested-1", "environment": "staging", "context": "nested", "flavour": "kubeadm"},
        "systems": {"kubernetes": {}, "nodes": {}},
        "notifications": {
            "receivers": [
                *(
                    {"name": name, "webhook": {"urlSecret": SECRET}}
                    for name in ("pager", "chat", "shop", "night", "rest")
                ),
                {"name": "beat", "deadMan": {"urlSecret": SECRET}},
                {"name": "second-beat", "deadMan": {"urlSecret": SECRET, "interval": "5m"}},
            ],
            "times": [
                {"name": "night", "timeZone": "Europe/Berlin", "from": "22:00", "to": "06:00"},
                {
                    "name": "weekend",
                    "timeZone": "America/New_York",
                    "weekdays": ["saturday", "sunday"],
                    "from": "20:30",
                },
                {"name": "party", "weekdays": ["friday", "saturday"], "from": "23:15", "to": "01:45"},
            ],
            "routes": [
                {
                    "receiver": "pager",
                    "severity": ["critical"],
                    "continue": True,
                    "routes": [
                        {"receiver": "night", "namespace": ["shop", "cart.v2-*"], "activeTimes": ["night", "weekend"]},
                        {"owner": ["plat*"], "continue": True, "groupBy": ["alertname"], "repeatInterval": "1h"},
                        {"receiver": "chat", "environment": ["stag*", "prod"]},
                    ],
                },
                {
                    "receiver": "shop",
                    "namespace": ["shop"],
                    "severity": ["warning", "critical"],
                    "muteTimes": ["party"],
                },
                {"severity": ["warning"], "routes": [{"receiver": "chat", "owner": ["platform"], "groupWait": "0s"}]},
                {"receiver": "rest", "severity": ["info"], "environment": ["staging"]},
            ],
        },
    }
)


@dataclass(frozen=True)
class Routed:
    """A stack: its tree of routes, and the configuration that was rendered from it."""

    settings: Settings
    config: Path

    @property
    def root(self) -> Node:
        return tree(self.settings.notifications)

    def alerts(self) -> Iterator[dict[str, str]]:
        """Every severity, owner, system, environment and namespace of the catalogue and of the routes, and none."""
        known = alert_labels(self.settings.watched, self.settings.cluster)
        owners = {labels["owner"] for labels in known} | {"somebody"}
        systems = {labels.get("system", "") for labels in known} | {"elsewhere"}
        environments = {self.settings.cluster.environment, "prod"}
        names = ({"alertname": name} for name in ("Any", "Watchdog"))
        for name, severity, owner, system, environment, namespace in product(
            names,
            Severity,
            sorted(owners),
            sorted(systems),
            sorted(environments),
            ("", "shop", "cart.v2-a", "cartxv2-a"),
        ):
            labels = {"severity": severity.value, "owner": owner, "system": system, "environment": environment}
            yield {label: value for label, value in {**name, **labels, "namespace": namespace}.items() if value}
        yield from known
        yield from ({TEST_PAGE: each.name, "severity": "critical"} for each in self.settings.notifications.receivers)

    def asked(self, labels: dict[str, str]) -> tuple[str, ...]:
        """The receivers that amtool names, in their order."""
        command: list[str | Path] = [binary("amtool"), "config", "routes", "test", f"--config.file={self.config}"]
        done = subprocess.run(
            [*command, *(f"{label}={value}" for label, value in labels.items())],
            capture_output=True,
            text=True,
            check=True,
        )
        return tuple(dict.fromkeys(name for name in done.stdout.strip().split(",") if name != NOBODY))


@pytest.fixture(scope="module", params=[*STACKS, "nested"])
def routed(
    request: pytest.FixtureRequest, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Routed:
    folder, name = tmp_path_factory.mktemp("routed"), request.param
    path = ROOT / f"Pulumi.{name}.yaml"
    if name == "nested":
        path = folder / "Pulumi.nested.yaml"
        stack = render_text(name, folder, NESTED)
    else:
        stack = rendered(name)
    files = stack.config("alertmanager") / "config"
    config = folder / "alertmanager.yml"
    config.write_text((files / "alertmanager.yml").read_text().replace("/etc/alertmanager/config", str(files)))
    return Routed(read(stack_file.read(path).config), config)


def test_the_configuration_passes_its_own_check(routed: Routed) -> None:
    done = subprocess.run(
        [binary("amtool"), "check-config", routed.config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout, "the template is read, too"


def test_amtool_agrees_on_every_alert(routed: Routed) -> None:
    alerts = list(routed.alerts())
    assert len(alerts) > 100
    with ThreadPoolExecutor(4) as pool:
        told: Sequence[tuple[str, ...]] = list(pool.map(routed.asked, alerts))
    assert [(labels, names) for labels, names in zip(alerts, told, strict=True) if names] == [
        (labels, names) for labels in alerts if (names := receivers_for(routed.root, labels))
    ]
