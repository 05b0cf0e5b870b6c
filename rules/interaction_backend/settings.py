"""Settings of the `interaction_backend` system."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Len

from model.settings import DnsLabel, Many, Model, Spelled
from rules.agents.settings import TokenBudget
from rules.interaction_backend.contract import DIMENSIONS, VALUES

Value = Annotated[
    str,
    Spelled(r"[A-Za-z0-9]([-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?", "a name as the metrics have it, or each for all others"),
]
EACH = "each"
"""Stands for every value without a budget of its own."""


Budgets = Annotated[dict[Value, TokenBudget], Len(max_length=VALUES)]


class TokenBudgets(Model):
    """Budgets of tokens, by name; `each` is that of every other one."""

    tenant: Budgets = {}
    """Of tenants."""
    team: Budgets = {}
    """Of teams."""
    user_group: Budgets = {}
    """Of groups of users."""

    @property
    def given(self) -> dict[str, dict[str, TokenBudget]]:
        """By dimension, as the metrics have it, and value."""
        every = {name: getattr(self, name) for name in DIMENSIONS}
        return {name: budgets for name, budgets in every.items() if budgets}


class InteractionSettings(Model):
    """The `interaction_backend` system: a realtime backend of agents with AG-UI event streams."""

    namespaces: Many[DnsLabel] = ()
    """Namespaces of the backends that are watched; all by default."""
    budgets: TokenBudgets = TokenBudgets()
    """Budgets of tokens per tenant, team and group of users; none by default."""


EXAMPLE = InteractionSettings.model_validate(
    {
        "namespaces": ["interaction"],
        "budgets": {
            "tenant": {"acme": {"perDay": 2_000_000, "perMonth": 30_000_000}, "each": {"perDay": 500_000}},
            "team": {"support": {"perDay": 1_000_000, "perMonth": 20_000_000}},
            "userGroup": {"trial": {"perDay": 100_000, "perMonth": 1_000_000}},
        },
    }
)
