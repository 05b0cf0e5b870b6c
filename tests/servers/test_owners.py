"""Whose an alert is when it fires, what it leaves out, and whom it reaches: in real Prometheus and Alertmanager."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from components.settings.stack import read
from rules.render import rule_group
from tests.catalogue import EVERYTHING, place
from tests.rules.examples import Labels, Series, counters, gauges, metric, of
from tests.rules.promtool import run, with_everywhere, write
from tests.servers.reported import CONTAINER
from tools.local.account import Account
from tools.local.alerting_path import OFTEN, QUICK, AlertingPath, alerting_path
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually, http_text
from tools.local.rendered import Rendered
from tools.local.server import LocalServer
from tools.local.stack_text import merged

PULL = "KubernetesImagePullFailing"
TEAMS = {
    "shop": {"namespaces": ["shop", "shop-*"], "services": ["checkout"]},
    "payments": {"namespaces": ["shop-payments"], "services": ["shop/checkout"], "alerts": ["NodeRebooted"]},
    "hardware": {"systems": ["nodes"]},
}


def pod(namespace: str, workload: str, team: str = "") -> Series:
    """A pod without its image, which names its team or none."""
    of = {"namespace": namespace, "pod": f"{workload}-0"}
    return gauges(
        {
            metric("kube_pod_owner", of, owner_kind="StatefulSet", owner_name=workload, owner_is_controller="true"): 1,
            metric("kube_pod_info", of, node="n-1"): 1,
            metric("kube_pod_labels", of, **({"label_team": team} if team else {})): 1,
            metric("kube_pod_container_status_waiting_reason", of, container="app", reason="ErrImagePull"): 1,
        }
    )


def fires(folder: Path, system: str, series: Series, expected: dict[str, list[Labels]], **sections: Any) -> str:
    """What promtool says against ``expected``: by alert, some labels of each that fires after half an hour."""
    settings = read({**EVERYTHING, **sections})
    groups = [rule_group(group, place(settings)) for group in settings.watched.groups if group.system == system]
    asked = [
        {
            "expr": f'count by ({", ".join(labels[0])}) (ALERTS{{alertname="{alert}", alertstate="firing"}})',
            "eval_time": "30m",
            "exp_samples": [{"labels": f"{{{of(each)}}}", "value": 1} for each in labels],
        }
        for alert, labels in expected.items()
    ]
    made = [{"series": with_everywhere(selector), "values": values} for selector, values in series.items()]
    write(folder, "owners", groups, [{"name": "it", "interval": "1m", "input_series": made, "promql_expr_test": asked}])
    return run(folder)["it"]


def owned(namespace: str, workload: str, owner: str) -> Labels:
    return {"namespace": namespace, "workload": workload, "owner": owner}


OWNED = [
    # The pods' own label, in a namespace of nobody and in one of somebody.
    (pod("elsewhere", "api", "payments"), owned("elsewhere", "api", "payments")),
    (pod("shop", "api", "payments"), owned("shop", "api", "payments")),
    (pod("shop", "typo", "paymants"), owned("shop", "typo", "shop")),
    # A service goes before its pods' label, and with its namespace before the same name anywhere.
    (pod("elsewhere", "checkout", "payments"), owned("elsewhere", "checkout", "shop")),
    (pod("shop", "checkout", "shop"), owned("shop", "checkout", "payments")),
    # A whole name goes before a pattern.
    (pod("shop-payments", "db"), owned("shop-payments", "db", "payments")),
    (pod("shop-cart", "db"), owned("shop-cart", "db", "shop")),
    (pod("myshop", "db"), owned("myshop", "db", "platform")),
]


def test_an_alert_is_of_the_team_that_the_most_specific_thing_names(tmp_path: Path) -> None:
    series = {selector: values for made, _ in OWNED for selector, values in made.items()}
    expected = {PULL: [labels for _, labels in OWNED]}
    owners = {"podLabel": "team", "teams": TEAMS}
    assert fires(tmp_path, "kubernetes", series, expected, owners=owners) == ""


def busy(node: str, idle: int) -> Series:
    """A node of one core, idle for so many seconds of each minute, for which more work waits than it can do."""
    seconds = {"idle": idle, "user": 60 - idle}
    used = {metric("node_cpu_seconds_total", node=node, cpu="0", mode=mode): each for mode, each in seconds.items()}
    return counters(used) | gauges({metric("node_load5", node=node): 2})


def test_an_alert_that_only_warns_is_critical_above_the_threshold_that_it_was_given(tmp_path: Path) -> None:
    series = busy("n-1", idle=3) | busy("n-2", idle=0)
    expected = {
        "NodeHighCPUUsage": [
            {"node": "n-1", "severity": "warning", "owner": "hardware", "tier": "1"},
            {"node": "n-2", "severity": "warning", "owner": "hardware", "tier": "1"},
            {"node": "n-2", "severity": "critical", "owner": "hardware", "tier": "1"},
        ]
    }
    override = {"NodeHighCPUUsage": {"critical": 0.98, "labels": {"tier": "1"}}}
    assert fires(tmp_path, "nodes", series, expected, alerts=override, owners={"teams": TEAMS}) == ""


def test_namespaces_are_left_out_and_the_others_fire(tmp_path: Path) -> None:
    series = pod("shop", "web") | pod("sandbox-1", "web") | pod("shop", "batch-1")
    override = {PULL: {"exclude": {"namespaces": ["sandbox-*"], "labels": {"workload": ["batch-*"]}}}}
    expected = {PULL: [owned("shop", "web", "platform")]}
    assert fires(tmp_path, "kubernetes", series, expected, alerts=override) == ""


# --- what kube-state-metrics says of pods ---

PODS = "owned-pods"


def test_kube_state_metrics_exposes_the_label_with_the_team_of_pods(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path: Path
) -> None:
    control_plane.namespace(PODS)
    labels = {"example.com/team": "shop", "app": "web"}
    place = {"name": "web", "namespace": PODS, "labels": labels}
    control_plane.apply(
        {"apiVersion": "v1", "kind": "Pod", "metadata": place, "spec": {"containers": [CONTAINER]}},
    )
    local = LocalServer(rendered("everything"), "kube-state-metrics", tmp_path / "server", Account.admin(control_plane))

    def told() -> dict[str, str]:
        exposed = http_text(f"{local.url}/metrics")
        found = re.search(rf'^kube_pod_labels\{{namespace="{PODS}",pod="web",(.*)\}} 1$', exposed, re.MULTILINE)
        return dict(re.findall(r'(label_\w+)="([^"]*)"', found[1])) if found else {}

    with local.process() as process:
        process.ready(lambda: http_text(f"{local.url}/livez"))
        assert eventually(told, 20, "the pod is seen") == {"label_example_com_team": "shop"}, "and no other label"


# --- the whole way ---


def quickly(receivers: dict[str, str]) -> dict[str, Any]:
    """Settings by which each team has a receiver of the development stack, and what nobody owns goes to ``hook``."""
    routes = [{"receiver": receiver, "owner": [team]} for team, receiver in receivers.items()]
    settings: dict[str, Any] = merged(
        QUICK,
        {
            "alerts": {PULL: {"for": "1s"}},
            "owners": {"podLabel": "team", "teams": {"shop": {"namespaces": ["shop"]}, "payments": {}}},
            "notifications": {"routes": [*routes, {"receiver": "hook"}]},
        },
    )
    return settings


@pytest.fixture(scope="module")
def path(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AlertingPath]:
    settings = quickly({"shop": "discord", "payments": "teams"})
    home, account = tmp_path_factory.mktemp("owners"), Account.admin(control_plane)
    with alerting_path("dev", home, account, {"prometheus": OFTEN}, settings) as made:
        yield made


def test_each_team_is_notified_of_what_it_owns_and_of_nothing_else(path: AlertingPath) -> None:
    series = pod("elsewhere", "api", "payments") | pod("elsewhere", "web")
    path.exporter.also = tuple(f"{selector} 1" for selector in series)
    path.exporter.volumes |= {"shop": 0.98, "elsewhere": 0.98}

    def told(receiver: str) -> set[str]:
        every = "".join(path.told(receiver, ""))
        subjects = {"shop/orders", "elsewhere/orders", "elsewhere/api-0", "elsewhere/web-0"}
        return {subject for subject in subjects if subject in every}

    expected = {
        "discord": {"shop/orders"},
        "teams": {"elsewhere/api-0"},
        "hook": {"elsewhere/orders", "elsewhere/web-0"},
    }
    eventually(lambda: {name: told(name) for name in expected} == expected, 40, "each team is notified of its own")
    assert not path.services.of("genie"), "nobody else is notified"
