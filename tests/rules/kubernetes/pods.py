"""Restarts, images and readiness of pods, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.pods import (
    CRASH_LOOPING,
    IMAGE_PULL,
    OOM_KILLED,
    POD_NOT_READY,
    POD_PENDING,
    POD_RESTARTING,
    RESTART_LOOP,
)
from tests.rules.examples import Series, example, gauges, info, metric, warning

_POD = {"namespace": "shop", "pod": "web-1"}
_CONTAINER = _POD | {"container": "app"}
_OF_POD = {"namespace": "shop", "pod": "web-1", "node": "n-1", "workload": "web", "workload_type": "Deployment"}
_OF_CONTAINER = _OF_POD | {"container": "app"}

_OWNED = gauges(
    {
        metric("kube_pod_owner", _POD, owner_kind="ReplicaSet", owner_name="web-5d", owner_is_controller="true"): 1,
        metric(
            "kube_replicaset_owner",
            namespace="shop",
            replicaset="web-5d",
            owner_kind="Deployment",
            owner_name="web",
            owner_is_controller="true",
        ): 1,
    },
    1600,
)
_PLACED = _OWNED | {metric("kube_pod_info", _POD, node="n-1"): "1x1600"}
_NOWHERE = _OWNED | {metric("kube_pod_info", _POD, node=""): "1x1600"}
_RESTARTS = metric("kube_pod_container_status_restarts_total", _CONTAINER, uid="u-1")


def _killed(reason: str) -> Series:
    return _PLACED | {
        _RESTARTS: "0x9 1x10",
        metric("kube_pod_container_status_last_terminated_reason", _CONTAINER, reason=reason): "_x10 1x10",
    }


_LOOPING = _PLACED | {
    # Away while the container runs for a minute or two, between ever longer waits.
    metric(
        "kube_pod_container_status_waiting_reason", _CONTAINER, reason="CrashLoopBackOff"
    ): "1 _ 1x1 _x2 1x2 _x1 1x10"
}
_PULLING = _PLACED | {
    metric("kube_pod_container_status_waiting_reason", _CONTAINER, reason="ErrImagePull"): "1 _ 1 _x2 1 _x10",
    metric("kube_pod_container_status_waiting_reason", _CONTAINER, reason="ImagePullBackOff"): "_ 1 _ 1x2 _ 1x10",
}
_INIT_PULLING = _PLACED | {
    metric("kube_pod_init_container_status_waiting_reason", _CONTAINER, reason="ErrImagePull"): "1x10",
}
_PENDING = _NOWHERE | {metric("kube_pod_status_phase", _POD, phase="Pending"): "1x20"}
_HELD = metric("kube_pod_status_reason", _POD, reason="SchedulingGated")
_NOT_STARTED = warning(
    "shop/web-1 of web has been pending for 15 minutes.",
    **{label: value for label, value in _OF_POD.items() if label != "node"},
)


def _pending_of_daemon_set(virtual: int) -> Series:
    pod = {"namespace": "shop", "pod": "agent-1"}
    fargate = {"key": "eks.amazonaws.com/compute-type", "value": "fargate", "effect": "NoSchedule"}
    return gauges(
        {
            metric("kube_pod_owner", pod, owner_kind="DaemonSet", owner_name="agent", owner_is_controller="true"): 1,
            metric("kube_pod_info", pod, node=""): 1,
            metric("kube_pod_status_phase", pod, phase="Pending"): 1,
            **{metric("kube_node_spec_taint", fargate, node=f"fargate-{number}"): 1 for number in range(virtual)},
        },
        20,
    )


def _unready(phase: str) -> Series:
    return _PLACED | gauges(
        {
            metric("kube_pod_status_ready", _POD, condition="true"): 0,
            metric("kube_pod_status_phase", _POD, phase=phase): 1,
        },
        20,
    )


_IN = "app of shop/web-1"


def _as_sidecar(series: Series) -> Series:
    """The same of a sidecar, which Kubernetes counts among the init containers."""
    return {name.replace("kube_pod_container_", "kube_pod_init_container_"): values for name, values in series.items()}


def _of_no_controller(series: Series) -> Series:
    """The same of a pod whose owner does not control it."""
    owned = metric("kube_pod_owner", _POD, owner_kind="Notebook", owner_name="web", owner_is_controller="false")
    return {name: values for name, values in series.items() if name not in _OWNED} | {owned: "1x1600"}


_OF_POD_ALONE = _OF_POD | {"workload": "web-1", "workload_type": "Pod"}
_OF_CONTAINER_ALONE = _OF_POD_ALONE | {"container": "app"}

EXAMPLES = (
    example(
        "it restarted, and had been killed for its memory",
        OOM_KILLED,
        series=_killed("OOMKilled"),
        at="12m",
        fires=[
            warning(
                f"{_IN} of web was killed at its memory limit. Restarts within 15 minutes: 1.", "1", **_OF_CONTAINER
            )
        ],
    ),
    example(
        "it is a sidecar, restarted, and had been killed for its memory",
        OOM_KILLED,
        series=_as_sidecar(_killed("OOMKilled")),
        at="12m",
        fires=[
            warning(
                f"{_IN} of web was killed at its memory limit. Restarts within 15 minutes: 1.", "1", **_OF_CONTAINER
            )
        ],
    ),
    example(
        "nothing controls its pod, and it had been killed for its memory",
        OOM_KILLED,
        series=_of_no_controller(_killed("OOMKilled")),
        at="12m",
        fires=[
            warning(
                f"{_IN} of web-1 was killed at its memory limit. Restarts within 15 minutes: 1.",
                "1",
                **_OF_CONTAINER_ALONE,
            )
        ],
    ),
    example(
        "it is a sidecar, restarted, and had ended by itself",
        OOM_KILLED,
        series=_as_sidecar(_killed("Error")),
        at="12m",
    ),
    example("it restarted, and had ended by itself", OOM_KILLED, series=_killed("Error"), at="12m"),
    example(
        "it was killed for its memory yesterday",
        OOM_KILLED,
        series=_killed("OOMKilled") | {_RESTARTS: "1x20"},
        at="20m",
    ),
    example(
        "it has been ending soon after each start for ten minutes",
        CRASH_LOOPING,
        series=_LOOPING,
        at="10m",
        fires=[warning(f"{_IN} of web exits soon after each start.", **_OF_CONTAINER)],
    ),
    example(
        "nothing controls its pod, and it has been ending soon after each start for ten minutes",
        CRASH_LOOPING,
        series=_of_no_controller(_LOOPING),
        at="10m",
        fires=[warning(f"{_IN} of web-1 exits soon after each start.", **_OF_CONTAINER_ALONE)],
    ),
    example(
        "it is a sidecar, and has been ending soon after each start for ten minutes",
        CRASH_LOOPING,
        series=_as_sidecar(_LOOPING),
        at="10m",
        fires=[warning(f"{_IN} of web exits soon after each start.", **_OF_CONTAINER)],
    ),
    example("it has been ending soon after each start for nine minutes", CRASH_LOOPING, series=_LOOPING, at="9m"),
    example(
        "it restarted four times in forty minutes",
        RESTART_LOOP,
        series=_PLACED | {_RESTARTS: "7x9 8x9 9x9 10x9 11x10"},
        at="45m",
        fires=[warning(f"{_IN} of web restarted 4 times within an hour.", "4", **_OF_CONTAINER)],
    ),
    example(
        "it is a sidecar, and restarted four times in forty minutes",
        RESTART_LOOP,
        series=_as_sidecar(_PLACED | {_RESTARTS: "7x9 8x9 9x9 10x9 11x10"}),
        at="45m",
        fires=[warning(f"{_IN} of web restarted 4 times within an hour.", "4", **_OF_CONTAINER)],
    ),
    example(
        "it restarted three times in half an hour",
        RESTART_LOOP,
        series=_PLACED | {_RESTARTS: "7x9 8x9 9x9 10x20"},
        at="45m",
    ),
    example(
        "it is ten minutes old and its containers restarted six times",
        POD_RESTARTING,
        series=_PLACED | {_RESTARTS: "4x10", _RESTARTS.replace("app", "proxy"): "2x10"},
        at="10m",
        fires=[info("shop/web-1 of web restarted 6 times within a day.", "6", **_OF_POD)],
    ),
    example(
        "its container restarted four times, and its sidecar twice",
        POD_RESTARTING,
        series=_PLACED | {_RESTARTS: "4x10"} | _as_sidecar({_RESTARTS.replace("app", "proxy"): "2x10"}),
        at="10m",
        fires=[info("shop/web-1 of web restarted 6 times within a day.", "6", **_OF_POD)],
    ),
    example(
        "it had restarted forty times until yesterday, and five times since",
        POD_RESTARTING,
        series=dict.fromkeys(_PLACED, "1x26") | {_RESTARTS: "40x3 45x30"},
        at="25h",
        step="1h",
    ),
    example(
        "the kubelet tries, fails and waits in turn for five minutes",
        IMAGE_PULL,
        series=_PULLING,
        at="5m",
        fires=[warning(f"The node cannot pull the image of {_IN} of web.", **_OF_CONTAINER)],
    ),
    example(
        "it is the image of an init container",
        IMAGE_PULL,
        series=_INIT_PULLING,
        at="5m",
        fires=[warning(f"The node cannot pull the image of {_IN} of web.", **_OF_CONTAINER)],
    ),
    example("the kubelet tries, fails and waits in turn for four minutes", IMAGE_PULL, series=_PULLING, at="4m"),
    example(
        "no node has taken it for a quarter of an hour",
        POD_PENDING,
        series=_PENDING,
        at="15m",
        fires=[_NOT_STARTED],
    ),
    *(
        example(
            f"it is a daemon set's, and {virtual} of the nodes are no machines",
            POD_PENDING,
            series=_pending_of_daemon_set(virtual),
            at="15m",
            fires=[
                warning(
                    "shop/agent-1 of agent has been pending for 15 minutes.",
                    namespace="shop",
                    pod="agent-1",
                    workload="agent",
                    workload_type="DaemonSet",
                )
            ]
            * (virtual == 0),
        )
        for virtual in (0, 1)
    ),
    example("a queue holds it back", POD_PENDING, series=_PENDING | {_HELD: "1x20"}, at="20m"),
    example(
        "a queue let it through a quarter of an hour ago, and no node has taken it since",
        POD_PENDING,
        series=dict.fromkeys(_PENDING, "1x60") | {_HELD: "1x19 stale"},
        at="35m",
        fires=[_NOT_STARTED],
    ),
    example("no node has taken it for 14 minutes", POD_PENDING, series=_PENDING, at="14m"),
    example(
        "it runs, and has not been ready for a quarter of an hour",
        POD_NOT_READY,
        series=_unready("Running"),
        at="15m",
        fires=[warning("shop/web-1 of web has been running for 15 minutes without being ready.", **_OF_POD)],
    ),
    example(
        "nothing controls it, and it has not been ready for a quarter of an hour",
        POD_NOT_READY,
        series=_of_no_controller(_unready("Running")),
        at="15m",
        fires=[warning("shop/web-1 of web-1 has been running for 15 minutes without being ready.", **_OF_POD_ALONE)],
    ),
    example("it runs, and has not been ready for 14 minutes", POD_NOT_READY, series=_unready("Running"), at="14m"),
    example(
        "it is being deleted, and has an hour for that",
        POD_NOT_READY,
        series=_unready("Running") | {metric("kube_pod_deletion_timestamp", _POD): "3600x20"},
        at="20m",
    ),
    example(
        "it was to be gone five minutes ago",
        POD_NOT_READY,
        series=_unready("Running") | {metric("kube_pod_deletion_timestamp", _POD): "300x30"},
        at="20m",
        fires=[warning("shop/web-1 of web has been running for 15 minutes without being ready.", **_OF_POD)],
    ),
    example(
        "one of its containers has done its work, and another works on",
        POD_NOT_READY,
        series=_unready("Running")
        | {metric("kube_pod_container_status_terminated_reason", _CONTAINER, reason="Completed"): "1x20"},
        at="20m",
    ),
    example(
        "one of its containers has failed, and another works on",
        POD_NOT_READY,
        series=_unready("Running")
        | {metric("kube_pod_container_status_terminated_reason", _CONTAINER, reason="Error"): "1x20"},
        at="15m",
        fires=[warning("shop/web-1 of web has been running for 15 minutes without being ready.", **_OF_POD)],
    ),
    example("it has done its work and ended", POD_NOT_READY, series=_unready("Succeeded"), at="20m"),
)
