"""Typed values of what people bring as files: like the catalogue's, but written as their authors like."""

from __future__ import annotations

from dataclasses import dataclass

from model.grafana_alert import GrafanaAlert
from model.rules import Alert, Recording, Severity

CONTENT = "content"
"""The system of what people bring: the label ``system`` of its alerts, and the dashboard of its runbooks."""


@dataclass(frozen=True, kw_only=True)
class _OfFile:
    where: str
    """``file:line``, for messages."""

    def check_form(self) -> None:
        """Nothing: names and texts are the author's, and the reader of the file has checked them with their lines."""


@dataclass(frozen=True, kw_only=True)
class ContentAlert(_OfFile, Alert):
    """An alert of a rule file for Prometheus."""

    def expr(self, severity: Severity) -> str:
        return super().expr(severity) if self.thresholds else self.value

    @property
    def runbook_name(self) -> str:
        """Empty if there is none."""
        return self.runbook


@dataclass(frozen=True, kw_only=True)
class ContentLogAlert(_OfFile, GrafanaAlert):
    """An alert of a rule file for Loki."""

    @property
    def runbook_name(self) -> str:
        """Empty if there is none."""
        return self.runbook


@dataclass(frozen=True, kw_only=True)
class ContentRecording(_OfFile, Recording):
    """A recording rule of a rule file for Prometheus."""


@dataclass(frozen=True)
class Query:
    """PromQL that stands somewhere in a file."""

    where: str
    """``file:line``."""
    expr: str


@dataclass(frozen=True)
class SavedQuery:
    """A query that people keep to use it again."""

    where: str
    """``file:line``."""
    title: str
    language: str
    """promql or logql."""
    expr: str


@dataclass(frozen=True, kw_only=True)
class ContentDashboard:
    """A dashboard in Grafana's own format, with the stack's datasources."""

    uid: str
    title: str
    description: str
    folder: str
    """Its title."""
    json: str
    where: str
    """The file."""
    is_v2: bool = False
    """Whether it is of schema v2, which Grafana takes by another API."""
    queries: tuple[Query, ...]
    """What it asks Prometheus, with some value for each variable."""


@dataclass(frozen=True)
class Runbook:
    """The steps for an alert, in Markdown."""

    where: str
    """The file."""
    name: str
    text: str
    queries: tuple[Query, ...] = ()
    """The PromQL in it."""
