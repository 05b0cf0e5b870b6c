"""Who collects the logs of the cluster's pods, and how, as a stack file describes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any, Self

import re2  # type: ignore[import-untyped]  # publishes no types
from annotated_types import Ge
from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import PydanticCustomError, core_schema

from model.logs import Level, LogCollector, LogRuntime
from model.quantities import Bytes
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

# What it reads at once, the pods that it knows of, and a queue's pages are some 100 MiB; a fifth more is the limiter's.
LEAST_MEMORY = Bytes.parse("192Mi")

HostPath = Annotated[
    str, Spelled(r"(/[A-Za-z0-9_-][A-Za-z0-9._-]*){2,}", "an absolute path on the node, like /var/lib/promtail")
]


_QUIET = re2.Options()
_QUIET.log_errors = False  # on standard error, past the one message that a wrong value gets


class _Re2:
    """A regular expression as Go reads it: no look-around, no back-references."""

    EXPECTED = "a regular expression without look-around and back-references, as Go reads it"

    @classmethod
    def __get_pydantic_core_schema__(cls, _source: Any, _handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(cls._read)

    @classmethod
    def __get_pydantic_json_schema__(cls, _schema: Any, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"type": "string", "minLength": 1, "description": cls.EXPECTED}

    @classmethod
    def _read(cls, raw: object) -> str:
        try:
            # Go refuses what RE2 takes: a count too large for it, which is text to it, and 1000 groups in each other.
            plain = raw if isinstance(raw, str) and raw.count("(") < 1000 else ""
            plain = "" if re.search(r"\{(\d+,)?\d{9,}", plain) else plain
            re2.compile(plain or "(", _QUIET)
        except re2.error:
            raise PydanticCustomError("regex", "{expected}", {"expected": cls.EXPECTED}) from None
        return str(raw)


Regex = Annotated[str, _Re2]


class DropRule(Model):
    """Lines that are not kept: those that meet everything that is given."""

    namespace: DnsLabel | None = None
    """Of this namespace."""
    app: AppName | None = None
    """Of this app: the label `app.kubernetes.io/name` or `app` of its pods, or the name of what made them."""
    levels: Many[Level] = ()
    """Of one of these levels."""
    line: Regex | None = None
    """Whose text matches somewhere."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.levels and not any((self.namespace, self.app, self.line)):
            raise ValueError("one of namespace, app, levels, line: an empty rule would drop every line")
        return self

    @property
    def whole_pods(self) -> bool:
        """Whether it is decided by the pod alone, so that its files need not even be read."""
        return not self.levels and self.line is None


class LogSettings(Workload):
    """Reads the log files of each node's pods and brings them to Loki, whichever collector does it."""

    collector: LogCollector = "promtail"
    """What runs on every node; Promtail is end-of-life since 2026-03-02 and gets no more fixes."""
    runtime: LogRuntime = "cri"
    """Who writes the logs on the nodes: Docker, or containerd, CRI-O and whatever else writes as they do. Docker's are
    read by the collector otel only."""
    resources: Resources = resources("50m", "128Mi", "256Mi")
    """Requests and limits, per node."""
    drop: Many[DropRule] = ()
    """Lines that are not kept."""
    redact: bool = True
    """Whether prompts, completions, tools' arguments and results, credentials and personal data are masked."""
    lines_per_second: Annotated[int, Ge(1)] = 10_000
    """Most lines that a node sends in a second; past that it reads more slowly, and drops nothing. Promtail only."""
    burst: Annotated[int, Ge(1)] = 20_000
    """Lines that may be sent at once above that rate. Promtail only."""
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
    """How a line begins that belongs to the one before it, as a blank one always does; the default knows Java, Python,
    Go, Node and indented text."""
    positions_path: HostPath = "/var/lib/agent-observability/logs"
    """Folder on each node that remembers how far every file was read, and keeps what was read and not yet taken."""
    log_level: LogLevel = "info"
    """Least severe log line that is written."""

    @model_validator(mode="after")
    def _has_continuations(self) -> Self:
        if not self.continuation:
            raise ValueError(r"continuation: at least one, such as ['\s']")
        return self


_PACED = ("lines_per_second", "burst")


def only_promtail_is_paced(logs: LogSettings) -> Iterator[Problem]:
    for name in sorted(logs.model_fields_set.intersection(_PACED)):
        if logs.collector != "promtail":
            reason = "nothing with collector otel, which reads as fast as Loki takes it: loki.limits slows it down"
            yield problem(f"logs.{to_camel(name)}", getattr(logs, name), reason)


def docker_is_read_by_otel(logs: LogSettings) -> Iterator[Problem]:
    if logs.runtime == "docker" and logs.collector != "otel":
        reason = "collector otel: Promtail does not put lines together that Docker has cut"
        yield problem("logs.runtime", logs.runtime, reason)


def the_node_collector_has_memory(logs: LogSettings) -> Iterator[Problem]:
    limit = logs.resources.limits.memory
    if logs.collector == "otel" and limit is not None and limit < LEAST_MEMORY:
        reason = f"at least {LEAST_MEMORY} with collector otel: with less, it reads nothing"
        yield problem("logs.resources.limits.memory", str(limit), reason)


CHECKS = (only_promtail_is_paced, docker_is_read_by_otel, the_node_collector_has_memory)
"""What the section must hold in itself."""
