"""Agents that speak OpenTelemetry's GenAI conventions. They push; nothing is scraped."""

from __future__ import annotations

from collections.abc import Iterator

from model.rules import SELDOM, Group
from rules.agents import attribution, cost, lines, progress, protocols, signals
from rules.agents.alerts import ALERTS, INHIBITIONS, loop_guards
from rules.agents.metrics import METRICS
from rules.agents.promql import EVERY
from rules.agents.recordings import REQUESTS, RUN_ERRORS, RUN_P95, recordings
from rules.agents.settings import EXAMPLE, AgentsSettings
from rules.agents.slos import slos
from rules.agents.uids import AGENTS
from rules.headline import Figure, Headline
from rules.monitoring import SYSTEM as MONITORING
from rules.rates import Scope
from rules.spans import OF_SPANS, requests_by
from rules.system import Surroundings, System, Watched


def build(settings: AgentsSettings, surroundings: Surroundings) -> Watched:
    scope = Scope(settings.namespaces)
    # With prices or a budget people rely on costs, and a model without a price would be missing from them.
    unpriced = (cost.UNPRICED,) if settings.prices or settings.budget else ()
    budget = cost.budget_alerts(settings.budget) if settings.budget else ()
    # Requests between agents are known from spans only. Jaeger counts these spans, and `monitoring` scrapes Jaeger.
    spans_are_scraped = MONITORING.key in surroundings.on
    attributes, labels = attribution.names(settings.attribution)
    given = settings.signals
    mapped = tuple(signals.open_work(scope, each) for each in given.open_work) if given else ()
    return Watched(
        groups=(
            Group("agents-recordings", recordings(scope), EVERY),
            Group("agents-cost", (*cost.recordings(scope, settings.prices), *unpriced, *budget[:2]), EVERY),
            Group("agents-cost-month", (cost.OF_MONTH, *budget[2:]), SELDOM),
            Group("agents", (*ALERTS, *loop_guards(settings.max_inference_calls)), EVERY),
            Group("agents-progress", (*progress.recordings(scope, mapped), *progress.ALERTS), EVERY),
            Group("mcp", (*protocols.mcp_recordings(scope), protocols.MCP_FAILING, protocols.SLOW_MCP), EVERY),
            *((Group("agents-signals", (*signals.recordings(scope, given), *signals.ALERTS), EVERY),) if given else ()),
            *_attribution(settings, scope, spans=spans_are_scraped),
            *((_a2a(),) if spans_are_scraped else ()),
        ),
        metrics=attribution.labelled(METRICS, settings.attribution)
        + ((*OF_SPANS, *map(requests_by, labels)) if spans_are_scraped else ())
        + (tuple(signals.metrics(given)) if given else ()),
        promoted=attributes,
        attributed=attributes if spans_are_scraped else (),
        grafana_groups=lines.GROUPS if settings.records else (),
        slos=tuple(slos(settings.objectives)),
        inhibitions=INHIBITIONS + progress.INHIBITIONS + (signals.INHIBITIONS if given else ()),
    )


def _attribution(settings: AgentsSettings, scope: Scope, *, spans: bool) -> Iterator[Group]:
    given = settings.attribution
    if given:
        rules = attribution.recordings(scope, given, settings.prices, spans=spans)
        yield Group("agents-attribution", (*rules, attribution.OVERFLOWS), EVERY)
    if any(dimension.budgets for dimension in given.values()):
        yield Group("agents-budgets", (*attribution.of_budgets(given), attribution.BUDGET_SPENT), SELDOM)


def _a2a() -> Group:
    alerts = (protocols.A2A_FAILING, protocols.SLOW_A2A)
    return Group(protocols.A2A_GROUP, (*protocols.a2a_recordings(), *alerts), EVERY)


SYSTEM = System(
    key="agents",
    title="Agents",
    owner="agents",
    settings=AgentsSettings,
    example=EXAMPLE,
    dashboard=AGENTS,
    headline=Headline(
        errors=f"max({RUN_ERRORS})",
        latency=f"max({RUN_P95})",
        cost=f"sum({cost.SPENT_TODAY})",
        figures=(
            Figure(
                title="Active agents",
                description="Agents that called a model in the last 5 minutes.",
                expr=f"count(sum by (cluster, namespace, service, agent) ({REQUESTS}) > 0) or vector(0)",
            ),
            Figure(
                title="Budget spent",
                description="Share of the daily budget for models that the last 24 hours spent. At 1 it is gone.",
                alert="AgentDailyBudgetSpent",
            ),
        ),
    ),
    build=build,
)
