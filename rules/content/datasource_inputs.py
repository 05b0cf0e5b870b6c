"""Datasources of a dashboard that comes from another Grafana: inputs and variables for them become the stack's own."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from model.datasources import ALL

OWN = {datasource.type: datasource.uid for datasource in ALL}
"""The stack has one datasource of each of these types."""
BUILT_IN = ("__expr__", "grafana", "datasource", "dashboard", "mixed")
"""Types that every Grafana has."""
_NAMES = {datasource.name.lower(): datasource.type for datasource in ALL} | {"default": "prometheus"}


def resolved(dashboard: Mapping[str, Any], unknown: list[str]) -> dict[str, Any]:
    """The dashboard with the stack's datasources, and without the inputs and variables that chose them.

    Adds the types that neither the stack nor every Grafana has to ``unknown``.
    """
    names = dict(_inputs(dashboard, unknown)) | dict(_variables(dashboard))
    replaced: dict[str, Any] = _replaced(dashboard, _pattern(names), names)
    if isinstance(variables := replaced.get("variables"), list):  # of schema v2
        replaced["variables"] = [each for each in variables if _spec(each).get("name") not in names]
    templating = replaced.get("templating")
    if isinstance(templating, dict) and isinstance(templating.get("list"), list):
        kept = [each for each in templating["list"] if not (isinstance(each, dict) and each.get("name") in names)]
        replaced["templating"] = {**templating, "list": kept}
    own: dict[str, Any] = _pointed(replaced, unknown)
    return own


def _inputs(dashboard: Mapping[str, Any], unknown: list[str]) -> Iterator[tuple[str, str]]:
    for each in _dicts(dashboard.get("__inputs")):
        name, plugin = str(each.get("name")), str(each.get("pluginId"))
        if each.get("type") == "constant":
            yield name, str(each.get("value", ""))
        elif plugin in OWN or plugin in BUILT_IN:
            yield name, OWN.get(plugin, plugin)
        else:
            unknown.append(plugin)


def _variables(dashboard: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for variable in _dicts(dashboard.get("variables")):
        spec = _spec(variable)
        if variable.get("kind") == "DatasourceVariable" and spec.get("pluginId") in OWN:
            yield str(spec.get("name")), OWN[str(spec["pluginId"])]
    templating = dashboard.get("templating")
    for each in _dicts(templating.get("list") if isinstance(templating, dict) else None):
        if each.get("type") == "datasource" and each.get("query") in OWN:
            yield str(each.get("name")), OWN[str(each["query"])]


def _spec(part: object) -> dict[str, Any]:
    """What an object of schema v2 is about."""
    spec = part.get("spec") if isinstance(part, dict) else None
    return spec if isinstance(spec, dict) else {}


def _dicts(value: object) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _pattern(names: Mapping[str, str]) -> re.Pattern[str]:
    """Any spelling of a variable: ``$name``, ``${name}``, ``${name:format}``, ``[[name]]``."""
    some = "|".join(map(re.escape, sorted(names, key=len, reverse=True))) or "(?!)"
    return re.compile(rf"\$\{{(?P<braced>{some})(?::\w+)?\}}|\$(?P<bare>{some})(?!\w)|\[\[(?P<old>{some})\]\]")


def _replaced(value: Any, pattern: re.Pattern[str], names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return pattern.sub(lambda found: names[found["braced"] or found["bare"] or found["old"]], value)
    if isinstance(value, dict):
        return {key: _replaced(part, pattern, names) for key, part in value.items()}
    return [_replaced(part, pattern, names) for part in value] if isinstance(value, list) else value


def _pointed(value: Any, unknown: list[str]) -> Any:
    """Each ``datasource`` of a type that the stack has as its own; another Grafana's uid or name means nothing here."""
    if isinstance(value, dict):
        parts = {key: _pointed(part, unknown) for key, part in value.items()}
        if value.get("kind") == "DataQuery":
            return parts | _of_query(value, unknown)
        return {**parts, "datasource": _own(value["datasource"], unknown)} if "datasource" in value else parts
    return [_pointed(part, unknown) for part in value] if isinstance(value, list) else value


def _of_query(query: Mapping[str, Any], unknown: list[str]) -> dict[str, Any]:
    """A query of schema v2 names the datasource's type beside its uid."""
    group = str(query.get("group", ""))
    if group in OWN:
        return {"datasource": {"name": OWN[group]}}
    if group not in ("", *BUILT_IN):
        unknown.append(group)
    return {"datasource": query["datasource"]} if "datasource" in query else {}


def _own(given: Any, unknown: list[str]) -> Any:
    if isinstance(given, str):
        kind = next((each for each, uid in OWN.items() if uid == given), _NAMES.get(given.lower(), ""))
        return {"type": kind, "uid": OWN[kind]} if kind else given
    if not isinstance(given, dict) or "$" in str(given.get("uid")):
        return given  # the default, or a variable that the dashboard keeps
    plugin = str(given.get("type", ""))
    if plugin in OWN:
        return {"type": plugin, "uid": OWN[plugin]}
    if plugin not in ("", *BUILT_IN) and not str(given.get("uid", "")).startswith("-- "):
        unknown.append(plugin)
    return given
