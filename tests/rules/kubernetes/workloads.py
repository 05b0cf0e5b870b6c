"""Workloads, jobs, autoscalers and disruption budgets, by example."""

from __future__ import annotations

from rules.kubernetes.alerts.workloads import (
    BUDGET_BROKEN,
    HPA_AT_MAXIMUM,
    JOB_FAILED,
    REPLICAS_MISSING,
    ROLLOUT_STUCK,
)
from tests.rules.examples import Labels, Series, critical, example, gauges, metric, steady, warning

_WEB = {"namespace": "shop", "deployment": "web"}
_DB = {"namespace": "shop", "statefulset": "db"}
_OF_WEB = {"namespace": "shop", "workload": "web", "workload_type": "Deployment"}
_OF_DB = {"namespace": "shop", "workload": "db", "workload_type": "StatefulSet"}


def _web(available: int, wanted: int = 4) -> Series:
    return gauges(
        {
            metric("kube_deployment_spec_replicas", _WEB): wanted,
            metric("kube_deployment_status_replicas_available", _WEB): available,
        },
        20,
    )


def _held(pods: int, samples: int = 20) -> Series:
    """Pods of the same that have a scheduling gate."""
    made_by = {"owner_kind": "ReplicaSet", "owner_name": "web-5d", "owner_is_controller": "true"}
    owner = {"owner_kind": "Deployment", "owner_name": "web", "owner_is_controller": "true"}
    names = [{"namespace": "shop", "pod": f"web-{number}"} for number in range(pods)]
    return gauges(
        {
            metric("kube_replicaset_owner", owner, namespace="shop", replicaset="web-5d"): 1,
            **{metric("kube_pod_owner", pod, made_by): 1 for pod in names},
            **{metric("kube_pod_info", pod, node=""): 1 for pod in names},
            **{metric("kube_pod_status_reason", pod, reason="SchedulingGated"): 1 for pod in names},
        },
        samples,
    )


_DB_GONE = gauges(
    {metric("kube_statefulset_replicas", _DB): 3, metric("kube_statefulset_status_replicas_available", _DB): 0}, 20
)


_TAINTED = "kube_node_spec_taint", {"key": "virtual-kubelet.io/provider", "value": "azure", "effect": "NoSchedule"}
_NAMED = "kube_node_labels", {"label_example_com_node_type": "virtual"}
"""As the stack file names them."""


def _daemon_set(unplaced: int, virtual: int, told_by: tuple[str, Labels] = _TAINTED) -> Series:
    """Four pods, of which those without a node are not there."""
    agent = {"namespace": "shop", "daemonset": "agent"}
    owner = {"owner_kind": "DaemonSet", "owner_name": "agent", "owner_is_controller": "true"}
    pods = [{"namespace": "shop", "pod": f"agent-{number}"} for number in range(4)]
    return gauges(
        {
            metric("kube_daemonset_status_desired_number_scheduled", agent): 4,
            metric("kube_daemonset_status_number_available", agent): 4 - unplaced,
            **{metric("kube_pod_owner", pod, owner): 1 for pod in pods},
            **{
                metric("kube_pod_info", pod, node="" if number < unplaced else f"n-{number}"): 1
                for number, pod in enumerate(pods)
            },
            **{metric(*told_by, node=f"virtual-{number}"): 1 for number in range(virtual)},
        },
        40,
    )


def _rollout(updated: str, paused: int = 0, there: int = 3) -> Series:
    return {
        metric("kube_deployment_spec_replicas", _WEB): "3x40",
        metric("kube_deployment_status_replicas", _WEB): steady(there, 40),
        metric("kube_deployment_status_replicas_updated", _WEB): updated,
        metric("kube_deployment_spec_paused", _WEB): steady(paused, 40),
    }


def _rollout_of_agent() -> Series:
    """One of the pods of `_daemon_set` is of the new revision."""
    agent = {"namespace": "shop", "daemonset": "agent"}
    return gauges(
        {
            metric("kube_daemonset_status_current_number_scheduled", agent): 4,
            metric("kube_daemonset_status_updated_number_scheduled", agent): 1,
        },
        40,
    )


def _rollout_of_db(available: int) -> Series:
    """One pod of three is of the new revision."""
    return gauges(
        {
            metric("kube_statefulset_replicas", _DB): 3,
            metric("kube_statefulset_status_replicas", _DB): 3,
            metric("kube_statefulset_status_replicas_updated", _DB): 1,
            metric("kube_statefulset_status_replicas_available", _DB): available,
        },
        40,
    )


def _job(last_success: int) -> Series:
    """A run of a cron job that began at second 1000 and failed; another began to succeed at ``last_success``."""
    job = {"namespace": "shop", "job_name": "backup-1"}
    return gauges(
        {
            metric("kube_job_failed", job, condition="true"): 1,
            metric("kube_job_status_start_time", job): 1000,
            metric("kube_job_owner", job, owner_kind="CronJob", owner_name="backup", owner_is_controller="true"): 1,
            metric("kube_cronjob_status_last_successful_time", namespace="shop", cronjob="backup"): last_success,
        },
        10,
    )


def _autoscaler(current: int, limited: int, least: int = 2) -> Series:
    hpa = {"namespace": "shop", "horizontalpodautoscaler": "web"}
    condition = hpa | {"condition": "ScalingLimited", "status": "true"}
    return gauges(
        {
            metric("kube_horizontalpodautoscaler_status_current_replicas", hpa): current,
            metric("kube_horizontalpodautoscaler_spec_min_replicas", hpa): least,
            metric("kube_horizontalpodautoscaler_spec_max_replicas", hpa): 10,
            metric("kube_horizontalpodautoscaler_status_condition", condition): limited,
        },
        40,
    )


def _budget(healthy: int, pods: int = 6) -> Series:
    budget = {"namespace": "shop", "poddisruptionbudget": "web"}
    return gauges(
        {
            metric("kube_poddisruptionbudget_status_current_healthy", budget): healthy,
            metric("kube_poddisruptionbudget_status_desired_healthy", budget): 5,
            metric("kube_poddisruptionbudget_status_expected_pods", budget): pods,
        },
        20,
    )


_JOB_LABELS = {"namespace": "shop", "job_name": "backup-1"}
_FAILED = metric("kube_job_failed", _JOB_LABELS, condition="true")
_JOB_TEXT = "Job shop/backup-1 has failed, retries included."


def _last_run(suspended: int) -> Series:
    cron_job = metric("kube_cronjob_spec_suspend", namespace="shop", cronjob="backup")
    return dict.fromkeys(_job(last_success=500), "1x300") | {
        metric("kube_job_status_start_time", _JOB_LABELS): "1000x300",
        metric("kube_cronjob_status_last_successful_time", namespace="shop", cronjob="backup"): "500x300",
        cron_job: steady(suspended, 300),
    }


EXAMPLES = (
    example(
        "none of three is left",
        REPLICAS_MISSING,
        series=_DB_GONE,
        at="15m",
        fires=[critical("StatefulSet shop/db is missing 100% of its replicas.", "100%", **_OF_DB)],
    ),
    example(
        "five of six are missing",
        REPLICAS_MISSING,
        series=_web(1, wanted=6),
        at="15m",
        fires=[warning("Deployment shop/web is missing 83.33% of its replicas.", "83.33%", **_OF_WEB)],
    ),
    example("one of four has been missing for 14 minutes", REPLICAS_MISSING, series=_web(3), at="14m"),
    example("none of three has been left for 14 minutes", REPLICAS_MISSING, series=_DB_GONE, at="14m"),
    *(
        example(
            f"two pods of a daemon set find no node, and {virtual} nodes are no machines",
            REPLICAS_MISSING,
            series=_daemon_set(unplaced=2, virtual=virtual),
            at="15m",
            fires=[
                warning(
                    "DaemonSet shop/agent is missing 50% of its replicas.",
                    "50%",
                    namespace="shop",
                    workload="agent",
                    workload_type="DaemonSet",
                )
            ]
            * (virtual < 2),
        )
        for virtual in (1, 2)
    ),
    example(
        "two pods of a daemon set find no node, and two nodes are no machines by the stack file",
        REPLICAS_MISSING,
        series=_daemon_set(unplaced=2, virtual=2, told_by=_NAMED),
        at="20m",
    ),
    example("a queue holds all that are missing back", REPLICAS_MISSING, series=_web(2) | _held(2), at="20m"),
    example(
        "a queue holds one of two that are missing back",
        REPLICAS_MISSING,
        series=_web(2) | _held(1),
        at="15m",
        fires=[warning("Deployment shop/web is missing 33.33% of its replicas.", "33.33%", **_OF_WEB)],
    ),
    example("a rollout has one more than wanted", REPLICAS_MISSING, series=_web(5), at="20m"),
    example("it is scaled to zero", REPLICAS_MISSING, series=dict.fromkeys(_DB_GONE, "0x20"), at="20m"),
    example(
        "after the second of three pods nothing happens",
        ROLLOUT_STUCK,
        series=_rollout("3x2 2x40"),
        at="22m",
        fires=[warning("Deployment shop/web has had 1 pods of its old revision for ten minutes.", "1", **_OF_WEB)],
    ),
    example("it goes on every eight minutes", ROLLOUT_STUCK, series=_rollout("0x7 1x7 2x7 3x20"), at="22m"),
    example("a queue holds the next pod back", ROLLOUT_STUCK, series=_rollout("1x40") | _held(1, 40), at="30m"),
    example("somebody has paused it", ROLLOUT_STUCK, series=_rollout("1x40", paused=1), at="30m"),
    example(
        "a quota lets it have two pods, both of the new revision",
        ROLLOUT_STUCK,
        series=_rollout("2x40", there=2),
        at="30m",
    ),
    example(
        "the new pod of a stateful set is not available",
        ROLLOUT_STUCK,
        series=_rollout_of_db(available=2),
        at="25m",
        fires=[warning("StatefulSet shop/db has had 2 pods of its old revision for ten minutes.", "2", **_OF_DB)],
    ),
    example(
        "a stateful set replaces only what somebody deletes, and all is available",
        ROLLOUT_STUCK,
        series=_rollout_of_db(available=3),
        at="30m",
    ),
    *(
        example(
            f"a daemon set replaces only what somebody deletes, and {able} pods of four can be there",
            ROLLOUT_STUCK,
            series=_daemon_set(unplaced=2, virtual=4 - able) | _rollout_of_agent(),
            at="25m",
            fires=[
                warning(
                    "DaemonSet shop/agent has had 3 pods of its old revision for ten minutes.",
                    "3",
                    namespace="shop",
                    workload="agent",
                    workload_type="DaemonSet",
                )
            ]
            * (able > 2),
        )
        for able in (2, 3)
    ),
    example(
        "the last run failed",
        JOB_FAILED,
        series=_job(last_success=500),
        at="1m",
        fires=[warning(_JOB_TEXT, **_JOB_LABELS)],
    ),
    example(
        "it belongs to no cron job",
        JOB_FAILED,
        series={_FAILED: "1x10"},
        at="1m",
        fires=[warning(_JOB_TEXT, **_JOB_LABELS)],
    ),
    example(
        "it belongs to no cron job, and failed a day ago",
        JOB_FAILED,
        series={_FAILED: "1x300"},
        at="1450m",
        step="5m",
    ),
    example(
        "it belongs to no cron job, and failed 23 hours ago",
        JOB_FAILED,
        series={_FAILED: "0x12 1x300"},
        at="24h",
        step="5m",
        fires=[warning(_JOB_TEXT, **_JOB_LABELS)],
    ),
    example(
        "the last run failed a day ago, and the next is to come",
        JOB_FAILED,
        series=_last_run(suspended=0),
        at="1450m",
        step="5m",
        fires=[warning(_JOB_TEXT, **_JOB_LABELS)],
    ),
    example(
        "the last run failed a day ago, and its cron job is suspended",
        JOB_FAILED,
        series=_last_run(suspended=1),
        at="1450m",
        step="5m",
    ),
    example("a later run has succeeded", JOB_FAILED, series=_job(last_success=2000), at="5m"),
    example(
        "it has all ten replicas for half an hour and wants more",
        HPA_AT_MAXIMUM,
        series=_autoscaler(10, limited=1),
        at="30m",
        fires=[
            warning(
                "shop/web is at its maximum and wants more.", "100%", namespace="shop", horizontalpodautoscaler="web"
            )
        ],
    ),
    example("it has all ten replicas and wants no more", HPA_AT_MAXIMUM, series=_autoscaler(10, limited=0), at="35m"),
    example(
        "it may have ten replicas, no more and no fewer",
        HPA_AT_MAXIMUM,
        series=_autoscaler(10, limited=1, least=10),
        at="35m",
    ),
    example(
        "nine of ten are there, and the next is coming", HPA_AT_MAXIMUM, series=_autoscaler(9, limited=1), at="35m"
    ),
    example(
        "four pods are healthy where five must be",
        BUDGET_BROKEN,
        series=_budget(4),
        at="10m",
        fires=[
            warning(
                "shop/web has 80% of the healthy pods that it requires.",
                "80%",
                namespace="shop",
                poddisruptionbudget="web",
            )
        ],
    ),
    example("as many pods are healthy as must be", BUDGET_BROKEN, series=_budget(5), at="15m"),
    example("its workload is scaled to zero", BUDGET_BROKEN, series=_budget(0, pods=0), at="15m"),
    example("a queue holds back the pods that are missing", BUDGET_BROKEN, series=_budget(3) | _held(2), at="15m"),
    example(
        "a queue holds back fewer pods than are missing",
        BUDGET_BROKEN,
        series=_budget(2) | _held(2),
        at="15m",
        fires=[
            warning(
                "shop/web has 40% of the healthy pods that it requires.",
                "40%",
                namespace="shop",
                poddisruptionbudget="web",
            )
        ],
    ),
)
