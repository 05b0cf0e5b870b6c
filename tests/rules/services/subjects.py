"""What the examples of this system are about: ``cart``, which is found, and ``checkout``, which the stack file lists.

A counter that grows by 60 with each sample, a minute apart, is one a second.
"""

from __future__ import annotations

from tests.rules.examples import Example, Labels, Series, example, gauges, metric

SHOP: Labels = {"namespace": "shop"}
FOUND, LISTED, NAMED = (SHOP | {"service": name} for name in ("web", "checkout", "cart"))
"""One that nobody has listed, one listed by name, with thresholds of its own, and one by namespace and name."""
SERVICES = (FOUND, LISTED, NAMED)

# --- what processes send, and what is scraped of them ---

PUSHED: Labels = {
    "job": "web",
    "instance": "i-1",
    "service_name": "web",
    "k8s_namespace_name": "shop",
    "k8s_pod_name": "web-1",
    "k8s_deployment_name": "web",
}
SCRAPED: Labels = {"job": "annotated-pods", "instance": "10.0.0.1:80", "namespace": "shop", "pod": "web-1", "app": "ui"}
OWNED: Series = gauges(
    {metric("namespace_workload_pod:kube_pod_owner:relabel", SHOP, pod="web-1", workload="web"): 1}, 60
)
KUBELET: Labels = {"job": "kubelet", "instance": "n-1", "node": "n-1"}
TARGETS: Series = gauges({metric("up", KUBELET): 1, metric("up", SCRAPED): 1}, 60)
"""Every target is known, and what is pushed has none."""
SPAN: Labels = {
    "job": "jaeger-span-metrics",
    "instance": "jaeger-0",
    "service_name": "web",
    "k8s_namespace_name": "shop",
    "k8s_deployment_name": "web",
}
SERVER, CLIENT = ({"span_kind": f"SPAN_KIND_{kind}"} for kind in ("SERVER", "CLIENT"))

# --- what is recorded of it ---

REQUESTS = "service_route:requests:rate5m"


def counted(when: str, rule: str, series: Series, gives: dict[str, float]) -> Example:
    """What comes of a source's series, in a cluster."""
    return example(when, rule, series=TARGETS | series, gives=gives)


def workload(service: Labels) -> Labels:
    return {"namespace": service["namespace"], "workload": service["service"], "workload_type": "Deployment"}
