"""Metrics of node-exporter that rules and panels use.

The systemd collector is off: it needs the host's D-Bus socket, with which a pod could control systemd. If the kubelet
or the container runtime is down, Kubernetes reports the node as not ready.
"""

from __future__ import annotations

from model.metrics import Metrics, Unit
from rules.nodes.scrape import NODE_EXPORTER

_NODE = Metrics(NODE_EXPORTER)
_FILE_SYSTEM = "device fstype mountpoint"

METRICS = (
    _NODE.counter("node_cpu_seconds_total", "cpu mode", unit=Unit.SECONDS),
    _NODE.gauge("node_load5"),
    _NODE.counter("node_pressure_cpu_waiting_seconds_total", unit=Unit.SECONDS),
    _NODE.counter("node_pressure_memory_waiting_seconds_total", unit=Unit.SECONDS),
    _NODE.counter("node_pressure_io_waiting_seconds_total", unit=Unit.SECONDS),
    _NODE.gauge("node_memory_MemAvailable_bytes", unit=Unit.BYTES),
    _NODE.gauge("node_memory_MemTotal_bytes", unit=Unit.BYTES),
    _NODE.gauge("node_zfs_arc_size", unit=Unit.BYTES),
    _NODE.gauge("node_zfs_arc_c_min", unit=Unit.BYTES),
    _NODE.gauge("node_memory_HugePages_Total"),
    _NODE.gauge("node_memory_Hugepagesize_bytes", unit=Unit.BYTES),
    _NODE.counter("node_vmstat_oom_kill"),
    _NODE.counter("node_vmstat_pgmajfault"),
    _NODE.counter("node_edac_uncorrectable_errors_total", "controller"),
    _NODE.gauge("node_filesystem_avail_bytes", _FILE_SYSTEM, unit=Unit.BYTES),
    _NODE.gauge("node_filesystem_size_bytes", _FILE_SYSTEM, unit=Unit.BYTES),
    _NODE.gauge("node_filesystem_files", _FILE_SYSTEM),
    _NODE.gauge("node_filesystem_files_free", _FILE_SYSTEM),
    _NODE.gauge("node_filesystem_readonly", _FILE_SYSTEM),
    _NODE.counter("node_disk_io_time_seconds_total", "device", unit=Unit.SECONDS),
    _NODE.counter("node_disk_io_time_weighted_seconds_total", "device", unit=Unit.SECONDS),
    _NODE.gauge("node_md_disks", "device state"),
    _NODE.gauge("node_md_disks_required", "device"),
    _NODE.gauge("node_md_state", "device state"),
    *(
        _NODE.counter(f"node_network_{direction}_{what}_total", "device", unit=unit)
        for direction in ("receive", "transmit")
        for what, unit in (("bytes", Unit.BYTES), ("packets", Unit.NONE), ("errs", Unit.NONE), ("drop", Unit.NONE))
    ),
    _NODE.gauge("node_bonding_slaves", "master"),
    _NODE.gauge("node_bonding_active", "master"),
    _NODE.gauge("node_nf_conntrack_entries"),
    _NODE.gauge("node_nf_conntrack_entries_limit"),
    _NODE.gauge("node_filefd_allocated"),
    _NODE.gauge("node_filefd_maximum"),
    _NODE.gauge("node_time_seconds", unit=Unit.TIMESTAMP),
    _NODE.gauge("node_boot_time_seconds", unit=Unit.TIMESTAMP),
    _NODE.gauge("node_timex_sync_status"),
    _NODE.gauge("node_timex_maxerror_seconds", unit=Unit.SECONDS),
)
