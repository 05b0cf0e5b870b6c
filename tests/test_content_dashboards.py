"""People's own dashboards: for the stack's datasources, with every query read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from components.settings.stack import Settings
from dashboards.listed import Rendered, dashboards, rendered
from model.uids import HOME
from rules.content.panel_queries import filled, queries
from tests.conftest import Stacks
from tests.content import brought, refused, rules
from tools import brought as report


def panel(expr: str, **changes: Any) -> dict[str, Any]:
    return {"type": "timeseries", "title": "P", "targets": [{"refId": "A", "expr": expr}], **changes}


def dashboard(*panels: dict[str, Any], **changes: Any) -> str:
    return json.dumps({"title": "Mine", "uid": "mine", "id": 7, "version": 3, "panels": panels, **changes}, indent=1)


def all_of(stack: Settings) -> dict[str, Rendered]:
    return {each.uid: each for each in rendered(stack.systems_on, stack.watched, stack.cluster)}


def made(text: str, path: str = "dashboards/mine.json", uid: str = "mine") -> dict[str, Any]:
    read: dict[str, Any] = json.loads(all_of(brought({path: text}))[uid].json)
    return read


OURS = {"type": "prometheus", "uid": "prometheus"}


def test_inputs_of_an_export_become_the_stack_s_datasources() -> None:
    inputs = [
        {"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"},
        {"name": "DS_LOGS", "type": "datasource", "pluginId": "loki"},
        {"name": "VAR_JOB", "type": "constant", "value": "shop"},
    ]
    logs = panel('{app="x"}', datasource={"type": "loki", "uid": "${DS_LOGS}"})
    read = made(dashboard(panel('up{job="${VAR_JOB}"}', datasource="${DS_PROM}"), logs, __inputs=inputs, __requires=[]))
    first, second = read["panels"]
    assert first["datasource"] == OURS
    assert first["targets"][0]["expr"] == 'up{job="shop"}'
    assert second["datasource"] == {"type": "loki", "uid": "loki"}
    assert not {"__inputs", "__requires", "id", "version"} & read.keys()


@pytest.mark.parametrize("spelled", ["$ds", "${ds}", "${ds:raw}", "[[ds]]"])
def test_variables_that_choose_a_datasource_are_resolved(spelled: str) -> None:
    variables = [{"name": "ds", "type": "datasource", "query": "prometheus"}, {"name": "dsx", "type": "custom"}]
    text = panel("up", datasource={"type": "prometheus", "uid": spelled}, title=f"{spelled} $dsx")
    read = made(dashboard(text, templating={"list": variables}))
    assert read["panels"][0]["datasource"] == OURS
    assert read["panels"][0]["title"] == "prometheus $dsx"
    assert [each["name"] for each in read["templating"]["list"]] == ["dsx"]


@pytest.mark.parametrize(
    "theirs", [{"type": "prometheus", "uid": "PBFA97CFB590B2093"}, "Prometheus", "prometheus", "default"]
)
def test_a_datasource_of_another_grafana_becomes_the_stack_s_of_that_type(theirs: object) -> None:
    assert made(dashboard(panel("up", datasource=theirs)))["panels"][0]["datasource"] == OURS


@pytest.mark.parametrize("built_in", [None, "-- Mixed --", {"type": "grafana", "uid": "-- Grafana --"}])
def test_what_every_grafana_has_stays(built_in: object) -> None:
    assert made(dashboard(panel("up", datasource=built_in)))["panels"][0]["datasource"] == built_in


def test_its_folder_is_its_subfolder_and_its_uid_its_own_or_its_file_s() -> None:
    bare = json.dumps({"title": "T", "panels": []})
    stack = brought(
        {"dashboards/a.json": bare, "dashboards/team shop/b c.json": bare, "dashboards/k.json": dashboard()}
    )
    there = all_of(stack)
    assert {uid: there[uid].folder for uid in ("a", "b-c", "mine")} == {
        "a": "Content",
        "b-c": "team shop",
        "mine": "Content",
    }


@pytest.mark.parametrize(
    "around",
    [
        lambda inside: {"dashboard": inside, "meta": {}},
        lambda inside: {"apiVersion": "dashboard.grafana.app/v1beta1", "metadata": {"name": "mine"}, "spec": inside},
    ],
)
def test_what_grafana_s_api_wraps_is_unwrapped(around: Any) -> None:
    assert made(json.dumps(around(json.loads(dashboard(panel("up"))))))["title"] == "Mine"


def test_it_leads_to_the_alerts_and_home_leads_to_it() -> None:
    stack = brought({"dashboards/mine.json": dashboard(links=[{"title": "Wiki"}], description="Orders.\nMore.")})
    assert [each["title"] for each in json.loads(all_of(stack)["mine"].json)["links"]] == ["Wiki", "Alerts"]
    (home,) = (each for each in dashboards(stack.systems_on, stack.watched, stack.cluster) if each.uid == HOME)
    assert any("- [Mine](/d/mine): Orders.\n" in panel.description for panel in home.panels)


def test_an_alert_leads_to_the_dashboard_of_its_file_s_name_or_that_it_names() -> None:
    named = "- {alert: B, expr: up == 0, annotations: {__dashboardUid__: mine}}"
    files = {
        "rules/checkout.yaml": rules("- {alert: A, expr: up == 0}", named),
        "dashboards/checkout.json": dashboard(uid="of-checkout"),
        "dashboards/other.json": dashboard(),
    }
    links = {alert.name: alert.dashboard for alert in brought(files).watched.alerts}
    assert (links["A"], links["B"]) == ("of-checkout", "mine")


def test_all_problems_are_listed_with_file_and_line() -> None:
    influx = {"name": "DS", "type": "datasource", "pluginId": "influxdb"}
    found = refused(
        {
            "dashboards/a.json": "{\n  'title': 1}",
            "dashboards/b.json": "[]",
            "dashboards/c.json": dashboard(panel("sum(up"), panel("up{"), uid="c"),
            "dashboards/d.json": dashboard(__inputs=[influx], uid="d"),
            "dashboards/e.json": dashboard(uid="not a uid"),
            "dashboards/f.json": dashboard(uid="alerts"),
            "dashboards/g.json": dashboard(uid="twice"),
            "dashboards/h.json": dashboard(uid="twice"),
            "dashboards/a/b/i.json": dashboard(uid="i"),
            "dashboards/j.json": dashboard({"libraryPanel": {"uid": "x"}}, uid="j"),
            "dashboards/kubernetes-/k.json": dashboard(uid="k"),
            "dashboards/content/l.json": dashboard(uid="l"),
        }
    )
    for said in (
        "ours/dashboards/a.json:2: not JSON: ",
        "ours/dashboards/b.json:1: no dashboard: ",
        "ours/dashboards/c.json:13: expr: not PromQL: ",
        "ours/dashboards/c.json:23: expr: not PromQL: ",
        "ours/dashboards/d.json: a datasource of the type influxdb: the stack has prometheus, loki, ",
        'ours/dashboards/e.json:3: uid: "not a uid": at most 40 letters',
        'ours/dashboards/f.json: uid: "alerts": the stack has a dashboard of this uid',
        'ours/dashboards/h.json: uid: "twice": ours/dashboards/g.json has it as well',
        "ours/dashboards/a/b/i.json: one subfolder of at most ",
        "ours/dashboards/j.json:8: library panels stay in their Grafana",
        'ours/dashboards/f.json: a subfolder that is not called nearly like "content"',
    ):
        assert [each for each in found if each.startswith(said)], (said, found)


def test_an_unknown_metric_of_a_panel_is_reported() -> None:
    stack = brought({"dashboards/mine.json": dashboard(panel('shop_orders{a=~"$a"}'))})
    (said,) = report.told(stack)
    assert said.startswith("ours/dashboards/mine.json:13: shop_orders: an unknown metric: ")


def test_what_a_panel_asks_for_is_asked_by_people() -> None:
    assert brought({"dashboards/mine.json": dashboard(panel("shop_orders"))}).watched.of_people == ("shop_orders",)


@pytest.mark.parametrize(
    ("expr", "read"),
    [
        ('rate(a{b=~"$c"}[$__rate_interval])', 'rate(a{b=~".*"}[5m])'),
        ('rate(a{b=~"[[c]]"}[${d}])', 'rate(a{b=~".*"}[5m])'),
        ("topk($n, a)", "topk(1, a)"),
        ("sum by ($x) (a)", "sum by (x) (a)"),
        ("${metric:raw} > 0", "x > 0"),
        ("a offset $past", "a offset 5m"),
        ("increase(a[1h]) / $__range_s", "increase(a[1h]) / 21600"),
        ('label_replace(a, "b", "$1", "c", "(.+)")', 'label_replace(a, "b", "$1", "c", "(.+)")'),
        ("a{$matchers}", 'a{x="y"}'),
    ],
)
def test_variables_get_values_with_which_a_query_parses(expr: str, read: str) -> None:
    assert filled(expr) == read


def test_a_query_that_depends_on_its_variables_is_left_to_grafana() -> None:
    with pytest.raises(LookupError):
        filled("$a b $c")


def test_queries_of_prometheus_are_found_wherever_they_stand() -> None:
    loki, prometheus = {"type": "loki", "uid": "l"}, {"type": "prometheus", "uid": "p"}
    variables = [
        {"type": "query", "query": 'label_values(a{x="1,2"}, pod)'},
        {"type": "query", "query": {"query": "query_result(b)"}},
        {"type": "query", "query": "label_values(pod)"},
        {"type": "query", "query": "label_values(l, pod)", "datasource": loki},
    ]
    row = {"type": "row", "panels": [panel("c"), panel("{d}", datasource=loki)]}
    mixed = panel("", datasource={"type": "datasource", "uid": "-- Mixed --"})
    mixed["targets"] = [{"expr": "e", "datasource": prometheus}, {"expr": "{f}", "datasource": loki}]
    annotations = {"list": [{"expr": "g", "datasource": prometheus}]}
    whole = {"panels": [row, mixed], "annotations": annotations, "templating": {"list": variables}}
    assert set(queries(whole)) == {'a{x="1,2"}', "b", "c", "e", "g"}


def test_the_example_is_in_the_grafana_of_the_stack_that_has_everything(stack: Stacks) -> None:
    everything = stack("everything").settings
    assert all_of(everything)["checkout"].folder == "Content"
    (alert,) = (each for each in everything.watched.alerts if each.name == "CheckoutOrdersFailing")
    assert alert.dashboard == "checkout"


# --- schema v2 ---


def v2(expr: str, group: str = "prometheus") -> dict[str, Any]:
    def query(**spec: str) -> dict[str, Any]:
        return {"kind": "DataQuery", "group": group, "version": "v0", "datasource": {"name": "${ds}"}, "spec": spec}

    asked = {"kind": "PanelQuery", "spec": {"refId": "A", "hidden": False, "query": query(expr=expr)}}
    data = {"kind": "QueryGroup", "spec": {"queries": [asked], "transformations": [], "queryOptions": {}}}
    drawn: dict[str, Any] = {"options": {}, "fieldConfig": {"defaults": {}, "overrides": []}}
    spec = {
        "id": 1,
        "title": "P",
        "description": "",
        "links": [],
        "data": data,
        "vizConfig": {"kind": "VizConfig", "group": "timeseries", "version": "", "spec": drawn},
    }
    place = {"x": 0, "y": 0, "width": 12, "height": 8, "element": {"kind": "ElementReference", "name": "p"}}
    return {
        "title": "Mine",
        "variables": [
            {"kind": "DatasourceVariable", "spec": {"name": "ds", "pluginId": "prometheus"}},
            {"kind": "QueryVariable", "spec": {"name": "pod", "query": query(query="label_values(shop_pods, pod)")}},
        ],
        "elements": {"p": {"kind": "Panel", "spec": spec}},
        "layout": {"kind": "GridLayout", "spec": {"items": [{"kind": "GridLayoutItem", "spec": place}]}},
    }


def resource(spec: dict[str, Any]) -> str:
    return json.dumps({"apiVersion": "dashboard.grafana.app/v2beta1", "metadata": {"name": "mine"}, "spec": spec})


def test_a_dashboard_of_schema_v2_is_for_the_stack_s_datasources_too() -> None:
    stack = brought({"dashboards/mine.json": resource(v2("shop_orders"))})
    there = all_of(stack)["mine"]
    read = json.loads(there.json)
    assert there.is_v2
    assert "uid" not in read
    query = read["elements"]["p"]["spec"]["data"]["spec"]["queries"][0]["spec"]["query"]
    assert query["datasource"] == {"name": "prometheus"}
    assert [each["spec"]["name"] for each in read["variables"]] == ["pod"]
    assert set(stack.watched.of_people) == {"shop_orders", "shop_pods"}


def test_problems_of_schema_v2_are_reported() -> None:
    found = refused({"dashboards/a.json": resource(v2("sum(")), "dashboards/b.json": resource(v2("x", "influxdb"))})
    assert found[0].startswith("ours/dashboards/a.json:1: expr: not PromQL: ")
    assert found[1].startswith("ours/dashboards/b.json: a datasource of the type influxdb: ")


def test_schema_v2_goes_by_the_api_that_shows_it(tmp_path: Path, stack: Stacks) -> None:
    file = tmp_path / "content" / "dashboards" / "mine.json"
    file.parent.mkdir(parents=True)
    file.write_text(resource(v2("up")))
    (made,) = (
        each
        for each in stack("dev", content=[str(tmp_path / "content")]).recorder.resources_seen
        if each.type.startswith("grafana:apps/v2beta1")
    )
    assert made.inputs["metadata"] == {"uid": "mine", "folderUid": "folder-content"}
