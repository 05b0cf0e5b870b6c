"""What is kept: settings that decide it, redaction, scrape jobs and metrics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from tools.diff.change import Change, Danger, Section, counted, listed, several
from tools.diff.losses import MEANINGS, UNLIMITED, Meaning, duration, items
from tools.diff.renders import Render
from tools.diff.settings import Flat, entries, flat, shown, unnamed

_STORES = {"jaeger.storage": "traces", "loki.storage": "lines", "grafana.database": "users and annotations"}
"""Settings of which one kind is set: another kind is another store."""
ELSEWHERE = re.compile(r"notifications\.(receivers|times)\b.*|alerts(\.(?!exclude).*)?|accepted\b.*")
"""Settings whose changes have sentences of their own."""
_WHOLE = re.compile(r"alerts|loki\.(streamRetention|tenants)|notifications\.routes(\.routes)*")
"""Lists whose entries are compared key by key also when one comes or goes."""


def compare(old: Render, new: Render) -> Iterator[Change]:
    """Changes of settings, redaction, scrape jobs and metrics."""
    before, after = flat(old.settings), flat(new.settings)
    for store, text in _other_stores(old.settings, new.settings):
        yield Change(Section.KEPT, text, Danger.LOSS, "data-lost")
        before, after = (
            {path: value for path, value in side.items() if not path.startswith(f"{store}.")}
            for side in (before, after)
        )
    for system, change in _systems(old.settings, new.settings):
        yield change
        before, after = (
            {path: value for path, value in side.items() if not path.startswith(f"systems.{system}.")}
            for side in (before, after)
        )
    yield from _alike(_settings(before, after))
    if old.catalogue and new.catalogue:
        yield from _redaction(old.catalogue["redaction"], new.catalogue["redaction"])
        yield from _jobs(old.catalogue["jobs"], new.catalogue["jobs"])
    yield from metrics(old, new)


def _other_stores(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for store, what in _STORES.items():
        section, key = store.split(".")
        was, now = (
            next((kind for kind, value in side[section][key].items() if value is not None), "none")
            for side in (old, new)
        )
        if was != now:
            yield store, f"{store}: {was} -> {now}: another store, which begins without the {what} of the earlier one"


def _systems(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[tuple[str, Change]]:
    """Systems that are enabled or disabled; all of their settings come or go with them."""
    before, after = ({name for name, value in side["systems"].items() if value is not None} for side in (old, new))
    for name in sorted(before ^ after):
        if name in before:
            text = f"system {name}: disabled: it is no longer watched"
            yield name, Change(Section.ALARMED, text, Danger.LOSS, "alert-removed")
        else:
            yield name, Change(Section.ALARMED, f"system {name}: enabled")


@dataclass(frozen=True, kw_only=True)
class _Said:
    """A changed setting, and what that means."""

    path: str
    text: str
    rule: Meaning | None = None
    means: str = ""


def _alike(said: Iterable[_Said]) -> Iterator[Change]:
    """One sentence for the settings of a section that mean the same; each of its own where they mean nothing."""
    found: dict[tuple[str, str], list[_Said]] = {}
    for each in said:
        found.setdefault((each.path.partition(".")[0], each.means) if each.means else (each.path, ""), []).append(each)
    for (_, means), alike in found.items():
        rule, text = alike[0].rule, "; ".join(each.text for each in alike)
        if rule is None:
            yield Change(Section.SETTINGS, text)
        elif means:
            yield Change(rule.section, f"{text}: {means}", rule.danger, rule.gate)
        else:
            yield Change(rule.section, text)


def _settings(before: Flat, after: Flat) -> Iterator[_Said]:
    gone, come = entries(before, after), entries(after, before)
    for entry in sorted({*gone, *come}):
        if not ELSEWHERE.fullmatch(unnamed(entry)) and not _WHOLE.fullmatch(unnamed(entry)):
            yield _entry(entry, gone.get(entry), come.get(entry))
    said = tuple(entry for entry in (*gone, *come) if not _WHOLE.fullmatch(unnamed(entry)))
    for path in (path for path in sorted(before.keys() | after.keys()) if before.get(path) != after.get(path)):
        # An entry's name changes only as the entry comes or goes.
        silent = path.endswith("].name") or path.startswith(said) or ELSEWHERE.fullmatch(unnamed(path))
        if not silent:
            yield from _leaf(path, before, after)


def _entry(entry: str, gone: Flat | None, come: Flat | None) -> _Said:
    """An entry of a list that is only in one of both."""
    rule, _ = meaning(entry)
    what = ", ".join(f"{key} {shown(value)}" for key, value in (gone or come or {}).items() if key != "name")
    text = f"{entry}: {'removed' if gone is not None else f'new: {what}'}"
    if rule is None:
        return _Said(path=entry, text=text)
    means = rule.other if rule.size is None else rule.less if gone is not None else rule.more
    return _Said(path=entry, text=text, rule=rule, means=means)


def _leaf(path: str, before: Flat, after: Flat) -> Iterator[_Said]:
    was, now = before.get(path), after.get(path)
    rule, found = meaning(path)
    text = f"{path}: {shown(was)} -> {shown(now)}"
    if rule is None or found is None:
        yield _Said(path=path, text=text)
    elif rule.size is None:
        yield _Said(path=path, text=text, rule=rule, means=rule.other)
    else:
        if rule.unset and rule.unset != UNLIMITED:
            other = found.expand(rule.unset)
            was, now = (side.get(other) if value is None else value for value, side in ((was, before), (now, after)))
        if was != now:
            yield _Said(path=path, text=text, rule=rule, means=_compared(rule, was, now))


def _compared(rule: Meaning, was: Any, now: Any) -> str:
    assert rule.size is not None  # noqa: S101  the caller's choice
    least = rule.unset != UNLIMITED
    if was is None or now is None:
        return rule.less if (now is None) == least else rule.more
    before, after = rule.size(was), rule.size(now)
    if rule.size is items and before - after and after - before:
        return rule.other or rule.less
    return rule.other if before == after else rule.less if after < before else rule.more


def meaning(path: str) -> tuple[Meaning | None, re.Match[str] | None]:
    """What a change of a setting means, and how its path was matched."""
    for rule in MEANINGS:
        if found := re.fullmatch(rule.path, unnamed(path)):
            return rule, found
    return None, None


def _redaction(old: Mapping[str, list[str]], new: Mapping[str, list[str]]) -> Iterator[Change]:
    for part, what in {"keys": "of keys", "text": "in any text"}.items():
        lost, gained = (sorted(set(one[part]) - set(other[part])) for one, other in ((old, new), (new, old)))
        if lost:
            text = f"redaction: {counted(len(lost), 'pattern')} {what} removed or changed: {listed(lost, 3)}"
            yield Change(Section.KEPT, text, Danger.LOSS, "redaction-weakened")
        if gained:
            yield Change(Section.KEPT, f"redaction: {counted(len(gained), 'pattern')} {what} new: {listed(gained, 3)}")


def _jobs(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    gone, come = sorted(old.keys() - new.keys()), sorted(new.keys() - old.keys())
    if gone:
        text = f"{several('scrape job', gone)}: removed: nothing of it is stored any more"
        yield Change(Section.KEPT, text, Danger.LOSS)
    if come:
        yield Change(Section.KEPT, f"{several('scrape job', come)}: new")
    same: dict[tuple[str, bool], list[str]] = {}
    for name in sorted(old.keys() & new.keys()):
        for field in sorted(old[name]):
            was, now = old[name][field], new[name].get(field)
            if was != now:
                rarer = field == "interval" and duration(now) > duration(was)
                same.setdefault((f"{field} {was} -> {now}", rarer), []).append(name)
    for (text, rarer), names in same.items():
        danger = Danger.CAUTION if rarer else Danger.NOTE
        yield Change(Section.KEPT, f"{several('scrape job', names)}: {text}", danger)


def metrics(old: Render, new: Render) -> Iterator[Change]:
    """Metrics of the jobs that both have; those of a job that comes or goes are said with it."""
    jobs = {job for job, _ in old.metrics} & {job for job, _ in new.metrics}
    for job in sorted(jobs):
        was, now = ({metric for of, metric in side.metrics if of == job} for side in (old, new))
        if was - now:
            text = f"{several('metric', sorted(was - now))} of {job}: no longer stored"
            yield Change(Section.KEPT, text, Danger.CAUTION)
        if now - was:
            yield Change(Section.KEPT, f"{several('metric', sorted(now - was))} of {job}: stored now")
