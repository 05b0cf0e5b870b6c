"""Promtail's configuration. Pure: values in, texts out."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from components import redaction
from components.logs import (
    ENTRY_LINES,
    ENTRY_WAIT,
    JOB_NUMBER,
    JSON_LINE,
    LABELS,
    PARTIAL_LINES,
    POD_LOGS,
    READ_FIRST,
    REPLICA_SET_HASH,
    TEXT_FIELDS,
    TEXT_LEVEL,
    TEXT_LEVEL_GROUPS,
    VALUE_CHARACTERS,
    json_keys,
    level_words,
    metadata,
)
from components.settings.logs import DropRule, LogSettings
from components.settings.loki import LokiSettings
from model import ports, servers
from model.cluster import ClusterSettings
from model.logs import LEVELS, LogField
from model.quantities import Duration
from model.scrape import Relabel, copy
from model.yaml_text import text

DATA = "/run/promtail"
NODE = "HOSTNAME"
"""Environment variable with the name of the node."""

# Every entry waits this long for more of its batch. A killed Promtail loses at most the entries of this time and
# ENTRY_WAIT.
BATCH_WAIT = Duration.parse("1s")
# Marks the start of an entry. It is in Unicode's private use area, so no program prints it.
MARK = "\ue000"

_ANY = '{cluster=~".+"}'
_POD = "__meta_kubernetes_pod"
_OF_POD = ("pod", "node", "stream")
"""Metadata that is not read from the line."""
_REST = f"(?s)^.{{{VALUE_CHARACTERS}}}(.+)$"
"""Matches a value that is too long; its group is what is cut."""


def files(
    settings: LogSettings, fields: tuple[LogField, ...], cluster: ClusterSettings, loki: LokiSettings
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/promtail``: directory to file name to text."""
    return {"config": {"promtail.yaml": text(promtail_yaml(settings, fields, cluster, loki))}}


def promtail_yaml(
    settings: LogSettings, fields: tuple[LogField, ...], cluster: ClusterSettings, loki: LokiSettings
) -> dict[str, Any]:
    return {
        "server": {
            "http_listen_port": ports.PROMTAIL,
            "grpc_listen_address": "127.0.0.1",  # nobody uses gRPC
            "grpc_listen_port": 0,
            "log_level": settings.log_level,
            "log_format": "json",
        },
        "clients": [
            {
                "url": f"{servers.LOKI.url(cluster.namespaces.stack, ports.LOKI)}/loki/api/v1/push",
                **({"tenant_id": loki.sender} if loki.sender else {}),
                "batchwait": str(BATCH_WAIT),
                "timeout": "10s",
                # No end (0), so that nothing is dropped while Loki is down: reading stops, and the lines stay in the
                # log files.
                "backoff_config": {"min_period": "500ms", "max_period": "30s", "max_retries": 0},
            }
        ],
        "positions": {
            "filename": f"{DATA}/positions.yaml",
            "sync_period": "10s",
            "ignore_invalid_yaml": True,  # a file damaged by a power cut is read again, instead of a crash loop
        },
        "limits_config": {
            "readline_rate_enabled": True,
            "readline_rate": settings.lines_per_second,
            "readline_burst": settings.burst,
            "readline_rate_drop": False,
        },
        "target_config": {"sync_period": "10s"},
        "scrape_configs": [
            {
                "job_name": "pods",
                # Promtail itself adds the field selector spec.nodeName=$HOSTNAME, so the API returns the node's pods
                # only. A selector here would need -config.expand-env, and then every dollar and backslash below would
                # have to be doubled.
                "kubernetes_sd_configs": [{"role": "pod"}],
                "relabel_configs": [step.plain() for step in _targets(settings, cluster)],
                "pipeline_stages": _stages(settings, fields),
            }
        ],
    }


def _targets(settings: LogSettings, cluster: ClusterSettings) -> list[Relabel]:
    return [
        # The last existing value wins: the owner's name without the hash of a ReplicaSet, then the pod's own labels.
        copy(f"{_POD}_name", "app"),
        copy(f"{_POD}_controller_name", "app"),
        Relabel(
            source=(f"{_POD}_controller_kind", f"{_POD}_controller_name"),
            regex=f"ReplicaSet;(.+){REPLICA_SET_HASH}",
            target="app",
        ),
        Relabel(
            source=(f"{_POD}_controller_kind", f"{_POD}_controller_name"),
            regex=f"Job;(.+){JOB_NUMBER}",
            target="app",
        ),
        # The owner of a static pod is its node.
        Relabel(source=(f"{_POD}_controller_kind", f"{_POD}_name"), regex="Node;(.+)", target="app"),
        copy(f"{_POD}_label_app", "app"),
        copy(f"{_POD}_label_app_kubernetes_io_name", "app"),
        copy("__meta_kubernetes_namespace", "namespace"),
        *(_dropped_pods(rule) for rule in settings.drop if rule.whole_pods),
        copy(f"{_POD}_container_name", "container"),
        copy(f"{_POD}_name", "pod"),
        copy(f"{_POD}_node_name", "node"),
        Relabel(target="cluster", replacement=cluster.name),
        Relabel(
            source=(f"{_POD}_uid", f"{_POD}_container_name"),
            regex="(.+);(.+)",
            target="__path__",
            replacement=f"{POD_LOGS}/*$1/$2/*.log",
        ),
        # The name of a static pod's log folder comes from its manifest.
        Relabel(
            source=(f"{_POD}_annotation_kubernetes_io_config_hash", f"{_POD}_container_name"),
            regex="(.+);(.+)",
            target="__path__",
            replacement=f"{POD_LOGS}/*$1/$2/*.log",
        ),
    ]


def _dropped_pods(rule: DropRule) -> Relabel:
    parts = (re.escape(part) if part else ".*" for part in (rule.namespace, rule.app))
    return Relabel(source=("namespace", "app"), regex=";".join(parts), action="drop")


def _stages(settings: LogSettings, fields: tuple[LogField, ...]) -> list[dict[str, Any]]:
    names = metadata(fields)
    return [
        {"cri": {"max_partial_lines": PARTIAL_LINES}},
        *_entries(settings),
        *_by_form(json_keys(fields, first=True), _text_level()),
        {"template": {"source": "level", "template": _level_template()}},
        {"labels": {"level": None}},
        *(_dropped_lines(rule) for rule in settings.drop if not rule.whole_pods),
        *(_redaction() if settings.redact else ()),
        *_by_form(json_keys(fields, first=False), _text_fields(first=False)),
        *({"replace": {"source": name, "expression": _REST, "replace": ""}} for name in names if name not in _OF_POD),
        {"structured_metadata": dict.fromkeys(names)},
        {"labelallow": list(LABELS)},
    ]


def _by_form(json_fields: Mapping[str, tuple[str, ...]], of_text: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stages for lines of JSON, which read its fields, and stages ``of_text`` for other lines."""
    json_line = json.dumps(JSON_LINE)
    of_json = [{"json": {"expressions": {name: _jmespath(keys) for name, keys in json_fields.items()}}}]
    return [
        {"match": {"selector": f"{_ANY} |~ {json_line}", "stages": of_json}},
        {"match": {"selector": f"{_ANY} !~ {json_line}", "stages": of_text}},
    ]


def _entries(settings: LogSettings) -> list[dict[str, Any]]:
    """Joins the lines of an entry.

    Go's regular expressions can match the start of an entry, but cannot negate the pattern of a continuation. So every
    line that is no continuation gets a mark, an entry starts with the mark, and the mark is removed. (A `match` stage
    with `!~` would be simpler, but its lines take another path and may overtake the others.)
    """
    continued = "(?P<continued>" + "|".join(settings.continuation) + ")"
    begins = (
        f'{{{{ if or .continued (eq .Entry "") }}}}{{{{ .Entry }}}}{{{{ else }}}}{MARK}{{{{ .Entry }}}}{{{{ end }}}}'
    )
    return [
        {"regex": {"expression": f"^{continued}"}},
        {"template": {"source": "marked", "template": begins}},
        {"output": {"source": "marked"}},
        {"multiline": {"firstline": f"^{MARK}", "max_wait_time": str(ENTRY_WAIT), "max_lines": ENTRY_LINES}},
        {"replace": {"expression": f"^({MARK})", "replace": ""}},
    ]


def _redaction() -> list[dict[str, Any]]:
    """Masking in lines, as in the collector: first values of JSON keys, which stay quoted text."""
    return [
        {"replace": {"expression": redaction.JSON_VALUE, "replace": f'"{redaction.MASK}"'}},
        {"replace": {"expression": f"({redaction.ANY_TEXT})", "replace": redaction.MASK}},
    ]


def _jmespath(keys: tuple[str, ...]) -> str:
    """The first existing one of ``keys``. In JMESPath, an unquoted dot would mean a nested key."""
    return " || ".join(key if key.isidentifier() else f'"{key}"' for key in keys)


def _text_level() -> list[dict[str, Any]]:
    found = " ".join(f".{group}" for group in TEXT_LEVEL_GROUPS)
    return [
        {"regex": {"expression": TEXT_LEVEL}},
        {"template": {"source": "level", "template": f"{{{{ or {found} }}}}"}},
        *_text_fields(first=True),
    ]


def _text_fields(*, first: bool) -> list[dict[str, Any]]:
    return [
        {"regex": {"expression": expression}}
        for field, expression in TEXT_FIELDS.items()
        if (field in READ_FIRST) == first
    ]


def _level_template() -> str:
    """The label ``level``, one of LEVELS, from the program's own word; empty, so that the label is absent, for other
    words.
    """
    tests = [(level, [f'(eq $level "{word}")' for word in level_words(level)]) for level in LEVELS]
    branches = "".join(
        f"{{{{ {'if' if position == 0 else 'else if'} or {' '.join(words)} }}}}{level}"
        for position, (level, words) in enumerate(tests)
    )
    return f"{{{{ $level := ToLower (print .Value) }}}}{branches}{{{{ end }}}}"


def _dropped_lines(rule: DropRule) -> dict[str, Any]:
    given = {"namespace": rule.namespace, "app": rule.app}
    matchers = [f"{label}={json.dumps(value, ensure_ascii=False)}" for label, value in given.items() if value]
    matchers += [f'level=~"{"|".join(rule.levels)}"'] if rule.levels else []
    line = f" |~ {json.dumps(rule.line, ensure_ascii=False)}" if rule.line else ""
    return {
        "match": {
            "selector": f"{{{', '.join(matchers)}}}{line}" if matchers else f"{_ANY}{line}",
            "action": "drop",
            "drop_counter_reason": "settings",
        }
    }
