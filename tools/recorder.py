"""Runs the real program without an engine, and records all resources that it registers."""

from __future__ import annotations

import asyncio
import base64
import contextvars
import gc
import json
import runpy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime import mocks, rpc
from pulumi.runtime.settings import get_root_resource
from pulumi.runtime.stack import Stack, run_pulumi_func

PROJECT = "agent-observability"
ROOT = Path(__file__).parent.parent
"""Folder of the checkout, and of the program."""
KEPT = base64.b64encode(b"kept").decode()
"""Stands for every value of a Kubernetes Secret that the program reads."""


@dataclass(frozen=True)
class Secret:
    """A value that the engine receives as a secret. It prints as a mask, so that it cannot leak through a message."""

    value: Any

    def __repr__(self) -> str:
        return "(secret)"


@dataclass(frozen=True)
class Resource:
    """A resource as the engine receives it."""

    type: str
    name: str
    inputs: dict[str, Any]
    """Plain data: secrets are wrapped in Secret, whole numbers are ints."""
    parent: str
    """URN of the parent."""
    provider: str
    """Reference of the provider; empty for a default one."""
    ignore_changes: tuple[str, ...]
    secret_outputs: tuple[str, ...]
    """Outputs that the engine treats as secrets, independent of the provider."""
    dependencies: tuple[str, ...]
    """URNs of its dependencies."""
    urn: str
    custom: bool


class Recorder(mocks.MockMonitor):
    """A monitor that stores the registered resources in order of arrival."""

    def __init__(self) -> None:
        super().__init__(_Echo())
        self.resources_seen: list[Resource] = []
        self.outputs: dict[str, Any] = {}

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802  the monitor's own method
        response = super().RegisterResource(request)  # type: ignore[no-untyped-call]  # the SDK's mocks are untyped
        _close_loop_of_thread()
        if request.type != "pulumi:pulumi:Stack":
            self.resources_seen.append(
                Resource(
                    type=request.type,
                    name=request.name,
                    inputs=_plain(rpc.deserialize_properties(request.object, keep_unknowns=True)),
                    parent=request.parent,
                    provider=request.provider,
                    ignore_changes=tuple(request.ignoreChanges),
                    secret_outputs=tuple(request.additionalSecretOutputs),
                    dependencies=tuple(sorted(request.dependencies)),
                    urn=response.urn,
                    custom=request.custom,
                )
            )
        return response


class _Echo(mocks.Mocks):
    def new_resource(self, args: mocks.MockResourceArgs) -> tuple[str | None, dict[str, Any]]:
        if args.typ == "kubernetes:core/v1:Secret":
            # The random value of a run is not the value in the cluster. A fixed value keeps everything that depends on
            # it the same.
            data = rpc.unwrap_rpc_secret(args.inputs["data"])
            return f"{args.name}-id", {**args.inputs, "data": dict.fromkeys(data, KEPT)}
        return f"{args.name}-id", args.inputs

    def call(self, args: mocks.MockCallArgs) -> tuple[dict[str, Any], list[tuple[str, str]] | None]:
        raise AssertionError(f"the program calls {args.token}: a render has no engine to answer it")


def _close_loop_of_thread() -> None:
    """The SDK's mocks create an event loop in every worker thread that registers a resource, and do not close it."""
    with suppress(RuntimeError):  # no loop was created
        loop = asyncio.get_event_loop()
        if not loop.is_running():
            loop.close()
            asyncio.set_event_loop(None)


def _plain(value: Any) -> Any:
    if rpc.is_rpc_secret(value):
        return Secret(_plain(rpc.unwrap_rpc_secret(value)))
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)  # protobuf has only floats
    return value


def record(
    stack: str, config: Mapping[str, Any], secrets: Mapping[str, str], program: Path = ROOT / "__main__.py"
) -> Recorder:
    """Run the program for ``stack`` with its top-level keys and secrets; raises the program's errors.

    ``program`` may be another's, which reads the same keys.
    """
    values = {
        f"{PROJECT}:{key}": value if isinstance(value, str) else json.dumps(value) for key, value in config.items()
    }
    values |= {f"{PROJECT}:{key}": value for key, value in secrets.items()}

    async def run() -> Recorder:
        recorder = Recorder()
        pulumi.runtime.set_mocks(recorder.mocks, PROJECT, stack, preview=False, monitor=recorder)
        pulumi.runtime.set_all_config(values, [f"{PROJECT}:{key}" for key in secrets])
        await run_pulumi_func(partial(_run, program))
        root = get_root_resource()
        assert isinstance(root, Stack)  # noqa: S101  what set_mocks has just made
        exported = pulumi.Output.all(**root.outputs)
        recorder.outputs = await exported.future() or {}
        return recorder

    # The engine's settings are in context variables: a separate context keeps runs apart.
    with _no_garbage_collection():
        return contextvars.Context().run(lambda: asyncio.run(run()))


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """A run keeps nearly all of its objects. Searching the providers' types for garbage takes half of its time, and
    after each run a process would search all that it has recorded so far.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def _run(program: Path) -> None:
    runpy.run_path(str(program), run_name="__main__")
