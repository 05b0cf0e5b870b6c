"""Objects of the Prometheus operator in the smallest form, and what becomes of them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from model.yaml_text import text
from tools.adopt import values as values_file
from tools.adopt.notes import Kind, Notes
from tools.adopt.objects import Given, given
from tools.adopt.result import Result, adopted

SECRET = {"name": "login", "key": "it"}
RULE = {"alert": "ShopClosed", "expr": "shop_open == 0"}
BOARD = json.dumps({"title": "Shop", "uid": "shop", "panels": [{"targets": [{"expr": "up"}]}]}, indent=3)
SMALLEST: Mapping[str, dict[str, Any]] = {
    "PrometheusRule": {"groups": [{"name": "shop", "rules": [RULE]}]},
    "ServiceMonitor": {"selector": {"matchLabels": {"app": "api"}}, "endpoints": [{"port": "metrics"}]},
    "PodMonitor": {"selector": {"matchLabels": {"app": "api"}}, "podMetricsEndpoints": [{"port": "metrics"}]},
    "Probe": {"targets": {"staticConfig": {"static": ["https://shop.example.com/"]}}},
    "ScrapeConfig": {"staticConfigs": [{"targets": ["db.example.com:9100"]}]},
    "AlertmanagerConfig": {
        "receivers": [{"name": "chat", "slackConfigs": [{"apiURL": SECRET}]}],
        "route": {"receiver": "chat"},
    },
}


def made(kind: str, spec: object, *, name: str = "front", namespace: str = "shop") -> Given:
    """An object of a file."""
    metadata = {"name": name, "namespace": namespace}
    (one,) = read({"kind": kind, "metadata": metadata, "spec": spec})
    return one


def read(*objects: object, file: str = "all.yaml") -> list[Given]:
    """Through YAML, as a file has them."""
    found: list[str] = []
    read_ = list(given({file: text({"kind": "List", "items": list(objects)})}, found))
    assert found == []
    return read_


def rule(*rules: Mapping[str, Any], name: str = "front", **group: Any) -> Given:
    return made("PrometheusRule", {"groups": [{"name": "shop", **group, "rules": list(rules)}]}, name=name)


def dashboards(data: Mapping[str, str], **annotations: str) -> Given:
    metadata = {"name": "boards", "namespace": "shop", "annotations": annotations}
    (one,) = read({"kind": "ConfigMap", "metadata": metadata, "data": dict(data)})
    return one


def result(*objects: Given, values: Mapping[str, Any] | None = None) -> Result:
    notes = Notes()
    read_ = None if values is None else values_file.read("values.yaml", values, notes)
    return adopted(objects, read_, notes)


def jobs(*objects: Given, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = result(*objects, values=values).sections.get("prometheus", {}).get("scrapeJobs", [])
    return found


def said(of: Result, kind: Kind) -> list[str]:
    """Its notes, without the file and the object."""
    return [f"{line.where.split(': ', 2)[-1]}: {line.why}" for line in of.notes.lines if line.kind is kind]


def with_field(spec: object, path: str, value: object) -> Any:
    """``spec`` with a field, as in ``endpoints[].tlsConfig.ca``; ``[]`` is the first of a list."""
    name, _, rest = path.partition(".")
    key = name.removesuffix("[]")
    inside = dict(spec) if isinstance(spec, Mapping) else {}
    before = inside.get(key)
    if key == name:
        inside[key] = with_field(before, rest, value) if rest else value
    else:
        first, *others = before if isinstance(before, list) and before else [{}]
        inside[key] = [with_field(first, rest, value), *others]
    return inside
