"""Caches: whether they answer, find what is asked of them, and have room."""

from __future__ import annotations

from dashboards.annotations import alerts_of
from dashboards.model import Dashboard, Panel, Query, Row, alert_stat, alert_time_series, found, variable
from model.metrics import Unit
from model.promql import narrowed
from model.uids import ALERTS, HOME
from rules.memcached import BY, CONNECTIONS, DOWN, EVICTIONS, FILLED
from rules.memcached.uids import MEMCACHED

_IN = 'cluster=~"$cluster", instance=~"$instance"'
_CACHE = "{{instance}}"


_ASKED = f'memcached_commands_total{{{_IN}, command="get"'
_GETS, _HITS = (f"sum by ({BY}) (rate({_ASKED}{which}}}[5m]))" for which in ("", ', status="hit"'))

DASHBOARD = Dashboard(
    uid=MEMCACHED,
    title="Memcached",
    description="Which cache is down, too small, or does not help.",
    tags=("memcached",),
    variables=(
        variable("cluster", "memcached_up", "Cluster"),
        variable("instance", 'memcached_up{cluster=~"$cluster"}', "Cache"),
    ),
    related=(HOME, ALERTS),
    annotations=(alerts_of("memcached"),),
    rows=(
        Row(
            "Does it help?",
            (
                alert_stat(DOWN, "Down", "Caches that do not answer. Restart them.", found(DOWN, _IN)),
                Panel(
                    title="Found",
                    description="The part of what is asked for that the cache has. What it has not is fetched anew.",
                    queries=(Query(expr=f"{_HITS} / {_GETS}", legend=_CACHE),),
                    unit=Unit.RATIO,
                    width=10,
                ),
                Panel(
                    title="Requests",
                    description="Reads a second.",
                    queries=(Query(expr=_GETS, legend=_CACHE),),
                    unit=Unit.PER_SECOND,
                    width=10,
                ),
            ),
        ),
        Row(
            "Has it room?",
            (
                Panel(
                    title="Memory",
                    description="The part of its memory that is filled. A full cache is well while it evicts little.",
                    queries=(Query(expr=narrowed(FILLED, _IN), legend=_CACHE),),
                    unit=Unit.RATIO,
                ),
                *(
                    alert_time_series(alert, title, description, narrowed(alert.value, _IN), _CACHE)
                    for alert, title, description in (
                        (EVICTIONS, "Evicted", "Items thrown away per item stored. Above the line, add memory."),
                        (CONNECTIONS, "Connections", "The part of its connections in use. At 1 it refuses more."),
                    )
                ),
            ),
        ),
    ),
)
