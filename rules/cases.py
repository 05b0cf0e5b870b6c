"""What an alert or a recording rule does with a handful of series: the examples that promtool tries.

Series are written as promtool reads them: a selector, and values like ``0+10x60`` (start, step, times) or ``1x5 _x3``.
``cluster`` and ``environment`` are added to each.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.quantities import Duration
from model.rules import Severity


@dataclass(frozen=True, kw_only=True)
class Firing:
    """One alert that fires."""

    severity: Severity
    labels: Mapping[str, str] = field(default_factory=dict)
    """What tells it from others of its name; all others are added: owner, system, cluster, environment."""
    description: str
    """As a person reads it."""
    value: str = ""
    """As a person reads it; only where the alert has thresholds."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """An alert on some series, at a moment: which of its severities fire, and which are just below their line."""

    alert: str
    when: str
    """What has happened, as the end of a sentence: "a node is down"."""
    series: Mapping[str, str]
    at: Duration
    """Time since the first sample."""
    step: Duration = Duration.parse("1m")
    """Time between the samples of a series."""
    firing: tuple[Firing, ...] = ()
    """All of that name that fire then."""
    quiet: tuple[Severity, ...] = ()
    """What does not fire, but would with a little more, or a little longer."""


@dataclass(frozen=True, kw_only=True)
class Value:
    """A recording rule on some series: exactly these results."""

    of: str
    """The recording rule's name."""
    group: str = ""
    """Its group, where several have a rule of that name."""
    when: str
    series: Mapping[str, str]
    at: Duration
    step: Duration = Duration.parse("1m")
    results: Mapping[str, float]
    """Labels as in a selector, without ``cluster``, ``environment`` and the rule's own, to the value; empty when
    nothing comes of it."""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Log lines of one stream."""

    labels: Mapping[str, str]
    """Of the stream; ``cluster`` is added."""
    text: str
    times: int = 1
    ago: Duration = Duration.parse("1m")
    """When the newest was written, before the alert is evaluated; the others just before it."""


@dataclass(frozen=True, kw_only=True)
class GrafanaCase:
    """An alert of Grafana's on some lines, or some series: what is measured then, and what comes of it."""

    alert: str
    when: str
    """What has happened, as the end of a sentence."""
    lines: tuple[Lines, ...] = ()
    """What Loki has."""
    series: Mapping[str, str] = field(default_factory=dict)
    """What Prometheus has, as in a Case."""
    at: Duration = Duration.parse("10m")
    """Time since the first sample of the series."""
    subject: Mapping[str, str] = field(default_factory=dict)
    """Labels of what is measured, besides ``cluster`` where there is one."""
    value: float | None
    """What is measured; none when nothing comes back."""
    firing: tuple[Firing, ...] = ()
    """At most one: a subject has one severity at a time."""
    quiet: tuple[Severity, ...] = ()
    """What does not fire, but would with one line more."""
