"""A rendered stack, as the comparisons read it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

VERSION = 1
"""Of ``catalogue.json``; raised when a field gets another meaning."""
Key = tuple[str, str, str]
"""Kind, namespace (empty if there is none) and name of an object."""


class Unusable(Exception):
    """Something that cannot be compared, in one line."""


@dataclass(frozen=True, kw_only=True)
class Render:
    """One stack."""

    catalogue: Mapping[str, Any] | None = None
    """Content of ``catalogue.json``; None for a render without one of this version."""
    objects: Mapping[Key, Mapping[str, Any]] = field(default_factory=dict)
    """Kubernetes objects."""
    content: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Grafana's content: ``dashboards/agents`` and so on."""
    metrics: frozenset[tuple[str, str]] = frozenset()
    """Scrape job and metric of all that is stored."""

    @property
    def dashboards(self) -> Mapping[str, Mapping[str, Any]]:
        """Dashboards by uid."""
        kind = "dashboards/"
        return {path.removeprefix(kind): made for path, made in self.content.items() if path.startswith(kind)}

    @property
    def settings(self) -> Mapping[str, Any]:
        """All settings with their defaults, by section."""
        found: Mapping[str, Any] = (self.catalogue or {}).get("settings", {})
        return found


def render_of(
    catalogue: Mapping[str, Any] | None,
    objects: Iterable[Mapping[str, Any]],
    content: Mapping[str, str],
    metrics: str,
) -> Render:
    """From the values that the renderer writes."""
    return Render(
        catalogue=catalogue if catalogue and catalogue.get("version") == VERSION else None,
        objects={_key(made): made for made in objects},
        content={path.removesuffix(".json"): json.loads(text) for path, text in content.items()},
        metrics=frozenset((line.split()[0], line.split()[1]) for line in metrics.splitlines()),
    )


def _key(made: Mapping[str, Any]) -> Key:
    about = made["metadata"]
    return made["kind"], about.get("namespace", ""), about["name"]


def is_render(folder: Path) -> bool:
    return (folder / "summary.json").is_file() and (folder / "manifests").is_dir()


def stack_of(folder: Path) -> str:
    """Name of a rendered stack. Raises Unusable."""
    try:
        name = json.loads((folder / "summary.json").read_text(encoding="utf-8"))["stack"]
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise Unusable(f"{folder}: no render: summary.json cannot be read: {wrong}") from None
    return str(name)


def read(folder: Path) -> Render:
    """A rendered stack in a folder. Raises Unusable."""
    try:
        paths = sorted((folder / "manifests").glob("*.yaml"))
        objects = [yaml.load(path.read_text(encoding="utf-8"), yaml.CSafeLoader) for path in paths]
        content = {
            str(path.relative_to(folder / "grafana")): path.read_text(encoding="utf-8")
            for path in sorted((folder / "grafana").rglob("*.json"))
        }
        catalogue, metrics = folder / "catalogue.json", folder / "metrics.txt"
        return render_of(
            json.loads(catalogue.read_text(encoding="utf-8")) if catalogue.exists() else None,
            objects,
            content,
            metrics.read_text(encoding="utf-8") if metrics.exists() else "",
        )
    except (OSError, ValueError, yaml.YAMLError, KeyError, TypeError, IndexError) as wrong:
        raise Unusable(f"{folder}: no render: {type(wrong).__name__}: {' '.join(str(wrong).split())}") from None
