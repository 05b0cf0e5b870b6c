"""The explicit providers, so that a stack uses neither kubectl's current context nor environment variables."""

from __future__ import annotations

from collections.abc import Mapping

import pulumiverse_grafana
from pulumi import Output, ResourceOptions
from pulumi_kubernetes import Provider

from components.grafana.component import Grafana
from components.grafana.config import ADMIN
from components.settings.grafana import GrafanaSettings
from model.cluster import ClusterSettings
from model.settings import ConfigSecret


def kubernetes(cluster: ClusterSettings, opts: ResourceOptions | None = None) -> Provider:
    return Provider(
        "kubernetes",
        context=cluster.context,
        # Otherwise an edit of a file replaces its ConfigMap, and pods have none in between.
        enable_config_map_mutable=True,
        enable_secret_mutable=True,
        opts=opts,
    )


# An ingress controller takes a moment to see a new backend. A certificate may take up to two minutes.
RETRIES, RETRY_SECONDS = 24, 5


def grafana(
    settings: GrafanaSettings,
    secrets: Mapping[str, Output[str]],
    deployed: Grafana | None,
    opts: ResourceOptions | None = None,
) -> pulumiverse_grafana.Provider | None:
    """The provider of Grafana's content; None if Pulumi has no credentials.

    A provider does not wait (pulumi/pulumi#8917): its resources depend on ``deployed`` themselves.
    """
    credentials = _credentials(settings, secrets, deployed)
    if credentials is None:
        return None
    return pulumiverse_grafana.Provider(
        "grafana",
        url=str(settings.address),
        auth=credentials,
        retries=RETRIES,
        retry_wait=RETRY_SECONDS,
        retry_status_codes=["429", "5xx"],
        opts=opts,
    )


def _credentials(
    settings: GrafanaSettings, secrets: Mapping[str, Output[str]], deployed: Grafana | None
) -> Output[str] | None:
    token = settings.external.token_secret if settings.external else settings.token_secret
    if isinstance(token, ConfigSecret):
        return secrets[token.key]
    if deployed is None or deployed.admin_password is None:
        return None
    return Output.concat(f"{ADMIN}:", deployed.admin_password)
