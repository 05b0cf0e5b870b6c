"""Every server of a rendered stack takes what was rendered for it: arguments, files, secrets, ports and probes."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
import yaml

from rules.systems import example
from tests.servers.search import Search
from tests.stack_settings import RECORDED
from tools.local.account import Account
from tools.local.control_plane import ControlPlane
from tools.local.harness import Process, http_text
from tools.local.log_nodes import NODE, SPACE, pod
from tools.local.logs import log_file
from tools.local.pods import Pod, workloads
from tools.local.rendered import Rendered
from tools.local.server import IN_THE_IMAGE, LocalServer
from tools.servers.find import binary

_ALL = (
    *("alertmanager", "blackbox-exporter", "jaeger", "kube-state-metrics", "loki", "node-exporter", "otel-collector"),
    "prometheus",
)
INSTANCES = tuple(exporter.workload for exporter in example().exporters if exporter.instance)
WORKLOADS = {
    **dict.fromkeys(("dev", "prod"), (*_ALL, "grafana", "promtail")),
    "everything": (*_ALL, *INSTANCES, "grafana", "promtail"),
    "otherwise": (*_ALL, *INSTANCES, "otel-agent"),
}
"""What runs pods in each stack."""
ELSEWHERE = ("grafana", "loki", *INSTANCES)
"""Started in files of their own: Grafana and Loki, and exporters with what they watch (test_postgres.py, test_redis.py,
test_mongodb.py, test_pod_probes.py)."""
SEARCH = "https://es.example.com:9200"
"""Where Jaeger of `everything` looks for its store before it starts."""


@pytest.fixture(scope="module", params=RECORDED)
def stack(request: pytest.FixtureRequest, rendered: Callable[[str], Rendered]) -> Rendered:
    return rendered(request.param)


@pytest.fixture(scope="module")
def pods(
    stack: Rendered, control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, LocalServer]]:
    """Every server, laid out on this machine and listening as it was rendered."""
    home = tmp_path_factory.mktemp("pods")
    account = Account.admin(control_plane)
    # Two seconds instead of a minute for peers that are not there.
    faster = {"alertmanager": ["--cluster.settle-timeout=2s", "--cluster.peers-resolve-timeout=1s"]}
    control_plane.namespace(SPACE)
    printing = pod(control_plane, "printing")
    nodes = {name: home / f"{name}-node" for name in ("promtail", "otel-agent")}
    for node in nodes.values():
        log_file(node / "var" / "log" / "pods", printing).write("Promtail is not ready before it reads something")
    with Search("You Know, for Search", "8.17.0").running() as search:
        yield {
            server: LocalServer(
                stack,
                server,
                home / server,
                account,
                node=NODE,
                host=nodes.get(server, Path("/")),
                addresses={SEARCH: search},
                everywhere=True,
                faster=faster.get(server, ()),
            )
            for server in WORKLOADS[stack.stack]
            if server not in ELSEWHERE
        }


@dataclass(frozen=True)
class Ran:
    """What was seen of a server while it ran."""

    answers: Mapping[str, str]
    listens: set[tuple[str, int]]
    udp: set[int]


Runs = Callable[[str], Ran]


@pytest.fixture(scope="module")
def ran(pods: Mapping[str, LocalServer]) -> Runs:
    """Every server run until all its probes answered, and ended at once: it listens beyond this machine."""
    seen: dict[str, Ran | AssertionError] = {}
    with ExitStack() as exits:
        running = {server: exits.enter_context(local.process()) for server, local in pods.items()}
        for server, process in running.items():
            try:
                answers = process.ready(partial(answered, pods[server]), within=120)
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


def answered(local: LocalServer) -> dict[str, str]:
    return {url: http_text(url) for url in local.probes}


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
    assert sorted(made["metadata"]["name"] for made in workloads(stack)) == sorted(WORKLOADS[stack.stack])


def test_the_rendered_folder_holds_what_the_pods_mount(stack: Rendered) -> None:
    mounted = {
        f"{mount.path.removeprefix('/etc/')}/{file}": text
        for server in WORKLOADS[stack.stack]
        for mount in Pod(stack, server).mounts
        for file, text in mount.files.items()
        if text is not None
    }

    root = stack.folder / "config"
    assert mounted == {str(path.relative_to(root)): path.read_text() for path in root.rglob("*") if path.is_file()}


def test_promtool_accepts_the_rendered_folder(stack: Rendered) -> None:
    file = stack.config("prometheus") / "config" / "prometheus.yml"

    check(binary("promtool"), "check", "config", "--syntax-only", file)


def test_promtool_finds_every_file_that_the_configuration_names(pods: Mapping[str, LocalServer]) -> None:
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


def test_every_server_starts_on_what_was_rendered_and_answers_its_probes(
    pods: Mapping[str, LocalServer], ran: Runs
) -> None:
    for server in pods:
        assert ran(server).answers, f"the kubelet asks {server} something"


def test_every_port_of_a_container_is_open_to_other_pods(
    stack: Rendered, pods: Mapping[str, LocalServer], ran: Runs
) -> None:
    everywhere = {"0.0.0.0", "::"}  # noqa: S104  looked for, not bound
    for server, local in pods.items():
        seen = ran(server)
        for port in Pod(stack, server).container["ports"]:
            here = local.ports[port["containerPort"]]
            if port["protocol"] == "UDP":
                assert here in seen.udp, f"{server} does not take {port['name']} from other pods"
            else:
                assert everywhere & {address for address, open_ in seen.listens if open_ == here}, (
                    f"{server} listens on {seen.listens} for {port}"
                )


def test_a_server_listens_on_no_port_that_its_container_does_not_name(
    pods: Mapping[str, LocalServer], ran: Runs
) -> None:
    for server, local in pods.items():
        reached = {port for address, port in ran(server).listens if not ip_address(address).is_loopback}
        assert reached == set(local.ports.values()), f"{server}, besides what stays on its own host"


def test_every_service_and_probe_leads_to_a_port_of_the_container(stack: Rendered) -> None:
    for server in WORKLOADS[stack.stack]:
        owner = Pod(stack, server)
        ports = owner.container["ports"]
        known = {(port["protocol"], port["containerPort"]) for port in ports}

        assert owner.services, f"{server} is reached through a Service"
        for service in owner.services:
            wanted = {(port["protocol"], port["targetPort"]) for port in service["spec"]["ports"]}
            assert wanted <= known, f"{service['metadata']['name']} leads to {wanted}, {server} has {known}"
        for kind in ("startup", "readiness", "liveness"):
            assert owner.container[f"{kind}Probe"]["httpGet"]["port"] in {port["name"] for port in ports}, server


def test_every_file_that_a_configuration_names_is_mounted(stack: Rendered) -> None:
    for server in WORKLOADS[stack.stack]:
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


def test_every_path_in_an_argument_is_mounted(stack: Rendered) -> None:
    for server in WORKLOADS[stack.stack]:
        owner = Pod(stack, server)
        mounts = list(owner.mounts)
        files = {f"{mount.path}/{file}" for mount in mounts for file in mount.files}
        folders = [Path(mount.path) for mount in mounts if mount.writable or mount.host]
        paths = {
            value
            for flag, _, value in (argument.partition("=") for argument in owner.container["args"])
            if value[:1] == "/" and not flag.endswith("-prefix")  # which is of URLs
        }
        missing = {
            path
            for path in paths - files - {IN_THE_IMAGE}
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
    elif not file.endswith((".tmpl", ".py")):  # texts for people, and scripts, which are given paths as arguments
        yield from file_paths(yaml.safe_load(text))


def file_paths(value: Any) -> Iterator[str]:
    """The value of every field that names a file."""
    if isinstance(value, dict):
        for name, part in value.items():
            if name.endswith("_file") and isinstance(part, str):
                yield part
            elif name == "files":  # of a header with a secret; promtool finds the relative ones, of targets
                yield from (each for each in part if each.startswith("/"))
            else:
                yield from file_paths(part)
    elif isinstance(value, list):
        for part in value:
            yield from file_paths(part)


def test_a_secret_is_found_wherever_it_comes_from(rendered: Callable[[str], Rendered]) -> None:
    found = {
        f"{mount.path}/{file}"
        for mount in Pod(rendered("everything"), "prometheus").mounts
        for file, text in mount.files.items()
        if text is None and mount.path.startswith("/etc/")
    }
    pairs = ("ca", "cert", "key", "password")
    ours = {f"{name}-{file}" for name in ("mimir", "scrape.hosts") for file in pairs}
    ours |= {"scrape.shop-token", "scrape.workers-header"}
    of_systems = {"supabase-hosted-shop.key", "supabase-realtime-own.token", "supabase-pooler-own.token"}
    everything = {f"/etc/prometheus/secrets/{file}" for file in (*ours, *of_systems, "cloud-token")}
    assert found == everything, "the last is in a Secret of somebody else"
