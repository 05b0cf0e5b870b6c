"""Alerts on nodes, their kubelets and certificates, and on kube-state-metrics, which all of them depend on."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.alerts.workloads import REPLICAS_MISSING
from rules.kubernetes.recordings import LEAVING
from rules.kubernetes.scrape import KUBE_STATE_METRICS
from rules.monitoring.uids import MONITORING
from rules.nodes.uids import NODES

_NODE = "cluster, node"
_RUNTIME_ERRORS = f"sum by ({_NODE}) (rate(kubelet_runtime_operations_errors_total[5m]))"

_NOT_READY = f'max by ({_NODE}) (kube_node_status_condition{{condition="Ready", status="true"}} == 0)'

NODE_DOWN = Alert(
    name="KubernetesNodeDown",
    value=_NOT_READY,
    severity=Severity.CRITICAL,
    # People cordon a node before they restart it. Autoscalers and clouds taint a node before they remove it.
    unless=f"on ({_NODE}) {LEAVING}",
    for_=Duration.parse("5m"),  # then Kubernetes evicts its pods; a restart is shorter
    summary="A node is down.",
    description="{{ $labels.node }} has not been ready for five minutes: unreachable, or its kubelet is broken.",
)
NODE_LEAVING = Alert(
    name="KubernetesNodeLeaving",
    value=_NOT_READY,
    and_=f"on ({_NODE}) {LEAVING}",
    severity=Severity.INFO,  # nothing to do; it explains other alerts on that node
    for_=Duration.parse("2m"),  # shorter than TargetDown, which it inhibits
    summary="A node is being removed.",
    description="{{ $labels.node }} is not ready. It is cordoned, or an autoscaler or the cloud removes it.",
    runbook="KubernetesNodeDown",
)
NODE_PRESSURE = Alert(
    name="KubernetesNodePressure",
    value=(
        f"max by ({_NODE}, condition) (kube_node_status_condition"
        '{condition=~"(Memory|Disk|PID)Pressure|NetworkUnavailable", status="true"} == 1)'
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("2m"),  # evictions have begun; a new node has no network for a minute
    keep_firing_for=Duration.parse("10m"),  # evictions end the pressure, and the new pods bring it back
    summary="A node is short of memory, disk or PIDs, or has no network.",
    description="{{ $labels.node }} reports {{ $labels.condition }}.",
    dashboard=NODES,
)
TOO_MANY_PODS = Alert(
    name="KubernetesNodeTooManyPods",
    # A node reports 0 until it knows its capacity.
    value=(
        f'max by ({_NODE}) (kubelet_running_pods) / max by ({_NODE}) (kube_node_status_capacity{{resource="pods"}} > 0)'
    ),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.95},  # leaves five of the usual 110 for daemon sets and restarts
    for_=Duration.parse("15m"),  # a drain moves pods here for some minutes
    summary="A node has nearly reached its maximum number of pods.",
    description="{{ $labels.node }} runs {{ $value | humanizePercentage }} of its maximum number of pods.",
)
KUBELET_SLOW = Alert(
    name="KubernetesKubeletSlow",
    value=(f"histogram_quantile(0.99, sum by ({_NODE}, le) (rate(kubelet_pleg_relist_duration_seconds_bucket[5m])))"),
    unit=Unit.SECONDS,
    above={Severity.WARNING: 5},  # a relist is due each second; after three minutes without one the node is not ready
    for_=Duration.parse("5m"),  # longer than the simultaneous start of many pods
    summary="A kubelet is slow to list its containers.",
    description="The kubelet of {{ $labels.node }} takes {{ $value | humanizeDuration }} to list its containers.",
)
RUNTIME_ERRORS = Alert(
    name="KubernetesContainerRuntimeErrors",
    value=f"{_RUNTIME_ERRORS} / sum by ({_NODE}) (rate(kubelet_runtime_operations_total[5m]))",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.1},  # normally 1 %: requests for containers that have just ended fail
    and_=f"{_RUNTIME_ERRORS} > 0.05",  # three per minute; one pod that cannot start causes fewer
    for_=Duration.parse("15m"),  # longer than a restart of the runtime
    summary="A node's container runtime returns errors.",
    description="{{ $value | humanizePercentage }} of the kubelet's calls to the runtime on {{ $labels.node }} fail.",
)


def _of_certificates(aggregation: str, client: str, server: str) -> str:
    """PromQL: a value by node and certificate, from one expression for each of the kubelet's two certificates."""
    return (
        f'{aggregation} by ({_NODE}, certificate) (label_replace({client}, "certificate", "client", "", "")'
        f' or label_replace({server}, "certificate", "server", "", ""))'
    )


_TTL = "kubelet_certificate_manager_{}_ttl_seconds"
_LEFT = _of_certificates("min", _TTL.format("client"), _TTL.format("server"))
# Longest time to expiry within a month. For a certificate that lives longer it is too short, and the ratio below too
# large. A kubelet without a certificate reports Inf.
_LONGEST = _of_certificates(
    "max", *(f"max_over_time(({_TTL.format(which)} < Inf)[30d:12h])" for which in ("client", "server"))
)
_RENEWAL_FAILS = _of_certificates(
    "max",
    "increase(kubelet_certificate_manager_client_expiration_renew_errors[1h])",
    "increase(kubelet_server_expiration_renew_errors[1h])",
)
CERTIFICATE_EXPIRES = Alert(
    name="KubernetesKubeletCertificateExpires",
    value=_LEFT,
    unit=Unit.SECONDS,
    below={Severity.WARNING: 7 * 24 * 3600, Severity.CRITICAL: 24 * 3600},  # a week to find out why it is not renewed
    # Some certificates live for 24 hours or 45 days. A kubelet renews with 30 to 10 % of the lifetime left and retries
    # each half minute. Below 8 % it has not even tried. A failed renewal with more than half left is not urgent.
    and_=f"{_LEFT} / {_LONGEST} < 0.08 + 0.42 * ({_RENEWAL_FAILS} > bool 0)",
    for_=Duration.parse("15m"),  # longer than a renewal
    summary="A kubelet's certificate is about to expire.",
    description=(
        "The {{ $labels.certificate }} certificate of the kubelet on {{ $labels.node }} expires in"
        " {{ $value | humanizeDuration }}."
    ),
)
STATE_METRICS_DOWN = Alert(
    name="KubernetesStateMetricsDown",
    value=f'absent(up{{job="{KUBE_STATE_METRICS}"}} == 1)',
    severity=Severity.CRITICAL,  # without it, no alert on pods, workloads and nodes can page
    for_=Duration.parse("10m"),  # it moves to another node and lists a large cluster within five
    summary="kube-state-metrics does not answer.",
    description="kube-state-metrics does not answer: alerts on pods, workloads and nodes cannot fire.",
    dashboard=MONITORING,
)

GROUPS = (
    Group(
        "kubernetes-nodes",
        (
            NODE_DOWN,
            NODE_LEAVING,
            NODE_PRESSURE,
            TOO_MANY_PODS,
            KUBELET_SLOW,
            RUNTIME_ERRORS,
            STATE_METRICS_DOWN,
        ),
    ),
    # It reads a month of every kubelet's certificates. When it fires, days are left.
    Group("kubernetes-certificates", (CERTIFICATE_EXPIRES,), Duration.parse("2m")),
)
_AWAY = f"{NODE_DOWN.name}|{NODE_LEAVING.name}"
INHIBITIONS = (
    # All other alerts on the node, its targets and its pods follow from it.
    Inhibition(source={"alertname": _AWAY}, target={"node": ".+"}, equal=("cluster", "environment", "node")),
    # A daemon set has a pod on every node, so it misses the pod there. Its metrics do not name the node.
    Inhibition(
        source={"alertname": _AWAY},
        target={"alertname": REPLICAS_MISSING.name, "workload_type": "DaemonSet", "severity": "warning"},
        equal=("cluster", "environment"),
    ),
)
