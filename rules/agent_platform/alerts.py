"""Alerts of an agent platform; comments give the reason for each number. Its requests are the system `services`'."""

from __future__ import annotations

from collections.abc import Iterator

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from model.slo import Slo, Symptom
from rules.agent_platform import contract
from rules.agent_platform.contract import SERVICES
from rules.platforms import SERVICE
from rules.services.inhibitions import DOWN, SLOW

OF = f'job="{SERVICES.job}"'
TYPE = f"{SERVICE}, agent_type"
_NAMED = "{{ $labels.service }} ({{ $labels.namespace }})"
_SAME = tuple(SERVICE.split(", "))


def rate(metric: str, by: str, range_: str = "5m") -> str:
    """PromQL: events per second of a counter of the platform."""
    return f"sum by ({by}) (rate({metric}{{{OF}}}[{range_}]))"


def quantile(share: float, by: str, range_: str = "10m") -> str:
    """PromQL: a quantile of the time of executions. They are seldom, so its range is longer than that of requests."""
    return f"histogram_quantile({share}, {rate(f'{contract.DURATION.name}_bucket', f'{by}, le', range_)})"


SLOW_EXECUTIONS = Alert(
    name="AgentPlatformSlowAgentExecutions",
    value=quantile(0.95, TYPE),
    above={Severity.WARNING: 30},  # half of the minute after which most HTTP clients give up
    # 20 in the range: of fewer, one is more than 5 %.
    and_=f"{rate(f'{contract.DURATION.name}_count', TYPE, '10m')} > {20 / 600:.3g}",
    unit=Unit.SECONDS,
    for_=Duration.parse("10m"),  # a queue after a burst is worked off by then
    labels={"symptom": Symptom.LATENCY.value},
    summary="Executions of agents are slow.",
    description=f"One in twenty executions of {{{{ $labels.agent_type }}}} agents by {_NAMED} takes longer than"
    " {{ $value | humanizeDuration }}.",
)
POOL_LOW = Alert(
    name="AgentPlatformDatabaseConnectionPoolLow",
    # Each process has a pool of its own: a full one delays its requests, whatever is free elsewhere.
    value=f"max by ({SERVICE}) ({contract.DATABASE.name}{{{OF}}} / ({contract.DATABASE_MOST.name}{{{OF}}} > 0))",
    # Of a hundred connections, 80. A number of connections would be too many for one pool, and few for another.
    above={Severity.WARNING: 0.8},
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # a burst of requests is over by then
    summary="A pool of database connections is almost used up.",
    description=f"A process of {_NAMED} uses {{{{ $value | humanizePercentage }}}} of its database connections.",
)
HIGH_TOKENS = Alert(
    name="AgentPlatformHighTokenUsage",
    # All agents and models together, since they share a bill.
    value=f"sum by ({SERVICE}) (increase({contract.TOKENS.name}{{{OF}}}[1h]))",
    # At 10 USD per million, a working day of it costs as much as most teams spend in a week.
    above={Severity.WARNING: 1_000_000},
    for_=Duration.parse("5m"),  # the range is an hour already
    summary="Agents use many tokens.",
    description=f"Agents of {_NAMED} used {{{{ $value | humanize }}}} tokens within an hour.",
)
ALERTS = (SLOW_EXECUTIONS, POOL_LOW, HIGH_TOKENS)
GROUP = Group("agent-platform", ALERTS)


def inhibitions(slos: tuple[Slo, ...]) -> Iterator[Inhibition]:
    names = "|".join(alert.name for alert in ALERTS)
    yield Inhibition(source={"alertname": DOWN}, target={"alertname": names}, equal=_SAME)
    # Without a connection, requests and executions wait.
    slow = f"{SLOW_EXECUTIONS.name}|{SLOW}"
    yield Inhibition(
        source={"alertname": POOL_LOW.name}, target={"alertname": slow, "severity": "warning"}, equal=_SAME
    )
    # Requests that fail are why executions fail and requests take long, and burn the smallest budget: they come first.
    for position, slo in enumerate(slos[:-1]):
        yield Inhibition(
            source={"slo": slo.name, "burn": ".+", "severity": "critical"},
            target={"slo": "|".join(each.name for each in slos[position + 1 :]), "burn": ".+"},
            equal=_SAME,
        )
