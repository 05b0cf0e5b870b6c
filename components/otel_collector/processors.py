"""The collector's processors: they add Kubernetes attributes, mask, rename and shorten."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from components.logs import LEVEL_WORDS
from components.otel_collector import json_lines, parts, redacting, span_names
from components.otel_collector.ottl import Where, attribute, quoted, transform
from components.otel_collector.parts import APP_LABELS
from components.settings.collector import CollectorSettings
from model.cluster import ClusterSettings
from model.contract import Span
from model.logs import LogField

# Jaeger's badger refuses values above 64 900 bytes, and drops their spans.
VALUE_BYTES = 60_000

HEALTH, NAMES = "filter/health", "transform/names"

_PLACE = "place.yaml"

_SEVERITIES = {level: 1 + 4 * number for number, level in enumerate(LEVEL_WORDS)}
"""The lowest severity number of each level. OpenTelemetry has four numbers per level, from 1."""

# App of a pod: its label, else its owner, as in Promtail. Senders outside the cluster have their own name.
_APP = (
    *APP_LABELS,
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "k8s.pod.name",
    "service.name",
)


def order(signal: str, settings: CollectorSettings, spans: tuple[Span, ...]) -> list[str]:
    """Names of the processors of a signal, in order. ``spans`` are mapped to the conventions."""
    return [
        *([HEALTH] if signal == "traces" and settings.health_paths else []),
        "k8s_attributes",
        "transform/place",
        *(redacting.ORDER[signal] if settings.redact else []),
        *([NAMES] if signal == "traces" and spans else []),
        *(["transform/labels"] if signal == "logs" else []),
        *(["transform/shorten"] if signal != "metrics" else []),
    ]


def made(settings: CollectorSettings, fields: tuple[LogField, ...], spans: tuple[Span, ...]) -> dict[str, Any]:
    """All processors of the signals, except the memory limiter."""
    placed = [parts.included(_PLACE)]
    return {
        **({HEALTH: _without(settings.health_paths)} if settings.health_paths else {}),
        "k8s_attributes": _pods(),
        "transform/place": transform(metric_statements=placed, trace_statements=placed, log_statements=placed),
        **(redacting.made() if settings.redact else {}),
        **({NAMES: span_names.made(spans)} if spans else {}),
        "transform/labels": transform(log_statements=[_names(), _levels(), *_fields(fields)]),
        "transform/shorten": transform(
            trace_statements=[_shortened(where) for where in ("resource", "scope", "span", "spanevent")],
            log_statements=[_shortened(where) for where in ("resource", "scope", "log")],
        ),
    }


def files(settings: CollectorSettings, cluster: ClusterSettings) -> dict[str, list[str] | str]:
    """What the processors include, by the name of the file."""
    return {_PLACE: _place(cluster), **(redacting.FILES if settings.redact else {})}


def _without(paths: Iterable[str]) -> dict[str, Any]:
    """A filter for spans of health checks that passed: the most frequent ones of a quiet program."""
    path = quoted(rf"^(?:{'|'.join(map(re.escape, paths))})/?(?:[?].*)?$")
    # The newer name, the older one, which may have a query, and that of programs that name the route alone.
    asked = [f"IsMatch({attribute(name, 'span')}, {path})" for name in ("url.path", "http.target", "http.route")]
    asked.append(f"{attribute('rpc.service', 'span')} == {quoted('grpc.health.v1.Health')}")
    passed = "span.kind == SPAN_KIND_SERVER and span.status.code != STATUS_CODE_ERROR"
    return {"error_mode": "silent", "trace_conditions": [f"{passed} and ({' or '.join(asked)})"]}


def _shortened(where: str) -> list[str]:
    return [f"truncate_all({where}.attributes, {VALUE_BYTES})"]


def _pods() -> dict[str, Any]:
    return {
        "auth_type": "serviceAccount",
        "extract": {
            "metadata": [
                "k8s.namespace.name",
                "k8s.pod.name",
                "k8s.pod.uid",
                "k8s.node.name",
                "k8s.container.name",
                "k8s.deployment.name",
                "k8s.statefulset.name",
                "k8s.daemonset.name",
                "k8s.cronjob.name",
                "k8s.job.name",
            ],
            "labels": [{"tag_name": name, "key": label, "from": "pod"} for name, label in APP_LABELS.items()],
        },
        # The sender's own attribute first, then the address of the connection.
        "pod_association": [
            {"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
            {"sources": [{"from": "connection"}]},
        ],
    }


def _place(cluster: ClusterSettings) -> list[str]:
    """Statements for every signal."""
    instance, uid = attribute("service.instance.id"), attribute("k8s.pod.uid")
    return [
        f"set({attribute('cluster')}, {quoted(cluster.name)})",
        f"set({attribute('environment')}, {quoted(cluster.environment)})",
        f'set({attribute("app")}, Coalesce([{", ".join(attribute(name) for name in _APP)}, "unknown"]))',
        # Without it two pods of a service would share one series.
        f"set({instance}, {uid}) where {instance} == nil and {uid} != nil",
        'delete_matching_keys(resource.attributes, "^pod[.]label[.]")',
    ]


def _levels() -> list[str]:
    """The label ``level``, from the severity number or else its text, and the logger."""
    level, logger = attribute("level", "log"), attribute("logger", "log")
    number, word = "log.severity_number", "log.severity_text"
    return [
        f'set({word}, {level}) where {number} == 0 and {word} == "" and IsString({level})',
        *(
            f'set({number}, {least}) where {number} == 0 and IsMatch({word}, "(?i)^(?:{"|".join(LEVEL_WORDS[name])})$")'
            for name, least in _SEVERITIES.items()
        ),
        'delete_key(log.attributes, "level")',
        *(f"set({level}, {quoted(name)}) where {number} >= {least}" for name, least in _SEVERITIES.items()),
        f'set({logger}, scope.name) where scope.name != "" and {logger} == nil',
    ]


def _fields(fields: tuple[LogField, ...]) -> Iterator[list[str] | Where]:
    """The fields of bodies that are text of JSON, as in the lines of pods' files. Bodies are masked by then."""
    if fields:
        yield json_lines.read({each.name: each.keys for each in fields}, new=True)
        yield [json_lines.cut(each.name) for each in fields]


def _names() -> list[str]:
    """The pod's attributes, with Promtail's names."""
    renamed = {
        "namespace": "k8s.namespace.name",
        "container": "k8s.container.name",
        "pod": "k8s.pod.name",
        "node": "k8s.node.name",
    }
    return [
        *(
            f"set({attribute(name)}, {attribute(source)}) where {attribute(source)} != nil"
            for name, source in renamed.items()
        ),
        'delete_matching_keys(resource.attributes, "^k8s[.]")',
    ]
