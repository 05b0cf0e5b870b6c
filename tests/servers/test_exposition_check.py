"""The check of definitions against expositions: what it reads, what it lets pass, and what it says of the rest."""

from __future__ import annotations

import pytest

from model.metrics import Kind, Metric, Metrics
from tests.servers.exposition import Family, difference, exposition

EXPOSED = exposition(
    """\
# HELP widgets_total Widgets.
# TYPE widgets_total counter
widgets_total{colour="red, \\"really\\"",size="s"} 1
# TYPE waits_seconds histogram
waits_seconds_bucket{of="a",le="+Inf"} 1
waits_seconds_sum{of="a"} 1
waits_seconds_count{of="a"} 1
# TYPE pauses_seconds summary
pauses_seconds{quantile="0.5"} 1
pauses_seconds_sum 1
pauses_seconds_count 1
# TYPE kernel_pages untyped
kernel_pages 1e+06
# TYPE never_seen gauge
"""
)


def test_an_exposition_is_read_with_kinds_and_labels() -> None:
    read = {
        "widgets_total": Family(Kind.COUNTER, frozenset({"colour", "size"})),
        "waits_seconds": Family(Kind.HISTOGRAM, frozenset({"of"})),
        "pauses_seconds": Family(Kind.SUMMARY, frozenset()),
        "kernel_pages": Family(None, frozenset()),
        "never_seen": Family(Kind.GAUGE, None),
    }
    assert read == EXPOSED


MADE = Metrics("widgets")


@pytest.mark.parametrize(
    "metric",
    [
        MADE.counter("widgets_total", "colour"),
        MADE.histogram("waits_seconds", "of"),
        MADE.summary("pauses_seconds"),
        MADE.counter("kernel_pages"),
    ],
    ids=lambda metric: metric.name,
)
def test_a_definition_that_is_right_passes(metric: Metric) -> None:
    assert difference(metric, EXPOSED) == ""


@pytest.mark.parametrize(
    ("metric", "wrong"),
    [
        (MADE.counter("widget_total"), "no such metric; of 5 the nearest are widgets_total"),
        (MADE.gauge("widgets_total"), "defined as gauge, and widgets exposes a counter"),
        (MADE.histogram("kernel_pages"), "defined as histogram, and widgets exposes a plain number"),
        (MADE.counter("widgets_total", "weight"), "defined with weight, and in widgets its labels are colour, size"),
        (MADE.gauge("never_seen"), "exposes no series of it"),
    ],
    ids=lambda value: value if isinstance(value, str) else value.name,
)
def test_the_report_of_a_wrong_metric_names_it_and_what_is_there(metric: Metric, wrong: str) -> None:
    found = difference(metric, EXPOSED)
    assert found.startswith(f"{metric.name}: ")
    assert wrong in found
