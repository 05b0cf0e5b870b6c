"""Whether a service is up: its replicas compared with those that it should have, or its targets if it has no pods."""

from __future__ import annotations

import re
from collections.abc import Iterator

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Recording, Severity
from rules.histograms import with_label
from rules.kubernetes.recordings import AVAILABLE, DESIRED, EXPECTED, POD_OWNER
from rules.kubernetes.scrape import PAGE, state_label
from rules.services.labels import NAMED, SAME, SERVICE
from rules.services.recordings import SOURCE
from rules.services.settings import ServicesSettings, matchers

SEEN = "service:seen:info"
"""1 per ``source`` of a service that has answered requests within a day."""
PAGES = "service:pages:info"
"""1 per service that may page."""
MISSING = "service:replicas_missing:ratio"
"""Ratio of a service's replicas that are not ready; 1 for a target outside the cluster that is gone."""
ROLLOUT = "namespace_workload:rollout:info"
"""Workloads whose template was changed within ten minutes."""
_WORKLOAD = "cluster, namespace, workload, workload_type"
ALL = 0.99
"""No replica is left, of up to a hundred."""


def seen() -> Recording:
    # One sample in a quarter of an hour is enough. All samples of a day would be 15 times as many.
    return Recording(name=SEEN, expr=f"group by ({SERVICE}, source) (last_over_time({SOURCE}[1d:15m]))")


def recordings(settings: ServicesSettings, *, kubernetes: bool) -> Iterator[Recording]:
    yield Recording(name=PAGES, expr=f"group by ({SERVICE}) ({' or '.join(_pages(settings, kubernetes=kubernetes))})")
    # In the cluster, a target that is gone may have been scaled down. A service that pushes may have had no requests.
    gone = f'group by ({SERVICE}) (({SEEN}{{namespace="", source=~"prometheus|mapped"}}) unless on ({SAME}) {SOURCE})'
    if not kubernetes:
        yield Recording(name=MISSING, expr=gone, unit=Unit.RATIO)
        return
    # Only replicas that have been wanted for longer than a start takes: after a scale-up from zero none is missing yet.
    missing = f"1 - {AVAILABLE} / ({EXPECTED} > 0 and {DESIRED} offset 5m > 0)"
    of_service = f'label_replace({missing}, "service", "$1", "workload", "(.+)") and on ({SAME}) {SEEN}'
    of_target = with_label(with_label(gone, "workload", ""), "workload_type", "")
    yield Recording(name=MISSING, expr=f"{of_service} or {of_target}", unit=Unit.RATIO)
    # A change of the number of replicas is no rollout: an autoscaler that acts before an outage must not hide it.
    yield Recording(
        name=ROLLOUT,
        expr=f"({_generation()} > {_generation(' offset 10m')}) and {DESIRED} == {DESIRED} offset 10m",
    )


def _pages(settings: ServicesSettings, *, kubernetes: bool) -> Iterator[str]:
    listed = [name for name, service in settings.listed.items() if service.page]
    anywhere = "|".join(re.escape(name).replace("\\", "\\\\") for name in listed if "/" not in name)
    yield f'{SEEN}{{service=~"{anywhere}"}}'
    for name in listed:
        if "/" in name:
            yield f"{SEEN}{{{matchers(name)}}}"
    if kubernetes:
        marked = f'max by (cluster, environment, namespace, pod) (kube_pod_labels{{{state_label(PAGE)}="true"}})'
        owned = f"{marked} * on (cluster, namespace, pod) group_left (workload) {POD_OWNER}"
        yield f'label_replace({owned}, "service", "$1", "workload", "(.+)")'


def _generation(ago: str = "") -> str:
    kinds = {"Deployment": "deployment", "StatefulSet": "statefulset"}
    each = (
        f'label_replace(label_replace(kube_{label}_status_observed_generation{ago}, "workload", "$1", "{label}",'
        f' "(.+)"), "workload_type", "{kind}", "", "")'
        for kind, label in kinds.items()
    )
    return f"max by (cluster, environment, namespace, workload, workload_type) ({' or '.join(each)})"


def alerts(*, kubernetes: bool, why: str = "") -> tuple[Alert, ...]:
    """``why`` is the end of their texts."""
    # An outage caused by a rollout is short, or has an alert of its own.
    outside = f"on ({_WORKLOAD}) {ROLLOUT}" if kubernetes else ""
    paged = {Severity.CRITICAL: f"on ({SAME}) {PAGES}"}
    return (
        Alert(
            name="ServiceDown",
            value=MISSING,
            unit=Unit.RATIO,
            above={Severity.WARNING: ALL, Severity.CRITICAL: ALL},
            only=paged,
            unless=outside,
            for_=Duration.parse("2m"),  # a single pod that is replaced is back by then
            summary="A service is down.",
            description=f"No replica of {NAMED} is ready, or no target is left.{why}",
        ),
        *(
            (
                Alert(
                    name="ServiceNotReady",
                    value=MISSING,
                    unit=Unit.RATIO,
                    # The rest then has more than twice its usual load.
                    above={Severity.WARNING: 0.5, Severity.CRITICAL: 0.5},
                    only=paged,
                    unless=f"({MISSING} > {ALL} or on ({_WORKLOAD}) {ROLLOUT})",
                    for_=Duration.parse("5m"),  # the pods of a drained node are ready elsewhere by then
                    summary="Most of a service is not ready.",
                    description=f"{{{{ $value | humanizePercentage }}}} of the replicas of {NAMED} are not ready.{why}",
                ),
            )
            if kubernetes
            else ()
        ),
    )
