"""Containers and pods, tried."""

from __future__ import annotations

from rules.kubernetes.alerts.pods import (
    CRASH_LOOPING,
    HIGH_CPU,
    HIGH_MEMORY,
    IMAGE_PULL,
    OOM_KILLED,
    POD_NOT_READY,
    POD_PENDING,
    POD_RESTARTING,
    RESTART_LOOP,
    THROTTLED,
)
from rules.kubernetes.cases.tried import fires, quiet

_POD = 'namespace="shop", pod="web-1"'
_CONTAINER = f'{_POD}, container="app"'
_CGROUP = f'{_CONTAINER}, node="n-1", id="/kubepods/1"'
_OF_CGROUP = {"namespace": "shop", "pod": "web-1", "container": "app", "node": "n-1"}
_OF_POD = {"namespace": "shop", "pod": "web-1", "node": "n-1", "workload": "web", "workload_type": "Deployment"}
_OF_CONTAINER = _OF_POD | {"container": "app"}

_OWNED = {
    f'kube_pod_owner{{{_POD}, owner_kind="ReplicaSet", owner_name="web-5d", owner_is_controller="true"}}': "1x1600",
    'kube_replicaset_owner{namespace="shop", replicaset="web-5d", owner_kind="Deployment", owner_name="web",'
    ' owner_is_controller="true"}': "1x1600",
}
_PLACED = _OWNED | {f'kube_pod_info{{{_POD}, node="n-1"}}': "1x1600"}
_NOWHERE = _OWNED | {f'kube_pod_info{{{_POD}, node=""}}': "1x1600"}
_RESTARTS = f'kube_pod_container_status_restarts_total{{{_CONTAINER}, uid="u-1"}}'


def _cpu(per_minute: int) -> dict[str, str]:
    """Seconds per minute, of a container that may use one core."""
    return {
        f'container_cpu_usage_seconds_total{{{_CGROUP}, cpu="total"}}': f"0+{per_minute}x40",
        f"container_spec_cpu_quota{{{_CGROUP}}}": "100000x40",
        f"container_spec_cpu_period{{{_CGROUP}}}": "100000x40",
    }


def _throttled(throttled: int, periods: int) -> dict[str, str]:
    return {
        f"container_cpu_cfs_throttled_periods_total{{{_CGROUP}}}": f"0+{throttled}x40",
        f"container_cpu_cfs_periods_total{{{_CGROUP}}}": f"0+{periods}x40",
    }


def _memory(used: int, limit: int = 100) -> dict[str, str]:
    return {
        f"container_memory_working_set_bytes{{{_CGROUP}}}": f"{used}x20",
        f"container_spec_memory_limit_bytes{{{_CGROUP}}}": f"{limit}x20",
    }


def _killed(reason: str) -> dict[str, str]:
    return _PLACED | {
        _RESTARTS: "0x9 1x10",
        f'kube_pod_container_status_last_terminated_reason{{{_CONTAINER}, reason="{reason}"}}': "_x10 1x10",
    }


_LOOPING = _PLACED | {
    # Away while the container runs for a minute or two, between ever longer waits.
    f'kube_pod_container_status_waiting_reason{{{_CONTAINER}, reason="CrashLoopBackOff"}}': "1 _ 1x1 _x2 1x2 _x1 1x10"
}
_PULLING = _PLACED | {
    f'kube_pod_container_status_waiting_reason{{{_CONTAINER}, reason="ErrImagePull"}}': "1 _ 1 _x2 1 _x10",
    f'kube_pod_container_status_waiting_reason{{{_CONTAINER}, reason="ImagePullBackOff"}}': "_ 1 _ 1x2 _ 1x10",
}
_INIT_PULLING = _PLACED | {
    f'kube_pod_init_container_status_waiting_reason{{{_CONTAINER}, reason="ErrImagePull"}}': "1x10",
}
_PENDING = _NOWHERE | {f'kube_pod_status_phase{{{_POD}, phase="Pending"}}': "1x20"}


def _unready(phase: str) -> dict[str, str]:
    return _PLACED | {
        f'kube_pod_status_ready{{{_POD}, condition="true"}}': "0x20",
        f'kube_pod_status_phase{{{_POD}, phase="{phase}"}}': "1x20",
    }


_IN = "app of shop/web-1"

CASES = (
    fires(
        HIGH_CPU,
        "it uses 57 seconds of each minute, and may use 60",
        _cpu(57),
        "25m",
        _OF_CGROUP,
        f"{_IN} uses 95% of its CPU limit.",
        "95%",
    ),
    quiet(HIGH_CPU, "it uses 53 seconds of each minute, and may use 60", _cpu(53), "25m"),
    fires(
        THROTTLED,
        "it is stopped in 55 % of the periods",
        _throttled(330, 600),
        "25m",
        _OF_CGROUP,
        f"{_IN} is stopped by its CPU limit in 55% of the periods.",
        "55%",
    ),
    quiet(THROTTLED, "it is stopped in 48 % of the periods", _throttled(290, 600), "25m"),
    quiet(THROTTLED, "it hardly runs, and is stopped each time", _throttled(50, 50), "25m"),
    fires(
        HIGH_MEMORY,
        "it holds 95 of 100 bytes",
        _memory(95),
        "10m",
        _OF_CGROUP,
        f"{_IN} holds 95% of its memory limit; at 100 % it is killed.",
        "95%",
    ),
    quiet(HIGH_MEMORY, "it holds 89 of 100 bytes", _memory(89), "15m"),
    quiet(HIGH_MEMORY, "it has no limit, which the kubelet writes as 0", _memory(95, limit=0), "15m"),
    fires(
        OOM_KILLED,
        "it restarted, and had been killed for its memory",
        _killed("OOMKilled"),
        "12m",
        _OF_CONTAINER,
        f"{_IN} was killed at its memory limit. Restarts within 15 minutes: 1.",
        "1",
    ),
    quiet(OOM_KILLED, "it restarted, and had ended by itself", _killed("Error"), "12m"),
    quiet(
        OOM_KILLED,
        "it was killed for its memory yesterday",
        _killed("OOMKilled") | {_RESTARTS: "1x20"},
        "20m",
    ),
    fires(
        CRASH_LOOPING,
        "it has been ending soon after each start for ten minutes",
        _LOOPING,
        "10m",
        _OF_CONTAINER,
        f"{_IN}, a pod of web, ends soon after each start.",
    ),
    quiet(CRASH_LOOPING, "it has been ending soon after each start for nine minutes", _LOOPING, "9m"),
    fires(
        RESTART_LOOP,
        "it restarted four times in forty minutes",
        _PLACED | {_RESTARTS: "7x9 8x9 9x9 10x9 11x10"},
        "45m",
        _OF_CONTAINER,
        f"{_IN} restarted 4 times within an hour.",
        "4",
    ),
    quiet(RESTART_LOOP, "it restarted three times in half an hour", _PLACED | {_RESTARTS: "7x9 8x9 9x9 10x20"}, "45m"),
    fires(
        POD_RESTARTING,
        "it is ten minutes old and its containers restarted six times",
        _PLACED | {_RESTARTS: "4x10", _RESTARTS.replace("app", "proxy"): "2x10"},
        "10m",
        _OF_POD,
        "shop/web-1 restarted 6 times within a day.",
        "6",
    ),
    quiet(
        POD_RESTARTING,
        "it had restarted forty times until yesterday, and five times since",
        dict.fromkeys(_PLACED, "1x26") | {_RESTARTS: "40x3 45x30"},
        "25h",
        step="1h",
    ),
    fires(
        IMAGE_PULL,
        "the kubelet tries, fails and waits in turn for five minutes",
        _PULLING,
        "5m",
        _OF_CONTAINER,
        f"The node cannot get the image of {_IN}.",
    ),
    fires(
        IMAGE_PULL,
        "it is the image of an init container",
        _INIT_PULLING,
        "5m",
        _OF_CONTAINER,
        f"The node cannot get the image of {_IN}.",
    ),
    quiet(IMAGE_PULL, "the kubelet tries, fails and waits in turn for four minutes", _PULLING, "4m"),
    fires(
        POD_PENDING,
        "no node has taken it for a quarter of an hour",
        _PENDING,
        "15m",
        {label: value for label, value in _OF_POD.items() if label != "node"},
        "shop/web-1 has been pending for 15 minutes.",
    ),
    quiet(POD_PENDING, "no node has taken it for 14 minutes", _PENDING, "14m"),
    fires(
        POD_NOT_READY,
        "it runs, and has not been ready for a quarter of an hour",
        _unready("Running"),
        "15m",
        _OF_POD,
        "shop/web-1 has run for 15 minutes without being ready.",
    ),
    quiet(POD_NOT_READY, "it runs, and has not been ready for 14 minutes", _unready("Running"), "14m"),
    quiet(POD_NOT_READY, "it has done its work and ended", _unready("Succeeded"), "20m"),
)
