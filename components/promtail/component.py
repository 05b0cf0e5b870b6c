"""Promtail on Kubernetes."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions, log

from components import images
from components.kubernetes import Probes, Program, Site
from components.log_reader import read_logs
from components.promtail import config
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from model import ports, servers
from model.logs import LogField

NAME = servers.PROMTAIL.name
END_OF_LIFE = (
    "Promtail is end-of-life since 2026-03-02: it gets no more fixes, not even for security. "
    "Set logs.collector to otel: its successor gives lines the same labels."
)


@dataclass(frozen=True, kw_only=True)
class PromtailArgs:
    site: Site
    """Its namespace is the node agents'."""
    settings: LogSettings
    fields: tuple[LogField, ...]
    """Fields of JSON lines that become metadata, beside those of every line."""
    loki: LokiSettings
    """Destination of the lines, and their tenant."""


class Promtail(ComponentResource):
    """Sends the logs of every node's pods to Loki."""

    def __init__(self, name: str, args: PromtailArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Promtail", name, {}, opts)
        log.warn(END_OF_LIFE, resource=self)
        read_logs(name, self._program(args), args.site, args.settings, ResourceOptions(parent=self))
        self.register_outputs({})

    @staticmethod
    def _program(args: PromtailArgs) -> Program:
        settings = args.settings
        return Program(
            name=NAME,
            image=images.PROMTAIL,
            args=["-config.file=/etc/promtail/config/promtail.yaml"],
            ports={"http": ports.PROMTAIL},
            # It is ready once it follows a file. A node without log files, or without access to the API, needs no
            # restart, so liveness asks for its configuration, which it always serves.
            probes=Probes(live=("/config", "http"), ready=("/ready", "http"), startup_seconds=300),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.fields, args.site.cluster, args.loki),
            env=[{"name": config.NODE, "value_from": {"field_ref": {"field_path": "spec.nodeName"}}}],
            token=True,
            data=config.DATA,
            grace_seconds=30,
        )
