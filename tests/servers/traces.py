"""Stacks with each kind of trace store, and traces of one shape, for the tests of Jaeger."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

from tools import render
from tools.local.traces import Trace
from tools.recorder import PROJECT

CLUSTER = {"name": "test-1", "environment": "test", "context": "none", "flavour": "kind"}
SEARCH = {"urls": ["http://search.example:9200"], "username": "jaeger", "passwordSecret": "searchPassword"}
SAMPLING = {"percent": 10, "slow": "1s", "decisionWait": "3s", "maxTraces": 2000}

STORAGES: dict[str, dict[str, Any]] = {
    "memory": {"memory": {"traces": 10_000}},
    "badger": {"badger": {"size": "1Gi", "ttl": "3d"}},
    "elasticsearch": {"elasticsearch": SEARCH},
    "opensearch": {"opensearch": SEARCH | {"indexPrefix": "test-1", "lookback": "7d"}},
}
AGENT = {
    "gen_ai.operation.name": "invoke_agent",
    "gen_ai.request.model": "model-x",
    "gen_ai.agent.name": "planner",
    "gen_ai.tool.name": "search",
    "a2a.method.name": "message/send",
    "gen_ai.conversation.id": "conversation-1",
    "a2a.task.id": "task-1",
}
"""What a span of an agent says."""


def stack_files(folder: Path, **jaeger: Any) -> dict[str, Any]:
    """What a stack with these settings renders: path below ``/etc`` to text, and its objects under ``objects``."""
    config = {"cluster": CLUSTER, "jaeger": jaeger, "prometheus": {"scrapeInterval": "1s"}}
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "Pulumi.test.yaml"
    path.write_text(json.dumps({"config": {f"{PROJECT}:{key}": value for key, value in config.items()}}))
    recorder, _ = render.render("test", path)
    objects = render.manifests(recorder)
    return {**render.config_files(objects), "objects": objects}


def traces(count: int, seed: int, **shape: Any) -> list[Trace]:
    """Traces of one shape, their ids always the same."""
    chance = random.Random(seed)  # noqa: S311  not a secret
    return [Trace(chance.randbytes(16), **shape) for _ in range(count)]


def one(seed: int, **shape: Any) -> Trace:
    (made,) = traces(1, seed, **shape)
    return made
