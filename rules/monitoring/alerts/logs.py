"""Loki: ingestion, retention and queries of log lines."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import STREAMS
from rules.monitoring.uids import MONITORING_COST

# HTTP requests: the gRPC requests between its parts belong to these. Without its probe, which fails during a start.
_REQUESTS = 'method!="gRPC", route!~"ready|metrics"'
_BY_ROUTE = "(cluster, environment, route)"

REQUESTS_FAILING = Alert(
    name="LokiRequestsFailing",
    value=f"sum by {_BY_ROUTE}"
    f' (rate(loki_request_duration_seconds_count{{{_REQUESTS}, status_code=~"5.."}}[10m]))'
    f" / sum by {_BY_ROUTE} (rate(loki_request_duration_seconds_count{{{_REQUESTS}}}[10m]))",
    # Senders retry, so nothing is lost. Above a quarter Loki cannot keep up.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.25},
    # Three per minute. A few queries that time out are no outage.
    and_=f"sum by {_BY_ROUTE} (rate(loki_request_duration_seconds_count{{{_REQUESTS}}}[10m])) > 0.05",
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # longer than a restart
    keep_firing_for=Duration.parse("5m"),
    summary="Loki answers with errors.",
    description="{{ $value | humanizePercentage }} of the requests to {{ $labels.route }} fail.",
    runbook="LokiRequests",
)
REQUESTS_SLOW = Alert(
    name="LokiRequestsSlow",
    value="histogram_quantile(0.99, sum by (cluster, environment, route, le)"
    f' (rate(loki_request_duration_seconds_bucket{{{_REQUESTS}, ws="false", route!~".*tail.*"}}[10m])))',
    # Senders time out after 10 to 30 s and retry, and people no longer wait.
    above={Severity.WARNING: 10},
    # Three per minute. Fewer may be one person's large queries.
    and_=f"sum by {_BY_ROUTE} (rate(loki_request_duration_seconds_count{{{_REQUESTS}}}[10m])) > 0.05",
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),  # longer than a few people load a dashboard over a month
    keep_firing_for=Duration.parse("5m"),
    summary="Loki answers slowly.",
    description="One in a hundred requests to {{ $labels.route }} takes longer than {{ $value | humanizeDuration }}.",
    runbook="LokiRequests",
)
_DISCARDED = "sum by (cluster, environment, tenant, reason) (rate(loki_discarded_samples_total[10m]))"
LINES_DISCARDED = Alert(
    name="LokiLinesDiscarded",
    value=f"{_DISCARDED} / on (cluster, environment, tenant) group_left ()"
    " sum by (cluster, environment, tenant) (rate(loki_distributor_lines_received_total[10m]))",
    # A pod that starts after a day sends some lines that are too old. At one in twenty a limit is too low.
    above={Severity.WARNING: 0.001, Severity.CRITICAL: 0.05},
    and_=f"{_DISCARDED} > 0.1",  # 60 lines in ten minutes
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),
    keep_firing_for=Duration.parse("10m"),
    summary="Loki refuses log lines.",
    description="{{ $value | humanizePercentage }} of {{ $labels.tenant }}'s lines are lost: {{ $labels.reason }}.",
    runbook="LogLinesLost",
)
STORAGE_FAILING = Alert(
    name="LokiStorageFailing",
    value="increase(loki_ingester_chunks_flush_failures_total[30m])"
    " + increase(loki_ingester_wal_disk_full_failures_total[30m])",
    # A flush is retried about every half minute. Ten failures in half an hour mean that the store rejects it.
    above={Severity.WARNING: 0, Severity.CRITICAL: 10},
    for_=Duration.parse("5m"),
    keep_firing_for=Duration.parse("15m"),
    summary="Loki cannot write its data.",
    description='{{ $labels.pod }} failed {{ printf "%.0f" $value }} times in half an hour to write its WAL or chunks.',
)
RING_UNHEALTHY = Alert(
    name="LokiRingUnhealthy",
    value='max by (cluster, environment, name) (loki_ring_members{state="Unhealthy"})',
    # Two of three must accept a line. With one down everything works, with two nothing does.
    above={Severity.WARNING: 0, Severity.CRITICAL: 1},
    for_=Duration.parse("10m"),  # a restarted replica replays its WAL for some minutes
    summary="Replicas of Loki are unhealthy.",
    description="{{ $value }} members of the ring {{ $labels.name }} are unhealthy.",
)
RETENTION_STUCK = Alert(
    name="LokiRetentionStuck",
    # One replica runs it. Before its first run, the time since the latest start counts.
    value="time() - max by (cluster, environment)"
    " (loki_compactor_apply_retention_last_successful_run_timestamp_seconds > 0"
    ' or process_start_time_seconds{job="loki"})',
    # It runs every ten minutes, and a run over a large index may take an hour. After a day the store may be full.
    above={Severity.WARNING: 3 * 3600, Severity.CRITICAL: 24 * 3600},
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),
    summary="Loki deletes no old logs.",
    description="No retention run has finished for {{ $value | humanizeDuration }}: logs are kept for too long.",
)
RULES_FAILING = Alert(
    name="LokiRulesFailing",
    value="sum by (cluster, environment, rule_group) (increase(loki_prometheus_rule_evaluation_failures_total[10m]))"
    " > 0",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # a starting replica fails for a minute or two
    summary="Loki cannot evaluate rules.",
    description='{{ reReplaceAll ".*;" "" $labels.rule_group }} fails: metrics made from logs are missing.',
)
STREAMS_GROW = Alert(
    name="LokiStreamsGrowing",
    value=f"{STREAMS.name} / ({STREAMS.name} offset 1d)",
    # A release adds a few. Twice as many within a day come from a label with unbounded values.
    above={Severity.WARNING: 2},
    and_=f"{STREAMS.name} > 2000",  # a fifth of what a tenant may have by default (`loki.limits.streams`)
    for_=Duration.parse("30m"),
    keep_firing_for=Duration.parse("30m"),
    summary="Loki has far more streams than a day ago.",
    description="{{ $labels.tenant }} has {{ $value | humanize }} times as many streams as a day ago.",
    dashboard=MONITORING_COST,
)
ALERTS = (REQUESTS_FAILING, STORAGE_FAILING, RING_UNHEALTHY, RETENTION_STUCK)
SLOW = (REQUESTS_SLOW, LINES_DISCARDED, RULES_FAILING, STREAMS_GROW)
