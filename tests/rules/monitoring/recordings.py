"""What the stack holds and costs, by example."""

from __future__ import annotations

from rules.monitoring.recordings import (
    CPU,
    HEAD_SERIES,
    LARGEST_TARGET,
    MEMORY,
    SAMPLE_BYTES,
    SAMPLES_OF_JOB,
    SERIES_OF_JOB,
    STREAMS,
)
from tests.rules.examples import counters, example, gauges, metric, of
from tests.rules.monitoring.subjects import JAEGER, LOKI, PROMETHEUS, pod

_OF_TWO_TARGETS = gauges(
    {
        metric("scrape_samples_post_metric_relabeling", LOKI): 100,
        metric("scrape_samples_post_metric_relabeling", pod("loki", 1)): 200,
    },
    30,
)

EXAMPLES = (
    example("a job has two targets", SERIES_OF_JOB, series=_OF_TWO_TARGETS, at="20m", gives={of(job="loki"): 300}),
    example("a job has two targets", LARGEST_TARGET, series=_OF_TWO_TARGETS, at="20m", gives={of(job="loki"): 200}),
    example(
        "two targets are scraped every minute",
        SAMPLES_OF_JOB,
        series=_OF_TWO_TARGETS,
        at="20m",
        gives={of(job="loki"): 5},
    ),
    example(
        "a pod came back with another address",
        HEAD_SERIES,
        series=gauges(
            {
                metric("prometheus_tsdb_head_series", PROMETHEUS): 1000,
                metric("prometheus_tsdb_head_series", {**PROMETHEUS, "instance": "10.0.0.9:80"}): 1100,
            },
            30,
        ),
        at="20m",
        gives={of(namespace="monitoring", pod="prometheus-0"): 1100},
    ),
    example(
        "a hundred samples take 150 bytes",
        SAMPLE_BYTES,
        series=counters(
            {
                metric("prometheus_tsdb_compaction_chunk_size_bytes_sum", PROMETHEUS): 150,
                metric("prometheus_tsdb_compaction_chunk_samples_sum", PROMETHEUS): 100,
            },
            30,
        ),
        at="20m",
        gives={of(namespace="monitoring", pod="prometheus-0"): 1.5},
    ),
    example(
        "two replicas hold the same streams",
        STREAMS,
        series=gauges(
            {metric("loki_ingester_memory_streams", pod("loki", n), tenant="fake"): 70 + n for n in (0, 1)}, 30
        ),
        at="20m",
        gives={of(tenant="fake"): 71},
    ),
    example(
        "Loki uses half a core, and Jaeger, which names it differently, a whole one",
        CPU,
        series=counters(
            {metric("process_cpu_seconds_total", LOKI): 30, metric("otelcol_process_cpu_seconds_total", JAEGER): 60}, 30
        ),
        at="20m",
        gives={of(job="loki"): 0.5, of(job="jaeger"): 1},
    ),
    example(
        "two Lokis and a Jaeger run",
        MEMORY,
        series=gauges(
            {
                metric("process_resident_memory_bytes", LOKI): 1000,
                metric("process_resident_memory_bytes", pod("loki", 1)): 2000,
                metric("otelcol_process_memory_rss_bytes", JAEGER): 500,
            },
            30,
        ),
        at="20m",
        gives={of(job="loki"): 3000, of(job="jaeger"): 500},
    ),
)
