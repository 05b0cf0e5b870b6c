"""What the stack holds and costs, tried."""

from __future__ import annotations

from rules.monitoring.cases.tried import JAEGER, LOKI, PROMETHEUS, gives, of, pod
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

_OF_TWO_TARGETS = {
    f"scrape_samples_post_metric_relabeling{of(LOKI)}": "100x30",
    f"scrape_samples_post_metric_relabeling{of(pod('loki', 1))}": "200x30",
}

VALUES = (
    gives(SERIES_OF_JOB, "a job has two targets", _OF_TWO_TARGETS, {'job="loki"': 300}),
    gives(LARGEST_TARGET, "a job has two targets", _OF_TWO_TARGETS, {'job="loki"': 200}),
    gives(SAMPLES_OF_JOB, "two targets are scraped every minute", _OF_TWO_TARGETS, {'job="loki"': 5}),
    gives(
        HEAD_SERIES,
        "a pod came back with another address",
        {
            f"prometheus_tsdb_head_series{of(PROMETHEUS)}": "1000x30",
            f"prometheus_tsdb_head_series{of({**PROMETHEUS, 'instance': '10.0.0.9:80'})}": "1100x30",
        },
        {'namespace="monitoring", pod="prometheus-0"': 1100},
    ),
    gives(
        SAMPLE_BYTES,
        "a hundred samples take 150 bytes",
        {
            f"prometheus_tsdb_compaction_chunk_size_bytes_sum{of(PROMETHEUS)}": "0+150x30",
            f"prometheus_tsdb_compaction_chunk_samples_sum{of(PROMETHEUS)}": "0+100x30",
        },
        {'namespace="monitoring", pod="prometheus-0"': 1.5},
    ),
    gives(
        STREAMS,
        "two replicas hold the same streams",
        {f"loki_ingester_memory_streams{of(pod('loki', n), tenant='fake')}": f"{70 + n}x30" for n in (0, 1)},
        {'tenant="fake"': 71},
    ),
    gives(
        CPU,
        "Loki uses half a core, and Jaeger, which names it differently, a whole one",
        {
            f"process_cpu_seconds_total{of(LOKI)}": "0+30x30",
            f"otelcol_process_cpu_seconds_total{of(JAEGER)}": "0+60x30",
        },
        {'job="loki"': 0.5, 'job="jaeger"': 1},
    ),
    gives(
        MEMORY,
        "two Lokis and a Jaeger run",
        {
            f"process_resident_memory_bytes{of(LOKI)}": "1000x30",
            f"process_resident_memory_bytes{of(pod('loki', 1))}": "2000x30",
            f"otelcol_process_memory_rss_bytes{of(JAEGER)}": "500x30",
        },
        {'job="loki"': 3000, 'job="jaeger"': 500},
    ),
)
