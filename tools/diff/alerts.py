"""What is alarmed: alerts, thresholds, objectives, recording rules."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal
from difflib import SequenceMatcher
from typing import Any

from model.promql import names
from model.quantities import Duration
from tools.diff.change import Change, Danger, Section, listed, several

Alerts = Mapping[str, Mapping[str, Any]]
CALMER = " (fires later)"
NO_TIME = str(Duration(0))
_URGENCY = ("critical", "warning", "info")
_PLACES = 4
"""Places of an expression whose change is shown."""


def renamed(old: Alerts, new: Alerts) -> dict[str, str]:
    """Old name to new name of alerts that ask the same."""
    gone, come = [name for name in old if name not in new], [name for name in new if name not in old]
    by_expression = {str(sorted(_expressions(new[name]).items())): name for name in reversed(come)}
    found: dict[str, str] = {}
    for name in gone:
        other = by_expression.pop(str(sorted(_expressions(old[name]).items())), None)
        if other:
            found[name] = other
    return found


def _expressions(alert: Mapping[str, Any]) -> dict[str, str]:
    return {severity: rule["expr"] for severity, rule in alert["severities"].items()}


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    """Changes between two catalogues."""
    before, after = old["alerts"], new["alerts"]
    moved = renamed(before, after)
    yield from _gone(before, {name for name in before if name not in after and name not in moved})
    yield from _come(after, {name for name in after if name not in before and name not in moved.values()})
    for name in sorted(before):
        if name in moved:
            yield _change(f"{name} is now named {moved[name]}: silences and routes by the old name no longer match", 1)
        if (now := after.get(moved.get(name, name))) is not None:
            yield from _alert(moved.get(name, name), before[name], now)
    yield from _objectives(old["objectives"], new["objectives"])
    yield from _recordings(old["recordings"], new["recordings"])


def _change(text: str, danger: int = 0, **more: Any) -> Change:
    return Change(Section.ALARMED, text, Danger(danger), **more)


def _gone(before: Alerts, gone: set[str]) -> Iterator[Change]:
    for system in sorted({before[name]["system"] for name in gone}):
        its = sorted(name for name in gone if before[name]["system"] == system)
        yield _change(f"{several('alert', its)}: removed from {system}", 2, gate="alert-removed")


def _come(after: Alerts, come: set[str]) -> Iterator[Change]:
    for system in sorted({after[name]["system"] for name in come}):
        its = sorted(name for name in come if after[name]["system"] == system)
        if len(its) == 1:
            rules = after[its[0]]["severities"]
            lines = (f"{severity} {rules[severity].get('threshold', '')}".strip() for severity in rules)
            yield _change(f"alert {its[0]}: new in {system}: {', '.join(lines)}{_for(after[its[0]])}")
        else:
            yield _change(f"{several('alert', its)}: new in {system}")


def _alert(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    yield from _severities(name, old, new)
    yield from _expression(name, old, new)
    for field in ("owners", "runbook", "evaluated by", "keep firing for", "system"):
        if old[field] != new[field]:
            yield _change(f"{name}: {field} {_text(old[field])} -> {_text(new[field])}")
    own, owned = old["own thresholds"], new["own thresholds"]
    for subject in sorted(own.keys() | owned.keys()):
        if own.get(subject) != owned.get(subject):
            yield _change(f"{name} of {{{subject}}}: {own.get(subject, 'as all')} -> {owned.get(subject, 'as all')}", 1)


def _severities(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    before, after = old["severities"], new["severities"]
    gone, come = (
        [each for each in _URGENCY if each in one and each not in other]
        for one, other in ((before, after), (after, before))
    )
    if len(gone) == len(come) == 1:
        calmer = _URGENCY.index(come[0]) > _URGENCY.index(gone[0])
        text = f"{name}: {gone[0]} -> {come[0]}"
        yield _change(f"{text} (less urgent)", 2, gate="alert-removed") if calmer else _change(text)
        gone, come = [], []
    for severity in gone:
        text = f"{name} {severity} ({before[severity].get('threshold') or 'no threshold'}): removed"
        yield _change(text, 2, gate="alert-removed")
    for severity in come:
        yield _change(f"{name} {severity}: new: {after[severity].get('threshold') or 'no threshold'}{_for(new)}")
    for severity in (each for each in _URGENCY if each in before and each in after):
        yield from _rule(f"{name} {severity}", {**old, **before[severity]}, {**new, **after[severity]})


def _text(value: Any) -> str:
    return ", ".join(value) if isinstance(value, list) else str(value)


def _rule(title: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    was, now = old.get("threshold", ""), new.get("threshold", "")
    if was == now and old["for"] == new["for"]:
        return
    before, after = (f"{line}{_for(side)}".strip() for line, side in ((was, old), (now, new)))
    later = _further(old, new) or Duration.parse(new["for"]) > Duration.parse(old["for"])
    yield _change(f"{title}: {before or 'at once'} -> {after or 'at once'}{CALMER if later else ''}", int(later))


def _for(alert: Mapping[str, Any]) -> str:
    """How long it must last, with a blank before; nothing if it fires at once."""
    return "" if alert["for"] == NO_TIME else f" for {alert['for']}"


def _further(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the threshold lies further away."""
    if "number" not in old or "number" not in new:
        return False
    was, now = Decimal(old["number"]), Decimal(new["number"])
    return now > was if str(new["threshold"]).startswith("above") else now < was


def _expression(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Change]:
    both = [severity for severity in new["severities"] if severity in old["severities"]]
    differ = [each for each in both if not _same(old["severities"][each], new["severities"][each])]
    parts = []
    if differ:
        was, now = (_metrics(side["severities"][differ[0]]["expr"]) for side in (old, new))
        parts += [f"reads {listed(sorted(now - was))}"] * bool(now - was)
        parts += [f"no longer reads {listed(sorted(was - now))}"] * bool(was - now)
    lost, gained = set(old["labels"]) - set(new["labels"]), set(new["labels"]) - set(old["labels"])
    parts += [f"gains the label {listed(sorted(gained))}"] * bool(gained)
    parts += [f"loses the label {listed(sorted(lost))}"] * bool(lost)
    if differ and not parts:
        parts = [_difference(*(side["severities"][differ[0]]["expr"] for side in (old, new)))]
    if parts:
        yield _change(f"{name}: its expression changed: {'; '.join(parts)}", 1)


def _difference(old: str, new: str) -> str:
    """What is replaced, added or left out, each once."""
    before, after = (re.findall(r"\"[^\"]*\"|[\w:.]+|\S", side) for side in (old, new))
    found: dict[str, None] = {}
    for kind, start, end, begin, stop in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        was, now = "".join(before[start:end]), "".join(after[begin:stop])
        words = {"replace": f"{was} -> {now}", "insert": f"with {now}", "delete": f"without {was}"}
        found |= {words[kind]: None} if kind in words else {}
    return listed(found, _PLACES)


def _same(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether two expressions differ in the threshold at most."""
    before: str = old["expr"]
    if "number" in old and "number" in new:
        before = re.sub(rf"(?<![\w.]){re.escape(old['number'])}(?![\w.])", new["number"], before)
    return bool(new["expr"] in (before, old["expr"]))


def _metrics(expr: str) -> frozenset[str]:
    try:
        return names(expr)
    except ValueError:  # LogQL
        return frozenset()


def _objectives(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    for name in sorted(old.keys() | new.keys()):
        was, now = old.get(name), new.get(name)
        if was is None:
            yield _change(f"objective {name}: new: {now}")
        elif now is None:
            yield _change(f"objective {name} ({was}): removed", 2)
        elif was != now:
            lower = Decimal(now.partition(" ")[0]) < Decimal(was.partition(" ")[0])
            yield _change(f"objective {name}: {was} -> {now}{CALMER if lower else ''}", int(lower))


def _recordings(old: Mapping[str, str], new: Mapping[str, str]) -> Iterator[Change]:
    gone = sorted(name.removesuffix("{}") for name in old.keys() - new.keys())
    come = sorted(name.removesuffix("{}") for name in new.keys() - old.keys())
    other = sorted(name.removesuffix("{}") for name in old.keys() & new.keys() if old[name] != new[name])
    if gone:
        yield _change(f"{several('recording rule', gone)}: removed")
    if come:
        yield _change(f"{several('recording rule', come)}: new")
    if other:
        yield _change(f"{several('recording rule', other)}: other expression")
