"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import Dashboard

KUBERNETES_CLUSTER = Dashboard("kubernetes-cluster")
KUBERNETES_API = Dashboard("kubernetes-api")
KUBERNETES_NAMESPACE = Dashboard("kubernetes-namespace")
KUBERNETES_WORKLOAD = Dashboard("kubernetes-workload")
