"""Jaeger keeps the share of each service's traces that a stack file asks for, and every error and slow trace."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.servers.traces import SAMPLING, STORAGES, stack, traces
from tools.local.harness import eventually
from tools.local.traces import Jaeger, Trace

SERVICES = {"checkout": 100, "chatty probe": 0.5, "silent": 0}
FRONT = "frontend"
"""A service that has no share of its own: ten in a hundred."""


@dataclass(frozen=True)
class Kept:
    sent: dict[tuple[str, ...], list[Trace]]
    """By the services that took part in each of them."""
    important: list[Trace]
    stored: set[str]

    def of(self, *services: str) -> int:
        """How many traces of exactly these services there are."""
        return sum(trace.id.hex() in self.stored for trace in self.sent[services])


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    home = tmp_path_factory.mktemp("sampled")
    sampling = SAMPLING | {"services": SERVICES, "maxTraces": 10_000}
    jaeger = Jaeger(stack(home, storage=STORAGES["badger"], sampling=sampling), home / "jaeger")
    sent = {
        ("checkout",): traces(200, 1),
        ("chatty probe",): traces(1000, 2),
        ("silent",): traces(200, 3),
        (FRONT,): traces(1000, 4),
        (FRONT, "checkout"): traces(200, 5),
        (FRONT, "chatty probe"): traces(1000, 6),
        ("silent", "chatty probe"): traces(200, 7),
    }
    important = [*traces(20, 8, failed=True), *traces(20, 9, milliseconds=1200)]
    with jaeger.running():
        for services, each in sent.items():
            for start in range(0, len(each), 200):
                for service in services:  # one right after the other: a trace is decided on 3 s after its first span
                    jaeger.send(*each[start : start + 200], service=service)
        jaeger.send(*important, service="silent")
        last = {trace.id.hex() for trace in important}
        eventually(lambda: last <= jaeger.stored("silent").keys(), 30, "the last are decided on")
        yield Kept(sent, important, {trace for service in (*SERVICES, FRONT) for trace in jaeger.stored(service)})


def test_all_traces_of_a_service_at_a_hundred_percent_are_kept(kept: Kept) -> None:
    assert kept.of("checkout") == 200


def test_of_a_service_at_half_a_percent_hardly_any_are(kept: Kept) -> None:
    # 5 of 1000 expected; the ids are fixed, so it is the same count every time.
    assert 0 < kept.of("chatty probe") <= 12


def test_of_a_service_at_nothing_none_is_but_those_that_failed_or_were_slow(kept: Kept) -> None:
    assert kept.of("silent") == 0
    assert all(trace.id.hex() in kept.stored for trace in kept.important)


def test_a_service_that_is_not_named_has_the_common_share(kept: Kept) -> None:
    assert 60 <= kept.of(FRONT) <= 140


def test_of_the_services_in_a_trace_the_highest_share_counts(kept: Kept) -> None:
    assert kept.of(FRONT, "checkout") == 200, "checkout's"
    assert 60 <= kept.of(FRONT, "chatty probe") <= 140, "the common one: a noisy peer takes nobody's traces"
    assert kept.of("silent", "chatty probe") <= 4, "1 of 200 expected: both are named, and the common one has no say"
