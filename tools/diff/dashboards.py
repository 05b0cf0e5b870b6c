"""What is looked at: dashboards, panels, and links between dashboards."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tools.diff.change import Change, Danger, Section, listed, several
from tools.diff.renders import Render

Made = Mapping[str, Any]


def compare(old: Render, new: Render) -> Iterator[Change]:
    before, after = old.dashboards, new.dashboards
    if gone := sorted(before.keys() - after.keys()):
        text = f"{several('dashboard', [_title(before[uid], uid) for uid in gone])}: deleted: links to it break"
        yield Change(Section.SEEN, text, Danger.CAUTION)
    if come := sorted(after.keys() - before.keys()):
        yield Change(Section.SEEN, f"{several('dashboard', [_title(after[uid], uid) for uid in come])}: new")
    for uid in sorted(before.keys() & after.keys()):
        if before[uid] != after[uid]:
            yield from _dashboard(_title(after[uid], uid), before[uid], after[uid])
    yield from _broken(before, after)


def _title(dashboard: Made, uid: str) -> str:
    return str(dashboard.get("title", uid))


def _dashboard(title: str, old: Made, new: Made) -> Iterator[Change]:
    before, after = _panels(old), _panels(new)
    parts = []
    if gone := [name for name in before if name not in after]:
        parts.append(f"{several('panel', gone)} removed")
    if come := [name for name in after if name not in before]:
        parts.append(f"{several('panel', come)} new")
    differ = {
        name: [word for word in now if now[word] != before[name][word]] for name, now in after.items() if name in before
    }
    parts += [f"panel {name} with other {listed(words)}" for name, words in differ.items() if words]
    yield Change(Section.SEEN, f"dashboard {title}: {'; '.join(parts) or 'other layout, variables or texts'}")


def _panels(dashboard: Made) -> dict[str, dict[str, str]]:
    """What a panel shows, by its title; those without one by their position."""
    found: dict[str, dict[str, str]] = {}
    for position, panel in enumerate(_each(dashboard)):
        defaults = (panel.get("fieldConfig") or {}).get("defaults") or {}
        name = panel.get("title") or f"without a title ({position + 1})"
        number = 2
        while name in found:
            name, number = f"{panel.get('title')} ({number})", number + 1
        found[name] = {
            "queries": json.dumps([target.get("expr") for target in panel.get("targets") or ()]),
            "unit": str(defaults.get("unit")),
            "thresholds": json.dumps(defaults.get("thresholds"), sort_keys=True),
            "text": json.dumps((panel.get("options") or {}).get("content")),
        }
    return found


def _each(dashboard: Made) -> Iterator[Made]:
    for panel in dashboard.get("panels") or ():
        yield panel
        yield from _each(panel)


def _broken(before: Mapping[str, Made], after: Mapping[str, Made]) -> Iterator[Change]:
    """Links to dashboards that the stack had, and no longer has."""
    gone = before.keys() - after.keys()
    for uid in sorted(after):
        linked = set(re.findall(r"/d/([\w-]+)", json.dumps(after[uid])))
        if broken := sorted(linked & gone):
            yield Change(
                Section.SEEN,
                f"dashboard {_title(after[uid], uid)}: links to {listed(broken)}, which is gone",
                Danger.CAUTION,
            )
