"""A rule file of Prometheus: one group, as YAML."""

from __future__ import annotations

import re

from model.rules import Group
from model.yaml_text import Like, Repeated, text
from rules.render import Place, rule_group

_PART = re.compile(
    r"^  - alert: ([\w-]+)$|(?<=^    annotations: [&*])id\d+$|(?<=^    annotations: {<<: \*)id\d+", re.MULTILINE
)
"""The name of an alert, and where PyYAML numbers its annotations."""


def rule_file(group: Group, place: Place) -> str:
    """The file. An alert's second severity refers to the annotations of its first one, for all that is the same.

    A state holds each file three times, and most of its bytes are rules: this is 60 KB of prod's.
    """
    made = rule_group(group, place)
    seen: dict[str, Repeated] = {}
    for rule in made["rules"]:
        if "alert" not in rule:
            continue
        said = rule["annotations"]
        before = seen.setdefault(rule["alert"], Repeated(said))
        rule["annotations"] = before if before == said else Like(before, said) if before.keys() <= said.keys() else said
    # Labels take a line each otherwise.
    return _named(text({"groups": [made]}, on_one_line="labels"))


def _named(numbered: str) -> str:
    """Anchors by the alert's name: a number would change with each alert that is added before it."""
    alert = ""

    def renamed(found: re.Match[str]) -> str:
        nonlocal alert
        alert = found[1] or alert
        return found[0] if found[1] or not alert else alert

    return _PART.sub(renamed, numbered)
