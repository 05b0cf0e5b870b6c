"""Alerts of Agent Hive; comments give the reason for each number."""

from __future__ import annotations

from model.metrics import Unit
from model.quantities import Duration
from model.rules import Alert, Group, Inhibition, Recording, Severity
from model.slo import Symptom
from rules.agent_hive import contract
from rules.agent_hive.contract import ACTIVE, IDLE, ORCHESTRATOR, WEBHOOKS
from rules.agent_hive.settings import AgentHiveSettings
from rules.platforms import SAME, SERVICE, up
from rules.services.inhibitions import DOWN as SERVICE_DOWN
from rules.services.inhibitions import NOT_READY
from rules.stores import mutes

_OF = f'job="{ORCHESTRATOR.job}"'
UP = "agent_hive:up:max"
COORDINATION = "agent_hive:coordination_latency_seconds:p95_5m"
API_DURATION = "agent_hive:external_api_duration_seconds:p95_5m"
CONFIDENCE = "agent_hive:decision_confidence_score:mean15m"
ACCURACY = "agent_hive:learning_accuracy:ratio"
API = f"{SERVICE}, api"
TYPE = f"{SERVICE}, agent_type"
MODEL = f"{SERVICE}, model_type"
_NAMED = "{{ $labels.service }} ({{ $labels.namespace }})"
_MODEL = "{{ $labels.model_type }} model"
_OFTEN = 20 / 300
"""Events per second: 20 in five minutes. Of fewer, one that fails or is slow is more than 5 %."""


def rate(metric: str, by: str, range_: str = "5m", **matchers: str) -> str:
    """PromQL: events per second of a counter of the orchestrator."""
    chosen = "".join(f', {label}=~"{value}"' for label, value in matchers.items())
    return f"sum by ({by}) (rate({metric}{{{_OF}{chosen}}}[{range_}]))"


def quantile(share: float, histogram: str, by: str) -> str:
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', f'{by}, le')})"


def _ratio(counter: str, by: str, **matchers: str) -> str:
    """PromQL: the share of events with these labels; 0 if none has them."""
    every = rate(counter, by)
    return f"({rate(counter, by, **matchers)} or 0 * {every}) / {every}"


def _mean(histogram: str) -> str:
    return f"{rate(f'{histogram}_sum', SERVICE, '15m')} / {rate(f'{histogram}_count', SERVICE, '15m')}"


FAILURES = _ratio(contract.TASKS.name, TYPE, status="error")
API_ERRORS = _ratio(contract.API_REQUESTS.name, API, status_code="5..|429|timeout|error")

DOWN = Alert(
    name="AgentHiveDown",
    value=UP,
    below={Severity.CRITICAL: 1},
    for_=Duration.parse("2m"),  # a single pod that moves to another node is back by then
    summary="A program of Agent Hive is down.",
    description=f"No pod of {_NAMED} answers.",
)
SLOW = Alert(
    name="AgentHiveHighCoordinationLatency",
    value=COORDINATION,
    # Agents wait for each step of a plan: of ten steps, half a second each is five, and a second each is ten.
    above={Severity.WARNING: 0.5, Severity.CRITICAL: 1},
    and_=f"{rate(f'{contract.COORDINATION.name}_count', SERVICE)} > {_OFTEN:.3g}",
    unit=Unit.SECONDS,
    for_=Duration.parse("2m"),  # the range is five minutes already
    labels={"symptom": Symptom.LATENCY.value},
    summary="Agents are coordinated slowly.",
    description=f"One in twenty coordinations by {_NAMED} takes longer than {{{{ $value | humanizeDuration }}}}.",
)
FEW_AGENTS = Alert(
    name="AgentHiveLowActiveAgents",
    # One that waits for work is as good as one that works: at night all wait.
    value=f'sum by ({SERVICE}) ({contract.AGENTS.name}{{{_OF}, status=~"{ACTIVE}|{IDLE}"}})'
    f" or 0 * sum by ({SERVICE}) ({UP}{{{_OF}}} == 1)",
    # With two, one that fails leaves no second opinion; with none, nothing is done.
    below={Severity.WARNING: 3, Severity.CRITICAL: 1},
    for_=Duration.parse("2m"),  # longer than a restart of the orchestrator, after which agents register again
    summary="Agent Hive has too few agents.",
    description=f"{_NAMED} has {{{{ $value }}}} agents that work or wait for work.",
)
FAILING = Alert(
    name="AgentHiveHighTaskFailureRate",
    value=FAILURES,
    # Retries hide one in ten. If half fail, the result of nearly every plan is lost.
    above={Severity.WARNING: 0.1, Severity.CRITICAL: 0.5},
    and_=f"{rate(contract.TASKS.name, TYPE)} > {_OFTEN:.3g}",
    unit=Unit.RATIO,
    for_=Duration.parse("3m"),  # the range is five minutes already
    labels={"symptom": Symptom.ERRORS.value},
    summary="Tasks of agents fail.",
    description=f"{{{{ $value | humanizePercentage }}}} of the tasks of {{{{ $labels.agent_type }}}} agents fail"
    f" in {_NAMED}.",
)
STUCK = Alert(
    name="AgentHiveTasksStuck",
    value=f"sum by ({SERVICE}) (min_over_time({contract.QUEUE.name}{{{_OF}}}[10m])) > 0"
    f" unless {rate(contract.TASKS.name, SERVICE, '10m')} > 0",
    severity=Severity.CRITICAL,
    for_=Duration.parse("5m"),  # with the range a quarter of an hour, longer than a task usually takes
    summary="Tasks wait, and none ends.",
    description=f"In {_NAMED}, {{{{ $value }}}} tasks or more have waited for ten minutes, and none ended.",
)
API_SLOW = Alert(
    name="AgentHiveExternalAPIHighLatency",
    value=API_DURATION,
    above={Severity.WARNING: 5},  # half of the ten seconds after which clients usually give up
    and_=f"{rate(f'{contract.API_DURATION.name}_count', API)} > {_OFTEN:.3g}",
    unit=Unit.SECONDS,
    for_=Duration.parse("5m"),  # a provider's short peak is over by then
    runbook="AgentHiveExternalAPIHighErrorRate",
    summary="An external API answers slowly.",
    description=f"One in twenty requests from {_NAMED} to {{{{ $labels.api }}}} takes longer than"
    " {{ $value | humanizeDuration }}.",
)
API_FAILING = Alert(
    name="AgentHiveExternalAPIHighErrorRate",
    value=API_ERRORS,
    # Retries hide one in twenty for a while. If half fail, what needs that API stands still.
    above={Severity.WARNING: 0.05, Severity.CRITICAL: 0.5},
    and_=f"{rate(contract.API_REQUESTS.name, API)} > {_OFTEN:.3g}",
    unit=Unit.RATIO,
    for_=Duration.parse("2m"),  # the range is five minutes already
    summary="Requests to an external API fail.",
    description=f"{{{{ $value | humanizePercentage }}}} of the requests from {_NAMED} to {{{{ $labels.api }}}} fail,"
    " time out, or are refused by its rate limit.",
)
UNSURE = Alert(
    name="AgentHiveLowDecisionConfidence",
    value=CONFIDENCE,
    below={Severity.WARNING: 0.7},  # below it, the framework's decisions are usually reviewed by a person
    and_=f"{rate(f'{contract.CONFIDENCE.name}_count', SERVICE, '15m')} > {20 / 900:.3g}",  # 20 in the range
    unit=Unit.RATIO,
    for_=Duration.parse("5m"),  # the range is a quarter of an hour already
    summary="Decisions have a low confidence.",
    description=f"The mean confidence of decisions in {_NAMED} is {{{{ $value | humanizePercentage }}}}.",
)
INACCURATE = Alert(
    name="AgentHiveMachineLearningAccuracyDrop",
    value=ACCURACY,
    below={Severity.WARNING: 0.8},  # one in five wrong is more than people correct by hand
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # an evaluation that is repeated
    summary="A model's accuracy is low.",
    description=f"The {_MODEL} of {_NAMED} is right in {{{{ $value | humanizePercentage }}}}.",
)
WORSE = Alert(
    name="AgentHiveMachineLearningAccuracyFalling",
    value=f"avg_over_time({ACCURACY}[7d]) - {ACCURACY}",
    above={Severity.WARNING: 0.05},  # more than evaluations of the same model usually differ by
    and_=f"{ACCURACY} offset 1d > 0",  # a mean of less than a day is no habit
    unit=Unit.RATIO,
    for_=Duration.parse("1h"),  # evaluations are hours apart
    summary="A model's accuracy has fallen.",
    description=f"The {_MODEL} of {_NAMED} is {{{{ $value | humanizePercentage }}}} less often right than in the mean"
    " of a week.",
    runbook=INACCURATE.name,
)
FORGED = Alert(
    name="AgentHiveWebhookSignaturesFail",
    value=f'sum by ({SERVICE}) (increase({contract.EVENTS.name}{{job="{WEBHOOKS.job}", result="bad_signature"}}[15m]))',
    above={Severity.WARNING: 10},  # a sender with an old secret repeats a few times; a scan does so on and on
    for_=Duration.parse("5m"),
    owner="security",
    summary="Webhooks have wrong signatures.",
    description=f"{_NAMED} refused {{{{ $value | humanize }}}} webhooks with a wrong signature in 15 minutes.",
)


def groups(settings: AgentHiveSettings, *, of_cluster: bool) -> tuple[Group, ...]:
    """``of_cluster`` says whether the system `kubernetes` is on."""
    expected = tuple((part.job, settings.namespace, program.service) for part, program in settings.programs)
    latencies = (
        Recording(name=COORDINATION, expr=quantile(0.95, contract.COORDINATION.name, SERVICE)),
        Recording(name=API_DURATION, expr=quantile(0.95, contract.API_DURATION.name, API)),
        Recording(name=CONFIDENCE, expr=_mean(contract.CONFIDENCE.name)),
    )
    accuracy = Recording(name=ACCURACY, expr=f"max by ({MODEL}) ({contract.ACCURACY.name}{{{_OF}}}) / 100")
    webhooks = (FORGED,) if settings.webhook_server else ()
    return (
        Group("agent-hive-up", (*up(UP, expected, of_cluster=of_cluster), DOWN, FEW_AGENTS)),
        Group("agent-hive", (*latencies, SLOW, FAILING, STUCK, API_SLOW, API_FAILING, UNSURE, *webhooks)),
        Group("agent-hive-models", (accuracy, INACCURATE, WORSE), Duration.parse("5m")),
    )


INHIBITIONS = (
    # Without the orchestrator, nothing else is known of it.
    mutes(DOWN, FEW_AGENTS, SLOW, FAILING, STUCK, API_SLOW, API_FAILING, UNSURE, FORGED, of=SAME),
    mutes(FEW_AGENTS, STUCK, FAILING, SLOW, of=SAME, severity="critical"),
    Inhibition(
        source={"alertname": DOWN.name},
        target={"alertname": f"TargetDown|{SERVICE_DOWN}|{NOT_READY}"},
        equal=("environment", *SAME.split(", ")),
    ),
    # What fails or hangs because of an API.
    mutes(API_FAILING, FAILING, API_SLOW, of=SAME, severity="critical"),
    mutes(INACCURATE, WORSE, of=f"{SAME}, model_type"),
)
