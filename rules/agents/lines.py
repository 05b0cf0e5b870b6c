"""Alerts on what agents log by OTLP: calls of tools, lists of an MCP server's tools, results of evaluations.

Hashes and scores are in the metadata of lines. As labels of metrics each would make series of its own.
"""

from __future__ import annotations

from model.grafana_alert import GrafanaGroup
from model.metrics import Unit
from model.quantities import Duration
from model.rules import Severity
from rules.agents.uids import AGENTS_QUALITY, AGENTS_TOOLS
from rules.logs.alerts import LogAlert
from rules.logs.lines import EVERYTHING

_APP = "cluster, namespace, app"
_TOOL = f"{_APP}, tool"
_SERVER = f"{_APP}, server"
_VERSION = f"{_APP}, evaluation, prompt_version"

# The first filter reads metadata alone, so other lines are dropped before labels are made.
CALLS = '| gen_ai_tool_call_arguments_hash != "" | label_format tool=gen_ai_tool_name'
LISTS = '| mcp_tools_hash != "" | label_format server=mcp_server_name'
SCORES = (
    '| gen_ai_evaluation_score_value != ""'
    " | label_format evaluation=gen_ai_evaluation_name, prompt_version=gen_ai_prompt_version"
)
_UNWRAPPED = f"{SCORES} | unwrap gen_ai_evaluation_score_value"


def repeated(streams: str) -> str:
    """LogQL: how often one run has called each tool with the same arguments in ten minutes, at most."""
    # A run is a trace.
    same = f"sum by ({_TOOL}, trace_id, gen_ai_tool_call_arguments_hash) (count_over_time({streams} {CALLS} [10m]))"
    return f"max by ({_TOOL}) ({same})"


def lists(streams: str) -> str:
    """LogQL: number of different lists of tools that each MCP server had in six hours."""
    each = f"sum by ({_SERVER}, mcp_tools_hash) (count_over_time({streams} {LISTS} [6h]))"
    return f"count by ({_SERVER}) ({each})"


def scores(streams: str, window: str, by: str = _VERSION) -> str:
    """LogQL: mean score of each evaluation and version of the prompt; ``window`` like ``[1h]``."""
    return f"avg_over_time({streams} {_UNWRAPPED} {window}) by ({by})"


_ENOUGH = f"sum by ({_VERSION}) (count_over_time({EVERYTHING} {SCORES} [1h])) >= 20"
_BEFORE = scores(EVERYTHING, "[1d] offset 1h", f"{_APP}, evaluation")

LOOP = LogAlert(
    name="AgentToolLoop",
    value=repeated(EVERYTHING),
    by=("cluster", "namespace", "app", "tool"),
    lines=f"{EVERYTHING} {CALLS}",
    # One call a minute may wait for something. Calls with other arguments are work, and are not counted together.
    above={Severity.WARNING: 10},
    summary="An agent calls a tool again and again with the same arguments.",
    description="A run of {{ $labels.namespace }}/{{ $labels.app }} called {{ $labels.tool }}"
    " {{ $value | humanize }} times with the same arguments in ten minutes.",
    dashboard=AGENTS_TOOLS,
    runbook="AgentRunsLooping",
)
TOOLS_CHANGED = LogAlert(
    name="McpToolsChanged",
    value=lists(EVERYTHING),
    by=("cluster", "namespace", "app", "server"),
    lines=f"{EVERYTHING} {LISTS}",
    above={Severity.WARNING: 1},  # any change: descriptions of tools are instructions to the model
    summary="The tools of an MCP server have changed.",
    description="{{ $labels.namespace }}/{{ $labels.app }} got {{ $value | humanize }} different lists of tools from"
    " {{ $labels.server }} in six hours.",
    dashboard=AGENTS_TOOLS,
)
SCORES_FELL = LogAlert(
    name="AgentEvaluationScoresFell",
    # Each version of the prompt against all of the day before: a new version against the old one.
    value=f"{scores(EVERYTHING, '[1h]')} / on ({_APP}, evaluation) group_left () ({_BEFORE} > 0) and {_ENOUGH}",
    by=("cluster", "namespace", "app", "evaluation", "prompt_version"),
    lines=f"{EVERYTHING} {SCORES}",
    below={Severity.WARNING: 0.9},  # means of twenty scores of the same agent differ by a few percent
    unit=Unit.RATIO,
    for_=Duration.parse("10m"),  # two evaluations of the group
    summary="Evaluation scores of an agent have fallen.",
    description="{{ $labels.evaluation }} of {{ $labels.namespace }}/{{ $labels.app }}"
    "{{ with $labels.prompt_version }} with the prompt version {{ . }}{{ end }} is"
    " {{ $value | humanizePercentage }} of the day before.",
    dashboard=AGENTS_QUALITY,
)
GROUPS = (
    GrafanaGroup("agents-lines", (LOOP,)),
    # Less often, because each evaluation reads long windows.
    GrafanaGroup("agents-lines-long", (TOOLS_CHANGED, SCORES_FELL), Duration.parse("5m")),
)
