"""Where everybody starts: is anything wrong, and where to look."""

from __future__ import annotations

from dashboards.alerts import NEWS, by_name, firing, how_many, of_grafana
from dashboards.model import Dashboard, Panel, Query, Row, Visualization
from model.metrics import Unit
from model.rules import Severity
from model.uids import HOME, RUNBOOKS_FOLDER, folder_uid

_MEANING = {
    Severity.CRITICAL: "somebody is, or should be, at work on it",
    Severity.WARNING: "somebody should look today",
}
_RUNBOOKS = "what to do, for every alert, beside what it measures."
_OPEN = f'{NEWS}, severity=~"{"|".join(_MEANING)}"'


def dashboard(others: tuple[Dashboard, ...]) -> Dashboard:
    """The first dashboard, which leads to all ``others``."""
    folders = dict.fromkeys(other.folder for other in others)
    listed = "\n".join(
        f"**{folder}**\n" + "\n".join(_entry(other) for other in others if other.folder == folder) + "\n"
        for folder in folders
    )
    listed += f"\n**{RUNBOOKS_FOLDER}**\n- [All](/dashboards/f/{folder_uid(RUNBOOKS_FOLDER)}): {_RUNBOOKS}\n"
    return Dashboard(
        uid=HOME,
        title="Home",
        description="Is anything wrong, and where to look.",
        folder="Home",
        tags=("home",),
        time_from="now-24h",
        rows=(
            Row(
                "Is anything wrong?",
                (
                    *(
                        how_many(severity, f"Open: {severity}", f"What Prometheus's alerts fire for: {meaning}.", NEWS)
                        for severity, meaning in _MEANING.items()
                    ),
                    Panel(
                        title="Targets down",
                        description="What Prometheus asks for metrics and gets none from: alerts about it are blind.",
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
            Row(
                "Where to look",
                (
                    Panel(
                        title="Dashboards", description=listed, visualization=Visualization.TEXT, width=16, height=18
                    ),
                    Panel(
                        title="Alerts of the last day",
                        description="What Prometheus's alerts fired for, by severity.",
                        queries=(Query(expr=f"count by (severity) ({firing(_OPEN)})", legend="{{severity}}"),),
                        stacked=True,
                        width=8,
                        height=9,
                    ),
                    Panel(
                        title="Targets that answer",
                        description="The part of all targets that answer Prometheus, by cluster.",
                        queries=(Query(expr="avg by (cluster) (up)", legend="{{cluster}}"),),
                        unit=Unit.RATIO,
                        width=8,
                        height=9,
                    ),
                ),
            ),
        ),
    )


def _entry(dashboard: Dashboard) -> str:
    return f"- [{dashboard.title}](/d/{dashboard.uid}): {dashboard.description}"
