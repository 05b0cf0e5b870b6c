"""The whole catalogue, as it is with every system on and nothing changed."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from components.settings.stack import Settings, read
from rules.render import Place, place_of
from rules.system import Watched
from rules.systems import examples
from tests.rules.slos import SETTINGS as SLOS

EVERYTHING: dict[str, Any] = {
    # Of the flavours, the one whose control plane can be watched.
    "cluster": {
        "name": "c-1",
        "environment": "test",
        "context": "c-1",
        "flavour": "kubeadm",
        "virtualNodes": {"example.com/nodeType": "virtual"},
    },
    # As long as the longest window of an objective.
    "prometheus": {"retention": {"time": "90d"}},
    "systems": examples(),
    "slos": list(SLOS),
}


def everything() -> Settings:
    """Every system on, and an objective of each kind."""
    return read(EVERYTHING)


def with_each_collector(**changes: object) -> tuple[Settings, ...]:
    """Every system on, with one collector of logs and with the other."""
    return tuple(read({**EVERYTHING, **changes, "logs": {"collector": each}}) for each in ("promtail", "otel"))


def whole() -> Watched:
    """All that some stack watches: with one collector of logs, or with the other."""
    one, other = (stack.watched for stack in with_each_collector())
    parts = {field.name: (getattr(one, field.name), getattr(other, field.name)) for field in fields(Watched)}
    return Watched(**{name: (*a, *(each for each in b if each not in a)) for name, (a, b) in parts.items()})


def place(settings: Settings) -> Place:
    """Where a stack's rules are evaluated."""
    return place_of(settings.cluster, settings.grafana.address)
