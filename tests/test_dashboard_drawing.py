"""How panels are drawn: axes, colours, units, and where they lie."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dashboards import kit
from dashboards.model import Query, Scale, Visualization, stat
from dashboards.time_series import scale
from model.metrics import Unit
from model.rules import Severity
from tests.test_catalogue import alert
from tests.test_dashboard_kit import dashboard, first, panel


def test_an_axis_of_ratios_that_are_all_zero_does_not_end_at_ten_thousand_percent() -> None:
    small = first(dashboard(panel(unit=Unit.RATIO, scale=Scale.SMALL)))["fieldConfig"]["defaults"]
    assert (small["min"], small["custom"]["axisSoftMax"]) == (0, 0.01)
    whole = first(dashboard(panel(unit=Unit.RATIO)))["fieldConfig"]["defaults"]
    assert (whole["min"], whole["max"]) == (0, 1)
    overdrawn = first(dashboard(panel(unit=Unit.RATIO, scale=Scale.OPEN)))["fieldConfig"]["defaults"]
    assert "min" not in overdrawn, "a budget may be below 0"
    assert (overdrawn["custom"]["axisSoftMin"], overdrawn["custom"]["axisSoftMax"]) == (0, 1)
    assert "axisSoftMax" not in first(dashboard(panel(unit=Unit.SECONDS)))["fieldConfig"]["defaults"]["custom"]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ({"critical": 0.05}, Scale.SMALL),
        ({"critical": 0.95}, Scale.WHOLE),
        ({"warning": 0.8, "critical": 1}, Scale.OPEN),
    ],
)
def test_the_axis_of_a_ratio_fits_the_thresholds_of_its_alert(lines: dict[str, float], expected: Scale) -> None:
    judged = alert(above={Severity(severity): line for severity, line in lines.items()})
    assert scale(panel(unit=Unit.RATIO), judged) is expected


def test_a_threshold_is_in_view_however_far_the_values_are_from_it() -> None:
    judged = alert(above={Severity.WARNING: 20, Severity.CRITICAL: 60})
    drawn = first(dashboard(panel(unit=Unit.SECONDS, alert="Widgets")), Widgets=judged)["fieldConfig"]["defaults"]
    assert drawn["custom"]["axisSoftMax"] == 60


@pytest.mark.parametrize(
    ("legend", "colours"),
    [
        ("{{level}}", {"error": "red", "warn": "orange", "info": "blue"}),
        ("{{severity}}", {"critical": "red", "warning": "orange", "info": "blue"}),
    ],
)
def test_levels_and_severities_have_their_own_colours_in_a_graph(legend: str, colours: dict[str, str]) -> None:
    drawn = first(dashboard(panel(queries=(Query(expr="a", legend=legend),))))["fieldConfig"]["overrides"]
    fixed = {each["matcher"]["options"]: each["properties"][0]["value"]["fixedColor"] for each in drawn}
    assert fixed.items() >= colours.items()


@pytest.mark.parametrize(
    ("expr", "unit"),
    [
        ("sum(agent:tokens:rate5m)", "count:tokens/s"),
        ("sum(agent:tool_calls:rate5m)", "count:calls/s"),
        ("sum(rate(shop_orders_total[5m]))", "count:orders/s"),
        ("sum(service:requests:rate5m)", "count:req/s"),
    ],
)
def test_a_rate_is_of_what_its_series_counts(expr: str, unit: str) -> None:
    drawn = first(dashboard(panel(unit=Unit.PER_SECOND, queries=(Query(expr=expr, legend="all"),))))
    assert drawn["fieldConfig"]["defaults"]["unit"] == unit


def test_no_results_of_an_alert_are_good_and_no_value_is_not_known() -> None:
    def says(**changes: Any) -> str | None:
        drawn = first(dashboard(panel(visualization=Visualization.STAT, **changes)))
        no_value: str | None = drawn["fieldConfig"]["defaults"].get("noValue")
        return no_value

    assert says(severity=Severity.WARNING) == "none"
    assert says() is None, 'Grafana\'s own text is "No data"'
    assert says(unmeasured="does not grow") == "does not grow"


def stats(number: int) -> list[tuple[int, int, int]]:
    """Left edge, top and width of stats that are alone in a row."""
    lying = (stat(f"Stat {n}", "One.", "up") for n in range(number))
    places = [each["gridPos"] for each in json.loads(kit.build(dashboard(*lying), {}))["panels"][1:]]
    return [(place.get("x", 0), place["y"], place["w"]) for place in places]


def test_stats_share_the_width_and_none_is_so_narrow_that_its_title_is_cut() -> None:
    assert stats(3) == [(0, 1, 8), (8, 1, 8), (16, 1, 8)]
    assert stats(5) == [(0, 1, 8), (8, 1, 8), (16, 1, 8), (0, 4, 12), (12, 4, 12)]
    assert stats(6) == [(x, y, 8) for y in (1, 4) for x in (0, 8, 16)]


@pytest.mark.parametrize(("number", "widths"), [(1, [24]), (2, [12] * 2), (4, [12] * 4), (5, [8, 8, 8, 12, 12])])
def test_no_panel_is_alone_in_its_line(number: int, widths: list[int]) -> None:
    panels = json.loads(kit.build(dashboard(*(panel(title=f"{n}") for n in range(number))), {}))["panels"][1:]
    assert [each["gridPos"]["w"] for each in panels] == widths


def test_a_band_is_filled_from_its_upper_edge_to_its_lower() -> None:
    queries = tuple(Query(expr=f"widgets:{name}", legend=name) for name in ("now", "lowest", "highest"))
    drawn = {
        override["matcher"]["options"]: {each["id"]: each["value"] for each in override["properties"]}
        for override in first(dashboard(panel(queries=queries, band=True)))["fieldConfig"]["overrides"]
    }
    assert drawn["highest"]["custom.fillBelowTo"] == "lowest"
    assert drawn["lowest"]["custom.fillOpacity"] == 0, "or it would be filled down to 0"
    assert drawn.keys() == {"lowest", "highest"}


def test_panels_fill_the_room_beside_a_tall_one() -> None:
    tall, beside, below = panel(title="Tall", width=12, height=16), panel(title="Beside", width=12), panel(width=12)
    places = [each["gridPos"] for each in json.loads(kit.build(dashboard(tall, beside, below), {}))["panels"][1:]]
    assert [(place.get("x", 0), place["y"]) for place in places] == [(0, 1), (12, 1), (12, 9)]
