"""Prometheus' configuration: ``prometheus.yml``, scrape jobs and rule files. Pure: values in, texts out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from components.prometheus.client import requests
from components.prometheus.rule_file import rule_file
from components.prometheus.targets import extra_jobs
from components.settings.prometheus import PrometheusSettings, RemoteWrite
from model import ports, servers
from model.cluster import ClusterSettings
from model.metrics import PROMOTED_RESOURCE_ATTRIBUTES
from model.quantities import Duration, Url
from model.rules import Group
from model.scrape import FileTargets, Relabel, ScrapeJob, label
from model.yaml_text import text
from rules.keep import also, known
from rules.render import place_of
from rules.system import Watched

REPLICA_LABEL = "prometheus_replica"
"""Distinguishes replicas in remote-written series. Alerts drop it, so that two replicas page once."""

# A sender may retry a batch for half an hour while the collector's queue drains.
OUT_OF_ORDER_WINDOW = Duration.parse("30m")
# 100 bytes each, so 10 MB: at 10 a second, three hours of exemplars.
EXEMPLARS = 100_000
LONGEST_SCRAPE = Duration.parse("10s")


def alertmanager_dns(cluster: ClusterSettings) -> str:
    """The DNS name that resolves to every Alertmanager."""
    return servers.ALERTMANAGER.everyone(cluster.namespaces.stack)


def files(
    settings: PrometheusSettings,
    cluster: ClusterSettings,
    jobs: Iterable[ScrapeJob],
    groups: Iterable[Group],
    grafana: Url,
    promoted: tuple[str, ...] = (),
) -> dict[str, dict[str, str]]:
    """The files below ``/etc/prometheus``: directory to file name to text. Paths in them are relative.

    ``grafana`` is its URL for people, for the links of alerts. ``promoted`` are resource attributes that become labels.
    """
    place = place_of(cluster, grafana, settings.evaluation_interval)
    return {
        "config": {"prometheus.yml": text(prometheus_yml(settings, cluster, promoted))},
        "scrape": dict(pair for job in jobs for pair in _scrape_files(job, cluster)),
        "rules": {f"{group.name}.yml": rule_file(group, place) for group in groups},
    }


def prometheus_yml(
    settings: PrometheusSettings, cluster: ClusterSettings, promoted: tuple[str, ...] = ()
) -> dict[str, Any]:
    limits = settings.limits
    return {
        "global": {
            "scrape_interval": str(settings.scrape_interval),
            "scrape_timeout": str(min(settings.scrape_interval, LONGEST_SCRAPE)),
            "evaluation_interval": str(settings.evaluation_interval),
            "external_labels": {
                **dict(sorted(settings.external_labels.items())),
                "cluster": cluster.name,
                "environment": cluster.environment,
                REPLICA_LABEL: "${POD_NAME}",
            },
            # Rules and dashboards use these names, for all targets.
            "metric_name_validation_scheme": "legacy",
            "metric_name_escaping_scheme": "underscores",
            "body_size_limit": settings.limits.body_size.prometheus,
            "sample_limit": limits.samples,
            "label_limit": limits.labels,
            "label_name_length_limit": limits.label_name_length,
            "label_value_length_limit": limits.label_value_length,
            "target_limit": limits.targets,
        },
        "rule_files": ["../rules/*.yml"],
        "scrape_config_files": ["../scrape/*.yml"],
        "alerting": {
            "alert_relabel_configs": [Relabel(regex=REPLICA_LABEL, action="labeldrop").plain()],
            "alertmanagers": [
                {
                    # A Service has addresses of one family, which the cluster chooses; the other record is empty.
                    "dns_sd_configs": [
                        {"names": [alertmanager_dns(cluster)], "type": record, "port": ports.ALERTMANAGER}
                        for record in ("A", "AAAA")
                    ]
                }
            ],
        },
        "otlp": {
            "translation_strategy": "UnderscoreEscapingWithSuffixes",
            "promote_resource_attributes": list(dict.fromkeys((*PROMOTED_RESOURCE_ATTRIBUTES, *promoted))),
            # Otherwise equal series of two libraries in one process become one series, which jumps between both values:
            # a counter that is reset at every other sample, and counts hundreds of times too much.
            "promote_scope_metadata": True,
        },
        "storage": {"tsdb": _tsdb(settings), "exemplars": {"max_exemplars": EXEMPLARS}},
        **(
            {"remote_write": [_remote_write(remote) for remote in settings.remote_write]}
            if settings.remote_write
            else {}
        ),
    }


def _tsdb(settings: PrometheusSettings) -> dict[str, Any]:
    return {
        "out_of_order_time_window": str(OUT_OF_ORDER_WINDOW),
        "retention": {"time": str(settings.retention.time), "size": settings.retention_size.prometheus},
    }


def _scrape_files(job: ScrapeJob, cluster: ClusterSettings) -> Iterator[tuple[str, str]]:
    yield f"{job.name}.yml", text({"scrape_configs": [scrape_config(job, cluster)]})
    if isinstance(job.discovery, FileTargets):
        yield job.discovery.file, job.discovery.text


def scrape_config(job: ScrapeJob, cluster: ClusterSettings) -> dict[str, Any]:
    """The job with the labels of every series: local queries do not see external labels."""
    config = job.plain()
    config["relabel_configs"] += [
        label("cluster", cluster.name).plain(),
        label("environment", cluster.environment).plain(),
        *(
            Relabel(
                source=("__meta_kubernetes_namespace",), regex=namespace, target="environment", replacement=environment
            ).plain()
            for namespace, environment in job.environments.items()
        ),
    ]
    return config


def scrape_jobs(
    settings: PrometheusSettings, cluster: ClusterSettings, watched: Watched, asked: Iterable[str]
) -> tuple[ScrapeJob, ...]:
    """Every job, with the metrics that it keeps; ``asked`` is all PromQL of the stack."""
    jobs = watched.scrape_jobs
    if settings.keep == "known":
        of_people = (*watched.of_people, *(name for slo in watched.slos for name in slo.metrics))
        jobs = known(jobs, watched.metrics, asked, of_people=of_people)
    return (*also(jobs, settings.also), *extra_jobs(settings, cluster))


def _remote_write(remote: RemoteWrite) -> dict[str, Any]:
    config: dict[str, Any] = {
        "name": remote.name,
        "url": str(remote.url),
        "send_exemplars": remote.send_exemplars,
        "send_native_histograms": True,  # otherwise pushed native histograms would stay local
        "queue_config": {
            "capacity": remote.queue.capacity,
            "max_shards": remote.queue.max_shards,
            "max_samples_per_send": remote.queue.max_samples_per_send,
            "batch_send_deadline": str(remote.queue.batch_send_deadline),
        },
    }
    return {**config, **requests(remote, remote.name)}
