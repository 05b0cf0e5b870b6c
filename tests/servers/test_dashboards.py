"""Every dashboard before a real Prometheus that is loaded with a sample of all telemetry: no panel stays empty."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from dashboards.model import Dashboard, Visualization
from dashboards.queries import annotation_queries, expressions, filled, prometheus_queries
from model.incident import ANY, LABELS
from model.rules import Alert, BaseAlert
from model.uids import INCIDENT
from rules.catalogue import alert_labels
from rules.render import rule_group
from tests.catalogue import place
from tests.dashboards import ALL_DASHBOARDS, STACK
from tests.servers import sample
from tests.servers.conftest import DASHBOARD
from tests.test_grafana_content import spans_queries
from tools.local.harness import Process, eventually, free_port, http_json
from tools.local.history import remember
from tools.servers.find import binary

PLACE = place(STACK)
EVERYWHERE = {"cluster": PLACE.cluster, "environment": PLACE.environment}
NAMESPACE = "a-namespace"
"""The one of the sample."""
# Half a minute apart for the hour that rates and panels read, coarser for what compares with days before.
HOUR, DAY = 3600, 86_400
FINE, COARSE = 30, 900


def _steps(start: float, end: float, step: int) -> Iterator[float]:
    return (start + step * count for count in range(int((end - start) / step)))


@dataclass(frozen=True)
class Loaded:
    url: str

    def get(self, what: str, **query: str) -> Any:
        return http_json(f"{self.url}/api/v1/{what}?{urlencode(query)}", timeout=30)["data"]

    def now(self, expr: str) -> list[Any]:
        result: list[Any] = self.get("query", query=expr)["result"]
        return result

    def lately(self, expr: str) -> list[Any]:
        """A range of a quarter of an hour, as a panel asks it."""
        end = time.time()
        result: list[Any] = self.get("query_range", query=expr, start=str(end - 900), end=str(end), step="30")["result"]
        return result


NEVER_FIRED = "PrometheusRetentionCutShort"
"""An alert that the sample leaves out, so that the list of those that never fired has one."""


def firing() -> Iterator[dict[str, str]]:
    """Every alert, as Prometheus records it while it fires: on a healthy sample hardly any would."""
    for group in STACK.watched.groups:
        for rule in group.rules:
            if isinstance(rule, Alert):
                if rule.name == NEVER_FIRED:
                    continue
                about = {"alertname": rule.name, "alertstate": "firing", "owner": rule.owner, "system": group.system}
                named = {label: sample.usual(label) for label in re.findall(r"\$labels\.(\w+)", rule.description)}
                where = {**named, "namespace": NAMESPACE, **EVERYWHERE, **rule.labels}
                yield from ({**where, **about, "severity": severity} for severity in rule.severities)


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """A Prometheus with the sample and the rules of the whole catalogue, each group evaluated at least once."""
    home = tmp_path_factory.mktemp("loaded")
    began = time.time() - 8 * DAY
    series = sample.sampled(
        STACK.watched, (*expressions(STACK.watched, ALL_DASHBOARDS), *spans_queries().values()), EVERYWHERE
    )
    series["ALERTS"] = {tuple(sorted(labels.items())) for labels in firing()}
    series["ALERTS_FOR_STATE"] = {
        tuple(label for label in labels if label[0] != "alertstate") for labels in series["ALERTS"]
    }
    telemetry = sample.Sample(STACK.watched, series, began)
    now = time.time()
    moments = [*_steps(began, now - HOUR, COARSE), *_steps(now - HOUR, now, FINE)]
    with (home / "sample").open("w", encoding="utf-8") as file:
        file.writelines(telemetry.text(moments, timed=True))
    remember(home / "sample", home / "data")
    rules = {"groups": [rule_group(group, PLACE) for group in STACK.watched.groups]}
    for group in rules["groups"]:
        group["interval"] = "5s"  # once is enough, and a minute long to wait
    (home / "rules.yml").write_text(yaml.safe_dump(rules))
    with exposing(telemetry) as target:
        yield from _running(home, target)


@contextmanager
def exposing(telemetry: sample.Sample) -> Iterator[str]:
    """The address of a target whose metrics go on where the sample's history ends."""

    class Target(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = "".join(telemetry.text([time.time()], timed=False)).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            """Nothing to report."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Target) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()


def _running(home: Path, target: str) -> Iterator[Loaded]:
    """Prometheus with what ``home`` holds; it scrapes ``target``, whose labels are taken as they are."""
    job = {"job_name": "sample", "honor_labels": True, "static_configs": [{"targets": [target]}]}
    config = {"global": {"scrape_interval": "5s"}, "rule_files": ["rules.yml"], "scrape_configs": [job]}
    (home / "prometheus.yml").write_text(yaml.safe_dump(config))
    port = free_port()
    arguments = [
        f"--config.file={home / 'prometheus.yml'}",
        f"--storage.tsdb.path={home / 'data'}",
        "--storage.tsdb.retention.time=30d",
        f"--query.lookback-delta={COARSE}s",  # a day before, the sample has a value so often
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    server = Loaded(f"http://127.0.0.1:{port}")
    with Process([binary("prometheus"), *arguments], log=home / "log") as process:
        process.ready(partial(evaluated, server), within=120)
        yield server


def evaluated(server: Loaded) -> bool:
    """Whether every group has been evaluated three times: recording rules read one another."""
    groups = server.get("rules")["groups"]
    assert all(rule["health"] == "ok" for group in groups for rule in group["rules"]), "a rule fails"
    return len(server.now("prometheus_build_info or vector(1)")) == 1 and all(
        group["lastEvaluation"] > "2000" for group in groups
    )


NONE_WHEN_WELL = "Budget spent in: "
"""The stat says "none" while nothing burns, and in the sample nothing does."""
MAY_BE_EMPTY = {"value"}
"""An objective without `by` has no values to choose from. The sample has no series of people's own objectives."""


INCIDENT_ABOUT = "KubernetesPodCrashLooping"
"""The alert of the sample whose message opens the incident dashboard."""


def about(labels: Mapping[str, str], alert: str = INCIDENT_ABOUT) -> dict[str, str]:
    """The variables of the incident dashboard as the message of an alert with these labels sets them."""
    return dict.fromkeys(LABELS, ANY) | {each: labels[each] for each in LABELS if each in labels} | {"alert": alert}


def choices(dashboard: Dashboard, loaded: Loaded) -> dict[str, str]:
    """What a dashboard's variables are when somebody opens it; fails when one has nothing to offer."""
    firing = {each: sample.usual(each) for each in alert_labels(STACK.watched)[INCIDENT_ABOUT]}
    chosen = about(firing) if dashboard.uid == INCIDENT else {}
    for variable in dashboard.variables:
        if variable.datasource.type != "prometheus":
            continue
        offered = partial(loaded.get, f"label/{variable.label}/values", **{"match[]": filled(variable.of, chosen)})
        # A recorded rate has its first sample after two scrapes: the history may end minutes ago.
        values = offered() if variable.name in MAY_BE_EMPTY else eventually(offered, 20, f"{variable.name} has a value")
        # Most series have the usual value. Others, such as a service that is only known by its scrape job, have few.
        usual = sample.usual(variable.label)
        one = usual if usual in values else next(iter(values), "")
        chosen[variable.name] = EVERYWHERE.get(variable.name, ".*") if variable.multiple else one
    return chosen


def opened(dashboard: Dashboard) -> Dashboard:
    """The incident dashboard as a message opens it; others as they are."""
    if dashboard.uid != INCIDENT:
        return dashboard
    (choice,) = dashboard.custom_variables
    return replace(
        dashboard, custom_variables=(replace(choice, values={INCIDENT_ABOUT: choice.values[INCIDENT_ABOUT]}),)
    )


@pytest.mark.parametrize("dashboard", ALL_DASHBOARDS, ids=lambda dashboard: dashboard.uid)
def test_no_panel_is_empty(
    dashboard: Dashboard, loaded: Loaded, record_property: Callable[[str, object], None]
) -> None:
    chosen = choices(dashboard, loaded)

    def answered(expr: str, view: Visualization) -> bool:
        ask = loaded.now if view in (Visualization.STAT, Visualization.TABLE) else loaded.lately
        return bool(ask(filled(expr, chosen)))

    asked = [(panel.title, query.expr, panel.visualization) for panel, query in prometheus_queries(opened(dashboard))]
    asked += [
        (annotation.name, annotation.expr, Visualization.TIME_SERIES) for annotation in annotation_queries(dashboard)
    ]
    empty = [
        f"{title}: {expr}"
        for title, expr, view in asked
        # A recording rule that reads another has its first sample a round later.
        if not _soon(partial(answered, expr, view))
    ]
    record_property(DASHBOARD, (dashboard.uid, len(asked), len(empty)))
    assert [each for each in empty if not each.startswith(NONE_WHEN_WELL)] == []


def test_the_incident_of_every_alert_shows_its_value_and_its_thresholds(loaded: Loaded) -> None:
    (dashboard,) = (each for each in ALL_DASHBOARDS if each.uid == INCIDENT)
    (values,) = (choice.values for choice in dashboard.custom_variables)
    (chart,) = (panel.queries[0].expr for panel in dashboard.panels if panel.title.startswith("Measured"))
    alerts = {each.name: each for each in STACK.watched.alerts}

    def right(alert: BaseAlert, firing: Mapping[str, str]) -> bool:
        """Whether the lines of the chart are those of the thresholds, and at least one without: the value's."""
        expr = filled(chart.replace("${alert:raw}", values[alert.name]), about({**firing, **alert.labels}, alert.name))
        return {line["metric"].get("threshold", "") for line in loaded.now(expr)} == {"", *alert.thresholds}

    compared = [alerts[name] for name in values if alerts[name].thresholds]
    measured = [(each, found[0]["metric"]) for each in compared if (found := loaded.now(each.value))]
    assert len(measured) > 0.9 * len(compared), "the sample has a value of nearly all"
    assert [each.name for each, firing in measured if not _soon(partial(right, each, firing))] == []


def _soon(holds: partial[bool]) -> bool:
    try:
        return eventually(holds, 20, "an answer")
    except AssertionError:
        return False


@pytest.mark.parametrize("name", spans_queries())
def test_a_span_leads_to_its_metrics(name: str, loaded: Loaded) -> None:
    assert loaded.lately(spans_queries()[name])


@pytest.mark.parametrize(
    "dashboard", [each for each in ALL_DASHBOARDS if each.variables], ids=lambda dashboard: dashboard.uid
)
def test_every_variable_offers_something(dashboard: Dashboard, loaded: Loaded) -> None:
    choices(dashboard, loaded)
