"""Differences as text, as Markdown for a comment, and as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from components.settings.accepted import Gate
from tools.diff.change import Change, Danger, Section
from tools.diff.compare import Difference, summary

Differences = Sequence[Difference]
_MARKS = {Danger.LOSS: "!! ", Danger.CAUTION: "! ", Danger.NOTE: ""}


def text(found: Differences, forbidden: Sequence[Gate]) -> str:
    """For a terminal."""
    lines: list[str] = []
    for each in found:
        lines += [f"{each.stack}", *(f"  {line}" for line in summary(each)), *(f"  note: {n}" for n in each.notes)]
        for section, changes in _sections(each):
            lines += ["", f"  {section}", *(f"    {_MARKS[change.danger]}{change.text}" for change in changes)]
        lines += [f"  {line}" for line in _gates(each, forbidden)]
        lines.append("")
    return "\n".join(lines)


def markdown(found: Differences, forbidden: Sequence[Gate], *, details: bool = True) -> str:
    """For a comment or a job summary: the summary in sight, the details folded."""
    lines: list[str] = []
    for each in found:
        lines += [f"### {_escaped(each.stack)}", "", *(f"- {_escaped(line)}" for line in summary(each))]
        lines += [f"- *{_escaped(note)}*" for note in each.notes]
        lines += [f"- **{_escaped(line)}**" for line in _gates(each, forbidden)]
        for section, changes in _sections(each) if details else ():
            lines += ["", f"<details><summary>{section} ({len(changes)})</summary>", ""]
            lines += [f"- {_strong(change)}" for change in changes]
            lines += ["", "</details>"]
        lines.append("")
    return "\n".join(lines)


def as_json(found: Differences, forbidden: Sequence[Gate]) -> str:
    """For a program."""
    stacks = [
        {
            "stack": each.stack,
            "summary": summary(each),
            "notes": list(each.notes),
            "changes": [
                {"section": c.section.value, "danger": c.danger.name.lower(), "text": c.text, "gate": c.gate}
                for c in each.changes
            ],
            "refused": [change.text for change in each.refused(forbidden)],
            "reasons": dict(sorted(each.reasons.items())),
        }
        for each in found
    ]
    return json.dumps({"stacks": stacks}, indent=2) + "\n"


FORMATS: dict[str, Callable[[Differences, Sequence[Gate]], str]] = {
    "text": text,
    "markdown": markdown,
    "json": as_json,
}


def _sections(found: Difference) -> list[tuple[Section, list[Change]]]:
    by_section = ((section, [each for each in found.changes if each.section is section]) for section in Section)
    return [(section, changes) for section, changes in by_section if changes]


def _gates(found: Difference, forbidden: Sequence[Gate]) -> list[str]:
    lines = [f"refused by {change.gate}: {change.text}" for change in found.refused(forbidden)]
    accepted = {change.gate for change in found.changes if change.gate in forbidden}
    return lines + [
        f"{gate} is accepted: {reason}" for gate, reason in sorted(found.reasons.items()) if gate in accepted
    ]


def _strong(change: Change) -> str:
    return f"**{_escaped(change.text)}**" if change.danger is Danger.LOSS else _escaped(change.text)


def _escaped(line: str) -> str:
    """Text that Markdown shows as it is: names come from whoever proposes a change, and must neither make a link nor
    notify anybody.
    """
    shown = re.sub(r"([\\`*_\[\]#|~!])", r"\\\1", line)
    shown = shown.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    # A space of no width keeps a name with @ from being a mention, and a URL from being a link.
    return shown.replace("@", "@\u200b").replace("://", ":\u200b//")
