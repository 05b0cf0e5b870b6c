"""What is usual for a service: the same hour of the last weeks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from model.metrics import Unit
from model.rules import Recording
from rules.services.labels import SERVICE
from rules.services.recordings import CALL_P95, CLIENT_ERRORS, P95, TOTAL

HOUR = "service:requests:mean1h"
"""Requests per second, the mean of an hour."""
P95_OF_HOUR = "service:request_duration_seconds:p95_mean1h"
CLIENT_ERRORS_OF_HOUR = "service_status:client_errors:mean1h"
CALL_P95_OF_HOUR = "service_dependency:request_duration_seconds:p95_mean1h"
COMPARABLE = "service:requests_comparable:count"
"""Number of comparable hours. With fewer than ENOUGH nothing is compared."""
LOWEST = "service:requests_comparable:min"
HIGHEST = "service:requests_comparable:max"
DAY_BEFORE, WEEK_BEFORE = "offset 1d", "offset 1w"
WEEKS = 4
"""More would be another season. Retention may hold fewer."""
ENOUGH = 3
"""Those of one week, so that the second week has something to compare with."""
# With an hour before and after, so that neither a shift by minutes nor a clock change counts.
_NEAR = "[3h:1h] offset {}d23h"


def recordings(holidays: tuple[date, ...]) -> Iterator[Recording]:
    yield Recording(name=HOUR, expr=f"avg_over_time({TOTAL}[1h])", unit=Unit.PER_SECOND)
    yield Recording(name=P95_OF_HOUR, expr=f"avg_over_time({P95}[1h])", unit=Unit.SECONDS)
    yield Recording(name=CLIENT_ERRORS_OF_HOUR, expr=f"avg_over_time({CLIENT_ERRORS}[1h])", unit=Unit.RATIO)
    yield Recording(name=CALL_P95_OF_HOUR, expr=f"avg_over_time({CALL_P95}[1h])", unit=Unit.SECONDS)
    on_holidays = _on(holidays)
    counted = f"sum by ({SERVICE}) ({_weeks('count')})"
    yield Recording(name=COMPARABLE, expr=f"{counted}{on_holidays}")
    for name, of in ((LOWEST, "min"), (HIGHEST, "max")):
        expr = f"{of} by ({SERVICE}) ({_weeks(of)}) and {COMPARABLE} >= {ENOUGH}"
        yield Recording(name=name, expr=expr, unit=Unit.PER_SECOND)


def _weeks(of: str) -> str:
    """One series per week, with its number as a label."""
    return " or ".join(
        f'label_replace({of}_over_time({HOUR}{_NEAR.format(7 * week - 1)}), "week", "{week}", "", "")'
        for week in range(1, WEEKS + 1)
    )


def _on(holidays: tuple[date, ...]) -> str:
    """PromQL: not on these days, nor a week later, when the past is one of them."""
    days = sorted({day + timedelta(days=later) for day in holidays for later in (0, 7)})
    if not days:
        return ""
    is_day = (f"(year() == {day.year} and month() == {day.month} and day_of_month() == {day.day})" for day in days)
    return f" unless on () ({' or '.join(is_day)})"
