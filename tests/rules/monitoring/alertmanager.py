"""Alertmanager, by example."""

from __future__ import annotations

from rules.monitoring.alerts.alertmanager import (
    CONFIGS_DIFFER,
    MEMBERS_MISSING,
    NOTIFICATIONS_FAILING,
    RELOAD_FAILED,
    STATE_NOT_SAVED,
)
from tests.rules.examples import Series, counters, critical, example, gauges, metric, shares, warning
from tests.rules.monitoring.subjects import ALERTMANAGER, pod

_OTHER = pod("alertmanager", 1)


def _hashes(first: int, second: int) -> Series:
    return gauges(
        {metric("alertmanager_config_hash", ALERTMANAGER): first, metric("alertmanager_config_hash", _OTHER): second},
        30,
    )


def _cluster(members: int, others_up: int) -> Series:
    """What the first sees of six, and whether the others run."""
    others = {metric("up", pod("alertmanager", number)): others_up for number in range(1, 6)}
    return gauges(
        {metric("alertmanager_cluster_members", ALERTMANAGER): members, metric("up", ALERTMANAGER): 1, **others}, 20
    )


def _notifications(failed: float, of_all: float) -> Series:
    """In five minutes."""
    counted = "alertmanager_notifications"
    return counters(
        {
            metric(f"{counted}_failed_total", ALERTMANAGER, integration="slack", reason="serverError"): failed,
            metric(f"{counted}_failed_total", ALERTMANAGER, integration="slack", reason="clientError"): 0,
            metric(f"{counted}_total", ALERTMANAGER, integration="slack"): of_all,
            metric(f"{counted}_total", ALERTMANAGER, integration="webhook"): 100,
        },
        10,
    )


def _saves(errors: str) -> Series:
    return {
        metric("alertmanager_silences_maintenance_errors_total", ALERTMANAGER): errors,
        metric("alertmanager_nflog_maintenance_errors_total", ALERTMANAGER): "0x60",
    }


EXAMPLES = (
    example(
        "Alertmanager has refused its configuration for five minutes",
        RELOAD_FAILED,
        series={metric("alertmanager_config_last_reload_successful", ALERTMANAGER): "0x15"},
        at="5m",
        fires=[
            critical(
                "alertmanager-0 rejects the deployed configuration: new receivers and routes have no effect.",
                **ALERTMANAGER,
            )
        ],
    ),
    example(
        "a Secret arrived two minutes after the file that names it",
        RELOAD_FAILED,
        series={metric("alertmanager_config_last_reload_successful", ALERTMANAGER): "1x5 0x2 1x15"},
        at="12m",
    ),
    example(
        "two Alertmanagers have different configurations",
        CONFIGS_DIFFER,
        series=_hashes(1, 2),
        at="15m",
        fires=[warning("2 configurations are in use: who is notified depends on the Alertmanager that sends.")],
    ),
    example("two Alertmanagers have the same configuration", CONFIGS_DIFFER, series=_hashes(1, 1), at="20m"),
    example(
        "of six that run one does not see the last",
        MEMBERS_MISSING,
        series=_cluster(members=5, others_up=1),
        at="10m",
        fires=[
            warning("alertmanager-0 sees 83.33% of its cluster: notifications come twice.", "83.33%", **ALERTMANAGER)
        ],
    ),
    example("the others do not run", MEMBERS_MISSING, series=_cluster(members=1, others_up=0), at="15m"),
    *shares(
        NOTIFICATIONS_FAILING,
        "{} of the messages to Slack fail",
        lambda percent: _notifications(percent, 100),
        "{} of the notifications by slack fail.",
        {4.5: None, 5.5: warning, 49: warning, 51: critical},
        at="10m",
        step="5m",
        integration="slack",
    ),
    example(
        "two saves in a row failed",
        STATE_NOT_SAVED,
        series=_saves("0x5 1x14 2x30"),
        at="30m",
        fires=[
            warning(
                "alertmanager-0 cannot write to its volume: after a restart it notifies about silenced alerts.",
                "2",
                **ALERTMANAGER,
            )
        ],
    ),
    example("one save failed", STATE_NOT_SAVED, series=_saves("0x5 1x50"), at="30m"),
)
