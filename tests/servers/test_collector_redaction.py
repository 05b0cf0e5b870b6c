"""What may not be kept is in no store after the collector, and all else is there letter for letter."""

from __future__ import annotations

import json
import time
from functools import partial
from typing import Any

import pytest

from components.redaction import MASK
from tests.planted import BY_KEY, KEPT, PLANTED, SAID, SECRET_PARTS
from tests.servers.test_collector import CHANCE, DELIVERED, ELSEWHERE, platform
from tools.local import otlp
from tools.local.asked import get, query
from tools.local.harness import eventually
from tools.local.logs import Entry
from tools.local.otlp import Counter, Log, Span
from tools.local.telemetry import Platform

__all__ = ["platform"]  # a fixture, which this file has once more


@pytest.fixture(scope="module")
def told(platform: Platform) -> str:
    """Everything that the stores have of a sender that planted secrets in every place, as text."""
    texts = dict(enumerate(PLANTED.values()))
    everywhere = {f"field.{number}": f"before {text} after" for number, text in texts.items()} | BY_KEY | KEPT
    nested = {"outer": {"list": [everywhere], **everywhere}}
    resource = ELSEWHERE | {"service.name": "careless"} | everywhere
    all_of_it = " and ".join(PLANTED.values())
    old_events: list[tuple[str, dict[str, Any]]] = [
        ("gen_ai.content.prompt", {"gen_ai.prompt": SAID}),
        ("gen_ai.user.message", {"content": SAID}),
        ("gen_ai.choice", {"message": {"content": SAID}, "finish_reason": "stop"}),
        ("gen_ai.client.inference.operation.details", BY_KEY),
        (f"exception for {PLANTED['email']}", {"exception.message": all_of_it, **nested}),
    ]
    trace = CHANCE.randbytes(16)
    span = Span(
        trace,
        CHANCE.randbytes(8),
        name=f"GET {PLANTED['url']}",
        attributes=everywhere | nested,
        events=old_events,
        status=f"refused: {all_of_it}",
    )
    now = time.time_ns()
    bodies: list[Any] = [
        *(f"text {text} end" for text in texts.values()),
        everywhere | nested,
        [everywhere],
        json.dumps(everywhere | nested),
        json.dumps([everywhere]),
        json.dumps({"request": json.dumps(everywhere)}),
        json.dumps(everywhere)[:-9],  # torn
    ]
    records = [Log(body, now + number, attributes=everywhere | nested) for number, body in enumerate(bodies)]
    spoken = [
        Log({"content": SAID, "role": "user"}, now + 100, event="gen_ai.user.message"),
        Log({"index": 0, "message": {"content": SAID}}, now + 101, attributes={"event.name": "gen_ai.choice"}),
        Log(json.dumps({"content": SAID}), now + 102, event="gen_ai.assistant.message"),
        Log(SAID, now + 103, event="gen_ai.tool.message"),
        Log("details", now + 104, event="gen_ai.client.inference.operation.details", attributes=BY_KEY),
    ]
    url = platform.collector.url
    bare = Span(trace, CHANCE.randbytes(8), name=f"call {PLANTED['email']}", status=all_of_it)
    otlp.send(url, otlp.traces(resource, span, bare))
    otlp.send(url, otlp.logs(resource, *records, *spoken))
    labelled = {key: value for key, value in everywhere.items() if isinstance(value, str)}
    otlp.send(url, otlp.metrics(resource, Counter("careless.calls", 1, labelled, exemplar=everywhere)))

    stored = eventually(partial(platform.trace, trace), DELIVERED, "the spans")
    entries = eventually(
        lambda: len(found := platform.loki.entries('{app="careless"}')) == len(records + spoken) and found,
        DELIVERED,
        "its lines",
    )
    recent = {"start": str(time.time() - 600), "end": str(time.time() + 60)}
    pushed = []
    for server in platform.prometheus:
        pushed.append(eventually(partial(query, server, '{job="careless"}'), DELIVERED, "its metric"))
        pushed.append(get(server, "query_exemplars", query="careless_calls_total", **recent))
    return json.dumps([stored, [_plain(entry) for entry in entries], pushed], ensure_ascii=False)


def _plain(entry: Entry) -> dict[str, Any]:
    return {"labels": entry.labels, "metadata": dict(entry.metadata), "line": entry.line}


@pytest.mark.parametrize("secret", SECRET_PARTS)
def test_a_secret_is_nowhere_in_any_store(told: str, secret: str) -> None:
    assert secret not in told, told[max(0, told.index(secret) - 300) : told.index(secret) + 100]


def test_nothing_that_was_said_is_in_any_store(told: str) -> None:
    assert SAID not in told, told[max(0, told.index(SAID) - 300) : told.index(SAID) + 100]


def test_what_is_no_secret_is_kept(told: str) -> None:
    for value in ("4242", "greeting", "A-1000-2000", '"finish_reason"', '\\"role\\":\\"user\\"'):
        assert value in told, f"{value} is no secret"
    assert MASK in told
    assert "redaction." not in told, "nor is it said how much was masked: that would be one more field of everything"
    assert "redaction_" not in told


def test_a_line_without_secrets_stays_as_it_was_letter_for_letter(platform: Platform) -> None:
    now = time.time_ns()
    bodies = [
        '{"z":1, "a":12345678901234567890, "b": 1.0,  "text":"\\u00fc <b> & ü"}',
        '{"span_id": "4111111111111111", "trace_id": "41111111111111114111111111111111"}',
        "[not json",
        "  {broken",
        "at 2026-11-21T11:00:00.123456789Z took 1234567890 ns, 10.0.0.1:8080, token: unexpected",
    ]
    resource = ELSEWHERE | {"service.name": "careful"}
    otlp.send(platform.collector.url, otlp.logs(resource, *(Log(body, now + n) for n, body in enumerate(bodies))))
    found = eventually(
        lambda: len(entries := platform.loki.entries('{app="careful"}')) == len(bodies) and entries, DELIVERED, "lines"
    )
    assert [entry.line for entry in found] == bodies


def test_a_masked_line_of_json_is_still_json(platform: Platform) -> None:
    body = json.dumps({"level": "info", "password": "x", "message": "to ada@example.org", "count": 3})
    resource = ELSEWHERE | {"service.name": "parsed"}
    otlp.send(platform.collector.url, otlp.logs(resource, Log(body, time.time_ns())))
    (entry,) = eventually(lambda: platform.loki.entries('{app="parsed"}'), DELIVERED, "the line")
    assert json.loads(entry.line) == {"level": "info", "password": MASK, "message": f"to {MASK}", "count": 3}
