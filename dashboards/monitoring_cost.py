"""Cost of the stack: series, samples, log lines, spans, CPU and memory, by cause."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, alert_time_series, stat, variable
from model.metrics import Unit
from model.promql import narrowed
from model.rules import Recording
from model.uids import HOME
from rules.monitoring.alerts import logs, prometheus_data, targets
from rules.monitoring.alerts.collector import SIGNALS
from rules.monitoring.recordings import (
    CPU,
    HEAD_SERIES,
    LARGEST_TARGET,
    MEMORY,
    SAMPLE_BYTES,
    SAMPLES_OF_JOB,
    SERIES_OF_JOB,
)
from rules.monitoring.scrape import OTEL_AGENT, PROMTAIL
from rules.monitoring.uids import MONITORING, MONITORING_COST, MONITORING_JOB

_IN = 'cluster=~"$cluster"'
_OF_JOB = f'{_IN}, job=~"$job"'
# Each replica of Prometheus stores all samples.
_SAMPLES = (
    "max by (cluster) (sum by (cluster, pod)"
    f' (rate(prometheus_tsdb_head_samples_appended_total{{{_IN}, job="prometheus"}}[$__rate_interval])))'
)
_LOG_BYTES = f"rate(loki_distributor_bytes_received_total{{{_IN}}}[$__rate_interval])"
_SPANS = f'rate(otelcol_receiver_accepted_spans_total{{{_IN}, job="jaeger"}}[$__rate_interval])'


def _lines_by_node(who: str, counter: str, job: str) -> Panel:
    sent = f'sum by (node) (rate({counter}{{{_IN}, job="{job}"}}[$__rate_interval]))'
    return Panel(
        title="Log lines by node",
        description=f"Lines that {who}; the ten nodes with most. A pod in an error loop may run on one.",
        queries=(Query(expr=f"topk(10, {sent})", legend="{{node}}"),),
        unit=Unit.PER_SECOND,
        width=6,
        needs=job,
    )


def _of_servers(recording: Recording, title: str, description: str, unit: Unit) -> Panel:
    expr = f"sum by (job) ({recording.name}{{{_IN}}})"
    queries = (Query(expr=expr, legend="{{job}}"),)
    return Panel(title=title, description=description, queries=queries, unit=unit, stacked=True, width=12)


def disk_a_day(of_job: str) -> str:
    """PromQL: bytes of disk per day by job. The size of a sample is the mean of all jobs."""
    samples = f"sum by (cluster, job) ({SAMPLES_OF_JOB.name}{{{of_job}}})"
    return f"{samples} * on (cluster) group_left () avg by (cluster) ({SAMPLE_BYTES.name}{{{_IN}}}) * 86400"


_TOTALS = Row(
    "Totals",
    (
        stat(
            "Series",
            "Series in Prometheus' memory. They decide its memory.",
            f"sum(max by (cluster) ({HEAD_SERIES.name}{{{_IN}}}))",
            Unit.NONE,
        ),
        stat(
            "Samples",
            "Samples per second. They decide Prometheus' disk and CPU.",
            f"sum({_SAMPLES})",
            Unit.PER_SECOND,
        ),
        stat(
            "Log volume",
            "Bytes that Loki ingests, before compression.",
            f"sum({_LOG_BYTES})",
            Unit.BYTES_PER_SECOND,
        ),
        stat("Spans", "Spans that Jaeger receives, before sampling.", f"sum({_SPANS})", Unit.PER_SECOND),
        stat("CPU", "Cores of all servers of the stack.", f"sum({CPU.name}{{{_IN}}})", Unit.NONE),
        stat(
            "Memory",
            "Memory of all servers of the stack.",
            f"sum({MEMORY.name}{{{_IN}}})",
            Unit.BYTES,
        ),
    ),
)
_WHOSE = Row(
    "Metrics by scrape job",
    (
        Panel(
            title="Jobs",
            description="Series of each job and its largest target, samples and disk. The first few cost most. "
            "Click a job to see its metrics and labels.",
            visualization=Visualization.TABLE,
            queries=(
                Query(expr=f"topk(50, sum by (cluster, job) ({SERIES_OF_JOB.name}{{{_OF_JOB}}}))", legend="Series"),
                Query(expr=f"max by (cluster, job) ({LARGEST_TARGET.name}{{{_OF_JOB}}})", legend="Largest"),
                Query(
                    expr=f"sum by (cluster, job) ({SAMPLES_OF_JOB.name}{{{_OF_JOB}}})",
                    legend="Samples/s",
                ),
                Query(expr=disk_a_day(_OF_JOB), legend="Disk a day", unit=Unit.BYTES),
            ),
            columns=("cluster", "job"),
            data_link=MONITORING_JOB,
            width=12,
            height=16,
        ),
        Panel(
            title="Samples by job",
            description="Samples per second of the ten largest jobs. A step is a deployment; a slope is growth.",
            queries=(Query(expr=f"topk(10, sum by (job) ({SAMPLES_OF_JOB.name}{{{_OF_JOB}}}))", legend="{{job}}"),),
            unit=Unit.PER_SECOND,
            stacked=True,
            width=12,
        ),
        alert_time_series(
            targets.TARGET_GROWS,
            "Largest target, growth in a day",
            "Series of a job's largest target divided by the day before; the ten that grew most. At 2, check for an"
            " unbounded label.",
            f"topk(10, {narrowed(targets.TARGET_GROWS.value, _OF_JOB)})",
            "{{job}}",
            width=12,
        ),
    ),
)
_PROMETHEUS = Row(
    "Metrics storage",
    (
        alert_time_series(
            prometheus_data.SERIES_GROW,
            "Series, growth in a day",
            "Series of Prometheus divided by the day before. Memory grows with it.",
            narrowed(prometheus_data.SERIES_GROW.value, _IN),
            "{{pod}}",
            width=6,
        ),
        Panel(
            title="New series",
            description="New series per second. New pods make some. If it stays high, check for a label that "
            "changes with every request.",
            queries=(
                Query(
                    expr="sum by (cluster, pod)"
                    f" (rate(prometheus_tsdb_head_series_created_total{{{_IN}}}[$__rate_interval]))",
                    legend="{{pod}}",
                ),
            ),
            unit=Unit.PER_SECOND,
            width=6,
        ),
        Panel(
            title="Blocks on disk",
            description="Stored bytes without the last two hours, and the size limit of retention; 0 is no limit.",
            queries=(
                Query(expr=f"max by (cluster, pod) (prometheus_tsdb_storage_blocks_bytes{{{_IN}}})", legend="{{pod}}"),
                Query(expr=f"max by (cluster) (prometheus_tsdb_retention_limit_bytes{{{_IN}}})", legend="limit"),
            ),
            unit=Unit.BYTES,
            width=6,
        ),
        Panel(
            title="Bytes per sample",
            description="Mean of a day; one or two is normal. Multiply by the samples of the retention to get the "
            "disk size.",
            queries=(Query(expr=f"{SAMPLE_BYTES.name}{{{_IN}}}", legend="{{pod}}"),),
            unit=Unit.BYTES,
            width=6,
        ),
    ),
)
_LOGS_AND_TRACES = Row(
    "Logs and traces",
    (
        Panel(
            title="Log volume by tenant",
            description="Bytes that Loki ingests by tenant. Multiply by the retention to size storage.",
            queries=(Query(expr=f"topk(10, sum by (tenant) ({_LOG_BYTES}))", legend="{{tenant}}"),),
            unit=Unit.BYTES_PER_SECOND,
            stacked=True,
            width=6,
        ),
        _lines_by_node("Promtail sends", "promtail_sent_entries_total", PROMTAIL),
        _lines_by_node("node collectors send", "otelcol_exporter_sent_log_records_total", OTEL_AGENT),
        alert_time_series(
            logs.STREAMS_GROW,
            "Streams, growth in a day",
            "Streams of a tenant divided by the day before. More streams make queries slower.",
            f"topk(10, {narrowed(logs.STREAMS_GROW.value, _IN)})",
            "{{tenant}}",
            width=6,
        ),
        Panel(
            title="Sent by applications",
            description="Spans, lines and points per second that the collector receives from applications.",
            queries=tuple(
                Query(
                    expr=f"sum(rate(otelcol_receiver_accepted_{items}_total"
                    f'{{{_IN}, job="otel-collector"}}[$__rate_interval]))',
                    legend=signal,
                )
                for signal, items in SIGNALS.items()
            ),
            unit=Unit.PER_SECOND,
            counted="items",
            width=6,
        ),
    ),
)
_NEEDED = Row(
    "Servers",
    (
        _of_servers(CPU, "CPU by server", "Cores of all replicas. It grows with the cluster.", Unit.NONE),
        _of_servers(
            MEMORY,
            "Memory by server",
            "Bytes of all replicas. It grows with series (Prometheus) and streams (Loki).",
            Unit.BYTES,
        ),
    ),
)

DASHBOARD = Dashboard(
    uid=MONITORING_COST,
    title="Monitoring: cost",
    description="Cost of the stack, and the jobs, tenants and nodes that cause it.",
    tags=("monitoring",),
    time_from="now-7d",
    variables=(
        variable("cluster", SERIES_OF_JOB.name, "Cluster"),
        variable("job", f"{SERIES_OF_JOB.name}{{{_IN}}}", "Job"),
    ),
    related=(HOME, MONITORING, MONITORING_JOB),
    annotations=(alerts_of("monitoring"),),
    rows=(_TOTALS, _WHOSE, _PROMETHEUS, _LOGS_AND_TRACES, _NEEDED),
)
