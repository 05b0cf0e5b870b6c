"""The panel of Kubernetes events."""

from __future__ import annotations

from dashboards.model import Panel, Query, Visualization
from model.datasources import LOKI
from model.logs import EVENTS_APP


def events(matchers: str, filters: str = "", *, width: int = 24, height: int = 9) -> Panel:
    """Events of the streams with ``matchers`` that pass the ``filters``, in LogQL."""
    return Panel(
        title="Kubernetes events",
        description="Newest events. Warnings say what a controller or a kubelet failed to do, and why.",
        visualization=Visualization.LOGS,
        queries=(Query(expr=f'{{{matchers}, app="{EVENTS_APP}"}}{filters}', datasource=LOKI),),
        unmeasured="No events in this time range; none are stored with `collector.kubernetesEvents: false`.",
        width=width,
        height=height,
    )
