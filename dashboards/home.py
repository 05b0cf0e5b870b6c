"""The start page: firing alerts, and links to the other dashboards."""

from __future__ import annotations

from dashboards.alerts import NEWS, by_name, firing, how_many, of_grafana
from dashboards.model import Dashboard, Panel, Query, Row, Visualization
from model.content import ContentDashboard
from model.metrics import Unit
from model.rules import Severity
from model.uids import HOME, RUNBOOKS_FOLDER, folder_uid

_MEANING = {
    Severity.CRITICAL: "somebody must work on it now",
    Severity.WARNING: "somebody should look today",
}
_RUNBOOKS = "steps for every alert, with its current value."
_OPEN = f'{NEWS}, severity=~"{"|".join(_MEANING)}"'


def dashboard(others: tuple[Dashboard | ContentDashboard, ...], systems: tuple[str, ...]) -> Dashboard:
    """The start page, with links to all ``others``. ``systems`` has the keys of those that are on."""
    folders = dict.fromkeys(other.folder for other in others)
    listed = "\n".join(
        f"**{folder}**\n" + "\n".join(_entry(other) for other in others if other.folder == folder) + "\n"
        for folder in folders
    )
    listed += f"\n**{RUNBOOKS_FOLDER}**\n- [All](/dashboards/f/{folder_uid(RUNBOOKS_FOLDER)}): {_RUNBOOKS}\n"
    return Dashboard(
        uid=HOME,
        title="Home",
        description="Firing alerts, and links to all dashboards.",
        folder="Home",
        tags=("home",),
        time_from="now-24h",
        rows=(
            Row(
                "Current state",
                (
                    *(
                        how_many(severity, f"Open: {severity}", f"Firing alerts of Prometheus: {meaning}.", NEWS)
                        for severity, meaning in _MEANING.items()
                    ),
                    Panel(
                        title="Targets down",
                        description="Targets that Prometheus cannot scrape. Their alerts have no data.",
                        visualization=Visualization.STAT,
                        queries=(Query(expr="count(up == 0) or vector(0)"),),
                        severity=Severity.WARNING,
                        width=4,
                        height=5,
                    ),
                    by_name("Firing now", _OPEN, ("alertname", "severity", "owner"), 12),
                    of_grafana("", 7),
                ),
            ),
            *((Row("Systems", (_of_systems(systems),)),) if systems else ()),
            Row(
                "Navigation",
                (
                    Panel(
                        title="Dashboards", description=listed, visualization=Visualization.TEXT, width=16, height=18
                    ),
                    Panel(
                        title="Alerts of the last day",
                        description="Alerts of Prometheus by severity.",
                        queries=(Query(expr=f"count by (severity) ({firing(_OPEN)})", legend="{{severity}}"),),
                        stacked=True,
                        width=8,
                        height=9,
                    ),
                    Panel(
                        title="Targets up",
                        description="Share of targets that answer Prometheus, by cluster.",
                        queries=(Query(expr="avg by (cluster) (up)", legend="{{cluster}}"),),
                        unit=Unit.RATIO,
                        width=8,
                        height=9,
                    ),
                ),
            ),
        ),
    )


def _of_systems(systems: tuple[str, ...]) -> Panel:
    known = " or ".join(f'label_replace(vector(0), "system", "{each}", "", "")' for each in systems)

    def opened(severity: Severity) -> str:
        matchers = f'{NEWS}, severity="{severity}"'
        return f"count by (system) ({firing(matchers)}) or {known}"

    return Panel(
        title="Systems",
        description="Open alerts of each system that is on, also those on its objectives.",
        visualization=Visualization.TABLE,
        queries=tuple(Query(expr=opened(severity), legend=severity.capitalize()) for severity in _MEANING),
        columns=("system",),
        width=24,
        height=9,
    )


def _entry(dashboard: Dashboard | ContentDashboard) -> str:
    described = f": {dashboard.description}" if dashboard.description else ""
    return f"- [{dashboard.title}](/d/{dashboard.uid}){described}"
