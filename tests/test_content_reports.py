"""What a render reports of people's rules: what looks wrong, and whom each alert reaches."""

from __future__ import annotations

from typing import Any

from components.prometheus.config import scrape_jobs
from components.settings.stack import read
from dashboards.listed import dashboards
from dashboards.queries import expressions
from tests.catalogue import EVERYTHING
from tests.conftest import TOLD
from tests.content import CLUSTER, FOLDER, STUCK, brought, rules
from tools import brought as report

# --- what is only reported ---


def told(*texts: str) -> list[str]:
    return list(report.told(brought({"rules/a.yaml": rules(*texts)}, systems={"kubernetes": {}})))


def test_the_report_of_an_unknown_metric_names_the_nearest() -> None:
    slip, own, again = "kube_pod_status_phas", "shop_orders", "- {alert: C, expr: shop_orders > 1}"
    assert told(f"- {{alert: A, expr: {slip} > 1}}", f"- {{alert: B, expr: {own} > 1}}", again) == [
        f"ours/rules/a.yaml:4: {slip}: an unknown metric: did you mean kube_pod_status_phase?",
        f"ours/rules/a.yaml:5: {own}: an unknown metric: nothing of the stack brings it, so a target of yours must",
    ]


def test_a_label_that_no_series_of_the_stack_has_is_reported() -> None:
    (said,) = told("- {record: a, expr: sum by (colour) (kube_pod_status_phase)}", "- {alert: B, expr: a > 1}")
    assert said.startswith("ours/rules/a.yaml:4: kube_pod_status_phase{} is aggregated by colour: its labels are ")


def test_a_runbook_without_an_alert_is_reported() -> None:
    stack = brought({"rules/a.yaml": rules("- {alert: A, expr: up == 0}"), "runbooks/A.md": "", "runbooks/Aa.md": ""})
    assert list(report.told(stack)) == ["ours/runbooks/Aa.md: no alert has this runbook: its name is the alert's"]


# --- who is notified ---


def test_the_render_says_whom_each_alert_reaches() -> None:
    notifications = {
        "receivers": [{"name": name, "webhook": {"urlSecret": "url"}} for name in ("on-call", "shop", "lab")],
        "routes": [
            {"receiver": "on-call", "severity": ["critical"], "continue": True},
            {"receiver": "lab", "namespace": ["lab"], "continue": True},
            {"receiver": "shop", "owner": ["shop"]},
        ],
    }
    nobody = "- {alert: Nobody, expr: up == 0, labels: {owner: web}}"
    stack = brought({"rules/shop.yaml": rules(STUCK, nobody)}, notifications=notifications)
    assert list(report.lines(report.reached(stack))) == [
        "",
        "OrdersStuck (critical, shop) reaches on-call, shop, lab",
        "Nobody (warning, web) reaches lab",
    ]


def test_in_production_an_alert_that_reaches_nobody_is_refused() -> None:
    production = CLUSTER | {"environment": "production"}
    storage = {"storage": "1Gi"}
    sections = {"cluster": production, "prometheus": storage, "alertmanager": storage, "notifications": TOLD}
    file = {"rules/shop.yaml": rules("- {alert: Mine, expr: up == 0, labels: {owner: shop}}")}
    told = {**TOLD, "routes": [{"receiver": "on-call", "owner": ["platform", "agents"]}]}
    assert not [each for each in problems_of(file, sections) if "Mine" in each]
    assert [each for each in problems_of(file, {**sections, "notifications": told}) if "(Mine)" in each]


def problems_of(file: dict[str, str], sections: dict[str, Any]) -> list[str]:
    try:
        brought(file, **sections)
    except Exception as refused:  # noqa: BLE001  what else this small stack lacks in production is not the matter
        return str(refused).splitlines()
    return []


def test_a_critical_alert_mutes_warnings_of_its_own_subject_only() -> None:
    recorded = "- {record: a:b, expr: 'sum by (queue, namespace) (orders)'}"
    stack = brought({"rules/a.yaml": rules(recorded, "- {alert: A, expr: 'a:b > 1'}")})
    first, *_ = stack.watched.inhibitions
    assert {"queue", "namespace", "cluster"} <= set(first.equal), "another queue is another subject"


def test_what_content_asks_for_is_kept_by_every_job() -> None:
    file = rules("- {alert: A, expr: node_zfs_arc_size > 1}")
    stack = read(
        {**EVERYTHING, "content": [FOLDER], "prometheus": EVERYTHING["prometheus"] | {"keep": "known"}},
        None,
        {FOLDER: {"ours/rules/a.yaml": file}},
    )
    asked = tuple(expressions(stack.watched, dashboards(stack.systems_on, stack.watched, stack.cluster)))
    keeps = {job.name: job.keeps for job in scrape_jobs(stack.prometheus, stack.cluster, stack.watched, asked)}
    assert [name for name, kept in keeps.items() if kept is not None and "node_zfs_arc_size" not in kept] == []


def test_an_alert_of_content_is_of_the_team_that_owns_its_namespace() -> None:
    stack = read(
        {**EVERYTHING, "content": [FOLDER], "owners": {"teams": {"shop": {"namespaces": ["shop"]}}}},
        None,
        {FOLDER: {"ours/rules/a.yaml": rules("- {alert: A, expr: orders > 1}")}},
    )
    (alert,) = [each for each in stack.watched.alerts if each.name == "A"]
    assert alert.owner_label == '{{ if match "^(shop)$" $labels.namespace }}shop{{ else }}platform{{ end }}'
