"""One conversation: its log lines, traces, tokens and cost."""

from __future__ import annotations

from dashboards.conversation import Records, dashboard
from rules.interaction_backend.uids import CONVERSATION, INTERACTION

DASHBOARD = dashboard(
    Records(
        found="| conversation_id=`$search`",
        input="input_tokens",
        output="output_tokens",
        cost="cost_usd",
        model="model",
    ),
    uid=CONVERSATION,
    title="Interaction backend: one conversation",
    tags=("interaction_backend",),
    related=(INTERACTION,),
)
