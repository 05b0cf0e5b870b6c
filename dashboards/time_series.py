"""Time series: axes on which thresholds are in view, legends, and lines in the colours that people expect."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.colours import COLOURS
from dashboards.fields import GREY, property_of
from dashboards.grafana_sdk import common, commons, models, timeseries
from dashboards.model import Panel, Scale
from model.logs import LEVELS
from model.metrics import Unit
from model.rules import BaseAlert, Severity

_LEVELS: dict[str, str] = dict(zip(LEVELS, (GREY, GREY, "blue", "orange", "red", "dark-red"), strict=True))
BY_LEGEND: dict[str, Mapping[str, str]] = {
    "{{level}}": {**_LEVELS, "unknown": GREY},
    "{{severity}}": {**{str(severity): colour for severity, colour in COLOURS.items()}, "none": GREY},
}
"""Colours of the lines whose legend is only a level or a severity. Grafana's palette would make errors green."""
# The highest threshold is not the frame's upper edge.
_ABOVE = 1.1
# Otherwise the axis of ratios that are all 0 ends at 10000 %.
_LEAST = 0.01


def scale(panel: Panel, alert: BaseAlert | None) -> Scale:
    """The panel's own, or the one that fits the thresholds of its alert."""
    if panel.scale is not None:
        return panel.scale
    lines = list(alert.thresholds.values()) if alert else []
    if any(line >= 1 for line in lines):
        return Scale.OPEN
    few = alert is not None and not alert.below and lines and max(lines) <= 0.5
    return Scale.SMALL if few else Scale.WHOLE


def finish_time_series(made: timeseries.Panel, panel: Panel, alert: BaseAlert | None) -> None:
    legend = common.VizLegendOptions().display_mode(commons.LegendDisplayMode.LIST).show_legend(True)
    made.legend(legend.placement(commons.LegendPlacement.BOTTOM).calcs(["lastNotNull"]))
    made.tooltip(common.VizTooltipOptions().mode(commons.TooltipDisplayMode.MULTI).sort(commons.SortOrder.DESCENDING))
    made.line_width(1).fill_opacity(10 if not panel.stacked else 30).span_nulls(False).show_points(
        commons.VisibilityMode.AUTO
    )
    _axis(made, panel, alert)
    if panel.band:
        lower, upper = (query.legend for query in panel.queries[-2:])
        edge, unfilled = property_of("custom.lineWidth", 0), property_of("custom.fillOpacity", 0)
        made.override_by_name(lower, [edge, unfilled])
        made.override_by_name(upper, [edge, property_of("custom.fillBelowTo", lower)])
    for query in panel.queries:
        if query.line is not None:
            made.override_by_name(query.legend, _line(query.line))
    if any("{{threshold}}" in query.legend for query in panel.queries):
        for severity in Severity:
            made.override_by_name(severity, _line(severity))
    for legend_text in {query.legend for query in panel.queries} & BY_LEGEND.keys():
        for name, colour in BY_LEGEND[legend_text].items():
            made.override_by_name(name, [property_of("color", {"mode": "fixed", "fixedColor": colour})])
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(commons.StackingMode.NORMAL).group("A"))
    if alert is not None and alert.thresholds:
        style = common.GraphThresholdsStyleConfig().mode(commons.GraphThresholdsStyleMode.DASHED)
        made.thresholds_style(style)


def _line(severity: Severity) -> list[models.DynamicConfigValue]:
    """A threshold, drawn as Grafana draws those of a panel."""
    return [
        property_of("color", {"mode": "fixed", "fixedColor": COLOURS[severity]}),
        property_of("custom.lineStyle", {"fill": "dash", "dash": [10, 10]}),
        property_of("custom.fillOpacity", 0),
        property_of("custom.showPoints", "never"),
    ]


def _axis(made: timeseries.Panel, panel: Panel, alert: BaseAlert | None) -> None:
    """An axis from 0, with all thresholds in view; of ratios, up to 100 % unless less is shown better."""
    highest = max(map(float, alert.thresholds.values()), default=0.0) if alert and not panel.counts else 0.0
    if panel.unit is Unit.RATIO:
        match scale(panel, alert):
            case Scale.WHOLE:
                made.min(0).max(1)
            case Scale.SMALL:
                made.min(0).axis_soft_max(max(round(_ABOVE * highest, 4), _LEAST))
            case Scale.OPEN:
                # Soft: a budget may be overdrawn, and a limit exceeded.
                made.axis_soft_min(0).axis_soft_max(max(1, highest))
        return
    if panel.unit is not Unit.TIMESTAMP:
        # An axis that does not start at 0 makes every change look like an outage.
        made.axis_soft_min(0)
    if highest > 0:
        made.axis_soft_max(highest)
