"""Alertmanager on Kubernetes: a StatefulSet whose replicas gossip, so that one alert is notified once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pulumi import ComponentResource, Output, ResourceOptions, log

from components import images
from components.alertmanager import config, receivers
from components.alertmanager.templates import Links
from components.kubernetes import Probes, Program, Site
from components.settings.alertmanager import AlertmanagerSettings
from components.settings.notifications import NotificationSettings
from components.workload import stateful_set, surroundings
from model import ports, servers
from model.quantities import Url
from model.rules import Inhibition

NAME = servers.ALERTMANAGER.name
DATA = "/alertmanager"
TELLS_NOBODY = (
    "notifications.receivers is empty: alerts fire in Grafana and Alertmanager, but nobody is notified. Add a receiver."
)


@dataclass(frozen=True, kw_only=True)
class AlertmanagerArgs:
    site: Site
    settings: AlertmanagerSettings
    notifications: NotificationSettings
    inhibitions: Sequence[Inhibition]
    """Inhibition rules."""
    grafana: Url
    """URL of Grafana for people."""


class Alertmanager(ComponentResource):
    """Delivers alerts. Its API is at :attr:`url`, inside the cluster."""

    url: Output[str]

    def __init__(self, name: str, args: AlertmanagerArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:Alertmanager", name, {}, opts)
        if not args.notifications.receivers:
            log.warn(TELLS_NOBODY, resource=self)
        child = ResourceOptions(parent=self)
        settings = args.settings
        program = self._program(args)
        around = surroundings(name, program, args.site, child, replicas=settings.replicas)
        stateful_set(
            name, program, args.site, child, replicas=settings.replicas, storage=settings.storage, after=around
        )
        self.url = args.site.url(servers.ALERTMANAGER, ports.ALERTMANAGER)
        self.register_outputs({"url": self.url})

    @staticmethod
    def _program(args: AlertmanagerArgs) -> Program:
        settings, namespace = args.settings, args.site.cluster.namespaces.stack
        peers = [
            servers.ALERTMANAGER.replica(ordinal, namespace, ports.ALERTMANAGER_GOSSIP)
            for ordinal in range(settings.replicas)
        ]
        gossip = settings.replicas > 1
        external = settings.external_url
        secrets = {
            file: source
            for receiver in args.notifications.receivers
            for file, source in receivers.secrets(receiver).items()
        }
        return Program(
            name=NAME,
            image=images.ALERTMANAGER,
            args=[
                "--config.file=/etc/alertmanager/config/alertmanager.yml",
                f"--storage.path={DATA}",
                f"--data.retention={settings.retention}",
                # Silences and the notification log are in memory until they are saved, every quarter of an hour by
                # default. After a kill, silenced alerts would come back, and every alert would be notified again.
                "--data.maintenance-interval=1m",
                f"--web.listen-address=:{ports.ALERTMANAGER}",
                # An empty address turns gossip off: a single replica would only wait for peers.
                f"--cluster.listen-address={f'0.0.0.0:{ports.ALERTMANAGER_GOSSIP}' if gossip else ''}",
                # Without it Alertmanager refuses a pod address outside the private ranges, and does not start. An IPv6
                # address needs brackets; an IPv4 address may have them.
                *([f"--cluster.advertise-address=[$(POD_IP)]:{ports.ALERTMANAGER_GOSSIP}"] if gossip else []),
                *(f"--cluster.peer={peer}" for peer in peers if gossip),
                # Distinguishes receivers in the metrics of sent and failed notifications.
                "--enable-feature=receiver-name-in-metrics",
                # The API keeps its path, for every external URL.
                *([f"--web.external-url={external}", "--web.route-prefix=/"] if external else []),
                f"--log.level={settings.log_level}",
                "--log.format=json",
            ],
            ports={
                "http": ports.ALERTMANAGER,
                **({"gossip": ports.ALERTMANAGER_GOSSIP} if gossip else {}),
            },
            udp_ports=frozenset({"gossip"}),
            # It is ready once gossip has settled, which takes ten rounds of a second when peers are slow.
            probes=Probes(live=("/-/healthy", "http"), ready=("/-/ready", "http"), startup_seconds=120),
            resources=settings.resources,
            workload=settings,
            config=config.files(args.notifications, args.inhibitions, Links(args.grafana, external)),
            secrets=secrets,
            live_secrets=frozenset(secrets),  # read for each notification
            env=[{"name": "POD_IP", "value_from": {"field_ref": {"field_path": "status.podIP"}}}] if gossip else [],
            data=DATA,
            grace_seconds=60,  # to hand over its state and finish notifications
        )
