"""Metrics of the stack's own servers that rules and panels use.

Loki and Promtail contain code of Prometheus and expose some metrics named ``prometheus_...``, so rules on these select
a job.
"""

from __future__ import annotations

from collections.abc import Iterator

from model.metrics import Metric, Metrics, Unit
from rules.monitoring.scrape import BLACKBOX_EXPORTER, COLLECTOR, GRAFANA, JAEGER, OTEL_AGENT, PROBES, PROMTAIL

_PROMETHEUS = Metrics("prometheus")
_ALERTMANAGER = Metrics("alertmanager")
_LOKI = Metrics("loki")
_PROMTAIL = Metrics(PROMTAIL)
_AGENT = Metrics(OTEL_AGENT)
_COLLECTOR = Metrics(COLLECTOR)
_JAEGER = Metrics(JAEGER)
_PROBES = Metrics(PROBES)
_GRAFANA = Metrics(GRAFANA)

_REMOTE = "remote_name url"


def _collector(metrics: Metrics) -> Iterator[Metric]:
    """Metrics of the process of OpenTelemetry collectors, including Jaeger."""
    yield metrics.counter("otelcol_process_cpu_seconds_total", unit=Unit.SECONDS)
    yield metrics.gauge("otelcol_process_memory_rss_bytes", unit=Unit.BYTES)
    yield metrics.counter("otelcol_process_uptime_seconds_total", unit=Unit.SECONDS)


def _queues(metrics: Metrics) -> Iterator[Metric]:
    yield metrics.gauge("otelcol_exporter_queue_size", "exporter", Unit.BYTES)
    yield metrics.gauge("otelcol_exporter_queue_capacity", "exporter", Unit.BYTES)


def _passed_on(metrics: Metrics, items: str) -> Iterator[Metric]:
    """Metrics of received and sent ``items``, such as ``spans``."""
    for outcome in ("accepted", "refused", "failed"):
        yield metrics.counter(f"otelcol_receiver_{outcome}_{items}_total", "receiver transport")
    for outcome in ("sent", "send_failed"):
        yield metrics.counter(f"otelcol_exporter_{outcome}_{items}_total", "exporter")


_OF_PROMETHEUS = (
    *_PROMETHEUS.process(),
    _PROMETHEUS.gauge("prometheus_config_last_reload_successful"),
    _PROMETHEUS.gauge("prometheus_config_last_reload_success_timestamp_seconds", unit=Unit.TIMESTAMP),
    _PROMETHEUS.counter("prometheus_http_requests_total", "code handler"),
    # rules
    _PROMETHEUS.counter("prometheus_rule_evaluation_failures_total", "rule_group"),
    _PROMETHEUS.counter("prometheus_rule_group_iterations_missed_total", "rule_group"),
    _PROMETHEUS.gauge("prometheus_rule_group_last_duration_seconds", "rule_group", Unit.SECONDS),
    _PROMETHEUS.gauge("prometheus_rule_group_interval_seconds", "rule_group", Unit.SECONDS),
    # alerts on their way
    _PROMETHEUS.gauge("prometheus_notifications_alertmanagers_discovered"),
    _PROMETHEUS.counter("prometheus_notifications_sent_total", "alertmanager"),
    _PROMETHEUS.counter("prometheus_notifications_dropped_total", "alertmanager"),
    _PROMETHEUS.gauge("prometheus_notifications_queue_length", "alertmanager"),
    # scrapes
    _PROMETHEUS.gauge("prometheus_target_scrape_pool_targets", "scrape_job"),
    _PROMETHEUS.counter("prometheus_sd_kubernetes_http_request_total", "status_code"),
    _PROMETHEUS.counter("prometheus_sd_refresh_failures_total", "mechanism config"),
    _PROMETHEUS.counter("prometheus_target_scrapes_exceeded_sample_limit_total"),
    _PROMETHEUS.counter("prometheus_target_scrapes_exceeded_body_size_limit_total"),
    _PROMETHEUS.counter("prometheus_target_scrape_pool_exceeded_label_limits_total"),
    _PROMETHEUS.counter("prometheus_target_scrape_pool_exceeded_target_limit_total"),
    _PROMETHEUS.counter("prometheus_target_scrapes_sample_duplicate_timestamp_total"),
    _PROMETHEUS.counter("prometheus_target_scrapes_sample_out_of_order_total"),
    _PROMETHEUS.counter("prometheus_target_scrapes_sample_out_of_bounds_total"),
    # storage
    _PROMETHEUS.gauge("prometheus_tsdb_head_series"),
    _PROMETHEUS.counter("prometheus_tsdb_head_series_created_total"),
    _PROMETHEUS.gauge("prometheus_tsdb_head_max_time_seconds", unit=Unit.TIMESTAMP),
    _PROMETHEUS.counter("prometheus_tsdb_head_samples_appended_total", "type"),
    _PROMETHEUS.counter("prometheus_tsdb_too_old_samples_total", "type"),
    _PROMETHEUS.counter("prometheus_tsdb_compactions_failed_total"),
    _PROMETHEUS.counter("prometheus_tsdb_reloads_failures_total"),
    _PROMETHEUS.counter("prometheus_tsdb_wal_writes_failed_total"),
    _PROMETHEUS.counter("prometheus_tsdb_wal_truncations_failed_total"),
    _PROMETHEUS.counter("prometheus_tsdb_wal_corruptions_total"),
    _PROMETHEUS.counter("prometheus_tsdb_checkpoint_creations_failed_total"),
    _PROMETHEUS.counter("prometheus_tsdb_head_truncations_failed_total"),
    _PROMETHEUS.counter("prometheus_tsdb_size_retentions_total"),
    _PROMETHEUS.gauge("prometheus_tsdb_storage_blocks_bytes", unit=Unit.BYTES),
    _PROMETHEUS.gauge("prometheus_tsdb_retention_limit_bytes", unit=Unit.BYTES),
    _PROMETHEUS.histogram("prometheus_tsdb_compaction_chunk_size_bytes", unit=Unit.BYTES),
    _PROMETHEUS.histogram("prometheus_tsdb_compaction_chunk_samples", unit=Unit.NONE),
    # remote write, when there is any
    _PROMETHEUS.gauge("prometheus_remote_storage_queue_highest_timestamp_seconds", _REMOTE, Unit.TIMESTAMP),
    _PROMETHEUS.gauge("prometheus_remote_storage_queue_highest_sent_timestamp_seconds", _REMOTE, Unit.TIMESTAMP),
    _PROMETHEUS.counter("prometheus_remote_storage_samples_total", _REMOTE),
    _PROMETHEUS.counter("prometheus_remote_storage_samples_failed_total", _REMOTE),
)
_OF_ALERTMANAGER = (
    *_ALERTMANAGER.process(),
    _ALERTMANAGER.gauge("alertmanager_config_last_reload_successful"),
    _ALERTMANAGER.gauge("alertmanager_config_last_reload_success_timestamp_seconds", unit=Unit.TIMESTAMP),
    _ALERTMANAGER.gauge("alertmanager_config_hash"),
    _ALERTMANAGER.gauge("alertmanager_cluster_members"),
    _ALERTMANAGER.gauge("alertmanager_cluster_failed_peers"),
    _ALERTMANAGER.gauge("alertmanager_alerts", "state"),
    _ALERTMANAGER.gauge("alertmanager_silences", "state"),
    _ALERTMANAGER.counter("alertmanager_notifications_total", "integration"),
    _ALERTMANAGER.counter("alertmanager_notifications_failed_total", "integration reason"),
    _ALERTMANAGER.counter("alertmanager_silences_maintenance_errors_total"),
    _ALERTMANAGER.counter("alertmanager_nflog_maintenance_errors_total"),
)
_OF_LOKI = (
    *_LOKI.process(),
    _LOKI.histogram("loki_request_duration_seconds", "method route status_code ws"),
    _LOKI.counter("loki_distributor_lines_received_total", "tenant format policy is_internal_stream"),
    _LOKI.counter("loki_distributor_bytes_received_total", "tenant format policy is_internal_stream", Unit.BYTES),
    _LOKI.counter("loki_discarded_samples_total", "tenant reason format policy retention_hours"),
    _LOKI.counter("loki_ingester_chunks_flush_failures_total"),
    _LOKI.counter("loki_ingester_wal_disk_full_failures_total"),
    _LOKI.gauge("loki_ingester_memory_streams", "tenant"),
    _LOKI.gauge("loki_ring_members", "name state"),
    _LOKI.gauge("loki_compactor_apply_retention_last_successful_run_timestamp_seconds", unit=Unit.TIMESTAMP),
    _LOKI.counter("loki_prometheus_rule_evaluations_total", "rule_group user"),
    _LOKI.counter("loki_prometheus_rule_evaluation_failures_total", "rule_group user"),
)
_OF_COLLECTOR = (
    *_collector(_COLLECTOR),
    *_passed_on(_COLLECTOR, "spans"),
    *_passed_on(_COLLECTOR, "log_records"),
    *_passed_on(_COLLECTOR, "metric_points"),
    *_queues(_COLLECTOR),
)
_OF_JAEGER = (
    *_collector(_JAEGER),
    *_passed_on(_JAEGER, "spans"),
    # only with sampling
    _JAEGER.counter("otelcol_processor_tail_sampling_new_trace_id_received_total"),
    _JAEGER.counter("otelcol_processor_tail_sampling_sampling_trace_dropped_too_early_total"),
    _JAEGER.counter("jaeger_storage_requests_total", "kind name operation result role"),
)
_OF_PROBES = (
    _PROBES.gauge("probe_success"),
    _PROBES.gauge("probe_duration_seconds", unit=Unit.SECONDS),
    _PROBES.gauge("probe_ssl_earliest_cert_expiry", unit=Unit.TIMESTAMP),
)

METRICS = (
    *_OF_PROMETHEUS,
    *_OF_ALERTMANAGER,
    *_OF_LOKI,
    *_OF_COLLECTOR,
    *_OF_JAEGER,
    *_OF_PROBES,
    *Metrics(BLACKBOX_EXPORTER).process(),
)
OF_GRAFANA = (
    *_GRAFANA.process(),
    _GRAFANA.histogram("grafana_http_request_duration_seconds", "handler method status_code"),
    _GRAFANA.counter("grafana_alerting_rule_evaluations_total", "org"),
    _GRAFANA.counter("grafana_alerting_rule_evaluation_failures_total", "org"),
    # exists only for integrations that have counted a failure
    _GRAFANA.counter("grafana_alerting_notifications_failed_total", "integration org"),
)
"""Metrics of a Grafana that the stack deploys."""
OF_PROMTAIL = (
    *_PROMTAIL.process(),
    _PROMTAIL.gauge("promtail_file_bytes_total", "path", Unit.BYTES),
    _PROMTAIL.gauge("promtail_read_bytes_total", "path", Unit.BYTES),
    _PROMTAIL.counter("promtail_sent_entries_total", "host"),
    _PROMTAIL.counter("promtail_dropped_entries_total", "host tenant reason"),
    _PROMTAIL.histogram("promtail_request_duration_seconds", "host status_code"),
)
OF_AGENT = (
    *_collector(_AGENT),
    *_passed_on(_AGENT, "log_records"),
    *_queues(_AGENT),
    _AGENT.gauge("otelcol_fileconsumer_reading_files"),
)
"""Metrics by log collector; a stack has one of the two."""
