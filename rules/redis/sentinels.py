"""Alerts on Redis by what its sentinels say; comments give the reason for each number.

Sentinels agree by majority: what all that answer say is the case, and one that is cut off says more than is true.
"""

from __future__ import annotations

from collections import Counter

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.redis.alerts import DOWN, NO_PRIMARY, REPLICAS_MISSING, REPLICATION_BROKEN
from rules.redis.scrape import SENTINELS, RedisSettings
from rules.stores import SERVICE, expected, mutes

EXPECTED = "service:redis_sentinels:expected"
"""Sentinels that a service must have, from the settings."""
_PRIMARY = f"{SERVICE}, master_name"
ANSWERING = f"(count by ({SERVICE}) (redis_sentinel_masters) or 0 * max by ({SERVICE}) ({EXPECTED}))"
"""PromQL: sentinels that answer their exporter."""

MASTER_DOWN = Alert(
    name="RedisSentinelMasterDown",
    value=f"max by ({_PRIMARY}) (redis_sentinel_master_status) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # longer than a failover, after which they see another one
    summary="No sentinel reaches the primary of a Redis service.",
    description="All sentinels of {{ $labels.service }} say that its primary {{ $labels.master_name }} is down.",
    runbook="RedisSentinelMasterDown",
)
QUORUM_LOST = Alert(
    name="RedisSentinelQuorumLost",
    value=f"max by ({_PRIMARY}) (redis_sentinel_master_ckquorum_status) == 0",
    severity=Severity.WARNING,  # nothing fails until the primary does
    for_=Duration.parse("5m"),  # a rolling update of the sentinels is over by then
    summary="Redis's sentinels could not fail over.",
    description="Of the sentinels of {{ $labels.service }}, too few reach each other to replace the primary"
    " {{ $labels.master_name }}.",
    runbook="RedisSentinelQuorumLost",
)
MISSING = Alert(
    name="RedisSentinelsMissing",
    value=f"{ANSWERING} / max by ({SERVICE}) ({EXPECTED})",
    below={Severity.WARNING: 1},  # the majority that is left may not survive the next failure
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # as for the quorum
    summary="Sentinels of a Redis service do not answer.",
    description="{{ $value | humanizePercentage }} of the sentinels of {{ $labels.service }} answer.",
    runbook="RedisSentinelQuorumLost",
)


def groups(settings: RedisSettings) -> tuple[Group, ...]:
    counted = Counter(settings.of_sentinels.services.values())
    return (Group("redis-sentinels", (*expected(EXPECTED, counted), MASTER_DOWN, QUORUM_LOST, MISSING)),)


INHIBITIONS = (
    # One outage, one page: a server that is down is why they do not reach it.
    mutes(DOWN, MASTER_DOWN, of=SERVICE),
    mutes(MASTER_DOWN, NO_PRIMARY, REPLICAS_MISSING, REPLICATION_BROKEN, of=SERVICE),
    mutes(QUORUM_LOST, MISSING, of=SERVICE),
    *(
        Inhibition(
            source={"alertname": alert.name},
            target={"alertname": "TargetDown", "job": SENTINELS.jobs},
            equal=("environment", *SERVICE.split(", ")),
        )
        for alert in (QUORUM_LOST, MISSING)
    ),
)
