"""Turns dashboards into Grafana's JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from dashboards.colours import COLOURS
from dashboards.defaults import without_defaults
from dashboards.fields import nothing, of_query, severities, thresholds, usual_unit, value_names
from dashboards.grafana_sdk import (
    JSONEncoder,
    TextMode,
    common,
    commons,
    heatmap,
    logs,
    loki,
    models,
    prometheus,
    promql,
    sdk,
    stat,
    statetimeline,
    table,
    text,
    timeseries,
)
from dashboards.layout import laid_out
from dashboards.model import (
    URGENCY,
    Annotation,
    CustomVariable,
    Dashboard,
    Panel,
    PanelPlace,
    Query,
    Variable,
    Visualization,
)
from dashboards.tables import finish_table
from dashboards.time_series import finish_time_series
from model.datasources import JAEGER, LOKI, PROMETHEUS, Datasource
from model.promql import single_quoted
from model.rules import BaseAlert
from model.uids import ALERTS_FOLDER, folder_uid, runbook_path

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
    choices = (*map(_variable, dashboard.variables), *map(_choice, dashboard.custom_variables))
    for variable in (*choices, *_boxes(dashboard)):
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
    for number, row, place, panels in laid_out(dashboard.rows):
        heading = sdk.Row(row.title).id(number).grid_pos(place)
        drawn = [_panel(each, alerts).id(own).grid_pos(where) for own, each, where in panels]
        for panel in drawn if row.collapsed else ():
            heading.with_panel(panel)
        made.with_row(heading)
        for panel in () if row.collapsed else drawn:
            made.with_panel(panel)
    bare = without_defaults(json.loads(JSONEncoder().encode(made.build())))
    return json.dumps(bare, sort_keys=True, separators=(",", ":"))


def _name(uid: str) -> str:
    """A short title from a dashboard's uid, for a link."""
    name = " ".join(ABBREVIATIONS.get(word, word) for word in uid.split("-"))
    return name[0].upper() + name[1:]


def panel_places(dashboard: Dashboard) -> dict[str, PanelPlace]:
    """The address of each panel, by the panel's title."""
    rows = laid_out(dashboard.rows)
    return {panel.title: PanelPlace(dashboard.uid, own) for _, _, _, panels in rows for own, panel, _ in panels}


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
    pairs = (
        (name, single_quoted(" ".join(value.split())).replace(",", r"\,")) for name, value in choice.values.items()
    )
    made = sdk.CustomVariable(choice.name).label(choice.title)
    return made.values(", ".join(f"{name} : {value}" for name, value in pairs))


def _boxes(dashboard: Dashboard) -> Iterator[sdk.TextBoxVariable]:
    for name, value in dashboard.boxes.items():
        box = sdk.TextBoxVariable(name).label(name.capitalize()).default_value(value)
        yield box if value else box.hide(models.VariableHide.HIDE_VARIABLE)


def _values(variable: Variable) -> str | dict[str, object]:
    """The query for a label's values, in the format of the datasource's plugin."""
    if variable.datasource == LOKI:
        # 1 queries label values, 0 would query label names.
        return {"refId": variable.name, "type": 1, "label": variable.label, "stream": variable.of}
    return f"label_values({single_quoted(variable.of)}, {variable.label})"


def _annotation(annotation: Annotation) -> sdk.AnnotationQuery:
    made = sdk.AnnotationQuery().name(annotation.name).enable(True).icon_color(COLOURS[annotation.severity])
    if annotation.tag:
        # Its type in the SDK is that of a query.
        posted: Any = sdk.AnnotationTarget().limit(100).match_any(False).tags([annotation.tag]).type("tags")
        return made.datasource(commons.DataSourceRef(type_val="grafana", uid="-- Grafana --")).target(posted)
    made.datasource(_ref(PROMETHEUS)).expr(single_quoted(annotation.expr))
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


def _panel(panel: Panel, alerts: Mapping[str, BaseAlert]) -> Any:
    alert = alerts.get(panel.alert)
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
        made.unit(usual_unit(panel))
        judged = alert is not None or panel.severity is not None
        # Lines and cells have colours of their own, and show no thresholds unless there are some.
        if judged or panel.visualization not in (Visualization.TIME_SERIES, Visualization.TABLE):
            made.thresholds(thresholds(panel, alert))
    if alert is not None:
        runbook = sdk.DashboardLink("Runbook").type(models.DashboardLinkType.LINK)
        made.links([runbook.url(runbook_path(alert.system, alert.runbook_name))])
    _finish(made, panel, alerts)
    # Grafana's own text is "No data".
    return made.no_value(none) if (none := nothing(panel)) else made


def _finish(made: Any, panel: Panel, alerts: Mapping[str, BaseAlert]) -> None:
    """What only one type of panel has."""
    alert = alerts.get(panel.alert)
    match panel.visualization:
        case Visualization.TIME_SERIES:
            finish_time_series(made, panel, alert)
        case Visualization.STAT:
            _finish_stat(made, panel, alerts)
        # The columns of traces are Jaeger's, and a trace links to itself.
        case Visualization.TABLE if panel.queries[0].datasource != JAEGER:
            finish_table(made, panel, alerts)
        case Visualization.LOGS:
            made.show_time(True).wrap_log_message(True).enable_log_details(True)
            made.sort_order(commons.LogsSortOrder.DESCENDING)
        case Visualization.STATE_TIMELINE:
            made.mappings([severities(URGENCY)]).show_value(commons.VisibilityMode.NEVER)
            made.legend(common.VizLegendOptions().show_legend(False).display_mode(commons.LegendDisplayMode.LIST))


class _Search:
    """A search of Jaeger, which the SDK has no builder for."""

    def __init__(self, ref_id: str, search: str) -> None:
        self._plain = {"refId": ref_id, "queryType": "search", **json.loads(search)}

    def build(self) -> _Search:
        return self

    def to_json(self) -> dict[str, object]:
        return self._plain


def _target(query: Query, ref_id: str, view: Visualization) -> Any:
    if query.datasource == JAEGER:
        return _Search(ref_id, query.expr)
    if query.datasource == LOKI:
        asked = loki.Dataquery().ref_id(ref_id).expr(query.expr)
        asked.query_type("instant" if view in (Visualization.STAT, Visualization.TABLE) else "range")
        return asked.max_lines(MAX_LINES) if view is Visualization.LOGS else asked.legend_format(query.legend)
    made = prometheus.Dataquery().ref_id(ref_id).expr(single_quoted(query.expr))
    if view is not Visualization.TABLE and query.legend:  # a table's columns are named by a transformation
        made.legend_format(query.legend)
    if view in (Visualization.STAT, Visualization.TABLE):
        made.instant().format(
            promql.PromQueryFormat.TABLE if view is Visualization.TABLE else promql.PromQueryFormat.TIME_SERIES
        )
    else:  # a range is asked for unless it is instant
        made.format(
            promql.PromQueryFormat.HEATMAP if view is Visualization.HEATMAP else promql.PromQueryFormat.TIME_SERIES
        )
    return made.exemplar(query.exemplars)


def _finish_stat(made: stat.Panel, panel: Panel, alerts: Mapping[str, BaseAlert]) -> None:
    made.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).values(False))
    if len(panel.queries) > 1 and panel.queries[0].datasource == LOKI:
        renamed = {"renameByName": value_names(panel)}
        made.transformations([models.DataTransformerConfig(id_val="organize", options=renamed)])
    if len(panel.queries) > 1:
        # By itself, Grafana leaves out the name of the only one that has a value.
        made.text_mode(commons.BigValueTextMode.VALUE_AND_NAME)
    judged = panel.alert in alerts or panel.severity is not None
    made.color_mode(commons.BigValueColorMode.BACKGROUND if judged else commons.BigValueColorMode.VALUE)
    made.graph_mode(commons.BigValueGraphMode.NONE)
    for query in panel.queries:
        if own := of_query(query, panel, alerts):
            made.override_by_name(query.legend, own)


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
