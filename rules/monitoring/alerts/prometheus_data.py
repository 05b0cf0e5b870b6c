"""Prometheus: ingestion, storage and number of series."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import BY_POD, HEAD_SERIES
from rules.monitoring.uids import MONITORING_COST

DISCOVERY_FAILING = Alert(
    name="PrometheusDiscoveryFailing",
    # By requests: its own counter of failures stays at 0 when the API server refuses or cannot be reached.
    value=f"sum by {BY_POD} "
    '(rate(prometheus_sd_kubernetes_http_request_total{job="prometheus", status_code!~"2.."}[15m]))'
    f' / sum by {BY_POD} (rate(prometheus_sd_kubernetes_http_request_total{{job="prometheus"}}[15m]))',
    # A list or watch now and then is refused by an API server that restarts or is busy.
    above={Severity.WARNING: 0.5},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # an API server that is updated is away for some minutes
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus cannot ask Kubernetes what to scrape.",
    description="{{ $labels.pod }}: {{ $value | humanizePercentage }} of its questions to the API server fail.",
)
SCRAPE_LIMIT_HIT = Alert(
    name="PrometheusScrapeLimitHit",
    value="increase(prometheus_target_scrapes_exceeded_sample_limit_total[10m])"
    " + increase(prometheus_target_scrapes_exceeded_body_size_limit_total[10m])"
    " + increase(prometheus_target_scrape_pool_exceeded_label_limits_total[10m])"
    " + increase(prometheus_target_scrape_pool_exceeded_target_limit_total[10m]) > 0",
    severity=Severity.WARNING,
    for_=Duration.parse("10m"),  # it does not pass by itself, but a target may be deployed and taken back
    keep_firing_for=Duration.parse("10m"),
    summary="A target sends more than it may.",
    description="{{ $labels.pod }} drops whole scrapes: a target has more samples, bytes or labels than it may.",
)
SAMPLES_REJECTED = Alert(
    name="PrometheusSamplesRejected",
    value="rate(prometheus_target_scrapes_sample_duplicate_timestamp_total[10m])"
    " + rate(prometheus_target_scrapes_sample_out_of_order_total[10m])"
    " + rate(prometheus_target_scrapes_sample_out_of_bounds_total[10m])"
    ' + sum without (type) (rate(prometheus_tsdb_too_old_samples_total{job="prometheus"}[10m]))',
    # One exporter of a hundred series that is scraped twice, every minute, is 1.7.
    above={Severity.WARNING: 1},
    unit=Unit.PER_SECOND,
    for_=Duration.parse("15m"),  # what an exporter sends again after an outage comes in one go
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus throws samples away.",
    description="{{ $labels.pod }} rejects {{ $value | humanize }} samples a second: doubled, too old or out of order.",
)
_PUSHES = 'prometheus_http_requests_total{handler=~"/api/v1/(otlp/v1/metrics|write)"'
PUSHES_REFUSED = Alert(
    name="PrometheusPushesRefused",
    value=f'sum by (cluster, environment, pod, handler) (rate({_PUSHES}, code!~"2.."}}[10m]))'
    f" / sum by (cluster, environment, pod, handler) (rate({_PUSHES}}}[10m]))",
    # Collectors try again what failed for a moment; what is refused (4xx) is lost.
    above={Severity.WARNING: 0.01, Severity.CRITICAL: 0.25},
    # 1 in 30 seconds: the exporters of one application.
    and_=f"sum by (cluster, environment, pod, handler) (rate({_PUSHES}}}[10m])) > 0.03",
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # longer than a restart of Prometheus with its replay
    keep_firing_for=Duration.parse("10m"),
    summary="Prometheus refuses metrics that are pushed to it.",
    description="{{ $labels.pod }} refuses {{ $value | humanizePercentage }} of what comes to {{ $labels.handler }}.",
)
_OURS = 'job="prometheus"'
_HIGHEST = "prometheus_remote_storage_queue_highest"
REMOTE_WRITE_BEHIND = Alert(
    name="PrometheusRemoteWriteBehind",
    # Nothing sent yet is 0: then it owes all since it started.
    value=f"max without (url) ({_HIGHEST}_timestamp_seconds{{{_OURS}}}"
    f" - ({_HIGHEST}_sent_timestamp_seconds{{{_OURS}}} > 0 or {_HIGHEST}_sent_timestamp_seconds{{{_OURS}}}"
    f" + on (instance) group_left () process_start_time_seconds{{{_OURS}}}))",
    # The WAL keeps two hours: what is older than that is never sent.
    above={Severity.WARNING: 300, Severity.CRITICAL: 3600},
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),  # after an outage it catches up several times faster than time passes
    summary="Remote write falls behind.",
    description="{{ $labels.pod }} owes {{ $labels.remote_name }} the last {{ $value | humanizeDuration }}.",
    runbook="PrometheusRemoteWrite",
)
REMOTE_WRITE_DROPS = Alert(
    name="PrometheusRemoteWriteDropping",
    # Without the address, which is a place where people put passwords.
    value='sum without (url) (rate(prometheus_remote_storage_samples_failed_total{job="prometheus"}[10m]))'
    ' / sum without (url) (rate(prometheus_remote_storage_samples_total{job="prometheus"}[10m]))',
    # What could be sent again is not counted here: whatever is, is lost.
    above={Severity.WARNING: 0.001, Severity.CRITICAL: 0.05},
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # a single batch that is refused is over by then
    keep_firing_for=Duration.parse("10m"),
    summary="Remote write loses samples.",
    description="{{ $labels.remote_name }} refuses {{ $value | humanizePercentage }} of what {{ $labels.pod }} sends.",
    runbook="PrometheusRemoteWrite",
)
STORAGE_FAILING = Alert(
    name="PrometheusStorageFailing",
    # Of the job prometheus: Loki has a WAL of the same code, under the same names.
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
    # Blocks are written every two hours, and again every minute when it fails: ten is no longer once.
    above={Severity.WARNING: 0, Severity.CRITICAL: 10},
    summary="Prometheus cannot write what it holds.",
    description='{{ $labels.pod }} failed {{ printf "%.0f" $value }} times in three hours to write its WAL or blocks.',
)
RETENTION_CUT = Alert(
    name="PrometheusRetentionCutShort",
    # Of a day, a look in a quarter of an hour.
    value='increase(prometheus_tsdb_size_retentions_total{job="prometheus"}[1d:15m]) > 0',
    severity=Severity.INFO,
    summary="Prometheus keeps less than its retention time.",
    description="{{ $labels.pod }} is at its size limit and deletes samples that are not old enough to go.",
    dashboard=MONITORING_COST,
)
SERIES_GROW = Alert(
    name="PrometheusSeriesGrowing",
    value=f"{HEAD_SERIES.name} / ({HEAD_SERIES.name} offset 1d)",
    # A release, or a cluster that scales with its day, adds a third at most; memory grows with it.
    above={Severity.WARNING: 1.5, Severity.CRITICAL: 3},
    and_=f"{HEAD_SERIES.name} > 100000",  # up to there half of the smallest stack's 2 GiB is enough
    for_=Duration.parse("30m"),  # the series of a rolling update leave with the next block
    keep_firing_for=Duration.parse("30m"),
    summary="Prometheus has far more series than a day ago.",
    description="{{ $labels.pod }} holds {{ $value | humanize }} times as many series as a day ago.",
    dashboard=MONITORING_COST,
    runbook="SeriesGrowing",
)
CLOCK_AHEAD = Alert(
    name="ClockAheadOfPrometheus",
    # Scrapes that bring their own time (cAdvisor) and pushes are stored at it, up to ten minutes ahead.
    value="prometheus_tsdb_head_max_time_seconds - time()",
    # Clocks that are synchronised differ by milliseconds; a minute is an evaluation that looks at another moment.
    above={Severity.WARNING: 60},
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # a single sample is at most ten minutes ahead, and is then overtaken
    summary="A clock runs ahead of Prometheus's.",
    description="{{ $labels.pod }} holds samples from {{ $value | humanizeDuration }} in the future.",
)

ALERTS = (
    DISCOVERY_FAILING,
    SCRAPE_LIMIT_HIT,
    SAMPLES_REJECTED,
    PUSHES_REFUSED,
    REMOTE_WRITE_BEHIND,
    REMOTE_WRITE_DROPS,
    CLOCK_AHEAD,
)
SLOW = (STORAGE_FAILING, RETENTION_CUT, SERIES_GROW)
