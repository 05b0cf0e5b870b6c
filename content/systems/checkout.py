"""A system in Python, for what a rule file cannot say: numbers of the stack file in rules, objectives, scrape jobs."""

from __future__ import annotations

from model.metrics import PUSHED, Metrics
from model.quantities import Duration
from model.rules import Alert, Group, Severity
from model.settings import Model
from model.uids import DashboardUid
from rules.system import Surroundings, System, Watched

METRICS = (Metrics(PUSHED).gauge("checkout_backlog_orders", "queue"),)


class CheckoutSettings(Model):
    """The queues of the shop's checkout."""

    backlog: int = 100
    """Waiting orders of one queue from which on somebody is notified."""


def build(settings: CheckoutSettings, _surroundings: Surroundings) -> Watched:
    growing = Alert(
        name="CheckoutBacklogGrowing",
        value="max by (cluster, queue) (checkout_backlog_orders)",
        above={Severity.WARNING: settings.backlog, Severity.CRITICAL: 10 * settings.backlog},
        for_=Duration.parse("10m"),  # twice what a campaign's peak took
        summary="Orders wait.",
        description="{{ $value | humanize }} orders wait in {{ $labels.queue }}.",
    )
    return Watched(groups=(Group("checkout-backlog", (growing,)),), metrics=METRICS)


SYSTEM = System(
    key="checkout",
    title="Checkout",
    owner="checkout",
    settings=CheckoutSettings,
    example=CheckoutSettings(),
    dashboard=DashboardUid("checkout"),
    build=build,
)
