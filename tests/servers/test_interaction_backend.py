"""An interaction backend that fails in each way: every alert reaches those whom the example names, and resolves."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event, Thread
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from dashboards.listed import dashboards
from dashboards.queries import filled, prometheus_queries
from model.rules import Severity
from rules.interaction_backend import SYSTEM
from rules.interaction_backend.contract import CONTRACT
from rules.systems import EXAMPLE as EVERYTHING
from tests.conftest import NOTHING
from tests.test_interaction_backend import EXAMPLE, PEOPLE
from tools import stack_file
from tools.contract.check import problems
from tools.contract.reading import read
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_json, http_text, listens
from tools.local.receiving import Endpoints, endpoints
from tools.local.rendered import Rendered, changed
from tools.local.server import LocalServer
from tools.local.traces import Jaeger

SHORTER = (
    # The day before is three quarters of a minute ago; of budgets, a day and a month are a quarter and half a minute.
    ("offset 1d", "offset 45s"),
    ("offset 1w", "offset 10m"),  # before the first sample: in the first week nothing is usual
    ("[30d:1h]", "[30s:5s]"),
    ("[1d]", "[15s]"),
    ("[1h]", "[10s]"),
    ("[30m]", "[15s]"),
    ("[15m]", "[15s]"),
    ("[10m]", "[10s]"),
    ("[5m]", "[10s]"),
)
"""Ranges of rules, and what they are in this test: the same in seconds."""
LOWER: dict[str, dict[str, Any]] = {
    # A task of a minute would take a minute, and a budget cannot be spent to four fifths exactly.
    "InteractionDelegationsSlow": {"warning": 2},
    "InteractionTokensNearBudget": {"warning": 0.2},
}
PARTS: dict[str, dict[str, Any]] = {
    "InteractionGuardrailFailing": {"pii": "error"},
    "InteractionGuardrailDenialsRising": {"injection": "deny"},
    "InteractionAuthenticationFailing": {"identity": "refused"},
    "InteractionCacheHitsFell": {"answers": "miss"},
    "InteractionCacheSlow": {"sessions": 0.2},
    "InteractionCredentialsFailing": {"credentials": "missing"},
    "InteractionDelegationsFailing": {"planner": "ERROR_NETWORK"},
    "InteractionDelegationsSlow": {"researcher": 3},
    "InteractionModelLatencyRising": {"model": 6},
    "InteractionLatencyRising": {"first_event": 0.6},
    "InteractionTokensNearBudget": {"tokens": {"acme": 5000, "globex": 1000}},
    "InteractionTokenBudgetSpent": {"tokens": {"acme": 5000, "globex": 1000}},
}
"""How the backend behaves, by the alert that notices it."""
WARNINGS = {(alert, "warning") for alert in PARTS}


@dataclass
class Platform:
    """The backend, what watches it, and who is notified."""

    prometheus: LocalServer
    alertmanager: LocalServer
    jaeger: Jaeger
    receivers: Endpoints
    port: int
    client: httpx.Client
    home: Path
    exits: ExitStack
    process: Process | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """A new process of the backend, which takes the place of the old one."""
        if self.process:
            self.process.kill()
        argv = [sys.executable, "-m", "tests.platforms.interaction_backend", str(self.port)]
        log = self.home / f"backend-{time.time_ns()}.log"
        self.process = Process([*argv, f"{self.prometheus.url}/api/v1/otlp", self.jaeger.url_of(4318)], log=log)
        self.exits.enter_context(self.process)
        self.process.ready(partial(listens, self.port))

    def behave(self, **changes: Any) -> None:
        self.client.post(f"{self.url}/behave", json=changes).raise_for_status()

    def notified(self) -> set[tuple[str, str]]:
        """Names and severities of the alerts that no other one mutes."""
        found = http_json(f"{self.alertmanager.url}/api/v2/alerts?inhibited=false&active=true")
        ours = (each["labels"] for each in found if each["labels"]["system"] == SYSTEM.key)
        return {(labels["alertname"], labels["severity"]) for labels in ours}

    def settles(self) -> None:
        """Wait until all is well again."""
        self.behave()

        def quiet() -> bool:
            assert not (found := self.notified()), f"{found}"
            return True

        eventually(quiet, 90, "all is well")

    def told(self, receiver: str, status: str) -> set[tuple[str, str]]:
        """What a receiver was sent, ``firing`` or ``resolved``."""
        alerts = (alert for each in self.receivers.of(receiver) for alert in each.body["alerts"])
        found = (alert["labels"] for alert in alerts if alert["status"] == status)
        return {(labels["alertname"], labels["severity"]) for labels in found}

    def hears(self, severity: Severity, status: str, expected: set[tuple[str, str]], within: float) -> None:
        """Wait until those who are notified of a severity were sent all of these."""

        def there(receiver: str) -> bool:
            assert expected <= (found := self.told(receiver, status)), f"{sorted(expected - found)} are missing"
            return True

        for receiver in PEOPLE[severity]:
            eventually(partial(there, receiver), within, f"{receiver} hears that they are {status}")


def shorter(text: str) -> str:
    for long, short in SHORTER:
        text = text.replace(long, short)
    return text


def example(home: Path) -> Rendered:
    """`dev` with the example's routes, a webhook for each receiver, and rules that wait for seconds."""
    names = sorted({name for people in PEOPLE.values() for name in people})
    # A second has 20 requests of 100 tokens, and each sample stands for a minute.
    budgets = {"tenant": {"each": {"perDay": 30_000_000, "perMonth": 100_000_000}}}
    alerts = (alert.name for alert in SYSTEM.build(SYSTEM.example, EVERYTHING).alerts)
    changes: dict[str, Any] = {
        "prometheus": {"scrapeInterval": "5s", "evaluationInterval": "1s"},
        "systems": {
            **NOTHING,
            "agents": {"namespaces": ["interaction"], "prices": {"gpt-4o": {"input": 2.5, "output": 10}}},
            SYSTEM.key: {"namespaces": ["interaction"], "budgets": budgets},
        },
        "alerts": {name: {"for": "1s"} | LOWER.get(name, {}) for name in alerts},
        "notifications": {
            **dict.fromkeys(("groupWait", "criticalGroupWait", "groupInterval"), "1s"),
            "receivers": [{"name": name, "webhook": {"urlSecret": {"name": "urls", "key": name}}} for name in names],
            "routes": stack_file.read(EXAMPLE).config["notifications"]["routes"],
        },
    }
    made = changed(home / "stack", changes=changes)
    for rules in (each["data"] for each in made.of_kind("ConfigMap") if each["metadata"]["name"] == "prometheus-rules"):
        for path, text in rules.items():
            if path.startswith(("interaction", "agents")):
                rules[path] = re.sub(r"^(  interval:) .+$", r"\1 1s", shorter(text), flags=re.MULTILINE)
    return made


async def talk(url: str, ended: Event) -> None:
    """Twenty users a second, each with a message of a conversation."""
    async with httpx.AsyncClient(timeout=60, limits=httpx.Limits(max_connections=None)) as client:

        async def message(number: int) -> None:
            with suppress(httpx.HTTPError):  # the backend is started anew
                await client.post(f"{url}/ag-ui/events", json={"threadId": f"c-{number % 10}"})

        talking = set[asyncio.Task[None]]()
        number = 0
        while not ended.is_set():
            talking.add(task := asyncio.create_task(message(number := number + 1)))
            task.add_done_callback(talking.discard)
            await asyncio.sleep(0.05)


@pytest.fixture(scope="module")
def platform(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    home = tmp_path_factory.mktemp("interaction")
    made, account = example(home), Account.admin(control_plane)
    with ExitStack() as exits:
        receivers = exits.enter_context(endpoints())
        planted = {f"{name}-url": f"{receivers.url}/{name}" for people in PEOPLE.values() for name in people}
        alertmanager = LocalServer(made, "alertmanager", home / "alertmanager", planted=planted)
        exits.enter_context(alertmanager.running())
        jaeger = Jaeger(made, home / "jaeger")
        exits.enter_context(jaeger.running())
        prometheus = LocalServer(
            made,
            "prometheus",
            home / "prometheus",
            account,
            alertmanagers=[alertmanager.address],
            # What was pushed is gone so long after its process.
            faster=["--query.lookback-delta=15s", "--rules.alert.resend-delay=5s"],
        )
        process = exits.enter_context(prometheus.process())
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        port = free_port()
        made_platform = Platform(
            prometheus,
            alertmanager,
            jaeger,
            receivers,
            port,
            exits.enter_context(httpx.Client(timeout=10)),
            home,
            exits,
        )
        made_platform.start()
        ended = Event()
        users = Thread(target=lambda: asyncio.run(talk(made_platform.url, ended)))
        users.start()
        try:
            time.sleep(60)  # until there is a day before
            yield made_platform
        finally:
            ended.set()
            users.join()


def test_a_backend_that_is_well_notifies_nobody(platform: Platform) -> None:
    fired = query(platform.prometheus, f'count_over_time(ALERTS{{system="{SYSTEM.key}"}}[40s])')
    assert [each["metric"]["alertname"] for each in fired] == []


def test_each_part_that_fails_notifies_the_team_and_resolves(platform: Platform) -> None:
    platform.behave(**{name: value for changes in PARTS.values() for name, value in changes.items()})
    platform.hears(Severity.WARNING, "firing", WARNINGS, 60)
    platform.settles()
    platform.hears(Severity.WARNING, "resolved", WARNINGS, 20)
    assert not any(platform.told(receiver, "firing") for receiver in PEOPLE[Severity.CRITICAL]), "nobody is paged"


def test_streams_that_fail_and_start_late_page(platform: Platform) -> None:
    pages = {(name, "critical") for name in ("InteractionStreamsFailing", "InteractionFirstEventSlow")}
    platform.behave(stream="half", first_event=6)
    platform.hears(Severity.CRITICAL, "firing", pages, 60)
    assert ("InteractionLatencyRising", "warning") not in platform.notified(), "the slowest mute it"
    platform.settles()
    platform.hears(Severity.CRITICAL, "resolved", pages, 20)


def test_a_total_outage_is_one_page(platform: Platform) -> None:
    page = {("InteractionUnavailable", "critical")}
    platform.behave(stream="error")
    platform.hears(Severity.CRITICAL, "firing", page, 60)
    eventually(lambda: platform.notified() == page, 30, "it mutes the others")
    platform.settles()
    platform.hears(Severity.CRITICAL, "resolved", page, 20)


def test_every_metric_of_the_contract_is_emitted_as_it_says_and_arrives(platform: Platform) -> None:
    exported = read(platform.client.get(f"{platform.url}/exported").text)
    assert list(problems(CONTRACT, exported)) == []
    names = {f"{each.name}{'_bucket' if each.buckets else ''}" for part in CONTRACT.parts for each in part.emits}
    stored = query(platform.prometheus, 'group by (__name__) ({service_name="backend"})')
    assert names <= {each["metric"]["__name__"] for each in stored}


def test_a_conversation_is_found_by_its_id(platform: Platform) -> None:
    asked = urlencode({"service": "backend", "lookback": "1h", "tags": '{"gen_ai.conversation.id": "c-1"}'})
    traces = http_json(platform.jaeger.url_of(16686, f"{platform.jaeger.base}/api/traces?{asked}"))["data"]
    assert {span["operationName"] for trace in traces for span in trace["spans"]} == {"ag-ui run", "chat gpt-4o"}
    (log,) = platform.home.glob("backend-*.log")
    lines = [json.loads(line) for line in log.read_text().splitlines() if '"conversation_id": "c-1"' in line]
    assert {trace["traceID"] for trace in traces} & {line["trace_id"] for line in lines}
    for field in ("input_tokens", "output_tokens", "total_tokens", "cost_usd", "model", "user_id"):
        assert all(field in line for line in lines), f"the dashboard asks for {field}"


def test_every_panel_has_data(platform: Platform) -> None:
    settings = stack_file.settings(platform.home / "stack" / "Pulumi.dev.yaml")
    asked = {
        f"{panel.title}: {shown.expr}": shorter(filled(shown.expr))
        for dashboard in dashboards(settings.systems_on, settings.watched, settings.cluster)
        if dashboard.uid == SYSTEM.dashboard
        for panel, shown in prometheus_queries(dashboard)
    }
    assert len(asked) > 30
    assert [panel for panel, expr in asked.items() if not query(platform.prometheus, expr)] == []


def test_a_service_has_few_series(platform: Platform) -> None:
    emitted = "|".join(name for metric in CONTRACT.metrics for name in metric.series)
    found = query(platform.prometheus, f'count({{__name__=~"{emitted}|interaction.*:.+"}})')
    assert 100 < int(found[0]["value"][1]) < 400


def test_too_many_tenants_notify_the_team_until_the_backend_counts_fewer(platform: Platform) -> None:
    overflow = ("InteractionAttributionOverflow", "warning")
    platform.behave(tenants=61)  # no multiple of the three numbers that a message takes: else only every third tenant
    platform.hears(Severity.WARNING, "firing", {overflow}, 60)
    most = query(platform.prometheus, 'count(interaction_dimension:tokens:rate5m{dimension="tenant"})')
    assert most[0]["value"][1] == "51", "fifty, and all others"
    platform.start()
    platform.settles()
    platform.hears(Severity.WARNING, "resolved", {overflow}, 20)
