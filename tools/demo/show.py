"""The steps of the demo: the model goes down, people are notified; it is up again, people are notified."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tools.demo.platform import MODEL, NAMESPACE
from tools.demo.stack import CHAT, ON_CALL, PRICES, Stack
from tools.demo.stores import STORES
from tools.local.harness import http_json
from tools.local.receiving import Endpoints, Posted

ALERT = "TargetDown"
"""The alert of the show. Servers of models are scraped, so it fires within seconds. The alerts on agents are evaluated
once a minute over half an hour: they fire if the model is down for long enough."""
SLOW_ALERT = "AgentRunsFailing"
HEALTHY = 8.0
"""Seconds before the outage, for comparison."""
RECOVERY = 15.0
"""Seconds at the end of an unattended show, in which the alert resolves."""
LATE = 30.0
"""Additional seconds after which the show fails."""
LONGEST_OUTAGE = 180.0
"""Maximum seconds of an outage without ``SECONDS``, for the slower alerts."""
SHORTEST = HEALTHY + RECOVERY + 7

TOKENS = 'gen_ai_client_token_usage_sum{job=~"planner|researcher"'
RUNS = 'gen_ai_invoke_agent_duration_seconds_count{gen_ai_agent_name="planner"'
_TERMS = [
    f'sum({TOKENS}, gen_ai_request_model="{model}", gen_ai_token_type="{kind}"}}) * {price / 1e6:.9f}'
    for model, prices in PRICES.items()
    for kind, price in prices.items()
]
COST = " + ".join(f"({term} or vector(0))" for term in _TERMS)
"""USD since the start of the agents."""

CHARTS: Mapping[str, Mapping[str, str]] = {
    "Runs of agents, per second": {
        "succeeded": f'sum(rate({RUNS}, error_type=""}}[5s]))',
        "failed": f'sum(rate({RUNS}, error_type!=""}}[5s]))',
    },
    "Requests to models, per second": {
        "answered": 'sum(rate(gen_ai_client_operation_duration_seconds_count{error_type=""}[5s]))',
        "failed": 'sum(rate(gen_ai_client_operation_duration_seconds_count{error_type!=""}[5s]))',
    },
    "Tokens, per second": {
        "input": f'sum(rate({TOKENS}, gen_ai_token_type="input"}}[5s]))',
        "output": f'sum(rate({TOKENS}, gen_ai_token_type="output"}}[5s]))',
    },
    "Cost so far, USD": {"cost": COST},
}


@dataclass(frozen=True)
class Event:
    """An event of the show."""

    at: float
    """Seconds since the show began."""
    kind: str
    """broken, mended, alert or told."""
    what: str


@dataclass(frozen=True)
class Change:
    """A new state of an alert on the agents: pending, firing, inactive."""

    at: float
    name: str
    state: str


@dataclass(frozen=True)
class Message:
    """A notification."""

    at: float
    receiver: str
    title: str
    text: str
    accepted: bool


@dataclass
class Show:
    """A running show; ``seconds`` is its length, None for as long as somebody watches."""

    stack: Stack
    services: Endpoints
    seconds: float | None
    say: Callable[[str], None]
    began: float = field(default_factory=time.time)
    events: list[Event] = field(default_factory=list)
    alerts: list[Change] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    _states: dict[str, str] = field(default_factory=dict)
    _read: int = field(init=False)
    """Number of messages that were read. Earlier ones are about a model that had not been started yet."""
    _clock: float = field(default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self._read = len(self.services.posted)

    @property
    def now(self) -> float:
        return time.monotonic() - self._clock

    @property
    def delivered(self) -> bool:
        return self._told("FIRING")

    @property
    def resolved(self) -> bool:
        return self._told("RESOLVED")

    def _told(self, state: str) -> bool:
        """Whether a notification with this state was accepted since the outage began."""
        since = next((event.at for event in self.events if event.kind == "broken"), self.now)
        return any(
            message.accepted and message.at > since and {ALERT, state} <= set(re.split(r"\W+", message.title))
            for message in self.messages
        )

    def run(self) -> None:
        """Run the whole show, until the alert is resolved or its time is over."""
        said, broken, mended = 0.0, False, False
        while not self._over():
            self._look()
            if not broken and self.now >= HEALTHY:
                self.stack.agents.kill(MODEL)
                self._happened("broken", "the agents' model is killed")
                broken = True
            if broken and not mended and self._long_enough():
                self.stack.agents.start(MODEL)
                self._happened("mended", "the model is started again")
                mended = True
            if self.now - said >= 10:  # often enough to show that it runs
                said = self.now
                self.say("        " + ", ".join(f"{number:g} {what}" for what, number in self.numbers().items()))
            time.sleep(0.5)
        self._look()

    def watch(self) -> None:
        """Continue until somebody ends it."""
        while True:
            self._look()
            time.sleep(1)

    def _over(self) -> bool:
        if self.seconds is None:
            return self.resolved or self.now > LONGEST_OUTAGE + LATE + HEALTHY
        if any(not message.accepted for message in self.messages):
            return True  # nothing that comes would make it a success
        return self.now > self.seconds and (self.resolved or self.now > self.seconds + LATE)

    def _long_enough(self) -> bool:
        """Whether the model was down for long enough."""
        if self.seconds is not None:
            return self.now > self.seconds - RECOVERY
        slower = any(SLOW_ALERT in message.title for message in self.messages)
        return (self.delivered and slower) or self.now > HEALTHY + LONGEST_OUTAGE

    def _look(self) -> None:
        """Record new states of alerts on the agents, and new messages."""
        found = http_json(f"{self.stack.prometheus.url}/api/v1/alerts")["data"]["alerts"]
        states = {
            f"{alert['labels']['alertname']} ({alert['labels']['severity']})": str(alert["state"])
            for alert in found
            if alert["labels"].get("namespace") == NAMESPACE
        }
        for name in self._states.keys() | states.keys():
            state = states.get(name, "inactive")
            if state != self._states.get(name, "inactive"):
                self.alerts.append(Change(self.now, name, state))
                self._happened("alert", f"{name} is {state}")
        self._states = states
        for posted in self.services.posted[self._read :]:
            self._read += 1
            message = self._as_read(posted)
            self.messages.append(message)
            self._happened(
                "told", f"{message.receiver} {'is notified' if message.accepted else 'refuses'}: {message.title}"
            )

    def _as_read(self, posted: Posted) -> Message:
        """A message of Slack or PagerDuty as a person reads it."""
        at, accepted = posted.at - self._clock, posted.status < 400
        if "attachments" in posted.body:
            (attachment,) = posted.body["attachments"]
            return Message(at, CHAT, attachment["title"], attachment["text"], accepted)
        payload = posted.body.get("payload", {})
        details = "\n".join(str(detail) for detail in payload.get("custom_details", {}).values() if detail)
        return Message(at, ON_CALL, payload.get("summary", posted.body["event_action"]), details, accepted)

    def _happened(self, kind: str, what: str) -> None:
        self.events.append(Event(self.now, kind, what))
        self.say(f"{self.now:5.0f} s  {what}")

    def numbers(self) -> dict[str, float]:
        """Figures of the platform so far: targets, rules, runs, tokens, spans and so on."""
        number = self.stack.number
        targets = self.stack.targets()
        return {
            "targets up": sum(target["health"] == "up" for target in targets),
            "rules": self.stack.rules(),
            "runs": number(f"{RUNS}}}"),
            "failed runs": number(f'{RUNS}, error_type!=""}}'),
            "tokens": number(f"{TOKENS}}}"),
            "USD": round(number(COST), 4),
            "spans": number('otelcol_exporter_sent_spans_total{job="otel-collector"}'),
            **({"log lines": self.stack.loki.count(f'{{namespace="{NAMESPACE}"}}')} if self.stack.has_logs else {}),
        }

    def summary(self) -> dict[str, Any]:
        """The result, for machines and for the page."""
        end = time.time()
        return {
            "stack": self.stack.rendered.stack,
            "seconds": round(self.now, 1),
            "alert": ALERT,
            "delivered": self.delivered,
            "resolved": self.resolved,
            "numbers": self.numbers(),
            "urls": dict(self.stack.urls()),
            "events": [asdict(event) for event in self.events],
            "alerts": [asdict(change) for change in self.alerts],
            "messages": [asdict(message) for message in self.messages],
            "stores": {key: self.stack.number(STORES[key].busy) for key in self.stack.systems},
            "platforms": {
                each.key: {"per second": self.stack.number(each.busy), "alerts": self._firing(each.key)}
                for each in self.stack.applications.platforms
            },
            "charts": {
                title: {name: self._series(expression, end) for name, expression in lines.items()}
                for title, lines in CHARTS.items()
            },
        }

    def _firing(self, system: str) -> list[str]:
        """Names of the alerts of a system that fire."""
        found = self.stack.query("query", query=f'ALERTS{{alertstate="firing", system="{system}"}}')
        return sorted({series["metric"]["alertname"] for series in found})

    def _series(self, expression: str, end: float) -> list[tuple[float, float]]:
        """Values of a query over the show, by seconds since its start."""
        step = max(1.0, (end - self.began) / 600)  # a value per pixel
        found = self.stack.query("query_range", query=expression, start=self.began, end=end, step=step)
        return [(round(at - self.began, 1), float(value)) for series in found for at, value in series["values"]]
