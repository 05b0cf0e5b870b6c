"""The alerts over agents' lines, by example. Metadata of lines is given as labels, which queries treat alike."""

from __future__ import annotations

from rules.agents.lines import LOOP, SCORES_FELL, TOOLS_CHANGED
from tests.rules.examples import Labels, Lines, example, logged, of, warning

_APP: Labels = {"namespace": "shop", "app": "planner"}
_STREAM = _APP | {"container": "main", "level": "info"}
_SEARCH = _APP | {"tool": "search"}
_FILES = _APP | {"server": "files"}
_RELEVANCE = _APP | {"evaluation": "relevance"}


def _calls(times: int, arguments: str = "a1", run: str = "r1", tool: str = "search") -> Lines:
    metadata = {"gen_ai_tool_name": tool, "gen_ai_tool_call_arguments_hash": arguments, "trace_id": run}
    return logged(_STREAM | metadata, "tool called", times)


def _listed(tools: str, ago: str = "1m") -> Lines:
    return logged(_STREAM | {"mcp_server_name": "files", "mcp_tools_hash": tools}, "tools listed", 3, ago)


def _scored(score: float, version: str, times: int = 20, ago: str = "1m") -> Lines:
    metadata = {
        "gen_ai_evaluation_name": "relevance",
        "gen_ai_evaluation_score_value": f"{score:g}",
        "gen_ai_prompt_version": version,
    }
    return logged(_STREAM | metadata, "evaluated", times, ago)


EXAMPLES = (
    example(
        "a run calls a tool eleven times with the same arguments",
        LOOP,
        lines=[_calls(11), _calls(4, "a2")],
        gives={of(_SEARCH): 11},
        fires=[
            warning(
                "A run of shop/planner called search 11 times with the same arguments in ten minutes.",
                "11",
                **_SEARCH,
            )
        ],
    ),
    example(
        "a run asks ten times whether something is done",
        LOOP,
        lines=[_calls(10)],
        gives={of(_SEARCH): 10},
    ),
    example(
        "a run calls a tool forty times, each with other arguments, and forty runs call it once with the same",
        LOOP,
        lines=[
            *(_calls(1, f"a{number}") for number in range(40)),
            *(_calls(1, "a1", f"r{number}") for number in range(2, 42)),
        ],
        gives={of(_SEARCH): 1},
        near=False,
    ),
    example(
        "a server has other tools than an hour ago",
        TOOLS_CHANGED,
        lines=[_listed("t1", "1h"), _listed("t2")],
        gives={of(_FILES): 2},
        fires=[warning("shop/planner got 2 different lists of tools from files in six hours.", "2", **_FILES)],
    ),
    example(
        "many runs list the same tools",
        TOOLS_CHANGED,
        lines=[_listed("t1", "1h"), _listed("t1")],
        gives={of(_FILES): 1},
    ),
    example(
        "a new version of the prompt scores lower than the old one the day before",
        SCORES_FELL,
        lines=[_scored(4, "v1", 40, "3h"), _scored(3.5, "v2")],
        gives={of(_RELEVANCE, prompt_version="v2"): 0.875},
        fires=[
            warning(
                "relevance of shop/planner with the prompt version v2 is 87.5% of the day before.",
                "87.5%",
                **_RELEVANCE,
                prompt_version="v2",
            )
        ],
    ),
    example(
        "a new version of the prompt scores hardly lower",
        SCORES_FELL,
        lines=[_scored(4, "v1", 40, "3h"), _scored(4, "v1"), _scored(3.75, "v2")],
        gives={of(_RELEVANCE, prompt_version="v1"): 1, of(_RELEVANCE, prompt_version="v2"): 0.9375},
    ),
    example(
        "a few answers score lower",
        SCORES_FELL,
        lines=[_scored(4, "v1", 40, "3h"), _scored(0.5, "v1", 19)],
        gives={},
        near=False,
    ),
)
