"""Memcached: whether caches answer, find what is asked of them, and have room."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated

from annotated_types import Len

from model.exporter import Exporter, scrape_job
from model.flows import Internet
from model.images import pinned
from model.metrics import Metrics, Unit
from model.quantities import Duration, HostPort
from model.rules import Alert, Group, Severity
from model.settings import DnsLabel, Model, resources
from model.slo import Slo, rate
from rules.memcached.uids import MEMCACHED
from rules.system import Surroundings, System, Watched

MEMCACHED_EXPORTER = "memcached-exporter"
IMAGE = pinned(
    "quay.io/prometheus/memcached-exporter:v0.15.2",
    uid=65534,
    binaries={MEMCACHED_EXPORTER: "/bin/memcached_exporter"},
    tested="",
    why="the module of 0.15.2 cannot be had; what it answers is recorded in tests/expositions",
)


class MemcachedSettings(Model):
    """The `memcached` system."""

    servers: Annotated[dict[DnsLabel, HostPort], Len(1, 50)]
    """Name, the label `instance`, to address; each has an exporter of its own."""


_OF = Metrics(MEMCACHED_EXPORTER)
METRICS = (
    _OF.gauge("memcached_up"),
    _OF.gauge("memcached_current_connections"),
    _OF.gauge("memcached_max_connections"),
    _OF.counter("memcached_commands_total", "command status"),
    _OF.counter("memcached_items_total"),
    _OF.counter("memcached_items_evicted_total"),
    _OF.gauge("memcached_current_bytes", unit=Unit.BYTES),
    _OF.gauge("memcached_limit_bytes", unit=Unit.BYTES),
)

BY = "cluster, instance"
DOWN = Alert(
    name="MemcachedDown",
    value=f"min by ({BY}) (memcached_up) == 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("2m"),  # a restart takes seconds
    summary="A cache does not answer.",
    description="{{ $labels.instance }} does not answer: all that is asked of it goes to what is behind.",
)
CONNECTIONS = Alert(
    name="MemcachedConnectionsRunningOut",
    value=f"max by ({BY}) (memcached_current_connections) / max by ({BY}) (memcached_max_connections)",
    above={Severity.WARNING: 0.8, Severity.CRITICAL: 0.95},  # beyond the limit clients wait to be accepted
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # clients that all start at once close what they do not need
    summary="A cache has hardly any connection left.",
    description="{{ $labels.instance }} has {{ $value | humanizePercentage }} of its connections in use.",
)
EVICTIONS = Alert(
    name="MemcachedEvictsMuch",
    value=" / ".join(f"sum by ({BY}) (rate(memcached_items_{of}total[15m]))" for of in ("evicted_", "")),
    above={Severity.WARNING: 0.5},  # every second item pushes another one out before its time: it is too small
    unit=Unit.RATIO,
    for_=Duration.parse("30m"),  # a job that fills it once is over
    summary="A cache is too small.",
    description="{{ $labels.instance }} throws {{ $value | humanizePercentage }} as many items away as it is given.",
)
FILLED = f"sum by ({BY}) (memcached_current_bytes) / sum by ({BY}) (memcached_limit_bytes)"
HITS = Slo(
    name="memcached-hits",
    objective=Decimal("0.95"),  # what is behind has room for one in twenty
    events=rate('memcached_commands_total{command="get"}'),
    errors=rate('memcached_commands_total{command="get", status="miss"}'),
)


def build(settings: MemcachedSettings, surroundings: Surroundings) -> Watched:
    exporters = tuple(
        Exporter(
            name=MEMCACHED_EXPORTER,
            instance=name,
            image=IMAGE,
            args=(f"--memcached.address={address}", "--web.listen-address=:9150"),
            ports={"metrics": 9150},
            resources=resources("10m", "32Mi", "64Mi"),
            live=("/", "metrics"),
            ready=("/metrics", "metrics"),
            egress=((Internet(address.host), (address.port,)),),
        )
        for name, address in sorted(settings.servers.items())
    )
    return Watched(
        scrape_jobs=(scrape_job(exporters, surroundings.cluster.namespaces.stack),),
        groups=(Group("memcached", (DOWN, CONNECTIONS, EVICTIONS)),),
        exporters=exporters,
        metrics=METRICS,
        slos=(HITS,),
    )


SYSTEM = System(
    key="memcached",
    title="Memcached",
    owner="platform",
    settings=MemcachedSettings,
    example=MemcachedSettings(servers={"sessions": HostPort("memcached.shop.svc", 11211)}),
    dashboard=MEMCACHED,
    build=build,
)
