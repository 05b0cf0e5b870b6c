"""Whether services are there, by example."""

from __future__ import annotations

from rules.services import availability, probes
from rules.services.availability import MISSING, PAGES, ROLLOUT, SEEN
from tests.rules.examples import Labels, Series, critical, example, gauges, metric, of, warning
from tests.rules.services.subjects import FOUND, LISTED, NAMED, SHOP, workload

DOWN, NOT_READY = availability.alerts(kubernetes=True, why=probes.WHY)
_SOURCE = "service:source:info"
_DESIRED, _AVAILABLE = "namespace_workload:replicas_desired:max", "namespace_workload:replicas_available:max"
_LEGACY: Labels = {"service": "legacy"}


def _seen(service: Labels, source: str = "otel") -> Series:
    """It has answered requests until now, and for long enough to be known by it."""
    return {metric(_SOURCE, service, source=source): "1x60"}


def _replicas(service: Labels, desired: str, available: str) -> Series:
    its = workload(service)
    return {metric(_DESIRED, its): desired, metric(_AVAILABLE, its): available}


def gone(service: Labels, available: str = "3x20 0x40", desired: str = "3x60") -> Series:
    return _seen(service) | _replicas(service, desired, available)


def _generation(values: str, kind: str = "deployment") -> Series:
    return {metric(f"kube_{kind}_status_observed_generation", SHOP, {kind: "web"}): values}


def _says(service: Labels) -> str:
    return f"No replica of {service['service']} (shop) is ready, or no target is left."


def _ready(service: Labels, percent: str) -> str:
    return f"{percent} of the replicas of {service['service']} (shop) are not ready."


RECORDINGS = (
    example("it answers requests", SEEN, series=_seen(FOUND), at="30m", gives={of(FOUND, source="otel"): 1}),
    example(
        "it has answered requests hours ago",
        SEEN,
        series={metric(_SOURCE, FOUND, source="otel"): "1x60 _x1000"},
        at="20h",
        gives={of(FOUND, source="otel"): 1},
    ),
    example(
        "it has answered requests two days ago",
        SEEN,
        series={metric(_SOURCE, FOUND, source="otel"): "1x60 _x3000"},
        at="48h",
        gives={},
    ),
    example(
        "some services are listed",
        PAGES,
        series=_seen(FOUND) | _seen(LISTED) | _seen(NAMED) | _seen({"namespace": "other", "service": "cart"}),
        at="30m",
        gives={of(LISTED): 1, of(NAMED): 1},
    ),
    example(
        "a pod has the label that asks for pages",
        PAGES,
        series=gauges(
            {
                metric("kube_pod_labels", SHOP, pod="web-1", label_observability_page="true"): 1,
                metric("kube_pod_labels", SHOP, pod="web-2", label_observability_page="false"): 1,
                metric("namespace_workload_pod:kube_pod_owner:relabel", SHOP, pod="web-1", workload="web"): 1,
                metric("namespace_workload_pod:kube_pod_owner:relabel", SHOP, pod="web-2", workload="web-2"): 1,
            }
        ),
        gives={of(FOUND): 1},
    ),
    example(
        "one of four replicas is not ready",
        MISSING,
        series=_seen(FOUND) | _replicas(FOUND, "4x60", "3x60"),
        at="30m",
        gives={of(FOUND, workload(FOUND)): 0.25},
    ),
    example(
        "a workload that answers no requests is down",
        MISSING,
        series=_replicas(FOUND, "4x60", "0x60"),
        at="30m",
        gives={},
    ),
    example(
        "a target outside the cluster is gone",
        MISSING,
        series={metric(_SOURCE, _LEGACY, source="prometheus"): "1x20 _x40"},
        at="30m",
        gives={of(_LEGACY): 1},
    ),
    example(
        "a process outside the cluster no longer pushes",
        MISSING,
        series={metric(_SOURCE, _LEGACY, source="otel"): "1x20 _x40"},
        at="30m",
        gives={},
    ),
    *(
        example(
            f"the template of a {kind} has changed",
            ROLLOUT,
            series=_generation("1x20 2x40", kind)
            | {metric(_DESIRED, {**workload(FOUND), "workload_type": name}): "3x60"},
            at="25m",
            gives={of(workload(FOUND), workload_type=name): 2},
        )
        for kind, name in (("deployment", "Deployment"), ("statefulset", "StatefulSet"))
    ),
    example(
        "an autoscaler wants more replicas",
        ROLLOUT,
        series=_generation("1x20 2x40") | {metric(_DESIRED, workload(FOUND)): "3x20 5x40"},
        at="25m",
        gives={},
    ),
)

_OF_WEB, _OF_CART = FOUND | workload(FOUND), NAMED | workload(NAMED)

ALERTS = (
    example(
        "all replicas of a service that nobody lists are gone",
        DOWN,
        series=gone(FOUND),
        at="23m",
        fires=[warning(_says(FOUND), "100%", **_OF_WEB)],
    ),
    example(
        "all replicas of a listed service are gone",
        DOWN,
        series=gone(NAMED),
        at="23m",
        fires=[critical(_says(NAMED), "100%", **_OF_CART)],
    ),
    example(
        "all but one of a listed service are gone",
        DOWN,
        series=gone(NAMED, "10x20 1x40", "10x60"),
        at="24m",
    ),
    example("they are gone for a minute", DOWN, series=gone(NAMED), at="22m", near=False),
    example("it is scaled to zero", DOWN, series=gone(NAMED, desired="3x20 0x40"), at="24m", near=False),
    example("its workload is deleted", DOWN, series=gone(NAMED, "3x20 _x40", "3x20 _x40"), at="24m", near=False),
    example(
        "it comes back from zero",
        DOWN,
        series=gone(NAMED, "3x5 0x40", "3x5 0x15 3x40"),
        at="25m",
        near=False,
    ),
    example(
        "a rollout takes all of them away at once",
        DOWN,
        series=gone(FOUND) | _generation("1x20 2x40"),
        at="27m",
        near=False,
    ),
    example(
        "a rollout has taken all of them away, and ten minutes later none is back",
        DOWN,
        series=gone(FOUND) | _generation("1x20 2x40"),
        at="35m",
        fires=[warning(_says(FOUND), "100%", **_OF_WEB)],
    ),
    example(
        "an autoscaler has acted just before",
        DOWN,
        series=gone(FOUND, desired="3x18 5x42") | _generation("1x18 2x42"),
        at="24m",
        fires=[warning(_says(FOUND), "100%", **_OF_WEB)],
    ),
    example(
        "the last target outside the cluster is gone",
        DOWN,
        series={metric(_SOURCE, _LEGACY, source="prometheus"): "1x20 _x40"},
        at="30m",
        fires=[warning("No replica of legacy is ready, or no target is left.", "100%", **_LEGACY)],
    ),
    example(
        "three of five replicas are not ready",
        NOT_READY,
        series=_seen(FOUND) | _replicas(FOUND, "5x60", "5x20 2x40"),
        at="26m",
        fires=[warning(_ready(FOUND, "60%"), "60%", **_OF_WEB)],
    ),
    example(
        "three of five replicas of a listed service are not ready",
        NOT_READY,
        series=_seen(NAMED) | _replicas(NAMED, "5x60", "5x20 2x40"),
        at="26m",
        fires=[critical(_ready(NAMED, "60%"), "60%", **_OF_CART)],
    ),
    example(
        "half of them are not ready",
        NOT_READY,
        series=_seen(NAMED) | _replicas(NAMED, "4x60", "4x20 2x40"),
        at="28m",
    ),
    example("none is left, which ServiceDown says", NOT_READY, series=gone(NAMED), at="28m", near=False),
)

EXAMPLES = (*RECORDINGS, *ALERTS)
