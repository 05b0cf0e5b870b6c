"""Prometheus: ingestion, storage and number of series."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD, HEAD_SERIES
from rules.monitoring.uids import MONITORING_COST

DISCOVERY_FAILING = Alert(
    name="PrometheusDiscoveryFailing",
    # From requests: the counter of failures stays at 0 when the API server rejects them or cannot be reached.
    value=f"sum by {BY_POD} "
    '(rate(prometheus_sd_kubernetes_http_request_total{job="prometheus", status_code!~"2.."}[15m]))'
    f' / sum by {BY_POD} (rate(prometheus_sd_kubernetes_http_request_total{{job="prometheus"}}[15m]))',
    # A restarting or busy API server rejects some requests.
    above={Severity.WARNING: 0.5},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # an update of the API server takes some minutes
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus cannot discover targets in Kubernetes.",
    description="{{ $labels.pod }}: {{ $value | humanizePercentage }} of its requests to the API server fail.",
)
SCRAPE_LIMIT_HIT = Alert(
    name="PrometheusScrapeLimitHit",
    value="increase(prometheus_target_scrapes_exceeded_sample_limit_total[10m])"
    " + increase(prometheus_target_scrapes_exceeded_body_size_limit_total[10m])"
    " + increase(prometheus_target_scrape_pool_exceeded_label_limits_total[10m])"
    " + increase(prometheus_target_scrape_pool_exceeded_target_limit_total[10m]) > 0",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # a target may be deployed and rolled back
    keep_firing_for=Duration.parse("10m"),
    summary="A target exceeds a scrape limit.",
    description="{{ $labels.pod }} drops whole scrapes: a target exceeds a limit of samples, bytes or labels.",
)
SAMPLES_REJECTED = Alert(
    name="PrometheusSamplesRejected",
    value="rate(prometheus_target_scrapes_sample_duplicate_timestamp_total[10m])"
    " + rate(prometheus_target_scrapes_sample_out_of_order_total[10m])"
    " + rate(prometheus_target_scrapes_sample_out_of_bounds_total[10m])"
    ' + sum without (type) (rate(prometheus_tsdb_too_old_samples_total{job="prometheus"}[10m]))',
    # An exporter of a hundred series that is scraped twice every minute causes 1.7.
    above={Severity.WARNING: 1},
    unit=Unit.PER_SECOND,
    for_=Duration.parse("15m"),  # an exporter may repeat samples after an outage
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus rejects samples.",
    description="{{ $labels.pod }} rejects {{ $value | humanize }} samples/s: duplicate, too old or out of order.",
)
_PUSHES = 'prometheus_http_requests_total{handler=~"/api/v1/(otlp/v1/metrics|write)"'
PUSHES_REFUSED = Alert(
    name="PrometheusPushesRefused",
    value=f'sum by (cluster, environment, pod, handler) (rate({_PUSHES}, code!~"2.."}}[10m]))'
    f" / sum by (cluster, environment, pod, handler) (rate({_PUSHES}}}[10m]))",
    # Collectors retry after a temporary failure. Rejected data (4xx) is lost.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.25},
    # One push in 30 s: a single application.
    and_=f"sum by (cluster, environment, pod, handler) (rate({_PUSHES}}}[10m])) > 0.03",
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # longer than a restart of Prometheus with the replay of its WAL
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus refuses metrics that are pushed to it.",
    description="{{ $labels.pod }} refuses {{ $value | humanizePercentage }} of the requests to {{ $labels.handler }}.",
)
_OURS = 'job="prometheus"'
_HIGHEST = "prometheus_remote_storage_queue_highest"
REMOTE_WRITE_BEHIND = Alert(
    name="PrometheusRemoteWriteBehind",
    # The value is 0 before the first send. Then the time since the start counts.
    value=f"max without (url) ({_HIGHEST}_timestamp_seconds{{{_OURS}}}"
    f" - ({_HIGHEST}_sent_timestamp_seconds{{{_OURS}}} > 0 or {_HIGHEST}_sent_timestamp_seconds{{{_OURS}}}"
    f" + on (instance) group_left () process_start_time_seconds{{{_OURS}}}))",
    # The WAL keeps two hours. Older samples are never sent.
    above={Severity.WARNING: 300, Severity.CRITICAL: 3600},
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),  # after an outage it sends several times faster than usual
    summary="Remote write falls behind.",
    description="{{ $labels.pod }} is {{ $value | humanizeDuration }} late in sending to {{ $labels.remote_name }}.",
    runbook="PrometheusRemoteWrite",
)
REMOTE_WRITE_DROPS = Alert(
    name="PrometheusRemoteWriteDropping",
    # Without the URL, because URLs may contain passwords.
    value='sum without (url) (rate(prometheus_remote_storage_samples_failed_total{job="prometheus"}[10m]))'
    ' / sum without (url) (rate(prometheus_remote_storage_samples_total{job="prometheus"}[10m]))',
    # Retried samples are not counted as failed. Failed ones are lost.
    above={Severity.WARNING: 0.001, Severity.CRITICAL: 0.05},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # longer than a single rejected batch
    keep_firing_for=Duration.parse("10m"),
    summary="Remote write loses samples.",
    description="{{ $labels.remote_name }} rejects {{ $value | humanizePercentage }} of {{ $labels.pod }}'s samples.",
    runbook="PrometheusRemoteWrite",
)
STORAGE_FAILING = Alert(
    name="PrometheusStorageFailing",
    # Only the job prometheus: the WAL of Loki has the same code and metric names.
    value=" + ".join(
        f'increase(prometheus_tsdb_{what}_total{{job="prometheus"}}[3h:5m])'
        for what in (
            "compactions_failed",
            "reloads_failures",
            "wal_writes_failed",
            "wal_truncations_failed",
            "wal_corruptions",
            "checkpoint_creations_failed",
            "head_truncations_failed",
        )
    ),
    # Blocks are written every two hours, and a failed write is retried every minute. Ten failures are no accident.
    above={Severity.WARNING: 0, Severity.CRITICAL: 10},
    summary="Prometheus cannot write its data.",
    description='{{ $labels.pod }} failed {{ printf "%.0f" $value }} times in three hours to write its WAL or blocks.',
)
RETENTION_CUT = Alert(
    name="PrometheusRetentionCutShort",
    # One sample in a quarter of an hour is enough for a day.
    value='increase(prometheus_tsdb_size_retentions_total{job="prometheus"}[1d:15m]) > 0',
    severity=Severity.INFO,
    summary="Prometheus keeps less than its retention time.",
    description="{{ $labels.pod }} is at its size limit and deletes samples before their retention ends.",
    dashboard=MONITORING_COST,
)
SERIES_GROW = Alert(
    name="PrometheusSeriesGrowing",
    value=f"{HEAD_SERIES.name} / ({HEAD_SERIES.name} offset 1d)",
    # A release or daily scaling adds a third at most. Memory grows with the series.
    above={Severity.WARNING: 1.5, Severity.CRITICAL: 3},
    and_=f"{HEAD_SERIES.name} > 100000",  # fewer need less than half of the smallest stack's 2 GiB
    for_=Duration.parse("30m"),  # the old series of a rolling update leave with the next block
    keep_firing_for=Duration.parse("30m"),
    summary="Prometheus has far more series than a day ago.",
    description="{{ $labels.pod }} holds {{ $value | humanize }} times as many series as a day ago.",
    dashboard=MONITORING_COST,
    runbook="SeriesGrowing",
)
CLOCK_AHEAD = Alert(
    name="ClockAheadOfPrometheus",
    # Pushes and scrapes with timestamps (cAdvisor) may be up to ten minutes in the future.
    value="prometheus_tsdb_head_max_time_seconds - time()",
    # Synchronised clocks differ by milliseconds. A minute is a whole evaluation interval.
    above={Severity.WARNING: 60},
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # a single sample is at most ten minutes in the future
    summary="A clock is ahead of Prometheus's clock.",
    description="{{ $labels.pod }} holds samples from {{ $value | humanizeDuration }} in the future.",
)

ALERTS = (PUSHES_REFUSED, REMOTE_WRITE_BEHIND, REMOTE_WRITE_DROPS)
SLOW = (
    DISCOVERY_FAILING,
    SCRAPE_LIMIT_HIT,
    SAMPLES_REJECTED,
    CLOCK_AHEAD,
    STORAGE_FAILING,
    RETENTION_CUT,
    SERIES_GROW,
)
