"""Availability of the stack's servers, of scraped targets and of probed addresses."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Severity
from rules.monitoring.recordings import LARGEST_TARGET
from rules.monitoring.scrape import OF_THE_STACK
from rules.monitoring.uids import MONITORING_COST

MAY_BE_EMPTY = "annotated-.+"
"""Jobs that find only annotated targets, so that none is fine."""

WATCHDOG = Alert(
    name="Watchdog",
    value="vector(1)",
    severity=Severity.INFO,
    summary="The alerting path works.",
    description="Always fires. Whoever stops receiving it has lost Prometheus, Alertmanager, or the way between.",
)
TARGET_DOWN = Alert(
    name="TargetDown",
    value="up == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("5m"),  # a rolling update of a server is over within five minutes
    of_target=True,
    summary="A scrape target does not answer.",
    description="{{ $labels.job }} at {{ $labels.instance }} does not answer.",
)
SERVER_DOWN = Alert(
    name="StackServerDown",
    # The best of its replicas: with others left, TargetDown says it. With no target there is no `up`, but a pool of 0.
    value="max by (cluster, environment, job) ("
    f'up{{job=~"{OF_THE_STACK}"}} or label_replace('
    f'prometheus_target_scrape_pool_targets{{scrape_job=~"{OF_THE_STACK}"}} == 0, "job", "$1", "scrape_job", "(.+)"'
    ")) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # Loki, the slowest, is back two minutes after a restart
    summary="A server of the monitoring stack is gone.",
    description="No {{ $labels.job }} answers: what it does is not done.",
)
WITHOUT_TARGETS = Alert(
    name="ScrapeJobWithoutTargets",
    value="max by (cluster, environment, job) (label_replace("
    f'prometheus_target_scrape_pool_targets{{scrape_job!~"{MAY_BE_EMPTY}"}}, "job", "$1", "scrape_job", "(.+)"'
    ")) == 0",
    severity=Severity.WARNING,
    for_=Duration.parse("15m"),  # longer than it takes to deploy a stack from nothing
    summary="A scrape job finds nothing to scrape.",
    description="{{ $labels.job }} has no targets: rules and panels that read it have nothing to say.",
)
OUTDATED = Alert(
    name="ScrapeJobTargetsOutdated",
    # Lists over HTTP, DNS and clouds; `config-N` are the Alertmanagers, whose absence is an alert of its own.
    value="max by (cluster, environment, job) (label_replace("
    'increase(prometheus_sd_refresh_failures_total{config!~"config-.+"}[30m]), "job", "$1", "config", "(.+)"))',
    # Azure, which is asked least often, is asked every five minutes: a third failure is no accident.
    above={Severity.WARNING: 2},
    for_=Duration.parse("10m"),  # an inventory that is updated is back by then
    summary="A list of targets cannot be read.",
    description="Prometheus cannot ask for the targets of {{ $labels.job }}, and keeps those that it knows.",
    runbook="PrometheusDiscoveryFailing",
)
TARGET_GROWS = Alert(
    name="ScrapeTargetGrowing",
    value=f"{LARGEST_TARGET.name} / ({LARGEST_TARGET.name} offset 1d)",
    # Releases add some metrics; twice as many in a day is a label with values without end.
    above={Severity.WARNING: 2},
    and_=f"{LARGEST_TARGET.name} > 5000",  # a tenth of what one target may send by default (`prometheus.limits`)
    for_=Duration.parse("30m"),  # a burst of short-lived pods or jobs has passed by then
    keep_firing_for=Duration.parse("15m"),
    summary="A scrape target suddenly exposes far more series.",
    description="The largest target of {{ $labels.job }} sends {{ $value | humanize }} times as much as a day ago.",
    dashboard=MONITORING_COST,
    runbook="SeriesGrowing",
)
RESTARTS = Alert(
    name="StackServerRestarting",
    # Two within two minutes count as one, and the third comes soon.
    value=f'changes(process_start_time_seconds{{job=~"{OF_THE_STACK}"}}[1h:2m])'
    " or resets(otelcol_process_uptime_seconds_total[1h])",
    # Two updates within an hour are somebody at work.
    above={Severity.WARNING: 2},
    keep_firing_for=Duration.parse("15m"),  # the back-off of a crash loop is five minutes at most
    summary="A server of the monitoring stack restarts again and again.",
    description="{{ $labels.job }} at {{ $labels.instance }} restarted {{ $value | humanize }} times in an hour.",
)
PROBE_FAILS = Alert(
    name="ProbeFailing",
    value="avg_over_time(probe_success[10m])",
    # One in ten is lost on any network; a server of one replica restarts within three minutes, which is seven in ten.
    below={Severity.WARNING: 0.7, Severity.CRITICAL: 0.3},
    unit=Unit.RATIO,
    for_=Duration.parse("2m"),  # two probes, so that a first one that fails decides nothing
    summary="An address does not answer its probes.",
    description="{{ $labels.instance }} answers {{ $value | humanizePercentage }} of its probes.",
)
PROBE_SLOW = Alert(
    name="ProbeSlow",
    value="avg_over_time(probe_duration_seconds[10m])",
    # The probe gives up at 5 s. All that is probed answers in milliseconds when it is well.
    above={Severity.WARNING: 2},
    and_="avg_over_time(probe_success[10m]) > 0.7",  # else it fails, which is said already
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),
    keep_firing_for=Duration.parse("5m"),
    summary="An address answers its probes slowly.",
    description="{{ $labels.instance }} takes {{ $value | humanizeDuration }} to answer.",
    runbook="ProbeFailing",
)
# Without a certificate the prober gives the year 1.
_EXPIRY = "min by (cluster, environment, instance) (probe_ssl_earliest_cert_expiry > 0)"
_LAST_DAYS = "[10d:6h]"
CERTIFICATE = Alert(
    name="ProbedCertificateExpiring",
    value=f"{_EXPIRY} - time()",
    # Renewal is due a third of the lifetime before the end, 15 days with the shortest in wide use (45 days): at ten it
    # has failed for some days, and at three a weekend may be all that is left.
    below={Severity.WARNING: 10 * 86_400, Severity.CRITICAL: 3 * 86_400},
    # Some live for six days, and are renewed every other. One that was renewed within these ten days is judged by the
    # share that is left of its life: at a third it is due.
    unless=(
        f"(changes(({_EXPIRY}){_LAST_DAYS}) > 0"
        f" and ({_EXPIRY} - time()) / max_over_time(({_EXPIRY} - time()){_LAST_DAYS}) > 0.3)"
    ),
    unit=Unit.SECONDS,
    for_=Duration.parse("15m"),  # several addresses behind one name may be halfway through a renewal
    summary="A certificate expires soon.",
    description="The certificate of {{ $labels.instance }} expires in {{ $value | humanizeDuration }}.",
)

ALERTS = (
    WATCHDOG,
    TARGET_DOWN,
    SERVER_DOWN,
    WITHOUT_TARGETS,
    OUTDATED,
    PROBE_FAILS,
)
SLOW = (TARGET_GROWS, RESTARTS, PROBE_SLOW, CERTIFICATE)
