"""The table of flows against every address in any configuration, and the policies of both ends."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import pytest

from model.flows import Agent, AnyPod, ApiServer, Internet, Nodes, Peer, Server
from tests.conftest import NOTHING, Recorded, Stacks
from tests.stack_settings import RECORDED
from tools.local.rendered import loaded

NAME = "app.kubernetes.io/name"

FAR = {
    "prometheus": {
        "remoteWrite": [
            {"name": "long-term", "url": "https://mimir.example.com/api/v1/push"},
            {"name": "near", "url": "http://victoria.metrics.svc:8428/api/v1/write"},
        ],
        "scrapeJobs": [{"name": "pumps", "targets": ["pump.example.com:9187", "api.agents.svc:8080"]}],
    },
    "jaeger": {
        "replicas": 2,
        "storage": {"badger": None, "opensearch": {"urls": ["https://search.example.com:9200"]}},
        "sampling": {"percent": 100},
    },
    "systems": {"monitoring": {"probes": ["https://shop.example.com/health", "http://intra.example.com:8081/"]}},
    "notifications": {
        "receivers": [
            {"name": "hook", "webhook": {"urlSecret": {"name": "urls", "key": "hook"}, "port": 8443}},
            {"name": "beat", "deadMan": {"urlSecret": {"name": "urls", "key": "beat"}, "port": 8444}},
        ],
        "routes": [{"receiver": "hook"}],
    },
}
"""A stack that speaks to everything that a stack file can name."""


@pytest.fixture(scope="module", params=[*RECORDED, "far", "otel"])
def spoken(request: pytest.FixtureRequest, stack: Stacks) -> Recorded:
    changed: dict[str, dict[str, Any]] = {"far": FAR, "otel": {"logs": {"collector": "otel"}}}
    return stack("prod", **changed[request.param]) if request.param in changed else stack(request.param)


@dataclass(frozen=True)
class Address:
    """An address that a server was told to connect to."""

    source: str
    host: str
    port: int


def addresses(stack: Recorded) -> Iterator[Address]:
    """Every ``host:port`` and URL in any rendered configuration or argument, and who asks it."""
    for path, text in stack.files.items():
        server = path.partition("/")[0]
        # What an ini file leads to is named in the settings; tests/test_grafana.py holds the policy against them.
        # Links in messages are for people.
        # A script is given its addresses as arguments.
        if not path.endswith((".ini", ".tmpl", ".py")):
            yield from _in_value(server, loaded(text))
    for name in stack.workloads:
        args = stack.container(name)["args"]
        # Under its external address it is linked to.
        yield from _in_value(name, [each for each in args if not each.startswith("--web.external-url=")])


def _in_value(source: str, value: Any) -> Iterator[Address]:
    if isinstance(value, dict):
        if "names" in value and "port" in value:
            yield from (Address(source, host, value["port"]) for host in value["names"])
        if "hostname" in value and "port" in value:
            yield Address(source, value["hostname"], int(value["port"]))
        prober = next((step["replacement"] for step in value.get("relabel_configs", []) if _is_prober(step)), None)
        for key, part in value.items():
            if key in ("annotations", "inhibit_rules"):
                continue  # links for people, and patterns of labels
            # Behind a prober, the targets are what the prober asks.
            asks = prober.partition(".")[0] if prober and key == "static_configs" else source
            yield from _in_value(asks, part)
    elif isinstance(value, list):
        for part in value:
            yield from _in_value(source, part)
    elif isinstance(value, str):
        yield from _in_text(source, value)


def _is_prober(step: dict[str, Any]) -> bool:
    return step.get("target_label") == "__address__" and ":" in step.get("replacement", "").replace("$1:$2", "")


def _in_text(source: str, text: str) -> Iterator[Address]:
    urls = re.findall(r"https?://[^\s\"',]+", text)
    if urls:
        for url in urls:
            parts = urlsplit(url)
            yield Address(source, parts.hostname or "", parts.port or {"http": 80, "https": 443}[parts.scheme])
        return
    plain = re.fullmatch(r"(?:--[\w.-]+=)?([a-z0-9][a-z0-9.-]*\.[a-z0-9-]*[a-z][a-z0-9-]*):(\d+)", text)
    if plain:
        yield Address(source, plain[1], int(plain[2]))


def peer(stack: Recorded, host: str) -> Peer:
    """Who answers at ``host``: a server of the stack behind its Service, or somebody outside."""
    namespace = f".{stack.settings.cluster.namespaces.stack}.svc"
    if host.endswith(namespace):
        service = stack.kind("Service")[host.removesuffix(namespace).rpartition(".")[2]]
        return of(service["spec"]["selector"][NAME])
    return Internet(host)


def of(name: str) -> Server | Agent:
    """Who a workload is in the table."""
    return Agent(name) if name in ("promtail", "otel-agent") else Server(name)


def in_table(stack: Recorded, source: str, target: Peer, port: int) -> bool:
    return any(flow.source == of(source) and flow.target == target and port in flow.ports for flow in stack.flows)


def egress(stack: Recorded, source: str, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """Whether the policy of ``source`` lets it out to ``target``."""
    rules = stack.kind("NetworkPolicy")[source]["spec"].get("egress", [])
    return any(_allows(stack, rule, "to", target, port, protocol, of(source)) for rule in rules)


def ingress(stack: Recorded, target: str, source: str, port: int, protocol: str = "TCP") -> bool:
    """Whether the policy of ``target`` lets ``source`` in."""
    rules = stack.kind("NetworkPolicy")[target]["spec"]["ingress"]
    return any(_allows(stack, rule, "from", of(source), port, protocol, of(target)) for rule in rules)


def _allows(stack: Recorded, rule: dict[str, Any], side: str, other: Peer, port: int, protocol: str, own: Peer) -> bool:
    ports = [(allowed["port"], allowed["protocol"]) for allowed in rule.get("ports", [])]
    return (not ports or (port, protocol) in ports) and any(_is(stack, selector, other, own) for selector in rule[side])


def _is(stack: Recorded, selector: dict[str, Any], other: Peer, own: Peer) -> bool:
    """Whether one peer of a rule of ``own``'s policy means ``other``; by the letter of the NetworkPolicy API."""
    if "ipBlock" in selector:
        block: str = selector["ipBlock"]["cidr"]
        return block == _block(stack, other)
    if "namespaceSelector" in selector:
        if selector == {"namespaceSelector": {}}:
            return True  # every pod of every namespace
        namespaces = stack.settings.cluster.namespaces
        place = namespaces.node_agents if isinstance(other, Agent) else namespaces.stack
        named = {"kubernetes.io/metadata.name": place}
        pods = {"matchLabels": {NAME: other.name}} if isinstance(other, Agent | Server) else {}
        return selector == {"namespaceSelector": {"matchLabels": named}, "podSelector": pods}
    # Without a namespace the policy's own is meant.
    return (
        type(other) is type(own)
        and isinstance(other, Agent | Server)
        and selector == {"podSelector": {"matchLabels": {NAME: other.name}}}
    )


def _block(stack: Recorded, peer: Peer) -> str:
    """The first block of addresses in which a peer that is no pod is; "" for pods."""
    network = stack.settings.cluster.network
    match peer:
        case Nodes():
            return str(network.nodes[0])
        case ApiServer():
            return str(network.api_server[0])
        case Internet():
            return "0.0.0.0/0"
    return ""


def test_addresses_are_found_at_all(stack: Stacks) -> None:
    found = {(address.source, address.host, address.port) for address in addresses(stack("prod", **FAR))}
    assert found >= {
        ("prometheus", "mimir.example.com", 443),
        ("prometheus", "victoria.metrics.svc", 8428),
        ("prometheus", "pump.example.com", 9187),
        ("prometheus", "api.agents.svc", 8080),
        ("prometheus", "alertmanager-headless.monitoring.svc", 9093),
        ("prometheus", "blackbox-exporter.monitoring.svc", 9115),
        ("jaeger", "search.example.com", 9200),
        ("jaeger", "prometheus.monitoring.svc", 9090),
        ("blackbox-exporter", "shop.example.com", 443),
        ("blackbox-exporter", "intra.example.com", 8081),
        ("blackbox-exporter", "prometheus.monitoring.svc", 9090),
        ("blackbox-exporter", "alertmanager.monitoring.svc", 9093),
        ("alertmanager", "alertmanager-2.alertmanager-headless.monitoring.svc", 9094),
    }, "a check that finds nothing proves nothing"


def test_every_address_is_in_the_table_and_open_at_both_ends(spoken: Recorded) -> None:
    for address in addresses(spoken):
        target = peer(spoken, address.host)
        assert in_table(spoken, address.source, target, address.port), f"{address}: no flow in the table"
        assert egress(spoken, address.source, target, address.port), f"{address}: kept in by its own policy"
        if isinstance(target, Agent | Server):
            assert ingress(spoken, target.name, address.source, address.port), f"{address}: kept out by the other end"


def test_every_discovered_target_is_open_at_both_ends(spoken: Recorded) -> None:
    for path, text in spoken.files.items():
        if not path.startswith("prometheus/scrape/") or not path.endswith(".yml"):
            continue
        (job,) = loaded(text)["scrape_configs"]
        for target, ports in _discovered(spoken, job):
            for port in ports:
                assert in_table(spoken, "prometheus", target, port), f"{job['job_name']}: no flow to {target}:{port}"
                assert egress(spoken, "prometheus", target, port), f"{job['job_name']}: kept in"
                if isinstance(target, Agent | Server):
                    assert ingress(spoken, target.name, "prometheus", port), f"{job['job_name']}: kept out"


def _discovered(stack: Recorded, job: dict[str, Any]) -> Iterator[tuple[Peer, set[int]]]:
    for discovery in job.get("kubernetes_sd_configs", []):
        selector = discovery.get("selectors", [{"label": ""}])[0]["label"]
        kept = {step["regex"] for step in job["relabel_configs"] if "port_name" in str(step.get("source_labels"))}
        name = selector.partition("=")[2]
        if discovery["role"] == "node":
            yield Nodes(), {stack.settings.cluster.network.kubelet_port}
        elif name == "kubernetes":
            yield ApiServer(), set(stack.settings.cluster.api_server_ports)
        elif name in stack.workloads:
            ports = {port["containerPort"] for port in stack.container(name)["ports"] if port["name"] in kept}
            assert ports, f"{job['job_name']}: no port of {name} is named {kept}"
            yield Nodes() if stack.pod(name).get("hostNetwork") else of(name), ports


def test_annotated_pods_may_be_anywhere_on_any_port(prod: Recorded, stack: Stacks) -> None:
    assert egress(prod, "prometheus", Server("whoever"), 12345), "an annotation names the port"
    assert any(flow.target == AnyPod() and not flow.ports for flow in prod.flows)
    off = stack("prod", systems={"kubernetes": {"annotated": False}})
    assert not egress(off, "prometheus", Server("whoever"), 12345), "and closed again with it"


def test_nothing_else_is_allowed_between_servers(spoken: Recorded) -> None:
    policed = spoken.workloads.keys() - {"node-exporter"}
    ports = {
        (name, port["containerPort"], port["protocol"]) for name in policed for port in spoken.container(name)["ports"]
    }
    open_ways = {
        (source, name, port)
        for source in policed
        for name, port, protocol in ports
        if egress(spoken, source, of(name), port, protocol) and ingress(spoken, name, source, port, protocol)
    }
    # Between replicas of one server.
    gossip = {
        (server, server, port)
        for server, port in (("alertmanager", 9094), ("grafana", 9094), ("loki", 7946), ("loki", 9095))
        if (server, port, "TCP") in ports
    }
    of_loki = spoken.settings.loki.ruler
    ruler = {("loki", "prometheus", 9090)} if of_loki else set()
    ruler |= {("loki", "alertmanager", 9093)} if of_loki and of_loki.alerts else set()
    grafana = {
        ("prometheus", "grafana", 3000),
        ("grafana", "prometheus", 9090),
        ("grafana", "alertmanager", 9093),
        ("grafana", "jaeger", 16686),
        ("grafana", "loki", 3100),
    }
    of_nodes = {
        "promtail": {("prometheus", "promtail", 9080), ("promtail", "loki", 3100)},
        "otel": {("prometheus", "otel-agent", 8888), ("otel-agent", "otel-collector", 4319)},
    }
    exporters = {
        ("prometheus", exporter.workload, exporter.metrics_port)
        for exporter in spoken.settings.watched.exporters
        if not exporter.per_node
    }
    own_grafana = set() if spoken.settings.grafana.external else grafana
    assert open_ways == gossip | ruler | exporters | own_grafana | of_nodes[spoken.settings.logs.collector] | {
        ("prometheus", "loki", 3100),
        ("prometheus", "otel-collector", 8888),
        ("otel-collector", "prometheus", 9090),
        ("otel-collector", "jaeger", 4317),
        ("otel-collector", "loki", 3100),
        ("blackbox-exporter", "loki", 3100),
        ("prometheus", "prometheus", 9090),
        ("prometheus", "alertmanager", 9093),
        ("prometheus", "kube-state-metrics", 8081),
        ("blackbox-exporter", "prometheus", 9090),
        ("blackbox-exporter", "alertmanager", 9093),
        ("prometheus", "jaeger", 8888),
        ("prometheus", "jaeger", 8889),
        ("jaeger", "prometheus", 9090),
        ("blackbox-exporter", "jaeger", 13133),
    }, "whoever takes one exporter over reaches nothing with it"


def test_only_prometheus_grafana_and_the_prober_are_let_in_to_alertmanager(prod: Recorded) -> None:
    rules = prod.kind("NetworkPolicy")["alertmanager"]["spec"]["ingress"]
    let_in = [rule["from"] for rule in rules if any(port["port"] == 9093 for port in rule.get("ports", []))]
    assert let_in == [
        [{"podSelector": {"matchLabels": {NAME: name}}}] for name in ("prometheus", "blackbox-exporter", "grafana")
    ], "pods of other namespaces cannot silence an alert"


def test_what_is_on_the_host_network_has_no_policy(prod: Recorded) -> None:
    policies = prod.kind("NetworkPolicy").keys()
    hosted = {name for name in prod.workloads if prod.pod(name).get("hostNetwork")}
    assert hosted == {"node-exporter"}
    assert policies == prod.workloads.keys() - hosted | {"monitoring/deny-all", "monitoring-node-agents/deny-all"}, (
        "a policy that binds nothing only looks safe"
    )


def test_every_policy_binds_the_pods_it_is_named_after(prod: Recorded) -> None:
    for name, policy in prod.kind("NetworkPolicy").items():
        if "deny-all" not in name:
            assert policy["spec"]["podSelector"] == {"matchLabels": {NAME: name}}
            assert (
                policy["spec"]["podSelector"]["matchLabels"].items()
                <= prod.template(name)["metadata"]["labels"].items()
            )
            assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]


def test_whoever_connects_may_resolve_names(prod: Recorded) -> None:
    for name in prod.workloads.keys() - {"node-exporter"}:
        for protocol in ("UDP", "TCP"):
            assert egress(prod, name, Server("coredns"), 53, protocol), f"{name} asks by name"


def test_networks_can_be_narrowed(stack: Stacks) -> None:
    made = stack("prod", cluster={"network": {"apiServer": ["10.0.0.1/32"], "nodes": ["10.1.0.0/16"]}})
    rules = made.kind("NetworkPolicy")["prometheus"]["spec"]["egress"]

    def blocks(port: int) -> list[list[dict[str, Any]]]:
        return [rule["to"] for rule in rules if any(allowed["port"] == port for allowed in rule.get("ports", []))]

    assert [{"ipBlock": {"cidr": "10.0.0.1/32"}}] in blocks(443)
    assert blocks(10250) == blocks(9100) == [[{"ipBlock": {"cidr": "10.1.0.0/16"}}]]


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        (
            {"prometheus": {"scrapeJobs": [{"name": "again", "targets": ["alertmanager.monitoring.svc:9094"]}]}},
            "prometheus",
        ),
        (
            {"systems": {"monitoring": {"probes": ["http://kube-state-metrics.monitoring.svc:8080/livez"]}}},
            "blackbox-exporter",
        ),
        (
            {"prometheus": {"remoteWrite": [{"name": "self", "url": "http://prometheus.monitoring.svc:9090/w"}]}},
            "prometheus",
        ),
    ],
    ids=["scrape job", "probe", "remote write"],
)
def test_a_stack_file_may_name_a_server_of_the_stack(stack: Stacks, changes: dict[str, Any], source: str) -> None:
    made = stack("prod", **changes)
    for address in addresses(made):
        target = peer(made, address.host)
        if address.source == source and isinstance(target, Agent | Server):
            assert in_table(made, source, target, address.port), f"{address}: taken for an address outside"
            assert ingress(made, target.name, source, address.port), f"{address}: kept out by the other end"


@pytest.mark.parametrize("host", ["api.prometheus", "api.prometheus.svc.cluster.local", "alertmanager.example.com"])
def test_an_address_elsewhere_is_not_taken_for_a_server_of_the_stack(stack: Stacks, host: str) -> None:
    made = stack("dev", systems=NOTHING, prometheus={"scrapeJobs": [{"name": "theirs", "targets": [f"{host}:9009"]}]})
    assert in_table(made, "prometheus", Internet(host), 9009), "a namespace may be called like a server"
    assert egress(made, "prometheus", Internet(host), 9009)
