"""One conversation: its log lines, traces, tokens and cost."""

from __future__ import annotations

from dashboards.conversation import Records, dashboard
from rules.interaction_backend.uids import CONVERSATION, INTERACTION

# The backend's lines are JSON with these fields.
_FIELDS = ("conversation_id", "input_tokens", "output_tokens", "cost_usd", "model")
_PARSED = ", ".join(f'{field}="{field}"' for field in _FIELDS)

DASHBOARD = dashboard(
    Records(
        # Lines without the text are not parsed.
        found=f"|= `$search` |= `conversation_id` | json {_PARSED} | __error__=`` | conversation_id=`$search`",
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
