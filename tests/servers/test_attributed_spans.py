"""Spans of requests to models, which Jaeger counts by each attribute that a stack file names, in Prometheus."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from rules.spans import OVERFLOW
from tests.conftest import NOTHING
from tests.servers.traces import CLUSTER, SCRAPE, STORAGES, scraped_here
from tools.local import otlp
from tools.local.asked import query
from tools.local.harness import eventually
from tools.local.rendered import render_text
from tools.local.server import LocalServer
from tools.local.stack_text import stack_text
from tools.local.traces import Jaeger

ATTRIBUTION = {"tenant": {"attribute": "app.tenant"}, "prompt_version": {"attribute": "gen_ai.prompt.version"}}
BY_TENANT, BY_VERSION = (f"agent_requests_by_{label}_calls_total" for label in ("app_tenant", "gen_ai_prompt_version"))
SEEN = 60
"""Seconds: metrics of spans are flushed and scraped every second, and the machine is slow."""
TENANTS = 130


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    """With what three services sent, in one of which every request has a tenant of its own."""
    home = tmp_path_factory.mktemp("attributed")
    config = {
        "cluster": CLUSTER,
        "jaeger": {"storage": STORAGES["memory"]},
        "prometheus": {"scrapeInterval": "1s"},
        "systems": {**NOTHING, "monitoring": {}, "agents": {"attribution": ATTRIBUTION}},
    }
    stack = render_text("test", home / "stack", stack_text(config))
    jaeger, server = Jaeger(stack, home / "jaeger"), LocalServer(stack, "prometheus", home / "prometheus")
    server.put(SCRAPE, scraped_here(server, jaeger))
    server.put("/etc/prometheus/rules", {})
    with jaeger.running(), server.running():
        send(jaeger, "shop", *(chat("acme", "v1"),) * 3, chat("acme", "v2"), chat("globex", "v2"))
        send(jaeger, "shop", {"gen_ai.operation.name": "invoke_agent", "app.tenant": "acme"}, {"app.tenant": "acme"})
        send(jaeger, "blog", {"gen_ai.operation.name": "chat"}, resource={"app.tenant": "initech"})
        send(jaeger, "many", *(chat(f"t-{number}", "v1") for number in range(TENANTS)))
        everything = f'sum({BY_TENANT}{{service_name="many"}}) == {TENANTS}'
        eventually(lambda: query(server, everything), SEEN, "all are counted")
        yield server


def chat(tenant: str, version: str) -> dict[str, str]:
    return {"gen_ai.operation.name": "chat", "app.tenant": tenant, "gen_ai.prompt.version": version}


def send(jaeger: Jaeger, service: str, *spans: dict[str, str], resource: dict[str, str] | None = None) -> None:
    chance = random.Random(service)  # noqa: S311  not a secret
    about = {"service.name": service, "k8s.namespace.name": "agents", **(resource or {})}
    made = (otlp.Span(chance.randbytes(16), chance.randbytes(8), "chat", attributes=each) for each in spans)
    otlp.send(jaeger.url_of(4318), otlp.traces(about, *made))


def counted(prometheus: LocalServer, name: str, **labels: str) -> dict[tuple[str, ...], float]:
    """Values of a counter by its labels, without those that say where it comes from."""
    matchers = ", ".join(f'{label}="{value}"' for label, value in labels.items())
    found: dict[tuple[str, ...], float] = {}
    for each in query(prometheus, f"{name}{{{matchers}}}"):
        known = {"__name__", "job", "instance", "cluster", "environment", "k8s_namespace_name", *labels}
        found[tuple(value for label, value in sorted(each["metric"].items()) if label not in known)] = float(
            each["value"][1]
        )
    return found


def test_requests_are_counted_by_each_attribute_on_its_own(prometheus: LocalServer) -> None:
    assert counted(prometheus, BY_TENANT, service_name="shop") == {("acme",): 4, ("globex",): 1}, (
        "neither runs nor others"
    )
    assert counted(prometheus, BY_VERSION, service_name="shop") == {("v1",): 3, ("v2",): 2}


def test_an_attribute_of_the_resource_counts_as_well(prometheus: LocalServer) -> None:
    assert counted(prometheus, BY_TENANT, service_name="blog") == {("initech",): 1}


def test_values_beyond_the_limit_of_a_service_are_counted_together(prometheus: LocalServer) -> None:
    by_tenant = counted(prometheus, BY_TENANT, service_name="many")
    assert len(by_tenant) <= 101
    (overflow,) = query(prometheus, f'{BY_TENANT}{{service_name="many", {OVERFLOW}="true"}}')
    assert float(overflow["value"][1]) >= TENANTS - 100
    assert "app_tenant" not in overflow["metric"]
