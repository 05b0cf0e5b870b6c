"""Annotations of dashboards: alerts, rollouts, events of nodes, and what deploy jobs post."""

from __future__ import annotations

from dashboards.model import Annotation
from model.promql import narrowed
from model.rules import Severity
from rules.kubernetes.scrape import KUBE_STATE_METRICS
from rules.nodes.alerts import machine
from rules.nodes.scrape import NODE_EXPORTER

DEPLOY = "deploy"
"""Tag of the annotations that deploy jobs post to Grafana (docs/annotations.md)."""
DEPLOYS = Annotation(name="Deploys", tag=DEPLOY, severity=Severity.INFO)


def alerts_of(*systems: str) -> Annotation:
    """Where alerts of these systems began to fire, and where they ended."""
    named = "|".join(systems)
    return alerts_with(f'cluster=~"$cluster", system=~"{named}"')


def alerts_with(matchers: str) -> Annotation:
    """Where alerts that match began to fire, and where they ended, by name: any number of subjects is one annotation.

    What lies between is not marked: the regions of several alerts would cover the lines that one came for.
    """
    fired = f'ALERTS{{alertstate="firing", {matchers}, severity!="info"}}'
    return Annotation(
        name="Alerts",
        # In the first minutes there are few samples behind, and in the last ones again.
        expr=f"max by (alertname, severity) (count_over_time({fired}[5m:1m])) < 3",
        text="{{alertname}} ({{severity}})",
        severity=Severity.CRITICAL,
    )


def of_namespaces() -> tuple[Annotation, ...]:
    """Alerts and deployments in the selected namespaces."""
    chosen = 'cluster=~"$cluster", namespace=~"$namespace"'
    return alerts_with(chosen), *changes(chosen)


def changes(matchers: str) -> tuple[Annotation, ...]:
    """Rollouts of Deployments, and what deploy jobs post, of everything."""
    return _rollouts(matchers), DEPLOYS


def _rollouts(matchers: str) -> Annotation:
    """Deployments whose specification changed. A new number of replicas alone does not count: autoscalers set it."""
    return Annotation(
        name="Rollouts",
        expr=(
            f"max by (namespace, deployment) (changes(kube_deployment_status_observed_generation{{{matchers}}}[5m]) > 0"
            f" unless on (cluster, namespace, deployment) changes(kube_deployment_spec_replicas{{{matchers}}}[5m]) > 0)"
        ),
        text="{{namespace}}/{{deployment}}",
        severity=Severity.INFO,
        needs=KUBE_STATE_METRICS,
    )


def of_nodes(matchers: str) -> tuple[Annotation, ...]:
    """Nodes that are not ready or under pressure, while it lasts, and reboots."""
    condition = f"kube_node_status_condition{{{matchers}"
    return (
        Annotation(
            name="Node conditions",
            expr=(
                f'max by (node, condition, status) ({condition}, condition="Ready", status=~"false|unknown"}} == 1'
                f' or {condition}, condition=~".+Pressure", status="true"}} == 1)'
            ),
            text="{{node}}: {{condition}} is {{status}}",
            severity=Severity.WARNING,
            needs=KUBE_STATE_METRICS,
        ),
        Annotation(
            name="Reboots",
            expr=narrowed(machine.REBOOTED.value, matchers),
            text="{{node}}",
            severity=Severity.INFO,
            needs=NODE_EXPORTER,
        ),
    )
