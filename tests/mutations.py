"""Stack files that somebody got wrong: the shipped ones, and one with most keys, each with up to three mistakes."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml
from hypothesis import strategies as st

from components.alertmanager import config as alertmanager
from components.alertmanager.templates import Links
from components.flow_table import flows
from components.grafana import config as grafana
from components.grafana.notifications import notifications
from components.grafana.rule_groups import rule_groups
from components.jaeger import config as jaeger
from components.loki import config as loki
from components.loki.alerts import rule_file
from components.otel_agent import config as otel_agent
from components.otel_collector import config as otel_collector
from components.prometheus import config as prometheus
from components.promtail import config as promtail
from components.settings.stack import Settings
from dashboards.queries import expressions
from tools.recorder import ROOT

FILES = (ROOT / "Pulumi.dev.yaml", ROOT / "Pulumi.prod.yaml", ROOT / "tests" / "stacks" / "everything.yaml")

Way = tuple[str | int, ...]
"""Keys and positions from the top of a file to a value in it."""


@dataclass(frozen=True)
class Yaml:
    """A value as YAML, for what JSON has no words for."""

    text: str


@dataclass(frozen=True)
class Doubled:
    """The value of a key that is given twice."""

    value: Any


WRONG_TYPES: tuple[Any, ...] = (None, True, 7, "2026-01-01", [], {}, ["a"], [[{}]], {"a": "b"})
STRANGE_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    -0.0,
    1.5,
    10**9,
    10**30,
    10**400,
    -(2**63),
    *map(Yaml, ("1e400", "-1e400", ".inf", "-.inf", ".nan", "1_000", "0o17", "0x1F", "089", "1.", "1e3", "=", "~")),
    *map(Yaml, ("22:00", "2026-01-01", "2026-01-01T10:00:00Z", "2026-13-45", "on", "no", "off", "0x" + "f" * 5000)),
    *map(Yaml, ("&a [*a]", "&a {a: *a}", "!!python/object:os.system {}", "!!python/name:os.system", "!!binary aGk=")),
    *map(Yaml, ("!!set {a}", "!!omap [a: 1]", "!!int x", "!!float x", "!!bool maybe", "!!null x", "!!str 5", "!own x")),
    *map(Yaml, ("{1: a}", "{~: a}", "{[1]: a}", "{on: a, true: b}", "{2026-01-01: a}", "{<<: 5}", "{<<: {a: 1}}")),
    *map(Yaml, ('"\\ud800"', '"\\0"', '"\\UFFFFFFFF"', '"\\x1b[31m"', "{a: 1, a: 2}", "1" * 5000, "*nobody")),
    "",
    " ",
    "2026-01-01",
    "1e400",
    "a\nb",
    "a\u2028b\x85c",
    "\u202eabc",
    "ÄÖÜ☃😀",
    "x" * 70_000,
    " " * 60_000,
    "(" * 5000,
    "sum(" * 499,
    '{a="' + " " * 50_000,
    "9" * 5000 + "d",
    "9" * 5000 + "Gi",
    "1" * 400,
    "-",
    "*",
    "${HOME}",
    "{{ .x }}",
    "a" * 253,
    "[::1]:80",
    "http://[fe80::1%25eth0]/",
    "http://[",
    "https://user:hunter2@example.com",
    "a{99999999999999999999}",
    "up",
    'a{b="c"}',
    [],
    {},
    [[]],
    [None],
    [{}],
    [[[]]],
    {"": ""},
    {"a": None},
    {"secure": "v1:x:y"},
    {"secure": {}},
    {"name": "a", "key": "k"},
    ["a"] * 1200,
    {"a\nb": 1},
    {"k" * 1000: 1},
)
"""What somebody writes, or pastes, where something else belongs."""

KEYS = (
    "",
    " ",
    "a\nb",
    "on",
    "1",
    "name",
    "nam",
    "receiver",
    "x" * 1000,
    "\u2028",
    "ünïcode",
    "secure",
    "hunter2Token",
)


@cache
def originals() -> tuple[dict[str, Any], ...]:
    """The files as data, with the project's prefix."""
    return tuple(yaml.safe_load(path.read_text()) for path in FILES)


def ways(value: Any, way: Way = ()) -> Iterator[Way]:
    """Where something can be changed in ``value``: whatever stands in it."""
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, part in parts:
        yield (*way, key)
        yield from ways(part, (*way, key))


def nests(value: Any) -> Iterator[Way]:
    """Where mappings and lists stand in it: fewer than single values, and more goes wrong with them."""
    return (way for way in ways(value) if isinstance(at(value, way), dict | list))


@cache
def places() -> tuple[tuple[tuple[Way, ...], tuple[Way, ...]], ...]:
    """Of each of FILES, its ways and its nests."""
    return tuple((tuple(ways(each)), tuple(nests(each))) for each in originals())


def deep(levels: int, inner: Any, key: str | None) -> Any:
    for _ in range(levels):
        inner = [inner] if key is None else {key: inner}
    return inner


values = st.one_of(
    st.sampled_from(STRANGE_VALUES),
    st.text(max_size=20),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.builds(deep, st.integers(1, 150), st.none(), st.sampled_from([None, "routes", "a"])),
    st.recursive(st.none() | st.booleans() | st.text(max_size=3), lambda some: st.lists(some, max_size=3)),
)


@st.composite
def stack_files(draw: st.DrawFn) -> str:
    """The text of one of FILES with one to three mistakes."""
    file = draw(st.integers(0, len(FILES) - 1))
    config = copy.deepcopy(originals()[file])
    for _ in range(draw(st.integers(1, 3))):
        _change(draw, config, draw(st.sampled_from(places()[file][draw(st.integers(0, 1))])))
    return spelled(config)


def _change(draw: st.DrawFn, config: Any, way: Way) -> None:
    """One mistake at ``way``; none where an earlier one took that away."""
    key = way[-1]
    around = at(config, way[:-1])
    if at(around, (key,)) is GONE:
        return
    match draw(st.sampled_from(("replace", "replace", "replace", "delete", "rename", "double", "wrap", "copy"))):
        case "replace":
            around[key] = draw(st.sampled_from(WRONG_TYPES) if draw(st.booleans()) else values)
        case "delete":
            del around[key]
        case "rename" if isinstance(around, dict):
            new = draw(st.sampled_from(KEYS) | st.sampled_from((f"{key}s", str(key).upper())) | st.text(max_size=5))
            around[new] = around.pop(key)
        case "double" if isinstance(around, dict):
            around[key] = Doubled(around[key])
        case "wrap":
            around[key] = draw(st.sampled_from(([around[key]], {"a": around[key]}, [around[key]] * 2)))
        case "copy":
            other = draw(st.integers(0, len(FILES) - 1))
            around[key] = copy.deepcopy(at(originals()[other], draw(st.sampled_from(places()[other][0]))))


GONE = object()


def at(value: Any, way: Way) -> Any:
    """What stands at ``way``, or GONE."""
    for key in way:
        there = isinstance(value, dict) and key in value
        if not there and not (isinstance(value, list) and isinstance(key, int) and key < len(value)):
            return GONE
        value = value[key]
    return value


def spelled(value: Any) -> str:
    """YAML in JSON's style, in which what JSON cannot say stands as it is."""
    if isinstance(value, Yaml):
        return value.text
    if isinstance(value, Doubled):
        return spelled(value.value)
    if isinstance(value, list):
        return f"[{', '.join(spelled(part) for part in value)}]"
    if isinstance(value, dict):
        pairs = []
        for key, part in value.items():
            pairs += [f"{_quoted(key)}: {spelled(part)}"] * (2 if isinstance(part, Doubled) else 1)
        return f"{{{', '.join(pairs)}}}"
    return _quoted(value) if isinstance(value, str) else json.dumps(value)


def _quoted(text: str) -> str:
    """As YAML has it: JSON's escapes are halves of what lies beyond 16 bits, which are no characters to YAML."""
    return '"' + "".join(each if each.isalnum() and each < "\x7f" else f"\\U{ord(each):08x}" for each in text) + '"'


def build(settings: Settings) -> None:
    """All that is made of settings before Pulumi hears of it, but for the dashboards."""
    watched = settings.watched
    flows(settings, watched)
    jobs = prometheus.scrape_jobs(settings.prometheus, settings.cluster, watched, expressions(watched, ()))
    prometheus.files(settings.prometheus, settings.cluster, jobs, watched.groups, settings.grafana.address)
    links = Links(grafana=settings.grafana.address, alertmanager=settings.alertmanager.external_url)
    alertmanager.files(settings.notifications, watched.inhibitions, links)
    replicas = loki.Replicas(prometheus=settings.prometheus.replicas, alertmanager=settings.alertmanager.replicas)
    of_loki = rule_file(settings.evaluated_by_loki, settings.cluster, settings.grafana.address)
    loki.files(settings.loki, settings.cluster, replicas, of_loki)
    if settings.logs.collector == "otel":
        otel_agent.files(settings.logs, settings.log_fields, settings.cluster)
    else:
        promtail.files(settings.logs, settings.log_fields, settings.cluster, settings.loki)
    jaeger.files(settings.jaeger, settings.cluster)
    otel_collector.files(
        settings.collector,
        settings.cluster,
        settings.prometheus,
        settings.jaeger,
        settings.loki,
        settings.logs,
        settings.log_fields,
        watched.spans,
    )
    if settings.grafana.external is None:
        grafana.files(settings.grafana, settings.cluster)
    notifications(settings.notifications, settings.grafana, settings.alertmanager, settings.cluster)
    rule_groups(watched, settings.cluster, settings.grafana.address)
