"""What the examples of this system are about: ``billing``, whose agent is the ``planner``, its model and its tool."""

from __future__ import annotations

from tests.rules.examples import Labels, Series, counters, histogram, metric

# --- what an agent pushes ---

PROCESS: Labels = {"job": "billing", "instance": "i-1", "k8s_namespace_name": "agents"}
PLANNER = PROCESS | {"gen_ai_agent_name": "planner"}
ASKS = PLANNER | {
    "gen_ai_operation_name": "chat",
    "gen_ai_provider_name": "openai",
    "gen_ai_request_model": "gpt-4o",
}
SEARCHES = PLANNER | {"gen_ai_tool_name": "search"}
FAILED: Labels = {"error_type": "timeout"}
INPUT, OUTPUT = ({"gen_ai_token_type": kind} for kind in ("input", "output"))

ASKED = "gen_ai_client_operation_duration_seconds"
RAN = "gen_ai_invoke_agent_duration_seconds"
CALLED = "gen_ai_execute_tool_duration_seconds"
FIRST_TOKEN = "gen_ai_server_time_to_first_token_seconds"  # noqa: S105  the name of a metric
USED_TOKENS = "gen_ai_client_token_usage_sum"

# --- what the rules make of it ---

OF_SERVICE: Labels = {"namespace": "agents", "service": "billing"}
OF_PLANNER = OF_SERVICE | {"agent": "planner"}
MODEL: Labels = {"provider": "openai", "model": "gpt-4o"}
OF_MODEL = OF_PLANNER | MODEL
OF_SEARCH = OF_PLANNER | {"tool": "search"}

LONG = "45m"
"""The window, the longest `for`, and the five minutes in which rates are not whole."""


def outcomes(name: str, labels: Labels, events: float, bad: float) -> Series:
    """Events and bad ones a minute, counted by ``error_type``."""
    return counters({metric(name, labels): events - bad, metric(name, labels, FAILED): bad})


def below(end: float, name: str, labels: Labels) -> Series:
    """A histogram whose events lie evenly below a bucket's end: the 95th percentile is 95 % of that."""
    return histogram(name, labels, {f"{end:g}": 10, "+Inf": 10})


def native(bucket: int, events: int, samples: int = 60) -> str:
    """A histogram without fixed buckets, so many events a minute in one of its own (which grow by 9 %)."""
    each = f"{{{{schema:3 count:{events} sum:{events} offset:{bucket} buckets:[{events}]}}}}"
    none = each.replace(f":{events}", ":0").replace(f"[{events}]", "[0]")
    return f"{none}+{each}x{samples}"
