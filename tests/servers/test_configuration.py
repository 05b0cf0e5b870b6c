"""Every server of a rendered stack takes what was rendered for it: arguments, files, secrets, ports and probes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, http_text
from tools.local.pods import Account, Local, Pod, render_text, workloads
from tools.local.rendered import STACKS, Rendered
from tools.servers.find import binary

# Everything at once: what a stack file can ask of the configurations, and both sources of every secret.
FULL = """
config:
  agent-observability:cluster:
    name: full-1
    environment: staging
    context: full
    flavour: kubeadm
    namespaces: {stack: watch, nodeAgents: watch-nodes}
    storageClass: standard
    kubeletCertificate: unverified
    nodeSelector: {pool: system}
    network: {ipFamily: IPv6}
  agent-observability:prometheus:
    replicas: 2
    logLevel: warn
    externalLabels: {region: eu-1}
    retention: {time: 3d, size: 10GiB}
    remoteWrite:
      - name: mimir
        url: https://mimir.example/api/v1/push
        basicAuth: {username: tenant, passwordSecret: mimirPassword}
        tls: {caSecret: {name: mimir-tls, key: ca.crt}, serverName: mimir.internal}
      - name: victoria
        url: https://victoria.example:8443/api/v1/write
        bearerTokenSecret: {name: victoria, key: token}
        tls: {caSecret: victoriaCa, certSecret: victoriaCert, keySecret: {name: victoria, key: tls.key}}
        sendExemplars: false
        queue: {capacity: 5000, maxShards: 10, maxSamplesPerSend: 1000, batchSendDeadline: 10s}
      - {name: thanos, url: "http://thanos.example:19291/api/v1/receive", bearerTokenSecret: thanosToken}
    scrapeJobs:
      - {name: databases, targets: ["db-0.example:9187", "db-1.example:9187"], scheme: https, interval: 1m}
      - {name: edge, targets: ["192.0.2.80:9100"], path: /metrics/edge}
  agent-observability:alertmanager:
    {replicas: 3, storage: null, logLevel: debug, externalUrl: "https://alerts.example/am"}
  agent-observability:systems:
    kubernetes: {}
    nodes: {}
    monitoring: {probes: ["https://shop.example/health", "http://192.0.2.81:8080/"]}
  agent-observability:alerts:
    TargetDown: {for: 10m, severity: critical}
    PrometheusRulesFailing: off
  agent-observability:notifications:
    groupBy: [alertname, cluster]
    receivers:
      - {name: on-call, webhook: {urlSecret: onCallUrl}}
      - {name: archive, webhook: {urlSecret: {name: archive, key: url}, sendResolved: false, port: 8443}}
      - {name: heartbeat, deadMan: {urlSecret: {name: heartbeat, key: url}, interval: 30s}}
    times:
      - {name: night, timeZone: Europe/Berlin, from: "22:00", to: "06:00"}
    routes:
      - {receiver: on-call, severity: [critical, warning], namespace: ["shop-*"], muteTimes: [night], continue: true}
      - {receiver: archive}
  agent-observability:slos:
    - name: checkout
      objective: 99.9
      total: http_requests_total{service="shop"}
      errors: http_requests_total{service="shop",code=~"5.."}
      owner: shop
    - name: search-latency
      objective: 95
      window: 7d
      total: http_request_duration_seconds_count{service="search"}
      good: http_request_duration_seconds_bucket{service="search",le="0.5"}
      owner: search
"""

SERVERS = ("alertmanager", "blackbox-exporter", "kube-state-metrics", "node-exporter", "prometheus")
"""Started here, on what was rendered."""
ELSEWHERE = ("jaeger", "loki", "otel-collector", "promtail")
"""Started in the file of their own, which has what they talk to as well."""
NOT_TO_BE_HAD = ("grafana",)
"""Cannot be started here; its configuration is held against the documented keys, in tests/test_grafana.py."""
WORKLOADS = tuple(sorted(SERVERS + ELSEWHERE + NOT_TO_BE_HAD))
IN_THE_IMAGE = {"/usr/share/grafana"}
"""Paths in arguments that need no mount."""


@pytest.fixture(scope="module", params=[*STACKS, "full"])
def stack(
    request: pytest.FixtureRequest, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Rendered:
    return (
        render_text("full", tmp_path_factory.mktemp("full"), FULL)
        if request.param == "full"
        else rendered(request.param)
    )


@pytest.fixture(scope="module")
def pods(stack: Rendered, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Local]:
    """Every server, laid out on this machine and listening as it was rendered."""
    home = tmp_path_factory.mktemp("pods")
    account = Account.admin(control_plane)
    # Two seconds instead of a minute for peers that are not there.
    faster = {"alertmanager": ["--cluster.settle-timeout=2s", "--cluster.peers-resolve-timeout=1s"]}
    return {
        server: Local(stack, server, home / server, account, everywhere=True, faster=faster.get(server, ()))
        for server in SERVERS
    }


@dataclass(frozen=True)
class Ran:
    """What was seen of a server while it ran."""

    answers: Mapping[str, str]
    listens: set[tuple[str, int]]
    udp: set[int]


Runs = Callable[[str], Ran]


@pytest.fixture(scope="module")
def ran(pods: Mapping[str, Local]) -> Runs:
    """Every server run until all its probes answered, and ended at once: it listens beyond this machine."""
    seen: dict[str, Ran | AssertionError] = {}
    with ExitStack() as exits:
        running = {server: exits.enter_context(pod.process()) for server, pod in pods.items()}
        for server, process in running.items():
            try:
                answers = process.ready(partial(answered, pods[server]))
                seen[server] = Ran(answers, process.listens(), udp_everywhere(process))
            except AssertionError as problem:
                seen[server] = problem
            process.kill()

    def of(server: str) -> Ran:
        found = seen[server]
        if isinstance(found, AssertionError):
            raise found
        return found

    return of


def answered(pod: Local) -> dict[str, str]:
    return {url: http_text(url) for url in pod.probes}


def udp_everywhere(process: Process) -> set[int]:
    """UDP ports that are open on every address, on this machine (its rows name no process)."""
    found = set()
    for table in ("udp", "udp6"):
        for row in Path(f"/proc/{process.child.pid}/net/{table}").read_text().splitlines()[1:]:
            address, _, port = row.split()[1].partition(":")
            if not int(address, 16):
                found.add(int(port, 16))
    return found


def check(*argv: str | Path) -> str:
    """What a checker says; fails with it unless it is content."""
    done = subprocess.run([str(part) for part in argv], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_every_workload_is_among_the_servers_that_are_tried(stack: Rendered) -> None:
    assert sorted(made["metadata"]["name"] for made in workloads(stack)) == list(WORKLOADS)


def test_the_rendered_folder_holds_what_the_pods_mount(stack: Rendered) -> None:
    mounted = {
        f"{mount.path.removeprefix('/etc/')}/{file}": text
        for server in WORKLOADS
        for mount in Pod(stack, server).mounts
        for file, text in mount.files.items()
        if text is not None
    }

    root = stack.folder / "config"
    assert mounted == {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_promtool_accepts_the_rendered_folder(stack: Rendered) -> None:
    file = stack.config("prometheus") / "config" / "prometheus.yml"

    check(binary("promtool"), "check", "config", "--syntax-only", file)


def test_promtool_finds_every_file_that_the_configuration_names(pods: Mapping[str, Local]) -> None:
    prometheus = pods["prometheus"]

    said = check(binary("promtool"), "check", "config", prometheus.path("/etc/prometheus/config/prometheus.yml"))

    rules = prometheus.files("/etc/prometheus/rules")
    assert said.count("rules found") == len(rules), "a glob that matches nothing is no error"


def test_promtool_accepts_every_rule_without_a_remark(stack: Rendered) -> None:
    rules = sorted((stack.config("prometheus") / "rules").iterdir())

    check(binary("promtool"), "check", "rules", "--lint=all", "--lint-fatal", *rules)


def test_amtool_accepts_the_rendered_folder(stack: Rendered) -> None:
    check(binary("amtool"), "check-config", stack.config("alertmanager") / "config" / "alertmanager.yml")


def test_the_blackbox_exporter_accepts_its_rendered_file(stack: Rendered) -> None:
    file = stack.config("blackbox-exporter") / "config" / "blackbox.yml"

    check(binary("blackbox-exporter"), "--config.check", f"--config.file={file}")


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_starts_on_what_was_rendered_and_answers_its_probes(ran: Runs, server: str) -> None:
    assert ran(server).answers, "the kubelet asks something"


@pytest.mark.parametrize("server", SERVERS)
def test_every_port_of_a_container_is_open_to_other_pods(
    stack: Rendered, pods: Mapping[str, Local], ran: Runs, server: str
) -> None:
    seen, everywhere = ran(server), {"0.0.0.0", "::"}  # noqa: S104  looked for, not bound

    for port in Pod(stack, server).container["ports"]:
        here = pods[server].ports[port["containerPort"]]
        if port["protocol"] == "UDP":
            assert here in seen.udp, f"{server} does not take {port['name']} from other pods"
        else:
            assert everywhere & {address for address, open_ in seen.listens if open_ == here}, (
                f"{server} listens on {seen.listens} for {port}"
            )


@pytest.mark.parametrize("server", SERVERS)
def test_a_server_listens_on_no_port_that_its_container_does_not_name(
    pods: Mapping[str, Local], ran: Runs, server: str
) -> None:
    assert {port for _, port in ran(server).listens} == set(pods[server].ports.values())


@pytest.mark.parametrize("server", WORKLOADS)
def test_every_service_and_probe_leads_to_a_port_of_the_container(stack: Rendered, server: str) -> None:
    pod = Pod(stack, server)
    ports = pod.container["ports"]
    known = {(port["protocol"], port["containerPort"]) for port in ports}

    assert pod.services, f"{server} is reached through a Service"
    for service in pod.services:
        wanted = {(port["protocol"], port["targetPort"]) for port in service["spec"]["ports"]}
        assert wanted <= known, f"{service['metadata']['name']} leads to {wanted}, {server} has {known}"
    for kind in ("startup", "readiness", "liveness"):
        assert pod.container[f"{kind}Probe"]["httpGet"]["port"] in {port["name"] for port in ports}


@pytest.mark.parametrize("server", WORKLOADS)
def test_every_file_that_a_configuration_names_is_mounted(stack: Rendered, server: str) -> None:
    mounts = list(Pod(stack, server).mounts)
    there = {f"{mount.path}/{file}" for mount in mounts for file in mount.files}

    named = {
        path
        for mount in mounts
        for file, text in mount.files.items()
        if text is not None
        for path in paths_in(file, text)
    }
    assert named <= there, f"{server} would read {sorted(named - there)}, and has {sorted(there)}"


@pytest.mark.parametrize("server", WORKLOADS)
def test_every_path_in_an_argument_is_mounted(stack: Rendered, server: str) -> None:
    pod = Pod(stack, server)
    mounts = list(pod.mounts)
    files = {f"{mount.path}/{file}" for mount in mounts for file in mount.files}
    folders = [Path(mount.path) for mount in mounts if mount.writable or mount.host]

    paths = {
        value
        for flag, _, value in (argument.partition("=") for argument in pod.container["args"])
        if value[:1] == "/" and not flag.endswith("-prefix")  # which is of URLs
    }
    missing = {
        path
        for path in paths - files - IN_THE_IMAGE
        if not any(Path(path).is_relative_to(folder) for folder in folders)
    }
    assert missing == set(), f"{server} has only {sorted(files)}, and the folders {folders}"


@pytest.mark.parametrize("server", ["alertmanager", "prometheus"])
def test_every_mounted_secret_is_used(stack: Rendered, server: str) -> None:
    mounts = list(Pod(stack, server).mounts)
    used = {path for mount in mounts for file, text in mount.files.items() if text for path in paths_in(file, text)}

    mounted = {
        f"{m.path}/{file}" for m in mounts for file, text in m.files.items() if text is None and "/etc/" in m.path
    }
    assert mounted <= used, "a secret is given only to a server that reads it"


def paths_in(file: str, text: str) -> Iterator[str]:
    """The files that a file of configuration names."""
    if file.endswith(".ini"):
        yield from re.findall(r"\$__file\{([^}]+)\}", text)
    elif not file.endswith(".tmpl"):  # texts for people
        yield from file_paths(yaml.safe_load(text))


def file_paths(value: Any) -> Iterator[str]:
    """The value of every field that names a file."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name.endswith("_file") and isinstance(part, str):
                yield part
            else:
                yield from file_paths(part)
    elif isinstance(value, list):
        for part in value:
            yield from file_paths(part)


def test_a_secret_is_found_wherever_it_comes_from(tmp_path: Path) -> None:
    full = render_text("full", tmp_path, FULL)

    found = {
        f"{mount.path}/{file}"
        for server in ("alertmanager", "prometheus")
        for mount in Pod(full, server).mounts
        for file, text in mount.files.items()
        if text is None and mount.path.startswith("/etc/")
    }
    assert found == {
        "/etc/alertmanager/secrets/archive-url",
        "/etc/alertmanager/secrets/heartbeat-url",
        "/etc/alertmanager/secrets/on-call-url",
        "/etc/prometheus/secrets/mimir-ca",
        "/etc/prometheus/secrets/mimir-password",
        "/etc/prometheus/secrets/thanos-token",
        "/etc/prometheus/secrets/victoria-ca",
        "/etc/prometheus/secrets/victoria-cert",
        "/etc/prometheus/secrets/victoria-key",
        "/etc/prometheus/secrets/victoria-token",
    }
