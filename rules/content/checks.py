"""Checks of what people bring against the rest of the stack: what is refused, and what is only reported."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping

from model.content import CONTENT, ContentAlert, ContentLogAlert, ContentRecording
from model.grafana_alert import GrafanaGroup
from model.promql import Labels, labels_of, names
from model.rules import BaseAlert, Group
from model.settings import Problem
from model.uids import folder_uid
from rules.catalogue import series_of
from rules.content.asked import asked
from rules.system import Content, Watched

LONGEST_GROUP = 253 - len(".yml")
"""Characters: it is the name of a file in a ConfigMap."""
_OfFile = ContentAlert | ContentLogAlert | ContentRecording


def clashes(content: Content, watched: Watched) -> Iterator[Problem]:
    """Names that something else has: overrides, silences and inhibitions could not tell which is meant."""
    both: tuple[Group | GrafanaGroup, ...] = (*watched.groups, *watched.grafana_groups)
    ours = [rule for group in both if group.system != CONTENT for rule in group.rules]
    taken = {rule.name: "the stack's own alert" for rule in ours if isinstance(rule, BaseAlert)}
    recorded = {rule.name for rule in ours if not isinstance(rule, BaseAlert)}
    seen: dict[str, tuple[str, str]] = {}
    files: dict[str, str] = {}
    groups: tuple[Group | GrafanaGroup, ...] = (*content.groups, *content.grafana_groups)
    for group in groups:
        first = next(where for rule in group.rules if (where := _where(rule)))
        if len(group.name) > LONGEST_GROUP:
            yield f"{first}: group: {group.name[:40]}...: a shorter name, or a shorter one of its file"
        if group.name in files:
            yield f"{first}: group: {files[group.name]} has one that is called so as well: rename one"
        files.setdefault(group.name, first)
        for rule in group.rules:
            where = _where(rule)
            if isinstance(rule, ContentRecording):
                if rule.name in recorded:
                    yield f"{where}: record: {rule.name} is recorded by the stack itself: use that, or rename yours"
            elif rule.name in taken:
                yield f"{where}: alert: {rule.name} is {taken[rule.name]}: use that, or rename yours"
            elif seen.setdefault(rule.name, (group.name, where))[0] != group.name:
                yield f"{where}: alert: {rule.name} is in {seen[rule.name][1]} as well: rename one"


def dashboard_clashes(content: Content, uids: Collection[str], folders: Mapping[str, str]) -> Iterator[Problem]:
    """Uids that another dashboard has; ``uids`` and ``folders``, title by uid, are the stack's own."""
    seen: dict[str, str] = {}
    titles = dict(folders)
    for each in content.dashboards:
        if each.uid in uids:
            yield f'{each.where}: uid: "{each.uid}": the stack has a dashboard of this uid: give yours another'
        elif each.uid in seen:
            yield f'{each.where}: uid: "{each.uid}": {seen[each.uid]} has it as well: give one another'
        seen.setdefault(each.uid, each.where)
        title = titles.setdefault(folder_uid(each.folder), each.folder)
        if title != each.folder:
            yield f'{each.where}: a subfolder that is not called nearly like "{title}": both have the same uid'


def _where(rule: object) -> str:
    return rule.where if isinstance(rule, _OfFile) else ""


def warnings(content: Content, watched: Watched, exposed: Collection[str] = ()) -> Iterator[Problem]:
    """What looks wrong in people's PromQL, as far as the stack knows: metrics that nothing of it brings, and labels
    that its own series do not have. ``exposed`` are further metrics of its exporters.
    """
    named = {alert.runbook_name for alert in watched.alerts}
    for runbook in content.runbooks:
        if runbook.name not in named:
            yield f"{runbook.where}: no alert has this runbook: its name is the alert's"
    known: dict[str, Labels] = {**dict.fromkeys(exposed), **series_of(watched)}
    told: set[str] = set()
    for where, expr in asked(content):
        for name in sorted(names(expr) - known.keys()):
            if name.replace("_", "").replace(":", "").isalnum() and name not in told:
                told.add(name)
                yield f"{where}: {name}: {_unknown(name, known)}"
        try:
            labels_of(expr, {**dict.fromkeys(names(expr)), **known})
        except ValueError as wrong:
            yield f"{where}: {wrong}"


def _unknown(name: str, known: Mapping[str, Labels]) -> str:
    # People's own metrics have names of their own; one that is spelled nearly like a known one is a slip.
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.85)
    meant = f"did you mean {close[0]}?" if close else "nothing of the stack brings it, so a target of yours must"
    return f"an unknown metric: {meant}"
