"""What a released stack is made of, as its state knows it: what an upgrade must find again, or say that it goes.

``tests/upgrades/<release>.json.gz`` holds it, written by ``python -m tests.upgrades RELEASE`` when that is released.
"""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from typing import Any

from tests.conftest import Recorded, _stack
from tools.recorder import Resource, Secret

RELEASES = Path(__file__).parent / "upgrades"
STACKS = ("dev", "prod")

_IMMUTABLE = (
    # Of any object: it is another one under another name.
    "apiVersion",
    "kind",
    "metadata.name",
    "metadata.namespace",
    # What the API server refuses to change, so that the provider replaces the object and what is in it.
    "spec.selector",
    "spec.serviceName",
    "spec.podManagementPolicy",
    "spec.volumeClaimTemplates",
    "spec.clusterIP",
    "spec.accessModes",
    "spec.storageClassName",
    "roleRef",
    # Of what is in Grafana: people link to it.
    "uid",
    "name",
    "type",
    "configJson.uid",
    "folderUid",
)
"""Inputs whose change makes the engine replace a resource, for all kinds that a stack has."""

Identity = dict[str, Any]
"""``resource``, its type for the engine, and by path each input that forces a replacement."""


def identities(stack: Recorded) -> dict[str, Identity]:
    """By URN; components, which nothing is lost with, are left out."""
    return {made.urn: _identity(made) for made in stack.recorder.resources_seen if made.custom}


def released(release: str) -> dict[str, dict[str, Identity]]:
    """By stack: its identities as they were in a release."""
    kept: dict[str, dict[str, Identity]] = json.loads(gzip.decompress((RELEASES / f"{release}.json.gz").read_bytes()))
    return kept


def _identity(made: Resource) -> Identity:
    inputs = dict(made.inputs)
    if isinstance(inputs.get("configJson"), str):
        inputs["configJson"] = json.loads(inputs["configJson"])
    found = {path: _at(inputs, path) for path in _IMMUTABLE}
    return {"resource": made.type, **{path: value for path, value in found.items() if value is not None}}


def _at(inputs: Any, path: str) -> Any:
    for part in path.split("."):
        inputs = inputs.get(part) if isinstance(inputs, dict) else None
    return None if isinstance(inputs, Secret) else inputs


if __name__ == "__main__":
    text = json.dumps({name: identities(_stack(name)) for name in STACKS}, sort_keys=True)
    RELEASES.mkdir(exist_ok=True)
    # Without the time of writing, so that the same stack is the same bytes.
    (RELEASES / f"{sys.argv[1]}.json.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
