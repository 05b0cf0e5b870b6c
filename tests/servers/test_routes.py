"""Alertmanager's own tool agrees with our walk of the routes, and with Grafana's policy, for all alerts of a stack."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.alertmanager.config import NOBODY
from components.alertmanager.templates import Links
from components.grafana.notifications import ALWAYS, Notifications, forwarded, own
from components.routing import TEST_PAGE, Node, receivers_for, tree
from components.settings.grafana_alerts import people
from components.settings.notification_checks import alert_labels
from components.settings.stack import Settings, read
from model.rules import Severity
from model.yaml_text import text
from tests import stack_settings
from tests.stack_settings import RECORDED
from tools import stack_file
from tools.local.rendered import Rendered, render_text
from tools.local.stack_text import stack_text
from tools.servers.find import binary

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
        """All labels of the catalogue, and every combination of what a route names and of what none does.

        Combinations of all owners and systems of the catalogue would be ten thousand of a stack with every system.
        """
        known = alert_labels(self.settings.watched, self.settings.cluster)
        owners = {*named(self.root, "owner"), "somebody"}
        systems = {*named(self.root, "system"), "elsewhere", ""}
        environments = {self.settings.cluster.environment, "prod"}
        names = ({"alertname": name} for name in ("Any", "Watchdog"))
        for name, severity, owner, system, environment, namespace in product(
            names,
            Severity,
            sorted(owners),
            sorted(systems),
            sorted(environments),
            ("", "shop", "shopping", "cart.v2-a", "cartxv2-a"),
        ):
            labels = {"severity": severity.value, "owner": owner, "system": system, "environment": environment}
            yield {label: value for label, value in {**name, **labels, "namespace": namespace}.items() if value}
        yield from known
        yield from ({TEST_PAGE: each.name, "severity": "critical"} for each in self.settings.notifications.receivers)


def named(node: Node, label: str) -> set[str]:
    """Values of a label that match what the routes at and below ``node`` name."""
    own = {
        value.replace("*", "-any") for matcher in node.matchers if matcher.label == label for value in matcher.values
    }
    return own.union(*(named(inner, label) for inner in node.nodes))


def asked(config: Path, labels: dict[str, str]) -> tuple[str, ...]:
    """The receivers that amtool names for an alert, in their order."""
    command: list[str | Path] = [binary("amtool"), "config", "routes", "test", f"--config.file={config}"]
    done = subprocess.run(
        [*command, *(f"{label}={value}" for label, value in labels.items())],
        capture_output=True,
        text=True,
        check=True,
    )
    return tuple(dict.fromkeys(name for name in done.stdout.strip().split(",") if name != NOBODY))


def all_asked(config: Path, alerts: Sequence[dict[str, str]]) -> list[tuple[str, ...]]:
    """The same of many; alerts that differ in nothing that a route looks at are asked about once."""
    looked_at = labels_of(yaml.safe_load(config.read_text())["route"])
    seen = [tuple((label, value) for label, value in alert.items() if label in looked_at) for alert in alerts]
    different = sorted(set(seen))
    with ThreadPoolExecutor(4) as pool:
        told = dict(zip(different, pool.map(partial(asked, config), map(dict, different)), strict=True))
    return [told[each] for each in seen]


def labels_of(route: dict[str, Any]) -> set[str]:
    """The names of all labels that the matchers of a route, or of one inside it, look at."""
    own = {re.split("[=!]", matcher)[0].strip() for matcher in route.get("matchers", ())}
    return own.union(*(labels_of(inner) for inner in route.get("routes", ())))


@pytest.fixture(scope="module", params=[*RECORDED, "nested"])
def routed(
    request: pytest.FixtureRequest, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Routed:
    folder, name = tmp_path_factory.mktemp("routed"), request.param
    if name == "nested":
        stack = render_text(name, folder, NESTED)
        settings = read(stack_file.read(folder / "Pulumi.nested.yaml").config)
    else:
        stack, settings = rendered(name), stack_settings.settings(name)
    files = stack.config("alertmanager") / "config"
    config = folder / "alertmanager.yml"
    config.write_text((files / "alertmanager.yml").read_text().replace("/etc/alertmanager/config", str(files)))
    return Routed(settings, config)


def test_the_configuration_passes_its_own_check(routed: Routed) -> None:
    done = subprocess.run(
        [binary("amtool"), "check-config", routed.config], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 templates" in done.stdout, "the template is read, too"


def test_amtool_agrees_on_every_alert(routed: Routed) -> None:
    alerts = list(routed.alerts())
    assert len(alerts) > 100
    told = all_asked(routed.config, alerts)
    assert [(labels, names) for labels, names in zip(alerts, told, strict=True) if names] == [
        (labels, names) for labels in alerts if (names := receivers_for(routed.root, labels))
    ]


# --- Grafana's policy, as Alertmanager would have it ---


def back(grafana: Notifications) -> dict[str, Any]:
    """Alertmanager's configuration, from what Grafana was given alone."""
    return {
        "route": _route(grafana.policy),
        "receivers": [{"name": name} for name in (NOBODY, *(each.name for each in grafana.contact_points))],
        "time_intervals": [
            {
                "name": timing.name,
                "time_intervals": [
                    {
                        **span,
                        "times": [{"start_time": each["start"], "end_time": each["end"]} for each in span["times"]],
                    }
                    for span in timing.intervals
                ],
            }
            for timing in grafana.timings
        ],
    }


def _route(given: dict[str, Any]) -> dict[str, Any]:
    muted = given.get("mute_timings", [])
    plain = {
        # What is always muted goes to nobody; of times, amtool knows nothing.
        "receiver": NOBODY if ALWAYS in muted else given["contact_point"],
        "matchers": [f'{each["label"]}{each["match"]}"{each["value"]}"' for each in given.get("matchers", [])],
        "continue": given.get("continue_"),
        "group_by": given["group_bies"],
        **{name: given.get(name) for name in ("group_wait", "group_interval", "repeat_interval")},
        "mute_time_intervals": muted,
        "active_time_intervals": given.get("active_timings"),
        "routes": [_route(child) for child in given.get("policies", [])],
    }
    return {name: value for name, value in plain.items() if value}


def test_grafana_notifies_the_same_people_as_alertmanager(routed: Routed, tmp_path: Path) -> None:
    """Whatever the alert, but that dead men are not Grafana's: it has no Watchdog, and calls none."""
    settings = routed.settings.notifications
    told = {receiver.name for receiver in people(settings)}
    if not told:
        assert "policies" not in forwarded(routed.settings.alertmanager, routed.settings.cluster).policy
        return
    config = tmp_path / "alertmanager.yml"
    config.write_text(text(back(own(settings, Links(routed.settings.grafana.address)))))
    checked = subprocess.run([binary("amtool"), "check-config", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    alerts = [labels for labels in routed.alerts() if labels.get(TEST_PAGE, next(iter(told))) in told]
    theirs = [tuple(name for name in names if name in told) for names in all_asked(routed.config, alerts)]
    assert any(theirs)
    assert list(zip(alerts, all_asked(config, alerts), strict=True)) == list(zip(alerts, theirs, strict=True))
