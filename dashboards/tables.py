"""Tables: the subject, the value that they are ranked by, and so few columns that nobody has to scroll."""

from __future__ import annotations

from collections.abc import Mapping

from dashboards.colours import COLOURS, GOOD
from dashboards.fields import of_query, property_of, severities, unit_of, usual_unit, value_names
from dashboards.grafana_sdk import common, models, sdk, table
from dashboards.model import DOWN, UP, URGENCY, Panel, Query
from model.datasources import PROMETHEUS
from model.incident import ALERT
from model.rules import BaseAlert, Severity
from model.uids import INCIDENT

MOST_COLUMNS = 6
"""Columns that are legible beside one another in half of a small laptop's screen."""
# Grafana's 150 px make a table of five columns wider than half of such a screen.
MIN_WIDTH = 60
SUBJECT_WIDTH = 110
"""Least pixels of the subject beside columns with widths: on a phone, scrolling is better than a name that is cut."""
# A number with its unit, such as `14.9 req/s`. Narrow tables share their width evenly.
WIDTHS = {12: 96, 24: 140}
WIDE, SEVERITY_WIDTH = 12, 92
LONG = {"subject"}
"""Labels with many words, which share the place with the subject."""
HEADS = {
    "alertname": "Alert",
    "agent_id": "Id",
    "agent_name": "Agent",
    "agent_tier": "Tier",
    "agent_type": "Type",
    "datname": "Database",
    "error_type": "Error",
    "exported_environment": "Environment",
    "gen_ai_request_model": "Model",
    "gen_ai_tool_name": "Tool",
    "kind": "Exception",
    "queryid": "Statement",
    "slo": "SLO",
    "source_namespace": "From namespace",
    "stack_name": "Stack",
    "tool_name": "Tool",
    "user_id": "User",
    "workload_type": "Kind",
}
"""Heads of columns of labels whose own name is no word."""


def head(label: str) -> str:
    """The head of a label's column."""
    return HEADS.get(label) or label.replace("_", " ").capitalize()


def labels_in_order(panel: Panel) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Labels before the values, after them, and hidden ones.

    A table begins with its subject, the last of the panel's labels. Of the others, the most general ones are hidden
    if there is no room.
    """
    columns = tuple(label for label in panel.columns if label not in panel.hidden)
    led = panel.leading or (columns[:1] if "severity" in columns else columns[-1:])
    if "severity" in panel.columns:
        led = (*led, "severity")
    others = [label for label in columns if label not in led]
    others = others if "severity" in panel.columns else others[::-1]
    room = max(0, MOST_COLUMNS - len(led) - len(panel.queries))
    return led, tuple(others[:room]), (*others[room:], *panel.hidden)


def finish_table(made: table.Panel, panel: Panel, alerts: Mapping[str, BaseAlert]) -> None:
    """Columns, their order, widths, units, colours and links."""
    names = value_names(panel)
    # Loki's tables number their columns even if there is only one.
    if len(panel.queries) == 1 and panel.queries[0].datasource == PROMETHEUS:
        names = {"Value": panel.queries[0].legend}
    before, after, rest = labels_in_order(panel)
    hidden = rest if panel.data_link or panel.row_links else ()  # a link needs them
    shown = (*before, *names, *after)
    order = {column: position for position, column in enumerate(shown)}
    heads = {label: head(label) for label in (*before, *after)} | names
    made.transformations(
        [
            models.DataTransformerConfig(id_val="merge", options={}),
            models.DataTransformerConfig(
                id_val="filterFieldsByName", options={"include": {"names": [*shown, *hidden]}}
            ),
            models.DataTransformerConfig(id_val="organize", options={"indexByName": order, "renameByName": heads}),
        ]
    )
    (largest, *_) = names.values()
    orders = [common.TableSortByFieldState().display_name(head(panel.first)).desc(False)] if panel.first else []
    made.sort_by([*orders, common.TableSortByFieldState().display_name(largest).desc(not panel.ascending)])
    made.min_width(MIN_WIDTH)
    if panel.width >= WIDE and len(shown) > 2:
        made.min_width(SUBJECT_WIDTH)
        # The subject gets what the others leave: with a width of 0, Grafana computes it.
        made.width(WIDTHS.get(panel.width, min(WIDTHS.values())))
        for label in (before[0], *(each for each in after if each in LONG)):
            made.override_by_name(label, [property_of("custom.width", 0)])
    for column, query in zip(names.values(), panel.queries, strict=True):
        if said := _of_column(panel, query, alerts):
            made.override_by_name(column, said)
    for label in hidden:
        made.override_by_name(label, [property_of("custom.hideFrom.viz", True)])
    _in_words(made, panel)
    if links := {**_closer(panel, rest), **panel.row_links}:
        kind = models.DashboardLinkType.LINK
        made.data_links([sdk.DashboardLink(title).type(kind).url(url) for title, url in links.items()])


def _in_words(made: table.Panel, panel: Panel) -> None:
    """Severities, states and subjects as words, the first two in their colours."""
    if "severity" in panel.columns:
        words = property_of("mappings", [severities({each: each for each in Severity})])
        made.override_by_name(
            "severity", [_cell("color-background"), words, property_of("custom.width", SEVERITY_WIDTH)]
        )
    for query in panel.queries:
        if query.status:
            made.override_by_name(query.legend, [_cell("color-background"), property_of("mappings", [_STATUS])])
    if panel.words:
        texts = {value: models.ValueMappingResult(text=said) for value, said in panel.words.items()}
        made.override_by_name(panel.columns[0], [property_of("mappings", [models.ValueMap(texts)])])


def _closer(panel: Panel, hidden: tuple[str, ...]) -> dict[str, str]:
    """The link from a row to the dashboard with its labels as variables, which says those that are hidden."""
    if not panel.data_link:
        return {}
    # The incident dashboard has the alert's name in another variable.
    names = {"alertname": ALERT} if panel.data_link == INCIDENT else {}
    # Without `percentencode`, Grafana does not escape & and + in a value.
    chosen = "&".join(
        f"var-{names.get(label, label)}=${{__data.fields.{label}:percentencode}}" for label in panel.columns
    )
    told = ", ".join(
        f"{head(label).lower()} ${{__data.fields.{label}}}" for label in hidden if label not in panel.hidden
    )
    title = f"Look closer: {told}" if told else "Look closer"
    return {title: f"/d/{panel.data_link}?{chosen}&${{__url_time_range}}"}


def _of_column(panel: Panel, query: Query, alerts: Mapping[str, BaseAlert]) -> list[models.DynamicConfigValue]:
    """What sets a column of values apart: its unit, and the thresholds of its own alert."""
    said = []
    if (unit := unit_of(panel, query)) != usual_unit(panel):
        said.append(property_of("unit", unit))
    of_panel = alerts.get(panel.alert)
    own = of_query(query, panel, alerts)
    if own or (of_panel is not None and of_panel.thresholds and query == panel.queries[0]):
        said += [*own, _cell("color-text")]
    return said


def _cell(kind: str) -> models.DynamicConfigValue:
    return property_of("custom.cellOptions", {"type": kind})


_STATUS = models.ValueMap(
    {
        str(value): models.ValueMappingResult(text=text, color=colour)
        for value, text, colour in (
            (UP, "up", GOOD),
            *((urgency, str(severity), COLOURS[severity]) for severity, urgency in URGENCY.items()),
            (DOWN, "down", COLOURS[Severity.CRITICAL]),
        )
    }
)
