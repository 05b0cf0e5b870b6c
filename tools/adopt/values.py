"""A values file of the chart kube-prometheus-stack as sections of a stack file."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from components.settings.alertmanager import AlertmanagerSettings
from components.settings.grafana import GrafanaSettings
from components.settings.prometheus import PrometheusSettings
from tools.adopt import client
from tools.adopt.native import camel
from tools.adopt.notes import Fields, Notes, filled
from tools.adopt.objects import Given
from tools.adopt.scraped import binary
from tools.adopt.trial import refused

CHART = "kube-prometheus-stack"
_OF_CHART = "it is about the chart's own parts"
_RENDERED = "the chart makes objects of it: give them as kubectl prints them"
_OPERATOR = "the stack has no Prometheus operator: what adopt wrote is all that is scraped and evaluated"
_REASONS: Mapping[str, str] = {
    "prometheusOperator": _OPERATOR,
    "crds": _OPERATOR,
    "kubeStateMetrics": _OF_CHART,
    "kube-state-metrics": "systems.kubernetes has it",
    "nodeExporter": _OF_CHART,
    "prometheus-node-exporter": "systems.nodes has it",
    "defaultRules": "rules are read from PrometheusRules: those that are off there are not printed",
    **dict.fromkeys(
        (f"kube{name}" for name in ("ApiServer", "ControllerManager", "Dns", "Etcd", "Proxy", "Scheduler", "let")),
        "targets are read from ServiceMonitors, and systems.kubernetes has its own",
    ),
    "kubelet": "systems.kubernetes has it",
    "coreDns": _RENDERED,
    "namespaceOverride": "cluster.namespaces names the namespaces",
    "thanosRuler": "the stack's Prometheus evaluates the rules itself",
    "fullnameOverride": _OF_CHART,
    "nameOverride": _OF_CHART,
    "commonLabels": "set labels of pods by server: prometheus.labels and its siblings",
}
_OF_SERVER = {
    "image": "components/images.py pins the images",
    "ingress": "Prometheus and Alertmanager are reached by Grafana, or by kubectl port-forward",
    "thanosService": "remoteWrite sends samples to a long-term store",
    "externalUrl": "links lead to Grafana",
    "alertmanagerConfigMatcherStrategy": "an AlertmanagerConfig takes alerts of its own namespace: edit its routes",
    "tolerations": "see cluster in docs/settings.md",
    "ruleSelector": _OPERATOR,
    "ruleNamespaceSelector": _OPERATOR,
    "additionalScrapeConfigsSecret": "write the jobs into additionalScrapeConfigs, and run this again",
    **dict.fromkeys(
        (
            f"{kind}{what}"
            for kind in ("serviceMonitor", "podMonitor", "probe", "scrapeConfig", "rule")
            for what in ("Selector", "NamespaceSelector", "SelectorNilUsesHelmValues")
        ),
        _OPERATOR,
    ),
    "accessModes": "a volume is used by one pod",
    "podAntiAffinity": "the stack spreads replicas over nodes itself",
}


@dataclass(frozen=True)
class FromValues:
    """What a values file has."""

    sections: dict[str, dict[str, Any]]
    """Settings of the servers, as sections of a stack file."""
    objects: tuple[Given, ...]
    """Rules and monitors that the chart would make objects of."""
    scrape_configs: tuple[Fields, ...]
    alertmanager: Fields | None
    """Alertmanager's own configuration."""


def read(file: str, given: object, notes: Notes) -> FromValues:
    whole = Fields(given, file, notes)
    root = whole.part(CHART) if CHART in whole.given else whole
    if root is not whole:  # of a chart that depends on this one
        whole.rest(dict.fromkeys(whole.given, f"only what is below {CHART} is read"))
    prometheus, alertmanager = root.part("prometheus"), root.part("alertmanager")
    spec = prometheus.part("prometheusSpec")
    grafana = root.part("grafana")
    sections = {
        "prometheus": _kept(_of_prometheus(spec), spec, PrometheusSettings),
        "alertmanager": _kept(
            _of_alertmanager(alertmanager.part("alertmanagerSpec")), alertmanager, AlertmanagerSettings
        ),
        "grafana": _kept(_of_grafana(grafana), grafana, GrafanaSettings),
    }
    jobs = tuple(Fields(camel(each.given), each.where, notes) for each in spec.parts("additionalScrapeConfigs"))
    config = alertmanager.take("config")
    found = FromValues(
        sections={name: section for name, section in sections.items() if section},
        objects=tuple(_objects(file, root, prometheus)),
        scrape_configs=jobs,
        alertmanager=Fields(camel(config), alertmanager.at("config"), notes) if config else None,
    )
    spec.rest(_OF_SERVER)
    for part in (prometheus, alertmanager, grafana):
        part.rest(_OF_SERVER, {"enabled": True})
    root.rest(_REASONS)
    return found


def _objects(file: str, root: Fields, prometheus: Fields) -> Iterator[Given]:
    for name, spec in root.part("additionalPrometheusRulesMap").given.items():
        yield Given(file, "PrometheusRule", "", str(name), {"spec": spec})
    fields = {
        "additionalPrometheusRules": (root, "PrometheusRule"),
        "additionalServiceMonitors": (prometheus, "ServiceMonitor"),
        "additionalPodMonitors": (prometheus, "PodMonitor"),
    }
    for field, (above, kind) in fields.items():
        for each in above.parts(field):
            spec = {name: value for name, value in each.given.items() if name not in ("name", "additionalLabels")}
            yield Given(file, kind, "", each.text("name"), {"spec": spec})


def _of_prometheus(spec: Fields) -> dict[str, Any]:
    endpoints = [_remote_write(part, position) for position, part in enumerate(spec.parts("remoteWrite"))]
    return filled(
        **_of_workload(spec, "storageSpec"),
        retention=filled(time=spec.text("retention"), size=binary(spec.text("retentionSize"))),
        scrapeInterval=spec.text("scrapeInterval"),
        evaluationInterval=spec.text("evaluationInterval"),
        externalLabels=spec.texts("externalLabels"),
        remoteWrite=endpoints,
    )


def _remote_write(part: Fields, position: int) -> dict[str, Any]:
    url = part.text("url")
    name = part.text("name") or f"remote-{position + 1}"
    made = {
        "name": name,
        "url": url,
        **filled(
            **client.login(part, "", name), tls=client.tls(part.part("tlsConfig"), "", secure=url.startswith("https:"))
        ),
        **({"sendExemplars": False} if part.take("sendExemplars") is False else {}),
    }
    part.rest(client.REASONS, client.DEFAULTS)
    return made


def _of_alertmanager(spec: Fields) -> dict[str, Any]:
    made = filled(
        **_of_workload(spec, "storage"), retention=spec.text("retention"), externalUrl=spec.text("externalUrl")
    )
    spec.rest(_OF_SERVER)
    return made


def _of_workload(spec: Fields, storage: str) -> dict[str, Any]:
    """What both servers have."""
    volume = spec.part(storage)
    template = volume.part("volumeClaimTemplate")
    claim = template.part("spec")
    resources = claim.part("resources")
    requests = resources.part("requests")
    size = requests.text("storage")
    if name := claim.text("storageClassName"):
        spec.notes.check(claim.at("storageClassName"), f"set cluster.storageClass: {name}, which is for all volumes")
    for part in (requests, resources, claim, template, volume):
        part.rest(_OF_SERVER)
    return filled(
        replicas=spec.take("replicas"),
        resources=spec.take("resources"),
        storage=size,
        logLevel=spec.text("logLevel"),
        priorityClass=spec.text("priorityClassName"),
    )


def _of_grafana(grafana: Fields) -> dict[str, Any]:
    persistence = grafana.part("persistence")
    size = persistence.text("size") if persistence.take("enabled") else ""
    persistence.rest(_OF_SERVER)
    return filled(
        adminPasswordSecret=client.secret(grafana, "adminPassword", ""),
        replicas=grafana.take("replicas"),
        resources=grafana.take("resources"),
        database={"sqlite": {"storage": size}} if size else {},
    )


def _kept(section: dict[str, Any], where: Fields, model: type[BaseModel]) -> dict[str, Any]:
    """The settings that the stack accepts, each alone and all together."""
    kept: dict[str, Any] = {}
    for name, value in section.items():
        if wrong := refused(model, {**kept, name: value}):
            where.notes.without(where.at(name), wrong)
        else:
            kept[name] = value
    return kept
