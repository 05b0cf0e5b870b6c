"""The collector on Kubernetes: a StatefulSet, so that each replica gets its own queue again."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import EnvVarArgsDict
from pulumi_kubernetes.rbac.v1 import PolicyRuleArgsDict

from components import images
from components.kubernetes import Probes, Program, Site
from components.otel_collector import config, parts
from components.settings.collector import CollectorSettings
from components.settings.jaeger import JaegerSettings
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from components.settings.prometheus import PrometheusSettings
from components.workload import cluster_access, stateful_set, surroundings
from model import ports, servers
from model.contract import Span
from model.logs import LogField

NAME = servers.COLLECTOR.name
# At its start it reads the files of its queues: seconds per gigabyte.
START_SECONDS = 300
# Time to answer open requests, and to write them to a queue.
GRACE_SECONDS = 60
_POD_NAME: EnvVarArgsDict = {"name": config.POD, "value_from": {"field_ref": {"field_path": "metadata.name"}}}


@dataclass(frozen=True, kw_only=True)
class OtelCollectorArgs:
    site: Site
    settings: CollectorSettings
    prometheus: PrometheusSettings
    """Destination of metrics: each of its replicas."""
    jaeger: JaegerSettings
    """Destination of spans. One replica gets all spans of a trace."""
    loki: LokiSettings
    """Destination of logs, and their tenant."""
    logs: LogSettings
    """Decides whether node collectors send here."""
    fields: tuple[LogField, ...]
    """Fields of JSON bodies that become metadata."""
    spans: tuple[Span, ...]
    """Spans that are mapped to the conventions."""


class OtelCollector(ComponentResource):
    """Receives all telemetry inside the cluster, at :attr:`url` by HTTP and at its port for gRPC."""

    url: Output[str]

    def __init__(self, name: str, args: OtelCollectorArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:OtelCollector", name, {}, opts)
        child = ResourceOptions(parent=self)
        settings, program = args.settings, self._program(args)
        around = surroundings(name, program, args.site, child, replicas=settings.replicas)
        read = ["pods", *(["events"] if settings.kubernetes_events else [])]
        rule: PolicyRuleArgsDict = {"api_groups": [""], "resources": read, "verbs": ["list", "watch"]}
        access = cluster_access(name, NAME, [rule], args.site, child)
        stateful_set(
            name,
            program,
            args.site,
            child,
            replicas=settings.replicas,
            storage=settings.storage,
            after=[*around, *access],
        )
        self.url = args.site.url(servers.COLLECTOR, ports.OTLP_HTTP)
        self.register_outputs({"url": self.url})

    @staticmethod
    def _program(args: OtelCollectorArgs) -> Program:
        settings = args.settings
        return Program(
            name=NAME,
            image=images.OTEL_COLLECTOR,
            args=config.arguments(settings),
            ports={
                "otlp-grpc": ports.OTLP_GRPC,
                "otlp-http": ports.OTLP_HTTP,
                **({"otlp-nodes": ports.OTLP_NODES} if args.logs.collector == "otel" else {}),
                "health": ports.COLLECTOR_HEALTH,
                "metrics": ports.COLLECTOR_METRICS,
            },
            probes=Probes(live=parts.LIVE, ready=("/", "health"), startup_seconds=START_SECONDS),
            resources=settings.resources,
            workload=settings,
            config=config.files(
                settings, args.site.cluster, args.prometheus, args.jaeger, args.loki, args.logs, args.fields, args.spans
            ),
            env=[
                {"name": "GOMEMLIMIT", "value": parts.go_memory_limit(settings.resources)},
                *([_POD_NAME] if settings.kubernetes_events else []),
            ],
            token=True,
            data=config.DATA if settings.storage is not None else None,
            grace_seconds=GRACE_SECONDS,
        )
