"""What Promtail reads. Pure: values in, texts out."""

from __future__ import annotations

import json
import re
from typing import Any

from components import ports, redaction
from components.logs import LABELS, LEVEL_WORDS, METADATA
from components.settings.cluster import ClusterSettings
from components.settings.loki import LokiSettings
from components.settings.promtail import LEVELS, DropRule, PromtailSettings
from components.settings.quantities import Duration
from components.yaml_text import text
from rules.scrape import Relabel, copy

DATA = "/run/promtail"
POD_LOGS = "/var/log/pods"
NODE = "HOSTNAME"
"""Variable of the environment: the node that a pod of Promtail reads."""

# Every line waits this long for more of its entry, which a program prints at once; and as long again for company.
# Together they are what a Promtail that is killed can lose.
ENTRY_WAIT = Duration.parse("1s")
BATCH_WAIT = Duration.parse("1s")
# The longest stack traces of Java frameworks have some 300 lines.
ENTRY_LINES = 500
# A node has at most 250 pods; each container may be in the middle of a long line at the same time.
PARTIAL_LINES = 1_000
# Starts an entry in what follows; Unicode's private use, so that no program prints it.
MARK = "\ue000"

_ANY = '{cluster=~".+"}'
_POD = "__meta_kubernetes_pod"
_JSON_FIELDS = {
    "level": ("level", "severity", "lvl", "levelname", '"log.level"', "log_level", "severity_text", "severityText"),
    "logger": ("logger", "logger_name", "loggerName", '"log.logger"', "name", "component"),
    "trace_id": ("trace_id", "traceId", "traceID", "traceid", '"trace.id"', "otelTraceID", "TraceId"),
    "span_id": ("span_id", "spanId", "spanID", "spanid", '"span.id"', "otelSpanID", "SpanId"),
}
"""What a field is called in the JSON of common logging libraries; the first that is there counts."""
_WORDS = sorted((word for words in LEVEL_WORDS.values() for word in words if not word.isdigit()), key=len, reverse=True)
# level=warn wherever it stands; a word of its own in capitals or brackets near the start; klog's letter.
_TEXT_LEVEL = (
    rf"(?i:\b(?:level|lvl|severity)=\"?(?P<keyed>{'|'.join(_WORDS)})\b)"
    rf"|^.{{0,80}}?\b(?P<capital>{'|'.join(word.upper() for word in _WORDS)})\b"
    rf"|^.{{0,80}}?[\[(](?i:(?P<bracket>{'|'.join(_WORDS)}))[\])]"
    r"|^(?P<klog>[IWEF])\d{4} "
)


def files(settings: PromtailSettings, cluster: ClusterSettings, loki: LokiSettings) -> dict[str, dict[str, str]]:
    """Everything below ``/etc/promtail``: directory to files, name to text."""
    return {"config": {"promtail.yaml": text(promtail_yaml(settings, cluster, loki))}}


def promtail_yaml(settings: PromtailSettings, cluster: ClusterSettings, loki: LokiSettings) -> dict[str, Any]:
    return {
        "server": {
            "http_listen_port": ports.PROMTAIL,
            "grpc_listen_address": "127.0.0.1",  # nobody asks it anything by gRPC
            "grpc_listen_port": 0,
            "log_level": settings.log_level,
            "log_format": "json",
        },
        "clients": [
            {
                "url": f"http://loki.{cluster.namespaces.stack}.svc:{ports.LOKI}/loki/api/v1/push",
                **({"tenant_id": loki.sender} if loki.sender else {}),
                "batchwait": str(BATCH_WAIT),
                "timeout": "10s",
                # Without end (0), so that nothing is dropped while Loki is away: reading stops, and the files wait.
                "backoff_config": {"min_period": "500ms", "max_period": "30s", "max_retries": 0},
            }
        ],
        "positions": {
            "filename": f"{DATA}/positions.yaml",
            "sync_period": "10s",
            "ignore_invalid_yaml": True,  # a file torn by a power cut means reading again, not a crash loop
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
                # Promtail itself adds the field selector spec.nodeName=$HOSTNAME: the API filters, and a node's
                # Promtail never hears of the pods of others. Writing it here would need -config.expand-env, and that
                # every dollar and backslash below be doubled.
                "kubernetes_sd_configs": [{"role": "pod"}],
                "relabel_configs": [step.plain() for step in _targets(settings, cluster)],
                "pipeline_stages": _stages(settings),
            }
        ],
    }


def _targets(settings: PromtailSettings, cluster: ClusterSettings) -> list[Relabel]:
    return [
        # The last that is there wins: what made the pod, without the hash of a ReplicaSet; then what it says itself.
        copy(f"{_POD}_name", "app"),
        copy(f"{_POD}_controller_name", "app"),
        Relabel(
            source=(f"{_POD}_controller_kind", f"{_POD}_controller_name"),
            regex="ReplicaSet;(.+)-[0-9a-z]{6,10}",
            target="app",
        ),
        Relabel(source=(f"{_POD}_controller_kind", f"{_POD}_controller_name"), regex=r"Job;(.+)-\d{8,}", target="app"),
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
        # A static pod's folder is named after its manifest.
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


def _stages(settings: PromtailSettings) -> list[dict[str, Any]]:
    return [
        {"cri": {"max_partial_lines": PARTIAL_LINES}},
        *_entries(settings),
        {"match": {"selector": f'{_ANY} |~ "^\\\\s*[{{]"', "stages": [{"json": {"expressions": _json_fields()}}]}},
        {"match": {"selector": f'{_ANY} !~ "^\\\\s*[{{]"', "stages": _text_stages()}},
        {"template": {"source": "level", "template": _level_template()}},
        {"labels": {"level": None}},
        *(_dropped_lines(rule) for rule in settings.drop if not rule.whole_pods),
        *(_redaction() if settings.redact else ()),
        {"structured_metadata": dict.fromkeys(METADATA)},
        {"labelallow": list(LABELS)},
    ]


def _entries(settings: PromtailSettings) -> list[dict[str, Any]]:
    """Lines that belong together, as one.

    Go's regular expressions can say how an entry begins, but not how it does not. So whatever does not look like a
    continuation is marked, an entry is what begins with the mark, and the mark goes again. (A `match` stage with `!~`
    would read better, but what it selects takes another way and may overtake the rest.)
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
    """What the collector masks, masked in lines; first by the keys of JSON, whose values stay text in quotes."""
    return [
        {"replace": {"expression": redaction.JSON_VALUE, "replace": f'"{redaction.MASK}"'}},
        {"replace": {"expression": f"({redaction.ANY_TEXT})", "replace": redaction.MASK}},
    ]


def _json_fields() -> dict[str, str]:
    return {field: " || ".join(names) for field, names in _JSON_FIELDS.items()}


def _text_stages() -> list[dict[str, Any]]:
    return [
        {"regex": {"expression": _TEXT_LEVEL}},
        {
            "template": {
                "source": "level",
                "template": "{{ or .keyed .capital .bracket .klog }}",
            }
        },
        {"regex": {"expression": r"(?i)\btrace_?id=\"?(?P<trace_id>[0-9a-f]{16,32})\b"}},
        {"regex": {"expression": r"(?i)\bspan_?id=\"?(?P<span_id>[0-9a-f]{16})\b"}},
        {"regex": {"expression": r"\blogger=\"?(?P<logger>[\w.$-]+)"}},
    ]


def _level_template() -> str:
    """One of LEVELS, whatever the program called it; empty, and so no label, for anything else."""
    letters = {"I": "info", "W": "warn", "E": "error", "F": "fatal"}
    tests = [
        (level, [f'(eq $level "{word}")' for word in (*LEVEL_WORDS[level], *_letter(letters, level))])
        for level in LEVELS
    ]
    branches = "".join(
        f"{{{{ {'if' if position == 0 else 'else if'} or {' '.join(words)} }}}}{level}"
        for position, (level, words) in enumerate(tests)
    )
    return f"{{{{ $level := ToLower (print .Value) }}}}{branches}{{{{ end }}}}"


def _letter(letters: dict[str, str], level: str) -> list[str]:
    return [letter.lower() for letter, means in letters.items() if means == level]


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
