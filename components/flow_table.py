"""The table of flows of one stack."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from components.identity import credentials
from components.prometheus.targets import extra_jobs
from components.settings.collector import CollectorSettings
from components.settings.grafana import GrafanaSettings
from components.settings.grafana_alerts import people, way
from components.settings.jaeger import JaegerSettings
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from components.settings.receivers import Email, Opsgenie, PagerDuty, Receiver, Slack
from components.settings.stack import Settings
from model import ports
from model.cluster import ClusterSettings
from model.flows import ApiServer, Flow, IngressController, Internet, Namespace, Peer, Server
from model.servers import ALERTMANAGER, COLLECTOR, GRAFANA, JAEGER, LOKI, OTEL_AGENT, PROMETHEUS, PROMTAIL
from rules.system import Watched

DATASOURCES = (
    (PROMETHEUS, ports.PROMETHEUS),
    (ALERTMANAGER, ports.ALERTMANAGER),
    (LOKI, ports.LOKI),
    (JAEGER, ports.JAEGER_QUERY),
)
"""The servers that Grafana queries."""


def flows(settings: Settings, watched: Watched) -> tuple[Flow, ...]:
    """All connections that the servers of this stack open."""
    prometheus, cluster, namespace = settings.prometheus, settings.cluster, settings.cluster.namespaces.stack
    known = {server.name for server in (PROMETHEUS, ALERTMANAGER, LOKI, COLLECTOR, JAEGER)}
    known |= {exporter.workload for exporter in watched.exporters}
    if not settings.grafana.external:
        known.add(GRAFANA.name)
    names = "|".join(sorted(known))
    ours = re.compile(
        rf"(?:(?P<service>{names})|(?:.+\.)?(?P<pod>{names})-headless)(?:\.{namespace}(?:\.svc(?:\..+)?)?)?"
    )
    table = (
        Flow(PROMETHEUS, ApiServer(), cluster.api_server_ports, "discovers targets"),
        *(
            Flow(PROMETHEUS, target, port, f"scrape job {job.name}")
            for job in (*watched.scrape_jobs, *extra_jobs(prometheus, cluster))
            for target, port in job.egress
        ),
        *(
            Flow(PROMETHEUS, Internet(remote.url.host), (remote.url.port,), f"remote write {remote.name}")
            for remote in prometheus.remote_write
        ),
        Flow(PROMETHEUS, ALERTMANAGER, (ports.ALERTMANAGER,), "sends alerts"),
        Flow(ALERTMANAGER, ALERTMANAGER, (ports.ALERTMANAGER_GOSSIP,), "gossips", ("TCP", "UDP")),
        *(
            Flow(ALERTMANAGER, Internet(host), (port,), f"receiver {receiver.name}")
            for receiver in settings.notifications.receivers
            for host, port in (_reached(receiver),)
        ),
        *_telemetry(settings.collector, cluster),
        *_traces(settings.jaeger),
        *(
            Flow(Server(exporter.workload), target, port, f"exporter {exporter.workload}")
            for exporter in watched.exporters
            for target, port in exporter.egress
        ),
        *_nodes(settings.logs, cluster),
        *_logs(settings.loki, cluster),
        *_grafana(settings.grafana),
        *_contact_points(settings),
    )
    return tuple(replace(flow, target=_resolved(flow.target, ours)) for flow in table)


def _reached(receiver: Receiver) -> tuple[str, int]:
    """Host and port; the receiver's name replaces a host that is part of a secret."""
    match receiver.kind:
        case Email(host=host):
            return host.host, host.port
        case PagerDuty(api_url=url) | Opsgenie(api_url=url) | Slack(api_url=url, url_secret=None):
            return url.host, url.port
        case kind:
            return receiver.name, kind.port


def _resolved(peer: Peer, ours: re.Pattern[str]) -> Peer:
    """The server of this stack at an address in the stack file, whose ingress is opened too."""
    named = ours.fullmatch(peer.host) if isinstance(peer, Internet) else None
    return Server(named["service"] or named["pod"]) if named else peer


def _grafana(grafana: GrafanaSettings) -> tuple[Flow, ...]:
    """None with an external Grafana, whose connections are not part of the table."""
    if grafana.external:
        return ()
    gossip = (ports.GRAFANA_GOSSIP,)
    postgres, oidc, smtp = grafana.database.postgres, grafana.oidc, grafana.smtp
    return (
        *(Flow(GRAFANA, server, (port,), f"queries {server.name}") for server, port in DATASOURCES),
        *(Flow(source, GRAFANA, (ports.GRAFANA,), "users, and Pulumi") for source in _people(grafana)),
        *((Flow(GRAFANA, GRAFANA, gossip, "gossips", ("TCP", "UDP")),) if grafana.replicas > 1 else ()),
        *((Flow(GRAFANA, Internet(postgres.host), (postgres.port,), "its database"),) if postgres else ()),
        *(
            Flow(GRAFANA, Internet(url.host), (url.port,), "login of users")
            for url in ((oidc.token_url, oidc.api_url) if oidc else ())
        ),
        *((Flow(GRAFANA, Internet(smtp.host.host), (smtp.host.port,), "sends mail"),) if smtp else ()),
    )


def _contact_points(settings: Settings) -> Iterator[Flow]:
    """Email goes through Grafana's own mail server. Forwarded alerts use the flow for queries of Alertmanager."""
    if settings.grafana.external or way(settings.grafana, settings.notifications) != "contactPoints":
        return
    for receiver in people(settings.notifications):
        if not receiver.email:
            host, port = _reached(receiver)
            yield Flow(GRAFANA, Internet(host), (port,), f"contact point {receiver.name}")


def _people(grafana: GrafanaSettings) -> tuple[Internet | IngressController, ...]:
    node_port = (Internet("clients of the node port"),) if grafana.service else ()
    if grafana.ingress is None:
        return node_port
    controller = grafana.ingress.controller
    labels = tuple(sorted(controller.labels.items()))
    return (*node_port, IngressController(controller.namespace, labels, controller.addresses))


def _telemetry(collector: CollectorSettings, cluster: ClusterSettings) -> tuple[Flow, ...]:
    """Flows to the collector, and from it to each store. Nothing else sends spans, metrics or OTLP logs there."""
    return (
        *(
            Flow(Namespace(namespace), COLLECTOR, (ports.OTLP_GRPC, ports.OTLP_HTTP), "sends telemetry")
            for namespace in collector.ingest
        ),
        Flow(COLLECTOR, ApiServer(), cluster.api_server_ports, "looks up the pod of an address"),
        Flow(COLLECTOR, PROMETHEUS, (ports.PROMETHEUS,), "pushes metrics"),
        Flow(COLLECTOR, JAEGER, (ports.OTLP_GRPC,), "sends spans"),
        Flow(COLLECTOR, LOKI, (ports.LOKI,), "sends logs"),
    )


def _traces(jaeger: JaegerSettings) -> tuple[Flow, ...]:
    cluster = jaeger.storage.cluster
    return (
        Flow(JAEGER, PROMETHEUS, (ports.PROMETHEUS,), "queries the metrics of spans"),
        *(Flow(JAEGER, Internet(url.host), (url.port,), "stores spans") for url in (cluster.urls if cluster else ())),
    )


def _nodes(logs: LogSettings, cluster: ClusterSettings) -> tuple[Flow, ...]:
    """The log collector's flows."""
    reader, target, port = {
        "promtail": (PROMTAIL, LOKI, ports.LOKI),
        "otel": (OTEL_AGENT, COLLECTOR, ports.OTLP_NODES),
    }[logs.collector]
    return (
        Flow(reader, ApiServer(), cluster.api_server_ports, "discovers the pods of its node"),
        Flow(reader, target, (port,), "sends lines"),
    )


def _logs(loki: LokiSettings, cluster: ClusterSettings) -> tuple[Flow, ...]:
    s3, flows = loki.storage.s3, []
    if loki.replicas > 1:
        flows.append(Flow(LOKI, LOKI, (ports.LOKI_GRPC, ports.LOKI_GOSSIP), "shares lines and queries, and gossips"))
    if s3 is not None:
        host, port = (s3.endpoint.host, s3.endpoint.port) if s3.endpoint else (f"s3.{s3.region}.amazonaws.com", 443)
        flows.append(Flow(LOKI, Internet(host), (port,), "stores lines"))
        if s3.access_key_secret is None:
            flows.append(Flow(LOKI, Internet(f"sts.{s3.region}.amazonaws.com"), (443,), "gets its credentials"))
            flows.extend(credentials(LOKI, cluster.flavour))
    if loki.ruler is not None:
        flows.append(Flow(LOKI, PROMETHEUS, (ports.PROMETHEUS,), "writes the results of its rules"))
        if loki.ruler.alerts:
            flows.append(Flow(LOKI, ALERTMANAGER, (ports.ALERTMANAGER,), "sends alerts"))
    return tuple(flows)
