"""Alerts that Grafana evaluates: over logs, which Prometheus cannot read, and over Prometheus itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from model.datasources import Datasource
from model.quantities import Duration
from model.rules import BaseAlert

State = Literal["OK", "Alerting"]
"""What an alert is taken for while nothing can be measured."""

# Grafana's scheduler ticks every ten seconds.
TICK = Duration.parse("10s")


@dataclass(frozen=True, kw_only=True)
class GrafanaAlert(BaseAlert):
    """One rule in Grafana, however many severities: which of them it is, is decided by the value when it fires.

    Grafana has no inhibition, so that a rule per severity would send two messages about one thing. A subject that
    becomes more urgent is a new alert to Grafana: it waits for ``for_`` once more.
    """

    datasource: Datasource
    """Whom ``value`` is asked of: LogQL for Loki, PromQL for Prometheus. It returns a number per subject, at once."""
    by: tuple[str, ...]
    """Labels of each result: what tells one subject from another."""
    lines: str = ""
    """LogQL of the lines behind the value, which its runbook shows."""
    no_data_state: State
    """What it means that nothing comes back."""
    exec_err_state: State
    """What it means that the datasource does not answer."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if "Alerting" in (self.no_data_state, self.exec_err_state):
            if "{{" in self.description:
                raise ValueError(f"alert {self.name}: a description without values, for it fires without any as well")
            if len(self.severities) != 1:
                raise ValueError(f"alert {self.name}: one severity, for it fires without a value to tell by as well")


@dataclass(frozen=True)
class GrafanaGroup:
    """Rules that Grafana evaluates one after another."""

    name: str
    rules: tuple[GrafanaAlert, ...]
    interval: Duration = Duration.parse("1m")
    """Time between evaluations."""
    system: str = ""
    """Whose it is: the label ``system`` of its alerts; set when systems are put together."""

    def __post_init__(self) -> None:
        if self.interval < TICK or self.interval.milliseconds % TICK.milliseconds:
            raise ValueError(f"group {self.name}: an interval that is a multiple of {TICK}, Grafana's own")
