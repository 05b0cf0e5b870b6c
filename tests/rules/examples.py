"""The vocabulary for examples of rules: what fires on which series at what time, with which labels and text.

An example reads as a sentence, and says everything that comes of it: what it does not name stays quiet.

    example(
        "8 % are left for a quarter of an hour",
        SPACE_LOW,
        series=gauges({metric("node_filesystem_avail_bytes", DISK): 80, ...}),
        at="15m",
        fires=[critical("/dev/sda1 of n-1 has 8% of its space left.", "8%", node="n-1", device="/dev/sda1")],
    )
    example("half of two cores is idle", CPU_UTILISATION, series=..., gives={of(node="n-1"): 0.5})
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from model.grafana_alert import GrafanaAlert
from model.quantities import Duration
from model.rules import BaseAlert, Recording, Severity

Labels = dict[str, str]
Series = dict[str, str]
"""Selector to values, both as promtool reads them: ``{'up{job="loki"}': "1x5 _x3"}``. Each series gets the stack's
``cluster`` and ``environment``, unless it has its own."""


@dataclass(frozen=True)
class Firing:
    """One alert that fires, as a person reads it."""

    severity: Severity
    description: str
    value: str = ""
    """The annotation ``value``; only where the alert has thresholds."""
    labels: Labels = field(default_factory=dict)
    """What distinguishes it from others of its name, besides system, cluster, environment and the alert's own owner."""


@dataclass(frozen=True, kw_only=True)
class Lines:
    """Log lines of one stream; ``cluster`` is added to its labels."""

    labels: Labels
    text: str
    times: int = 1
    ago: Duration = Duration.parse("1m")
    """When the newest was written, before the alert is evaluated; the others just before it."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A rule on some series, or on some lines, at a moment; made by `example`."""

    when: str
    """What has happened, as the end of a sentence: "a node is down"."""
    rule: str
    """The name of an alert or a recording rule."""
    group: str = ""
    """Its group, where several have a rule of that name."""
    grafana: bool = False
    """Whether Grafana evaluates it."""
    series: Series = field(default_factory=dict)
    """What Prometheus has."""
    lines: tuple[Lines, ...] = ()
    """What Loki has."""
    at: Duration
    """Time since the first sample of the series."""
    step: Duration
    """Time between the samples of a series."""
    firing: tuple[Firing, ...] = ()
    """All of that name that fire then."""
    quiet: tuple[Severity, ...] = ()
    """What does not fire, but would with a little more, or a little longer."""
    gives: Mapping[str, float] | None = None
    """What a recording rule results in, or what an alert of Grafana's measures: labels as in a selector, to the value.
    Empty when nothing comes of it; None where an alert of Prometheus's is tried."""

    @property
    def sentence(self) -> str:
        if self.gives is not None and not self.grafana:
            return f"{self.rule}{f' of {self.group}' if self.group else ''} when {self.when}"
        fires = " and ".join(sorted(each.severity for each in self.firing)) or "quiet"
        return f"{self.rule}: {fires} when {self.when}"


def example(
    when: str,
    rule: BaseAlert | Recording | str,
    *,
    group: str = "",
    series: Series | None = None,
    lines: Iterable[Lines] = (),
    at: str = "10m",
    step: str = "1m",
    fires: Sequence[Firing] = (),
    gives: Mapping[str, float] | None = None,
    near: bool = True,
) -> Example:
    """A rule, tried; a name stands for a recording rule that is no constant.

    Each of ``fires`` is about one subject, at its most urgent severity. Prometheus has a rule for each severity of an
    alert: the less urgent ones fire as well, with the same text. Grafana has one rule, which fires once. ``near`` says
    that the next more urgent severity, or the least urgent when none fires, is just below its line.

    Raises ValueError when something fires at a severity that the rule does not have.
    """
    name = rule if isinstance(rule, str) else rule.name
    severities = rule.severities if isinstance(rule, BaseAlert) else ()
    for firing in fires:
        if firing.severity not in severities:
            has = ", ".join(severities) or "none"
            raise ValueError(f"{name} when {when}: fires as {firing.severity}, but the rule's severities are: {has}")
    grafana = isinstance(rule, GrafanaAlert)
    first = min((severities.index(firing.severity) for firing in fires), default=len(severities))
    return Example(
        when=when,
        rule=name,
        group=group,
        grafana=grafana,
        series=series or {},
        lines=tuple(lines),
        at=Duration.parse(at),
        step=Duration.parse(step),
        firing=tuple(
            replace(firing, severity=severity)
            for firing in fires
            for severity in severities[severities.index(firing.severity) :][: 1 if grafana else None]
        ),
        quiet=severities[max(first - 1, 0) : first] if near else (),
        gives=gives,
    )


def critical(description: str, value: str = "", /, **labels: str) -> Firing:
    return Firing(Severity.CRITICAL, description, value, labels)


def warning(description: str, value: str = "", /, **labels: str) -> Firing:
    return Firing(Severity.WARNING, description, value, labels)


def info(description: str, value: str = "", /, **labels: str) -> Firing:
    return Firing(Severity.INFO, description, value, labels)


def logged(labels: Labels, text: str, times: int = 1, ago: str = "1m") -> Lines:
    return Lines(labels=labels, text=text, times=times, ago=Duration.parse(ago))


def shares(
    rule: BaseAlert,
    when: str,
    series: Callable[[float], Series],
    says: str,
    percents: Mapping[float, Callable[..., Firing] | None],
    *,
    at: str,
    step: str = "1m",
    **labels: str,
) -> Iterator[Example]:
    """An alert on a share, on both sides of each threshold: ``{0.9: None, 1.1: warning, 24: warning, 26: critical}``.

    ``when`` and ``says``, its description, have a place for the share, of which ``series`` are made.
    """
    for percent, fires in percents.items():
        share = f"{percent:g}%"
        firing = [fires(says.format(share), share, **labels)] if fires else []
        yield example(when.format(share), rule, series=series(percent), at=at, step=step, fires=firing)


# --- selectors ---


def of(*given: Labels, **more: str) -> str:
    """Labels as a selector has them inside: in the order of their names, and of two values of one the later."""
    labels = {name: value for each in (*given, more) for name, value in each.items()}
    return ", ".join(f'{name}="{value}"' for name, value in sorted(labels.items()))


def metric(name: str, /, *given: Labels, **more: str) -> str:
    """The selector of one series."""
    return f"{name}{{{of(*given, **more)}}}"


# --- values of a series ---


def steady(value: float, samples: int = 60) -> str:
    """A gauge that stays."""
    return f"{value:.12g}x{samples}"


def growing(step: float, samples: int = 60) -> str:
    """A counter that grows from 0 by ``step`` with each sample: per minute, unless the example has another step."""
    return f"0+{step:.12g}x{samples}"


def day_then(before: float, after: float) -> str:
    """With a sample every five minutes: a day of one value, and then two hours of the other."""
    return f"{steady(before, 288)} {steady(after, 24)}"


# --- series of the usual shapes ---


def gauges(values: Mapping[str, float], samples: int = 60) -> Series:
    """Gauges that stay, by selector: what is used, and all there is."""
    return {selector: steady(value, samples) for selector, value in values.items()}


def counters(steps: Mapping[str, float], samples: int = 60) -> Series:
    """Counters that grow together, by selector, each by so much with every sample: failed, and done."""
    return {selector: growing(step, samples) for selector, step in steps.items()}


def histogram(name: str, labels: Labels, buckets: Mapping[str, float], samples: int = 60) -> Series:
    """A histogram's buckets: by their upper end, as its sender spells it, how many events each sample adds up to there.

    Cumulative, like the buckets of Prometheus: the count of one contains those before it.
    """
    return counters({metric(f"{name}_bucket", labels, le=end): count for end, count in buckets.items()}, samples)


def down(*targets: Labels, samples: int = 20) -> Series:
    """Targets that do not answer."""
    return gauges({metric("up", target): 0 for target in targets}, samples)
