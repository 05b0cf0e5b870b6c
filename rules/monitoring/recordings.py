"""Recording rules of the stack's size and cost, for panels and alerts."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import SELDOM, Group, Recording
from rules.monitoring.scrape import OF_THE_STACK

BY_JOB = "(cluster, environment, job)"
BY_POD = "(cluster, environment, namespace, pod)"

RATE_WINDOW = Duration.parse("10m")
"""Ten scrapes of the slowest job."""

SERIES_OF_JOB = Recording(
    name="job:scrape_samples_post_metric_relabeling:sum",
    expr=f"sum by {BY_JOB} (scrape_samples_post_metric_relabeling)",
)
LARGEST_TARGET = Recording(
    name="job:scrape_samples_post_metric_relabeling:max",
    expr=f"max by {BY_JOB} (scrape_samples_post_metric_relabeling)",
)
SAMPLES_OF_JOB = Recording(
    name="job:scrape_samples_post_metric_relabeling:rate10m",
    # The sum of all scrapes, so it is right for every scrape interval.
    expr=f"sum by {BY_JOB} (sum_over_time(scrape_samples_post_metric_relabeling[{RATE_WINDOW}]))"
    f" / {RATE_WINDOW.seconds:.0f}",
    unit=Unit.PER_SECOND,
)
HEAD_SERIES = Recording(
    name="pod:prometheus_tsdb_head_series:max",
    # Without the instance, which changes with a restart.
    expr=f'max by {BY_POD} (prometheus_tsdb_head_series{{job="prometheus"}})',
)
SAMPLE_BYTES = Recording(
    name="pod:prometheus_tsdb_sample_bytes:rate1d",
    # Blocks are written every two hours: a shorter window would contain too few. One sample in ten minutes is enough.
    expr=f"sum by {BY_POD} (rate(prometheus_tsdb_compaction_chunk_size_bytes_sum[1d:10m]))"
    f" / sum by {BY_POD} (rate(prometheus_tsdb_compaction_chunk_samples_sum[1d:10m]))",
    unit=Unit.BYTES,
)
STREAMS = Recording(
    name="tenant:loki_ingester_memory_streams:max",
    # The replica with the most streams, because replicas hold the same streams.
    expr="max by (cluster, environment, tenant) (loki_ingester_memory_streams)",
)
CPU = Recording(
    name="job:process_cpu_seconds:rate5m",
    # OpenTelemetry collectors, including Jaeger, have another metric.
    expr=f'sum by {BY_JOB} (rate(process_cpu_seconds_total{{job=~"{OF_THE_STACK}"}}[5m]))'
    f" or sum by {BY_JOB} (rate(otelcol_process_cpu_seconds_total[5m]))",
)
MEMORY = Recording(
    name="job:process_resident_memory_bytes:sum",
    expr=f'sum by {BY_JOB} (process_resident_memory_bytes{{job=~"{OF_THE_STACK}"}})'
    f" or sum by {BY_JOB} (otelcol_process_memory_rss_bytes)",
    unit=Unit.BYTES,
)

RECORDINGS = Group(
    "monitoring-recordings",
    (SERIES_OF_JOB, LARGEST_TARGET, SAMPLES_OF_JOB, HEAD_SERIES, SAMPLE_BYTES, STREAMS, CPU, MEMORY),
    # For panels over hours, and alerts that compare days.
    SELDOM,
)
