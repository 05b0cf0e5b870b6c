"""Whatever collects logs sends what the pods of its node print, and the other one sends exactly the same."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from components.logs import JSON_FIELDS, LABELS, LEVEL_WORDS, METADATA
from tests.planted import BY_KEY, KEPT, PLANTED, SAID, SECRET_PARTS
from tools.local.control_plane import NODES, ControlPlane
from tools.local.harness import eventually
from tools.local.log_nodes import (
    COLLECTORS,
    IGNORED,
    NODE,
    OTHER_NODE,
    SPACE,
    Node,
    made_by,
    named,
    pod,
    rendered,
    static,
)
from tools.local.logs import Entry, Loki, log_file
from tools.local.rendered import Rendered, changed
from tools.servers.find import binary

CLUSTER = "both"
"""Begins the clusters' names: other tests leave lines of other clusters in the same Loki."""
TRACE, OTHER_TRACE = "4bf92f3577b34da6a3ce929d0e0e4736", "5cf92f3577b34da6a3ce929d0e0e4737"
DROP = [
    {"namespace": IGNORED},
    {"namespace": SPACE, "app": "noisy"},
    {"app": "web", "levels": ["debug", "trace"]},
    {"line": "GET /(healthz|ready\\$)( |$)"},
]
JAVA = """\
2026-11-20 12:00:00,000 ERROR [main] com.shop.Order - cannot pay
java.lang.IllegalStateException: card declined
\tat com.shop.Order.pay(Order.java:42)
\tat com.shop.Order.main(Order.java:7)
Caused by: java.net.SocketTimeoutException: Read timed out
\t... 12 more"""
PYTHON = """\
ERROR:shop:cannot pay
Traceback (most recent call last):
  File "/app/shop.py", line 42, in pay
    charge(card)
shop.errors.DeclinedError: card declined"""
GO = """\
panic: card declined

goroutine 1 [running]:
main.pay(0xc000012345)
\t/app/main.go:42 +0x1d
created by main.main in goroutine 1
\t/app/main.go:7 +0x2a"""


@pytest.fixture(scope="module")
def cluster(control_plane: ControlPlane) -> ControlPlane:
    for namespace in (SPACE, IGNORED):
        control_plane.namespace(namespace)
    return control_plane


@pytest.fixture(scope="module")
def stacks(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Rendered]:
    return {each: rendered(tmp_path_factory.mktemp("stack"), each, cluster=CLUSTER, drop=DROP) for each in COLLECTORS}


@pytest.mark.parametrize("name", ["dev", "prod", "dropping"])
@pytest.mark.parametrize("collector", COLLECTORS)
def test_a_collector_accepts_what_was_rendered(
    collector: str, name: str, stacks: dict[str, Rendered], cluster: ControlPlane, tmp_path: Path
) -> None:
    stack = stacks[collector] if name == "dropping" else rendered(tmp_path, collector, name)
    node = Node(collector, stack, tmp_path / "home", cluster, "127.0.0.1:1")
    checks: dict[str, list[str | Path]] = {
        "promtail": [binary("promtail"), *node.reader.args, "-check-syntax"],
        "otel": [binary("otel-collector"), "validate", *node.reader.args],
    }

    done = subprocess.run(
        checks[collector], env=node.reader.env, capture_output=True, text=True, timeout=60, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("collector", "name"), [("promtail", "promtail"), ("otel", "otel-agent")])
def test_a_cluster_runs_it_on_every_node(collector: str, name: str, cluster: ControlPlane, tmp_path: Path) -> None:
    spaces = {"stack": f"{collector}-stack", "nodeAgents": f"{collector}-nodes"}
    changes = {"cluster": {"namespaces": spaces}, "logs": {"collector": collector}}
    (space, *rest) = (
        made
        for made in changed(tmp_path, changes=changes).objects
        if made["metadata"]["name"] == spaces["nodeAgents"]
        or (made["metadata"].get("namespace") == spaces["nodeAgents"] and name in made["metadata"]["name"])
    )
    cluster.apply(space)
    cluster.apply(*rest)

    def ready() -> bool:
        status = cluster.get("daemonset", name, f"--namespace={spaces['nodeAgents']}")["status"]
        return bool(status.get("numberReady") == len(NODES))

    eventually(ready, 30, "Pod Security lets its pods in, and they run")
    cluster.kubectl("delete", "namespace", spaces["nodeAgents"], "--wait=false")


@pytest.fixture(scope="module")
def printed(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs of a node, of pods of all kinds."""
    pods = tmp_path_factory.mktemp("pods")
    first = log_file(pods, pod(cluster, "web-1", labels=named("web")))
    first.write(
        json.dumps(
            {"level": "ERROR", "msg": "declined", "logger": "shop.pay", "trace_id": TRACE, "spanId": "00f067aa0ba902b7"}
        ),
        json.dumps({"severity": "warning", "msg": "slow"}),
        json.dumps({"level": 30, "msg": "by pino"}),
        json.dumps({"level": "debug", "msg": "dropped by level"}),
        json.dumps({"level": "chatty", "msg": "no such level"}),
    )
    first.write(
        "level=warn logger=shop.db msg=retry trace_id=" + TRACE,
        "[INFO] GET /healthz 200",
        "GET /ready$ 200",
        "GET /readyz 200",
    )
    first.write("plain text", "E1120 12:00:00.000000 1 main.go:7] klog", stream="stdout")
    traces = log_file(pods, pod(cluster, "traces-1", labels=named("traces")))
    for trace in (JAVA, PYTHON, GO):
        traces.write(*trace.split("\n"))
    traces.write("after")
    partial = log_file(pods, pod(cluster, "partial-1", labels=named("partial")))
    partial.write("x" * 1000, flag="P")
    partial.write("y" * 1000)
    partial.write("next")
    careless = log_file(pods, pod(cluster, "careless", labels=named("careless")))
    careless.write(*(f"text {secret} end" for secret in PLANTED.values()))
    careless.write(json.dumps({"level": "warn", "trace_id": OTHER_TRACE, **BY_KEY, **KEPT}))
    log_file(pods, pod(cluster, "labelled", labels={"app": "by-label"})).write("named by its label")
    log_file(pods, pod(cluster, "alone")).write("named after its pod")
    for kind, name in OWNERS.items():
        log_file(pods, made_by(cluster, kind, name)).write(f"made by a {kind}")
    log_file(pods, static(cluster, "kube-scheduler")).write("I1120 12:00:00.000000 1 main.go:7] from a file")
    log_file(pods, pod(cluster, "noisy-1", labels=named("noisy"))).write("dropped by app")
    log_file(pods, pod(cluster, "ignored", namespace=IGNORED, labels=named("web"))).write("dropped by namespace")
    _odd(pods, cluster)
    return pods


OWNERS = {
    "Deployment": "orders",
    "ReplicaSet": "lonely",
    "StatefulSet": "ledger",
    "DaemonSet": "sidecar",
    "Job": "report-28471234",
}
"""What makes pods that say nothing of their app."""


def _odd(pods: Path, cluster: ControlPlane) -> None:
    """Whatever else a line may be."""
    odd = log_file(pods, pod(cluster, "odd-1", labels=named("odd")))
    odd.write(
        *(
            json.dumps({name: f"{field} as {name}"})
            for field in ("logger", "trace_id", "span_id")
            for name in JSON_FIELDS[field]
        ),
        *(json.dumps({name: "Error"}) for name in JSON_FIELDS["level"]),
        *(json.dumps({"level": word}) for words in LEVEL_WORDS.values() for word in words),
        *(f"x level={word.title()} y" for words in LEVEL_WORDS.values() for word in words),
        *(f"2026-11-20T12:00:00Z [{word}] z" for words in LEVEL_WORDS.values() for word in words),
        *(f"12:00 {word.upper()} z" for words in LEVEL_WORDS.values() for word in words),
        *(f"{letter}1120 12:00:00.000000 1 a.go:7] klog" for letter in "IWEFX"),
    )
    odd.write(
        json.dumps({name: f"{field} as {name}" for field, names in JSON_FIELDS.items() for name in reversed(names)}),
        json.dumps({"level": "", "severity": "error", "logger": None, "name": "second"}),
        json.dumps({"level": 50, "logger": 7, "trace_id": True, "component": {"deep": 1}}),
        '  {"level": "info", "msg": "indented"}',
        '{"level": "error", "cut off',
        "{not json} level=error",
        '["a", "list"]',
        'trace_id=ABCDEF0123456789 span_id="0123456789abcdef" logger=a.b-c',
        "a tab\tand trailing blanks  ",
        'Grüße, 日本語 \u2028 and \\ and " and $1 and ${HOME}',
        "a carriage return\rwithin",
        "",
        "after a blank line",
        "z" * 300_000,
        "name=value level=nonsense",
    )
    odd.write("half of one ", flag="P")
    odd.write("half of another ", flag="P", stream="stdout")
    odd.write("and its rest")
    odd.write("and its other rest", stream="stdout")
    odd.write("out begins", stream="stdout")
    odd.write("err begins")
    odd.write("  out goes on", stream="stdout")
    odd.write("  err goes on")
    long = log_file(pods, pod(cluster, "long-1", labels=named("long")))
    long.write("FATAL a trace of 700 lines", *(f"\tat frame {number}" for number in range(700)), "the end")
    foreign = log_file(pods, pod(cluster, "foreign-1", labels=named("foreign")))
    foreign.path.write_text("level=warn of no container runtime\n")
    beside = {"name": "sidecar", "image": "registry.example/sidecar:1"}
    several = pod(cluster, "several-1", labels=named("several"), more=[beside])
    for container in ("main", "sidecar"):
        log_file(pods, several, container).write(f"level=info from {container}")


@dataclass(frozen=True)
class Sent:
    """What one collector brought to Loki."""

    loki: Loki
    collector: str

    def query(self, **labels: str) -> str:
        wanted = {"cluster": f"{CLUSTER}-{self.collector}", **labels}
        return "{" + ", ".join(f'{name}="{value}"' for name, value in wanted.items()) + "}"

    def entries(self, rest: str = "", **labels: str) -> list[Entry]:
        return self.loki.entries(f"{self.query(**labels)} {rest}")

    def lines(self, app: str, **labels: str) -> list[str]:
        return [entry.line for entry in self.entries(app=app, **labels)]


@pytest.fixture(scope="module")
def both(
    stacks: dict[str, Rendered],
    printed: Path,
    cluster: ControlPlane,
    loki: Loki,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Sent]:
    """What each made of the same files, once all of it has arrived."""
    sent = {each: Sent(loki, each) for each in COLLECTORS}
    for collector, found in sent.items():
        node = Node(collector, stacks[collector], tmp_path_factory.mktemp("node"), cluster, loki.url[len("http://") :])
        shutil.copytree(printed, node.reader.pods, dirs_exist_ok=True)
        if collector == "promtail":  # which would read it, if the API told it of the pod
            node.log(pod(cluster, "elsewhere", node=OTHER_NODE, labels=named("elsewhere"))).write("another node's")
        with node.running():
            for app, count in {"web": 8, "careless": len(PLANTED) + 1, "traces": 4, "long": 3}.items():
                query = found.query(app=app)
                eventually(lambda query=query, count=count: loki.count(query) >= count, 30, f"lines of {app} arrive")  # type: ignore[misc]  # mypy types no lambda with a default
            eventually(lambda found=found: found.entries('|= "err begins"'), 30, "the last lines arrive")  # type: ignore[misc]  # mypy types no lambda with a default
    return sent


@pytest.fixture(params=COLLECTORS)
def collected(request: pytest.FixtureRequest, both: dict[str, Sent]) -> Sent:
    return both[request.param]


def test_labels_are_few(collected: Sent) -> None:
    streams = collected.loki.series(collected.query(namespace=SPACE))

    assert {label for stream in streams for label in stream} == set(LABELS)
    assert {stream["container"] for stream in streams} == {"main", "sidecar"}


def test_an_app_is_what_a_pod_says_or_what_made_it(collected: Sent) -> None:
    apps = {stream["app"] for stream in collected.loki.series(collected.query(namespace=SPACE))}

    assert apps >= {"web", "by-label"}, "labels of the pod"
    assert apps >= {"orders", "lonely", "ledger", "sidecar", "report"}, "without a ReplicaSet's hash and a Job's number"
    assert apps >= {"alone", f"kube-scheduler-{NODE}"}, "of a pod that nothing made, and of one that its node made"


def test_levels_have_one_spelling_whatever_wrote_them(collected: Sent) -> None:
    found = {stream.get("level", "") for stream in collected.loki.series(collected.query(app="web"))}

    assert found == {"error", "warn", "info", ""}, "what is no level is no label"
    assert len(collected.lines("web", level="error")) == 2, "JSON and klog"
    assert len(collected.lines("web", level="warn")) == 2, "JSON and logfmt"
    assert len(collected.lines("web", level="info")) == 1, "pino's number; the health check is dropped"


def test_a_line_is_found_by_the_trace_id_in_its_json(collected: Sent) -> None:
    found = collected.entries(f'| trace_id="{TRACE}"')

    assert [dict(entry.labels)["level"] for entry in found] == ["error", "warn"], "in JSON and in logfmt"
    assert found[0].metadata == {
        "pod": "web-1",
        "node": NODE,
        "stream": "stderr",
        "logger": "shop.pay",
        "trace_id": TRACE,
        "span_id": "00f067aa0ba902b7",
    }
    assert json.loads(found[0].line)["msg"] == "declined", "the line is as it was printed"


def test_what_may_not_be_kept_is_masked_and_the_rest_stays(collected: Sent) -> None:
    found = collected.lines("careless")
    assert not [part for part in (*SECRET_PARTS, SAID) if part in "".join(found)]
    assert [line[:5] + line[-3:] for line in found[:-1]] == ["text end"] * len(PLANTED)
    (entry,) = collected.entries(f'| trace_id="{OTHER_TRACE}"')
    assert json.loads(entry.line).items() >= KEPT.items(), "a line of JSON is one still"
    assert dict(entry.labels)["level"] == "warn"


def test_a_stack_trace_is_one_entry(collected: Sent) -> None:
    assert collected.lines("traces") == [JAVA, PYTHON, GO, "after"]


def test_a_line_that_the_runtime_cut_is_whole_again(collected: Sent) -> None:
    assert collected.lines("partial") == ["x" * 1000 + "y" * 1000, "next"]


def test_what_settings_drop_is_dropped_and_nothing_else(collected: Sent) -> None:
    assert collected.lines("noisy") == [], "by namespace and app"
    assert collected.entries(namespace=IGNORED) == [], "by namespace"
    web = collected.lines("web")
    assert not [line for line in web if "dropped by level" in line], "by level"
    assert not [line for line in web if "/healthz" in line or "/ready$" in line], "by text"
    assert "GET /readyz 200" in web
    assert "plain text" in web
    assert len(web) == 8, "a container with two ports is read once"


def test_a_stack_trace_without_end_is_cut_and_its_rest_is_kept_together(collected: Sent) -> None:
    frames = [f"\tat frame {number}" for number in range(700)]

    assert collected.lines("long") == [
        "\n".join(["FATAL a trace of 700 lines", *frames[:499]]),
        "\n".join(frames[499:]),
        "the end",
    ]


def test_a_line_of_another_form_is_kept_as_it_is(collected: Sent) -> None:
    assert collected.lines("foreign", level="warn") == ["level=warn of no container runtime"]


def test_promtail_reads_only_the_pods_of_its_node(both: dict[str, Sent]) -> None:
    assert both["promtail"].lines("elsewhere") == [], "the other one reads what is on its node"


def test_both_send_the_same_streams_the_same_lines_and_the_same_metadata(both: dict[str, Sent]) -> None:
    # Two apps have entries whose time no line says, and which differs.
    compared = (both[each].loki.entries(f'{{cluster="{CLUSTER}-{each}", app!~"long|foreign"}}') for each in COLLECTORS)
    promtail, otel = (as_sent(entries) for entries in compared)

    assert len(promtail) > 200
    assert {name for _, _, metadata, _ in promtail for name, _ in metadata} == set(METADATA)
    assert [pair for pair in zip_longest(otel, promtail) if pair[0] != pair[1]] == []


def as_sent(entries: list[Entry]) -> list[tuple[tuple[tuple[str, str], ...], int, tuple[tuple[str, str], ...], str]]:
    """By stream, then in the order of their times; without the cluster, which is named after the collector."""
    return sorted(
        (
            tuple(label for label in entry.labels if label[0] != "cluster"),
            entry.time,
            tuple(sorted(entry.metadata.items())),
            entry.line,
        )
        for entry in entries
    )
