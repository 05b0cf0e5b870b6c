"""The whole catalogue, as it is with every system on and nothing changed."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, fields

from components.settings.quantities import Duration
from components.settings.stack import Settings, read
from rules.agents.examples import SETTINGS as AGENTS
from rules.cases import Case, GrafanaCase, Value
from rules.logs.cases import CASES as OF_LOGS
from rules.monitoring.outside_cases import CASES as OF_OUTSIDE
from rules.render import Place
from rules.slo_cases import EXAMPLES
from rules.system import Watched
from rules.systems import SYSTEMS, USER_SLOS

EVERYTHING: dict[str, object] = {
    # Of the flavours, the one whose control plane can be watched.
    "cluster": {"name": "c-1", "environment": "test", "context": "c-1", "flavour": "kubeadm"},
    "systems": {
        **{system.name: {} for system in SYSTEMS},
        "agents": AGENTS,
        "logs": {"audit": [{"namespace": "shop", "app": "backend"}]},
    },
    "slos": list(EXAMPLES),
}


def everything() -> Settings:
    """Every system on, and an objective of each kind."""
    return read(EVERYTHING)


def whole() -> Watched:
    """All that some stack watches: with one collector of logs, or with the other."""
    one, other = (read(EVERYTHING | {"logs": {"collector": each}}).watched for each in ("promtail", "otel"))
    parts = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Watched)}
    return Watched(**{name: (*a, *(each for each in b if each not in a)) for name, (a, b) in parts.items()})


def place(settings: Settings) -> Place:
    """Where a stack's rules are evaluated."""
    return Place(
        cluster=settings.cluster.name,
        environment=settings.cluster.environment,
        grafana=str(settings.grafana.address),
        interval=Duration.parse("1m"),
    )


GRAFANA_CASES: tuple[GrafanaCase, ...] = (*OF_LOGS, *OF_OUTSIDE)
"""What the alerts of Grafana are tried with."""


@dataclass(frozen=True)
class Cases:
    """What one system's rules are tried with."""

    system: str
    alerts: tuple[Case, ...]
    values: tuple[Value, ...]


def cases(system: str) -> Cases:
    """Those beside the rules of a system; of ``slos``, those beside ``rules/slo.py``."""
    module = importlib.import_module("rules.slo_cases" if system == USER_SLOS else f"rules.{system}.cases")
    return Cases(system, module.CASES, module.VALUES)
