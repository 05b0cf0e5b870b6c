"""Agents that public libraries instrument: all that they send is found, once, and each signal leads to the next."""

from __future__ import annotations

import json
import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any
from urllib.parse import urlencode

import pytest

from components.redaction import MASK
from dashboards.queries import filled, prometheus_queries
from model.rules import SELDOM, Recording
from tests.dashboards import ALL_DASHBOARDS, STACK
from tests.planted import PLANTED, SAID, SECRET_PARTS
from tools.demo.platform import INSTRUMENTED, NAMESPACE, Sent
from tools.demo.stack import LOGGING, PRICES, Stack
from tools.local.harness import eventually, http_json
from tools.local.logs import Entry
from tools.local.receiving import endpoints
from tools.servers.find import binary

TASKS = [f"{SAID}: {secret}" for secret in PLANTED.values()]
ENV = {"TASKS": json.dumps(TASKS), "OPENAI_API_KEY": PLANTED["openai"], "RUNS_PER_SECOND": "3"}
ARRIVED = 30.0
"""Seconds until what was sent is in a store that is there."""
UNITS = {"s": "_seconds", "{token}": "", "{inference_call}": ""}
RESOURCE = {"job", "instance", "cluster", "environment", "service_name", "service_version", "le", "__name__"}
RESOURCE |= {"otel_scope_name", "otel_scope_schema_url", "otel_scope_version"}
"""Labels that say whose a series is, not what of; with those of Kubernetes."""


@dataclass(frozen=True)
class Ran:
    """A platform that has worked for some minutes, and ended; the stores go on."""

    stack: Stack
    began: float
    sent: Mapping[str, Sent]
    printed: Mapping[str, str]
    recorded: Mapping[str, list[dict[str, Any]]]
    """What recording rules said of it while it worked."""

    @property
    def spans(self) -> list[str]:
        return [span for sent in self.sent.values() for span in sent.spans]

    def traces(self) -> dict[str, dict[str, Any]]:
        """Every trace of the platform as Jaeger has it."""
        found: dict[str, dict[str, Any]] = {}
        for service in self.sent:
            asked = self.stack.jaeger.url_of(16686, f"/api/traces?service={service}&limit=100000&lookback=1h")
            found |= {trace["traceID"]: trace for trace in http_json(asked, timeout=60)["data"]}
        return found

    def entries(self, app: str) -> list[Entry]:
        return self.stack.loki.entries(f'{{namespace="{NAMESPACE}", app="{app}"}}')


RECORDED = (
    "agent:requests:rate5m",
    "agent:requests:error_ratio30m",
    "agent:request_duration_seconds:p95_30m",
    "agent:time_to_first_token_seconds:p95_30m",
    "agent:runs:rate5m",
    "agent:runs:error_ratio30m",
    "agent:tool_calls:rate5m",
    "agent:tokens:rate5m",
    "agent:cost:rate5m",
    "service:inference_calls_per_run:ratio30m",
    "mcp:operations:rate5m",
    "a2a:requests:rate5m",
    "a2a:requests:error_ratio30m",
    "a2a:request_duration_seconds:p95_30m",
)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    for name in LOGGING:
        binary(name)
    home, began = tmp_path_factory.mktemp("platform"), time.time()
    with endpoints() as services:
        stack = Stack(home, services.url, print, ENV)
        with stack.running():

            def recorded() -> dict[str, list[dict[str, Any]]]:
                found = {name: stack.query("query", query=name) for name in RECORDED}
                assert all(found.values()), [name for name, series in found.items() if not series]
                assert stack.query("query", query='agent:requests:rate5m{error_type!=""}'), "a request has failed"
                return found

            # Those of one group read those of another, and each is evaluated once a minute.
            rules = eventually(recorded, 200, "every rule has seen the agents, and a failure")
            stack.agents.end()
            sent = {name: stack.agents.sent(name) for name in INSTRUMENTED}
            printed = {name: (home / "agents" / f"{name}.log").read_text() for name in INSTRUMENTED}
            yield Ran(stack, began, sent, printed, rules)


def test_the_platform_has_something_to_say(ran: Ran) -> None:
    for name, sent in ran.sent.items():
        assert len(sent.spans) > 100, name
        assert len(sent.spans) == len(set(sent.spans))
        assert sent.lines > 50, name
        assert sent.metrics, name


# --- what is sent is found ---


def test_every_span_is_found_once(ran: Ran) -> None:
    def found() -> list[str]:
        return sorted(span["spanID"] for trace in ran.traces().values() for span in trace["spans"])

    eventually(lambda: found() == sorted(ran.spans), ARRIVED, f"{len(ran.spans)} spans")


def test_every_series_has_the_value_that_was_sent_last(ran: Ran) -> None:
    expected = {
        (service, *_series(*json.loads(series))): value
        for service, sent in ran.sent.items()
        for series, value in sent.metrics.items()
    }

    def found() -> dict[tuple[str, str, frozenset[tuple[str, str]]], float]:
        stored = ran.stack.query("query", query=f'{{job=~"{"|".join(ran.sent)}", __name__=~"(gen_ai|mcp)_.+_count"}}')
        return {_stored(series["metric"]): float(series["value"][1]) for series in stored}

    eventually(lambda: found() == expected, ARRIVED, f"{len(expected)} series")


def _series(name: str, unit: str, attributes: Mapping[str, object]) -> tuple[str, frozenset[tuple[str, str]]]:
    """A histogram's count as Prometheus names it."""
    labels = {key.replace(".", "_"): str(value) for key, value in attributes.items()}
    return f"{name.replace('.', '_')}{UNITS[unit]}_count", frozenset(labels.items())


def _stored(labels: Mapping[str, str]) -> tuple[str, str, frozenset[tuple[str, str]]]:
    own = {name: value for name, value in labels.items() if name not in RESOURCE and not name.startswith("k8s_")}
    return labels["job"], labels["__name__"], frozenset(own.items())


@pytest.mark.parametrize("app", INSTRUMENTED)
def test_every_line_is_found_once_letter_for_letter_but_for_what_is_masked(ran: Ran, app: str) -> None:
    printed = ran.printed[app].splitlines()
    assert len(printed) == ran.sent[app].lines, "nothing else prints"
    found = eventually(
        lambda: len(entries := ran.entries(app)) == len(printed) and entries, ARRIVED, f"{len(printed)} lines"
    )
    whole = Counter(entry.line for entry in found if MASK not in entry.line)
    assert whole <= Counter(printed)
    assert whole.total() > len(printed) / 4
    for entry in found:
        assert dict(entry.labels) == {
            "cluster": "dev-1",
            "namespace": NAMESPACE,
            "app": app,
            "container": "main",
            "level": json.loads(entry.line)["level"],
        }


# --- what may not be kept ---


def test_what_was_planted_is_sent_and_in_no_store(ran: Ran) -> None:
    secrets = [SAID, *SECRET_PARTS]
    sent = "".join(ran.printed.values())
    assert all(secret in sent for secret in secrets), "the agents do say it"

    traces = json.dumps(ran.traces())
    lines = json.dumps([[entry.line, dict(entry.metadata)] for app in ran.sent for entry in ran.entries(app)])
    series = json.dumps(ran.stack.query("query", query='{job=~".+"}'))
    exemplars = json.dumps(_exemplars(ran, '{__name__=~".+_bucket"}'))
    for secret in secrets:
        for store, text in {"Jaeger": traces, "Loki": lines, "Prometheus": series, "exemplars": exemplars}.items():
            assert secret not in text, f"{secret} is in {store}"


def test_what_was_said_is_known_to_have_been(ran: Ran) -> None:
    tags = [tag for trace in ran.traces().values() for span in trace["spans"] for tag in span["tags"]]
    said = [tag for tag in tags if tag["key"] in ("gen_ai.input.messages", "gen_ai.output.messages")]
    assert len(said) > 100
    assert {tag["value"] for tag in said} == {MASK}


# --- from one signal to the next ---


def _exemplars(ran: Ran, selector: str) -> list[dict[str, Any]]:
    asked = urlencode({"query": selector, "start": ran.began, "end": time.time()})
    answer = http_json(f"{ran.stack.prometheus.url}/api/v1/query_exemplars?{asked}", timeout=30)
    return [exemplar for series in answer["data"] for exemplar in series["exemplars"]]


FOLLOWED = 5
"""Exemplars of a metric; there are hundreds."""


@pytest.mark.parametrize(
    "selector",
    [
        'gen_ai_invoke_agent_duration_seconds_bucket{job="planner"}',
        'traces_span_metrics_duration_milliseconds_bucket{service_name="planner",span_name="invoke_agent planner"}',
    ],
    ids=["of the agent", "of its spans"],
)
def test_an_exemplar_leads_to_its_trace_its_lines_and_its_metrics(ran: Ran, selector: str) -> None:
    exemplars = _exemplars(ran, selector)
    ids = {exemplar["labels"]["trace_id"] for exemplar in exemplars[:FOLLOWED]}
    assert ids, "a bucket has exemplars"
    traces = {found["traceID"]: found for each in ids if (found := _trace(ran, each))}
    assert traces.keys() == ids, "each trace is there"

    for each, trace in traces.items():
        services = {process["serviceName"] for process in trace["processes"].values()}
        spans = {span["spanID"] for span in trace["spans"]}
        lines = ran.stack.loki.entries(f'{{namespace="{NAMESPACE}"}} | trace_id="{each}"')
        assert {dict(entry.labels)["app"] for entry in lines} == services, "all that took part have written"
        assert {entry.metadata["span_id"] for entry in lines} <= spans

        for service, operation in {
            (trace["processes"][span["processID"]]["serviceName"], span["operationName"]) for span in trace["spans"]
        }:
            counted = f'traces_span_metrics_calls_total{{service_name="{service}",span_name="{operation}"}}'
            assert ran.stack.number(counted) >= 1, counted


def _trace(ran: Ran, trace: str) -> dict[str, Any] | None:
    answer = http_json(ran.stack.jaeger.url_of(16686, f"/api/traces/{trace}"), timeout=30)
    return dict(answer["data"][0]) if answer["data"] else None


def test_metrics_of_spans_count_every_span(ran: Ran) -> None:
    counted = partial(ran.stack.number, "traces_span_metrics_calls_total")
    eventually(lambda: counted() == len(ran.spans), ARRIVED, f"{len(ran.spans)} spans are counted")


def test_a_trace_goes_through_all_of_the_platform(ran: Ran) -> None:
    whole = [
        trace
        for trace in ran.traces().values()
        if {process["serviceName"] for process in trace["processes"].values()} == set(INSTRUMENTED)
    ]
    assert len(whole) > 50
    for trace in whole:
        known = {span["spanID"] for span in trace["spans"]}
        parents = {reference["spanID"] for span in trace["spans"] for reference in span["references"]}
        assert parents <= known, "no span hangs in the air"


# --- what the rules make of it ---


def _by(series: list[dict[str, Any]], *labels: str) -> set[tuple[str, ...]]:
    return {tuple(each["metric"].get(label, "") for label in labels) for each in series}


def test_rules_say_who_asks_which_model_and_what_it_costs(ran: Ran) -> None:
    asks = {("planner", "model-large"), ("researcher", "model-small")}
    assert _by(ran.recorded["agent:requests:rate5m"], "service", "model") == asks
    assert _by(ran.recorded["agent:requests:error_ratio30m"], "agent", "model") == asks
    tokens = {(*who, direction) for who in asks for direction in ("input", "output")}
    assert _by(ran.recorded["agent:tokens:rate5m"], "service", "model", "direction") == tokens
    assert _by(ran.recorded["agent:cost:rate5m"], "service", "model") == asks
    assert all(float(series["value"][1]) > 0 for series in ran.recorded["agent:cost:rate5m"])


def test_the_cost_is_that_of_the_tokens(ran: Ran) -> None:
    for model, prices in PRICES.items():
        (cost,) = (each for each in ran.recorded["agent:cost:rate5m"] if each["metric"]["model"] == model)
        (recorded,) = ran.stack.query(
            "query", query=f'timestamp(agent:cost:rate5m{{model="{model}"}})', time=cost["value"][0]
        )
        at = float(recorded["value"][1])  # what the tokens were when it was recorded
        tokens = ran.stack.query("query", query=f'agent:tokens:rate5m{{model="{model}"}}', time=at)
        used = {each["metric"]["direction"]: float(each["value"][1]) for each in tokens}
        expected = sum(used[direction] * price for direction, price in prices.items()) / 1e6
        assert float(cost["value"][1]) == pytest.approx(expected), model


def test_rules_say_what_runs_what_is_called_and_what_fails(ran: Ran) -> None:
    assert _by(ran.recorded["agent:runs:rate5m"], "agent") == {("planner",), ("researcher",)}
    assert _by(ran.recorded["agent:tool_calls:rate5m"], "agent", "tool") == {
        ("planner", "search"),
        ("planner", "ask_researcher"),
    }
    calls = {("client", "planner"), ("server", "tools")}
    assert _by(ran.recorded["mcp:operations:rate5m"], "side", "service") == calls
    assert _by(ran.recorded["a2a:requests:rate5m"], "side", "service", "method") == {
        ("client", "planner", "message/send"),
        ("server", "researcher", "message/send"),
    }
    failed = {
        series["metric"]["agent"]: float(series["value"][1]) for series in ran.recorded["agent:runs:error_ratio30m"]
    }
    assert failed.keys() == {"planner", "researcher"}
    assert all(0 <= share < 0.1 for share in failed.values()), "some fail, and not many"


NOT_EMITTED = (
    "slo:",  # no objectives are set
    "agent_dimension:",  # nothing is attributed
    "time_per_output_token_seconds",  # a model's server says so, not its client
    "agent:cached_tokens",  # its instrumentation has them in spans alone
    "agent_guardrail:",  # no public library counts decisions; test_agents_signals does
    "agent:rate_limit_left",  # nor says what is left of a rate limit
)
"""What these dashboards ask for and this platform does not say."""
NOT_YET = tuple(
    rule.name
    for group in STACK.watched.groups
    if group.interval == SELDOM
    for rule in group.rules
    if isinstance(rule, Recording)
)
"""What is recorded so seldom that the platform may have ended before."""


@pytest.mark.parametrize(
    "dashboard",
    [dashboard for dashboard in ALL_DASHBOARDS if dashboard.uid.startswith("agents")],
    ids=lambda dashboard: dashboard.uid,
)
def test_the_dashboards_of_agents_have_data(ran: Ran, dashboard: Any) -> None:
    every = {variable.name: ".*" for variable in dashboard.variables} | {"cluster": "dev-1", "environment": "dev"}

    def answered(expr: str) -> bool:
        # In steps back from now: what was recorded a moment ago is in the last one.
        end, step = time.time(), 15
        start = end - step * math.ceil((end - ran.began) / step)
        return bool(ran.stack.query("query_range", query=filled(expr, every), start=start, end=end, step=step))

    asked = [query.expr for panel, query in prometheus_queries(dashboard) if not panel.unmeasured]
    empty = [expr for expr in asked if not answered(expr)]
    assert "\n".join(expr for expr in empty if not any(name in expr for name in (*NOT_EMITTED, *NOT_YET))) == ""
