"""Nodes, kubelets and kube-state-metrics, tried."""

from __future__ import annotations

from model.rules import Severity
from rules.kubernetes.alerts.nodes import (
    CERTIFICATE_EXPIRES,
    KUBELET_SLOW,
    NODE_DOWN,
    NODE_PRESSURE,
    RUNTIME_ERRORS,
    STATE_METRICS_DOWN,
    TOO_MANY_PODS,
)
from rules.kubernetes.cases.tried import fires, fires_all, quiet

_NODE = {"node": "n-1"}
_NOT_READY = {'kube_node_status_condition{node="n-1", condition="Ready", status="true"}': "0x20"}
_PRESSED = {'kube_node_status_condition{node="n-1", condition="DiskPressure", status="true"}': "1x10"}
_STATE_DOWN = {'up{job="kube-state-metrics", instance="10.0.0.1:8080"}': "0x20"}


def _pods(running: int) -> dict[str, str]:
    return {
        'kubelet_running_pods{node="n-1"}': f"{running}x20",
        'kube_node_status_capacity{node="n-1", resource="pods"}': "110x20",
    }


def _relists(within: int) -> dict[str, str]:
    """All take longer than the bucket before, and end in this one."""
    bounds = ("2.5", "5.0", "10.0", "+Inf")
    return {
        f'kubelet_pleg_relist_duration_seconds_bucket{{node="n-1", le="{bound}"}}': f"0+{60 * (at >= within)}x20"
        for at, bound in enumerate(bounds)
    }


def _operations(failed: int, total: int) -> dict[str, str]:
    labels = 'node="n-1", operation_type="run_podsandbox"'
    return {
        f"kubelet_runtime_operations_errors_total{{{labels}}}": f"0+{failed}x40",
        f"kubelet_runtime_operations_total{{{labels}}}": f"0+{total}x40",
    }


def _certificate(seconds: int) -> dict[str, str]:
    return {
        'kubelet_certificate_manager_client_ttl_seconds{node="n-1"}': "20000000x20",
        'kubelet_certificate_manager_server_ttl_seconds{node="n-1"}': f"{seconds}x20",
    }


_SERVER = _NODE | {"certificate": "server"}
_EXPIRES = "The server certificate of the kubelet on n-1 expires in"

CASES = (
    fires_all(
        NODE_DOWN,
        "it has not been ready for five minutes",
        _NOT_READY,
        "5m",
        _NODE,
        "n-1 has not been ready for five minutes: not reachable, or its kubelet is broken.",
    ),
    quiet(NODE_DOWN, "it has not been ready for four minutes", _NOT_READY, "4m"),
    quiet(
        NODE_DOWN,
        "somebody cordoned it before",
        _NOT_READY | {'kube_node_spec_unschedulable{node="n-1"}': "1x20"},
        "9m",
    ),
    fires(
        NODE_PRESSURE,
        "its disk has been short for two minutes",
        _PRESSED,
        "2m",
        _NODE | {"condition": "DiskPressure"},
        "n-1 reports DiskPressure.",
    ),
    quiet(NODE_PRESSURE, "its disk has been short for a minute", _PRESSED, "1m"),
    fires(
        TOO_MANY_PODS,
        "it runs 106 of 110 pods",
        _pods(106),
        "15m",
        _NODE,
        "n-1 runs 96.36% of the pods that it may.",
        "96.36%",
    ),
    quiet(TOO_MANY_PODS, "it runs 104 of 110 pods", _pods(104), "20m"),
    fires(
        KUBELET_SLOW,
        "a list takes between five and ten seconds",
        _relists(within=2),
        "15m",
        _NODE,
        "The kubelet of n-1 takes 9.95s to list its containers.",
        "9.95s",
    ),
    quiet(KUBELET_SLOW, "a list takes less than five seconds", _relists(within=1), "15m"),
    fires(
        RUNTIME_ERRORS,
        "15 of 100 operations fail",
        _operations(15, 100),
        "25m",
        _NODE,
        "15% of what the kubelet of n-1 asks the runtime fails.",
        "15%",
    ),
    quiet(RUNTIME_ERRORS, "9 of 100 operations fail", _operations(9, 100), "25m"),
    quiet(RUNTIME_ERRORS, "2 of 4 operations a minute fail", _operations(2, 4), "25m"),
    fires(
        CERTIFICATE_EXPIRES,
        "600000 of a year's seconds are left",
        _certificate(600_000),
        "15m",
        _SERVER,
        f"{_EXPIRES} 6d 22h 40m 0s.",
        "6d 22h 40m 0s",
    ),
    fires_all(
        CERTIFICATE_EXPIRES,
        "80000 seconds are left",
        _certificate(80_000),
        "15m",
        _SERVER,
        f"{_EXPIRES} 22h 13m 20s.",
        "22h 13m 20s",
    ),
    quiet(CERTIFICATE_EXPIRES, "eight days are left", _certificate(8 * 86400), "20m", Severity.WARNING),
    fires_all(
        STATE_METRICS_DOWN,
        "it has not answered for ten minutes",
        _STATE_DOWN,
        "10m",
        {},
        "kube-state-metrics does not answer: alerts about pods, workloads and nodes are blind.",
    ),
    fires_all(
        STATE_METRICS_DOWN,
        "nobody finds it",
        {},
        "10m",
        {},
        "kube-state-metrics does not answer: alerts about pods, workloads and nodes are blind.",
    ),
    quiet(STATE_METRICS_DOWN, "it has not answered for nine minutes", _STATE_DOWN, "9m"),
)
