"""The log collector on the nodes, as a stack file describes it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

from annotated_types import Ge
from pydantic import model_validator
from pydantic.alias_generators import to_camel

from components.logs import MOST_FIELDS, RESERVED
from model.logs import Level, LogCollector, LogField, LogRuntime
from model.quantities import Bytes
from model.regex import Regex
from model.settings import (
    AppName,
    DnsLabel,
    LogLevel,
    Many,
    Model,
    Problem,
    Resources,
    Spelled,
    Workload,
    problem,
    resources,
)

# Lines in transit, metadata of pods and the queue's pages take about 100 MiB. The memory limiter needs a fifth more.
LEAST_MEMORY = Bytes.parse("192Mi")

HostPath = Annotated[
    str, Spelled(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,}", "an absolute path on the node, like /var/lib/promtail")
]

JsonKey = Annotated[
    str, Spelled(r"[A-Za-z_][A-Za-z0-9_.-]{0,62}", "a key of JSON of letters, digits, underscores, dots and dashes")
]
MetadataName = Annotated[
    str, Spelled(r"(?!__)[a-zA-Z_][a-zA-Z0-9_]{0,62}", "a name of at most 63 letters, digits and underscores")
]


class DropRule(Model):
    """Lines to drop. A line is dropped if it matches every key that is set."""

    namespace: DnsLabel | None = None
    """Namespace of the pod."""
    app: AppName | None = None
    """App of the pod: its label `app.kubernetes.io/name` or `app`, or the name of its workload."""
    levels: Many[Level] = ()
    """Levels of the line."""
    line: Regex | None = None
    """Regular expression that matches a part of the line."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.levels and not any((self.namespace, self.app, self.line)):
            raise ValueError("one of namespace, app, levels, line: an empty rule would drop every line")
        return self

    @property
    def whole_pods(self) -> bool:
        """Whether only the pod decides, so that its files need not be read."""
        return not self.levels and self.line is None


class LogSettings(Workload):
    """The log collector, which reads the log files of each node's pods and sends the lines to Loki."""

    collector: LogCollector = "promtail"
    """The collector on every node. Promtail is end-of-life since 2026-03-02 and gets no more fixes."""
    runtime: LogRuntime = "cri"
    """Format of the log files: `docker` for Docker; `cri` for containerd, CRI-O and others that use the CRI format.
    Only the collector otel reads Docker's."""
    resources: Resources = resources("50m", "128Mi", "256Mi")
    """Requests and limits, per node."""
    drop: Many[DropRule] = ()
    """Lines to drop."""
    fields: dict[JsonKey, MetadataName] = {}
    """Further fields of JSON lines that become structured metadata: name in JSON to name of the metadata, such as
    `{orderId: order_id}`. At most 20. Several names in JSON may become the same metadata."""
    redact: bool = True
    """Whether to mask prompts, completions, tools' arguments and results, credentials and personal data."""
    lines_per_second: Annotated[int, Ge(1)] = 10_000
    """Maximum of lines that a node sends per second. Above it the node reads more slowly and drops nothing. Promtail
    only."""
    burst: Annotated[int, Ge(1)] = 20_000
    """Lines that a node may send at once above that rate. Promtail only."""
    continuation: Many[Regex] = (
        r"\s",
        r"[\])}]",
        r"Traceback \(",
        r"Caused by: ",
        r"(During handling of|The above exception) ",
        r"([\w$]+\.)*\w+(Error|Exception|Warning|Exit|Interrupt|Group)(:|$)",
        r"goroutine \d+ \[",
        r"[\w./*()-]+\((0x|\.\.\.|\{|\))",
        r"created by ",
    )
    """Regular expression for the start of a line that continues the one before it. A blank line always does. The
    default matches Java, Python, Go, Node and indented text."""
    positions_path: HostPath = "/var/lib/agent-observability/logs"
    """Folder on each node with the position in every file, and with the lines that were read and not yet accepted."""
    log_level: LogLevel = "info"
    """Lowest level of the server's own log lines."""

    @property
    def more_fields(self) -> tuple[LogField, ...]:
        return tuple(LogField(name=name, keys=(key,)) for key, name in self.fields.items())

    @model_validator(mode="after")
    def _has_continuations(self) -> Self:
        if not self.continuation:
            raise ValueError(r"continuation: at least one, such as ['\s']")
        return self


_PACED = ("lines_per_second", "burst")


def only_promtail_is_paced(logs: LogSettings) -> Iterator[Problem]:
    for name in sorted(logs.model_fields_set.intersection(_PACED)):
        if logs.collector != "promtail":
            reason = "no value with collector otel, which reads as fast as Loki accepts lines: set loki.limits instead"
            yield problem(f"logs.{to_camel(name)}", getattr(logs, name), reason)


def docker_is_read_by_otel(logs: LogSettings) -> Iterator[Problem]:
    if logs.runtime == "docker" and logs.collector != "otel":
        reason = "collector otel: Promtail does not join lines that Docker has split"
        yield problem("logs.runtime", logs.runtime, reason)


def the_node_collector_has_memory(logs: LogSettings) -> Iterator[Problem]:
    limit = logs.resources.limits.memory
    if logs.collector == "otel" and limit is not None and limit < LEAST_MEMORY:
        reason = f"at least {LEAST_MEMORY} with collector otel: with less, it reads nothing"
        yield problem("logs.resources.limits.memory", str(limit), reason)


def fields_are_few_and_new(logs: LogSettings) -> Iterator[Problem]:
    if len(logs.fields) > MOST_FIELDS:
        yield problem("logs.fields", len(logs.fields), f"at most {MOST_FIELDS} fields: Loki limits a line's metadata")
    for key, name in logs.fields.items():
        if name in RESERVED:
            reason = f"a name that lines do not have yet; {', '.join(RESERVED)} are labels or metadata"
            yield problem(f"logs.fields.{key}", name, reason)


CHECKS = (only_promtail_is_paced, docker_is_read_by_otel, the_node_collector_has_memory, fields_are_few_and_new)
"""Checks of the section alone."""
