"""Stacks with each kind of trace store, and traces of one shape, for the tests of Jaeger."""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from tools.local.rendered import Rendered, render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text
from tools.local.traces import Jaeger, Trace

SCRAPE = "/etc/prometheus/scrape"
CLUSTER = {"name": "test-1", "environment": "test", "context": "none", "flavour": "kind"}
SEARCH_ADDRESS = "http://search.example:9200"
SEARCH = {"urls": [SEARCH_ADDRESS], "username": "jaeger", "passwordSecret": "searchPassword"}
SAMPLING = {"percent": 10, "slow": "1s", "decisionWait": "3s", "maxTraces": 2000}

STORAGES: dict[str, dict[str, Any]] = {
    "memory": {"memory": {"traces": 10_000}},
    "badger": {"badger": {"size": "1Gi", "ttl": "3d"}},
    "elasticsearch": {"elasticsearch": SEARCH},
    "opensearch": {"opensearch": SEARCH | {"indexPrefix": "test-1", "lookback": "7d"}},
}
AGENT = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.request.model": "model-x",
    "gen_ai.agent.name": "planner",
    "gen_ai.tool.name": "search",
    "a2a.method.name": "message/send",
    "gen_ai.conversation.id": "conversation-1",
    "a2a.task.id": "task-1",
}
"""What a span of an agent says."""
PLATFORM = {
    "agent.operation": "plan",
    "task_type": "report",
    "communication.source": "planner",
    "communication.target": "writer",
}
"""What spans of platforms say besides."""
REQUEST = {
    "http.request.method": "GET",
    "http.route": "/orders/:id",
    "http.response.status_code": "200",
    "http.status_code": "200",
    "rpc.response.status_code": "OK",
    "rpc.grpc.status_code": "0",
    "server.address": "bank.example",
    "k8s.namespace.name": "shop",
    "k8s.deployment.name": "checkout",
    "k8s.statefulset.name": "checkout",
    "k8s.daemonset.name": "checkout",
}
"""What spans say of requests and calls, all at once."""


def stack(folder: Path, systems: Mapping[str, Any] | None = None, **jaeger: Any) -> Rendered:
    """One with these settings of Jaeger, scraped every second."""
    config = {"cluster": CLUSTER, "jaeger": jaeger, "prometheus": {"scrapeInterval": "1s"}, "systems": systems or {}}
    return render_text("test", folder / "stack", stack_text(config))


def traces(count: int, seed: int, **shape: Any) -> list[Trace]:
    """Traces of one shape, their ids always the same."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    return [Trace(chance.randbytes(16), **shape) for _ in range(count)]


def one(seed: int, **shape: Any) -> Trace:
    (made,) = traces(1, seed, **shape)
    return made


def scraped_here(prometheus: LocalServer, jaeger: Jaeger) -> dict[str, str]:
    """The files of the jobs for Jaeger and its metrics of spans, with what the API server would say of its ports."""
    rendered = prometheus.files(SCRAPE)
    files = {}
    for name in ("jaeger.yml", "jaeger-span-metrics.yml"):
        text = yaml.safe_load(rendered[name])
        (job,) = text["scrape_configs"]
        del job["kubernetes_sd_configs"]
        job["static_configs"] = [
            {
                "targets": [f"127.0.0.1:{jaeger.ports[port['containerPort']]}"],
                "labels": {
                    "__meta_kubernetes_endpointslice_port_name": port["name"],
                    "__meta_kubernetes_namespace": "monitoring",
                    "__meta_kubernetes_pod_name": "jaeger-0",
                    "__meta_kubernetes_pod_node_name": "node-a",
                },
            }
            for port in jaeger.rendered.container["ports"]
        ]
        files[name] = yaml.safe_dump(text)
    return files
