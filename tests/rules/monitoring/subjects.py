"""What the examples of this system are about: the pods of the stack's own servers."""

from __future__ import annotations

from tests.rules.examples import Labels


def pod(job: str, number: int = 0) -> Labels:
    """The labels of a server's pod."""
    where = {"namespace": "monitoring", "pod": f"{job}-{number}", "node": f"n-{number}"}
    return {"job": job, "instance": f"10.0.0.{number}:80", **where}


PROMETHEUS, ALERTMANAGER, LOKI, JAEGER, COLLECTOR = (
    pod(job) for job in ("prometheus", "alertmanager", "loki", "jaeger", "otel-collector")
)


def place(labels: Labels) -> Labels:
    """What is left of a pod's labels where only namespace and pod are kept."""
    return {name: labels[name] for name in ("namespace", "pod")}
