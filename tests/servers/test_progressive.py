"""Progressive watched for real: a small one in production and in staging, whose every failure notifies its people."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from model.contract import Contract, Part
from model.rules import Recording
from rules.progressive.alerts import NUTRITION, REQUESTS, USERS, WORKOUTS
from rules.progressive.contract import AGENTS, CONTRACT, CORE
from rules.render import rule_group
from tests.conftest import NOTHING
from tests.rules.promtool import PLACE, WATCHED, run, write
from tests.servers.platforms import Proof, hurry
from tools import stack_file
from tools.contract.check import problems
from tools.contract.reading import read
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, eventually, free_port, http_text
from tools.local.platforms import PLATFORMS
from tools.local.receiving import endpoints
from tools.local.rendered import Manifest, Rendered, changed
from tools.local.server import LocalServer
from tools.recorder import ROOT

PRODUCTION, STAGING = "progressive-framework-prod", "progressive-framework-staging"
APPLICATION = PLATFORMS["progressive"]
PROGRAMS = dict(zip(("core", *AGENTS), APPLICATION.programs, strict=True))
PORT = free_port()
"""Of every program: each has an address of its own on this machine."""
ADDRESSES = {
    (PRODUCTION, "core"): "127.0.2.1",
    (STAGING, "core"): "127.0.2.2",
    **{(PRODUCTION, kind): f"127.0.2.{number}" for number, kind in enumerate(AGENTS, start=3)},
}
PAGED = {"critical-chat", "on-call", "on-call-mail"}
WARNED = {"warning-chat"}
Alert = tuple[str, str]


@dataclass
class Progressive:
    proof: Proof
    home: Path
    exits: ExitStack
    processes: dict[tuple[str, str], Process]

    def start(self, place: tuple[str, str]) -> None:
        address = f"{ADDRESSES[place]}:{PORT}"
        argv = APPLICATION.argv(PROGRAMS[place[1]], address)
        log = self.home / f"{'-'.join(place)}.log"
        self.processes[place] = self.exits.enter_context(Process(argv, log=log))

    def behave(self, kind: str, namespace: str = PRODUCTION, **changes: Any) -> None:
        """Nothing else is wrong with that program any more."""
        http_text(f"http://{ADDRESSES[namespace, kind]}:{PORT}/", body=json.dumps(changes).encode())

    def settled(self) -> None:
        for namespace, kind in ADDRESSES:
            self.behave(kind, namespace)
        self.proof.fires()
        self.proof.notifies()

    def reached(self, alert: Alert, receivers: set[str], status: str = "firing") -> None:
        received = partial(self.proof.received, *alert, status)
        eventually(lambda: received() == receivers, 60, f"{alert} reaches {sorted(receivers)}: {status}")


def stack(home: Path) -> Rendered:
    """The stack `dev` with the platform alone, and the example's routes to local receivers. It hurries."""
    given = stack_file.read(ROOT / "examples" / "progressive" / "Pulumi.prod.yaml").config["notifications"]
    people = [each["name"] for each in given["receivers"] if "deadMan" not in each]
    hooks = [{"name": name, "webhook": {"urlSecret": {"name": "hooks", "key": name}}} for name in people]
    routes = [{key: value for key, value in route.items() if key != "groupInterval"} for route in given["routes"]]
    quick = {"groupWait": "1s", "criticalGroupWait": "1s", "groupInterval": "1s"}
    made = changed(
        home / "stack",
        changes={
            "cluster": {"namespaces": {"stack": "proof-progressive", "nodeAgents": "proof-progressive-nodes"}},
            "prometheus": {"scrapeInterval": "1s", "evaluationInterval": "1s"},
            "systems": {**NOTHING, "progressive": {"agents": {"port": PORT}}},
            "notifications": {**given, **quick, "receivers": hooks, "routes": routes},
        },
    )
    hurry(made)
    for config in (each for each in made.of_kind("ConfigMap") if "data" in each):
        data: dict[str, str] = config["data"]
        # The burn of a budget takes hours, and would mute what is tried here.
        config["data"] = {name: text for name, text in data.items() if not name.startswith("slo-progressive")}
        if "progressive-demand.yml" in data:
            config["data"]["progressive-demand.yml"] = _demand(data["progressive-demand.yml"])
        if f"{CORE.job}.yml" in data:
            config["data"][f"{CORE.job}.yml"] = _local(data[f"{CORE.job}.yml"])
    return made


def _demand(rules: str) -> str:
    """An hour is ten seconds, and a week is half a minute ago; 3600 requests an hour are 10 in ten seconds."""
    usual = rules.replace("[120s] offset 10s", "[5s] offset 30s")
    return usual.replace("[120s]", "[10s]").replace("> 3600", "> 10")


def _local(job: str) -> str:
    """The core's discovered pods are at addresses of this machine."""
    steps = "".join(
        f"  - source_labels: [namespace]\n    regex: {namespace}\n    target_label: __address__\n"
        f"    replacement: {ADDRESSES[namespace, 'core']}:{PORT}\n"
        for namespace in (PRODUCTION, STAGING)
    )
    assert job.count("  - target_label: cluster\n") == 1
    return job.replace("  - target_label: cluster\n", f"{steps}  - target_label: cluster\n")


def place(plane: ControlPlane) -> None:
    """The programs as the cluster lists them."""
    for namespace in (PRODUCTION, STAGING):
        plane.namespace(namespace)
    plane.apply(*(_pod(*each) for each in ADDRESSES), *(_slice(namespace) for namespace in (PRODUCTION, STAGING)))
    for (namespace, kind), address in ADDRESSES.items():
        where = (f"--namespace={namespace}", "--subresource=status")
        running = partial(plane.get, "pod", kind, f"--namespace={namespace}")
        eventually(lambda running=running: running()["status"].get("phase") == "Running", 60, f"{kind} runs")  # type: ignore[misc]  # mypy types no lambda with a default
        patch = json.dumps({"status": {"podIP": address, "podIPs": [{"ip": address}]}})
        plane.kubectl("patch", "pod", kind, *where, "--type=merge", f"--patch={patch}")


def _pod(namespace: str, kind: str) -> Manifest:
    about = {"name": kind, "namespace": namespace, "labels": PROGRAMS[kind].pod_labels}
    container = {"name": "app", "image": "progressive:5", "ports": [{"containerPort": number} for number in (80, 3000)]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": about, "spec": {"containers": [container]}}


def _slice(namespace: str) -> Manifest:
    service = PROGRAMS["core"].name
    labels = {"kubernetes.io/service-name": service}
    pod = {"kind": "Pod", "name": "core", "namespace": namespace}
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {"name": service, "namespace": namespace, "labels": labels},
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["192.0.2.1"], "conditions": {"ready": True}, "targetRef": pod}],
        "ports": [{"name": "http", "port": 3000, "protocol": "TCP"}],
    }


def test_a_budget_that_burns_in_staging_is_staging_s(tmp_path: Path) -> None:
    groups = [rule_group(group, PLACE) for group in WATCHED.groups if group.name == "slo-progressive-core-errors"]
    series = {
        f'progressive_http_requests_total{{job="{CORE.job}", cluster="c-1", environment="{environment}",'
        f' namespace="{environment}-1", service="core", status_code="{status}"}}': "0+100x60"
        for environment, status in (("production", "200"), ("staging", "200"), ("staging", "503"))
    }
    burning = 'ALERTS{alertname="ProgressiveCoreErrorsErrorBudgetBurnFast", alertstate="firing"}'
    labels = '{environment="staging", namespace="staging-1", value="staging-1"}'
    asked = f"sum by (environment, namespace, value) ({burning})"
    tried = {"expr": asked, "eval_time": "30m", "exp_samples": [{"labels": labels, "value": 1}]}
    given = [{"series": name, "values": values} for name, values in series.items()]
    test = {"name": "burns", "interval": "1m", "input_series": given, "promql_expr_test": [tried]}
    write(tmp_path, "burns", groups, [test])
    assert run(tmp_path) == {"burns": ""}


@pytest.fixture(scope="module")
def running(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Progressive]:
    home = tmp_path_factory.mktemp("progressive")
    made = stack(home)
    with ExitStack() as exits:
        receivers = exits.enter_context(endpoints())
        hooks = {f"{name}-url": f"{receivers.url}/{name}" for name in _receivers()}
        alertmanager = LocalServer(made, "alertmanager", home / "alertmanager", planted=hooks)
        control_plane.namespace(alertmanager.rendered.namespace)
        place(control_plane)
        account = Account.granted(control_plane, made, "prometheus")
        prometheus = LocalServer(made, "prometheus", home / "prometheus", account, alertmanagers=[alertmanager.address])
        found = Progressive(Proof(prometheus, alertmanager, receivers, "progressive"), home, exits, {})
        for each in ADDRESSES:
            found.start(each)
        for each, process in found.processes.items():
            process.ready(partial(http_text, f"http://{ADDRESSES[each]}:{PORT}/metrics"))
        exits.enter_context(alertmanager.running())
        process = exits.enter_context(prometheus.process())
        process.ready(lambda: http_text(f"{prometheus.url}/-/ready"))
        eventually(lambda: found.proof.value('sum(up{job=~"progressive-.+"})') == len(ADDRESSES), 60, "all are scraped")
        yield found


def _receivers() -> list[str]:
    given = stack_file.read(ROOT / "examples" / "progressive" / "Pulumi.prod.yaml").config["notifications"]
    return [each["name"] for each in given["receivers"]]


@pytest.fixture
def progressive(running: Progressive) -> Progressive:
    """What its receivers were sent before is not this test's."""
    running.proof.receivers.posted.clear()
    return running


def labels_of(progressive: Progressive, expression: str) -> list[Mapping[str, str]]:
    return [each["metric"] for each in query(progressive.proof.prometheus, expression)]


def test_it_emits_what_its_contract_asks_for(progressive: Progressive) -> None:
    for namespace, kind in ADDRESSES:
        progressive.behave(kind, namespace, failing=0.5)
    for part in CONTRACT.parts:
        for series in (series for metric in part.metrics for series in metric.series):
            stored = partial(progressive.proof.value, f'count({series}{{job="{part.job}", namespace="{PRODUCTION}"}})')
            eventually(stored, 60, f"{series} is stored")
    for (_, kind), address in ADDRESSES.items():
        (part,) = (part for part in CONTRACT.parts if (part is CORE) == (kind == "core"))

        def wrong(part: Part = part, address: str = address) -> list[str]:
            return list(problems(Contract((part,)), read(http_text(f"http://{address}:{PORT}/metrics"))))

        eventually(lambda wrong=wrong: wrong() == [], 30, f"{kind} emits all")  # type: ignore[misc]  # mypy types no lambda with a default


def test_a_series_has_the_labels_that_alerts_and_routes_read(progressive: Progressive) -> None:
    (core,) = labels_of(progressive, f'up{{job="progressive-framework-v5", namespace="{STAGING}"}}')
    assert (core["environment"], core["service"], core["pod"]) == ("staging", "progressive-framework-v5", "core")
    for kind in AGENTS:
        (agent,) = labels_of(progressive, f'progressive_agent_memory_usage_bytes{{agent_type="{kind}"}}')
        assert (agent["environment"], agent["service"], agent["agent_tier"]) == ("production", kind, "agents")
        assert "exported_agent_type" not in agent


def test_a_healthy_one_notifies_nobody_and_fills_every_panel(progressive: Progressive) -> None:
    progressive.settled()
    eventually(lambda: progressive.proof.empty_panels() == [], 90, "every panel has data")
    progressive.proof.notifies()


def test_what_is_worse_than_usual_is_a_ticket(progressive: Progressive) -> None:
    progressive.behave("core", failing=0.3, seconds=3, lag=1)
    progressive.behave("mca", uncoordinated=True)
    progressive.behave("npa", failing=0.4, memory=2**31)
    progressive.behave("wpa", seconds=12)
    of_core = {"ProgressiveHighErrorRate", "ProgressiveHighResponseTime", "ProgressiveEventLoopLag"}
    of_agents = {
        "ProgressiveAgentCoordinationFailure",
        "ProgressiveHighAgentFailureRate",
        "ProgressiveAgentMemoryHigh",
        "ProgressiveAgentHighLatency",
    }
    for name in sorted(of_core | of_agents):
        progressive.reached((name, "warning"), WARNED)
    progressive.settled()
    for name in sorted(of_core | of_agents):
        progressive.reached((name, "warning"), WARNED, "resolved")


@pytest.mark.parametrize(
    ("alert", "recording", "kind", "changes"),
    [
        ("ProgressiveLowNutritionPlanGeneration", NUTRITION, "npa", {"plans": False}),
        ("ProgressiveLowWorkoutPlanGeneration", WORKOUTS, "wpa", {"plans": False}),
        ("ProgressiveLowRequestRate", REQUESTS, "core", {"busy": False}),
        ("ProgressiveNoActiveUsers", USERS, "core", {"users": 3}),
    ],
)
def test_far_less_than_a_week_ago_is_a_ticket_that_ends(
    progressive: Progressive, alert: str, recording: Recording, kind: str, changes: dict[str, Any]
) -> None:
    usual = f'min_over_time({recording.name}{{namespace="{PRODUCTION}"}}[40s]) > 20'
    eventually(lambda: progressive.proof.value(usual), 120, "there is a past")
    progressive.behave(kind, **changes)
    progressive.reached((alert, "warning"), WARNED)
    progressive.settled()
    progressive.reached((alert, "warning"), WARNED, "resolved")


def test_a_core_of_which_most_requests_fail_pages(progressive: Progressive) -> None:
    progressive.behave("core", failing=0.9)
    page = ("ProgressiveHighErrorRate", "critical")
    progressive.proof.notifies(page)
    progressive.reached(page, PAGED | {"core-chat"})
    progressive.settled()


def test_a_lost_database_pages_in_place_of_what_follows_from_it(progressive: Progressive) -> None:
    progressive.behave("core", database=False)
    page = ("ProgressiveDatabaseConnectionFailure", "critical")
    effect = "ProgressiveHighErrorRate"
    progressive.proof.fires(page, (effect, "critical"), (effect, "warning"))
    progressive.proof.notifies(page)
    progressive.reached(page, PAGED | {"core-chat"})
    progressive.settled()
    progressive.reached(page, PAGED | {"core-chat"}, "resolved")


def test_a_type_of_agents_that_is_gone_pages_its_team(progressive: Progressive) -> None:
    progressive.processes[PRODUCTION, "npa"].kill()
    page = ("ProgressiveAgentUnresponsive", "critical")
    progressive.proof.notifies(page)
    progressive.reached(page, PAGED | {"agents-chat"})
    progressive.start((PRODUCTION, "npa"))
    progressive.proof.notifies()
    progressive.reached(page, PAGED | {"agents-chat"}, "resolved")


def test_a_platform_that_is_gone_pages_once(progressive: Progressive) -> None:
    for kind in ("core", "npa"):
        progressive.processes[PRODUCTION, kind].kill()
    page = ("ProgressiveSystemDown", "critical")
    progressive.proof.notifies(page)
    progressive.reached(page, PAGED | {"core-chat"})
    for kind in ("core", "npa"):
        progressive.start((PRODUCTION, kind))
    progressive.proof.notifies()
    progressive.reached(page, PAGED | {"core-chat"}, "resolved")


def test_a_failure_in_staging_reaches_its_own_channel_alone(progressive: Progressive) -> None:
    progressive.behave("core", STAGING, lag=2)
    eventually(
        lambda: {"staging-chat"} <= progressive.proof.received("ProgressiveEventLoopLag", "warning"), 60, "it is sent"
    )
    sent = [post for post in progressive.proof.receivers.posted if '"environment": "staging"' in json.dumps(post.body)]
    assert {post.path.split("/")[1] for post in sent} == {"staging-chat"}
    progressive.settled()
