"""What Pulumi puts into Grafana, and that nothing in the cluster waits for it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from components.grafana import datasources
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from model import datasources as uids
from model.cluster import ClusterSettings
from model.promql import labels_of
from rules.catalogue import series_of
from tests.conftest import Recorded, Stacks
from tests.dashboards import STACK
from tools import render
from tools.recorder import ROOT, Resource, record
from tools.recorder import Secret as SecretValue

CLUSTER = ClusterSettings(name="c-1", environment="test", context="c-1", flavour="kind")


def in_grafana(stack: Recorded, kind: str = "") -> dict[str, Resource]:
    """What the Grafana provider is asked to make, by name."""
    return {
        made.name: made
        for made in stack.recorder.resources_seen
        if made.type.startswith("grafana:") and made.type.endswith(kind)
    }


def spans_queries() -> dict[str, str]:
    """What a span asks Prometheus, by name; Grafana fills in the labels that it has."""
    queries = connection(uids.JAEGER).options["tracesToMetrics"]["queries"]
    return {query["name"]: query["query"].replace("$__tags", 'service_name="a-service-name"') for query in queries}


def connection(uid: uids.Datasource, **loki: Any) -> datasources.Connection:
    made = datasources.connections(PrometheusSettings(), LokiSettings.model_validate(loki), CLUSTER)
    return next(each for each in made if each.datasource is uid)


# --- the provider, and what hangs on what ---


def test_everything_in_grafana_goes_through_the_explicit_provider_below_one_component(recorded: Recorded) -> None:
    made = in_grafana(recorded)
    assert made
    for resource in made.values():
        assert "pulumi:providers:grafana::grafana" in resource.provider, resource.name
        assert "GrafanaContent::grafana-content" in resource.parent, resource.name


def test_our_own_grafana_is_there_before_anything_is_put_into_it(prod: Recorded) -> None:
    (pods,) = (made for made in prod.recorder.resources_seen if made.name == "grafana-pods")
    content = in_grafana(prod).values()
    # All but one wait for that one, which keeps the state small.
    after = {resource.urn for resource in content if pods.urn in resource.dependencies}
    assert after
    for resource in content:
        assert after & {resource.urn, *resource.dependencies}, f"{resource.name}: the provider waits for nothing"


def test_nothing_in_the_cluster_waits_for_what_is_in_grafana(prod: Recorded) -> None:
    """So `pulumi up --exclude` can leave all of it out, while Grafana is down: see docs/decisions/0007."""
    for resource in prod.recorder.resources_seen:
        if resource.type.startswith("kubernetes:"):
            content_of = {urn for urn in resource.dependencies if "GrafanaContent" in urn or "providers:grafana" in urn}
            assert not content_of, f"{resource.name}: a rule fix would wait for Grafana"


@pytest.mark.parametrize("document", ["README.md", "docs/decisions/0007-what-is-in-grafana.md"])
def test_the_documented_command_leaves_out_all_of_grafana_s_content_and_nothing_else(
    document: str, prod: Recorded
) -> None:
    patterns = set(re.findall(r"pulumi (?:up|destroy) --exclude '([^']+)'", (ROOT / document).read_text()))
    (pattern,) = patterns
    # As Pulumi reads it: two stars are anything, one would end at the next colon.
    matched = re.compile(".*".join(re.escape(part) for part in pattern.split("**")))
    named = {made.name for made in prod.recorder.resources_seen if matched.fullmatch(made.urn)}
    assert named == {"grafana-content", *in_grafana(prod)}


def test_an_external_grafana_is_filled_the_same_way(stack: Stacks) -> None:
    external = {"url": "https://grafana.elsewhere.example.com", "tokenSecret": "grafanaToken"}
    config = stack("prod").config | {"grafana": {"external": external}}
    abroad = Recorded(config, record("prod", config, {"grafanaToken": "glsa_s3cret"}))
    assert in_grafana(abroad, ":Dashboard").keys() == in_grafana(stack("prod"), ":Dashboard").keys()
    assert in_grafana(abroad, ":DataSource").keys() == in_grafana(stack("prod"), ":DataSource").keys()


def test_turning_a_system_off_removes_its_dashboards_and_no_others(stack: Stacks) -> None:
    on = set(in_grafana(stack("dev")))
    off = set(in_grafana(stack("dev", systems={"nodes": None})))
    assert off <= on
    gone = {name.removeprefix("grafana-content-") for name in on - off}
    assert gone == {"dashboard-nodes", "folder-nodes", "dashboard-runbooks-nodes"}


def test_what_is_in_grafana_stays_small_enough_for_an_update_of_seconds(prod: Recorded) -> None:
    """A backend writes the whole state twice for every resource: time grows with the square of what is there."""
    assert len(in_grafana(prod)) <= 60


def test_credentials_are_a_secret_wherever_the_engine_receives_them(prod: Recorded) -> None:
    (provider,) = (made for made in prod.recorder.resources_seen if made.type == "pulumi:providers:grafana")
    assert isinstance(provider.inputs["auth"], SecretValue)


def test_the_default_datasource_is_there_before_the_others(prod: Recorded) -> None:
    made = in_grafana(prod, ":DataSource")
    first = made.pop("grafana-content-datasource-prometheus")
    assert first.inputs["isDefault"]
    assert all(first.urn in other.dependencies for other in made.values()), "Grafana would make another its default"


# --- dashboards and folders ---


def test_every_dashboard_lies_in_a_folder_that_is_made(prod: Recorded) -> None:
    folders = {made.name: made for made in in_grafana(prod, ":Folder").values()}
    used = {made.inputs["folder"] for made in in_grafana(prod, ":Dashboard").values()}
    assert {made.inputs["uid"] for made in folders.values()} == used | {"folder-alerts"}
    for dashboard in in_grafana(prod, ":Dashboard").values():
        assert dashboard.inputs["overwrite"], "an edit in the browser is repaired"


def test_whatever_people_link_to_keeps_its_address(recorded: Recorded) -> None:
    """Without a uid of ours Grafana makes one up, another after each destroy."""
    made = in_grafana(recorded)
    dashboards = [
        json.loads(each.inputs["configJson"])["uid"] for each in made.values() if each.type.endswith(":Dashboard")
    ]
    named = [each.inputs["uid"] for each in made.values() if each.type.endswith((":Folder", ":DataSource"))]
    rules = [rule["uid"] for each in made.values() if each.type.endswith(":RuleGroup") for rule in each.inputs["rules"]]
    for each in (dashboards, named, rules):
        assert each
        assert len(set(each)) == len(each)
        assert all(each)


def test_a_render_holds_every_dashboard_as_a_file_that_can_be_imported(prod: Recorded) -> None:
    files = render.grafana_files(prod.recorder)
    dashboards = {path for path in files if path.startswith("dashboards/")}
    assert len(dashboards) == len(in_grafana(prod, ":Dashboard"))
    assert json.loads(files["dashboards/monitoring.json"])["title"] == "Monitoring: health"
    assert json.loads(files["datasources/prometheus.json"])["isDefault"]


def test_no_secret_is_in_what_is_rendered_for_grafana(prod: Recorded) -> None:
    assert not [path for path, text in render.grafana_files(prod.recorder).items() if "s3cret" in text]


# --- datasources ---


def test_each_datasource_is_asked_at_its_own_service() -> None:
    made = datasources.connections(PrometheusSettings(), LokiSettings(), CLUSTER)
    assert {each.datasource.uid: each.url for each in made} == {
        "prometheus": "http://prometheus.monitoring.svc:9090",
        "loki": "http://loki.monitoring.svc:3100",
        "jaeger": "http://jaeger.monitoring.svc:16686",
        "alertmanager": "http://alertmanager.monitoring.svc:9093",
    }


def test_an_exemplar_leads_to_its_trace() -> None:
    (leads,) = connection(uids.PROMETHEUS).options["exemplarTraceIdDestinations"]
    assert leads == {"name": "trace_id", "datasourceUid": "jaeger"}


def test_a_log_line_leads_to_its_trace() -> None:
    (field,) = connection(uids.LOKI).options["derivedFields"]
    assert (field["matcherType"], field["matcherRegex"], field["datasourceUid"]) == ("label", "trace_id", "jaeger")


def test_a_trace_leads_to_its_log_lines_and_to_its_metrics() -> None:
    options = connection(uids.JAEGER).options
    assert options["tracesToLogsV2"]["datasourceUid"] == "loki"
    assert options["tracesToMetrics"]["datasourceUid"] == "prometheus"
    assert list(spans_queries()) == ["Calls", "Errors", "95 % are faster than"]
    known = series_of(STACK.watched)
    for asked in spans_queries().values():
        labels_of(asked, known)


def test_a_trace_is_drawn_as_a_graph_of_services() -> None:
    assert connection(uids.JAEGER).options["nodeGraph"] == {"enabled": True}


def test_a_header_that_could_hold_a_credential_is_kept_where_grafana_encrypts(stack: Stacks) -> None:
    made = in_grafana(stack("dev", loki={"multiTenant": True}), ":DataSource")
    loki = made["grafana-content-datasource-loki"].inputs
    assert isinstance(loki["httpHeaders"], SecretValue), "the provider puts them into secureJsonData"
    assert "X-Scope-OrgID" not in loki["jsonDataEncoded"]


def test_grafana_asks_loki_as_the_tenant_that_logs_are_sent_as() -> None:
    assert connection(uids.LOKI).headers == {}
    assert connection(uids.LOKI, multiTenant=True).headers == {"X-Scope-OrgID": "platform"}


def test_a_rate_is_never_finer_than_the_scrapes() -> None:
    assert connection(uids.PROMETHEUS).options["timeInterval"] == str(PrometheusSettings().scrape_interval)


# --- the wait for Grafana: see test_grafana_reached.py ---


def test_what_waits_for_grafana_waits_for_one_thing_so_that_one_message_says_it(prod: Recorded) -> None:
    made = in_grafana(prod)
    first = made.pop("grafana-content-folder-agents")
    assert all(first.urn in other.dependencies for other in made.values())
