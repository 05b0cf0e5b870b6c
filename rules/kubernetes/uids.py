"""The uids of this system's dashboards."""

from __future__ import annotations

from model.uids import DashboardUid

KUBERNETES_CLUSTER = DashboardUid("kubernetes-cluster")
KUBERNETES_API = DashboardUid("kubernetes-api")
KUBERNETES_NAMESPACE = DashboardUid("kubernetes-namespace")
KUBERNETES_WORKLOAD = DashboardUid("kubernetes-workload")
