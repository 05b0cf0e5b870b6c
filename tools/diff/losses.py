"""Settings whose change can lose data, alerts or access, and what it means; any other is listed as it changed.

``tests/diff/test_settings.py`` refuses a setting that is neither here nor among those that can lose nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from components.settings.accepted import Gate
from model.quantities import Bytes, Duration
from tools.diff.change import Danger, Section

Size = Callable[[Any], Any]
UNLIMITED = "unlimited"
"""What a limit that is not set means."""


def duration(text: Any) -> int:
    return Duration.parse(str(text)).milliseconds


def _bytes(text: Any) -> int:
    return Bytes.parse(str(text)).count


def _number(value: Any) -> Decimal:
    return Decimal(str(value))


def items(value: Any) -> frozenset[str]:
    """What a list names, or a single value; smaller is one that leaves out something."""
    return frozenset(map(str, value if isinstance(value, list) else [value]))


def _kept(value: Any) -> Decimal:
    """How much is kept: a number of traces, a duration, or an amount of bytes. Units tell them apart, but ``5m``."""
    for read in (_number, duration, _bytes):
        try:
            return Decimal(read(value))
        except (ValueError, ArithmeticError):
            continue
    raise ValueError(f"{value}: no quantity")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a change of a setting means."""

    path: str
    """Regular expression of the whole path, without the names of entries of lists: ``prometheus.remoteWrite.url``."""
    size: Size | None = None
    """Reads the value, so that two can be compared; None if every change means the same."""
    unset: str = ""
    """What holds where the value is not set: UNLIMITED, or the path of another setting, with groups of ``path``."""
    less: str = ""
    """What a smaller value means, or one that is removed. Empty if nothing is lost."""
    more: str = ""
    """What a larger value means, or a new one."""
    other: str = ""
    """What any other change means."""
    danger: Danger = Danger.CAUTION
    """Of the changes that mean something."""
    gate: Gate | None = None
    section: Section = Section.KEPT


_LOSS = Danger.LOSS
_UNSEEN = "those that are left out are no longer watched"
MEANINGS = (
    # Data.
    Meaning(
        path=r"prometheus\.retention\.(time|size)|jaeger\.storage\.(badger\.ttl|memory\.traces)",
        size=_kept,
        unset=UNLIMITED,
        less="what is older is deleted",
        danger=_LOSS,
        gate="retention-shortened",
    ),
    Meaning(
        path=r"loki\.retention|loki\.(tenants\.retention|streamRetention\.period)",
        size=duration,
        unset="loki.retention",
        less="older lines are deleted",
        danger=_LOSS,
        gate="retention-shortened",
    ),
    Meaning(
        path=r"jaeger\.archive\.keep|alertmanager\.retention",
        size=duration,
        less="what is older is deleted",
        danger=_LOSS,
        gate="retention-shortened",
    ),
    Meaning(
        path=r"(prometheus|alertmanager|collector)\.storage",
        size=lambda _: 1,  # a size that falls is refused; only a volume that goes loses something
        less="on no volume any more, so lost with the pod",
        danger=_LOSS,
        gate="data-lost",
    ),
    Meaning(path=r"jaeger\.storage\.\w+\.lookback", size=duration, less="older traces are not found by their id"),
    Meaning(
        path=r"loki\.storage\.s3\.(bucket|region|endpoint)|grafana\.database\.postgres\.(host|port|name)"
        r"|jaeger\.storage\.(elasticsearch|opensearch)\.(urls|indexPrefix)",
        other="another store, which has nothing of what the earlier one has",
        danger=_LOSS,
        gate="data-lost",
    ),
    Meaning(
        path=r"grafana\.secretKeySecret",
        other="Grafana cannot read what it has encrypted with the earlier key",
        danger=_LOSS,
        gate="data-lost",
    ),
    Meaning(
        path=r"cluster\.(context|namespaces\.\w+)",
        other="everything is made again elsewhere, without its data",
        danger=_LOSS,
        gate="data-lost",
        section=Section.STATE,
    ),
    Meaning(
        path=r"loki\.(multiTenant|tenant)",
        other="stored lines are found under the earlier tenant only",
        danger=_LOSS,
        gate="data-lost",
    ),
    Meaning(
        path=r"(collector|logs)\.redact",
        size=int,
        less="prompts, credentials and personal data are stored unmasked",
        danger=_LOSS,
        gate="redaction-weakened",
    ),
    Meaning(
        path=r"logs\.drop(\..+)?",
        size=items,
        more="such lines are dropped",
        other="other lines are dropped",
        danger=_LOSS,
    ),
    Meaning(
        path=r"prometheus\.remoteWrite(\.url)?",
        size=items,
        less="samples are no longer sent there",
        other="samples are sent to another place",
        danger=_LOSS,
    ),
    Meaning(
        path=r"collector\.kubernetesEvents",
        size=int,
        less="events are lost, of which Kubernetes keeps an hour",
        danger=_LOSS,
    ),
    Meaning(path=r"collector\.ingest", size=items, less="telemetry of the others is refused", danger=_LOSS),
    Meaning(
        path=r"collector\.healthPaths",
        size=items,
        more="spans of these paths are dropped",
        other="spans of other paths are dropped",
    ),
    Meaning(path=r"jaeger\.sampling\.percent", size=_number, less="fewer traces are stored"),
    Meaning(
        path=r"jaeger\.sampling\.services\..+",
        size=_number,
        unset="jaeger.sampling.percent",
        less="fewer of its traces are stored",
    ),
    Meaning(path=r"jaeger\.sampling\.slow", size=duration, more="fewer slow traces are stored"),
    Meaning(path=r"jaeger\.sampling\.maxTraces", size=_number, less="traces are lost earlier under load"),
    Meaning(path=r"jaeger\.sampling\.decisionWait", size=duration, less="spans of longer traces are lost"),
    Meaning(path=r"jaeger\.storage\.badger\.syncWrites", size=int, less="a node that is lost loses the last spans"),
    Meaning(path=r"loki\.limits\.queryLookback", size=duration, unset=UNLIMITED, less="older lines are not found"),
    Meaning(path=r"loki\.limits\.\w+|prometheus\.(limits|queries)\.\w+", size=_kept, less="more is refused"),
    Meaning(
        path=r"loki\.tenants\.(?P<limit>\w+)",
        size=_kept,
        unset=r"loki.limits.\g<limit>",
        less="more of this tenant is refused",
    ),
    Meaning(path=r"prometheus\.scrapeJobs\.limits\.\w+", size=_kept, less="more of this job is refused"),
    Meaning(
        path=r"prometheus\.scrapeJobs\.(allow|deny|metricRelabel|relabel)(\..+)?", other="other series of it are stored"
    ),
    Meaning(path=r"prometheus\.keep", size=lambda value: value == "all", less="only metrics in use are stored"),
    Meaning(path=r"prometheus\.also", size=items, less="fewer metrics are stored"),
    Meaning(
        path=r"logs\.(positionsPath|collector|runtime)",
        other="it begins without positions: lines come twice, or are missed",
    ),
    # Alerts.
    Meaning(
        path=r"alerts\.exclude\.(namespaces|labels\..+)",
        size=items,
        more="no alert for these any more",
        other="no alert for others than before",
        danger=_LOSS,
        gate="alert-removed",
        section=Section.ALARMED,
    ),
    Meaning(
        path=r"systems\.(.+\.)?(namespaces?|sources|servers|projects|environments|gateways|probes|services)",
        size=items,
        less=_UNSEEN,
        other="others are watched than before",
        danger=_LOSS,
        gate="alert-removed",
        section=Section.ALARMED,
    ),
    Meaning(
        path=r"cluster\.virtualNodes\..+",
        size=items,
        more="such nodes are not watched",
        danger=_LOSS,
        section=Section.ALARMED,
    ),
    Meaning(
        path=r"prometheus\.(scrapeInterval|evaluationInterval)",
        size=duration,
        more="alerts fire later",
        section=Section.ALARMED,
    ),
    Meaning(path=r".+\.atMost", size=_kept, more="more counts as good", section=Section.ALARMED),
    Meaning(path=r".+\.(atLeast|objective)", size=_kept, less="more counts as good", section=Section.ALARMED),
    Meaning(path=r"slos\.minimumEvents", size=_number, more="quiet for longer", section=Section.ALARMED),
    Meaning(path=r"loki\.ruler(\..+)?", other="Loki evaluates other rules", section=Section.ALARMED),
    Meaning(
        path=r"cluster\.(name|environment)",
        other="a label of every series, line and alert: queries, routes and silences by the earlier one miss",
        section=Section.ALARMED,
    ),
    Meaning(
        path=r"notifications\.(groupWait|criticalGroupWait|groupInterval|repeatInterval)",
        size=duration,
        more="notifications come later, or more rarely",
        section=Section.TOLD,
    ),
    Meaning(path=r"notifications\.groupBy", other="other alerts share a notification", section=Section.TOLD),
    Meaning(path=r"notifications\.grafana", other="who sends Grafana's alerts", section=Section.TOLD),
    Meaning(
        path=r"(prometheus|alertmanager|loki|collector|jaeger|grafana)\.replicas",
        size=_number,
        less="fewer survive the loss of a node",
        section=Section.RUN,
    ),
    Meaning(
        path=r".+\.resources\.limits\.memory",
        size=_bytes,
        unset=UNLIMITED,
        less="its pods are killed earlier",
        section=Section.RUN,
    ),
    # Access.
    Meaning(
        path=r"grafana\.(oidc\.(clientId|authUrl|tokenUrl|apiUrl|scopes|roleAttributePath|allowedDomains)"
        r"|external\.url|ingress\.controller\..+|database\.postgres\.sslMode)",
        other="it decides who reaches Grafana and its data, or logs in",
        danger=_LOSS,
        gate="access-widened",
        section=Section.RUN,
    ),
    Meaning(path=r"grafana\.ingress\.annotations\..+", other="it can decide who is let in", section=Section.RUN),
    Meaning(
        path=r"cluster\.kubeletCertificate|prometheus\.scrapeJobs\.tls\.insecureSkipVerify",
        size=lambda value: value not in ("unverified", True),
        less="Prometheus believes whoever answers",
        danger=_LOSS,
        gate="access-widened",
        section=Section.RUN,
    ),
    Meaning(
        path=r"(loki|prometheus)\.serviceAccountAnnotations\..+",
        other="its pods get other permissions in the cloud",
        section=Section.RUN,
    ),
    Meaning(path=r"cluster\.storageClass", other="holds for new volumes only", section=Section.STATE),
)
"""The first that matches holds."""
