"""Alertmanager, tried."""

from __future__ import annotations

from rules.monitoring.alerts.alertmanager import (
    CONFIGS_DIFFER,
    MEMBERS_MISSING,
    NOTIFICATIONS_FAILING,
    RELOAD_FAILED,
    STATE_NOT_SAVED,
)
from rules.monitoring.cases.tried import ALERTMANAGER, CRITICAL, WARNING, of, pod, tried

_OTHER = pod("alertmanager", 1)


def _hashes(first: int, second: int) -> dict[str, str]:
    return {
        f"alertmanager_config_hash{of(ALERTMANAGER)}": f"{first}x30",
        f"alertmanager_config_hash{of(_OTHER)}": f"{second}x30",
    }


def _cluster(members: int, other_up: int) -> dict[str, str]:
    """What the first sees of two, and whether the other runs, which sees both."""
    return {
        f"alertmanager_cluster_members{of(ALERTMANAGER)}": f"{members}x20",
        f"alertmanager_cluster_members{of(_OTHER)}": "2x20",
        f"up{of(ALERTMANAGER)}": "1x20",
        f"up{of(_OTHER)}": f"{other_up}x20",
    }


def _notifications(failed: int, of_all: int) -> dict[str, str]:
    """In five minutes."""
    counted = "alertmanager_notifications"
    return {
        f"{counted}_failed_total{of(ALERTMANAGER, integration='slack', reason='serverError')}": f"0+{failed}x10",
        f"{counted}_failed_total{of(ALERTMANAGER, integration='slack', reason='clientError')}": "0x10",
        f"{counted}_total{of(ALERTMANAGER, integration='slack')}": f"0+{of_all}x10",
        f"{counted}_total{of(ALERTMANAGER, integration='webhook')}": "0+100x10",
    }


def _saves(errors: str) -> dict[str, str]:
    return {
        f"alertmanager_silences_maintenance_errors_total{of(ALERTMANAGER)}": errors,
        f"alertmanager_nflog_maintenance_errors_total{of(ALERTMANAGER)}": "0x60",
    }


CASES = (
    tried(
        RELOAD_FAILED,
        "Alertmanager has refused its configuration for ten minutes",
        {f"alertmanager_config_last_reload_successful{of(ALERTMANAGER)}": "0x15"},
        "10m",
        fires=(CRITICAL,),
        labels=ALERTMANAGER,
        says="alertmanager-0 refuses the configuration that was deployed: new receivers and routes do not apply.",
    ),
    tried(
        RELOAD_FAILED,
        "a Secret arrived two minutes after the file that names it",
        {f"alertmanager_config_last_reload_successful{of(ALERTMANAGER)}": "1x5 0x2 1x15"},
        "12m",
    ),
    tried(
        CONFIGS_DIFFER,
        "two Alertmanagers have different configurations",
        _hashes(1, 2),
        "15m",
        fires=(WARNING,),
        says="2 configurations are in use: who is told depends on which Alertmanager is first.",
    ),
    tried(CONFIGS_DIFFER, "two Alertmanagers have the same configuration", _hashes(1, 1), "20m"),
    tried(
        MEMBERS_MISSING,
        "one of two that run sees nobody else",
        _cluster(members=1, other_up=1),
        "10m",
        fires=(WARNING,),
        labels=ALERTMANAGER,
        says="alertmanager-0 sees 50% of its cluster: people are told twice.",
        value="50%",
    ),
    tried(MEMBERS_MISSING, "the other does not run", _cluster(members=1, other_up=0), "15m"),
    tried(
        NOTIFICATIONS_FAILING,
        "six of ten messages to Slack fail",
        _notifications(6, 10),
        "30m",
        step="5m",
        fires=(CRITICAL, WARNING),
        labels={"integration": "slack"},
        says="60% of the notifications by slack fail.",
        value="60%",
    ),
    tried(
        NOTIFICATIONS_FAILING,
        "one of ten messages to Slack fails",
        _notifications(1, 10),
        "30m",
        step="5m",
        fires=(WARNING,),
        labels={"integration": "slack"},
        says="10% of the notifications by slack fail.",
        value="10%",
    ),
    tried(NOTIFICATIONS_FAILING, "one of twenty-five messages to Slack fails", _notifications(1, 25), "30m", step="5m"),
    tried(
        STATE_NOT_SAVED,
        "two saves in a row failed",
        _saves("0x5 1x14 2x30"),
        "30m",
        fires=(WARNING,),
        labels=ALERTMANAGER,
        says="alertmanager-0 would come back from a restart without its latest silences, and tell people again.",
        value="2",
    ),
    tried(STATE_NOT_SAVED, "one save failed", _saves("0x5 1x50"), "30m"),
)
