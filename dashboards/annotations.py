"""Annotations of dashboards: alerts and deployments."""

from __future__ import annotations

from dashboards.model import Annotation
from model.rules import Severity
from rules.kubernetes.scrape import KUBE_STATE_METRICS


def alerts_of(*systems: str) -> Annotation:
    """The firing alerts of these systems, from start to end."""
    named = "|".join(systems)
    return alerts_with(f'cluster=~"$cluster", system=~"{named}"')


def alerts_with(matchers: str) -> Annotation:
    """The firing alerts that match; one annotation per alert name, for any number of subjects."""
    return Annotation(
        name="Alerts",
        expr=f'max by (alertname, severity) (ALERTS{{alertstate="firing", {matchers}, severity=~"critical|warning"}})',
        text="{{alertname}} ({{severity}})",
        severity=Severity.CRITICAL,
    )


def of_namespaces() -> tuple[Annotation, ...]:
    """Alerts and deployments in the selected namespaces."""
    chosen = 'cluster=~"$cluster", namespace=~"$namespace"'
    return alerts_with(chosen), rollouts(chosen)


def rollouts(matchers: str) -> Annotation:
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
