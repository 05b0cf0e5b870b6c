"""Runbooks take numbers from the stack's alerts, so that one that is changed is right in its runbook as well."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from math import prod

import pytest

from components.otel_collector.config import GIVE_UP, MESSAGE_MEBIBYTES
from components.otel_collector.parts import LONGEST_PAUSE
from components.prometheus.config import OUT_OF_ORDER_WINDOW
from model.quantities import Duration
from model.rules import Alert, BaseAlert, Severity
from model.runbooks import filled, placeholders, runbooks, written
from rules.agents.progress import FULL
from rules.agents.settings import LONGEST_LATENCY
from tests.catalogue import whole

ALERTS: defaultdict[str, list[BaseAlert]] = defaultdict(list)
for _alert in whole().alerts:
    ALERTS[_alert.runbook_name].append(_alert)

_COUNTED = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
WORDS = {
    "half an": 0.5,
    "a quarter of an": 0.25,
    **dict.fromkeys(("a", "an"), 1),
    **{word: count for count, word in enumerate(_COUNTED, start=1)},
}
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800, "times": 1}
SHORT = {"s": 1, "m": 60, "min": 60, "h": 3600, "d": 86_400}
SPOKEN = {"24h": "a day", "30m": "half an hour", "10s": "ten seconds"}


def spoken(duration: str) -> str:
    """As runbooks write it; a constant that changes is not found here, and its runbooks are to be changed."""
    return SPOKEN[duration]


_NUMBER = "|".join(WORDS)
QUANTITY = re.compile(
    rf"(?<![\w.])(?P<count>\d[\d.]*|{_NUMBER}) ?(?P<unit>(?<= )(?:{'|'.join(UNITS)})s?|(?<=\d)(?:{'|'.join(SHORT)})"
    rf"|(?<=\d )(?:{'|'.join(SHORT)})|%|[KMG]iB)(?!\w)"
    r"|\b(?:half|(?:a|two|three|four|nine) (?:third|quarter|fifth|tenth|twelfth)s?) (?=of|full|again)"
    r"|\btwice (?=as|of|within)",
)


_ROTATION = "kubelet: containerLogMaxSize and containerLogMaxFiles"
_BUCKETS = f"{LONGEST_LATENCY.milliseconds / 1000} s"
# Numbers that are no alert's, by runbook, each with where it comes from; ours are made of the constant itself.
FACTS = {
    "AgentAttributedBudgetSpent": {"24 hours": "agents: of_budgets", "30 days": "agents: of_budgets"},
    "AgentContextNearlyFull": {f"{FULL * 100:g} %": "agents: FULL"},
    "CollectorQueueFilling": {
        spoken(GIVE_UP): "collector: GIVE_UP",
        spoken(str(OUT_OF_ORDER_WINDOW)): "Prometheus: OUT_OF_ORDER_WINDOW",
        spoken(LONGEST_PAUSE): "collector: LONGEST_PAUSE",
    },
    "CollectorTelemetryLost": {
        spoken(GIVE_UP): "collector: GIVE_UP",
        spoken(str(OUT_OF_ORDER_WINDOW)): "Prometheus: OUT_OF_ORDER_WINDOW",
        "20 MiB": "Jaeger: otelcol's confighttp, max_request_body_size",
    },
    "CollectorTelemetryRefused": {f"{MESSAGE_MEBIBYTES} MiB": "collector: MESSAGE_MEBIBYTES"},
    "DependencyFailing": {"twice": "rules/services/alerts.py: DependencySlow against the day before"},
    "DiskInodesRunningLow": {"5 %": "kubelet: evictionHard nodefs.inodesFree"},
    "DiskSpaceRunningLow": {"10 %": "kubelet: evictionHard nodefs.available"},
    "ErrorBudgetBurn": {
        "2 %": "model/slo_alerts.py: the burn Fast",
        "5 %": "model/slo_alerts.py: the burn Steady",
        "10 %": "model/slo_alerts.py: the burns Slow and Creeping",
        "99.7 %": "model/slo_alerts.py: LATE, of the outage",
        "30 days": "an example: the usual window of an objective",
        "two days": "30 days at the fast burn's 14.4 times the even rate",
    },
    "JaegerTracesDecidedEarly": {"twice": "advice: room for a peak"},
    "InteractionTokenBudgetSpent": {
        "24 hours": "rules/interaction_backend/recordings.py: BUDGET_USED of a day",
        "30 days": "rules/interaction_backend/recordings.py: BUDGET_USED of a month",
    },
    "KubernetesClientCertificateExpires": {"a day": "a day and a half: 1.5 * 24 * 3600 in the alert's expression"},
    "KubernetesContainerHighMemoryUsage": {"three quarters": "advice: what a runtime needs beside its heap"},
    "KubernetesKubeletCertificateExpires": {
        "a twelfth": "the alert's own comparison with a life, which is no threshold",
        "10 %": "kubelet: it renews when 70 to 90 % of a certificate's life are over",
        "a day": "an example of a life",
        "45 days": "an example of a life",
    },
    "KubernetesKubeletSlow": {"three minutes": "kubelet: relistThreshold of PLEG"},
    "KubernetesPodPending": {"two minutes": "kubelet: the longest wait between mounts"},
    "KubernetesStateMetricsDown": {"0.2 MiB": "the setting systems.kubernetes.kubeStateMetrics says the same"},
    "LatencyRising": {"0.2 s": "rules/services/alerts.py: below, LatencyRising is quiet"},
    "LokiRetentionStuck": {"ten minutes": "Loki: compactor.compaction_interval"},
    "NodeClockSkew": {"a minute": "Kubernetes and most issuers of tokens: the leeway"},
    "NodeConntrackNearlyFull": {"a minute": "Linux: nf_conntrack_udp_timeout of 30 s"},
    "NodeFilesystemGone": {"half": "12 of 24 hourly looks in the alert's expression"},
    "OtelAgentBehind": {"10 MiB": _ROTATION},
    "OtelAgentQueueFilling": {"10 MiB": _ROTATION},
    "ProbedCertificateExpiring": {
        "a third": "the alert's own comparison with a life, which is no threshold",
        "six days": "Let's Encrypt: its short-lived certificates",
    },
    "PrometheusRemoteWrite": {"two hours": "Prometheus: how long the WAL is kept"},
    "PrometheusSamplesRejected": {spoken(str(OUT_OF_ORDER_WINDOW)): "Prometheus: OUT_OF_ORDER_WINDOW"},
    "PrometheusStorageFailing": {"two hours": "Prometheus: the length of a block"},
    "PromtailBehind": {"10 MiB": _ROTATION},
    "SloNoData": {"an hour": "model/slo_alerts.py: the alert's for, under the name of each objective"},
    "ServiceDown": {"a day": "rules/services/availability.py: SEEN"},
    "SlowAgentExecutions": {_BUCKETS: "the older conventions' last bucket"},
    "SlowModelResponses": {_BUCKETS: "the older conventions' last bucket"},
    "ProgressiveLowRequestRate": {"a week": "rules/progressive/alerts.py: last_week, and an hour more"},
    "SpansLost": {"20 MiB": "Jaeger: otelcol's confighttp, max_request_body_size"},
    "StackServerDown": {"50 MiB": _ROTATION},
    "StackServerRestarting": {
        "two minutes": "components/loki/component.py: its ring, then half a minute, then its write-ahead log"
    },
    "TrafficDropped": {"a week": "rules/services/past.py: ENOUGH hours are those of one week"},
    "TrafficSpike": {"a week": "rules/services/past.py: ENOUGH hours are those of one week"},
}


def prose(name: str) -> str:
    """A runbook without its queries, commands, and when to escalate, which is about people's patience."""
    text = written(name).partition("## When to escalate")[0]
    return re.sub(r"```.*?```|`[^`]*`|^    .*?$|^\d+\. ", " ", text, flags=re.DOTALL | re.MULTILINE)


def amount(count: str, unit: str) -> float | None:
    """In seconds, or how many times; None of what no expression says in these words."""
    each = (UNITS | SHORT).get(unit) or UNITS.get(unit.removesuffix("s"))
    return None if each is None else float(WORDS.get(count) or count) * each


def asked(name: str) -> set[float]:
    """The durations, in seconds, and numbers in the expressions of a runbook's alerts, names of recordings included."""
    parts = [(each.value, *((each.and_, each.unless) if isinstance(each, Alert) else ())) for each in ALERTS[name]]
    text = " ".join(expr for each in parts for expr in each)
    durations = {Duration.parse(each) for each in re.findall(r"(?<=[\[a-z_ ])\d+[smhdw](?![a-zA-Z\d])", text)}
    products = [prod(map(int, each.split(" * "))) for each in re.findall(r"\b\d+(?: \* \d+)*\b", text)]
    return {each.milliseconds / 1000 for each in durations} | set(map(float, products))


def unmatched(name: str) -> Iterator[str]:
    """The quantities in a runbook's prose that are in no expression of its alerts."""
    for found in QUANTITY.finditer(prose(name)):
        length = amount(found["count"], found["unit"]) if found["unit"] else None
        if length is None or length not in asked(name):
            yield found[0].strip()


@pytest.mark.parametrize("name", sorted(runbooks()))
def test_a_placeholder_names_a_number_of_an_alert_that_the_runbook_is_for(name: str) -> None:
    known = {(alert.name, number) for alert in ALERTS[name] for number in alert.numbers}
    assert placeholders(name) <= known


@pytest.mark.parametrize("name", sorted(runbooks()))
def test_a_number_in_a_runbook_is_an_alerts_or_a_known_fact(name: str) -> None:
    assert set(unmatched(name)) == set(FACTS.get(name, {}))


def test_facts_are_of_runbooks_that_are_there() -> None:
    assert set(FACTS) <= runbooks()


def test_a_runbook_names_one_severity_where_the_other_is_off() -> None:
    (alert,) = ALERTS["AgentRunsFailing"]
    alone = alert.changed(thresholds={Severity.WARNING: None})
    assert alone is not None
    assert "More than 20 % of an agent's runs" in filled(alert.name, {alert.name: alone.numbers})
