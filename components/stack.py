"""The whole stack: settings and secrets in, components out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pulumi import Input, Output, ResourceOptions
from pulumi_kubernetes import Provider

from components import exporters, log_collector, provider
from components.alertmanager.component import Alertmanager, AlertmanagerArgs
from components.duty import duties
from components.flow_table import flows
from components.grafana import component as grafana
from components.grafana.content import GrafanaContentArgs, fill
from components.grafana.datasources import connections
from components.grafana.notifications import notifications
from components.grafana.rule_groups import rule_groups
from components.jaeger.component import Jaeger, JaegerArgs
from components.kubernetes import Site
from components.loki.alerts import rule_file
from components.loki.component import Loki, LokiArgs
from components.loki.config import Replicas
from components.namespaces import Namespaces, NamespacesArgs
from components.otel_collector.component import OtelCollector, OtelCollectorArgs
from components.prometheus.component import Prometheus, PrometheusArgs
from components.prometheus.config import scrape_jobs
from components.settings.stack import Settings
from dashboards.listed import dashboards, rendered
from dashboards.queries import expressions


@dataclass(frozen=True, kw_only=True)
class Deployed:
    """What other parts of a program need of a stack."""

    site: Site
    """Where its servers are, for components beside them."""
    node_agents: Output[str]
    """The namespace of the node agents."""
    kubernetes: Provider
    """The provider of its objects."""
    urls: Mapping[str, Input[str]]
    """Address by server; ``otlp`` takes telemetry."""


def deploy(settings: Settings, secrets: Mapping[str, Output[str]], opts: ResourceOptions | None = None) -> Deployed:
    """Deploy all components. ``secrets`` has a value for each name in ``references(settings)``, as ``load`` returns
    them; ``opts`` holds for every component, such as a parent.
    """
    watched = settings.watched
    asked = expressions(watched, dashboards(settings.systems_on, watched, settings.cluster))
    kubernetes = provider.kubernetes(settings.cluster, opts)
    cluster = ResourceOptions.merge(opts, ResourceOptions(provider=kubernetes))

    namespaces = Namespaces("namespaces", NamespacesArgs(cluster=settings.cluster), cluster)
    site = Site(
        cluster=settings.cluster,
        namespace=namespaces.stack,
        flows=flows(settings, watched),
        secrets=secrets,
        checksum_key=namespaces.checksum_key,
    )

    exporters.deploy(watched.exporters, site, namespaces.node_agents, cluster)
    alertmanager = Alertmanager(
        "alertmanager",
        AlertmanagerArgs(
            site=site,
            settings=settings.alertmanager,
            notifications=settings.notifications,
            inhibitions=watched.inhibitions,
            grafana=settings.grafana.address,
        ),
        cluster,
    )
    prometheus = Prometheus(
        "prometheus",
        PrometheusArgs(
            site=site,
            settings=settings.prometheus,
            jobs=scrape_jobs(settings.prometheus, settings.cluster, watched, asked),
            groups=watched.groups,
            grafana=settings.grafana.address,
            promoted=watched.promoted,
            accepts_remote_write=settings.loki.ruler is not None,
        ),
        cluster,
    )
    loki = Loki(
        "loki",
        LokiArgs(
            site=site,
            settings=settings.loki,
            replicas=Replicas(prometheus=settings.prometheus.replicas, alertmanager=settings.alertmanager.replicas),
            alerts=rule_file(settings.evaluated_by_loki, settings.cluster, settings.grafana.address),
        ),
        cluster,
    )
    nodes = replace(site, namespace=namespaces.node_agents)
    log_collector.deploy(settings.logs, settings.log_fields, settings.loki, nodes, cluster)
    jaeger = Jaeger("jaeger", JaegerArgs(site=site, settings=settings.jaeger, attributed=watched.attributed), cluster)
    collector = OtelCollector(
        "otel-collector",
        OtelCollectorArgs(
            site=site,
            settings=settings.collector,
            prometheus=settings.prometheus,
            jaeger=settings.jaeger,
            loki=settings.loki,
            logs=settings.logs,
            fields=settings.log_fields,
            spans=watched.spans,
        ),
        cluster,
    )
    server = grafana.deploy(settings.grafana, site, cluster)
    fill(
        GrafanaContentArgs(
            url=str(settings.grafana.address),
            connections=connections(settings.prometheus, settings.loki, settings.cluster),
            dashboards=rendered(
                settings.systems_on,
                watched,
                settings.cluster,
                tuple(duties(watched, settings.cluster, settings.notifications)),
            ),
            notifications=notifications(
                settings.notifications, settings.grafana, settings.alertmanager, settings.cluster
            ),
            secrets=secrets,
            rule_groups=rule_groups(watched, settings.cluster, settings.grafana.address, settings.evaluated_by_loki),
            after=server,
        ),
        provider.grafana(settings.grafana, secrets, server, opts),
        opts,
    )
    return Deployed(
        site=site,
        node_agents=namespaces.node_agents,
        kubernetes=kubernetes,
        urls={
            "alertmanager": alertmanager.url,
            "grafana": str(settings.grafana.address),
            "jaeger": jaeger.url,
            "loki": loki.url,
            "otlp": collector.url,
            "prometheus": prometheus.url,
        },
    )
