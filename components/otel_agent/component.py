"""The node collector on Kubernetes: an OpenTelemetry collector on every node, the successor of Promtail."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, ResourceOptions

from components import images
from components.kubernetes import Probes, Program, Site
from components.log_reader import read_logs
from components.otel_agent import config
from components.otel_collector import parts
from components.settings.logs import LogSettings
from model import ports, servers
from model.logs import LogField

NAME = servers.OTEL_AGENT.name


@dataclass(frozen=True, kw_only=True)
class OtelAgentArgs:
    site: Site
    """Its namespace is the node agents'."""
    settings: LogSettings
    fields: tuple[LogField, ...]
    """Fields of JSON lines that become metadata, beside those of every line."""


class OtelAgent(ComponentResource):
    """Sends the logs of every node's pods to the collector, which sends them to Loki."""

    def __init__(self, name: str, args: OtelAgentArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:OtelAgent", name, {}, opts)
        read_logs(name, self._program(args), args.site, args.settings, ResourceOptions(parent=self))
        self.register_outputs({})

    @staticmethod
    def _program(args: OtelAgentArgs) -> Program:
        settings = args.settings
        return Program(
            name=NAME,
            image=images.OTEL_AGENT,
            args=["--config=file:/etc/otel-agent/config/agent.yaml"],
            ports={"health": ports.COLLECTOR_HEALTH, "metrics": ports.COLLECTOR_METRICS},
            # At its start it waits up to a minute for the API to list the pods of its node.
            probes=Probes(live=parts.LIVE, ready=("/", "health"), startup_seconds=300),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.fields, args.site.cluster),
            env=[
                {"name": "GOMEMLIMIT", "value": parts.go_memory_limit(settings.resources)},
                {"name": config.NODE, "value_from": {"field_ref": {"field_path": "spec.nodeName"}}},
            ],
            token=True,
            data=config.DATA,
            grace_seconds=30,
        )
