"""Processor and memory, tried."""

from __future__ import annotations

from rules.nodes.alerts.compute import HIGH_CPU, HIGH_MEMORY, MEMORY_ERRORS, OOM_KILLS, THRASHING
from rules.nodes.cases.tried import CRITICAL, NODE, WARNING, gives, tried
from rules.nodes.recordings import CPU_LOAD, CPU_UTILISATION, MEMORY_UTILISATION, PRESSURES


def _processor(idle: int, load: float) -> dict[str, str]:
    """Two cores, each so many seconds of a minute idle, and the load of both."""
    cores = {
        f'node_cpu_seconds_total{{{NODE}, cpu="{core}", mode="{mode}"}}': f"0+{seconds}x40"
        for core in "01"
        for mode, seconds in (("idle", idle), ("user", 60 - idle))
    }
    return cores | {f"node_load5{{{NODE}}}": f"{load}x40"}


def _memory(available: int) -> dict[str, str]:
    """Of a machine of 100 bytes."""
    return {
        f"node_memory_MemTotal_bytes{{{NODE}}}": "100x40",
        f"node_memory_MemAvailable_bytes{{{NODE}}}": f"{available}x40",
    }


_OOM_SAYS = "n-1 killed processes within the last quarter of an hour because it was out of memory."
_ERRORS = f'node_edac_uncorrectable_errors_total{{{NODE}, controller="0"}}'

CASES = (
    tried(
        HIGH_CPU,
        "19 of 20 seconds are used and twice as much work waits as there are cores, for a quarter of an hour",
        _processor(idle=3, load=4),
        "17m",
        fires=(WARNING,),
        says="n-1 uses 95% of its processors, and work waits for them.",
        value="95%",
    ),
    tried(HIGH_CPU, "all is used, but hardly any work waits", _processor(idle=0, load=3), "30m"),
    tried(HIGH_CPU, "much work waits for disks, not for processors", _processor(idle=9, load=8), "30m"),
    tried(
        HIGH_MEMORY,
        "3 % of memory are left for ten minutes",
        _memory(3),
        "10m",
        fires=(CRITICAL, WARNING),
        says="n-1 uses 97% of its memory.",
        value="97%",
    ),
    tried(
        HIGH_MEMORY,
        "6 % of memory are left for ten minutes",
        _memory(6),
        "10m",
        fires=(WARNING,),
        says="n-1 uses 94% of its memory.",
        value="94%",
    ),
    tried(HIGH_MEMORY, "11 % of memory are left", _memory(11), "30m"),
    tried(HIGH_MEMORY, "3 % of memory are left, but not yet for ten minutes", _memory(3), "9m"),
    tried(
        THRASHING,
        "a node with little memory reads back 600 pages a second",
        _memory(15) | {f"node_vmstat_pgmajfault{{{NODE}}}": "0+36000x40"},
        "20m",
        fires=(WARNING,),
        says="n-1 has 600 major page faults per second, with little memory left.",
        value="600 per second",
    ),
    tried(
        THRASHING,
        "a node with little memory reads back 450 pages a second",
        _memory(15) | {f"node_vmstat_pgmajfault{{{NODE}}}": "0+27000x40"},
        "30m",
    ),
    tried(
        THRASHING,
        "programs start on a node with memory to spare",
        _memory(30) | {f"node_vmstat_pgmajfault{{{NODE}}}": "0+36000x40"},
        "30m",
    ),
    tried(
        OOM_KILLS,
        "a node without memory kills a process",
        _memory(5) | {f"node_vmstat_oom_kill{{{NODE}}}": "0x10 1x30"},
        "15m",
        fires=(WARNING,),
        says=_OOM_SAYS,
    ),
    tried(
        OOM_KILLS,
        "a process took all memory within a minute, was killed, and all is free again",
        _memory(0)
        | {
            f"node_memory_MemAvailable_bytes{{{NODE}}}": "80x9 5 80x30",
            f"node_vmstat_oom_kill{{{NODE}}}": "0x10 1x30",
        },
        "15m",
        fires=(WARNING,),
        says=_OOM_SAYS,
    ),
    tried(
        OOM_KILLS,
        "a container reaches its own limit on a node that has memory to spare",
        _memory(25) | {f"node_vmstat_oom_kill{{{NODE}}}": "0x10 1x30"},
        "15m",
    ),
    tried(
        MEMORY_ERRORS,
        "a byte could not be corrected",
        {_ERRORS: "0x10 1x30"},
        "15m",
        fires=(WARNING,),
        says="n-1 has read memory errors that could not be corrected: its data may be wrong.",
    ),
    tried(MEMORY_ERRORS, "a byte could not be corrected long ago", {_ERRORS: "1x40"}, "30m"),
)
VALUES = (
    gives(
        CPU_UTILISATION,
        "two cores idle a quarter of the time, one of them also waits for a disk, the other has time stolen",
        {
            f'node_cpu_seconds_total{{{NODE}, cpu="0", mode="idle"}}': "0+15x20",
            f'node_cpu_seconds_total{{{NODE}, cpu="0", mode="iowait"}}': "0+30x20",
            f'node_cpu_seconds_total{{{NODE}, cpu="0", mode="user"}}': "0+15x20",
            f'node_cpu_seconds_total{{{NODE}, cpu="1", mode="idle"}}': "0+15x20",
            f'node_cpu_seconds_total{{{NODE}, cpu="1", mode="steal"}}': "0+45x20",
        },
        {'node="n-1"': 0.5},
    ),
    gives(CPU_LOAD, "a load of 3 on two cores", _processor(idle=30, load=3), {'node="n-1"': 1.5}),
    gives(MEMORY_UTILISATION, "a quarter is available", _memory(25), {'node="n-1"': 0.75}),
    *(
        gives(
            recording,
            "something waits half of the time",
            {f"node_pressure_{resource}_waiting_seconds_total{{{NODE}}}": "0+30x20"},
            {'node="n-1"': 0.5},
        )
        for resource, recording in zip(("cpu", "memory", "io"), PRESSURES, strict=True)
    ),
)
