"""All changes of a stack, the most dangerous first, and what a gate refuses of them."""

from __future__ import annotations

import textwrap
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, get_args

from components.settings.accepted import Gate
from tools.diff import access, alerts, dashboards, engine, kept, notifications, objects, restarts
from tools.diff.change import Change, Danger, Section, counted
from tools.diff.renders import Render

GATES: tuple[Gate, ...] = get_args(Gate)
NO_CHANGE = "no change"
BY_OBJECT = "one of the renders has no catalogue.json of this version, so only objects and dashboards are compared"
SECRETS = "secrets are compared as the stack file encrypts them, and Secrets that others keep are not compared"


@dataclass(frozen=True, kw_only=True)
class Difference:
    """What a change does to one stack."""

    stack: str
    changes: tuple[Change, ...] = ()
    """The most dangerous first, then in the order of the gates and of the sections."""
    notes: tuple[str, ...] = ()
    """What limits the comparison, or is worth a word about all of it."""
    reasons: Mapping[str, str] = field(default_factory=dict)
    """Reasons that the change gives for gates, by gate."""

    def refused(self, forbidden: Collection[Gate]) -> tuple[Change, ...]:
        """The changes that these gates refuse, and for which the stack file gives no new reason."""
        return tuple(each for each in self.changes if each.gate in forbidden and each.gate not in self.reasons)


def difference(
    stack: str, old: Render | None, new: Render | None, steps: Sequence[Mapping[str, Any]] = ()
) -> Difference:
    """Compares a stack before and after; None where it does not exist. ``steps`` are those of the engine's preview."""
    if old is None or new is None:
        change = Change(Section.STATE, "the stack is new") if old is None else _GONE
        return Difference(stack=stack, changes=(change,))
    found = dict.fromkeys((*_changes(old, new), *engine.compare(steps)))
    order = list(Section)
    ranked = sorted(found, key=lambda each: (-each.danger, _rank(each), order.index(each.section)))
    notes = [] if old.catalogue and new.catalogue else [BY_OBJECT]
    notes += [] if ranked else [SECRETS]
    return Difference(stack=stack, changes=tuple(ranked), notes=tuple(notes), reasons=_reasons(old, new))


_GONE = Change(
    Section.STATE,
    "the stack file is gone: `pulumi destroy` deletes what runs, with its data",
    Danger.LOSS,
    "data-lost",
)


def _rank(change: Change) -> int:
    """What cannot be undone comes before what can."""
    return GATES.index(change.gate) if change.gate else len(GATES)


def _changes(old: Render, new: Render) -> Iterator[Change]:
    if old.catalogue and new.catalogue:
        yield from notifications.compare(old.catalogue, new.catalogue)
        yield from alerts.compare(old.catalogue, new.catalogue)
        yield from kept.compare(old, new)
    else:
        yield from kept.metrics(old, new)
    yield from access.compare(old, new)
    yield from objects.compare(old, new)
    yield from restarts.compare(old, new)
    yield from dashboards.compare(old, new)


def _reasons(old: Render, new: Render) -> dict[str, str]:
    """Reasons that this change adds or edits: one that stood before was given for another change."""
    before, after = (side.settings.get("accepted", {}) for side in (old, new))
    return {gate: reason for gate, reason in after.items() if before.get(gate) != reason}


LINES = 10
"""Most lines of a summary."""
_WIDE = 240
"""Most characters of a line of a summary; the details have all of it."""


def summary(found: Difference) -> list[str]:
    """The summary of a stack: what matters first, and the rest counted."""
    if not found.changes:
        return [NO_CHANGE]
    # Short as it is, a summary says everything; otherwise the last line counts the rest.
    shown = found.changes if len(found.changes) <= LINES else found.changes[: LINES - 1]
    lines = [textwrap.shorten(each.text, _WIDE, placeholder=" ...") for each in shown]
    rest = found.changes[len(shown) :]
    counts = [(section, sum(each.section is section for each in rest)) for section in Section]
    parts = ", ".join(f"{section.value.lower()} {number}" for section, number in counts if number)
    return [*lines, f"and {counted(len(rest), 'further change')}: {parts}"] if rest else lines
