"""Why pods are not ready, by example."""

from __future__ import annotations

from rules.services import availability, probes
from rules.services.probes import JOB, REASON, REASONS, job_of
from tests.rules.examples import Labels, Series, example, gauges, metric, of, warning
from tests.rules.services.availability import gone
from tests.rules.services.subjects import FOUND, SHOP, workload

DOWN = availability.alerts(kubernetes=True, why=probes.WHY)[0]


def _pod(name: str) -> Labels:
    return {**SHOP, "pod": name}


def _asked(pod: str, status: int, seconds: float, *, ready: int = 0, database: int = 0) -> Series:
    """What the prober says of a pod: the status that it answers, 0 without an answer, and after how long."""
    its, plain, named = _pod(pod) | {"instance": f"http://{pod}/ready"}, {"job": JOB}, {"job": job_of("database")}
    return gauges(
        {
            metric("pod_probe_success", its, plain): ready,
            metric("pod_probe_http_status_code", its, plain): status,
            metric("pod_probe_duration_seconds", its, plain): seconds,
            metric("pod_probe_failed_due_to_regex", its, named): database,
        }
    )


_ALL = {
    **_asked("ready", 200, 0.1, ready=1),
    **_asked("broken", 503, 0.1),
    **_asked("hangs", 0, 5),
    **_asked("starts", 0, 0.01),
    **_asked("no-database", 503, 0.1, database=1),
}
_OWNED = gauges(
    {
        metric("namespace_workload_pod:kube_pod_owner:relabel", _pod(pod), workload="web"): 1
        for pod in ("ready", "broken", "hangs", "starts", "no-database")
    }
)

EXAMPLES = (
    example(
        "pods are not ready for a reason each",
        REASON,
        series=_ALL,
        gives={
            of(_pod(pod), reason=reason): 1
            for pod, reason in {
                "broken": "status",
                "hangs": "timeout",
                "starts": "refused",
                "no-database": "database",
            }.items()
        },
    ),
    example("all pods are ready", REASON, series=_asked("ready", 200, 0.1, ready=1), gives={}),
    example(
        "two of a service's pods have lost the database",
        REASONS,
        series=_OWNED
        | _asked("no-database", 503, 0.1, database=1)
        | _asked("broken", 503, 0.1, database=1)
        | _asked("ready", 200, 0.1, ready=1),
        gives={of(FOUND, reason="database"): 2},
    ),
    *(
        example(
            f"no pod is ready, and the probe's reason is {reason}",
            DOWN,
            series=gone(FOUND) | _OWNED | series,
            at="24m",
            fires=[
                warning(
                    f"No replica of web (shop) is ready, or no target is left. 1 not ready: {says}.",
                    "100%",
                    **(FOUND | workload(FOUND)),
                )
            ],
            near=False,
        )
        for reason, says, series in (
            ("database", "database", _asked("no-database", 503, 0.1, database=1)),
            ("timeout", "timeout (or a network policy blocks the prober)", _asked("hangs", 0, 5)),
        )
    ),
)
