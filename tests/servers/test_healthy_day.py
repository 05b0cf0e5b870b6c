"""Systems that are well: in a day, a quiet night of a weekend and a busier morning, no alert fires."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from model.rules import Group
from rules.render import rule_group
from tests.rules.healthy import applications, cluster, platforms
from tests.rules.healthy.hours import LAST, together
from tests.rules.promtool import PLACE, WATCHED, run, with_everywhere, write

SYSTEMS = {
    "kubernetes": cluster.kubernetes,
    "nodes": cluster.nodes,
    "services": applications.services,
    "agents": applications.agents,
    "agent_hive": platforms.agent_hive,
    "progressive": platforms.progressive,
    "eliza": platforms.eliza,
    "agent_platform": platforms.agent_platform,
    "interaction_backend": platforms.interaction_backend,
}
COUNTED = ("agents", "interaction_backend")
"""Their alerts count the samples of recordings, which are evaluated each minute."""
SPARE = ("agents-attribution", "agents-budgets")
"""Their rules on attribution take longer than all others, and are evaluated as rarely as those of other systems. Here
nobody has a team, so that budgets are not tried."""
MOVES = {
    "agents": {"interaction:streams:rate5m": 4, "agent:requests:rate5m": 2, "agent:runs:rate5m": 2},
    "others": {
        "agent_hive:coordination_latency_seconds:p95_5m": 1,
        "service:progressive_http_requests:increase1h": 2,
        "service:requests:rate5m": 4,
        "namespace_workload:replicas_available:max": sum(len(names) for names in cluster.WORKLOADS.values()),
        "node:cpu_utilisation:ratio_rate5m": 1,
    },
}
"""What is recorded, by the number of its series: nothing is quiet because it does not see the systems."""


def test_systems_that_are_well_raise_nothing_by_day_or_night(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert weekend(tmp_path, monkeypatch) == {"agents": "", "others": ""}


def weekend(folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What promtool says of the weekend."""
    monkeypatch.setenv(
        "GOGC", "1000"
    )  # saves a third of the time: promtool makes much garbage, and needs little memory
    series = together(SYSTEMS.values())
    counted = [group for group in WATCHED.groups if _is_counted(group)]
    others = [group for group in WATCHED.groups if group.system in SYSTEMS and group not in counted]
    # An objective on what the agents' rules record reads these recordings.
    recorded = [group for group in counted if group.name in ("agents-recordings", "agents-cost")]
    for name, every, groups in (("agents", "1m", counted), ("others", "5m", [*recorded, *others])):
        write(folder, name, [rule_group(group, PLACE) for group in groups], [_test(name, series)], every=every)
    return run(folder)


def _is_counted(group: Group) -> bool:
    return group.system in COUNTED and not group.name.startswith("slo-") and group.name not in SPARE


def _test(name: str, series: Mapping[str, str]) -> dict[str, Any]:
    fired = f'count by (alertname) (count_over_time(ALERTS{{alertstate="firing"}}[{LAST}m]))'
    moves = {f"count(count_over_time({recorded}[{LAST}m]))": count for recorded, count in MOVES[name].items()}
    return {
        "name": name,
        "interval": "1m",
        "input_series": [{"series": with_everywhere(each), "values": values} for each, values in series.items()],
        "promql_expr_test": [
            {"expr": fired, "eval_time": f"{LAST - 1}m", "exp_samples": []},
            *(
                {"expr": expr, "eval_time": f"{LAST - 1}m", "exp_samples": [{"labels": "{}", "value": count}]}
                for expr, count in moves.items()
            ),
        ],
    }
