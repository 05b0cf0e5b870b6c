"""How the cases of this system are written: all of them are about the node ``n-1``."""

from __future__ import annotations

from collections.abc import Mapping

from model.quantities import Duration
from model.rules import Alert, Recording, Severity
from rules.cases import Case, Firing, Value

WARNING, CRITICAL = Severity.WARNING, Severity.CRITICAL
NODE = 'job="node-exporter", instance="10.0.0.1:9100", node="n-1"'
DISK = f'{NODE}, device="/dev/sda1", fstype="ext4", mountpoint="/"'


def tried(
    alert: Alert,
    when: str,
    series: Mapping[str, str],
    at: str,
    *,
    fires: tuple[Severity, ...] = (),
    says: str = "",
    value: str = "",
    device: str = "",
    step: str = "1m",
) -> Case:
    """Exactly the severities of ``fires`` fire, each saying the same; the others are just below their line."""
    labels = {"node": "n-1"} | ({"device": device} if device else {})
    return Case(
        alert=alert.name,
        when=when,
        series=series,
        at=Duration.parse(at),
        step=Duration.parse(step),
        firing=tuple(Firing(severity=each, labels=labels, description=says, value=value) for each in fires),
        quiet=tuple(each for each in alert.severities if each not in fires),
    )


def gives(
    recording: Recording, when: str, series: Mapping[str, str], results: Mapping[str, float], at: str = "10m"
) -> Value:
    return Value(of=recording.name, when=when, series=series, at=Duration.parse(at), results=results)
