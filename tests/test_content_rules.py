"""People's own rule files and runbooks: read as they are, checked with file and line, routed like the stack's."""

from __future__ import annotations

from typing import Any

import pytest

from components.prometheus.config import files
from components.settings.content import gathered
from components.settings.stack import Settings, read
from dashboards.listed import dashboards
from dashboards.model import Dashboard
from model.content import CONTENT, ContentAlert
from model.rules import Severity
from model.uids import SAVED_QUERIES, runbook_path, runbooks_uid
from tests.conftest import Stacks
from tests.content import CLUSTER, STUCK, brought, refused, rules
from tools.local.rendered import loaded


def groups(settings: Settings) -> dict[str, dict[str, Any]]:
    """The groups of content as Prometheus reads them, by name."""
    written = files(settings.prometheus, settings.cluster, (), settings.watched.groups, settings.grafana.address)
    read = [loaded(text)["groups"][0] for text in written["rules"].values()]
    return {group["name"]: group for group in read if group["name"].startswith(CONTENT)}


def only(settings: Settings) -> dict[str, Any]:
    """The one rule of content."""
    ((rule,),) = (group["rules"] for group in groups(settings).values())
    return dict(rule)


def runbooks(settings: Settings) -> Dashboard | None:
    made = dashboards(settings.systems_on, settings.watched, settings.cluster)
    return next((each for each in made if each.uid == runbooks_uid(CONTENT)), None)


def test_a_rule_file_becomes_a_rule_of_this_stack() -> None:
    rule = only(brought({"rules/shop.yaml": rules(STUCK)}))
    assert rule == {
        "alert": "OrdersStuck",
        "expr": "sum by (queue) (orders_waiting) > 10",
        "for": "5m",
        "labels": {
            "severity": "critical",
            "owner": "shop",
            "team": "shop",
            "system": "content",
            "cluster": "c-1",
            "environment": "dev",
        },
        "annotations": {
            "summary": "Orders of {{ $labels.queue }} wait.",
            "description": "{{ $value }} orders wait.",
            "value": "{{ $value | humanize }}",
            "threshold": "above 10",
            "dashboard_url": rule["annotations"]["dashboard_url"],
        },
    }
    assert rule["annotations"]["dashboard_url"].endswith("/d/alerts?var-cluster=c-1")


def test_objects_of_kubernetes_are_read_as_kubectl_prints_them() -> None:
    inside = "\n".join(f"      {line}" for line in rules(STUCK).splitlines())
    item = f"  - kind: PrometheusRule\n    metadata: {{name: shop}}\n    spec:\n{inside}"
    made = f"apiVersion: v1\nkind: List\nitems:\n{item}"
    assert only(brought({"rules/shop.yml": made})) == only(brought({"rules/shop.yaml": rules(STUCK)}))


def test_a_rule_that_says_little_gets_a_severity_an_owner_and_a_text() -> None:
    rule = only(brought({"rules/a.yaml": rules("- {alert: HTTPQueueFull, expr: up == 0}")}))
    assert (rule["labels"]["severity"], rule["labels"]["owner"]) == ("warning", "platform")
    assert rule["annotations"]["summary"] == rule["annotations"]["description"] == "Http queue full."


def test_links_and_texts_of_the_file_are_kept() -> None:
    links = "runbook_url: https://wiki/a, dashboard_url: https://g/a"
    text = f"- {{alert: A, expr: up == 0, annotations: {{message: Gone., {links}}}}}"
    assert only(brought({"rules/a.yaml": rules(text)}))["annotations"] == {
        "summary": "A.",
        "description": "Gone.",
        "message": "Gone.",
        "runbook_url": "https://wiki/a",
        "dashboard_url": "https://g/a",
    }


def test_what_a_group_says_holds_for_its_rules() -> None:
    file = """
    groups:
      - name: Slow things / hourly
        interval: 5m
        limit: 10
        query_offset: 1m
        labels: {team: shop}
        partial_response_strategy: warn
        rules:
          - {record: shop_orders, expr: sum(orders), labels: {of: all}}
          - {alert: A, expr: shop_orders > 1, labels: {team: web}, keep_firing_for: 2m}
    """
    made = groups(brought({"rules/shop.yaml": file}))["content-shop-Slow-things-hourly"]
    assert (made["interval"], made["limit"], made["query_offset"]) == ("5m", 10, "1m")
    recorded, alert = made["rules"]
    assert recorded["labels"] == {"team": "shop", "of": "all"}
    assert (alert["labels"]["owner"], alert["keep_firing_for"]) == ("web", "2m")


def test_a_recorded_series_keeps_its_labels_for_the_rules_that_join_it() -> None:
    assert "labels" not in groups(brought({"rules/shop.yaml": rules("- {record: a:b, expr: sum(x)}")}))["content-shop"]


# --- one alert with several severities ---


def severities(*pairs: tuple[str, str], text: str = "Same.") -> str:
    return rules(
        *(
            f"- {{alert: Full, expr: {expr}, labels: {{severity: {name}}}, annotations: {{summary: {text}}}}}"
            for name, expr in pairs
        )
    )


def alerts(settings: Settings) -> list[ContentAlert]:
    """Those of Prometheus."""
    return [alert for alert in settings.watched.alerts if isinstance(alert, ContentAlert)]


def test_rules_that_differ_in_severity_and_threshold_are_one_alert() -> None:
    (alert,) = alerts(brought({"rules/a.yaml": severities(("warning", "a / b > 0.8"), ("critical", "a / b > 9.5e-1"))}))
    assert {severity: str(number) for severity, number in alert.thresholds.items()} == {
        "critical": "0.95",
        "warning": "0.8",
    }
    assert [alert.expr(severity) for severity in Severity if severity in alert.thresholds] == [
        "(a / b) > 0.95",
        "(a / b) > 0.8",
    ]


def test_a_stack_file_changes_the_threshold_of_an_alert_of_content() -> None:
    file = {"rules/a.yaml": severities(("warning", "a > 0.8"))}
    assert only(brought(file, alerts={"Full": {"warning": 0.7, "for": "1h"}}))["expr"] == "a > 0.7"
    assert groups(brought(file, alerts={"Full": "off"})) == {}


@pytest.mark.parametrize(
    ("warning", "critical"),
    [
        ("a > 2", "a > 1"),
        ("a > 2", "a < 1"),
        ("a > 2", "b > 3"),
        ("a > 2", "a >= 3"),
        ("a > 2", "a > bool 3"),
        ("a > 2", "b > 2 and a > 3"),
        ("a > 2", "b or a > 3"),
        ("a > 2", "a > 3 unless b"),
        ("a > 2", "(a > 3)"),
        ("a > 2", '"a # > 2\\n > 3"'),
    ],
)
def test_rules_of_one_name_that_differ_otherwise_stay_as_they_are(warning: str, critical: str) -> None:
    made = groups(brought({"rules/a.yaml": severities(("warning", warning), ("critical", critical))}))
    assert [rule["expr"] for rule in made["content-a-shop"]["rules"]] == [warning, loaded(critical)]


# --- runbooks ---


def test_a_runbook_of_the_alert_s_name_is_shown_and_linked() -> None:
    stack = brought(
        {
            "rules/shop.yaml": rules(STUCK),
            "runbooks/OrdersStuck.md": "# OrdersStuck\n\nMore than {threshold} wait {here}. Ask <stack-namespace>.\n",
        }
    )
    shown = runbooks(stack)
    assert shown is not None
    (text,) = (panel.description for panel in shown.panels if panel.title == "Runbook: OrdersStuck")
    assert text.endswith("\n\nMore than 10 wait {here}. Ask monitoring.")
    assert runbook_path(CONTENT, "OrdersStuck") in only(stack)["annotations"]["runbook_url"]


def test_an_alert_names_the_runbook_of_another() -> None:
    text = "- {alert: A, expr: up == 0, annotations: {runbook: Shared}}"
    made = only(brought({"rules/a.yaml": rules(text), "runbooks/Shared.md": "Do."}))["annotations"]
    assert runbook_path(CONTENT, "Shared") in made["runbook_url"]


def test_without_a_runbook_there_is_no_link_to_one() -> None:
    stack = brought({"rules/shop.yaml": rules(STUCK)})
    assert "runbook_url" not in only(stack)["annotations"]
    assert runbooks(stack) is None


def test_queries_of_runbooks_are_read_and_kept() -> None:
    fine = brought({"runbooks/A.md": "# A\n\n```promql\nshop_orders > {threshold}\n```\n"})
    assert fine.watched.of_people == ("shop_orders > 1\n",)
    (problem,) = refused({"runbooks/A.md": "# A\n\n```promql\nsum(\n```\n"})
    assert problem.startswith("ours/runbooks/A.md:4: not PromQL: ")


def test_a_runbook_of_the_stack_s_own_alert_replaces_the_stack_s() -> None:
    stack = brought({"runbooks/TargetDown.md": "Call Ada."})
    made = dashboards(stack.systems_on, stack.watched, stack.cluster)
    (text,) = (panel.description for each in made for panel in each.panels if panel.title == "Runbook: TargetDown")
    assert text.endswith("\n\nCall Ada.")


# --- saved queries ---


def test_saved_queries_are_panels_of_a_dashboard() -> None:
    text = """
    - {title: Orders, promql: sum by (shop) (shop_orders)}
    - {title: Lines, logql: '{app="a", namespace=~"$namespace"}'}
    - {title: Shops, logql: 'topk(3, sum by (shop) (rate({app="a"} [5m])))'}
    """
    stack = brought({"queries/a.yaml": text})
    made = dashboards(stack.systems_on, stack.watched, stack.cluster)
    (dashboard,) = (each for each in made if each.uid == SAVED_QUERIES)
    (row,) = (each for each in dashboard.rows if each.title == "Your own")
    assert [(panel.title, str(panel.visualization), panel.queries[0].expr) for panel in row.panels] == [
        ("Orders", "timeseries", "sum by (shop) (shop_orders)"),
        ("Lines", "logs", '{app="a", namespace=~"$namespace"}'),
        ("Shops", "table", 'topk(3, sum by (shop) (rate({app="a"} [5m])))'),
    ]
    assert stack.watched.of_people == ("sum by (shop) (shop_orders)",)


def test_a_saved_query_has_a_title_and_one_language() -> None:
    text = "- {title: A}\n- {promql: up}\n- {title: B, promql: sum(}\n- {title: C, sql: x}\n"
    assert [each.partition(": ")[0] for each in refused({"queries/a.yaml": text})] == [
        *(f"ours/queries/a.yaml:{line}" for line in (1, 2, 3, 4, 4)),
    ]


# --- problems ---


def test_all_problems_of_all_files_are_listed_with_file_and_line() -> None:
    files = {
        "rules/a.yaml": """
        groups:
          - name: a
            interval: often
            rules:
              - {alert: A, expr: sum(, labels: {severity: page}}
              - alert: B
                expr: up == 0
                labels:
                  severity: page
                  cluster: mine
                  team: not a team
                annotations: {summary: "{{ $labels.x }"}
              - {alert: C, exp: up == 0}
              - {alert: D, record: d, expr: up}
          - rules: []
        """,
        "rules/b.yaml": "groups: [",
        "rules/c.yaml": "kind: ConfigMap\nspec: {}",
        "rules/d.yaml": "alerts: []",
        "rule/e.yaml": "",
        "rules/f.txt": "",
    }
    found = refused(files)
    assert [each.partition(": ")[0] for each in found if each.startswith("ours/rules/a")] == [
        *("ours/rules/a.yaml:3", "ours/rules/a.yaml:5", "ours/rules/a.yaml:9", "ours/rules/a.yaml:10"),
        *("ours/rules/a.yaml:11", "ours/rules/a.yaml:12", "ours/rules/a.yaml:13", "ours/rules/a.yaml:14"),
    ] or found
    for said in (
        'ours/rules/a.yaml:3: "often": a duration like 15s, 6h or 7d',
        "ours/rules/a.yaml:5: expr: not PromQL: ",
        'ours/rules/a.yaml:9: labels.severity: "page": one of critical, warning, info',
        "ours/rules/a.yaml:10: labels.cluster: the stack sets this label itself",
        'ours/rules/a.yaml:11: labels.team: "not a team": a team of letters',
        "ours/rules/a.yaml:12: annotations.summary: a template that is not closed",
        "ours/rules/a.yaml:13: exp: unknown key: did you mean expr?",
        "ours/rules/a.yaml:14: a rule has either `alert` or `record`",
        "ours/rules/a.yaml:15: a group without a name",
        "ours/rules/b.yaml:2: not YAML",
        'ours/rules/c.yaml:1: "ConfigMap": PrometheusRule',
        "ours/rules/d.yaml:1: no groups",
        "ours/rule/e.yaml: no such folder is read: one of rules, ",
        "ours/rules/f.txt: a file of rules ends in one of .yaml, .yml, .json",
    ):
        assert [each for each in found if each.startswith(said)], said


def test_names_are_unique() -> None:
    found = refused(
        {
            "rules/a.yaml": rules("- {alert: TargetDown, expr: up == 0}", "- {alert: Mine, expr: up == 0}"),
            "rules/b.yaml": rules("- {alert: Mine, expr: up == 0}", group="b"),
            "rules/more/b.yaml": rules("- {alert: Other, expr: up == 0}", group="b"),
            "rules/c.yaml": rules("- {record: 'cluster:up:count', expr: count(up)}"),
            "runbooks/Mine.md": "",
            "runbooks/more/Mine.md": "",
        }
    )
    assert found == [
        "ours/runbooks/more/Mine.md: a runbook of this name is in ours/runbooks/Mine.md as well: rename one",
        "ours/rules/a.yaml:4: alert: TargetDown is the stack's own alert: use that, or rename yours",
        "ours/rules/b.yaml:4: alert: Mine is in ours/rules/a.yaml:5 as well: rename one",
        "ours/rules/more/b.yaml:4: group: ours/rules/b.yaml:4 has one that is called so as well: rename one",
    ]


def test_a_recording_rule_of_the_stack_is_not_recorded_twice() -> None:
    name = next(rule.name for group in brought({}).watched.groups for rule in group.rules if ":" in rule.name)
    (problem,) = refused({"rules/a.yaml": rules(f"- {{record: '{name}', expr: count(up)}}")})
    assert problem == f"ours/rules/a.yaml:4: record: {name} is recorded by the stack itself: use that, or rename yours"


def test_a_group_with_a_name_that_no_file_can_have_is_refused() -> None:
    (problem,) = refused({"rules/a.yaml": rules("- {alert: A, expr: up == 0}", group="g" * 250)})
    assert problem.startswith("ours/rules/a.yaml:4: group: content-a-ggg")


def test_a_readme_may_lie_anywhere() -> None:
    assert brought({"README.md": "# Ours", "rules/README.md": "# Rules", "dashboards/shop/README.md": ""}).watched


def test_a_missing_folder_is_reported() -> None:
    with pytest.raises(Exception, match=r'content\[0\]: "gone/": a folder of its own that exists'):
        read({"cluster": CLUSTER, "content": ["gone/"]}, None, {})


def test_brackets_by_the_thousands_are_refused() -> None:
    (problem,) = refused({"rules/a.yaml": rules(f"- {{alert: A, expr: '{'(' * 9999}1{')' * 9999}'}}")})
    assert problem.startswith("ours/rules/a.yaml:4: expr: at most 500 brackets")


# --- the example ---


def test_the_example_is_part_of_the_stack_that_has_everything(stack: Stacks) -> None:
    everything = stack("everything")
    assert {alert.name for alert in alerts(everything.settings)} == {"CheckoutOrdersFailing"}
    assert "prometheus/rules/content-checkout.yml" in everything.files


def test_folders_are_read_without_what_is_hidden(tmp_path: Any) -> None:
    for path in ("c/rules/a.yaml", "c/.git/b", "c/rules/.c.yaml", "c/systems/__pycache__/d.pyc"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("x")
    odd = ["none", ".", "c/..", "/", "a" * 999, "\0", "\ud800", 7]
    assert gathered({"content": ["c/", *odd]}, tmp_path) == {"c/": {"c/rules/a.yaml": "x"}}
