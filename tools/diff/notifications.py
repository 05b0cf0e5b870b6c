"""Who is notified: receivers of every alert and severity, and the receivers and times themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tools.diff.alerts import renamed
from tools.diff.change import Change, Danger, Section, counted, listed
from tools.diff.settings import flat, shown

NOBODY = "nobody"
Names = tuple[str, ...]
Rows = Mapping[str, list[str]]
"""Receivers of one alert, by what decides them."""


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Changes between two catalogues."""
    was, now = (side["settings"]["notifications"] for side in (old, new))
    yield from _receivers(was["receivers"], now["receivers"])
    yield from _alerts(old["alerts"], new["alerts"], told=bool(was["receivers"] or now["receivers"]))
    yield from _times(was["times"], now["times"])
    yield from _muted(old["inhibitions"], new["inhibitions"])
    yield from _secrets(old["secrets"], new["secrets"])


def _change(text: str, danger: Danger = Danger.NOTE, **more: Any) -> Change:
    return Change(Section.TOLD, text, danger, **more)


def _named(parts: list[Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
    return {part["name"]: part for part in parts}


def _kind(receiver: Mapping[str, Any]) -> str:
    return next(name for name, value in receiver.items() if name != "name" and value is not None)


def _receivers(old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> Iterator[Change]:
    before, after = _named(old), _named(new)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            kind = _kind(before[name])
            text = f"receiver {name} ({kind}): removed"
            alone = kind == "deadMan" and not any(_kind(each) == kind for each in new)
            text += ": nobody notices any more when alerting itself fails" if alone else ""
            yield _change(text, Danger.LOSS, gate="receiver-removed")
        elif name not in before:
            yield _change(f"receiver {name} ({_kind(after[name])}): new")
        elif _kind(before[name]) != _kind(after[name]):
            yield _change(f"receiver {name}: {_kind(before[name])} -> {_kind(after[name])}", Danger.CAUTION)
        else:
            was, now = flat(before[name]), flat(after[name])
            for path in sorted(was.keys() | now.keys()):
                if was.get(path) != now.get(path):
                    text = f"receiver {name}: {path} {shown(was.get(path))} -> {shown(now.get(path))}"
                    yield _change(text, Danger.CAUTION)


def _alerts(old: Mapping[str, Any], new: Mapping[str, Any], *, told: bool) -> Iterator[Change]:
    moved = renamed(old, new)
    origin = {after: before for before, after in moved.items()} | {name: name for name in new if name in old}
    groups: dict[tuple[str, Names | None, Names], list[str]] = {}
    for name in sorted(new):
        before = old[origin[name]]["receivers"] if name in origin else {}
        for what, was, now in _rows(before, new[name]["receivers"]):
            if was != now and (told or now):
                groups.setdefault((what, was, now), []).append(name)
    for (what, was, now), names in sorted(groups.items(), key=lambda each: (each[0][0], str(each[0][1:]))):
        yield _told(what, was, now, names)


def _rows(before: Rows, after: Rows) -> Iterator[tuple[str, Names | None, Names]]:
    """What decides the receivers, such as ``critical, owner shop``, and the receivers before and now; None before for
    a new severity.
    """
    for severity in dict.fromkeys(map(_severity, after)):
        old, new = (_of(side, severity) for side in (before, after))
        if old.keys() == new.keys():
            yield from ((what, tuple(old[what]), tuple(now)) for what, now in new.items())
        elif not old:
            yield from ((what, None, tuple(now)) for what, now in new.items())
        else:  # other owners or namespaces than before
            yield severity, _all(old), _all(new)
            yield from ((what, _all(old), ()) for what, now in new.items() if not now and any(new.values()))


def _of(rows: Rows, severity: str) -> Rows:
    return {what: names for what, names in rows.items() if _severity(what) == severity}


def _severity(what: str) -> str:
    return what.partition(",")[0]


def _all(rows: Rows) -> Names:
    return tuple(dict.fromkeys(name for names in rows.values() for name in names))


def _told(what: str, was: Names | None, now: Names, names: list[str]) -> Change:
    whom = names[0] if len(names) == 1 else f"{counted(len(names), 'alert')} ({listed(names)})"
    after = listed(now) or NOBODY
    if not now and was != ():
        text = f"{what}: {listed(was)} -> {NOBODY}" if was else f"{what}: new, and reaches {NOBODY}"
        return _change(f"{text}: {whom}", Danger.LOSS, gate="alert-unrouted")
    if was is None:
        return _change(f"{what}: new, reaches {after}: {whom}")
    lost = set(was) - set(now)
    return _change(f"{what}: {listed(was) or NOBODY} -> {after}: {whom}", Danger.CAUTION if lost else Danger.NOTE)


def _times(old: list[Mapping[str, Any]], new: list[Mapping[str, Any]]) -> Iterator[Change]:
    before, after = _named(old), _named(new)
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) != after.get(name):
            was, now = (_hours(side[name]) if name in side else "none" for side in (before, after))
            yield _change(f"time {name}: {was} -> {now}", Danger.CAUTION)


def _hours(time: Mapping[str, Any]) -> str:
    days = ", ".join(time["weekdays"]) or "every day"
    return f"{days} {time['from'] or '00:00'} to {time['to'] or '24:00'} {time['timeZone']}"


def _muted(old: list[str], new: list[str]) -> Iterator[Change]:
    for one, other, word, danger in ((new, old, "new", Danger.CAUTION), (old, new, "removed", Danger.NOTE)):
        for rule in (each for each in one if each not in other):
            yield _change(f"inhibition {word}: {rule}", danger)


def _secrets(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        if old.get(name) != new.get(name):
            word = (
                "new" if name not in old else "removed" if name not in new else "encrypted again: maybe another value"
            )
            yield Change(Section.SETTINGS, f"secret {name}: {word}", Danger.CAUTION if name in old else Danger.NOTE)
