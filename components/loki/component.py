"""Loki on Kubernetes: all of Loki in one program, one replica on a volume or several with a bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pulumi import ComponentResource, Output, ResourceOptions
from pulumi_kubernetes.core.v1 import EnvVarArgsDict

from components import images
from components.kubernetes import Probes, Program, Site
from components.loki import config
from components.settings.loki import LokiSettings
from components.workload import stateful_set, surroundings
from model import ports, servers
from model.quantities import Bytes

NAME = servers.LOKI.name
# It is ready half a minute after its ring. Before that it replays its write-ahead log, a gigabyte in about a minute.
REPLAY_SECONDS = 900
# Time to write its memory to the volume, and to leave the ring.
GRACE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class LokiArgs:
    site: Site
    settings: LokiSettings
    replicas: config.Replicas
    alerts: Mapping[str, Any]
    """The rule file of the alerts that the ruler evaluates; empty if there are none."""


class Loki(ComponentResource):
    """Log store. Pushes and queries go to :attr:`url`, inside the cluster."""

    url: Output[str]

    def __init__(self, name: str, args: LokiArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Loki", name, {}, opts)
        child = ResourceOptions(parent=self)
        settings = args.settings
        program = self._program(args)
        around = surroundings(name, program, args.site, child, replicas=settings.replicas)
        stateful_set(
            name, program, args.site, child, replicas=settings.replicas, storage=_volume(settings), after=around
        )
        self.url = args.site.url(servers.LOKI, ports.LOKI)
        self.register_outputs({"url": self.url})

    @staticmethod
    def _program(args: LokiArgs) -> Program:
        settings = args.settings
        replicated = settings.replicas > 1
        address: list[EnvVarArgsDict] = [
            {"name": "POD_IP", "value_from": {"field_ref": {"field_path": "status.podIP"}}},
        ]
        return Program(
            name=NAME,
            image=images.LOKI,
            args=[
                "-config.file=/etc/loki/config/loki.yaml",
                *(["-config.expand-env=true"] if replicated else []),
            ],
            ports={
                "http": ports.LOKI,
                **({"grpc": ports.LOKI_GRPC, "gossip": ports.LOKI_GOSSIP} if replicated else {}),
            },
            # Readiness is no liveness: while the ring settles, Loki is only not ready.
            probes=Probes(
                live=("/loki/api/v1/status/buildinfo", "http"), ready=("/ready", "http"), startup_seconds=REPLAY_SECONDS
            ),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.site.cluster, args.replicas, args.alerts),
            env=[
                # Garbage collection works harder near the limit, so that Loki is not killed at it.
                {"name": "GOMEMLIMIT", "value": str(config.memory(settings).count * 9 // 10)},
                *(address if replicated else []),
            ],
            secret_env=config.secret_env(settings),
            account_annotations=settings.service_account_annotations,
            token=False,
            data=config.DATA,
            grace_seconds=GRACE_SECONDS,
        )


def _volume(settings: LokiSettings) -> Bytes | None:
    s3, filesystem = settings.storage.s3, settings.storage.filesystem
    return s3.local_size if s3 else filesystem.size if filesystem else None
