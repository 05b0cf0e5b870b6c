"""Whether an example is so near a threshold, or the end of a ``for``, that it notices when these move."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from model.metrics import Unit
from model.rules import Alert, BaseAlert, Severity

FURTHER = Decimal("1.25")
"""Near is what a threshold of so many times the number, or its fraction, would decide otherwise."""


def places(alert: Alert) -> Iterator[tuple[str, str]]:
    """Where examples of an alert have to be, each with the PromQL that finds something if one is there."""
    for severity, number in alert.thresholds.items():
        # Nothing is near zero: it is a threshold of what must not happen at all.
        if number:
            looser, stricter = (number / FURTHER, number * FURTHER)[:: 1 if alert.above else -1]
            fires, almost = _expr(alert, severity, number), _expr(alert, severity, looser)
            beyond = f"{fires} unless {_expr(alert, severity, stricter)}"
            if next_one := counts_one(alert, number):
                beyond += f" or {fires} == {number + (next_one if alert.above else -next_one)}"
            yield f"just {alert.line(severity)}", beyond
            # It is quiet for its value, and not because it waits.
            waited = f"last_over_time({almost}[1m:1m] offset {alert.for_})"
            yield f"just not {alert.line(severity)}", f"{almost} unless {fires} and {waited}"
    if alert.for_.milliseconds:
        firing = f'ALERTS{{alertname="{alert.name}", alertstate="firing"}}'
        yield f"at the first evaluation after {alert.for_}", f"{firing} unless {firing} offset 1m"


def counts_one(alert: BaseAlert, number: Decimal) -> Decimal:
    """1 if the alert counts, whose nearest value is the next whole number; otherwise 0."""
    return Decimal(alert.unit is Unit.NONE and number % 1 == 0)


def _expr(alert: Alert, severity: Severity, number: Decimal) -> str:
    """With another threshold."""
    moved = {severity: number}
    return f"({replace(alert, above=moved if alert.above else {}, below=moved if alert.below else {}).expr(severity)})"
