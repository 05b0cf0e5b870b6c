"""Jaeger on Kubernetes: a StatefulSet, with a volume if spans are stored in its own files."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import EnvVarArgsDict

from components import images
from components.jaeger import config
from components.kubernetes import Probes, Program, Site
from components.otel_collector import parts
from components.settings.jaeger import JaegerSettings
from components.workload import stateful_set, surroundings
from model import ports, servers

NAME = servers.JAEGER.name
# When badger opens, it reads the index of every table: seconds per 10 GB, more on a cold network disk.
START_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class JaegerArgs:
    site: Site
    settings: JaegerSettings
    attributed: tuple[str, ...] = ()
    """Attributes by which spans of requests to models are counted."""


class Jaeger(ComponentResource):
    """Receives spans and serves traces. The UI and the API are at :attr:`url`, inside the cluster."""

    url: Output[str]
    otlp: Output[str]
    """Address for spans by OTLP over gRPC."""

    def __init__(self, name: str, args: JaegerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Jaeger", name, {}, opts)
        child = ResourceOptions(parent=self)
        settings, badger = args.settings, args.settings.storage.badger
        program = self._program(args)
        around = surroundings(name, program, args.site, child, replicas=settings.replicas)
        stateful_set(
            name,
            program,
            args.site,
            child,
            replicas=settings.replicas,
            storage=badger.size if badger else None,
            after=around,
        )
        self.url = Output.concat(args.site.url(servers.JAEGER, ports.JAEGER_QUERY), settings.base_path.rstrip("/"))
        self.otlp = args.site.url(servers.JAEGER, ports.OTLP_GRPC)
        self.register_outputs({"url": self.url, "otlp": self.otlp})

    @staticmethod
    def _program(args: JaegerArgs) -> Program:
        settings = args.settings
        return Program(
            name=NAME,
            image=images.JAEGER,
            args=["--config=file:/etc/jaeger/config/jaeger.yaml"],
            ports={
                "http": ports.JAEGER_QUERY,
                "otlp-grpc": ports.OTLP_GRPC,
                "otlp-http": ports.OTLP_HTTP,
                "health": ports.JAEGER_HEALTH,
                "metrics": ports.JAEGER_METRICS,
                "span-metrics": ports.JAEGER_SPAN_METRICS,
            },
            # Health and metrics are a collector's, since Jaeger is built from it.
            probes=Probes(live=parts.LIVE, ready=("/status", "health"), startup_seconds=START_SECONDS),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.site.cluster, args.attributed),
            secrets=config.secrets(settings),
            live_secrets=frozenset({config.PASSWORD}),
            env=_memory(settings),
            data=config.DATA if settings.storage.badger else None,
            grace_seconds=60,  # time to write its buffers and close its files
        )


def _memory(settings: JaegerSettings) -> list[EnvVarArgsDict]:
    """Environment that makes the garbage collector work harder before spans are refused."""
    limit = settings.resources.limits.memory
    return [{"name": "GOMEMLIMIT", "value": str(limit.count * config.MEMORY_PERCENT // 100)}] if limit else []
