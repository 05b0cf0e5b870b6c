"""The catalogue as a whole: every alert is explained, and says only what it knows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from model.datasources import LOKI, PROMETHEUS
from model.grafana_alert import GrafanaAlert, GrafanaGroup
from model.metrics import PUSHED, Metric, Metrics, target_labels
from model.promql import labels_of, selectors
from model.quantities import Duration
from model.rules import Alert, Group, Recording, Severity
from model.runbooks import RUNBOOKS, runbooks
from model.scrape import Relabel, ScrapeJob
from model.uids import HOME
from rules.catalogue import alert_labels, series_of
from rules.logs.uids import LOGS
from rules.system import Watched
from tests.catalogue import whole
from tests.dashboards import queries

WATCHED = whole()
GRAFANA_ALERTS = [alert for group in WATCHED.grafana_groups for alert in group.rules]
HEADINGS = ["Meaning", "Impact", "Confirm", "Likely causes", "What to do", "When to escalate"]


def test_no_metric_is_defined_with_what_its_scrape_job_drops_or_renames() -> None:
    lost = [
        wrong
        for job in WATCHED.scrape_jobs
        for metric in WATCHED.metrics
        if metric.job == job.name
        for wrong in lost_on_the_way(metric, job)
    ]
    assert lost == []


def lost_on_the_way(metric: Metric, job: ScrapeJob) -> Iterator[str]:
    """What a scrape job does to a metric's series that its definition does not say."""
    for series, labels in metric.series.items():
        if job.keeps is not None and not any(re.fullmatch(each, series) for each in job.keeps):
            yield f"{series}: the job {job.name} keeps no such series"
        for step in job.metric_relabel:
            regex = step.regex or ""
            if step.action == "labeldrop":
                dropped = [label for label in labels if re.fullmatch(regex, label)]
                yield from (f"{series}: the job {job.name} drops its label {label}" for label in dropped)
    given_back = {step.target for step in job.metric_relabel if step.source == (f"exported_{step.target}",)}
    for label in set() if job.honor_labels else target_labels(job).intersection(metric.labels) - given_back:
        yield f"{metric.name}: a target of {job.name} has a label {label}, so that its own is exported_{label}"


def test_a_metric_that_its_job_drops_is_reported() -> None:
    job = replace(JOB, keeps=("gadgets_total",), metric_relabel=(Relabel(regex="colou?r", action="labeldrop"),))
    assert list(lost_on_the_way(METRIC, job)) == [
        "widgets_total: the job prometheus keeps no such series",
        "widgets_total: the job prometheus drops its label colour",
    ]
    assert list(lost_on_the_way(Metrics("prometheus").counter("widgets_total", "pod"), JOB)) == [
        "widgets_total: a target of prometheus has a label pod, so that its own is exported_pod"
    ]


def test_a_rule_selects_by_scrape_jobs_that_there_are() -> None:
    jobs = {job.name for job in WATCHED.scrape_jobs}
    rules = [rule for group in WATCHED.groups for rule in group.rules]
    exprs = [rule.expr for rule in rules if isinstance(rule, Recording)]
    exprs += [rule.expr(severity) for rule in rules if isinstance(rule, Alert) for severity in rule.severities]
    named = {
        name
        for expr in exprs
        for selector in selectors(expr)
        for matcher in selector.matchers.matchers
        if matcher.name == "job"
        for name in matcher.value.split("|")
        if re.fullmatch(r"[-a-z]+", name)
    }
    ours = {"shop"}  # whose objective is in the tests' stack file
    assert named - jobs - ours == set(), "no scrape job is called so: the rule would find nothing"


# --- runbooks ---


def test_every_alert_has_a_runbook_and_every_runbook_an_alert() -> None:
    assert {alert.runbook_name for alert in WATCHED.alerts} == runbooks()


@pytest.mark.parametrize("name", sorted(runbooks()))
def test_a_runbook_answers_the_same_questions_in_the_same_order(name: str) -> None:
    text = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {name}\n")
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    for section in re.split(r"^## .+$", text, flags=re.MULTILINE)[1:]:
        assert section.strip(), "a heading without an answer"


@pytest.mark.parametrize("name", sorted(runbooks()))
def test_a_runbook_has_a_query_to_confirm_and_asks_for_series_that_are_there(name: str) -> None:
    assert queries(name), "how to confirm it in Prometheus or Loki"
    known = series_of(WATCHED) | dict.fromkeys(("ALERTS", "ALERTS_FOR_STATE"))
    for query in queries(name, "promql"):
        labels_of(query, known)


def in_one_line(query: str) -> str:
    return " ".join(query.split())


@pytest.mark.parametrize("alert", GRAFANA_ALERTS, ids=lambda alert: alert.name)
def test_the_runbook_of_an_alert_that_grafana_evaluates_asks_for_what_the_alert_counts(alert: GrafanaAlert) -> None:
    language, counted = ("logql", alert.lines) if alert.datasource == LOKI else ("promql", alert.value)
    assert any(in_one_line(counted) in in_one_line(query) for query in queries(alert.runbook_name, language)), counted


# --- what the catalogue refuses ---

JOB = next(job for job in WATCHED.scrape_jobs if job.name == "prometheus")
METRIC = Metrics("prometheus").counter("widgets_total", "colour")


def alert(**changes: Any) -> Alert:
    given: dict[str, Any] = {
        "name": "WidgetsBroken",
        "value": "sum by (cluster, colour) (rate(widgets_total[5m]))",
        "above": {Severity.WARNING: 1},
        "owner": "platform",
        "summary": "Widgets break.",
        "description": "{{ $labels.colour }} breaks.",
        "dashboard": HOME,
        "runbook": "TargetDown",
    }
    return Alert(**given | changes)


def of_grafana(**changes: Any) -> GrafanaAlert:
    given: dict[str, Any] = {
        "name": "WidgetsBroken",
        "datasource": LOKI,
        "value": 'sum by (colour) (count_over_time({app="widgets"} |= `broken` [5m]))',
        "by": ("colour",),
        "above": {Severity.WARNING: 10, Severity.CRITICAL: 50},
        "owner": "platform",
        "summary": "Widgets break.",
        "description": "{{ $value | humanize }} of {{ $labels.colour }} break.",
        "dashboard": LOGS,
        "runbook": "TargetDown",
        "no_data_state": "OK",
        "exec_err_state": "OK",
    }
    return GrafanaAlert(**given | changes)


def catalogue(*rules: Alert | Recording) -> Watched:
    return Watched(scrape_jobs=(JOB,), metrics=(METRIC,), groups=(Group("widgets", rules, system="widgets"),))


def test_an_alert_on_known_metrics_is_accepted_with_the_labels_it_keeps() -> None:
    assert alert_labels(catalogue(alert())) == {"WidgetsBroken": {"cluster", "colour"}}


@pytest.mark.parametrize(
    ("value", "wrong"),
    [
        ("rate(gadgets_total[5m]) > 1", "gadgets_total: no such metric"),
        ('rate(widgets_total{size="s"}[5m])', "selected by size"),
        ("sum by (size) (rate(widgets_total[5m]))", "aggregated by size"),
        ("sum by (cluster) (rate(widgets_total[5m]))", "description uses colour"),
        ("histogram_quantile(0.9, sum by (colour) (rate(widgets_total[5m])))", "needs the label le"),
        ("histogram_fraction(0, 1, sum by (colour) (rate(widgets_total[5m])))", "needs the label le"),
        ("sum by (colour) (widgets_total) / sum by (cluster) (widgets_total)", "no series match"),
        ("widgets_total * on (size) widgets_total", "matched by size"),
        ('absent(widgets_total{colour="red"} == 1)', "description uses colour"),
    ],
)
def test_an_alert_is_refused_for(value: str, wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        alert_labels(catalogue(alert(value=value)))


def test_a_recording_rule_passes_its_labels_on() -> None:
    recording = Recording(name="colour:widgets:rate5m", expr="sum by (colour) (rate(widgets_total[5m]))")
    fine = alert(value="colour:widgets:rate5m")
    assert alert_labels(catalogue(recording, fine))["WidgetsBroken"] == {"cluster", "environment", "colour"}
    with pytest.raises(ValueError, match="description uses instance"):
        alert_labels(catalogue(recording, replace(fine, description="{{ $labels.instance }}")))


def test_an_alert_without_a_runbook_is_refused() -> None:
    with pytest.raises(ValueError, match=r"no runbook docs/runbooks/Nowhere\.md"):
        alert_labels(catalogue(alert(runbook="Nowhere")))
    of_logs = Watched(grafana_groups=(GrafanaGroup("logs", (of_grafana(runbook="Nowhere"),)),))
    with pytest.raises(ValueError, match=r"no runbook docs/runbooks/Nowhere\.md"):
        alert_labels(of_logs)


def test_two_alerts_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match="two alerts with that name"):
        alert_labels(catalogue(alert(), alert()))
    with pytest.raises(ValueError, match="two alerts with that name"):
        alert_labels(replace(catalogue(alert()), grafana_groups=(GrafanaGroup("logs", (of_grafana(),)),)))


def test_an_alert_of_grafana_s_over_series_says_what_labels_they_have() -> None:
    def labels(**changes: Any) -> frozenset[str]:
        asked = of_grafana(name="Outside", datasource=PROMETHEUS, value="sum by (colour) (widgets_total)", **changes)
        watched = replace(catalogue(alert()), grafana_groups=(GrafanaGroup("outside", (asked,)),))
        return alert_labels(watched)["Outside"]

    assert labels(by=("colour",)) == {"colour"}
    with pytest.raises(ValueError, match="other labels than app"):
        labels(by=("app",), description="{{ $labels.app }} breaks.")
    with pytest.raises(ValueError, match="description uses app"):
        labels(by=("colour",), description="{{ $labels.app }} breaks.")


def test_an_alert_that_nobody_owns_is_refused() -> None:
    with pytest.raises(ValueError, match="WidgetsBroken: no owner"):
        alert_labels(catalogue(alert(owner="")))
    with pytest.raises(ValueError, match="WidgetsBroken: no owner"):
        alert_labels(Watched(grafana_groups=(GrafanaGroup("logs", (of_grafana(owner=""),)),)))


def test_a_metric_of_a_job_that_is_off_is_refused() -> None:
    metric = Metrics("elsewhere").gauge("something")
    with pytest.raises(ValueError, match="no scrape job elsewhere is on"):
        alert_labels(replace(catalogue(alert()), metrics=(METRIC, metric)))


def test_what_is_pushed_has_the_labels_of_its_resource() -> None:
    pushed = Metrics(PUSHED).counter("widgets_total")
    watched = replace(catalogue(alert(description="Broken.", value="sum by (k8s_pod_name) (widgets_total)")))
    assert alert_labels(replace(watched, metrics=(pushed,))) == {"WidgetsBroken": {"k8s_pod_name"}}


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"name": "widgets_broken"}, "a name in CamelCase"),
        ({"value": "sum by (colour (widgets_total)"}, "alert WidgetsBroken: "),
        ({"value": "rate(widgets_total)"}, "expected type"),
        ({"above": {}}, "exactly one of above, below and severity"),
        ({"severity": Severity.INFO}, "exactly one of above, below and severity"),
        (
            {"above": {Severity.WARNING: 2, Severity.CRITICAL: 1}},
            "a more urgent severity needs a threshold that is further",
        ),
        (
            {"above": {}, "below": {Severity.WARNING: 1, Severity.CRITICAL: 2}},
            "a more urgent severity needs a threshold that is further",
        ),
        ({"summary": "{{ $labels.colour }} breaks."}, "without labels and values"),
        ({"owner": "nobody in particular"}, "an owner"),
    ],
)
def test_an_alert_cannot_be_made_with(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        alert(**changes)


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({"no_data_state": "Alerting"}, "a description without values"),
        ({"exec_err_state": "Alerting", "description": "Broken."}, "one severity"),
        (
            {"above": {Severity.WARNING: 2, Severity.CRITICAL: 1}},
            "a more urgent severity needs a threshold that is further",
        ),
    ],
)
def test_an_alert_of_grafana_s_cannot_be_made_with(changes: dict[str, Any], wrong: str) -> None:
    with pytest.raises(ValueError, match=re.escape(wrong)):
        of_grafana(**changes)


@pytest.mark.parametrize("interval", ["5s", "15s", "61s"])
def test_grafana_evaluates_at_multiples_of_ten_seconds_only(interval: str) -> None:
    with pytest.raises(ValueError, match="multiple of 10s"):
        GrafanaGroup("widgets", (of_grafana(),), Duration.parse(interval))


def test_a_recording_rule_is_named_by_level_metric_and_operations() -> None:
    with pytest.raises(ValueError, match="level:metric:operations"):
        Recording(name="widgets_rate", expr="widgets_total")


# --- what Prometheus gets ---


def test_a_threshold_per_severity_is_a_rule_per_severity() -> None:
    both = alert(above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.25}, and_="on (colour) widgets_total > $threshold")
    value = "sum by (cluster, colour) (rate(widgets_total[5m]))"
    assert [(rule["labels"]["severity"], rule["expr"]) for rule in both.plain()] == [
        ("critical", f"{value} > 0.25 and on (colour) widgets_total > 0.25"),
        ("warning", f"{value} > 0.1 and on (colour) widgets_total > 0.1"),
    ]


def test_two_severities_have_one_threshold_only_where_the_more_urgent_needs_more() -> None:
    same = {Severity.WARNING: 0.1, Severity.CRITICAL: 0.1}
    with pytest.raises(ValueError, match="a more urgent severity needs"):
        alert(above=same)
    both = alert(above=same, only={Severity.CRITICAL: "on (colour) widgets_total"}, description="Broken.")
    value = "sum by (cluster, colour) (rate(widgets_total[5m]))"
    assert [rule["expr"] for rule in both.plain()] == [
        f"{value} > 0.1 and on (colour) widgets_total",
        f"{value} > 0.1",
    ]


def test_a_value_that_is_an_operation_is_compared_as_a_whole() -> None:
    (rule,) = alert(value="widgets_total or widgets_total", unless="on () vector(1)").plain()
    assert rule["expr"] == "(widgets_total or widgets_total) > 1 unless on () vector(1)"


def test_an_alert_that_flaps_can_be_held() -> None:
    (rule,) = alert(for_=Duration.parse("5m"), keep_firing_for=Duration.parse("10m")).plain()
    assert (rule["for"], rule["keep_firing_for"]) == ("5m", "10m")


def test_the_critical_of_a_name_silences_its_warning_for_the_same_subject() -> None:
    inhibition = WATCHED.inhibitions[0]
    assert inhibition.source == {"severity": "critical"}
    assert inhibition.target == {"severity": "warning|info"}
    assert {"alertname", "cluster", "namespace", "pod", "node"} <= set(inhibition.equal)
    assert "severity" not in inhibition.equal
