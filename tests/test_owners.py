"""Whose an alert is, by what the stack file says, and whom it reaches."""

from __future__ import annotations

from typing import Any

import pytest

from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels
from dashboards.listed import rendered
from model.owners import Claim, PodClaim
from model.rules import Severity
from rules.systems import SYSTEMS, example
from tests.owners import alerts, problems, stack

PROD = {"name": "prod-1", "environment": "prod", "context": "prod", "flavour": "kubeadm"}
SECRET = {"name": "alert-receivers", "key": "any"}
SERVICE = "a service like checkout or shop/checkout, in which * stands for any text"
ELSE = "left out, or shop: owners.teams.shop.alerts[0] says who owns it"
KNOWN = ", ".join(sorted({"payments", "shop", *(system.owner for system in SYSTEMS)}))


# --- owners ---


def test_the_service_goes_before_the_pods_then_the_namespace_a_whole_name_first() -> None:
    pending = alerts(stack())["KubernetesPodPending"]
    assert pending.claims == (
        Claim("payments", ("namespace", "workload"), ("shop/checkout",)),
        Claim("shop", ("workload",), ("checkout",)),
        PodClaim(("shop", "payments"), "pod"),
        Claim("payments", ("namespace",), ("shop-payments",)),
        Claim("shop", ("namespace",), ("shop", "shop-*")),
    )
    assert pending.owner_names == ("payments", "shop", "platform")


def test_an_alert_is_of_one_team_whatever_it_fires_for() -> None:
    said = alerts(stack(alerts={"KubernetesPodPending": {"owner": "payments"}}))
    assert said["KubernetesJobFailed"].owner_label == "shop"
    assert said["KubernetesPodPending"].owner_label == "payments"


def test_a_system_is_of_a_team_where_nothing_else_decides() -> None:
    settings = stack()
    assert alerts(settings)["NodeHighCPUUsage"].owner_label == "payments", "a node has neither namespace nor service"
    assert alerts(settings)["AgentRunsFailing"].owner_names == ("payments", "shop")
    assert {slo.owner for slo in settings.watched.slos if slo.name in ("agent-runs", "agent-tools")} == {"payments"}
    assert alerts(settings)["RbacDenials"].owner_names == ("payments", "shop", "agents"), "the owner in the catalogue"


def test_a_workload_without_pods_in_its_alert_is_asked_for_by_its_name() -> None:
    assert PodClaim(("shop", "payments"), "workload") in alerts(stack())["KubernetesReplicasMissing"].claims


def test_grafana_asks_the_same_but_for_pods() -> None:
    refused = alerts(stack())["RbacDenials"]
    assert refused.claims == (
        Claim("payments", ("namespace", "app"), ("shop/checkout",)),
        Claim("shop", ("app",), ("checkout",)),
        Claim("payments", ("namespace",), ("shop-payments",)),
        Claim("shop", ("namespace",), ("shop", "shop-*")),
    )


def test_pods_labels_are_compared_with_the_teams_there_are() -> None:
    watched = stack().watched
    (exporter,) = (each for each in watched.exporters if each.name == "kube-state-metrics")
    assert "--metric-labels-allowlist=pods=[observability/page,example.com/team]" in exporter.args
    (asked,) = (
        rule
        for group in watched.groups
        for rule in group.rules
        if rule.name.startswith("namespace_workload_pod:kube_pod_l")
    )
    assert 'kube_pod_labels{label_example_com_team=~"shop|payments"}' in str(asked)


def test_an_objective_is_of_any_team_that_a_pod_can_name() -> None:
    slo = {"name": "q", "objective": 99, "total": "a_total", "errors": "b_total", "owner": "2nd_line.eu"}
    assert alerts(stack(owners={}, slos=[slo]))["QErrorBudgetBurnFast"].owner_label == "2nd_line.eu"


def test_without_owners_alerts_are_as_the_catalogue_has_them() -> None:
    assert all(not alert.claims and "{{" not in alert.owner_label for alert in alerts(stack(owners={})).values())


def test_a_runbook_names_the_owners() -> None:
    settings = stack()
    (kubernetes,) = (
        each.json
        for each in rendered(settings.systems_on, settings.watched, settings.cluster)
        if each.uid == "runbooks-kubernetes"
    )
    assert "; owner: payments or shop or platform" in kubernetes
    assert "[KubernetesJobFailed](" in kubernetes
    assert "; owner: shop\\n" in kubernetes


WRONG: list[tuple[dict[str, Any], list[str]]] = [
    (
        {"owners": {"teams": {"a": {"namespaces": ["x"]}, "b": {"namespaces": ["y", "x"]}}}},
        ['owners.teams.b.namespaces[1]: "x": what no other entry has: owners.teams.a.namespaces[0] is the same'],
    ),
    (
        {"owners": {"teams": {"a": {"systems": ["node"]}}}},
        [f'owners.teams.a.systems[0]: "node": a system: {", ".join(system.key for system in SYSTEMS)}'],
    ),
    (
        {"owners": {"teams": {"a": {"alerts": ["TargetDwn"]}}}},
        ['owners.teams.a.alerts[0]: "TargetDwn": an alert of the systems that are on, such as TargetDown'],
    ),
    (
        {"owners": {"teams": {"a b": {}}}},
        ['owners.teams.a b: "a b": a team of at most 63 letters, digits, dashes, underscores and dots'],
    ),
    (
        {"owners": {"teams": {"a": {"services": ["a/b/c"]}}}},
        [f'owners.teams.a.services[0]: "a/b/c": {SERVICE}'],
    ),
    (
        {"owners": {"podLabel": "team"}},
        ['owners.podLabel: "team": owners.teams beside it: a pod that names no team has none'],
    ),
    (
        {"systems": {"nodes": {}}, "owners": {"podLabel": "team", "teams": {"a": {}}}},
        ['owners.podLabel: "team": system kubernetes beside it: kube-state-metrics exposes the labels of pods'],
    ),
    (
        {
            "alerts": {"TargetDown": {"owner": "nobody"}, "KubernetesJobFailed": {"owner": "payments"}},
            "slos": [{"name": "q", "objective": 99, "total": "a_total", "errors": "b_total", "owner": "anybody"}],
        },
        [
            f'alerts.KubernetesJobFailed.owner: "payments": {ELSE}',
            f'alerts.TargetDown.owner: "nobody": an owner: {KNOWN}; owners.teams adds others',
            f'slos[0].owner: "anybody": an owner: {KNOWN}; owners.teams adds others',
        ],
    ),
]


@pytest.mark.parametrize(("changed", "said"), WRONG, ids=[said[0].partition(":")[0] for _, said in WRONG])
def test_all_settings_that_fit_nowhere_are_listed_at_once(changed: dict[str, Any], said: list[str]) -> None:
    assert problems(**changed) == said


# --- routes ---


def told(routes: list[dict[str, Any]]) -> dict[str, Any]:
    names = dict.fromkeys(route["receiver"] for route in routes)
    return {
        "receivers": [
            *({"name": name, "webhook": {"urlSecret": SECRET}} for name in names),
            {"name": "beat", "deadMan": {"urlSecret": SECRET}},
        ],
        "routes": routes,
    }


OTHERS = {"receiver": "all", "owner": sorted({alert.owner for alert in example().alerts})}
SHOP = {"receiver": "shop", "owner": ["shop"]}


def test_an_owner_without_a_route_is_refused_in_production() -> None:
    found = problems(
        cluster=PROD, prometheus={"storage": "1Gi"}, alertmanager={"storage": "1Gi"}, notifications=told([OTHERS, SHOP])
    )
    assert {each.partition(" (")[0] for each in found} == {
        f'notifications.routes: no route for severity "{severity}" of owner "payments"' for severity in Severity
    }


def test_an_owner_of_a_namespace_is_reached_by_a_route_for_the_namespace() -> None:
    """Such an alert has no other namespace: a route for it is enough."""
    teams = {"shop": {"namespaces": ["shop"]}}
    routes = [{"receiver": "shop", "namespace": ["shop"]}, OTHERS]
    assert stack(
        PROD,
        prometheus={"storage": "1Gi"},
        alertmanager={"storage": "1Gi"},
        owners={"teams": teams},
        notifications=told(routes),
    )
    assert problems(
        cluster=PROD,
        prometheus={"storage": "1Gi"},
        alertmanager={"storage": "1Gi"},
        owners={"podLabel": "team", "teams": teams},
        notifications=told(routes),
    ), "a pod of shop may run anywhere"


def test_elsewhere_it_is_a_warning() -> None:
    (warning,) = stack(notifications=told([OTHERS, SHOP])).warnings
    assert warning.startswith("owners.teams.payments: no route for KubernetesContainerHighCPUUsage, ")
    assert warning.endswith(" more: nobody is notified of them")
    assert stack(notifications=told([OTHERS, SHOP, {"receiver": "pay", "owner": ["payments"]}])).warnings == []


def test_an_alert_of_a_namespace_reaches_its_team() -> None:
    settings = stack(notifications=told([SHOP, {"receiver": "pay", "owner": ["payments"]}, OTHERS]))
    root = tree(settings.notifications)
    reached = {
        (labels["owner"], receivers_for(root, labels))
        for labels in alert_labels(settings.watched, settings.cluster)
        if labels["alertname"] == "KubernetesPodPending"
    }
    assert reached == {("shop", ("shop",)), ("payments", ("pay",)), ("platform", ("all",))}
