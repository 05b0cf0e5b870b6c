"""What containers use of their limits, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.pods import HIGH_CPU, HIGH_MEMORY, THROTTLED
from tests.rules.examples import Series, counters, example, gauges, growing, metric, warning

_OF_CGROUP = {"namespace": "shop", "pod": "web-1", "container": "app", "node": "n-1"}
_CGROUP = _OF_CGROUP | {"id": "/kubepods/1"}
_IN = "app of shop/web-1"


def _cpu(per_minute: int) -> Series:
    """Seconds per minute, of a container that may use one core."""
    return {
        metric("container_cpu_usage_seconds_total", _CGROUP, cpu="total"): growing(per_minute, 40),
        metric("container_spec_cpu_quota", _CGROUP): "100000x40",
        metric("container_spec_cpu_period", _CGROUP): "100000x40",
    }


def _throttled(throttled: int, periods: int) -> Series:
    return counters(
        {
            metric("container_cpu_cfs_throttled_periods_total", _CGROUP): throttled,
            metric("container_cpu_cfs_periods_total", _CGROUP): periods,
        },
        40,
    )


def _memory(used: int, limit: int = 100, files: int = 0) -> Series:
    return gauges(
        {
            metric("container_memory_working_set_bytes", _CGROUP): used + files,
            metric("container_memory_total_active_file_bytes", _CGROUP): files,
            metric("container_spec_memory_limit_bytes", _CGROUP): limit,
        },
        20,
    )


def _memory_of_programs(held: int) -> Series:
    return gauges(
        {
            metric("container_memory_working_set_bytes", _CGROUP): 97,
            metric("container_memory_rss", _CGROUP): held,
            metric("container_spec_memory_limit_bytes", _CGROUP): 100,
        },
        20,
    )


EXAMPLES = (
    example(
        "it uses 57 seconds of each minute, and may use 60",
        HIGH_CPU,
        series=_cpu(57),
        at="20m",
        fires=[warning(f"{_IN} uses 95% of its CPU limit.", "95%", **_OF_CGROUP)],
    ),
    example("it uses 53 seconds of each minute, and may use 60", HIGH_CPU, series=_cpu(53), at="25m"),
    example(
        "it is stopped in 55 % of the periods",
        THROTTLED,
        series=_throttled(330, 600),
        at="16m",
        fires=[warning(f"{_IN} is throttled by its CPU limit in 55% of the periods.", "55%", **_OF_CGROUP)],
    ),
    example("it is stopped in 48 % of the periods", THROTTLED, series=_throttled(290, 600), at="25m"),
    example("it hardly runs, and is stopped each time", THROTTLED, series=_throttled(50, 50), at="25m"),
    example(
        "it holds 95 of 100 bytes",
        HIGH_MEMORY,
        series=_memory(95),
        at="10m",
        fires=[warning(f"{_IN} uses 95% of its memory limit; at 100 % it is killed.", "95%", **_OF_CGROUP)],
    ),
    example(
        "it holds 10 of 100 bytes, and has 85 of files that it reads again and again",
        HIGH_MEMORY,
        series=_memory(10, files=85),
        at="15m",
    ),
    *(
        example(
            f"its kubelet tells nothing of files, and its programs hold {held} of 100 bytes",
            HIGH_MEMORY,
            series=_memory_of_programs(held),
            at="10m",
            fires=[warning(f"{_IN} uses {held}% of its memory limit; at 100 % it is killed.", f"{held}%", **_OF_CGROUP)]
            * (held > 90),
        )
        for held in (10, 95)
    ),
    example("it holds 89 of 100 bytes", HIGH_MEMORY, series=_memory(89), at="15m"),
    example("it has no limit, which the kubelet writes as 0", HIGH_MEMORY, series=_memory(95, limit=0), at="15m"),
)
