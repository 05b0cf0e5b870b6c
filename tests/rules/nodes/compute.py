"""Processor and memory, by example."""

from __future__ import annotations

from rules.nodes.alerts.compute import HIGH_CPU, HIGH_MEMORY, MEMORY_ERRORS, OOM_KILLS, THRASHING
from rules.nodes.recordings import CPU_LOAD, CPU_UTILISATION, MEMORY_UTILISATION, PRESSURES
from tests.rules.examples import Series, counters, critical, example, gauges, metric, of, steady, warning
from tests.rules.nodes.subjects import NODE


def _processor(idle: int, load: float) -> Series:
    """Two cores, each so many seconds of a minute idle, and the load of both."""
    cores = counters(
        {
            metric("node_cpu_seconds_total", NODE, cpu=core, mode=mode): seconds
            for core in "01"
            for mode, seconds in (("idle", idle), ("user", 60 - idle))
        },
        40,
    )
    return cores | {metric("node_load5", NODE): steady(load, 40)}


def _memory(available: int) -> Series:
    """Of a machine of 100 bytes."""
    return gauges(
        {metric("node_memory_MemTotal_bytes", NODE): 100, metric("node_memory_MemAvailable_bytes", NODE): available}, 40
    )


def _huge_pages(reserved: int) -> Series:
    """So many bytes, in pages of five."""
    pages = {"node_memory_HugePages_Total": reserved / 5, "node_memory_Hugepagesize_bytes": 5}
    return gauges({metric(name, NODE): value for name, value in pages.items()}, 40)


def _zfs(cache: int, least: int) -> Series:
    return gauges({metric("node_zfs_arc_size", NODE): cache, metric("node_zfs_arc_c_min", NODE): least}, 40)


_OOM_SAYS = "n-1 killed processes within the last quarter of an hour because it was out of memory."
_ERRORS = metric("node_edac_uncorrectable_errors_total", NODE, controller="0")

EXAMPLES = (
    example(
        "19 of 20 seconds are used and twice as much work waits as there are cores, for a quarter of an hour",
        HIGH_CPU,
        series=_processor(idle=3, load=4),
        at="16m",
        fires=[warning("n-1 uses 95% of its CPU, and processes wait for it.", "95%", node="n-1")],
    ),
    example("all is used, but hardly any work waits", HIGH_CPU, series=_processor(idle=0, load=3), at="30m"),
    example("much work waits for disks, not for processors", HIGH_CPU, series=_processor(idle=9, load=8), at="30m"),
    example(
        "3 % of memory are left for ten minutes",
        HIGH_MEMORY,
        series=_memory(3),
        at="10m",
        fires=[critical("n-1 uses 97% of its memory.", "97%", node="n-1")],
    ),
    example(
        "3 % are left beside a cache of ZFS's, that could be half as large",
        HIGH_MEMORY,
        series=_memory(3) | _zfs(cache=40, least=20),
        at="20m",
        near=False,
    ),
    example(
        "3 % are left beside a cache of ZFS's that is as small as it may be",
        HIGH_MEMORY,
        series=_memory(3) | _zfs(cache=3, least=5),
        at="10m",
        fires=[critical("n-1 uses 97% of its memory.", "97%", node="n-1")],
    ),
    example(
        "6 % of memory are left for ten minutes",
        HIGH_MEMORY,
        series=_memory(6),
        at="10m",
        fires=[warning("n-1 uses 94% of its memory.", "94%", node="n-1")],
    ),
    example(
        "90 % of memory are huge pages, and half of the rest is left",
        HIGH_MEMORY,
        series=_memory(5) | _huge_pages(90),
        at="30m",
    ),
    example(
        "half of memory is huge pages, and 2 % are left",
        HIGH_MEMORY,
        series=_memory(2) | _huge_pages(50),
        at="10m",
        fires=[critical("n-1 uses 96% of its memory.", "96%", node="n-1")],
    ),
    example("11 % of memory are left", HIGH_MEMORY, series=_memory(11), at="30m"),
    example("3 % of memory are left, but not yet for ten minutes", HIGH_MEMORY, series=_memory(3), at="9m"),
    example(
        "a node with little memory reads back 600 pages a second",
        THRASHING,
        series=_memory(15) | {metric("node_vmstat_pgmajfault", NODE): "0+36000x40"},
        at="20m",
        fires=[
            warning("n-1 has 600 major page faults per second, with little memory left.", "600 per second", node="n-1")
        ],
    ),
    example(
        "a node with little memory reads back 450 pages a second",
        THRASHING,
        series=_memory(15) | {metric("node_vmstat_pgmajfault", NODE): "0+27000x40"},
        at="30m",
    ),
    example(
        "programs start on a node with memory to spare",
        THRASHING,
        series=_memory(30) | {metric("node_vmstat_pgmajfault", NODE): "0+36000x40"},
        at="30m",
    ),
    example(
        "a node without memory kills a process",
        OOM_KILLS,
        series=_memory(5) | {metric("node_vmstat_oom_kill", NODE): "0x10 1x30"},
        at="15m",
        fires=[warning(_OOM_SAYS, node="n-1")],
    ),
    example(
        "a process took all memory within a minute, was killed, and all is free again",
        OOM_KILLS,
        series=_memory(0)
        | {
            metric("node_memory_MemAvailable_bytes", NODE): "80x9 5 80x30",
            metric("node_vmstat_oom_kill", NODE): "0x10 1x30",
        },
        at="15m",
        fires=[warning(_OOM_SAYS, node="n-1")],
    ),
    example(
        "a container reaches its own limit on a node that has memory to spare",
        OOM_KILLS,
        series=_memory(25) | {metric("node_vmstat_oom_kill", NODE): "0x10 1x30"},
        at="15m",
    ),
    example(
        "a container reaches its own limit on a node of huge pages, with half of the rest to spare",
        OOM_KILLS,
        series=_memory(5) | _huge_pages(90) | {metric("node_vmstat_oom_kill", NODE): "0x10 1x30"},
        at="15m",
    ),
    example(
        "a byte could not be corrected",
        MEMORY_ERRORS,
        series={_ERRORS: "0x10 1x30"},
        at="15m",
        fires=[warning("n-1 had memory errors that could not be corrected: its data may be corrupt.", node="n-1")],
    ),
    example("a byte could not be corrected long ago", MEMORY_ERRORS, series={_ERRORS: "1x40"}, at="30m"),
    example(
        "two cores idle a quarter of the time, one of them also waits for a disk, the other has time stolen",
        CPU_UTILISATION,
        series=counters(
            {
                metric("node_cpu_seconds_total", NODE, cpu="0", mode="idle"): 15,
                metric("node_cpu_seconds_total", NODE, cpu="0", mode="iowait"): 30,
                metric("node_cpu_seconds_total", NODE, cpu="0", mode="user"): 15,
                metric("node_cpu_seconds_total", NODE, cpu="1", mode="idle"): 15,
                metric("node_cpu_seconds_total", NODE, cpu="1", mode="steal"): 45,
            },
            20,
        ),
        gives={of(node="n-1"): 0.5},
    ),
    example("a load of 3 on two cores", CPU_LOAD, series=_processor(idle=30, load=3), gives={of(node="n-1"): 1.5}),
    example("a quarter is available", MEMORY_UTILISATION, series=_memory(25), gives={of(node="n-1"): 0.75}),
    example(
        "half is huge pages, and a quarter is available",
        MEMORY_UTILISATION,
        series=_memory(25) | _huge_pages(50),
        gives={of(node="n-1"): 0.5},
    ),
    *(
        example(
            "something waits half of the time",
            recording,
            series={metric(f"node_pressure_{resource}_waiting_seconds_total", NODE): "0+30x20"},
            gives={of(node="n-1"): 0.5},
        )
        for resource, recording in zip(("cpu", "memory", "io"), PRESSURES, strict=True)
    ),
)
