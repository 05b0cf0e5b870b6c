"""The dev stack's Prometheus on this machine, which scrapes the stack's servers and written targets here."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml

from rules.monitoring.scrape import PROBE_INTERVAL
from tests.servers.shop import AGENTS, STACK, Cluster
from tools.local.account import Account
from tools.local.harness import eventually, free_port, http_text
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.recorder import ROOT

EXPLODING = "exploding"
BRANCHING = "branching"
STEADY = "steady"

KUBELET = """\
kubelet_running_pods 3
kubelet_http_requests_total{path="pods"} 9
kubernetes_build_info{git_version="v1.36.3"} 1
go_goroutines 200
"""

CADVISOR = """\
container_cpu_usage_seconds_total{namespace="shop",pod="cart",container="c0"} 1
container_cpu_usage_seconds_total{namespace="shop",pod="cart",container=""} 1
container_cpu_usage_seconds_total{namespace="",pod="",container="",id="/"} 8
container_memory_working_set_bytes{namespace="shop",pod="cart",container="c0"} 1
container_memory_working_set_bytes{namespace="shop",pod="cart",container="POD"} 1
container_spec_memory_limit_bytes{namespace="shop",pod="cart",container="c0"} 1
container_spec_memory_limit_bytes{namespace="shop",pod="cart",container=""} 1
container_processes{namespace="shop",pod="cart",container="c0"} 1
container_processes{namespace="shop",pod="cart",container=""} 1
container_network_receive_bytes_total{namespace="shop",pod="cart",container="",interface="eth0"} 1
container_tasks_state{namespace="shop",pod="cart",container="c0",state="running"} 1
machine_cpu_cores 2
"""


@contextmanager
def answering(texts: Mapping[str, str], port: int, ca: Path | None = None, token: str = "") -> Iterator[str]:
    """A target on this machine, path to exposition; with TLS and asking for a token when those are given."""

    class Target(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            allowed = not token or self.headers["Authorization"] == f"Bearer {token}"
            body = texts.get(self.path, "").encode() if allowed else b""
            self.send_response(200 if body else 404 if allowed else 401)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Target) as server:
        if ca is not None:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(ca, ca.with_suffix(".key"))
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"127.0.0.1:{port}"
        finally:
            server.shutdown()


@contextmanager
def scraping(cluster: Cluster, home: Path) -> Iterator[LocalServer]:
    """The dev stack, scraping every two seconds: what its jobs discover is scraped where it runs on this machine."""
    targets = {name: free_port() for name in (EXPLODING, BRANCHING, STEADY)}
    stack = render_text("dev", home, quick(targets))
    place = partial(LocalServer, stack, account=cluster.account)
    port = free_port()
    others = {
        server: LocalServer(
            stack,
            server,
            home / server,
            Account.of(cluster.plane, AGENTS if server == "node-exporter" else STACK, server),
        )
        for server in ("alertmanager", "blackbox-exporter", "kube-state-metrics", "node-exporter")
    }
    addresses = {server: local.address for server, local in others.items()} | {"prometheus": f"127.0.0.1:{port}"}
    kubelet = free_port()
    main = place(
        server="prometheus",
        home=home / "prometheus",
        ports={9090: port},
        alertmanagers=[addresses["alertmanager"]],
        addresses={
            f"prometheus.{STACK}.svc:9090": addresses["prometheus"],
            f"alertmanager.{STACK}.svc:9093": addresses["alertmanager"],
            f"blackbox-exporter.{STACK}.svc:9115": addresses["blackbox-exporter"],
        },
        redirect={
            **addresses,
            "kube-state-metrics-telemetry": f"127.0.0.1:{others['kube-state-metrics'].ports[8081]}",
            "apiservers": f"127.0.0.1:{cluster.plane.port}",
            "kubelet": f"127.0.0.1:{kubelet}",
            "cadvisor": f"127.0.0.1:{kubelet}",
        },
    )
    scrape = main.files("/etc/prometheus/scrape")
    # The one wait that no setting shortens: a first probe comes within a minute.
    assert f"scrape_interval: {PROBE_INTERVAL}\n" in scrape["probes.yml"]
    scrape["probes.yml"] = scrape["probes.yml"].replace(f"scrape_interval: {PROBE_INTERVAL}\n", "scrape_interval: 2s\n")
    main.put("/etc/prometheus/scrape", scrape)
    expositions = {
        EXPLODING: "".join(f'explosion{{n="{n}"}} 1\n' for n in range(50_001)),
        BRANCHING: "branches{" + ",".join(f'l{n}="x"' for n in range(65)) + "} 1\nsapling 1\n",
        STEADY: "steady 1\n",
    }
    with ExitStack() as exits:
        for name, text in expositions.items():
            exits.enter_context(answering({"/metrics": text}, targets[name]))
        nodes = {"/metrics": KUBELET, "/metrics/cadvisor": CADVISOR}
        exits.enter_context(answering(nodes, kubelet, cluster.plane.ca, cluster.account.token))
        for local in (*others.values(), main):
            exits.enter_context(local.process())
        eventually(lambda: http_text(f"{main.url}/-/ready"), 30, "Prometheus is ready")
        yield main


def quick(targets: Mapping[str, int]) -> str:
    """The dev stack file with shorter intervals and further targets."""
    file = yaml.safe_load((ROOT / "Pulumi.dev.yaml").read_text())
    prometheus = file["config"]["agent-observability:prometheus"]
    prometheus |= {"scrapeInterval": "2s", "evaluationInterval": "2s", "also": ["node_softnet_.+"]}
    prometheus["scrapeJobs"] = [{"name": name, "targets": [f"127.0.0.1:{port}"]} for name, port in targets.items()]
    return json.dumps(file)
