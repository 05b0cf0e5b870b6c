"""Alerts about nodes and their kubelets, and about the exporter that all of this is known from."""

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
    # Who cordons a node is about to restart it, and an autoscaler or a cloud that takes one away taints it first.
    unless=f"on ({_NODE}) {LEAVING}",
    for_=Duration.parse("5m"),  # from here on Kubernetes moves its pods; a restart is over before
    summary="A node is down.",
    description="{{ $labels.node }} has not been ready for five minutes: not reachable, or its kubelet is broken.",
)
NODE_LEAVING = Alert(
    name="KubernetesNodeLeaving",
    value=_NOT_READY,
    and_=f"on ({_NODE}) {LEAVING}",
    severity=Severity.INFO,  # no action is needed; it explains other alerts on that node
    for_=Duration.parse("2m"),  # before TargetDown fires for its targets
    summary="A node is taken away.",
    description="{{ $labels.node }} is not ready, and was cordoned or is taken away by an autoscaler or the cloud.",
    runbook="KubernetesNodeDown",
)
NODE_PRESSURE = Alert(
    name="KubernetesNodePressure",
    value=(
        f"max by ({_NODE}, condition) (kube_node_status_condition"
        '{condition=~"(Memory|Disk|PID)Pressure|NetworkUnavailable", status="true"} == 1)'
    ),
    severity=Severity.WARNING,
    for_=Duration.parse("2m"),  # evictions have begun; a new node is without network for a minute
    keep_firing_for=Duration.parse("10m"),  # evictions relieve it, and their pods' successors bring it back
    summary="A node runs out of something.",
    description="{{ $labels.node }} reports {{ $labels.condition }}.",
    dashboard=NODES,
)
TOO_MANY_PODS = Alert(
    name="KubernetesNodeTooManyPods",
    # A node that does not know its capacity yet says 0.
    value=(
        f'max by ({_NODE}) (kubelet_running_pods) / max by ({_NODE}) (kube_node_status_capacity{{resource="pods"}} > 0)'
    ),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.95},  # of the usual 110 that leaves five for daemon sets and restarts
    for_=Duration.parse("15m"),  # a drained neighbour's pods pass through
    summary="A node has hardly room for another pod.",
    description="{{ $labels.node }} runs {{ $value | humanizePercentage }} of the pods that it may.",
)
KUBELET_SLOW = Alert(
    name="KubernetesKubeletSlow",
    value=(f"histogram_quantile(0.99, sum by ({_NODE}, le) (rate(kubelet_pleg_relist_duration_seconds_bucket[5m])))"),
    unit=Unit.SECONDS,
    above={Severity.WARNING: 5},  # one is due each second; after three minutes without the node is not ready
    for_=Duration.parse("5m"),  # many pods starting at once slow it for a minute or two
    summary="A kubelet is slow to see what its containers do.",
    description="The kubelet of {{ $labels.node }} takes {{ $value | humanizeDuration }} to list its containers.",
)
RUNTIME_ERRORS = Alert(
    name="KubernetesContainerRuntimeErrors",
    value=f"{_RUNTIME_ERRORS} / sum by ({_NODE}) (rate(kubelet_runtime_operations_total[5m]))",
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.1},  # asking for containers that have just gone fails in one of a hundred
    and_=f"{_RUNTIME_ERRORS} > 0.05",  # three a minute: one pod that cannot start is no broken runtime
    for_=Duration.parse("15m"),  # longer than a restart of the runtime
    summary="A node's container runtime fails.",
    description="{{ $value | humanizePercentage }} of what the kubelet of {{ $labels.node }} asks the runtime fails.",
)


def _of_certificates(aggregation: str, client: str, server: str) -> str:
    """A number of each of a kubelet's two certificates."""
    return (
        f'{aggregation} by ({_NODE}, certificate) (label_replace({client}, "certificate", "client", "", "")'
        f' or label_replace({server}, "certificate", "server", "", ""))'
    )


_TTL = "kubelet_certificate_manager_{}_ttl_seconds"
_LEFT = _of_certificates("min", _TTL.format("client"), _TTL.format("server"))
# The longest it had within a month: of a short life all of it, of a long one less, so the share comes out larger.
# A kubelet without a certificate has one for ever.
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
    below={Severity.WARNING: 7 * 24 * 3600, Severity.CRITICAL: 24 * 3600},  # a week to find who signs none, then a day
    # Some live for 24 hours or 45 days. A kubelet renews when 30 to 10 % of the life are left, and tries each half
    # minute: with less left it has not even tried, and a failure in the younger half is mended before it matters.
    and_=f"{_LEFT} / {_LONGEST} < 0.08 + 0.42 * ({_RENEWAL_FAILS} > bool 0)",
    for_=Duration.parse("15m"),  # a renewal that is under way
    summary="A kubelet's certificate is about to expire.",
    description=(
        "The {{ $labels.certificate }} certificate of the kubelet on {{ $labels.node }} expires in"
        " {{ $value | humanizeDuration }}."
    ),
)
STATE_METRICS_DOWN = Alert(
    name="KubernetesStateMetricsDown",
    value=f'absent(up{{job="{KUBE_STATE_METRICS}"}} == 1)',
    severity=Severity.CRITICAL,  # what should page about pods, workloads and nodes cannot
    for_=Duration.parse("10m"),  # it moves to another node, and lists a large cluster, in five
    summary="Nothing is known of the cluster's objects.",
    description="kube-state-metrics does not answer: alerts about pods, workloads and nodes are blind.",
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
    # A month of every kubelet's certificates, and days are left when it tells.
    Group("kubernetes-certificates", (CERTIFICATE_EXPIRES,), Duration.parse("2m")),
)
_AWAY = f"{NODE_DOWN.name}|{NODE_LEAVING.name}"
INHIBITIONS = (
    # All other alerts on the same node, its targets and pods follow from it.
    Inhibition(source={"alertname": _AWAY}, target={"node": ".+"}, equal=("cluster", "environment", "node")),
    # A daemon set has a pod on every node, so it misses that one; which node that is, its numbers do not say.
    Inhibition(
        source={"alertname": _AWAY},
        target={"alertname": REPLICAS_MISSING.name, "workload_type": "DaemonSet", "severity": "warning"},
        equal=("cluster", "environment"),
    ),
)
