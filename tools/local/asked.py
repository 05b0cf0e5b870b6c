"""Queries of a running Prometheus through its API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from tools.local.harness import eventually, http_json
from tools.local.rendered import Manifest
from tools.local.server import LocalServer

EVERYWHERE = {"cluster": "dev-1", "environment": "dev"}
"""Labels of every series of the stack `dev`."""


def get(local: LocalServer, what: str, **query: str) -> Any:
    """The data of an answer of Prometheus' API."""
    return http_json(f"{local.url}/api/v1/{what}?{urlencode(query)}")["data"]


def query(local: LocalServer, expression: str, at: float | None = None) -> list[Manifest]:
    """The series of an instant query, labels and value; now, or at a Unix time."""
    when = {} if at is None else {"time": str(at)}
    result: list[Manifest] = get(local, "query", query=expression, **when)["result"]
    return result


def number(local: LocalServer, expression: str) -> float | None:
    """The value of the only series of an instant query; None without series."""
    result = query(local, expression)
    assert len(result) <= 1, f"{expression}: {result}"
    return float(result[0]["value"][1]) if result else None


def wait_until(local: LocalServer, expression: str, value: float) -> None:
    def holds() -> bool:
        found = number(local, expression)
        assert found == value, f"{expression} is {found}"
        return True

    eventually(holds, 60, f"{expression} is {value}")
