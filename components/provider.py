"""The explicit Kubernetes provider: no stack lands on whatever kubectl points at."""

from __future__ import annotations

from pulumi_kubernetes import Provider

from components.settings.cluster import ClusterSettings


def kubernetes(cluster: ClusterSettings) -> Provider:
    return Provider(
        "kubernetes",
        context=cluster.context,
        # Otherwise an edit of a file replaces its ConfigMap, and pods are left without it in between.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
    )
