"""Prometheus, Alertmanager and its notifications, with the alerts on Kubernetes and nodes, beside this program's own
objects: no Grafana, no logs, no traces.
"""

from dataclasses import replace
from pathlib import Path

from agent_observability.components import exporters, provider
from agent_observability.components.alertmanager.component import Alertmanager, AlertmanagerArgs
from agent_observability.components.flow_table import flows
from agent_observability.components.kubernetes import Site
from agent_observability.components.load import load
from agent_observability.components.namespaces import Namespaces, NamespacesArgs
from agent_observability.components.prometheus.component import Prometheus, PrometheusArgs
from agent_observability.components.prometheus.config import scrape_jobs
from agent_observability.rules.systems import watch
from pulumi import Config, ResourceOptions, export
from pulumi_kubernetes.core.v1 import ConfigMap

settings, secrets = load(Config("agent-observability"), Path(__file__).parent)
# Without `monitoring`, whose alerts miss the servers that are not here.
watched = watch(
    dict(settings.systems), replace(settings.surroundings, on=frozenset({"kubernetes", "nodes"})), settings.alerts, ()
)
cluster = ResourceOptions(provider=provider.kubernetes(settings.cluster))

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
        jobs=scrape_jobs(settings.prometheus, settings.cluster, watched, ()),
        groups=watched.groups,
        grafana=settings.grafana.address,
    ),
    cluster,
)

ConfigMap(
    "addresses",
    metadata={"name": "addresses", "namespace": namespaces.stack},
    data={"prometheus": prometheus.url, "alertmanager": alertmanager.url},
    opts=cluster,
)
export("prometheus", prometheus.url)
