"""An agent platform in small: ``python -m tests.platforms.agent_platform PORT``. A POST to ``/behave`` changes it.

It calls itself as its users would: requests, logins and executions of agents.
"""

from __future__ import annotations

import asyncio
import json
import random
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse, Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, Gauge, Histogram, Info, generate_latest

PERIOD = 0.1  # seconds between two requests of its users
MODELS = {"support": "gpt-4o-mini", "research": "gpt-4o"}  # by type of agent
FAULTS = {"failing": 0.0, "executions_failing": 0.0, "held": 0.0, "database_down": 0.0}
HEALTHY = FAULTS | {"request_seconds": 0.01, "slow": 1.0, "execution_seconds": 0.1, "tokens": 100.0}
behaviour = dict(HEALTHY)

requests = Counter("http_requests_total", "Requests that were answered.", ["method", "endpoint", "status"])
request_duration = Histogram(
    "http_request_duration_seconds", "Time of a request.", ["method", "endpoint"], buckets=(0.01, 0.1, 0.5, 1, 2.5, 10)
)
executions = Counter("agent_executions_total", "Executions that ended.", ["agent_type", "status"])
duration = Histogram(
    "agent_execution_duration_seconds", "Time of an execution.", ["agent_type"], buckets=(0.5, 1, 5, 10, 30, 60, 120)
)
tokens = Counter("agent_tokens_used_total", "Tokens that executions used.", ["agent_type", "model"])
users = Gauge("active_users", "Active users.")
agents = Gauge("active_agents_total", "Active agents.", ["organization_id"])
database = Gauge("db_connections_active", "Database connections in use.")
database_most = Gauge("db_connections_max", "Size of the pool.")
redis = Gauge("redis_connections_active", "Connections to Redis in use.")
Info("app", "The program.").info({"version": "1.4.0", "environment": "production"})


def log(level: str, logger: str, message: str, **more: Any) -> None:
    print(json.dumps({"level": level, "logger": logger, "message": message, **more}), flush=True)


def happens(ratio: float) -> bool:
    return random.random() < ratio  # noqa: S311  no secret


async def use(port: int) -> None:
    """Its users: an ordinary request and an execution every PERIOD, and at times a wrong password."""
    pending: set[asyncio.Task[None]] = set()
    url, limits = f"http://127.0.0.1:{port}", httpx.Limits(max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=limits) as client:

        async def call(method: str, path: str) -> None:
            with suppress(httpx.HTTPError):  # before it listens, and when it ends
                await client.request(method, path)

        while True:
            one, other = random.randrange(50), random.randrange(50)  # noqa: S311  no secret
            paths = [("GET", f"/agents/{one}"), ("POST", f"/agents/{other}/execute"), ("POST", "/login")]
            for method, path in paths if happens(0.1) else paths[:2]:
                pending.add(task := asyncio.create_task(call(method, path)))
                task.add_done_callback(pending.discard)
            await asyncio.sleep(PERIOD)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    for of_type in MODELS:
        for status in ("success", "error"):  # at 0: else the first failure is not seen
            executions.labels(of_type, status)
    database_most.set(20)
    users.set(12)
    redis.set(3)
    for organization, count in (("acme", 40), ("other", 10)):
        agents.labels(organization).set(count)
    database.set_function(lambda: 2 + behaviour["held"])
    using = asyncio.create_task(use(int(sys.argv[1])))
    yield
    using.cancel()


app = FastAPI(lifespan=lifespan)


@app.middleware("http")
async def measured(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    began, status = time.perf_counter(), 500
    try:
        response = await call_next(request)
        status = response.status_code
        return response
    finally:
        route, took = request.scope.get("route"), time.perf_counter() - began
        if request.url.path not in ("/metrics", "/ready", "/live", "/health", "/behave"):
            endpoint = route.path if route else "none"
            requests.labels(request.method, endpoint, status).inc()
            request_duration.labels(request.method, endpoint).observe(took)
            log("info", "api", "request", path=endpoint, status=status, duration_ms=round(took * 1000))


@app.get("/agents/{id}")
async def agent(id: int) -> None:  # noqa: A002  the route's name
    await asyncio.sleep(behaviour["request_seconds"] if happens(behaviour["slow"]) else 0)
    if happens(behaviour["failing"]):
        raise RuntimeError(f"no agent {id}: the database does not answer")


@app.post("/agents/{id}/execute")
async def execute(id: int) -> None:  # noqa: A002  the route's name
    of_type, began = "research" if id % 5 == 0 else "support", time.perf_counter()
    await asyncio.sleep(behaviour["execution_seconds"])
    status = "error" if happens(behaviour["executions_failing"]) else "success"
    executions.labels(of_type, status).inc()
    duration.labels(of_type).observe(time.perf_counter() - began)
    tokens.labels(of_type, MODELS[of_type]).inc(behaviour["tokens"])
    level, message = ("error", "execution failed") if status == "error" else ("info", "execution ended")
    log(level, "agent_service", message, event="execution", agent_id=id, agent_type=of_type, status=status)


@app.post("/login")
async def login() -> None:
    log("warning", "auth", "Login failed", user_id="u-1")
    raise HTTPException(401)


@app.get("/ready")
async def ready() -> Response:
    down = behaviour["database_down"]
    return JSONResponse({"checks": {"database": "unhealthy" if down else "healthy"}}, 503 if down else 200)


@app.get("/metrics")
async def exposed() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)


@app.post("/behave")
async def behave(changes: dict[str, float]) -> None:
    behaviour.update(HEALTHY | changes)


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="critical")
