"""Types of the catalogue: alerts with their thresholds, recording rules, groups, inhibitions."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum
from functools import cached_property
from typing import Any, Self

import promql_parser

from model.metrics import Unit
from model.owners import TEAM, AnyClaim, label, outcomes
from model.promql import narrowed, parsed
from model.quantities import Duration
from model.uids import DashboardUid


class Severity(StrEnum):
    """How urgent an alert is, most urgent first."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


Threshold = Decimal | float
"""A number that an alert compares with. A float means the decimal number of its literal."""


@dataclass(frozen=True, kw_only=True)
class BaseAlert:
    """Fields of every alert, evaluated by Prometheus or Grafana.

    The constructor raises ValueError for every mistake.
    """

    name: str
    value: str
    """Expression of the measured value, without the comparison. The panel shows it."""
    above: Mapping[Severity, Threshold] = field(default_factory=dict)
    """Thresholds by severity. The alert fires while the value is larger."""
    below: Mapping[Severity, Threshold] = field(default_factory=dict)
    """Thresholds by severity. The alert fires while the value is smaller."""
    severity: Severity | None = None
    """Severity of an alert without thresholds."""
    unit: Unit = Unit.NONE
    """Unit of the value and the thresholds."""
    for_: Duration = Duration(0)
    """How long the expression must be true before the alert fires."""
    keep_firing_for: Duration = Duration(0)
    """How long the alert keeps firing after its expression was last true, against flapping."""
    owner: str = ""
    """The label ``owner`` where no claim holds. Routes select receivers by it. The default is its system's owner."""
    claims: tuple[AnyClaim, ...] = ()
    """What teams of the stack file own of its subjects, the most specific first. Set when the systems are combined."""
    summary: str
    """One short sentence, without labels and values."""
    description: str
    """The problem and its subject, with ``{{ $labels.x }}`` and ``{{ $value }}``."""
    dashboard: DashboardUid = DashboardUid("")
    """Dashboard that the alert links to. The default is its system's dashboard."""
    runbook: str = ""
    """Name of the runbook in docs/runbooks. The default is the alert's own name."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """Additional labels."""
    annotations: Mapping[str, str] = field(default_factory=dict)
    """Additional annotations. A ``runbook_url`` or ``dashboard_url`` among them replaces the stack's own link."""
    system: str = ""
    """Key of the system: the label ``system``, and the dashboard of its runbook. Set when the systems are combined."""

    def __post_init__(self) -> None:
        self.check_form()
        if [bool(self.above), bool(self.below), self.severity is not None].count(True) != 1:
            raise ValueError(f"alert {self.name}: exactly one of above, below and severity")
        thresholds = list(self.thresholds.values())
        if thresholds != sorted(thresholds, reverse=bool(self.above)) or self._repeats_a_threshold():
            raise ValueError(f"alert {self.name}: a more urgent severity needs a threshold that is further away")

    def check_form(self) -> None:
        """Raise ValueError for what would work, and is not how the catalogue's alerts are written."""
        if not re.fullmatch(r"([A-Z][a-z0-9]*)+", self.name):
            raise ValueError(f"alert {self.name!r}: a name in CamelCase")
        if "{{" in self.summary:
            raise ValueError(f"alert {self.name}: a summary without labels and values")
        if self.owner and not re.fullmatch(TEAM, self.owner):
            raise ValueError(f"alert {self.name}: an owner, the name of a team")

    def _repeats_a_threshold(self) -> bool:
        """Whether two severities have one threshold, so that the less urgent never fires alone."""
        return len(set(self.thresholds.values())) < len(self.thresholds)

    @property
    def runbook_name(self) -> str:
        return self.runbook or self.name

    @property
    def owner_label(self) -> str:
        """The label ``owner``: a text, or a template of one."""
        return label(self.claims, self.owner)

    @property
    def owner_names(self) -> tuple[str, ...]:
        """Every owner that it may get."""
        return tuple(dict.fromkeys(owner for owner, _ in outcomes(self.claims, self.owner)))

    @cached_property
    def thresholds(self) -> Mapping[Severity, Decimal]:
        """Exact thresholds by severity, most urgent first; empty without a comparison."""
        given = self.above or self.below
        return {severity: Decimal(str(given[severity])) for severity in Severity if severity in given}

    @property
    def severities(self) -> tuple[Severity, ...]:
        """The severities, most urgent first."""
        return tuple(self.thresholds) if self.severity is None else (self.severity,)

    def line(self, severity: Severity) -> str:
        """The threshold as text: ``above 5 %``."""
        return f"{'above' if self.above else 'below'} {spelled(self.thresholds[severity], self.unit)}"

    @property
    def numbers(self) -> Mapping[str, str]:
        """Texts for the placeholders in its runbook: each severity's threshold, ``threshold`` and ``for``."""
        each = {severity.value: spelled(number, self.unit) for severity, number in self.thresholds.items()}
        # A single threshold needs no severity. Several are listed with theirs, the least urgent first.
        named = [f"{number} ({severity})" for severity, number in reversed(each.items())]
        whole = {"threshold": " or ".join(each.values() if len(each) == 1 else named)} if each else {}
        return {**each, **whole, "for": str(self.for_)}

    def changed(
        self,
        *,
        thresholds: Mapping[Severity, Threshold | None],
        severity: Severity | None = None,
        for_: Duration | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Self | None:
        """The alert with other or more thresholds (None removes the severity), severity, ``for`` or labels; None if no
        rule is left.

        Raises ValueError for a change of a field that this alert does not have.
        """
        alert = replace(self, for_=self.for_ if for_ is None else for_, labels={**self.labels, **(labels or {})})
        if thresholds:
            if not self.thresholds:
                raise ValueError("no thresholds: the alert compares with none")
            kept = {**self.thresholds, **thresholds}
            left = {each: threshold for each, threshold in kept.items() if threshold is not None}
            if not left:
                return None
            alert = replace(alert, above=left if alert.above else {}, below=left if alert.below else {})
        if severity is None:
            return alert
        if alert.severity is not None:
            return replace(alert, severity=severity)
        if len(alert.thresholds) > 1:
            raise ValueError(f"no severity: the alert has a threshold for each of {', '.join(alert.thresholds)}")
        (threshold,) = alert.thresholds.values()
        moved = {severity: threshold}
        return replace(alert, above=moved if alert.above else {}, below=moved if alert.below else {})


@dataclass(frozen=True, kw_only=True)
class Alert(BaseAlert):
    """An alert that Prometheus evaluates.

    With ``above`` or ``below`` there is one rule per severity, and the more urgent one inhibits the others. With
    ``severity`` the alert fires for every series of ``value``.
    """

    and_: str = ""
    """Additional condition, such as enough traffic; ``$threshold`` stands for the threshold."""
    unless: str = ""
    """Condition under which the alert does not fire."""
    of_target: bool = False
    """Whether its series are those of targets, which may have a label ``owner``."""
    only: Mapping[Severity, str] = field(default_factory=dict)
    """Additional condition of one severity, such as that somebody wants to be paged."""
    own: tuple[Own, ...] = ()
    """Subjects with thresholds of their own."""

    def __post_init__(self) -> None:
        super().__post_init__()
        _parse(self.value, f"alert {self.name}")
        for severity in self.severities:
            _parse(self.expr(severity), f"alert {self.name}")

    def _repeats_a_threshold(self) -> bool:
        return super()._repeats_a_threshold() and not self.only

    def expr(self, severity: Severity) -> str:
        """The rule's whole expression."""
        threshold = decimal(self.thresholds[severity]) if self.thresholds else ""
        guards = (self.and_.replace("$threshold", threshold), self.only.get(severity, ""))
        guard = "".join(f" and {each}" for each in guards if each)
        return self._compared(threshold) + guard + (f" unless {self.unless}" if self.unless else "")

    def _compared(self, threshold: str) -> str:
        compares = ">" if self.above else "<"
        if threshold and self.own:
            own = {each.matchers: decimal(Decimal(str(each.threshold))) for each in self.own}
            return compared(self.value, compares, threshold, own)
        value = f"({self.value})" if isinstance(parsed(self.value), promql_parser.BinaryExpr) else self.value
        return f"{value} {compares} {threshold}" if threshold else value

    def line_of(self, severity: Severity, labels: Mapping[str, str]) -> str:
        """The threshold of a subject as text."""
        own = [each for each in self.own if each.labels.items() <= labels.items()]
        return own[0].line(self) if own else self.line(severity)

    def plain(self) -> Iterator[dict[str, Any]]:
        """Its rules in Prometheus' format, most urgent first."""
        for severity in self.severities:
            yield {
                "alert": self.name,
                "expr": self.expr(severity),
                **({"for": str(self.for_)} if self.for_.milliseconds else {}),
                **({"keep_firing_for": str(self.keep_firing_for)} if self.keep_firing_for.milliseconds else {}),
                "labels": {"severity": severity.value, "owner": self.owner_label, **self.labels},
                "annotations": {
                    "summary": self.summary,
                    "description": self.description,
                    **self._measured(severity),
                    **self.annotations,
                },
            }

    def _measured(self, severity: Severity) -> dict[str, str]:
        """Annotations with the measured value and the threshold."""
        if not self.thresholds:
            return {}
        threshold = self.line(severity)
        for each in reversed(self.own):
            threshold = f"{{{{ if {each.template} }}}}{each.line(self)}{{{{ else }}}}{threshold}{{{{ end }}}}"
        return {"value": shown(self.unit), "threshold": threshold}


@dataclass(frozen=True, kw_only=True)
class Own:
    """The threshold of one subject, whatever the severity, in place of the alert's."""

    labels: Mapping[str, str]
    """Labels of the subject."""
    threshold: Threshold

    @property
    def matchers(self) -> str:
        return ", ".join(f'{name}="{value}"' for name, value in self.labels.items())

    @property
    def template(self) -> str:
        """A template's condition that an alert is about the subject."""
        conditions = [f'(eq $labels.{name} "{value}")' for name, value in self.labels.items()]
        return f"and {' '.join(conditions)}"

    def line(self, alert: BaseAlert) -> str:
        return f"{'above' if alert.above else 'below'} {spelled(Decimal(str(self.threshold)), alert.unit)}"


def compared(selector: str, compares: str, threshold: str, own: Mapping[str, str]) -> str:
    """PromQL: a selector's series beyond ``threshold``, or beyond that of their own, by its matchers."""
    others = "".join(f" unless {narrowed(selector, matchers)}" for matchers in own)
    listed = "".join(f" or {narrowed(selector, matchers)} {compares} {each}" for matchers, each in own.items())
    return f"(({selector}{others}) {compares} {threshold}{listed})" if own else f"{selector} {compares} {threshold}"


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One recording rule, named ``level:metric:operations``."""

    name: str
    expr: str
    labels: Mapping[str, str] = field(default_factory=dict)
    """Additional labels."""
    unit: Unit = Unit.NONE

    def __post_init__(self) -> None:
        self.check_form()
        _parse(self.expr, f"recording rule {self.name}")

    def check_form(self) -> None:
        if not re.fullmatch(r"[a-z_0-9]+:[a-zA-Z_0-9]+:[a-zA-Z_0-9]+", self.name):
            raise ValueError(f"recording rule {self.name!r}: a name like level:metric:operations")

    def plain(self) -> Iterator[dict[str, Any]]:
        labels = {"labels": dict(self.labels)} if self.labels else {}
        yield {"record": self.name, "expr": self.expr, **labels}


SELDOM = Duration.parse("4m")
"""Evaluation interval of rules whose result changes in hours or days. It is below the five minutes that Prometheus
looks back."""


@dataclass(frozen=True)
class Group:
    """A rule group: rules that are evaluated together, in order."""

    name: str
    rules: tuple[Alert | Recording, ...]
    interval: Duration | None = None
    """Evaluation interval; None uses the stack's."""
    limit: int = 0
    """Maximum number of series or alerts of one of its rules; 0 is no limit."""
    query_offset: Duration = Duration(0)
    """How long ago its expressions are evaluated for."""
    environments: tuple[str, ...] = ()
    """Values of the label ``environment`` that its results keep from their series. The default is the cluster's."""
    system: str = ""
    """Key of the system: the label ``system`` of its alerts. Set when the systems are combined."""


@dataclass(frozen=True, kw_only=True)
class Inhibition:
    """While an alert matches ``source``, alerts that match ``target`` and have equal labels notify nobody."""

    source: Mapping[str, str]
    """Label to a regular expression that matches the whole value."""
    target: Mapping[str, str]
    equal: tuple[str, ...]
    """Labels whose values must be the same in both."""


def _parse(expr: str, where: str) -> None:
    try:
        parsed(expr)
    except ValueError as problem:
        raise ValueError(f"{where}: {problem}") from None


def decimal(number: Decimal) -> str:
    """The number in full, without trailing zeros."""
    return f"{number.normalize():f}"


# Templates of Prometheus and Grafana. The functions below format a known number in the same way.
_SHOWN = {
    Unit.NONE: "{{ $value | humanize }}",
    Unit.RATIO: "{{ $value | humanizePercentage }}",
    Unit.SECONDS: "{{ $value | humanizeDuration }}",
    Unit.BYTES: "{{ $value | humanize1024 }}B",
    Unit.PER_SECOND: "{{ $value | humanize }} per second",
    Unit.BYTES_PER_SECOND: "{{ $value | humanize1024 }}B per second",
    Unit.TIMESTAMP: "{{ $value | humanizeTimestamp }}",
    Unit.CURRENCY: '{{ $value | printf "%.2f" }}',
}


def shown(unit: Unit) -> str:
    """The template that formats ``$value``."""
    return _SHOWN[unit]


def spelled(number: Decimal, unit: Unit) -> str:
    """A number as text: ``5 %``, ``2m30s``, ``512MiB``."""
    if unit is Unit.RATIO:
        return f"{decimal(number * 100)} %"
    if unit is Unit.SECONDS and number:
        return str(Duration(int(number * 1000)))
    if unit is Unit.BYTES:
        for power, prefix in ((2**40, "Ti"), (2**30, "Gi"), (2**20, "Mi"), (2**10, "Ki")):
            if number >= power and number % power == 0:
                return f"{decimal(number / power)}{prefix}B"
        return f"{decimal(number)}B"
    return decimal(number) + (f" {unit}" if unit in (Unit.PER_SECOND, Unit.BYTES_PER_SECOND) else "")
