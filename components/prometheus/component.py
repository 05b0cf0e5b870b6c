"""Prometheus on Kubernetes: a StatefulSet that reloads its configuration without a restart."""

from __future__ import annotations

from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions

from components import images
from components.kubernetes import Probes, Program, Site
from components.prometheus import client, config
from components.settings.prometheus import PrometheusSettings
from components.workload import cluster_access, stateful_set, surroundings
from model import ports, servers
from model.quantities import Url
from model.rules import Group
from model.scrape import ScrapeJob

NAME = servers.PROMETHEUS.name
DATA = "/prometheus"
# WAL replay reads about 100 MB/s. Two hours of a million series take some ten minutes on slow network disks.
REPLAY_SECONDS = 900
# Time to finish the head's last chunk and remote-write's queues. Prometheus itself needs seconds.
GRACE_SECONDS = 300


@dataclass(frozen=True, kw_only=True)
class PrometheusArgs:
    site: Site
    settings: PrometheusSettings
    jobs: tuple[ScrapeJob, ...]
    groups: tuple[Group, ...]
    grafana: Url
    """URL of Grafana for people."""
    promoted: tuple[str, ...] = ()
    """Resource attributes that become labels, beside those of every stack."""
    accepts_remote_write: bool = False
    """Whether Prometheus accepts samples by remote write."""


class Prometheus(ComponentResource):
    """Scrapes, evaluates and alerts. Queries go to :attr:`url`, inside the cluster."""

    url: Output[str]

    def __init__(self, name: str, args: PrometheusArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Prometheus", name, {}, opts)
        child = ResourceOptions(parent=self)
        program = self._program(args)
        around = surroundings(name, program, args.site, child, replicas=args.settings.replicas)
        access = cluster_access(
            name,
            NAME,
            [
                {"api_groups": [""], "resources": ["nodes", "services", "pods"], "verbs": ["list", "watch"]},
                {"api_groups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": ["list", "watch"]},
                {"api_groups": [""], "resources": ["nodes/metrics"], "verbs": ["get"]},
                {"non_resource_urls": ["/metrics"], "verbs": ["get"]},
            ],
            args.site,
            child,
        )
        settings = args.settings
        stateful_set(
            name,
            program,
            args.site,
            child,
            replicas=settings.replicas,
            storage=settings.storage,
            after=[*around, *access],
        )
        self.url = args.site.url(servers.PROMETHEUS, ports.PROMETHEUS)
        self.register_outputs({"url": self.url})

    @staticmethod
    def _program(args: PrometheusArgs) -> Program:
        settings = args.settings
        secrets = client.secrets(settings) | {name: each for job in args.jobs for name, each in job.secrets.items()}
        return Program(
            name=NAME,
            image=images.PROMETHEUS,
            args=[
                "--config.file=/etc/prometheus/config/prometheus.yml",
                "--config.auto-reload",
                f"--storage.tsdb.path={DATA}",
                f"--web.listen-address=:{ports.PROMETHEUS}",
                "--web.enable-otlp-receiver",
                *(["--web.enable-remote-write-receiver"] if args.accepts_remote_write else []),
                "--enable-feature=exemplar-storage,otlp-deltatocumulative",
                f"--query.timeout={settings.queries.timeout}",
                f"--query.max-samples={settings.queries.max_samples}",
                f"--query.max-concurrency={settings.queries.max_concurrency}",
                f"--log.level={settings.log_level}",
                "--log.format=json",
            ],
            ports={"http": ports.PROMETHEUS},
            probes=Probes(live=("/-/healthy", "http"), ready=("/-/ready", "http"), startup_seconds=REPLAY_SECONDS),
            resources=settings.resources,
            workload=settings,
            config=config.files(settings, args.site.cluster, args.jobs, args.groups, args.grafana, args.promoted),
            watches_config=True,
            secrets=secrets,
            live_secrets=frozenset(secrets),
            env=[{"name": "POD_NAME", "value_from": {"field_ref": {"field_path": "metadata.name"}}}],
            account_annotations=settings.service_account_annotations,
            token=True,
            data=DATA,
            scratch={} if settings.storage else {"data": settings.disk},
            grace_seconds=GRACE_SECONDS,
        )
