"""Which alerts are worth their messages: how often and how long they fire, and how often people are paged."""

from __future__ import annotations

from dashboards.alerts import NEWS, firing
from dashboards.model import Dashboard, Panel, Query, Row, Visualization, variable
from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert
from model.uids import ALERT_QUALITY, ALERTS, HOME, INCIDENT
from rules.system import Watched

_ALERTMANAGER = "alertmanager"
"""The scrape job without which messages are not counted."""
_REAL = f'{NEWS}, drill!="true", cluster=~"$cluster", owner=~"$owner"'
"""Matches all alerts but those that somebody sends on purpose."""
_BY = "alertname, severity, owner"
_STEP = Duration.parse("5m")
"""Resolution of sums over the time range. Alerts keep firing for minutes, and a week has 2016 of these."""
_NIGHT = "(hour() >= 22 or hour() < 6)"
"""In UTC, which is what Prometheus has."""
_FIRED = f"max_over_time({firing(_REAL)}[$__range])"


def dashboard(watched: Watched) -> Dashboard:
    """The dashboard of a stack, which knows how many alerts there are."""
    names = sorted({rule.name for group in watched.groups for rule in group.rules if isinstance(rule, Alert)})
    return Dashboard(
        uid=ALERT_QUALITY,
        title="Alert quality",
        description="How often and how long alerts fire, how often people are notified, and which alerts are noise.",
        folder="Home",
        tags=("home",),
        time_from="now-7d",
        variables=(variable("cluster", "ALERTS", "Cluster"), variable("owner", 'ALERTS{cluster=~"$cluster"}', "Owner")),
        related=(ALERTS, INCIDENT, HOME),
        rows=(
            Row("Alerts and messages", (_numbers(len(names)), _noisiest(), _flapping())),
            *((Row("Never fired", (_silent(names),), collapsed=True),) if names else ()),
            Row("Over time", (_by("severity"), _by("owner"), _sent(), _suppressed())),
        ),
    )


def _numbers(known: int) -> Panel:
    sent = "sum(increase(alertmanager_notifications_total[1h]))"
    fired = f"count(count by (alertname) ({_FIRED}))"
    return Panel(
        title="In the time range",
        description="Messages of Alertmanager, resolved ones included, and of these between 22:00 and 6:00 UTC: each"
        f" that can wait is one too many. Different alerts that fired or not, of {known} that Prometheus evaluates;"
        " after a year ask whether the others can.",
        visualization=Visualization.STAT,
        queries=(
            Query(
                expr="sum(increase(alertmanager_notifications_total[$__range]))",
                legend="Messages",
                optional=True,
            ),
            Query(
                expr=f"sum_over_time(({sent} and on () {_NIGHT})[$__range:1h]) or vector(0)",
                legend="Messages at night",
                optional=True,
            ),
            Query(expr=f"{fired} or vector(0)", legend="Alerts that fired"),
            Query(expr=f"{known} - ({fired} or vector(0))", legend="Never fired"),
        ),
        width=24,
        height=4,
    )


def _noisiest() -> Panel:
    starts = f"changes(ALERTS_FOR_STATE{{{_REAL}}}[$__range]) + 1 and ignoring (alertstate) {_FIRED}"
    return Panel(
        title="Noisiest alerts",
        description="By how often they became active. Click one for its value with its thresholds, and move a threshold"
        " that healthy values cross.",
        visualization=Visualization.TABLE,
        queries=(
            Query(expr=f"topk(20, sum by ({_BY}) ({starts}))", legend="Starts"),
            Query(
                expr=f"sum by ({_BY}) (sum_over_time({firing(_REAL)}[$__range:{_STEP}])) * {_STEP.seconds:.0f}",
                legend="Firing time",
                unit=Unit.SECONDS,
            ),
        ),
        columns=("alertname", "severity", "owner"),
        data_link=INCIDENT,
        width=12,
        height=12,
    )


def _silent(names: list[str]) -> Panel:
    never = [f'absent_over_time(ALERTS{{alertname="{name}", cluster=~"$cluster"}}[$__range])' for name in names]
    return Panel(
        title="Alerts that never fired",
        description="Alerts that Prometheus evaluates, and that were not even pending in the time range. Click one: if"
        " its chart is empty, the series that it needs are missing, and it cannot fire.",
        visualization=Visualization.TABLE,
        queries=(Query(expr=f"{_any(never)} - 1", legend="Fired"),),
        columns=("alertname",),
        data_link=INCIDENT,
        width=24,
        height=12,
    )


def _any(parts: list[str]) -> str:
    """``or`` of all, nested like a tree: some hundred in a row are as many levels, which no parser likes."""
    middle = len(parts) // 2
    return f"({_any(parts[:middle])} or {_any(parts[middle:])})" if middle else parts[0]


def _flapping() -> Panel:
    return Panel(
        title="Flapping",
        description="Subjects that became active again most often. Lengthen `keep_firing_for`, or repair what comes and"
        " goes.",
        visualization=Visualization.TABLE,
        queries=(
            Query(
                expr=f"topk(20, max by (alertname, namespace, service)"
                f" (changes(ALERTS_FOR_STATE{{{_REAL}}}[$__range])) > 0)",
                legend="Restarts",
            ),
        ),
        columns=("alertname", "namespace", "service"),
        data_link=INCIDENT,
        width=12,
        height=12,
    )


def _by(label: str) -> Panel:
    return Panel(
        title=f"Firing by {label}",
        description=f"Firing alerts by {label}, one per subject.",
        queries=(Query(expr=f"count by ({label}) ({firing(_REAL)})", legend=f"{{{{{label}}}}}"),),
        stacked=True,
        width=6,
    )


def _sent() -> Panel:
    return Panel(
        title="Messages in an hour",
        description="Messages of Alertmanager by kind of receiver, and those that failed.",
        queries=(
            Query(
                expr="sum by (integration) (increase(alertmanager_notifications_total[1h])) > 0",
                legend="{{integration}}",
            ),
            Query(
                expr="sum by (integration) (increase(alertmanager_notifications_failed_total[1h])) > 0",
                legend="{{integration}} failed",
            ),
        ),
        needs=_ALERTMANAGER,
        unmeasured="No message was sent.",
        width=6,
    )


def _suppressed() -> Panel:
    return Panel(
        title="Suppressed",
        description="Alerts that notify nobody: silenced, inhibited or muted; and silences. One that is renewed again"
        " and again hides a wrong threshold. [Silences](/alerting/silences?alertmanager=Alertmanager).",
        queries=(
            Query(expr='max(sum by (instance) (alertmanager_alerts{state="suppressed"}))', legend="suppressed alerts"),
            Query(expr='max(sum by (instance) (alertmanager_silences{state="active"}))', legend="active silences"),
        ),
        needs=_ALERTMANAGER,
        width=6,
    )
