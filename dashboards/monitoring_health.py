"""Health of the stack: scrapes, rules, storage and notifications."""

from __future__ import annotations

from dataclasses import replace

from dashboards.annotations import alerts_of
from dashboards.model import (
    STAT,
    Dashboard,
    Panel,
    Query,
    Row,
    Scale,
    Visualization,
    alert_stat,
    alert_time_series,
    found,
    variable,
)
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


def _alarming(alert: Alert, title: str, description: str, legend: str = _POD, width: int = 8) -> Panel:
    """A time series of an alert's value with its thresholds, for the ten worst subjects."""
    worst = "bottomk" if alert.below else "topk"
    return alert_time_series(alert, title, description, f"{worst}(10, {narrowed(alert.value, _IN)})", legend, width)


_NOW = Row(
    "Health",
    (
        alert_stat(
            targets.SERVER_DOWN,
            "Servers gone",
            "Servers of the stack without a replica that answers: read why their pods are not ready.",
            found(targets.SERVER_DOWN, _IN),
        ),
        alert_stat(
            targets.TARGET_DOWN,
            "Targets down",
            "Targets that Prometheus cannot scrape. Their alerts have no data.",
            found(targets.TARGET_DOWN, _IN),
        ),
        alert_stat(
            prometheus.RULES_FAILING,
            "Rules failing",
            "Rule groups that Prometheus cannot evaluate. Their alerts cannot fire.",
            found(prometheus.RULES_FAILING, _IN),
        ),
        alert_stat(
            prometheus.RELOAD_FAILED,
            "Prometheus: reload failures",
            "Replicas that reject the new configuration and keep the old one: their log names the line.",
            found(prometheus.RELOAD_FAILED, _IN),
        ),
        alert_stat(
            alertmanager.RELOAD_FAILED,
            "Alertmanager: reload failures",
            "Replicas that reject the new configuration. New receivers and routes do not apply.",
            found(alertmanager.RELOAD_FAILED, _IN),
        ),
        Panel(
            title="Alerts undelivered",
            description="Share of alerts lost between Prometheus and Alertmanager, worst replica. Above 0, "
            "notifications may be missing.",
            visualization=Visualization.STAT,
            queries=(Query(expr=f"max({narrowed(prometheus.UNDELIVERED.value, _IN)})"),),
            unit=prometheus.UNDELIVERED.unit,
            alert=prometheus.UNDELIVERED.name,
            width=STAT,
            height=4,
        ),
        Panel(
            title="Targets up",
            description="Share of each server's replicas that answer. 0 is an outage; a short dip is a rolling update.",
            queries=(Query(expr=f'avg by (job) (up{{{_IN}, job=~"{OF_THE_STACK}"}})', legend="{{job}}"),),
            unit=Unit.RATIO,
            width=12,
        ),
        _alarming(
            targets.RESTARTS,
            "Restarts in 1 hour",
            "Restarts of servers. An update is one; a crashing server restarts every five minutes.",
            "{{job}}, {{instance}}",
            width=12,
        ),
    ),
)
_METRICS = Row(
    "Metrics and alerts",
    (
        Panel(
            title="Samples ingested",
            description="Samples per second of each Prometheus. A dip is a gap in all metrics.",
            queries=(
                Query(
                    expr="sum by (cluster, pod) (rate("
                    f'prometheus_tsdb_head_samples_appended_total{{{_IN}, job="prometheus"}}[$__rate_interval]))',
                    legend=_POD,
                ),
            ),
            unit=Unit.PER_SECOND,
        ),
        replace(
            _alarming(
                prometheus.RULES_SLOW,
                "Rule evaluation time",
                "Share of a rule group's interval; the ten slowest. At 1 evaluations are skipped and alerts are late.",
                "{{pod}}, {{rule_group}}",
            ),
            scale=Scale.OPEN,
        ),
        _alarming(
            prometheus_data.STORAGE_FAILING,
            "Storage failures",
            "Failed writes of WAL or blocks in three hours. Check for a full or broken volume.",
        ),
        replace(
            _alarming(
                alertmanager.NOTIFICATIONS_FAILING,
                "Failed notifications",
                "Share of failed notifications by integration. Nobody is notified there: check its credentials.",
                "{{integration}}",
            ),
            unmeasured="No notification was sent.",
        ),
    ),
)
_LOGS = Row(
    "Logs",
    (
        _alarming(
            logs.REQUESTS_FAILING,
            "Loki: failing requests",
            "Error rate of Loki by route: push writes lines, query reads them.",
            "{{route}}",
            width=8,
        ),
        replace(
            _alarming(
                logs.LINES_DISCARDED,
                "Loki: rejected lines",
                "Share of lines lost because they exceed a limit, by reason: raise the limit that it names.",
                "{{tenant}}: {{reason}}",
                width=8,
            ),
            unmeasured="none",
        ),
        replace(
            _alarming(
                promtail.BEHIND,
                "Promtail: backlog",
                "Unsent bytes of the log furthest behind; the ten worst nodes. Above the lines, rotation may delete"
                " it unread.",
                "{{node}}",
                width=8,
            ),
            needs=PROMTAIL,
        ),
        replace(
            _alarming(
                otel_agent.QUEUE_FILLS,
                "Node collectors: queue usage",
                "The ten fullest queues. They fill while the collector is down. At 1 nothing is read, and rotation "
                "may delete logs unread.",
                "{{node}}",
                width=8,
            ),
            needs=OTEL_AGENT,
        ),
    ),
)
_TELEMETRY = Row(
    "Collector and traces",
    (
        _alarming(
            collector.REFUSED,
            "Collector: refused telemetry",
            "Share of telemetry from applications refused: memory is short or a queue is full.",
            "{{pod}}: {{signal}}",
        ),
        _alarming(
            collector.QUEUE_FILLS,
            "Collector: queue usage",
            "Queue usage by exporter. It fills while the store is down, then drains in minutes.",
            "{{pod}}: {{exporter}}",
        ),
        replace(
            _alarming(
                collector.LOST,
                "Collector: lost telemetry",
                "Share of accepted telemetry that a store rejected or did not accept for a day. Check that store.",
                "{{pod}}: {{exporter}}",
            ),
            unmeasured="none",
        ),
        _alarming(
            traces.SPANS_LOST,
            "Jaeger: spans not stored",
            "Share of accepted spans that storage rejected. Traces are incomplete.",
        ),
    ),
)
_PROBES = Row(
    "From outside",
    (
        _alarming(
            targets.PROBE_FAILS,
            "Probe success rate",
            "The ten lowest of the addresses that are probed every minute. At 0 it is down, or the way there is.",
            "{{instance}}",
            width=12,
        ),
        Panel(
            title="Certificates",
            description="Time left of the twenty that expire first; renew it in time. Below 0 it has expired.",
            visualization=Visualization.TABLE,
            queries=(Query(expr=f"bottomk(20, {narrowed(targets.CERTIFICATE.value, _IN)})", legend="Expires in"),),
            unit=targets.CERTIFICATE.unit,
            alert=targets.CERTIFICATE.name,
            columns=("cluster", "instance"),
            unmeasured="No address with TLS is probed.",
            width=12,
        ),
    ),
)
_GRAFANA = Row(
    "Grafana",
    (
        _alarming(
            grafana.REQUESTS_FAILING,
            "Grafana: failing requests",
            "Error rate of requests from browsers. If datasources answer, read Grafana's log.",
            "{{cluster}}",
            width=12,
        ),
        _alarming(
            grafana.RULES_FAILING,
            "Grafana: failing evaluations",
            "Error rate of its own alert rules. Check the datasource first.",
            "{{cluster}}",
            width=12,
        ),
    ),
    needs=GRAFANA,
)

DASHBOARD = Dashboard(
    uid=MONITORING,
    title="Monitoring: health",
    description="Health of the stack, from scrapes to notifications.",
    tags=("monitoring",),
    variables=(variable("cluster", "up", "Cluster"),),
    related=(HOME, ALERTS, MONITORING_COST, LOGS),
    annotations=(alerts_of("monitoring"),),
    rows=(_NOW, _METRICS, _LOGS, _TELEMETRY, _PROBES, _GRAFANA),
)
