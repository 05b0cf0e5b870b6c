"""What systems of applications share: scrape jobs over their Services, with the metrics of a contract."""

from __future__ import annotations

from model.cluster import ClusterSettings
from model.contract import Part
from model.flows import AnyPod
from model.scrape import ALIVE, OF_POD, KubernetesDiscovery, Relabel, ScrapeJob, copy, keep

SERVICE = "cluster, namespace, service"
"""Labels of a program of a platform: where it runs, and the name of its Service."""


def service_job(
    part: Part, cluster: ClusterSettings, namespaces: tuple[str, ...], service: str, port: int, *more: Relabel
) -> ScrapeJob:
    """Scrapes each pod behind a Service, at a port of the pods; ``more`` relabels the targets.

    The targets have the labels ``namespace``, ``pod``, ``node``, and the Service's name as ``service``. Metrics with a
    label of such a name store it by the contract's other name.
    """
    return ScrapeJob(
        name=part.job,
        discovery=KubernetesDiscovery("endpointslice", namespaces, f"kubernetes.io/service-name={service}"),
        egress=((AnyPod(), (port,)),),
        relabel=(
            # Discovery also finds the pods' other container ports.
            keep("__meta_kubernetes_endpointslice_port", str(port)),
            keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family),
            *ALIVE,
            *OF_POD,
            copy("__meta_kubernetes_service_name", "service"),
            *more,
        ),
        keeps=tuple(sorted(each.name for each in part.emits)),
        metric_relabel=_renamed(part),
    )


def _renamed(part: Part) -> tuple[Relabel, ...]:
    """Prometheus has moved a label that every target has to ``exported_``; the contract says what it is called."""
    renamed = {label.name: label.stored for each in part.emits for label in each.labels if label.stored}
    return tuple(
        step
        for name, stored in renamed.items()
        for step in (copy(f"exported_{name}", stored), Relabel(regex=f"exported_{name}", action="labeldrop"))
    )
