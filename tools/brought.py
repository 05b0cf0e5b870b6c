"""What a render says about the content that people bring: whom its alerts reach, and what looks wrong in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components.routing import receivers_for, tree
from components.settings.notification_checks import alert_labels, possible
from components.settings.stack import Settings
from model.content import CONTENT
from model.settings import Problem
from rules.content.checks import warnings
from tools.kept import exposed


def reached(settings: Settings) -> list[dict[str, Any]]:
    """Each alert and severity of content, with the receivers that it may reach in any namespace."""
    root = tree(settings.notifications)
    known = [labels for labels in alert_labels(settings.watched, settings.cluster) if labels["system"] == CONTENT]
    return [
        {
            "alert": labels["alertname"],
            "severity": labels["severity"],
            "owner": labels["owner"],
            "receivers": list(
                dict.fromkeys(name for each in possible(labels, root) for name in receivers_for(root, each))
            ),
        }
        for labels in known
    ]


def told(settings: Settings) -> Iterator[Problem]:
    """Warnings about content, one line each."""
    watched, offered = settings.watched, exposed()
    return warnings(
        settings.surroundings.content,
        watched,
        {metric for job in watched.scrape_jobs for metric in offered.get(job.name, ())},
    )


def lines(rows: list[dict[str, Any]]) -> Iterator[str]:
    """Whom each alert reaches, as text; nothing without content."""
    if rows:
        yield ""
    for row in rows:
        receivers = ", ".join(row["receivers"]) or "nobody"
        yield f"{row['alert']} ({row['severity']}, {row['owner']}) reaches {receivers}"
