"""The parts of a stack file that a system can read besides its own settings."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

from components.settings.grafana import GrafanaSettings
from components.settings.logs import LogSettings
from components.settings.notifications import NotificationSettings
from components.settings.owners import OwnerSettings
from components.settings.prometheus import PrometheusSettings
from model.cluster import ClusterSettings
from model.settings import Model
from rules.system import Content, Surroundings


def surroundings(
    cluster: ClusterSettings,
    prometheus: PrometheusSettings,
    grafana: GrafanaSettings,
    logs: LogSettings,
    systems: Model,
    owners: OwnerSettings,
    notifications: NotificationSettings,
    brought: Content,
) -> Surroundings:
    jobs = prometheus.scrape_jobs
    return Surroundings(
        cluster=cluster,
        scrape_interval=prometheus.scrape_interval,
        evaluation_interval=prometheus.evaluation_interval,
        retention=prometheus.retention.time,
        log_collector=logs.collector,
        grafana=grafana.address,
        runs_grafana=grafana.external is None,
        on=frozenset(key for key, settings in systems if settings is not None),
        owners=replace(
            owners.owners(),
            targets=tuple(dict.fromkeys(chain.from_iterable(job.owners(owners.teams) for job in jobs))),
        ),
        alert_labels=notifications.labels,
        content=brought,
    )
