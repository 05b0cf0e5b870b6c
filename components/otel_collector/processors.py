"""What the collector does to telemetry on its way: says whose it is, and takes out what may not be kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, Literal

from components import redaction
from components.logs import LEVEL_WORDS
from components.settings.cluster import ClusterSettings
from components.settings.collector import CollectorSettings

Signal = Literal["metrics", "traces", "logs"]

# Jaeger's badger refuses values past 64 900 bytes, and with them their trace.
VALUE_BYTES = 60_000

_RAW = "redaction.raw"
"""Attribute of a log record, while it is being redacted: the text that its body was parsed from."""
_SEVERITIES = {level: 1 + 4 * number for number, level in enumerate(LEVEL_WORDS)}
"""The least severity number of each level, as OpenTelemetry counts: four numbers each, from 1."""

# From the label that says it, to what made the pod; as Promtail does it. What sends from elsewhere has its own name.
_APP = (
    "pod.label.name",
    "pod.label.app",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
    "k8s.pod.name",
    "service.name",
)


def order(signal: str, settings: CollectorSettings) -> list[str]:
    """The names of the processors that a signal goes through."""
    redacted = {
        "metrics": ["redaction", "transform/redact"],
        "traces": ["redaction", "transform/redact"],
        "logs": ["transform/parse", "redaction/logs", "transform/restore"],
    }
    return [
        "k8s_attributes",
        "transform/place",
        *(redacted[signal] if settings.redact else []),
        *(["transform/labels"] if signal == "logs" else []),
        *(["transform/shorten"] if signal != "metrics" else []),
    ]


def made(settings: CollectorSettings, cluster: ClusterSettings) -> dict[str, Any]:
    """Every processor that some signal goes through, besides the memory limiter."""
    return {
        "k8s_attributes": _pods(),
        "transform/place": _place(cluster),
        **(_redaction() if settings.redact else {}),
        "transform/labels": _transform(log_statements=[_names(), _levels()]),
        "transform/shorten": _transform(
            trace_statements=[_shortened(where) for where in ("resource", "scope", "span", "spanevent")],
            log_statements=[_shortened(where) for where in ("resource", "scope", "log")],
        ),
    }


def _transform(**statements: Iterable[list[str]]) -> dict[str, Any]:
    """Groups of statements for each signal. A group is applied to what its lowest path names, each span or each event:
    statements about both in one group would pass by spans without events.
    """
    groups = {signal: [{"statements": group} for group in given] for signal, given in statements.items()}
    # A statement that cannot be applied to a record, such as parsing what is no JSON, leaves it as it is.
    return {"error_mode": "silent", **groups}


def _shortened(where: str) -> list[str]:
    return [f"truncate_all({where}.attributes, {VALUE_BYTES})"]


def _quoted(value: str) -> str:
    """A string as OTTL reads it."""
    return json.dumps(value, ensure_ascii=False)


def _attribute(name: str, of: str = "resource") -> str:
    return f"{of}.attributes[{_quoted(name)}]"


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
            "labels": [
                {"tag_name": "pod.label.name", "key": "app.kubernetes.io/name", "from": "pod"},
                {"tag_name": "pod.label.app", "key": "app", "from": "pod"},
            ],
        },
        # What a sender says of itself, then where the connection comes from.
        "pod_association": [
            {"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
            {"sources": [{"from": "connection"}]},
        ],
    }


def _place(cluster: ClusterSettings) -> dict[str, Any]:
    instance, uid = _attribute("service.instance.id"), _attribute("k8s.pod.uid")
    statements = [
        f"set({_attribute('cluster')}, {_quoted(cluster.name)})",
        f"set({_attribute('environment')}, {_quoted(cluster.environment)})",
        f'set({_attribute("app")}, Coalesce([{", ".join(_attribute(name) for name in _APP)}, "unknown"]))',
        # Two pods of a service whose metrics say neither would be one series.
        f"set({instance}, {uid}) where {instance} == nil and {uid} != nil",
        'delete_matching_keys(resource.attributes, "^pod[.]label[.]")',
    ]
    return _transform(metric_statements=[statements], trace_statements=[statements], log_statements=[statements])


def _redaction() -> dict[str, Any]:
    masked = {
        "allow_all_keys": True,
        "redact_all_types": True,  # lists and maps too, which otherwise pass unread
        "ignored_keys": [_RAW],
        "ignored_key_patterns": [redaction.IDENTIFIERS],
        "blocked_key_patterns": [f"(?i)^(?:{'|'.join(redaction.KEYS)})$"],
        "blocked_values": [redaction.JSON_VALUE, redaction.ANY_TEXT],
    }
    return {
        "redaction": {**masked, "summary": "silent"},
        "redaction/logs": {**masked, "summary": "info"},
        "transform/parse": _transform(log_statements=[_parse()]),
        "transform/restore": _transform(
            log_statements=[
                ['delete_matching_keys(resource.attributes, "^redaction[.]")'],
                ['delete_matching_keys(scope.attributes, "^redaction[.]")'],
                _restore(),
            ]
        ),
        "transform/redact": _transform(trace_statements=[_spans(), _events()], metric_statements=[_exemplars()]),
    }


def _parse() -> list[str]:
    """Bodies that are JSON, as what they are; and what is said in an event of the older conventions, masked."""
    raw, events = _attribute(_RAW, "log"), _quoted(redaction.MESSAGE_EVENT)
    is_message = (
        f"(IsMatch(log.event_name, {events}) or "
        f"({_attribute('event.name', 'log')} != nil and IsMatch({_attribute('event.name', 'log')}, {events})))"
    )
    mask = _quoted(redaction.MASK)
    return [
        # The rest of the record is redacted where it stands; this one is only kept for :func:`_restore`.
        f'set({raw}, log.body) where IsString(log.body) and IsMatch(log.body, "^\\\\s*[{{\\\\[]")',
        f"set(log.body, ParseJSON(log.body)) where {raw} != nil",
        *(
            f"set(log.body[{_quoted(name)}], {mask}) where {is_message} and IsMap(log.body) and "
            f"log.body[{_quoted(name)}] != nil"
            for name in redaction.MESSAGE_FIELDS
        ),
        f"set(log.body, {mask}) where {is_message} and not IsMap(log.body)",
        f"delete_key(log.attributes, {_quoted(_RAW)}) where {is_message}",
    ]


def _restore() -> list[str]:
    """Bodies in which nothing was masked, letter for letter as they came."""
    raw, masked = _attribute(_RAW, "log"), _attribute("redaction.body.masked.count", "log")
    return [
        f"set(log.body, {raw}) where {raw} != nil and {masked} == nil",
        'delete_matching_keys(log.attributes, "^redaction[.]")',
    ]


def _spans() -> list[str]:
    """What of a span is no attribute."""
    return [_masked(f"span.{text}") for text in ("name", "status.message", "trace_state")]


def _events() -> list[str]:
    """Names of events; and the messages of the older conventions, which are events."""
    events, mask = _quoted(redaction.MESSAGE_EVENT), _quoted(redaction.MASK)
    return [
        _masked("spanevent.name"),
        *(
            f"set({_attribute(name, 'spanevent')}, {mask}) "
            f"where IsMatch(spanevent.name, {events}) and {_attribute(name, 'spanevent')} != nil"
            for name in redaction.MESSAGE_FIELDS
        ),
    ]


def _masked(text: str) -> str:
    return f"replace_pattern({text}, {_quoted(redaction.ANY_TEXT)}, {_quoted(redaction.MASK)})"


def _exemplars() -> list[str]:
    """What an exemplar has besides its trace: what was recorded with the value, and is no label."""
    return ['delete_matching_keys(exemplar.filtered_attributes, ".*")']


def _levels() -> list[str]:
    """The label ``level`` from the severity, or from the word for it where a sender gives no number; and the logger."""
    level, logger = _attribute("level", "log"), _attribute("logger", "log")
    number, word = "log.severity_number", "log.severity_text"
    return [
        f'set({word}, {level}) where {number} == 0 and {word} == "" and IsString({level})',
        *(
            f'set({number}, {least}) where {number} == 0 and IsMatch({word}, "(?i)^(?:{"|".join(LEVEL_WORDS[name])})$")'
            for name, least in _SEVERITIES.items()
        ),
        'delete_key(log.attributes, "level")',
        *(f"set({level}, {_quoted(name)}) where {number} >= {least}" for name, least in _SEVERITIES.items()),
        f'set({logger}, scope.name) where scope.name != "" and {logger} == nil',
    ]


def _names() -> list[str]:
    """What is said of the pod, named as Promtail names it."""
    renamed = {
        "namespace": "k8s.namespace.name",
        "container": "k8s.container.name",
        "pod": "k8s.pod.name",
        "node": "k8s.node.name",
    }
    return [
        *(
            f"set({_attribute(name)}, {_attribute(source)}) where {_attribute(source)} != nil"
            for name, source in renamed.items()
        ),
        'delete_matching_keys(resource.attributes, "^k8s[.]")',
    ]
