"""The settings of Agent Hive."""

from __future__ import annotations

from model.contract import Part
from model.settings import DnsLabel, Model
from rules.agent_hive.contract import GATEWAY, ORCHESTRATOR, STREAMING, WEBHOOKS
from rules.platforms import Program


class AgentHiveSettings(Model):
    """The `agent_hive` system: an orchestrator of agents, and the servers around it."""

    namespace: DnsLabel = "agent-hive"
    """Namespace of its Services."""
    orchestrator: Program = Program(service="agent-hive", port=8081)
    """Coordinates the agents."""
    webhook_server: Program | None = Program(service="webhook-server", port=8081)
    """Takes webhooks; `null` if there is none."""
    api_gateway: Program | None = Program(service="api-gateway", port=8082)
    """Takes people's requests; `null` if there is none."""
    event_streaming: Program | None = Program(service="event-streaming", port=8083)
    """Sends events to clients; `null` if there is none."""

    @property
    def programs(self) -> tuple[tuple[Part, Program], ...]:
        """Those that there are, with what they emit."""
        given = (
            (ORCHESTRATOR, self.orchestrator),
            (WEBHOOKS, self.webhook_server),
            (GATEWAY, self.api_gateway),
            (STREAMING, self.event_streaming),
        )
        return tuple((part, program) for part, program in given if program)
