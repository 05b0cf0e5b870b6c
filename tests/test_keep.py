"""What scrape jobs store: what somebody asks for, and no more."""

from __future__ import annotations

import re
from collections.abc import Iterable

import pytest

from components.prometheus.config import scrape_jobs
from components.settings.stack import Settings, read
from dashboards.listed import dashboards
from dashboards.model import Annotation, Dashboard, Panel, Query, Row, Visualization, variable
from dashboards.queries import expressions
from model.datasources import LOKI
from model.metrics import WITHOUT_JOB
from model.promql import names
from model.rules import Severity
from model.scrape import ScrapeJob
from model.uids import HOME
from rules.keep import known
from rules.kubernetes.scrape import CADVISOR_METRICS
from rules.system import Watched
from tests.catalogue import EVERYTHING, whole
from tests.dashboards import queries
from tests.test_grafana_content import spans_queries
from tools import kept

KEPT_LONG = EVERYTHING["prometheus"]
USERS = {"annotated-services", "annotated-pods", "jaeger-span-metrics"}
"""Jobs whose series are about people's own programs."""


def asked(settings: Settings) -> tuple[str, ...]:
    watched = settings.watched
    return tuple(expressions(watched, dashboards(settings.systems_on, watched, settings.cluster)))


def jobs(keep: str, *also: str, **changes: object) -> dict[str, ScrapeJob]:
    """By name, those of a stack with every system."""
    settings = read({**EVERYTHING, "prometheus": KEPT_LONG | {"keep": keep, "also": list(also)}, **changes})
    return by_name(settings, asked(settings))


def by_name(settings: Settings, asked: Iterable[str]) -> dict[str, ScrapeJob]:
    made = scrape_jobs(settings.prometheus, settings.cluster, settings.watched, asked)
    return {job.name: job for job in made}


def stores(job: ScrapeJob, metric: str) -> bool:
    return job.keeps is None or any(re.fullmatch(each, metric) for each in job.keeps)


@pytest.mark.parametrize("changes", [{}, {"logs": {"collector": "otel"}}], ids=["promtail", "otel"])
def test_whatever_is_asked_of_a_job_is_stored(changes: dict[str, object]) -> None:
    settings, there = read(EVERYTHING | changes), jobs("known", **changes)
    every = {name for expr in (*asked(settings), *spans_queries().values()) for name in names(expr)}
    lost = [
        f"{metric.job}: {series}"
        for metric in settings.watched.metrics
        for series in metric.series
        if metric.job not in WITHOUT_JOB and series in every and not stores(there[metric.job], series)
    ]
    assert lost == []


def test_a_metric_is_stored_for_a_single_one_that_asks() -> None:
    there = jobs("known")
    only = {
        "an alert": ("alertmanager", "alertmanager_silences_maintenance_errors_total"),
        "a recording rule": ("kube-state-metrics", "kube_node_spec_taint"),
        "a panel": ("apiservers", "apiserver_current_inflight_requests"),
        "a runbook": ("kubelet", "kubelet_evictions"),
    }
    assert [part for part, (job, metric) in only.items() if not stores(there[job], metric)] == []


def test_variables_marks_and_texts_of_dashboards_ask_as_well() -> None:
    dashboard = Dashboard(
        uid=HOME,
        title="",
        description="",
        tags=(),
        variables=(variable("node", 'of_a_variable{cluster=~"$cluster"}', "Node"),),
        annotations=(Annotation(name="", expr="of_a_mark > 0", text="", severity=Severity.INFO),),
        rows=(
            Row(
                "",
                (
                    Panel(title="", description="", queries=(Query(expr="rate(of_a_panel[$__rate_interval])"),)),
                    Panel(title="", description="```promql\nof_a_text\n```\n", visualization=Visualization.TEXT),
                    Panel(title="", description="", queries=(Query(expr='{app="x"}', datasource=LOKI),)),
                ),
            ),
        ),
    )
    found = {name for expr in expressions(Watched(), (dashboard,)) for name in names(expr)}
    assert found == {"of_a_variable", "of_a_mark", "of_a_panel", "of_a_text"}


def test_what_a_runbook_shows_is_asked() -> None:
    settings = read(EVERYTHING)
    runbooks = {alert.runbook_name for alert in settings.watched.alerts}
    shown = {query for runbook in runbooks for query in queries(runbook, "promql")}
    assert shown
    assert {name for expr in shown for name in names(expr)} <= {
        name for expr in asked(settings) for name in names(expr)
    }


@pytest.mark.parametrize(
    ("expr", "found"),
    [
        ("sum(rate(a_total[5m])) / on (x) group_left b > bool 0", {"a_total", "b"}),
        ("max_over_time(a:b:c[1h:5m] offset 1d)", {"a:b:c"}),
        ('count({__name__=~"node_.+|up", job="x"})', {"node_.+|up"}),
        ('{__name__="a"}', {"a"}),
        ('count({job="x", __name__!="a"})', set()),
        ("vector(1)", set()),
    ],
)
def test_the_names_that_an_expression_asks_for(expr: str, found: set[str]) -> None:
    assert names(expr) == found


def test_what_nothing_asks_for_is_not_stored() -> None:
    there = jobs("known")
    assert not stores(there["apiservers"], "apiserver_request_duration_seconds_bucket")
    assert not stores(there["apiservers"], "apiserver_storage_objects"), "deprecated since 1.34"
    assert not stores(there["node-exporter"], "node_entropy_available_bits")
    of_processes = {"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds"}
    assert set(jobs("known", slos=[])["kube-state-metrics-telemetry"].keeps or ()) == of_processes


def test_a_job_that_nothing_is_asked_of_stores_nothing() -> None:
    settings = read(EVERYTHING)
    for job in known(settings.watched.scrape_jobs, settings.watched.metrics, asked=()):
        if not job.of_people:
            nothing = {"source_labels": ["__name__"], "regex": "", "action": "keep"}
            assert nothing in job.plain()["metric_relabel_configs"]


def test_what_only_an_alert_asked_for_is_not_stored_without_it() -> None:
    metric = "alertmanager_silences_maintenance_errors_total"
    for alerts, stored in (({}, True), ({"AlertmanagerStateNotSaved": "off"}, False)):
        assert stores(jobs("known", alerts=alerts)["alertmanager"], metric) is stored


def test_the_objectives_of_a_stack_file_ask_every_job_of_the_stack() -> None:
    total = 'kube_pod_created{job="kube-state-metrics"}'
    slo = {"name": "born", "objective": 99, "total": total, "errors": "process_cpu_seconds_total", "owner": "shop"}
    there = jobs("known", slos=[slo])
    for job in there.keys() - USERS:
        assert stores(there[job], "kube_pod_created"), "nobody here knows which job brings it"
        assert stores(there[job], "process_cpu_seconds_total"), "of this one there may be others than those we know"


@pytest.mark.parametrize("job", sorted(USERS))
@pytest.mark.parametrize("keep", ["known", "all"])
def test_people_s_own_programs_are_stored_whole(keep: str, job: str) -> None:
    assert jobs(keep)[job].keeps is None


def test_a_stack_that_says_nothing_stores_what_it_did_before() -> None:
    settings = read(EVERYTHING)
    before = {job.name: job for job in settings.watched.scrape_jobs}
    now = by_name(settings, ())
    assert now == before == jobs("all")
    assert now["node-exporter"].keeps is None
    assert now["cadvisor"].keeps == CADVISOR_METRICS


@pytest.mark.parametrize("keep", ["known", "all"])
def test_also_adds_names_and_patterns_where_something_is_left_out(keep: str) -> None:
    there = jobs(keep, "kube_pod_labels", "apiserver_audit_.+")
    assert all(stores(job, "kube_pod_labels") for job in there.values())
    assert stores(there["apiservers"], "apiserver_audit_event_total")
    assert not stores(there["apiservers"], "apiserver_audits_total"), "a pattern is of a whole name"


@pytest.mark.parametrize("keep", ["known", "all"])
def test_a_job_with_names_of_another_s_stores_its_metrics_under_names_of_its_own(keep: str) -> None:
    renaming = [job for job in jobs(keep).values() if job.prefix]
    assert {job.prefix for job in renaming} == {"docker_", "supabase_"}
    for job in renaming:
        renamed, kept, *_ = job.plain()["metric_relabel_configs"]
        assert (renamed["target_label"], renamed["replacement"]) == ("__name__", f"{job.prefix}$1")
        stored = [metric.name for metric in whole().metrics if metric.job == job.name]
        assert stored
        assert all(re.fullmatch(kept["regex"], name) and name.startswith(job.prefix) for name in stored)


def test_a_pod_s_own_cgroup_is_left_out_whatever_is_kept() -> None:
    for keep in ("known", "all"):
        kept, sums = jobs(keep)["cadvisor"].plain()["metric_relabel_configs"]
        assert (kept["action"], sums["action"]) == ("keep", "drop")


# --- what a render says of it ---


def lines(keep: str, *also: str) -> set[str]:
    """Of the jobs whose metrics are recorded, and of people's own."""
    settings = read({**EVERYTHING, "prometheus": KEPT_LONG | {"keep": keep, "also": list(also)}})
    unknown = jobs(keep).keys() - kept.exposed().keys() - USERS
    return {line for line in kept.table(settings).splitlines() if line.partition(" ")[0] not in unknown}


def test_the_difference_between_two_renders_names_what_is_lost() -> None:
    every, some = lines("all"), lines("known")
    lost = {line.removesuffix(kept.UNASKED) for line in every} - some
    assert "node-exporter node_entropy_available_bits" in lost
    assert "apiservers apiserver_request_duration_seconds_bucket" in lost
    assert not any(line.startswith("annotated-pods") for line in lost)
    assert some <= every, "and nothing that is asked for"


def test_what_nothing_asks_for_is_marked_and_is_what_would_be_lost() -> None:
    every, some = lines("all"), lines("known")
    assert {line for line in every if line.endswith(kept.UNASKED)} == every - some
    assert not any(line.endswith(kept.UNASKED) for line in some)
    assert lines("known", "node_entropy_a.+") - some == {"node-exporter node_entropy_available_bits"}


def test_every_metric_of_the_catalogue_is_among_those_recorded() -> None:
    recorded = kept.exposed()
    missing = [
        f"{metric.job}: {series}"
        for metric in whole().metrics
        for series in metric.series
        if metric.job in recorded and series not in recorded[metric.job]
    ]
    assert missing == [], "WRITE=1 with tests/servers/test_exposition.py records them"
