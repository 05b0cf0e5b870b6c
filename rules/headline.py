"""What Home shows of a system."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of a system: a stat on Home, in the colour of its alert."""

    title: str
    description: str
    expr: str = ""
    """PromQL of one number; the default is the value of the alert."""
    alert: str = ""
    """Name of the alert whose thresholds colour it. Without ``expr``, a stack without this alert has no such number."""
    counts: bool = False
    """Whether it is the number of the alert's results, so that one is too many."""


@dataclass(frozen=True, kw_only=True)
class Headline:
    """The state of a system in PromQL of one number each, from recordings where there are some.

    A stack that does not know the series of one leaves it out.
    """

    up: str = ""
    """0 while nothing of the system answers."""
    errors: str = ""
    """Ratio of what fails, of the worst subject."""
    latency: str = ""
    """95th percentile in seconds, of the slowest subject."""
    cost: str = ""
    """USD in the last 24 hours."""
    changes: str = ""
    """Instead of a number, seconds since each change of the last 24 hours, by ``change`` and ``subject``."""
    figures: tuple[Figure, ...] = ()


DAY = 86_400


def change(kind: str, moments: str, subject: str) -> str:
    """PromQL of ``changes``: ``moments`` are timestamps, and ``subject`` the labels that name what has changed."""
    labels = ", ".join(f'"{label}"' for label in subject.split())
    named = f'label_join((time() - {moments}) < {DAY}, "subject", "/", {labels})'
    return f'label_replace({named}, "change", "{kind}", "", "")'
