"""Agents: any that speak OpenTelemetry's GenAI conventions, whoever wrote them. They push; nothing is scraped."""

from __future__ import annotations

from model.cluster import ClusterSettings
from model.rules import Group
from rules.agents import cost, protocols
from rules.agents.alerts import ALERTS, INHIBITIONS, loop_guards
from rules.agents.metrics import METRICS, SPAN_METRICS_OF_A2A
from rules.agents.promql import EVERY, Scope
from rules.agents.recordings import recordings
from rules.agents.settings import AgentsSettings
from rules.agents.slos import slos
from rules.system import System, Watched


def build(settings: AgentsSettings, _cluster: ClusterSettings) -> Watched:
    scope = Scope(settings.namespaces)
    # Without prices and a budget nobody has asked what agents cost; with either, what has no price is a hole in it.
    unpriced = (cost.UNPRICED,) if settings.prices or settings.budget else ()
    budget = cost.budget_alerts(settings.budget) if settings.budget else ()
    return Watched(
        groups=(
            Group("agents-recordings", recordings(scope), EVERY),
            Group("agents-cost", (*cost.recordings(scope, settings.prices), *unpriced, *budget), EVERY),
            Group("agents", (*ALERTS, *loop_guards(settings.max_inference_calls)), EVERY),
            Group("mcp", (*protocols.mcp_recordings(scope), protocols.MCP_FAILING, protocols.SLOW_MCP), EVERY),
        ),
        metrics=METRICS,
        slos=tuple(slos(settings.objectives)),
        inhibitions=INHIBITIONS,
    )


def a2a() -> Watched:
    """Requests between agents, of which spans alone tell: while the metrics of spans are scraped."""
    alerts = (protocols.A2A_FAILING, protocols.SLOW_A2A)
    return Watched(
        groups=(Group(protocols.A2A_GROUP, (*protocols.a2a_recordings(), *alerts), EVERY),),
        metrics=SPAN_METRICS_OF_A2A,
    )


SYSTEM = System("agents", AgentsSettings, build)
