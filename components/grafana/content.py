"""Grafana's content, created through its API: folders, datasources, dashboards, alerts and their notifications."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumiverse_grafana
from pulumi import (
    ComponentResource,
    Output,
    Resource,
    ResourceHook,
    ResourceHookBinding,
    ResourceOptions,
    warn,
)
from pulumiverse_grafana import oss
from pulumiverse_grafana.apps import v2beta1

from components.grafana import alerting
from components.grafana.datasources import Connection
from components.grafana.notifications import Notifications
from components.grafana.reached import Reached
from dashboards.listed import Rendered
from model.datasources import PROMETHEUS
from model.uids import ALERTS_FOLDER, folder_uid


@dataclass(frozen=True, kw_only=True)
class GrafanaContentArgs:
    url: str
    """URL of Grafana for Pulumi."""
    connections: tuple[Connection, ...]
    dashboards: tuple[Rendered, ...]
    notifications: Notifications | None
    secrets: Mapping[str, Output[str]]
    """Secrets of the contact points, by key."""
    rule_groups: tuple[dict[str, Any], ...]
    """From ``rule_groups``: the alerts that Grafana evaluates."""
    after: Resource | None
    """Resources to wait for: the deployed Grafana."""


class GrafanaContent(ComponentResource):
    """Everything in Grafana. Nothing else depends on it, so that the rest of the stack can be updated without it."""

    def __init__(self, name: str, args: GrafanaContentArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("observability:index:GrafanaContent", name, {}, opts)
        hook = ResourceHook(f"{name}-is-reached", Reached(args.url).before)
        child = ResourceOptions(parent=self, hooks=ResourceHookBinding(before_create=[hook], before_update=[hook]))
        # A provider does not wait (pulumi/pulumi#8917), and a component's children do not wait for its dependencies.
        begins = ResourceOptions.merge(child, ResourceOptions(depends_on=[args.after] if args.after else []))
        used = {dashboard.folder for dashboard in args.dashboards} | ({ALERTS_FOLDER} if args.rule_groups else set())
        first, *others = sorted(used)
        folders = {first: _folder(name, first, begins)}
        # Only the first resource that waits reports a Grafana that does not answer. The others wait for it alone: the
        # state would list all of Grafana's resources for each.
        child = ResourceOptions.merge(child, ResourceOptions(depends_on=[folders[first]]))
        folders |= {title: _folder(name, title, child) for title in others}
        default, *connections = args.connections
        # Grafana makes the first datasource of an organisation its default, even if the request says otherwise.
        after = _datasource(f"{name}-datasource-{default.datasource.uid}", default, child)
        for connection in connections:
            opts = ResourceOptions.merge(child, ResourceOptions(depends_on=[after]))
            _datasource(f"{name}-datasource-{connection.datasource.uid}", connection, opts)
        for dashboard in args.dashboards:
            _dashboard(f"{name}-dashboard-{dashboard.uid}", dashboard, folders[dashboard.folder], child)
        if args.notifications:
            alerting.notify(name, args.notifications, args.secrets, child)
        if args.rule_groups:
            alerting.evaluate(name, args.rule_groups, folders[ALERTS_FOLDER].uid, child)
        self.register_outputs({})


def fill(
    args: GrafanaContentArgs, provider: pulumiverse_grafana.Provider | None, opts: ResourceOptions | None = None
) -> GrafanaContent | None:
    """The content; None, with a warning, if Pulumi has no credentials."""
    if provider is None:
        warn(
            "grafana.tokenSecret: not set, and admin's password is in a Secret that Pulumi cannot read: Grafana stays"
            " empty. Create a service account with the role Admin in Grafana, and set its token."
        )
        return None
    return GrafanaContent("grafana-content", args, ResourceOptions.merge(opts, ResourceOptions(provider=provider)))


def _folder(name: str, title: str, opts: ResourceOptions) -> oss.Folder:
    uid = folder_uid(title)
    return oss.Folder(f"{name}-{uid}", uid=uid, title=title, opts=opts)


def _dashboard(name: str, dashboard: Rendered, folder: oss.Folder, opts: ResourceOptions) -> Resource:
    if dashboard.is_v2:
        # The API of classic dashboards would store it, and show an empty one.
        return v2beta1.Dashboard(
            name,
            metadata={"uid": dashboard.uid, "folder_uid": folder.uid},
            spec={"json": dashboard.json},
            options={"overwrite": True},
            opts=opts,
        )
    # An edit in the browser is overwritten, not refused.
    return oss.Dashboard(name, folder=folder.uid, config_json=dashboard.json, overwrite=True, opts=opts)


def _datasource(name: str, connection: Connection, opts: ResourceOptions) -> Resource:
    return oss.DataSource(
        name,
        uid=connection.datasource.uid,
        name=connection.datasource.name,
        type=connection.datasource.type,
        url=connection.url,
        access_mode="proxy",
        is_default=connection.datasource is PROMETHEUS,
        json_data_encoded=json.dumps(connection.options, sort_keys=True),
        http_headers=connection.headers or None,
        opts=opts,
    )
