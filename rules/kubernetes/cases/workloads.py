"""Workloads, jobs, autoscalers and disruption budgets, tried."""

from __future__ import annotations

from model.rules import Severity
from rules.kubernetes.alerts.workloads import (
    BUDGET_BROKEN,
    HPA_AT_MAXIMUM,
    JOB_FAILED,
    REPLICAS_MISSING,
    ROLLOUT_STUCK,
)
from rules.kubernetes.cases.tried import fires, fires_all, quiet

_WEB = 'namespace="shop", deployment="web"'
_DB = 'namespace="shop", statefulset="db"'
_OF_WEB = {"namespace": "shop", "workload": "web", "workload_type": "Deployment"}
_OF_DB = {"namespace": "shop", "workload": "db", "workload_type": "StatefulSet"}


def _web(available: int) -> dict[str, str]:
    return {
        f"kube_deployment_spec_replicas{{{_WEB}}}": "4x20",
        f"kube_deployment_status_replicas_available{{{_WEB}}}": f"{available}x20",
    }


_DB_GONE = {
    f"kube_statefulset_replicas{{{_DB}}}": "3x20",
    f"kube_statefulset_status_replicas_available{{{_DB}}}": "0x20",
}


def _rollout(updated: str, paused: int = 0) -> dict[str, str]:
    return {
        f"kube_deployment_spec_replicas{{{_WEB}}}": "3x40",
        f"kube_deployment_status_replicas_updated{{{_WEB}}}": updated,
        f"kube_deployment_spec_paused{{{_WEB}}}": f"{paused}x40",
    }


def _job(last_success: int) -> dict[str, str]:
    """A run of a cron job that began at second 1000 and failed; another began to succeed at ``last_success``."""
    job = 'namespace="shop", job_name="backup-1"'
    return {
        f'kube_job_failed{{{job}, condition="true"}}': "1x10",
        f"kube_job_status_start_time{{{job}}}": "1000x10",
        f'kube_job_owner{{{job}, owner_kind="CronJob", owner_name="backup", owner_is_controller="true"}}': "1x10",
        'kube_cronjob_status_last_successful_time{namespace="shop", cronjob="backup"}': f"{last_success}x10",
    }


def _autoscaler(current: int, limited: int) -> dict[str, str]:
    hpa = 'namespace="shop", horizontalpodautoscaler="web"'
    condition = f'{{{hpa}, condition="ScalingLimited", status="true"}}'
    return {
        f"kube_horizontalpodautoscaler_status_current_replicas{{{hpa}}}": f"{current}x40",
        f"kube_horizontalpodautoscaler_spec_max_replicas{{{hpa}}}": "10x40",
        f"kube_horizontalpodautoscaler_status_condition{condition}": f"{limited}x40",
    }


def _budget(healthy: int) -> dict[str, str]:
    budget = 'namespace="shop", poddisruptionbudget="web"'
    return {
        f"kube_poddisruptionbudget_status_current_healthy{{{budget}}}": f"{healthy}x20",
        f"kube_poddisruptionbudget_status_desired_healthy{{{budget}}}": "2x20",
    }


_JOB_LABELS = {"namespace": "shop", "job_name": "backup-1"}
_JOB_TEXT = "Job shop/backup-1 has failed, retries included."

CASES = (
    fires(
        REPLICAS_MISSING,
        "one of four is missing",
        _web(3),
        "15m",
        _OF_WEB,
        "Deployment shop/web misses 25% of its replicas.",
        "25%",
    ),
    fires_all(
        REPLICAS_MISSING,
        "none of three is left",
        _DB_GONE,
        "15m",
        _OF_DB,
        "StatefulSet shop/db misses 100% of its replicas.",
        "100%",
    ),
    quiet(REPLICAS_MISSING, "one of four has been missing for 14 minutes", _web(3), "14m", Severity.WARNING),
    quiet(REPLICAS_MISSING, "none of three has been left for 14 minutes", _DB_GONE, "14m"),
    quiet(REPLICAS_MISSING, "a rollout has one more than wanted", _web(5), "20m", Severity.WARNING),
    quiet(
        REPLICAS_MISSING,
        "it is scaled to zero",
        dict.fromkeys(_DB_GONE, "0x20"),
        "20m",
        Severity.WARNING,
    ),
    fires(
        ROLLOUT_STUCK,
        "after the first of three pods nothing happens",
        _rollout("3x2 1x40"),
        "25m",
        _OF_WEB,
        "Deployment shop/web has had 2 pods of its old revision left for ten minutes.",
        "2",
    ),
    quiet(ROLLOUT_STUCK, "it goes on every eight minutes", _rollout("0x7 1x7 2x7 3x20"), "22m"),
    quiet(ROLLOUT_STUCK, "somebody has paused it", _rollout("1x40", paused=1), "30m"),
    fires(JOB_FAILED, "the last run failed", _job(last_success=500), "1m", _JOB_LABELS, _JOB_TEXT),
    fires(
        JOB_FAILED,
        "it belongs to no cron job",
        {'kube_job_failed{namespace="shop", job_name="backup-1", condition="true"}': "1x10"},
        "1m",
        _JOB_LABELS,
        _JOB_TEXT,
    ),
    quiet(JOB_FAILED, "a later run has succeeded", _job(last_success=2000), "5m"),
    fires(
        HPA_AT_MAXIMUM,
        "it has all ten replicas for half an hour and wants more",
        _autoscaler(10, limited=1),
        "30m",
        {"namespace": "shop", "horizontalpodautoscaler": "web"},
        "shop/web is at its maximum and wants more.",
        "100%",
    ),
    quiet(HPA_AT_MAXIMUM, "it has all ten replicas and wants no more", _autoscaler(10, limited=0), "35m"),
    quiet(HPA_AT_MAXIMUM, "nine of ten are there, and the next is coming", _autoscaler(9, limited=1), "35m"),
    fires(
        BUDGET_BROKEN,
        "one pod is healthy where two must be",
        _budget(1),
        "10m",
        {"namespace": "shop", "poddisruptionbudget": "web"},
        "shop/web has 50% of the healthy pods that it demands.",
        "50%",
    ),
    quiet(BUDGET_BROKEN, "as many pods are healthy as must be", _budget(2), "15m"),
)
