"""An object of every kind that kube-state-metrics reports, and the troubles that it can report."""

from __future__ import annotations

from collections.abc import Iterator

from rules.kubernetes.scrape import PAGE
from tools.local.rendered import Manifest

NAMESPACE = "exposition"
CONTAINER = {"name": "main", "image": "registry.example/main:1"}
NO_TROUBLE_YET = {"ready": True, "restartCount": 1, "image": "registry.example/main:1", "imageID": "", "started": True}
WAITING = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
DONE = {"terminated": {"reason": "Completed", "exitCode": 0}}
LAST = {"lastState": {"terminated": {"reason": "OOMKilled", "exitCode": 137}}}
STATUSES: dict[str, Manifest] = {
    "pod/alone": {
        "reason": "Evicted",
        "initContainerStatuses": [{**NO_TROUBLE_YET, **WAITING, **LAST, "name": "first"}],
        "containerStatuses": [
            {**NO_TROUBLE_YET, **WAITING, **LAST, "name": "main"},
            {**NO_TROUBLE_YET, "state": DONE, "name": "done"},
        ],
    },
    "cronjob/nightly": {
        "lastSuccessfulTime": "2026-11-20T00:00:00Z",
        "lastScheduleTime": "2026-11-20T00:00:00Z",
    },
    "job/once": {
        "startTime": "2026-11-20T00:00:00Z",
        "conditions": [
            {"type": kind, "status": "True", "reason": "BackoffLimitExceeded"} for kind in ("FailureTarget", "Failed")
        ],
    },
    "horizontalpodautoscaler/web": {
        "currentReplicas": 1,
        "desiredReplicas": 1,
        "conditions": [{"type": "ScalingLimited", "status": "True", "reason": "TooManyReplicas"}],
    },
}
"""What no controller or simulated kubelet says by itself."""


def objects() -> Iterator[Manifest]:
    """One of each kind that kube-state-metrics reports."""
    labels = {"app": "web"}
    enough = {"requests": {"cpu": "1m", "memory": "1Mi"}, "limits": {"cpu": "1", "memory": "1Gi"}}
    container = {**CONTAINER, "resources": enough}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    of_pods = {"selector": {"matchLabels": labels}, "template": template}
    once = {"spec": {"containers": [container], "restartPolicy": "Never"}}
    pod = {
        "nodeName": "node-a",
        "initContainers": [{**container, "name": "first"}],
        "containers": [container],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    target = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    yield made("v1", "PersistentVolumeClaim", "data", claim)
    alone = made("v1", "Pod", "alone", pod)
    yield {**alone, "metadata": {**alone["metadata"], "labels": {PAGE: "true"}}}
    yield _held(made("v1", "Pod", "going", {"nodeSelector": {"none": "such"}, "containers": [container]}))
    yield made("v1", "ResourceQuota", "quota", {"hard": {"pods": "100"}})
    yield made("v1", "LimitRange", "range", {"limits": [{"type": "Container", "max": {"cpu": "2"}}]})
    yield made("v1", "Service", "web", {"selector": labels, "ports": [{"port": 80}]})
    yield made("apps/v1", "Deployment", "web", of_pods)
    yield made("apps/v1", "StatefulSet", "db", {**of_pods, "serviceName": "db"})
    yield made("apps/v1", "DaemonSet", "agent", of_pods)
    yield made("batch/v1", "Job", "once", {"template": once, "suspend": True})
    yield made("batch/v1", "CronJob", "nightly", {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": once}}})
    yield made("autoscaling/v2", "HorizontalPodAutoscaler", "web", {"scaleTargetRef": target, "maxReplicas": 3})
    yield made("policy/v1", "PodDisruptionBudget", "web", {"selector": {"matchLabels": labels}, "minAvailable": 1})
    yield made("networking.k8s.io/v1", "Ingress", "web", {"defaultBackend": _backend("web")})


def made(version: str, kind: str, name: str, spec: Manifest) -> Manifest:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name, "namespace": NAMESPACE}, "spec": spec}


def _held(manifest: Manifest) -> Manifest:
    """An object that stays when it is deleted."""
    return {**manifest, "metadata": {**manifest["metadata"], "finalizers": ["example.com/held"]}}


def _backend(service: str) -> Manifest:
    return {"service": {"name": service, "port": {"number": 80}}}
