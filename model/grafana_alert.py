"""Alerts that Grafana evaluates: on logs, which Prometheus cannot read, and on Prometheus itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.datasources import Datasource
from model.quantities import Duration
from model.rules import BaseAlert

State = Literal["OK", "Alerting"]
"""State of an alert without data or with an error."""

# Grafana's scheduler ticks every ten seconds.
TICK = Duration.parse("10s")


@dataclass(frozen=True, kw_only=True)
class GrafanaAlert(BaseAlert):
    """One rule in Grafana for all severities: the value decides the severity when the alert fires.

    Grafana has no inhibition, so a rule per severity would send two messages about one problem. A subject with a new
    severity is a new alert for Grafana: it waits for ``for_`` once more.
    """

    datasource: Datasource
    """Datasource of the query ``value``: LogQL for Loki, PromQL for Prometheus. An instant query returns a number per
    subject."""
    by: tuple[str, ...]
    """Labels of each result. They identify one subject."""
    lines: str = ""
    """LogQL of the log lines that the value counts, which the runbook shows."""
    only_while: str = ""
    """PromQL with a number for each subject: the alert fires only where it is above 0. Prometheus knows what a subject
    should be doing, which log lines do not say."""
    no_data_state: State
    """State of the alert if the query returns no data."""
    exec_err_state: State
    """State of the alert if the query fails."""

    @property
    def fires_without_value(self) -> bool:
        return "Alerting" in (self.no_data_state, self.exec_err_state)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.fires_without_value:
            if "{{" in self.description:
                raise ValueError(f"alert {self.name}: a description without values: it also fires without data")
            if len(self.severities) != 1:
                raise ValueError(f"alert {self.name}: exactly one severity: it also fires without a value")


@dataclass(frozen=True)
class GrafanaGroup:
    """Rules that Grafana evaluates one after another."""

    name: str
    rules: tuple[GrafanaAlert, ...]
    interval: Duration = Duration.parse("1m")
    """Time between evaluations."""
    system: str = ""
    """Key of the system: the label ``system`` of its alerts. Set when the systems are combined."""

    def __post_init__(self) -> None:
        if self.interval < TICK or self.interval.milliseconds % TICK.milliseconds:
            raise ValueError(f"group {self.name}: an interval that is a multiple of {TICK}, Grafana's own")
