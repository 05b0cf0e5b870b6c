"""Alerts on volumes and quotas."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.recordings import VOLUME_USED, VOLUMES
from rules.kubernetes.uids import KUBERNETES_NAMESPACE

_CLAIM = "cluster, namespace, persistentvolumeclaim"
_QUOTA = "cluster, namespace, resourcequota, resource"
_DAYS_AHEAD = 4  # over a long weekend

# What nobody writes to is full by design.
_READ_ONLY = f'on ({_CLAIM}) kube_persistentvolumeclaim_access_mode{{access_mode="ReadOnlyMany"}} == 1'

VOLUME_FULL = Alert(
    name="KubernetesPersistentVolumeFilling",
    value=VOLUME_USED,
    unit=Unit.RATIO,
    # Databases slow down and compactions fail in the last tenth; with 3 % left the next burst stops writes.
    above={Severity.WARNING: 0.9, Severity.CRITICAL: 0.97},
    unless=_READ_ONLY,
    for_=Duration.parse("5m"),  # a compaction's second copy comes and goes
    summary="A persistent volume is nearly full.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its"
        " {{ $labels.resource }} in use."
    ),
    dashboard=KUBERNETES_NAMESPACE,
)
VOLUME_WILL_FILL = Alert(
    name="KubernetesPersistentVolumeWillFill",
    value=VOLUME_USED,
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.6},  # a fresh volume being loaded looks like growth without end
    # A sample in five minutes: a line through six hours needs no more, and a tenth of the work.
    and_=f"predict_linear({VOLUME_USED}[6h:5m], {_DAYS_AHEAD} * 24 * 3600) > 1",
    unless=_READ_ONLY,
    for_=Duration.parse("1h"),  # a nightly job's peak bends the line for less
    summary="A persistent volume will be full within days.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its"
        f" {{{{ $labels.resource }}}} in use, and at the pace of the last six hours all within {_DAYS_AHEAD} days."
    ),
    dashboard=KUBERNETES_NAMESPACE,
    runbook="KubernetesPersistentVolumeFilling",
)
_LOST = 'kube_persistentvolumeclaim_status_phase{phase="Lost"}'
CLAIM_LOST = Alert(
    name="KubernetesPersistentVolumeClaimLost",
    value=f"max by ({_CLAIM}) ({_LOST} == 1)",
    severity=Severity.WARNING,  # a pod that has it keeps it until it ends: whether users feel it, its replicas say
    unless=f"on ({_CLAIM}) max_over_time({_LOST}[1h:10m] offset 1d) == 1",  # it stays so until somebody deletes it
    for_=Duration.parse("5m"),  # a volume that is made again by hand is bound by then
    owner="platform",
    summary="A claim has lost its volume.",
    description="The volume of {{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} no longer exists.",
    dashboard=KUBERNETES_NAMESPACE,
)
QUOTA = Alert(
    name="KubernetesQuotaAlmostUsed",
    value=(
        f'max by ({_QUOTA}) (kube_resourcequota{{type="used"}})'
        f' / max by ({_QUOTA}) (kube_resourcequota{{type="hard"}} > 0)'
    ),
    unit=Unit.RATIO,
    above={Severity.INFO: 0.9},  # no more than information: many quotas are cut to what is used
    for_=Duration.parse("15m"),  # a rollout's extra pods are gone
    summary="A namespace has nearly used a quota.",
    description=(
        "{{ $labels.namespace }} uses {{ $value | humanizePercentage }} of {{ $labels.resource }} in its quota"
        " {{ $labels.resourcequota }}."
    ),
    dashboard=KUBERNETES_NAMESPACE,
)

GROUPS = (
    # The kubelet measures volumes once a minute.
    Group("kubernetes-capacity", (VOLUMES, VOLUME_FULL, QUOTA), Duration.parse("1m")),
    # What is days ahead can wait for minutes; no longer, or panels lose sight of the alert between evaluations.
    Group("kubernetes-forecasts", (VOLUME_WILL_FILL, CLAIM_LOST), Duration.parse("2m")),
)
INHIBITIONS = (
    Inhibition(
        source={"alertname": VOLUME_FULL.name},
        target={"alertname": VOLUME_WILL_FILL.name},
        equal=("cluster", "environment", "namespace", "persistentvolumeclaim", "resource"),
    ),
)
