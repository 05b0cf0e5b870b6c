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
        Severity.WARNING: 0,  # three replicas are there so that one may fail
        Severity.CRITICAL: 0.99,  # none is left: the workload is down
    },
    for_=Duration.parse("15m"),  # scaling up may need a new node, and that takes ten
    summary="A workload is short of replicas.",
    description=f"{_WORKLOAD} misses {{{{ $value | humanizePercentage }}}} of its replicas.",
    dashboard=KUBERNETES_WORKLOAD,
)
ROLLOUT_STUCK = Alert(
    name="KubernetesRolloutStuck",
    # Those that a quota keeps from being made are missing, and no old ones.
    value=f"{PRESENT} - {UPDATED}",
    above={Severity.WARNING: 0},
    and_=f"changes({UPDATED}[10m]) == 0",
    # Who pauses a deployment means it. The others replace a pod only when all are available: one that goes on with all
    # of them there has OnDelete or a partition as its strategy, and waits for a person.
    unless=(
        "on (cluster, namespace, workload, workload_type)"
        ' (label_replace(label_replace(kube_deployment_spec_paused == 1, "workload", "$1", "deployment", "(.+)"),'
        ' "workload_type", "Deployment", "", "")'
        f' or {AVAILABLE}{{workload_type!="Deployment"}} >= {EXPECTED} or {HELD})'
    ),
    for_=Duration.parse("10m"),  # the deadline that Kubernetes itself gives a deployment's next step
    summary="A rollout does not go on.",
    description=f"{_WORKLOAD} has had {{{{ $value }}}} pods of its old revision left for ten minutes.",
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
    # A failed job stays as an object; it is history once a later one of its cron job has succeeded. Where none is to
    # come, since it stands alone or its cron job is suspended, it is history after a day.
    unless=(
        f"on ({_JOB}) ({_OF_CRON_JOB} * on ({_JOB}) group_left () max by ({_JOB}) (kube_job_status_start_time))"
        f" < on ({_CRON_JOB}) group_left () max by ({_CRON_JOB}) (kube_cronjob_status_last_successful_time)"
        f" unless on ({_JOB}) (max by ({_JOB})"
        ' (max_over_time(kube_job_failed{condition="true"}[1h] offset 1d)) == 1'
        f" unless on ({_JOB}) ({_OF_CRON_JOB} and on ({_CRON_JOB}) kube_cronjob_spec_suspend == 0))"
    ),
    for_=Duration.parse("1m"),  # it does not recover: its retries are used up
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
    above={Severity.WARNING: 0.99},  # at its maximum, in whole replicas up to a hundred
    # Being there is fine; wanting to go on is not.
    and_=(
        f'on ({_HPA}) kube_horizontalpodautoscaler_status_condition{{condition="ScalingLimited", status="true"}} == 1'
    ),
    # A minimum equal to the maximum is a fixed size on purpose.
    unless=(
        f"on ({_HPA}) kube_horizontalpodautoscaler_spec_min_replicas"
        f" >= on ({_HPA}) kube_horizontalpodautoscaler_spec_max_replicas"
    ),
    for_=Duration.parse("30m"),  # a maximum is there for shorter peaks
    summary="An autoscaler wants more replicas than it may have.",
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
    unless=f"on ({_BUDGET}) kube_poddisruptionbudget_status_expected_pods == 0",  # its workload is scaled to zero
    for_=Duration.parse("10m"),  # a node that goes takes pods along, and they are back elsewhere by then
    summary="Fewer pods are healthy than their disruption budget demands.",
    description=(
        "{{ $labels.namespace }}/{{ $labels.poddisruptionbudget }} has {{ $value | humanizePercentage }} of the healthy"
        " pods that it demands."
    ),
    dashboard=KUBERNETES_NAMESPACE,
)

GROUPS = (
    Group(
        "kubernetes-workloads",
        (REPLICAS_MISSING, ROLLOUT_STUCK, JOB_FAILED, HPA_AT_MAXIMUM, BUDGET_BROKEN),
        # Nearly all wait for ten minutes or more.
        Duration.parse("1m"),
    ),
)
INHIBITIONS = (
    # Why pods are missing is more use than that they are; that all are missing still pages.
    Inhibition(
        source={"alertname": f"{CRASH_LOOPING.name}|{IMAGE_PULL.name}"},
        target={"alertname": f"{REPLICAS_MISSING.name}|{ROLLOUT_STUCK.name}", "severity": "warning"},
        equal=("cluster", "environment", "namespace", "workload", "workload_type"),
    ),
)
