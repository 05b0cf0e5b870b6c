"""Turns dashboards into Grafana's JSON."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from dashboards.colours import COLOURS, GOOD, NEUTRAL
from dashboards.model import (
    COLUMNS,
    URGENCY,
    Annotation,
    CustomVariable,
    Dashboard,
    Panel,
    PanelPlace,
    Query,
    Row,
    Variable,
    Visualization,
)
from model.datasources import LOKI, PROMETHEUS, Datasource
from model.metrics import Unit
from model.rules import BaseAlert, Severity
from model.uids import ALERTS_FOLDER, folder_uid, panel_number, runbook_path

with warnings.catch_warnings():
    # The newer schema is still a beta in the deployed Grafana (docs/decisions/0007).
    warnings.simplefilter("ignore", DeprecationWarning)
    from grafana_foundation_sdk.builders import (
        common,
        heatmap,
        logs,
        loki,
        prometheus,
        stat,
        statetimeline,
        table,
        text,
        timeseries,
    )
    from grafana_foundation_sdk.builders import dashboard as sdk
    from grafana_foundation_sdk.cog.encoder import JSONEncoder
    from grafana_foundation_sdk.models import common as commons
    from grafana_foundation_sdk.models import dashboard as models
    from grafana_foundation_sdk.models import prometheus as promql
    from grafana_foundation_sdk.models.text import TextMode

    from dashboards.rows import finish as finish_rows

UNITS = {
    Unit.NONE: "short",
    Unit.RATIO: "percentunit",
    Unit.SECONDS: "s",
    Unit.BYTES: "bytes",
    # Grafana's own units say what is counted: requests, operations, or "c/s".
    Unit.PER_SECOND: "count:/s",
    Unit.BYTES_PER_SECOND: "binBps",
    Unit.TIMESTAMP: "dateTimeFromNow",
    Unit.CURRENCY: "currencyUSD",
}
"""Grafana's name of each unit."""
ABBREVIATIONS = {"api": "API", "a2a": "A2A", "llm": "LLM", "slo": "SLO", "slos": "SLOs"}
# With more series, nobody reads the legend and browsers become slow.
MAX_LINES = 500


def build(dashboard: Dashboard, alerts: Mapping[str, BaseAlert]) -> str:
    """A dashboard as canonical JSON. ``alerts`` are the stack's alerts by name, whose thresholds the panels show."""
    made = (
        sdk.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.description)
        .tags(sorted(dashboard.tags))
        .time(dashboard.time_from, "now")
        .refresh(dashboard.refresh)
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
    )
    for variable in (*map(_variable, dashboard.variables), *map(_choice, dashboard.custom_variables)):
        made.with_variable(variable)
    if dashboard.search:
        made.with_variable(sdk.TextBoxVariable("search").label("Search").default_value(""))
    for annotation in dashboard.annotations:
        made.annotation(_annotation(annotation))
    for uid in dashboard.related:
        link = sdk.DashboardLink(_name(uid)).type(models.DashboardLinkType.LINK)
        made.link(link.url(f"/d/{uid}").keep_time(True).include_vars(True))
    for each in dashboard.links:
        made.link(sdk.DashboardLink(each.title).type(models.DashboardLinkType.LINK).url(str(each.url)))
    for number, row, place, panels in _laid_out(dashboard.rows):
        heading = sdk.Row(row.title).id(number).grid_pos(place)
        drawn = [_panel(each, alerts.get(each.alert)).id(own).grid_pos(where) for own, each, where in panels]
        for panel in drawn if row.collapsed else ():
            heading.with_panel(panel)
        made.with_row(heading)
        for panel in () if row.collapsed else drawn:
            made.with_panel(panel)
    bare = without_defaults(json.loads(JSONEncoder().encode(made.build())))
    return json.dumps(bare, sort_keys=True, separators=(",", ":"))


_DEFAULTS: dict[str, tuple[object, ...]] = {
    "align": ("auto",),
    "allowCustomValue": (True,),
    "asDropdown": (False,),
    "auto": (False,),
    "auto_count": (30,),
    "auto_min": ("10s",),
    "builtIn": (0,),
    "cellHeight": ("sm",),
    "collapsed": (False,),
    "displayMode": ("list",),
    "editable": (True,),
    "exemplar": (False,),
    "fiscalYearStartMonth": (0,),
    "footer": ({"countRows": False, "reducer": [], "show": False},),
    "format": ("time_series",),
    "frameIndex": (0,),
    "hide": (0,),  # or False
    "icon": ("",),
    "includeVars": (False,),
    "inspect": (False,),
    "instant": (False,),
    "justifyMode": ("auto",),
    "keepTime": (False,),
    "orientation": ("auto",),
    "lineWidth": (1,),
    "overrides": ([],),
    "panels": ([],),  # of a row that is not collapsed
    "percentChangeColorMode": ("standard",),
    "mode": ("absolute", "markdown"),  # thresholds, text panels
    # Legends. The second is a default of the SDK, not of Grafana, and hides a dashboard's links in a menu.
    "placement": ("bottom", "inControlsMenu"),
    "range": (False,),
    "reduceOptions": ({"calcs": ["lastNotNull"], "values": False},),
    "repeatDirection": ("h",),
    "showHeader": (True,),
    "showPercentChange": (False,),
    "showPoints": ("auto",),
    "showTypeIcons": (False,),
    "selected": (True,),  # of a variable's current value
    "skipUrlSync": (False,),
    "spanNulls": (False,),
    "tags": ([],),
    "targetBlank": (False,),
    "textMode": ("auto",),
    "tooltip": ("",),
    "transparent": (False,),
    "wideLayout": (True,),
}


def without_defaults(made: Any) -> Any:
    """The JSON without Grafana's defaults. They would be a tenth of the dashboards, which the state contains twice."""
    if isinstance(made, list):
        return [without_defaults(each) for each in made]
    if isinstance(made, dict):
        said = {key: value for key, value in made.items() if value not in _DEFAULTS.get(key, ())}
        return {key: without_defaults(value) for key, value in said.items()}
    return made


def _name(uid: str) -> str:
    """A short title from a dashboard's uid, for a link."""
    name = " ".join(ABBREVIATIONS.get(word, word) for word in uid.split("-"))
    return name[0].upper() + name[1:]


def panel_places(dashboard: Dashboard) -> dict[str, PanelPlace]:
    """The address of each panel, by the panel's title."""
    laid_out = _laid_out(dashboard.rows)
    return {panel.title: PanelPlace(dashboard.uid, own) for _, _, _, panels in laid_out for own, panel, _ in panels}


_Placed = tuple[int, Panel, models.GridPos]


def _laid_out(rows: tuple[Row, ...]) -> Iterator[tuple[int, Row, models.GridPos, list[_Placed]]]:
    """Rows and panels with ids and positions. Each panel is placed as high as it fits, then as far left."""
    top, number = 0, 0
    for row in rows:
        heading, placed, filled = number + 1, list[_Placed](), [top + 1] * COLUMNS
        for counted, panel in enumerate(row.panels, start=heading + 1):
            heights = {x: max(filled[x : x + panel.width]) for x in range(COLUMNS - panel.width + 1)}
            x = min(heights, key=heights.__getitem__)
            place = models.GridPos(h=panel.height, w=panel.width, x=x, y=heights[x])
            placed.append((panel_number(panel.title) if panel.linked else counted, panel, place))
            filled[x : x + panel.width] = [heights[x] + panel.height] * panel.width
        yield heading, row, models.GridPos(h=1, w=COLUMNS, x=0, y=top), placed
        top = top + 1 if row.collapsed else max(filled)
        number = heading + len(placed)


def _variable(variable: Variable) -> sdk.QueryVariable:
    made = (
        sdk.QueryVariable(variable.name)
        .label(variable.title)
        .datasource(_ref(variable.datasource))
        .query(_values(variable))
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )
    if not variable.multiple:
        return made
    everything = models.VariableOption(selected=True, text=["All"], value=["$__all"])
    # `.*` also matches series without the label. Loki needs one matcher that does not match an empty value: the first.
    matches_all = ".+" if variable.datasource == LOKI and not variable.of else ".*"
    return made.multi(True).include_all(True).all_value(matches_all).current(everything)


def _choice(choice: CustomVariable) -> sdk.CustomVariable:
    # Grafana's format: `name : value`, separated by commas. A comma in a value has a backslash.
    pairs = ((name, " ".join(value.split()).replace(",", r"\,")) for name, value in choice.values.items())
    made = sdk.CustomVariable(choice.name).label(choice.title)
    return made.values(", ".join(f"{name} : {value}" for name, value in pairs))


def _values(variable: Variable) -> str | dict[str, object]:
    """The query for a label's values, in the format of the datasource's plugin."""
    if variable.datasource == LOKI:
        # 1 queries label values, 0 would query label names.
        return {"refId": variable.name, "type": 1, "label": variable.label, "stream": variable.of}
    return f"label_values({variable.of}, {variable.label})"


def _annotation(annotation: Annotation) -> sdk.AnnotationQuery:
    made = sdk.AnnotationQuery().name(annotation.name).enable(True).icon_color(COLOURS[annotation.severity])
    if annotation.tag:
        # Its type in the SDK is that of a query.
        posted: Any = sdk.AnnotationTarget().limit(100).match_any(False).tags([annotation.tag]).type("tags")
        return made.datasource(commons.DataSourceRef(type_val="grafana", uid="-- Grafana --")).target(posted)
    made.datasource(_ref(PROMETHEUS)).expr(annotation.expr)
    return made.title_format(annotation.name).text_format(annotation.text)


def _ref(datasource: Datasource) -> commons.DataSourceRef:
    # Grafana finds it by its uid. The type stands beside it where a query of another kind must not be sent.
    kind = None if datasource == PROMETHEUS else datasource.type
    return commons.DataSourceRef(type_val=kind, uid=datasource.uid)


_VIEWS: dict[Visualization, Callable[[], Any]] = {
    Visualization.TIME_SERIES: timeseries.Panel,
    Visualization.STAT: stat.Panel,
    Visualization.TABLE: table.Panel,
    Visualization.HEATMAP: heatmap.Panel,
    Visualization.LOGS: logs.Panel,
    Visualization.STATE_TIMELINE: statetimeline.Panel,
}


def _panel(panel: Panel, alert: BaseAlert | None) -> Any:
    if panel.visualization is Visualization.TEXT:
        return text.Panel().title(panel.title).mode(TextMode.MARKDOWN).content(panel.description)
    if panel.visualization is Visualization.ALERT_LIST:
        # The SDK has no builder for these.
        listed = sdk.Panel().type(panel.visualization).title(panel.title).description(panel.description)
        return listed.options(_alerts(panel.matchers))
    if panel.visualization is Visualization.ANNOTATIONS:
        posted = sdk.Panel().type(panel.visualization).title(panel.title).description(panel.description)
        # Nobody navigates: a click would open the dashboard at that moment, for ten minutes before and after.
        return posted.options(
            {"onlyFromThisDashboard": False, "tags": [panel.matchers], "limit": 20, "navigateBefore": "10m"}
        )
    made = _VIEWS[panel.visualization]().title(panel.title).description(panel.description)
    (datasource,) = {query.datasource for query in panel.queries}  # its queries inherit it
    made.datasource(_ref(datasource))
    for position, query in enumerate(panel.queries):
        made.with_target(_target(query, chr(ord("A") + position), panel.visualization))
    if panel.visualization is not Visualization.LOGS:
        made.unit(UNITS[panel.unit])
        judged = alert is not None or panel.severity is not None
        # Lines and cells have colours of their own, and no thresholds unless there are some.
        if judged or panel.visualization is Visualization.STAT:
            made.thresholds(_thresholds(panel, alert))
    if alert is not None:
        runbook = sdk.DashboardLink("Runbook").type(models.DashboardLinkType.LINK)
        made.links([runbook.url(runbook_path(alert.system, alert.runbook_name))])
    return _FINISH.get(panel.visualization, _as_it_is)(made, panel, alert)


def _target(query: Query, ref_id: str, view: Visualization) -> Any:
    if query.datasource == LOKI:
        asked = loki.Dataquery().ref_id(ref_id).expr(query.expr)
        asked.query_type("instant" if view in (Visualization.STAT, Visualization.TABLE) else "range")
        return asked.max_lines(MAX_LINES) if view is Visualization.LOGS else asked.legend_format(query.legend)
    made = prometheus.Dataquery().ref_id(ref_id).expr(query.expr)
    if query.legend or view is not Visualization.STAT:  # which shows the names of several values only
        made.legend_format(query.legend or "__auto")
    if view in (Visualization.STAT, Visualization.TABLE):
        made.instant().format(
            promql.PromQueryFormat.TABLE if view is Visualization.TABLE else promql.PromQueryFormat.TIME_SERIES
        )
    else:  # a range is asked for unless it is instant
        made.format(
            promql.PromQueryFormat.HEATMAP if view is Visualization.HEATMAP else promql.PromQueryFormat.TIME_SERIES
        )
    return made.exemplar(query.exemplars)


def _thresholds(panel: Panel, alert: BaseAlert | None) -> sdk.ThresholdsConfig:
    """The alert's thresholds as colours: the panel turns red where the alert becomes critical."""
    lines = list(alert.thresholds.items())[::-1] if alert else []
    if panel.counts or not lines:
        severity = alert.severities[-1] if alert else panel.severity
        lines = [(severity, Decimal(1))] if severity else []
    colours = [GOOD if lines else NEUTRAL, *(COLOURS[severity] for severity, _ in lines)]
    if alert is not None and alert.below and not panel.counts:
        # For `below`, the lowest threshold is the most urgent, and values above the last one are good.
        lines, colours = lines[::-1], colours[::-1]
    values = [None, *(float(number) for _, number in lines)]
    steps = [models.Threshold(value=value, color=colour) for value, colour in zip(values, colours, strict=True)]
    return sdk.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _as_it_is(made: Any, _panel: Panel, _alert: BaseAlert | None) -> Any:
    return made


def _finish_time_series(made: timeseries.Panel, panel: Panel, alert: BaseAlert | None) -> timeseries.Panel:
    legend = common.VizLegendOptions().display_mode(commons.LegendDisplayMode.LIST).show_legend(True)
    made.legend(legend.placement(commons.LegendPlacement.BOTTOM).calcs(["lastNotNull", "max"]))
    made.tooltip(common.VizTooltipOptions().mode(commons.TooltipDisplayMode.MULTI).sort(commons.SortOrder.DESCENDING))
    made.line_width(1).fill_opacity(10 if not panel.stacked else 30).span_nulls(False).show_points(
        commons.VisibilityMode.AUTO
    )
    if panel.unit not in (Unit.NONE, Unit.TIMESTAMP):
        # An axis that does not start at 0 makes every change look like an outage. It is soft: a budget may be negative.
        made.axis_soft_min(0)
    if panel.unit is Unit.RATIO:
        # Otherwise the axis of ratios that are all 0 ends at 10000 %.
        made.axis_soft_max(0.01)
    if panel.band:
        lower, upper = (query.legend for query in panel.queries[-2:])
        edge = models.DynamicConfigValue("custom.lineWidth", 0)
        unfilled = models.DynamicConfigValue("custom.fillOpacity", 0)
        made.override_by_name(lower, [edge, unfilled])
        made.override_by_name(upper, [edge, models.DynamicConfigValue("custom.fillBelowTo", lower)])
    if panel.unmeasured:
        made.no_value(panel.unmeasured)
    if panel.stacked:
        made.stacking(common.StackingConfig().mode(commons.StackingMode.NORMAL).group("A"))
    if alert is not None and alert.thresholds:
        style = common.GraphThresholdsStyleConfig().mode(commons.GraphThresholdsStyleMode.DASHED)
        made.thresholds_style(style)
    return made


def _finish_stat(made: stat.Panel, panel: Panel, alert: BaseAlert | None) -> stat.Panel:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    judged = alert is not None or panel.severity is not None
    made.color_mode(commons.BigValueColorMode.BACKGROUND if judged else commons.BigValueColorMode.VALUE)
    return made.graph_mode(commons.BigValueGraphMode.NONE).no_value(panel.unmeasured or "none")


def _finish_table(made: table.Panel, panel: Panel, alert: BaseAlert | None) -> table.Panel:
    names = {f"Value #{chr(ord('A') + n)}": query.legend for n, query in enumerate(panel.queries)}
    # Loki's tables number their columns even if there is only one.
    if len(panel.queries) == 1 and panel.queries[0].datasource == PROMETHEUS:
        names = {"Value": panel.queries[0].legend}
    order = {column: position for position, column in enumerate((*panel.columns, *names))}
    made.transformations(
        [
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="filterFieldsByName", options={"include": {"names": [*panel.columns, *names]}}
            ),
            models.DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": names}),
        ]
    )
    (largest, *_) = names.values()
    orders = [common.TableSortByFieldState().display_name(panel.first).desc(False)] if panel.first else []
    made.sort_by([*orders, common.TableSortByFieldState().display_name(largest).desc(True)])
    for query in panel.queries:
        if query.unit is not None:
            made.override_by_name(query.legend, [models.DynamicConfigValue("unit", UNITS[query.unit])])
    if "severity" in panel.columns:
        words = models.DynamicConfigValue("mappings", [_severities({each: each for each in Severity})])
        made.override_by_name("severity", [_cell("color-background"), words])
    if alert is not None and alert.thresholds:
        made.override_by_name(largest, [_cell("color-text")])
    finish_rows(made, panel)
    return made


def _cell(kind: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue("custom.cellOptions", {"type": kind})


def _severities(values: Mapping[Severity, object]) -> models.ValueMap:
    """A value mapping that shows a severity's name in its colour."""
    return models.ValueMap(
        {
            str(value): models.ValueMappingResult(text=severity, color=COLOURS[severity], index=position)
            for position, (severity, value) in enumerate(values.items())
        }
    )


def _finish_state_timeline(made: statetimeline.Panel, _panel: Panel, _alert: BaseAlert | None) -> statetimeline.Panel:
    made.mappings([_severities(URGENCY)]).show_value(commons.VisibilityMode.NEVER)
    return made.legend(common.VizLegendOptions().show_legend(False).display_mode(commons.LegendDisplayMode.LIST))


def _alerts(matchers: str) -> dict[str, object]:
    """Options of an alert list; all are set, so that saving the dashboard adds none."""
    return {
        # Grafana's name for its own alerts. Other panels show the alerts of Prometheus.
        "datasource": "-- Grafana --",
        "folder": {"uid": folder_uid(ALERTS_FOLDER), "title": ALERTS_FOLDER},
        "alertName": "",
        "alertInstanceLabelFilter": f"{{{matchers}}}" if matchers else "",
        "dashboardAlerts": False,
        # Alerts with errors or without data are blind, so they are shown too.
        "stateFilter": {
            "firing": True,
            "error": True,
            "pending": False,
            "noData": False,
            "normal": False,
            "recovering": True,
        },
        "viewMode": "list",
        "groupMode": "default",
        "groupBy": [],
        "maxItems": 20,
        # 3 sorts by importance.
        "sortOrder": 3,
        "showInstances": True,
        "showInactiveAlerts": False,
    }


def _finish_logs(made: logs.Panel, _panel: Panel, _alert: BaseAlert | None) -> logs.Panel:
    made.show_time(True).wrap_log_message(True).enable_log_details(True)
    return made.sort_order(commons.LogsSortOrder.DESCENDING)


_FINISH: dict[Visualization, Callable[[Any, Panel, BaseAlert | None], Any]] = {
    Visualization.TIME_SERIES: _finish_time_series,
    Visualization.STAT: _finish_stat,
    Visualization.TABLE: _finish_table,
    Visualization.LOGS: _finish_logs,
    Visualization.STATE_TIMELINE: _finish_state_timeline,
}
