"""Checks of the notifications.

On every stack they refuse names that are unknown or not unique, and routes that no alert can match, because the route
around them or an earlier one takes all their alerts. In production they also refuse what leaves somebody not notified
of an alert of this stack. Elsewhere a stack may have fewer alerts than routes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import cache

from components.routing import LABELS, WATCHDOG, Matcher, Node, reached, receivers_for, tree, walk
from components.settings.notifications import NotificationSettings
from components.settings.owners import OwnerSettings
from components.settings.slos import SloSettings
from model.cluster import ClusterSettings
from model.grafana_alert import GrafanaGroup
from model.owners import outcomes
from model.rules import BaseAlert, Group, Severity
from model.settings import Model, Problem, problem
from rules.system import Surroundings, Watched
from rules.systems import Override, watch

Labels = Mapping[str, str]
MOST = 10
"""Names of alerts, or values, in one message."""


def alert_labels(watched: Watched, cluster: ClusterSettings) -> tuple[dict[str, str], ...]:
    """The labels that every alert has, from Prometheus or Grafana, under each owner and environment that it may get.
    Others, such as namespace, are unknown before it fires, unless they decide its owner.
    """
    groups: tuple[Group | GrafanaGroup, ...] = (*watched.groups, *watched.grafana_groups)
    return tuple(
        {
            "alertname": rule.name,
            "severity": severity.value,
            "owner": owner,
            **rule.labels,
            "cluster": cluster.name,
            "environment": environment,
            "system": group.system,
            **({"namespace": namespace} if namespace else {}),
        }
        for group in groups
        for rule in group.rules
        if isinstance(rule, BaseAlert)
        for environment in _environments(group, cluster)
        for owner, namespace in dict.fromkeys(outcomes(rule.claims, rule.owner))
        for severity in rule.severities
    )


def _environments(group: Group | GrafanaGroup, cluster: ClusterSettings) -> tuple[str, ...]:
    own = group.environments if isinstance(group, Group) else ()
    return tuple(dict.fromkeys((cluster.environment, *own)))


def _known(watched: Watched, cluster: ClusterSettings) -> list[dict[str, str]]:
    """The same, without the alert that goes to dead men alone."""
    return [each for each in alert_labels(watched, cluster) if each["alertname"] != WATCHDOG]


def possible(labels: Labels, root: Node) -> Iterator[dict[str, str]]:
    """The alert's labels without a namespace, and with each namespace that a route names; with their own if they have
    one.
    """
    if "namespace" in labels:
        yield dict(labels)
        return
    named = {
        value for node in walk(root) for each in node.matchers if each.label == "namespace" for value in each.values
    }
    for namespace in ("", *sorted(named)):
        yield {**labels, "namespace": namespace.replace("*", "any")} if namespace else dict(labels)


def names_exist(notifications: NotificationSettings) -> Iterator[Problem]:
    receivers = {receiver.name for receiver in notifications.receivers}
    dead_men = {receiver.name for receiver in notifications.receivers if receiver.dead_man}
    times = {time.name for time in notifications.times}
    for node in walk(tree(notifications)):
        if not node.path:
            continue
        path = f"{node.path}.receiver"
        if node.receiver is None and not node.nodes:
            yield problem(path, None, "a receiver: neither this route nor a parent route has one")
        elif node.receiver in dead_men:
            yield problem(path, node.receiver, "a receiver that is no dead man: dead men get Watchdog without a route")
        elif node.receiver is not None and node.receiver not in receivers:
            yield problem(path, node.receiver, f"the name of a receiver: {_among(receivers)}")
        for field, names in {"muteTimes": node.mute_times, "activeTimes": node.active_times}.items():
            for position, name in enumerate(names):
                if name not in times:
                    yield problem(f"{node.path}.{field}[{position}]", name, f"the name of a time: {_among(times)}")


def _among(names: set[str]) -> str:
    return f"one of {', '.join(sorted(names))}" if names else "there is none"


def routes_can_match(notifications: NotificationSettings) -> Iterator[Problem]:
    yield from _impossible(tree(notifications)).values()


def _impossible(root: Node) -> dict[str, Problem]:
    """Routes that no alert can match: path to reason."""
    found: dict[str, Problem] = {}
    for node in walk(root):
        children = [child for child in node.nodes if child.path]
        for position, child in enumerate(children):
            before = next((each for each in children[:position] if _takes_all_of(each, child)), None)
            if before is not None:
                why = f"move it before {before.path}, which takes all of its alerts and does not continue"
                found[child.path] = f"{child.path}: never matches: {why}"
            for inner, outer in ((a, b) for a in child.matchers for b in node.matchers if a.label == b.label):
                if not _overlap(inner, outer):
                    why = f"a value that its parent route matches: {', '.join(outer.values)}"
                    found[child.path] = problem(f"{child.path}.{inner.label}", ", ".join(inner.values), why)
    return found


def _overlap(one: Matcher, other: Matcher) -> bool:
    """Whether some text may match both. Two patterns with ``*`` count as if it may."""
    pairs = [(a, b) for a in one.values for b in other.values]
    return any(("*" in a and "*" in b) or _within(a, other) or _within(b, one) for a, b in pairs)


def _within(value: str, matcher: Matcher) -> bool:
    """Whether the pattern matches everything that ``value`` matches. A ``*`` is compared as text."""
    return matcher.lets_in(value)


def _takes_all_of(before: Node, node: Node) -> bool:
    given = {each.label: each for each in node.matchers}
    return not before.continues and all(
        each.label in given and all(_within(value, each) for value in given[each.label].values)
        for each in before.matchers
    )


def production_has_receivers(cluster: ClusterSettings, notifications: NotificationSettings) -> Iterator[Problem]:
    if not cluster.is_production:
        return
    if not notifications.receivers:
        reason = "at least one receiver: in production an alert must reach somebody"
        yield problem("notifications.receivers", [], reason)
    elif not any(receiver.dead_man for receiver in notifications.receivers):
        reason = "a deadMan among them: in production somebody must notice when alerting itself fails"
        yield problem("notifications.receivers", [each.name for each in notifications.receivers], reason)


def production_tells_somebody(
    surroundings: Surroundings,
    systems: Model,
    alerts: Mapping[str, Override | None],
    slos: tuple[SloSettings, ...],
    notifications: NotificationSettings,
) -> Iterator[Problem]:
    cluster = surroundings.cluster
    if not cluster.is_production or not notifications.receivers:
        return
    try:
        watched = watch(dict(systems), surroundings, alerts, tuple(each.slo for each in slos))
    except ValueError:  # another check reports overrides and objectives that do not fit
        return
    if all(each.name != WATCHDOG for each in watched.alerts):
        yield f"alerts.{WATCHDOG}: off: in production the dead man needs it"
    known = _known(watched, cluster)
    root = tree(notifications)
    yield from _nowhere(root, known)
    yield from _only_at_times(root, known)
    yield from _unused(root, known, notifications)


def _nowhere(root: Node, known: list[dict[str, str]]) -> Iterator[Problem]:
    """Alerts that no route matches: one problem per severity, or per owner if only one owner's alerts are affected."""
    why = "in production every alert must reach somebody"
    for severity in Severity:
        its = [labels for labels in known if labels["severity"] == severity]
        lost = _lost(root, its)
        if lost and lost == its:
            yield f'notifications.routes: no route for severity "{severity}": {why}'
            continue
        for owner in dict.fromkeys(labels["owner"] for labels in lost):
            names = _named(labels for labels in lost if labels["owner"] == owner)
            yield f'notifications.routes: no route for severity "{severity}" of owner "{owner}" ({names}): {why}'


def _lost(root: Node, known: Iterable[Labels]) -> list[Labels]:
    """Alerts that no route matches."""
    notified = cache(lambda seen: bool(receivers_for(root, dict(seen))))  # many differ in no label that a route matches
    labels = _matched(root)
    return [each for each in known if not notified(tuple((name, each[name]) for name in labels if name in each))]


def _matched(root: Node) -> tuple[str, ...]:
    """The labels that some route matches."""
    return tuple(dict.fromkeys(matcher.label for node in walk(root) for matcher in node.matchers))


def _named(alerts: Iterable[Labels]) -> str:
    names = list(dict.fromkeys(labels["alertname"] for labels in alerts))
    return ", ".join(names if len(names) <= MOST else (*names[:MOST], f"and {len(names) - MOST} more"))


def teams_without_route(
    watched: Watched, cluster: ClusterSettings, notifications: NotificationSettings, owners: OwnerSettings
) -> list[Problem]:
    """What production refuses, and elsewhere is worth a word: teams that own alerts of which nobody is notified."""
    if cluster.is_production or not notifications.receivers:
        return []
    lost = _lost(tree(notifications), _known(watched, cluster))
    return [
        f"owners.teams.{team}: no route for {_named(its)}: nobody is notified of them"
        for team in owners.teams
        if (its := [labels for labels in lost if labels["owner"] == team])
    ]


def _only_at_times(root: Node, known: list[dict[str, str]]) -> Iterator[Problem]:
    """Critical alerts that reach only routes with mute or active times."""
    paths: dict[str, Node] = {}
    for labels in known:
        if labels["severity"] != "critical":
            continue
        for alert in possible(labels, root):
            taken = [node for node in reached(root, alert) if node.receiver is not None]
            if all(node.timed for node in taken):
                paths |= {node.path: node for node in taken}
    for path, node in paths.items():
        field, names = ("muteTimes", node.mute_times) if node.mute_times else ("activeTimes", node.active_times)
        reason = "none on the only route of a critical alert: in production it must reach somebody at any time"
        yield problem(f"{path}.{field}", ", ".join(names), reason)


def _unknown_values(root: Node, known: list[dict[str, str]]) -> dict[str, Problem]:
    """Values that no alert of this stack has, by the path of the route. An override may add a severity."""
    found: dict[str, Problem] = {}
    for node in walk(root):
        for matcher in node.matchers if node.path else ():
            has = {labels[matcher.label] for labels in known if matcher.label in labels}
            for position, value in enumerate(matcher.values):
                one = Matcher(matcher.label, (value,))
                if matcher.label not in ("severity", "namespace") and not any(map(one.lets_in, has)):
                    reason = f"a value that an alert of this stack has: {_values(value, has)}"
                    found[node.path] = problem(f"{node.path}.{LABELS[matcher.label]}[{position}]", value, reason)
    return found


def _values(value: str, has: set[str]) -> str:
    """All values, or of many the nearest."""
    near = sorted(has) if len(has) <= MOST else get_close_matches(value, sorted(has), n=3, cutoff=0)
    return ", ".join(near) or "there is none"


def _unused(root: Node, known: list[dict[str, str]], notifications: NotificationSettings) -> Iterator[Problem]:
    """Routes and receivers that no alert of this stack reaches."""
    unknown = _unknown_values(root, known)
    yield from unknown.values()
    # Routes match few labels. Of alerts with the same values of these, one is checked.
    matched_by = _matched(root)
    seen = {tuple(labels.get(label) for label in matched_by): labels for labels in known}
    alerts = [
        alert
        for labels in seen.values()
        for severity in Severity
        for alert in possible({**labels, "severity": severity.value}, root)
    ]
    matched = {path for alert in alerts for path in _on_the_way(root, alert)}
    explained = [*unknown, *_impossible(root)]
    for node in walk(root):
        if (
            node.path
            and node.path not in matched
            and not any(f"{node.path}.".startswith(f"{each}.") for each in explained)
        ):
            explained.append(node.path)
            yield f"{node.path}: never matches: no alert of this stack reaches it"
    notified = {name for alert in alerts for name in receivers_for(root, alert)}
    named = {node.receiver for node in walk(root) if node.path}
    for position, receiver in enumerate(notifications.receivers):
        path = f"notifications.receivers[{position}].name"
        if receiver.name not in named and not receiver.dead_man:
            yield problem(path, receiver.name, "a receiver that a route names: no alert reaches this one")
        elif receiver.name not in notified and not receiver.dead_man and not explained:
            yield problem(path, receiver.name, "unused: child routes of its route take every alert of this stack")


def _on_the_way(node: Node, labels: Labels) -> Iterator[str]:
    """The paths of all routes that match an alert, the parents of the last one included."""
    if not reached(node, labels):
        return
    yield node.path
    for child in node.nodes:
        yield from _on_the_way(child, labels)
        if reached(child, labels) and not child.continues:
            return


CHECKS = (names_exist, routes_can_match, production_has_receivers, production_tells_somebody)
"""Checks across sections; each names the sections that it reads."""
