"""Availability of the stack's servers, of scraped targets and of probed addresses."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import LARGEST_TARGET
from rules.monitoring.scrape import OF_THE_STACK
from rules.monitoring.uids import MONITORING_COST

MAY_BE_EMPTY = "annotated-.+"
"""Jobs of annotated targets, which may have no targets."""

WATCHDOG = Alert(
    name="Watchdog",
    value="vector(1)",
    severity=Severity.INFO,
    summary="The alerting path works.",
    description="Always fires. If it stops arriving, Prometheus, Alertmanager or their connection is down.",
)
TARGET_DOWN = Alert(
    name="TargetDown",
    value="up == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # longer than a rolling update of a server
    of_target=True,
    summary="A scrape target does not answer.",
    description="{{ $labels.job }} at {{ $labels.instance }} does not answer.",
)
SERVER_DOWN = Alert(
    name="StackServerDown",
    # The best replica counts: while one is up, TargetDown fires for the others. A job without targets has no `up`.
    value="max by (cluster, environment, job) ("
    f'up{{job=~"{OF_THE_STACK}"}} or label_replace('
    f'prometheus_target_scrape_pool_targets{{scrape_job=~"{OF_THE_STACK}"}} == 0, "job", "$1", "scrape_job", "(.+)"'
    ")) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # Loki is the slowest to restart, in two minutes
    summary="A server of the monitoring stack is down.",
    description="No {{ $labels.job }} answers: this part of the stack is down.",
)
WITHOUT_TARGETS = Alert(
    name="ScrapeJobWithoutTargets",
    value="max by (cluster, environment, job) (label_replace("
    f'prometheus_target_scrape_pool_targets{{scrape_job!~"{MAY_BE_EMPTY}"}}, "job", "$1", "scrape_job", "(.+)"'
    ")) == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # longer than the deployment of a new stack
    summary="A scrape job has no targets.",
    description="{{ $labels.job }} has no targets: its alerts are blind and its panels are empty.",
)
OUTDATED = Alert(
    name="ScrapeJobTargetsOutdated",
    # Lists over HTTP, DNS and clouds; `config-N` are the Alertmanagers, whose absence is an alert of its own.
    value="max by (cluster, environment, job) (label_replace("
    'increase(prometheus_sd_refresh_failures_total{config!~"config-.+"}[30m]), "job", "$1", "config", "(.+)"))',
    # Azure is asked least often, every five minutes: a third failure is no accident. Two may be extrapolated to 2.1.
    above={Severity.WARNING: 2.5},
    for_=Duration.parse("10m"),  # an inventory that is updated is back by then
    summary="A list of targets cannot be read.",
    description="Prometheus cannot ask for the targets of {{ $labels.job }}, and keeps those that it knows.",
    runbook="PrometheusDiscoveryFailing",
)
TARGET_GROWS = Alert(
    name="ScrapeTargetGrowing",
    value=f"{LARGEST_TARGET.name} / ({LARGEST_TARGET.name} offset 1d)",
    # A release adds some. Twice as many within a day come from a label with unbounded values.
    above={Severity.WARNING: 2},
    and_=f"{LARGEST_TARGET.name} > 5000",  # a tenth of what one target may send by default (`prometheus.limits`)
    for_=Duration.parse("30m"),  # longer than a burst of short-lived pods
    keep_firing_for=Duration.parse("15m"),
    summary="A scrape target suddenly exposes far more series.",
    description="The largest target of {{ $labels.job }} sends {{ $value | humanize }} times as much as a day ago.",
    dashboard=MONITORING_COST,
    runbook="SeriesGrowing",
)
RESTARTS = Alert(
    name="StackServerRestarting",
    # The step of two minutes counts two restarts within it as one.
    value=f'changes(process_start_time_seconds{{job=~"{OF_THE_STACK}"}}[1h:2m])'
    " or resets(otelcol_process_uptime_seconds_total[1h])",
    # Two within an hour are deployments.
    above={Severity.WARNING: 2},
    keep_firing_for=Duration.parse("15m"),  # the back-off of a crash loop is five minutes at most
    summary="A server of the monitoring stack restarts again and again.",
    description="{{ $labels.job }} at {{ $labels.instance }} restarted {{ $value | humanize }} times in an hour.",
)
PROBE_FAILS = Alert(
    name="ProbeFailing",
    value="avg_over_time(probe_success[10m])",
    # Any network may lose one in ten. The restart of a server with one replica takes three minutes: 70 % are left.
    below={Severity.WARNING: 0.7, Severity.CRITICAL: 0.3},
    unit=Unit.RATIO,
    for_=Duration.parse("2m"),  # two probes, so that one failure does not decide
    summary="An address does not answer its probes.",
    description="{{ $labels.instance }} answers {{ $value | humanizePercentage }} of its probes.",
)
PROBE_SLOW = Alert(
    name="ProbeSlow",
    value="avg_over_time(probe_duration_seconds[10m])",
    # The probe times out at 5 s. A healthy server answers within milliseconds.
    above={Severity.WARNING: 2},
    and_="avg_over_time(probe_success[10m]) > 0.7",  # below, the alert on failed probes fires
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),
    keep_firing_for=Duration.parse("5m"),
    summary="An address answers its probes slowly.",
    description="{{ $labels.instance }} takes {{ $value | humanizeDuration }} to answer.",
    runbook="ProbeFailing",
)
# Without a certificate the exporter reports the year 1.
_EXPIRY = "min by (cluster, environment, instance) (probe_ssl_earliest_cert_expiry > 0)"
_LAST_DAYS = "[10d:6h]"
CERTIFICATE = Alert(
    name="ProbedCertificateExpiring",
    value=f"{_EXPIRY} - time()",
    # Renewal is due with a third of the lifetime left: 15 days for the shortest common lifetime (45 days). At ten days
    # it has failed for some days. At three days only a weekend may be left.
    below={Severity.WARNING: 10 * 86_400, Severity.CRITICAL: 3 * 86_400},
    # Some certificates live for six days. If a certificate was renewed within the last ten days, the alert fires only
    # with less than a third of its lifetime left.
    unless=(
        f"(changes(({_EXPIRY}){_LAST_DAYS}) > 0"
        f" and ({_EXPIRY} - time()) / max_over_time(({_EXPIRY} - time()){_LAST_DAYS}) > 0.3)"
    ),
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),  # servers behind one name may be renewed one after another
    summary="A certificate expires soon.",
    description="The certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}.",
)

ALERTS = (WATCHDOG, TARGET_DOWN, SERVER_DOWN, WITHOUT_TARGETS, PROBE_FAILS)
SLOW = (OUTDATED, TARGET_GROWS, RESTARTS, PROBE_SLOW, CERTIFICATE)
