"""The node collector's configuration. Pure: values in, texts out.

    files -> entries -> pod's labels -> level, trace -> redaction -> other fields -> a queue -> the collector

It processes lines as Promtail's pipeline does (``components/promtail/config.py``). The test
``tests/servers/test_log_collectors.py`` compares the results of both.
"""

from __future__ import annotations

import json
from typing import Any

from components.logs import ENTRY_LINES, ENTRY_WAIT, PARTIAL_LINES, POD_LOGS
from components.otel_agent import pipeline
from components.otel_agent.pipeline import FILE
from components.otel_collector import parts
from components.otel_collector.parts import MEBIBYTE, QUEUE
from components.settings.logs import LogSettings
from model import ports, servers
from model.cluster import ClusterSettings
from model.logs import LogField, LogRuntime

DATA = "/var/lib/otel-agent"
NODE = "K8S_NODE_NAME"
"""Environment variable with the name of the node."""

# Interval for opening every file. With 300 idle files it takes 2 % of a core, and 9 % at the default of 200 ms.
POLL = "1s"
# A longer entry is split. Loki cuts lines far earlier (`loki.limits.lineSize`).
LARGEST_ENTRY = 2 * MEBIBYTE
# All streams of a node that write within ENTRY_WAIT: 250 pods, some with several containers, two streams each.
STREAMS = 5_000
# A part of a long line waits for the rest without a limit, as in Promtail. "For ever" is not a valid value.
PARTIAL_WAIT = "24h"
# Queue of lines that were read and not sent, before reading stops: a quarter of an hour of 1000 lines a second.
QUEUE_BYTES = 256 * MEBIBYTE
# An idle node sends once a second. The largest entry, which may have twice the maximum length, and much of a batch fit
# into a request. Requests stay below the collector's limit (MESSAGE_MEBIBYTES).
BATCH_WAIT, BATCH_BYTES, REQUEST_BYTES = "1s", MEBIBYTE // 2, 8 * MEBIBYTE
SENDERS = 2


def files(settings: LogSettings, fields: tuple[LogField, ...], cluster: ClusterSettings) -> dict[str, dict[str, str]]:
    """The files below ``/etc/otel-agent``: directory to file name to text."""
    return {"config": {"agent.yaml": parts.text(agent_yaml(settings, fields, cluster))}}


def agent_yaml(settings: LogSettings, fields: tuple[LogField, ...], cluster: ClusterSettings) -> dict[str, Any]:
    processors = pipeline.processors(settings, fields, cluster, NODE)
    return {
        "service": {
            "extensions": ["health_check", QUEUE],
            "pipelines": {
                "logs": {
                    "receivers": ["file_log"],
                    "processors": ["memory_limiter", *processors],
                    "exporters": ["otlp_grpc"],
                }
            },
            "telemetry": parts.telemetry("otel-agent", settings.log_level, ports.COLLECTOR_METRICS),
        },
        "extensions": {
            "health_check": {"endpoint": f"0.0.0.0:{ports.COLLECTOR_HEALTH}"},
            QUEUE: parts.file_storage(DATA),
        },
        "receivers": {"file_log": _file_log(settings)},
        "processors": {"memory_limiter": parts.memory_limiter(settings.resources), **processors},
        "exporters": {
            "otlp_grpc": {
                "endpoint": servers.COLLECTOR.address(cluster.namespaces.stack, ports.OTLP_NODES),
                "tls": {"insecure": True},
                "timeout": "10s",
                # No end (0): the queue fills, then reading stops, and the lines stay in the log files.
                "retry_on_failure": parts.retry("0s"),
                "sending_queue": {
                    "storage": QUEUE,
                    "sizer": "bytes",
                    "queue_size": QUEUE_BYTES,
                    "block_on_overflow": True,
                    "num_consumers": SENDERS,
                    "batch": {"flush_timeout": BATCH_WAIT, "min_size": BATCH_BYTES, "max_size": REQUEST_BYTES},
                },
            }
        },
    }


def _file_log(settings: LogSettings) -> dict[str, Any]:
    dropped = [rule.namespace for rule in settings.drop if rule.whole_pods and not rule.app]
    return {
        "include": [f"{POD_LOGS}/*/*/*.log"],
        # The name of a pod's folder begins with its namespace: files of a dropped namespace are not opened.
        "exclude": [f"{POD_LOGS}/{namespace}_*/*/*.log" for namespace in dropped],
        "start_at": "beginning",
        "poll_interval": POLL,
        "storage": QUEUE,
        "include_file_path": True,
        "include_file_name": False,
        "preserve_trailing_whitespaces": True,
        # No end (0) here either: when memory is low, reading stops until there is some.
        "retry_on_failure": {"enabled": True, "max_elapsed_time": "0s"},
        "resource": {"node": f'EXPR(env("{NODE}"))'},
        "operators": _entries(settings),
    }


def _entries(settings: LogSettings) -> list[dict[str, Any]]:
    """Joins lines of the container runtime into entries: whole long lines, and stack traces."""
    source = {"source_identifier": "attributes.source", "max_log_size": LARGEST_ENTRY}
    continued = json.dumps(f"^(?:{'|'.join(settings.continuation)})", ensure_ascii=False)
    return [
        *(_docker() if settings.runtime == "docker" else _cri()),
        {
            "type": "add",
            "field": "attributes.source",
            "value": f'EXPR(attributes["{FILE}"] + " " + (attributes.stream ?? ""))',
        },
        {
            "type": "recombine",
            "id": "lines",
            "combine_field": "body",
            "combine_with": "",
            "is_last_entry": _WHOLE[settings.runtime],
            "overwrite_with": "newest",
            "max_batch_size": 0,
            "max_sources": PARTIAL_LINES,
            "force_flush_period": PARTIAL_WAIT,
            **source,
        },
        # Docker ends a line with it.
        *(_text(r"^(?s)(?P<text>.*?)\n?$") if settings.runtime == "docker" else []),
        {
            "type": "recombine",
            "id": "entries",
            "combine_field": "body",
            "combine_with": "\n",
            "is_first_entry": f'not (body == "" or body matches {continued})',
            "max_batch_size": ENTRY_LINES,
            "max_unmatched_batch_size": 0,  # the rest of an entry that was cut, or partly read before a restart
            "max_sources": STREAMS,
            "force_flush_period": str(ENTRY_WAIT),
            **source,
        },
        {"type": "move", "from": f'attributes["{FILE}"]', "to": f'resource["{FILE}"]'},
    ]


_WHOLE: dict[LogRuntime, str] = {
    "cri": 'attributes.flags != "P"',
    # A line in another format has no end.
    "docker": 'attributes.time == nil or body endsWith "\\n"',
}
"""Expression, by runtime, that is true for a whole line and for the last part of one."""


_TIME = {
    "parse_from": "attributes.time",
    "layout_type": "gotime",
    "layout": "2006-01-02T15:04:05.999999999Z07:00",
}


def _cri() -> list[dict[str, Any]]:
    return _text(r"^(?s)(?P<time>\S+) (?P<stream>stdout|stderr) (?P<flags>\S+) (?P<text>.*)$", timestamp=_TIME)


def _docker() -> list[dict[str, Any]]:
    parser = {"type": "json_parser", "timestamp": _TIME, "on_error": "send_quiet"}
    return [parser, {"type": "move", "from": "attributes.log", "to": "body", "if": "attributes.log != nil"}]


def _text(regex: str, **more: Any) -> list[dict[str, Any]]:
    """Replaces the line by the group ``text``. A line in another format stays unchanged."""
    parser = {"type": "regex_parser", "regex": regex, **more, "on_error": "send_quiet"}
    return [parser, {"type": "move", "from": "attributes.text", "to": "body", "if": "attributes.text != nil"}]
