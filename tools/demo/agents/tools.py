"""The platform's tools, as an MCP server over HTTP. The SDK makes its spans; how long it took is counted here."""

from __future__ import annotations

import asyncio
import itertools
import logging
import os
from collections.abc import Mapping
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.mcpserver import MCPServer
from mcp.types import CallToolResult

from tools.demo.agents.telemetry import SECONDS, fields, histogram, telemetry, timed

SLOW_SECONDS, SLOW_EVERY = 0.4, 23
FAILS_EVERY = 31

log = logging.getLogger("tools")
duration = histogram("mcp.server.operation.duration", "s", SECONDS)
_calls = itertools.count(1)


async def measured(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Wraps every request of a client."""
    about = {"mcp.method.name": ctx.method}
    if ctx.method == "tools/call" and ctx.params:
        about["gen_ai.tool.name"] = str(ctx.params["name"])
    with timed(duration, about) as said:
        result = await call_next(ctx)
        if isinstance(result, CallToolResult) and result.is_error:
            said["error.type"] = "tool_error"
        return result


def _audited(status: str, **more: object) -> Mapping[str, object]:
    """Fields of a line that is an audit event too (docs/logs.md)."""
    event = {"event_type": "MCP_TOOL_INVOKE_ATTEMPT", "status": status, "tool_name": "search", "user_id": "demo"}
    return fields({"tool": "search", **event, **more})


server = MCPServer("tools", middleware=[measured], log_level="WARNING")


@server.tool()
async def search(query: str) -> str:
    """Look something up."""
    number = next(_calls)
    await asyncio.sleep(SLOW_SECONDS if number % SLOW_EVERY == 0 else 0.01)
    if number % FAILS_EVERY == 0:
        log.error("the index does not answer", extra=_audited("ERROR"))
        raise TimeoutError("the index does not answer")
    log.info("searched", extra=_audited("SUCCESS", characters=len(query)))
    return f"{number % 7} documents"


if __name__ == "__main__":
    with telemetry():
        server.run("streamable-http", host="127.0.0.1", port=int(os.environ["PORT"]), stateless_http=True)
