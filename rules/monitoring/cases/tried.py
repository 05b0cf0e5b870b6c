"""How the cases of this system are written: who is scraped, and what is expected."""

from __future__ import annotations

from collections.abc import Mapping

from model.quantities import Duration
from model.rules import Alert, Recording, Severity
from rules.cases import Case, Firing, Value

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL


def pod(job: str, number: int = 0) -> dict[str, str]:
    """The labels of a server's pod."""
    where = {"namespace": "monitoring", "pod": f"{job}-{number}", "node": f"n-{number}"}
    return {"job": job, "instance": f"10.0.0.{number}:80", **where}


def of(labels: Mapping[str, str], **more: str) -> str:
    """Labels as a selector has them."""
    return "{" + ", ".join(f'{name}="{value}"' for name, value in {**labels, **more}.items()) + "}"


PROMETHEUS, ALERTMANAGER, LOKI, JAEGER, COLLECTOR = (
    pod(job) for job in ("prometheus", "alertmanager", "loki", "jaeger", "otel-collector")
)


def place(labels: Mapping[str, str]) -> dict[str, str]:
    """What is left of a pod's labels where only namespace and pod are kept."""
    return {name: labels[name] for name in ("namespace", "pod")}


def tried(
    alert: Alert,
    when: str,
    series: Mapping[str, str],
    at: str,
    *,
    fires: tuple[Severity, ...] = (),
    labels: Mapping[str, str] | None = None,
    says: str = "",
    value: str = "",
    step: str = "1m",
) -> Case:
    """Exactly the severities of ``fires`` fire, each saying the same; the others are just below their line."""
    return Case(
        alert=alert.name,
        when=when,
        series=series,
        at=Duration.parse(at),
        step=Duration.parse(step),
        firing=tuple(Firing(severity=each, labels=labels or {}, description=says, value=value) for each in fires),
        quiet=tuple(each for each in alert.severities if each not in fires),
    )


def gives(
    recording: Recording, when: str, series: Mapping[str, str], results: Mapping[str, float], at: str = "20m"
) -> Value:
    return Value(of=recording.name, when=when, series=series, at=Duration.parse(at), results=results)


def day_then(before: int, after: int) -> str:
    """Values every five minutes: a day of one, and then two hours of the other."""
    return f"{before}x288 {after}x24"
