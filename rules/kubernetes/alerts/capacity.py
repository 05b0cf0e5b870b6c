"""Alerts on volumes and quotas."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.recordings import VOLUME_USED, VOLUMES
from rules.kubernetes.uids import KUBERNETES_NAMESPACE

_CLAIM = "cluster, namespace, persistentvolumeclaim"
_QUOTA = "cluster, namespace, resourcequota, resource"
_DAYS_AHEAD = 4  # a long weekend

# Volumes that nobody writes to are full by design.
_READ_ONLY = f'on ({_CLAIM}) kube_persistentvolumeclaim_access_mode{{access_mode="ReadOnlyMany"}} == 1'

VOLUME_FULL = Alert(
    name="KubernetesPersistentVolumeFilling",
    value=VOLUME_USED,
    unit=Unit.RATIO,
    # In the last tenth databases slow down and compactions fail. With 3 % left, the next burst fills the volume.
    above={Severity.WARNING: 0.9, Severity.CRITICAL: 0.97},
    unless=_READ_ONLY,
    for_=Duration.parse("5m"),  # longer than the temporary copy of a compaction
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
    above={Severity.WARNING: 0.6},  # a new volume that is being loaded grows fast too
    # One sample in five minutes is enough for a line through six hours, and takes a tenth of the work.
    and_=f"predict_linear({VOLUME_USED}[6h:5m], {_DAYS_AHEAD} * 24 * 3600) > 1",
    unless=_READ_ONLY,
    for_=Duration.parse("1h"),  # the peak of a nightly job is shorter
    summary="A persistent volume will be full within days.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.persistentvolumeclaim }} has {{ $value | humanizePercentage }} of its"
        f" {{{{ $labels.resource }}}} in use, and at the rate of the last six hours is full in {_DAYS_AHEAD} days."
    ),
    dashboard=KUBERNETES_NAMESPACE,
    runbook="KubernetesPersistentVolumeFilling",
)
_LOST = 'kube_persistentvolumeclaim_status_phase{phase="Lost"}'
CLAIM_LOST = Alert(
    name="KubernetesPersistentVolumeClaimLost",
    value=f"max by ({_CLAIM}) ({_LOST} == 1)",
    severity=Severity.WARNING,  # a running pod keeps its volume; missing replicas page
    unless=f"on ({_CLAIM}) max_over_time({_LOST}[1h:10m] offset 1d) == 1",  # a claim stays lost until it is deleted
    for_=Duration.parse("5m"),  # a volume that is recreated by hand is bound by then
    owner="platform",
    summary="A PersistentVolumeClaim has lost its volume.",
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
    above={Severity.INFO: 0.9},  # information only: many quotas are set to what is used
    for_=Duration.parse("15m"),  # longer than the extra pods of a rollout
    summary="A namespace has nearly used up a quota.",
    description=(
        "{{ $labels.namespace }} uses {{ $value | humanizePercentage }} of {{ $labels.resource }} in its quota"
        " {{ $labels.resourcequota }}."
    ),
    dashboard=KUBERNETES_NAMESPACE,
)

GROUPS = (
    # The kubelet measures volumes once a minute.
    Group("kubernetes-capacity", (VOLUMES, VOLUME_FULL, QUOTA), Duration.parse("1m")),
    # Forecasts of days can wait for minutes. With a longer interval, panels would lose the alert between evaluations.
    Group("kubernetes-forecasts", (VOLUME_WILL_FILL, CLAIM_LOST), Duration.parse("2m")),
)
INHIBITIONS = (
    Inhibition(
        source={"alertname": VOLUME_FULL.name},
        target={"alertname": VOLUME_WILL_FILL.name},
        equal=("cluster", "environment", "namespace", "persistentvolumeclaim", "resource"),
    ),
)
