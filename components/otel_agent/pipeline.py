"""Processing of an entry on its node: labels, metadata, dropping, masking."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from components import redaction
from components.logs import (
    JOB_NUMBER,
    JSON_LINE,
    LABELS,
    READ_FIRST,
    REPLICA_SET_HASH,
    TEXT_FIELDS,
    TEXT_LEVEL,
    TEXT_LEVEL_GROUPS,
    json_keys,
    level_words,
    metadata,
)
from components.otel_collector import json_lines
from components.otel_collector.ottl import Where, attribute, quoted, transform
from components.otel_collector.parts import APP_LABELS
from components.settings.logs import DropRule, LogSettings
from model.cluster import ClusterSettings
from model.logs import LEVELS, LogField

FILE = "log.file.path"
_FOLDER = r"/(?P<namespace>[^/_]+)_(?P<pod>[^/_]+)_(?P<uid>[^/_]+)/(?P<container>[^/]+)/[^/]+$"
"""Format of the names of pods' log folders, set by the kubelet."""

# Names of the app: the pod's own labels, then its owner.
_APP = (
    *APP_LABELS,
    "k8s.replicaset.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.job.name",
    "pod",
)
_OF_POD = ("cluster", "namespace", "app", "container", "pod", "node")
"""Labels and metadata that all lines of a file have in common."""


def processors(
    settings: LogSettings, fields: tuple[LogField, ...], cluster: ClusterSettings, node: str
) -> dict[str, Any]:
    """The processors in order; ``node`` is the environment variable with the node's name."""
    pods = [rule for rule in settings.drop if rule.whole_pods and rule.app]
    lines = [rule for rule in settings.drop if not rule.whole_pods]
    return {
        "transform/file": transform(log_statements=[_file()]),
        "k8s_attributes": _pods(node),
        "transform/pod": transform(log_statements=[_pod(cluster)]),
        **({"filter/pods": _dropped(pods)} if pods else {}),
        "transform/fields": transform(
            log_statements=[
                json_lines.read(json_keys(fields, first=True)),
                _text([*_text_level(), *_text_fields(first=True)]),
                _level(),
            ]
        ),
        **({"filter/lines": _dropped(lines)} if lines else {}),
        **({"transform/redact": transform(log_statements=[_redacted()])} if settings.redact else {}),
        "transform/tidy": transform(
            log_statements=[
                json_lines.read(json_keys(fields, first=False)),
                _text(_text_fields(first=False)),
                _tidy(fields),
            ]
        ),
    }


def _file() -> list[str]:
    found = {"k8s.namespace.name": "namespace", "k8s.pod.name": "pod", "k8s.pod.uid": "uid"}
    return [
        f'merge_maps(resource.attributes, ExtractPatterns({attribute(FILE)}, {quoted(_FOLDER)}), "upsert")',
        *(f"set({attribute(name)}, {attribute(group)})" for name, group in found.items()),
    ]


def _pods(node: str) -> dict[str, Any]:
    return {
        "auth_type": "serviceAccount",
        "filter": {"node_from_env_var": node},
        "extract": {
            "metadata": [
                "k8s.replicaset.name",
                "k8s.statefulset.name",
                "k8s.daemonset.name",
                "k8s.job.name",
            ],
            "labels": [{"tag_name": name, "key": label, "from": "pod"} for name, label in APP_LABELS.items()],
        },
        "pod_association": [
            {"sources": [{"from": "resource_attribute", "name": "k8s.pod.uid"}]},
            # The name of a static pod's log folder comes from its manifest.
            {
                "sources": [
                    {"from": "resource_attribute", "name": "k8s.namespace.name"},
                    {"from": "resource_attribute", "name": "k8s.pod.name"},
                ]
            },
        ],
        # If lines were read before the pods are known, their labels would stay wrong.
        "wait_for_metadata": True,
        "wait_for_metadata_timeout": "60s",
    }


def _pod(cluster: ClusterSettings) -> list[str]:
    kept = ", ".join(quoted(name) for name in _OF_POD)
    return [
        f"set({attribute('cluster')}, {quoted(cluster.name)})",
        f'replace_pattern({attribute("k8s.replicaset.name")}, {quoted(f"{REPLICA_SET_HASH}$")}, "")',
        f'replace_pattern({attribute("k8s.job.name")}, {quoted(f"{JOB_NUMBER}$")}, "")',
        f"set({attribute('app')}, Coalesce([{', '.join(attribute(name) for name in _APP)}]))",
        f"keep_keys(resource.attributes, [{kept}])",
    ]


def _text(statements: list[str]) -> Where:
    """Fields of text lines."""
    return Where(f"not IsMatch(log.body, {quoted(JSON_LINE)})", statements)


def _text_level() -> list[str]:
    return [
        f'set(log.cache["level"], ExtractPatterns(log.body, {quoted(TEXT_LEVEL)}))',
        *(
            f"set({attribute('level', 'log')}, {found}) where not IsEmpty({found})"
            for found in (f'log.cache["level"][{quoted(group)}]' for group in reversed(TEXT_LEVEL_GROUPS))
        ),
    ]


def _text_fields(*, first: bool) -> list[str]:
    return [
        f'merge_maps(log.attributes, ExtractPatterns(log.body, {quoted(expression)}), "upsert")'
        for field, expression in TEXT_FIELDS.items()
        if (field in READ_FIRST) == first
    ]


def _level() -> list[str]:
    """The label ``level``, one of LEVELS, from the program's own word; no label for other words."""
    level, known = attribute("level", "log"), "|".join(LEVELS)
    words = {name: "|".join(level_words(name)) for name in LEVELS}
    return [
        *(
            f'set({level}, {quoted(name)}) where IsMatch({level}, "(?i)^(?:{spelled})$")'
            for name, spelled in words.items()
        ),
        f'delete_key(log.attributes, "level") where not IsMatch({level}, "^(?:{known})$")',
    ]


def _dropped(rules: list[DropRule]) -> dict[str, Any]:
    return {"error_mode": "silent", "log_conditions": [" and ".join(_met(rule)) for rule in rules]}


def _met(rule: DropRule) -> Iterator[str]:
    for name, value in {"namespace": rule.namespace, "app": rule.app}.items():
        if value:
            yield f"{attribute(name)} == {quoted(value)}"
    if rule.levels:
        one_of = f"^(?:{'|'.join(rule.levels)})$"
        yield f"IsMatch({attribute('level', 'log')}, {quoted(one_of)})"
    if rule.line:
        yield f"IsMatch(log.body, {quoted(rule.line)})"


def _redacted() -> list[str]:
    """Masking as in Promtail: first values of JSON keys, which stay quoted text, then all other secrets."""
    by_key = f'${{1}}"{redaction.MASK}"'
    return [
        f"replace_pattern(log.body, {quoted(redaction.JSON_KEY)}, {quoted(by_key)})",
        f"replace_pattern(log.body, {quoted(redaction.ANY_TEXT)}, {quoted(redaction.MASK)})",
    ]


def _tidy(fields: tuple[LogField, ...]) -> list[str]:
    kept = [name for name in (*LABELS, *metadata(fields)) if name not in _OF_POD]
    return [
        f"keep_keys(log.attributes, [{', '.join(map(quoted, kept))}])",
        *(json_lines.cut(name) for name in kept if name not in LABELS),
        # The time of reading is left out: if the line is read again, it must be equal.
        "set(log.observed_time_unix_nano, 0)",
    ]
