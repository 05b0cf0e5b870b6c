"""Nodes, kubelets and kube-state-metrics, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.nodes import (
    CERTIFICATE_EXPIRES,
    KUBELET_SLOW,
    NODE_DOWN,
    NODE_LEAVING,
    NODE_PRESSURE,
    RUNTIME_ERRORS,
    STATE_METRICS_DOWN,
    TOO_MANY_PODS,
)
from tests.rules.examples import Series, counters, critical, down, example, gauges, histogram, info, metric, warning

_NODE = {"node": "n-1"}
_NOT_READY = {metric("kube_node_status_condition", node="n-1", condition="Ready", status="true"): "0x20"}
_PRESSED = {metric("kube_node_status_condition", node="n-1", condition="DiskPressure", status="true"): "1x10"}
_STATE_DOWN = down({"job": "kube-state-metrics", "instance": "10.0.0.1:8080"})


def _tainted(key: str) -> Series:
    return {metric("kube_node_spec_taint", _NODE, key=key, value="", effect="NoSchedule"): "1x20"}


def _pods(running: int, capacity: int = 110) -> Series:
    return gauges(
        {
            metric("kubelet_running_pods", node="n-1"): running,
            metric("kube_node_status_capacity", node="n-1", resource="pods"): capacity,
        },
        20,
    )


def _relists(in_time: int) -> Series:
    """Of a thousand so many take between 2.5 and 5 seconds, and the others up to 10."""
    buckets = {"2.5": 0, "5.0": in_time, "10.0": 1000, "+Inf": 1000}
    return histogram("kubelet_pleg_relist_duration_seconds", _NODE, buckets, 20)


def _operations(failed: int, total: int) -> Series:
    labels = {"node": "n-1", "operation_type": "run_podsandbox"}
    return counters(
        {
            metric("kubelet_runtime_operations_errors_total", labels): failed,
            metric("kubelet_runtime_operations_total", labels): total,
        },
        40,
    )


def _certificate(left: str, failures: str = "0x5000") -> Series:
    """Of a kubelet's server, with a sample every five minutes; that of the client has been renewed."""
    return {
        metric("kubelet_certificate_manager_client_ttl_seconds", node="n-1"): "20000000x5000",
        metric("kubelet_certificate_manager_server_ttl_seconds", node="n-1"): left,
        metric("kubelet_server_expiration_renew_errors", node="n-1"): failures,
    }


_TWO_WEEKS_LEFT = "1209600-300x4000"
_A_DAY_LEFT = "86400-300x287"
_FAILS = "0+9x5000"
_SERVER = _NODE | {"certificate": "server"}
_EXPIRES = "The server certificate of the kubelet on n-1 expires in"

EXAMPLES = (
    example(
        "it has not been ready for five minutes",
        NODE_DOWN,
        series=_NOT_READY,
        at="5m",
        fires=[critical("n-1 has not been ready for five minutes: unreachable, or its kubelet is broken.", **_NODE)],
    ),
    example("it has not been ready for four minutes", NODE_DOWN, series=_NOT_READY, at="4m"),
    example(
        "somebody cordoned it before",
        NODE_DOWN,
        series=_NOT_READY | {metric("kube_node_spec_unschedulable", node="n-1"): "1x20"},
        at="9m",
    ),
    *(
        example(f"{who} has tainted it", NODE_DOWN, series=_NOT_READY | _tainted(key), at="9m")
        for who, key in (
            ("the cluster autoscaler", "ToBeDeletedByClusterAutoscaler"),
            ("Karpenter", "karpenter.sh/disrupted"),
            ("GKE, which takes a spot machine back,", "cloud.google.com/impending-node-termination"),
            ("AWS's termination handler", "aws-node-termination-handler/spot-itn"),
        )
    ),
    example(
        "it has a taint of its team's",
        NODE_DOWN,
        series=_NOT_READY | _tainted("example.com/team"),
        at="5m",
        fires=[critical("n-1 has not been ready for five minutes: unreachable, or its kubelet is broken.", **_NODE)],
    ),
    example(
        "an autoscaler takes it away, and it is gone already",
        NODE_LEAVING,
        series=_NOT_READY | _tainted("ToBeDeletedByClusterAutoscaler"),
        at="2m",
        fires=[info("n-1 is not ready. It is cordoned, or an autoscaler or the cloud removes it.", **_NODE)],
    ),
    example("nobody takes it away", NODE_LEAVING, series=_NOT_READY, at="9m"),
    example(
        "its disk has been short for two minutes",
        NODE_PRESSURE,
        series=_PRESSED,
        at="2m",
        fires=[warning("n-1 reports DiskPressure.", **_NODE, condition="DiskPressure")],
    ),
    example("its disk has been short for a minute", NODE_PRESSURE, series=_PRESSED, at="1m"),
    example(
        "it runs 106 of 110 pods",
        TOO_MANY_PODS,
        series=_pods(106),
        at="15m",
        fires=[warning("n-1 runs 96.36% of its maximum number of pods.", "96.36%", **_NODE)],
    ),
    example("it runs 104 of 110 pods", TOO_MANY_PODS, series=_pods(104), at="20m"),
    example("it does not know its capacity yet", TOO_MANY_PODS, series=_pods(2, capacity=0), at="20m"),
    example(
        "11 of a thousand lists take between five and ten seconds",
        KUBELET_SLOW,
        series=_relists(989),
        at="6m",
        fires=[warning("The kubelet of n-1 takes 5.455s to list its containers.", "5.455s", **_NODE)],
    ),
    example("a list takes less than five seconds", KUBELET_SLOW, series=_relists(1000), at="15m"),
    example(
        "11 of 100 operations fail",
        RUNTIME_ERRORS,
        series=_operations(11, 100),
        at="17m",
        fires=[warning("11% of the kubelet's calls to the runtime on n-1 fail.", "11%", **_NODE)],
    ),
    example("9 of 100 operations fail", RUNTIME_ERRORS, series=_operations(9, 100), at="25m"),
    example("2 of 4 operations a minute fail", RUNTIME_ERRORS, series=_operations(2, 4), at="25m"),
    example(
        "not quite a week is left, and it cannot be renewed",
        CERTIFICATE_EXPIRES,
        series=_certificate(_TWO_WEEKS_LEFT, _FAILS),
        at="10100m",
        step="5m",
        fires=[warning(f"{_EXPIRES} 6d 23h 40m 0s.", "6d 23h 40m 0s", **_SERVER)],
    ),
    example(
        "a little more than a day is left, and it cannot be renewed",
        CERTIFICATE_EXPIRES,
        series=_certificate(_TWO_WEEKS_LEFT, _FAILS),
        at="308h",
        step="5m",
        fires=[warning(f"{_EXPIRES} 1d 4h 0m 0s.", "1d 4h 0m 0s", **_SERVER)],
    ),
    example(
        "seven days and a half of twenty are left, and it cannot be renewed",
        CERTIFICATE_EXPIRES,
        series=_certificate("1728000-300x4000", _FAILS),
        at="300h",
        step="5m",
    ),
    example(
        "23 hours of two weeks and more are left, and nobody has tried to renew it",
        CERTIFICATE_EXPIRES,
        series=_certificate(_TWO_WEEKS_LEFT),
        at="313h",
        step="5m",
        fires=[critical(f"{_EXPIRES} 23h 0m 0s.", "23h 0m 0s", **_SERVER)],
    ),
    example(
        "five days of 45 are left, in which it will be renewed",
        CERTIFICATE_EXPIRES,
        series=_certificate(_TWO_WEEKS_LEFT),
        at="216h",
        step="5m",
    ),
    example(
        "it lives for a day, and is renewed each time when three hours are left",
        CERTIFICATE_EXPIRES,
        series=_certificate("Inf 86400-300x252 86400-300x252"),
        at="42h",
        step="5m",
    ),
    example(
        "it lives for a day, and is not renewed when an hour and a half is left",
        CERTIFICATE_EXPIRES,
        series=_certificate(_A_DAY_LEFT),
        at="1350m",
        step="5m",
        fires=[critical(f"{_EXPIRES} 1h 30m 0s.", "1h 30m 0s", **_SERVER)],
    ),
    example(
        "it lives for a day, has six hours left, and cannot be renewed",
        CERTIFICATE_EXPIRES,
        series=_certificate(_A_DAY_LEFT, "0x200 0+9x100"),
        at="18h",
        step="5m",
        fires=[critical(f"{_EXPIRES} 6h 0m 0s.", "6h 0m 0s", **_SERVER)],
    ),
    example(
        "it lives for a day, and was renewed after some failures",
        CERTIFICATE_EXPIRES,
        series=_certificate("86400-300x251 86400-300x252", "0x240 0+9x12 108x300"),
        at="1300m",
        step="5m",
    ),
    example(
        "it has not answered for ten minutes",
        STATE_METRICS_DOWN,
        series=_STATE_DOWN,
        at="10m",
        fires=[critical("kube-state-metrics does not answer: alerts on pods, workloads and nodes cannot fire.")],
    ),
    example(
        "nobody finds it",
        STATE_METRICS_DOWN,
        at="10m",
        fires=[critical("kube-state-metrics does not answer: alerts on pods, workloads and nodes cannot fire.")],
    ),
    example("it has not answered for nine minutes", STATE_METRICS_DOWN, series=_STATE_DOWN, at="9m"),
)
