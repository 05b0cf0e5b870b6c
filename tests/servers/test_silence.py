"""The stack itself dies: whoever waits for its heartbeat notices, whichever half of the way is gone."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from tools.local.account import Account
from tools.local.alerting_path import OFTEN, AlertingPath, DeadMan, Server, alerting_path, firing
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import eventually

PATIENCE = 60
"""Seconds within which the alarm must come: the last calls, and then three that do not."""


@dataclass(frozen=True)
class Struck:
    """Two stacks of which one half was killed at the same time, since it is the waiting that takes long."""

    without_prometheus: AlertingPath
    without_alertmanager: AlertingPath
    alarms: list[bool]
    """Whether the dead man of either had raised the alarm before."""


@pytest.fixture(scope="module")
def struck(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Struck]:
    account = Account.admin(control_plane)
    with ExitStack() as exits:
        first, second = (
            exits.enter_context(alerting_path("dev", tmp_path_factory.mktemp(name), account, {"prometheus": OFTEN}))
            for name in ("without-prometheus", "without-alertmanager")
        )
        dead_men = [DeadMan(path.services) for path in (first, second)]
        for dead_man in dead_men:
            eventually(lambda dead_man=dead_man: dead_man.calls >= 2, 40, "the heartbeat beats")  # type: ignore[misc]  # mypy types no lambda with a default
        (watching,) = second.prometheus
        eventually(lambda: query(watching.local, 'up{job="itself"} == 1'), 20, "Prometheus watches itself")
        alarms = [dead_man.raises_the_alarm for dead_man in dead_men]
        for server in (*first.prometheus, *second.alertmanagers):
            server.process.kill()
        yield Struck(first, second, alarms)


def test_nobody_is_alarmed_while_all_works(struck: Struck) -> None:
    assert struck.alarms == [False, False]


def test_prometheus_without_alertmanager_says_so_itself(struck: Struck) -> None:
    (server,) = struck.without_alertmanager.prometheus

    def failed() -> bool:
        return errors(server) > 0

    eventually(failed, 20, "what cannot be sent is counted")
    eventually(lambda: "PrometheusAlertsUndelivered" in firing(server), 30, "the alert fires, and reaches nobody")
    assert server.process.alive


def errors(server: Server) -> float:
    """Alerts that an Alertmanager did not take."""
    return server.local.metric("prometheus_notifications_errors_total")


def test_the_dead_man_notices_that_no_alertmanager_is_left(struck: Struck) -> None:
    dead_man = DeadMan(struck.without_alertmanager.services)
    eventually(lambda: dead_man.raises_the_alarm, PATIENCE, "it raises the alarm")


def test_the_dead_man_notices_that_no_prometheus_is_left(struck: Struck) -> None:
    (alertmanager,) = struck.without_prometheus.alertmanagers
    dead_man = DeadMan(struck.without_prometheus.services)
    eventually(lambda: dead_man.raises_the_alarm, PATIENCE, "it raises the alarm")
    assert alertmanager.process.alive, "although Alertmanager is well"
