"""Dashboards as Grafana exports them, or as grafana.com has them, for the stack's Grafana."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from model.content import ContentDashboard, Query
from model.settings import Problem
from model.uids import ALERTS, folder_uid
from rules.content.datasource_inputs import OWN, resolved
from rules.content.logql import problem as wrong_logql
from rules.content.panel_queries import filled, log_queries, queries
from rules.content.rule_files import stem

FOLDER = "Content"
"""Title of the folder of dashboards that lie in no subfolder."""
_UID = r"[a-zA-Z0-9_-]{1,40}"
_LONGEST_FOLDER = 40 - len(folder_uid(""))
# What belongs to the Grafana that the file comes from.
_OF_A_SERVER = ("id", "version", "iteration", "__inputs", "__elements", "__requires", "meta")


def dashboard(path: str, below: str, text: str, found: list[Problem]) -> ContentDashboard | None:
    """The dashboard of a file; ``below`` is its path within the folder of dashboards. None if it is refused."""
    try:
        read = json.loads(text)
    except json.JSONDecodeError as wrong:
        found.append(f"{path}:{wrong.lineno}: not JSON: {wrong.msg}")
        return None
    except RecursionError:
        found.append(f"{path}: not a dashboard: nested too deep")
        return None
    given, uid = _unwrapped(read)
    if not isinstance(given, dict) or not isinstance(given.get("title"), str):
        found.append(f"{path}:1: no dashboard: an object with a title, as Grafana exports it")
        return None
    before = len(found)
    uid = uid or str(given.get("uid") or re.sub(r"[^a-zA-Z0-9_-]+", "-", stem(path)))
    found += _problems(path, text, given, uid)
    folder = PurePosixPath(below).parent.parts
    title = "/".join(folder) or FOLDER
    if not re.fullmatch(rf"[-\w ]{{1,{_LONGEST_FOLDER}}}", title, re.ASCII):
        allowed = f"one subfolder of at most {_LONGEST_FOLDER} letters, digits, dashes and spaces"
        found.append(f"{path}: {allowed}: it is the title of the folder in Grafana")
    unknown: list[str] = []
    ours = {key: part for key, part in resolved(given, unknown).items() if key not in _OF_A_SERVER}
    is_v2 = "elements" in given and "layout" in given
    found += (
        f"{path}: a datasource of the type {kind}: the stack has {', '.join(OWN)}" for kind in dict.fromkeys(unknown)
    )
    asked = tuple(_asked(path, text, ours, found))
    if len(found) > before:
        return None
    return ContentDashboard(
        uid=uid,
        title=given["title"],
        description=str(given.get("description") or "").partition("\n")[0],
        folder=title,
        json=json.dumps(
            {**ours, "links": _links(ours), **({} if is_v2 else {"uid": uid})}, sort_keys=True, separators=(",", ":")
        ),
        is_v2=is_v2,
        where=path,
        queries=asked,
    )


def _unwrapped(read: Any) -> tuple[Any, str]:
    """The dashboard itself and a uid around it: Grafana's API and its Kubernetes-like resources wrap it."""
    if isinstance(read, dict) and isinstance(read.get("dashboard"), dict):
        return read["dashboard"], ""
    if isinstance(read, dict) and isinstance(read.get("spec"), dict) and "apiVersion" in read:
        metadata = read.get("metadata")
        return read["spec"], str(metadata.get("name", "")) if isinstance(metadata, dict) else ""
    return read, ""


def _problems(path: str, text: str, given: Mapping[str, Any], uid: str) -> Iterator[Problem]:
    if not re.fullmatch(_UID, uid):
        yield f'{path}{line_of(text, uid)}: uid: "{uid}": at most 40 letters, digits, dashes and underscores'
    library = next((word for word in ("libraryPanel", "LibraryPanel") if f'"{word}"' in text), "")
    if given.get("__elements") or library:
        where = f"{path}{line_of(text, library)}" if library else path
        yield f"{where}: library panels stay in their Grafana: unlink them, then export"


def _asked(path: str, text: str, ours: Mapping[str, Any], found: list[Problem]) -> Iterator[Query]:
    for expr in dict.fromkeys(queries(ours)):
        where = f"{path}{line_of(text, expr)}"
        try:
            yield Query(where, filled(expr))
        except ValueError as wrong:
            found.append(f"{where}: expr: not PromQL: {wrong}")
        except LookupError:  # only Grafana can tell, with the values that it has
            continue
    for expr, with_values in log_queries(ours):
        if problem := wrong_logql(with_values):
            found.append(f"{path}{line_of(text, expr)}: expr: not LogQL: {problem}")


def line_of(text: str, value: str) -> str:
    """``:line`` where a text stands in a JSON file; empty if it is spelled in another way."""
    position = text.find(json.dumps(value)[1:-1])
    return f":{text.count(chr(10), 0, position) + 1}" if position >= 0 else ""


def _links(dashboard: Mapping[str, Any]) -> list[Any]:
    """Its links, and one to the firing alerts."""
    given = dashboard.get("links")
    link = {
        "type": "link",
        "title": "Alerts",
        "url": f"/d/{ALERTS}",
        "icon": "bell",
        "keepTime": True,
        # Schema v2 asks for these.
        "asDropdown": False,
        "includeVars": False,
        "targetBlank": False,
        "tags": [],
        "tooltip": "",
    }
    return [*(given if isinstance(given, list) else []), link]
