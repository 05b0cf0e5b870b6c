"""The Kubernetes cluster: API server, kubelets, containers, objects, and annotated targets."""

from __future__ import annotations

from model.settings import Model, Resources, resources
from rules.headline import Headline, change
from rules.kubernetes import recordings
from rules.kubernetes.alerts import capacity, control_plane, nodes, pods, workloads
from rules.kubernetes.metrics import METRICS, node_labels, pod_labels
from rules.kubernetes.scrape import (
    ISTIO,
    annotated_pods,
    annotated_services,
    kube_state_metrics_exporter,
    scrape_jobs,
)
from rules.kubernetes.uids import KUBERNETES_CLUSTER
from rules.system import Surroundings, System, Watched

_ALERTS = (pods, workloads, nodes, capacity)


class KubernetesSettings(Model):
    """The `kubernetes` system."""

    annotated: bool = True
    """Whether pods and services annotated `prometheus.io/scrape: "true"` are scraped, in every namespace."""
    kube_state_metrics: Resources = resources("50m", "128Mi", "512Mi")
    """Requests and limits of kube-state-metrics; about 0.2 MiB per pod of the cluster."""


def build(settings: KubernetesSettings, surroundings: Surroundings) -> Watched:
    cluster = surroundings.cluster
    annotated = (annotated_services(cluster), annotated_pods(istio=ISTIO in surroundings.on))
    return Watched(
        scrape_jobs=(*scrape_jobs(cluster, surroundings.owners.pod_label), *(annotated if settings.annotated else ())),
        groups=(
            *recordings.recordings(cluster, surroundings.owners),
            *(group for part in _ALERTS for group in part.GROUPS),
            *((recordings.CONTROL_PLANE, *control_plane.GROUPS) if cluster.runs_control_plane else ()),
        ),
        exporters=(kube_state_metrics_exporter(settings.kube_state_metrics, cluster, surroundings.owners.pod_label),),
        metrics=(
            *METRICS,
            *((node_labels(cluster),) if cluster.virtual_nodes else ()),
            pod_labels(surroundings.owners.pod_label),
        ),
        slos=control_plane.SLOS if cluster.runs_control_plane else (),
        inhibitions=tuple(inhibition for part in _ALERTS for inhibition in part.INHIBITIONS),
    )


SYSTEM = System(
    key="kubernetes",
    title="Kubernetes",
    owner="platform",
    settings=KubernetesSettings,
    example=KubernetesSettings(),
    dashboard=KUBERNETES_CLUSTER,
    headline=Headline(
        up='max(up{job="kubelet"})',
        errors=f'(sum({recordings.API_REQUESTS}{{code=~"5.."}}) or vector(0)) / sum({recordings.API_REQUESTS})',
        # The newest ReplicaSet of a Deployment is its last rollout.
        changes=change("rollout", f"max by (namespace, owner_name) ({recordings.ROLLED_OUT})", "namespace owner_name"),
    ),
    build=build,
)
