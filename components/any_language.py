"""The whole stack as one component, for programs in any of Pulumi's languages. ``provider/`` serves it.

Pulumi makes the schema from the annotations, so they are not postponed here.
"""

from collections.abc import Mapping
from typing import Any, NotRequired, TypedDict

from pulumi import ComponentResource, Input, Output, ResourceOptions

from components.settings.secrets import references
from components.settings.stack import read
from components.stack import deploy


class StackArgs(TypedDict):
    settings: dict[str, Any]
    """The sections of a stack file, as plain objects: docs/settings.md has every key."""
    secrets: NotRequired[dict[str, Input[str]]]
    """The secrets that they name, by key."""


class Stack(ComponentResource):
    """Prometheus, Alertmanager, Grafana, Loki, the log collector, Jaeger and what is in Grafana. One per program."""

    urls: Output[dict[str, str]]
    """Address by server; ``otlp`` takes telemetry."""
    namespaces: Output[dict[str, str]]
    """``stack`` has the servers, ``nodeAgents`` what runs on every node."""

    def __init__(self, name: str, args: StackArgs, opts: ResourceOptions | None = None) -> None:
        """Raises Refused with all problems of the settings, before any resource of the stack is registered."""
        super().__init__("observability:index:Stack", name, {}, opts)
        sections, given = plain(args["settings"]), args.get("secrets") or {}
        settings = read(sections, given.keys(), {})
        named = sorted({key for _, key in references(settings)})
        deployed = deploy(settings, {key: Output.secret(given[key]) for key in named}, ResourceOptions(parent=self))
        self.urls = Output.all(**deployed.urls)
        self.namespaces = Output.all(stack=deployed.site.namespace, nodeAgents=deployed.node_agents)
        self.register_outputs({"urls": self.urls, "namespaces": self.namespaces})


def plain(value: Any) -> Any:
    """The same in the form of a stack file: the engine's numbers are all floats."""
    if isinstance(value, Mapping):
        return {key: plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [plain(part) for part in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value
