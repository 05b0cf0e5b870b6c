"""Grafana's alerting as resources: rule groups, contact points, mute timings, templates, the notification policy."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from pulumi import Input, Resource, ResourceOptions

from components.grafana import contact_points
from components.grafana.notifications import Notifications
from model.settings import ConfigSecret

with warnings.catch_warnings():
    # It loads all of its resources at once, and warns about moved ones.
    warnings.simplefilter("ignore", DeprecationWarning)
    from pulumiverse_grafana.alerting import ContactPoint, MessageTemplate, MuteTiming, NotificationPolicy, RuleGroup

MESSAGES = "agent-observability"
"""Name of the group of message templates in Grafana."""


def notify(
    name: str, notifications: Notifications, secrets: Mapping[str, Input[str]], opts: ResourceOptions
) -> NotificationPolicy:
    """The notification policy. It depends on everything that it names, so it changes before any of that is deleted
    (``decisions/0008``).
    """
    named: list[Resource] = []
    if notifications.messages:
        template = MessageTemplate(f"{name}-messages", name=MESSAGES, template=notifications.messages, opts=opts)
        named.append(template)
    after = ResourceOptions.merge(opts, ResourceOptions(depends_on=list(named)))
    named += [
        *(
            _contact_point(f"{name}-contact-point-{each.name.lower()}", each, secrets, after)
            for each in notifications.contact_points
        ),
        *(
            MuteTiming(f"{name}-time-{each.name.lower()}", name=each.name, intervals=each.intervals, opts=opts)
            for each in notifications.timings
        ),
    ]
    return NotificationPolicy(
        f"{name}-notification-policy",
        **notifications.policy,
        opts=ResourceOptions.merge(opts, ResourceOptions(depends_on=named)),
    )


def _contact_point(
    resource: str, given: contact_points.ContactPoint, secrets: Mapping[str, Input[str]], opts: ResourceOptions
) -> ContactPoint:
    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: filled(part) for name, part in value.items()}
        return secrets[value.key] if isinstance(value, ConfigSecret) else value

    settings = filled(given.settings)
    integration: dict[str, Any] = {given.integration: [settings]}
    # The provider does not treat every URL as a secret, so a refresh would write it to the state in plain text.
    hidden = [given.integration] if settings != given.settings else []
    return ContactPoint(
        resource,
        name=given.name,
        opts=ResourceOptions.merge(opts, ResourceOptions(additional_secret_outputs=hidden)),
        **integration,
    )


def evaluate(name: str, groups: Sequence[dict[str, Any]], folder_uid: Input[str], opts: ResourceOptions) -> None:
    """Grafana's rule groups, in their folder."""
    for group in groups:
        RuleGroup(f"{name}-rules-{group['name']}", folder_uid=folder_uid, opts=opts, **group)
