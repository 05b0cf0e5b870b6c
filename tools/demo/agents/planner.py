"""The agent that solves tasks: it asks its model for the next step, until the model gives an answer."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from mcp import Client
from openai import AsyncOpenAI
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolUnionParam

from tools.demo.agents import a2a
from tools.demo.agents.telemetry import SECONDS, fields, genai, histogram, telemetry, timed

AGENT, MODEL = "planner", "model-large"
MAX_CALLS = 8
"""Maximum calls of the model in one run."""
TASKS = ("Where is order A-1000?", "Refund order A-1001.", "Summarise the week's complaints.")
_PARAMETERS: dict[str, object] = {"type": "object", "properties": {"query": {"type": "string"}}}
TOOLS: list[ChatCompletionToolUnionParam] = [
    {"type": "function", "function": {"name": name, "parameters": _PARAMETERS}} for name in ("search", "ask_researcher")
]

log = logging.getLogger(AGENT)
calls_of_run = histogram("gen_ai.invoke_agent.inference_calls", "{inference_call}", (1, 2, 4, 8, 16, 32, 64, 128))
mcp_duration = histogram("mcp.client.operation.duration", "s", SECONDS)


class ToolFailed(Exception):
    """A tool answered with an error."""


@dataclass(frozen=True)
class Planner:
    """An agent with a model, a server of tools, and another agent."""

    model: AsyncOpenAI
    tools: Client
    researcher: str

    async def run(self, task: str) -> None:
        """Solve one task. A failure is in its span, its duration and its log line."""
        calls = itertools.count()
        with suppress(Exception), genai.invoke_local_agent(agent_name=AGENT, request_model=MODEL):
            log.info("begins", extra=fields({"gen_ai.prompt": task}))
            try:
                await self._solve(task, calls)
                log.info("done")
            except Exception:
                log.exception("the run has failed")
                raise
            finally:
                calls_of_run.record(next(calls), {"gen_ai.agent.name": AGENT})

    async def _solve(self, task: str, calls: Iterator[int]) -> None:
        """Call the model until it calls no more tools; ``calls`` counts the calls."""
        messages: list[ChatCompletionMessageParam] = [{"role": "user", "content": task}]
        for _ in range(MAX_CALLS):
            next(calls)
            answer = await self.model.chat.completions.create(model=MODEL, messages=messages, tools=TOOLS)
            wanted = [call for call in answer.choices[0].message.tool_calls or () if call.type == "function"]
            if not wanted:
                return
            for call in wanted:
                name, arguments = call.function.name, call.function.arguments
                result = await self._use(name, arguments)
                messages += [
                    {
                        "role": "assistant",
                        "tool_calls": [
                            {"id": call.id, "type": "function", "function": {"name": name, "arguments": arguments}}
                        ],
                    },
                    {"role": "tool", "tool_call_id": call.id, "content": result},
                ]
        raise RuntimeError(f"no answer after {MAX_CALLS} calls")

    async def _use(self, name: str, arguments: str) -> str:
        """Call a tool. If it fails, its span has the error and the model gets it; the run continues."""
        with suppress(Exception), genai.tool(name, agent_name=AGENT, tool_type="function") as invocation:
            query = json.loads(arguments)["query"]
            invocation.arguments = arguments
            try:
                if name == "search":
                    result = await self._search(query)
                else:
                    result = await asyncio.to_thread(a2a.ask, self.researcher, query)
            except Exception:
                log.exception("a tool has failed", extra=fields({"tool": name}))
                raise
            invocation.tool_result = result
            return result
        return "This tool does not work now."

    async def _search(self, query: str) -> str:
        with timed(mcp_duration, {"mcp.method.name": "tools/call", "gen_ai.tool.name": "search"}) as said:
            result = await self.tools.call_tool("search", {"query": query})
            text = " ".join(part.text for part in result.content if part.type == "text")
            if result.is_error:
                said["error.type"] = "tool_error"
        if result.is_error:
            raise ToolFailed(text)
        return text


async def work() -> None:
    """Start tasks at an even pace until SIGTERM, and finish the started ones."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    tasks = itertools.cycle(json.loads(os.environ.get("TASKS", "null")) or TASKS)
    pause = 1 / float(os.environ.get("RUNS_PER_SECOND", "2"))
    # Retries of the client would hide failures from telemetry, so there are none.
    async with AsyncOpenAI(max_retries=0, timeout=10) as model, Client(os.environ["TOOLS_URL"]) as tools:
        planner = Planner(model, tools, os.environ["RESEARCHER_URL"])
        running: set[asyncio.Task[None]] = set()
        while not stop.is_set():
            begun = asyncio.create_task(planner.run(next(tasks)))
            running.add(begun)
            begun.add_done_callback(running.discard)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
        await asyncio.gather(*running)


if __name__ == "__main__":
    with telemetry():
        asyncio.run(work())
