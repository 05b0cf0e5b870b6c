"""What systems of applications share: scrape jobs over their Services, with the metrics of a contract."""

from __future__ import annotations

from model.cluster import ClusterSettings
from model.contract import Part
from model.flows import AnyPod
from model.rules import Recording
from model.scrape import ALIVE, OF_POD, KubernetesDiscovery, Relabel, ScrapeJob, copy, keep, label
from model.settings import DnsLabel, Model, Port
from rules.kubernetes.recordings import DESIRED

SERVICE = "cluster, environment, namespace, service"
"""Labels of a program of a platform: where it runs, and the name of its Service."""
SAME = "cluster, namespace, service"
"""Labels by which its alerts are equal, for inhibitions; these add the environment."""


class Program(Model):
    """A program of a platform."""

    service: DnsLabel
    """Name of its Service."""
    port: Port
    """Port of its pods that has the metrics."""


def service_job(
    part: Part, cluster: ClusterSettings, namespaces: tuple[str, ...], program: Program, *more: Relabel
) -> ScrapeJob:
    """Scrapes each pod behind a program's Service; ``more`` relabels the targets.

    The targets have the labels ``namespace``, ``pod``, ``node``, and the Service's name as ``service``. Metrics with a
    label of such a name store it by the contract's other name.
    """
    return ScrapeJob(
        name=part.job,
        discovery=KubernetesDiscovery("endpointslice", namespaces, f"kubernetes.io/service-name={program.service}"),
        egress=((AnyPod(), (program.port,)),),
        relabel=(
            # Discovery also finds the pods' other container ports.
            keep("__meta_kubernetes_endpointslice_port", str(program.port)),
            keep("__meta_kubernetes_endpointslice_address_type", cluster.network.ip_family),
            *ALIVE,
            *OF_POD,
            label("service", program.service),
            *more,
        ),
        of_people=True,  # beside the contract, a program counts its requests for `services`, and what its authors like
        metric_relabel=renamed(part),
    )


def renamed(part: Part) -> tuple[Relabel, ...]:
    """Prometheus has moved a label that every target has to ``exported_``; the contract says what it is called."""
    renamed = {own.name: own.stored for each in part.emits for own in each.labels if own.stored}
    return tuple(
        step
        for name, stored in renamed.items()
        for step in (copy(f"exported_{name}", stored), Relabel(regex=f"exported_{name}", action="labeldrop"))
    )


def up(recording: str, expected: tuple[tuple[str, str, str], ...], *, of_cluster: bool) -> tuple[Recording, ...]:
    """Recordings of whether each program answers: 1 if a pod does, 0 if none does or none is there.

    ``expected`` has the job, namespace and Service of each. ``of_cluster`` says whether the cluster is watched: then
    there is no result for a workload that is scaled to zero.
    """
    info = f"{recording.partition(':')[0]}:expected:info"
    there = tuple(
        Recording(name=info, expr="vector(1)", labels={"job": job, "namespace": namespace, "service": service})
        for job, namespace, service in expected
    )
    by = f"{SERVICE}, job"
    jobs = "|".join(dict.fromkeys(job for job, _, _ in expected))
    value = f'max by ({by}) (up{{job=~"{jobs}"}}) or 0 * group by ({by}) ({info})'
    if of_cluster:
        wanted = f'label_replace({DESIRED} == 0, "service", "$1", "workload", "(.+)")'
        value = f"({value}) unless on ({SERVICE}) {wanted}"
    return (*there, Recording(name=recording, expr=value))
