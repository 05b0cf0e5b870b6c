"""What is taken for a secret, and what is not; the servers' own engines are asked in tests/servers."""

from __future__ import annotations

import json

import pytest
import re2  # type: ignore[import-untyped]  # publishes no types

from components import redaction
from components.redaction import MASK
from tests.planted import BY_KEY, KEPT, PLANTED, SAID, SECRET_PARTS

ANY_TEXT, JSON_VALUE = re2.compile(redaction.ANY_TEXT), re2.compile(redaction.JSON_VALUE)
KEYS = re2.compile(f"(?i:{'|'.join(redaction.KEYS)})")


def masked(line: str) -> str:
    """A line as it leaves Promtail: values by key, then whatever else looks like a secret."""
    line = JSON_VALUE.sub(lambda found: found[0].removesuffix(found[1]) + f'"{MASK}"', line)
    return str(ANY_TEXT.sub(MASK, line))


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("around", ["{}", "before {} after", '"{}"', "x={};", "({})"])
def test_a_secret_is_masked_wherever_it_stands(name: str, around: str) -> None:
    left = masked(around.format(PLANTED[name]))
    assert MASK in left
    assert not [part for part in SECRET_PARTS if part in left], left


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Basic dXNlcjpodW50ZXIy",
        "authorization=Token hunter2",
        "Cookie: session=hunter2; theme=dark; id=hunter2",
        "login?user=ada&api_key=hunter2&page=2",
        "DB_PASSWORD=hunter2",
        "Server=db;User Id=sa;Pwd=hunter2;",
        "{'client_secret': 'hunter2'}",
        r'{"request":"{\"password\":\"hunter2\"}"}',
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nhunter2",
        "redis://:hunter2@cache:6379/0",
        "sk-ant-api03-hunter2hunter2hunter2",
        "xoxb-hunter2hunter2-hunter2",
    ],
)
def test_a_credential_is_masked_as_it_is_usually_written(text: str) -> None:
    assert "hunter2" not in masked(text), masked(text)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-21T11:00:00.123456789Z handled order A-1000-2000 in 12 ms",
        "trace_id=4bf92f3577b34da6a3ce929d0e0e4736 span_id=00f067aa0ba902b7",
        "listening on 10.0.0.1:8080, http://shop.agents.svc:8080/api?q=1",
        "token: unexpected end of input",
        "input_tokens=4242 output_tokens=17 max_tokens: 4096",
        "image sha256:9f8c7d6e5b4a39281706f5e4d3c2b1a09f8c7d6e5b4a39281706f5e4d3c2b1a0",
        "pod planner-7f9c5d8b6-x2x4z on node ip-10-0-12-34.eu-central-1.compute.internal",
        "uid 3f2504e0-4f89-11d3-9a0c-0305e82c3301 took 1234567890 ns",
        "ratio +0.25, 1e+10, offset +0100, 1795262322442000000",
        "a task-manager and a disk-scheduler, risk_assessment_of_everything",
        "@app.route def f(x): return x@y",
        "secretName: grafana-tls",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert masked(text) == text


@pytest.mark.parametrize("key", BY_KEY)
def test_a_key_says_that_its_value_is_secret(key: str) -> None:
    assert KEYS.fullmatch(key)
    assert KEYS.fullmatch(key.upper())


@pytest.mark.parametrize(
    "key",
    [
        *KEPT,
        "gen_ai.token.type",
        "gen_ai.usage.output_tokens",
        "gen_ai.tool.name",
        "gen_ai.tool.call.id",
        "k8s.secret.name",
        "session.id",
        "input.mime_type",
        "author",
    ],
)
def test_a_key_that_only_looks_like_one_does_not(key: str) -> None:
    assert not KEYS.fullmatch(key)


@pytest.mark.parametrize("nested", [BY_KEY, {"outer": [{"inner": BY_KEY}]}])
def test_values_by_key_are_masked_in_a_line_and_the_rest_stays(nested: dict[str, object]) -> None:
    line = json.dumps({"level": "info", **nested, **KEPT})
    left = masked(line)
    assert SAID not in left
    assert json.loads(left).items() >= {"level": "info", **KEPT}.items(), "it is JSON as before"


def test_what_nests_too_deeply_or_is_torn_goes_with_the_rest_of_its_line() -> None:
    deep = "[" * 20 + f'"{SAID}"' + "]" * 20
    for line in (f'{{"gen_ai.prompt": {deep}, "x": 1}}', f'{{"gen_ai.prompt": [{{"content": "{SAID} and m'):
        assert SAID not in masked(line)
        assert masked(line).startswith('{"gen_ai.prompt": "****"')


def test_json_within_a_string_of_json_is_read_too() -> None:
    line = json.dumps({"request": json.dumps({"gen_ai.input.messages": [{"content": f"{SAID}, please"}], "n": 1})})
    assert SAID not in masked(line)
    assert SAID not in masked(json.dumps({"request": json.dumps({"gen_ai.prompt": f"{SAID}, {SAID}"})}))


@pytest.mark.parametrize(
    "key",
    [
        "gen_ai.tool.call.arguments_hash",
        "mcp.tools.hash",
        "gen_ai.prompt.version",
        "gen_ai.evaluation.name",
        "gen_ai.evaluation.score.value",
    ],
)
def test_what_alerts_on_agents_lines_compare_is_kept(key: str) -> None:
    assert not KEYS.fullmatch(key)
    line = json.dumps({key: "4bf92f3577b34da6a3ce929d0e0e4736"})
    assert masked(line) == line
