"""Prometheus on its rendered configuration: what libraries and processes count alike is counted once for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.servers.pushed import MINUTES, Points, process, push, receiving, rule
from tools.local.account import Account
from tools.local.asked import query
from tools.local.control_plane import ControlPlane
from tools.local.otlp import Counter, Histogram
from tools.local.rendered import Rendered
from tools.local.server import LocalServer

ASKS = {"gen_ai.request.model": "gpt-4o", "gen_ai.provider.name": "openai", "gen_ai.operation.name": "chat"}
TOKENS, COST = "agent:tokens:rate5m", "agent:emitted_cost:rate5m"


@pytest.fixture(scope="module")
def prometheus(
    control_plane: ControlPlane, rendered: Callable[[str], Rendered], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalServer]:
    with receiving(rendered("dev"), tmp_path_factory.mktemp("identity"), Account.admin(control_plane)) as local:
        yield local


def counting(tokens: int, dollars: int = 0, *, from_: int = 0) -> Points:
    """A library that counts so many tokens and USD a minute, and did so ``from_`` a minute on."""

    def after(minute: int) -> list[Counter | Histogram]:
        count = minute - from_
        cost = Histogram("gen_ai.usage.cost", dollars * count, 1, ASKS, unit="USD")
        used = Counter("gen_ai.client.inference.usage.input_tokens", tokens * count, ASKS, unit="{token}")
        return [used, cost] if dollars else [used]

    return after


def a_minute(local: LocalServer, recording: str, service: str) -> float:
    """What a recording rule says of a service, by the minute."""
    found = [each for each in query(local, rule(local, recording)) if each["metric"]["service"] == service]
    return round(60 * sum(float(each["value"][1]) for each in found), 6)


def test_two_libraries_of_one_process_are_counted_once_each(prometheus: LocalServer) -> None:
    libraries = {"opentelemetry.instrumentation.openai": counting(600, 6), "openlit.otel.metrics": counting(60, 1)}
    push(prometheus, process("two-scopes", "i-1"), libraries)

    assert a_minute(prometheus, TOKENS, "two-scopes") == 660, "neither a reset at every sample, nor one of them lost"
    assert a_minute(prometheus, COST, "two-scopes") == 7


def test_two_sdks_in_one_pod_are_counted_once_each(prometheus: LocalServer) -> None:
    for instance, language in (("python-1", "python"), ("node-1", "nodejs")):
        resource = process("two-sdks", instance, **{"k8s.pod.name": "two-sdks-0", "telemetry.sdk.language": language})
        push(prometheus, resource, {"gen_ai": counting(300)})

    assert a_minute(prometheus, TOKENS, "two-sdks") == 600


def test_two_processes_in_one_container_are_counted_once_each(prometheus: LocalServer) -> None:
    for worker in ("w-1", "w-2"):
        resource = process("two-workers", worker, **{"k8s.pod.name": "two-workers-0", "k8s.container.name": "main"})
        push(prometheus, resource, {"gen_ai": counting(120)})

    assert a_minute(prometheus, TOKENS, "two-workers") == 240


def test_a_restart_is_neither_a_loss_nor_a_jump(prometheus: LocalServer) -> None:
    restarted = MINUTES - 2
    resource = process("restarted", "i-1")
    push(prometheus, resource, {"gen_ai": counting(600)}, range(restarted))
    push(prometheus, resource, {"gen_ai": counting(600, from_=restarted)}, range(restarted, MINUTES + 1))

    found = a_minute(prometheus, TOKENS, "restarted")
    assert 400 <= found <= 600, "of four minutes one, in which it started again, was not counted to its end"


def test_a_new_version_of_a_library_goes_on_where_the_old_one_ended(prometheus: LocalServer) -> None:
    upgraded = MINUTES - 2
    push(prometheus, process("upgraded", "old-1"), {"gen_ai": counting(600)}, range(upgraded))
    new = {"opentelemetry.instrumentation.gen_ai": counting(600, from_=upgraded)}
    push(prometheus, process("upgraded", "new-1"), new, range(upgraded, MINUTES + 1))

    found = a_minute(prometheus, TOKENS, "upgraded")
    assert 300 <= found <= 1200, "both at once, for as long as the old one's last samples are in the window"
