"""Leaves Grafana's own defaults out of a dashboard's JSON."""

from __future__ import annotations

from typing import Any

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
    "dedupStrategy": ("none",),
    "displayMode": ("list",),
    "editable": (True,),
    "enableLogDetails": (True,),
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
    "showCommonLabels": (False,),
    "showHeader": (True,),
    "showLabels": (False,),
    "showLegend": (True,),
    "showLogContextToggle": (False,),
    "showPercentChange": (False,),
    "showPoints": ("auto",),
    "showTypeIcons": (False,),
    "selected": (True,),  # of a variable's current value
    "skipUrlSync": (False,),
    "sortOrder": ("Descending",),
    "spanNulls": (False,),
    "tags": ([],),
    "targetBlank": (False,),
    "textMode": ("auto",),
    "tooltip": ("",),
    "transparent": (False,),
    "wideLayout": (True,),
    "x": (0,),
}


def without_defaults(made: Any) -> Any:
    """The JSON without Grafana's defaults. They would be a tenth of the dashboards, which the state contains twice.

    `prettifyLogMessage` is kept: without it, Grafana 12 shows each field of a JSON line on a line of its own.
    """
    if isinstance(made, list):
        return [without_defaults(each) for each in made]
    if isinstance(made, dict):
        said = {key: value for key, value in made.items() if value not in _DEFAULTS.get(key, ())}
        if "gridPos" in said:  # a panel, whose links are of one type
            for link in (*said.get("links", ()), *said.get("fieldConfig", {}).get("defaults", {}).get("links", ())):
                link.pop("type", None)
        return {key: without_defaults(value) for key, value in said.items()}
    return made
