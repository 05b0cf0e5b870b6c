"""The log collector that the stack file selects."""

from __future__ import annotations

from pulumi import ResourceOptions

from components.kubernetes import Site
from components.otel_agent.component import OtelAgent, OtelAgentArgs
from components.promtail.component import Promtail, PromtailArgs
from components.settings.logs import LogSettings
from components.settings.loki import LokiSettings
from model.logs import LogField


def deploy(
    settings: LogSettings, fields: tuple[LogField, ...], loki: LokiSettings, site: Site, opts: ResourceOptions
) -> None:
    """Deploy the log collector. ``fields`` become metadata of lines; ``site`` has the node agents' namespace."""
    match settings.collector:
        case "promtail":
            Promtail("promtail", PromtailArgs(site=site, settings=settings, fields=fields, loki=loki), opts)
        case "otel":
            OtelAgent("otel-agent", OtelAgentArgs(site=site, settings=settings, fields=fields), opts)
