"""Alerts on workloads: Deployments, StatefulSets, DaemonSets, jobs, autoscalers, disruption budgets."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Severity
from rules.kubernetes.alerts.pods import CRASH_LOOPING, IMAGE_PULL
from rules.kubernetes.recordings import AVAILABLE, EXPECTED, HELD, PRESENT, UPDATED
from rules.kubernetes.uids import KUBERNETES_NAMESPACE, KUBERNETES_WORKLOAD

_WORKLOAD = "{{ $labels.workload_type }} {{ $labels.namespace }}/{{ $labels.workload }}"
_HPA = "cluster, namespace, horizontalpodautoscaler"
_BUDGET = "cluster, namespace, poddisruptionbudget"
_JOB = "cluster, namespace, job_name"

REPLICAS_MISSING = Alert(
    name="KubernetesReplicasMissing",
    value=f"1 - {AVAILABLE} / ({EXPECTED} > 0)",
    unit=Unit.RATIO,
    above={
        Severity.WARNING: 0,  # any: workloads have several replicas so that one may fail
        Severity.CRITICAL: 0.99,  # all: the workload is down
    },
    for_=Duration.parse("15m"),  # scaling up may need a new node, which takes ten
    summary="A workload is missing replicas.",
    description=f"{_WORKLOAD} is missing {{{{ $value | humanizePercentage }}}} of its replicas.",
    dashboard=KUBERNETES_WORKLOAD,
)
ROLLOUT_STUCK = Alert(
    name="KubernetesRolloutStuck",
    # Pods that a quota prevents are missing, but not of an old revision.
    value=f"{PRESENT} - {UPDATED}",
    above={Severity.WARNING: 0},
    and_=f"changes({UPDATED}[10m]) == 0",
    # A Deployment is paused on purpose. StatefulSets and DaemonSets replace a pod only while all are available. If all
    # are available and some are old, the update strategy is OnDelete or has a partition, and waits for a person.
    unless=(
        "on (cluster, namespace, workload, workload_type)"
        ' (label_replace(label_replace(kube_deployment_spec_paused == 1, "workload", "$1", "deployment", "(.+)"),'
        ' "workload_type", "Deployment", "", "")'
        f' or {AVAILABLE}{{workload_type!="Deployment"}} >= {EXPECTED} or {HELD})'
    ),
    for_=Duration.parse("10m"),  # Kubernetes' own deadline for the progress of a Deployment
    summary="A rollout is stuck.",
    description=f"{_WORKLOAD} has had {{{{ $value }}}} pods of its old revision for ten minutes.",
    dashboard=KUBERNETES_WORKLOAD,
)
_CRON_JOB = "cluster, namespace, cronjob"
_OF_CRON_JOB = (
    f"max by ({_JOB}, cronjob)"
    ' (label_replace(kube_job_owner{owner_kind="CronJob"}, "cronjob", "$1", "owner_name", "(.+)"))'
)
JOB_FAILED = Alert(
    name="KubernetesJobFailed",
    value=f'max by ({_JOB}) (kube_job_failed{{condition="true"}} == 1)',
    severity=Severity.WARNING,
    # A failed job stays as an object. The alert ends when a later job of its cron job succeeds. If no later job comes,
    # because there is no cron job or it is suspended, the alert ends after a day.
    unless=(
        f"on ({_JOB}) ({_OF_CRON_JOB} * on ({_JOB}) group_left () max by ({_JOB}) (kube_job_status_start_time))"
        f" < on ({_CRON_JOB}) group_left () max by ({_CRON_JOB}) (kube_cronjob_status_last_successful_time)"
        f" unless on ({_JOB}) (max by ({_JOB})"
        ' (max_over_time(kube_job_failed{condition="true"}[1h] offset 1d)) == 1'
        f" unless on ({_JOB}) ({_OF_CRON_JOB} and on ({_CRON_JOB}) kube_cronjob_spec_suspend == 0))"
    ),
    for_=Duration.parse("1m"),  # it cannot recover: no retries are left
    summary="A job has failed.",
    description="Job {{ $labels.namespace }}/{{ $labels.job_name }} has failed, retries included.",
    dashboard=KUBERNETES_NAMESPACE,
)
HPA_AT_MAXIMUM = Alert(
    name="KubernetesAutoscalerAtMaximum",
    value=(
        f"max by ({_HPA}) (kube_horizontalpodautoscaler_status_current_replicas)"
        f" / max by ({_HPA}) (kube_horizontalpodautoscaler_spec_max_replicas)"
    ),
    unit=Unit.RATIO,
    above={Severity.WARNING: 0.99},  # at its maximum, for any maximum up to a hundred
    # To be at the maximum is fine. To want more is not.
    and_=(
        f'on ({_HPA}) kube_horizontalpodautoscaler_status_condition{{condition="ScalingLimited", status="true"}} == 1'
    ),
    # A minimum equal to the maximum is a fixed size, on purpose.
    unless=(
        f"on ({_HPA}) kube_horizontalpodautoscaler_spec_min_replicas"
        f" >= on ({_HPA}) kube_horizontalpodautoscaler_spec_max_replicas"
    ),
    for_=Duration.parse("30m"),  # shorter peaks may reach the maximum
    summary="An autoscaler wants more replicas than its maximum.",
    description="{{ $labels.namespace }}/{{ $labels.horizontalpodautoscaler }} is at its maximum and wants more.",
    dashboard=KUBERNETES_NAMESPACE,
)
BUDGET_BROKEN = Alert(
    name="KubernetesDisruptionBudgetBroken",
    value=(
        f"max by ({_BUDGET}) (kube_poddisruptionbudget_status_current_healthy)"
        f" / max by ({_BUDGET}) (kube_poddisruptionbudget_status_desired_healthy > 0)"
    ),
    unit=Unit.RATIO,
    below={Severity.WARNING: 1},  # the budget itself sets the minimum
    # No metric says which pods a budget is for. Pods of the namespace that a queue holds back are taken as those that
    # are missing if there are enough of them.
    unless=(
        f"on ({_BUDGET}) (kube_poddisruptionbudget_status_expected_pods == 0"  # the workload is scaled to zero
        f" or max by ({_BUDGET}) (kube_poddisruptionbudget_status_desired_healthy)"
        f" - max by ({_BUDGET}) (kube_poddisruptionbudget_status_current_healthy)"
        f" <= on (cluster, namespace) group_left () sum by (cluster, namespace) ({HELD}))"
    ),
    for_=Duration.parse("10m"),  # the pods of a removed node are ready elsewhere by then
    summary="A disruption budget has too few healthy pods.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.poddisruptionbudget }} has {{ $value | humanizePercentage }} of the healthy"
        " pods that it requires."
    ),
    dashboard=KUBERNETES_NAMESPACE,
)

GROUPS = (
    Group(
        "kubernetes-workloads",
        (REPLICAS_MISSING, ROLLOUT_STUCK, JOB_FAILED, HPA_AT_MAXIMUM, BUDGET_BROKEN),
        # The `for` of nearly all is ten minutes or more.
        Duration.parse("1m"),
    ),
)
INHIBITIONS = (
    # The cause is more useful than the number of missing pods. The critical alert on missing pods still pages.
    Inhibition(
        source={"alertname": f"{CRASH_LOOPING.name}|{IMAGE_PULL.name}"},
        target={"alertname": f"{REPLICAS_MISSING.name}|{ROLLOUT_STUCK.name}", "severity": "warning"},
        equal=("cluster", "environment", "namespace", "workload", "workload_type"),
    ),
)
