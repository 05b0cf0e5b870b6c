"""What Kubernetes itself says of its metrics, where no kubelet runs and where no event has made a series.

Kubernetes keeps a list of all metrics of its components, which its own build extracts from the code. cAdvisor, which
the kubelet serves for its containers, is in no such list: its names are read from the code, all in one shape.
"""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from model.metrics import Kind
from tests.servers.exposition import Exposition, Family
from tools.servers.build import SERVERS

_MODULE = "k8s.io/kubernetes"
_LIST = "test/instrumentation/documentation/documentation-list.yaml"


@cache
def _source(module: str) -> Path:
    """The folder of a Go module of the version that the pinned Kubernetes is built with."""
    pin = SERVERS["kubernetes"].pin
    for command in (["go", "mod", "download", module], ["go", "list", "-m", "-f", "{{.Dir}}", module]):
        done = subprocess.run(command, cwd=pin, capture_output=True, text=True, timeout=300, check=False)
        assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}"
    return Path(done.stdout.strip())


@cache
def documented(component: str) -> Exposition:
    """What a component (``kubelet``) exposes at ``/metrics``, by Kubernetes' own list."""
    read: list[dict[str, Any]] = yaml.safe_load((_source(_MODULE) / _LIST).read_text(encoding="utf-8"))
    found = {
        "_".join(filter(None, (entry.get("namespace"), entry.get("subsystem"), entry["name"]))): Family(
            # "Custom": computed when asked for, and of a kind that the list does not know.
            Kind(entry["type"].lower()) if entry["type"].lower() in list(Kind) else None,
            frozenset((*entry.get("labels", ()), *entry.get("constLabels", {}))),
        )
        for entry in read
        if {"component": component, "endpoint": "/metrics"} in entry.get("componentEndpoints", ())
    }
    assert len(found) > 100, f"{_LIST} is not read rightly any more: {len(found)} metrics of {component}"
    return found


@cache
def cadvisor() -> Exposition:
    """What the kubelet exposes at ``/metrics/cadvisor``, by the code of both."""
    server = (_source(_MODULE) / "pkg/kubelet/server/server.go").read_text(encoding="utf-8")
    code = _source("github.com/google/cadvisor") / "metrics"
    included = set(re.findall(r"cadvisormetrics\.(\w+):\s+struct\{\}\{\}", server))
    # The labels that the kubelet puts on every container, and those that it takes from cAdvisor's constants.
    (labelled,) = re.findall(
        r"func containerPrometheusLabelsFunc.*?set := map\[string\]string\{(.*?)\n\t\t\}", server, re.DOTALL
    )
    of_containers = {
        *re.findall(r'^\s+"(\w+)":', labelled, re.MULTILINE),
        *(label.lower() for label in re.findall(r"metrics\.Label(\w+):", labelled)),
    }
    containers = (code / "prometheus.go").read_text(encoding="utf-8")
    machine = (code / "prometheus_machine.go").read_text(encoding="utf-8")
    (of_machines,) = re.findall(r"baseLabelsNames = \[\]string\{(.*?)\}", machine)
    found = _in_code(containers, included, frozenset(of_containers))
    found |= _in_code(machine, included, frozenset(re.findall(r'"(\w+)"', of_machines)))
    # A container's limits, which are not measured but given.
    for name in re.findall(r'NewDesc\("(container_\w+)", "[^"]*", labels, nil\)', containers):
        found[name] = Family(Kind.GAUGE, frozenset(of_containers))
    assert {"container", "pod", "namespace", "image", "id"} <= of_containers, "the kubelet's labels are not found"
    assert len(found) > 50, f"cAdvisor's code is not read rightly any more: {len(found)} metrics"
    return found


def _in_code(code: str, included: set[str], base: frozenset[str]) -> dict[str, Family]:
    """Metrics that are written ``{name: "...", ..., valueType: ..., extraLabels: ...}``, of the sets ``included``."""
    constants = dict(re.findall(r'(\w+)\s+= "(\w+)"', code))
    found = {}
    for block in re.split(r"(?=if includedMetrics\.Has\()", code):
        of = re.match(r"if includedMetrics\.Has\(container\.(\w+)\)", block)
        if of is not None and of[1] not in included:
            continue
        for metric in re.split(r"(?=\bname:\s+\")", block)[1:]:
            (name,) = re.findall(r'\Aname:\s+"(\w+)"', metric)
            (kind,) = re.findall(r"valueType:\s+prometheus\.(Counter|Gauge)Value", metric)
            extra = re.search(r"extraLabels:\s+\[\]string\{(.*?)\}", metric)
            words = re.findall(r"\w+", extra[1]) if extra else []
            own = {constants.get(word, word) for word in words}
            found[name] = Family(Kind(kind.lower()), base | own)
    return found
