"""Does the stack itself work: what it scrapes, evaluates, stores and delivers."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Alert
from model.uids import ALERTS, HOME
from rules.logs.uids import LOGS
from rules.monitoring.alerts import (
    alertmanager,
    collector,
    grafana,
    logs,
    otel_agent,
    prometheus,
    prometheus_data,
    promtail,
    targets,
    traces,
)
from rules.monitoring.scrape import GRAFANA, OF_THE_STACK, OTEL_AGENT, PROMTAIL
from rules.monitoring.uids import MONITORING, MONITORING_COST

_IN = 'cluster=~"$cluster"'
_POD = "{{pod}}"


def _alarming(alert: Alert, title: str, description: str, legend: str = _POD, width: int = 6) -> Panel:
    """What an alert compares, with its lines; of many subjects the ten that are nearest to them."""
    worst = "bottomk" if alert.below else "topk"
    return alert_time_series(alert, title, description, f"{worst}(10, {narrowed(alert.value, _IN)})", legend, width)


_NOW = Row(
    "Does it work?",
    (
        alert_stat(
            targets.SERVER_DOWN,
            "Servers gone",
            "Servers of the stack of which no replica answers: what they do is not done.",
            found(targets.SERVER_DOWN, _IN),
        ),
        alert_stat(
            targets.TARGET_DOWN,
            "Targets down",
            "Whatever Prometheus scrapes and gets no answer from: alerts about it are blind.",
            found(targets.TARGET_DOWN, _IN),
        ),
        alert_stat(
            prometheus.RULES_FAILING,
            "Rules failing",
            "Groups of rules that Prometheus cannot evaluate: their alerts do not fire, whatever happens.",
            found(prometheus.RULES_FAILING, _IN),
        ),
        alert_stat(
            prometheus.RELOAD_FAILED,
            "Prometheus: old configuration",
            "Replicas that refuse what was deployed last, and go on with what they had.",
            found(prometheus.RELOAD_FAILED, _IN),
        ),
        alert_stat(
            alertmanager.RELOAD_FAILED,
            "Alertmanager: old configuration",
            "Replicas that refuse what was deployed last: new receivers and routes do not apply.",
            found(alertmanager.RELOAD_FAILED, _IN),
        ),
        Panel(
            title="Alerts undelivered",
            description="The part of all alerts that is lost on the way to Alertmanager, by the Prometheus that loses"
            " most. Above zero, somebody may not be told.",
            visualization=Visualization.STAT,
            queries=(Query(expr=f"max({narrowed(prometheus.UNDELIVERED.value, _IN)})"),),
            unit=prometheus.UNDELIVERED.unit,
            alert=prometheus.UNDELIVERED.name,
            width=4,
            height=4,
        ),
        Panel(
            title="Targets that answer",
            description="Of each server of the stack, the part of its replicas that answers. At 0 it is gone; a dip"
            " of a few minutes is a rolling update.",
            queries=(Query(expr=f'avg by (job) (up{{{_IN}, job=~"{OF_THE_STACK}"}})', legend="{{job}}"),),
            unit=Unit.RATIO,
            width=12,
        ),
        _alarming(
            targets.RESTARTS,
            "Restarts within an hour",
            "How often servers started again. An update is one; a server that crashes comes back every five minutes.",
            "{{job}}, {{instance}}",
            width=12,
        ),
    ),
)
_METRICS = Row(
    "Metrics and alerts",
    (
        Panel(
            title="Samples taken in",
            description="What each Prometheus writes per second. A dip is a gap in everything that is watched.",
            queries=(
                Query(
                    expr="sum by (cluster, pod) (rate("
                    f'prometheus_tsdb_head_samples_appended_total{{{_IN}, job="prometheus"}}[$__rate_interval]))',
                    legend=_POD,
                ),
            ),
            unit=Unit.PER_SECOND,
            width=6,
        ),
        _alarming(
            prometheus.RULES_SLOW,
            "Evaluation of rules",
            "The part of its interval that a group of rules takes, of the ten slowest. At 1 evaluations are skipped,"
            " and alerts are late.",
            "{{pod}}, {{rule_group}}",
        ),
        _alarming(
            prometheus_data.STORAGE_FAILING,
            "Failures to store",
            "How often Prometheus could not write its WAL or blocks within three hours: a full or broken volume.",
        ),
        _alarming(
            alertmanager.NOTIFICATIONS_FAILING,
            "Notifications that fail",
            "The part of all notifications that reached nobody, by the way they went.",
            "{{integration}}",
        ),
    ),
)
_LOGS = Row(
    "Logs",
    (
        _alarming(
            logs.REQUESTS_FAILING,
            "Loki: requests that fail",
            "The part of the requests that Loki answers with an error, by what was asked: push is what arrives,"
            " query what people read.",
            "{{route}}",
            width=8,
        ),
        _alarming(
            logs.LINES_DISCARDED,
            "Loki: lines refused",
            "The part of all lines that is lost because it is past a limit, with the reason.",
            "{{tenant}}: {{reason}}",
            width=8,
        ),
        replace(
            _alarming(
                promtail.BEHIND,
                "Promtail: not sent yet",
                "What the log that is furthest behind has and Loki has not, of the ten worst nodes. Past the lines, it"
                " may be rotated away before it is read.",
                "{{node}}",
                width=8,
            ),
            needs=PROMTAIL,
        ),
        replace(
            _alarming(
                otel_agent.QUEUE_FILLS,
                "Node collectors: not sent yet",
                "How full the queue on a node is, of the ten fullest. It fills while the collector is away; full,"
                " nothing is read, and logs may be rotated away before they are.",
                "{{node}}",
                width=8,
            ),
            needs=OTEL_AGENT,
        ),
    ),
)
_TELEMETRY = Row(
    "The collector and traces",
    (
        _alarming(
            collector.REFUSED,
            "Collector: refused",
            "The part of what applications send that is not taken: memory is short, or a queue is full.",
            "{{pod}}: {{signal}}",
        ),
        _alarming(
            collector.QUEUE_FILLS,
            "Collector: queues",
            "How full the queue to each store is. It fills while the store is away, and empties within minutes.",
            "{{pod}}: {{exporter}}",
        ),
        _alarming(
            collector.LOST,
            "Collector: lost",
            "The part of what was taken that a store refused for good, or did not take for a day.",
            "{{pod}}: {{exporter}}",
        ),
        _alarming(
            traces.SPANS_LOST,
            "Jaeger: spans not stored",
            "The part of all spans that Jaeger took and its storage did not: traces have holes.",
        ),
    ),
)
_PROBES = Row(
    "From outside",
    (
        _alarming(
            targets.PROBE_FAILS,
            "Probes that succeed",
            "Of the addresses that are asked every minute, the ten that answer least often.",
            "{{instance}}",
            width=12,
        ),
        Panel(
            title="Certificates",
            description="Time until the certificate of an address expires, for the twenty that expire first; below"
            " zero, it has. Empty where nothing that is probed has one.",
            visualization=Visualization.TABLE,
            queries=(Query(expr=f"bottomk(20, {narrowed(targets.CERTIFICATE.value, _IN)})", legend="Expires in"),),
            unit=targets.CERTIFICATE.unit,
            alert=targets.CERTIFICATE.name,
            columns=("cluster", "instance"),
            width=12,
        ),
    ),
)
_GRAFANA = Row(
    "Grafana",
    (
        _alarming(
            grafana.REQUESTS_FAILING,
            "Grafana: requests that fail",
            "The part of what people's browsers ask Grafana that it answers with an error.",
            "{{cluster}}",
            width=12,
        ),
        _alarming(
            grafana.RULES_FAILING,
            "Grafana: evaluations that fail",
            "The part of the evaluations of its own alert rules that fail, most often for a datasource that is away.",
            "{{cluster}}",
            width=12,
        ),
    ),
    needs=GRAFANA,
)

DASHBOARD = Dashboard(
    uid=MONITORING,
    title="Monitoring: health",
    description="Whether the stack itself does its work, from what it scrapes to whom it tells.",
    tags=("monitoring",),
    variables=(variable("cluster", "up", "Cluster"),),
    related=(HOME, ALERTS, MONITORING_COST, LOGS),
    annotations=(alerts_of("monitoring"),),
    rows=(_NOW, _METRICS, _LOGS, _TELEMETRY, _PROBES, _GRAFANA),
)
