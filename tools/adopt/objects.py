"""Objects of Kubernetes, as ``kubectl get -o yaml`` prints them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from model.marked_yaml import documents, objects, plain
from model.settings import Problem
from tools.adopt.notes import Fields, Notes

KINDS = (
    "PrometheusRule",
    "ServiceMonitor",
    "PodMonitor",
    "Probe",
    "ScrapeConfig",
    "AlertmanagerConfig",
    "ConfigMap",
)
"""Kinds of objects that are read."""
COMMANDS = (
    "kubectl get prometheusrules,servicemonitors,podmonitors,probes,scrapeconfigs,alertmanagerconfigs -A -o yaml",
    "kubectl get configmaps -l grafana_dashboard -A -o yaml",
)
"""They print what is read."""


@dataclass(frozen=True)
class Given:
    """An object of a file."""

    file: str
    kind: str
    namespace: str
    name: str
    body: Mapping[str, Any]

    @property
    def where(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.file}: {self.kind} {place}"

    def spec(self, notes: Notes) -> Fields:
        return Fields(self.body.get("spec"), self.where, notes)


def given(files: Mapping[str, str], found: list[Problem]) -> Iterator[Given]:
    """The objects of the files, path to text. What is no object is ``found``."""
    for file, text in files.items():
        for part in objects(documents(file, text, found)):
            body = plain(part)
            metadata = body.get("metadata") if isinstance(body, dict) else None
            if not isinstance(metadata, dict) or not isinstance(body.get("kind"), str):
                part.wrong(f"no object of Kubernetes: give what this prints: {COMMANDS[0]}")
                continue
            yield Given(file, body["kind"], _text(metadata, "namespace"), _text(metadata, "name"), body)


def _text(metadata: Mapping[str, Any], name: str) -> str:
    return str(metadata.get(name) or "")
