"""What is usual for a service, by example: weeks with a sample every hour, or every quarter of one."""

from __future__ import annotations

from rules.services.past import (
    CALL_P95_OF_HOUR,
    CLIENT_ERRORS_OF_HOUR,
    COMPARABLE,
    HIGHEST,
    HOUR,
    LOWEST,
    P95_OF_HOUR,
)
from tests.rules.examples import Labels, Series, example, metric, of
from tests.rules.services.subjects import FOUND

TOTAL = "service:requests:rate5m"


def history(name: str, labels: Labels, *weeks: float, last: float, hour: int = 1) -> Series:
    """A value for some hours of each week, and another after three hours of this one; ``hour`` is how many samples.

    What is not compared is left out: rules are evaluated for each sample.
    """
    past = (f"{value}x{6 * hour - 1} _x{162 * hour}" for value in weeks)
    return {metric(name, labels): " ".join((*past, f"_x{3 * hour}", f"{last}x{24 * hour}"))}


def after(weeks: int) -> str:
    return f"{7 * weeks}d4h"


def _past(*weeks: float) -> Series:
    return history(TOTAL, FOUND, *weeks, last=9)


EXAMPLES = (
    *(
        example("an hour is over", mean, series={metric(source, labels): "2x60 6x30"}, at="90m", gives={of(labels): 4})
        for mean, source, labels in (
            (HOUR, TOTAL, FOUND),
            (P95_OF_HOUR, "service:request_duration_seconds:p95_5m", FOUND),
            (CLIENT_ERRORS_OF_HOUR, "service_status:client_errors:ratio5m", FOUND | {"status": "4xx"}),
            (
                CALL_P95_OF_HOUR,
                "service_dependency:request_duration_seconds:p95_5m",
                FOUND | {"dependency": "bank.example"},
            ),
        )
    ),
    example("a week is over", COMPARABLE, series=_past(5), at=after(1), step="1h", gives={of(FOUND): 3}),
    example("four weeks are over", COMPARABLE, series=_past(5, 5, 5, 5), at=after(4), step="1h", gives={of(FOUND): 12}),
    example("five days are over", COMPARABLE, series=_past(5), at="5d", step="1h", gives={}),
    example("weeks differ", LOWEST, series=_past(8, 3, 5), at=after(3), step="1h", gives={of(FOUND): 3}),
    example("weeks differ", HIGHEST, series=_past(8, 3, 5), at=after(3), step="1h", gives={of(FOUND): 8}),
    example(
        "of the first week only two hours are comparable",
        LOWEST,
        series=_past(5),
        at="168h",
        step="1h",
        gives={},
    ),
)
