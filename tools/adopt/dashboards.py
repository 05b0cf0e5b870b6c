"""Dashboards in ConfigMaps as files of a content folder: each as it is, if the reader of those folders takes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from model.uids import folder_uid
from rules.content.dashboard_files import dashboard
from tools.adopt.notes import Fields, Notes, slug, unique
from tools.adopt.objects import Given
from tools.adopt.ours import ours

_FOLDERS = ("grafana_folder", "k8s-sidecar-target-directory")
"""Annotations that name a folder in Grafana, for the sidecar of Grafana's chart."""
_LONGEST_TITLE = 30


@dataclass(frozen=True)
class Board:
    """A dashboard that is carried over."""

    text: str
    queries: tuple[str, ...]
    """PromQL."""


def dashboard_files(objects: Iterable[Given], notes: Notes) -> dict[str, Board]:
    """By the path of its file in the content folder."""
    files: dict[str, Board] = {}
    uids: dict[str, str] = {}
    titles = dict(ours().folders)
    for each in objects:
        body = Fields(each.body, each.where, notes)
        for name, text in body.texts("data").items():
            where = f"{each.where}: data.{name}"
            if not name.endswith(".json"):
                notes.lost(where, "a dashboard is in a key that ends in .json")
                continue
            folder = _folder(each.body, titles)
            stem = unique(
                slug(name.removesuffix(".json"), 100) or "dashboard",
                [path.rpartition("/")[2].removesuffix(".json") for path in files],
                110,
            )
            path = "/".join(filter(None, ("dashboards", folder, f"{stem}.json")))
            found: list[str] = []
            read = dashboard(path, path.removeprefix("dashboards/"), text, found)
            if read is None:
                notes.lost(where, "; ".join(re.sub(rf"^{re.escape(path)}(:\d+)?: ", "", each) for each in found))
            elif read.uid in ours().dashboards:
                notes.lost(
                    where, f'the stack has a dashboard of the uid "{read.uid}": give it another, and run this again'
                )
            elif read.uid in uids:
                notes.lost(
                    where, f'{uids[read.uid]} has the uid "{read.uid}" too: give one another, and run this again'
                )
            else:
                uids[read.uid] = where
                files[path] = Board(text, tuple(query.expr for query in read.queries))
        if body.take("binaryData"):
            notes.lost(body.at("binaryData"), "compressed: give it as text, in data")
    return files


def _folder(body: Mapping[str, Any], titles: dict[str, str]) -> str:
    """The title of its folder, in the spelling that was read first; empty for none."""
    metadata = body.get("metadata")
    annotations = Fields(metadata, "", Notes()).texts("annotations")
    named = next((annotations[name] for name in _FOLDERS if annotations.get(name)), "")
    title = re.sub(r"[^-\w ]+", " ", named.rpartition("/")[2], flags=re.ASCII).strip()[:_LONGEST_TITLE].strip()
    return titles.setdefault(folder_uid(title), title) if title else ""
