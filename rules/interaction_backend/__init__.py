"""A realtime backend of agents: AG-UI event streams, and what lies between them and the models."""

from __future__ import annotations

from model.rules import SELDOM, Alert, Group, Recording
from rules.agents import SYSTEM as AGENTS
from rules.agents.promql import EVERY
from rules.headline import Headline
from rules.interaction_backend import alerts, recordings
from rules.interaction_backend.contract import CONTRACT
from rules.interaction_backend.settings import EXAMPLE, InteractionSettings
from rules.interaction_backend.uids import INTERACTION
from rules.rates import Scope
from rules.system import Surroundings, System, Watched


def build(settings: InteractionSettings, surroundings: Surroundings) -> Watched:
    scope, budgets = Scope(settings.namespaces), settings.budgets
    # Requests to models are counted by that system alone.
    models = (alerts.MODEL_LATENCY_RISING,) if AGENTS.key in surroundings.on else ()
    of_budgets: tuple[Alert | Recording, ...] = (
        (*recordings.of_budgets(budgets), *alerts.OF_BUDGETS) if budgets.given else ()
    )
    return Watched(
        groups=(
            Group("interaction-backend", (*recordings.recordings(scope), *alerts.OF_STREAMS, *alerts.OF_PARTS), EVERY),
            Group("interaction-tokens", (*recordings.of_tokens(scope, budgets), alerts.ATTRIBUTION_OVERFLOWS), EVERY),
            *((Group("interaction-models", models, EVERY),) if models else ()),
            *((Group("interaction-budgets", of_budgets, SELDOM),) if of_budgets else ()),
        ),
        metrics=CONTRACT.metrics,
        log_fields=CONTRACT.log_fields,
        inhibitions=alerts.INHIBITIONS,
    )


SYSTEM = System(
    key="interaction_backend",
    title="Interaction backend",
    # Of models, tools and agents too: whoever is paged about a model is not paged about its effects.
    owner="agents",
    settings=InteractionSettings,
    example=EXAMPLE,
    dashboard=INTERACTION,
    headline=Headline(errors=f"max({alerts.STREAMS_FAILING.value})", latency=f"max({recordings.FIRST_P95})"),
    build=build,
    contract=CONTRACT,
)
