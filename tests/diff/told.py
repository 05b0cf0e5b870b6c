"""Golden examples: changes of a stack file in ``examples/*.yaml``, and the sentences that they lead to."""

from __future__ import annotations

import gc
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from components.settings.content import gathered
from components.settings.stack import read
from tests import stack_settings
from tools import kept
from tools.catalogue import catalogue
from tools.diff.change import Change, Danger
from tools.diff.compare import Difference, difference
from tools.diff.renders import Render, render_of
from tools.local.stack_text import merged
from tools.recorder import ROOT

EXAMPLES = Path(__file__).parent / "examples"
MARKS = {Danger.LOSS: "!! ", Danger.CAUTION: "! ", Danger.NOTE: ""}


@dataclass(frozen=True, kw_only=True)
class Example:
    """A change of a recorded stack, and what is said of it."""

    what: str
    stack: str
    before: dict[str, Any]
    """What both sides change of the recorded stack."""
    after: dict[str, Any]
    """The change."""
    undone: bool
    """Whether the change is undone instead; merging settings cannot remove one."""
    says: tuple[str, ...]
    """All sentences in order, with the marks of what is dangerous, and in brackets the gate. ``...`` is any text."""


def examples() -> Iterator[Example]:
    for path in sorted(EXAMPLES.glob("*.yaml")):
        for each in yaml.safe_load(path.read_text(encoding="utf-8"))["examples"]:
            yield Example(
                what=each["what"],
                stack=each.get("stack", "prod"),
                before=each.get("before", {}),
                after=each["undone" if "undone" in each else "after"],
                undone="undone" in each,
                says=tuple(each["says"]),
            )


@cache
def _rendered(stack: str, changes: str, metrics: bool) -> Render:
    config = merged(stack_settings.config(stack), json.loads(changes))
    gc.disable()  # searching what stays for garbage takes a third of the time
    try:
        settings = read(config, folders=gathered(config, ROOT))
        return render_of(catalogue(settings, {}), (), {}, kept.table(settings) if metrics else "")
    finally:
        gc.enable()


def rendered(stack: str = "prod", *, metrics: bool = False, **changes: Any) -> Render:
    """A stack with changes, without its objects and dashboards, which take long to record."""
    return _rendered(stack, json.dumps(changes), metrics)


def change(example: Example) -> Difference:
    sides = [rendered(example.stack, **each) for each in (example.before, merged(example.before, example.after))]
    return difference(example.stack, *(reversed(sides) if example.undone else sides))


def edited(base: Render, **parts: Any) -> Render:
    """A render with another ``catalogue``, ``objects`` or ``content``."""
    return replace(base, **parts)


def said(found: Difference) -> list[str]:
    """The sentences as an example states them."""
    return [sentence(each) for each in found.changes]


def sentence(change: Change) -> str:
    return f"{MARKS[change.danger]}{change.text}{f' [{change.gate}]' if change.gate else ''}"


def shortened(sentences: list[str], pattern: tuple[str, ...]) -> list[str]:
    """The sentences, with ``...`` where the pattern at their place has it and the rest is as the pattern says."""
    return [
        says if re.fullmatch(re.escape(says).replace(re.escape("..."), ".*"), sentence) else sentence
        for sentence, says in zip(sentences, (*pattern, *[""] * len(sentences)), strict=False)
    ]
