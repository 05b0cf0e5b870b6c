"""The Kubernetes cluster: its API server, kubelets, containers, objects, and whatever asks to be scraped."""

from __future__ import annotations

from components.settings.base import Model, Resources, resources
from components.settings.cluster import ClusterSettings
from rules.kubernetes.scrape import annotated_pods, annotated_services, kube_state_metrics_exporter, scrape_jobs
from rules.system import System, Watched


class KubernetesSettings(Model):
    """The `kubernetes` system."""

    annotated: bool = True
    """Whether pods and services annotated `prometheus.io/scrape: "true"` are scraped, in every namespace."""
    kube_state_metrics: Resources = resources("50m", "128Mi", "512Mi")
    """Requests and limits of kube-state-metrics; about 0.2 MiB per pod of the cluster."""


def build(settings: KubernetesSettings, cluster: ClusterSettings) -> Watched:
    annotated = (annotated_services(cluster), annotated_pods()) if settings.annotated else ()
    return Watched(
        scrape_jobs=(*scrape_jobs(cluster), *annotated),
        exporters=(kube_state_metrics_exporter(settings.kube_state_metrics),),
    )


SYSTEM = System("kubernetes", KubernetesSettings, build)
